/* SPDX-License-Identifier: MIT
 *
 * Stamped sockets: see stamped.h. wolfSSL is given bytes that have come already and never the socket.
 */
#include <wolfssl/options.h>

#include <wolfssl/ssl.h>
#include <wolfssl/wolfio.h>

#include "bench.h"
#include "identity.h"
#include "stamped.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SEND_PATIENCE_NS 2e9 /* a peer that takes nothing for so long is no peer any more */

/* ---- the socket ---- */

bool stamped_poll(struct stamped *end)
{
    if (end->raw_head == end->raw_tail) {
        end->raw_head = end->raw_tail = 0;
    }
    if (end->raw_tail == sizeof end->raw) {
        return false; /* what is there must be read first */
    }
    ssize_t got = recv(end->fd, end->raw + end->raw_tail, sizeof end->raw - end->raw_tail, MSG_DONTWAIT);
    if (got > 0) {
        end->arrived = pw_bench_ticks();
        end->raw_tail += (size_t)got;
        return true;
    }
    end->ended |= got == 0 || (errno != EAGAIN && errno != EINTR);
    return false;
}

static bool socket_send(struct stamped *end, const char *bytes, size_t size)
{
    size_t done = 0;
    end->left = pw_bench_ticks();
    while (done < size && !end->ended) {
        ssize_t sent = send(end->fd, bytes + done, size - done, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent > 0) {
            done += (size_t)sent;
        } else if (errno != EAGAIN && errno != EINTR) {
            end->ended = true;
        } else if ((double)(pw_bench_ticks() - end->left) * pw_bench_tick_ns > SEND_PATIENCE_NS) {
            end->ended = true;
        }
    }
    return !end->ended;
}

/* ---- TLS ---- */

static int tls_take(WOLFSSL *tls, char *bytes, int size, void *arg)
{
    (void)tls;
    struct stamped *end = arg;
    size_t there = end->raw_tail - end->raw_head;
    if (there == 0) {
        return end->ended ? WOLFSSL_CBIO_ERR_CONN_CLOSE : WOLFSSL_CBIO_ERR_WANT_READ;
    }
    size_t taken = there < (size_t)size ? there : (size_t)size;
    memcpy(bytes, end->raw + end->raw_head, taken);
    end->raw_head += taken;
    return (int)taken;
}

static int tls_give(WOLFSSL *tls, char *bytes, int size, void *arg)
{
    (void)tls;
    return socket_send(arg, bytes, (size_t)size) ? size : WOLFSSL_CBIO_ERR_CONN_CLOSE;
}

struct WOLFSSL_CTX *stamped_client_context(const char *identity_directory)
{
    char ca[600];
    snprintf(ca, sizeof ca, "%s/%s", identity_directory, PW_SIM_IDENTITY_CA);
    wolfSSL_Init();
    WOLFSSL_CTX *context = wolfSSL_CTX_new(wolfTLSv1_3_client_method());
    if (context != NULL &&
        (wolfSSL_CTX_load_verify_locations(context, ca, NULL) != WOLFSSL_SUCCESS ||
         wolfSSL_CTX_set_cipher_list(context, "TLS13-AES128-GCM-SHA256") != WOLFSSL_SUCCESS)) {
        wolfSSL_CTX_free(context);
        context = NULL;
    }
    return context;
}

bool stamped_open(struct stamped *end, int fd, struct WOLFSSL_CTX *context)
{
    int yes = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    end->fd = fd;
    end->tls = NULL;
    end->ended = false;
    end->raw_head = end->raw_tail = 0;
    end->arrived = end->left = 0;
    if (context == NULL) {
        return true;
    }
    end->tls = wolfSSL_new(context);
    if (end->tls == NULL) {
        stamped_close(end);
        return false;
    }
    wolfSSL_SSLSetIORecv(end->tls, tls_take);
    wolfSSL_SSLSetIOSend(end->tls, tls_give);
    wolfSSL_SetIOReadCtx(end->tls, end);
    wolfSSL_SetIOWriteCtx(end->tls, end);
    return true;
}

void stamped_close(struct stamped *end)
{
    if (end->tls != NULL) {
        wolfSSL_free(end->tls);
        end->tls = NULL;
    }
    if (end->fd >= 0) {
        close(end->fd);
        end->fd = -1;
    }
}

/* ---- plain bytes ---- */

size_t stamped_read(struct stamped *end, void *bytes, size_t size)
{
    size_t there = end->raw_tail - end->raw_head;
    if (end->tls == NULL) {
        size_t taken = there < size ? there : size;
        memcpy(bytes, end->raw + end->raw_head, taken);
        end->raw_head += taken;
        return taken;
    }
    int got = wolfSSL_read(end->tls, bytes, (int)size);
    if (got > 0) {
        return (size_t)got;
    }
    if (wolfSSL_get_error(end->tls, got) != WOLFSSL_ERROR_WANT_READ) {
        wolfSSL_ERR_clear_error();
        end->ended = true;
    }
    return 0;
}

bool stamped_write(struct stamped *end, const void *bytes, size_t size)
{
    if (end->tls == NULL) {
        return socket_send(end, bytes, size);
    }
    for (size_t done = 0; done < size && !end->ended;) {
        int sent = wolfSSL_write(end->tls, (const char *)bytes + done, (int)(size - done));
        if (sent <= 0) {
            wolfSSL_ERR_clear_error();
            end->ended = true;
        } else {
            done += (size_t)sent;
        }
    }
    return !end->ended;
}

void stamped_finish(struct stamped *end)
{
    if (end->tls != NULL) {
        wolfSSL_shutdown(end->tls);
    }
    (void)shutdown(end->fd, SHUT_WR);
}
