/* SPDX-License-Identifier: MIT
 *
 * Pipes of bytes with the times of their arrival, and the two seams over them.
 */
#include "virtual.h"

#include "host.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define LISTENERS_MAX 64u
#define LOOKUPS_MAX   64u
#define PIECES_MAX    4096u
#define HOST_BYTES    256u
/* 127.1.0.0 and 192.0.2.0 (TEST-NET-1, RFC 5737), plus the listener's number. */
#define NEAR_NET 0x7f010000u
#define FAR_NET  0xc0000200u

/* Bytes that arrive together. */
struct piece {
    int64_t arrive_ns;
    uint32_t bytes;
};

struct pipe {
    uint8_t *data; /* PW_VIRTUAL_WINDOW_BYTES, a ring */
    uint32_t first, bytes;
    struct piece *pieces; /* PIECES_MAX, a ring */
    uint32_t first_piece, piece_cnt;
    int64_t last_arrive_ns;
    bool ended;
    int64_t end_ns; /* when the end arrives */
};

struct socket {
    bool used;                  /* by the client */
    bool accepted, peer_closed; /* by the server */
    bool reset;
    int listener;
    int64_t connected_ns; /* INT64_MAX: never */
    struct pipe up, down; /* to the server, to the client */
};

struct listener {
    char host[HOST_BYTES];
    uint16_t port;
    bool far;
    enum pw_virtual_answer answer;
};

struct lookup {
    bool used;
    char host[HOST_BYTES];
    uint16_t port;
    int64_t done_ns;
};

struct slot {
    int socket;
    bool attached, detaching, recv_ended;
    const uint8_t *send_data;
    uint32_t send_bytes;
    uint32_t held;
    uint8_t buffers[PW_IO_BUFFER_CNT][PW_IO_BUFFER_BYTES];
};

struct pw_virtual {
    struct pw_virtual_options options;
    uint64_t random_state;
    int64_t now_ns;
    struct pw_sockets sockets;
    struct pw_io io;
    struct listener listeners[LISTENERS_MAX];
    int listener_cnt;
    struct lookup lookups[LOOKUPS_MAX];
    struct socket all[PW_VIRTUAL_SOCKETS_MAX];
    uint64_t connect_cnt;
    struct slot *slots;
    uint32_t slot_cnt;
};

/* ---- pipes ---- */

static bool pipe_init(struct pipe *pipe)
{
    memset(pipe, 0, sizeof *pipe);
    pipe->data = malloc(PW_VIRTUAL_WINDOW_BYTES);
    pipe->pieces = malloc(PIECES_MAX * sizeof *pipe->pieces);
    return pipe->data != NULL && pipe->pieces != NULL;
}

static void pipe_fini(struct pipe *pipe)
{
    free(pipe->data);
    free(pipe->pieces);
    memset(pipe, 0, sizeof *pipe);
}

static uint32_t piece_size(struct pw_virtual *net, uint32_t bytes)
{
    if (net->options.piece_bytes_max == 0) {
        return bytes;
    }
    struct pw_random random = pw_random_seeded(&net->random_state);
    uint32_t size = 1 + (uint32_t)(pw_random_next(&random) % net->options.piece_bytes_max);
    return size < bytes ? size : bytes;
}

static ssize_t pipe_put(struct pw_virtual *net, struct pipe *pipe, const uint8_t *data, size_t size)
{
    size_t done = 0;
    int64_t arrive_ns = net->now_ns + net->options.latency_ns;
    pipe->last_arrive_ns = arrive_ns > pipe->last_arrive_ns ? arrive_ns : pipe->last_arrive_ns;
    while (done < size && pipe->bytes < PW_VIRTUAL_WINDOW_BYTES && pipe->piece_cnt < PIECES_MAX) {
        size_t more = size - done;
        size_t room = PW_VIRTUAL_WINDOW_BYTES - pipe->bytes;
        uint32_t bytes = piece_size(net, (uint32_t)(more < room ? more : room));
        for (uint32_t i = 0; i < bytes; i++) {
            pipe->data[(pipe->first + pipe->bytes + i) % PW_VIRTUAL_WINDOW_BYTES] = data[done + i];
        }
        pipe->pieces[(pipe->first_piece + pipe->piece_cnt++) % PIECES_MAX] =
            (struct piece){pipe->last_arrive_ns, bytes};
        pipe->bytes += bytes;
        done += bytes;
    }
    return done > 0 || size == 0 ? (ssize_t)done : -EAGAIN;
}

/* At most one piece, so that the reader meets the sizes that the seed chose. */
static ssize_t pipe_take(const struct pw_virtual *net, struct pipe *pipe, uint8_t *out, size_t size)
{
    struct piece *piece = &pipe->pieces[pipe->first_piece];
    if (pipe->piece_cnt == 0 || piece->arrive_ns > net->now_ns) {
        return pipe->piece_cnt == 0 && pipe->ended && pipe->end_ns <= net->now_ns ? 0 : -EAGAIN;
    }
    uint32_t bytes = size < piece->bytes ? (uint32_t)size : piece->bytes;
    for (uint32_t i = 0; i < bytes; i++) {
        out[i] = pipe->data[(pipe->first + i) % PW_VIRTUAL_WINDOW_BYTES];
    }
    pipe->first = (pipe->first + bytes) % PW_VIRTUAL_WINDOW_BYTES;
    pipe->bytes -= bytes;
    piece->bytes -= bytes;
    if (piece->bytes == 0) {
        pipe->first_piece = (pipe->first_piece + 1) % PIECES_MAX;
        pipe->piece_cnt--;
    }
    return bytes;
}

static void pipe_end(const struct pw_virtual *net, struct pipe *pipe)
{
    if (!pipe->ended) {
        int64_t arrive_ns = net->now_ns + net->options.latency_ns;
        pipe->ended = true;
        pipe->end_ns = arrive_ns > pipe->last_arrive_ns ? arrive_ns : pipe->last_arrive_ns;
    }
}

/* ---- the cold seam ---- */

static int64_t virtual_resolve(void *state, const char *host, uint16_t port)
{
    struct pw_virtual *net = state;
    for (uint32_t i = 0; i < LOOKUPS_MAX; i++) {
        struct lookup *lookup = &net->lookups[i];
        if (!lookup->used) {
            *lookup = (struct lookup){.used = true, .port = port};
            strncpy(lookup->host, host, HOST_BYTES - 1);
            bool endless = net->options.lookup_ns == INT64_MAX;
            lookup->done_ns = endless ? INT64_MAX : net->now_ns + net->options.lookup_ns;
            return i;
        }
    }
    return -EAGAIN;
}

static int virtual_resolved(void *state, int64_t handle, struct pw_address *out, const char **error)
{
    struct pw_virtual *net = state;
    const struct lookup *lookup = &net->lookups[handle];
    int n = 0;
    if (net->now_ns < lookup->done_ns) {
        return -EAGAIN;
    }
    for (int i = 0; i < net->listener_cnt && n < (int)PW_ADDRESSES_MAX; i++) {
        const struct listener *listener = &net->listeners[i];
        if (strcmp(listener->host, lookup->host) == 0 && listener->port == lookup->port) {
            struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(listener->port)};
            in.sin_addr.s_addr = htonl((listener->far ? FAR_NET : NEAR_NET) + (uint32_t)i);
            memcpy(&out[n].storage, &in, sizeof in);
            out[n++].size = sizeof in;
        }
    }
    *error = "no such name in the virtual network";
    return n > 0 ? n : -ENOENT;
}

static void virtual_resolve_end(void *state, int64_t handle)
{
    ((struct pw_virtual *)state)->lookups[handle].used = false;
}

static int free_socket(struct pw_virtual *net)
{
    for (uint32_t i = 0; i < PW_VIRTUAL_SOCKETS_MAX; i++) {
        struct socket *socket = &net->all[i];
        if (!socket->used && (!socket->accepted || socket->peer_closed)) {
            pipe_fini(&socket->up);
            pipe_fini(&socket->down);
            return (int)i;
        }
    }
    return -EMFILE;
}

static int virtual_connect(void *state, const struct pw_address *address)
{
    struct pw_virtual *net = state;
    const struct sockaddr_in *in = (const struct sockaddr_in *)&address->storage;
    int listener = (int)(ntohl(in->sin_addr.s_addr) & 0xff);
    enum pw_virtual_answer answer = net->listeners[listener].answer;
    net->connect_cnt++;
    int number = answer == PW_VIRTUAL_REFUSE ? -ECONNREFUSED : free_socket(net);
    if (number < 0) {
        return number;
    }
    struct socket *socket = &net->all[number];
    *socket = (struct socket){.used = true, .listener = listener};
    socket->connected_ns = answer == PW_VIRTUAL_SILENT ? INT64_MAX : net->now_ns + net->options.latency_ns;
    if (!pipe_init(&socket->up) || !pipe_init(&socket->down)) {
        socket->used = false;
        return -ENOMEM;
    }
    return number;
}

static int virtual_connected(void *state, int number)
{
    const struct pw_virtual *net = state;
    return net->now_ns >= net->all[number].connected_ns;
}

static ssize_t virtual_send(void *state, int number, const void *data, size_t size)
{
    struct pw_virtual *net = state;
    struct socket *socket = &net->all[number];
    return socket->reset ? -EPIPE : pipe_put(net, &socket->up, data, size);
}

static ssize_t virtual_recv(void *state, int number, void *data, size_t size)
{
    struct pw_virtual *net = state;
    struct socket *socket = &net->all[number];
    return socket->reset ? -ECONNRESET : pipe_take(net, &socket->down, data, size);
}

static void virtual_close(void *state, int number)
{
    struct pw_virtual *net = state;
    pipe_end(net, &net->all[number].up);
    net->all[number].used = false;
}

/* ---- the hot seam ---- */

static int io_start(void *state)
{
    (void)state;
    return 0;
}

static int io_attach(void *state, uint32_t slot_idx, int socket)
{
    struct slot *slot = &((struct pw_virtual *)state)->slots[slot_idx];
    slot->socket = socket;
    slot->attached = true;
    slot->recv_ended = false;
    return 0;
}

static void io_release(void *state, uint32_t slot_idx, uint16_t buffer_idx)
{
    ((struct pw_virtual *)state)->slots[slot_idx].held &= ~(1u << buffer_idx);
}

static int io_send(void *state, uint32_t slot_idx, const uint8_t *data, uint32_t size)
{
    struct slot *slot = &((struct pw_virtual *)state)->slots[slot_idx];
    slot->send_data = data;
    slot->send_bytes = size;
    return 0;
}

static void io_detach(void *state, uint32_t slot_idx)
{
    ((struct pw_virtual *)state)->slots[slot_idx].detaching = true;
}

static bool try_send(struct pw_virtual *net, uint32_t slot_idx, struct pw_completion *out)
{
    struct slot *slot = &net->slots[slot_idx];
    ssize_t sent = slot->send_data != NULL
                       ? virtual_send(net, slot->socket, slot->send_data, slot->send_bytes)
                       : -EAGAIN;
    if (sent == -EAGAIN) {
        return false;
    }
    slot->send_data = NULL;
    *out = pw_completion_sent(slot_idx, (int32_t)sent);
    return true;
}

static bool try_recv(struct pw_virtual *net, uint32_t slot_idx, struct pw_completion *out)
{
    struct slot *slot = &net->slots[slot_idx];
    if (slot->recv_ended || slot->held == (1u << PW_IO_BUFFER_CNT) - 1) {
        return false;
    }
    uint32_t buffer_idx = (uint32_t)__builtin_ctz(~slot->held);
    const struct pipe *down = &net->all[slot->socket].down;
    int64_t arrive_ns = down->piece_cnt > 0 ? down->pieces[down->first_piece].arrive_ns : 0;
    ssize_t got = virtual_recv(net, slot->socket, slot->buffers[buffer_idx], PW_IO_BUFFER_BYTES);
    if (got == -EAGAIN) {
        return false;
    }
    slot->recv_ended = got <= 0;
    if (got <= 0) {
        *out = pw_completion_ended(slot_idx, (int32_t)got);
        return true;
    }
    slot->held |= 1u << buffer_idx;
    *out = pw_completion_received(slot_idx, buffer_idx, slot->buffers[buffer_idx], (int32_t)got);
    out->kernel_ns = arrive_ns;
    out->more = down->piece_cnt > 0 && down->pieces[down->first_piece].arrive_ns <= net->now_ns;
    return true;
}

static uint32_t io_reap(void *state, struct pw_completion *out, uint32_t cap)
{
    struct pw_virtual *net = state;
    uint32_t n = 0;
    for (uint32_t i = 0; i < net->slot_cnt; i++) {
        struct slot *slot = &net->slots[i];
        if (slot->detaching && n < cap) {
            slot->detaching = false;
            slot->attached = false;
            slot->send_data = NULL;
            out[n++] = pw_completion_detached(i);
        } else if (slot->attached) {
            n += n < cap && try_send(net, i, &out[n]);
            while (n < cap && try_recv(net, i, &out[n])) {
                n++;
            }
        }
    }
    return n;
}

static void io_submit(void *state)
{
    (void)state;
}

/* Nobody else can do anything meanwhile: time just passes. */
static void io_wait(void *state, int64_t timeout_ns)
{
    ((struct pw_virtual *)state)->now_ns += timeout_ns;
}

static void io_stop(void *state)
{
    (void)state;
}

/* ---- the server's end ---- */

int pw_virtual_listen(struct pw_virtual *net, const char *host, uint16_t port, bool far)
{
    if (net->listener_cnt == (int)LISTENERS_MAX) {
        return -ENOSPC;
    }
    struct listener *listener = &net->listeners[net->listener_cnt];
    *listener = (struct listener){.port = port, .far = far, .answer = PW_VIRTUAL_ACCEPT};
    strncpy(listener->host, host, HOST_BYTES - 1);
    return net->listener_cnt++;
}

void pw_virtual_set_answer(struct pw_virtual *net, int listener, enum pw_virtual_answer answer)
{
    net->listeners[listener].answer = answer;
}

int pw_virtual_accept(struct pw_virtual *net, int listener)
{
    for (uint32_t i = 0; i < PW_VIRTUAL_SOCKETS_MAX; i++) {
        struct socket *socket = &net->all[i];
        if (socket->used && !socket->accepted && socket->listener == listener &&
            net->now_ns >= socket->connected_ns) {
            socket->accepted = true;
            return (int)i;
        }
    }
    return -EAGAIN;
}

ssize_t pw_virtual_peer_recv(struct pw_virtual *net, int socket, void *data, size_t size)
{
    return pipe_take(net, &net->all[socket].up, data, size);
}

ssize_t pw_virtual_peer_send(struct pw_virtual *net, int socket, const void *data, size_t size)
{
    if (!net->all[socket].used) {
        return -EPIPE;
    }
    return pipe_put(net, &net->all[socket].down, data, size);
}

void pw_virtual_peer_end(struct pw_virtual *net, int socket)
{
    net->all[socket].peer_closed = true;
    pipe_end(net, &net->all[socket].down);
}

void pw_virtual_peer_reset(struct pw_virtual *net, int socket)
{
    net->all[socket].peer_closed = true;
    net->all[socket].reset = true;
}

bool pw_virtual_peer_gone(const struct pw_virtual *net, int socket)
{
    return !net->all[socket].used;
}

/* ---- life ---- */

const struct pw_sockets *pw_virtual_sockets(struct pw_virtual *net)
{
    return &net->sockets;
}

const struct pw_io *pw_virtual_io(struct pw_virtual *net)
{
    return &net->io;
}

void pw_virtual_set_now(struct pw_virtual *net, int64_t now_ns)
{
    net->now_ns = now_ns;
}

uint32_t pw_virtual_open_cnt(const struct pw_virtual *net)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < PW_VIRTUAL_SOCKETS_MAX; i++) {
        n += net->all[i].used;
    }
    return n;
}

uint64_t pw_virtual_connect_cnt(const struct pw_virtual *net)
{
    return net->connect_cnt;
}

static void io_destroy(void *state)
{
    (void)state; /* the network's own */
}

struct pw_virtual *pw_virtual_create(const struct pw_virtual_options *options, uint32_t slot_cnt)
{
    struct pw_virtual *net = calloc(1, sizeof *net);
    struct slot *slots = calloc(slot_cnt, sizeof *slots);
    if (net == NULL || slots == NULL) {
        free(net);
        free(slots);
        return NULL;
    }
    net->options = *options;
    net->random_state = options->seed;
    net->slots = slots;
    net->slot_cnt = slot_cnt;
    net->sockets = (struct pw_sockets){virtual_resolve, virtual_resolved,  virtual_resolve_end,
                                       virtual_connect, virtual_connected, virtual_send,
                                       virtual_recv,    virtual_close,     net};
    net->io = (struct pw_io){io_start,  io_attach, io_release, io_send,    io_detach, io_reap,
                             io_submit, io_wait,   io_stop,    io_destroy, net};
    return net;
}

void pw_virtual_destroy(struct pw_virtual *net)
{
    if (net == NULL) {
        return;
    }
    for (uint32_t i = 0; i < PW_VIRTUAL_SOCKETS_MAX; i++) {
        pipe_fini(&net->all[i].up);
        pipe_fini(&net->all[i].down);
    }
    free(net->slots);
    free(net);
}
