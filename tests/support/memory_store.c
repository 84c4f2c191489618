/* SPDX-License-Identifier: MIT
 *
 * A store in memory.
 */
#include "memory_store.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static void forget(struct memory_block blocks[2][MEMORY_BLOCKS_MAX])
{
    for (uint32_t i = 0; i < 2 * MEMORY_BLOCKS_MAX; i++) {
        free(blocks[i / MEMORY_BLOCKS_MAX][i % MEMORY_BLOCKS_MAX].bytes);
        blocks[i / MEMORY_BLOCKS_MAX][i % MEMORY_BLOCKS_MAX] = (struct memory_block){0};
    }
}

static int fault(struct memory_store *memory, int error)
{
    if (error == 0 || memory->error_cnt == 0) {
        return 0;
    }
    memory->error_cnt--;
    forget(memory->put);
    return error;
}

static int memory_put(void *state, enum pw_block_type type, uint64_t block_no, const void *block,
                      size_t bytes)
{
    struct memory_store *memory = state;
    memory->put_cnt++;
    int err = fault(memory, memory->put_error);
    if (!err) {
        cr_assert_lt(block_no, MEMORY_BLOCKS_MAX);
        struct memory_block *to = &memory->put[type - 1][block_no];
        free(to->bytes);
        *to = (struct memory_block){.bytes = malloc(bytes), .size = bytes};
        memcpy(to->bytes, block, bytes);
    }
    return err;
}

static int memory_commit(void *state, uint64_t skipped_cnt)
{
    struct memory_store *memory = state;
    memory->commit_cnt++;
    memory->skipped_cnt = skipped_cnt;
    int err = fault(memory, memory->commit_error);
    for (uint32_t i = 0; !err && i < 2 * MEMORY_BLOCKS_MAX; i++) {
        struct memory_block *from = &memory->put[i / MEMORY_BLOCKS_MAX][i % MEMORY_BLOCKS_MAX];
        struct memory_block *to = &memory->kept[i / MEMORY_BLOCKS_MAX][i % MEMORY_BLOCKS_MAX];
        if (from->bytes) {
            free(to->bytes);
            *to = *from;
            *from = (struct memory_block){0};
        }
    }
    return err;
}

static int memory_rotate(void *state)
{
    struct memory_store *memory = state;
    memory->rotate_cnt++;
    return fault(memory, memory->rotate_error);
}

static int memory_note(void *state, int64_t stopped_ns, const struct pw_journal_loss *loss)
{
    struct memory_store *memory = state;
    memory->note_cnt++;
    memory->stopped_ns = stopped_ns;
    memory->loss = *loss;
    return 0;
}

static int memory_end(void *state, int64_t ended_ns, uint64_t event_cnt, bool clean)
{
    struct memory_store *memory = state;
    (void)ended_ns;
    (void)event_cnt;
    memory->end_cnt++;
    memory->clean = clean;
    return 0;
}

static void memory_close(void *state)
{
    (void)state;
}

struct pw_store memory_store_of(struct memory_store *memory)
{
    return (struct pw_store){.state = memory,
                             .put = memory_put,
                             .commit = memory_commit,
                             .rotate = memory_rotate,
                             .note = memory_note,
                             .end = memory_end,
                             .close = memory_close};
}

void memory_store_free(struct memory_store *memory)
{
    forget(memory->put);
    forget(memory->kept);
}

size_t memory_store_events(const struct memory_store *memory, enum pw_block_type type,
                           struct pw_event *events, size_t cap)
{
    struct pw_decoder *decoder = pw_decoder_new();
    struct pw_event event;
    size_t cnt = 0;
    for (uint32_t i = 0; i < MEMORY_BLOCKS_MAX && memory->kept[type - 1][i].bytes; i++) {
        const struct memory_block *block = &memory->kept[type - 1][i];
        int got;
        cr_assert_eq(pw_decoder_begin(decoder, block->bytes, block->size, false), 0, "block %u", i);
        while ((got = pw_decoder_next(decoder, &event)) == 1) {
            if (cnt < cap) {
                events[cnt] = event;
            }
            cnt++;
        }
        cr_assert_eq(got, 0);
    }
    pw_decoder_free(decoder);
    return cnt;
}
