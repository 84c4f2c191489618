/* SPDX-License-Identifier: MIT
 *
 * Two feeds with a net_rx, a parse and a net_tx each, on threads of their own: strategy makes one order of
 * what they bring, and the journal has that order without a hole.
 */
#include "harness.h"
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECONDS 300

static const char market_yaml[] = "pace: 1\n"
                                  "market:\n"
                                  "  seed: 7\n"
                                  "  instruments:\n"
                                  "    - {symbol: BTCUSDT, price: \"60000\", tick: \"0.01\", step: "
                                  "\"0.00001\", trades_per_s: 200, quotes_per_s: 400}\n"
                                  "    - {symbol: ETHUSDT, price: \"3000\", tick: \"0.01\", step: "
                                  "\"0.0001\", trades_per_s: 200, quotes_per_s: 400}\n";

/* together: net_tx.2 stands with its net_rx. */
static const char *config_write(const struct harness *h, bool together)
{
    static char path[2 * HARNESS_PATH_BYTES];
    static const char *const symbols[] = {"BTCUSDT", "ETHUSDT"};
    snprintf(path, sizeof path, "%s/engine.yaml", h->dir);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fprintf(file,
            "instance: %s\nkeep_workspace: true\nmemory: {huge_pages: false}\ncores:\n"
            "  - {core: none, idle: yield, stages: [net_rx.1, parse.1, net_tx.1%s]}\n"
            "  - {core: none, idle: yield, stages: [net_rx.2, parse.2%s]}\n"
            "  - {core: none, idle: yield, stages: [strategy, execution]}\n"
            "  - {core: none, stages: [journal, housekeeping]}\nfeeds:\n",
            h->instance, together ? "" : ", net_tx.2", together ? ", net_tx.2" : "");
    for (int i = 0; i < 2; i++) {
        fprintf(file,
                "  - {name: feed%d, venue: binance_spot, line: %d, ws_url: \"wss://localhost:%d\", rest_url: "
                "\"https://localhost:%d\", ca_file: \"%s/tls/ca.pem\", streams: [trade, bookTicker, "
                "depth@100ms], instruments: [%s], backoff_min_ms: 50, backoff_max_ms: 500}\n",
                i + 1, i + 1, h->port, h->port, h->dir, symbols[i]);
    }
    fprintf(file,
            "strategies:\n  - {name: ma, kind: ma_cross, instruments: [BTCUSDT, ETHUSDT], params: {fast: 3, "
            "slow: "
            "10, quantity: \"0.01\"}}\n"
            "journal: {path: \"%s\", commit_interval_ms: 50, market_ring_full: stall}\n"
            "gateway: paper\npaper: {cash: \"10000\", fee_rate: \"0.001\"}\n",
            h->journal);
    fclose(file);
    return path;
}

static bool has_traded(struct harness *h, const void *unused)
{
    (void)unused;
    json_t *top = harness_top(h);
    bool traded = json_number_at(top, "account/fill_cnt") >= 8 &&
                  json_number_at(top, "feeds/0/frame_cnt") > 1000 &&
                  json_number_at(top, "feeds/1/frame_cnt") > 1000;
    json_decref(top);
    return traded;
}

/* Events of a kind in the run. */
static long long journalled(const json_t *stats, const char *kind)
{
    char path[64];
    snprintf(path, sizeof path, "kinds/%s/event_cnt", kind);
    long long cnt = json_number_at(stats, path);
    return cnt > 0 ? cnt : 0;
}

/* Each hop is shown where it is measured: of a kind with lines, once a line. */
static void expect_hops(struct harness *h)
{
    json_t *top = harness_top(h), *row;
    size_t i, hops = 0;
    json_array_foreach(json_object_get(top, "latency"), i, row)
    {
        const char *name = json_string_value(json_object_get(row, "name"));
        if (strncmp(name, "hop.", 4) == 0) {
            cr_expect_gt(json_number_at(row, "sample_cnt"), 0, "%s", name);
            hops++;
        }
    }
    cr_expect_eq(hops, 4);
    json_decref(top);
}

Test(lines, two_feeds_with_stages_of_their_own_make_one_order_that_the_journal_keeps)
{
    static const char *const market[] = {"quote",  "trade", "agg_trade",  "depth",
                                         "levels", "gap",   "book_state", "feed_state"};
    struct harness h;
    int status;
    harness_begin(&h, "lines");
    harness_sim_start(&h, market_yaml, 0);
    harness_engine_launch(&h, config_write(&h, true), false);
    harness_engine_await(&h);
    cr_assert(harness_wait(&h, has_traded, NULL, SECONDS), "it never traded");
    cr_assert_eq(harness_stop(&h.engine, SIGTERM), 0);
    long long parsed[] = {harness_metric(&h, "parse.1", "events"), harness_metric(&h, "parse.2", "events")};
    cr_expect(parsed[0] > 1000 && parsed[1] > 1000, "%lld %lld", parsed[0], parsed[1]);
    cr_expect_eq(harness_metric(&h, "strategy", "events"), parsed[0] + parsed[1]);
    expect_hops(&h);
    cr_expect_eq(harness_metric(&h, "journal", "dropped"), 0);
    cr_expect_eq(harness_metric(&h, "journal", "orders_unmatched"), 0);
    char *text =
        harness_run(&h, (const char *const[]){"pinwheel", "journal", h.journal, "verify", NULL}, &status);
    cr_expect_eq(status, 0, "journal verify ended with %d: %s", status, text);
    free(text);
    json_t *stats = harness_run_json(
        &h, (const char *const[]){"pinwheel", "journal", h.journal, "stats", "--json", NULL}, &status);
    long long kept = 0;
    for (size_t i = 0; i < sizeof market / sizeof *market; i++) {
        kept += journalled(stats, market[i]);
    }
    cr_expect_eq(kept, parsed[0] + parsed[1], "every market event is in the journal");
    cr_expect_gt(journalled(stats, "stamps"), 0);
    json_decref(stats);
    harness_end(&h);
}

/* Eight feeds of two books each, at one venue: more than the share of its limit that an engine spends a
 * minute. */
static const char *many_write(const struct harness *h)
{
    static char path[2 * HARNESS_PATH_BYTES];
    snprintf(path, sizeof path, "%s/engine.yaml", h->dir);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fprintf(file,
            "instance: %s\nmemory: {huge_pages: false}\ncores:\n"
            "  - {core: none, idle: yield, stages: [net_rx, parse, strategy, execution, net_tx]}\n"
            "  - {core: none, stages: [journal, housekeeping]}\njournal: {enabled: false}\nfeeds:\n",
            h->instance);
    for (int i = 0; i < 8; i++) {
        fprintf(file,
                "  - {name: feed%d, venue: binance_spot, ws_url: \"wss://localhost:%d\", rest_url: "
                "\"https://localhost:%d\", ca_file: \"%s/tls/ca.pem\", streams: [depth@100ms], instruments: "
                "[BTCUSDT, ETHUSDT], backoff_min_ms: 50, backoff_max_ms: 500}\n",
                i, h->port, h->port, h->dir);
    }
    fclose(file);
    return path;
}

static bool has_fetched(struct harness *h, const void *cnt)
{
    return harness_metric(h, "housekeeping", "fetches") >= *(const long long *)cnt;
}

Test(lines, feeds_of_one_venue_share_the_weight_of_their_snapshots)
{
    const long long allowed = 12, more = 14; /* of 250 each, of 3000 a minute; one more in 5 s */
    struct harness h;
    harness_begin(&h, "share");
    harness_sim_start(&h, market_yaml, 0);
    harness_engine_launch(&h, many_write(&h), false);
    harness_engine_await(&h);
    cr_assert(harness_wait(&h, has_fetched, &allowed, SECONDS), "it lacks books");
    cr_expect_not(harness_wait(&h, has_fetched, &more, 3), "the venue bans who asks for so much");
    cr_expect_eq(harness_stop(&h.engine, SIGTERM), 0);
    harness_end(&h);
}

Test(lines, net_stages_of_a_line_that_are_apart_are_refused)
{
    struct harness h;
    int status;
    harness_begin(&h, "apart");
    harness_sim_start(&h, market_yaml, 0); /* for its CA */
    const char *path = config_write(&h, false);
    free(harness_run(&h, (const char *const[]){"pinwheel", "run", "--check", path, NULL}, &status));
    cr_expect_eq(status, 3);
    path = config_write(&h, true);
    free(harness_run(&h, (const char *const[]){"pinwheel", "run", "--check", path, NULL}, &status));
    cr_expect_eq(status, 0);
    harness_end(&h);
}
