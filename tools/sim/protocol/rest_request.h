/* SPDX-License-Identifier: MIT
 *
 * The parameters of orders, as the venue takes them (binance.md 4.6): what must, may and must not be there.
 */
#ifndef PW_SIM_REST_REQUEST_H
#define PW_SIM_REST_REQUEST_H

#include "rest_call.h"

/* newOrderRespType */
enum pw_sim_reply { PW_SIM_REPLY_ACK, PW_SIM_REPLY_RESULT, PW_SIM_REPLY_FULL, PW_SIM_REPLIES };

/* cancelRestrictions */
enum pw_sim_restriction { PW_SIM_ONLY_NEW, PW_SIM_ONLY_PARTIALLY_FILLED, PW_SIM_CANCEL_ANY };

/* Reads all that describes a new order, and after that nothing may be left unread. False: error. */
bool pw_sim_request_read(struct pw_sim_call *call, struct pw_sim_order_request *request,
                         enum pw_sim_reply *reply);
/* A name that a client gave, NULL if none was sent. False: it cannot be one; error. */
bool pw_sim_request_name(struct pw_sim_call *call, const char *parameter, const char **client_id);
/* cancelRestrictions, if sent. False: error. */
bool pw_sim_request_restriction(struct pw_sim_call *call, enum pw_sim_restriction *restriction);

/* Which order is meant: by the venue's id (0: not sent), by the client's (NULL: not sent). */
struct pw_sim_order_ids {
    int64_t order_id;
    const char *client_id;
};
/* Reads these from the two parameters; one of them must be there. False: error. */
bool pw_sim_request_ids(struct pw_sim_call *call, const char *id_parameter, const char *name_parameter,
                        struct pw_sim_order_ids *ids);

#endif
