/* SPDX-License-Identifier: MIT
 *
 * The session: the connection's notices, the steps from connected to ready, and the venue's clock.
 */
#include "session_state.h"

#include <string.h>

#define RETRY_MIN_NS (500 * LIVE_MS)
#define RETRY_MAX_NS (60 * LIVE_S) /* and with a key that was refused */
#define TRIES_MAX    3u            /* requests without an answer, in sequence: the connection is no good */
#define LOST_TRIES   2u            /* as after so many: two seconds */
#define SUBSCRIBED   (-2035)       /* the venue's code: this connection has a subscription */

/* ---- the connection ---- */

static void restart(struct live *live, enum live_phase phase)
{
    live->phase = phase;
    live->session_number = 0;
    live->retry_ns = live->now_ns;
    live->tries = 0;
}

static enum live_phase first_phase(const struct live *live)
{
    return live->config.signing.is_ed25519 ? LIVE_LOGON : LIVE_SUBSCRIBE;
}

/* What was under way may have been carried out or not. */
static void go_down(struct live *live, int64_t recv_ns, struct pw_reports *out)
{
    struct live_asked was;
    while (live->asked_cnt > 0) {
        live_drop(live, live->asked_cnt - 1, &was);
    }
    for (uint32_t i = 0; i < live->row_cnt; i++) {
        struct live_row *row = &live->rows[i];
        row->asked = row->cancel_asked = false;
        row->ask_ns = row->cancel_ns = live->now_ns;
        row->cancel_tries = 0;
    }
    live->time_asked = live->logged_on = false;
    restart(live, LIVE_DOWN);
    live_resync(live, recv_ns, out);
}

void live_notice(struct live *live, const struct pw_event *frame, struct pw_reports *out)
{
    bool up = frame->body.frame.state == PW_FEED_UP;
    if (live->phase != LIVE_DOWN) {
        go_down(live, frame->recv_ns, out);
    }
    live->closing = live->wants_reconnect = false;
    if (up) {
        live->epoch = frame->body.frame.epoch;
        live->logged_on = !live->config.signing.is_ed25519;
        restart(live, first_phase(live));
        live->time_ns = 0;
    }
}

void live_session_resume(struct live *live, enum live_phase phase, int64_t recv_ns, struct pw_reports *out)
{
    if (live->phase > phase) {
        restart(live, phase);
        live_resync(live, recv_ns, out);
    }
}

/* ---- the venue's clock ---- */

/* The budget's time is the venue's; a pause is kept in ours. */
void live_set_offset(struct live *live, int64_t offset_ns)
{
    if (live->budget.paused_until_ns != 0) {
        live->budget.paused_until_ns += offset_ns - live->offset_ns;
    }
    live->offset_ns = offset_ns;
}

void live_clock_lost(struct live *live)
{
    pw_venue_clock_init(&live->clock, LIVE_MS);
    live->time_ns = 0;
    live->look = true;
}

/* Seldom when it is known well; at short intervals until then. */
void live_time_step(struct live *live)
{
    int64_t offset_ns, error_ns;
    if (live->phase == LIVE_DOWN || live->time_asked) {
        return;
    }
    bool known = pw_venue_clock_offset(&live->clock, live->now_ns, &offset_ns, &error_ns);
    int64_t interval_ns = live_clock(live) ? PW_LIVE_TIME_NS : known ? LIVE_S : 100 * LIVE_MS;
    struct pw_binance_values values = {.number = 0};
    if (live->time_ns != 0 && !live_due(live, live->time_ns + interval_ns)) {
        return;
    }
    if (live_ask(live, &live->time, &values, 0, false)) {
        live->time_ns = live->now_ns;
        live->time_asked = true;
    }
}

/* ---- steps ---- */

/* With it the account's events may have ended. Not at once: a venue that takes the logon and forgets it again
 * must not be asked in a circle. */
void live_session_lost(struct live *live, int64_t recv_ns, struct pw_reports *out)
{
    if (live->phase > LIVE_LOGON) {
        live_session_resume(live, LIVE_LOGON, recv_ns, out);
        live->logged_on = false;
        live->tries = LOST_TRIES;
        live_session_retry(live, LIVE_LOGON);
    }
}

void live_session_retry(struct live *live, enum live_phase phase)
{
    int64_t wait_ns = live->fatal ? RETRY_MAX_NS : RETRY_MIN_NS << (live->tries < 7 ? live->tries : 7);
    live->phase = phase;
    live->session_number = 0;
    live->retry_ns = live->now_ns + (wait_ns < RETRY_MAX_NS ? wait_ns : RETRY_MAX_NS);
    live->tries++;
}

/* The session itself may stand, and is used: cancellations and questions go on. */
void live_session_refused(struct live *live, enum pw_reason reason, struct pw_reports *out)
{
    if (!live->fatal) {
        live->fatal = true;
        live->refusal = (uint8_t)reason;
        out->halt = reason;
        if (live->phase != LIVE_DOWN) {
            live_session_retry(live, first_phase(live));
        }
    }
}

void live_session_failed(struct live *live)
{
    live_session_retry(live, live->phase);
    live->wants_reconnect |= live->tries >= TRIES_MAX;
}

void live_session_step(struct live *live)
{
    struct pw_binance_request *const requests[] = {
        [LIVE_LOGON] = &live->logon,
        [LIVE_SUBSCRIBE] = &live->subscribe,
        [LIVE_LIST] = &live->list,
        [LIVE_FUNDS] = &live->account,
    };
    struct pw_binance_values values = {.number = 0};
    if (live->phase == LIVE_FUNDS && live->funds_checked) {
        restart(live, LIVE_READY);
        live->refusal = PW_REASON_NONE;
    }
    if (live->phase == LIVE_DOWN || live->phase == LIVE_READY || live->session_number != 0 || live->closing ||
        !live_clock(live) || !live_due(live, live->retry_ns)) {
        return;
    }
    const struct live_asked *asked = live_ask(live, requests[live->phase], &values, 0, false);
    live->session_number = asked ? asked->number : 0;
}

/* ---- answers ---- */

static void advance(struct live *live, enum live_phase phase)
{
    restart(live, phase);
    live->look = true;
}

/* The venue has taken the key. */
static void accept(struct live *live, enum live_phase phase)
{
    live->logged_on = true;
    if (live->fatal) {
        live->fatal = false;
        live->refusal = PW_REASON_NONE;
    }
    advance(live, phase);
}

/* An order that nobody here works any more. */
static void cancel_leftover(struct live *live, const struct pw_binance_order *order)
{
    struct pw_instrument instrument = {.tick_e8 = 0};
    struct pw_binance_values values = {.order_id = order->client_order_id};
    memcpy(instrument.symbol, order->symbol, sizeof instrument.symbol);
    if (live_prepare(live, &live->scratch, PW_BINANCE_CANCEL, 0, &instrument) == 0) {
        live_ask(live, &live->scratch, &values, order->client_order_id, true);
    }
}

/* True: not before it is gone. */
static bool cancel_listed(struct live *live, const struct pw_binance_order *order)
{
    live->counts.leftovers++;
    if (live->config.dry) {
        return false;
    }
    cancel_leftover(live, order);
    return true;
}

/* True if it is one that has to go first: of an earlier run, or of this one and not in the order table (then
 * execution is told, too, and halts). *untold: there was no room for its report. */
static bool take_listed(struct live *live, const struct pw_binance_order *order, int64_t recv_ns,
                        struct pw_reports *out, bool *untold)
{
    struct pw_report report;
    if (!live_is_own(live, order->is_ours, order->instance_hash)) {
        live->counts.foreign++;
        return false;
    }
    if (pw_order_id_run(order->client_order_id) != live->config.orders->run_id) {
        return cancel_listed(live, order);
    }
    if (pw_binance_order_report(order, PW_BINANCE_OPEN_ORDERS, recv_ns, &report)) {
        *untold |= !live_report(live, &report, out);
    }
    struct live_row *row = live_row_find(live, order->client_order_id);
    if (row) {
        row->venue_order_id = order->venue_order_id;
    }
    return !row && !pw_orders_find(live->config.orders, order->client_order_id) && cancel_listed(live, order);
}

static void take_list(struct live *live, const struct pw_binance_list *list, int64_t recv_ns,
                      struct pw_reports *out)
{
    struct pw_binance_cursor cursor = {.begun = false};
    struct pw_binance_order order;
    bool asked_before = live->counts.leftovers_open != 0, untold = false;
    live->counts.leftovers_open = 0;
    while (pw_binance_order_next(&cursor, list, &order)) {
        live->counts.leftovers_open += take_listed(live, &order, recv_ns, out, &untold);
    }
    if (live->counts.leftovers_open != 0 || untold) {
        bool stays = asked_before && live->counts.leftovers_open != 0;
        live->refusal = stays ? PW_REASON_ORPHAN_ORDERS : live->refusal;
        live_session_retry(live, LIVE_LIST);
        return;
    }
    live->refusal = live->refusal == PW_REASON_ORPHAN_ORDERS ? PW_REASON_NONE : live->refusal;
    advance(live, LIVE_FUNDS);
}

/* Once a run: later the run's own orders have spent of it. */
static void take_account(struct live *live, const struct pw_binance_list *balances)
{
    struct pw_binance_cursor cursor = {.begun = false};
    struct pw_binance_balance balance;
    int64_t free_e8 = 0;
    while (pw_binance_balance_next(&cursor, balances, &balance)) {
        if (pw_json_equal(&balance.asset, live->config.quote_asset)) {
            free_e8 = balance.free_e8;
        }
    }
    live->funds_checked = free_e8 >= live->config.cash_e8;
    if (live->funds_checked) {
        advance(live, LIVE_FUNDS); /* and from there to the end */
    } else {
        live->refusal = PW_REASON_VENUE_FUNDS;
        live_session_retry(live, LIVE_FUNDS);
    }
}

/* Does the answer say what its phase asked for? */
static bool is_expected(const struct live *live, const struct pw_binance_told *told)
{
    switch (live->phase) {
    case LIVE_LOGON:
        return told->kind == PW_BINANCE_TOLD_SESSION && told->body.session.is_logged_on;
    case LIVE_SUBSCRIBE:
        return told->kind == PW_BINANCE_TOLD_SUBSCRIBED ||
               (told->kind == PW_BINANCE_TOLD_ERROR && told->error.code == SUBSCRIBED);
    case LIVE_LIST:
        return told->kind == PW_BINANCE_TOLD_ORDERS;
    default:
        return told->kind == PW_BINANCE_TOLD_ACCOUNT;
    }
}

void live_session_answer(struct live *live, const struct pw_binance_told *told, const struct live_asked *was,
                         int64_t recv_ns, struct pw_reports *out)
{
    if (was->number != live->session_number) {
        return; /* the session has begun anew since */
    }
    if (!is_expected(live, told)) {
        live_session_retry(live, live->phase);
        return;
    }
    switch (live->phase) {
    case LIVE_LOGON:
        accept(live, LIVE_SUBSCRIBE);
        break;
    case LIVE_SUBSCRIBE:
        accept(live, LIVE_LIST);
        break;
    case LIVE_LIST:
        take_list(live, &told->body.many.list, recv_ns, out);
        break;
    default:
        take_account(live, &told->body.many.list);
        break;
    }
}
