/* SPDX-License-Identifier: MIT
 *
 * A service that is no venue: pages, a form that comes back, WebSockets that echo and count.
 */
#ifndef PW_TEST_ECHO_SERVICE_H
#define PW_TEST_ECHO_SERVICE_H

#include "serve.h"

struct echo_service {
    uint32_t opened_cnt, closed_cnt, ended_cnt, farewell_cnt, message_cnt;
    struct pw_buffer text;
    struct pw_serve_client *last; /* that sent a message */
};

/* GET /hello, /slow, /slower, /large, /files and below; POST /echo; WebSockets /echo and /count; /closed lets
 * nobody in. */
struct pw_service echo_service_make(struct echo_service *service);
void echo_service_free(struct echo_service *service);

#endif
