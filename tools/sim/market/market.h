/* SPDX-License-Identifier: MIT
 *
 * The limit order book of one instrument, with matching by price and time: the heart of the simulated venue's
 * own market.
 *
 * Pure: no clock, no randomness, no allocation after init. What happens is told to a listener, in order,
 * while a call is carried out; the book is then as after what was told. It is never crossed or locked.
 */
#ifndef PW_SIM_MARKET_H
#define PW_SIM_MARKET_H

#include <pinwheel/event.h>
#include <stdbool.h>
#include <stdint.h>

#define PW_SIM_NO_ORDER UINT32_MAX
#define PW_SIM_CROWD    0u /* the owner of orders that are nobody's in particular */

struct pw_sim_order {
    int64_t price_e8, qty_e8; /* what is left */
    uint64_t order_id;
    uint32_t next_idx, prev_idx; /* in its level's queue, oldest first; free orders are chained by next_idx */
    uint32_t rank;               /* in its side's list of resting orders */
    uint32_t owner;              /* whose it is, by the numbers of whoever places; PW_SIM_CROWD */
    uint8_t side;                /* enum pw_side */
    bool resting;
};

struct pw_sim_queue {
    int64_t price_e8, qty_e8;
    uint32_t first_idx, last_idx, order_cnt;
};

struct pw_sim_queues {
    struct pw_sim_queue *queues; /* sorted, the best one last */
    uint32_t queue_cnt;
    uint32_t *resting; /* indexes of its orders in no particular order: to pick one at random */
    uint32_t resting_cnt;
};

struct pw_sim_market_trade {
    uint64_t trade_id;
    int64_t price_e8, qty_e8;
    uint64_t maker_order_id, taker_order_id;
    uint32_t maker_owner, taker_owner;
    enum pw_side taker_side;
};

struct pw_sim_market_listener {
    void (*trade)(void *state, const struct pw_sim_market_trade *trade);
    /* A level has this quantity now; each such change has the next update id. */
    void (*level)(void *state, enum pw_side side, struct pw_level level, uint64_t update_id);
    void *state;
};

struct pw_sim_market {
    struct pw_sim_order *orders;
    uint32_t order_capacity, free_idx;
    struct pw_sim_queues sides[2];
    uint64_t last_order_id, last_trade_id, last_update_id;
    struct pw_sim_market_listener listener;
};

/* 0 or -ENOMEM. Ids go on from those given. */
int pw_sim_market_init(struct pw_sim_market *market, uint32_t order_capacity, uint64_t first_id);
void pw_sim_market_fini(struct pw_sim_market *market);

/* An order of either side. It trades with what rests at prices as good as `price_e8` or better, oldest first
 * at each price, each trade at the resting order's price. What is left rests, if `rests`; else it is gone.
 * Returns the resting order's index, or PW_SIM_NO_ORDER if nothing of it rests (or there was no room for it).
 */
uint32_t pw_sim_market_place(struct pw_sim_market *market, enum pw_side side, struct pw_level order,
                             bool rests);

/* What becomes of it when a taker meets an owner's order: none or several of these; without any they trade.
 */
enum pw_sim_meeting { PW_SIM_MEET_MAKER_ENDS = 1, PW_SIM_MEET_TAKER_ENDS = 2 };

/* An order that somebody in particular places. */
struct pw_sim_taker {
    enum pw_side side;
    struct pw_level order; /* its limit and quantity */
    bool rests;            /* what is left of it */
    uint32_t owner;
    unsigned (*meet)(const void *state, uint32_t maker_owner); /* NULL: it trades with all */
    /* The owner's order, the maker's or the taker's own, ended without a trade. */
    void (*ended)(void *state, uint32_t owner);
    void *state;
};

/* The same for an owner, whose number stands in the trades. */
uint32_t pw_sim_market_place_for(struct pw_sim_market *market, const struct pw_sim_taker *taker);
/* Whether one more order can rest. */
static inline bool pw_sim_market_has_room(const struct pw_sim_market *market)
{
    return market->free_idx != PW_SIM_NO_ORDER;
}
/* Takes a resting order out. */
void pw_sim_market_cancel(struct pw_sim_market *market, uint32_t order_idx);

/* What an order would trade at once, for a value of at most `budget_e16` (0: any), and what that is worth at
 * the resting orders' prices. */
struct pw_sim_taking {
    int64_t qty_e8;
    pw_i128 quote_e16;
};
struct pw_sim_taking pw_sim_market_taking(const struct pw_sim_market *market,
                                          const struct pw_sim_taker *taker, pw_i128 budget_e16);

/* The best queue of a side; NULL if there is none. */
const struct pw_sim_queue *pw_sim_market_best(const struct pw_sim_market *market, enum pw_side side);
/* The quantity at a price; 0: no such level. */
int64_t pw_sim_market_qty(const struct pw_sim_market *market, enum pw_side side, int64_t price_e8);

#endif
