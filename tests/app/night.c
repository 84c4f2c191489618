/* SPDX-License-Identifier: MIT
 *
 * The log of a night, in virtual time: each kind of event is told when it comes first, folded when it recurs,
 * and no false one at the end. cases/newcomer.md, 13
 */
#include "night.h"

#include "accounts_config.h"
#include "app_config.h"
#include "live_topology.h"
#include "metrics_table.h"
#include "test_folder.h"
#include <criterion/criterion.h>
#include <pinwheel/units.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define T0        (INT64_C(1700000000) * PW_NS_PER_S)
#define LINES_MAX 200

static const char g_yaml[] = "instance: night\n"
                             "memory: {huge_pages: false}\n"
                             "cores:\n"
                             "  - {core: none, idle: sleep, stages: [net_rx, parse, strategy, execution, "
                             "net_tx, journal, housekeeping]}\n"
                             "feeds:\n"
                             "  - {name: a, venue: binance_spot, ws_url: \"ws://localhost:1\", rest_url: "
                             "\"http://localhost:1\", streams: [trade], instruments: [BTCUSDT, ETHBTC]}\n"
                             "rings: {frames_bytes: 2097152, market_journal_slots: 256, "
                             "orders_journal_slots: 256}\n"
                             "journal: {path: \"/tmp/none\"}\n";
static const char *g_gateway = "gateway: paper\npaper: {cash: \"1000\"}\n";

static char g_dir[] = "/tmp/pinwheel-night-XXXXXX";
static struct pw_config *g_config;
static struct pw_topology g_topology;
static struct pw_workspace g_ws;
static struct pw_conns g_conns;
static struct pw_stage_env g_env;
static struct pw_instrument g_instruments[2] = {{.symbol = "BTCUSDT", .quote = "USDT"},
                                                {.symbol = "ETHBTC", .quote = "BTC"}};
static struct pw_night g_night;
static int64_t g_now_ns = T0;
static uint32_t g_line_cnt;
static struct {
    enum pw_log_level level;
    char text[512];
} g_lines[LINES_MAX];

static void take_line(void *state, enum pw_log_level level, const char *text, uint64_t times)
{
    (void)times;
    (void)state;
    cr_assert_lt(g_line_cnt, LINES_MAX);
    g_lines[g_line_cnt].level = level;
    snprintf(g_lines[g_line_cnt++].text, sizeof g_lines[0].text, "%s", text);
}

static void setup(void)
{
    static struct pw_region_want want[PW_REGIONS_MAX];
    char error[4096];
    cr_assert_not_null(mkdtemp(g_dir));
    g_config = app_config_load(g_dir, "%s%s", g_yaml, g_gateway);
    setenv("PINWHEEL_SHM_DIR", g_dir, 1);
    pw_config_conns(g_config, &g_conns);
    pw_live_topology(&g_topology, g_config);
    uint32_t cnt = pw_live_regions(&g_topology, g_config, want);
    cr_assert_eq(pw_workspace_create(&g_ws, "night", want, cnt, false, error, sizeof error), 0, "%s", error);
    pw_topology_put_metrics(&g_topology, pw_workspace_rows(&g_ws, "metrics", PW_REGION_METRICS));
    struct pw_feed_view *feed = pw_workspace_rows(&g_ws, "feeds", PW_REGION_FEEDS);
    snprintf(feed->name, sizeof feed->name, "a");
    g_env = (struct pw_stage_env){
        .config = g_config, .ws = &g_ws, .instruments = g_instruments, .instrument_cnt = 2};
    cr_assert_eq(pw_night_init(&g_night, &g_env, &g_conns), 0);
    atomic_store(&feed->state, PW_FEED_UP);
    pw_log_set_sink(take_line, NULL);
}

/* An account that asks how old data is. */
static void setup_live(void)
{
    g_gateway = "gateway: live\nlive: {ws_url: \"ws://localhost:1\", api_key_file: \"/tmp/none\", key_file: "
                "\"/tmp/none\", cash: \"1000\", max_tick_age_ms: 800}\n"
                "risk: {max_order_notional: \"1\", max_position: \"1\", max_orders_per_s: 1}\n";
    setup();
}

static void teardown(void)
{
    pw_log_set_sink(NULL, NULL);
    pw_workspace_close(&g_ws, true);
    pw_config_destroy(g_config);
    folder_remove(g_dir);
}

TestSuite(night, .init = setup, .fini = teardown);
TestSuite(night_live, .init = setup_live, .fini = teardown);

static struct pw_feed_view *feed(void)
{
    return pw_workspace_rows(&g_ws, "feeds", PW_REGION_FEEDS);
}

static void pass(int64_t ns)
{
    for (int64_t end_ns = g_now_ns + ns; g_now_ns < end_ns; g_now_ns += PW_NS_PER_S / 10) {
        pw_night_poll(&g_night, g_now_ns);
    }
}

static void count(const char *group, const char *name, uint64_t cnt)
{
    struct pw_metric_row *row = pw_metrics_find(&g_ws, group, name);
    cr_assert_not_null(row, "%s.%s", group, name);
    atomic_fetch_add(&row->value, cnt);
}

/* Since the last call: one line, of that level, with that text. */
static void expect_line(enum pw_log_level level, const char *text)
{
    cr_assert_eq(g_line_cnt, 1, "%u lines instead of '%s'; the first: %s", g_line_cnt, text, g_lines[0].text);
    cr_expect_eq(g_lines[0].level, level, "%s", g_lines[0].text);
    cr_expect_not_null(strstr(g_lines[0].text, text), "'%s' instead of '%s'", g_lines[0].text, text);
    g_line_cnt = 0;
}

static void fill(uint32_t instrument_idx, uint64_t fills, int64_t qty_e8, int64_t pnl)
{
    struct pw_position_view *views = pw_workspace_rows(&g_ws, "positions", PW_REGION_POSITIONS);
    pw_i128 pnl_e16 = (pw_i128)pnl * PW_E8 * PW_E8;
    struct pw_position position = {.qty_e8 = qty_e8,
                                   .buy_cnt = fills,
                                   .realized_e16 = {(uint64_t)pnl_e16, (uint64_t)(pnl_e16 >> 64)},
                                   .fees_e16 = {PW_E8 * PW_E8 / 2}};
    pw_cell_write(&views[instrument_idx].cell, views[instrument_idx].words, &position, sizeof position);
}

static void account(struct pw_account shown)
{
    struct pw_account_view *view = pw_workspace_rows(&g_ws, "account", PW_REGION_ACCOUNT);
    pw_cell_write(&view->cell, view->words, &shown, sizeof shown);
}

Test(night, quiet_night_is_silent)
{
    pass(3600 * PW_NS_PER_S);
    pw_night_stop(&g_night);
    pw_night_end(&g_night, g_now_ns);
    cr_expect_eq(g_line_cnt, 0, "%s", g_lines[0].text);
}

Test(night, stale_feed_and_back)
{
    pass(PW_NS_PER_S);
    atomic_store(&feed()->last_recv_ns, g_now_ns);
    pass(5 * PW_NS_PER_S);
    atomic_store(&feed()->state, PW_FEED_STALE);
    pass(7 * PW_NS_PER_S);
    expect_line(PW_LOG_WARN, "a: stale: no data for longer than stale_after_ms");
    atomic_store(&feed()->state, PW_FEED_UP);
    pass(PW_NS_PER_S);
    expect_line(PW_LOG_INFO, "a: up again after 12.0 s");
}

/* cases/01-freeze-then-stale-orders: why orders are denied, where the feed itself goes on. */
Test(night_live, late_data_and_in_time_again)
{
    atomic_store(&feed()->lag_ns, 700 * PW_NS_PER_MS);
    pass(PW_NS_PER_S);
    cr_expect_eq(g_line_cnt, 0, "%s", g_lines[0].text);
    atomic_store(&feed()->lag_ns, 1600 * PW_NS_PER_MS);
    pass(PW_NS_PER_S);
    expect_line(PW_LOG_WARN, "a: data comes late, by up to 1.6 s: orders on it are denied (stale)");
    atomic_store(&feed()->lag_ns, 0);
    pass(PW_NS_PER_S);
    expect_line(PW_LOG_INFO, "a: data is in time again");
}

Test(night_live, data_that_is_always_late)
{
    atomic_store(&feed()->delay_ns, -900 * PW_NS_PER_MS);
    pass(PW_NS_PER_S);
    cr_expect_eq(g_line_cnt, 0, "%s", g_lines[0].text);
    atomic_store(&feed()->delay_ns, 1200 * PW_NS_PER_MS);
    pass(PW_NS_PER_S);
    expect_line(PW_LOG_WARN, "a: by the venue's times all data is 1.2 s old when it comes (max_tick_age_ms: 800)");
    atomic_store(&feed()->delay_ns, 100 * PW_NS_PER_MS);
    pass(PW_NS_PER_S);
    expect_line(PW_LOG_INFO, "a: by the venue's times data is new again");
}

Test(night, connection_lost_and_back)
{
    atomic_store(&feed()->disconnect_cnt, 1);
    atomic_store(&feed()->state, PW_FEED_DOWN);
    pass(3 * PW_NS_PER_S);
    expect_line(PW_LOG_WARN, "a: connection lost");
    atomic_store(&feed()->state, PW_FEED_UP);
    pass(PW_NS_PER_S);
    expect_line(PW_LOG_INFO, "a: up again after 3.0 s");
}

Test(night, gaps_are_folded_by_feed)
{
    pass(PW_NS_PER_S);
    for (int i = 0; i < 50; i++) {
        atomic_fetch_add(&feed()->gap_cnt, 1);
        pass(PW_NS_PER_S);
    }
    expect_line(PW_LOG_WARN, "a: gap");
    pass(15 * PW_NS_PER_S);
    expect_line(PW_LOG_WARN, "[x49 more in 60 s, 50 so far]");
}

/* Every kind of denial, and each metric that is told of. */
Test(night, first_of_a_kind_is_told_with_its_name)
{
    static const struct {
        const char *group, *name, *text;
        enum pw_log_level level;
    } rows[] = {
        {"execution", "denied_max_notional", "order denied: max_notional (notional above the limit)",
         PW_LOG_WARN},
        {"execution", "denied_halted", "order denied: halted", PW_LOG_WARN},
        {"execution", "denied_cash", "order denied: cash", PW_LOG_WARN},
        {"execution", "rejected", "orders rejected by the venue", PW_LOG_WARN},
        /* cases/21-reference-price-of-filters */
        {"execution", "expired_by_range", "orders expired: beyond the venue's price range", PW_LOG_WARN},
        {"parse", "resyncs", "order books that lost synchronization", PW_LOG_WARN},
        {"parse", "invalid_json", "not JSON", PW_LOG_WARN},
        {"strategy", "intents_dropped", "too many unanswered", PW_LOG_WARN},
        {"net_tx", "dropped", "connection was gone", PW_LOG_WARN},
        {"gateway", "request_timeouts", "requests without a response", PW_LOG_WARN},
        {"journal", "dropped", "events lost", PW_LOG_ERROR},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        pass(PW_NS_PER_S);
        count(rows[i].group, rows[i].name, 1);
        pass(PW_NS_PER_S);
        expect_line(rows[i].level, rows[i].text);
        count(rows[i].group, rows[i].name, 10);
        pass(PW_NS_PER_S);
        cr_expect_eq(g_line_cnt, 0, "%s", g_lines[0].text);
    }
    pw_night_end(&g_night, g_now_ns);
    cr_expect_eq(g_line_cnt, sizeof rows / sizeof *rows, "what is owed is written at the end");
    cr_expect_not_null(strstr(g_lines[0].text, "[x10 more in "), "%s", g_lines[0].text);
}

/* cases/10-refusals-that-nobody-is-told-of: order entry has a line for each, with code and text. */
Test(night, what_order_entry_tells_is_not_told_twice)
{
    struct pw_conns conns = g_conns;
    struct pw_night night;
    conns.rows[conns.cnt++].role = PW_CONN_ROLE_ORDERS;
    cr_assert_eq(pw_night_init(&night, &g_env, &conns), 0);
    pw_night_poll(&night, g_now_ns += PW_NS_PER_S);
    count("execution", "rejected", 1);
    count("execution", "reports_inconsistent", 1);
    pw_night_poll(&night, g_now_ns += PW_NS_PER_S);
    cr_expect_eq(g_line_cnt, 0, "%s", g_lines[0].text);
    count("execution", "denied_cash", 1);
    pw_night_poll(&night, g_now_ns += PW_NS_PER_S);
    cr_expect_eq(g_line_cnt, 1);
    pw_night_end(&night, g_now_ns);
}

Test(night, fills_with_position_and_money)
{
    pass(PW_NS_PER_S);
    fill(0, 1, PW_E8 / 5, -3);
    pass(PW_NS_PER_S);
    expect_line(PW_LOG_INFO, "fill: BTCUSDT, position 0.2, P&L -3, fees 0.5");
}

Test(night, halts_but_not_that_of_the_end)
{
    account((struct pw_account){.halted = PW_REASON_REPORT});
    pass(PW_NS_PER_S);
    expect_line(PW_LOG_WARN, "trading halted (report)");
    account((struct pw_account){0});
    pass(PW_NS_PER_S);
    expect_line(PW_LOG_INFO, "trading resumed");
    pw_night_stop(&g_night);
    account((struct pw_account){.halted = PW_REASON_HALTED});
    atomic_store(&feed()->state, PW_FEED_DOWN);
    atomic_store(&feed()->disconnect_cnt, 1);
    count("parse", "resyncs", 2);
    pass(PW_NS_PER_S);
    pw_night_end(&g_night, g_now_ns);
    cr_expect_eq(g_line_cnt, 0, "%s", g_lines[0].text);
}

Test(night, run_in_one_line)
{
    char text[PW_NIGHT_SUMMARY_BYTES];
    account((struct pw_account){.order_cnt = 47, .fill_cnt = 46, .denied_cnt = 12, .rejected_cnt = 1});
    count("execution", "denied_max_notional", 11);
    count("execution", "denied_cash", 1);
    count("parse", "gaps", 2);
    fill(0, 46, PW_E8 / 5, -17);
    cr_expect_str_eq(
        pw_night_summary(&g_ws, g_instruments, 2, pw_night_gaps(&g_ws), text),
        "orders 47, fills 46, denied 12 (max_notional 11, cash 1), rejected 1, open orders 0, "
        "gaps 2, P&L -17 USDT, fees 0.5 USDT, P&L 0 BTC, fees 0 BTC, open positions: BTCUSDT 0.2");
}

/* cases/04-quantity-too-large */
Test(night, positions_are_in_their_instruments_units)
{
    char text[PW_NIGHT_SUMMARY_BYTES];
    g_instruments[0].unit_shift = 3;
    g_instruments[1].unit_shift = -2;
    pass(PW_NS_PER_S);
    fill(0, 1, 3000000000000, 0); /* 5 decimals */
    fill(1, 1, -10000000000, 0);  /* 10 decimals */
    pass(PW_NS_PER_S);
    cr_assert_eq(g_line_cnt, 2);
    cr_expect_not_null(strstr(g_lines[0].text, "BTCUSDT, position 30000000,"), "%s", g_lines[0].text);
    cr_expect_not_null(strstr(g_lines[1].text, "ETHBTC, position -1,"), "%s", g_lines[1].text);
    pw_night_summary(&g_ws, g_instruments, 2, 0, text);
    cr_expect_not_null(strstr(text, "open positions: BTCUSDT 30000000, ETHBTC -1"), "%s", text);
}
