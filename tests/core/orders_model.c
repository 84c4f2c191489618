/* SPDX-License-Identifier: MIT
 *
 * The order table against a model venue with a ledger of its own: requests and answers are lost, doubled,
 * reordered and cut off by disconnects, from printed seeds. At every moment what the venue may yet fill is
 * counted as open; at the end, when queries have been answered, position and ledger are equal (G2), and no
 * order was sent twice (G1).
 */
#include "orders.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { SEEDS = 100000, STEPS = 40, ORDERS = 6, MAIL = 256, FILLS = 256, VALID_NS = 12 };

enum venue_state { ABSENT, LIVE, FILLED, CANCELED, EXPIRED, REJECTED };

struct venue_order {
    enum venue_state state;
    int64_t qty, executed;
    int64_t valid_until_ns;
    bool sell;
};

enum request_kind { PLACE, CANCEL, REPLACE };

struct request {
    enum request_kind kind;
    uint32_t order, new_order; /* numbers of orders */
};

struct fill {
    uint32_t order;
    uint64_t trade_id;
    int64_t qty;
    bool booked; /* by the engine */
};

struct world {
    uint64_t random;
    int64_t now_ns;
    struct pw_orders *orders;
    struct venue_order venue[ORDERS + 1]; /* by number, from 1 */
    uint32_t order_cnt;
    struct request requests[MAIL]; /* on their way to the venue, in order */
    uint32_t request_cnt;
    struct pw_report mail[MAIL]; /* on its way to the engine, in any order */
    uint32_t mail_cnt;
    struct fill fills[FILLS]; /* the venue's ledger; the trade id is the place in it */
    uint32_t fill_cnt;
    int64_t position; /* the engine's */
};

static uint64_t g_seed; /* that a failure names */

#define MUST(condition) cr_assert(condition, "seed %llu", (unsigned long long)g_seed)

static uint32_t roll(struct world *w, uint32_t sides)
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return (uint32_t)((w->random >> 32) * sides >> 32);
}

static uint64_t id_of(uint32_t number)
{
    return pw_order_id(1, number);
}

/* ---- the venue ---- */

static void post(struct world *w, uint32_t number, enum pw_exec_type exec_type)
{
    const struct venue_order *order = &w->venue[number];
    if (w->mail_cnt < MAIL) {
        w->mail[w->mail_cnt++] = (struct pw_report){.client_order_id = id_of(number),
                                                    .executed_qty_e8 = roll(w, 2) ? order->executed : 0,
                                                    .exec_type = (uint8_t)exec_type};
    }
}

static void post_fill(struct world *w, uint32_t fill_idx)
{
    const struct fill *fill = &w->fills[fill_idx];
    post(w, fill->order, PW_EXEC_FILL);
    if (w->mail_cnt < MAIL) {
        struct pw_report *report = &w->mail[w->mail_cnt - 1];
        report->has_trade_id = true;
        report->trade_id = fill->trade_id;
        report->fill_qty_e8 = fill->qty;
        report->fill_price_e8 = 1;
    }
}

static void venue_match(struct world *w, uint32_t number)
{
    struct venue_order *order = &w->venue[number];
    if (order->state != LIVE || w->fill_cnt == FILLS) {
        return;
    }
    int64_t left = order->qty - order->executed;
    int64_t qty = roll(w, 3) ? 1 + roll(w, (uint32_t)left) : left;
    w->fills[w->fill_cnt] = (struct fill){.order = number, .trade_id = w->fill_cnt, .qty = qty};
    order->executed += qty;
    order->state = order->executed == order->qty ? FILLED : LIVE;
    post_fill(w, w->fill_cnt++);
}

static void venue_expire(struct world *w, uint32_t number)
{
    if (w->venue[number].state == LIVE) {
        w->venue[number].state = EXPIRED;
        post(w, number, PW_EXEC_EXPIRED);
    }
}

static void venue_place(struct world *w, uint32_t number)
{
    struct venue_order *order = &w->venue[number];
    MUST(order->state == ABSENT); /* else it was sent twice */
    if (roll(w, 8) == 0) {
        order->state = REJECTED;
        post(w, number, PW_EXEC_REJECT);
        return;
    }
    order->state = LIVE;
    post(w, number, PW_EXEC_ACK); /* the reply */
    post(w, number, PW_EXEC_ACK); /* and the report of the same */
    if (roll(w, 3) == 0) {
        venue_match(w, number);
    }
}

static bool venue_cancel(struct world *w, uint32_t number, enum pw_exec_type done)
{
    if (w->venue[number].state != LIVE || roll(w, 8) == 0) {
        return false;
    }
    w->venue[number].state = CANCELED;
    post(w, number, done);
    post(w, number, PW_EXEC_CANCELED);
    return true;
}

static void venue_take(struct world *w, const struct request *request)
{
    bool was_live = w->venue[request->order].state == LIVE;
    switch (request->kind) {
    case PLACE:
        venue_place(w, request->order);
        break;
    case CANCEL:
        if (!venue_cancel(w, request->order, PW_EXEC_CANCELED)) {
            post(w, request->order, was_live ? PW_EXEC_CANCEL_REJECTED : PW_EXEC_CANCEL_UNKNOWN);
        }
        break;
    case REPLACE:
        if (venue_cancel(w, request->order, PW_EXEC_REPLACED)) {
            venue_place(w, request->new_order);
        } else {
            w->venue[request->new_order].state = REJECTED;
            post(w, request->order, was_live ? PW_EXEC_REPLACE_REJECTED : PW_EXEC_CANCEL_UNKNOWN);
            post(w, request->new_order, PW_EXEC_REJECT);
        }
        break;
    }
}

/* The next request arrives, is lost, or comes too late for the venue to accept. */
static void deliver_request(struct world *w)
{
    if (w->request_cnt == 0) {
        return;
    }
    struct request request = w->requests[0];
    w->request_cnt--;
    memmove(w->requests, w->requests + 1, w->request_cnt * sizeof w->requests[0]);
    uint32_t fresh = request.kind == REPLACE ? request.new_order : request.order;
    bool late = request.kind != CANCEL && w->now_ns > w->venue[fresh].valid_until_ns;
    if (!late && roll(w, 12) != 0) {
        venue_take(w, &request);
    }
}

/* ---- the engine ---- */

static void apply(struct world *w, const struct pw_report *report)
{
    struct pw_order_row *row;
    enum pw_order_step step = pw_orders_apply(w->orders, report, &row);
    MUST(step != PW_ORDER_STEP_ILLEGAL);
    if (report->exec_type == PW_EXEC_FILL && step != PW_ORDER_STEP_SAME) {
        struct fill *fill = &w->fills[report->trade_id];
        MUST(!fill->booked);
        fill->booked = true;
        w->position += row->side == PW_SELL ? -report->fill_qty_e8 : report->fill_qty_e8;
    }
}

static void deliver_mail(struct world *w)
{
    if (w->mail_cnt == 0) {
        return;
    }
    uint32_t at = roll(w, w->mail_cnt);
    struct pw_report report = w->mail[at];
    if (roll(w, 6) != 0) { /* else it comes again */
        w->mail[at] = w->mail[--w->mail_cnt];
    }
    apply(w, &report);
}

static void send(struct world *w, enum request_kind kind, uint32_t order, uint32_t new_order)
{
    MUST(w->request_cnt < MAIL);
    w->requests[w->request_cnt++] = (struct request){kind, order, new_order};
}

static struct pw_order_row new_order(struct world *w, int64_t qty, bool sell)
{
    uint32_t number = ++w->order_cnt;
    w->venue[number] = (struct venue_order){.qty = qty, .valid_until_ns = w->now_ns + VALID_NS, .sell = sell};
    return (struct pw_order_row){.client_order_id = pw_orders_take_id(w->orders),
                                 .qty_e8 = qty,
                                 .hold_e16 = qty,
                                 .valid_until_ns = w->now_ns + VALID_NS,
                                 .side = sell ? PW_SELL : PW_BUY};
}

static void place(struct world *w)
{
    if (w->order_cnt < ORDERS) {
        struct pw_order_row row = new_order(w, 1 + roll(w, 20), roll(w, 2));
        MUST(pw_orders_add(w->orders, &row));
        send(w, PLACE, w->order_cnt, 0);
    }
}

static void cancel(struct world *w, uint32_t number)
{
    struct pw_order_row *row;
    const struct pw_report sent = {.client_order_id = id_of(number), .exec_type = PW_EXEC_CANCEL_SENT};
    enum pw_order_step step = pw_orders_apply(w->orders, &sent, &row);
    if (step == PW_ORDER_STEP_MOVE || step == PW_ORDER_STEP_KEEP) {
        send(w, CANCEL, number, 0);
    }
}

static void replace(struct world *w, uint32_t number)
{
    const struct pw_order_row *old = pw_orders_find(w->orders, id_of(number));
    if (w->order_cnt == ORDERS || (old->state != PW_ORDER_OPEN && old->state != PW_ORDER_PARTIALLY_FILLED)) {
        return;
    }
    struct pw_order_row row = new_order(w, 1 + roll(w, 20), old->side == PW_SELL);
    row.replaces_id = old->client_order_id;
    MUST(pw_orders_replace(w->orders, &row));
    send(w, REPLACE, number, w->order_cnt);
}

static void tell(struct world *w, uint32_t number, enum pw_exec_type exec_type)
{
    apply(w, &(struct pw_report){
                 .client_order_id = id_of(number), .recv_ns = w->now_ns, .exec_type = (uint8_t)exec_type});
}

/* Requests that are on their way may still arrive; what the venue has said so far does not. */
static void disconnect(struct world *w)
{
    w->mail_cnt = 0;
    if (roll(w, 2)) {
        w->request_cnt = 0;
    }
    for (uint32_t i = 1; i <= w->order_cnt; i++) {
        tell(w, i, PW_EXEC_DISCONNECT);
    }
}

/* The answer is true when it is given. */
static void query(struct world *w, uint32_t number)
{
    static const uint8_t exec_type[] = {
        [ABSENT] = PW_EXEC_NOT_FOUND,  [LIVE] = PW_EXEC_FOUND_OPEN, [FILLED] = PW_EXEC_FOUND_FILLED,
        [CANCELED] = PW_EXEC_CANCELED, [EXPIRED] = PW_EXEC_EXPIRED, [REJECTED] = PW_EXEC_NOT_FOUND,
    };
    const struct venue_order *order = &w->venue[number];
    apply(w, &(struct pw_report){.client_order_id = id_of(number),
                                 .executed_qty_e8 = order->executed,
                                 .recv_ns = w->now_ns,
                                 .exec_type = exec_type[order->state]});
}

/* ---- what must hold ---- */

static bool is_on_its_way(const struct world *w, uint32_t number)
{
    for (uint32_t i = 0; i < w->request_cnt; i++) {
        const struct request *request = &w->requests[i];
        if ((request->kind == PLACE && request->order == number) ||
            (request->kind == REPLACE && request->new_order == number)) {
            return w->now_ns <= w->venue[number].valid_until_ns;
        }
    }
    return false;
}

/* The worst that can still come of it: all that is not booked and is, or may yet be, at the venue. Fills that
 * are on their way after the order's end was told without them are late fills; they are not foreseen. */
static void check_worst(const struct world *w, uint32_t number)
{
    const struct venue_order *order = &w->venue[number];
    const struct pw_order_row *row = pw_orders_find(w->orders, id_of(number));
    int64_t booked = row->qty_e8 - row->leaves_qty_e8;
    if (order->state == LIVE || (order->state == ABSENT && is_on_its_way(w, number))) {
        MUST(booked + row->risk_qty_e8 >= order->qty);
    }
    MUST(booked <= order->executed);
    MUST(row->risk_qty_e8 >= pw_order_owed_e8(row));
}

static void check_sums(const struct world *w)
{
    int64_t buy = 0, sell = 0;
    uint32_t open_cnt = 0;
    for (uint32_t i = 1; i <= w->order_cnt; i++) {
        const struct pw_order_row *row = pw_orders_find(w->orders, id_of(i));
        *(row->side == PW_BUY ? &buy : &sell) += row->risk_qty_e8;
        open_cnt += !pw_order_is_closed(row->state);
        check_worst(w, i);
    }
    MUST(w->orders->open[0].buy_e8 == buy);
    MUST(w->orders->open[0].sell_e8 == sell);
    MUST(w->orders->hold_e16[0] == buy + sell);
    MUST(w->orders->open_cnt == open_cnt);
}

static void check_end(const struct world *w)
{
    static const uint8_t states[] = {
        [ABSENT] = PW_ORDER_REJECTED, [FILLED] = PW_ORDER_FILLED,     [CANCELED] = PW_ORDER_CANCELED,
        [EXPIRED] = PW_ORDER_EXPIRED, [REJECTED] = PW_ORDER_REJECTED,
    };
    int64_t ledger = 0;
    for (uint32_t i = 0; i < w->fill_cnt; i++) {
        ledger += w->venue[w->fills[i].order].sell ? -w->fills[i].qty : w->fills[i].qty;
        MUST(w->fills[i].booked);
    }
    MUST(w->position == ledger);
    for (uint32_t i = 1; i <= w->order_cnt; i++) {
        const struct pw_order_row *row = pw_orders_find(w->orders, id_of(i));
        bool same = w->venue[i].state == LIVE ? !pw_order_is_closed(row->state)
                                              : row->state == states[w->venue[i].state];
        /* One half of a replacement's story may have been told as a cancellation, the other not. */
        same |= row->state == PW_ORDER_REPLACED && w->venue[i].state == CANCELED;
        MUST(same);
        MUST(row->qty_e8 - row->leaves_qty_e8 == w->venue[i].executed);
    }
}

/* ---- a run ---- */

static void step(struct world *w)
{
    w->now_ns++;
    uint32_t number = w->order_cnt ? 1 + roll(w, w->order_cnt) : 0;
    uint32_t what = roll(w, 32);
    if (number == 0 || what < 4) {
        place(w);
    } else if (what < 11) {
        deliver_request(w);
    } else if (what < 21) {
        deliver_mail(w);
    } else if (what < 24) {
        cancel(w, number);
    } else if (what < 26) {
        replace(w, number);
    } else if (what < 29) {
        venue_match(w, number);
    } else if (what == 29) {
        venue_expire(w, number);
    } else if (what == 30) {
        tell(w, number, PW_EXEC_TIME_OUT);
    } else if (roll(w, 3) == 0) {
        disconnect(w);
    } else if (pw_orders_find(w->orders, id_of(number))->state == PW_ORDER_UNKNOWN) {
        query(w, number);
    }
}

/* All that is on its way is lost, and what is unknown is asked for: orders, then trades, some of them twice.
 */
static void reconcile(struct world *w)
{
    w->request_cnt = 0;
    w->now_ns += VALID_NS + 1;
    disconnect(w);
    for (uint32_t i = 1; i <= w->order_cnt; i++) {
        query(w, i);
    }
    check_sums(w);
    for (uint32_t i = 0; i < w->fill_cnt; i++) {
        post_fill(w, i);
    }
    while (w->mail_cnt) {
        deliver_mail(w);
    }
    check_sums(w);
    check_end(w);
}

static struct pw_orders *fresh_table(void *memory)
{
    memset(memory, 0, pw_orders_bytes(ORDERS, 1));
    return pw_orders_init(memory, ORDERS, 1, 1);
}

static void run_seeds(uint64_t first, uint64_t cnt)
{
    void *memory = aligned_alloc(64, pw_orders_bytes(ORDERS, 1));
    struct world *w = malloc(sizeof *w);
    uint64_t fills = 0, late = 0;
    for (uint64_t seed = first; seed < first + cnt; seed++) {
        memset(w, 0, sizeof *w);
        g_seed = seed;
        w->random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
        w->orders = fresh_table(memory);
        for (int i = 0; i < STEPS; i++) {
            step(w);
            check_sums(w);
        }
        reconcile(w);
        fills += w->fill_cnt;
        late += w->orders->late_cnt;
    }
    cr_log_info("seeds %llu to %llu: %llu fills, %llu late\n", (unsigned long long)first,
                (unsigned long long)(first + cnt - 1), (unsigned long long)fills, (unsigned long long)late);
    cr_expect_gt(fills, cnt);
    cr_expect_gt(late, 0);
    free(w);
    free(memory);
}

Test(orders_model, position_is_the_venues_ledger_whatever_is_lost_doubled_or_reordered)
{
    run_seeds(1, SEEDS);
}
