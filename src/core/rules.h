/* SPDX-License-Identifier: MIT
 *
 * The rules of an instrument as events: whether it is open for trading, and its filters. The venue changes
 * them while the engine runs; then they come in the market's order, so that strategy, risk, the journal and a
 * replay have the same ones at the same event.
 *
 * Three events of one instrument, without another between them, say all of it. The price by which some
 * filters judge has an event of its own: it changes all the time.
 */
#ifndef PW_RULES_H
#define PW_RULES_H

#include <pinwheel/event.h>
#include <pinwheel/workspace.h>
#include <stdbool.h>

#define PW_RULES_EVENTS 3u

static inline bool pw_event_is_rules(uint8_t kind)
{
    return kind >= PW_EVENT_RULES && kind <= PW_EVENT_RULES_MARKET;
}

/* All that the venue's rules are. */
static inline bool pw_event_is_terms(uint8_t kind)
{
    return kind >= PW_EVENT_RULES && kind <= PW_EVENT_REFERENCE_PRICE;
}

/* What is known of the price by which the venue's filters judge. */
struct pw_reference {
    int64_t price_e8, until_ns; /* it is not used from then on */
};

/* What a REFERENCE_PRICE says; what it says of no time to come holds for none. */
static inline struct pw_reference pw_reference_of(const struct pw_event *event)
{
    const struct pw_reference_price *said = &event->body.reference_price;
    struct pw_reference reference = {.price_e8 = said->price_e8 > 0 ? said->price_e8 : 0};
    if (__builtin_add_overflow(event->recv_ns, said->fresh_ns, &reference.until_ns)) {
        reference.until_ns = 0;
    }
    return reference;
}

/* 0: none, or it is too old by then. */
static inline int64_t pw_reference_price_e8(const struct pw_reference *reference, int64_t now_ns)
{
    return now_ns < reference->until_ns ? reference->price_e8 : 0;
}

/* Has it a filter that judges orders by that price? */
bool pw_rules_want_reference(const struct pw_instrument *row);
/* Of the mean price that these filters judge by where the venue has no reference price; 0: by the last.
 * False: they do not say, or name different ones. */
bool pw_rules_mean_mins(const struct pw_instrument *row, uint16_t *mins);

/* The events that say what the row says. */
void pw_rules_put(const struct pw_instrument *row, uint16_t instrument_idx, int64_t recv_ns,
                  struct pw_event events[PW_RULES_EVENTS]);

/* Takes over what one of them says; other kinds change nothing. */
void pw_rules_apply(struct pw_instrument *row, const struct pw_event *event);

/* Do both say the same? */
bool pw_rules_equal(const struct pw_instrument *a, const struct pw_instrument *b);

#endif
