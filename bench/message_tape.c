/* SPDX-License-Identifier: MIT
 *
 * A busy spot market's messages, as text, from a fixed seed.
 */
#include "host.h"
#include "pipeline_stages.h"
#include <stdio.h>
#include <stdlib.h>

#define MESSAGE_BYTES_MAX 1536u
#define LEVELS            5 /* a side of a depth update */

struct market {
    uint64_t seed;
    struct pw_random random;
    uint64_t update_id, trade_id;
    int64_t bid_cents;
};

static uint64_t below(struct market *m, uint64_t limit)
{
    return pw_random_next(&m->random) % limit;
}

/* "1.23456000" of a quantity that is never zero. */
static int print_qty(struct market *m, char *text)
{
    return sprintf(text, "%d.%05d000", (int)below(m, 3), 1 + (int)below(m, 99999));
}

static int print_quote(struct market *m, char *text)
{
    char bid_qty[24], ask_qty[24];
    m->bid_cents += (int64_t)below(m, 21) - 10;
    print_qty(m, bid_qty);
    print_qty(m, ask_qty);
    return sprintf(text,
                   "{\"stream\":\"btcusdt@bookTicker\",\"data\":{\"u\":%llu,\"s\":\"BTCUSDT\",\"b\":\"%lld.%"
                   "02lld000000\","
                   "\"B\":\"%s\",\"a\":\"%lld.%02lld000000\",\"A\":\"%s\"}}",
                   (unsigned long long)++m->update_id, (long long)(m->bid_cents / 100),
                   (long long)(m->bid_cents % 100), bid_qty, (long long)((m->bid_cents + 1) / 100),
                   (long long)((m->bid_cents + 1) % 100), ask_qty);
}

static int print_trade(struct market *m, char *text, int64_t time_ms)
{
    char qty[24];
    bool sell = below(m, 2) == 0;
    int64_t cents = m->bid_cents + !sell;
    print_qty(m, qty);
    return sprintf(text,
                   "{\"stream\":\"btcusdt@trade\",\"data\":{\"e\":\"trade\",\"E\":%lld,\"s\":\"BTCUSDT\","
                   "\"t\":%llu,\"p\":\""
                   "%lld.%02lld000000\",\"q\":\"%s\",\"T\":%lld,\"m\":%s,\"M\":true}}",
                   (long long)time_ms, (unsigned long long)++m->trade_id, (long long)(cents / 100),
                   (long long)(cents % 100), qty, (long long)time_ms - 1, sell ? "true" : "false");
}

static int print_side(struct market *m, char *text, int sign)
{
    int size = 0;
    for (int i = 0; i < LEVELS; i++) {
        char qty[24];
        int64_t cents = m->bid_cents + (sign > 0) + sign * (int64_t)below(m, 500);
        print_qty(m, qty);
        size += sprintf(text + size, "%s[\"%lld.%02lld000000\",\"%s\"]", i > 0 ? "," : "",
                        (long long)(cents / 100), (long long)(cents % 100),
                        below(m, 2) == 0 ? "0.00000000" : qty);
    }
    return size;
}

static int print_depth(struct market *m, char *text, int64_t time_ms)
{
    uint64_t first = m->update_id + 1;
    m->update_id += 2 * LEVELS;
    int size = sprintf(
        text,
        "{\"stream\":\"btcusdt@depth@100ms\",\"data\":{\"e\":\"depthUpdate\",\"E\":%lld,\"s\":\"BTCUSDT\","
        "\"U\":%llu,\"u\":%llu,\"b\":[",
        (long long)time_ms, (unsigned long long)first, (unsigned long long)m->update_id);
    size += print_side(m, text + size, -1);
    size += sprintf(text + size, "],\"a\":[");
    size += print_side(m, text + size, 1);
    return size + sprintf(text + size, "]}}");
}

bool message_tape_make(struct message_tape *tape, uint64_t cnt, bool without_depth)
{
    struct market m = {.seed = 1, .update_id = 1000000, .trade_id = 5000000, .bid_cents = 6000000};
    m.random = pw_random_seeded(&m.seed);
    *tape = (struct message_tape){.text = malloc(cnt * MESSAGE_BYTES_MAX),
                                  .offsets = malloc((cnt + 1) * sizeof *tape->offsets)};
    if (tape->text == NULL || tape->offsets == NULL) {
        message_tape_free(tape);
        return false;
    }
    uint64_t at = 0;
    for (uint64_t i = 0; i < cnt; i++) {
        uint64_t kind = below(&m, without_depth ? 90 : 100);
        int64_t time_ms = INT64_C(1700000000000) + (int64_t)i / 10;
        tape->offsets[i] = at;
        at += (uint64_t)(kind < 70   ? print_quote(&m, tape->text + at)
                         : kind < 90 ? print_trade(&m, tape->text + at, time_ms)
                                     : print_depth(&m, tape->text + at, time_ms));
    }
    tape->offsets[cnt] = at;
    tape->cnt = cnt;
    return true;
}

void message_tape_free(struct message_tape *tape)
{
    free(tape->text);
    free(tape->offsets);
    *tape = (struct message_tape){0};
}
