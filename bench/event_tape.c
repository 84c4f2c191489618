/* SPDX-License-Identifier: MIT
 *
 * See event_tape.h.
 */
#include "event_tape.h"
#include "binance_events.h"
#include "binance_rest.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SYMBOLS_MAX 64u

/* What stands behind "s":" in a message; 0 bytes: nothing that could be a symbol. */
static size_t symbol_find(const struct message_tape *tape, uint64_t i, const char **symbol)
{
    static const char key[] = "\"s\":\"";
    const char *at = memmem(message_at(tape, i), message_bytes(tape, i), key, sizeof key - 1);
    if (at == NULL) {
        return 0;
    }
    *symbol = at + sizeof key - 1;
    const char *end = memchr(*symbol, '"', (size_t)(tape->text + tape->offsets[i + 1] - *symbol));
    size_t bytes = end == NULL ? 0 : (size_t)(end - *symbol);
    return bytes < PW_SYMBOL_BYTES ? bytes : 0;
}

int message_tape_symbols(const struct message_tape *tape, struct pw_symbols *symbols)
{
    static struct pw_instrument instruments[SYMBOLS_MAX];
    uint32_t cnt = 0;
    memset(instruments, 0, sizeof instruments);
    for (uint64_t i = 0; i < tape->cnt; i++) {
        const char *symbol = NULL;
        size_t bytes = symbol_find(tape, i, &symbol);
        uint32_t k = 0;
        while (k < cnt && (strlen(instruments[k].symbol) != bytes ||
                           memcmp(instruments[k].symbol, symbol, bytes) != 0)) {
            k++;
        }
        if (bytes == 0 || k < cnt) {
            continue;
        }
        if (cnt == SYMBOLS_MAX) {
            return -EINVAL;
        }
        memcpy(instruments[cnt++].symbol, symbol, bytes);
    }
    return pw_symbols_init(symbols, instruments, cnt, 0);
}

static bool reserve(struct event_tape *events)
{
    if (events->cnt + EVENT_TAPE_MESSAGE_MAX > events->room) {
        uint64_t room = 2 * (events->cnt + EVENT_TAPE_MESSAGE_MAX);
        struct pw_event *more = realloc(events->events, room * sizeof *more);
        if (more == NULL) {
            return false;
        }
        events->events = more;
        events->room = room;
    }
    return true;
}

static void take(struct event_tape *events, uint32_t cnt)
{
    for (uint32_t i = 0; i < cnt; i++) {
        struct pw_event *event = &events->events[events->cnt];
        event->seq = (uint32_t)events->cnt++;
        if (event->kind == PW_EVENT_LEVELS) {
            events->level_cnt += event->flags & PW_FLAG_PAIR ? 2 : 1;
        }
    }
    events->firsts[++events->message_cnt] = events->cnt;
}

static int snapshot_take(struct event_tape *events, const struct message_tape *snapshot,
                         uint64_t *snapshot_id)
{
    int cnt =
        pw_binance_depth_events(message_at(snapshot, 0), message_bytes(snapshot, 0), (struct pw_symbol){0, 0},
                                snapshot->recv_ns[0], events->events, EVENT_TAPE_MESSAGE_MAX);
    if (cnt <= 0) {
        return -EBADMSG;
    }
    *snapshot_id = events->events[0].body.depth.last_update_id;
    take(events, (uint32_t)cnt);
    return 0;
}

static int message_take(struct event_tape *events, const struct message_tape *tape, uint64_t i,
                        const struct pw_symbols *symbols, uint64_t snapshot_id)
{
    if (!reserve(events)) {
        return -ENOMEM;
    }
    struct pw_venue_out out = {
        .events = events->events + events->cnt, .cap = EVENT_TAPE_MESSAGE_MAX, .recv_ns = tape->recv_ns[i]};
    if (pw_binance_events(symbols, message_at(tape, i), message_bytes(tape, i), &out) != PW_DECODE_OK) {
        return -EBADMSG;
    }
    if (out.events->kind != PW_EVENT_DEPTH || out.events->body.depth.last_update_id > snapshot_id) {
        take(events, out.cnt);
    }
    return 0;
}

int event_tape_make(struct event_tape *events, const struct message_tape *tape,
                    const struct message_tape *snapshot)
{
    static struct pw_symbols symbols;
    uint64_t snapshot_id = 0;
    *events = (struct event_tape){.firsts = calloc(tape->cnt + 2, sizeof *events->firsts)};
    int result = events->firsts == NULL || !reserve(events) ? -ENOMEM : message_tape_symbols(tape, &symbols);
    if (result == 0 && snapshot != NULL && snapshot->cnt > 0) {
        result = snapshot_take(events, snapshot, &snapshot_id);
    }
    for (uint64_t i = 0; i < tape->cnt && result == 0; i++) {
        result = message_take(events, tape, i, &symbols, snapshot_id);
    }
    if (result != 0) {
        event_tape_free(events);
    }
    return result;
}

void event_tape_free(struct event_tape *events)
{
    free(events->events);
    free(events->firsts);
    *events = (struct event_tape){0};
}
