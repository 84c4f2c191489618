/* SPDX-License-Identifier: MIT
 *
 * The table of the config's keys, and what is driven by it: reading a file, filling in defaults, the
 * reference page. A new setting is one row here and one field in config.h.
 */
#include "schema.h"

#include "decimal.h"
#include "section.h"

/* ---- the table ---- */

#define COUNT_OF(array) (uint32_t)(sizeof(array) / sizeof *(array))

#define FIELD(type, member) .offset = offsetof(type, member), .bytes = sizeof(((type *)0)->member)
#define ROWS(type, member, cnt_field)                                                                        \
    .offset = offsetof(type, member), .bytes = sizeof(((type *)0)->member[0]),                               \
    .cnt_offset = offsetof(type, cnt_field), .cnt_max = COUNT_OF(((type *)0)->member)
#define CHOICES(array) .choices = (array), .choice_cnt = COUNT_OF(array)
#define SECTION(keys_array, title_text)                                                                      \
    .section = &(const struct pw_section)                                                                    \
    {                                                                                                        \
        .title = (title_text), .keys = (keys_array), .key_cnt = COUNT_OF(keys_array)                         \
    }

static const char *const g_idles[] = {"spin", "pause", "yield", "sleep"}; /* enum pw_idle */
static const char *const g_venues[] = {"binance_spot"};
static const char *const g_streams[] = {"trade", "aggTrade", "bookTicker", "depth@100ms", "kline_1m"};
static const char *const g_strategy_kinds[] = {"ma_cross", "quoter", "tick_taker"};
static const char *const g_gateways[] = {"paper", "live"};
static const char *const g_ring_full[] = {"drop", "stall"}; /* false and true of market_stall */
static const char *const g_ws_schemes[] = {"wss", "ws"};
static const char *const g_rest_schemes[] = {"https", "http"};

static_assert(PW_IDLE_SPIN == 0 && PW_IDLE_PAUSE == 1 && PW_IDLE_YIELD == 2 && PW_IDLE_SLEEP == 3,
              "g_idles is in the order of enum pw_idle");

#define SLOTS(text)                                                                                          \
    .kind = PW_VALUE_COUNT, .fallback = (text), .min = 256, .max = PW_RING_SLOTS_MAX, .power_of_two = true,  \
    .unit = "events"
#define MS(text, low, high)                                                                                  \
    .kind = PW_VALUE_COUNT, .fallback = (text), .min = (low), .max = (high), .unit = "ms"

#define ROOT(member)     FIELD(struct pw_config, member)
#define CORE(member)     FIELD(struct pw_config_core, member)
#define RING(member)     FIELD(struct pw_config_rings, member)
#define FEED(member)     FIELD(struct pw_config_feed, member)
#define STRATEGY(member) FIELD(struct pw_config_strategy, member)
#define RISK(member)     FIELD(struct pw_config_risk, member)
#define PAPER(member)    FIELD(struct pw_config_paper, member)
#define LIVE(member)     FIELD(struct pw_config_live, member)
#define JOURNAL(member)  FIELD(struct pw_config_journal, member)

/* A key a paragraph: where it goes, what it may be, what it means.
 * clang-format would put each word on a line of its own. */
/* clang-format off */
static const struct pw_key g_memory_keys[] = {
    {.name = "huge_pages", ROOT(huge_pages), .kind = PW_VALUE_BOOL, .fallback = "true",
     .help = "put the workspace on huge pages where the host has them; else transparent ones are asked for"},
};

static const struct pw_key g_core_keys[] = {
    {.name = "core", CORE(core), .kind = PW_VALUE_CORE, .required = true, .fallback = "none",
     .help = "the processor that this thread is bound to: its number; `auto`: chosen from the host's topology; "
             "`none`: not bound"},
    {.name = "idle", CORE(idle), .kind = PW_VALUE_CHOICE, .fallback = "sleep", CHOICES(g_idles),
     .help = "what the thread does when no stage has work; from the fastest to the thriftiest"},
    {.name = "stages", ROWS(struct pw_config_core, stages, stage_cnt), .kind = PW_VALUE_LIST,
     .item = PW_VALUE_TEXT, .required = true,
     .help = "what runs here, polled in this order; every stage stands in exactly one list: net_rx, parse, "
             "strategy, execution, net_tx, journal, housekeeping"},
};

static const struct pw_key g_ring_keys[] = {
    {.name = "frames_slots", RING(frames_slots), SLOTS("16384"),
     .help = "raw messages between net_rx and parse"},
    {.name = "frames_bytes", RING(frames_bytes), .kind = PW_VALUE_COUNT, .fallback = "16777216", .min = 65536,
     .max = INT64_C(1) << 34, .power_of_two = true, .unit = "bytes",
     .help = "the bytes of those messages; at least twice the largest message"},
    {.name = "market_slots", RING(market_slots), SLOTS("65536"),
     .help = "market events between parse, strategy and execution"},
    {.name = "market_journal_slots", RING(market_journal_slots), SLOTS("262144"),
     .help = "market events on their way to the journal: what a slow disk may lag"},
    {.name = "orders_slots", RING(orders_slots), SLOTS("4096"),
     .help = "order reports from execution to strategy"},
    {.name = "orders_journal_slots", RING(orders_journal_slots), SLOTS("65536"),
     .help = "orders and fills on their way to the journal: never dropped"},
};

static const struct pw_key g_feed_keys[] = {
    {.name = "name", FEED(name), .kind = PW_VALUE_NAME, .required = true, .help = "your name for it"},
    {.name = "venue", FEED(venue), .kind = PW_VALUE_TOKEN, .required = true, CHOICES(g_venues),
     .help = "whose language it speaks"},
    {.name = "ws_url", FEED(ws_url), .kind = PW_VALUE_URL, .required = true, .expands = true,
     CHOICES(g_ws_schemes),
     .help = "market data, without the stream's own path: wss://host[:port][/path]; ws:// on loopback only"},
    {.name = "rest_url", FEED(rest_url), .kind = PW_VALUE_URL, .required = true, .expands = true,
     CHOICES(g_rest_schemes),
     .help = "instruments and depth snapshots: https://host[:port][/path]; http:// on loopback only"},
    {.name = "ca_file", FEED(ca_file), .kind = PW_VALUE_PATH, .expands = true,
     .help = "PEM file of the authorities that may sign the venue's certificate; empty: the system's"},
    {.name = "streams", ROWS(struct pw_config_feed, streams, stream_cnt), .kind = PW_VALUE_LIST,
     .item = PW_VALUE_TOKEN, .required = true, CHOICES(g_streams),
     .help = "what to subscribe to, for each instrument"},
    {.name = "instruments", ROWS(struct pw_config_feed, instruments, instrument_cnt), .kind = PW_VALUE_LIST,
     .item = PW_VALUE_SYMBOL, .required = true, .help = "as the venue spells them: BTCUSDT"},
    {.name = "snapshot_limit", FEED(snapshot_limit), .kind = PW_VALUE_COUNT, .fallback = "5000", .min = 5,
     .max = 5000, .unit = "levels", .help = "levels a side asked for in a depth snapshot"},
    {.name = "stale_after_ms", FEED(stale_after_ms), MS("10000", 100, 3600000),
     .help = "no data for so long: the feed is stale, and no order is placed on it"},
    {.name = "dead_after_ms", FEED(dead_after_ms), MS("30000", 100, 3600000),
     .help = "not a byte for so long: reconnect"},
    {.name = "connect_timeout_ms", FEED(connect_timeout_ms), MS("3000", 10, 60000),
     .help = "for name resolution and the TCP connection"},
    {.name = "handshake_timeout_ms", FEED(handshake_timeout_ms), MS("3000", 10, 60000),
     .help = "for TLS, and again for the WebSocket upgrade"},
    {.name = "backoff_min_ms", FEED(backoff_min_ms), MS("250", 10, 3600000),
     .help = "pause before the first reconnect; it doubles with each failure, with jitter"},
    {.name = "backoff_max_ms", FEED(backoff_max_ms), MS("30000", 10, 3600000),
     .help = "the longest such pause"},
    {.name = "message_bytes_max", FEED(message_bytes_max), .kind = PW_VALUE_COUNT, .fallback = "1048576",
     .min = 4096, .max = 1 << 26, .unit = "bytes", .help = "a larger message ends the connection"},
};

static const struct pw_key g_strategy_keys[] = {
    {.name = "name", STRATEGY(name), .kind = PW_VALUE_NAME, .required = true, .help = "your name for it"},
    {.name = "kind", STRATEGY(kind), .kind = PW_VALUE_TOKEN, .required = true, CHOICES(g_strategy_kinds),
     .help = "which strategy it is"},
    {.name = "instruments", ROWS(struct pw_config_strategy, instruments, instrument_cnt),
     .kind = PW_VALUE_REFS, .required = true, .help = "what it trades; a feed must have them"},
    {.name = "params", ROWS(struct pw_config_strategy, params, param_cnt), .kind = PW_VALUE_PARAMS,
     .help = "its own parameters, judged by the strategy itself; ma_cross: fast, slow, quantity; "
             "quoter: quantity, distance, every; tick_taker: quantity, imbalance, every"},
};

static const struct pw_key g_risk_keys[] = {
    {.name = "max_order_notional", RISK(max_order_notional_e8), .kind = PW_VALUE_DECIMAL, .max = INT64_MAX,
     .unit = "quote currency", .help = "price times quantity of one order; 0: no limit"},
    {.name = "max_position", RISK(max_position_e8), .kind = PW_VALUE_DECIMAL, .max = INT64_MAX,
     .unit = "base asset", .help = "absolute position of one instrument; 0: no limit"},
    {.name = "max_orders_per_s", RISK(max_orders_per_s), .kind = PW_VALUE_COUNT, .fallback = "0",
     .max = 1000000, .unit = "orders", .help = "orders sent within a second; 0: no limit"},
    {.name = "allow_short", RISK(allow_short), .kind = PW_VALUE_BOOL, .fallback = "false",
     .help = "may a position go below zero"},
};

static const struct pw_key g_paper_keys[] = {
    {.name = "cash", PAPER(cash_e8), .kind = PW_VALUE_DECIMAL, .fallback = "10000", .max = INT64_MAX,
     .unit = "quote currency", .help = "what the account begins with"},
    {.name = "fee_rate", PAPER(fee_rate_e8), .kind = PW_VALUE_DECIMAL, .fallback = "0.001", .max = PW_E8,
     .help = "of each fill's price times quantity: 0.001 is 0.1 %"},
    {.name = "latency_us", PAPER(latency_ns), .kind = PW_VALUE_COUNT, .fallback = "0", .max = 60000000,
     .unit = "us", .scale = 1000, .help = "time on the market's clock between an order and its fill"},
};

static const struct pw_key g_live_keys[] = {
    {.name = "ws_url", LIVE(conn.ws_url), .kind = PW_VALUE_URL, .required = true, .expands = true,
     CHOICES(g_ws_schemes), .help = "order entry: wss://host[:port]/path; ws:// on loopback only"},
    {.name = "ca_file", LIVE(conn.ca_file), .kind = PW_VALUE_PATH, .expands = true,
     .help = "PEM file of the authorities that may sign the venue's certificate; empty: the system's"},
    {.name = "api_key_file", LIVE(api_key_file), .kind = PW_VALUE_PATH, .required = true, .expands = true,
     .help = "file with the API key, one line; of mode 0600"},
    {.name = "key_file", LIVE(key_file), .kind = PW_VALUE_PATH, .required = true, .expands = true,
     .help = "file with its secret, of mode 0600: a PEM Ed25519 private key (PKCS#8), or the shared secret of an "
             "HMAC key, which has to sign each order and is slower"},
    {.name = "cash", LIVE(cash_e8), .kind = PW_VALUE_DECIMAL, .required = true, .max = INT64_MAX,
     .unit = "quote currency", .help = "what of the account's this engine may use; the account must have it"},
    {.name = "fee_rate", LIVE(fee_rate_e8), .kind = PW_VALUE_DECIMAL, .fallback = "0.001", .max = PW_E8,
     .help = "the most that a fill costs, of price times quantity: what cash is held back for"},
    {.name = "recv_window_ms", LIVE(recv_window_ms), MS("5000", 1, 60000),
     .help = "the venue refuses a request that is older"},
    {.name = "answer_timeout_ms", LIVE(answer_timeout_ms), MS("3000", 10, 60000),
     .help = "no answer for so long: the outcome is unknown, and the venue is asked"},
    {.name = "max_age_ms", LIVE(max_age_ms), MS("1000", 1, 60000),
     .help = "an order is denied as `stale` if what it was decided on came in longer ago"},
    {.name = "dead_after_ms", LIVE(conn.dead_after_ms), MS("30000", 100, 3600000),
     .help = "not a byte for so long: reconnect"},
    {.name = "connect_timeout_ms", LIVE(conn.connect_timeout_ms), MS("3000", 10, 60000),
     .help = "for name resolution and the TCP connection"},
    {.name = "handshake_timeout_ms", LIVE(conn.handshake_timeout_ms), MS("3000", 10, 60000),
     .help = "for TLS, and again for the WebSocket upgrade"},
    {.name = "backoff_min_ms", LIVE(conn.backoff_min_ms), MS("250", 10, 3600000),
     .help = "pause before the first reconnect; it doubles with each failure, with jitter"},
    {.name = "backoff_max_ms", LIVE(conn.backoff_max_ms), MS("30000", 10, 3600000),
     .help = "the longest such pause"},
};

static const struct pw_key g_journal_keys[] = {
    {.name = "enabled", JOURNAL(enabled), .kind = PW_VALUE_BOOL, .fallback = "true",
     .help = "false: nothing is recorded, and the run cannot be replayed"},
    {.name = "path", JOURNAL(path), .kind = PW_VALUE_PATH, .expands = true,
     .help = "a folder on a real disk, made if missing; needed unless the journal is off"},
    {.name = "commit_interval_ms", JOURNAL(commit_interval_ms), MS("100", 1, 60000),
     .help = "what a power cut or a kill may cost at most"},
    {.name = "market_ring_full", JOURNAL(market_stall), .kind = PW_VALUE_CHOICE, .fallback = "drop",
     CHOICES(g_ring_full),
     .help = "when the disk is too slow: `drop` market events and book the gap, or `stall` the reader"},
    {.name = "raw_frames", JOURNAL(raw_frames), .kind = PW_VALUE_BOOL, .fallback = "false",
     .help = "record the venue's messages themselves, too"},
    {.name = "segment_mb", JOURNAL(segment_bytes), .kind = PW_VALUE_COUNT, .fallback = "1024", .min = 4,
     .max = 1 << 20, .unit = "MiB", .scale = 1 << 20, .help = "size at which a new file is begun"},
};

static const struct pw_key g_root_keys[] = {
    {.name = "instance", ROOT(instance), .kind = PW_VALUE_NAME, .required = true, .expands = true,
     .help = "the engine's name: tools find it by this, and two of one name cannot run"},
    {.name = "cores", ROWS(struct pw_config, cores, core_cnt), .kind = PW_VALUE_GROUPS, .required = true,
     SECTION(g_core_keys, "cores"), .help = "the threads: which stages each of them runs, and where"},
    {.name = "feeds", ROWS(struct pw_config, feeds, feed_cnt), .kind = PW_VALUE_GROUPS, .required = true,
     SECTION(g_feed_keys, "feeds"), .help = "where market data comes from"},
    {.name = "strategies", ROWS(struct pw_config, strategies, strategy_cnt), .kind = PW_VALUE_GROUPS,
     SECTION(g_strategy_keys, "strategies"), .help = "what trades; without any, the engine records and shows"},
    {.name = "risk", ROOT(risk), .kind = PW_VALUE_GROUP, SECTION(g_risk_keys, "risk"),
     .help = "limits that every order is held against before it is sent"},
    {.name = "gateway", ROOT(gateway), .kind = PW_VALUE_TOKEN, .fallback = "paper", CHOICES(g_gateways),
     .help = "where orders go"},
    {.name = "paper", ROOT(paper), .kind = PW_VALUE_GROUP, SECTION(g_paper_keys, "paper"),
     .help = "the simulated account of the paper gateway"},
    {.name = "live", ROOT(live), .kind = PW_VALUE_GROUP, SECTION(g_live_keys, "live"),
     .help = "order entry at the venue, with real money; needed if the gateway is live"},
    {.name = "journal", ROOT(journal), .kind = PW_VALUE_GROUP, .required = true,
     SECTION(g_journal_keys, "journal"), .help = "the record of all that happens"},
    {.name = "rings", ROOT(rings), .kind = PW_VALUE_GROUP, SECTION(g_ring_keys, "rings"),
     .help = "sizes of the queues between stages"},
    {.name = "book_levels", ROOT(book_levels), .kind = PW_VALUE_COUNT, .fallback = "8192", .min = 16,
     .max = 1 << 20, .unit = "levels", .help = "kept of each side of each order book"},
    {.name = "memory", .kind = PW_VALUE_GROUP, SECTION(g_memory_keys, "memory"),
     .help = "the workspace in shared memory"},
    {.name = "keep_workspace", ROOT(keep_workspace), .kind = PW_VALUE_BOOL, .fallback = "false",
     .help = "leave the workspace for the monitor after a clean stop"},
    {.name = "kernel_stamps", ROOT(kernel_stamps), .kind = PW_VALUE_BOOL, .fallback = "true",
     .help = "ask the kernel when it had what is received, for each order's story; false: a little faster"},
};
/* clang-format on */

static const struct pw_section g_root = {.keys = g_root_keys, .key_cnt = COUNT_OF(g_root_keys)};

static_assert(COUNT_OF(g_feed_keys) <= PW_SECTION_KEYS_MAX && COUNT_OF(g_root_keys) <= PW_SECTION_KEYS_MAX,
              "the largest sections fit the reader's arrays");

void pw_schema_read(struct pw_document *doc, struct pw_config *config)
{
    pw_section_read(doc, &g_root, pw_document_root(doc), config);
}

/* ---- the reference ---- */

static void print_range(FILE *out, const struct pw_key *key)
{
    const char *unit = key->unit != NULL ? key->unit : "";
    const char *blank = key->unit != NULL ? " " : "";
    if (key->kind == PW_VALUE_COUNT) {
        fprintf(out, "%s%lld to %lld%s%s", key->power_of_two ? "power of two, " : "", (long long)key->min,
                (long long)key->max, blank, unit);
    } else if (key->max == INT64_MAX) {
        fprintf(out, "decimal, 0 or more%s%s", blank, unit);
    } else {
        char high[PW_DECIMAL_TEXT_BYTES];
        pw_decimal_print_e8(key->max, high);
        fprintf(out, "decimal, 0 to %s%s%s", high, blank, unit);
    }
}

static void print_value(FILE *out, const struct pw_key *key)
{
    enum pw_value_kind kind = key->kind == PW_VALUE_LIST ? key->item : key->kind;
    char all[200];
    if (key->kind == PW_VALUE_LIST) {
        fputs("list of: ", out);
    }
    switch (kind) {
    case PW_VALUE_BOOL:
        fputs("true, false", out);
        break;
    case PW_VALUE_COUNT:
    case PW_VALUE_DECIMAL:
        print_range(out, key);
        break;
    case PW_VALUE_NAME:
        fprintf(out, "a-z 0-9 _ -, at most %zu", key->bytes - 1);
        break;
    case PW_VALUE_TOKEN:
    case PW_VALUE_CHOICE:
        fputs(pw_value_join(key->choices, key->choice_cnt, all, sizeof all), out);
        break;
    case PW_VALUE_SYMBOL:
    case PW_VALUE_REFS:
        fputs(kind == PW_VALUE_REFS ? "list of: symbol" : "symbol", out);
        break;
    case PW_VALUE_URL:
        fputs("URL", out);
        break;
    case PW_VALUE_PATH:
        fputs("path", out);
        break;
    case PW_VALUE_CORE:
        fputs("number, auto, none", out);
        break;
    case PW_VALUE_TEXT:
        fputs("stage", out);
        break;
    case PW_VALUE_GROUP:
    case PW_VALUE_GROUPS:
        fprintf(out, "[%s below](#%s)", kind == PW_VALUE_GROUP ? "group" : "list of groups",
                key->section->title);
        break;
    case PW_VALUE_PARAMS:
        fputs("name: value", out);
        break;
    case PW_VALUE_LIST:
        break; /* there are no lists of lists */
    }
}

static void print_section(FILE *out, const struct pw_section *section)
{
    fputs("| key | value | default | meaning |\n|---|---|---|---|\n", out);
    for (uint32_t i = 0; i < section->key_cnt; i++) {
        const struct pw_key *key = &section->keys[i];
        fprintf(out, "| `%s` | ", key->name);
        print_value(out, key);
        if (key->required) {
            fputs(" | **required**", out);
        } else if (key->fallback != NULL) {
            fprintf(out, " | `%s`", key->fallback);
        } else {
            fputs(key->kind == PW_VALUE_DECIMAL ? " | `0`"
                  : key->kind == PW_VALUE_GROUP ? " | its own"
                                                : " | none",
                  out);
        }
        fprintf(out, " | %s |\n", key->help);
    }
}

void pw_config_print_reference(FILE *out)
{
    fputs("# The config file\n\n"
          "One YAML file describes one engine. Relative paths begin at the file's own folder. In paths and "
          "URLs, `$NAME`\n"
          "and `${NAME}` stand for environment variables, and `${NAME:-default}` for one that may be unset "
          "or empty; `$$`\n"
          "is a dollar. Decimals are exact: write them with or without quotes, with at most 8 decimals. "
          "Unknown keys are\n"
          "refused. `pinwheel run --check FILE` tells all that is wrong with a file, with line, column and "
          "what to do.\n\n",
          out);
    print_section(out, &g_root);
    for (uint32_t i = 0; i < g_root.key_cnt; i++) {
        const struct pw_key *key = &g_root.keys[i];
        if (key->section != NULL) {
            fprintf(out, "\n## %s\n\n%c%s.\n\n", key->section->title, key->help[0] - 'a' + 'A',
                    key->help + 1);
            print_section(out, key->section);
        }
    }
}
