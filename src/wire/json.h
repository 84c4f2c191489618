/* SPDX-License-Identifier: MIT
 *
 * JSON (RFC 8259) read in place: a cursor over one complete buffer. No allocation, no tree, no recursion.
 *
 * Strict: the grammar to the letter, no leading zeros, no trailing commas, no control bytes in strings, valid
 * UTF-8 in strings, no lone surrogates, at most PW_JSON_DEPTH_MAX open brackets. Every function that fails
 * leaves the cursor unusable: the caller drops the message. A text that ends too early fails like any other
 * that is wrong.
 *
 * Use:  pw_json_init(&json, data, size);
 *       if (!pw_json_object_enter(&json)) refuse;
 *       while ((step = pw_json_member_next(&json, &key)) == PW_JSON_VALUE) { read or skip exactly one value;
 * } if (step == PW_JSON_INVALID || !pw_json_done(&json)) refuse;
 */
#ifndef PW_JSON_H
#define PW_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PW_JSON_DEPTH_MAX 32u

struct pw_json {
    const char *at, *end;
    uint32_t depth;   /* open brackets */
    bool after_value; /* the next member or item needs a comma before it */
};

enum pw_json_type {
    PW_JSON_NOTHING = 0, /* no value begins here */
    PW_JSON_OBJECT,
    PW_JSON_ARRAY,
    PW_JSON_STRING,
    PW_JSON_NUMBER,
    PW_JSON_TRUE,
    PW_JSON_FALSE,
    PW_JSON_NULL,
};

enum pw_json_step { PW_JSON_INVALID = -1, PW_JSON_END = 0, PW_JSON_VALUE = 1 };

/* A string between its quotes, or a number, as it stands in the buffer. */
struct pw_json_text {
    const char *text;
    size_t size;
    bool escaped; /* holds at least one backslash: pw_json_unescape gives the meaning */
};

void pw_json_init(struct pw_json *json, const char *data, size_t size);

/* What kind of value begins here, by its first byte; blanks are passed. */
enum pw_json_type pw_json_peek(struct pw_json *json);

/* Opens the object or array that begins here, and goes through it. A step of VALUE means that a value follows
 * and must be taken; END, that the bracket was closed. */
bool pw_json_object_enter(struct pw_json *json);
bool pw_json_array_enter(struct pw_json *json);
enum pw_json_step pw_json_member_next(struct pw_json *json, struct pw_json_text *key);
enum pw_json_step pw_json_item_next(struct pw_json *json);

/* Take one value of that type; false too if it is of another. Integers: no fraction, no exponent, in range.
 */
bool pw_json_string(struct pw_json *json, struct pw_json_text *text);
bool pw_json_number(struct pw_json *json, struct pw_json_text *text);
bool pw_json_u64(struct pw_json *json, uint64_t *value);
bool pw_json_bool(struct pw_json *json, bool *value);

/* Takes any one value and checks all of it. */
bool pw_json_skip(struct pw_json *json);

/* True if only blanks are left and no bracket is open. */
bool pw_json_done(struct pw_json *json);

/* The string's meaning in UTF-8, without a zero byte: its size, or -1 if it does not fit. */
int64_t pw_json_unescape(const struct pw_json_text *text, char *out, size_t out_bytes);

/* Is the string's meaning that (zero-terminated, at most 63 bytes) text? */
bool pw_json_equal(const struct pw_json_text *text, const char *expected);

/* Whole-text integers, as pw_json_u64 reads them. */
bool pw_json_text_u64(const struct pw_json_text *text, uint64_t *value);
bool pw_json_text_i64(const struct pw_json_text *text, int64_t *value);

#endif
