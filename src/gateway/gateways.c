/* SPDX-License-Identifier: MIT
 *
 * The kinds of gateway. A new one is a file of its own and a row here.
 */
#include "gateways.h"

#include "paper.h"
#include "session.h"
#include <string.h>

const struct pw_gateway_ops *const pw_gateways[] = {
    &pw_paper_gateway,
    &pw_live_gateway,
};
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
