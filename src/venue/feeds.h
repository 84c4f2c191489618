/* SPDX-License-Identifier: MIT
 *
 * The config section `feeds`: where market data comes from.
 */
#ifndef PW_FEEDS_H
#define PW_FEEDS_H

#include "key.h"
#include <pinwheel/venue.h>
#include <pinwheel/workspace.h>
#include <stdbool.h>
#include <stdint.h>

#define PW_STREAMS_MAX 8u
#define PW_LINES_MAX   8u

struct pw_config_feed {
    char name[PW_STAGE_NAME_BYTES];
    char venue[24];     /* a name of pw_venue_find */
    char ws_url[256];   /* wss://host[:port][/path] (ws:// is for tests on loopback only) */
    char rest_url[256]; /* https://host[:port][/path] */
    char ca_file[256];  /* empty: the system's */
    uint32_t line;      /* from 1: which net_rx, parse and net_tx serve it */
    uint32_t stream_cnt;
    char streams[PW_STREAMS_MAX][PW_STREAM_NAME_BYTES]; /* as the venue names them */
    uint32_t instrument_cnt;
    char instruments[PW_INSTRUMENTS_MAX][PW_SYMBOL_BYTES]; /* as the venue spells them */
    uint32_t snapshot_limit;                               /* levels a side to ask for; default 5000 */
    uint32_t rules_interval_s; /* between two requests for the instruments' status and filters; default 600 */
    uint32_t stale_after_ms; /* without any data: the feed is stale; default 10000 */
    uint32_t dead_after_ms;  /* the same: reconnect; default 30000 */
    uint32_t connect_timeout_ms, handshake_timeout_ms; /* default 3000 each */
    uint32_t backoff_min_ms, backoff_max_ms;           /* default 250, 30000 */
    uint32_t message_bytes_max;                        /* larger messages end the connection; default 1 MiB */
};

struct pw_config_feeds {
    uint32_t feed_cnt;
    struct pw_config_feed feeds[PW_FEEDS_MAX];
};

extern const struct pw_section pw_feeds_section; /* defines each "instrument" */

/* What it asks the venue for. */
static inline struct pw_venue_wants pw_feed_wants(const struct pw_config_feed *feed)
{
    return (struct pw_venue_wants){feed->instruments, feed->streams, feed->instrument_cnt, feed->stream_cnt};
}

/* How many lines of net_rx, parse and net_tx there are: the largest of a feed. */
uint32_t pw_feeds_line_cnt(const struct pw_config_feeds *feeds);
/* The first line that no feed has although one has a higher; 0: there is none. */
uint32_t pw_feeds_line_gap(const struct pw_config_feeds *feeds);
/* Is that feed served by that line? line 0: there is but one. */
static inline bool pw_feeds_is_of(const struct pw_config_feeds *feeds, uint32_t feed_idx, uint32_t line)
{
    return line == 0 || feeds->feeds[feed_idx].line == line;
}

/* The place of a feed's line among the lines, from 0. */
static inline uint32_t pw_feeds_line_idx(const struct pw_config_feeds *feeds, uint32_t feed_idx)
{
    return feeds->feeds[feed_idx].line > 0 ? feeds->feeds[feed_idx].line - 1 : 0;
}

/* The kinds of events that its streams bring (PW_KIND_BIT). */
uint64_t pw_feed_kinds(const struct pw_config_feed *feed);
/* Does one of them say when the venue sent a message? */
bool pw_feed_tells_time(const struct pw_config_feed *feed);
/* The streams of its venue that bring one of these kinds, for messages: "trade, aggTrade". Returns text. */
const char *pw_feed_streams_of(const struct pw_config_feed *feed, uint64_t kinds, char *text, size_t bytes);
uint32_t pw_feeds_instrument_cnt(const struct pw_config_feeds *feeds);
/* The feed that lists the instrument of that index. */
uint32_t pw_feeds_of_instrument(const struct pw_config_feeds *feeds, uint32_t instrument_idx);
/* Of a symbol, or of "feed:SYMBOL". PW_NO_INSTRUMENT: no feed lists it, or several have that symbol. */
uint16_t pw_feeds_instrument_idx(const struct pw_config_feeds *feeds, const char *name);

/* The rows that every connection has in the config: times and back-off. */
#define PW_CONN_KEYS(type, at)                                                                               \
    {.name = "connect_timeout_ms",                                                                           \
     PW_FIELD(type, at connect_timeout_ms),                                                                  \
     PW_MS("3000", 10, 60000),                                                                               \
     .help = "time-out of name resolution and the TCP connection"},                                          \
        {.name = "handshake_timeout_ms",                                                                     \
         PW_FIELD(type, at handshake_timeout_ms),                                                            \
         PW_MS("3000", 10, 60000),                                                                           \
         .help = "time-out of the TLS handshake, and again of the WebSocket upgrade"},                       \
        {.name = "backoff_min_ms",                                                                           \
         PW_FIELD(type, at backoff_min_ms),                                                                  \
         PW_MS("250", 10, 3600000),                                                                          \
         .help = "pause before the first reconnect; it doubles with each failure, with jitter"},             \
    {                                                                                                        \
        .name = "backoff_max_ms", PW_FIELD(type, at backoff_max_ms), PW_MS("30000", 10, 3600000),            \
        .help = "the longest such pause"                                                                     \
    }

/* The schemes of a WebSocket URL: the second on loopback only. */
extern const char *const pw_ws_schemes[2];

#endif
