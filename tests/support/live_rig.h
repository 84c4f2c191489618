/* SPDX-License-Identifier: MIT
 *
 * What the tests of live trading share: a simulator with accounts, an engine that trades there, and the
 * venue's own ledger, asked for by a client that has nothing of the engine's code (sim_api.h), to hold
 * against the engine's journal.
 */
#ifndef PW_TEST_LIVE_RIG_H
#define PW_TEST_LIVE_RIG_H

#include "sim_api.h"
#include "harness.h"

#define LIVE_SECONDS 300 /* that a condition may take; far beyond what any takes */

/* The two accounts, with names and secrets that stand nowhere else. */
extern const struct api_key live_ed25519, live_hmac;

struct live_rig {
    struct harness h;
    const struct api_key *key;
    bool cash_only; /* the accounts have no base assets: nothing can be sold that was not bought */
    int busy;       /* so many times the market's usual trades and quotes; 0: 1 */
    char config[2 * HARNESS_PATH_BYTES];
};

/* Strategies whose orders take, and whose orders rest far from the price and move with it. */
extern const char live_ma[], live_quoter[];

/* What is not the same in all tests. */
struct live_setup {
    enum placement placement;
    const char *strategies; /* lines of that list; NULL: a quoter and crossing averages */
    const char *live;       /* more keys of `live`: "ack_timeout_ms: 300, " */
    const char *extra;      /* more top-level YAML */
    bool paper;             /* the paper gateway instead */
};

/* A folder with the account's keys. */
void live_begin(struct live_rig *rig, const char *name, const struct api_key *key);
void live_end(struct live_rig *rig);

/* A market of two instruments and both accounts; `more`: limits, faults. `port` 0: any. */
void live_venue(struct live_rig *rig, const char *more, int port);
/* An engine that trades there. Without await it may not be running yet. */
void live_launch(struct live_rig *rig, const struct live_setup *setup);
void live_engine(struct live_rig *rig, const struct live_setup *setup);

/* Waits until a metric ("group.name") or a number of the monitor's view ("account/fill_cnt") is at least
 * that; live_wait_for_one: exactly that. */
long long live_view(struct live_rig *rig, const char *what);
void live_wait(struct live_rig *rig, const char *what, long long value);
void live_wait_exactly(struct live_rig *rig, const char *what, long long value);

/* SIGTERM; it must end with 0 and leave a journal that is whole. */
void live_stop(struct live_rig *rig);

/* The venue's own client, on a connection of its own. */
void live_api_open(struct live_rig *rig, struct api *api);
/* Open orders of the account there. */
size_t live_open_at_venue(struct live_rig *rig);

/* Lines of `pinwheel journal ... query --kind kinds --json` of all runs, or of the last one, as an array. */
json_t *live_journal(struct live_rig *rig, const char *kinds, bool all_runs);

/* The journal of all runs tells the very fills that the venue's ledger has: each trade id once, with its
 * price, quantity, side, fee and the fee's asset; no order at the venue has an id that the journal has not,
 * or has it twice. Returns the number of fills. */
size_t live_expect_ledger(struct live_rig *rig);

/* Positions and cash of the engine that has just stopped are the sums of its run's fills, less fees. */
void live_expect_account(struct live_rig *rig, const char *cash);
/* Its BTC and what has become of its cash are what the venue says of the account, which had only cash. */
void live_expect_balances(struct live_rig *rig, const char *cash);

/* All of that, of an engine that has just stopped: no order is open or in doubt, no report was refused, both
 * ledgers are equal, and the venue's has fill_cnt_min fills or more. */
void live_expect_whole(struct live_rig *rig, size_t fill_cnt_min);

#endif
