/* SPDX-License-Identifier: MIT
 *
 * The strategy stage alone: what it passes on, when it waits, what it says about time.
 */
#include "codec.h"
#include "flow.h"
#include "market_journal.h"
#include "stage_rig.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>

#define MS INT64_C(1000000)

static struct rig *start(struct rig_options options)
{
    struct rig *rig = rig_open(&options);
    cr_assert_eq(rig_start_strategy(rig), 0);
    return rig;
}

static const struct rig_options crossing = {.fast = "1", .slow = "2", .quantity = "1"};

static void put(struct rig *rig, struct pw_event event)
{
    cr_assert(rig_put_market(rig, &rig->market, event));
}

static void put_report(struct rig *rig, enum pw_order_state state, uint16_t strategy_idx)
{
    cr_assert_geq(pw_producer_room(&rig->reports, 1), 1);
    pw_producer_put(&rig->reports, &(struct pw_event){.kind = PW_EVENT_ORDER,
                                                      .recv_ns = 77,
                                                      .body.order = {.state = (uint8_t)state,
                                                                     .strategy_idx = strategy_idx}});
    pw_producer_publish(&rig->reports);
}

static struct pw_event next(struct rig *rig)
{
    struct pw_event event = {0};
    cr_assert(rig_take(&rig->stream_in, &event), "the stream is empty");
    return event;
}

static void expect_end(struct rig *rig)
{
    struct pw_event event;
    cr_expect_not(rig_take(&rig->stream_in, &event), "kind %u", event.kind);
}

Test(strategy_stage, it_passes_on_what_execution_needs_and_nothing_else)
{
    static const uint8_t kinds[] = {
        PW_EVENT_FEED_STATE, PW_EVENT_QUOTE,       PW_EVENT_DEPTH,      PW_EVENT_LEVELS, PW_EVENT_TRADE,
        PW_EVENT_CANDLE,     PW_EVENT_CANDLE_INFO, PW_EVENT_BOOK_STATE, PW_EVENT_GAP,    PW_EVENT_AGG_TRADE};
    static const uint32_t passed[] = {0, 1, 4, 7, 9};
    struct rig *rig = start((struct rig_options){0});
    for (size_t i = 0; i < sizeof kinds; i++) {
        put(rig, (struct pw_event){.kind = kinds[i], .recv_ns = 2000 + (int64_t)i, .venue_ns = 5});
    }
    cr_expect_eq(rig_poll_strategy(rig).work, sizeof kinds);
    for (size_t i = 0; i < sizeof passed / sizeof passed[0]; i++) {
        struct pw_event event = next(rig);
        cr_expect_eq(event.kind, kinds[passed[i]]);
        cr_expect_eq(event.seq, passed[i]);
        cr_expect_eq(event.recv_ns, 2000 + passed[i]);
        cr_expect_eq(event.venue_ns, 5);
    }
    expect_end(rig);
    rig_close(rig);
}

Test(strategy_stage, decisions_follow_the_event_that_caused_them)
{
    struct rig *rig = start(crossing);
    put(rig, rig_trade(10, 2000));
    put(rig, rig_trade(9, 2001));
    put(rig, rig_trade(11, 2002));
    put(rig, rig_trade(12, 2003));
    rig_poll_strategy(rig);
    for (uint32_t i = 0; i < 3; i++) {
        cr_expect_eq(next(rig).seq, i);
    }
    struct pw_event signal = next(rig), intent = next(rig);
    cr_expect_eq(signal.kind, PW_EVENT_SIGNAL);
    cr_expect_eq(signal.recv_ns, 2002);
    cr_expect_eq(signal.body.signal.market_seq, 2);
    cr_expect_eq(intent.kind, PW_EVENT_INTENT);
    cr_expect_eq(intent.seq, signal.seq + 1);
    cr_expect_eq(intent.recv_ns, 2002);
    cr_expect_eq(intent.body.intent.market_seq, 2);
    cr_expect_eq(next(rig).seq, 3);
    expect_end(rig);
    rig_close(rig);
}

Test(strategy_stage, the_full_number_of_a_market_event_survives_the_wrap_of_its_low_half)
{
    struct rig *rig = start(crossing);
    rig->market_seq = UINT32_MAX - 1;
    put(rig, rig_trade(10, 2000));
    put(rig, rig_trade(9, 2001));
    put(rig, rig_trade(11, 2002)); /* number 2^32 */
    rig_poll_strategy(rig);
    next(rig), next(rig), next(rig);
    cr_expect_eq(next(rig).body.signal.market_seq, UINT64_C(1) << 32);
    put_report(rig, PW_ORDER_DENIED, 0);
    rig_poll_strategy(rig);
    next(rig);
    cr_expect_eq(next(rig).body.consumed.market_seq, (UINT64_C(1) << 32) + 1);
    rig_close(rig);
}

Test(strategy_stage, every_report_is_consumed_with_its_place_in_the_market)
{
    struct rig *rig = start(crossing);
    put_report(rig, PW_ORDER_OPEN, 0);
    rig_poll_strategy(rig);
    put(rig, rig_quote(1, 2, 2000));
    rig_poll_strategy(rig);
    put_report(rig, PW_ORDER_OPEN, 0);
    put_report(rig, PW_ORDER_OPEN, 5); /* of no strategy: consumed all the same */
    put(rig, rig_quote(1, 2, 2000));
    rig_poll_strategy(rig);
    struct pw_event event = next(rig);
    cr_expect_eq(event.kind, PW_EVENT_CONSUMED);
    cr_expect_eq(event.recv_ns, 77);
    cr_expect_eq(event.body.consumed.report_seq, 1);
    cr_expect_eq(event.body.consumed.market_seq, 0);
    cr_expect_eq(next(rig).kind, PW_EVENT_QUOTE);
    for (uint64_t i = 2; i <= 3; i++) {
        event = next(rig);
        cr_expect_eq(event.kind, PW_EVENT_CONSUMED);
        cr_expect_eq(event.body.consumed.report_seq, i);
        cr_expect_eq(event.body.consumed.market_seq, 1);
    }
    cr_expect_eq(next(rig).kind, PW_EVENT_QUOTE);
    expect_end(rig);
    rig_close(rig);
}

/* ---- time ---- */

Test(strategy_stage, time_passes_when_the_market_is_silent)
{
    struct rig *rig = start(crossing);
    put(rig, rig_quote(1, 2, 100 * MS));
    rig_poll_strategy(rig);
    next(rig);
    cr_expect_eq(pw_strategy_stage.next_ns(rig->strategy), 110 * MS);
    rig->now_ns = 110 * MS - 1;
    cr_expect_eq(rig_poll_strategy(rig).work, 0);
    expect_end(rig);
    rig->now_ns = 110 * MS;
    cr_expect_eq(rig_poll_strategy(rig).work, 1);
    struct pw_event event = next(rig);
    cr_expect_eq(event.kind, PW_EVENT_TIME);
    cr_expect_eq(event.recv_ns, 110 * MS);
    cr_expect_eq(event.instrument_idx, PW_NO_INSTRUMENT);
    cr_expect_eq(rig_poll_strategy(rig).work, 0, "once in ten milliseconds");
    rig->now_ns = 500 * MS;
    put(rig, rig_quote(1, 2, 499 * MS));
    rig_poll_strategy(rig);
    cr_expect_eq(next(rig).kind, PW_EVENT_QUOTE, "the market comes first");
    expect_end(rig);
    rig_close(rig);
}

Test(strategy_stage, time_starts_with_the_first_poll)
{
    struct rig *rig = start(crossing);
    rig->now_ns = 5000 * MS;
    cr_expect_eq(rig_poll_strategy(rig).work, 0);
    rig->now_ns = 5010 * MS;
    cr_expect_eq(rig_poll_strategy(rig).work, 1);
    rig_close(rig);
}

/* ---- room ---- */

Test(strategy_stage, without_room_it_takes_nothing_and_counts_a_stall)
{
    struct rig *rig = start(crossing);
    uint32_t took = 0;
    struct pw_poll did = {0};
    for (int i = 0; i < 64; i++) {
        put(rig, rig_quote(1, 2, 2000 + i));
    }
    did = rig_poll_strategy(rig);
    took = did.work;
    cr_expect(did.stalled);
    cr_expect_eq(took, 64 - 8, "room for a quote and eight decisions is asked for before each");
    did = rig_poll_strategy(rig);
    cr_expect(did.stalled);
    cr_expect_eq(did.work, 0);
    pw_strategy_stage.housekeep(rig->strategy, rig->now_ns);
    cr_expect_eq(rig_metric(rig, "strategy", "stalls"), 2);
    cr_expect(pw_strategy_stage.pending(rig->strategy));
    for (uint32_t i = 0; i < took; i++) {
        cr_expect_eq(next(rig).seq, i);
    }
    did = rig_poll_strategy(rig);
    cr_expect_eq(did.work, 8);
    cr_expect_not(did.stalled);
    cr_expect_eq(next(rig).seq, took);
    rig_close(rig);
}

Test(strategy_stage, it_waits_for_answers_when_their_ring_could_not_hold_more)
{
    struct rig_options options = crossing;
    options.stream_slots = 4096;
    options.market_slots = 4096;
    struct rig *rig = start(options);
    uint32_t intents_max = pw_flow_intents_max(64, false);
    put(rig, rig_trade(100, 2000));
    put(rig, rig_trade(99, 2000));
    for (int i = 0; i < 50; i++) {
        put(rig, rig_trade(i % 2 ? 99 : 101, 2001)); /* an intent each */
    }
    cr_expect(rig_poll_strategy(rig).stalled);
    pw_strategy_stage.housekeep(rig->strategy, 0);
    uint64_t intents = rig_metric(rig, "strategy", "intents");
    cr_expect_eq(intents, intents_max - PW_DECISIONS_MAX + 1);
    cr_expect_leq(intents * PW_FLOW_INTENT_EVENTS + pw_flow_open_max(64) * PW_FLOW_OPEN_EVENTS, 64);

    put_report(rig, PW_ORDER_OPEN, 0); /* not a first answer */
    rig_poll_strategy(rig);
    pw_strategy_stage.housekeep(rig->strategy, 0);
    cr_expect_eq(rig_metric(rig, "strategy", "intents"), intents);
    put_report(rig, PW_ORDER_IN_FLIGHT, 0);
    rig_poll_strategy(rig);
    pw_strategy_stage.housekeep(rig->strategy, 0);
    cr_expect_eq(rig_metric(rig, "strategy", "intents"), intents + 1);
    put_report(rig, PW_ORDER_DENIED, 0); /* the other first answer */
    put_report(rig, PW_ORDER_IN_FLIGHT, 0);
    rig_poll_strategy(rig);
    pw_strategy_stage.housekeep(rig->strategy, 0);
    cr_expect_eq(rig_metric(rig, "strategy", "intents"), intents + 3);
    rig_close(rig);
}

/* ---- what it shows ---- */

Test(strategy_stage, it_shows_each_market_that_changed)
{
    struct rig *rig = start(crossing);
    put(rig, rig_feed(PW_FEED_UP, 2000));
    put(rig, (struct pw_event){
                 .kind = PW_EVENT_BOOK_STATE, .recv_ns = 2000, .body.state = {.state = PW_BOOK_SYNCED}});
    put(rig, rig_quote(99, 101, 2001));
    put(rig, rig_trade(100, 2002));
    put(rig, (struct pw_event){.kind = PW_EVENT_DEPTH, .recv_ns = 2003, .body.depth = {.last_update_id = 9}});
    put(rig, (struct pw_event){.kind = PW_EVENT_LEVELS,
                               .flags = PW_FLAG_PAIR,
                               .recv_ns = 2003,
                               .body.levels = {.level = {{98, 5}, {97, 6}}}});
    put(rig, (struct pw_event){.kind = PW_EVENT_LEVELS,
                               .flags = PW_FLAG_SELL | PW_FLAG_LAST,
                               .recv_ns = 2003,
                               .body.levels = {.level = {{102, 7}}}});
    rig_poll_strategy(rig);
    pw_strategy_stage.housekeep(rig->strategy, 2003);
    struct pw_market market = rig_market(rig, 0);
    cr_expect_eq(market.quote.ask_price_e8, 101);
    cr_expect_eq(market.quote_recv_ns, 2001);
    cr_expect_eq(market.last_price_e8, 100);
    cr_expect_eq(market.quote_cnt, 1);
    cr_expect_eq(market.trade_cnt, 1);
    cr_expect_eq(market.depth_cnt, 1);
    cr_expect_eq(market.book_synced, 1);
    cr_expect_eq(market.book_update_id, 9);
    cr_expect_eq(market.bid_level_cnt, 2);
    cr_expect_eq(market.bids[1].price_e8, 97);
    cr_expect_eq(market.asks[0].qty_e8, 7);
    cr_expect_eq(market.asks[1].qty_e8, 0);
    cr_expect_eq(rig_market(rig, 1).quote_cnt, 0);

    put(rig, rig_feed(PW_FEED_STALE, 3000));
    rig_poll_strategy(rig);
    pw_strategy_stage.housekeep(rig->strategy, 3000);
    cr_expect_eq(rig_market(rig, 0).book_synced, 0, "nothing is trusted of a feed that is not up");
    rig_close(rig);
}

Test(strategy_stage, crossed_books_and_lost_levels_are_counted)
{
    struct rig *rig = start((struct rig_options){0});
    put(rig, (struct pw_event){.kind = PW_EVENT_DEPTH, .recv_ns = 2000});
    put(rig,
        (struct pw_event){.kind = PW_EVENT_LEVELS, .recv_ns = 2000, .body.levels = {.level = {{101, 5}}}});
    put(rig, (struct pw_event){.kind = PW_EVENT_LEVELS,
                               .flags = PW_FLAG_SELL | PW_FLAG_LAST,
                               .recv_ns = 2000,
                               .body.levels = {.level = {{100, 5}}}});
    rig_poll_strategy(rig);
    for (int i = 0; i < 102; i++) { /* the rig's books have 100 levels; one is there */
        put(rig, (struct pw_event){
                     .kind = PW_EVENT_LEVELS, .recv_ns = 2000, .body.levels = {.level = {{200 + i, 5}}}});
        rig_poll_strategy(rig);
    }
    pw_strategy_stage.fini(rig->strategy);
    cr_expect_eq(rig_metric(rig, "strategy", "books_crossed"), 1);
    cr_expect_eq(rig_metric(rig, "strategy", "book_overflow"), 3);
    rig_close(rig);
}

/* ---- start ---- */

static void expect_refused(struct rig_options options)
{
    struct rig *rig = rig_open(&options);
    cr_expect_eq(rig_start_strategy(rig), -EINVAL);
    rig_close(rig);
}

/* ---- two parsers ---- */

static const struct rig_options two_lines = {.two_lines = true};

/* An event of the second parser, under its own number. */
static void put_2(struct rig *rig, uint32_t seq, struct pw_event event)
{
    event.instrument_idx = 1;
    event.seq = seq;
    cr_assert_geq(pw_producer_room(&rig->market_2, 1), 1);
    pw_producer_put(&rig->market_2, &event);
    pw_producer_publish(&rig->market_2);
}

static struct pw_event depth(uint8_t kind, uint8_t flags, int64_t recv_ns)
{
    return (struct pw_event){.kind = kind, .flags = flags, .recv_ns = recv_ns};
}

static struct pw_event next_kept(struct rig *rig)
{
    struct pw_event event = {0};
    cr_assert(rig_take(&rig->market_journal, &event), "the journal's ring is empty");
    return event;
}

Test(strategy_stage, what_two_parsers_bring_gets_one_order_by_the_time_of_its_receipt)
{
    static const int64_t wanted_ns[] = {2000, 2001, 2002, 2003, 2004};
    struct rig *rig = start(two_lines);
    put(rig, rig_quote(1, 2, 2001));
    put(rig, rig_quote(1, 2, 2002));
    put(rig, rig_quote(1, 2, 2004));
    put_2(rig, 900, rig_quote(1, 2, 2000)); /* they count for themselves */
    put_2(rig, 901, rig_quote(1, 2, 2003));
    cr_expect_eq(rig_poll_strategy(rig).work, 5);
    for (uint32_t i = 0; i < 5; i++) {
        struct pw_event passed = next(rig), kept = next_kept(rig);
        cr_expect_eq(passed.recv_ns, wanted_ns[i]);
        cr_expect_eq(kept.recv_ns, wanted_ns[i]);
        cr_expect_eq(passed.seq, i);
        cr_expect_eq(kept.seq, i);
    }
    expect_end(rig);
    rig_close(rig);
}

Test(strategy_stage, a_message_is_not_parted_and_nothing_overtakes_its_rest)
{
    static const uint8_t wanted[] = {PW_EVENT_DEPTH, PW_EVENT_LEVELS, PW_EVENT_QUOTE};
    struct rig *rig = start(two_lines);
    put(rig, depth(PW_EVENT_DEPTH, 0, 2000));
    put_2(rig, 0, rig_quote(1, 2, 2001));
    cr_expect_eq(rig_poll_strategy(rig).work, 1);
    cr_expect_eq(rig_poll_strategy(rig).work, 0, "the rest of the message is not there yet");
    put(rig, depth(PW_EVENT_LEVELS, PW_FLAG_LAST, 2002));
    cr_expect_eq(rig_poll_strategy(rig).work, 2);
    for (uint32_t i = 0; i < 3; i++) {
        struct pw_event kept = next_kept(rig);
        cr_expect_eq(kept.kind, wanted[i]);
        cr_expect_eq(kept.seq, i);
    }
    rig_close(rig);
}

Test(strategy_stage, what_the_journal_s_ring_has_no_room_for_is_counted_and_booked_as_a_gap)
{
    struct rig *rig = start(two_lines);
    uint32_t sent = 0, kept = 0;
    struct pw_event event;
    for (; sent < 4 * PW_RING_SLOTS_MIN; sent++) {
        put(rig, rig_quote(1, 2, 2000 + sent));
        cr_assert_eq(rig_poll_strategy(rig).work, 1, "it does not wait for the journal");
        next(rig);
    }
    for (; rig_take(&rig->market_journal, &event); kept++) {
        cr_assert_eq(event.seq, kept);
    }
    pw_strategy_stage.housekeep(rig->strategy, 9000);
    cr_expect_gt(kept, 0);
    cr_expect_eq(rig_metric(rig, "strategy", "journal_dropped"), sent - kept);
    event = next_kept(rig);
    cr_expect_eq(event.kind, PW_EVENT_GAP);
    cr_expect_eq(event.body.gap.reason, PW_REASON_JOURNAL_FULL);
    cr_expect_eq(event.body.gap.first, kept);
    cr_expect_eq(event.body.gap.last, sent - 1);
    cr_expect_eq(event.body.gap.lost_cnt, sent - kept);
    rig_close(rig);
}

/* ---- two parsers, in any interleaving, against a model ---- */

#define MODEL_EVENTS 3000u

/* What a parser brings, and how much of it is in its ring and taken out of it. */
struct model_line {
    struct pw_event events[MODEL_EVENTS];
    uint32_t cnt, put_cnt, taken_cnt;
};

struct model {
    struct model_line lines[2];
    const struct pw_event *order[2 * MODEL_EVENTS]; /* the one order, as far as it goes */
    uint32_t cnt, kept_cnt;                         /* in the journal's ring, or in one of its gaps */
    uint64_t lost_cnt;
    bool parted; /* the last event has another of its message behind it, in line `inside` */
    uint32_t inside;
    struct pw_random random;
};

static uint32_t below(struct model *model, uint32_t limit)
{
    return (uint32_t)(pw_random_next(&model->random) % limit);
}

/* Messages of one to four events; of two that came in at the same moment the first line's is first. */
static void fill_line(struct model *model, uint32_t line)
{
    struct model_line *to = &model->lines[line];
    int64_t recv_ns = 2000;
    while (to->cnt + 4 <= MODEL_EVENTS) {
        uint32_t levels = below(model, 4);
        struct pw_event head =
            depth(PW_EVENT_DEPTH, levels == 0 ? PW_FLAG_LAST : 0, recv_ns += below(model, 3));
        head.body.depth.bid_cnt = (uint16_t)(2 * levels);
        to->events[to->cnt++] = below(model, 3) == 0 ? rig_quote(1, 2, recv_ns) : head;
        bool is_quote = to->events[to->cnt - 1].kind == PW_EVENT_QUOTE;
        for (uint32_t i = 0; i < levels && !is_quote; i++) {
            to->events[to->cnt++] = depth(PW_EVENT_LEVELS, i + 1 == levels ? PW_FLAG_LAST : 0, recv_ns);
        }
    }
}

/* Any number of events, also a part of a message. */
static void put_some(struct model *model, struct rig *rig, uint32_t line)
{
    struct model_line *from = &model->lines[line];
    struct pw_producer *to = line == 0 ? &rig->market : &rig->market_2;
    for (uint32_t n = below(model, 12); n > 0 && from->put_cnt < from->cnt; n--) {
        struct pw_event *event = &from->events[from->put_cnt];
        event->instrument_idx = (uint16_t)line;
        event->seq = from->put_cnt + line * 77; /* they count for themselves */
        if (pw_producer_room(to, 1) < 1) {
            return;
        }
        pw_producer_put(to, event);
        pw_producer_publish(to);
        from->put_cnt++;
    }
}

static const struct pw_event *head_of(const struct model_line *line)
{
    return line->taken_cnt < line->put_cnt ? &line->events[line->taken_cnt] : NULL;
}

/* The rule: a message is not parted; else the event that came in first. */
static void model_take(struct model *model)
{
    const struct pw_event *heads[2] = {head_of(&model->lines[0]), head_of(&model->lines[1])};
    uint32_t line = model->parted                           ? model->inside
                    : heads[0] == NULL                      ? 1
                    : heads[1] == NULL                      ? 0
                    : heads[1]->recv_ns < heads[0]->recv_ns ? 1
                                                            : 0;
    cr_assert_not_null(heads[line], "taken, but not there");
    model->order[model->cnt++] = heads[line];
    model->lines[line].taken_cnt++;
    model->inside = line;
    model->parted = pw_market_has_more(heads[line]);
}

static bool begins_message(const struct model *model, uint64_t idx)
{
    return idx == model->cnt ? !model->parted : idx == 0 || !pw_market_has_more(model->order[idx - 1]);
}

/* The journal has each event in its place, or a gap that tells of it, of whole messages. */
static void expect_journal(struct model *model, struct rig *rig, uint32_t most)
{
    struct pw_event kept;
    while (most-- > 0 && rig_take(&rig->market_journal, &kept)) {
        if (kept.kind == PW_EVENT_GAP) {
            const struct pw_gap *gap = &kept.body.gap;
            cr_assert(gap->first == model->kept_cnt && gap->lost_cnt == gap->last - gap->first + 1);
            cr_assert(begins_message(model, gap->first) && begins_message(model, gap->last + 1));
            model->kept_cnt += (uint32_t)gap->lost_cnt;
            model->lost_cnt += gap->lost_cnt;
            continue;
        }
        const struct pw_event *want = model->order[model->kept_cnt];
        cr_assert(kept.seq == model->kept_cnt && kept.kind == want->kind && kept.recv_ns == want->recv_ns &&
                      kept.instrument_idx == want->instrument_idx && kept.flags == want->flags,
                  "event %u", model->kept_cnt);
        model->kept_cnt++;
    }
}

/* Execution is shown each event that concerns it, once, in the same order. */
static void expect_stream(const struct model *model, struct rig *rig, uint32_t from)
{
    for (uint32_t i = from; i < model->cnt; i++) {
        if (pw_event_is_for_execution(model->order[i])) {
            struct pw_event passed = next(rig);
            cr_assert(passed.seq == i && passed.recv_ns == model->order[i]->recv_ns, "event %u", i);
        }
    }
    expect_end(rig);
}

static void run_model(uint64_t seed)
{
    struct rig *rig = start(two_lines);
    struct model *model = calloc(1, sizeof *model);
    model->random = pw_random_seeded(&seed);
    fill_line(model, 0);
    fill_line(model, 1);
    uint32_t all = model->lines[0].cnt + model->lines[1].cnt;
    while (model->cnt < all) {
        uint32_t before = model->cnt;
        put_some(model, rig, below(model, 2));
        uint32_t work = below(model, 2) == 0 ? rig_poll_strategy(rig).work : 0;
        while (work-- > 0) {
            model_take(model);
        }
        expect_stream(model, rig, before);
        expect_journal(model, rig, below(model, 20));
    }
    expect_journal(model, rig, UINT32_MAX);
    pw_strategy_stage.housekeep(rig->strategy, 900000);
    expect_journal(model, rig, UINT32_MAX);
    cr_expect_eq(model->kept_cnt, all);
    cr_expect_eq(rig_metric(rig, "strategy", "journal_dropped"), model->lost_cnt);
    cr_expect_gt(model->lost_cnt, 0, "the ring ran full now and then");
    rig_close(rig);
    free(model);
}

Test(strategy_stage, two_parsers_in_any_interleaving_give_one_order_with_nothing_lost_or_doubled)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        run_model(seed);
    }
}

Test(strategy_stage, a_wrong_config_does_not_start)
{
    struct rig_options options = crossing;
    options.kind = "crystal_ball";
    expect_refused(options);
    options = crossing;
    options.slow = "1";
    expect_refused(options);
    options = crossing;
    options.strategy_cnt = 2; /* too many for rings of 64 */
    expect_refused(options);
}
