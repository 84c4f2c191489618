/* SPDX-License-Identifier: MIT
 *
 * Stamps: side tables in the workspace with the times at which something passed a hop, for those who put an
 * order's story together. Events have no room for them, and nothing is ever decided by them.
 *
 * A row is found by a number: the low bits of the number are its place. It is overwritten when the table
 * comes round, so a reader that lags asks in vain, and the stamp counts as not known. One writer a table:
 *   stamps.market  parse, by market_seq: how the message of this event came in
 *   stamps.orders  net_tx, by the low bits of the client_order_id: how its request went out. Where several
 * lines have order entry, one writer a row: an order is sent by one line, and far fewer orders are open at
 * once than there are rows
 */
#ifndef PINWHEEL_STAMPS_H
#define PINWHEEL_STAMPS_H

#include <pinwheel/cell.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define PW_STAMP_ROWS 1024u /* of each table; a power of two */

/* Nanoseconds since the epoch; 0: not known. */
struct pw_stamp {
    uint64_t number; /* market_seq, client_order_id */
    int64_t ns[3];   /* market: kernel, decrypted, decoded; orders: sealed, submitted, returned */
};
enum { PW_STAMP_KERNEL = 0, PW_STAMP_DECRYPTED = 1, PW_STAMP_DECODED = 2 };
/* submitted: when the kernel was called to send; returned: when that call was over. */
enum { PW_STAMP_ENCRYPTED = 0, PW_STAMP_SUBMITTED = 1, PW_STAMP_RETURNED = 2 };

struct pw_stamp_row {
    struct pw_cell cell;
    _Atomic uint64_t words[sizeof(struct pw_stamp) / 8];
    uint64_t reserved[3];
};

static_assert(sizeof(struct pw_stamp_row) == 64, "one row, one line");

static inline void pw_stamp_put(struct pw_stamp_row *table, const struct pw_stamp *stamp)
{
    struct pw_stamp_row *row = &table[stamp->number & (PW_STAMP_ROWS - 1)];
    pw_cell_write(&row->cell, row->words, stamp, sizeof *stamp);
}

/* False: it is not there, or not any more. */
static inline bool pw_stamp_get(const struct pw_stamp_row *table, uint64_t number, struct pw_stamp *stamp)
{
    const struct pw_stamp_row *row = &table[number & (PW_STAMP_ROWS - 1)];
    return pw_cell_read(&row->cell, row->words, stamp, sizeof *stamp) && stamp->number == number;
}

#endif
