/* SPDX-License-Identifier: MIT
 *
 * The stages net_rx and net_tx as the runner sees them: in a real workspace, over the virtual network, with a
 * feed and order entry.
 */
#include "accounts_config.h"
#include "cores.h"
#include "hot.h"
#include "metrics_table.h"
#include "sections.h"
#include "stages.h"
#include "virtual.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MS_NS INT64_C(1000000)

static char dir[] = "/tmp/pw_test_net_XXXXXX";
static struct pw_topology topology;
static struct pw_workspace ws;
static struct pw_config *config;
static struct pw_virtual *network;
static struct pw_net *net;
static struct pw_connector *connector;
static struct pw_net_attachment attachment;
static struct pw_stage_env env, tx_env;
static void *rx, *tx;
static int64_t now_ns = INT64_C(1700000000000000000);
static uint64_t seed = 11;

static int64_t test_clock(void *state)
{
    (void)state;
    return now_ns;
}

static void want(struct pw_region_want *row, const char *name, enum pw_region_kind kind, uint32_t rows,
                 uint32_t bytes)
{
    memset(row, 0, sizeof *row);
    snprintf(row->name, sizeof row->name, "%s", name);
    row->kind = kind;
    row->row_cnt = rows;
    row->row_bytes = bytes;
}

static const struct pw_ring_row rings[] = {
    {PW_RING_FRAMES, "net_rx", "parse", .slots = 256, .payload_bytes = 1 << 20, .policy = PW_RING_STALL},
    {PW_RING_CONNS, "housekeeping", "net_rx", .slots = 256, .policy = PW_RING_STALL},
    {PW_RING_CONNS_LOST, "net_rx", "housekeeping", .slots = 256, .policy = PW_RING_STALL},
    {PW_RING_RESPONSES, "net_rx", "execution", .slots = 256, .payload_bytes = 1 << 21,
     .policy = PW_RING_STALL},
    {PW_RING_REQUESTS, "execution", "net_tx", .slots = 256, .payload_bytes = 1 << 20,
     .policy = PW_RING_STALL},
};

static struct pw_ring *ring(enum pw_ring_role role)
{
    return pw_topology_ring_in(&topology, &ws, role, 0);
}

static void make_workspace(void)
{
    char error[256];
    static struct pw_region_want wants[9];
    cr_assert_not_null(mkdtemp(dir));
    setenv("PINWHEEL_SHM_DIR", dir, 1);
    want(&wants[0], "feeds", PW_REGION_FEEDS, 2, sizeof(struct pw_feed_view));
    want(&wants[1], "metrics", PW_REGION_METRICS, PW_METRIC_CNT, sizeof(struct pw_metric_row));
    want(&wants[2], "stamps.orders", PW_REGION_STAMPS, PW_STAMP_ROWS, sizeof(struct pw_stamp_row));
    want(&wants[3], "stop", PW_REGION_STOP, 1, sizeof(struct pw_stop));
    pw_topology_add(&topology, &pw_net_rx_stage, 0);
    pw_topology_add(&topology, &pw_net_tx_stage, 0);
    pw_topology_add_end(&topology, "parse", 0);
    pw_topology_add_end(&topology, "execution", 0);
    pw_topology_add_end(&topology, "housekeeping", 0);
    pw_topology_connect(&topology, rings, sizeof rings / sizeof *rings, NULL);
    cr_assert_eq(pw_topology_want(&topology, wants, 4), 9);
    cr_assert_eq(pw_workspace_create(&ws, "net-stage", wants, 9, false, error, sizeof error), 0, "%s", error);
    pw_metrics_fill(pw_workspace_rows(&ws, "metrics", PW_REGION_METRICS));
    pw_workspace_publish(&ws);
}

static void make_config(void)
{
    config = pw_app_config_create();
    struct pw_config_live *live = PW_CONFIG_EDIT(config, live);
    struct pw_config_gateway *gateway = PW_CONFIG_EDIT(config, gateway);
    struct pw_config_cores *cores = PW_CONFIG_EDIT(config, cores);
    struct pw_config_feeds *feeds = PW_CONFIG_EDIT(config, feeds);
    feeds->feed_cnt = 1;
    cores->core_cnt = 1;
    cores->cores[0].stage_cnt = 2;
    snprintf(cores->cores[0].stages[0], PW_STAGE_NAME_BYTES, "net_rx");
    snprintf(cores->cores[0].stages[1], PW_STAGE_NAME_BYTES, "net_tx");
    struct pw_config_feed *feed = &feeds->feeds[0];
    snprintf(feed->name, sizeof feed->name, "feed0");
    snprintf(feed->ws_url, sizeof feed->ws_url, "ws://feed.test:80");
    feed->stale_after_ms = 1000;
    feed->dead_after_ms = 60000;
    feed->connect_timeout_ms = feed->handshake_timeout_ms = 3000;
    feed->backoff_min_ms = feed->backoff_max_ms = 10;
    feed->message_bytes_max = 65536;
    snprintf(gateway->kind, sizeof gateway->kind, "live");
    live->conn = *feed;
    snprintf(live->conn.ws_url, sizeof live->conn.ws_url, "ws://orders.test:80/api");
}

static void make_all(void)
{
    char error[256];
    struct pw_virtual_options options = {.seed = seed};
    make_workspace();
    make_config();
    network = pw_virtual_create(&options, 2);
    pw_virtual_listen(network, "feed.test", 80, false);
    pw_virtual_listen(network, "orders.test", 80, false);
    struct pw_clock clock = {test_clock, NULL};
    struct pw_net_plan plan = {.line_idx = 0};
    pw_config_conns(config, &plan.conns);
    net = pw_net_create_over(&plan, clock, pw_random_seeded(&seed), pw_virtual_sockets(network),
                             pw_virtual_io(network), error, sizeof error);
    cr_assert_not_null(net, "%s", error);
    attachment.net = net;
    env = (struct pw_stage_env){.stage = "net_rx",
                                .topology = &topology,
                                .config = config,
                                .ws = &ws,
                                .clock = clock,
                                .attachment = &attachment};
    tx_env = env;
    tx_env.stage = "net_tx";
    tx_env.stage_idx = pw_topology_stage(&topology, "net_tx");
    rx = calloc(1, pw_net_rx_stage.state_bytes(&env));
    tx = calloc(1, pw_net_tx_stage.state_bytes(&tx_env));
}

static void drop_all(void)
{
    pw_net_rx_stage.fini(rx);
    pw_net_tx_stage.fini(tx);
    pw_connector_destroy(connector);
    pw_net_destroy(net);
    pw_virtual_destroy(network);
    pw_workspace_close(&ws, true);
    rmdir(dir);
    free(rx);
    free(tx);
    pw_config_destroy(config);
}

TestSuite(net_stage, .init = make_all, .fini = drop_all);

static void start(void)
{
    cr_assert_eq(pw_net_rx_stage.init(rx, &env), 0);
    cr_assert_eq(pw_net_tx_stage.init(tx, &tx_env), 0);
    cr_assert_eq(pw_net_rx_stage.start(rx), 0);
    struct pw_connector_ends ends = {.feeds = pw_workspace_rows(&ws, "feeds", PW_REGION_FEEDS)};
    pw_producer_attach(&ends.to_net_rx, ring(PW_RING_CONNS));
    pw_consumer_attach(&ends.from_net_rx, ring(PW_RING_CONNS_LOST));
    connector = pw_connector_create(net, &ends);
    cr_assert_eq(pw_connector_set_path(connector, 0, "/stream"), 0);
}

static void pass(int64_t time_ns)
{
    for (int64_t end_ns = now_ns + time_ns; now_ns < end_ns; now_ns += MS_NS) {
        pw_virtual_set_now(network, now_ns);
        pw_connector_poll(connector, now_ns);
        pw_net_rx_stage.poll(rx, now_ns);
        pw_net_tx_stage.poll(tx, now_ns);
        pw_net_rx_stage.housekeep(rx, now_ns);
        pw_net_tx_stage.housekeep(tx, now_ns);
    }
}

static uint64_t metric(const char *group, const char *name)
{
    const struct pw_metric_row *row = pw_metrics_find(env.ws, group, name);
    cr_assert_not_null(row, "%s.%s", group, name);
    return atomic_load(&row->value);
}

/* The server's side of the upgrade. */
static int answer_on(int listener)
{
    char request[4096], accept[29], text[256];
    pass(3 * MS_NS);
    int socket = pw_virtual_accept(network, listener);
    pass(3 * MS_NS);
    ssize_t got = pw_virtual_peer_recv(network, socket, request, sizeof request - 1);
    cr_assert_gt(got, 0);
    request[got] = '\0';
    pw_ws_accept_key(strstr(request, "Sec-WebSocket-Key: ") + 19, 24, accept);
    int n = snprintf(
        text, sizeof text,
        "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
        accept);
    pw_virtual_peer_send(network, socket, text, (size_t)n);
    pass(3 * MS_NS);
    return socket;
}

static int answer(void)
{
    return answer_on(0);
}

Test(net_stage, counters_and_the_feed_s_row_are_published)
{
    start();
    int socket = answer();
    pw_virtual_peer_send(network, socket, "\x81\x05hello\x89\x00\x82\x01x", 12);
    pass(3 * MS_NS);
    const struct pw_feed_view *feed = pw_workspace_rows(&ws, "feeds", PW_REGION_FEEDS);
    cr_expect_eq(feed->state, PW_FEED_UP);
    cr_expect_eq(feed->connect_cnt, 1);
    cr_expect_eq(feed->frame_cnt, 1);
    cr_expect_eq(feed->byte_cnt, 5);
    cr_expect(feed->last_recv_ns > 0 && feed->last_recv_ns < now_ns);
    cr_expect_eq(metric("net_rx", "frames"), 1);
    cr_expect_eq(metric("net_rx", "bytes"), 5);
    cr_expect_eq(metric("net_rx", "frames_control"), 1);
    cr_expect_eq(metric("net_rx", "pings"), 1);
    cr_expect_eq(metric("net_rx", "ignored"), 1);
    cr_expect_eq(metric("net_tx", "frames"), 1);
    cr_expect_eq(metric("net_tx", "bytes"), 6);
    pass(1200 * MS_NS);
    cr_expect_eq(feed->state, PW_FEED_STALE);
    pw_virtual_peer_send(network, socket, "\x83\x00", 2);
    pass(3 * MS_NS);
    pw_virtual_peer_end(network, socket);
    pass(5 * MS_NS);
    cr_expect_eq(metric("net_rx", "invalid_frames"), 1);
    cr_expect_eq(metric("net_rx", "disconnect_protocol"), 1);
    cr_expect_eq(feed->disconnect_cnt, 1);
}

Test(net_stage, a_drain_ends_and_is_over_soon)
{
    start();
    int socket = answer();
    cr_expect_not(pw_net_rx_stage.pending(rx));
    pw_net_rx_stage.drain(rx);
    pw_connector_stop(connector);
    cr_expect(pw_net_rx_stage.pending(rx));
    pass(5 * MS_NS);
    pw_virtual_peer_end(network, socket);
    pass(5 * MS_NS);
    cr_expect_not(pw_net_rx_stage.pending(rx));
    cr_expect(pw_connector_stopped(connector));
    cr_expect_eq(metric("net_rx", "disconnect_local"), 1);
}

Test(net_stage, both_ends_of_a_connection_must_be_on_one_core)
{
    struct pw_config_cores *cores = PW_CONFIG_EDIT(config, cores);
    cores->core_cnt = 2;
    cores->cores[0].stage_cnt = 1;
    cores->cores[1].stage_cnt = 1;
    snprintf(cores->cores[1].stages[0], PW_STAGE_NAME_BYTES, "net_tx");
    cr_expect_eq(pw_net_rx_stage.init(rx, &env), 0);
    cr_expect_eq(pw_net_tx_stage.init(tx, &tx_env), -EINVAL);
    cores->core_cnt = 1;
    cores->cores[0].stage_cnt = 2;
    cr_expect_eq(pw_net_tx_stage.init(tx, &tx_env), 0);
}

Test(net_stage, the_next_time_of_an_idle_feed_is_its_staleness)
{
    start();
    cr_expect_eq(pw_net_rx_stage.next_ns(rx), INT64_MAX);
    answer();
    int64_t next_ns = pw_net_rx_stage.next_ns(rx);
    cr_expect(next_ns > now_ns + 900 * MS_NS && next_ns <= now_ns + 1000 * MS_NS);
}

static void put_request(struct pw_producer *requests, uint64_t epoch, uint64_t client_order_id)
{
    struct pw_event event = {
        .kind = PW_EVENT_FRAME,
        .flags = PW_FLAG_SENT,
        .body.frame = {.feed_idx = 1, .client_order_id = client_order_id, .epoch = epoch}};
    memcpy(pw_producer_payload_claim(requests, 5), "hello", 5);
    pw_producer_put_frame(requests, &event, 5);
    pw_producer_publish(requests);
}

Test(net_stage, order_entry_has_its_rings_its_row_and_its_stamps)
{
    struct pw_consumer messages;
    struct pw_producer requests;
    struct pw_stamp stamp;
    start();
    pw_consumer_attach(&messages, ring(PW_RING_RESPONSES));
    pw_producer_attach(&requests, ring(PW_RING_REQUESTS));
    cr_assert_eq(pw_connector_set_path(connector, 1, ""), 0);
    int socket = answer_on(1);
    cr_assert_eq(pw_consumer_peek(&messages, 8), 1);
    const struct pw_event *up = pw_consumer_at(&messages, 0);
    cr_expect(up->body.frame.state == PW_FEED_UP && up->body.frame.epoch == 1);
    pw_consumer_done(&messages, 1);
    put_request(&requests, 1, 9);
    put_request(&requests, 2, 10);
    pass(3 * MS_NS);
    char got[32];
    cr_expect_eq(pw_virtual_peer_recv(network, socket, got, sizeof got), 6 + 5);
    cr_expect_eq(metric("net_tx", "frames"), 1);
    cr_expect_eq(metric("net_tx", "dropped"), 1);
    const struct pw_stamp_row *stamps = pw_workspace_rows(&ws, "stamps.orders", PW_REGION_STAMPS);
    cr_expect(pw_stamp_get(stamps, 9, &stamp) && stamp.ns[PW_STAMP_ENCRYPTED] > 0);
    cr_expect_not(pw_stamp_get(stamps, 10, &stamp));
    pw_virtual_peer_send(network, socket, "\x81\x02{}", 4);
    pass(3 * MS_NS);
    const struct pw_feed_view *row = pw_region_at(&ws, pw_workspace_find(&ws, "feeds", PW_REGION_FEEDS), 1);
    cr_expect_eq(pw_consumer_peek(&messages, 8), 1);
    cr_expect(row->state == PW_FEED_UP && row->frame_cnt == 1 && row->byte_cnt == 2);
}
