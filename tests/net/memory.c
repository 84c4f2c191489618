/* SPDX-License-Identifier: MIT
 *
 * Arenas of the TLS library's memory, and the queues of bytes.
 */
#include "arena.h"
#include "stream.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/memory.h>

#define ARENA_BYTES 65536u

static _Alignas(16) uint8_t memory[ARENA_BYTES];
static struct pw_arena arena;

static void make_arena(void)
{
    cr_assert_eq(pw_arena_init(&arena, memory, sizeof memory, false), 0);
}

static void drop_arena(void)
{
    pw_arena_fini(&arena);
}

TestSuite(arena, .init = make_arena, .fini = drop_arena);

static bool inside(const void *pointer, size_t bytes)
{
    const uint8_t *at = pointer;
    return at >= memory && at + bytes <= memory + sizeof memory;
}

Test(arena, what_is_entered_is_allocated_from_and_nothing_else)
{
    void *outside = wolfSSL_Malloc(100);
    cr_expect_null(pw_arena_enter(&arena));
    void *in = wolfSSL_Malloc(100);
    cr_expect_eq(pw_arena_enter(NULL), &arena);
    cr_expect(inside(in, 100));
    cr_expect_not(inside(outside, 100));
    wolfSSL_Free(outside);
    wolfSSL_Free(in); /* by address, from anywhere on the cold side */
    cr_expect_eq(arena.live_bytes, 0);
}

Test(arena, blocks_of_all_sizes_are_aligned_disjoint_and_used_again)
{
    pw_arena_enter(&arena);
    for (size_t bytes = 1; bytes <= 20000; bytes += bytes / 7 + 1) {
        uint8_t *a = wolfSSL_Malloc(bytes), *b = wolfSSL_Malloc(bytes);
        cr_assert(a != NULL && b != NULL, "%zu bytes", bytes);
        cr_assert(inside(a, bytes) && inside(b, bytes));
        cr_assert_eq((uintptr_t)a % 16, 0);
        cr_assert(a + bytes <= b || b + bytes <= a, "%zu bytes", bytes);
        memset(a, 1, bytes);
        memset(b, 2, bytes);
        wolfSSL_Free(a);
        uint8_t *again = wolfSSL_Malloc(bytes);
        cr_assert_eq(again, a);
        wolfSSL_Free(again);
        wolfSSL_Free(b);
        cr_assert_eq(arena.live_bytes, 0);
        memset(&arena.free_blocks, 0, sizeof arena.free_blocks); /* begin anew */
        arena.used_bytes = 0;
    }
}

Test(arena, a_full_one_refuses_and_never_falls_back_to_the_heap)
{
    pw_arena_enter(&arena);
    void *blocks[100];
    uint32_t n = 0;
    while (n < 100 && (blocks[n] = wolfSSL_Malloc(4000)) != NULL) {
        n++;
    }
    cr_expect(n >= 12 && n <= 16, "%u blocks", n);
    cr_expect_null(wolfSSL_Malloc(SIZE_MAX / 2));
    wolfSSL_Free(blocks[0]);
    cr_expect_eq(wolfSSL_Malloc(4000), blocks[0]);
}

Test(arena, the_owner_of_a_private_one_puts_foreign_blocks_aside_until_drained)
{
    struct pw_arena *cold = pw_arena_cold();
    size_t before = cold->live_bytes;
    pw_arena_enter(cold);
    void *blocks[3] = {wolfSSL_Malloc(10), wolfSSL_Malloc(100), wolfSSL_Malloc(1000)};
    size_t with = cold->live_bytes;
    pw_arena_enter(&arena);
    for (int i = 0; i < 3; i++) {
        wolfSSL_Free(blocks[i]);
    }
    cr_expect_eq(cold->live_bytes, with, "not freed by the hot side");
    pw_arena_enter(NULL);
    pw_arena_drain(&arena);
    cr_expect_eq(cold->live_bytes, before);
    pw_arena_drain(&arena);
}

Test(arena, realloc_keeps_the_bytes)
{
    pw_arena_enter(&arena);
    char *text = wolfSSL_Malloc(20);
    strcpy(text, "nineteen characters");
    for (size_t bytes = 20; bytes < 5000; bytes *= 2) {
        text = wolfSSL_Realloc(text, bytes);
        cr_assert(inside(text, bytes));
        cr_assert_str_eq(text, "nineteen characters");
    }
    wolfSSL_Free(text);
    cr_expect_eq(arena.live_bytes, 0);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LOCKS_ARE_REAL false /* sanitizers make mlock do nothing */
#else
#define LOCKS_ARE_REAL true
#endif

Test(arena, its_memory_stays_out_of_core_dumps)
{
    bool locked;
    char line[512];
    bool found = false;
    uint8_t *secret = pw_secret_map(8192, true, &locked);
    cr_assert_not_null(secret);
    FILE *maps = fopen("/proc/self/smaps", "r");
    unsigned long begin = 0, end = 0;
    while (fgets(line, sizeof line, maps) != NULL) {
        unsigned long from, to;
        if (sscanf(line, "%lx-%lx ", &from, &to) == 2) {
            begin = from;
            end = to;
        }
        if ((uintptr_t)secret >= begin && (uintptr_t)secret < end && strncmp(line, "VmFlags:", 8) == 0) {
            found =
                strstr(line, " dd") != NULL && (!locked || !LOCKS_ARE_REAL || strstr(line, " lo") != NULL);
        }
    }
    fclose(maps);
    cr_expect(found);
    pw_secret_unmap(secret, 8192);
}

/* ---- queues ---- */

Test(stream, bytes_come_out_as_they_went_in_and_buffers_are_given_back_when_read)
{
    static const uint8_t data[] = "abcdefghijklmnopqrstuvwxyz";
    for (size_t step = 1; step <= 26; step++) {
        struct pw_input input = {0};
        uint8_t out[26] = {0}, peeked[26];
        for (uint16_t i = 0; i < 8; i++) { /* 3 bytes each, and 5 in the last */
            uint32_t size = i == 7 ? 5 : 3;
            cr_assert(pw_input_add(&input, (struct pw_segment){data + 3 * i, size, i, 100 + i}));
        }
        size_t done = 0;
        while (done < 26) {
            size_t want = step < 26 - done ? step : 26 - done;
            cr_assert_eq(pw_input_peek(&input, peeked, step), want);
            cr_assert_eq(pw_input_take(&input, out + done, step), want);
            cr_assert_arr_eq(peeked, out + done, want);
            done += want;
            size_t last = (done - 1) / 3 < 7 ? (done - 1) / 3 : 7;
            cr_assert_eq(input.recv_ns, 100 + (int64_t)last);
            size_t whole = done == 26 ? 8 : done / 3 < 7 ? done / 3 : 7;
            cr_assert_eq(input.spent, (1u << whole) - 1, "step %zu, %zu bytes", step, done);
            cr_assert_eq(input.bytes, 26 - done);
        }
        cr_expect_arr_eq(out, data, 26);
    }
}

Test(stream, a_queue_of_segments_is_bounded_and_goes_round)
{
    struct pw_input input = {0};
    uint8_t bytes[256], out;
    for (uint32_t i = 0; i < 256; i++) {
        bytes[i] = (uint8_t)i;
    }
    uint32_t added = 0;
    for (uint32_t taken = 0; taken < 200; taken++) {
        while (pw_input_add(&input, (struct pw_segment){&bytes[added % 256], 1, PW_SEGMENT_NO_INDEX, 0})) {
            added++;
        }
        cr_assert_eq(added, taken + PW_SEGMENTS_MAX);
        cr_assert_eq(pw_input_take(&input, &out, 1), 1);
        cr_assert_eq(out, taken);
    }
    cr_expect_eq(pw_input_take(&input, NULL, SIZE_MAX), PW_SEGMENTS_MAX - 1);
    cr_expect_eq(input.bytes, 0);
    cr_expect_eq(input.spent, 0);
}

Test(stream, output_takes_all_or_nothing_and_starts_over_when_sent)
{
    uint8_t data[10];
    struct pw_output output = {.data = data, .cap = sizeof data};
    cr_expect(pw_output_empty(&output));
    cr_expect(pw_output_add(&output, "abcdef", 6));
    cr_expect_not(pw_output_add(&output, "ghijk", 5));
    pw_output_sent(&output, 2);
    cr_expect(pw_output_add(&output, "ghij", 4));
    cr_expect_not(pw_output_add(&output, "k", 1));
    cr_expect_eq(memcmp(data + output.sent, "cdefghij", 8), 0);
    pw_output_sent(&output, 8);
    cr_expect(pw_output_empty(&output));
    cr_expect(pw_output_add(&output, "0123456789", 10));
}
