/* SPDX-License-Identifier: MIT
 *
 * The table of built-in strategies.
 */
#include "strategies.h"

#include <string.h>

#define ADDRESS(ops) &ops,
static const struct pw_strategy_ops *const strategies[] = {PW_STRATEGY_ROWS(ADDRESS)};

#define STRATEGY_CNT (sizeof strategies / sizeof strategies[0])

const struct pw_strategy_ops *pw_strategy_find(const char *kind)
{
    for (size_t i = 0; i < STRATEGY_CNT; i++) {
        if (strcmp(strategies[i]->kind, kind) == 0) {
            return strategies[i];
        }
    }
    return NULL;
}

const struct pw_strategy_ops *pw_strategy_at(uint32_t i)
{
    return i < STRATEGY_CNT ? strategies[i] : NULL;
}

const char *pw_strategy_kind(uint32_t i)
{
    return i < STRATEGY_CNT ? strategies[i]->kind : NULL;
}
