/* SPDX-License-Identifier: MIT
 *
 * pinwheel journal, run as a program on journals made here: its figures against those that an independent
 * program computed from the same recordings, its exit codes, and what it says of damaged files.
 */
#include "capture.h"
#include "journal_rig.h"
#include "json_exact.h"
#include "program.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIB  (UINT64_C(1) << 20)
#define ARGS 16

/* Runs `pinwheel-journal <dir> <args>`; its output in *out (to be freed), its errors in program_errors; its
 * exit code. */
static int run_tool(const char *dir, const char *const *args, char **out)
{
    const char *argv[ARGS] = {dir};
    for (int i = 0; args[i]; i++) {
        argv[i + 1] = args[i];
    }
    return program_run("PINWHEEL_JOURNAL_TOOL", argv, out);
}

static json_t *run_json(const char *dir, const char *const *args, int code)
{
    char *out;
    cr_assert_eq(run_tool(dir, args, &out), code, "%s %s", program_errors, out);
    return program_json(out);
}

/* Writes events as one run. */
static uint64_t write_events(const char *dir, const struct pw_event *events, size_t cnt, bool clean)
{
    struct live live;
    live_open(&live, dir, 64 * MIB, LIVE_EPOCH_NS);
    for (size_t i = 0; i < cnt; i++) {
        live_put(&live, &events[i], (int64_t)i * 1000);
    }
    live_commit(&live, INT64_MAX / 2);
    uint64_t run_id = live.run_id;
    live_close(&live, clean);
    return run_id;
}

static uint64_t write_market(const char *dir, size_t cnt, bool clean)
{
    struct pw_event *events = calloc(cnt, sizeof *events);
    for (size_t i = 0; i < cnt; i++) {
        events[i] = live_event(i);
    }
    uint64_t run_id = write_events(dir, events, cnt, clean);
    free(events);
    return run_id;
}

/* ---- facts ---- */

static void expect_facts(const char *const *names, const char *expected_name)
{
    static const char *const paths[] = {
        "trades/count",
        "trades/total_qty",
        "trades/sum_price_times_qty",
        "trades/min_price",
        "trades/max_price",
        "trades/first_price",
        "trades/last_price",
        "trades/buyer_maker_count",
        "trades/buyer_maker_qty",
        "trades/first_T_ms",
        "trades/last_T_ms",
        "trades/T_earlier_than_previous",
        "trades/first_id",
        "trades/last_id",
        "trades/id_gaps",
        "trades/ids_missing",
        "trades/duplicate_ids",
        "trades/backward_ids",
        "bookTicker",
        "depthUpdate/count",
        "depthUpdate/bid_entries",
        "depthUpdate/ask_entries",
        "depthUpdate/zero_qty_bid_entries",
        "depthUpdate/zero_qty_ask_entries",
        "depthUpdate/empty_events",
        "depthUpdate/first_U",
        "depthUpdate/first_u",
        "depthUpdate/last_u",
        "depthUpdate/sequence_breaks",
        "book_from_snapshot/lastUpdateId",
        "book_from_snapshot/events_dropped",
        "book_from_snapshot/events_applied",
        "book_from_snapshot/bid_levels",
        "book_from_snapshot/ask_levels",
        "book_from_snapshot/crossed",
        "book_from_snapshot/top_bids",
        "book_from_snapshot/top_asks",
        "book_from_snapshot/sum_bid_qty",
        "book_from_snapshot/sum_ask_qty",
        "snapshot_count",
    };
    struct capture capture = {.synchronized = true};
    char path[512];
    if (!shared_data()) {
        cr_skip_test("no shared data here");
    }
    for (; *names; names++) {
        cr_assert(capture_add(&capture, *names));
    }
    const char *dir = live_dir();
    write_events(dir, capture.events, capture.cnt, true);
    json_t *facts = run_json(dir, (const char *const[]){"summary", NULL}, 0);
    snprintf(path, sizeof path, "%s/data/expected/%s", shared_data(), expected_name);
    json_t *expected = json_load_file(path, 0, NULL);
    const json_t *want = program_at(expected, "symbols/BTCUSDT"),
                 *have = program_at(facts, "symbols/BTCUSDT");
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        const json_t *a = program_at(want, paths[i]), *b = program_at(have, paths[i]);
        cr_assert_not_null(a, "%s", paths[i]);
        char *text = json_dumps(b, JSON_ENCODE_ANY);
        cr_expect(json_equal(a, b), "%s is %s", paths[i], text ? text : "not there");
        free(text);
    }
    json_decref(facts);
    json_decref(expected);
    capture_free(&capture);
    folder_remove(dir);
}

Test(facts, of_a_short_capture_are_those_of_another_program)
{
    expect_facts((const char *const[]){"unit/spot_btcusdt_2000.txt", NULL}, "unit_spot_btcusdt_2000.json");
}

Test(facts, of_two_days_are_those_of_another_program)
{
    expect_facts((const char *const[]){"captures/binance/spot_btcusdt_20240808.gz",
                                       "captures/binance/spot_btcusdt_20240809.gz", NULL},
                 "spot_btcusdt_20240808+09.json");
}

/* The first two fills of the paper reference, with its cash. */
Test(facts, fills_tell_cash_and_position)
{
    struct pw_event fills[2] = {
        {.kind = PW_EVENT_FILL, .body.fill = {.price_e8 = INT64_C(6173200000000), .qty_e8 = 1000000}},
        {.kind = PW_EVENT_FILL,
         .flags = PW_FLAG_SELL,
         .body.fill = {.price_e8 = INT64_C(6172621000000), .qty_e8 = 1000000}},
    };
    pw_fill_set_fee_e16(&fills[0].body.fill, INT64_C(6173200000000000));
    pw_fill_set_fee_e16(&fills[1].body.fill, INT64_C(6172621000000000));
    const char *dir = live_dir();
    write_events(dir, fills, 2, true);
    json_t *facts = run_json(dir, (const char *const[]){"summary", "--cash", "10000", NULL}, 0);
    const json_t *list = program_at(facts, "fills");
    static const char *const want[2][5] = {
        {"BUY", "61732.00000000", "0.6173200000000000", "9382.0626800000000000", "0.01000000"},
        {"SELL", "61726.21000000", "0.6172621000000000", "9998.7075179000000000", "0.00000000"}};
    static const char *const keys[5] = {"side", "price", "fee", "cash_after", "position_after"};
    cr_assert_eq(json_array_size(list), 2);
    for (size_t i = 0; i < 2; i++) {
        for (size_t k = 0; k < 5; k++) {
            cr_expect_str_eq(json_string_value(json_object_get(json_array_get(list, i), keys[k])),
                             want[i][k]);
        }
    }
    json_decref(facts);
    folder_remove(dir);
}

static struct pw_event fee_of(const char *asset, int64_t fee_e8)
{
    struct pw_event event = {.kind = PW_EVENT_FILL_INFO};
    snprintf(event.body.fill_info.fee_asset, sizeof event.body.fill_info.fee_asset, "%s", asset);
    pw_fill_info_set_fee_e16(&event.body.fill_info, (pw_i128)fee_e8 * PW_E8);
    return event;
}

Test(facts, a_fee_in_the_base_asset_leaves_the_position)
{
    struct pw_event fill = {.kind = PW_EVENT_FILL,
                            .body.fill = {.price_e8 = INT64_C(6000000000000), .qty_e8 = 1000000}};
    const char *dir = live_dir();
    write_events(dir, (struct pw_event[]){fill, fee_of("BTC", 1000), fill, fee_of("BNB", 5000)}, 4, true);
    json_t *facts = run_json(dir, (const char *const[]){"summary", "--cash", "10000", NULL}, 0);
    static const char *const want[][2] = {{"fills/0/base_fee", "0.00001000"},
                                          {"fills/0/position_after", "0.00999000"},
                                          {"fills/0/cash_after", "9400.0000000000000000"},
                                          {"fills/1/position_after", "0.01999000"},
                                          {"symbols/BTCUSDT/final_position", "0.01999000"},
                                          {"total_fees", "0.6000000000000000"}};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        cr_expect_str_eq(json_string_value(program_at(facts, want[i][0])), want[i][1], "%s", want[i][0]);
    }
    cr_expect_null(program_at(facts, "fills/1/base_fee"));
    json_decref(facts);
    folder_remove(dir);
}

static void expect_book_complete(const struct pw_event *events, size_t cnt, bool complete)
{
    const char *dir = live_dir();
    write_events(dir, events, cnt, true);
    json_t *facts = run_json(dir, (const char *const[]){"summary", NULL}, 0);
    const json_t *book = program_at(facts, "symbols/BTCUSDT/book_from_snapshot");
    cr_assert_not_null(book);
    cr_expect_eq(json_is_true(program_at(book, "complete")), complete);
    json_decref(facts);
    folder_remove(dir);
}

Test(facts, a_book_with_events_lost_since_its_snapshot_is_not_complete)
{
    const uint8_t whole = PW_FLAG_SNAPSHOT | PW_FLAG_LAST;
    struct pw_event events[] = {
        {.kind = PW_EVENT_DEPTH, .seq = 0, .flags = whole, .body.depth.last_update_id = 10},
        {.kind = PW_EVENT_GAP,
         .seq = 1,
         .instrument_idx = PW_NO_INSTRUMENT,
         .body.gap = {.first = 1, .last = 4, .lost_cnt = 4, .reason = PW_REASON_JOURNAL_FULL}},
        {.kind = PW_EVENT_DEPTH, .seq = 5, .flags = whole, .body.depth.last_update_id = 20},
    };
    expect_book_complete(events, 1, true);
    expect_book_complete(events, 2, false);
    expect_book_complete(events, 3, true);
}

/* ---- runs, stats, query, csv ---- */

/* Sizes depend on the codec, which the pages are not about: "32143 bytes" becomes "# bytes". */
static void mask_sizes(char *page)
{
    for (char *word; (word = strstr(page, " bytes")) != NULL; page = word + 1) {
        char *begin = word;
        while (begin > page && strchr("0123456789.", begin[-1])) {
            begin--;
        }
        if (begin < word) {
            *begin = '#';
            memmove(begin + 1, word, strlen(word) + 1);
            word = begin + 1;
        }
    }
}

Test(tool, pages_are_as_stored)
{
    const char *dir = live_dir();
    char *stats, *verdict, page[8192];
    write_market(dir, 4000, true);
    cr_assert_eq(run_tool(dir, (const char *const[]){"stats", NULL}, &stats), 0);
    cr_assert_eq(run_tool(dir, (const char *const[]){"verify", NULL}, &verdict), 0);
    snprintf(page, sizeof page, "%s\n%s", stats, verdict);
    mask_sizes(page);
    program_expect_page("journal.txt", page);
    free(stats);
    free(verdict);
    folder_remove(dir);
}

static size_t line_cnt(const char *text)
{
    size_t cnt = 0;
    for (; (text = strchr(text, '\n')); text++) {
        cnt++;
    }
    return cnt;
}

Test(tool, lists_runs_with_their_end)
{
    const char *dir = live_dir();
    write_market(dir, 100, true);
    uint64_t killed = write_market(dir, 50, false);
    json_t *json = run_json(dir, (const char *const[]){"list", "--json", NULL}, 0);
    const json_t *runs = program_at(json, "runs");
    cr_assert_eq(json_array_size(runs), 2);
    cr_expect_str_eq(json_string_value(program_at(json_array_get(runs, 0), "state")), "clean");
    cr_expect_eq(json_integer_value(program_at(json_array_get(runs, 0), "event_cnt")), 100);
    cr_expect_str_eq(json_string_value(program_at(json_array_get(runs, 1), "state")), "killed");
    cr_expect_eq(strtoull(json_string_value(program_at(json_array_get(runs, 1), "run_id")), NULL, 10),
                 killed);
    json_decref(json);
    char *out;
    cr_expect_eq(run_tool(dir, (const char *const[]){NULL}, &out), 0);
    cr_expect_eq(line_cnt(out), 3, "a head and a line a run: %s", out);
    free(out);
    folder_remove(dir);
}

Test(tool, counts_and_sums_by_kind_and_instrument)
{
    const char *dir = live_dir();
    write_market(dir, 4000, true);
    json_t *json = run_json(dir, (const char *const[]){"stats", "--json", NULL}, 0);
    pw_i128 qty_e8 = 0;
    json_int_t quotes = 0;
    for (uint64_t i = 0; i < 4000; i++) {
        struct pw_event event = live_event(i);
        qty_e8 += event.kind == PW_EVENT_TRADE && event.instrument_idx == 1 ? event.body.trade.qty_e8 : 0;
        quotes += event.kind == PW_EVENT_QUOTE && event.instrument_idx == 0;
    }
    char want[32];
    snprintf(want, sizeof want, "%" PRId64 ".%08" PRId64, (int64_t)qty_e8 / PW_E8, (int64_t)qty_e8 % PW_E8);
    for (char *end = want + strlen(want); end[-1] == '0';) {
        *--end = 0; /* no needless zeros */
    }
    cr_expect_eq(json_integer_value(program_at(json, "event_cnt")), 4000);
    cr_expect_eq(json_integer_value(program_at(json, "kinds/trade/event_cnt")), 1000);
    cr_expect_str_eq(json_string_value(program_at(json, "symbols/ETHUSDT/trade/qty")), want);
    cr_expect_eq(json_integer_value(program_at(json, "symbols/BTCUSDT/quote/event_cnt")), quotes);
    json_decref(json);
    folder_remove(dir);
}

Test(tool, two_feeds_with_one_symbol_are_told_apart)
{
    static const struct pw_instrument instruments[2] = {{.symbol = "BTCUSDT", .feed = "one", .feed_idx = 0},
                                                        {.symbol = "BTCUSDT", .feed = "two", .feed_idx = 1}};
    const char *dir = live_dir();
    json_int_t cnt[2] = {0};
    struct live live;
    live_open_instruments(&live, dir, 64 * MIB, LIVE_EPOCH_NS, "a: 1\n", instruments);
    for (uint64_t i = 0; i < 4000; i++) {
        struct pw_event event = live_event(i);
        live_put(&live, &event, (int64_t)i * 1000);
        cnt[event.instrument_idx] += event.kind == PW_EVENT_TRADE;
    }
    live_commit(&live, INT64_MAX / 2);
    live_close(&live, true);
    json_t *stats = run_json(dir, (const char *const[]){"stats", "--json", NULL}, 0);
    json_t *facts = run_json(dir, (const char *const[]){"summary", NULL}, 0);
    cr_expect_eq(json_integer_value(program_at(stats, "symbols/one:BTCUSDT/trade/event_cnt")), cnt[0]);
    cr_expect_eq(json_integer_value(program_at(stats, "symbols/two:BTCUSDT/trade/event_cnt")), cnt[1]);
    cr_expect_eq(json_integer_value(program_at(facts, "symbols/one:BTCUSDT/trades/count")), cnt[0]);
    cr_expect_eq(json_integer_value(program_at(facts, "symbols/two:BTCUSDT/trades/count")), cnt[1]);
    json_decref(stats);
    json_decref(facts);
    char *out;
    cr_assert_eq(run_tool(dir, (const char *const[]){"stats", NULL}, &out), 0);
    cr_expect_not_null(strstr(out, "\none:BTCUSDT "), "%s", out);
    cr_expect_not_null(strstr(out, "\ntwo:BTCUSDT "), "%s", out);
    free(out);
    cr_assert_eq(run_tool(dir, (const char *const[]){"stats", "--symbol", "BTCUSDT", NULL}, &out), 1);
    cr_expect_not_null(strstr(program_errors, "one:BTCUSDT two:BTCUSDT"), "%s", program_errors);
    free(out);
    folder_remove(dir);
}

Test(tool, query_selects_by_time_kind_and_symbol)
{
    const char *dir = live_dir();
    char *out;
    write_market(dir, 50000, true);
    /* An event each 100 us from 23:54:13 on: a second has 10000, every fourth a trade. */
    const char *const args[] = {
        "query", "--from", "2024-08-08T23:54:14Z", "--to", "1723161255000000000", "--kind", "trade", NULL};
    cr_assert_eq(run_tool(dir, args, &out), 0, "%s", program_errors);
    cr_expect_eq(line_cnt(out), 2500);
    cr_expect_eq(strncmp(out, "10002 ", 6), 0, "%.80s", out);
    free(out);
    cr_assert_eq(
        run_tool(dir, (const char *const[]){"query", "--json", "--limit", "7", "--symbol", "ETHUSDT", NULL},
                 &out),
        0);
    cr_expect_eq(line_cnt(out), 7);
    for (char *line = strtok(out, "\n"); line; line = strtok(NULL, "\n")) {
        json_t *json = json_loads(line, 0, NULL);
        cr_assert_not_null(json, "%s", line);
        cr_expect_str_eq(json_string_value(program_at(json, "symbol")), "ETHUSDT");
        json_decref(json);
    }
    free(out);
    folder_remove(dir);
}

/* cases/newcomer.md, 27: a folder without a run is not a good journal. */
Test(tool, a_folder_without_a_run_is_no_journal)
{
    static const char *const commands[] = {"list", "verify", "stats"};
    char dir[] = "/tmp/pinwheel-no-journal-XXXXXX";
    char *out;
    cr_assert_not_null(mkdtemp(dir));
    for (size_t i = 0; i < 3; i++) {
        cr_expect_eq(run_tool(dir, (const char *const[]){commands[i], NULL}, &out), 1, "%s", commands[i]);
        cr_expect_not_null(strstr(program_errors, "pinwheel journal: "), "%s", program_errors);
        free(out);
    }
    folder_remove(dir);
}

Test(tool, an_empty_result_says_what_the_run_has)
{
    const char *dir = live_dir();
    char *out;
    write_market(dir, 10, true);
    cr_expect_eq(run_tool(dir, (const char *const[]){"query", "--to", "1", NULL}, &out), 0);
    cr_expect_str_eq(out, "");
    cr_expect_not_null(strstr(program_errors, "pinwheel journal: warning: "), "%s", program_errors);
    free(out);
    /* cases/newcomer.md, 27 */
    static const char *const commands[] = {"stats", "summary", "csv"};
    for (size_t i = 0; i < 3; i++) {
        cr_expect_eq(run_tool(dir, (const char *const[]){commands[i], "--to", "1", NULL}, &out), 0);
        cr_expect_not_null(strstr(program_errors, " from 2024-08-08T23:54:13.000Z to "), "%s",
                           program_errors);
        free(out);
    }
    cr_expect_eq(run_tool(dir, (const char *const[]){"query", "--frames", NULL}, &out), 0);
    cr_expect_not_null(strstr(program_errors, " from 2024-08-08T23:54:13.000Z to "), "%s", program_errors);
    free(out);
    folder_remove(dir);
}

static size_t comma_cnt(const char *line)
{
    size_t commas = 0;
    for (; *line; line++) {
        commas += *line == ',';
    }
    return commas;
}

Test(tool, csv_has_as_many_columns_in_each_row)
{
    const char *dir = live_dir();
    struct pw_event events[28];
    for (unsigned kind = 0; kind < 28; kind++) {
        events[kind] = (struct pw_event){.kind = (uint8_t)kind, .seq = kind, .instrument_idx = kind % 3};
        for (int i = 0; i < 5; i++) {
            events[kind].body.words[i] = kind * 1000003 + (unsigned)i;
        }
    }
    write_events(dir, events, 28, true);
    char *out;
    cr_assert_eq(run_tool(dir, (const char *const[]){"csv", NULL}, &out), 0, "%s", program_errors);
    cr_expect_eq(line_cnt(out), 29);
    char *line = strtok(out, "\n");
    size_t commas = comma_cnt(line);
    cr_expect_gt(commas, 60);
    for (; line; line = strtok(NULL, "\n")) {
        cr_expect_eq(comma_cnt(line), commas, "%s", line);
    }
    free(out);
    folder_remove(dir);
}

Test(tool, csv_has_every_field_of_the_kinds_asked_for)
{
    const char *dir = live_dir();
    struct pw_event events[2] = {
        {.kind = PW_EVENT_LEVELS, .flags = PW_FLAG_PAIR | PW_FLAG_SELL, .recv_ns = 5},
        {.kind = PW_EVENT_ORDER, .recv_ns = 7}};
    events[0].body.levels = (struct pw_levels){
        .level = {{.price_e8 = PW_E8, .qty_e8 = 2 * PW_E8}, {.price_e8 = 3 * PW_E8}}, .update_id = 9};
    events[1].body.order = (struct pw_order){
        .client_order_id = 11, .state = PW_ORDER_DENIED, .reason = PW_REASON_CASH, .tag = 4};
    write_events(dir, events, 2, true);
    char *out;
    cr_assert_eq(run_tool(dir, (const char *const[]){"csv", "--kind", "levels", NULL}, &out), 0, "%s",
                 program_errors);
    cr_expect_str_eq(
        out, "journal_seq,recv_ns,venue_ns,kind,symbol,side,price,qty,update_id,snapshot,last,stale,capped\n"
             "0,5,0,levels,BTCUSDT,ask,1,2,9,,,,\n"
             "0,5,0,levels,BTCUSDT,ask,3,0,9,,,,\n");
    free(out);
    cr_assert_eq(run_tool(dir, (const char *const[]){"csv", "--kind", "order", NULL}, &out), 0);
    cr_expect_str_eq(out,
                     "journal_seq,recv_ns,venue_ns,kind,symbol,state,reason,side,type,tif,price,leaves_qty,"
                     "client_order_id,strategy,tag,market_seq\n"
                     "1,7,0,order,BTCUSDT,denied,cash,buy,market,gtc,0,0,11,0,4,0\n");
    free(out);
    folder_remove(dir);
}

/* cases/16-one-key-twice-in-json; cases/newcomer.md, 2 */
Test(tool, json_of_every_kind_has_each_key_once_and_loses_no_digit)
{
    const char *dir = live_dir_in_memory();
    struct live live;
    size_t kind_cnt = 0;
    char *out;
    live_open(&live, dir, 64 * MIB, LIVE_EPOCH_NS);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned kind = PW_EVENT_QUOTE; kind < PW_EVENT_FRAME; kind++) {
            struct pw_event event = {.kind = (uint8_t)kind,
                                     .flags = round == 1 ? 0xff : 0,
                                     .instrument_idx = round == 2 ? PW_NO_INSTRUMENT : 1,
                                     .recv_ns = LIVE_EPOCH_NS + kind,
                                     .venue_ns = INT64_MAX - (int64_t)kind};
            for (unsigned i = 0; i < 5; i++) {
                event.body.words[i] = round == 0 ? UINT64_MAX - i : (UINT64_C(0x2003) << 40) + i;
            }
            if (kind == PW_EVENT_GAP) { /* a count is a number */
                event.body.gap = (struct pw_gap){.first = UINT64_MAX, .last = UINT64_MAX, .lost_cnt = 7};
            }
            if (strcmp(pw_event_kind_name(kind), "?") != 0) {
                live_put(&live, &event, LIVE_EPOCH_NS);
                kind_cnt++;
            }
        }
    }
    live_put_wire(&live, &(struct pw_event){.kind = PW_EVENT_FRAME, .flags = PW_FLAG_SENT, .recv_ns = 9},
                  "{\"a\":\"b\"}", LIVE_EPOCH_NS);
    live_put_wire(&live, &(struct pw_event){.kind = PW_EVENT_FRAME, .recv_ns = 9}, "", LIVE_EPOCH_NS);
    live_commit(&live, INT64_MAX / 2);
    live_close(&live, true);
    static const char *const forms[] = {"ns", "iso"};
    for (size_t i = 0; i < 2; i++) {
        run_tool(dir, (const char *const[]){"query", "--json", "--time", forms[i], NULL}, &out);
        cr_expect_eq(json_exact_lines(out), kind_cnt);
        free(out);
        run_tool(dir, (const char *const[]){"query", "--frames", "--json", "--time", forms[i], NULL}, &out);
        cr_expect_eq(json_exact_lines(out), 2);
        free(out);
    }
    run_tool(dir, (const char *const[]){"query", "--json", "--kind", "risk_market", "--limit", "1", NULL},
             &out);
    json_t *json = program_json(out);
    cr_expect_not_null(program_at(json, "journal_seq"));
    cr_expect_not_null(program_at(json, "position_qty"));
    json_decref(json);
    static const char *const commands[] = {"list", "stats", "summary", "verify"};
    for (size_t i = 0; i < 4; i++) {
        run_tool(dir, (const char *const[]){commands[i], "--json", NULL}, &out);
        json_decref(json_exact(out));
        free(out);
    }
    static const char *const others[] = {"csv", "config"};
    for (size_t i = 0; i < 2; i++) {
        cr_expect_eq(run_tool(dir, (const char *const[]){others[i], "--json", NULL}, &out), 2,
                     "%s has none, and says so", others[i]);
        free(out);
    }
    folder_remove(dir);
}

/* cases/16-one-key-twice-in-json: one table of fields makes all of them. */
Test(tool, csv_and_json_have_the_same_names)
{
    const char *dir = live_dir_in_memory();
    struct pw_event events[32];
    size_t cnt = 0;
    for (unsigned kind = PW_EVENT_QUOTE; kind < PW_EVENT_FRAME; kind++) {
        if (strcmp(pw_event_kind_name(kind), "?") != 0) {
            events[cnt++] = (struct pw_event){.kind = (uint8_t)kind, .flags = 0xff, .instrument_idx = 1};
            memset(&events[cnt - 1].body, 1, sizeof events[0].body);
        }
    }
    write_events(dir, events, cnt, true);
    char *head, *lines, *rest = NULL;
    run_tool(dir, (const char *const[]){"csv", NULL}, &head);
    run_tool(dir, (const char *const[]){"query", "--json", NULL}, &lines);
    *strchr(head, '\n') = 0;
    for (char *line = strtok_r(lines, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        const char *key;
        json_t *json = json_exact(line), *value;
        json_object_foreach(json, key, value)
        {
            /* A second level has a row of its own in csv; the rest is the place in the ring and the table. */
            bool only_json = strcmp(key, "price2") == 0 || strcmp(key, "qty2") == 0 ||
                             strcmp(key, "seq") == 0 || strcmp(key, "instrument_idx") == 0;
            char column[80];
            snprintf(column, sizeof column, ",%s,", key);
            char *found = strstr(head, column);
            bool is_first = strncmp(head, column + 1, strlen(key) + 1) == 0;
            bool is_last = strlen(head) > strlen(key) && strcmp(head + strlen(head) - strlen(key), key) == 0;
            cr_expect(found || is_first || is_last || only_json, "%s", key);
        }
        json_decref(json);
    }
    free(head);
    free(lines);
    folder_remove(dir);
}

/* A fill names its order alone; which strategy's that is, the order says. */
/* cases/newcomer.md, 21 */
Test(tool, a_fill_has_the_strategy_of_its_order)
{
    const char *dir = live_dir_in_memory();
    struct pw_event events[3] = {{.kind = PW_EVENT_ORDER, .recv_ns = 1, .body.order.strategy_idx = 4},
                                 {.kind = PW_EVENT_FILL, .flags = PW_FLAG_MAKER, .recv_ns = 2},
                                 {.kind = PW_EVENT_FILL, .recv_ns = 3}};
    uint64_t id = UINT64_C(30131289344442371);
    events[0].body.order.client_order_id = events[1].body.fill.client_order_id = id;
    events[2].body.fill.client_order_id = id + 1; /* not in the journal */
    write_events(dir, events, 3, true);
    char *out;
    cr_assert_eq(run_tool(dir, (const char *const[]){"csv", "--kind", "fill", NULL}, &out), 0);
    cr_expect_str_eq(out, "journal_seq,recv_ns,venue_ns,kind,symbol,side,price,qty,fee,client_order_id,maker,"
                          "taker,strategy\n"
                          "0,2,0,fill,BTCUSDT,buy,0,0,0,30131289344442371,true,,4\n"
                          "0,3,0,fill,BTCUSDT,buy,0,0,0,30131289344442372,,true,\n");
    free(out);
    cr_assert_eq(
        run_tool(dir, (const char *const[]){"query", "--kind", "fill", "--json", "--limit", "1", NULL}, &out),
        0);
    json_t *json = program_json(out);
    cr_expect_eq(json_integer_value(program_at(json, "strategy")), 4);
    cr_expect_str_eq(json_string_value(program_at(json, "client_order_id")), "30131289344442371");
    json_decref(json);
    folder_remove(dir);
}

/* cases/newcomer.md, 28 */
Test(tool, moments_are_printed_as_nanoseconds_or_as_utc)
{
    const char *dir = live_dir_in_memory();
    struct pw_event event = {.kind = PW_EVENT_TRADE,
                             .recv_ns = INT64_C(1723161253000000001),
                             .body.trade.trade_ns = INT64_C(1723161252999000000)};
    write_events(dir, &event, 1, true);
    char *out;
    cr_assert_eq(run_tool(dir, (const char *const[]){"csv", "--kind", "trade", "--time", "iso", NULL}, &out),
                 0);
    cr_expect_str_eq(
        out, "journal_seq,recv_time,venue_time,kind,symbol,side,price,qty,trade_id,trade_time,capped\n"
             "0,2024-08-08T23:54:13.000000001Z,,trade,BTCUSDT,buy,0,0,0,2024-08-08T23:54:12.999000000Z,\n");
    free(out);
    cr_assert_eq(run_tool(dir, (const char *const[]){"query", "--time", "iso", "--json", NULL}, &out), 0);
    json_t *json = program_json(out);
    cr_expect_str_eq(json_string_value(program_at(json, "recv_time")), "2024-08-08T23:54:13.000000001Z");
    cr_expect_null(program_at(json, "recv_ns"));
    json_decref(json);
    cr_assert_eq(run_tool(dir, (const char *const[]){"query", "--time", "ns", NULL}, &out), 0);
    cr_expect_not_null(strstr(out, " recv_ns=1723161253000000001 venue_ns=0 "), "%s", out);
    free(out);
    cr_expect_eq(run_tool(dir, (const char *const[]){"query", "--time", "utc", NULL}, &out), 2);
    free(out);
    folder_remove(dir);
}

Test(tool, prints_the_config_as_it_was)
{
    const char *dir = live_dir();
    char *out;
    write_market(dir, 1, true);
    cr_assert_eq(run_tool(dir, (const char *const[]){"config", NULL}, &out), 0);
    cr_expect_str_eq(out, "a: 1\n");
    free(out);
    folder_remove(dir);
}

/* The reading process has no capabilities; who is root still expects to read everything. */
Test(tool, root_reads_what_another_user_has)
{
    if (geteuid() != 0) {
        cr_skip_test("not root");
    }
    const char *dir = live_dir();
    char command[256], *out;
    write_market(dir, 10, true);
    snprintf(command, sizeof command, "chown -R 65534:65534 %s && chmod 700 %s && rm -f %s/*-lock", dir, dir,
             dir);
    cr_assert_eq(system(command), 0);
    cr_expect_eq(run_tool(dir, (const char *const[]){"verify", NULL}, &out), 0, "%s", program_errors);
    free(out);
    snprintf(command, sizeof command, "test -z \"$(find %s -user root)\"", dir);
    cr_expect_eq(system(command), 0, "nothing there is root's");
    folder_remove(dir);
}

Test(tool, wrong_use_has_an_exit_code_of_its_own)
{
    static const char *const wrong[][4] = {{"nonsense"},
                                           {"query", "--kind", "apple"},
                                           {"query", "--from", "soon"},
                                           {"query", "--flag"},
                                           {"stats", "--run", "-1"},
                                           {"list", "more"},
                                           {"summary", "--cash", "1e4"}};
    const char *dir = live_dir();
    char *out;
    write_market(dir, 1, true);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        cr_expect_eq(run_tool(dir, wrong[i], &out), 2, "%s %s", wrong[i][0], wrong[i][1]);
        cr_expect_neq(program_errors[0], 0);
        free(out);
    }
    cr_expect_eq(run_tool(dir, (const char *const[]){"stats", "--run", "5", NULL}, &out), 1);
    free(out);
    cr_expect_eq(run_tool(dir, (const char *const[]){"stats", "--symbol", "XRPUSDT", NULL}, &out), 1);
    free(out);
    cr_expect_eq(run_tool("/nowhere", (const char *const[]){"list", NULL}, &out), 1);
    free(out);
    cr_expect_eq(run_tool(dir, (const char *const[]){"--help", NULL}, &out), 0);
    cr_expect_not_null(strstr(out, "exit codes"));
    free(out);
    folder_remove(dir);
}

/* cases/newcomer.md, 25 */
Test(tool, old_names_of_commands_are_accepted_with_a_warning)
{
    const char *dir = live_dir();
    char *out;
    write_market(dir, 1, true);
    cr_expect_eq(run_tool(dir, (const char *const[]){"runs", NULL}, &out), 0);
    cr_expect_not_null(strstr(program_errors, "deprecated"), "%s", program_errors);
    free(out);
    json_decref(run_json(dir, (const char *const[]){"facts", NULL}, 0));
    cr_expect_not_null(strstr(program_errors, "'summary'"), "%s", program_errors);
    folder_remove(dir);
}

/* ---- verify ---- */

static void segment_path(char path[256], const char *dir, uint64_t run_id)
{
    snprintf(path, 256, "%s/journal-%" PRIu64 "-0.mdb", dir, run_id);
}

Test(verify, finds_nothing_wrong_with_good_and_killed_runs)
{
    const char *dir = live_dir();
    write_market(dir, 20000, true);
    write_market(dir, 20000, false);
    json_t *json = run_json(dir, (const char *const[]){"verify", "--json", NULL}, 0);
    cr_expect(json_is_true(program_at(json, "good")));
    cr_expect_eq(json_array_size(program_at(json, "runs")), 2);
    json_decref(json);
    folder_remove(dir);
}

Test(verify, finds_holes_that_no_gap_explains_and_accepts_those_that_one_does)
{
    const char *dir = live_dir();
    struct pw_event events[4] = {live_event(0), live_event(1), live_event(5), live_event(6)};
    write_events(dir, events, 4, true);
    json_t *json = run_json(dir, (const char *const[]){"verify", "--json", NULL}, 3);
    cr_expect(json_is_false(program_at(json, "good")));
    cr_expect_eq(json_integer_value(program_at(json, "runs/0/hole_cnt")), 1);
    json_decref(json);
    struct pw_event gap = {
        .kind = PW_EVENT_GAP,
        .body.gap = {.first = 1, .last = 4, .lost_cnt = 4, .reason = PW_REASON_JOURNAL_FULL}};
    events[1] = gap;
    uint64_t run_id = write_events(dir, events, 4, true);
    char id[24];
    snprintf(id, sizeof id, "%" PRIu64, run_id);
    json = run_json(dir, (const char *const[]){"verify", "--run", id, "--json", NULL}, 0);
    cr_expect_eq(json_integer_value(program_at(json, "runs/0/dropped_cnt")), 4);
    cr_expect_eq(json_integer_value(program_at(json, "runs/0/hole_cnt")), 0);
    json_decref(json);
    folder_remove(dir);
}

Test(verify, counts_raw_frames_that_were_dropped)
{
    const char *dir = live_dir();
    static uint8_t block[PW_WRITER_BLOCK_BYTES];
    static const uint32_t numbers[] = {2, 3, 9};
    struct live live;
    live_open(&live, dir, 64 * MIB, LIVE_EPOCH_NS);
    struct pw_encoder *encoder = pw_encoder_new(PW_BLOCK_FRAMES, live.run_id);
    pw_encoder_begin(encoder, block, sizeof block);
    for (int i = 0; i < 3; i++) {
        struct pw_event frame = {.kind = PW_EVENT_FRAME, .seq = numbers[i], .body.frame.payload_bytes = 2};
        cr_assert(pw_encoder_put_frame(encoder, &frame, (const uint8_t *)"{}"));
    }
    const struct pw_store *store = &live.store;
    size_t bytes = pw_encoder_seal(encoder);
    cr_assert_eq(store->put(store->state, PW_BLOCK_FRAMES, 0, block, bytes), 0);
    cr_assert_eq(store->commit(store->state, 0), 0);
    pw_encoder_free(encoder);
    live_close(&live, true);
    json_t *json = run_json(dir, (const char *const[]){"verify", "--json", NULL}, 0);
    cr_expect_eq(json_integer_value(program_at(json, "runs/0/frame_cnt")), 3);
    cr_expect_eq(json_integer_value(program_at(json, "runs/0/frame_dropped_cnt")), 7); /* 0, 1 and 4 to 8 */
    json_decref(json);
    folder_remove(dir);
}

Test(verify, reports_a_damaged_block_and_what_is_lost)
{
    const char *dir = live_dir();
    char path[256];
    char *out;
    static uint8_t bytes[8 << 20];
    uint64_t run_id = write_market(dir, 100000, true);
    segment_path(path, dir, run_id);
    int fd = open(path, O_RDWR);
    ssize_t size = pread(fd, bytes, sizeof bytes, 0);
    ssize_t spot = size / 2; /* blocks fill the file */
    bytes[spot] ^= 1;
    cr_assert_eq(pwrite(fd, bytes + spot, 1, spot), 1);
    close(fd);
    json_t *json = run_json(dir, (const char *const[]){"verify", "--json", NULL}, 3);
    cr_expect_gt(json_integer_value(program_at(json, "runs/0/damage_cnt")), 0);
    cr_expect_not_null(strstr(program_errors, "damage: segment 0, block "), "%s", program_errors);
    json_decref(json);
    cr_expect_eq(run_tool(dir, (const char *const[]){"stats", NULL}, &out), 3, "others tell it, too");
    free(out);
    folder_remove(dir);
}

/* LMDB reads beyond the end of a file that was cut short: SIGBUS, but not for the program. */
Test(verify, survives_a_file_that_was_cut_short)
{
    const char *dir = live_dir();
    char path[256];
    char *out;
    struct stat stat_of;
    uint64_t run_id = write_market(dir, 100000, true);
    segment_path(path, dir, run_id);
    cr_assert_eq(stat(path, &stat_of), 0);
    cr_assert_eq(truncate(path, stat_of.st_size / 2), 0);
    cr_expect_eq(run_tool(dir, (const char *const[]){"verify", NULL}, &out), 3);
    cr_expect_not_null(strstr(program_errors, "run "), "%s", program_errors);
    free(out);
    folder_remove(dir);
}

/* ---- files that are not what their names say ---- */

struct folder {
    const char *dir;
    uint64_t run_id, other_id; /* of two segments; of one, before it */
};

/* Two runs; the second has two segments. */
static struct folder folder_make(bool clean)
{
    struct folder folder = {.dir = live_dir_in_memory()};
    struct live live;
    folder.other_id = write_market(folder.dir, 2000, true);
    live_open(&live, folder.dir, 64 * MIB, LIVE_EPOCH_NS);
    folder.run_id = live.run_id;
    for (uint64_t i = 0; i < 4000; i++) {
        struct pw_event event = live_event(i);
        live_put(&live, &event, (int64_t)i * 1000);
        if (i == 1999) {
            live_commit(&live, INT64_MAX / 4);
            cr_assert_eq(live.store.rotate(live.store.state), 0);
        }
    }
    live_commit(&live, INT64_MAX / 2);
    live_close(&live, clean);
    return folder;
}

static const char *path_in(const struct folder *folder, uint64_t run_id, unsigned segment_no)
{
    static char paths[4][256];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, 256, "%s/journal-%" PRIu64 "-%u.mdb", folder->dir, run_id, segment_no);
    return path;
}

static void copy(const char *from, const char *to)
{
    static char bytes[1 << 20];
    int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    cr_assert(in >= 0 && out >= 0, "%s to %s", from, to);
    ssize_t size = read(in, bytes, sizeof bytes);
    cr_assert(size > 0 && size < (ssize_t)sizeof bytes && write(out, bytes, (size_t)size) == size);
    close(in);
    close(out);
}

static const char *table_of(const struct folder *folder)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/" PW_JOURNAL_RUNS_FILE, folder->dir);
    return path;
}

#define FIRST(f)  path_in(f, (f)->run_id, 0)
#define SECOND(f) path_in(f, (f)->run_id, 1)
#define THIRD(f)  path_in(f, (f)->run_id, 2)
#define OTHER(f)  path_in(f, (f)->other_id, 0)

static void make_table(struct folder *f)
{
    copy(table_of(f), FIRST(f));
}
static void make_others(struct folder *f)
{
    copy(OTHER(f), FIRST(f));
}
static void make_copy(struct folder *f)
{
    copy(FIRST(f), THIRD(f));
}
static void make_copy_of_other(struct folder *f)
{
    copy(OTHER(f), THIRD(f));
}
static void rename_up(struct folder *f)
{
    cr_assert_eq(rename(SECOND(f), THIRD(f)), 0);
}
static void rename_to_other(struct folder *f)
{
    cr_assert_eq(rename(SECOND(f), path_in(f, f->other_id, 1)), 0);
}
static void rename_to_nobody(struct folder *f)
{
    cr_assert_eq(rename(SECOND(f), path_in(f, 5, 0)), 0);
}
static void remove_first(struct folder *f)
{
    cr_assert_eq(unlink(FIRST(f)), 0);
}
static void remove_last(struct folder *f)
{
    cr_assert_eq(unlink(SECOND(f)), 0);
}
static void remove_all(struct folder *f)
{
    remove_first(f);
    remove_last(f);
}
static void swap(struct folder *f)
{
    cr_assert_eq(rename(FIRST(f), THIRD(f)), 0);
    cr_assert_eq(rename(SECOND(f), FIRST(f)), 0);
    cr_assert_eq(rename(THIRD(f), SECOND(f)), 0);
}
static void make_fifo(struct folder *f)
{
    remove_last(f);
    cr_assert_eq(mkfifo(SECOND(f), 0600), 0);
}
static void make_folder(struct folder *f)
{
    remove_first(f);
    cr_assert_eq(mkdir(FIRST(f), 0700), 0);
}
static void make_link(struct folder *f)
{
    char away[128];
    snprintf(away, sizeof away, "%s/away", f->dir);
    cr_assert_eq(rename(FIRST(f), away), 0);
    cr_assert_eq(symlink(away, FIRST(f)), 0);
}
static void make_device(struct folder *f)
{
    remove_first(f);
    cr_assert_eq(symlink("/dev/zero", FIRST(f)), 0);
}
static void make_text(struct folder *f)
{
    FILE *file = fopen(FIRST(f), "w");
    fputs("a text\n", file);
    fclose(file);
}
static void make_empty(struct folder *f)
{
    cr_assert_eq(truncate(FIRST(f), 0), 0);
}
static void make_lock_fifo(struct folder *f)
{
    char lock[300];
    snprintf(lock, sizeof lock, "%s-lock", FIRST(f));
    unlink(lock);
    cr_assert_eq(mkfifo(lock, 0600), 0);
}

/* What only verify tells: it is not of the run that is asked for. */
static void make_odd_name(struct folder *f)
{
    char odd[128];
    snprintf(odd, sizeof odd, "%s/journal-007-0.mdb", f->dir);
    copy(FIRST(f), odd);
}
/* The largest numbers: behind them there is none. */
static void make_last_segment(struct folder *f)
{
    char odd[128];
    snprintf(odd, sizeof odd, "%s/journal-%" PRIu64 "-4294967295.mdb", f->dir, f->run_id);
    copy(FIRST(f), odd);
}
static void make_last_run(struct folder *f)
{
    char odd[128];
    snprintf(odd, sizeof odd, "%s/journal-18446744073709551615-0.mdb", f->dir);
    copy(FIRST(f), odd);
}
static void make_run_0(struct folder *f)
{
    char odd[128];
    snprintf(odd, sizeof odd, "%s/journal-0-0.mdb", f->dir);
    copy(FIRST(f), odd);
}
static void cut_table(struct folder *f)
{
    cr_assert_eq(truncate(table_of(f), 6000), 0);
}
static void make_table_fifo(struct folder *f)
{
    unlink(table_of(f));
    cr_assert_eq(mkfifo(table_of(f), 0600), 0);
}

/* Another journal's, or a run's since the copy of the table that was brought back. */
static void add_unlisted(struct folder *f)
{
    char early[128];
    snprintf(early, sizeof early, "%s/early", f->dir);
    copy(table_of(f), early);
    write_market(f->dir, 100, true);
    cr_assert_eq(rename(early, table_of(f)), 0);
}
static void make_table_of_segment(struct folder *f)
{
    copy(FIRST(f), table_of(f));
}

static const struct {
    void (*spoil)(struct folder *folder);
    const char *name;
    bool of_folder; /* no file of the run */
} spoils[] = {
#define SPOIL(function, ...)                                                                                 \
    {                                                                                                        \
        function, #function, __VA_ARGS__                                                                     \
    }
    SPOIL(make_table, false),
    SPOIL(make_others, false),
    SPOIL(make_copy, false),
    SPOIL(rename_up, false),
    SPOIL(make_copy_of_other, false),
    SPOIL(rename_to_other, false),
    SPOIL(remove_first, false),
    SPOIL(rename_to_nobody, false),
    SPOIL(remove_last, false),
    SPOIL(remove_all, false),
    SPOIL(swap, false),
    SPOIL(make_fifo, false),
    SPOIL(make_folder, false),
    SPOIL(make_link, false),
    SPOIL(make_device, false),
    SPOIL(make_text, false),
    SPOIL(make_lock_fifo, false),
    SPOIL(make_odd_name, true),
    SPOIL(cut_table, true),
    SPOIL(make_table_fifo, true),
    SPOIL(make_last_segment, true),
    SPOIL(make_last_run, true),
    SPOIL(make_run_0, true),
    SPOIL(add_unlisted, true),
    SPOIL(make_table_of_segment, true),
    SPOIL(make_empty, false),
};

static void expect_told(const struct folder *folder, const char *what, size_t command_cnt)
{
    static const char *const commands[] = {"stats", "summary", "query", "csv"};
    char run[24], *out;
    snprintf(run, sizeof run, "%" PRIu64, folder->run_id);
    cr_expect_eq(run_tool(folder->dir, (const char *const[]){"verify", NULL}, &out), 3, "%s: verify: %s",
                 what, out);
    cr_expect_not_null(strstr(program_errors, "damage: "), "%s: %s", what, program_errors);
    cr_expect_null(strstr(program_errors, "reading ended by"), "%s: %s", what, program_errors);
    cr_expect_null(strstr(program_errors, strerror(EBADF)), "%s: %s", what, program_errors);
    free(out);
    for (size_t i = 0; i < command_cnt; i++) {
        const char *const args[] = {commands[i], "--run", run, NULL};
        cr_expect_eq(run_tool(folder->dir, args, &out), 3, "%s: %s", what, commands[i]);
        cr_expect_not_null(strstr(program_errors, "damage: "), "%s: %s", what, program_errors);
        free(out);
    }
}

/* cases/38-segments-that-are-not-the-run-s; cases/newcomer.md, 5 */
Test(verify, accounts_for_each_file_of_clean_and_killed_runs, .timeout = 300)
{
    for (int clean = 0; clean < 2; clean++) {
        struct folder folder = folder_make(clean);
        json_decref(run_json(folder.dir, (const char *const[]){"verify", "--json", NULL}, 0));
        folder_remove(folder.dir);
        for (size_t i = 0; i < sizeof spoils / sizeof *spoils; i++) {
            folder = folder_make(clean);
            spoils[i].spoil(&folder);
            expect_told(&folder, spoils[i].name, spoils[i].of_folder ? 0 : clean ? 1 : 4);
            folder_remove(folder.dir);
        }
    }
}

/* cases/37-a-cut-table-of-runs: the damaged table was moved away, as the message says. */
Test(verify, is_content_with_a_table_that_was_made_anew)
{
    const char *dir = live_dir_in_memory();
    char path[256];
    const uint64_t first = write_market(dir, 100, true);
    snprintf(path, sizeof path, "%s/" PW_JOURNAL_RUNS_FILE, dir);
    cr_assert_eq(unlink(path), 0);
    write_market(dir, 100, true);
    json_decref(run_json(dir, (const char *const[]){"verify", "--json", NULL}, 0));
    json_t *json = run_json(dir, (const char *const[]){"list", "--json", NULL}, 0);
    cr_expect_eq(strtoull(json_string_value(program_at(json, "runs/0/run_id")), NULL, 10), first);
    cr_expect_str_eq(json_string_value(program_at(json, "runs/0/instance")), "test");
    cr_expect_str_eq(json_string_value(program_at(json, "runs/0/state")), "killed");
    json_decref(json);
    folder_remove(dir);
}

/* cases/38-segments-that-are-not-the-run-s: an earlier copy of the segment is brought back. */
Test(verify, misses_what_a_killed_run_had_committed)
{
    const char *dir = live_dir();
    char segment[256], early[256];
    struct live live;
    live_open(&live, dir, 64 * MIB, LIVE_EPOCH_NS);
    segment_path(segment, dir, live.run_id);
    snprintf(early, sizeof early, "%s/early", dir);
    for (uint64_t i = 0; i < 60000; i++) {
        struct pw_event event = live_event(i);
        live_put(&live, &event, (int64_t)i * 1000);
        if (i == 29999) {
            live_commit(&live, INT64_MAX / 4);
            copy(segment, early);
        }
    }
    live_commit(&live, INT64_MAX / 2);
    cr_assert_eq(live.store.rotate(live.store.state), 0);
    struct pw_event event = live_event(60000);
    live_put(&live, &event, INT64_MAX / 2);
    live_commit(&live, INT64_MAX / 2 + 1);
    live_close(&live, false);
    json_decref(run_json(dir, (const char *const[]){"verify", "--json", NULL}, 0));
    copy(early, segment);
    json_t *json = run_json(dir, (const char *const[]){"verify", "--json", NULL}, 3);
    cr_expect(json_is_false(program_at(json, "runs/0/good")));
    json_decref(json);
    folder_remove(dir);
}

/* cases/15-disk-full-until-the-end: what the run's record says of it. */
Test(verify, reports_what_a_run_could_not_store)
{
    const char *dir = live_dir_in_memory();
    const struct pw_journal_loss loss = {.market_cnt = 5, .order_cnt = 2, .fill_cnt = 1};
    struct live live;
    char *out;
    live_open(&live, dir, 64 * MIB, LIVE_EPOCH_NS);
    cr_assert_eq(live.store.note(live.store.state, LIVE_EPOCH_NS + 7, &loss), 0);
    live_close(&live, false);
    json_t *json = run_json(dir, (const char *const[]){"verify", "--json", NULL}, 3);
    cr_expect(json_is_false(program_at(json, "runs/0/good")));
    cr_expect_eq(json_integer_value(program_at(json, "runs/0/lost/fill_cnt")), 1);
    json_decref(json);
    json = run_json(dir, (const char *const[]){"list", "--json", NULL}, 0);
    cr_expect_str_eq(json_string_value(program_at(json, "runs/0/stopped_ns")), "1723161253000000007");
    cr_expect_eq(json_integer_value(program_at(json, "runs/0/lost/order_cnt")), 2);
    json_decref(json);
    cr_expect_eq(run_tool(dir, (const char *const[]){"stats", NULL}, &out), 3);
    cr_expect_not_null(strstr(program_errors, "2 orders, 1 fills"), "%s", program_errors);
    free(out);
    folder_remove(dir);
}

/* ---- what a kill leaves of a segment that is being made ---- */

/* Made, no byte yet; made, longer, not written; LMDB's own first pages and no entry. */
static void put_unfinished(const char *path, int how)
{
    if (how < 2) {
        FILE *file = fopen(path, "w");
        cr_assert_not_null(file);
        cr_assert_eq(fclose(file), 0);
        cr_assert_eq(truncate(path, how * 8192), 0);
        return;
    }
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    cr_assert_eq(mdb_env_create(&env), 0);
    cr_assert_eq(mdb_env_open(env, path, MDB_NOSUBDIR, 0600), 0);
    cr_assert_eq(mdb_txn_begin(env, NULL, 0, &txn), 0);
    cr_assert_eq(mdb_dbi_open(txn, NULL, 0, &dbi), 0);
    cr_assert_eq(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

Test(verify, an_unfinished_last_segment_of_a_killed_run_is_no_damage)
{
    static const char *const commands[] = {"stats", "summary", "query", "csv", "list"};
    for (int how = 0; how < 3; how++) {
        struct folder folder = folder_make(false);
        char *out;
        put_unfinished(THIRD(&folder), how);
        json_t *json = run_json(folder.dir, (const char *const[]){"verify", "--json", NULL}, 0);
        cr_expect(json_is_true(program_at(json, "runs/1/good")));
        cr_expect_eq(json_integer_value(program_at(json, "runs/1/event_cnt")), 4000);
        cr_expect_eq(json_integer_value(program_at(json, "runs/1/unfinished_cnt")), 1);
        cr_expect_eq(json_integer_value(program_at(json, "runs/0/unfinished_cnt")), 0);
        json_decref(json);
        for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
            cr_expect_eq(run_tool(folder.dir, (const char *const[]){commands[i], NULL}, &out), 0,
                         "%d: %s: %s", how, commands[i], program_errors);
            free(out);
        }
        folder_remove(folder.dir);
    }
}

/* The same file where it is not what a kill leaves. */
Test(verify, an_empty_segment_elsewhere_is_damage)
{
    for (int how = 0; how < 3; how++) {
        for (int where = 0; where < 3; where++) {
            struct folder folder = folder_make(where == 0); /* at the end of a run that ended */
            const char *path = where == 1 ? SECOND(&folder) : THIRD(&folder);
            if (where == 1) {
                unlink(path); /* of one that was committed to */
            }
            put_unfinished(path, how);
            if (where == 2) {
                copy(SECOND(&folder), path_in(&folder, folder.run_id, 3)); /* not the last */
            }
            json_decref(run_json(folder.dir, (const char *const[]){"verify", "--json", NULL}, 3));
            folder_remove(folder.dir);
        }
    }
}

/* Its run had not begun: it is in no list. */
Test(verify, an_unfinished_first_segment_is_no_run)
{
    struct folder folder = folder_make(true);
    put_unfinished(path_in(&folder, folder.run_id + 1000, 0), 0);
    json_t *json = run_json(folder.dir, (const char *const[]){"verify", "--json", NULL}, 0);
    cr_expect_eq(json_array_size(program_at(json, "runs")), 2);
    cr_expect_eq(json_integer_value(program_at(json, "folder_unfinished_cnt")), 1);
    json_decref(json);
    char *out;
    cr_expect_eq(run_tool(folder.dir, (const char *const[]){"stats", NULL}, &out), 0, "%s", program_errors);
    free(out);
    folder_remove(folder.dir);
}

/* The same after the segment was described and before the run was listed. */
Test(verify, a_run_that_was_killed_before_it_was_listed_is_no_damage)
{
    struct folder folder = folder_make(true);
    struct live live;
    char early[128];
    snprintf(early, sizeof early, "%s/early", folder.dir);
    copy(table_of(&folder), early);
    live_open(&live, folder.dir, 64 * MIB, LIVE_EPOCH_NS);
    live_close(&live, false);
    cr_assert_eq(rename(early, table_of(&folder)), 0);
    json_t *json = run_json(folder.dir, (const char *const[]){"verify", "--json", NULL}, 0);
    cr_expect_eq(json_integer_value(program_at(json, "runs/2/unfinished_cnt")), 1);
    json_decref(json);
    folder_remove(folder.dir);
}

/* cases/38-segments-that-are-not-the-run-s: a whole segment of a run of another journal. */
Test(verify, a_run_that_the_table_does_not_have_is_told)
{
    struct folder folder = folder_make(true);
    struct folder other = {.dir = folder.dir};
    char away[160], *out;
    struct live live;
    snprintf(away, sizeof away, "%s/elsewhere", folder.dir);
    live_open(&live, away, 64 * MIB, LIVE_EPOCH_NS + INT64_C(9000000000));
    struct pw_event event = live_event(0);
    live_put(&live, &event, 0);
    live_commit(&live, INT64_MAX / 2);
    other.run_id = live.run_id;
    live_close(&live, true);
    char from[320];
    snprintf(from, sizeof from, "%s/journal-%" PRIu64 "-0.mdb", away, other.run_id);
    copy(from, FIRST(&other));
    folder_remove(away);
    json_t *json = run_json(folder.dir, (const char *const[]){"verify", "--json", NULL}, 3);
    cr_expect(json_is_true(program_at(json, "runs/1/listed")));
    cr_expect(json_is_true(program_at(json, "runs/1/good")));
    cr_expect(json_is_false(program_at(json, "runs/2/listed")));
    cr_expect(json_is_false(program_at(json, "runs/2/good")));
    json_decref(json);
    cr_expect_eq(run_tool(folder.dir, (const char *const[]){"stats", NULL}, &out), 3);
    cr_expect_not_null(strstr(program_errors, FIRST(&other) + strlen(folder.dir) + 1), "%s", program_errors);
    free(out);
    folder_remove(folder.dir);
}

/* What found no room is known of a run that was killed, too: as of its last commit, like its events. */
Test(verify, reports_what_a_killed_run_skipped)
{
    const char *dir = live_dir();
    static uint8_t block[PW_WRITER_BLOCK_BYTES];
    const struct pw_event event = live_event(0);
    struct live live;
    char *out;
    live_open(&live, dir, 64 * MIB, LIVE_EPOCH_NS);
    struct pw_encoder *encoder = pw_encoder_new(PW_BLOCK_EVENTS, live.run_id);
    pw_encoder_begin(encoder, block, sizeof block);
    cr_assert(pw_encoder_put(encoder, &event));
    size_t bytes = pw_encoder_seal(encoder);
    for (uint64_t skipped_cnt = 5; skipped_cnt <= 10; skipped_cnt += 5) {
        cr_assert_eq(live.store.put(live.store.state, PW_BLOCK_EVENTS, 0, block, bytes), 0);
        cr_assert_eq(live.store.commit(live.store.state, skipped_cnt), 0);
    }
    pw_encoder_free(encoder);
    live_close(&live, false);
    json_t *json = run_json(dir, (const char *const[]){"verify", "--json", NULL}, 3);
    cr_expect_eq(json_integer_value(program_at(json, "runs/0/event_cnt")), 1);
    cr_expect_eq(json_integer_value(program_at(json, "runs/0/lost/other_cnt")), 10);
    json_decref(json);
    cr_expect_eq(run_tool(dir, (const char *const[]){"stats", NULL}, &out), 3);
    free(out);
    folder_remove(dir);
}

/* A run that was killed before its first commit had nothing to lose. */
Test(verify, a_killed_run_without_an_event_is_good)
{
    const char *dir = live_dir();
    write_market(dir, 0, false);
    json_decref(run_json(dir, (const char *const[]){"verify", "--json", NULL}, 0));
    folder_remove(dir);
}
