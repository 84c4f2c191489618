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

/* Of the live gateway, in the order of live_values. */
static const char *const live_names[LIVE_WORDS] = {
    "live_requests",        "live_answers",         "live_events",         "live_refused",
    "live_outcome_unknown", "live_limited",         "live_busy",           "live_clock_refused",
    "live_fatal",           "live_cancel_unknown",  "live_not_found",      "live_halves",
    "live_invalid",         "live_unmatched",       "live_foreign",        "live_leftovers",
    "live_time_outs",       "live_queries",         "live_reports",        "live_resyncs",
    "live_journal_dropped", "live_last_error_code", "live_weight_used",    "live_orders_used",
    "live_clock_offset_ns", "live_clock_error_ns",  "paused_until_ns",     "live_ready",
    "live_refusal",         "live_wants_reconnect", "live_leftovers_open",
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
    x->unknown_orders = pw_env_metric(env, "execution", "unknown_orders");
    bool found = x->unknown_orders != NULL;
    for (int i = 0; i < LIVE_WORDS; i++) {
        x->live_words[i] = pw_env_metric(env, "execution", live_names[i]);
        found = found && x->live_words[i];
    }
    return found ? 0 : -ENOENT;
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

static void show_live(struct execution *x)
{
    struct pw_gateway_counts counts;
    x->gateway->counts(x->gateway_state, &counts);
    const uint64_t live_values[LIVE_WORDS] = {
        (uint64_t)counts.requests,
        (uint64_t)counts.responses,
        (uint64_t)counts.events,
        (uint64_t)counts.errors[PW_ENTRY_REFUSED],
        (uint64_t)counts.errors[PW_ENTRY_UNKNOWN],
        (uint64_t)counts.errors[PW_ENTRY_LIMITED],
        (uint64_t)counts.errors[PW_ENTRY_BUSY],
        (uint64_t)counts.errors[PW_ENTRY_CLOCK],
        (uint64_t)counts.errors[PW_ENTRY_FATAL],
        (uint64_t)counts.errors[PW_ENTRY_CANCEL_UNKNOWN],
        (uint64_t)counts.errors[PW_ENTRY_NOT_FOUND],
        (uint64_t)counts.errors[PW_ENTRY_PARTIAL],
        (uint64_t)counts.invalid,
        (uint64_t)counts.unmatched,
        (uint64_t)counts.external,
        (uint64_t)counts.orphans,
        (uint64_t)counts.timeouts,
        (uint64_t)counts.queries,
        (uint64_t)counts.reports,
        (uint64_t)counts.resyncs,
        (uint64_t)counts.journal_dropped,
        (uint64_t)counts.last_error_code,
        (uint64_t)counts.weight_used,
        (uint64_t)counts.orders_used,
        (uint64_t)counts.clock_offset_ns,
        (uint64_t)counts.clock_error_ns,
        (uint64_t)counts.paused_until_ns,
        (uint64_t)counts.ready,
        (uint64_t)counts.refusal,
        (uint64_t)counts.wants_reconnect,
        counts.orphans_open,
    };
    for (int i = 0; i < LIVE_WORDS; i++) {
        atomic_store_explicit(x->live_words[i], live_values[i], memory_order_relaxed);
    }
}

static void count_unknown(void *state, const struct pw_order_row *row)
{
    *(uint64_t *)state += row->state == PW_ORDER_UNKNOWN;
}

void pw_execution_housekeep(void *state, int64_t now_ns)
{
    (void)now_ns;
    struct execution *x = state;
    for (int i = 0; i < COUNTERS; i++) {
        atomic_store_explicit(x->counters[i], x->counts[i], memory_order_relaxed);
    }
    if (x->gateway->counts) {
        show_live(x);
    }
    if (x->gateway->traits.connects) {
        wipe_wire(x);
    }
    if (!x->changed) {
        return;
    }
    x->changed = false;
    uint64_t unknown_cnt = 0;
    pw_orders_each_open(x->orders, count_unknown, &unknown_cnt);
    atomic_store_explicit(x->unknown_orders, unknown_cnt, memory_order_relaxed);
    for (uint32_t i = 0; i < x->portfolio->row_cnt; i++) {
        struct pw_position position;
        if (pw_portfolio_view(x->portfolio, (uint16_t)i, &position)) {
            pw_cell_write(&x->position_views[i].cell, x->position_views[i].words, &position, sizeof position);
        }
    }
    show_account(x);
}
