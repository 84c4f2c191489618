/* SPDX-License-Identifier: MIT
 *
 * Stamps in the execution stage: what is known of an order's way from the socket to the socket is put
 * together here, told once (a STAMPS event), and counted hop by hop. Nothing is ever decided by it.
 *
 * Market rows are looked up at once, those of the send when the first answer has come: by then net_tx has
 * written them. Where there is no wire (paper) the way ends with risk's verdict, and is told at once.
 */
#include "execution_state.h"
#include <errno.h>
#include <string.h>

/* Histograms in the order of the way: from one hop to another. */
static const struct {
    const char *name;
    uint8_t from, to;
} way_table[WAYS] = {
    {"way.kernel_to_recv", HOP_KERNEL, HOP_RECV},
    {"way.recv_to_decrypted", HOP_RECV, HOP_DECRYPTED},
    {"way.decrypted_to_decoded", HOP_DECRYPTED, HOP_DECODED},
    {"way.decoded_to_decided", HOP_DECODED, HOP_DECIDED},
    {"way.decided_to_checked", HOP_DECIDED, HOP_CHECKED},
    {"way.checked_to_encoded", HOP_CHECKED, HOP_ENCODED},
    {"way.encoded_to_sealed", HOP_ENCODED, HOP_SEALED},
    {"way.sealed_to_submitted", HOP_SEALED, HOP_SUBMITTED},
    {"way.recv_to_submitted", HOP_RECV, HOP_SUBMITTED},
    {"way.submitted_to_returned", HOP_SUBMITTED, HOP_RETURNED},
    {"way.submitted_to_acked", HOP_SUBMITTED, HOP_ACKED},
};

static const struct pw_stamp_row *find_table(const struct pw_stage_env *env, const char *name)
{
    const struct pw_region *region = pw_workspace_find(env->ws, name, PW_REGION_STAMPS);
    return region ? pw_region_at(env->ws, region, 0) : NULL;
}

int pw_execution_find_stamps(struct execution *x, const struct pw_stage_env *env)
{
    x->market_stamps = find_table(env, "stamps.market");
    x->order_stamps = find_table(env, "stamps.orders");
    bool found = x->market_stamps && x->order_stamps;
    for (int i = 0; i < WAYS; i++) {
        x->way[i] = pw_env_histogram(env, way_table[i].name);
        found = found && x->way[i];
    }
    if (!found) {
        pw_log(PW_LOG_ERROR, "execution: the workspace lacks stamps or a histogram of the way");
        return -ENOENT;
    }
    return 0;
}

void pw_execution_note_market(const struct execution *x, uint64_t market_seq, struct order_way *way)
{
    struct pw_stamp stamp;
    if (pw_stamp_get(x->market_stamps, market_seq, &stamp)) {
        way->at_ns[HOP_KERNEL] = stamp.ns[PW_STAMP_KERNEL];
        way->at_ns[HOP_DECRYPTED] = stamp.ns[PW_STAMP_DECRYPTED];
        way->at_ns[HOP_DECODED] = stamp.ns[PW_STAMP_DECODED];
    }
}

static uint32_t span(int64_t from_ns, int64_t to_ns)
{
    bool known = from_ns && to_ns >= from_ns && (uint64_t)to_ns - (uint64_t)from_ns < PW_STAMP_NONE;
    return known ? (uint32_t)((uint64_t)to_ns - (uint64_t)from_ns) : PW_STAMP_NONE;
}

void pw_execution_tell_way(struct execution *x, const struct order_way *way)
{
    const int64_t *at_ns = way->at_ns;
    int64_t recv_ns = at_ns[HOP_RECV];
    pw_execution_journal(
        x, &(struct pw_event){.seq = x->seq++,
                              .kind = PW_EVENT_STAMPS,
                              .instrument_idx = way->instrument_idx,
                              .recv_ns = recv_ns,
                              .body.stamps = {.client_order_id = way->client_order_id,
                                              .kernel_ago_ns = span(at_ns[HOP_KERNEL], recv_ns),
                                              .decrypted_ns = span(recv_ns, at_ns[HOP_DECRYPTED]),
                                              .decoded_ns = span(recv_ns, at_ns[HOP_DECODED]),
                                              .decided_ns = span(recv_ns, at_ns[HOP_DECIDED]),
                                              .checked_ns = span(recv_ns, at_ns[HOP_CHECKED]),
                                              .encoded_ns = span(recv_ns, at_ns[HOP_ENCODED]),
                                              .sealed_ns = span(recv_ns, at_ns[HOP_SEALED]),
                                              .submitted_ns = span(recv_ns, at_ns[HOP_SUBMITTED])}});
    for (int i = 0; i < WAYS; i++) {
        uint32_t ns = span(at_ns[way_table[i].from], at_ns[way_table[i].to]);
        if (ns != PW_STAMP_NONE) {
            pw_histogram_add(x->way[i], ns);
        }
    }
}

void pw_execution_keep_way(struct execution *x, const struct order_way *way)
{
    if (x->way_cnt < PW_OPEN_ORDERS_MAX) { /* always: none but an open order is unanswered */
        x->ways[x->way_cnt++] = *way;
    }
}

void pw_execution_answered(struct execution *x, uint64_t client_order_id, int64_t acked_ns)
{
    for (uint32_t i = 0; i < x->way_cnt; i++) {
        struct order_way *way = &x->ways[i];
        if (way->client_order_id != client_order_id) {
            continue;
        }
        struct pw_stamp stamp;
        if (pw_stamp_get(x->order_stamps, client_order_id, &stamp)) {
            way->at_ns[HOP_SEALED] = stamp.ns[PW_STAMP_SEALED];
            way->at_ns[HOP_SUBMITTED] = stamp.ns[PW_STAMP_SUBMITTED];
            way->at_ns[HOP_RETURNED] = stamp.ns[PW_STAMP_RETURNED];
        }
        way->at_ns[HOP_ACKED] = acked_ns;
        pw_execution_tell_way(x, way);
        *way = x->ways[--x->way_cnt];
        return;
    }
}
