/* SPDX-License-Identifier: MIT
 *
 * The gateways that a config may name, and how each gets what it needs. Execution itself knows them by their
 * ops alone.
 */
#include "binance_orders.h"
#include "execution_state.h"
#include "feeds.h"
#include "gateway_config.h"
#include "instance.h"
#include "paper.h"
#include "sign.h"
#include "strategies_config.h"
#include <errno.h>
#include <string.h>

#define LIVE_REPORT_SLOTS  512u /* at least, for what messages may report beside the stream: flow.h */
#define LIVE_JOURNAL_SLOTS 1024u

struct gateway_kind {
    const struct pw_gateway_ops *ops;
    size_t (*bytes)(const struct pw_stage_env *env);
    int (*init)(struct execution *x, const struct pw_stage_env *env, void *memory);
};

/* ---- paper ---- */

static size_t paper_bytes(const struct pw_stage_env *env)
{
    return pw_paper_bytes(env->instrument_cnt);
}

static int paper_init(struct execution *x, const struct pw_stage_env *env, void *memory)
{
    (void)x;
    const struct pw_config *config = env->config;
    const struct pw_config_paper *paper = PW_CONFIG(config, paper);
    int error = pw_paper_init(memory, &(struct pw_paper_config){.latency_ns = paper->latency_ns,
                                                                .fee_rate_e8 = paper->fee_rate_e8,
                                                                .instruments = env->instruments,
                                                                .instrument_cnt = env->instrument_cnt});
    if (error) {
        pw_log(PW_LOG_ERROR, "%s: paper: latency and fee rate must be from 0, the rate at most 1",
               config->path);
    }
    return error;
}

/* ---- live ---- */

/* What strategies may order; their number. */
static uint32_t find_traded(const struct pw_stage_env *env, bool trades[PW_INSTRUMENTS_MAX])
{
    uint32_t cnt = 0;
    memset(trades, 0, PW_INSTRUMENTS_MAX * sizeof *trades);
    for (uint32_t i = 0; i < PW_CONFIG(env->config, strategies)->strategy_cnt; i++) {
        const struct pw_config_strategy *strategy = &PW_CONFIG(env->config, strategies)->strategies[i];
        for (uint32_t k = 0; k < strategy->instrument_cnt; k++) {
            if (strategy->instruments[k] < env->instrument_cnt) {
                cnt += !trades[strategy->instruments[k]];
                trades[strategy->instruments[k]] = true;
            }
        }
    }
    return cnt;
}

static size_t live_bytes(const struct pw_stage_env *env)
{
    bool trades[PW_INSTRUMENTS_MAX];
    return pw_live_bytes(env->instrument_cnt, find_traded(env, trades));
}

static size_t sign(void *state, const char *payload, size_t bytes, char *signature)
{
    return pw_signer_sign(state, payload, bytes, signature);
}

/* The account's currency: that of what is traded (they are all the same). */
static void name_quote_asset(struct execution *x, const struct pw_stage_env *env)
{
    uint32_t idx = 0;
    while (idx + 1 < env->instrument_cnt && !x->trades[idx]) {
        idx++;
    }
    memcpy(x->quote_asset, env->instruments[x->trades[idx] ? idx : 0].quote, sizeof x->quote_asset - 1);
}

/* The engine has refused all of this already, with more words. */
static int check_live(const struct execution *x, const struct pw_stage_env *env)
{
    const char *lacks = !env->keys                                    ? "keys"
                        : !x->has_wire                                ? "the rings of order entry"
                        : !x->has_journal                             ? "a journal"
                        : x->reports_out.mask + 1 < LIVE_REPORT_SLOTS ? "512 rings.orders_slots"
                        : x->journal.mask + 1 < LIVE_JOURNAL_SLOTS    ? "1024 rings.orders_journal_slots"
                                                                      : NULL;
    if (lacks) {
        pw_log(PW_LOG_ERROR, "%s: gateway: live wants %s", env->config->path, lacks);
    }
    return lacks ? -EINVAL : 0;
}

static int live_init(struct execution *x, const struct pw_stage_env *env, void *memory)
{
    const struct pw_config_live *live = PW_CONFIG(env->config, live);
    int error = check_live(x, env);
    if (error) {
        return error;
    }
    find_traded(env, x->trades);
    name_quote_asset(x, env);
    uint32_t signature_bytes = (uint32_t)pw_signer_signature_bytes(env->keys->signer);
    error = pw_live_init(
        memory, &(struct pw_live_config){
                    .instruments = env->instruments,
                    .instrument_cnt = env->instrument_cnt,
                    .trades = x->trades,
                    .orders = x->orders,
                    .instance_hash = pw_binance_instance_hash(PW_CONFIG(env->config, instance)->name),
                    .api_key = env->keys->api_key,
                    .signing = {.sign = sign,
                                .state = env->keys->signer,
                                .signature_bytes = signature_bytes,
                                .is_ed25519 = signature_bytes == PW_SIGNATURE_BYTES_MAX},
                    .recv_window_ms = live->recv_window_ms,
                    .answer_timeout_ns = live->ack_timeout_ms * INT64_C(1000000),
                    .cash_e8 = live->cash_e8,
                    .quote_asset = x->quote_asset,
                    .paused_until_ns = env->banned_until_ns,
                    .wire = &x->wire,
                    .journal = x->has_frames_copy ? &x->frames_copy : NULL,
                    .conn_idx = PW_CONFIG(env->config, feeds)->feed_cnt,
                });
    if (error) {
        pw_log(PW_LOG_ERROR, "%s: live: the gateway refuses these instruments, this key or these times",
               env->config->path);
    }
    return error;
}

/* ---- the table ---- */

static const struct gateway_kind kinds[] = {
    {&pw_paper_gateway, paper_bytes, paper_init},
    {&pw_live_gateway, live_bytes, live_init},
};

static const struct gateway_kind *find_kind(const struct pw_stage_env *env)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(PW_CONFIG(env->config, gateway)->kind, kinds[i].ops->name) == 0) {
            return &kinds[i];
        }
    }
    return NULL;
}

size_t pw_execution_gateway_bytes(const struct pw_stage_env *env)
{
    const struct gateway_kind *kind = find_kind(env);
    return kind ? kind->bytes(env) : 0; /* what is wrong, init tells */
}

int pw_execution_gateway_init(struct execution *x, const struct pw_stage_env *env, void *memory)
{
    const struct gateway_kind *kind = find_kind(env);
    if (!kind) {
        pw_log(PW_LOG_ERROR, "%s: gateway: there is no '%s'", env->config->path,
               PW_CONFIG(env->config, gateway)->kind);
        return -EINVAL;
    }
    x->gateway = kind->ops;
    x->gateway_state = memory;
    return kind->init(x, env, memory);
}
