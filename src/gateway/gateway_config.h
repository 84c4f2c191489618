/* SPDX-License-Identifier: MIT
 *
 * The config sections of order entry: which gateway, and each gateway's own.
 */
#ifndef PW_GATEWAY_CONFIG_H
#define PW_GATEWAY_CONFIG_H

#include "feeds.h"
#include "key.h"
#include <pinwheel/gateway.h>
#include <stdbool.h>
#include <stdint.h>

struct pw_config;

struct pw_config_gateway {
    char kind[16]; /* "paper", "live" */
};

struct pw_config_paper {
    int64_t cash_e8; /* quote currency at start */
    int64_t fee_rate_e8;
    int64_t latency_ns;
};

/* Order entry at a real venue. */
struct pw_config_live {
    struct pw_config_feed conn; /* ws_url, ca_file and the times of the order-entry connection; no feed */
    char api_key_file[256];     /* a line: the key's public name */
    char key_file[256];         /* the secret: src/net/sign.h */
    int64_t cash_e8;            /* capital allocated to this engine, in the quote currency */
    int64_t fee_rate_e8;     /* the most that a fill costs, of price times quantity: what risk reckons with */
    uint32_t recv_window_ms; /* default 5000 */
    uint32_t ack_timeout_ms; /* no answer for so long: the outcome is unknown; default 3000 */
    uint32_t max_rejections; /* in a row: then no orders for a while; 0: as many as come; default 5 */
    int64_t rejection_pause_ns; /* that while; default 60 s */
    uint32_t max_tick_age_ms;   /* no order on an event that came in longer ago; default 1000 */
};

extern const struct pw_section pw_gateway_section, pw_paper_section, pw_live_section;
/* The keys of `paper` and `live`, for who has such groups elsewhere. */
extern const struct pw_section pw_paper_group, pw_live_group;

#endif
