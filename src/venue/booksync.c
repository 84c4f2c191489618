/* SPDX-License-Identifier: MIT
 *
 * Book synchronisation: one small state machine an instrument, a pool of blocks for what is held, and one
 * piece of output at a time that is pulled out in bounded pieces.
 */
#include "booksync.h"

#include "pw_assert.h"
#include <pinwheel/lines.h>
#include <string.h>

#define BLOCK_EVENTS                                                                                         \
    16u /* a block is 1 KiB: little is lost at the end of a list, and few links are followed */
#define NO_BLOCK UINT32_MAX

/* A queue of events in blocks of the pool. */
struct hold {
    uint32_t first_block, last_block; /* NO_BLOCK: empty */
    uint32_t first_at;                /* events of the first block already taken out */
    uint32_t cnt;
};

enum book_phase {
    BOOK_EMPTY = 0, /* no update has come since the feed was connected */
    BOOK_WAITING,   /* updates are held until a snapshot comes */
    BOOK_SYNCED,
};

struct book {
    enum book_phase phase;
    bool wanted;                          /* a snapshot is to be asked for */
    bool joining;                         /* by PREV_ID: synced, but no update has joined the snapshot yet */
    uint64_t last;                        /* last_update_id of the last update in order, or of the snapshot */
    uint64_t snapshot_id;                 /* of the snapshot in force */
    uint64_t first_held, first_held_prev; /* first_update_id and prev_update_id of the first update held */
    uint64_t next_trade_id, next_agg_id;  /* 0: none has come yet */
    struct hold hold;
};

/* What goes out before anything else, in this order; then, after a disconnect, the same for the next book. */
enum output_phase { OUTPUT_NONE = 0, OUTPUT_BEFORE, OUTPUT_SNAPSHOT, OUTPUT_HELD, OUTPUT_AFTER, OUTPUT_NEXT };

struct output {
    enum output_phase phase;
    uint32_t at; /* in the array of this phase */
    struct pw_event before[2];
    uint32_t before_cnt;
    const struct pw_event *snapshot;
    uint32_t snapshot_cnt;
    struct hold held;
    uint64_t stale_below; /* held updates whose last id is below it are stale */
    bool stale;           /* the update whose events are going out is */
    struct pw_event after;
    uint32_t after_cnt;
    uint32_t next_book; /* disconnect or stop: to be emptied next; else instrument_cnt */
    bool stop;          /* only what is held is of interest */
    int64_t down_ns;
};

struct block {
    struct pw_event events[BLOCK_EVENTS];
};

struct pw_booksync {
    struct pw_booksync_config config;
    struct book *books;
    struct block *blocks;
    uint32_t *next; /* of each block: the one behind it in its list */
    uint32_t free_block, free_cnt, block_cnt;
    uint32_t wanted_cnt;
    bool heard; /* something has come since the feed was last down */
    struct output output;
};

static bool by_prev_id(const struct pw_booksync *sync)
{
    return sync->config.rule == PW_BOOK_PREV_ID;
}

/* ---- memory ---- */

static uint32_t block_cnt_of(const struct pw_booksync_config *config)
{
    return (config->hold_events + BLOCK_EVENTS - 1) / BLOCK_EVENTS;
}

/* Each part begins on a cache line. */
static size_t aligned(size_t bytes)
{
    return pw_round_up_64(bytes);
}

size_t pw_booksync_bytes(const struct pw_booksync_config *config)
{
    size_t block_cnt = block_cnt_of(config);
    return aligned(sizeof(struct pw_booksync)) + aligned(config->instrument_cnt * sizeof(struct book)) +
           aligned(block_cnt * sizeof(uint32_t)) + block_cnt * sizeof(struct block);
}

struct pw_booksync *pw_booksync_init(void *memory, const struct pw_booksync_config *config)
{
    struct pw_booksync *sync = memory;
    char *at = (char *)memory + aligned(sizeof *sync);
    sync->config = *config;
    sync->block_cnt = sync->free_cnt = block_cnt_of(config);
    sync->books = (struct book *)at;
    at += aligned(config->instrument_cnt * sizeof(struct book));
    sync->next = (uint32_t *)at;
    at += aligned(sync->block_cnt * sizeof(uint32_t));
    sync->blocks = (struct block *)at;
    sync->free_block = sync->block_cnt > 0 ? 0 : NO_BLOCK;
    for (uint32_t i = 0; i < sync->block_cnt; i++) {
        sync->next[i] = i + 1 < sync->block_cnt ? i + 1 : NO_BLOCK;
    }
    for (uint32_t i = 0; i < config->instrument_cnt; i++) {
        sync->books[i].hold = (struct hold){NO_BLOCK, NO_BLOCK, 0, 0};
    }
    return sync;
}

/* ---- the pool ---- */

static uint32_t last_block_used(const struct hold *hold)
{
    return hold->cnt == 0 ? BLOCK_EVENTS : (hold->first_at + hold->cnt - 1) % BLOCK_EVENTS + 1;
}

static void add_block(struct pw_booksync *sync, struct hold *hold)
{
    uint32_t block = sync->free_block;
    pw_assert(sync->free_cnt > 0 && block < sync->block_cnt);
    sync->free_block = sync->next[block];
    sync->free_cnt--;
    sync->next[block] = NO_BLOCK;
    if (hold->last_block == NO_BLOCK) {
        hold->first_block = block;
        hold->first_at = 0;
    } else {
        sync->next[hold->last_block] = block;
    }
    hold->last_block = block;
}

/* All of the run, or, when there is no room for it, nothing. */
static bool hold_put(struct pw_booksync *sync, struct hold *hold, const struct pw_event *run, uint32_t cnt)
{
    uint32_t used = last_block_used(hold);
    uint64_t room = BLOCK_EVENTS - used + (uint64_t)sync->free_cnt * BLOCK_EVENTS;
    if (cnt > room) {
        return false;
    }
    while (cnt > 0) {
        if (used == BLOCK_EVENTS) {
            add_block(sync, hold);
            used = 0;
        }
        uint32_t n = BLOCK_EVENTS - used < cnt ? BLOCK_EVENTS - used : cnt;
        memcpy(sync->blocks[hold->last_block].events + used, run, n * sizeof *run);
        hold->cnt += n;
        used += n;
        run += n;
        cnt -= n;
    }
    return true;
}

/* The first event is no longer needed: its block is freed with its last event. */
static void hold_drop(struct pw_booksync *sync, struct hold *hold)
{
    pw_assert(hold->cnt > 0 && hold->first_block < sync->block_cnt);
    hold->cnt--;
    hold->first_at++;
    if (hold->first_at < BLOCK_EVENTS && hold->cnt > 0) {
        return;
    }
    uint32_t block = hold->first_block;
    hold->first_block = sync->next[block];
    hold->first_at = 0;
    if (hold->first_block == NO_BLOCK) {
        hold->last_block = NO_BLOCK;
    }
    sync->next[block] = sync->free_block;
    sync->free_block = block;
    sync->free_cnt++;
    pw_assert(sync->free_cnt <= sync->block_cnt);
}

static struct hold hold_detach(struct hold *hold)
{
    struct hold whole = *hold;
    *hold = (struct hold){NO_BLOCK, NO_BLOCK, 0, 0};
    return whole;
}

/* ---- output ---- */

static struct pw_event event_of(enum pw_event_kind kind, uint16_t instrument_idx, int64_t recv_ns)
{
    return (struct pw_event){.instrument_idx = instrument_idx, .kind = (uint8_t)kind, .recv_ns = recv_ns};
}

static void output_begin(struct pw_booksync *sync)
{
    struct output *output = &sync->output;
    output->phase = OUTPUT_BEFORE;
    output->at = 0;
    output->before_cnt = output->snapshot_cnt = output->after_cnt = 0;
    output->held = (struct hold){NO_BLOCK, NO_BLOCK, 0, 0};
    output->stale_below = UINT64_MAX;
    output->stale = true;
    output->next_book = sync->config.instrument_cnt;
    output->stop = false;
}

/* lost_cnt 0: unknown how many. */
static void output_gap(struct pw_booksync *sync, const struct pw_event *cause, struct pw_gap gap)
{
    struct output *output = &sync->output;
    gap.feed_idx = sync->config.feed_idx;
    struct pw_event *event = &output->before[output->before_cnt++];
    *event = event_of(PW_EVENT_GAP, cause->instrument_idx, cause->recv_ns);
    event->body.gap = gap;
}

static struct pw_event book_state(const struct pw_booksync *sync, uint16_t instrument_idx, int64_t recv_ns,
                                  enum pw_book_state state, enum pw_reason reason)
{
    struct pw_event event = event_of(PW_EVENT_BOOK_STATE, instrument_idx, recv_ns);
    event.body.state = (struct pw_state){.state = state,
                                         .reason = reason,
                                         .feed_idx = sync->config.feed_idx,
                                         .last_update_id = sync->books[instrument_idx].last};
    return event;
}

/* Empties the next book after a disconnect, or when the engine stops. */
static void output_next_book(struct pw_booksync *sync)
{
    struct output *output = &sync->output;
    while (output->next_book < sync->config.instrument_cnt) {
        enum book_phase phase = sync->books[output->next_book].phase;
        if (phase == BOOK_WAITING || (phase == BOOK_SYNCED && !output->stop)) {
            break;
        }
        output->next_book++;
    }
    if (output->next_book == sync->config.instrument_cnt) {
        output->phase = OUTPUT_NONE;
        return;
    }
    uint16_t instrument_idx = (uint16_t)output->next_book++;
    struct book *book = &sync->books[instrument_idx];
    output->phase = OUTPUT_HELD;
    output->held = hold_detach(&book->hold);
    output->after_cnt = book->phase == BOOK_SYNCED;
    output->after = book_state(sync, instrument_idx, output->down_ns, PW_BOOK_UNSYNCED, PW_REASON_DISCONNECT);
    book->phase = BOOK_EMPTY;
    sync->wanted_cnt -= book->wanted;
    book->wanted = false;
}

/* Copies from an array whose first output->at events are out already. */
static uint32_t output_copy(struct output *output, const struct pw_event *from, uint32_t cnt,
                            struct pw_event *out, uint32_t cap)
{
    uint32_t n = cnt - output->at < cap ? cnt - output->at : cap;
    if (n > 0) {
        memcpy(out, from + output->at, n * sizeof *out);
    }
    output->at += n;
    return n;
}

static uint32_t output_held(struct pw_booksync *sync, struct pw_event *out, uint32_t cap)
{
    struct output *output = &sync->output;
    uint32_t n = 0;
    while (n < cap && output->held.cnt > 0) {
        const struct pw_event *event = &sync->blocks[output->held.first_block].events[output->held.first_at];
        if (event->kind == PW_EVENT_DEPTH) {
            output->stale = event->body.depth.last_update_id < output->stale_below;
        }
        out[n] = *event;
        out[n++].flags |= output->stale ? PW_FLAG_STALE : 0;
        hold_drop(sync, &output->held);
    }
    return n;
}

bool pw_booksync_has_output(const struct pw_booksync *sync)
{
    return sync->output.phase != OUTPUT_NONE;
}

uint32_t pw_booksync_pull(struct pw_booksync *sync, struct pw_event *out, uint32_t cap)
{
    struct output *output = &sync->output;
    uint32_t cnt = 0;
    while (output->phase != OUTPUT_NONE && cnt < cap) {
        uint32_t n = 0;
        switch (output->phase) {
        case OUTPUT_BEFORE:
            n = output_copy(output, output->before, output->before_cnt, out + cnt, cap - cnt);
            break;
        case OUTPUT_SNAPSHOT:
            n = output_copy(output, output->snapshot, output->snapshot_cnt, out + cnt, cap - cnt);
            break;
        case OUTPUT_HELD:
            n = output_held(sync, out + cnt, cap - cnt);
            break;
        case OUTPUT_AFTER:
            n = output_copy(output, &output->after, output->after_cnt, out + cnt, cap - cnt);
            break;
        default:
            output_next_book(sync);
            continue;
        }
        cnt += n;
        if (cnt < cap) { /* this phase had no more */
            output->phase++;
            output->at = 0;
        }
    }
    return cnt;
}

/* ---- trades ---- */

static uint64_t trade_id(const struct pw_event *event)
{
    return event->kind == PW_EVENT_TRADE ? event->body.trade.trade_id : event->body.agg_trade.agg_id;
}

/* All trades of a message. One GAP stands before them: from the first id that is missing to the last. */
static void watch_ids(struct pw_booksync *sync, const struct pw_event *run, uint32_t cnt, uint64_t *next_id)
{
    struct pw_gap gap = {.reason = PW_REASON_SEQUENCE};
    for (uint32_t i = 0; i < cnt; i++) {
        uint64_t id = trade_id(&run[i]);
        if (*next_id != 0 && id > *next_id) {
            gap.first = gap.lost_cnt == 0 ? *next_id : gap.first;
            gap.last = id - 1;
            gap.lost_cnt += id - *next_id;
        }
        *next_id = id >= *next_id ? id + 1 : *next_id;
    }
    if (gap.lost_cnt > 0) {
        output_begin(sync);
        output_gap(sync, run, gap);
    }
}

/* ---- updates ---- */

static void mark_stale(struct pw_event *run, uint32_t cnt)
{
    for (uint32_t i = 0; i < cnt; i++) {
        run[i].flags |= PW_FLAG_STALE;
    }
}

static void want(struct pw_booksync *sync, struct book *book)
{
    sync->wanted_cnt += !book->wanted;
    book->wanted = true;
}

/* Holds the run as the first of its book. Where there is no room, it passes as stale, and the next one is the
 * first. */
static bool hold_first(struct pw_booksync *sync, struct book *book, struct pw_event *run, uint32_t cnt)
{
    const struct pw_depth *depth = &run[0].body.depth;
    book->phase = BOOK_WAITING;
    book->last = depth->last_update_id;
    book->first_held = depth->first_update_id;
    book->first_held_prev = by_prev_id(sync) ? depth->prev_update_id : depth->first_update_id - 1;
    if (hold_put(sync, &book->hold, run, cnt)) {
        return false;
    }
    book->first_held = depth->last_update_id + 1;
    book->first_held_prev = depth->last_update_id;
    mark_stale(run, cnt);
    return true;
}

/* Does this update follow directly on what the book has? It may overlap: quantities are absolute. */
static bool follows(const struct pw_booksync *sync, const struct book *book, const struct pw_depth *depth)
{
    if (!by_prev_id(sync)) {
        return depth->first_update_id <= book->last + 1;
    }
    if (book->joining) {
        return depth->first_update_id <= book->last || depth->prev_update_id <= book->last;
    }
    return depth->prev_update_id == book->last;
}

/* Ids are missing: says which, gives up what is held, and begins again with the update that showed it. */
static bool begin_again(struct pw_booksync *sync, struct book *book, struct pw_event *run, uint32_t cnt)
{
    const struct pw_depth *depth = &run[0].body.depth;
    struct pw_gap gap = {.first = book->last + 1, .reason = PW_REASON_SEQUENCE};
    gap.last = by_prev_id(sync) ? depth->prev_update_id : depth->first_update_id - 1;
    if (gap.last < gap.first) {
        gap.first = gap.last = 0;
    }
    /* Futures' ids are not consecutive, so how many are missing cannot be known. */
    gap.lost_cnt = by_prev_id(sync) || gap.last == 0 ? 0 : gap.last - gap.first + 1;
    output_begin(sync);
    output_gap(sync, run, gap);
    if (book->phase == BOOK_SYNCED) {
        sync->output.before[sync->output.before_cnt++] =
            book_state(sync, run->instrument_idx, run->recv_ns, PW_BOOK_UNSYNCED, PW_REASON_SEQUENCE);
        want(sync, book);
    }
    sync->output.held = hold_detach(&book->hold);
    return hold_first(sync, book, run, cnt);
}

/* The pool has no room for one more: what the book held goes out as stale, and this update with it. */
static void give_up_held(struct pw_booksync *sync, struct book *book, struct pw_event *run, uint32_t cnt)
{
    book->first_held = book->last + 1;
    book->first_held_prev = book->last;
    mark_stale(run, cnt);
    if (book->hold.cnt > 0) {
        output_begin(sync);
        sync->output.held = hold_detach(&book->hold);
        sync->output.after =
            book_state(sync, run->instrument_idx, run->recv_ns, PW_BOOK_UNSYNCED, PW_REASON_BUFFER_FULL);
        sync->output.after_cnt = 1;
    }
}

static bool take_waiting(struct pw_booksync *sync, struct book *book, struct pw_event *run, uint32_t cnt)
{
    const struct pw_depth *depth = &run[0].body.depth;
    bool repeated = depth->last_update_id <= book->last;
    if (repeated) {
        mark_stale(run, cnt);
    } else if (!follows(sync, book, depth)) {
        return begin_again(sync, book, run, cnt);
    } else {
        book->last = depth->last_update_id;
    }
    if (hold_put(sync, &book->hold, run, cnt)) {
        return false;
    }
    give_up_held(sync, book, run, cnt);
    return true;
}

static bool take_synced(struct pw_booksync *sync, struct book *book, struct pw_event *run, uint32_t cnt)
{
    const struct pw_depth *depth = &run[0].body.depth;
    /* The update that joins a futures snapshot may end at the snapshot's own id. */
    if (depth->last_update_id < book->last + !book->joining) {
        mark_stale(run, cnt);
        return true;
    }
    if (!follows(sync, book, depth)) {
        return begin_again(sync, book, run, cnt);
    }
    book->joining = false;
    book->last = depth->last_update_id;
    return true;
}

static bool take_depth(struct pw_booksync *sync, struct pw_event *run, uint32_t cnt)
{
    struct book *book = &sync->books[run[0].instrument_idx];
    switch (book->phase) {
    case BOOK_SYNCED:
        return take_synced(sync, book, run, cnt);
    case BOOK_WAITING:
        return take_waiting(sync, book, run, cnt);
    default:
        book->joining = false;
        want(sync, book);
        return hold_first(sync, book, run, cnt);
    }
}

bool pw_booksync_take(struct pw_booksync *sync, struct pw_event *run, uint32_t cnt)
{
    sync->heard = true;
    if (cnt == 0) {
        return true;
    }
    pw_assert(run[0].instrument_idx < sync->config.instrument_cnt);
    struct book *book = &sync->books[run[0].instrument_idx];
    switch (run[0].kind) {
    case PW_EVENT_TRADE:
        watch_ids(sync, run, cnt, &book->next_trade_id);
        return true;
    case PW_EVENT_AGG_TRADE:
        watch_ids(sync, run, cnt, &book->next_agg_id);
        return true;
    case PW_EVENT_DEPTH:
        return take_depth(sync, run, cnt);
    default:
        return true;
    }
}

bool pw_booksync_snapshot(struct pw_booksync *sync, const struct pw_event *run, uint32_t cnt)
{
    pw_assert(cnt > 0 && run[0].instrument_idx < sync->config.instrument_cnt);
    struct book *book = &sync->books[run[0].instrument_idx];
    uint64_t id = run[0].body.depth.last_update_id;
    if (book->phase != BOOK_WAITING) {
        return false;
    }
    bool reaches =
        by_prev_id(sync) ? book->first_held <= id || book->first_held_prev <= id : book->first_held <= id + 1;
    if (!reaches) {
        want(sync, book);
        return false;
    }
    output_begin(sync);
    sync->output.snapshot = run;
    sync->output.snapshot_cnt = cnt;
    sync->output.held = hold_detach(&book->hold);
    sync->output.stale_below = by_prev_id(sync) ? id : id + 1;
    book->phase = BOOK_SYNCED;
    book->snapshot_id = id;
    book->joining = by_prev_id(sync) && (book->last < id || sync->output.held.cnt == 0);
    book->last = book->last > id ? book->last : id;
    sync->output.after =
        book_state(sync, run[0].instrument_idx, run[0].recv_ns, PW_BOOK_SYNCED, PW_REASON_NONE);
    sync->output.after_cnt = 1;
    sync->wanted_cnt -= book->wanted;
    book->wanted = false;
    return true;
}

bool pw_booksync_renew(struct pw_booksync *sync, uint16_t instrument_idx, uint64_t snapshot_id,
                       int64_t recv_ns)
{
    pw_assert(instrument_idx < sync->config.instrument_cnt);
    struct book *book = &sync->books[instrument_idx];
    if (book->phase != BOOK_SYNCED || book->snapshot_id != snapshot_id) {
        return false;
    }
    output_begin(sync);
    sync->output.before[sync->output.before_cnt++] =
        book_state(sync, instrument_idx, recv_ns, PW_BOOK_UNSYNCED, PW_REASON_BOOK_RANGE);
    /* What follows is held; what has gone out must be in the snapshot. */
    book->phase = BOOK_WAITING;
    book->joining = false;
    book->first_held = book->last + 1;
    book->first_held_prev = book->last;
    want(sync, book);
    return true;
}

void pw_booksync_down(struct pw_booksync *sync, int64_t recv_ns)
{
    if (!sync->heard) {
        return;
    }
    sync->heard = false;
    output_begin(sync);
    sync->output.next_book = 0;
    sync->output.down_ns = recv_ns;
    struct pw_event cause = event_of(PW_EVENT_GAP, PW_NO_INSTRUMENT, recv_ns);
    output_gap(sync, &cause, (struct pw_gap){.reason = PW_REASON_DISCONNECT});
}

void pw_booksync_stop(struct pw_booksync *sync)
{
    output_begin(sync);
    sync->output.next_book = 0;
    sync->output.stop = true;
}

uint32_t pw_booksync_wanted_cnt(const struct pw_booksync *sync)
{
    return sync->wanted_cnt;
}

uint16_t pw_booksync_wanted(struct pw_booksync *sync)
{
    for (uint32_t i = 0; sync->wanted_cnt > 0 && i < sync->config.instrument_cnt; i++) {
        if (sync->books[i].wanted) {
            sync->books[i].wanted = false;
            sync->wanted_cnt--;
            return (uint16_t)i;
        }
    }
    return PW_NO_INSTRUMENT;
}

uint32_t pw_booksync_held(const struct pw_booksync *sync)
{
    uint32_t cnt = 0;
    for (uint32_t i = 0; i < sync->config.instrument_cnt; i++) {
        cnt += sync->books[i].hold.cnt;
    }
    return cnt;
}
