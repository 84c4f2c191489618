/* SPDX-License-Identifier: MIT
 *
 * What all REST endpoints do alike: see rest_call.h.
 */
#include "rest_call.h"

#include "query.h"
#include "walk.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define REQUEST_TIME_MAX INT64_C(9000000000000000) /* microseconds; later than all */

/* ---- errors ---- */

void pw_sim_call_error(struct pw_sim_call *call, uint32_t status, int code, const char *format, ...)
{
    char text[256];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    call->answer->status = status;
    pw_buffer_clear(call->body);
    pw_sim_json_write(pw_sim_error_json(code, text), call->body);
}

json_t *pw_sim_error_json(int code, const char *text)
{
    return PW_SIM_OBJECT(pw_sim_int("code", code), pw_sim_text("msg", text));
}

static json_t *limit_json(const char *type, const char *interval, uint32_t intervals, uint32_t limit)
{
    return PW_SIM_OBJECT(pw_sim_text("rateLimitType", type), pw_sim_text("interval", interval),
                         pw_sim_int("intervalNum", intervals), pw_sim_int("limit", limit));
}

json_t *pw_sim_order_limit_json(enum pw_sim_order_window window, uint32_t limit)
{
    return window == PW_SIM_ORDERS_10S ? limit_json("ORDERS", "SECOND", 10, limit)
                                       : limit_json("ORDERS", "DAY", 1, limit);
}

json_t *pw_sim_weight_limit_json(const struct pw_sim_limits_config *limits, uint32_t limit)
{
    bool is_minute = limits->weight_window_s == 60;
    return limit_json("REQUEST_WEIGHT", is_minute ? "MINUTE" : "SECOND",
                      is_minute ? 1 : limits->weight_window_s, limit);
}

void pw_sim_call_answer(struct pw_sim_call *call, json_t *json)
{
    pw_sim_json_write(json, call->body);
}

/* ---- parameters ---- */

static const struct pw_sim_parameter *parameter_find(const struct pw_sim_call *call, const char *name,
                                                     uint32_t cnt)
{
    for (uint32_t i = 0; i < cnt; i++) {
        if (strcmp(call->parameters[i].name, name) == 0) {
            return &call->parameters[i];
        }
    }
    return NULL;
}

bool pw_sim_call_parse(struct pw_sim_call *call, struct pw_slice query, uint32_t parameter_max)
{
    uint32_t before = call->parameter_cnt;
    size_t used = call->value_bytes, size;

    while (query.size) {
        const char *end = memchr(query.text, '&', query.size);
        struct pw_slice pair = {query.text, end ? (size_t)(end - query.text) : query.size}, value = {0};
        const char *equals = memchr(pair.text, '=', pair.size);
        struct pw_sim_parameter *parameter = &call->parameters[call->parameter_cnt];

        query.text += pair.size + (end != NULL);
        query.size -= pair.size + (end != NULL);
        if (!pair.size) {
            continue;
        }
        if (equals) {
            value = (struct pw_slice){equals + 1, (size_t)(pair.text + pair.size - equals) - 1};
            pair.size = (size_t)(equals - pair.text);
        }
        if (call->parameter_cnt == parameter_max) {
            pw_sim_call_error(call, 400, -1101, "Too many parameters; expected '%u' and received more.",
                              parameter_max);
            return false;
        }
        if (!pw_percent_decode(pair, true, parameter->name, sizeof parameter->name, &size) ||
            !pw_percent_decode(value, true, call->values + used, sizeof call->values - used, &size)) {
            pw_sim_call_error(call, 400, -1100, "Illegal characters found in a parameter.");
            return false;
        }
        parameter->value = call->values + used;
        if (parameter_find(call, parameter->name, before)) {
            continue; /* in the query and the body: the query's is used (binance.md 4.1) */
        }
        used += size + 1;
        call->parameter_cnt++;
    }
    call->value_bytes = used;
    return true;
}

const char *pw_sim_call_text(struct pw_sim_call *call, const char *name)
{
    for (uint32_t i = 0; i < call->parameter_cnt; i++) {
        if (strcmp(call->parameters[i].name, name) == 0) {
            call->parameters[i].read = true;
            return call->parameters[i].value;
        }
    }
    return NULL;
}

bool pw_sim_call_all_read(struct pw_sim_call *call)
{
    uint32_t read = 0;

    for (uint32_t i = 0; i < call->parameter_cnt; i++) {
        read += call->parameters[i].read;
    }
    if (read < call->parameter_cnt) {
        pw_sim_call_error(call, 400, -1104,
                          "Not all sent parameters were read; read '%u' parameter(s) but was sent '%u'.",
                          read, call->parameter_cnt);
        return false;
    }
    return true;
}

bool pw_sim_call_missing(struct pw_sim_call *call, const char *name)
{
    pw_sim_call_error(call, 400, -1102,
                      "Mandatory parameter '%s' was not sent, was empty/null, or malformed.", name);
    return false;
}

bool pw_sim_call_absent(struct pw_sim_call *call, const char *name)
{
    if (!pw_sim_call_text(call, name)) {
        return true;
    }
    pw_sim_call_error(call, 400, -1106, "Parameter '%s' sent when not required.", name);
    return false;
}

bool pw_sim_call_choose(struct pw_sim_call *call, const struct pw_sim_choice *choice, uint32_t *index)
{
    const char *sent = pw_sim_call_text(call, choice->name);

    if (!sent || !*sent) {
        return pw_sim_call_missing(call, choice->name);
    }
    for (*index = 0; *index < choice->word_cnt; ++*index) {
        if (strcmp(sent, choice->words[*index]) == 0) {
            return true;
        }
    }
    pw_sim_call_error(call, 400, choice->code, "%s", choice->text);
    return false;
}

static bool number_parse(const char *text, int64_t *number)
{
    return text[0] != '-' && pw_sim_walk_int((struct pw_slice){text, strlen(text)}, number);
}

bool pw_sim_call_number(struct pw_sim_call *call, const char *name, int64_t standard, int64_t *number)
{
    const char *value = pw_sim_call_text(call, name);

    *number = standard;
    if (!value || number_parse(value, number)) {
        return true;
    }
    if (!*value) {
        pw_sim_call_error(call, 400, -1105, "Parameter '%s' was empty.", name);
    } else {
        pw_sim_call_error(call, 400, -1100,
                          "Illegal characters found in parameter '%s'; legal range is '^[0-9]{1,20}$'.",
                          name);
    }
    return false;
}

bool pw_sim_call_limit(struct pw_sim_call *call, int64_t standard, int64_t most, uint32_t *limit)
{
    int64_t number;

    if (!pw_sim_call_number(call, "limit", standard, &number)) {
        return false;
    }
    if (number < 1) {
        pw_sim_call_error(call, 400, -1130, "Data sent for parameter 'limit' is not valid.");
        return false;
    }
    *limit = (uint32_t)(number < most ? number : most);
    return true;
}

/* Request times may be in ms or in us (binance.md 4.1). */
static int64_t request_time_ns(int64_t time)
{
    return time >= INT64_C(100000000000000) ? time * 1000 : time * 1000000;
}

bool pw_sim_call_span(struct pw_sim_call *call, int64_t longest_ns, struct pw_sim_span *span)
{
    bool both = pw_sim_call_text(call, "startTime") && pw_sim_call_text(call, "endTime");
    int64_t start, end;

    if (!pw_sim_call_number(call, "startTime", 0, &start) ||
        !pw_sim_call_number(call, "endTime", REQUEST_TIME_MAX, &end)) {
        return false;
    }
    if (start > REQUEST_TIME_MAX || end > REQUEST_TIME_MAX) {
        pw_sim_call_error(call, 400, -1130, "Data sent for parameter '%s' is not valid.",
                          start > REQUEST_TIME_MAX ? "startTime" : "endTime");
        return false;
    }
    *span = (struct pw_sim_span){request_time_ns(start), request_time_ns(end)};
    if (longest_ns && both && span->end_ns - span->begin_ns > longest_ns) {
        pw_sim_call_error(call, 400, -1127, "More than %d hours between startTime and endTime.",
                          (int)(longest_ns / INT64_C(3600000000000)));
        return false;
    }
    return true;
}

bool pw_sim_symbol_text_ok(const char *text)
{
    for (const char *c = text; *c; c++) {
        if (*c == '"' || *c == '\\' || (unsigned char)*c <= ' ' || (*c >= 'a' && *c <= 'z')) {
            return false;
        }
    }
    return *text && strlen(text) < PW_SIM_SYMBOL_BYTES;
}

struct pw_sim_symbol *pw_sim_call_symbol_named(struct pw_sim_call *call, const char *name)
{
    struct pw_sim_symbol *symbol = NULL;

    if (!pw_sim_symbol_text_ok(name)) {
        pw_sim_call_error(
            call, 400, -1100,
            "Illegal characters found in parameter 'symbol'; legal range is '^[A-Z0-9-_.]{1,20}$'.");
        return NULL;
    }
    symbol = pw_sim_source_symbol(call->rest->source, (struct pw_slice){name, strlen(name)});
    if (!symbol) {
        pw_sim_call_error(call, 400, -1121, "Invalid symbol.");
    }
    return symbol;
}

bool pw_sim_call_refresh(struct pw_sim_call *call, struct pw_sim_symbol *symbol)
{
    if (call->rest->source->ops->refresh(call->rest->source->state, symbol)) {
        return true;
    }
    pw_sim_call_error(call, 500, -1000, PW_SIM_SERVER_ERROR);
    return false;
}

struct pw_sim_symbol *pw_sim_call_symbol(struct pw_sim_call *call)
{
    const char *name = pw_sim_call_text(call, "symbol");

    if (name && *name) {
        return pw_sim_call_symbol_named(call, name);
    }
    pw_sim_call_missing(call, "symbol");
    return NULL;
}

bool pw_sim_call_symbols(struct pw_sim_call *call, const char *list, json_t **array,
                         json_t *(*use)(struct pw_sim_call *, struct pw_sim_symbol *))
{
    struct pw_slice inside;
    struct pw_sim_walk walk;
    char name[PW_SIM_SYMBOL_BYTES];
    uint32_t cnt = 0;

    if (!pw_sim_walk_begin(&walk, (struct pw_slice){list, strlen(list)}) || walk.object) {
        pw_sim_call_error(call, 400, -1100, "Illegal characters found in parameter 'symbols'.");
        return false;
    }
    for (; pw_sim_walk_next(&walk); cnt++) {
        struct pw_sim_symbol *symbol;
        if (!pw_sim_walk_inside(walk.value, &inside) || inside.size >= sizeof name) {
            pw_sim_call_error(call, 400, -1121, "Invalid symbol.");
            return false;
        }
        memcpy(name, inside.text, inside.size);
        name[inside.size] = 0;
        symbol = pw_sim_call_symbol_named(call, name);
        if (!symbol || !pw_sim_call_refresh(call, symbol)) {
            return false;
        }
        *array = pw_sim_append(*array, use(call, symbol));
    }
    if (walk.broken || !cnt) {
        pw_sim_call_missing(call, "symbols");
        return false;
    }
    return true;
}

void pw_sim_call_weigh(struct pw_sim_call *call, uint32_t weight)
{
    call->rest->used_weight += weight;
}

uint32_t pw_sim_call_seconds_until(const struct pw_sim_call *call, int64_t time_ns)
{
    return (uint32_t)((time_ns - call->wall_ns + 999999999) / 1000000000);
}
