/* SPDX-License-Identifier: MIT
 *
 * The venue's event loop: sockets on one side, the market on the other, and the pace between them. See sim.h.
 */
#include "account.h"
#include "playback.h"
#include "client.h"
#include "host.h"
#include "identity.h"
#include "listener.h"
#include "client_orders.h"
#include "sim.h"
#include "synthetic.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define MS_NS         INT64_C(1000000)
#define TICK_NS       (50 * MS_NS)   /* deadlines and pings */
#define LAG_MAX_NS    (1000 * MS_NS) /* a market of our own that is later than this goes on from now */
#define SHUTDOWN_NS   (1500 * MS_NS) /* for the close frames */
#define STEPS_A_PASS  2048u          /* so that no client waits long for an answer */
#define EVENTS_A_PASS 64

/* How the market's time runs against ours. */
struct pacer {
    bool running;
    int64_t begin_ns;      /* do not start before; 0: nobody is there yet */
    int64_t wall_ns;       /* this moment of ours */
    int64_t market_ns;     /* is this one of the market's */
    int64_t held_since_ns; /* the market stands still; 0: it does not */
    int64_t stalled_until_ns;
};

struct server {
    const struct pw_sim_config *config;
    struct pw_clock clock;
    struct pw_sim_hub hub;
    struct pw_sim_source source;
    struct pw_sim_faults faults;
    struct pw_sim_accounts accounts;
    struct pw_sim_orders orders;
    struct pw_sim_rest rest;
    struct pw_sim_user_stream stream;
    struct pw_sim_ws_api api;
    struct pw_sim_client_shared shared;
    struct pw_sim_client *clients;
    uint32_t *epoll_masks; /* by client: what epoll has been told */
    uint32_t client_cnt;
    int epoll_fd; /* an event's data: the listener's index, or beyond them the client's */
    struct pw_serve_listener listener;
    struct WOLFSSL_CTX *context;
    struct pacer pacer;
    int64_t next_tick_ns;
    bool at_end, end_told, finished;
    uint64_t dropped_cnt;
};

/* ---- clients ---- */

static void clients_accept(struct server *server, unsigned which, int64_t now_ns)
{
    for (;;) {
        int fd = accept4(server->listener.fds[which], NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        struct epoll_event event = {.events = EPOLLIN};
        uint32_t i = 0;

        if (fd < 0) {
            return;
        }
        while (i < server->client_cnt && server->clients[i].phase != PW_SIM_CLIENT_FREE) {
            i++;
        }
        if (i == server->client_cnt) {
            close(fd); /* full: as refused as it can be after the fact */
            continue;
        }
        if (pw_sim_client_open(&server->clients[i], &server->shared, i, fd,
                               which == PW_SERVE_LISTEN_PLAIN ? NULL : server->context, now_ns) != 0) {
            continue;
        }
        event.data.u32 = PW_SERVE_LISTENERS + i;
        server->epoll_masks[i] = EPOLLIN;
        if (epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
            server->clients[i].ended = true;
        }
    }
}

/* After anything was done with a client: takes it away if it has ended, else tells epoll what it waits for.
 */
static void client_settle(struct server *server, uint32_t i)
{
    struct pw_sim_client *client = &server->clients[i];
    struct epoll_event event = {.data.u32 = PW_SERVE_LISTENERS + i};

    if (client->phase == PW_SIM_CLIENT_FREE) {
        return;
    }
    if (client->ended) {
        server->dropped_cnt += client->subscriber.overrun;
        pw_sim_client_close(client);
        return;
    }
    event.events = (pw_sim_client_wants_read(client) ? EPOLLIN : 0u) | (client->want_write ? EPOLLOUT : 0u);
    if (event.events != server->epoll_masks[i]) {
        server->epoll_masks[i] = event.events;
        (void)epoll_ctl(server->epoll_fd, EPOLL_CTL_MOD, client->link.fd,
                        &event); /* the fd is ours and in it */
    }
}

static void client_event(struct server *server, uint32_t i, uint32_t events, int64_t now_ns)
{
    struct pw_sim_client *client = &server->clients[i];

    if (client->phase == PW_SIM_CLIENT_FREE) {
        return; /* ended earlier in this pass */
    }
    if (events & EPOLLOUT) {
        pw_sim_client_writable(client, now_ns);
    }
    if (!client->ended && events & EPOLLIN) {
        pw_sim_client_readable(client, now_ns);
    }
    if (events & (EPOLLHUP | EPOLLERR)) { /* nothing can be sent any more */
        client->ended = true;
    }
    client_settle(server, i);
}

static void clients_flush(struct server *server, int64_t now_ns)
{
    /* What the crowd and REST did to orders. */
    pw_sim_user_stream_flush(&server->stream, now_ns + server->rest.clock_ns);
    while (server->hub.dirty_cnt) {
        uint32_t i = server->hub.dirty[--server->hub.dirty_cnt];
        server->clients[i].subscriber.dirty = false;
        if (!server->clients[i].want_write || server->clients[i].subscriber.overrun) {
            pw_sim_client_flush(&server->clients[i], now_ns);
        }
        client_settle(server, i);
    }
}

static void clients_tick(struct server *server, int64_t now_ns)
{
    for (uint32_t i = 0; i < server->client_cnt; i++) {
        if (server->clients[i].phase == PW_SIM_CLIENT_FREE) {
            continue;
        }
        pw_sim_client_tick(&server->clients[i], now_ns);
        client_settle(server, i);
    }
}

/* To everybody, or to those on WebSockets: a venue's announcement and close. */
static void clients_shutdown(struct server *server, bool everybody, int64_t now_ns)
{
    for (uint32_t i = 0; i < server->client_cnt; i++) {
        enum pw_sim_client_phase phase = server->clients[i].phase;
        if (phase == PW_SIM_CLIENT_WEBSOCKET || (everybody && phase != PW_SIM_CLIENT_FREE)) {
            pw_sim_client_shutdown(&server->clients[i], now_ns);
            client_settle(server, i);
        }
    }
}

static void websockets_reset(struct server *server)
{
    for (uint32_t i = 0; i < server->client_cnt; i++) {
        if (server->clients[i].phase != PW_SIM_CLIENT_WEBSOCKET) {
            continue;
        }
        server->clients[i].ended = server->clients[i].reset = true;
        client_settle(server, i);
    }
}

static bool clients_drained(const struct server *server)
{
    for (uint32_t i = 0; i < server->client_cnt; i++) {
        if (server->clients[i].phase != PW_SIM_CLIENT_FREE &&
            pw_sim_out_backlog(&server->clients[i].subscriber.out)) {
            return false;
        }
    }
    return true;
}

static bool clients_none(const struct server *server)
{
    for (uint32_t i = 0; i < server->client_cnt; i++) {
        if (server->clients[i].phase != PW_SIM_CLIENT_FREE) {
            return false;
        }
    }
    return true;
}

/* ---- the pace ---- */

/* A recording begins when its clients are there; a market of our own is always open. */
static bool pacer_may_run(struct server *server, int64_t now_ns)
{
    struct pacer *pacer = &server->pacer;
    const struct pw_sim_capture_config *capture = &server->config->capture;

    if (server->at_end || now_ns < pacer->stalled_until_ns) {
        return false;
    }
    if (server->config->pace_percent == PW_SIM_PACE_FLOOD && !pw_sim_hub_audience(&server->hub)) {
        return false; /* as fast as they read: nobody reads */
    }
    if (pacer->running || server->config->synthetic) {
        return true;
    }
    if (!pacer->begin_ns && pw_sim_hub_audience(&server->hub) >= capture->wait_clients) {
        pacer->begin_ns = now_ns + capture->start_delay_ms * MS_NS;
    }
    return pacer->begin_ns && now_ns >= pacer->begin_ns;
}

/* When a moment of the market comes, in our time. */
static int64_t pacer_due_ns(struct server *server, int64_t market_ns, int64_t now_ns)
{
    struct pacer *pacer = &server->pacer;
    int64_t due_ns;

    if (server->config->pace_percent == PW_SIM_PACE_FLOOD) {
        return now_ns;
    }
    if (!pacer->running) {
        pacer->wall_ns = now_ns;
        pacer->market_ns = market_ns;
    }
    if (pacer->held_since_ns) {
        pacer->wall_ns += now_ns - pacer->held_since_ns;
    }
    pacer->running = true;
    pacer->held_since_ns = 0;
    due_ns = pacer->wall_ns + (market_ns - pacer->market_ns) * 100 / (int64_t)server->config->pace_percent;
    if (server->config->synthetic && now_ns - due_ns > LAG_MAX_NS) {
        pacer->wall_ns = now_ns;
        pacer->market_ns = market_ns;
        due_ns = now_ns;
    }
    return due_ns;
}

static void faults_carry_out(struct server *server, int64_t now_ns)
{
    struct pw_sim_faults *faults = &server->faults;

    if (faults->stall_ms) {
        server->pacer.stalled_until_ns = now_ns + faults->stall_ms * MS_NS;
    }
    if (faults->drop) {
        clients_flush(server, now_ns); /* what came before has been sent */
        websockets_reset(server);
    }
    if (faults->close) {
        clients_shutdown(server, false, now_ns);
    }
    faults->drop = faults->close = false;
    faults->stall_ms = 0;
}

/* Lets everything happen that is due, until somebody's buffer passes the window: then it is time to send.
 * Returns when to come again. */
static int64_t market_pump(struct server *server, int64_t now_ns)
{
    const struct pw_sim_source *source = &server->source;
    uint32_t blocked_cnt = server->hub.blocked_cnt;

    if (!pacer_may_run(server, now_ns) ||
        (server->config->limits.slow_clients == PW_SIM_SLOW_WAIT && blocked_cnt)) {
        return now_ns + TICK_NS;
    }
    for (uint32_t i = 0; i < STEPS_A_PASS && server->hub.blocked_cnt <= blocked_cnt; i++) {
        int64_t market_ns = 0, due_ns;

        switch (source->ops->next(source->state, now_ns, &market_ns)) {
        case PW_SIM_NEXT_END:
            server->at_end = true;
            return now_ns;
        case PW_SIM_NEXT_HELD:
            if (!server->pacer.held_since_ns) {
                server->pacer.held_since_ns = now_ns;
            }
            return now_ns + TICK_NS;
        case PW_SIM_NEXT_AT:
            break;
        }
        due_ns = pacer_due_ns(server, market_ns, now_ns);
        if (due_ns > now_ns) {
            return due_ns;
        }
        source->ops->step(source->state);
        if (server->faults.drop || server->faults.close || server->faults.stall_ms) {
            faults_carry_out(server, now_ns);
            return now_ns;
        }
    }
    return now_ns;
}

/* A recording is over when the last byte of it has left. */
static void market_end(struct server *server, int64_t now_ns)
{
    if (!server->at_end || server->end_told || !clients_drained(server)) {
        return;
    }
    server->end_told = true;
    printf("capture finished: %" PRIu64 " messages, %" PRIu64 " bytes\n", server->hub.message_cnt,
           server->hub.message_bytes);
    fflush(stdout);
    if (server->config->capture.at_end == PW_SIM_AT_END_EXIT) {
        server->finished = true;
    }
    if (server->config->capture.at_end != PW_SIM_AT_END_REPEAT) {
        return;
    }
    clients_shutdown(server, false, now_ns);
    server->source.ops->rewind(server->source.state);
    server->pacer = (struct pacer){0};
    server->hub.message_cnt = server->hub.message_bytes = 0;
    server->at_end = server->end_told = false;
}

/* ---- the loop ---- */

static void wait_and_serve(struct server *server, int64_t wait_ns)
{
    struct epoll_event events[EVENTS_A_PASS];
    struct timespec timeout = {wait_ns / 1000000000, wait_ns % 1000000000};
    int cnt = epoll_pwait2(server->epoll_fd, events, EVENTS_A_PASS, &timeout, NULL);
    int64_t now_ns = pw_clock_now_ns(&server->clock);

    for (int i = 0; i < cnt; i++) {
        uint32_t subject = events[i].data.u32;
        if (subject < PW_SERVE_LISTENERS) {
            clients_accept(server, subject, now_ns);
        } else {
            client_event(server, subject - PW_SERVE_LISTENERS, events[i].events, now_ns);
        }
    }
}

static void server_pass(struct server *server)
{
    int64_t now_ns = pw_clock_now_ns(&server->clock), wake_ns;

    bool blocked;

    wake_ns = market_pump(server, now_ns);
    blocked = server->hub.blocked_cnt > 0;
    clients_flush(server, now_ns);
    if (blocked && !server->hub.blocked_cnt) {
        wake_ns = now_ns; /* the sockets took it all: the market need not wait */
    }
    market_end(server, now_ns);
    if (now_ns >= server->next_tick_ns) {
        clients_tick(server, now_ns);
        server->next_tick_ns = now_ns + TICK_NS;
    }
    if (wake_ns > server->next_tick_ns) {
        wake_ns = server->next_tick_ns;
    }
    now_ns = pw_clock_now_ns(&server->clock);
    wait_and_serve(server, server->config->spin || wake_ns <= now_ns ? 0 : wake_ns - now_ns);
    clients_flush(server, pw_clock_now_ns(&server->clock));
}

static void server_goodbye(struct server *server)
{
    int64_t until_ns = pw_clock_now_ns(&server->clock) + SHUTDOWN_NS;

    pw_serve_listener_close(&server->listener);
    clients_shutdown(server, true, pw_clock_now_ns(&server->clock));
    while (!clients_none(server) && pw_clock_now_ns(&server->clock) < until_ns) {
        clients_tick(server, pw_clock_now_ns(&server->clock));
        wait_and_serve(server, TICK_NS);
    }
}

static int server_listen(struct server *server)
{
    const struct pw_sim_listen_config *config = &server->config->listen;
    const struct pw_serve_listen listen = {.where = server->config->path,
                                           .address = config->address,
                                           .tls = true,
                                           .tls_port = config->port,
                                           .plain = config->plain,
                                           .plain_port = config->plain_port};
    int result = pw_serve_listener_open(&server->listener, &listen);

    for (unsigned i = 0; !result && i < PW_SERVE_LISTENERS; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};
        if (server->listener.fds[i] >= 0 &&
            epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, server->listener.fds[i], &event) != 0) {
            pw_log(PW_LOG_ERROR, "epoll: %s", strerror(errno));
            result = -errno;
        }
    }
    if (!result && config->port_file[0]) {
        result = pw_serve_listener_publish(&server->listener, config->port_file);
    }
    if (result) {
        return result;
    }
    printf("listening https://localhost:%u ca %s/%s\n", server->listener.ports[PW_SERVE_LISTEN_TLS],
           config->tls_dir, PW_SIM_IDENTITY_CA);
    fflush(stdout);
    return 0;
}

/* A descriptor for each connection, and some for ourselves: else accept would fail, and be tried again for
 * ever. */
static int descriptors_ensure(const struct pw_sim_config *config)
{
    rlim_t needed = config->limits.connections_max + 32;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return -errno;
    }
    if (limit.rlim_cur >= needed) {
        return 0;
    }
    limit.rlim_cur = needed < limit.rlim_max ? needed : limit.rlim_max;
    if (limit.rlim_cur == needed && setrlimit(RLIMIT_NOFILE, &limit) == 0) {
        return 0;
    }
    pw_log(PW_LOG_ERROR, "%s: limits.connections_max needs %llu descriptors, and this process may have %llu",
           config->path, (unsigned long long)needed, (unsigned long long)limit.rlim_max);
    return -EMFILE;
}

/* In a recording, or without accounts, nobody trades. */
static int trading_init(struct server *server, const struct pw_sim_config *config)
{
    int result = pw_sim_accounts_init(&server->accounts, config, &server->source);

    if (!result && config->account_cnt) {
        result = pw_sim_orders_init(&server->orders, &server->source);
        server->rest.orders = &server->orders;
    }
    server->rest.accounts = &server->accounts;
    if (!result) {
        result = pw_sim_user_stream_init(&server->stream, &server->hub, &server->faults, &server->accounts,
                                         &server->orders);
    }
    if (!result) {
        result = pw_sim_ws_api_init(&server->api, &server->rest, &server->stream);
    }
    if (result) {
        pw_log(PW_LOG_ERROR, "%s: no memory for %u accounts", config->path, config->account_cnt);
    }
    return result;
}

static int server_init(struct server *server, const struct pw_sim_config *config)
{
    char error[PW_SIM_PATH_BYTES + 256];
    int result;

    server->config = config;
    server->clock = pw_clock_host();
    server->faults = config->faults;
    server->faults.seed = config->market.seed;
    server->client_cnt = config->limits.connections_max;
    server->clients = calloc(server->client_cnt, sizeof *server->clients);
    server->epoll_masks = calloc(server->client_cnt, sizeof *server->epoll_masks);
    server->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (!server->clients || !server->epoll_masks || server->epoll_fd < 0 ||
        pw_sim_hub_init(&server->hub, server->client_cnt, (size_t)config->limits.window_kib * 1024) != 0) {
        pw_log(PW_LOG_ERROR, "%s: no memory for %u connections", config->path, server->client_cnt);
        return -ENOMEM;
    }
    server->hub.faults = server->faults.fault_cnt ? &server->faults : NULL;
    server->rest =
        (struct pw_sim_rest){.limits = &config->limits, .source = &server->source, .faults = &server->faults};
    server->shared = (struct pw_sim_client_shared){
        .limits = &config->limits, .hub = &server->hub, .rest = &server->rest, .api = &server->api};
    if (config->synthetic) {
        result = pw_sim_synthetic_make(&server->source, &config->market, &server->hub,
                                       pw_clock_now_ns(&server->clock), error, sizeof error);
    } else {
        result = pw_sim_capture_load(&server->source, &config->capture, &server->hub, error, sizeof error);
    }
    if (!result) {
        result = pw_sim_identity_ensure(config->listen.tls_dir, pw_clock_now_ns(&server->clock), error,
                                        sizeof error);
    }
    if (result) {
        pw_log(PW_LOG_ERROR, "%s", error);
        return result;
    }
    result = trading_init(server, config);
    if (result) {
        return result;
    }
    server->context = pw_sim_identity_context(config->listen.tls_dir);
    if (server->context) {
        return 0;
    }
    pw_log(PW_LOG_ERROR, "%s: the certificate or its key cannot be loaded", config->listen.tls_dir);
    return -EIO;
}

static void server_fini(struct server *server)
{
    for (uint32_t i = 0; server->clients && i < server->client_cnt; i++) {
        if (server->clients[i].phase != PW_SIM_CLIENT_FREE) {
            pw_sim_client_close(&server->clients[i]);
        }
    }
    pw_serve_listener_close(&server->listener);
    if (server->epoll_fd >= 0) {
        close(server->epoll_fd);
    }
    pw_serve_link_context_free(server->context);
    if (server->source.ops) {
        server->source.ops->free(server->source.state);
    }
    pw_sim_ws_api_fini(&server->api);
    pw_sim_user_stream_fini(&server->stream);
    pw_sim_orders_fini(&server->orders);
    pw_sim_accounts_fini(&server->accounts);
    pw_sim_hub_fini(&server->hub);
    pw_buffer_free(&server->shared.scratch);
    pw_buffer_free(&server->rest.payload);
    pw_buffer_free(&server->rest.gzip);
    free(server->clients);
    free(server->epoll_masks);
    free(server);
}

int pw_sim_run(const struct pw_sim_config *config, const volatile sig_atomic_t *stop)
{
    struct server *server = calloc(1, sizeof *server);
    int result;

    if (!server) {
        return -ENOMEM;
    }
    server->epoll_fd = -1;
    server->listener = (struct pw_serve_listener){.fds = {-1, -1, -1}};
    (void)prctl(PR_SET_TIMERSLACK, 1uL, 0uL, 0uL, 0uL); /* else each wait may be 50 us late */
    result = descriptors_ensure(config);
    if (!result) {
        result = server_init(server, config);
    }
    if (!result) {
        result = server_listen(server);
    }
    if (!result) {
        while (!*stop && !server->finished) {
            server_pass(server);
        }
        server_goodbye(server);
        if (server->dropped_cnt) {
            pw_log(PW_LOG_WARN, "%" PRIu64 " connections were dropped because they did not read",
                   server->dropped_cnt);
        }
    }
    server_fini(server);
    return result;
}
