/* SPDX-License-Identifier: MIT
 *
 * Requests of Binance's WebSocket API as prepared texts, as entry.h has them: the writing half of its table.
 * What the venue says is read in binance_responses.h.
 *
 * Slots have fixed places and widths: numbers stand at their right ends, with blanks (which JSON allows)
 * before the opening quote. Parameters stand in the order of their names, which is the order in which the
 * venue wants them signed.
 *
 * Ids are derived, never stored: an order's id at the venue is "pw-", 8 hexadecimal digits of a hash of the
 * instance's name (so that engines that share an account can distinguish their orders), "-", and 16 digits of
 * its client_order_id, which is made of run and counter; that of its cancellation "pc-" and the same. A
 * request's id is one letter, which says what was asked, and 16 digits: of the order that it places, cancels
 * or puts in another's place, else a number.
 *
 * The hash is FNV-1a of 32 bits over the name's bytes: two names in four billion have the same one.
 */
#ifndef PW_BINANCE_ORDERS_H
#define PW_BINANCE_ORDERS_H

#include <pinwheel/entry.h>

#define PW_BINANCE_TEXT_BYTES      992u
#define PW_BINANCE_CLIENT_ID_BYTES 28u   /* without a zero byte; the venue takes 36 */
#define PW_BINANCE_TRADES_MAX      1000u /* in a response to FILLS: the most that the venue gives */

/* Order types with the time in force that they take. */
enum pw_binance_form {
    PW_BINANCE_LIMIT_GTC = 0,
    PW_BINANCE_LIMIT_IOC,
    PW_BINANCE_LIMIT_FOK,
    PW_BINANCE_LIMIT_MAKER, /* post-only */
    PW_BINANCE_MARKET,
    PW_BINANCE_STOP_LOSS,
    PW_BINANCE_STOP_LOSS_LIMIT,
    PW_BINANCE_TAKE_PROFIT,
    PW_BINANCE_TAKE_PROFIT_LIMIT,
};
#define PW_BINANCE_FORMS 9u

/* How a number is written. */
struct pw_binance_decimals {
    uint8_t shown, dropped; /* together what its unit has; those dropped must be zeros */
};

struct pw_binance_request {
    struct pw_entry_request head;
    uint32_t params;   /* a bit for each parameter in it */
    uint16_t at[21];   /* where each parameter's slot begins */
    uint8_t width[21]; /* its bytes, quotes and blanks included */
    struct pw_binance_decimals price_decimals, qty_decimals;
    uint8_t method; /* a row of the table of methods */
    char text[PW_BINANCE_TEXT_BYTES];
};

/* What entry.h says of the functions of these names. */
int pw_binance_prepare(struct pw_entry_request *request, const struct pw_entry_spec *spec);
bool pw_binance_can_write(const struct pw_entry_request *request, const struct pw_entry_values *values);
bool pw_binance_write(const struct pw_entry_request *request, const struct pw_entry_values *values,
                      char *text);
size_t pw_binance_payload(const struct pw_entry_request *request, const char *text, char *payload,
                          size_t size);
bool pw_binance_put_signature(const struct pw_entry_request *request, const char *signature, size_t bytes,
                              char *text);
void pw_binance_client_id_write(const struct pw_entry_client_id *id, char text[PW_ENTRY_CLIENT_ID_BYTES_MAX]);
bool pw_binance_client_id_read(const char *text, size_t size, struct pw_entry_client_id *id);

/* A request's id to what was asked, and its order's or own number; false if it is not one of ours. */
bool pw_binance_request_id(const char *text, size_t size, enum pw_entry_kind *kind, uint64_t *number);
/* Of a whole message, which begins with its id. */
bool pw_binance_request_of(const char *data, size_t bytes, enum pw_entry_kind *kind, uint64_t *number);

#endif
