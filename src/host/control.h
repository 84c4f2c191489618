/* SPDX-License-Identifier: MIT
 *
 * The control socket: how people and scripts command a running engine.
 *
 * A Unix SOCK_SEQPACKET socket in a directory that only its owner can enter: $XDG_RUNTIME_DIR/pinwheel if
 * that variable is set, else /tmp/pinwheel-<uid>. A client connects, sends one line, gets one line of JSON
 * and is closed. The kernel says who it is (SO_PEERCRED): the engine's own user and root are served, nobody
 * else.
 *
 * The server never blocks: its thread calls pw_control_poll when somebody knocks. It keeps at most
 * PW_CONTROL_CLIENTS connections; when one more knocks, the one that has been silent longest is closed.
 */
#ifndef PW_CONTROL_H
#define PW_CONTROL_H

#include <stddef.h>
#include <stdint.h>

#define PW_CONTROL_CLIENTS       8u
#define PW_CONTROL_REQUEST_BYTES 512u  /* with the zero byte */
#define PW_CONTROL_ANSWER_BYTES  8192u /* with the zero byte */

/* The server's side. Plain memory, no allocation; one thread. */
struct pw_control {
    int dir_fd, lock_fd, listen_fd;
    char socket_name[48], lock_name[48]; /* in the directory */
    uint32_t client_cnt;
    struct pw_control_client {
        int fd;
        uint64_t ticket; /* of the request that waits for its answer; 0: none */
        int64_t since_ns;
    } clients[PW_CONTROL_CLIENTS]; /* oldest first */
    uint64_t ticket;               /* by pw_control_hold, of the request that is being answered */
    int64_t peer_pid;              /* of that request; 0: not known */
    int64_t peer_uid;
    uint64_t refused_cnt; /* peers of another user, messages too large, connections pushed out */
};

/* Writes the answer to one request: one line of JSON, without a newline. Both texts are zero-terminated. */
struct pw_control_handler {
    void (*answer)(void *state, const char *request, char *answer, size_t answer_bytes);
    /* Of one that pw_control_hold was called for: asked at each poll until it writes an answer. NULL: none
     * is. */
    void (*later)(void *state, uint64_t ticket, int64_t waited_ns, char *answer, size_t answer_bytes);
    void *state;
};

/* Within handler->answer: the answer to this request comes later. ticket: not 0. */
void pw_control_hold(struct pw_control *control, uint64_t ticket);

/* The directory, made if it is not there, for a process that may soon make none; -EPERM or -errno: there is
 * none to use. */
int pw_control_folder(char *path, size_t path_bytes);

/* 0; -EADDRINUSE: an engine of this name has the socket; -EPERM: the directory is not ours alone; or -errno.
 * On failure `error` says what to do. What a dead engine left is replaced. */
int pw_control_open(struct pw_control *control, const char *instance, char *error, size_t error_bytes);

/* Answers what is there, at most PW_CONTROL_CLIENTS requests; returns how many. */
uint32_t pw_control_poll(struct pw_control *control, const struct pw_control_handler *handler);

/* Only of those that were held. */
uint32_t pw_control_poll_held(struct pw_control *control, const struct pw_control_handler *handler);

/* Removes the socket. */
void pw_control_close(struct pw_control *control);

/* The client's side: blocks for at most timeout_ms. `instance` is a name, or the path of a socket if it holds
 * a '/'. 0, with the answer; -ENOENT: no such engine; -ECONNREFUSED: it is dead; -EPERM: the socket belongs
 * to another user; -ETIMEDOUT: it does not answer; -ECONNRESET: it closed without an answer; -EMSGSIZE; or
 * -errno. */
int pw_control_request(const char *instance, const char *request, char *answer, size_t answer_bytes,
                       int timeout_ms);

#endif
