/* SPDX-License-Identifier: MIT
 *
 * A connection's session at the WebSocket API: who sends a request, and the methods that REST does not have
 * (binance.md 5). For ws_api.c alone.
 */
#ifndef PW_SIM_WS_SESSION_H
#define PW_SIM_WS_SESSION_H

#include "ws_api.h"

struct pw_sim_ws_method;

/* One request under way. */
struct pw_sim_ws_request {
    struct pw_sim_ws_api *api;
    struct pw_sim_session *session;
    struct pw_sim_subscriber *subscriber;
    struct pw_sim_call *call;
    struct pw_slice id, method, params; /* as written; size 0: not there */
    const struct pw_sim_ws_method *which;
    bool return_rate_limits;
};

/* By a key and signature of the request's own, or by the session's logon if it has neither: then he is
 * call->account. False: error. */
bool pw_sim_ws_authorize(struct pw_sim_ws_request *request);

void pw_sim_ws_logon(struct pw_sim_ws_request *request);
void pw_sim_ws_status(struct pw_sim_ws_request *request);
void pw_sim_ws_logout(struct pw_sim_ws_request *request);
void pw_sim_ws_subscriptions(struct pw_sim_ws_request *request);
void pw_sim_ws_subscribe(struct pw_sim_ws_request *request);
void pw_sim_ws_subscribe_signed(struct pw_sim_ws_request *request);
void pw_sim_ws_unsubscribe(struct pw_sim_ws_request *request);

#endif
