/* SPDX-License-Identifier: MIT
 *
 * Live trading when something goes wrong: answers, events and connections that are lost, a venue that goes
 * away, an engine that is killed, bans, halts. At the end the two ledgers are equal, and no order was placed
 * twice.
 */
#include "live_rig.h"
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char quoter_only[] = "  - {name: quoter, kind: quoter, instruments: [ETHUSDT, BTCUSDT], params: "
                                  "{quantity: \"0.02\", distance: 5000, every: 10}}\n";
static const char ma_only[] =
    "  - {name: ma, kind: ma_cross, instruments: [BTCUSDT, ETHUSDT], params: {fast: "
    "3, slow: 10, quantity: \"0.02\"}}\n";

/* Short enough that what is unknown is settled soon. */
#define SHORT "answer_timeout_ms: 300, recv_window_ms: 1000, "

static void expect_whole(struct live_rig *rig, size_t fill_cnt_min)
{
    cr_expect_eq(live_view(rig, "execution.unknown_orders"), 0);
    cr_expect_eq(live_view(rig, "execution.reports_refused"), 0);
    cr_expect_eq(live_open_at_venue(rig), 0, "orders were left behind");
    cr_expect_geq(live_expect_ledger(rig), fill_cnt_min);
    live_expect_account(rig, "50000");
}

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
        live_venue(&rig, faults, 0);
        live_engine(&rig, &(struct live_setup){.placement = i == 0 ? TWO_CORES : ALL_APART, .live = SHORT});
        live_wait(&rig, "execution.live_time_outs", 4);
        live_wait(&rig, "execution.live_queries", 6);
        live_wait(&rig, "execution.fills", 12);
        live_stop(&rig);
        expect_whole(&rig, 12);
        live_end(&rig);
    }
}

/* ---- connections ---- */

/* G1: order entry's connection is cut within an order, at its first byte, in its middle, and behind it. */
Test(live_faults, connection_cut_within_an_order)
{
    static const char faults[] = "faults:\n"
                                 "  - {kind: cut, match: order.place, after: 2, bytes: 0}\n"
                                 "  - {kind: cut, match: order.place, after: 5, bytes: 1}\n"
                                 "  - {kind: cut, match: order.place, after: 8, bytes: 6}\n"
                                 "  - {kind: cut, match: order.place, after: 11, bytes: 150}\n"
                                 "  - {kind: cut, match: order.place, after: 14, bytes: 300}\n"
                                 "  - {kind: cut, match: order.cancelReplace, after: 6, bytes: 100}\n"
                                 "  - {kind: cut, match: order.cancelReplace, after: 12, bytes: 400}\n";
    const struct api_key *const keys[] = {&live_ed25519, &live_hmac};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        struct live_rig rig;
        live_begin(&rig, "cut", keys[i]);
        live_venue(&rig, faults, 0);
        live_engine(&rig, &(struct live_setup){.placement = i == 0 ? TWO_CORES : ALL_APART, .live = SHORT});
        live_wait(&rig, "feeds/orders/connect_cnt", 8);
        long long fill_cnt = live_view(&rig, "execution.fills");
        live_wait(&rig, "execution.fills", fill_cnt + 3);
        live_stop(&rig);
        cr_expect_geq(live_view(&rig, "execution.live_resyncs"), 7);
        cr_expect_eq(live_view(&rig, "feeds/binance/connect_cnt"), 1, "market data has its own connection");
        expect_whole(&rig, 8);
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
    live_engine(&rig, &(struct live_setup){.placement = TWO_CORES, .strategies = ma_only, .live = SHORT});
    live_wait(&rig, "execution.fills", 3);
    int port = rig.h.port;
    harness_stop(&rig.h.sim, SIGKILL);
    live_wait_exactly(&rig, "execution.live_ready", 0);
    live_venue(&rig, "", port);
    live_wait(&rig, "execution.live_ready", 1);
    live_wait(&rig, "execution.fills", live_view(&rig, "execution.fills") + 3);
    live_stop(&rig);
    cr_expect_geq(live_view(&rig, "execution.live_resyncs"), 1);
    expect_whole(&rig, 3);
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
        live_wait(&rig, "execution.live_clock_refused", i);
        live_wait(&rig, "execution.fills", live_view(&rig, "execution.fills") + 3);
    }
    live_stop(&rig);
    expect_whole(&rig, 12);
    live_end(&rig);
}

/* ---- the engine is killed ---- */

/* Somebody else's order in the same account. */
static long long place_foreign(struct live_rig *rig)
{
    struct api api;
    live_api_open(rig, &api);
    cr_assert_eq(
        api_call(&api, rig->key, "order.place",
                 "\"symbol\":\"ETHUSDT\",\"side\":\"BUY\",\"type\":\"LIMIT\",\"timeInForce\":\"GTC\","
                 "\"quantity\":\"1\",\"price\":\"2000.00\",\"newClientOrderId\":\"by-hand\""),
        200, "%d", api_code(&api));
    long long number = json_integer_value(json_object_get(api_result(&api), "orderId"));
    api_close(&api);
    return number;
}

Test(live_faults, killed_with_orders_open)
{
    struct live_rig rig;
    struct live_setup setup = {.placement = TWO_CORES, .strategies = quoter_only};
    live_begin(&rig, "killed", &live_ed25519);
    live_venue(&rig, "", 0);
    place_foreign(&rig);
    live_engine(&rig, &setup);
    live_wait(&rig, "account/open_order_cnt", 4);
    cr_assert_eq(harness_stop(&rig.h.engine, SIGKILL), 128 + SIGKILL);
    size_t left = live_open_at_venue(&rig);
    cr_expect_geq(left, 4, "a kill must have left some, or nothing is shown");
    setup.strategies = ma_only;
    live_engine(&rig, &setup);
    live_wait(&rig, "execution.live_ready", 1);
    cr_expect_eq(live_open_at_venue(&rig), 1, "all but the one that is not ours are canceled");
    cr_expect_geq(live_view(&rig, "execution.live_leftovers"), left - 1);
    cr_expect_geq(live_view(&rig, "execution.live_foreign"), 1);
    live_wait(&rig, "execution.fills", 2);
    live_stop(&rig);
    cr_expect_eq(live_view(&rig, "execution.reports_refused"), 0);
    cr_expect_geq(live_expect_ledger(&rig), 2);
    live_expect_account(&rig, "50000");
    live_end(&rig);
}

/* ---- halt ---- */

static bool nothing_is_open(struct harness *h, const void *arg)
{
    (void)h;
    return live_open_at_venue((struct live_rig *)(uintptr_t)arg) == 0;
}

static void control(struct live_rig *rig, const char *request)
{
    int status;
    free(harness_run(&rig->h, (const char *const[]){"pinwheel", "ctl", rig->h.instance, request, NULL},
                     &status));
    cr_assert_eq(status, 0, "ctl %s ended with %d", request, status);
}

Test(live_faults, halt_cancels_what_is_open_and_lets_nothing_out)
{
    struct live_rig rig;
    live_begin(&rig, "halt", &live_hmac);
    live_venue(&rig, "", 0);
    live_engine(&rig, &(struct live_setup){.placement = TWO_CORES, .strategies = quoter_only});
    live_wait(&rig, "account/open_order_cnt", 4);
    control(&rig, "halt");
    live_wait(&rig, "account/halted", 1);
    live_wait_exactly(&rig, "account/open_order_cnt", 0);
    cr_expect(harness_wait(&rig.h, nothing_is_open, &rig, LIVE_SECONDS));
    long long orders = live_view(&rig, "execution.orders");
    live_wait(&rig, "account/denied_cnt", live_view(&rig, "account/denied_cnt") + 20);
    cr_expect_eq(live_view(&rig, "execution.orders"), orders);
    cr_expect_eq(live_open_at_venue(&rig), 0);
    control(&rig, "resume");
    live_wait(&rig, "account/open_order_cnt", 4);
    live_stop(&rig);
    expect_whole(&rig, 0);
    live_end(&rig);
}

/* ---- bans ---- */

/* Somebody at this address asks for too much, and does not stop when told to. */
static void earn_ban(struct live_rig *rig)
{
    struct api api;
    int status = 200;
    live_api_open(rig, &api);
    for (int i = 0; i < 2000 && status != 418 && status > 0; i++) {
        status = api_call(&api, NULL, "exchangeInfo", "");
    }
    cr_assert_eq(status, 418, "no ban, but %d", status);
    api_close(&api);
}

/* Wall clock of the run's requests: the first after `from_ns`; 0: none. */
static long long first_request_ns(struct live_rig *rig, long long from_ns, const char *run)
{
    int status;
    long long first_ns = 0;
    char *text = harness_run(&rig->h,
                             (const char *const[]){"pinwheel", "journal", rig->h.journal, "query", "--run",
                                                   run, "--frames", "--json", NULL},
                             &status);
    cr_assert_eq(status, 0);
    for (char *rest = text, *line; (line = strsep(&rest, "\n")) != NULL;) {
        json_t *frame = *line != 0 ? json_loads(line, 0, NULL) : NULL;
        long long recv_ns = json_integer_value(json_object_get(frame, "recv_ns"));
        bool is_request = strstr(api_text(frame, "text"), "\"method\":") != NULL;
        if (is_request && recv_ns > from_ns && (first_ns == 0 || recv_ns < first_ns)) {
            first_ns = recv_ns;
        }
        json_decref(frame);
    }
    free(text);
    return first_ns;
}

/* F5: banned while it trades; killed; started again. */
Test(live_faults, no_request_before_a_ban_ends)
{
    struct live_rig rig;
    struct live_setup setup = {.placement = TWO_CORES, .strategies = quoter_only};
    live_begin(&rig, "ban", &live_ed25519);
    live_venue(&rig, "limits: {weight_per_min: 2000, ban_after: 3, ban_s: 12}\n", 0);
    live_engine(&rig, &setup);
    live_wait(&rig, "account/open_order_cnt", 4);
    earn_ban(&rig);
    live_wait(&rig, "execution.paused_until_ns", 1);
    long long until_ns = live_view(&rig, "execution.paused_until_ns");
    long long requests = live_view(&rig, "execution.live_requests");
    live_wait(&rig, "account/denied_cnt", live_view(&rig, "account/denied_cnt") + 20);
    cr_expect_eq(live_view(&rig, "execution.live_requests"), requests);
    cr_assert_eq(harness_stop(&rig.h.engine, SIGKILL), 128 + SIGKILL);
    cr_assert_gt(until_ns, api_now_ms() * 1000000, "the ban was over too soon to show anything");
    live_engine(&rig, &setup);
    live_wait(&rig, "execution.live_ready", 1);
    char run[24];
    snprintf(run, sizeof run, "%lld", live_view(&rig, "run_id"));
    live_wait(&rig, "account/open_order_cnt", 4);
    live_stop(&rig);
    cr_expect_geq(first_request_ns(&rig, 0, run), until_ns);
    live_end(&rig);
}

/* ---- paper ---- */

/* G8: on paper nothing is connected to, even if the config says where, and no key is looked for. */
Test(live_faults, paper_sends_not_a_byte_to_order_entry)
{
    struct live_rig rig;
    char section[512];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(listener, (struct sockaddr *)&address, size), 0);
    cr_assert_eq(listen(listener, 8), 0);
    cr_assert_eq(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    snprintf(section, sizeof section,
             "live: {ws_url: \"wss://localhost:%d/ws-api/v3\", api_key_file: /nowhere/a, key_file: "
             "/nowhere/b, cash: \"1\"}\n",
             ntohs(address.sin_port));
    live_begin(&rig, "paper", &live_ed25519);
    live_venue(&rig, "", 0);
    live_engine(&rig, &(struct live_setup){.placement = TWO_CORES, .extra = section, .paper = true});
    live_wait(&rig, "execution.fills", 5);
    live_stop(&rig);
    struct pollfd wait = {.fd = listener, .events = POLLIN};
    cr_expect_eq(poll(&wait, 1, 0), 0, "somebody has connected");
    cr_expect_eq(live_view(&rig, "execution.live_requests"), 0);
    close(listener);
    live_end(&rig);
}
