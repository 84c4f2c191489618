/* SPDX-License-Identifier: MIT
 *
 * What the two sides share: made from the config at start.
 */
#include "net.h"

#include "ban.h"
#include "http.h"
#include "net_private.h"
#include "sockets.h"
#include "uring.h"
#include <errno.h>
#include <pinwheel/units.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_BYTES ((size_t)4096)

/* Order entry's, which no one needs to tune: answers are lists of open orders at most; what is to be sent at
 * once is a burst of requests, the largest of them included. */
#define ORDERS_OUTPUT_BYTES (1u << 16)

uint32_t pw_retry_after_s(const struct pw_http_head *head)
{
    const struct pw_slice *value = pw_http_find(head, "retry-after");
    const uint64_t most = PW_BAN_MAX_NS / PW_NS_PER_S;
    uint64_t seconds = 0;
    if (value == NULL) {
        return 0;
    }
    for (size_t i = 0; i < value->size; i++) {
        if (value->text[i] < '0' || value->text[i] > '9') {
            return 0;
        }
        seconds = seconds * 10 + (uint64_t)(value->text[i] - '0');
        seconds = seconds < most ? seconds : most;
    }
    return (uint32_t)seconds;
}

bool pw_target_ok(const char *target)
{
    for (; *target != '\0'; target++) {
        if ((unsigned char)*target <= ' ' || (unsigned char)*target >= 0x7f || *target == '#') {
            return false;
        }
    }
    return true;
}

/* ---- connections ---- */

/* Splits a URL into whom to call, the Host header and the path that targets are appended to. */
static bool read_url(const char *url, struct pw_dial_target *target, char *authority, size_t authority_bytes,
                     char *path, size_t path_bytes)
{
    struct pw_url parts;
    if (!pw_url_parse(url, &parts) || !pw_dial_target_of_url(url, target)) {
        return false;
    }
    bool brackets = strchr(target->host, ':') != NULL;
    uint16_t usual = target->secure ? 443 : 80;
    int n = snprintf(authority, authority_bytes, "%s%s%s", brackets ? "[" : "", target->host,
                     brackets ? "]" : "");
    if (target->port != usual) {
        snprintf(authority + n, authority_bytes - (size_t)n, ":%u", target->port);
    }
    size_t bytes = parts.path.size;
    if (bytes > 0 && parts.path.text[bytes - 1] == '/') {
        bytes--;
    }
    snprintf(path, path_bytes, "%.*s", (int)bytes, parts.path.text);
    return bytes < path_bytes;
}

static struct pw_tls_context *context_of(struct pw_net *net, const struct pw_config_feed *feed, char *error,
                                         size_t error_bytes)
{
    for (uint32_t i = 0; i < net->context_cnt; i++) {
        if (strcmp(net->context_files[i], feed->ca_file) == 0) {
            return net->contexts[i];
        }
    }
    struct pw_tls_context *context = pw_tls_context_create(feed->ca_file, error, error_bytes);
    if (context != NULL) {
        net->contexts[net->context_cnt] = context;
        net->context_files[net->context_cnt++] = feed->ca_file;
    }
    return context;
}

static bool init_target(struct pw_net *net, const struct pw_config_feed *feed, struct pw_dial_target *target,
                        char *error, size_t error_bytes)
{
    target->connect_timeout_ns = feed->connect_timeout_ms * PW_NS_PER_MS;
    target->handshake_timeout_ns = feed->handshake_timeout_ms * PW_NS_PER_MS;
    target->connects_max = PW_ADDRESSES_MAX;
    if (target->secure) {
        target->context = context_of(net, feed, error, error_bytes);
        return target->context != NULL;
    }
    return true;
}

/* Order entry says nothing for hours when nothing is traded: only the venue's pings tell that it is alive. */
static void init_limits(struct pw_net_conn *conn, bool is_feed)
{
    const struct pw_config_feed *config = conn->config;
    conn->dead_after_ns = config->dead_after_ms * PW_NS_PER_MS;
    conn->stale_after_ns = is_feed ? config->stale_after_ms * PW_NS_PER_MS : INT64_MAX;
    conn->message_bytes_max = config->message_bytes_max;
    conn->output_bytes = is_feed ? PW_CONN_OUTPUT_BYTES : ORDERS_OUTPUT_BYTES;
    if (is_feed) {
        snprintf(conn->label, sizeof conn->label, "feed '%s'", config->name);
    } else { /* of several accounts: "orders.NAME" */
        const char *account = strchr(config->name, '.');
        snprintf(conn->label, sizeof conn->label, "order entry%s%s", account ? " of account " : "",
                 account ? account + 1 : "");
    }
}

static int init_conn(struct pw_net *net, uint32_t conn_idx, char *error, size_t error_bytes)
{
    struct pw_net_conn *conn = &net->conns[conn_idx];
    const struct pw_config_feed *config = net->plan.conns.rows[conn_idx].config;
    char reason[256] = "";
    bool ok = true;
    conn->config = config;
    init_limits(conn, net->plan.conns.rows[conn_idx].role == PW_CONN_ROLE_MARKET);
    if (!read_url(config->ws_url, &conn->ws, conn->ws_authority, sizeof conn->ws_authority, conn->ws_path,
                  sizeof conn->ws_path)) {
        snprintf(reason, sizeof reason, "ws_url is not of the form wss://host[:port][/path]");
        ok = false;
    }
    conn->has_rest = config->rest_url[0] != '\0';
    if (ok && conn->has_rest &&
        !read_url(config->rest_url, &conn->rest, conn->rest_authority, sizeof conn->rest_authority,
                  conn->rest_path, sizeof conn->rest_path)) {
        snprintf(reason, sizeof reason, "rest_url is not of the form https://host[:port][/path]");
        ok = false;
    }
    ok = ok && init_target(net, config, &conn->ws, reason, sizeof reason) &&
         (!conn->has_rest || init_target(net, config, &conn->rest, reason, sizeof reason));
    if (!ok) {
        snprintf(error, error_bytes, "%s: %s", conn->label, reason);
    }
    return ok ? 0 : -EINVAL;
}

/* ---- slots ---- */

static size_t slot_bytes(const struct pw_net_conn *conn)
{
    size_t bytes = PW_CONN_ARENA_BYTES + PW_CONN_COLD_BYTES + conn->output_bytes + conn->message_bytes_max +
                   PW_CONN_PLAIN_SLACK;
    return (bytes + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
}

static bool is_served(const struct pw_net *net, uint32_t conn_idx)
{
    return net->plan.conns.rows[conn_idx].line_idx == net->plan.line_idx;
}

static int init_slots(struct pw_net *net, char *error, size_t error_bytes)
{
    bool locked = false;
    uint32_t conn_cnt = net->plan.conns.cnt;
    net->slots = calloc(conn_cnt, sizeof *net->slots);
    for (uint32_t i = 0; i < conn_cnt; i++) {
        net->memory_bytes += is_served(net, i) ? slot_bytes(&net->conns[i]) : 0;
    }
    net->memory_bytes += PW_HOT_FRAME_BYTES;
    net->memory = pw_secret_map(net->memory_bytes, true, &locked);
    if (net->slots == NULL || net->memory == NULL) {
        snprintf(error, error_bytes, "no memory for the connections: %zu bytes", net->memory_bytes);
        return -ENOMEM;
    }
    if (!locked) {
        pw_log(PW_LOG_WARN, "cannot lock %zu bytes of connection memory; raise ulimit -l", net->memory_bytes);
    }
    net->tx.frame = net->memory;
    uint8_t *at = net->tx.frame + PW_HOT_FRAME_BYTES;
    for (uint32_t i = 0; i < conn_cnt; i++) {
        if (!is_served(net, i)) {
            continue;
        }
        struct pw_conn_slot *slot = &net->slots[net->slot_cnt];
        uint8_t *data = at + PW_CONN_ARENA_BYTES;
        if (pw_arena_init(&slot->arena, at, PW_CONN_ARENA_BYTES, false) != 0) {
            snprintf(error, error_bytes, "too many connections in one process");
            return -ENOSPC;
        }
        slot->idx = net->slot_cnt++;
        const struct pw_conn_row *row = &net->plan.conns.rows[i];
        slot->conn_idx = i;
        slot->feed_idx = row->role == PW_CONN_ROLE_MARKET ? row->owner_idx : i;
        pw_link_init(&slot->link, data, PW_CONN_COLD_BYTES, data + PW_CONN_COLD_BYTES,
                     net->conns[i].output_bytes);
        slot->plain = data + PW_CONN_COLD_BYTES + net->conns[i].output_bytes;
        slot->plain_bytes = net->conns[i].message_bytes_max + PW_CONN_PLAIN_SLACK;
        at += slot_bytes(&net->conns[i]);
    }
    return 0;
}

/* ---- life ---- */

static int init_net(struct pw_net *net, char *error, size_t error_bytes)
{
    for (uint32_t i = 0; i < net->plan.conns.cnt; i++) {
        int err = init_conn(net, i, error, error_bytes);
        if (err != 0) {
            return err;
        }
    }
    return init_slots(net, error, error_bytes);
}

struct pw_net *pw_net_create_over(const struct pw_net_plan *plan, struct pw_clock clock,
                                  struct pw_random random, const struct pw_sockets *sockets,
                                  const struct pw_io *io, char *error, size_t error_bytes)
{
    struct pw_net *net = calloc(1, sizeof *net);
    if (net == NULL) {
        snprintf(error, error_bytes, "no memory");
        return NULL;
    }
    net->plan = *plan;
    net->clock = clock;
    net->random = random;
    net->sockets = sockets;
    net->io = io;
    if (init_net(net, error, error_bytes) != 0) {
        pw_net_destroy(net);
        return NULL;
    }
    return net;
}

const struct pw_conns *pw_net_conns(const struct pw_net *net)
{
    return &net->plan.conns;
}

static void destroy_io(struct pw_io *io)
{
    if (io != NULL) {
        io->destroy(io->state);
    }
}

struct pw_net *pw_net_create(const struct pw_net_plan *plan, struct pw_clock clock, struct pw_random random,
                             char *error, size_t error_bytes)
{
    struct pw_sockets *sockets = pw_sockets_host_create(plan->kernel_stamps);
    struct pw_io *io = pw_io_host_create(plan->conns.cnt, plan->kernel_stamps ? 0 : PW_URING_NO_STAMPS);
    struct pw_net *net = NULL;
    if (sockets == NULL || io == NULL) {
        snprintf(error, error_bytes, "no memory for the sockets");
    } else {
        net = pw_net_create_over(plan, clock, random, sockets, io, error, error_bytes);
    }
    if (net == NULL) {
        pw_sockets_host_destroy(sockets);
        destroy_io(io);
        return NULL;
    }
    net->own_sockets = sockets;
    net->own_io = io;
    return net;
}

void pw_net_destroy(struct pw_net *net)
{
    if (net == NULL) {
        return;
    }
    for (uint32_t i = 0; i < net->slot_cnt; i++) {
        pw_link_close(&net->slots[i].link, net->sockets);
        pw_arena_fini(&net->slots[i].arena);
    }
    for (uint32_t i = 0; i < net->context_cnt; i++) {
        pw_tls_context_destroy(net->contexts[i]);
    }
    if (net->memory != NULL) {
        pw_secret_unmap(net->memory, net->memory_bytes);
    }
    pw_sockets_host_destroy(net->own_sockets);
    destroy_io(net->own_io);
    free(net->slots);
    free(net);
}
