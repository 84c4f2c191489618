/* SPDX-License-Identifier: MIT
 *
 * Units of the integers that stand for amounts and times.
 */
#ifndef PINWHEEL_UNITS_H
#define PINWHEEL_UNITS_H

#include <stdint.h>

#define PW_E8 INT64_C(100000000)

#define PW_NS_PER_MS INT64_C(1000000)
#define PW_NS_PER_S  INT64_C(1000000000)

#endif
