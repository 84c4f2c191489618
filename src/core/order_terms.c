/* SPDX-License-Identifier: MIT
 *
 * What cannot be true of an order, field by field.
 */
#include "order_terms.h"

#include "fills.h"
#include "money.h"
#include <pinwheel/units.h>
#include <string.h>

static bool says(const struct pw_report *report, enum pw_term term)
{
    return report->terms.said >> term & 1;
}

/* Only a limit order at the book's mercy has a time in force of its own. */
static bool has_tif(uint8_t type)
{
    return pw_order_has_limit(type) && type != PW_LIMIT_MAKER;
}

/* Terms that are not as ordered, a bit each. */
static uint32_t other_terms(const struct pw_order_row *row, const struct pw_instrument *instrument,
                            const struct pw_report_terms *terms)
{
    bool other_symbol = strncmp(terms->symbol, instrument->symbol, sizeof terms->symbol) != 0;
    bool other_tif = has_tif(row->type) && terms->tif != row->tif;
    bool other_price = pw_order_has_limit(row->type) && terms->price_e8 != row->price_e8;
    bool other_id = row->venue_order_id != 0 && terms->venue_order_id != row->venue_order_id;
    return (uint32_t)other_symbol << PW_TERM_SYMBOL | (uint32_t)(terms->side != row->side) << PW_TERM_SIDE |
           (uint32_t)(terms->type != row->type) << PW_TERM_TYPE | (uint32_t)other_tif << PW_TERM_TIF |
           (uint32_t)other_price << PW_TERM_PRICE | (uint32_t)(terms->qty_e8 != row->qty_e8) << PW_TERM_QTY |
           (uint32_t)other_id << PW_TERM_VENUE_ORDER_ID;
}

static const char *wrong_term(const struct pw_order_row *row, const struct pw_instrument *instrument,
                              const struct pw_report_terms *terms)
{
    static const char *const names[] = {[PW_TERM_SYMBOL] = "symbol",
                                        [PW_TERM_SIDE] = "side",
                                        [PW_TERM_TYPE] = "type",
                                        [PW_TERM_TIF] = "time in force",
                                        [PW_TERM_PRICE] = "limit price",
                                        [PW_TERM_QTY] = "quantity",
                                        [PW_TERM_VENUE_ORDER_ID] = "venue order id"};
    uint32_t wrong = terms->said != 0 ? terms->said & other_terms(row, instrument, terms) : 0;
    return wrong != 0 ? names[__builtin_ctz(wrong)] : NULL;
}

/* What an order is filled in all only grows, with each trade of a higher number; its end is behind all of
 * them, and behind all counts of them. */
static bool wrong_executed(const struct pw_order_row *row, const struct pw_report *report)
{
    int64_t booked_e8 = pw_order_booked_e8(row), executed_e8 = report->executed_qty_e8;
    if (executed_e8 < 0 || report->prevented_qty_e8 < 0 ||
        executed_e8 > row->qty_e8 - report->prevented_qty_e8) {
        return true;
    }
    if (!says(report, PW_TERM_EXECUTED)) {
        return false;
    }
    bool ends = report->exec_type == PW_EXEC_CANCELED || report->exec_type == PW_EXEC_EXPIRED;
    bool next =
        report->exec_type == PW_EXEC_FILL && report->has_trade_id && report->trade_id > row->last_trade_id;
    pw_i128 least_e8 = next                                ? (pw_i128)booked_e8 + report->fill_qty_e8
                       : report->exec_type == PW_EXEC_FILL ? report->fill_qty_e8
                       : ends                              ? row->executed_qty_e8
                                                           : 0;
    int64_t prevented_e8 =
        report->prevented_qty_e8 > row->prevented_qty_e8 ? report->prevented_qty_e8 : row->prevented_qty_e8;
    return executed_e8 < least_e8 ||
           (report->exec_type == PW_EXEC_FOUND_FILLED && executed_e8 != row->qty_e8 - prevented_e8);
}

/* What was prevented is not said again with each report. */
static bool is_wrong(const struct pw_order_row *row, const struct pw_report *report)
{
    return report->fault != PW_REPORT_SHORT || report->executed_qty_e8 != row->qty_e8 - row->prevented_qty_e8;
}

static bool is_near(int64_t price_e8, int64_t touch_e8)
{
    return touch_e8 > 0 && price_e8 >= touch_e8 / PW_TOUCH_FACTOR && price_e8 / PW_TOUCH_FACTOR <= touch_e8;
}

static bool wrong_price(const struct pw_order_row *row, const struct pw_report *report, int64_t touch_e8)
{
    int64_t price_e8 = report->fill_price_e8;
    bool has_limit = pw_order_has_limit(row->type);
    bool beyond = has_limit && (row->side == PW_BUY ? price_e8 > row->price_e8 : price_e8 < row->price_e8);
    bool known = has_limit || touch_e8 > 0 || row->touch_e8 > 0;
    return price_e8 <= 0 || beyond ||
           (known && !is_near(price_e8, touch_e8) && !is_near(price_e8, row->touch_e8) &&
            !(has_limit && is_near(price_e8, row->price_e8)));
}

/* A quantity as an amount of its asset, whatever the instrument's units. */
static pw_i128 qty_e16(const struct pw_instrument *instrument, int64_t qty)
{
    return (pw_i128)qty * pw_power10(16 - pw_qty_decimals(instrument->unit_shift));
}

static bool wrong_fee(const struct pw_instrument *instrument, const struct pw_report *report)
{
    enum pw_fee_kind kind = report->fee_e16 != 0 ? pw_fee_kind(report->fee_asset, instrument) : PW_FEE_OTHER;
    if (kind == PW_FEE_OTHER) {
        return report->fee_e16 < 0;
    }
    pw_i128 all_e16 = kind == PW_FEE_BASE ? qty_e16(instrument, report->fill_qty_e8)
                                          : pw_money_notional_e16(report->fill_price_e8, report->fill_qty_e8);
    return report->fee_e16 < 0 ? report->fee_e16 < -(all_e16 / PW_REBATE_FRACTION)
                               : report->fee_e16 >= all_e16;
}

const char *pw_order_contradiction(const struct pw_order_row *row, const struct pw_instrument *instrument,
                                   const struct pw_report *report, int64_t touch_e8)
{
    const char *term = wrong_term(row, instrument, &report->terms);
    if (term != NULL) {
        return term;
    }
    if (wrong_executed(row, report)) {
        return "executed quantity";
    }
    if (report->fault != PW_REPORT_SOUND && is_wrong(row, report)) {
        return report->fault == PW_REPORT_OTHER_ORDER ? "it names another order" : "status";
    }
    if (report->exec_type != PW_EXEC_FILL) {
        return NULL;
    }
    return report->fill_qty_e8 <= 0             ? "fill quantity"
           : wrong_price(row, report, touch_e8) ? "fill price"
           : wrong_fee(instrument, report)      ? "fee"
                                                : NULL;
}
