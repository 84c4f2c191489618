/* SPDX-License-Identifier: MIT
 *
 * The section `feeds`: its keys, and what is checked of several of them. See feeds.h.
 */
#include "feeds.h"

#include "config_check.h"
#include "pw_assert.h"
#include "ring_sizes.h"
#include "value.h"
#include "word.h"
#include <string.h>

static const char *const g_rest_schemes[] = {"https", "http"};
const char *const pw_ws_schemes[2] = {"wss", "ws"};

static const char *venue_name(uint32_t i)
{
    const struct pw_venue *venue = pw_venue_at(i);
    return venue != NULL ? venue->name : NULL;
}

/* clang-format off */
static const struct pw_key g_feed_keys[] = {
    {.name = "name", PW_FIELD(struct pw_config_feed, name), .kind = PW_VALUE_NAME, .required = true, .help = "unique name"},
    {.name = "venue", PW_FIELD(struct pw_config_feed, venue), .kind = PW_VALUE_TOKEN, .required = true, .choice = venue_name,
     .help = "exchange adapter"},
    {.name = "ws_url", PW_FIELD(struct pw_config_feed, ws_url), .kind = PW_VALUE_URL, .required = true, .expands = true,
     PW_CHOICES(pw_ws_schemes),
     .help = "market data, without the path of a stream: wss://host[:port][/path]; ws:// on loopback only"},
    {.name = "rest_url", PW_FIELD(struct pw_config_feed, rest_url), .kind = PW_VALUE_URL, .required = true, .expands = true,
     PW_CHOICES(g_rest_schemes),
     .help = "instruments and depth snapshots: https://host[:port][/path]; http:// on loopback only"},
    {.name = "ca_file", PW_FIELD(struct pw_config_feed, ca_file), .kind = PW_VALUE_PATH, .expands = true,
     .help = "PEM file of the authorities that may sign the venue's certificate; empty: the system's"},
    {.name = "line", PW_FIELD(struct pw_config_feed, line), .kind = PW_VALUE_COUNT, .fallback = "1", .min = 1,
     .max = PW_LINES_MAX, .help = "the line of stages that serves it; with several: net_rx.1, parse.1, net_tx.1, net_rx.2"},
    {.name = "streams", PW_ROWS(struct pw_config_feed, streams, stream_cnt), .kind = PW_VALUE_LIST,
     .item = PW_VALUE_TEXT, .shown = "stream", .required = true,
     .help = "streams to subscribe to for each instrument; the venue defines them"},
    {.name = "instruments", PW_ROWS(struct pw_config_feed, instruments, instrument_cnt), .kind = PW_VALUE_LIST,
     .item = PW_VALUE_SYMBOL, .required = true, .help = "as the venue spells them: BTCUSDT"},
    {.name = "snapshot_limit", PW_FIELD(struct pw_config_feed, snapshot_limit), .kind = PW_VALUE_COUNT, .fallback = "5000", .min = 5,
     .max = 5000, .unit = "levels", .help = "levels a side requested in a depth snapshot"},
    {.name = "rules_interval_s", PW_FIELD(struct pw_config_feed, rules_interval_s), .kind = PW_VALUE_COUNT, .fallback = "600", .min = 5,
     .max = 86400, .unit = "s",
     .help = "between two requests for the instruments' status and filters; also after a reconnect, or a rejection by one of them"},
    {.name = "stale_after_ms", PW_FIELD(struct pw_config_feed, stale_after_ms), PW_MS("10000", 100, 3600000),
     .help = "without data for this time the feed is stale, and orders on it are denied"},
    {.name = "dead_after_ms", PW_FIELD(struct pw_config_feed, dead_after_ms), PW_MS("30000", 100, 3600000),
     .help = "reconnect after this time without any data"},
    PW_CONN_KEYS(struct pw_config_feed, ),
    {.name = "message_bytes_max", PW_FIELD(struct pw_config_feed, message_bytes_max), .kind = PW_VALUE_COUNT, .fallback = "1048576",
     .min = 4096, .max = 1 << 26, .unit = "bytes", .help = "reconnect after a larger message"},
};

static const struct pw_key g_keys[] = {
    {.name = "feeds", PW_ROWS(struct pw_config_feeds, feeds, feed_cnt), .kind = PW_VALUE_GROUPS, .required = true,
     PW_GROUP(g_feed_keys, "feeds"), .help = "market data sources"},
};
/* clang-format on */

uint32_t pw_feeds_line_cnt(const struct pw_config_feeds *feeds)
{
    uint32_t cnt = 1;
    for (uint32_t i = 0; i < feeds->feed_cnt; i++) {
        cnt = feeds->feeds[i].line > cnt ? feeds->feeds[i].line : cnt;
    }
    return cnt;
}

uint32_t pw_feeds_line_gap(const struct pw_config_feeds *feeds)
{
    for (uint32_t line = 1; line < pw_feeds_line_cnt(feeds); line++) {
        uint32_t i = 0;
        while (i < feeds->feed_cnt && feeds->feeds[i].line != line) {
            i++;
        }
        if (i == feeds->feed_cnt) {
            return line;
        }
    }
    return 0;
}

uint32_t pw_feeds_instrument_cnt(const struct pw_config_feeds *feeds)
{
    uint32_t cnt = 0;
    for (uint32_t i = 0; i < feeds->feed_cnt; i++) {
        cnt += feeds->feeds[i].instrument_cnt;
    }
    return cnt;
}

uint32_t pw_feeds_of_instrument(const struct pw_config_feeds *feeds, uint32_t instrument_idx)
{
    uint32_t feed_idx = 0, end = feeds->feeds[0].instrument_cnt;
    pw_assert(instrument_idx < pw_feeds_instrument_cnt(feeds));
    while (instrument_idx >= end) {
        end += feeds->feeds[++feed_idx].instrument_cnt;
    }
    return feed_idx;
}

uint16_t pw_feeds_instrument_idx(const struct pw_config_feeds *feeds, const char *name)
{
    const char *colon = strchr(name, ':');
    const char *symbol = colon != NULL ? colon + 1 : name;
    uint16_t instrument_idx = 0, found = PW_NO_INSTRUMENT;
    uint32_t found_feed = 0;
    for (uint32_t f = 0; f < feeds->feed_cnt; f++) {
        const struct pw_config_feed *feed = &feeds->feeds[f];
        bool is_feed = colon == NULL || (strlen(feed->name) == (size_t)(colon - name) &&
                                         strncmp(feed->name, name, (size_t)(colon - name)) == 0);
        for (uint32_t i = 0; i < feed->instrument_cnt; i++, instrument_idx++) {
            if (!is_feed || strcmp(feed->instruments[i], symbol) != 0) {
                continue;
            }
            if (found != PW_NO_INSTRUMENT && found_feed != f) {
                return PW_NO_INSTRUMENT;
            }
            found = found == PW_NO_INSTRUMENT ? instrument_idx
                                              : found; /* twice in one feed is reported elsewhere */
            found_feed = f;
        }
    }
    return found;
}

uint64_t pw_feed_kinds(const struct pw_config_feed *feed)
{
    const struct pw_venue *venue = pw_venue_find(feed->venue);
    uint64_t kinds = 0;
    const char *name;
    for (uint32_t i = 0; venue != NULL && (name = venue->market->stream(i)) != NULL; i++) {
        for (uint32_t k = 0; k < feed->stream_cnt; k++) {
            kinds |= strcmp(feed->streams[k], name) == 0 ? venue->market->stream_kinds(i) : 0;
        }
    }
    return kinds;
}

bool pw_feed_tells_time(const struct pw_config_feed *feed)
{
    const struct pw_venue *venue = pw_venue_find(feed->venue);
    return venue != NULL && (pw_feed_kinds(feed) & ~venue->market->untimed_kinds) != 0;
}

/* The streams of a venue that bring one of these kinds. */
static uint32_t streams_of(const struct pw_venue *venue, uint64_t kinds, const char *names[PW_CHOICES_MAX])
{
    const char *name;
    uint32_t cnt = 0;
    for (uint32_t i = 0; cnt < PW_CHOICES_MAX && (name = venue->market->stream(i)) != NULL; i++) {
        if ((venue->market->stream_kinds(i) & kinds) != 0) {
            names[cnt++] = name;
        }
    }
    return cnt;
}

const char *pw_feed_streams_of(const struct pw_config_feed *feed, uint64_t kinds, char *text, size_t bytes)
{
    const struct pw_venue *venue = pw_venue_find(feed->venue);
    const char *names[PW_CHOICES_MAX];
    return pw_value_join(names, venue != NULL ? streams_of(venue, kinds, names) : 0, text, bytes);
}

/* ---- what concerns several values ---- */

static const struct pw_config_feeds *feeds_of(const struct pw_config_check *check)
{
    return check->record;
}

static void feed_names_check(const struct pw_config_check *check, uint32_t feed_idx)
{
    const struct pw_config_feed *feeds = feeds_of(check)->feeds;
    for (uint32_t i = 0; i < feed_idx; i++) {
        if (feeds[feed_idx].name[0] != '\0' && strcmp(feeds[i].name, feeds[feed_idx].name) == 0) {
            pw_document_problem(check->doc, pw_document_mark(check->doc, "feeds[%u].name", feed_idx),
                                "name: the feed in line %zu already has the name '%s'; choose another",
                                pw_document_mark(check->doc, "feeds[%u].name", i).line + 1, feeds[i].name);
        }
    }
    for (uint32_t k = 0; k < feeds[feed_idx].stream_cnt; k++) {
        for (uint32_t i = 0; i < k; i++) {
            if (feeds[feed_idx].streams[k][0] != '\0' &&
                strcmp(feeds[feed_idx].streams[i], feeds[feed_idx].streams[k]) == 0) {
                pw_document_problem(check->doc,
                                    pw_document_mark(check->doc, "feeds[%u].streams[%u]", feed_idx, k),
                                    "streams: '%s' is listed twice; remove one", feeds[feed_idx].streams[k]);
            }
        }
    }
}

/* Of a venue that is not known nothing can be said. */
static void streams_check(const struct pw_config_check *check, uint32_t feed_idx)
{
    const struct pw_config_feed *feed = &feeds_of(check)->feeds[feed_idx];
    const struct pw_venue *venue = pw_venue_find(feed->venue);
    const char *names[PW_CHOICES_MAX];
    uint32_t name_cnt = venue != NULL ? streams_of(venue, UINT64_MAX, names) : 0;
    for (uint32_t k = 0; venue != NULL && k < feed->stream_cnt; k++) {
        uint32_t i = 0;
        while (i < name_cnt && strcmp(names[i], feed->streams[k]) != 0) {
            i++;
        }
        if (i < name_cnt || feed->streams[k][0] == '\0') {
            continue; /* '\0': reported already */
        }
        char all[160];
        const char *nearest = pw_word_nearest(feed->streams[k], names, name_cnt);
        pw_document_problem(check->doc, pw_document_mark(check->doc, "feeds[%u].streams[%u]", feed_idx, k),
                            "streams: '%.40s' is unknown; %s%s%suse one of: %s", feed->streams[k],
                            nearest ? "did you mean '" : "", nearest ? nearest : "", nearest ? "'? " : "",
                            pw_value_join(names, name_cnt, all, sizeof all));
    }
}

/* A feed has a symbol once; two feeds may have one each. */
static void instruments_check(const struct pw_config_check *check, uint32_t feed_idx)
{
    const struct pw_config_feed *feed = &feeds_of(check)->feeds[feed_idx];
    for (uint32_t k = 0; k < feed->instrument_cnt; k++) {
        const char *symbol = feed->instruments[k];
        uint32_t i = 0;
        while (i < k && strcmp(feed->instruments[i], symbol) != 0) {
            i++;
        }
        if (i < k && symbol[0] != '\0') {
            pw_document_problem(check->doc,
                                pw_document_mark(check->doc, "feeds[%u].instruments[%u]", feed_idx, k),
                                "instruments: '%s' is listed twice; remove one", symbol);
        }
    }
}

static void feed_limits_check(const struct pw_config_check *check, uint32_t feed_idx)
{
    const struct pw_config_feed *feed = &feeds_of(check)->feeds[feed_idx];
    if (feed->backoff_min_ms > feed->backoff_max_ms) {
        pw_document_problem(check->doc, pw_document_mark(check->doc, "feeds[%u].backoff_min_ms", feed_idx),
                            "backoff_min_ms: %u is more than backoff_max_ms, %u; make it less",
                            feed->backoff_min_ms, feed->backoff_max_ms);
    }
    if (feed->stale_after_ms > feed->dead_after_ms) {
        pw_document_problem(
            check->doc, pw_document_mark(check->doc, "feeds[%u].stale_after_ms", feed_idx),
            "stale_after_ms: %u is more than dead_after_ms, %u: it would never be stale; make it less",
            feed->stale_after_ms, feed->dead_after_ms);
    }
    uint64_t frames_bytes = PW_CONFIG(check->config, rings)->frames_bytes;
    /* pw_producer_payload_claim grants at most half of the area. */
    if (feed->message_bytes_max > frames_bytes / 2) {
        pw_document_problem(
            check->doc, pw_document_mark(check->doc, "feeds[%u].message_bytes_max", feed_idx),
            "message_bytes_max: %u is more than half of rings.frames_bytes, %llu; make that larger",
            feed->message_bytes_max, (unsigned long long)frames_bytes);
    }
}

/* A line without a feed would have stages that do nothing. Named where the numbers go on behind the gap. */
static void lines_check(const struct pw_config_check *check)
{
    const struct pw_config_feeds *feeds = feeds_of(check);
    uint32_t gap = pw_feeds_line_gap(feeds);
    for (uint32_t i = 0; gap != 0 && i < feeds->feed_cnt; i++) {
        if (feeds->feeds[i].line > gap) {
            pw_document_problem(check->doc, pw_document_mark(check->doc, "feeds[%u].line", i),
                                "line: no feed has line %u; number the lines from 1 without a gap", gap);
            return;
        }
    }
}

static void feeds_check(const struct pw_config_check *check)
{
    lines_check(check);
    for (uint32_t i = 0; i < feeds_of(check)->feed_cnt; i++) {
        feed_names_check(check, i);
        streams_check(check, i);
        instruments_check(check, i);
        feed_limits_check(check, i);
    }
    if (pw_feeds_instrument_cnt(feeds_of(check)) > PW_INSTRUMENTS_MAX) {
        pw_document_problem(check->doc, pw_document_mark(check->doc, "feeds"),
                            "feeds: %u instruments in total; the maximum is %u",
                            pw_feeds_instrument_cnt(feeds_of(check)), PW_INSTRUMENTS_MAX);
    }
}

static bool instrument_find(const void *record, const char *name, uint32_t *idx)
{
    *idx = pw_feeds_instrument_idx(record, name);
    return *idx != PW_NO_INSTRUMENT;
}

static void streams_print(FILE *out, const void *given)
{
    (void)given;
    fputs("\n| venue | streams |\n|---|---|\n", out);
    const struct pw_venue *venue;
    for (uint32_t i = 0; (venue = pw_venue_at(i)) != NULL; i++) {
        const char *names[PW_CHOICES_MAX];
        char all[400];
        uint32_t name_cnt = streams_of(venue, UINT64_MAX, names);
        fprintf(out, "| `%s` | %s |\n", venue->name, pw_value_join(names, name_cnt, all, sizeof all));
    }
}

const struct pw_section pw_feeds_section = {
    .keys = g_keys,
    .key_cnt = PW_COUNT_OF(g_keys),
    .bytes = sizeof(struct pw_config_feeds),
    .check = feeds_check,
    .defines = "instrument",
    .find = instrument_find,
    .print_more = streams_print,
};
