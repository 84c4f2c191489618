/* SPDX-License-Identifier: MIT
 *
 * The world's clockwork, a WebSocket server's part, and a consumer of frames.
 */
#include "net_world.h"

#include "request_ring.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOG_LINES_MAX 256u

static char log_lines[LOG_LINES_MAX][600];
static uint32_t log_cnt;

static void keep_log(void *state, enum pw_log_level level, const char *text, uint64_t times)
{
    (void)times;
    (void)state;
    (void)level;
    snprintf(log_lines[log_cnt++ % LOG_LINES_MAX], sizeof log_lines[0], "%s", text);
}

uint32_t net_world_log_cnt(void)
{
    return log_cnt;
}

bool net_world_log_has(const char *text)
{
    for (uint32_t i = 0; i < log_cnt && i < LOG_LINES_MAX; i++) {
        if (strstr(log_lines[i], text) != NULL) {
            return true;
        }
    }
    return false;
}

/* ---- the world ---- */

static int64_t world_clock(void *state)
{
    return ((struct net_world *)state)->now_ns;
}

static void must(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "world: %s\n", what);
        abort();
    }
}

static struct pw_ring *make_ring(uint32_t slots, uint64_t bytes)
{
    size_t size = pw_ring_bytes(slots, bytes);
    struct pw_ring *ring = aligned_alloc(64, (size + 63) & ~(size_t)63);
    must(ring != NULL, "no memory for a ring");
    memset(ring, 0, size);
    must(pw_ring_format(ring, slots, bytes, PW_RING_STALL) == 0, "ring");
    return ring;
}

static uint32_t or_else(uint32_t value, uint32_t usual)
{
    return value != 0 ? value : usual;
}

static void fill_config(struct net_world *world, const char *ca_file)
{
    const struct net_world_options *options = &world->options;
    for (uint32_t i = 0; i < options->feed_cnt; i++) {
        struct pw_config_feed *feed = &world->conns[i];
        const char *s = options->secure ? "s" : "";
        snprintf(feed->name, sizeof feed->name, "feed%u", i);
        snprintf(feed->ws_url, sizeof feed->ws_url, "ws%s://%s:%u", s, options->host, WORLD_PORT);
        snprintf(feed->rest_url, sizeof feed->rest_url, "http%s://%s:%u/base", s, options->host, WORLD_PORT);
        snprintf(feed->ca_file, sizeof feed->ca_file, "%s", ca_file);
        feed->stale_after_ms = or_else(options->stale_after_ms, 10000);
        feed->dead_after_ms = or_else(options->dead_after_ms, 30000);
        feed->connect_timeout_ms = 3000;
        feed->handshake_timeout_ms = 3000;
        feed->backoff_min_ms = 250;
        feed->backoff_max_ms = 30000;
        feed->message_bytes_max = or_else(options->message_bytes_max, 65536);
    }
}

static void fill_orders(struct net_world *world, uint32_t account_idx, const char *ca_file)
{
    const struct net_world_options *options = &world->options;
    struct pw_config_feed *conn = &world->conns[options->feed_cnt + account_idx];
    snprintf(conn->ws_url, sizeof conn->ws_url, "ws%s://%s:%u/orders", options->secure ? "s" : "",
             options->host, WORLD_PORT);
    snprintf(conn->ca_file, sizeof conn->ca_file, "%s", ca_file);
    conn->dead_after_ms = or_else(options->dead_after_ms, 30000);
    conn->message_bytes_max = or_else(options->message_bytes_max, 65536);
    conn->connect_timeout_ms = 3000;
    conn->handshake_timeout_ms = 3000;
    conn->backoff_min_ms = 250;
    conn->backoff_max_ms = 30000;
}

static void fill_plan(struct net_world *world)
{
    struct pw_conns *conns = &world->plan.conns;
    pw_conns_init(conns);
    for (uint32_t i = 0; i < world->options.feed_cnt; i++) {
        pw_conns_add(conns, (struct pw_conn_row){.role = PW_CONN_ROLE_MARKET,
                                                 .owner_idx = i,
                                                 .line_idx = world->options.elsewhere >> i & 1,
                                                 .config = &world->conns[i]});
    }
    for (uint32_t i = 0; world->options.orders && i < 1u + world->options.two_orders; i++) {
        pw_conns_add(conns, (struct pw_conn_row){.role = PW_CONN_ROLE_ORDERS,
                                                 .owner_idx = i,
                                                 .account_idx = i,
                                                 .config = &world->conns[world->options.feed_cnt + i]});
    }
}

static void open_orders(struct net_world *world, struct pw_hot_ends *ends)
{
    struct pw_consumer requests;
    uint64_t bytes = world->options.frame_bytes != 0 ? world->options.frame_bytes : 1 << 21;
    world->messages_ring = make_ring(or_else(world->options.frame_slots, 1024), bytes);
    world->requests_ring = make_ring(or_else(world->options.frame_slots, 1024), bytes);
    pw_producer_attach(&ends->messages, world->messages_ring);
    pw_consumer_attach(&world->frames, world->messages_ring);
    pw_producer_attach(&world->requests, world->requests_ring);
    pw_consumer_attach(&requests, world->requests_ring);
    pw_hot_init_tx(world->net, &requests, world->stamps, &world->stop);
}

static void set_paths(struct net_world *world)
{
    if (world->options.orders) {
        must(pw_connector_set_path(world->connector, world->options.feed_cnt, "") == 0, "path");
        return;
    }
    for (uint32_t i = 0; i < world->options.feed_cnt; i++) {
        if (!pw_hot_serves(world->net, i)) {
            continue;
        }
        must(world->options.lines == NULL ||
                 pw_connector_set_lines(world->connector, i, world->options.lines) == 0,
             "lines");
        must(pw_connector_set_path(world->connector, i, "/stream") == 0, "path");
    }
}

static void open_hot(struct net_world *world)
{
    struct pw_hot_ends hot_ends = {0};
    struct pw_connector_ends ends = {.feeds = world->feeds};
    world->frames_ring = make_ring(or_else(world->options.frame_slots, 1024),
                                   world->options.frame_bytes != 0 ? world->options.frame_bytes : 1 << 20);
    world->conns_ring = make_ring(64, 0);
    world->lost_ring = make_ring(64, 0);
    pw_producer_attach(&hot_ends.frames, world->frames_ring);
    pw_consumer_attach(&hot_ends.conns, world->conns_ring);
    pw_producer_attach(&hot_ends.lost, world->lost_ring);
    pw_consumer_attach(&world->frames, world->frames_ring);
    if (world->options.orders) {
        open_orders(world, &hot_ends);
    }
    pw_producer_attach(&ends.to_net_rx, world->conns_ring);
    pw_consumer_attach(&ends.from_net_rx, world->lost_ring);
    must(pw_hot_init(world->net, &hot_ends) == 0, "hot side");
    must(pw_hot_start(world->net) == 0, "hot side's start");
    world->connector = pw_connector_create(world->net, &ends);
    must(world->connector != NULL, "connector");
    set_paths(world);
}

void net_world_open(struct net_world *world, const struct net_world_options *options)
{
    char error[512] = "";
    const char *ca_file = "";
    memset(world, 0, sizeof *world);
    world->options = *options;
    world->options.host = options->host != NULL ? options->host : WORLD_HOST;
    world->options.feed_cnt = or_else(options->feed_cnt, 1);
    world->now_ns = WORLD_START_NS;
    world->random_state = options->network.seed + 1;
    log_cnt = 0;
    pw_log_set_sink(keep_log, NULL);
    if (options->secure) {
        world->server = far_context_for("DNS:" WORLD_HOST ",IP:127.0.0.1", &ca_file);
    }
    fill_config(world, ca_file);
    if (options->orders) {
        fill_orders(world, 0, ca_file);
        fill_orders(world, 1, ca_file);
    }
    fill_plan(world);
    world->view = &world->feeds[options->orders ? world->options.feed_cnt : 0];
    world->network = pw_virtual_create(&options->network, world->plan.conns.cnt);
    must(world->network != NULL, "virtual network");
    if (!options->no_listener) {
        world->listener = pw_virtual_listen(world->network, world->options.host, WORLD_PORT, false);
    }
    pw_virtual_set_now(world->network, world->now_ns);
    struct pw_clock clock = {world_clock, world};
    world->net = pw_net_create_over(&world->plan, clock, pw_random_seeded(&world->random_state),
                                    pw_virtual_sockets(world->network), pw_virtual_io(world->network), error,
                                    sizeof error);
    must(world->net != NULL, error);
    if (options->secure) {
        unlink(ca_file);
    }
    open_hot(world);
}

void net_world_close(struct net_world *world)
{
    for (uint32_t i = 0; i < WORLD_PEERS_MAX && world->peers[i] != NULL; i++) {
        far_close(world->peers[i]);
    }
    pw_hot_stop(world->net);
    pw_connector_destroy(world->connector);
    pw_net_destroy(world->net);
    pw_virtual_destroy(world->network);
    SSL_CTX_free(world->server);
    free(world->frames_ring);
    free(world->conns_ring);
    free(world->lost_ring);
    free(world->messages_ring);
    free(world->requests_ring);
    pw_log_set_sink(NULL, NULL);
}

void net_world_step(struct net_world *world, int64_t step_ns)
{
    pw_connector_poll(world->connector, world->now_ns);
    if (!world->hot_stopped) {
        pw_hot_receive(world->net, world->now_ns);
        for (uint32_t i = 0; i < world->plan.conns.cnt; i++) { /* as net_rx's housekeeping does */
            atomic_store(&world->feeds[i].last_recv_ns, pw_hot_feed(world->net, i)->last_recv_ns);
        }
        pw_hot_transmit(world->net);
    }
    world->now_ns += step_ns;
    pw_virtual_set_now(world->network, world->now_ns);
}

void net_world_run(struct net_world *world, int64_t time_ns, int64_t step_ns)
{
    for (int64_t end_ns = world->now_ns + time_ns; world->now_ns < end_ns;) {
        net_world_step(world, step_ns);
    }
}

/* ---- a server's connection ---- */

void far_open(struct far_end *peer, struct net_world *world, int socket)
{
    uint32_t i = 0;
    while (world->peers[i] != NULL && world->peers[i] != peer) {
        i++;
        must(i < WORLD_PEERS_MAX, "too many peers");
    }
    if (world->peers[i] == peer) {
        far_close(peer);
    }
    world->peers[i] = peer;
    memset(peer, 0, sizeof *peer);
    peer->world = world;
    peer->socket = socket;
    peer->secure = world->options.secure;
    if (peer->secure) {
        far_tls_open(&peer->tls, world->server);
    }
}

bool far_accept(struct far_end *peer, struct net_world *world, int listener, int64_t time_ns)
{
    for (int64_t end_ns = world->now_ns + time_ns; world->now_ns < end_ns; net_world_step(world, MS_NS)) {
        int socket = pw_virtual_accept(world->network, listener);
        if (socket >= 0) {
            far_open(peer, world, socket);
            return true;
        }
    }
    return false;
}

void far_close(struct far_end *peer)
{
    if (peer->closed) {
        return;
    }
    pw_virtual_peer_end(peer->world->network, peer->socket);
    if (peer->tls.ssl != NULL) {
        far_tls_close(&peer->tls);
    }
    peer->closed = true;
}

static void send_ciphertext(struct far_end *peer)
{
    uint8_t data[4096];
    size_t size;
    while ((size = far_tls_drain(&peer->tls, data, sizeof data)) > 0) {
        must(pw_virtual_peer_send(peer->world->network, peer->socket, data, size) == (ssize_t)size,
             "a secure peer's window is full");
    }
}

void far_pump(struct far_end *peer)
{
    uint8_t data[4096];
    ssize_t got;
    while ((got = pw_virtual_peer_recv(peer->world->network, peer->socket, data, sizeof data)) > 0) {
        if (peer->secure) {
            far_tls_feed(&peer->tls, data, (size_t)got);
        } else if (peer->in_bytes + (size_t)got <= PEER_IN_BYTES) {
            memcpy(peer->in + peer->in_bytes, data, (size_t)got);
            peer->in_bytes += (size_t)got;
        }
    }
    peer->ended = peer->ended || got == 0;
    if (peer->secure) {
        int plain;
        while ((plain = far_tls_read(&peer->tls, peer->in + peer->in_bytes, PEER_IN_BYTES - peer->in_bytes)) >
               0) {
            peer->in_bytes += (size_t)plain;
        }
        send_ciphertext(peer);
    }
}

bool far_wait_bytes(struct far_end *peer, size_t bytes, int64_t time_ns)
{
    struct net_world *world = peer->world;
    for (int64_t end_ns = world->now_ns + time_ns; world->now_ns < end_ns; net_world_step(world, MS_NS)) {
        far_pump(peer);
        if (peer->in_bytes >= bytes) {
            return true;
        }
    }
    return false;
}

static void peer_consume(struct far_end *peer, size_t bytes)
{
    memmove(peer->in, peer->in + bytes, peer->in_bytes - bytes);
    peer->in_bytes -= bytes;
}

bool far_take_request(struct far_end *peer)
{
    for (size_t bytes = 1; far_wait_bytes(peer, bytes, 2 * S_NS); bytes = peer->in_bytes + 1) {
        char *end = memmem(peer->in, peer->in_bytes, "\r\n\r\n", 4);
        char *key = memmem(peer->in, peer->in_bytes, "Sec-WebSocket-Key: ", 19);
        if (end != NULL) {
            if (key != NULL) {
                snprintf(peer->key, sizeof peer->key, "%.24s", key + 19);
            }
            peer_consume(peer, (size_t)(end + 4 - (char *)peer->in));
            return true;
        }
    }
    return false;
}

void far_send(struct far_end *peer, const void *data, size_t size)
{
    if (peer->secure) {
        far_tls_write(&peer->tls, data, size);
        send_ciphertext(peer);
        return;
    }
    const uint8_t *at = data;
    for (int tries = 0; size > 0 && tries < 10000;
         tries++) { /* as TCP would: it waits when the window is full */
        ssize_t sent = pw_virtual_peer_send(peer->world->network, peer->socket, at, size);
        at += sent > 0 ? sent : 0;
        size -= sent > 0 ? (size_t)sent : 0;
        if (size > 0) {
            net_world_step(peer->world, MS_NS);
        }
    }
}

void far_send_text(struct far_end *peer, const char *text)
{
    far_send(peer, text, strlen(text));
}

size_t far_answer(const struct far_end *peer, char *text, size_t size)
{
    /* OpenSSL's digest and base64, not ours. */
    char joined[128];
    unsigned char digest[EVP_MAX_MD_SIZE];
    char accept[64];
    unsigned digest_bytes;
    int n = snprintf(joined, sizeof joined, "%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", peer->key);
    EVP_Digest(joined, (size_t)n, digest, &digest_bytes, EVP_sha1(), NULL);
    EVP_EncodeBlock((unsigned char *)accept, digest, (int)digest_bytes);
    return (size_t)snprintf(
        text, size,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: %s\r\n\r\n",
        accept);
}

bool far_upgrade(struct far_end *peer, struct net_world *world)
{
    char answer[512];
    if (!far_accept(peer, world, world->listener, 40 * S_NS) || !far_take_request(peer)) {
        return false;
    }
    far_send(peer, answer, far_answer(peer, answer, sizeof answer));
    uint64_t before = world->view->connect_cnt;
    for (int i = 0; i < 3000 && world->view->connect_cnt == before; i++) {
        net_world_step(world, MS_NS);
    }
    net_world_step(world, MS_NS);
    return true;
}

size_t frame_make(uint8_t *out, uint8_t first_byte, const void *payload, size_t size)
{
    size_t head = 2;
    out[0] = first_byte;
    if (size < 126) {
        out[1] = (uint8_t)size;
    } else if (size < 65536) {
        out[1] = 126;
        out[2] = (uint8_t)(size >> 8);
        out[3] = (uint8_t)size;
        head = 4;
    } else {
        out[1] = 127;
        for (int i = 0; i < 8; i++) {
            out[2 + i] = (uint8_t)((uint64_t)size >> (56 - 8 * i));
        }
        head = 10;
    }
    memcpy(out + head, payload, size);
    return head + size;
}

void far_send_frame(struct far_end *peer, uint8_t first_byte, const void *payload, size_t size)
{
    uint8_t *frame = malloc(size + 16);
    must(frame != NULL, "no memory for a frame");
    far_send(peer, frame, frame_make(frame, first_byte, payload, size));
    free(frame);
}

int far_take_whole(struct far_end *peer, uint8_t *out, size_t cap, size_t *size, int64_t time_ns)
{
    size_t head = 6;
    if (!far_wait_bytes(peer, head, time_ns)) {
        return -1;
    }
    size_t bytes = peer->in[1] & 0x7f;
    bool masked = (peer->in[1] & 0x80) != 0;
    if (bytes == 126) {
        head = 8;
        bytes = (size_t)peer->in[2] << 8 | peer->in[3];
    }
    if (!masked || bytes > cap || !far_wait_bytes(peer, head + bytes, time_ns)) {
        return -1;
    }
    int first_byte = peer->in[0];
    for (size_t i = 0; i < bytes; i++) {
        out[i] = peer->in[head + i] ^ peer->in[head - 4 + i % 4];
    }
    *size = bytes;
    peer_consume(peer, head + bytes);
    return first_byte;
}

int far_take_frame(struct far_end *peer, uint8_t *out, size_t *size, int64_t time_ns)
{
    int first_byte = far_take_whole(peer, out, PW_WS_CONTROL_MAX, size, time_ns);
    return first_byte < 0 ? -1 : first_byte & 0x0f;
}

/* ---- the parse end, or execution's ---- */

bool net_world_take(struct net_world *world, struct taken *taken)
{
    if (pw_consumer_peek(&world->frames, 1) == 0) {
        return false;
    }
    const struct pw_event *event = pw_consumer_at(&world->frames, 0);
    const struct pw_frame *frame = &event->body.frame;
    memset(taken, 0, sizeof *taken);
    taken->notice = frame->payload_bytes == 0;
    taken->state = frame->state;
    taken->reason = frame->reason;
    taken->recv_ns = event->recv_ns;
    taken->feed_idx = frame->feed_idx;
    taken->kernel_ns = taken->notice ? 0 : frame->kernel_ns;
    taken->decrypted_ns = taken->notice ? 0 : frame->decrypted_ns;
    taken->since_ns = event->venue_ns;
    taken->epoch = taken->notice ? frame->epoch : 0;
    taken->size = frame->payload_bytes;
    size_t kept = taken->size < sizeof taken->text - 1 ? taken->size : sizeof taken->text - 1;
    memcpy(taken->text, pw_consumer_payload(&world->frames, event), taken->notice ? 0 : kept);
    pw_consumer_done(&world->frames, 1);
    return true;
}

bool net_world_took_notice(struct net_world *world, enum pw_feed_state state)
{
    struct taken taken;
    return net_world_take(world, &taken) && taken.notice && taken.state == (uint32_t)state;
}

bool net_world_took_text(struct net_world *world, const char *text)
{
    struct taken taken;
    return net_world_take(world, &taken) && !taken.notice && taken.size == strlen(text) &&
           memcmp(taken.text, text, taken.size) == 0;
}

bool net_world_request(struct net_world *world, uint64_t epoch, uint64_t client_order_id, const void *text,
                       size_t bytes)
{
    const struct request_of of = {.feed_idx = world->plan.conns.of_account[world->account_idx],
                                  .epoch = epoch,
                                  .client_order_id = client_order_id};

    return request_ring_put(&world->requests, &of, text, (uint32_t)bytes);
}
