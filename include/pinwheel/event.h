/* SPDX-License-Identifier: MIT
 *
 * The event: one cache line that carries everything that pinwheel's stages tell each other.
 *
 * The same 64 bytes stand in the rings, in the journal's decoded form and in the backtest. There are no pointers
 * and no padding; all integers are in host byte order (little-endian hosts only). Prices and quantities are scaled
 * by 1e8 (`_e8`), amounts of money by 1e16 (`_e16`, a 128-bit integer in two words: the exact product of a price and
 * a quantity), times are nanoseconds since the Unix epoch (`_ns`); 0 means that the source gave no time.
 */
#ifndef PINWHEEL_EVENT_H
#define PINWHEEL_EVENT_H

#include <assert.h>
#include <stdint.h>

#define PW_E8 INT64_C(100000000)

/* What an event is. The numbers are part of the journal's format: append, never renumber. */
enum pw_event_kind {
    PW_EVENT_NONE = 0,

    /* Market data: parse -> strategy and journal. */
    PW_EVENT_QUOTE = 1,       /* body.quote: best bid and offer */
    PW_EVENT_TRADE = 2,       /* body.trade */
    PW_EVENT_AGG_TRADE = 3,   /* body.agg_trade: the fills of one taker order at one price */
    PW_EVENT_DEPTH = 4,       /* body.depth: begins a book update or snapshot; its levels follow at once */
    PW_EVENT_LEVELS = 5,      /* body.levels: one or two levels of the update begun by the DEPTH before it */
    PW_EVENT_CANDLE = 6,      /* body.candle */
    PW_EVENT_CANDLE_INFO = 7, /* body.candle_info: the second half of the CANDLE before it */
    PW_EVENT_BOOK_STATE = 8,  /* body.state: enum pw_book_state of one instrument */
    PW_EVENT_FEED_STATE = 9,  /* body.state: enum pw_feed_state of one feed */
    PW_EVENT_GAP = 10,        /* body.gap: something is known to be missing here */

    /* Decisions and their outcome: strategy -> execution -> journal. */
    PW_EVENT_TIME = 16,     /* no body: recv_ns is the time; born in strategy when the market is quiet */
    PW_EVENT_SIGNAL = 17,   /* body.signal: what a strategy saw */
    PW_EVENT_INTENT = 18,   /* body.intent: what a strategy wants */
    PW_EVENT_ORDER = 19,    /* body.order: a state that an order has reached */
    PW_EVENT_FILL = 20,     /* body.fill: follows the ORDER event that it caused */
    PW_EVENT_CONSUMED = 21, /* body.consumed: strategy took a report after this much of the market */
    PW_EVENT_COMMAND = 22,  /* body.state: enum pw_command taken by execution */
    PW_EVENT_FILL_INFO = 23, /* body.fill_info: the second half of the FILL before it, where a venue told more */
    PW_EVENT_STAMPS = 24,    /* body.stamps: when an order passed each hop; recv_ns is the origin */
    /* What risk looked at, after the INTENT and before the ORDER that says how it ended. */
    PW_EVENT_RISK_MARKET = 25, /* body.risk_market */
    PW_EVENT_RISK_CASH = 26,   /* body.risk_cash */
    PW_EVENT_RISK_LIMITS = 27, /* body.risk_limits */

    /* Between net, parse and housekeeping. */
    PW_EVENT_FRAME = 32,            /* body.frame: bytes in the ring's payload area */
    PW_EVENT_SNAPSHOT_REQUEST = 33, /* no body: instrument_idx needs a REST depth snapshot */
    PW_EVENT_CONN = 34,             /* body.conn: a connection changes hands */
};

/* Bits of pw_event.flags. */
#define PW_FLAG_SELL     0x01u /* trades: the aggressor sold; levels: ask side; orders and fills: sell */
#define PW_FLAG_PAIR     0x02u /* LEVELS: both levels are in use (else only level[0]) */
#define PW_FLAG_SNAPSHOT 0x04u /* DEPTH, LEVELS: the whole book anew, not an update */
#define PW_FLAG_LAST     0x08u /* ends a message: on the last LEVELS, or on a DEPTH without levels */
#define PW_FLAG_STALE    0x10u /* DEPTH, LEVELS: for the record only, not part of a synchronised book: do not apply */
#define PW_FLAG_MAKER    0x20u /* FILL: our order was resting */
#define PW_FLAG_CLOSED   0x40u /* CANDLE: the bucket is final */
#define PW_FLAG_SENT     0x80u /* FRAME: by us; else received */

enum pw_side { PW_BUY = 0, PW_SELL = 1 };

enum pw_book_state {
    PW_BOOK_UNSYNCED = 0, /* no trusted book; reason says why */
    PW_BOOK_SYNCED = 1,
};

enum pw_feed_state {
    PW_FEED_DOWN = 0,
    PW_FEED_CONNECTING = 1,
    PW_FEED_UP = 2,
    PW_FEED_STALE = 3, /* connected, but nothing has come for longer than the config allows */
};

/* Why something is missing or a state was left; the text of each is in pw_reason_name. */
enum pw_reason {
    PW_REASON_NONE = 0,
    PW_REASON_START = 1,
    PW_REASON_DISCONNECT = 2,     /* the feed's connection ended: unknown how much is missing */
    PW_REASON_SEQUENCE = 3,       /* the venue's ids jumped */
    PW_REASON_JOURNAL_FULL = 4,   /* the journal's ring was full: market events were dropped */
    PW_REASON_FRAME_INVALID = 5,  /* a message could not be decoded and was dropped */
    PW_REASON_BUFFER_FULL = 6,    /* too many updates while waiting for a snapshot */
    PW_REASON_CROSSED = 7,        /* the book's sides crossed */
    PW_REASON_OVERFLOW = 8,       /* more levels than the book holds */

    /* Denied by us, before anything is sent. */
    PW_REASON_HALTED = 32,
    PW_REASON_PRICE_FILTER = 33,
    PW_REASON_LOT_SIZE = 34,
    PW_REASON_MIN_NOTIONAL = 35,
    PW_REASON_MAX_NOTIONAL = 36,
    PW_REASON_MAX_POSITION = 37,
    PW_REASON_CASH = 38,
    PW_REASON_ORDER_RATE = 39,
    PW_REASON_NO_QUOTE = 40,
    PW_REASON_NOT_TRADING = 41,   /* the venue's status of the instrument is not TRADING */
    PW_REASON_UNKNOWN_INSTRUMENT = 42,
    PW_REASON_BAD_INTENT = 43,    /* malformed: zero quantity, unknown type, duplicate id */
    PW_REASON_NO_ROOM = 44,       /* the journal's ring is short of room: no new risk */
    PW_REASON_NO_POSITION = 45,   /* would go short, and the config does not allow it */
    PW_REASON_STALE = 46,         /* the feed is down or stale, or what was decided on is too old */
    PW_REASON_NOT_CONNECTED = 47, /* order entry is down, or the account not yet known */
    PW_REASON_REQUEST_LIMIT = 48, /* the venue would not take it now: its limits, or a ban */
    PW_REASON_VENUE_TIME = 49,    /* the venue's clock is not known well enough to date a request */
    PW_REASON_NOT_OPEN = 50,      /* the order to be replaced is not open, not its own, or another side's */
    PW_REASON_REPORT = 51,        /* halted: a report of the venue's contradicts what is known of its order */
    PW_REASON_LEFTOVERS = 52,     /* order entry is not ready: orders of earlier runs are open, and stay so */

    /* Said by the venue. */
    PW_REASON_VENUE_REFUSED = 64, /* for a reason that has no number here */
    PW_REASON_VENUE_FUNDS = 65,
    PW_REASON_VENUE_DUPLICATE = 66,     /* a client order id that is in use */
    PW_REASON_VENUE_WOULD_TAKE = 67,    /* post-only, and would not have rested */
    PW_REASON_VENUE_WOULD_TRIGGER = 68, /* a stop price that is already passed */
    PW_REASON_VENUE_FILTER = 69,        /* price, quantity or notional against its rules: ours may be stale */
    PW_REASON_VENUE_RATE = 70,
    PW_REASON_VENUE_CLOCK = 71,
    PW_REASON_VENUE_KEY = 72, /* key, signature or permission */
    PW_REASON_VENUE_BUSY = 73,
    PW_REASON_VENUE_UNKNOWN = 74, /* it does not know what became of it */
    PW_REASON_VENUE_NOT_FOUND = 75,
    PW_REASON_VENUE_NOT_TRADING = 76,
    PW_REASON_VENUE_MALFORMED = 77, /* the request was wrong */
};

enum pw_order_type {
    PW_MARKET = 0,
    PW_LIMIT = 1,
    PW_LIMIT_MAKER = 2, /* post-only: refused if it would take */
    PW_STOP_LOSS = 3,   /* a market order once the last price is as bad as the stop price */
    PW_STOP_LOSS_LIMIT = 4,
    PW_TAKE_PROFIT = 5, /* the same once it is as good */
    PW_TAKE_PROFIT_LIMIT = 6,
};
#define PW_ORDER_TYPES 7u
enum pw_tif { PW_GTC = 0, PW_IOC = 1, PW_FOK = 2 };
enum pw_intent_action { PW_PLACE = 0, PW_CANCEL = 1, PW_REPLACE = 2 };

enum pw_order_state {
    PW_ORDER_NONE = 0,
    PW_ORDER_IN_FLIGHT = 1,
    PW_ORDER_OPEN = 2,
    PW_ORDER_PARTIALLY_FILLED = 3,
    PW_ORDER_FILLED = 4,
    PW_ORDER_CANCELED = 5,
    PW_ORDER_REJECTED = 6, /* by the venue */
    PW_ORDER_DENIED = 7,   /* by our own checks: nothing was sent */
    PW_ORDER_PENDING_CANCEL = 8,
    PW_ORDER_PENDING_REPLACE = 9, /* a cancel-and-replace of it is on its way */
    PW_ORDER_REPLACED = 10,       /* canceled by that; what stands in its place is an order of its own */
    PW_ORDER_EXPIRED = 11,        /* ended by the venue's rules: immediate or cancel, self-trade prevention */
    PW_ORDER_UNKNOWN = 12,        /* time-out, disconnect, or fills that are said to be but have not come */
};

/* PAUSE, to the live gateway alone, is not journalled: venue_ns is until when the venue takes no requests. */
enum pw_command { PW_COMMAND_HALT = 1, PW_COMMAND_RESUME = 2, PW_COMMAND_STOP = 3, PW_COMMAND_PAUSE = 4 };

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
    uint32_t trade_cnt;       /* last_trade_id = first_trade_id + trade_cnt - 1 */
    int32_t match_offset_us;  /* venue_ns - match time; the decoder refuses what does not fit */
};

struct pw_depth {
    uint64_t first_update_id, last_update_id;
    uint64_t prev_update_id; /* last_update_id of the update before, where the venue says it; else 0 */
    uint32_t bid_cnt, ask_cnt;
    uint64_t reserved;
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

struct pw_state {
    uint32_t state;  /* the enum that the kind names */
    uint32_t reason; /* enum pw_reason */
    uint32_t feed_idx;
    uint32_t reserved0;
    uint64_t last_update_id;
    uint64_t market_seq; /* COMMAND: taken after this much of the market; else 0 */
    uint64_t reserved1;
};

struct pw_gap {
    uint64_t first, last; /* missing ids or sequence numbers, both inclusive; 0, 0: unknown */
    uint64_t lost_cnt;    /* 0: unknown */
    uint32_t reason;      /* enum pw_reason */
    uint32_t feed_idx;
    uint64_t reserved;
};

/* Every event between strategy and journal names the market event after which it was made (market_seq, the full
 * 64 bits of the parse stage's count), so that the journal can be put back into the order of consumption. */
struct pw_signal {
    int64_t value_a, value_b; /* the strategy's own numbers; ma_cross: slow * sum(fast), fast * sum(slow), in e8 */
    int32_t direction;        /* +1 up, -1 down, 0 none */
    uint32_t strategy_idx;
    uint64_t market_seq;
    uint64_t reserved;
};

struct pw_intent {
    int64_t price_e8; /* 0 for market orders */
    int64_t qty_e8;
    union {
        uint64_t client_order_id; /* CANCEL, REPLACE: the order to cancel; the new one's id execution assigns */
        int64_t stop_price_e8;    /* PLACE: of the types that have one, else 0. They cannot be replaced */
    };
    uint64_t market_seq;
    uint8_t action, type, tif, reserved; /* enum pw_intent_action, pw_order_type, pw_tif; PW_FLAG_SELL is the side */
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

/* What FILL has no room for. A fee in another asset than the instrument's quote is told here alone: the FILL's is then
 * 0. Else both say the same. Follows its FILL. One in the instrument's base asset was taken of what the fill brought. */
struct pw_fill_info {
    uint64_t trade_id;   /* the venue's; unique in its instrument */
    char fee_asset[16];  /* as the venue spells it, zeros behind */
    uint64_t fee_e16_lo; /* as in pw_fill */
    int64_t fee_e16_hi;
};

/* When one order passed each hop, in nanoseconds from its event's recv_ns, when net_rx saw that the bytes that caused
 * it had come; PW_STAMP_NONE: not known, or later than 4.2 s. */
struct pw_stamps {
    uint64_t client_order_id;
    uint32_t kernel_ago_ns; /* how long before recv_ns the kernel had the bytes */
    uint32_t decrypted_ns, decoded_ns;
    uint32_t decided_ns; /* by the strategy */
    uint32_t checked_ns; /* by risk */
    uint32_t encoded_ns; /* the request's bytes are complete */
    uint32_t sealed_ns;  /* and encrypted */
    uint32_t submitted_ns; /* and the system call that sends it begins */
};
#define PW_STAMP_NONE UINT32_MAX

/* What risk looked at besides the intent and the instrument: struct pw_risk_input in src/core/risk.h, in three
 * parts. */
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
    uint32_t feed_idx;      /* the order-entry connection's is the number of feeds */
    uint32_t state, reason; /* notices: enum pw_feed_state, pw_reason */
    union {
        struct {
            int64_t kernel_ns;    /* received: when the kernel had its last bytes; 0: it does not say */
            int64_t decrypted_ns; /* received: when it was plain text */
        };
        struct {
            uint64_t client_order_id; /* sent: the order that it places or replaces by; 0: another request */
            uint64_t epoch; /* sent, and notices of the order-entry connection: the connection's number */
        };
    };
};

/* Order-entry connections are numbered from 1 as they come up. The notices UP and DOWN bear the number in `epoch`, and
 * each request must bear that of the last UP that its maker has seen: net_tx sends it on that connection or on none.
 * What is for a connection that is not there any more, or is larger than this, is dropped and counted (net_tx.dropped),
 * so a request that has no answer when the DOWN comes may have been sent or not: it is unknown, and never sent later. */
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
    int64_t venue_ns;        /* when the venue says that it sent it; 0: it does not say. INTENT on its way to execution:
                              * when the strategy had decided */
    union {
        struct pw_quote quote;
        struct pw_trade trade;
        struct pw_agg_trade agg_trade;
        struct pw_depth depth;
        struct pw_levels levels;
        struct pw_candle candle;
        struct pw_candle_info candle_info;
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
static_assert(sizeof(struct pw_quote) == 40 && sizeof(struct pw_trade) == 40 && sizeof(struct pw_agg_trade) == 40 &&
                  sizeof(struct pw_depth) == 40 && sizeof(struct pw_levels) == 40 && sizeof(struct pw_candle) == 40 &&
                  sizeof(struct pw_candle_info) == 40 && sizeof(struct pw_state) == 40 &&
                  sizeof(struct pw_gap) == 40 && sizeof(struct pw_signal) == 40 && sizeof(struct pw_intent) == 40 &&
                  sizeof(struct pw_order) == 40 && sizeof(struct pw_fill) == 40 &&
                  sizeof(struct pw_fill_info) == 40 && sizeof(struct pw_stamps) == 40 &&
                  sizeof(struct pw_risk_market) == 40 && sizeof(struct pw_risk_cash) == 40 &&
                  sizeof(struct pw_risk_limits_kept) == 40 &&
                  sizeof(struct pw_consumed) == 40 && sizeof(struct pw_frame) == 40 && sizeof(struct pw_conn) == 40,
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

/* Lower-case names for people and scripts ("quote", "sequence"); never NULL, "?" for a number unknown here. */
const char *pw_event_kind_name(unsigned kind);
const char *pw_reason_name(unsigned reason);
const char *pw_order_state_name(unsigned state);
const char *pw_order_type_name(unsigned type);
const char *pw_tif_name(unsigned tif);
const char *pw_feed_state_name(unsigned state);
const char *pw_book_state_name(unsigned state);

/* One line of text for one event: "seq kind instrument ..." with exact decimals. Writes at most text_bytes, always
 * ends with a zero byte, returns the length. `symbol` may be NULL. */
int pw_event_print(const struct pw_event *event, const char *symbol, char *text, int text_bytes);

#endif
