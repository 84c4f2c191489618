/* SPDX-License-Identifier: MIT
 *
 * The fields of each kind of event, declared once: from the table come the printed line (tap, query), JSON,
 * the columns of csv and docs/events.md.
 */
#ifndef PW_FIELDS_H
#define PW_FIELDS_H

#include "enum_table.h"
#include "text.h"
#include <pinwheel/event.h>
#include <stdbool.h>
#include <stdint.h>

enum pw_field_type {
    PW_FIELD_PRICE, /* an int64_t in the instrument's unit of prices, and so the next two */
    PW_FIELD_QTY,
    PW_FIELD_QUOTE_VOLUME,
    PW_FIELD_E8,        /* an int64_t scaled by 1e8 */
    PW_FIELD_E16,       /* amount: two words, scaled by 1e16 */
    PW_FIELD_FEE_RATE,  /* above the bits of an int32_t, scaled by 1e8 */
    PW_FIELD_ID,        /* uint64_t */
    PW_FIELD_SIGNED_ID, /* int64_t, -1: none */
    PW_FIELD_NS,        /* int64_t nanoseconds: a moment */
    PW_FIELD_DURATION,  /* the same: how long */
    PW_FIELD_HOP,       /* uint32_t nanoseconds; left out if not known */
    PW_FIELD_U64,       /* a number that may go beyond 2^53 */
    PW_FIELD_CNT64,     /* a count: uint64_t */
    PW_FIELD_U32,
    PW_FIELD_U16,
    PW_FIELD_I32,
    PW_FIELD_OF_ORDER, /* not in the event: the order has it; those who know the order print it */
    PW_FIELD_ENUM8,    /* its name */
    PW_FIELD_ENUM32,
    PW_FIELD_FEE_ASSET, /* up to 16 bytes, zeros behind, or a PW_FEE_ASSET_* */
    PW_FIELD_SIDE,      /* buy, sell: of PW_FLAG_SELL */
    PW_FIELD_BOOK_SIDE, /* bid, ask: the same */
    PW_FIELD_FLAG,      /* a bit of flags: there if it is set */
    PW_FIELD_NO_FLAG,   /* there if it is not set */
    PW_FIELD_BIT,       /* a bit of a uint32_t: there if it is set */
};

/* When an event of the kind has the field. */
enum pw_field_when {
    PW_FIELD_ALWAYS,
    PW_FIELD_IF_PAIR,      /* LEVELS: both levels are in use */
    PW_FIELD_IF_NOTICE,    /* FRAME: without bytes */
    PW_FIELD_IF_PLACE,     /* INTENT: to place */
    PW_FIELD_IF_NOT_PLACE, /* INTENT: of an order that is there */
};

struct pw_field {
    const char *name;
    uint8_t type;    /* enum pw_field_type */
    uint8_t when;    /* enum pw_field_when */
    uint16_t offset; /* in struct pw_event */
    uint32_t mask;   /* of flags and bits */
    const struct pw_enum *names;
    const char *help;
};

struct pw_field_list {
    const struct pw_field *fields;
    uint32_t cnt;
};

/* Of a kind; none for a kind without a body or unknown here. */
struct pw_field_list pw_event_fields(unsigned kind);

/* Does this event have the field? */
bool pw_field_present(const struct pw_field *field, const struct pw_event *event);

/* Its value as text, exact, without quotes; flags: "true". */
void pw_field_put(struct pw_text *text, const struct pw_field *field, const struct pw_event *event,
                  const struct pw_instrument *instrument);

/* Its name; a time that is written as text ends with _time. */
void pw_field_put_name(struct pw_text *text, const struct pw_field *field);

/* A member that is there or not, without a value. */
bool pw_field_is_flag(const struct pw_field *field);

/* Is it a string in JSON? Decimals, ids, times and what else has 64 bits are; a count only beyond 2^53, from
 * where on the numbers of most readers, binary fractions, lose digits. */
bool pw_field_is_string(const struct pw_field *field, const struct pw_event *event);

/* "price", "id", "enum order_state", ... for the reference page. */
const char *pw_field_type_name(const struct pw_field *field);

#endif
