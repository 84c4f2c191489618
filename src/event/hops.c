/* SPDX-License-Identifier: MIT
 *
 * The hops of an order: their names, and where a STAMPS event has them.
 */
#include "pw_assert.h"
#include <pinwheel/hops.h>

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define INFO(NAME, token_, name_, label_, help_)                                                             \
    [PW_HOP_##NAME] = {.token = #token_, .name = name_, .label = label_, .help = help_},
const struct pw_hop_info pw_hops[PW_HOP_CNT] = {PW_HOPS(INFO, INFO, INFO, INFO)};

int64_t pw_hop_at_ns(const struct pw_stamps *stamps, enum pw_hop hop)
{
    switch (hop) {
#define BEFORE_NS(NAME, token, name, label, help)                                                            \
    case PW_HOP_##NAME:                                                                                      \
        return stamps->token##_ago_ns != PW_STAMP_NONE ? -(int64_t)stamps->token##_ago_ns : INT64_MIN;
#define ORIGIN_NS(NAME, token, name, label, help)                                                            \
    case PW_HOP_##NAME:                                                                                      \
        return 0;
#define HOP_NS(NAME, token, name, label, help)                                                               \
    case PW_HOP_##NAME:                                                                                      \
        return stamps->token##_ns != PW_STAMP_NONE ? (int64_t)stamps->token##_ns : INT64_MIN;
#define LATER_NS(NAME, token, name, label, help)
        PW_HOPS(BEFORE_NS, ORIGIN_NS, HOP_NS, LATER_NS)
    default:
        return INT64_MIN;
    }
}

void pw_hop_span_name(uint32_t span_idx, char name[PW_HOP_NAME_BYTES])
{
    pw_assert(span_idx < PW_HOP_SPANS);
    struct pw_hop_span span = pw_hop_span(span_idx);
    snprintf(name, PW_HOP_NAME_BYTES, "path.%s_to_%s", pw_hops[span.from].token, pw_hops[span.to].token);
}
