/* SPDX-License-Identifier: MIT
 *
 * Sockets of the host, and the look-up of names.
 *
 * getaddrinfo cannot be interrupted and can take minutes, so each look-up has a detached thread and a job
 * that the two share; the last one that lets go of it frees it. A look-up given up at its deadline holds back
 * no other.
 */
#include "sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* Enough for the C library's resolver, which keeps 64 KiB answers on its stack. */
#define LOOKUP_STACK_BYTES (512u << 10)

struct lookup {
    char host[256];
    char port[8];
    _Atomic int owner_cnt; /* the caller and the thread */
    _Atomic int done;
    int result; /* of getaddrinfo; the thread's until done */
    int address_cnt;
    struct pw_address addresses[PW_ADDRESSES_MAX];
};

struct host_sockets {
    struct pw_sockets sockets; /* first: destroy gets a pointer to it */
    struct lookup *lookups[PW_LOOKUPS_MAX];
    bool kernel_stamps;
};

/* ---- names ---- */

static void lookup_release(struct lookup *lookup)
{
    /* Acquire and release: all that either side did comes before the free. */
    if (atomic_fetch_sub_explicit(&lookup->owner_cnt, 1, memory_order_acq_rel) == 1) {
        free(lookup);
    }
}

static void lookup_run(struct lookup *lookup, int flags)
{
    struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = flags | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    lookup->result = getaddrinfo(lookup->host, lookup->port, &hints, &found);
    for (struct addrinfo *at = found; at != NULL && lookup->address_cnt < (int)PW_ADDRESSES_MAX;
         at = at->ai_next) {
        struct pw_address *address = &lookup->addresses[lookup->address_cnt];
        if (at->ai_addrlen <= sizeof address->storage) {
            memcpy(&address->storage, at->ai_addr, at->ai_addrlen);
            address->size = at->ai_addrlen;
            lookup->address_cnt++;
        }
    }
    if (found != NULL) {
        freeaddrinfo(found);
    }
}

/* "localhost" and the names below it are the loopback addresses, whatever a resolver says (RFC 6761, 6.3),
 * and also where there is none. */
static bool is_localhost(const char *host)
{
    static const char name[] = "localhost";
    size_t size = strlen(host), name_size = sizeof name - 1;
    size -= size > 0 && host[size - 1] == '.'; /* the root */
    return size >= name_size && strncasecmp(host + size - name_size, name, name_size) == 0 &&
           (size == name_size || host[size - name_size - 1] == '.');
}

static void loopback_put(struct lookup *lookup, const char *address)
{
    snprintf(lookup->host, sizeof lookup->host, "%s", address);
    lookup_run(lookup, AI_NUMERICHOST);
}

static void *lookup_thread(void *state)
{
    struct lookup *lookup = state;
    lookup_run(lookup, AI_ADDRCONFIG);
    /* Release: the addresses are there. Pairs with the acquire in host_resolved. */
    atomic_store_explicit(&lookup->done, 1, memory_order_release);
    lookup_release(lookup);
    return NULL;
}

static int lookup_start_thread(struct lookup *lookup)
{
    pthread_attr_t attr;
    pthread_t thread;
    sigset_t all;
    pthread_attr_init(&attr);
    sigfillset(&all);
    pthread_attr_setsigmask_np(&attr, &all); /* signals are the main thread's */
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, LOOKUP_STACK_BYTES);
    int err = pthread_create(&thread, &attr, lookup_thread, lookup);
    pthread_attr_destroy(&attr);
    return -err;
}

static int64_t host_resolve(void *state, const char *host, uint16_t port)
{
    struct host_sockets *all = state;
    uint32_t i = 0;
    while (i < PW_LOOKUPS_MAX && all->lookups[i] != NULL) {
        i++;
    }
    if (i == PW_LOOKUPS_MAX || strlen(host) >= sizeof all->lookups[i]->host) {
        return i == PW_LOOKUPS_MAX ? -EAGAIN : -EINVAL;
    }
    struct lookup *lookup = calloc(1, sizeof *lookup);
    if (lookup == NULL) {
        return -ENOMEM;
    }
    snprintf(lookup->host, sizeof lookup->host, "%s", host);
    snprintf(lookup->port, sizeof lookup->port, "%u", port);
    if (is_localhost(host)) {
        loopback_put(lookup, "127.0.0.1");
        loopback_put(lookup, "::1");
        lookup->result = 0;
    } else {
        lookup_run(lookup, AI_NUMERICHOST); /* an address needs no thread */
    }
    if (lookup->result == 0) {
        lookup->owner_cnt = 1;
        lookup->done = 1;
    } else {
        lookup->owner_cnt = 2;
        int err = lookup_start_thread(lookup);
        if (err != 0) {
            free(lookup);
            return err;
        }
    }
    all->lookups[i] = lookup;
    return i;
}

static int host_resolved(void *state, int64_t handle, struct pw_address *out, const char **error)
{
    struct host_sockets *all = state;
    const struct lookup *lookup = all->lookups[handle];
    /* Acquire: pairs with the release in lookup_thread. */
    if (!atomic_load_explicit(&lookup->done, memory_order_acquire)) {
        return -EAGAIN;
    }
    if (lookup->result != 0 || lookup->address_cnt == 0) {
        *error = lookup->result != 0 ? gai_strerror(lookup->result) : "no address";
        return -ENOENT;
    }
    memcpy(out, lookup->addresses, sizeof lookup->addresses);
    return lookup->address_cnt;
}

static void host_resolve_end(void *state, int64_t handle)
{
    struct host_sockets *all = state;
    lookup_release(all->lookups[handle]);
    all->lookups[handle] = NULL;
}

/* ---- sockets ---- */

static int host_connect(void *state, const struct pw_address *address)
{
    const struct host_sockets *all = state;
    int fd = socket(address->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (all->kernel_stamps) {
        setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one);
    }
    if (connect(fd, (const struct sockaddr *)&address->storage, address->size) != 0 && errno != EINPROGRESS) {
        int err = -errno;
        close(fd);
        return err;
    }
    return fd;
}

static int host_connected(void *state, int socket)
{
    (void)state;
    struct pollfd pollfd = {.fd = socket, .events = POLLOUT};
    int ready = poll(&pollfd, 1, 0);
    int error = 0;
    socklen_t size = sizeof error;
    if (ready <= 0) {
        return ready == 0 || errno == EINTR ? 0 : -errno;
    }
    if (getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size) != 0) {
        return -errno;
    }
    /* From here on each call says that it must not wait. io_uring takes O_NONBLOCK for a wish to hear of
     * EAGAIN. */
    if (error == 0 && fcntl(socket, F_SETFL, 0) != 0) {
        return -errno;
    }
    return error == 0 ? 1 : -error;
}

static ssize_t host_send(void *state, int socket, const void *data, size_t size)
{
    (void)state;
    ssize_t sent = send(socket, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    return sent >= 0 ? sent : errno == EINTR ? -EAGAIN : -errno;
}

static ssize_t host_recv(void *state, int socket, void *data, size_t size)
{
    (void)state;
    ssize_t got = recv(socket, data, size, MSG_DONTWAIT);
    return got >= 0 ? got : errno == EINTR ? -EAGAIN : -errno;
}

static void host_close(void *state, int socket)
{
    (void)state;
    close(socket);
}

struct pw_sockets *pw_sockets_host_create(bool kernel_stamps)
{
    struct host_sockets *all = calloc(1, sizeof *all);
    if (all == NULL) {
        return NULL;
    }
    all->kernel_stamps = kernel_stamps;
    all->sockets = (struct pw_sockets){
        .resolve = host_resolve,
        .resolved = host_resolved,
        .resolve_end = host_resolve_end,
        .connect = host_connect,
        .connected = host_connected,
        .send = host_send,
        .recv = host_recv,
        .close = host_close,
        .state = all,
    };
    return &all->sockets;
}

void pw_sockets_host_destroy(struct pw_sockets *sockets)
{
    if (sockets == NULL) {
        return;
    }
    struct host_sockets *all = sockets->state;
    for (uint32_t i = 0; i < PW_LOOKUPS_MAX; i++) {
        if (all->lookups[i] != NULL) {
            host_resolve_end(all, i);
        }
    }
    free(all);
}
