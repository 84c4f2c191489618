/* SPDX-License-Identifier: MIT
 *
 * Runs, segments and the reader, on a real directory.
 */
#include "store.h"
#include "host.h"
#include "journal_rig.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIB   (UINT64_C(1) << 20)
#define S     INT64_C(1000000000)
#define EPOCH LIVE_EPOCH_NS

/* A whole run of `cnt` events. Returns its id. */
static uint64_t write_run(const char *dir, uint64_t cnt, uint64_t segment_bytes, int64_t now_ns, bool clean)
{
    struct live live;
    live_open(&live, dir, segment_bytes, now_ns);
    uint64_t run_id = live.run_id;
    for (uint64_t i = 0; i < cnt; i++) {
        struct pw_event event = live_event(i);
        live_put(&live, &event, now_ns + (int64_t)i * 1000);
    }
    live_commit(&live, now_ns + 1000 * S);
    live_close(&live, clean);
    return run_id;
}

static struct pw_journal *open_journal(const char *dir)
{
    struct pw_journal *journal = NULL;
    char error[256] = "";
    cr_assert_eq(pw_journal_open(&journal, dir, error, sizeof error), 0, "%s", error);
    return journal;
}

static struct pw_journal_cursor *open_cursor(struct pw_journal *journal, struct pw_journal_query query)
{
    struct pw_journal_cursor *cursor = NULL;
    cr_assert_eq(pw_journal_select(journal, &query, &cursor), 0);
    return cursor;
}

static void expect_all_events(const char *dir, uint64_t run_id, uint64_t cnt)
{
    struct pw_journal *journal = open_journal(dir);
    struct pw_journal_cursor *cursor = open_cursor(journal, (struct pw_journal_query){.run_id = run_id});
    struct pw_journal_record record;
    uint64_t i = 0;
    for (int item; (item = pw_journal_next(cursor, &record)) != PW_JOURNAL_END; i++) {
        struct pw_event want = live_event(i);
        cr_assert_eq(item, PW_JOURNAL_EVENT, "damage before event %llu: %s", (unsigned long long)i,
                     record.why);
        cr_assert_eq(memcmp(&record.event, &want, sizeof want), 0, "event %llu", (unsigned long long)i);
        cr_assert_eq(record.market_seq, i);
    }
    cr_assert_eq(i, cnt, "%llu events", (unsigned long long)i);
    pw_journal_cursor_free(cursor);
    pw_journal_close(journal);
}

/* ---- runs ---- */

Test(runs, ids_grow_even_when_the_clock_goes_back)
{
    const char *dir = live_dir();
    uint64_t first = write_run(dir, 1, 4 * MIB, EPOCH, true);
    cr_expect_eq(first, (uint64_t)(EPOCH / S));
    cr_expect_eq(write_run(dir, 1, 4 * MIB, EPOCH, true), first + 1);
    cr_expect_eq(write_run(dir, 1, 4 * MIB, EPOCH - 5000 * S, true), first + 2);
    cr_expect_eq(write_run(dir, 1, 4 * MIB, 0, true), first + 3);
    cr_expect_eq(write_run(dir, 1, 4 * MIB, EPOCH + 60 * S, true), first + 60);
    folder_remove(dir);
}

Test(runs, ids_do_not_come_again_when_the_table_is_lost)
{
    const char *dir = live_dir();
    char path[256];
    uint64_t first = write_run(dir, 10, 4 * MIB, EPOCH, true);
    uint64_t second = write_run(dir, 20, 4 * MIB, EPOCH, true);
    snprintf(path, sizeof path, "%s/runs.mdb", dir);
    cr_assert_eq(unlink(path), 0);
    snprintf(path, sizeof path, "%s/runs.mdb-lock", dir);
    unlink(path);
    struct pw_journal *journal = open_journal(dir);
    struct pw_journal_run rows[4];
    cr_assert_eq(pw_journal_runs(journal, rows, 4), 2, "segments tell their runs");
    cr_expect_eq(rows[0].run_id, first);
    cr_expect_str_eq(rows[1].instance, "test");
    pw_journal_close(journal);
    expect_all_events(dir, second, 20);
    cr_expect_eq(write_run(dir, 1, 4 * MIB, EPOCH, true), second + 1);
    folder_remove(dir);
}

static char g_warning[512];

static void keep_warning(void *state, enum pw_log_level level, const char *text, uint64_t times)
{
    (void)state, (void)times;
    if (level == PW_LOG_WARN) {
        snprintf(g_warning, sizeof g_warning, "%s", text);
    }
}

/* Beside segments an empty table is damage, and a missing one is told; alone both are a first start's. */
Test(runs, table_that_is_lost_or_empty_beside_segments_is_told)
{
    const char *dir = live_dir();
    char path[256], error[512] = "";
    struct pw_store store;
    uint64_t run_id;
    const struct pw_run_want want = {.path = dir,
                                     .instance = "test",
                                     .version = "0",
                                     .config_text = "a: 1\n",
                                     .config_bytes = 5,
                                     .segment_bytes = 4 * MIB,
                                     .now_ns = EPOCH};
    snprintf(path, sizeof path, "%s/runs.mdb", dir);
    pw_log_set_sink(keep_warning, NULL);
    close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    uint64_t first = write_run(dir, 10, 4 * MIB, EPOCH, true);
    cr_expect_str_eq(g_warning, "");
    cr_assert_eq(truncate(path, 0), 0);
    cr_expect_eq(pw_journal_open_run(&want, &store, &run_id, error, sizeof error), -EBADMSG);
    cr_expect(strstr(error, path) && strstr(error, "move it away"), "%s", error);
    cr_assert_eq(unlink(path), 0);
    cr_expect_eq(write_run(dir, 1, 4 * MIB, EPOCH, true), first + 1);
    cr_expect(strstr(g_warning, path) && strstr(g_warning, "missing"), "%s", g_warning);
    pw_log_set_sink(NULL, NULL);
    folder_remove(dir);
}

/* An image of yesterday is brought back: what was numbered since is unknown, but the clock has gone on. */
Test(runs, ids_do_not_come_again_when_an_older_copy_is_brought_back)
{
    const char *dir = live_dir();
    uint64_t last = 0;
    for (int day = 0; day < 5; day++) {
        folder_remove(dir);
        uint64_t run_id = write_run(dir, 1, 4 * MIB, EPOCH + day * 86400 * S, true);
        cr_expect_gt(run_id, last);
        last = run_id;
    }
    folder_remove(dir);
}

/* cases/15-disk-full-until-the-end: what could not be noted is noted again, also when it is still the same.
 */
Test(runs, a_note_that_failed_is_not_taken_for_stored)
{
    const char *dir = live_dir();
    const struct pw_journal_loss loss = {.market_cnt = 5, .order_cnt = 4, .fill_cnt = 3, .other_cnt = 2};
    struct live live;
    struct rlimit limit;
    struct pw_journal_run run;
    live_open(&live, dir, 4 * MIB, EPOCH);
    cr_assert_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){.rlim_cur = 0, .rlim_max = limit.rlim_max});
    int refused = live.store.note(live.store.state, 7, &loss);
    setrlimit(RLIMIT_FSIZE, &limit);
    cr_expect_neq(refused, 0);
    cr_expect_eq(live.store.note(live.store.state, 7, &loss), 0);
    live.store.close(live.store.state); /* killed */
    struct pw_journal *journal = open_journal(dir);
    cr_assert_eq(pw_journal_run(journal, live.run_id, &run), 0);
    cr_expect_eq(run.stopped_ns, 7);
    cr_expect_eq(run.lost.fill_cnt, 3);
    pw_journal_close(journal);
    folder_remove(dir);
}

/* cases/15-disk-full-until-the-end: nothing is stored in a file that has no name any more. */
Test(runs, files_that_were_deleted_are_no_store)
{
    for (int i = 0; i < 2; i++) {
        const char *dir = live_dir();
        char path[512];
        struct live live;
        struct pw_event event = live_event(0);
        live_open(&live, dir, 4 * MIB, EPOCH);
        live_put(&live, &event, EPOCH);
        live_commit(&live, EPOCH + S);
        if (i == 0) {
            snprintf(path, sizeof path, "%s/journal-%llu-0.mdb", dir, (unsigned long long)live.run_id);
        } else {
            snprintf(path, sizeof path, "%s/" PW_JOURNAL_RUNS_FILE, dir);
        }
        cr_assert_eq(unlink(path), 0);
        cr_assert_eq(live.store.put(live.store.state, PW_BLOCK_EVENTS, 7, "x", 1), 0);
        cr_expect_eq(live.store.commit(live.store.state, 0), -ENOENT);
        cr_expect_eq(live.store.rotate(live.store.state), -ENOENT, "that is final");
        live.store.close(live.store.state);
        folder_remove(dir);
    }
}

Test(runs, second_engine_is_refused)
{
    const char *dir = live_dir();
    struct live live;
    struct pw_store store;
    uint64_t run_id;
    char error[256], pid[24];
    live_open(&live, dir, 4 * MIB, EPOCH);
    struct pw_run_want want = {.path = dir,
                               .instance = "b",
                               .version = "0",
                               .config_text = "",
                               .segment_bytes = 4 * MIB,
                               .now_ns = EPOCH};
    cr_expect_eq(pw_journal_open_run(&want, &store, &run_id, error, sizeof error), -EBUSY);
    snprintf(pid, sizeof pid, "process %ld", (long)getpid());
    cr_expect_not_null(strstr(error, pid), "%s", error);
    live_close(&live, false);
    cr_assert_eq(pw_journal_open_run(&want, &store, &run_id, error, sizeof error), 0, "%s", error);
    store.close(store.state);
    folder_remove(dir);
}

Test(runs, what_cannot_be_is_refused_with_a_reason)
{
    const char *dir = live_dir();
    struct pw_store store;
    uint64_t run_id;
    char error[256], path[256];
    struct pw_run_want want = {
        .path = dir, .instance = "b", .version = "0", .config_text = "", .segment_bytes = 4 * MIB - 1};
    cr_expect_eq(pw_journal_open_run(&want, &store, &run_id, error, sizeof error), -EINVAL);
    want.segment_bytes = 4 * MIB;
    snprintf(path, sizeof path, "%s/missing/journal", dir);
    want.path = path;
    cr_expect_eq(pw_journal_open_run(&want, &store, &run_id, error, sizeof error), -ENOENT);
    cr_expect_not_null(strstr(error, path), "%s", error);
    snprintf(path, sizeof path, "%s/file", dir);
    close(open(path, O_CREAT | O_WRONLY, 0600));
    cr_expect_eq(pw_journal_open_run(&want, &store, &run_id, error, sizeof error), -ENOTDIR);
    folder_remove(dir);
}

Test(runs, files_are_the_owners_alone)
{
    const char *parent = live_dir();
    char dir[256], path[512];
    struct stat stat_of;
    snprintf(dir, sizeof dir, "%s/made", parent);
    mode_t before = umask(0);
    uint64_t run_id = write_run(dir, 10, 4 * MIB, EPOCH, true);
    umask(before);
    cr_assert_eq(stat(dir, &stat_of), 0);
    cr_expect_eq(stat_of.st_mode & 0777, 0700);
    char segment[64], segment_lock[72];
    snprintf(segment, sizeof segment, "journal-%llu-0.mdb", (unsigned long long)run_id);
    snprintf(segment_lock, sizeof segment_lock, "%s-lock", segment);
    const char *const names[] = {"lock", "runs.mdb", "runs.mdb-lock", segment, segment_lock};
    for (int i = 0; i < 5; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        cr_assert_eq(stat(path, &stat_of), 0, "%s", path);
        cr_expect_eq(stat_of.st_mode & 0777, 0600, "%s", path);
    }
    folder_remove(dir);
    folder_remove(parent);
}

Test(runs, tell_instance_config_instruments_and_end)
{
    const char *dir = live_dir();
    struct pw_journal_run rows[3];
    struct pw_instrument instruments[2];
    char text[16];
    write_run(dir, 10, 4 * MIB, EPOCH, true);
    uint64_t killed = write_run(dir, 10, 4 * MIB, EPOCH, false);
    struct pw_journal *journal = open_journal(dir);
    cr_assert_eq(pw_journal_runs(journal, rows, 3), 2);
    cr_expect_str_eq(rows[0].instance, "test");
    cr_expect_eq(rows[0].started_ns, EPOCH);
    cr_expect_eq(rows[0].ended_ns, EPOCH + 1);
    cr_expect_eq(rows[0].clean, 1);
    cr_expect_eq(rows[0].event_cnt, 10);
    cr_expect_eq(rows[0].pid, getpid());
    cr_expect_eq(rows[0].config_hash, UINT64_C(0xc2dffb5d14281c4d)); /* by another program */
    cr_expect_eq(rows[1].ended_ns, 0);
    cr_expect_eq(rows[1].clean, 0);
    cr_expect_eq(pw_journal_config(journal, killed, text, sizeof text), 5);
    cr_expect_str_eq(text, "a: 1\n");
    cr_expect_eq(pw_journal_config(journal, killed, text, 3), 5);
    cr_expect_str_eq(text, "a:");
    cr_assert_eq(pw_journal_instruments(journal, killed, instruments, 2), 2);
    cr_expect_str_eq(instruments[1].symbol, "ETHUSDT");
    cr_assert_eq(pw_journal_run(journal, 0, &rows[2]), 0);
    cr_expect_eq(rows[2].run_id, killed, "0 is the last run");
    cr_expect_eq(pw_journal_run(journal, 12345, &rows[2]), -ENOENT);
    cr_expect_not(pw_journal_is_live(journal));
    pw_journal_close(journal);
    folder_remove(dir);
}

/* ---- events ---- */

Test(reader, gives_all_events_back)
{
    const char *dir = live_dir();
    expect_all_events(dir, write_run(dir, 100000, 64 * MIB, EPOCH, true), 100000);
    folder_remove(dir);
}

Test(reader, reads_over_segments)
{
    const char *dir = live_dir();
    char path[256];
    uint64_t run_id = write_run(dir, 1000000, 4 * MIB, EPOCH, true);
    snprintf(path, sizeof path, "%s/journal-%llu-2.mdb", dir, (unsigned long long)run_id);
    cr_expect_eq(access(path, R_OK), 0, "three segments at least");
    expect_all_events(dir, run_id, 1000000);
    folder_remove(dir);
}

Test(reader, run_without_events_is_empty)
{
    const char *dir = live_dir();
    expect_all_events(dir, write_run(dir, 0, 4 * MIB, EPOCH, true), 0);
    folder_remove(dir);
}

Test(reader, selects_by_time_kind_and_instrument)
{
    const char *dir = live_dir();
    write_run(dir, 50000, 64 * MIB, EPOCH, true);
    struct pw_journal *journal = open_journal(dir);
    struct pw_journal_query query = {.from_ns = EPOCH + S, /* events 10000 to 29999 */
                                     .to_ns = EPOCH + 3 * S,
                                     .kinds = UINT64_C(1) << PW_EVENT_TRADE,
                                     .one_instrument = true,
                                     .instrument_idx = 1};
    struct pw_journal_cursor *cursor = open_cursor(journal, query);
    struct pw_journal_record record;
    uint64_t cnt = 0, want = 0;
    for (uint64_t i = 10000; i < 30000; i++) {
        struct pw_event event = live_event(i);
        want += event.kind == PW_EVENT_TRADE && event.instrument_idx == 1;
    }
    while (pw_journal_next(cursor, &record) == PW_JOURNAL_EVENT) {
        struct pw_event event = live_event(record.market_seq);
        cr_assert_eq(memcmp(&record.event, &event, sizeof event), 0);
        cr_assert(event.kind == PW_EVENT_TRADE && event.instrument_idx == 1);
        cr_assert(event.recv_ns >= query.from_ns && event.recv_ns < query.to_ns);
        cnt++;
    }
    cr_expect_eq(cnt, want);
    cr_expect_gt(cnt, 1000);
    pw_journal_cursor_free(cursor);
    pw_journal_close(journal);
    folder_remove(dir);
}

Test(reader, what_is_no_journal_is_refused)
{
    struct pw_journal *journal;
    char error[256] = "";
    cr_expect_eq(pw_journal_open(&journal, "/nowhere/at/all", error, sizeof error), -ENOENT);
    cr_expect_neq(error[0], 0);
    cr_expect_eq(pw_journal_open(&journal, "/dev/null", error, sizeof error), -ENOTDIR);
}

/* ---- damage ---- */

/* Flips a byte inside the n-th block's records. */
static void damage_block(const char *path, int n)
{
    static uint8_t bytes[64 << 20];
    int fd = open(path, O_RDWR);
    ssize_t size = pread(fd, bytes, sizeof bytes, 0);
    const uint32_t magic = PW_BLOCK_MAGIC;
    for (ssize_t i = 0; i + 104 < size; i += 8) {
        struct pw_block_header header;
        memcpy(&header, bytes + i, sizeof header);
        if (memcmp(bytes + i, &magic, 4) == 0 && header.version == PW_BLOCK_VERSION &&
            header.block_no == (uint64_t)n) {
            bytes[i + 300] ^= 0x10; /* also older versions of it that lie about */
            cr_assert_eq(pwrite(fd, &bytes[i + 300], 1, i + 300), 1);
        }
    }
    close(fd);
}

Test(damage, of_a_block_is_told_and_reading_goes_on)
{
    const char *dir = live_dir();
    char path[256];
    uint64_t run_id = write_run(dir, 100000, 64 * MIB, EPOCH, true);
    snprintf(path, sizeof path, "%s/journal-%llu-0.mdb", dir, (unsigned long long)run_id);
    damage_block(path, 3);
    damage_block(path, 4);
    damage_block(path, 7);
    struct pw_journal *journal = open_journal(dir);
    struct pw_journal_cursor *cursor = open_cursor(journal, (struct pw_journal_query){.run_id = run_id});
    struct pw_journal_record record;
    uint64_t next = 0, lost = 0, blocks = 0, damages = 0;
    for (int item; (item = pw_journal_next(cursor, &record)) != PW_JOURNAL_END;) {
        if (item == PW_JOURNAL_DAMAGE) {
            cr_expect_eq(record.market_seq, next);
            cr_expect_not_null(strstr(record.why, "checksum"), "%s", record.why);
            cr_assert_gt(record.lost_to_seq, next);
            lost += record.lost_to_seq - next;
            blocks += record.lost_blocks;
            damages++;
            next = record.lost_to_seq;
            continue;
        }
        struct pw_event want = live_event(next);
        cr_assert_eq(record.market_seq, next);
        cr_assert_eq(memcmp(&record.event, &want, sizeof want), 0);
        next++;
    }
    cr_expect_eq(next, 100000);
    cr_expect_eq(damages, 2);
    cr_expect_eq(blocks, 3);
    cr_expect_gt(lost, 3000);
    struct pw_journal_usage usage;
    pw_journal_cursor_usage(cursor, &usage);
    cr_expect_eq(usage.event_cnt, 100000 - lost);
    cr_expect_eq(usage.damage_cnt, 2);
    pw_journal_cursor_free(cursor);
    pw_journal_close(journal);
    folder_remove(dir);
}

Test(damage, of_the_last_block_is_told)
{
    const char *dir = live_dir();
    char path[256];
    uint64_t run_id = write_run(dir, 1000, 64 * MIB, EPOCH, true);
    snprintf(path, sizeof path, "%s/journal-%llu-0.mdb", dir, (unsigned long long)run_id);
    damage_block(path, 0);
    struct pw_journal *journal = open_journal(dir);
    struct pw_journal_cursor *cursor = open_cursor(journal, (struct pw_journal_query){0});
    struct pw_journal_record record;
    cr_assert_eq(pw_journal_next(cursor, &record), PW_JOURNAL_DAMAGE);
    cr_expect_eq(record.lost_to_seq, 0);
    for (int i = 0; i < 3; i++) {
        cr_expect_eq(pw_journal_next(cursor, &record), PW_JOURNAL_END, "told once");
    }
    pw_journal_cursor_free(cursor);
    pw_journal_close(journal);
    folder_remove(dir);
}

Test(damage, missing_and_unreadable_segments_are_told_once)
{
    const char *dir = live_dir();
    char path[256];
    uint64_t run_id = write_run(dir, 2000000, 4 * MIB, EPOCH, true);
    snprintf(path, sizeof path, "%s/journal-%llu-1.mdb", dir, (unsigned long long)run_id);
    cr_assert_eq(unlink(path), 0);
    snprintf(path, sizeof path, "%s/journal-%llu-3.mdb", dir, (unsigned long long)run_id);
    cr_assert_eq(truncate(path, 100), 0);
    struct pw_journal *journal = open_journal(dir);
    struct pw_journal_cursor *cursor = open_cursor(journal, (struct pw_journal_query){0});
    struct pw_journal_record record;
    uint64_t next = 0, damages = 0;
    for (int item; (item = pw_journal_next(cursor, &record)) != PW_JOURNAL_END;) {
        if (item == PW_JOURNAL_DAMAGE) {
            cr_expect_eq(record.market_seq, next);
            next = record.lost_to_seq;
            damages++;
        } else {
            cr_assert_eq(record.market_seq, next++);
        }
    }
    cr_expect_eq(next, 2000000);
    cr_expect_eq(damages, 2);
    cr_expect_eq(pw_journal_next(cursor, &record), PW_JOURNAL_END);
    pw_journal_cursor_free(cursor);
    pw_journal_close(journal);
    folder_remove(dir);
}
