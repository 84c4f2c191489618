/* SPDX-License-Identifier: MIT
 *
 * The session: orders at a real venue, over one connection that others keep. It puts requests into a ring and
 * is given the messages received; it has no socket, no clock and no key, and how the venue is spoken to is
 * its codec's (pinwheel/entry.h). Two gateways are sessions: `live`, and `dry`, whose orders the venue only
 * tests: what it would take ends as EXPIRED.
 *
 * After the notice that the connection is up it learns the venue's clock, logs in (where the key allows it;
 * else each request is signed), subscribes to the account's events, lists the open orders, cancels those of
 * its instance's earlier runs (those that are open still when it lists them again are its refusal), and
 * checks once that the account has the cash. Then it is ready. Until then, and whenever the venue's time is
 * not known well enough or a limit is reached, check says so, and nothing is sent.
 *
 * Nothing that places or replaces an order is ever sent twice. What has no response in time, or was under way
 * when the connection was lost, is reported as TIME_OUT or DISCONNECT, and queried until the order table
 * knows the end; fills that the venue counts and that were never reported are asked for by order. Orders that
 * nothing was heard of for PW_SESSION_QUIET_NS are queried too: reports may be lost without a trace. A
 * cancellation, once asked for, is repeated, ever more seldom, until the order has ended or the venue has
 * said that it never cancels it.
 *
 * A key that is rejected ends new orders alone: execution is told to halt, cancellations and queries go on,
 * slowly, and the key is shown again once a minute, and to each new connection.
 *
 * Times: now_ns of poll is the time of all that follows it in the pass. A clock that jumps (polls more than
 * PW_SESSION_JUMP_NS apart, or backwards) moves all deadlines with it, and what was known of the venue's
 * clock is forgotten. One call reports at most PW_REPORTS_MAX times, and twice of an order.
 */
#ifndef PW_SESSION_H
#define PW_SESSION_H

#include <pinwheel/gateway.h>

#define PW_SESSION_QUIET_NS INT64_C(4000000000)
#define PW_SESSION_JUMP_NS  INT64_C(2000000000)
#define PW_SESSION_PASS_NS  INT64_C(500000000)   /* next_ns is never later than this from the last poll */
#define PW_SESSION_TIME_NS  INT64_C(30000000000) /* the venue is asked for its time at least so often */
/* Of the venue's time; half the receive window if that is less. */
#define PW_SESSION_ERROR_MAX_NS INT64_C(500000000)

extern const struct pw_gateway_ops pw_live_gateway, pw_dry_gateway;

#endif
