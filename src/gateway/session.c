/* SPDX-License-Identifier: MIT
 *
 * What execution calls: checks, orders, the pass. And what all of the gateway uses: rows, reports, the time.
 */
#include "session_state.h"

#include <errno.h>
#include <pinwheel/lines.h>
#include <string.h>

#define OFFSET_MAX_NS (INT64_C(86400) * PW_NS_PER_S) /* a clock that is wrong by more is no clock */

/* ---- start ---- */

enum { TEXT_LOGIN, TEXT_SUBSCRIBE, TEXT_TIME, TEXT_LIST, TEXT_ACCOUNT, TEXT_SCRATCH, SESSION_TEXTS };

/* Requests for each instrument that is traded: orders, replacements, a cancellation. */
static uint32_t texts_each(const struct pw_venue_entry *entry)
{
    return entry->form_cnt + entry->replace_form_cnt + 1;
}

static uint32_t traded_cnt(const struct pw_gateway_config *config)
{
    uint32_t cnt = 0;
    for (uint32_t i = 0; i < config->instrument_cnt; i++) {
        cnt += config->trades[i];
    }
    return cnt;
}

size_t session_bytes(const struct pw_gateway_config *config)
{
    if (!config->entry) {
        return 0; /* init refuses */
    }
    size_t text_cnt = SESSION_TEXTS + (size_t)traded_cnt(config) * texts_each(config->entry);
    return pw_round_up_64(sizeof(struct session)) +
           pw_round_up_64(config->instrument_cnt * sizeof(uint16_t)) +
           pw_round_up_64(text_cnt * config->entry->request_bytes);
}

static struct pw_entry_request *text_at(const struct session *session, uint32_t text, uint32_t idx)
{
    size_t at = (size_t)text * texts_each(session->entry) + idx;
    pw_assert(idx < texts_each(session->entry));
    return (struct pw_entry_request *)(void *)(session->texts + at * session->entry->request_bytes);
}

/* Which forms there are; replacements have the first ones alone. */
static int prepare_orders(struct session *session, uint32_t text, const struct pw_instrument *instrument)
{
    const struct pw_venue_entry *entry = session->entry;
    enum pw_entry_kind place = session->dry ? PW_ENTRY_TEST : PW_ENTRY_PLACE;
    int error = 0;
    for (uint32_t i = 0; i < texts_each(entry) && !error; i++) {
        bool replaces = i >= entry->form_cnt, cancels = i + 1 == texts_each(entry);
        enum pw_entry_kind kind = cancels ? PW_ENTRY_CANCEL : replaces ? PW_ENTRY_REPLACE : place;
        uint32_t form = cancels ? 0 : replaces ? i - entry->form_cnt : i;
        error = session_prepare(session, text_at(session, text, i), kind, form, instrument);
    }
    return error;
}

static int prepare_session(struct session *session, char *texts)
{
    const struct {
        struct pw_entry_request **request;
        enum pw_entry_kind kind;
    } rows[] = {
        [TEXT_LOGIN] = {&session->login, PW_ENTRY_LOGIN},
        [TEXT_SUBSCRIBE] = {&session->subscribe, PW_ENTRY_SUBSCRIBE},
        [TEXT_TIME] = {&session->time, PW_ENTRY_TIME},
        [TEXT_LIST] = {&session->list, PW_ENTRY_OPEN_ORDERS},
        [TEXT_ACCOUNT] = {&session->account, PW_ENTRY_ACCOUNT},
        [TEXT_SCRATCH] = {&session->scratch, PW_ENTRY_TIME},
    };
    int error = 0;
    for (uint32_t i = 0; i < SESSION_TEXTS && !error; i++) {
        *rows[i].request =
            (struct pw_entry_request *)(void *)(texts + (size_t)i * session->entry->request_bytes);
        bool is_asked = rows[i].kind != PW_ENTRY_LOGIN || session->has_login;
        error = is_asked ? session_prepare(session, *rows[i].request, rows[i].kind, 0, NULL) : 0;
    }
    return error;
}

/* As they are known to be at least; the venue's responses say what they are now. */
static void set_limits(struct session *session)
{
    pw_budget_init(&session->budget, session->config.paused_until_ns);
    for (uint32_t i = 0; i < session->entry->window_cnt; i++) {
        const struct pw_entry_window *window = &session->entry->windows[i];
        pw_budget_set(&session->budget, (enum pw_budget_kind)window->kind, window->interval_ns, window->limit,
                      window->reserve);
    }
}

static bool is_sound(const struct pw_gateway_config *config)
{
    const struct pw_signing *signing = config->signing;
    return config->instruments && config->trades && config->orders && config->wire && config->entry &&
           config->entry->fills_max <= SESSION_FILLS && config->entry->text_bytes <= SESSION_TEXT_BYTES &&
           signing && signing->sign && config->api_key && config->api_key[0] != '\0' && config->quote_asset &&
           config->instrument_cnt <= PW_INSTRUMENTS_MAX && config->ack_timeout_ns > 0 &&
           config->cash_e8 >= 0 && config->paused_until_ns >= 0 &&
           signing->signature_bytes == (signing->is_ed25519 ? 88u : 64u);
}

int session_init(void *memory, const struct pw_gateway_config *config, bool dry)
{
    if (!is_sound(config)) {
        return -EINVAL;
    }
    struct session *session = memory;
    session->config = *config;
    session->entry = config->entry;
    session->dry = dry;
    session->has_login = config->entry->has_login(config->signing);
    session->text_of = (uint16_t *)(void *)((char *)memory + pw_round_up_64(sizeof *session));
    char *texts = (char *)session->text_of + pw_round_up_64(config->instrument_cnt * sizeof(uint16_t));
    session->texts = texts + (size_t)SESSION_TEXTS * config->entry->request_bytes;
    int error = prepare_session(session, texts);
    uint16_t text = 0;
    for (uint32_t i = 0; i < config->instrument_cnt && !error; i++) {
        session->text_of[i] = config->trades[i] ? text++ : SESSION_NO_TEXT;
        error = config->trades[i] ? prepare_orders(session, session->text_of[i], &config->instruments[i]) : 0;
    }
    pw_symbols_of(&session->symbols, config->instruments, config->trades, config->instrument_cnt);
    int64_t half_window_ns = config->recv_window_ms * PW_NS_PER_MS / 2;
    session->error_max_ns =
        half_window_ns < PW_SESSION_ERROR_MAX_NS ? half_window_ns : PW_SESSION_ERROR_MAX_NS;
    pw_venue_clock_init(&session->clock, config->entry->clock_unit_ns);
    set_limits(session);
    pw_assert(error || text == traded_cnt(config));
    pw_assert((char *)text_at(session, traded_cnt(config), 0) <= (char *)memory + session_bytes(config));
    return error;
}

/* ---- time ---- */

bool session_clock(struct session *session)
{
    int64_t offset_ns;
    if (!pw_venue_clock_offset(&session->clock, session->now_ns, &offset_ns, &session->error_ns)) {
        return false;
    }
    session_set_offset(session, offset_ns);
    return session->error_ns <= session->error_max_ns && offset_ns <= OFFSET_MAX_NS &&
           offset_ns >= -OFFSET_MAX_NS;
}

bool session_venue_clock(void *state, int64_t *offset_ns, int64_t *error_ns)
{
    struct session *session = state;
    bool known = session_clock(session);
    *offset_ns = session->offset_ns;
    *error_ns = session->error_ns;
    return known;
}

bool session_due(struct session *session, int64_t at_ns)
{
    if (session->now_ns >= at_ns) {
        return true;
    }
    session->next_ns = at_ns < session->next_ns ? at_ns : session->next_ns;
    return false;
}

/* Our clock was stepped, or we were not run: what was waited for is elapsed time, so it moves along. */
static void jump(struct session *session, int64_t gap_ns)
{
    for (uint32_t i = 0; i < session->pending_cnt; i++) {
        session->pending[i].deadline_ns += gap_ns;
        session->pending[i].sent_ns = 0; /* no sample of the venue's clock */
    }
    for (uint32_t i = 0; i < session->row_cnt; i++) {
        session->rows[i].heard_ns += gap_ns;
        session->rows[i].query_ns += gap_ns;
        session->rows[i].cancel_ns += gap_ns;
    }
    session->retry_ns += gap_ns;
    session->time_ns += gap_ns;
    session->orders_paused_ns += gap_ns;
    session->offset_ns -= gap_ns; /* the budget's time, and so a pause, goes on as if nothing had been */
    session_clock_lost(session);
}

/* ---- rows and reports ---- */

struct session_row *session_row_find(struct session *session, uint64_t client_order_id)
{
    pw_assert(session->row_cnt <= SESSION_ROWS);
    for (uint32_t i = 0; i < session->row_cnt; i++) {
        if (session->rows[i].client_order_id == client_order_id) {
            return &session->rows[i];
        }
    }
    return NULL;
}

/* A row for an order of this run; NULL: no room. */
static struct session_row *row_add(struct session *session, uint64_t client_order_id, uint16_t instrument_idx)
{
    pw_assert(instrument_idx < session->config.instrument_cnt);
    if (session->row_cnt == SESSION_ROWS) {
        return NULL;
    }
    struct session_row *row = &session->rows[session->row_cnt++];
    *row = (struct session_row){
        .client_order_id = client_order_id, .heard_ns = session->now_ns, .instrument_idx = instrument_idx};
    return row;
}

bool session_report(struct session *session, const struct pw_report *report, int64_t recv_ns,
                    struct pw_reports *out)
{
    uint64_t id = report->client_order_id;
    struct session_row *row = session_row_find(session, id);
    const struct pw_order_row *closed = row ? NULL : pw_orders_find(session->config.orders, id);
    if (closed && session->text_of[closed->instrument_idx] == SESSION_NO_TEXT) {
        closed = NULL; /* another account's */
    } else if (closed) { /* and turns up again */
        row = row_add(session, id, closed->instrument_idx);
    }
    /* What was not placed here, execution halts on. */
    bool unknown = !row && !closed && pw_order_id_run(id) == session->config.orders->run_id;
    if ((!row && !unknown) || out->cnt == PW_REPORTS_MAX) {
        session->counts.responses_unmatched++;
        return false;
    }
    if (row) {
        row->heard_ns = session->now_ns;
    }
    pw_assert(out->cnt < PW_REPORTS_MAX);
    out->rows[out->cnt] = *report;
    out->rows[out->cnt++].recv_ns = recv_ns;
    session->counts.reports++;
    session->look = true;
    return true;
}

void session_report_event(struct session *session, uint64_t client_order_id, enum pw_exec_type exec_type,
                          enum pw_reason reason, int64_t recv_ns, struct pw_reports *out)
{
    const struct pw_report report = {
        .client_order_id = client_order_id, .exec_type = (uint8_t)exec_type, .reason = (uint8_t)reason};
    session_report(session, &report, recv_ns, out);
}

void session_resync(struct session *session, int64_t recv_ns, struct pw_reports *out)
{
    pw_assert(session->row_cnt <= SESSION_ROWS);
    session->counts.resyncs++;
    for (uint32_t i = 0; i < session->row_cnt; i++) {
        session_report_event(session, session->rows[i].client_order_id, PW_EXEC_DISCONNECT,
                             PW_REASON_DISCONNECT, recv_ns, out);
    }
}

/* ---- orders ---- */

static bool is_ready(const struct session *session)
{
    return session->phase == SESSION_READY && !session->closing && !session->silent;
}

/* The request for an order; NULL: the venue has no such order, or not in that instrument. */
static const struct pw_entry_request *text_of(const struct session *session,
                                              const struct pw_gateway_order *order, bool replaces)
{
    const struct pw_venue_entry *entry = session->entry;
    if (order->instrument_idx >= session->config.instrument_cnt || order->type >= PW_ORDER_TYPES ||
        order->tif >= PW_ENTRY_TIFS || (replaces && session->dry)) {
        return NULL;
    }
    uint16_t text = session->text_of[order->instrument_idx];
    uint32_t form = entry->forms[order->type][order->tif];
    if (text == SESSION_NO_TEXT || form == 0 || (replaces && form > entry->replace_form_cnt)) {
        return NULL;
    }
    return text_at(session, text, form - 1 + (replaces ? entry->form_cnt : 0));
}

const struct pw_entry_request *session_cancel_text(const struct session *session, uint16_t instrument_idx)
{
    pw_assert(instrument_idx < session->config.instrument_cnt);
    uint16_t text = session->text_of[instrument_idx];
    return text == SESSION_NO_TEXT ? NULL : text_at(session, text, texts_each(session->entry) - 1);
}

static struct pw_entry_values values_of(const struct pw_gateway_order *order, uint64_t replaces_id)
{
    return (struct pw_entry_values){.order_id = order->client_order_id,
                                    .replaces_id = replaces_id,
                                    .price_e8 = order->price_e8,
                                    .qty_e8 = order->qty_e8,
                                    .stop_price_e8 = order->stop_price_e8,
                                    .side = (enum pw_side)order->side};
}

static bool may_replace(struct session *session, const struct pw_gateway_order *order, uint64_t replaces_id)
{
    const struct session_row *row = session_row_find(session, replaces_id);
    return row && row->instrument_idx == order->instrument_idx && !row->cancel_wanted;
}

enum pw_reason session_check(void *state, const struct pw_gateway_order *order, uint64_t replaces_id)
{
    struct session *session = state;
    struct pw_entry_values values = values_of(order, replaces_id);
    const struct pw_entry_request *text = text_of(session, order, replaces_id != 0);
    if (session->fatal) {
        return PW_REASON_VENUE_KEY;
    }
    if (!is_ready(session)) {
        return PW_REASON_NOT_CONNECTED;
    }
    if (!session_clock(session)) {
        return PW_REASON_VENUE_TIME;
    }
    if (!text || !session->entry->can_write(text, &values) ||
        (replaces_id != 0 && !may_replace(session, order, replaces_id))) {
        return PW_REASON_BAD_INTENT;
    }
    bool goes = session_budget(session, &text->cost, false) == PW_BUDGET_GOES &&
                session->now_ns >= session->orders_paused_ns && session->row_cnt < SESSION_ROWS &&
                session_has_room(session, SESSION_CANCELS);
    return goes ? PW_REASON_NONE : PW_REASON_REQUEST_LIMIT;
}

/* After check. Only a signature can still fail, and then nothing was sent: the end of the order. */
static int64_t send_order(struct session *session, const struct pw_gateway_order *order, uint64_t replaces_id,
                          struct pw_reports *out)
{
    struct pw_entry_values values = values_of(order, replaces_id);
    struct session_row *row = row_add(session, order->client_order_id, order->instrument_idx);
    pw_assert(row);
    const struct session_pending *pending =
        session_send(session, text_of(session, order, replaces_id != 0), &values);
    if (!pending) {
        session_key_rejected(session, PW_REASON_VENUE_KEY, out);
        session_report_event(session, order->client_order_id, PW_EXEC_REJECT, PW_REASON_VENUE_KEY,
                             session->now_ns, out);
        if (replaces_id) {
            session_report_event(session, replaces_id, PW_EXEC_REPLACE_REJECTED, PW_REASON_VENUE_KEY,
                                 session->now_ns, out);
        }
        return 0;
    }
    row->replaces_id = replaces_id;
    if (session->dry) {
        return 0;
    }
    int64_t window_ns = session->config.recv_window_ms * PW_NS_PER_MS;
    row->expires_ns = pending->timestamp_ns + window_ns;
    /* Its own time may have been cut off, and the offset be wrong, by so much. */
    row->valid_until_ns = session->now_ns + window_ns + session->error_ns + 2 * session->entry->clock_unit_ns;
    return row->valid_until_ns;
}

int64_t session_place(void *state, const struct pw_gateway_order *order, struct pw_reports *out)
{
    return send_order(state, order, 0, out);
}

int64_t session_replace(void *state, const struct pw_gateway_order *order, uint64_t replaces_id,
                        struct pw_reports *out)
{
    return send_order(state, order, replaces_id, out);
}

/* Goes out at once, if it may. */
void session_cancel(void *state, uint64_t client_order_id, int64_t recv_ns, struct pw_reports *out)
{
    (void)recv_ns;
    (void)out;
    struct session *session = state;
    struct session_row *row = session_row_find(session, client_order_id);
    if (row && !session->dry) {
        row->cancel_wanted = true;
        row->cancel_ns = session->now_ns;
        row->cancel_tries = 0;
        session_cancel_step(session, row);
    }
}

void session_settle(void *state)
{
    session_journal_sent(state);
}

/* ---- the pass ---- */

void session_on_message(void *state, const struct pw_event *frame, const uint8_t *message,
                        struct pw_reports *out)
{
    struct session *session = state;
    session->look = true;
    if (frame->body.frame.payload_bytes == 0) {
        session_notice(session, frame, out);
    } else {
        session_message(session, frame, message, out);
    }
}

uint32_t session_poll(void *state, int64_t now_ns, struct pw_reports *out)
{
    struct session *session = state;
    int64_t gap_ns = now_ns - session->now_ns;
    if (session->now_ns != 0 && (gap_ns < 0 || gap_ns > PW_SESSION_JUMP_NS)) {
        jump(session, gap_ns);
        session->look = true;
    }
    session->now_ns = now_ns;
    if (now_ns < session->next_ns && !session->look) {
        return 0;
    }
    pw_assert(session->phase <= SESSION_READY && session->pending_cnt <= SESSION_PENDING);
    uint64_t sent = session->counts.requests;
    uint32_t reported = out->cnt;
    session->look = false;
    session->next_ns = now_ns + PW_SESSION_PASS_NS;
    session_timeouts(session, out);
    session_report_fill(session, out);
    session_time_step(session);
    session_step(session);
    session_queries_step(session);
    return (uint32_t)(session->counts.requests - sent) + out->cnt - reported;
}

int64_t session_next_ns(const void *state)
{
    const struct session *session = state;
    return session->look ? session->now_ns : session->next_ns;
}

uint32_t session_open_cnt(const void *state)
{
    const struct session *session = state;
    return session->row_cnt;
}

void session_pause(void *state, int64_t until_ns)
{
    struct session *session = state;
    pw_budget_pause(&session->budget, until_ns + session->offset_ns, 0, session->now_ns + session->offset_ns);
}

/* ---- for those who watch ---- */

/* What is used of the shortest window of a kind. */
static uint64_t used_of(const struct session *session, enum pw_budget_kind kind)
{
    const struct pw_budget_window *shortest = NULL;
    for (uint32_t i = 0; i < session->budget.window_cnt; i++) {
        const struct pw_budget_window *window = &session->budget.windows[i];
        if (window->kind == kind && (!shortest || window->interval_ns < shortest->interval_ns)) {
            shortest = window;
        }
    }
    return shortest && session->now_ns + session->offset_ns < shortest->end_ns ? shortest->used : 0;
}

void session_counts(const void *state, struct pw_gateway_metrics *counts)
{
    const struct session *session = state;
    int64_t until_ns = session->budget.paused_until_ns;
    *counts = session->counts;
    counts->weight_used = (int64_t)used_of(session, PW_BUDGET_WEIGHT);
    counts->orders_used = (int64_t)used_of(session, PW_BUDGET_ORDERS);
    if (!pw_venue_clock_offset(&session->clock, session->now_ns, &counts->clock_offset_ns,
                               &counts->clock_error_ns)) {
        counts->clock_offset_ns = 0;
        counts->clock_error_ns = -1;
    }
    bool paused = until_ns > session->now_ns + session->offset_ns;
    counts->paused_until_ns = paused ? until_ns - session->offset_ns : 0;
    counts->ready = is_ready(session);
    bool waits = session->phase != SESSION_DOWN && !counts->ready;
    counts->step = paused                                     ? PW_STEP_BAN
                   : waits && counts->clock_error_ns < 0      ? PW_STEP_VENUE_TIME
                   : waits && session->phase == SESSION_READY ? PW_STEP_CONNECTION /* it is about to close */
                                                              : (int64_t)session->phase;
}
