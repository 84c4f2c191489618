/* SPDX-License-Identifier: MIT
 *
 * What the execution stage shows to the outside: counters, positions, the account.
 */
#include "execution_state.h"
#include "metrics_table.h"
#include "pw_assert.h"
#include <errno.h>
#include <string.h>

void pw_execution_count_denied(struct execution *x, struct execution_account *account, enum pw_reason reason)
{
#define NOWHERE(NAME, number, name, help)
#define AT(NAME, number, name, help) [number] = offsetof(struct pw_execution_metrics, denied_##name),
    static const uint16_t offsets[] = {PW_REASONS(NOWHERE, AT, NOWHERE)};
#undef AT
#undef NOWHERE
    pw_assert(reason != PW_REASON_NONE);
    account->shown.denied_cnt++;
    if (pw_reason_kind(reason) == PW_REASON_KIND_DENIED) {
        pw_metric_count_at(&x->metrics, offsets[reason]);
    }
}

static void count_open(void *state, const struct pw_order_row *row)
{
    ((struct execution *)state)->accounts[row->account_idx].shown.open_order_cnt++;
}

static void show_accounts(struct execution *x)
{
    for (uint32_t i = 0; i < x->account_cnt; i++) {
        x->accounts[i].shown.open_order_cnt = 0;
    }
    pw_orders_each_open(x->orders, count_open, x);
    uint64_t open_cnt = 0;
    for (uint32_t i = 0; i < x->account_cnt; i++) {
        struct execution_account *account = &x->accounts[i];
        open_cnt += account->shown.open_order_cnt;
        account->shown.halted = account->halted;
        pw_money_put_words(account->shown.cash_e16, account->portfolio->cash_e16);
        pw_money_put_words(account->shown.equity_e16, pw_portfolio_equity_e16(account->portfolio));
        pw_cell_write(&account->view->cell, account->view->words, &account->shown, sizeof account->shown);
    }
    pw_assert(open_cnt == x->orders->open_cnt); /* every open order is an account's */
}

/* What the accounts count, for all of them. */
static void sum_counts(struct execution *x)
{
    struct pw_execution_metrics *sum = &x->metrics;
    sum->intents = sum->orders = sum->fills = sum->denied = sum->rejected = sum->canceled = 0;
    for (uint32_t i = 0; i < x->account_cnt; i++) {
        const struct pw_account *shown = &x->accounts[i].shown;
        sum->intents += shown->intent_cnt;
        sum->orders += shown->order_cnt;
        sum->fills += shown->fill_cnt;
        sum->denied += shown->denied_cnt;
        sum->rejected += shown->rejected_cnt;
        sum->canceled += shown->canceled_cnt;
    }
    pw_assert(sum->intents >= sum->orders + sum->denied); /* the others are cancels */
}

/* Requests bear the key's name and signatures, and the ring stands in shared memory, where a killed engine
 * leaves it: what net_tx has taken is wiped, by its writer, when the gateway has no more use for it. */
static void wipe_wire(const struct execution *x, struct order_line *line)
{
    struct pw_producer *wire = &line->wire;
    /* Acquire: net_tx has finished reading. Pairs with the release in pw_consumer_done. */
    uint64_t tail = atomic_load_explicit(&wire->ring->tail, memory_order_acquire);
    uint64_t area_bytes = wire->payload_mask + 1;
    pw_assert(line->wiped_pos <= wire->payload_head);
    if (x->untold.row || line->wiped_pos == wire->payload_head || tail != wire->head) {
        return;
    }
    uint64_t pos =
        wire->payload_head - line->wiped_pos > area_bytes ? wire->payload_head - area_bytes : line->wiped_pos;
    while (pos < wire->payload_head) {
        uint64_t at = pos & wire->payload_mask;
        uint64_t bytes =
            wire->payload_head - pos < area_bytes - at ? wire->payload_head - pos : area_bytes - at;
        memset(wire->payload + at, 0, bytes);
        pos += bytes;
    }
    pw_assert(pos == wire->payload_head);
    line->wiped_pos = pos;
}

static void show_gateways(struct execution *x, int64_t now_ns)
{
    for (uint32_t i = 0; i < x->account_cnt; i++) {
        const struct execution_account *account = &x->accounts[i];
        struct pw_gateway_metrics metrics;
        if (account->venue_errors) {
            pw_venue_errors_publish(account->venue_errors);
        }
        if (account->gateway->counts) {
            account->gateway->counts(account->gateway_state, &metrics);
            metrics.rejections = account->rejections;
            metrics.rejections_until_ns =
                account->rejections_until_ns > now_ns ? account->rejections_until_ns : 0;
            pw_gateway_metrics_publish(account->gateway_metric_rows, &metrics);
        }
    }
}

static void count_unknown(void *state, const struct pw_order_row *row)
{
    *(int64_t *)state += row->state == PW_ORDER_UNKNOWN;
}

void pw_execution_housekeep(void *state, int64_t now_ns)
{
    struct execution *x = state;
    if (x->changed) {
        x->metrics.unknown_orders = 0;
        pw_orders_each_open(x->orders, count_unknown, &x->metrics.unknown_orders);
        pw_assert((uint64_t)x->metrics.unknown_orders <= x->orders->open_cnt);
    }
    sum_counts(x);
    pw_execution_metrics_publish(x->metric_rows, &x->metrics);
    show_gateways(x, now_ns);
    for (uint32_t i = 0; i < x->line_cnt; i++) {
        wipe_wire(x, &x->lines[i]);
    }
    if (!x->changed) {
        return;
    }
    x->changed = false;
    for (uint16_t i = 0; i < x->instrument_cnt; i++) {
        struct execution_account *account = account_of(x, i);
        struct pw_position position;
        if (account && pw_portfolio_view(account->portfolio, i, &position)) {
            pw_cell_write(&x->position_views[i].cell, x->position_views[i].words, &position, sizeof position);
        }
    }
    show_accounts(x);
}
