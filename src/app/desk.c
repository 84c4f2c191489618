/* SPDX-License-Identifier: MIT
 *
 * The operator's desk: its thread, and its answers.
 */
#include "desk.h"

#include "accounts_config.h"
#include "ban.h"
#include "confine.h"
#include "instance.h"
#include "journal_config.h"
#include "metrics_table.h"
#include "order_entry.h"
#include "text.h"
#include <errno.h>
#include <inttypes.h>
#include <pinwheel/units.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TICK_MS    50                  /* between two looks at the accounts */
#define CLIENT_MS  2                   /* while a client has yet to send its request */
#define SETTLE_NS  PW_NS_PER_S         /* for execution to take a resume */
#define STORED_NS  PW_NS_PER_S         /* for the disk to take a halt, before it is answered without */
#define ABANDON_NS (2 * PW_NS_PER_S)   /* for a start to come back */
#define SLEEP_NS   (20 * PW_NS_PER_MS) /* of who waits for the end */

static _Atomic int g_signal; /* the stop signal that came; 0: none */

enum { HALTS, BANS }; /* files of the keeper */

static int64_t monotonic_ns(void)
{
    return pw_clock_read_ns(CLOCK_MONOTONIC);
}

static const char *folder_of(const struct pw_desk *desk)
{
    return pw_journal_folder(desk->plan.config);
}

static const char *name_of(const struct pw_desk *desk)
{
    return PW_CONFIG(desk->plan.config, instance)->name;
}

/* ---- state and halts, shown ---- */

/* "halted" is made of the one word that halts. */
static enum pw_engine_state shown_state(const struct pw_desk *desk)
{
    return desk->state == PW_ENGINE_RUNNING && desk->halts.all.reason != 0 ? PW_ENGINE_HALTED : desk->state;
}

/* The stop word first: it works even when nothing else does. */
static void show(struct pw_desk *desk)
{
    if (desk->ws == NULL) {
        return;
    }
    atomic_store_explicit(&desk->stop->since_ns, desk->halts.all.since_ns, memory_order_relaxed);
    /* Release: since_ns is visible before the stop. Pairs with the acquire of whoever shows both. */
    atomic_store_explicit(&desk->stop->stop, desk->halts.all.reason, memory_order_release);
    atomic_store_explicit(&desk->ws->header->state, shown_state(desk), memory_order_relaxed);
}

/* ---- files ---- */

static int store_halts(void *state, const void *halts)
{
    const struct pw_desk *desk = state;
    bool nowhere = folder_of(desk) == NULL && pw_halts_any(halts);
    return nowhere ? PW_KEPT_NEVER : pw_halts_keep(folder_of(desk), desk->plan.config, halts);
}

static int reserve_halts(void *state)
{
    return pw_halts_reserve(folder_of(state));
}

static int store_bans(void *state, const void *until_ns)
{
    const struct pw_desk *desk = state;
    return pw_bans_keep(folder_of(desk), desk->conns, until_ns, pw_clock_now_ns(&desk->plan.clock));
}

static int reserve_bans(void *state)
{
    return pw_bans_reserve(folder_of(state));
}

static void keep_halts(struct pw_desk *desk)
{
    desk->files[HALTS].number = pw_keeper_put(&desk->keeper, HALTS, &desk->halts);
}

/* "the halt is not stored, ...: Input/output error". error 0: the disk has not answered. */
static void put_unkept(const struct pw_desk *desk, int error, struct pw_text *text)
{
    pw_text_put(text, "%s: %s",
                pw_halts_any(&desk->halts) ? "the halt is not stored, and ends with the engine"
                                           : "the stored halt cannot be removed: the next start is halted",
                error == 0               ? "the disk does not answer"
                : error == PW_KEPT_NEVER ? "there is no journal"
                                         : strerror(-error));
}

/* Why a file is not stored when that begins or changes, and that it is when it ends. */
static void log_file(struct pw_desk *desk, int file_idx)
{
    char words[256];
    struct pw_text text = pw_text_start(words, sizeof words);
    struct pw_desk_file *file = &desk->files[file_idx];
    struct pw_kept_state kept = pw_keeper_state(&desk->keeper, (uint32_t)file_idx, file->number);
    int before = file->logged;
    if (file->number == 0 || !kept.is_tried || kept.error == before) {
        return;
    }
    file->logged = kept.error;
    if (kept.error == 0 && before != PW_KEPT_NEVER) {
        pw_log(PW_LOG_INFO, "%s",
               file_idx == BANS             ? "the rate-limit ban is stored now"
               : pw_halts_any(&desk->halts) ? "the halt is stored now"
                                            : "the stored halt is removed now");
    } else if (kept.error != 0 && file_idx == BANS) {
        pw_log(PW_LOG_WARN, "cannot store the venue's rate-limit ban for a restart: %s",
               strerror(-kept.error));
    } else if (kept.error != 0) {
        put_unkept(desk, kept.error, &text);
        pw_log(PW_LOG_ERROR, "%s", words);
    }
}

static void log_files(struct pw_desk *desk)
{
    log_file(desk, HALTS);
    log_file(desk, BANS);
}

/* ---- faults that halt an account ---- */

/* One account, as it is and as it is kept. True: the file is to be written. */
static bool follow_account(struct pw_desk *desk, uint32_t i, uint64_t halted)
{
    struct pw_halt *kept = &desk->halts.accounts[i];
    if (halted == PW_REASON_NONE) {
        bool over = desk->seen[i];
        *kept = over ? (struct pw_halt){0} : *kept;
        desk->seen[i] = false;
        return over;
    }
    /* By a command, or the end of the engine: not its own fault. */
    if (halted == PW_REASON_HALTED || (kept->reason == halted && desk->seen[i])) {
        return false;
    }
    bool is_new = kept->reason != halted;
    desk->seen[i] = true;
    if (is_new) {
        *kept = (struct pw_halt){.reason = (uint32_t)halted, .since_ns = pw_clock_now_ns(&desk->plan.clock)};
    }
    return is_new;
}

/* After a resume the accounts still show for a moment what it has ended. */
static void follow_accounts(struct pw_desk *desk)
{
    struct pw_account account;
    bool changed = false, all_free = true;
    uint32_t cnt = desk->ws != NULL ? pw_config_account_cnt(desk->plan.config) : 0;
    for (uint32_t i = 0; i < cnt; i++) {
        all_free &= pw_account_at(desk->ws, i, &account) && account.halted == 0;
    }
    if (!all_free && monotonic_ns() < desk->settle_ns) {
        return;
    }
    desk->settle_ns = 0;
    for (uint32_t i = 0; i < cnt; i++) {
        changed |= pw_account_at(desk->ws, i, &account) && follow_account(desk, i, account.halted);
    }
    if (changed) {
        keep_halts(desk);
    }
}

/* ---- bans of a venue ---- */

static const struct pw_feed_view *feed_views(const struct pw_desk *desk)
{
    return desk->ws != NULL ? pw_workspace_rows(desk->ws, "feeds", PW_REGION_FEEDS) : NULL;
}

static void follow_bans(struct pw_desk *desk)
{
    const struct pw_feed_view *views = feed_views(desk);
    if (views != NULL && pw_bans_follow(desk->conns, views, desk->bans)) {
        desk->files[BANS].number = pw_keeper_put(&desk->keeper, BANS, desk->bans);
    }
}

/* ---- the end ---- */

/* A handler: the second one ends the process, for the user does not want to wait; whatever hangs. SIGHUP is
 * no such wish: a terminal that closes sends it twice, and a service manager after SIGTERM. */
static void take_signal(int number)
{
    if (atomic_exchange_explicit(&g_signal, number, memory_order_relaxed) != 0 && number != SIGHUP) {
        signal(number, SIG_DFL);
        raise(number);
    }
}

bool pw_desk_should_end(const struct pw_desk *desk)
{
    return atomic_load_explicit(&g_signal, memory_order_relaxed) != 0 ||
           atomic_load_explicit(&desk->should_end, memory_order_relaxed) != 0;
}

static void end(struct pw_desk *desk, const char *why)
{
    if (desk->ended_ns == 0) {
        pw_log(PW_LOG_INFO, "stopping: %s", why);
        desk->ended_ns = monotonic_ns();
        atomic_store_explicit(&desk->should_end, 1, memory_order_relaxed);
    }
}

/* A start that waits for something that cannot be interrupted: a disk, the kernel. Nothing trades yet, and
 * what was written is whole at any moment. */
static void abandon(struct pw_desk *desk)
{
    pw_log(PW_LOG_WARN, "start-up does not end within %d s of the stop: ending the process",
           (int)(ABANDON_NS / PW_NS_PER_S));
    pw_control_close(&desk->control);
    _exit(desk->plan.abandon_code);
}

static void look_at_time(struct pw_desk *desk)
{
    int64_t now_ns = monotonic_ns();
    int number = atomic_load_explicit(&g_signal, memory_order_relaxed);
    if (number != 0) {
        end(desk, number == SIGINT ? "SIGINT" : number == SIGHUP ? "SIGHUP" : "SIGTERM");
    }
    if (now_ns >= desk->end_ns) {
        end(desk, "--duration has passed");
    }
    if (desk->may_abandon && desk->ended_ns != 0 && now_ns - desk->ended_ns >= ABANDON_NS) {
        abandon(desk);
    }
}

/* ---- answers ---- */

/* Relaxed: another stage's word, shown only. */
static const char *journal_state(const struct pw_desk *desk)
{
    const struct pw_metric_row *rows =
        desk->ws != NULL ? pw_metrics_rows(desk->ws, PW_METRIC_GROUP_journal, "journal") : NULL;
    if (folder_of(desk) == NULL) {
        return "off";
    }
    if (rows == NULL) {
        return "starting";
    }
    switch (atomic_load_explicit(PW_METRIC_WORD(rows, journal, stopped), memory_order_relaxed)) {
    case 0:
        return "writing";
    case 1:
        return "disk_full";
    default:
        return "commit_failed";
    }
}

/* Which accounts are halted, and why: as they are, and before they are as they will be. */
static void put_halts(struct pw_desk *desk, struct pw_text *answer)
{
    struct pw_account account;
    const char *between = "";
    pw_text_put(answer, ",\"halted_accounts\":{");
    for (uint32_t i = 0; i < pw_config_account_cnt(desk->plan.config); i++) {
        /* A fault's halt is execution's to tell; what was commanded holds or is over at the desk's word,
         * which execution is to follow. */
        uint64_t reason = desk->halts.all.reason ? desk->halts.all.reason : desk->halts.accounts[i].reason;
        if (reason == 0 && desk->ws != NULL && desk->state != PW_ENGINE_STARTING &&
            pw_account_at(desk->ws, i, &account) && account.halted != PW_REASON_HALTED) {
            reason = account.halted;
        }
        if (reason != 0) {
            pw_text_put(answer, "%s\"%s\":\"%s\"", between, pw_config_account(desk->plan.config, i).name,
                        pw_halt_name(reason));
            between = ",";
        }
    }
    pw_text_put(answer, "}");
    if (desk->halts.all.reason != 0) {
        pw_text_put(answer, ",\"halted_since_ns\":\"%" PRId64 "\",\"halt_reason\":\"%s\"",
                    desk->halts.all.since_ns, pw_halt_name(desk->halts.all.reason));
    }
    if (pw_halts_any(&desk->halts)) {
        bool stored = pw_keeper_state(&desk->keeper, HALTS, desk->files[HALTS].number).is_stored;
        pw_text_put(answer, ",\"halt_stored\":%s", stored ? "true" : "false");
    }
}

/* Which hosts take no requests, and for how many seconds. */
static void put_bans(const struct pw_desk *desk, struct pw_text *answer)
{
    const char *between = "";
    int64_t now_ns = pw_clock_now_ns(&desk->plan.clock);
    const struct pw_feed_view *views = feed_views(desk);
    pw_text_put(answer, ",\"bans\":{");
    for (uint32_t i = 0; views != NULL && i < desk->conns->cnt; i++) {
        const struct pw_conn_row *row = &desk->conns->rows[i];
        int64_t until_ns = atomic_load_explicit(&views[i].banned_until_ns, memory_order_relaxed);
        char host[PW_BAN_HOST_BYTES];
        if (row->role == PW_CONN_ROLE_MARKET && row->owner_idx == row->host_idx && until_ns > now_ns) {
            pw_text_put(answer, "%s\"%s\":%" PRId64, between, pw_bans_name(desk->conns, row->host_idx, host),
                        (until_ns - now_ns) / PW_NS_PER_S);
            between = ",";
        }
    }
    pw_text_put(answer, "}");
}

/* What each account's order entry waits for. */
static void put_entries(const struct pw_desk *desk, struct pw_text *answer)
{
    char group[PW_METRIC_GROUP_BYTES], state[PW_ORDER_ENTRY_TEXT_BYTES];
    const char *between = "";
    pw_text_put(answer, ",\"order_entry\":{");
    for (uint32_t i = 0; desk->ws != NULL && i < desk->conns->cnt; i++) {
        uint32_t account_idx = desk->conns->rows[i].account_idx;
        if (desk->conns->rows[i].role != PW_CONN_ROLE_ORDERS) {
            continue;
        }
        const struct pw_metric_row *rows =
            pw_metrics_rows(desk->ws, PW_METRIC_GROUP_gateway, pw_metrics_gateway_name(group, account_idx));
        if (rows != NULL) {
            uint64_t step = atomic_load_explicit(PW_METRIC_WORD(rows, gateway, step), memory_order_relaxed);
            uint64_t reason =
                atomic_load_explicit(PW_METRIC_WORD(rows, gateway, not_ready_reason), memory_order_relaxed);
            pw_text_put(answer, "%s\"%s\":\"%s\"", between,
                        pw_config_account(desk->plan.config, account_idx).name,
                        pw_order_entry_state(step, reason, state));
            between = ",";
        }
    }
    pw_text_put(answer, "}");
}

static void answer_status(struct pw_desk *desk, struct pw_text *answer)
{
    struct pw_account account = {0};
    bool has_ws = desk->ws != NULL;
    bool runs = has_ws && desk->state != PW_ENGINE_STARTING; /* before, its starter may yet give it an id */
    enum pw_engine_state state = shown_state(desk);
    if (has_ws) {
        pw_account_sum(desk->ws, &account);
    }
    pw_text_put(answer,
                "{\"ok\":true,\"instance\":\"%s\",\"state\":\"%s\",\"halted\":%s,\"pid\":%" PRId64
                ",\"run_id\":\"%" PRIu64 "\",\"order_cnt\":%" PRIu64 ",\"fill_cnt\":%" PRIu64
                ",\"open_order_cnt\":%" PRIu64 ",\"journal\":\"%s\"",
                name_of(desk), pw_engine_state_name(state), desk->halts.all.reason != 0 ? "true" : "false",
                (int64_t)getpid(), runs ? desk->ws->header->run_id : 0, account.order_cnt, account.fill_cnt,
                account.open_order_cnt, journal_state(desk));
    put_halts(desk, answer);
    put_bans(desk, answer);
    put_entries(desk, answer);
    pw_text_put(answer, "}");
}

/* At once in memory, then on the disk, then said: a halt that was answered as stored survives all. */
static void command(struct pw_desk *desk, enum pw_command what)
{
    if (what == PW_COMMAND_RESUME) {
        desk->halts = (struct pw_halts){0};
        memset(desk->seen, 0, sizeof desk->seen);
        desk->settle_ns = monotonic_ns() + SETTLE_NS;
    } else if (desk->halts.all.reason == 0) {
        desk->halts.all =
            (struct pw_halt){.reason = PW_REASON_HALTED, .since_ns = pw_clock_now_ns(&desk->plan.clock)};
    }
    show(desk);
    /* Release: the stop word is set before the command can be taken. Pairs with housekeeping's exchange. */
    atomic_store_explicit(&desk->command, what, memory_order_release);
    keep_halts(desk);
    pw_control_hold(&desk->control, desk->files[HALTS].number);
}

/* The answer to a command, when the disk has said what became of it. ticket: of the halts. */
static void answer_command(void *state, uint64_t ticket, int64_t waited_ns, char *answer, size_t answer_bytes)
{
    struct pw_desk *desk = state;
    struct pw_text text = pw_text_start(answer, answer_bytes);
    struct pw_kept_state kept = pw_keeper_state(&desk->keeper, HALTS, ticket);
    if (!kept.is_tried && waited_ns < STORED_NS) {
        return;
    }
    pw_text_put(&text, "{\"ok\":true,\"stored\":%s", kept.is_stored ? "true" : "false");
    if (!kept.is_stored) {
        pw_text_put(&text, ",\"warning\":\"");
        put_unkept(desk, kept.is_tried ? kept.error : 0, &text);
        pw_text_put(&text, "\"");
    }
    pw_text_put(&text, "}");
}

static void answer_request(void *state, const char *request, char *answer, size_t answer_bytes)
{
    struct pw_desk *desk = state;
    struct pw_text text = pw_text_start(answer, answer_bytes);
    bool halt = strcmp(request, "halt") == 0;
    if (strcmp(request, "status") == 0) {
        answer_status(desk, &text);
        return;
    }
    if (!halt && strcmp(request, "resume") != 0 && strcmp(request, "stop") != 0) {
        pw_text_put(&text, "{\"ok\":false,\"error\":\"unknown request; status, halt, resume or stop\"}");
        return;
    }
    pw_log(halt ? PW_LOG_WARN : PW_LOG_INFO, "control: %s by user %" PRId64 " (process %" PRId64 ")", request,
           desk->control.peer_uid, desk->control.peer_pid);
    if (strcmp(request, "stop") == 0) {
        end(desk, "by command");
        pw_text_put(&text, "{\"ok\":true}");
        return;
    }
    command(desk, halt ? PW_COMMAND_HALT : PW_COMMAND_RESUME);
}

static struct pw_control_handler handler_of(struct pw_desk *desk)
{
    return (struct pw_control_handler){.answer = answer_request, .later = answer_command, .state = desk};
}

/* ---- the thread ---- */

static void wait_for_work(const struct pw_desk *desk)
{
    struct pollfd knock = {.fd = desk->control.listen_fd, .events = POLLIN};
    if (poll(&knock, 1, desk->control.client_cnt > 0 ? CLIENT_MS : TICK_MS) > 0) {
        /* One that cannot be let in, for want of descriptors, would keep this thread busy. */
        nanosleep(&(struct timespec){.tv_nsec = PW_NS_PER_MS}, NULL);
    }
}

static void *desk_main(void *arg)
{
    struct pw_desk *desk = arg;
    const struct pw_control_handler handler = handler_of(desk);
    pthread_setname_np(pthread_self(), "pw desk");
    while (atomic_load_explicit(&desk->closing, memory_order_relaxed) == 0) {
        wait_for_work(desk);
        if (atomic_load_explicit(&desk->confine, memory_order_acquire) == 1) {
            pw_confine_thread();
            /* Release: it is done. Pairs with the acquire in pw_desk_confine. */
            atomic_store_explicit(&desk->confine, 2, memory_order_release);
        }
        pthread_mutex_lock(&desk->lock);
        pw_control_poll(&desk->control, &handler);
        follow_accounts(desk);
        follow_bans(desk);
        log_files(desk);
        look_at_time(desk);
        pthread_mutex_unlock(&desk->lock);
    }
    return NULL;
}

/* ---- start and end ---- */

/* What earlier runs left; it holds unless --resume ends it. */
static void read_halts(struct pw_desk *desk)
{
    char text[PW_HALTS_TEXT_BYTES];
    const char *folder = folder_of(desk);
    int err = pw_halts_read(folder, desk->plan.config, pw_clock_now_ns(&desk->plan.clock), &desk->halts);
    if (desk->plan.resume) {
        bool any = pw_halts_any(&desk->halts);
        desk->halts = (struct pw_halts){0};
        if (any) {
            keep_halts(desk);
            pw_keeper_settle(&desk->keeper);
            log_files(desk);
        }
        if (any && desk->files[HALTS].logged == 0) {
            pw_log(PW_LOG_WARN, "the halt of an earlier run was ended by --resume");
        }
        return;
    }
    if (err != 0) {
        pw_log(PW_LOG_ERROR, "%s/halt cannot be read, so trading is halted: %s", folder,
               err == -EBADMSG ? "it is damaged, or names an account that the config does not have"
                               : strerror(-err));
    }
    if (pw_halts_any(&desk->halts)) {
        pw_log(PW_LOG_WARN, "trading is halted: %s; stored in %s/halt; to end it: pinwheel ctl %s resume",
               pw_halts_text(&desk->halts, desk->plan.config, text), folder, name_of(desk));
    }
}

static int open_keeper(struct pw_desk *desk)
{
    const struct pw_kept_file files[] = {
        [HALTS] = {sizeof desk->halts, store_halts, reserve_halts, desk},
        [BANS] = {sizeof desk->bans, store_bans, reserve_bans, desk},
    };
    return pw_keeper_open(&desk->keeper, files, sizeof files / sizeof files[0]);
}

int pw_desk_open(struct pw_desk *desk, const struct pw_desk_plan *plan)
{
    char error[512];
    *desk = (struct pw_desk){.plan = *plan,
                             .lock = PTHREAD_MUTEX_INITIALIZER,
                             .state = PW_ENGINE_STARTING,
                             .may_abandon = true,
                             .end_ns = plan->duration_ns ? plan->started_ns + plan->duration_ns : INT64_MAX};
    int err = pw_control_open(&desk->control, name_of(desk), error, sizeof error);
    if (err != 0) {
        pw_log(PW_LOG_ERROR, "control socket: %s", error);
        return err;
    }
    desk->has_control = true;
    err = open_keeper(desk);
    if (err == 0) {
        read_halts(desk);
        if (folder_of(desk) != NULL && access(folder_of(desk), W_OK) == 0) {
            /* The journal makes the folder; then once more, with a word. */
            pw_keeper_reserve(&desk->keeper, false);
        }
        pw_stop_signals_set(take_signal, SA_RESTART);
        err = -pthread_create(&desk->thread, NULL, desk_main, desk);
        desk->has_thread = err == 0;
    }
    if (err != 0) {
        pw_log(PW_LOG_ERROR, "cannot start the threads for signals and commands: %s", strerror(-err));
        pw_desk_close(desk);
    }
    return err;
}

void pw_desk_confine(void *state)
{
    struct pw_desk *desk = state;
    const struct timespec pause = {.tv_nsec = PW_NS_PER_MS};
    if (!desk->has_thread) {
        return;
    }
    pw_keeper_confine(&desk->keeper);
    /* Release: what is to be given up is known. Pairs with the acquire in desk_main. */
    atomic_store_explicit(&desk->confine, 1, memory_order_release);
    while (atomic_load_explicit(&desk->confine, memory_order_acquire) != 2) {
        nanosleep(&pause, NULL);
    }
}

void pw_desk_attach(struct pw_desk *desk, struct pw_workspace *ws, const struct pw_conns *conns)
{
    pthread_mutex_lock(&desk->lock);
    desk->stop = pw_workspace_rows(ws, "stop", PW_REGION_STOP);
    desk->conns = conns;
    desk->ws = ws;
    show(desk);
    pthread_mutex_unlock(&desk->lock);
}

void pw_desk_detach(struct pw_desk *desk)
{
    if (desk->has_thread) {
        pthread_mutex_lock(&desk->lock);
        follow_accounts(desk); /* the last look */
        follow_bans(desk);
        desk->ws = NULL;
        pthread_mutex_unlock(&desk->lock);
    }
}

void pw_desk_halts(struct pw_desk *desk, uint32_t reasons[PW_ACCOUNTS_MAX])
{
    pthread_mutex_lock(&desk->lock);
    for (uint32_t i = 0; i < PW_ACCOUNTS_MAX; i++) {
        reasons[i] = desk->halts.accounts[i].reason;
    }
    pthread_mutex_unlock(&desk->lock);
}

bool pw_desk_commit(struct pw_desk *desk)
{
    int err = pw_keeper_reserve(&desk->keeper, true);
    if (err != 0) {
        pw_log(PW_LOG_WARN, "cannot reserve disk space for a halt and a ban: %s", strerror(-err));
    }
    pthread_mutex_lock(&desk->lock);
    desk->may_abandon = false;
    pthread_mutex_unlock(&desk->lock);
    return !pw_desk_should_end(desk);
}

void pw_desk_enter(struct pw_desk *desk, enum pw_engine_state state)
{
    pthread_mutex_lock(&desk->lock);
    desk->state = state;
    show(desk);
    pthread_mutex_unlock(&desk->lock);
}

bool pw_desk_wait(struct pw_desk *desk, int64_t wait_ns)
{
    int64_t until_ns = monotonic_ns() + wait_ns;
    while (!pw_desk_should_end(desk) && monotonic_ns() < until_ns) {
        nanosleep(&(struct timespec){.tv_nsec = SLEEP_NS < wait_ns ? SLEEP_NS : wait_ns}, NULL);
    }
    return pw_desk_should_end(desk);
}

void pw_desk_close(struct pw_desk *desk)
{
    if (desk->has_thread) {
        atomic_store_explicit(&desk->closing, 1, memory_order_relaxed);
        pthread_join(desk->thread, NULL);
        desk->has_thread = false;
    }
    if (desk->has_control) {
        const struct pw_control_handler handler = handler_of(desk);
        pw_keeper_close(&desk->keeper);
        log_files(desk);
        pw_control_poll_held(&desk->control, &handler);
        pw_control_close(&desk->control);
        desk->has_control = false;
        pw_stop_signals_set(SIG_DFL, SA_RESTART);
    }
}
