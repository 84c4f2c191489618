/* SPDX-License-Identifier: MIT
 *
 * What must stop live trading stops it: a kill, a halt, a ban, a config that says paper. Nothing goes out
 * that must not, nothing stays open, and the next run puts in order what was left.
 */
#include "json_exact.h"
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

Test(live_life, killed_with_orders_open)
{
    struct live_rig rig;
    struct live_setup setup = {.placement = TWO_CORES, .strategies = live_quoter};
    live_begin(&rig, "killed", &live_ed25519);
    live_venue(&rig, "", 0);
    place_foreign(&rig);
    live_engine(&rig, &setup);
    live_wait(&rig, "account/open_order_cnt", 4);
    cr_assert_eq(harness_stop(&rig.h.engine, SIGKILL), 128 + SIGKILL);
    size_t left = live_open_at_venue(&rig);
    cr_expect_geq(left, 4, "a kill must have left some, or nothing is shown");
    setup.strategies = live_ma;
    live_engine(&rig, &setup);
    live_wait(&rig, "gateway.ready", 1);
    cr_expect_eq(live_open_at_venue(&rig), 1, "all but the one that is not ours are canceled");
    cr_expect_geq(live_view(&rig, "gateway.orphan_orders"), left - 1);
    cr_expect_geq(live_view(&rig, "gateway.orders_external"), 1);
    live_wait(&rig, "execution.fills", 2);
    live_stop(&rig);
    cr_expect_eq(live_view(&rig, "execution.reports_inconsistent"), 0);
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

Test(live_life, halt_cancels_what_is_open_and_lets_nothing_out)
{
    struct live_rig rig;
    live_begin(&rig, "halt", &live_hmac);
    live_venue(&rig, "", 0);
    live_engine(&rig, &(struct live_setup){.placement = TWO_CORES, .strategies = live_quoter});
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
    live_expect_whole(&rig, 0);
    live_end(&rig);
}

/* ---- bans ---- */

/* When the run sent its first request; 0: never. */
static long long first_request_ns(struct live_rig *rig, const char *run)
{
    int status;
    long long first_ns = 0;
    char *text = harness_run(&rig->h,
                             (const char *const[]){"pinwheel", "journal", rig->h.journal, "query", "--run",
                                                   run, "--frames", "--json", NULL},
                             &status);
    cr_assert_eq(status, 0);
    for (char *rest = text, *line; (line = strsep(&rest, "\n")) != NULL;) {
        json_t *frame = *line != 0 ? json_exact(line) : NULL;
        long long recv_ns = json_number_at(frame, "recv_ns");
        if (json_is_true(json_object_get(frame, "sent")) && (first_ns == 0 || recv_ns < first_ns)) {
            first_ns = recv_ns;
        }
        json_decref(frame);
    }
    free(text);
    return first_ns;
}

/* F5: told that it is banned while it trades; killed; started again. The simulator goes on answering: that
 * nothing is asked is the engine's doing. That the run that is told asks for nothing more is in virtual time:
 * limits::a_ban_is_kept_to_whatever_our_clock_says,
 * execution_live::a_pause_that_housekeeping_tells_is_kept_to_its_end,
 * and, of a real engine, live_accounts::a_ban_holds_for_its_own_host_alone.
 * cases/19-bench-tests-fail-under-load: on a host so slow that the ban is over before the second start, the
 * times show nothing, and the rest holds. */
Test(live_life, no_request_before_a_ban_ends)
{
    struct live_rig rig;
    struct live_setup setup = {.placement = TWO_CORES, .strategies = live_quoter};
    char run[24];
    live_begin(&rig, "ban", &live_ed25519);
    live_venue(&rig,
               "limits: {ban_s: 2}\n"
               "faults: [{kind: rest_error, match: order.cancelReplace, after: 8, count: 1, status: 418}]\n",
               0);
    live_engine(&rig, &setup);
    cr_assert(harness_wait(&rig.h, harness_is_banned, NULL, LIVE_SECONDS));
    cr_assert_eq(harness_stop(&rig.h.engine, SIGKILL), 128 + SIGKILL);
    long long until_ns = harness_ban_ns(&rig.h);
    live_engine(&rig, &setup);
    snprintf(run, sizeof run, "%lld", live_view(&rig, "run_id"));
    live_wait(&rig, "execution.orders", 4);
    live_stop(&rig);
    cr_expect_geq(first_request_ns(&rig, run), until_ns);
    cr_expect_eq(live_open_at_venue(&rig), 0, "what the killed run left is canceled");
    live_end(&rig);
}

/* ---- paper ---- */

/* G8: on paper nothing is connected to, even if the config says where, and no key is looked for. */
Test(live_life, paper_sends_not_a_byte_to_order_entry)
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
    cr_expect_eq(live_view(&rig, "gateway.requests"), 0);
    close(listener);
    live_end(&rig);
}
