/* SPDX-License-Identifier: MIT
 *
 * Live trading at a venue where things go wrong: answers, events and connections are lost, it goes away, its
 * clock jumps. At the end the two ledgers are equal, and no order was placed twice.
 */
#include "live_rig.h"
#include <criterion/criterion.h>
#include <signal.h>

/* Short enough that what is unknown is settled soon. */
#define SHORT "ack_timeout_ms: 300, recv_window_ms: 1000, "

/* Faults come at so many orders: a busy market brings them sooner. */
#define BUSY 3

/* ---- answers and events ---- */

/* G2, G3: outcomes that the venue itself does not know, replies and events that never come, events that come
 * before the reply. */
Test(live_faults, lost_answers_and_events_leave_the_ledgers_equal)
{
    static const char faults[] =
        "faults:\n"
        "  - {kind: unknown, match: order.place, after: 3, every: 11}\n"
        "  - {kind: unknown, match: order.cancelReplace, after: 5, every: 13}\n"
        "  - {kind: drop_reply, match: order.place, after: 6, every: 7}\n"
        "  - {kind: drop_reply, match: order.cancel*, after: 4, every: 9}\n"
        "  - {kind: drop_event, match: executionReport, percent: 10}\n"
        "  - {kind: report_first, match: \"order.*\", after: 1, count: 2, every: 4}\n";
    const struct api_key *const keys[] = {&live_ed25519, &live_hmac};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        struct live_rig rig;
        live_begin(&rig, "lost", keys[i]);
        rig.busy = BUSY;
        live_venue(&rig, faults, 0);
        live_engine(&rig, &(struct live_setup){.placement = i == 0 ? TWO_CORES : ALL_APART, .live = SHORT});
        live_wait(&rig, "gateway.request_timeouts", 4);
        live_wait(&rig, "gateway.queries", 6);
        live_wait(&rig, "execution.fills", 12);
        live_stop(&rig);
        live_expect_whole(&rig, 12);
        live_end(&rig);
    }
}

/* ---- connections ---- */

/* G1: order entry's connection is cut within an order, at its first byte, in its middle, and behind it.
 * Between two cuts more is sent than a cut waits for, so each is a connection of its own. */
Test(live_faults, connection_cut_within_an_order)
{
    static const char faults[] = "faults:\n"
                                 "  - {kind: cut, match: \"order.*\", after: 4, bytes: 0}\n"
                                 "  - {kind: cut, match: \"order.*\", after: 12, bytes: 1}\n"
                                 "  - {kind: cut, match: \"order.*\", after: 20, bytes: 6}\n"
                                 "  - {kind: cut, match: \"order.*\", after: 28, bytes: 100}\n"
                                 "  - {kind: cut, match: \"order.*\", after: 36, bytes: 200}\n"
                                 "  - {kind: cut, match: \"order.*\", after: 44, bytes: 300}\n"
                                 "  - {kind: cut, match: \"order.*\", after: 52, bytes: 700}\n";
    const struct api_key *const keys[] = {&live_ed25519, &live_hmac};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        struct live_rig rig;
        live_begin(&rig, "cut", keys[i]);
        rig.busy = BUSY;
        live_venue(&rig, faults, 0);
        live_engine(&rig, &(struct live_setup){.placement = i == 0 ? TWO_CORES : ALL_APART, .live = SHORT});
        live_wait(&rig, "feeds/orders/connect_cnt", 8);
        long long fill_cnt = live_view(&rig, "execution.fills");
        live_wait(&rig, "execution.fills", fill_cnt + 3);
        live_stop(&rig);
        cr_expect_geq(live_view(&rig, "gateway.resyncs"), 7);
        cr_expect_eq(live_view(&rig, "feeds/binance/connect_cnt"), 1, "market data has its own connection");
        live_expect_whole(&rig, 8);
        live_end(&rig);
    }
}

/* A simulator that is started again has forgotten everything, which no venue does: so only orders that never
 * rest are at stake, and the ledger is compared from then on. */
Test(live_faults, venue_killed_and_started_again)
{
    struct live_rig rig;
    live_begin(&rig, "again", &live_ed25519);
    live_venue(&rig, "", 0);
    live_engine(&rig, &(struct live_setup){.placement = TWO_CORES, .strategies = live_ma, .live = SHORT});
    live_wait(&rig, "execution.fills", 3);
    int port = rig.h.port;
    harness_stop(&rig.h.sim, SIGKILL);
    live_wait_exactly(&rig, "gateway.ready", 0);
    live_venue(&rig, "", port);
    live_wait(&rig, "gateway.ready", 1);
    live_wait(&rig, "execution.fills", live_view(&rig, "execution.fills") + 3);
    live_stop(&rig);
    cr_expect_geq(live_view(&rig, "gateway.resyncs"), 1);
    live_expect_whole(&rig, 3);
    live_end(&rig);
}

/* ---- clocks ---- */

/* Steps the venue's clock three hours back: each `ping` one. */
static void be_hours_behind(struct live_rig *rig)
{
    struct api api;
    live_api_open(rig, &api);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(api_call(&api, NULL, "ping", ""), 200);
    }
    api_call(&api, NULL, "time", "");
    long long off_ms = json_integer_value(json_object_get(api_result(&api), "serverTime")) - api_now_ms();
    cr_assert(off_ms < -3 * 3590000LL && off_ms > -3 * 3610000LL, "%lld ms", off_ms);
    api_close(&api);
}

/* E1: the venue's clock is hours from ours and jumps forwards and back while orders go out. Requests dated by
 * the old offset are refused; then the offset is learned anew, and orders are accepted again. */
Test(live_faults, venue_with_a_clock_of_its_own)
{
    static const char faults[] =
        "faults:\n"
        "  - {kind: clock, match: ping, count: 3, ms: 3600000, back: true}\n"
        "  - {kind: clock, match: order.place, after: 4, every: 10, ms: 1800000}\n"
        "  - {kind: clock, match: order.place, after: 9, every: 10, ms: 2700000, back: true}\n";
    struct live_rig rig;
    live_begin(&rig, "clock", &live_hmac);
    live_venue(&rig, faults, 0);
    be_hours_behind(&rig);
    live_engine(&rig, &(struct live_setup){.placement = TWO_CORES, .live = SHORT});
    live_wait(&rig, "execution.fills", 3);
    for (int i = 1; i <= 3; i++) {
        live_wait(&rig, "gateway.timestamp_rejected", i);
        live_wait(&rig, "execution.fills", live_view(&rig, "execution.fills") + 3);
    }
    live_stop(&rig);
    live_expect_whole(&rig, 12);
    live_end(&rig);
}
