/* SPDX-License-Identifier: MIT
 *
 * Captures without sockets: the line formats, the order, the snapshot's rules, what is refused; and the
 * recordings of shared/data, byte for byte.
 */
#include "playback.h"

#include "hub_listener.h"
#include "test_folder.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define HOLD_MS 1000

struct venue {
    struct pw_sim_capture_config config;
    struct pw_sim_hub hub;
    struct pw_sim_source source;
    char error[1024];
    int64_t wall_ns;
};

static char g_dir[] = "/tmp/pinwheel-capture-XXXXXX";

static void dir_make(void)
{
    cr_assert_not_null(mkdtemp(g_dir));
}

static void dir_remove(void)
{
    folder_remove(g_dir);
}

TestSuite(capture, .init = dir_make, .fini = dir_remove);

/* Adds a file of this text to the venue's captures. */
static void file_add(struct venue *venue, const char *name, const char *text)
{
    char *path = venue->config.files[venue->config.file_cnt++];
    FILE *file;

    snprintf(path, sizeof venue->config.files[0], "%s/%s", g_dir, name);
    file = fopen(path, "w");
    cr_assert_not_null(file);
    fputs(text, file);
    cr_assert_eq(fclose(file), 0);
}

static struct venue *venue_make(void)
{
    struct venue *venue = calloc(1, sizeof *venue);

    cr_assert_not_null(venue);
    venue->config.merge = true;
    venue->config.hold_ms = HOLD_MS;
    venue->config.memory_mib = 64;
    venue->wall_ns = 1;
    cr_assert_eq(pw_sim_hub_init(&venue->hub, 4), 0);
    return venue;
}

static int venue_load(struct venue *venue)
{
    return pw_sim_capture_load(&venue->source, &venue->config, &venue->hub, venue->error,
                               sizeof venue->error);
}

static void venue_free(struct venue *venue)
{
    if (venue->source.ops) {
        venue->source.ops->free(venue->source.state);
    }
    pw_sim_hub_fini(&venue->hub);
    free(venue);
}

static enum pw_sim_next venue_next(struct venue *venue, int64_t *market_ns)
{
    return venue->source.ops->next(venue->source.state, venue->wall_ns, market_ns);
}

/* Publishes until something else than a message is next; returns what that is. */
static enum pw_sim_next venue_run(struct venue *venue)
{
    enum pw_sim_next next;
    int64_t market_ns;

    while ((next = venue_next(venue, &market_ns)) == PW_SIM_NEXT_AT) {
        venue->source.ops->step(venue->source.state);
    }
    return next;
}

static struct pw_sim_symbol *symbol_of(struct venue *venue, const char *name)
{
    struct pw_sim_symbol *symbol =
        pw_sim_source_symbol(&venue->source, (struct pw_slice){name, strlen(name)});

    cr_assert_not_null(symbol, "%s", name);
    return symbol;
}

static char g_depth[4 << 20];

static const char *depth_of(struct venue *venue, const char *symbol, uint32_t limit)
{
    struct pw_buffer text = {0};

    cr_assert(venue->source.ops->depth(venue->source.state, symbol_of(venue, symbol), limit, &text));
    cr_assert_lt(text.size, sizeof g_depth);
    memcpy(g_depth, text.data, text.size);
    g_depth[text.size] = 0;
    pw_buffer_free(&text);
    return g_depth;
}

static void expect_message(struct listener *listener, const char *text)
{
    struct pw_slice message;

    cr_assert(listener_next(listener, &message), "no message instead of %s", text);
    cr_assert(pw_slice_equal(message, text), "%.*s instead of %s", (int)message.size, message.text, text);
}

static void expect_silence(struct listener *listener)
{
    struct pw_slice message;

    cr_assert_not(listener_next(listener, &message), "%.*s", (int)message.size, message.text);
}

#define TRADE(id, price)                                                                                     \
    "{\"e\":\"trade\",\"E\":1700000000123,\"s\":\"BTCUSDT\",\"t\":" #id ",\"p\":\"" price                    \
    "\",\"q\":\"0.5\",\"T\":1700000000122,\"m\":true,\"M\":true}"
#define WRAPPED(stream, data) "{\"stream\":\"" stream "\",\"data\":" data "}"
#define DEPTH(first, last, bids, asks)                                                                       \
    "{\"e\":\"depthUpdate\",\"E\":1700000000200,\"s\":\"BTCUSDT\",\"U\":" #first ",\"u\":" #last             \
    ",\"b\":" bids ",\"a\":" asks "}"

/* ---- lines ---- */

static int64_t time_of_line(const char *line)
{
    struct venue *venue = venue_make();
    int64_t market_ns = -1;

    file_add(venue, "one", line);
    cr_assert_eq(venue_load(venue), 0, "%s", venue->error);
    cr_assert_eq(venue_next(venue, &market_ns), PW_SIM_NEXT_AT);
    venue_free(venue);
    return market_ns;
}

Test(capture, times_come_in_seconds_milliseconds_microseconds_nanoseconds_and_fractions)
{
    cr_expect_eq(time_of_line("1723161253937085768 " TRADE(1, "2") "\n"), INT64_C(1723161253937085768));
    cr_expect_eq(time_of_line("1680652700423575 " TRADE(1, "2") "\n"), INT64_C(1680652700423575000));
    cr_expect_eq(time_of_line("1680652700423 " TRADE(1, "2")), INT64_C(1680652700423000000));
    cr_expect_eq(time_of_line("1680652700 " TRADE(1, "2") "\r\n"), INT64_C(1680652700000000000));
    cr_expect_eq(time_of_line("1633998512.0633569: " TRADE(1, "2") "\n"), INT64_C(1633998512063356900));
    cr_expect_eq(time_of_line("1633998541.989086: " TRADE(1, "2") "\n"), INT64_C(1633998541989086000));
}

Test(capture, remarks_of_recorders_are_passed_over)
{
    cr_expect_eq(
        time_of_line("wss://stream.binance.com:9443/stream?streams=btcusdt@trade <-> 1633998511.159679\n\n"
                     "configuration: {\"trades\":[\"BTC-USDT\"]}\n"
                     "https://api.binance.com/api/v3/ping -> 1633998511.2: {}\n"
                     "1633998512: " TRADE(1, "2") "\n"),
        INT64_C(1633998512000000000));
}

static void expect_refused(const char *text, const char *error)
{
    struct venue *venue = venue_make();

    file_add(venue, "bad", text);
    cr_assert_lt(venue_load(venue), 0, "accepted: %s", text);
    cr_assert_not_null(strstr(venue->error, error), "%s", venue->error);
    venue_free(venue);
}

Test(capture, what_is_no_line_of_a_capture_is_refused_with_its_place)
{
    expect_refused("", "");
    expect_refused("1700000000 " TRADE(1, "2") "\nnonsense\n", "bad:2:");
    expect_refused("170000000 " TRADE(1, "2") "\n", "bad:1:");
    expect_refused("17000000001234567890 " TRADE(1, "2") "\n", "bad:1:");
    expect_refused("1700000000 {\"stream\":\"btcusdt@trade\",\"data\":{\"e\":\"trade\"\n", "bad:1:");
    expect_refused("1700000000 {\"stream\":\"btc usdt\",\"data\":{}}\n", "bad:1:");
    expect_refused("1700000000 [1]\n", "bad:1:");
    expect_refused("1633998512.06x: " TRADE(1, "2") "\n", "bad:1:");
}

Test(capture, missing_damaged_and_too_large_files_are_refused)
{
    struct venue *venue = venue_make();
    char *path = venue->config.files[venue->config.file_cnt++];
    gzFile file;

    snprintf(path, sizeof venue->config.files[0], "%s/none", g_dir);
    cr_expect_lt(venue_load(venue), 0);
    cr_expect_not_null(strstr(venue->error, "/none: "));

    file = gzopen(path, "wb");
    for (int i = 0; i < 20000; i++) {
        gzprintf(file, "1700000000%09d %s\n", i, TRADE(1, "2"));
    }
    gzclose(file);
    venue->config.memory_mib = 1;
    cr_expect_lt(venue_load(venue), 0);
    cr_expect_not_null(strstr(venue->error, "memory_mib"));

    venue->config.memory_mib = 64;
    cr_assert_eq(truncate(path, 5000), 0);
    cr_expect_lt(venue_load(venue), 0);
    cr_expect_not_null(strstr(venue->error, "/none: "), "%s", venue->error);
    venue_free(venue);
}

/* ---- order and envelopes ---- */

Test(capture, files_are_merged_by_time_or_taken_one_after_the_other)
{
    for (int merge = 0; merge < 2; merge++) {
        struct venue *venue = venue_make();
        struct listener listener;
        venue->config.merge = merge;
        file_add(venue, "a", "1700000003 " TRADE(3, "2") "\n1700000004 " TRADE(4, "2") "\n");
        file_add(venue, "b", "1700000001 " TRADE(1, "2") "\n1700000003 " TRADE(5, "2") "\n");
        cr_assert_eq(venue_load(venue), 0, "%s", venue->error);
        listener_open(&listener, &venue->hub, 0, false, false);
        listener_subscribe(&listener, "btcusdt@trade");
        cr_assert_eq(venue_run(venue), PW_SIM_NEXT_END);
        if (merge) {
            expect_message(&listener, TRADE(1, "2"));
        }
        expect_message(&listener, TRADE(3, "2")); /* of equal times, the first file's comes first */
        if (merge) {
            expect_message(&listener, TRADE(5, "2"));
        }
        expect_message(&listener, TRADE(4, "2"));
        if (!merge) {
            expect_message(&listener, TRADE(1, "2"));
            expect_message(&listener, TRADE(5, "2"));
        }
        expect_silence(&listener);
        listener_close(&listener);
        venue_free(venue);
    }
}

Test(capture, clients_get_the_envelope_they_asked_for_and_the_payload_as_recorded)
{
    struct venue *venue = venue_make();
    struct listener raw, combined, other;
    const char *spaced = "{ \"data\" : " TRADE(2, "3") ", \"stream\": \"btcusdt@trade\" }";
    char line[512];

    snprintf(line, sizeof line,
             "1700000001 " WRAPPED("btcusdt@trade", TRADE(1, "2")) "\n1700000002 %s\n1700000003 %s\n", spaced,
             TRADE(3, "4"));
    file_add(venue, "a", line);
    cr_assert_eq(venue_load(venue), 0, "%s", venue->error);
    listener_open(&raw, &venue->hub, 0, false, false);
    listener_open(&combined, &venue->hub, 1, true, false);
    listener_open(&other, &venue->hub, 2, true, false);
    listener_subscribe(&raw, "btcusdt@trade");
    listener_subscribe(&combined, "btcusdt@trade");
    listener_subscribe(&other, "btcusdt@bookTicker");
    cr_assert_eq(venue_run(venue), PW_SIM_NEXT_END);
    expect_message(&raw, TRADE(1, "2"));
    expect_message(&raw, TRADE(2, "3"));
    expect_message(&raw, TRADE(3, "4"));
    expect_message(&combined, WRAPPED("btcusdt@trade", TRADE(1, "2")));
    expect_message(&combined, spaced);
    expect_message(&combined, WRAPPED("btcusdt@trade", TRADE(3, "4"))); /* was recorded without */
    expect_silence(&other);
    listener_close(&raw);
    listener_close(&combined);
    listener_close(&other);
    venue_free(venue);
}

Test(capture, who_asked_for_microseconds_gets_times_in_them)
{
    struct venue *venue = venue_make();
    struct listener fine, coarse;
    const char *trade =
        "{\"e\":\"trade\",\"E\":1700000000123,\"t\":1234567890123,\"T\":1700000000122,\"m\":true}";
    const char *candle =
        "{\"e\":\"kline\",\"E\":1700000000123,\"k\":{\"t\":1700000000000,\"T\":1700000000999,\"f\":1}}";
    char lines[1024];

    snprintf(
        lines, sizeof lines,
        "1700000001 {\"stream\":\"a@trade\",\"data\":%s}\n1700000002 {\"stream\":\"a@trade\",\"data\":%s}\n",
        trade, candle);
    file_add(venue, "a", lines);
    cr_assert_eq(venue_load(venue), 0, "%s", venue->error);
    listener_open(&fine, &venue->hub, 0, true, true);
    listener_open(&coarse, &venue->hub, 1, false, false);
    listener_subscribe(&fine, "a@trade");
    listener_subscribe(&coarse, "a@trade");
    cr_assert_eq(venue_run(venue), PW_SIM_NEXT_END);
    expect_message(
        &fine, "{\"stream\":\"a@trade\",\"data\":{\"e\":\"trade\",\"E\":1700000000123000,\"t\":1234567890123,"
               "\"T\":1700000000122000,\"m\":true}}");
    expect_message(&fine, "{\"stream\":\"a@trade\",\"data\":{\"e\":\"kline\",\"E\":1700000000123000,"
                          "\"k\":{\"t\":1700000000000000,\"T\":1700000000999000,\"f\":1}}}");
    expect_message(&coarse, trade);
    expect_message(&coarse, candle);
    listener_close(&fine);
    listener_close(&coarse);
    venue_free(venue);
}

Test(capture, bare_messages_find_their_stream)
{
    struct venue *venue = venue_make();
    struct listener listener;
    const char *quote = "{\"u\":7,\"s\":\"BTCUSDT\",\"b\":\"1\",\"B\":\"2\",\"a\":\"3\",\"A\":\"4\"}";
    char text[1024];

    snprintf(text, sizeof text, "1700000001 %s\n1700000002 %s\n", quote, DEPTH(1, 2, "[]", "[]"));
    file_add(venue, "a", text);
    cr_assert_eq(venue_load(venue), 0, "%s", venue->error);
    listener_open(&listener, &venue->hub, 0, false, false);
    listener_subscribe(&listener, "btcusdt@bookTicker");
    listener_subscribe(&listener, "btcusdt@depth@100ms");
    cr_assert_eq(venue_run(venue), PW_SIM_NEXT_END);
    expect_message(&listener, quote);
    expect_message(&listener, DEPTH(1, 2, "[]", "[]"));
    listener_close(&listener);
    venue_free(venue);
}

/* ---- snapshots ---- */

#define SNAPSHOT                                                                                             \
    "{\"lastUpdateId\":11,\"bids\":[[\"100.0\",\"1\"],[\"99.0\",\"2\"],[\"98.0\",\"3\"]],\"asks\":[[\"101."  \
    "0\",\"4\"]]}"

/* Updates 9-10, 11-12, [snapshot of 11], 13-13. */
static const char g_snapshot_lines[] = "1700000001 " WRAPPED(
    "btcusdt@depth@100ms",
    DEPTH(9, 10, "[[\"97.0\",\"9\"]]",
          "[]")) "\n"
                 "1700000002 " WRAPPED(
                     "btcusdt@depth@100ms",
                     DEPTH(11, 12, "[[\"99.0\",\"0\"]]",
                           "[[\"102.0\",\"5\"]]")) "\n"
                                                   "1700000003 " SNAPSHOT "\n"
                                                   "1700000004 " WRAPPED(
                                                       "btcusdt@depth@100ms",
                                                       DEPTH(13, 13, "[[\"100.0\",\"7\"]]", "[]")) "\n";

#define COMPUTED_12                                                                                          \
    "{\"lastUpdateId\":12,\"bids\":[[\"100.00000000\",\"1.00000000\"],[\"98.00000000\",\"3.00000000\"]],"    \
    "\"asks\":[[\"101.00000000\",\"4.00000000\"],[\"102.00000000\",\"5.00000000\"]]}"
#define COMPUTED_13                                                                                          \
    "{\"lastUpdateId\":13,\"bids\":[[\"100.00000000\",\"7.00000000\"],[\"98.00000000\",\"3.00000000\"]],"    \
    "\"asks\":[[\"101.00000000\",\"4.00000000\"],[\"102.00000000\",\"5.00000000\"]]}"

static struct venue *snapshot_venue(struct listener *listener)
{
    struct venue *venue = venue_make();

    file_add(venue, "snap", g_snapshot_lines);
    cr_assert_eq(venue_load(venue), 0, "%s", venue->error);
    listener_open(listener, &venue->hub, 0, false, false);
    listener_subscribe(listener, "btcusdt@depth@100ms");
    return venue;
}

Test(capture, the_stream_waits_at_a_snapshot_until_it_is_fetched)
{
    struct listener listener;
    struct venue *venue = snapshot_venue(&listener);

    cr_assert_eq(venue_run(venue), PW_SIM_NEXT_HELD);
    venue->wall_ns += (HOLD_MS - 1) * INT64_C(1000000);
    cr_assert_eq(venue_run(venue), PW_SIM_NEXT_HELD);
    cr_expect_str_eq(depth_of(venue, "BTCUSDT", 5000), SNAPSHOT);
    cr_expect_str_eq(depth_of(venue, "BTCUSDT", 5000),
                     COMPUTED_12); /* only the first one gets the recorded one */
    cr_assert_eq(venue_run(venue), PW_SIM_NEXT_END);
    cr_expect_str_eq(depth_of(venue, "BTCUSDT", 5000), COMPUTED_13);
    listener_close(&listener);
    venue_free(venue);
}

Test(capture, a_snapshot_can_be_fetched_before_its_place_and_opens_it)
{
    struct listener listener;
    struct venue *venue = snapshot_venue(&listener);

    cr_expect_str_eq(depth_of(venue, "BTCUSDT", 5000), SNAPSHOT);
    cr_assert_eq(venue_run(venue), PW_SIM_NEXT_END);
    listener_close(&listener);
    venue_free(venue);
}

Test(capture, an_unfetched_snapshot_is_passed_after_a_while_and_the_book_served_instead)
{
    struct listener listener;
    struct venue *venue = snapshot_venue(&listener);

    cr_assert_eq(venue_run(venue), PW_SIM_NEXT_HELD);
    venue->wall_ns += HOLD_MS * INT64_C(1000000);
    cr_assert_eq(venue_run(venue), PW_SIM_NEXT_END);
    cr_expect_str_eq(depth_of(venue, "BTCUSDT", 5000), COMPUTED_13);
    listener_close(&listener);
    venue_free(venue);
}

Test(capture, nothing_waits_for_a_snapshot_that_no_subscriber_needs)
{
    struct listener listener;
    struct venue *venue = venue_make();

    file_add(venue, "snap", g_snapshot_lines);
    cr_assert_eq(venue_load(venue), 0);
    listener_open(&listener, &venue->hub, 0, false, false);
    listener_subscribe(&listener, "ethusdt@depth@100ms");
    cr_assert_eq(venue_run(venue), PW_SIM_NEXT_END);
    listener_close(&listener);
    venue_free(venue);
}

Test(capture, the_limit_cuts_recorded_and_computed_snapshots)
{
    struct listener listener;
    struct venue *venue = snapshot_venue(&listener);

    cr_expect_str_eq(
        depth_of(venue, "BTCUSDT", 2),
        "{\"lastUpdateId\":11,\"bids\":[[\"100.0\",\"1\"],[\"99.0\",\"2\"]],\"asks\":[[\"101.0\",\"4\"]]}");
    cr_assert_eq(venue_run(venue), PW_SIM_NEXT_END);
    cr_expect_str_eq(depth_of(venue, "BTCUSDT", 1),
                     "{\"lastUpdateId\":13,\"bids\":[[\"100.00000000\",\"7.00000000\"]],"
                     "\"asks\":[[\"101.00000000\",\"4.00000000\"]]}");
    listener_close(&listener);
    venue_free(venue);
}

Test(capture, a_rewound_capture_begins_as_it_began)
{
    struct listener listener;
    struct venue *venue = snapshot_venue(&listener);

    depth_of(venue, "BTCUSDT", 5000);
    cr_assert_eq(venue_run(venue), PW_SIM_NEXT_END);
    venue->source.ops->rewind(venue->source.state);
    cr_assert_eq(venue_run(venue), PW_SIM_NEXT_HELD);
    cr_expect_str_eq(depth_of(venue, "BTCUSDT", 5000), SNAPSHOT);
    cr_assert_eq(venue_run(venue), PW_SIM_NEXT_END);
    listener_close(&listener);
    venue_free(venue);
}

Test(capture, a_snapshot_without_a_symbol_goes_to_the_symbol_whose_updates_fit)
{
    struct venue *venue = venue_make();

    file_add(
        venue, "two",
        "1700000001 {\"stream\":\"ethusdt@depth@100ms\",\"data\":{\"U\":500,\"u\":510,\"b\":[],\"a\":[]}}\n"
        "1700000002 " WRAPPED("btcusdt@depth@100ms", DEPTH(9, 12, "[]", "[]")) "\n"
                                                                               "1700000003 " SNAPSHOT "\n");
    cr_assert_eq(venue_load(venue), 0, "%s", venue->error);
    cr_expect_str_eq(depth_of(venue, "BTCUSDT", 5000), SNAPSHOT);
    cr_expect_str_eq(depth_of(venue, "ETHUSDT", 5000), "{\"lastUpdateId\":0,\"bids\":[],\"asks\":[]}");
    venue_free(venue);
}

Test(capture, tick_and_step_are_learnt_from_the_data)
{
    struct venue *venue = venue_make();
    struct pw_sim_symbol *symbol;

    file_add(venue, "a", "1700000001 " TRADE(1, "61837.60") "\n1700000002 " TRADE(2, "61837.20") "\n");
    cr_assert_eq(venue_load(venue), 0, "%s", venue->error);
    symbol = symbol_of(venue, "BTCUSDT");
    cr_expect_eq(symbol->tick_e8, 10000000);
    cr_expect_eq(symbol->step_e8, 10000000);
    cr_expect_str_eq(symbol->base, "BTC");
    cr_expect_str_eq(symbol->quote, "USDT");
    venue_free(venue);
}

/* ---- real recordings ---- */

static bool shared_add(struct venue *venue, const char *name)
{
    const char *shared = getenv("PINWHEEL_SHARED");
    char *path = venue->config.files[venue->config.file_cnt];

    snprintf(path, sizeof venue->config.files[0], "%s/data/%s", shared ? shared : "../shared", name);
    if (access(path, R_OK) != 0) {
        return false;
    }
    venue->config.file_cnt++;
    return true;
}

/* The JSON of each WebSocket line of a capture, read with zlib alone. */
static bool line_next(gzFile file, char *line, int line_bytes, const char **json)
{
    while (gzgets(file, line, line_bytes)) {
        line[strcspn(line, "\n")] = 0;
        *json = strchr(line, '{');
        if (*json && strncmp(line, "http", 4) != 0 && strstr(*json, "{\"stream\"") == *json) {
            return true;
        }
    }
    return false;
}

static void expect_recording(struct venue *venue, const char *const *streams, uint32_t message_cnt)
{
    static char line[4 << 20];
    struct listener listener;
    struct pw_slice message;
    uint32_t cnt = 0;
    const char *json;
    int64_t market_ns;

    cr_assert_eq(venue_load(venue), 0, "%s", venue->error);
    listener_open(&listener, &venue->hub, 0, true, false);
    for (; *streams; streams++) {
        listener_subscribe(&listener, *streams);
    }
    venue->wall_ns = INT64_C(1) << 60;
    venue->config.hold_ms = 0;
    for (uint32_t i = 0; i < venue->config.file_cnt; i++) {
        gzFile file = gzopen(venue->config.files[i], "rb");
        cr_assert_not_null(file);
        while (line_next(file, line, sizeof line, &json)) {
            cr_assert_eq(venue_next(venue, &market_ns), PW_SIM_NEXT_AT);
            venue->source.ops->step(venue->source.state);
            cr_assert(listener_next(&listener, &message), "line %u is missing", cnt);
            cr_assert(pw_slice_equal(message, json), "line %u differs", cnt);
            cnt++;
        }
        gzclose(file);
    }
    cr_assert_eq(venue_next(venue, &market_ns), PW_SIM_NEXT_END);
    cr_expect_eq(cnt, message_cnt);
    listener_close(&listener);
}

Test(capture, the_spot_recording_of_two_days_is_told_byte_for_byte)
{
    static const char *const streams[] = {"btcusdt@trade", "btcusdt@bookTicker", "btcusdt@depth@100ms", NULL};
    struct venue *venue = venue_make();

    if (!shared_add(venue, "captures/binance/spot_btcusdt_20240808.gz") ||
        !shared_add(venue, "captures/binance/spot_btcusdt_20240809.gz")) {
        cr_skip_test("no shared data");
    }
    expect_recording(venue, streams, 41248 + 58325); /* SOURCES.md, without the snapshot */
    cr_expect_eq(symbol_of(venue, "BTCUSDT")->tick_e8, PW_E8 / 100);
    cr_expect_eq(symbol_of(venue, "BTCUSDT")->step_e8, PW_E8 / 100000);
    venue_free(venue);
}

/* The book as the simulator computes it at the end, against the figures of an independent program. */
static void expect_book(struct venue *venue, const char *symbol, const char *expected_name)
{
    const char *shared = getenv("PINWHEEL_SHARED");
    char path[512];
    json_error_t error;
    json_t *expected, *facts, *book, *level;
    size_t i;

    snprintf(path, sizeof path, "%s/data/expected/%s", shared ? shared : "../shared", expected_name);
    expected = json_load_file(path, 0, &error);
    cr_assert_not_null(expected, "%s: %s", path, error.text);
    facts =
        json_object_get(json_object_get(json_object_get(expected, "symbols"), symbol), "book_from_snapshot");
    book = json_loads(depth_of(venue, symbol, 5000), 0, &error);
    cr_assert_not_null(book);
    cr_assert_eq(json_array_size(json_object_get(facts, "top_bids")), 10);
    json_array_foreach(json_object_get(facts, "top_bids"), i, level)
    {
        cr_expect(json_equal(level, json_array_get(json_object_get(book, "bids"), i)), "bid %zu", i);
    }
    json_array_foreach(json_object_get(facts, "top_asks"), i, level)
    {
        cr_expect(json_equal(level, json_array_get(json_object_get(book, "asks"), i)), "ask %zu", i);
    }
    cr_expect_eq(json_integer_value(json_object_get(facts, "bid_levels")),
                 (json_int_t)json_array_size(json_object_get(book, "bids")));
    cr_expect_eq(json_integer_value(json_object_get(facts, "ask_levels")),
                 (json_int_t)json_array_size(json_object_get(book, "asks")));
    json_decref(book);
    json_decref(expected);
}

Test(capture, the_book_at_the_end_of_the_spot_recording_is_the_known_one)
{
    struct listener listener;
    struct venue *venue = venue_make();

    if (!shared_add(venue, "captures/binance/spot_btcusdt_20240808.gz") ||
        !shared_add(venue, "captures/binance/spot_btcusdt_20240809.gz")) {
        cr_skip_test("no shared data");
    }
    cr_assert_eq(venue_load(venue), 0, "%s", venue->error);
    listener_open(&listener, &venue->hub, 0, false, false);
    cr_assert_eq(venue_run(venue), PW_SIM_NEXT_END);
    expect_book(venue, "BTCUSDT", "spot_btcusdt_20240808+09.json");
    listener_close(&listener);
    venue_free(venue);
}

Test(capture, the_recording_of_many_symbols_with_its_rest_answers_is_served)
{
    static const char *const symbols[] = {"NKNUSDT", "BLZETH", "LRCBTC", "RUNEEUR"};
    struct venue *venue = venue_make();

    if (!shared_add(venue, "captures/cryptofeed/BINANCE.ws.1.0.gz") ||
        !shared_add(venue, "captures/cryptofeed/BINANCE.http.0.0.gz") ||
        !shared_add(venue, "captures/cryptofeed/BINANCE.0.gz")) {
        cr_skip_test("no shared data");
    }
    cr_assert_eq(venue_load(venue), 0, "%s", venue->error);
    cr_expect_eq(venue_run(venue), PW_SIM_NEXT_END);
    cr_expect_eq(venue->hub.message_cnt, 265);
    for (int i = 0; i < 4; i++) {
        expect_book(venue, symbols[i], "cryptofeed_BINANCE.json");
    }
    struct pw_slice info = venue->source.ops->exchange_info(venue->source.state);
    cr_expect_gt(info.size, 1000000);
    cr_expect_eq(memcmp(info.text, "{\"timezone\":\"UTC\",\"serverTime\":1633998511098", 44), 0);
    venue_free(venue);
}

Test(capture, microsecond_recordings_of_futures_are_told_byte_for_byte)
{
    static const char *const streams[] = {"btcusdt@trade", "btcusdt@bookTicker", "btcusdt@depth@0ms",
                                          "btcusdt@markPrice@1s", NULL};
    struct venue *venue = venue_make();

    if (!shared_add(venue, "captures/binance/usdm_btcusdt_20230404.dat.gz")) {
        cr_skip_test("no shared data");
    }
    expect_recording(venue, streams, 13384 - 1);
    venue_free(venue);
}

/* ---- the tape, against candles computed by somebody else ---- */

static void expect_text_e8(const json_t *value, int64_t actual_e8)
{
    char text[64];

    snprintf(text, sizeof text, "%lld.%08lld", (long long)(actual_e8 / PW_E8),
             (long long)(actual_e8 % PW_E8));
    cr_expect_str_eq(json_string_value(value), text);
}

/* The quote volume with the decimals that the venue gives it. */
static const char *quote_text(const struct pw_sim_tape_candle *candle)
{
    static char text[64];
    int64_t quote_e8 = (int64_t)(candle->quote_e16 / PW_E8);

    snprintf(text, sizeof text, "%lld.%08lld", (long long)(quote_e8 / PW_E8), (long long)(quote_e8 % PW_E8));
    return text;
}

Test(capture, the_tape_s_minutes_are_the_known_bars)
{
    const char *shared = getenv("PINWHEEL_SHARED");
    struct venue *venue = venue_make();
    struct pw_sim_symbol *symbol;
    char path[512];
    json_error_t error;
    json_t *expected, *bar;
    size_t i;

    if (!shared_add(venue, "captures/binance/spot_btcusdt_20240808.gz") ||
        !shared_add(venue, "captures/binance/spot_btcusdt_20240809.gz")) {
        cr_skip_test("no shared data");
    }
    cr_assert_eq(venue_load(venue), 0, "%s", venue->error);
    cr_assert_eq(venue_run(venue), PW_SIM_NEXT_END);
    symbol = symbol_of(venue, "BTCUSDT");
    cr_assert(venue->source.ops->refresh(venue->source.state, symbol));
    snprintf(path, sizeof path, "%s/data/expected/bars_1m_spot_btcusdt_20240808+09.json",
             shared ? shared : "../shared");
    expected = json_load_file(path, 0, &error);
    cr_assert_not_null(expected, "%s", error.text);
    json_array_foreach(json_object_get(expected, "bars"), i, bar)
    {
        /* start_ms, open, high, low, close, volume, trades, quote_volume (16 decimals), taker_buy_volume */
        int64_t open_ns = json_integer_value(json_array_get(bar, 0)) * 1000000;
        struct pw_sim_tape_candle candle = pw_sim_tape_candle(symbol->tape, open_ns, INT64_C(60000000000));
        expect_text_e8(json_array_get(bar, 1), candle.open_e8);
        expect_text_e8(json_array_get(bar, 2), candle.high_e8);
        expect_text_e8(json_array_get(bar, 3), candle.low_e8);
        expect_text_e8(json_array_get(bar, 4), candle.close_e8);
        expect_text_e8(json_array_get(bar, 5), candle.volume_e8);
        cr_expect_eq((uint64_t)json_integer_value(json_array_get(bar, 6)), candle.trade_cnt);
        cr_expect_eq(strncmp(json_string_value(json_array_get(bar, 7)), quote_text(&candle),
                             strlen(quote_text(&candle))),
                     0);
        expect_text_e8(json_array_get(bar, 8), candle.taker_volume_e8);
    }
    cr_expect_eq(i, 12);
    json_decref(expected);
    venue_free(venue);
}
