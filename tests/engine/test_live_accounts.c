/* SPDX-License-Identifier: MIT
 *
 * Two accounts in one engine: two simulators that both list BTCUSDT, each with an order entry, keys and a
 * currency of its own. What each venue's ledger says is what the engine's account has; a venue that dies
 * stops its own account's orders alone.
 */
#include "harness.h"
#include "host.h"
#include "sim_api.h"

#include <criterion/criterion.h>
#include <pinwheel/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SECONDS  300
#define E8       PW_E8
#define CASH_E16 ((pw_i128)50000 * E8 * E8)

/* A venue with BTCUSDT, and what is traded there. */
struct place {
    struct harness h; /* for its simulator; that of the first one has the engine, too */
    struct api_key key;
    const char *symbol, *quote;
};

struct two {
    struct place places[2];
    bool lines; /* a line of stages for each */
};

/* more: further sections of its config. */
static void venue_start_with(struct place *place, const char *more)
{
    char yaml[2048];
    snprintf(
        yaml, sizeof yaml,
        "market:\n  seed: 7\n  instruments:\n"
        "    - {symbol: BTCUSDT, price: \"60000\", trades_per_s: 100, quotes_per_s: 200}\n"
        "    - {symbol: BTCEUR, price: \"50000\", trades_per_s: 100, quotes_per_s: 200}\n"
        "accounts:\n  - {api_key: %s, secret: %s, balances: [{asset: %s, free: \"100000\"}, {asset: BTC, "
        "free: \"10\"}]}\n%s",
        place->key.name, place->key.secret, place->quote, more);
    harness_sim_start(&place->h, yaml, 0);
}

static void venue_start(struct place *place)
{
    venue_start_with(place, "");
}

static void open_two(struct two *two)
{
    *two = (struct two){.places = {
                            {.key = {"KeyOfTheFirstVenue0123456789", "first-shared-secret-0123456789"},
                             .symbol = "BTCUSDT",
                             .quote = "USDT"},
                            {.key = {"KeyOfTheSecondVenue0123456789", "second-shared-secret-0123456789"},
                             .symbol = "BTCEUR",
                             .quote = "EUR"},
                        }};
    for (int i = 0; i < 2; i++) {
        struct place *place = &two->places[i];
        harness_begin(&place->h, i ? "accounts-two" : "accounts-one");
        harness_keys_write(&place->h, place->key.name, place->key.secret);
        venue_start(place);
    }
}

static void close_two(struct two *two)
{
    harness_end(&two->places[0].h);
    harness_end(&two->places[1].h);
}

static void write_account(FILE *file, const struct two *two, int i)
{
    const struct place *place = &two->places[i];
    fprintf(file,
            "  - {name: acct%d, gateway: live, feeds: [venue%d], currency: %s, live: {ws_url: "
            "\"wss://localhost:%d/ws-api/v3\", ca_file: \"%s/tls/ca.pem\", api_key_file: \"%s/api_key\", "
            "key_file: \"%s/secret\", cash: \"50000\", backoff_min_ms: 50, backoff_max_ms: 500}}\n",
            i + 1, i + 1, place->quote, place->h.port, place->h.dir, place->h.dir, place->h.dir);
}

static void engine_launch(struct two *two)
{
    struct harness *h = &two->places[0].h;
    char path[2 * HARNESS_PATH_BYTES];
    snprintf(path, sizeof path, "%s/engine.yaml", h->dir);
    harness_engine_launch(h, path, true);
}

/* Both feeds have BTCUSDT; the second account trades in euros. */
static const char *config_write(const struct two *two, const char *strategies)
{
    const struct harness *h = &two->places[0].h;
    static char path[2 * HARNESS_PATH_BYTES];
    snprintf(path, sizeof path, "%s/engine.yaml", h->dir);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fprintf(file,
            "instance: %s\nkeep_workspace: true\nmemory: {huge_pages: false}\ncores:\n%s"
            "  - {core: none, idle: sleep, stages: [journal, housekeeping]}\nfeeds:\n",
            h->instance,
            two->lines ? "  - {core: none, idle: yield, stages: [net_rx.1, parse.1, net_tx.1]}\n"
                         "  - {core: none, idle: yield, stages: [net_rx.2, parse.2, net_tx.2]}\n"
                         "  - {core: none, idle: yield, stages: [strategy, execution]}\n"
                       : "  - {core: none, idle: yield, stages: [net_rx, parse, strategy, execution, "
                         "net_tx]}\n");
    for (int i = 0; i < 2; i++) {
        const struct harness *venue = &two->places[i].h;
        fprintf(
            file,
            "  - {name: venue%d, line: %d, venue: binance_spot, ws_url: \"wss://localhost:%d\", rest_url: "
            "\"https://localhost:%d\", ca_file: \"%s/tls/ca.pem\", streams: [trade, bookTicker], "
            "instruments: [%s], backoff_min_ms: 50, backoff_max_ms: 500}\n",
            i + 1, two->lines ? i + 1 : 1, venue->port, venue->port, venue->dir,
            i ? "BTCUSDT, BTCEUR" : "BTCUSDT");
    }
    fprintf(file,
            "strategies:\n%s"
            "risk: {max_order_notional: \"100000\", max_position: \"50\", max_orders_per_s: 20, allow_short: "
            "true}\n"
            "journal: {path: \"%s\", commit_interval_ms: 20}\naccounts:\n",
            strategies, h->journal);
    write_account(file, two, 0);
    write_account(file, two, 1);
    cr_assert_eq(fclose(file), 0);
    return path;
}

static void engine_start(struct two *two, const char *strategies)
{
    config_write(two, strategies);
    engine_launch(two);
    harness_engine_await(&two->places[0].h);
}

/* ---- conditions ---- */

struct at_least {
    const char *path;
    long long value;
};

static bool view_has(struct harness *h, const void *arg)
{
    const struct at_least *want = arg;
    json_t *top = harness_top(h);
    bool has = json_number_at(top, want->path) >= want->value;
    json_decref(top);
    return has;
}

static void wait_for(struct two *two, const char *path, long long value)
{
    const struct at_least want = {path, value};
    cr_assert(harness_wait(&two->places[0].h, view_has, &want, SECONDS), "%s never reached %lld", path,
              value);
}

static long long view(struct two *two, const char *path)
{
    json_t *top = harness_top(&two->places[0].h);
    long long value = json_number_at(top, path);
    json_decref(top);
    return value;
}

static json_t *status_of(struct two *two)
{
    struct harness *h = &two->places[0].h;
    int status;
    json_t *answer = harness_run_json(
        h, (const char *const[]){"pinwheel", "ctl", h->instance, "status", "--json", NULL}, &status);
    cr_assert_eq(status, 0);
    return answer;
}

static bool has_logged(const struct harness *h, const char *text)
{
    return harness_log_lines(h, text) > 0;
}

/* ---- the two ledgers ---- */

/* A decimal of at most 16 places. */
static pw_i128 e16_of(const char *text)
{
    pw_i128 value = 0;
    int places = -1;
    bool negative = *text == '-';
    for (text += negative; *text != '\0'; text++) {
        if (*text == '.') {
            places = 0;
        } else {
            value = value * 10 + (*text - '0');
            places += places >= 0;
        }
    }
    for (places = places < 0 ? 0 : places; places < 16; places++) {
        value *= 10;
    }
    return negative ? -value : value;
}

struct sums {
    size_t trade_cnt;
    pw_i128 cash_e16, btc_e16;
};

/* What the venue's list of the account's trades comes to. */
static struct sums sums_of_venue(const struct place *place)
{
    struct venue venue = {.port = (uint16_t)place->h.port};
    struct sums sums = {.cash_e16 = CASH_E16};
    struct api api;
    char params[96];
    snprintf(venue.ca_file, sizeof venue.ca_file, "%.60s/tls/ca.pem", place->h.dir);
    api_open(&api, &venue, "");
    snprintf(params, sizeof params, "\"symbol\":\"%s\",\"limit\":1000,\"timestamp\":%lld", place->symbol,
             api_now_ms());
    cr_assert_eq(api_call(&api, &place->key, "myTrades", params), 200, "%d", api_code(&api));
    const json_t *trade;
    size_t i;
    sums.trade_cnt = json_array_size(api_result(&api));
    cr_assert_lt(sums.trade_cnt, 1000, "more than one answer holds");
    json_array_foreach(api_result(&api), i, trade)
    {
        int sign = json_is_true(json_object_get(trade, "isBuyer")) ? 1 : -1;
        pw_i128 price_e8 = e16_of(api_text(trade, "price")) / E8, qty_e16 = e16_of(api_text(trade, "qty"));
        pw_i128 fee_e16 = e16_of(api_text(trade, "commission"));
        bool in_quote = strcmp(api_text(trade, "commissionAsset"), place->quote) == 0;
        sums.cash_e16 -= sign * price_e8 * (qty_e16 / E8) + (in_quote ? fee_e16 : 0);
        sums.btc_e16 += sign * qty_e16 - (in_quote ? 0 : fee_e16);
    }
    snprintf(params, sizeof params, "\"symbol\":\"%s\",\"timestamp\":%lld", place->symbol, api_now_ms());
    cr_expect_eq(api_call(&api, &place->key, "openOrders.status", params), 200);
    cr_expect_eq(json_array_size(api_result(&api)), 0, "orders were left behind");
    api_close(&api);
    return sums;
}

/* The position of the instrument that is traded at that place: of its feed. */
static const json_t *position_of(const json_t *top, const struct place *place, int i)
{
    const json_t *positions = json_object_get(top, "positions"), *row;
    char name[64];
    size_t k;
    snprintf(name, sizeof name, "venue%d:%s", i + 1, place->symbol);
    json_array_foreach(positions, k, row)
    {
        const char *symbol = api_text(row, "symbol");
        if (strcmp(symbol, name) == 0 || strcmp(symbol, place->symbol) == 0) {
            return row;
        }
    }
    return NULL;
}

/* Of an engine that has stopped. */
static void expect_ledger(struct two *two, int i, size_t trade_cnt_min)
{
    const struct place *place = &two->places[i];
    struct sums sums = sums_of_venue(place);
    json_t *top = harness_top(&two->places[0].h);
    const json_t *account = json_array_get(json_object_get(top, "accounts"), (size_t)i);
    const json_t *position = position_of(top, place, i);
    cr_expect_geq(sums.trade_cnt, trade_cnt_min);
    cr_assert_not_null(account);
    cr_assert_not_null(position);
    cr_expect_eq((size_t)json_number_at(account, "fill_cnt"), sums.trade_cnt);
    cr_expect_eq(json_number_at(account, "open_order_cnt"), 0);
    cr_expect(e16_of(api_text(account, "cash")) == sums.cash_e16, "%s: cash %s", place->symbol,
              api_text(account, "cash"));
    cr_expect(e16_of(api_text(position, "qty")) == sums.btc_e16, "%s: position %s", place->symbol,
              api_text(position, "qty"));
    json_decref(top);
}

/* SIGTERM; it must end with 0 and leave a journal that is whole. */
static void engine_stop(struct two *two)
{
    struct harness *h = &two->places[0].h;
    int status = harness_stop(&h->engine, SIGTERM);
    cr_assert_eq(status, 0, "the engine did not stop cleanly, but with %d", status);
    free(harness_run(h, (const char *const[]){"pinwheel", "journal", h->journal, "verify", NULL}, &status));
    cr_expect_eq(status, 0, "the journal is damaged");
}

static const char both[] =
    "  - {name: one, kind: ma_cross, instruments: [\"venue1:BTCUSDT\"], params: {fast: 3, "
    "slow: 10, quantity: \"0.01\"}}\n"
    "  - {name: two, kind: ma_cross, instruments: [BTCEUR], params: {fast: 3, slow: 10, "
    "quantity: \"0.02\"}}\n";

Test(live_accounts, two_venues_two_currencies_two_ledgers)
{
    struct two two;
    open_two(&two);
    engine_start(&two, both);
    wait_for(&two, "accounts/0/fill_cnt", 5);
    wait_for(&two, "accounts/1/fill_cnt", 5);
    engine_stop(&two);
    expect_ledger(&two, 0, 5);
    expect_ledger(&two, 1, 5);
    cr_expect_eq(harness_metric(&two.places[0].h, "execution", "reports_inconsistent"), 0);
    close_two(&two);
}

/* The same symbol at both, each in the account of its venue. */
Test(live_accounts, the_same_symbol_is_traded_at_both)
{
    struct two two;
    open_two(&two);
    two.places[1].quote = two.places[0].quote;
    two.places[1].symbol = two.places[0].symbol;
    harness_stop(&two.places[1].h.sim, SIGKILL);
    venue_start(&two.places[1]);
    engine_start(&two,
                 "  - {name: same, kind: ma_cross, instruments: [\"venue1:BTCUSDT\", \"venue2:BTCUSDT\"], "
                 "params: {fast: 3, slow: 10, quantity: \"0.01\"}}\n");
    wait_for(&two, "accounts/0/fill_cnt", 3);
    wait_for(&two, "accounts/1/fill_cnt", 3);
    engine_stop(&two);
    json_t *top = harness_top(&two.places[0].h);
    for (int i = 0; i < 2; i++) {
        struct sums sums = sums_of_venue(&two.places[i]);
        const json_t *account = json_array_get(json_object_get(top, "accounts"), (size_t)i);
        cr_expect_eq((size_t)json_number_at(account, "fill_cnt"), sums.trade_cnt);
        cr_expect(e16_of(api_text(account, "cash")) == sums.cash_e16, "account %d: cash %s", i + 1,
                  api_text(account, "cash"));
    }
    json_decref(top);
    close_two(&two);
}

/* Each account's order entry is on the line of its feed. */
Test(live_accounts, each_on_a_line_of_its_own)
{
    struct two two;
    open_two(&two);
    two.lines = true;
    engine_start(&two, both);
    wait_for(&two, "accounts/0/fill_cnt", 5);
    wait_for(&two, "accounts/1/fill_cnt", 5);
    engine_stop(&two);
    expect_ledger(&two, 0, 5);
    expect_ledger(&two, 1, 5);
    for (int i = 0; i < 2; i++) {
        const char *const groups[] = {"net_tx.1", "net_tx.2"};
        cr_expect_geq(harness_metric(&two.places[0].h, groups[i], "frames"), 5, "%s", groups[i]);
    }
    cr_expect_eq(harness_metric(&two.places[0].h, "execution", "reports_inconsistent"), 0);
    close_two(&two);
}

Test(live_accounts, a_venue_that_dies_stops_its_own_orders_alone)
{
    struct two two;
    open_two(&two);
    engine_start(&two, both);
    wait_for(&two, "accounts/0/fill_cnt", 2);
    wait_for(&two, "accounts/1/fill_cnt", 2);
    harness_stop(&two.places[1].h.sim, SIGKILL);
    long long before = view(&two, "accounts/0/fill_cnt");
    wait_for(&two, "accounts/0/fill_cnt", before + 5);
    cr_expect_eq(harness_metric(&two.places[0].h, "gateway", "ready"), 1);
    cr_expect_eq(harness_metric(&two.places[0].h, "gateway.2", "ready"), 0);
    cr_expect_neq(view(&two, "account/halted"), 1);
    json_t *answer = status_of(&two);
    const json_t *halted = json_object_get(answer, "halted_accounts");
    cr_expect(json_is_object(halted) && json_object_size(halted) == 0);
    json_decref(answer);
    cr_expect(has_logged(&two.places[0].h, "order entry of account acct1: connected"));
    cr_expect(has_logged(&two.places[0].h, "order entry of account acct2: connected"));
    int status;
    char *text =
        harness_run(&two.places[0].h,
                    (const char *const[]){"pinwheel", "health", two.places[0].h.instance, NULL}, &status);
    cr_expect_not_null(strstr(text, "acct2"), "%s", text);
    cr_expect_null(strstr(text, "acct1"), "%s", text);
    free(text);
    close_two(&two);
}

/* ---- one account is held ---- */

static char *tool(struct two *two, const char *verb, int *status)
{
    struct harness *h = &two->places[0].h;
    return harness_run(h, (const char *const[]){"pinwheel", verb, h->instance, NULL}, status);
}

static void wait_for_metric(struct two *two, const char *group, const char *name, long long value)
{
    int64_t until_ns = pw_clock_read_ns(CLOCK_REALTIME) + SECONDS * INT64_C(1000000000);
    while (harness_metric(&two->places[0].h, group, name) < value) {
        cr_assert_lt(pw_clock_read_ns(CLOCK_REALTIME), until_ns, "%s.%s never reached %lld", group, name,
                     value);
        usleep(20000);
    }
}

/* The hosts that the journal's ban file names. */
static void expect_bans(struct two *two, const char *host)
{
    char path[2 * HARNESS_PATH_BYTES], line[512] = "", name[256] = "";
    long long until_ns = 0;
    snprintf(path, sizeof path, "%s/ban", two->places[0].h.journal);
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file);
    cr_assert_not_null(fgets(line, sizeof line, file));
    cr_assert_eq(sscanf(line, "%lld %255s", &until_ns, name), 2, "'%s'", line);
    cr_expect_str_eq(name, host);
    cr_expect_null(fgets(line, sizeof line, file), "another line: '%s'", line);
    fclose(file);
}

/* What the engine answers: of that host alone. */
static void expect_ban_told(struct two *two, const char *host)
{
    json_t *answer = status_of(two);
    const json_t *bans = json_object_get(answer, "bans");
    cr_expect_not_null(json_object_get(bans, host));
    cr_expect_eq(json_object_size(bans), 1);
    json_decref(answer);
}

static long long metric_of(struct two *two, const char *group, const char *name)
{
    return harness_metric(&two->places[0].h, group, name);
}

/* By now the log is its own. */
static bool waits_for_the_ban(struct harness *h, const void *host)
{
    char line[128];
    int status;
    free(harness_run(h, (const char *const[]){"pinwheel", "ctl", h->instance, "status", NULL}, &status));
    if (status != 0) {
        return false;
    }
    snprintf(line, sizeof line, "rate-limit ban of %.64s: ", (const char *)host);
    return has_logged(h, line);
}

/* F5: one venue bans its account. The other trades on; the ban is that host's alone, over a kill, too. It
 * outlasts the test, on any host; that an engine starts and trades when a ban is over is in
 * live_life::no_request_before_a_ban_ends. cases/19-bench-tests-fail-under-load */
Test(live_accounts, a_ban_holds_for_its_own_host_alone)
{
    struct two two;
    char host[64], other[64];
    int status;
    open_two(&two);
    harness_stop(&two.places[1].h.sim, SIGKILL);
    venue_start_with(&two.places[1],
                     "limits: {ban_s: 600}\nfaults: [{kind: rest_error, match: order.place, after: 4, "
                     "count: 1, status: 418}]\n");
    engine_start(&two, both);
    wait_for_metric(&two, "gateway.2", "paused_until_ns", 1);
    long long requests = metric_of(&two, "gateway.2", "requests");
    wait_for(&two, "accounts/0/fill_cnt", view(&two, "accounts/0/fill_cnt") + 5);
    cr_expect_eq(metric_of(&two, "gateway", "paused_until_ns"), 0);
    cr_expect_eq(metric_of(&two, "gateway.2", "requests"), requests,
                 "nothing is asked of the venue that bans");
    char *text = tool(&two, "health", &status);
    cr_expect_eq(status, 1);
    cr_expect_not_null(strstr(text, "acct2"), "%s", text);
    cr_expect_null(strstr(text, "acct1"), "%s", text);
    free(text);
    snprintf(host, sizeof host, "localhost:%d", two.places[1].h.port);
    snprintf(other, sizeof other, "rate-limit ban of localhost:%d", two.places[0].h.port);
    expect_ban_told(&two, host);
    cr_assert_eq(harness_stop(&two.places[0].h.engine, SIGKILL), 128 + SIGKILL);
    expect_bans(&two, host);
    engine_launch(&two);
    cr_assert(harness_wait(&two.places[0].h, waits_for_the_ban, host, SECONDS), "it has forgotten the ban");
    expect_ban_told(&two, host);
    cr_expect_eq(harness_stop(&two.places[0].h.engine, SIGTERM), 4,
                 "it has not begun without the instruments");
    cr_expect_not(has_logged(&two.places[0].h, other), "nobody bans it there");
    close_two(&two);
}

/* A key that one venue takes back halts that account; the other trades on. */
Test(live_accounts, a_fault_halts_its_own_account_alone)
{
    struct two two;
    int status;
    open_two(&two);
    harness_stop(&two.places[1].h.sim, SIGKILL);
    venue_start_with(&two.places[1],
                     "faults: [{kind: rest_error, match: order.place, after: 4, count: 1, status: 401}]\n");
    engine_start(&two, both);
    wait_for(&two, "accounts/1/halted", 1);
    wait_for(&two, "accounts/0/fill_cnt", view(&two, "accounts/0/fill_cnt") + 5);
    cr_expect_neq(view(&two, "accounts/0/halted"), 1);
    json_t *answer = status_of(&two);
    const json_t *halted = json_object_get(answer, "halted_accounts");
    cr_expect_eq(json_object_size(halted), 1);
    cr_expect_str_eq(json_string_value(json_object_get(halted, "acct2")), "venue_key");
    cr_expect_not(json_is_true(json_object_get(answer, "halted")), "the engine is not");
    json_decref(answer);
    free(tool(&two, "health", &status));
    cr_expect_eq(status, 1);
    engine_stop(&two);
    close_two(&two);
}

/* Each would be reported the other's orders, and halt. */
Test(live_accounts, one_account_of_a_venue_is_not_two)
{
    struct two two;
    int status;
    open_two(&two);
    const char *path = config_write(&two, both);
    const char *const check[] = {"pinwheel", "run", "--check", "--live", path, NULL};
    free(harness_run(&two.places[0].h, check, &status));
    cr_expect_eq(status, 0);
    struct place second = two.places[1];
    two.places[1].h.port =
        two.places[0].h.port; /* the same venue, and the key is the same, in another file */
    harness_keys_write(&two.places[1].h, two.places[0].key.name, two.places[1].key.secret);
    config_write(&two, both);
    free(harness_run(&two.places[0].h, check, &status));
    cr_expect_eq(status, 3);
    two.places[1] = second;
    close_two(&two);
}
