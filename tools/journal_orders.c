/* SPDX-License-Identifier: MIT
 *
 * Which strategy an order is of: a fill names its order alone. Read once, from the orders of the run.
 */
#include "journal_tool.h"
#include "orders.h"
#include "pw_assert.h"
#include <stdlib.h>

/* Of the one run of this program: by the order's number in its run, strategy + 1; 0: no such order. */
static struct {
    bool is_read;
    uint32_t *strategies;
    uint64_t cnt;
} orders;

static bool reach(uint64_t number)
{
    if (number < orders.cnt) {
        return true;
    }
    uint64_t cnt = number < 1024 ? 1024 : 2 * number;
    uint32_t *strategies = realloc(orders.strategies, cnt * sizeof *strategies);
    if (!strategies) {
        return false;
    }
    for (uint64_t i = orders.cnt; i < cnt; i++) {
        strategies[i] = 0;
    }
    orders.strategies = strategies;
    orders.cnt = cnt;
    return true;
}

/* What is damaged is told when the events themselves are read. */
static void read_orders(const struct journal_session *session)
{
    const struct pw_journal_query query = {.run_id = session->run.run_id,
                                           .kinds = UINT64_C(1) << PW_EVENT_ORDER};
    struct pw_journal_record record;
    struct pw_journal_cursor *cursor;
    int item;
    orders.is_read = true;
    if (pw_journal_select(session->journal, &query, &cursor) != 0) {
        return;
    }
    while ((item = pw_journal_next(cursor, &record)) > 0) {
        uint64_t number = pw_order_id_counter(record.event.body.order.client_order_id);
        if (item == PW_JOURNAL_EVENT && reach(number)) {
            pw_assert(number < orders.cnt);
            orders.strategies[number] = record.event.body.order.strategy_idx + 1u;
        }
    }
    pw_journal_cursor_free(cursor);
}

bool journal_strategy_of(const struct journal_session *session, uint64_t client_order_id,
                         uint32_t *strategy_idx)
{
    if (!orders.is_read) {
        read_orders(session);
    }
    uint64_t number = pw_order_id_counter(client_order_id);
    *strategy_idx = number < orders.cnt ? orders.strategies[number] - 1 : UINT32_MAX;
    return *strategy_idx != UINT32_MAX;
}
