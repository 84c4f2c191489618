/* SPDX-License-Identifier: MIT
 *
 * book: depth updates applied to the order book, and what strategies read from it: made updates, and recorded
 * ones where there is a recording.
 *
 * Baseline: the same levels written into a flat array, one behind the other, and ten levels copied out of it.
 * Every pass over the updates begins with the book of the snapshot that they follow on.
 */
#include "book.h"
#include "event_tape.h"
#include "rounds.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UPDATES         10000u
#define READS           20000u
#define SNAPSHOT_LEVELS 1000u /* a side, of the made one */
#define FLAT_LEVELS     PW_BOOK_LEVELS_DEFAULT
#define TOP_LEVELS      10u

struct desk {
    struct event_tape tape; /* message 0: the snapshot */
    struct pw_book *book;
    void *snapshot; /* the book's memory after message 0 */
    struct pw_level flat[2][FLAT_LEVELS];
    uint32_t flat_cnt[2];
};

/* ---- subjects ---- */

/* Item i is message i + 1. */
static void update_run(void *arg, size_t first, size_t end)
{
    struct desk *d = arg;
    for (uint64_t i = d->tape.firsts[first + 1]; i < d->tape.firsts[end + 1]; i++) {
        pw_book_apply(d->book, &d->tape.events[i]);
    }
}

static void book_restore(void *arg)
{
    struct desk *d = arg;
    memcpy(d->book, d->snapshot, pw_book_bytes(PW_BOOK_LEVELS_DEFAULT));
}

static void flat_write(struct desk *d, unsigned side, struct pw_level level)
{
    d->flat[side][d->flat_cnt[side]++ % FLAT_LEVELS] = level;
}

static void flat_run(void *arg, size_t first, size_t end)
{
    struct desk *d = arg;
    for (uint64_t i = d->tape.firsts[first + 1]; i < d->tape.firsts[end + 1]; i++) {
        const struct pw_event *event = &d->tape.events[i];
        if (event->kind == PW_EVENT_LEVELS) {
            unsigned side = event->flags & PW_FLAG_SELL ? PW_SELL : PW_BUY;
            flat_write(d, side, event->body.levels.level[0]);
            if (event->flags & PW_FLAG_PAIR) {
                flat_write(d, side, event->body.levels.level[1]);
            }
        }
    }
    pw_bench_keep(d->flat);
}

static void best_run(void *arg, size_t first, size_t end)
{
    const struct desk *d = arg;
    for (size_t i = first; i < end; i++) {
        struct pw_level best[2] = {pw_book_best(d->book, PW_BUY), pw_book_best(d->book, PW_SELL)};
        pw_bench_keep(best);
    }
}

static void top_run(void *arg, size_t first, size_t end)
{
    const struct desk *d = arg;
    for (size_t i = first; i < end; i++) {
        struct pw_level top[2][TOP_LEVELS];
        pw_book_top(d->book, PW_BUY, top[PW_BUY], TOP_LEVELS);
        pw_book_top(d->book, PW_SELL, top[PW_SELL], TOP_LEVELS);
        pw_bench_keep(top);
    }
}

static void flat_top_run(void *arg, size_t first, size_t end)
{
    const struct desk *d = arg;
    for (size_t i = first; i < end; i++) {
        struct pw_level top[2][TOP_LEVELS];
        memcpy(top[PW_BUY], d->flat[PW_BUY], sizeof top[PW_BUY]);
        memcpy(top[PW_SELL], d->flat[PW_SELL], sizeof top[PW_SELL]);
        pw_bench_keep(top);
    }
}

/* ---- one source ---- */

static void add_figure(struct pw_bench_report *report, const char *id, const char *what, const char *source,
                       const char *unit, double value)
{
    struct pw_bench_value figure = {.value = value};
    snprintf(figure.of, sizeof figure.of, "%s", unit);
    snprintf(figure.id, sizeof figure.id, "book_%s_%s", id, source);
    snprintf(figure.name, sizeof figure.name, "%s, %s", what, source);
    pw_bench_add_figure(report, &figure);
}

static int updates_measure(struct desk *d, const char *source, struct pw_bench_report *report)
{
    struct pw_bench_subject subjects[] = {
        {.run = update_run, .begin = book_restore, .arg = d},
        {.run = flat_run, .arg = d},
    };
    snprintf(subjects[0].id, sizeof subjects[0].id, "book_update_%s", source);
    snprintf(subjects[1].id, sizeof subjects[1].id, "book_update_%s_flat", source);
    snprintf(subjects[0].name, sizeof subjects[0].name, "apply an update, %s", source);
    snprintf(subjects[1].name, sizeof subjects[1].name, "apply an update, %s: flat array", source);
    uint64_t update_cnt = d->tape.message_cnt - 1, levels = 0;
    for (uint64_t i = d->tape.firsts[1]; i < d->tape.cnt; i++) {
        const struct pw_event *event = &d->tape.events[i];
        levels += event->kind != PW_EVENT_LEVELS ? 0 : event->flags & PW_FLAG_PAIR ? 2 : 1;
    }
    int result = pw_bench_rounds_run(subjects, 2, update_cnt, report);
    if (result == 0) {
        double a_update = (double)levels / (double)update_cnt;
        add_figure(report, "level", "apply a level", source, "ns/level",
                   subjects[0].block_mean_ns / a_update);
        add_figure(report, "level_flat", "apply a level to a flat array", source, "ns/level",
                   subjects[1].block_mean_ns / a_update);
        add_figure(report, "levels_each", "levels per update", source, "levels", a_update);
        add_figure(report, "levels_final", "levels in the final book", source, "levels",
                   pw_book_level_cnt(d->book, PW_BUY) + pw_book_level_cnt(d->book, PW_SELL));
        pw_bench_rounds_add_ratio(report, &subjects[0], &subjects[1]);
    }
    return result;
}

static int reads_measure(struct desk *d, const struct pw_bench_env *env, const char *source,
                         struct pw_bench_report *report)
{
    struct pw_bench_subject subjects[] = {
        {.run = best_run, .arg = d},
        {.run = top_run, .arg = d},
        {.run = flat_top_run, .arg = d},
    };
    snprintf(subjects[0].id, sizeof subjects[0].id, "book_best_%s", source);
    snprintf(subjects[1].id, sizeof subjects[1].id, "book_ten_%s", source);
    snprintf(subjects[2].id, sizeof subjects[2].id, "book_ten_%s_flat", source);
    snprintf(subjects[0].name, sizeof subjects[0].name, "read best bid and ask, %s", source);
    snprintf(subjects[1].name, sizeof subjects[1].name, "read ten levels a side, %s", source);
    snprintf(subjects[2].name, sizeof subjects[2].name, "read ten levels a side, %s: flat array", source);
    int result = pw_bench_rounds_run(subjects, 3, env->quick ? READS / 100 : READS, report);
    if (result == 0) {
        pw_bench_rounds_add_ratio(report, &subjects[1], &subjects[2]);
    }
    return result;
}

static int source_run(const struct message_tape *updates, const struct message_tape *snapshot,
                      const struct pw_bench_env *env, const char *source, struct pw_bench_report *report)
{
    static struct desk d;
    int result = event_tape_make(&d.tape, updates, snapshot);
    if (result != 0) {
        return result;
    }
    size_t bytes = pw_book_bytes(PW_BOOK_LEVELS_DEFAULT);
    void *memory = aligned_alloc(64, bytes);
    d.snapshot = malloc(bytes);
    result = memory == NULL || d.snapshot == NULL ? -ENOMEM : 0;
    if (result == 0) {
        memset(memory, 0, bytes);
        d.book = pw_book_init(memory, PW_BOOK_LEVELS_DEFAULT);
        for (uint64_t i = 0; i < d.tape.firsts[1]; i++) {
            pw_book_apply(d.book, &d.tape.events[i]);
        }
        memcpy(d.snapshot, memory, bytes);
        result = updates_measure(&d, source, report);
    }
    if (result == 0) {
        result = reads_measure(&d, env, source, report);
    }
    free(memory);
    free(d.snapshot);
    event_tape_free(&d.tape);
    return result;
}

static int synthetic_run(const struct pw_bench_env *env, uint64_t update_cnt, struct pw_bench_report *report)
{
    struct message_tape updates = {0}, snapshot = {0};
    int result = -ENOMEM;
    if (message_tape_make_kind(&updates, update_cnt, MESSAGE_DEPTH) &&
        message_tape_make_snapshot(&snapshot, SNAPSHOT_LEVELS)) {
        result = source_run(&updates, &snapshot, env, "synthetic", report);
    }
    message_tape_free(&updates);
    message_tape_free(&snapshot);
    return result;
}

static int recorded_run(const struct pw_bench_env *env, uint64_t update_cnt, struct pw_bench_report *report)
{
    struct message_tape updates, snapshot;
    int result = message_tape_load(&updates, env->data_path, 1u << MESSAGE_DEPTH, update_cnt, &snapshot);
    if (result != 0 && result != -ENOENT) {
        return result;
    }
    if (result == -ENOENT || snapshot.cnt == 0) {
        pw_bench_note(report, "%s: skipped, no depth updates with a snapshot", env->data_path);
        result = 0;
    } else {
        pw_bench_note(report, "recorded: %s", env->data_path);
        result = source_run(&updates, &snapshot, env, "recorded", report);
    }
    message_tape_free(&updates);
    message_tape_free(&snapshot);
    return result;
}

static int book_run(const struct pw_bench_env *env, struct pw_bench_report *report)
{
    uint64_t update_cnt = env->quick ? UPDATES / 100 : UPDATES;
    int result = pw_bench_core_bind(env->cores[0]);
    result = result != 0 ? result : synthetic_run(env, update_cnt, report);
    if (result == 0 && env->data_path != NULL) {
        result = recorded_run(env, update_cnt, report);
    }
    return result;
}

const struct pw_bench pw_bench_book = {
    .name = "book",
    .what = "apply depth updates to the order book and read its top; baseline: a flat array",
    .run = book_run,
};
