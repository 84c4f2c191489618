/* SPDX-License-Identifier: MIT
 *
 * What the execution stage shows to the outside: counters, positions, the account.
 */
#include "execution_state.h"
#include <errno.h>
#include <string.h>

#define NO_COUNTER COUNTERS

/* Names in the metrics table; of the denials, those of their reasons: "denied_" and pw_reason_name. */
static const struct {
    const char *name;
    uint8_t reason;
} counter_table[COUNTERS] = {
    [EVENTS] = {"events", 0},
    [INTENTS] = {"intents", 0},
    [ORDERS] = {"orders", 0},
    [FILLS] = {"fills", 0},
    [CANCELED] = {"canceled", 0},
    [REJECTED] = {"rejected", 0},
    [DENIED] = {"denied", 0},
    [DENIED_HALTED] = {"denied_halted", PW_REASON_HALTED},
    [DENIED_PRICE_FILTER] = {"denied_price_filter", PW_REASON_PRICE_FILTER},
    [DENIED_LOT_SIZE] = {"denied_lot_size", PW_REASON_LOT_SIZE},
    [DENIED_MIN_NOTIONAL] = {"denied_min_notional", PW_REASON_MIN_NOTIONAL},
    [DENIED_MAX_NOTIONAL] = {"denied_max_notional", PW_REASON_MAX_NOTIONAL},
    [DENIED_MAX_POSITION] = {"denied_max_position", PW_REASON_MAX_POSITION},
    [DENIED_CASH] = {"denied_cash", PW_REASON_CASH},
    [DENIED_ORDER_RATE] = {"denied_order_rate", PW_REASON_ORDER_RATE},
    [DENIED_NO_QUOTE] = {"denied_no_quote", PW_REASON_NO_QUOTE},
    [DENIED_NOT_TRADING] = {"denied_not_trading", PW_REASON_NOT_TRADING},
    [DENIED_UNKNOWN_INSTRUMENT] = {"denied_unknown_instrument", PW_REASON_UNKNOWN_INSTRUMENT},
    [DENIED_BAD_INTENT] = {"denied_bad_intent", PW_REASON_BAD_INTENT},
    [DENIED_NO_ROOM] = {"denied_no_room", PW_REASON_NO_ROOM},
    [DENIED_NO_POSITION] = {"denied_no_position", PW_REASON_NO_POSITION},
    [DENIED_STALE] = {"denied_stale", PW_REASON_STALE},
    [DENIED_NOT_CONNECTED] = {"denied_not_connected", PW_REASON_NOT_CONNECTED},
    [DENIED_REQUEST_LIMIT] = {"denied_request_limit", PW_REASON_REQUEST_LIMIT},
    [DENIED_VENUE_TIME] = {"denied_venue_time", PW_REASON_VENUE_TIME},
    [DENIED_NOT_OPEN] = {"denied_not_open", PW_REASON_NOT_OPEN},
    [REPORTS_REPEATED] = {"reports_repeated", 0},
    [REPORTS_REFUSED] = {"reports_refused", 0},
    [CANCELS_VOID] = {"cancels_void", 0},
    [STALLS] = {"stalls", 0},
};

int pw_execution_find_counters(struct execution *x, const struct pw_stage_env *env)
{
    memset(x->counter_of_reason, NO_COUNTER, sizeof x->counter_of_reason);
    for (int i = 0; i < COUNTERS; i++) {
        x->counters[i] = pw_env_metric(env, "execution", counter_table[i].name);
        if (!x->counters[i]) {
            return -ENOENT; /* and logged */
        }
        if (counter_table[i].reason) {
            x->counter_of_reason[counter_table[i].reason] = (uint8_t)i;
        }
    }
    return 0;
}

void pw_execution_count_denied(struct execution *x, enum pw_reason reason)
{
    x->counts[DENIED]++;
    if (x->counter_of_reason[reason] != NO_COUNTER) {
        x->counts[x->counter_of_reason[reason]]++;
    }
}

static void show_account(struct execution *x)
{
    struct pw_account account = {
        .intent_cnt = x->counts[INTENTS],
        .order_cnt = x->counts[ORDERS],
        .fill_cnt = x->counts[FILLS],
        .denied_cnt = x->counts[DENIED],
        .rejected_cnt = x->counts[REJECTED],
        .canceled_cnt = x->counts[CANCELED],
        .open_order_cnt = x->orders->open_cnt,
        .halted = x->halted != 0,
    };
    pw_money_put_words(account.cash_e16, x->portfolio->cash_e16);
    pw_money_put_words(account.equity_e16, pw_portfolio_equity_e16(x->portfolio));
    pw_cell_write(&x->account_view->cell, x->account_view->words, &account, sizeof account);
}

void pw_execution_housekeep(void *state, int64_t now_ns)
{
    (void)now_ns;
    struct execution *x = state;
    for (int i = 0; i < COUNTERS; i++) {
        atomic_store_explicit(x->counters[i], x->counts[i], memory_order_relaxed);
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
