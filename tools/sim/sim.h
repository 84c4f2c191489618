/* SPDX-License-Identifier: MIT
 *
 * The venue simulator: Binance spot's market data, REST and WebSocket, over TLS on loopback, out of recorded
 * captures or of a synthetic market.
 *
 * One thread, one epoll loop. Config, run, stop; everything else is behind these.
 */
#ifndef PW_SIM_H
#define PW_SIM_H

#include "faults.h"
#include "host.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PW_SIM_PATH_BYTES       512u
#define PW_SIM_FILES_MAX        64u
#define PW_SIM_INSTRUMENTS_MAX  256u
#define PW_SIM_ACCOUNTS_MAX     16u
#define PW_SIM_BALANCES_MAX     32u
#define PW_SIM_KEY_BYTES        129u
#define PW_SIM_PUBLIC_KEY_BYTES 32u
#define PW_SIM_PACE_FLOOD       0u /* as fast as the clients read */

struct pw_sim_listen_config {
    char address[64];
    uint32_t port; /* 0: any free one */
    bool plain;    /* listen without TLS too, for tests */
    uint32_t plain_port;
    char port_file[PW_SIM_PATH_BYTES]; /* gets the TLS port (and the plain one on a second line); empty: none
                                        */
    char tls_dir[PW_SIM_PATH_BYTES];   /* ca.pem, server.pem, server-key.pem; made when missing or near their
                                          end */
};

/* What becomes of clients that do not read: the market waits for them when their buffer passes the window, or
 * they are dropped when it is full, as a venue does. */
enum pw_sim_slow {
    PW_SIM_SLOW_AUTO = 0,
    PW_SIM_SLOW_WAIT = 1,
    PW_SIM_SLOW_DROP = 2
}; /* auto: a live market drops */

struct pw_sim_limits_config {
    uint32_t connections_max, connections_per_address;
    uint32_t output_kib; /* a connection's output buffer */
    uint32_t window_kib; /* flood: a client with more than this to read holds the market up */
    enum pw_sim_slow slow_clients;
    uint32_t ping_interval_ms, pong_timeout_ms;
    uint32_t messages_per_s;    /* from a client; 0: no limit */
    uint32_t lifetime_ms;       /* of a WebSocket connection; 0: no limit */
    uint32_t weight_per_min;    /* REST, of a window; 0: no limit */
    uint32_t weight_window_s;   /* whose length is the venue's minute, or less for tests */
    uint32_t connects_per_5min; /* to the WebSocket API; 0: no limit */
    uint32_t ban_after;         /* refused requests of one window after which 418 follows; 0: never */
    uint32_t ban_s;
    uint32_t orders_per_10s, orders_per_day; /* unfilled ones of an account; 0: no limit */
    uint32_t handshake_timeout_ms, request_timeout_ms, idle_timeout_ms;
    uint32_t requests_per_s; /* REST, of an address; 0: no limit */
};

enum pw_sim_at_end { PW_SIM_AT_END_STAY = 0, PW_SIM_AT_END_REPEAT = 1, PW_SIM_AT_END_EXIT = 2 };

struct pw_sim_capture_config {
    uint32_t file_cnt;
    char files[PW_SIM_FILES_MAX][PW_SIM_PATH_BYTES];
    bool merge;              /* order all lines by their recorded time (stable), else file after file */
    uint32_t wait_clients;   /* begins when so many connections have subscribed to its streams */
    uint32_t start_delay_ms; /* and this much later */
    uint32_t hold_ms;        /* how long a recorded snapshot's line waits for somebody to fetch it */
    uint32_t memory_mib;     /* refused above */
    enum pw_sim_at_end at_end;
};

/* By which price the venue judges an instrument's orders, and what they may be of it. Multiples: 0: no bound.
 */
struct pw_sim_bounds {
    int64_t up_e8, down_e8;
};
struct pw_sim_price_rules {
    int64_t reference_e8;         /* the reference price; 0: it never had one */
    uint32_t avg_price_mins;      /* of the mean that stands in for it; 0: the last price does */
    struct pw_sim_bounds band[2]; /* by enum pw_side: limits (PERCENT_PRICE_BY_SIDE) */
    struct pw_sim_bounds
        range[2]; /* the same: trades of takers (PRICE_RANGE), if there is a reference price */
};
extern const struct pw_sim_price_rules pw_sim_price_rules_usual;

struct pw_sim_instrument_config {
    char symbol[64];
    int64_t price_e8, tick_e8, step_e8;
    uint32_t trades_per_s, quotes_per_s; /* on average */
    uint32_t volatility_ppm; /* typical move of the fair price in a second, millionths of the price */
    bool steady;             /* without quiet and busy times */
    uint32_t levels;         /* a side, about: resting orders, most of them at a price of their own */
    struct pw_sim_price_rules rules;
};

struct pw_sim_synthetic_config {
    uint64_t seed;
    int64_t epoch_ms; /* the market's time at start; 0: the wall clock's */
    uint32_t instrument_cnt;
    struct pw_sim_instrument_config instruments[PW_SIM_INSTRUMENTS_MAX];
};

struct pw_sim_balance_config {
    char asset[64];
    int64_t free_e8;
};

/* Somebody who may trade, in a synthetic market. */
struct pw_sim_account_config {
    char api_key[PW_SIM_KEY_BYTES];
    char secret[PW_SIM_KEY_BYTES]; /* for HMAC-SHA256; or else */
    char public_key_path[PW_SIM_PATH_BYTES];
    unsigned char public_key[PW_SIM_PUBLIC_KEY_BYTES]; /* what stands there: Ed25519's, as raw bytes */
    uint32_t maker_fee_bps, taker_fee_bps; /* fees, in hundredths of a percent of what an order receives */
    uint32_t prevention;                   /* enum pw_stp: of orders that say none */
    uint32_t balance_cnt;
    struct pw_sim_balance_config balances[PW_SIM_BALANCES_MAX];
};

struct pw_sim_config {
    char path[PW_SIM_PATH_BYTES]; /* of the file */
    struct pw_sim_listen_config listen;
    struct pw_sim_limits_config limits;
    char pace[24];         /* as written: "1", "2.5", "flood" */
    uint32_t pace_percent; /* of the market's own pace; PW_SIM_PACE_FLOOD */
    bool sandbox;          /* give up what is not needed (confine.h) */
    bool spin;             /* never sleep: for latency measurements, at the cost of a core */
    bool synthetic;        /* which of the two it is */
    struct pw_sim_capture_config capture;
    struct pw_sim_synthetic_config market;
    struct pw_sim_faults faults;
    uint32_t account_cnt;
    struct pw_sim_account_config accounts[PW_SIM_ACCOUNTS_MAX];
};

/* Reads and checks a YAML file; $NAME and ${NAME:-default} in paths are taken from the environment. 0 or a
 * negative code with `error` = "file:line:column: what; what to do", a line for each thing. The config is
 * large: not for the stack. */
int pw_sim_config_load(struct pw_sim_config *config, const char *path, char *error, size_t error_bytes);

/* Runs the venue until *stop is set (by a signal handler) or the capture is over and the config says exit.
 * Prints one line on standard output when it listens. 0 or a negative code, reported on standard error. */
int pw_sim_run(const struct pw_sim_config *config, const volatile sig_atomic_t *stop);

#endif
