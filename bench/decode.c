/* SPDX-License-Identifier: MIT
 *
 * decode: a venue's messages into events, by kind: synthetic ones, and recorded ones where there is a
 * recording.
 *
 * Baselines: the same messages merely scanned for a byte that is not there, which touches every byte once;
 * and read by simdjson, which gives doubles where pinwheel gives exact integers, and does not look up the
 * instrument. Before the clock runs, what both readers found in each message is compared.
 */
#include "binance_events.h"
#include "event_tape.h"
#include "rounds.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef PW_BENCH_SIMDJSON
#include "simdjson_baseline.h"
#endif

#define MESSAGES   20000u
#define EVENTS_MAX 8192u

static const struct kind_row {
    const char *id, *name;
    double target_ns, target_bytes_per_ns; /* 0: none */
} kinds[MESSAGE_KINDS] = {
    [MESSAGE_QUOTE] = {"quote", "bookTicker", 60, 0},
    [MESSAGE_TRADE] = {"trade", "trade", 60, 0},
    [MESSAGE_DEPTH] = {"depth", "depth", 0, 2},
};

/* What the readers share. */
struct decode {
    struct message_tape tape;
    struct pw_symbols symbols;
    struct pw_event events[EVENTS_MAX];
    uint64_t failed_cnt;
#ifdef PW_BENCH_SIMDJSON
    struct simdjson_reader *simdjson;
    struct simdjson_message message;
#endif
};

/* ---- subjects ---- */

static void scan_run(void *arg, size_t first, size_t end)
{
    struct decode *d = arg;
    for (size_t i = first; i < end; i++) {
        d->failed_cnt += memchr(message_at(&d->tape, i), '\x01', message_bytes(&d->tape, i)) != NULL;
    }
}

static void pinwheel_run(void *arg, size_t first, size_t end)
{
    struct decode *d = arg;
    for (size_t i = first; i < end; i++) {
        struct pw_venue_out out = {.events = d->events, .cap = EVENTS_MAX, .recv_ns = d->tape.recv_ns[i]};
        d->failed_cnt += pw_binance_events(&d->symbols, message_at(&d->tape, i), message_bytes(&d->tape, i),
                                           &out) != PW_DECODE_OK;
        pw_bench_keep(d->events);
    }
}

#ifdef PW_BENCH_SIMDJSON
static void simdjson_run(void *arg, size_t first, size_t end)
{
    struct decode *d = arg;
    for (size_t i = first; i < end; i++) {
        d->failed_cnt +=
            simdjson_read(d->simdjson, message_at(&d->tape, i), message_bytes(&d->tape, i), &d->message) != 0;
        pw_bench_keep(&d->message);
    }
}

/* ---- do they agree? ---- */

static bool same(int64_t e8, double value)
{
    return fabs((double)e8 - value * 1e8) < 0.5;
}

static bool same_levels(const struct pw_event *events, uint32_t event_cnt, const struct simdjson_message *m)
{
    uint32_t at[2] = {0, 0};
    for (uint32_t i = 1; i < event_cnt; i++) {
        unsigned side = events[i].flags & PW_FLAG_SELL ? PW_SELL : PW_BUY;
        for (uint32_t k = 0; k < (events[i].flags & PW_FLAG_PAIR ? 2u : 1u); k++, at[side]++) {
            const struct pw_level *level = &events[i].body.levels.level[k];
            if (at[side] >= m->level_cnt[side] || !same(level->price_e8, m->levels[side][at[side]][0]) ||
                !same(level->qty_e8, m->levels[side][at[side]][1])) {
                return false;
            }
        }
    }
    return at[PW_BUY] == m->level_cnt[0] && at[PW_SELL] == m->level_cnt[1];
}

static bool same_message(const struct pw_venue_out *out, const struct simdjson_message *m)
{
    const struct pw_event *event = out->events;
    if (event->venue_ns != (int64_t)m->venue_ms * 1000000) {
        return false;
    }
    switch (event->kind) {
    case PW_EVENT_QUOTE:
        return event->body.quote.update_id == m->last_id && same(event->body.quote.bid_price_e8, m->bid) &&
               same(event->body.quote.bid_qty_e8, m->bid_qty) &&
               same(event->body.quote.ask_price_e8, m->ask) && same(event->body.quote.ask_qty_e8, m->ask_qty);
    case PW_EVENT_TRADE:
        return event->body.trade.trade_id == m->last_id && same(event->body.trade.price_e8, m->bid) &&
               same(event->body.trade.qty_e8, m->bid_qty) &&
               event->body.trade.trade_ns == (int64_t)m->trade_ms * 1000000 &&
               !(event->flags & PW_FLAG_SELL) == !m->sell;
    default:
        return event->kind == PW_EVENT_DEPTH && event->body.depth.first_update_id == m->first_id &&
               event->body.depth.last_update_id == m->last_id && same_levels(event, out->cnt, m);
    }
}
#endif

/* Messages that a reader refuses, or that the two find different things in. *general_cnt: those that the fast
 * reading gives up. */
static uint64_t wrong_cnt(struct decode *d, uint64_t *general_cnt)
{
    uint64_t wrong = 0;
    for (size_t i = 0; i < d->tape.cnt; i++) {
        const char *text = message_at(&d->tape, i);
        size_t bytes = message_bytes(&d->tape, i);
        struct pw_venue_out out = {.events = d->events, .cap = EVENTS_MAX};
        *general_cnt += !pw_binance_events_fast(&d->symbols, text, bytes, &out);
        bool good = pw_binance_events(&d->symbols, text, bytes, &out) == PW_DECODE_OK;
#ifdef PW_BENCH_SIMDJSON
        good = good && simdjson_read(d->simdjson, text, bytes, &d->message) == 0 &&
               same_message(&out, &d->message);
#endif
        wrong += !good;
    }
    return wrong;
}

/* ---- one kind from one source ---- */

static void add_figures(const struct decode *d, const struct kind_row *kind,
                        const struct pw_bench_subject *subjects, struct pw_bench_report *report)
{
    double bytes = (double)d->tape.offsets[d->tape.cnt] / (double)d->tape.cnt;
    double block_mean_ns = subjects[0].block_mean_ns;
    struct pw_bench_value figure = {.of = "ns/message", .value = block_mean_ns, .target = kind->target_ns};
    snprintf(figure.id, sizeof figure.id, "%.60s_ns", subjects[0].id);
    snprintf(figure.name, sizeof figure.name, "%s", subjects[0].name);
    pw_bench_add_figure(report, &figure);
    figure = (struct pw_bench_value){.of = "bytes/message", .value = bytes};
    snprintf(figure.id, sizeof figure.id, "%.60s_bytes", subjects[0].id);
    snprintf(figure.name, sizeof figure.name, "%.50s: size", subjects[0].name);
    pw_bench_add_figure(report, &figure);
    figure = (struct pw_bench_value){
        .of = "GB/s", .value = bytes / block_mean_ns, .target = kind->target_bytes_per_ns, .at_least = true};
    snprintf(figure.id, sizeof figure.id, "%.60s_gb_per_s", subjects[0].id);
    snprintf(figure.name, sizeof figure.name, "%s", subjects[0].name);
    pw_bench_add_figure(report, &figure);
}

static int subjects_run(struct decode *d, const struct kind_row *kind, const char *source,
                        struct pw_bench_report *report)
{
    struct pw_bench_subject subjects[] = {
        {.run = pinwheel_run, .arg = d},
        {.run = scan_run, .arg = d},
#ifdef PW_BENCH_SIMDJSON
        {.run = simdjson_run, .arg = d},
#endif
    };
    const char *const names[] = {"", ": byte scan", ": simdjson"};
    const char *const ids[] = {"", "_scan", "_simdjson"};
    size_t subject_cnt = sizeof subjects / sizeof *subjects;
    for (size_t i = 0; i < subject_cnt; i++) {
        snprintf(subjects[i].id, sizeof subjects[i].id, "decode_%s_%s%s", kind->id, source, ids[i]);
        snprintf(subjects[i].name, sizeof subjects[i].name, "%s, %s%s", kind->name, source, names[i]);
    }
    int result = pw_bench_rounds_run(subjects, subject_cnt, d->tape.cnt, report);
    if (result != 0) {
        return result;
    }
    add_figures(d, kind, subjects, report);
    pw_bench_rounds_add_ratio(report, &subjects[0], &subjects[1]);
    if (subject_cnt > 2) {
        pw_bench_rounds_add_speed(report, &subjects[0], &subjects[2], 4);
    }
    return 0;
}

static int source_run(struct decode *d, enum message_kind kind, const char *source,
                      struct pw_bench_report *report)
{
    if (message_tape_symbols(&d->tape, &d->symbols) != 0) {
        pw_bench_note(report, "too many symbols");
        return -EINVAL;
    }
    uint64_t general_cnt = 0, wrong = wrong_cnt(d, &general_cnt);
    if (wrong > 0) {
        snprintf(report->note, sizeof report->note,
                 "%llu of %llu %s messages (%s) were rejected, or read differently by simdjson",
                 (unsigned long long)wrong, (unsigned long long)d->tape.cnt, kinds[kind].name, source);
        return -EBADMSG;
    }
    if (general_cnt > 0) {
        pw_bench_note(report, "%llu of %llu %s messages (%s) used the general decoder",
                      (unsigned long long)general_cnt, (unsigned long long)d->tape.cnt, kinds[kind].name,
                      source);
    }
    return subjects_run(d, &kinds[kind], source, report);
}

static int kind_run(struct decode *d, const struct pw_bench_env *env, enum message_kind kind,
                    struct pw_bench_report *report)
{
    uint64_t cnt = env->quick ? MESSAGES / 100 : MESSAGES;
    if (!message_tape_make_kind(&d->tape, cnt, kind)) {
        return -ENOMEM;
    }
    int result = source_run(d, kind, "synthetic", report);
    message_tape_free(&d->tape);
    if (result == 0 && env->data_path != NULL) {
        result = message_tape_load(&d->tape, env->data_path, 1u << kind, cnt, NULL);
        if (result == -ENOENT) {
            pw_bench_note(report, "no %s messages in %s", kinds[kind].name, env->data_path);
            return 0;
        }
        result = result == 0 ? source_run(d, kind, "recorded", report) : result;
        message_tape_free(&d->tape);
    }
    return result;
}

static int decode_run(const struct pw_bench_env *env, struct pw_bench_report *report)
{
    static struct decode d;
    int result = pw_bench_core_bind(env->cores[0]);
#ifdef PW_BENCH_SIMDJSON
    d.simdjson = simdjson_reader_new();
    result = result == 0 && d.simdjson == NULL ? -ENOMEM : result;
    pw_bench_note(report, "simdjson %s", simdjson_reader_about());
#else
    pw_bench_note(report, "simdjson: not in this build (needs libsimdjson and a C++ compiler)");
#endif
    pw_bench_note(report, env->data_path != NULL ? "recorded: %s" : "no recorded data (--data FILE)%s",
                  env->data_path != NULL ? env->data_path : "");
    for (unsigned kind = 0; kind < MESSAGE_KINDS && result == 0; kind++) {
        result = kind_run(&d, env, (enum message_kind)kind, report);
    }
#ifdef PW_BENCH_SIMDJSON
    simdjson_reader_free(d.simdjson);
#endif
    return result;
}

const struct pw_bench pw_bench_decode = {
    .name = "decode",
    .what = "decode venue messages into events; baselines: a byte scan, simdjson",
    .run = decode_run,
};
