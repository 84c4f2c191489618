/* SPDX-License-Identifier: MIT
 *
 * Which strategy an order is of: a fill names its order alone. Read once, from the orders of the run.
 */
#include "journal_tool.h"
#include "orders.h"
#include <stdlib.h>

/* Of the one run of this program: by the order's number in its run, strategy + 1; 0: no such order. NULL: not
 * read yet. Of its pages only those that have an order take memory. */
static uint32_t *g_strategies;

/* What is damaged is told when the events themselves are read. */
static void read_orders(const struct journal_session *session)
{
    const struct pw_journal_query query = {.run_id = session->run.run_id,
                                           .kinds = UINT64_C(1) << PW_EVENT_ORDER};
    struct pw_journal_record record;
    struct pw_journal_cursor *cursor;
    int item;
    g_strategies = calloc(UINT64_C(1) << PW_ORDER_COUNTER_BITS, sizeof *g_strategies);
    if (g_strategies == NULL || pw_journal_select(session->journal, &query, &cursor) != 0) {
        return;
    }
    while ((item = pw_journal_next(cursor, &record)) > 0) {
        const struct pw_order *order = &record.event.body.order;
        if (item == PW_JOURNAL_EVENT) {
            g_strategies[pw_order_id_counter(order->client_order_id)] = order->strategy_idx + 1u;
        }
    }
    pw_journal_cursor_free(cursor);
}

bool journal_strategy_of(const struct journal_session *session, uint64_t client_order_id,
                         uint32_t *strategy_idx)
{
    if (g_strategies == NULL) {
        read_orders(session);
    }
    uint32_t known = g_strategies != NULL ? g_strategies[pw_order_id_counter(client_order_id)] : 0;
    *strategy_idx = known - 1;
    return known != 0;
}
