/* SPDX-License-Identifier: MIT
 *
 * The gateway that a config names, and what it is made with. What sets one apart from another its traits say.
 */
#include "gateways.h"
#include "execution_state.h"
#include "feeds.h"
#include "gateway_config.h"
#include "instance.h"
#include "sign.h"
#include "strategies_config.h"
#include <errno.h>
#include <string.h>

/* With a connection, at least: for what messages may report beside the stream (flow.h), and for the journal.
 */
#define REPORT_SLOTS  512u
#define JOURNAL_SLOTS 1024u

/* What strategies may order. */
static void find_traded(const struct pw_stage_env *env, bool trades[PW_INSTRUMENTS_MAX])
{
    memset(trades, 0, PW_INSTRUMENTS_MAX * sizeof *trades);
    for (uint32_t i = 0; i < PW_CONFIG(env->config, strategies)->strategy_cnt; i++) {
        const struct pw_config_strategy *strategy = &PW_CONFIG(env->config, strategies)->strategies[i];
        for (uint32_t k = 0; k < strategy->instrument_cnt; k++) {
            if (strategy->instruments[k] < env->instrument_cnt) {
                trades[strategy->instruments[k]] = true;
            }
        }
    }
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
/* Orders go to the venue of the first feed. */
static const struct pw_venue_entry *entry_of(const struct pw_stage_env *env)
{
    const struct pw_venue *venue = pw_venue_find(PW_CONFIG(env->config, feeds)->feeds[0].venue);
    return venue ? venue->entry : NULL;
}

static int check_needs(const struct execution *x, const struct pw_stage_env *env)
{
    const struct pw_gateway_traits *traits = &x->gateway->traits;
    const char *lacks =
        traits->needs_keys && !env->keys                               ? "keys"
        : traits->connects && !entry_of(env)                           ? "a venue that has order entry"
        : traits->connects && !x->has_wire                             ? "the rings of order entry"
        : traits->needs_journal && !x->has_journal                     ? "a journal"
        : traits->connects && x->reports_out.mask + 1 < REPORT_SLOTS   ? "512 rings.orders_slots"
        : traits->needs_journal && x->journal.mask + 1 < JOURNAL_SLOTS ? "1024 rings.orders_journal_slots"
                                                                       : NULL;
    if (lacks) {
        pw_log(PW_LOG_ERROR, "%s: gateway: %s needs %s", env->config->path, x->gateway->name, lacks);
    }
    return lacks ? -EINVAL : 0;
}

static struct pw_signing signing_of(const struct pw_stage_env *env)
{
    if (!env->keys) {
        return (struct pw_signing){.sign = NULL};
    }
    uint32_t bytes = (uint32_t)pw_signer_signature_bytes(env->keys->signer);
    return (struct pw_signing){.sign = sign,
                               .state = env->keys->signer,
                               .signature_bytes = bytes,
                               .is_ed25519 = bytes == PW_SIGNATURE_BYTES_MAX};
}

size_t pw_execution_gateway_bytes(const struct pw_stage_env *env)
{
    const struct pw_gateway_ops *ops = pw_gateway_find(PW_CONFIG(env->config, gateway)->kind);
    bool trades[PW_INSTRUMENTS_MAX];
    find_traded(env, trades);
    /* What is wrong, init tells. */
    return ops ? ops->bytes(&(struct pw_gateway_config){
                     .instrument_cnt = env->instrument_cnt, .trades = trades, .entry = entry_of(env)})
               : 0;
}

int pw_execution_gateway_init(struct execution *x, const struct pw_stage_env *env, void *memory)
{
    const struct pw_config_live *live = PW_CONFIG(env->config, live);
    const struct pw_config_paper *paper = PW_CONFIG(env->config, paper);
    x->gateway = pw_gateway_find(PW_CONFIG(env->config, gateway)->kind);
    x->gateway_state = memory;
    if (!x->gateway) {
        pw_log(PW_LOG_ERROR, "%s: gateway: there is no '%s'", env->config->path,
               PW_CONFIG(env->config, gateway)->kind);
        return -EINVAL;
    }
    int error = check_needs(x, env);
    if (error) {
        return error;
    }
    find_traded(env, x->trades);
    name_quote_asset(x, env);
    x->signing = signing_of(env);
    error = x->gateway->init(
        memory, &(struct pw_gateway_config){
                    .instruments = env->instruments,
                    .instrument_cnt = env->instrument_cnt,
                    .latency_ns = paper->latency_ns,
                    .fee_rate_e8 = paper->fee_rate_e8,
                    .trades = x->trades,
                    .orders = x->orders,
                    .entry = entry_of(env),
                    .instance_hash = pw_entry_instance_hash(PW_CONFIG(env->config, instance)->name),
                    .api_key = env->keys ? env->keys->api_key : NULL,
                    .signing = &x->signing,
                    .recv_window_ms = live->recv_window_ms,
                    .ack_timeout_ns = live->ack_timeout_ms * INT64_C(1000000),
                    .cash_e8 = live->cash_e8,
                    .quote_asset = x->quote_asset,
                    .paused_until_ns = env->banned_until_ns,
                    .wire = &x->wire,
                    .journal = x->has_frames_copy ? &x->frames_copy : NULL,
                    .conn_idx = PW_CONFIG(env->config, feeds)->feed_cnt,
                });
    if (error) {
        pw_log(PW_LOG_ERROR, "%s: gateway: %s refuses these instruments, this key, these times or rates",
               env->config->path, x->gateway->name);
    }
    return error;
}
