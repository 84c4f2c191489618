/* SPDX-License-Identifier: MIT
 *
 * The tables of stages, rings and regions. A new ring is a row here, a role, and a pw_env_ call in each of
 * its ends.
 */
#include "live_topology.h"
#include "accounts_config.h"
#include "feeds.h"
#include "journal_config.h"
#include "pw_assert.h"
#include "ring_sizes.h"
#include <pinwheel/histogram.h>
#include <pinwheel/hops.h>
#include <pinwheel/metrics.h>
#include <pinwheel/stamps.h>
#include <stdio.h>
#include <string.h>

/* ---- stages ---- */

#define GIVEN(member) offsetof(struct pw_live_attachments, member), sizeof(struct pw_##member##_attachment)
#define GIVEN_NOTHING 0, 0

/* In the order of one core's pass: data flows downwards. Of the kinds with lines there is one stage a line.
 */
static const struct stage_row {
    const struct pw_stage_ops *ops;
    bool has_lines;
    size_t attached_at, attachment_bytes; /* in the attachments; of kinds with lines the first line's */
} stage_table[] = {
    {&pw_net_rx_stage, true, GIVEN(net)},
    {&pw_parse_stage, true, GIVEN_NOTHING},
    {&pw_strategy_stage, false, GIVEN_NOTHING},
    {&pw_execution_stage, false, GIVEN(execution)},
    {&pw_net_tx_stage, true, GIVEN(net)},
    {&pw_journal_stage, false, GIVEN(journal)},
    {&pw_housekeeping_stage, false, GIVEN(housekeeping)},
};

const void *pw_live_attachment(const struct pw_live_attachments *all, const struct pw_topology_stage *stage)
{
    size_t line_idx = stage->line > 0 ? stage->line - 1 : 0;
    struct stage_row row = {0};
    for (size_t i = 0; i < sizeof stage_table / sizeof *stage_table; i++) {
        row = stage_table[i].ops == stage->ops ? stage_table[i] : row;
    }
    pw_assert(row.attachment_bytes == stage->ops->attachment_bytes && line_idx < PW_LINES_MAX);
    return row.attachment_bytes ? (const char *)all + row.attached_at + line_idx * row.attachment_bytes
                                : NULL;
}

/* ---- rings ---- */

static uint32_t line_cnt(const struct pw_config *config)
{
    return config != NULL ? pw_feeds_line_cnt(PW_CONFIG(config, feeds)) : 1;
}

static bool with_journal(const struct pw_config *config)
{
    return PW_CONFIG(config, journal)->enabled;
}

static bool with_one_line(const struct pw_config *config)
{
    return with_journal(config) && line_cnt(config) == 1;
}

static bool with_lines(const struct pw_config *config)
{
    return with_journal(config) && line_cnt(config) > 1;
}

static bool with_raw_frames(const struct pw_config *config)
{
    const struct pw_config_journal *journal = PW_CONFIG(config, journal);
    return journal->enabled && journal->raw_frames;
}

/* Is any account's order entry on that line? */
static bool has_orders(const struct pw_config *config, uint32_t line_idx)
{
    struct pw_conns conns;
    bool has = false;
    pw_config_conns(config, &conns);
    for (uint32_t i = 0; i < conns.cnt; i++) {
        has |= conns.rows[i].role == PW_CONN_ROLE_ORDERS && conns.rows[i].line_idx == line_idx;
    }
    return has;
}

static bool with_live_journal(const struct pw_config *config)
{
    return pw_config_connects(config) && PW_CONFIG(config, journal)->enabled;
}

static bool market_stalls(const struct pw_config *config)
{
    return PW_CONFIG(config, journal)->market_stall;
}

/* Rings of the cold side carry few events, or may wait: their sizes are no one's to tune. */
#define SNAPSHOT_SLOTS 4096u /* a REST snapshot passes through in pieces of at most this many events */
#define COMMAND_SLOTS  256u
/* Order entry: requests are a few hundred bytes. The largest answers, lists of open orders, are as large as
 * live.message_bytes_max allows; then their ring is, too. Larger ones than half a ring are not journalled. */
#define WIRE_SLOTS 4096u
#define WIRE_BYTES (UINT64_C(4) << 20)

#define SIZE(field) .slots_at = offsetof(struct pw_config_rings, field)
#define FIXED(cnt)  .slots = (cnt)
#define FRAMES      .payload_bytes = PW_RING_PAYLOAD_CONFIG
#define WIRE        FIXED(WIRE_SLOTS), .payload_bytes = WIRE_BYTES

/* clang-format off */
static const struct pw_ring_row ring_table[] = {
    {PW_RING_FRAMES, "net_rx", "parse", SIZE(frames_slots), FRAMES, .policy = PW_RING_STALL},
    {PW_RING_MARKET, "parse", "strategy", SIZE(market_slots), .policy = PW_RING_STALL},
    {PW_RING_DECISIONS, "strategy", "execution", SIZE(market_slots), .policy = PW_RING_STALL},
    {PW_RING_REPORTS, "execution", "strategy", SIZE(orders_slots), .policy = PW_RING_STALL},
    {PW_RING_MARKET_JOURNAL, "parse", "journal", SIZE(market_journal_slots), .policy = PW_RING_DROP,
     .when = with_one_line, .stalls = market_stalls},
    /* Of several lines strategy makes one order: it numbers the events, and passes them on. */
    {PW_RING_MARKET_JOURNAL, "strategy", "journal", SIZE(market_journal_slots), .policy = PW_RING_DROP,
     .when = with_lines, .stalls = market_stalls},
    {PW_RING_FRAMES_JOURNAL, "parse", "journal", "_frames", SIZE(frames_slots), FRAMES, .policy = PW_RING_DROP,
     .when = with_raw_frames},
    {PW_RING_ORDERS_JOURNAL, "execution", "journal", SIZE(orders_journal_slots), .policy = PW_RING_STALL,
     .when = with_journal},
    {PW_RING_SNAPSHOTS, "housekeeping", "parse", FIXED(SNAPSHOT_SLOTS), .policy = PW_RING_STALL},
    {PW_RING_PARSE_REQUESTS, "parse", "housekeeping", FIXED(COMMAND_SLOTS), .policy = PW_RING_STALL},
    {PW_RING_CONNS, "housekeeping", "net_rx", FIXED(COMMAND_SLOTS), .policy = PW_RING_STALL},
    {PW_RING_CONNS_LOST, "net_rx", "housekeeping", FIXED(COMMAND_SLOTS), .policy = PW_RING_STALL},
    {PW_RING_COMMANDS, "housekeeping", "execution", FIXED(COMMAND_SLOTS), .policy = PW_RING_STALL},
    {PW_RING_REQUESTS, "execution", "net_tx", WIRE, .policy = PW_RING_STALL, .on_line = has_orders},
    {PW_RING_RESPONSES, "net_rx", "execution", WIRE, .policy = PW_RING_STALL, .on_line = has_orders},
    {PW_RING_WIRE_JOURNAL, "execution", "journal", "_frames", WIRE, .policy = PW_RING_DROP,
     .when = with_live_journal},
};
/* clang-format on */

void pw_live_stages(struct pw_topology *topology, const struct pw_config *config)
{
    uint32_t lines = line_cnt(config);
    *topology = (struct pw_topology){0};
    for (size_t i = 0; i < sizeof stage_table / sizeof *stage_table; i++) {
        bool several = stage_table[i].has_lines && lines > 1;
        for (uint32_t line = 1; line <= (several ? lines : 1); line++) {
            pw_topology_add(topology, stage_table[i].ops, several ? line : 0);
        }
    }
}

void pw_live_topology(struct pw_topology *topology, const struct pw_config *config)
{
    pw_live_stages(topology, config);
    pw_live_connect(topology, config);
}

/* Twice the largest message of any account's order entry, rounded up to a power of two. */
static uint64_t response_bytes(const struct pw_config *config)
{
    uint64_t bytes = WIRE_BYTES;
    for (uint32_t i = 0; i < pw_config_account_cnt(config); i++) {
        struct pw_account_setup account = pw_config_account(config, i);
        while (account.traits->connects && bytes < 2 * (uint64_t)account.live->conn.message_bytes_max) {
            bytes *= 2;
        }
    }
    return bytes;
}

void pw_live_connect(struct pw_topology *topology, const struct pw_config *config)
{
    topology->more_gateway_cnt = pw_config_account_cnt(config) - 1;
    pw_topology_connect(topology, ring_table, sizeof ring_table / sizeof *ring_table, config);
    for (uint32_t i = 0; i < topology->ring_cnt; i++) {
        if (topology->rings[i].role == PW_RING_RESPONSES) {
            topology->rings[i].payload_bytes = response_bytes(config);
        }
    }
}

uint32_t pw_live_stage_names(const struct pw_config *config, char names[PW_STAGES_MAX][PW_STAGE_NAME_BYTES])
{
    if (config != NULL && pw_feeds_line_gap(PW_CONFIG(config, feeds)) != 0) {
        return 0;
    }
    static struct pw_topology topology; /* cold, main thread: too large for a stack */
    pw_live_stages(&topology, config);
    for (uint32_t i = 0; i < topology.stage_cnt; i++) {
        memcpy(names[i], topology.stages[i].name, PW_STAGE_NAME_BYTES);
    }
    return topology.stage_cnt;
}

/* ---- regions ---- */

/* Latency per hop: from the bytes' arrival to the stage, and to what it causes. Of a kind with lines there is
 * one a line, "hop.recv_to_parse.2". */
static const struct {
    const char *name, *kind; /* of the stage that writes it */
} histogram_table[] = {
    {"hop.recv_to_parse", "parse"},         {"hop.recv_to_strategy", "strategy"},
    {"hop.recv_to_execution", "execution"}, {"tick_to_order", "execution"},
    {"tick_to_fill", "execution"},
};

static void want_rows(struct pw_region_want *want, const char *name, enum pw_region_kind kind, size_t row_cnt,
                      size_t row_bytes)
{
    snprintf(want->name, sizeof want->name, "%s", name);
    want->kind = kind;
    want->row_cnt = (uint32_t)row_cnt;
    want->row_bytes = (uint32_t)row_bytes;
}

/* The same of a line; 0: there are none. */
static void want_line(struct pw_region_want *want, const char *name, uint32_t line, enum pw_region_kind kind,
                      size_t row_cnt, size_t row_bytes)
{
    want_rows(want, name, kind, row_cnt, row_bytes);
    if (line > 0) {
        snprintf(want->name, sizeof want->name, "%s.%u", name, line);
    }
}

static uint32_t instruments_of(const struct pw_topology *topology, const struct pw_config *config)
{
    (void)topology;
    return pw_feeds_instrument_cnt(PW_CONFIG(config, feeds));
}

static uint32_t conns_of(const struct pw_topology *topology, const struct pw_config *config)
{
    (void)topology;
    struct pw_conns conns;
    pw_config_conns(config, &conns);
    return conns.cnt;
}

static uint32_t accounts_of(const struct pw_topology *topology, const struct pw_config *config)
{
    (void)topology;
    return pw_config_account_cnt(config);
}

static uint32_t stages_of(const struct pw_topology *topology, const struct pw_config *config)
{
    (void)config;
    return topology->stage_cnt;
}

/* The lines of a kind of stages; 0: it has but one. */
static uint32_t lines_of(const struct pw_topology *topology, const char *kind)
{
    uint32_t lines = 0;
    for (uint32_t i = 0; i < topology->stage_cnt; i++) {
        bool is_kind = strcmp(topology->stages[i].kind, kind) == 0;
        lines = is_kind && topology->stages[i].line > lines ? topology->stages[i].line : lines;
    }
    return lines;
}

static uint32_t metrics_of(const struct pw_topology *topology, const struct pw_config *config)
{
    (void)config;
    return pw_topology_metric_cnt(topology);
}

/* All but histograms and rings. */
static const struct {
    const char *name;
    enum pw_region_kind kind;
    size_t row_bytes;
    uint32_t row_cnt; /* 0: as cnt_of says */
    uint32_t (*cnt_of)(const struct pw_topology *topology, const struct pw_config *config);
} region_table[] = {
    {"stop", PW_REGION_STOP, sizeof(struct pw_stop), 1, NULL},
    {"info", PW_REGION_INFO, 4096, 1, NULL},
    {"errors", PW_REGION_ERRORS, sizeof(struct pw_error_row), PW_ERRORS_MAX, NULL},
    {"metrics", PW_REGION_METRICS, sizeof(struct pw_metric_row), 0, metrics_of},
    {"instruments", PW_REGION_INSTRUMENTS, sizeof(struct pw_instrument), 0, instruments_of},
    {"stages", PW_REGION_STAGES, sizeof(struct pw_stage_view), 0, stages_of},
    {"feeds", PW_REGION_FEEDS, sizeof(struct pw_feed_view), 0, conns_of},
    {"quotes", PW_REGION_QUOTES, sizeof(struct pw_market_view), 0, instruments_of},
    {"positions", PW_REGION_POSITIONS, sizeof(struct pw_position_view), 0, instruments_of},
    {"account", PW_REGION_ACCOUNT, sizeof(struct pw_account_view), 0, accounts_of},
    {"stamps.market", PW_REGION_STAMPS, sizeof(struct pw_stamp_row), PW_STAMP_ROWS, NULL},
    {"stamps.orders", PW_REGION_STAMPS, sizeof(struct pw_stamp_row), PW_STAMP_ROWS, NULL},
};

uint32_t pw_live_regions(const struct pw_topology *topology, const struct pw_config *config,
                         struct pw_region_want *want)
{
    uint32_t cnt = 0;
    memset(want, 0, PW_REGIONS_MAX * sizeof *want);
    for (size_t i = 0; i < sizeof region_table / sizeof *region_table; i++) {
        uint32_t row_cnt =
            region_table[i].row_cnt ? region_table[i].row_cnt : region_table[i].cnt_of(topology, config);
        want_rows(&want[cnt++], region_table[i].name, region_table[i].kind, row_cnt,
                  region_table[i].row_bytes);
    }
    for (size_t i = 0; i < sizeof histogram_table / sizeof *histogram_table; i++) {
        uint32_t lines = lines_of(topology, histogram_table[i].kind);
        for (uint32_t line = lines ? 1 : 0; line <= lines; line++) {
            want_line(&want[cnt++], histogram_table[i].name, line, PW_REGION_HISTOGRAM, 1,
                      sizeof(struct pw_histogram));
        }
    }
    /* The path of each order, hop by hop: execution writes them, from the stamps. */
    for (uint32_t i = 0; i < PW_HOP_SPANS; i++) {
        char name[PW_HOP_NAME_BYTES];
        pw_hop_span_name(i, name);
        want_rows(&want[cnt++], name, PW_REGION_HISTOGRAM, 1, sizeof(struct pw_histogram));
    }
    for (uint32_t line = 1; line <= lines_of(topology, "parse"); line++) {
        want_line(&want[cnt++], "stamps.market", line, PW_REGION_STAMPS, PW_STAMP_ROWS,
                  sizeof(struct pw_stamp_row));
    }
    return pw_topology_want(topology, want, cnt);
}
