/* SPDX-License-Identifier: MIT
 *
 * All kinds of gateway, by name: what a config may choose from.
 */
#ifndef PW_GATEWAYS_H
#define PW_GATEWAYS_H

#include <pinwheel/gateway.h>

/* A new kind is a file of its own, whose ops are pw_<name>_gateway, and a row here. */
#define PW_GATEWAY_ROWS(X) X(paper) X(live) X(dry)

extern const struct pw_gateway_ops *const pw_gateways[];
extern const uint32_t pw_gateway_cnt;

/* NULL: there is none of that name. */
const struct pw_gateway_ops *pw_gateway_find(const char *name);

#endif
