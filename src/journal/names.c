/* SPDX-License-Identifier: MIT
 *
 * What the journal's writer and its readers agree on besides the blocks: keys, blobs, file names, LMDB's
 * errors.
 */
#include "crc32c.h"
#include "orders.h"
#include "store.h"
#include <errno.h>
#include <inttypes.h>
#include <lmdb.h>
#include <stdio.h>
#include <string.h>

static void put_big_endian(uint8_t *to, uint64_t value)
{
    for (int i = 0; i < 8; i++) {
        to[i] = (uint8_t)(value >> (56 - 8 * i));
    }
}

static uint64_t get_big_endian(const uint8_t *from)
{
    uint64_t value = 0;
    for (int i = 0; i < 8; i++) {
        value = value << 8 | from[i];
    }
    return value;
}

void pw_key_make(uint8_t key[PW_KEY_BYTES], enum pw_key_part part, uint64_t run_id, uint64_t number)
{
    key[0] = (uint8_t)part;
    put_big_endian(key + 1, run_id);
    put_big_endian(key + 9, number);
}

bool pw_key_is_of_table(enum pw_key_part part)
{
    return part == PW_KEY_RUN || part == PW_KEY_SEGMENT;
}

bool pw_key_read(const void *key, size_t bytes, enum pw_key_part *part, uint64_t *run_id, uint64_t *number)
{
    const uint8_t *at = key;
    if (bytes != PW_KEY_BYTES) {
        return false;
    }
    *part = at[0];
    *run_id = get_big_endian(at + 1);
    *number = get_big_endian(at + 9);
    return true;
}

int64_t pw_blob_check(const void *blob, size_t bytes)
{
    uint32_t crc;
    if (bytes < sizeof crc) {
        return -EBADMSG;
    }
    memcpy(&crc, blob, sizeof crc);
    return crc == pw_crc32c(0, (const uint8_t *)blob + sizeof crc, bytes - sizeof crc)
               ? (int64_t)(bytes - sizeof crc)
               : -EBADMSG;
}

bool pw_run_read(const void *bytes, int64_t size, struct pw_journal_run *run)
{
    if (size != sizeof *run && size != offsetof(struct pw_journal_run, stopped_ns)) {
        return false;
    }
    *run = (struct pw_journal_run){0};
    memcpy(run, bytes, (size_t)size);
    run->instance[sizeof run->instance - 1] = run->version[sizeof run->version - 1] = '\0';
    return true;
}

void pw_segment_path(char path[PW_JOURNAL_PATH_BYTES], const char *dir, uint64_t run_id, uint32_t segment_no)
{
    snprintf(path, PW_JOURNAL_PATH_BYTES, "%s/journal-%" PRIu64 "-%" PRIu32 ".mdb", dir, run_id, segment_no);
}

bool pw_segment_read_name(const char *name, uint64_t *run_id, uint32_t *segment_no)
{
    char path[PW_JOURNAL_PATH_BYTES];
    if (sscanf(name, "journal-%" SCNu64 "-%" SCNu32 ".mdb", run_id, segment_no) != 2 || *run_id == 0 ||
        *run_id >= PW_ORDER_RUN_MAX || *segment_no == UINT32_MAX) {
        return false;
    }
    pw_segment_path(path, "", *run_id, *segment_no);
    return strcmp(path + 1, name) == 0;
}

int pw_lmdb_error(int code)
{
    switch (code) {
    case MDB_SUCCESS:
        return 0;
    case MDB_MAP_FULL:
    case MDB_TXN_FULL:
        return -EAGAIN;
    case ENOSPC:
    case EDQUOT:
        return -ENOSPC;
    case MDB_NOTFOUND:
        return -ENOENT;
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH:
    case MDB_BAD_VALSIZE:
        return -EBADMSG;
    default:
        /* EAGAIN has its own meaning at the seam. */
        return code > 0 && code != EAGAIN ? -code : -EIO;
    }
}
