/* SPDX-License-Identifier: MIT
 *
 * Events and amounts as text.
 */
#include "enum_table.h"
#include "fields.h"
#include "text.h"
#include <criterion/criterion.h>
#include <pinwheel/hops.h>
#include <pinwheel/workspace.h>
#include <stdlib.h>

static const char *e8(int64_t value_e8)
{
    static char buffer[64];
    struct pw_text text = pw_text_start(buffer, sizeof buffer);
    pw_text_put_e8(&text, value_e8);
    return buffer;
}

static const char *e16(pw_i128 value_e16)
{
    static char buffer[64];
    struct pw_text text = pw_text_start(buffer, sizeof buffer);
    pw_text_put_e16(&text, value_e16);
    return buffer;
}

Test(text, decimals_are_exact_at_the_ends_of_their_range)
{
    cr_assert_str_eq(e8(0), "0");
    cr_assert_str_eq(e8(1), "0.00000001");
    cr_assert_str_eq(e8(-1), "-0.00000001");
    cr_assert_str_eq(e8(6160201000000), "61602.01");
    cr_assert_str_eq(e8(-50000000), "-0.5");
    cr_assert_str_eq(e8(10 * PW_E8), "10");
    cr_assert_str_eq(e8(INT64_MAX), "92233720368.54775807");
    cr_assert_str_eq(e8(INT64_MIN), "-92233720368.54775808");
    pw_i128 max = ~((pw_i128)1 << 127);
    cr_assert_str_eq(e16(max), "17014118346046923173168.7303715884105727");
    cr_assert_str_eq(e16(-max - 1), "-17014118346046923173168.7303715884105728");
    cr_assert_str_eq(e16(1), "0.0000000000000001");
}

Test(text, amounts_in_two_words_keep_their_sign)
{
    uint64_t words[2] = {UINT64_MAX, UINT64_MAX};
    cr_assert(pw_e16_from_words(words) == -1);
    uint64_t large[2] = {UINT64_MAX, 0};
    cr_assert_str_eq(e16(pw_e16_from_words(large)), "1844.6744073709551615");
}

static const char *escaped(const char *bytes)
{
    static char buffer[128];
    struct pw_text text = pw_text_start(buffer, sizeof buffer);
    pw_text_put_escaped(&text, bytes, strlen(bytes));
    return buffer;
}

Test(text, everything_unprintable_is_escaped)
{
    cr_assert_str_eq(escaped("a\"\\\n\x1b[\x7f"), "a\\\"\\\\\\n\\u001b[\\u007f");
    cr_assert_str_eq(escaped("\xff"), "\\u00ff");
    cr_assert_str_eq(escaped("\xc2\x9b"), "\\u00c2\\u009b", "a control character of the second kind");
    cr_assert_str_eq(escaped("\xe2\x80\xae"), "\\u00e2\\u0080\\u00ae", "turns the direction of a line");
}

Test(text, utf8_is_kept_and_what_only_looks_like_it_is_not)
{
    cr_assert_str_eq(escaped("\xe5\xb8\x81USDT \xc3\xa9 \xf0\x9f\x9a\x80"),
                     "\xe5\xb8\x81USDT \xc3\xa9 \xf0\x9f\x9a\x80");
    cr_assert_str_eq(escaped("\xe5\xb8"), "\\u00e5\\u00b8", "cut short");
    cr_assert_str_eq(escaped("\xc0\xaf"), "\\u00c0\\u00af", "longer than needed");
    cr_assert_str_eq(escaped("\xe0\x9f\xbf"), "\\u00e0\\u009f\\u00bf", "longer than needed");
    cr_assert_str_eq(escaped("\xed\xa0\x80"), "\\u00ed\\u00a0\\u0080", "half of a surrogate pair");
    cr_assert_str_eq(escaped("\xf4\x90\x80\x80"), "\\u00f4\\u0090\\u0080\\u0080", "beyond Unicode");
}

Test(text, what_does_not_fit_is_cut_and_told)
{
    for (size_t bytes = 1; bytes < 12; bytes++) {
        char *buffer = malloc(bytes); /* so that a sanitizer sees a byte too many */
        struct pw_text text = pw_text_start(buffer, bytes);
        pw_text_put(&text, "01234");
        pw_text_put(&text, "56789");
        pw_text_put(&text, "!");
        cr_assert_eq(text.cut, bytes < 12);
        cr_assert_eq(strlen(buffer), bytes - 1);
        free(buffer);
    }
}

Test(event, trade_is_printed_with_all_that_it_says)
{
    struct pw_event event = {
        .seq = 7,
        .instrument_idx = 2,
        .kind = PW_EVENT_TRADE,
        .flags = PW_FLAG_SELL,
        .recv_ns = 1723104000123456789,
        .venue_ns = 1723104000000000000,
        .body.trade = {.price_e8 = 6160201000000, .qty_e8 = 100000, .trade_id = 3714290245}};
    char text[256];
    int len = pw_event_print(&event, "BTCUSDT", NULL, text, sizeof text);
    cr_assert_str_eq(text,
                     "7 trade BTCUSDT recv_ns=1723104000123456789 venue_ns=1723104000000000000 side=sell "
                     "price=61602.01 qty=0.001 trade_id=3714290245 trade_ns=0");
    cr_assert_eq(len, (int)strlen(text));
    pw_event_print(&event, NULL, NULL, text, sizeof text);
    cr_assert_not_null(strstr(text, " trade #2 "));
}

Test(event, json_has_the_same_fields_with_decimals_as_strings)
{
    struct pw_event event = {
        .seq = 9, .instrument_idx = 2, .kind = PW_EVENT_LEVELS, .flags = PW_FLAG_PAIR | PW_FLAG_LAST};
    event.body.levels = (struct pw_levels){.level = {{1, 2}, {3 * PW_E8, 0}}, .update_id = UINT64_MAX};
    char buffer[400];
    struct pw_text text = pw_text_start(buffer, sizeof buffer);
    pw_event_put_json(&text, &event, "B\"C", NULL);
    cr_assert_str_eq(
        buffer, "\"seq\":9,\"kind\":\"levels\",\"symbol\":\"B\\\"C\",\"instrument_idx\":2,\"recv_ns\":\"0\","
                "\"venue_ns\":\"0\",\"side\":\"bid\",\"price\":\"0.00000001\",\"qty\":\"0.00000002\","
                "\"price2\":\"3\",\"qty2\":\"0\",\"update_id\":\"18446744073709551615\",\"last\":true");
}

Test(event, fill_is_printed_with_its_exact_fee)
{
    struct pw_event event = {
        .kind = PW_EVENT_FILL, .flags = PW_FLAG_MAKER, .instrument_idx = PW_NO_INSTRUMENT};
    pw_fill_set_fee_e16(&event.body.fill, -(pw_i128)INT64_MAX * 3);
    char text[256];
    pw_event_print(&event, NULL, NULL, text, sizeof text);
    cr_assert_not_null(strstr(text, " fill - "));
    cr_assert_not_null(strstr(text, " fee=-2767.0116110564327421 "));
    cr_assert_not_null(strstr(text, " maker"));
}

Test(event, every_kind_has_a_name_and_any_bytes_can_be_printed)
{
    uint64_t seed = 99;
    for (unsigned i = 0; i < 20000; i++) {
        uint64_t words[8];
        for (int k = 0; k < 8; k++) {
            seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
            words[k] = seed ^ seed >> 29;
        }
        struct pw_event event;
        memcpy(&event, words, sizeof event);
        event.kind = (uint8_t)i;
        int bytes = (int)(seed >> 40) % 400;
        char *text = malloc((size_t)bytes + 1);
        text[bytes] = '#';
        int len = pw_event_print(&event, i % 2 ? "X" : NULL, NULL, text, bytes);
        cr_assert_eq(text[bytes], '#');
        cr_assert(bytes == 0 || (len < bytes && text[len] == '\0'));
        free(text);
    }
    for (unsigned kind = PW_EVENT_QUOTE; kind <= PW_EVENT_GAP; kind++) {
        cr_assert_str_neq(pw_event_kind_name(kind), "?");
    }
    for (unsigned kind = PW_EVENT_TIME; kind <= PW_EVENT_RISK_LIMITS; kind++) {
        cr_assert_str_neq(pw_event_kind_name(kind), "?");
    }
    cr_assert_str_eq(pw_event_kind_name(PW_EVENT_CONN), "conn");
}

/* Two members of one name in JSON: most readers keep the last. */
Test(event, no_field_has_the_name_of_another)
{
    static const char *const common[] = {"journal_seq", "seq",      "kind",          "symbol",
                                         "recv_ns",     "venue_ns", "instrument_idx"};
    uint32_t cnt = 0;
    for (unsigned kind = 0; kind < 256; kind++) {
        struct pw_field_list list = pw_event_fields(kind);
        for (uint32_t i = 0; i < list.cnt; i++, cnt++) {
            const struct pw_field *field = &list.fields[i];
            for (size_t k = 0; k < sizeof common / sizeof common[0]; k++) {
                cr_expect_str_neq(field->name, common[k], "kind %u", kind);
            }
            for (uint32_t k = 0; k < i; k++) {
                cr_expect(strcmp(field->name, list.fields[k].name) != 0 || field->when != list.fields[k].when,
                          "kind %u has two fields '%s'", kind, field->name);
            }
        }
    }
    cr_expect_gt(cnt, 50);
}

Test(event, fill_info_is_printed_with_its_asset)
{
    struct pw_event event = {.kind = PW_EVENT_FILL_INFO, .instrument_idx = PW_NO_INSTRUMENT};
    event.body.fill_info = (struct pw_fill_info){.trade_id = 98765431, .fee_asset = "BNB"};
    pw_fill_info_set_fee_e16(&event.body.fill_info, (pw_i128)4 * 1000000000000);
    char text[256];
    pw_event_print(&event, NULL, NULL, text, sizeof text);
    cr_assert_not_null(strstr(text, " fill_info "));
    cr_assert_not_null(strstr(text, " trade_id=98765431 fee_asset=BNB fee=0.0004"), "%s", text);
}

Test(event, unknown_numbers_have_the_name_of_a_question)
{
    cr_assert_str_eq(pw_event_kind_name(15), "?");
    cr_assert_str_eq(pw_event_kind_name(UINT32_MAX), "?");
    cr_assert_str_eq(pw_reason_name(31), "?");
    cr_assert_str_eq(pw_order_state_name(13), "?");
    cr_assert_str_eq(pw_feed_state_name(4), "?");
    cr_assert_str_eq(pw_book_state_name(2), "?");
    cr_assert_str_eq(pw_engine_state_name(0), "?");
    cr_assert_str_eq(pw_engine_state_name(UINT64_MAX), "?");
    cr_assert_str_eq(pw_reason_name(PW_REASON_STALE), "stale");
}

Test(enums, every_row_has_a_name_of_its_own_and_a_help)
{
    for (uint32_t i = 0; i < pw_enum_cnt; i++) {
        const struct pw_enum *table = pw_enums[i];
        for (uint32_t k = 0; k < table->cnt; k++) {
            const struct pw_enum_row *row = &table->rows[k];
            cr_assert_eq(row->name == NULL, row->help == NULL);
            cr_expect(row->name == NULL || (row->name[0] != '\0' && row->help[0] != '\0'), "%s %u",
                      table->name, k);
            for (uint32_t other = 0; other < k && row->name != NULL; other++) {
                cr_expect(table->rows[other].name == NULL || strcmp(table->rows[other].name, row->name) != 0,
                          "%s: %s twice", table->name, row->name);
            }
        }
        cr_expect_str_eq(pw_enum_name(table, table->cnt), "?");
        cr_expect_str_eq(pw_enum_name(table, UINT64_MAX), "?");
    }
}

/* Numbers stand in journals: these are of the first version of the format. */
Test(enums, numbers_are_those_of_old_journals)
{
    cr_expect_eq(PW_EVENT_GAP, 10);
    cr_expect_eq(PW_EVENT_RISK_LIMITS, 27);
    cr_expect_eq(PW_EVENT_CONN, 34);
    cr_expect_eq(PW_REASON_OVERFLOW, 8);
    cr_expect_eq(PW_REASON_ORPHAN_ORDERS, 52);
    cr_expect_eq(PW_REASON_VENUE_MALFORMED, 77);
    cr_expect_eq(PW_ORDER_UNKNOWN, 12);
    cr_expect_eq(PW_ORDER_STATES, 13u);
    cr_expect_eq(PW_TAKE_PROFIT_LIMIT, 6);
    cr_expect_eq(PW_ORDER_TYPES, 7u);
    cr_expect_eq(PW_EXEC_TYPES, 17u);
    cr_expect_eq(PW_REPLACE, 2);
}

Test(enums, a_reason_knows_its_kind)
{
    cr_expect_eq(pw_reason_kind(PW_REASON_CROSSED), PW_REASON_KIND_STATE);
    cr_expect_eq(pw_reason_kind(PW_REASON_HALTED), PW_REASON_KIND_DENIED);
    cr_expect_eq(pw_reason_kind(PW_REASON_ORPHAN_ORDERS), PW_REASON_KIND_DENIED);
    cr_expect_eq(pw_reason_kind(PW_REASON_VENUE_REJECTED), PW_REASON_KIND_VENUE);
    cr_expect_eq(pw_reason_kind(UINT64_MAX), PW_REASON_KIND_STATE);
    cr_expect_str_eq(pw_reason_help(PW_REASON_CASH), "not enough cash");
    cr_expect_str_eq(pw_reason_help(31), "?");
}

Test(hops, each_is_measured_from_the_one_before_and_the_whole_from_receive_to_submit)
{
    static const char *const names[] = {
        "path.kernel_to_recv",        "path.recv_to_decrypted",      "path.decrypted_to_decoded",
        "path.decoded_to_decided",    "path.decided_to_checked",     "path.checked_to_encoded",
        "path.encoded_to_encrypted",  "path.encrypted_to_submitted", "path.recv_to_submitted",
        "path.submitted_to_returned", "path.submitted_to_acked"};
    cr_assert_eq(PW_HOP_SPANS, sizeof names / sizeof *names);
    for (uint32_t i = 0; i < PW_HOP_SPANS; i++) {
        char name[PW_HOP_NAME_BYTES];
        pw_hop_span_name(i, name);
        cr_expect_str_eq(name, names[i]);
    }
}

Test(hops, a_stamps_event_gives_the_time_of_each_of_its_hops)
{
    struct pw_stamps stamps = {.kernel_ago_ns = 5, .submitted_ns = 900};
    memset(&stamps.decrypted_ns, 0xff, 6 * sizeof(uint32_t)); /* PW_STAMP_NONE: decrypted to sealed */
    cr_expect_eq(pw_hop_at_ns(&stamps, PW_HOP_KERNEL), -5);
    cr_expect_eq(pw_hop_at_ns(&stamps, PW_HOP_RECV), 0);
    cr_expect_eq(pw_hop_at_ns(&stamps, PW_HOP_DECRYPTED), INT64_MIN);
    cr_expect_eq(pw_hop_at_ns(&stamps, PW_HOP_ENCRYPTED), INT64_MIN);
    cr_expect_eq(pw_hop_at_ns(&stamps, PW_HOP_SUBMITTED), 900);
    cr_expect_eq(pw_hop_at_ns(&stamps, PW_HOP_ACKED), INT64_MIN);
    for (uint32_t i = 0; i < PW_HOP_CNT; i++) {
        cr_expect(pw_hops[i].name && pw_hops[i].label && pw_hops[i].token && pw_hops[i].help);
    }
}
