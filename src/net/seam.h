/* SPDX-License-Identifier: MIT
 *
 * The seam to the network: two small structs of functions. What is cold (names, connecting, the handshakes,
 * REST) goes through struct pw_sockets, what is hot (receiving and sending on established connections)
 * through struct pw_io. The host's are sockets and io_uring; src/net/virtual.h has an in-memory network in
 * virtual time.
 *
 * Results are 0 or a count, or -errno. Nothing here ever blocks.
 */
#ifndef PW_SEAM_H
#define PW_SEAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#define PW_ADDRESSES_MAX 8u

struct pw_address {
    struct sockaddr_storage storage;
    socklen_t size;
};

/* Cold: one caller thread. A socket is a small number >= 0 that only this struct and the pw_io that belongs
 * to it understand. */
struct pw_sockets {
    /* Begins to turn a name into addresses: a handle for the two calls below, or -errno. */
    int64_t (*resolve)(void *state, const char *host, uint16_t port);
    /* How many addresses were found (at most PW_ADDRESSES_MAX); -EAGAIN: not known yet; else why there are
     * none, in words, in `error`. */
    int (*resolved)(void *state, int64_t handle, struct pw_address *out, const char **error);
    /* Ends a look-up, finished or not. */
    void (*resolve_end)(void *state, int64_t handle);
    /* Begins to connect: a socket, or -errno. */
    int (*connect)(void *state, const struct pw_address *address);
    /* 1: connected; 0: not yet; -errno: failed. */
    int (*connected)(void *state, int socket);
    ssize_t (*send)(void *state, int socket, const void *data, size_t size);
    /* 0: the peer has ended its side. -EAGAIN: nothing there. */
    ssize_t (*recv)(void *state, int socket, void *data, size_t size);
    void (*close)(void *state, int socket);
    void *state;
};

/* Receive buffers of one slot: how much of a peer's data can wait outside its socket. */
#define PW_IO_BUFFER_CNT   8u
#define PW_IO_BUFFER_BYTES 4096u

enum pw_io_kind {
    PW_IO_RECV =
        1, /* result: bytes at data; 0: the peer has ended its side; -errno. After 0 or an error no more */
    PW_IO_SEND = 2,     /* result: bytes sent (perhaps fewer than asked) or -errno */
    PW_IO_DETACHED = 3, /* nothing of this slot is under way any more */
};

struct pw_completion {
    uint32_t slot_idx;
    uint16_t kind; /* enum pw_io_kind */
    uint16_t buffer_idx;
    int32_t result;
    const uint8_t *data; /* RECV: valid until the buffer is released */
    /* RECV: when the kernel had the last of them, by pw_clock_host; 0: it does not say. Of bytes that waited
     * in the socket this is a bound: the kernel joins them, and keeps the time of the newest, which need not
     * even be among those that were read. */
    int64_t kernel_ns;
    bool more; /* RECV: the buffer is full, so that the socket may hold more; else it was read to its end */
};

/* Those without bytes: of a send, its end; the end of what is received; nothing under way any more. */
static inline struct pw_completion pw_completion_sent(uint32_t slot_idx, int32_t result)
{
    return (struct pw_completion){.slot_idx = slot_idx, .kind = PW_IO_SEND, .result = result};
}

static inline struct pw_completion pw_completion_ended(uint32_t slot_idx, int32_t result)
{
    return (struct pw_completion){.slot_idx = slot_idx, .kind = PW_IO_RECV, .result = result};
}

static inline struct pw_completion pw_completion_detached(uint32_t slot_idx)
{
    return (struct pw_completion){.slot_idx = slot_idx, .kind = PW_IO_DETACHED};
}

/* Of bytes that were received into a buffer, of which the kernel has not said when they came. */
static inline struct pw_completion pw_completion_received(uint32_t slot_idx, uint32_t buffer_idx,
                                                          const uint8_t *data, int32_t bytes)
{
    return (struct pw_completion){.slot_idx = slot_idx,
                                  .kind = PW_IO_RECV,
                                  .buffer_idx = (uint16_t)buffer_idx,
                                  .result = bytes,
                                  .data = data,
                                  .more = bytes == (int32_t)PW_IO_BUFFER_BYTES};
}

/* Hot: one thread, that which called start. Slots are numbered from 0 to slot_cnt - 1, as told when it was
 * made. */
struct pw_io {
    /* Once, on the thread that makes all other calls. Logs what it got and what it does without. */
    int (*start)(void *state);
    /* Begins to receive from the socket; each slot has its own bounded buffers: when all are held, the socket
     * is not read any more, and TCP pushes back. */
    int (*attach)(void *state, uint32_t slot_idx, int socket);
    /* Gives a buffer of a RECV back. */
    void (*release)(void *state, uint32_t slot_idx, uint16_t buffer_idx);
    /* One at a time per slot; the bytes must stay until its SEND completion. */
    int (*send)(void *state, uint32_t slot_idx, const uint8_t *data, uint32_t size);
    /* Ends what is under way; PW_IO_DETACHED follows. Buffers held may still be read and must be released.
     * The socket stays open: the cold side closes it. */
    void (*detach)(void *state, uint32_t slot_idx);
    uint32_t (*reap)(void *state, struct pw_completion *out, uint32_t cap);
    /* Lets begin what was asked for since; the last call of a pass. */
    void (*submit)(void *state);
    /* Waits for a completion, at most timeout_ns: at the end of the run only. */
    void (*wait)(void *state, int64_t timeout_ns);
    /* After the last call, on the same thread. */
    void (*stop)(void *state);
    /* Frees it, after stop or without start. */
    void (*destroy)(void *state);
    void *state;
};

#endif
