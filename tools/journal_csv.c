/* SPDX-License-Identifier: MIT
 *
 * pinwheel journal csv: a row an event, a row each level of a book. Columns that a kind does not have stay
 * empty.
 */
#include "journal_tool.h"
#include <ctype.h>
#include <inttypes.h>

struct row {
    const char *side, *state, *reason;
    const int64_t *price_e8, *qty_e8, *ask_price_e8, *ask_qty_e8;
    const uint64_t *id, *first_id;
    uint64_t count;
    bool has_count;
    const char *fee, *detail;
};

static const char csv_head[] =
    "position,recv_ns,venue_ns,kind,symbol,side,price,qty,ask_price,ask_qty,id,first_id,"
    "count,state,reason,fee,detail\n";

static void print_e8(const int64_t *value_e8)
{
    printf(",%s", value_e8 ? journal_fixed(*value_e8, 8) : "");
}

static void print_u64(const uint64_t *value)
{
    if (value) {
        printf(",%" PRIu64, *value);
    } else {
        putchar(',');
    }
}

static void print_row(const struct journal_session *session, const struct pw_journal_record *record,
                      const struct row *row)
{
    const struct pw_event *event = &record->event;
    const char *symbol = journal_symbol(session, event);
    printf("%" PRIu64 ",%" PRId64 ",%" PRId64 ",%s,%s,%s", record->market_seq, event->recv_ns,
           event->venue_ns, pw_event_kind_name(event->kind), symbol ? symbol : "",
           row->side ? row->side : "");
    print_e8(row->price_e8);
    print_e8(row->qty_e8);
    print_e8(row->ask_price_e8);
    print_e8(row->ask_qty_e8);
    print_u64(row->id);
    print_u64(row->first_id);
    print_u64(row->has_count ? &row->count : NULL);
    printf(",%s,%s,%s,%s\n", row->state ? row->state : "", row->reason ? row->reason : "",
           row->fee ? row->fee : "", row->detail ? row->detail : "");
}

static void print_levels(const struct journal_session *session, const struct pw_journal_record *record)
{
    const struct pw_levels *levels = &record->event.body.levels;
    for (int i = 0; i <= !!(record->event.flags & PW_FLAG_PAIR); i++) {
        print_row(session, record,
                  &(struct row){.side = record->event.flags & PW_FLAG_SELL ? "sell" : "buy",
                                .price_e8 = &levels->level[i].price_e8,
                                .qty_e8 = &levels->level[i].qty_e8,
                                .id = &levels->update_id});
    }
}

static const char *depth_detail(const struct pw_event *event)
{
    return event->flags & PW_FLAG_SNAPSHOT ? "snapshot" : event->flags & PW_FLAG_STALE ? "stale" : "";
}

/* The row of an event's body; false: it has none, or rows of its own. */
static void fill_market_row(const struct pw_event *event, struct row *row, char detail[160])
{
    switch (event->kind) {
    case PW_EVENT_QUOTE:
        *row = (struct row){.price_e8 = &event->body.quote.bid_price_e8,
                            .qty_e8 = &event->body.quote.bid_qty_e8,
                            .ask_price_e8 = &event->body.quote.ask_price_e8,
                            .ask_qty_e8 = &event->body.quote.ask_qty_e8,
                            .id = &event->body.quote.update_id};
        break;
    case PW_EVENT_TRADE:
        snprintf(detail, 160, "trade_ns=%" PRId64, event->body.trade.trade_ns);
        *row = (struct row){.price_e8 = &event->body.trade.price_e8,
                            .qty_e8 = &event->body.trade.qty_e8,
                            .id = &event->body.trade.trade_id};
        break;
    case PW_EVENT_AGG_TRADE:
        snprintf(detail, 160, "match_offset_us=%" PRId32, event->body.agg_trade.match_offset_us);
        *row = (struct row){.price_e8 = &event->body.agg_trade.price_e8,
                            .qty_e8 = &event->body.agg_trade.qty_e8,
                            .id = &event->body.agg_trade.agg_id,
                            .first_id = &event->body.agg_trade.first_trade_id,
                            .count = event->body.agg_trade.trade_cnt,
                            .has_count = true};
        break;
    case PW_EVENT_DEPTH:
        snprintf(detail, 160, "%s", depth_detail(event));
        *row = (struct row){.id = &event->body.depth.last_update_id,
                            .first_id = &event->body.depth.first_update_id,
                            .count = (uint64_t)event->body.depth.bid_cnt + event->body.depth.ask_cnt,
                            .has_count = true};
        break;
    case PW_EVENT_CANDLE:
        snprintf(detail, 160, "open=%s high=%s low=%s%s", journal_fixed(event->body.candle.open_e8, 8),
                 journal_fixed(event->body.candle.high_e8, 8), journal_fixed(event->body.candle.low_e8, 8),
                 event->flags & PW_FLAG_CLOSED ? " closed" : "");
        *row =
            (struct row){.price_e8 = &event->body.candle.close_e8, .qty_e8 = &event->body.candle.volume_e8};
        break;
    case PW_EVENT_CANDLE_INFO:
        snprintf(detail, 160, "open_ns=%" PRId64 " interval_s=%" PRIu32 " first=%" PRId64 " last=%" PRId64,
                 event->body.candle_info.open_ns, event->body.candle_info.interval_s,
                 event->body.candle_info.first_trade_id, event->body.candle_info.last_trade_id);
        *row = (struct row){.qty_e8 = &event->body.candle_info.quote_volume_e8,
                            .count = event->body.candle_info.trade_cnt,
                            .has_count = true};
        break;
    default:
        break;
    }
}

/* As far as it is a word: it came from outside, and a comma would make columns of it. */
static int asset_bytes(const struct pw_fill_info *info)
{
    int bytes = 0;
    while (bytes < (int)sizeof info->fee_asset && isalnum((unsigned char)info->fee_asset[bytes])) {
        bytes++;
    }
    return bytes;
}

static void fill_decision_row(const struct pw_event *event, struct row *row, char detail[160])
{
    switch (event->kind) {
    case PW_EVENT_SIGNAL:
        snprintf(detail, 160, "direction=%" PRId32 " a=%" PRId64 " b=%" PRId64, event->body.signal.direction,
                 event->body.signal.value_a, event->body.signal.value_b);
        break;
    case PW_EVENT_INTENT:
        *row = (struct row){.price_e8 = &event->body.intent.price_e8,
                            .qty_e8 = &event->body.intent.qty_e8,
                            .id = &event->body.intent.client_order_id,
                            .state = event->body.intent.action == PW_CANCEL    ? "cancel"
                                     : event->body.intent.action == PW_REPLACE ? "replace"
                                                                               : "place"};
        break;
    case PW_EVENT_ORDER:
        *row = (struct row){.price_e8 = &event->body.order.price_e8,
                            .qty_e8 = &event->body.order.leaves_qty_e8,
                            .id = &event->body.order.client_order_id,
                            .state = pw_order_state_name(event->body.order.state),
                            .reason = pw_reason_name(event->body.order.reason)};
        break;
    case PW_EVENT_FILL:
        *row = (struct row){.price_e8 = &event->body.fill.price_e8,
                            .qty_e8 = &event->body.fill.qty_e8,
                            .id = &event->body.fill.client_order_id,
                            .fee = journal_fixed(pw_fill_fee_e16(&event->body.fill), 16)};
        break;
    case PW_EVENT_FILL_INFO:
        snprintf(detail, 160, "fee_asset=%.*s", asset_bytes(&event->body.fill_info),
                 event->body.fill_info.fee_asset);
        *row = (struct row){.id = &event->body.fill_info.trade_id,
                            .fee = journal_fixed(pw_fill_info_fee_e16(&event->body.fill_info), 16)};
        break;
    case PW_EVENT_STAMPS:
        *row = (struct row){.id = &event->body.stamps.client_order_id};
        break;
    case PW_EVENT_CONSUMED:
        *row = (struct row){.count = event->body.consumed.report_seq, .has_count = true};
        break;
    default:
        break;
    }
}

static void fill_state_row(const struct pw_event *event, struct row *row, char detail[160])
{
    const struct pw_state *state = &event->body.state;
    const char *name = "";
    switch (event->kind) {
    case PW_EVENT_GAP:
        *row = (struct row){.id = &event->body.gap.last,
                            .first_id = &event->body.gap.first,
                            .count = event->body.gap.lost_cnt,
                            .has_count = true,
                            .reason = pw_reason_name(event->body.gap.reason)};
        return;
    case PW_EVENT_BOOK_STATE:
        name = pw_book_state_name(state->state);
        break;
    case PW_EVENT_FEED_STATE:
        name = pw_feed_state_name(state->state);
        break;
    case PW_EVENT_COMMAND:
        name = state->state == PW_COMMAND_HALT     ? "halt"
               : state->state == PW_COMMAND_RESUME ? "resume"
                                                   : "stop";
        break;
    default:
        return;
    }
    snprintf(detail, 160, "feed_idx=%" PRIu32, state->feed_idx);
    *row = (struct row){.state = name, .reason = pw_reason_name(state->reason), .id = &state->last_update_id};
}

static bool has_side(unsigned kind)
{
    return kind == PW_EVENT_TRADE || kind == PW_EVENT_AGG_TRADE || kind == PW_EVENT_INTENT ||
           kind == PW_EVENT_ORDER || kind == PW_EVENT_FILL;
}

static void print_csv(const struct journal_session *session, const struct pw_journal_record *record)
{
    const struct pw_event *event = &record->event;
    struct row row = {0};
    char detail[160] = "";
    if (event->kind == PW_EVENT_LEVELS) {
        print_levels(session, record);
        return;
    }
    fill_market_row(event, &row, detail);
    fill_decision_row(event, &row, detail);
    fill_state_row(event, &row, detail);
    row.side = has_side(event->kind) ? event->flags & PW_FLAG_SELL ? "sell" : "buy" : NULL;
    row.detail = detail;
    print_row(session, record, &row);
}

int journal_csv(struct journal_session *session)
{
    fputs(csv_head, stdout);
    return journal_for_each(session, print_csv);
}
