/* SPDX-License-Identifier: MIT
 *
 * Loading a config: the schema judges values one by one, this file what concerns several of them, or the
 * host.
 */
#include "config.h"

#include "cpu.h"
#include "document.h"
#include "schema.h"
#include "value.h"
#include "word.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What a check sees. */
struct check {
    struct pw_document *doc;
    struct pw_config *config;
    const char *const *stage_names;
    uint32_t stage_cnt;
    const struct pw_cpus *cpus;
};

/* ---- stages ---- */

static uint32_t stage_idx_of(const struct check *check, const char *name)
{
    uint32_t i = 0;
    while (i < check->stage_cnt && strcmp(check->stage_names[i], name) != 0) {
        i++;
    }
    return i;
}

static void stage_unknown(const struct check *check, const char *name, yaml_mark_t mark)
{
    const char *nearest = pw_word_nearest(name, check->stage_names, check->stage_cnt);
    char all[256] = "";
    for (uint32_t i = 0; i < check->stage_cnt; i++) {
        size_t size = strlen(all);
        snprintf(all + size, sizeof all - size, "%s%s", i > 0 ? " " : "", check->stage_names[i]);
    }
    pw_document_problem(check->doc, mark, "stages: '%.40s' is no stage; %s%s%sthey are: %s", name,
                        nearest ? "did you mean '" : "", nearest ? nearest : "", nearest ? "'? " : "", all);
}

/* Every stage in exactly one list. */
static void stages_check(const struct check *check)
{
    size_t placed_line[PW_STAGES_MAX] = {0};
    for (uint32_t c = 0; c < check->config->core_cnt; c++) {
        const struct pw_config_core *core = &check->config->cores[c];
        for (uint32_t s = 0; s < core->stage_cnt; s++) {
            if (core->stages[s][0] == '\0') {
                continue; /* told already */
            }
            yaml_mark_t mark = pw_document_mark(check->doc, "cores[%u].stages[%u]", c, s);
            uint32_t stage_idx = stage_idx_of(check, core->stages[s]);
            if (stage_idx == check->stage_cnt) {
                stage_unknown(check, core->stages[s], mark);
            } else if (placed_line[stage_idx] != 0) {
                pw_document_problem(check->doc, mark,
                                    "stages: '%s' is placed twice (first in line %zu); remove one of the two",
                                    core->stages[s], placed_line[stage_idx]);
            } else {
                placed_line[stage_idx] = mark.line + 1;
            }
        }
    }
    for (uint32_t i = 0; i < check->stage_cnt && check->config->core_cnt > 0; i++) {
        if (placed_line[i] == 0) {
            pw_document_problem(check->doc, pw_document_mark(check->doc, "cores"),
                                "cores: stage '%s' is placed nowhere; add it to one core's stages",
                                check->stage_names[i]);
        }
    }
}

/* The thread of a stage; core_cnt: none. `*place` is where it stands there. */
static uint32_t core_of_stage(const struct pw_config *config, const char *name, uint32_t *place)
{
    for (uint32_t c = 0; c < config->core_cnt; c++) {
        for (*place = 0; *place < config->cores[c].stage_cnt; ++*place) {
            if (strcmp(config->cores[c].stages[*place], name) == 0) {
                return c;
            }
        }
    }
    return config->core_cnt;
}

/* net_rx and net_tx are two ends of one io_uring, which has a single issuer. */
static void net_check(const struct check *check)
{
    uint32_t rx_place, tx_place;
    uint32_t rx_core = core_of_stage(check->config, "net_rx", &rx_place);
    uint32_t tx_core = core_of_stage(check->config, "net_tx", &tx_place);
    if (rx_core != tx_core && rx_core < check->config->core_cnt && tx_core < check->config->core_cnt) {
        pw_document_problem(
            check->doc, pw_document_mark(check->doc, "cores[%u].stages[%u]", tx_core, tx_place),
            "stages: 'net_tx' must be on the core of 'net_rx' (line %zu), whose sockets it shares",
            pw_document_mark(check->doc, "cores[%u].stages[%u]", rx_core, rx_place).line + 1);
    }
}

/* ---- cores ---- */

/* A numbered core: it exists, we may use it, and nobody else of ours does. */
static void core_check(const struct check *check, uint32_t core_idx)
{
    const struct pw_config_core *cores = check->config->cores;
    int32_t number = cores[core_idx].core;
    yaml_mark_t mark = pw_document_mark(check->doc, "cores[%u].core", core_idx);
    char cpus[128];
    if (!pw_cpu_set_has(&check->cpus->online, (uint32_t)number)) {
        pw_cpu_set_print(&check->cpus->online, cpus, sizeof cpus);
        pw_document_problem(check->doc, mark, "core: this host has no processor %d; it has %s", number, cpus);
        return;
    }
    if (!pw_cpu_set_has(&check->cpus->allowed, (uint32_t)number)) {
        pw_cpu_set_print(&check->cpus->allowed, cpus, sizeof cpus);
        pw_document_problem(
            check->doc, mark,
            "core: this process may not use processor %d; it is allowed %s (taskset, cpuset or container)",
            number, cpus);
        return;
    }
    for (uint32_t i = 0; i < core_idx; i++) {
        if (cores[i].core == number) {
            pw_document_problem(
                check->doc, mark,
                "core: processor %d is taken (line %zu); use another, or put the stages together", number,
                pw_document_mark(check->doc, "cores[%u].core", i).line + 1);
            return;
        }
    }
}

static void cores_check(const struct check *check)
{
    uint32_t bound_cnt = 0;
    uint32_t allowed_cnt = pw_cpu_set_cnt(&check->cpus->allowed);
    for (uint32_t i = 0; i < check->config->core_cnt; i++) {
        int32_t number = check->config->cores[i].core;
        if (number >= 0) {
            core_check(check, i);
        }
        bound_cnt += number != PW_CORE_NONE;
        if (number != PW_CORE_NONE && bound_cnt == allowed_cnt + 1) {
            char cpus[128];
            pw_cpu_set_print(&check->cpus->allowed, cpus, sizeof cpus);
            pw_document_problem(
                check->doc, pw_document_mark(check->doc, "cores[%u].core", i),
                "cores: this entry is one processor more than the %u allowed here (%s); put more "
                "stages on one core, or use `core: none`",
                allowed_cnt, cpus);
        }
    }
}

/* ---- feeds ---- */

static void feed_names_check(const struct check *check, uint32_t feed_idx)
{
    const struct pw_config_feed *feeds = check->config->feeds;
    for (uint32_t i = 0; i < feed_idx; i++) {
        if (feeds[feed_idx].name[0] != '\0' && strcmp(feeds[i].name, feeds[feed_idx].name) == 0) {
            pw_document_problem(check->doc, pw_document_mark(check->doc, "feeds[%u].name", feed_idx),
                                "name: the feed in line %zu is '%s', too; names are unique",
                                pw_document_mark(check->doc, "feeds[%u].name", i).line + 1, feeds[i].name);
        }
    }
    for (uint32_t k = 0; k < feeds[feed_idx].stream_cnt; k++) {
        for (uint32_t i = 0; i < k; i++) {
            if (feeds[feed_idx].streams[k][0] != '\0' &&
                strcmp(feeds[feed_idx].streams[i], feeds[feed_idx].streams[k]) == 0) {
                pw_document_problem(check->doc,
                                    pw_document_mark(check->doc, "feeds[%u].streams[%u]", feed_idx, k),
                                    "streams: '%s' stands twice; remove one", feeds[feed_idx].streams[k]);
            }
        }
    }
}

/* The first place of a symbol is its instrument; a second one would have no index of its own. */
static void instruments_check(const struct check *check, uint32_t feed_idx)
{
    const struct pw_config *config = check->config;
    const struct pw_config_feed *feed = &config->feeds[feed_idx];
    uint32_t before_cnt = 0;
    for (uint32_t i = 0; i < feed_idx; i++) {
        before_cnt += config->feeds[i].instrument_cnt;
    }
    for (uint32_t k = 0; k < feed->instrument_cnt; k++) {
        const char *symbol = feed->instruments[k];
        if (symbol[0] != '\0' && pw_config_instrument_idx(config, symbol) != before_cnt + k) {
            pw_document_problem(check->doc,
                                pw_document_mark(check->doc, "feeds[%u].instruments[%u]", feed_idx, k),
                                "instruments: '%s' stands twice; one feed brings one instrument", symbol);
        }
    }
}

static void feed_limits_check(const struct check *check, uint32_t feed_idx)
{
    const struct pw_config_feed *feed = &check->config->feeds[feed_idx];
    if (feed->backoff_min_ms > feed->backoff_max_ms) {
        pw_document_problem(check->doc, pw_document_mark(check->doc, "feeds[%u].backoff_min_ms", feed_idx),
                            "backoff_min_ms: %u is more than backoff_max_ms, %u; make it less",
                            feed->backoff_min_ms, feed->backoff_max_ms);
    }
    if (feed->stale_after_ms > feed->dead_after_ms) {
        pw_document_problem(
            check->doc, pw_document_mark(check->doc, "feeds[%u].stale_after_ms", feed_idx),
            "stale_after_ms: %u is more than dead_after_ms, %u: it would never be stale; make it less",
            feed->stale_after_ms, feed->dead_after_ms);
    }
    /* pw_producer_payload_claim grants at most half of the area. */
    if (feed->message_bytes_max > check->config->rings.frames_bytes / 2) {
        pw_document_problem(
            check->doc, pw_document_mark(check->doc, "feeds[%u].message_bytes_max", feed_idx),
            "message_bytes_max: %u is more than half of rings.frames_bytes, %llu; make that larger",
            feed->message_bytes_max, (unsigned long long)check->config->rings.frames_bytes);
    }
}

static void feeds_check(const struct check *check)
{
    for (uint32_t i = 0; i < check->config->feed_cnt; i++) {
        feed_names_check(check, i);
        instruments_check(check, i);
        feed_limits_check(check, i);
    }
    if (pw_config_instrument_cnt(check->config) > PW_INSTRUMENTS_MAX) {
        pw_document_problem(check->doc, pw_document_mark(check->doc, "feeds"),
                            "feeds: %u instruments in all; at most %u are possible",
                            pw_config_instrument_cnt(check->config), PW_INSTRUMENTS_MAX);
    }
}

/* ---- strategies ---- */

/* Looks a strategy's symbols up and keeps their indexes. */
static void strategy_instruments_read(const struct check *check, uint32_t strategy_idx)
{
    struct pw_config_strategy *strategy = &check->config->strategies[strategy_idx];
    const yaml_node_t *item;
    for (uint32_t i = 0;
         strategy->instrument_cnt < PW_INSTRUMENTS_MAX &&
         (item = pw_document_find(check->doc, "strategies[%u].instruments[%u]", strategy_idx, i)) != NULL;
         i++) {
        bool whole = false;
        const char *symbol = item->type == YAML_SCALAR_NODE ? pw_node_text(item, &whole) : "";
        uint16_t instrument_idx = whole ? pw_config_instrument_idx(check->config, symbol) : PW_NO_INSTRUMENT;
        if (instrument_idx == PW_NO_INSTRUMENT) {
            pw_document_problem(check->doc, item->start_mark,
                                "instruments: no feed has '%.40s'; add it to a feed's instruments", symbol);
            continue;
        }
        for (uint32_t k = 0; k < strategy->instrument_cnt; k++) {
            if (strategy->instruments[k] == instrument_idx) {
                pw_document_problem(check->doc, item->start_mark,
                                    "instruments: '%s' stands twice; remove one", symbol);
            }
        }
        strategy->instruments[strategy->instrument_cnt++] = instrument_idx;
    }
}

static void strategies_check(const struct check *check)
{
    struct pw_config_strategy *strategies = check->config->strategies;
    for (uint32_t s = 0; s < check->config->strategy_cnt; s++) {
        strategies[s].line = (uint32_t)pw_document_mark(check->doc, "strategies[%u]", s).line + 1;
        strategy_instruments_read(check, s);
        for (uint32_t i = 0; i < s; i++) {
            if (strategies[s].name[0] != '\0' && strcmp(strategies[i].name, strategies[s].name) == 0) {
                pw_document_problem(check->doc, pw_document_mark(check->doc, "strategies[%u].name", s),
                                    "name: the strategy in line %u is '%s', too; names are unique",
                                    strategies[i].line, strategies[i].name);
            }
        }
    }
}

static void journal_check(const struct check *check)
{
    const struct pw_config_journal *journal = &check->config->journal;
    yaml_mark_t mark = pw_document_mark(check->doc, "journal.path");
    if (journal->enabled && journal->path[0] == '\0' && pw_document_find(check->doc, "journal") != NULL &&
        !pw_document_has_problem_at(check->doc, mark)) {
        pw_document_problem(check->doc, mark,
                            "journal: 'path' is missing or empty; name a folder on a real disk, or say "
                            "`enabled: false`");
    }
}

/* ---- live ---- */

/* Each of risk's limits must be set: 0 would mean none. */
static void live_limits_check(const struct check *check)
{
    const struct pw_config_risk *risk = &check->config->risk;
    const struct {
        const char *name;
        bool is_set;
    } limits[] = {{"max_order_notional", risk->max_order_notional_e8 > 0},
                  {"max_position", risk->max_position_e8 > 0},
                  {"max_orders_per_s", risk->max_orders_per_s > 0}};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        if (!limits[i].is_set) {
            pw_document_problem(
                check->doc, pw_document_mark(check->doc, "risk.%s", limits[i].name),
                "risk.%s: with `gateway: live` every limit must be set; give it a value above 0",
                limits[i].name);
        }
    }
}

static void live_check(const struct check *check)
{
    const struct pw_config *config = check->config;
    const struct pw_config_feed *conn = &config->live.conn;
    yaml_mark_t mark = pw_document_mark(check->doc, "gateway");
    if (conn->backoff_min_ms > conn->backoff_max_ms) {
        pw_document_problem(check->doc, pw_document_mark(check->doc, "live.backoff_min_ms"),
                            "backoff_min_ms: %u is more than backoff_max_ms, %u; make it less",
                            conn->backoff_min_ms, conn->backoff_max_ms);
    }
    if (!pw_config_is_live(config)) {
        return;
    }
    snprintf(check->config->live.conn.name, sizeof conn->name, "orders"); /* among the feeds' names in tools */
    if (pw_document_find(check->doc, "live") == NULL) {
        pw_document_problem(check->doc, mark, "gateway: live needs the section 'live'; add it");
    }
    live_limits_check(check);
    if (!config->journal.enabled) {
        pw_document_problem(check->doc, pw_document_mark(check->doc, "journal.enabled"),
                            "journal: with `gateway: live` it must be enabled: order ids are numbered by it");
    }
    if (config->feed_cnt >= PW_FEEDS_MAX) {
        pw_document_problem(
            check->doc, pw_document_mark(check->doc, "feeds"),
            "feeds: with `gateway: live` at most %u are possible: order entry is a connection, too",
            PW_FEEDS_MAX - 1);
    }
}

/* ---- the whole ---- */

static int unreadable(const char *path, int rc, char *error, size_t error_bytes)
{
    const char *what = rc == -EFBIG ? "is larger than 1 MiB: not a config" : strerror(-rc);
    snprintf(error, error_bytes, "%s: cannot be read: %s; check the name and its permissions", path, what);
    return rc;
}

int pw_config_load_for(struct pw_config *config, const char *path, const char *const *stage_names,
                       uint32_t stage_cnt, const struct pw_cpus *cpus, char *error, size_t error_bytes)
{
    memset(config, 0, sizeof *config);
    if (strlen(path) >= sizeof config->path) {
        return unreadable(path, -ENAMETOOLONG, error, error_bytes);
    }
    memcpy(config->path, path, strlen(path) + 1);
    struct pw_document *doc = malloc(sizeof *doc);
    if (doc == NULL) {
        return unreadable(path, -ENOMEM, error, error_bytes);
    }
    int rc = pw_document_load(doc, path);
    if (rc == 0) {
        struct check check = {doc, config, stage_names, stage_cnt, cpus};
        pw_schema_read(doc, config);
        stages_check(&check);
        net_check(&check);
        cores_check(&check);
        feeds_check(&check);
        strategies_check(&check);
        journal_check(&check);
        live_check(&check);
    }
    if (doc->problem_cnt > 0) {
        pw_document_print_problems(doc, error, error_bytes);
        rc = -EINVAL;
    } else if (rc != 0) {
        unreadable(path, rc, error, error_bytes);
    }
    pw_document_free(doc);
    free(doc);
    return rc;
}

int pw_config_load(struct pw_config *config, const char *path, const char *const *stage_names,
                   uint32_t stage_cnt, char *error, size_t error_bytes)
{
    struct pw_cpus cpus;
    pw_cpus_of_host(&cpus);
    return pw_config_load_for(config, path, stage_names, stage_cnt, &cpus, error, error_bytes);
}

uint32_t pw_config_instrument_cnt(const struct pw_config *config)
{
    uint32_t cnt = 0;
    for (uint32_t i = 0; i < config->feed_cnt; i++) {
        cnt += config->feeds[i].instrument_cnt;
    }
    return cnt;
}

bool pw_config_is_live(const struct pw_config *config)
{
    return strcmp(config->gateway, "live") == 0;
}

uint32_t pw_config_conn_cnt(const struct pw_config *config)
{
    return config->feed_cnt + pw_config_is_live(config);
}

const struct pw_config_feed *pw_config_conn(const struct pw_config *config, uint32_t conn_idx)
{
    return conn_idx < config->feed_cnt ? &config->feeds[conn_idx] : &config->live.conn;
}

uint16_t pw_config_instrument_idx(const struct pw_config *config, const char *symbol)
{
    uint16_t instrument_idx = 0;
    for (uint32_t f = 0; f < config->feed_cnt; f++) {
        for (uint32_t i = 0; i < config->feeds[f].instrument_cnt; i++, instrument_idx++) {
            if (strcmp(config->feeds[f].instruments[i], symbol) == 0) {
                return instrument_idx;
            }
        }
    }
    return PW_NO_INSTRUMENT;
}
