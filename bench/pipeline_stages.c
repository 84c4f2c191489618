/* SPDX-License-Identifier: MIT
 *
 * The generator stage, and an engine's stages put together around it.
 */
#include "pipeline_stages.h"
#include "book_config.h"
#include "cores.h"
#include "folder.h"
#include "host.h"
#include "instance.h"
#include "journal_config.h"
#include "live_topology.h"
#include "ring_sizes.h"
#include "sections.h"
#include "stages.h"
#include "strategies_config.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SETTLE_POLLS 1000u /* the rings must stay empty so long before a flood counts as through */

/* ---- The generator ---- */

/* What the main thread asks for; the generator clears it when it is done. */
enum order { IDLE, PING, FLOOD };

struct generator {
    struct pw_producer out;
    struct pw_consumer requests;
    struct pw_producer snapshots;
    const struct pw_ring *parsed, *decided; /* parse.strategy, strategy.execution: looked at, never written */
    const struct message_tape *tape;
    uint64_t next; /* message of the tape */
    bool up;
    _Atomic uint32_t order;
    uint64_t left;
    uint64_t *samples_ns; /* PING: where the next one goes */
    bool waiting;
    uint64_t awaited; /* PING: the tail of `decided` at which the message is through */
    int64_t since_ns;
    uint32_t quiet_cnt; /* FLOOD: polls in a row with empty rings */
    int64_t quiet_ns;   /* when they became empty */
    uint64_t flood_ns;
};

static size_t generator_state_bytes(const struct pw_stage_env *env)
{
    (void)env;
    return sizeof(struct generator);
}

static int generator_init(void *state, const struct pw_stage_env *env)
{
    struct generator *g = state;
    g->parsed = pw_topology_ring_in(env->topology, env->ws, PW_RING_MARKET, 0);
    g->decided = pw_topology_ring_in(env->topology, env->ws, PW_RING_DECISIONS, 0);
    pw_consumer_attach(&g->requests, pw_topology_ring_in(env->topology, env->ws, PW_RING_PARSE_REQUESTS, 0));
    pw_producer_attach(&g->snapshots, pw_topology_ring_in(env->topology, env->ws, PW_RING_SNAPSHOTS, 0));
    return pw_env_producer(env, PW_RING_FRAMES, &g->out);
}

/* The feed is up; the first thing in the stream, as net_rx has it. */
static void put_up(struct generator *g, int64_t now_ns)
{
    struct pw_event notice = {.kind = PW_EVENT_FRAME, .instrument_idx = PW_NO_INSTRUMENT, .recv_ns = now_ns};
    notice.body.frame.state = PW_FEED_UP;
    pw_producer_put_frame(&g->out, &notice, 0);
    g->up = true;
}

static bool put_message(struct generator *g, int64_t now_ns)
{
    const char *text = g->tape->text + g->tape->offsets[g->next];
    uint32_t size = (uint32_t)(g->tape->offsets[g->next + 1] - g->tape->offsets[g->next]);
    uint8_t *to = pw_producer_room(&g->out, 1) > 0 ? pw_producer_payload_claim(&g->out, size) : NULL;
    if (to == NULL) {
        return false;
    }
    memcpy(to, text, size);
    struct pw_event frame = {.kind = PW_EVENT_FRAME, .instrument_idx = PW_NO_INSTRUMENT, .recv_ns = now_ns};
    pw_producer_put_frame(&g->out, &frame, size);
    g->next++;
    g->left--;
    return true;
}

/* Housekeeping's part: a book of one level a side, older than the tape. */
static void answer_requests(struct generator *g, int64_t now_ns)
{
    for (; pw_consumer_peek(&g->requests, 1) > 0; pw_consumer_done(&g->requests, 1)) {
        struct pw_event event = {.kind = PW_EVENT_DEPTH, .flags = PW_FLAG_SNAPSHOT, .recv_ns = now_ns};
        event.body.depth = (struct pw_depth){.last_update_id = UINT64_MAX, .bid_cnt = 1};
        pw_producer_put(&g->snapshots, &event);
        event.kind = PW_EVENT_LEVELS;
        event.flags |= PW_FLAG_LAST;
        event.body.levels = (struct pw_levels){.level[0] = {PW_E8, PW_E8}, .update_id = UINT64_MAX};
        pw_producer_put(&g->snapshots, &event);
        pw_producer_publish(&g->snapshots);
    }
}

static uint64_t tail_of(const struct pw_ring *ring)
{
    return atomic_load_explicit(&ring->tail, memory_order_acquire);
}

static bool is_empty(const struct pw_ring *ring)
{
    return tail_of(ring) == atomic_load_explicit(&ring->head, memory_order_acquire);
}

static void finish(struct generator *g)
{
    /* Release: samples and flood_ns are visible before. Pairs with the acquire in wait_idle. */
    atomic_store_explicit(&g->order, IDLE, memory_order_release);
}

static uint32_t ping(struct generator *g, int64_t now_ns)
{
    if (g->waiting) {
        if (tail_of(g->decided) < g->awaited) {
            return 0;
        }
        *g->samples_ns++ = (uint64_t)(pw_clock_read_ns(CLOCK_MONOTONIC) - g->since_ns);
        g->waiting = false;
    }
    if (g->left == 0) {
        finish(g);
        return 1;
    }
    g->awaited = tail_of(g->decided) + 1;
    g->since_ns = pw_clock_read_ns(CLOCK_MONOTONIC);
    g->waiting = put_message(g, now_ns);
    return 1;
}

static uint32_t flood(struct generator *g, int64_t now_ns)
{
    uint32_t put = 0;
    while (put < PW_BATCH_MAX && g->left > 0 && put_message(g, now_ns)) {
        put++;
    }
    if (g->left > 0 || put > 0) {
        g->quiet_cnt = 0;
        return put;
    }
    bool through = is_empty(g->out.ring) && is_empty(g->parsed) && is_empty(g->decided);
    if (!through) {
        g->quiet_cnt = 0;
        return 0;
    }
    if (g->quiet_cnt++ == 0) {
        g->quiet_ns = pw_clock_read_ns(CLOCK_MONOTONIC);
    }
    if (g->quiet_cnt == SETTLE_POLLS) {
        g->flood_ns = (uint64_t)(g->quiet_ns - g->since_ns);
        finish(g);
    }
    return 0;
}

static struct pw_poll generator_poll(void *state, int64_t now_ns)
{
    struct generator *g = state;
    /* Acquire: what the main thread has filled in. Pairs with the release in give. */
    uint32_t order = atomic_load_explicit(&g->order, memory_order_acquire);
    uint32_t work = 0;
    if (!g->up) {
        put_up(g, now_ns);
    }
    answer_requests(g, now_ns);
    if (order == PING) {
        work = ping(g, now_ns);
    } else if (order == FLOOD) {
        work = flood(g, now_ns);
    }
    pw_producer_publish(&g->out);
    return (struct pw_poll){.work = work};
}

/* It stands in net_rx's place, and serves housekeeping's rings too. */
static const struct pw_stage_ops generator_stage = {
    .name = "net_rx",
    .state_bytes = generator_state_bytes,
    .init = generator_init,
    .poll = generator_poll,
};

/* ---- Putting it together ---- */

static const struct pw_stage_ops *const hot_stages[] = {&generator_stage, &pw_parse_stage, &pw_strategy_stage,
                                                        &pw_execution_stage};
#define HOT_CNT (sizeof hot_stages / sizeof *hot_stages)

static void place(struct pw_config_core *core, int32_t number, enum pw_idle idle)
{
    core->core = number;
    core->idle = idle;
}

static void add_stage(struct pw_config_core *core, const char *name)
{
    snprintf(core->stages[core->stage_cnt++], PW_STAGE_NAME_BYTES, "%s", name);
}

static void fill_config(struct pipeline *p, enum pipeline_shape shape, const int32_t cores[2])
{
    struct pw_config *config = p->config;
    struct pw_config_journal *journal = PW_CONFIG_EDIT(config, journal);
    struct pw_config_gateway *gateway = PW_CONFIG_EDIT(config, gateway);
    struct pw_config_strategies *strategies = PW_CONFIG_EDIT(config, strategies);
    struct pw_config_feeds *feeds = PW_CONFIG_EDIT(config, feeds);
    struct pw_config_instance *instance = PW_CONFIG_EDIT(config, instance);
    snprintf(config->path, sizeof config->path, "bench");
    snprintf(instance->name, sizeof instance->name, "bench-%d", (int)getpid());
    instance->huge_pages = true;
    *PW_CONFIG_EDIT(config, rings) = (struct pw_config_rings){.frames_slots = 16384,
                                                              .market_slots = 65536,
                                                              .market_journal_slots = 262144,
                                                              .orders_slots = 4096,
                                                              .orders_journal_slots = 65536,
                                                              .frames_bytes = 16 << 20};
    feeds->feed_cnt = 1;
    struct pw_config_feed *feed = &feeds->feeds[0];
    snprintf(feed->name, sizeof feed->name, "bench");
    snprintf(feed->venue, sizeof feed->venue, "binance_spot");
    snprintf(feed->instruments[0], sizeof feed->instruments[0], "BTCUSDT");
    feed->instrument_cnt = 1;
    feed->message_bytes_max = 1 << 20;
    strategies->strategy_cnt = 1;
    strategies->strategies[0] =
        (struct pw_config_strategy){.name = "ma",
                                    .kind = "ma_cross",
                                    .instrument_cnt = 1,
                                    .param_cnt = 3,
                                    .params = {{"fast", "50"}, {"slow", "200"}, {"quantity", "0.001"}}};
    snprintf(gateway->kind, sizeof gateway->kind, "paper");
    *PW_CONFIG_EDIT(config, paper) =
        (struct pw_config_paper){.cash_e8 = 1000000 * PW_E8, .fee_rate_e8 = PW_E8 / 1000};
    PW_CONFIG_EDIT(config, book)->levels = 8192;
    journal->enabled = shape == PIPELINE_FUSED_JOURNAL;
    journal->commit_interval_ms = 100;
    journal->segment_bytes = UINT64_C(1) << 30;
    snprintf(journal->path, sizeof journal->path, "%s", p->journal_path);

    struct pw_config_cores *threads = PW_CONFIG_EDIT(config, cores);
    threads->core_cnt = shape == PIPELINE_FUSED ? 1 : 2;
    place(&threads->cores[0], cores[0], PW_IDLE_PAUSE);
    place(&threads->cores[1], cores[1], shape == PIPELINE_SPLIT ? PW_IDLE_PAUSE : PW_IDLE_SLEEP);
    for (size_t i = 0; i < HOT_CNT; i++) {
        bool second = shape == PIPELINE_SPLIT && i >= 2;
        add_stage(&threads->cores[second], hot_stages[i]->name);
    }
    if (shape == PIPELINE_FUSED_JOURNAL) {
        add_stage(&threads->cores[1], pw_journal_stage.name);
    }
}

static void fill_topology(struct pipeline *p)
{
    for (size_t i = 0; i < HOT_CNT; i++) {
        pw_topology_add(&p->topology, hot_stages[i], 0);
    }
    if (PW_CONFIG(p->config, journal)->enabled) {
        pw_topology_add(&p->topology, &pw_journal_stage, 0);
    }
    pw_topology_add_end(&p->topology, "housekeeping", 0);
    pw_live_connect(&p->topology, p->config);
}

static int open_workspace(struct pipeline *p)
{
    char error[512];
    struct pw_region_want *want = calloc(PW_REGIONS_MAX, sizeof *want);
    uint32_t cnt = want != NULL ? pw_live_regions(&p->topology, p->config, want) : 0;
    int err = want != NULL ? pw_workspace_create(&p->ws, PW_CONFIG(p->config, instance)->name, want, cnt,
                                                 true, error, sizeof error)
                           : -ENOMEM;
    free(want);
    if (err != 0) {
        fprintf(stderr, "pinwheel bench: %s\n", err == -ENOMEM ? strerror(ENOMEM) : error);
        return err;
    }
    pw_topology_put_metrics(&p->topology, pw_workspace_rows(&p->ws, "metrics", PW_REGION_METRICS));
    struct pw_instrument *instrument = pw_workspace_rows(&p->ws, "instruments", PW_REGION_INSTRUMENTS);
    *instrument = (struct pw_instrument){.symbol = "BTCUSDT",
                                         .base = "BTC",
                                         .quote = "USDT",
                                         .tradable = 1,
                                         .tick_e8 = PW_E8 / 100,
                                         .step_e8 = PW_E8 / 100000};
    return 0;
}

static int open_journal(struct pipeline *p)
{
    const struct pw_config_journal *journal = PW_CONFIG(p->config, journal);
    p->run_id = 1;
    if (!journal->enabled) {
        return 0;
    }
    char error[512];
    struct pw_run_want want = {.path = journal->path,
                               .instance = PW_CONFIG(p->config, instance)->name,
                               .version = "bench",
                               .config_text = "",
                               .instruments = pw_workspace_rows(&p->ws, "instruments", PW_REGION_INSTRUMENTS),
                               .instrument_cnt = 1,
                               .segment_bytes = journal->segment_bytes,
                               .now_ns = pw_clock_now_ns(&p->clock)};
    int err = pw_journal_open_run(&want, &p->store, &p->run_id, error, sizeof error);
    p->store_open = err == 0;
    if (err != 0) {
        fprintf(stderr, "pinwheel bench: journal: %s\n", error);
    }
    return err;
}

static int init_stage(struct pipeline *p, uint32_t i)
{
    const struct pw_stage_ops *ops = p->topology.stages[i].ops;
    struct pw_stage_view *views = pw_workspace_rows(&p->ws, "stages", PW_REGION_STAGES);
    p->envs[i] =
        (struct pw_stage_env){.stage = ops->name,
                              .topology = &p->topology,
                              .stage_idx = i,
                              .config = p->config,
                              .ws = &p->ws,
                              .clock = p->clock,
                              .instruments = pw_workspace_rows(&p->ws, "instruments", PW_REGION_INSTRUMENTS),
                              .instrument_cnt = 1,
                              .attachment = pw_live_attachment(&p->attachments, &p->topology.stages[i])};
    bool locked;
    p->state_bytes[i] = ops->state_bytes(&p->envs[i]);
    void *state = pw_state_alloc(p->state_bytes[i], &locked);
    if (state == NULL) {
        return -ENOMEM;
    }
    p->slots[i] = (struct pw_stage_slot){.name = ops->name, .ops = ops, .state = state, .view = &views[i]};
    p->slot_cnt++;
    return ops->init(state, &p->envs[i]);
}

bool pipeline_open(struct pipeline *p, enum pipeline_shape shape, const struct message_tape *tape,
                   const int32_t cores[2])
{
    *p = (struct pipeline){.config = pw_app_config_create(), .clock = pw_clock_host()};
    snprintf(p->journal_path, sizeof p->journal_path, "/tmp/pinwheel-bench-XXXXXX");
    if (p->config == NULL || mkdtemp(p->journal_path) == NULL) {
        perror("pinwheel bench");
        return false;
    }
    fill_config(p, shape, cores);
    fill_topology(p);
    int err = open_workspace(p);
    err = err != 0 ? err : open_journal(p);
    p->attachments.execution.run_id = p->run_id;
    p->attachments.journal =
        (struct pw_journal_attachment){.store = p->store_open ? &p->store : NULL, .run_id = p->run_id};
    for (uint32_t i = 0; err == 0 && i < p->topology.stage_cnt; i++) {
        err = p->topology.stages[i].ops != NULL ? init_stage(p, i) : 0;
    }
    if (err == 0) {
        p->generator = p->slots[0].state;
        p->generator->tape = tape;
        err = pw_runner_start(&p->runner, PW_CONFIG(p->config, cores), p->slots, p->slot_cnt, &p->clock);
    }
    if (err != 0) {
        fprintf(stderr, "pinwheel bench: cannot start the stages: %s\n", strerror(-err));
    }
    return err == 0;
}

/* ---- Use ---- */

static void give(struct generator *g, enum order order, uint64_t cnt)
{
    g->left = cnt;
    g->since_ns = pw_clock_read_ns(CLOCK_MONOTONIC);
    g->quiet_cnt = 0;
    atomic_store_explicit(&g->order, order, memory_order_release);
    while (atomic_load_explicit(&g->order, memory_order_acquire) != IDLE) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
}

void pipeline_ping(struct pipeline *p, uint64_t cnt, uint64_t *samples_ns)
{
    p->generator->samples_ns = samples_ns;
    p->generator->waiting = false;
    give(p->generator, PING, cnt);
}

uint64_t pipeline_flood(struct pipeline *p, uint64_t cnt)
{
    give(p->generator, FLOOD, cnt);
    return p->generator->flood_ns;
}

uint64_t pipeline_event_cnt(const struct pipeline *p)
{
    return atomic_load_explicit(&p->generator->parsed->head, memory_order_relaxed);
}

bool pipeline_close(struct pipeline *p)
{
    int err = 0;
    if (p->runner != NULL) {
        err = pw_runner_stop(p->runner, INT64_C(10000000000));
        pw_runner_destroy(p->runner);
    }
    for (uint32_t i = 0; i < p->slot_cnt; i++) {
        pw_state_free(p->slots[i].state, p->state_bytes[i]);
    }
    if (p->store_open) {
        p->store.close(p->store.state);
    }
    if (p->ws.header != NULL) {
        pw_workspace_close(&p->ws, true);
    }
    bench_folder_remove(p->journal_path);
    pw_config_destroy(p->config);
    return err == 0;
}
