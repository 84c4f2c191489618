/* SPDX-License-Identifier: MIT
 *
 * The kinds of gateway, from their list in gateways.h.
 */
#include "gateways.h"

#include "paper.h"
#include "session.h"
#include <string.h>

#define OPS(name) &pw_##name##_gateway,

const struct pw_gateway_ops *const pw_gateways[] = {PW_GATEWAY_ROWS(OPS)};
const uint32_t pw_gateway_cnt = sizeof pw_gateways / sizeof *pw_gateways;

const struct pw_gateway_ops *pw_gateway_find(const char *name)
{
    for (uint32_t i = 0; i < pw_gateway_cnt; i++) {
        if (strcmp(pw_gateways[i]->name, name) == 0) {
            return pw_gateways[i];
        }
    }
    return NULL;
}
