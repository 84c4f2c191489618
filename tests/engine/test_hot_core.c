/* SPDX-License-Identifier: MIT
 *
 * Promises D2 and D5: while market data comes in and orders go out, a hot thread asks the heap for nothing
 * and makes no system call but io_uring's. A library preloaded into a real engine counts (hot_watch.c); two
 * controls, in which that library itself sins on the hot thread, show that it would be seen.
 *
 * What wolfSSL takes on a hot thread comes out of its connection's arena, fixed memory made at start
 * (src/net/arena.h), and is not the heap's: the arena's tests watch that.
 */
#include "harness.h"
#include "hot_watch.h"
#include <assert.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SECONDS 300

static const char market_yaml[] = "pace: 1\n"
                                  "market:\n"
                                  "  seed: 11\n"
                                  "  instruments:\n"
                                  "    - {symbol: BTCUSDT, price: \"60000\", tick: \"0.01\", step: "
                                  "\"0.00001\", trades_per_s: 200, quotes_per_s: 400}\n"
                                  "    - {symbol: ETHUSDT, price: \"3000\", tick: \"0.01\", step: "
                                  "\"0.0001\", trades_per_s: 200, quotes_per_s: 400}\n";

/* Two who may trade there, by a shared secret and by a key pair. No secrets: of the simulator. */
#define SECRET "hot-core-secret-0123456789"
static const char *const api_keys[] = {"HotCoreHmacKey0123456789", "HotCoreEd25519Key0123456789"};
enum live_key { NOT_LIVE = -1, LIVE_HMAC = 0, LIVE_ED25519 = 1 };

/* ---- what has come and gone since the watch began ---- */

struct flow {
    long long frame_cnt, order_cnt, fill_cnt;
};

static struct flow flow_read(struct harness *h)
{
    struct flow flow = {.frame_cnt = harness_metric(h, "parse", "frames")};
    json_t *top = harness_top(h);
    flow.order_cnt = json_number_at(top, "account/order_cnt");
    flow.fill_cnt = json_number_at(top, "account/fill_cnt");
    json_decref(top);
    return flow;
}

static bool flow_reached(struct harness *h, const void *arg)
{
    const struct flow *want = arg;
    struct flow now = flow_read(h);
    return now.frame_cnt >= want->frame_cnt && now.order_cnt >= want->order_cnt &&
           now.fill_cnt >= want->fill_cnt;
}

/* Until so much more has flowed. */
static void flow_wait(struct harness *h, struct flow more)
{
    struct flow now = flow_read(h);
    struct flow want = {now.frame_cnt + more.frame_cnt, now.order_cnt + more.order_cnt,
                        now.fill_cnt + more.fill_cnt};
    cr_assert(harness_wait(h, flow_reached, &want, SECONDS),
              "the market or the orders dried up: %lld frames, %lld orders, %lld fills at first",
              now.frame_cnt, now.order_cnt, now.fill_cnt);
}

/* ---- the watched engine ---- */

struct rig {
    struct harness h;
    struct hot_watch *watch;
    uint32_t hot_cnt; /* cores 0 to hot_cnt - 1 are hot */
};

static const char *library(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    cr_skip_test("a sanitizer has its own allocator, and makes system calls of its own");
#endif
    const char *path = getenv("PINWHEEL_HOT_WATCH_LIB");
    if (path == NULL || access(path, R_OK) != 0) {
        cr_skip_test("no library to preload: it is for x86-64, and $PINWHEEL_HOT_WATCH_LIB names it");
    }
    return path;
}

/* Where the clock cannot be read in user space, each reading is a system call that pinwheel cannot help. */
static void skip_slow_clock(void)
{
    char name[32] = "";
    FILE *file = fopen("/sys/devices/system/clocksource/clocksource0/current_clocksource", "re");
    if (file != NULL) {
        (void)!fscanf(file, "%31s", name);
        fclose(file);
    }
    if (strcmp(name, "hpet") == 0 || strcmp(name, "acpi_pm") == 0 || strcmp(name, "jiffies") == 0) {
        cr_skip_test("this host's clock, %s, is read by a system call", name);
    }
}

static struct hot_watch *watch_map(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    cr_assert_geq(fd, 0);
    cr_assert_eq(ftruncate(fd, sizeof(struct hot_watch)), 0);
    void *memory = mmap(NULL, sizeof(struct hot_watch), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    cr_assert_neq(memory, MAP_FAILED);
    return memory;
}

static bool armed(struct harness *h, const void *arg)
{
    const struct rig *rig = arg;
    uint32_t cnt = 0;
    (void)h;
    for (uint32_t i = 0; i < HOT_WATCH_ROWS; i++) {
        cnt += atomic_load(&rig->watch->rows[i].armed) != 0;
    }
    return cnt == rig->hot_cnt;
}

/* The market, and those who may trade there. */
static void venue_start(struct rig *rig, int port)
{
    static const char balances[] =
        "[{asset: USDT, free: \"1000000\"}, {asset: BTC, free: \"100\"}, {asset: ETH, free: \"100\"}]";
    char yaml[4096], path[2 * HARNESS_PATH_BYTES];
    snprintf(path, sizeof path, "%s/public.pem", rig->h.dir);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fputs(harness_public_pem, file);
    fclose(file);
    snprintf(
        yaml, sizeof yaml,
        "%saccounts:\n  - {api_key: %s, secret: %s, balances: %s}\n  - {api_key: %s, public_key: \"%s\", "
        "balances: %s}\nlimits: {orders_per_10s: 0}\n",
        market_yaml, api_keys[LIVE_HMAC], SECRET, balances, api_keys[LIVE_ED25519], path, balances);
    harness_sim_start(&rig->h, yaml, port);
}

/* An engine that trades, from now on watched. Live, each order is signed on the hot core, or each logon. */
static void rig_begin_at(struct rig *rig, enum placement placement, enum hot_sabotage sabotage,
                         enum live_key key)
{
    const char *preload = library();
    char path[2 * HARNESS_PATH_BYTES];
    struct engine_options options = {.placement = placement,
                                     .idle = "spin",
                                     .symbols = "BTCUSDT, ETHUSDT",
                                     .streams = "trade, bookTicker, depth@100ms",
                                     .fast = 3,
                                     .slow = 10,
                                     .quantity = "0.01",
                                     .live = key != NOT_LIVE};
    skip_slow_clock();
    harness_begin(&rig->h, "hot");
    rig->hot_cnt = placement == ALL_APART ? 4 : 1;
    snprintf(path, sizeof path, "%s/watch", rig->h.dir);
    rig->watch = watch_map(path);
    atomic_store(&rig->watch->hot_cores, (1u << rig->hot_cnt) - 1);
    atomic_store(&rig->watch->sabotage, sabotage);
    venue_start(rig, 0);
    if (key != NOT_LIVE) {
        harness_keys_write(&rig->h, api_keys[key], key == LIVE_HMAC ? SECRET : harness_private_pem);
    }
    setenv(HOT_WATCH_ENV, path, 1);
    setenv("LD_PRELOAD", preload, 1);
    harness_engine_launch(&rig->h, harness_config_write(&rig->h, &options), options.live);
    unsetenv("LD_PRELOAD"); /* not for the tools that ask whether it runs: each would take a row */
    harness_engine_await(&rig->h);
    flow_wait(&rig->h, (struct flow){.frame_cnt = 200, .order_cnt = 4, .fill_cnt = 4});
    atomic_store(&rig->watch->phase, HOT_WATCHED);
    cr_assert(harness_wait(&rig->h, armed, rig, SECONDS), "not every hot thread came by");
}

static void rig_begin(struct rig *rig, enum placement placement, enum hot_sabotage sabotage)
{
    rig_begin_at(rig, placement, sabotage, NOT_LIVE);
}

/* The engine stops as if nothing had been: what the library does in between is done rightly. */
static void rig_end(struct rig *rig)
{
    cr_expect_eq(harness_stop(&rig->h.engine, SIGTERM), 0);
    munmap(rig->watch, sizeof *rig->watch);
    harness_end(&rig->h);
}

/* ---- what the rows say ---- */

struct sum {
    uint64_t heap_cnt, heap_watched_cnt, call_cnt;
};

static struct sum row_sum(const struct hot_row *row)
{
    struct sum sum = {0};
    for (uint32_t i = 0; i < HOT_HEAP_CNT; i++) {
        sum.heap_cnt += atomic_load(&row->heap_cnt[i]);
        sum.heap_watched_cnt += atomic_load(&row->heap_watched_cnt[i]);
    }
    for (uint32_t i = 0; i < HOT_CALL_CNT; i++) {
        sum.call_cnt += atomic_load(&row->call_cnt[i]);
    }
    return sum;
}

/* What a thread did while it was watched, for whoever has to find it; to be freed. */
static char *row_text(const struct hot_row *row)
{
    static const char *const names[] = {"malloc", "calloc", "realloc", "memalign", "free", "mmap", "munmap"};
    static_assert(sizeof names / sizeof *names == HOT_HEAP_CNT, "a name for each");
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    fprintf(out, "core %d:", (int)atomic_load(&row->core));
    for (uint32_t i = 0; i < HOT_HEAP_CNT; i++) {
        unsigned long long cnt = atomic_load(&row->heap_watched_cnt[i]);
        if (cnt > 0) {
            fprintf(out, " %s %llu times,", names[i], cnt);
        }
    }
    fprintf(out, " first by the program at 0x%llx;", (unsigned long long)atomic_load(&row->heap_caller));
    for (uint32_t i = 0; i < HOT_CALL_CNT; i++) {
        unsigned long long cnt = atomic_load(&row->call_cnt[i]);
        if (cnt > 0) {
            fprintf(out, " system call %u %llu times,", i, cnt);
        }
    }
    fclose(out);
    return text;
}

/* What the engine's cold threads have asked for, with snapshots and the journal: the library does stand
 * between the program and libc. */
static uint64_t cold_heap_cnt(const struct rig *rig)
{
    uint64_t cnt = 0;
    for (uint32_t i = 0; i < HOT_WATCH_ROWS; i++) {
        const struct hot_row *row = &rig->watch->rows[i];
        cnt += atomic_load(&row->armed) == 0 && atomic_load(&row->core) >= 0 ? row_sum(row).heap_cnt : 0;
    }
    return cnt;
}

static void expect_quiet(const struct rig *rig)
{
    for (uint32_t i = 0; i < HOT_WATCH_ROWS; i++) {
        const struct hot_row *row = &rig->watch->rows[i];
        if (atomic_load(&row->armed) == 0) {
            continue;
        }
        struct sum sum = row_sum(row);
        char *text = row_text(row);
        cr_expect(sum.heap_watched_cnt == 0 && sum.call_cnt == 0, "%s", text);
        free(text);
        cr_expect_gt(sum.heap_cnt, 0, "core %d asked for none before, as if it had not been seen",
                     (int)row->core);
    }
}

static bool calls_are_trapped(const struct rig *rig)
{
    for (uint32_t i = 0; i < HOT_WATCH_ROWS; i++) {
        int32_t state = atomic_load(&rig->watch->rows[i].armed);
        if (state < 0) {
            fprintf(stderr, "seccomp is not to be had here (%s): only memory is watched\n", strerror(-state));
            return false;
        }
    }
    return true;
}

static void quiet_in(enum placement placement, enum live_key key)
{
    struct rig rig;
    rig_begin_at(&rig, placement, HOT_NO_SABOTAGE, key);
    flow_wait(&rig.h, (struct flow){.frame_cnt = 3000, .order_cnt = 20, .fill_cnt = 20});
    atomic_store(&rig.watch->phase, HOT_AFTER);
    calls_are_trapped(&rig);
    expect_quiet(&rig);
    cr_expect_gt(cold_heap_cnt(&rig), 100, "the cold threads' memory was not seen: %llu",
                 (unsigned long long)cold_heap_cnt(&rig));
    rig_end(&rig);
}

Test(hot_core, fused_core_asks_for_no_memory_and_calls_io_uring_alone)
{
    quiet_in(TWO_CORES, NOT_LIVE);
}

Test(hot_core, a_stage_a_thread_asks_for_no_memory_and_calls_io_uring_alone)
{
    quiet_in(ALL_APART, NOT_LIVE);
}

Test(hot_core, live_orders_ask_for_no_memory_and_call_io_uring_alone)
{
    quiet_in(TWO_CORES, LIVE_HMAC);
}

Test(hot_core, live_orders_a_stage_a_thread_ask_for_no_memory_and_call_io_uring_alone)
{
    quiet_in(ALL_APART, LIVE_ED25519);
}

/* The venue goes away and comes back: the cold side connects anew and hands over. */
static void quiet_over_reconnect(enum live_key key)
{
    struct rig rig;
    rig_begin_at(&rig, TWO_CORES, HOT_NO_SABOTAGE, key);
    int port = rig.h.port;
    harness_stop(&rig.h.sim, SIGKILL);
    venue_start(&rig, port);
    flow_wait(&rig.h, (struct flow){.frame_cnt = 1000, .order_cnt = 10, .fill_cnt = 10});
    atomic_store(&rig.watch->phase, HOT_AFTER);
    calls_are_trapped(&rig);
    expect_quiet(&rig);
    rig_end(&rig);
}

Test(hot_core, reconnect_asks_for_no_memory_and_calls_io_uring_alone)
{
    quiet_over_reconnect(NOT_LIVE);
}

Test(hot_core, live_reconnect_asks_for_no_memory_and_calls_io_uring_alone)
{
    quiet_over_reconnect(LIVE_ED25519);
}

/* ---- controls ---- */

/* The sum of the one hot thread. */
static struct sum hot_sum(const struct rig *rig)
{
    for (uint32_t i = 0; i < HOT_WATCH_ROWS; i++) {
        if (atomic_load(&rig->watch->rows[i].armed) != 0) {
            return row_sum(&rig->watch->rows[i]);
        }
    }
    return (struct sum){0};
}

static bool is_seen(struct harness *h, const void *arg)
{
    const struct rig *rig = arg;
    (void)h;
    struct sum sum = hot_sum(rig);
    return sum.heap_watched_cnt + sum.call_cnt > 0;
}

/* After a while of sabotage: until it is seen, if it can be.
 * cases/19-bench-tests-fail-under-load: how much happens in a while is the host's to say. */
static struct sum sabotaged(struct rig *rig, enum hot_sabotage sabotage,
                            bool (*can_be_seen)(const struct rig *))
{
    rig_begin(rig, TWO_CORES, sabotage);
    flow_wait(&rig->h, (struct flow){.frame_cnt = 300});
    if (can_be_seen(rig)) {
        harness_wait(&rig->h, is_seen, rig, SECONDS);
    }
    atomic_store(&rig->watch->phase, HOT_AFTER);
    return hot_sum(rig);
}

static bool always(const struct rig *rig)
{
    (void)rig;
    return true;
}

Test(hot_core, memory_asked_for_on_the_hot_core_would_be_seen)
{
    struct rig rig;
    struct sum sum = sabotaged(&rig, HOT_SABOTAGE_MALLOC, always);
    cr_expect_gt(sum.heap_watched_cnt, 0);
    rig_end(&rig);
}

Test(hot_core, system_call_on_the_hot_core_would_be_seen)
{
    struct rig rig;
    struct sum sum = sabotaged(&rig, HOT_SABOTAGE_GETPPID, calls_are_trapped);
    bool trapped = calls_are_trapped(&rig);
    cr_expect(!trapped || sum.call_cnt > 0);
    rig_end(&rig);
    if (!trapped) {
        cr_skip_test("no seccomp here");
    }
}
