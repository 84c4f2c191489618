/* SPDX-License-Identifier: MIT
 *
 * The paper venue: a short list of orders in the order of their placing, and the last quote and trade of each
 * instrument.
 */
#include "paper.h"

#include "money.h"
#include "orders.h"
#include "pw_assert.h"
#include <errno.h>
#include <pinwheel/lines.h>
#include <stdbool.h>
#include <string.h>

#define NEVER INT64_MAX

struct paper_order {
    struct pw_gateway_order order;
    uint64_t replaces_id; /* 0: none */
    int64_t arrive_ns;    /* when it reaches the venue */
    int64_t cancel_ns;    /* when its cancellation does */
    bool resting;         /* it is there */
    bool armed;           /* there, but only from its stop price on in the market */
};

struct touch {
    int64_t bid_e8, ask_e8; /* 0: none */
    int64_t last_e8;        /* price of the last trade; 0: none */
};

struct paper {
    struct pw_gateway_config config;
    uint32_t order_cnt;
    struct paper_order orders[PW_OPEN_ORDERS_MAX];
    struct touch quotes[]; /* by instrument */
};

static size_t paper_bytes(const struct pw_gateway_config *config)
{
    return pw_round_up_64(sizeof(struct paper) + config->instrument_cnt * sizeof(struct touch));
}

static int paper_init(void *state, const struct pw_gateway_config *config)
{
    if (config->latency_ns < 0 || config->fee_rate_e8 > PW_FEE_RATE_MAX_E8 ||
        config->fee_rate_e8 < -PW_FEE_RATE_MAX_E8) {
        return -EINVAL;
    }
    struct paper *paper = state;
    paper->config = *config;
    return 0;
}

static int64_t after(int64_t recv_ns, int64_t latency_ns)
{
    int64_t sum;
    return __builtin_add_overflow(recv_ns, latency_ns, &sum) ? NEVER : sum;
}

static struct pw_report *report(struct pw_reports *out, const struct pw_gateway_order *order,
                                enum pw_exec_type exec_type, int64_t recv_ns)
{
    pw_assert(out->cnt < PW_REPORTS_MAX);
    struct pw_report *row = &out->rows[out->cnt++];
    *row = (struct pw_report){
        .client_order_id = order->client_order_id, .recv_ns = recv_ns, .exec_type = (uint8_t)exec_type};
    return row;
}

static void fill(const struct paper *paper, struct pw_reports *out, const struct pw_gateway_order *order,
                 int64_t price_e8, bool maker, int64_t recv_ns)
{
    struct pw_report *row = report(out, order, PW_EXEC_FILL, recv_ns);
    pw_assert(price_e8 > 0 && order->qty_e8 > 0);
    row->fill_price_e8 = price_e8;
    row->fill_qty_e8 = order->qty_e8;
    row->fee_e16 =
        pw_money_fee_e16(pw_money_notional_e16(price_e8, order->qty_e8), paper->config.fee_rate_e8);
    row->maker = maker;
}

static int64_t opposite_e8(const struct paper *paper, const struct pw_gateway_order *order)
{
    pw_assert(order->instrument_idx < paper->config.instrument_cnt);
    const struct touch *quote = &paper->quotes[order->instrument_idx];
    return order->side == PW_BUY ? quote->ask_e8 : quote->bid_e8;
}

/* Does the quote reach a limit order's price? */
static bool is_reached(const struct paper *paper, const struct pw_gateway_order *order)
{
    int64_t quote = opposite_e8(paper, order);
    return quote > 0 && (order->side == PW_BUY ? quote <= order->price_e8 : quote >= order->price_e8);
}

/* Has the market traded at a stop order's price or beyond? */
static bool is_triggered(const struct paper *paper, const struct pw_gateway_order *order)
{
    pw_assert(pw_order_has_stop(order->type) && order->instrument_idx < paper->config.instrument_cnt);
    int64_t last = paper->quotes[order->instrument_idx].last_e8;
    return last > 0 && (pw_order_triggers_above(order->type, order->side) ? last >= order->stop_price_e8
                                                                          : last <= order->stop_price_e8);
}

static bool end(struct pw_reports *out, const struct pw_gateway_order *order, enum pw_exec_type exec_type,
                enum pw_reason reason, int64_t recv_ns)
{
    report(out, order, exec_type, recv_ns)->reason = (uint8_t)reason;
    return false;
}

/* The order, which a stop price does not hold back (any more), meets the quote. True if it stays. */
static bool meet(const struct paper *paper, const struct pw_gateway_order *order, bool is_new,
                 int64_t recv_ns, struct pw_reports *out)
{
    bool is_market = !pw_order_has_limit(order->type);
    if (is_market && opposite_e8(paper, order) <= 0) {
        return end(out, order, is_new ? PW_EXEC_REJECT : PW_EXEC_EXPIRED, PW_REASON_NO_QUOTE, recv_ns);
    }
    if (order->type == PW_LIMIT_MAKER && is_reached(paper, order)) {
        return end(out, order, PW_EXEC_REJECT, PW_REASON_VENUE_WOULD_TAKE, recv_ns);
    }
    if (is_market || is_reached(paper, order)) {
        fill(paper, out, order, opposite_e8(paper, order), false, recv_ns);
        return false;
    }
    if (order->tif != PW_GTC) {
        return end(out, order, PW_EXEC_CANCELED, PW_REASON_NONE, recv_ns);
    }
    if (is_new) {
        report(out, order, PW_EXEC_ACK, recv_ns);
    }
    return true;
}

static void remove_at(struct paper *paper, uint32_t i)
{
    pw_assert(i < paper->order_cnt);
    paper->order_cnt--;
    memmove(&paper->orders[i], &paper->orders[i + 1], (paper->order_cnt - i) * sizeof paper->orders[0]);
}

static struct paper_order *find(struct paper *paper, uint64_t client_order_id)
{
    for (uint32_t i = 0; i < paper->order_cnt; i++) {
        if (paper->orders[i].order.client_order_id == client_order_id) {
            return &paper->orders[i];
        }
    }
    return NULL;
}

/* A replacement's first half. False: there was nothing to cancel. */
static bool take_out(struct paper *paper, uint64_t replaces_id, int64_t recv_ns, struct pw_reports *out)
{
    struct paper_order *old = find(paper, replaces_id);
    pw_assert(replaces_id != 0);
    if (old == NULL || !old->resting) {
        return false;
    }
    report(out, &old->order, PW_EXEC_REPLACED, recv_ns);
    remove_at(paper, (uint32_t)(old - paper->orders));
    return true;
}

/* The order is at the venue. True if it stays there. */
static bool arrive(const struct paper *paper, struct paper_order *at, int64_t recv_ns, struct pw_reports *out)
{
    pw_assert(!at->resting && !at->armed);
    at->resting = true;
    if (!pw_order_has_stop(at->order.type)) {
        return meet(paper, &at->order, true, recv_ns, out);
    }
    if (is_triggered(paper, &at->order)) {
        return end(out, &at->order, PW_EXEC_REJECT, PW_REASON_VENUE_WOULD_TRIGGER, recv_ns);
    }
    at->armed = true;
    report(out, &at->order, PW_EXEC_ACK, recv_ns);
    return true;
}

static int64_t paper_replace(void *state, const struct pw_gateway_order *order, uint64_t replaces_id,
                             struct pw_reports *out)
{
    struct paper *paper = state;
    bool at_once = paper->config.latency_ns == 0;
    if (paper->order_cnt == PW_OPEN_ORDERS_MAX || order->instrument_idx >= paper->config.instrument_cnt) {
        end(out, order, PW_EXEC_REJECT,
            paper->order_cnt == PW_OPEN_ORDERS_MAX ? PW_REASON_NO_ROOM : PW_REASON_UNKNOWN_INSTRUMENT,
            order->recv_ns);
        return 0;
    }
    struct paper_order added = {.order = *order,
                                .replaces_id = replaces_id,
                                .arrive_ns = after(order->recv_ns, paper->config.latency_ns),
                                .cancel_ns = NEVER};
    if (at_once && replaces_id && !take_out(paper, replaces_id, order->recv_ns, out)) {
        end(out, order, PW_EXEC_REJECT, PW_REASON_VENUE_NOT_FOUND, order->recv_ns);
    } else if (!at_once || arrive(paper, &added, order->recv_ns, out)) {
        pw_assert(paper->order_cnt < PW_OPEN_ORDERS_MAX);
        paper->orders[paper->order_cnt++] = added;
    }
    return 0;
}

static int64_t paper_place(void *state, const struct pw_gateway_order *order, struct pw_reports *out)
{
    return paper_replace(state, order, 0, out);
}

static void paper_cancel(void *state, uint64_t client_order_id, int64_t recv_ns, struct pw_reports *out)
{
    struct paper *paper = state;
    struct paper_order *at = find(paper, client_order_id);
    if (at != NULL && paper->config.latency_ns == 0) {
        report(out, &at->order, PW_EXEC_CANCELED, recv_ns);
        remove_at(paper, (uint32_t)(at - paper->orders));
    } else if (at != NULL && at->cancel_ns == NEVER) {
        at->cancel_ns = after(recv_ns, paper->config.latency_ns);
    }
}

/* What reaches the venue by recv_ns: the order first, then its cancellation. What it replaces stands before
 * it in the list and leaves it: *i follows. True if it is still there. */
static bool advance(struct paper *paper, uint32_t *i, int64_t recv_ns, struct pw_reports *out)
{
    if (!paper->orders[*i].resting && paper->orders[*i].arrive_ns <= recv_ns) {
        uint64_t replaces_id = paper->orders[*i].replaces_id;
        if (replaces_id && !take_out(paper, replaces_id, recv_ns, out)) {
            return end(out, &paper->orders[*i].order, PW_EXEC_REJECT, PW_REASON_VENUE_NOT_FOUND, recv_ns);
        }
        pw_assert(!replaces_id || *i > 0); /* what it replaced stood before it */
        *i -= replaces_id != 0;
        if (!arrive(paper, &paper->orders[*i], recv_ns, out)) {
            return false;
        }
    }
    const struct paper_order *at = &paper->orders[*i];
    if (at->resting && at->cancel_ns <= recv_ns) {
        return end(out, &at->order, PW_EXEC_CANCELED, PW_REASON_NONE, recv_ns);
    }
    return true;
}

static void take_price(struct paper *paper, const struct pw_event *event)
{
    if (event->instrument_idx >= paper->config.instrument_cnt) {
        return;
    }
    struct touch *touch = &paper->quotes[event->instrument_idx];
    if (event->kind == PW_EVENT_QUOTE) {
        touch->bid_e8 = event->body.quote.bid_price_e8;
        touch->ask_e8 = event->body.quote.ask_price_e8;
    } else {
        touch->last_e8 =
            event->kind == PW_EVENT_TRADE ? event->body.trade.price_e8 : event->body.agg_trade.price_e8;
    }
}

/* A new quote or trade reaches an order, or not. True if it is still there. */
static bool react(const struct paper *paper, struct paper_order *at, const struct pw_event *event,
                  struct pw_reports *out)
{
    pw_assert(at->resting || !at->armed);
    if (!at->resting || at->order.instrument_idx != event->instrument_idx) {
        return true;
    }
    if (at->armed) {
        at->armed = event->kind == PW_EVENT_QUOTE || !is_triggered(paper, &at->order);
        return at->armed || meet(paper, &at->order, false, event->recv_ns, out);
    }
    if (event->kind == PW_EVENT_QUOTE && is_reached(paper, &at->order)) {
        fill(paper, out, &at->order, at->order.price_e8, true, event->recv_ns);
        return false;
    }
    return true;
}

static void lose_quotes(struct paper *paper, uint32_t feed_idx)
{
    for (uint32_t i = 0; i < paper->config.instrument_cnt; i++) {
        if (paper->config.instruments[i].feed_idx == feed_idx) {
            paper->quotes[i] = (struct touch){0};
        }
    }
}

/* Each order twice at most: it arrives, and its cancellation or replacement does, or the new price reaches
 * it. */
static void paper_on_market(void *state, const struct pw_event *event, struct pw_reports *out)
{
    struct paper *paper = state;
    for (uint32_t i = 0; i < paper->order_cnt;) {
        if (advance(paper, &i, event->recv_ns, out)) {
            i++;
        } else {
            remove_at(paper, i);
        }
    }
    if (event->kind == PW_EVENT_FEED_STATE && event->body.state.state != PW_FEED_UP) {
        lose_quotes(paper, event->body.state.feed_idx);
    }
    if (event->kind != PW_EVENT_QUOTE && event->kind != PW_EVENT_TRADE && event->kind != PW_EVENT_AGG_TRADE) {
        return;
    }
    take_price(paper, event);
    for (uint32_t i = 0; i < paper->order_cnt;) {
        if (react(paper, &paper->orders[i], event, out)) {
            i++;
        } else {
            remove_at(paper, i);
        }
    }
}

static uint32_t paper_open_cnt(const void *state)
{
    const struct paper *paper = state;
    return paper->order_cnt;
}

const struct pw_gateway_ops pw_paper_gateway = {
    .name = "paper",
    .bytes = paper_bytes,
    .init = paper_init,
    .place = paper_place,
    .cancel = paper_cancel,
    .replace = paper_replace,
    .on_market = paper_on_market,
    .open_cnt = paper_open_cnt,
};
