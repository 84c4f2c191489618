/* SPDX-License-Identifier: MIT
 *
 * pinwheel why, for people: an order's story in 100 columns.
 */
#include "orders.h"
#include "text.h"
#include "why.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define COLUMNS   100
#define BAR_WIDTH 30
#define LIFE_BAR  10

/* ---- numbers ---- */

/* In one of a few static buffers. */
static const char *span_text(int64_t ns)
{
    static const struct {
        int64_t below_ns;
        double unit_ns;
        const char *format;
    } units[] = {{10000, 1, "%.0f ns"},
                 {1000000, 1e3, "%.1f us"},
                 {1000000000, 1e6, "%.2f ms"},
                 {INT64_MAX, 1e9, "%.2f s"}};
    static char texts[4][32];
    static unsigned next;
    char *text = texts[next++ % 4];
    uint32_t i = 0;
    while (i < 3 && llabs(ns) >= units[i].below_ns) {
        i++;
    }
    snprintf(text, sizeof texts[0], units[i].format, (double)ns / units[i].unit_ns);
    return text;
}

/* "2024-08-09T00:00:00.123456789Z", in one of a few static buffers. */
static const char *time_text(int64_t ns)
{
    static char texts[2][40];
    static unsigned next;
    struct pw_text text = pw_text_start(texts[next++ % 2], sizeof texts[0]);
    pw_text_put_iso(&text, ns);
    return text.at;
}

/* With blanks up to its width if `filled_up`. */
static void print_bar(double share, int width, bool filled_up)
{
    static const char marks[] = "##############################";
    int filled = (int)(share * width + 0.5);
    filled = filled < 0 ? 0 : filled > width ? width : filled;
    printf("%-*.*s", filled_up ? width : 0, filled, marks);
}

/* ---- lines ---- */

static void print_head(const char *title)
{
    printf("\n%s\n", title);
}

/* Words in lines that fit, behind so many blanks. */
static void print_wrapped(const char *words, int indent)
{
    int column = 0;
    while (*words) {
        int len = (int)strcspn(words, " ");
        if (column > 0 && column + 1 + len > COLUMNS) {
            putchar('\n');
            column = 0;
        }
        column += printf("%*s%.*s", column > 0 ? 1 : indent, "", len, words);
        words += len;
        words += strspn(words, " ");
    }
    putchar('\n');
}

/* Cuts the word "key=..." out of a line of words. */
static void cut_word(char *line, const char *key)
{
    char *word = strstr(line, key);
    if (word) {
        char *end = word + strcspn(word, " ");
        memmove(word, end + (*end == ' '), strlen(end + (*end == ' ')) + 1);
    }
}

/* An event's kind, symbol and fields; its times are printed apart, as times. */
static void print_fields(const struct journal_session *session, const struct pw_event *event)
{
    char line[1024];
    pw_event_print(event, journal_symbol(session, event->instrument_idx),
                   journal_instrument(session, event->instrument_idx), line, sizeof line);
    cut_word(line, "recv_ns=");
    cut_word(line, "venue_ns=");
    print_wrapped(line, 2);
}

/* ---- the parts ---- */

static void print_title(const struct journal_session *session, const struct why_story *story)
{
    const struct pw_event *first = why_first(story), *last = why_last(story);
    const struct pw_order *order = &first->body.order;
    const char *symbol = journal_symbol(session, first->instrument_idx);
    const struct pw_intent *intent = &story->intent.body.intent;
    char venue_id[WHY_VENUE_ID_BYTES];
    printf("order %" PRIu64 " (at the venue %s)\n", story->client_order_id,
           why_venue_id(story->entry, session, story->client_order_id, false, venue_id));
    printf("%s", why_side(first));
    if (story->has_intent) {
        printf(" %s", why_qty(story, intent->qty_e8));
    }
    printf(" %s %s %s", symbol ? symbol : "?", pw_order_type_name(order->type), pw_tif_name(order->tif));
    if (order->price_e8) {
        printf(" at %s", why_price(story, order->price_e8));
    }
    if (story->has_intent && intent->action == PW_PLACE && intent->stop_price_e8) {
        printf(", stop at %s", why_price(story, intent->stop_price_e8));
    }
    printf(": %s\n", pw_order_state_name(last->body.order.state));
    printf("run %" PRIu64 " of engine '%s', gateway %s, strategy %u%s%s%s%s%s, tag %u\n", session->run.run_id,
           session->run.instance, story->gateway, order->strategy_idx, story->strategy[0] ? " " : "",
           story->strategy, story->kind[0] ? " (" : "", story->kind, story->kind[0] ? ")" : "", order->tag);
}

/* In the strategy's own words: "fast_mean 61504.6, slow_mean 61504.5". */
static void print_signal_values(const struct journal_session *session, const struct why_story *story)
{
    char line[256];
    const char *const *names = why_signal_names(story);
    const struct pw_signal *signal = &story->signal.body.signal;
    const struct pw_instrument *instrument = journal_instrument(session, story->signal.instrument_idx);
    if (names) {
        struct pw_text text = pw_text_start(line, sizeof line);
        pw_text_put(&text, "%s ", names[0]);
        pw_text_put_price(&text, instrument, signal->value_a);
        pw_text_put(&text, ", %s ", names[1]);
        pw_text_put_price(&text, instrument, signal->value_b);
        printf("  %s\n", line);
    }
}

static void print_cause(const struct journal_session *session, const struct why_story *story)
{
    print_head("CAUSE");
    if (why_no_market(story)) {
        printf("  %s\n", why_no_market(story));
    } else {
        const struct pw_event *market = &story->market;
        bool is_cause = market->recv_ns == story->intent.recv_ns;
        printf("  %s %" PRIu64 ", received %s\n",
               is_cause ? "market event" : "a report or a timer; last market event before it:",
               story->market_seq, time_text(market->recv_ns));
        if (market->venue_ns) {
            printf("  exchange time %s, %s earlier (difference of two clocks)\n", time_text(market->venue_ns),
                   span_text(market->recv_ns - market->venue_ns));
        } else {
            printf("  exchange time n/a\n");
        }
        print_fields(session, market);
    }
    print_head("SIGNAL");
    if (story->has_signal) {
        print_fields(session, &story->signal);
        print_signal_values(session, story);
    } else {
        printf("  none in the journal before this order\n");
    }
    print_head("ORDER REQUEST");
    if (story->has_intent) {
        print_fields(session, &story->intent);
    } else {
        printf("  not in the journal\n");
    }
}

/* Flags and reasons have no figures to show. */
static void print_check(const struct why_story *story, const char *name,
                        const struct pw_risk_finding *finding)
{
    printf("  %-6s  ", finding->passed ? "ok" : "FAILED");
    if (finding->unit == PW_RISK_FLAG || finding->unit == PW_RISK_REASON) {
        printf(finding->passed ? "%s" : "%-56s", name);
    } else {
        const char *unit = finding->unit == PW_RISK_NS ? " s" : "";
        printf("%-16s %*s%s  %s %s%s", name, (int)(24 - strlen(unit)),
               why_measure(story, finding, finding->value), unit, finding->at_least ? "at least" : "at most ",
               why_measure(story, finding, finding->limit), unit);
    }
    printf("%s%s\n", finding->passed ? "" : "  ", finding->passed ? "" : pw_reason_name(finding->reason));
}

static void print_filter_price(const struct journal_session *session, const struct why_story *story)
{
    const struct why_filter_price price = why_filter_price(session, story);
    if (!price.applies) {
        return;
    }
    printf("  the venue's filters judge by ");
    if (price.price_e8 == 0) {
        printf("a price that was not known: the touch was used\n");
        return;
    }
    printf("%s", why_price(story, price.price_e8));
    if (price.source == PW_PRICE_MEAN) {
        printf(", the mean of %" PRIu32 " minutes", price.mins);
    } else if (price.source != PW_PRICE_NONE) {
        printf(", the %s price", pw_price_source_name(price.source));
    }
    printf(price.source != PW_PRICE_NONE ? ", told %s before\n" : "\n", span_text(price.age_ns));
}

static void print_verdict(const struct why_verdict *verdict)
{
    if (verdict->after) {
        printf("  all passed; denied afterwards, by the order table or the gateway: %s\n",
               pw_reason_name(verdict->recorded));
    } else if (verdict->agrees) {
        printf("  re-evaluated now: %s%s, matches the journal\n",
               verdict->replayed == PW_REASON_NONE ? "all passed" : "denied for ",
               verdict->replayed == PW_REASON_NONE ? "" : pw_reason_name(verdict->replayed));
    } else {
        printf("  re-evaluated now: %s; DIFFERS FROM THE JOURNAL: %s\n", pw_reason_name(verdict->replayed),
               pw_reason_name(verdict->recorded));
    }
}

static void print_checks(const struct journal_session *session, const struct why_story *story)
{
    struct why_verdict verdict;
    char rest[1024];
    struct pw_text text = pw_text_start(rest, sizeof rest);
    why_judge(session, story, &verdict);
    print_head("RISK CHECKS");
    if (!verdict.known) {
        printf("  %s; in the journal: %s\n", why_no_risk(story),
               verdict.recorded ? pw_reason_name(verdict.recorded) : "passed");
        return;
    }
    for (uint32_t i = 0; i < verdict.check_cnt; i++) {
        if (verdict.findings[i].applies) {
            print_check(story, pw_risk_check_name(i), &verdict.findings[i]);
        } else {
            pw_text_put(&text, " %s", pw_risk_check_name(i));
        }
    }
    if (text.len) {
        printf("  not applicable:\n");
        print_wrapped(rest + 1, 4);
    }
    print_filter_price(session, story);
    print_verdict(&verdict);
}

static void print_hop(const struct why_story *story, const struct why_hop *hop)
{
    if (!hop->known) {
        printf("  %-12s %s\n", hop->label, why_no_hop(story, hop));
        return;
    }
    printf("  %-12s %12s %12s %6.1f %%%s", hop->label, span_text(hop->at_ns), span_text(hop->took_ns),
           100 * hop->share, hop->share * BAR_WIDTH >= 0.5 ? "  " : "");
    print_bar(hop->share, BAR_WIDTH, false);
    putchar('\n');
}

static void print_path(const struct why_story *story)
{
    struct why_hop hops[WHY_HOPS];
    int64_t whole_ns = why_path(story, hops);
    print_head("TICK-TO-TRADE LATENCY");
    if (why_no_stamps(story)) {
        printf("  %s\n", why_no_stamps(story));
        return;
    }
    printf("  %-12s %12s %12s %8s\n", "", "SINCE RECV", "STEP", "SHARE");
    for (uint32_t i = 0; i < WHY_HOPS; i++) {
        print_hop(story, &hops[i]);
    }
    printf("  %-12s %12s %12s\n", "total", "", span_text(whole_ns));
}

/* The fee stands in the FILL_INFO behind it, if there is one: it need not be in the quote currency. */
static void print_fill(const struct why_story *story, const struct pw_event *event, bool has_info)
{
    const struct pw_fill *fill = &event->body.fill;
    printf("fill: %s at %s, %s", why_qty(story, fill->qty_e8), why_price(story, fill->price_e8),
           event->flags & PW_FLAG_MAKER ? "maker" : "taker");
    if (!has_info) {
        printf(", fee %s", journal_decimal(pw_fill_fee_e16(fill), 16));
    }
    putchar('\n');
}

static void print_fill_info(const struct why_story *story, const struct pw_event *event)
{
    const struct pw_fill_info *info = &event->body.fill_info;
    char asset[6 * PW_ASSET_BYTES];
    struct pw_text text = pw_text_start(asset, sizeof asset);
    pw_text_put_fee_asset(&text, info, story->instrument);
    printf("      trade %" PRIu64 ", fee %s %s\n", info->trade_id,
           journal_decimal(pw_fill_info_fee_e16(info), 16), asset);
}

static void print_state(const struct why_story *story, const struct pw_event *event, bool acknowledges)
{
    const struct pw_order *order = &event->body.order;
    printf("%s%s%s, leaves %s", pw_order_state_name(order->state), order->reason ? ": " : "",
           order->reason ? pw_reason_name(order->reason) : "", why_qty(story, order->leaves_qty_e8));
    printf("%s\n", acknowledges ? " (acknowledged)" : "");
}

static void print_step(const struct why_story *story, size_t i, bool acknowledges)
{
    const struct pw_event *event = &story->steps[i];
    switch (event->kind) {
    case PW_EVENT_FILL:
        print_fill(story, event, i + 1 < story->step_cnt && event[1].kind == PW_EVENT_FILL_INFO);
        break;
    case PW_EVENT_FILL_INFO:
        print_fill_info(story, event);
        break;
    case PW_EVENT_ORDER:
        print_state(story, event, acknowledges);
        break;
    case PW_EVENT_INTENT:
        printf("%s requested by the strategy\n",
               event->body.intent.action == PW_CANCEL ? "cancel" : "replace");
        break;
    default:
        printf("command: %s", event->body.state.state == PW_COMMAND_HALT ? "halt" : "stop");
        if (event->body.state.account_nth != 0) {
            printf(" of account %" PRIu32, event->body.state.account_nth);
        }
        putchar('\n');
        break;
    }
}

/* Share of the time from the start to the last step, as a bar. */
static void print_life(const struct why_story *story)
{
    bool is_submission;
    int64_t since_ns = why_since_ns(story, &is_submission);
    int64_t whole_ns = story->steps[story->step_cnt - 1].recv_ns - since_ns;
    const struct why_sums sums = why_sums(story);
    const struct pw_event *acknowledged = why_acknowledged(story);
    print_head("ORDER HISTORY");
    printf("  time since %s%s\n",
           is_submission ? "its request was submitted to the kernel" : "its market event was received",
           why_is_paper(story) ? "; paper fills happen at market time" : "");
    for (size_t i = 0; i < story->step_cnt; i++) {
        int64_t at_ns = story->steps[i].recv_ns - since_ns;
        printf("  %12s  ", span_text(at_ns));
        print_bar(whole_ns > 0 ? (double)at_ns / (double)whole_ns : 0, LIFE_BAR, true);
        printf("  ");
        print_step(story, i, &story->steps[i] == acknowledged);
    }
    printf("  filled %s", why_qty(story, sums.qty_e8));
    if (sums.qty_e8 > 0) {
        printf(" in %" PRIu64 " %s, average price %s", sums.fill_cnt, sums.fill_cnt == 1 ? "fill" : "fills",
               why_price(story, (sums.notional_e16 + sums.qty_e8 / 2) / sums.qty_e8));
    }
    printf("; elapsed %s\n", span_text(whole_ns));
}

static void print_chain(const struct why_story *story)
{
    uint64_t old_id = why_replaced(story, story->client_order_id);
    uint64_t new_id = why_replacement(story, story->client_order_id);
    if (!old_id && !new_id) {
        return;
    }
    print_head("REPLACEMENTS");
    for (size_t i = 0; old_id && i < story->link_cnt; i++, old_id = why_replaced(story, old_id)) {
        printf("  %s %" PRIu64 "\n", i ? "which replaces" : "replaces", old_id);
    }
    for (size_t i = 0; new_id && i < story->link_cnt; i++, new_id = why_replacement(story, new_id)) {
        printf("  %s %" PRIu64 "\n", i ? "then by" : "replaced by", new_id);
    }
}

/* Text without blanks to part it at, cut into lines that fit, but not within a character of UTF-8. */
static void print_cut(const char *text, int indent)
{
    do {
        size_t len = strnlen(text, (size_t)(COLUMNS - indent));
        while (len > 1 && ((unsigned char)text[len] & 0xc0) == 0x80) {
            len--;
        }
        printf("%*s%.*s\n", indent, "", (int)len, text);
        text += len;
    } while (*text);
}

/* Safe in a terminal, in lines that fit; line breaks of pretty text stay. */
static void print_bytes(const char *bytes, size_t cnt)
{
    size_t room = cnt * 6 + 1;
    char *text = malloc(room);
    if (!text) {
        return;
    }
    while (cnt > 0) {
        const char *end = memchr(bytes, '\n', cnt);
        size_t len = end ? (size_t)(end - bytes) : cnt;
        struct pw_text printable = pw_text_start(text, room);
        pw_text_put_printable(&printable, bytes, len);
        print_cut(text, 4);
        bytes += len + (end != NULL);
        cnt -= len + (end != NULL);
    }
    free(text);
}

static void print_message(const struct why_message *message, int64_t since_ns, bool pretty)
{
    const char *span = span_text(message->recv_ns - since_ns);
    if (!message->text) {
        printf("  %12s  connection %s: %s\n", span, pw_feed_state_name(message->state),
               pw_reason_name(message->reason));
        return;
    }
    printf("  %12s  %s, %" PRIu32 " bytes\n", span, message->sent ? "sent" : "received", message->bytes);
    json_t *json = pretty ? json_loadb(message->text, message->bytes, JSON_DECODE_ANY, NULL) : NULL;
    char *text = json ? json_dumps(json, JSON_INDENT(2)) : NULL;
    print_bytes(text ? text : message->text, text ? strlen(text) : message->bytes);
    free(text);
    json_decref(json);
}

static void print_messages(const struct why_story *story, bool pretty)
{
    bool is_submission;
    int64_t since_ns = why_since_ns(story, &is_submission);
    print_head("MESSAGES");
    if (why_no_messages(story)) {
        printf("  %s\n", why_no_messages(story));
    }
    for (size_t i = 0; i < story->message_cnt; i++) {
        print_message(&story->messages[i], since_ns, pretty);
    }
}

void why_print_text(struct journal_session *session, const struct why_story *story,
                    const struct why_options *options)
{
    print_title(session, story);
    print_cause(session, story);
    print_checks(session, story);
    print_path(story);
    print_life(story);
    print_chain(story);
    print_messages(story, options->pretty);
}
