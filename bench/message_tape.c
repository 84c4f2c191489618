/* SPDX-License-Identifier: MIT
 *
 * A busy spot market's messages, as text, from a fixed seed; and recorded ones.
 */
#include "message_tape.h"
#include "host.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define LEVELS_MAX        538u /* a side of a depth update */
#define LEVEL_BYTES_MAX   40u
#define MESSAGE_BYTES_MAX (256u + 2 * LEVELS_MAX * LEVEL_BYTES_MAX)
#define FIRST_UPDATE_ID   1000000u
#define FIRST_NS          INT64_C(1700000000000000000)
#define LINE_BYTES_MAX    (1 << 20)

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

static void market_begin(struct market *m)
{
    *m = (struct market){.seed = 1, .update_id = FIRST_UPDATE_ID, .trade_id = 5000000, .bid_cents = 6000000};
    m->random = pw_random_seeded(&m->seed);
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

/* Best first, as venues list them, at prices that come again: orders gather at some, and a book does not grow
 * for ever. gone: how many of a hundred levels are removed. */
static int print_side(struct market *m, char *text, int sign, uint32_t level_cnt, uint32_t gone)
{
    int size = 0;
    int64_t place = 0;
    for (uint32_t i = 0; i < level_cnt; i++) {
        char qty[24];
        int64_t cents = m->bid_cents + (sign > 0) + sign * (50 * place + place * 31 % 50);
        print_qty(m, qty);
        size += sprintf(text + size, "%s[\"%lld.%02lld000000\",\"%s\"]", i > 0 ? "," : "",
                        (long long)(cents / 100), (long long)(cents % 100),
                        below(m, 100) < gone ? "0.00000000" : qty);
        place += 1 + (int64_t)below(m, 4);
    }
    return size;
}

static int print_depth(struct market *m, char *text, int64_t time_ms, uint32_t level_cnt)
{
    uint64_t first = m->update_id + 1;
    m->update_id += 2 * (uint64_t)level_cnt;
    int size = sprintf(
        text,
        "{\"stream\":\"btcusdt@depth@100ms\",\"data\":{\"e\":\"depthUpdate\",\"E\":%lld,\"s\":\"BTCUSDT\","
        "\"U\":%llu,\"u\":%llu,\"b\":[",
        (long long)time_ms, (unsigned long long)first, (unsigned long long)m->update_id);
    size += print_side(m, text + size, -1, level_cnt, 50);
    size += sprintf(text + size, "],\"a\":[");
    size += print_side(m, text + size, 1, level_cnt, 50);
    return size + sprintf(text + size, "]}}");
}

/* Levels a side of a spot market's update: quantiles of a recording of BTCUSDT, linear between them. */
static uint32_t draw_level_cnt(struct market *m)
{
    static const struct {
        uint32_t permille, level_cnt;
    } quantiles[] = {{0, 1}, {100, 3}, {500, 8}, {900, 35}, {990, 195}, {1000, LEVELS_MAX}};
    uint32_t at = (uint32_t)below(m, 1000), i = 1;
    while (at >= quantiles[i].permille) {
        i++;
    }
    uint32_t low = quantiles[i - 1].permille, less = quantiles[i - 1].level_cnt;
    return less + (at - low) * (quantiles[i].level_cnt - less) / (quantiles[i].permille - low);
}

/* ---- the tape ---- */

/* Room for one more message of so many bytes. */
static bool tape_reserve(struct message_tape *tape, uint64_t bytes)
{
    uint64_t used = tape->cnt > 0 ? tape->offsets[tape->cnt] : 0;
    if (used + bytes + MESSAGE_TAPE_SLACK_BYTES > tape->text_room) {
        uint64_t room = 2 * (used + bytes) + MESSAGE_TAPE_SLACK_BYTES;
        char *text = realloc(tape->text, room);
        if (text == NULL) {
            return false;
        }
        tape->text = text;
        tape->text_room = room;
    }
    if (tape->cnt + 2 > tape->cnt_room) {
        uint64_t room = 2 * (tape->cnt + 2);
        uint64_t *offsets = realloc(tape->offsets, room * sizeof *offsets);
        tape->offsets = offsets != NULL ? offsets : tape->offsets;
        int64_t *recv_ns = realloc(tape->recv_ns, room * sizeof *recv_ns);
        tape->recv_ns = recv_ns != NULL ? recv_ns : tape->recv_ns;
        if (offsets == NULL || recv_ns == NULL) {
            return false;
        }
        tape->cnt_room = room;
        tape->offsets[0] = 0;
    }
    return true;
}

/* The message that was written at the end is one more; what lies behind it is rubbish, but there. */
static void tape_extend(struct message_tape *tape, uint64_t bytes, int64_t recv_ns)
{
    uint64_t end = tape->offsets[tape->cnt] + bytes;
    memset(tape->text + end, 0, MESSAGE_TAPE_SLACK_BYTES);
    tape->recv_ns[tape->cnt++] = recv_ns;
    tape->offsets[tape->cnt] = end;
}

/* shares: of each kind, against their sum. levels: a side of each depth update; 0: drawn. */
static bool tape_make(struct message_tape *tape, uint64_t cnt, const uint32_t shares[MESSAGE_KINDS],
                      uint32_t levels)
{
    struct market m;
    market_begin(&m);
    *tape = (struct message_tape){0};
    uint64_t share_sum = shares[MESSAGE_QUOTE] + shares[MESSAGE_TRADE] + shares[MESSAGE_DEPTH];
    for (uint64_t i = 0; i < cnt; i++) {
        uint64_t kind = below(&m, share_sum);
        int64_t time_ms = FIRST_NS / 1000000 + (int64_t)i / 10;
        if (!tape_reserve(tape, MESSAGE_BYTES_MAX)) {
            message_tape_free(tape);
            return false;
        }
        char *text = tape->text + tape->offsets[i];
        int bytes = 0;
        if (kind < shares[MESSAGE_QUOTE]) {
            bytes = print_quote(&m, text);
        } else if (kind < shares[MESSAGE_QUOTE] + shares[MESSAGE_TRADE]) {
            bytes = print_trade(&m, text, time_ms);
        } else {
            bytes = print_depth(&m, text, time_ms, levels > 0 ? levels : draw_level_cnt(&m));
        }
        tape_extend(tape, (uint64_t)bytes, time_ms * 1000000 + (int64_t)(i % 10) * 100000);
    }
    return true;
}

bool message_tape_make(struct message_tape *tape, uint64_t cnt, bool without_depth)
{
    const uint32_t shares[MESSAGE_KINDS] = {70, 20, without_depth ? 0 : 10};
    return tape_make(tape, cnt, shares, 5);
}

bool message_tape_make_kind(struct message_tape *tape, uint64_t cnt, enum message_kind kind)
{
    uint32_t shares[MESSAGE_KINDS] = {0};
    shares[kind] = 1;
    return tape_make(tape, cnt, shares, 0);
}

bool message_tape_make_snapshot(struct message_tape *tape, uint32_t level_cnt)
{
    struct market m;
    market_begin(&m);
    *tape = (struct message_tape){0};
    if (!tape_reserve(tape, 256 + 2 * (uint64_t)level_cnt * LEVEL_BYTES_MAX)) {
        message_tape_free(tape);
        return false;
    }
    int size = sprintf(tape->text, "{\"lastUpdateId\":%u,\"bids\":[", FIRST_UPDATE_ID);
    size += print_side(&m, tape->text + size, -1, level_cnt, 0);
    size += sprintf(tape->text + size, "],\"asks\":[");
    size += print_side(&m, tape->text + size, 1, level_cnt, 0);
    size += sprintf(tape->text + size, "]}");
    tape_extend(tape, (uint64_t)size, FIRST_NS);
    return true;
}

/* ---- recordings ---- */

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* -1: none of these. */
static int kind_of(const char *json)
{
    const char *data = strstr(json, "\"data\":{");
    data = data != NULL ? data + strlen("\"data\":{") : json + 1;
    if (begins(data, "\"u\":") || begins(data, "\"e\":\"bookTicker\"")) {
        return MESSAGE_QUOTE;
    }
    if (begins(data, "\"e\":\"trade\"")) {
        return MESSAGE_TRADE;
    }
    return begins(data, "\"e\":\"depthUpdate\"") ? MESSAGE_DEPTH : -1;
}

/* Nanoseconds of a time in ns (19 digits) or us (16) that stands before a JSON object; 0: it does not. */
static int64_t time_of(const char *line, const char **json)
{
    size_t digits = strspn(line, "0123456789");
    *json = line + digits + 1;
    if (!begins(line + digits, " {")) {
        return 0;
    }
    int64_t value = strtoll(line, NULL, 10);
    return digits == 19 ? value : digits == 16 ? value * 1000 : 0;
}

static bool line_take(struct message_tape *tape, const char *json, int64_t recv_ns)
{
    uint64_t bytes = strlen(json);
    if (!tape_reserve(tape, bytes)) {
        return false;
    }
    memcpy(tape->text + tape->offsets[tape->cnt], json, bytes);
    tape_extend(tape, bytes, recv_ns);
    return true;
}

static int lines_load(struct message_tape *tape, gzFile in, char *line, unsigned kinds, uint64_t cnt_max,
                      struct message_tape *snapshot)
{
    while (tape->cnt < cnt_max && gzgets(in, line, LINE_BYTES_MAX) != NULL) {
        const char *json;
        line[strcspn(line, "\r\n")] = '\0';
        int64_t recv_ns = time_of(line, &json);
        int kind = recv_ns == 0 ? -1 : kind_of(json);
        bool good = true;
        if (kind >= 0 && (kinds >> kind & 1) != 0) {
            good = line_take(tape, json, recv_ns);
        } else if (recv_ns != 0 && snapshot != NULL && snapshot->cnt == 0 &&
                   begins(json, "{\"lastUpdateId\":")) {
            good = line_take(snapshot, json, recv_ns);
        }
        if (!good) {
            return -ENOMEM;
        }
    }
    return tape->cnt > 0 ? 0 : -ENOENT;
}

int message_tape_load(struct message_tape *tape, const char *path, unsigned kinds, uint64_t cnt_max,
                      struct message_tape *snapshot)
{
    *tape = (struct message_tape){0};
    if (snapshot != NULL) {
        *snapshot = (struct message_tape){0};
    }
    errno = 0;
    gzFile in = gzopen(path, "rbe");
    int result = in == NULL ? (errno != 0 ? -errno : -ENOMEM) : -ENOMEM;
    char *line = malloc(LINE_BYTES_MAX);
    if (in != NULL && line != NULL) {
        result = lines_load(tape, in, line, kinds, cnt_max, snapshot);
    }
    free(line);
    if (in != NULL) {
        gzclose(in);
    }
    if (result != 0) {
        message_tape_free(tape);
        if (snapshot != NULL) {
            message_tape_free(snapshot);
        }
    }
    return result;
}

void message_tape_free(struct message_tape *tape)
{
    free(tape->text);
    free(tape->offsets);
    free(tape->recv_ns);
    *tape = (struct message_tape){0};
}
