/* SPDX-License-Identifier: MIT
 *
 * pinwheel why, run as a program on journals made here by the writer: an order's story is told from all that
 * is its and nothing that is another's, and what is not in the journal is said not to be.
 */
#include "journal_rig.h"
#include "program.h"
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIB      (UINT64_C(1) << 20)
#define PRICE_E8 INT64_C(6183763000000)
#define QTY_E8   INT64_C(1000000)
#define MS       INT64_C(1000000)
#define LIVE_CONFIG                                                                                          \
    "gateway: live\nfeeds:\n  - {name: spot}\nstrategies:\n  - {name: taker, kind: tick_taker}\n"

/* A run being written; events come at times of their own. */
struct script {
    struct live live;
    const char *dir;
    uint32_t market_seq, seq;
    int64_t now_ns;
    int64_t placed_ns[8]; /* when the event behind the order came, by the low bits of its id */
    uint32_t conn_idx;    /* of messages that follow */
};

static void script_begin(struct script *s, const char *config)
{
    *s = (struct script){.dir = live_dir(), .now_ns = LIVE_EPOCH_NS, .conn_idx = 1};
    live_open_config(&s->live, s->dir, 64 * MIB, LIVE_EPOCH_NS, config);
}

static void script_end(struct script *s)
{
    live_close(&s->live, true);
}

static uint64_t id_of(const struct script *s, uint64_t n)
{
    return s->live.run_id << 24 | n;
}

static void put(struct script *s, struct pw_event event)
{
    event.seq = event.kind < PW_EVENT_TIME ? s->market_seq++ : s->seq++;
    event.recv_ns = event.recv_ns ? event.recv_ns : s->now_ns;
    live_put(&s->live, &event, s->now_ns);
}

/* A quote, at a time of its own. */
static void put_quote(struct script *s)
{
    s->now_ns += MS;
    put(s, (struct pw_event){.kind = PW_EVENT_QUOTE,
                             .venue_ns = s->now_ns - 2 * MS,
                             .body.quote = {PRICE_E8 - 1000000, QTY_E8, PRICE_E8, QTY_E8, s->market_seq}});
}

static void put_intent(struct script *s, enum pw_intent_action action, uint64_t client_order_id)
{
    put(s, (struct pw_event){.kind = PW_EVENT_INTENT,
                             .body.intent = {.price_e8 = PRICE_E8,
                                             .qty_e8 = QTY_E8,
                                             .client_order_id = client_order_id,
                                             .market_seq = s->market_seq - 1,
                                             .action = (uint8_t)action,
                                             .type = PW_LIMIT,
                                             .tif = PW_IOC,
                                             .tag = 7}});
}

/* What risk sees when nothing is against the order; position_e8 may be. */
static void put_risk_by(struct script *s, int64_t position_e8, int64_t reference_e8)
{
    put(s, (struct pw_event){.kind = PW_EVENT_RISK_MARKET,
                             .body.risk_market = {PRICE_E8 - 1000000, PRICE_E8, position_e8, 0, 0}});
    put(s, (struct pw_event){
               .kind = PW_EVENT_RISK_CASH,
               .venue_ns = reference_e8,
               .body.risk_cash = {{UINT64_C(10000000000000000000), 5}, {0, 0}, UINT64_C(5000000000)}});
    put(s, (struct pw_event){.kind = PW_EVENT_RISK_LIMITS,
                             .body.risk_limits = {.max_order_notional_e8 = INT64_C(100000000000),
                                                  .max_position_e8 = 100000000,
                                                  .max_orders_per_s = 5,
                                                  .bits = 100000u << PW_RISK_FEE_SHIFT | PW_RISK_BIT_FEED_UP |
                                                          PW_RISK_BIT_ROOM}});
}

static void put_risk(struct script *s, int64_t position_e8)
{
    put_risk_by(s, position_e8, 0);
}

static void put_order(struct script *s, uint64_t id, enum pw_order_state state, enum pw_reason reason)
{
    if (state == PW_ORDER_IN_FLIGHT) {
        s->placed_ns[id % 8] = s->now_ns;
    }
    put(s, (struct pw_event){.kind = PW_EVENT_ORDER,
                             .body.order = {.price_e8 = PRICE_E8,
                                            .leaves_qty_e8 = QTY_E8,
                                            .client_order_id = id,
                                            .market_seq = s->market_seq - 1,
                                            .state = (uint8_t)state,
                                            .reason = (uint8_t)reason,
                                            .type = PW_LIMIT,
                                            .tif = PW_IOC,
                                            .tag = 7}});
}

static void put_stamps(struct script *s, uint64_t id, uint32_t submitted_ns)
{
    put(s, (struct pw_event){.kind = PW_EVENT_STAMPS,
                             .recv_ns = s->placed_ns[id % 8],
                             .body.stamps = {id, 2000, 100, 200, 300, 400, 500, 600, submitted_ns}});
}

static void put_fill(struct script *s, uint64_t id)
{
    put(s, (struct pw_event){.kind = PW_EVENT_FILL, .body.fill = {PRICE_E8, QTY_E8, id, 0, 0}});
    put(s, (struct pw_event){
               .kind = PW_EVENT_FILL_INFO,
               .body.fill_info = {.trade_id = 4711, .fee_asset = "BNB", .fee_e16_lo = 12300000000000}});
}

static void put_wire(struct script *s, bool sent, uint64_t id, const char *format, uint64_t named)
{
    char text[512];
    snprintf(text, sizeof text, format, named, named); /* NOLINT */
    struct pw_event frame = {
        .kind = PW_EVENT_FRAME,
        .flags = sent ? PW_FLAG_SENT : 0,
        .recv_ns = s->now_ns,
        .body.frame = {.feed_idx = s->conn_idx, .state = PW_FEED_DOWN, .reason = PW_REASON_DISCONNECT}};
    if (sent) {
        frame.body.frame.client_order_id = id;
    }
    live_put_wire(&s->live, &frame, text, s->now_ns);
}

/* An order from its quote until it is in flight. */
static void put_placed(struct script *s, uint64_t id)
{
    put_quote(s);
    put_intent(s, PW_PLACE, 0);
    put_risk(s, 0);
    put_order(s, id, PW_ORDER_IN_FLIGHT, PW_REASON_NONE);
}

static int run_why(const char *dir, const char *const *args, char **out)
{
    const char *argv[12] = {dir};
    for (int i = 0; args[i]; i++) {
        argv[i + 1] = args[i];
    }
    return program_run("PINWHEEL_WHY_TOOL", argv, out);
}

static json_t *why_json(const char *dir, uint64_t id)
{
    char *out, text[32];
    snprintf(text, sizeof text, "%" PRIu64, id);
    cr_assert_eq(run_why(dir, (const char *const[]){text, "--json", NULL}, &out), 0, "%s", program_errors);
    return program_json(out);
}

/* Of the instance "test", whose journal live.c writes. */
#define TEST_HASH "afd071e5"
#define AT_VENUE  TEST_HASH "-%016" PRIx64

static char *why_text(const char *dir, uint64_t id, const char *option)
{
    char *out, text[40];
    snprintf(text, sizeof text, "pw-" AT_VENUE, id);
    cr_assert_eq(run_why(dir, (const char *const[]){text, option, NULL}, &out), 0, "%s", program_errors);
    return out;
}

static const char *string_at(const json_t *json, const char *path)
{
    const char *text = json_string_value(program_at(json, path));
    return text ? text : "not there";
}

static int64_t integer_at(const json_t *json, const char *path)
{
    const json_t *value = program_at(json, path);
    cr_assert(json_is_integer(value) || json_is_string(value), "%s", path);
    return json_is_string(value) ? strtoll(json_string_value(value), NULL, 10) : json_integer_value(value);
}

/* A live order's whole life, among others' events. */
static uint64_t write_life(struct script *s)
{
    uint64_t id = id_of(s, 2), other = id_of(s, 1);
    put_placed(s, other);
    put_wire(s, true, other,
             "{\"id\":\"p%016" PRIx64 "\",\"params\":{\"newClientOrderId\":\"pw-" AT_VENUE "\"}}", other);
    put_quote(s);
    put_quote(s);
    put(s, (struct pw_event){
               .kind = PW_EVENT_SIGNAL,
               .body.signal = {.value_a = 5, .value_b = 3, .direction = 1, .market_seq = s->market_seq - 1}});
    put_intent(s, PW_PLACE, 0);
    put_risk(s, 0);
    put_order(s, id, PW_ORDER_IN_FLIGHT, PW_REASON_NONE);
    put_wire(s, true, id,
             "{\"id\":\"p%016" PRIx64 "\",\"params\":{\"apiKey\":\"****\",\"newClientOrderId\":\"pw-" AT_VENUE
             "\"}}",
             id);
    s->now_ns += 5 * MS;
    put_order(s, other, PW_ORDER_OPEN, PW_REASON_NONE);
    put_wire(s, false, 0, "{\"id\":\"p%016" PRIx64 "\",\"status\":200}", other);
    put_wire(s, false, 0, "{\"e\":\"executionReport\",\"c\":\"pw-01234567-%016" PRIx64 "\"}",
             id); /* another's */
    put_wire(s, false, 0, "{\"id\":\"p%016" PRIx64 "\",\"status\":200}", id);
    put_order(s, id, PW_ORDER_OPEN, PW_REASON_NONE);
    put_stamps(s, other, 9000);
    put_stamps(s, id, 700);
    put_wire(s, false, 0, "", 0);
    s->now_ns += MS;
    put_wire(s, false, 0, "{\"e\":\"executionReport\",\"c\":\"pw-" AT_VENUE "\"}", id);
    put_order(s, id, PW_ORDER_FILLED, PW_REASON_NONE);
    put_fill(s, id);
    put_wire(s, false, 0, "", 0);
    put_fill(s, other);
    return id;
}

Test(why, the_gateway_is_that_of_the_account_that_trades_there)
{
    struct script s;
    script_begin(
        &s, "accounts:\n  - {name: a, feeds: [other]}\n  - {name: b, gateway: live, feeds: [third, spot]}\n"
            "feeds:\n  - {name: spot}\nstrategies:\n  - {name: taker, kind: tick_taker}\n");
    uint64_t id = id_of(&s, 1);
    put_placed(&s, id);
    put_order(&s, id, PW_ORDER_FILLED, PW_REASON_NONE);
    script_end(&s);
    json_t *json = why_json(s.dir, id);
    cr_expect_str_eq(string_at(json, "gateway"), "live");
    json_decref(json);
}

/* Stages on cores of their own: the pass that sent the request may have begun before the event came in. */
Test(why, a_request_dated_before_its_market_event_is_among_the_messages)
{
    struct script s;
    script_begin(&s, LIVE_CONFIG);
    uint64_t id = id_of(&s, 1);
    put_placed(&s, id);
    s.now_ns -= MS / 20;
    put_wire(&s, true, id,
             "{\"id\":\"p%016" PRIx64 "\",\"params\":{\"newClientOrderId\":\"pw-" AT_VENUE "\"}}", id);
    s.now_ns += MS;
    put_order(&s, id, PW_ORDER_FILLED, PW_REASON_NONE);
    script_end(&s);
    json_t *json = why_json(s.dir, id);
    cr_expect_eq(json_array_size(program_at(json, "messages")), 1);
    json_decref(json);
}

Test(why, a_live_order_is_told_from_its_cause_to_its_last_message)
{
    struct script s;
    script_begin(&s, LIVE_CONFIG);
    char venue_id[40];
    uint64_t id = write_life(&s);
    script_end(&s);
    json_t *json = why_json(s.dir, id);
    cr_expect_eq(integer_at(json, "client_order_id"), (int64_t)id);
    snprintf(venue_id, sizeof venue_id, "pw-" AT_VENUE, id);
    cr_expect_str_eq(string_at(json, "venue_client_order_id"), venue_id);
    cr_expect_str_eq(string_at(json, "gateway"), "live");
    cr_expect_str_eq(string_at(json, "strategy_name"), "taker");
    cr_expect_str_eq(string_at(json, "state"), "filled");
    cr_expect_str_eq(string_at(json, "cause/kind"), "quote");
    cr_expect_eq(integer_at(json, "cause/journal_seq"), 2);
    cr_expect(json_is_true(program_at(json, "cause/is_cause")));
    cr_expect_eq(integer_at(json, "cause/recv_ns") - integer_at(json, "cause/venue_ns"), 2 * MS);
    cr_expect_str_eq(string_at(json, "signal/kind"), "signal");
    cr_expect_str_eq(string_at(json, "intent/action"), "place");
    cr_expect(json_is_true(program_at(json, "checks/agrees")));
    cr_expect_str_eq(string_at(json, "checks/replayed"), "none");
    cr_expect_eq(json_array_size(program_at(json, "hops")), 9);
    cr_expect_eq(integer_at(json, "hops/0/at_ns"), -2000);
    cr_expect_str_eq(string_at(json, "hops/8/name"), "submitted");
    cr_expect_eq(integer_at(json, "hops/8/at_ns"), 700);
    cr_expect_eq(integer_at(json, "hops/8/took_ns"), 100);
    cr_expect_eq(integer_at(json, "acknowledged_after_ns"), 5 * MS - 700);
    cr_assert_eq(json_array_size(program_at(json, "steps")), 5);
    cr_expect_str_eq(string_at(json, "steps/2/state"), "filled");
    cr_expect_eq(integer_at(json, "steps/2/since_ns"), 6 * MS - 700);
    cr_expect_str_eq(string_at(json, "steps/3/price"), "61837.63");
    cr_expect_eq(integer_at(json, "steps/4/trade_id"), 4711);
    cr_expect_str_eq(string_at(json, "steps/4/fee_asset"), "BNB");
    cr_expect_str_eq(string_at(json, "filled_qty"), "0.01");
    json_decref(json);
    folder_remove(s.dir);
}

/* Its own request, the answer that bears the request's id alone, the report that names it; the connection's
 * loss between them, not the one after. */
Test(why, messages_are_the_orders_own_in_their_order_and_to_the_byte)
{
    struct script s;
    script_begin(&s, LIVE_CONFIG);
    uint64_t id = write_life(&s);
    script_end(&s);
    json_t *json = why_json(s.dir, id);
    char text[256];
    cr_assert_eq(json_array_size(program_at(json, "messages")), 4);
    snprintf(text, sizeof text,
             "{\"id\":\"p%016" PRIx64 "\",\"params\":{\"apiKey\":\"****\",\"newClientOrderId\":\"pw-" AT_VENUE
             "\"}}",
             id, id);
    cr_expect_str_eq(string_at(json, "messages/0/text"), text);
    cr_expect_str_eq(string_at(json, "messages/0/direction"), "sent");
    snprintf(text, sizeof text, "{\"id\":\"p%016" PRIx64 "\",\"status\":200}", id);
    cr_expect_str_eq(string_at(json, "messages/1/text"), text);
    cr_expect_str_eq(string_at(json, "messages/1/direction"), "received");
    cr_expect_str_eq(string_at(json, "messages/2/connection"), "down");
    cr_expect_str_eq(string_at(json, "messages/2/reason"), "disconnect");
    snprintf(text, sizeof text, "{\"e\":\"executionReport\",\"c\":\"pw-" AT_VENUE "\"}", id);
    cr_expect_str_eq(string_at(json, "messages/3/text"), text);
    json_decref(json);
    folder_remove(s.dir);
}

/* Each account numbers its requests for itself. */
Test(why, messages_of_another_accounts_connection_are_left_out)
{
    struct script s;
    script_begin(&s, LIVE_CONFIG);
    uint64_t id = id_of(&s, 1);
    put_placed(&s, id);
    put_wire(&s, true, id,
             "{\"id\":\"p%016" PRIx64 "\",\"params\":{\"newClientOrderId\":\"pw-" AT_VENUE "\"}}", id);
    put_wire(&s, true, 0,
             "{\"id\":\"q0000000000000005\",\"params\":{\"origClientOrderId\":\"pw-" AT_VENUE "\"}}", id);
    s.conn_idx = 2;
    s.now_ns += MS;
    put_wire(&s, false, 0, "", 0);
    put_wire(&s, false, 0,
             "{\"id\":\"q0000000000000005\",\"status\":200,\"result\":{\"another\":%" PRIu64 "}}", 7);
    s.conn_idx = 1;
    put_wire(&s, false, 0, "{\"id\":\"q0000000000000005\",\"status\":200,\"result\":{\"own\":%" PRIu64 "}}",
             8);
    put_order(&s, id, PW_ORDER_FILLED, PW_REASON_NONE);
    script_end(&s);
    json_t *json = why_json(s.dir, id);
    cr_assert_eq(json_array_size(program_at(json, "messages")), 3);
    cr_expect_not_null(strstr(string_at(json, "messages/2/text"), "own"));
    json_decref(json);
    folder_remove(s.dir);
}

static void expect_columns(const char *text)
{
    while (*text) {
        size_t len = strcspn(text, "\n");
        cr_expect_leq(len, 100, "%.*s", (int)len, text);
        text += len + (text[len] == '\n');
    }
}

Test(why, text_fits_and_is_as_stored)
{
    struct script s;
    script_begin(&s, LIVE_CONFIG);
    uint64_t id = write_life(&s);
    script_end(&s);
    char *text = why_text(s.dir, id, NULL), *pretty = why_text(s.dir, id, "--pretty");
    expect_columns(text);
    expect_columns(pretty);
    program_expect_page("why.txt", text);
    cr_expect_null(strstr(text, "      \"apiKey\": \"****\""));
    cr_expect_not_null(strstr(pretty, "      \"apiKey\": \"****\""), "%s", pretty);
    free(text);
    free(pretty);
    folder_remove(s.dir);
}

/* ---- risk ---- */

static const json_t *check_of(const json_t *json, const char *name)
{
    const json_t *row;
    size_t i;
    json_array_foreach(program_at(json, "checks/list"), i, row)
    {
        if (strcmp(string_at(row, "name"), name) == 0) {
            return row;
        }
    }
    cr_assert_fail("there is no check '%s'", name);
    return NULL;
}

Test(why, a_denied_order_names_the_check_with_value_and_limit)
{
    struct script s;
    script_begin(&s, LIVE_CONFIG);
    uint64_t id = id_of(&s, 1);
    put_quote(&s);
    put_intent(&s, PW_PLACE, 0);
    put_risk(&s, 99500000);
    put_order(&s, id, PW_ORDER_DENIED, PW_REASON_MAX_POSITION);
    script_end(&s);
    json_t *json = why_json(s.dir, id);
    const json_t *check = check_of(json, "max_position");
    cr_expect(json_is_true(program_at(json, "checks/agrees")));
    cr_expect_str_eq(string_at(json, "checks/replayed"), "max_position");
    cr_expect(json_is_false(program_at(check, "passed")));
    cr_expect_str_eq(string_at(check, "value"), "1.005");
    cr_expect_str_eq(string_at(check, "at_most"), "1");
    cr_expect(json_is_true(program_at(check_of(json, "cash"), "passed")));
    cr_expect(json_is_string(program_at(json, "not_recorded/messages")));
    json_decref(json);
    char *text = why_text(s.dir, id, NULL);
    program_expect_page("why-denied.txt", text);
    free(text);
    folder_remove(s.dir);
}

/* The instrument has a band from here on: half of the price by which the venue judges, and twice of it. */
static void put_band(struct script *s)
{
    put(s, (struct pw_event){.kind = PW_EVENT_RULES, .body.rules = {.tradable = 1}});
    put(s, (struct pw_event){.kind = PW_EVENT_RULES_LOT});
    put(s, (struct pw_event){.kind = PW_EVENT_RULES_MARKET,
                             .body.rules_market = {.band = {{2000000, 500000}, {2000000, 500000}}}});
}

/* cases/21-reference-price-of-filters: the verdict is made again by the price that risk had, and the page
 * says which one that was; also when it was too old. */
Test(why, the_price_by_which_filters_judge_is_told)
{
    static const struct {
        uint32_t source, mins;
        const char *name, *text;
    } rows[] = {{PW_PRICE_REFERENCE, 0, "reference", ", the reference price, told "},
                {PW_PRICE_MEAN, 5, "mean", ", the mean of 5 minutes, told "},
                {PW_PRICE_LAST, 0, "last", ", the last price, told "}};
    struct script s;
    uint64_t ids[4];
    script_begin(&s, LIVE_CONFIG);
    put_band(&s);
    for (uint32_t i = 0; i < 4; i++) {
        ids[i] = id_of(&s, i + 1);
        put(&s, (struct pw_event){.kind = PW_EVENT_REFERENCE_PRICE,
                                  .body.reference_price = {.price_e8 = PRICE_E8 / 2 - 1,
                                                           .fresh_ns = 3 * MS,
                                                           .source = i < 3 ? rows[i].source : PW_PRICE_LAST,
                                                           .mins = i < 3 ? rows[i].mins : 0}});
        s.now_ns += 2 * MS;
        put_quote(&s);
        put_intent(&s, PW_PLACE, 0);
        put_risk_by(&s, 0, i < 3 ? PRICE_E8 / 2 - 1 : 0);
        put_order(&s, ids[i], i < 3 ? PW_ORDER_DENIED : PW_ORDER_IN_FLIGHT,
                  i < 3 ? PW_REASON_PRICE_BAND : PW_REASON_NONE);
    }
    script_end(&s);
    for (uint32_t i = 0; i < 4; i++) {
        json_t *json = why_json(s.dir, ids[i]);
        char *text = why_text(s.dir, ids[i], NULL);
        cr_expect(json_is_true(program_at(json, "checks/agrees")));
        cr_expect_str_eq(string_at(json, "checks/replayed"), i < 3 ? "price_band" : "none");
        cr_expect_str_eq(string_at(json, "filter_price/source"), i < 3 ? rows[i].name : "touch");
        cr_expect_not_null(strstr(text, i < 3 ? rows[i].text : "not known: the touch was used"), "%s", text);
        if (i < 3) {
            cr_expect_geq(integer_at(json, "filter_price/age_ns"), 2 * MS);
            cr_expect_eq(integer_at(json, "filter_price/mins"), rows[i].mins);
            cr_expect(json_is_false(program_at(check_of(json, "price_band"), "passed")));
        }
        free(text);
        json_decref(json);
    }
    folder_remove(s.dir);
}

Test(why, a_verdict_that_does_not_follow_from_what_risk_saw_is_reported)
{
    struct script s;
    script_begin(&s, LIVE_CONFIG);
    uint64_t id = id_of(&s, 1);
    put_quote(&s);
    put_intent(&s, PW_PLACE, 0);
    put_risk(&s, 0);
    put_order(&s, id, PW_ORDER_DENIED, PW_REASON_CASH);
    script_end(&s);
    json_t *json = why_json(s.dir, id);
    cr_expect(json_is_false(program_at(json, "checks/agrees")));
    json_decref(json);
    char *text = why_text(s.dir, id, NULL);
    cr_expect_not_null(strstr(text, "DIFFERS"), "%s", text);
    free(text);
    folder_remove(s.dir);
}

Test(why, the_gateways_denial_is_told_apart_from_the_checks)
{
    struct script s;
    script_begin(&s, LIVE_CONFIG);
    uint64_t id = id_of(&s, 1);
    put_quote(&s);
    put_intent(&s, PW_PLACE, 0);
    put_risk(&s, 0);
    put_order(&s, id, PW_ORDER_DENIED, PW_REASON_NOT_CONNECTED);
    script_end(&s);
    json_t *json = why_json(s.dir, id);
    cr_expect(json_is_true(program_at(json, "checks/agrees")));
    cr_expect(json_is_true(program_at(json, "checks/denied_after_checks")));
    cr_expect_str_eq(string_at(json, "checks/journal"), "not_connected");
    json_decref(json);
    folder_remove(s.dir);
}

/* ---- replacements, cancellations ---- */

/* 1 is replaced by 3 (2 was denied), 3 by 4. */
Test(why, replacements_are_followed_both_ways)
{
    struct script s;
    script_begin(&s, LIVE_CONFIG);
    uint64_t id[5];
    for (uint64_t i = 0; i < 5; i++) {
        id[i] = id_of(&s, i);
    }
    put_placed(&s, id[1]);
    put_order(&s, id[1], PW_ORDER_OPEN, PW_REASON_NONE);
    for (int i = 2; i < 5; i++) {
        uint64_t old = id[i == 4 ? 3 : 1];
        put_quote(&s);
        put_intent(&s, PW_REPLACE, old);
        put_risk(&s, 0);
        put_order(&s, id[i], i == 2 ? PW_ORDER_DENIED : PW_ORDER_IN_FLIGHT,
                  i == 2 ? PW_REASON_NOT_CONNECTED : PW_REASON_NONE);
        if (i > 2) {
            put_order(&s, old, PW_ORDER_REPLACED, PW_REASON_NONE);
            put_order(&s, id[i], PW_ORDER_OPEN, PW_REASON_NONE);
        }
    }
    script_end(&s);
    json_t *first = why_json(s.dir, id[1]), *denied = why_json(s.dir, id[2]),
           *middle = why_json(s.dir, id[3]);
    cr_expect_eq(json_array_size(program_at(first, "replaces")), 0);
    cr_assert_eq(json_array_size(program_at(first, "replaced_by")), 2);
    cr_expect_eq(integer_at(first, "replaced_by/0"), (int64_t)id[3]);
    cr_expect_eq(integer_at(first, "replaced_by/1"), (int64_t)id[4]);
    cr_expect_str_eq(string_at(first, "state"), "replaced");
    cr_expect_eq(integer_at(denied, "replaces/0"), (int64_t)id[1]);
    cr_expect_eq(json_array_size(program_at(denied, "replaced_by")), 0);
    cr_expect_eq(integer_at(middle, "replaces/0"), (int64_t)id[1]);
    cr_expect_eq(integer_at(middle, "replaced_by/0"), (int64_t)id[4]);
    cr_expect_str_eq(string_at(middle, "intent/action"), "replace");
    cr_expect_str_eq(string_at(middle, "steps/2/kind"), "intent", "the request to replace it in turn");
    cr_expect_str_eq(string_at(middle, "steps/2/action"), "replace");
    json_decref(first);
    json_decref(denied);
    json_decref(middle);
    folder_remove(s.dir);
}

Test(why, what_ended_it_is_told_a_cancellation_or_a_halt)
{
    struct script s;
    script_begin(&s, LIVE_CONFIG);
    const struct pw_event halt = {.kind = PW_EVENT_COMMAND, .body.state = {.state = PW_COMMAND_HALT}};
    for (uint64_t i = 1; i < 3; i++) {
        put_placed(&s, id_of(&s, i));
        put_order(&s, id_of(&s, i), PW_ORDER_OPEN, PW_REASON_NONE);
    }
    put_intent(&s, PW_CANCEL, id_of(&s, 1));
    put_order(&s, id_of(&s, 1), PW_ORDER_CANCELED, PW_REASON_NONE);
    put(&s, halt);
    put_order(&s, id_of(&s, 2), PW_ORDER_CANCELED, PW_REASON_NONE);
    put(&s, halt);
    script_end(&s);
    json_t *asked = why_json(s.dir, id_of(&s, 1)), *halted = why_json(s.dir, id_of(&s, 2));
    cr_assert_eq(json_array_size(program_at(asked, "steps")), 4);
    cr_expect_str_eq(string_at(asked, "steps/2/action"), "cancel");
    cr_assert_eq(json_array_size(program_at(halted, "steps")), 4);
    cr_expect_str_eq(string_at(halted, "steps/2/command"), "halt");
    json_decref(asked);
    json_decref(halted);
    folder_remove(s.dir);
}

/* ---- what is not there ---- */

Test(why, a_report_may_be_the_cause)
{
    struct script s;
    script_begin(&s, LIVE_CONFIG);
    put_quote(&s);
    put_quote(&s);
    s.now_ns += MS; /* a report came */
    put_intent(&s, PW_PLACE, 0);
    put_order(&s, id_of(&s, 1), PW_ORDER_IN_FLIGHT, PW_REASON_NONE);
    script_end(&s);
    json_t *json = why_json(s.dir, id_of(&s, 1));
    cr_expect_eq(integer_at(json, "cause/journal_seq"), 1);
    cr_expect(json_is_false(program_at(json, "cause/is_cause")));
    cr_expect(json_is_null(program_at(json, "checks")));
    cr_expect(json_is_null(program_at(json, "hops")));
    cr_expect(json_is_string(program_at(json, "not_recorded/messages")));
    json_decref(json);
    folder_remove(s.dir);
}

Test(why, what_the_paper_gateway_does_not_have_is_said)
{
    struct script s;
    script_begin(&s, "a: 1\n");
    put_placed(&s, id_of(&s, 1));
    put(&s, (struct pw_event){.kind = PW_EVENT_STAMPS,
                              .body.stamps = {id_of(&s, 1), PW_STAMP_NONE, 100, 200, 300, 400, PW_STAMP_NONE,
                                              PW_STAMP_NONE, PW_STAMP_NONE}});
    script_end(&s);
    json_t *json = why_json(s.dir, id_of(&s, 1));
    cr_expect_str_eq(string_at(json, "gateway"), "paper");
    cr_expect(json_is_null(program_at(json, "hops/0/at_ns")), "no kernel timestamp");
    cr_expect(json_is_string(program_at(json, "hops/0/not_recorded")));
    cr_expect_eq(integer_at(json, "hops/5/at_ns"), 400);
    cr_expect(json_is_null(program_at(json, "hops/8/at_ns")), "nothing is submitted");
    cr_expect(json_is_string(program_at(json, "hops/8/not_recorded")));
    cr_expect_eq(json_array_size(program_at(json, "messages")), 0);
    cr_expect(json_is_string(program_at(json, "not_recorded/messages")));
    json_decref(json);
    folder_remove(s.dir);
}

/* ---- which order, which journal ---- */

Test(why, a_journal_that_is_being_written_is_read)
{
    struct script s;
    script_begin(&s, LIVE_CONFIG);
    uint64_t id = write_life(&s);
    live_commit(&s.live, INT64_MAX / 2);
    json_t *json = why_json(s.dir, id);
    cr_expect_str_eq(string_at(json, "state"), "filled");
    json_decref(json);
    char *out;
    cr_expect_eq(run_why(s.dir, (const char *const[]){"0xffff", "--run", "0", NULL}, &out), 1);
    cr_expect_not_null(strstr(program_errors, "pinwheel why: "), "%s", program_errors);
    free(out);
    live_close(&s.live, false);
    folder_remove(s.dir);
}

Test(why, ids_are_taken_as_people_have_them)
{
    struct script s;
    script_begin(&s, LIVE_CONFIG);
    uint64_t id = write_life(&s);
    script_end(&s);
    static const char *const formats[] = {"%" PRIu64, "0x%" PRIx64, "pw-" AT_VENUE, "pc-" AT_VENUE};
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        char text[40], *out;
        snprintf(text, sizeof text, formats[i], id); /* NOLINT */
        cr_assert_eq(run_why(s.dir, (const char *const[]){text, "--json", NULL}, &out), 0, "%s", text);
        json_t *json = program_json(out);
        cr_expect_eq(integer_at(json, "client_order_id"), (int64_t)id);
        json_decref(json);
    }
    folder_remove(s.dir);
}

Test(why, newest_and_slowest_are_found)
{
    struct script s;
    script_begin(&s, LIVE_CONFIG);
    uint64_t id = write_life(&s);
    put_placed(&s, id_of(&s, 3));
    script_end(&s);
    char *out;
    cr_assert_eq(run_why(s.dir, (const char *const[]){"--last", "--json", NULL}, &out), 0);
    json_t *json = program_json(out);
    cr_expect_eq(integer_at(json, "client_order_id"), (int64_t)id_of(&s, 3));
    json_decref(json);
    cr_assert_eq(run_why(s.dir, (const char *const[]){"--slowest", "5", "--json", NULL}, &out), 0);
    json = program_json(out);
    cr_assert_eq(json_array_size(program_at(json, "slowest")), 2);
    cr_expect_eq(integer_at(json, "slowest/0/client_order_id"), (int64_t)id_of(&s, 1));
    cr_expect_eq(integer_at(json, "slowest/0/at_ns"), 9000);
    cr_expect_eq(integer_at(json, "slowest/1/client_order_id"), (int64_t)id);
    json_decref(json);
    folder_remove(s.dir);
}

Test(why, exit_codes_tell_what_is_wrong)
{
    struct script s;
    script_begin(&s, LIVE_CONFIG);
    uint64_t id = write_life(&s);
    script_end(&s);
    char known[32], unknown[32], of_no_run[32], of_another[40], *out;
    snprintf(known, sizeof known, "%" PRIu64, id);
    snprintf(unknown, sizeof unknown, "%" PRIu64, id + 1000);
    snprintf(of_another, sizeof of_another, "pw-01234567-%016" PRIx64, id);
    snprintf(of_no_run, sizeof of_no_run, "%" PRIu64, id + (UINT64_C(1) << 30));
    const struct {
        const char *args[4];
        int code;
    } rows[] = {
        {{known, NULL}, 0},
        {{unknown, NULL}, 1},
        {{of_no_run, NULL}, 1},
        {{known, "--run", "77", NULL}, 1},
        {{NULL}, 2},
        {{"pw-12", NULL}, 2},
        {{"12x", NULL}, 2},
        {{"pw-" TEST_HASH "-00000000000000zz", NULL}, 2},
        {{of_another, NULL}, 1},
        {{known, unknown, NULL}, 2},
        {{known, "--last", NULL}, 2},
        {{"--slowest", "0", NULL}, 2},
        {{known, "--such", NULL}, 2},
        {{"--help", NULL}, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cr_expect_eq(run_why(s.dir, rows[i].args, &out), rows[i].code, "row %zu: %s", i, program_errors);
        free(out);
    }
    cr_expect_eq(run_why("/nowhere", (const char *const[]){known, NULL}, &out), 1);
    free(out);
    folder_remove(s.dir);
}

/* cases/newcomer.md, 21 */
Test(why, a_signal_has_the_names_that_its_strategy_gives_it)
{
    struct script s;
    script_begin(&s,
                 "gateway: paper\nfeeds:\n  - {name: spot}\nstrategies:\n  - {name: ma, kind: ma_cross}\n");
    put_quote(&s);
    put(&s, (struct pw_event){.kind = PW_EVENT_SIGNAL,
                              .body.signal = {.value_a = PRICE_E8,
                                              .value_b = PRICE_E8 - 1,
                                              .direction = 1,
                                              .market_seq = s.market_seq - 1}});
    put_intent(&s, PW_PLACE, 0);
    put_order(&s, id_of(&s, 1), PW_ORDER_IN_FLIGHT, PW_REASON_NONE);
    script_end(&s);
    json_t *json = why_json(s.dir, id_of(&s, 1));
    cr_expect_str_eq(string_at(json, "signal_names/value_a"), "fast_mean");
    cr_expect_str_eq(string_at(json, "signal_names/value_b"), "slow_mean");
    cr_expect_str_eq(string_at(json, "signal/value_a"), "61837.63");
    json_decref(json);
    char *text = why_text(s.dir, id_of(&s, 1), NULL);
    cr_expect_not_null(strstr(text, "fast_mean 61837.63, slow_mean 61837.62999999"), "%s", text);
    free(text);
    folder_remove(s.dir);
}

/* cases/newcomer.md, 2: the order whose id a reader had rounded is not another one's story. */
Test(why, an_id_that_does_not_exist_is_said_not_to)
{
    struct script s;
    char *out, text[32];
    script_begin(&s, LIVE_CONFIG);
    uint64_t id = id_of(&s, 2);
    put_placed(&s, id);
    script_end(&s);
    for (uint64_t other = id - 1; other <= id + 1; other += 2) {
        snprintf(text, sizeof text, "%" PRIu64, other);
        cr_expect_eq(run_why(s.dir, (const char *const[]){text, "--json", NULL}, &out), 1);
        cr_expect_str_eq(out, "");
        cr_expect_not_null(strstr(program_errors, text), "%s", program_errors);
        free(out);
    }
    folder_remove(s.dir);
}
