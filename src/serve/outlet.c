/* SPDX-License-Identifier: MIT
 *
 * Bytes on their way to one connection: see outlet.h.
 */
#include "outlet.h"

#include "pw_assert.h"
#include "websocket.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

int pw_serve_outlet_init(struct pw_serve_outlet *outlet, struct pw_serve_outlet_set *set, size_t capacity)
{
    /* Mapped, not allocated: a large limit costs nothing until somebody is slow. */
    void *data = mmap(NULL, capacity, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (data == MAP_FAILED) {
        return -errno;
    }
    *outlet = (struct pw_serve_outlet){.set = set, .data = data, .capacity = capacity};
    return 0;
}

static void dirty_forget(struct pw_serve_outlet *outlet)
{
    struct pw_serve_outlet **link = &outlet->set->dirty;

    while (*link && *link != outlet) {
        link = &(*link)->next_dirty;
    }
    pw_assert(*link == outlet);
    *link = outlet->next_dirty;
}

static void blocked_end(struct pw_serve_outlet *outlet)
{
    if (outlet->blocked) {
        pw_assert(outlet->set->blocked_cnt > 0);
        outlet->set->blocked_cnt--;
        outlet->blocked = false;
    }
}

void pw_serve_outlet_fini(struct pw_serve_outlet *outlet)
{
    if (!outlet->data) {
        return;
    }
    if (outlet->dirty) {
        dirty_forget(outlet);
    }
    blocked_end(outlet);
    munmap(outlet->data, outlet->capacity);
    *outlet = (struct pw_serve_outlet){0};
}

/* Something was queued, or could not be. */
static void outlet_touched(struct pw_serve_outlet *outlet)
{
    if (!outlet->dirty) {
        outlet->dirty = true;
        outlet->next_dirty = outlet->set->dirty;
        outlet->set->dirty = outlet;
    }
    if (!outlet->blocked && pw_serve_outlet_backlog(outlet) > outlet->set->window_bytes) {
        outlet->blocked = true;
        outlet->set->blocked_cnt++;
    }
}

/* Room for `bytes` in one piece at the tail (moves what is there if it must), or NULL. */
static char *outlet_reserve(struct pw_serve_outlet *outlet, size_t bytes)
{
    if (outlet->head == outlet->tail) {
        outlet->head = outlet->tail = 0;
    }
    if (bytes > outlet->capacity - pw_serve_outlet_backlog(outlet)) {
        return NULL;
    }
    if (bytes > outlet->capacity - outlet->tail) {
        memmove(outlet->data, outlet->data + outlet->head, pw_serve_outlet_backlog(outlet));
        outlet->tail -= outlet->head;
        outlet->head = 0;
    }
    pw_assert(outlet->head <= outlet->tail && outlet->tail + bytes <= outlet->capacity);
    return outlet->data + outlet->tail;
}

void pw_serve_outlet_fail(struct pw_serve_outlet *outlet)
{
    outlet->overrun = true;
    outlet_touched(outlet);
}

void pw_serve_outlet_append(struct pw_serve_outlet *outlet, const char *bytes, size_t size)
{
    char *at = outlet_reserve(outlet, size);

    if (!at) {
        pw_serve_outlet_fail(outlet);
        return;
    }
    if (size) { /* there may be no bytes to point to */
        memcpy(at, bytes, size);
    }
    outlet->tail += size;
    outlet_touched(outlet);
}

char *pw_serve_outlet_frame(struct pw_serve_outlet *outlet, uint8_t opcode, size_t payload_bytes)
{
    char *at = outlet_reserve(outlet, PW_WS_HEADER_MAX + payload_bytes);

    if (!at) {
        pw_serve_outlet_fail(outlet);
        return NULL;
    }
    at += pw_ws_header_encode((uint8_t *)at, opcode, true, payload_bytes, NULL);
    outlet->tail = (size_t)(at - outlet->data) + payload_bytes;
    outlet_touched(outlet);
    return at;
}

void pw_serve_outlet_send(struct pw_serve_outlet *outlet, uint8_t opcode, const char *payload, size_t size)
{
    char *at = pw_serve_outlet_frame(outlet, opcode, size);

    if (at && size) {
        memcpy(at, payload, size);
    }
}

void pw_serve_outlet_sent(struct pw_serve_outlet *outlet, size_t size)
{
    pw_assert(size <= pw_serve_outlet_backlog(outlet));
    outlet->head += size;
    if (pw_serve_outlet_backlog(outlet) <= outlet->set->window_bytes / 2) {
        blocked_end(outlet);
    }
}

struct pw_serve_outlet *pw_serve_outlet_next(struct pw_serve_outlet_set *set)
{
    struct pw_serve_outlet *outlet = set->dirty;

    if (outlet) {
        set->dirty = outlet->next_dirty;
        outlet->next_dirty = NULL;
        outlet->dirty = false;
    }
    return outlet;
}
