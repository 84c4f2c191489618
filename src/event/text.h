/* SPDX-License-Identifier: MIT
 *
 * Text built piece by piece into a bounded buffer: exact decimals, escaped strings. For what people and
 * scripts read from shared memory; never on the hot path.
 */
#ifndef PW_TEXT_H
#define PW_TEXT_H

#include <pinwheel/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What does not fit is cut off and `cut` set. The buffer always ends with a zero byte. */
struct pw_text {
    char *at;
    size_t bytes; /* of the buffer, at least 1 */
    size_t len;   /* used, without the zero byte */
    bool cut;
    bool iso_times; /* as pw_text_put_time writes them */
};

struct pw_text pw_text_start(char *buffer, size_t bytes);
void pw_text_put(struct pw_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A moment, in nanoseconds, or with iso_times as "2024-08-09T00:00:00.123456789Z"; then 0, which is no
 * moment, is nothing. */
void pw_text_put_time(struct pw_text *text, int64_t ns);
/* As with iso_times. */
void pw_text_put_iso(struct pw_text *text, int64_t ns);

/* Exact, without needless zeros: "61602.01", "0", "-0.5". */
void pw_text_put_e8(struct pw_text *text, int64_t value_e8);
void pw_text_put_e16(struct pw_text *text, pw_i128 value_e16);

/* Prices, quantities and volumes in the quote currency in an instrument's units; NULL: the usual ones. */
struct pw_instrument;
void pw_text_put_price(struct pw_text *text, const struct pw_instrument *instrument, int64_t price);
void pw_text_put_qty(struct pw_text *text, const struct pw_instrument *instrument, int64_t qty);
void pw_text_put_quote_volume(struct pw_text *text, const struct pw_instrument *instrument, int64_t volume);

/* What a fee was paid in, escaped. */
void pw_text_put_fee_asset(struct pw_text *text, const struct pw_fill_info *info,
                           const struct pw_instrument *instrument);

/* Bytes from outside: printable UTF-8 as it is, everything else escaped as JSON does it (\n, \", \u001b;
 * \u00ff for a byte ff that is no UTF-8). The result is safe in a terminal and between the quotes of a JSON
 * string. */
void pw_text_put_escaped(struct pw_text *text, const void *bytes, size_t byte_cnt);

/* The same for a terminal alone: quotes and backslashes stay as they are. */
void pw_text_put_printable(struct pw_text *text, const void *bytes, size_t byte_cnt);

/* The same line as pw_event_print. */
void pw_event_put_line(struct pw_text *text, const struct pw_event *event, const char *symbol,
                       const struct pw_instrument *instrument);

/* The fields of an event as members of a JSON object, without its braces: decimals as strings, integers as
 * numbers of up to 64 bits. `symbol` and `instrument` are as in pw_event_print. */
void pw_event_put_json(struct pw_text *text, const struct pw_event *event, const char *symbol,
                       const struct pw_instrument *instrument);

/* A 128-bit amount that stands as low and high word. */
static inline pw_i128 pw_e16_from_words(const uint64_t words[2])
{
    return (pw_i128)(int64_t)words[1] * ((pw_i128)1 << 64) + (pw_i128)words[0];
}

#endif
