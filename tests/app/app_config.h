/* SPDX-License-Identifier: MIT
 *
 * Configs of the tests of src/app, loaded as `pinwheel run` does it.
 */
#ifndef PW_TEST_APP_CONFIG_H
#define PW_TEST_APP_CONFIG_H

#include "config.h"

/* All stages in one thread, and two feeds with a paper account each: "first" and "second". */
#define TWO_ACCOUNTS_YAML                                                                                    \
    "memory: {huge_pages: false}\n"                                                                          \
    "cores:\n"                                                                                               \
    "  - {core: none, idle: sleep, stages: [net_rx, parse, strategy, execution, net_tx, journal, "           \
    "housekeeping]}\n"                                                                                       \
    "feeds:\n"                                                                                               \
    "  - {name: a, venue: binance_spot, ws_url: \"ws://localhost:1\", rest_url: \"http://localhost:1\", "    \
    "streams: [trade], instruments: [BTCUSDT]}\n"                                                            \
    "  - {name: b, venue: binance_spot, ws_url: \"ws://localhost:1\", rest_url: \"http://localhost:1\", "    \
    "streams: [trade], instruments: [ETHUSDT]}\n"                                                            \
    "accounts:\n"                                                                                            \
    "  - {name: first, gateway: paper, feeds: [a], paper: {cash: \"1\"}}\n"                                  \
    "  - {name: second, gateway: paper, feeds: [b], paper: {cash: \"1\"}}\n"

/* Writes the text as engine.yaml into the folder and loads it. To be destroyed. */
struct pw_config *app_config_load(const char *dir, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
