/* SPDX-License-Identifier: MIT
 *
 * One object of the WebSocket API's responses: its fields by name, and reading each as what it must be. For
 * the files that read these responses, nobody else.
 *
 * What must be there and is not, or is of another kind, blames the object: its first fault is what the
 * reading of it ends with, so that nothing has to be asked after each field. Functions with opt_ take what is
 * missing or null for 0, false or the empty text.
 */
#ifndef PW_BINANCE_OBJECT_H
#define PW_BINANCE_OBJECT_H

#include "binance_fields.h"
#include "binance_responses.h"

/* Single letters come first, by their place in the alphabet; then the names. */
enum field_idx {
    LETTERS = PW_BINANCE_LETTERS,
    ID = LETTERS,
    STATUS,
    RESULT,
    ERROR,
    RATE_LIMITS,
    EVENT,
    SUBSCRIPTION_ID,
    CODE,
    MSG,
    DATA,
    SYMBOL,
    ORDER_ID,
    CLIENT_ORDER_ID,
    ORIG_CLIENT_ORDER_ID,
    TRANSACT_TIME,
    PRICE,
    ORIG_QTY,
    EXECUTED_QTY,
    SIDE,
    TIME,
    UPDATE_TIME,
    CANCEL_RESULT,
    NEW_RESULT,
    CANCEL_RESPONSE,
    NEW_RESPONSE,
    SERVER_TIME,
    RETRY_AFTER,
    CONNECTED_SINCE,
    AUTHORIZED_SINCE,
    BALANCES,
    ASSET,
    FREE,
    LOCKED,
    LIMIT_TYPE,
    INTERVAL,
    INTERVAL_NUM,
    LIMIT,
    COUNT,
    QTY,
    COMMISSION,
    COMMISSION_ASSET,
    IS_MAKER,
    IS_BUYER,
    TYPE,
    TIME_IN_FORCE,
    PREVENTED_QTY,
    EXPIRY_LETTERS, /* of an event, as the next is of an order */
    EXPIRY_REASON,
    FIELDS
};

struct pw_object {
    struct pw_binance_fields fields;
    enum pw_decode fault; /* the first one met; OK: none */
    int fault_idx;        /* of which field; -1: of none alone */
    const struct pw_symbols *symbols;
    int unit_shift; /* of its prices and quantities, once its symbol was read */
};

static_assert(FIELDS <= PW_BINANCE_FIELDS_MAX, "a place for each");

static inline const struct pw_binance_field *pw_object_field(const struct pw_object *object, int idx)
{
    return pw_binance_field(&object->fields, idx);
}

/* The object that begins here; and one inside a message that was judged to be JSON. BAD_JSON, or the fault.
 */
enum pw_decode pw_object_collect(struct pw_json *json, const struct pw_symbols *symbols,
                                 struct pw_object *object);
enum pw_decode pw_object_collect_field(const struct pw_binance_field *field, const struct pw_symbols *symbols,
                                       struct pw_object *object);

void pw_object_blame(struct pw_object *object, int idx, enum pw_decode fault);
/* What an object is blamed for, in the terms of entry.h; `to` keeps what it has if that is nothing. Returns
 * the object's fault. */
enum pw_decode pw_object_fault(const struct pw_object *object, struct pw_entry_fault *to);
void pw_object_fault_of(int idx, enum pw_decode fault, struct pw_entry_fault *to);

bool pw_object_has(const struct pw_object *object, int idx);

/* Decimals stand in strings, other numbers do not. */
/* What is at least there, of a quantity that need not be exact: digits behind the eighth are cut off, and
 * what is too large is INT64_MAX. */
int64_t pw_object_floor_e8(struct pw_object *object, int idx);
/* In the units of the symbol, which is read before; not negative. */
int64_t pw_object_price(struct pw_object *object, int idx);
int64_t pw_object_opt_price(struct pw_object *object, int idx);
int64_t pw_object_qty(struct pw_object *object, int idx);
int64_t pw_object_opt_qty(struct pw_object *object, int idx);
/* Of any asset, scaled by 1e16. */
pw_i128 pw_object_opt_amount_e16(struct pw_object *object, int idx);
int64_t pw_object_i64(struct pw_object *object, int idx);
uint64_t pw_object_u64(struct pw_object *object, int idx, uint64_t max);

/* Times: milliseconds or microseconds, by their size. lax: 0 too where it cannot be read, and nobody is
 * blamed. */
int64_t pw_object_ns(struct pw_object *object, int idx);
int64_t pw_object_lax_ns(const struct pw_object *object, int idx);

bool pw_object_is_true(const struct pw_object *object, int idx);
struct pw_json_text pw_object_opt_text(struct pw_object *object, int idx);
/* The text of what is only shown, and of an id: empty too if it is none; an id that comes twice is to blame.
 */
struct pw_json_text pw_object_lax_text(const struct pw_object *object, int idx);
struct pw_json_text pw_object_opt_id(struct pw_object *object, int idx);
struct pw_json_text pw_object_text(struct pw_object *object, int idx);

/* Into `to`, zeros behind. room: the most bytes it may have. */
void pw_object_copy(struct pw_object *object, int idx, char *to, size_t bytes, size_t room);
void pw_object_symbol(struct pw_object *object, int idx, char symbol[PW_SYMBOL_BYTES]);

/* Place of a text in a table, from 1; 0: not in it. */
unsigned pw_object_place(const struct pw_json_text *text, const char *const *table, unsigned cnt);
enum pw_side pw_object_side(struct pw_object *object, int idx);
/* NONE: a word that is not known here. */
enum pw_binance_status pw_object_status(struct pw_object *object, int idx);
/* PW_ORDER_TYPES, UINT8_MAX: a word that none of our orders has. */
uint8_t pw_object_order_type(struct pw_object *object, int idx);
uint8_t pw_object_tif(struct pw_object *object, int idx);

/* Which of the two ids names the order: in a cancellation, the original one. Some leave that empty. */
void pw_object_split_ids(const struct pw_json_text *id, const struct pw_json_text *original,
                         struct pw_json_text *client_id, struct pw_json_text *cancel_id);

/* False: it is not that of an order of ours. */
bool pw_object_own_id(const struct pw_json_text *text, uint64_t *client_order_id, uint32_t *instance_hash);

#endif
