/* SPDX-License-Identifier: MIT
 *
 * The event: one cache line that carries all communication between pinwheel's stages.
 *
 * The same 64 bytes are in the rings, in the journal's decoded form and in the backtest. There are no
 * pointers and no padding; all integers are in host byte order (little-endian hosts only). Prices and
 * quantities are in the units of their instrument (units.h): scaled by 1e8 (`_e8`) unless it has others.
 * Amounts of money are scaled by 1e16 (`_e16`, a 128-bit integer in two words: the exact product of a price
 * and a quantity in any such units), times are nanoseconds since the Unix epoch (`_ns`); 0 means that the
 * source gave no time.
 */
#ifndef PINWHEEL_EVENT_H
#define PINWHEEL_EVENT_H

#include <assert.h>
#include <pinwheel/enums.h>
#include <pinwheel/reasons.h>
#include <pinwheel/units.h>
#include <stdint.h>

/* Bits of pw_event.flags. */
#define PW_FLAG_SELL     0x01u /* trades: the aggressor sold; levels: ask side; orders and fills: sell */
#define PW_FLAG_PAIR     0x02u /* LEVELS: both levels are in use (else only level[0]) */
#define PW_FLAG_SNAPSHOT 0x04u /* DEPTH, LEVELS: the whole book anew, not an update */
#define PW_FLAG_LAST     0x08u /* ends a message: on the last LEVELS, or on a DEPTH without levels */
#define PW_FLAG_STALE                                                                                        \
    0x10u /* DEPTH, LEVELS: for the record only, not part of a synchronised book: do not apply */
#define PW_FLAG_MAKER 0x20u /* FILL: our order was resting */
#define PW_FLAG_CAPPED                                                                                       \
    0x20u /* market data: a quantity or volume is not exact. What is too large is INT64_MAX, what has too    \
           * many decimals is rounded up; of a QUOTE a side whose price cannot be held is none, of a DEPTH   \
           * such a level is passed over */
#define PW_FLAG_CLOSED 0x40u /* CANDLE: the bucket is final */
#define PW_FLAG_SENT   0x80u /* FRAME: by us; else received */

struct pw_quote {
    int64_t bid_price_e8, bid_qty_e8, ask_price_e8, ask_qty_e8; /* 0 price: no such side */
    uint64_t update_id;
};

struct pw_trade {
    int64_t price_e8, qty_e8; /* both > 0 */
    uint64_t trade_id;
    int64_t trade_ns; /* when the venue's engine matched; venue_ns is when its gateway sent */
    uint64_t reserved;
};

struct pw_agg_trade {
    int64_t price_e8, qty_e8;
    uint64_t agg_id, first_trade_id;
    uint32_t trade_cnt;      /* last_trade_id = first_trade_id + trade_cnt - 1 */
    int32_t match_offset_us; /* venue_ns - match time; the decoder refuses what does not fit */
};

struct pw_depth {
    uint64_t first_update_id, last_update_id;
    uint64_t prev_update_id; /* last_update_id of the update before, where the venue says it; else 0 */
    uint32_t bid_cnt, ask_cnt;
    uint64_t level_cnt_max; /* a side that the snapshot could tell: with as many the venue may have more; 0:
                             * no limit is known */
};

struct pw_level {
    int64_t price_e8;
    int64_t qty_e8; /* absolute; 0 removes the level */
};

struct pw_levels {
    struct pw_level level[2]; /* of one side: PW_FLAG_SELL says which; bids come before asks */
    uint64_t update_id;       /* last_update_id of its DEPTH */
};

struct pw_candle {
    int64_t open_e8, high_e8, low_e8, close_e8, volume_e8;
};

struct pw_candle_info {
    int64_t open_ns;
    int64_t quote_volume_e8;
    int64_t first_trade_id, last_trade_id; /* -1: no trade */
    uint32_t trade_cnt;
    uint32_t interval_s;
};

/* The rules of an instrument (core/rules.h), in its unit: 0 switches a test off. */
struct pw_rules {
    int64_t tick_e8, min_price_e8, max_price_e8;
    uint32_t tradable;                                 /* open for trading */
    uint32_t min_notional_market, max_notional_market; /* the notional filter holds for market orders too */
    uint16_t band_mins, notional_mins; /* of the mean price that these filters judge by; 0: by the last */
};

struct pw_rules_lot {
    int64_t step_e8, min_qty_e8, max_qty_e8;
    int64_t min_notional_e8, max_notional_e8;
};

/* The price band of a side: what a limit may be of the venue's reference price, in millionths; 0: no bound.
 */
struct pw_price_band {
    uint32_t up_e6, down_e6;
};

struct pw_rules_market {
    int64_t step_e8, min_qty_e8, max_qty_e8;
    struct pw_price_band band[2]; /* by enum pw_side */
};
#define PW_MINS_UNKNOWN UINT16_MAX /* of a filter's mean: not said, or no number that is one */

/* The price by which the venue's filters judge an instrument's orders: market orders' notional, and the price
 * band. venue_ns is the venue's time of it. */
struct pw_reference_price {
    int64_t price_e8; /* 0: none is known */
    int64_t fresh_ns; /* it holds for so long from recv_ns, unless another follows */
    uint32_t source;  /* enum pw_price_source */
    uint32_t mins;    /* of a mean */
    uint64_t reserved[2];
};

struct pw_state {
    uint32_t state;  /* the enum that the kind names */
    uint32_t reason; /* enum pw_reason */
    uint32_t feed_idx;
    uint32_t account_nth; /* COMMAND: of that account alone, from 1; 0: of all */
    union {
        uint64_t last_update_id; /* BOOK_STATE */
        int64_t lag_ns; /* FEED_STATE: how much later than usual, from here on, this feed's data came in; 0:
                           in time. With it an UP whose reason is STALE */
    };
    union {
        uint64_t market_seq; /* COMMAND: taken after this much of the market; else 0 */
        int64_t delay_ns; /* FEED_STATE: the feed's usual delay, our time of receipt less the venue's; 0: not
                             known, or as good as none */
    };
    uint64_t reserved1;
};

struct pw_gap {
    uint64_t first, last; /* missing ids or sequence numbers, both inclusive; 0, 0: unknown */
    uint64_t lost_cnt;    /* 0: unknown */
    uint32_t reason;      /* enum pw_reason */
    uint32_t feed_idx;
    uint64_t reserved;
};

/* Every event between strategy and journal names the market event after which it was made (market_seq, the
 * full 64 bits of the parse stage's count), so that the journal can be put back into the order of
 * consumption. */
struct pw_signal {
    int64_t value_a, value_b; /* prices; which ones, its strategy's signal_names say */
    int32_t direction;        /* +1 up, -1 down, 0 none */
    uint32_t strategy_idx;
    uint64_t market_seq;
    uint64_t reserved;
};

struct pw_intent {
    int64_t price_e8; /* 0 for market orders */
    int64_t qty_e8;
    union {
        uint64_t
            client_order_id;   /* CANCEL, REPLACE: the order to cancel; the new one's id execution assigns */
        int64_t stop_price_e8; /* PLACE: of the types that have one, else 0. They cannot be replaced */
    };
    uint64_t market_seq;
    uint8_t action, type, tif,
        reserved; /* enum pw_intent_action, pw_order_type, pw_tif; PW_FLAG_SELL is the side */
    uint16_t strategy_idx;
    uint16_t tag; /* the strategy's own; comes back in every report of the order */
};

struct pw_order {
    int64_t price_e8;
    int64_t leaves_qty_e8; /* not filled; of a closed order: what never will be */
    uint64_t client_order_id;
    uint64_t market_seq;
    uint8_t state, reason, type, tif; /* enum pw_order_state, pw_reason, pw_order_type, pw_tif */
    uint16_t strategy_idx;
    uint16_t tag;
};

struct pw_fill {
    int64_t price_e8, qty_e8;
    uint64_t client_order_id;
    uint64_t fee_e16_lo; /* in the quote currency, two's complement over 128 bits; pw_fill_fee_e16 reads it */
    int64_t fee_e16_hi;
};

/* What FILL has no room for. A fee in another asset than the instrument's quote is reported here alone: the
 * FILL's is then 0. Else both say the same. Follows its FILL. One in the instrument's base asset was taken of
 * what the fill brought. A name longer than fee_asset is said by a PW_FEE_ASSET_*, which no name begins with;
 * pw_fee_asset_name reads both. */
struct pw_fill_info {
    uint64_t trade_id;   /* the venue's; unique in its instrument */
    char fee_asset[16];  /* as the venue spells it, zeros behind; or a code */
    uint64_t fee_e16_lo; /* as in pw_fill */
    int64_t fee_e16_hi;
};

#define PW_FEE_ASSET_BASE  '\1' /* the instrument's base asset */
#define PW_FEE_ASSET_QUOTE '\2' /* its quote currency */
#define PW_FEE_ASSET_OTHER '\3' /* neither: what its name begins with follows */

/* When one order passed each hop, in nanoseconds from its event's recv_ns, when net_rx saw that the bytes
 * that caused it had come; PW_STAMP_NONE: not known, or later than 4.2 s. */
struct pw_stamps {
    uint64_t client_order_id;
    uint32_t kernel_ago_ns; /* how long before recv_ns the kernel had the bytes, at least: NONE if they were
                               read together with others or after a late pass */
    uint32_t decrypted_ns, decoded_ns;
    uint32_t decided_ns;   /* by the strategy */
    uint32_t checked_ns;   /* by risk */
    uint32_t encoded_ns;   /* the request's bytes are complete */
    uint32_t encrypted_ns; /* and encrypted */
    uint32_t submitted_ns; /* and the system call that sends it begins */
};
#define PW_STAMP_NONE UINT32_MAX

/* What the checks of an order looked at besides the intent and the instrument: struct pw_risk_input in
 * src/core/risk.h, in three parts. Of these events venue_ns and flags hold more of it: RISK_MARKET's venue_ns
 * is when the checks were made (0: age is not checked); RISK_CASH's venue_ns is the reference price (0: none,
 * or it was too old), its flags are PW_RISK_NOT_REPLACEABLE and PW_RISK_TABLE_FULL; RISK_LIMITS's venue_ns is
 * the largest age, its flags the gateway's answer (enum pw_reason). */
struct pw_risk_market {
    int64_t bid_e8, ask_e8, position_e8, open_buy_e8, open_sell_e8;
};

struct pw_risk_cash {
    uint64_t cash_e16[2], hold_e16[2]; /* low and high word, two's complement */
    uint64_t rate_credit;
};

struct pw_risk_limits_kept {
    int64_t max_order_notional_e8, max_position_e8;
    uint64_t short_cost_e16[2];
    uint32_t max_orders_per_s;
    uint32_t bits; /* PW_RISK_BIT_*, and the fee rate in e8 above them */
};
#define PW_RISK_NOT_REPLACEABLE 0x1u
#define PW_RISK_TABLE_FULL      0x2u
#define PW_RISK_BIT_FEED_UP     0x1u
#define PW_RISK_BIT_HALTED      0x2u
#define PW_RISK_BIT_ROOM        0x4u
#define PW_RISK_BIT_ALLOW_SHORT 0x8u
#define PW_RISK_FEE_SHIFT       4u /* an int32_t shifted left: |rate| <= 1e8 fits the 28 bits */

struct pw_consumed {
    uint64_t report_seq; /* reports that strategy had taken, this one included */
    uint64_t market_seq; /* market events that it had taken before */
    uint64_t reserved[3];
};

struct pw_frame {
    uint64_t payload_pos;   /* in the ring's payload area; counts up for ever */
    uint32_t payload_bytes; /* 0: no bytes; the event is a notice (state, reason) in the frames' order */
    uint32_t feed_idx;      /* of an order-entry connection: behind the feeds', in the accounts' order */
    uint32_t state, reason; /* notices: enum pw_feed_state, pw_reason */
    union {
        struct {
            int64_t kernel_ns;    /* received: when the kernel had its last bytes, of a message that came
                                     alone; 0: not known for sure */
            int64_t decrypted_ns; /* received: when it was plain text */
        };
        struct {
            uint64_t client_order_id; /* sent: the order that it places or replaces by; 0: another request */
            uint64_t epoch; /* sent, and notices of the order-entry connection: the connection's number */
        };
    };
};

/* Order-entry connections are numbered from 1 as they come up. The notices UP and DOWN bear the number in
 * `epoch`, and each request must bear that of the last UP that its maker has seen: net_tx sends it on that
 * connection or on none. What is for a connection that is not there any more, or is larger than this, is
 * dropped and counted (net_tx.dropped), so a request that has no answer when the DOWN comes may have been
 * sent or not: it is unknown, and never sent later. */
#define PW_REQUEST_BYTES_MAX 16000u

struct pw_conn {
    uint32_t feed_idx;
    uint32_t state, reason; /* enum pw_feed_state, pw_reason */
    uint32_t slot_idx;      /* of the connection in the engine's private pool */
    uint64_t reserved[3];
};

struct pw_event {
    uint32_t seq;            /* low 32 bits of the source stage's own count of events, from 0 */
    uint16_t instrument_idx; /* into the workspace's instrument table; PW_NO_INSTRUMENT: none */
    uint8_t kind;            /* enum pw_event_kind */
    uint8_t flags;           /* PW_FLAG_* */
    int64_t recv_ns;         /* when the bytes that caused it came from the socket */
    int64_t venue_ns;        /* when the venue says that it sent it; 0: it does not say. INTENT on its way to
                              * execution: when the strategy had decided. FRAME on its way from net_rx: all its
                              * bytes came to this host after that; 0: not known */
    union {
        struct pw_quote quote;
        struct pw_trade trade;
        struct pw_agg_trade agg_trade;
        struct pw_depth depth;
        struct pw_levels levels;
        struct pw_candle candle;
        struct pw_candle_info candle_info;
        struct pw_rules rules;
        struct pw_rules_lot rules_lot;
        struct pw_rules_market rules_market;
        struct pw_reference_price reference_price;
        struct pw_state state;
        struct pw_gap gap;
        struct pw_signal signal;
        struct pw_intent intent;
        struct pw_order order;
        struct pw_fill fill;
        struct pw_fill_info fill_info;
        struct pw_stamps stamps;
        struct pw_risk_market risk_market;
        struct pw_risk_cash risk_cash;
        struct pw_risk_limits_kept risk_limits;
        struct pw_consumed consumed;
        struct pw_frame frame;
        struct pw_conn conn;
        uint64_t words[5];
    } body;
};

#define PW_NO_INSTRUMENT UINT16_C(0xffff)

static_assert(sizeof(struct pw_event) == 64, "one event, one cache line");
static_assert(sizeof(((struct pw_event *)0)->body) == 40, "every body fits the line");
static_assert(sizeof(struct pw_rules) == 40 && sizeof(struct pw_rules_lot) == 40 &&
                  sizeof(struct pw_rules_market) == 40 && sizeof(struct pw_reference_price) == 40,
              "nor have those of the rules");
static_assert(sizeof(struct pw_quote) == 40 && sizeof(struct pw_trade) == 40 &&
                  sizeof(struct pw_agg_trade) == 40 && sizeof(struct pw_depth) == 40 &&
                  sizeof(struct pw_levels) == 40 && sizeof(struct pw_candle) == 40 &&
                  sizeof(struct pw_candle_info) == 40 && sizeof(struct pw_state) == 40 &&
                  sizeof(struct pw_gap) == 40 && sizeof(struct pw_signal) == 40 &&
                  sizeof(struct pw_intent) == 40 && sizeof(struct pw_order) == 40 &&
                  sizeof(struct pw_fill) == 40 && sizeof(struct pw_fill_info) == 40 &&
                  sizeof(struct pw_stamps) == 40 && sizeof(struct pw_risk_market) == 40 &&
                  sizeof(struct pw_risk_cash) == 40 && sizeof(struct pw_risk_limits_kept) == 40 &&
                  sizeof(struct pw_consumed) == 40 && sizeof(struct pw_frame) == 40 &&
                  sizeof(struct pw_conn) == 40,
              "no body has padding or is left short");

__extension__ typedef __int128 pw_i128; /* the one typedef of the house: C17 has no name for it */

static inline pw_i128 pw_fill_fee_e16(const struct pw_fill *fill)
{
    return (pw_i128)fill->fee_e16_hi * ((pw_i128)1 << 64) + (pw_i128)fill->fee_e16_lo;
}

static inline void pw_fill_set_fee_e16(struct pw_fill *fill, pw_i128 fee_e16)
{
    fill->fee_e16_lo = (uint64_t)fee_e16;
    fill->fee_e16_hi = (int64_t)(fee_e16 >> 64);
}

static inline pw_i128 pw_fill_info_fee_e16(const struct pw_fill_info *info)
{
    return (pw_i128)info->fee_e16_hi * ((pw_i128)1 << 64) + (pw_i128)info->fee_e16_lo;
}

static inline void pw_fill_info_set_fee_e16(struct pw_fill_info *info, pw_i128 fee_e16)
{
    info->fee_e16_lo = (uint64_t)fee_e16;
    info->fee_e16_hi = (int64_t)(fee_e16 >> 64);
}

/* One line of text for one event: "seq kind instrument ..." with exact decimals. Writes at most text_bytes,
 * always ends with a zero byte, returns the length. `symbol` may be NULL, and `instrument`, whose units the
 * decimals are in: then the usual ones. */
struct pw_instrument;
int pw_event_print(const struct pw_event *event, const char *symbol, const struct pw_instrument *instrument,
                   char *text, int text_bytes);

#endif
