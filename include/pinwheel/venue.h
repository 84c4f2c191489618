/* SPDX-License-Identifier: MIT
 *
 * The venue: one exchange's language, as tables of functions: its bytes become events and instruments, and
 * what the engine wants becomes requests. No sockets, no clock; nothing on the hot path allocates.
 *
 * A venue's vocabulary ends here: what comes out is the engine's own. All functions are pure in their state.
 * A new venue is a folder of src/venue and a row in src/venue/venues.c (docs/add-a-venue.md).
 */
#ifndef PINWHEEL_VENUE_H
#define PINWHEEL_VENUE_H

#include <pinwheel/event.h>
#include <pinwheel/workspace.h>
#include <stddef.h>
#include <stdint.h>

/* What a decoder says about a message. Negative: it was rejected, and nothing of it may be used. */
enum pw_decode {
    PW_DECODE_OK = 0,          /* events were written (perhaps none: a message that needs none) */
    PW_DECODE_IGNORED = 1,     /* valid, but of a kind or a symbol that we did not ask for */
    PW_DECODE_CONTROL = 2,     /* a reply to a request of ours */
    PW_DECODE_SHUTDOWN = 3,    /* the venue announces that it will close: reconnect now */
    PW_DECODE_BAD_JSON = -1,   /* not JSON, truncated, trailing bytes, too deep, not an object or array */
    PW_DECODE_BAD_FIELD = -2,  /* a field of the wrong type or missing */
    PW_DECODE_BAD_NUMBER = -3, /* not a plain decimal, negative where it may not be, too precise, too large */
    PW_DECODE_BAD_SEQUENCE = -4, /* ids that contradict themselves */
    PW_DECODE_TOO_LARGE = -5,    /* more events than the caller has room for */
    PW_DECODE_ERROR_REPLY = -6,  /* the venue refused a request of ours */
};
#define PW_DECODE_RESULTS 7 /* negative results are -1 to -(PW_DECODE_RESULTS - 1) */

const char *pw_decode_name(enum pw_decode result);

/* ---- Market data ---- */

#define PW_STREAM_NAME_BYTES 24u

/* What a feed asks for: each stream of each symbol, as the venue spells them. */
struct pw_venue_wants {
    const char (*symbols)[PW_SYMBOL_BYTES];
    const char (*streams)[PW_STREAM_NAME_BYTES];
    uint32_t symbol_cnt, stream_cnt;
};

/* Where a message's events go. */
struct pw_venue_out {
    struct pw_event *events;
    uint32_t cap; /* a depth message needs one event and one more for each two levels of a side */
    uint32_t cnt; /* written */
    int64_t recv_ns;
};

/* What a symbol stands for. */
struct pw_symbol {
    uint16_t instrument_idx; /* or PW_NO_INSTRUMENT */
    int8_t unit_shift;       /* of its numbers: units.h */
};

/* From a symbol's bytes to what it stands for, of one feed: src/venue/symbols.h. */
struct pw_symbols;

/* How a depth update follows the one before it, and joins a snapshot. */
enum pw_book_rule {
    PW_BOOK_NONE = 0,     /* there are no depth updates */
    PW_BOOK_FIRST_ID = 1, /* its first id is one more than the last id of the one before */
    PW_BOOK_PREV_ID = 2,  /* it repeats the last id of the one before */
};

struct pw_venue_market {
    /* The i-th stream that it has, as the config names it; NULL past the last. */
    const char *(*stream)(uint32_t i);
    /* The kinds of events that it brings (PW_KIND_BIT). */
    uint64_t (*stream_kinds)(uint32_t i);
    uint64_t untimed_kinds; /* those whose messages do not say when the venue sent them */
    /* What to ask the WebSocket server for: appended to the path of ws_url. 0, -EINVAL (nothing to ask for)
     * or -E2BIG. */
    int (*target)(struct pw_venue_wants wants, char *target, size_t size);
    /* NULL: the target says it all. Else what is sent once connected: text messages, one a line. As target.
     */
    int (*subscribe)(struct pw_venue_wants wants, char *lines, size_t size);
    /* Hot: judges one whole message. OK: out->cnt events were written, all with seq 0. Any other result: none
     * were. */
    enum pw_decode (*decode)(const struct pw_symbols *symbols, const char *data, size_t size,
                             struct pw_venue_out *out);
    enum pw_book_rule book_rule;
    /* A snapshot of a book by REST, where the rule needs one: what to GET (0 or -E2BIG), what it costs of the
     * weight below, and its answer as DEPTH and LEVELS events with PW_FLAG_SNAPSHOT: how many, or a negative
     * enum pw_decode. */
    int (*snapshot_target)(const char *symbol, uint32_t levels, char *target, size_t size);
    uint32_t (*snapshot_weight)(uint32_t levels);
    int (*snapshot_decode)(const char *body, size_t size, struct pw_symbol symbol, int64_t recv_ns,
                           struct pw_event *events, uint32_t cap);
};

/* ---- REST, cold ---- */

/* What an answer says of one instrument beside its row. */
struct pw_instrument_said {
    int fault; /* 0: the row is whole; -ENOENT: the venue has no such symbol; -EBADMSG: something is missing;
                * -ERANGE: a number that cannot be held */
    char text[160];  /* what is wrong */
    char status[24]; /* the venue's own word for its state */
};

/* Where a list of instruments goes: a row each of the symbols wanted, in their order. */
struct pw_instrument_list {
    uint32_t feed_idx; /* of each row */
    struct pw_instrument *rows;
    struct pw_instrument_said *said;
    const struct pw_instrument *known; /* NULL, or the rows as they are: instruments keep their units */
    char error[256];                   /* what is wrong with the answer as a whole */
};

/* A price by which its filters judge orders. */
struct pw_venue_price {
    int64_t price_e8; /* > 0, in the instrument's units */
    int64_t venue_ns; /* the venue's time of it; 0: it does not say */
    uint32_t mins;    /* of a mean: over how many; 0: it does not say */
};

struct pw_venue_rest {
    /* What to GET for the instruments; for all that there are, if no symbol is wanted. 0 or -E2BIG. */
    int (*instruments_target)(struct pw_venue_wants wants, char *target, size_t size);
    /* Judges an answer: 0, and each instrument by itself; -EBADMSG: it is none; -EREMOTEIO: the venue's own
     * error. What the answer holds beside the symbols wanted is of no concern. */
    int (*instruments)(const char *body, size_t size, struct pw_venue_wants wants,
                       struct pw_instrument_list *list);
    /* Of requests a minute that this engine may spend on snapshots and instruments, in the venue's weights;
     * 0: it has none. */
    uint32_t weight_per_minute;
    uint32_t instruments_weight; /* of a request for instruments */
    /* The prices by which filters judge orders, each an enum pw_price_source but NONE; all NULL: they judge
     * by the orders' own prices alone, or it is not known by which. What to GET for one: 0 or -E2BIG. Its
     * answer, an error of the venue too: 0; -ENODATA: there is none now; -ENOENT: the instrument never had
     * one; -EBADMSG: it is no such answer. */
    int (*price_target)(enum pw_price_source source, const char *symbol, char *target, size_t size);
    int (*price)(enum pw_price_source source, const char *body, size_t size,
                 const struct pw_instrument *instrument, struct pw_venue_price *price);
    uint32_t price_weight; /* of each such request */
};

/* ---- The venue ---- */

struct pw_venue_entry; /* pinwheel/entry.h */

struct pw_venue {
    const char *name; /* as in the config */
    const struct pw_venue_market *market;
    const struct pw_venue_rest
        *rest; /* NULL: it cannot say what its instruments are, so no feed may be of it */
    const struct pw_venue_entry *entry; /* NULL: no order entry */
};

/* By its name; NULL: there is none. */
const struct pw_venue *pw_venue_find(const char *name);
/* The i-th of those that a feed may be of; NULL past the last. */
const struct pw_venue *pw_venue_at(uint32_t i);

#endif
