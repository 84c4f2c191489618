/* SPDX-License-Identifier: MIT
 *
 * The sections of the engine's config, and the rules that span several owners'. See sections.h.
 */
#include "sections.h"

#include "book_config.h"
#include "config_check.h"
#include "cores.h"
#include "feeds.h"
#include "host.h"
#include "instance.h"
#include "journal_config.h"
#include "live_topology.h"
#include "net_config.h"
#include "ring_sizes.h"
#include "risk_config.h"
#include "strategies.h"
#include "strategies_config.h"
#include <pinwheel/venue.h>
#include <stdio.h>
#include <string.h>

static void rules_check(const struct pw_config_check *check);

/* No keys of its own: what the sections must be to each other. */
static const struct pw_section rules_section = {.check = rules_check};

/* A new section is a row here, in the order of the reference page. */
static const struct pw_section *const sections[] = {
    &pw_instance_section, &pw_cores_section, &pw_feeds_section, &pw_strategies_section, &pw_risk_section,
    &pw_gateway_section,  &pw_paper_section, &pw_live_section,  &pw_accounts_section,   &pw_journal_section,
    &pw_rings_section,    &pw_book_section,  &pw_net_section,   &rules_section,
};

struct pw_config *pw_app_config_create(void)
{
    return pw_config_create(sections, PW_COUNT_OF(sections));
}

int pw_app_config_load(struct pw_config *config, const char *path, const struct pw_cpus *cpus, char *error,
                       size_t error_bytes)
{
    struct pw_cpus host;
    if (cpus == NULL) {
        pw_cpus_of_host(&host);
    }
    struct pw_cores_given stages = {pw_live_stage_names, cpus != NULL ? cpus : &host};
    struct pw_config_given given = {&pw_cores_section, &stages};
    return pw_config_load(config, path, &given, 1, error, error_bytes);
}

void pw_app_config_print_reference(FILE *out)
{
    struct pw_cores_given stages = {pw_live_stage_names, NULL};
    struct pw_config_given given = {&pw_cores_section, &stages};
    pw_config_print_reference(out, sections, PW_COUNT_OF(sections), &given, 1);
}

/* ---- rules across sections ---- */

/* net_rx and net_tx of a line are two ends of one io_uring, which has a single issuer. */
static void net_check(const struct pw_config_check *check)
{
    const struct pw_config_cores *cores = PW_CONFIG(check->config, cores);
    char names[PW_STAGES_MAX][PW_STAGE_NAME_BYTES];
    uint32_t cnt = pw_live_stage_names(check->config, names);
    for (uint32_t i = 0; i < cnt; i++) {
        char rx[PW_STAGE_NAME_BYTES];
        uint32_t rx_place, tx_place;
        if (strncmp(names[i], "net_tx", 6) != 0) {
            continue;
        }
        snprintf(rx, sizeof rx, "net_rx%s", names[i] + 6);
        uint32_t rx_core = pw_cores_find(cores, rx, &rx_place);
        uint32_t tx_core = pw_cores_find(cores, names[i], &tx_place);
        if (rx_core != tx_core && rx_core < cores->core_cnt && tx_core < cores->core_cnt) {
            pw_document_problem(
                check->doc, pw_document_mark(check->doc, "cores[%u].stages[%u]", tx_core, tx_place),
                "stages: '%s' must be on the core of '%s' (line %zu); they share sockets", names[i], rx,
                pw_document_mark(check->doc, "cores[%u].stages[%u]", rx_core, rx_place).line + 1);
        }
    }
}

/* Each of risk's limits must be set: 0 would mean none. */
static void live_limits_check(const struct pw_config_check *check)
{
    const struct pw_config_risk *risk = PW_CONFIG(check->config, risk);
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

static void gateway_check(const struct pw_config_check *check, const struct pw_account_setup *account)
{
    if (account->traits->needs_journal && !PW_CONFIG(check->config, journal)->enabled) {
        pw_document_problem(check->doc, pw_document_mark(check->doc, "journal.enabled"),
                            "journal: must be enabled with `gateway: %s`; it numbers the order ids",
                            account->kind);
    }
}

static void gateways_check(const struct pw_config_check *check)
{
    const struct pw_config *config = check->config;
    const char *kind = NULL;
    for (uint32_t i = 0; i < pw_config_account_cnt(config); i++) {
        struct pw_account_setup account = pw_config_account(config, i);
        bool is_first = kind == NULL && (account.traits->connects || account.traits->needs_journal);
        if (is_first) { /* what the file lacks is said once */
            gateway_check(check, &account);
            kind = account.kind;
        }
    }
    if (pw_config_moves_money(config)) {
        live_limits_check(check);
    }
    struct pw_conns conns;
    pw_config_conns(config, &conns);
    uint32_t order_cnt = pw_conns_cnt_of(&conns, PW_CONN_ROLE_ORDERS);
    if (order_cnt > 0 && conns.cnt > PW_FEEDS_MAX) {
        pw_document_problem(
            check->doc, pw_document_mark(check->doc, "feeds"),
            "feeds: the maximum with `gateway: %s` is %u; order entry needs a connection, too", kind,
            PW_FEEDS_MAX - order_cnt);
    }
}

/* What is wrong with trading at that feed; false: nothing. The order entry of an account is that of its first
 * feed's venue, so the others must be of the same one, which their REST addresses tell. */
static bool trading_problem(const struct pw_config *config, uint32_t feed_idx, char *text, size_t bytes)
{
    const struct pw_config_feed *feeds = PW_CONFIG(config, feeds)->feeds, *feed = &feeds[feed_idx];
    const struct pw_venue *venue = pw_venue_find(feed->venue);
    uint32_t account_idx = pw_config_account_of_feed(config, feed_idx);
    if (account_idx == PW_NO_ACCOUNT) {
        snprintf(text, bytes, "feed '%s' has no account to trade with; add it to an account's feeds",
                 feed->name);
        return true;
    }
    struct pw_account_setup account = pw_config_account(config, account_idx);
    const struct pw_config_feed *first = &feeds[account.feed_mask ? __builtin_ctz(account.feed_mask) : 0];
    if (!account.traits->connects || !venue) {
        return false;
    }
    if (!venue->entry) {
        snprintf(text, bytes, "feed '%s': venue '%s' has no order entry; use `gateway: paper`", feed->name,
                 feed->venue);
        return true;
    }
    snprintf(text, bytes,
             "feed '%s' is of another venue than '%s' (rest_url), where account '%s' trades; use `accounts`",
             feed->name, first->name, account.name);
    return strcmp(feed->venue, first->venue) != 0 || strcmp(feed->rest_url, first->rest_url) != 0;
}

/* Each strategy's instruments must have an account that can trade them. */
static void traded_check(const struct pw_config_check *check)
{
    const struct pw_config_strategies *strategies = PW_CONFIG(check->config, strategies);
    for (uint32_t s = 0; s < strategies->strategy_cnt; s++) {
        const struct pw_config_strategy *strategy = &strategies->strategies[s];
        for (uint32_t k = 0; k < strategy->instrument_cnt; k++) {
            char text[256];
            uint32_t feed_idx =
                pw_feeds_of_instrument(PW_CONFIG(check->config, feeds), strategy->instruments[k]);
            if (trading_problem(check->config, feed_idx, text, sizeof text)) {
                pw_document_problem(check->doc,
                                    pw_document_mark(check->doc, "strategies[%u].instruments[%u]", s, k),
                                    "instruments: %s", text);
            }
        }
    }
}

/* A strategy that is never told of what it decides on would trade nothing, and say nothing. */
static void decides_check(const struct pw_config_check *check, uint32_t strategy_idx,
                          const struct pw_strategy_ops *ops)
{
    const struct pw_config_strategy *strategy =
        &PW_CONFIG(check->config, strategies)->strategies[strategy_idx];
    const struct pw_config_feeds *feeds = PW_CONFIG(check->config, feeds);
    for (uint32_t k = 0; ops->decides_on != 0 && k < strategy->instrument_cnt; k++) {
        uint32_t feed_idx = pw_feeds_of_instrument(feeds, strategy->instruments[k]);
        if ((pw_feed_kinds(&feeds->feeds[feed_idx]) & ops->decides_on) == 0 &&
            !pw_document_has_problem_in(check->doc, pw_document_find(check->doc, "feeds[%u]", feed_idx))) {
            char names[160];
            pw_document_problem(
                check->doc, pw_document_mark(check->doc, "feeds[%u].streams", feed_idx),
                "streams: strategy '%s' (%s) decides on none of these; add one of: %s", strategy->name,
                ops->kind, pw_feed_streams_of(&feeds->feeds[feed_idx], ops->decides_on, names, sizeof names));
            return;
        }
    }
}

/* What a strategy says of itself, held against the rest of the file. */
static void strategies_rules_check(const struct pw_config_check *check)
{
    const struct pw_config_strategies *strategies = PW_CONFIG(check->config, strategies);
    for (uint32_t s = 0; s < strategies->strategy_cnt; s++) {
        const struct pw_strategy_ops *ops = pw_strategy_find(strategies->strategies[s].kind);
        if (ops == NULL) {
            continue;
        }
        decides_check(check, s, ops);
        if (ops->only_buys && PW_CONFIG(check->config, risk)->max_position_e8 == 0) {
            pw_document_problem(check->doc, pw_document_mark(check->doc, "strategies[%u].kind", s),
                                "kind: '%s' only buys; set risk.max_position, which ends it", ops->kind);
        }
    }
}

/* Allowed on paper, but seldom meant. */
static void paper_limits_check(const struct pw_config_check *check)
{
    const struct pw_config_risk *risk = PW_CONFIG(check->config, risk);
    bool limited = risk->max_order_notional_e8 > 0 || risk->max_position_e8 > 0 || risk->max_orders_per_s > 0;
    if (PW_CONFIG(check->config, strategies)->strategy_cnt > 0 && !limited) {
        pw_log(PW_LOG_WARN, "%s: no limit of section 'risk' is set; orders are limited by cash alone",
               check->doc->path);
    }
}

/* Recorded messages are numbered by the parser that decodes them, and one series is what readers expect. */
static void lines_check(const struct pw_config_check *check)
{
    if (PW_CONFIG(check->config, journal)->raw_frames &&
        pw_feeds_line_cnt(PW_CONFIG(check->config, feeds)) > 1) {
        pw_document_problem(check->doc, pw_document_mark(check->doc, "journal.raw_frames"),
                            "raw_frames: must be false with several lines of feeds");
    }
}

static void rules_check(const struct pw_config_check *check)
{
    net_check(check);
    lines_check(check);
    gateways_check(check);
    traded_check(check);
    strategies_rules_check(check);
    paper_limits_check(check);
}
