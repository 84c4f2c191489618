/* SPDX-License-Identifier: MIT
 *
 * Receiving and sending through one io_uring.
 *
 * The ring is made, restricted and enabled on the thread that uses it, with deferred task work: completions
 * are posted only when that thread asks, so nothing interrupts it, and looking for them costs no system call
 * unless the kernel says that there are some. A restricted ring can receive, send and cancel, and nothing
 * else: io_uring is not subject to seccomp filters, so this is done on the ring itself.
 *
 * Each slot has a buffer ring of its own: the kernel takes buffers from it as data comes and stops receiving
 * when none is left. That is the push-back; a stalled connection costs the others nothing.
 */
#include "uring.h"

#include "arena.h"
#include "host.h"
#include <assert.h>
#include <errno.h>
#include <liburing.h>
#include <pinwheel/units.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define STEP_REAPS   4096u /* so many, and it is looked whether the wall clock was set */
#define REAP_MAX     64u
#define BUFFER_SHIFT 40 /* in user_data: buffer, operation (8 bits from 32), slot (32 bits) */

enum operation { OPERATION_RECV = 1, OPERATION_SEND = 2, OPERATION_CANCEL = 3 };

enum receive_mode {
    RECEIVE_STAMPED,   /* as below, each with the time when the kernel had it */
    RECEIVE_MULTISHOT, /* one request goes on until canceled; the kernel picks buffers */
    RECEIVE_SELECT,    /* one request, one receive; the kernel picks the buffer */
    RECEIVE_PLAIN,     /* one request, one receive, into the buffer that we name */
};

struct uring_slot {
    int socket;
    uint32_t in_flight; /* requests that the kernel has */
    bool attached, detaching;
    bool recv_armed, recv_ended;
    enum receive_mode mode; /* of the receive that is armed */
    uint32_t held;          /* bit i: buffer i is the caller's, or (plain) the kernel's */
    struct io_uring_buf_ring *buffer_ring;
    uint8_t *buffers;
};

struct uring {
    struct pw_io io;
    struct io_uring ring;
    bool ready;
    enum receive_mode mode; /* of receives to come */
    uint32_t without;
    struct msghdr stamped; /* asks for the stamp beside the bytes */
    int64_t step_ns;       /* of the wall clock, whose time the kernel stamps */
    uint32_t reap_cnt;
    uint32_t slot_cnt, detaching_cnt;
    struct uring_slot *slots;
    uint8_t *memory; /* buffer rings, then buffers */
    size_t memory_bytes;
};

#define RING_BYTES 4096u /* of a buffer ring: it must stand on a page */
#define ALL_HELD   ((1u << PW_IO_BUFFER_CNT) - 1)
#define SLOT_BYTES (RING_BYTES + PW_IO_BUFFER_CNT * PW_IO_BUFFER_BYTES)

static_assert((PW_IO_BUFFER_CNT & (PW_IO_BUFFER_CNT - 1)) == 0, "a buffer ring has a power of two");

/* ---- requests ---- */

static uint64_t tag_of(enum operation operation, uint32_t slot_idx)
{
    return (uint64_t)operation << 32 | slot_idx;
}

static struct io_uring_sqe *next_sqe(struct uring *uring, enum operation operation, uint32_t slot_idx)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&uring->ring);
    if (sqe == NULL) {
        io_uring_submit(&uring->ring);
        sqe = io_uring_get_sqe(&uring->ring);
    }
    if (sqe != NULL) {
        uring->slots[slot_idx].in_flight++;
        io_uring_sqe_set_data64(sqe, tag_of(operation, slot_idx));
    }
    return sqe;
}

static uint8_t *buffer_at(const struct uring *uring, uint32_t slot_idx, uint32_t buffer_idx)
{
    return uring->slots[slot_idx].buffers + (size_t)buffer_idx * PW_IO_BUFFER_BYTES;
}

static void fill_recv(struct uring *uring, struct io_uring_sqe *sqe, uint32_t slot_idx)
{
    struct uring_slot *slot = &uring->slots[slot_idx];
    slot->mode = uring->mode;
    if (slot->mode == RECEIVE_PLAIN) {
        uint32_t buffer_idx = (uint32_t)__builtin_ctz(~slot->held);
        slot->held |= 1u << buffer_idx;
        io_uring_prep_recv(sqe, slot->socket, buffer_at(uring, slot_idx, buffer_idx), PW_IO_BUFFER_BYTES, 0);
        sqe->user_data |= (uint64_t)buffer_idx << BUFFER_SHIFT;
        return;
    }
    if (slot->mode == RECEIVE_STAMPED) {
        io_uring_prep_recvmsg(sqe, slot->socket, &uring->stamped, 0);
    } else {
        io_uring_prep_recv(sqe, slot->socket, NULL, 0, 0);
    }
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = (uint16_t)slot_idx;
    sqe->ioprio |= slot->mode != RECEIVE_SELECT ? IORING_RECV_MULTISHOT : 0;
}

static void arm(struct uring *uring, uint32_t slot_idx)
{
    struct uring_slot *slot = &uring->slots[slot_idx];
    if (!slot->attached || slot->detaching || slot->recv_armed || slot->recv_ended ||
        slot->held == ALL_HELD) {
        return;
    }
    struct io_uring_sqe *sqe = next_sqe(uring, OPERATION_RECV, slot_idx);
    if (sqe != NULL) {
        fill_recv(uring, sqe, slot_idx);
        slot->recv_armed = true;
    }
}

static int uring_attach(void *state, uint32_t slot_idx, int socket)
{
    struct uring *uring = state;
    struct uring_slot *slot = &uring->slots[slot_idx];
    slot->socket = socket;
    slot->attached = true;
    slot->detaching = false;
    slot->recv_armed = false;
    slot->recv_ended = false;
    arm(uring, slot_idx);
    return slot->recv_armed ? 0 : -EBUSY;
}

static void give_back(struct uring *uring, uint32_t slot_idx, uint32_t buffer_idx)
{
    struct uring_slot *slot = &uring->slots[slot_idx];
    slot->held &= ~(1u << buffer_idx);
    if (slot->buffer_ring != NULL) {
        io_uring_buf_ring_add(slot->buffer_ring, buffer_at(uring, slot_idx, buffer_idx), PW_IO_BUFFER_BYTES,
                              (uint16_t)buffer_idx, PW_IO_BUFFER_CNT - 1, 0);
        io_uring_buf_ring_advance(slot->buffer_ring, 1);
    }
}

static void uring_release(void *state, uint32_t slot_idx, uint16_t buffer_idx)
{
    struct uring *uring = state;
    give_back(uring, slot_idx, buffer_idx);
    arm(uring, slot_idx);
}

static int uring_send(void *state, uint32_t slot_idx, const uint8_t *data, uint32_t size)
{
    struct uring *uring = state;
    struct io_uring_sqe *sqe = next_sqe(uring, OPERATION_SEND, slot_idx);
    if (sqe == NULL) {
        return -EBUSY;
    }
    io_uring_prep_send(sqe, uring->slots[slot_idx].socket, data, size, MSG_NOSIGNAL);
    return 0;
}

static void cancel(struct uring *uring, uint32_t slot_idx, uint64_t target)
{
    struct io_uring_sqe *sqe = next_sqe(uring, OPERATION_CANCEL, slot_idx);
    if (sqe != NULL) {
        io_uring_prep_cancel64(sqe, target, 0);
    }
}

static void uring_detach(void *state, uint32_t slot_idx)
{
    struct uring *uring = state;
    struct uring_slot *slot = &uring->slots[slot_idx];
    slot->detaching = true;
    uring->detaching_cnt++;
    if (slot->recv_armed) {
        uint64_t tag = tag_of(OPERATION_RECV, slot_idx);
        for (uint32_t i = 0; i < (slot->mode == RECEIVE_PLAIN ? PW_IO_BUFFER_CNT : 1); i++) {
            cancel(uring, slot_idx, tag | (uint64_t)i << BUFFER_SHIFT);
        }
    }
    if (slot->in_flight > 0) {
        cancel(uring, slot_idx, tag_of(OPERATION_SEND, slot_idx));
    }
}

/* ---- completions ---- */

/* What the kernel does when it knows no multishot receive: the request is invalid. */
static bool lacks_multishot(struct uring *uring, const struct uring_slot *slot, int result)
{
    if (result != -EINVAL || (slot->mode != RECEIVE_STAMPED && slot->mode != RECEIVE_MULTISHOT)) {
        return false;
    }
    uring->mode = RECEIVE_SELECT;
    return true;
}

/* Of a stamped receive: a header, room for the stamp, and the bytes. False: there are none, it is the end. */
static bool take_stamped(const struct uring *uring, uint8_t *buffer, struct pw_completion *out)
{
    struct msghdr stamped = uring->stamped; /* the macros take it without const */
    struct io_uring_recvmsg_out *head = io_uring_recvmsg_validate(buffer, out->result, &stamped);
    if (head == NULL || head->payloadlen == 0) {
        return false;
    }
    out->data = io_uring_recvmsg_payload(head, &stamped);
    out->more = out->result == PW_IO_BUFFER_BYTES;
    out->result = (int32_t)io_uring_recvmsg_payload_length(head, out->result, &stamped);
    const struct cmsghdr *control = io_uring_recvmsg_cmsg_firsthdr(head, &stamped);
    if (control != NULL && control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_TIMESTAMPNS) {
        struct timespec time;
        memcpy(&time, CMSG_DATA(control), sizeof time);
        out->kernel_ns = time.tv_sec * PW_NS_PER_S + time.tv_nsec - uring->step_ns;
    }
    return out->result > 0;
}

/* True: *out is filled. */
static bool take_recv(struct uring *uring, uint32_t slot_idx, const struct io_uring_cqe *cqe,
                      struct pw_completion *out)
{
    struct uring_slot *slot = &uring->slots[slot_idx];
    bool picked = (cqe->flags & IORING_CQE_F_BUFFER) != 0 || slot->mode == RECEIVE_PLAIN;
    uint32_t buffer_idx = slot->mode == RECEIVE_PLAIN ? (uint32_t)(cqe->user_data >> BUFFER_SHIFT)
                                                      : cqe->flags >> IORING_CQE_BUFFER_SHIFT;
    if ((cqe->flags & IORING_CQE_F_MORE) == 0) {
        slot->recv_armed = false;
        slot->in_flight--;
    }
    int32_t result = cqe->res;
    if (result > 0 && picked) {
        uint8_t *buffer = buffer_at(uring, slot_idx, buffer_idx);
        *out = pw_completion_received(slot_idx, buffer_idx, buffer, result);
        if (slot->mode != RECEIVE_STAMPED || take_stamped(uring, buffer, out)) {
            slot->held |= 1u << buffer_idx;
            arm(uring, slot_idx);
            return true;
        }
        result = 0;
    }
    if (picked) {
        give_back(uring, slot_idx, buffer_idx);
    }
    bool again =
        result == -ENOBUFS || result == -EINTR || result == -EAGAIN || lacks_multishot(uring, slot, result);
    if (again) {
        arm(uring, slot_idx);
        return false;
    }
    slot->recv_ended = true;
    *out = pw_completion_ended(slot_idx, result > 0 ? -EIO : result);
    return !slot->detaching;
}

static bool take(struct uring *uring, const struct io_uring_cqe *cqe, struct pw_completion *out)
{
    uint32_t slot_idx = (uint32_t)cqe->user_data;
    struct uring_slot *slot = &uring->slots[slot_idx];
    switch ((cqe->user_data >> 32) & 0xff) {
    case OPERATION_RECV:
        return take_recv(uring, slot_idx, cqe, out);
    case OPERATION_SEND:
        slot->in_flight--;
        *out = pw_completion_sent(slot_idx, cqe->res);
        return true;
    default:
        slot->in_flight--;
        return false;
    }
}

static uint32_t take_detached(struct uring *uring, struct pw_completion *out, uint32_t cap)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < uring->slot_cnt && n < cap; i++) {
        struct uring_slot *slot = &uring->slots[i];
        if (slot->detaching && slot->in_flight == 0) {
            slot->detaching = false;
            slot->attached = false;
            uring->detaching_cnt--;
            out[n++] = pw_completion_detached(i);
        }
    }
    return n;
}

static uint32_t uring_reap(void *state, struct pw_completion *out, uint32_t cap)
{
    struct uring *uring = state;
    struct io_uring_cqe *cqes[REAP_MAX];
    if (uring->mode == RECEIVE_STAMPED && ++uring->reap_cnt % STEP_REAPS == 0) {
        uring->step_ns = pw_clock_host_step_ns();
    }
    uint32_t there = io_uring_peek_batch_cqe(&uring->ring, cqes, cap < REAP_MAX ? cap : REAP_MAX);
    uint32_t n = 0;
    for (uint32_t i = 0; i < there; i++) {
        n += take(uring, cqes[i], &out[n]);
    }
    io_uring_cq_advance(&uring->ring, there);
    return uring->detaching_cnt > 0 ? n + take_detached(uring, out + n, cap - n) : n;
}

static void uring_submit(void *state)
{
    struct uring *uring = state;
    if (io_uring_sq_ready(&uring->ring) > 0) {
        io_uring_submit(&uring->ring);
    }
}

static void uring_wait(void *state, int64_t timeout_ns)
{
    struct uring *uring = state;
    struct __kernel_timespec timeout = {.tv_nsec = timeout_ns};
    struct io_uring_cqe *cqe;
    io_uring_wait_cqe_timeout(&uring->ring, &cqe, &timeout);
}

/* ---- start ---- */

/* From the best to the plainest; `name` is what the log says of it. */
static const struct {
    uint32_t flags;
    const char *name;
} setups[] = {
    {IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
     "single issuer, deferred task work"},
    {IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
     "cooperative task work (no deferred: kernel before 6.1)"},
    {0, "no deferred task work (kernel before 5.19)"},
};

static int make_ring(struct uring *uring, const char **name)
{
    int err = -ENOSYS;
    uint32_t first = (uring->without & PW_URING_NO_DEFER) != 0 ? 1 : 0;
    for (uint32_t i = first; i < sizeof setups / sizeof setups[0]; i++) {
        /* A slot has at most a receive, a send and some cancels under way; completions wait for a pass. */
        struct io_uring_params params = {.flags = setups[i].flags | IORING_SETUP_R_DISABLED |
                                                  IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP,
                                         .cq_entries = uring->slot_cnt * 4 * PW_IO_BUFFER_CNT};
        err = io_uring_queue_init_params(uring->slot_cnt * 4, &uring->ring, &params);
        *name = setups[i].name;
        if (err != -EINVAL) {
            return err;
        }
    }
    return err;
}

static void unmap_buffers(struct uring *uring)
{
    for (uint32_t i = 0; i < uring->slot_cnt; i++) {
        if (uring->slots[i].buffer_ring != NULL) {
            io_uring_unregister_buf_ring(&uring->ring, (int)i);
            uring->slots[i].buffer_ring = NULL;
        }
    }
}

/* 0, or why there is none: the kernel does not know them, or may lock no more memory for us. */
static int map_buffers(struct uring *uring)
{
    for (uint32_t i = 0; i < uring->slot_cnt; i++) {
        struct uring_slot *slot = &uring->slots[i];
        struct io_uring_buf_ring *ring = (void *)(uring->memory + (size_t)i * SLOT_BYTES);
        struct io_uring_buf_reg reg = {
            .ring_addr = (uintptr_t)ring, .ring_entries = PW_IO_BUFFER_CNT, .bgid = (uint16_t)i};
        int err = io_uring_register_buf_ring(&uring->ring, &reg, 0);
        if (err != 0) {
            unmap_buffers(uring);
            return err;
        }
        slot->buffer_ring = ring;
        io_uring_buf_ring_init(ring);
        for (uint32_t k = 0; k < PW_IO_BUFFER_CNT; k++) {
            give_back(uring, i, k);
        }
    }
    return 0;
}

/* Only while the ring is disabled. */
static bool restrict_ring(struct uring *uring)
{
    struct io_uring_restriction allowed[] = {
        {.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_RECV},
        {.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_RECVMSG},
        {.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_SEND},
        {.opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_ASYNC_CANCEL},
        {.opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED, .sqe_flags = IOSQE_BUFFER_SELECT},
    };
    return io_uring_register_restrictions(&uring->ring, allowed, sizeof allowed / sizeof allowed[0]) == 0;
}

static const char *const mode_names[] = {
    [RECEIVE_STAMPED] = "multishot receive, kernel RX timestamps",
    [RECEIVE_MULTISHOT] = "multishot receive, no kernel RX timestamps",
    [RECEIVE_SELECT] = "single receives (kernel before 6.0)",
    [RECEIVE_PLAIN] = "single receives, buffers named",
};

/* Multishot receives came with the zero-copy send, which can be asked for. */
static enum receive_mode best_mode(struct uring *uring, bool mapped)
{
    struct io_uring_probe *probe = io_uring_get_probe_ring(&uring->ring);
    bool multishot = (uring->without & PW_URING_NO_MULTISHOT) == 0 && probe != NULL &&
                     io_uring_opcode_supported(probe, IORING_OP_SEND_ZC);
    io_uring_free_probe(probe);
    if (!mapped) {
        return RECEIVE_PLAIN;
    }
    bool stamped = multishot && (uring->without & PW_URING_NO_STAMPS) == 0;
    return stamped ? RECEIVE_STAMPED : multishot ? RECEIVE_MULTISHOT : RECEIVE_SELECT;
}

/* Whether buffers are mapped; in words why not. */
static bool are_mapped(struct uring *uring, char *words, size_t bytes)
{
    char reason[160];
    int err = (uring->without & PW_URING_NO_BUFFER_RING) != 0 ? -EINVAL : map_buffers(uring);
    snprintf(words, bytes, "%s%s%s", err == 0 ? "provided-buffer ring" : "no buffer rings (",
             err == 0         ? ""
             : err == -EINVAL ? "kernel before 5.19"
                              : pw_ring_error_print(err, reason, sizeof reason),
             err == 0 ? "" : ")");
    return err == 0;
}

static int uring_start(void *state)
{
    struct uring *uring = state;
    const char *setup = "";
    char reason[160], buffers[200];
    int err = make_ring(uring, &setup);
    if (err != 0) {
        pw_log(PW_LOG_ERROR, "io_uring: %s", pw_ring_error_print(err, reason, sizeof reason));
        return err;
    }
    uring->ready = true;
    bool mapped = are_mapped(uring, buffers, sizeof buffers);
    bool restricted = (uring->without & PW_URING_NO_RESTRICTIONS) == 0 && restrict_ring(uring);
    uring->mode = best_mode(uring, mapped);
    err = io_uring_enable_rings(&uring->ring);
    pw_log(err == 0 ? PW_LOG_INFO : PW_LOG_ERROR, "io_uring: %s; %s; %s; %s%s%s", setup,
           mode_names[uring->mode], buffers,
           restricted ? "restricted to receive, send and cancel" : "not restricted (kernel before 5.10)",
           err != 0 ? "; cannot be enabled: " : "", err != 0 ? strerror(-err) : "");
    return err;
}

static void uring_stop(void *state)
{
    struct uring *uring = state;
    if (uring->ready) {
        io_uring_queue_exit(&uring->ring);
        uring->ready = false;
    }
}

static void uring_destroy(void *state)
{
    struct uring *uring = state;
    uring_stop(uring);
    if (uring->memory != NULL) {
        pw_secret_unmap(uring->memory, uring->memory_bytes);
    }
    free(uring->slots);
    free(uring);
}

struct pw_io *pw_uring_create(uint32_t slot_cnt, uint32_t without)
{
    struct uring *uring = calloc(1, sizeof *uring);
    bool locked;
    if (uring == NULL) {
        return NULL;
    }
    uring->slot_cnt = slot_cnt;
    uring->without = without;
    uring->stamped.msg_controllen = CMSG_SPACE(sizeof(struct timespec));
    uring->memory_bytes = (size_t)slot_cnt * SLOT_BYTES;
    uring->slots = calloc(slot_cnt, sizeof *uring->slots);
    uring->memory = pw_secret_map(uring->memory_bytes, true, &locked);
    for (uint32_t i = 0; uring->slots != NULL && uring->memory != NULL && i < slot_cnt; i++) {
        uring->slots[i].buffers = uring->memory + (size_t)i * SLOT_BYTES + RING_BYTES;
    }
    uring->io = (struct pw_io){
        .start = uring_start,
        .attach = uring_attach,
        .release = uring_release,
        .send = uring_send,
        .detach = uring_detach,
        .reap = uring_reap,
        .submit = uring_submit,
        .wait = uring_wait,
        .stop = uring_stop,
        .destroy = uring_destroy,
        .state = uring,
    };
    if (uring->slots == NULL || uring->memory == NULL) {
        uring_destroy(uring);
        return NULL;
    }
    return &uring->io;
}
