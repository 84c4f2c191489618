/* SPDX-License-Identifier: MIT
 *
 * Reading a strategy's parameters: each wrong one is reported by name.
 */
#ifndef PW_PARAMS_H
#define PW_PARAMS_H

#include <pinwheel/strategy.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pw_param_type {
    PW_PARAM_COUNT,    /* a whole number, at least 1 and at most `max` */
    PW_PARAM_QUANTITY, /* a decimal above 0: PW_UNITS values, of which pw_quantity_of takes an instrument's */
};

/* One parameter that a strategy has; all are required. */
struct pw_param_want {
    const char *name;
    enum pw_param_type type;
    int64_t max; /* of a count */
    int64_t *value;
};

/* A quantity in the unit of one of the strategy's instruments. */
static inline int64_t pw_quantity_of(const int64_t quantity[PW_UNITS], const struct pw_instrument *instrument)
{
    return quantity[PW_UNIT_SHIFT_MAX + instrument->unit_shift];
}

/* Reads all of them. False, with `error`, when one is missing, given twice, unknown, or not of its type, and
 * when the strategy has no instruments, or one of PW_INSTRUMENTS_MAX or above. */
bool pw_params_read(const struct pw_strategy_env *env, const struct pw_param_want *wants, uint32_t want_cnt,
                    char *error, size_t error_bytes);

#endif
