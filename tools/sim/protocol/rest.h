/* SPDX-License-Identifier: MIT
 *
 * The venue's REST answers: public market data under /api/v3 (binance.md 4.3 to 4.5), with weights, limits
 * and bans; and trading (4.2, 4.6), in rest_orders.c.
 */
#ifndef PW_SIM_REST_H
#define PW_SIM_REST_H

#include "buffer.h"
#include "http.h"
#include "sim.h"
#include "source.h"

#include <stdbool.h>
#include <stdint.h>

struct pw_sim_accounts;
struct pw_sim_orders;

struct pw_sim_rest {
    const struct pw_sim_limits_config *limits;
    struct pw_sim_source *source;
    struct pw_sim_faults *faults;
    struct pw_sim_accounts *accounts;
    struct pw_sim_orders *orders; /* NULL: nobody may trade */
    int64_t window;               /* the window that `used` counts for (aligned to the clock) */
    uint32_t used_weight;         /* in it */
    uint32_t refused_cnt;         /* in it */
    int64_t banned_until_ns;
    int64_t clock_ns;         /* the venue's clock minus the host's: a fault moves it */
    struct pw_buffer payload; /* what a request's signature is over; to be freed by the owner */
};

struct pw_sim_rest_answer {
    uint32_t status;
    const char *content_type;
    struct pw_buffer *body;
    uint32_t used_weight;
    uint32_t retry_after_s; /* 0: no such header */
    uint32_t delay_ms;      /* a fault: to be sent so much later */
    char headers[160];      /* more of them, each with its line's end; empty: none */
};

struct pw_sim_rest_request {
    const struct pw_http_head *head;
    struct pw_slice body;
    int64_t wall_ns; /* the venue's clock */
};

/* Answers one request. answer->body is cleared and filled. */
void pw_sim_rest_answer(struct pw_sim_rest *rest, const struct pw_sim_rest_request *request,
                        struct pw_sim_rest_answer *answer);

#endif
