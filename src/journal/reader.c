/* SPDX-License-Identifier: MIT
 *
 * Reading a journal: runs, and a cursor over the blocks of one run through all its segments.
 *
 * A block's last version counts: the block that was not full at a commit is stored again, longer, in the same
 * segment or as the first of the next. So after the last event of a block the cursor looks for a longer
 * version first, which is also how it follows a live run.
 */
#include "codec.h"
#include "journal_files.h"
#include "pw_assert.h"
#include "store.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct pw_journal_cursor {
    struct pw_journal *journal;
    struct pw_journal_query query;
    enum pw_key_part part;
    struct pw_journal_file file;
    uint32_t segment_no; /* of the file; or where to look from */
    bool began;          /* block_no is the last block met */
    bool bad;            /* its version in this segment is damaged; the next segment may have another */
    uint64_t block_no;
    uint32_t done_cnt; /* events of it that have been handed out or passed over */
    uint64_t done_stored_bytes, done_plain_bytes;
    uint64_t market_seq; /* market events up to the end of the last good block */
    struct pw_decoder *decoder;
    bool decoding;
    uint32_t event_idx;
    uint8_t *block;
    size_t block_bytes, block_room;
    /* Damage, reported once it is known where reading continues. */
    bool damaged, damage_ends;
    struct pw_journal_record damage;
    char why[160];
    struct pw_journal_usage usage;
};

/* ---- the journal and its runs ---- */

int pw_journal_open(struct pw_journal **journal, const char *path, char *error, size_t error_bytes)
{
    struct stat stat_of;
    if (strlen(path) >= sizeof(*journal)->path) {
        snprintf(error, error_bytes, "the path is too long");
        return -ENAMETOOLONG;
    }
    int err = stat(path, &stat_of) < 0 ? errno : S_ISDIR(stat_of.st_mode) ? 0 : ENOTDIR;
    if (err) {
        snprintf(error, error_bytes, "'%s' is not a journal: %s", path, strerror(err));
        return -err;
    }
    *journal = calloc(1, sizeof **journal);
    if (!*journal) {
        snprintf(error, error_bytes, "no memory");
        return -ENOMEM;
    }
    strcpy((*journal)->path, path);
    return 0;
}

void pw_journal_close(struct pw_journal *journal)
{
    free(journal);
}

bool pw_journal_is_live(const struct pw_journal *journal)
{
    char path[PW_JOURNAL_PATH_BYTES];
    snprintf(path, sizeof path, "%s/" PW_JOURNAL_LOCK_FILE, journal->path);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) {
        return false;
    }
    /* Asks only: taking the lock, however briefly, could turn an engine away. */
    struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
    bool live = fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    close(fd);
    return live;
}

struct run_list {
    struct pw_journal_run *rows;
    size_t cnt, room;
};

static int list_add(struct run_list *list, const struct pw_journal_run *run)
{
    for (size_t i = 0; i < list->cnt; i++) {
        if (list->rows[i].run_id == run->run_id) {
            return 0;
        }
    }
    if (list->cnt == list->room) {
        size_t room = list->room ? list->room * 2 : 16;
        struct pw_journal_run *rows = realloc(list->rows, room * sizeof *rows);
        if (!rows) {
            return -ENOMEM;
        }
        list->rows = rows;
        list->room = room;
    }
    pw_assert(list->cnt < list->room);
    list->rows[list->cnt++] = *run;
    return 0;
}

static int list_from_table(const struct pw_journal *journal, struct run_list *list)
{
    struct pw_journal_file file;
    MDB_txn *txn;
    MDB_cursor *cursor;
    MDB_val key, value;
    int err = pw_journal_table_open(journal, &file);
    if (err) {
        return err;
    }
    err = pw_lmdb_error(mdb_txn_begin(file.env, NULL, MDB_RDONLY, &txn));
    if (err) {
        pw_journal_file_close(&file);
        return err;
    }
    err = pw_lmdb_error(mdb_cursor_open(txn, file.dbi, &cursor));
    if (!err) {
        while (!err && mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
            struct pw_journal_run run;
            if (pw_run_read((const uint8_t *)value.mv_data + sizeof(uint32_t),
                            pw_blob_check(value.mv_data, value.mv_size), &run)) {
                err = list_add(list, &run);
            }
        }
        mdb_cursor_close(cursor);
    }
    mdb_txn_abort(txn);
    pw_journal_file_close(&file);
    return err;
}

/* Runs that the table does not have, because it was lost or damaged. */
static int list_from_segments(const struct pw_journal *journal, struct run_list *list)
{
    DIR *dir = opendir(journal->path);
    int err = dir ? 0 : -errno;
    for (struct dirent *entry; !err && (entry = readdir(dir));) {
        struct pw_journal_run run = {0};
        uint32_t segment_no;
        uint8_t *bytes = NULL;
        if (!pw_segment_read_name(entry->d_name, &run.run_id, &segment_no)) {
            continue;
        }
        bool known = false;
        for (size_t i = 0; i < list->cnt; i++) {
            known |= list->rows[i].run_id == run.run_id;
        }
        /* One whose first segment was being made when its engine was killed has not begun. */
        if (!known && !pw_journal_segment_is_unfinished(journal, run.run_id, segment_no)) {
            struct pw_journal_run whole;
            int64_t size = pw_journal_blob(journal, run.run_id, PW_KEY_RUN, &bytes);
            if (pw_run_read(bytes, size, &whole)) {
                run = whole;
            }
            free(bytes);
            err = list_add(list, &run);
        }
    }
    if (dir) {
        closedir(dir);
    }
    return err;
}

static int compare_runs(const void *a, const void *b)
{
    uint64_t left = ((const struct pw_journal_run *)a)->run_id,
             right = ((const struct pw_journal_run *)b)->run_id;
    return (left > right) - (left < right);
}

static int list_runs(const struct pw_journal *journal, struct run_list *list)
{
    int table_err = list_from_table(journal, list);
    int err = list_from_segments(journal, list);
    if (!err && list->cnt == 0 && table_err && table_err != -ENOENT) {
        err = table_err;
    }
    if (list->cnt > 0) {
        qsort(list->rows, list->cnt, sizeof *list->rows, compare_runs);
    }
    return err;
}

int64_t pw_journal_runs(struct pw_journal *journal, struct pw_journal_run *rows, size_t cap)
{
    struct run_list list = {0};
    int64_t cnt = list_runs(journal, &list);
    if (cnt == 0) {
        cnt = (int64_t)list.cnt;
        if (list.cnt > 0 && cap > 0) {
            memcpy(rows, list.rows, (list.cnt < cap ? list.cnt : cap) * sizeof *rows);
        }
    }
    free(list.rows);
    return cnt;
}

int pw_journal_run(struct pw_journal *journal, uint64_t run_id, struct pw_journal_run *row)
{
    struct run_list list = {0};
    int err = list_runs(journal, &list);
    bool found = false;
    for (size_t i = 0; !err && i < list.cnt; i++) {
        if (run_id == 0 || list.rows[i].run_id == run_id) {
            *row = list.rows[i];
            found = true;
        }
    }
    free(list.rows);
    return err ? err : found ? 0 : -ENOENT;
}

/* As workspaces of ABI 1 had it, and journals of their time have it. */
struct instrument_1 {
    char symbol[24], base[12], quote[12];
    uint32_t feed_idx;
    uint8_t tradable, min_notional_market, max_notional_market, reserved;
    int64_t filters[11]; /* tick_e8 and those behind it */
};

static_assert(sizeof(struct instrument_1) == 144 &&
                  offsetof(struct pw_instrument, multiplier_e8) - offsetof(struct pw_instrument, tick_e8) ==
                      sizeof(((struct instrument_1 *)0)->filters),
              "the filters are the same");

static void convert_1(const uint8_t *bytes, struct pw_instrument *row)
{
    struct instrument_1 old;
    memcpy(&old, bytes, sizeof old);
    *row = (struct pw_instrument){.feed_idx = old.feed_idx,
                                  .tradable = old.tradable,
                                  .min_notional_market = old.min_notional_market,
                                  .max_notional_market = old.max_notional_market,
                                  .multiplier_e8 = PW_E8};
    memcpy(row->symbol, old.symbol, sizeof old.symbol);
    memcpy(row->base, old.base, sizeof old.base);
    memcpy(row->quote, old.quote, sizeof old.quote);
    memcpy((char *)row + offsetof(struct pw_instrument, tick_e8), old.filters, sizeof old.filters);
}

/* The same of ABI 2. */
struct instrument_2 {
    char symbol[24], feed[24], base[16], quote[16];
    uint32_t feed_idx;
    uint8_t flags[4];    /* tradable and those behind it */
    int64_t filters[12]; /* tick_e8 and those behind it */
    uint64_t reserved;
};

static_assert(sizeof(struct instrument_2) == 192 &&
                  offsetof(struct pw_instrument, tick_e8) - offsetof(struct pw_instrument, tradable) ==
                      sizeof(((struct instrument_2 *)0)->flags) &&
                  offsetof(struct pw_instrument, unit_shift) - offsetof(struct pw_instrument, tick_e8) ==
                      sizeof(((struct instrument_2 *)0)->filters),
              "flags and filters are the same");

static void convert_2(const uint8_t *bytes, struct pw_instrument *row)
{
    struct instrument_2 old;
    memcpy(&old, bytes, sizeof old);
    *row = (struct pw_instrument){.feed_idx = old.feed_idx};
    memcpy(row->symbol, old.symbol, sizeof old.symbol);
    memcpy(row->feed, old.feed, sizeof old.feed);
    memcpy(row->base, old.base, sizeof old.base);
    memcpy(row->quote, old.quote, sizeof old.quote);
    memcpy((char *)row + offsetof(struct pw_instrument, tradable), old.flags, sizeof old.flags);
    memcpy((char *)row + offsetof(struct pw_instrument, tick_e8), old.filters, sizeof old.filters);
}

static void copy_3(const uint8_t *bytes, struct pw_instrument *row)
{
    memcpy(row, bytes, sizeof *row);
    row->symbol[sizeof row->symbol - 1] = row->feed[sizeof row->feed - 1] = '\0';
    row->base[sizeof row->base - 1] = row->quote[sizeof row->quote - 1] = '\0';
    if (row->unit_shift < -PW_UNIT_SHIFT_MAX || row->unit_shift > PW_UNIT_SHIFT_MAX) {
        row->unit_shift = 0; /* no engine writes another */
    }
}

/* Known by their size: which of these the run's instruments are. */
static const struct {
    size_t row_bytes;
    void (*read)(const uint8_t *bytes, struct pw_instrument *row);
} instrument_forms[] = {{sizeof(struct instrument_1), convert_1},
                        {sizeof(struct instrument_2), convert_2},
                        {sizeof(struct pw_instrument), copy_3}};
#define INSTRUMENT_FORMS (sizeof instrument_forms / sizeof instrument_forms[0])

int64_t pw_journal_instruments(struct pw_journal *journal, uint64_t run_id, struct pw_instrument *rows,
                               size_t cap)
{
    uint8_t *bytes = NULL;
    struct pw_journal_run run;
    int err = pw_journal_run(journal, run_id, &run);
    int64_t size = err ? err : pw_journal_blob(journal, run_id, PW_KEY_INSTRUMENTS, &bytes);
    if (size >= 0) {
        size_t form = 0, cnt = run.instrument_cnt;
        while (form < INSTRUMENT_FORMS && (uint64_t)size != cnt * instrument_forms[form].row_bytes) {
            form++;
        }
        for (size_t i = 0; form < INSTRUMENT_FORMS && i < cnt && i < cap; i++) {
            instrument_forms[form].read(bytes + i * instrument_forms[form].row_bytes, &rows[i]);
        }
        size = form < INSTRUMENT_FORMS ? (int64_t)cnt : -EBADMSG;
    }
    free(bytes);
    return size;
}

int64_t pw_journal_config(struct pw_journal *journal, uint64_t run_id, char *text, size_t text_bytes)
{
    uint8_t *bytes = NULL;
    int64_t size = pw_journal_blob(journal, run_id, PW_KEY_CONFIG, &bytes);
    if (size >= 0 && text_bytes > 0) {
        size_t copied = (size_t)size < text_bytes - 1 ? (size_t)size : text_bytes - 1;
        memcpy(text, bytes, copied);
        text[copied] = 0;
    }
    free(bytes);
    return size;
}

/* ---- the cursor: finding blocks ---- */

int pw_journal_select(struct pw_journal *journal, const struct pw_journal_query *query,
                      struct pw_journal_cursor **cursor)
{
    struct pw_journal_run run;
    int err = pw_journal_run(journal, query->run_id, &run);
    if (err) {
        return err;
    }
    struct pw_journal_cursor *made = calloc(1, sizeof *made);
    if (made) {
        made->journal = journal;
        made->query = *query;
        made->query.run_id = run.run_id;
        made->part = query->frames ? PW_KEY_FRAMES : PW_KEY_EVENTS;
        made->decoder = pw_decoder_new();
    }
    if (!made || !made->decoder) {
        pw_journal_cursor_free(made);
        return -ENOMEM;
    }
    *cursor = made;
    return 0;
}

void pw_journal_cursor_free(struct pw_journal_cursor *cursor)
{
    if (cursor) {
        pw_journal_file_close(&cursor->file);
        pw_decoder_free(cursor->decoder);
        free(cursor->block);
        free(cursor);
    }
}

void pw_journal_cursor_usage(const struct pw_journal_cursor *cursor, struct pw_journal_usage *usage)
{
    *usage = cursor->usage;
}

static void note_damage(struct pw_journal_cursor *cursor, uint64_t block_no, uint64_t blocks, const char *why)
{
    if (!cursor->damaged) {
        snprintf(cursor->why, sizeof cursor->why, "%s", why);
        cursor->damage = (struct pw_journal_record){.market_seq = cursor->market_seq,
                                                    .block_no = block_no,
                                                    .segment_no = cursor->segment_no,
                                                    .why = cursor->why};
        cursor->damaged = true;
        cursor->damage_ends = false;
    }
    cursor->damage.lost_blocks += blocks;
}

/* What a search in a segment finds. */
enum found { FOUND_NOTHING, FOUND_BLOCK, FOUND_ERROR };

/* The block at the database's cursor: true if it is one of ours. */
static bool is_ours(const struct pw_journal_cursor *cursor, const MDB_val *key, uint64_t *block_no)
{
    enum pw_key_part part;
    uint64_t run_id;
    return pw_key_read(key->mv_data, key->mv_size, &part, &run_id, block_no) && part == cursor->part &&
           run_id == cursor->query.run_id;
}

/* How many events a stored block says it has, without judging it. */
static uint32_t claimed_event_cnt(const MDB_val *value)
{
    struct pw_block_header header = {0};
    memcpy(&header, value->mv_data, value->mv_size < sizeof header ? value->mv_size : sizeof header);
    return header.event_cnt;
}

static int copy_block(struct pw_journal_cursor *cursor, const MDB_val *value)
{
    if (value->mv_size > cursor->block_room) {
        uint8_t *block = realloc(cursor->block, value->mv_size);
        if (!block) {
            return -ENOMEM;
        }
        cursor->block = block;
        cursor->block_room = value->mv_size;
    }
    pw_assert(value->mv_size <= cursor->block_room);
    memcpy(cursor->block, value->mv_data, value->mv_size);
    cursor->block_bytes = value->mv_size;
    return 0;
}

/* Looks for the next block, or a longer version of the last one, and copies it out. */
static enum found search(struct pw_journal_cursor *cursor, MDB_txn *txn, uint64_t *block_no, int *err)
{
    MDB_cursor *at;
    MDB_val key, value;
    uint8_t from[PW_KEY_BYTES];
    *err = pw_lmdb_error(mdb_cursor_open(txn, cursor->file.dbi, &at));
    if (*err) {
        return FOUND_ERROR;
    }
    pw_key_make(from, cursor->part, cursor->query.run_id, cursor->began ? cursor->block_no : 0);
    key = (MDB_val){.mv_size = sizeof from, .mv_data = from};
    *err = pw_lmdb_error(mdb_cursor_get(at, &key, &value, MDB_SET_RANGE));
    if (!*err && cursor->began && is_ours(cursor, &key, block_no) && *block_no == cursor->block_no &&
        (cursor->bad || claimed_event_cnt(&value) <= cursor->done_cnt)) {
        *err = pw_lmdb_error(mdb_cursor_get(at, &key, &value, MDB_NEXT));
    }
    bool found = !*err && is_ours(cursor, &key, block_no);
    if (found) {
        /* Keys that go back: LMDB would lead us in a circle. */
        *err = cursor->began && *block_no < cursor->block_no ? -EBADMSG : copy_block(cursor, &value);
    }
    mdb_cursor_close(at);
    if (*err && *err != -ENOENT) {
        return FOUND_ERROR;
    }
    *err = 0;
    return found ? FOUND_BLOCK : FOUND_NOTHING;
}

/* Goes on to the next segment that can be opened, from number `from` on. False: there is none yet. */
static bool open_from(struct pw_journal_cursor *cursor, uint32_t from)
{
    int64_t found_no;
    pw_assert(!cursor->file.env || from > cursor->segment_no);
    while ((found_no = pw_journal_segment_next(cursor->journal, cursor->query.run_id, from)) >= 0) {
        struct pw_journal_file file;
        uint32_t next_no = (uint32_t)found_no;
        int err = pw_journal_segment_open(cursor->journal, cursor->query.run_id, next_no, &file);
        if (err == -ENOENT) {
            return false; /* its engine has just made it */
        }
        if (err && pw_journal_segment_is_unfinished(cursor->journal, cursor->query.run_id, next_no)) {
            return false; /* its engine was killed as it made it */
        }
        pw_journal_file_close(&cursor->file);
        cursor->file = file;
        cursor->segment_no = next_no;
        cursor->bad = false;
        if (err == 0) {
            return true;
        }
        char why[96];
        snprintf(why, sizeof why, "segment %" PRIu32 " cannot be opened: %s", next_no,
                 pw_journal_file_error(err));
        note_damage(cursor, cursor->began ? cursor->block_no + 1 : 0, 0, why);
        cursor->segment_no = from = next_no + 1;
    }
    return false;
}

/* One look into the open segment, in a transaction of its own. */
static enum found look(struct pw_journal_cursor *cursor, uint64_t *block_no, int *err)
{
    MDB_txn *txn;
    pw_assert(cursor->file.env);
    *err = pw_lmdb_error(mdb_txn_begin(cursor->file.env, NULL, MDB_RDONLY, &txn));
    if (*err) {
        return FOUND_ERROR;
    }
    enum found found = search(cursor, txn, block_no, err);
    mdb_txn_abort(txn);
    return found;
}

/* The next block's bytes into cursor->block. 1, 0: none now, or -ENOMEM. */
static int fetch(struct pw_journal_cursor *cursor, uint64_t *block_no)
{
    for (;;) {
        if (!cursor->file.env && !open_from(cursor, cursor->segment_no)) {
            return 0;
        }
        int err;
        enum found found = look(cursor, block_no, &err);
        if (found == FOUND_BLOCK || err == -ENOMEM) {
            return err ? err : 1;
        }
        if (found == FOUND_ERROR) {
            char why[96];
            snprintf(why, sizeof why, "segment %" PRIu32 " cannot be read further: %s", cursor->segment_no,
                     strerror(-err));
            note_damage(cursor, cursor->began ? cursor->block_no + 1 : 0, 0, why);
            pw_journal_file_close(&cursor->file);
            cursor->segment_no++;
        } else if (!open_from(cursor, cursor->segment_no + 1)) {
            return 0;
        }
    }
}

/* ---- the cursor: events ---- */

static bool block_concerns(const struct pw_journal_cursor *cursor, const struct pw_block_header *header)
{
    const struct pw_journal_query *query = &cursor->query;
    if (header->most_recv_ns < query->from_ns || (query->to_ns && header->least_recv_ns >= query->to_ns)) {
        return false;
    }
    bool wanted = query->kinds == 0;
    for (uint32_t i = 0; i < header->count_cnt && !wanted; i++) {
        struct pw_block_count count;
        memcpy(&count, cursor->block + sizeof *header + header->record_bytes + i * sizeof count,
               sizeof count);
        wanted = count.kind < 64 && query->kinds >> count.kind & 1;
    }
    return wanted;
}

static bool event_concerns(const struct pw_journal_cursor *cursor, const struct pw_event *event)
{
    const struct pw_journal_query *query = &cursor->query;
    return event->recv_ns >= query->from_ns && (query->to_ns == 0 || event->recv_ns < query->to_ns) &&
           (query->kinds == 0 || (event->kind < 64 && query->kinds >> event->kind & 1)) &&
           (!query->one_instrument || event->instrument_idx == query->instrument_idx);
}

/* A good block: what was lost before it is known now, or was not lost if this is another version of the bad
 * one. */
static void end_damage(struct pw_journal_cursor *cursor, const struct pw_block_header *header)
{
    if (cursor->damaged && !cursor->damage_ends) {
        cursor->damaged = cursor->damage.lost_blocks != 1 || cursor->damage.block_no != header->block_no;
        cursor->damage_ends = cursor->damaged;
        cursor->damage.lost_to_seq = header->first_market_seq;
    }
    cursor->market_seq = header->end_market_seq;
}

static void start_decoding(struct pw_journal_cursor *cursor, uint32_t passed_cnt)
{
    struct pw_event event;
    cursor->decoding = pw_decoder_begin(cursor->decoder, cursor->block, cursor->block_bytes, true) == 0;
    for (cursor->event_idx = 0; cursor->decoding && cursor->event_idx < passed_cnt; cursor->event_idx++) {
        cursor->decoding = pw_decoder_next(cursor->decoder, &event) == 1;
    }
}

/* Takes the fetched block into use. */
static void use_block(struct pw_journal_cursor *cursor, uint64_t block_no)
{
    const char *why;
    pw_assert(!cursor->decoding && (!cursor->began || block_no >= cursor->block_no));
    bool again = cursor->began && block_no == cursor->block_no;
    uint64_t expected = cursor->began ? cursor->block_no + !again : 0;
    /* A run's first segments may have been removed on purpose. */
    if (block_no != expected && (cursor->began || cursor->segment_no == 0)) {
        note_damage(cursor, expected, block_no - expected, "blocks are missing");
    }
    if (!again) {
        cursor->done_cnt = 0;
        cursor->done_stored_bytes = cursor->done_plain_bytes = 0;
        cursor->usage.block_cnt++;
    }
    cursor->began = true;
    cursor->block_no = block_no;
    cursor->bad = pw_block_check(cursor->block, cursor->block_bytes, &why) != 0;
    struct pw_block_header header = {0};
    if (!cursor->bad) {
        memcpy(&header, cursor->block, sizeof header);
        cursor->bad = header.block_no != block_no || header.run_id != cursor->query.run_id ||
                      header.type != cursor->part;
        why = "its number is wrong";
    }
    if (cursor->bad) {
        note_damage(cursor, block_no, 1, why);
        return;
    }
    end_damage(cursor, &header);
    if (block_concerns(cursor, &header)) {
        start_decoding(cursor, cursor->done_cnt);
    }
    cursor->usage.event_cnt += header.event_cnt - cursor->done_cnt;
    cursor->usage.stored_bytes += header.bytes - cursor->done_stored_bytes;
    cursor->usage.plain_bytes += header.plain_bytes - cursor->done_plain_bytes;
    cursor->done_cnt = header.event_cnt;
    cursor->done_stored_bytes = header.bytes;
    cursor->done_plain_bytes = header.plain_bytes;
}

static enum pw_journal_item report_damage(struct pw_journal_cursor *cursor, struct pw_journal_record *record)
{
    pw_assert(cursor->damaged);
    *record = cursor->damage;
    cursor->damaged = false;
    cursor->usage.damage_cnt++;
    return PW_JOURNAL_DAMAGE;
}

static bool next_event(struct pw_journal_cursor *cursor, struct pw_journal_record *record)
{
    struct pw_event event;
    int got;
    while ((got = pw_decoder_next(cursor->decoder, &event)) == 1) {
        cursor->event_idx++;
        pw_assert(cursor->event_idx <= cursor->done_cnt);
        if (!event_concerns(cursor, &event)) {
            continue;
        }
        const uint8_t *frame = pw_decoder_frame(cursor->decoder);
        *record = (struct pw_journal_record){
            .event = event,
            .market_seq = pw_decoder_market_seq(cursor->decoder),
            .block_no = cursor->block_no,
            .segment_no = cursor->segment_no,
            .event_idx = cursor->event_idx - 1,
            .frame = frame,
            .frame_bytes = frame ? event.body.frame.payload_bytes : 0,
        };
        return true;
    }
    cursor->decoding = false;
    if (got < 0) {
        note_damage(cursor, cursor->block_no, 1, "its records cannot be decoded");
    }
    return false;
}

int pw_journal_next(struct pw_journal_cursor *cursor, struct pw_journal_record *record)
{
    for (;;) {
        if (cursor->damaged && cursor->damage_ends) {
            return report_damage(cursor, record);
        }
        if (cursor->decoding && next_event(cursor, record)) {
            return PW_JOURNAL_EVENT;
        }
        uint64_t block_no;
        int got = fetch(cursor, &block_no);
        if (got < 0) {
            return got;
        }
        if (got == 0) {
            return cursor->damaged ? report_damage(cursor, record) : PW_JOURNAL_END;
        }
        use_block(cursor, block_no);
    }
}
