/* SPDX-License-Identifier: MIT
 *
 * Stamps in the execution stage: what is known of an order's way from the socket to the socket is put
 * together here, told once (a STAMPS event), and counted hop by hop. Nothing is ever decided by it.
 *
 * Market rows are looked up at once, those of the send when the first answer has come: by then net_tx has
 * written them. Where there is no wire (paper) the way ends with risk's verdict, and is told at once.
 */
#include "execution_state.h"
#include "pw_assert.h"
#include <errno.h>
#include <string.h>

int pw_execution_find_stamps(struct execution *x, const struct pw_stage_env *env)
{
    x->market_stamps = pw_workspace_rows(env->ws, "stamps.market", PW_REGION_STAMPS);
    x->order_stamps = pw_workspace_rows(env->ws, "stamps.orders", PW_REGION_STAMPS);
    bool found = x->market_stamps && x->order_stamps;
    for (uint32_t i = 0; i < PW_HOP_SPANS; i++) {
        char name[PW_HOP_NAME_BYTES];
        pw_hop_span_name(i, name);
        x->path[i] = pw_env_histogram(env, name);
        found = found && x->path[i];
    }
    if (!found) {
        pw_log(PW_LOG_ERROR, "execution: the workspace lacks stamps or a histogram of the path");
        return -ENOENT;
    }
    return 0;
}

void pw_execution_note_market(const struct execution *x, uint64_t market_seq, struct order_path *path)
{
    struct pw_stamp stamp;
    if (pw_stamp_get(x->market_stamps, market_seq, &stamp)) {
        path->at_ns[PW_HOP_KERNEL] = stamp.ns[PW_STAMP_KERNEL];
        path->at_ns[PW_HOP_DECRYPTED] = stamp.ns[PW_STAMP_DECRYPTED];
        path->at_ns[PW_HOP_DECODED] = stamp.ns[PW_STAMP_DECODED];
    }
}

static uint32_t span(int64_t from_ns, int64_t to_ns)
{
    bool known = from_ns && to_ns >= from_ns && (uint64_t)to_ns - (uint64_t)from_ns < PW_STAMP_NONE;
    return known ? (uint32_t)((uint64_t)to_ns - (uint64_t)from_ns) : PW_STAMP_NONE;
}

#define SPAN_BEFORE(NAME, token, name, label, help) .token##_ago_ns = span(at_ns[PW_HOP_##NAME], recv_ns),
#define SPAN(NAME, token, name, label, help)        .token##_ns = span(recv_ns, at_ns[PW_HOP_##NAME]),
#define NO_SPAN(NAME, token, name, label, help)
void pw_execution_tell_path(struct execution *x, const struct order_path *path)
{
    const int64_t *at_ns = path->at_ns;
    pw_assert(path->client_order_id != 0);
    int64_t recv_ns = at_ns[PW_HOP_RECV];
    pw_execution_journal(x,
                         &(struct pw_event){.seq = x->seq++,
                                            .kind = PW_EVENT_STAMPS,
                                            .instrument_idx = path->instrument_idx,
                                            .recv_ns = recv_ns,
                                            .body.stamps = {.client_order_id = path->client_order_id,
                                                            PW_HOPS(SPAN_BEFORE, NO_SPAN, SPAN, NO_SPAN)}});
    for (uint32_t i = 0; i < PW_HOP_SPANS; i++) {
        uint32_t ns = span(at_ns[pw_hop_span(i).from], at_ns[pw_hop_span(i).to]);
        if (ns != PW_STAMP_NONE) {
            pw_histogram_add(x->path[i], ns);
        }
    }
}

void pw_execution_keep_path(struct execution *x, const struct order_path *path)
{
    pw_assert(x->path_cnt < PW_OPEN_ORDERS_MAX); /* none but an open order is unanswered */
    x->paths[x->path_cnt++] = *path;
}

void pw_execution_answered(struct execution *x, uint64_t client_order_id, int64_t acked_ns)
{
    for (uint32_t i = 0; i < x->path_cnt; i++) {
        struct order_path *path = &x->paths[i];
        if (path->client_order_id != client_order_id) {
            continue;
        }
        struct pw_stamp stamp;
        if (pw_stamp_get(x->order_stamps, client_order_id, &stamp)) {
            path->at_ns[PW_HOP_ENCRYPTED] = stamp.ns[PW_STAMP_ENCRYPTED];
            path->at_ns[PW_HOP_SUBMITTED] = stamp.ns[PW_STAMP_SUBMITTED];
            path->at_ns[PW_HOP_RETURNED] = stamp.ns[PW_STAMP_RETURNED];
        }
        path->at_ns[PW_HOP_ACKED] = acked_ns;
        pw_execution_tell_path(x, path);
        *path = x->paths[--x->path_cnt];
        return;
    }
}
