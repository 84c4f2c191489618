/* SPDX-License-Identifier: MIT
 *
 * Counting faults: see faults.h.
 */
#include "faults.h"

#include "host.h"

#include <fnmatch.h>
#include <stddef.h>

static bool fault_hits(struct pw_sim_faults *faults, struct pw_sim_fault *fault, const char *subject)
{
    uint64_t n;

    if (fault->match[0] && fnmatch(fault->match, subject, 0) != 0) {
        return false;
    }
    n = fault->seen_cnt++;
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
