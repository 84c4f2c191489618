/* SPDX-License-Identifier: MIT
 *
 * The order table: rows that stay where they are, an index by hash over them, the memory of fills, and the
 * state machine as a table.
 */
#include "orders.h"

#include "money.h"
#include <pinwheel/lines.h>
#include <string.h>

#define NO_ROW UINT32_MAX

/* ---- the state machine ---- */

/* What a report means to a state. GO: to a state. */
enum rule {
    ILLEGAL = 0,
    SAME,
    KEEP,
    FILL,    /* booked: filled, partially filled, or what was pending stays so */
    LATE,    /* a fill of a closed order: booked, and it stays closed */
    RESTORE, /* nothing is pending any more: in flight, open, or partially filled, as is known of it */
    PROVE,   /* the venue has it, which settles a doubt about that alone */
    REOPEN,  /* closed by mistake: unknown */
    VANISH,  /* closed if it was never acknowledged and cannot come any more */
    CANCEL,  /* a cancellation goes out, the state stays */
    LOSE,    /* as unknown as before, and reports may be missing now */
    GO,
};
#define TO(state)   (GO + (state))
#define UNKNOWN     TO(PW_ORDER_UNKNOWN)
#define CANCELED    TO(PW_ORDER_CANCELED)
#define EXPIRED     TO(PW_ORDER_EXPIRED)
#define REPLACED    TO(PW_ORDER_REPLACED)
#define REJECTED    TO(PW_ORDER_REJECTED)
#define FILLED      TO(PW_ORDER_FILLED)
#define CANCELING   TO(PW_ORDER_PENDING_CANCEL)
#define REPLACING   TO(PW_ORDER_PENDING_REPLACE)
#define ENDED_STATE PW_ORDER_STATES /* a row of the table: UNKNOWN, but only for the fills that are owed */

/* From the state (row) by the exec type (column, in the order of enum pw_exec_type). */
/* clang-format off: a table is read by its columns */
static const uint8_t rules[PW_ORDER_STATES + 1][PW_EXEC_TYPES] = {
    /*                            sent     ack      reject    fill     cancel..  canceled  refused  unknown
       replace..  replaced  refused  expired  timeout  discon.  f.open   f.filled n.found */
    [PW_ORDER_NONE] = {0},
    [PW_ORDER_IN_FLIGHT] = {ILLEGAL, RESTORE, REJECTED, FILL, CANCELING, CANCELED, SAME, UNKNOWN, ILLEGAL,
                            REPLACED, SAME, EXPIRED, UNKNOWN, UNKNOWN, RESTORE, FILLED, SAME},
    [PW_ORDER_OPEN] = {ILLEGAL, SAME, ILLEGAL, FILL, CANCELING, CANCELED, SAME, UNKNOWN, REPLACING, REPLACED,
                       SAME, EXPIRED, SAME, UNKNOWN, SAME, FILLED, UNKNOWN},
    [PW_ORDER_PARTIALLY_FILLED] = {ILLEGAL, SAME, ILLEGAL, FILL, CANCELING, CANCELED, SAME, UNKNOWN,
                                   REPLACING, REPLACED, SAME, EXPIRED, SAME, UNKNOWN, SAME, FILLED, UNKNOWN},
    [PW_ORDER_FILLED] = {ILLEGAL, SAME, ILLEGAL, ILLEGAL, SAME, ILLEGAL, SAME, SAME, ILLEGAL, ILLEGAL, SAME,
                         ILLEGAL, SAME, SAME, SAME, SAME, SAME},
    [PW_ORDER_CANCELED] = {ILLEGAL, SAME, ILLEGAL, LATE, SAME, SAME, SAME, SAME, ILLEGAL, SAME, SAME, SAME,
                           SAME, SAME, SAME, SAME, SAME},
    [PW_ORDER_REJECTED] = {ILLEGAL, REOPEN, SAME, REOPEN, SAME, SAME, SAME, SAME, ILLEGAL, ILLEGAL, SAME,
                           SAME, SAME, SAME, REOPEN, SAME, SAME},
    [PW_ORDER_DENIED] = {0},
    [PW_ORDER_PENDING_CANCEL] = {ILLEGAL, KEEP, REJECTED, FILL, SAME, CANCELED, RESTORE, UNKNOWN, ILLEGAL,
                                 REPLACED, SAME, EXPIRED, UNKNOWN, UNKNOWN, KEEP, FILLED, UNKNOWN},
    [PW_ORDER_PENDING_REPLACE] = {ILLEGAL, SAME, ILLEGAL, FILL, CANCEL, CANCELED, SAME, UNKNOWN, ILLEGAL,
                                  REPLACED, RESTORE, EXPIRED, UNKNOWN, UNKNOWN, SAME, FILLED, UNKNOWN},
    [PW_ORDER_REPLACED] = {ILLEGAL, SAME, ILLEGAL, LATE, SAME, SAME, SAME, SAME, ILLEGAL, SAME, SAME, SAME,
                           SAME, SAME, SAME, SAME, SAME},
    [PW_ORDER_EXPIRED] = {ILLEGAL, SAME, ILLEGAL, LATE, SAME, SAME, SAME, SAME, ILLEGAL, SAME, SAME, SAME,
                          SAME, SAME, SAME, SAME, SAME},
    [PW_ORDER_UNKNOWN] = {ILLEGAL, PROVE, REJECTED, FILL, CANCEL, CANCELED, SAME, SAME, ILLEGAL, REPLACED,
                          SAME, EXPIRED, SAME, LOSE, RESTORE, FILLED, VANISH},
    [ENDED_STATE] = {ILLEGAL, SAME, ILLEGAL, FILL, SAME, SAME, SAME, SAME, ILLEGAL, SAME, SAME, SAME, SAME,
                     SAME, SAME, SAME, SAME},
};
/* clang-format on */

/* ---- memory ---- */

/* At most half full, so that probes stay short. */
static uint32_t index_slots(uint32_t row_cnt)
{
    uint32_t slots = 2;
    while (slots < 2 * row_cnt) {
        slots *= 2;
    }
    return slots;
}

static uint32_t fill_slots(uint32_t row_cnt)
{
    return row_cnt * PW_ORDER_FILLS_PER_ROW;
}

size_t pw_orders_bytes(uint32_t row_cnt, uint32_t instrument_cnt)
{
    if (row_cnt == 0 || row_cnt > PW_ORDERS_MAX || instrument_cnt == 0 ||
        instrument_cnt > PW_INSTRUMENTS_MAX) {
        return 0;
    }
    return pw_round_up_64(sizeof(struct pw_orders)) + pw_round_up_64(row_cnt * sizeof(struct pw_order_row)) +
           pw_round_up_64(instrument_cnt * sizeof(struct pw_open_qty)) +
           pw_round_up_64(index_slots(row_cnt) * sizeof(uint32_t)) +
           pw_round_up_64(fill_slots(row_cnt) * sizeof(struct pw_order_fill)) +
           pw_round_up_64(index_slots(fill_slots(row_cnt)) * sizeof(uint32_t));
}

struct pw_orders *pw_orders_init(void *memory, uint32_t row_cnt, uint32_t instrument_cnt, uint64_t run_id)
{
    if (run_id > PW_ORDER_RUN_MAX) {
        return NULL;
    }
    struct pw_orders *orders = memory;
    char *at = (char *)memory + pw_round_up_64(sizeof *orders);
    orders->rows = (struct pw_order_row *)(void *)at;
    at += pw_round_up_64(row_cnt * sizeof *orders->rows);
    orders->open = (struct pw_open_qty *)(void *)at;
    at += pw_round_up_64(instrument_cnt * sizeof *orders->open);
    orders->index = (uint32_t *)(void *)at;
    at += pw_round_up_64(index_slots(row_cnt) * sizeof *orders->index);
    orders->fills = (struct pw_order_fill *)(void *)at;
    at += pw_round_up_64(fill_slots(row_cnt) * sizeof *orders->fills);
    orders->fill_index = (uint32_t *)(void *)at;
    orders->fill_slots = fill_slots(row_cnt);
    orders->fill_index_mask = index_slots(fill_slots(row_cnt)) - 1;
    orders->row_cnt = row_cnt;
    orders->index_mask = index_slots(row_cnt) - 1;
    orders->instrument_cnt = instrument_cnt;
    orders->closed_first_idx = orders->closed_last_idx = NO_ROW;
    orders->run_id = run_id;
    return orders;
}

uint64_t pw_orders_take_id(struct pw_orders *orders)
{
    if (orders->counter + 1 >= PW_ORDER_DENIED_FIRST) {
        return 0;
    }
    return pw_order_id(orders->run_id, ++orders->counter);
}

uint64_t pw_orders_deny_id(struct pw_orders *orders, uint64_t client_order_id)
{
    orders->counter -= client_order_id != 0;
    uint64_t counter = PW_ORDER_DENIED_FIRST + orders->denied_cnt;
    if (counter >> PW_ORDER_COUNTER_BITS) {
        return 0;
    }
    orders->denied_cnt++;
    return pw_order_id(orders->run_id, counter);
}

/* ---- the index: open addressing, linear probes ---- */

static uint32_t home_of(const struct pw_orders *orders, uint64_t id)
{
    return (uint32_t)(id * UINT64_C(0x9e3779b97f4a7c15) >> 32) & orders->index_mask; /* Fibonacci hashing */
}

/* The slot that holds the id, or the free one where it belongs. */
static uint32_t slot_of(const struct pw_orders *orders, uint64_t id)
{
    uint32_t slot = home_of(orders, id);
    while (orders->index[slot] && orders->rows[orders->index[slot] - 1].client_order_id != id) {
        slot = (slot + 1) & orders->index_mask;
    }
    return slot;
}

/* Frees a slot and pulls those behind it up, so that no probe ends early. */
static void index_remove(struct pw_orders *orders, uint64_t id)
{
    uint32_t mask = orders->index_mask;
    uint32_t hole = slot_of(orders, id);
    for (uint32_t slot = (hole + 1) & mask; orders->index[slot]; slot = (slot + 1) & mask) {
        uint32_t home = home_of(orders, orders->rows[orders->index[slot] - 1].client_order_id);
        if (((slot - home) & mask) >= ((slot - hole) & mask)) {
            orders->index[hole] = orders->index[slot];
            hole = slot;
        }
    }
    orders->index[hole] = 0;
}

struct pw_order_row *pw_orders_find(const struct pw_orders *orders, uint64_t client_order_id)
{
    uint32_t entry = orders->index[slot_of(orders, client_order_id)];
    return entry ? &orders->rows[entry - 1] : NULL;
}

/* ---- rows ---- */

static uint32_t idx_of(const struct pw_orders *orders, const struct pw_order_row *row)
{
    return (uint32_t)(row - orders->rows);
}

static void closed_append(struct pw_orders *orders, struct pw_order_row *row)
{
    uint32_t row_idx = idx_of(orders, row);
    row->next_idx = NO_ROW;
    row->prev_idx = orders->closed_last_idx;
    if (row->prev_idx == NO_ROW) {
        orders->closed_first_idx = row_idx;
    } else {
        orders->rows[row->prev_idx].next_idx = row_idx;
    }
    orders->closed_last_idx = row_idx;
}

static void closed_remove(struct pw_orders *orders, const struct pw_order_row *row)
{
    if (row->prev_idx == NO_ROW) {
        orders->closed_first_idx = row->next_idx;
    } else {
        orders->rows[row->prev_idx].next_idx = row->next_idx;
    }
    if (row->next_idx == NO_ROW) {
        orders->closed_last_idx = row->prev_idx;
    } else {
        orders->rows[row->next_idx].prev_idx = row->prev_idx;
    }
}

/* A row never used, else that of the order that was closed first; NO_ROW when all are open. */
static uint32_t take_row(struct pw_orders *orders)
{
    if (orders->used_cnt < orders->row_cnt) {
        return orders->used_cnt++;
    }
    uint32_t row_idx = orders->closed_first_idx;
    if (row_idx != NO_ROW) {
        closed_remove(orders, &orders->rows[row_idx]);
        index_remove(orders, orders->rows[row_idx].client_order_id);
    }
    return row_idx;
}

static int64_t *open_qty(struct pw_orders *orders, const struct pw_order_row *row)
{
    struct pw_open_qty *open = &orders->open[row->instrument_idx];
    return row->side == PW_BUY ? &open->buy_e8 : &open->sell_e8;
}

/* Changes what the order may yet fill, and the sums with it. False, and nothing changed, if a sum would
 * overflow: never when it falls. */
static bool set_risk_qty(struct pw_orders *orders, struct pw_order_row *row, int64_t risk_qty_e8)
{
    int64_t *open = open_qty(orders, row), open_after;
    pw_i128 hold = pw_money_share(row->full_hold_e16, risk_qty_e8, row->qty_e8);
    pw_i128 hold_after = orders->hold_e16;
    if (__builtin_add_overflow(*open, risk_qty_e8 - row->risk_qty_e8, &open_after) ||
        !pw_money_add(&hold_after, hold - row->hold_e16)) {
        return false;
    }
    *open = open_after;
    orders->hold_e16 = hold_after;
    row->hold_e16 = hold;
    row->risk_qty_e8 = risk_qty_e8;
    return true;
}

static bool is_wellformed(const struct pw_orders *orders, const struct pw_order_row *row)
{
    return row->client_order_id != 0 && row->qty_e8 > 0 && row->side <= PW_SELL && row->hold_e16 >= 0 &&
           row->instrument_idx < orders->instrument_cnt && !pw_orders_find(orders, row->client_order_id);
}

/* Does one more of that size fit the sums? */
static bool sums_have_room(struct pw_orders *orders, const struct pw_order_row *row)
{
    int64_t open_after;
    pw_i128 hold_after = orders->hold_e16;
    return !__builtin_add_overflow(*open_qty(orders, row), row->qty_e8, &open_after) &&
           pw_money_add(&hold_after, row->hold_e16);
}

struct pw_order_row *pw_orders_add(struct pw_orders *orders, const struct pw_order_row *row)
{
    if (!is_wellformed(orders, row) || !sums_have_room(orders, row)) {
        return NULL;
    }
    uint32_t row_idx = take_row(orders);
    if (row_idx == NO_ROW) {
        return NULL;
    }
    struct pw_order_row *added = &orders->rows[row_idx];
    *added = (struct pw_order_row){.client_order_id = row->client_order_id,
                                   .replaces_id = row->replaces_id,
                                   .price_e8 = row->price_e8,
                                   .qty_e8 = row->qty_e8,
                                   .leaves_qty_e8 = row->qty_e8,
                                   .recv_ns = row->recv_ns,
                                   .valid_until_ns = row->valid_until_ns,
                                   .full_hold_e16 = row->hold_e16,
                                   .market_seq = row->market_seq,
                                   .next_idx = NO_ROW,
                                   .prev_idx = NO_ROW,
                                   .instrument_idx = row->instrument_idx,
                                   .strategy_idx = row->strategy_idx,
                                   .tag = row->tag,
                                   .side = row->side,
                                   .type = row->type,
                                   .tif = row->tif,
                                   .state = PW_ORDER_IN_FLIGHT};
    orders->index[slot_of(orders, row->client_order_id)] = row_idx + 1;
    orders->open_cnt++;
    set_risk_qty(orders, added, added->qty_e8);
    return added;
}

struct pw_order_row *pw_orders_replace(struct pw_orders *orders, const struct pw_order_row *row)
{
    struct pw_order_row *old = pw_orders_find(orders, row->replaces_id);
    if (!old || rules[old->state][PW_EXEC_REPLACE_SENT] != REPLACING ||
        old->instrument_idx != row->instrument_idx || old->side != row->side) {
        return NULL;
    }
    struct pw_order_row *added = pw_orders_add(orders, row); /* takes no open row: `old` stays where it is */
    if (added) {
        old->state = PW_ORDER_PENDING_REPLACE;
    }
    return added;
}

static void row_prefetch(const struct pw_order_row *row)
{
    for (size_t at = 0; at < sizeof *row; at += PW_CACHE_LINE) {
        __builtin_prefetch((const char *)row + at, 1);
    }
}

void pw_orders_prefetch(const struct pw_orders *orders)
{
    uint64_t next_id = pw_order_id(orders->run_id, orders->counter + 1);
    __builtin_prefetch(&orders->index[home_of(orders, next_id)], 1);
    if (orders->used_cnt < orders->row_cnt) {
        row_prefetch(&orders->rows[orders->used_cnt]);
    } else if (orders->closed_first_idx != NO_ROW) {
        const struct pw_order_row *row = &orders->rows[orders->closed_first_idx];
        row_prefetch(row);
        __builtin_prefetch(&orders->index[home_of(orders, row->client_order_id)], 1);
        if (row->next_idx != NO_ROW) {
            __builtin_prefetch(&orders->rows[row->next_idx].prev_idx, 1);
        }
    }
}

void pw_orders_each_open(const struct pw_orders *orders,
                         void (*visit)(void *state, const struct pw_order_row *row), void *state)
{
    for (uint32_t i = 0, left = orders->open_cnt; left; i++) {
        if (!pw_order_is_closed(orders->rows[i].state)) {
            left--;
            visit(state, &orders->rows[i]);
        }
    }
}

/* ---- the memory of fills: a ring, and an index by hash over it ---- */

static uint32_t fill_home(const struct pw_orders *orders, const struct pw_order_fill *fill)
{
    uint64_t mixed = (fill->client_order_id ^ fill->trade_id << 32 ^ fill->trade_id >> 32) + fill->trade_id;
    return (uint32_t)(mixed * UINT64_C(0x9e3779b97f4a7c15) >> 32) & orders->fill_index_mask;
}

/* The slot that holds the fill, or the free one where it belongs. */
static uint32_t fill_slot(const struct pw_orders *orders, const struct pw_order_fill *fill)
{
    uint32_t slot = fill_home(orders, fill);
    for (; orders->fill_index[slot]; slot = (slot + 1) & orders->fill_index_mask) {
        const struct pw_order_fill *at = &orders->fills[orders->fill_index[slot] - 1];
        if (at->client_order_id == fill->client_order_id && at->trade_id == fill->trade_id) {
            break;
        }
    }
    return slot;
}

static void fill_forget(struct pw_orders *orders, const struct pw_order_fill *fill)
{
    uint32_t mask = orders->fill_index_mask;
    uint32_t hole = fill_slot(orders, fill);
    for (uint32_t slot = (hole + 1) & mask; orders->fill_index[slot]; slot = (slot + 1) & mask) {
        uint32_t home = fill_home(orders, &orders->fills[orders->fill_index[slot] - 1]);
        if (((slot - home) & mask) >= ((slot - hole) & mask)) {
            orders->fill_index[hole] = orders->fill_index[slot];
            hole = slot;
        }
    }
    orders->fill_index[hole] = 0;
}

static bool fill_is_known(const struct pw_orders *orders, const struct pw_report *report)
{
    const struct pw_order_fill fill = {report->client_order_id, report->trade_id};
    return report->has_trade_id && orders->fill_index[fill_slot(orders, &fill)];
}

static void fill_remember(struct pw_orders *orders, const struct pw_report *report)
{
    if (!report->has_trade_id) {
        return;
    }
    uint32_t place = (uint32_t)(orders->fill_cnt % orders->fill_slots);
    if (orders->fill_cnt >= orders->fill_slots) {
        fill_forget(orders, &orders->fills[place]);
    }
    orders->fills[place] = (struct pw_order_fill){report->client_order_id, report->trade_id};
    orders->fill_index[fill_slot(orders, &orders->fills[place])] = place + 1;
    orders->fill_cnt++;
}

/* ---- reports ---- */

static enum pw_order_step move(struct pw_order_row *row, enum pw_order_state state)
{
    enum pw_order_step step = row->state == state ? PW_ORDER_STEP_KEEP : PW_ORDER_STEP_MOVE;
    row->state = (uint8_t)state;
    return step;
}

static enum pw_order_step close_row(struct pw_orders *orders, struct pw_order_row *row,
                                    enum pw_order_state state)
{
    set_risk_qty(orders, row, 0);
    row->cancel_pending = false;
    row->end_state = PW_ORDER_NONE;
    orders->open_cnt--;
    closed_append(orders, row);
    return move(row, state);
}

/* It has ended at the venue: closed here when no fill is owed. */
static enum pw_order_step end(struct pw_orders *orders, struct pw_order_row *row, enum pw_order_state state)
{
    int64_t owed_e8 = pw_order_owed_e8(row);
    if (owed_e8 == 0) {
        return close_row(orders, row, row->leaves_qty_e8 == 0 ? PW_ORDER_FILLED : state);
    }
    set_risk_qty(orders, row, owed_e8);
    row->end_state = (uint8_t)state;
    return move(row, PW_ORDER_UNKNOWN);
}

/* A closed order that is open after all, or is owed fills. */
static enum pw_order_step reopen(struct pw_orders *orders, struct pw_order_row *row, int64_t risk_qty_e8,
                                 enum pw_order_state end_state)
{
    if (!set_risk_qty(orders, row, risk_qty_e8)) {
        return PW_ORDER_STEP_ILLEGAL;
    }
    closed_remove(orders, row);
    orders->open_cnt++;
    orders->late_cnt++;
    row->acked = row->reports_lost = true;
    row->end_state = (uint8_t)end_state;
    return move(row, PW_ORDER_UNKNOWN);
}

static enum pw_order_step restore(struct pw_order_row *row)
{
    return move(row, row->cancel_pending                ? PW_ORDER_PENDING_CANCEL
                     : !row->acked                      ? PW_ORDER_IN_FLIGHT
                     : row->leaves_qty_e8 < row->qty_e8 ? PW_ORDER_PARTIALLY_FILLED
                                                        : PW_ORDER_OPEN);
}

/* The venue has, or had, the order. If that was all that was in doubt, the doubt is over. */
static enum pw_order_step prove(struct pw_order_row *row)
{
    bool was_acked = row->acked;
    row->acked = true;
    return was_acked || row->cancel_pending || row->reports_lost ? PW_ORDER_STEP_KEEP : restore(row);
}

static void book(struct pw_orders *orders, struct pw_order_row *row, const struct pw_report *report)
{
    fill_remember(orders, report);
    row->leaves_qty_e8 -= report->fill_qty_e8;
    int64_t booked_e8 = row->qty_e8 - row->leaves_qty_e8;
    row->executed_qty_e8 = booked_e8 > row->executed_qty_e8 ? booked_e8 : row->executed_qty_e8;
}

static enum pw_order_step fill_open(struct pw_orders *orders, struct pw_order_row *row,
                                    const struct pw_report *report)
{
    book(orders, row, report);
    if (row->end_state != PW_ORDER_NONE) {
        return end(orders, row, row->end_state);
    }
    set_risk_qty(orders, row, row->leaves_qty_e8);
    if (row->leaves_qty_e8 == 0) {
        return close_row(orders, row, PW_ORDER_FILLED);
    }
    if (row->state == PW_ORDER_UNKNOWN) {
        return prove(row);
    }
    row->acked = true;
    bool pending = row->state == PW_ORDER_PENDING_CANCEL || row->state == PW_ORDER_PENDING_REPLACE;
    return pending ? PW_ORDER_STEP_KEEP : move(row, PW_ORDER_PARTIALLY_FILLED);
}

/* A fill of a closed order. What it says to be owed beyond itself is waited for. */
static enum pw_order_step fill_late(struct pw_orders *orders, struct pw_order_row *row,
                                    const struct pw_report *report)
{
    int64_t owed_e8 = pw_order_owed_e8(row) - report->fill_qty_e8;
    if (owed_e8 > 0 && reopen(orders, row, owed_e8, row->state) == PW_ORDER_STEP_ILLEGAL) {
        return PW_ORDER_STEP_ILLEGAL;
    }
    orders->late_cnt += owed_e8 <= 0;
    book(orders, row, report);
    return owed_e8 > 0 ? PW_ORDER_STEP_MOVE
                       : move(row, row->leaves_qty_e8 == 0 ? PW_ORDER_FILLED : row->state);
}

/* One that was taken for refused is there, or was. */
static enum pw_order_step turn_up(struct pw_orders *orders, struct pw_order_row *row,
                                  const struct pw_report *report)
{
    int64_t left_e8 = row->leaves_qty_e8 - report->fill_qty_e8;
    if (left_e8 == 0) {
        return fill_late(orders, row, report);
    }
    enum pw_order_step step = reopen(orders, row, left_e8, PW_ORDER_NONE);
    if (step != PW_ORDER_STEP_ILLEGAL && report->fill_qty_e8 > 0) {
        book(orders, row, report);
    }
    return step;
}

static enum pw_order_step go(struct pw_orders *orders, struct pw_order_row *row,
                             const struct pw_report *report, enum pw_order_state state)
{
    row->cancel_pending |= state == PW_ORDER_PENDING_CANCEL;
    row->cancel_pending &= report->exec_type != PW_EXEC_CANCEL_UNKNOWN;
    row->reports_lost |= state == PW_ORDER_UNKNOWN && report->exec_type != PW_EXEC_TIME_OUT;
    return pw_order_is_closed(state) ? end(orders, row, state) : move(row, state);
}

/* What stays as it is, but for what was said on the side. */
static enum pw_order_step stay(struct pw_orders *orders, struct pw_order_row *row,
                               const struct pw_report *report, bool more_executed)
{
    bool answered = row->cancel_pending && (report->exec_type == PW_EXEC_CANCEL_REFUSED ||
                                            report->exec_type == PW_EXEC_CANCEL_UNKNOWN);
    row->cancel_pending &= !answered;
    if (pw_order_is_closed(row->state) && pw_order_owed_e8(row) > 0) {
        return reopen(orders, row, pw_order_owed_e8(row), row->state);
    }
    if (row->end_state != PW_ORDER_NONE && more_executed) {
        set_risk_qty(orders, row, pw_order_owed_e8(row));
    }
    return answered || more_executed ? PW_ORDER_STEP_KEEP : PW_ORDER_STEP_SAME;
}

/* What was pending was answered, or a query says that the order is there as it was. */
static enum pw_order_step settle(struct pw_order_row *row, enum pw_exec_type exec_type)
{
    row->acked |= exec_type == PW_EXEC_ACK || exec_type == PW_EXEC_FOUND_OPEN;
    row->cancel_pending &= exec_type != PW_EXEC_CANCEL_REFUSED && exec_type != PW_EXEC_FOUND_OPEN;
    row->reports_lost &= exec_type != PW_EXEC_FOUND_OPEN;
    return restore(row);
}

static enum pw_order_step obey(struct pw_orders *orders, struct pw_order_row *row,
                               const struct pw_report *report, unsigned rule, bool more_executed)
{
    switch (rule) {
    case SAME:
        return stay(orders, row, report, more_executed);
    case KEEP:
        if (row->acked) {
            return stay(orders, row, report, more_executed);
        }
        row->acked = true;
        return PW_ORDER_STEP_KEEP;
    case FILL:
        return fill_open(orders, row, report);
    case LATE:
        return fill_late(orders, row, report);
    case RESTORE:
        return settle(row, report->exec_type);
    case PROVE:
        return row->acked ? stay(orders, row, report, more_executed) : prove(row);
    case REOPEN:
        return turn_up(orders, row, report);
    case VANISH:
        return row->acked || row->executed_qty_e8 > 0 || report->recv_ns <= row->valid_until_ns
                   ? PW_ORDER_STEP_SAME
                   : close_row(orders, row, PW_ORDER_REJECTED);
    case CANCEL:
        row->cancel_pending = true;
        return PW_ORDER_STEP_KEEP;
    case LOSE:
        if (row->reports_lost) {
            return PW_ORDER_STEP_SAME;
        }
        row->reports_lost = true;
        return PW_ORDER_STEP_KEEP;
    default:
        return go(orders, row, report, (enum pw_order_state)(rule - GO));
    }
}

/* The venue's count of what was filled, after this report. */
static int64_t executed_after(const struct pw_order_row *row, const struct pw_report *report)
{
    int64_t executed_e8 = report->exec_type == PW_EXEC_FOUND_FILLED ? row->qty_e8 : report->executed_qty_e8;
    return executed_e8 > row->executed_qty_e8 ? executed_e8 : row->executed_qty_e8;
}

/* What the numbers contradict, whatever the state. */
static bool is_possible(const struct pw_order_row *row, const struct pw_report *report)
{
    bool fill = report->exec_type == PW_EXEC_FILL;
    return report->exec_type < PW_EXEC_TYPES && (fill ? report->fill_qty_e8 > 0 : report->fill_qty_e8 == 0) &&
           report->executed_qty_e8 >= 0 && report->executed_qty_e8 <= row->qty_e8;
}

static enum pw_order_step take(struct pw_orders *orders, struct pw_order_row *row,
                               const struct pw_report *report)
{
    if (!is_possible(row, report)) {
        return PW_ORDER_STEP_ILLEGAL;
    }
    unsigned rule = rules[row->end_state != PW_ORDER_NONE ? ENDED_STATE : row->state][report->exec_type];
    int64_t executed_e8 = executed_after(row, report);
    if (report->exec_type == PW_EXEC_FILL && fill_is_known(orders, report)) {
        rule = SAME;
    } else if (report->fill_qty_e8 > row->leaves_qty_e8 ||
               (rule == REJECTED && (row->acked || executed_e8 > 0 || row->leaves_qty_e8 < row->qty_e8))) {
        return PW_ORDER_STEP_ILLEGAL;
    }
    if (rule == ILLEGAL) {
        return PW_ORDER_STEP_ILLEGAL;
    }
    int64_t executed_before_e8 = row->executed_qty_e8;
    row->executed_qty_e8 = executed_e8;
    enum pw_order_step step = obey(orders, row, report, rule, executed_e8 > executed_before_e8);
    if (step == PW_ORDER_STEP_ILLEGAL) {
        row->executed_qty_e8 = executed_before_e8;
    }
    return step;
}

enum pw_order_step pw_orders_apply(struct pw_orders *orders, const struct pw_report *report,
                                   struct pw_order_row **row_out)
{
    struct pw_order_row *row = pw_orders_find(orders, report->client_order_id);
    *row_out = row;
    if (!row) {
        orders->unknown_cnt++;
        return PW_ORDER_STEP_ILLEGAL;
    }
    enum pw_order_step step = take(orders, row, report);
    orders->illegal_cnt += step == PW_ORDER_STEP_ILLEGAL;
    orders->duplicate_cnt += step == PW_ORDER_STEP_SAME;
    return step;
}
