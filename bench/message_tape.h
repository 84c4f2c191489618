/* SPDX-License-Identifier: MIT
 *
 * Venue messages laid out before a clock runs: made from a fixed seed, or read from a recording.
 */
#ifndef PW_BENCH_MESSAGE_TAPE_H
#define PW_BENCH_MESSAGE_TAPE_H

#include <stdbool.h>
#include <stdint.h>

/* Behind the last message: what a parser may read beyond the end of one. */
#define MESSAGE_TAPE_SLACK_BYTES 64u

struct message_tape {
    char *text;
    uint64_t *offsets; /* message i is text[offsets[i]] to text[offsets[i + 1]] */
    int64_t *recv_ns;
    uint64_t cnt;
    uint64_t text_room, cnt_room; /* allocated */
};

enum message_kind { MESSAGE_QUOTE, MESSAGE_TRADE, MESSAGE_DEPTH, MESSAGE_KINDS };

/* cnt messages in the mix of a busy spot market: 70 % bookTicker, 20 % trade, 10 % depth updates of ten
 * levels. without_depth: bookTicker and trade only. False: no memory.
 * Ids go on without a gap, as a venue's do. */
bool message_tape_make(struct message_tape *tape, uint64_t cnt, bool without_depth);

/* cnt messages of one kind; depth updates of as many levels as a spot market's have: half of them more than
 * 16, one in a hundred more than 391. False: no memory. */
bool message_tape_make_kind(struct message_tape *tape, uint64_t cnt, enum message_kind kind);

/* One depth snapshot of so many levels a side, as REST gives it, which the updates of a made tape follow on.
 * False: no memory. */
bool message_tape_make_snapshot(struct message_tape *tape, uint32_t level_cnt);

/* Reads a recording, plain or gzip, a line a message: "<receive time in ns or us> <JSON>". Messages of the
 * kinds that are set in kinds (1 << enum message_kind), at most cnt_max; all other lines are passed over.
 * snapshot: where the recording's first depth snapshot goes, or NULL. 0, -ENOENT when nothing of these kinds
 * is in it, or -errno. */
int message_tape_load(struct message_tape *tape, const char *path, unsigned kinds, uint64_t cnt_max,
                      struct message_tape *snapshot);

void message_tape_free(struct message_tape *tape);

static inline const char *message_at(const struct message_tape *tape, uint64_t i)
{
    return tape->text + tape->offsets[i];
}

static inline uint64_t message_bytes(const struct message_tape *tape, uint64_t i)
{
    return tape->offsets[i + 1] - tape->offsets[i];
}

#endif
