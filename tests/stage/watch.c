/* SPDX-License-Identifier: MIT
 *
 * What housekeeping asks a venue for while the engine runs, in virtual time: status and filters, and the
 * prices by which filters judge. When it asks, by what it pays, and what becomes of each answer.
 */
#include "accounts_config.h"
#include "app_config.h"
#include "ban.h"
#include "live_topology.h"
#include "net_world.h"
#include "reference_watch.h"
#include "test_folder.h"

#include <criterion/criterion.h>
#include <pinwheel/units.h>
#include <stdlib.h>
#include <string.h>

#define STEP_NS      (20 * MS_NS)
#define REQUESTS_MAX 512u
#define MINUTE_NS    (60 * S_NS)

#define REFERENCE "/api/v3/referencePrice?symbol="
#define MEAN      "/api/v3/avgPrice?symbol="
#define LAST      "/api/v3/ticker/price?symbol="
#define INFO      "/api/v3/exchangeInfo?symbols="

#define NEVER "{\"code\":-2043,\"msg\":\"This symbol doesn't have a reference price.\"}"
#define ROW(symbol, quote, step)                                                                             \
    "{\"symbol\":\"" symbol "\",\"status\":\"TRADING\",\"baseAsset\":\"A\",\"quoteAsset\":\"" quote          \
    "\",\"filters\":[{\"filterType\":\"LOT_SIZE\",\"minQty\":\"1\",\"maxQty\":\"9\",\"stepSize\":\"" step    \
    "\"}]}"
#define SYMBOLS(step) "{\"symbols\":[" ROW("BTCUSDT", "USDT", step) "," ROW("ETHUSDT", "USDT", "1") "]}"

static const char yaml[] =
    "instance: watch\n"
    "memory: {huge_pages: false}\n"
    "cores:\n"
    "  - {core: none, idle: sleep, stages: [net_rx, parse, strategy, execution, net_tx, journal, "
    "housekeeping]}\n"
    "feeds:\n"
    "  - {name: a, venue: binance_spot, ws_url: \"ws://localhost:1\", rest_url: "
    "\"http://localhost:1\", streams: [trade], instruments: [BTCUSDT, ETHUSDT], rules_interval_s: 60}\n"
    "strategies:\n"
    "  - {name: s, kind: ma_cross, params: {fast: 2, slow: 4, quantity: \"1\"}, instruments: [BTCUSDT]}\n"
    "rings: {frames_bytes: 2097152, market_journal_slots: 256, orders_journal_slots: 256}\n"
    "journal: {path: \"/tmp/none\"}\n";
static const char live[] = "gateway: live\n"
                           "live: {ws_url: \"ws://localhost:1\", api_key_file: \"/tmp/none\", key_file: "
                           "\"/tmp/none\", cash: \"1000\"}\n"
                           "risk: {max_order_notional: \"1\", max_position: \"1\", max_orders_per_s: 1}\n";
static const char paper[] = "gateway: paper\npaper: {cash: \"1000\"}\n";

struct request {
    int64_t at_ns;
    char target[256];
};

/* What the venue says of what begins so; of all else 503. */
struct answer {
    const char *target, *status, *body;
};

static char dir[] = "/tmp/pinwheel-watch-XXXXXX";
static struct net_world world;
static struct pw_net *nets[1];
static struct pw_config *config;
static struct pw_topology topology;
static struct pw_workspace ws;
static struct pw_stage_env env;
static struct pw_housekeeping_attachment attachment;
static struct pw_housekeeping_metrics metrics;
static struct pw_fold fold;
static struct pw_snapshots *snapshots;
static struct pw_rules_watch *rules;
static struct pw_reference_watch *references;
static struct pw_consumer to_parse;
static struct far_end peer;
static bool has_peer;
static struct answer answers[4];
static struct request requests[REQUESTS_MAX];
static uint32_t request_cnt;
static int64_t began_ns;

/* Both have a filter that judges market orders by the mean of five minutes. */
#define USUAL_ROW(name)                                                                                      \
    {.symbol = name,                                                                                         \
     .feed = "a",                                                                                            \
     .base = "A",                                                                                            \
     .quote = "USDT",                                                                                        \
     .tradable = 1,                                                                                          \
     .multiplier_e8 = PW_E8,                                                                                 \
     .min_notional_e8 = PW_E8,                                                                               \
     .min_notional_market = 1,                                                                               \
     .notional_mins = 5,                                                                                     \
     .band_mins = 5,                                                                                         \
     .step_e8 = PW_E8,                                                                                       \
     .min_qty_e8 = PW_E8,                                                                                    \
     .max_qty_e8 = 9 * PW_E8}
static const struct pw_instrument rows_usual[2] = {USUAL_ROW("BTCUSDT"), USUAL_ROW("ETHUSDT")};

static void watch_open(const char *gateway, const struct pw_instrument *rows)
{
    static struct pw_region_want want[PW_REGIONS_MAX];
    static struct pw_instrument instruments[2];
    char error[4096];
    net_world_open(&world, &(struct net_world_options){0});
    pw_connector_stop(world.connector);
    cr_assert_not_null(mkdtemp(dir));
    setenv("PINWHEEL_SHM_DIR", dir, 1);
    config = app_config_load(dir, "%s%s", yaml, gateway);
    pw_live_topology(&topology, config);
    uint32_t cnt = pw_live_regions(&topology, config, want);
    cr_assert_eq(pw_workspace_create(&ws, "watch", want, cnt, false, error, sizeof error), 0, "%s", error);
    pw_topology_put_metrics(&topology,
                            pw_region_at(&ws, pw_workspace_find(&ws, "metrics", PW_REGION_METRICS), 0));
    memcpy(instruments, rows, sizeof instruments);
    nets[0] = world.net;
    attachment = (struct pw_housekeeping_attachment){.nets = nets};
    env = (struct pw_stage_env){.stage = "housekeeping",
                                .topology = &topology,
                                .config = config,
                                .ws = &ws,
                                .instruments = instruments,
                                .instrument_cnt = 2,
                                .attachment = &attachment};
    while (strcmp(topology.stages[env.stage_idx].name, "housekeeping") != 0) {
        env.stage_idx++;
        cr_assert_lt(env.stage_idx, topology.stage_cnt);
    }
    snapshots = pw_snapshots_create(&env, &metrics, &fold);
    rules = pw_rules_watch_create(&env, snapshots, &fold);
    references = pw_reference_watch_create(&env, snapshots, rules, &fold);
    cr_assert(snapshots && rules && references);
    const struct pw_region *ring = pw_workspace_find(&ws, "housekeeping.parse", PW_REGION_RING);
    cr_assert_not_null(ring);
    pw_consumer_attach(&to_parse, pw_region_at(&ws, ring, 0));
    memset(answers, 0, sizeof answers);
    began_ns = world.now_ns;
}

static void watch_close(void)
{
    pw_reference_watch_destroy(references);
    pw_rules_watch_destroy(rules);
    pw_snapshots_destroy(snapshots);
    cr_expect_eq(pw_virtual_open_cnt(world.network), 0);
    net_world_close(&world);
    pw_workspace_close(&ws, true);
    pw_config_destroy(config);
    folder_remove(dir);
}

static void say(uint32_t i, const char *target, const char *status, const char *body)
{
    answers[i] = (struct answer){target, status, body};
}

static void answer_request(void)
{
    char text[4096], *target = strchr((char *)peer.in, ' ') + 1;
    const char *status = "503 Busy", *body = "";
    cr_assert_lt(request_cnt, REQUESTS_MAX);
    struct request *request = &requests[request_cnt++];
    request->at_ns = world.now_ns;
    target += strncmp(target, "/base", 5) == 0 ? 5 : 0; /* of the world's URL */
    snprintf(request->target, sizeof request->target, "%.*s", (int)strcspn(target, " "), target);
    for (uint32_t i = 0; i < 4; i++) {
        if (answers[i].target != NULL && strncmp(target, answers[i].target, strlen(answers[i].target)) == 0) {
            status = answers[i].status;
            body = answers[i].body;
            break;
        }
    }
    snprintf(text, sizeof text, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s", status, strlen(body), body);
    far_send(&peer, text, strlen(text));
    peer.in_bytes = 0;
}

static void serve(void)
{
    if (!has_peer) {
        int socket = pw_virtual_accept(world.network, world.listener);
        has_peer = socket >= 0;
        if (has_peer) {
            far_open(&peer, &world, socket);
        }
    }
    if (has_peer) {
        far_pump(&peer);
        peer.in[peer.in_bytes < PEER_IN_BYTES ? peer.in_bytes : PEER_IN_BYTES - 1] = 0;
        if (strstr((char *)peer.in, "\r\n\r\n") != NULL && peer.in_bytes > 0) {
            answer_request();
        }
        if (peer.ended || peer.closed) {
            far_close(&peer);
            has_peer = false;
        }
    }
}

static void pass(int64_t time_ns)
{
    for (int64_t end_ns = world.now_ns + time_ns; world.now_ns < end_ns;) {
        pw_rules_watch_poll(rules, world.now_ns);
        pw_reference_watch_poll(references, world.now_ns);
        serve();
        net_world_step(&world, STEP_NS);
    }
}

/* How often it was asked for that since the last call of forget. */
static uint32_t asked(const char *target)
{
    uint32_t cnt = 0;
    for (uint32_t i = 0; i < request_cnt; i++) {
        cnt += strncmp(requests[i].target, target, strlen(target)) == 0;
    }
    return cnt;
}

static void forget(void)
{
    request_cnt = 0;
}

/* The next event for parse; kind NONE: there is none. */
static struct pw_event told(void)
{
    struct pw_event event = {0};
    if (pw_consumer_peek(&to_parse, 1) > 0) {
        event = *pw_consumer_at(&to_parse, 0);
        pw_consumer_done(&to_parse, 1);
    }
    return event;
}

static void expect_told(int64_t price_e8, enum pw_price_source source, uint32_t mins)
{
    struct pw_event event = told();
    const struct pw_reference_price *said = &event.body.reference_price;
    cr_assert_eq(event.kind, PW_EVENT_REFERENCE_PRICE);
    cr_expect_eq(event.instrument_idx, 0);
    cr_expect_eq(said->price_e8, price_e8);
    cr_expect_eq(said->source, source);
    cr_expect_eq(said->mins, mins);
    cr_expect_eq(said->fresh_ns, 30 * S_NS);
    cr_expect(event.recv_ns > began_ns && event.recv_ns <= world.now_ns);
}

static void expect_nothing_told(void)
{
    cr_expect_eq(told().kind, PW_EVENT_NONE);
}

/* ---- the prices ---- */

/* cases/21-reference-price-of-filters: at once, and each ten seconds, of what a strategy may order. */
Test(watch, a_reference_price_is_asked_for_and_told)
{
    watch_open(live, rows_usual);
    say(0, REFERENCE, "200 OK",
        "{\"symbol\":\"BTCUSDT\",\"referencePrice\":\"10.00\",\"timestamp\":1770736694138}");
    pass(S_NS);
    cr_expect_eq(asked(REFERENCE "BTCUSDT"), 1);
    expect_told(10 * PW_E8, PW_PRICE_REFERENCE, 0);
    say(0, REFERENCE, "200 OK", "{\"symbol\":\"BTCUSDT\",\"referencePrice\":\"11\",\"timestamp\":1}");
    pass(8 * S_NS);
    cr_expect_eq(request_cnt, 1);
    expect_nothing_told();
    pass(2 * S_NS);
    expect_told(11 * PW_E8, PW_PRICE_REFERENCE, 0);
    cr_expect_eq(request_cnt, 2, "nor for the one that nobody orders");
    /* Two a request, of the 3000 of a minute. */
    cr_expect_not(pw_snapshots_spend(snapshots, 0, 3001, world.now_ns));
    pass(8 * S_NS + STEP_NS);
    uint32_t cnt = request_cnt;
    while (request_cnt == cnt) {
        cr_assert(pw_snapshots_spend(snapshots, 0, 0, world.now_ns));
        pass(STEP_NS);
    }
    cr_expect_not(pw_snapshots_spend(snapshots, 0, 3000, requests[cnt].at_ns));
    watch_close();
}

/* cases/21-reference-price-of-filters: never had one: it is asked for again after ten minutes. */
Test(watch, a_mean_stands_in_for_a_price_that_never_was)
{
    watch_open(live, rows_usual);
    say(0, REFERENCE, "400 Bad Request", NEVER);
    say(1, MEAN, "200 OK", "{\"mins\":5,\"price\":\"9.35751834\",\"closeTime\":1694061154503}");
    pass(S_NS);
    expect_told(935751834, PW_PRICE_MEAN, 5);
    cr_expect(asked(REFERENCE "BTCUSDT") == 1 && asked(MEAN "BTCUSDT") == 1);
    pass(MINUTE_NS);
    cr_expect_eq(asked(REFERENCE), 1);
    cr_expect_eq(asked(MEAN), 7);
    pass(9 * MINUTE_NS + 10 * S_NS);
    cr_expect_eq(asked(REFERENCE), 2);
    watch_close();
}

/* cases/21-reference-price-of-filters: one that is null may come back at any time. */
Test(watch, a_price_that_is_null_is_asked_for_again)
{
    watch_open(live, rows_usual);
    say(0, REFERENCE, "200 OK", "{\"symbol\":\"BTCUSDT\",\"referencePrice\":null,\"timestamp\":1}");
    say(1, MEAN, "200 OK", "{\"mins\":5,\"price\":\"9\",\"closeTime\":1}");
    pass(S_NS);
    expect_told(9 * PW_E8, PW_PRICE_MEAN, 5);
    pass(10 * S_NS);
    expect_told(9 * PW_E8, PW_PRICE_MEAN, 5);
    cr_expect(asked(REFERENCE) == 2 && asked(MEAN) == 2);
    say(1, MEAN, "200 OK", "{\"mins\":5,\"price\":\"0.00000000\",\"closeTime\":1}"); /* no trade */
    pass(10 * S_NS);
    expect_told(0, PW_PRICE_NONE, 0);
    say(1, MEAN, "200 OK", "{\"mins\":1,\"price\":\"9\",\"closeTime\":1}"); /* of other minutes */
    pass(10 * S_NS);
    expect_told(0, PW_PRICE_NONE, 0);
    say(0, REFERENCE, "200 OK", "{\"symbol\":\"BTCUSDT\",\"referencePrice\":\"12\",\"timestamp\":1}");
    pass(10 * S_NS);
    expect_told(12 * PW_E8, PW_PRICE_REFERENCE, 0);
    watch_close();
}

/* cases/21-reference-price-of-filters: as the filters say; where they say two things, only what holds for
 * both. */
Test(watch, what_stands_in_is_what_the_filters_name)
{
    struct pw_instrument rows[2] = {rows_usual[0], rows_usual[1]};
    rows[0].notional_mins = 0;
    watch_open(live, rows);
    say(0, REFERENCE, "400 Bad Request", NEVER);
    say(1, LAST, "200 OK", "{\"symbol\":\"BTCUSDT\",\"price\":\"8\"}");
    pass(S_NS);
    expect_told(8 * PW_E8, PW_PRICE_LAST, 0);
    watch_close();
    rows[0].band[PW_SELL].up_e6 = 2000000;
    forget();
    strcpy(dir, "/tmp/pinwheel-watch-XXXXXX");
    watch_open(live, rows);
    say(0, REFERENCE, "400 Bad Request", NEVER);
    pass(S_NS);
    expect_told(0, PW_PRICE_NONE, 0);
    cr_expect_eq(request_cnt, 1);
    watch_close();
}

/* cases/21-reference-price-of-filters: what is no answer tells nothing, and is asked for after a while. */
Test(watch, failures_are_asked_again_after_growing_pauses)
{
    static const struct {
        const char *status, *body;
    } others[] = {
        {"503 Busy", ""},
        {"404 Not Found", NEVER},
        {"500 Oops", NEVER},
        {"200 OK", "<html>"},
        {"200 OK", ""},
        {"200 OK", "{\"symbol\":\"ETHUSDT\",\"referencePrice\":\"10\"}"},
        {"200 OK", "{\"symbol\":\"BTCUSDT\",\"referencePrice\":10}"},
        {"200 OK", "{\"symbol\":\"BTCUSDT\",\"referencePrice\":\"-1\"}"},
        {"200 OK", "{\"symbol\":\"BTCUSDT\",\"referencePrice\":\"92233720368547758.08\"}"},
        {"200 OK", "{\"symbol\":\"BTCUSDT\"}"},
        {"400 Bad Request", "{\"code\":-1121,\"msg\":\"Invalid symbol.\"}"},
        {"400 Bad Request", "{\"symbol\":\"BTCUSDT\",\"referencePrice\":\"10\"}"},
    };
    watch_open(live, rows_usual);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        forget();
        say(0, REFERENCE, others[i].status, others[i].body);
        pass(31 * S_NS);
        cr_expect(asked(REFERENCE) >= 4 && asked(REFERENCE) <= 6, "row %zu: %u requests in 31 s", i,
                  asked(REFERENCE));
        cr_expect(asked(MEAN) + asked(LAST) == 0, "whether it has one is not known");
        expect_nothing_told();
        say(0, REFERENCE, "200 OK", "{\"symbol\":\"BTCUSDT\",\"referencePrice\":\"10\"}");
        pass(40 * S_NS);
        expect_told(10 * PW_E8, PW_PRICE_REFERENCE, 0);
        while (told().kind != PW_EVENT_NONE) {
        }
    }
    watch_close();
}

/* cases/21-reference-price-of-filters, cases/33-a-ban-that-cannot-be-read: for all that is asked there. */
Test(watch, a_ban_holds_for_all_requests)
{
    watch_open(live, rows_usual);
    say(0, REFERENCE, "418 Teapot\r\nRetry-After: 200", "");
    say(1, INFO, "200 OK", SYMBOLS("1"));
    pass(S_NS);
    cr_expect_eq(request_cnt, 1);
    cr_expect_geq(pw_snapshots_paused_until_ns(snapshots, 0), requests[0].at_ns + 200 * S_NS);
    pass(190 * S_NS);
    cr_expect_eq(request_cnt, 1, "nor are the rules asked for");
    pass(20 * S_NS);
    cr_expect_eq(asked(INFO), 1);
    watch_close();
}

/* cases/21-reference-price-of-filters */
Test(watch, nobody_asks_without_need)
{
    struct pw_instrument rows[2] = {rows_usual[0], rows_usual[1]};
    watch_open(paper, rows);
    pass(30 * S_NS);
    cr_expect_eq(request_cnt, 0, "no venue judges paper's orders");
    watch_close();
    for (int i = 0; i < 2; i++) {
        rows[0].min_notional_market = i == 0 ? 0 : 1;
        rows[0].tradable = i == 0 ? 1 : 0;
        strcpy(dir, "/tmp/pinwheel-watch-XXXXXX");
        watch_open(live, rows);
        pass(30 * S_NS);
        cr_expect_eq(request_cnt, 0, "%s", i == 0 ? "no filter" : "closed");
        watch_close();
    }
}

/* ---- status and filters ---- */

/* cases/21-reference-price-of-filters, cases/06-instrument-rules-change-while-running: what has changed is
 * told, once. */
Test(watch, rules_are_asked_for_at_their_interval)
{
    watch_open(paper, rows_usual);
    say(0, INFO, "200 OK", SYMBOLS("1"));
    pass(59 * S_NS);
    cr_expect_eq(request_cnt, 0, "the start has just asked");
    pass(2 * S_NS);
    cr_expect_eq(asked(INFO "%5B%22BTCUSDT%22%2C%22ETHUSDT%22%5D"), 1);
    cr_expect_not(pw_snapshots_spend(snapshots, 0, 3000 - 20 + 1 + 50, requests[0].at_ns));
    for (uint32_t i = 0; i < 6; i++) {
        cr_expect_eq(told().kind, PW_EVENT_RULES + i % 3, "the filter of notional is gone, of both");
    }
    expect_nothing_told();
    pass(MINUTE_NS);
    cr_expect_eq(request_cnt, 2);
    expect_nothing_told();
    say(0, INFO, "200 OK", SYMBOLS("2"));
    pass(MINUTE_NS);
    cr_expect_eq(request_cnt, 3);
    struct pw_event event = told();
    cr_expect(event.kind == PW_EVENT_RULES && event.instrument_idx == 0);
    event = told();
    cr_expect_eq(event.body.rules_lot.step_e8, 2 * PW_E8);
    watch_close();
}

/* cases/10-refusals-that-nobody-is-told-of: each occasion asks once, not sooner than two seconds after the
 * last request. */
Test(watch, a_reconnect_and_a_rejection_are_occasions_to_ask)
{
    struct pw_feed_view *feed;
    watch_open(paper, rows_usual);
    feed = pw_region_at(&ws, pw_workspace_find(&ws, "feeds", PW_REGION_FEEDS), 0);
    struct pw_metric_row *rejected = pw_metrics_find(&ws, "execution", "rejected_by_rules");
    cr_assert_not_null(rejected);
    say(0, INFO, "200 OK", SYMBOLS("1"));
    pass(S_NS);
    atomic_store(&feed->connect_cnt, 1);
    pass(5 * S_NS);
    cr_expect_eq(request_cnt, 0, "that is the first connection");
    atomic_store(&feed->connect_cnt, 2);
    pass(S_NS);
    cr_expect_eq(request_cnt, 1);
    while (told().kind != PW_EVENT_NONE) {
    }
    atomic_fetch_add(&rejected->value, 1);
    pass(500 * MS_NS);
    cr_expect_eq(request_cnt, 1);
    pass(2 * S_NS);
    cr_expect_eq(request_cnt, 2);
    for (uint32_t i = 0; i < 6; i++) {
        cr_expect_eq(told().kind, PW_EVENT_RULES + i % 3, "what is open as before is told after a rejection");
    }
    pass(30 * S_NS);
    cr_expect_eq(request_cnt, 2);
    watch_close();
}

/* cases/41-status-of-an-answer: pauses of 2 s, 4 s, 8 s, as long as the interval at most; or as asked. */
Test(watch, rules_that_fail_are_asked_for_after_growing_pauses)
{
    watch_open(paper, rows_usual);
    pass(61 * S_NS);
    cr_expect_eq(request_cnt, 1);
    pass(16 * S_NS);
    cr_expect_eq(request_cnt, 4);
    for (uint32_t i = 1; i < 4; i++) {
        int64_t pause_ns = requests[i].at_ns - requests[i - 1].at_ns;
        cr_expect(pause_ns >= (1 << i) * S_NS && pause_ns < ((1 << i) + 1) * S_NS, "pause %u", i);
    }
    say(0, INFO, "503 Busy\r\nRetry-After: 45", "");
    pass(40 * S_NS);
    uint32_t cnt = request_cnt;
    pass(20 * S_NS);
    cr_expect_leq(request_cnt, cnt + 1);
    cr_expect_geq(requests[request_cnt - 1].at_ns - requests[request_cnt - 2].at_ns, 16 * S_NS);
    expect_nothing_told();
    watch_close();
}

/* cases/33-a-ban-that-cannot-be-read */
Test(watch, rules_are_not_asked_for_during_a_ban_or_without_weight)
{
    watch_open(paper, rows_usual);
    say(0, INFO, "200 OK", SYMBOLS("1"));
    pw_snapshots_pause(snapshots, 0, world.now_ns + 100 * S_NS);
    pass(99 * S_NS);
    cr_expect_eq(request_cnt, 0);
    pass(2 * S_NS);
    cr_expect_eq(request_cnt, 1);
    say(0, INFO, "418 Teapot", "");
    for (int64_t end_ns = world.now_ns + 65 * S_NS; world.now_ns < end_ns;) {
        while (pw_snapshots_spend(snapshots, 0, 10, world.now_ns)) {
        }
        pass(STEP_NS);
    }
    cr_expect_eq(request_cnt, 1, "snapshots have taken all of it");
    pass(2 * S_NS);
    cr_expect_eq(request_cnt, 2);
    cr_expect_geq(pw_snapshots_paused_until_ns(snapshots, 0), requests[1].at_ns + 120 * S_NS);
    watch_close();
}
