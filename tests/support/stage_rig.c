/* SPDX-License-Identifier: MIT
 *
 * Set-up and the small things that every test of the two stages does.
 */
#include "stage_rig.h"

#include "book_config.h"
#include "journal_config.h"
#include "live_topology.h"
#include "metrics_table.h"
#include "risk_config.h"
#include "sections.h"
#include "sign.h"
#include "strategies_config.h"
#include <criterion/criterion.h>
#include <pinwheel/histogram.h>
#include <pinwheel/hops.h>
#include <pinwheel/stamps.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void want(struct pw_region_want *row, const char *name, enum pw_region_kind kind, uint32_t cnt,
                 uint32_t bytes)
{
    snprintf(row->name, sizeof row->name, "%s", name);
    row->kind = kind;
    row->row_cnt = cnt;
    row->row_bytes = bytes;
}

static void size_ring(struct rig *rig, enum pw_ring_role role, uint32_t slots, uint64_t payload_bytes)
{
    struct pw_topology_ring *ring = pw_topology_ring(&rig->topology, role, 0);
    if (ring) {
        ring->slots = slots ? slots : PW_RING_SLOTS_MIN;
        ring->payload_bytes = payload_bytes;
    }
}

/* The live engine's rings between the two stages and those that the test stands for. */
static void fill_topology(struct rig *rig, const struct rig_options *o)
{
    struct pw_topology *topology = &rig->topology;
    pw_topology_add_end(topology, "parse", o->two_lines ? 1 : 0);
    if (o->two_lines) {
        pw_topology_add_end(topology, "parse", 2);
    }
    pw_topology_add(topology, &pw_strategy_stage, 0);
    pw_topology_add(topology, &pw_execution_stage, 0);
    pw_topology_add_end(topology, "housekeeping", 0);
    if (!o->no_journal) {
        pw_topology_add_end(topology, "journal", 0);
    }
    if (o->live) {
        pw_topology_add_end(topology, "net_rx", 0);
        pw_topology_add_end(topology, "net_tx", 0);
    }
    pw_live_connect(topology, rig->config);
    for (uint32_t i = 0; i < topology->ring_cnt; i++) {
        topology->rings[i].slots = PW_RING_SLOTS_MIN;
        topology->rings[i].payload_bytes = 1u << 16;
    }
    size_ring(rig, PW_RING_MARKET, o->market_slots, 0);
    size_ring(rig, PW_RING_DECISIONS, o->stream_slots, 0);
    size_ring(rig, PW_RING_REPORTS, o->report_slots, 0);
    size_ring(rig, PW_RING_ORDERS_JOURNAL, o->journal_slots, 0);
    size_ring(rig, PW_RING_MARKET_JOURNAL, o->market_journal_slots, 0);
    size_ring(rig, PW_RING_REQUESTS, 1024, 1u << 20);
    size_ring(rig, PW_RING_RESPONSES, 1024, 1u << 20);
}

static void create_workspace(struct rig *rig, const struct rig_options *o)
{
    static struct pw_region_want rows[PW_REGIONS_MAX];
    memset(rows, 0, sizeof rows);
    uint32_t cnt = 0;
    want(&rows[cnt++], "stop", PW_REGION_STOP, 1, sizeof(struct pw_stop));
    uint32_t gateway_rows = pw_metric_groups[PW_METRIC_GROUP_gateway].cnt;
    want(&rows[cnt++], "metrics", PW_REGION_METRICS, PW_METRIC_CNT + gateway_rows,
         sizeof(struct pw_metric_row));
    want(&rows[cnt++], "instruments", PW_REGION_INSTRUMENTS, RIG_INSTRUMENTS, sizeof(struct pw_instrument));
    want(&rows[cnt++], "quotes", PW_REGION_QUOTES, RIG_INSTRUMENTS, sizeof(struct pw_market_view));
    want(&rows[cnt++], "positions", PW_REGION_POSITIONS, RIG_INSTRUMENTS, sizeof(struct pw_position_view));
    want(&rows[cnt++], "account", PW_REGION_ACCOUNT, 2, sizeof(struct pw_account_view));
    static const char *const histograms[] = {"hop.recv_to_strategy", "hop.recv_to_execution", "tick_to_order",
                                             "tick_to_fill"};
    want(&rows[cnt++], "stamps.market", PW_REGION_STAMPS, PW_STAMP_ROWS, sizeof(struct pw_stamp_row));
    want(&rows[cnt++], "stamps.orders", PW_REGION_STAMPS, PW_STAMP_ROWS, sizeof(struct pw_stamp_row));
    if (o->two_lines) {
        want(&rows[cnt++], "stamps.market.1", PW_REGION_STAMPS, PW_STAMP_ROWS, sizeof(struct pw_stamp_row));
        want(&rows[cnt++], "stamps.market.2", PW_REGION_STAMPS, PW_STAMP_ROWS, sizeof(struct pw_stamp_row));
    }
    for (size_t i = 0; i < sizeof histograms / sizeof *histograms; i++) {
        want(&rows[cnt++], histograms[i], PW_REGION_HISTOGRAM, 1, sizeof(struct pw_histogram));
    }
    for (uint32_t i = 0; i < PW_HOP_SPANS; i++) {
        char name[PW_HOP_NAME_BYTES];
        pw_hop_span_name(i, name);
        want(&rows[cnt++], name, PW_REGION_HISTOGRAM, 1, sizeof(struct pw_histogram));
    }
    fill_topology(rig, o);
    cnt = pw_topology_want(&rig->topology, rows, cnt);
    char error[256], instance[PW_INSTANCE_BYTES];
    setenv("PINWHEEL_SHM_DIR", "/tmp", 1);
    snprintf(instance, sizeof instance, "rig-%d", (int)getpid());
    cr_assert_eq(pw_workspace_create(&rig->ws, instance, rows, cnt, false, error, sizeof error), 0, "%s",
                 error);
    struct pw_metric_row *metrics = pw_workspace_rows(&rig->ws, "metrics", PW_REGION_METRICS);
    pw_metrics_fill(metrics);
    pw_metrics_put_group(metrics + PW_METRIC_CNT, PW_METRIC_GROUP_gateway, "gateway.2");
}

static void set_param(struct pw_config_strategy *strategy, const char *name, const char *value)
{
    struct pw_param *param = &strategy->params[strategy->param_cnt++];
    snprintf(param->name, sizeof param->name, "%s", name);
    snprintf(param->value, sizeof param->value, "%s", value);
}

/* Two accounts in place of the config's one: of its gateway and settings, but for the cash. */
static void fill_accounts(struct pw_config *config, const struct rig_options *o)
{
    struct pw_config_accounts *accounts = PW_CONFIG_EDIT(config, accounts);
    accounts->account_cnt = 2;
    for (uint32_t i = 0; i < 2; i++) {
        struct pw_config_account *account = &accounts->accounts[i];
        snprintf(account->name, sizeof account->name, "account%u", i);
        account->gateway = *PW_CONFIG(config, gateway);
        account->paper = *PW_CONFIG(config, paper);
        account->live = *PW_CONFIG(config, live);
        account->feed_mask = 1u << i;
    }
    accounts->accounts[1].paper.cash_e8 = o->second_cash_e8;
    accounts->accounts[1].feed_mask = o->second_idle ? 0 : 2;
    struct pw_config_feeds *feeds = PW_CONFIG_EDIT(config, feeds);
    feeds->feeds[1] = feeds->feeds[0];
    feeds->feed_cnt = 2;
    for (uint32_t i = 0; i < 2; i++) {
        snprintf(feeds->feeds[i].rest_url, sizeof feeds->feeds[i].rest_url, "https://localhost:%u", i + 1);
    }
}

static void fill_config(struct pw_config *config, const struct rig_options *o)
{
    struct pw_config_strategies *strategies = PW_CONFIG_EDIT(config, strategies);
    struct pw_config_risk *risk = PW_CONFIG_EDIT(config, risk);
    struct pw_config_paper *paper = PW_CONFIG_EDIT(config, paper);
    struct pw_config_gateway *gateway = PW_CONFIG_EDIT(config, gateway);
    snprintf(config->path, sizeof config->path, "rig.yaml");
    struct pw_config_feed *feed = &PW_CONFIG_EDIT(config, feeds)->feeds[0]; /* order entry is of its venue */
    snprintf(feed->venue, sizeof feed->venue, "binance_spot");
    snprintf(gateway->kind, sizeof gateway->kind, o->live ? "live" : "paper");
    *PW_CONFIG_EDIT(config, live) = (struct pw_config_live){.cash_e8 = 10000 * PW_E8,
                                                            .fee_rate_e8 = 100000,
                                                            .recv_window_ms = 5000,
                                                            .ack_timeout_ms = 3000,
                                                            .max_rejections = o->max_rejections,
                                                            .rejection_pause_ns = INT64_C(60000000000),
                                                            .max_tick_age_ms = 1000};
    PW_CONFIG_EDIT(config, journal)->enabled = true;
    PW_CONFIG_EDIT(config, book)->levels = 100;
    paper->cash_e8 = o->cash_e8 ? o->cash_e8 : 10000 * PW_E8;
    paper->fee_rate_e8 = 100000;
    paper->latency_ns = o->latency_ns;
    risk->max_position_e8 = o->max_position_e8;
    risk->max_orders_per_s = o->max_orders_per_s;
    risk->allow_short = o->allow_short;
    strategies->strategy_cnt = !o->fast ? 0 : o->strategy_cnt ? o->strategy_cnt : 1;
    for (uint32_t i = 0; i < strategies->strategy_cnt; i++) {
        struct pw_config_strategy *strategy = &strategies->strategies[i];
        snprintf(strategy->name, sizeof strategy->name, "s%u", i);
        snprintf(strategy->kind, sizeof strategy->kind, "%s", o->kind ? o->kind : "ma_cross");
        set_param(strategy, "fast", o->fast);
        set_param(strategy, "slow", o->slow);
        set_param(strategy, "quantity", o->quantity);
        strategy->instruments[1] = 1;
        strategy->instrument_cnt = o->second_quote ? 2 : 1;
    }
    if (o->second_cash_e8) {
        fill_accounts(config, o);
    }
    if (o->two_lines) {
        struct pw_config_feeds *feeds = PW_CONFIG_EDIT(config, feeds);
        feeds->feed_cnt = 2;
        feeds->feeds[1] = feeds->feeds[0];
        feeds->feeds[0].line = 1;
        feeds->feeds[1].line = 2;
    }
}

static struct pw_ring *nth_ring(const struct rig *rig, enum pw_ring_role role, uint32_t nth)
{
    return pw_topology_ring_in(&rig->topology, &rig->ws, role, nth);
}

static struct pw_ring *ring(const struct rig *rig, enum pw_ring_role role)
{
    return nth_ring(rig, role, 0);
}

static void attach(struct rig *rig, const struct rig_options *options)
{
    pw_producer_attach(&rig->market, ring(rig, PW_RING_MARKET));
    pw_producer_attach(&rig->commands, ring(rig, PW_RING_COMMANDS));
    pw_producer_attach(&rig->stream, ring(rig, PW_RING_DECISIONS));
    pw_producer_attach(&rig->reports, ring(rig, PW_RING_REPORTS));
    pw_consumer_attach(&rig->stream_in, ring(rig, PW_RING_DECISIONS));
    pw_consumer_attach(&rig->reports_in, ring(rig, PW_RING_REPORTS));
    if (!options->no_journal) {
        pw_consumer_attach(&rig->journal, ring(rig, PW_RING_ORDERS_JOURNAL));
    }
    if (options->two_lines) {
        pw_producer_attach(&rig->market_2, nth_ring(rig, PW_RING_MARKET, 1));
        pw_consumer_attach(&rig->market_journal, ring(rig, PW_RING_MARKET_JOURNAL));
    }
    rig->stop = pw_workspace_rows(&rig->ws, "stop", PW_REGION_STOP);
}

/* A key that is no secret, through the file that it has to come from. */
static void load_keys(struct rig *rig)
{
    char path[] = "/tmp/rig-key-XXXXXX";
    int fd = mkstemp(path); /* of mode 0600 */
    static const char secret[] = "simulatedsecretsimulated\n";
    cr_assert_eq(write(fd, secret, sizeof secret - 1), sizeof secret - 1);
    close(fd);
    for (uint32_t i = 0; i < RIG_INSTRUMENTS; i++) {
        rig->keys[i].api_key = "rigkey";
        cr_assert_eq(pw_signer_load(path, &rig->keys[i].signer), 0);
    }
    unlink(path);
    rig->attachment.keys = rig->keys;
    pw_producer_attach(&rig->messages, ring(rig, PW_RING_RESPONSES));
    pw_consumer_attach(&rig->wire, ring(rig, PW_RING_REQUESTS));
}

static int64_t rig_clock(void *state)
{
    return atomic_fetch_add(&((struct rig *)state)->clock_ns, RIG_TICK_NS);
}

struct rig *rig_open(const struct rig_options *options)
{
    struct rig *rig = calloc(1, sizeof *rig);
    rig->config = pw_app_config_create();
    fill_config(rig->config, options);
    create_workspace(rig, options);
    struct pw_instrument *instruments = pw_workspace_rows(&rig->ws, "instruments", PW_REGION_INSTRUMENTS);
    for (uint32_t i = 0; i < RIG_INSTRUMENTS; i++) {
        instruments[i].tradable = 1;
        instruments[i].unit_shift = options->unit_shift;
        instruments[i].feed_idx = options->second_cash_e8 || options->two_lines ? i : 0;
        snprintf(instruments[i].symbol, sizeof instruments[i].symbol, "COIN%u", i);
        snprintf(instruments[i].base, sizeof instruments[i].base, "C%u", i);
        snprintf(instruments[i].quote, sizeof instruments[i].quote, "%s",
                 i && options->second_quote ? options->second_quote : "USDT");
    }
    rig->attachment.run_id = options->run_id ? options->run_id : 1;
    rig->attachment.venue_errors = options->venue_errors;
    rig->env = (struct pw_stage_env){.stage = "rig",
                                     .topology = &rig->topology,
                                     .config = rig->config,
                                     .ws = &rig->ws,
                                     .clock = {rig_clock, rig},
                                     .instruments = instruments,
                                     .instrument_cnt = RIG_INSTRUMENTS,
                                     .attachment = &rig->attachment};
    rig->now_ns = 1000;
    attach(rig, options);
    if (options->live) {
        load_keys(rig);
    }
    return rig;
}

void rig_close(struct rig *rig)
{
    pw_workspace_close(&rig->ws, true);
    for (uint32_t i = 0; i < RIG_INSTRUMENTS; i++) {
        pw_signer_free(rig->keys[i].signer);
    }
    free(rig->strategy);
    free(rig->execution);
    pw_config_destroy(rig->config);
    free(rig);
}

static int start(const struct pw_stage_ops *ops, struct pw_stage_env *env, void **state)
{
    env->stage_idx = pw_topology_stage(env->topology, ops->name);
    size_t bytes = (ops->state_bytes(env) + 63) / 64 * 64;
    *state = aligned_alloc(64, bytes);
    memset(*state, 0, bytes);
    return ops->init(*state, env);
}

int rig_start_strategy(struct rig *rig)
{
    return start(&pw_strategy_stage, &rig->env, &rig->strategy);
}

int rig_start_execution(struct rig *rig)
{
    return start(&pw_execution_stage, &rig->env, &rig->execution);
}

bool rig_put_market(struct rig *rig, struct pw_producer *to, struct pw_event event)
{
    if (pw_producer_room(to, 1) < 1) {
        return false;
    }
    event.seq = rig->market_seq++;
    rig->now_ns = event.recv_ns > rig->now_ns ? event.recv_ns : rig->now_ns;
    pw_producer_put(to, &event);
    pw_producer_publish(to);
    return true;
}

void rig_put_command(struct rig *rig, enum pw_command command)
{
    cr_assert_geq(pw_producer_room(&rig->commands, 1), 1);
    pw_producer_put(&rig->commands,
                    &(struct pw_event){.kind = PW_EVENT_COMMAND, .body.state = {.state = (uint32_t)command}});
    pw_producer_publish(&rig->commands);
}

struct pw_event rig_feed(enum pw_feed_state state, int64_t recv_ns)
{
    return (struct pw_event){.kind = PW_EVENT_FEED_STATE,
                             .instrument_idx = PW_NO_INSTRUMENT,
                             .recv_ns = recv_ns,
                             .body.state = {.state = (uint32_t)state}};
}

struct pw_event rig_quote(int64_t bid_e8, int64_t ask_e8, int64_t recv_ns)
{
    return (struct pw_event){
        .kind = PW_EVENT_QUOTE, .recv_ns = recv_ns, .body.quote = {bid_e8, PW_E8, ask_e8, PW_E8, 1}};
}

struct pw_event rig_trade(int64_t price_e8, int64_t recv_ns)
{
    return (struct pw_event){
        .kind = PW_EVENT_TRADE, .recv_ns = recv_ns, .body.trade = {.price_e8 = price_e8, .qty_e8 = PW_E8}};
}

struct pw_event rig_limit(enum pw_side side, int64_t price_e8, int64_t qty_e8, int64_t recv_ns)
{
    return (struct pw_event){.kind = PW_EVENT_INTENT,
                             .flags = side == PW_SELL ? PW_FLAG_SELL : 0,
                             .recv_ns = recv_ns,
                             .body.intent = {.price_e8 = price_e8, .qty_e8 = qty_e8, .type = PW_LIMIT}};
}

struct pw_event rig_intent(enum pw_side side, int64_t qty_e8, int64_t recv_ns)
{
    struct pw_event event = rig_limit(side, 0, qty_e8, recv_ns);
    event.body.intent.type = PW_MARKET;
    event.body.intent.tif = PW_IOC;
    return event;
}

bool rig_take(struct pw_consumer *from, struct pw_event *out)
{
    if (pw_consumer_peek(from, 1) == 0) {
        return false;
    }
    *out = *pw_consumer_at(from, 0);
    pw_consumer_done(from, 1);
    return true;
}

uint64_t rig_metric(const struct rig *rig, const char *group, const char *name)
{
    const struct pw_metric_row *row = pw_metrics_find(rig->env.ws, group, name);
    cr_assert_not_null(row, "%s.%s", group, name);
    return atomic_load(&row->value);
}

struct pw_account rig_account_at(const struct rig *rig, uint32_t account_idx)
{
    struct pw_account account;
    cr_assert(pw_account_at(&rig->ws, account_idx, &account));
    return account;
}

struct pw_account rig_account(const struct rig *rig)
{
    return rig_account_at(rig, 0);
}

struct pw_position rig_position(const struct rig *rig, uint32_t instrument_idx)
{
    struct pw_position position;
    struct pw_position_view *view =
        pw_region_at(&rig->ws, pw_workspace_find(&rig->ws, "positions", PW_REGION_POSITIONS), instrument_idx);
    cr_assert(pw_cell_read(&view->cell, view->words, &position, sizeof position));
    return position;
}

struct pw_market rig_market(const struct rig *rig, uint32_t instrument_idx)
{
    struct pw_market market;
    struct pw_market_view *view =
        pw_region_at(&rig->ws, pw_workspace_find(&rig->ws, "quotes", PW_REGION_QUOTES), instrument_idx);
    cr_assert(pw_cell_read(&view->cell, view->words, &market, sizeof market));
    return market;
}
