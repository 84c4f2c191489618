/* SPDX-License-Identifier: MIT
 *
 * What execution calls: checks, orders, the pass. And what all of the gateway uses: rows, reports, the time.
 */
#include "session_state.h"

#include <errno.h>
#include <pinwheel/lines.h>
#include <string.h>

#define OFFSET_MAX_NS (INT64_C(86400) * LIVE_S) /* a clock that is wrong by more is no clock */

/* ---- start ---- */

size_t pw_live_bytes(uint32_t instrument_cnt, uint32_t trades_cnt)
{
    return pw_round_up_64(sizeof(struct live)) + pw_round_up_64(instrument_cnt * sizeof(uint16_t)) +
           pw_round_up_64(trades_cnt * sizeof(struct live_texts));
}

/* Which forms there are; replacements have the first ones alone. */
static int prepare_orders(struct live *live, struct live_texts *texts, const struct pw_instrument *instrument)
{
    enum pw_binance_method place = live->config.dry ? PW_BINANCE_TEST : PW_BINANCE_PLACE;
    int error = live_prepare(live, &texts->cancel, PW_BINANCE_CANCEL, 0, instrument);
    for (unsigned form = 0; form < PW_BINANCE_FORMS && !error; form++) {
        error = live_prepare(live, &texts->place[form], place, (enum pw_binance_form)form, instrument);
    }
    for (unsigned form = 0; form < LIVE_REPLACES && !error; form++) {
        error = live_prepare(live, &texts->replace[form], PW_BINANCE_CANCEL_REPLACE,
                             (enum pw_binance_form)form, instrument);
    }
    return error;
}

static int prepare_session(struct live *live)
{
    bool logs_on = live->config.signing.is_ed25519;
    int error = logs_on ? live_prepare(live, &live->logon, PW_BINANCE_LOGON, 0, NULL) : 0;
    error = error ? error
                  : live_prepare(live, &live->subscribe,
                                 logs_on ? PW_BINANCE_SUBSCRIBE : PW_BINANCE_SUBSCRIBE_SIGNED, 0, NULL);
    error = error ? error : live_prepare(live, &live->time, PW_BINANCE_TIME, 0, NULL);
    error = error ? error : live_prepare(live, &live->list, PW_BINANCE_OPEN_ORDERS, 0, NULL);
    return error ? error : live_prepare(live, &live->account, PW_BINANCE_ACCOUNT, 0, NULL);
}

/* The lowest that the venue is known to have had; its answers say what they are now. */
static void set_limits(struct live *live)
{
    pw_budget_init(&live->budget, live->config.paused_until_ns);
    pw_budget_set(&live->budget, PW_BUDGET_WEIGHT, 60 * LIVE_S, 6000, 600);
    pw_budget_set(&live->budget, PW_BUDGET_ORDERS, 10 * LIVE_S, 50, 0);
    pw_budget_set(&live->budget, PW_BUDGET_ORDERS, 86400 * LIVE_S, 160000, 0);
    pw_budget_set(&live->budget, PW_BUDGET_REQUESTS, 300 * LIVE_S, 61000, 6100);
}

static bool is_sound(const struct pw_live_config *config)
{
    const struct pw_signing *signing = &config->signing;
    return config->instruments && config->trades && config->orders && config->wire && signing->sign &&
           config->api_key && config->api_key[0] != '\0' && config->quote_asset &&
           config->instrument_cnt <= PW_INSTRUMENTS_MAX && config->answer_timeout_ns > 0 &&
           config->cash_e8 >= 0 && config->paused_until_ns >= 0 &&
           signing->signature_bytes == (signing->is_ed25519 ? 88u : 64u);
}

int pw_live_init(void *memory, const struct pw_live_config *config)
{
    if (!is_sound(config)) {
        return -EINVAL;
    }
    struct live *live = memory;
    live->config = *config;
    live->text_of = (uint16_t *)(void *)((char *)memory + pw_round_up_64(sizeof *live));
    live->texts = (struct live_texts *)(void *)((char *)live->text_of +
                                                pw_round_up_64(config->instrument_cnt * sizeof(uint16_t)));
    uint16_t texts = 0;
    int error = prepare_session(live);
    for (uint32_t i = 0; i < config->instrument_cnt && !error; i++) {
        live->text_of[i] = config->trades[i] ? texts++ : LIVE_NO_TEXT;
        error = config->trades[i]
                    ? prepare_orders(live, &live->texts[live->text_of[i]], &config->instruments[i])
                    : 0;
    }
    int64_t half_window_ns = config->recv_window_ms * LIVE_MS / 2;
    live->error_max_ns = half_window_ns < PW_LIVE_ERROR_MAX_NS ? half_window_ns : PW_LIVE_ERROR_MAX_NS;
    pw_venue_clock_init(&live->clock, LIVE_MS);
    set_limits(live);
    return error;
}

/* ---- time ---- */

bool live_clock(struct live *live)
{
    int64_t offset_ns;
    if (!pw_venue_clock_offset(&live->clock, live->now_ns, &offset_ns, &live->error_ns)) {
        return false;
    }
    live_set_offset(live, offset_ns);
    return live->error_ns <= live->error_max_ns && offset_ns <= OFFSET_MAX_NS && offset_ns >= -OFFSET_MAX_NS;
}

bool live_due(struct live *live, int64_t at_ns)
{
    if (live->now_ns >= at_ns) {
        return true;
    }
    live->next_ns = at_ns < live->next_ns ? at_ns : live->next_ns;
    return false;
}

/* Our clock was stepped, or we were not run: what was waited for is elapsed time, so it moves along. */
static void jump(struct live *live, int64_t gap_ns)
{
    for (uint32_t i = 0; i < live->asked_cnt; i++) {
        live->asked[i].deadline_ns += gap_ns;
        live->asked[i].sent_ns = 0; /* no sample of the venue's clock */
    }
    for (uint32_t i = 0; i < live->row_cnt; i++) {
        live->rows[i].heard_ns += gap_ns;
        live->rows[i].ask_ns += gap_ns;
        live->rows[i].cancel_ns += gap_ns;
    }
    live->retry_ns += gap_ns;
    live->time_ns += gap_ns;
    live->orders_paused_ns += gap_ns;
    live->offset_ns -= gap_ns; /* the budget's time, and so a pause, goes on as if nothing had been */
    live_clock_lost(live);
}

/* ---- rows and reports ---- */

struct live_row *live_row_find(struct live *live, uint64_t client_order_id)
{
    for (uint32_t i = 0; i < live->row_cnt; i++) {
        if (live->rows[i].client_order_id == client_order_id) {
            return &live->rows[i];
        }
    }
    return NULL;
}

struct live_row *live_row_add(struct live *live, uint64_t client_order_id, uint16_t instrument_idx)
{
    if (live->row_cnt == LIVE_ROWS) {
        return NULL;
    }
    struct live_row *row = &live->rows[live->row_cnt++];
    *row = (struct live_row){
        .client_order_id = client_order_id, .heard_ns = live->now_ns, .instrument_idx = instrument_idx};
    return row;
}

bool live_report(struct live *live, const struct pw_report *report, struct pw_reports *out)
{
    uint64_t id = report->client_order_id;
    struct live_row *row = live_row_find(live, id);
    const struct pw_order_row *closed = row ? NULL : pw_orders_find(live->config.orders, id);
    if (closed) { /* and turns up again */
        row = live_row_add(live, id, closed->instrument_idx);
    }
    /* What the table does not know, execution halts on. */
    bool unknown = !row && !closed && pw_order_id_run(id) == live->config.orders->run_id;
    if ((!row && !unknown) || out->cnt == PW_REPORTS_MAX) {
        live->counts.unmatched++;
        return false;
    }
    if (row) {
        row->heard_ns = live->now_ns;
    }
    out->rows[out->cnt++] = *report;
    live->counts.reports++;
    live->look = true;
    return true;
}

void live_tell(struct live *live, uint64_t client_order_id, enum pw_exec_type exec_type,
               enum pw_reason reason, int64_t recv_ns, struct pw_reports *out)
{
    const struct pw_report report = {.client_order_id = client_order_id,
                                     .recv_ns = recv_ns,
                                     .exec_type = (uint8_t)exec_type,
                                     .reason = (uint8_t)reason};
    live_report(live, &report, out);
}

void live_resync(struct live *live, int64_t recv_ns, struct pw_reports *out)
{
    live->counts.resyncs++;
    for (uint32_t i = 0; i < live->row_cnt; i++) {
        live_tell(live, live->rows[i].client_order_id, PW_EXEC_DISCONNECT, PW_REASON_DISCONNECT, recv_ns,
                  out);
    }
}

/* ---- orders ---- */

static bool is_ready(const struct live *live)
{
    return live->phase == LIVE_READY && !live->closing;
}

static enum pw_binance_form form_of(const struct pw_gateway_order *order)
{
    static const struct {
        uint8_t form;
        bool takes_tif;
    } table[PW_ORDER_TYPES] = {
        [PW_MARKET] = {PW_BINANCE_MARKET, true},
        [PW_LIMIT] = {PW_BINANCE_LIMIT_GTC, true},
        [PW_LIMIT_MAKER] = {PW_BINANCE_LIMIT_MAKER, false},
        [PW_STOP_LOSS] = {PW_BINANCE_STOP_LOSS, true},
        [PW_STOP_LOSS_LIMIT] = {PW_BINANCE_STOP_LOSS_LIMIT, false},
        [PW_TAKE_PROFIT] = {PW_BINANCE_TAKE_PROFIT, true},
        [PW_TAKE_PROFIT_LIMIT] = {PW_BINANCE_TAKE_PROFIT_LIMIT, false},
    };
    static_assert(PW_BINANCE_LIMIT_GTC + PW_IOC == PW_BINANCE_LIMIT_IOC &&
                      PW_BINANCE_LIMIT_GTC + PW_FOK == PW_BINANCE_LIMIT_FOK,
                  "the limit forms stand in the order of the times in force");
    if (order->type >= PW_ORDER_TYPES || order->tif > PW_FOK ||
        (!table[order->type].takes_tif && order->tif != PW_GTC)) {
        return PW_BINANCE_FORMS;
    }
    return (enum pw_binance_form)(table[order->type].form + (order->type == PW_LIMIT ? order->tif : 0u));
}

/* The text for an order; NULL: the venue has no such order, or not in that instrument. */
static struct pw_binance_request *text_of(const struct live *live, const struct pw_gateway_order *order,
                                          bool replaces)
{
    enum pw_binance_form form = form_of(order);
    uint16_t text = order->instrument_idx < live->config.instrument_cnt ? live->text_of[order->instrument_idx]
                                                                        : LIVE_NO_TEXT;
    if (text == LIVE_NO_TEXT || form >= (replaces ? LIVE_REPLACES : PW_BINANCE_FORMS) ||
        (replaces && live->config.dry)) {
        return NULL;
    }
    return replaces ? &live->texts[text].replace[form] : &live->texts[text].place[form];
}

static struct pw_binance_values values_of(const struct pw_gateway_order *order, uint64_t replaces_id)
{
    return (struct pw_binance_values){.order_id = order->client_order_id,
                                      .cancel_id = replaces_id,
                                      .price_e8 = order->price_e8,
                                      .qty_e8 = order->qty_e8,
                                      .stop_price_e8 = order->stop_price_e8,
                                      .side = (enum pw_side)order->side};
}

static bool may_replace(struct live *live, const struct pw_gateway_order *order, uint64_t replaces_id)
{
    const struct live_row *row = live_row_find(live, replaces_id);
    return row && row->instrument_idx == order->instrument_idx && !row->cancel_wanted;
}

static enum pw_reason live_check(void *state, const struct pw_gateway_order *order, uint64_t replaces_id)
{
    static const struct pw_budget_cost cost = {
        {[PW_BUDGET_WEIGHT] = 1, [PW_BUDGET_ORDERS] = 1, [PW_BUDGET_REQUESTS] = 1}};
    struct live *live = state;
    struct pw_binance_values values = values_of(order, replaces_id);
    const struct pw_binance_request *text = text_of(live, order, replaces_id != 0);
    if (live->fatal) {
        return PW_REASON_VENUE_KEY;
    }
    if (!is_ready(live)) {
        return PW_REASON_NOT_CONNECTED;
    }
    if (!live_clock(live)) {
        return PW_REASON_VENUE_TIME;
    }
    if (!text || !pw_binance_can_say(text, &values) ||
        (replaces_id != 0 && !may_replace(live, order, replaces_id))) {
        return PW_REASON_BAD_INTENT;
    }
    bool goes = live_budget(live, &cost, false) == PW_BUDGET_GOES && live->now_ns >= live->orders_paused_ns &&
                live->row_cnt < LIVE_ROWS && live_has_room(live, LIVE_CANCELS);
    return goes ? PW_REASON_NONE : PW_REASON_REQUEST_LIMIT;
}

/* After check. Only a signature can still fail, and then nothing was sent: the end of the order. */
static int64_t send_order(struct live *live, const struct pw_gateway_order *order, uint64_t replaces_id,
                          struct pw_reports *out)
{
    struct pw_binance_values values = values_of(order, replaces_id);
    struct live_row *row = live_row_add(live, order->client_order_id, order->instrument_idx);
    const struct live_asked *asked =
        live_put(live, text_of(live, order, replaces_id != 0), &values, order->client_order_id);
    if (!asked) {
        live_session_refused(live, PW_REASON_VENUE_KEY, out);
        live_tell(live, order->client_order_id, PW_EXEC_REJECT, PW_REASON_VENUE_KEY, live->now_ns, out);
        if (replaces_id) {
            live_tell(live, replaces_id, PW_EXEC_REPLACE_REFUSED, PW_REASON_VENUE_KEY, live->now_ns, out);
        }
        return 0;
    }
    row->replaces_id = replaces_id;
    if (live->config.dry) {
        return 0;
    }
    row->expires_ms = asked->timestamp_ms + live->config.recv_window_ms;
    /* Its own time may have been cut off, and the offset be wrong, by so much. */
    row->valid_until_ns = live->now_ns + live->config.recv_window_ms * LIVE_MS + live->error_ns + 2 * LIVE_MS;
    return row->valid_until_ns;
}

static int64_t live_place(void *state, const struct pw_gateway_order *order, struct pw_reports *out)
{
    return send_order(state, order, 0, out);
}

static int64_t live_replace(void *state, const struct pw_gateway_order *order, uint64_t replaces_id,
                            struct pw_reports *out)
{
    return send_order(state, order, replaces_id, out);
}

/* Goes out at once, if it may. */
static void live_cancel(void *state, uint64_t client_order_id, int64_t recv_ns, struct pw_reports *out)
{
    (void)recv_ns;
    (void)out;
    struct live *live = state;
    struct live_row *row = live_row_find(live, client_order_id);
    if (row && !live->config.dry) {
        row->cancel_wanted = true;
        row->cancel_ns = live->now_ns;
        row->cancel_tries = 0;
        live_cancel_step(live, row);
    }
}

static void live_settle(void *state)
{
    live_keep_sent(state);
}

/* ---- the pass ---- */

static void live_on_message(void *state, const struct pw_event *frame, const uint8_t *message,
                            struct pw_reports *out)
{
    struct live *live = state;
    live->look = true;
    if (frame->body.frame.payload_bytes == 0) {
        live_notice(live, frame, out);
    } else {
        live_message(live, frame, message, out);
    }
}

static uint32_t live_poll(void *state, int64_t now_ns, struct pw_reports *out)
{
    struct live *live = state;
    int64_t gap_ns = now_ns - live->now_ns;
    if (live->now_ns != 0 && (gap_ns < 0 || gap_ns > PW_LIVE_JUMP_NS)) {
        jump(live, gap_ns);
        live->look = true;
    }
    live->now_ns = now_ns;
    if (now_ns < live->next_ns && !live->look) {
        return 0;
    }
    uint64_t sent = live->counts.requests;
    uint32_t told = out->cnt;
    live->look = false;
    live->next_ns = now_ns + PW_LIVE_PASS_NS;
    live_time_outs(live, out);
    live_tell_fill(live, out);
    live_time_step(live);
    live_session_step(live);
    live_questions_step(live);
    return (uint32_t)(live->counts.requests - sent) + out->cnt - told;
}

static int64_t live_next_ns(const void *state)
{
    const struct live *live = state;
    return live->look ? live->now_ns : live->next_ns;
}

static uint32_t live_open_cnt(const void *state)
{
    const struct live *live = state;
    return live->row_cnt;
}

static void live_pause(void *state, int64_t until_ns)
{
    struct live *live = state;
    pw_budget_pause(&live->budget, until_ns + live->offset_ns, 0, live->now_ns + live->offset_ns);
}

const struct pw_gateway_ops pw_live_gateway = {
    .name = "live",
    .cancels_silently = true,
    .check = live_check,
    .place = live_place,
    .cancel = live_cancel,
    .replace = live_replace,
    .settle = live_settle,
    .on_message = live_on_message,
    .poll = live_poll,
    .next_ns = live_next_ns,
    .pause = live_pause,
    .open_cnt = live_open_cnt,
};

/* ---- for those who watch ---- */

int64_t pw_live_paused_until_ns(const void *state)
{
    const struct live *live = state;
    int64_t until_ns = live->budget.paused_until_ns;
    return until_ns > live->now_ns + live->offset_ns ? until_ns - live->offset_ns : 0;
}

bool pw_live_wants_reconnect(const void *state)
{
    const struct live *live = state;
    return live->wants_reconnect;
}

/* What is used of the shortest window of a kind. */
static uint64_t used_of(const struct live *live, enum pw_budget_kind kind)
{
    const struct pw_budget_window *shortest = NULL;
    for (uint32_t i = 0; i < live->budget.window_cnt; i++) {
        const struct pw_budget_window *window = &live->budget.windows[i];
        if (window->kind == kind && (!shortest || window->interval_ns < shortest->interval_ns)) {
            shortest = window;
        }
    }
    return shortest && live->now_ns + live->offset_ns < shortest->end_ns ? shortest->used : 0;
}

void pw_live_counts(const void *state, struct pw_live_counts *counts)
{
    const struct live *live = state;
    *counts = live->counts;
    counts->weight_used = used_of(live, PW_BUDGET_WEIGHT);
    counts->orders_used = used_of(live, PW_BUDGET_ORDERS);
    if (!pw_venue_clock_offset(&live->clock, live->now_ns, &counts->clock_offset_ns,
                               &counts->clock_error_ns)) {
        counts->clock_offset_ns = 0;
        counts->clock_error_ns = -1;
    }
    counts->paused_until_ns = pw_live_paused_until_ns(live);
    counts->ready = is_ready(live);
    counts->refusal = live->refusal;
}
