/* SPDX-License-Identifier: MIT
 *
 * The housekeeping stage: what needs no hurry. Connections, book snapshots, the operator's commands on
 * their way to execution, the venue's bans, the engine's heartbeat. It lives on a cold core and sleeps.
 */
#include "housekeeping.h"
#include "accounts_config.h"
#include "ban.h"
#include "feeds.h"
#include "net.h"
#include "night.h"
#include "order_entry.h"
#include "pw_assert.h"
#include "reference_watch.h"
#include "snapshots.h"
#include <errno.h>
#include <inttypes.h>
#include <pinwheel/units.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BAN_STEP_NS PW_NS_PER_S

/* A net_rx and a parse, and what is made for them here. */
struct line {
    struct pw_connector *connector;
    struct pw_consumer from_parse;
};

/* Of one host. */
struct ban {
    int64_t kept_ns; /* until then; never before the ban's end, and at most a step behind it */
    int64_t owed_ns; /* a pause that execution does not know yet; 0: none */
};

struct housekeeping {
    struct pw_stage_env env;
    struct pw_workspace_header *header;
    const struct pw_conns *conns;
    struct line lines[PW_LINES_MAX];
    uint32_t line_cnt;
    struct pw_snapshots *snapshots;
    struct pw_rules_watch *rules;
    struct pw_reference_watch *references;
    struct pw_producer to_execution;
    bool stopping;
    uint64_t command_owed; /* enum pw_command that found no room yet; 0: none */
    int64_t now_ns;
    struct pw_housekeeping_metrics metrics;
    struct pw_metric_row *metric_rows;
    uint32_t entry_cnt; /* accounts with order entry */
    struct pw_order_entry entries[PW_ACCOUNTS_MAX];
    struct ban bans[PW_FEEDS_MAX]; /* by host */
    struct pw_feed_view *views;    /* a row a connection */
    struct pw_night night;
};

static size_t housekeeping_state_bytes(const struct pw_stage_env *env)
{
    (void)env;
    return sizeof(struct housekeeping);
}

/* ---- Commands ---- */

/* What the operator's desk wants; its stop word works already. The last one counts. */
static void take_command(struct housekeeping *h)
{
    _Atomic uint64_t *command = PW_ATTACHED(&h->env, housekeeping)->command;
    if (atomic_load_explicit(command, memory_order_relaxed) == 0 || h->command_owed == PW_COMMAND_STOP) {
        return;
    }
    /* Acquire: the stop word is as the command says. Pairs with the release of the desk. */
    h->command_owed = atomic_exchange_explicit(command, 0, memory_order_acquire);
    pw_assert(h->command_owed == PW_COMMAND_HALT || h->command_owed == PW_COMMAND_RESUME);
    h->metrics.commands++;
}

/* False: there is no room yet. */
static bool put(struct housekeeping *h, uint64_t what, uint32_t host_idx, int64_t until_ns)
{
    if (pw_producer_room(&h->to_execution, 1) < 1) {
        return false;
    }
    struct pw_event event = {
        .kind = PW_EVENT_COMMAND,
        .instrument_idx = PW_NO_INSTRUMENT,
        .recv_ns = h->now_ns,
        .venue_ns = until_ns,
        .body.state = {.state = (uint32_t)what, .reason = PW_REASON_NONE, .feed_idx = host_idx},
    };
    pw_producer_put(&h->to_execution, &event);
    pw_producer_publish(&h->to_execution);
    return true;
}

static void put_commands(struct housekeeping *h)
{
    if (h->command_owed != 0 && put(h, h->command_owed, 0, 0)) {
        h->command_owed = 0;
    }
    for (uint32_t i = 0; i < PW_FEEDS_MAX; i++) {
        struct ban *ban = &h->bans[i];
        if (ban->owed_ns != 0 && put(h, PW_COMMAND_PAUSE, i, ban->owed_ns)) {
            ban->owed_ns = 0;
        }
    }
}

/* ---- Life ---- */

static void housekeeping_fini(void *state)
{
    struct housekeeping *h = state;
    for (uint32_t i = 0; i < h->line_cnt; i++) {
        pw_connector_destroy(h->lines[i].connector);
        h->lines[i].connector = NULL;
    }
    pw_reference_watch_destroy(h->references);
    h->references = NULL;
    pw_rules_watch_destroy(h->rules);
    h->rules = NULL;
    pw_snapshots_destroy(h->snapshots);
    h->snapshots = NULL;
    pw_night_end(&h->night, pw_clock_now_ns(&h->env.clock));
}

/* Gives the connector what this feed's connection wants of its venue. text: PW_TARGET_MAX bytes to work in.
 */
static int subscribe(struct pw_connector *connector, uint32_t conn_idx, const struct pw_conn_row *row,
                     char *text)
{
    const struct pw_venue *venue = row->venue;
    if (venue == NULL) {
        return -EINVAL;
    }
    int err = 0;
    if (venue->market->subscribe != NULL) {
        err = venue->market->subscribe(pw_feed_wants(row->config), text, PW_TARGET_MAX);
        err = err != 0 ? err : pw_connector_set_lines(connector, conn_idx, text);
    }
    err = err != 0 ? err : venue->market->target(pw_feed_wants(row->config), text, PW_TARGET_MAX);
    return err != 0 ? err : pw_connector_set_path(connector, conn_idx, text);
}

static int open_line(struct housekeeping *h, uint32_t line_idx)
{
    pw_assert(line_idx < PW_LINES_MAX);
    struct line *line = &h->lines[line_idx];
    struct pw_connector_ends ends = {.feeds = pw_workspace_rows(h->env.ws, "feeds", PW_REGION_FEEDS)};
    if (pw_env_producer_nth(&h->env, PW_RING_CONNS, line_idx, &ends.to_net_rx) != 0 ||
        pw_env_consumer_nth(&h->env, PW_RING_CONNS_LOST, line_idx, &ends.from_net_rx) != 0 ||
        pw_env_consumer_nth(&h->env, PW_RING_PARSE_REQUESTS, line_idx, &line->from_parse) != 0 ||
        ends.feeds == NULL) {
        return -ENOENT;
    }
    line->connector = pw_connector_create(PW_ATTACHED(&h->env, housekeeping)->nets[line_idx], &ends);
    return line->connector != NULL ? 0 : -ENOMEM;
}

/* Who keeps that connection. */
static struct pw_connector *connector_of(const struct housekeeping *h, uint32_t conn_idx)
{
    pw_assert(conn_idx < h->conns->cnt);
    uint32_t line_idx = h->conns->rows[conn_idx].line_idx;
    pw_assert(line_idx < h->line_cnt && h->lines[line_idx].connector != NULL);
    return h->lines[line_idx].connector;
}

static int open_connectors(struct housekeeping *h)
{
    uint32_t line_cnt = pw_feeds_line_cnt(PW_CONFIG(h->env.config, feeds));
    char *text = malloc(PW_TARGET_MAX);
    int err = text != NULL ? 0 : -ENOMEM;
    while (err == 0 && h->line_cnt < line_cnt) {
        err = open_line(h, h->line_cnt);
        h->line_cnt++;
    }
    for (uint32_t i = 0; err == 0 && i < h->conns->cnt; i++) {
        const struct pw_conn_row *row = &h->conns->rows[i];
        if (row->role == PW_CONN_ROLE_MARKET) {
            err = subscribe(connector_of(h, i), i, row, text);
        } else {
            pw_connector_hold(connector_of(h, i), i, h->bans[row->host_idx].kept_ns);
            err = pw_connector_set_path(connector_of(h, i), i, ""); /* its URL has all of it */
        }
    }
    free(text);
    return err;
}

/* ---- The venue's bans, and order entry ---- */

static uint32_t host_of(const struct housekeeping *h, const struct pw_order_entry *entry)
{
    pw_assert(entry->conn_idx < h->conns->cnt);
    return h->conns->rows[entry->conn_idx].host_idx;
}

/* Nothing goes out to that host before. */
static void hold_host(struct housekeeping *h, uint32_t host_idx, int64_t until_ns)
{
    pw_assert(host_idx < PW_FEEDS_MAX && until_ns > h->now_ns);
    pw_snapshots_pause(h->snapshots, host_idx, until_ns);
    for (uint32_t i = 0; i < h->entry_cnt; i++) {
        uint32_t conn_idx = h->entries[i].conn_idx;
        if (host_of(h, &h->entries[i]) == host_idx) {
            h->bans[host_idx].owed_ns = until_ns;
            pw_connector_hold(connector_of(h, conn_idx), conn_idx, until_ns);
        }
    }
}

/* A ban that a gateway or a snapshot's response reports holds for all that goes out to that host from here,
 * and over a restart. */
static void keep_ban(struct housekeeping *h, uint32_t host_idx)
{
    struct ban *ban = &h->bans[host_idx];
    int64_t until_ns = pw_snapshots_paused_until_ns(h->snapshots, host_idx);
    for (uint32_t i = 0; i < h->entry_cnt; i++) {
        int64_t paused_ns =
            host_of(h, &h->entries[i]) == host_idx ? pw_order_entry_paused_until_ns(&h->entries[i]) : 0;
        until_ns = paused_ns > until_ns ? paused_ns : until_ns;
    }
    if (until_ns <= ban->kept_ns || until_ns <= h->now_ns) {
        return;
    }
    hold_host(h, host_idx, until_ns);
    ban->kept_ns = until_ns + BAN_STEP_NS;
    char host[PW_BAN_HOST_BYTES];
    pw_bans_show(h->conns, host_idx, ban->kept_ns, h->views); /* the desk has it stored */
    pw_log(PW_LOG_WARN, "rate-limit ban of %s: %" PRId64 " s left; waiting",
           pw_bans_name(h->conns, host_idx, host), (until_ns - h->now_ns) / PW_NS_PER_S + 1);
}

/* Those that a connection's upgrade was answered with. */
static void take_bans(struct housekeeping *h)
{
    for (uint32_t i = 0; i < h->line_cnt; i++) {
        uint32_t conn_idx = 0;
        int64_t until_ns;
        while ((until_ns = pw_connector_take_ban(h->lines[i].connector, &conn_idx)) != 0) {
            pw_snapshots_pause(h->snapshots, h->conns->rows[conn_idx].host_idx, until_ns);
        }
    }
}

static void keep_bans(struct housekeeping *h)
{
    take_bans(h);
    for (uint32_t i = 0; i < PW_CONFIG(h->env.config, feeds)->feed_cnt; i++) {
        if (pw_conns_host_of_feed(h->conns, i) == i) {
            keep_ban(h, i);
        }
    }
}

static void tend_order_entry(struct housekeeping *h)
{
    for (uint32_t i = 0; i < h->entry_cnt; i++) {
        struct pw_order_entry *entry = &h->entries[i];
        if (pw_order_entry_poll(entry, h->now_ns)) {
            pw_connector_reconnect(connector_of(h, entry->conn_idx), entry->conn_idx, PW_REASON_DISCONNECT);
        }
    }
}

/* ---- Start ---- */

static int watch_order_entry(struct housekeeping *h)
{
    int err = 0;
    for (uint32_t i = 0; err == 0 && i < h->conns->cnt; i++) {
        if (h->conns->rows[i].role == PW_CONN_ROLE_ORDERS) {
            pw_assert(h->entry_cnt < PW_ACCOUNTS_MAX);
            err = pw_order_entry_init(&h->entries[h->entry_cnt], &h->env, h->conns, i, &h->night.fold);
            h->entry_cnt += err == 0;
        }
    }
    return err;
}

static int housekeeping_init(void *state, const struct pw_stage_env *env)
{
    struct housekeeping *h = state;
    const int64_t *banned_until_ns = PW_ATTACHED(env, housekeeping)->banned_until_ns;
    h->env = *env;
    h->conns = pw_net_conns(PW_ATTACHED(env, housekeeping)->nets[0]);
    h->header = env->ws->header;
    h->metric_rows = pw_env_metrics(env, PW_METRIC_GROUP_housekeeping);
    h->views = pw_workspace_rows(env->ws, "feeds", PW_REGION_FEEDS);
    for (uint32_t i = 0; banned_until_ns != NULL && i < PW_FEEDS_MAX; i++) {
        h->bans[i].kept_ns = banned_until_ns[i];
    }
    h->snapshots = pw_snapshots_create(&h->env, &h->metrics, &h->night.fold);
    h->rules = h->snapshots != NULL ? pw_rules_watch_create(&h->env, h->snapshots, &h->night.fold) : NULL;
    h->references =
        h->rules != NULL ? pw_reference_watch_create(&h->env, h->snapshots, h->rules, &h->night.fold) : NULL;
    int err = -ENOENT;
    if (h->metric_rows != NULL && h->references != NULL && h->views != NULL &&
        pw_env_producer(env, PW_RING_COMMANDS, &h->to_execution) == 0) {
        err = pw_night_init(&h->night, &h->env, h->conns);
        err = err != 0 ? err : open_connectors(h);
    }
    if (err != 0) {
        pw_log(PW_LOG_ERROR, "housekeeping: cannot prepare the connections: %s", strerror(-err));
    }
    err = err == 0 ? watch_order_entry(h) : err;
    if (err != 0) {
        housekeeping_fini(h);
    }
    return err;
}

/* What parse asks for: a book, or a new connection because the venue has announced that it ends this one. */
static uint32_t take_requests(struct housekeeping *h, struct pw_consumer *from_parse)
{
    uint64_t n = pw_consumer_peek(from_parse, PW_BATCH_MAX);
    for (uint64_t i = 0; i < n; i++) {
        const struct pw_event *event = pw_consumer_at(from_parse, i);
        if (event->kind == PW_EVENT_SNAPSHOT_REQUEST) {
            pw_snapshots_want(h->snapshots, event->instrument_idx);
        } else if (event->kind == PW_EVENT_CONN && event->body.conn.feed_idx < PW_FEEDS_MAX) {
            uint32_t conn_idx = h->conns->of_feed[event->body.conn.feed_idx];
            pw_connector_reconnect(connector_of(h, conn_idx), conn_idx,
                                   (enum pw_reason)event->body.conn.reason);
        }
    }
    if (n > 0) {
        pw_consumer_done(from_parse, n);
    }
    return (uint32_t)n;
}

static struct pw_poll housekeeping_poll(void *state, int64_t now_ns)
{
    struct housekeeping *h = state;
    h->now_ns = now_ns;
    uint32_t work = 0;
    for (uint32_t i = 0; i < h->line_cnt; i++) {
        work += take_requests(h, &h->lines[i].from_parse) + pw_connector_poll(h->lines[i].connector, now_ns);
    }
    if (!h->stopping) {
        work += pw_snapshots_poll(h->snapshots, now_ns) + pw_rules_watch_poll(h->rules, now_ns) +
                pw_reference_watch_poll(h->references, now_ns);
    }
    keep_bans(h);
    tend_order_entry(h);
    take_command(h);
    put_commands(h);
    return (struct pw_poll){.work = work};
}

static int64_t housekeeping_next_ns(void *state)
{
    struct housekeeping *h = state;
    int64_t next_ns = pw_snapshots_next_ns(h->snapshots);
    int64_t rules_ns = pw_rules_watch_next_ns(h->rules);
    int64_t reference_ns = pw_reference_watch_next_ns(h->references);
    next_ns = rules_ns < next_ns ? rules_ns : next_ns;
    next_ns = reference_ns < next_ns ? reference_ns : next_ns;
    for (uint32_t i = 0; i < h->line_cnt; i++) {
        int64_t line_ns = pw_connector_next_ns(h->lines[i].connector);
        next_ns = line_ns < next_ns ? line_ns : next_ns;
    }
    return next_ns;
}

static void housekeeping_housekeep(void *state, int64_t now_ns)
{
    struct housekeeping *h = state;
    atomic_store_explicit(&h->header->heartbeat_ns, now_ns, memory_order_relaxed);
    h->metrics.clock_step_ns = pw_clock_host_step_ns();
    pw_housekeeping_metrics_publish(h->metric_rows, &h->metrics);
    pw_night_poll(&h->night, now_ns);
}

static void housekeeping_drain(void *state)
{
    struct housekeeping *h = state;
    h->stopping = true;
    pw_night_stop(&h->night);
    h->command_owed = PW_COMMAND_STOP; /* no new orders, and the open ones are canceled */
    for (uint32_t i = 0; i < h->line_cnt; i++) {
        pw_connector_stop(h->lines[i].connector);
    }
}

static bool housekeeping_pending(void *state)
{
    const struct housekeeping *h = state;
    bool pending = h->command_owed != 0;
    for (uint32_t i = 0; i < h->line_cnt; i++) {
        pending = pending || (h->stopping && !pw_connector_stopped(h->lines[i].connector));
    }
    return pending;
}

const struct pw_stage_ops pw_housekeeping_stage = {
    .name = "housekeeping",
    .attachment_bytes = sizeof(struct pw_housekeeping_attachment),
    .state_bytes = housekeeping_state_bytes,
    .init = housekeeping_init,
    .poll = housekeeping_poll,
    .next_ns = housekeeping_next_ns,
    .housekeep = housekeeping_housekeep,
    .drain = housekeeping_drain,
    .pending = housekeeping_pending,
    .fini = housekeeping_fini,
};
