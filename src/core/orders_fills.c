/* SPDX-License-Identifier: MIT
 *
 * The memory of fills: a ring of those booked last, and an index by hash over it.
 */
#include "orders_private.h"
#include "pw_assert.h"

static uint32_t home_of_fill(const struct pw_orders *orders, const struct pw_order_fill *fill)
{
    uint64_t mixed = (fill->client_order_id ^ fill->trade_id << 32 ^ fill->trade_id >> 32) + fill->trade_id;
    return pw_orders_home(mixed, orders->fill_index_mask);
}

static uint32_t home_of(const struct pw_orders *orders, uint32_t place)
{
    return home_of_fill(orders, &orders->fills[place]);
}

/* The slot that holds the fill, or the free one where it belongs. */
static uint32_t slot_of(const struct pw_orders *orders, const struct pw_order_fill *fill)
{
    uint32_t slot = home_of_fill(orders, fill);
    for (; orders->fill_index[slot]; slot = (slot + 1) & orders->fill_index_mask) {
        const struct pw_order_fill *at = &orders->fills[orders->fill_index[slot] - 1];
        if (at->client_order_id == fill->client_order_id && at->trade_id == fill->trade_id) {
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

bool pw_orders_fill_is_known(const struct pw_orders *orders, const struct pw_report *report)
{
    const struct pw_order_fill fill = {report->client_order_id, report->trade_id};
    return report->has_trade_id && orders->fill_index[slot_of(orders, &fill)];
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
    orders->fills[place] = (struct pw_order_fill){report->client_order_id, report->trade_id};
    uint32_t slot = slot_of(orders, &orders->fills[place]);
    pw_assert(orders->fill_index[slot] == 0);
    orders->fill_index[slot] = place + 1;
    orders->fill_cnt++;
}
