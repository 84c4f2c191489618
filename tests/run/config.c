/* SPDX-License-Identifier: MIT
 *
 * Configs: each thing that can be wrong is refused at its line and column with what to do; all of a file's
 * problems are told together; what is right arrives exactly, with its defaults.
 */
#include "book_config.h"
#include "cores.h"
#include "host.h"
#include "instance.h"
#include "journal_config.h"
#include "net_config.h"
#include "ring_sizes.h"
#include "risk_config.h"
#include "sections.h"
#include "strategies_config.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char g_dir[] = "/tmp/pinwheel-config-XXXXXX";
static char g_path[64]; /* of the file under test */
static char g_error[16384];
static struct pw_config *g_config;
static struct pw_cpus g_cpus; /* a host of processors 0-3, of which 0-2 are allowed */

static void setup(void)
{
    cr_assert_not_null(mkdtemp(g_dir));
    snprintf(g_path, sizeof g_path, "%s/test.yaml", g_dir);
    g_config = pw_app_config_create();
    cr_assert_not_null(g_config);
    cr_assert(pw_cpu_set_parse("0-3", &g_cpus.online));
    cr_assert(pw_cpu_set_parse("0-2", &g_cpus.allowed));
}

static void teardown(void)
{
    unlink(g_path);
    rmdir(g_dir);
    pw_config_destroy(g_config);
}

TestSuite(config, .init = setup, .fini = teardown);

static void file_write(const char *text, size_t size)
{
    unlink(g_path); /* a new file: ext4 writes a truncated one to disk at once */
    FILE *file = fopen(g_path, "w");
    cr_assert_not_null(file);
    cr_assert_eq(fwrite(text, 1, size, file), size);
    fclose(file);
}

static int load(const char *text)
{
    file_write(text, strlen(text));
    g_error[0] = '\0';
    return pw_app_config_load(g_config, g_path, &g_cpus, g_error, sizeof g_error);
}

/* A sound file, one setting a line, for tests to spoil. Lines are counted from 1. */
static const char *const g_sound[] = {
    /* 1 */ "instance: demo",
    /* 2 */ "memory: {huge_pages: true}",
    /* 3 */ "cores:",
    /* 4 */ "  - {core: 1, idle: pause, stages: [net_rx, parse, strategy, execution, net_tx]}",
    /* 5 */ "  - {core: auto, idle: sleep, stages: [journal, housekeeping]}",
    /* 6 */ "rings: {frames_slots: 1024, frames_bytes: 4194304, market_slots: 2048}",
    /* 7 */ "feeds:",
    /* 8 */ "  - name: binance",
    /* 9 */ "    venue: binance_spot",
    /* 10 */ "    ws_url: wss://localhost:9443",
    /* 11 */ "    rest_url: https://localhost:9443",
    /* 12 */ "    ca_file: ca.pem",
    /* 13 */ "    streams: [trade, bookTicker]",
    /* 14 */ "    instruments: [BTCUSDT, ETHUSDT]",
    /* 15 */ "    stale_after_ms: 2000",
    /* 16 */ "strategies:",
    /* 17 */ "  - name: ma",
    /* 18 */ "    kind: ma_cross",
    /* 19 */ "    instruments: [ETHUSDT]",
    /* 20 */ "    params: {fast: 50, slow: 200, quantity: \"0.01\"}",
    /* 21 */
    "risk: {max_order_notional: \"5000.5\", max_position: 1, max_orders_per_s: 10, allow_short: false}",
    /* 22 */ "gateway: paper",
    /* 23 */ "paper: {cash: \"10000\", fee_rate: \"0.001\", latency_us: 250}",
    /* 24 */ "journal: {path: /var/tmp/j, commit_interval_ms: 100, market_ring_full: stall, segment_mb: 64}",
};
#define SOUND_LINES (sizeof g_sound / sizeof g_sound[0])

/* SOUND_LINES lines, of which NULL are left out, and a section below them. */
static int load_lines(const char *const lines[], const char *section)
{
    char text[8192] = "";
    for (size_t i = 0; i < SOUND_LINES; i++) {
        if (lines[i] != NULL) {
            strcat(text, lines[i]);
            strcat(text, "\n");
        }
    }
    strcat(text, section);
    return load(text);
}

/* The sound file with one line put in place of another (0: none is; NULL: taken out). */
static int load_with(size_t line, const char *instead)
{
    const char *lines[SOUND_LINES + 1];
    memcpy(lines + 1, g_sound, sizeof g_sound);
    lines[line] = instead;
    return load_lines(lines + 1, "");
}

/* What is reported names all of these, which are separated by blanks: keys, values, what there is. */
static void expect_named(const char *facts)
{
    char copy[256], *rest = copy;
    snprintf(copy, sizeof copy, "%s", facts);
    for (char *fact; (fact = strsep(&rest, " ")) != NULL;) {
        cr_expect_not_null(strstr(g_error, fact), "wanted '%s', got:\n%s", fact, g_error);
    }
}

/* The whole of what is reported is one problem: at that place, and it names these facts. */
static void expect_problem(size_t line, size_t column, const char *facts)
{
    char prefix[128];
    snprintf(prefix, sizeof prefix, "%s:%zu:%zu: ", g_path, line, column);
    cr_expect_eq(strncmp(g_error, prefix, strlen(prefix)), 0, "wanted %s, got:\n%s", prefix, g_error);
    expect_named(facts);
    cr_expect_null(strchr(g_error, '\n'), "one problem only, got:\n%s", g_error);
    cr_expect_neq(g_error[strlen(g_error) - 1], ' ', "ends in a space: '%s'", g_error);
}

struct spoiled {
    size_t line; /* of the sound file, to be replaced ... */
    const char *instead;
    size_t at_line, column; /* ... and where the problem is told */
    const char *facts;
};

static void expect_all(const struct spoiled *rows, size_t row_cnt)
{
    for (size_t i = 0; i < row_cnt; i++) {
        cr_expect_eq(load_with(rows[i].line, rows[i].instead), -EINVAL, "accepted: %s", rows[i].instead);
        expect_problem(rows[i].at_line, rows[i].column, rows[i].facts);
    }
}
#define EXPECT_ALL(rows) expect_all(rows, sizeof(rows) / sizeof(rows)[0])

Test(config, sound_file_arrives_exactly)
{
    const struct pw_config_journal *journal = PW_CONFIG(g_config, journal);
    const struct pw_config_paper *paper = PW_CONFIG(g_config, paper);
    const struct pw_config_risk *risk = PW_CONFIG(g_config, risk);
    const struct pw_config_strategies *strategies = PW_CONFIG(g_config, strategies);
    const struct pw_config_feeds *feeds = PW_CONFIG(g_config, feeds);
    const struct pw_config_rings *rings = PW_CONFIG(g_config, rings);
    const struct pw_config_cores *cores = PW_CONFIG(g_config, cores);
    const struct pw_config_instance *instance = PW_CONFIG(g_config, instance);
    cr_assert_eq(load_with(0, NULL), 0, "%s", g_error);
    cr_expect_str_eq(instance->name, "demo");
    cr_expect_str_eq(g_config->path, g_path);
    cr_expect(instance->huge_pages);
    cr_expect_not(instance->keep_workspace);
    cr_expect(PW_CONFIG(g_config, net)->kernel_stamps);
    cr_assert_eq(cores->core_cnt, 2);
    cr_expect_eq(cores->cores[0].core, 1);
    cr_expect_eq(cores->cores[0].idle, PW_IDLE_PAUSE);
    cr_expect_eq(cores->cores[0].stage_cnt, 5);
    cr_expect_str_eq(cores->cores[0].stages[4], "net_tx");
    cr_expect_eq(cores->cores[1].core, PW_CORE_AUTO);
    cr_expect_eq(cores->cores[1].idle, PW_IDLE_SLEEP);
    cr_expect_eq(rings->frames_slots, 1024);
    cr_expect_eq(rings->frames_bytes, 4194304);
    cr_expect_eq(rings->orders_slots, 4096, "the default");
    cr_assert_eq(feeds->feed_cnt, 1);
    const struct pw_config_feed *feed = &feeds->feeds[0];
    cr_expect_str_eq(feed->name, "binance");
    cr_expect_str_eq(feed->venue, "binance_spot");
    cr_expect_str_eq(feed->ws_url, "wss://localhost:9443");
    cr_expect_str_eq(feed->rest_url, "https://localhost:9443");
    char ca_file[80];
    snprintf(ca_file, sizeof ca_file, "%s/ca.pem", g_dir);
    cr_expect_str_eq(feed->ca_file, ca_file, "relative to the file");
    cr_assert_eq(feed->stream_cnt, 2);
    cr_expect_str_eq(feed->streams[1], "bookTicker");
    cr_assert_eq(feed->instrument_cnt, 2);
    cr_expect_str_eq(feed->instruments[1], "ETHUSDT");
    cr_expect_eq(feed->stale_after_ms, 2000);
    cr_expect_eq(feed->dead_after_ms, 30000);
    cr_expect_eq(feed->snapshot_limit, 5000);
    cr_expect_eq(feed->message_bytes_max, 1 << 20);
    cr_assert_eq(strategies->strategy_cnt, 1);
    const struct pw_config_strategy *strategy = &strategies->strategies[0];
    cr_expect_eq(strategy->line, 17);
    cr_expect_str_eq(strategy->kind, "ma_cross");
    cr_assert_eq(strategy->instrument_cnt, 1);
    cr_expect_eq(strategy->instruments[0], 1, "the feed's second");
    cr_assert_eq(strategy->param_cnt, 3);
    cr_expect_str_eq(strategy->params[2].name, "quantity");
    cr_expect_str_eq(strategy->params[2].value, "0.01");
    cr_expect_eq(risk->max_order_notional_e8, INT64_C(500050000000));
    cr_expect_eq(risk->max_position_e8, PW_E8);
    cr_expect_eq(risk->max_orders_per_s, 10);
    cr_expect_not(risk->allow_short);
    cr_expect_str_eq(PW_CONFIG(g_config, gateway)->kind, "paper");
    cr_expect_eq(paper->cash_e8, 10000 * PW_E8);
    cr_expect_eq(paper->fee_rate_e8, PW_E8 / 1000);
    cr_expect_eq(paper->latency_ns, 250000);
    cr_expect(journal->enabled);
    cr_expect_str_eq(journal->path, "/var/tmp/j");
    cr_expect(journal->market_stall);
    cr_expect_eq(journal->segment_bytes, UINT64_C(64) << 20);
    cr_expect_eq(PW_CONFIG(g_config, book)->levels, 8192);
    cr_expect_eq(pw_feeds_instrument_cnt(feeds), 2);
    cr_expect_eq(pw_feeds_instrument_idx(feeds, "ETHUSDT"), 1);
    cr_expect_eq(pw_feeds_instrument_idx(feeds, "XRPUSDT"), PW_NO_INSTRUMENT);
}

Test(config, unknown_and_repeated_keys_are_refused)
{
    const struct spoiled rows[] = {
        {2, "memori: {huge_pages: true}", 2, 1, "memori memory"},
        {2, "memory: {huge_page: true}", 2, 10, "huge_page huge_pages"},
        {2, "colour: red", 2, 1, "colour instance memory"},
        {2, "[a]: 1", 2, 1, ""},
        {15, "    dead_afer_ms: 2000", 15, 5, "dead_after_ms"},
        {22, "instance: two", 22, 1, "instance 1"},
        {15, "    venue: binance_spot", 15, 5, "venue 9"},
        {20, "    params: {fast: 50, slow: 200, fast: 60}", 20, 35, "fast 20"},
    };
    EXPECT_ALL(rows);
}

Test(config, missing_required_keys_are_told_with_their_meaning)
{
    const struct spoiled rows[] = {
        {1, NULL, 1, 1, "instance"},
        {9, NULL, 8, 5, "venue"},
        {24, NULL, 1, 1, "journal"},
        {24, "journal: {commit_interval_ms: 5}", 24, 10, "path"},
        {24, "journal: {path: ''}", 24, 17, "path"},
        {18, NULL, 17, 5, "kind"},
        {5, "  - {idle: sleep, stages: [journal, housekeeping]}", 5, 5, "core"},
    };
    EXPECT_ALL(rows);
}

Test(config, stages_are_placed_exactly_once)
{
    const struct spoiled rows[] = {
        {5, "  - {core: auto, stages: [journal, housekeeping, parse]}", 5, 50, "stages parse"},
        {5, "  - {core: auto, stages: [journal]}", 4, 3, "cores housekeeping"},
        {5, "  - {core: auto, stages: [journal, housekeeping, jurnal]}", 5, 50,
         "journal net_rx parse strategy"},
    };
    EXPECT_ALL(rows);
}

Test(config, with_all_lines_every_stage_is_named)
{
    char text[8192] = "instance: demo\ncores:\n  - {core: none, stages: [journal, housekeping]}\n"
                      "  - {core: none, stages: [strategy, execution, housekeeping";
    for (unsigned line = 1; line <= PW_LINES_MAX; line++) {
        char *at = text + strlen(text);
        sprintf(at, ", net_rx.%u, parse.%u, net_tx.%u", line, line, line);
    }
    strcat(text, "]}\nfeeds:\n");
    for (unsigned line = 1; line <= PW_LINES_MAX; line++) {
        char *at = text + strlen(text);
        sprintf(at,
                "  - {name: f%u, line: %u, venue: binance_spot, ws_url: 'wss://h', rest_url: 'https://h', "
                "streams: [trade], instruments: [A]}\n",
                line, line);
    }
    strcat(text, "journal: {path: j}\n");
    cr_expect_eq(load(text), -EINVAL);
    expect_problem(3, 36, "journal housekeeping");
}

Test(config, net_tx_shares_the_core_of_net_rx)
{
    cr_expect_eq(
        load("instance: demo\n"
             "cores:\n"
             "  - {core: 1, stages: [net_rx, parse, strategy, execution]}\n"
             "  - {core: 2, stages: [journal, housekeeping, net_tx]}\n"
             "feeds:\n"
             "  - {name: x, venue: binance_spot, ws_url: 'wss://h', rest_url: 'https://h', streams: [trade], "
             "instruments: [A]}\n"
             "journal: {path: j}\n"),
        -EINVAL);
    expect_problem(4, 47, "stages net_tx net_rx 3");
}

Test(config, cores_exist_are_allowed_and_differ)
{
    const struct spoiled rows[] = {
        {5, "  - {core: 9, stages: [journal, housekeeping]}", 5, 12, "core 9 0-3"},
        {5, "  - {core: 3, stages: [journal, housekeeping]}", 5, 12, "core 3 0-2"},
        {5, "  - {core: 1, stages: [journal, housekeeping]}", 5, 12, "core 1"},
        {5, "  - {core: -1, stages: [journal, housekeeping]}", 5, 12, "core -1"},
        {5, "  - {core: any, stages: [journal, housekeeping]}", 5, 12, "auto none"},
        {5, "  - {core: 2, idle: slepe, stages: [journal, housekeeping]}", 5, 21,
         "idle slepe sleep spin pause yield"},
    };
    EXPECT_ALL(rows);
}

Test(config, more_threads_than_processors_are_refused_unless_unbound)
{
    g_cpus.allowed = (struct pw_cpu_set){{0}};
    pw_cpu_set_add(&g_cpus.allowed, 1);
    cr_expect_eq(load_with(0, NULL), -EINVAL);
    expect_problem(5, 12, "1");
    cr_expect_eq(load_with(5, "  - {core: none, stages: [journal, housekeeping]}"), 0, "%s", g_error);
    cr_expect_eq(PW_CONFIG(g_config, cores)->cores[1].core, PW_CORE_NONE);
}

Test(config, numbers_are_judged_by_range_and_form)
{
    const struct spoiled rows[] = {
        {6, "rings: {frames_slots: 1000}", 6, 23, "frames_slots 1000 512 1024"},
        {6, "rings: {frames_slots: 128}", 6, 23, "frames_slots 128 256 16777216"},
        {6, "rings: {frames_slots: 33554432}", 6, 23, "frames_slots 33554432 16777216"},
        {15, "    line: 9", 15, 11, "line 9 1 8"},
        {15, "    line: 2", 15, 11, "line 1"}, /* and no stage is said to be missing */
        {6, "rings: {frames_slots: -1024}", 6, 23, "frames_slots -1024"},
        {6, "rings: {frames_slots: 1e3}", 6, 23, "frames_slots 1e3"},
        {6, "rings: {frames_slots: 1_024}", 6, 23, "frames_slots 1_024"},
        {6, "rings: {frames_slots: 0x400}", 6, 23, "frames_slots 0x400"},
        {6, "rings: {frames_slots: 99999999999999999999999}", 6, 23, "frames_slots"},
        {6, "rings: {frames_slots: \"1024\"}", 6, 23, "1024"},
        {24, "journal: {path: j, commit_interval_ms: 100ms}", 24, 40, "100ms"},
        {21, "risk: {max_position: \"-1\"}", 21, 22, "max_position -1"},
        {21, "risk: {max_position: \"0.000000001\"}", 21, 22, "8"},
        {21, "risk: {max_position: 1e3}", 21, 22, "max_position 1e3"},
        {21, "risk: {max_position: 99999999999999}", 21, 22, "max_position 99999999999999"},
        {23, "paper: {fee_rate: \"1.01\"}", 23, 19, "fee_rate 1.01 0 1"},
        {21, "risk: {allow_short: no}", 21, 21, "allow_short no"},
        {21, "risk: {allow_short: \"true\"}", 21, 21, "allow_short true"},
        {15, "    stale_after_ms: 40000", 15, 21, "40000 dead_after_ms 30000"},
        {15, "    backoff_min_ms: 40000", 15, 21, "40000 backoff_max_ms 30000"},
        {15, "    message_bytes_max: 4194304", 15, 24, "rings.frames_bytes 4194304"},
    };
    EXPECT_ALL(rows);
}

Test(config, decimals_are_exact_quoted_or_not)
{
    const struct pw_config_risk *risk = PW_CONFIG(g_config, risk);
    cr_assert_eq(
        load_with(21, "risk: {max_order_notional: 0.00000001, max_position: \"92233720368.54775807\"}"), 0,
        "%s", g_error);
    cr_expect_eq(risk->max_order_notional_e8, 1);
    cr_expect_eq(risk->max_position_e8, INT64_MAX);
}

Test(config, wrong_shapes_are_refused)
{
    const struct spoiled rows[] = {
        {1, "instance: [demo]", 1, 11, "instance"},
        {1, "instance:", 1, 10, "instance"},
        {1, "instance: ~", 1, 11, "instance"},
        {2, "memory: yes", 2, 9, "memory"},
        {13, "    streams: trade", 13, 14, "streams"},
        {13, "    streams: []", 13, 14, "streams"},
        {13, "    streams: [trade, [x]]", 13, 22, "streams"},
        {20, "    params: [fast, slow]", 20, 13, "params"},
        {20, "    params: {fast: {a: 1}}", 20, 20, "params"},
    };
    EXPECT_ALL(rows);
}

Test(config, names_and_choices_are_judged)
{
    const struct spoiled rows[] = {
        {1, "instance: Demo", 1, 11, "instance Demo a-z 0-9"},
        {1, "instance: -x", 1, 11, "-x"},
        {1, "instance: ../x", 1, 11, "../x"},
        {1, "instance: abcdefghijklmnopqrstuvwxyz-0123456789", 1, 11, "37 31"},
        {9, "    venue: binance", 9, 12, "venue binance binance_spot"},
        {9, "    venue: binance_sport", 9, 12, "binance_spot"},
        {13, "    streams: [trades]", 13, 15, "streams trades trade"},
        {13, "    streams: [trade, trade]", 13, 22, "streams trade"},
        {18, "    kind: macross", 18, 11, "kind macross ma_cross"},
        {22, "gateway: dark", 22, 10, "gateway dark paper live"},
        {24, "journal: {path: j, market_ring_full: block}", 24, 38, "block drop stall"},
        {14, "    instruments: [btcusdt, ETHUSDT]", 14, 19, "btcusdt"},
        {14, "    instruments: [ETHUSDT, ETHUSDT]", 14, 28, "ETHUSDT"},
        {19, "    instruments: [XRPUSDT]", 19, 19, "instruments XRPUSDT"},
        {19, "    instruments: [ETHUSDT, ETHUSDT]", 19, 28, "ETHUSDT"},
    };
    EXPECT_ALL(rows);
}

/* cases/09-check-says-good: a strategy's parameters are judged with the file; cases/newcomer.md, 3. */
Test(config, a_strategys_parameters_are_judged)
{
    const struct spoiled rows[] = {
        {20, "    params: {fast: 500, slow: 200, quantity: \"0.01\"}", 20, 31, "slow 500 200"},
        {20, "    params: {fast: 02, slow: 200, quantity: \"0.01\"}", 20, 20, "fast 02"},
        {20, "    params: {fast: 0x10, slow: 200, quantity: \"0.01\"}", 20, 20, "fast 0x10"},
        {20, "    params: {fast: 2.0, slow: 200, quantity: \"0.01\"}", 20, 20, "fast 2.0"},
        {20, "    params: {fast: -2, slow: 200, quantity: \"0.01\"}", 20, 20, "fast -2"},
        {20, "    params: {fast: 2, slow: 1_000, quantity: \"0.01\"}", 20, 29, "slow 1_000"},
        {20, "    params: {fast: 2, slow: 200000, quantity: \"0.01\"}", 20, 29, "slow 200000 100000"},
        {20, "    params: {fast: 2, slow: 4, quantity: \"0,01\"}", 20, 42, "quantity 0,01"},
        {20, "    params: {fast: 2, slow: 4, quantity: \"00.1\"}", 20, 42, "quantity 00.1"},
        {20, "    params: {fast: 2, slow: 4, quantity: 1e-3}", 20, 42, "quantity 1e-3"},
        {20, "    params: {fast: 2, slow: 4, quantity: 0}", 20, 42, "quantity 0"},
        {20, "    params: {fast: 2, slow: 4, qty: 1}", 20, 37, "qty fast slow quantity"},
        {20, "    params: {fast: 2, slow: 4}", 20, 13, "quantity missing"},
        {20, NULL, 17, 5, "missing"},
    };
    EXPECT_ALL(rows);
    cr_expect_eq(load_with(20, "    params: {fast: 2, slow: 4, quantity: 0.5}"), 0, "%s", g_error);
}

/* cases/newcomer.md, 17 and 6: a strategy that could never trade, or never end. */
Test(config, a_strategy_must_fit_the_rest_of_the_file)
{
    const struct spoiled streams[] = {
        {13, "    streams: [kline_1m]", 13, 14, "streams ma trade aggTrade"},
        {13, "    streams: [bookTicker, depth@100ms]", 13, 14, "streams ma trade aggTrade"},
    };
    EXPECT_ALL(streams);
    cr_expect_eq(load_with(13, "    streams: [aggTrade]"), 0, "%s", g_error);

    const char *lines[SOUND_LINES];
    memcpy(lines, g_sound, sizeof g_sound);
    lines[18 - 1] = "    kind: tick_taker";
    lines[20 - 1] = "    params: {quantity: 1, imbalance: 2, every: 3}";
    lines[21 - 1] = "risk: {max_orders_per_s: 10}";
    cr_expect_eq(load_lines(lines, ""), -EINVAL);
    expect_problem(18, 11, "tick_taker risk.max_position");
}

/* cases/12-tilde-in-a-path */
Test(config, a_tilde_is_not_taken_for_a_folders_name)
{
    const struct spoiled rows[] = {
        {24, "journal: {path: ~/data}", 24, 17, "path ~ $HOME"},
        {24, "journal: {path: ~data}", 24, 17, "path ~"},
        {12, "    ca_file: ~/ca.pem", 12, 14, "ca_file ~"},
    };
    EXPECT_ALL(rows);
    cr_expect_eq(load_with(24, "journal: {path: ./~data}"), 0, "%s", g_error);
}

/* What a live config has in place of the paper gateway. */
static int load_live(size_t line, const char *instead, const char *section)
{
    const char *lines[SOUND_LINES + 1];
    memcpy(lines + 1, g_sound, sizeof g_sound);
    lines[22] = "gateway: live";
    lines[line] = instead;
    return load_lines(lines + 1, section);
}

#define LIVE_SECTION                                                                                         \
    "live: {ws_url: wss://localhost:9443/ws-api/v3, api_key_file: /k/api_key, key_file: /k/key.pem, cash: "  \
    "\"1000\"}\n"

Test(config, live_trading_wants_its_section_every_limit_and_the_journal)
{
    const struct pw_config_live *live = PW_CONFIG(g_config, live);
    cr_assert_eq(load_live(0, NULL, LIVE_SECTION), 0, "%s", g_error);
    cr_expect(pw_config_connects(g_config));
    struct pw_conns conns;
    pw_config_conns(g_config, &conns);
    cr_assert_eq(conns.cnt, 2);
    cr_expect_str_eq(conns.rows[1].config->ws_url, "wss://localhost:9443/ws-api/v3");
    cr_expect_str_eq(conns.rows[1].config->name, "orders");
    cr_expect_eq(live->cash_e8, 1000 * PW_E8);
    cr_expect_eq(live->recv_window_ms, 5000);
    cr_expect_eq(live->max_tick_age_ms, 1000);
    static const struct {
        size_t line;
        const char *instead, *section, *facts;
    } rows[] = {
        {0, NULL, "", "gateway live"},
        {0, NULL, "live: {ws_url: wss://h, api_key_file: a, key_file: b}\n", "cash"},
        {0, NULL, "live: {ws_url: ws://example.com, api_key_file: a, key_file: b, cash: 1}\n", "ws://"},
        {21, "risk: {max_position: 1, max_orders_per_s: 10}", LIVE_SECTION, "risk.max_order_notional"},
        {21, "risk: {max_order_notional: 1, max_orders_per_s: 10}", LIVE_SECTION, "risk.max_position"},
        {21, "risk: {max_order_notional: 1, max_position: 0, max_orders_per_s: 10}", LIVE_SECTION,
         "risk.max_position"},
        {21, "risk: {max_order_notional: 1, max_position: 1}", LIVE_SECTION, "risk.max_orders_per_s"},
        {24, "journal: {enabled: false}", LIVE_SECTION, "journal live"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cr_expect_eq(load_live(rows[i].line, rows[i].instead, rows[i].section), -EINVAL, "row %zu", i);
        expect_named(rows[i].facts);
    }
}

static char g_warning[512];

static void keep_warning(void *state, enum pw_log_level level, const char *text, uint64_t times)
{
    (void)times;
    (void)state;
    cr_expect_eq(level, PW_LOG_WARN);
    snprintf(g_warning, sizeof g_warning, "%s", text);
}

Test(config, deprecated_spellings_are_read_with_a_warning)
{
    static const char old[] =
        "live: {ws_url: wss://h, api_key_file: a, key_file: b, cash: 1, max_age_ms: 77}\n";
    char wanted[256];
    pw_log_set_sink(keep_warning, NULL);
    cr_expect_eq(load_live(0, NULL, old), 0, "%s", g_error);
    cr_expect_eq(PW_CONFIG(g_config, live)->max_tick_age_ms, 77);
    snprintf(wanted, sizeof wanted, "%s:%zu:64: 'max_age_ms' is deprecated; write 'max_tick_age_ms'", g_path,
             SOUND_LINES + 1);
    cr_expect_str_eq(g_warning, wanted);
    g_warning[0] = '\0';
    cr_expect_eq(load_live(0, NULL, LIVE_SECTION), 0, "%s", g_error);
    cr_expect_str_eq(g_warning, "", "the present spelling is read silently");
    cr_expect_eq(load_live(0, NULL,
                           "live: {ws_url: wss://h, api_key_file: a, key_file: b, cash: 1, max_age_ms: 7, "
                           "max_tick_age_ms: 7}\n"),
                 -EINVAL);
    expect_named("max_tick_age_ms");
    pw_log_set_sink(NULL, NULL);
}

/* A program's sections are its own: this one has a single key, and a name that another section refers to. */
struct pw_config_lamp {
    uint32_t watts;
};

static bool lamp_find(const void *record, const char *name, uint32_t *idx)
{
    *idx = ((const struct pw_config_lamp *)record)->watts;
    return strcmp(name, "desk") == 0;
}

static const struct pw_key g_lamp_keys[] = {
    {.name = "watts", PW_FIELD(struct pw_config_lamp, watts), PW_MS("60", 1, 100), .help = "power"},
};
static const struct pw_section pw_lamp_section = {.keys = g_lamp_keys,
                                                  .key_cnt = 1,
                                                  .bytes = sizeof(struct pw_config_lamp),
                                                  .defines = "lamp",
                                                  .find = lamp_find};

Test(config, a_section_is_one_row_of_the_program)
{
    const struct pw_section *const sections[] = {&pw_lamp_section, &pw_book_section};
    struct pw_config *config = pw_config_create(sections, 2);
    uint32_t idx = 0;
    cr_assert_not_null(config);
    file_write("watts: 7\n", 9);
    cr_assert_eq(pw_config_load(config, g_path, NULL, 0, g_error, sizeof g_error), 0, "%s", g_error);
    cr_expect_eq(PW_CONFIG(config, lamp)->watts, 7);
    cr_expect_eq(PW_CONFIG(config, book)->levels, 8192, "the other section's default");
    cr_expect(pw_config_find(config, "lamp", "desk", &idx));
    cr_expect_eq(idx, 7);
    cr_expect_not(pw_config_find(config, "lamp", "floor", &idx));
    cr_expect_not(pw_config_find(config, "chair", "desk", &idx));
    file_write("wats: 7\nrisk: 1\n", 16);
    cr_expect_eq(pw_config_load(config, g_path, NULL, 0, g_error, sizeof g_error), -EINVAL);
    expect_named(":1:1: 'wats' 'watts' :2:1: 'risk' book_levels");
    pw_config_destroy(config);
}

Test(config, urls_are_judged)
{
    const struct spoiled rows[] = {
        {10, "    ws_url: localhost:9443", 10, 13, "wss://host[:port][/path]"},
        {10, "    ws_url: https://localhost", 10, 13, "wss://"},
        {10, "    ws_url: wss://", 10, 13, "wss://"},
        {10, "    ws_url: wss://localhost:99999", 10, 13, "wss://"},
        {10, "    ws_url: ws://stream.binance.com", 10, 13, "ws"},
        {10, "    ws_url: ws://127.0.0.1.example.com", 10, 13, "ws"},
        {11, "    rest_url: http://api.binance.com", 11, 15, "https://"},
        {11, "    rest_url: https://user:secret@host", 11, 15, "https://"},
    };
    EXPECT_ALL(rows);
    cr_expect_eq(load_with(10, "    ws_url: ws://127.0.0.1:80"), 0, "%s", g_error);
    cr_expect_eq(load_with(11, "    rest_url: http://localhost:80"), 0, "%s", g_error);
}

Test(config, feeds_and_strategies_have_names_of_their_own)
{
    const char *feed = "  - {name: binance, venue: binance_spot, ws_url: 'wss://localhost', rest_url: "
                       "'https://localhost', streams: [trade], instruments: [SOLUSDT]}\nstrategies:";
    cr_expect_eq(load_with(16, feed), -EINVAL);
    expect_problem(16, 12, "name 8");
    const char *strategy = "    params: {fast: 1, slow: 2, quantity: 1}\n"
                           "  - {name: ma, kind: ma_cross, instruments: [BTCUSDT]}";
    cr_expect_eq(load_with(20, strategy), -EINVAL);
    expect_problem(21, 12, "name 17");
}

Test(config, symbol_of_two_feeds_is_named_with_its_feed)
{
    const char *feed = "  - {name: other, venue: binance_spot, ws_url: 'wss://localhost', rest_url: "
                       "'https://localhost', streams: [trade], instruments: [SOLUSDT, BTCUSDT]}\nstrategies:";
    cr_expect_eq(load_with(16, feed), 0, "%s", g_error);
    const struct pw_config_feeds *feeds = PW_CONFIG(g_config, feeds);
    cr_expect_eq(feeds->feed_cnt, 2);
    cr_expect_eq(pw_feeds_instrument_idx(feeds, "BTCUSDT"), PW_NO_INSTRUMENT);
    cr_expect_eq(pw_feeds_instrument_idx(feeds, "binance:BTCUSDT"), 0);
    cr_expect_eq(pw_feeds_instrument_idx(feeds, "other:BTCUSDT"), pw_feeds_instrument_cnt(feeds) - 1);
    cr_expect_eq(pw_feeds_instrument_idx(feeds, "nobody:BTCUSDT"), PW_NO_INSTRUMENT);
    cr_expect_eq(pw_feeds_instrument_idx(feeds, "SOLUSDT"), pw_feeds_instrument_cnt(feeds) - 2);
}

Test(config, environment_variables_are_replaced)
{
    const struct pw_config_feeds *feeds = PW_CONFIG(g_config, feeds);
    setenv("PW_TEST_PORT", "12345", 1);
    setenv("PW_TEST_EMPTY", "", 1);
    unsetenv("PW_TEST_NONE");
    cr_expect_eq(load_with(10, "    ws_url: wss://localhost:$PW_TEST_PORT/x"), 0, "%s", g_error);
    cr_expect_str_eq(feeds->feeds[0].ws_url, "wss://localhost:12345/x");
    cr_expect_eq(load_with(10, "    ws_url: \"wss://localhost:${PW_TEST_PORT}\""), 0, "%s", g_error);
    cr_expect_str_eq(feeds->feeds[0].ws_url, "wss://localhost:12345");
    cr_expect_eq(load_with(10, "    ws_url: \"${PW_TEST_NONE:-wss://localhost:1}\""), 0, "%s", g_error);
    cr_expect_str_eq(feeds->feeds[0].ws_url, "wss://localhost:1");
    cr_expect_eq(load_with(12, "    ca_file: \"${PW_TEST_EMPTY:-}\""), 0, "%s", g_error);
    cr_expect_str_eq(feeds->feeds[0].ca_file, "");
    cr_expect_eq(load_with(12, "    ca_file: \"/${PW_TEST_NONE:-a/$PW_TEST_PORT/b}\""), 0, "%s", g_error);
    cr_expect_str_eq(feeds->feeds[0].ca_file, "/a/12345/b");
    cr_expect_eq(load_with(12, "    ca_file: /a$$b"), 0, "%s", g_error);
    cr_expect_str_eq(feeds->feeds[0].ca_file, "/a$b");
    cr_expect_eq(load_with(1, "instance: i${PW_TEST_PORT}"), 0, "%s", g_error);
    cr_expect_str_eq(PW_CONFIG(g_config, instance)->name, "i12345");

    const struct spoiled rows[] = {
        {10, "    ws_url: wss://localhost:$PW_TEST_NONE", 10, 13, "PW_TEST_NONE ${PW_TEST_NONE:-default}"},
        {12, "    ca_file: \"${PW_TEST_NONE\"", 12, 14, "$"},
        {12, "    ca_file: a$", 12, 14, "$$"},
        {12, "    ca_file: $1", 12, 14, "$"},
        {12, "    ca_file: \"${PW_TEST_NONE:-$PW_TEST_NONE}\"", 12, 14, "PW_TEST_NONE"},
        {24, "journal: {path: $PW_TEST_NONE}", 24, 17, "PW_TEST_NONE"},
        {24, "journal: {path: $PW_TEST_LONG}", 24, 17, "255"},
        {24, "journal: {path: $PW_TEST_LONG$PW_TEST_LONG$PW_TEST_LONG}", 24, 17, ""},
    };
    char large[500];
    memset(large, 'x', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    setenv("PW_TEST_LONG", large, 1);
    EXPECT_ALL(rows);
}

Test(config, all_problems_are_told_in_the_order_of_lines)
{
    cr_assert_eq(
        load("instance: Demo\n"
             "cores:\n"
             "  - {core: 7, idle: nap, stages: [net_rx, parse, strategy, execution, net_tx, journal]}\n"
             "feeds:\n"
             "  - {name: x, venue: y, ws_url: z, rest_url: 'https://h', streams: [trade], instruments: [A]}\n"
             "risk: {max_position: -1}\n"
             "journal: {path: j, segment_mb: 1}\n"
             "oops: 1\n"),
        -EINVAL);
    const char *const wanted[] = {":1:11: instance:",
                                  ":3:3: cores: stage 'housekeeping'",
                                  ":3:12: core:",
                                  ":3:21: idle:",
                                  ":5:22: venue:",
                                  ":5:33: ws_url:",
                                  ":6:22: max_position:",
                                  ":7:32: segment_mb:",
                                  ":8:1: unknown key 'oops'"};
    const char *at = g_error;
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        char prefix[128];
        snprintf(prefix, sizeof prefix, "%s%s", g_path, wanted[i]);
        cr_expect_eq(strncmp(at, prefix, strlen(prefix)), 0, "line %zu: wanted %s, got %s", i, prefix, at);
        const char *newline = strchr(at, '\n');
        cr_assert_eq(newline == NULL, i + 1 == sizeof wanted / sizeof wanted[0], "%s", g_error);
        at = newline != NULL ? newline + 1 : at;
    }
}

Test(config, what_is_not_yaml_is_refused_with_its_place)
{
    cr_expect_eq(load("instance: demo\ncores: [\n"), -EINVAL);
    expect_problem(3, 1, "");
    cr_expect_eq(load("instance: demo\n\tcores: 1\n"), -EINVAL);
    expect_problem(2, 1, "");
    cr_expect_eq(load(""), -EINVAL);
    expect_problem(1, 1, "");
    cr_expect_eq(load("- a\n- b\n"), -EINVAL);
    expect_problem(1, 1, "");
    cr_expect_eq(load_with(24, "journal: {path: j}\n---\nmore: 1"), -EINVAL);
    expect_problem(26, 1, "");
}

Test(config, zero_bytes_and_bad_utf8_are_refused)
{
    cr_expect_eq(load_with(1, "instance: \"de\\0mo\""), -EINVAL);
    expect_problem(1, 11, "");
    cr_expect_eq(load_with(1, "instance: \xff\xfe"), -EINVAL);
    expect_named(g_path);
}

Test(config, hostile_nesting_and_aliases_end_soon, .timeout = 300)
{
    static char text[200000];
    memset(text, '[', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    cr_expect_eq(load(text), -EINVAL);
    expect_problem(1, 17, "");
    memset(text, '-', sizeof text - 1);
    for (size_t i = 1; i < sizeof text - 1; i += 2) {
        text[i] = ' ';
    }
    cr_expect_eq(load(text), -EINVAL);
    expect_problem(1, 33, "");
    /* A node that contains itself, and a doubling of aliases: read as far as the schema goes, no further. */
    cr_expect_eq(load("instance: demo\ncores: &a [*a]\nfeeds: &b [&c {name: *c}, *b]\njournal: {path: j}\n"),
                 -EINVAL);
    cr_expect_eq(load("a: &a [x,x,x,x]\nb: &b [*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b]\ncores: [*c,*c,*c]\n"),
                 -EINVAL);
}

Test(config, every_truncation_is_refused_or_sound_never_a_crash)
{
    char text[8192] = "";
    for (size_t i = 0; i < SOUND_LINES; i++) {
        strcat(text, g_sound[i]);
        strcat(text, "\n");
    }
    size_t size = strlen(text);
    int sound_cnt = 0;
    for (size_t cut = 0; cut < size; cut++) {
        file_write(text, cut);
        int rc = pw_app_config_load(g_config, g_path, &g_cpus, g_error, sizeof g_error);
        cr_assert(rc == 0 || rc == -EINVAL, "cut at %zu: %d", cut, rc);
        sound_cnt += rc == 0;
    }
    cr_expect_leq(sound_cnt, 1, "only the final newline may be missing");
}

Test(config, unreadable_files_are_told)
{
    cr_expect_eq(pw_app_config_load(g_config, "/nonexistent/x.yaml", &g_cpus, g_error, sizeof g_error),
                 -ENOENT);
    expect_named("/nonexistent/x.yaml:");
    cr_expect_eq(pw_app_config_load(g_config, g_dir, &g_cpus, g_error, sizeof g_error), -EISDIR);
    char *large = malloc((1 << 20) + 1);
    memset(large, '#', (1 << 20) + 1);
    file_write(large, (1 << 20) + 1);
    free(large);
    cr_expect_eq(pw_app_config_load(g_config, g_path, &g_cpus, g_error, sizeof g_error), -EFBIG);
    expect_named("1 MiB");
}

Test(config, short_error_buffer_is_enough_for_its_size)
{
    cr_assert_eq(load_with(2, "memori: 1"), -EINVAL);
    char error[24];
    memset(error, 'x', sizeof error);
    cr_expect_eq(pw_app_config_load(g_config, g_path, &g_cpus, error, 16), -EINVAL);
    cr_expect_not_null(memchr(error, '\0', 16));
    cr_expect_eq(error[16], 'x');
}

/* ---- the files that are shipped ---- */

static const char *shipped(const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", getenv("PINWHEEL_CONFIGS"), name);
    return path;
}

/* $HOME stands in one of them. */
static void home_set(void)
{
    setenv("HOME", "/home/somebody", 1);
}

static void shipped_on(const char *name, const char *cpus, int rc)
{
    cr_assert(pw_cpu_set_parse(cpus, &g_cpus.online));
    g_cpus.allowed = g_cpus.online;
    cr_expect_eq(pw_app_config_load(g_config, shipped(name), &g_cpus, g_error, sizeof g_error), rc,
                 "%s on %s: %s", name, cpus, g_error);
}

Test(config, shipped_files_are_good_where_they_are_meant_to_be)
{
    home_set();
    shipped_on("one-core.yaml", "0", 0);
    shipped_on("demo.yaml", "0", 0);
    cr_expect_eq(pw_feeds_instrument_cnt(PW_CONFIG(g_config, feeds)), 3);
    shipped_on("demo.yaml", "0-1", 0);
    shipped_on("two-core.yaml", "0-1", 0);
    shipped_on("two-core.yaml", "0", -EINVAL);
    shipped_on("live-sim.yaml", "0-1", 0);
    shipped_on("two-accounts.yaml", "0-1", 0);
    cr_expect_eq(pw_config_account_cnt(g_config), 2);
    cr_expect(pw_config_moves_money(g_config));
    shipped_on("six-core.yaml", "0-5", 0);
    shipped_on("six-core.yaml", "0-1", -EINVAL);
    expect_named("cores: 2 (0-1)");
}

Test(config, shipped_files_pass_on_this_host_or_say_why)
{
    home_set();
    struct pw_cpus host;
    pw_cpus_of_host(&host);
    uint32_t cpu_cnt = pw_cpu_set_cnt(&host.allowed);
    const struct {
        const char *name;
        uint32_t cpu_cnt;
    } files[] = {{"one-core.yaml", 1}, {"demo.yaml", 1}, {"two-core.yaml", 2}, {"six-core.yaml", 6}};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        int rc = pw_app_config_load(g_config, shipped(files[i].name), NULL, g_error, sizeof g_error);
        cr_expect_eq(rc, cpu_cnt >= files[i].cpu_cnt ? 0 : -EINVAL, "%s: %s", files[i].name, g_error);
        if (rc != 0) {
            expect_named("cores:");
        }
    }
}

Test(config, reference_names_every_key)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    cr_assert_not_null(out);
    pw_app_config_print_reference(out);
    fclose(out);
    const char *const wanted[] = {
        "| `instance` | a-z 0-9 _ -, at most 31 | **required** |",
        "| `commit_interval_ms` | 1 to 60000 ms | `100` |",
        "| `frames_slots` | power of two, 256 to 16777216 events | `16384` |",
        "| `idle` | spin, pause, yield, sleep | `sleep` |",
        "| `max_position` | decimal, 0 or more base asset | `0` |",
        "| `feeds` | [list of groups below](#feeds) | **required** |",
        "\n## journal\n\n",
    };
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        cr_expect_not_null(strstr(text, wanted[i]), "'%s' is not in:\n%s", wanted[i], text);
    }
    free(text);
}

/* ---- accounts ---- */

#define FEED(name, venue)                                                                                    \
    "  - {name: " name ", venue: " venue                                                                     \
    ", ws_url: wss://localhost:9443, rest_url: https://localhost:9443, "                                     \
    "streams: [trade], instruments: [BTCUSDT]}\n"
#define STRATEGY(name, instrument)                                                                           \
    "  - {name: " name ", kind: ma_cross, instruments: [" instrument                                         \
    "], params: {fast: 1, slow: 2, quantity: 1}}\n"

/* Three feeds of the same symbol, two of one venue; the accounts begin in line 14. */
static int load_accounts(const char *accounts)
{
    char text[4096];
    snprintf(text, sizeof text,
             "instance: demo\ncores:\n"
             "  - {core: 1, stages: [net_rx, parse, strategy, execution, net_tx]}\n"
             "  - {core: auto, idle: sleep, stages: [journal, housekeeping]}\n"
             "feeds:\n" FEED("a", "binance_spot") FEED("b", "binance_spot")
                 FEED("c", "kraken") "strategies:\n" STRATEGY("one", "\"a:BTCUSDT\"") STRATEGY(
                     "two",
                     "\"b:BTCUSDT\"") "risk: {max_order_notional: 1, max_position: 1, max_orders_per_s: 1}\n"
                                      "journal: {path: /var/tmp/j}\n%s",
             accounts);
    return load(text);
}

#define LIVE_GROUP                                                                                           \
    "live: {ws_url: wss://localhost:9443/ws-api/v3, api_key_file: /k/a, key_file: /k/b, cash: 1000}"

Test(config, accounts_arrive_with_their_feeds_and_connections)
{
    cr_assert_eq(load_accounts("accounts:\n"
                               "  - {name: main, feeds: [a], currency: USDT, paper: {cash: 5}}\n"
                               "  - {name: other, gateway: live, feeds: [b], " LIVE_GROUP "}\n"),
                 0, "%s", g_error);
    cr_assert_eq(pw_config_account_cnt(g_config), 2);
    struct pw_account_setup paper = pw_config_account(g_config, 0), live = pw_config_account(g_config, 1);
    cr_expect_str_eq(paper.kind, "paper");
    cr_expect_str_eq(paper.currency, "USDT");
    cr_expect_eq(paper.paper->cash_e8, 5 * PW_E8);
    cr_expect_eq(paper.feed_mask, 1);
    cr_expect_str_eq(live.name, "other");
    cr_expect_eq(live.live->cash_e8, 1000 * PW_E8);
    cr_expect_eq(live.live->ack_timeout_ms, 3000);
    cr_expect_eq(pw_config_account_of_feed(g_config, 1), 1);
    cr_expect_eq(pw_config_account_of_feed(g_config, 2), PW_NO_ACCOUNT);
    cr_expect(pw_config_connects(g_config));
    cr_expect(pw_config_moves_money(g_config));
    struct pw_conns conns;
    pw_config_conns(g_config, &conns);
    cr_assert_eq(conns.cnt, 4);
    const struct pw_conn_row *row = &conns.rows[3];
    cr_expect_eq(row->role, PW_CONN_ROLE_ORDERS);
    cr_expect_eq(row->owner_idx, 1);
    cr_expect_eq(row->account_idx, 1);
    cr_expect_eq(row->venue, pw_venue_find(PW_CONFIG(g_config, feeds)->feeds[1].venue));
    cr_expect_str_eq(row->config->name, "orders.other");
    cr_expect_eq(conns.rows[2].role, PW_CONN_ROLE_MARKET);
    cr_expect_eq(conns.rows[2].account_idx, PW_NO_ACCOUNT);
    cr_expect_eq(conns.of_feed[2], 2);
    cr_expect_eq(conns.of_account[0], PW_NO_CONN);
    cr_expect_eq(conns.of_account[1], 3);
}

Test(config, order_entry_is_on_the_line_of_its_account)
{
    static const struct {
        const char *line;
        uint32_t wanted_idx;
        bool is_good;
    } rows[] = {{"", 1, true}, {"line: 0, ", 1, true}, {"line: 1, ", 0, true}, {"line: 3, ", 0, false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[1024];
        struct pw_conns conns;
        snprintf(text, sizeof text,
                 "accounts:\n  - {name: other, gateway: live, %sfeeds: [b], " LIVE_GROUP
                 "}\n  - {name: main, feeds: [a]}\n",
                 rows[i].line);
        bool is_good = load_accounts(text) == 0;
        cr_expect_eq(is_good, rows[i].is_good, "'%s': %s", rows[i].line, g_error);
        if (is_good) {
            PW_CONFIG_EDIT(g_config, feeds)->feeds[1].line = 2;
            pw_config_conns(g_config, &conns);
            cr_expect_eq(conns.rows[conns.of_account[0]].line_idx, rows[i].wanted_idx, "'%s'", rows[i].line);
        }
    }
}

/* A venue's ban is of those that ask the same host, and of an account whatever it asks. */
Test(config, connections_that_share_bans_have_one_host)
{
    struct pw_conns conns;
    cr_assert_eq(load_accounts("accounts:\n"
                               "  - {name: main, feeds: [a], paper: {cash: 5}}\n"
                               "  - {name: other, gateway: live, feeds: [b], " LIVE_GROUP "}\n"),
                 0, "%s", g_error);
    struct pw_config_feed *feeds = PW_CONFIG_EDIT(g_config, feeds)->feeds;
    static const struct {
        const char *urls[3];
        uint32_t hosts[4]; /* of the feeds, and of the order entry at b */
    } rows[] = {
        {{"https://api.one.example", "https://api.two.example", "https://api.three.example"}, {0, 1, 2, 1}},
        {{"https://api.one.example", "https://api1.one.example", "https://api.three.example"}, {0, 0, 2, 0}},
        {{"https://localhost:1001", "https://localhost:1002", "https://localhost:1002"}, {0, 1, 1, 1}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (uint32_t k = 0; k < 3; k++) {
            snprintf(feeds[k].rest_url, sizeof feeds[k].rest_url, "%s", rows[i].urls[k]);
        }
        pw_config_conns(g_config, &conns);
        for (uint32_t k = 0; k < 4; k++) {
            cr_expect_eq(conns.rows[k].host_idx, rows[i].hosts[k], "case %zu, connection %u", i, k);
        }
    }
    /* The second account trades at the first and the last one, which joins them. */
    PW_CONFIG_EDIT(g_config, accounts)->accounts[0].feed_mask = 5;
    for (uint32_t k = 0; k < 3; k++) {
        snprintf(feeds[k].rest_url, sizeof feeds[k].rest_url, "%s", rows[2].urls[k]);
    }
    pw_config_conns(g_config, &conns);
    for (uint32_t k = 0; k < 4; k++) {
        cr_expect_eq(conns.rows[k].host_idx, 0, "connection %u", k);
    }
}

Test(config, without_accounts_there_is_one_of_all_feeds)
{
    cr_assert_eq(load_accounts(""), 0, "%s", g_error);
    cr_expect_eq(pw_config_account_cnt(g_config), 1);
    cr_expect_eq(pw_config_account_of_feed(g_config, 2), 0);
    cr_expect_str_eq(pw_config_account(g_config, 0).name, "main");
    struct pw_conns conns;
    pw_config_conns(g_config, &conns);
    cr_expect_eq(pw_conns_cnt_of(&conns, PW_CONN_ROLE_MARKET), 3);
    cr_expect_eq(pw_conns_cnt_of(&conns, PW_CONN_ROLE_ORDERS), 0);
    cr_expect_not(pw_config_connects(g_config));
}

/* Live orders go to one venue for each account: an instrument of another one must not get there. */
Test(config, live_orders_for_another_venue_are_refused)
{
    static const struct {
        const char *feeds, *facts;
    } rows[] = {
        {FEED("a", "binance_spot") FEED("b", "kraken"), "'b' kraken"},
        {FEED("b", "kraken"), "'b' kraken"},
        {FEED("a",
              "binance_spot") "  - {name: b, venue: binance_spot, ws_url: wss://localhost:9444, rest_url: "
                              "https://localhost:9444, streams: [trade], instruments: [BTCUSDT]}\n",
         "'b'"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[4096];
        snprintf(text, sizeof text,
                 "instance: demo\ncores:\n"
                 "  - {core: 1, stages: [net_rx, parse, strategy, execution, net_tx]}\n"
                 "  - {core: auto, idle: sleep, stages: [journal, housekeeping]}\n"
                 "feeds:\n%sstrategies:\n" STRATEGY(
                     "one",
                     "\"b:BTCUSDT\"") "risk: {max_order_notional: 1, max_position: 1, max_orders_per_s: 1}\n"
                                      "journal: {path: /var/tmp/j}\ngateway: live\n" LIVE_GROUP "\n",
                 rows[i].feeds);
        cr_expect_eq(load(text), -EINVAL, "row %zu", i);
        expect_named(rows[i].facts);
    }
}

Test(config, accounts_that_contradict_the_rest_are_refused)
{
    static const struct {
        const char *text;
        size_t line, column;
        const char *facts;
    } rows[] = {
        {"accounts:\n  - {name: m, feeds: [a, b]}\n  - {name: m, feeds: [c]}\n", 16, 12, "name"},
        {"accounts:\n  - {name: m, feeds: [a, b, d]}\n", 15, 29, "feed 'd'"},
        {"accounts:\n  - {name: m, feeds: [a, b]}\n  - {name: n, feeds: [b]}\n", 16, 23, "feed 'b'"},
        {"accounts:\n  - {name: m, feeds: [a, b, c]}\n", 15, 29, "venue"},
        {"accounts:\n  - {name: m, feeds: [a]}\n", 11, 47, "feed 'b' account"},
        {"accounts:\n  - {name: m, gateway: live, feeds: [a, b]}\n", 15, 24, "live"},
        {"gateway: paper\naccounts:\n  - {name: m, feeds: [a, b]}\n", 14, 10, "gateway account"},
        {"accounts:\n  - {name: m, feeds: [a, b], gateway: dark}\n", 15, 39, "gateway"},
        {"accounts:\n  - {name: m, gateway: live, feeds: [a, b], live: {ws_url: wss://h, api_key_file: a, "
         "key_file: b}}\n",
         15, 51, "cash"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cr_expect_eq(load_accounts(rows[i].text), -EINVAL, "row %zu", i);
        expect_problem(rows[i].line, rows[i].column, rows[i].facts);
    }
}
