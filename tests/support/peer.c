/* SPDX-License-Identifier: MIT
 *
 * A client by OpenSSL: see peer.h.
 */
#include "peer.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define WAIT_MS 10000 /* far beyond what anything takes here */

static const char g_key[] = "dGhlIHNhbXBsZSBub25jZQ=="; /* RFC 6455, 1.3, with its answer: */
static const char g_accept[] = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

static bool tls_open(struct peer *peer, struct peer_target target)
{
    peer->context = SSL_CTX_new(TLS_client_method());
    cr_assert_not_null(peer->context);
    SSL_CTX_set_verify(peer->context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_security_level(peer->context,
                               target.tls_version ? 0 : 2); /* else old versions are not even offered */
    cr_assert_eq(SSL_CTX_load_verify_locations(peer->context, target.ca_file, NULL), 1);
    if (target.tls_version) {
        SSL_CTX_set_min_proto_version(peer->context, target.tls_version);
        SSL_CTX_set_max_proto_version(peer->context, target.tls_version);
    }
    peer->tls = SSL_new(peer->context);
    SSL_set_fd(peer->tls, peer->fd);
    SSL_set_tlsext_host_name(peer->tls, "localhost");
    SSL_set1_host(peer->tls, "localhost");
    return SSL_connect(peer->tls) == 1;
}

bool peer_open(struct peer *peer, struct peer_target target)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(target.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval timeout = {.tv_sec = WAIT_MS / 1000};

    signal(SIGPIPE, SIG_IGN); /* OpenSSL writes without MSG_NOSIGNAL */
    *peer = (struct peer){
        .fd = socket(AF_INET, SOCK_STREAM, 0), .in = malloc(PEER_BYTES), .text = malloc(PEER_BYTES)};
    cr_assert(peer->fd >= 0 && peer->in && peer->text);
    setsockopt(peer->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    setsockopt(peer->fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    if (connect(peer->fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        (target.ca_file && !tls_open(peer, target))) {
        peer->ended = true;
    }
    return !peer->ended;
}

void peer_close(struct peer *peer)
{
    SSL_free(peer->tls);
    SSL_CTX_free(peer->context);
    close(peer->fd);
    free(peer->in);
    free(peer->text);
    peer->fd = -1;
}

void peer_write(struct peer *peer, const void *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t sent = peer->tls ? SSL_write(peer->tls, (const char *)bytes + done, (int)(size - done))
                                 : send(peer->fd, (const char *)bytes + done, size - done, MSG_NOSIGNAL);
        if (sent <= 0) {
            peer->ended = true;
            return;
        }
        done += (size_t)sent;
    }
}

bool peer_more(struct peer *peer, int timeout_ms)
{
    struct pollfd poll_fd = {.fd = peer->fd, .events = POLLIN};
    ssize_t got;

    cr_assert_lt(peer->in_bytes, PEER_BYTES);
    if (peer->ended || ((!peer->tls || !SSL_pending(peer->tls)) && poll(&poll_fd, 1, timeout_ms) <= 0)) {
        return false;
    }
    got = peer->tls ? SSL_read(peer->tls, peer->in + peer->in_bytes, (int)(PEER_BYTES - peer->in_bytes))
                    : recv(peer->fd, peer->in + peer->in_bytes, PEER_BYTES - peer->in_bytes, 0);
    if (got <= 0) {
        peer->ended = true;
        return false;
    }
    peer->in_bytes += (size_t)got;
    return true;
}

static void take(struct peer *peer, size_t skip, size_t size)
{
    memcpy(peer->text, peer->in + skip, size);
    peer->text[size] = 0;
    peer->text_bytes = size;
    peer->in_bytes -= skip + size;
    memmove(peer->in, peer->in + skip + size, peer->in_bytes);
}

const char *peer_header(const struct peer *peer, const char *name)
{
    static char value[256];
    size_t name_bytes = strlen(name);

    for (const char *line = strchr(peer->head, '\n'); line; line = strchr(line + 1, '\n')) {
        if (strncasecmp(line + 1, name, name_bytes) == 0 && line[1 + name_bytes] == ':') {
            snprintf(value, sizeof value, "%.*s", (int)strcspn(line + name_bytes + 3, "\r"),
                     line + name_bytes + 3);
            return value;
        }
    }
    return "";
}

int peer_answer(struct peer *peer)
{
    const char *end;
    size_t head_bytes, body_bytes;

    while (!(end = memmem(peer->in, peer->in_bytes, "\r\n\r\n", 4))) {
        if (!peer_more(peer, WAIT_MS)) {
            return -1;
        }
    }
    head_bytes = (size_t)(end - peer->in) + 4;
    cr_assert_lt(head_bytes, sizeof peer->head);
    memcpy(peer->head, peer->in, head_bytes);
    peer->head[head_bytes] = 0;
    body_bytes = (size_t)strtoul(peer_header(peer, "Content-Length"), NULL, 10);
    while (peer->in_bytes < head_bytes + body_bytes) {
        if (!peer_more(peer, WAIT_MS)) {
            return -1;
        }
    }
    take(peer, head_bytes, body_bytes);
    cr_assert_eq(strncmp(peer->head, "HTTP/1.1 ", 9), 0, "%s", peer->head);
    return atoi(peer->head + 9);
}

int peer_get(struct peer *peer, const char *target)
{
    char request[20000];
    int size = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", target);

    peer_write(peer, request, (size_t)size);
    return peer_answer(peer);
}

int peer_upgrade(struct peer *peer, const char *target)
{
    char request[20000];
    int status,
        size = snprintf(request, sizeof request,
                        "GET %s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n\r\n",
                        target, g_key);

    peer_write(peer, request, (size_t)size);
    status = peer_answer(peer);
    if (status == 101) {
        cr_assert_str_eq(peer_header(peer, "Sec-WebSocket-Accept"), g_accept);
    }
    return status;
}

void peer_frame(struct peer *peer, uint8_t first, const void *payload, size_t size)
{
    static const uint8_t mask[4] = {0x12, 0x34, 0x56, 0x78};
    uint8_t *frame = malloc(size + 14);
    size_t header = 2;

    cr_assert_not_null(frame);
    frame[0] = first;
    if (size < 126) {
        frame[1] = (uint8_t)(0x80 | size);
    } else if (size < 65536) {
        frame[1] = 0x80 | 126;
        frame[2] = (uint8_t)(size >> 8);
        frame[3] = (uint8_t)size;
        header = 4;
    } else {
        frame[1] = 0x80 | 127;
        for (int i = 0; i < 8; i++) {
            frame[2 + i] = (uint8_t)(size >> (56 - 8 * i));
        }
        header = 10;
    }
    memcpy(frame + header, mask, 4);
    for (size_t i = 0; i < size; i++) {
        frame[header + 4 + i] = ((const uint8_t *)payload)[i] ^ mask[i % 4];
    }
    peer_write(peer, frame, header + 4 + size);
    free(frame);
}

void peer_say(struct peer *peer, const char *text)
{
    peer_frame(peer, 0x81, text, strlen(text));
}

/* The whole frame's length by what has come so far; 0: not yet known. */
static size_t frame_bytes(const struct peer *peer, size_t *header)
{
    const uint8_t *in = (const uint8_t *)peer->in;
    uint64_t size;

    if (peer->in_bytes < 2) {
        return 0;
    }
    cr_assert_eq(in[1] & 0x80, 0, "a server's frames are not masked");
    size = in[1];
    *header = size == 126 ? 4 : size == 127 ? 10 : 2;
    if (peer->in_bytes < *header) {
        return 0;
    }
    if (*header > 2) {
        size = 0;
        for (size_t i = 2; i < *header; i++) {
            size = size << 8 | in[i];
        }
    }
    return *header + (size_t)size;
}

int peer_hear(struct peer *peer, int timeout_ms)
{
    size_t header = 0, bytes;

    while ((bytes = frame_bytes(peer, &header)) == 0 || peer->in_bytes < bytes) {
        if (!peer_more(peer, timeout_ms)) {
            return -1;
        }
    }
    uint8_t first = (uint8_t)peer->in[0];
    cr_assert_eq(first & 0xf0, 0x80, "not a whole, plain frame: %02x", first);
    take(peer, header, bytes - header);
    return first & 0x0f;
}

int peer_hear_data(struct peer *peer, int timeout_ms)
{
    int opcode;

    do {
        opcode = peer_hear(peer, timeout_ms);
    } while (opcode == 9);
    return opcode;
}
