/* SPDX-License-Identifier: MIT
 *
 * The operator's desk: commands at moments at which nothing else answers, and what they leave on the disk.
 */
#include "desk.h"

#include "app_config.h"
#include "ban.h"
#include "test_folder.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <jansson.h>
#include <pinwheel/reasons.h>
#include <pinwheel/units.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define WAIT_MS 20000 /* generous */

static char g_dir[] = "/tmp/pinwheel-desk-XXXXXX";
static char g_folder[64];
static struct pw_config *g_config;
static struct pw_desk g_desk;
static struct pw_workspace g_ws;
static struct pw_conns g_conns;

static void config_load(const char *journal)
{
    g_config = app_config_load(g_dir, "instance: desk\n" TWO_ACCOUNTS_YAML "journal: %s\n", journal);
}

static void setup(void)
{
    char journal[128];
    cr_assert_not_null(mkdtemp(g_dir));
    snprintf(g_folder, sizeof g_folder, "%s/journal", g_dir);
    snprintf(journal, sizeof journal, "{path: \"%s\"}", g_folder);
    setenv("XDG_RUNTIME_DIR", g_dir, 1);
    setenv("PINWHEEL_SHM_DIR", g_dir, 1);
    config_load(journal);
    pw_conns_init(&g_conns);
}

static void teardown(void)
{
    pw_desk_close(&g_desk);
    if (g_ws.header != NULL) {
        pw_workspace_close(&g_ws, true);
    }
    pw_config_destroy(g_config);
    chmod(g_folder, 0700);
    folder_remove(g_dir);
}

TestSuite(desk, .init = setup, .fini = teardown);

static void open_desk(bool resume)
{
    struct pw_desk_plan plan = {.config = g_config, .clock = pw_clock_host(), .resume = resume};
    plan.started_ns = pw_clock_read_ns(CLOCK_MONOTONIC);
    cr_assert_eq(pw_desk_open(&g_desk, &plan), 0);
}

/* Two accounts, a feed's row, a stop word: what the desk looks at. */
static void open_workspace(void)
{
    static const struct pw_region_want wants[] = {
        {.name = "stop", .kind = PW_REGION_STOP, .row_cnt = 1, .row_bytes = sizeof(struct pw_stop)},
        {.name = "account",
         .kind = PW_REGION_ACCOUNT,
         .row_cnt = 2,
         .row_bytes = sizeof(struct pw_account_view)},
        {.name = "feeds", .kind = PW_REGION_FEEDS, .row_cnt = 2, .row_bytes = sizeof(struct pw_feed_view)}};
    char error[512];
    cr_assert_eq(pw_workspace_create(&g_ws, "desk", wants, 3, false, error, sizeof error), 0, "%s", error);
    pw_workspace_publish(&g_ws);
    pw_desk_attach(&g_desk, &g_ws, &g_conns);
}

static void show_account(uint32_t idx, enum pw_reason halted)
{
    struct pw_account_view *view =
        pw_region_at(&g_ws, pw_workspace_find(&g_ws, "account", PW_REGION_ACCOUNT), idx);
    struct pw_account account = {.halted = halted};
    pw_cell_write(&view->cell, view->words, &account, sizeof account);
}

static uint64_t stop_word(void)
{
    const struct pw_stop *stop = pw_workspace_rows(&g_ws, "stop", PW_REGION_STOP);
    return atomic_load(&stop->stop);
}

/* The answer, to be given back. */
static json_t *ask(const char *request)
{
    char text[PW_CONTROL_ANSWER_BYTES];
    cr_assert_eq(pw_control_request("desk", request, text, sizeof text, WAIT_MS), 0, "%s", request);
    json_t *answer = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    cr_assert(json_is_true(json_object_get(answer, "ok")), "%s: %s", request, text);
    return answer;
}

static void expect_stored(const char *request, bool stored)
{
    json_t *answer = ask(request);
    cr_expect_eq(json_is_true(json_object_get(answer, "stored")), stored, "%s", request);
    cr_expect_eq(json_is_string(json_object_get(answer, "warning")), !stored, "%s", request);
    json_decref(answer);
}

static void expect_status(const char *state, bool halted)
{
    json_t *answer = ask("status");
    cr_expect_str_eq(json_string_value(json_object_get(answer, "state")), state);
    cr_expect_eq(json_is_true(json_object_get(answer, "halted")), halted);
    json_decref(answer);
}

/* What the next start will find; waits for it. */
static bool file_says(uint32_t all, uint32_t first, uint32_t second)
{
    for (int ms = 0; ms < WAIT_MS; ms += 10) {
        struct pw_halts halts;
        pw_halts_read(g_folder, g_config, 1, &halts);
        if (halts.all.reason == all && halts.accounts[0].reason == first &&
            halts.accounts[1].reason == second) {
            return true;
        }
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    return false;
}

/* cases/newcomer.md, 1 */
Test(desk, halt_is_on_the_disk_when_it_is_answered_and_the_next_start_has_it)
{
    open_desk(false);
    expect_status("starting", false);
    expect_stored("halt", true);
    cr_expect_eq(access(g_folder, F_OK), 0, "before there is a workspace or a journal");
    struct pw_halts halts;
    cr_assert_eq(pw_halts_read(g_folder, g_config, 1, &halts), 0);
    cr_expect_eq(halts.all.reason, PW_REASON_HALTED);
    expect_status("starting", true);
    json_t *status = ask("status");
    cr_expect_str_eq(json_string_value(json_object_get(status, "halt_reason")), "command");
    json_t *accounts = json_object_get(status, "halted_accounts");
    cr_expect_eq(json_object_size(accounts), 2);
    cr_expect_str_eq(json_string_value(json_object_iter_value(json_object_iter(accounts))), "command");
    json_decref(status);
    open_workspace();
    cr_expect_eq(stop_word(), PW_REASON_HALTED, "halted from the first moment");
    pw_desk_enter(&g_desk, PW_ENGINE_RUNNING);
    expect_status("halted", true);
    cr_expect_eq(g_ws.header->state, PW_ENGINE_HALTED);
    pw_desk_close(&g_desk);

    open_desk(false);
    pw_desk_attach(&g_desk, &g_ws, &g_conns);
    pw_desk_enter(&g_desk, PW_ENGINE_RUNNING);
    expect_status("halted", true);
    pw_desk_enter(&g_desk, PW_ENGINE_STOPPING);
    expect_status("stopping", true);
    expect_stored("resume", true);
    cr_expect_eq(stop_word(), 0);
    cr_expect_eq(atomic_load(&g_desk.command), PW_COMMAND_RESUME, "for housekeeping");
    expect_stored("halt", true);
    pw_desk_close(&g_desk);

    open_desk(true);
    expect_status("starting", false);
    pw_desk_close(&g_desk);
    open_desk(false);
    expect_status("starting", false);
}

/* A fault of one account is kept as that account's, and ends with a resume. */
Test(desk, faults_of_accounts_are_kept)
{
    open_desk(false);
    open_workspace();
    show_account(0, PW_REASON_NONE);
    show_account(1, PW_REASON_NONE);
    pw_desk_enter(&g_desk, PW_ENGINE_RUNNING);
    show_account(1, PW_REASON_REPORT);
    cr_expect(file_says(0, 0, PW_REASON_REPORT));
    expect_status("running", false);
    show_account(0, PW_REASON_VENUE_KEY);
    cr_expect(file_says(0, PW_REASON_VENUE_KEY, PW_REASON_REPORT));
    pw_desk_close(&g_desk);

    uint32_t reasons[PW_ACCOUNTS_MAX];
    show_account(0, PW_REASON_NONE); /* not looked at yet: what was kept holds */
    show_account(1, PW_REASON_NONE);
    open_desk(false);
    pw_desk_attach(&g_desk, &g_ws, &g_conns);
    pw_desk_halts(&g_desk, reasons);
    cr_expect_eq(reasons[0], PW_REASON_VENUE_KEY);
    cr_expect_eq(reasons[1], PW_REASON_REPORT);
    show_account(0, PW_REASON_VENUE_KEY);
    show_account(1, PW_REASON_REPORT);
    expect_stored("resume", true);
    cr_expect_eq(access(g_folder, F_OK), 0);
    show_account(0, PW_REASON_NONE);
    show_account(1, PW_REASON_NONE);
    cr_expect(file_says(0, 0, 0));
    show_account(0, PW_REASON_REPORT);
    cr_expect(file_says(0, PW_REASON_REPORT, 0), "a new one after a resume");
    show_account(0, PW_REASON_HALTED);
    show_account(1, PW_REASON_HALTED);
    nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
    cr_expect(file_says(0, PW_REASON_REPORT, 0), "the end of an engine, and a command, are no fault");
}

Test(desk, a_fault_of_the_last_moment_is_kept)
{
    open_desk(false);
    open_workspace();
    show_account(1, PW_REASON_VENUE_KEY);
    pw_desk_detach(&g_desk);
    pw_desk_close(&g_desk);
    cr_expect(file_says(0, 0, PW_REASON_VENUE_KEY));
}

/* A folder that cannot be written: the halt holds now, and says that it ends with the engine. */
Test(desk, halt_that_cannot_be_stored_says_so)
{
    open_desk(false);
    open_workspace();
    pw_desk_enter(&g_desk, PW_ENGINE_RUNNING);
    FILE *file = fopen(g_folder, "w"); /* no folder can be made there */
    fclose(file);
    expect_stored("halt", false);
    expect_status("halted", true);
    cr_expect_eq(stop_word(), PW_REASON_HALTED);
    json_t *status = ask("status");
    cr_expect(json_is_false(json_object_get(status, "halt_stored")));
    json_decref(status);
    unlink(g_folder);
    cr_expect(file_says(PW_REASON_HALTED, 0, 0), "tried again");
    expect_stored("halt", true);
}

static _Atomic bool g_disk_hangs;

/* In place of the C library's. On a disk that does not answer, whoever syncs waits. */
int fsync(int fd)
{
    while (g_disk_hangs) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return (int)syscall(SYS_fsync, fd);
}

/* While a halt is being stored, and the disk hangs, all other commands work. */
Test(desk, no_command_waits_for_the_disk)
{
    open_desk(false);
    open_workspace();
    pw_desk_enter(&g_desk, PW_ENGINE_RUNNING);
    g_disk_hangs = true;
    expect_stored("halt", false);
    cr_expect_eq(stop_word(), PW_REASON_HALTED);
    expect_stored("resume", false);
    cr_expect_eq(stop_word(), 0);
    expect_status("running", false);
    expect_stored("halt", false);
    cr_expect_eq(stop_word(), PW_REASON_HALTED);
    json_t *status = ask("status");
    cr_expect(json_is_false(json_object_get(status, "halt_stored")));
    json_decref(status);
    json_decref(ask("stop"));
    cr_expect(pw_desk_wait(&g_desk, 0));
    g_disk_hangs = false;
    cr_expect(file_says(PW_REASON_HALTED, 0, 0), "tried again");
}

/* Nor does --duration, or the end of a start that hangs with it. */
Test(desk, end_of_duration_does_not_wait_for_the_disk, .exit_code = 44)
{
    struct pw_desk_plan plan = {
        .config = g_config, .clock = pw_clock_host(), .duration_ns = PW_NS_PER_S / 2, .abandon_code = 44};
    plan.started_ns = pw_clock_read_ns(CLOCK_MONOTONIC);
    cr_assert_eq(pw_desk_open(&g_desk, &plan), 0);
    g_disk_hangs = true;
    expect_stored("halt", false);
    for (int ms = 0; ms < WAIT_MS; ms += 10) {
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
}

/* ---- bans ---- */

#define HOST_URL "https://api.example.com"

/* Before the desk looks at it. */
static void open_feed(void)
{
    static struct pw_config_feed feed;
    snprintf(feed.rest_url, sizeof feed.rest_url, HOST_URL);
    g_conns.rows[0] = (struct pw_conn_row){.role = PW_CONN_ROLE_MARKET, .config = &feed};
    g_conns.cnt = 1;
}

static void show_ban(int64_t until_ns)
{
    pw_bans_show(&g_conns, 0, until_ns, pw_workspace_rows(&g_ws, "feeds", PW_REGION_FEEDS));
}

static bool ban_is(int64_t until_ns)
{
    int64_t now_ns = pw_clock_now_ns(&g_desk.plan.clock);
    for (int ms = 0; ms < WAIT_MS; ms += 10) {
        if (pw_ban_read(g_folder, "example.com", now_ns) == until_ns) {
            return true;
        }
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    return false;
}

static bool ban_is_said_to_be_unkept(void)
{
    pthread_mutex_lock(&g_desk.lock);
    bool said = g_desk.files[1].logged != 0;
    pthread_mutex_unlock(&g_desk.lock);
    return said;
}

Test(desk, ban_is_stored_when_the_disk_takes_it)
{
    open_desk(false);
    open_feed();
    open_workspace();
    int64_t until_ns = pw_clock_now_ns(&g_desk.plan.clock) + 3600 * PW_NS_PER_S;
    FILE *file = fopen(g_folder, "w"); /* no folder can be made there */
    fclose(file);
    show_ban(until_ns);
    for (int ms = 0; ms < WAIT_MS && !ban_is_said_to_be_unkept(); ms += 10) {
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    cr_expect(ban_is_said_to_be_unkept());
    unlink(g_folder);
    cr_expect(ban_is(until_ns), "tried again");
    show_ban(until_ns + PW_NS_PER_S);
    cr_expect(ban_is(until_ns + PW_NS_PER_S));
    show_ban(until_ns + 2 * PW_NS_PER_S);
    pw_desk_detach(&g_desk);
    pw_desk_close(&g_desk);
    cr_expect_eq(pw_ban_read(g_folder, "example.com", 1 + until_ns - PW_BAN_MAX_NS / 2),
                 until_ns + 2 * PW_NS_PER_S, "also the last one");
}

/* Room for a halt and a ban is there before the first order can go out, and again after each. */
Test(desk, room_for_halts_and_bans_is_reserved)
{
    static const char *const names[] = {"halt.new", "ban.new"};
    char path[128];
    struct stat st;
    open_desk(false);
    cr_assert(pw_desk_commit(&g_desk));
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", g_folder, names[i]);
        cr_assert_eq(stat(path, &st), 0, "%s", path);
        cr_expect_geq(st.st_size, 4096, "%s", path);
    }
    expect_stored("halt", true);
    snprintf(path, sizeof path, "%s/halt.new", g_folder);
    for (int ms = 0; ms < WAIT_MS && stat(path, &st) != 0; ms += 10) {
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    cr_expect_eq(stat(path, &st), 0);
}

Test(desk, without_a_journal_a_halt_ends_with_the_engine)
{
    pw_config_destroy(g_config);
    config_load("{enabled: false}");
    open_desk(false);
    expect_stored("halt", false);
    expect_status("starting", true);
    expect_stored("resume", true);
}

/* cases/newcomer.md, 8: whoever asks while commands race sees both fields of one word. */
static void *race(void *arg)
{
    _Atomic int *ended = arg;
    for (int i = 0; i < 40; i++) {
        json_decref(ask(i % 2 == 0 ? "halt" : "resume"));
    }
    atomic_store(ended, 1);
    return NULL;
}

Test(desk, state_and_halted_never_contradict)
{
    _Atomic int ended = 0;
    pthread_t racer;
    open_desk(false);
    open_workspace();
    pw_desk_enter(&g_desk, PW_ENGINE_RUNNING);
    cr_assert_eq(pthread_create(&racer, NULL, race, &ended), 0);
    int cnt = 0;
    while (atomic_load(&ended) == 0) {
        json_t *answer = ask("status");
        const char *state = json_string_value(json_object_get(answer, "state"));
        bool halted = json_is_true(json_object_get(answer, "halted"));
        cr_expect_str_eq(state, halted ? "halted" : "running");
        json_decref(answer);
        cnt++;
    }
    pthread_join(racer, NULL);
    cr_expect_gt(cnt, 0);
}

/* cases/13-duration-before-the-start */
Test(desk, duration_counts_from_the_start_of_the_process)
{
    struct pw_desk_plan plan = {.config = g_config, .clock = pw_clock_host(), .duration_ns = PW_NS_PER_S / 2};
    plan.started_ns = pw_clock_read_ns(CLOCK_MONOTONIC) - PW_NS_PER_S / 4;
    cr_assert_eq(pw_desk_open(&g_desk, &plan), 0);
    while (!pw_desk_wait(&g_desk, PW_NS_PER_S)) {
    }
    cr_expect_geq(pw_clock_read_ns(CLOCK_MONOTONIC) - plan.started_ns, plan.duration_ns);
    cr_expect_not(pw_desk_commit(&g_desk), "it is not to run any more");
}

Test(desk, stop_by_command)
{
    open_desk(false);
    cr_expect_not(pw_desk_wait(&g_desk, PW_NS_PER_MS));
    json_decref(ask("stop"));
    cr_expect(pw_desk_wait(&g_desk, 0));
}

/* cases/22-stop-signal-during-start: a start that waits for something that cannot be interrupted. */
Test(desk, start_that_does_not_come_back_is_ended, .exit_code = 44)
{
    struct pw_desk_plan plan = {.config = g_config, .clock = pw_clock_host(), .abandon_code = 44};
    cr_assert_eq(pw_desk_open(&g_desk, &plan), 0);
    raise(SIGTERM);
    cr_expect(pw_desk_should_end(&g_desk));
    for (;;) {
        pause();
    }
}

/* A terminal that closes sends it twice. */
Test(desk, hang_ups_stop_in_order)
{
    open_desk(false);
    pw_desk_commit(&g_desk);
    raise(SIGHUP);
    raise(SIGHUP);
    cr_expect(pw_desk_should_end(&g_desk));
    pw_desk_close(&g_desk);
}

Test(desk, second_signal_ends_whatever_hangs, .signal = SIGINT)
{
    open_desk(false);
    pw_desk_commit(&g_desk);
    raise(SIGTERM);
    raise(SIGINT);
    for (;;) {
        pause();
    }
}
