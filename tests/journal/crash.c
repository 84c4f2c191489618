/* SPDX-License-Identifier: MIT
 *
 * What may happen to a journal: its engine killed, its disk full, a reader stopped in the middle of a read,
 * its bytes rotten; and what must hold then.
 */
#include "host.h"
#include "journal_rig.h"
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <lmdb.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MIB   (UINT64_C(1) << 20)
#define KILLS 20

static uint64_t seed_from_clock(void)
{
    uint64_t seed = (uint64_t)pw_clock_read_ns(CLOCK_REALTIME);
    fprintf(stderr, "seed %" PRIu64 "\n", seed);
    return seed;
}

static void sleep_ns(int64_t ns)
{
    nanosleep(&(struct timespec){.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000}, NULL);
}

static void *shared_page(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(page, MAP_FAILED);
    return page;
}

/* Reads a run to its end. True if all events from the first on are the market's, in order, without damage. */
static bool read_run(const char *dir, uint64_t run_id, uint64_t *event_cnt, bool *clean)
{
    struct pw_journal *journal;
    struct pw_journal_cursor *cursor;
    struct pw_journal_run run;
    struct pw_journal_record record;
    char error[256];
    *event_cnt = 0;
    if (pw_journal_open(&journal, dir, error, sizeof error) != 0 ||
        pw_journal_run(journal, run_id, &run) != 0 ||
        pw_journal_select(journal, &(struct pw_journal_query){.run_id = run_id}, &cursor) != 0) {
        return false;
    }
    *clean = run.clean && run.ended_ns;
    bool good = true;
    for (int item; good && (item = pw_journal_next(cursor, &record)) != PW_JOURNAL_END; ++*event_cnt) {
        struct pw_event want = live_event(*event_cnt);
        good = item == PW_JOURNAL_EVENT && memcmp(&record.event, &want, sizeof want) == 0;
    }
    good &= !*clean || run.event_cnt == *event_cnt;
    pw_journal_cursor_free(cursor);
    pw_journal_close(journal);
    return good;
}

/* ---- kill -9 ---- */

struct told {
    _Atomic uint64_t run_id;  /* 0: not known to the engine yet */
    _Atomic uint64_t durable; /* events that the store has acknowledged */
};

/* An engine that writes as much as it can until it is killed. */
static void write_for_ever(const char *dir, struct told *told)
{
    struct live live;
    live_open(&live, dir, 4 * MIB, LIVE_EPOCH_NS);
    atomic_store(&told->run_id, live.run_id);
    for (uint64_t i = 0;; i++) {
        struct pw_event event = live_event(i);
        live_put(&live, &event, pw_clock_read_ns(CLOCK_MONOTONIC));
        atomic_store(&told->durable, pw_writer_stats(live.writer)->event_cnt);
        if (i % 1000 == 0) {
            sleep_ns(100000);
        }
    }
}

Test(crash, killed_engine_leaves_all_that_was_committed)
{
    const char *dir = live_dir();
    struct told *told = shared_page();
    uint64_t seed = seed_from_clock(), total = 0, last_run = 0;
    struct pw_random random = pw_random_seeded(&seed);
    /* On a busy machine most children are killed before they have written anything: they do not count. */
    for (int i = 0; i < KILLS || total <= 1000; i++) {
        atomic_store(&told->run_id, 0);
        atomic_store(&told->durable, 0);
        pid_t child = fork();
        if (child == 0) {
            write_for_ever(dir, told);
        }
        sleep_ns((int64_t)(pw_random_next(&random) % 60000000));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        uint64_t run_id = atomic_load(&told->run_id), event_cnt;
        bool clean;
        if (run_id == 0) {
            continue; /* killed before it knew its run: nobody has used the id */
        }
        cr_assert_gt(run_id, last_run, "an id is never used again");
        last_run = run_id;
        cr_assert(read_run(dir, run_id, &event_cnt, &clean), "run %" PRIu64 " does not read", run_id);
        cr_assert_not(clean);
        cr_assert_geq(event_cnt, atomic_load(&told->durable), "committed events are missing");
        total += event_cnt;
    }
    fprintf(stderr, "%" PRIu64 " events in runs up to %" PRIu64 "\n", total, last_run);
    folder_remove(dir);
}

/* ---- a live journal and its readers ---- */

Test(crash, reader_follows_a_live_run)
{
    const char *dir = live_dir();
    enum { EVENTS = 300000 };
    pid_t child = fork();
    if (child == 0) {
        struct live live;
        live_open(&live, dir, 4 * MIB, LIVE_EPOCH_NS);
        for (uint64_t i = 0; i < EVENTS; i++) {
            struct pw_event event = live_event(i);
            live_put(&live, &event, pw_clock_read_ns(CLOCK_MONOTONIC));
        }
        live_close(&live, true);
        _exit(0);
    }
    struct pw_journal *journal;
    struct pw_journal_cursor *cursor;
    struct pw_journal_record record;
    char error[256];
    cr_assert_eq(pw_journal_open(&journal, dir, error, sizeof error), 0);
    while (pw_journal_select(journal, &(struct pw_journal_query){0}, &cursor) != 0) {
        sleep_ns(1000000);
    }
    uint64_t next = 0, waits = 0;
    while (next < EVENTS) {
        int item = pw_journal_next(cursor, &record);
        if (item == PW_JOURNAL_END) {
            waits++;
            sleep_ns(500000);
            continue;
        }
        struct pw_event want = live_event(next);
        cr_assert_eq(item, PW_JOURNAL_EVENT, "%s", record.why);
        cr_assert_eq(memcmp(&record.event, &want, sizeof want), 0, "event %" PRIu64, next);
        next++;
    }
    struct pw_journal_usage usage;
    pw_journal_cursor_usage(cursor, &usage);
    cr_expect_eq(usage.event_cnt, EVENTS);
    cr_expect_eq(usage.plain_bytes, EVENTS * sizeof(struct pw_event));
    cr_expect_gt(waits, 2, "it was live");
    pw_journal_cursor_free(cursor);
    pw_journal_close(journal);
    waitpid(child, NULL, 0);
    folder_remove(dir);
}

/* A reader that opens a transaction on the first segment and is stopped inside it. */
static void stop_inside_a_read(const char *path)
{
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    if (mdb_env_create(&env) || mdb_env_open(env, path, MDB_NOSUBDIR | MDB_RDONLY | MDB_NOTLS, 0600) ||
        mdb_txn_begin(env, NULL, MDB_RDONLY, &txn) || mdb_dbi_open(txn, NULL, 0, &dbi)) {
        _exit(1);
    }
    raise(SIGSTOP);
    _exit(2);
}

Test(crash, stopped_reader_does_not_stop_a_live_journal)
{
    const char *dir = live_dir();
    char path[512];
    struct live live;
    uint64_t event_cnt, n = 0;
    bool clean;
    int status;
    live_open(&live, dir, 4 * MIB, LIVE_EPOCH_NS);
    snprintf(path, sizeof path, "%s/journal-%" PRIu64 "-0.mdb", dir, live.run_id);
    /* A process of its own: LMDB's files must not be open twice in one. */
    pid_t reader = fork();
    if (reader == 0) {
        stop_inside_a_read(path);
    }
    cr_assert_eq(waitpid(reader, &status, WUNTRACED), reader);
    cr_assert(WIFSTOPPED(status));
    /* Each commit changes pages that the reader pins: far more of them than a segment has. */
    for (int commit = 0; commit < 400; commit++) {
        for (int i = 0; i < 20; i++, n++) {
            struct pw_event event = live_event(n);
            live_put(&live, &event, pw_clock_read_ns(CLOCK_MONOTONIC));
        }
        live_commit(&live, INT64_MAX / 2);
        cr_assert_eq(pw_writer_state(live.writer), PW_WRITER_OK, "commit %d: %s", commit,
                     strerror(-pw_writer_error(live.writer)));
    }
    cr_expect_gt(pw_writer_stats(live.writer)->full_cnt, 0, "the segment was filled and left");
    kill(reader, SIGKILL);
    waitpid(reader, NULL, 0);
    uint64_t run_id = live.run_id;
    live_close(&live, true);
    cr_expect(read_run(dir, run_id, &event_cnt, &clean));
    cr_expect_eq(event_cnt, n);
    cr_expect(clean);
    folder_remove(dir);
}

/* ---- an archive ---- */

Test(crash, journal_that_may_only_be_read_is_read)
{
    const char *dir = live_dir();
    char path[512];
    struct live live;
    if (geteuid() != 0) {
        cr_skip_test("only root can give its rights away");
    }
    live_open(&live, dir, 4 * MIB, LIVE_EPOCH_NS);
    uint64_t run_id = live.run_id;
    for (uint64_t i = 0; i < 1000; i++) {
        struct pw_event event = live_event(i);
        live_put(&live, &event, 0);
    }
    live_close(&live, true);
    DIR *stream = opendir(dir);
    for (struct dirent *entry; (entry = readdir(stream));) {
        snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
        if (entry->d_type == DT_REG) {
            cr_assert_eq(chmod(path, 0444), 0);
        }
    }
    closedir(stream);
    cr_assert_eq(chmod(dir, 0555), 0);
    pid_t child = fork();
    if (child == 0) {
        uint64_t event_cnt;
        bool clean;
        _exit(setuid(65534) != 0 || !read_run(dir, run_id, &event_cnt, &clean) || event_cnt != 1000 ||
              !clean);
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    folder_remove(dir);
}

/* ---- a full disk ---- */

/* A file system of 24 MiB in a mount namespace of this test's own; skips without the rights for it. */
static const char *small_disk(void)
{
    static char dir[64];
    strcpy(dir, live_dir());
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("tmpfs", dir, "tmpfs", 0, "size=24m") < 0) {
        rmdir(dir);
        cr_skip_test("a small file system cannot be mounted here: %s", strerror(errno));
    }
    return dir;
}

static void fill_disk(const char *path, uint64_t bytes)
{
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    cr_assert_eq(posix_fallocate(fd, 0, (off_t)bytes), 0);
    close(fd);
}

Test(crash, full_disk_stops_the_journal_until_there_is_room)
{
    const char *disk = small_disk();
    char dir[128], filler[128];
    struct live live;
    uint64_t n = 0, event_cnt;
    bool clean;
    snprintf(dir, sizeof dir, "%s/journal", disk);
    snprintf(filler, sizeof filler, "%s/filler", disk);
    fill_disk(filler, 15 * MIB);
    live_open(&live, dir, 256 * MIB, LIVE_EPOCH_NS);
    int64_t now_ns = 1;
    while (pw_writer_state(live.writer) == PW_WRITER_OK) {
        struct pw_event event = live_event(n++);
        live_put(&live, &event, now_ns);
        now_ns += 10000;
        cr_assert_lt(n, 10000000);
    }
    cr_expect_eq(pw_writer_state(live.writer), PW_WRITER_FULL);
    cr_expect_eq(pw_writer_error(live.writer), -ENOSPC);
    uint64_t durable = pw_writer_stats(live.writer)->event_cnt;
    cr_expect_gt(durable, 100000);
    /* It tries again each second, in vain at first. */
    for (int i = 0; i < 3; i++) {
        now_ns += PW_WRITER_RETRY_NS;
        live_commit(&live, now_ns);
        cr_expect_eq(pw_writer_state(live.writer), PW_WRITER_FULL);
    }
    cr_assert_eq(unlink(filler), 0);
    now_ns += PW_WRITER_RETRY_NS;
    live_commit(&live, now_ns);
    cr_assert_eq(pw_writer_state(live.writer), PW_WRITER_OK, "%s", strerror(-pw_writer_error(live.writer)));
    for (int i = 0; i < 1000; i++) {
        struct pw_event event = live_event(n++);
        live_put(&live, &event, now_ns);
    }
    uint64_t run_id = live.run_id;
    live_close(&live, true);
    cr_expect(read_run(dir, run_id, &event_cnt, &clean));
    cr_expect_eq(event_cnt, n);
    umount2(disk, MNT_DETACH);
    rmdir(disk);
}

Test(crash, what_was_committed_before_the_disk_was_full_can_be_read)
{
    const char *disk = small_disk();
    char dir[128];
    struct live live;
    uint64_t n = 0, event_cnt;
    bool clean;
    snprintf(dir, sizeof dir, "%s/journal", disk);
    live_open(&live, dir, 256 * MIB, LIVE_EPOCH_NS);
    while (pw_writer_state(live.writer) == PW_WRITER_OK) {
        struct pw_event event = live_event(n++);
        live_put(&live, &event, (int64_t)n * 10000);
    }
    uint64_t durable = pw_writer_stats(live.writer)->event_cnt, run_id = live.run_id;
    live_close(&live, false);
    cr_expect(read_run(dir, run_id, &event_cnt, &clean));
    cr_expect_eq(event_cnt, durable);
    umount2(disk, MNT_DETACH);
    rmdir(disk);
}

/* Writes until nothing more goes onto that disk. */
static void fill_up(const char *path)
{
    static const char bytes[4096];
    int fd = open(path, O_CREAT | O_WRONLY | O_APPEND, 0600);
    while (write(fd, bytes, sizeof bytes) > 0) {
    }
    close(fd);
}

/* cases/15-disk-full-until-the-end: room for it is kept from the start. */
Test(crash, end_of_a_run_is_recorded_on_a_disk_without_a_byte_left)
{
    const char *disk = small_disk();
    char dir[128], filler[128], error[256];
    struct live live;
    struct pw_journal *journal;
    struct pw_journal_run run;
    snprintf(dir, sizeof dir, "%s/journal", disk);
    snprintf(filler, sizeof filler, "%s/filler", disk);
    live_open(&live, dir, 256 * MIB, LIVE_EPOCH_NS);
    for (uint64_t i = 0; i < 1000; i++) {
        struct pw_event event = live_event(i);
        live_put(&live, &event, 0);
    }
    live_commit(&live, INT64_MAX / 2);
    fill_up(filler);
    uint64_t run_id = live.run_id;
    for (uint64_t lost = 1; lost < 50; lost++) { /* as it would be told while the disk stays full */
        const struct pw_journal_loss loss = {
            .market_cnt = lost, .order_cnt = 2, .fill_cnt = 3, .other_cnt = 4};
        cr_assert_eq(live.store.note(live.store.state, 7, &loss), 0);
    }
    cr_assert_eq(live.store.end(live.store.state, LIVE_EPOCH_NS + 1, 1000, false), 0);
    live_close(&live, false);
    cr_assert_eq(pw_journal_open(&journal, dir, error, sizeof error), 0);
    cr_assert_eq(pw_journal_run(journal, run_id, &run), 0);
    cr_expect_eq(run.ended_ns, LIVE_EPOCH_NS + 1);
    cr_expect_eq(run.clean, 0);
    cr_expect_eq(run.stopped_ns, 7);
    cr_expect_eq(run.lost.market_cnt, 49);
    cr_expect_eq(run.lost.fill_cnt, 3);
    cr_expect(pw_journal_is_cut(&run));
    pw_journal_close(journal);
    umount2(disk, MNT_DETACH);
    rmdir(disk);
}

/* cases/15-disk-full-until-the-end: refused, and nothing is left of it; of an earlier run everything. */
Test(crash, start_on_a_full_disk_leaves_no_run)
{
    const char *disk = small_disk();
    char dir[128], filler[128], error[256];
    struct pw_store store;
    struct pw_journal *journal;
    struct pw_journal_run runs[4];
    uint64_t run_id;
    struct pw_run_want want = {.path = dir,
                               .instance = "a",
                               .version = "0",
                               .config_text = "",
                               .segment_bytes = 4 * MIB,
                               .now_ns = LIVE_EPOCH_NS};
    snprintf(dir, sizeof dir, "%s/journal", disk);
    snprintf(filler, sizeof filler, "%s/filler", disk);
    for (int64_t before = 0; before < 2; before++) { /* without, and with a table of runs */
        fill_up(filler);
        cr_expect_eq(pw_journal_open_run(&want, &store, &run_id, error, sizeof error), -ENOSPC, "%s", error);
        cr_assert_eq(pw_journal_open(&journal, dir, error, sizeof error), 0);
        cr_expect_eq(pw_journal_runs(journal, runs, 4), before);
        pw_journal_close(journal);
        unlink(filler);
        cr_assert_eq(pw_journal_open_run(&want, &store, &run_id, error, sizeof error), 0, "%s", error);
        store.end(store.state, LIVE_EPOCH_NS, 0, true);
        store.close(store.state);
    }
    umount2(disk, MNT_DETACH);
    rmdir(disk);
}

/* ---- rotten bytes ---- */

struct verdict {
    _Atomic uint64_t good, event_cnt;
};

static off_t copy_file(const char *from, const char *to)
{
    static char bytes[8 << 20];
    int in = open(from, O_RDONLY), out = open(to, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    ssize_t size = read(in, bytes, sizeof bytes);
    cr_assert_gt(size, 0);
    cr_assert_lt(size, (ssize_t)sizeof bytes);
    cr_assert_eq(write(out, bytes, (size_t)size), size);
    close(in);
    close(out);
    return size;
}

/* LMDB may crash on a damaged page: so it does it in a child. */
static bool read_in_child(const char *dir, uint64_t run_id, struct verdict *verdict)
{
    atomic_store(&verdict->good, 0);
    pid_t child = fork();
    if (child == 0) {
        uint64_t event_cnt;
        bool clean;
        close(STDERR_FILENO);
        setrlimit(RLIMIT_CORE, &(struct rlimit){0});
        signal(SIGSEGV, SIG_DFL);
        signal(SIGBUS, SIG_DFL);
        signal(SIGABRT, SIG_DFL);
        alarm(10);
        bool good = read_run(dir, run_id, &event_cnt, &clean);
        atomic_store(&verdict->event_cnt, event_cnt);
        atomic_store(&verdict->good, good && clean);
        _exit(0);
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_not(WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM, "the reader went in a circle");
    return atomic_load(&verdict->good);
}

Test(crash, rotten_bytes_are_noticed_or_lie_in_dead_space)
{
    const char *dir = live_dir();
    char path[256], copy[256];
    enum { EVENTS = 40000, FLIPS = 300 };
    struct live live;
    struct verdict *verdict = shared_page();
    uint64_t seed = seed_from_clock(), dead = 0;
    struct pw_random random = pw_random_seeded(&seed);
    live_open(&live, dir, 8 * MIB, LIVE_EPOCH_NS);
    for (uint64_t i = 0; i < EVENTS; i++) {
        struct pw_event event = live_event(i);
        live_put(&live, &event, (int64_t)i * 100000);
    }
    uint64_t run_id = live.run_id;
    live_close(&live, true);
    snprintf(path, sizeof path, "%s/journal-%" PRIu64 "-0.mdb", dir, run_id);
    snprintf(copy, sizeof copy, "%s/copy", dir);
    off_t size = copy_file(path, copy);
    for (int i = 0; i < FLIPS; i++) {
        copy_file(copy, path);
        /* One in three in the first pages, where LMDB keeps its own. */
        off_t at = (off_t)(pw_random_next(&random) % (uint64_t)(i % 3 ? size : 16384 < size ? 16384 : size));
        uint8_t byte, flip = (uint8_t)(1 + pw_random_next(&random) % 255);
        int fd = open(path, O_RDWR);
        cr_assert_eq(pread(fd, &byte, 1, at), 1);
        byte ^= flip;
        cr_assert_eq(pwrite(fd, &byte, 1, at), 1);
        close(fd);
        if (read_in_child(dir, run_id, verdict)) {
            cr_assert_eq(atomic_load(&verdict->event_cnt), EVENTS,
                         "byte %lld: events are missing, and nobody says so", (long long)at);
            dead++;
        }
    }
    fprintf(stderr, "%d flips: %" PRIu64 " in dead space, all others noticed\n", FLIPS, dead);
    cr_expect_lt(dead, FLIPS * 9 / 10);
    folder_remove(dir);
}
