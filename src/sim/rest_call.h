/* SPDX-License-Identifier: MIT
 *
 * One request under way, of REST or of the WebSocket API: its parameters, its answer, its errors. What the
 * endpoints' files share.
 *
 * Functions that say "told" have written the venue's error into the answer; the endpoint returns at once.
 */
#ifndef PW_SIM_REST_CALL_H
#define PW_SIM_REST_CALL_H

#include "orders.h"
#include "rest.h"

#define PW_SIM_PARAMETERS_MAX 24u
#define PW_SIM_VALUES_BYTES   8192u
#define PW_SIM_SERVER_ERROR   "An unknown error occurred while processing the request."

struct pw_sim_parameter {
    char name[32];
    const char *value; /* in call.values */
    bool read;
};

struct pw_sim_call {
    struct pw_sim_rest *rest;
    struct pw_sim_rest_answer *answer;
    struct pw_sim_buffer *body;
    int64_t wall_ns;
    bool microsecond;
    struct pw_sim_account *account; /* of a signed request */
    uint32_t parameter_cnt;
    struct pw_sim_parameter parameters[PW_SIM_PARAMETERS_MAX];
    size_t value_bytes;
    char values[PW_SIM_VALUES_BYTES];
};

/* What the venue can be asked. */
struct pw_sim_endpoint {
    const char *method, *path;
    void (*answer)(struct pw_sim_call *call);
    uint32_t weight; /* 0: the endpoint's own affair */
    bool is_signed;
};

/* NULL: there is none. */
const struct pw_sim_endpoint *pw_sim_endpoint_find(struct pw_slice method, struct pw_slice path);
/* Before anything else of a request, which faults know as `subject`. False: it is one too many, or a fault
 * befalls it; told. */
bool pw_sim_call_admit(struct pw_sim_call *call, const char *subject);
/* Carries it out; of a signed endpoint, the sender is known by now. */
void pw_sim_call_perform(struct pw_sim_call *call, const struct pw_sim_endpoint *endpoint,
                         const char *subject);

/* Whether the key's owner signed that payload, and lately: then he is call->account. False: told. */
bool pw_sim_call_authorize(struct pw_sim_call *call, struct pw_slice key, struct pw_slice payload);
/* Whether the request's time is near ours. False: told. */
bool pw_sim_call_fresh(struct pw_sim_call *call);

void pw_sim_call_error(struct pw_sim_call *call, uint32_t status, int code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Takes a query apart, or a form after it; at most `parameter_max` parameters in all. False: told. */
bool pw_sim_call_parse(struct pw_sim_call *call, struct pw_slice query, uint32_t parameter_max);
/* The value of a parameter, or NULL; it counts as read. Names are case-sensitive. */
const char *pw_sim_call_text(struct pw_sim_call *call, const char *name);
/* False: one was sent that nobody asked for; told. */
bool pw_sim_call_all_read(struct pw_sim_call *call);
/* A number, `standard` if it was not sent. False: told. */
bool pw_sim_call_number(struct pw_sim_call *call, const char *name, int64_t standard, int64_t *number);
/* `limit`, at most `most`. False: told. */
bool pw_sim_call_limit(struct pw_sim_call *call, int64_t standard, int64_t most, uint32_t *limit);
/* NULL: told. */
struct pw_sim_symbol *pw_sim_call_symbol_named(struct pw_sim_call *call, const char *name);
/* The mandatory symbol. NULL: told. */
struct pw_sim_symbol *pw_sim_call_symbol(struct pw_sim_call *call);
/* Brings the symbol's book and tape up to date. False: told. */
bool pw_sim_call_refresh(struct pw_sim_call *call, struct pw_sim_symbol *symbol);
/* Whether such a text can be a symbol's name. */
bool pw_sim_symbol_text_ok(const char *text);

void pw_sim_call_put(struct pw_sim_call *call, const char *text);
/* The name with what stands before it, the decimal, and the closing quote. */
void pw_sim_call_put_e8(struct pw_sim_call *call, const char *name, int64_t value_e8);
/* In the unit that was asked for. */
void pw_sim_call_put_time(struct pw_sim_call *call, int64_t time_ns);
/* Counts request weight, known only when the parameters are. */
void pw_sim_call_weigh(struct pw_sim_call *call, uint32_t weight);

#endif
