/* SPDX-License-Identifier: MIT
 *
 * Serving of captures: see playback.h.
 *
 * Publishing touches nothing but the index of lines: book and tape of a symbol are brought up to date only
 * when a REST request asks for them.
 */
#include "playback.h"

#include "recording.h"
#include "walk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A side of a book that is put together from updates; worse levels fall out. */
#define BOOK_LEVELS        65536u
#define NO_LINE            UINT32_MAX
#define MILLISECOND_DIGITS 13u

struct symbol_state {
    uint32_t applied;      /* lines before this are in book and tape */
    uint32_t snapshot_idx; /* its first recorded snapshot, NO_LINE if there is none */
    uint64_t snapshot_update_id;
    bool fetched;
    bool has_trades;    /* single ones: then aggregates would count them twice */
    uint32_t quote_idx; /* the last bookTicker published; NO_LINE: none */
};

struct capture {
    struct pw_sim_recording recording;
    struct symbol_state *states; /* by symbol */
    uint32_t cursor;             /* the next line */
    struct pw_buffer scratch;
    int64_t held_ns; /* since when the snapshot at the cursor is waited for; 0: not */
};

static bool depth_heard(const struct capture *capture, uint16_t symbol_idx)
{
    for (uint32_t i = 0; i < capture->recording.hub->stream_cnt; i++) {
        const struct pw_sim_stream *stream = pw_sim_hub_stream(capture->recording.hub, i);
        struct pw_slice name = {stream->name, stream->name_bytes};
        const char *symbol = capture->recording.symbols[symbol_idx].name;
        size_t size = strlen(symbol);
        if (stream->subscriber_cnt && stream->own && pw_sim_stream_kind(name) == PW_SIM_LINE_DEPTH &&
            name.size > size && name.text[size] == '@' && strncasecmp(name.text, symbol, size) == 0) {
            return true;
        }
    }
    return false;
}

/* Whether the snapshot at the cursor is still to be waited for. */
static bool snapshot_waits(struct capture *capture, const struct pw_sim_line *line, int64_t wall_ns)
{
    const struct symbol_state *state;

    if (line->symbol_idx == PW_SIM_NO_SYMBOL) {
        return false;
    }
    state = &capture->states[line->symbol_idx];
    if (state->fetched || state->snapshot_idx != capture->cursor || !depth_heard(capture, line->symbol_idx)) {
        return false;
    }
    if (!capture->held_ns) {
        capture->held_ns = wall_ns;
    }
    return wall_ns - capture->held_ns < (int64_t)capture->recording.config->hold_ms * 1000000;
}

static enum pw_sim_next capture_next(void *state, int64_t wall_ns, int64_t *market_ns)
{
    struct capture *capture = state;

    while (capture->cursor < capture->recording.line_cnt) {
        const struct pw_sim_line *line = &capture->recording.lines[capture->cursor];
        if (line->kind != PW_SIM_LINE_SNAPSHOT) {
            *market_ns = line->time_ns;
            return PW_SIM_NEXT_AT;
        }
        if (snapshot_waits(capture, line, wall_ns)) {
            return PW_SIM_NEXT_HELD;
        }
        capture->held_ns = 0;
        capture->cursor++;
    }
    return PW_SIM_NEXT_END;
}

/* Copies a payload with its times in microseconds: E and T, and within a candle t and T. A recording in
 * milliseconds has no more to give than zeros. */
static void microseconds_copy(struct pw_slice object, bool candle, struct pw_buffer *out)
{
    struct pw_sim_walk walk;
    const char *comma = "{\"";

    pw_sim_walk_begin(&walk, object);
    for (; pw_sim_walk_next(&walk); comma = ",\"") {
        bool time = pw_slice_equal(walk.key, "T") || pw_slice_equal(walk.key, candle ? "t" : "E");
        int64_t value;
        pw_buffer_string(out, comma);
        pw_buffer_slice(out, walk.key);
        pw_buffer_string(out, "\":");
        if (pw_slice_equal(walk.key, "k") && walk.value.text[0] == '{') {
            microseconds_copy(walk.value, true, out);
        } else {
            pw_buffer_slice(out, walk.value);
        }
        if (time && walk.value.size == MILLISECOND_DIGITS && pw_sim_walk_int(walk.value, &value)) {
            pw_buffer_string(out, "000");
        }
    }
    pw_buffer_string(out, "}");
}

static void capture_step(void *state)
{
    struct capture *capture = state;
    const struct pw_sim_line *line = &capture->recording.lines[capture->cursor++];
    const char *json = capture->recording.arena + line->offset;
    struct pw_sim_message message = {.data = {json + line->data_offset, line->data_bytes}};

    if (!line->bare) {
        message.whole = (struct pw_slice){json, line->bytes};
    }
    if (pw_sim_hub_stream(capture->recording.hub, line->stream_idx)->microsecond_cnt &&
        message.data.text[0] == '{') {
        pw_buffer_clear(&capture->scratch);
        microseconds_copy(message.data, false, &capture->scratch);
        message.data_microsecond =
            (struct pw_slice){capture->scratch.data, capture->scratch.failed ? 0 : capture->scratch.size};
    }
    pw_sim_hub_publish(capture->recording.hub, line->stream_idx, &message);
}

static bool level_set(struct pw_sim_symbol *symbol, enum pw_side side, struct pw_level level)
{
    pw_book_set(symbol->book, side, level);
    return true;
}

static bool snapshot_apply(struct capture *capture, struct pw_sim_symbol *symbol,
                           const struct pw_sim_line *line)
{
    struct pw_slice data = pw_sim_line_data(&capture->recording, line);
    uint64_t id = pw_sim_line_id(data, "lastUpdateId");

    if (id < symbol->book->update_id) {
        return true;
    }
    pw_book_clear(symbol->book);
    symbol->book->update_id = id;
    return pw_sim_line_levels(data, true, level_set, symbol);
}

static void trade_apply(struct pw_sim_symbol *symbol, struct pw_slice data, bool aggregate)
{
    struct pw_sim_tape_trade trade = {0};
    struct pw_level level;
    struct pw_slice value;
    int64_t time_ms;

    if (!pw_sim_line_pair(data, "p", "q", &level) || !pw_sim_walk_member(data, "T", &value) ||
        !pw_sim_walk_int(value, &time_ms)) {
        return;
    }
    trade.price_e8 = level.price_e8;
    trade.qty_e8 = level.qty_e8;
    trade.time_ns = time_ms * 1000000;
    trade.trade_id = pw_sim_line_id(data, aggregate ? "l" : "t");
    trade.buyer_maker = pw_sim_walk_member(data, "m", &value) && pw_slice_equal(value, "true");
    pw_sim_tape_add(symbol->tape, trade);
}

static bool line_apply(struct capture *capture, struct pw_sim_symbol *symbol, const struct pw_sim_line *line)
{
    struct pw_slice data = pw_sim_line_data(&capture->recording, line);
    uint64_t last;

    switch (line->kind) {
    case PW_SIM_LINE_SNAPSHOT:
        return snapshot_apply(capture, symbol, line);
    case PW_SIM_LINE_DEPTH:
        last = pw_sim_line_id(data, "u");
        if (last <= symbol->book->update_id) {
            return true;
        }
        symbol->book->update_id = last;
        return pw_sim_line_levels(data, false, level_set, symbol);
    case PW_SIM_LINE_TRADE:
        trade_apply(symbol, data, false);
        return true;
    case PW_SIM_LINE_AGG_TRADE:
        if (!capture->states[line->symbol_idx].has_trades) {
            trade_apply(symbol, data, true);
        }
        return true;
    default:
        return true;
    }
}

/* The top of the book: the last bookTicker, or the book's where there are none. */
static void quote_refresh(struct capture *capture, struct pw_sim_symbol *symbol, uint32_t line_idx)
{
    struct pw_level bid = pw_book_best(symbol->book, PW_BUY);
    struct pw_level ask = pw_book_best(symbol->book, PW_SELL);

    if (line_idx != NO_LINE) {
        struct pw_slice data = pw_sim_line_data(&capture->recording, &capture->recording.lines[line_idx]);
        if (!pw_sim_line_pair(data, "b", "B", &bid) || !pw_sim_line_pair(data, "a", "A", &ask)) {
            return;
        }
    }
    symbol->top = (struct pw_quote){.bid_price_e8 = bid.price_e8,
                                    .bid_qty_e8 = bid.qty_e8,
                                    .ask_price_e8 = ask.price_e8,
                                    .ask_qty_e8 = ask.qty_e8};
}

static bool book_make(struct pw_sim_symbol *symbol)
{
    void *memory = aligned_alloc(64, pw_book_bytes(BOOK_LEVELS));

    if (memory) {
        symbol->book = pw_book_init(memory, BOOK_LEVELS);
    }
    return memory != NULL;
}

static bool capture_refresh(void *state, struct pw_sim_symbol *symbol)
{
    struct capture *capture = state;
    uint32_t symbol_idx = (uint32_t)(symbol - capture->recording.symbols);
    struct symbol_state *own = &capture->states[symbol_idx];

    if ((!symbol->tape && !(symbol->tape = calloc(1, sizeof *symbol->tape))) ||
        (!symbol->book && !book_make(symbol))) {
        return false;
    }
    /* The first snapshot counts from the beginning: what it holds already is skipped by its id. */
    if (own->snapshot_idx != NO_LINE && !symbol->book->update_id &&
        !snapshot_apply(capture, symbol, &capture->recording.lines[own->snapshot_idx])) {
        return false;
    }
    for (; own->applied < capture->cursor; own->applied++) {
        const struct pw_sim_line *line = &capture->recording.lines[own->applied];
        if (line->symbol_idx == symbol_idx && !line_apply(capture, symbol, line)) {
            return false;
        }
        if (line->symbol_idx == symbol_idx && line->kind == PW_SIM_LINE_QUOTE) {
            own->quote_idx = own->applied;
        }
    }
    quote_refresh(capture, symbol, own->quote_idx);
    return true;
}

/* At most level_limit elements of a recorded array, each as written. */
static void levels_copy(struct pw_slice levels, uint32_t level_limit, struct pw_buffer *out)
{
    struct pw_sim_walk walk;
    uint32_t cnt = 0;

    pw_buffer_string(out, "[");
    if (pw_sim_walk_begin(&walk, levels)) {
        for (; cnt < level_limit && pw_sim_walk_next(&walk); cnt++) {
            pw_buffer_string(out, cnt ? "," : "");
            pw_buffer_slice(out, walk.value);
        }
    }
    pw_buffer_string(out, "]");
}

static uint32_t levels_count(struct pw_slice levels)
{
    struct pw_sim_walk walk;
    uint32_t cnt = 0;

    if (pw_sim_walk_begin(&walk, levels)) {
        while (pw_sim_walk_next(&walk)) {
            cnt++;
        }
    }
    return cnt;
}

static void snapshot_copy(struct pw_slice snapshot, uint32_t level_limit, struct pw_buffer *out)
{
    struct pw_slice bids = {0}, asks = {0}, id = {0};

    pw_sim_walk_member(snapshot, "bids", &bids);
    pw_sim_walk_member(snapshot, "asks", &asks);
    pw_sim_walk_member(snapshot, "lastUpdateId", &id);
    if (levels_count(bids) <= level_limit && levels_count(asks) <= level_limit) {
        pw_buffer_slice(out, snapshot);
        return;
    }
    pw_buffer_string(out, "{\"lastUpdateId\":");
    pw_buffer_slice(out, id);
    pw_buffer_string(out, ",\"bids\":");
    levels_copy(bids, level_limit, out);
    pw_buffer_string(out, ",\"asks\":");
    levels_copy(asks, level_limit, out);
    pw_buffer_string(out, "}");
}

static void side_print(const struct pw_book *book, enum pw_side side, uint32_t level_limit,
                       struct pw_buffer *out)
{
    uint32_t cnt = pw_book_level_cnt(book, side) < level_limit ? pw_book_level_cnt(book, side) : level_limit;

    pw_buffer_string(out, "[");
    for (uint32_t i = 0; i < cnt; i++) {
        const struct pw_level *level = pw_book_at(book, side, i);
        pw_buffer_string(out, i ? ",[\"" : "[\"");
        pw_buffer_e8(out, level->price_e8);
        pw_buffer_string(out, "\",\"");
        pw_buffer_e8(out, level->qty_e8);
        pw_buffer_string(out, "\"]");
    }
    pw_buffer_string(out, "]");
}

static void book_print(const struct pw_book *book, uint32_t level_limit, struct pw_buffer *out)
{
    pw_buffer_string(out, "{\"lastUpdateId\":");
    pw_buffer_int(out, (int64_t)book->update_id);
    pw_buffer_string(out, ",\"bids\":");
    side_print(book, PW_BUY, level_limit, out);
    pw_buffer_string(out, ",\"asks\":");
    side_print(book, PW_SELL, level_limit, out);
    pw_buffer_string(out, "}");
}

static bool capture_depth(void *state, struct pw_sim_symbol *symbol, uint32_t level_limit,
                          struct pw_buffer *out)
{
    struct capture *capture = state;
    struct symbol_state *own = &capture->states[symbol - capture->recording.symbols];
    bool recorded = own->snapshot_idx != NO_LINE && capture->cursor <= own->snapshot_idx && !own->fetched;

    if (!recorded) {
        if (!capture_refresh(capture, symbol)) {
            return false;
        }
        recorded = own->snapshot_idx != NO_LINE && symbol->book->update_id == own->snapshot_update_id;
    }
    own->fetched |= recorded;
    if (recorded) {
        snapshot_copy(pw_sim_line_data(&capture->recording, &capture->recording.lines[own->snapshot_idx]),
                      level_limit, out);
    } else {
        book_print(symbol->book, level_limit, out);
    }
    return !out->failed;
}

static struct pw_slice capture_exchange_info(void *state)
{
    const struct capture *capture = state;

    return (struct pw_slice){capture->recording.arena + capture->recording.info_offset,
                             capture->recording.info_bytes};
}

static void capture_rewind(void *state)
{
    struct capture *capture = state;

    capture->cursor = 0;
    capture->held_ns = 0;
    for (uint32_t i = 0; i < capture->recording.symbol_cnt; i++) {
        capture->states[i].applied = 0;
        capture->states[i].quote_idx = NO_LINE;
        capture->states[i].fetched = false;
        if (capture->recording.symbols[i].book) {
            pw_book_clear(capture->recording.symbols[i].book);
            capture->recording.symbols[i].book->update_id = 0;
        }
        free(capture->recording.symbols[i].tape);
        capture->recording.symbols[i].tape = NULL;
    }
}

static void capture_free(void *state)
{
    struct capture *capture = state;

    pw_sim_recording_free(&capture->recording);
    pw_buffer_free(&capture->scratch);
    free(capture->states);
    free(capture);
}

static const struct pw_sim_source_ops capture_ops = {.next = capture_next,
                                                     .step = capture_step,
                                                     .refresh = capture_refresh,
                                                     .depth = capture_depth,
                                                     .exchange_info = capture_exchange_info,
                                                     .rewind = capture_rewind,
                                                     .free = capture_free};

/* Finds out what there is of each symbol. */
static void states_init(struct capture *capture)
{
    for (uint32_t i = 0; i < PW_SIM_SYMBOLS_MAX; i++) {
        capture->states[i].snapshot_idx = capture->states[i].quote_idx = NO_LINE;
    }
    for (uint32_t i = capture->recording.line_cnt;
         i-- > 0;) { /* backwards: the first snapshot is found last */
        const struct pw_sim_line *line = &capture->recording.lines[i];
        struct symbol_state *state;
        if (line->symbol_idx == PW_SIM_NO_SYMBOL) {
            continue;
        }
        state = &capture->states[line->symbol_idx];
        state->has_trades |= line->kind == PW_SIM_LINE_TRADE;
        if (line->kind == PW_SIM_LINE_SNAPSHOT) {
            state->snapshot_idx = i;
            state->snapshot_update_id =
                pw_sim_line_id(pw_sim_line_data(&capture->recording, line), "lastUpdateId");
        }
    }
}

int pw_sim_capture_load(struct pw_sim_source *source, const struct pw_sim_capture_config *config,
                        struct pw_sim_hub *hub, char *error, size_t error_bytes)
{
    struct capture *capture = calloc(1, sizeof *capture);
    int result = -ENOMEM;

    snprintf(error, error_bytes, "no memory");
    if (!capture) {
        return -ENOMEM;
    }
    capture->states = calloc(PW_SIM_SYMBOLS_MAX, sizeof *capture->states);
    if (capture->states) {
        result = pw_sim_recording_load(&capture->recording, config, hub, error, error_bytes);
    }
    if (result) {
        capture_free(capture);
        return result;
    }
    states_init(capture);
    *source = (struct pw_sim_source){&capture_ops, capture, capture->recording.symbols,
                                     capture->recording.symbol_cnt};
    return 0;
}
