/* SPDX-License-Identifier: MIT
 *
 * The codec: every event comes back bit for bit, damaged blocks are refused, and no bytes whatever can crash
 * a decoder.
 */
#include "codec.h"
#include "bits.h"
#include "capture.h"
#include "crc32c.h"
#include "host.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define BLOCK_BYTES 32752u
#define KINDS                                                                                                \
    28u /* of enum pw_event_kind: those that the merged stream has, and a few numbers that are free */

/* ---- helpers ---- */

static uint64_t seed_from_clock(void)
{
    uint64_t seed = (uint64_t)pw_clock_read_ns(CLOCK_REALTIME);
    fprintf(stderr, "seed %llu\n", (unsigned long long)seed);
    return seed;
}

/* Blocks in memory. */
struct blocks {
    uint8_t *bytes[4096];
    size_t sizes[4096];
    size_t cnt, total_bytes;
};

static void keep(struct blocks *blocks, const uint8_t *block, size_t bytes)
{
    cr_assert_lt(blocks->cnt, 4096);
    blocks->bytes[blocks->cnt] = malloc(bytes);
    memcpy(blocks->bytes[blocks->cnt], block, bytes);
    blocks->sizes[blocks->cnt++] = bytes;
    blocks->total_bytes += bytes;
}

static void blocks_free(struct blocks *blocks)
{
    for (size_t i = 0; i < blocks->cnt; i++) {
        free(blocks->bytes[i]);
    }
    *blocks = (struct blocks){0};
}

static void encode(struct blocks *blocks, const struct pw_event *events, size_t cnt, size_t block_bytes)
{
    struct pw_encoder *encoder = pw_encoder_new(PW_BLOCK_EVENTS, 7);
    uint8_t *block = malloc(block_bytes);
    pw_encoder_begin(encoder, block, block_bytes);
    for (size_t i = 0; i < cnt; i++) {
        if (!pw_encoder_put(encoder, &events[i])) {
            keep(blocks, block, pw_encoder_seal(encoder));
            pw_encoder_begin(encoder, block, block_bytes);
            cr_assert(pw_encoder_put(encoder, &events[i]), "an empty block takes event %zu", i);
        }
    }
    keep(blocks, block, pw_encoder_seal(encoder));
    free(block);
    pw_encoder_free(encoder);
}

static void expect_same(const struct blocks *blocks, const struct pw_event *events, size_t cnt)
{
    struct pw_decoder *decoder = pw_decoder_new();
    struct pw_event event;
    size_t i = 0;
    int got = 0;
    for (size_t b = 0; b < blocks->cnt; b++) {
        cr_assert_eq(pw_decoder_begin(decoder, blocks->bytes[b], blocks->sizes[b], false), 0);
        while ((got = pw_decoder_next(decoder, &event)) == 1) {
            cr_assert_lt(i, cnt);
            cr_assert_eq(memcmp(&event, &events[i], sizeof event), 0, "event %zu of kind %u differs", i,
                         events[i].kind);
            i++;
        }
        cr_assert_eq(got, 0, "event %zu cannot be read", i);
    }
    cr_assert_eq(i, cnt);
    pw_decoder_free(decoder);
}

static void expect_round_trip(const struct pw_event *events, size_t cnt, size_t block_bytes)
{
    struct blocks blocks = {0};
    encode(&blocks, events, cnt, block_bytes);
    expect_same(&blocks, events, cnt);
    blocks_free(&blocks);
}

static struct pw_event random_event(struct pw_random *random)
{
    uint64_t words[8];
    struct pw_event event;
    for (int i = 0; i < 8; i++) {
        words[i] = pw_random_next(random) >> pw_random_next(random) % 64;
    }
    memcpy(&event, words, sizeof event);
    return event;
}

/* Events as a market has them, but with an odd word here and there. */
static struct pw_event likely_event(struct pw_random *random, uint32_t seq)
{
    struct pw_event event = {.seq = seq,
                             .instrument_idx = (uint16_t)(pw_random_next(random) % 3),
                             .kind = (uint8_t)(pw_random_next(random) % KINDS),
                             .recv_ns = INT64_C(1723161253937085768) + seq * INT64_C(1000),
                             .venue_ns = pw_random_next(random) % 2 ? seq * INT64_C(1000000) : 0};
    event.body.depth.bid_cnt = pw_random_next(random) % 4;
    event.body.depth.ask_cnt = pw_random_next(random) % 4;
    if (event.kind != PW_EVENT_DEPTH) {
        for (int i = 0; i < 5; i++) {
            event.body.words[i] = pw_random_next(random) % 5 ? pw_random_next(random) % 100000 * 100000 : 0;
        }
    }
    if (pw_random_next(random) % 4 == 0) {
        struct pw_event noise = random_event(random);
        memcpy((char *)&event + pw_random_next(random) % 57, &noise, pw_random_next(random) % 8);
    }
    return event;
}

/* A depth update as parse makes it: DEPTH and its LEVELS, best first. Returns how many events. */
static size_t depth_update(struct pw_event *out, uint32_t seq, uint32_t bid_cnt, uint32_t ask_cnt)
{
    struct pw_event base = {.seq = seq, .kind = PW_EVENT_DEPTH, .recv_ns = 1000 + seq, .venue_ns = 2000000};
    size_t n = 0;
    out[n] = base;
    out[n].flags = bid_cnt + ask_cnt == 0 ? PW_FLAG_LAST : 0;
    out[n++].body.depth = (struct pw_depth){
        .first_update_id = seq, .last_update_id = seq + 5, .bid_cnt = bid_cnt, .ask_cnt = ask_cnt};
    for (uint32_t side = 0; side < 2; side++) {
        uint32_t cnt = side ? ask_cnt : bid_cnt;
        for (uint32_t i = 0; i < cnt; i += 2, n++) {
            bool pair = i + 1 < cnt, last = i + 2 >= cnt && (side || ask_cnt == 0);
            out[n] = base;
            out[n].seq = seq + (uint32_t)n;
            out[n].kind = PW_EVENT_LEVELS;
            out[n].flags =
                (uint8_t)((side ? PW_FLAG_SELL : 0) | (pair ? PW_FLAG_PAIR : 0) | (last ? PW_FLAG_LAST : 0));
            out[n].body.levels.update_id = seq + 5;
            for (uint32_t k = 0; k <= pair; k++) {
                int64_t away = (i + k) * INT64_C(1000000);
                out[n].body.levels.level[k] =
                    (struct pw_level){.price_e8 = INT64_C(6183763000000) + (side ? away + 1000000 : -away),
                                      .qty_e8 = (i + k) % 3 ? (i + k) * 1000 : 0};
            }
        }
    }
    return n;
}

/* ---- numbers ---- */

Test(crc32c, known_values)
{
    static const uint8_t zeros[32], *digits = (const uint8_t *)"123456789";
    cr_expect_eq(pw_crc32c(0, digits, 9), 0xe3069283u);
    cr_expect_eq(pw_crc32c(0, zeros, 32), 0x8a9136aau); /* RFC 3720, B.4 */
    cr_expect_eq(pw_crc32c(pw_crc32c(0, digits, 4), digits + 4, 5), 0xe3069283u);
}

Test(bits, numbers_of_all_lengths_come_back)
{
    uint8_t bytes[4096];
    uint64_t values[200];
    struct pw_usual usual = {0}, again = {0};
    struct pw_bits out = {.out = bytes};
    for (uint32_t i = 0; i < 200; i++) {
        values[i] = i < 130 ? (UINT64_C(1) << i / 2 % 65 % 64) - i % 2 : UINT64_MAX - i;
        pw_bits_put_number(&out, &usual, values[i]);
    }
    size_t used = (size_t)(out.out - bytes) + (out.filled > 0);
    struct pw_bits in = {.in = bytes, .in_bytes = used};
    for (uint32_t i = 0; i < 200; i++) {
        uint64_t value;
        cr_assert_eq(pw_bits_get_number(&in, &again, &value), PW_ESCAPE_NONE);
        cr_assert_eq(value, values[i], "number %u", i);
    }
    cr_expect_not(in.bad);
    cr_expect_eq((in.pos + 7) / 8, used);
}

Test(bits, usual_numbers_take_little_more_than_their_length)
{
    uint8_t bytes[4096];
    struct pw_usual usual = {0};
    struct pw_bits out = {.out = bytes};
    for (uint32_t i = 0; i < 1000; i++) {
        pw_bits_put_number(&out, &usual, 1000 + i % 7);
    }
    cr_expect_lt(out.out - bytes, 1000 * 13 / 8); /* 10 bits each */
}

/* ---- round trips ---- */

static void capture_round_trip(const char *const *names, double most_per_message)
{
    struct capture capture = {.synchronized = true};
    struct blocks blocks = {0};
    if (!shared_data()) {
        cr_skip_test("no shared data here");
    }
    for (; *names; names++) {
        cr_assert(capture_add(&capture, *names), "%s", *names);
    }
    encode(&blocks, capture.events, capture.cnt, BLOCK_BYTES);
    expect_same(&blocks, capture.events, capture.cnt);
    double per_message = (double)blocks.total_bytes / (double)capture.line_cnt;
    fprintf(stderr, "%u messages, %zu events: %.2f bytes a message, %.2f an event\n", capture.line_cnt,
            capture.cnt, per_message, (double)blocks.total_bytes / (double)capture.cnt);
    cr_expect_lt(per_message, most_per_message);
    blocks_free(&blocks);
    capture_free(&capture);
}

Test(codec, spot_capture_comes_back_and_is_small)
{
    capture_round_trip((const char *const[]){"captures/binance/spot_btcusdt_20240808.gz",
                                             "captures/binance/spot_btcusdt_20240809.gz", NULL},
                       16);
}

Test(codec, futures_capture_comes_back_and_is_small)
{
    capture_round_trip((const char *const[]){"captures/binance/usdm_btcusdt_20240808.gz", NULL}, 24);
}

Test(codec, coin_futures_capture_comes_back_and_is_small)
{
    capture_round_trip((const char *const[]){"captures/binance/cm_btcusd_perp_20240808.gz", NULL}, 24);
}

Test(codec, arbitrary_bytes_come_back)
{
    uint64_t seed = seed_from_clock();
    struct pw_random random = pw_random_seeded(&seed);
    struct pw_event *events = calloc(20000, sizeof *events);
    for (size_t i = 0; i < 20000; i++) {
        events[i] = random_event(&random);
    }
    expect_round_trip(events, 20000, BLOCK_BYTES);
    expect_round_trip(events, 2000, PW_BLOCK_BYTES_MIN);
    free(events);
}

Test(codec, half_valid_events_come_back)
{
    uint64_t seed = seed_from_clock();
    struct pw_random random = pw_random_seeded(&seed);
    struct pw_event *events = calloc(50000, sizeof *events);
    for (size_t i = 0; i < 50000; i++) {
        events[i] = likely_event(&random, (uint32_t)i);
    }
    expect_round_trip(events, 50000, BLOCK_BYTES);
    expect_round_trip(events, 5000, PW_BLOCK_BYTES_MIN);
    free(events);
}

Test(codec, words_at_their_bounds_come_back)
{
    static const uint64_t bounds[] = {0, 1, UINT64_MAX, INT64_MAX, UINT64_C(1) << 63, UINT32_MAX, PW_E8};
    struct pw_event events[KINDS * 7 * 7];
    size_t n = 0;
    for (unsigned kind = 0; kind < KINDS; kind++) {
        for (size_t a = 0; a < 7; a++) {
            for (size_t b = 0; b < 7; b++) {
                struct pw_event *event = &events[n];
                *event = (struct pw_event){
                    .seq = (uint32_t)n, .kind = (uint8_t)kind, .recv_ns = (int64_t)bounds[b]};
                event->venue_ns = (int64_t)bounds[a];
                for (size_t i = 0; i < 5; i++) {
                    event->body.words[i] = bounds[(a + i * b) % 7];
                }
                n++;
            }
        }
    }
    expect_round_trip(events, n, BLOCK_BYTES);
}

Test(codec, one_odd_price_does_not_make_the_others_dear)
{
    struct pw_event events[4000];
    struct blocks even = {0}, odd = {0};
    for (uint32_t i = 0; i < 4000; i++) {
        events[i] =
            (struct pw_event){.seq = i, .kind = PW_EVENT_TRADE, .recv_ns = i, .venue_ns = INT64_C(1000000)};
        events[i].body.trade = (struct pw_trade){.price_e8 = INT64_C(6183763000000) + i % 7 * 1000000,
                                                 .qty_e8 = i % 50 * 1000 + 1000,
                                                 .trade_id = i,
                                                 .trade_ns = INT64_C(1000000)};
    }
    encode(&even, events, 4000, BLOCK_BYTES);
    events[10].body.trade.price_e8++;
    encode(&odd, events, 4000, BLOCK_BYTES);
    cr_expect_lt(odd.total_bytes, even.total_bytes + 64);
    expect_same(&odd, events, 4000);
    blocks_free(&even);
    blocks_free(&odd);
}

/* One order's events as execution puts them, behind the quote that caused it. Returns how many. */
static size_t order_events(struct pw_event out[16], struct pw_random *random, uint32_t i, uint32_t *seq)
{
    int64_t recv_ns =
        INT64_C(1723161253937085768) + i * INT64_C(3000000) + (int64_t)(pw_random_next(random) % 3000000);
    int64_t bid_e8 = INT64_C(6183763000000) + (int64_t)(pw_random_next(random) % 400) * 1000000;
    int64_t qty_e8 = (int64_t)(pw_random_next(random) % 900 + 1) * 100000;
    uint64_t id = (UINT64_C(1723161253) << 24) + i + 1, cash_lo = UINT64_C(9900000000000000000);
    uint32_t at_ns = 90000 + (uint32_t)(pw_random_next(random) % 20000), step_ns[8];
    size_t n = 0;
    out[n++] = (struct pw_event){.kind = PW_EVENT_QUOTE,
                                 .seq = i,
                                 .body.quote = {bid_e8, qty_e8, bid_e8 + 1000000, 2 * qty_e8, 400 + i * 7u}};
    out[n] = (struct pw_event){.kind = PW_EVENT_INTENT, .seq = i};
    out[n++].body.intent = (struct pw_intent){
        .price_e8 = bid_e8, .qty_e8 = qty_e8, .market_seq = i, .type = PW_LIMIT, .tif = PW_IOC};
    out[n++] = (struct pw_event){.kind = PW_EVENT_RISK_MARKET,
                                 .body.risk_market = {bid_e8, bid_e8 + 1000000, i % 9 * 100000, 0, 0}};
    out[n++] = (struct pw_event){.kind = PW_EVENT_RISK_CASH,
                                 .body.risk_cash = {{cash_lo - i * (uint64_t)bid_e8 * 1000, 0},
                                                    {0, 0},
                                                    UINT64_C(10000000000) - i % 5 * 999999}};
    out[n++] = (struct pw_event){
        .kind = PW_EVENT_RISK_LIMITS,
        .body.risk_limits = {100000000000,
                             100000000,
                             {0, 0},
                             10,
                             100000u << PW_RISK_FEE_SHIFT | PW_RISK_BIT_FEED_UP | PW_RISK_BIT_ROOM}};
    for (int state = 0; state < 3; state++) {
        out[n] = (struct pw_event){.kind = PW_EVENT_ORDER};
        out[n++].body.order = (struct pw_order){.price_e8 = bid_e8,
                                                .leaves_qty_e8 = state < 2 ? qty_e8 : 0,
                                                .client_order_id = id,
                                                .market_seq = i,
                                                .state = (uint8_t)(PW_ORDER_IN_FLIGHT + state + state / 2),
                                                .type = PW_LIMIT,
                                                .tif = PW_IOC};
        if (state == 0) {
            for (int k = 0; k < 8; k++) {
                step_ns[k] = at_ns += 60 + (uint32_t)(pw_random_next(random) % 60);
            }
            out[n] = (struct pw_event){.kind = PW_EVENT_STAMPS};
            out[n++].body.stamps =
                (struct pw_stamps){id,         3000 + i % 700, step_ns[0], step_ns[1], step_ns[2],
                                   step_ns[3], step_ns[4],     step_ns[5], step_ns[6]};
        }
    }
    out[n] = (struct pw_event){.kind = PW_EVENT_FILL};
    out[n++].body.fill = (struct pw_fill){bid_e8, qty_e8, id, (uint64_t)(bid_e8 / 1000 * qty_e8), 0};
    out[n++] = (struct pw_event){.kind = PW_EVENT_FILL_INFO,
                                 .body.fill_info = {900000 + i, "BNB", (uint64_t)qty_e8 * 77, 0}};
    for (size_t k = 0; k < n; k++) {
        bool of_execution = out[k].kind >= PW_EVENT_ORDER;
        out[k].recv_ns = recv_ns;
        out[k].seq = of_execution ? (*seq)++ : i;
    }
    return n;
}

/* What an order adds to the journal, from the intent to the fill. */
Test(codec, an_orders_events_are_small)
{
    uint64_t seed = 11;
    struct pw_random random = pw_random_seeded(&seed);
    static struct pw_event events[2000 * 12], quotes[2000];
    struct blocks with = {0}, without = {0};
    uint32_t seq = 0;
    size_t n = 0;
    for (uint32_t i = 0; i < 2000; i++) {
        size_t cnt = order_events(events + n, &random, i, &seq);
        quotes[i] = events[n];
        n += cnt;
    }
    encode(&with, events, n, BLOCK_BYTES);
    encode(&without, quotes, 2000, BLOCK_BYTES);
    expect_same(&with, events, n);
    size_t bytes = (with.total_bytes - without.total_bytes) / 2000;
    fprintf(stderr, "%zu bytes an order of %zu events\n", bytes, n / 2000 - 1);
    cr_expect_lt(bytes, 128);
    blocks_free(&with);
    blocks_free(&without);
}

/* ---- depth updates ---- */

Test(codec, depth_updates_of_all_small_sizes_come_back)
{
    struct pw_event events[1024];
    size_t n = 0;
    for (uint32_t bids = 0; bids < 6; bids++) {
        for (uint32_t asks = 0; asks < 6; asks++) {
            n += depth_update(events + n, (uint32_t)n, bids, asks);
        }
    }
    expect_round_trip(events, n, BLOCK_BYTES);
}

Test(codec, snapshot_larger_than_a_block_goes_on_in_the_next)
{
    static struct pw_event events[6000];
    size_t n = depth_update(events, 0, 5000, 5000);
    struct blocks blocks = {0};
    encode(&blocks, events, n, PW_BLOCK_BYTES_MIN);
    expect_same(&blocks, events, n);
    cr_assert_gt(blocks.cnt, 3);
    struct pw_block_header header;
    memcpy(&header, blocks.bytes[1], sizeof header);
    cr_expect(header.flags & PW_BLOCK_OPEN_GROUP);
    cr_expect_lt(blocks.total_bytes, n * 6);
    blocks_free(&blocks);
}

Test(codec, an_orders_event_may_stand_between_levels)
{
    struct pw_event events[64];
    struct blocks plain = {0}, mixed = {0};
    size_t n = depth_update(events, 0, 10, 10);
    encode(&plain, events, n, BLOCK_BYTES);
    memmove(events + 5, events + 3, (n - 3) * sizeof *events);
    events[3] = (struct pw_event){
        .kind = PW_EVENT_INTENT, .recv_ns = 5, .body.intent = {.qty_e8 = 7, .market_seq = 2}};
    events[4] = (struct pw_event){.kind = PW_EVENT_ORDER, .recv_ns = 5, .body.order = {.market_seq = 2}};
    encode(&mixed, events, n + 2, BLOCK_BYTES);
    expect_same(&mixed, events, n + 2);
    cr_expect_lt(mixed.total_bytes, plain.total_bytes + 100);
    blocks_free(&plain);
    blocks_free(&mixed);
}

Test(codec, levels_without_their_update_or_out_of_order_come_back)
{
    struct pw_event events[64];
    size_t n = depth_update(events, 0, 9, 9);
    expect_round_trip(events + 3, n - 3, BLOCK_BYTES); /* the beginning was dropped */
    struct pw_level swap = events[2].body.levels.level[0];
    events[2].body.levels.level[0] = events[2].body.levels.level[1];
    events[2].body.levels.level[1] = swap;
    expect_round_trip(events, n, BLOCK_BYTES);
    events[4].flags = 0;
    events[6].body.levels.update_id = 1;
    expect_round_trip(events, n, BLOCK_BYTES);
    n += depth_update(events + 5, 5, 3, 3); /* the end was dropped: another update begins */
    expect_round_trip(events, n, BLOCK_BYTES);
}

Test(codec, worst_level_first_is_as_small_as_best_first)
{
    struct pw_event events[4096];
    struct blocks best = {0}, worst = {0};
    size_t n = 0;
    for (int i = 0; i < 30; i++) {
        n += depth_update(events + n, (uint32_t)n, 40, 40);
    }
    encode(&best, events, n, BLOCK_BYTES);
    for (size_t i = 0; i < n; i++) {
        struct pw_level *level = events[i].body.levels.level;
        for (int k = 0; events[i].kind == PW_EVENT_LEVELS && k < 2; k++) {
            level[k].price_e8 = 2 * INT64_C(6183763000000) - level[k].price_e8;
        }
    }
    encode(&worst, events, n, BLOCK_BYTES);
    expect_same(&worst, events, n);
    cr_expect_lt(worst.total_bytes, best.total_bytes * 11 / 10);
    blocks_free(&best);
    blocks_free(&worst);
}

/* ---- numbers of the market's events ---- */

Test(codec, full_numbers_go_on_over_32_bits_and_gaps)
{
    struct pw_encoder *encoder = pw_encoder_new(PW_BLOCK_EVENTS, 1);
    struct pw_decoder *decoder = pw_decoder_new();
    uint8_t block[BLOCK_BYTES];
    const uint64_t far = (UINT64_C(1) << 32) - 2;
    const struct pw_event events[] = {
        {.kind = PW_EVENT_GAP, .body.gap = {.first = 0, .last = far - 1, .reason = PW_REASON_JOURNAL_FULL}},
        {.kind = PW_EVENT_QUOTE, .seq = (uint32_t)far},
        {.kind = PW_EVENT_SIGNAL, .seq = 9, .body.signal.market_seq = far},
        {.kind = PW_EVENT_QUOTE, .seq = (uint32_t)(far + 1)},
        {.kind = PW_EVENT_QUOTE, .seq = (uint32_t)(far + 2)},
        {.kind = PW_EVENT_GAP, .seq = (uint32_t)(far + 3), .body.gap = {.reason = PW_REASON_DISCONNECT}},
        {.kind = PW_EVENT_QUOTE, .seq = (uint32_t)(far + 4)},
    };
    const uint64_t want[] = {0, far, far + 1, far + 1, far + 2, far + 3, far + 4};
    pw_encoder_begin(encoder, block, sizeof block);
    for (size_t i = 0; i < 7; i++) {
        cr_assert(pw_encoder_put(encoder, &events[i]));
    }
    cr_expect_eq(pw_encoder_market_seq(encoder), far + 5);
    size_t bytes = pw_encoder_seal(encoder);
    struct pw_block_header header;
    memcpy(&header, block, sizeof header);
    cr_expect_eq(header.first_market_seq, 0);
    cr_expect_eq(header.end_market_seq, far + 5);
    cr_assert_eq(pw_decoder_begin(decoder, block, bytes, false), 0);
    struct pw_event event;
    for (size_t i = 0; i < 7; i++) {
        cr_assert_eq(pw_decoder_next(decoder, &event), 1);
        cr_expect_eq(pw_decoder_market_seq(decoder), want[i], "event %zu has number %llu", i,
                     (unsigned long long)pw_decoder_market_seq(decoder));
    }
    pw_decoder_free(decoder);
    pw_encoder_free(encoder);
}

/* ---- blocks ---- */

Test(block, sealed_block_grows_and_is_sealed_again)
{
    struct pw_encoder *encoder = pw_encoder_new(PW_BLOCK_EVENTS, 1);
    uint8_t block[BLOCK_BYTES];
    struct pw_event events[200];
    size_t n = 0;
    while (n < 100) {
        n += depth_update(events + n, (uint32_t)n, 3, 2);
    }
    pw_encoder_begin(encoder, block, sizeof block);
    for (size_t i = 0; i < n; i++) {
        struct blocks blocks = {0};
        cr_assert(pw_encoder_put(encoder, &events[i]));
        keep(&blocks, block, pw_encoder_seal(encoder));
        expect_same(&blocks, events, i + 1);
        blocks_free(&blocks);
    }
    pw_encoder_free(encoder);
}

Test(block, header_tells_what_is_in_it)
{
    struct pw_event events[3] = {
        {.kind = PW_EVENT_QUOTE, .recv_ns = 50},
        {.kind = PW_EVENT_FILL, .recv_ns = 40},
        {.kind = PW_EVENT_QUOTE, .seq = 1, .recv_ns = 60},
    };
    struct blocks blocks = {0};
    encode(&blocks, events, 3, BLOCK_BYTES);
    struct pw_block_header header;
    struct pw_block_count counts[2];
    memcpy(&header, blocks.bytes[0], sizeof header);
    cr_expect_eq(header.run_id, 7);
    cr_expect_eq(header.block_no, 0);
    cr_expect_eq(header.event_cnt, 3);
    cr_expect_eq(header.plain_bytes, 192);
    cr_expect_eq(header.first_recv_ns, 50);
    cr_expect_eq(header.last_recv_ns, 60);
    cr_expect_eq(header.least_recv_ns, 40);
    cr_expect_eq(header.most_recv_ns, 60);
    cr_expect_eq(header.end_market_seq, 2);
    cr_assert_eq(header.count_cnt, 2);
    memcpy(counts, blocks.bytes[0] + sizeof header + header.record_bytes, sizeof counts);
    cr_expect(counts[0].kind == PW_EVENT_QUOTE && counts[0].event_cnt == 2);
    cr_expect(counts[1].kind == PW_EVENT_FILL && counts[1].event_cnt == 1);
    blocks_free(&blocks);
}

Test(block, more_channels_than_one_holds_begin_the_next)
{
    struct pw_event *events = calloc(5000, sizeof *events);
    for (uint32_t i = 0; i < 5000; i++) {
        events[i] = (struct pw_event){.kind = PW_EVENT_FEED_STATE, .seq = i, .instrument_idx = (uint16_t)i};
    }
    struct blocks blocks = {0};
    encode(&blocks, events, 5000, 1 << 20);
    expect_same(&blocks, events, 5000);
    cr_expect_eq(blocks.cnt, (5000 + PW_CHANNELS_MAX - 1) / PW_CHANNELS_MAX);
    blocks_free(&blocks);
    free(events);
}

Test(block, frames_come_back_with_their_bytes)
{
    struct pw_encoder *encoder = pw_encoder_new(PW_BLOCK_FRAMES, 1);
    struct pw_decoder *decoder = pw_decoder_new();
    uint8_t block[BLOCK_BYTES];
    static const char *const texts[] = {"{\"stream\":\"x\"}", "", "\xff\x00?", "last"};
    static const uint32_t sizes[] = {14, 0, 3, 4};
    pw_encoder_begin(encoder, block, sizeof block);
    for (uint32_t i = 0; i < 4; i++) {
        struct pw_event event = {.kind = PW_EVENT_FRAME, .seq = i, .recv_ns = i};
        event.body.frame =
            (struct pw_frame){.payload_pos = i * 64, .payload_bytes = sizes[i], .feed_idx = i % 2};
        cr_assert(pw_encoder_put_frame(encoder, &event, (const uint8_t *)texts[i]));
    }
    struct pw_event large = {.kind = PW_EVENT_FRAME, .body.frame.payload_bytes = BLOCK_BYTES};
    cr_expect_not(pw_encoder_put_frame(encoder, &large, block));
    size_t bytes = pw_encoder_seal(encoder);
    cr_assert_eq(pw_decoder_begin(decoder, block, bytes, false), 0);
    struct pw_event event;
    for (uint32_t i = 0; i < 4; i++) {
        cr_assert_eq(pw_decoder_next(decoder, &event), 1);
        cr_expect_eq(event.body.frame.payload_bytes, sizes[i]);
        cr_assert_not_null(pw_decoder_frame(decoder));
        cr_expect_eq(memcmp(pw_decoder_frame(decoder), texts[i], sizes[i]), 0);
    }
    cr_expect_eq(pw_decoder_next(decoder, &event), 0);
    pw_decoder_free(decoder);
    pw_encoder_free(encoder);
}

/* ---- damage ---- */

/* A small block with something of everything. */
static size_t sample_block(uint8_t *block, size_t block_bytes)
{
    struct pw_encoder *encoder = pw_encoder_new(PW_BLOCK_EVENTS, 3);
    uint64_t seed = 5;
    struct pw_random random = pw_random_seeded(&seed);
    struct pw_event events[64];
    size_t n = depth_update(events, 0, 5, 4);
    for (uint32_t i = 0; i < 20; i++, n++) {
        events[n] = likely_event(&random, (uint32_t)n);
    }
    pw_encoder_begin(encoder, block, block_bytes);
    for (size_t i = 0; i < n; i++) {
        cr_assert(pw_encoder_put(encoder, &events[i]));
    }
    size_t bytes = pw_encoder_seal(encoder);
    pw_encoder_free(encoder);
    return bytes;
}

/* Decodes what may be anything, put against a page that must not be touched. */
struct guarded {
    uint8_t *map, *end;
    size_t map_bytes;
};

static struct guarded guarded_new(size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), room = (bytes + page - 1) / page * page;
    struct guarded guarded = {.map_bytes = room + page};
    guarded.map = mmap(NULL, guarded.map_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(guarded.map, MAP_FAILED);
    cr_assert_eq(mprotect(guarded.map + room, page, PROT_NONE), 0);
    guarded.end = guarded.map + room;
    return guarded;
}

static void read_through(struct pw_decoder *decoder, struct guarded *guarded, const uint8_t *block,
                         size_t bytes)
{
    struct pw_event event;
    uint8_t *at = guarded->end - bytes;
    memcpy(at, block, bytes);
    if (pw_decoder_begin(decoder, at, bytes, true) == 0) {
        while (pw_decoder_next(decoder, &event) == 1) {
        }
    }
}

Test(damage, every_prefix_is_refused)
{
    uint8_t block[8192];
    const char *why;
    size_t bytes = sample_block(block, sizeof block);
    for (size_t i = 0; i < bytes; i++) {
        cr_assert_eq(pw_block_check(block, i, &why), -EBADMSG, "prefix of %zu bytes", i);
        cr_assert_gt(strlen(why), 0);
    }
    cr_expect_eq(pw_block_check(block, bytes, &why), 0);
}

Test(damage, every_flipped_bit_is_refused)
{
    uint8_t block[8192];
    const char *why;
    size_t bytes = sample_block(block, sizeof block);
    for (size_t i = 0; i < bytes * 8; i++) {
        block[i / 8] ^= (uint8_t)(1 << i % 8);
        cr_assert_eq(pw_block_check(block, bytes, &why), -EBADMSG, "bit %zu", i);
        block[i / 8] ^= (uint8_t)(1 << i % 8);
    }
}

Test(damage, decoder_survives_flipped_bits_and_cut_blocks_whose_sum_is_trusted)
{
    uint8_t block[8192];
    size_t bytes = sample_block(block, sizeof block);
    struct guarded guarded = guarded_new(sizeof block);
    struct pw_decoder *decoder = pw_decoder_new();
    for (size_t i = 0; i < bytes * 8; i++) {
        block[i / 8] ^= (uint8_t)(1 << i % 8);
        read_through(decoder, &guarded, block, bytes);
        block[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    for (size_t i = sizeof(struct pw_block_header); i <= bytes; i++) {
        struct pw_block_header header;
        memcpy(&header, block, sizeof header);
        header.bytes = (uint32_t)i;
        header.count_cnt = 0;
        header.record_bytes = (uint32_t)(i - sizeof header);
        uint8_t cut[8192];
        memcpy(cut, block, i);
        memcpy(cut, &header, sizeof header);
        read_through(decoder, &guarded, cut, i);
    }
    pw_decoder_free(decoder);
    munmap(guarded.map, guarded.map_bytes);
}

Test(damage, decoder_survives_random_records)
{
    uint64_t seed = seed_from_clock();
    struct pw_random random = pw_random_seeded(&seed);
    struct guarded guarded = guarded_new(4096);
    struct pw_decoder *decoder = pw_decoder_new();
    uint8_t block[2048];
    for (int round = 0; round < 20000; round++) {
        size_t bytes = sizeof(struct pw_block_header) + pw_random_next(&random) % 512;
        /* Runs of zeros and ones too: escapes and long prefixes. */
        uint64_t mask =
            pw_random_next(&random) % 3 ? UINT64_MAX : pw_random_next(&random) & pw_random_next(&random);
        for (size_t i = 0; i < bytes; i++) {
            block[i] = (uint8_t)(pw_random_next(&random) & mask >> i % 57);
        }
        struct pw_block_header header = {.magic = PW_BLOCK_MAGIC,
                                         .bytes = (uint32_t)bytes,
                                         .version = PW_BLOCK_VERSION,
                                         .type = 1 + round % 2,
                                         .flags = round / 2 % 2,
                                         .event_cnt = UINT32_MAX,
                                         .record_bytes = (uint32_t)(bytes - sizeof header),
                                         .time_exponent = round % 16,
                                         .offset_exponent = round % 7};
        memcpy(block, &header, sizeof header);
        read_through(decoder, &guarded, block, bytes);
    }
    pw_decoder_free(decoder);
    munmap(guarded.map, guarded.map_bytes);
}
