/* SPDX-License-Identifier: MIT
 *
 * The table of judged figures: see judged.h.
 */
#include "judged.h"
#include "engine_child.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- tables ---- */

struct figure_row {
    const char *bench, *row; /* the figure's id is the row's, "_" and what */
    const char *what, *list, *field;
    const char *label; /* of the row where rows have no ids: builds before 2026-11-29 */
};

#define MEAN(bench, row, label)                                                                              \
    {                                                                                                        \
        bench, row, "mean", "latencies", "block_mean_ns", label                                              \
    }
#define P50(bench, row, label)                                                                               \
    {                                                                                                        \
        bench, row, "p50", "latencies", "p50_ns", label                                                      \
    }
#define RATE(bench, row, label)                                                                              \
    {                                                                                                        \
        bench, row, "each", "rates", "per_s", label                                                          \
    }
#define COST(bench, row, label)                                                                              \
    {                                                                                                        \
        bench, row, "value", "figures", "value", label                                                       \
    }

static const struct figure_row g_rows[] = {
    MEAN("decode", "decode_quote_synthetic", "bookTicker, made"),
    MEAN("decode", "decode_trade_synthetic", "trade, made"),
    MEAN("decode", "decode_depth_synthetic", "depth, made"),
    MEAN("decode", "decode_quote_recorded", "bookTicker, recorded"),
    MEAN("decode", "decode_trade_recorded", "trade, recorded"),
    MEAN("decode", "decode_depth_recorded", "depth, recorded"),
    P50("pipeline", "pipeline_fused", "fused"),
    P50("pipeline", "pipeline_fused_journal", "fused, journal on core two"),
    P50("pipeline", "pipeline_split", "split behind parse"),
    RATE("pipeline", "pipeline_fused_messages", "fused: messages"),
    RATE("pipeline", "pipeline_fused_journal_messages", "fused, journal on core two: messages"),
    RATE("pipeline", "pipeline_split_messages", "split behind parse: messages"),
    P50("journal", "journal_batch_synthetic", "4096 events, journal, made"),
    P50("journal", "journal_batch_recorded", "4096 events, journal, recorded"),
    RATE("journal", "journal_synthetic", "journal, made"),
    RATE("journal", "journal_recorded", "journal, recorded"),
    COST("journal", "journal_cpu_synthetic", "journal: processor time, made"),
    COST("journal", "journal_cpu_recorded", "journal: processor time, recorded"),
    COST("journal", "journal_bytes_synthetic", "journal: blocks, made"),
    COST("journal", "journal_bytes_recorded", "journal: blocks, recorded"),
    MEAN("book", "book_update_synthetic", "update, made"),
    MEAN("book", "book_update_recorded", "update, recorded"),
    MEAN("book", "book_best_synthetic", "best bid and ask read, made"),
    MEAN("book", "book_best_recorded", "best bid and ask read, recorded"),
    MEAN("book", "book_ten_synthetic", "ten bids and asks read, made"),
    MEAN("book", "book_ten_recorded", "ten bids and asks read, recorded"),
    MEAN("tls", "tls_encrypt_64", "seal 64 bytes, linked wolfSSL"),
    MEAN("tls", "tls_encrypt_256", "seal 256 bytes, linked wolfSSL"),
    MEAN("tls", "tls_encrypt_1024", "seal 1024 bytes, linked wolfSSL"),
    MEAN("tls", "tls_encrypt_4096", "seal 4096 bytes, linked wolfSSL"),
    MEAN("tls", "tls_encrypt_16384", "seal 16384 bytes, linked wolfSSL"),
    MEAN("tls", "tls_decrypt_64", "open 64 bytes, linked wolfSSL"),
    MEAN("tls", "tls_decrypt_256", "open 256 bytes, linked wolfSSL"),
    MEAN("tls", "tls_decrypt_1024", "open 1024 bytes, linked wolfSSL"),
    MEAN("tls", "tls_decrypt_4096", "open 4096 bytes, linked wolfSSL"),
    MEAN("tls", "tls_decrypt_16384", "open 16384 bytes, linked wolfSSL"),
    P50("ring", "ring_round_trip", "ring round trip"),
    RATE("ring", "ring_cores_1", "ring across cores, batches of 1"),
    RATE("ring", "ring_cores_8", "ring across cores, batches of 8"),
    RATE("ring", "ring_cores_64", "ring across cores, batches of 64"),
    RATE("ring", "ring_thread_1", "ring in one thread, batches of 1"),
    RATE("ring", "ring_thread_8", "ring in one thread, batches of 8"),
    RATE("ring", "ring_thread_64", "ring in one thread, batches of 64"),
};
#define ROW_CNT (sizeof g_rows / sizeof *g_rows)

/* p20: the ticks that other work disturbed least. */
const double judged_quantiles[JUDGED_QUANTILES] = {0.2, 0.5, 0.99};
static const char *const g_quantile_names[JUDGED_QUANTILES] = {"p20", "p50", "p99"};

/* Benches with figures of their own. */
static const char *const g_benches[] = {"tick-to-order", "pipeline", "decode", "journal",
                                        "book",          "tls",      "ring"};

/* ---- ids ---- */

static_assert((1 + ENGINE_HOPS) * JUDGED_QUANTILES <= JUDGED_MAX, "each has a place");

static size_t tick_ids(char ids[JUDGED_MAX][JUDGED_ID_BYTES])
{
    size_t cnt = 0;
    for (uint32_t i = 0; i <= ENGINE_HOPS; i++) {
        struct engine_hop hop = i == 0 ? (struct engine_hop){.id = "tick_to_order"} : engine_hop(i - 1);
        for (size_t k = 0; k < JUDGED_QUANTILES; k++) {
            snprintf(ids[cnt++], JUDGED_ID_BYTES, "%s_%s", hop.id, g_quantile_names[k]);
        }
    }
    return cnt;
}

size_t judged_ids(const char *bench, char ids[JUDGED_MAX][JUDGED_ID_BYTES])
{
    size_t cnt = 0;
    if (strcmp(bench, "tick-to-order") == 0) {
        return tick_ids(ids);
    }
    for (size_t i = 0; i < ROW_CNT; i++) {
        if (strcmp(g_rows[i].bench, bench) == 0) {
            snprintf(ids[cnt++], JUDGED_ID_BYTES, "%s_%s", g_rows[i].row, g_rows[i].what);
        }
    }
    return cnt;
}

bool judged_known(const char *id)
{
    char ids[JUDGED_MAX][JUDGED_ID_BYTES];
    for (size_t i = 0; i < sizeof g_benches / sizeof *g_benches; i++) {
        size_t cnt = judged_ids(g_benches[i], ids);
        for (size_t k = 0; k < cnt; k++) {
            if (strcmp(ids[k], id) == 0) {
                return true;
            }
        }
    }
    return false;
}

/* ---- values ---- */

static bool text_is(const json_t *object, const char *key, const char *text)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value != NULL && strcmp(value, text) == 0;
}

static const json_t *bench_of(const json_t *root, const char *bench)
{
    size_t i;
    const json_t *entry;
    json_array_foreach(json_object_get(root, "benches"), i, entry)
    {
        if (text_is(entry, "name", bench)) {
            return entry;
        }
    }
    return NULL;
}

/* Builds without ids call block_mean_ns typical_ns. */
static double field_of(const json_t *row, const char *field)
{
    const json_t *value = json_object_get(row, field);
    return json_number_value(value != NULL ? value : json_object_get(row, "typical_ns"));
}

static double value_of(const json_t *bench, const struct figure_row *figure)
{
    size_t i;
    const json_t *row;
    json_array_foreach(json_object_get(bench, figure->list), i, row)
    {
        bool has_id = json_object_get(row, "id") != NULL;
        if (has_id ? text_is(row, "id", figure->row) : text_is(row, "name", figure->label)) {
            double value = field_of(row, figure->field);
            value = strcmp(figure->list, "rates") == 0 ? 1e9 / value : value; /* ns each */
            return value > 0 && isfinite(value) ? value : NAN;
        }
    }
    return NAN;
}

void judged_read(const char *bench, const json_t *root, double values[JUDGED_MAX])
{
    const json_t *entry = bench_of(root, bench);
    size_t cnt = 0;
    for (size_t i = 0; i < ROW_CNT; i++) {
        if (strcmp(g_rows[i].bench, bench) == 0) {
            values[cnt++] = value_of(entry, &g_rows[i]);
        }
    }
}
