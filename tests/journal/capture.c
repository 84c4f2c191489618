/* SPDX-License-Identifier: MIT
 *
 * A capture's line is "<receive time> <JSON>"; the time is in nanoseconds or, with 16 digits, in
 * microseconds.
 */
#include "capture.h"
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define LINE_BYTES (1 << 20)
#define NS_PER_MS  1000000

const char *capture_folder(void)
{
    const char *folder = getenv("PINWHEEL_SHARED");
    return folder && access(folder, R_OK) == 0 ? folder : NULL;
}

static int64_t decimal_e8(const json_t *value)
{
    const char *text = json_string_value(value);
    int64_t number = 0;
    int decimals = -1;
    for (; *text; text++) {
        if (*text == '.') {
            decimals = 0;
        } else if (decimals < 8) {
            number = number * 10 + (*text - '0');
            decimals += decimals >= 0;
        }
    }
    for (decimals = decimals < 0 ? 0 : decimals; decimals < 8; decimals++) {
        number *= 10;
    }
    return number;
}

static int64_t integer(const json_t *object, const char *key)
{
    return (int64_t)json_integer_value(json_object_get(object, key));
}

static void add(struct capture *capture, struct pw_event event)
{
    if (capture->event_cnt == capture->room) {
        capture->room = capture->room ? capture->room * 2 : 1 << 16;
        capture->events = realloc(capture->events, capture->room * sizeof event);
        if (!capture->events) {
            abort();
        }
    }
    event.seq = (uint32_t)capture->event_cnt;
    capture->events[capture->event_cnt++] = event;
}

static void add_levels(struct capture *capture, const struct pw_event *depth, const json_t *side,
                       uint8_t flags, bool last_side)
{
    size_t cnt = json_array_size(side);
    for (size_t i = 0; i < cnt; i += 2) {
        struct pw_event event = *depth;
        bool pair = i + 1 < cnt;
        event.kind = PW_EVENT_LEVELS;
        event.flags = (uint8_t)((depth->flags & ~PW_FLAG_LAST) | flags | (pair ? PW_FLAG_PAIR : 0) |
                                (last_side && i + 2 >= cnt ? PW_FLAG_LAST : 0));
        memset(&event.body, 0, sizeof event.body);
        for (size_t k = 0; k < (pair ? 2 : 1); k++) {
            const json_t *level = json_array_get(side, i + k);
            event.body.levels.level[k] = (struct pw_level){.price_e8 = decimal_e8(json_array_get(level, 0)),
                                                           .qty_e8 = decimal_e8(json_array_get(level, 1))};
        }
        event.body.levels.update_id = depth->body.depth.last_update_id;
        add(capture, event);
    }
}

static void add_depth(struct capture *capture, struct pw_event event, const json_t *bids, const json_t *asks)
{
    event.kind = PW_EVENT_DEPTH;
    event.body.depth.bid_cnt = (uint32_t)json_array_size(bids);
    event.body.depth.ask_cnt = (uint32_t)json_array_size(asks);
    if (event.body.depth.bid_cnt + event.body.depth.ask_cnt == 0) {
        event.flags |= PW_FLAG_LAST;
    }
    add(capture, event);
    add_levels(capture, &event, bids, 0, event.body.depth.ask_cnt == 0);
    add_levels(capture, &event, asks, PW_FLAG_SELL, true);
}

static void add_trade(struct capture *capture, struct pw_event event, const json_t *data)
{
    event.kind = PW_EVENT_TRADE;
    event.flags = json_is_true(json_object_get(data, "m")) ? PW_FLAG_SELL : 0;
    event.body.trade = (struct pw_trade){
        .price_e8 = decimal_e8(json_object_get(data, "p")),
        .qty_e8 = decimal_e8(json_object_get(data, "q")),
        .trade_id = (uint64_t)integer(data, "t"),
        .trade_ns = integer(data, "T") * NS_PER_MS,
    };
    add(capture, event);
}

static void add_quote(struct capture *capture, struct pw_event event, const json_t *data)
{
    event.kind = PW_EVENT_QUOTE;
    event.body.quote = (struct pw_quote){
        .bid_price_e8 = decimal_e8(json_object_get(data, "b")),
        .bid_qty_e8 = decimal_e8(json_object_get(data, "B")),
        .ask_price_e8 = decimal_e8(json_object_get(data, "a")),
        .ask_qty_e8 = decimal_e8(json_object_get(data, "A")),
        .update_id = (uint64_t)integer(data, "u"),
    };
    add(capture, event);
}

static void add_update(struct capture *capture, struct pw_event event, const json_t *data)
{
    event.body.depth.first_update_id = (uint64_t)integer(data, "U");
    event.body.depth.last_update_id = (uint64_t)integer(data, "u");
    event.body.depth.prev_update_id = (uint64_t)integer(data, "pu");
    event.flags = event.body.depth.last_update_id <= capture->snapshot_id ? PW_FLAG_STALE : 0;
    add_depth(capture, event, json_object_get(data, "b"), json_object_get(data, "a"));
}

static void add_message(struct capture *capture, uint16_t instrument_idx, const json_t *line)
{
    const json_t *message = json_array_get(line, 1), *data = json_object_get(message, "data");
    const char *kind = json_string_value(json_object_get(data, "e"));
    struct pw_event event = {.instrument_idx = instrument_idx,
                             .recv_ns = (int64_t)json_integer_value(json_array_get(line, 0)),
                             .venue_ns = integer(data, "E") * NS_PER_MS};
    if (!data) {
        event.flags = PW_FLAG_SNAPSHOT;
        event.body.depth.last_update_id = (uint64_t)integer(message, "lastUpdateId");
        add_depth(capture, event, json_object_get(message, "bids"), json_object_get(message, "asks"));
        capture->snapshot_id = event.body.depth.last_update_id;
    } else if (kind && strcmp(kind, "depthUpdate") == 0) {
        add_update(capture, event, data);
    } else if (kind && strcmp(kind, "trade") == 0) {
        add_trade(capture, event, data);
    } else if (json_object_get(data, "B")) {
        add_quote(capture, event, data);
    } else {
        return;
    }
    capture->message_cnt++;
}

static void add_all(struct capture *capture, uint16_t instrument_idx, json_t *lines)
{
    size_t i;
    json_t *line;
    json_array_foreach(lines, i, line)
    {
        add_message(capture, instrument_idx, line);
    }
    json_array_clear(lines);
}

/* Keeps back what must wait for a snapshot; false: it need not. */
static bool waits(const struct capture *capture, const json_t *message)
{
    const char *kind = json_string_value(json_object_get(json_object_get(message, "data"), "e"));
    return !capture->synced && kind && strcmp(kind, "depthUpdate") == 0;
}

bool capture_load(struct capture *capture, const char *name, uint16_t instrument_idx)
{
    char path[512];
    snprintf(path, sizeof path, "%s/data/%s", capture_folder(), name);
    gzFile file = gzopen(path, "rb");
    char *line = malloc(LINE_BYTES);
    json_t *waiting = json_array();
    while (file && line && gzgets(file, line, LINE_BYTES)) {
        char *text;
        int64_t recv_ns = strtoll(line, &text, 10) * (strcspn(line, " ") == 16 ? 1000 : 1);
        json_t *message = json_loads(text, 0, NULL),
               *pair = json_pack("[I, o]", (json_int_t)recv_ns, message);
        if (!pair) {
            abort();
        }
        if (waits(capture, message)) {
            json_array_append(waiting, pair);
        } else {
            add_message(capture, instrument_idx, pair);
        }
        if (!json_object_get(message, "data")) {
            capture->synced = true;
            add_all(capture, instrument_idx, waiting);
        }
        json_decref(pair);
    }
    add_all(capture, instrument_idx, waiting);
    json_decref(waiting);
    free(line);
    if (file) {
        gzclose(file);
    }
    return file != NULL;
}

void capture_free(struct capture *capture)
{
    free(capture->events);
}
