/* SPDX-License-Identifier: MIT
 *
 * Keys, configs, conditions, and the comparison of two ledgers: see live_rig.h.
 */
#include "json_exact.h"
#include "live_rig.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <pinwheel/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* The pair is harness_private_pem and harness_public_pem, which api_sign has, too. */
const struct api_key live_ed25519 = {"LiveRigKeyOfThePair0123456789", NULL};
const struct api_key live_hmac = {"LiveRigKeyOfTheSecret0123456789", "live-rig-shared-secret-0123456789"};

static const char *const symbols[] = {"BTCUSDT", "ETHUSDT"};
#define SYMBOLS (sizeof symbols / sizeof *symbols)

/* ---- begin and end ---- */

static void write_file(const struct live_rig *rig, const char *name, const char *text)
{
    char path[2 * HARNESS_PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", rig->h.dir, name);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fputs(text, file);
    cr_assert_eq(fclose(file), 0);
    cr_assert_eq(chmod(path, 0600), 0);
}

void live_begin(struct live_rig *rig, const char *name, const struct api_key *key)
{
    *rig = (struct live_rig){.key = key};
    harness_begin(&rig->h, name);
    snprintf(rig->config, sizeof rig->config, "%s/engine.yaml", rig->h.dir);
    write_file(rig, "api-key", key->name);
    write_file(rig, "key", key->secret != NULL ? key->secret : harness_private_pem);
    write_file(rig, "public.pem", harness_public_pem);
}

void live_end(struct live_rig *rig)
{
    harness_end(&rig->h);
}

void live_venue(struct live_rig *rig, const char *more, int port)
{
    const char *balances =
        rig->cash_only
            ? "[{asset: USDT, free: \"100000\"}]"
            : "[{asset: USDT, free: \"100000\"}, {asset: BTC, free: \"10\"}, {asset: ETH, free: \"100\"}]";
    char yaml[4096];
    int trades = 100 * (rig->busy > 0 ? rig->busy : 1);
    snprintf(yaml, sizeof yaml,
             "market:\n  seed: 7\n  instruments:\n"
             "    - {symbol: BTCUSDT, price: \"60000\", trades_per_s: %d, quotes_per_s: %d}\n"
             "    - {symbol: ETHUSDT, price: \"3000\", step: \"0.0001\", trades_per_s: %d, quotes_per_s: "
             "%d}\n"
             "accounts:\n"
             "  - {api_key: %s, public_key: \"%s/public.pem\", maker_fee_bps: 8, balances: %s}\n"
             "  - {api_key: %s, secret: %s, maker_fee_bps: 8, balances: %s}\n"
             "%s",
             trades, 2 * trades, trades, 2 * trades, live_ed25519.name, rig->h.dir, balances, live_hmac.name,
             live_hmac.secret, balances, more);
    harness_sim_start(&rig->h, yaml, port);
}

/* ---- the engine ---- */

static const char *cores_of(enum placement placement)
{
    switch (placement) {
    case ONE_CORE:
        return "  - {core: none, idle: sleep, stages: [net_rx, parse, strategy, execution, net_tx, journal, "
               "housekeeping]}\n";
    case ALL_APART:
        return "  - {core: none, idle: yield, stages: [net_rx, net_tx]}\n"
               "  - {core: none, idle: yield, stages: [parse]}\n"
               "  - {core: none, idle: yield, stages: [strategy]}\n"
               "  - {core: none, idle: yield, stages: [execution]}\n"
               "  - {core: none, idle: sleep, stages: [journal]}\n"
               "  - {core: none, idle: sleep, stages: [housekeeping]}\n";
    default:
        return "  - {core: none, idle: yield, stages: [net_rx, parse, strategy, execution, net_tx]}\n"
               "  - {core: none, idle: sleep, stages: [journal, housekeeping]}\n";
    }
}

const char live_quoter[] = "  - {name: quoter, kind: quoter, instruments: [ETHUSDT, BTCUSDT], params: "
                           "{quantity: \"0.02\", distance: 5000, every: 10}}\n";
const char live_ma[] = "  - {name: ma, kind: ma_cross, instruments: [BTCUSDT, ETHUSDT], params: {fast: "
                       "3, slow: 10, quantity: \"0.02\"}}\n";

/* Orders of all sorts: the one takes, the other rests, moves and is taken. */
static const char both_strategies[] =
    "  - {name: ma, kind: ma_cross, instruments: [BTCUSDT], params: {fast: 5, slow: 20, quantity: "
    "\"0.01\"}}\n"
    "  - {name: quoter, kind: quoter, instruments: [ETHUSDT], params: {quantity: \"0.5\", distance: 1, "
    "every: 20}}\n";

static void write_gateway(const struct live_rig *rig, FILE *file, const struct live_setup *setup)
{
    const struct harness *h = &rig->h;
    if (setup->paper) {
        fputs("gateway: paper\npaper: {cash: \"50000\"}\n", file);
        return;
    }
    fprintf(file,
            "gateway: live\n"
            "live: {ws_url: \"wss://localhost:%d/ws-api/v3\", ca_file: \"%s/tls/ca.pem\", api_key_file: "
            "\"%s/api-key\", key_file: \"%s/key\", cash: \"50000\", %sbackoff_min_ms: 50, backoff_max_ms: "
            "500}\n",
            h->port, h->dir, h->dir, h->dir, setup->live != NULL ? setup->live : "");
}

static void write_config(const struct live_rig *rig, const struct live_setup *setup)
{
    const struct harness *h = &rig->h;
    FILE *file = fopen(rig->config, "w");
    cr_assert_not_null(file);
    fprintf(file,
            "instance: %s\nkeep_workspace: true\nmemory: {huge_pages: false}\ncores:\n%s"
            "feeds:\n  - {name: binance, venue: binance_spot, ws_url: \"wss://localhost:%d\", rest_url: "
            "\"https://localhost:%d\", ca_file: \"%s/tls/ca.pem\", streams: [trade, bookTicker], "
            "instruments: [BTCUSDT, ETHUSDT], backoff_min_ms: 50, backoff_max_ms: 500}\n"
            "strategies:\n%s"
            "risk: {max_order_notional: \"100000\", max_position: \"50\", max_orders_per_s: 20, allow_short: "
            "true}\n"
            "journal: {path: \"%s\", commit_interval_ms: 20, raw_frames: true}\n%s",
            h->instance, cores_of(setup->placement), h->port, h->port, h->dir,
            setup->strategies != NULL ? setup->strategies : both_strategies, h->journal,
            setup->extra != NULL ? setup->extra : "");
    write_gateway(rig, file, setup);
    cr_assert_eq(fclose(file), 0);
}

void live_launch(struct live_rig *rig, const struct live_setup *setup)
{
    write_config(rig, setup);
    harness_engine_launch(&rig->h, rig->config, !setup->paper);
}

void live_engine(struct live_rig *rig, const struct live_setup *setup)
{
    live_launch(rig, setup);
    harness_engine_await(&rig->h);
}

void live_stop(struct live_rig *rig)
{
    int status = harness_stop(&rig->h.engine, SIGTERM);
    cr_assert_eq(status, 0, "the engine did not stop cleanly, but with %d", status);
    free(harness_run(&rig->h, (const char *const[]){"pinwheel", "journal", rig->h.journal, "verify", NULL},
                     &status));
    cr_expect_eq(status, 0, "the journal is damaged");
}

/* ---- conditions ---- */

long long live_view(struct live_rig *rig, const char *what)
{
    char group[32];
    const char *dot = strchr(what, '.');
    if (dot != NULL) {
        snprintf(group, sizeof group, "%.*s", (int)(dot - what), what);
        return harness_metric(&rig->h, group, dot + 1);
    }
    json_t *top = harness_top(&rig->h);
    long long value = json_number_at(top, what);
    json_decref(top);
    return value;
}

struct wanted {
    struct live_rig *rig;
    const char *what;
    long long value;
    bool exactly;
};

static bool view_has(struct harness *h, const void *arg)
{
    (void)h;
    const struct wanted *want = arg;
    long long value = live_view(want->rig, want->what);
    return want->exactly ? value == want->value : value >= want->value;
}

void live_wait(struct live_rig *rig, const char *what, long long value)
{
    const struct wanted want = {.rig = rig, .what = what, .value = value};
    cr_assert(harness_wait(&rig->h, view_has, &want, LIVE_SECONDS), "%s never reached %lld", what, value);
}

void live_wait_exactly(struct live_rig *rig, const char *what, long long value)
{
    const struct wanted want = {.rig = rig, .what = what, .value = value, .exactly = true};
    cr_assert(harness_wait(&rig->h, view_has, &want, LIVE_SECONDS), "%s never was %lld", what, value);
}

/* ---- the venue ---- */

void live_api_open(struct live_rig *rig, struct api *api)
{
    struct venue venue = {.port = (uint16_t)rig->h.port};
    int size = snprintf(venue.ca_file, sizeof venue.ca_file, "%s/tls/ca.pem", rig->h.dir);
    cr_assert_lt((size_t)size, sizeof venue.ca_file);
    api_open(api, &venue, "");
}

/* The venue's clock, which a fault may have moved far from ours. */
static long long venue_ms(struct api *api)
{
    cr_assert_eq(api_call(api, NULL, "time", ""), 200);
    return json_integer_value(json_object_get(api_result(api), "serverTime"));
}

/* A list of the account's, of both instruments; each element with its symbol. */
static json_t *venue_list(struct live_rig *rig, const char *method, const char *more)
{
    struct api api;
    json_t *all = json_array();
    live_api_open(rig, &api);
    long long now_ms = venue_ms(&api);
    for (size_t i = 0; i < SYMBOLS; i++) {
        char params[128];
        snprintf(params, sizeof params, "\"symbol\":\"%s\",\"timestamp\":%lld%s", symbols[i], now_ms, more);
        cr_assert_eq(api_call(&api, rig->key, method, params), 200, "%s: %d", method, api_code(&api));
        cr_assert_lt(json_array_size(api_result(&api)), 1000, "more than one answer holds");
        json_array_extend(all, api_result(&api));
    }
    api_close(&api);
    return all;
}

size_t live_open_at_venue(struct live_rig *rig)
{
    json_t *open = venue_list(rig, "openOrders.status", "");
    size_t cnt = json_array_size(open);
    json_decref(open);
    return cnt;
}

/* ---- the journal ---- */

static void query_run(struct live_rig *rig, const char *run, const char *kinds, json_t *all)
{
    int status;
    char *text = harness_run(&rig->h,
                             (const char *const[]){"pinwheel", "journal", rig->h.journal, "query", "--run",
                                                   run, "--kind", kinds, "--json", NULL},
                             &status);
    cr_assert_eq(status, 0, "pinwheel journal query ended with %d", status);
    for (char *rest = text, *line; (line = strsep(&rest, "\n")) != NULL;) {
        json_t *event = *line != 0 ? json_exact(line) : NULL;
        if (event != NULL) {
            json_array_append_new(all, event);
        }
    }
    free(text);
}

static json_t *runs_read(struct live_rig *rig)
{
    int status;
    json_t *answer = harness_run_json(
        &rig->h, (const char *const[]){"pinwheel", "journal", rig->h.journal, "list", "--json", NULL},
        &status);
    json_t *runs = json_incref(json_object_get(answer, "runs"));
    cr_assert_not_null(runs);
    json_decref(answer);
    return runs;
}

json_t *live_journal(struct live_rig *rig, const char *kinds, bool all_runs)
{
    json_t *all = json_array(), *runs = runs_read(rig), *run;
    size_t i;
    json_array_foreach(runs, i, run)
    {
        char id[24];
        snprintf(id, sizeof id, "%lld", json_number_at(run, "run_id"));
        if (all_runs || i + 1 == json_array_size(runs)) {
            query_run(rig, id, kinds, all);
        }
    }
    json_decref(runs);
    return all;
}

/* ---- the two ledgers ---- */

static uint64_t order_id_of(const json_t *event)
{
    return (uint64_t)json_number_at(event, "client_order_id");
}

/* Was the run in which the order was placed ended cleanly? What was not committed when an engine was killed
 * stands nowhere. */
static bool run_is_whole(const json_t *runs, uint64_t client_order_id)
{
    size_t i;
    const json_t *run;
    json_array_foreach(runs, i, run)
    {
        if ((uint64_t)json_number_at(run, "run_id") == client_order_id >> 24) {
            return strcmp(api_text(run, "state"), "clean") == 0;
        }
    }
    cr_assert_fail("order %" PRIx64 " is of no run in the journal", client_order_id);
    return false;
}

/* Numbers of orders are unique in one symbol. */
static const char *number_of(const json_t *row)
{
    static char number[64];
    snprintf(number, sizeof number, "%s %lld", api_text(row, "symbol"),
             (long long)json_integer_value(json_object_get(row, "orderId")));
    return number;
}

/* The orders at the venue: our ids by their numbers there. Fails if an id stands there twice. */
static json_t *orders_of_venue(struct live_rig *rig)
{
    json_t *orders = venue_list(rig, "allOrders", ",\"limit\":1000"), *by_number = json_object();
    json_t *ids = json_object();
    size_t i;
    const json_t *order;
    json_array_foreach(orders, i, order)
    {
        const char *id = api_text(order, "clientOrderId");
        if (strncmp(id, "pw-", 3) != 0) {
            continue; /* somebody else's */
        }
        cr_expect_null(json_object_get(ids, id), "%s was placed twice", id);
        json_object_set_new(ids, id, json_true());
        json_object_set_new(by_number, number_of(order),
                            json_integer((json_int_t)strtoull(strrchr(id, '-') + 1, NULL, 16)));
    }
    json_decref(ids);
    json_decref(orders);
    return by_number;
}

/* The journal's fills by symbol and trade id: each an object with what its two events said. */
static json_t *fills_of_journal(struct live_rig *rig)
{
    json_t *events = live_journal(rig, "fill,fill_info", true), *fills = json_object(), *fill = NULL;
    size_t i;
    json_t *event;
    json_array_foreach(events, i, event)
    {
        char name[64];
        if (strcmp(api_text(event, "kind"), "fill") == 0) {
            fill = event;
            continue;
        }
        cr_assert_not_null(fill, "what more is told of a fill stands behind it");
        snprintf(name, sizeof name, "%s %llx %lld", api_text(fill, "symbol"),
                 (unsigned long long)order_id_of(fill), json_number_at(event, "trade_id"));
        cr_expect_null(json_object_get(fills, name), "fill %s was booked twice", name);
        json_object_set(fill, "asset", json_object_get(event, "fee_asset"));
        json_object_set(fill, "paid", json_object_get(event, "fee"));
        json_object_set(fills, name, fill);
    }
    json_decref(events);
    return fills;
}

static void expect_same_fill(const json_t *ours, const json_t *theirs, const char *name)
{
    static const char *const pairs[][2] = {{"price", "price"}, {"qty", "qty"}, {"paid", "commission"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        cr_expect(decimal_equal(api_text(ours, pairs[i][0]), api_text(theirs, pairs[i][1])),
                  "fill %s: %s %s, at the venue %s", name, pairs[i][0], api_text(ours, pairs[i][0]),
                  api_text(theirs, pairs[i][1]));
    }
    cr_expect_str_eq(api_text(ours, "asset"), api_text(theirs, "commissionAsset"), "fill %s", name);
    cr_expect_eq(strcmp(api_text(ours, "side"), "buy") == 0, json_is_true(json_object_get(theirs, "isBuyer")),
                 "fill %s: the side", name);
    cr_expect_eq(!json_is_true(json_object_get(ours, "taker")),
                 json_is_true(json_object_get(theirs, "isMaker")), "fill %s: who rested", name);
}

/* Fills that only the journal has: none, but of orders that the venue does not know because it is not the one
 * where they were placed (a simulator that is started again has forgotten all). */
static void expect_no_more(json_t *fills, const json_t *by_number)
{
    const char *name, *number;
    json_t *fill, *id;
    json_object_foreach(fills, name, fill)
    {
        bool known = false;
        json_object_foreach((json_t *)by_number, number, id)
        {
            known |= (uint64_t)json_integer_value(id) == order_id_of(fill);
        }
        cr_expect(!known, "fill %s is not in the venue's ledger", name);
    }
}

size_t live_expect_ledger(struct live_rig *rig)
{
    json_t *trades = venue_list(rig, "myTrades", ",\"limit\":1000"), *by_number = orders_of_venue(rig);
    json_t *fills = fills_of_journal(rig), *runs = runs_read(rig), *trade;
    size_t i, cnt = json_array_size(trades);
    json_array_foreach(trades, i, trade)
    {
        char name[64];
        uint64_t id = (uint64_t)json_integer_value(json_object_get(by_number, number_of(trade)));
        snprintf(name, sizeof name, "%s %llx %lld", api_text(trade, "symbol"), (unsigned long long)id,
                 (long long)json_integer_value(json_object_get(trade, "id")));
        const json_t *ours = json_object_get(fills, name);
        if (ours != NULL) {
            expect_same_fill(ours, trade, name);
            json_object_del(fills, name);
        } else {
            cr_expect(!run_is_whole(runs, id), "fill %s is not in the journal", name);
        }
    }
    expect_no_more(fills, by_number);
    json_decref(runs);
    json_decref(fills);
    json_decref(by_number);
    json_decref(trades);
    return cnt;
}

/* ---- positions and cash ---- */

/* A decimal of at most 16 places. */
static pw_i128 e16_of(const char *text)
{
    pw_i128 value = 0;
    bool negative = *text == '-', behind = false;
    int places = 0;
    for (text += negative; *text != 0; text++) {
        behind |= *text == '.';
        if (*text != '.') {
            value = value * 10 + (*text - '0');
            places += behind;
        }
    }
    cr_assert_leq(places, 16);
    for (; places < 16; places++) {
        value *= 10;
    }
    return negative ? -value : value;
}

static pw_i128 product_e16(const char *price, const char *qty)
{
    return e16_of(price) / 100000000 * (e16_of(qty) / 100000000);
}

struct sums {
    pw_i128 qty_e16[SYMBOLS], cash_e16;
};

/* A fill, or what more is told of one: a fee in what was bought. */
static void add_fill(struct sums *sums, const json_t *event)
{
    bool is_info = strcmp(api_text(event, "kind"), "fill_info") == 0;
    bool buys = strcmp(api_text(event, "side"), "buy") == 0;
    const char *asset = api_text(event, "fee_asset");
    for (size_t i = 0; i < SYMBOLS; i++) {
        if (strcmp(api_text(event, "symbol"), symbols[i]) == 0) {
            bool in_kind = is_info && strncmp(asset, symbols[i], 3) == 0;
            sums->qty_e16[i] -= in_kind ? e16_of(api_text(event, "fee")) : 0;
            sums->qty_e16[i] += is_info ? 0 : (buys ? 1 : -1) * e16_of(api_text(event, "qty"));
        }
    }
    if (!is_info) {
        pw_i128 value = product_e16(api_text(event, "price"), api_text(event, "qty"));
        sums->cash_e16 += (buys ? -value : value) - e16_of(api_text(event, "fee"));
    }
}

void live_expect_account(struct live_rig *rig, const char *cash)
{
    struct sums sums = {.cash_e16 = e16_of(cash)};
    json_t *fills = live_journal(rig, "fill,fill_info", false), *fill, *top = harness_top(&rig->h), *row;
    size_t i;
    json_array_foreach(fills, i, fill)
    {
        add_fill(&sums, fill);
    }
    const json_t *positions = json_object_get(top, "positions");
    cr_assert_not_null(positions, "the monitor cannot be had");
    json_array_foreach(positions, i, row)
    {
        for (size_t k = 0; k < SYMBOLS; k++) {
            if (strcmp(api_text(row, "symbol"), symbols[k]) == 0) {
                cr_expect(e16_of(api_text(row, "qty")) == sums.qty_e16[k], "position of %s: %s", symbols[k],
                          api_text(row, "qty"));
            }
        }
    }
    cr_expect(e16_of(api_text(json_object_get(top, "account"), "cash")) == sums.cash_e16, "cash: %s",
              api_text(json_object_get(top, "account"), "cash"));
    json_decref(top);
    json_decref(fills);
}

/* Free and locked. */
static pw_i128 balance_e16(struct live_rig *rig, const char *asset)
{
    struct api api;
    char params[64];
    pw_i128 sum = 0;
    live_api_open(rig, &api);
    snprintf(params, sizeof params, "\"timestamp\":%lld", venue_ms(&api));
    cr_assert_eq(api_call(&api, rig->key, "account.status", params), 200);
    const json_t *balances = json_object_get(api_result(&api), "balances"), *row;
    size_t i;
    json_array_foreach(balances, i, row)
    {
        if (strcmp(api_text(row, "asset"), asset) == 0) {
            sum = e16_of(api_text(row, "free")) + e16_of(api_text(row, "locked"));
        }
    }
    api_close(&api);
    return sum;
}

void live_expect_balances(struct live_rig *rig, const char *cash)
{
    json_t *top = harness_top(&rig->h);
    const json_t *btc = json_array_get(json_object_get(top, "positions"), 0);
    const char *now = api_text(json_object_get(top, "account"), "cash");
    cr_assert_str_eq(api_text(btc, "symbol"), "BTCUSDT");
    cr_expect(e16_of(api_text(btc, "qty")) == balance_e16(rig, "BTC"), "position %s", api_text(btc, "qty"));
    cr_expect(e16_of(now) - e16_of(cash) == balance_e16(rig, "USDT") - e16_of("100000"), "cash %s", now);
    json_decref(top);
}

void live_expect_whole(struct live_rig *rig, size_t fill_cnt_min)
{
    cr_expect_eq(live_view(rig, "execution.unknown_orders"), 0);
    cr_expect_eq(live_view(rig, "execution.reports_inconsistent"), 0);
    cr_expect_eq(live_open_at_venue(rig), 0, "orders were left behind");
    cr_expect_geq(live_expect_ledger(rig), fill_cnt_min);
    live_expect_account(rig, "50000");
}
