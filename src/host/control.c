/* SPDX-License-Identifier: MIT
 *
 * The control socket, both ends. Sockets are reached through the descriptor of their checked directory
 * (/proc/self/fd/N/name): nobody can swap the directory after the check, and long paths fit sun_path.
 */
#include "control.h"

#include "host.h"
#include "pw_assert.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define LOCK_TRIES 10 /* each is spoilt only by an engine of the same name that ends at that moment */

/* ---- the directory ---- */

static int dir_path_xdg(char *path, size_t path_bytes)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    if (runtime == NULL || runtime[0] != '/') {
        return -ENOENT; /* the XDG base directory specification: relative paths are to be ignored */
    }
    int size = snprintf(path, path_bytes, "%s/pinwheel", runtime);
    return size < 0 || (size_t)size >= path_bytes ? -ENAMETOOLONG : 0;
}

static void dir_path_tmp(char *path, size_t path_bytes)
{
    snprintf(path, path_bytes, "/tmp/pinwheel-%u", (unsigned)geteuid());
}

/* A descriptor of the directory if it is one, no symbolic link, ours, and closed to others; else -errno. */
static int dir_open_checked(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return errno == ELOOP || errno == ENOTDIR ? -EPERM : -errno;
    }
    struct stat facts;
    if (fstat(fd, &facts) != 0 || facts.st_uid != geteuid() || (facts.st_mode & 077) != 0) {
        close(fd);
        return -EPERM;
    }
    return fd;
}

static int dir_open_server(char *path, size_t path_bytes, char *error, size_t error_bytes)
{
    int rc = dir_path_xdg(path, path_bytes);
    if (rc == -ENOENT) {
        dir_path_tmp(path, path_bytes);
    } else if (rc != 0) {
        snprintf(error, error_bytes, "$XDG_RUNTIME_DIR is too long for a path; shorten or unset it");
        return rc;
    }
    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        rc = -errno;
        snprintf(error, error_bytes, "%s: cannot create the control socket's directory: %s", path,
                 strerror(-rc));
        return rc;
    }
    int fd = dir_open_checked(path);
    if (fd == -EPERM) {
        snprintf(error, error_bytes,
                 "%s: must be a directory of this user with mode 0700, and no symbolic link; remove it or "
                 "repair it",
                 path);
    } else if (fd < 0) {
        snprintf(error, error_bytes, "%s: %s", path, strerror(-fd));
    }
    return fd;
}

int pw_control_folder(char *path, size_t path_bytes)
{
    char error[512];
    int fd = dir_open_server(path, path_bytes, error, sizeof error);
    if (fd >= 0) {
        close(fd);
    }
    return fd < 0 ? fd : 0;
}

static void address_set(struct sockaddr_un *address, int dir_fd, const char *socket_name)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(address->sun_path, sizeof address->sun_path, "/proc/self/fd/%d/%.63s", dir_fd, socket_name);
}

/* The engine's own user and root may use it; root may use every engine's. */
static bool peer_trusted(int fd)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || size != sizeof peer) {
        return false;
    }
    return peer.uid == geteuid() || peer.uid == 0;
}

/* ---- server ---- */

/* Who holds the lock owns the name: so an existing socket file is known to be a dead engine's. */
static int lock_try(int dir_fd, const char *name)
{
    int fd = openat(dir_fd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return -errno;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        int rc = errno == EWOULDBLOCK ? -EADDRINUSE : -errno;
        close(fd);
        return rc;
    }
    struct stat ours, named;
    if (fstat(fd, &ours) != 0 || fstatat(dir_fd, name, &named, AT_SYMLINK_NOFOLLOW) != 0 ||
        ours.st_ino != named.st_ino || ours.st_dev != named.st_dev) {
        close(fd);
        return -EAGAIN; /* its holder has removed it between our open and our lock: that lock is of no name */
    }
    return fd;
}

static int lock_take(int dir_fd, const char *name)
{
    int rc = -EAGAIN;
    for (int i = 0; i < LOCK_TRIES && rc == -EAGAIN; i++) {
        rc = lock_try(dir_fd, name);
    }
    return rc;
}

static int socket_listen(int dir_fd, const char *socket_name)
{
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    struct sockaddr_un address;
    address_set(&address, dir_fd, socket_name);
    unlinkat(dir_fd, socket_name, 0); /* a dead engine's; if it cannot be removed, bind says so */
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) != 0 ||
        fchmodat(dir_fd, socket_name, 0600, 0) != 0 || listen(fd, (int)PW_CONTROL_CLIENTS) != 0) {
        int rc = -errno;
        close(fd);
        return rc;
    }
    return fd;
}

int pw_control_open(struct pw_control *control, const char *instance, char *error, size_t error_bytes)
{
    char path[4096];
    *control = (struct pw_control){.dir_fd = -1, .lock_fd = -1, .listen_fd = -1};
    int rc = dir_open_server(path, sizeof path, error, error_bytes);
    if (rc < 0) {
        return rc;
    }
    control->dir_fd = rc;
    snprintf(control->socket_name, sizeof control->socket_name, "%.40s.sock", instance);
    snprintf(control->lock_name, sizeof control->lock_name, "%.40s.lock", instance);
    rc = lock_take(control->dir_fd, control->lock_name);
    if (rc < 0) {
        goto fail;
    }
    control->lock_fd = rc;
    rc = socket_listen(control->dir_fd, control->socket_name);
    if (rc < 0) {
        goto fail;
    }
    control->listen_fd = rc;
    return 0;

fail:
    if (rc == -EADDRINUSE) {
        snprintf(error, error_bytes,
                 "%s/%s: an engine named '%s' is running; stop it or choose another instance", path,
                 control->socket_name, instance);
    } else {
        snprintf(error, error_bytes, "%s/%s: %s", path, control->socket_name, strerror(-rc));
    }
    pw_control_close(control);
    return rc;
}

static void client_remove(struct pw_control *control, uint32_t client_idx)
{
    close(control->clients[client_idx].fd);
    control->client_cnt--;
    memmove(&control->clients[client_idx], &control->clients[client_idx + 1],
            (control->client_cnt - client_idx) * sizeof control->clients[0]);
}

/* Takes in at most PW_CONTROL_CLIENTS, so that a storm of connections costs a bounded time. */
/* The one that has been silent longest; who waits for an answer is not, as long as there is another. */
static void client_push_out(struct pw_control *control)
{
    uint32_t client_idx = 0;
    while (client_idx < control->client_cnt && control->clients[client_idx].ticket != 0) {
        client_idx++;
    }
    control->refused_cnt++;
    client_remove(control, client_idx < control->client_cnt ? client_idx : 0);
}

static void clients_accept(struct pw_control *control)
{
    for (uint32_t i = 0; i < PW_CONTROL_CLIENTS; i++) {
        int fd = accept4(control->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            return;
        }
        if (!peer_trusted(fd)) {
            control->refused_cnt++;
            close(fd);
            continue;
        }
        if (control->client_cnt == PW_CONTROL_CLIENTS) {
            client_push_out(control);
        }
        control->clients[control->client_cnt++] = (struct pw_control_client){.fd = fd};
    }
}

void pw_control_hold(struct pw_control *control, uint64_t ticket)
{
    pw_assert(ticket != 0);
    control->ticket = ticket;
}

/* The socket's buffer is empty: one datagram of this size always fits. A client that left is no error. */
static void answer_send(int fd, const char answer[PW_CONTROL_ANSWER_BYTES])
{
    send(fd, answer, strnlen(answer, PW_CONTROL_ANSWER_BYTES), MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* True if the client, whose request was held, was answered, and is to be closed. */
static bool client_serve_held(const struct pw_control_client *client,
                              const struct pw_control_handler *handler)
{
    char answer[PW_CONTROL_ANSWER_BYTES] = "";
    handler->later(handler->state, client->ticket, pw_clock_read_ns(CLOCK_MONOTONIC) - client->since_ns,
                   answer, sizeof answer);
    if (answer[0] != '\0') {
        answer_send(client->fd, answer);
    }
    return answer[0] != '\0';
}

/* True if the client was answered. It is to be closed but for what `keep` reports: nothing has come yet, or
 * the answer is held. */
static bool client_serve(struct pw_control *control, struct pw_control_client *client,
                         const struct pw_control_handler *handler, bool *keep)
{
    char request[PW_CONTROL_REQUEST_BYTES];
    char answer[PW_CONTROL_ANSWER_BYTES];
    int fd = client->fd;
    ssize_t size = recv(fd, request, sizeof request, MSG_DONTWAIT | MSG_TRUNC);
    *keep = size < 0 && (errno == EAGAIN || errno == EINTR);
    if (size <= 0) {
        return false;
    }
    if ((size_t)size >= sizeof request || memchr(request, '\0', (size_t)size) != NULL) {
        control->refused_cnt++;
        return false;
    }
    struct ucred peer = {0};
    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &(socklen_t){sizeof peer});
    control->peer_pid = peer.pid;
    control->peer_uid = peer.uid;
    request[size] = '\0';
    request[strcspn(request, "\r\n")] = '\0';
    answer[0] = '\0';
    control->ticket = 0;
    handler->answer(handler->state, request, answer, sizeof answer);
    *keep = control->ticket != 0;
    if (*keep) {
        client->ticket = control->ticket;
        client->since_ns = pw_clock_read_ns(CLOCK_MONOTONIC);
        return false;
    }
    answer_send(fd, answer);
    return true;
}

static uint32_t poll_clients(struct pw_control *control, const struct pw_control_handler *handler,
                             bool only_held)
{
    uint32_t answered_cnt = 0;
    for (uint32_t i = 0; i < control->client_cnt;) {
        struct pw_control_client *client = &control->clients[i];
        bool keep = true, answered = false;
        if (client->ticket != 0) {
            answered = client_serve_held(client, handler);
            keep = !answered;
        } else if (!only_held) {
            answered = client_serve(control, client, handler, &keep);
        }
        answered_cnt += answered;
        if (keep) {
            i++;
        } else {
            client_remove(control, i);
        }
    }
    return answered_cnt;
}

uint32_t pw_control_poll(struct pw_control *control, const struct pw_control_handler *handler)
{
    clients_accept(control);
    return poll_clients(control, handler, false);
}

uint32_t pw_control_poll_held(struct pw_control *control, const struct pw_control_handler *handler)
{
    return poll_clients(control, handler, true);
}

void pw_control_close(struct pw_control *control)
{
    while (control->client_cnt > 0) {
        client_remove(control, control->client_cnt - 1);
    }
    if (control->listen_fd >= 0) {
        unlinkat(control->dir_fd, control->socket_name, 0);
        close(control->listen_fd);
    }
    if (control->lock_fd >= 0) {
        unlinkat(control->dir_fd, control->lock_name,
                 0); /* while it is held: lock_try sees that it is gone */
        close(control->lock_fd);
    }
    if (control->dir_fd >= 0) {
        close(control->dir_fd);
    }
    control->dir_fd = control->lock_fd = control->listen_fd = -1;
}

/* ---- client ---- */

static int64_t monotonic_ms(void)
{
    struct pw_clock clock = pw_clock_host();
    return pw_clock_now_ns(&clock) / 1000000;
}

/* Waits for `events` until the deadline. 0, -ETIMEDOUT or -errno. */
static int fd_wait(int fd, short events, int64_t deadline_ms)
{
    for (;;) {
        int64_t left_ms = deadline_ms - monotonic_ms();
        struct pollfd wanted = {.fd = fd, .events = events};
        int ready = poll(&wanted, 1, left_ms > 0 ? (int)left_ms : 0);
        if (ready > 0) {
            return 0;
        }
        if (ready == 0) {
            return -ETIMEDOUT;
        }
        if (errno != EINTR) {
            return -errno;
        }
    }
}

/* The directory in which an engine of that name may be, checked: another user's server is not spoken to. */
static int dir_open_client(const char *path, const char *socket_name, struct sockaddr_un *address)
{
    int dir_fd = dir_open_checked(path);
    if (dir_fd < 0) {
        return dir_fd;
    }
    if (faccessat(dir_fd, socket_name, F_OK, AT_SYMLINK_NOFOLLOW) != 0) {
        int rc = -errno;
        close(dir_fd);
        return rc;
    }
    address_set(address, dir_fd, socket_name);
    return dir_fd;
}

/* Finds where the engine listens. Returns a descriptor that keeps the address valid, -1 if none is needed
 * (`*rc` is 0), or -1 with `*rc`. */
static int address_find(const char *instance, struct sockaddr_un *address, int *rc)
{
    *rc = 0;
    if (strchr(instance, '/') != NULL) {
        *address = (struct sockaddr_un){.sun_family = AF_UNIX};
        size_t size = strlen(instance);
        if (size >= sizeof address->sun_path) {
            *rc = -ENAMETOOLONG;
        } else {
            memcpy(address->sun_path, instance, size + 1);
        }
        return -1;
    }
    char path[4096];
    char socket_name[64];
    snprintf(socket_name, sizeof socket_name, "%.40s.sock", instance);
    int dir_fd = -ENOENT;
    if (dir_path_xdg(path, sizeof path) == 0) {
        dir_fd = dir_open_client(path, socket_name, address);
    }
    if (dir_fd == -ENOENT) { /* an engine started without the variable, by a service manager say */
        dir_path_tmp(path, sizeof path);
        dir_fd = dir_open_client(path, socket_name, address);
    }
    *rc = dir_fd < 0 ? dir_fd : 0;
    return dir_fd < 0 ? -1 : dir_fd;
}

static int connect_until(int fd, const struct sockaddr_un *address, int64_t deadline_ms)
{
    for (;;) {
        if (connect(fd, (const struct sockaddr *)address, sizeof *address) == 0) {
            return 0;
        }
        if (errno != EAGAIN && errno != EINTR) { /* EAGAIN: the engine's backlog is full */
            return -errno;
        }
        if (monotonic_ms() >= deadline_ms) {
            return -ETIMEDOUT;
        }
        poll(NULL, 0, 1);
    }
}

static int exchange(int fd, const char *request, char *answer, size_t answer_bytes, int64_t deadline_ms)
{
    size_t request_bytes = strlen(request);
    if (send(fd, request, request_bytes, MSG_NOSIGNAL) != (ssize_t)request_bytes) {
        return errno == EPIPE ? -ECONNRESET : -errno;
    }
    int rc = fd_wait(fd, POLLIN, deadline_ms);
    if (rc != 0) {
        return rc;
    }
    ssize_t size = recv(fd, answer, answer_bytes - 1, MSG_DONTWAIT | MSG_TRUNC);
    if (size < 0) {
        return -errno;
    }
    if ((size_t)size >= answer_bytes) {
        return -EMSGSIZE;
    }
    answer[size] = '\0';
    return size == 0 ? -ECONNRESET : 0;
}

int pw_control_request(const char *instance, const char *request, char *answer, size_t answer_bytes,
                       int timeout_ms)
{
    if (answer_bytes == 0 || strlen(request) == 0 || strlen(request) >= PW_CONTROL_REQUEST_BYTES) {
        return -EMSGSIZE;
    }
    int64_t deadline_ms = monotonic_ms() + timeout_ms;
    struct sockaddr_un address;
    int rc;
    int dir_fd = address_find(instance, &address, &rc);
    if (rc != 0) {
        return rc;
    }
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        rc = -errno;
        goto out;
    }
    rc = connect_until(fd, &address, deadline_ms);
    if (rc == 0 && geteuid() != 0 && !peer_trusted(fd)) {
        rc = -EPERM;
    }
    if (rc == 0) {
        rc = exchange(fd, request, answer, answer_bytes, deadline_ms);
    }
    close(fd);
out:
    if (dir_fd >= 0) {
        close(dir_fd);
    }
    return rc;
}
