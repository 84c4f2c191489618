/* SPDX-License-Identifier: MIT
 *
 * What the tools that watch an engine have in common.
 */
#include "watch.h"
#include "cli.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HANGS_MS          1000
#define HANGS_LOOK_MS     10
#define STARTING_TRIES    50 /* of 100 ms: a large workspace takes a while to be laid out */
#define STARTING_SLEEP_MS 100
#define INSTANCES_MAX     64u

/* ---- instances ---- */

static const char *instance_state(const char *name)
{
    struct pw_workspace ws;
    char error[512];
    int result = pw_workspace_attach(&ws, name, error, sizeof error);
    if (result != 0) {
        return result == -EAGAIN ? "starting" : "unreadable";
    }
    bool alive = pw_workspace_alive(&ws);
    const char *state = pw_engine_state_name(pw_watch_get(&ws.header->state));
    bool stopped = pw_watch_get(&ws.header->state) == PW_ENGINE_STOPPED;
    pw_workspace_close(&ws, false);
    return alive || stopped ? state : "dead";
}

static void list_print(FILE *out, const struct pw_instance_name *names, uint32_t name_cnt)
{
    for (uint32_t i = 0; i < name_cnt; i++) {
        fprintf(out, "%-31s %s\n", names[i].name, instance_state(names[i].name));
    }
}

static void list_print_json(FILE *out, const struct pw_instance_name *names, uint32_t name_cnt)
{
    struct pw_json_writer json = {.out = out};
    pw_json_put_open(&json, NULL, '{');
    pw_json_put_open(&json, "engines", '[');
    for (uint32_t i = 0; i < name_cnt; i++) {
        pw_json_put_open(&json, NULL, '{');
        pw_json_put_text(&json, "instance", names[i].name);
        pw_json_put_text(&json, "state", instance_state(names[i].name));
        pw_json_put_close(&json, '}');
    }
    pw_json_put_close(&json, ']');
    pw_json_put_close(&json, '}');
    fputc('\n', out);
}

void pw_watch_list(FILE *out, bool json)
{
    struct pw_instance_name names[INSTANCES_MAX];
    uint32_t name_cnt = pw_workspace_list(names, INSTANCES_MAX);
    (json ? list_print_json : list_print)(out, names, name_cnt);
}

bool pw_watch_exists(const char *instance)
{
    struct pw_instance_name names[INSTANCES_MAX];
    uint32_t name_cnt = pw_workspace_list(names, INSTANCES_MAX);
    for (uint32_t i = 0; i < name_cnt; i++) {
        if (strcmp(names[i].name, instance) == 0) {
            return true;
        }
    }
    return false;
}

/* The only instance there is. */
static int only_instance(struct pw_instance_name *only, char error[PW_WATCH_ERROR_BYTES])
{
    struct pw_instance_name names[INSTANCES_MAX];
    uint32_t name_cnt = pw_workspace_list(names, INSTANCES_MAX);
    if (name_cnt == 1) {
        *only = names[0];
        return 0;
    }
    snprintf(error, PW_WATCH_ERROR_BYTES, "%s",
             name_cnt > 1
                 ? "several instances; name one of those below"
                 : "no engine is running, and none has left its memory; `pinwheel run CONFIG` starts one");
    return name_cnt > 1 ? -E2BIG : -ENOENT;
}

int pw_watch_open(struct pw_workspace *ws, const char *instance, char error[PW_WATCH_ERROR_BYTES])
{
    struct pw_instance_name only;
    int result = instance == NULL ? only_instance(&only, error) : 0;
    if (result != 0) {
        return result;
    }
    result = -EAGAIN;
    for (int i = 0; i < STARTING_TRIES && result == -EAGAIN; i++) {
        if (i > 0) {
            pw_watch_sleep_ms(STARTING_SLEEP_MS);
        }
        result =
            pw_workspace_attach(ws, instance != NULL ? instance : only.name, error, PW_WATCH_ERROR_BYTES);
    }
    return result;
}

enum pw_watch_exit pw_watch_attach(struct pw_workspace *ws, const char *instance)
{
    char error[PW_WATCH_ERROR_BYTES];
    int result = pw_watch_open(ws, instance, error);
    if (result == 0) {
        return PW_WATCH_OK;
    }
    if (result != -E2BIG) {
        pw_cli_error("%s", error);
        return PW_WATCH_ABSENT;
    }
    pw_cli_wrong("%s", error);
    pw_watch_list(stderr, false);
    return PW_WATCH_USAGE;
}

/* ---- regions ---- */

const void *pw_watch_next(struct pw_watch_rows *rows)
{
    const struct pw_workspace_header *header = rows->ws->header;
    while (rows->region == NULL || rows->next_row == rows->region->row_cnt) {
        if (rows->next_region == header->region_cnt) {
            return NULL;
        }
        const struct pw_region *region = &header->regions[rows->next_region++];
        rows->region = region->kind == (uint32_t)rows->kind ? region : NULL;
        rows->next_row = 0;
    }
    rows->row_idx = rows->next_row++;
    rows->row = pw_region_at(rows->ws, rows->region, rows->row_idx);
    return rows->row;
}

const void *pw_watch_first(const struct pw_workspace *ws, enum pw_region_kind kind)
{
    return pw_watch_next(&(struct pw_watch_rows){.ws = ws, .kind = kind});
}

const struct pw_instrument *pw_watch_instrument(const struct pw_workspace *ws, uint32_t instrument_idx)
{
    struct pw_watch_rows rows = {.ws = ws, .kind = PW_REGION_INSTRUMENTS};
    const struct pw_instrument *instruments = pw_watch_next(&rows);
    bool is_there = instruments != NULL && rows.region->row_bytes == sizeof *instruments &&
                    instrument_idx < rows.region->row_cnt;
    return is_there ? &instruments[instrument_idx] : NULL;
}

const char *pw_watch_symbol(const struct pw_workspace *ws, uint32_t instrument_idx)
{
    struct pw_watch_rows rows = {.ws = ws, .kind = PW_REGION_INSTRUMENTS};
    const struct pw_instrument *instruments = pw_watch_next(&rows);
    static char texts[8][PW_INSTRUMENT_NAME_BYTES]; /* a few may stand in one line */
    static unsigned next;
    return instruments == NULL || rows.region->row_bytes != sizeof *instruments
               ? NULL
               : pw_instrument_name(instruments, rows.region->row_cnt, instrument_idx, texts[next++ % 8]);
}

bool pw_watch_fact(const struct pw_workspace *ws, const char *key, char *value, size_t value_bytes)
{
    struct pw_watch_rows rows = {.ws = ws, .kind = PW_REGION_INFO};
    const char *at = pw_watch_next(&rows);
    const char *end = at ? at + strnlen(at, rows.region->bytes) : NULL;
    size_t key_len = strlen(key);
    while (at && at < end) {
        const char *eol = memchr(at, '\n', (size_t)(end - at));
        size_t len = (size_t)((eol ? eol : end) - at);
        if (len > key_len + 2 && memcmp(at, key, key_len) == 0 && memcmp(at + key_len, ": ", 2) == 0) {
            snprintf(value, value_bytes, "%.*s", (int)(len - key_len - 2), at + key_len + 2);
            return true;
        }
        at += len + 1;
    }
    return false;
}

bool pw_watch_word(const struct pw_workspace *ws, const char *key, uint32_t nth, char *word,
                   size_t word_bytes)
{
    char text[512], *rest = text, *found = NULL;
    if (!pw_watch_fact(ws, key, text, sizeof text)) {
        return false;
    }
    for (uint32_t i = 0; i <= nth; i++) {
        found = strsep(&rest, " ");
    }
    snprintf(word, word_bytes, "%s", found ? found : "");
    return found != NULL;
}

/* ---- time ---- */

const char *pw_watch_time_form(uint32_t i)
{
    static const char *const forms[] = {"ns", "iso", NULL};
    return forms[i];
}

void pw_watch_sleep_ms(int64_t ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

/* ---- the engine's state ---- */

uint64_t pw_watch_state(const struct pw_workspace *ws)
{
    const struct pw_stop *stop = pw_watch_first(ws, PW_REGION_STOP);
    uint64_t state = pw_watch_get(&ws->header->state);
    bool runs = state == PW_ENGINE_RUNNING || state == PW_ENGINE_HALTED;
    bool halted = stop != NULL ? pw_watch_get(&stop->stop) != 0 : state == PW_ENGINE_HALTED;
    return !runs ? state : halted ? PW_ENGINE_HALTED : PW_ENGINE_RUNNING;
}

bool pw_watch_hangs(const struct pw_workspace *ws)
{
    int64_t first_ns = pw_watch_get_ns(&ws->header->heartbeat_ns);
    uint64_t state = pw_watch_state(ws);
    bool beats = state != PW_ENGINE_RUNNING && state != PW_ENGINE_HALTED; /* before and after, nobody does */
    for (int64_t ms = 0; !beats && ms < HANGS_MS; ms += HANGS_LOOK_MS) {
        pw_watch_sleep_ms(HANGS_LOOK_MS);
        beats = pw_watch_get_ns(&ws->header->heartbeat_ns) != first_ns;
    }
    return !beats;
}

/* ---- JSON ---- */

static void text_write(struct pw_json_writer *json, const char *value)
{
    char buffer[2048];
    struct pw_text text = pw_text_start(buffer, sizeof buffer);
    pw_text_put_escaped(&text, value, strlen(value));
    fprintf(json->out, "\"%s\"", buffer);
}

static void member(struct pw_json_writer *json, const char *key)
{
    if (json->filled[json->depth]) {
        fputc(',', json->out);
    }
    json->filled[json->depth] = true;
    if (key != NULL) {
        text_write(json, key);
        fputc(':', json->out);
    }
}

void pw_json_put_open(struct pw_json_writer *json, const char *key, char bracket)
{
    member(json, key);
    fputc(bracket, json->out);
    json->depth++;
    json->filled[json->depth] = false;
}

void pw_json_put_close(struct pw_json_writer *json, char bracket)
{
    json->depth--;
    fputc(bracket, json->out);
}

void pw_json_put_u64(struct pw_json_writer *json, const char *key, uint64_t value)
{
    member(json, key);
    fprintf(json->out, "%llu", (unsigned long long)value);
}

void pw_json_put_i64(struct pw_json_writer *json, const char *key, int64_t value)
{
    member(json, key);
    fprintf(json->out, "%lld", (long long)value);
}

void pw_json_put_id(struct pw_json_writer *json, const char *key, uint64_t id)
{
    member(json, key);
    fprintf(json->out, "\"%llu\"", (unsigned long long)id);
}

void pw_json_put_ns(struct pw_json_writer *json, const char *key, int64_t ns)
{
    member(json, key);
    fprintf(json->out, "\"%lld\"", (long long)ns);
}

void pw_json_put_number(struct pw_json_writer *json, const char *key, double value)
{
    member(json, key);
    fprintf(json->out, "%.4f", value);
}

void pw_json_put_bool(struct pw_json_writer *json, const char *key, bool value)
{
    member(json, key);
    fputs(value ? "true" : "false", json->out);
}

void pw_json_put_text(struct pw_json_writer *json, const char *key, const char *value)
{
    member(json, key);
    if (value == NULL) {
        fputs("null", json->out);
    } else {
        text_write(json, value);
    }
}

void pw_json_put_price(struct pw_json_writer *json, const char *key, const struct pw_instrument *instrument,
                       int64_t price)
{
    char buffer[32];
    struct pw_text text = pw_text_start(buffer, sizeof buffer);
    pw_text_put_price(&text, instrument, price);
    pw_json_put_text(json, key, buffer);
}

void pw_json_put_qty(struct pw_json_writer *json, const char *key, const struct pw_instrument *instrument,
                     int64_t qty)
{
    char buffer[32];
    struct pw_text text = pw_text_start(buffer, sizeof buffer);
    pw_text_put_qty(&text, instrument, qty);
    pw_json_put_text(json, key, buffer);
}

void pw_json_put_e16(struct pw_json_writer *json, const char *key, const uint64_t words[2])
{
    char buffer[64];
    struct pw_text text = pw_text_start(buffer, sizeof buffer);
    pw_text_put_e16(&text, pw_e16_from_words(words));
    pw_json_put_text(json, key, buffer);
}
