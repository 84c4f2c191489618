/* SPDX-License-Identifier: MIT
 *
 * wolfSSL's server side on a non-blocking socket: see tls_link.h.
 */
#include <wolfssl/options.h>

#include <wolfssl/ssl.h>
#include <wolfssl/wolfio.h>

#include "tls_link.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#define DISCARDS_A_CALL 8      /* of whoever talks on without end */
#define RECORD_BYTES    16384u /* the most plaintext of one TLS record (RFC 8446, 5.1) */

struct WOLFSSL_CTX *pw_serve_link_context_make(const char *certificate_path, const char *key_path)
{
    WOLFSSL_CTX *context;

    if (wolfSSL_Init() != WOLFSSL_SUCCESS) {
        return NULL;
    }
    context = wolfSSL_CTX_new(wolfSSLv23_server_method());
    if (context && wolfSSL_CTX_SetMinVersion(context, WOLFSSL_TLSV1_2) == WOLFSSL_SUCCESS &&
        wolfSSL_CTX_use_certificate_file(context, certificate_path, WOLFSSL_FILETYPE_PEM) ==
            WOLFSSL_SUCCESS &&
        wolfSSL_CTX_use_PrivateKey_file(context, key_path, WOLFSSL_FILETYPE_PEM) == WOLFSSL_SUCCESS) {
        return context;
    }
    pw_serve_link_context_free(context);
    return NULL;
}

void pw_serve_link_context_free(struct WOLFSSL_CTX *context)
{
    if (context) {
        wolfSSL_CTX_free(context);
    }
    wolfSSL_Cleanup();
}

int pw_serve_link_open(struct pw_serve_link *link, int fd, struct WOLFSSL_CTX *context)
{
    int yes = 1;

    /* Fails only on sockets that are none of TCP; then there is no delay to switch off. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    *link = (struct pw_serve_link){.fd = fd};
    if (!context) {
        return 0;
    }
    link->tls = wolfSSL_new(context);
    if (!link->tls || wolfSSL_set_fd(link->tls, fd) != WOLFSSL_SUCCESS) {
        pw_serve_link_close(link, true);
        return -ENOMEM;
    }
    wolfSSL_SetIOWriteFlags(link->tls, MSG_NOSIGNAL);
    return 0;
}

static enum pw_serve_link_result tls_result(struct pw_serve_link *link, int result)
{
    switch (wolfSSL_get_error(link->tls, result)) {
    case WOLFSSL_ERROR_WANT_READ:
        return PW_SERVE_LINK_WANT_READ;
    case WOLFSSL_ERROR_WANT_WRITE:
        return PW_SERVE_LINK_WANT_WRITE;
    default:
        wolfSSL_ERR_clear_error(); /* else the library keeps a list of them */
        return PW_SERVE_LINK_ENDED;
    }
}

enum pw_serve_link_result pw_serve_link_handshake(struct pw_serve_link *link)
{
    int result = link->tls ? wolfSSL_accept(link->tls) : WOLFSSL_SUCCESS;

    return result == WOLFSSL_SUCCESS ? PW_SERVE_LINK_DONE : tls_result(link, result);
}

static enum pw_serve_link_result socket_result(enum pw_serve_link_result want)
{
    return errno == EAGAIN || errno == EINTR ? want : PW_SERVE_LINK_ENDED;
}

enum pw_serve_link_result pw_serve_link_read(struct pw_serve_link *link, void *bytes, size_t size,
                                             size_t *done)
{
    ssize_t got;

    if (link->tls) {
        int result = wolfSSL_read(link->tls, bytes, (int)size);
        *done = result > 0 ? (size_t)result : 0;
        return result > 0 ? PW_SERVE_LINK_DONE : tls_result(link, result);
    }
    got = recv(link->fd, bytes, size, 0);
    *done = got > 0 ? (size_t)got : 0;
    if (got > 0) {
        return PW_SERVE_LINK_DONE;
    }
    return got < 0 ? socket_result(PW_SERVE_LINK_WANT_READ) : PW_SERVE_LINK_ENDED;
}

bool pw_serve_link_pending(const struct pw_serve_link *link)
{
    return link->tls != NULL && wolfSSL_pending(link->tls) > 0;
}

enum pw_serve_link_result pw_serve_link_write(struct pw_serve_link *link, const void *bytes, size_t size,
                                              size_t *done)
{
    ssize_t sent;

    if (link->tls) {
        int result = wolfSSL_write(link->tls, bytes, (int)(size < RECORD_BYTES ? size : RECORD_BYTES));
        *done = result > 0 ? (size_t)result : 0;
        return result > 0 ? PW_SERVE_LINK_DONE : tls_result(link, result);
    }
    sent = send(link->fd, bytes, size, MSG_NOSIGNAL);
    *done = sent > 0 ? (size_t)sent : 0;
    return sent > 0 ? PW_SERVE_LINK_DONE : socket_result(PW_SERVE_LINK_WANT_WRITE);
}

void pw_serve_link_finish(struct pw_serve_link *link)
{
    if (link->tls) {
        wolfSSL_shutdown(link->tls); /* the peer's close_notify is not waited for */
    }
    (void)shutdown(link->fd, SHUT_WR); /* fails if the peer has gone: then nobody receives it */
}

enum pw_serve_link_result pw_serve_link_discard(struct pw_serve_link *link)
{
    char bytes[16384];

    for (int i = 0; i < DISCARDS_A_CALL; i++) {
        ssize_t got = recv(link->fd, bytes, sizeof bytes, 0); /* beneath TLS: nobody reads it */
        if (got == 0) {
            return PW_SERVE_LINK_ENDED;
        }
        if (got < 0) {
            return socket_result(PW_SERVE_LINK_WANT_READ);
        }
    }
    return PW_SERVE_LINK_DONE;
}

void pw_serve_link_close(struct pw_serve_link *link, bool reset)
{
    if (reset) {
        struct linger at_once = {.l_onoff = 1};
        (void)setsockopt(link->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }
    if (link->tls) {
        wolfSSL_free(link->tls);
        wolfSSL_ERR_clear_error();
    }
    close(link->fd);
    *link = (struct pw_serve_link){.fd = -1};
}
