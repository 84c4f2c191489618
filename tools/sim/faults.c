/* SPDX-License-Identifier: MIT
 *
 * Counting faults: see faults.h.
 */
#include "faults.h"

#include "host.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stddef.h>

const char *const pw_sim_fault_names[PW_SIM_FAULT_KINDS] = {
    "gap",        "duplicate", "garbage",    "stall",      "drop",         "close", "rest_delay",
    "rest_error", "unknown",   "drop_reply", "drop_event", "report_first", "cut",   "clock"};

static bool is_turn(struct pw_sim_faults *faults, const struct pw_sim_fault *fault, uint64_t n)
{
    if (n < fault->after) {
        return false;
    }
    if (fault->percent) {
        struct pw_random random = pw_random_seeded(&faults->seed);
        return pw_random_next(&random) % 100 < fault->percent;
    }
    n -= fault->after;
    return (fault->every ? n % fault->every : n) < fault->count;
}

/* The first hit is logged; the sum at the end has all of them. */
static bool fault_hits(struct pw_sim_faults *faults, struct pw_sim_fault *fault, const char *subject)
{
    if ((fault->match[0] && fnmatch(fault->match, subject, 0) != 0) ||
        !is_turn(faults, fault, fault->seen_cnt++)) {
        return false;
    }
    if (fault->hit_cnt++ == 0) {
        pw_log(PW_LOG_INFO, "fault %d (%s) hits %s", (int)(fault - faults->faults) + 1,
               pw_sim_fault_names[fault->kind], subject);
    }
    return true;
}

void pw_sim_faults_sum(const struct pw_sim_faults *faults)
{
    for (uint32_t i = 0; i < faults->fault_cnt; i++) {
        const struct pw_sim_fault *fault = &faults->faults[i];
        const char *name = pw_sim_fault_names[fault->kind];
        if (fault->hit_cnt > 0) {
            pw_log(PW_LOG_INFO, "fault %u (%s): %" PRIu64 " hits", i + 1, name, fault->hit_cnt);
        } else if (fault->seen_cnt == 0) {
            pw_log(PW_LOG_WARN, "fault %u (%s) never fired: nothing matched '%s'", i + 1, name,
                   fault->match[0] ? fault->match : "*");
        } else {
            pw_log(PW_LOG_WARN, "fault %u (%s) never fired: %" PRIu64 " matched, none was due", i + 1, name,
                   fault->seen_cnt);
        }
    }
}

unsigned pw_sim_faults_message(struct pw_sim_faults *faults, const char *stream)
{
    unsigned bits = 0;

    for (uint32_t i = 0; i < faults->fault_cnt; i++) {
        struct pw_sim_fault *fault = &faults->faults[i];
        if (fault->kind >= PW_SIM_REST_DELAY || !fault_hits(faults, fault, stream)) {
            continue;
        }
        bits |= fault->kind == PW_SIM_GAP ? PW_SIM_FAULT_SKIP : 0;
        bits |= fault->kind == PW_SIM_DUPLICATE ? PW_SIM_FAULT_DUPLICATE : 0;
        bits |= fault->kind == PW_SIM_GARBAGE ? PW_SIM_FAULT_GARBAGE : 0;
        faults->drop |= fault->kind == PW_SIM_DROP;
        faults->close |= fault->kind == PW_SIM_CLOSE;
        if (fault->kind == PW_SIM_STALL) {
            faults->stall_ms = fault->ms;
        }
    }
    return bits;
}

const struct pw_sim_fault *pw_sim_faults_request(struct pw_sim_faults *faults, const char *path,
                                                 uint32_t *delay_ms)
{
    const struct pw_sim_fault *error = NULL;

    *delay_ms = 0;
    for (uint32_t i = 0; i < faults->fault_cnt; i++) {
        struct pw_sim_fault *fault = &faults->faults[i];
        if ((fault->kind != PW_SIM_REST_DELAY && fault->kind != PW_SIM_REST_ERROR) ||
            !fault_hits(faults, fault, path)) {
            continue;
        }
        if (fault->kind == PW_SIM_REST_DELAY) {
            *delay_ms = fault->ms;
        } else {
            error = fault;
        }
    }
    return error;
}

const struct pw_sim_fault *pw_sim_faults_hit(struct pw_sim_faults *faults, enum pw_sim_fault_kind kind,
                                             const char *subject)
{
    const struct pw_sim_fault *hit = NULL;

    for (uint32_t i = 0; i < faults->fault_cnt; i++) {
        struct pw_sim_fault *fault = &faults->faults[i];
        if (fault->kind == kind && fault_hits(faults, fault, subject) && !hit) {
            hit = fault;
        }
    }
    return hit;
}
