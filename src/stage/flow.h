/* SPDX-License-Identifier: MIT
 *
 * How strategy and execution keep out of each other's way: what one order may put into the report ring.
 *
 * The two stages feed each other: intents one way, reports the other. If each could wait for the other's ring
 * to drain, both could wait for ever. So the space for every answer is set aside before the question is
 * asked: strategy takes a market event only while the intents that execution has not answered yet, those that
 * the event may cause, and the orders that may be open, could all report what they can report and still fit
 * the ring. Then execution never waits for the report ring because of strategy, and strategy's waiting for
 * the other ring always ends.
 *
 * Reports cannot be put off like that: among them are the answers that are waited for. So strategy takes them
 * as long as its own ring has room, and where strategies answer them with orders, these count like all
 * others: an order beyond the number that may be unanswered is dropped, and counted
 * (strategy.intents_dropped). That is for strategies that breed orders, which would fill both rings: then no
 * fill is taken any more. Others meet it only with hundreds of orders under way at once.
 *
 * With that the stream's share of the ring is never used up: each unanswered intent has its events, the rest
 * of what an answered one reported (at most PW_FLOW_OPEN_EVENTS, its ORDER being taken) and what open orders
 * may report theirs. And halts do not depend on it: live, cancellations want no room in the ring (the gateway
 * answers them later), and they are asked for before the stream is looked at.
 *
 * A live venue sends at any time: its messages are no part of the stream, and one order may report any
 * number of fills. They get a share of the ring of their own, at least half of it: a message (and what the
 * gateway does by itself, at a deadline) is taken only while there is room for all that it may report above
 * all that the stream may ever need (pw_flow_stream_events). So whatever messages do, the stream's room is
 * there, execution can always take the stream's next event, strategy's waiting for the stream's ring ends,
 * strategy takes its reports, and so the messages' waiting ends too. While they wait they stay in
 * net_rx.execution, and behind it in the socket.
 */
#ifndef PW_FLOW_H
#define PW_FLOW_H

#include <pinwheel/gateway.h>
#include <pinwheel/strategy.h>
#include <stdbool.h>
#include <stdint.h>

/* An ORDER, and perhaps a FILL, for each report that one call to the gateway may make of one order. */
#define PW_FLOW_OPEN_EVENTS (2u * PW_REPORTS_PER_ORDER)
/* An intent's first ORDER (in flight or denied), and what its placing reports. */
#define PW_FLOW_INTENT_EVENTS (1u + PW_FLOW_OPEN_EVENTS)

/* How many orders may be open at once: their reports take at most a quarter of the ring. */
static inline uint32_t pw_flow_open_max(uint64_t report_slots)
{
    uint64_t max = report_slots / 4 / PW_FLOW_OPEN_EVENTS;
    return max < PW_OPEN_ORDERS_MAX ? (uint32_t)max : PW_OPEN_ORDERS_MAX;
}

/* What one message of the venue may put into the report ring: an ORDER, a FILL and a FILL_INFO a report. */
#define PW_FLOW_MESSAGE_EVENTS (3u * PW_REPORTS_MAX)

/* How many intents may wait for their first answer at once; 0: the ring is too small for the live gateway. */
static inline uint32_t pw_flow_intents_max(uint64_t report_slots, bool live)
{
    uint64_t half = report_slots / 2;
    uint64_t messages = !live ? 0 : half > PW_FLOW_MESSAGE_EVENTS ? half : PW_FLOW_MESSAGE_EVENTS;
    uint64_t taken = messages + pw_flow_open_max(report_slots) * PW_FLOW_OPEN_EVENTS;
    return taken > report_slots ? 0 : (uint32_t)((report_slots - taken) / PW_FLOW_INTENT_EVENTS);
}

/* All that the stream may put into the report ring before strategy takes anything out of it. */
static inline uint32_t pw_flow_stream_events(uint64_t report_slots, bool live)
{
    return pw_flow_intents_max(report_slots, live) * PW_FLOW_INTENT_EVENTS +
           pw_flow_open_max(report_slots) * PW_FLOW_OPEN_EVENTS;
}

/* What one market event may make the strategies put into the ring to execution, itself included. */
static inline uint32_t pw_flow_market_events(uint32_t strategy_cnt)
{
    return 1u + PW_DECISIONS_MAX * strategy_cnt;
}

#endif
