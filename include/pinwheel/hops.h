/* SPDX-License-Identifier: MIT
 *
 * The hops of an order, from the venue's bytes to the venue's acknowledgement: each declared once.
 *
 * From a row come the field of the STAMPS event that is filled, the histogram path.<hop before>_to_<hop>, the
 * line of `why` and its JSON, and the bench's rows.
 *
 *   BEFORE(NAME, token, "name", "label", "help")   before the origin: <token>_ago_ns in struct pw_stamps
 *   ORIGIN(...)                                    recv_ns of the STAMPS event
 *   HOP(...)                                       after the origin: <token>_ns in struct pw_stamps
 *   LATER(...)                                     after the send: a histogram from submitted on, no field
 *
 * In the order of time. token: in names of fields and histograms; name: in JSON; label: on the screen. The
 * event is full (its size is the ABI's): a new hop is a LATER one, or one between that takes over a field.
 */
#ifndef PINWHEEL_HOPS_H
#define PINWHEEL_HOPS_H

#include <pinwheel/event.h>
#include <stdint.h>

/* clang-format off */
#define PW_HOPS(BEFORE, ORIGIN, HOP, LATER) \
    BEFORE(KERNEL, kernel, "kernel", "kernel", "received by the kernel") \
    ORIGIN(RECV, recv, "received", "received", "the receive completed in net_rx") \
    HOP(DECRYPTED, decrypted, "decrypted", "decrypted", "the TLS record is decrypted") \
    HOP(DECODED, decoded, "decoded", "decoded", "the message is decoded into events") \
    HOP(DECIDED, decided, "decided", "strategy", "the strategy has decided") \
    HOP(CHECKED, checked, "checked", "risk check", "pre-trade risk has passed it") \
    HOP(ENCODED, encoded, "encoded", "encoded", "the request is encoded") \
    HOP(ENCRYPTED, encrypted, "encrypted", "encrypted", "the request is encrypted") \
    HOP(SUBMITTED, submitted, "submitted", "submitted", "the send system call begins") \
    LATER(RETURNED, returned, "returned", "send returned", "the send system call has returned") \
    LATER(ACKED, acked, "acknowledged", "acknowledged", "the venue's first response has arrived")
/* clang-format on */

#define PW_HOP_CONSTANT_(NAME, token, name, label, help) PW_HOP_##NAME,
enum pw_hop { PW_HOPS(PW_HOP_CONSTANT_, PW_HOP_CONSTANT_, PW_HOP_CONSTANT_, PW_HOP_CONSTANT_) PW_HOP_CNT };
#undef PW_HOP_CONSTANT_

/* Those that a STAMPS event bears. */
#define PW_HOPS_STAMPED ((uint32_t)PW_HOP_SUBMITTED + 1)

struct pw_hop_info {
    const char *token, *name, *label, *help;
};

extern const struct pw_hop_info pw_hops[PW_HOP_CNT];

/* When the order passed that hop, from the origin; INT64_MIN: not known, or the event does not bear it. */
int64_t pw_hop_at_ns(const struct pw_stamps *stamps, enum pw_hop hop);

/* What is measured, a histogram each: every hop from the one before it, then received to submitted, then
 * those later than the send from it on. */
struct pw_hop_span {
    enum pw_hop from, to;
};
#define PW_HOP_SPANS      ((uint32_t)PW_HOP_CNT)
#define PW_HOP_NAME_BYTES 32u

static inline struct pw_hop_span pw_hop_span(uint32_t span_idx)
{
    if (span_idx < PW_HOP_SUBMITTED) {
        return (struct pw_hop_span){(enum pw_hop)span_idx, (enum pw_hop)(span_idx + 1)};
    }
    if (span_idx == PW_HOP_SUBMITTED) {
        return (struct pw_hop_span){PW_HOP_RECV, PW_HOP_SUBMITTED};
    }
    return (struct pw_hop_span){PW_HOP_SUBMITTED, (enum pw_hop)span_idx};
}

/* The region of its histogram, "path.recv_to_decrypted". */
void pw_hop_span_name(uint32_t span_idx, char name[PW_HOP_NAME_BYTES]);

#endif
