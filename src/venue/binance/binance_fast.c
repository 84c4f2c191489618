/* SPDX-License-Identifier: MIT
 *
 * The fast reading: the messages that make up nearly all of the traffic, in the form in which the venue sends
 * them.
 *
 * Each message is matched against its template from left to right; the numbers in between are read eight
 * digits at a time. Whatever differs in any way, valid or not, is left to the general reading, so that this
 * file decides nothing but speed: it must only never take what the general reading would refuse, nor read it
 * otherwise.
 */
#include "binance_events.h"

#include "binance_decode.h"
#include "binance_levels.h"
#include "swar.h"
#include <string.h>

/* The template of a message is one straight run of code: that is what makes it fast. */
#define INLINE static inline __attribute__((always_inline))

struct scan {
    const char *at, *end; /* at least 8 bytes stand before end: see word_at */
    bool roomy;           /* known where it is set: end is too far away to be reached by what comes next */
};

/* Out of line, so that the usual case stays a branch that is predicted, not a choice between two loads. */
static __attribute__((noinline, cold)) uint64_t last_word_at(const char *end, const char *at)
{
    return at < end ? pw_swar_load(end - 8) >> (8 * (8 - (end - at))) : 0;
}

/* Eight bytes of the message; zeros, which match nothing that is looked for, stand for what is beyond its
 * end. */
INLINE uint64_t word_at(const struct scan *scan, const char *at)
{
    return scan->roomy || scan->end - at >= 8 ? pw_swar_load(at) : last_word_at(scan->end, at);
}

/* Passes a literal. Its size is a constant and the loops are unrolled: what is left is one comparison of
 * words for each 8 bytes. (A memcpy into the word would go through memory in pieces and wait for them.) */
INLINE bool pass(struct scan *scan, const char *literal, size_t size)
{
    uint64_t differs = 0;
    for (size_t done = 0; done < size; done += 8) {
        size_t bytes = size - done < 8 ? size - done : 8;
        uint64_t expected = 0;
        for (size_t i = 0; i < bytes; i++) {
            expected |= (uint64_t)(uint8_t)literal[done + i] << (8 * i);
        }
        differs |= (word_at(scan, scan->at + done) ^ expected) << (64 - 8 * bytes);
    }
    if (differs != 0) {
        return false;
    }
    scan->at += size;
    return true;
}
#define PASS(scan, literal) pass(scan, literal, sizeof literal - 1)

/* A JSON integer of at most 16 digits; that no digit follows it, the next literal says. */
INLINE bool take_u64(struct scan *scan, uint64_t *value)
{
    const char *at = scan->at;
    uint64_t first = word_at(scan, at) ^ PW_SWAR_ZEROS;
    uint64_t stops = pw_swar_nondigits(first);
    if (stops != 0) {
        unsigned cnt = pw_swar_first(stops);
        /* At the top of the word the digits are the last of eight, and zeros come in before them. The shift
         * is in two steps because there may be no digit. */
        *value = pw_swar_number(first << (8 * (7 - cnt)) << 8);
        scan->at = at + cnt;
        return cnt == 1 || (cnt > 1 && *at != '0');
    }
    uint64_t second = word_at(scan, at + 8) ^ PW_SWAR_ZEROS;
    stops = pw_swar_nondigits(second);
    unsigned cnt = stops != 0 ? pw_swar_first(stops) : 8;
    scan->at = at + 8 + cnt;
    if (cnt == 0) {
        *value = pw_swar_number(first);
    } else if (cnt == 8) {
        *value = pw_swar_number16(first, second);
    } else {
        /* The same over both words: what is shifted out of the second's place comes from the first. */
        *value = pw_swar_number16(first << (8 * (8 - cnt)), first >> (8 * cnt) | second << (8 * (8 - cnt)));
    }
    return *at != '0';
}

/* A decimal of at most 7 digits before the point and 8 behind it; that a quote follows it, the next literal
 * says. */
INLINE bool take_e8(struct scan *scan, int64_t *value)
{
    uint64_t whole = word_at(scan, scan->at) ^ PW_SWAR_ZEROS;
    uint64_t stops = pw_swar_nondigits(whole);
    unsigned whole_cnt = stops != 0 ? pw_swar_first(stops) : 0;
    if (whole_cnt == 0) {
        return false;
    }
    const char *at = scan->at + whole_cnt;
    char stop = (char)((whole >> (8 * whole_cnt) & 0xff) ^ '0');
    whole <<= 8 * (8 - whole_cnt);
    if (stop != '.') {
        *value = (int64_t)pw_swar_number16(whole, 0);
        scan->at = at;
        return true;
    }
    uint64_t fraction = word_at(scan, at + 1) ^ PW_SWAR_ZEROS;
    stops = pw_swar_nondigits(fraction);
    unsigned fraction_cnt = 8;
    if (stops != 0) {
        fraction_cnt = pw_swar_first(stops);
        fraction &= (UINT64_C(1) << (8 * fraction_cnt)) - 1;
    }
    *value = (int64_t)pw_swar_number16(whole, fraction);
    scan->at = at + 1 + fraction_cnt;
    return fraction_cnt > 0;
}

INLINE bool take_positive_e8(struct scan *scan, int64_t *value)
{
    return take_e8(scan, value) && *value > 0;
}

INLINE bool take_bool(struct scan *scan, bool *value)
{
    *value = PASS(scan, "true");
    return *value || PASS(scan, "false");
}

INLINE bool take_time_ns(struct scan *scan, int64_t *ns)
{
    uint64_t value;
    return take_u64(scan, &value) && pw_binance_time_ns(value, ns);
}

/* A symbol of plain ASCII; its instrument, if it is one of ours that has the usual units. That a quote ends
 * it, the next literal says.
 */
INLINE bool take_symbol(struct scan *scan, const struct pw_symbols *symbols, uint16_t *instrument_idx)
{
    uint64_t words[PW_SYMBOL_WORDS] = {0};
    for (unsigned i = 0; i < PW_SYMBOL_WORDS; i++) {
        uint64_t word = word_at(scan, scan->at);
        uint64_t stops = pw_swar_string_stops(word);
        if (stops != 0) {
            unsigned cnt = pw_swar_first(stops);
            words[i] = word & ((UINT64_C(1) << (8 * cnt)) - 1);
            scan->at += cnt;
            struct pw_symbol symbol = pw_symbols_find(symbols, words);
            *instrument_idx = symbol.instrument_idx;
            return symbol.instrument_idx != PW_NO_INSTRUMENT && symbol.unit_shift == 0;
        }
        words[i] = word;
        scan->at += 8;
    }
    return false;
}

/* The combined form's envelope up to its payload; the name of the stream says nothing that the payload does
 * not. */
INLINE bool take_envelope(struct scan *scan)
{
    for (unsigned i = 0; i < 8; i++) {
        uint64_t stops = pw_swar_string_stops(word_at(scan, scan->at));
        if (stops != 0) {
            unsigned cnt = pw_swar_first(stops);
            scan->at += cnt;
            return i + cnt > 0 && PASS(scan, "\",\"data\":{");
        }
        scan->at += 8;
    }
    return false;
}

INLINE struct pw_event event_of(const struct pw_venue_out *out, uint16_t instrument_idx, int64_t venue_ns,
                                enum pw_event_kind kind, uint8_t flags)
{
    return (struct pw_event){.instrument_idx = instrument_idx,
                             .kind = (uint8_t)kind,
                             .flags = flags,
                             .recv_ns = out->recv_ns,
                             .venue_ns = venue_ns};
}

INLINE bool at_end(struct scan *scan, bool combined)
{
    return (combined ? PASS(scan, "}}") : PASS(scan, "}")) && scan->at == scan->end;
}

/* After "u": (spot) or after "e":"bookTicker","u": (futures, which add two times at the end). */
static bool read_book_ticker(struct scan *scan, bool combined, const struct pw_symbols *symbols,
                             struct pw_venue_out *out)
{
    struct pw_quote quote;
    uint16_t instrument_idx;
    int64_t venue_ns = 0, trade_ns;
    bool ok = take_u64(scan, &quote.update_id) && PASS(scan, ",\"s\":\"") &&
              take_symbol(scan, symbols, &instrument_idx) && PASS(scan, "\",\"b\":\"") &&
              take_e8(scan, &quote.bid_price_e8) && PASS(scan, "\",\"B\":\"") &&
              take_e8(scan, &quote.bid_qty_e8) && PASS(scan, "\",\"a\":\"") &&
              take_e8(scan, &quote.ask_price_e8) && PASS(scan, "\",\"A\":\"") &&
              take_e8(scan, &quote.ask_qty_e8);
    ok = ok && PASS(scan, "\"");
    if (ok && PASS(scan, ",\"T\":")) {
        ok = take_time_ns(scan, &trade_ns) && PASS(scan, ",\"E\":") && take_time_ns(scan, &venue_ns);
    }
    if (!ok || !at_end(scan, combined)) {
        return false;
    }
    out->events[0] = event_of(out, instrument_idx, venue_ns, PW_EVENT_QUOTE, 0);
    out->events[0].body.quote = quote;
    out->cnt = 1;
    return true;
}

/* After "e":"trade","E": */
static bool read_trade(struct scan *scan, bool combined, const struct pw_symbols *symbols,
                       struct pw_venue_out *out)
{
    struct pw_trade trade = {.reserved = 0};
    uint16_t instrument_idx;
    int64_t venue_ns;
    uint64_t order_id;
    bool sell, unused;
    bool ok = take_time_ns(scan, &venue_ns);
    bool futures = ok && PASS(scan, ",\"T\":");
    ok = ok && (!futures || take_time_ns(scan, &trade.trade_ns)) && PASS(scan, ",\"s\":\"") &&
         take_symbol(scan, symbols, &instrument_idx) && PASS(scan, "\",\"t\":") &&
         take_u64(scan, &trade.trade_id) && PASS(scan, ",\"p\":\"") &&
         take_positive_e8(scan, &trade.price_e8) && PASS(scan, "\",\"q\":\"") &&
         take_positive_e8(scan, &trade.qty_e8);
    if (ok && futures) {
        ok = PASS(scan, "\",\"X\":\"MARKET\"");
    } else if (ok) {
        if (PASS(scan, "\",\"b\":")) { /* captures of before 2023 have the orders' ids */
            ok = take_u64(scan, &order_id) && PASS(scan, ",\"a\":") && take_u64(scan, &order_id) &&
                 PASS(scan, ",\"T\":") && take_time_ns(scan, &trade.trade_ns);
        } else {
            ok = PASS(scan, "\",\"T\":") && take_time_ns(scan, &trade.trade_ns);
        }
    }
    ok = ok && PASS(scan, ",\"m\":") && take_bool(scan, &sell);
    if (ok && PASS(scan, ",\"M\":")) {
        ok = take_bool(scan, &unused);
    }
    if (!ok || !at_end(scan, combined)) {
        return false;
    }
    out->events[0] = event_of(out, instrument_idx, venue_ns, PW_EVENT_TRADE, sell ? PW_FLAG_SELL : 0);
    out->events[0].body.trade = trade;
    out->cnt = 1;
    return true;
}

/* Up to the comma before the levels of the bids: the DEPTH event, but for its counts. */
static bool read_depth_head(struct scan *scan, const struct pw_symbols *symbols, struct pw_venue_out *out)
{
    struct pw_depth depth = {.level_cnt_max = 0};
    uint16_t instrument_idx;
    int64_t venue_ns, trade_ns;
    bool ok = take_time_ns(scan, &venue_ns);
    if (ok && PASS(scan, ",\"T\":")) {
        ok = take_time_ns(scan, &trade_ns);
    }
    ok = ok && PASS(scan, ",\"s\":\"") && take_symbol(scan, symbols, &instrument_idx) &&
         PASS(scan, "\",\"U\":") && take_u64(scan, &depth.first_update_id) && PASS(scan, ",\"u\":") &&
         take_u64(scan, &depth.last_update_id);
    if (ok && PASS(scan, ",\"pu\":")) {
        ok = take_u64(scan, &depth.prev_update_id);
    }
    if (!ok || depth.first_update_id > depth.last_update_id || depth.prev_update_id > depth.last_update_id) {
        return false;
    }
    out->events[0] = event_of(out, instrument_idx, venue_ns, PW_EVENT_DEPTH, 0);
    out->events[0].body.depth = depth;
    out->cnt = 1;
    return true;
}

/* What follows a level: another one, the end of its side, or what this file does not know. */
enum after_level { AFTER_UNKNOWN, AFTER_LEVEL, AFTER_SIDE };

/* The most that two levels can take, so that all words read for them lie within: two times 2 numbers of 16
 * bytes, 3 and 5 of punctuation, and 8 for the last word. */
#define TWO_LEVELS_BYTES 88

/* A level, from its first digit to the first digit of the next one. */
INLINE enum after_level take_level(struct scan *scan, struct pw_level *level)
{
    if (!take_positive_e8(scan, &level->price_e8) || !PASS(scan, "\",\"") || !take_e8(scan, &level->qty_e8)) {
        return AFTER_UNKNOWN;
    }
    if (PASS(scan, "\"],[\"")) {
        return AFTER_LEVEL;
    }
    return PASS(scan, "\"]]") ? AFTER_SIDE : AFTER_UNKNOWN;
}

/* One LEVELS event from the next one or two levels. */
INLINE enum after_level read_levels(struct scan *scan, const struct pw_event *head, struct pw_event *event)
{
    struct pw_level first, second = {0, 0};
    enum after_level after = take_level(scan, &first);
    uint8_t flags = head->flags;
    if (after == AFTER_LEVEL) {
        after = take_level(scan, &second);
        flags |= PW_FLAG_PAIR;
    }
    *event = *head;
    event->flags = flags;
    event->body.levels.level[0] = first;
    event->body.levels.level[1] = second;
    return after;
}

/* The levels of one side one by one, from where the run leaves them. */
INLINE enum after_level read_rest(struct scan *scan, struct pw_level_run *run, const struct pw_event *head)
{
    enum after_level after = AFTER_LEVEL;
    while (after == AFTER_LEVEL && run->event < run->event_end) {
        if (scan->end - scan->at >= TWO_LEVELS_BYTES) {
            struct scan roomy = {scan->at, scan->end, true};
            after = read_levels(&roomy, head, run->event);
            scan->at = roomy.at;
        } else {
            after = read_levels(scan, head, run->event);
        }
        run->event++;
    }
    return after;
}

/* The levels of one side, after its opening bracket, to its closing one. */
INLINE bool read_side(struct scan *scan, struct pw_level_run *run, struct pw_venue_out *out,
                      uint8_t side_flag, uint32_t *level_cnt)
{
    const struct pw_event depth = out->events[0];
    struct pw_event head = event_of(out, depth.instrument_idx, depth.venue_ns, PW_EVENT_LEVELS, side_flag);
    head.body.levels.update_id = depth.body.depth.last_update_id;
    *level_cnt = 0;
    if (PASS(scan, "]")) {
        return true;
    }
    if (!PASS(scan, "[\"")) {
        return false;
    }
    const struct pw_event *first = run->event;
    run->at = scan->at;
    enum pw_level_result result = pw_level_run_pairs(run, &head);
    scan->at = run->at;
    bool ended =
        result == PW_LEVEL_SIDE || (result == PW_LEVEL_MORE && read_rest(scan, run, &head) == AFTER_SIDE);
    out->cnt = (uint32_t)(run->event - out->events);
    if (run->event > first) {
        /* Only the last event can be of one level. */
        *level_cnt = 2 * (uint32_t)(run->event - first) - ((run->event[-1].flags & PW_FLAG_PAIR) == 0);
    }
    return ended;
}

/* After "e":"depthUpdate","E": */
static bool read_depth(struct scan *scan, bool combined, const struct pw_symbols *symbols,
                       struct pw_venue_out *out)
{
    uint32_t bid_cnt, ask_cnt;
    struct pw_level_run run;
    run.end = scan->end;
    run.event = out->events + 1;
    run.event_end = out->events + out->cap;
    run.marks.base = run.marks.end = scan->at; /* nothing is marked yet */
    if (!read_depth_head(scan, symbols, out) || !PASS(scan, ",\"b\":[") ||
        !read_side(scan, &run, out, 0, &bid_cnt) || !PASS(scan, ",\"a\":[") ||
        !read_side(scan, &run, out, PW_FLAG_SELL, &ask_cnt) || !at_end(scan, combined)) {
        return false;
    }
    out->events[0].body.depth.bid_cnt = bid_cnt;
    out->events[0].body.depth.ask_cnt = ask_cnt;
    out->events[out->cnt - 1].flags |= PW_FLAG_LAST;
    return true;
}

bool pw_binance_events_fast(const struct pw_symbols *symbols, const char *data, size_t size,
                            struct pw_venue_out *out)
{
    struct scan scan = {data, data + size, false};
    if (size < 8) {
        return false;
    }
    bool combined = PASS(&scan, "{\"stream\":\"");
    if (out->cap == 0 || !(combined ? take_envelope(&scan) : PASS(&scan, "{"))) {
        return false;
    }
    if (PASS(&scan, "\"u\":")) {
        return read_book_ticker(&scan, combined, symbols, out);
    }
    if (PASS(&scan, "\"e\":\"trade\",\"E\":")) {
        return read_trade(&scan, combined, symbols, out);
    }
    if (PASS(&scan, "\"e\":\"depthUpdate\",\"E\":")) {
        return read_depth(&scan, combined, symbols, out);
    }
    if (PASS(&scan, "\"e\":\"bookTicker\",\"u\":")) {
        return read_book_ticker(&scan, combined, symbols, out);
    }
    return false;
}
