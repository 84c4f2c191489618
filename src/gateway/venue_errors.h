/* SPDX-License-Identifier: MIT
 *
 * What a venue said that somebody must know of: rejections, answers that cannot be read, reports that
 * contradict their order. A row a kind, the first of it in full, and how often. Execution's thread adds, hot,
 * without formatting; housekeeping reads, writes the first of a kind to the log and counts the others.
 */
#ifndef PW_VENUE_ERRORS_H
#define PW_VENUE_ERRORS_H

#include <pinwheel/cell.h>
#include <pinwheel/entry.h>
#include <stdbool.h>

#define PW_VENUE_ERRORS_MAX       24u /* kinds of one account; what comes when all are used counts in the last */
#define PW_VENUE_ERROR_TEXT_BYTES 104u

enum pw_venue_error_kind {
    PW_VENUE_ERROR_REJECTED = 0,  /* an answer that is an error, or an order that ended so */
    PW_VENUE_ERROR_UNREADABLE,    /* text: the field, as the venue calls it */
    PW_VENUE_ERROR_CONTRADICTION, /* text: what of the report cannot be true of its order */
};

/* Who asked is PW_VENUE_EVENT where nobody did. */
#define PW_VENUE_EVENT UINT8_MAX

struct pw_venue_error {
    uint64_t count;                       /* 0: the row is not in use */
    uint64_t client_order_id;             /* of the first; 0: of no order */
    int64_t code;                         /* the venue's; 0: none */
    uint32_t http_status;                 /* 0: none */
    uint8_t kind;                         /* enum pw_venue_error_kind */
    uint8_t request;                      /* enum pw_entry_kind, or PW_VENUE_EVENT */
    uint8_t reason;                       /* enum pw_reason */
    int8_t decode;                        /* enum pw_decode: why it cannot be read */
    char text[PW_VENUE_ERROR_TEXT_BYTES]; /* printable ASCII; zero-terminated */
};

struct pw_venue_error_cell {
    struct pw_cell cell;
    _Atomic uint64_t words[sizeof(struct pw_venue_error) / 8];
};
static_assert(sizeof(struct pw_venue_error) % 8 == 0, "a cell is of whole words");

/* Of one account; all zero: nothing was said. */
struct pw_venue_errors {
    struct pw_venue_error rows[PW_VENUE_ERRORS_MAX];
    bool changed[PW_VENUE_ERRORS_MAX]; /* since it was published */
    struct pw_venue_error_cell cells[PW_VENUE_ERRORS_MAX];
};

/* Counts it in the row of its kind, which the first of them made. error: without count and text; text: of any
 * bytes; what is not printable becomes a blank, `secret` (NULL: none) becomes asterisks, and what is too long
 * is cut. errors NULL: nothing. */
void pw_venue_errors_add(struct pw_venue_errors *errors, const struct pw_venue_error *error, const char *text,
                         size_t text_bytes, const char *secret);

/* Rows that have changed, for readers. By who adds, when there is time. */
void pw_venue_errors_publish(struct pw_venue_errors *errors);

/* By anybody: how many there were of the row's kind; 0: the row is not in use. */
uint64_t pw_venue_errors_count(const struct pw_venue_errors *errors, uint32_t row);
/* By anybody. False: the row is not in use. */
bool pw_venue_errors_read(const struct pw_venue_errors *errors, uint32_t row, struct pw_venue_error *error);

/* As a line of a log has it. Returns text. */
#define PW_VENUE_ERROR_LINE_BYTES 320u
const char *pw_venue_error_line(const struct pw_venue_error *error, char text[PW_VENUE_ERROR_LINE_BYTES]);

/* What a kind of requests is called. */
const char *pw_venue_request_name(uint8_t request);

#endif
