/* SPDX-License-Identifier: MIT
 *
 * Book synchronisation: joins a venue's depth updates to a snapshot of the book, by the venue's own rule, for
 * all instruments of one feed. Pure: events in, events out; no sockets, no clock, no allocation after init.
 *
 * An instrument's first update is held, and a snapshot asked for; further updates are held behind it. When
 * the snapshot has come and reaches up to them, out go the snapshot, the held updates (those that the
 * snapshot already contains flagged PW_FLAG_STALE, for the record only), BOOK_STATE synced, and from then on
 * each update as it comes. A snapshot older than the first held update is dropped and another asked for.
 * Where ids jump, a GAP says which are missing, the book is unsynced, and all begins again with the update
 * that showed it. When the connection ends, the feed's books are unsynced and what was held goes out as
 * stale.
 *
 * Every update that comes in goes out exactly once, in its order. Held updates of all instruments share one
 * pool of hold_events events; when it is full, the instrument whose update finds no room gives up what it
 * held (it goes out stale, and so does that update) and begins again.
 *
 * Ids of trades and aggregate trades are watched too, also across reconnects: a GAP stands before the trade
 * that follows a hole.
 *
 * Use: before each message, and until it gives nothing more, pw_booksync_pull; then pw_booksync_take or
 * pw_booksync_snapshot or pw_booksync_down; then pull again; then, if take said so, the message itself.
 *
 * A book whose snapshot has told too little (core/book.h) is made anew in the same way: pw_booksync_renew.
 *
 * The rules are enum pw_book_rule.
 */
#ifndef PW_BOOKSYNC_H
#define PW_BOOKSYNC_H

#include <pinwheel/venue.h>
#include <stdbool.h>
#include <stddef.h>

#define PW_BOOKSYNC_HOLD_EVENTS 65536u /* 4 MiB: 130,000 levels */

struct pw_booksync_config {
    uint32_t feed_idx;
    enum pw_book_rule rule;
    uint32_t instrument_cnt; /* of the engine: indexes are below it */
    uint32_t hold_events;    /* rounded up to whole blocks */
};

struct pw_booksync;

/* Cold: the bytes that it needs, and laying it out in zeroed memory that is aligned to a cache line. */
size_t pw_booksync_bytes(const struct pw_booksync_config *config);
struct pw_booksync *pw_booksync_init(void *memory, const struct pw_booksync_config *config);

/* One message's events, of one instrument, as the decoder made them: TRADEs, AGG_TRADEs, or DEPTH with its
 * LEVELS; all other kinds pass. True: it goes out now, after what is to be pulled (its flags may have been
 * changed). False: it was copied and is held. */
bool pw_booksync_take(struct pw_booksync *sync, struct pw_event *run, uint32_t cnt);

/* A whole snapshot: DEPTH with its LEVELS, all PW_FLAG_SNAPSHOT. It must stay where it is until nothing is
 * left to pull. False: it was of no use, and was dropped (nobody waits for it, or it is too old: then another
 * is asked for). */
bool pw_booksync_snapshot(struct pw_booksync *sync, const struct pw_event *run, uint32_t cnt);

/* The best price nears the end of what the snapshot of that id told, or has left it: the book is unsynced,
 * and another snapshot asked for. False: that snapshot is in force no more. */
bool pw_booksync_renew(struct pw_booksync *sync, uint16_t instrument_idx, uint64_t snapshot_id,
                       int64_t recv_ns);

/* The connection has ended. */
void pw_booksync_down(struct pw_booksync *sync, int64_t recv_ns);

/* The engine stops: what is held goes out as stale, so that the record is complete; no state changes. */
void pw_booksync_stop(struct pw_booksync *sync);

/* Would pw_booksync_pull give something? */
bool pw_booksync_has_output(const struct pw_booksync *sync);

/* Copies out what goes out before anything else, at most cap events; 0: nothing is left. */
uint32_t pw_booksync_pull(struct pw_booksync *sync, struct pw_event *out, uint32_t cap);

/* The next instrument for which a snapshot is to be asked for, or PW_NO_INSTRUMENT; each is given once. */
uint16_t pw_booksync_wanted(struct pw_booksync *sync);
/* For how many. */
uint32_t pw_booksync_wanted_cnt(const struct pw_booksync *sync);

/* How many events are held. */
uint32_t pw_booksync_held(const struct pw_booksync *sync);

#endif
