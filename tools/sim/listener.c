/* SPDX-License-Identifier: MIT
 *
 * Listening sockets: see listener.h.
 */
#include "listener.h"

#include <arpa/inet.h>
#include <errno.h>
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
static int socket_open(struct pw_sim_listener *listener, unsigned which, union address address)
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

static int ipv4_open(struct pw_sim_listener *listener, unsigned which, const struct pw_sim_config *config,
                     uint32_t port)
{
    union address address = {.ipv4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)}};
    int result;

    if (inet_pton(AF_INET, config->listen.address, &address.ipv4.sin_addr) != 1) {
        pw_log(PW_LOG_ERROR, "%s: listen.address '%s' is no IPv4 address", config->path,
               config->listen.address);
        return -EINVAL;
    }
    result = socket_open(listener, which, address);
    if (result) {
        pw_log(PW_LOG_ERROR, "%s: cannot listen on %s port %u: %s", config->path, config->listen.address,
               port, strerror(-result));
    }
    return result;
}

int pw_sim_listener_open(struct pw_sim_listener *listener, const struct pw_sim_config *config)
{
    union address loopback6 = {.ipv6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT}};
    int result;

    *listener = (struct pw_sim_listener){.fds = {-1, -1, -1}};
    result = ipv4_open(listener, PW_SIM_LISTEN_TLS, config, config->listen.port);
    if (result) {
        return result;
    }
    if (strcmp(config->listen.address, "127.0.0.1") == 0) {
        loopback6.ipv6.sin6_port = htons(listener->ports[PW_SIM_LISTEN_TLS]);
        (void)socket_open(listener, PW_SIM_LISTEN_TLS6, loopback6); /* a host without IPv6 does without */
    }
    return config->listen.plain ? ipv4_open(listener, PW_SIM_LISTEN_PLAIN, config, config->listen.plain_port)
                                : 0;
}

int pw_sim_listener_tell(const struct pw_sim_listener *listener, const char *port_file)
{
    char temporary[PW_SIM_PATH_BYTES + 8];
    FILE *file;
    bool good;

    if (!*port_file) {
        return 0;
    }
    snprintf(temporary, sizeof temporary, "%s.new", port_file);
    file = fopen(temporary, "we");
    good = file && fprintf(file, "%u\n", listener->ports[PW_SIM_LISTEN_TLS]) > 0;
    if (good && listener->fds[PW_SIM_LISTEN_PLAIN] >= 0) {
        good = fprintf(file, "%u\n", listener->ports[PW_SIM_LISTEN_PLAIN]) > 0;
    }
    if (file) {
        good &= fclose(file) == 0;
    }
    if (good && rename(temporary, port_file) == 0) {
        return 0;
    }
    pw_log(PW_LOG_ERROR, "%s: cannot be written: %s", port_file, strerror(errno));
    return -EIO;
}

void pw_sim_listener_close(struct pw_sim_listener *listener)
{
    for (unsigned i = 0; i < PW_SIM_LISTENERS; i++) {
        if (listener->fds[i] >= 0) {
            close(listener->fds[i]);
            listener->fds[i] = -1;
        }
    }
}
