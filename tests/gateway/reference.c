/* SPDX-License-Identifier: MIT
 *
 * Strategy, risk, gateway and portfolio by hand, without stages, over a recording: every fill, fee and
 * balance that an independent program computed, to the last digit.
 */
#include "capture.h"
#include "paper.h"
#include "portfolio.h"
#include "risk.h"
#include "strategies.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static void *zeroed(size_t bytes)
{
    bytes = (bytes + 63) / 64 * 64;
    void *memory = aligned_alloc(64, bytes);
    memset(memory, 0, bytes);
    return memory;
}

struct run {
    struct pw_instrument instrument;
    struct pw_risk_limits limits;
    void *strategy, *gateway;
    struct pw_portfolio *portfolio;
    struct pw_quote quote;
    const json_t *fills;
    size_t fill_cnt;
    int ups, downs;
};

static void check_fill(struct run *run, const struct pw_report *fill, const struct pw_event *intent,
                       uint32_t line, pw_i128 realized_before)
{
    const json_t *row = json_array_get(run->fills, run->fill_cnt++);
    cr_assert_not_null(row, "more fills than expected");
    bool sell = intent->flags & PW_FLAG_SELL;
    const struct pw_holding *holding = &run->portfolio->rows[0].holding;
    cr_expect_eq(line, json_integer_value(json_object_get(row, "line")));
    cr_expect_eq(intent->recv_ns, json_integer_value(json_object_get(row, "local_ns")));
    cr_expect_eq(fill->recv_ns, intent->recv_ns);
    cr_expect_str_eq(sell ? "SELL" : "BUY", json_string_value(json_object_get(row, "side")));
    cr_expect_eq(fill->fill_price_e8, e8_of(json_object_get(row, "price")));
    cr_expect_eq(fill->fill_qty_e8, e8_of(json_object_get(row, "qty")));
    cr_expect(fill->fee_e16 == e16_of(json_object_get(row, "fee")));
    cr_expect(run->portfolio->cash_e16 == e16_of(json_object_get(row, "cash_after")));
    cr_expect_eq(holding->qty_e8, e8_of(json_object_get(row, "position_after")));
    if (sell) {
        cr_expect(holding->realized_e16 - realized_before == e16_of(json_object_get(row, "realized_pnl")));
    }
}

static void take_intent(struct run *run, const struct pw_event *intent, uint32_t line)
{
    const struct pw_intent *body = &intent->body.intent;
    struct pw_risk_input in = {.instrument = &run->instrument,
                               .limits = &run->limits,
                               .qty_e8 = body->qty_e8,
                               .side = intent->flags & PW_FLAG_SELL ? PW_SELL : PW_BUY,
                               .type = body->type,
                               .tif = body->tif,
                               .feed_up = true,
                               .bid_e8 = run->quote.bid_price_e8,
                               .ask_e8 = run->quote.ask_price_e8,
                               .position_e8 = run->portfolio->rows[0].holding.qty_e8,
                               .cash_e16 = run->portfolio->cash_e16,
                               .room = true};
    cr_assert_eq(pw_risk_check(&in, NULL, NULL), PW_REASON_NONE);
    struct pw_reports out = {0};
    pw_paper_gateway.place(run->gateway,
                           &(struct pw_gateway_order){.client_order_id = run->fill_cnt + 1,
                                                      .qty_e8 = body->qty_e8,
                                                      .recv_ns = intent->recv_ns,
                                                      .side = in.side,
                                                      .type = body->type,
                                                      .tif = body->tif},
                           &out);
    cr_assert_eq(out.cnt, 1);
    pw_i128 realized = run->portfolio->rows[0].holding.realized_e16;
    cr_assert(pw_portfolio_fill(run->portfolio, 0, in.side, out.rows[0].fill_price_e8,
                                out.rows[0].fill_qty_e8, out.rows[0].fee_e16));
    check_fill(run, &out.rows[0], intent, line, realized);
}

static void take(struct run *run, const struct pw_event *event, uint32_t line)
{
    struct pw_reports none = {0};
    pw_paper_gateway.on_market(run->gateway, event, &none);
    cr_assert_eq(none.cnt, 0);
    if (event->kind == PW_EVENT_QUOTE) {
        run->quote = event->body.quote;
        pw_portfolio_quote(run->portfolio, 0, run->quote.bid_price_e8, run->quote.ask_price_e8);
    }
    struct pw_decisions out = {0};
    pw_ma_cross.on_market(run->strategy, event, event->seq, &out);
    for (uint32_t i = 0; i < out.cnt; i++) {
        out.events[i].recv_ns = event->recv_ns;
        if (out.events[i].kind == PW_EVENT_INTENT) {
            take_intent(run, &out.events[i], line);
        } else {
            run->ups += out.events[i].body.signal.direction > 0;
            run->downs += out.events[i].body.signal.direction < 0;
        }
    }
}

static void text_of(const json_t *value, char *out, size_t bytes)
{
    if (json_is_string(value)) {
        snprintf(out, bytes, "%s", json_string_value(value));
    } else {
        snprintf(out, bytes, "%lld", (long long)json_integer_value(value));
    }
}

static void *make_strategy(const json_t *parameters)
{
    static const uint16_t instruments[1] = {0};
    static const struct pw_instrument table[1] = {{.base = "BTC"}};
    struct pw_param params[3] = {{.name = "fast"}, {.name = "slow"}, {.name = "quantity"}};
    text_of(json_object_get(parameters, "fast"), params[0].value, sizeof params[0].value);
    text_of(json_object_get(parameters, "slow"), params[1].value, sizeof params[1].value);
    text_of(json_object_get(parameters, "qty"), params[2].value, sizeof params[2].value);
    struct pw_strategy_env env = {.name = "x",
                                  .params = params,
                                  .param_cnt = 3,
                                  .instruments = instruments,
                                  .instrument_cnt = 1,
                                  .instrument_table = table};
    char error[256];
    size_t bytes = pw_ma_cross.state_bytes(&env, error, sizeof error);
    cr_assert_gt(bytes, 0, "%s", error);
    void *state = zeroed(bytes);
    cr_assert_eq(pw_ma_cross.init(state, &env, error, sizeof error), 0);
    return state;
}

static void check_end(const struct run *run, const json_t *expected)
{
    const struct pw_portfolio_row *row = &run->portfolio->rows[0];
    cr_expect_eq(run->fill_cnt, json_integer_value(json_object_get(expected, "fills_count")));
    cr_expect_eq(run->ups, json_integer_value(json_object_get(expected, "crosses_up")));
    cr_expect_eq(run->downs, json_integer_value(json_object_get(expected, "crosses_down")));
    cr_expect_eq(row->holding.buy_cnt, json_integer_value(json_object_get(expected, "buys")));
    cr_expect_eq(row->holding.sell_cnt, json_integer_value(json_object_get(expected, "sells")));
    cr_expect(row->holding.fees_e16 == e16_of(json_object_get(expected, "total_fees")));
    cr_expect(row->holding.realized_e16 == e16_of(json_object_get(expected, "realized_pnl")));
    cr_expect(run->portfolio->cash_e16 == e16_of(json_object_get(expected, "final_cash")));
    cr_expect(pw_portfolio_equity_e16(run->portfolio) ==
              e16_of(json_object_get(expected, "final_equity_at_last_bid")));
    cr_expect_eq(row->bid_e8, e8_of(json_object_get(expected, "last_bid")));
    cr_expect_eq(row->ask_e8, e8_of(json_object_get(expected, "last_ask")));
}

static void check(const char *recording, const char *expected_name)
{
    if (!shared_data()) {
        cr_skip_test();
    }
    struct capture capture = {0};
    cr_assert(capture_add(&capture, recording));
    json_t *expected = expected_load(expected_name);
    cr_assert(expected);
    const json_t *parameters = json_object_get(expected, "parameters");
    struct run run = {.instrument = {.tradable = 1}, .fills = json_object_get(expected, "fills")};
    run.limits.fee_rate_e8 = e8_of(json_object_get(parameters, "fee_rate"));
    run.strategy = make_strategy(parameters);
    run.gateway = zeroed(pw_paper_gateway.bytes(&(struct pw_gateway_config){.instrument_cnt = 1}));
    struct pw_gateway_config config = {
        .fee_rate_e8 = run.limits.fee_rate_e8, .instruments = &run.instrument, .instrument_cnt = 1};
    cr_assert_eq(pw_paper_gateway.init(run.gateway, &config), 0);
    run.portfolio = pw_portfolio_init(zeroed(pw_portfolio_bytes(1)), 1,
                                      e16_of(json_object_get(parameters, "start_cash")));
    for (size_t i = 0; i < capture.cnt; i++) {
        take(&run, &capture.events[i], capture.lines[i]);
    }
    check_end(&run, expected);
    free(run.strategy);
    free(run.gateway);
    free(run.portfolio);
    json_decref(expected);
    capture_free(&capture);
}

Test(reference, six_fills_of_the_first_lines)
{
    check("unit/spot_btcusdt_2000.txt", "paper_ma_unit_spot_btcusdt_2000.json");
}

Test(reference, fifty_two_fills_of_the_whole_recording)
{
    check("captures/binance/spot_btcusdt_20240809.gz", "paper_ma_spot_btcusdt_20240809.json");
}
