/* SPDX-License-Identifier: MIT
 *
 * The journal's share of the market, as the stage that numbers market events gives it: parse, or, where there
 * are several, strategy.
 *
 * The journal's ring drops unless the config says that it stalls: from the beginning of a message that does
 * not fit to the beginning of one that does, with a GAP record of the numbers lost, which only the journal
 * sees. For the hot path, so all of it is inline.
 */
#ifndef PW_MARKET_JOURNAL_H
#define PW_MARKET_JOURNAL_H

#include <pinwheel/event.h>
#include <pinwheel/metrics.h>
#include <pinwheel/ring.h>
#include <stdbool.h>
#include <stdint.h>

struct pw_market_journal {
    struct pw_producer ring;
    bool present, stalls;
    bool inside;         /* the last event put or dropped has another of the same message behind it */
    uint64_t first_lost; /* number of the first event dropped since the last record of a gap */
    uint64_t lost_cnt;   /* 0: nothing to book */
};

/* Has this event another one of the same message behind it? */
static inline bool pw_market_has_more(const struct pw_event *event)
{
    bool depth = event->kind == PW_EVENT_DEPTH || event->kind == PW_EVENT_LEVELS;
    bool first_of_pair =
        event->kind == PW_EVENT_CANDLE || event->kind == PW_EVENT_RULES || event->kind == PW_EVENT_RULES_LOT;
    return first_of_pair || (depth && (event->flags & PW_FLAG_LAST) == 0);
}

/* Events of the message that begins here; half of the ring at most, else a large one would never go in. */
static inline uint64_t pw_market_message_events(const struct pw_market_journal *journal,
                                                const struct pw_event *event)
{
    uint64_t cnt = event->kind == PW_EVENT_CANDLE ? 2 : event->kind == PW_EVENT_RULES ? 3 : 1;
    if (event->kind == PW_EVENT_DEPTH) {
        cnt += ((uint64_t)event->body.depth.bid_cnt + 1) / 2 + ((uint64_t)event->body.depth.ask_cnt + 1) / 2;
    }
    uint64_t most = (journal->ring.mask + 1) / 2;
    return cnt < most ? cnt : most;
}

/* Books what was dropped, if something was. Its seq is that of the first event lost; those behind it follow
 * on. */
static inline void pw_market_journal_book_lost(struct pw_market_journal *journal, int64_t recv_ns)
{
    if (journal->lost_cnt == 0) {
        return;
    }
    struct pw_event event = {.seq = (uint32_t)journal->first_lost,
                             .instrument_idx = PW_NO_INSTRUMENT,
                             .kind = PW_EVENT_GAP,
                             .recv_ns = recv_ns};
    event.body.gap = (struct pw_gap){.first = journal->first_lost,
                                     .last = journal->first_lost + journal->lost_cnt - 1,
                                     .lost_cnt = journal->lost_cnt,
                                     .reason = PW_REASON_JOURNAL_FULL};
    pw_producer_put(&journal->ring, &event);
    journal->lost_cnt = 0;
}

/* Is there room for the event? At a message's beginning, is there room for all of it and for the record of a
 * gap? */
static inline bool pw_market_journal_has_room(struct pw_market_journal *journal, const struct pw_event *event)
{
    if (journal->inside) {
        return journal->lost_cnt == 0 && pw_producer_room(&journal->ring, 1) >= 1;
    }
    uint64_t need = pw_market_message_events(journal, event) + 1;
    return pw_producer_room(&journal->ring, need) >= need;
}

/* Puts the event, or counts it as lost; false: lost. */
static inline bool pw_market_journal_put(struct pw_market_journal *journal, const struct pw_event *event,
                                         uint64_t market_seq)
{
    bool has_room = pw_market_journal_has_room(journal, event);
    if (has_room) {
        pw_market_journal_book_lost(journal, event->recv_ns);
        pw_producer_put(&journal->ring, event);
    } else {
        journal->first_lost = journal->lost_cnt == 0 ? market_seq : journal->first_lost;
        journal->lost_cnt++;
        pw_count(&journal->ring.ring->dropped_cnt, 1);
    }
    journal->inside = pw_market_has_more(event);
    return has_room;
}

/* When the market is quiet, the gap does not wait for the next event. */
static inline void pw_market_journal_quiet(struct pw_market_journal *journal, int64_t now_ns)
{
    if (journal->lost_cnt > 0 && !journal->inside && pw_producer_room(&journal->ring, 1) >= 1) {
        pw_market_journal_book_lost(journal, now_ns);
        pw_producer_publish(&journal->ring);
    }
}

#endif
