/* SPDX-License-Identifier: MIT
 *
 * struct pw_io by plain system calls, for hosts that forbid io_uring (many containers do): each pass tries to
 * receive on each connection. The same buffers, the same push-back.
 */
#include "uring.h"

#include "host.h"
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define ALL_HELD ((1u << PW_IO_BUFFER_CNT) - 1)

struct syscalls_slot {
    int socket;
    bool attached, detaching, recv_ended;
    const uint8_t *send_data; /* NULL: nothing to send */
    uint32_t send_bytes;
    uint32_t held; /* bit i: buffer i is the caller's */
    uint8_t buffers[PW_IO_BUFFER_CNT][PW_IO_BUFFER_BYTES];
};

struct syscalls {
    struct pw_io io;
    uint32_t slot_cnt;
    struct syscalls_slot *slots;
};

static int syscalls_start(void *state)
{
    (void)state;
    pw_log(PW_LOG_WARN, "network: system calls instead of io_uring: one more per pass and connection");
    return 0;
}

static int syscalls_attach(void *state, uint32_t slot_idx, int socket)
{
    struct syscalls_slot *slot = &((struct syscalls *)state)->slots[slot_idx];
    slot->socket = socket;
    slot->attached = true;
    slot->recv_ended = false;
    return 0;
}

static void syscalls_release(void *state, uint32_t slot_idx, uint16_t buffer_idx)
{
    ((struct syscalls *)state)->slots[slot_idx].held &= ~(1u << buffer_idx);
}

static int syscalls_send(void *state, uint32_t slot_idx, const uint8_t *data, uint32_t size)
{
    struct syscalls_slot *slot = &((struct syscalls *)state)->slots[slot_idx];
    slot->send_data = data;
    slot->send_bytes = size;
    return 0;
}

static void syscalls_detach(void *state, uint32_t slot_idx)
{
    ((struct syscalls *)state)->slots[slot_idx].detaching = true;
}

static bool would_wait(ssize_t result)
{
    return result < 0 && (errno == EAGAIN || errno == EINTR);
}

static bool try_send(struct syscalls_slot *slot, uint32_t slot_idx, struct pw_completion *out)
{
    if (slot->send_data == NULL) {
        return false;
    }
    ssize_t sent = send(slot->socket, slot->send_data, slot->send_bytes, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (would_wait(sent)) {
        return false;
    }
    slot->send_data = NULL;
    *out = pw_completion_sent(slot_idx, sent >= 0 ? (int32_t)sent : -errno);
    return true;
}

static bool try_recv(struct syscalls_slot *slot, uint32_t slot_idx, struct pw_completion *out)
{
    if (slot->recv_ended || slot->held == ALL_HELD) {
        return false;
    }
    uint32_t buffer_idx = (uint32_t)__builtin_ctz(~slot->held);
    ssize_t got = recv(slot->socket, slot->buffers[buffer_idx], PW_IO_BUFFER_BYTES, MSG_DONTWAIT);
    if (would_wait(got)) {
        return false;
    }
    slot->recv_ended = got <= 0;
    if (got <= 0) {
        *out = pw_completion_ended(slot_idx, got == 0 ? 0 : -errno);
        return true;
    }
    slot->held |= 1u << buffer_idx;
    *out = pw_completion_received(slot_idx, buffer_idx, slot->buffers[buffer_idx], (int32_t)got);
    return true;
}

static uint32_t syscalls_reap(void *state, struct pw_completion *out, uint32_t cap)
{
    struct syscalls *all = state;
    uint32_t n = 0;
    for (uint32_t i = 0; i < all->slot_cnt && n < cap; i++) {
        struct syscalls_slot *slot = &all->slots[i];
        if (slot->detaching) {
            slot->detaching = false;
            slot->attached = false;
            slot->send_data = NULL;
            out[n++] = pw_completion_detached(i);
        } else if (slot->attached) {
            n += try_send(slot, i, &out[n]);
            n += n < cap && try_recv(slot, i, &out[n]);
        }
    }
    return n;
}

static void syscalls_submit(void *state)
{
    (void)state;
}

static void syscalls_wait(void *state, int64_t timeout_ns)
{
    (void)state;
    struct timespec timeout = {.tv_nsec = timeout_ns};
    ppoll(NULL, 0, &timeout, NULL);
}

static void syscalls_stop(void *state)
{
    (void)state;
}

static void syscalls_destroy(void *state)
{
    struct syscalls *all = state;
    free(all->slots);
    free(all);
}

struct pw_io *pw_syscalls_create(uint32_t slot_cnt)
{
    struct syscalls *all = calloc(1, sizeof *all);
    struct syscalls_slot *slots = calloc(slot_cnt, sizeof *slots);
    if (all == NULL || slots == NULL) {
        free(all);
        free(slots);
        return NULL;
    }
    all->slot_cnt = slot_cnt;
    all->slots = slots;
    all->io = (struct pw_io){
        .start = syscalls_start,
        .attach = syscalls_attach,
        .release = syscalls_release,
        .send = syscalls_send,
        .detach = syscalls_detach,
        .reap = syscalls_reap,
        .submit = syscalls_submit,
        .wait = syscalls_wait,
        .stop = syscalls_stop,
        .destroy = syscalls_destroy,
        .state = all,
    };
    return &all->io;
}
