/* SPDX-License-Identifier: MIT
 *
 * The engine's side of the model: the order table, the connection, time, and what must hold.
 */
#include "live_world.h"

#include "fills.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

const struct pw_instrument world_instruments[2] = {
    {.symbol = "BTCUSDT", .base = "BTC", .quote = "USDT", .tradable = 1, .tick_e8 = 1000000, .step_e8 = 1000},
    {.symbol = "ETHUSDT", .base = "ETH", .quote = "USDT", .tradable = 1, .tick_e8 = 1000000, .step_e8 = 1000},
};
static const bool g_trades[2] = {true, false};

uint32_t world_roll(struct world *w, uint32_t sides)
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return (uint32_t)(w->random >> 32) % sides;
}

bool world_chance(struct world *w, uint32_t of_1000)
{
    return of_1000 && world_roll(w, 1000) < of_1000;
}

static bool in_time(const struct mail *mail, int64_t now_ns)
{
    return mail->at_ns <= now_ns;
}

int64_t world_engine_ns(const struct world *w)
{
    return w->now_ns + w->skew_ns;
}

/* ---- the engine ---- */

static size_t sign(void *state, const char *payload, size_t bytes, char *signature)
{
    struct world *w = state;
    w->sign_cnt++;
    world_digest(payload, bytes, signature, w->signing.signature_bytes);
    return w->sign_fails ? 0 : w->signing.signature_bytes;
}

/* As execution does. */
static void book(struct world *w, const struct pw_order_row *row, const struct pw_report *report)
{
    const struct pw_instrument *instrument = &world_instruments[row->instrument_idx];
    int64_t base_fee_e8;
    *(row->side == PW_SELL ? &w->sold_e8 : &w->bought_e8) += report->fill_qty_e8;
    MUST(pw_fill_base_fee_e8(report, instrument, &w->dust_e16, &base_fee_e8));
    MUST(pw_portfolio_fill(w->portfolio, row->instrument_idx, (enum pw_side)row->side, report->fill_price_e8,
                           report->fill_qty_e8, pw_fill_quote_fee_e16(report, instrument)));
    MUST(base_fee_e8 == 0 ||
         pw_portfolio_base_fee(w->portfolio, row->instrument_idx, report->fill_price_e8, base_fee_e8));
}

static void take_reports(struct world *w)
{
    for (uint32_t i = 0; i < w->out.cnt; i++) {
        struct pw_order_row *row;
        const struct pw_report *report = &w->out.rows[i];
        enum pw_order_step step = pw_orders_apply(w->orders, report, &row);
        if (report->exec_type == PW_EXEC_FILL && (step == PW_ORDER_STEP_MOVE || step == PW_ORDER_STEP_KEEP)) {
            book(w, row, report);
        }
    }
    w->out.cnt = 0;
}

/* Two reports an order, as the contract says. */
static void judge_reports(const struct world *w)
{
    MUST(w->out.cnt <= PW_REPORTS_MAX);
    for (uint32_t i = 0; i < w->out.cnt; i++) {
        uint32_t same = 0;
        for (uint32_t k = 0; k < w->out.cnt; k++) {
            same += w->out.rows[k].client_order_id == w->out.rows[i].client_order_id;
        }
        MUST(same <= PW_REPORTS_PER_ORDER);
    }
}

/* From the ring to the wire. */
static void drain_wire(struct world *w)
{
    pw_producer_publish(&w->wire_in);
    while (pw_consumer_peek(&w->wire, 1)) {
        const struct pw_event *frame = pw_consumer_at(&w->wire, 0);
        MUST(!w->up || frame->body.frame.epoch == w->epoch);
        MUST(w->request_cnt < WORLD_REQUESTS && frame->kind == PW_EVENT_FRAME &&
             frame->flags == PW_FLAG_SENT);
        struct mail *mail = &w->requests[w->request_cnt];
        mail->bytes = frame->body.frame.payload_bytes;
        MUST(mail->bytes < WORLD_TEXT);
        memcpy(mail->text, pw_consumer_payload(&w->wire, frame), mail->bytes);
        mail->text[mail->bytes] = '\0';
        mail->gone = false;
        int64_t late_ns = w->faults.delay_max_ns ? world_roll(w, (uint32_t)w->faults.delay_max_ns) : 0;
        mail->at_ns = w->now_ns + MS + late_ns;
        for (uint32_t i = 0; i < w->request_cnt; i++) { /* one stream: none overtakes */
            bool before = !w->requests[i].gone && w->requests[i].at_ns > mail->at_ns;
            mail->at_ns = before ? w->requests[i].at_ns : mail->at_ns;
        }
        w->request_cnt += w->up; /* of a dead connection: dropped */
        w->sent_cnt++;
        pw_consumer_done(&w->wire, 1);
    }
}

static void give_for(struct world *w, const char *text, uint32_t bytes, uint32_t state, enum pw_reason reason)
{
    struct pw_event frame = {
        .kind = PW_EVENT_FRAME,
        .recv_ns = world_engine_ns(w),
        .instrument_idx = PW_NO_INSTRUMENT,
        .body.frame = {.payload_bytes = bytes, .feed_idx = 1, .state = state, .reason = (uint32_t)reason}};
    frame.body.frame.epoch = bytes ? 0 : w->epoch;
    w->ops->on_message(w->gateway, &frame, (const uint8_t *)text, &w->out);
    judge_reports(w);
    take_reports(w);
    drain_wire(w);
}

static void give(struct world *w, const char *text, uint32_t bytes, uint32_t state)
{
    give_for(w, text, bytes, state, PW_REASON_NONE);
}

void world_say(struct world *w, const char *text)
{
    give(w, text, (uint32_t)strlen(text), 0);
}

static void poll(struct world *w)
{
    w->ops->poll(w->gateway, world_engine_ns(w), &w->out);
    judge_reports(w);
    take_reports(w);
    drain_wire(w);
}

void world_connect(struct world *w)
{
    w->up = true;
    w->epoch++;
    w->logged_on = w->subscribed = false;
    give(w, NULL, 0, PW_FEED_UP);
}

void world_disconnect(struct world *w, uint32_t bytes, int64_t late_ns)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < w->request_cnt; i++) {
        struct mail mail = w->requests[i];
        if (!mail.gone) {
            if (mail.bytes > bytes) {
                bytes = 0;
                continue;
            }
            bytes -= mail.bytes;
            mail.gone = true;
            mail.at_ns += late_ns ? world_roll(w, (uint32_t)(late_ns / MS)) * MS : 0;
        }
        w->requests[kept++] = mail;
    }
    w->request_cnt = kept;
    w->mail_cnt = 0;
    w->up = w->logged_on = w->subscribed = false;
    give(w, NULL, 0, PW_FEED_DOWN);
}

void world_lose(struct world *w, enum pw_reason reason)
{
    w->request_cnt = w->mail_cnt = 0;
    w->up = w->logged_on = w->subscribed = false;
    give_for(w, NULL, 0, PW_FEED_DOWN, reason);
}

static void deliver(struct world *w)
{
    for (uint32_t i = 0; i < w->request_cnt;) {
        if (in_time(&w->requests[i], w->now_ns)) {
            struct mail mail = w->requests[i];
            memmove(&w->requests[i], &w->requests[i + 1], (w->request_cnt - i - 1) * sizeof mail);
            w->request_cnt--;
            world_take_request(w, &mail);
        } else {
            i++;
        }
    }
    for (uint32_t i = 0; i < w->mail_cnt;) {
        if (in_time(&w->mail[i], w->now_ns)) {
            struct mail mail = w->mail[i];
            memmove(&w->mail[i], &w->mail[i + 1], (w->mail_cnt - i - 1) * sizeof mail);
            w->mail_cnt--;
            give(w, mail.text, mail.bytes, 0);
        } else {
            i++;
        }
    }
}

void world_step(struct world *w, int64_t ns)
{
    w->now_ns += ns;
    poll(w);
    deliver(w);
    poll(w);
    world_judge(w);
}

void world_run(struct world *w, int64_t ns)
{
    for (int64_t end_ns = w->now_ns + ns; w->now_ns < end_ns;) {
        world_step(w, 10 * MS);
    }
}

struct pw_gateway_metrics world_counts(const struct world *w)
{
    struct pw_gateway_metrics counts;
    w->ops->counts(w->gateway, &counts);
    return counts;
}

bool world_is_ready(const struct world *w)
{
    return world_counts(w).ready;
}

void world_make_ready(struct world *w)
{
    for (int i = 0; i < 6000 && !world_is_ready(w); i++) {
        world_step(w, 10 * MS);
    }
    MUST(world_is_ready(w));
}

/* ---- orders ---- */

struct pw_gateway_order world_limit(enum pw_side side, enum pw_tif tif, int64_t qty_e8)
{
    return (struct pw_gateway_order){
        .price_e8 = 100 * PW_E8, .qty_e8 = qty_e8, .side = side, .type = PW_LIMIT, .tif = tif};
}

static uint64_t send(struct world *w, struct pw_gateway_order order, uint64_t replaces_id,
                     enum pw_reason *reason)
{
    order.client_order_id = pw_orders_take_id(w->orders);
    order.recv_ns = world_engine_ns(w);
    struct pw_order_row row = {.client_order_id = order.client_order_id,
                               .replaces_id = replaces_id,
                               .price_e8 = order.price_e8,
                               .qty_e8 = order.qty_e8,
                               .leaves_qty_e8 = order.qty_e8,
                               .recv_ns = order.recv_ns,
                               .instrument_idx = order.instrument_idx,
                               .side = order.side,
                               .type = order.type,
                               .tif = order.tif};
    *reason = w->ops->check(w->gateway, &order, replaces_id);
    if (*reason != PW_REASON_NONE) {
        return 0;
    }
    struct pw_order_row *at =
        replaces_id ? pw_orders_replace(w->orders, &row) : pw_orders_add(w->orders, &row);
    MUST(at);
    at->valid_until_ns = (replaces_id ? w->ops->replace(w->gateway, &order, replaces_id, &w->out)
                                      : w->ops->place(w->gateway, &order, &w->out));
    w->ops->settle(w->gateway);
    take_reports(w);
    drain_wire(w);
    return order.client_order_id;
}

uint64_t world_place(struct world *w, const struct pw_gateway_order *order, enum pw_reason *reason)
{
    return send(w, *order, 0, reason);
}

uint64_t world_replace(struct world *w, uint64_t replaces_id, int64_t qty_e8)
{
    enum pw_reason reason;
    const struct pw_order_row *old = pw_orders_find(w->orders, replaces_id);
    return send(w, world_limit((enum pw_side)old->side, PW_GTC, qty_e8), replaces_id, &reason);
}

bool world_cancel(struct world *w, uint64_t client_order_id)
{
    struct pw_order_row *row;
    const struct pw_report sent = {.client_order_id = client_order_id, .exec_type = PW_EXEC_CANCEL_SENT};
    enum pw_order_step step = pw_orders_apply(w->orders, &sent, &row);
    if (step != PW_ORDER_STEP_MOVE && step != PW_ORDER_STEP_KEEP) {
        return false;
    }
    w->ops->cancel(w->gateway, client_order_id, world_engine_ns(w), &w->out);
    take_reports(w);
    drain_wire(w);
    return true;
}

enum pw_order_state world_state(const struct world *w, uint64_t client_order_id)
{
    const struct pw_order_row *row = pw_orders_find(w->orders, client_order_id);
    return row ? (enum pw_order_state)row->state : PW_ORDER_NONE;
}

/* ---- start and end ---- */

static void *zeroed(size_t bytes)
{
    void *memory = aligned_alloc(64, (bytes + 63) / 64 * 64);
    cr_assert(memory);
    return memset(memory, 0, (bytes + 63) / 64 * 64);
}

static void make_ring(void *memory, struct pw_producer *producer, struct pw_consumer *consumer)
{
    cr_assert_eq(pw_ring_format(memory, 256, 1 << 18, PW_RING_STALL), 0);
    pw_producer_attach(producer, memory);
    pw_consumer_attach(consumer, memory);
}

void world_restart(struct world *w, uint64_t run_id, int64_t paused_until_ns)
{
    memset(w->memory[0], 0, pw_orders_bytes(256, 2));
    memset(w->memory[1], 0, pw_live_gateway.bytes(&w->config));
    memset(w->placed, 0, sizeof w->placed);
    w->orders = pw_orders_init(w->memory[0], 256, 2, run_id);
    w->gateway = w->memory[1];
    w->config.orders = w->orders;
    w->config.paused_until_ns = paused_until_ns;
    cr_assert_eq(w->ops->init(w->gateway, &w->config), 0);
    w->request_cnt = w->mail_cnt = 0;
    w->up = false;
}

void world_open(struct world *w, uint64_t seed, bool is_ed25519)
{
    *w = (struct world){.ops = &pw_live_gateway,
                        .seed = seed,
                        .random = seed * UINT64_C(0x9e3779b97f4a7c15) | 1,
                        .now_ns = INT64_C(1700000000) * SEC,
                        .quote_free_e8 = 1000 * PW_E8};
    size_t ring_bytes = pw_ring_bytes(256, 1 << 18);
    w->memory[0] = zeroed(pw_orders_bytes(256, 2));
    w->memory[2] = zeroed(ring_bytes);
    w->memory[3] = zeroed(ring_bytes);
    w->requests = malloc(WORLD_REQUESTS * sizeof *w->requests);
    w->mail = malloc(WORLD_MAIL * sizeof *w->mail);
    w->memory[4] = zeroed(pw_portfolio_bytes(2));
    w->portfolio = pw_portfolio_init(w->memory[4], 2, 0);
    make_ring(w->memory[2], &w->wire_in, &w->wire);
    make_ring(w->memory[3], &w->journal_in, &w->journal);
    w->signing = (struct pw_signing){sign, w, is_ed25519 ? 88 : 64, is_ed25519};
    w->config = (struct pw_gateway_config){
        .instruments = world_instruments,
        .instrument_cnt = 2,
        .trades = g_trades,
        .instance_hash = WORLD_HASH,
        .api_key = API_KEY,
        .entry = &pw_binance_entry,
        .signing = &w->signing,
        .recv_window_ms = 5000,
        .ack_timeout_ns = 2 * SEC,
        .cash_e8 = 1000 * PW_E8,
        .quote_asset = "USDT",
        .wire = &w->wire_in,
        .conn_idx = 1,
        .venue_errors = &w->errors,
    };
    w->memory[1] = zeroed(pw_live_gateway.bytes(&w->config));
    world_restart(w, RUN_ID, 0);
}

void world_close(struct world *w)
{
    for (int i = 0; i < 5; i++) {
        free(w->memory[i]);
    }
    free(w->requests);
    free(w->mail);
}

/* ---- what must hold ---- */

static bool is_own(const struct venue_order *order)
{
    struct pw_entry_client_id id;
    return pw_binance_client_id_read(order->client_id, strlen(order->client_id), &id) &&
           id.instance_hash == WORLD_HASH;
}

static void add_up(const struct world *w, bool open, int64_t sums[2])
{
    sums[0] = sums[1] = 0;
    for (uint32_t i = 0; i < w->venue_cnt; i++) {
        const struct venue_order *order = &w->venue[i];
        bool live = open && order->state == ORDER_LIVE;
        if (!is_own(order)) {
            continue; /* of another client of the account */
        }
        sums[order->sell] += live ? order->qty_e8 : order->executed_e8;
    }
}

/* What is unknown is counted at its worst: whatever the venue has done, and may yet do, stands in the
 * position or among the open orders. */
void world_judge(const struct world *w)
{
    int64_t worst[2];
    add_up(w, true, worst);
    MUST(w->bought_e8 + w->orders->open[0].buy_e8 >= worst[0]);
    MUST(w->sold_e8 + w->orders->open[0].sell_e8 >= worst[1]);
    int64_t done[2];
    add_up(w, false, done);
    MUST(w->bought_e8 <= done[0] && w->sold_e8 <= done[1]);
}

/* What the engine holds is what the venue's trades have brought in and taken, fees and all. */
static void judge_balances(const struct world *w)
{
    int64_t base_e8 = 0;
    pw_i128 quote_e16 = 0;
    for (uint32_t i = 0; i < w->trade_cnt; i++) {
        const struct venue_trade *trade = &w->trades[i];
        const struct venue_order *order = &w->venue[trade->order_id - 1001];
        if (is_own(order)) {
            int64_t sign = order->sell ? -1 : 1, fee_e8 = w->pays_bnb ? 0 : world_fee_e8(w, trade);
            base_e8 += sign * trade->qty_e8 - (order->sell ? 0 : fee_e8);
            quote_e16 -= sign * (pw_i128)trade->price_e8 * trade->qty_e8;
            quote_e16 -= order->sell ? (pw_i128)fee_e8 * PW_E8 : 0;
        }
    }
    MUST(w->portfolio->rows[0].holding.qty_e8 == base_e8);
    MUST(w->portfolio->cash_e16 == quote_e16);
}

void world_judge_fills(const struct world *w)
{
    int64_t done[2], trades[2] = {0, 0};
    add_up(w, false, done);
    for (uint32_t i = 0; i < w->trade_cnt; i++) {
        const struct venue_order *order = &w->venue[w->trades[i].order_id - 1001];
        trades[order->sell] += is_own(order) ? w->trades[i].qty_e8 : 0;
    }
    MUST(done[0] == trades[0] && done[1] == trades[1]);
    MUST(w->bought_e8 == done[0] && w->sold_e8 == done[1]);
    judge_balances(w);
}

void world_judge_end(const struct world *w)
{
    world_judge_fills(w);
    MUST(w->orders->open_cnt == 0 && w->ops->open_cnt(w->gateway) == 0);
    for (uint32_t i = 0; i < w->venue_cnt; i++) {
        MUST(w->venue[i].state != ORDER_LIVE);
    }
}

/* ---- for short tests ---- */

void world_start(struct world *w)
{
    world_restart(w, RUN_ID, 0);
    world_connect(w);
    world_make_ready(w);
}

void world_ready(struct world *w)
{
    world_open(w, 1, true);
    world_start(w);
}

enum pw_reason world_denied(struct world *w, struct pw_gateway_order order)
{
    enum pw_reason reason = PW_REASON_NONE;
    cr_expect_eq(world_place(w, &order, &reason), 0);
    return reason;
}

uint64_t world_place_one(struct world *w)
{
    enum pw_reason reason;
    struct pw_gateway_order order = world_limit(PW_BUY, PW_GTC, PW_E8);
    uint64_t id = world_place(w, &order, &reason);
    cr_assert_neq(id, 0, "%s", pw_reason_name(reason));
    return id;
}

uint64_t world_rest_one(struct world *w)
{
    uint64_t id = world_place_one(w);
    world_run(w, 50 * MS);
    cr_assert_eq(world_state(w, id), PW_ORDER_OPEN);
    return id;
}

void world_end(struct world *w)
{
    world_judge_fills(w);
    world_close(w);
}

void world_answer(struct world *w, const char *method, uint32_t cnt, const char *text)
{
    w->answer_for = method;
    w->answer = text;
    w->answer_cnt = cnt;
}
