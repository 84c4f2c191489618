/* SPDX-License-Identifier: MIT
 *
 * Live trading against the simulator's WebSocket API over TLS: what the engine says that it did is what the
 * venue's ledger says; it stops without leaving an order behind.
 */
#include "live_rig.h"
#include <criterion/criterion.h>

/* Trades, stops, and compares. */
static void trade(const struct api_key *key, enum placement placement)
{
    struct live_rig rig;
    live_begin(&rig, "ledger", key);
    live_venue(&rig, "", 0);
    live_engine(&rig, &(struct live_setup){.placement = placement});
    live_wait(&rig, "gateway.ready", 1);
    live_wait(&rig, "positions/BTCUSDT/buy_cnt", 3);
    live_wait(&rig, "positions/ETHUSDT/buy_cnt", 1);
    live_wait(&rig, "positions/ETHUSDT/sell_cnt", 1);
    live_stop(&rig);
    cr_expect_eq(live_open_at_venue(&rig), 0, "orders were left behind");
    cr_expect_geq(live_expect_ledger(&rig), 5);
    live_expect_account(&rig, "50000");
    cr_expect_eq(live_view(&rig, "execution.reports_inconsistent"), 0);
    cr_expect_eq(live_view(&rig, "gateway.messages_invalid"), 0);
    cr_expect_eq(live_view(&rig, "gateway.orders_external"), 0);
    live_end(&rig);
}

Test(live_ledger, ed25519_session_fused)
{
    trade(&live_ed25519, TWO_CORES);
}

Test(live_ledger, ed25519_session_a_stage_a_thread)
{
    trade(&live_ed25519, ALL_APART);
}

Test(live_ledger, hmac_each_request_signed_fused)
{
    trade(&live_hmac, TWO_CORES);
}

Test(live_ledger, hmac_each_request_signed_a_stage_a_thread)
{
    trade(&live_hmac, ALL_APART);
}

/* The venue takes the fee of a purchase out of what was bought. */
Test(live_ledger, what_was_bought_is_sold_again_less_the_fee)
{
    struct live_rig rig;
    live_begin(&rig, "fee", &live_ed25519);
    rig.cash_only = true;
    live_venue(&rig, "", 0);
    live_engine(&rig,
                &(struct live_setup){
                    .placement = TWO_CORES,
                    .strategies = "  - {name: ma, kind: ma_cross, instruments: [BTCUSDT], params: {fast: "
                                  "5, slow: 20, quantity: \"0.01\"}}\n"});
    live_wait(&rig, "positions/BTCUSDT/buy_cnt", 3);
    live_wait(&rig, "positions/BTCUSDT/sell_cnt", 2);
    live_stop(&rig);
    cr_expect_geq(live_expect_ledger(&rig), 5);
    live_expect_account(&rig, "50000");
    live_expect_balances(&rig, "50000");
    live_end(&rig);
}
