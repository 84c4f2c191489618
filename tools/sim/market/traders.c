/* SPDX-License-Identifier: MIT
 *
 * Random order flow: see traders.h.
 */
#include "traders.h"

#include <math.h>

/* ---- randomness ---- */

static uint64_t random_u64(struct pw_sim_traders *traders) /* splitmix64 */
{
    uint64_t z = traders->random += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* In [0, 1). */
static double random_unit(struct pw_sim_traders *traders)
{
    return (double)(random_u64(traders) >> 11) * 0x1p-53;
}

static uint32_t random_below(struct pw_sim_traders *traders, uint32_t bound)
{
    return (uint32_t)((random_u64(traders) >> 32) * bound >> 32);
}

/* The natural logarithm for x in (0, 1], by x = m * 2^e and the series of atanh: libm's may differ in the
 * last bit from host to host, and with it the whole market. */
static double natural_log(double x)
{
    int exponent;
    double m = frexp(x, &exponent), t, square, power, sum = 0;

    t = (m - 1) / (m + 1); /* |t| <= 1/3 */
    square = t * t;
    power = t;
    for (int n = 1; n < 34; n += 2) {
        sum += power / n;
        power *= square;
    }
    return 2 * sum + exponent * 0.693147180559945309417;
}

/* Of mean 1. */
static double random_exponential(struct pw_sim_traders *traders)
{
    return -natural_log(1 - random_unit(traders));
}

/* About normal, of mean 0 and variance 1: four uniforms. */
static double random_normal(struct pw_sim_traders *traders)
{
    double sum = 0;

    for (int i = 0; i < 4; i++) {
        sum += random_unit(traders);
    }
    return (sum - 2) * 1.7320508075688772; /* the sum's variance is 4/12 */
}

/* ---- time ---- */

/* Busy times come every two seconds, last a quarter of one, and have six times the flow of quiet ones. */
#define QUIET_NS   1.75e9
#define BUSY_NS    2.5e8
#define BUSY_TIMES 6.0
#define QUIET_RATE ((QUIET_NS + BUSY_NS) / (QUIET_NS + BUSY_TIMES * BUSY_NS)) /* so that the mean is 1 */

static double mood_rate(const struct pw_sim_traders *traders)
{
    if (traders->config->steady) {
        return 1;
    }
    return traders->busy ? BUSY_TIMES * QUIET_RATE : QUIET_RATE;
}

static void next_set(struct pw_sim_traders *traders)
{
    double per_s = traders->makers_per_s + traders->takers_per_s + traders->deep_per_s;

    if (traders->next_ns >= traders->mood_end_ns) {
        traders->busy = !traders->busy;
        traders->mood_end_ns =
            traders->next_ns + (int64_t)((traders->busy ? BUSY_NS : QUIET_NS) * random_exponential(traders));
    }
    traders->next_ns += 1 + (int64_t)(random_exponential(traders) * 1e9 / (per_s * mood_rate(traders)));
}

void pw_sim_traders_leap(struct pw_sim_traders *traders, int64_t by_ns)
{
    traders->now_ns += by_ns; /* nor does the fair price move meanwhile */
    traders->next_ns += by_ns;
    traders->mood_end_ns += by_ns;
}

/* The fair price since the last action. */
#define REVERSION_PER_S 0.002

static void fair_move(struct pw_sim_traders *traders)
{
    double seconds = (double)(traders->next_ns - traders->now_ns) * 1e-9;
    double typical = traders->anchor_ticks * traders->config->volatility_ppm * 1e-6;
    double least = traders->anchor_ticks / 2;

    traders->fair_ticks += typical * sqrt(seconds) * random_normal(traders);
    traders->fair_ticks += (traders->anchor_ticks - traders->fair_ticks) * REVERSION_PER_S * seconds;
    traders->fair_ticks = traders->fair_ticks < least ? least : traders->fair_ticks;
    traders->now_ns = traders->next_ns;
}

/* ---- orders ---- */

/* Typical sizes in the quote currency. */
#define MAKER_NOTIONAL 4000.0
#define DEEP_NOTIONAL  6000.0
#define TAKER_NOTIONAL 600.0

/* A quantity of about that value; at least one step. */
static int64_t random_qty(struct pw_sim_traders *traders, double notional)
{
    double price = traders->fair_ticks * (double)traders->config->tick_e8 / PW_E8;
    double steps = random_exponential(traders) * notional / price * PW_E8 / (double)traders->config->step_e8;

    return (1 + (int64_t)(steps < 1e9 ? steps : 1e9)) * traders->config->step_e8;
}

static int64_t best_ticks(const struct pw_sim_traders *traders, enum pw_side side)
{
    const struct pw_matching_level *best = pw_matching_best(traders->matching, side);

    return best ? best->price_e8 / traders->config->tick_e8 : 0;
}

static void place(struct pw_sim_traders *traders, enum pw_side side, int64_t ticks, double notional)
{
    struct pw_matching_order order = {.price_e8 = ticks * traders->config->tick_e8,
                                      .qty_e8 = random_qty(traders, notional),
                                      .side = side,
                                      .type = PW_LIMIT};

    if (ticks > 0) {
        pw_matching_place(traders->matching, &order);
    }
}

/* Where a maker of that side wants the best price: around the fair one, and never across the spread. */
static int64_t wanted_ticks(const struct pw_sim_traders *traders, enum pw_side side)
{
    int64_t below = (int64_t)(traders->fair_ticks - 0.5), wanted = side == PW_BUY ? below : below + 1;
    int64_t other = best_ticks(traders, side == PW_BUY ? PW_SELL : PW_BUY);

    if (side == PW_BUY && other && wanted >= other) {
        wanted = other - 1;
    } else if (side == PW_SELL && wanted <= other) {
        wanted = other + 1;
    }
    return wanted;
}

/* The youngest order of the background flow in a level: clients' orders are nobody else's to cancel. */
static uint32_t youngest_own(const struct pw_sim_traders *traders, const struct pw_matching_level *level)
{
    uint32_t row_idx = level->queue.last_idx;

    while (row_idx != PW_MATCHING_NONE && traders->matching->rows[row_idx].owner != PW_MATCHING_ANONYMOUS) {
        row_idx = traders->matching->rows[row_idx].prev_idx;
    }
    return row_idx;
}

/* The best price of a side is kept where it is wanted: improved, drawn back, joined or thinned out. */
static void maker_act(struct pw_sim_traders *traders)
{
    enum pw_side side = random_u64(traders) & 1 ? PW_BUY : PW_SELL;
    const struct pw_matching_level *best = pw_matching_best(traders->matching, side);
    int64_t wanted = wanted_ticks(traders, side), at = best_ticks(traders, side);
    int64_t short_of = side == PW_BUY ? wanted - at : at - wanted;
    uint32_t row_idx;

    if (!best || short_of > 0) {
        place(traders, side, wanted, MAKER_NOTIONAL);
    } else if (short_of < 0 || random_below(traders, 8) < best->queue.order_cnt) {
        row_idx = youngest_own(traders, best);
        if (row_idx != PW_MATCHING_NONE) {
            pw_matching_cancel(traders->matching, row_idx);
        }
    } else {
        place(traders, side, at, MAKER_NOTIONAL);
    }
}

/* Deeper in the book; the further from the top, the fewer. */
#define DEEP_SPREAD 2e-4 /* mean distance from the top, of the price */

static void deep_place(struct pw_sim_traders *traders, enum pw_side side)
{
    double reach = random_exponential(traders) * (random_below(traders, 16) ? 1 : 20);
    int64_t distance = 1 + (int64_t)(reach * DEEP_SPREAD * traders->fair_ticks);
    int64_t top = best_ticks(traders, side);

    top = top ? top : wanted_ticks(traders, side);
    place(traders, side, side == PW_BUY ? top - distance : top + distance, DEEP_NOTIONAL);
}

static void deep_act(struct pw_sim_traders *traders)
{
    enum pw_side side = random_u64(traders) & 1 ? PW_BUY : PW_SELL;
    const struct pw_matching_side *levels = &traders->matching->sides[side];
    uint32_t row_idx;

    /* Even odds at the number of orders that there should be, none at twice as many. */
    if (random_below(traders, 2 * traders->config->levels) >= levels->resting_cnt) {
        deep_place(traders, side);
        return;
    }
    row_idx = levels->resting[random_below(traders, levels->resting_cnt)];
    if (traders->matching->rows[row_idx].owner == PW_MATCHING_ANONYMOUS &&
        traders->matching->rows[row_idx].price_e8 != levels->levels[levels->level_cnt - 1].price_e8) {
        pw_matching_cancel(traders->matching, row_idx);
    }
}

/* Takers follow the fair price when the market lags behind it, else either side alike. */
static void taker_act(struct pw_sim_traders *traders)
{
    int64_t bid = best_ticks(traders, PW_BUY), ask = best_ticks(traders, PW_SELL);
    double lag = traders->fair_ticks - (double)(bid + ask) / 2, room = 1e-5 * traders->fair_ticks + 1;
    double buys = lag > room ? 0.85 : lag < -room ? 0.15 : 0.5 + 0.35 * lag / room;
    enum pw_side side = random_unit(traders) < buys ? PW_BUY : PW_SELL;
    double notional = TAKER_NOTIONAL * (random_below(traders, 32) ? 1 : 20);
    /* Not beyond a twentieth of the price: a book that thin is not emptied. */
    double limit = side == PW_BUY ? traders->fair_ticks * 1.05 : traders->fair_ticks * 0.95;
    struct pw_matching_order order = {.price_e8 = (int64_t)limit * traders->config->tick_e8,
                                      .qty_e8 = random_qty(traders, notional),
                                      .side = side,
                                      .type = PW_LIMIT,
                                      .tif = PW_IOC};

    if (bid && ask) {
        pw_matching_place(traders->matching, &order);
    }
}

/* ---- life ---- */

#define TRADES_A_TAKER 1.2 /* on average, measured: an order may meet several */

void pw_sim_traders_init(struct pw_sim_traders *traders, const struct pw_sim_instrument_config *config,
                         struct pw_matching *matching, uint64_t seed, int64_t start_ns)
{
    *traders = (struct pw_sim_traders){
        .config = config, .matching = matching, .random = seed, .now_ns = start_ns, .next_ns = start_ns};
    traders->anchor_ticks = traders->fair_ticks = (double)config->price_e8 / (double)config->tick_e8;
    traders->takers_per_s = config->trades_per_s / TRADES_A_TAKER;
    traders->makers_per_s = config->quotes_per_s > traders->takers_per_s
                                ? config->quotes_per_s - traders->takers_per_s
                                : traders->takers_per_s / 2;
    traders->deep_per_s = traders->makers_per_s / 2;
    place(traders, PW_BUY, wanted_ticks(traders, PW_BUY), MAKER_NOTIONAL);
    place(traders, PW_SELL, wanted_ticks(traders, PW_SELL), MAKER_NOTIONAL);
    for (uint32_t i = 0; i < 2 * config->levels; i++) {
        deep_place(traders, i & 1 ? PW_BUY : PW_SELL);
    }
    next_set(traders);
}

void pw_sim_traders_act(struct pw_sim_traders *traders)
{
    double all = traders->makers_per_s + traders->takers_per_s + traders->deep_per_s;
    double pick = random_unit(traders) * all;

    fair_move(traders);
    if (pick < traders->takers_per_s) {
        taker_act(traders);
    } else if (pick < traders->takers_per_s + traders->makers_per_s) {
        maker_act(traders);
    } else {
        deep_act(traders);
    }
    next_set(traders);
}
