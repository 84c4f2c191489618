/* SPDX-License-Identifier: MIT
 *
 * pinwheel tap: follows a ring of an engine from outside, one line an event. Writes nothing to the engine and
 * cannot slow it: who reads too slowly misses events, and is told how many.
 */
#include "watch.h"
#include <inttypes.h>
#include <pinwheel/ring.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define EMPTY_SLEEP_MS 1
#define ALIVE_EACH     100 /* empty looks between two questions whether the engine lives */

static const char help[] =
    "usage: pinwheel tap [INSTANCE] RING [--json | --raw] [--count N] [--from-now | --oldest]\n"
    "       pinwheel tap [INSTANCE] --list\n"
    "\n"
    "Follows a ring of a running engine (or of a dead one's memory), one line an event. INSTANCE is a name "
    "or the path of\n"
    "a workspace; where there is only one, it may be left out. Ends when interrupted, or when the engine has "
    "stopped and\n"
    "all is read. Following never slows the engine: events that it overwrites before they are read are "
    "counted as missed.\n"
    "\n"
    "  --list      the rings, with their slots and what happens when they are full\n"
    "  --json      a JSON object a line; decimals are strings, integers have up to 64 bits; a miss is\n"
    "              {\"kind\":\"missed\",\"count\":N}\n"
    "  --raw       the bytes of frames as they came, one a line, and nothing else\n"
    "  --count N   end after N events\n"
    "  --from-now  begin with the next event (so it is with a running engine)\n"
    "  --oldest    begin with the oldest event that is still there (so it is with a dead one)\n"
    "  --help\n"
    "\n"
    "Frames are printed with their text, escaped. What was missed, and a summary, go to standard error.\n"
    "\n"
    "exit codes: 0 ended as asked, or the engine stopped; 1 no such instance or ring, or it cannot be read; "
    "2 wrong usage,\n"
    "or several instances and none named (they are listed); 3 the engine was killed or crashed\n";

enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_RAW };

struct options {
    const char *names[2]; /* as given: [INSTANCE] RING */
    int name_cnt;
    enum format format;
    int64_t count; /* 0: no end */
    bool from_now, oldest, list;
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

/* False: not an option that stands alone. */
static bool flag_read(struct options *options, const char *arg)
{
    if (strcmp(arg, "--json") == 0) {
        options->format = FORMAT_JSON;
    } else if (strcmp(arg, "--raw") == 0) {
        options->format = FORMAT_RAW;
    } else if (strcmp(arg, "--from-now") == 0) {
        options->from_now = true;
    } else if (strcmp(arg, "--oldest") == 0) {
        options->oldest = true;
    } else if (strcmp(arg, "--list") == 0) {
        options->list = true;
    } else {
        return false;
    }
    return true;
}

/* 0, or -1 when the arguments make no sense; 1 when help was given. */
static int options_read(struct options *options, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            fputs(help, stdout);
            return 1;
        }
        if (flag_read(options, argv[i])) {
            continue;
        }
        if (strcmp(argv[i], "--count") == 0) {
            if (++i == argc || !pw_watch_number(argv[i], 1, INT64_MAX, &options->count)) {
                fprintf(stderr, "--count wants a number of events\n");
                return -1;
            }
        } else if (argv[i][0] == '-' || options->name_cnt == 2) {
            fprintf(stderr, "what is '%s'? see pinwheel tap --help\n", argv[i]);
            return -1;
        } else {
            options->names[options->name_cnt++] = argv[i];
        }
    }
    if (options->list ? options->name_cnt == 2 : options->name_cnt == 0) {
        fprintf(stderr, "which ring? see pinwheel tap --help, or --list\n");
        return -1;
    }
    if (options->from_now && options->oldest) {
        fprintf(stderr, "--from-now or --oldest: choose one\n");
        return -1;
    }
    return 0;
}

static void rings_print(FILE *out, const struct pw_workspace *ws)
{
    uint32_t at = 0;
    const struct pw_region *region;
    while ((region = pw_watch_region(ws, PW_REGION_RING, &at)) != NULL) {
        const struct pw_ring *ring = pw_region_at(ws, region, 0);
        fprintf(out, "%-31s %8u slots %10" PRIu64 " payload bytes  %s when full\n", region->name,
                ring->slot_cnt, ring->payload_bytes, ring->policy == PW_RING_DROP ? "drops" : "stalls");
    }
}

/* ---- following ---- */

struct follow {
    const struct pw_workspace *ws;
    struct pw_tap tap;
    enum format format;
    uint8_t *payload; /* as large as any payload of this ring */
    size_t payload_bytes;
    char *line; /* as large as any line */
    size_t line_bytes;
    uint64_t event_cnt, missed_told, payload_missed_cnt;
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
    struct pw_text line = pw_text_start(follow->line, follow->line_bytes);
    bool json = follow->format == FORMAT_JSON;
    if (json) {
        pw_text_put(&line, "{");
        pw_event_put_json(&line, event, symbol);
    } else {
        line.len = (size_t)pw_event_print(event, symbol, line.at, (int)line.bytes);
    }
    if (bytes > 0) {
        pw_text_put(&line, json ? ",\"text\":\"" : " \"");
        pw_text_put_escaped(&line, follow->payload, (size_t)bytes);
        pw_text_put(&line, "\"");
    } else if (bytes < 0) {
        pw_text_put(&line, json ? ",\"text\":null" : " (its text was overwritten)");
    }
    printf("%s%s\n", line.at, json ? "}" : "");
}

static void missed_tell(struct follow *follow)
{
    uint64_t missed = follow->tap.missed_cnt - follow->missed_told;
    follow->missed_told = follow->tap.missed_cnt;
    if (follow->format == FORMAT_JSON) {
        printf("{\"kind\":\"missed\",\"count\":%" PRIu64 "}\n", missed);
    }
    fflush(stdout);
    fprintf(stderr, "missed %" PRIu64 " events: the engine is faster than this output\n", missed);
}

/* Reads to the end: of what was asked, of the engine, or of the user's patience. */
static enum pw_watch_exit follow_run(struct follow *follow, int64_t count)
{
    struct pw_event event;
    bool alive = true;
    uint32_t empty_cnt = 0;
    while (!interrupted && (count == 0 || follow->event_cnt < (uint64_t)count)) {
        enum pw_tap_result result = pw_tap_next(&follow->tap, &event);
        if (result == PW_TAP_EVENT) {
            event_print(follow, &event);
            follow->event_cnt++;
        } else if (result == PW_TAP_MISSED) {
            missed_tell(follow);
        } else if (!alive) {
            bool stopped = pw_watch_get(&follow->ws->header->state) == PW_ENGINE_STOPPED;
            fprintf(stderr, "the engine %s\n", stopped ? "has stopped" : "is dead");
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
        fprintf(stderr, "instance '%s' has no ring '%s'; it has\n", ws->header->instance, name);
        rings_print(stderr, ws);
        return PW_WATCH_ABSENT;
    }
    const struct pw_ring *ring = pw_region_at(ws, region, 0);
    if (options->format == FORMAT_RAW && ring->payload_bytes == 0) {
        fprintf(stderr, "ring '%s' carries no frames: --raw has nothing to print\n", name);
        return PW_WATCH_USAGE;
    }
    struct follow follow = {.ws = ws, .format = options->format};
    follow.payload_bytes = ring->payload_bytes / 2 + 1;  /* the largest payload is half the area */
    follow.line_bytes = 1024 + follow.payload_bytes * 6; /* each byte may become \u00ff */
    follow.payload = malloc(follow.payload_bytes);
    follow.line = malloc(follow.line_bytes);
    if (follow.payload == NULL || follow.line == NULL) {
        fprintf(stderr, "no memory for the payloads of ring '%s'\n", name);
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
    int read = options_read(&options, argc, argv);
    if (read != 0) {
        return read > 0 ? PW_WATCH_OK : PW_WATCH_USAGE;
    }
    int instance_cnt = options.list ? options.name_cnt : options.name_cnt - 1;
    struct pw_workspace ws;
    enum pw_watch_exit result = pw_watch_attach(&ws, instance_cnt > 0 ? options.names[0] : NULL);
    if (result != PW_WATCH_OK) {
        return result;
    }
    struct sigaction action = {.sa_handler = on_interrupt};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    if (options.list) {
        rings_print(stdout, &ws);
    } else {
        result = follow_ring(&ws, options.names[options.name_cnt - 1], &options);
    }
    pw_workspace_close(&ws, false);
    return result;
}
