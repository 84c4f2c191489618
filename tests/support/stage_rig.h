/* SPDX-License-Identifier: MIT
 *
 * The strategy and the execution stage in one thread, on real rings of any size in a real workspace. The test
 * is everything around them: it feeds the market and the commands, reads the journal, and decides who is
 * polled when.
 */
#ifndef PW_TESTS_RIG_H
#define PW_TESTS_RIG_H

#include "stages.h"
#include <pinwheel/ring.h>
#include <pinwheel/workspace.h>

#define RIG_INSTRUMENTS 2u
#define RIG_TICK_NS     10

struct rig_options {
    uint32_t market_slots, stream_slots, report_slots,
        journal_slots; /* 0: 64; journal: none with no_journal */
    bool no_journal;
    const char *fast, *slow, *quantity; /* of ma_cross on instrument 0; fast NULL: no strategy */
    uint32_t strategy_cnt;              /* that many of it; 0: one */
    const char *kind;                   /* NULL: ma_cross */
    int64_t latency_ns, cash_e8, max_position_e8;
    uint32_t max_orders_per_s;
    uint32_t max_rejections;
    int8_t unit_shift; /* of the instruments */
    bool allow_short;
    uint64_t run_id;          /* 0: 1 */
    bool live;                /* the live gateway, with the rings of order entry */
    const char *second_quote; /* quote currency of instrument 1, traded too; NULL: not traded */
    int64_t second_cash_e8;   /* not 0: instrument 1 is of another feed, which a second account trades at */
    bool second_idle;         /* that account trades at no feed */
    bool two_lines;           /* two parsers, each of a feed of its own; with the market's journal */
    uint32_t market_journal_slots; /* 0: 64 */
    struct pw_venue_errors *venue_errors; /* of the first account; NULL: nobody asks */
};

struct rig {
    struct pw_config *config;
    struct pw_topology topology;
    struct pw_workspace ws;
    struct pw_execution_attachment attachment;
    struct pw_stage_env env;    /* of neither stage: its ends are the test's */
    void *strategy, *execution; /* their states; NULL until started */
    /* The test's ends. Of the rings between the two stages only when one of them is not started. */
    struct pw_producer market, commands, stream, reports;
    struct pw_producer market_2;       /* of the second parser */
    struct pw_consumer market_journal; /* of both, with two lines */
    struct pw_consumer journal, stream_in, reports_in;
    struct pw_producer messages; /* of order entry, if live */
    struct pw_consumer wire;
    struct pw_keys keys[RIG_INSTRUMENTS]; /* by account: the same key */
    struct pw_stop *stop;
    uint32_t market_seq; /* of the next market event */
    int64_t now_ns;
    _Atomic int64_t clock_ns; /* what the stages' clock reads next; it goes on by RIG_TICK_NS each time */
};

/* Lays out workspace and config; starts nothing. */
struct rig *rig_open(const struct rig_options *options);
void rig_close(struct rig *rig);

/* init of a stage; its result. */
int rig_start_strategy(struct rig *rig);
int rig_start_execution(struct rig *rig);

static inline struct pw_poll rig_poll_strategy(struct rig *rig)
{
    return pw_strategy_stage.poll(rig->strategy, rig->now_ns);
}

static inline struct pw_poll rig_poll_execution(struct rig *rig)
{
    return pw_execution_stage.poll(rig->execution, rig->now_ns);
}

/* Numbers a market event and puts it into a ring ("parse.strategy" or the stream); false: no room. now_ns
 * follows. */
bool rig_put_market(struct rig *rig, struct pw_producer *to, struct pw_event event);
void rig_put_command(struct rig *rig, enum pw_command command);

/* Events that the tests make. */
struct pw_event rig_feed(enum pw_feed_state state, int64_t recv_ns);
struct pw_event rig_quote(int64_t bid_e8, int64_t ask_e8, int64_t recv_ns);
struct pw_event rig_trade(int64_t price_e8, int64_t recv_ns);
struct pw_event rig_intent(enum pw_side side, int64_t qty_e8, int64_t recv_ns);
struct pw_event rig_limit(enum pw_side side, int64_t price_e8, int64_t qty_e8, int64_t recv_ns);

/* Takes the next event out of a ring; false: empty. */
bool rig_take(struct pw_consumer *from, struct pw_event *out);

uint64_t rig_metric(const struct rig *rig, const char *group, const char *name);
struct pw_account rig_account(const struct rig *rig);
struct pw_account rig_account_at(const struct rig *rig, uint32_t account_idx);
struct pw_position rig_position(const struct rig *rig, uint32_t instrument_idx);
struct pw_market rig_market(const struct rig *rig, uint32_t instrument_idx);

#endif
