/* SPDX-License-Identifier: MIT
 *
 * The fields of one JSON object of Binance's, by name whatever their order: what all readings of its messages
 * begin with.
 *
 * A reading has a table of the names that it knows, of more than one letter. Single letters stand before
 * them, each at its place in the alphabet, small ones first: keys differ by case alone.
 */
#ifndef PW_BINANCE_FIELDS_H
#define PW_BINANCE_FIELDS_H

#include "json.h"
#include <pinwheel/venue.h>

#define PW_BINANCE_LETTERS 52u

struct pw_binance_field {
    enum pw_json_type type;   /* NOTHING: not there */
    struct pw_json_text text; /* strings: without quotes; else the whole value */
};

#define PW_BINANCE_FIELDS_MAX 112u

/* The type of a field that came twice: it is none that anybody can read. */
#define PW_BINANCE_DOUBLED ((enum pw_json_type)(PW_JSON_NULL + 1))

/* A name of more than one letter. */
struct pw_binance_name {
    const char *text;
    size_t size;
};
#define PW_BINANCE_NAME(literal)                                                                             \
    {                                                                                                        \
        (literal), sizeof(literal) - 1                                                                       \
    }

/* Those fields of an object that came, each known by its place. */
struct pw_binance_fields {
    uint8_t slot[PW_BINANCE_FIELDS_MAX]; /* by place: of `at`, from 1; 0: it did not come */
    uint32_t cnt;
    struct pw_binance_field at[PW_BINANCE_FIELDS_MAX];
};

/* The field of that place; of type NOTHING if it did not come. */
static inline const struct pw_binance_field *pw_binance_field(const struct pw_binance_fields *fields,
                                                              int place)
{
    static const struct pw_binance_field nothing;
    return fields->slot[place] ? &fields->at[fields->slot[place] - 1] : &nothing;
}

/* The place of a letter's field; -1: it is no letter. */
int pw_binance_letter(char letter);

/* Takes one value of any type; all of it is checked. */
bool pw_binance_take(struct pw_json *json, struct pw_binance_field *field);

/* Collects the object that begins here, of PW_BINANCE_LETTERS + name_cnt known fields; unknown names are
 * passed. BAD_FIELD: a known name comes twice, which makes the message ambiguous, or that field of it alone
 * (its type is PW_BINANCE_DOUBLED); BAD_JSON: nothing may be used. */
enum pw_decode pw_binance_collect(struct pw_json *json, const struct pw_binance_name *names,
                                  uint32_t name_cnt, struct pw_binance_fields *fields);

#endif
