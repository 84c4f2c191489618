/* SPDX-License-Identifier: MIT
 *
 * The config: what the user's YAML file says, checked, in fixed-size structs.
 *
 * Reading it is cold; everything that can be wrong with it is found here and told with file, line, column and
 * what to do, before anything is started.
 */
#ifndef PW_CONFIG_H
#define PW_CONFIG_H

#include <pinwheel/strategy.h>
#include <pinwheel/workspace.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define PW_CORES_MAX      16u
#define PW_STRATEGIES_MAX 8u
#define PW_PARAMS_MAX     16u
#define PW_STREAMS_MAX    8u
#define PW_CORE_AUTO      (-1)
#define PW_CORE_NONE      (-2) /* `core: none`: a thread that is not bound */

enum pw_idle { PW_IDLE_SPIN = 0, PW_IDLE_PAUSE = 1, PW_IDLE_YIELD = 2, PW_IDLE_SLEEP = 3 };

struct pw_config_core {
    int32_t core; /* number, PW_CORE_AUTO or PW_CORE_NONE; resolved by pw_cpu_place */
    enum pw_idle idle;
    uint32_t stage_cnt;
    char stages[PW_STAGES_MAX][PW_STAGE_NAME_BYTES];
};

struct pw_config_feed {
    char name[PW_STAGE_NAME_BYTES];
    char venue[24];     /* "binance_spot" */
    char ws_url[256];   /* wss://host[:port][/path] (ws:// is for tests on loopback only) */
    char rest_url[256]; /* https://host[:port][/path] */
    char ca_file[256];  /* empty: the system's */
    uint32_t stream_cnt;
    char streams[PW_STREAMS_MAX][24]; /* "trade", "bookTicker", "depth@100ms", "aggTrade", "kline_1m" */
    uint32_t instrument_cnt;
    char instruments[PW_INSTRUMENTS_MAX][PW_SYMBOL_BYTES]; /* as the venue spells them */
    uint32_t snapshot_limit;                               /* levels a side to ask for; default 5000 */
    uint32_t stale_after_ms; /* without any data: the feed is stale; default 10000 */
    uint32_t dead_after_ms;  /* without any byte: reconnect; default 30000 */
    uint32_t connect_timeout_ms, handshake_timeout_ms; /* default 3000 each */
    uint32_t backoff_min_ms, backoff_max_ms;           /* default 250, 30000 */
    uint32_t message_bytes_max;                        /* larger messages end the connection; default 1 MiB */
};

struct pw_config_strategy {
    uint32_t line; /* of the file, where its entry begins: for errors that only the strategy can find */
    char name[PW_STAGE_NAME_BYTES];
    char kind[24]; /* "ma_cross" */
    uint32_t instrument_cnt;
    uint16_t instruments[PW_INSTRUMENTS_MAX]; /* global indexes, in the order of the feeds' lists */
    uint32_t param_cnt;
    struct pw_param params[PW_PARAMS_MAX];
};

struct pw_config_risk {
    int64_t max_order_notional_e8; /* 0: no limit, in each of these */
    int64_t max_position_e8;       /* absolute quantity, per instrument */
    uint32_t max_orders_per_s;
    uint32_t reserved;
    bool allow_short;
};

struct pw_config_paper {
    int64_t cash_e8; /* quote currency at start */
    int64_t fee_rate_e8;
    int64_t latency_ns;
};

/* Order entry at a real venue. */
struct pw_config_live {
    struct pw_config_feed conn; /* ws_url, ca_file and the times of the order-entry connection; no feed */
    char api_key_file[256];     /* a line: the key's public name */
    char key_file[256];         /* the secret: src/net/sign.h */
    int64_t cash_e8;            /* of the account's, what this engine may use, in the quote currency */
    int64_t fee_rate_e8;        /* the most that a fill costs, of price times quantity: what risk reckons with */
    uint32_t recv_window_ms;    /* default 5000 */
    uint32_t answer_timeout_ms; /* no answer for so long: the outcome is unknown; default 3000 */
    uint32_t max_age_ms;        /* no order on an event that came in longer ago; default 1000 */
};

struct pw_config_journal {
    bool enabled;
    char path[256];              /* a directory; created if missing */
    uint32_t commit_interval_ms; /* default 100 */
    bool market_stall;           /* market ring full: stall parse instead of dropping */
    bool raw_frames;
    uint64_t segment_bytes; /* LMDB map of one segment; default 1 GiB */
};

struct pw_config_rings {
    uint32_t frames_slots, market_slots, market_journal_slots, orders_slots, orders_journal_slots;
    uint64_t frames_bytes;
};

struct pw_config {
    char path[256]; /* of the file */
    char instance[PW_INSTANCE_BYTES];
    bool huge_pages;
    bool kernel_stamps;  /* ask the kernel when it had what is received */
    bool keep_workspace; /* leave the file in shared memory after a clean stop */
    uint32_t core_cnt;
    struct pw_config_core cores[PW_CORES_MAX];
    struct pw_config_rings rings;
    uint32_t feed_cnt;
    struct pw_config_feed feeds[PW_FEEDS_MAX];
    uint32_t strategy_cnt;
    struct pw_config_strategy strategies[PW_STRATEGIES_MAX];
    struct pw_config_risk risk;
    char gateway[16]; /* "paper", "live" */
    struct pw_config_paper paper;
    struct pw_config_live live;
    struct pw_config_journal journal;
    uint32_t book_levels; /* kept a side and instrument; default 8192 */
};

/* Loads and checks `path`. stage_names: every stage that must be placed exactly once.
 * 0, or -EINVAL / -errno with `error` = "file:line:column: what is wrong; what to do" (several lines if
 * several things are wrong). A core that this host lacks is an error here. `config` is large: do not put it
 * on a stack. */
int pw_config_load(struct pw_config *config, const char *path, const char *const *stage_names,
                   uint32_t stage_cnt, char *error, size_t error_bytes);

/* The same for other processors than this host's: to check a file that is meant for another machine. */
struct pw_cpus; /* cpu.h */
int pw_config_load_for(struct pw_config *config, const char *path, const char *const *stage_names,
                       uint32_t stage_cnt, const struct pw_cpus *cpus, char *error, size_t error_bytes);

/* Every key with its values, default and meaning, as Markdown: docs/config.md is this text. */
void pw_config_print_reference(FILE *out);

/* Total over the feeds; the global index of a symbol, or PW_NO_INSTRUMENT. */
uint32_t pw_config_instrument_cnt(const struct pw_config *config);
bool pw_config_is_live(const struct pw_config *config);
/* The WebSocket connections: one for each feed, and with the live gateway one for order entry, whose number is
 * feed_cnt. */
uint32_t pw_config_conn_cnt(const struct pw_config *config);
const struct pw_config_feed *pw_config_conn(const struct pw_config *config, uint32_t conn_idx);
uint16_t pw_config_instrument_idx(const struct pw_config *config, const char *symbol);

#endif
