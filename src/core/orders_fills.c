/* SPDX-License-Identifier: MIT
 *
 * The memory of fills: a ring of those booked last, and an index by hash over it.
 */
#include "orders_private.h"
#include "pw_assert.h"

static uint32_t home_of_trade(const struct pw_orders *orders, uint64_t trade_id)
{
    return pw_orders_home(trade_id, orders->fill_index_mask);
}

static uint32_t home_of(const struct pw_orders *orders, uint32_t place)
{
    return home_of_trade(orders, orders->fills[place].trade_id);
}

/* The slot that holds the fill, or the free one where it belongs. */
static uint32_t slot_of(const struct pw_orders *orders, const struct pw_order_fill *fill)
{
    uint32_t slot = home_of_trade(orders, fill->trade_id);
    for (; orders->fill_index[slot]; slot = (slot + 1) & orders->fill_index_mask) {
        const struct pw_order_fill *at = &orders->fills[orders->fill_index[slot] - 1];
        if (at->trade_id == fill->trade_id && at->client_order_id == fill->client_order_id) {
            break;
        }
    }
    return slot;
}

static void forget(struct pw_orders *orders, const struct pw_order_fill *fill)
{
    uint32_t slot = slot_of(orders, fill);
    pw_assert(orders->fill_index[slot] != 0);
    pw_orders_index_free(orders, orders->fill_index, orders->fill_index_mask, slot, home_of);
}

/* Whoever trades with himself has one trade in two orders: one of them buys. */
static bool is_anothers(const struct pw_orders *orders, const struct pw_order_row *row,
                        const struct pw_order_fill *fill)
{
    const struct pw_order_row *other = pw_orders_find(orders, fill->client_order_id);
    return other && other->instrument_idx == row->instrument_idx && other->side == row->side;
}

enum pw_fill_seen pw_orders_fill_seen(const struct pw_orders *orders, const struct pw_order_row *row,
                                      const struct pw_report *report)
{
    if (!report->has_trade_id) {
        return PW_FILL_NEW;
    }
    uint32_t slot = home_of_trade(orders, report->trade_id);
    for (; orders->fill_index[slot]; slot = (slot + 1) & orders->fill_index_mask) {
        const struct pw_order_fill *at = &orders->fills[orders->fill_index[slot] - 1];
        if (at->trade_id != report->trade_id) {
            continue;
        }
        if (at->client_order_id == row->client_order_id) {
            bool same = at->price_e8 == report->fill_price_e8 && at->qty_e8 == report->fill_qty_e8;
            return same ? PW_FILL_KNOWN : PW_FILL_CONTRADICTS;
        }
        if (is_anothers(orders, row, at)) {
            return PW_FILL_CONTRADICTS;
        }
    }
    return PW_FILL_NEW;
}

void pw_orders_fill_remember(struct pw_orders *orders, const struct pw_report *report)
{
    if (!report->has_trade_id) {
        return;
    }
    uint32_t place = (uint32_t)(orders->fill_cnt % orders->fill_slots);
    if (orders->fill_cnt >= orders->fill_slots) {
        forget(orders, &orders->fills[place]);
    }
    orders->fills[place] = (struct pw_order_fill){report->client_order_id, report->trade_id,
                                                  report->fill_price_e8, report->fill_qty_e8};
    uint32_t slot = slot_of(orders, &orders->fills[place]);
    pw_assert(orders->fill_index[slot] == 0);
    orders->fill_index[slot] = place + 1;
    orders->fill_cnt++;
}
