/* SPDX-License-Identifier: MIT
 *
 * The simulator's config: a table of keys, read as the engine's is. See sim.h.
 */
#include "names.h"
#include "order_table.h"
#include "section.h"
#include "signature.h"
#include "sim.h"

#include <assert.h>
#include <errno.h>
#include <pinwheel/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the table ---- */

#define COUNT_OF(array)     (uint32_t)(sizeof(array) / sizeof *(array))
#define FIELD(type, member) .offset = offsetof(type, member), .bytes = sizeof(((type *)0)->member)
#define ROWS(type, member, cnt_field)                                                                        \
    .offset = offsetof(type, member), .bytes = sizeof(((type *)0)->member[0]),                               \
    .cnt_offset = offsetof(type, cnt_field), .cnt_max = COUNT_OF(((type *)0)->member)
#define CHOICES(array) .choices = (array), .choice_cnt = COUNT_OF(array)
#define SECTION(array)                                                                                       \
    .section = &(const struct pw_section)                                                                    \
    {                                                                                                        \
        .keys = (array), .key_cnt = COUNT_OF(array)                                                          \
    }
#define COUNT(text, low, high) .kind = PW_VALUE_COUNT, .fallback = (text), .min = (low), .max = (high)

#define ROOT(member)       FIELD(struct pw_sim_config, member)
#define LISTEN(member)     FIELD(struct pw_sim_listen_config, member)
#define LIMIT(member)      FIELD(struct pw_sim_limits_config, member)
#define CAPTURE(member)    FIELD(struct pw_sim_capture_config, member)
#define MARKET(member)     FIELD(struct pw_sim_synthetic_config, member)
#define INSTRUMENT(member) FIELD(struct pw_sim_instrument_config, member)
#define ACCOUNT(member)    FIELD(struct pw_sim_account_config, member)
#define BALANCE(member)    FIELD(struct pw_sim_balance_config, member)
#define FAULT(member)      FIELD(struct pw_sim_fault, member)

static const char *const g_slow[] = {"auto", "wait", "drop"};     /* enum pw_sim_slow */
static const char *const g_at_end[] = {"stay", "repeat", "exit"}; /* enum pw_sim_at_end */
static_assert(sizeof(enum pw_sim_slow) == sizeof(uint32_t) &&
                  sizeof(enum pw_sim_at_end) == sizeof(uint32_t) &&
                  sizeof(enum pw_sim_fault_kind) == sizeof(uint32_t),
              "a choice is stored as 32 bits");

/* clang-format off */
static const struct pw_key g_listen_keys[] = {
    {.name = "address", LISTEN(address), .kind = PW_VALUE_TEXT, .fallback = "127.0.0.1",
     .help = "the IPv4 address to listen on"},
    {.name = "port", LISTEN(port), COUNT("9443", 0, 65535), .expands = true,
     .help = "TCP port for TLS, REST and WebSocket alike; 0: any free port"},
    {.name = "plain", LISTEN(plain), .kind = PW_VALUE_BOOL, .fallback = "false",
     .help = "also listen without TLS"},
    {.name = "plain_port", LISTEN(plain_port), COUNT("0", 0, 65535),
     .help = "TCP port without TLS; 0: any free port"},
    {.name = "port_file", LISTEN(port_file), .kind = PW_VALUE_PATH, .expands = true,
     .help = "file to which the port is written once open (the plain one on a second line)"},
    {.name = "tls_dir", LISTEN(tls_dir), .kind = PW_VALUE_PATH, .expands = true,
     .help = "the folder of the test CA and the server's certificate, made if missing"},
};

static const struct pw_key g_limit_keys[] = {
    {.name = "connections_max", LIMIT(connections_max), COUNT("256", 1, 4096),
     .help = "open connections; a further one replaces the longest idle one, or is closed at once"},
    {.name = "connections_per_address", LIMIT(connections_per_address), COUNT("0", 0, 4096),
     .help = "open connections of one address; 0: three quarters of connections_max"},
    {.name = "output_kib", LIMIT(output_kib), COUNT("8192", 64, 1048576), .unit = "KiB",
     .help = "output queue of a client, which is dropped when it is full; the largest answer must fit"},
    {.name = "window_kib", LIMIT(window_kib), COUNT("256", 16, 524288), .unit = "KiB",
     .help = "queued output of a client at which the market waits for it"},
    {.name = "slow_clients", LIMIT(slow_clients), .kind = PW_VALUE_CHOICE, .fallback = "auto", CHOICES(g_slow),
     .help = "the market waits for clients that do not read, or drops them; auto: a synthetic market "
             "drops them, but at pace flood it waits, as captures do"},
    {.name = "ping_interval_ms", LIMIT(ping_interval_ms), COUNT("20000", 10, 86400000), .unit = "ms",
     .help = "time between pings"},
    {.name = "pong_timeout_ms", LIMIT(pong_timeout_ms), COUNT("60000", 10, 86400000), .unit = "ms",
     .help = "a connection without a pong for this long is closed"},
    {.name = "messages_per_s", LIMIT(messages_per_s), COUNT("5", 0, 1000000),
     .help = "messages a client may send per second, pings and pongs included; 0: no limit"},
    {.name = "lifetime_ms", LIMIT(lifetime_ms), COUNT("86400000", 0, 604800000), .unit = "ms",
     .help = "lifetime of a WebSocket connection; 0: no limit"},
    {.name = "weight_per_min", LIMIT(weight_per_min), COUNT("6000", 0, 100000000),
     .help = "request weight per window of weight_window_s; 0: no limit"},
    {.name = "weight_window_s", LIMIT(weight_window_s), COUNT("60", 1, 60), .unit = "s",
     .help = "length of the window in which weight_per_min is counted; shorter ones are for tests"},
    {.name = "connects_per_5min", LIMIT(connects_per_5min), COUNT("300", 0, 100000000),
     .help = "connections to the WebSocket API per 5 minutes; 0: no limit"},
    {.name = "ban_after", LIMIT(ban_after), COUNT("20", 0, 1000000),
     .help = "requests rejected with 429 within a window of weight_window_s before the client is banned (418); 0: never"},
    {.name = "ban_s", LIMIT(ban_s), COUNT("120", 1, 259200), .unit = "s", .help = "length of a ban"},
    {.name = "orders_per_10s", LIMIT(orders_per_10s), COUNT("100", 0, 1000000),
     .help = "unfilled orders of an account per 10 seconds; 0: no limit"},
    {.name = "orders_per_day", LIMIT(orders_per_day), COUNT("200000", 0, 100000000),
     .help = "unfilled orders of an account per day (UTC); 0: no limit"},
    {.name = "handshake_timeout_ms", LIMIT(handshake_timeout_ms), COUNT("10000", 10, 600000), .unit = "ms",
     .help = "timeout of the TLS handshake"},
    {.name = "request_timeout_ms", LIMIT(request_timeout_ms), COUNT("10000", 10, 600000), .unit = "ms",
     .help = "timeout of a request or a client's message, from its first byte to its last"},
    {.name = "requests_per_s", LIMIT(requests_per_s), COUNT("0", 0, 1000000),
     .help = "HTTP requests of one address per second; 0: no limit besides weight_per_min"},
    {.name = "idle_timeout_ms", LIMIT(idle_timeout_ms), COUNT("600000", 10, 86400000), .unit = "ms",
     .help = "an HTTP connection without a request for this long is closed"},
};

static const struct pw_key g_capture_keys[] = {
    {.name = "files", ROWS(struct pw_sim_capture_config, files, file_cnt), .kind = PW_VALUE_LIST,
     .item = PW_VALUE_PATH, .expands = true, .required = true, .help = "recordings to replay, plain or gzip"},
    {.name = "merge", CAPTURE(merge), .kind = PW_VALUE_BOOL, .fallback = "true",
     .help = "true: all lines in the order of their recorded time; false: file after file"},
    {.name = "wait_clients", CAPTURE(wait_clients), COUNT("1", 0, 4096),
     .help = "start when so many connections have subscribed"},
    {.name = "start_delay_ms", CAPTURE(start_delay_ms), COUNT("0", 0, 3600000), .unit = "ms",
     .help = "delay of the start after that"},
    {.name = "hold_ms", CAPTURE(hold_ms), COUNT("10000", 0, 3600000), .unit = "ms",
     .help = "how long replay waits at a recorded snapshot for a client to fetch it"},
    {.name = "memory_mib", CAPTURE(memory_mib), COUNT("1024", 1, 1048576), .unit = "MiB",
     .help = "larger captures are rejected"},
    {.name = "at_end", CAPTURE(at_end), .kind = PW_VALUE_CHOICE, .fallback = "stay", CHOICES(g_at_end),
     .help = "at the end of the recording: stay connected; repeat, like a restarted venue; or exit"},
};

static const struct pw_key g_instrument_keys[] = {
    {.name = "symbol", INSTRUMENT(symbol), .kind = PW_VALUE_SYMBOL, .required = true,
     .help = "as the venue spells it: BTCUSDT"},
    {.name = "price", INSTRUMENT(price_e8), .kind = PW_VALUE_DECIMAL, .required = true, .min = 1,
     .max = 1000000 * PW_E8, .help = "the fair price at the start"},
    {.name = "tick", INSTRUMENT(tick_e8), .kind = PW_VALUE_DECIMAL, .fallback = "0.01", .min = 1, .max = 1000 * PW_E8,
     .help = "all prices are multiples of it"},
    {.name = "step", INSTRUMENT(step_e8), .kind = PW_VALUE_DECIMAL, .fallback = "0.00001", .min = 1,
     .max = 1000 * PW_E8, .help = "all quantities are multiples of it"},
    {.name = "trades_per_s", INSTRUMENT(trades_per_s), COUNT("50", 1, 100000),
     .help = "on average, over quiet and busy times"},
    {.name = "quotes_per_s", INSTRUMENT(quotes_per_s), COUNT("200", 1, 500000),
     .help = "changes of the best prices or quantities, on average"},
    {.name = "volatility_ppm", INSTRUMENT(volatility_ppm), COUNT("20", 0, 10000),
     .help = "how far the fair price typically moves in a second, in millionths of it"},
    {.name = "steady", INSTRUMENT(steady), .kind = PW_VALUE_BOOL, .fallback = "false",
     .help = "true: without quiet and busy times, for loads of a known size"},
    {.name = "levels", INSTRUMENT(levels), COUNT("400", 20, 4000), .help = "of each side, about: resting orders, most of them at a price of their own"},
    {.name = "reference_price", INSTRUMENT(rules.reference_e8), .kind = PW_VALUE_DECIMAL, .fallback = "0", .min = 0,
     .max = 1000000 * PW_E8, .help = "by which filters judge and of which the price range is; 0: there is none"},
    {.name = "avg_price_mins", INSTRUMENT(rules.avg_price_mins), COUNT("5", 0, 1440), .unit = "min",
     .help = "without a reference price filters judge by the mean of so long; 0: by the last price"},
    {.name = "bid_multiplier_up", INSTRUMENT(rules.band[PW_BUY].up_e8), .kind = PW_VALUE_DECIMAL, .fallback = "5", .min = 0,
     .max = 1000 * PW_E8, .help = "the highest limit of a buy, in multiples of that price; 0: any"},
    {.name = "bid_multiplier_down", INSTRUMENT(rules.band[PW_BUY].down_e8), .kind = PW_VALUE_DECIMAL, .fallback = "0.2",
     .min = 0, .max = 1000 * PW_E8, .help = "the lowest limit of a buy, in multiples of that price; 0: any"},
    {.name = "ask_multiplier_up", INSTRUMENT(rules.band[PW_SELL].up_e8), .kind = PW_VALUE_DECIMAL, .fallback = "5", .min = 0,
     .max = 1000 * PW_E8, .help = "the highest limit of a sell, in multiples of that price; 0: any"},
    {.name = "ask_multiplier_down", INSTRUMENT(rules.band[PW_SELL].down_e8), .kind = PW_VALUE_DECIMAL, .fallback = "0.2",
     .min = 0, .max = 1000 * PW_E8, .help = "the lowest limit of a sell, in multiples of that price; 0: any"},
    {.name = "bid_limit_up", INSTRUMENT(rules.range[PW_BUY].up_e8), .kind = PW_VALUE_DECIMAL, .fallback = "0", .min = 0,
     .max = 1000 * PW_E8, .help = "price range: the highest price at which a buy takes, in multiples of the reference price; 0: any"},
    {.name = "bid_limit_down", INSTRUMENT(rules.range[PW_BUY].down_e8), .kind = PW_VALUE_DECIMAL, .fallback = "0", .min = 0,
     .max = 1000 * PW_E8, .help = "price range: the lowest price at which a buy takes, in multiples of the reference price; 0: any"},
    {.name = "ask_limit_up", INSTRUMENT(rules.range[PW_SELL].up_e8), .kind = PW_VALUE_DECIMAL, .fallback = "0", .min = 0,
     .max = 1000 * PW_E8, .help = "price range: the highest price at which a sell takes, in multiples of the reference price; 0: any"},
    {.name = "ask_limit_down", INSTRUMENT(rules.range[PW_SELL].down_e8), .kind = PW_VALUE_DECIMAL, .fallback = "0", .min = 0,
     .max = 1000 * PW_E8, .help = "price range: the lowest price at which a sell takes, in multiples of the reference price; 0: any"},
};

static const struct pw_key g_market_keys[] = {
    {.name = "seed", MARKET(seed), COUNT("1", 0, INT64_C(999999999999999999)),
     .help = "the same seed makes the same market"},
    {.name = "epoch_ms", MARKET(epoch_ms), COUNT("0", 0, INT64_C(4102444800000)), .unit = "ms",
     .help = "the market's time when it begins, since 1970; 0: now"},
    {.name = "instruments", ROWS(struct pw_sim_synthetic_config, instruments, instrument_cnt),
     .kind = PW_VALUE_GROUPS, .required = true, SECTION(g_instrument_keys), .help = "what is traded there"},
};

static const struct pw_key g_fault_keys[] = {
    {.name = "kind", FAULT(kind), .kind = PW_VALUE_CHOICE, .required = true, CHOICES(pw_sim_fault_names),
     .help = "an injected fault"},
    {.name = "match", FAULT(match), .kind = PW_VALUE_TEXT,
     .help = "pattern of what it affects, the stream, REST path, WebSocket API method or user event: "
             "\"*@depth@100ms\", \"order.*\"; left out: all"},
    {.name = "after", FAULT(after), COUNT("0", 0, INT64_C(1) << 53),
     .help = "messages or requests that pass first"},
    {.name = "count", FAULT(count), COUNT("1", 1, INT64_C(1) << 53), .help = "messages or requests that are then hit"},
    {.name = "every", FAULT(every), COUNT("0", 0, INT64_C(1) << 53),
     .help = "repeat the cycle every so many; 0: once only"},
    {.name = "percent", FAULT(percent), COUNT("0", 0, 100),
     .help = "instead of count and every: chance of each to be hit, from the market's seed; 0: off"},
    {.name = "ms", FAULT(ms), COUNT("1000", 1, 3600000), .unit = "ms", .help = "duration of a stall or delay; step of the clock"},
    {.name = "status", FAULT(status), COUNT("503", 400, 599), .help = "HTTP status of rest_error and unknown"},
    {.name = "bytes", FAULT(bytes), COUNT("0", 0, INT64_C(1) << 30), .unit = "bytes",
     .help = "cut: bytes taken before the reset"},
    {.name = "back", FAULT(back), .kind = PW_VALUE_BOOL, .fallback = "false",
     .help = "clock: step backwards"},
    {.name = "html", FAULT(html), .kind = PW_VALUE_BOOL, .fallback = "false",
     .help = "rest_error: an HTML page in place of JSON"},
};

static const struct pw_key g_balance_keys[] = {
    {.name = "asset", BALANCE(asset), .kind = PW_VALUE_SYMBOL, .required = true, .help = "as in the symbols: USDT"},
    {.name = "free", BALANCE(free_e8), .kind = PW_VALUE_DECIMAL, .required = true, .min = 0,
     .max = 1000000000 * PW_E8, .help = "initial free balance"},
};

static const struct pw_key g_account_keys[] = {
    {.name = "api_key", ACCOUNT(api_key), .kind = PW_VALUE_TEXT, .required = true,
     .help = "letters and digits; sent in the header X-MBX-APIKEY"},
    {.name = "secret", ACCOUNT(secret), .kind = PW_VALUE_TEXT,
     .help = "test secret for HMAC-SHA256; or public_key"},
    {.name = "public_key", ACCOUNT(public_key_path), .kind = PW_VALUE_PATH, .expands = true,
     .help = "the PEM file of an Ed25519 public key"},
    {.name = "maker_fee_bps", .old_name = "maker_bips", ACCOUNT(maker_fee_bps), COUNT("10", 0, 1000),
     .help = "maker fee, in basis points of what a fill brings"},
    {.name = "taker_fee_bps", .old_name = "taker_bips", ACCOUNT(taker_fee_bps), COUNT("10", 0, 1000),
     .help = "taker fee, likewise"},
    {.name = "self_trade_prevention", ACCOUNT(prevention), .kind = PW_VALUE_CHOICE, .fallback = "EXPIRE_MAKER",
     CHOICES(pw_sim_prevention_texts), .help = "of its orders that say no selfTradePreventionMode"},
    {.name = "balances", ROWS(struct pw_sim_account_config, balances, balance_cnt), .kind = PW_VALUE_GROUPS,
     SECTION(g_balance_keys), .help = "initial balances"},
};

static const struct pw_key g_root_keys[] = {
    {.name = "listen", ROOT(listen), .kind = PW_VALUE_GROUP, SECTION(g_listen_keys), .help = "addresses and ports"},
    {.name = "sandbox", ROOT(sandbox), .kind = PW_VALUE_BOOL, .fallback = "true",
     .help = "give up capabilities, system calls and files that are not needed; false: for debugging"},
    {.name = "pace", ROOT(pace), .kind = PW_VALUE_TEXT, .fallback = "1",
     .help = "how fast the market's time runs: 1, 10, 0.5; flood: as fast as the clients read"},
    {.name = "spin", ROOT(spin), .kind = PW_VALUE_BOOL, .fallback = "false",
     .help = "never sleep: for latency measurements, at the cost of a core"},
    {.name = "capture", ROOT(capture), .kind = PW_VALUE_GROUP, SECTION(g_capture_keys),
     .help = "recorded market data; or market"},
    {.name = "market", ROOT(market), .kind = PW_VALUE_GROUP, SECTION(g_market_keys), .help = "a synthetic market"},
    {.name = "limits", ROOT(limits), .kind = PW_VALUE_GROUP, SECTION(g_limit_keys), .help = "limits and timeouts of the venue"},
    {.name = "faults", ROWS(struct pw_sim_config, faults.faults, faults.fault_cnt), .kind = PW_VALUE_GROUPS,
     SECTION(g_fault_keys), .help = "faults on demand, for tests"},
    {.name = "accounts", ROWS(struct pw_sim_config, accounts, account_cnt), .kind = PW_VALUE_GROUPS,
     SECTION(g_account_keys), .help = "who may trade, in a synthetic market"},
};
/* clang-format on */

static const struct pw_section g_root = {.keys = g_root_keys, .key_cnt = COUNT_OF(g_root_keys)};

/* ---- what concerns several values ---- */

static void pace_check(struct pw_document *doc, struct pw_sim_config *config)
{
    char *end;
    double factor;

    if (strcmp(config->pace, "flood") == 0) {
        config->pace_percent = PW_SIM_PACE_FLOOD;
        return;
    }
    factor = strtod(config->pace, &end);
    if (end == config->pace || *end || !(factor >= 0.01 && factor <= 1e6)) {
        pw_document_problem(doc, pw_document_mark(doc, "pace"),
                            "pace: invalid value '%s'; use 'flood' or a factor from 0.01 to 1000000",
                            config->pace);
        return;
    }
    config->pace_percent = (uint32_t)(factor * 100 + 0.5);
}

static void instruments_check(struct pw_document *doc, const struct pw_sim_config *config)
{
    for (uint32_t i = 0; i < config->market.instrument_cnt; i++) {
        const struct pw_sim_instrument_config *instrument = &config->market.instruments[i];
        yaml_mark_t mark = pw_document_mark(doc, "market.instruments[%u]", i);
        if (instrument->tick_e8 && instrument->price_e8 / instrument->tick_e8 < 1000) {
            pw_document_problem(doc, mark, "price: less than 1000 ticks; use a smaller tick");
        }
        for (uint32_t j = 0; j < i; j++) {
            if (strcmp(config->market.instruments[j].symbol, instrument->symbol) == 0) {
                pw_document_problem(doc, mark, "symbol: duplicate symbol '%s'; remove one",
                                    instrument->symbol);
            }
        }
    }
}

static void capture_files_check(struct pw_document *doc, const struct pw_sim_capture_config *capture)
{
    for (uint32_t i = 0; i < capture->file_cnt; i++) {
        const char *path = capture->files[i];
        struct stat st;
        if (path[0] == '\0') {
            continue; /* told already */
        }
        int err = access(path, R_OK) != 0 || stat(path, &st) != 0 ? errno : S_ISDIR(st.st_mode) ? EISDIR : 0;
        if (err != 0) {
            pw_document_problem(doc, pw_document_mark(doc, "capture.files[%u]", i), "files: %s: %s", path,
                                strerror(err));
        }
    }
}

/* It is made with its parents; but not where a file stands. */
static void tls_dir_check(struct pw_document *doc, const char *path)
{
    struct stat st;
    if (path[0] != '\0' && lstat(path, &st) == 0 && (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))) {
        pw_document_problem(doc, pw_document_mark(doc, "listen.tls_dir"), "tls_dir: %s is not a folder",
                            path);
    }
}

static void source_check(struct pw_document *doc, struct pw_sim_config *config)
{
    bool capture = pw_document_find(doc, "capture") != NULL, market = pw_document_find(doc, "market") != NULL;

    if (capture == market) {
        pw_document_problem(doc, pw_document_mark(doc, capture ? "market" : "listen"),
                            "set exactly one of 'capture' and 'market'");
    }
    capture_files_check(doc, &config->capture);
    tls_dir_check(doc, config->listen.tls_dir);
    config->synthetic = market;
    if (config->limits.slow_clients == PW_SIM_SLOW_AUTO) {
        config->limits.slow_clients =
            market && config->pace_percent != PW_SIM_PACE_FLOOD ? PW_SIM_SLOW_DROP : PW_SIM_SLOW_WAIT;
    }
    if (config->limits.window_kib > config->limits.output_kib / 2) {
        pw_document_problem(doc, pw_document_mark(doc, "limits.window_kib"),
                            "window_kib: must be at most half of output_kib (%u)", config->limits.output_kib);
    }
}

/* How its requests are signed. */
static void signing_check(struct pw_document *doc, yaml_mark_t mark, struct pw_sim_account_config *account)
{
    int result;

    if (!account->secret[0] == !account->public_key_path[0]) {
        pw_document_problem(doc, mark, "set exactly one of 'secret' and 'public_key'");
    }
    if (!account->public_key_path[0]) {
        return;
    }
    result = pw_sim_public_key_load(account->public_key_path, account->public_key);
    if (result == -EINVAL) {
        pw_document_problem(doc, mark, "public_key: %s is not the PEM file of a good Ed25519 public key",
                            account->public_key_path);
    } else if (result) {
        pw_document_problem(doc, mark, "public_key: %s: %s", account->public_key_path, strerror(-result));
    }
}

static void accounts_check(struct pw_document *doc, struct pw_sim_config *config)
{
    if (config->account_cnt && !config->synthetic) {
        pw_document_problem(doc, pw_document_mark(doc, "accounts"),
                            "accounts: recordings cannot be traded; remove them or use 'market'");
    }
    for (uint32_t i = 0; i < config->account_cnt; i++) {
        struct pw_sim_account_config *account = &config->accounts[i];
        yaml_mark_t mark = pw_document_mark(doc, "accounts[%u]", i);

        signing_check(doc, mark, account);
        if (account->api_key[0] &&
            !pw_sim_name_plain((struct pw_slice){account->api_key, strlen(account->api_key)})) {
            pw_document_problem(doc, mark, "api_key: only letters and digits are allowed");
        }
        for (uint32_t j = 0; j < i; j++) {
            if (strcmp(config->accounts[j].api_key, account->api_key) == 0) {
                pw_document_problem(doc, mark, "api_key: duplicate API key; remove one");
            }
        }
        for (uint32_t j = 0; j < account->balance_cnt; j++) {
            for (uint32_t k = 0; k < j; k++) {
                if (strcmp(account->balances[k].asset, account->balances[j].asset) == 0) {
                    pw_document_problem(doc, mark, "balances: duplicate asset '%s'; remove one",
                                        account->balances[j].asset);
                }
            }
        }
    }
}

static void tls_dir_default(struct pw_sim_config *config)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");

    if (config->listen.tls_dir[0]) {
        return;
    }
    if (cache && *cache) {
        snprintf(config->listen.tls_dir, sizeof config->listen.tls_dir, "%s/pinwheel/sim-tls", cache);
    } else {
        snprintf(config->listen.tls_dir, sizeof config->listen.tls_dir, "%s/.cache/pinwheel/sim-tls",
                 home && *home ? home : "/tmp");
    }
}

int pw_sim_config_load(struct pw_sim_config *config, const char *path, char *error, size_t error_bytes)
{
    struct pw_document *doc = calloc(1, sizeof *doc);
    int result;

    if (!doc) {
        return -ENOMEM;
    }
    *config = (struct pw_sim_config){0};
    snprintf(config->path, sizeof config->path, "%s", path);
    result = pw_document_load(doc, config->path);
    if (!result) {
        pw_section_read(doc, &g_root, pw_document_root(doc), config);
        pace_check(doc, config);
        instruments_check(doc, config);
        source_check(doc, config);
        accounts_check(doc, config);
        tls_dir_default(config);
    }
    if (doc->problem_cnt) {
        pw_document_print_problems(doc, error, error_bytes);
        result = -EINVAL;
    } else if (result) {
        snprintf(error, error_bytes, "%s: cannot be read: %s", path, strerror(-result));
    }
    pw_document_free(doc);
    free(doc);
    return result;
}
