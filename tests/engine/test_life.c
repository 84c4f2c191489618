/* SPDX-License-Identifier: MIT
 *
 * The engine's life against a venue that comes and goes: clean stops, kills at random moments, a monitor on
 * what is left, commands, refusals. Real processes; every wait is for a condition.
 */
#include "harness.h"
#include "json_exact.h"
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SECONDS 300

static const char market_yaml[] = "pace: 1\n"
                                  "market:\n"
                                  "  seed: 7\n"
                                  "  instruments:\n"
                                  "    - {symbol: BTCUSDT, price: \"60000\", tick: \"0.01\", step: "
                                  "\"0.00001\", trades_per_s: 200, quotes_per_s: 400}\n"
                                  "    - {symbol: ETHUSDT, price: \"3000\", tick: \"0.01\", step: "
                                  "\"0.0001\", trades_per_s: 200, quotes_per_s: 400}\n";

static const struct engine_options two_symbols = {.placement = TWO_CORES,
                                                  .symbols = "BTCUSDT, ETHUSDT",
                                                  .streams = "trade, bookTicker, depth@100ms",
                                                  .fast = 3,
                                                  .slow = 10,
                                                  .quantity = "0.01"};

/* ---- Conditions on the monitor's view ---- */

/* "group.name" is a metric, "path/in/the/view" anything else. */
static long long view(struct harness *h, const char *what)
{
    char group[32];
    const char *dot = strchr(what, '.');
    if (dot != NULL) {
        snprintf(group, sizeof group, "%.*s", (int)(dot - what), what);
        return harness_metric(h, group, dot + 1);
    }
    json_t *top = harness_top(h);
    long long value = json_number_at(top, what);
    json_decref(top);
    return value;
}

struct at_least {
    const char *what;
    long long value;
};

static bool view_has(struct harness *h, const void *arg)
{
    const struct at_least *want = arg;
    return view(h, want->what) >= want->value;
}

static void wait_for(struct harness *h, const char *what, long long value)
{
    struct at_least want = {what, value};
    cr_assert(harness_wait(h, view_has, &want, SECONDS), "%s never reached %lld", what, value);
}

static void start(struct harness *h, const char *name)
{
    harness_begin(h, name);
    harness_sim_start(h, market_yaml, 0);
    harness_engine_start(h, &two_symbols);
}

static void verify_journal(struct harness *h)
{
    int status;
    char *text =
        harness_run(h, (const char *const[]){"pinwheel", "journal", h->journal, "verify", NULL}, &status);
    cr_assert_eq(status, 0, "journal verify ended with %d: %s", status, text);
    free(text);
}

/* Events of a kind in the newest run. */
static long long journalled(struct harness *h, const char *kind)
{
    int status;
    json_t *stats = harness_run_json(
        h, (const char *const[]){"pinwheel", "journal", h->journal, "stats", "--json", NULL}, &status);
    cr_assert_not_null(stats);
    char path[64];
    snprintf(path, sizeof path, "kinds/%s/event_cnt", kind);
    long long cnt = json_number_at(stats, path);
    json_decref(stats);
    return cnt;
}

/* ---- */

Test(life, sigterm_stops_cleanly_and_the_journal_is_complete)
{
    struct harness h;
    start(&h, "stop");
    wait_for(&h, "account/fill_cnt", 4);
    cr_assert_eq(harness_stop(&h.engine, SIGTERM), 0);
    json_t *top = harness_top(&h); /* the workspace was kept: its last state is exact */
    cr_assert_not_null(top);
    cr_expect_str_eq(json_string_value(json_object_get(top, "state")), "stopped");
    verify_journal(&h);
    cr_expect_eq(journalled(&h, "fill"), json_number_at(top, "account/fill_cnt"));
    cr_expect_eq(view(&h, "feeds/0/invalid_cnt"), 0);
    json_decref(top);
    harness_end(&h);
}

Test(life, every_placement_trades_on_the_synthetic_market)
{
    static const enum placement placements[] = {ONE_CORE, ALL_APART};
    for (size_t i = 0; i < sizeof placements / sizeof *placements; i++) {
        struct harness h;
        struct engine_options options = two_symbols;
        options.placement = placements[i];
        harness_begin(&h, "place");
        harness_sim_start(&h, market_yaml, 0);
        harness_engine_start(&h, &options);
        wait_for(&h, "account/fill_cnt", 2);
        cr_assert_eq(harness_stop(&h.engine, SIGTERM), 0);
        verify_journal(&h);
        harness_end(&h);
    }
}

/* C1: killed at random moments under load: the journal opens, verifies, holds what was committed; the monitor
 * attaches to what is left and says that it is dead; the next engine starts over it. */
Test(life, killed_at_random_moments)
{
    struct harness h;
    harness_begin(&h, "kill");
    harness_sim_start(&h, market_yaml, 0);
    unsigned seed = (unsigned)time(NULL);
    fprintf(stderr, "seed %u\n", seed);
    for (int i = 0; i < 5; i++) {
        harness_engine_start(&h, &two_symbols);
        wait_for(&h, "journal.events", 1);
        nanosleep(&(struct timespec){.tv_nsec = (long)(rand_r(&seed) % 700) * 1000000}, NULL);
        long long committed = view(&h, "journal.events");
        cr_assert_eq(harness_stop(&h.engine, SIGKILL), 128 + SIGKILL);
        json_t *top = harness_top(&h);
        cr_assert_not_null(top, "the monitor cannot read what a killed engine left");
        cr_expect(json_is_false(json_object_get(top, "alive")));
        json_decref(top);
        verify_journal(&h);
        int status;
        json_t *stats = harness_run_json(
            &h, (const char *const[]){"pinwheel", "journal", h.journal, "stats", "--json", NULL}, &status);
        cr_expect_geq(json_number_at(stats, "event_cnt"), committed,
                      "less in the journal than was counted as stored");
        json_decref(stats);
    }
    harness_end(&h);
}

/* The venue goes away and comes back: the engine recovers by itself and books the gap. */
Test(life, venue_stops_and_starts_again)
{
    struct harness h;
    start(&h, "venue");
    wait_for(&h, "parse.snapshots", 2);
    int port = h.port;
    harness_stop(&h.sim, SIGKILL);
    wait_for(&h, "feeds/0/disconnect_cnt", 1);
    harness_sim_start(&h, market_yaml, port);
    wait_for(&h, "feeds/0/connect_cnt", 2);
    wait_for(&h, "parse.snapshots", 4);
    wait_for(&h, "markets/0/book_synced", 1);
    cr_assert_eq(harness_stop(&h.engine, SIGTERM), 0);
    verify_journal(&h);
    cr_expect_geq(journalled(&h, "gap"), 1);
    harness_end(&h);
}

static bool state_is(struct harness *h, const void *arg)
{
    json_t *top = harness_top(h);
    const char *state = json_string_value(json_object_get(top, "state"));
    bool is = state != NULL && strcmp(state, arg) == 0;
    json_decref(top);
    return is;
}

/* What the engine answers of its journal. */
static void expect_journal_status(struct harness *h, const char *wanted)
{
    int status;
    char *text = harness_run(
        h, (const char *const[]){"pinwheel", "ctl", h->instance, "status", "--json", NULL}, &status);
    json_t *answer = json_exact(text);
    cr_assert_eq(status, 0);
    cr_expect_str_eq(json_string_value(json_object_get(answer, "journal")), wanted, "%s", text);
    json_decref(answer);
    free(text);
}

static void control(struct harness *h, const char *request, int status_wanted)
{
    int status;
    char *text =
        harness_run(h, (const char *const[]){"pinwheel", "ctl", h->instance, request, NULL}, &status);
    cr_assert_eq(status, status_wanted, "ctl %s ended with %d: %s", request, status, text);
    free(text);
}

Test(life, halt_and_resume)
{
    struct harness h;
    start(&h, "halt");
    wait_for(&h, "account/order_cnt", 1);
    expect_journal_status(&h, "writing");
    control(&h, "halt", 0);
    cr_assert(harness_wait(&h, state_is, "halted", SECONDS));
    wait_for(&h, "account/halted", 1);
    long long orders = view(&h, "account/order_cnt");
    long long denied = view(&h, "account/denied_cnt");
    wait_for(&h, "account/denied_cnt", denied + 2); /* the strategy goes on wanting; nothing is sent */
    cr_expect_eq(view(&h, "account/order_cnt"), orders);
    control(&h, "resume", 0);
    wait_for(&h, "account/order_cnt", orders + 1);
    control(&h, "stop", 0);
    control(&h, "status", 3); /* stop has waited for the end */
    cr_assert_eq(harness_stop(&h.engine, 0), 0);
    harness_end(&h);
}

/* B1: a monitor that is stopped, continued and killed changes nothing. */
Test(life, stopped_monitor_stalls_nothing)
{
    struct harness h;
    start(&h, "monitor");
    for (int i = 0; i < 5; i++) {
        pid_t monitor = fork();
        if (monitor == 0) {
            char program[HARNESS_PATH_BYTES];
            snprintf(program, sizeof program, "%s/pinwheel", getenv("PINWHEEL_BIN"));
            freopen("/dev/null", "w", stdout);
            execl(program, "pinwheel", "tap", h.instance, "parse.strategy", (char *)NULL);
            _exit(127);
        }
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
        kill(monitor, SIGSTOP);
        wait_for(&h, "parse.frames", view(&h, "parse.frames") + 200);
        cr_expect_eq(harness_stop(&monitor, SIGKILL), 128 + SIGKILL);
    }
    cr_expect_eq(view(&h, "parse.gaps"), 0);
    cr_assert_eq(harness_stop(&h.engine, SIGTERM), 0);
    harness_end(&h);
}

Test(life, second_engine_of_a_name_is_refused)
{
    struct harness h;
    start(&h, "twice");
    char path[2 * HARNESS_PATH_BYTES];
    snprintf(path, sizeof path, "%s/engine.yaml", h.dir);
    int status;
    free(harness_run(&h, (const char *const[]){"pinwheel", "run", path, NULL}, &status));
    cr_expect_eq(status, 4);
    cr_assert_eq(harness_stop(&h.engine, SIGTERM), 0, "the first one was disturbed");
    harness_end(&h);
}

Test(life, wrong_config_is_refused_before_anything_is_touched)
{
    struct harness h;
    harness_begin(&h, "refuse");
    char path[2 * HARNESS_PATH_BYTES];
    snprintf(path, sizeof path, "%s/bad.yaml", h.dir);
    FILE *file = fopen(path, "w");
    fprintf(file, "instance: %s\nnonsense: 1\n", h.instance);
    fclose(file);
    int status;
    free(harness_run(&h, (const char *const[]){"pinwheel", "run", "--check", path, NULL}, &status));
    cr_expect_eq(status, 3);
    free(harness_run(&h, (const char *const[]){"pinwheel", "run", path, NULL}, &status));
    cr_expect_eq(status, 3);
    free(harness_run(&h, (const char *const[]){"pinwheel", "run", NULL}, &status));
    cr_expect_eq(status, 2);
    harness_end(&h);
}

/* ---- what operators want, at any moment ---- */

/* A venue that has left its CA, and refuses every connection at once. */
static void leave_venue(struct harness *h, const char *name)
{
    harness_begin(h, name);
    harness_sim_start(h, market_yaml, 0);
    harness_stop(&h->sim, SIGKILL);
}

static void launch_without_venue(struct harness *h, const char *name)
{
    leave_venue(h, name);
    harness_engine_launch(h, harness_config_write(h, &two_symbols), false);
}

static bool answers(struct harness *h, const void *unused)
{
    (void)unused;
    int status;
    free(harness_run(h, (const char *const[]){"pinwheel", "ctl", h->instance, "status", NULL}, &status));
    return status == 0;
}

/* cases/22-stop-signal-during-start */
Test(life, stop_while_the_venue_is_waited_for)
{
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
    for (int i = 0; i < 3; i++) {
        struct harness h;
        launch_without_venue(&h, "waits");
        cr_assert(harness_wait(&h, answers, NULL, SECONDS), "commands are obeyed from the start");
        nanosleep(&(struct timespec){.tv_nsec = 500000000}, NULL);
        cr_expect_eq(harness_stop(&h.engine, signals[i]), 4);
        cr_expect_leq(harness_log_lines(&h, ""), 12, "retries are paused and folded");
        harness_end(&h);
    }
}

/* cases/13-duration-before-the-start: what the start waited for is told, of a venue that says nothing, too.
 */
Test(life, a_venue_that_never_answers_is_named_at_the_end)
{
    struct harness h;
    harness_begin(&h, "mute");
    harness_sim_start(&h, market_yaml, 0);
    kill(h.sim, SIGSTOP);
    int named = 0;
    /* Until it has asked by then. */
    for (int64_t pause_ms = 250; named == 0 && pause_ms <= 32000; pause_ms *= 2) {
        harness_engine_launch(&h, harness_config_write(&h, &two_symbols), false);
        cr_assert(harness_wait(&h, answers, NULL, SECONDS));
        nanosleep(&(struct timespec){pause_ms / 1000, pause_ms % 1000 * 1000000}, NULL);
        cr_expect_eq(harness_stop(&h.engine, SIGTERM), 4);
        named = harness_log_lines(&h, "cannot load instruments");
    }
    cr_expect_geq(named, 1);
    harness_stop(&h.sim, SIGKILL);
    harness_end(&h);
}

/* cases/13-duration-before-the-start */
Test(life, duration_ends_a_start_that_waits)
{
    struct harness h;
    leave_venue(&h, "duration");
    int status;
    free(harness_run(&h,
                     (const char *const[]){"pinwheel", "run", "--duration", "1",
                                           harness_config_write(&h, &two_symbols), NULL},
                     &status));
    cr_expect_eq(status, 4);
    harness_end(&h);
}

/* cases/15-disk-full-until-the-end: a start that is refused leaves no run called killed. */
Test(life, a_start_that_fails_with_the_journal_open_ends_its_run)
{
    struct harness h;
    struct engine_options options = two_symbols;
    options.quantity = "0.000000001"; /* finer than BTCUSDT's units, which the venue must be asked for */
    harness_begin(&h, "unborn");
    harness_sim_start(&h, market_yaml, 0);
    int status;
    free(harness_run(&h, (const char *const[]){"pinwheel", "run", harness_config_write(&h, &options), NULL},
                     &status));
    cr_expect_eq(status, 4);
    json_t *list = harness_run_json(
        &h, (const char *const[]){"pinwheel", "journal", h.journal, "list", "--json", NULL}, &status);
    const json_t *run = json_array_get(json_object_get(list, "runs"), 0);
    cr_expect_eq(status, 0);
    cr_expect_str_eq(json_string_value(json_object_get(run, "state")), "clean");
    json_decref(list);
    verify_journal(&h);
    harness_end(&h);
}

/* cases/newcomer.md, 1 and 12 */
Test(life, halt_survives_a_kill_and_a_start)
{
    struct harness h;
    start(&h, "latch");
    wait_for(&h, "account/order_cnt", 1);
    control(&h, "halt", 0);
    cr_assert_eq(harness_stop(&h.engine, SIGKILL), 128 + SIGKILL);

    harness_engine_start(&h, &two_symbols);
    cr_expect(state_is(&h, "halted"));
    wait_for(&h, "account/denied_cnt", 2);
    cr_expect_eq(view(&h, "account/order_cnt"), 0);
    cr_expect_eq(harness_log_lines(&h, "trading is halted: all accounts since "), 1);
    control(&h, "stop", 0);
    cr_expect_eq(harness_stop(&h.engine, 0), 0);

    harness_engine_start(&h, &two_symbols); /* at once: stop has waited */
    control(&h, "resume", 0);
    wait_for(&h, "account/order_cnt", 1);
    cr_expect_eq(harness_stop(&h.engine, SIGTERM), 0);
    harness_engine_start(&h, &two_symbols);
    cr_expect(state_is(&h, "running"));
    cr_expect_eq(harness_stop(&h.engine, SIGTERM), 0);
    harness_end(&h);
}

static bool has_ended(struct harness *h, const void *unused)
{
    (void)unused;
    json_t *top = harness_top(h);
    bool ended = json_is_false(json_object_get(top, "alive"));
    json_decref(top);
    return ended;
}

/* cases/newcomer.md, 14 */
Test(life, failed_start_leaves_what_the_dead_engine_left)
{
    struct harness h;
    start(&h, "evidence");
    wait_for(&h, "account/fill_cnt", 1);
    cr_assert_eq(harness_stop(&h.engine, SIGKILL), 128 + SIGKILL);
    cr_assert(harness_wait(&h, has_ended, NULL, SECONDS));
    long long fills = view(&h, "account/fill_cnt"), run = view(&h, "run_id");
    harness_stop(&h.sim, SIGKILL);
    const char *path = harness_config_write(&h, &two_symbols);
    int status;
    for (int i = 0; i < 2; i++) {
        free(harness_run(&h, (const char *const[]){"pinwheel", "run", "--duration", "1", path, NULL},
                         &status));
        cr_expect_eq(status, 4, "there is no venue");
        cr_expect_eq(view(&h, "run_id"), run, "start %d", i);
        cr_expect_eq(view(&h, "account/fill_cnt"), fills, "start %d", i);
    }
    harness_sim_start(&h, market_yaml, h.port);
    harness_engine_start(&h, &two_symbols);
    char aside[2 * HARNESS_PATH_BYTES];
    snprintf(aside, sizeof aside, "/dev/shm/pinwheel.%s.dead", h.instance);
    cr_expect_neq(access(aside, F_OK), 0, "one that runs replaces it");
    cr_expect_neq(view(&h, "run_id"), run);
    cr_assert_eq(harness_stop(&h.engine, SIGTERM), 0);
    harness_end(&h);
}
