/* SPDX-License-Identifier: MIT
 *
 * The protocols of ring, tap and cell under C's memory model, exhaustively: no torn read, and every seeded
 * bug found.
 *
 * The code under test is the real one, compiled here a second time with its atomic operations replaced by
 * those of a model. The model keeps every value that was ever stored to a word, and a thread's view: for each
 * word, the oldest value that it may still read. A release operation sends its thread's view along with the
 * value; an acquire operation joins what came with the value that it read. So a relaxed load may return any
 * value not older than the view, which is how far processors and compilers may reorder. (What the model
 * leaves out is reading values of the future; taps and cells have no cycle in which that could matter.)
 *
 * A tap or a reader of a cell writes nothing, so the writer can run first, to its end: every interleaving is
 * then a choice of the values that the reader's loads return, and all choices are tried, one after the other.
 * The producer and the consumer answer each other: they run as coroutines that are switched at random before
 * each operation, from many seeds.
 */
#include <stdatomic.h>
#include <stdint.h>

static uint64_t model_load(const void *word, memory_order order);
static void model_store(void *word, uint64_t value, memory_order order);
static void model_fence(memory_order order);

#undef atomic_load_explicit
#undef atomic_store_explicit
#undef atomic_thread_fence
#define atomic_load_explicit(word, order)         model_load((const void *)(uintptr_t)(word), order)
#define atomic_store_explicit(word, value, order) model_store((void *)(uintptr_t)(word), value, order)
#define atomic_thread_fence(order)                model_fence(order)

#include "../../src/shm/ring.c"
#include <criterion/criterion.h>
#include <pinwheel/cell.h>
#include <stdlib.h>
#include <ucontext.h>

#define WORDS_MAX  1024u /* distinct words that a scenario touches */
#define VALUES_MAX 400u  /* stores to one word */

/* ---- the model ---- */

enum bug {
    BUG_NONE,
    BUG_NO_RELEASE_FENCE,
    BUG_NO_ACQUIRE_FENCE,
    BUG_RELAXED_RELEASE, /* release stores are relaxed ones */
    BUG_RELAXED_ACQUIRE,
    BUG_NO_MARK,    /* the mark before the words (a ring's claim, a cell's odd version) is not written */
    BUG_LATE_MARK,  /* it is written after them */
    BUG_EARLY_END,  /* a ring's head, a cell's even version is written before the words */
    BUG_EARLY_LOOK, /* the reader looks at the mark before it reads the words, and not after */
    BUG_CNT,
};

struct view {
    uint16_t oldest[WORDS_MAX]; /* by word: index of the oldest value that may be read */
};

struct word {
    const void *address;
    uint32_t value_cnt;
    uint64_t values[VALUES_MAX];
    int32_t view_idx[VALUES_MAX]; /* what was released with it; -1: nothing */
};

struct thread {
    struct view now;      /* what its loads must respect */
    struct view fenced;   /* what its last release fence sends with relaxed stores */
    struct view received; /* what came with relaxed loads: an acquire fence joins it */
    bool has_fenced;
};

static struct model {
    enum bug bug;
    struct word words[WORDS_MAX];
    uint32_t word_cnt;
    struct view *views; /* released ones */
    int32_t view_cnt, view_cap;
    struct thread threads[2];
    int running;
    /* For the bugs: the word that says that a write is going on. */
    const void *mark;
    bool mark_late;
    uint64_t mark_late_value;
    bool looked;
    uint64_t mark_seen;
} model;

/* Which of `cnt` a choice takes; set by whoever drives the model. */
static uint32_t (*choose)(uint32_t cnt);
static void (*before_operation)(void);

static void model_start(enum bug bug, const void *mark)
{
    struct view *views = model.views;
    int32_t view_cap = model.view_cap;
    memset(&model, 0, sizeof model);
    model.views = views;
    model.view_cap = view_cap;
    model.bug = bug;
    model.mark = mark;
}

static uint32_t word_of(const void *address)
{
    static uint32_t hint[4096]; /* a guess by address, checked; else a search */
    uint32_t *guess = &hint[(uintptr_t)address / 8 % 4096];
    if (*guess < model.word_cnt && model.words[*guess].address == address) {
        return *guess;
    }
    for (*guess = 0; *guess < model.word_cnt; (*guess)++) {
        if (model.words[*guess].address == address) {
            return *guess;
        }
    }
    cr_assert_lt(model.word_cnt, WORDS_MAX);
    struct word *word = &model.words[model.word_cnt++];
    word->address = address;
    word->value_cnt = 1;
    memcpy(&word->values[0], address,
           8); /* the memory itself keeps its first value: stores go to the model alone */
    word->view_idx[0] = -1;
    return *guess;
}

static void view_join(struct view *into, const struct view *other)
{
    for (uint32_t i = 0; i < model.word_cnt; i++) {
        if (other->oldest[i] > into->oldest[i]) {
            into->oldest[i] = other->oldest[i];
        }
    }
}

static int32_t view_keep(const struct view *view)
{
    if (model.view_cnt == model.view_cap) {
        model.view_cap = model.view_cap == 0 ? 256 : model.view_cap * 2;
        model.views = realloc(model.views, (size_t)model.view_cap * sizeof *model.views);
        cr_assert_not_null(model.views);
    }
    model.views[model.view_cnt] = *view;
    return model.view_cnt++;
}

static void word_store(void *address, uint64_t value, memory_order order)
{
    struct thread *thread = &model.threads[model.running];
    uint32_t idx = word_of(address);
    struct word *word = &model.words[idx];
    cr_assert_lt(word->value_cnt, VALUES_MAX);
    uint32_t at = word->value_cnt++;
    thread->now.oldest[idx] = (uint16_t)at;
    word->values[at] = value;
    if (order == memory_order_release && model.bug != BUG_RELAXED_RELEASE) {
        word->view_idx[at] = view_keep(&thread->now);
    } else {
        word->view_idx[at] = thread->has_fenced ? view_keep(&thread->fenced) : -1;
    }
}

static void mark_late_store(void)
{
    if (model.mark_late) {
        model.mark_late = false;
        word_store((void *)(uintptr_t)model.mark, model.mark_late_value, memory_order_relaxed);
    }
}

static void model_store(void *address, uint64_t value, memory_order order)
{
    before_operation();
    if (order == memory_order_release) {
        mark_late_store();
    }
    if (address == model.mark && order == memory_order_relaxed && model.bug == BUG_NO_MARK) {
        return;
    }
    if (address == model.mark && order == memory_order_relaxed && model.bug == BUG_LATE_MARK) {
        mark_late_store();
        model.mark_late = true;
        model.mark_late_value = value;
        return;
    }
    word_store(address, value, order);
}

static uint64_t word_load(const void *address, memory_order order)
{
    struct thread *thread = &model.threads[model.running];
    uint32_t idx = word_of(address);
    struct word *word = &model.words[idx];
    uint32_t oldest = thread->now.oldest[idx];
    uint32_t at = oldest + choose(word->value_cnt - oldest);
    thread->now.oldest[idx] = (uint16_t)at;
    if (word->view_idx[at] >= 0) {
        bool acquires = order == memory_order_acquire && model.bug != BUG_RELAXED_ACQUIRE;
        view_join(acquires ? &thread->now : &thread->received, &model.views[word->view_idx[at]]);
    }
    return word->values[at];
}

static uint64_t model_load(const void *address, memory_order order)
{
    before_operation();
    if (model.bug == BUG_EARLY_LOOK && model.running == 1) {
        if (!model.looked) {
            model.looked = true;
            model.mark_seen = word_load(model.mark, memory_order_acquire);
        }
        if (address == model.mark) {
            return model.mark_seen;
        }
    }
    return word_load(address, order);
}

static void model_fence(memory_order order)
{
    struct thread *thread = &model.threads[model.running];
    if (order == memory_order_release && model.bug != BUG_NO_RELEASE_FENCE) {
        thread->fenced = thread->now;
        thread->has_fenced = true;
    } else if (order == memory_order_acquire && model.bug != BUG_NO_ACQUIRE_FENCE) {
        view_join(&thread->now, &thread->received);
    }
}

/* ---- all choices, one after the other ---- */

#define CHOICES_MAX 16u

static struct {
    uint32_t taken[CHOICES_MAX], of[CHOICES_MAX];
    uint32_t depth, known;
    uint32_t depth_max; /* a reader that tries again and again gets the newest values from then on */
} search;

static uint32_t choose_in_search(uint32_t cnt)
{
    if (cnt == 1 || search.depth == search.depth_max) {
        return cnt - 1;
    }
    uint32_t i = search.depth++;
    if (i >= search.known) {
        search.taken[i] = 0;
        search.known = i + 1;
    }
    search.of[i] = cnt;
    return search.taken[i];
}

static void search_start(uint32_t depth_max)
{
    memset(&search, 0, sizeof search);
    search.depth_max = depth_max;
    choose = choose_in_search;
}

/* The next execution differs in the last choice that has an alternative. */
static bool search_next(void)
{
    uint32_t i = search.depth;
    search.depth = 0;
    while (i > 0) {
        i--;
        if (search.taken[i] + 1 < search.of[i]) {
            search.taken[i]++;
            search.known = i + 1;
            return true;
        }
    }
    return false;
}

static uint32_t choose_newest(uint32_t cnt)
{
    return cnt - 1;
}

static void no_switch(void)
{
}

/* ---- writer and tap ---- */

static union {
    struct pw_ring ring;
    unsigned char bytes[8192];
} memory;

static struct pw_event event_of(uint64_t pos)
{
    uint64_t words[8];
    struct pw_event event;
    for (uint64_t i = 0; i < 8; i++) {
        words[i] = 1000 * pos + i;
    }
    memcpy(&event, words, sizeof event);
    return event;
}

static bool event_is(const struct pw_event *event, uint64_t pos)
{
    struct pw_event want = event_of(pos);
    return memcmp(event, &want, sizeof want) == 0;
}

static void ring_fresh(uint64_t first_pos)
{
    cr_assert_leq(pw_ring_bytes(PW_RING_SLOTS_MIN, 0), sizeof memory);
    memset(&memory, 0, sizeof memory);
    pw_ring_format(&memory.ring, PW_RING_SLOTS_MIN, 0, PW_RING_STALL);
    memory.ring.head = first_pos;
    memory.ring.tail = first_pos;
}

static void put_batch(struct pw_producer *producer, uint32_t cnt)
{
    if (model.bug == BUG_EARLY_END) {
        model_store(&producer->ring->head, producer->head + cnt, memory_order_release);
    }
    for (uint32_t i = 0; i < cnt; i++) {
        struct pw_event event = event_of(producer->head);
        pw_producer_put(producer, &event);
    }
    pw_producer_publish(producer);
}

struct findings {
    uint64_t execution_cnt, event_cnt, missed_cnt, torn_cnt;
};

/* The writer laps the ring and a half batch; the tap reads one event of the first lap, in every possible way.
 */
static struct findings tap_search(enum bug bug, uint64_t first_pos)
{
    struct findings found = {0};
    ring_fresh(first_pos);
    model_start(bug, &memory.ring.claimed);
    choose = choose_newest;
    before_operation = no_switch;
    struct pw_producer producer;
    pw_producer_attach(&producer, &memory.ring);
    put_batch(&producer, 1); /* alone, so that no later fence covers for a release that is missing */
    put_batch(&producer, PW_RING_SLOTS_MIN - 1);
    put_batch(&producer, 1);
    struct thread reader = {0};
    model.running = 1;
    search_start(CHOICES_MAX);
    do {
        model.threads[1] = reader;
        model.looked = false;
        struct pw_tap tap;
        struct pw_event event;
        pw_tap_attach(&tap, &memory.ring, true);
        tap.next = first_pos;
        enum pw_tap_result result = pw_tap_next(&tap, &event);
        found.execution_cnt++;
        found.event_cnt += result == PW_TAP_EVENT;
        found.missed_cnt += result == PW_TAP_MISSED;
        found.torn_cnt += result == PW_TAP_EVENT && !event_is(&event, first_pos);
    } while (search_next() && (bug == BUG_NONE || found.torn_cnt == 0));
    return found;
}

Test(interleave, tap_never_returns_a_torn_event)
{
    struct findings found = tap_search(BUG_NONE, 0);
    cr_assert_eq(found.torn_cnt, 0u);
    cr_assert_gt(found.event_cnt, 0u);
    cr_assert_gt(found.missed_cnt, 0u);
    cr_assert_gt(found.execution_cnt, 1000u);
}

Test(interleave, tap_never_returns_a_torn_event_where_the_counters_wrap)
{
    for (uint64_t first_pos = UINT64_MAX - 1; first_pos != 0; first_pos++) {
        struct findings found = tap_search(BUG_NONE, first_pos);
        cr_assert_eq(found.torn_cnt, 0u);
        cr_assert_gt(found.event_cnt, 0u);
    }
}

static const char *const bug_names[BUG_CNT] = {
    [BUG_NO_RELEASE_FENCE] = "no release fence",
    [BUG_NO_ACQUIRE_FENCE] = "no acquire fence",
    [BUG_RELAXED_RELEASE] = "relaxed release",
    [BUG_RELAXED_ACQUIRE] = "relaxed acquire",
    [BUG_NO_MARK] = "no mark",
    [BUG_LATE_MARK] = "mark after the words",
    [BUG_EARLY_END] = "end before the words",
    [BUG_EARLY_LOOK] = "look before the words only",
};

Test(interleave, every_seeded_bug_of_the_tap_is_found)
{
    for (enum bug bug = BUG_NONE + 1; bug < BUG_CNT; bug++) {
        cr_assert_gt(tap_search(bug, 0).torn_cnt, 0u, "%s", bug_names[bug]);
    }
}

/* ---- cell ---- */

#define CELL_WORDS 3u

static struct {
    struct pw_cell cell;
    _Atomic uint64_t words[CELL_WORDS];
} cell_memory;

static void cell_write(uint64_t value)
{
    uint64_t words[CELL_WORDS] = {value, value + 1, value + 2};
    if (model.bug == BUG_EARLY_END) {
        model_store(&cell_memory.cell.version, value / 50,
                    memory_order_release); /* as if it were over already */
        model.bug = BUG_NO_MARK;
        pw_cell_write(&cell_memory.cell, cell_memory.words, words, sizeof words);
        model.bug = BUG_EARLY_END;
        return;
    }
    pw_cell_write(&cell_memory.cell, cell_memory.words, words, sizeof words);
}

static struct findings cell_search(enum bug bug)
{
    struct findings found = {0};
    memset(&cell_memory, 0, sizeof cell_memory);
    model_start(bug, &cell_memory.cell.version);
    choose = choose_newest;
    before_operation = no_switch;
    for (uint64_t value = 100; value <= 300; value += 100) {
        cell_write(value);
    }
    struct thread reader = {0};
    model.running = 1;
    search_start(10); /* two tries */
    do {
        model.threads[1] = reader;
        model.looked = false;
        uint64_t words[CELL_WORDS];
        bool read = pw_cell_read(&cell_memory.cell, cell_memory.words, words, sizeof words);
        found.execution_cnt++;
        found.event_cnt += read;
        found.torn_cnt +=
            read && (words[0] % 100 != 0 || words[1] != words[0] + 1 || words[2] != words[0] + 2);
    } while (search_next() && (bug == BUG_NONE || found.torn_cnt == 0));
    return found;
}

Test(interleave, cell_never_returns_a_torn_value)
{
    struct findings found = cell_search(BUG_NONE);
    cr_assert_eq(found.torn_cnt, 0u);
    cr_assert_gt(found.event_cnt, 0u);
    cr_assert_gt(found.execution_cnt, 1000u);
}

Test(interleave, every_seeded_bug_of_the_cell_is_found)
{
    for (enum bug bug = BUG_NONE + 1; bug < BUG_CNT; bug++) {
        cr_assert_gt(cell_search(bug).torn_cnt, 0u, "%s", bug_names[bug]);
    }
}

/* ---- producer and consumer ---- */

#define PAIR_EVENTS 150u
#define STACK_BYTES (256u << 10)

static struct {
    ucontext_t main, ends[2];
    bool ended[2];
    uint64_t seed;
    uint64_t torn_cnt, read_cnt;
} pair;

static uint32_t pair_random(uint32_t cnt)
{
    pair.seed = pair.seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (uint32_t)(pair.seed >> 33) % cnt;
}

/* Goes on with either end. */
static void pair_switch(void)
{
    int other = 1 - model.running;
    if (!pair.ended[other] && pair_random(3) == 0) {
        int was = model.running;
        model.running = other;
        swapcontext(&pair.ends[was], &pair.ends[other]);
    }
}

static void pair_yield(void)
{
    int was = model.running;
    if (!pair.ended[1 - was]) {
        model.running = 1 - was;
        swapcontext(&pair.ends[was], &pair.ends[1 - was]);
    }
}

static void pair_end(void)
{
    int was = model.running;
    pair.ended[was] = true;
    model.running = 1 - was;
    setcontext(pair.ended[1 - was] ? &pair.main : &pair.ends[1 - was]);
}

static void producer_run(void)
{
    struct pw_producer producer;
    pw_producer_attach(&producer, &memory.ring);
    while (producer.head < PAIR_EVENTS) {
        uint32_t batch = 1 + pair_random(40);
        uint64_t room = pw_producer_room(&producer, batch);
        if (room < batch) {
            pair_yield();
        }
        put_batch(&producer, (uint32_t)(room < batch ? room : batch));
    }
    pair_end();
}

/* The consumer reads slots with plain loads. That is right only if no other value may be read than the
 * event's own: more than one readable value would be a data race. */
static bool slot_is_whole(const struct pw_consumer *consumer, uint64_t i)
{
    struct pw_event want = event_of(consumer->tail + i);
    uint64_t words[8];
    memcpy(words, &want, sizeof words);
    const union pw_slot *slot = &consumer->slots[(consumer->tail + i) & consumer->mask];
    for (int k = 0; k < 8; k++) {
        uint32_t idx = word_of(&slot->words[k]);
        const struct word *word = &model.words[idx];
        if (model.threads[model.running].now.oldest[idx] != word->value_cnt - 1 ||
            word->values[word->value_cnt - 1] != words[k]) {
            return false;
        }
        pair_switch(); /* the producer may go on while we read */
    }
    return true;
}

static void consumer_run(void)
{
    struct pw_consumer consumer;
    pw_consumer_attach(&consumer, &memory.ring);
    while (consumer.tail < PAIR_EVENTS) {
        uint64_t cnt = pw_consumer_peek(&consumer, 1 + pair_random(40));
        if (cnt == 0) {
            pair_yield();
            continue;
        }
        for (uint64_t i = 0; i < cnt; i++) {
            pair.torn_cnt += !slot_is_whole(&consumer, i);
        }
        pair.read_cnt += cnt;
        pw_consumer_done(&consumer, cnt);
    }
    pair_end();
}

static uint64_t pair_torn_cnt(enum bug bug, uint64_t seed)
{
    static char stacks[2][STACK_BYTES];
    void (*const runs[2])(void) = {producer_run, consumer_run};
    memset(&pair, 0, sizeof pair);
    pair.seed = seed;
    ring_fresh(0);
    model_start(bug, &memory.ring.claimed);
    choose = pair_random;
    before_operation = pair_switch;
    for (int i = 0; i < 2; i++) {
        getcontext(&pair.ends[i]);
        pair.ends[i].uc_stack.ss_sp = stacks[i];
        pair.ends[i].uc_stack.ss_size = STACK_BYTES;
        makecontext(&pair.ends[i], runs[i], 0);
    }
    swapcontext(&pair.main, &pair.ends[0]);
    cr_assert_geq(pair.read_cnt, PAIR_EVENTS);
    return pair.torn_cnt;
}

#define PAIR_SEEDS 150u

Test(interleave, consumer_reads_every_event_whole_from_every_seed, .timeout = 300)
{
    for (uint64_t seed = 1; seed <= PAIR_SEEDS; seed++) {
        cr_assert_eq(pair_torn_cnt(BUG_NONE, seed), 0u, "seed %llu", (unsigned long long)seed);
    }
}

/* The fences and marks are for taps; the pair stands on the release of head and tail and the acquire of each.
 */
Test(interleave, every_seeded_bug_of_the_pair_is_found)
{
    enum bug bugs[] = {BUG_RELAXED_RELEASE, BUG_RELAXED_ACQUIRE};
    for (size_t i = 0; i < sizeof bugs / sizeof bugs[0]; i++) {
        uint64_t torn_cnt = 0;
        for (uint64_t seed = 1; torn_cnt == 0 && seed <= PAIR_SEEDS; seed++) {
            torn_cnt = pair_torn_cnt(bugs[i], seed);
        }
        cr_assert_gt(torn_cnt, 0u, "%s", bug_names[bugs[i]]);
    }
}
