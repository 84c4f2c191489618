/* SPDX-License-Identifier: MIT
 *
 * The echo baselines: see echo.h.
 */
#include <wolfssl/options.h>

#include <wolfssl/ssl.h>

#include "bench.h"
#include "echo.h"
#include "identity.h"
#include "tls_link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- the peer ---- */

static void peer_serve(struct stamped *end)
{
    uint8_t bytes[16384];
    while (!end->ended) {
        if (!stamped_poll(end)) {
            continue;
        }
        for (size_t got; (got = stamped_read(end, bytes, sizeof bytes)) > 0;) {
            (void)stamped_write(end, bytes, got); /* at its end, `ended` says so */
        }
    }
}

static _Noreturn void peer_run(const struct echo *echo, int core, const char *identity_directory)
{
    static struct stamped end;
    struct WOLFSSL_CTX *context = pw_sim_identity_context(identity_directory);
    struct pollfd polls[ECHO_KINDS] = {{.fd = echo->listeners[ECHO_PLAIN], .events = POLLIN},
                                       {.fd = echo->listeners[ECHO_TLS], .events = POLLIN}};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    pw_bench_core_bind(core);
    while (context != NULL && poll(polls, ECHO_KINDS, -1) > 0) {
        enum echo_kind kind = polls[ECHO_PLAIN].revents != 0 ? ECHO_PLAIN : ECHO_TLS;
        int fd = accept4(echo->listeners[kind], NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0 && stamped_open(&end, fd, kind == ECHO_TLS ? context : NULL)) {
            peer_serve(&end);
            stamped_close(&end);
        }
    }
    _exit(1);
}

/* ---- our end ---- */

static int listener_open(struct echo *echo, enum echo_kind kind)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) != 0 || listen(fd, 4) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) != 0) {
        int error = errno;
        if (fd >= 0) {
            close(fd);
        }
        return -error;
    }
    echo->listeners[kind] = fd;
    echo->ports[kind] = ntohs(address.sin_port);
    return 0;
}

int echo_open(struct echo *echo, int core, const char *identity_directory)
{
    *echo = (struct echo){.listeners = {-1, -1}, .end.fd = -1};
    int result = listener_open(echo, ECHO_PLAIN);
    if (result == 0) {
        result = listener_open(echo, ECHO_TLS);
    }
    if (result == 0) {
        echo->client = stamped_client_context(identity_directory);
        echo->peer = echo->client == NULL ? -1 : fork();
        result = echo->client == NULL ? -ENOMEM : echo->peer < 0 ? -errno : 0;
    }
    if (result == 0 && echo->peer == 0) {
        peer_run(echo, core, identity_directory);
    }
    if (result != 0) {
        echo->peer = 0;
        echo_close(echo);
    }
    return result;
}

void echo_close(struct echo *echo)
{
    if (echo->peer > 0) {
        kill(echo->peer, SIGKILL);
        waitpid(echo->peer, NULL, 0);
        echo->peer = 0;
    }
    if (echo->client != NULL) {
        wolfSSL_CTX_free(echo->client);
        echo->client = NULL;
    }
    for (int i = 0; i < ECHO_KINDS; i++) {
        if (echo->listeners[i] >= 0) {
            close(echo->listeners[i]);
            echo->listeners[i] = -1;
        }
    }
}

static int connect_to(struct echo *echo, enum echo_kind kind)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(echo->ports[kind]),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        int error = errno;
        if (fd >= 0) {
            close(fd);
        }
        return -error;
    }
    return stamped_open(&echo->end, fd, kind == ECHO_TLS ? echo->client : NULL) ? 0 : -ENOMEM;
}

/* TLS's handshake waits for the peer, which polls: no need to sleep. */
static int handshake(struct stamped *end)
{
    while (end->tls != NULL && wolfSSL_connect(end->tls) != WOLFSSL_SUCCESS) {
        if (wolfSSL_get_error(end->tls, -1) != WOLFSSL_ERROR_WANT_READ || end->ended) {
            return -EPROTO;
        }
        (void)stamped_poll(end);
    }
    return 0;
}

static uint64_t echo_send(void *arg, uint32_t probe)
{
    struct echo *echo = arg;
    uint8_t message[ECHO_BYTES] = {0};
    memcpy(message, &probe, sizeof probe);
    return stamped_write(&echo->end, message, sizeof message) ? echo->end.left : 0;
}

/* Messages come back in order: which it is follows from the bytes before it. */
static bool echo_poll(void *arg, uint32_t *probe, uint64_t *arrived)
{
    struct echo *echo = arg;
    uint8_t bytes[ECHO_BYTES];
    if (!stamped_poll(&echo->end) && echo->end.raw_head == echo->end.raw_tail) {
        return false;
    }
    size_t got = stamped_read(&echo->end, bytes, ECHO_BYTES - (size_t)(echo->got_bytes % ECHO_BYTES));
    echo->got_bytes += got;
    if (got == 0 || echo->got_bytes % ECHO_BYTES != 0) {
        return false;
    }
    *probe = (uint32_t)(echo->got_bytes / ECHO_BYTES - 1);
    *arrived = echo->end.arrived;
    return true;
}

int echo_run(struct echo *echo, enum echo_kind kind, uint32_t warm_cnt, struct probes *probes)
{
    const struct probe_path path = {.arg = echo, .send = echo_send, .poll = echo_poll};
    int result = connect_to(echo, kind);
    if (result != 0) {
        return result;
    }
    echo->got_bytes = 0;
    result = handshake(&echo->end);
    if (result == 0) {
        result = probes_run(&path, warm_cnt, probes);
    }
    stamped_finish(&echo->end);
    stamped_close(&echo->end);
    return result;
}
