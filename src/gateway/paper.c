/* SPDX-License-Identifier: MIT
 *
 * The paper venue: a short list of orders in the order of their placing, and the last quote of each
 * instrument.
 */
#include "paper.h"

#include "money.h"
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define NEVER INT64_MAX

struct paper_order {
    struct pw_gateway_order order;
    int64_t arrive_ns; /* when it reaches the venue */
    int64_t cancel_ns; /* when its cancellation does */
    bool resting;
};

struct touch {
    int64_t bid_e8, ask_e8; /* 0: none */
};

struct paper {
    struct pw_paper_config config;
    uint32_t order_cnt;
    struct paper_order orders[PW_OPEN_ORDERS_MAX];
    struct touch quotes[]; /* by instrument */
};

size_t pw_paper_bytes(uint32_t instrument_cnt)
{
    return (sizeof(struct paper) + instrument_cnt * sizeof(struct touch) + 63) / 64 * 64;
}

int pw_paper_init(void *state, const struct pw_paper_config *config)
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
                                enum pw_order_news news, int64_t recv_ns)
{
    struct pw_report *row = &out->rows[out->cnt++];
    *row = (struct pw_report){
        .client_order_id = order->client_order_id, .recv_ns = recv_ns, .news = (uint8_t)news};
    return row;
}

static void fill(const struct paper *paper, struct pw_reports *out, const struct pw_gateway_order *order,
                 int64_t price_e8, bool maker, int64_t recv_ns)
{
    struct pw_report *row = report(out, order, PW_NEWS_FILL, recv_ns);
    row->fill_price_e8 = price_e8;
    row->fill_qty_e8 = order->qty_e8;
    row->fee_e16 =
        pw_money_fee_e16(pw_money_notional_e16(price_e8, order->qty_e8), paper->config.fee_rate_e8);
    row->maker = maker;
}

static int64_t opposite_e8(const struct paper *paper, const struct pw_gateway_order *order)
{
    const struct touch *quote = &paper->quotes[order->instrument_idx];
    return order->side == PW_BUY ? quote->ask_e8 : quote->bid_e8;
}

/* Does the quote reach a limit order's price? */
static bool is_reached(const struct paper *paper, const struct pw_gateway_order *order)
{
    int64_t quote = opposite_e8(paper, order);
    return quote > 0 && (order->side == PW_BUY ? quote <= order->price_e8 : quote >= order->price_e8);
}

/* The order is at the venue. True if it stays there. */
static bool arrive(const struct paper *paper, const struct pw_gateway_order *order, int64_t recv_ns,
                   struct pw_reports *out)
{
    if (order->type == PW_MARKET && opposite_e8(paper, order) <= 0) {
        report(out, order, PW_NEWS_REJECT, recv_ns)->reason = PW_REASON_NO_QUOTE;
        return false;
    }
    if (order->type == PW_MARKET || is_reached(paper, order)) {
        fill(paper, out, order, opposite_e8(paper, order), false, recv_ns);
        return false;
    }
    if (order->tif != PW_GTC) {
        report(out, order, PW_NEWS_CANCELED, recv_ns);
        return false;
    }
    report(out, order, PW_NEWS_ACK, recv_ns);
    return true;
}

static int64_t paper_place(void *state, const struct pw_gateway_order *order, struct pw_reports *out)
{
    struct paper *paper = state;
    if (paper->order_cnt == PW_OPEN_ORDERS_MAX || order->instrument_idx >= paper->config.instrument_cnt) {
        report(out, order, PW_NEWS_REJECT, order->recv_ns)->reason =
            paper->order_cnt == PW_OPEN_ORDERS_MAX ? PW_REASON_NO_ROOM : PW_REASON_UNKNOWN_INSTRUMENT;
        return 0;
    }
    bool at_once = paper->config.latency_ns == 0;
    if (at_once && !arrive(paper, order, order->recv_ns, out)) {
        return 0;
    }
    paper->orders[paper->order_cnt++] =
        (struct paper_order){.order = *order,
                             .arrive_ns = after(order->recv_ns, paper->config.latency_ns),
                             .cancel_ns = NEVER,
                             .resting = at_once};
    return 0;
}

static void remove_at(struct paper *paper, uint32_t i)
{
    paper->order_cnt--;
    memmove(&paper->orders[i], &paper->orders[i + 1], (paper->order_cnt - i) * sizeof paper->orders[0]);
}

static void paper_cancel(void *state, uint64_t client_order_id, int64_t recv_ns, struct pw_reports *out)
{
    struct paper *paper = state;
    for (uint32_t i = 0; i < paper->order_cnt; i++) {
        struct paper_order *at = &paper->orders[i];
        if (at->order.client_order_id != client_order_id) {
            continue;
        }
        if (paper->config.latency_ns == 0) {
            report(out, &at->order, PW_NEWS_CANCELED, recv_ns);
            remove_at(paper, i);
        } else if (at->cancel_ns == NEVER) {
            at->cancel_ns = after(recv_ns, paper->config.latency_ns);
        }
        return;
    }
}

/* What reaches the venue by recv_ns: the order first, then its cancellation. True if it is still there. */
static bool advance(const struct paper *paper, struct paper_order *at, int64_t recv_ns,
                    struct pw_reports *out)
{
    if (!at->resting && at->arrive_ns <= recv_ns) {
        if (!arrive(paper, &at->order, recv_ns, out)) {
            return false;
        }
        at->resting = true;
    }
    if (at->resting && at->cancel_ns <= recv_ns) {
        report(out, &at->order, PW_NEWS_CANCELED, recv_ns);
        return false;
    }
    return true;
}

static void take_quote(struct paper *paper, const struct pw_event *event)
{
    if (event->instrument_idx < paper->config.instrument_cnt) {
        paper->quotes[event->instrument_idx] =
            (struct touch){event->body.quote.bid_price_e8, event->body.quote.ask_price_e8};
    }
}

static void lose_quotes(struct paper *paper, uint32_t feed_idx)
{
    for (uint32_t i = 0; i < paper->config.instrument_cnt; i++) {
        if (paper->config.instruments[i].feed_idx == feed_idx) {
            paper->quotes[i] = (struct touch){0};
        }
    }
}

/* Each order twice at most: it arrives or its cancellation does, and the new quote reaches it. */
static void paper_on_market(void *state, const struct pw_event *event, struct pw_reports *out)
{
    struct paper *paper = state;
    for (uint32_t i = 0; i < paper->order_cnt;) {
        if (advance(paper, &paper->orders[i], event->recv_ns, out)) {
            i++;
        } else {
            remove_at(paper, i);
        }
    }
    if (event->kind == PW_EVENT_FEED_STATE && event->body.state.state != PW_FEED_UP) {
        lose_quotes(paper, event->body.state.feed_idx);
    }
    if (event->kind != PW_EVENT_QUOTE) {
        return;
    }
    take_quote(paper, event);
    for (uint32_t i = 0; i < paper->order_cnt;) {
        const struct paper_order *at = &paper->orders[i];
        if (at->resting && at->order.instrument_idx == event->instrument_idx &&
            is_reached(paper, &at->order)) {
            fill(paper, out, &at->order, at->order.price_e8, true, event->recv_ns);
            remove_at(paper, i);
        } else {
            i++;
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
    .place = paper_place,
    .cancel = paper_cancel,
    .on_market = paper_on_market,
    .open_cnt = paper_open_cnt,
};
