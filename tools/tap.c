/* SPDX-License-Identifier: MIT
 *
 * pinwheel tap: follows a ring of an engine from outside, one line an event. Writes nothing to the engine and
 * cannot slow it: a reader that is too slow misses events, and their number is reported.
 */
#include "cli.h"
#include "watch.h"
#include <inttypes.h>
#include <pinwheel/ring.h>
#include <stdlib.h>
#include <string.h>

#define EMPTY_SLEEP_MS 1
#define ALIVE_EACH     100 /* empty looks between two questions whether the engine lives */

enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_RAW };

struct options {
    const char *instance, *ring;
    bool json, raw, from_now, oldest, list;
    uint32_t iso_times; /* 1: moments as UTC in text */
    uint64_t count; /* 0: no end */
};

static const struct pw_cli_command g_command = {
    .verb = "tap",
    .description =
        "Follows a ring of a running engine, or of a dead one's memory, and prints one line an event. Ends "
        "when interrupted, or when the engine has stopped and everything is read.\n"
        "Following never slows the engine. Events that it overwrites before they are read are counted as "
        "missed. Frames are printed with their text, escaped; missed events and a summary go to stderr.",
    .arguments = PW_CLI_VALUES(PW_WATCH_INSTANCE(struct options, instance),
                               {.name = "RING",
                                .help = "the ring, named after its ends: parse.strategy",
                                .unless = "list",
                                PW_CLI_TEXT(struct options, ring)}),
    .options =
        PW_CLI_VALUES({.name = "list",
                       .help = "list the rings: slots, and what a full ring does",
                       PW_CLI_FLAG(struct options, list)},
                      {.name = "json",
                       .help = "print one JSON object a line; decimals, ids and nanoseconds are strings. A "
                               "gap is {\"kind\":\"missed\",\"missed_cnt\":N}",
                       PW_CLI_FLAG(struct options, json)},
                      {.name = "raw",
                       .help = "print the bytes of frames as received, one frame a line, and nothing else",
                       .excludes = "json",
                       PW_CLI_FLAG(struct options, raw)},
                      PW_WATCH_TIME_FORM(struct options, iso_times, NULL),
                      {.name = "count",
                       .value = "N",
                       .help = "end after N events",
                       .min = 1,
                       PW_CLI_COUNT(struct options, count)},
                      {.name = "from-now",
                       .help = "start with the next event (default for a live engine)",
                       .excludes = "oldest",
                       PW_CLI_FLAG(struct options, from_now)},
                      {.name = "oldest",
                       .help = "start with the oldest event in the ring (default for a dead engine)",
                       PW_CLI_FLAG(struct options, oldest)}),
    .environment = PW_CLI_PAIRS(PW_WATCH_ENVIRONMENT),
    .exits = PW_CLI_EXITS({PW_WATCH_OK, "ended as requested, or the engine stopped"},
                          {PW_WATCH_ABSENT, "no such instance or ring, or it cannot be read"},
                          {PW_WATCH_USAGE, "usage error, or several instances and none named"},
                          {PW_WATCH_DEAD, "the engine was killed or crashed"}),
    .examples = PW_CLI_PAIRS(
        {"pinwheel tap --list", "list the rings of the only engine"},
        {"pinwheel tap demo parse.strategy --json", "follow the market events of the engine 'demo'"}),
};

static void rings_print(FILE *out, const struct pw_workspace *ws)
{
    struct pw_watch_rows rows = {.ws = ws, .kind = PW_REGION_RING};
    const struct pw_ring *ring;
    while ((ring = pw_watch_next(&rows)) != NULL) {
        fprintf(out, "%-31s %8u slots %10" PRIu64 " payload bytes  %s when full\n", rows.region->name,
                ring->slot_cnt, ring->payload_bytes, ring->policy == PW_RING_DROP ? "drops" : "stalls");
    }
}

static void rings_print_json(FILE *out, const struct pw_workspace *ws)
{
    struct pw_json_writer json = {.out = out};
    struct pw_watch_rows rows = {.ws = ws, .kind = PW_REGION_RING};
    const struct pw_ring *ring;
    pw_json_put_open(&json, NULL, '{');
    pw_json_put_open(&json, "rings", '[');
    while ((ring = pw_watch_next(&rows)) != NULL) {
        pw_json_put_open(&json, NULL, '{');
        pw_json_put_text(&json, "name", rows.region->name);
        pw_json_put_text(&json, "policy", ring->policy == PW_RING_DROP ? "drop" : "stall");
        pw_json_put_u64(&json, "slot_cnt", ring->slot_cnt);
        pw_json_put_u64(&json, "payload_bytes", ring->payload_bytes);
        pw_json_put_close(&json, '}');
    }
    pw_json_put_close(&json, ']');
    pw_json_put_close(&json, '}');
    fputc('\n', out);
}

/* ---- following ---- */

struct follow {
    const struct pw_workspace *ws;
    struct pw_tap tap;
    enum format format;
    bool iso_times;
    uint8_t *payload; /* as large as any payload of this ring */
    size_t payload_bytes;
    char *line; /* as large as any line */
    size_t line_bytes;
    const volatile sig_atomic_t *stop; /* the user has seen enough */
    uint64_t event_cnt, missed_reported, payload_missed_cnt;
};

/* The bytes of a frame; -1: they were overwritten. 0 for events that have none. */
static int64_t payload_take(struct follow *follow, const struct pw_event *event)
{
    if (event->kind != PW_EVENT_FRAME || event->body.frame.payload_bytes == 0) {
        return 0;
    }
    int64_t bytes = pw_tap_payload(&follow->tap, event, follow->payload, follow->payload_bytes);
    follow->payload_missed_cnt += bytes < 0;
    return bytes;
}

static void event_print(struct follow *follow, const struct pw_event *event)
{
    int64_t bytes = payload_take(follow, event);
    if (follow->format == FORMAT_RAW) {
        if (bytes > 0) {
            fwrite(follow->payload, 1, (size_t)bytes, stdout);
            fputc('\n', stdout);
        }
        return;
    }
    const char *symbol = pw_watch_symbol(follow->ws, event->instrument_idx);
    const struct pw_instrument *instrument = pw_watch_instrument(follow->ws, event->instrument_idx);
    struct pw_text line = pw_text_start(follow->line, follow->line_bytes);
    bool json = follow->format == FORMAT_JSON;
    line.iso_times = follow->iso_times;
    if (json) {
        pw_text_put(&line, "{");
        pw_event_put_json(&line, event, symbol, instrument);
    } else {
        pw_event_put_line(&line, event, symbol, instrument);
    }
    if (bytes > 0) {
        pw_text_put(&line, json ? ",\"text\":\"" : " \"");
        pw_text_put_escaped(&line, follow->payload, (size_t)bytes);
        pw_text_put(&line, "\"");
    } else if (bytes < 0) {
        pw_text_put(&line, json ? ",\"text\":null" : " (text overwritten)");
    }
    printf("%s%s\n", line.at, json ? "}" : "");
}

static void missed_report(struct follow *follow)
{
    uint64_t missed = follow->tap.missed_cnt - follow->missed_reported;
    follow->missed_reported = follow->tap.missed_cnt;
    if (follow->format == FORMAT_JSON) {
        printf("{\"kind\":\"missed\",\"missed_cnt\":%" PRIu64 "}\n", missed);
    }
    fflush(stdout);
    pw_cli_warn("missed %" PRIu64 " events: this output is slower than the engine", missed);
}

/* Reads to the end: of what was asked, of the engine, of the user's patience, or of the room for output. */
static enum pw_watch_exit follow_run(struct follow *follow, uint64_t count)
{
    struct pw_event event;
    bool alive = true;
    uint32_t empty_cnt = 0;
    while (!*follow->stop && !ferror(stdout) && (count == 0 || follow->event_cnt < count)) {
        enum pw_tap_result result = pw_tap_next(&follow->tap, &event);
        if (result == PW_TAP_EVENT) {
            event_print(follow, &event);
            follow->event_cnt++;
        } else if (result == PW_TAP_MISSED) {
            missed_report(follow);
        } else if (!alive) {
            bool stopped = pw_watch_get(&follow->ws->header->state) == PW_ENGINE_STOPPED;
            pw_cli_warn("the engine %s", stopped ? "has stopped" : "is dead");
            return stopped ? PW_WATCH_OK : PW_WATCH_DEAD;
        } else {
            fflush(stdout);
            if (++empty_cnt % ALIVE_EACH == 1) {
                alive = pw_workspace_alive(follow->ws); /* false: look once more, then end */
            }
            pw_watch_sleep_ms(alive ? EMPTY_SLEEP_MS : 0);
        }
    }
    return PW_WATCH_OK;
}

static enum pw_watch_exit follow_ring(const struct pw_workspace *ws, const char *name,
                                      const struct options *options)
{
    const struct pw_region *region = pw_workspace_find(ws, name, PW_REGION_RING);
    if (region == NULL) {
        pw_cli_error("engine '%s' has no ring '%s'; its rings:", ws->header->instance, name);
        rings_print(stderr, ws);
        return PW_WATCH_ABSENT;
    }
    const struct pw_ring *ring = pw_region_at(ws, region, 0);
    if (options->raw && ring->payload_bytes == 0) {
        pw_cli_error("ring '%s' carries no frames: --raw has nothing to print", name);
        return PW_WATCH_USAGE;
    }
    struct follow follow = {.ws = ws,
                            .stop = pw_cli_stop_signals(),
                            .iso_times = options->iso_times,
                            .format = options->json  ? FORMAT_JSON
                                      : options->raw ? FORMAT_RAW
                                                     : FORMAT_TEXT};
    follow.payload_bytes = ring->payload_bytes / 2 + 1;  /* the largest payload is half the area */
    follow.line_bytes = 1024 + follow.payload_bytes * 6; /* each byte may become \u00ff */
    follow.payload = malloc(follow.payload_bytes);
    follow.line = malloc(follow.line_bytes);
    if (follow.payload == NULL || follow.line == NULL) {
        pw_cli_error("no memory for the payloads of ring '%s'", name);
        free(follow.payload);
        free(follow.line);
        return PW_WATCH_ABSENT;
    }
    bool from_now = options->from_now || (!options->oldest && pw_workspace_alive(ws));
    pw_tap_attach(&follow.tap, ring, from_now);
    enum pw_watch_exit result = follow_run(&follow, options->count);
    fflush(stdout);
    fprintf(stderr, "%" PRIu64 " events, %" PRIu64 " missed", follow.event_cnt, follow.tap.missed_cnt);
    if (follow.payload_missed_cnt != 0) {
        fprintf(stderr, ", the text of %" PRIu64 " overwritten", follow.payload_missed_cnt);
    }
    fprintf(stderr, "\n");
    free(follow.payload);
    free(follow.line);
    return result;
}

int main(int argc, char **argv)
{
    struct options options = {0};
    int code = pw_cli_read(&g_command, argc, argv, &options);
    if (code != PW_CLI_GO) {
        return code;
    }
    struct pw_workspace ws;
    enum pw_watch_exit result = pw_watch_attach(&ws, options.instance);
    if (result != PW_WATCH_OK) {
        return result;
    }
    if (options.list) {
        (options.json ? rings_print_json : rings_print)(stdout, &ws);
    } else {
        result = follow_ring(&ws, options.ring, &options);
    }
    pw_workspace_close(&ws, false);
    return result;
}
