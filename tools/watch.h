/* SPDX-License-Identifier: MIT
 *
 * What the tools that watch an engine have in common: picking the instance, walking its regions, JSON output.
 * Nothing here or above it can write to an engine's memory: it is mapped read-only.
 */
#ifndef PW_WATCH_H
#define PW_WATCH_H

#include "cli.h"
#include "host.h"
#include "text.h"
#include <pinwheel/workspace.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Exit codes of top and tap. */
enum pw_watch_exit {
    PW_WATCH_OK = 0,
    PW_WATCH_ABSENT = 1, /* no such instance or ring, or its file cannot be read */
    PW_WATCH_USAGE = 2,  /* wrong arguments; also several instances and none was named: they are listed */
    PW_WATCH_DEAD = 3,   /* it was shown, but its engine does not run: it was killed, crashed or stopped */
};

/* The row of every declaration that takes an instance. */
#define PW_WATCH_INSTANCE(S, m)                                                                              \
    {                                                                                                        \
        .name = "INSTANCE", .optional = true,                                                                \
        .help = "name of an engine, or path of its workspace; may be left out when there is only one",       \
        PW_CLI_TEXT(S, m)                                                                                    \
    }

/* The row of their environment. */
#define PW_WATCH_ENVIRONMENT                                                                                 \
    {                                                                                                        \
        "PINWHEEL_SHM_DIR", "folder of the engines' memory, as for `pinwheel run`"                           \
    }

/* Attaches to the instance of that name or path, or, with NULL, to the only one there is. An engine that is
 * just being started is waited for, a few seconds. Errors go to stderr. */
enum pw_watch_exit pw_watch_attach(struct pw_workspace *ws, const char *instance);

#define PW_WATCH_ERROR_BYTES 512u
/* The same, and says nothing on stderr. 0, or a negative code with its text: -ENOENT and -EINVAL if there is
 * no such instance; -E2BIG if several are there and none was named; else it is there and cannot be read. */
int pw_watch_open(struct pw_workspace *ws, const char *instance, char error[PW_WATCH_ERROR_BYTES]);

/* Prints the instances, one a line, each alive or dead; or as one JSON object. */
void pw_watch_list(FILE *out, bool json);

/* There is an instance of that name, live or dead. */
bool pw_watch_exists(const char *instance);

/* Walks the rows of all regions of a kind. Begin with the workspace and the kind. */
struct pw_watch_rows {
    const struct pw_workspace *ws;
    enum pw_region_kind kind;
    const void *row;                /* the last one */
    const struct pw_region *region; /* that it is in */
    uint32_t row_idx;               /* its place there */
    uint32_t next_region, next_row;
};
/* The next row; NULL: no more. */
const void *pw_watch_next(struct pw_watch_rows *rows);
/* The first row; NULL: there is none. */
const void *pw_watch_first(const struct pw_workspace *ws, enum pw_region_kind kind);

/* The row, or NULL. */
const struct pw_instrument *pw_watch_instrument(const struct pw_workspace *ws, uint32_t instrument_idx);

/* The symbol of an instrument, or NULL if the workspace has none. */
const char *pw_watch_symbol(const struct pw_workspace *ws, uint32_t instrument_idx);

/* The value of a line "key: value" of the engine's facts; false: there is none. */
bool pw_watch_fact(const struct pw_workspace *ws, const char *key, char *value, size_t value_bytes);
/* The nth word of such a value, from 0: of those that have one for each account. */
bool pw_watch_word(const struct pw_workspace *ws, const char *key, uint32_t nth, char *word,
                   size_t word_bytes);

/* The row of every declaration that prints events: 1: moments as UTC in text. */
const char *pw_watch_time_form(uint32_t i);
#define PW_WATCH_TIME_FORM(S, m, of)                                                                             \
    {                                                                                                        \
        .name = "time", .value = "FORM",                                                                     \
        .help = "how to print moments: ns (nanoseconds since 1970), or iso (UTC; names end with _time then)",  \
        .commands = of, .choice = pw_watch_time_form, PW_CLI_CHOICE(S, m)                                        \
    }

void pw_watch_sleep_ms(int64_t ms);

/* What the engine is, enum pw_engine_state. Whether it is halted is the stop word's to say, and nothing
 * else's. */
uint64_t pw_watch_state(const struct pw_workspace *ws);

/* Does a running engine's heartbeat stand still? Looks for up to a second. */
bool pw_watch_hangs(const struct pw_workspace *ws);

static inline uint64_t pw_watch_get(const _Atomic uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

static inline int64_t pw_watch_get_ns(const _Atomic int64_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

/* ---- JSON, written as it comes ---- */

#define PW_JSON_DEPTH 8

struct pw_json_writer {
    FILE *out;
    int depth;
    bool filled[PW_JSON_DEPTH]; /* the object or array of that depth has a member */
};

/* key: NULL within arrays and for the outermost. bracket: '{' or '['. */
void pw_json_put_open(struct pw_json_writer *json, const char *key, char bracket);
void pw_json_put_close(struct pw_json_writer *json, char bracket);
void pw_json_put_u64(struct pw_json_writer *json, const char *key, uint64_t value);
void pw_json_put_i64(struct pw_json_writer *json, const char *key, int64_t value);
/* Ids and nanoseconds, which go beyond 2^53: strings. */
void pw_json_put_id(struct pw_json_writer *json, const char *key, uint64_t id);
void pw_json_put_ns(struct pw_json_writer *json, const char *key, int64_t ns);
void pw_json_put_number(struct pw_json_writer *json, const char *key,
                        double value); /* four digits after the point */
void pw_json_put_bool(struct pw_json_writer *json, const char *key, bool value);
void pw_json_put_text(struct pw_json_writer *json, const char *key, const char *value); /* NULL: null */
/* Strings, exact, in the units of the instrument; NULL: the usual ones. */
void pw_json_put_price(struct pw_json_writer *json, const char *key, const struct pw_instrument *instrument,
                       int64_t price);
void pw_json_put_qty(struct pw_json_writer *json, const char *key, const struct pw_instrument *instrument,
                     int64_t qty);
void pw_json_put_e16(struct pw_json_writer *json, const char *key, const uint64_t words[2]);

#endif
