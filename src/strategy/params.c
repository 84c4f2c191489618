/* SPDX-License-Identifier: MIT
 *
 * Parameters: every given name must be wanted, every wanted one given once, every value in its range.
 */
#include "params.h"

#include "decimal.h"
#include <stdio.h>
#include <string.h>

/* Like every number of a config: without leading zeros. */
static bool has_leading_zeros(const char *text)
{
    return text[0] == '0' && text[1] >= '0' && text[1] <= '9';
}

static bool read_count(const struct pw_param_want *want, const char *text, char *error, size_t error_bytes)
{
    int64_t value_e8 = 0;
    bool ok = !has_leading_zeros(text) && pw_decimal_parse_e8(text, strlen(text), false, &value_e8) &&
              strchr(text, '.') == NULL && value_e8 % PW_E8 == 0 && value_e8 / PW_E8 >= 1 &&
              value_e8 / PW_E8 <= want->max;
    if (!ok) {
        snprintf(error, error_bytes,
                 "parameter '%s': '%s' is not a whole number from 1 to %lld, without leading zeros",
                 want->name, text, (long long)want->max);
        return false;
    }
    *want->value = value_e8 / PW_E8;
    return true;
}

static bool read_quantity_in(const struct pw_param_want *want, const char *text, int unit_shift)
{
    int64_t *value = &want->value[PW_UNIT_SHIFT_MAX + unit_shift];
    return !has_leading_zeros(text) &&
           pw_decimal_parse(text, strlen(text), pw_qty_decimals(unit_shift), false, value) && *value > 0;
}

/* Of a config alone, where the instruments are not known yet: one that some unit holds. */
static bool read_quantity_in_any(const struct pw_param_want *want, const char *text)
{
    int places = pw_decimal_places(text, strlen(text));
    return places >= 0 && places <= PW_DECIMALS_MAX &&
           read_quantity_in(want, text, PW_UNIT_SHIFT_MAX - places);
}

/* In the unit of each of its instruments. */
static bool read_quantity(const struct pw_strategy_env *env, const struct pw_param_want *want,
                          const char *text, char *error, size_t error_bytes)
{
    const struct pw_instrument *table = env->instrument_table;
    for (uint32_t i = 0; i < env->instrument_cnt && env->instruments[i] < PW_INSTRUMENTS_MAX; i++) {
        int unit_shift = table != NULL ? table[env->instruments[i]].unit_shift : 0;
        if (table != NULL ? !read_quantity_in(want, text, unit_shift) : !read_quantity_in_any(want, text)) {
            snprintf(error, error_bytes,
                     "parameter '%s': '%s' is not a decimal above 0, with at most %d decimals and no leading "
                     "zeros%s%s",
                     want->name, text, pw_qty_decimals(unit_shift),
                     unit_shift != 0 ? ", as quantities of " : "",
                     unit_shift != 0 ? table[env->instruments[i]].symbol : "");
            return false;
        }
    }
    return true;
}

static const struct pw_param *find_param(const struct pw_strategy_env *env, const char *name, uint32_t from)
{
    for (uint32_t i = from; i < env->param_cnt; i++) {
        if (strcmp(env->params[i].name, name) == 0) {
            return &env->params[i];
        }
    }
    return NULL;
}

static bool is_wanted(const struct pw_param_want *wants, uint32_t want_cnt, const char *name)
{
    for (uint32_t i = 0; i < want_cnt; i++) {
        if (strcmp(wants[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static bool check_names(const struct pw_strategy_env *env, const struct pw_param_want *wants,
                        uint32_t want_cnt, char *error, size_t error_bytes)
{
    for (uint32_t i = 0; i < env->param_cnt; i++) {
        const char *name = env->params[i].name;
        if (!is_wanted(wants, want_cnt, name)) {
            int at = snprintf(error, error_bytes, "unknown parameter '%s'; valid:", name);
            for (uint32_t k = 0; k < want_cnt && at > 0 && (size_t)at < error_bytes; k++) {
                at += snprintf(error + at, error_bytes - (size_t)at, "%s %s", k ? "," : "", wants[k].name);
            }
            return false;
        }
        if (find_param(env, name, i + 1)) {
            snprintf(error, error_bytes, "parameter '%s' is set twice", name);
            return false;
        }
    }
    return true;
}

static bool check_instruments(const struct pw_strategy_env *env, char *error, size_t error_bytes)
{
    if (env->instrument_cnt == 0 || env->instrument_cnt > PW_INSTRUMENTS_MAX) {
        snprintf(error, error_bytes, "needs 1 to %u instruments", PW_INSTRUMENTS_MAX);
        return false;
    }
    for (uint32_t i = 0; i < env->instrument_cnt; i++) {
        if (env->instruments[i] >= PW_INSTRUMENTS_MAX) {
            snprintf(error, error_bytes, "instrument %u does not exist", env->instruments[i]);
            return false;
        }
    }
    return true;
}

bool pw_params_read(const struct pw_strategy_env *env, const struct pw_param_want *wants, uint32_t want_cnt,
                    char *error, size_t error_bytes)
{
    if (!check_names(env, wants, want_cnt, error, error_bytes)) {
        return false;
    }
    for (uint32_t i = 0; i < want_cnt; i++) {
        const struct pw_param *param = find_param(env, wants[i].name, 0);
        if (!param) {
            snprintf(error, error_bytes, "parameter '%s' is missing", wants[i].name);
            return false;
        }
        if (wants[i].type == PW_PARAM_COUNT
                ? !read_count(&wants[i], param->value, error, error_bytes)
                : !read_quantity(env, &wants[i], param->value, error, error_bytes)) {
            return false;
        }
    }
    return check_instruments(env, error, error_bytes);
}
