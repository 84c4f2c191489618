/* SPDX-License-Identifier: MIT
 *
 * A venue that the live gateway cannot tell from the real one, in virtual time: it holds the true ledger,
 * loses, doubles, delays and refuses what it is asked to, and counts every order that is placed. Beside it
 * the engine's part that the gateway stands on: the order table, the rings, a position.
 */
#ifndef PW_TEST_LIVE_WORLD_H
#define PW_TEST_LIVE_WORLD_H

#include "binance_entry.h"
#include "metrics_table.h"
#include "orders.h"
#include "portfolio.h"
#include "session.h"
#include "venue_errors.h"
#include <jansson.h>

#define MS  INT64_C(1000000)
#define SEC INT64_C(1000000000)

#define RUN_ID 7u
/* Of the instance's name, as it stands in ids. */
#define WORLD_HASH      0x0badcafeu
#define WORLD_HASH_TEXT "0badcafe"
#define API_KEY         "canaryKEY0123456789canaryKEY0123456789"

enum { WORLD_ORDERS = 96, WORLD_TRADES = 512, WORLD_MAIL = 512, WORLD_TEXT = 4096, WORLD_REQUESTS = 256 };

enum order_state { ORDER_LIVE = 1, ORDER_FILLED, ORDER_CANCELED, ORDER_EXPIRED };

struct venue_order {
    char client_id[40];
    uint64_t id;
    enum order_state state;
    bool sell;
    int64_t price_e8, qty_e8, executed_e8;
    char type[24];
};

struct venue_trade {
    uint64_t order_id;
    int64_t price_e8, qty_e8, time_ns;
};

/* A text on its way, to the venue or to the engine. */
struct mail {
    int64_t at_ns;
    bool gone; /* the connection that it came by is no more */
    uint32_t bytes;
    char text[WORLD_TEXT];
};

/* How likely each fault is, of 1000. */
struct faults {
    uint32_t lose_request, lose_reply, unknown_done, unknown_not_done, busy;
    uint32_t lose_report, double_report, half_replace, end_stream, garbage, disconnect;
    int64_t delay_max_ns;
};

struct world {
    pw_i128 dust_e16; /* of fees: fills.h */
    uint64_t seed, random;
    int64_t now_ns;        /* the venue's clock; the truth */
    int64_t skew_ns;       /* ours is ahead by it */
    int64_t venue_skew_ns; /* the venue's stamps are ahead of the truth by it */
    struct faults faults;
    /* The engine. */
    struct pw_orders *orders;
    const struct pw_gateway_ops *ops; /* pw_live_gateway, pw_dry_gateway, or what stands around it */
    void *gateway;
    struct pw_gateway_config config;
    struct pw_signing signing;
    struct pw_producer wire_in;
    struct pw_consumer wire;
    struct pw_producer journal_in;
    struct pw_consumer journal;
    struct pw_reports out;
    struct pw_venue_errors errors; /* what the venue rejected, and what could not be read */
    int64_t bought_e8, sold_e8;
    uint64_t sign_cnt;
    bool sign_fails;
    struct pw_portfolio *portfolio; /* booked as execution does; begins with nothing */
    void *memory[5];
    /* The connection. */
    bool up;
    uint64_t epoch; /* its number */
    bool logged_on, subscribed;
    struct mail *requests, *mail;
    uint32_t request_cnt, mail_cnt;
    uint32_t sent_cnt; /* requests ever */
    /* The venue. */
    struct venue_order venue[WORLD_ORDERS];
    uint32_t venue_cnt;
    struct venue_trade trades[WORLD_TRADES];
    uint32_t trade_cnt;
    int64_t quote_free_e8;
    bool pays_bnb;                      /* fees in a third asset; else in what the trade brings in */
    uint8_t placed[256];                /* by the counter of this run's ids: how often it was asked for */
    uint32_t asked_cnt[PW_ENTRY_KINDS]; /* requests that came, by enum pw_entry_kind */
    char last_text[WORLD_TEXT];         /* of the last request that came */
    char last_method[48];
    /* world_answer */
    const char *answer_for, *answer;
    uint32_t answer_cnt;
};

extern const struct pw_instrument world_instruments[2];

uint32_t world_roll(struct world *w, uint32_t sides);

/* is_ed25519: with a logon; else signed one by one. */
void world_open(struct world *w, uint64_t seed, bool is_ed25519);
void world_close(struct world *w);

/* The gateway anew, as after a restart, with the pause kept. */
void world_restart(struct world *w, uint64_t run_id, int64_t paused_until_ns);

int64_t world_engine_ns(const struct world *w);

void world_connect(struct world *w);
/* The venue gets so many bytes of what is under way, wherever that ends, and works them off up to late_ns
 * later. */
void world_disconnect(struct world *w, uint32_t bytes, int64_t late_ns);

/* As net_rx does when it gives a connection up for that reason. */
void world_lose(struct world *w, enum pw_reason reason);

/* Time passes: what is due is delivered, and the gateway is polled. */
void world_step(struct world *w, int64_t ns);
void world_run(struct world *w, int64_t ns);
/* Until it is ready; fails after a minute. */
void world_make_ready(struct world *w);
bool world_is_ready(const struct world *w);
struct pw_gateway_metrics world_counts(const struct world *w);

/* A message from the venue, at once. */
void world_say(struct world *w, const char *text);

/* As execution does: 0 if it was denied, with *reason. */
uint64_t world_place(struct world *w, const struct pw_gateway_order *order, enum pw_reason *reason);
uint64_t world_replace(struct world *w, uint64_t replaces_id, int64_t qty_e8);
bool world_cancel(struct world *w, uint64_t client_order_id);
struct pw_gateway_order world_limit(enum pw_side side, enum pw_tif tif, int64_t qty_e8);
enum pw_order_state world_state(const struct world *w, uint64_t client_order_id);

/* The venue trades some of an order's quantity. */
void world_fill(struct world *w, struct venue_order *order, int64_t qty_e8);
struct venue_order *world_venue_order(struct world *w, uint64_t client_order_id);
/* An order there that this run does not know. */
struct venue_order *world_venue_has(struct world *w, const char *client_id);
uint32_t world_placed(const struct world *w, uint64_t client_order_id); /* how often it came to the venue */

/* For tests that are short: anew with the config as it is then, and ready; an order that is denied, and why;
 * one of a bid that is placed, and one that rests; the end, when all fills must be booked. */
void world_start(struct world *w);
void world_ready(struct world *w); /* opened as usual, and started */
enum pw_reason world_denied(struct world *w, struct pw_gateway_order order);
uint64_t world_place_one(struct world *w);
uint64_t world_rest_one(struct world *w);
void world_end(struct world *w);

/* Answers so many of the next requests so: a method (NULL: any), and what follows the id; "": not at all. */
void world_answer(struct world *w, const char *method, uint32_t cnt, const char *text);
#define WORLD_ERROR(status, code, text)                                                                      \
    "\"status\":" #status ",\"error\":{\"code\":" #code ",\"msg\":\"" text "\"}"

/* What every moment must hold, and what the end must. */
void world_judge(const struct world *w);
void world_judge_fills(const struct world *w); /* all are booked */
void world_judge_end(const struct world *w);

/* ---- between the venue (live_venue.c) and the rest ---- */

bool world_chance(struct world *w, uint32_t of_1000);

/* What a trade cost, and in which asset. */
int64_t world_fee_e8(const struct world *w, const struct venue_trade *trade);
const char *world_fee_asset(const struct world *w, const struct venue_trade *trade);

/* One request that has come to the venue. */
void world_take_request(struct world *w, const struct mail *mail);

/* A signature that the venue can check. */
void world_digest(const char *text, size_t bytes, char *out, size_t out_bytes);

#define MUST(condition) cr_assert(condition, "seed %llu: " #condition, (unsigned long long)w->seed)

#endif
