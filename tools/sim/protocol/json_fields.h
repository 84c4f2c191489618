/* SPDX-License-Identifier: MIT
 *
 * JSON objects out of rows of typed fields, over jansson: in the order in which they stand, decimals exact
 * and with 8 places.
 *
 * The functions that take a json_t take it over, also when they fail; they fail (no memory) by returning NULL
 * and take NULL for what failed before. So an answer is built without a check, and looked at once, where it
 * is written.
 */
#ifndef PW_SIM_JSON_FIELDS_H
#define PW_SIM_JSON_FIELDS_H

#include "buffer.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pw_sim_field_kind {
    PW_SIM_FIELD_NONE = 0, /* not written */
    PW_SIM_FIELD_TEXT,
    PW_SIM_FIELD_INT,
    PW_SIM_FIELD_E8,
    PW_SIM_FIELD_BOOL,
    PW_SIM_FIELD_JSON
};

struct pw_sim_field {
    const char *name;
    enum pw_sim_field_kind kind;
    bool flag;
    int64_t number;
    const char *text;
    json_t *json;
};

static inline struct pw_sim_field pw_sim_text(const char *name, const char *text)
{
    return (struct pw_sim_field){.name = name, .kind = PW_SIM_FIELD_TEXT, .text = text};
}

static inline struct pw_sim_field pw_sim_int(const char *name, int64_t number)
{
    return (struct pw_sim_field){.name = name, .kind = PW_SIM_FIELD_INT, .number = number};
}

/* A decimal, as a string. */
static inline struct pw_sim_field pw_sim_e8(const char *name, int64_t value_e8)
{
    return (struct pw_sim_field){.name = name, .kind = PW_SIM_FIELD_E8, .number = value_e8};
}

static inline struct pw_sim_field pw_sim_bool(const char *name, bool flag)
{
    return (struct pw_sim_field){.name = name, .kind = PW_SIM_FIELD_BOOL, .flag = flag};
}

static inline struct pw_sim_field pw_sim_json(const char *name, json_t *json)
{
    return (struct pw_sim_field){.name = name, .kind = PW_SIM_FIELD_JSON, .json = json};
}

static inline struct pw_sim_field pw_sim_null(const char *name)
{
    return pw_sim_json(name, json_null());
}

/* A time, in the unit that was asked for. */
static inline struct pw_sim_field pw_sim_time(const char *name, int64_t time_ns, bool microsecond)
{
    return pw_sim_int(name, time_ns / (microsecond ? 1000 : 1000000));
}

/* The field, or none. Not for one that holds a json_t. */
static inline struct pw_sim_field pw_sim_if(bool is_there, struct pw_sim_field field)
{
    return is_there ? field : (struct pw_sim_field){.kind = PW_SIM_FIELD_NONE};
}

/* The object with more fields at its end. */
json_t *pw_sim_extend(json_t *object, const struct pw_sim_field *fields, size_t field_cnt);
#define PW_SIM_EXTEND(object, ...)                                                                           \
    pw_sim_extend(object, (const struct pw_sim_field[]){__VA_ARGS__},                                        \
                  sizeof((const struct pw_sim_field[]){__VA_ARGS__}) / sizeof(struct pw_sim_field))
#define PW_SIM_OBJECT(...) PW_SIM_EXTEND(json_object(), __VA_ARGS__)

/* The array with one more item. */
json_t *pw_sim_append(json_t *array, json_t *item);
/* An item of an array: a decimal as a string. */
json_t *pw_sim_e8_item(int64_t value_e8);
/* An array of strings. */
json_t *pw_sim_words(const char *const *words, size_t word_cnt);

/* Appends its text, without blanks. NULL, or no memory: out->failed. */
void pw_sim_json_write(json_t *json, struct pw_buffer *out);

#endif
