/* SPDX-License-Identifier: MIT
 *
 * The rules of an instrument as events: whether it is open for trading, and its filters. The venue changes
 * them while the engine runs; then they come in the market's order, so that strategy, risk, the journal and a
 * replay have the same ones at the same event.
 *
 * Three events of one instrument, without another between them, say all of it.
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

/* The events that say what the row says. */
void pw_rules_put(const struct pw_instrument *row, uint16_t instrument_idx, int64_t recv_ns,
                  struct pw_event events[PW_RULES_EVENTS]);

/* Takes over what one of them says; other kinds change nothing. */
void pw_rules_apply(struct pw_instrument *row, const struct pw_event *event);

/* Do both say the same? */
bool pw_rules_equal(const struct pw_instrument *a, const struct pw_instrument *b);

#endif
