/* SPDX-License-Identifier: MIT
 *
 * The strategy stage: keeps the books and markets, calls the strategies, and puts what execution needs
 * (market events, signals, intents, what was consumed when) into one ring in one order.
 *
 * Reports come before market events. A market event is taken only when the ring to execution has room for it
 * and for all that the strategies may decide on it, and when the answers to that have room on their way back
 * (flow.h).
 *
 * Every event made here bears the time of the event that caused it, and the number of the market event after
 * which it was made. When the market is silent for QUIET_NS a TIME event moves the time on.
 */
#include "accounts_config.h"
#include "book.h"
#include "book_config.h"
#include "codec.h"
#include "feeds.h"
#include "flow.h"
#include "journal_config.h"
#include "market_journal.h"
#include "pw_assert.h"
#include "rules.h"
#include "stages.h"
#include "strategies.h"
#include "strategies_config.h"
#include <errno.h>
#include <pinwheel/histogram.h>
#include <pinwheel/lines.h>
#include <pinwheel/stamps.h>
#include <string.h>

#define QUIET_NS INT64_C(10000000)

struct slot {
    const struct pw_strategy_ops *ops;
    void *state;
};

struct market {
    struct pw_book *book;
    uint32_t strategies; /* bit i: strategy i trades it */
    bool feed_up;
    bool changed;          /* since last shown */
    struct pw_market view; /* all but the book's part, which is copied when it is shown */
};

/* One of several parsers' rings, and how many of its events have been taken: their own numbers. */
struct source {
    struct pw_consumer ring;
    uint64_t cnt;
    const struct pw_stamp_row *stamps;
    uint64_t there, taken; /* of the poll under way */
};

/* Where there are several parsers, one order is made here of what they put: that in which it is taken. The
 * events get the numbers of that order, and go to the journal from here. */
struct merge {
    uint32_t source_cnt; /* 0: there is but one parser, and its order is the order */
    struct source sources[PW_LINES_MAX];
    struct source *inside; /* whose last event has another of the same message behind it; NULL: none */
    struct source *last;   /* whose event was taken last */
    struct pw_market_journal journal;
    struct pw_stamp_row *stamps;
};

struct strategy_stage {
    /* Of each poll. */
    struct pw_consumer market_in, report_in;
    struct pw_producer out;
    struct pw_histogram *hop;
    struct pw_clock clock; /* for stamps alone */
    uint32_t instrument_cnt, slot_cnt;
    uint32_t market_events;     /* room that one market event needs */
    uint32_t intents_max;       /* that may be unanswered after it */
    uint32_t unanswered_cnt;    /* intents without a first answer */
    uint32_t seq;               /* of the next event made here */
    uint64_t market_cnt;        /* market events taken; the last one's number is one less */
    uint64_t report_cnt;        /* reports taken */
    uint16_t fill_strategy_idx; /* whose the next FILL is: of the ORDER before it */
    int64_t last_ns;            /* of the last market event or TIME; 0: none yet */
    struct pw_strategy_metrics metrics;
    struct pw_decisions decisions; /* none, but while a strategy is called and until they are put */
    struct slot slots[PW_STRATEGIES_MAX];

    /* Of few. */
    struct merge merge;
    struct pw_instrument *instruments; /* with the rules of now; also the strategies' */
    struct pw_market_view *views;      /* in the workspace, by instrument */
    struct pw_metric_row *metric_rows;

    struct market markets[]; /* by instrument; then the books, then the strategies' own state */
};

/* ---- start ---- */

static uint32_t level_max(const struct pw_stage_env *env)
{
    const struct pw_config_book *book = PW_CONFIG(env->config, book);
    return book->levels ? book->levels : PW_BOOK_LEVELS_DEFAULT;
}

static struct pw_strategy_env strategy_env(const struct pw_stage_env *env,
                                           const struct pw_instrument *instruments, uint32_t i)
{
    const struct pw_config_strategy *config = &PW_CONFIG(env->config, strategies)->strategies[i];
    return (struct pw_strategy_env){
        .strategy_idx = (uint16_t)i,
        .name = config->name,
        .params = config->params,
        .param_cnt = config->param_cnt,
        .instruments = config->instruments,
        .instrument_cnt = config->instrument_cnt,
        .instrument_table = instruments,
    };
}

/* Bytes of one strategy's state; 0 with a reason when the config is wrong. */
static size_t slot_bytes(const struct pw_stage_env *env, uint32_t i, char *error, size_t error_bytes)
{
    const struct pw_config_strategies *strategies = PW_CONFIG(env->config, strategies);
    const struct pw_strategy_ops *ops = pw_strategy_find(strategies->strategies[i].kind);
    if (!ops) {
        snprintf(error, error_bytes, "unknown strategy kind '%s'", strategies->strategies[i].kind);
        return 0;
    }
    struct pw_strategy_env strategy = strategy_env(env, env->instruments, i);
    return ops->state_bytes(&strategy, error, error_bytes);
}

static size_t strategy_state_bytes(const struct pw_stage_env *env)
{
    char error[256];
    size_t bytes =
        pw_round_up_64(sizeof(struct strategy_stage) + env->instrument_cnt * sizeof(struct market));
    bytes += env->instrument_cnt * pw_book_bytes(level_max(env));
    bytes += pw_round_up_64(env->instrument_cnt * sizeof(struct pw_instrument));
    for (uint32_t i = 0; i < PW_CONFIG(env->config, strategies)->strategy_cnt; i++) {
        bytes +=
            pw_round_up_64(slot_bytes(env, i, error, sizeof error)); /* init reports what is wrong here */
    }
    return bytes;
}

static int init_strategies(struct strategy_stage *s, const struct pw_stage_env *env, char *memory)
{
    const struct pw_config_strategies *strategies = PW_CONFIG(env->config, strategies);
    for (uint32_t i = 0; i < strategies->strategy_cnt; i++) {
        const struct pw_config_strategy *config = &strategies->strategies[i];
        struct pw_strategy_env strategy = strategy_env(env, s->instruments, i);
        char error[256] = "";
        size_t bytes = slot_bytes(env, i, error, sizeof error);
        s->slots[i].ops = pw_strategy_find(config->kind);
        s->slots[i].state = memory;
        if (bytes == 0 || s->slots[i].ops->init(memory, &strategy, error, sizeof error) < 0) {
            pw_log(PW_LOG_ERROR, "%s: strategy '%s': %s", env->config->path, config->name, error);
            return -EINVAL;
        }
        memory += pw_round_up_64(bytes);
        for (uint32_t k = 0; k < config->instrument_cnt; k++) {
            if (config->instruments[k] >= env->instrument_cnt) {
                pw_log(PW_LOG_ERROR, "%s: strategy '%s': no feed has instrument %u", env->config->path,
                       config->name, config->instruments[k]);
                return -EINVAL;
            }
            s->markets[config->instruments[k]].strategies |= 1u << i;
        }
    }
    s->slot_cnt = strategies->strategy_cnt;
    return 0;
}

static struct pw_stamp_row *find_stamps(const struct pw_stage_env *env, uint32_t line)
{
    char name[PW_REGION_NAME_BYTES] = "stamps.market";
    if (line > 0) {
        snprintf(name, sizeof name, "stamps.market.%u", line);
    }
    return pw_workspace_rows(env->ws, name, PW_REGION_STAMPS);
}

static int attach_merge(struct strategy_stage *s, const struct pw_stage_env *env, uint32_t line_cnt)
{
    struct merge *m = &s->merge;
    m->stamps = find_stamps(env, 0);
    if (!m->stamps) {
        return -ENOENT;
    }
    for (; m->source_cnt < line_cnt; m->source_cnt++) {
        struct source *source = &m->sources[m->source_cnt];
        source->stamps = find_stamps(env, m->source_cnt + 1);
        if (!source->stamps || pw_env_consumer_nth(env, PW_RING_MARKET, m->source_cnt, &source->ring) != 0) {
            return -ENOENT;
        }
    }
    m->journal.present = pw_env_producer(env, PW_RING_MARKET_JOURNAL, &m->journal.ring) == 0;
    m->journal.stalls = m->journal.present && PW_CONFIG(env->config, journal)->market_stall;
    return 0;
}

static int attach_market(struct strategy_stage *s, const struct pw_stage_env *env)
{
    uint32_t line_cnt = pw_feeds_line_cnt(PW_CONFIG(env->config, feeds));
    return line_cnt > 1 ? attach_merge(s, env, line_cnt)
                        : pw_env_consumer(env, PW_RING_MARKET, &s->market_in);
}

static int attach(struct strategy_stage *s, const struct pw_stage_env *env)
{
    int error = attach_market(s, env);
    error = error ? error : pw_env_consumer(env, PW_RING_REPORTS, &s->report_in);
    error = error ? error : pw_env_producer(env, PW_RING_DECISIONS, &s->out);
    if (error) {
        pw_log(PW_LOG_ERROR, "strategy: a ring is missing: %s", strerror(-error));
        return error;
    }
    const struct pw_region *quotes = pw_workspace_find(env->ws, "quotes", PW_REGION_QUOTES);
    s->hop = pw_env_histogram(env, "hop.recv_to_strategy");
    if (!quotes || quotes->row_cnt < env->instrument_cnt || !s->hop) {
        pw_log(PW_LOG_ERROR, "strategy: the workspace lacks quotes or the hop's histogram");
        return -ENOENT;
    }
    s->views = pw_region_at(env->ws, quotes, 0);
    s->metric_rows = pw_env_metrics(env, PW_METRIC_GROUP_strategy);
    return s->metric_rows ? 0 : -ENOENT;
}

/* Of each ring, for so many events that one market event may cause. */
static uint32_t slots_wanted(uint32_t market_events, bool live)
{
    uint32_t slots = PW_RING_SLOTS_MIN;
    while (market_events > slots || market_events - 1 > pw_flow_intents_max(slots, live)) {
        slots *= 2;
    }
    return slots;
}

static int check_ring_sizes(struct strategy_stage *s, const struct pw_stage_env *env)
{
    uint64_t report_slots = s->report_in.mask + 1;
    s->market_events = pw_flow_market_events(s->slot_cnt);
    bool live = pw_config_connects(env->config);
    s->intents_max = pw_flow_intents_max(report_slots, live);
    if (s->market_events > s->out.mask + 1 || s->market_events - 1 > s->intents_max) {
        pw_log(PW_LOG_ERROR,
               "%s: rings: %llu market and %llu orders slots are too few for %u strategies; give each %u or "
               "more",
               env->config->path, (unsigned long long)s->out.mask + 1, (unsigned long long)report_slots,
               s->slot_cnt, slots_wanted(s->market_events, live));
        return -EINVAL;
    }
    return 0;
}

static int strategy_init(void *state, const struct pw_stage_env *env)
{
    struct strategy_stage *s = state;
    size_t book_bytes = pw_book_bytes(level_max(env));
    if (book_bytes == 0) {
        pw_log(PW_LOG_ERROR, "%s: book_levels: %u is not from 1 to %u", env->config->path, level_max(env),
               PW_BOOK_LEVELS_MAX);
        return -EINVAL;
    }
    s->clock = env->clock;
    s->instrument_cnt = env->instrument_cnt;
    char *memory = (char *)state + pw_round_up_64(sizeof *s + env->instrument_cnt * sizeof(struct market));
    for (uint32_t i = 0; i < env->instrument_cnt; i++, memory += book_bytes) {
        s->markets[i].book = pw_book_init(memory, level_max(env));
        s->markets[i].changed = true;
    }
    s->instruments = (struct pw_instrument *)(void *)memory;
    memcpy(s->instruments, env->instruments, env->instrument_cnt * sizeof *s->instruments);
    memory += pw_round_up_64(env->instrument_cnt * sizeof *s->instruments);
    int error = attach(s, env);
    error = error ? error : init_strategies(s, env, memory);
    return error ? error : check_ring_sizes(s, env);
}

/* ---- out ---- */

static void put(struct strategy_stage *s, struct pw_event *event)
{
    event->seq = s->seq++;
    pw_producer_put(&s->out, event);
}

/* Number of the last market event taken. */
static uint64_t market_seq(const struct strategy_stage *s)
{
    return s->market_cnt ? s->market_cnt - 1 : 0;
}

static bool asks_for_order(const struct pw_event *event)
{
    return event->kind == PW_EVENT_INTENT && event->body.intent.action != PW_CANCEL;
}

/* The stamps of the event behind an intent, from its parser's table to that of the one order: before
 * execution, which looks them up by that number, sees the intent. */
static __attribute__((noinline)) void pass_stamps(struct strategy_stage *s)
{
    const struct source *source = s->merge.last;
    struct pw_stamp stamp;
    if (source && pw_stamp_get(source->stamps, source->cnt - 1, &stamp)) {
        stamp.number = market_seq(s);
        pw_stamp_put(s->merge.stamps, &stamp);
    }
}

/* Puts what was decided, one or more, and leaves no decisions; how many there were. An order beyond what may
 * be unanswered goes nowhere: only one in answer to a report, for a market event is not taken then (flow.h).
 */
static uint32_t put_decisions(struct strategy_stage *s, uint32_t strategy_idx, int64_t recv_ns)
{
    uint32_t cnt = s->decisions.cnt;
    s->decisions.cnt = 0;
    for (struct pw_event *event = s->decisions.events, *end = event + cnt; event < end; event++) {
        event->recv_ns = recv_ns;
        if (asks_for_order(event) && s->unanswered_cnt >= s->intents_max) {
            s->metrics.intents_dropped++;
            continue;
        }
        if (event->kind == PW_EVENT_SIGNAL) {
            event->body.signal.strategy_idx = (uint16_t)strategy_idx;
            event->body.signal.market_seq = market_seq(s);
            s->metrics.signals++;
        } else if (event->kind == PW_EVENT_INTENT) {
            event->body.intent.strategy_idx = (uint16_t)strategy_idx;
            event->body.intent.market_seq = market_seq(s);
            s->unanswered_cnt += asks_for_order(event);
            s->metrics.intents++;
            event->venue_ns = pw_clock_now_ns(&s->clock);
            if (s->merge.source_cnt) {
                pass_stamps(s);
            }
        }
        put(s, event);
    }
    return cnt;
}

/* ---- reports ---- */

/* How many events came of it, at most. seq: of the last market event. */
static uint32_t take_report(struct strategy_stage *s, const struct pw_event *report, uint64_t seq)
{
    s->report_cnt++;
    if (report->kind == PW_EVENT_ORDER) {
        enum pw_order_state state = report->body.order.state;
        s->fill_strategy_idx = report->body.order.strategy_idx;
        s->unanswered_cnt -= state == PW_ORDER_IN_FLIGHT || state == PW_ORDER_DENIED;
    }
    put(s, &(struct pw_event){.kind = PW_EVENT_CONSUMED,
                              .instrument_idx = report->instrument_idx,
                              .recv_ns = report->recv_ns,
                              .body.consumed = {.report_seq = s->report_cnt, .market_seq = s->market_cnt}});
    if (s->fill_strategy_idx >= s->slot_cnt) {
        return 1;
    }
    const struct slot *slot = &s->slots[s->fill_strategy_idx];
    slot->ops->on_report(slot->state, report, seq, &s->decisions);
    return s->decisions.cnt == 0 ? 1 : 1 + put_decisions(s, s->fill_strategy_idx, report->recv_ns);
}

/* One is left where room is wanting. */
static struct pw_poll take_reports(struct strategy_stage *s)
{
    const uint64_t want = 1 + PW_DECISIONS_MAX;
    uint64_t there = pw_consumer_peek(&s->report_in, PW_BATCH_MAX);
    if (there == 0) {
        return (struct pw_poll){0};
    }
    const uint64_t seq = market_seq(s);
    uint64_t taken = 0, room = 0;
    while (taken < there && (room >= want || (room = pw_producer_room(&s->out, want)) >= want)) {
        room -= take_report(s, pw_consumer_at(&s->report_in, taken), seq);
        taken++;
    }
    if (taken) {
        pw_consumer_done(&s->report_in, taken);
        s->metrics.reports += taken;
    }
    return (struct pw_poll){.work = (uint32_t)taken, .stalled = taken < there};
}

/* ---- the market ---- */

static void note_book(struct strategy_stage *s, struct market *m, const struct pw_event *event)
{
    if (pw_book_apply(m->book, event)) {
        m->changed = true;
        if (event->flags & PW_FLAG_LAST && pw_book_crossed(m->book)) {
            s->metrics.books_crossed++;
        }
    }
}

static void note_trade(struct market *m, int64_t price_e8, int64_t qty_e8, int64_t trade_ns)
{
    m->view.last_price_e8 = price_e8;
    m->view.last_qty_e8 = qty_e8;
    m->view.last_trade_ns = trade_ns;
    m->view.trade_cnt++;
    m->changed = true;
}

static void note_feed(struct strategy_stage *s, const struct pw_event *event)
{
    for (uint32_t i = 0; i < s->instrument_cnt; i++) {
        if (s->instruments[i].feed_idx == event->body.state.feed_idx) {
            s->markets[i].feed_up = event->body.state.state == PW_FEED_UP;
            s->markets[i].changed = true;
        }
    }
}

static inline void note_quote(struct market *m, const struct pw_event *event)
{
    m->view.quote = event->body.quote;
    m->view.quote_recv_ns = event->recv_ns;
    m->view.quote_cnt++;
    m->changed = true;
}

/* Brings one instrument's market up to date with an event of its own. */
static inline void note(struct strategy_stage *s, struct market *m, const struct pw_event *event)
{
    switch (event->kind) {
    case PW_EVENT_TRADE:
        note_trade(m, event->body.trade.price_e8, event->body.trade.qty_e8, event->body.trade.trade_ns);
        break;
    case PW_EVENT_AGG_TRADE:
        note_trade(m, event->body.agg_trade.price_e8, event->body.agg_trade.qty_e8,
                   event->venue_ns - INT64_C(1000) * event->body.agg_trade.match_offset_us);
        break;
    case PW_EVENT_DEPTH:
    case PW_EVENT_LEVELS:
    case PW_EVENT_BOOK_STATE:
        note_book(s, m, event);
        break;
    case PW_EVENT_RULES:
    case PW_EVENT_RULES_LOT:
    case PW_EVENT_RULES_MARKET:
        pw_rules_apply(&s->instruments[event->instrument_idx], event);
        break;
    default:
        break;
    }
}

static void call_strategies(struct strategy_stage *s, uint32_t strategies, const struct pw_event *event,
                            uint64_t seq)
{
    for (; strategies; strategies &= strategies - 1) {
        uint32_t i = (uint32_t)__builtin_ctz(strategies);
        s->slots[i].ops->on_market(s->slots[i].state, event, seq, &s->decisions);
        if (s->decisions.cnt > 0) {
            put_decisions(s, i, event->recv_ns);
        }
    }
}

/* The events bear the low half of their number; they are taken in order, so the rest follows. */
static void count_to(uint64_t *cnt, const struct pw_event *event)
{
    *cnt += (uint32_t)(event->seq - (uint32_t)*cnt) + UINT64_C(1);
}

static inline void take_market(struct strategy_stage *s, const struct pw_event *event)
{
    const uint8_t kind = event->kind;
    const uint16_t instrument_idx = event->instrument_idx;
    count_to(&s->market_cnt, event);
    s->last_ns = event->recv_ns;
    if (pw_event_is_for_execution(event)) {
        pw_producer_put(&s->out, event);
    }
    if (kind == PW_EVENT_FEED_STATE) {
        note_feed(s, event);
    } else if (instrument_idx < s->instrument_cnt) {
        struct market *m = &s->markets[instrument_idx];
        if (kind == PW_EVENT_QUOTE) {
            note_quote(m, event);
        } else {
            note(s, m, event);
        }
        call_strategies(s, m->strategies, event, s->market_cnt - 1);
    }
}

/* Room for an input's outcome, on the way out and on the way back. */
static bool has_room(struct strategy_stage *s)
{
    return s->unanswered_cnt + s->market_events - 1 <= s->intents_max &&
           pw_producer_room(&s->out, s->market_events) >= s->market_events;
}

static struct pw_poll take_markets(struct strategy_stage *s, int64_t now_ns)
{
    uint64_t there = pw_consumer_peek(&s->market_in, PW_BATCH_MAX);
    uint64_t taken = 0;
    while (taken < there && has_room(s)) {
        const struct pw_event *event = pw_consumer_at(&s->market_in, taken);
        pw_hop_add(s->hop, &s->clock, now_ns, event->recv_ns);
        take_market(s, event);
        taken++;
    }
    if (taken) {
        /* First what came of them: who sees an event given back must find all that it caused (the journal
         * does). */
        pw_producer_publish(&s->out);
        pw_consumer_done(&s->market_in, taken);
        s->metrics.events += taken;
    }
    return (struct pw_poll){.work = (uint32_t)taken, .stalled = taken < there};
}

/* ---- several parsers ---- */

/* Whose event is next: of the events that are there the one that came in first. A message is not parted. */
static struct source *next_source(struct merge *m)
{
    struct source *next = m->inside;
    for (uint32_t i = 0; i < m->source_cnt && !m->inside; i++) {
        struct source *source = &m->sources[i];
        if (source->taken < source->there &&
            (!next || pw_consumer_at(&source->ring, source->taken)->recv_ns <
                          pw_consumer_at(&next->ring, next->taken)->recv_ns)) {
            next = source;
        }
    }
    pw_assert(!m->inside || next == m->inside);
    return next && next->taken < next->there ? next : NULL;
}

static bool journal_has_room(struct strategy_stage *s)
{
    return !s->merge.journal.stalls || pw_producer_room(&s->merge.journal.ring, 1) >= 1;
}

/* The event gets its number in the one order, and a copy of it goes to the journal. */
static void take_merged(struct strategy_stage *s, struct source *source)
{
    struct merge *m = &s->merge;
    pw_assert(source->taken < source->there);
    struct pw_event event = *pw_consumer_at(&source->ring, source->taken++);
    count_to(&source->cnt, &event);
    m->inside = pw_market_has_more(&event) ? source : NULL;
    m->last = source;
    event.seq = (uint32_t)s->market_cnt;
    if (m->journal.stalls) {
        pw_producer_put(&m->journal.ring, &event);
    } else if (m->journal.present) {
        s->metrics.journal_dropped += !pw_market_journal_put(&m->journal, &event, s->market_cnt);
    }
    take_market(s, &event);
}

/* Kept out of the poll: where there is but one parser, what this needs costs nothing. */
static __attribute__((noinline)) struct pw_poll take_sources(struct strategy_stage *s, int64_t now_ns)
{
    struct merge *m = &s->merge;
    uint64_t there = 0, taken = 0;
    for (uint32_t i = 0; i < m->source_cnt; i++) {
        m->sources[i].taken = 0;
        /* One of which only a part were known would be overtaken by events that came in later. */
        m->sources[i].there = pw_consumer_peek_all(&m->sources[i].ring, PW_BATCH_MAX);
        there += m->sources[i].there;
    }
    struct source *source;
    while (taken < PW_BATCH_MAX && (source = next_source(m)) && has_room(s) && journal_has_room(s)) {
        pw_hop_add(s->hop, &s->clock, now_ns, pw_consumer_at(&source->ring, source->taken)->recv_ns);
        take_merged(s, source);
        taken++;
    }
    if (taken) {
        /* What came of events before the events: who sees one in the journal's ring must find in the ring to
         * execution all that it caused (the journal does). */
        pw_producer_publish(&s->out);
        if (m->journal.present) {
            pw_producer_publish(&m->journal.ring);
        }
        for (uint32_t i = 0; i < m->source_cnt; i++) {
            if (m->sources[i].taken) {
                pw_consumer_done(&m->sources[i].ring, m->sources[i].taken);
            }
        }
        s->metrics.events += taken;
    }
    return (struct pw_poll){.work = (uint32_t)taken,
                            .stalled = taken < there && taken < PW_BATCH_MAX && next_source(m)};
}

/* Nothing has come for a while: time itself is the event. How many were made. */
static uint32_t pass_time(struct strategy_stage *s, int64_t now_ns)
{
    if (now_ns - s->last_ns < QUIET_NS || !has_room(s)) {
        return 0;
    }
    bool first = s->last_ns == 0;
    s->last_ns = now_ns;
    if (first) {
        return 0;
    }
    struct pw_event event = {.kind = PW_EVENT_TIME, .instrument_idx = PW_NO_INSTRUMENT, .recv_ns = now_ns};
    put(s, &event);
    call_strategies(s, (uint32_t)((UINT64_C(1) << s->slot_cnt) - 1), &event, market_seq(s));
    return 1;
}

static struct pw_poll strategy_poll(void *state, int64_t now_ns)
{
    struct strategy_stage *s = state;
    struct pw_poll did = take_reports(s);
    if (!did.stalled) {
        struct pw_poll market = s->merge.source_cnt ? take_sources(s, now_ns) : take_markets(s, now_ns);
        did.work += market.work;
        did.stalled = market.stalled;
        if (did.work == 0 && !did.stalled) {
            did.work = pass_time(s, now_ns);
        }
    }
    pw_producer_publish(&s->out);
    if (did.stalled) {
        s->metrics.stalls++;
        pw_count(&s->out.ring->stalled_cnt, 1);
    }
    return did;
}

static int64_t strategy_next_ns(void *state)
{
    const struct strategy_stage *s = state;
    return s->last_ns + QUIET_NS;
}

/* ---- off the hot path ---- */

/* The levels that are known; how many. */
static uint32_t show_side(const struct pw_book *book, enum pw_side side,
                          struct pw_level levels[PW_BOOK_VIEW_LEVELS])
{
    uint32_t known = pw_book_known_cnt(book, side);
    pw_book_top(book, side, levels, PW_BOOK_VIEW_LEVELS);
    for (uint32_t i = known; i < PW_BOOK_VIEW_LEVELS; i++) {
        levels[i] = (struct pw_level){0};
    }
    return known;
}

static void show_market(struct strategy_stage *s, uint32_t i)
{
    struct market *m = &s->markets[i];
    struct pw_market *view = &m->view;
    view->depth_cnt = m->book->depth_cnt;
    view->book_synced = pw_book_in_sync(m->book) && m->feed_up;
    view->book_outgrown_id = pw_book_outgrown(m->book);
    view->book_update_id = m->book->update_id;
    view->bid_level_cnt = show_side(m->book, PW_BUY, view->bids);
    view->ask_level_cnt = show_side(m->book, PW_SELL, view->asks);
    pw_cell_write(&s->views[i].cell, s->views[i].words, view, sizeof *view);
    m->changed = false;
}

static void strategy_housekeep(void *state, int64_t now_ns)
{
    struct strategy_stage *s = state;
    pw_market_journal_quiet(&s->merge.journal, now_ns);
    s->metrics.book_overflow = 0;
    for (uint32_t i = 0; i < s->instrument_cnt; i++) {
        s->metrics.book_overflow += s->markets[i].book->dropped_cnt;
        if (s->markets[i].changed) {
            show_market(s, i);
        }
    }
    pw_strategy_metrics_publish(s->metric_rows, &s->metrics);
}

static bool strategy_pending(void *state)
{
    struct strategy_stage *s = state;
    bool pending = pw_consumer_peek(&s->report_in, 1) || s->merge.journal.lost_cnt > 0;
    for (uint32_t i = 0; i < s->merge.source_cnt; i++) {
        pending = pending || pw_consumer_peek(&s->merge.sources[i].ring, 1);
    }
    return pending || (s->merge.source_cnt == 0 && pw_consumer_peek(&s->market_in, 1));
}

static void strategy_fini(void *state)
{
    strategy_housekeep(state, 0);
}

const struct pw_stage_ops pw_strategy_stage = {
    .name = "strategy",
    .state_bytes = strategy_state_bytes,
    .init = strategy_init,
    .poll = strategy_poll,
    .next_ns = strategy_next_ns,
    .housekeep = strategy_housekeep,
    .pending = strategy_pending,
    .fini = strategy_fini,
};
