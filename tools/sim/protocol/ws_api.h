/* SPDX-License-Identifier: MIT
 *
 * The venue's WebSocket API at /ws-api/v3 (binance.md 5): requests and replies. What is asked for is done by
 * the endpoints that REST has; here are the envelope, the session, and the user data subscriptions.
 */
#ifndef PW_SIM_WS_API_H
#define PW_SIM_WS_API_H

#include "rest_call.h"
#include "user_stream.h"

#include <stdbool.h>
#include <stdint.h>

#define PW_SIM_WS_API_PATH "/ws-api/v3"

struct pw_sim_ws_api {
    struct pw_sim_rest *rest;
    struct pw_sim_user_stream *stream;
    const struct pw_sim_endpoint **endpoints; /* by method */
    struct pw_buffer body;                    /* of the reply under way */
    struct pw_sim_call call;                  /* the request under way: too large to be cleared each time */
    int64_t connect_window;                   /* that `connect_cnt` counts for: its number since 1970 */
    uint32_t connect_cnt;
};

/* What a connection has of its own. */
struct pw_sim_session {
    struct pw_sim_account *account; /* logged on; NULL: nobody */
    int64_t connected_ns, authorized_ns;
    bool return_rate_limits;
    uint32_t subscribed_cnt; /* ever: the next subscription's id */
};

/* What becomes of a request's reply. */
struct pw_sim_ws_answer {
    struct pw_buffer *reply;
    bool dropped;                   /* a fault: it is not sent */
    bool report_first;              /* a fault: the user data stream is flushed before */
    uint32_t delay_ms;              /* a fault: nothing is sent before */
    const struct pw_sim_fault *cut; /* a fault that has the connection end; NULL: none */
};

/* 0 or -ENOMEM. */
int pw_sim_ws_api_init(struct pw_sim_ws_api *api, struct pw_sim_rest *rest,
                       struct pw_sim_user_stream *stream);
void pw_sim_ws_api_fini(struct pw_sim_ws_api *api);

/* Whether one more connection may be made; false: `reject` says why not. */
bool pw_sim_ws_api_connect(struct pw_sim_ws_api *api, int64_t wall_ns, struct pw_sim_rest_answer *reject);

/* Carries out one text message of a connection; fills the answer, whose reply it clears first. */
void pw_sim_ws_api_request(struct pw_sim_ws_api *api, struct pw_sim_session *session,
                           struct pw_sim_subscriber *subscriber, struct pw_slice message, int64_t wall_ns,
                           struct pw_sim_ws_answer *answer);

#endif
