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

/* The place of a letter's field; -1: it is no letter. */
int pw_binance_letter(char letter);

/* Takes one value of any type; all of it is checked. */
bool pw_binance_take(struct pw_json *json, struct pw_binance_field *field);

/* Collects the object that begins here into fields[PW_BINANCE_LETTERS + name_cnt]; unknown names are passed.
 * BAD_FIELD: a known name comes twice, which makes the message ambiguous; BAD_JSON: nothing may be used. */
enum pw_decode pw_binance_collect(struct pw_json *json, const char *const *names, uint32_t name_cnt,
                                  struct pw_binance_field *fields);

#endif
