/* SPDX-License-Identifier: MIT
 *
 * An engine to be watched: makes a workspace with one region of each kind, known figures in all of them, and
 * rings that run. Used by the tests of the tools; prints "ready" when the workspace is there.
 *
 * usage: fake_engine NAME MODE [EVENTS]
 *   idle    puts EVENTS events (default 10) into each ring and then only beats
 *   run     puts events without end
 *   halted  as idle, with the stop word set
 *   down    as idle, with its connection down
 *   full    as idle, with the disk of its journal full
 *   other   as idle, with the number of another version of the workspace
 *
 * SIGTERM ends it cleanly and leaves the file; SIGKILL leaves it as it is.
 */
#include "host.h"
#include "metrics_table.h"
#include <errno.h>
#include <pinwheel/histogram.h>
#include <pinwheel/workspace.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RING_SLOTS 1024u
#define BATCH      32u

static const struct pw_region_want wants[] = {
    {.name = "net_rx.parse",
     .kind = PW_REGION_RING,
     .ring_slots = 256,
     .ring_payload_bytes = 65536,
     .ring_policy = PW_RING_STALL},
    {.name = "parse.journal", .kind = PW_REGION_RING, .ring_slots = RING_SLOTS, .ring_policy = PW_RING_DROP},
    {.name = "instruments",
     .kind = PW_REGION_INSTRUMENTS,
     .row_cnt = 2,
     .row_bytes = sizeof(struct pw_instrument)},
    {.name = "stages", .kind = PW_REGION_STAGES, .row_cnt = 2, .row_bytes = sizeof(struct pw_stage_view)},
    {.name = "metrics",
     .kind = PW_REGION_METRICS,
     .row_cnt = PW_METRIC_CNT,
     .row_bytes = sizeof(struct pw_metric_row)},
    {.name = "quotes", .kind = PW_REGION_QUOTES, .row_cnt = 2, .row_bytes = sizeof(struct pw_market_view)},
    {.name = "positions",
     .kind = PW_REGION_POSITIONS,
     .row_cnt = 2,
     .row_bytes = sizeof(struct pw_position_view)},
    {.name = "account", .kind = PW_REGION_ACCOUNT, .row_cnt = 1, .row_bytes = sizeof(struct pw_account_view)},
    {.name = "feeds", .kind = PW_REGION_FEEDS, .row_cnt = 1, .row_bytes = sizeof(struct pw_feed_view)},
    {.name = "errors", .kind = PW_REGION_ERRORS, .row_cnt = 4, .row_bytes = sizeof(struct pw_error_row)},
    {.name = "stop", .kind = PW_REGION_STOP, .row_cnt = 1, .row_bytes = sizeof(struct pw_stop)},
    {.name = "tick_to_trade",
     .kind = PW_REGION_HISTOGRAM,
     .row_cnt = 1,
     .row_bytes = sizeof(struct pw_histogram)},
    {.name = "info", .kind = PW_REGION_INFO, .row_cnt = 1, .row_bytes = 512},
};

static volatile sig_atomic_t ended;

static void on_term(int signal_number)
{
    (void)signal_number;
    ended = 1;
}

static void *at(struct pw_workspace *ws, const char *name, enum pw_region_kind kind, uint32_t row)
{
    return pw_region_at(ws, pw_workspace_find(ws, name, kind), row);
}

/* ---- known figures ---- */

static void tables_fill(struct pw_workspace *ws)
{
    struct pw_instrument *instrument = at(ws, "instruments", PW_REGION_INSTRUMENTS, 0);
    strcpy(instrument->symbol, "BTCUSDT");
    instrument = at(ws, "instruments", PW_REGION_INSTRUMENTS, 1);
    strcpy(instrument->symbol, "\x1b[2JEVIL"); /* would clear the screen */
    struct pw_stage_view *stage = at(ws, "stages", PW_REGION_STAGES, 0);
    strcpy(stage->name, "net_rx");
    stage->core = 1;
    stage->alive = 1;
    stage->longest_pass_ns = 120000;
    stage = at(ws, "stages", PW_REGION_STAGES, 1);
    strcpy(stage->name, "journal");
    stage->core = -1;
    stage->alive = 1;
    struct pw_feed_view *feed = at(ws, "feeds", PW_REGION_FEEDS, 0);
    strcpy(feed->name, "spot");
    feed->state = PW_FEED_UP;
    feed->connect_cnt = 3;
    feed->gap_cnt = 5;
    struct pw_error_row *error = at(ws, "errors", PW_REGION_ERRORS, 1);
    strcpy(error->text, "the venue said \"no\"");
    error->first_ns = error->last_ns = pw_clock_read_ns(CLOCK_REALTIME);
    atomic_store(&error->count, 7);
    strcpy(at(ws, "info", PW_REGION_INFO, 0), "config: tests/fake.yaml\nversion: 0.1\n");
    pw_metrics_fill(at(ws, "metrics", PW_REGION_METRICS, 0));
    pw_metrics_find(ws, "parse", "gaps")->value = 5;
    pw_metrics_find(ws, "housekeeping", "clock_step_ns")->value = (uint64_t)INT64_C(-42);
    struct pw_histogram *hist = at(ws, "tick_to_trade", PW_REGION_HISTOGRAM, 0);
    for (int64_t ns = 1; ns <= 1000; ns++) {
        pw_histogram_add(hist, ns * 10);
    }
}

static void cells_fill(struct pw_workspace *ws)
{
    struct pw_market market = {.quote = {6160201000000, 150000000, 6160202000000, 1, 77},
                               .quote_recv_ns = pw_clock_read_ns(CLOCK_REALTIME),
                               .last_price_e8 = 6160201000000,
                               .trade_cnt = 12,
                               .book_synced = 1,
                               .bid_level_cnt = 100,
                               .ask_level_cnt = 90,
                               .bids = {{6160201000000, 150000000}, {6160200000000, 1}}};
    struct pw_market_view *market_view = at(ws, "quotes", PW_REGION_QUOTES, 0);
    pw_cell_write(&market_view->cell, market_view->words, &market, sizeof market);
    struct pw_position position = {.qty_e8 = -100000,
                                   .avg_price_e8 = 6160000000000,
                                   .realized_e16 = {(uint64_t)-1, (uint64_t)-1}, /* -1e-16 */
                                   .buy_cnt = 2,
                                   .sell_cnt = 3};
    struct pw_position_view *position_view = at(ws, "positions", PW_REGION_POSITIONS, 0);
    pw_cell_write(&position_view->cell, position_view->words, &position, sizeof position);
    struct pw_account account = {
        .cash_e16 = {UINT64_C(7450410974452241920), 5} /* 9968.4131343 */, .fill_cnt = 5, .order_cnt = 6};
    struct pw_account_view *account_view = at(ws, "account", PW_REGION_ACCOUNT, 0);
    pw_cell_write(&account_view->cell, account_view->words, &account, sizeof account);
}

/* ---- rings ---- */

struct pair {
    struct pw_producer producer;
    struct pw_consumer consumer;
};

static struct pair pair_attach(struct pw_workspace *ws, const char *name)
{
    struct pair pair;
    struct pw_ring *ring = at(ws, name, PW_REGION_RING, 0);
    pw_producer_attach(&pair.producer, ring);
    pw_consumer_attach(&pair.consumer, ring);
    return pair;
}

static void trade_put(struct pair *pair)
{
    uint64_t i = pair->producer.head;
    struct pw_event event = {.seq = (uint32_t)i,
                             .instrument_idx = i % 10 == 9,
                             .kind = PW_EVENT_TRADE,
                             .recv_ns = (int64_t)i + 1,
                             .body.trade = {.price_e8 = (int64_t)i + 1, .qty_e8 = PW_E8, .trade_id = i}};
    pw_producer_put(&pair->producer, &event);
}

static void frame_put(struct pair *pair)
{
    char text[64];
    int bytes = snprintf(text, sizeof text, "{\"t\":%llu}\n\x1b", (unsigned long long)pair->producer.head);
    struct pw_event event = {
        .seq = (uint32_t)pair->producer.head, .kind = PW_EVENT_FRAME, .instrument_idx = PW_NO_INSTRUMENT};
    memcpy(pw_producer_payload_claim(&pair->producer, (uint32_t)bytes), text, (size_t)bytes);
    pw_producer_put_frame(&pair->producer, &event, (uint32_t)bytes);
}

/* Puts and takes `cnt` events; there is always room, since all were taken before. */
static void pair_move(struct pair *pair, void (*put)(struct pair *), uint64_t cnt)
{
    pw_producer_room(&pair->producer, pair->producer.mask + 1);
    for (uint64_t i = 0; i < cnt; i++) {
        put(pair);
    }
    pw_producer_publish(&pair->producer);
    pw_consumer_done(&pair->consumer, pw_consumer_peek(&pair->consumer, cnt));
}

static void beat(struct pw_workspace *ws)
{
    int64_t now_ns = pw_clock_read_ns(CLOCK_REALTIME);
    atomic_store(&ws->header->heartbeat_ns, now_ns);
    for (uint32_t i = 0; i < 2; i++) {
        struct pw_stage_view *stage = at(ws, "stages", PW_REGION_STAGES, i);
        atomic_store(&stage->heartbeat_ns, now_ns);
        pw_count(&stage->pass_cnt, 10);
        pw_count(&stage->busy_ns, 600);
        pw_count(&stage->stalled_ns, 100);
        pw_count(&stage->idle_ns, 300);
    }
}

static void mode_set(struct pw_workspace *ws, const char *mode)
{
    if (strcmp(mode, "halted") == 0) {
        struct pw_stop *stop = at(ws, "stop", PW_REGION_STOP, 0);
        atomic_store(&stop->stop, PW_REASON_HALTED);
    } else if (strcmp(mode, "starting") == 0) {
        atomic_store(&ws->header->state, PW_ENGINE_STARTING);
    } else if (strcmp(mode, "down") == 0) {
        struct pw_feed_view *feed = at(ws, "feeds", PW_REGION_FEEDS, 0);
        atomic_store(&feed->state, PW_FEED_DOWN);
    } else if (strcmp(mode, "full") == 0) {
        atomic_store(&pw_metrics_find(ws, "journal", "stopped")->value, 1);
    } else if (strcmp(mode, "other") == 0) {
        ws->header->abi++;
    }
}

int main(int argc, char **argv)
{
    struct pw_workspace ws;
    char error[512];
    bool runs = argc >= 3 && strcmp(argv[2], "run") == 0;
    uint64_t event_cnt = argc >= 4 ? strtoull(argv[3], NULL, 10) : 10;
    if (argc < 3 || pw_workspace_create(&ws, argv[1], wants, sizeof wants / sizeof wants[0], true, error,
                                        sizeof error) != 0) {
        fprintf(stderr, "%s\n",
                argc < 3 ? "usage: fake_engine NAME idle|run|halted|starting|down|full|other [EVENTS]" : error);
        return 1;
    }
    signal(SIGTERM, on_term);
    tables_fill(&ws);
    cells_fill(&ws);
    atomic_store(&ws.header->state, PW_ENGINE_RUNNING);
    mode_set(&ws, argv[2]);
    beat(&ws);
    struct pair frames = pair_attach(&ws, "net_rx.parse"), trades = pair_attach(&ws, "parse.journal");
    for (uint64_t i = 0; i < event_cnt; i++) {
        pair_move(&frames, frame_put, 1);
        pair_move(&trades, trade_put, 1);
    }
    pw_workspace_publish(&ws);
    printf("ready\n");
    fflush(stdout);
    while (!ended) {
        beat(&ws);
        if (runs) {
            pair_move(&frames, frame_put, BATCH / 4);
            pair_move(&trades, trade_put, BATCH);
        }
        nanosleep(&(struct timespec){.tv_nsec = runs ? 20000 : 1000000}, NULL);
    }
    atomic_store(&ws.header->state, PW_ENGINE_STOPPED);
    pw_workspace_close(&ws, false);
    return 0;
}
