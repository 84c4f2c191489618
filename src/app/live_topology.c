/* SPDX-License-Identifier: MIT
 *
 * The tables of stages, rings and regions. A new ring is a row here and two pw_env_ calls in its ends.
 */
#include "live_topology.h"
#include "metrics_table.h"
#include "stages.h"
#include <pinwheel/histogram.h>
#include <pinwheel/metrics.h>
#include <pinwheel/stamps.h>
#include <stdio.h>
#include <string.h>

const struct pw_stage_ops *const pw_stage_table[] = {
    &pw_net_rx_stage, &pw_parse_stage,   &pw_strategy_stage,     &pw_execution_stage,
    &pw_net_tx_stage, &pw_journal_stage, &pw_housekeeping_stage,
};
const uint32_t pw_stage_table_cnt = sizeof pw_stage_table / sizeof *pw_stage_table;

const char *const pw_stage_names[] = {
    "net_rx", "parse", "strategy", "execution", "net_tx", "journal", "housekeeping",
};

static_assert(sizeof pw_stage_names / sizeof *pw_stage_names ==
                  sizeof pw_stage_table / sizeof *pw_stage_table,
              "a name a stage");

/* Which rings a config needs. */
enum when { ALWAYS, WITH_JOURNAL, WITH_RAW_FRAMES, WITH_LIVE, WITH_LIVE_JOURNAL };

/* Rings of the cold side carry few events, or may wait: their sizes are no one's to tune. */
#define SNAPSHOT_SLOTS 4096u /* a REST snapshot passes through in pieces of at most this many events */
#define COMMAND_SLOTS  256u
/* Order entry: requests are a few hundred bytes, the largest answers lists of open orders. */
#define WIRE_SLOTS 4096u
#define WIRE_BYTES (UINT64_C(4) << 20)

struct ring_row {
    const char *name; /* producer.consumer */
    size_t slots_at;  /* offset of its slot count in struct pw_config_rings, or FIXED */
    uint32_t slots;   /* if fixed */
    uint64_t payload; /* bytes of its payload area; FRAMES: frames_bytes */
    enum pw_ring_policy policy;
    enum when when;
};

#define FIXED       SIZE_MAX
#define FRAMES      UINT64_MAX
#define SIZE(field) offsetof(struct pw_config_rings, field)

static const struct ring_row ring_table[] = {
    {"net_rx.parse", SIZE(frames_slots), 0, FRAMES, PW_RING_STALL, ALWAYS},
    {"parse.strategy", SIZE(market_slots), 0, 0, PW_RING_STALL, ALWAYS},
    {"strategy.execution", SIZE(market_slots), 0, 0, PW_RING_STALL, ALWAYS},
    {"execution.strategy", SIZE(orders_slots), 0, 0, PW_RING_STALL, ALWAYS},
    {"parse.journal", SIZE(market_journal_slots), 0, 0, PW_RING_DROP, WITH_JOURNAL},
    {"parse.journal_frames", SIZE(frames_slots), 0, FRAMES, PW_RING_DROP, WITH_RAW_FRAMES},
    {"execution.journal", SIZE(orders_journal_slots), 0, 0, PW_RING_STALL, WITH_JOURNAL},
    {"housekeeping.parse", FIXED, SNAPSHOT_SLOTS, 0, PW_RING_STALL, ALWAYS},
    {"parse.housekeeping", FIXED, COMMAND_SLOTS, 0, PW_RING_STALL, ALWAYS},
    {"housekeeping.net_rx", FIXED, COMMAND_SLOTS, 0, PW_RING_STALL, ALWAYS},
    {"net_rx.housekeeping", FIXED, COMMAND_SLOTS, 0, PW_RING_STALL, ALWAYS},
    {"housekeeping.execution", FIXED, COMMAND_SLOTS, 0, PW_RING_STALL, ALWAYS},
    {"execution.net_tx", FIXED, WIRE_SLOTS, WIRE_BYTES, PW_RING_STALL, WITH_LIVE},
    {"net_rx.execution", FIXED, WIRE_SLOTS, WIRE_BYTES, PW_RING_STALL, WITH_LIVE},
    {"execution.journal_frames", FIXED, WIRE_SLOTS, WIRE_BYTES, PW_RING_DROP, WITH_LIVE_JOURNAL},
};

/* Latency per hop: from the bytes' arrival to the stage, and to what it causes. */
static const char *const histogram_table[] = {
    "hop.recv_to_parse", "hop.recv_to_strategy", "hop.recv_to_execution", "tick_to_order", "tick_to_fill",
};

/* The way of each order, hop by hop, and in sum: recv_to_submitted is from the completion of the receive to
 * the submission of the send. Execution writes them, from the stamps. */
static const char *const way_table[] = {
    "way.kernel_to_recv",        "way.recv_to_decrypted",   "way.decrypted_to_decoded",
    "way.decoded_to_decided",    "way.decided_to_checked",  "way.checked_to_encoded",
    "way.encoded_to_sealed",     "way.sealed_to_submitted", "way.recv_to_submitted",
    "way.submitted_to_returned", "way.submitted_to_acked",
};

static bool is_wanted(enum when when, const struct pw_config *config)
{
    switch (when) {
    case WITH_JOURNAL:
        return config->journal.enabled;
    case WITH_RAW_FRAMES:
        return config->journal.enabled && config->journal.raw_frames;
    case WITH_LIVE:
        return pw_config_is_live(config);
    case WITH_LIVE_JOURNAL:
        return pw_config_is_live(config) && config->journal.enabled;
    case ALWAYS:
        break;
    }
    return true;
}

static void want_ring(struct pw_region_want *want, const struct ring_row *row, const struct pw_config *config)
{
    snprintf(want->name, sizeof want->name, "%s", row->name);
    want->kind = PW_REGION_RING;
    want->ring_slots = row->slots;
    if (row->slots_at != FIXED) {
        memcpy(&want->ring_slots, (const char *)&config->rings + row->slots_at, sizeof want->ring_slots);
    }
    want->ring_payload_bytes = row->payload == FRAMES ? config->rings.frames_bytes : row->payload;
    want->ring_policy = row->policy;
    if (strcmp(row->name, "parse.journal") == 0 && config->journal.market_stall) {
        want->ring_policy = PW_RING_STALL;
    }
}

static void want_rows(struct pw_region_want *want, const char *name, enum pw_region_kind kind, size_t row_cnt,
                      size_t row_bytes)
{
    snprintf(want->name, sizeof want->name, "%s", name);
    want->kind = kind;
    want->row_cnt = (uint32_t)row_cnt;
    want->row_bytes = (uint32_t)row_bytes;
}

uint32_t pw_topology_regions(const struct pw_config *config, struct pw_region_want *want)
{
    uint32_t instrument_cnt = pw_config_instrument_cnt(config);
    uint32_t cnt = 0;
    memset(want, 0, PW_REGIONS_MAX * sizeof *want);
    want_rows(&want[cnt++], "stop", PW_REGION_STOP, 1, sizeof(struct pw_stop));
    want_rows(&want[cnt++], "info", PW_REGION_INFO, 1, 4096);
    want_rows(&want[cnt++], "errors", PW_REGION_ERRORS, PW_ERRORS_MAX, sizeof(struct pw_error_row));
    want_rows(&want[cnt++], "metrics", PW_REGION_METRICS, PW_METRIC_CNT, sizeof(struct pw_metric_row));
    want_rows(&want[cnt++], "instruments", PW_REGION_INSTRUMENTS, instrument_cnt,
              sizeof(struct pw_instrument));
    want_rows(&want[cnt++], "stages", PW_REGION_STAGES, pw_stage_table_cnt, sizeof(struct pw_stage_view));
    want_rows(&want[cnt++], "feeds", PW_REGION_FEEDS, pw_config_conn_cnt(config),
              sizeof(struct pw_feed_view));
    want_rows(&want[cnt++], "quotes", PW_REGION_QUOTES, instrument_cnt, sizeof(struct pw_market_view));
    want_rows(&want[cnt++], "positions", PW_REGION_POSITIONS, instrument_cnt,
              sizeof(struct pw_position_view));
    want_rows(&want[cnt++], "account", PW_REGION_ACCOUNT, 1, sizeof(struct pw_account_view));
    want_rows(&want[cnt++], "stamps.market", PW_REGION_STAMPS, PW_STAMP_ROWS, sizeof(struct pw_stamp_row));
    want_rows(&want[cnt++], "stamps.orders", PW_REGION_STAMPS, PW_STAMP_ROWS, sizeof(struct pw_stamp_row));
    for (size_t i = 0; i < sizeof histogram_table / sizeof *histogram_table; i++) {
        want_rows(&want[cnt++], histogram_table[i], PW_REGION_HISTOGRAM, 1, sizeof(struct pw_histogram));
    }
    for (size_t i = 0; i < sizeof way_table / sizeof *way_table; i++) {
        want_rows(&want[cnt++], way_table[i], PW_REGION_HISTOGRAM, 1, sizeof(struct pw_histogram));
    }
    for (size_t i = 0; i < sizeof ring_table / sizeof *ring_table; i++) {
        if (is_wanted(ring_table[i].when, config)) {
            want_ring(&want[cnt++], &ring_table[i], config);
        }
    }
    return cnt;
}
