/* SPDX-License-Identifier: MIT
 *
 * The section `accounts`. See accounts_config.h.
 */
#include "accounts_config.h"

#include "ban_host.h"
#include "config_check.h"
#include "gateways.h"
#include <string.h>

#define NAME(name) #name,
static const char *const g_gateways[] = {PW_GATEWAY_ROWS(NAME)};

/* clang-format off */
static const struct pw_key g_account_keys[] = {
    {.name = "name", PW_FIELD(struct pw_config_account, name), .kind = PW_VALUE_NAME, .required = true, .help = "unique name"},
    {.name = "gateway", PW_FIELD(struct pw_config_account, gateway.kind), .kind = PW_VALUE_TOKEN, .fallback = "paper",
     PW_CHOICES(g_gateways), .help = "as the key of that name"},
    {.name = "feeds", PW_ROWS(struct pw_config_account, feeds, feed_cnt), .kind = PW_VALUE_LIST, .item = PW_VALUE_NAME,
     .required = true, .help = "names of the feeds whose instruments it trades, all of one venue; a feed has at most one account"},
    {.name = "currency", PW_FIELD(struct pw_config_account, currency), .kind = PW_VALUE_SYMBOL,
     .help = "quote currency; the start fails if an instrument that it trades is quoted in another"},
    {.name = "line", PW_FIELD(struct pw_config_account, line), .kind = PW_VALUE_COUNT, .fallback = "0", .max = PW_LINES_MAX,
     .help = "the line of stages that serves its order entry, one that a feed has; 0: that of its first feed"},
    {.name = "paper", PW_FIELD(struct pw_config_account, paper), .kind = PW_VALUE_GROUP, .section = &pw_paper_group,
     .help = "as the section of that name"},
    {.name = "live", PW_FIELD(struct pw_config_account, live), .kind = PW_VALUE_GROUP, .section = &pw_live_group,
     .help = "as the section of that name; required if its gateway is live or dry"},
};

static const struct pw_key g_keys[] = {
    {.name = "accounts", PW_ROWS(struct pw_config_accounts, accounts, account_cnt), .kind = PW_VALUE_GROUPS,
     PW_GROUP(g_account_keys, "accounts"),
     .help = "several accounts in one engine, each with a venue, a currency and a gateway of its own, in place of the sections "
             "`gateway`, `paper` and `live`; without it one account trades at all feeds"},
};
/* clang-format on */

/* ---- what there is ---- */

static const struct pw_gateway_traits *traits_of(const char *kind)
{
    static const struct pw_gateway_traits none;
    const struct pw_gateway_ops *ops = pw_gateway_find(kind);
    return ops ? &ops->traits : &none;
}

uint32_t pw_config_account_cnt(const struct pw_config *config)
{
    uint32_t cnt = PW_CONFIG(config, accounts)->account_cnt;
    return cnt ? cnt : 1;
}

struct pw_account_setup pw_config_account(const struct pw_config *config, uint32_t account_idx)
{
    const struct pw_config_accounts *accounts = PW_CONFIG(config, accounts);
    if (accounts->account_cnt == 0) {
        const char *kind = PW_CONFIG(config, gateway)->kind;
        return (struct pw_account_setup){.name = "main",
                                         .kind = kind,
                                         .traits = traits_of(kind),
                                         .currency = "",
                                         .paper = PW_CONFIG(config, paper),
                                         .live = PW_CONFIG(config, live),
                                         .feed_mask = UINT32_MAX};
    }
    const struct pw_config_account *account = &accounts->accounts[account_idx];
    return (struct pw_account_setup){.name = account->name,
                                     .kind = account->gateway.kind,
                                     .traits = traits_of(account->gateway.kind),
                                     .currency = account->currency,
                                     .line = account->line,
                                     .paper = &account->paper,
                                     .live = &account->live,
                                     .feed_mask = account->feed_mask};
}

const char *pw_config_account_key(const struct pw_config *config, uint32_t account_idx, const char *key,
                                  char *text, size_t bytes)
{
    if (PW_CONFIG(config, accounts)->account_cnt == 0) {
        snprintf(text, bytes, "%s", key);
    } else {
        snprintf(text, bytes, "accounts[%u].%s", account_idx, key);
    }
    return text;
}

uint32_t pw_config_account_of_feed(const struct pw_config *config, uint32_t feed_idx)
{
    for (uint32_t i = 0; i < pw_config_account_cnt(config); i++) {
        if (pw_config_account(config, i).feed_mask >> feed_idx & 1) {
            return i;
        }
    }
    return PW_NO_ACCOUNT;
}

int64_t pw_config_max_age_ns(const struct pw_config *config, uint32_t feed_idx)
{
    uint32_t account_idx = pw_config_account_of_feed(config, feed_idx);
    if (account_idx == PW_NO_ACCOUNT) {
        return 0;
    }
    struct pw_account_setup account = pw_config_account(config, account_idx);
    return account.traits->connects ? account.live->max_tick_age_ms * PW_NS_PER_MS : 0;
}

bool pw_config_connects(const struct pw_config *config)
{
    bool connects = false;
    for (uint32_t i = 0; i < pw_config_account_cnt(config); i++) {
        connects |= pw_config_account(config, i).traits->connects;
    }
    return connects;
}

bool pw_config_moves_money(const struct pw_config *config)
{
    bool moves = false;
    for (uint32_t i = 0; i < pw_config_account_cnt(config); i++) {
        moves |= pw_config_account(config, i).traits->moves_money;
    }
    return moves;
}

/* ---- connections ---- */

/* Feeds of one domain share its bans, and so do the feeds of an account of the section. */
static bool share_bans(const struct pw_config *config, uint32_t one_idx, uint32_t other_idx)
{
    const struct pw_config_feeds *feeds = PW_CONFIG(config, feeds);
    char one[PW_BAN_HOST_BYTES], other[PW_BAN_HOST_BYTES];
    uint32_t account_idx = pw_config_account_of_feed(config, one_idx);
    pw_ban_host_of_url(feeds->feeds[one_idx].rest_url, one);
    pw_ban_host_of_url(feeds->feeds[other_idx].rest_url, other);
    return strcmp(one, other) == 0 ||
           (PW_CONFIG(config, accounts)->account_cnt > 0 && account_idx != PW_NO_ACCOUNT &&
            account_idx == pw_config_account_of_feed(config, other_idx));
}

/* Of each feed the first one that it shares bans with, be it by way of others. */
static void find_hosts(const struct pw_config *config, uint32_t host_of[PW_FEEDS_MAX])
{
    for (uint32_t i = 0; i < PW_CONFIG(config, feeds)->feed_cnt; i++) {
        host_of[i] = i;
        for (uint32_t k = 0; k < i; k++) {
            uint32_t first = host_of[i] < host_of[k] ? host_of[i] : host_of[k];
            uint32_t second = host_of[i] ^ host_of[k] ^ first;
            bool joins = first != second && share_bans(config, i, k);
            for (uint32_t j = 0; joins && j <= i; j++) {
                host_of[j] = host_of[j] == second ? first : host_of[j];
            }
        }
    }
}

/* Venue and host of an account are those of its first feed, and so is its line, if it names none. */
static struct pw_conn_row orders_row(const struct pw_config *config, uint32_t account_idx,
                                     const uint32_t host_of[PW_FEEDS_MAX])
{
    struct pw_account_setup account = pw_config_account(config, account_idx);
    uint32_t feed_idx = account.feed_mask ? (uint32_t)__builtin_ctz(account.feed_mask) : 0;
    return (struct pw_conn_row){
        .role = PW_CONN_ROLE_ORDERS,
        .owner_idx = account_idx,
        .account_idx = account_idx,
        .line_idx =
            account.line > 0 ? account.line - 1 : pw_feeds_line_idx(PW_CONFIG(config, feeds), feed_idx),
        .host_idx = host_of[feed_idx],
        .venue = pw_venue_find(PW_CONFIG(config, feeds)->feeds[feed_idx].venue),
        .config = &account.live->conn,
    };
}

void pw_config_conns(const struct pw_config *config, struct pw_conns *conns)
{
    const struct pw_config_feeds *feeds = PW_CONFIG(config, feeds);
    uint32_t host_of[PW_FEEDS_MAX] = {0};
    find_hosts(config, host_of);
    pw_conns_init(conns);
    for (uint32_t i = 0; i < feeds->feed_cnt; i++) {
        pw_conns_add(conns, (struct pw_conn_row){.role = PW_CONN_ROLE_MARKET,
                                                 .owner_idx = i,
                                                 .account_idx = pw_config_account_of_feed(config, i),
                                                 .line_idx = pw_feeds_line_idx(feeds, i),
                                                 .host_idx = host_of[i],
                                                 .venue = pw_venue_find(feeds->feeds[i].venue),
                                                 .config = &feeds->feeds[i]});
    }
    for (uint32_t i = 0; i < pw_config_account_cnt(config); i++) {
        if (pw_config_account(config, i).traits->connects) {
            pw_conns_add(conns, orders_row(config, i, host_of));
        }
    }
}

/* ---- checks ---- */

static struct pw_config_account *account_at(const struct pw_config_check *check, uint32_t account_idx)
{
    return &((struct pw_config_accounts *)check->record)->accounts[account_idx];
}

static void names_check(const struct pw_config_check *check, uint32_t account_idx)
{
    const char *name = account_at(check, account_idx)->name;
    for (uint32_t i = 0; i < account_idx; i++) {
        if (name[0] != '\0' && strcmp(account_at(check, i)->name, name) == 0) {
            pw_document_problem(check->doc, pw_document_mark(check->doc, "accounts[%u].name", account_idx),
                                "name: the account in line %zu is also '%s'; names are unique",
                                pw_document_mark(check->doc, "accounts[%u].name", i).line + 1, name);
        }
    }
}

/* Which feeds its names mean. A feed has one account, an account one venue. */
static void feeds_check(const struct pw_config_check *check, uint32_t account_idx)
{
    const struct pw_config_feeds *feeds = PW_CONFIG(check->config, feeds);
    struct pw_config_account *account = account_at(check, account_idx);
    const char *venue = NULL;
    for (uint32_t k = 0; k < account->feed_cnt; k++) {
        const char *name = account->feeds[k];
        yaml_mark_t mark = pw_document_mark(check->doc, "accounts[%u].feeds[%u]", account_idx, k);
        uint32_t feed_idx = 0, taken = 0;
        while (feed_idx < feeds->feed_cnt && strcmp(feeds->feeds[feed_idx].name, name) != 0) {
            feed_idx++;
        }
        for (uint32_t i = 0; i <= account_idx; i++) {
            taken |= account_at(check, i)->feed_mask;
        }
        if (name[0] == '\0') {
            continue; /* reported already */
        } else if (feed_idx == feeds->feed_cnt) {
            pw_document_problem(check->doc, mark, "feeds: there is no feed '%s'; add it to `feeds`", name);
            continue;
        } else if (taken >> feed_idx & 1) {
            pw_document_problem(check->doc, mark, "feeds: '%s' has an account already; remove it here", name);
        } else if (venue != NULL && strcmp(venue, feeds->feeds[feed_idx].venue) != 0) {
            pw_document_problem(check->doc, mark,
                                "feeds: '%s' is of venue %s, another one of %s; an account is at one venue",
                                name, feeds->feeds[feed_idx].venue, venue);
        }
        account->feed_mask |= 1u << feed_idx;
        venue = venue ? venue : feeds->feeds[feed_idx].venue;
    }
    if (account->feed_cnt == 0 && pw_document_find(check->doc, "accounts[%u].feeds", account_idx) != NULL) {
        pw_document_problem(check->doc, pw_document_mark(check->doc, "accounts[%u].feeds", account_idx),
                            "feeds: is empty; name the feeds that it trades at");
    }
}

static void gateway_check(const struct pw_config_check *check, uint32_t account_idx)
{
    struct pw_config_account *account = account_at(check, account_idx);
    if (account->line > pw_feeds_line_cnt(PW_CONFIG(check->config, feeds))) {
        pw_document_problem(check->doc, pw_document_mark(check->doc, "accounts[%u].line", account_idx),
                            "line: no feed has line %u; use one that a feed has", account->line);
    }
    struct pw_config_feed *conn = &account->live.conn;
    if (conn->backoff_min_ms > conn->backoff_max_ms) {
        pw_document_problem(check->doc,
                            pw_document_mark(check->doc, "accounts[%u].live.backoff_min_ms", account_idx),
                            "backoff_min_ms: %u is more than backoff_max_ms, %u; make it less",
                            conn->backoff_min_ms, conn->backoff_max_ms);
    }
    if (!traits_of(account->gateway.kind)->connects) {
        return;
    }
    char name[sizeof account->name];
    memcpy(name, account->name, sizeof name);
    snprintf(conn->name, sizeof conn->name, "orders.%s", name);
    if (pw_document_find(check->doc, "accounts[%u].live", account_idx) == NULL) {
        pw_document_problem(check->doc, pw_document_mark(check->doc, "accounts[%u].gateway", account_idx),
                            "gateway: %s needs the group 'live' of its account; add it",
                            account->gateway.kind);
    }
}

static void accounts_check(const struct pw_config_check *check)
{
    static const char *const replaced[] = {"gateway", "paper", "live"};
    const struct pw_config_accounts *accounts = check->record;
    for (size_t i = 0; accounts->account_cnt > 0 && i < sizeof replaced / sizeof *replaced; i++) {
        if (pw_document_find(check->doc, "%s", replaced[i]) != NULL) {
            pw_document_problem(check->doc, pw_document_mark(check->doc, "%s", replaced[i]),
                                "%s: with `accounts` it belongs to an account; move it there", replaced[i]);
        }
    }
    for (uint32_t i = 0; i < accounts->account_cnt; i++) {
        names_check(check, i);
        feeds_check(check, i);
        gateway_check(check, i);
    }
}

const struct pw_section pw_accounts_section = {
    .keys = g_keys,
    .key_cnt = PW_COUNT_OF(g_keys),
    .bytes = sizeof(struct pw_config_accounts),
    .check = accounts_check,
};
