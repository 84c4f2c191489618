/* SPDX-License-Identifier: MIT
 *
 * Messages of a tape as the events that parse makes of them.
 */
#ifndef PW_BENCH_EVENT_TAPE_H
#define PW_BENCH_EVENT_TAPE_H

#include "message_tape.h"
#include "symbols.h"
#include <pinwheel/event.h>

/* Events of the largest message that is taken. */
#define EVENT_TAPE_MESSAGE_MAX 16384u

/* The symbols that messages of the tape name, in the order of their first appearance. 0 or -EINVAL: too many.
 */
int message_tape_symbols(const struct message_tape *tape, struct pw_symbols *symbols);

struct event_tape {
    struct pw_event *events;
    uint64_t cnt, room;
    uint64_t *firsts; /* message i became events[firsts[i]] to events[firsts[i + 1] - 1] */
    uint64_t message_cnt;
    uint64_t level_cnt; /* in all LEVELS events */
};

/* snapshot: its first message is a depth snapshot, which goes first; NULL or an empty tape: none. Updates
 * that it contains already are left out. Events are numbered from 0, as parse does. 0, -EBADMSG: a message
 * cannot be read, or -errno. */
int event_tape_make(struct event_tape *events, const struct message_tape *tape,
                    const struct message_tape *snapshot);
void event_tape_free(struct event_tape *events);

#endif
