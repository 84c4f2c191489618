/* SPDX-License-Identifier: MIT
 *
 * The stages net_rx and net_tx: two entry points on the same connections, first and last in their core's
 * pass, so that an answer leaves in the pass that caused it. What they do is in src/net/hot.c; here it gets
 * its rings and its counters.
 */
#include "cores.h"
#include "hot.h"
#include "net_stage.h"
#include "pw_assert.h"

#include <errno.h>
#include <string.h>

struct net_rx {
    struct pw_net *net;
    uint32_t conn_cnt;
    bool is_ours[PW_CONNS_MAX];
    struct pw_feed_view *feeds; /* a row a connection */
    struct pw_metric_row *metric_rows;
};

struct net_tx {
    struct pw_net *net;
    struct pw_metric_row *metric_rows;
};

/* ---- net_rx ---- */

static size_t net_rx_state_bytes(const struct pw_stage_env *env)
{
    (void)env;
    return sizeof(struct net_rx);
}

static int net_rx_init(void *state, const struct pw_stage_env *env)
{
    struct net_rx *rx = state;
    struct pw_hot_ends ends = {0};
    const struct pw_region *feeds = pw_workspace_find(env->ws, "feeds", PW_REGION_FEEDS);
    rx->net = PW_ATTACHED(env, net)->net;
    rx->metric_rows = pw_env_metrics(env, PW_METRIC_GROUP_net_rx);
    if (rx->metric_rows == NULL || feeds == NULL || pw_env_producer(env, PW_RING_FRAMES, &ends.frames) != 0 ||
        pw_env_consumer(env, PW_RING_CONNS, &ends.conns) != 0 ||
        pw_env_producer(env, PW_RING_CONNS_LOST, &ends.lost) != 0 ||
        (pw_hot_has_orders(rx->net) && pw_env_producer(env, PW_RING_RESPONSES, &ends.messages) != 0)) {
        pw_log(PW_LOG_ERROR, "net_rx: the workspace lacks a ring, a metric or the feeds");
        return -ENOENT;
    }
    rx->conn_cnt = pw_net_conns(rx->net)->cnt;
    pw_assert(rx->conn_cnt <= PW_CONNS_MAX && rx->conn_cnt <= feeds->row_cnt);
    for (uint32_t i = 0; i < rx->conn_cnt; i++) {
        rx->is_ours[i] = pw_hot_serves(rx->net, i);
    }
    rx->feeds = pw_region_at(env->ws, feeds, 0);
    return pw_hot_init(rx->net, &ends);
}

static int net_rx_start(void *state)
{
    return pw_hot_start(((struct net_rx *)state)->net);
}

static struct pw_poll net_rx_poll(void *state, int64_t now_ns)
{
    return pw_hot_receive(((struct net_rx *)state)->net, now_ns);
}

static int64_t net_rx_next_ns(void *state)
{
    return pw_hot_next_ns(((struct net_rx *)state)->net);
}

static void net_rx_housekeep(void *state, int64_t now_ns)
{
    (void)now_ns;
    const struct net_rx *rx = state;
    const struct pw_hot_counts *counts = pw_hot_counts(rx->net);
    pw_net_rx_metrics_publish(rx->metric_rows, &counts->rx);
    for (uint32_t i = 0; i < rx->conn_cnt; i++) {
        if (!rx->is_ours[i]) {
            continue;
        }
        const struct pw_hot_feed *feed = pw_hot_feed(rx->net, i);
        atomic_store_explicit(&rx->feeds[i].frame_cnt, feed->frame_cnt, memory_order_relaxed);
        atomic_store_explicit(&rx->feeds[i].byte_cnt, feed->byte_cnt, memory_order_relaxed);
        atomic_store_explicit(&rx->feeds[i].last_recv_ns, feed->last_recv_ns, memory_order_relaxed);
    }
}

static void net_rx_drain(void *state)
{
    pw_hot_drain(((struct net_rx *)state)->net);
}

static bool net_rx_pending(void *state)
{
    return pw_hot_pending(((struct net_rx *)state)->net);
}

static void net_rx_fini(void *state)
{
    struct net_rx *rx = state;
    pw_hot_stop(rx->net);
    net_rx_housekeep(rx, 0);
}

const struct pw_stage_ops pw_net_rx_stage = {
    .name = "net_rx",
    .attachment_bytes = sizeof(struct pw_net_attachment),
    .state_bytes = net_rx_state_bytes,
    .init = net_rx_init,
    .start = net_rx_start,
    .poll = net_rx_poll,
    .next_ns = net_rx_next_ns,
    .housekeep = net_rx_housekeep,
    .drain = net_rx_drain,
    .pending = net_rx_pending,
    .fini = net_rx_fini,
};

/* ---- net_tx ---- */

static size_t net_tx_state_bytes(const struct pw_stage_env *env)
{
    (void)env;
    return sizeof(struct net_tx);
}

/* With order entry. */
static bool find_requests(struct pw_net *net, const struct pw_stage_env *env)
{
    struct pw_consumer requests;
    struct pw_stamp_row *stamps = pw_workspace_rows(env->ws, "stamps.orders", PW_REGION_STAMPS);
    const struct pw_stop *stop = pw_workspace_rows(env->ws, "stop", PW_REGION_STOP);
    if (!pw_hot_has_orders(net)) {
        return true;
    }
    if (stamps == NULL || stop == NULL || pw_env_consumer(env, PW_RING_REQUESTS, &requests) != 0) {
        return false;
    }
    pw_hot_init_tx(net, &requests, stamps, stop);
    return true;
}

static int net_tx_init(void *state, const struct pw_stage_env *env)
{
    struct net_tx *tx = state;
    tx->net = PW_ATTACHED(env, net)->net;
    tx->metric_rows = pw_env_metrics(env, PW_METRIC_GROUP_net_tx);
    if (tx->metric_rows == NULL || !find_requests(tx->net, env)) {
        pw_log(PW_LOG_ERROR,
               "net_tx: the workspace lacks a metric, the ring of requests, the stamps or the stop word");
        return -ENOENT;
    }
    uint32_t place;
    char rx[PW_REGION_NAME_BYTES];
    const struct pw_config_cores *cores = PW_CONFIG(env->config, cores);
    if (pw_cores_find(cores, pw_env_line_name(env, "net_rx", rx), &place) !=
        pw_cores_find(cores, env->stage, &place)) {
        pw_log(PW_LOG_ERROR, "%s: net_rx and net_tx share their connections: place both on the same core",
               env->config->path);
        return -EINVAL;
    }
    return 0;
}

static struct pw_poll net_tx_poll(void *state, int64_t now_ns)
{
    (void)now_ns;
    return pw_hot_transmit(((struct net_tx *)state)->net);
}

static void net_tx_housekeep(void *state, int64_t now_ns)
{
    (void)now_ns;
    const struct net_tx *tx = state;
    pw_net_tx_metrics_publish(tx->metric_rows, &pw_hot_counts(tx->net)->tx);
}

static void net_tx_fini(void *state)
{
    net_tx_housekeep(state, 0);
}

const struct pw_stage_ops pw_net_tx_stage = {
    .name = "net_tx",
    .attachment_bytes = sizeof(struct pw_net_attachment),
    .state_bytes = net_tx_state_bytes,
    .init = net_tx_init,
    .poll = net_tx_poll,
    .housekeep = net_tx_housekeep,
    .fini = net_tx_fini,
};
