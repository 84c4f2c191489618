/* SPDX-License-Identifier: MIT
 *
 * What the execution stage shows to the outside: counters, positions, the account.
 */
#include "metrics_table.h"
#include "execution_state.h"
#include <errno.h>
#include <string.h>

void pw_execution_count_denied(struct execution *x, enum pw_reason reason)
{
#define NOWHERE(NAME, number, name, help)
#define AT(NAME, number, name, help) [number] = offsetof(struct pw_execution_metrics, denied_##name),
    static const uint16_t offsets[] = {PW_REASONS(NOWHERE, AT, NOWHERE)};
#undef AT
#undef NOWHERE
    x->metrics.denied++;
    if (pw_reason_kind(reason) == PW_REASON_KIND_DENIED) {
        pw_metric_count_at(&x->metrics, offsets[reason]);
    }
}

static void show_account(struct execution *x)
{
    struct pw_account account = {
        .intent_cnt = x->metrics.intents,
        .order_cnt = x->metrics.orders,
        .fill_cnt = x->metrics.fills,
        .denied_cnt = x->metrics.denied,
        .rejected_cnt = x->metrics.rejected,
        .canceled_cnt = x->metrics.canceled,
        .open_order_cnt = x->orders->open_cnt,
        .halted = x->halted != 0,
    };
    pw_money_put_words(account.cash_e16, x->portfolio->cash_e16);
    pw_money_put_words(account.equity_e16, pw_portfolio_equity_e16(x->portfolio));
    pw_cell_write(&x->account_view->cell, x->account_view->words, &account, sizeof account);
}

/* Requests bear the key's name and signatures, and the ring stands in shared memory, where a killed engine
 * leaves it: what net_tx has taken is wiped, by its writer, when the gateway has no more use for it. */
static void wipe_wire(struct execution *x)
{
    struct pw_producer *wire = &x->wire;
    /* Acquire: net_tx has finished reading. Pairs with the release in pw_consumer_done. */
    uint64_t tail = atomic_load_explicit(&wire->ring->tail, memory_order_acquire);
    uint64_t area_bytes = wire->payload_mask + 1;
    if (x->untold.row || x->wiped_pos == wire->payload_head || tail != wire->head) {
        return;
    }
    uint64_t pos =
        wire->payload_head - x->wiped_pos > area_bytes ? wire->payload_head - area_bytes : x->wiped_pos;
    while (pos < wire->payload_head) {
        uint64_t at = pos & wire->payload_mask;
        uint64_t bytes =
            wire->payload_head - pos < area_bytes - at ? wire->payload_head - pos : area_bytes - at;
        memset(wire->payload + at, 0, bytes);
        pos += bytes;
    }
    x->wiped_pos = pos;
}

static void show_gateway(struct execution *x)
{
    struct pw_gateway_metrics metrics;
    x->gateway->counts(x->gateway_state, &metrics);
    pw_gateway_metrics_publish(x->gateway_metric_rows, &metrics);
}

static void count_unknown(void *state, const struct pw_order_row *row)
{
    *(int64_t *)state += row->state == PW_ORDER_UNKNOWN;
}

void pw_execution_housekeep(void *state, int64_t now_ns)
{
    (void)now_ns;
    struct execution *x = state;
    if (x->changed) {
        x->metrics.unknown_orders = 0;
        pw_orders_each_open(x->orders, count_unknown, &x->metrics.unknown_orders);
    }
    pw_execution_metrics_publish(x->metric_rows, &x->metrics);
    if (x->gateway->counts) {
        show_gateway(x);
    }
    if (x->gateway->traits.connects) {
        wipe_wire(x);
    }
    if (!x->changed) {
        return;
    }
    x->changed = false;
    for (uint32_t i = 0; i < x->portfolio->row_cnt; i++) {
        struct pw_position position;
        if (pw_portfolio_view(x->portfolio, (uint16_t)i, &position)) {
            pw_cell_write(&x->position_views[i].cell, x->position_views[i].words, &position, sizeof position);
        }
    }
    show_account(x);
}
