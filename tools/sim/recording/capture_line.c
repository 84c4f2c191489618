/* SPDX-License-Identifier: MIT
 *
 * The grammar of captures: see capture_line.h.
 */
#include "capture_line.h"

#include "decimal.h"
#include "names.h"
#include "walk.h"

#include <stdio.h>
#include <string.h>

/* ---- what a line begins with ---- */

static bool digits_time(struct pw_slice text, int64_t *time_ns)
{
    int64_t value;

    if (!pw_sim_walk_int(text, &value) || value <= 0) {
        return false;
    }
    for (size_t digits = text.size; digits < 19; digits += 3) {
        if (__builtin_mul_overflow(value, INT64_C(1000), &value)) {
            return false;
        }
    }
    *time_ns = value;
    return text.size == 19 || text.size == 16 || text.size == 13 || text.size == 10;
}

static bool fraction_time(struct pw_slice text, int64_t *time_ns)
{
    const char *point = memchr(text.text, '.', text.size);
    size_t whole = point ? (size_t)(point - text.text) : text.size;
    int64_t seconds, scale = 100000000;

    if (!pw_sim_walk_int((struct pw_slice){text.text, whole}, &seconds) || seconds < 0 ||
        seconds > INT64_C(9000000000)) {
        return false;
    }
    *time_ns = seconds * INT64_C(1000000000);
    for (size_t i = whole + 1; i < text.size; i++, scale /= 10) {
        if (text.text[i] < '0' || text.text[i] > '9') {
            return false;
        }
        *time_ns += (text.text[i] - '0') * scale;
    }
    return true;
}

static struct pw_slice slice_from(struct pw_slice line, size_t offset)
{
    return (struct pw_slice){line.text + offset, line.size - offset};
}

bool pw_sim_preamble_parse(struct pw_slice line, struct pw_sim_preamble *preamble)
{
    const char *arrow, *space = memchr(line.text, ' ', line.size);
    size_t word = space ? (size_t)(space - line.text) : line.size;

    *preamble = (struct pw_sim_preamble){0};
    if (!space) {
        return false;
    }
    if (word > 1 && line.text[word - 1] == ':') {
        preamble->json = slice_from(line, word + 1);
        return fraction_time((struct pw_slice){line.text, word - 1}, &preamble->time_ns);
    }
    if (word > 4 && memcmp(line.text, "http", 4) == 0) {
        arrow = memmem(line.text, line.size, " -> ", 4);
        space = arrow ? memmem(arrow, (size_t)(line.text + line.size - arrow), ": ", 2) : NULL;
        if (!space) {
            return false;
        }
        preamble->url = (struct pw_slice){line.text, (size_t)(arrow - line.text)};
        preamble->json = slice_from(line, (size_t)(space + 2 - line.text));
        return fraction_time((struct pw_slice){arrow + 4, (size_t)(space - arrow) - 4}, &preamble->time_ns);
    }
    preamble->json = slice_from(line, word + 1);
    return digits_time((struct pw_slice){line.text, word}, &preamble->time_ns);
}

bool pw_sim_line_is_remark(struct pw_slice line)
{
    return line.size == 0 || (line.size > 6 && memcmp(line.text, "wss://", 6) == 0) ||
           (line.size > 15 && memcmp(line.text, "configuration: ", 15) == 0);
}

/* ---- streams ---- */

enum pw_sim_line_kind pw_sim_stream_kind(struct pw_slice name)
{
    static const struct {
        const char *suffix;
        enum pw_sim_line_kind kind;
    } kinds[] = {{"@trade", PW_SIM_LINE_TRADE},       {"@aggTrade", PW_SIM_LINE_AGG_TRADE},
                 {"@bookTicker", PW_SIM_LINE_QUOTE},  {"@depth", PW_SIM_LINE_DEPTH},
                 {"@depth@100ms", PW_SIM_LINE_DEPTH}, {"@depth@0ms", PW_SIM_LINE_DEPTH}};
    const char *at = memchr(name.text, '@', name.size);
    struct pw_slice suffix = {at, at ? (size_t)(name.text + name.size - at) : 0};

    for (size_t i = 0; at && i < sizeof kinds / sizeof kinds[0]; i++) {
        if (pw_slice_equal(suffix, kinds[i].suffix)) {
            return kinds[i].kind;
        }
    }
    return PW_SIM_LINE_OTHER;
}

bool pw_sim_bare_stream(struct pw_slice data, char *name, size_t name_bytes)
{
    struct pw_slice value, kind = {0}, symbol = {0};
    const char *suffix = NULL;
    int size;

    if (!pw_sim_walk_member(data, "s", &value) || !pw_sim_walk_inside(value, &symbol)) {
        return false;
    }
    if (!pw_sim_walk_member(data, "e", &value)) {
        suffix = pw_sim_walk_member(data, "u", &value) && pw_sim_walk_member(data, "B", &value) ? "bookTicker"
                                                                                                : NULL;
    } else if (!pw_sim_walk_inside(value, &kind)) {
        return false;
    } else if (pw_slice_equal(kind, "depthUpdate")) {
        suffix = "depth@100ms";
    } else if (pw_slice_equal(kind, "trade") || pw_slice_equal(kind, "aggTrade") ||
               pw_slice_equal(kind, "bookTicker")) {
        suffix = pw_slice_equal(kind, "trade")      ? "trade"
                 : pw_slice_equal(kind, "aggTrade") ? "aggTrade"
                                                    : "bookTicker";
    }
    if (!suffix) {
        return false;
    }
    size = snprintf(name, name_bytes, "%.*s@%s", (int)symbol.size, symbol.text, suffix);
    for (size_t i = 0; i < symbol.size && i < name_bytes; i++) {
        name[i] = pw_sim_lower(name[i]);
    }
    return size > 0 && (size_t)size < name_bytes;
}

/* ---- payloads ---- */

uint64_t pw_sim_line_id(struct pw_slice object, const char *name)
{
    struct pw_slice value;
    int64_t id;

    return pw_sim_walk_member(object, name, &value) && pw_sim_walk_int(value, &id) && id > 0 ? (uint64_t)id
                                                                                             : 0;
}

static bool decimal_of(struct pw_slice value, int64_t *number_e8)
{
    struct pw_slice inside;

    return pw_sim_walk_inside(value, &inside) &&
           pw_decimal_parse_e8(inside.text, inside.size, false, number_e8);
}

static bool side_levels(struct pw_slice levels, enum pw_side side,
                        bool (*use)(struct pw_sim_symbol *symbol, enum pw_side side, struct pw_level level),
                        struct pw_sim_symbol *symbol)
{
    struct pw_sim_walk walk, pair;
    struct pw_level level;

    if (!pw_sim_walk_begin(&walk, levels)) {
        return false;
    }
    while (pw_sim_walk_next(&walk)) {
        if (!pw_sim_walk_begin(&pair, walk.value) || !pw_sim_walk_next(&pair) ||
            !decimal_of(pair.value, &level.price_e8) || !pw_sim_walk_next(&pair) ||
            !decimal_of(pair.value, &level.qty_e8) || !use(symbol, side, level)) {
            return false;
        }
    }
    return !walk.broken;
}

bool pw_sim_line_levels(struct pw_slice data, bool snapshot,
                        bool (*use)(struct pw_sim_symbol *symbol, enum pw_side side, struct pw_level level),
                        struct pw_sim_symbol *symbol)
{
    struct pw_slice bids, asks;

    return pw_sim_walk_member(data, snapshot ? "bids" : "b", &bids) &&
           pw_sim_walk_member(data, snapshot ? "asks" : "a", &asks) &&
           side_levels(bids, PW_BUY, use, symbol) && side_levels(asks, PW_SELL, use, symbol);
}

bool pw_sim_line_pair(struct pw_slice data, const char *price, const char *qty, struct pw_level *level)
{
    struct pw_slice value;

    return pw_sim_walk_member(data, price, &value) && decimal_of(value, &level->price_e8) &&
           pw_sim_walk_member(data, qty, &value) && decimal_of(value, &level->qty_e8);
}
