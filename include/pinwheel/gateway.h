/* SPDX-License-Identifier: MIT
 *
 * The gateway: where accepted orders go. The paper gateway is one, a live venue another; execution cannot tell.
 *
 * All calls come from the execution stage's one thread. A gateway answers with reports in `out`, at most
 * PW_REPORTS_PER_ORDER of one order in one call; execution never has more than PW_OPEN_ORDERS_MAX orders with it, so
 * `out` always has room, and execution has made sure of room for the events that these reports become.
 */
#ifndef PINWHEEL_GATEWAY_H
#define PINWHEEL_GATEWAY_H

#include <pinwheel/event.h>
#include <stddef.h>
#include <stdint.h>

#define PW_REPORTS_MAX       64u
#define PW_REPORTS_PER_ORDER 2u
#define PW_OPEN_ORDERS_MAX   (PW_REPORTS_MAX / PW_REPORTS_PER_ORDER)

/* What happened to an order at the venue. */
struct pw_report {
    uint64_t client_order_id;
    int64_t fill_price_e8, fill_qty_e8; /* qty 0: no fill in this report */
    pw_i128 fee_e16;                    /* quote currency */
    int64_t venue_ns, recv_ns;
    uint8_t state;  /* enum pw_order_state after this report */
    uint8_t reason; /* enum pw_reason */
    uint8_t maker;
};

struct pw_reports {
    uint32_t cnt;
    struct pw_report rows[PW_REPORTS_MAX];
};

/* An order that has passed every check. */
struct pw_gateway_order {
    uint64_t client_order_id;
    int64_t price_e8, qty_e8;
    int64_t recv_ns; /* of the event that caused it: the time of the order */
    uint16_t instrument_idx;
    uint8_t side, type, tif;
};

struct pw_gateway_ops {
    const char *name;
    void (*place)(void *state, const struct pw_gateway_order *order, struct pw_reports *out);
    void (*cancel)(void *state, uint64_t client_order_id, int64_t recv_ns, struct pw_reports *out);
    /* Every market event and TIME of the stream, in order, before execution uses it. */
    void (*on_market)(void *state, const struct pw_event *event, struct pw_reports *out);
    /* Orders that may still report: execution keeps room for all of them. */
    uint32_t (*open_cnt)(const void *state);
};

#endif
