/* SPDX-License-Identifier: MIT
 *
 * The portfolio: the holdings' sums, kept as fills come.
 */
#include "portfolio.h"

#include "pw_assert.h"
#include <pinwheel/lines.h>

size_t pw_portfolio_bytes(uint32_t instrument_cnt)
{
    return pw_round_up_64(sizeof(struct pw_portfolio) + instrument_cnt * sizeof(struct pw_portfolio_row));
}

struct pw_portfolio *pw_portfolio_init(void *memory, uint32_t instrument_cnt, pw_i128 cash_e16)
{
    struct pw_portfolio *portfolio = memory;
    portfolio->start_cash_e16 = portfolio->cash_e16 = cash_e16;
    portfolio->row_cnt = instrument_cnt;
    for (uint32_t i = 0; i < instrument_cnt; i++) {
        portfolio->rows[i].changed = true;
    }
    return portfolio;
}

static pw_i128 short_cost_e16(const struct pw_holding *holding)
{
    return holding->qty_e8 < 0 ? -holding->cost_e16 : 0;
}

/* The row's holding becomes that one. False when a sum would overflow: then nothing has changed. */
static bool put_holding(struct pw_portfolio *portfolio, struct pw_portfolio_row *row,
                        const struct pw_holding *holding)
{
    if (!pw_money_add(&portfolio->short_cost_e16, short_cost_e16(holding) - short_cost_e16(&row->holding))) {
        return false;
    }
    pw_assert(portfolio->short_cost_e16 >= 0);
    row->holding = *holding;
    row->changed = true;
    return true;
}

bool pw_portfolio_fill(struct pw_portfolio *portfolio, uint16_t instrument_idx, enum pw_side side,
                       int64_t price_e8, int64_t qty_e8, pw_i128 fee_e16)
{
    pw_assert(instrument_idx < portfolio->row_cnt);
    struct pw_portfolio_row *row = &portfolio->rows[instrument_idx];
    struct pw_holding holding = row->holding;
    pw_i128 cash = portfolio->cash_e16;
    if (!pw_holding_fill(&holding, &cash, side, price_e8, qty_e8, fee_e16) ||
        !put_holding(portfolio, row, &holding)) {
        return false;
    }
    portfolio->cash_e16 = cash;
    return true;
}

bool pw_portfolio_base_fee(struct pw_portfolio *portfolio, uint16_t instrument_idx, int64_t price_e8,
                           int64_t fee_e8)
{
    pw_assert(instrument_idx < portfolio->row_cnt);
    struct pw_portfolio_row *row = &portfolio->rows[instrument_idx];
    struct pw_holding holding = row->holding;
    return pw_holding_base_fee(&holding, price_e8, fee_e8) && put_holding(portfolio, row, &holding);
}

void pw_portfolio_quote(struct pw_portfolio *portfolio, uint16_t instrument_idx, int64_t bid_e8,
                        int64_t ask_e8)
{
    pw_assert(instrument_idx < portfolio->row_cnt);
    struct pw_portfolio_row *row = &portfolio->rows[instrument_idx];
    row->bid_e8 = bid_e8 > 0 ? bid_e8 : row->bid_e8;
    row->ask_e8 = ask_e8 > 0 ? ask_e8 : row->ask_e8;
    row->changed |= row->holding.qty_e8 != 0;
}

static int64_t mark_e8(const struct pw_portfolio_row *row)
{
    return pw_holding_mark_e8(&row->holding, row->bid_e8, row->ask_e8);
}

pw_i128 pw_portfolio_equity_e16(const struct pw_portfolio *portfolio)
{
    pw_i128 equity = portfolio->start_cash_e16;
    for (uint32_t i = 0; i < portfolio->row_cnt; i++) {
        const struct pw_portfolio_row *row = &portfolio->rows[i];
        equity += row->holding.realized_e16 + pw_holding_unrealized_e16(&row->holding, mark_e8(row));
    }
    return equity;
}

bool pw_portfolio_view(struct pw_portfolio *portfolio, uint16_t instrument_idx, struct pw_position *out)
{
    pw_assert(instrument_idx < portfolio->row_cnt);
    struct pw_portfolio_row *row = &portfolio->rows[instrument_idx];
    if (!row->changed) {
        return false;
    }
    row->changed = false;
    pw_holding_view(&row->holding, mark_e8(row), out);
    return true;
}
