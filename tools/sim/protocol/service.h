/* SPDX-License-Identifier: MIT
 *
 * The venue as a service of the server in src/serve: which path is what (binance.md 2.1, 4, 5 and 11.2), and
 * what a connection has of its own.
 */
#ifndef PW_SIM_SERVICE_H
#define PW_SIM_SERVICE_H

#include "hub.h"
#include "rest.h"
#include "serve.h"
#include "ws_api.h"

struct pw_sim_service {
    struct pw_sim_hub *hub;
    struct pw_sim_rest *rest;
    struct pw_sim_ws_api *api;
    struct pw_buffer reply; /* to a WebSocket message; to be freed by the owner */
};

/* The service must stay as long as the server that is opened with it. */
struct pw_service pw_sim_service_make(struct pw_sim_service *service);

#endif
