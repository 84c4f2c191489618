/* SPDX-License-Identifier: MIT
 *
 * What the venue says of an order, held against that order, through whichever door it comes: events of the
 * account, answers to orders, cancellations and replacements, queries, lists of open orders and of fills.
 * cases/34-reports-that-contradict-their-order
 */
#include "entry_venue.h"
#include "venue_errors.h"

/* What one message says of the order, a buy of 1 at 90 of which 0.4 may be filled. */
enum field {
    SYMBOL,
    SIDE,
    TYPE,
    TIF,
    PRICE,
    QTY,
    EXECUTED,
    STATUS,
    ORDER_ID,
    CLIENT_ID,
    FILL_PRICE,
    FILL_QTY,
    FEE,
    FEE_ASSET,
    TRADE_ID,
    TIME,
    FIELDS
};

/* What it is called there, by the shape of the message. */
enum shape { EVENT, ORDER, CANCELED_ORDER, FILL_ROW, SHAPES };
static const char *const names[SHAPES][FIELDS] = {
    [EVENT] = {"s", "S", "o", "f", "p", "q", "z", "X", "i", "c", "L", "l", "n", "N", "t", "T"},
    [ORDER] = {"symbol", "side", "type", "timeInForce", "price", "origQty", "executedQty", "status",
               "orderId", "clientOrderId", [TIME] = "updateTime"},
    [CANCELED_ORDER] = {"symbol", "side", "type", "timeInForce", "price", "origQty", "executedQty", "status",
                        "orderId", "origClientOrderId", [TIME] = "transactTime"},
    [FILL_ROW] = {"symbol", "isBuyer", [ORDER_ID] = "orderId", [FILL_PRICE] = "price", [FILL_QTY] = "qty",
                  [FEE] = "commission", [FEE_ASSET] = "commissionAsset", [TRADE_ID] = "id", [TIME] = "time"},
};

enum door { NEW, TRADE, PLACE, CANCEL, CANCELED_HALF, PLACED_HALF, QUERY, LIST, FILLS, DOORS };
static const struct {
    const char *name, *status, *executed;
    enum shape shape;
} doors[DOORS] = {
    [NEW] = {"event NEW", "\"NEW\"", "\"0\"", EVENT},
    [TRADE] = {"event TRADE", "\"PARTIALLY_FILLED\"", "\"0.4\"", EVENT},
    [PLACE] = {"order.place", "\"NEW\"", "\"0\"", ORDER},
    [CANCEL] = {"order.cancel", "\"CANCELED\"", "\"0\"", CANCELED_ORDER},
    [CANCELED_HALF] = {"order.cancelReplace, old", "\"CANCELED\"", "\"0\"", CANCELED_ORDER},
    [PLACED_HALF] = {"order.cancelReplace, new", "\"NEW\"", "\"0\"", ORDER},
    [QUERY] = {"order.status", "\"PARTIALLY_FILLED\"", "\"0.4\"", ORDER},
    [LIST] = {"openOrders.status", "\"PARTIALLY_FILLED\"", "\"0.4\"", ORDER},
    [FILLS] = {"myTrades", NULL, NULL, FILL_ROW},
};

#define BIT(door)  (1u << (door))
#define ALL        (BIT(DOORS) - 1)
#define ORDERS     (ALL & ~BIT(FILLS)) /* say what was ordered */
#define EXECUTIONS (BIT(TRADE) | BIT(FILLS))
#define ANSWERS    (ORDERS & ~(BIT(NEW) | BIT(TRADE)))
#define CANCELS    (BIT(CANCEL) | BIT(CANCELED_HALF))

/* One field bent, and the word that is told of it; NULL: it may be so. */
static const struct bend {
    enum field field;
    uint32_t at;
    const char *value, *word;
} bends[] = {
    {SYMBOL, ALL, "\"COIN1\"", "symbol"},
    {SIDE, ORDERS, "\"SELL\"", "side"},
    {SIDE, BIT(FILLS), "false", "side"},
    {TYPE, ORDERS, "\"MARKET\"", "type"},
    {TYPE, ORDERS, "\"SOMETHING\"", "type"},
    {TIF, ORDERS, "\"IOC\"", "time in force"},
    {PRICE, ORDERS, "\"90.5\"", "limit price"},
    {QTY, ORDERS, "\"2\"", "quantity"},
    {QTY, ORDERS, "\"0.5\"", "quantity"},
    {ORDER_ID, ORDERS & ~BIT(PLACED_HALF), "78", "venue order id"},
    {EXECUTED, ORDERS, "\"1.1\"", "executed quantity"},
    {EXECUTED, BIT(TRADE), "\"0.3\"", "executed quantity"},
    {FILL_QTY, BIT(TRADE), "\"1.1\"", "executed quantity"},
    {FILL_QTY, BIT(FILLS), "\"1.1\"", "its state, a quantity, or a trade"},
    {FILL_PRICE, EXECUTIONS, "\"90.01\"", "fill price"},
    {FILL_PRICE, EXECUTIONS, "\"9\"", "fill price"},
    {FILL_PRICE, EXECUTIONS, "\"90000000000\"", "fill price"},
    {FEE, EXECUTIONS, "\"1000000\"", "fee"},
    {FEE, EXECUTIONS, "\"36\"", "fee"},
    {FEE, EXECUTIONS, "\"-1\"", "fee"},
    {FEE_ASSET, EXECUTIONS, "\"C0\"", NULL}, /* 0.01 of 0.4 */
    {FEE_ASSET, EXECUTIONS, "\"BNB\"", NULL},
    /* The status against the kind of the message, and against the quantities. */
    {STATUS, BIT(NEW), "\"FILLED\"", "status"},
    {STATUS, BIT(NEW), "\"CANCELED\"", "status"},
    {STATUS, BIT(TRADE), "\"NEW\"", "status"},
    {STATUS, BIT(TRADE), "\"FILLED\"", "status"},
    {STATUS, BIT(TRADE), "\"REJECTED\"", "status"},
    {STATUS, BIT(QUERY) | BIT(LIST), "\"NEW\"", "status"},
    {STATUS, ANSWERS & ~BIT(CANCELED_HALF), "\"FILLED\"", "executed quantity"},
    {STATUS, BIT(CANCELED_HALF), "\"FILLED\"", "status"},
    {STATUS, BIT(PLACE) | BIT(PLACED_HALF), "\"PARTIALLY_FILLED\"", "status"},
    {STATUS, CANCELS, "\"NEW\"", "status"},
    {STATUS, BIT(LIST), "\"CANCELED\"", "status"},
    {STATUS, BIT(LIST), "\"EXPIRED_IN_MATCH\"", "status"},
    {STATUS, BIT(LIST), "\"REJECTED\"", "status"},
    {STATUS, BIT(QUERY), "\"REJECTED\"", "status"},
    {STATUS, BIT(PLACE), "\"REJECTED\"", "its state, a quantity, or a trade"},
    /* Times are kept, and nothing is judged by them. */
    {TIME, ALL, "0", NULL},
    {TIME, ALL, "-5", NULL},
    {TIME, ALL, "1", NULL},
    {TIME, ALL, "9223372036854775807", NULL},
    {TIME, ALL, "99999999999999999999999999", NULL},
    {TIME, ALL, "\"soon\"", NULL},
    {TIME, ALL, "null", NULL},
};

/* ---- what the venue says ---- */

static const char *true_value(enum door door, enum field field)
{
    static const char *const plain[FIELDS] = {
        [SYMBOL] = "\"COIN0\"",   [SIDE] = "\"BUY\"", [TYPE] = "\"LIMIT\"", [TIF] = "\"GTC\"",
        [PRICE] = "\"90\"",       [QTY] = "\"1\"",    [ORDER_ID] = "77",    [FILL_PRICE] = "\"90\"",
        [FILL_QTY] = "\"0.4\"",   [FEE] = "\"0.01\"", [TRADE_ID] = "4711",  [TIME] = "1700000000000",
        [FEE_ASSET] = "\"USDT\"",
    };
    return field == EXECUTED                                ? doors[door].executed
           : field == STATUS                                ? doors[door].status
           : field == SIDE && doors[door].shape == FILL_ROW ? "true"
           : field == ORDER_ID && door == PLACED_HALF       ? "78"
                                                            : plain[field];
}

/* Into text: the object of that door, true but for one field. */
static void write_object(char *text, size_t size, enum door door, uint64_t id, const struct bend *bend)
{
    const char *const *name = names[doors[door].shape];
    bool event = doors[door].shape == EVENT, canceled = doors[door].shape == CANCELED_ORDER;
    char own[64];
    snprintf(own, sizeof own, "\"pw-" RIG_HASH "-%016llx\"", (unsigned long long)id);
    int at = snprintf(text, size, "{%s%s",
                      event ? "\"e\":\"executionReport\",\"C\":\"\",\"x\":" : "\"isMaker\":true",
                      !event        ? ""
                      : door == NEW ? "\"NEW\""
                                    : "\"TRADE\"");
    if (canceled) {
        at += snprintf(text + at, size - (size_t)at, ",\"clientOrderId\":\"pc%s", own + 3);
    }
    for (enum field i = 0; i < FIELDS; i++) {
        const char *value = bend && bend->field == i ? bend->value
                            : i == CLIENT_ID         ? own
                                                     : true_value(door, i);
        if (name[i]) {
            at += snprintf(text + at, size - (size_t)at, ",\"%s\":%s", name[i], value);
        }
    }
    cr_assert_lt(at, (int)size - 1);
    snprintf(text + at, size - (size_t)at, "}");
}

/* An order that the venue has acknowledged, of the number 77 there. */
static uint64_t acknowledged(struct rig *rig, struct request *request)
{
    char text[512], event[600];
    uint64_t id = place(rig, request);
    write_object(text, sizeof text, NEW, id, NULL);
    snprintf(event, sizeof event, "{\"subscriptionId\":0,\"event\":%s}", text);
    say(rig, event);
    rig_poll_execution(rig);
    return id;
}

static void ask(struct rig *rig, uint8_t action, uint64_t id)
{
    struct pw_event intent = rig_limit(PW_BUY, 90 * E8, E8, rig->now_ns - 1000);
    intent.body.intent.action = action;
    intent.body.intent.client_order_id = id;
    put(rig, intent);
    rig_poll_execution(rig);
}

/* Brings the order to where it is asked for at that door: *request. */
static void go_to(struct rig *rig, enum door door, uint64_t id, struct request *request)
{
    char text[512];
    if (door == CANCEL || door == CANCELED_HALF || door == PLACED_HALF) {
        ask(rig, door == CANCEL ? PW_CANCEL : PW_REPLACE, id);
        cr_assert(await_request(rig, door == CANCEL ? "order.cancel" : "order.cancelReplace", request));
        return;
    }
    say(rig, "["); /* reports may have been lost */
    cr_assert(await_request(rig, "openOrders.status", request));
    if (door == LIST) {
        return;
    }
    reply(rig, request, "[]");
    cr_assert(await_request(rig, "order.status", request));
    if (door == QUERY) {
        return;
    }
    write_object(text, sizeof text, QUERY, id, NULL);
    reply(rig, request, text);
    cr_assert(await_request(rig, "myTrades", request));
}

static void say_at(struct rig *rig, enum door door, uint64_t id, struct request *request,
                   const struct bend *bend)
{
    char object[512], other[512] = "", text[1200];
    uint64_t new_id =
        door == CANCELED_HALF || door == PLACED_HALF ? request->frame.body.frame.client_order_id : 0;
    write_object(object, sizeof object, door, door == PLACED_HALF ? new_id : id, bend);
    switch (door) {
    case NEW:
    case TRADE:
        snprintf(text, sizeof text, "{\"subscriptionId\":0,\"event\":%s}", object);
        say(rig, text);
        return;
    case LIST:
    case FILLS:
        snprintf(text, sizeof text, "[%s]", object);
        break;
    case CANCELED_HALF:
    case PLACED_HALF:
        write_object(other, sizeof other, door == CANCELED_HALF ? PLACED_HALF : CANCELED_HALF,
                     door == CANCELED_HALF ? new_id : id, NULL);
        snprintf(text, sizeof text,
                 "{\"cancelResult\":\"SUCCESS\",\"newOrderResult\":\"SUCCESS\",\"cancelResponse\":%s,"
                 "\"newOrderResponse\":%s}",
                 door == CANCELED_HALF ? object : other, door == CANCELED_HALF ? other : object);
        break;
    default:
        snprintf(text, sizeof text, "%s", object);
        break;
    }
    reply(rig, request, text);
}

/* ---- a world for one message ---- */

static struct pw_venue_errors errors[PW_ACCOUNTS_MAX];

static struct rig *begin(void)
{
    struct rig_options options = {.live = true,
                                  .report_slots = SLOTS,
                                  .stream_slots = 256,
                                  .journal_slots = 4096,
                                  .venue_errors = errors};
    memset(errors, 0, sizeof errors);
    struct rig *rig = start_with(&options);
    make_ready(rig);
    return rig;
}

/* The contradiction that is told, and no other; NULL: none. */
static const char *told(void)
{
    const char *text = NULL;
    for (uint32_t i = 0; i < PW_VENUE_ERRORS_MAX; i++) {
        if (errors[0].rows[i].count > 0 && errors[0].rows[i].kind == PW_VENUE_ERROR_CONTRADICTION) {
            cr_expect_null(text, "%s, and %s", text, errors[0].rows[i].text);
            text = errors[0].rows[i].text;
        }
    }
    return text;
}

static enum pw_reason denied_now(struct rig *rig)
{
    struct request request;
    struct pw_event event;
    enum pw_reason reason = PW_REASON_NONE;
    drop_reports(rig);
    put(rig, rig_limit(PW_BUY, 90 * E8, E8, rig->now_ns - 1000));
    rig_poll_execution(rig);
    rig_poll_execution(rig);
    while (next_request(rig, &request)) {
    }
    while (rig_take(&rig->reports_in, &event)) {
        bool denied = event.kind == PW_EVENT_ORDER && event.body.order.state == PW_ORDER_DENIED;
        reason = denied ? (enum pw_reason)event.body.order.reason : reason;
    }
    return reason;
}

static void expect_contradiction(struct rig *rig, const char *word, uint64_t fills, const char *what)
{
    const char *text = told();
    cr_expect(text != NULL && strcmp(text, word) == 0, "%s: told '%s', not '%s'", what,
              text ? text : "nothing", word);
    cr_expect_eq(metric(rig, "reports_inconsistent"), 1, "%s: counted %llu times", what,
                 (unsigned long long)metric(rig, "reports_inconsistent"));
    cr_expect_eq(metric(rig, "fills"), fills, "%s: booked", what);
    cr_expect_geq(metric(rig, "unknown_orders"), 1, "%s: it counts at its worst", what);
    cr_expect_eq(denied_now(rig), PW_REASON_HALTED, "%s", what);
}

static void try_bend(enum door door, const struct bend *bend)
{
    char what[128];
    snprintf(what, sizeof what, "%s, %s %s", doors[door].name,
             bend ? names[doors[door].shape][bend->field] : "nothing", bend ? bend->value : "bent");
    struct rig *rig = begin();
    struct request request;
    uint64_t id = acknowledged(rig, &request);
    if (door > PLACE) {
        go_to(rig, door, id, &request);
    }
    drop_reports(rig);
    drop_journal(rig);
    say_at(rig, door, id, &request, bend);
    rig_poll_execution(rig);
    rig_poll_execution(rig);
    if (bend && bend->word) {
        expect_contradiction(rig, bend->word, 0, what);
    } else {
        cr_expect_null(told(), "%s: %s", what, told());
        cr_expect_eq(metric(rig, "reports_inconsistent"), 0, "%s", what);
        cr_expect_eq(metric(rig, "fills"), (BIT(door) & EXECUTIONS) != 0, "%s", what);
        cr_expect_neq(denied_now(rig), PW_REASON_HALTED, "%s", what);
    }
    rig_close(rig);
}

Test(execution_bent, what_is_true_of_an_order_is_taken_at_every_door)
{
    for (enum door door = 0; door < DOORS; door++) {
        try_bend(door, NULL);
    }
}

Test(execution_bent, what_cannot_be_true_of_its_order_halts_at_every_door)
{
    for (size_t i = 0; i < sizeof bends / sizeof *bends; i++) {
        for (enum door door = 0; door < DOORS; door++) {
            if (bends[i].at & BIT(door)) {
                try_bend(door, &bends[i]);
            }
        }
    }
}

/* What answers a request names another order of this run, or another instance's. */
Test(execution_bent, an_answer_about_another_order_is_none)
{
    static const char *const hashes[] = {RIG_HASH, "0badcafe"};
    for (enum door door = PLACE; door <= QUERY; door++) {
        for (size_t i = 0; i < 2; i++) {
            char other[64], what[96];
            struct rig *rig = begin();
            struct request request;
            uint64_t other_id = acknowledged(rig, &request);
            tell_execution(rig, other_id, "CANCELED", "CANCELED", "0", "0", -1);
            uint64_t id = acknowledged(rig, &request);
            if (door > PLACE) {
                go_to(rig, door, id, &request);
            }
            snprintf(other, sizeof other, "\"pw-%s-%016llx\"", hashes[i], (unsigned long long)other_id);
            snprintf(what, sizeof what, "%s, of %s", doors[door].name, other);
            say_at(rig, door, id, &request, &(struct bend){.field = CLIENT_ID, .value = other});
            rig_poll_execution(rig);
            expect_contradiction(rig, "it names another order", 0, what);
            rig_close(rig);
        }
    }
}

static void take(struct rig *rig, enum door door, uint64_t id, const struct bend *bend)
{
    struct request none = {.id = ""};
    say_at(rig, door, id, &none, bend);
    rig_poll_execution(rig);
}

Test(execution_bent, a_trade_that_was_booked_is_no_other)
{
    static const struct bend others[] = {{FILL_QTY, 0, "\"0.3\"", NULL}, {FILL_PRICE, 0, "\"89\"", NULL}};
    for (size_t i = 0; i < 3; i++) {
        struct rig *rig = begin();
        struct request request;
        uint64_t id = acknowledged(rig, &request);
        take(rig, TRADE, id, NULL);
        if (i < 2) {
            take(rig, TRADE, id, &others[i]);
        } else { /* the same trade, of another buy */
            take(rig, TRADE, place(rig, &request), &(struct bend){ORDER_ID, 0, "79", NULL});
        }
        expect_contradiction(rig, "its state, a quantity, or a trade", 1,
                             i < 2 ? others[i].value : "another buy");
        rig_close(rig);
    }
}

Test(execution_bent, what_is_in_doubt_is_asked_for_until_it_is_settled)
{
    struct rig *rig = begin();
    struct request request;
    uint64_t id = acknowledged(rig, &request);
    take(rig, TRADE, id, &(struct bend){FEE, 0, "\"1000000\"", NULL});
    cr_expect_eq(metric(rig, "unknown_orders"), 1);
    cr_assert(await_request(rig, "order.cancel", &request), "a halt cancels");
    reply(rig, &request, "{}");
    cr_assert(await_request(rig, "order.status", &request));
    say_at(rig, QUERY, id, &request, &(struct bend){STATUS, 0, "\"CANCELED\"", NULL});
    cr_assert(await_request(rig, "myTrades", &request));
    say_at(rig, FILLS, id, &request, NULL);
    for (int i = 0; i < 3; i++) {
        rig_poll_execution(rig);
    }
    cr_expect_eq(metric(rig, "fills"), 1);
    cr_expect_eq(metric(rig, "unknown_orders"), 0);
    cr_expect_eq(metric(rig, "reports_inconsistent"), 1);
    cr_expect_eq(denied_now(rig), PW_REASON_HALTED, "until someone has looked");
    rig_close(rig);
}

/* Fills that cannot be booked are no progress. */
Test(execution_bent, what_stays_in_doubt_is_asked_for_ever_more_seldom)
{
    struct rig *rig = begin();
    struct request request;
    int asked_cnt = 0;
    uint64_t id = acknowledged(rig, &request);
    go_to(rig, FILLS, id, &request);
    say_at(rig, FILLS, id, &request, &(struct bend){SIDE, 0, "false", NULL});
    for (int64_t end_ns = rig->now_ns + 120000 * MS; rig->now_ns < end_ns; rig->now_ns += 10 * MS) {
        rig_poll_execution(rig);
        drop_reports(rig);
        drop_journal(rig);
        while (next_request(rig, &request)) {
            if (strcmp(request.method, "myTrades") == 0) {
                say_at(rig, FILLS, id, &request, &(struct bend){SIDE, 0, "false", NULL});
                asked_cnt++;
            } else if (strcmp(request.method, "order.status") == 0) {
                say_at(rig, QUERY, id, &request, NULL);
            } else if (strcmp(request.method, "order.cancel") != 0) {
                reply_by_method(rig, &request);
            }
        }
    }
    cr_expect_geq(asked_cnt, 5, "it is not given up");
    cr_expect_leq(asked_cnt, 40, "%d times in two minutes", asked_cnt);
    rig_close(rig);
}

/* A query's answer that was on its way when the fill was told. */
Test(execution_bent, an_answer_from_before_a_fill_settles_nothing)
{
    char text[512];
    struct rig *rig = begin();
    struct request request;
    uint64_t id = acknowledged(rig, &request);
    take(rig, TRADE, id, NULL);
    go_to(rig, QUERY, id, &request);
    write_object(text, sizeof text, PLACE, id, NULL); /* NEW, of which nothing is filled */
    reply(rig, &request, text);
    rig_poll_execution(rig);
    cr_expect_eq(metric(rig, "reports_inconsistent"), 0);
    cr_expect_eq(metric(rig, "unknown_orders"), 1, "still in doubt");
    cr_assert(await_request(rig, "order.status", &request));
    say_at(rig, QUERY, id, &request, NULL);
    rig_poll_execution(rig);
    cr_expect_eq(metric(rig, "unknown_orders"), 0);
    rig_close(rig);
}

/* An answer to a request that was never made: of a test, or of a replacement. */
Test(execution_bent, an_order_is_answered_as_it_was_asked_for)
{
    static const char letters[] = "tr";
    for (size_t i = 0; i < sizeof letters - 1; i++) {
        struct rig *rig = begin();
        struct request request;
        acknowledged(rig, &request);
        drop_reports(rig);
        request.id[0] = letters[i];
        reply(rig, &request, "{}");
        rig_poll_execution(rig);
        cr_expect_eq(last_order(rig).body.order.state, PW_ORDER_NONE, "%c: nothing happened", letters[i]);
        rig_close(rig);
    }
}

/* A word that is not known here is no lie, and no end either. */
Test(execution_bent, a_cancellation_of_an_unknown_status_is_asked_for)
{
    for (enum door door = CANCEL; door <= CANCELED_HALF; door++) {
        struct rig *rig = begin();
        struct request request;
        uint64_t id = acknowledged(rig, &request);
        go_to(rig, door, id, &request);
        say_at(rig, door, id, &request, &(struct bend){STATUS, 0, "\"FADING\"", NULL});
        rig_poll_execution(rig);
        cr_expect_eq(metric(rig, "reports_inconsistent"), 0);
        cr_expect_eq(metric(rig, "unknown_orders"), 1, "%s", doors[door].name);
        cr_expect(await_request(rig, "order.status", &request));
        rig_close(rig);
    }
}

/* What is not of the order is passed over; what is, is booked, whatever its number. */
Test(execution_bent, fills_of_another_order_in_a_list_are_passed_over)
{
    struct rig *rig = begin();
    struct request request;
    char rows[3][512], text[1600];
    uint64_t id = acknowledged(rig, &request);
    go_to(rig, FILLS, id, &request);
    write_object(rows[0], sizeof rows[0], FILLS, id, &(struct bend){ORDER_ID, 0, "78", NULL});
    write_object(rows[1], sizeof rows[1], FILLS, id,
                 &(struct bend){TRADE_ID, 0, "9223372036854775807", NULL});
    write_object(rows[2], sizeof rows[2], FILLS, id, &(struct bend){ORDER_ID, 0, "\"x\"", NULL});
    char *qty = strstr(rows[1], "\"0.4\"");
    cr_assert_not_null(qty);
    qty[3] = '2'; /* the rest is owed */
    snprintf(text, sizeof text, "[%s,%s,%s]", rows[0], rows[1], rows[2]);
    reply(rig, &request, text);
    rig_poll_execution(rig);
    rig_poll_execution(rig);
    cr_expect_eq(metric(rig, "fills"), 1);
    cr_expect_eq(metric(rig, "reports_inconsistent"), 0);
    cr_expect_str_eq(told(), "a fill of another order in its list");
    cr_expect(await_request(rig, "myTrades", &request), "and goes on");
    rig_close(rig);
}

Test(execution_bent, a_report_that_is_repeated_halts_nothing)
{
    struct rig *rig = begin();
    struct request request;
    uint64_t id = acknowledged(rig, &request);
    for (int i = 0; i < 2; i++) {
        say_at(rig, NEW, id, &request, NULL);
        say_at(rig, TRADE, id, &request, NULL);
    }
    rig_poll_execution(rig);
    cr_expect_eq(metric(rig, "reports_inconsistent"), 0);
    cr_expect_eq(metric(rig, "fills"), 1);
    rig_close(rig);
}
