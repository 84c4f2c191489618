/* SPDX-License-Identifier: MIT
 *
 * LMDB's files, as versions 0.9 write them, walked page by page. Layout and rules are those of LMDB's mdb.c:
 * struct MDB_page, MDB_meta, MDB_db, MDB_node.
 */
#include "lmdb_check.h"
#include "pw_assert.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <lmdb.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static_assert(MDB_VERSION_MAJOR == 0 && MDB_VERSION_MINOR == 9, "the layout below is that of LMDB 0.9");

#define META_MAGIC   0xBEEFC0DEu
#define META_VERSION 1u
#define META_CNT     2u
#define NO_PAGE      UINT64_MAX
#define DEPTH_MAX    32u /* LMDB's CURSOR_STACK */

#define PAGE_BYTES_MIN 512u
#define PAGE_BYTES_MAX 32768u

enum page_flag { PAGE_BRANCH = 1, PAGE_LEAF = 2, PAGE_OVERFLOW = 4, PAGE_META = 8 };
enum node_flag { NODE_BIG = 1 };
/* The flags of the file stand there, too. */
#define FREE_TABLE_FLAGS (MDB_INTEGERKEY | MDB_NOSUBDIR)
/* Pages at its end that were freed before they were written need not be there: those of one commit. */
#define UNWRITTEN_PAGES_MAX (UINT64_C(1) << 20)

struct page_header {
    uint64_t page_no;
    uint16_t pad, flags;
    union {
        struct {
            uint16_t lower, upper; /* of the free room in the middle */
        };
        uint32_t page_cnt; /* of an overflow */
    };
};

struct table {
    uint32_t pad;
    uint16_t flags, depth;
    uint64_t branch_cnt, leaf_cnt, overflow_cnt, entry_cnt;
    uint64_t root_no;
};

struct meta {
    uint32_t magic, version;
    uint64_t address, map_bytes;
    struct table tables[2]; /* free pages, ours */
    uint64_t last_page_no, txn_id;
};

struct node {
    uint16_t low, high, flags, key_bytes;
};

static_assert(sizeof(struct page_header) == 16 && sizeof(struct table) == 48 && sizeof(struct meta) == 136 &&
                  sizeof(struct node) == 8,
              "LMDB's own, no padding");

/* A file under judgement. */
struct check {
    int fd;
    uint32_t page_bytes;
    struct meta meta;
    uint8_t *seen; /* a bit a page: it has its use */
    char *why;
    /* Of the table being walked. */
    bool is_free_table;
    struct table counted;
    uint8_t key[512]; /* the last one, in order */
    size_t key_bytes;
    bool has_key;
    bool may_equal; /* a branch gave it: the next may be the same */
};

static int damaged(struct check *check, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int damaged(struct check *check, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(check->why, PW_LMDB_WHY_BYTES, format, args);
    va_end(args);
    return -EBADMSG;
}

/* ---- pages ---- */

static int read_at(struct check *check, uint64_t page_no, void *to, size_t bytes)
{
    uint64_t at = page_no * check->page_bytes;
    ssize_t got = pread(check->fd, to, bytes, (off_t)at);
    if (got < 0) {
        return -errno;
    }
    return (size_t)got == bytes ? 0 : damaged(check, "it ends before its page %" PRIu64, page_no);
}

/* Takes pages into use: each has one. */
static int take_pages(struct check *check, uint64_t page_no, uint64_t cnt)
{
    if (page_no < META_CNT || page_no > check->meta.last_page_no ||
        cnt > check->meta.last_page_no - page_no + 1) {
        return damaged(check, "a pointer leads to page %" PRIu64 " of %" PRIu64, page_no,
                       check->meta.last_page_no + 1);
    }
    for (uint64_t i = page_no; i < page_no + cnt; i++) {
        if (check->seen[i / 8] & 1u << i % 8) {
            return damaged(check, "page %" PRIu64 " has two uses", i);
        }
        check->seen[i / 8] |= (uint8_t)(1u << i % 8);
    }
    return 0;
}

/* An overflow: its header, and that its last byte is there. */
static int check_overflow(struct check *check, uint64_t page_no, size_t value_bytes)
{
    struct page_header header;
    uint8_t last;
    uint64_t cnt = (sizeof header + value_bytes + check->page_bytes - 1) / check->page_bytes;
    int err = page_no <= check->meta.last_page_no
                  ? read_at(check, page_no, &header, sizeof header)
                  : damaged(check, "a pointer leads to page %" PRIu64, page_no);
    if (err) {
        return err;
    }
    /* A shorter value may have taken the place of a longer one. */
    if (header.page_no != page_no || header.flags != PAGE_OVERFLOW || header.page_cnt < cnt) {
        return damaged(check, "page %" PRIu64 " does not hold a value of %zu bytes", page_no, value_bytes);
    }
    err = take_pages(check, page_no, header.page_cnt);
    if (err) {
        return err;
    }
    check->counted.overflow_cnt += header.page_cnt;
    off_t end = (off_t)(page_no * check->page_bytes + sizeof header + value_bytes - 1);
    ssize_t got = pread(check->fd, &last, 1, end);
    return got == 1 ? 0 : got < 0 ? -errno : damaged(check, "it ends within page %" PRIu64, page_no);
}

/* ---- entries ---- */

/* Keys go up over the whole table. */
static int check_key(struct check *check, uint64_t page_no, const uint8_t *key, size_t bytes)
{
    int order = -1;
    if (bytes == 0 || bytes > sizeof check->key || (check->is_free_table && bytes != sizeof(uint64_t))) {
        return damaged(check, "page %" PRIu64 " has a key of %zu bytes", page_no, bytes);
    }
    if (check->has_key && check->is_free_table) {
        uint64_t before, now;
        memcpy(&before, check->key, sizeof before);
        memcpy(&now, key, sizeof now);
        order = (before > now) - (before < now);
    } else if (check->has_key) {
        size_t both = bytes < check->key_bytes ? bytes : check->key_bytes;
        order = memcmp(check->key, key, both);
        order = order ? order : (check->key_bytes > bytes) - (check->key_bytes < bytes);
    }
    memcpy(check->key, key, bytes);
    check->key_bytes = bytes;
    check->has_key = true;
    bool is_good = order < 0 || (order == 0 && check->may_equal);
    check->may_equal = false;
    return is_good ? 0 : damaged(check, "the keys of page %" PRIu64 " are out of order", page_no);
}

/* Numbers of free pages: how many, and they, largest first. */
static int check_free_list(struct check *check, uint64_t page_no, const uint8_t *value, size_t bytes)
{
    uint64_t cnt, id, before = NO_PAGE;
    memcpy(&cnt, value, bytes >= sizeof cnt ? sizeof cnt : 0);
    if (bytes < sizeof cnt || cnt > bytes / sizeof cnt - 1) {
        return damaged(check, "page %" PRIu64 " holds no valid list of free pages", page_no);
    }
    for (uint64_t i = 1; i <= cnt; i++) {
        memcpy(&id, value + i * sizeof id, sizeof id);
        int err = id < before
                      ? take_pages(check, id, 1)
                      : damaged(check, "the free pages in page %" PRIu64 " are out of order", page_no);
        if (err) {
            return err;
        }
        before = id;
    }
    return 0;
}

static int check_big_value(struct check *check, uint64_t page_no, const uint8_t *at, size_t bytes)
{
    uint64_t first_no;
    memcpy(&first_no, at, sizeof first_no);
    int err = check_overflow(check, first_no, bytes);
    if (err || !check->is_free_table) {
        return err;
    }
    pw_assert(bytes <= (check->meta.last_page_no + 1) * check->page_bytes);
    uint8_t *value = malloc(bytes);
    ssize_t got = value ? pread(check->fd, value, bytes,
                                (off_t)(first_no * check->page_bytes + sizeof(struct page_header)))
                        : -1;
    err = got == (ssize_t)bytes ? check_free_list(check, page_no, value, bytes) : -EIO;
    free(value);
    return err;
}

/* A key with its value; `room` bytes are left in the page. */
static int check_entry(struct check *check, uint64_t page_no, const uint8_t *at, size_t room)
{
    struct node node;
    memcpy(&node, at, sizeof node);
    size_t value_bytes = node.low | (size_t)node.high << 16;
    bool is_big = node.flags & NODE_BIG;
    size_t stored_bytes = is_big ? sizeof(uint64_t) : value_bytes;
    if ((node.flags & ~NODE_BIG) != 0 || sizeof node + node.key_bytes + stored_bytes > room) {
        return damaged(check, "page %" PRIu64 " has an entry that does not fit", page_no);
    }
    const uint8_t *value = at + sizeof node + node.key_bytes;
    int err = check_key(check, page_no, at + sizeof node, node.key_bytes);
    if (err) {
        return err;
    }
    check->counted.entry_cnt++;
    if (is_big) {
        return check_big_value(check, page_no, value, value_bytes);
    }
    return check->is_free_table ? check_free_list(check, page_no, value, value_bytes) : 0;
}

/* ---- tables ---- */

static int walk(struct check *check, uint64_t page_no, uint32_t level);

/* A branch's key is at most the first one below it, and its first key says nothing. */
static int check_child(struct check *check, uint64_t page_no, const uint8_t *at, size_t room, bool is_first,
                       uint32_t level)
{
    struct node node;
    memcpy(&node, at, sizeof node);
    int err = sizeof node + node.key_bytes <= room
                  ? 0
                  : damaged(check, "page %" PRIu64 " has an entry that does not fit", page_no);
    if (!err && !is_first) {
        err = check_key(check, page_no, at + sizeof node, node.key_bytes);
        check->may_equal = true;
    }
    return err ? err
               : walk(check, node.low | (uint64_t)node.high << 16 | (uint64_t)node.flags << 32, level + 1);
}

/* Bytes of an entry in its page. */
static size_t node_bytes(const uint8_t *at, bool is_leaf)
{
    struct node node;
    memcpy(&node, at, sizeof node);
    size_t value_bytes = !is_leaf                ? 0
                         : node.flags & NODE_BIG ? sizeof(uint64_t)
                                                 : node.low | (size_t)node.high << 16;
    return (sizeof node + node.key_bytes + value_bytes + 1) / 2 * 2;
}

/* Entries fill the page from its upper end on, each byte once. */
static int check_room(struct check *check, const struct page_header *header, const uint8_t *page,
                      uint32_t node_cnt)
{
    uint8_t used[PAGE_BYTES_MAX / 2] = {0};
    size_t used_bytes = 0;
    for (uint32_t i = 0; i < node_cnt; i++) {
        uint16_t offset;
        memcpy(&offset, page + sizeof *header + 2 * (size_t)i, sizeof offset);
        bool is_inside =
            offset >= header->upper && offset % 2 == 0 && offset + sizeof(struct node) <= check->page_bytes;
        size_t bytes = is_inside ? node_bytes(page + offset, header->flags == PAGE_LEAF) : 0;
        if (!is_inside || bytes > check->page_bytes - offset) {
            return damaged(check, "page %" PRIu64 " has an entry outside of it", header->page_no);
        }
        for (size_t k = offset / 2; k < (offset + bytes) / 2; k++) {
            used_bytes += 2;
            if (used[k]++) {
                return damaged(check, "entries of page %" PRIu64 " overlap", header->page_no);
            }
        }
    }
    return used_bytes == check->page_bytes - header->upper
               ? 0
               : damaged(check, "the entries of page %" PRIu64 " do not fill it", header->page_no);
}

static int check_nodes(struct check *check, const struct page_header *header, const uint8_t *page,
                       uint32_t level)
{
    uint32_t node_cnt = (header->lower - (uint32_t)sizeof *header) / 2;
    int err = check_room(check, header, page, node_cnt);
    for (uint32_t i = 0; i < node_cnt && !err; i++) {
        uint16_t offset;
        memcpy(&offset, page + sizeof *header + 2 * (size_t)i, sizeof offset);
        size_t room = check->page_bytes - offset;
        err = header->flags == PAGE_LEAF
                  ? check_entry(check, header->page_no, page + offset, room)
                  : check_child(check, header->page_no, page + offset, room, i == 0, level);
    }
    return err;
}

/* A page of a table and all below it. */
static int walk(struct check *check, uint64_t page_no, uint32_t level)
{
    const struct table *table = &check->meta.tables[!check->is_free_table];
    bool is_leaf = level + 1 == table->depth; /* all leaves are on one level */
    int err = take_pages(check, page_no, 1);
    uint8_t *page = err ? NULL : malloc(check->page_bytes);
    if (!page) {
        return err ? err : -ENOMEM;
    }
    err = read_at(check, page_no, page, check->page_bytes);
    if (!err) {
        struct page_header header;
        memcpy(&header, page, sizeof header);
        bool is_good = header.page_no == page_no && header.flags == (is_leaf ? PAGE_LEAF : PAGE_BRANCH) &&
                       header.lower % 2 == 0 && header.lower > sizeof header &&
                       header.lower <= header.upper && header.upper <= check->page_bytes;
        err = is_good
                  ? check_nodes(check, &header, page, level)
                  : damaged(check, "page %" PRIu64 " is not a %s page", page_no, is_leaf ? "leaf" : "branch");
    }
    check->counted.leaf_cnt += is_leaf;
    check->counted.branch_cnt += !is_leaf;
    free(page);
    return err;
}

static int check_table(struct check *check, bool is_free_table)
{
    const struct table *table = &check->meta.tables[!is_free_table];
    check->is_free_table = is_free_table;
    check->has_key = check->may_equal = false;
    check->counted = (struct table){
        .pad = table->pad, .flags = table->flags, .depth = table->depth, .root_no = table->root_no};
    int err = 0;
    if (table->depth > DEPTH_MAX || (table->depth == 0) != (table->root_no == NO_PAGE)) {
        err = damaged(check, "a table of depth %u begins at page %" PRIu64, table->depth, table->root_no);
    } else if (table->root_no != NO_PAGE) {
        err = walk(check, table->root_no, 0);
    }
    if (!err && memcmp(&check->counted, table, sizeof *table) != 0) {
        err = damaged(check, "its meta page does not match its contents");
    }
    return err;
}

/* ---- meta pages ---- */

static int read_meta(struct check *check, uint64_t at, struct meta *meta)
{
    uint8_t bytes[sizeof(struct page_header) + sizeof *meta];
    struct page_header header;
    ssize_t got = pread(check->fd, bytes, sizeof bytes, (off_t)at);
    if (got < 0) {
        return -errno;
    }
    if (got != (ssize_t)sizeof bytes) {
        return damaged(check, "it ends within its meta pages");
    }
    memcpy(&header, bytes, sizeof header);
    memcpy(meta, bytes + sizeof header, sizeof *meta);
    uint32_t page_bytes = meta->tables[0].pad; /* where LMDB keeps it */
    bool is_good = header.flags == PAGE_META && meta->magic == META_MAGIC && meta->version == META_VERSION &&
                   page_bytes >= PAGE_BYTES_MIN && page_bytes <= PAGE_BYTES_MAX &&
                   (page_bytes & (page_bytes - 1)) == 0 && meta->tables[0].flags == FREE_TABLE_FLAGS &&
                   meta->tables[1].flags == 0 && meta->last_page_no >= META_CNT - 1 &&
                   meta->last_page_no < INT64_MAX / PAGE_BYTES_MAX;
    return is_good ? 0 : damaged(check, "it is not an LMDB file, or its meta page %u is damaged", at != 0);
}

/* The newest one, as LMDB chooses it when it opens the file. Later it goes by the number alone: even ones
 * stand in the first page. */
static int choose_meta(struct check *check)
{
    struct meta other;
    int err = read_meta(check, 0, &check->meta);
    check->page_bytes = check->meta.tables[0].pad;
    err = err ? err : read_meta(check, check->page_bytes, &other);
    if (!err && other.tables[0].pad != check->page_bytes) {
        err = damaged(check, "its meta pages have different page sizes");
    }
    bool is_other = !err && other.txn_id > check->meta.txn_id;
    if (is_other) {
        check->meta = other;
    }
    if (!err && ((check->meta.txn_id & 1) != is_other || check->meta.txn_id > INT64_MAX)) {
        err = damaged(check, "its meta page %u is not of transaction %" PRIu64, is_other, check->meta.txn_id);
    }
    return err;
}

static int check_file(struct check *check, off_t file_bytes)
{
    int err = choose_meta(check);
    if (err) {
        return err;
    }
    if (check->meta.last_page_no > (uint64_t)file_bytes / check->page_bytes + UNWRITTEN_PAGES_MAX) {
        return damaged(check, "its meta page claims %" PRIu64 " pages, more than it has",
                       check->meta.last_page_no + 1);
    }
    check->seen = calloc(check->meta.last_page_no / 8 + 1, 1);
    if (!check->seen) {
        return -ENOMEM;
    }
    err = check_table(check, true);
    err = err ? err : check_table(check, false);
    free(check->seen);
    return err;
}

int pw_regular_check(const char *path)
{
    struct stat info;
    if (lstat(path, &info) < 0) {
        return -errno;
    }
    return S_ISREG(info.st_mode) ? 0 : -EMEDIUMTYPE;
}

int pw_lmdb_check(const char *path, char why[PW_LMDB_WHY_BYTES])
{
    struct check check = {.why = why};
    struct stat info;
    int err = pw_regular_check(path);
    if (err) {
        snprintf(why, PW_LMDB_WHY_BYTES, "%s",
                 err == -EMEDIUMTYPE ? "it is not a regular file" : strerror(-err));
        return err;
    }
    check.fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    err = check.fd < 0 || fstat(check.fd, &info) < 0 ? -errno : 0;
    if (!err) {
        err = info.st_size == 0 ? -ENOENT : check_file(&check, info.st_size);
    }
    if (err && err != -EBADMSG) {
        snprintf(why, PW_LMDB_WHY_BYTES, "%s", strerror(-err));
    }
    if (check.fd >= 0) {
        close(check.fd);
    }
    return err;
}
