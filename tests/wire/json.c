/* SPDX-License-Identifier: MIT
 *
 * The JSON cursor: the grammar to the letter, in tables, and hostile input.
 */
#include "json.h"

#include "guard.h"
#include "swar.h"
#include <criterion/criterion.h>
#include <stdlib.h>

static const char g_sample[] =
    " {\"stream\" : \"btcusdt@trade\",\r\n\t\"data\":{\"p\":\"0.001\",\"n\":[1,-2.5e+3,{},[],[[]]],"
    "\"t\":true,\"f\":false,\"z\":null,\"\\u0065\":\"\\u8fd9\\ud83d\\ude00\\n "
    "\xe8\xbf\x99\",\"long\":\"0123456789 "
    "0123456789 0123456789\"}} \n";

static bool valid(const char *text, size_t size)
{
    struct pw_json json;
    pw_json_init(&json, text, size);
    return pw_json_skip(&json) && pw_json_done(&json);
}

#define VALID(text) valid(text, sizeof text - 1)

static const char *const g_good[] = {
    "0",
    "-0",
    "10",
    "-1",
    "0.5",
    "1e5",
    "1E+5",
    "1.25e-10",
    "123456789012345678901234567890",
    "true",
    "false",
    "null",
    "\"\"",
    "\"a\"",
    "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
    "\"\\u0000\\uFFFF\\ud83d\\ude00\"",
    "\"\x7f\"",
    "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"",
    "[]",
    "[ ]",
    "{}",
    "{ }",
    "[1]",
    "[1,2]",
    "[[],{}]",
    " [ 1 , 2 ] ",
    "{\"a\":1}",
    "{\"a\":1,\"a\":2}",
    "{\"\":{}}",
    "{\"a\":[{\"b\":[]}],\"c\":\"]}\"}",
    "\r\n\t 1 \r\n\t",
};

static const char *const g_bad[] = {
    "",
    " ",
    "nul",
    "nulll",
    "True",
    "tru",
    "01",
    "-01",
    "00",
    "+1",
    "-",
    ".5",
    "5.",
    "1.e5",
    "1e",
    "1e+",
    "0x1",
    "1a",
    "NaN",
    "Infinity",
    "'a'",
    "\"",
    "\"a",
    "\"\\\"",
    "\"\\x41\"",
    "\"\\u12\"",
    "\"\\u12g4\"",
    "\"\\u\"",
    "\"\\ud83d\"",
    "\"\\ud83d\\u0041\"",
    "\"\\ud83d\\ud83d\"",
    "\"\\ude00\"",
    "\"\\",
    "\"\t\"",
    "\"\n\"",
    "\"\x1f\"",
    "\"\x80\"",
    "\"\xff\"",
    "\"\xc0\xaf\"",
    "\"\xed\xa0\x80\"",
    "\"\xf4\x90\x80\x80\"",
    "\"\xe2\x82\"",
    "\"\xe2\x82",
    "[",
    "]",
    "[1",
    "[1,",
    "[1,]",
    "[,1]",
    "[,]",
    "[1 2]",
    "[1,,2]",
    "[1}",
    "[1]]",
    "[}",
    "{",
    "}",
    "{\"a\"",
    "{\"a\":",
    "{\"a\":1",
    "{\"a\":1,",
    "{\"a\":1,}",
    "{,}",
    "{\"a\" 1}",
    "{\"a\"::1}",
    "{a:1}",
    "{1:1}",
    "{\"a\":1 \"b\":2}",
    "{\"a\":1]",
    "{]",
    "{\"a\"}",
    "{\"a\":}",
    "{}{}",
    "[] []",
    "1 2",
    "\"a\" b",
    "/**/1",
    "1//",
    "\xef\xbb\xbf{}",
    "{\"a\":1}}",
    "\v1",
    "[1]\f",
    "{null:1}",
    "\"\\ud83d\\",
    "\"\\ud83d\\ude0\"",
};

Test(json, texts_of_the_grammar_are_taken)
{
    for (size_t i = 0; i < sizeof g_good / sizeof g_good[0]; i++) {
        cr_assert(valid(g_good[i], strlen(g_good[i])), "refused: %s", g_good[i]);
    }
    cr_assert(VALID(g_sample));
}

Test(json, everything_else_is_refused)
{
    for (size_t i = 0; i < sizeof g_bad / sizeof g_bad[0]; i++) {
        cr_assert_not(valid(g_bad[i], strlen(g_bad[i])), "taken: %s", g_bad[i]);
    }
    cr_assert_not(VALID("\"\0\""));
    cr_assert_not(VALID("1\0"));
    cr_assert_not(VALID("\0"));
    cr_assert_not(VALID("[1\0]"));
}

Test(json, every_prefix_is_refused_and_nothing_is_read_beyond_it)
{
    size_t end = sizeof g_sample - 1 - 2; /* without the blanks after the last bracket */
    struct guard guard = guard_make(end);
    for (size_t prefix = 0; prefix < end; prefix++) {
        cr_assert_not(valid(guard_copy(&guard, g_sample, prefix), prefix), "%.*s", (int)prefix, g_sample);
    }
    cr_assert(valid(guard_copy(&guard, g_sample, end), end));
    guard_free(&guard);
}

Test(json, one_changed_byte_never_reads_beyond_the_end)
{
    size_t size = sizeof g_sample - 1;
    struct guard guard = guard_make(size);
    int refused_cnt = 0;
    for (size_t at = 0; at < size; at++) {
        for (int byte = 0; byte < 256; byte++) {
            char *data = guard_copy(&guard, g_sample, size);
            data[at] = (char)byte;
            refused_cnt += !valid(data, size);
        }
    }
    cr_assert_gt(refused_cnt, (int)size * 50);
    guard_free(&guard);
}

Test(json, depth_is_bounded)
{
    enum { BOMB = 100000 };
    char *text = malloc(2 * BOMB);
    for (size_t depth = 1; depth <= 40; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        cr_assert_eq(valid(text, 2 * depth), depth <= PW_JSON_DEPTH_MAX, "depth %zu", depth);
    }
    memset(text, '[', BOMB);
    memset(text + BOMB, ']', BOMB);
    cr_assert_not(valid(text, 2 * BOMB));
    for (size_t i = 0; i + 5 <= BOMB; i += 5) {
        memcpy(text + i, "{\"a\":", 5);
    }
    cr_assert_not(valid(text, BOMB));
    free(text);
}

/* Brackets of two kinds that open and close at each depth: the kind of each must be remembered. */
Test(json, kinds_of_brackets_are_remembered_at_each_depth)
{
    cr_assert(VALID("[{\"a\":[{\"b\":[1,{\"c\":[]},2],\"d\":[{}]}],\"e\":{}},[[{}]]]"));
    cr_assert_not(VALID("[{\"a\":[{\"b\":[1,{\"c\":[}]},2]}]}]"));
    cr_assert_not(VALID("[[],\"a\":1]"));
    cr_assert_not(VALID("[{},\"a\":1]"));
    cr_assert_not(VALID("{\"a\":{},[]}"));
}

Test(json, members_and_items_are_walked_in_order)
{
    struct pw_json json;
    struct pw_json_text key, text;
    uint64_t number;
    int64_t integer;
    bool flag;
    static const char input[] = "{\"u\":18446744073709551615, \"i\":-9223372036854775808,\"b\":true,"
                                "\"list\":[1,2,[3]],\"skip\":{\"u\":[7]},\"s\":\"x\",\"n\":null}";
    pw_json_init(&json, input, sizeof input - 1);
    cr_assert_eq(pw_json_peek(&json), PW_JSON_OBJECT);
    cr_assert(pw_json_object_enter(&json));
    cr_assert(pw_json_member_next(&json, &key) == PW_JSON_VALUE && pw_json_equal(&key, "u"));
    cr_assert(pw_json_u64(&json, &number) && number == UINT64_MAX);
    cr_assert(pw_json_member_next(&json, &key) == PW_JSON_VALUE && pw_json_equal(&key, "i"));
    cr_assert(pw_json_number(&json, &text) && pw_json_text_i64(&text, &integer) && integer == INT64_MIN);
    cr_assert(pw_json_member_next(&json, &key) == PW_JSON_VALUE);
    cr_assert(pw_json_bool(&json, &flag) && flag);
    cr_assert(pw_json_member_next(&json, &key) == PW_JSON_VALUE && pw_json_array_enter(&json));
    for (uint64_t i = 1; i <= 2; i++) {
        cr_assert(pw_json_item_next(&json) == PW_JSON_VALUE && pw_json_u64(&json, &number) && number == i);
    }
    cr_assert(pw_json_item_next(&json) == PW_JSON_VALUE && pw_json_skip(&json));
    cr_assert_eq(pw_json_item_next(&json), PW_JSON_END);
    cr_assert(pw_json_member_next(&json, &key) == PW_JSON_VALUE && pw_json_skip(&json));
    cr_assert(pw_json_member_next(&json, &key) == PW_JSON_VALUE && pw_json_string(&json, &text));
    cr_assert(pw_json_equal(&text, "x"));
    cr_assert(pw_json_member_next(&json, &key) == PW_JSON_VALUE && pw_json_skip(&json));
    cr_assert_eq(pw_json_member_next(&json, &key), PW_JSON_END);
    cr_assert(pw_json_done(&json));
}

Test(json, integers_refuse_what_is_not_one_or_does_not_fit)
{
    static const char *const rows[] = {"-1", "1.0", "1e3", "18446744073709551616", "\"1\"", "true", "01", ""};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pw_json json;
        uint64_t value;
        pw_json_init(&json, rows[i], strlen(rows[i]));
        cr_assert_not(pw_json_u64(&json, &value) && pw_json_done(&json), "taken: %s", rows[i]);
    }
    static const char *const signed_rows[] = {"9223372036854775808", "-9223372036854775809", "-", "1.5"};
    for (size_t i = 0; i < sizeof signed_rows / sizeof signed_rows[0]; i++) {
        struct pw_json_text text = {.text = signed_rows[i], .size = strlen(signed_rows[i])};
        int64_t value;
        cr_assert_not(pw_json_text_i64(&text, &value), "taken: %s", signed_rows[i]);
    }
}

Test(json, escapes_mean_what_they_say)
{
    static const char input[] = "\"\\u8fd9\\ud83d\\ude00\\\"\\\\\\/\\b\\f\\n\\r\\tz\\u0041\\u00e4\"";
    static const char meaning[] = "\xe8\xbf\x99\xf0\x9f\x98\x80\"\\/\b\f\n\r\tzA\xc3\xa4";
    struct pw_json json;
    struct pw_json_text text;
    char out[64];
    pw_json_init(&json, input, sizeof input - 1);
    cr_assert(pw_json_string(&json, &text) && text.escaped);
    cr_assert_eq(pw_json_unescape(&text, out, sizeof out), (int64_t)sizeof meaning - 1);
    cr_assert_arr_eq(out, meaning, sizeof meaning - 1);
    cr_assert(pw_json_equal(&text, meaning));
    cr_assert_not(pw_json_equal(&text, "z"));
    for (size_t room = 0; room < sizeof meaning - 1; room++) {
        cr_assert_eq(pw_json_unescape(&text, out, room), -1, "room %zu", room);
    }
}

Test(json, eight_bytes_at_a_time_find_what_one_at_a_time_finds)
{
    uint64_t seed = 8;
    for (int i = 0; i < 100000; i++) {
        char text[8];
        unsigned stop = 8, nondigit = 8;
        uint64_t number = 0;
        for (unsigned k = 0; k < 8; k++) {
            uint64_t random = test_random(&seed);
            text[k] = random % 16 == 0 ? (char)(random >> 8) : (char)('0' + (random >> 8) % 10);
        }
        for (unsigned k = 8; k-- > 0;) {
            uint8_t byte = (uint8_t)text[k];
            stop = byte == '"' || byte == '\\' || byte < 0x20 || byte >= 0x80 ? k : stop;
            nondigit = byte < '0' || byte > '9' ? k : nondigit;
        }
        for (unsigned k = 0; k < 8; k++) {
            number = number * 10 + (uint64_t)(text[k] - '0');
        }
        uint64_t stops = pw_swar_string_stops(pw_swar_load(text));
        uint64_t digits = pw_swar_load(text) ^ PW_SWAR_ZEROS;
        uint64_t nondigits = pw_swar_nondigits(digits);
        cr_assert_eq(stops == 0 ? 8 : pw_swar_first(stops), stop, "number %d", i);
        cr_assert_eq(nondigits == 0 ? 8 : pw_swar_first(nondigits), nondigit, "number %d", i);
        cr_assert(nondigits != 0 || pw_swar_number(digits) == number, "number %d", i);
    }
}
