/* SPDX-License-Identifier: MIT
 *
 * Rings, network and connector put together.
 */
#include "net_rig.h"

#include "request_ring.h"
#include "sockets.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void must(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "engine: %s\n", what);
        abort();
    }
}

static struct pw_ring *make_ring(uint32_t slots, uint64_t bytes)
{
    size_t size = (pw_ring_bytes(slots, bytes) + 63) & ~(size_t)63;
    struct pw_ring *ring = aligned_alloc(64, size);
    must(ring != NULL, "no memory for a ring");
    memset(ring, 0, size);
    must(pw_ring_format(ring, slots, bytes, PW_RING_STALL) == 0, "ring");
    return ring;
}

static int64_t engine_clock(void *state)
{
    return net_rig_now_ns(state);
}

int64_t net_rig_now_ns(const struct net_rig *engine)
{
    struct pw_clock clock = pw_clock_host();
    return pw_clock_now_ns(&clock) + engine->ahead_ns;
}

static void fill_feed(struct net_rig *engine, const char *url, const char *ca_file)
{
    struct pw_config_feed *feed = &engine->feed;
    snprintf(feed->name, sizeof feed->name, "feed0");
    snprintf(feed->ws_url, sizeof feed->ws_url, "%s", url);
    snprintf(feed->ca_file, sizeof feed->ca_file, "%s", ca_file);
    feed->stale_after_ms = 3600000;
    feed->dead_after_ms = 3600000;
    feed->connect_timeout_ms = 3000;
    feed->handshake_timeout_ms = 3000;
    feed->backoff_min_ms = 1;
    feed->backoff_max_ms = 1;
    feed->message_bytes_max = 65536;
}

static void open_orders(struct net_rig *engine, struct pw_hot_ends *ends)
{
    struct pw_consumer requests;
    engine->messages_ring = make_ring(4096, 1 << 22);
    engine->requests_ring = make_ring(4096, 1 << 22);
    pw_producer_attach(&ends->messages, engine->messages_ring);
    pw_consumer_attach(&engine->frames, engine->messages_ring);
    pw_producer_attach(&engine->requests, engine->requests_ring);
    pw_consumer_attach(&requests, engine->requests_ring);
    pw_hot_init_tx(engine->net, &requests, engine->stamps, &engine->stop);
}

static void open_cold(struct net_rig *engine, const char *url, const char *ca_file, struct pw_io *io,
                      bool orders)
{
    char error[512] = "";
    struct pw_hot_ends hot_ends = {0};
    memset(engine, 0, sizeof *engine);
    fill_feed(engine, url, ca_file);
    /* With order entry the feed is never connected. */
    struct pw_net_plan plan = {.line_idx = 0};
    pw_conns_init(&plan.conns);
    pw_conns_add(&plan.conns, (struct pw_conn_row){.role = PW_CONN_ROLE_MARKET, .config = &engine->feed});
    if (orders) {
        pw_conns_add(&plan.conns, (struct pw_conn_row){.role = PW_CONN_ROLE_ORDERS, .config = &engine->feed});
    }
    engine->view = &engine->feeds[orders];
    struct pw_connector_ends ends = {.feeds = engine->feeds};
    struct pw_clock clock = {engine_clock, engine};
    engine->sockets = pw_sockets_host_create(true);
    engine->io = io != NULL ? io : pw_io_host_create(plan.conns.cnt, 0);
    must(engine->sockets != NULL && engine->io != NULL, "no memory for the sockets");
    engine->net =
        pw_net_create_over(&plan, clock, pw_random_host(), engine->sockets, engine->io, error, sizeof error);
    must(engine->net != NULL, error);
    engine->frames_ring = make_ring(4096, 1 << 22);
    engine->conns_ring = make_ring(64, 0);
    engine->lost_ring = make_ring(64, 0);
    pw_producer_attach(&hot_ends.frames, engine->frames_ring);
    pw_consumer_attach(&hot_ends.conns, engine->conns_ring);
    pw_producer_attach(&hot_ends.lost, engine->lost_ring);
    pw_consumer_attach(&engine->frames, engine->frames_ring);
    if (orders) {
        open_orders(engine, &hot_ends);
    }
    pw_producer_attach(&ends.to_net_rx, engine->conns_ring);
    pw_consumer_attach(&ends.from_net_rx, engine->lost_ring);
    must(pw_hot_init(engine->net, &hot_ends) == 0, "hot side");
    engine->connector = pw_connector_create(engine->net, &ends);
    must(engine->connector != NULL &&
             pw_connector_set_path(engine->connector, orders, orders ? "" : "/stream") == 0,
         "connector");
}

void net_rig_open_cold(struct net_rig *engine, const char *url, const char *ca_file, struct pw_io *io)
{
    open_cold(engine, url, ca_file, io, false);
}

void net_rig_open_orders(struct net_rig *engine, const char *url, const char *ca_file, struct pw_io *io)
{
    open_cold(engine, url, ca_file, io, true);
    must(pw_hot_start(engine->net) == 0, "hot side's start");
}

void net_rig_open(struct net_rig *engine, const char *url, const char *ca_file, struct pw_io *io)
{
    net_rig_open_cold(engine, url, ca_file, io);
    must(pw_hot_start(engine->net) == 0, "hot side's start");
}

void net_rig_close(struct net_rig *engine)
{
    pw_hot_stop(engine->net);
    pw_connector_destroy(engine->connector);
    pw_net_destroy(engine->net);
    pw_sockets_host_destroy(engine->sockets);
    engine->io->destroy(engine->io->state);
    free(engine->frames_ring);
    free(engine->conns_ring);
    free(engine->lost_ring);
    free(engine->messages_ring);
    free(engine->requests_ring);
}

void net_rig_step(struct net_rig *engine)
{
    int64_t now_ns = net_rig_now_ns(engine);
    pw_connector_poll(engine->connector, now_ns);
    pw_hot_receive(engine->net, now_ns);
    pw_hot_transmit(engine->net);
}

bool net_rig_wait(struct net_rig *engine, enum pw_feed_state state)
{
    int64_t end_ns = net_rig_now_ns(engine) + INT64_C(5000000000);
    while (engine->view->state != (uint64_t)state) {
        if (net_rig_now_ns(engine) > end_ns) {
            return false;
        }
        net_rig_step(engine);
    }
    return true;
}

bool net_rig_request(struct net_rig *engine, uint64_t epoch, uint64_t client_order_id, const void *text,
                     uint32_t bytes)
{
    const struct request_of of = {.feed_idx = 1, .epoch = epoch, .client_order_id = client_order_id};

    return request_ring_put(&engine->requests, &of, text, bytes);
}
