/* SPDX-License-Identifier: MIT
 *
 * The accounts' gateways, and what each is made with. What sets one apart from another its traits say.
 */
#include "gateways.h"
#include "decimal.h"
#include "execution_state.h"
#include "feeds.h"
#include "instance.h"
#include "pw_assert.h"
#include "sign.h"
#include "strategies_config.h"
#include <errno.h>
#include <string.h>

/* With a connection, at least: for what messages may report beside the stream (flow.h), and for the journal.
 */
#define REPORT_SLOTS  512u
#define JOURNAL_SLOTS 1024u

void pw_execution_find_accounts(const struct pw_stage_env *env, uint8_t account_of[PW_INSTRUMENTS_MAX])
{
    for (uint32_t i = 0; i < env->instrument_cnt && i < PW_INSTRUMENTS_MAX; i++) {
        const struct pw_instrument *instrument = &env->instruments[i];
        account_of[i] = pw_money_accounts_for(instrument)
                            ? (uint8_t)pw_config_account_of_feed(env->config, instrument->feed_idx)
                            : PW_NO_ACCOUNT;
    }
}

/* Strategies may look at all instruments, but name none to trade whose money would be counted wrongly. */
int pw_execution_check_kinds(const struct pw_stage_env *env)
{
    static const char *const kinds[] = {[PW_SPOT] = "spot", [PW_LINEAR] = "linear", [PW_INVERSE] = "inverse"};
    for (uint32_t i = 0; i < PW_CONFIG(env->config, strategies)->strategy_cnt; i++) {
        const struct pw_config_strategy *strategy = &PW_CONFIG(env->config, strategies)->strategies[i];
        for (uint32_t k = 0; k < strategy->instrument_cnt; k++) {
            uint32_t idx = strategy->instruments[k];
            if (idx < env->instrument_cnt && !pw_money_accounts_for(&env->instruments[idx])) {
                const struct pw_instrument *instrument = &env->instruments[idx];
                char multiplier[PW_DECIMAL_TEXT_BYTES];
                pw_decimal_print_e8(instrument->multiplier_e8, multiplier);
                pw_log(PW_LOG_ERROR,
                       "%s: strategy %s: cannot trade %s:%s (instrument_kind): it is %s with multiplier %s; "
                       "only spot with multiplier 1 can be traded",
                       env->config->path, strategy->name, instrument->feed, instrument->symbol,
                       instrument->kind <= PW_INVERSE ? kinds[instrument->kind] : "of no known kind",
                       multiplier);
                return -EINVAL;
            }
        }
    }
    return 0;
}

/* What strategies may order of what is the account's. */
static void find_traded(const struct pw_stage_env *env, uint32_t account_idx, bool trades[PW_INSTRUMENTS_MAX])
{
    uint8_t account_of[PW_INSTRUMENTS_MAX];
    pw_execution_find_accounts(env, account_of);
    memset(trades, 0, PW_INSTRUMENTS_MAX * sizeof *trades);
    for (uint32_t i = 0; i < PW_CONFIG(env->config, strategies)->strategy_cnt; i++) {
        const struct pw_config_strategy *strategy = &PW_CONFIG(env->config, strategies)->strategies[i];
        for (uint32_t k = 0; k < strategy->instrument_cnt; k++) {
            uint32_t idx = strategy->instruments[k];
            if (idx < env->instrument_cnt && account_of[idx] == account_idx) {
                trades[idx] = true;
            }
        }
    }
}

static size_t sign(void *state, const char *payload, size_t bytes, char *signature)
{
    return pw_signer_sign(state, payload, bytes, signature);
}

/* One account, one currency: that of what it trades, which must be all the same, and the one that the config
 * says, if it does. */
static int find_currency(struct execution_account *account, const struct pw_stage_env *env)
{
    struct pw_account_setup setup = pw_config_account(env->config, account->idx);
    const struct pw_instrument *first = NULL;
    pw_assert(env->instrument_cnt > 0);
    for (uint32_t i = 0; i < env->instrument_cnt; i++) {
        const struct pw_instrument *instrument = &env->instruments[i];
        if (!account->trades[i]) {
            continue;
        }
        first = first ? first : instrument;
        if (strncmp(first->quote, instrument->quote, sizeof first->quote) != 0) {
            pw_log(PW_LOG_ERROR,
                   "%s: account %s: %s is quoted in %s, %s in %s: one account trades in one currency",
                   env->config->path, setup.name, instrument->symbol, instrument->quote, first->symbol,
                   first->quote);
            return -EINVAL;
        }
    }
    first = first ? first : &env->instruments[0];
    if (setup.currency[0] && strncmp(first->quote, setup.currency, sizeof first->quote) != 0) {
        pw_log(PW_LOG_ERROR, "%s: account %s: its currency is %s, but %s is quoted in %s", env->config->path,
               setup.name, setup.currency, first->symbol, first->quote);
        return -EINVAL;
    }
    memcpy(account->quote_asset, first->quote, sizeof account->quote_asset);
    return 0;
}

/* The venue of an account is that of its first feed. */
static const struct pw_venue_entry *entry_of(const struct pw_stage_env *env, uint32_t account_idx)
{
    uint32_t mask = pw_config_account(env->config, account_idx).feed_mask;
    uint32_t feed_idx = mask ? (uint32_t)__builtin_ctz(mask) : 0;
    const struct pw_venue *venue = pw_venue_find(PW_CONFIG(env->config, feeds)->feeds[feed_idx].venue);
    return venue ? venue->entry : NULL;
}

static const struct pw_keys *keys_of(const struct pw_stage_env *env, uint32_t account_idx)
{
    const struct pw_keys *keys = PW_ATTACHED(env, execution)->keys;
    return keys && keys[account_idx].signer ? &keys[account_idx] : NULL;
}

/* The engine has refused all of this already, with more words. */
static int check_needs(const struct execution *x, const struct execution_account *account,
                       const struct pw_stage_env *env)
{
    const struct pw_gateway_traits *traits = &account->gateway->traits;
    const char *lacks =
        traits->needs_keys && !keys_of(env, account->idx)              ? "keys"
        : traits->connects && !entry_of(env, account->idx)             ? "a venue that has order entry"
        : traits->connects && account->line_idx >= x->line_cnt         ? "the rings of order entry"
        : traits->needs_journal && !x->has_journal                     ? "a journal"
        : traits->connects && x->reports_out.mask + 1 < REPORT_SLOTS   ? "512 rings.orders_slots"
        : traits->needs_journal && x->journal.mask + 1 < JOURNAL_SLOTS ? "1024 rings.orders_journal_slots"
                                                                       : NULL;
    if (lacks) {
        pw_log(PW_LOG_ERROR, "%s: gateway: %s needs %s", env->config->path, account->gateway->name, lacks);
    }
    return lacks ? -EINVAL : 0;
}

static struct pw_signing signing_of(const struct pw_keys *keys)
{
    if (!keys) {
        return (struct pw_signing){.sign = NULL};
    }
    uint32_t bytes = (uint32_t)pw_signer_signature_bytes(keys->signer);
    pw_assert(bytes > 0 && bytes <= PW_SIGNATURE_BYTES_MAX);
    return (struct pw_signing){.sign = sign,
                               .state = keys->signer,
                               .signature_bytes = bytes,
                               .is_ed25519 = bytes == PW_SIGNATURE_BYTES_MAX};
}

size_t pw_execution_gateway_bytes(const struct pw_stage_env *env, uint32_t account_idx)
{
    const struct pw_gateway_ops *ops = pw_gateway_find(pw_config_account(env->config, account_idx).kind);
    bool trades[PW_INSTRUMENTS_MAX];
    find_traded(env, account_idx, trades);
    /* What is wrong, init tells. */
    return ops ? ops->bytes(&(struct pw_gateway_config){.instrument_cnt = env->instrument_cnt,
                                                        .trades = trades,
                                                        .entry = entry_of(env, account_idx)})
               : 0;
}

/* That of its host. */
static int64_t ban_of(const struct pw_stage_env *env, const struct execution_account *account)
{
    const int64_t *banned_until_ns = PW_ATTACHED(env, execution)->banned_until_ns;
    return banned_until_ns ? banned_until_ns[account->host_idx] : 0;
}

int pw_execution_gateway_init(struct execution *x, const struct pw_stage_env *env,
                              struct execution_account *account, void *memory)
{
    struct pw_account_setup setup = pw_config_account(env->config, account->idx);
    const struct pw_keys *keys = keys_of(env, account->idx);
    pw_assert(account == &x->accounts[account->idx] && x->orders);
    account->gateway = pw_gateway_find(setup.kind);
    account->gateway_state = memory;
    struct pw_venue_errors *venue_errors = PW_ATTACHED(env, execution)->venue_errors;
    account->venue_errors = venue_errors ? &venue_errors[account->idx] : NULL;
    if (!account->gateway) {
        pw_log(PW_LOG_ERROR, "%s: unknown gateway '%s'", env->config->path, setup.kind);
        return -EINVAL;
    }
    find_traded(env, account->idx, account->trades);
    int error = find_currency(account, env);
    error = error ? error : check_needs(x, account, env);
    if (error) {
        return error;
    }
    account->signing = signing_of(keys);
    error = account->gateway->init(
        memory, &(struct pw_gateway_config){
                    .instruments = x->instruments,
                    .instrument_cnt = env->instrument_cnt,
                    .latency_ns = setup.paper->latency_ns,
                    .fee_rate_e8 = setup.paper->fee_rate_e8,
                    .trades = account->trades,
                    .orders = x->orders,
                    .entry = entry_of(env, account->idx),
                    .instance_hash = pw_entry_instance_hash(PW_CONFIG(env->config, instance)->name),
                    .api_key = keys ? keys->api_key : NULL,
                    .signing = &account->signing,
                    .recv_window_ms = setup.live->recv_window_ms,
                    .ack_timeout_ns = setup.live->ack_timeout_ms * INT64_C(1000000),
                    .cash_e8 = setup.live->cash_e8,
                    .quote_asset = account->quote_asset,
                    .paused_until_ns = ban_of(env, account),
                    .wire = &x->lines[account->line_idx].wire,
                    .journal = x->has_frames_copy ? &x->frames_copy : NULL,
                    .conn_idx = account->conn_idx,
                    .venue_errors = account->venue_errors,
                });
    if (error) {
        pw_log(PW_LOG_ERROR, "%s: gateway: %s rejects these instruments, this key, these times or rates",
               env->config->path, account->gateway->name);
    }
    return error;
}
