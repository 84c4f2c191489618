/* SPDX-License-Identifier: MIT
 *
 * Recorded market data as events, for tests: read by zlib and jansson, so that nothing of the engine's own
 * decoding can hide a mistake. Also the expected facts beside them.
 */
#ifndef PW_TESTS_CAPTURE_H
#define PW_TESTS_CAPTURE_H

#include "shared.h"

#include <jansson.h>
#include <pinwheel/event.h>
#include <stdbool.h>
#include <stddef.h>

struct capture {
    struct pw_event *events; /* numbered from 0, of instrument 0 */
    uint32_t *lines;         /* the line that each came from, counted from 0 through all files */
    size_t cnt, room;
    uint32_t line_cnt;
    /* Set before the first file is added: updates wait for a book's snapshot (at most until their file's
     * end), and those that it contains are marked stale, as the engine has them. */
    bool synchronized;
    json_t *waiting; /* [line number, time, message] each */
    bool synced;
    uint64_t snapshot_id;
};

/* Adds the messages of <shared>/data/<name>; false if it cannot be read. Everything but a book's snapshot
 * becomes an event as the parser would make it; a snapshot becomes a DEPTH and LEVELS with PW_FLAG_SNAPSHOT,
 * where it stands. */
bool capture_add(struct capture *capture, const char *name);
void capture_free(struct capture *capture);

#endif
