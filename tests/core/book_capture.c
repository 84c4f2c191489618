/* SPDX-License-Identifier: MIT
 *
 * Books built from recorded traffic, against what an independent program found in it: levels, sums,
 * crossings, and the best quotes that the venue itself sent.
 */
#include "book.h"
#include "capture.h"

#include <criterion/criterion.h>
#include <stdlib.h>

struct recording {
    const char *expected;
    const char *files[2];
    uint64_t first_offset; /* spot drops updates up to the snapshot's id, futures those below it */
};

/* One DEPTH with its LEVELS: events[at .. end). */
static size_t message_end(const struct capture *c, size_t at)
{
    size_t end = at + 1;
    while (end < c->cnt && c->events[end].kind == PW_EVENT_LEVELS) {
        end++;
    }
    return end;
}

static void apply_message(struct pw_book *book, const struct capture *c, size_t at)
{
    for (size_t i = at; i < message_end(c, at); i++) {
        cr_assert(pw_book_apply(book, &c->events[i]));
    }
}

static size_t find_snapshot(const struct capture *c)
{
    for (size_t i = 0; i < c->cnt; i++) {
        if (c->events[i].kind == PW_EVENT_DEPTH && c->events[i].flags & PW_FLAG_SNAPSHOT) {
            return i;
        }
    }
    return c->cnt;
}

static void check_levels(const struct pw_book *book, enum pw_side side, const json_t *levels)
{
    struct pw_level top[10];
    cr_assert_eq(pw_book_top(book, side, top, 10), 10);
    for (size_t i = 0; i < 10; i++) {
        const json_t *level = json_array_get(levels, i);
        cr_expect_eq(top[i].price_e8, e8_of(json_array_get(level, 0)));
        cr_expect_eq(top[i].qty_e8, e8_of(json_array_get(level, 1)));
    }
}

static void check_book(const struct pw_book *book, const json_t *facts)
{
    cr_expect_eq(pw_book_level_cnt(book, PW_BUY), json_integer_value(json_object_get(facts, "bid_levels")));
    cr_expect_eq(pw_book_level_cnt(book, PW_SELL), json_integer_value(json_object_get(facts, "ask_levels")));
    cr_expect(pw_book_sum_qty_e8(book, PW_BUY) == e8_of(json_object_get(facts, "sum_bid_qty")));
    cr_expect(pw_book_sum_qty_e8(book, PW_SELL) == e8_of(json_object_get(facts, "sum_ask_qty")));
    cr_expect_eq(pw_book_crossed(book), json_is_true(json_object_get(facts, "crossed")));
    check_levels(book, PW_BUY, json_object_get(facts, "top_bids"));
    check_levels(book, PW_SELL, json_object_get(facts, "top_asks"));
    cr_expect_eq(book->dropped_cnt, 0);
}

static struct pw_book *make_book(void)
{
    return pw_book_init(aligned_alloc(64, pw_book_bytes(PW_BOOK_LEVELS_DEFAULT)), PW_BOOK_LEVELS_DEFAULT);
}

static void check_from_nothing(const struct capture *c, const json_t *facts)
{
    struct pw_book *book = make_book();
    for (size_t i = 0; i < c->cnt; i++) {
        if (c->events[i].kind == PW_EVENT_DEPTH && !(c->events[i].flags & PW_FLAG_SNAPSHOT)) {
            apply_message(book, c, i);
        }
    }
    check_book(book, facts);
    cr_expect_eq(book->absent_cnt,
                 json_integer_value(json_object_get(facts, "zero_qty_entries_for_absent_level")));
    free(book);
}

static bool agrees(const struct pw_book *book, const struct pw_quote *quote)
{
    struct pw_level bid = pw_book_best(book, PW_BUY), ask = pw_book_best(book, PW_SELL);
    return bid.price_e8 == quote->bid_price_e8 && bid.qty_e8 == quote->bid_qty_e8 &&
           ask.price_e8 == quote->ask_price_e8 && ask.qty_e8 == quote->ask_qty_e8;
}

/* The last quote of the whole recording whose update id is not above the book's; NULL: none. */
static const struct pw_quote *quote_at(const struct capture *c, size_t *at, const struct pw_quote *last,
                                       uint64_t id)
{
    for (; *at < c->cnt; (*at)++) {
        if (c->events[*at].kind != PW_EVENT_QUOTE) {
            continue;
        }
        if (c->events[*at].body.quote.update_id > id) {
            break;
        }
        last = &c->events[*at].body.quote;
    }
    return last;
}

static void check_from_snapshot(const struct capture *c, const json_t *facts, uint64_t first_offset)
{
    struct pw_book *book = make_book();
    size_t snapshot = find_snapshot(c), next_quote = 0;
    const struct pw_quote *quote = NULL;
    int64_t applied = 0, dropped = 0, crossed = 0, compared = 0, equal = 0;
    cr_assert(snapshot < c->cnt);
    apply_message(book, c, snapshot);
    uint64_t first_id = book->update_id + first_offset;
    for (size_t i = 0; i < c->cnt; i++) {
        const struct pw_event *event = &c->events[i];
        if (event->kind != PW_EVENT_DEPTH || event->flags & PW_FLAG_SNAPSHOT) {
            continue;
        }
        if (event->body.depth.last_update_id < first_id) {
            dropped++;
            continue;
        }
        apply_message(book, c, i);
        applied++;
        crossed += pw_book_crossed(book);
        quote = quote_at(c, &next_quote, quote, event->body.depth.last_update_id);
        compared += quote != NULL;
        equal += quote && agrees(book, quote);
    }
    const json_t *quotes = json_object_get(facts, "check_against_bookTicker");
    cr_expect_eq(applied, json_integer_value(json_object_get(facts, "events_applied")));
    cr_expect_eq(dropped, json_integer_value(json_object_get(facts, "events_dropped")));
    cr_expect_eq(crossed,
                 json_integer_value(json_object_get(facts, "events_after_which_book_is_crossed_or_locked")));
    cr_expect_eq(compared, json_integer_value(json_object_get(quotes, "compared")));
    cr_expect_eq(equal, json_integer_value(json_object_get(quotes, "equal")));
    check_book(book, facts);
    free(book);
}

static void check(struct recording recording)
{
    if (!shared_data()) {
        cr_skip_test();
    }
    struct capture capture = {0};
    for (int i = 0; i < 2 && recording.files[i]; i++) {
        cr_assert(capture_add(&capture, recording.files[i]));
    }
    json_t *expected = expected_load(recording.expected);
    cr_assert(expected);
    const json_t *facts = json_object_iter_value(json_object_iter(json_object_get(expected, "symbols")));
    check_from_nothing(&capture, json_object_get(facts, "book_empty_start"));
    if (recording.first_offset < 2) {
        check_from_snapshot(&capture, json_object_get(facts, "book_from_snapshot"), recording.first_offset);
    }
    json_decref(expected);
    capture_free(&capture);
}

#define SPOT        1
#define FUTURES     0
#define NO_SNAPSHOT 2

Test(unit, first_spot_lines)
{
    check((struct recording){"unit_spot_btcusdt_2000.json", {"unit/spot_btcusdt_2000.txt"}, SPOT});
}

Test(unit, spot_without_a_snapshot)
{
    check((struct recording){
        "spot_btcusdt_20240809.json", {"captures/binance/spot_btcusdt_20240809.gz"}, NO_SNAPSHOT});
}

Test(slow, spot_over_midnight)
{
    check((struct recording){
        "spot_btcusdt_20240808+09.json",
        {"captures/binance/spot_btcusdt_20240808.gz", "captures/binance/spot_btcusdt_20240809.gz"},
        SPOT});
}

Test(slow, futures_of_2023_in_microseconds)
{
    check((struct recording){
        "usdm_btcusdt_20230404+05.json",
        {"captures/binance/usdm_btcusdt_20230404.dat.gz", "captures/binance/usdm_btcusdt_20230405.dat.gz"},
        FUTURES});
}

Test(slow, futures_of_2024)
{
    check((struct recording){
        "usdm_btcusdt_20240718+19.json",
        {"captures/binance/usdm_btcusdt_20240718.gz", "captures/binance/usdm_btcusdt_20240719.gz"},
        FUTURES});
}

Test(slow, futures_of_another_symbol)
{
    check((struct recording){
        "usdm_ethusdt_20240808.json", {"captures/binance/usdm_ethusdt_20240808.gz"}, FUTURES});
}

Test(slow, coin_margined_futures)
{
    check((struct recording){
        "cm_btcusd_perp_20240808.json", {"captures/binance/cm_btcusd_perp_20240808.gz"}, FUTURES});
}
