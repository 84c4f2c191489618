/* SPDX-License-Identifier: MIT
 *
 * One look at a workspace as lines for people.
 *
 * The columns of each section are in the order of what matters; what a narrow terminal lacks room for
 * continues below.
 */
#include "metrics_table.h"
#include "top.h"
#include <inttypes.h>
#include <math.h>
#include <pinwheel/histogram.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define HIST_NAME_COLUMNS 25
#define HEARTBEAT_LATE_NS INT64_C(1000000000) /* housekeeping writes it about each millisecond */

/* ---- counters over time ---- */

/* By how much a counter has grown since the look before. */
static uint64_t look_growth(struct pw_look *look, uint64_t value)
{
    if (look->asked_cnt == PW_TOP_COUNTERS_MAX) {
        return 0;
    }
    uint64_t *before = &look->before[look->asked_cnt++];
    uint64_t growth = value > *before ? value - *before : 0;
    *before = value;
    return growth;
}

double pw_look_rate(struct pw_look *look, uint64_t value)
{
    uint64_t growth = look_growth(look, value);
    return look->seconds > 0 ? (double)growth / look->seconds : 0;
}

struct pw_shares pw_look_shares(struct pw_look *look, const struct pw_stage_view *stage)
{
    double busy = (double)look_growth(look, pw_watch_get(&stage->busy_ns));
    double stalled = (double)look_growth(look, pw_watch_get(&stage->stalled_ns));
    double idle = (double)look_growth(look, pw_watch_get(&stage->idle_ns));
    double all = busy + stalled + idle;
    return all > 0 ? (struct pw_shares){busy / all, stalled / all, idle / all} : (struct pw_shares){0};
}

/* ---- short forms ---- */

struct small {
    char text[128]; /* an instrument's whole name */
};

/* Three digits and what they are thousands of: "1.23 M". */
static struct small count_text(double value)
{
    static const char *const units[] = {"", " k", " M", " G", " T", " P"};
    struct small small;
    size_t i = 0;
    for (; value >= 999.5 && i < 5; i++) {
        value /= 1000;
    }
    int decimals = value >= 99.95 || (i == 0 && value == floor(value)) ? 0 : value >= 9.995 ? 1 : 2;
    snprintf(small.text, sizeof small.text, "%.*f%s", decimals, value, units[i]);
    return small;
}

/* Three digits: "5.02 us". */
static struct small duration_text(int64_t ns)
{
    static const char *const units[] = {"ns", "us", "ms"};
    struct small small;
    if (ns >= INT64_C(600000000000)) {
        int64_t s = ns / 1000000000;
        snprintf(small.text, sizeof small.text, "%" PRId64 ":%02d:%02d", s / 3600, (int)(s / 60 % 60),
                 (int)(s % 60));
        return small;
    }
    double value = ns < 0 ? 0 : (double)ns;
    size_t i = 0;
    for (; value >= 999.5 && i < 3; i++) {
        value /= 1000;
    }
    int decimals = value >= 99.95 || i == 0 ? 0 : value >= 9.995 ? 1 : 2;
    snprintf(small.text, sizeof small.text, "%.*f %s", decimals, value, i < 3 ? units[i] : "s");
    return small;
}

static struct small age_text(const struct pw_look *look, int64_t then_ns)
{
    if (then_ns == 0) {
        return (struct small){"never"};
    }
    return duration_text(look->wall_ns > then_ns ? look->wall_ns - then_ns : 0);
}

static struct small price_text(const struct pw_instrument *instrument, int64_t price)
{
    struct small small;
    struct pw_text text = pw_text_start(small.text, sizeof small.text);
    pw_text_put_price(&text, instrument, price);
    return small;
}

static struct small qty_text(const struct pw_instrument *instrument, int64_t qty)
{
    struct small small;
    struct pw_text text = pw_text_start(small.text, sizeof small.text);
    pw_text_put_qty(&text, instrument, qty);
    return small;
}

/* Exact to the last digit that is not zero; money of the paper account has few. */
static struct small e16_text(const uint64_t words[2])
{
    struct small small;
    struct pw_text text = pw_text_start(small.text, sizeof small.text);
    pw_text_put_e16(&text, pw_e16_from_words(words));
    return small;
}

static struct small name_text(const char *name)
{
    struct small small;
    struct pw_text text = pw_text_start(small.text, sizeof small.text);
    pw_text_put_printable(&text, name, strlen(name));
    return small;
}

/* Columns of a terminal that a text takes. */
static int columns_of(const char *text)
{
    mbstate_t state = {0};
    wchar_t wide;
    size_t bytes;
    int columns = 0;
    while ((bytes = mbrtowc(&wide, text, MB_CUR_MAX, &state)) != 0 && bytes <= MB_CUR_MAX) {
        columns += wcwidth(wide) > 0 ? wcwidth(wide) : 0;
        text += bytes;
    }
    return columns + (int)strlen(text); /* the rest is no text of this locale */
}

/* With blanks up to so many columns. */
static struct small symbol_text(const struct pw_look *look, uint32_t instrument_idx, int columns)
{
    const char *symbol = pw_watch_symbol(look->ws, instrument_idx);
    struct small small;
    struct pw_text text = pw_text_start(small.text, sizeof small.text);
    if (symbol != NULL) {
        pw_text_put_printable(&text, symbol, strlen(symbol));
    } else {
        pw_text_put(&text, "#%u", instrument_idx);
    }
    int blanks = columns - columns_of(small.text);
    pw_text_put(&text, "%*s", blanks > 0 ? blanks : 0, "");
    return small;
}

/* ---- lines ---- */

static struct pw_text line_start(struct pw_page *page, enum pw_line_style style)
{
    struct pw_line *line =
        &page->lines[page->line_cnt < PW_PAGE_LINES - 1 ? page->line_cnt++ : PW_PAGE_LINES - 1];
    line->style = (uint8_t)style;
    return pw_text_start(line->text, sizeof line->text);
}

static void line_put(struct pw_page *page, enum pw_line_style style, const char *text)
{
    struct pw_text line = line_start(page, style);
    pw_text_put(&line, "%s", text);
}

/* The heading of a section. */
static void section_put(struct pw_page *page, const char *heading)
{
    line_put(page, PW_LINE_PLAIN, "");
    line_put(page, PW_LINE_HEAD, heading);
}

/* ---- sections ---- */

static void title_put(struct pw_page *page, const struct pw_look *look)
{
    const struct pw_workspace_header *header = look->ws->header;
    uint64_t state = pw_watch_get(&header->state);
    int64_t heartbeat_ns = pw_watch_get_ns(&header->heartbeat_ns);
    /* Of a dead engine by the wall clock: the host may have been started anew since. */
    int64_t now_ns = look->alive ? pw_workspace_now_ns(look->ws) : pw_clock_read_ns(CLOCK_REALTIME);
    int64_t beat_age_ns = now_ns - heartbeat_ns;
    bool late =
        look->alive && state != PW_ENGINE_STARTING && (look->hangs || beat_age_ns > HEARTBEAT_LATE_NS);
    bool stopped = !look->alive && state == PW_ENGINE_STOPPED;
    bool alert = late || (!look->alive && !stopped) || state == PW_ENGINE_HALTED;
    struct pw_text line = line_start(page, alert ? PW_LINE_ALERT : PW_LINE_TITLE);
    pw_text_put(&line, "pinwheel %s", header->instance);
    if (look->alive) {
        pw_text_put(&line, "   %s%s   pid %" PRId64 "   up %s   heartbeat %s ago",
                    pw_engine_state_name(state), late ? ", but NO HEARTBEAT" : "", header->pid,
                    duration_text(now_ns - header->started_ns).text, duration_text(beat_age_ns).text);
    } else {
        pw_text_put(&line, "   %s   pid %" PRId64 " is gone   last heartbeat %s ago   ran %s",
                    stopped ? "stopped" : "DEAD", header->pid, duration_text(beat_age_ns).text,
                    duration_text(heartbeat_ns - header->started_ns).text);
        if (!stopped) {
            pw_text_put(&line, "   (was %s)", pw_engine_state_name(state));
        }
    }
    line = line_start(page, PW_LINE_PLAIN);
    pw_text_put(&line, "memory %" PRIu64 " MiB: %s", header->total_bytes >> 20, look->ws->note);
    page->title_cnt = page->line_cnt;
}

static void stage_bar(char bar[11], const struct pw_shares *shares)
{
    int busy = (int)lround(shares->busy * 10), stalled = (int)lround(shares->stalled * 10);
    for (int i = 0; i < 10; i++) {
        bar[i] = i < busy ? '#' : i < busy + stalled ? '!' : '.';
    }
    bar[10] = '\0';
}

static void stage_put(struct pw_page *page, struct pw_look *look, const struct pw_watch_rows *rows)
{
    const struct pw_stage_view *stage = rows->row;
    struct pw_shares shares = pw_look_shares(look, stage);
    double work_per_s = pw_look_rate(look, pw_watch_get(&stage->work_cnt));
    double pass_per_s = pw_look_rate(look, pw_watch_get(&stage->pass_cnt));
    int64_t heartbeat_ns = pw_watch_get_ns(&stage->heartbeat_ns);
    bool running = pw_watch_get(&stage->alive) != 0;
    bool late = look->alive && running && look->wall_ns - heartbeat_ns > HEARTBEAT_LATE_NS;
    char bar[11], core[12] = "-";
    stage_bar(bar, &shares);
    if (stage->core >= 0) {
        snprintf(core, sizeof core, "%d", stage->core);
    }
    struct pw_text line = line_start(page, late ? PW_LINE_ALERT : PW_LINE_PLAIN);
    pw_text_put(&line, "%-16s %4s %9s %6.1f %6.1f %6.1f  %s %10s %10s %10s", name_text(stage->name).text,
                core, running ? age_text(look, heartbeat_ns).text : "ended", shares.busy * 100,
                shares.stalled * 100, shares.idle * 100, bar,
                duration_text((int64_t)pw_watch_get(&stage->longest_pass_ns)).text,
                count_text(work_per_s).text, count_text(pass_per_s).text);
}

/* Of the feed that an instrument's data come from. */
static enum pw_feed_state feed_state_of(const struct pw_look *look, uint32_t instrument_idx)
{
    const struct pw_instrument *instrument = pw_watch_instrument(look->ws, instrument_idx);
    struct pw_watch_rows rows = {.ws = look->ws, .kind = PW_REGION_FEEDS};
    const struct pw_feed_view *feed;
    while (instrument != NULL && (feed = pw_watch_next(&rows)) != NULL) {
        if (rows.row_idx == instrument->feed_idx) {
            return (enum pw_feed_state)pw_watch_get(&feed->state);
        }
    }
    return PW_FEED_UP; /* nothing is known against it */
}

static void market_put(struct pw_page *page, struct pw_look *look, const struct pw_watch_rows *rows)
{
    const struct pw_market_view *view = rows->row;
    const struct pw_instrument *instrument = pw_watch_instrument(look->ws, rows->row_idx);
    struct pw_market market;
    if (!pw_cell_read(&view->cell, view->words, &market, sizeof market)) {
        memset(&market, 0, sizeof market);
    }
    struct small book = {"not in sync"};
    if (market.book_synced != 0) {
        snprintf(book.text, sizeof book.text, "%" PRIu64 "+%" PRIu64, market.bid_level_cnt,
                 market.ask_level_cnt);
    }
    enum pw_feed_state state = feed_state_of(look, rows->row_idx);
    if (state != PW_FEED_UP) {
        snprintf(book.text, sizeof book.text, "feed %.7s", pw_feed_state_name((unsigned)state));
    }
    double trades_per_s = pw_look_rate(look, market.trade_cnt);
    double quotes_per_s = pw_look_rate(look, market.quote_cnt);
    struct pw_text line = line_start(page, state == PW_FEED_UP ? PW_LINE_PLAIN : PW_LINE_ALERT);
    pw_text_put(&line, "%s %11s %11s %11s %9s %9s %9s  %-12s %13s %12s",
                symbol_text(look, rows->row_idx, 13).text,
                price_text(instrument, market.quote.bid_price_e8).text,
                price_text(instrument, market.quote.ask_price_e8).text,
                price_text(instrument, market.last_price_e8).text, age_text(look, market.quote_recv_ns).text,
                count_text(trades_per_s).text, count_text(quotes_per_s).text, book.text,
                qty_text(instrument, market.quote.bid_qty_e8).text,
                qty_text(instrument, market.quote.ask_qty_e8).text);
}

/* A metric as a level; 0 if this engine has none of that name. */
static int64_t level_of(const struct pw_look *look, const char *group, const char *name)
{
    const struct pw_metric_row *row = pw_metrics_find(look->ws, group, name);
    return row ? (int64_t)atomic_load_explicit(&row->value, memory_order_relaxed) : 0;
}

static void ban_put(struct pw_text *line, const struct pw_look *look, int64_t until_ns)
{
    int64_t left_ns = until_ns - look->wall_ns;
    if (left_ns > 0) {
        pw_text_put(line, "   rate-limit ban: %" PRId64 " s left", left_ns / 1000000000 + 1);
    }
}

/* Of a live account: may orders go out, and if not, why. */
static void order_entry_put(struct pw_page *page, const struct pw_look *look, uint32_t account_idx)
{
    char gateway[16] = "", group[PW_METRIC_GROUP_BYTES];
    if (!pw_watch_word(look->ws, "gateway", account_idx, gateway, sizeof gateway) ||
        strcmp(gateway, "paper") == 0) {
        return;
    }
    pw_metrics_gateway_name(group, account_idx);
    bool ready = level_of(look, group, "ready") != 0;
    int64_t refusal = level_of(look, group, "not_ready_reason");
    int64_t unknown = level_of(look, "execution", "unknown_orders");
    int64_t error_ns = level_of(look, group, "clock_error_ns");
    struct pw_text line = line_start(page, ready && unknown == 0 ? PW_LINE_PLAIN : PW_LINE_ALERT);
    pw_text_put(&line, "%sorder entry %s%s", strcmp(gateway, "dry") == 0 ? "DRY: no order is placed   " : "",
                ready ? "ready" : "NOT READY: ",
                ready     ? ""
                : refusal ? pw_reason_name((unsigned)refusal)
                          : "no new orders yet");
    ban_put(&line, look, level_of(look, group, "paused_until_ns"));
    pw_text_put(&line, "   outcome unknown %" PRId64 "   weight %" PRId64 "   order count %" PRId64, unknown,
                level_of(look, group, "weight_used"), level_of(look, group, "orders_used"));
    if (error_ns >= 0) {
        pw_text_put(&line, "   clock %+.1f ms, +-%.1f",
                    (double)level_of(look, group, "clock_offset_ns") / 1e6, (double)error_ns / 1e6);
    }
}

static void account_put(struct pw_page *page, const struct pw_look *look, uint32_t account_idx,
                        const struct pw_account *account)
{
    char name[PW_STAGE_NAME_BYTES], heading[PW_STAGE_NAME_BYTES + 10];
    bool named = pw_watch_word(look->ws, "accounts", account_idx, name, sizeof name);
    snprintf(heading, sizeof heading, "ACCOUNT%s%s", named ? " " : "", named ? name : "");
    section_put(page, heading);
    struct pw_text line = line_start(page, account->halted != 0 ? PW_LINE_ALERT : PW_LINE_PLAIN);
    pw_text_put(&line, "cash %s   equity %s", e16_text(account->cash_e16).text,
                e16_text(account->equity_e16).text);
    if (account->halted != 0) {
        pw_text_put(&line, "   HALTED (%s): no new orders", pw_halt_name(account->halted));
    }
    line = line_start(page, PW_LINE_PLAIN);
    pw_text_put(&line,
                "requests %" PRIu64 "   orders %" PRIu64 "   fills %" PRIu64 "   open %" PRIu64
                "   denied %" PRIu64 "   rejected %" PRIu64 "   canceled %" PRIu64,
                account->intent_cnt, account->order_cnt, account->fill_cnt, account->open_order_cnt,
                account->denied_cnt, account->rejected_cnt, account->canceled_cnt);
    order_entry_put(page, look, account_idx);
}

static void accounts_put(struct pw_page *page, const struct pw_look *look)
{
    struct pw_account account;
    for (uint32_t i = 0; i < PW_ACCOUNTS_MAX; i++) {
        if (pw_account_at(look->ws, i, &account)) {
            account_put(page, look, i, &account);
        }
    }
}

static void position_put(struct pw_page *page, struct pw_look *look, const struct pw_watch_rows *rows)
{
    const struct pw_position_view *view = rows->row;
    const struct pw_instrument *instrument = pw_watch_instrument(look->ws, rows->row_idx);
    struct pw_position position;
    if (!pw_cell_read(&view->cell, view->words, &position, sizeof position) ||
        position.buy_cnt + position.sell_cnt == 0) {
        return;
    }
    struct pw_text line = line_start(page, PW_LINE_PLAIN);
    pw_text_put(&line, "%s %12s %12s %16s %16s %6" PRIu64 " %6" PRIu64 " %16s",
                symbol_text(look, rows->row_idx, 13).text, qty_text(instrument, position.qty_e8).text,
                price_text(instrument, position.avg_price_e8).text, e16_text(position.realized_e16).text,
                e16_text(position.unrealized_e16).text, position.buy_cnt, position.sell_cnt,
                e16_text(position.fees_e16).text);
}

static void feed_put(struct pw_page *page, struct pw_look *look, const struct pw_watch_rows *rows)
{
    const struct pw_feed_view *feed = rows->row;
    uint64_t state = pw_watch_get(&feed->state);
    double frames_per_s = pw_look_rate(look, pw_watch_get(&feed->frame_cnt));
    double bytes_per_s = pw_look_rate(look, pw_watch_get(&feed->byte_cnt));
    struct pw_text line = line_start(page, state == PW_FEED_UP ? PW_LINE_PLAIN : PW_LINE_ALERT);
    pw_text_put(&line, "%-16s %-11s %8s %10s %10s %8" PRIu64 " %8" PRIu64 " %8" PRIu64 " %6" PRIu64,
                name_text(feed->name).text, pw_feed_state_name((unsigned)state),
                age_text(look, pw_watch_get_ns(&feed->last_recv_ns)).text, count_text(frames_per_s).text,
                count_text(bytes_per_s).text, pw_watch_get(&feed->gap_cnt), pw_watch_get(&feed->invalid_cnt),
                pw_watch_get(&feed->connect_cnt), pw_watch_get(&feed->disconnect_cnt));
    ban_put(&line, look, pw_watch_get_ns(&feed->banned_until_ns));
}

static void ring_put(struct pw_page *page, struct pw_look *look, const struct pw_watch_rows *rows)
{
    const struct pw_ring *ring = rows->row;
    uint64_t tail =
        atomic_load_explicit(&ring->tail, memory_order_acquire); /* first: then head is not behind */
    uint64_t head = pw_watch_get(&ring->head);
    uint64_t depth = head - tail < ring->slot_cnt ? head - tail : ring->slot_cnt; /* tail may be old by now */
    uint64_t dropped_cnt = pw_watch_get(&ring->dropped_cnt);
    double per_s = pw_look_rate(look, head);
    struct pw_text line = line_start(page, dropped_cnt != 0 ? PW_LINE_ALERT : PW_LINE_PLAIN);
    pw_text_put(&line, "%-21s %9" PRIu64 " %9u %9" PRIu64 " %11s %9s %9" PRIu64 "  %s", rows->region->name,
                depth, ring->slot_cnt, pw_ring_high_water(ring), count_text(per_s).text,
                count_text((double)pw_watch_get(&ring->stalled_cnt)).text, dropped_cnt,
                ring->policy == PW_RING_DROP ? "drops" : "stalls");
}

static void latency_put(struct pw_page *page, struct pw_look *look, const struct pw_watch_rows *rows)
{
    const struct pw_histogram *hist = rows->row;
    (void)look;
    struct pw_text line = line_start(page, PW_LINE_PLAIN);
    uint64_t count = pw_watch_get(&hist->count);
    pw_text_put(&line, "%-*s", HIST_NAME_COLUMNS, rows->region->name);
    static const double quantiles[] = {0.5, 0.9, 0.99, 0.999};
    for (size_t i = 0; i < 4; i++) {
        int64_t ns = (int64_t)pw_histogram_quantile_ns(hist, quantiles[i]);
        pw_text_put(&line, " %10s", count > 0 ? duration_text(ns).text : "-");
    }
    pw_text_put(&line, " %10s %10s",
                count > 0 ? duration_text((int64_t)pw_watch_get(&hist->max_ns)).text : "-",
                count_text((double)count).text);
}

static void error_put(struct pw_page *page, struct pw_look *look, const struct pw_watch_rows *rows)
{
    const struct pw_error_row *row = rows->row;
    /* Acquire: the text is written before the first count. */
    uint64_t count = atomic_load_explicit(&row->count, memory_order_acquire);
    if (count == 0) {
        return;
    }
    struct pw_text line = line_start(page, PW_LINE_PLAIN);
    pw_text_put(&line, "%7" PRIu64 " %10s  ", count, age_text(look, pw_watch_get_ns(&row->last_ns)).text);
    pw_text_put_printable(&line, row->text, strlen(row->text));
}

/* Those that are not zero: the others have nothing to tell. Each is asked for its growth all the same. */
static void metric_put(struct pw_page *page, struct pw_look *look, const struct pw_watch_rows *rows)
{
    const struct pw_metric_row *row = rows->row;
    uint64_t value = pw_watch_get(&row->value);
    double per_s = pw_look_rate(look, value);
    if (value == 0) {
        return;
    }
    struct pw_text line = line_start(page, PW_LINE_PLAIN);
    struct small full;
    snprintf(full.text, sizeof full.text, "%.15s.%.28s", name_text(row->group).text,
             name_text(row->name).text);
    bool is_gauge = row->kind == PW_METRIC_GAUGE;
    pw_text_put(&line, "%-36s %15" PRId64 " %14s  ", full.text, (int64_t)value,
                is_gauge ? "" : count_text(per_s).text);
    pw_text_put_printable(&line, row->help, strlen(row->help));
    if (strcmp(row->unit, "1") != 0) {
        pw_text_put(&line, " [%s]", name_text(row->unit).text);
    }
}

static void info_put(struct pw_page *page, const struct pw_look *look)
{
    const char *text = pw_watch_first(look->ws, PW_REGION_INFO);
    if (text != NULL && *text != '\0') {
        section_put(page, "RUN");
    }
    while (text != NULL && *text != '\0') {
        size_t len = strcspn(text, "\n");
        struct pw_text line = line_start(page, PW_LINE_PLAIN);
        pw_text_put_printable(&line, text, len);
        text += len + (text[len] == '\n');
    }
}

struct section {
    const char *heading;
    enum pw_region_kind kind;
    void (*put)(struct pw_page *page, struct pw_look *look, const struct pw_watch_rows *rows);
    bool may_be_absent; /* where it has no line */
};

/* clang-format off */
static const struct section g_markets[] = {
    {"STAGE            CORE HEARTBEAT  BUSY% STALL%  IDLE%  LOAD          LONGEST     WORK/s   PASSES/s", PW_REGION_STAGES, stage_put, false},
    {"MARKET                BID         ASK        LAST       AGE  TRADES/s  QUOTES/s  BOOK               BID QTY      ASK QTY", PW_REGION_QUOTES, market_put, false},
};
static const struct section g_rest[] = {
    {"POSITION               QTY    AVG PRICE         REALIZED       UNREALIZED   BUYS  SELLS             FEES", PW_REGION_POSITIONS, position_put, true},
    {"FEED             STATE            AGE   FRAMES/s    BYTES/s     GAPS  INVALID CONNECTS   LOST", PW_REGION_FEEDS, feed_put, false},
    {"RING                      DEPTH     SLOTS      HIGH      RATE/s   STALLED   DROPPED  WHEN FULL", PW_REGION_RING, ring_put, false},
    {"LATENCY                          P50        P90        P99      P99.9        MAX      COUNT", PW_REGION_HISTOGRAM, latency_put, true},
    {"ERRORS   LAST SEEN  WHAT", PW_REGION_ERRORS, error_put, true},
    {"METRIC                                         VALUE         RATE/s  WHAT", PW_REGION_METRICS, metric_put, false},
};
/* clang-format on */

static void sections_put(struct pw_page *page, struct pw_look *look, const struct section *section,
                         size_t cnt)
{
    for (const struct section *end = section + cnt; section < end; section++) {
        struct pw_watch_rows rows = {.ws = look->ws, .kind = section->kind};
        uint32_t begin = page->line_cnt;
        section_put(page, section->heading);
        uint32_t headed = page->line_cnt;
        while (pw_watch_next(&rows) != NULL) {
            section->put(page, look, &rows);
        }
        if (section->may_be_absent && page->line_cnt == headed) {
            page->line_cnt = begin;
        }
    }
}

void pw_page_fill(struct pw_page *page, struct pw_look *look)
{
    page->line_cnt = 0;
    look->asked_cnt = 0;
    title_put(page, look);
    sections_put(page, look, g_markets, sizeof g_markets / sizeof *g_markets);
    accounts_put(page, look);
    sections_put(page, look, g_rest, sizeof g_rest / sizeof *g_rest);
    info_put(page, look);
}
