/* SPDX-License-Identifier: MIT
 *
 * The paper gateway: fills orders against the quotes and trades of the stream, by event time only.
 *
 * An order reaches this venue `latency_ns` after the event that caused it: with latency 0 at once, else when
 * the first event of the stream comes whose recv_ns is that late, and it meets the quote that was in force
 * before that event. A market order is filled completely at the opposite best quote, whatever quantity is
 * displayed there; without a quote it is rejected. A limit order that the quote satisfies is filled
 * completely at the quote; another is canceled if it is immediate-or-cancel or fill-or-kill, else it rests,
 * and is filled completely at its own price, as a maker, by the first quote that reaches it. A cancellation
 * takes the same latency. Quotes come from QUOTE events alone; when a feed is not up, its instruments have
 * none. The fee is one rate for makers and takers, rounded as pw_money_fee_e16 says.
 *
 * A post-only order that the quote satisfies when it arrives is rejected. A stop waits for a trade (TRADE,
 * AGG_TRADE) at its stop price or beyond it; if the last trade before its arrival was there already, it is
 * rejected. From then on it is the market or limit order behind it, without further latency; a market order
 * that then finds no quote expires. A replacement is a cancellation and an order that arrive together: where
 * the first finds nothing to cancel, the second is rejected.
 */
#ifndef PW_PAPER_H
#define PW_PAPER_H

#include <pinwheel/gateway.h>

extern const struct pw_gateway_ops pw_paper_gateway;

#endif
