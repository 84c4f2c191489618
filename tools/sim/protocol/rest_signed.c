/* SPDX-License-Identifier: MIT
 *
 * Who sent a request, whether it is his, and whether it is fresh: see rest_call.h.
 */
#include "rest_call.h"

#include "decimal.h"
#include "names.h"
#include "signature.h"

#include <string.h>

#define WINDOW_US     INT64_C(5000000) /* recvWindow, unless sent */
#define WINDOW_MAX_US INT64_C(60000000)
#define AHEAD_US      INT64_C(1000000)
#define MICROSECONDS                                                                                         \
    INT64_C(100000000000000) /* a timestamp from here on is in microseconds: year 5138 in ms */

/* binance.md 4.2: timestamp < server time + 1 s, and server time - timestamp <= recvWindow. */
bool pw_sim_call_fresh(struct pw_sim_call *call)
{
    const char *window = pw_sim_call_text(call, "recvWindow");
    const char *sent = pw_sim_call_text(call, "timestamp");
    int64_t now_us = call->wall_ns / 1000, sent_us, window_us = WINDOW_US;

    if (!sent || !*sent) {
        return pw_sim_call_missing(call, "timestamp");
    }
    if (!pw_sim_call_number(call, "timestamp", 0, &sent_us)) {
        return false;
    }
    if (window) {
        if (!pw_decimal_parse_e8(window, strlen(window), false, &window_us) || window_us % 100000 != 0) {
            pw_sim_call_error(call, 400, -1100, "Illegal characters found in parameter 'recvWindow'.");
            return false;
        }
        window_us /= 100000; /* milliseconds in e8 */
    }
    if (window_us > WINDOW_MAX_US) {
        pw_sim_call_error(call, 400, -1131, "recvWindow must be less than 60000.");
        return false;
    }
    sent_us = sent_us < MICROSECONDS ? sent_us * 1000 : sent_us;
    if (sent_us >= now_us + AHEAD_US) {
        pw_sim_call_error(call, 400, -1021,
                          "Timestamp for this request was 1000ms ahead of the server's time.");
    } else if (now_us - sent_us > window_us) {
        pw_sim_call_error(call, 400, -1021, "Timestamp for this request is outside of the recvWindow.");
    } else {
        return true;
    }
    return false;
}

bool pw_sim_call_authorize(struct pw_sim_call *call, struct pw_slice key, struct pw_slice payload)
{
    const char *sent = pw_sim_call_text(call, "signature");

    if (!(pw_sim_name_plain(key) && key.size < PW_SIM_KEY_BYTES)) {
        pw_sim_call_error(call, 401, -2014, "API-key format invalid.");
        return false;
    }
    call->account = call->rest->orders ? pw_sim_accounts_find(call->rest->accounts, key) : NULL;
    if (!call->account) {
        pw_sim_call_error(call, 401, -2015, "Invalid API-key, IP, or permissions for action.");
        return false;
    }
    if (!sent || !*sent) {
        return pw_sim_call_missing(call, "signature");
    }
    if (!pw_sim_call_fresh(call)) {
        return false;
    }
    if (!pw_sim_signature_ok(call->account->config, payload, sent)) {
        pw_sim_call_error(call, 400, -1022, "Signature for this request is not valid.");
        return false;
    }
    return true;
}
