/* SPDX-License-Identifier: MIT
 *
 * Instructions a hop: see instructions.h.
 *
 * Functions that are called for work alone are counted by the call. A stage is polled whether or not there is
 * work, more often the longer the venue waits, and makes a TIME event where the market is silent; so ticks
 * are fed with three lengths of pause, and what is not theirs is taken out: instructions = idle * polls +
 * quiet * TIME events + cost * ticks, three times; for stages that make no TIME events twice, of the two
 * lengths that differ most. Counting begins anew with each of them, so the engine's start is no part of it.
 */
#include "instructions.h"
#include "callgrind.h"
#include "tick_rig.h"

#include <errno.h>
#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- hops ---- */

enum unit { EACH_CALL, EACH_TICK, EACH_MESSAGE }; /* each tick brings an order */

#define NAMES_MAX 4u

struct hop_row {
    struct instructions_hop hop;
    enum unit unit;
    const char *functions[NAMES_MAX]; /* names that it has in builds, the first that there is */
    const char *without[NAMES_MAX];   /* what is called inside and does not count; the same */
    bool makes_times;                 /* TIME events: they cost it what shows beside a tick's cost */
};

static const struct hop_row g_hops[] = {
    {{"instr_decrypt", "decrypt a TLS record"}, EACH_CALL, {"pw_link_read"}, {NULL}},
    {{"instr_decode", "decode a bookTicker or less"}, EACH_CALL, {"pw_binance_events"}, {NULL}},
    {{"instr_place", "place an order: admission to encoded"}, EACH_CALL, {"pw_execution_place"}, {NULL}},
    {{"instr_risk", "risk checks of an order"}, EACH_CALL, {"pw_risk_check"}, {NULL}},
    {{"instr_encode", "encode an order"},
     EACH_CALL,
     {"live_place", "session_place", "pw_session_place"},
     {NULL}},
    {{"instr_encrypt", "encrypt a TLS record"}, EACH_CALL, {"pw_link_write"}, {NULL}},
    {{"instr_answer", "decode a response of order entry"},
     EACH_CALL,
     {"pw_binance_read_response", "pw_binance_told"},
     {NULL}},
    {{"instr_net_rx", "net_rx, a tick and the responses to its order"}, EACH_TICK, {"net_rx_poll"}, {NULL}},
    {{"instr_parse", "parse, a tick"}, EACH_TICK, {"parse_poll"}, {NULL}},
    {{"instr_strategy", "strategy, a tick and its reports"}, EACH_TICK, {"strategy_poll"}, {NULL}, true},
    {{"instr_execution", "execution, an order, responses not decoded"},
     EACH_TICK,
     {"execution_poll"},
     {"pw_binance_read_response", "pw_binance_told"}},
    {{"instr_net_tx", "net_tx, an order"}, EACH_TICK, {"net_tx_poll"}, {NULL}},
    {{"instr_parse_market", "parse, a message of market data"}, EACH_MESSAGE, {"parse_poll"}, {NULL}},
    {{"instr_strategy_market", "strategy, a message of market data"},
     EACH_MESSAGE,
     {"strategy_poll"},
     {NULL},
     true},
};
#define HOP_CNT (sizeof g_hops / sizeof *g_hops)
static_assert(HOP_CNT <= INSTRUCTIONS_HOPS_MAX, "each has a row");

const char *instructions_id(size_t i)
{
    return i < HOP_CNT ? g_hops[i].hop.id : NULL;
}

/* ---- a tape ---- */

#define RESTED  4u   /* looks in a row, 100 us apart, that find it at rest */
#define WAIT_NS 10e9 /* for an order, of an engine that runs fifty times slower */
#define TRIES   3    /* of the tape: an engine without its core denies orders */

/* The bench's strategy: called for each event of its instruments and for each TIME event. */
#define STRATEGY           "tick_taker_on_market"
#define EVENTS_OF_MESSAGES 2.0 /* ten messages: nine of one event, an update of 1 + 10 */

struct part {
    uint32_t ticks, messages;
    double pause_ns; /* behind each */
};

enum part_kind { QUICK, MIDDLE, SLOW, TICK_PARTS, MARKET = TICK_PARTS, PARTS };

static const struct part g_parts[PARTS] = {
    [QUICK] = {200, 0, 2e6},
    [MIDDLE] = {100, 0, 8e6},
    [SLOW] = {100, 0, 40e6},
    [MARKET] = {0, 500, 2e6},
};

/* What a part of the tape gave; for each hop. */
struct counted {
    double instructions[HOP_CNT], calls[HOP_CNT];
    double ticks, messages, times; /* times: TIME events */
};

static double since_ns(uint64_t start)
{
    return (double)(pw_bench_ticks() - start) * pw_bench_tick_ns;
}

/* At least so long, and until the engine has done all that it was given: each message finds it idle. Its naps
 * are a millisecond at most. */
static void pause_for(struct tick_rig *rig, double pause_ns)
{
    uint64_t start = pw_bench_ticks();
    uint32_t rested_cnt = 0;
    while (since_ns(start) < pause_ns || rested_cnt < RESTED) {
        venue_serve(&rig->venue);
        nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
        rested_cnt = engine_child_rests(&rig->engine) ? rested_cnt + 1 : 0;
        if (since_ns(start) > WAIT_NS) {
            return; /* what it waits for is seen next */
        }
    }
}

static bool order_wait(struct tick_rig *rig)
{
    struct venue_order order;
    uint64_t start = pw_bench_ticks();
    while (!venue_order_poll(&rig->venue, &order)) {
        if (since_ns(start) > WAIT_NS) {
            pw_bench_note(rig->report, "a tick brought no order");
            return false;
        }
        sched_yield();
    }
    return true;
}

static int part_feed(struct tick_rig *rig, const struct part *part)
{
    rig->venue.came_cnt = 0;
    for (uint32_t i = 0; i < part->ticks; i++) {
        if (venue_send(&rig->venue, 0, VENUE_TICK) == 0) {
            return -EPROTO;
        }
        if (!order_wait(rig)) {
            return -EAGAIN;
        }
        pause_for(rig, part->pause_ns);
    }
    for (uint32_t i = 0; i < part->messages; i++) {
        if (!tick_rig_load(rig, i)) {
            return -EPROTO;
        }
        pause_for(rig, part->pause_ns);
    }
    return 0;
}

static const struct callgrind_function *function_of(const struct callgrind *counts,
                                                    const char *const names[NAMES_MAX])
{
    const struct callgrind_function *function = NULL;
    for (size_t i = 0; i < NAMES_MAX && names[i] != NULL && function == NULL; i++) {
        function = callgrind_find(counts, names[i]);
    }
    return function;
}

static void hops_count(const struct callgrind *counts, struct counted *counted)
{
    for (size_t i = 0; i < HOP_CNT; i++) {
        const struct callgrind_function *function = function_of(counts, g_hops[i].functions);
        const struct callgrind_function *without = function_of(counts, g_hops[i].without);
        bool there = function != NULL && (without != NULL || g_hops[i].without[0] == NULL);
        counted->calls[i] = there ? (double)function->calls : NAN;
        counted->instructions[i] =
            there ? (double)(function->instructions - (without != NULL ? without->instructions : 0)) : NAN;
    }
}

static double times_of(const struct callgrind *counts, const struct part *part)
{
    const struct callgrind_function *strategy = callgrind_find(counts, STRATEGY);
    double events = part->ticks + EVENTS_OF_MESSAGES * part->messages;
    return strategy != NULL ? (double)strategy->calls - events : 0;
}

/* What has been counted since the last time. */
static int counts_take(struct tick_rig *rig, const struct part *part, struct counted *counted)
{
    char path[400];
    struct callgrind counts;
    bool good = engine_child_counts_write(&rig->engine);
    snprintf(path, sizeof path, "%s.%u", rig->engine.counts_path, rig->engine.counts_cnt);
    FILE *in = good ? fopen(path, "re") : NULL;
    good = in != NULL && callgrind_read(&counts, in);
    if (in != NULL) {
        fclose(in);
        unlink(path);
    }
    if (!good) {
        pw_bench_note(rig->report, "callgrind left no counts (valgrind's vgdb asks for them)");
        return -EPROTO;
    }
    hops_count(&counts, counted);
    counted->ticks = part->ticks;
    counted->messages = part->messages;
    counted->times = times_of(&counts, part);
    callgrind_free(&counts);
    return 0;
}

/* A tenth of it, to see whether it runs. */
static struct part part_of(enum part_kind kind, bool quick)
{
    struct part part = g_parts[kind];
    part.ticks /= quick ? 10 : 1;
    part.messages /= quick ? 10 : 1;
    return part;
}

static int tape_feed(struct tick_rig *rig, struct counted counted[PARTS])
{
    struct counted start;
    pause_for(rig, g_parts[SLOW].pause_ns);
    int result = counts_take(rig, &(struct part){0}, &start);
    for (enum part_kind kind = QUICK; kind < PARTS && result == 0; kind++) {
        struct part part = part_of(kind, rig->env->quick);
        result = part_feed(rig, &part);
        result = result == 0 ? counts_take(rig, &part, &counted[kind]) : result;
    }
    return result;
}

static int tape_run(struct tick_rig *rig, struct counted counted[PARTS])
{
    int result = -EAGAIN;
    for (int i = 0; i < TRIES && result == -EAGAIN; i++) {
        result = tick_rig_start(rig, 1);
        result = result == 0 ? tape_feed(rig, counted) : result;
        tick_rig_stop(rig);
    }
    return result == -EAGAIN ? -EPROTO : result;
}

/* ---- hops out of the tape ---- */

enum share { IDLE, QUIET, COST, SHARES };
static_assert((int)SHARES == (int)TICK_PARTS, "as many equations as unknowns");

/* Solves the equations, each with its result as last column (Gauss and Jordan); singular ones give no
 * numbers. */
static void equations_solve(double rows[SHARES][SHARES + 1])
{
    for (size_t i = 0; i < SHARES; i++) {
        size_t best = i;
        for (size_t k = i + 1; k < SHARES; k++) {
            best = fabs(rows[k][i]) > fabs(rows[best][i]) ? k : best;
        }
        for (size_t column = 0; column <= SHARES; column++) {
            double value = rows[i][column];
            rows[i][column] = rows[best][column];
            rows[best][column] = value;
        }
        for (size_t k = 0; k < SHARES; k++) {
            double factor = rows[k][i] / rows[i][i];
            for (size_t column = i; k != i && column <= SHARES; column++) {
                rows[k][column] -= factor * rows[i][column];
            }
        }
    }
    for (size_t i = 0; i < SHARES; i++) {
        rows[i][SHARES] /= rows[i][i];
    }
}

static double call_cost(const struct counted counted[PARTS], size_t hop)
{
    double instructions = 0, calls = 0;
    for (enum part_kind kind = QUICK; kind < TICK_PARTS; kind++) {
        instructions += counted[kind].instructions[hop];
        calls += counted[kind].calls[hop];
    }
    return instructions / calls;
}

static double hop_cost(const struct counted counted[PARTS], size_t hop)
{
    if (g_hops[hop].unit == EACH_CALL) {
        return call_cost(counted, hop);
    }
    double rows[SHARES][SHARES + 1];
    for (enum part_kind kind = QUICK; kind < TICK_PARTS; kind++) {
        rows[kind][IDLE] = counted[kind].calls[hop];
        rows[kind][QUIET] = counted[kind].times;
        rows[kind][COST] = counted[kind].ticks;
        rows[kind][SHARES] = counted[kind].instructions[hop];
    }
    if (!g_hops[hop].makes_times) {
        memcpy(rows[MIDDLE], (double[SHARES + 1]){[QUIET] = 1}, sizeof rows[MIDDLE]); /* quiet = 0 */
    }
    equations_solve(rows);
    const struct counted *market = &counted[MARKET];
    double rest = market->instructions[hop] - rows[IDLE][SHARES] * market->calls[hop] -
                  rows[QUIET][SHARES] * market->times;
    return g_hops[hop].unit == EACH_TICK ? rows[COST][SHARES] : rest / market->messages;
}

static int build_count(struct tick_rig *rig, const char *folder, double costs[HOP_CNT])
{
    struct counted counted[PARTS];
    snprintf(rig->engine.programs, sizeof rig->engine.programs, "%s", folder);
    int result = tape_run(rig, counted);
    for (size_t i = 0; i < HOP_CNT && result == 0; i++) {
        costs[i] = hop_cost(counted, i);
    }
    return result;
}

/* ---- the comparison ---- */

static double distance(double ratio)
{
    return exp(fabs(log(ratio))) - 1;
}

static void rows_fill(const struct against *against, double costs[3][HOP_CNT],
                      struct instructions_result *result)
{
    result->row_cnt = HOP_CNT;
    for (size_t i = 0; i < HOP_CNT; i++) {
        struct instructions_row row = {.hop = &g_hops[i].hop,
                                       .own = costs[0][i],
                                       .other = costs[1][i],
                                       .again = costs[2][i],
                                       .ratio = costs[0][i] / costs[1][i],
                                       .resolution = distance(costs[2][i] / costs[0][i])};
        row.ratio_max = against_limit_of(against, row.hop->id);
        row.missed = row.ratio_max > 0 && row.ratio > row.ratio_max * (1 + row.resolution);
        result->rows[i] = row;
    }
}

static int builds_count(const struct against *against, struct tick_rig *rig, double costs[3][HOP_CNT])
{
    int result = build_count(rig, against->own, costs[0]);
    if (result == 0 && against->other[0] != '\0') {
        result = build_count(rig, against->other, costs[1]);
        result = result == 0 ? build_count(rig, against->own, costs[2]) : result;
    }
    return result;
}

static bool valgrind_there(void)
{
    return system("command -v valgrind >/dev/null 2>&1") == 0; /* by $PATH, as it is started */
}

int instructions_run(const struct against *against, struct instructions_result *result)
{
    double costs[3][HOP_CNT];
    char path[300];
    for (size_t i = 0; i < 3 * HOP_CNT; i++) {
        costs[i / HOP_CNT][i % HOP_CNT] = NAN;
    }
    memset(result, 0, sizeof *result);
    if (!valgrind_there()) {
        pw_bench_note(&result->report, "valgrind is not installed");
        return -ENOENT;
    }
    struct tick_rig *rig = calloc(1, sizeof *rig);
    int code = rig != NULL ? tick_rig_open(rig, against->env, &result->report) : -ENOMEM;
    if (code == 0) {
        snprintf(path, sizeof path, "%s/callgrind", rig->dir);
        rig->engine.counts_path = path;
        code = builds_count(against, rig, costs);
    }
    if (rig != NULL) {
        tick_rig_close(rig);
    }
    free(rig);
    if (code == 0) {
        rows_fill(against, costs, result);
    }
    return code;
}

/* ---- what comes out ---- */

bool instructions_missed(const struct instructions_result *result)
{
    for (size_t i = 0; i < result->row_cnt; i++) {
        if (result->rows[i].missed) {
            return true;
        }
    }
    return false;
}

bool instructions_unjudged(const struct instructions_result *result)
{
    for (size_t i = 0; i < result->row_cnt; i++) {
        if (isnan(result->rows[i].ratio) && result->rows[i].ratio_max > 0) {
            return true;
        }
    }
    return false;
}

static const char *limit_name(const struct instructions_row *row)
{
    return judge_limit_name(!isnan(row->ratio), row->missed);
}

static void ratio_print(const struct instructions_row *row)
{
    if (isnan(row->ratio)) {
        printf(" %12s", "missing");
    } else {
        printf(" %12.1f %10.4f %10.2f%%", row->other, row->ratio, 100 * row->resolution);
    }
    if (row->ratio_max > 0) {
        printf("   (target: at most %.2f: %s)", row->ratio_max, limit_name(row));
    }
    printf("\n");
}

void instructions_print(const struct against *against, const struct instructions_result *result)
{
    bool compared = against->other[0] != '\0';
    printf("\ninstructions a hop (callgrind)%s%s\n", compared ? ": this build against " : "", against->other);
    if (result->report.note[0] != '\0') {
        printf("  %s\n", result->report.note);
    }
    printf("\n  %-24s %-44s %12s", "id", "hop", "this");
    printf(compared ? " %12s %10s %11s\n" : "\n", "other", "ratio", "resolution");
    for (size_t i = 0; i < result->row_cnt; i++) {
        const struct instructions_row *row = &result->rows[i];
        printf("  %-24s %-44s %12.1f", row->hop->id, row->hop->label, row->own);
        if (compared) {
            ratio_print(row);
        } else {
            printf("\n");
        }
    }
}

static void number_set(json_t *json, const char *key, double value)
{
    json_object_set_new(json, key, isnan(value) ? json_null() : json_real(value));
}

json_t *instructions_json(const struct against *against, const struct instructions_result *result)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < result->row_cnt; i++) {
        const struct instructions_row *row = &result->rows[i];
        json_t *json = json_pack("{s:s, s:s}", "id", row->hop->id, "name", row->hop->label);
        number_set(json, "this", row->own);
        if (against->other[0] != '\0') {
            number_set(json, "other", row->other);
            number_set(json, "ratio", row->ratio);
            number_set(json, "resolution", row->resolution);
        }
        if (row->ratio_max > 0) {
            json_object_set_new(json, "ratio_max", json_real(row->ratio_max));
            json_object_set_new(json, "target", json_string(limit_name(row)));
        }
        json_array_append_new(rows, json);
    }
    return json_pack("{s:s, s:s, s:s, s:o}", "name", "instructions", "against", against->other, "note",
                     result->report.note, "instructions", rows);
}
