/* SPDX-License-Identifier: MIT
 *
 * What the venue tells: answers matched to what was asked, errors by what they mean, and the account's
 * events.
 */
#include "session_state.h"

#define LIMITED_LEAST_NS (60 * LIVE_S)  /* where the venue does not say how long: its window */
#define BANNED_LEAST_NS  (120 * LIVE_S) /* its shortest ban */
#define ORDERS_LEAST_NS  (10 * LIVE_S)
#define MARGIN_NS        LIVE_S /* behind the end that it tells */
#define BANNED           418u
#define FORBIDDEN        403u /* by what stands before the venue */
#define TOO_MANY_ORDERS  (-1015)

/* ---- what holds for all ---- */

static void take_limits(struct live *live, const struct pw_binance_told *told)
{
    static const uint8_t kinds[] = {[PW_BINANCE_LIMIT_WEIGHT] = PW_BUDGET_WEIGHT,
                                    [PW_BINANCE_LIMIT_ORDERS] = PW_BUDGET_ORDERS,
                                    [PW_BINANCE_LIMIT_REQUESTS] = PW_BUDGET_REQUESTS};
    for (uint32_t i = 0; i < told->limit_cnt; i++) {
        const struct pw_binance_limit *limit = &told->limits[i];
        if (limit->type == PW_BINANCE_LIMIT_OTHER) {
            continue;
        }
        enum pw_budget_kind kind = (enum pw_budget_kind)kinds[limit->type];
        int64_t interval_ns = limit->interval_s * LIVE_S;
        uint32_t reserve = kind == PW_BUDGET_ORDERS ? 0 : limit->limit / 10; /* cancellations are no orders */
        pw_budget_set(&live->budget, kind, interval_ns, limit->limit, reserve);
        pw_budget_count(&live->budget, kind, interval_ns, limit->limit, limit->count,
                        live->now_ns + live->offset_ns);
    }
}

/* When the venue takes requests again, in the budget's time; 0: it does not say. */
static int64_t pause_end_ns(const struct live *live, const struct pw_binance_told *told)
{
    if (told->retry_after_ns != 0 &&
        told->server_ns != 0) { /* how long: no clock but its own has a part in it */
        return live->now_ns + live->offset_ns + told->retry_after_ns - told->server_ns + MARGIN_NS;
    }
    int64_t end_ns = told->retry_after_ns ? told->retry_after_ns : pw_binance_ban_end_ns(&told->error);
    return end_ns ? end_ns + MARGIN_NS : 0;
}

static void take_limited(struct live *live, const struct pw_binance_told *told)
{
    int64_t end_ns = pause_end_ns(live, told);
    bool all = told->http_status == BANNED || told->http_status == FORBIDDEN; /* whatever the code says */
    if (!all && told->error.code == TOO_MANY_ORDERS) {
        int64_t until_ns = end_ns ? end_ns - live->offset_ns : live->now_ns + ORDERS_LEAST_NS;
        live->orders_paused_ns = until_ns > live->orders_paused_ns ? until_ns : live->orders_paused_ns;
        return;
    }
    pw_budget_pause(&live->budget, end_ns, told->http_status == BANNED ? BANNED_LEAST_NS : LIMITED_LEAST_NS,
                    live->now_ns + live->offset_ns);
}

static struct pw_binance_verdict take_error(struct live *live, const struct pw_binance_told *told,
                                            int64_t recv_ns, struct pw_reports *out)
{
    struct pw_binance_verdict verdict = pw_binance_judge(told->http_status, &told->error);
    static_assert(PW_LIVE_ERRORS == PW_BINANCE_MEANS_HALVES + 1, "a count for each meaning");
    live->counts.errors[verdict.meaning]++;
    live->counts.last_error_code = told->error.code;
    if (verdict.meaning == PW_BINANCE_MEANS_LIMITED) {
        take_limited(live, told);
    } else if (verdict.meaning == PW_BINANCE_MEANS_CLOCK) {
        live_clock_lost(live);
    } else if (verdict.meaning == PW_BINANCE_MEANS_FATAL) {
        live_session_refused(live, verdict.reason, out);
    } else if (live->config.signing.is_ed25519 && pw_binance_session_is_lost(&told->error)) {
        live_session_lost(live, recv_ns, out);
    }
    return verdict;
}

/* ---- answers about orders ---- */

static void take_place(struct live *live, const struct pw_binance_told *told,
                       struct pw_binance_verdict verdict, int64_t recv_ns, struct pw_reports *out)
{
    struct live_row *row = live_row_find(live, told->number);
    const struct pw_binance_order *order = &told->body.order;
    struct pw_report report;
    enum pw_exec_type exec_type;
    if (told->kind == PW_BINANCE_TOLD_ERROR &&
        pw_binance_verdict_exec_type(PW_BINANCE_PLACE, verdict.meaning, false, &exec_type)) {
        live_tell(live, told->number, exec_type, verdict.reason, recv_ns, out);
    } else if (told->method == PW_BINANCE_TEST && told->kind == PW_BINANCE_TOLD_DONE) {
        live_tell(live, told->number, PW_EXEC_EXPIRED, PW_REASON_NONE, recv_ns, out);
    } else if (told->kind == PW_BINANCE_TOLD_ORDER && live_tells_of(live, order, told->number) &&
               pw_binance_order_report(order, PW_BINANCE_PLACE, recv_ns, &report)) {
        live_report(live, &report, out);
        if (row) {
            row->venue_order_id = order->venue_order_id;
        }
    } else {
        live_unanswered(live, told->method, row, recv_ns, out);
    }
}

/* Whatever the venue says but that it never will: the order may be open, so the cancellation stays wanted. */
static void take_cancel_error(struct live *live, struct live_row *row, const struct pw_binance_told *told,
                              struct pw_binance_verdict verdict, int64_t recv_ns, struct pw_reports *out)
{
    enum pw_exec_type exec_type;
    live_cancel_later(live, row);
    if (!pw_binance_verdict_exec_type(PW_BINANCE_CANCEL, verdict.meaning, true, &exec_type)) {
        return;
    }
    if (exec_type == PW_EXEC_CANCEL_REFUSED) {
        if (verdict.meaning != PW_BINANCE_MEANS_REFUSED || !pw_binance_cancel_is_barred(&told->error)) {
            return;
        }
        row->cancel_wanted = false;
    }
    live_tell(live, row->client_order_id, exec_type, verdict.reason, recv_ns, out);
}

static void take_cancel(struct live *live, const struct pw_binance_told *told,
                        struct pw_binance_verdict verdict, int64_t recv_ns, struct pw_reports *out)
{
    struct live_row *row = live_row_find(live, told->number);
    const struct pw_binance_order *order = &told->body.order;
    struct pw_report report;
    if (!row) {
        return; /* closed since, or of an earlier run: the list is asked for again */
    }
    row->cancel_asked = false;
    if (told->kind == PW_BINANCE_TOLD_ERROR) {
        take_cancel_error(live, row, told, verdict, recv_ns, out);
    } else if (told->kind == PW_BINANCE_TOLD_ORDER && live_tells_of(live, order, told->number) &&
               pw_binance_order_report(order, PW_BINANCE_CANCEL, recv_ns, &report)) {
        row->venue_order_id = order->venue_order_id;
        live_report(live, &report, out);
    } else {
        live_unanswered(live, PW_BINANCE_CANCEL, row, recv_ns, out);
    }
}

static void take_replace(struct live *live, const struct pw_binance_told *told,
                         struct pw_binance_verdict verdict, int64_t recv_ns, struct pw_reports *out)
{
    struct live_row *row = live_row_find(live, told->number);
    struct pw_report reports[2];
    enum pw_exec_type old_exec_type, new_exec_type;
    if (!row) {
        return; /* both are closed, or the old one is asked about */
    }
    uint64_t replaces_id = row->replaces_id;
    if (verdict.meaning == PW_BINANCE_MEANS_HALVES && told->kind == PW_BINANCE_TOLD_REPLACE) {
        row->venue_order_id = told->body.replace.placed.venue_order_id;
        pw_binance_replace_reports(&told->body.replace, replaces_id, told->number, recv_ns, reports);
        live_report(live, &reports[0], out);
        live_report(live, &reports[1], out);
    } else if (told->kind == PW_BINANCE_TOLD_ERROR &&
               pw_binance_verdict_exec_type(PW_BINANCE_CANCEL_REPLACE, verdict.meaning, true,
                                            &old_exec_type) &&
               pw_binance_verdict_exec_type(PW_BINANCE_CANCEL_REPLACE, verdict.meaning, false,
                                            &new_exec_type)) {
        live_tell(live, replaces_id, old_exec_type, verdict.reason, recv_ns, out);
        live_tell(live, told->number, new_exec_type, verdict.reason, recv_ns, out);
    } else {
        live_unanswered(live, PW_BINANCE_CANCEL_REPLACE, row, recv_ns, out);
    }
}

/* ---- all answers ---- */

/* The ids of these name their orders: what they say holds, also if it comes too late. */
static bool is_about_order(enum pw_binance_method method)
{
    return method == PW_BINANCE_PLACE || method == PW_BINANCE_TEST || method == PW_BINANCE_CANCEL ||
           method == PW_BINANCE_CANCEL_REPLACE;
}

static void take_answer(struct live *live, const struct pw_binance_told *told, int64_t recv_ns,
                        struct pw_reports *out)
{
    struct live_asked was;
    bool matched = told->is_ours && live_answered(live, told->method, told->number, &was);
    /* A cancelReplace that was carried out has no error: each half says its own. */
    struct pw_binance_verdict verdict = {PW_BINANCE_MEANS_HALVES, PW_REASON_NONE};
    live->counts.answers++;
    live->counts.unmatched += !matched;
    if (matched && told->server_ns != 0) {
        pw_venue_clock_sample(&live->clock, was.sent_ns, told->server_ns, recv_ns);
        live_clock(live);
    }
    take_limits(live, told);
    if (told->error.code != 0 || told->http_status >= 400) {
        verdict = take_error(live, told, recv_ns, out);
    }
    if (told->is_ours && is_about_order(told->method)) {
        (told->method == PW_BINANCE_CANCEL           ? take_cancel
         : told->method == PW_BINANCE_CANCEL_REPLACE ? take_replace
                                                     : take_place)(live, told, verdict, recv_ns, out);
    } else if (matched && told->method == PW_BINANCE_TIME) {
        live->time_asked = false;
    } else if (matched && (told->method == PW_BINANCE_ORDER_STATUS || told->method == PW_BINANCE_TRADES)) {
        live_question_answer(live, told, &was, recv_ns, out);
    } else if (matched) {
        live_session_answer(live, told, &was, recv_ns, out);
    }
}

/* ---- events ---- */

static void take_execution(struct live *live, const struct pw_binance_execution *x, int64_t recv_ns,
                           struct pw_reports *out)
{
    struct pw_report report;
    if (!live_is_own(live, x->is_ours, x->instance_hash)) {
        live->counts.foreign++;
        return;
    }
    if (pw_order_id_run(x->client_order_id) != live->config.orders->run_id) {
        live->counts.leftovers++;
        return;
    }
    struct live_row *row = live_row_find(live, x->client_order_id);
    if (row) {
        row->venue_order_id = x->venue_order_id;
        row->heard_ns = live->now_ns;
    }
    if (pw_binance_execution_report(x, recv_ns, &report)) {
        bool told = live_report(live, &report, out);
        bool open = x->status == PW_BINANCE_STATUS_NEW || x->status == PW_BINANCE_STATUS_PARTIALLY_FILLED;
        if (!told || (open && !live_row_find(live, x->client_order_id))) {
            live_session_resume(live, LIVE_LIST, recv_ns, out); /* there it is canceled, or told again */
        }
    } else if (row) {
        row->heard_ns = live->now_ns - PW_LIVE_QUIET_NS; /* nothing that a report can say: ask */
    }
}

static void take_event(struct live *live, const struct pw_binance_told *told, int64_t recv_ns,
                       struct pw_reports *out)
{
    live->counts.events++;
    switch (told->kind) {
    case PW_BINANCE_TOLD_EXECUTION:
        take_execution(live, &told->body.execution, recv_ns, out);
        break;
    case PW_BINANCE_TOLD_STREAM_ENDED:
        live_session_resume(live, LIVE_SUBSCRIBE, recv_ns, out);
        break;
    case PW_BINANCE_TOLD_SHUTDOWN:
        live->closing = live->wants_reconnect = true;
        break;
    default:
        break; /* balances: the engine keeps its own account */
    }
}

void live_message(struct live *live, const struct pw_event *frame, const uint8_t *message,
                  struct pw_reports *out)
{
    struct pw_binance_told told;
    live_keep(live, frame, message);
    switch (pw_binance_told((const char *)message, frame->body.frame.payload_bytes, &told)) {
    case PW_DECODE_CONTROL:
    case PW_DECODE_ERROR_REPLY:
        take_answer(live, &told, frame->recv_ns, out);
        break;
    case PW_DECODE_OK:
    case PW_DECODE_IGNORED:
    case PW_DECODE_SHUTDOWN:
        take_event(live, &told, frame->recv_ns, out);
        break;
    default: /* it may have been a report */
        live->counts.invalid++;
        live_session_resume(live, LIVE_LIST, frame->recv_ns, out);
        break;
    }
}
