/* SPDX-License-Identifier: MIT
 *
 * The sections `gateway`, `paper` and `live`. See gateway_config.h.
 */
#include "gateway_config.h"

#include "config_check.h"
#include "gateways.h"
#include <pinwheel/event.h>
#include <string.h>

#define NAME(name) #name,
static const char *const g_gateways[] = {PW_GATEWAY_ROWS(NAME)};

/* clang-format off */
static const struct pw_key g_gateway_keys[] = {
    {.name = "gateway", PW_FIELD(struct pw_config_gateway, kind), .kind = PW_VALUE_TOKEN, .fallback = "paper",
     PW_CHOICES(g_gateways), .help = "where orders go; dry: the venue validates them and places none (docs/live.md)"},
};

static const struct pw_key g_paper_keys[] = {
    {.name = "cash", PW_FIELD(struct pw_config_paper, cash_e8), .kind = PW_VALUE_DECIMAL, .fallback = "10000", .max = INT64_MAX,
     .unit = "quote currency", .help = "opening balance"},
    {.name = "fee_rate", PW_FIELD(struct pw_config_paper, fee_rate_e8), .kind = PW_VALUE_DECIMAL, .fallback = "0.001", .max = PW_E8,
     .help = "fee as a share of each fill's price times quantity: 0.001 is 0.1 %"},
    {.name = "latency_us", PW_FIELD(struct pw_config_paper, latency_ns), .kind = PW_VALUE_COUNT, .fallback = "0", .max = 60000000,
     .unit = "us", .scale = 1000, .help = "market time between an order and its fill"},
};

static const struct pw_key g_paper_root[] = {
    {.name = "paper", PW_WHOLE(struct pw_config_paper), .kind = PW_VALUE_GROUP, PW_GROUP(g_paper_keys, "paper"),
     .help = "the simulated account of the paper gateway; each start begins it anew, with `cash` and without positions"},
};

static const struct pw_key g_live_keys[] = {
    {.name = "ws_url", PW_FIELD(struct pw_config_live, conn.ws_url), .kind = PW_VALUE_URL, .required = true, .expands = true,
     PW_CHOICES(pw_ws_schemes), .help = "order entry: wss://host[:port]/path; ws:// on loopback only"},
    {.name = "ca_file", PW_FIELD(struct pw_config_live, conn.ca_file), .kind = PW_VALUE_PATH, .expands = true,
     .help = "PEM file of the authorities that may sign the venue's certificate; empty: the system's"},
    {.name = "api_key_file", PW_FIELD(struct pw_config_live, api_key_file), .kind = PW_VALUE_PATH, .required = true, .expands = true,
     .help = "file with the API key, one line; of mode 0600"},
    {.name = "key_file", PW_FIELD(struct pw_config_live, key_file), .kind = PW_VALUE_PATH, .required = true, .expands = true,
     .help = "file with its secret, of mode 0600: a PEM Ed25519 private key (PKCS#8), or the shared secret of an "
             "HMAC key, which has to sign each order and is slower"},
    {.name = "cash", PW_FIELD(struct pw_config_live, cash_e8), .kind = PW_VALUE_DECIMAL, .required = true, .max = INT64_MAX,
     .unit = "quote currency", .help = "capital allocated to this engine; the account must have it"},
    {.name = "fee_rate", PW_FIELD(struct pw_config_live, fee_rate_e8), .kind = PW_VALUE_DECIMAL, .fallback = "0.001", .max = PW_E8,
     .help = "the highest fee of a fill, as a share of price times quantity; cash is reserved for it"},
    {.name = "recv_window_ms", PW_FIELD(struct pw_config_live, recv_window_ms), PW_MS("5000", 1, 60000),
     .help = "the venue rejects a request that is older"},
    {.name = "ack_timeout_ms", .old_name = "answer_timeout_ms", PW_FIELD(struct pw_config_live, ack_timeout_ms), PW_MS("3000", 10, 60000),
     .help = "without an answer for this time the outcome is unknown, and the venue is queried"},
    {.name = "max_tick_age_ms", .old_name = "max_age_ms", PW_FIELD(struct pw_config_live, max_tick_age_ms), PW_MS("1000", 1, 60000),
     .help = "an order is denied as `stale` if the market data behind it is older (docs/live.md)"},
    {.name = "max_rejections", PW_FIELD(struct pw_config_live, max_rejections), .kind = PW_VALUE_COUNT, .fallback = "5", .max = 1000,
     .help = "after so many orders in a row that the venue rejected, new ones are denied as `rejections`; 0: never"},
    {.name = "rejection_pause_s", PW_FIELD(struct pw_config_live, rejection_pause_ns), .kind = PW_VALUE_COUNT, .fallback = "60", .min = 1, .max = 86400,
     .unit = "s", .scale = 1000000000, .help = "for so long, or until `pinwheel ctl INSTANCE resume`; then one more rejection begins it again"},
    {.name = "message_bytes_max", PW_FIELD(struct pw_config_live, conn.message_bytes_max), .kind = PW_VALUE_COUNT, .fallback = "4194304", .min = 65536, .max = 1 << 26,
     .unit = "bytes", .help = "a larger message of the venue, such as a list of open orders, ends the connection"},
    {.name = "dead_after_ms", PW_FIELD(struct pw_config_live, conn.dead_after_ms), PW_MS("30000", 100, 3600000),
     .help = "reconnect after this time without a whole message, pings included"},
    PW_CONN_KEYS(struct pw_config_live, conn.),
};

static const struct pw_key g_live_root[] = {
    {.name = "live", PW_WHOLE(struct pw_config_live), .kind = PW_VALUE_GROUP, PW_GROUP(g_live_keys, "live"),
     .help = "order entry at the venue; required if the gateway is live (with real money) or dry"},
};
/* clang-format on */

const struct pw_section pw_paper_group = {
    .title = "paper", .keys = g_paper_keys, .key_cnt = PW_COUNT_OF(g_paper_keys)};
const struct pw_section pw_live_group = {
    .title = "live", .keys = g_live_keys, .key_cnt = PW_COUNT_OF(g_live_keys)};

static void live_check(const struct pw_config_check *check)
{
    struct pw_config_live *live = check->record;
    const char *kind = PW_CONFIG(check->config, gateway)->kind;
    const struct pw_gateway_ops *ops = pw_gateway_find(kind);
    struct pw_config_feed *conn = &live->conn;
    if (conn->backoff_min_ms > conn->backoff_max_ms) {
        pw_document_problem(check->doc, pw_document_mark(check->doc, "live.backoff_min_ms"),
                            "backoff_min_ms: %u is more than backoff_max_ms, %u; make it less",
                            conn->backoff_min_ms, conn->backoff_max_ms);
    }
    if (ops == NULL || !ops->traits.connects) {
        return;
    }
    snprintf(conn->name, sizeof conn->name, "orders"); /* among the feeds' names in tools */
    if (pw_document_find(check->doc, "live") == NULL) {
        pw_document_problem(check->doc, pw_document_mark(check->doc, "gateway"),
                            "gateway: %s needs the section 'live'; add it", kind);
    }
}

const struct pw_section pw_gateway_section = {.keys = g_gateway_keys,
                                              .key_cnt = PW_COUNT_OF(g_gateway_keys),
                                              .bytes = sizeof(struct pw_config_gateway)};

const struct pw_section pw_paper_section = {
    .keys = g_paper_root, .key_cnt = PW_COUNT_OF(g_paper_root), .bytes = sizeof(struct pw_config_paper)};

const struct pw_section pw_live_section = {
    .keys = g_live_root,
    .key_cnt = PW_COUNT_OF(g_live_root),
    .bytes = sizeof(struct pw_config_live),
    .check = live_check,
};
