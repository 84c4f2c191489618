/* SPDX-License-Identifier: MIT
 *
 * pinwheel journal stats and verify: what a run holds, and whether it is whole and in order.
 */
#include "cli.h"
#include "codec.h"
#include "journal_tool.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define KINDS 64u

/* ---- stats ---- */

struct sums {
    uint64_t cnt;
    pw_i128 qty_e16, notional_e16, fee_e16; /* of instruments of any units */
};

struct stats {
    uint64_t event_cnt;
    int64_t first_ns, last_ns;
    struct sums kinds[KINDS];
    struct sums cells[PW_INSTRUMENTS_MAX + 1][KINDS]; /* the last row: of no instrument */
};

static bool has_qty(unsigned kind)
{
    return kind == PW_EVENT_TRADE || kind == PW_EVENT_AGG_TRADE || kind == PW_EVENT_FILL;
}

static void add(struct sums *sums, int unit_shift, const struct pw_event *event)
{
    sums->cnt++;
    if (has_qty(event->kind)) {
        /* The three bodies begin with price and quantity. */
        sums->qty_e16 += (pw_i128)event->body.trade.qty_e8 * pw_power10(16 - pw_qty_decimals(unit_shift));
        sums->notional_e16 += (pw_i128)event->body.trade.price_e8 * event->body.trade.qty_e8;
    }
    if (event->kind == PW_EVENT_FILL) {
        sums->fee_e16 += pw_fill_fee_e16(&event->body.fill);
    }
}

static_assert(offsetof(struct pw_trade, qty_e8) == offsetof(struct pw_agg_trade, qty_e8) &&
                  offsetof(struct pw_trade, qty_e8) == offsetof(struct pw_fill, qty_e8) &&
                  offsetof(struct pw_trade, price_e8) == 0 && offsetof(struct pw_agg_trade, price_e8) == 0 &&
                  offsetof(struct pw_fill, price_e8) == 0,
              "price and quantity stand in the same place");

static json_t *sums_json(const struct sums *sums, unsigned kind)
{
    json_t *json = json_pack("{s:I}", "event_cnt", (json_int_t)sums->cnt);
    if (has_qty(kind)) {
        json_object_set_new(json, "qty", journal_json_decimal(sums->qty_e16, 16));
        json_object_set_new(json, "notional", journal_json_decimal(sums->notional_e16, 16));
    }
    if (kind == PW_EVENT_FILL) {
        json_object_set_new(json, "fee", journal_json_decimal(sums->fee_e16, 16));
    }
    return json;
}

static json_t *row_json(const struct sums row[KINDS])
{
    json_t *json = json_object();
    for (unsigned kind = 0; kind < KINDS; kind++) {
        if (row[kind].cnt > 0) {
            json_object_set_new(json, pw_event_kind_name(kind), sums_json(&row[kind], kind));
        }
    }
    return json;
}

static void print_stats_json(const struct journal_session *session, const struct stats *stats,
                             const struct pw_journal_usage *usage)
{
    json_t *json =
        json_pack("{s:o, s:s, s:I, s:o, s:o, s:I, s:I, s:I, s:I, s:o}", "run_id",
                  journal_json_id(session->run.run_id), "instance", session->run.instance, "event_cnt",
                  (json_int_t)stats->event_cnt, "first_ns", journal_json_ns(stats->first_ns), "last_ns",
                  journal_json_ns(stats->last_ns), "block_cnt", (json_int_t)usage->block_cnt, "stored_bytes",
                  (json_int_t)usage->stored_bytes, "plain_bytes", (json_int_t)usage->plain_bytes,
                  "damage_cnt", (json_int_t)session->damage_cnt, "kinds", row_json(stats->kinds));
    json_t *symbols = json_object();
    for (uint32_t i = 0; i < session->instrument_cnt; i++) {
        json_t *row = row_json(stats->cells[i]);
        if (json_object_size(row) > 0) {
            json_object_set(symbols, journal_symbol(session, i), row);
        }
        json_decref(row);
    }
    json_object_set_new(json, "symbols", symbols);
    journal_print_json(json);
}

/* With 8 decimals, or all that it has. */
static const char *qty_text(pw_i128 qty_e16)
{
    return qty_e16 % PW_E8 == 0 ? journal_fixed(qty_e16 / PW_E8, 8) : journal_decimal(qty_e16, 16);
}

static void print_row(const char *symbol, unsigned kind, const struct sums *sums)
{
    printf("%-16s %-12s %14" PRIu64, symbol, pw_event_kind_name(kind), sums->cnt);
    if (has_qty(kind)) {
        printf(" %24s %32s", qty_text(sums->qty_e16), journal_fixed(sums->notional_e16, 16));
    }
    putchar('\n');
}

static void print_stats(const struct journal_session *session, const struct stats *stats,
                        const struct pw_journal_usage *usage)
{
    printf("run %" PRIu64 " of engine '%s': %" PRIu64 " events; %" PRIu64 " blocks, %" PRIu64
           " bytes (%.2f bytes per event)\n\n",
           session->run.run_id, session->run.instance, stats->event_cnt, usage->block_cnt,
           usage->stored_bytes,
           usage->event_cnt ? (double)usage->stored_bytes / (double)usage->event_cnt : 0);
    printf("%-16s %-12s %14s %24s %32s\n", "SYMBOL", "KIND", "EVENTS", "QUANTITY", "NOTIONAL");
    for (uint32_t i = 0; i <= PW_INSTRUMENTS_MAX; i++) {
        for (unsigned kind = 0; kind < KINDS; kind++) {
            if (stats->cells[i][kind].cnt > 0) {
                print_row(i < session->instrument_cnt ? journal_symbol(session, i) : "-", kind,
                          &stats->cells[i][kind]);
            }
        }
    }
    for (unsigned kind = 0; kind < KINDS; kind++) {
        if (stats->kinds[kind].cnt > 0) {
            print_row("all", kind, &stats->kinds[kind]);
        }
    }
}

int journal_stats(struct journal_session *session)
{
    static struct stats stats;
    struct pw_journal_cursor *cursor = journal_cursor(session);
    struct pw_journal_record record = {0};
    struct pw_journal_usage usage;
    if (!cursor) {
        return JOURNAL_FAILED;
    }
    while (journal_read(session, cursor, &record)) {
        const struct pw_event *event = &record.event;
        uint32_t row =
            event->instrument_idx < session->instrument_cnt ? event->instrument_idx : PW_INSTRUMENTS_MAX;
        uint32_t kind = event->kind < KINDS ? event->kind : 0;
        stats.first_ns =
            stats.event_cnt == 0 || event->recv_ns < stats.first_ns ? event->recv_ns : stats.first_ns;
        stats.last_ns = event->recv_ns > stats.last_ns ? event->recv_ns : stats.last_ns;
        stats.event_cnt++;
        const struct pw_instrument *instrument = journal_instrument(session, event->instrument_idx);
        int unit_shift = instrument != NULL ? instrument->unit_shift : 0;
        add(&stats.kinds[kind], unit_shift, event);
        add(&stats.cells[row][kind], unit_shift, event);
    }
    pw_journal_cursor_usage(cursor, &usage);
    pw_journal_cursor_free(cursor);
    if (stats.event_cnt == 0) {
        journal_note_nothing(session);
    }
    if (session->json) {
        print_stats_json(session, &stats, &usage);
    } else {
        print_stats(session, &stats, &usage);
    }
    return session->damage_cnt ? JOURNAL_DAMAGED : JOURNAL_OK;
}

/* ---- verify ---- */

struct verdict {
    uint64_t event_cnt, frame_cnt, dropped_cnt;
    uint64_t frames_dropped_cnt; /* raw frames' numbers that are not there */
    uint64_t hole_cnt;           /* jumps of the market's numbers that no gap explains */
    uint64_t early_cnt;          /* orders' events before the market event that they name */
    uint64_t late_cnt;           /* orders' events behind a later market event that execution was shown */
    uint64_t damage_cnt;
    uint64_t unfinished_cnt; /* segments that were being made when the engine was killed: no damage */
    uint64_t stored_bytes, block_cnt;
    bool is_unlisted; /* the table of runs does not have it */
    bool short_of;    /* fewer events than the run says that it stored */
};

/* How far the market has come. */
struct market_place {
    uint64_t gone_by; /* events, with dropped ones */
    uint64_t shown;   /* up to the last one that execution was shown */
};

/* An order's event stands behind the market event that it names and before the next that execution is shown.
 * What was made before there was any market names its first event, too. */
static void judge_place(struct verdict *verdict, const struct pw_event *event,
                        const struct market_place *place)
{
    uint64_t named = pw_event_made_after(event);
    verdict->early_cnt += named > place->gone_by && !(named == 1 && place->gone_by == 0);
    verdict->late_cnt += named > 0 && named < place->shown;
}

static void judge(struct verdict *verdict, const struct pw_journal_record *record, struct market_place *place)
{
    const struct pw_event *event = &record->event;
    uint64_t *gone_by = &place->gone_by;
    verdict->event_cnt++;
    if (!pw_event_is_market(event)) {
        judge_place(verdict, event, place);
        return;
    }
    if (event->kind == PW_EVENT_GAP && event->body.gap.reason == PW_REASON_JOURNAL_FULL) {
        verdict->dropped_cnt += event->body.gap.lost_cnt;
        verdict->hole_cnt += event->body.gap.first > *gone_by;
    } else if (record->market_seq != *gone_by) {
        verdict->hole_cnt++;
    }
    *gone_by = pw_market_seq_after(record->market_seq, event);
    place->shown = pw_event_is_for_execution(event) ? *gone_by : place->shown;
}

/* Frames of market data are numbered as they come from the venue; what found no room in the ring leaves its
 * number out. Those of order entry, whose connection comes after the feeds', have no such numbers. */
static void judge_frame(struct verdict *verdict, const struct pw_event *frame, uint32_t feed_cnt,
                        uint32_t *next_seq)
{
    verdict->frame_cnt++;
    if (feed_cnt > 0 && frame->body.frame.feed_idx >= feed_cnt) {
        return;
    }
    verdict->frames_dropped_cnt += frame->seq - *next_seq;
    *next_seq = frame->seq + 1;
}

static bool read_stream(struct journal_session *session, struct verdict *verdict, bool frames)
{
    struct pw_journal_record record = {0};
    struct pw_journal_usage usage;
    struct market_place place = {0};
    uint64_t damages_before = session->damage_cnt;
    uint32_t next_frame_seq = 0, feed_cnt = journal_feed_cnt(session);
    session->query = (struct pw_journal_query){.run_id = session->run.run_id, .frames = frames};
    struct pw_journal_cursor *cursor = journal_cursor(session);
    if (!cursor) {
        return false;
    }
    while (journal_read(session, cursor, &record)) {
        /* What damage has torn is reported as damage. */
        if (session->damage_cnt != damages_before) {
            damages_before = session->damage_cnt;
            place = (struct market_place){.gone_by = record.market_seq};
            next_frame_seq = record.event.seq;
        }
        if (frames) {
            judge_frame(verdict, &record.event, feed_cnt, &next_frame_seq);
        } else {
            judge(verdict, &record, &place);
        }
    }
    pw_journal_cursor_usage(cursor, &usage);
    pw_journal_cursor_free(cursor);
    verdict->stored_bytes += usage.stored_bytes;
    verdict->block_cnt += usage.block_cnt;
    return true;
}

static bool is_good(const struct verdict *verdict)
{
    return verdict->damage_cnt == 0 && verdict->hole_cnt == 0 && verdict->early_cnt == 0 &&
           verdict->late_cnt == 0 && !verdict->short_of;
}

static void print_verdict(const struct journal_session *session, const struct verdict *verdict)
{
    printf("run %" PRIu64 ": %s: %" PRIu64 " events, %" PRIu64 " frames; %" PRIu64 " blocks, %" PRIu64
           " bytes",
           session->run.run_id, is_good(verdict) ? "good" : "DAMAGED", verdict->event_cnt, verdict->frame_cnt,
           verdict->block_cnt, verdict->stored_bytes);
    if (verdict->dropped_cnt) {
        printf("; dropped: %" PRIu64 " market events, recorded as gaps", verdict->dropped_cnt);
    }
    if (verdict->frames_dropped_cnt) {
        printf("; dropped: %" PRIu64 " frames", verdict->frames_dropped_cnt);
    }
    if (verdict->unfinished_cnt) {
        printf("; unfinished: %" PRIu64 " segment, being made at the kill", verdict->unfinished_cnt);
    }
    if (verdict->is_unlisted) {
        printf("; not in the table of runs");
    }
    if (verdict->hole_cnt) {
        printf("; missing: %" PRIu64 " sequence breaks that no gap explains", verdict->hole_cnt);
    }
    if (verdict->short_of) {
        printf("; expected %" PRIu64 " events and frames", session->run.event_cnt);
    }
    if (verdict->early_cnt || verdict->late_cnt) {
        printf("; ordering: %" PRIu64 " early, %" PRIu64 " late", verdict->early_cnt, verdict->late_cnt);
    }
    putchar('\n');
}

static json_t *verdict_json(const struct journal_session *session, const struct verdict *verdict)
{
    json_t *json = json_pack(
        "{s:o, s:b, s:b, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "run_id",
        journal_json_id(session->run.run_id), "good", is_good(verdict), "clean", session->run.clean != 0,
        "listed", !verdict->is_unlisted, "unfinished_cnt", (json_int_t)verdict->unfinished_cnt, "event_cnt",
        (json_int_t)verdict->event_cnt, "frame_cnt", (json_int_t)verdict->frame_cnt, "frame_dropped_cnt",
        (json_int_t)verdict->frames_dropped_cnt, "block_cnt", (json_int_t)verdict->block_cnt, "stored_bytes",
        (json_int_t)verdict->stored_bytes, "damage_cnt", (json_int_t)verdict->damage_cnt, "hole_cnt",
        (json_int_t)verdict->hole_cnt, "dropped_cnt", (json_int_t)verdict->dropped_cnt, "early_cnt",
        (json_int_t)verdict->early_cnt, "late_cnt", (json_int_t)verdict->late_cnt);
    journal_put_loss(json, &session->run);
    return json;
}

/* True if the run is good. */
static bool verify_run(struct journal_session *session, json_t *list)
{
    struct verdict verdict = {0};
    uint64_t damages_before = session->damage_cnt;
    uint64_t unfinished_before = session->unfinished_cnt, unlisted_before = session->unlisted_cnt;
    session->progress->run_id = session->run.run_id;
    session->committed = (struct pw_journal_committed){0};
    journal_config_forget(session);
    journal_audit_run(session);
    verdict.unfinished_cnt = session->unfinished_cnt - unfinished_before;
    verdict.is_unlisted = session->unlisted_cnt != unlisted_before;
    bool read = read_stream(session, &verdict, false) && read_stream(session, &verdict, true);
    verdict.short_of =
        session->run.ended_ns && verdict.event_cnt + verdict.frame_cnt < session->run.event_cnt;
    verdict.damage_cnt = session->damage_cnt - damages_before + !read;
    if (session->json) {
        json_array_append_new(list, verdict_json(session, &verdict));
    } else {
        print_verdict(session, &verdict);
        fflush(stdout); /* what is good so far, should the next run crash the reader */
    }
    return is_good(&verdict);
}

int journal_verify(struct journal_session *session)
{
    struct pw_journal_run *runs;
    int64_t cnt = journal_runs(session, &runs);
    if (cnt < 0) {
        return JOURNAL_FAILED;
    }
    uint64_t only = session->run_given ? session->run.run_id : 0;
    json_t *list = json_array();
    if (only == 0) {
        journal_audit_folder(session);
    }
    uint64_t folder_damage_cnt = session->damage_cnt, folder_unfinished_cnt = session->unfinished_cnt;
    bool good = folder_damage_cnt == 0;
    for (int64_t i = 0; i < cnt; i++) {
        if (only == 0 || runs[i].run_id == only) {
            session->run = runs[i];
            good &= verify_run(session, list);
        }
    }
    if (session->json) {
        journal_print_json(json_pack("{s:b, s:I, s:I, s:O}", "good", good, "folder_damage_cnt",
                                     (json_int_t)folder_damage_cnt, "folder_unfinished_cnt",
                                     (json_int_t)folder_unfinished_cnt, "runs", list));
    } else if (folder_damage_cnt > 0) {
        printf("folder: DAMAGED: %" PRIu64 " files are not what they should be\n", folder_damage_cnt);
    }
    json_decref(list);
    free(runs);
    return good ? JOURNAL_OK : JOURNAL_DAMAGED;
}
