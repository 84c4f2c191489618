/* SPDX-License-Identifier: MIT
 *
 * Accepting, the upgrade and frames, blocking.
 */
#include "ws_server.h"

#include "websocket.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static ssize_t client_recv(struct ws_client *client, void *data, size_t size)
{
    return client->ssl != NULL ? SSL_read(client->ssl, data, (int)size) : recv(client->fd, data, size, 0);
}

bool ws_client_send(struct ws_client *client, const void *data, size_t size)
{
    const char *at = data;
    while (size > 0) {
        ssize_t sent = client->ssl != NULL ? SSL_write(client->ssl, at, (int)size)
                                           : send(client->fd, at, size, MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        at += sent;
        size -= (size_t)sent;
    }
    return true;
}

bool ws_client_send_frame(struct ws_client *client, uint8_t first_byte, const void *payload, size_t size)
{
    uint8_t frame[65536 + 4];
    size_t head = size < 126 ? 2 : 4;
    frame[0] = first_byte;
    frame[1] = size < 126 ? (uint8_t)size : 126;
    if (head == 4) {
        frame[2] = (uint8_t)(size >> 8);
        frame[3] = (uint8_t)size;
    }
    memcpy(frame + head, payload, size);
    return ws_client_send(client, frame, head + size);
}

static bool take(struct ws_client *client, uint8_t *out, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t got = client_recv(client, out + done, size - done);
        if (got <= 0) {
            return false;
        }
        done += (size_t)got;
    }
    return true;
}

int ws_client_take_whole(struct ws_client *client, uint8_t *out, size_t cap, size_t *size)
{
    uint8_t head[8];
    size_t bytes = 6;
    if (!take(client, head, bytes) || (head[1] & 0x80) == 0 || (head[1] & 0x7f) == 127) {
        return -1;
    }
    *size = head[1] & 0x7f;
    if (*size == 126) {
        if (!take(client, head + bytes, 2)) {
            return -1;
        }
        bytes = 8;
        *size = (size_t)head[2] << 8 | head[3];
    }
    if (*size > cap || !take(client, out, *size)) {
        return -1;
    }
    for (size_t i = 0; i < *size; i++) {
        out[i] ^= head[bytes - 4 + i % 4];
    }
    return head[0];
}

int ws_client_take_frame(struct ws_client *client, uint8_t *out, size_t *size)
{
    int first_byte = ws_client_take_whole(client, out, PW_WS_CONTROL_MAX, size);
    return first_byte < 0 ? -1 : first_byte & 0x0f;
}

void ws_client_abort(struct ws_client *client)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
}

static bool upgrade(struct ws_client *client)
{
    char request[4096] = "";
    size_t bytes = 0;
    while (strstr(request, "\r\n\r\n") == NULL) {
        ssize_t got = client_recv(client, request + bytes, sizeof request - 1 - bytes);
        if (got <= 0) {
            return false;
        }
        bytes += (size_t)got;
        request[bytes] = '\0';
    }
    const char *key = strstr(request, "Sec-WebSocket-Key: ");
    char joined[128], answer[256];
    unsigned char digest[EVP_MAX_MD_SIZE], accept[64];
    unsigned digest_bytes;
    if (key == NULL) {
        return false;
    }
    int n = snprintf(joined, sizeof joined, "%.24s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key + 19);
    EVP_Digest(joined, (size_t)n, digest, &digest_bytes, EVP_sha1(), NULL);
    EVP_EncodeBlock(accept, digest, (int)digest_bytes);
    n = snprintf(answer, sizeof answer,
                 "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 "Sec-WebSocket-Accept: %s\r\n\r\n",
                 accept);
    return ws_client_send(client, answer, (size_t)n);
}

static void serve_one(struct ws_server *server, int fd)
{
    struct ws_client client = {.fd = fd};
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    bool ok = true;
    if (server->context != NULL) {
        client.ssl = SSL_new(server->context);
        SSL_set_fd(client.ssl, fd);
        ok = SSL_accept(client.ssl) == 1;
    }
    if (ok && upgrade(&client)) {
        server->serve(&client, server->state);
    }
    SSL_free(client.ssl);
    close(fd);
    atomic_fetch_add(&server->served_cnt, 1);
}

static void *server_thread(void *state)
{
    struct ws_server *server = state;
    struct pollfd pollfd = {.fd = server->fd, .events = POLLIN};
    while (!atomic_load(&server->stop)) {
        if (poll(&pollfd, 1, 10) == 1) {
            int fd = accept(server->fd, NULL, NULL);
            if (fd >= 0) {
                serve_one(server, fd);
            }
        }
    }
    return NULL;
}

void ws_server_start(struct ws_server *server, SSL_CTX *context, void (*serve)(struct ws_client *, void *),
                     void *state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    memset(server, 0, sizeof *server);
    server->context = context;
    server->serve = serve;
    server->state = state;
    server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    pthread_t thread;
    if (bind(server->fd, (struct sockaddr *)&address, size) != 0 || listen(server->fd, 16) != 0 ||
        getsockname(server->fd, (struct sockaddr *)&address, &size) != 0) {
        perror("server");
        abort();
    }
    server->port = ntohs(address.sin_port);
    if (pthread_create(&thread, NULL, server_thread, server) != 0) {
        abort();
    }
    server->thread = thread;
}

void ws_server_stop(struct ws_server *server)
{
    atomic_store(&server->stop, true);
    pthread_join(server->thread, NULL);
    close(server->fd);
}
