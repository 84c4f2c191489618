/* SPDX-License-Identifier: MIT
 *
 * Faults on demand: what a venue does wrong now and then, switched on by the config and counted, so that a
 * test knows when to expect it.
 */
#ifndef PW_SIM_FAULTS_H
#define PW_SIM_FAULTS_H

#include <stdbool.h>
#include <stdint.h>

#define PW_SIM_FAULTS_MAX 16u

enum pw_sim_fault_kind {
    PW_SIM_GAP = 0,        /* messages are left out */
    PW_SIM_DUPLICATE = 1,  /* messages come twice */
    PW_SIM_GARBAGE = 2,    /* a frame of broken JSON comes before them */
    PW_SIM_STALL = 3,      /* no market data for `ms`; pings go on */
    PW_SIM_DROP = 4,       /* all WebSocket connections are reset */
    PW_SIM_CLOSE = 5,      /* all get serverShutdown and a close frame */
    PW_SIM_REST_DELAY = 6, /* the answer comes `ms` later */
    PW_SIM_REST_ERROR = 7, /* the answer is `status`, as JSON or as HTML, and nothing was done */
    PW_SIM_UNKNOWN = 8,    /* it was done, but the answer is `status`: nobody knows */
    /* On the WebSocket API. */
    PW_SIM_DROP_REPLY = 9,    /* the reply is lost */
    PW_SIM_DROP_EVENT = 10,   /* an event of the user data stream is lost */
    PW_SIM_REPORT_FIRST = 11, /* what a request causes is reported before its reply */
    PW_SIM_CUT = 12,          /* after such a request, the connection takes `bytes` more and is reset */
    PW_SIM_CLOCK = 13,        /* after such a request, the venue's clock steps by `ms` */
    PW_SIM_FAULT_KINDS = 14,
};

/* As the config names them. */
extern const char *const pw_sim_fault_names[PW_SIM_FAULT_KINDS];

/* Of the messages whose stream matches (requests: whose path or method; events: whose type), the first
 * `after` pass, the next `count` are hit; with `every` > 0 it begins anew each so many. With `percent` > 0,
 * each one after the first ones is hit by chance instead, from the market's seed. */
struct pw_sim_fault {
    enum pw_sim_fault_kind kind;
    char match[64]; /* fnmatch(3) pattern for the stream's name or the path; empty: all */
    uint64_t after, count, every;
    uint32_t percent;
    uint32_t ms;
    uint32_t status;
    uint32_t bytes;
    bool html, back;
    uint64_t seen_cnt; /* that matched */
    uint64_t hit_cnt;
};

#define PW_SIM_FAULT_SKIP      0x1u
#define PW_SIM_FAULT_DUPLICATE 0x2u
#define PW_SIM_FAULT_GARBAGE   0x4u

struct pw_sim_faults {
    uint32_t fault_cnt;
    struct pw_sim_fault faults[PW_SIM_FAULTS_MAX];
    uint64_t seed; /* of chance; moves on with each draw */
    /* For the server to carry out and clear. */
    bool drop, close;
    uint32_t stall_ms;
};

/* What to do with the next message of that stream: PW_SIM_FAULT_* bits. */
unsigned pw_sim_faults_message(struct pw_sim_faults *faults, const char *stream);
/* The fault that hits a request for that path, or NULL. A delay and an error may hit the same one. */
const struct pw_sim_fault *pw_sim_faults_request(struct pw_sim_faults *faults, const char *path,
                                                 uint32_t *delay_ms);
/* The fault of that kind that hits the next such thing, or NULL. */
const struct pw_sim_fault *pw_sim_faults_hit(struct pw_sim_faults *faults, enum pw_sim_fault_kind kind,
                                             const char *subject);

/* Logs how often each fault hit; of one that never did, whether anything matched. */
void pw_sim_faults_sum(const struct pw_sim_faults *faults);

#endif
