/* SPDX-License-Identifier: MIT
 *
 * Fills as events: the fee stays in its own asset.
 */
#include "fills.h"
#include "text.h"

#include <criterion/criterion.h>
#include <string.h>

static const struct pw_instrument g_instrument = {.symbol = "ETHUSDT", .base = "ETH", .quote = "USDT"};
static const struct pw_order_row g_row = {.client_order_id = 77,
                                          .qty_e8 = 1000 * PW_E8,
                                          .instrument_idx = 3,
                                          .side = PW_SELL,
                                          .state = PW_ORDER_PARTIALLY_FILLED};

static struct pw_report report(const char *asset, bool has_trade_id)
{
    struct pw_report made = {.client_order_id = 77,
                             .trade_id = 98765431,
                             .fill_price_e8 = 2500 * PW_E8,
                             .fill_qty_e8 = PW_E8 / 10,
                             .fee_e16 = (pw_i128)4 * 1000000000000,
                             .venue_ns = 5,
                             .recv_ns = 6,
                             .exec_type = PW_EXEC_FILL,
                             .maker = true,
                             .has_trade_id = has_trade_id};
    memcpy(made.fee_asset, asset, strlen(asset));
    return made;
}

Test(fills, a_fill_of_which_no_more_is_told_is_one_event)
{
    struct pw_event events[PW_FILL_EVENTS_MAX];
    struct pw_report told = report("", false);
    cr_assert_eq(pw_fill_events(&told, &g_row, &g_instrument, events), 1);
    cr_expect_eq(events[0].kind, PW_EVENT_FILL);
    cr_expect_eq(events[0].flags, PW_FLAG_SELL | PW_FLAG_MAKER);
    cr_expect_eq(events[0].instrument_idx, 3);
    cr_expect_eq(events[0].recv_ns, 6);
    cr_expect_eq(events[0].venue_ns, 5);
    cr_expect_eq(events[0].body.fill.price_e8, 2500 * PW_E8);
    cr_expect_eq(events[0].body.fill.qty_e8, PW_E8 / 10);
    cr_expect_eq(events[0].body.fill.client_order_id, 77);
    cr_expect(pw_fill_fee_e16(&events[0].body.fill) == told.fee_e16);
}

static void check(const char *asset, const char *named, bool is_cash)
{
    struct pw_event events[PW_FILL_EVENTS_MAX];
    struct pw_report told = report(asset, true);
    cr_assert_eq(pw_fill_events(&told, &g_row, &g_instrument, events), 2);
    cr_expect(pw_fill_fee_e16(&events[0].body.fill) == (is_cash ? told.fee_e16 : 0));
    cr_expect(pw_fill_quote_fee_e16(&told, &g_instrument) == (is_cash ? told.fee_e16 : 0));
    const struct pw_fill_info *info = &events[1].body.fill_info;
    cr_expect_eq(events[1].kind, PW_EVENT_FILL_INFO);
    cr_expect_eq(info->trade_id, 98765431);
    cr_expect(pw_fill_info_fee_e16(info) == told.fee_e16);
    char wanted[16] = {0};
    memcpy(wanted, named, strlen(named));
    cr_expect_eq(memcmp(info->fee_asset, wanted, sizeof wanted), 0, "%.16s", info->fee_asset);
}

Test(fills, a_fee_is_cash_only_in_the_quote_currency)
{
    check("USDT", "USDT", true);
    check("", "USDT", true);
    check("ETH", "ETH", false);
    check("BNB", "BNB", false);
    check("USDTX", "USDTX", false);
    check("A23456789ABCDEFG", "A23456789ABCDEFG", false);
}

/* cases/02-asset-longer-than-11-bytes */
Test(fills, an_asset_of_any_length_is_known_again)
{
    static const struct pw_instrument long_names = {.base = "我的刀盾币安人生",
                                                    .quote = "我的刀盾币安人生二"};
    static const struct {
        const char *asset, *printed;
        bool is_base, is_cash;
    } rows[] = {{"我的刀盾币安人生", "我的刀盾币安人生", true, false},
                {"我的刀盾币安人生二", "我的刀盾币安人生二", false, true},
                {"我的刀盾币安", "我的刀盾币 (longer)", false, false},
                {"我的刀盾币安人生二三", "我的刀盾币 (longer)", false, false},
                {"BNB", "BNB", false, false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pw_event events[PW_FILL_EVENTS_MAX];
        struct pw_report told = report(rows[i].asset, true);
        int64_t fee_e8, info_fee_e8;
        cr_assert_eq(pw_fill_events(&told, &g_row, &long_names, events), 2);
        cr_expect_eq(pw_fill_fee_e16(&events[0].body.fill) != 0, rows[i].is_cash, "%s", rows[i].asset);
        cr_assert(pw_fill_base_fee_e8(&told, &long_names, &(pw_i128){0}, &fee_e8));
        cr_assert(
            pw_fill_info_base_fee_e8(&events[1].body.fill_info, &long_names, &(pw_i128){0}, &info_fee_e8));
        cr_expect_eq(fee_e8, rows[i].is_base ? 40000 : 0, "%s", rows[i].asset);
        cr_expect_eq(info_fee_e8, fee_e8, "%s", rows[i].asset);
        char printed[128];
        struct pw_text text = pw_text_start(printed, sizeof printed);
        pw_text_put_fee_asset(&text, &events[1].body.fill_info, &long_names);
        cr_expect_str_eq(printed, rows[i].printed);
    }
}

Test(fills, a_fee_asset_alone_is_told_too)
{
    struct pw_event events[PW_FILL_EVENTS_MAX];
    struct pw_report told = report("BNB", false);
    cr_expect_eq(pw_fill_events(&told, &g_row, &g_instrument, events), 2);
}

static int64_t base_fee_e8(const char *asset, pw_i128 fee_e16)
{
    int64_t fee_e8;
    struct pw_report told = report(asset, true);
    told.fee_e16 = fee_e16;
    cr_assert(pw_fill_base_fee_e8(&told, &g_instrument, &(pw_i128){0}, &fee_e8));
    return fee_e8;
}

Test(fills, a_fee_in_the_base_asset_is_a_quantity)
{
    cr_expect_eq(base_fee_e8("ETH", (pw_i128)10000 * PW_E8), 10000);
    cr_expect_eq(base_fee_e8("ETH", (pw_i128)10000 * PW_E8 + 1), 10001, "finer: against us");
    cr_expect_eq(base_fee_e8("ETH", -((pw_i128)10000 * PW_E8 + 1)), -10000, "a rebate, too");
    static const char *const others[] = {"USDT", "BNB", "ETHW", ""};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        cr_expect_eq(base_fee_e8(others[i], (pw_i128)10000 * PW_E8), 0, "%s", others[i]);
    }
    int64_t fee_e8;
    struct pw_report told = report("ETH", true);
    told.fee_e16 = (pw_i128)INT64_MAX * PW_E8;
    cr_expect(pw_fill_base_fee_e8(&told, &g_instrument, &(pw_i128){0}, &fee_e8));
    told.fee_e16++;
    cr_expect_not(pw_fill_base_fee_e8(&told, &g_instrument, &(pw_i128){0}, &fee_e8));
}

/* cases/04-quantity-too-large */
Test(fills, a_fee_in_the_base_asset_is_in_the_unit_of_quantities)
{
    struct pw_report told = report("ETH", true);
    for (int shift = -PW_UNIT_SHIFT_MAX; shift <= PW_UNIT_SHIFT_MAX; shift++) {
        struct pw_instrument instrument = g_instrument;
        int64_t fee_e8;
        instrument.unit_shift = (int8_t)shift;
        told.fee_e16 = (pw_i128)7 * PW_E8 * PW_E8;
        cr_assert(pw_fill_base_fee_e8(&told, &instrument, &(pw_i128){0}, &fee_e8));
        cr_expect_eq(fee_e8, 7 * pw_power10(pw_qty_decimals(shift)), "%d", shift);
        told.fee_e16 += 1;
        cr_assert(pw_fill_base_fee_e8(&told, &instrument, &(pw_i128){0}, &fee_e8));
        cr_expect_eq(fee_e8, 7 * pw_power10(pw_qty_decimals(shift)) + 1, "%d", shift);
    }
}

Test(fills, what_is_finer_than_a_unit_is_not_lost_over_many_fills)
{
    struct pw_report told = report("ETH", true);
    struct pw_instrument instrument = g_instrument;
    pw_i128 dust_e16 = 0, taken = 0, charged_e16 = 0;
    int64_t fee_e8;
    instrument.unit_shift = 3;
    const int64_t unit_e16 = INT64_C(100000000000);
    for (int i = 1; i <= 1000; i++) {
        told.fee_e16 = i % 7 == 0 ? -(pw_i128)i * 12345678901 : (pw_i128)i * 98765432109;
        cr_assert(pw_fill_base_fee_e8(&told, &instrument, &dust_e16, &fee_e8));
        taken += fee_e8;
        charged_e16 += told.fee_e16;
        cr_assert(taken * unit_e16 - dust_e16 == charged_e16 && dust_e16 >= 0 && dust_e16 < unit_e16);
    }
}
