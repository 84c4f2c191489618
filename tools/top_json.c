/* SPDX-License-Identifier: MIT
 *
 * One look at a workspace as JSON: all that it holds, counters as totals, and rates since the look before.
 */
#include "top.h"
#include <pinwheel/histogram.h>
#include <pinwheel/metrics.h>
#include <string.h>

static void engine_put(struct pw_json_writer *json, const struct pw_look *look)
{
    const struct pw_workspace_header *header = look->ws->header;
    static const char *const huge_names[] = {"none", "transparent", "hugetlbfs"};
    pw_json_put_text(json, "instance", header->instance);
    pw_json_put_text(json, "path", look->ws->path);
    pw_json_put_bool(json, "alive", look->alive && !look->hangs);
    pw_json_put_bool(json, "hanging", look->alive && look->hangs);
    pw_json_put_text(json, "state", pw_engine_state_name(pw_watch_state(look->ws)));
    pw_json_put_i64(json, "pid", header->pid);
    pw_json_put_id(json, "run_id", header->run_id);
    pw_json_put_ns(json, "started_ns", header->started_ns);
    pw_json_put_ns(json, "heartbeat_ns", pw_watch_get_ns(&header->heartbeat_ns));
    pw_json_put_ns(json, "now_ns", pw_workspace_now_ns(look->ws));
    pw_json_put_open(json, "memory", '{');
    pw_json_put_u64(json, "bytes", header->total_bytes);
    pw_json_put_u64(json, "page_bytes", header->page_bytes);
    pw_json_put_text(json, "huge_pages", header->huge_kind < 3 ? huge_names[header->huge_kind] : "?");
    pw_json_put_text(json, "note", look->ws->note);
    pw_json_put_close(json, '}');
}

static void stage_put(struct pw_json_writer *json, struct pw_look *look, const struct pw_watch_rows *rows)
{
    const struct pw_stage_view *stage = rows->row;
    struct pw_shares shares = pw_look_shares(look, stage);
    pw_json_put_open(json, NULL, '{');
    pw_json_put_text(json, "name", stage->name);
    pw_json_put_i64(json, "core", stage->core);
    pw_json_put_u64(json, "core_idx", stage->core_idx);
    pw_json_put_u64(json, "tid", pw_watch_get(&stage->tid));
    pw_json_put_bool(json, "alive", pw_watch_get(&stage->alive) != 0);
    pw_json_put_ns(json, "heartbeat_ns", pw_watch_get_ns(&stage->heartbeat_ns));
    pw_json_put_u64(json, "pass_cnt", pw_watch_get(&stage->pass_cnt));
    pw_json_put_u64(json, "work_cnt", pw_watch_get(&stage->work_cnt));
    pw_json_put_number(json, "work_per_s", pw_look_rate(look, pw_watch_get(&stage->work_cnt)));
    pw_json_put_ns(json, "busy_ns", (int64_t)pw_watch_get(&stage->busy_ns));
    pw_json_put_ns(json, "stalled_ns", (int64_t)pw_watch_get(&stage->stalled_ns));
    pw_json_put_ns(json, "idle_ns", (int64_t)pw_watch_get(&stage->idle_ns));
    pw_json_put_number(json, "busy_share", shares.busy);
    pw_json_put_number(json, "stalled_share", shares.stalled);
    pw_json_put_number(json, "idle_share", shares.idle);
    pw_json_put_ns(json, "longest_pass_ns", (int64_t)pw_watch_get(&stage->longest_pass_ns));
    pw_json_put_close(json, '}');
}

static void ring_put(struct pw_json_writer *json, struct pw_look *look, const struct pw_watch_rows *rows)
{
    const struct pw_ring *ring = rows->row;
    /* The tail first: so the head is never behind it. */
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
    uint64_t head = pw_watch_get(&ring->head);
    pw_json_put_open(json, NULL, '{');
    pw_json_put_text(json, "name", rows->region->name);
    pw_json_put_text(json, "policy", ring->policy == PW_RING_DROP ? "drop" : "stall");
    pw_json_put_u64(json, "slot_cnt", ring->slot_cnt);
    pw_json_put_u64(json, "payload_bytes", ring->payload_bytes);
    pw_json_put_u64(json, "head", head);
    pw_json_put_u64(json, "tail", tail);
    pw_json_put_u64(json, "depth", head - tail);
    pw_json_put_u64(json, "high_water", pw_ring_high_water(ring));
    pw_json_put_number(json, "per_s", pw_look_rate(look, head));
    pw_json_put_u64(json, "stalled_cnt", pw_watch_get(&ring->stalled_cnt));
    pw_json_put_u64(json, "dropped_cnt", pw_watch_get(&ring->dropped_cnt));
    pw_json_put_close(json, '}');
}

static void feed_put(struct pw_json_writer *json, struct pw_look *look, const struct pw_watch_rows *rows)
{
    const struct pw_feed_view *feed = rows->row;
    pw_json_put_open(json, NULL, '{');
    pw_json_put_text(json, "name", feed->name);
    pw_json_put_text(json, "state", pw_feed_state_name((unsigned)pw_watch_get(&feed->state)));
    pw_json_put_u64(json, "connect_cnt", pw_watch_get(&feed->connect_cnt));
    pw_json_put_u64(json, "disconnect_cnt", pw_watch_get(&feed->disconnect_cnt));
    pw_json_put_u64(json, "frame_cnt", pw_watch_get(&feed->frame_cnt));
    pw_json_put_number(json, "frames_per_s", pw_look_rate(look, pw_watch_get(&feed->frame_cnt)));
    pw_json_put_u64(json, "byte_cnt", pw_watch_get(&feed->byte_cnt));
    pw_json_put_number(json, "bytes_per_s", pw_look_rate(look, pw_watch_get(&feed->byte_cnt)));
    pw_json_put_u64(json, "gap_cnt", pw_watch_get(&feed->gap_cnt));
    pw_json_put_u64(json, "invalid_cnt", pw_watch_get(&feed->invalid_cnt));
    pw_json_put_ns(json, "last_recv_ns", pw_watch_get_ns(&feed->last_recv_ns));
    pw_json_put_ns(json, "lag_ns", pw_watch_get_ns(&feed->lag_ns));
    pw_json_put_ns(json, "delay_ns", pw_watch_get_ns(&feed->delay_ns));
    pw_json_put_ns(json, "banned_until_ns", pw_watch_get_ns(&feed->banned_until_ns));
    pw_json_put_close(json, '}');
}

static void levels_put(struct pw_json_writer *json, const char *key, const struct pw_instrument *instrument,
                       const struct pw_level levels[PW_BOOK_VIEW_LEVELS])
{
    pw_json_put_open(json, key, '[');
    for (uint32_t i = 0; i < PW_BOOK_VIEW_LEVELS && levels[i].qty_e8 != 0; i++) {
        pw_json_put_open(json, NULL, '[');
        pw_json_put_price(json, NULL, instrument, levels[i].price_e8);
        pw_json_put_qty(json, NULL, instrument, levels[i].qty_e8);
        pw_json_put_close(json, ']');
    }
    pw_json_put_close(json, ']');
}

static void market_put(struct pw_json_writer *json, struct pw_look *look, const struct pw_watch_rows *rows)
{
    const struct pw_market_view *view = rows->row;
    const struct pw_instrument *instrument = pw_watch_instrument(look->ws, rows->row_idx);
    struct pw_market market;
    if (!pw_cell_read(&view->cell, view->words, &market, sizeof market)) {
        return;
    }
    pw_json_put_open(json, NULL, '{');
    pw_json_put_text(json, "symbol", pw_watch_symbol(look->ws, rows->row_idx));
    pw_json_put_price(json, "bid_price", instrument, market.quote.bid_price_e8);
    pw_json_put_qty(json, "bid_qty", instrument, market.quote.bid_qty_e8);
    pw_json_put_price(json, "ask_price", instrument, market.quote.ask_price_e8);
    pw_json_put_qty(json, "ask_qty", instrument, market.quote.ask_qty_e8);
    pw_json_put_id(json, "quote_update_id", market.quote.update_id);
    pw_json_put_ns(json, "quote_recv_ns", market.quote_recv_ns);
    pw_json_put_price(json, "last_price", instrument, market.last_price_e8);
    pw_json_put_qty(json, "last_qty", instrument, market.last_qty_e8);
    pw_json_put_ns(json, "last_trade_ns", market.last_trade_ns);
    pw_json_put_u64(json, "trade_cnt", market.trade_cnt);
    pw_json_put_u64(json, "quote_cnt", market.quote_cnt);
    pw_json_put_u64(json, "depth_cnt", market.depth_cnt);
    pw_json_put_bool(json, "book_synced", market.book_synced != 0);
    pw_json_put_id(json, "book_update_id", market.book_update_id);
    pw_json_put_u64(json, "bid_level_cnt", market.bid_level_cnt);
    pw_json_put_u64(json, "ask_level_cnt", market.ask_level_cnt);
    levels_put(json, "bids", instrument, market.bids);
    levels_put(json, "asks", instrument, market.asks);
    pw_json_put_close(json, '}');
}

static void position_put(struct pw_json_writer *json, struct pw_look *look, const struct pw_watch_rows *rows)
{
    const struct pw_position_view *view = rows->row;
    const struct pw_instrument *instrument = pw_watch_instrument(look->ws, rows->row_idx);
    struct pw_position position;
    if (!pw_cell_read(&view->cell, view->words, &position, sizeof position)) {
        return;
    }
    pw_json_put_open(json, NULL, '{');
    pw_json_put_text(json, "symbol", pw_watch_symbol(look->ws, rows->row_idx));
    pw_json_put_qty(json, "qty", instrument, position.qty_e8);
    pw_json_put_price(json, "avg_price", instrument, position.avg_price_e8);
    pw_json_put_e16(json, "cost", position.cost_e16);
    pw_json_put_e16(json, "realized", position.realized_e16);
    pw_json_put_e16(json, "unrealized", position.unrealized_e16);
    pw_json_put_e16(json, "fees", position.fees_e16);
    pw_json_put_u64(json, "buy_cnt", position.buy_cnt);
    pw_json_put_u64(json, "sell_cnt", position.sell_cnt);
    pw_json_put_close(json, '}');
}

static void account_fields_put(struct pw_json_writer *json, const struct pw_account *account)
{
    pw_json_put_e16(json, "cash", account->cash_e16);
    pw_json_put_e16(json, "equity", account->equity_e16);
    pw_json_put_u64(json, "intent_cnt", account->intent_cnt);
    pw_json_put_u64(json, "order_cnt", account->order_cnt);
    pw_json_put_u64(json, "fill_cnt", account->fill_cnt);
    pw_json_put_u64(json, "denied_cnt", account->denied_cnt);
    pw_json_put_u64(json, "rejected_cnt", account->rejected_cnt);
    pw_json_put_u64(json, "canceled_cnt", account->canceled_cnt);
    pw_json_put_u64(json, "open_order_cnt", account->open_order_cnt);
    pw_json_put_bool(json, "halted", account->halted != 0);
    pw_json_put_text(json, "halt_reason", account->halted != 0 ? pw_halt_name(account->halted) : NULL);
    pw_json_put_close(json, '}');
}

/* The first one, for those who know of one; and all of them with their names, if there are several. */
static void account_put(struct pw_json_writer *json, const struct pw_look *look)
{
    struct pw_account account;
    char name[PW_STAGE_NAME_BYTES], gateway[16];
    if (!pw_account_at(look->ws, 0, &account)) {
        pw_json_put_text(json, "account", NULL);
        return;
    }
    pw_json_put_open(json, "account", '{');
    if (pw_watch_word(look->ws, "gateway", 0, gateway, sizeof gateway)) {
        pw_json_put_text(json, "gateway", gateway);
    }
    account_fields_put(json, &account);
    if (!pw_watch_word(look->ws, "accounts", 0, name, sizeof name)) {
        return;
    }
    pw_json_put_open(json, "accounts", '[');
    for (uint32_t i = 0; i < PW_ACCOUNTS_MAX; i++) {
        if (!pw_account_at(look->ws, i, &account)) {
            continue;
        }
        pw_json_put_open(json, NULL, '{');
        pw_watch_word(look->ws, "accounts", i, name, sizeof name);
        pw_watch_word(look->ws, "gateway", i, gateway, sizeof gateway);
        pw_json_put_text(json, "name", name);
        pw_json_put_text(json, "gateway", gateway);
        account_fields_put(json, &account);
    }
    pw_json_put_close(json, ']');
}

static void stop_put(struct pw_json_writer *json, const struct pw_look *look)
{
    const struct pw_stop *stop = pw_watch_first(look->ws, PW_REGION_STOP);
    uint64_t reason = stop == NULL ? 0 : pw_watch_get(&stop->stop);
    pw_json_put_text(json, "stop", reason == 0 ? NULL : pw_halt_name(reason));
}

static void latency_put(struct pw_json_writer *json, struct pw_look *look, const struct pw_watch_rows *rows)
{
    static const struct {
        const char *key;
        double quantile;
    } quantiles[] = {
        {"p50_ns", 0.5}, {"p90_ns", 0.9}, {"p99_ns", 0.99}, {"p99_9_ns", 0.999}, {"p99_99_ns", 0.9999}};
    const struct pw_histogram *hist = rows->row;
    (void)look;
    pw_json_put_open(json, NULL, '{');
    pw_json_put_text(json, "name", rows->region->name);
    pw_json_put_u64(json, "sample_cnt", pw_watch_get(&hist->count));
    pw_json_put_ns(json, "sum_ns", (int64_t)pw_watch_get(&hist->sum_ns));
    for (size_t i = 0; i < sizeof quantiles / sizeof quantiles[0]; i++) {
        pw_json_put_ns(json, quantiles[i].key,
                       (int64_t)pw_histogram_quantile_ns(hist, quantiles[i].quantile));
    }
    pw_json_put_ns(json, "max_ns", (int64_t)pw_watch_get(&hist->max_ns));
    pw_json_put_u64(json, "negative_cnt", pw_watch_get(&hist->negative_cnt));
    pw_json_put_close(json, '}');
}

static void error_put(struct pw_json_writer *json, struct pw_look *look, const struct pw_watch_rows *rows)
{
    const struct pw_error_row *row = rows->row;
    (void)look;
    /* Acquire: the text is written before the first count. */
    uint64_t count = atomic_load_explicit(&row->count, memory_order_acquire);
    if (count != 0) {
        pw_json_put_open(json, NULL, '{');
        pw_json_put_u64(json, "seen_cnt", count);
        pw_json_put_u64(json, "count", count); /* its old name */
        pw_json_put_ns(json, "first_ns", pw_watch_get_ns(&row->first_ns));
        pw_json_put_ns(json, "last_ns", pw_watch_get_ns(&row->last_ns));
        pw_json_put_text(json, "text", row->text);
        pw_json_put_close(json, '}');
    }
}

static void metric_put(struct pw_json_writer *json, struct pw_look *look, const struct pw_watch_rows *rows)
{
    const struct pw_metric_row *row = rows->row;
    uint64_t value = pw_watch_get(&row->value);
    pw_json_put_open(json, NULL, '{');
    pw_json_put_text(json, "group", row->group);
    pw_json_put_text(json, "name", row->name);
    pw_json_put_text(json, "unit", row->unit);
    pw_json_put_text(json, "help", row->help);
    if (row->kind == PW_METRIC_GAUGE) {
        pw_json_put_text(json, "kind", "gauge");
        if (strcmp(row->unit, "ns") == 0) {
            pw_json_put_ns(json, "value", (int64_t)value);
        } else {
            pw_json_put_i64(json, "value", (int64_t)value);
        }
    } else {
        pw_json_put_text(json, "kind", "counter");
        pw_json_put_u64(json, "value", value);
        pw_json_put_number(json, "per_s", pw_look_rate(look, value));
    }
    pw_json_put_close(json, '}');
}

/* "key: value" lines, as members. */
static void info_put(struct pw_json_writer *json, const struct pw_look *look)
{
    char line[1024];
    const char *text = pw_watch_first(look->ws, PW_REGION_INFO);
    pw_json_put_open(json, "info", '{');
    while (text != NULL && *text != '\0') {
        size_t len = strcspn(text, "\n");
        snprintf(line, sizeof line, "%.*s", (int)(len < sizeof line ? len : sizeof line - 1), text);
        char *colon = strstr(line, ": ");
        if (colon != NULL) {
            *colon = '\0';
            pw_json_put_text(json, line, colon + 2);
        }
        text += len + (text[len] == '\n');
    }
    pw_json_put_close(json, '}');
}

/* A row becomes an item of the list, or nothing. */
typedef void row_putter(struct pw_json_writer *json, struct pw_look *look, const struct pw_watch_rows *rows);

static void list_put(struct pw_json_writer *json, struct pw_look *look, const char *key,
                     enum pw_region_kind kind, row_putter *put)
{
    struct pw_watch_rows rows = {.ws = look->ws, .kind = kind};
    pw_json_put_open(json, key, '[');
    while (pw_watch_next(&rows) != NULL) {
        put(json, look, &rows);
    }
    pw_json_put_close(json, ']');
}

void pw_top_json(struct pw_look *look, FILE *out)
{
    struct pw_json_writer json = {.out = out};
    look->asked_cnt = 0;
    pw_json_put_open(&json, NULL, '{');
    engine_put(&json, look);
    info_put(&json, look);
    list_put(&json, look, "stages", PW_REGION_STAGES, stage_put);
    list_put(&json, look, "rings", PW_REGION_RING, ring_put);
    list_put(&json, look, "feeds", PW_REGION_FEEDS, feed_put);
    list_put(&json, look, "markets", PW_REGION_QUOTES, market_put);
    list_put(&json, look, "positions", PW_REGION_POSITIONS, position_put);
    account_put(&json, look);
    stop_put(&json, look);
    list_put(&json, look, "latency", PW_REGION_HISTOGRAM, latency_put);
    list_put(&json, look, "errors", PW_REGION_ERRORS, error_put);
    list_put(&json, look, "metrics", PW_REGION_METRICS, metric_put);
    pw_json_put_close(&json, '}');
    fputc('\n', out);
}
