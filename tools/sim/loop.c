/* SPDX-License-Identifier: MIT
 *
 * The venue's event loop: sockets on one side, the market on the other, and the pace between them. See sim.h.
 */
#include "account.h"
#include "client_orders.h"
#include "confine.h"
#include "host.h"
#include "identity.h"
#include "playback.h"
#include "service.h"
#include "sim.h"
#include "synthetic.h"

#include <errno.h>
#include <inttypes.h>
#include <pinwheel/units.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#define TICK_NS      (50 * PW_NS_PER_MS)   /* a market that stands still is looked at again */
#define LAG_MAX_NS   (1000 * PW_NS_PER_MS) /* a synthetic market that is later than this goes on from now */
#define STEPS_A_PASS 2048u                 /* so that no client waits long for an answer */

/* How the market's time runs against ours. */
struct pacer {
    bool running;
    int64_t begin_ns;      /* do not start before; 0: nobody is there yet */
    int64_t wall_ns;       /* this moment of ours */
    int64_t market_ns;     /* is this one of the market's */
    int64_t held_since_ns; /* the market stands still; 0: it does not */
    int64_t stalled_until_ns;
};

struct venue {
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
    struct pw_sim_service service;
    struct pw_server *server;
    struct pacer pacer;
    bool at_end, end_told, finished;
};

/* What the background flow and REST did to orders, and all else that is queued. */
static void clients_flush(struct venue *venue, int64_t now_ns)
{
    pw_sim_user_stream_flush(&venue->stream, now_ns + venue->rest.clock_ns);
    pw_server_flush(venue->server, now_ns);
}

/* ---- the pace ---- */

/* A recording begins when its clients are there; a synthetic market is always open. */
static bool pacer_may_run(struct venue *venue, int64_t now_ns)
{
    struct pacer *pacer = &venue->pacer;
    const struct pw_sim_capture_config *capture = &venue->config->capture;

    if (venue->at_end || now_ns < pacer->stalled_until_ns) {
        return false;
    }
    if (venue->config->pace_percent == PW_SIM_PACE_FLOOD && !pw_sim_hub_audience(&venue->hub)) {
        return false; /* as fast as they read: nobody reads */
    }
    if (pacer->running || venue->config->synthetic) {
        return true;
    }
    if (!pacer->begin_ns && pw_sim_hub_audience(&venue->hub) >= capture->wait_clients) {
        pacer->begin_ns = now_ns + capture->start_delay_ms * PW_NS_PER_MS;
    }
    return pacer->begin_ns && now_ns >= pacer->begin_ns;
}

/* A synthetic market whose times are the wall clock's: what it publishes is new. */
static bool pacer_is_wall(const struct pw_sim_config *config)
{
    return config->synthetic && config->market.epoch_ms == 0 && config->pace_percent == 100;
}

/* The market goes on from here. */
static void pacer_set(struct venue *venue, int64_t market_ns, int64_t now_ns)
{
    struct pacer *pacer = &venue->pacer;
    bool behind = pacer_is_wall(venue->config) && market_ns < now_ns;

    if (behind) {
        venue->source.ops->leap(venue->source.state, now_ns - market_ns);
    }
    pacer->wall_ns = now_ns;
    pacer->market_ns = behind ? now_ns : market_ns;
    pacer->held_since_ns = 0;
    pacer->running = true;
}

/* When a moment of the market comes, in our time. */
static int64_t pacer_due_ns(struct venue *venue, int64_t market_ns, int64_t now_ns)
{
    struct pacer *pacer = &venue->pacer;
    int64_t due_ns;

    if (venue->config->pace_percent == PW_SIM_PACE_FLOOD) {
        return now_ns;
    }
    if (!pacer->running) {
        pacer_set(venue, market_ns, now_ns);
        return now_ns;
    }
    if (pacer->held_since_ns) {
        pacer->wall_ns += now_ns - pacer->held_since_ns;
    }
    pacer->held_since_ns = 0;
    due_ns = pacer->wall_ns + (market_ns - pacer->market_ns) * 100 / (int64_t)venue->config->pace_percent;
    if (venue->config->synthetic && now_ns - due_ns > LAG_MAX_NS) {
        pacer_set(venue, market_ns, now_ns);
        return now_ns;
    }
    return due_ns;
}

static void faults_carry_out(struct venue *venue, int64_t now_ns)
{
    struct pw_sim_faults *faults = &venue->faults;

    if (faults->stall_ms) {
        venue->pacer.stalled_until_ns = now_ns + faults->stall_ms * PW_NS_PER_MS;
    }
    if (faults->drop) {
        clients_flush(venue, now_ns); /* what came before has been sent */
        pw_server_reset(venue->server);
    }
    if (faults->close) {
        pw_server_shut(venue->server, now_ns);
    }
    faults->drop = faults->close = false;
    faults->stall_ms = 0;
}

/* Lets everything happen that is due, until somebody's buffer passes the window: then it is time to send.
 * Returns when to come again. */
static int64_t market_pump(struct venue *venue, int64_t now_ns)
{
    const struct pw_sim_source *source = &venue->source;
    uint32_t blocked_cnt = pw_server_blocked_cnt(venue->server);

    if (!pacer_may_run(venue, now_ns) ||
        (venue->config->limits.slow_clients == PW_SIM_SLOW_WAIT && blocked_cnt)) {
        return now_ns + TICK_NS;
    }
    for (uint32_t i = 0; i < STEPS_A_PASS && pw_server_blocked_cnt(venue->server) <= blocked_cnt; i++) {
        int64_t market_ns = 0, due_ns;

        switch (source->ops->next(source->state, now_ns, &market_ns)) {
        case PW_SIM_NEXT_END:
            venue->at_end = true;
            return now_ns;
        case PW_SIM_NEXT_HELD:
            if (!venue->pacer.held_since_ns) {
                venue->pacer.held_since_ns = now_ns;
            }
            return now_ns + TICK_NS;
        case PW_SIM_NEXT_AT:
            break;
        }
        due_ns = pacer_due_ns(venue, market_ns, now_ns);
        if (due_ns > now_ns) {
            return due_ns;
        }
        source->ops->step(source->state);
        if (venue->faults.drop || venue->faults.close || venue->faults.stall_ms) {
            faults_carry_out(venue, now_ns);
            return now_ns;
        }
    }
    return now_ns;
}

/* A recording is over when the last byte of it has left. */
static void market_end(struct venue *venue, int64_t now_ns)
{
    if (!venue->at_end || venue->end_told || !pw_server_drained(venue->server)) {
        return;
    }
    venue->end_told = true;
    printf("capture finished: %" PRIu64 " messages, %" PRIu64 " bytes\n", venue->hub.message_cnt,
           venue->hub.message_bytes);
    fflush(stdout);
    if (venue->config->capture.at_end == PW_SIM_AT_END_EXIT) {
        venue->finished = true;
    }
    if (venue->config->capture.at_end != PW_SIM_AT_END_REPEAT) {
        return;
    }
    pw_server_shut(venue->server, now_ns);
    venue->source.ops->rewind(venue->source.state);
    venue->pacer = (struct pacer){0};
    venue->hub.message_cnt = venue->hub.message_bytes = 0;
    venue->at_end = venue->end_told = false;
}

/* ---- the loop ---- */

static void venue_pass(struct venue *venue)
{
    int64_t now_ns = pw_clock_now_ns(&venue->clock), tick_ns, wake_ns;
    bool blocked;

    wake_ns = market_pump(venue, now_ns);
    blocked = pw_server_blocked_cnt(venue->server) > 0;
    clients_flush(venue, now_ns);
    if (blocked && !pw_server_blocked_cnt(venue->server)) {
        wake_ns = now_ns; /* the sockets took it all: the market need not wait */
    }
    market_end(venue, now_ns);
    tick_ns = pw_server_tick(venue->server, now_ns);
    wake_ns = wake_ns < tick_ns ? wake_ns : tick_ns;
    now_ns = pw_clock_now_ns(&venue->clock);
    pw_server_wait(venue->server, venue->config->spin || wake_ns <= now_ns ? 0 : wake_ns - now_ns);
    clients_flush(venue, pw_clock_now_ns(&venue->clock));
}

/* All files have been read; recordings may be read again, and the port's file is nobody's to remove. */
static void venue_confine(const struct pw_sim_config *config)
{
    struct pw_confine_path paths[PW_SIM_FILES_MAX];

    if (!config->sandbox) {
        pw_log(PW_LOG_WARN, "sandbox: off (sandbox: false in %s)", config->path);
        return;
    }
    for (uint32_t i = 0; i < config->capture.file_cnt; i++) {
        paths[i] = (struct pw_confine_path){config->capture.files[i], PW_CONFINE_READ};
    }
    pw_confine(PW_CONFINE_SERVER, paths, config->capture.file_cnt, NULL);
}

static int venue_listen(struct venue *venue)
{
    const struct pw_sim_config *config = venue->config;
    const struct pw_sim_limits_config *limits = &config->limits;
    const struct pw_service service = pw_sim_service_make(&venue->service);
    char certificate[PW_SIM_PATH_BYTES + 32], key[PW_SIM_PATH_BYTES + 32];
    const struct pw_server_config server = {
        .listen = {.where = config->path,
                   .address = config->listen.address,
                   .tls = true,
                   .tls_port = config->listen.port,
                   .plain = config->listen.plain,
                   .plain_port = config->listen.plain_port},
        .certificate_path = certificate,
        .key_path = key,
        .limits = {.connections_max = limits->connections_max,
                   .address_max = limits->connections_per_address,
                   .output_bytes = (size_t)limits->output_kib * 1024,
                   .window_bytes = (size_t)limits->window_kib * 1024,
                   .handshake_timeout_ms = limits->handshake_timeout_ms,
                   .request_timeout_ms = limits->request_timeout_ms,
                   .idle_timeout_ms = limits->idle_timeout_ms,
                   .ping_interval_ms = limits->ping_interval_ms,
                   .pong_timeout_ms = limits->pong_timeout_ms,
                   .lifetime_ms = limits->lifetime_ms,
                   .messages_per_s = limits->messages_per_s,
                   .requests_per_s = limits->requests_per_s},
        .clock = venue->clock,
    };
    int result;

    snprintf(certificate, sizeof certificate, "%s/%s", config->listen.tls_dir, PW_SIM_IDENTITY_CERT);
    snprintf(key, sizeof key, "%s/%s", config->listen.tls_dir, PW_SIM_IDENTITY_KEY);
    result = pw_server_open(&venue->server, &server, &service);
    if (!result && config->listen.port_file[0]) {
        result = pw_serve_listener_publish(pw_server_listener(venue->server), config->listen.port_file);
    }
    if (result) {
        return result;
    }
    printf("listening https://localhost:%u ca %s/%s\n",
           pw_server_listener(venue->server)->ports[PW_SERVE_LISTEN_TLS], config->listen.tls_dir,
           PW_SIM_IDENTITY_CA);
    fflush(stdout);
    return 0;
}

/* In a recording, or without accounts, nobody trades. */
static int trading_init(struct venue *venue, const struct pw_sim_config *config)
{
    int result = pw_sim_accounts_init(&venue->accounts, config, &venue->source);

    if (!result && config->account_cnt) {
        result = pw_sim_orders_init(&venue->orders, &venue->source);
        venue->rest.orders = &venue->orders;
    }
    venue->rest.accounts = &venue->accounts;
    if (!result) {
        result = pw_sim_user_stream_init(&venue->stream, &venue->faults, &venue->accounts, &venue->orders);
    }
    if (!result) {
        result = pw_sim_ws_api_init(&venue->api, &venue->rest, &venue->stream);
    }
    if (result) {
        pw_log(PW_LOG_ERROR, "%s: no memory for %u accounts", config->path, config->account_cnt);
    }
    return result;
}

static int venue_init(struct venue *venue, const struct pw_sim_config *config)
{
    char error[PW_SIM_PATH_BYTES + 256];
    int result;

    venue->config = config;
    venue->clock = pw_clock_host();
    venue->faults = config->faults;
    venue->faults.seed = config->market.seed;
    if (pw_sim_hub_init(&venue->hub, config->limits.connections_max) != 0) {
        pw_log(PW_LOG_ERROR, "%s: no memory for %u connections", config->path,
               config->limits.connections_max);
        return -ENOMEM;
    }
    venue->hub.faults = venue->faults.fault_cnt ? &venue->faults : NULL;
    venue->rest =
        (struct pw_sim_rest){.limits = &config->limits, .source = &venue->source, .faults = &venue->faults};
    venue->service = (struct pw_sim_service){.hub = &venue->hub, .rest = &venue->rest, .api = &venue->api};
    if (config->synthetic) {
        result = pw_sim_synthetic_make(&venue->source, &config->market, &venue->hub,
                                       pw_clock_now_ns(&venue->clock), error, sizeof error);
    } else {
        result = pw_sim_capture_load(&venue->source, &config->capture, &venue->hub, error, sizeof error);
    }
    if (!result) {
        result = pw_sim_identity_ensure(config->listen.tls_dir, pw_clock_now_ns(&venue->clock), error,
                                        sizeof error);
    }
    if (result) {
        pw_log(PW_LOG_ERROR, "%s", error);
        return result;
    }
    return trading_init(venue, config);
}

static void venue_fini(struct venue *venue)
{
    pw_server_close(venue->server);
    if (venue->source.ops) {
        venue->source.ops->free(venue->source.state);
    }
    pw_sim_ws_api_fini(&venue->api);
    pw_sim_user_stream_fini(&venue->stream);
    pw_sim_orders_fini(&venue->orders);
    pw_sim_accounts_fini(&venue->accounts);
    pw_sim_hub_fini(&venue->hub);
    pw_buffer_free(&venue->service.reply);
    pw_buffer_free(&venue->rest.payload);
    free(venue);
}

int pw_sim_run(const struct pw_sim_config *config, const volatile sig_atomic_t *stop)
{
    struct venue *venue = calloc(1, sizeof *venue);
    uint64_t dropped_cnt;
    int result;

    if (!venue) {
        return -ENOMEM;
    }
    (void)prctl(PR_SET_TIMERSLACK, 1uL, 0uL, 0uL, 0uL); /* else each wait may be 50 us late */
    result = venue_init(venue, config);
    if (!result) {
        result = venue_listen(venue);
    }
    if (!result) {
        venue_confine(config);
        while (!*stop && !venue->finished) {
            venue_pass(venue);
        }
        pw_server_stop(venue->server);
        pw_sim_faults_sum(&venue->faults);
        dropped_cnt = pw_server_dropped_cnt(venue->server);
        if (dropped_cnt) {
            pw_log(PW_LOG_WARN, "connections dropped because they did not read: %" PRIu64,
                   dropped_cnt);
        }
    }
    venue_fini(venue);
    return result;
}
