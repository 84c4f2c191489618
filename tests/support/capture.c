/* SPDX-License-Identifier: MIT
 *
 * One line, one message: "<time> <JSON>". Streams by the end of their names; a line without a stream is a
 * snapshot.
 */
#include "capture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define LINE_BYTES (4 << 20)

static int64_t number(const json_t *object, const char *key)
{
    return (int64_t)json_integer_value(json_object_get(object, key));
}

static int64_t decimal(const json_t *object, const char *key)
{
    return e8_of(json_object_get(object, key));
}

static struct pw_event *add(struct capture *capture, uint8_t kind, int64_t recv_ns)
{
    if (capture->cnt == capture->room) {
        capture->room = capture->room ? capture->room * 2 : 65536;
        capture->events = realloc(capture->events, capture->room * sizeof *capture->events);
        capture->lines = realloc(capture->lines, capture->room * sizeof *capture->lines);
    }
    struct pw_event *event = &capture->events[capture->cnt];
    *event = (struct pw_event){.kind = kind, .seq = (uint32_t)capture->cnt, .recv_ns = recv_ns};
    capture->lines[capture->cnt++] = capture->line_cnt;
    return event;
}

static void add_levels(struct capture *capture, const json_t *levels, uint64_t update_id, int64_t recv_ns,
                       uint8_t flags)
{
    for (size_t i = 0; i < json_array_size(levels); i += 2) {
        struct pw_event *event = add(capture, PW_EVENT_LEVELS, recv_ns);
        event->flags = flags;
        event->body.levels.update_id = update_id;
        for (size_t k = 0; k < 2 && i + k < json_array_size(levels); k++) {
            const json_t *level = json_array_get(levels, i + k);
            event->flags |= k ? PW_FLAG_PAIR : 0;
            event->body.levels.level[k].price_e8 = e8_of(json_array_get(level, 0));
            event->body.levels.level[k].qty_e8 = e8_of(json_array_get(level, 1));
        }
    }
}

static void add_depth(struct capture *capture, const json_t *bids, const json_t *asks, struct pw_depth depth,
                      int64_t recv_ns, uint8_t flags)
{
    struct pw_event *event = add(capture, PW_EVENT_DEPTH, recv_ns);
    event->flags = flags;
    event->body.depth = depth;
    event->body.depth.bid_cnt = (uint32_t)json_array_size(bids);
    event->body.depth.ask_cnt = (uint32_t)json_array_size(asks);
    add_levels(capture, bids, depth.last_update_id, recv_ns, flags);
    add_levels(capture, asks, depth.last_update_id, recv_ns, flags | PW_FLAG_SELL);
    capture->events[capture->cnt - 1].flags |= PW_FLAG_LAST;
}

static void add_trade(struct capture *capture, const json_t *data, int64_t recv_ns)
{
    struct pw_event *event = add(capture, PW_EVENT_TRADE, recv_ns);
    event->flags = json_is_true(json_object_get(data, "m")) ? PW_FLAG_SELL : 0;
    event->body.trade = (struct pw_trade){.price_e8 = decimal(data, "p"),
                                          .qty_e8 = decimal(data, "q"),
                                          .trade_id = (uint64_t)number(data, "t"),
                                          .trade_ns = number(data, "T") * 1000000};
}

static void add_quote(struct capture *capture, const json_t *data, int64_t recv_ns)
{
    struct pw_event *event = add(capture, PW_EVENT_QUOTE, recv_ns);
    event->body.quote = (struct pw_quote){decimal(data, "b"), decimal(data, "B"), decimal(data, "a"),
                                          decimal(data, "A"), (uint64_t)number(data, "u")};
}

static void add_update(struct capture *capture, const json_t *data, int64_t recv_ns)
{
    const struct pw_depth depth = {.first_update_id = (uint64_t)number(data, "U"),
                                   .last_update_id = (uint64_t)number(data, "u"),
                                   .prev_update_id = (uint64_t)number(data, "pu")};
    bool stale = capture->synchronized && depth.last_update_id <= capture->snapshot_id;

    add_depth(capture, json_object_get(data, "b"), json_object_get(data, "a"), depth, recv_ns,
              stale ? PW_FLAG_STALE : 0);
}

static void add_snapshot(struct capture *capture, const json_t *message, int64_t recv_ns)
{
    uint64_t id = (uint64_t)number(message, "lastUpdateId");

    add_depth(capture, json_object_get(message, "bids"), json_object_get(message, "asks"),
              (struct pw_depth){.last_update_id = id}, recv_ns, PW_FLAG_SNAPSHOT);
    capture->snapshot_id = id;
}

static void waiting_add(struct capture *capture)
{
    uint32_t line_cnt = capture->line_cnt;
    const json_t *one;
    size_t i;

    json_array_foreach(capture->waiting, i, one)
    {
        capture->line_cnt = (uint32_t)json_integer_value(json_array_get(one, 0));
        add_update(capture, json_object_get(json_array_get(one, 2), "data"),
                   (int64_t)json_integer_value(json_array_get(one, 1)));
    }
    capture->line_cnt = line_cnt;
    json_decref(capture->waiting);
    capture->waiting = NULL;
}

static void add_message(struct capture *capture, json_t *message, int64_t recv_ns)
{
    const char *stream = json_string_value(json_object_get(message, "stream"));
    const json_t *data = json_object_get(message, "data");
    size_t first = capture->cnt;

    if (!stream) {
        add_snapshot(capture, message, recv_ns);
        capture->synced = true;
        waiting_add(capture);
    } else if (strstr(stream, "@bookTicker")) {
        add_quote(capture, data, recv_ns);
    } else if (strstr(stream, "@trade")) {
        add_trade(capture, data, recv_ns);
    } else if (strstr(stream, "@depth") && capture->synchronized && !capture->synced) {
        capture->waiting = capture->waiting ? capture->waiting : json_array();
        json_array_append_new(capture->waiting,
                              json_pack("[i, I, O]", (int)capture->line_cnt, (json_int_t)recv_ns, message));
    } else if (strstr(stream, "@depth")) {
        add_update(capture, data, recv_ns);
    }
    for (size_t i = first; data && i < capture->cnt; i++) {
        capture->events[i].venue_ns = number(data, "E") * 1000000;
    }
}

bool capture_add(struct capture *capture, const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/data/%s", shared_data(), name);
    gzFile file = gzopen(path, "r");
    char *line = malloc(LINE_BYTES);
    bool ok = file && line;
    while (ok && gzgets(file, line, LINE_BYTES)) {
        char *rest;
        int64_t recv_ns = strtoll(line, &rest, 10);
        recv_ns *= rest - line == 16 ? 1000 : 1; /* some recordings have microseconds */
        json_t *message = json_loads(rest, 0, NULL);
        ok = message != NULL;
        if (ok) {
            add_message(capture, message, recv_ns);
            json_decref(message);
        }
        capture->line_cnt++;
    }
    waiting_add(capture);
    if (file) {
        gzclose(file);
    }
    free(line);
    return ok;
}

void capture_free(struct capture *capture)
{
    free(capture->events);
    free(capture->lines);
    json_decref(capture->waiting);
    *capture = (struct capture){0};
}
