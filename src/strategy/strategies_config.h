/* SPDX-License-Identifier: MIT
 *
 * The config section `strategies`: what trades.
 */
#ifndef PW_STRATEGIES_CONFIG_H
#define PW_STRATEGIES_CONFIG_H

#include "key.h"
#include <pinwheel/strategy.h>
#include <stdint.h>

#define PW_STRATEGIES_MAX 32u
#define PW_PARAMS_MAX     16u

struct pw_config_strategy {
    uint32_t line; /* of the file, where its entry begins: for errors that only the strategy can find */
    char name[PW_STAGE_NAME_BYTES];
    char kind[24]; /* "ma_cross" */
    uint32_t instrument_cnt;
    uint16_t instruments[PW_INSTRUMENTS_MAX]; /* global indexes, in the order of the feeds' lists */
    uint32_t param_cnt;
    struct pw_param params[PW_PARAMS_MAX];
};

struct pw_config_strategies {
    uint32_t strategy_cnt;
    struct pw_config_strategy strategies[PW_STRATEGIES_MAX];
};

extern const struct pw_section pw_strategies_section;

#endif
