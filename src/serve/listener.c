/* SPDX-License-Identifier: MIT
 *
 * Listening sockets: see listener.h.
 */
#include "listener.h"

#include "host.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 64

union address {
    struct sockaddr any;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
};

static uint16_t port_of(const union address *address)
{
    return ntohs(address->any.sa_family == AF_INET6 ? address->ipv6.sin6_port : address->ipv4.sin_port);
}

/* 0 or -errno. */
static int socket_open(struct pw_serve_listener *listener, unsigned which, union address address)
{
    socklen_t size = address.any.sa_family == AF_INET6 ? sizeof address.ipv6 : sizeof address.ipv4;
    int yes = 1, fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return -errno;
    }
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
        bind(fd, &address.any, size) != 0 || listen(fd, BACKLOG) != 0 ||
        getsockname(fd, &address.any, &size) != 0) {
        int error = errno;
        close(fd);
        return -error;
    }
    listener->fds[which] = fd;
    listener->ports[which] = port_of(&address);
    return 0;
}

static int ipv4_open(struct pw_serve_listener *listener, unsigned which, const struct pw_serve_listen *config,
                     uint32_t port)
{
    union address address = {.ipv4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)}};
    int result;

    if (inet_pton(AF_INET, config->address, &address.ipv4.sin_addr) != 1) {
        pw_log(PW_LOG_ERROR, "%s: listen.address '%s' is not an IPv4 address", config->where,
               config->address);
        return -EINVAL;
    }
    result = socket_open(listener, which, address);
    if (result) {
        pw_log(PW_LOG_ERROR, "%s: cannot listen on %s port %u: %s", config->where, config->address, port,
               strerror(-result));
    }
    return result;
}

static int tls_open(struct pw_serve_listener *listener, const struct pw_serve_listen *config)
{
    union address loopback6 = {.ipv6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT}};
    int result = ipv4_open(listener, PW_SERVE_LISTEN_TLS, config, config->tls_port);

    if (!result && strcmp(config->address, "127.0.0.1") == 0) {
        loopback6.ipv6.sin6_port = htons(listener->ports[PW_SERVE_LISTEN_TLS]);
        (void)socket_open(listener, PW_SERVE_LISTEN_TLS6, loopback6); /* a host without IPv6 does without */
    }
    return result;
}

int pw_serve_listener_open(struct pw_serve_listener *listener, const struct pw_serve_listen *listen)
{
    int result;

    *listener = (struct pw_serve_listener){.fds = {-1, -1, -1}};
    result = listen->tls ? tls_open(listener, listen) : 0;
    return !result && listen->plain ? ipv4_open(listener, PW_SERVE_LISTEN_PLAIN, listen, listen->plain_port)
                                    : result;
}

int pw_serve_listener_publish(const struct pw_serve_listener *listener, const char *port_file)
{
    static const unsigned published[] = {PW_SERVE_LISTEN_TLS, PW_SERVE_LISTEN_PLAIN};
    char temporary[PATH_MAX];
    FILE *file;
    bool good;

    if ((size_t)snprintf(temporary, sizeof temporary, "%s.new", port_file) >= sizeof temporary) {
        pw_log(PW_LOG_ERROR, "%s: the name is too long", port_file);
        return -ENAMETOOLONG;
    }
    file = fopen(temporary, "we");
    good = file != NULL;
    for (size_t i = 0; good && i < sizeof published / sizeof published[0]; i++) {
        good = listener->fds[published[i]] < 0 || fprintf(file, "%u\n", listener->ports[published[i]]) > 0;
    }
    if (file) {
        good &= fclose(file) == 0;
    }
    if (good && rename(temporary, port_file) == 0) {
        return 0;
    }
    pw_log(PW_LOG_ERROR, "%s: cannot write it: %s", port_file, strerror(errno));
    return -EIO;
}

void pw_serve_listener_close(struct pw_serve_listener *listener)
{
    for (unsigned i = 0; i < PW_SERVE_LISTENERS; i++) {
        if (listener->fds[i] >= 0) {
            close(listener->fds[i]);
            listener->fds[i] = -1;
        }
    }
}
