/* SPDX-License-Identifier: MIT
 *
 * The config section of the order books.
 */
#ifndef PW_BOOK_CONFIG_H
#define PW_BOOK_CONFIG_H

#include "key.h"
#include <stdint.h>

struct pw_config_book {
    uint32_t levels; /* kept of each side of each order book */
};

extern const struct pw_section pw_book_section;

#endif
