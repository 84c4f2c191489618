/* SPDX-License-Identifier: MIT
 *
 * All kinds of gateway, by name: what a config may choose from.
 */
#ifndef PW_GATEWAYS_H
#define PW_GATEWAYS_H

#include <pinwheel/gateway.h>

extern const struct pw_gateway_ops *const pw_gateways[];
extern const uint32_t pw_gateway_cnt;

/* NULL: there is none of that name. */
const struct pw_gateway_ops *pw_gateway_find(const char *name);

#endif
