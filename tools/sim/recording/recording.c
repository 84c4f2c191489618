/* SPDX-License-Identifier: MIT
 *
 * Loading of captures: see recording.h.
 */
#include "recording.h"

#include "names.h"
#include "walk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* ---- symbols ---- */

static uint16_t symbol_make(struct pw_sim_recording *recording, struct pw_slice name)
{
    struct pw_sim_symbol *symbol;
    uint32_t i;

    for (i = 0; i < recording->symbol_cnt; i++) {
        if (pw_slice_equal(name, recording->symbols[i].name)) {
            return (uint16_t)i;
        }
    }
    if (i == PW_SIM_SYMBOLS_MAX || name.size == 0 || name.size >= PW_SIM_SYMBOL_BYTES) {
        return PW_SIM_NO_SYMBOL;
    }
    symbol = &recording->symbols[i];
    memcpy(symbol->name, name.text, name.size);
    pw_sim_symbol_split(symbol);
    symbol->tick_e8 = symbol->step_e8 = PW_E8; /* until the data show finer ones */
    recording->symbol_cnt++;
    return (uint16_t)i;
}

/* "btcusdt@trade" is BTCUSDT's; streams of all symbols ("!miniTicker@arr") are nobody's. */
static uint16_t stream_symbol(struct pw_sim_recording *recording, struct pw_slice stream)
{
    char name[PW_SIM_SYMBOL_BYTES];
    const char *at = memchr(stream.text, '@', stream.size);
    size_t size = at ? (size_t)(at - stream.text) : 0;

    if (!size || size >= sizeof name || stream.text[0] == '!') {
        return PW_SIM_NO_SYMBOL;
    }
    for (size_t i = 0; i < size; i++) {
        name[i] = pw_sim_upper(stream.text[i]);
    }
    return symbol_make(recording, (struct pw_slice){name, size});
}

static void unit_refine(int64_t *unit_e8, int64_t value_e8)
{
    while (value_e8 % *unit_e8) {
        *unit_e8 /= 10;
    }
}

struct pw_slice pw_sim_line_data(const struct pw_sim_recording *recording, const struct pw_sim_line *line)
{
    return (struct pw_slice){recording->arena + line->offset + line->data_offset, line->data_bytes};
}

/* Tick and step are the coarsest powers of ten that a symbol's prices and quantities are multiples of.
 * Resting orders may be older than today's step: their quantities count only where trades and quotes are few.
 */
#define SAMPLES_ENOUGH 100u

static void line_learn_top(struct pw_sim_recording *recording, const struct pw_sim_line *line)
{
    struct pw_sim_symbol *symbol = &recording->symbols[line->symbol_idx];
    bool quote = line->kind == PW_SIM_LINE_QUOTE;
    struct pw_level level;

    if (!pw_sim_line_pair(pw_sim_line_data(recording, line), quote ? "a" : "p", quote ? "A" : "q", &level)) {
        return;
    }
    unit_refine(&symbol->tick_e8, level.price_e8);
    unit_refine(&symbol->step_e8, level.qty_e8);
    recording->sample_cnts[line->symbol_idx]++;
}

static bool level_learn(struct pw_sim_symbol *symbol, enum pw_side side, struct pw_level level)
{
    (void)side;
    unit_refine(&symbol->tick_e8, level.price_e8);
    unit_refine(&symbol->step_e8, level.qty_e8);
    return true;
}

static void line_learn_depth(struct pw_sim_recording *recording, const struct pw_sim_line *line)
{
    struct pw_sim_symbol *symbol = &recording->symbols[line->symbol_idx];
    bool snapshot = line->kind == PW_SIM_LINE_SNAPSHOT;
    int64_t step_e8 = symbol->step_e8;

    pw_sim_line_levels(pw_sim_line_data(recording, line), snapshot, level_learn, symbol);
    if (recording->sample_cnts[line->symbol_idx] >= SAMPLES_ENOUGH) {
        symbol->step_e8 = step_e8;
    }
}

static void units_learn(struct pw_sim_recording *recording)
{
    for (uint32_t i = 0; i < recording->line_cnt; i++) {
        if (recording->lines[i].symbol_idx != PW_SIM_NO_SYMBOL &&
            recording->lines[i].kind <= PW_SIM_LINE_QUOTE) {
            line_learn_top(recording, &recording->lines[i]);
        }
    }
    for (uint32_t i = 0; i < recording->line_cnt; i++) {
        if (recording->lines[i].symbol_idx != PW_SIM_NO_SYMBOL &&
            (recording->lines[i].kind == PW_SIM_LINE_DEPTH ||
             recording->lines[i].kind == PW_SIM_LINE_SNAPSHOT)) {
            line_learn_depth(recording, &recording->lines[i]);
        }
    }
}

/* ---- loading ---- */

static bool line_append(struct pw_sim_recording *recording, const struct pw_sim_line *line)
{
    if (recording->line_cnt == recording->line_capacity) {
        uint32_t capacity = recording->line_capacity ? recording->line_capacity * 2 : 65536;
        struct pw_sim_line *lines = realloc(recording->lines, capacity * sizeof *lines);
        if (!lines) {
            return false;
        }
        recording->lines = lines;
        recording->line_capacity = capacity;
    }
    recording->lines[recording->line_cnt++] = *line;
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
static int line_classify(struct pw_sim_recording *recording, const struct pw_sim_preamble *preamble,
                         struct pw_sim_line *line)
{
    struct pw_slice json = preamble->json, value, stream, data;
    char name[PW_SIM_STREAM_BYTES];

    line->data_bytes = line->bytes;
    line->stream_idx = PW_SIM_NO_STREAM;
    line->symbol_idx = PW_SIM_NO_SYMBOL;
    if (preamble->url.size && memmem(preamble->url.text, preamble->url.size, "exchangeInfo", 12)) {
        recording->info_offset = line->offset;
        recording->info_bytes = line->bytes;
        return 1;
    }
    if (pw_sim_walk_member(json, "stream", &value) && pw_sim_walk_inside(value, &stream) &&
        pw_sim_walk_member(json, "data", &data)) {
        line->data_offset = (uint32_t)(data.text - json.text);
        line->data_bytes = (uint32_t)data.size;
    } else if (pw_sim_walk_member(json, "lastUpdateId", &value)) {
        line->kind = PW_SIM_LINE_SNAPSHOT;
        line->symbol_idx = symbol_make(recording, url_parameter(preamble->url, "symbol"));
        return 0;
    } else if (preamble->url.size) {
        return 1;
    } else if (pw_sim_bare_stream(json, name, sizeof name)) {
        stream = (struct pw_slice){name, strlen(name)};
        line->bare = true;
    } else {
        return -EINVAL;
    }
    line->kind = (uint8_t)pw_sim_stream_kind(stream);
    line->stream_idx = pw_sim_hub_add(recording->hub, stream);
    line->symbol_idx = stream_symbol(recording, stream);
    return line->stream_idx == PW_SIM_NO_STREAM ? -EINVAL : 0;
}

/* Room for more of a file; false when the limit is reached or memory is out. */
static bool arena_grow(struct pw_sim_recording *recording)
{
    size_t limit = (size_t)recording->config->memory_mib << 20;
    size_t capacity = recording->arena_capacity ? recording->arena_capacity * 2 : (size_t)1 << 20;
    char *arena;

    if (capacity > limit) {
        capacity = limit;
    }
    if (capacity <= recording->arena_bytes || !(arena = realloc(recording->arena, capacity))) {
        return false;
    }
    recording->arena = arena;
    recording->arena_capacity = capacity;
    return true;
}

static int file_read(struct pw_sim_recording *recording, const char *path, char *error, size_t error_bytes)
{
    gzFile file = gzopen(path, "rb"); /* reads plain files too */
    bool room = true;
    int got = 0, closed;

    if (!file) {
        snprintf(error, error_bytes, "%s: cannot be opened: %s", path, strerror(errno));
        return -ENOENT;
    }
    do {
        recording->arena_bytes += (size_t)got;
        room = recording->arena_bytes < recording->arena_capacity || arena_grow(recording);
        got = room ? gzread(file, recording->arena + recording->arena_bytes,
                            (unsigned)(recording->arena_capacity - recording->arena_bytes))
                   : 0;
    } while (got > 0);
    closed = gzclose_r(file);
    if (!room) {
        snprintf(error, error_bytes, "%s: the captures are larger than capture.memory_mib (%u)", path,
                 recording->config->memory_mib);
        return -ENOMEM;
    }
    if (got < 0 || closed != Z_OK) {
        snprintf(error, error_bytes, "%s: is damaged or cut short", path);
        return -EIO;
    }
    return 0;
}

/* Cuts the arena's bytes from `begin` on into lines. */
static int lines_cut(struct pw_sim_recording *recording, const char *path, size_t begin, char *error,
                     size_t error_bytes)
{
    uint32_t number = 0;

    for (size_t at = begin; at < recording->arena_bytes; number++) {
        const char *text = recording->arena + at, *newline = memchr(text, '\n', recording->arena_bytes - at);
        struct pw_slice whole = {text, newline ? (size_t)(newline - text) : recording->arena_bytes - at};
        struct pw_sim_preamble preamble;
        struct pw_sim_line line = {0};
        int result;

        at += whole.size + 1;
        if (whole.size && text[whole.size - 1] == '\r') {
            whole.size--;
        }
        if (pw_sim_line_is_remark(whole)) {
            continue;
        }
        result = pw_sim_preamble_parse(whole, &preamble) ? 0 : -EINVAL;
        if (!result) {
            line.time_ns = preamble.time_ns;
            line.offset = (uint64_t)(preamble.json.text - recording->arena);
            line.bytes = (uint32_t)preamble.json.size;
            result = line_classify(recording, &preamble, &line);
        }
        if (!result && !line_append(recording, &line)) {
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

/* A snapshot without a symbol belongs to the symbol of its file whose updates come closest to its id. */
static void snapshot_place(struct pw_sim_recording *recording, struct pw_sim_line *snapshot, uint32_t begin,
                           uint32_t end)
{
    uint64_t id = pw_sim_line_id(pw_sim_line_data(recording, snapshot), "lastUpdateId"), nearest = UINT64_MAX;

    for (uint32_t i = begin; i < end; i++) {
        const struct pw_sim_line *line = &recording->lines[i];
        uint64_t last, distance;
        if (line->kind != PW_SIM_LINE_DEPTH || line->symbol_idx == PW_SIM_NO_SYMBOL) {
            continue;
        }
        last = pw_sim_line_id(pw_sim_line_data(recording, line), "u");
        distance = last > id ? last - id : id - last;
        if (distance < nearest) {
            nearest = distance;
            snapshot->symbol_idx = line->symbol_idx;
        }
    }
}

static int file_load(struct pw_sim_recording *recording, const char *path, char *error, size_t error_bytes)
{
    size_t begin = recording->arena_bytes;
    uint32_t first = recording->line_cnt;
    int result = file_read(recording, path, error, error_bytes);

    if (!result) {
        result = lines_cut(recording, path, begin, error, error_bytes);
    }
    for (uint32_t i = first; !result && i < recording->line_cnt; i++) {
        if (recording->lines[i].kind == PW_SIM_LINE_SNAPSHOT &&
            recording->lines[i].symbol_idx == PW_SIM_NO_SYMBOL) {
            snapshot_place(recording, &recording->lines[i], first, recording->line_cnt);
        }
    }
    return result;
}

static int line_order(const void *left, const void *right)
{
    const struct pw_sim_line *a = left, *b = right;

    if (a->time_ns != b->time_ns) {
        return a->time_ns < b->time_ns ? -1 : 1;
    }
    return a->offset < b->offset ? -1 : a->offset > b->offset; /* as given */
}

int pw_sim_recording_load(struct pw_sim_recording *recording, const struct pw_sim_capture_config *config,
                          struct pw_sim_hub *hub, char *error, size_t error_bytes)
{
    int result = 0;

    recording->config = config;
    recording->hub = hub;
    recording->symbols = calloc(PW_SIM_SYMBOLS_MAX, sizeof *recording->symbols);
    recording->sample_cnts = calloc(PW_SIM_SYMBOLS_MAX, sizeof *recording->sample_cnts);
    if (!recording->symbols || !recording->sample_cnts) {
        snprintf(error, error_bytes, "no memory");
        return -ENOMEM;
    }
    for (uint32_t i = 0; !result && i < config->file_cnt; i++) {
        result = file_load(recording, config->files[i], error, error_bytes);
    }
    if (!result && !recording->line_cnt) {
        snprintf(error, error_bytes, "the captures hold no market data");
        result = -EINVAL;
    }
    if (!result && config->merge) {
        qsort(recording->lines, recording->line_cnt, sizeof *recording->lines, line_order);
    }
    if (!result) {
        units_learn(recording);
    }
    return result;
}

void pw_sim_recording_free(struct pw_sim_recording *recording)
{
    pw_sim_symbols_free(recording->symbols, recording->symbol_cnt);
    free(recording->sample_cnts);
    free(recording->lines);
    free(recording->arena);
    *recording = (struct pw_sim_recording){0};
}
