/* SPDX-License-Identifier: MIT
 *
 * The journal's files are judged before LMDB maps them: whatever is cut off or overwritten, opening a journal
 * for writing ends with an error that names the file, or goes on well, but never with a signal.
 */
#include "crc32c.h"
#include "journal_rig.h"
#include "lmdb_check.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define TABLE_BYTES_MAX (1u << 20)

static uint64_t seed;

static uint64_t next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

/* ---- a table of runs, and copies of it ---- */

static struct {
    char dir[64], path[96];
    uint8_t bytes[TABLE_BYTES_MAX];
    size_t size;
} table;

static size_t slurp(const char *path, uint8_t *bytes, size_t room)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    cr_assert_geq(fd, 0, "%s", path);
    ssize_t size = read(fd, bytes, room);
    cr_assert(size >= 0 && (size_t)size < room);
    close(fd);
    return (size_t)size;
}

static void spill(const char *path, const uint8_t *bytes, size_t size)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    cr_assert_geq(fd, 0, "%s", path);
    cr_assert_eq(write(fd, bytes, size), (ssize_t)size);
    close(fd);
}

/* Opens the journal as an engine does, ends the run as an engine does. */
static int begin_and_end(const char *dir, char *error, size_t error_bytes)
{
    struct pw_store store;
    uint64_t run_id;
    const struct pw_instrument instrument = {.symbol = "BTCUSDT"};
    int err = pw_journal_open_run(&(struct pw_run_want){.path = dir,
                                                        .instance = "test",
                                                        .version = "0",
                                                        .config_text = "a: 1\n",
                                                        .config_bytes = 5,
                                                        .instruments = &instrument,
                                                        .instrument_cnt = 1,
                                                        .segment_bytes = PW_SEGMENT_BYTES_MIN,
                                                        .now_ns = LIVE_EPOCH_NS},
                                  &store, &run_id, error, error_bytes);
    if (err == 0) {
        store.end(store.state, LIVE_EPOCH_NS + 1, 0, true);
        store.close(store.state);
    }
    return err;
}

/* Some runs, so that pages are used again. */
static void table_make(unsigned run_cnt)
{
    char error[256] = "";
    strcpy(table.dir, live_dir_in_memory());
    snprintf(table.path, sizeof table.path, "%s/" PW_JOURNAL_RUNS_FILE, table.dir);
    for (unsigned i = 0; i < run_cnt; i++) {
        cr_assert_eq(begin_and_end(table.dir, error, sizeof error), 0, "%s", error);
    }
    table.size = slurp(table.path, table.bytes, sizeof table.bytes);
    cr_assert_gt(table.size, 8192u);
}

static int check_table(char why[PW_LMDB_WHY_BYTES])
{
    return pw_lmdb_check(table.path, why);
}

/* In a child, which may be killed by a signal: 0: it went well, 1: it was refused with the file's name and
 * what to do. */
static int open_in_child(void)
{
    int status;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        char error[512] = "";
        setrlimit(RLIMIT_CORE, &(struct rlimit){0});
        int err = begin_and_end(table.dir, error, sizeof error);
        bool is_told = strstr(error, table.path) && strstr(error, "move it away");
        fprintf(stderr, "%s", err && !is_told ? error : "");
        _exit(err == 0 ? 0 : is_told ? 1 : 2);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void folder_reset(const uint8_t *bytes, size_t size)
{
    folder_remove(table.dir);
    cr_assert_eq(mkdir(table.dir, 0700), 0);
    spill(table.path, bytes, size);
}

/* ---- what LMDB itself writes ---- */

static void put_some(MDB_txn *txn, MDB_dbi dbi)
{
    static uint8_t value[20000];
    for (unsigned i = 0; i < 1 + next_random() % 40; i++) {
        uint8_t key[PW_KEY_BYTES];
        pw_key_make(key, PW_KEY_RUN, next_random() % 600, 0);
        MDB_val key_val = {.mv_size = sizeof key, .mv_data = key};
        MDB_val value_val = {.mv_size = next_random() % (next_random() % 4 ? 300 : sizeof value),
                             .mv_data = value};
        int err = next_random() % 4 ? mdb_put(txn, dbi, &key_val, &value_val, 0)
                                    : mdb_del(txn, dbi, &key_val, NULL);
        cr_assert(err == 0 || err == MDB_NOTFOUND, "%s", mdb_strerror(err));
    }
}

/* Nothing that LMDB writes is refused: trees of several levels, long values, pages used again. */
Test(lmdb_check, accepts_whatever_lmdb_writes)
{
    char path[96], why[PW_LMDB_WHY_BYTES];
    const char *dir = live_dir_in_memory();
    MDB_env *env;
    MDB_dbi dbi;
    snprintf(path, sizeof path, "%s/some.mdb", dir);
    seed = 0x5eed;
    cr_assert_eq(mdb_env_create(&env), 0);
    cr_assert_eq(mdb_env_set_mapsize(env, 64 << 20), 0);
    cr_assert_eq(mdb_env_open(env, path, MDB_NOSUBDIR | MDB_NOSYNC, 0600), 0);
    for (int i = 0; i < 400; i++) {
        MDB_txn *txn;
        cr_assert_eq(mdb_txn_begin(env, NULL, 0, &txn), 0);
        cr_assert_eq(mdb_dbi_open(txn, NULL, 0, &dbi), 0);
        put_some(txn, dbi);
        if (i % 7 == 0) {
            mdb_txn_abort(txn);
        } else {
            cr_assert_eq(mdb_txn_commit(txn), 0);
        }
        cr_assert_eq(pw_lmdb_check(path, why), 0, "after commit %d: %s", i, why);
    }
    mdb_env_close(env);
    folder_remove(dir);
}

/* ---- cut off ---- */

/* cases/37-a-cut-table-of-runs */
Test(lmdb_check, refuses_a_file_of_any_other_length)
{
    char why[PW_LMDB_WHY_BYTES];
    table_make(3);
    for (size_t size = table.size; size-- > 0;) {
        cr_assert_eq(truncate(table.path, (off_t)size), 0);
        int err = check_table(why);
        /* What is left is whole when only free pages were cut off. */
        cr_assert(err == -EBADMSG || (size == 0 && err == -ENOENT) || (err == 0 && size >= 8192), "%zu: %d",
                  size, err);
    }
    folder_remove(table.dir);
}

/* cases/37-a-cut-table-of-runs */
Test(start, with_a_table_that_was_cut_is_refused_or_good_but_no_signal)
{
    static const size_t sizes[] = {0,    1,    15,   16,    152,   4096,  6000,
                                   8191, 8192, 8193, 10000, 12288, 16384, 20000};
    table_make(3);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        if (sizes[i] >= table.size) {
            continue;
        }
        folder_reset(table.bytes, sizes[i]);
        char why[PW_LMDB_WHY_BYTES];
        int err = check_table(why);
        int code = open_in_child();
        cr_expect_eq(code, err == 0 || err == -ENOENT ? 0 : 1, "%zu bytes: %d", sizes[i], code);
        cr_expect(sizes[i] == 0 || sizes[i] > 8192 || code == 1, "%zu bytes: %d", sizes[i], code);
    }
    folder_remove(table.dir);
}

/* ---- overwritten ---- */

static void overwrite(uint8_t *bytes, size_t size)
{
    for (uint64_t i = 0; i < 1 + next_random() % 4; i++) {
        size_t len = 1 + next_random() % (next_random() % 8 ? 8 : 512);
        size_t at = next_random() % size;
        uint8_t fill = (uint8_t)(next_random() % 3 ? next_random() : next_random() % 2 ? 0 : 0xff);
        for (size_t k = at; k < at + len && k < size; k++) {
            bytes[k] = next_random() % 2 ? fill : (uint8_t)next_random();
        }
    }
}

/* cases/37-a-cut-table-of-runs */
Test(start, with_a_table_that_was_overwritten_is_refused_or_good_but_no_signal, .timeout = 300)
{
    static uint8_t bytes[TABLE_BYTES_MAX];
    unsigned seen[2] = {0};
    table_make(40);
    for (uint64_t round = 1; round <= 300; round++) {
        seed = round * UINT64_C(0x9e3779b97f4a7c15);
        memcpy(bytes, table.bytes, table.size);
        /* Half of the time where something is: entries, meta pages. */
        overwrite(bytes, round % 2 ? table.size : 512);
        if (round % 4 == 0) {
            overwrite(bytes + 4096 * (next_random() % (table.size / 4096)), 64);
        }
        folder_reset(bytes, table.size);
        int code = open_in_child();
        cr_expect_leq(code, 1, "round %" PRIu64 ": %d", round, code);
        seen[code != 0]++;
    }
    cr_expect(seen[0] > 10 && seen[1] > 10, "%u went well, %u were refused", seen[0], seen[1]);
    folder_remove(table.dir);
}

/* ---- no files ---- */

/* cases/38-segments-that-are-not-the-run-s: with the table's place taken by a segment, of a run that
 * has stored nothing. */
Test(start, does_not_take_a_segment_for_the_table)
{
    static uint8_t segment[TABLE_BYTES_MAX];
    char path[PW_JOURNAL_PATH_BYTES];
    table_make(1);
    pw_segment_path(path, table.dir, LIVE_EPOCH_NS / 1000000000, 0);
    size_t size = slurp(path, segment, sizeof segment);
    folder_reset(segment, size);
    cr_expect_eq(open_in_child(), 1);
    folder_remove(table.dir);
}

Test(start, opens_nothing_that_is_no_regular_file)
{
    char why[PW_LMDB_WHY_BYTES], elsewhere[128];
    table_make(1);
    for (int i = 0; i < 4; i++) {
        folder_reset(table.bytes, table.size);
        snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere", table.dir);
        cr_assert_eq(rename(table.path, elsewhere), 0);
        int made = i == 0   ? mkfifo(table.path, 0600)
                   : i == 1 ? symlink(elsewhere, table.path)
                   : i == 2 ? symlink("/dev/zero", table.path)
                            : mkdir(table.path, 0700);
        cr_assert_eq(made, 0);
        cr_expect_eq(check_table(why), -EMEDIUMTYPE);
        cr_expect_eq(open_in_child(), 1);
    }
    folder_remove(table.dir);
}

/* What is named like a segment, but of a run that there cannot be, does not lend its number. */
Test(start, a_run_does_not_go_on_from_a_number_that_no_run_has)
{
    static const char *const names[] = {"journal-18446744073709551615-0.mdb", "journal-1099511627775-0.mdb"};
    struct live live;
    const char *dir = live_dir_in_memory();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[160];
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        spill(path, (const uint8_t *)"x", 1);
    }
    live_open(&live, dir, PW_SEGMENT_BYTES_MIN, LIVE_EPOCH_NS);
    cr_expect_eq(live.run_id, (uint64_t)(LIVE_EPOCH_NS / 1000000000));
    live_close(&live, true);
    folder_remove(dir);
}

/* cases/38-segments-that-are-not-the-run-s: what stands where the next segment is to be. */
Test(start, a_segment_passes_over_a_name_that_is_taken)
{
    char path[160], why[PW_LMDB_WHY_BYTES];
    struct live live;
    const char *dir = live_dir_in_memory();
    live_open(&live, dir, PW_SEGMENT_BYTES_MIN, LIVE_EPOCH_NS);
    snprintf(path, sizeof path, "%s/journal-%" PRIu64 "-1.mdb", dir, live.run_id);
    cr_assert_eq(mkfifo(path, 0600), 0);
    cr_assert_eq(live.store.rotate(live.store.state), 0);
    struct pw_event event = live_event(0);
    live_put(&live, &event, 0);
    live_commit(&live, INT64_MAX / 2);
    live_close(&live, true);
    snprintf(path, sizeof path, "%s/journal-%" PRIu64 "-2.mdb", dir, live.run_id);
    cr_expect_eq(pw_lmdb_check(path, why), 0, "%s", why);
    folder_remove(dir);
}

/* ---- instruments of earlier versions: cases/02-asset-longer-than-11-bytes ---- */

/* As the version before wrote them. */
struct instrument_2 {
    char symbol[24], feed[24], base[16], quote[16];
    uint32_t feed_idx;
    uint8_t tradable, min_notional_market, max_notional_market, kind;
    int64_t numbers[12];
    uint64_t reserved;
};

static void put_instruments(const char *dir, uint64_t run_id, const void *rows, uint32_t row_bytes)
{
    char path[PW_JOURNAL_PATH_BYTES];
    uint8_t key[PW_KEY_BYTES], blob[4 + 1024];
    uint32_t crc = pw_crc32c(0, rows, row_bytes);
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    pw_segment_path(path, dir, run_id, 0);
    pw_key_make(key, PW_KEY_INSTRUMENTS, run_id, 0);
    memcpy(blob, &crc, 4);
    memcpy(blob + 4, rows, row_bytes);
    MDB_val key_val = {sizeof key, key}, value = {4 + row_bytes, blob};
    cr_assert_eq(mdb_env_create(&env), 0);
    cr_assert_eq(mdb_env_open(env, path, MDB_NOSUBDIR, 0600), 0, "%s", path);
    cr_assert_eq(mdb_txn_begin(env, NULL, 0, &txn), 0);
    cr_assert_eq(mdb_dbi_open(txn, NULL, 0, &dbi), 0);
    cr_assert_eq(mdb_put(txn, dbi, &key_val, &value, 0), 0);
    cr_assert_eq(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

Test(reader, instruments_of_the_version_before_are_read)
{
    const struct instrument_2 old[2] = {{.symbol = "ABCDEFGHIJKLMNOPQRSTUVW",
                                         .feed = "spot",
                                         .base = "LONGLONGLONGNAM",
                                         .quote = "USDT",
                                         .feed_idx = 3,
                                         .tradable = 1,
                                         .max_notional_market = 1,
                                         .kind = PW_LINEAR,
                                         .numbers = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}},
                                        {.symbol = "B"}};
    const char *dir = live_dir();
    struct live live;
    struct pw_journal *journal;
    struct pw_instrument rows[2];
    char error[160];
    live_open(&live, dir, PW_SEGMENT_BYTES_MIN, LIVE_EPOCH_NS);
    uint64_t run_id = live.run_id;
    live_close(&live, true);
    put_instruments(dir, run_id, old, sizeof old);
    cr_assert_eq(pw_journal_open(&journal, dir, error, sizeof error), 0, "%s", error);
    cr_assert_eq(pw_journal_instruments(journal, run_id, rows, 2), 2);
    cr_expect_str_eq(rows[0].symbol, old[0].symbol);
    cr_expect_str_eq(rows[0].feed, "spot");
    cr_expect_str_eq(rows[0].base, old[0].base);
    cr_expect_str_eq(rows[0].quote, "USDT");
    cr_expect(rows[0].feed_idx == 3 && rows[0].tradable == 1 && rows[0].max_notional_market == 1 &&
              rows[0].min_notional_market == 0 && rows[0].kind == PW_LINEAR);
    cr_expect(rows[0].tick_e8 == 1 && rows[0].step_e8 == 4 && rows[0].multiplier_e8 == 12);
    cr_expect(rows[0].unit_shift == 0);
    cr_expect_str_eq(rows[1].symbol, "B");
    put_instruments(dir, run_id, old, sizeof old - 1);
    cr_expect_eq(pw_journal_instruments(journal, run_id, rows, 2), -EBADMSG);
    pw_journal_close(journal);
    folder_remove(dir);
}

/* Numbers with so many decimals would not fit the text that tools make of them. */
Test(reader, units_that_no_engine_has_are_the_usual_ones)
{
    const struct pw_instrument made[2] = {{.symbol = "A", .unit_shift = PW_UNIT_SHIFT_MAX + 1},
                                          {.symbol = "B", .unit_shift = -PW_UNIT_SHIFT_MAX}};
    const char *dir = live_dir();
    struct live live;
    struct pw_journal *journal;
    struct pw_instrument rows[2];
    char error[160];
    live_open_instruments(&live, dir, PW_SEGMENT_BYTES_MIN, LIVE_EPOCH_NS, "a: 1\n", made);
    uint64_t run_id = live.run_id;
    live_close(&live, true);
    cr_assert_eq(pw_journal_open(&journal, dir, error, sizeof error), 0, "%s", error);
    cr_assert_eq(pw_journal_instruments(journal, run_id, rows, 2), 2);
    cr_expect_eq(rows[0].unit_shift, 0);
    cr_expect_eq(rows[1].unit_shift, -PW_UNIT_SHIFT_MAX);
    pw_journal_close(journal);
    folder_remove(dir);
}
