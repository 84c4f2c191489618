/* SPDX-License-Identifier: MIT
 *
 * One request under way, of REST or of the WebSocket API: its parameters, its answer, its errors. What the
 * endpoints' files share.
 *
 * Functions that say "error" have written the venue's error into the answer; the endpoint returns at once.
 */
#ifndef PW_SIM_REST_CALL_H
#define PW_SIM_REST_CALL_H

#include "client_orders.h"
#include "json_fields.h"
#include "rest.h"

#define PW_SIM_PARAMETERS_MAX 32u
#define PW_SIM_VALUES_BYTES   8192u
#define PW_SIM_DAY_NS         INT64_C(86400000000000)
#define PW_SIM_SERVER_ERROR   "An unknown error occurred while processing the request."

struct pw_sim_parameter {
    char name[32];
    const char *value; /* in call.values */
    bool read;
};

struct pw_sim_call {
    struct pw_sim_rest *rest;
    struct pw_sim_rest_answer *answer;
    struct pw_buffer *body;
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
    bool free_if_done; /* the weight is only for requests that are refused */
};

/* NULL: there is none. */
const struct pw_sim_endpoint *pw_sim_endpoint_find(struct pw_slice method, struct pw_slice path);
/* Before anything else of a request, which faults know as `subject`. False: it is one too many, or a fault
 * befalls it; error. */
bool pw_sim_call_admit(struct pw_sim_call *call, const char *subject);
/* Carries it out; of a signed endpoint, the sender is known by now. */
void pw_sim_call_perform(struct pw_sim_call *call, const struct pw_sim_endpoint *endpoint,
                         const char *subject);

/* Whether the key's owner signed that payload, and lately: then he is call->account. False: error. */
bool pw_sim_call_authorize(struct pw_sim_call *call, struct pw_slice key, struct pw_slice payload);
/* Whether the request's time is near ours. False: error. */
bool pw_sim_call_fresh(struct pw_sim_call *call);

void pw_sim_call_error(struct pw_sim_call *call, uint32_t status, int code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Takes a query apart, or a form after it; at most `parameter_max` parameters in all. False: error. */
bool pw_sim_call_parse(struct pw_sim_call *call, struct pw_slice query, uint32_t parameter_max);
/* The value of a parameter, or NULL; it counts as read. Names are case-sensitive. */
const char *pw_sim_call_text(struct pw_sim_call *call, const char *name);
/* False: one was sent that nobody asked for; error. */
bool pw_sim_call_all_read(struct pw_sim_call *call);
/* A number, `standard` if it was not sent. False: error. */
bool pw_sim_call_number(struct pw_sim_call *call, const char *name, int64_t standard, int64_t *number);
/* False, and error: the parameter is missing. */
bool pw_sim_call_missing(struct pw_sim_call *call, const char *name);
/* False: the parameter was sent, which it must not; error. */
bool pw_sim_call_absent(struct pw_sim_call *call, const char *name);
/* A parameter that is one of some words, and the error for anything else. */
struct pw_sim_choice {
    const char *name;
    const char *const *words;
    uint32_t word_cnt;
    int code;
    const char *text;
};
/* The index of the word that was sent. False: none, or no such; error. */
bool pw_sim_call_choose(struct pw_sim_call *call, const struct pw_sim_choice *choice, uint32_t *index);
/* `limit`, at most `most`. False: error. */
bool pw_sim_call_limit(struct pw_sim_call *call, int64_t standard, int64_t most, uint32_t *limit);
/* A time that was asked about: startTime and endTime, at most `longest_ns` apart if both are sent (0: any).
 * False: error. */
struct pw_sim_span {
    int64_t begin_ns, end_ns;
};
bool pw_sim_call_span(struct pw_sim_call *call, int64_t longest_ns, struct pw_sim_span *span);
/* NULL: error. */
struct pw_sim_symbol *pw_sim_call_symbol_named(struct pw_sim_call *call, const char *name);
/* The mandatory symbol. NULL: error. */
struct pw_sim_symbol *pw_sim_call_symbol(struct pw_sim_call *call);
/* Appends to *array what `use` makes of each name of symbols=["A","B"]. False: error. */
bool pw_sim_call_symbols(struct pw_sim_call *call, const char *list, json_t **array,
                         json_t *(*use)(struct pw_sim_call *, struct pw_sim_symbol *));
/* Brings the symbol's book and tape up to date. False: error. */
bool pw_sim_call_refresh(struct pw_sim_call *call, struct pw_sim_symbol *symbol);
/* Whether such a text can be a symbol's name. */
bool pw_sim_symbol_text_ok(const char *text);

/* The answer is that, which is taken over; NULL: no memory. */
void pw_sim_call_answer(struct pw_sim_call *call, json_t *json);
/* A time as a field, in the unit that was asked for. */
static inline struct pw_sim_field pw_sim_call_time(const struct pw_sim_call *call, const char *name,
                                                   int64_t time_ns)
{
    return pw_sim_time(name, time_ns, call->microsecond);
}
/* A limit on orders in a window, as the venue describes it. */
json_t *pw_sim_order_limit_json(enum pw_sim_order_window window, uint32_t limit);
/* The limit on request weight. */
json_t *pw_sim_weight_limit_json(const struct pw_sim_limits_config *limits, uint32_t limit);
/* The venue's error as an object. */
json_t *pw_sim_error_json(int code, const char *text);
/* Counts request weight, known only when the parameters are. */
void pw_sim_call_weigh(struct pw_sim_call *call, uint32_t weight);

/* For Retry-After: whole seconds from now until then. */
uint32_t pw_sim_call_seconds_until(const struct pw_sim_call *call, int64_t time_ns);

#endif
