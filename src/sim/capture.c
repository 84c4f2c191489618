/* SPDX-License-Identifier: MIT
 *
 * Loading and serving of captures: see capture.h.
 *
 * Publishing touches nothing but the index of lines: book and tape of a symbol are brought up to date only
 * when a REST request asks for them.
 */
#include "capture.h"

#include "decimal.h"
#include "walk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

enum line_kind { LINE_TRADE, LINE_AGG_TRADE, LINE_QUOTE, LINE_DEPTH, LINE_OTHER, LINE_SNAPSHOT };

struct line {
    int64_t time_ns;
    uint64_t offset;      /* of its JSON in the arena */
    uint32_t bytes;       /* of its JSON */
    uint32_t data_offset; /* of the payload in the JSON */
    uint32_t data_bytes;
    uint32_t stream_idx; /* snapshots: PW_SIM_NO_STREAM */
    uint16_t symbol_idx; /* NO_SYMBOL: none, or not yet known */
    uint8_t kind;        /* enum line_kind */
    bool bare;           /* without an envelope */
};

#define NO_SYMBOL UINT16_MAX
#define NO_LINE   UINT32_MAX

#define MILLISECOND_DIGITS 13u

struct symbol_state {
    uint32_t applied;      /* lines before this are in book and tape */
    uint32_t snapshot_idx; /* its first recorded snapshot, NO_LINE if there is none */
    uint64_t snapshot_update_id;
    bool fetched;
    uint32_t sample_cnt; /* of trades and quotes */
    uint32_t quote_idx;  /* the last bookTicker published; NO_LINE: none */
};

struct capture {
    const struct pw_sim_capture_config *config;
    struct pw_sim_hub *hub;
    char *arena;
    size_t arena_bytes, arena_capacity;
    struct line *lines;
    uint32_t line_cnt, line_capacity;
    uint32_t cursor;
    struct pw_sim_symbol *symbols;
    struct symbol_state *states;
    uint32_t symbol_cnt;
    struct pw_slice exchange_info; /* set when the arena has come to rest */
    uint64_t info_offset, info_bytes;
    struct pw_sim_buffer scratch;
    int64_t held_ns; /* since when the snapshot at the cursor is waited for; 0: not */
};

/* ---- one line ---- */

/* What a line begins with. */
struct preamble {
    int64_t time_ns;
    struct pw_slice url; /* REST answers */
    struct pw_slice json;
};

static bool digits_time(struct pw_slice text, int64_t *time_ns)
{
    int64_t value;

    if (!pw_sim_walk_int(text, &value) || value <= 0) {
        return false;
    }
    for (size_t digits = text.size; digits < 19; digits += 3) {
        if (__builtin_mul_overflow(value, INT64_C(1000), &value)) {
            return false;
        }
    }
    *time_ns = value;
    return text.size == 19 || text.size == 16 || text.size == 13 || text.size == 10;
}

static bool fraction_time(struct pw_slice text, int64_t *time_ns)
{
    const char *point = memchr(text.text, '.', text.size);
    size_t whole = point ? (size_t)(point - text.text) : text.size;
    int64_t seconds, scale = 100000000;

    if (!pw_sim_walk_int((struct pw_slice){text.text, whole}, &seconds) || seconds < 0 ||
        seconds > INT64_C(9000000000)) {
        return false;
    }
    *time_ns = seconds * INT64_C(1000000000);
    for (size_t i = whole + 1; i < text.size; i++, scale /= 10) {
        if (text.text[i] < '0' || text.text[i] > '9') {
            return false;
        }
        *time_ns += (text.text[i] - '0') * scale;
    }
    return true;
}

static struct pw_slice slice_from(struct pw_slice line, size_t offset)
{
    return (struct pw_slice){line.text + offset, line.size - offset};
}

static bool preamble_parse(struct pw_slice line, struct preamble *preamble)
{
    const char *arrow, *space = memchr(line.text, ' ', line.size);
    size_t word = space ? (size_t)(space - line.text) : line.size;

    *preamble = (struct preamble){0};
    if (!space) {
        return false;
    }
    if (word > 1 && line.text[word - 1] == ':') {
        preamble->json = slice_from(line, word + 1);
        return fraction_time((struct pw_slice){line.text, word - 1}, &preamble->time_ns);
    }
    if (word > 4 && memcmp(line.text, "http", 4) == 0) {
        arrow = memmem(line.text, line.size, " -> ", 4);
        space = arrow ? memmem(arrow, (size_t)(line.text + line.size - arrow), ": ", 2) : NULL;
        if (!space) {
            return false;
        }
        preamble->url = (struct pw_slice){line.text, (size_t)(arrow - line.text)};
        preamble->json = slice_from(line, (size_t)(space + 2 - line.text));
        return fraction_time((struct pw_slice){arrow + 4, (size_t)(space - arrow) - 4}, &preamble->time_ns);
    }
    preamble->json = slice_from(line, word + 1);
    return digits_time((struct pw_slice){line.text, word}, &preamble->time_ns);
}

/* Lines that recorders write about themselves. */
static bool is_remark(struct pw_slice line)
{
    return line.size == 0 || (line.size > 6 && memcmp(line.text, "wss://", 6) == 0) ||
           (line.size > 15 && memcmp(line.text, "configuration: ", 15) == 0);
}

static enum line_kind stream_kind(struct pw_slice name)
{
    static const struct {
        const char *suffix;
        enum line_kind kind;
    } kinds[] = {{"@trade", LINE_TRADE}, {"@aggTrade", LINE_AGG_TRADE}, {"@bookTicker", LINE_QUOTE},
                 {"@depth", LINE_DEPTH}, {"@depth@100ms", LINE_DEPTH},  {"@depth@0ms", LINE_DEPTH}};
    const char *at = memchr(name.text, '@', name.size);
    struct pw_slice suffix = {at, at ? (size_t)(name.text + name.size - at) : 0};

    for (size_t i = 0; at && i < sizeof kinds / sizeof kinds[0]; i++) {
        if (pw_slice_equal(suffix, kinds[i].suffix)) {
            return kinds[i].kind;
        }
    }
    return LINE_OTHER;
}

/* The stream of a payload that was recorded without its envelope. */
static bool bare_stream(struct pw_slice data, char *name, size_t name_bytes)
{
    struct pw_slice value, kind = {0}, symbol = {0};
    const char *suffix = NULL;
    int size;

    if (!pw_sim_walk_member(data, "s", &value) || !pw_sim_walk_inside(value, &symbol)) {
        return false;
    }
    if (!pw_sim_walk_member(data, "e", &value)) {
        suffix = pw_sim_walk_member(data, "u", &value) && pw_sim_walk_member(data, "B", &value) ? "bookTicker"
                                                                                                : NULL;
    } else if (!pw_sim_walk_inside(value, &kind)) {
        return false;
    } else if (pw_slice_equal(kind, "depthUpdate")) {
        suffix = "depth@100ms";
    } else if (pw_slice_equal(kind, "trade") || pw_slice_equal(kind, "aggTrade") ||
               pw_slice_equal(kind, "bookTicker")) {
        suffix = pw_slice_equal(kind, "trade")      ? "trade"
                 : pw_slice_equal(kind, "aggTrade") ? "aggTrade"
                                                    : "bookTicker";
    }
    if (!suffix) {
        return false;
    }
    size = snprintf(name, name_bytes, "%.*s@%s", (int)symbol.size, symbol.text, suffix);
    for (size_t i = 0; i < symbol.size && i < name_bytes; i++) {
        name[i] = name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] - 'A' + 'a') : name[i];
    }
    return size > 0 && (size_t)size < name_bytes;
}

/* ---- symbols ---- */

static uint16_t symbol_make(struct capture *capture, struct pw_slice name)
{
    struct pw_sim_symbol *symbol;
    uint32_t i;

    for (i = 0; i < capture->symbol_cnt; i++) {
        if (pw_slice_equal(name, capture->symbols[i].name)) {
            return (uint16_t)i;
        }
    }
    if (i == PW_SIM_SYMBOLS_MAX || name.size == 0 || name.size >= PW_SIM_SYMBOL_BYTES) {
        return NO_SYMBOL;
    }
    symbol = &capture->symbols[i];
    memcpy(symbol->name, name.text, name.size);
    pw_sim_symbol_split(symbol);
    symbol->tick_e8 = symbol->step_e8 = PW_E8; /* until the data show finer ones */
    capture->states[i].snapshot_idx = capture->states[i].quote_idx = NO_LINE;
    capture->symbol_cnt++;
    return (uint16_t)i;
}

/* "btcusdt@trade" is BTCUSDT's; streams of all symbols ("!miniTicker@arr") are nobody's. */
static uint16_t stream_symbol(struct capture *capture, struct pw_slice stream)
{
    char name[PW_SIM_SYMBOL_BYTES];
    const char *at = memchr(stream.text, '@', stream.size);
    size_t size = at ? (size_t)(at - stream.text) : 0;

    if (!size || size >= sizeof name || stream.text[0] == '!') {
        return NO_SYMBOL;
    }
    for (size_t i = 0; i < size; i++) {
        char c = stream.text[i];
        name[i] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    }
    return symbol_make(capture, (struct pw_slice){name, size});
}

static bool decimal_of(struct pw_slice value, int64_t *number_e8)
{
    struct pw_slice inside;

    return pw_sim_walk_inside(value, &inside) &&
           pw_decimal_parse_e8(inside.text, inside.size, false, number_e8);
}

static void unit_refine(int64_t *unit_e8, int64_t value_e8)
{
    while (value_e8 % *unit_e8) {
        *unit_e8 /= 10;
    }
}

/* Calls one function for each level of [["price","qty"],..]; false at the first that is not of this form. */
struct level_use {
    struct pw_sim_symbol *symbol;
    bool learn; /* the tick; else set the book */
    enum pw_side side;
};

static bool levels_use(const struct level_use *use, struct pw_slice levels)
{
    struct pw_sim_walk walk, pair;
    int64_t price_e8, qty_e8;

    if (!pw_sim_walk_begin(&walk, levels)) {
        return false;
    }
    while (pw_sim_walk_next(&walk)) {
        if (!pw_sim_walk_begin(&pair, walk.value) || !pw_sim_walk_next(&pair) ||
            !decimal_of(pair.value, &price_e8) || !pw_sim_walk_next(&pair) ||
            !decimal_of(pair.value, &qty_e8)) {
            return false;
        }
        if (use->learn) {
            unit_refine(&use->symbol->tick_e8, price_e8);
            unit_refine(&use->symbol->step_e8, qty_e8);
        } else if (!pw_sim_book_set(&use->symbol->book, use->side, price_e8, qty_e8)) {
            return false;
        }
    }
    return !walk.broken;
}

static bool sides_use(struct pw_sim_symbol *symbol, struct pw_slice object, bool snapshot, bool learn)
{
    struct pw_slice bids, asks;

    return pw_sim_walk_member(object, snapshot ? "bids" : "b", &bids) &&
           pw_sim_walk_member(object, snapshot ? "asks" : "a", &asks) &&
           levels_use(&(struct level_use){symbol, learn, PW_BUY}, bids) &&
           levels_use(&(struct level_use){symbol, learn, PW_SELL}, asks);
}

static bool pair_of(struct pw_slice data, const char *price, const char *qty, int64_t *price_e8,
                    int64_t *qty_e8)
{
    struct pw_slice value;

    return pw_sim_walk_member(data, price, &value) && decimal_of(value, price_e8) &&
           pw_sim_walk_member(data, qty, &value) && decimal_of(value, qty_e8);
}

static struct pw_slice line_data(const struct capture *capture, const struct line *line)
{
    return (struct pw_slice){capture->arena + line->offset + line->data_offset, line->data_bytes};
}

/* Tick and step are the coarsest powers of ten that a symbol's prices and quantities are multiples of.
 * Resting orders may be older than today's step: their quantities count only where trades and quotes are few.
 */
#define SAMPLES_ENOUGH 100u

static void line_learn_top(struct capture *capture, const struct line *line)
{
    struct pw_sim_symbol *symbol = &capture->symbols[line->symbol_idx];
    bool quote = line->kind == LINE_QUOTE;
    int64_t price_e8, qty_e8;

    if (!pair_of(line_data(capture, line), quote ? "a" : "p", quote ? "A" : "q", &price_e8, &qty_e8)) {
        return;
    }
    unit_refine(&symbol->tick_e8, price_e8);
    unit_refine(&symbol->step_e8, qty_e8);
    capture->states[line->symbol_idx].sample_cnt++;
}

static void line_learn_depth(struct capture *capture, const struct line *line)
{
    struct pw_sim_symbol *symbol = &capture->symbols[line->symbol_idx];
    int64_t step_e8 = symbol->step_e8;

    sides_use(symbol, line_data(capture, line), line->kind == LINE_SNAPSHOT, true);
    if (capture->states[line->symbol_idx].sample_cnt >= SAMPLES_ENOUGH) {
        symbol->step_e8 = step_e8;
    }
}

static void units_learn(struct capture *capture)
{
    for (uint32_t i = 0; i < capture->line_cnt; i++) {
        if (capture->lines[i].symbol_idx != NO_SYMBOL && capture->lines[i].kind <= LINE_QUOTE) {
            line_learn_top(capture, &capture->lines[i]);
        }
    }
    for (uint32_t i = 0; i < capture->line_cnt; i++) {
        if (capture->lines[i].symbol_idx != NO_SYMBOL &&
            (capture->lines[i].kind == LINE_DEPTH || capture->lines[i].kind == LINE_SNAPSHOT)) {
            line_learn_depth(capture, &capture->lines[i]);
        }
    }
}

/* ---- loading ---- */

static bool line_append(struct capture *capture, const struct line *line)
{
    if (capture->line_cnt == capture->line_capacity) {
        uint32_t capacity = capture->line_capacity ? capture->line_capacity * 2 : 65536;
        struct line *lines = realloc(capture->lines, capacity * sizeof *lines);
        if (!lines) {
            return false;
        }
        capture->lines = lines;
        capture->line_capacity = capacity;
    }
    capture->lines[capture->line_cnt++] = *line;
    return true;
}

static struct pw_slice url_parameter(struct pw_slice url, const char *name)
{
    char key[32];
    int size = snprintf(key, sizeof key, "%s=", name);
    const char *at = url.size ? memmem(url.text, url.size, key, (size_t)size) : NULL,
               *end = url.text + url.size;
    struct pw_slice value = {0};

    if (at) {
        value.text = at + size;
        while (value.text + value.size < end && value.text[value.size] != '&') {
            value.size++;
        }
    }
    return value;
}

/* Fills in what the JSON says; 0, -EINVAL if it is none that we know, 1 if it is to be left out. */
static int line_classify(struct capture *capture, const struct preamble *preamble, struct line *line)
{
    struct pw_slice json = preamble->json, value, stream, data;
    char name[PW_SIM_STREAM_BYTES];

    line->data_bytes = line->bytes;
    line->stream_idx = PW_SIM_NO_STREAM;
    line->symbol_idx = NO_SYMBOL;
    if (preamble->url.size && memmem(preamble->url.text, preamble->url.size, "exchangeInfo", 12)) {
        capture->info_offset = line->offset;
        capture->info_bytes = line->bytes;
        return 1;
    }
    if (pw_sim_walk_member(json, "stream", &value) && pw_sim_walk_inside(value, &stream) &&
        pw_sim_walk_member(json, "data", &data)) {
        line->data_offset = (uint32_t)(data.text - json.text);
        line->data_bytes = (uint32_t)data.size;
    } else if (pw_sim_walk_member(json, "lastUpdateId", &value)) {
        line->kind = LINE_SNAPSHOT;
        line->symbol_idx = symbol_make(capture, url_parameter(preamble->url, "symbol"));
        return 0;
    } else if (preamble->url.size) {
        return 1;
    } else if (bare_stream(json, name, sizeof name)) {
        stream = (struct pw_slice){name, strlen(name)};
        line->bare = true;
    } else {
        return -EINVAL;
    }
    line->kind = (uint8_t)stream_kind(stream);
    line->stream_idx = pw_sim_hub_add(capture->hub, stream);
    line->symbol_idx = stream_symbol(capture, stream);
    return line->stream_idx == PW_SIM_NO_STREAM ? -EINVAL : 0;
}

/* Room for more of a file; false when the limit is reached or memory is out. */
static bool arena_grow(struct capture *capture)
{
    size_t limit = (size_t)capture->config->memory_mib << 20;
    size_t capacity = capture->arena_capacity ? capture->arena_capacity * 2 : (size_t)1 << 20;
    char *arena;

    if (capacity > limit) {
        capacity = limit;
    }
    if (capacity <= capture->arena_bytes || !(arena = realloc(capture->arena, capacity))) {
        return false;
    }
    capture->arena = arena;
    capture->arena_capacity = capacity;
    return true;
}

static int file_read(struct capture *capture, const char *path, char *error, size_t error_bytes)
{
    gzFile file = gzopen(path, "rb"); /* reads plain files too */
    bool room = true;
    int got = 0, closed;

    if (!file) {
        snprintf(error, error_bytes, "%s: cannot be opened: %s", path, strerror(errno));
        return -ENOENT;
    }
    do {
        capture->arena_bytes += (size_t)got;
        room = capture->arena_bytes < capture->arena_capacity || arena_grow(capture);
        got = room ? gzread(file, capture->arena + capture->arena_bytes,
                            (unsigned)(capture->arena_capacity - capture->arena_bytes))
                   : 0;
    } while (got > 0);
    closed = gzclose_r(file);
    if (!room) {
        snprintf(error, error_bytes, "%s: the captures are larger than capture.memory_mib (%u)", path,
                 capture->config->memory_mib);
        return -ENOMEM;
    }
    if (got < 0 || closed != Z_OK) {
        snprintf(error, error_bytes, "%s: is damaged or cut short", path);
        return -EIO;
    }
    return 0;
}

/* Cuts the arena's bytes from `begin` on into lines. */
static int lines_cut(struct capture *capture, const char *path, size_t begin, char *error, size_t error_bytes)
{
    uint32_t number = 0;

    for (size_t at = begin; at < capture->arena_bytes; number++) {
        const char *text = capture->arena + at, *newline = memchr(text, '\n', capture->arena_bytes - at);
        struct pw_slice whole = {text, newline ? (size_t)(newline - text) : capture->arena_bytes - at};
        struct preamble preamble;
        struct line line = {0};
        int result;

        at += whole.size + 1;
        if (whole.size && text[whole.size - 1] == '\r') {
            whole.size--;
        }
        if (is_remark(whole)) {
            continue;
        }
        result = preamble_parse(whole, &preamble) ? 0 : -EINVAL;
        if (!result) {
            line.time_ns = preamble.time_ns;
            line.offset = (uint64_t)(preamble.json.text - capture->arena);
            line.bytes = (uint32_t)preamble.json.size;
            result = line_classify(capture, &preamble, &line);
        }
        if (!result && !line_append(capture, &line)) {
            result = -ENOMEM;
        }
        if (result < 0) {
            snprintf(error, error_bytes, "%s:%u: not a line of a capture that is known here", path,
                     number + 1);
            return result;
        }
    }
    return 0;
}

static uint64_t update_id(struct pw_slice object, const char *name)
{
    struct pw_slice value;
    int64_t id;

    return pw_sim_walk_member(object, name, &value) && pw_sim_walk_int(value, &id) && id > 0 ? (uint64_t)id
                                                                                             : 0;
}

/* A snapshot without a symbol belongs to the symbol of its file whose updates come closest to its id. */
static void snapshot_place(struct capture *capture, struct line *snapshot, uint32_t begin, uint32_t end)
{
    uint64_t id = update_id(line_data(capture, snapshot), "lastUpdateId"), nearest = UINT64_MAX;

    for (uint32_t i = begin; i < end; i++) {
        const struct line *line = &capture->lines[i];
        uint64_t last, distance;
        if (line->kind != LINE_DEPTH || line->symbol_idx == NO_SYMBOL) {
            continue;
        }
        last = update_id(line_data(capture, line), "u");
        distance = last > id ? last - id : id - last;
        if (distance < nearest) {
            nearest = distance;
            snapshot->symbol_idx = line->symbol_idx;
        }
    }
}

static int file_load(struct capture *capture, const char *path, char *error, size_t error_bytes)
{
    size_t begin = capture->arena_bytes;
    uint32_t first = capture->line_cnt;
    int result = file_read(capture, path, error, error_bytes);

    if (!result) {
        result = lines_cut(capture, path, begin, error, error_bytes);
    }
    for (uint32_t i = first; !result && i < capture->line_cnt; i++) {
        if (capture->lines[i].kind == LINE_SNAPSHOT && capture->lines[i].symbol_idx == NO_SYMBOL) {
            snapshot_place(capture, &capture->lines[i], first, capture->line_cnt);
        }
    }
    return result;
}

static int line_order(const void *left, const void *right)
{
    const struct line *a = left, *b = right;

    if (a->time_ns != b->time_ns) {
        return a->time_ns < b->time_ns ? -1 : 1;
    }
    return a->offset < b->offset ? -1 : a->offset > b->offset; /* as given */
}

static void capture_index(struct capture *capture)
{
    if (capture->config->merge) {
        qsort(capture->lines, capture->line_cnt, sizeof *capture->lines, line_order);
    }
    units_learn(capture);
    for (uint32_t i = 0; i < capture->line_cnt; i++) {
        const struct line *line = &capture->lines[i];
        struct symbol_state *state;
        if (line->kind != LINE_SNAPSHOT || line->symbol_idx == NO_SYMBOL) {
            continue;
        }
        state = &capture->states[line->symbol_idx];
        if (state->snapshot_idx != NO_LINE) {
            continue;
        }
        state->snapshot_idx = i;
        state->snapshot_update_id = update_id(line_data(capture, line), "lastUpdateId");
    }
    capture->exchange_info = (struct pw_slice){capture->arena + capture->info_offset, capture->info_bytes};
}

/* ---- serving ---- */

static bool depth_heard(const struct capture *capture, uint16_t symbol_idx)
{
    for (uint32_t i = 0; i < capture->hub->stream_cnt; i++) {
        const struct pw_sim_stream *stream = pw_sim_hub_stream(capture->hub, i);
        struct pw_slice name = {stream->name, stream->name_bytes};
        const char *symbol = capture->symbols[symbol_idx].name;
        size_t size = strlen(symbol);
        if (stream->subscriber_cnt && stream->own && stream_kind(name) == LINE_DEPTH && name.size > size &&
            name.text[size] == '@' && strncasecmp(name.text, symbol, size) == 0) {
            return true;
        }
    }
    return false;
}

/* Whether the snapshot at the cursor is still to be waited for. */
static bool snapshot_waits(struct capture *capture, const struct line *line, int64_t wall_ns)
{
    const struct symbol_state *state;

    if (line->symbol_idx == NO_SYMBOL) {
        return false;
    }
    state = &capture->states[line->symbol_idx];
    if (state->fetched || state->snapshot_idx != capture->cursor || !depth_heard(capture, line->symbol_idx)) {
        return false;
    }
    if (!capture->held_ns) {
        capture->held_ns = wall_ns;
    }
    return wall_ns - capture->held_ns < (int64_t)capture->config->hold_ms * 1000000;
}

static enum pw_sim_next capture_next(void *state, int64_t wall_ns, int64_t *market_ns)
{
    struct capture *capture = state;

    while (capture->cursor < capture->line_cnt) {
        const struct line *line = &capture->lines[capture->cursor];
        if (line->kind != LINE_SNAPSHOT) {
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
static void microseconds_copy(struct pw_slice object, bool candle, struct pw_sim_buffer *out)
{
    struct pw_sim_walk walk;
    const char *comma = "{\"";

    pw_sim_walk_begin(&walk, object);
    for (; pw_sim_walk_next(&walk); comma = ",\"") {
        bool time = pw_slice_equal(walk.key, "T") || pw_slice_equal(walk.key, candle ? "t" : "E");
        int64_t value;
        pw_sim_buffer_string(out, comma);
        pw_sim_buffer_slice(out, walk.key);
        pw_sim_buffer_string(out, "\":");
        if (pw_slice_equal(walk.key, "k") && walk.value.text[0] == '{') {
            microseconds_copy(walk.value, true, out);
        } else {
            pw_sim_buffer_slice(out, walk.value);
        }
        if (time && walk.value.size == MILLISECOND_DIGITS && pw_sim_walk_int(walk.value, &value)) {
            pw_sim_buffer_string(out, "000");
        }
    }
    pw_sim_buffer_string(out, "}");
}

static void capture_step(void *state)
{
    struct capture *capture = state;
    const struct line *line = &capture->lines[capture->cursor++];
    const char *json = capture->arena + line->offset;
    struct pw_sim_message message = {.data = {json + line->data_offset, line->data_bytes}};

    if (!line->bare) {
        message.whole = (struct pw_slice){json, line->bytes};
    }
    if (pw_sim_hub_stream(capture->hub, line->stream_idx)->microsecond_cnt && message.data.text[0] == '{') {
        pw_sim_buffer_clear(&capture->scratch);
        microseconds_copy(message.data, false, &capture->scratch);
        message.data_microsecond =
            (struct pw_slice){capture->scratch.data, capture->scratch.failed ? 0 : capture->scratch.size};
    }
    pw_sim_hub_publish(capture->hub, line->stream_idx, &message);
}

static bool snapshot_apply(struct capture *capture, struct pw_sim_symbol *symbol, const struct line *line)
{
    struct pw_slice data = line_data(capture, line);
    uint64_t id = update_id(data, "lastUpdateId");

    if (id < symbol->book.last_update_id) {
        return true;
    }
    pw_sim_book_clear(&symbol->book);
    symbol->book.last_update_id = id;
    return sides_use(symbol, data, true, false);
}

static void trade_apply(struct pw_sim_symbol *symbol, struct pw_slice data, bool aggregate)
{
    struct pw_sim_tape_trade trade = {0};
    struct pw_slice value;
    int64_t time_ms;

    if (!pair_of(data, "p", "q", &trade.price_e8, &trade.qty_e8) || !pw_sim_walk_member(data, "T", &value) ||
        !pw_sim_walk_int(value, &time_ms)) {
        return;
    }
    trade.time_ns = time_ms * 1000000;
    trade.trade_id = update_id(data, aggregate ? "l" : "t");
    trade.buyer_maker = pw_sim_walk_member(data, "m", &value) && pw_slice_equal(value, "true");
    pw_sim_tape_add(symbol->tape, trade);
}

static bool line_apply(struct capture *capture, struct pw_sim_symbol *symbol, const struct line *line)
{
    struct pw_slice data = line_data(capture, line);
    uint64_t last;

    switch (line->kind) {
    case LINE_SNAPSHOT:
        return snapshot_apply(capture, symbol, line);
    case LINE_DEPTH:
        last = update_id(data, "u");
        if (last <= symbol->book.last_update_id) {
            return true;
        }
        symbol->book.last_update_id = last;
        return sides_use(symbol, data, false, false);
    case LINE_TRADE:
    case LINE_AGG_TRADE:
        trade_apply(symbol, data, line->kind == LINE_AGG_TRADE);
        return true;
    default:
        return true;
    }
}

/* The top of the book: the last bookTicker, or the book's where there are none. */
static void quote_refresh(struct capture *capture, struct pw_sim_symbol *symbol, uint32_t line_idx)
{
    const struct pw_level *bid = pw_sim_book_best(&symbol->book, PW_BUY);
    const struct pw_level *ask = pw_sim_book_best(&symbol->book, PW_SELL);
    struct pw_quote quote = {0};

    if (line_idx != NO_LINE) {
        struct pw_slice data = line_data(capture, &capture->lines[line_idx]);
        if (pair_of(data, "b", "B", &quote.bid_price_e8, &quote.bid_qty_e8) &&
            pair_of(data, "a", "A", &quote.ask_price_e8, &quote.ask_qty_e8)) {
            symbol->top = quote;
        }
        return;
    }
    if (bid) {
        quote.bid_price_e8 = bid->price_e8;
        quote.bid_qty_e8 = bid->qty_e8;
    }
    if (ask) {
        quote.ask_price_e8 = ask->price_e8;
        quote.ask_qty_e8 = ask->qty_e8;
    }
    symbol->top = quote;
}

static bool capture_refresh(void *state, struct pw_sim_symbol *symbol)
{
    struct capture *capture = state;
    uint32_t symbol_idx = (uint32_t)(symbol - capture->symbols);
    struct symbol_state *own = &capture->states[symbol_idx];

    if (!symbol->tape && !(symbol->tape = calloc(1, sizeof *symbol->tape))) {
        return false;
    }
    /* The first snapshot counts from the beginning: what it holds already is skipped by its id. */
    if (own->snapshot_idx != NO_LINE && !symbol->book.last_update_id &&
        !snapshot_apply(capture, symbol, &capture->lines[own->snapshot_idx])) {
        return false;
    }
    for (; own->applied < capture->cursor; own->applied++) {
        const struct line *line = &capture->lines[own->applied];
        if (line->symbol_idx == symbol_idx && !line_apply(capture, symbol, line)) {
            return false;
        }
        if (line->symbol_idx == symbol_idx && line->kind == LINE_QUOTE) {
            own->quote_idx = own->applied;
        }
    }
    quote_refresh(capture, symbol, own->quote_idx);
    return true;
}

/* At most level_limit elements of a recorded array, each as written. */
static void levels_copy(struct pw_slice levels, uint32_t level_limit, struct pw_sim_buffer *out)
{
    struct pw_sim_walk walk;
    uint32_t cnt = 0;

    pw_sim_buffer_string(out, "[");
    if (pw_sim_walk_begin(&walk, levels)) {
        for (; cnt < level_limit && pw_sim_walk_next(&walk); cnt++) {
            pw_sim_buffer_string(out, cnt ? "," : "");
            pw_sim_buffer_slice(out, walk.value);
        }
    }
    pw_sim_buffer_string(out, "]");
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

static void snapshot_copy(struct pw_slice snapshot, uint32_t level_limit, struct pw_sim_buffer *out)
{
    struct pw_slice bids = {0}, asks = {0}, id = {0};

    pw_sim_walk_member(snapshot, "bids", &bids);
    pw_sim_walk_member(snapshot, "asks", &asks);
    pw_sim_walk_member(snapshot, "lastUpdateId", &id);
    if (levels_count(bids) <= level_limit && levels_count(asks) <= level_limit) {
        pw_sim_buffer_slice(out, snapshot);
        return;
    }
    pw_sim_buffer_string(out, "{\"lastUpdateId\":");
    pw_sim_buffer_slice(out, id);
    pw_sim_buffer_string(out, ",\"bids\":");
    levels_copy(bids, level_limit, out);
    pw_sim_buffer_string(out, ",\"asks\":");
    levels_copy(asks, level_limit, out);
    pw_sim_buffer_string(out, "}");
}

static bool capture_depth(void *state, struct pw_sim_symbol *symbol, uint32_t level_limit,
                          struct pw_sim_buffer *out)
{
    struct capture *capture = state;
    struct symbol_state *own = &capture->states[symbol - capture->symbols];
    bool recorded = own->snapshot_idx != NO_LINE && capture->cursor <= own->snapshot_idx && !own->fetched;

    if (!recorded) {
        if (!capture_refresh(capture, symbol)) {
            return false;
        }
        recorded = own->snapshot_idx != NO_LINE && symbol->book.last_update_id == own->snapshot_update_id;
    }
    own->fetched |= recorded;
    if (recorded) {
        snapshot_copy(line_data(capture, &capture->lines[own->snapshot_idx]), level_limit, out);
    } else {
        pw_sim_book_print(&symbol->book, level_limit, out);
    }
    return !out->failed;
}

static struct pw_slice capture_exchange_info(void *state)
{
    const struct capture *capture = state;

    return capture->exchange_info;
}

static void capture_rewind(void *state)
{
    struct capture *capture = state;

    capture->cursor = 0;
    capture->held_ns = 0;
    for (uint32_t i = 0; i < capture->symbol_cnt; i++) {
        capture->states[i].applied = 0;
        capture->states[i].quote_idx = NO_LINE;
        capture->states[i].fetched = false;
        pw_sim_book_clear(&capture->symbols[i].book);
        free(capture->symbols[i].tape);
        capture->symbols[i].tape = NULL;
    }
}

static void capture_free(void *state)
{
    struct capture *capture = state;

    pw_sim_symbols_free(capture->symbols, capture->symbol_cnt);
    pw_sim_buffer_free(&capture->scratch);
    free(capture->states);
    free(capture->lines);
    free(capture->arena);
    free(capture);
}

static const struct pw_sim_source_ops capture_ops = {.next = capture_next,
                                                     .step = capture_step,
                                                     .refresh = capture_refresh,
                                                     .depth = capture_depth,
                                                     .exchange_info = capture_exchange_info,
                                                     .rewind = capture_rewind,
                                                     .free = capture_free};

int pw_sim_capture_load(struct pw_sim_source *source, const struct pw_sim_capture_config *config,
                        struct pw_sim_hub *hub, char *error, size_t error_bytes)
{
    struct capture *capture = calloc(1, sizeof *capture);
    int result = -ENOMEM;

    snprintf(error, error_bytes, "no memory");
    if (!capture) {
        return -ENOMEM;
    }
    capture->config = config;
    capture->hub = hub;
    capture->symbols = calloc(PW_SIM_SYMBOLS_MAX, sizeof *capture->symbols);
    capture->states = calloc(PW_SIM_SYMBOLS_MAX, sizeof *capture->states);
    if (capture->symbols && capture->states) {
        result = 0;
    }
    for (uint32_t i = 0; !result && i < config->file_cnt; i++) {
        result = file_load(capture, config->files[i], error, error_bytes);
    }
    if (!result && !capture->line_cnt) {
        snprintf(error, error_bytes, "the captures hold no market data");
        result = -EINVAL;
    }
    if (result) {
        capture_free(capture);
        return result;
    }
    capture_index(capture);
    *source = (struct pw_sim_source){&capture_ops, capture, capture->symbols, capture->symbol_cnt};
    return 0;
}
