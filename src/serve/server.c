/* SPDX-License-Identifier: MIT
 *
 * The server's event loop and its clients: see serve.h.
 */
#include "client.h"
#include "pw_assert.h"

#include <errno.h>
#include <netinet/in.h>
#include <pinwheel/units.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define TICK_NS           (50 * PW_NS_PER_MS)   /* deadlines and pings */
#define STOP_NS           (1500 * PW_NS_PER_MS) /* for the clients' close frames */
#define IDLE_NS           (1000 * PW_NS_PER_MS) /* and none younger is given up for a new one */
#define EVENTS_A_PASS     64
#define ACCEPTS_A_PASS    64
#define OTHER_DESCRIPTORS 32u /* of the process, besides one a connection */

struct pw_server {
    struct pw_serve_shared shared;
    struct pw_clock clock;
    struct pw_serve_client *clients;
    unsigned char *sessions; /* service.session_bytes each */
    uint32_t *epoll_masks;   /* by client: what epoll knows */
    uint32_t client_cnt;
    int epoll_fd; /* an event's data: the listener's index, or beyond them the client's and above it its
                     serial */
    struct pw_serve_listener listener;
    struct WOLFSSL_CTX *context;
    int64_t next_tick_ns;
    uint64_t dropped_cnt;
};

/* ---- clients ---- */

static struct pw_serve_address address_of(const struct sockaddr_storage *peer)
{
    struct pw_serve_address address = {.version6 = peer->ss_family == AF_INET6};

    if (address.version6) {
        memcpy(&address.network, &((const struct sockaddr_in6 *)peer)->sin6_addr, sizeof address.network);
    } else {
        address.network = ((const struct sockaddr_in *)peer)->sin_addr.s_addr;
    }
    return address;
}

static uint32_t clients_of(const struct pw_server *server, struct pw_serve_address address)
{
    uint32_t cnt = 0;

    for (uint32_t i = 0; i < server->client_cnt; i++) {
        cnt += server->clients[i].phase != PW_SERVE_FREE &&
               pw_serve_address_equal(server->clients[i].address, address);
    }
    return cnt;
}

static struct pw_serve_client *client_free_find(struct pw_server *server)
{
    for (uint32_t i = 0; i < server->client_cnt; i++) {
        if (server->clients[i].phase == PW_SERVE_FREE) {
            return &server->clients[i];
        }
    }
    return NULL;
}

/* Gives up the client that is idle for longest, of that address or (NULL) of all; its place. NULL: all have
 * something to do. */
static struct pw_serve_client *client_idle_evict(struct pw_server *server,
                                                 const struct pw_serve_address *address, int64_t now_ns)
{
    struct pw_serve_client *oldest = NULL;
    int64_t oldest_ns = now_ns - IDLE_NS;

    for (uint32_t i = 0; i < server->client_cnt; i++) {
        struct pw_serve_client *client = &server->clients[i];
        int64_t since_ns = pw_serve_client_idle_since_ns(client);
        if (since_ns <= oldest_ns && (!address || pw_serve_address_equal(client->address, *address))) {
            oldest = client;
            oldest_ns = since_ns - 1; /* of those idle for equally long the first */
        }
    }
    if (oldest) {
        pw_serve_client_free(oldest);
    }
    return oldest;
}

/* Where a new client of that address goes: at the limit of an address in the place of one of its own. NULL:
 * there is no place for it. */
static struct pw_serve_client *client_place(struct pw_server *server, struct pw_serve_address address,
                                            int64_t now_ns)
{
    struct pw_serve_client *place;

    if (clients_of(server, address) >= server->shared.limits.address_max) {
        return client_idle_evict(server, &address, now_ns);
    }
    place = client_free_find(server);
    return place ? place : client_idle_evict(server, NULL, now_ns);
}

static uint64_t event_data(const struct pw_serve_client *client)
{
    return (uint64_t)client->serial << 32 | (PW_SERVE_LISTENERS + client->client_idx);
}

static void clients_accept(struct pw_server *server, unsigned which, int64_t now_ns)
{
    for (int i = 0; i < ACCEPTS_A_PASS; i++) {
        struct sockaddr_storage peer = {0};
        socklen_t peer_bytes = sizeof peer;
        int fd = accept4(server->listener.fds[which], (struct sockaddr *)&peer, &peer_bytes,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);
        struct epoll_event event = {.events = EPOLLIN};
        struct pw_serve_address address = address_of(&peer);
        struct pw_serve_client *client;

        if (fd < 0) {
            return;
        }
        client = client_place(server, address, now_ns);
        if (!client) {
            close(fd); /* full: as refused as it can be after the fact */
            continue;
        }
        if (server->shared.service.session_bytes) {
            memset(client->session, 0, server->shared.service.session_bytes);
        }
        if (pw_serve_client_open(client, &server->shared, fd, address,
                                 which == PW_SERVE_LISTEN_PLAIN ? NULL : server->context, now_ns) != 0) {
            continue;
        }
        event.data.u64 = event_data(client);
        server->epoll_masks[client->client_idx] = EPOLLIN;
        if (epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
            client->ended = true;
        }
    }
}

/* After anything was done with a client: takes it away if it has ended, else sets what epoll waits for.
 */
static void client_settle(struct pw_server *server, struct pw_serve_client *client)
{
    uint32_t i = client->client_idx;
    struct epoll_event event = {.data.u64 = event_data(client)};

    if (client->phase == PW_SERVE_FREE) {
        return;
    }
    if (client->ended) {
        server->dropped_cnt += client->outlet.overrun;
        pw_serve_client_free(client);
        return;
    }
    event.events = (pw_serve_client_wants_read(client) ? EPOLLIN : 0u) | (client->want_write ? EPOLLOUT : 0u);
    if (event.events != server->epoll_masks[i]) {
        server->epoll_masks[i] = event.events;
        /* Cannot fail: the fd is ours and in it. */
        (void)epoll_ctl(server->epoll_fd, EPOLL_CTL_MOD, client->link.fd, &event);
    }
}

static void client_event(struct pw_server *server, struct pw_serve_client *client, uint32_t events,
                         int64_t now_ns)
{
    if (client->phase == PW_SERVE_FREE) {
        return; /* ended earlier in this pass */
    }
    if (events & EPOLLOUT) {
        pw_serve_client_writable(client, now_ns);
    }
    if (!client->ended && events & EPOLLIN) {
        pw_serve_client_readable(client, now_ns);
    }
    if (events & (EPOLLHUP | EPOLLERR)) { /* nothing can be sent any more */
        client->ended = true;
    }
    client_settle(server, client);
}

void pw_server_flush(struct pw_server *server, int64_t now_ns)
{
    struct pw_serve_outlet *outlet;

    while ((outlet = pw_serve_outlet_next(&server->shared.outlets))) {
        struct pw_serve_client *client =
            (struct pw_serve_client *)((char *)outlet - offsetof(struct pw_serve_client, outlet));
        if (!client->want_write || outlet->overrun) {
            pw_serve_client_flush(client, now_ns);
        }
        client_settle(server, client);
    }
}

static void clients_tick(struct pw_server *server, int64_t now_ns)
{
    for (uint32_t i = 0; i < server->client_cnt; i++) {
        if (server->clients[i].phase != PW_SERVE_FREE) {
            pw_serve_client_tick(&server->clients[i], now_ns);
            client_settle(server, &server->clients[i]);
        }
    }
}

int64_t pw_server_tick(struct pw_server *server, int64_t now_ns)
{
    if (now_ns >= server->next_tick_ns) {
        clients_tick(server, now_ns);
        server->next_tick_ns = now_ns + TICK_NS;
    }
    return server->next_tick_ns;
}

/* Everybody, or those on WebSockets. */
static void clients_shutdown(struct pw_server *server, bool everybody, int64_t now_ns)
{
    for (uint32_t i = 0; i < server->client_cnt; i++) {
        struct pw_serve_client *client = &server->clients[i];
        if (client->phase == PW_SERVE_WEBSOCKET || (everybody && client->phase != PW_SERVE_FREE)) {
            pw_serve_client_shutdown(client, now_ns);
            client_settle(server, client);
        }
    }
}

void pw_server_shut(struct pw_server *server, int64_t now_ns)
{
    clients_shutdown(server, false, now_ns);
}

void pw_server_reset(struct pw_server *server)
{
    for (uint32_t i = 0; i < server->client_cnt; i++) {
        struct pw_serve_client *client = &server->clients[i];
        if (client->phase == PW_SERVE_WEBSOCKET) {
            client->ended = client->reset = true;
            client_settle(server, client);
        }
    }
}

bool pw_server_drained(const struct pw_server *server)
{
    for (uint32_t i = 0; i < server->client_cnt; i++) {
        if (server->clients[i].phase != PW_SERVE_FREE &&
            pw_serve_outlet_backlog(&server->clients[i].outlet)) {
            return false;
        }
    }
    return true;
}

static bool clients_none(const struct pw_server *server)
{
    for (uint32_t i = 0; i < server->client_cnt; i++) {
        if (server->clients[i].phase != PW_SERVE_FREE) {
            return false;
        }
    }
    return true;
}

uint32_t pw_server_blocked_cnt(const struct pw_server *server)
{
    return server->shared.outlets.blocked_cnt;
}

uint64_t pw_server_dropped_cnt(const struct pw_server *server)
{
    return server->dropped_cnt;
}

const struct pw_serve_listener *pw_server_listener(const struct pw_server *server)
{
    return &server->listener;
}

/* ---- the loop ---- */

void pw_server_wait(struct pw_server *server, int64_t timeout_ns)
{
    struct epoll_event events[EVENTS_A_PASS];
    struct timespec timeout = {timeout_ns / 1000000000, timeout_ns % 1000000000};
    int cnt = epoll_pwait2(server->epoll_fd, events, EVENTS_A_PASS, &timeout, NULL);
    int64_t now_ns = pw_clock_now_ns(&server->clock);

    for (int i = 0; i < cnt; i++) {
        uint32_t subject = (uint32_t)events[i].data.u64, serial = (uint32_t)(events[i].data.u64 >> 32);
        if (subject < PW_SERVE_LISTENERS) {
            clients_accept(server, subject, now_ns);
        } else {
            pw_assert(subject - PW_SERVE_LISTENERS < server->client_cnt);
            struct pw_serve_client *client = &server->clients[subject - PW_SERVE_LISTENERS];
            if (client->serial == serial) { /* else its place is another's by now */
                client_event(server, client, events[i].events, now_ns);
            }
        }
    }
}

void pw_server_stop(struct pw_server *server)
{
    int64_t until_ns = pw_clock_now_ns(&server->clock) + STOP_NS;

    pw_serve_listener_close(&server->listener);
    clients_shutdown(server, true, pw_clock_now_ns(&server->clock));
    while (!clients_none(server) && pw_clock_now_ns(&server->clock) < until_ns) {
        clients_tick(server, pw_clock_now_ns(&server->clock));
        pw_server_wait(server, TICK_NS);
    }
}

/* ---- start and end ---- */

/* A descriptor for each connection, and some for ourselves: else accept would fail, and be tried again for
 * ever. */
static int descriptors_ensure(const struct pw_server_config *config)
{
    rlim_t needed = config->limits.connections_max + OTHER_DESCRIPTORS;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return -errno;
    }
    if (limit.rlim_cur >= needed) {
        return 0;
    }
    limit.rlim_cur = needed < limit.rlim_max ? needed : limit.rlim_max;
    if (limit.rlim_cur == needed && setrlimit(RLIMIT_NOFILE, &limit) == 0) {
        return 0;
    }
    pw_log(PW_LOG_ERROR, "%s: %u connections need %llu descriptors; this process may have %llu",
           config->listen.where, config->limits.connections_max, (unsigned long long)needed,
           (unsigned long long)limit.rlim_max);
    return -EMFILE;
}

static int server_init(struct pw_server *server, const struct pw_server_config *config,
                       const struct pw_service *service)
{
    size_t session_bytes = service->session_bytes;

    server->clock = config->clock;
    server->shared.service = *service;
    server->shared.limits = config->limits;
    if (config->limits.address_max == 0) {
        server->shared.limits.address_max =
            config->limits.connections_max - config->limits.connections_max / 4;
    }
    server->shared.outlets.window_bytes = config->limits.window_bytes;
    server->client_cnt = config->limits.connections_max;
    server->clients = calloc(server->client_cnt, sizeof *server->clients);
    server->sessions = session_bytes ? calloc(server->client_cnt, session_bytes) : NULL;
    server->epoll_masks = calloc(server->client_cnt, sizeof *server->epoll_masks);
    server->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (!server->clients || (session_bytes && !server->sessions) || !server->epoll_masks ||
        server->epoll_fd < 0) {
        pw_log(PW_LOG_ERROR, "%s: no memory for %u connections", config->listen.where, server->client_cnt);
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < server->client_cnt; i++) {
        server->clients[i].client_idx = i;
        server->clients[i].session = session_bytes ? server->sessions + i * session_bytes : NULL;
    }
    if (!config->listen.tls) {
        return 0;
    }
    server->context = pw_serve_link_context_make(config->certificate_path, config->key_path);
    if (!server->context) {
        pw_log(PW_LOG_ERROR, "%s: cannot load the certificate or its key", config->certificate_path);
        return -EIO;
    }
    return 0;
}

static int server_listen(struct pw_server *server, const struct pw_serve_listen *listen)
{
    int result = pw_serve_listener_open(&server->listener, listen);

    for (unsigned i = 0; !result && i < PW_SERVE_LISTENERS; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.u64 = i};
        if (server->listener.fds[i] >= 0 &&
            epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, server->listener.fds[i], &event) != 0) {
            result = -errno;
            pw_log(PW_LOG_ERROR, "epoll: %s", strerror(-result));
        }
    }
    return result;
}

int pw_server_open(struct pw_server **server, const struct pw_server_config *config,
                   const struct pw_service *service)
{
    struct pw_server *made;
    int result = descriptors_ensure(config);

    pw_assert(config->limits.connections_max > 0 && config->limits.output_bytes > 0);
    *server = NULL;
    if (result) {
        return result;
    }
    made = calloc(1, sizeof *made);
    if (!made) {
        return -ENOMEM;
    }
    made->epoll_fd = -1;
    made->listener = (struct pw_serve_listener){.fds = {-1, -1, -1}};
    result = server_init(made, config, service);
    if (!result) {
        result = server_listen(made, &config->listen);
    }
    if (result) {
        pw_server_close(made);
        return result;
    }
    *server = made;
    return 0;
}

void pw_server_close(struct pw_server *server)
{
    if (!server) {
        return;
    }
    for (uint32_t i = 0; server->clients && i < server->client_cnt; i++) {
        if (server->clients[i].phase != PW_SERVE_FREE) {
            pw_serve_client_free(&server->clients[i]);
        }
    }
    pw_serve_listener_close(&server->listener);
    if (server->epoll_fd >= 0) {
        close(server->epoll_fd);
    }
    if (server->context) {
        pw_serve_link_context_free(server->context);
    }
    pw_buffer_free(&server->shared.scratch);
    pw_buffer_free(&server->shared.gzip);
    free(server->clients);
    free(server->sessions);
    free(server->epoll_masks);
    free(server);
}
