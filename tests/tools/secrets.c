/* SPDX-License-Identifier: MIT
 *
 * What the live gateway says and hears, kept by the journal's writer: the API key and the signatures that
 * went to the venue are in no block. Messages stand in blocks as they are, so a search through the bytes
 * finds them.
 */
#include "live_world.h"
#include "memory_store.h"
#include "writer.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static int64_t frozen(void *state)
{
    (void)state;
    return 0;
}

/* Everything that the gateway has put into its ring for the journal, in blocks. */
static void keep(struct world *w, struct memory_store *memory)
{
    struct pw_store store = memory_store_of(memory);
    struct pw_writer *writer = pw_writer_new(&(struct pw_writer_config){.store = &store,
                                                                        .run_id = RUN_ID,
                                                                        .clock = {.now_ns = frozen},
                                                                        .commit_interval_ns = SEC,
                                                                        .frame_bytes_max = 65536});
    const struct pw_writer_input input = {.wire = &w->journal};
    int64_t now_ns = w->now_ns;
    while (pw_writer_poll(writer, &input, 4096, now_ns) > 0) {
    }
    cr_assert_eq(pw_writer_commit(writer, now_ns + SEC), 0);
    pw_writer_free(writer);
}

static bool has(const struct memory_store *memory, const char *text)
{
    for (uint32_t i = 0; i < MEMORY_BLOCKS_MAX; i++) {
        const struct memory_block *block = &memory->kept[PW_BLOCK_FRAMES - 1][i];
        if (block->bytes && memmem(block->bytes, block->size, text, strlen(text))) {
            return true;
        }
    }
    return false;
}

/* The signature of the last request that came to the venue; false: it has none. */
static bool read_signature(const struct world *w, char signature[128])
{
    const char *at = strstr(w->last_text, "\"signature\":");
    return at && sscanf(at, "\"signature\": \"%127[^\"]", signature) == 1;
}

static void expect_no_secrets(bool is_ed25519)
{
    static struct world w;
    static struct memory_store memory;
    enum pw_reason reason;
    char signature[128] = "";
    world_open(&w, 5, is_ed25519);
    w.config.journal = &w.journal_in;
    world_restart(&w, RUN_ID, 0);
    world_connect(&w);
    world_make_ready(&w);
    struct pw_gateway_order order = world_limit(PW_BUY, PW_GTC, 1000000);
    uint64_t id = world_place(&w, &order, &reason);
    cr_assert_neq(id, 0);
    world_run(&w, SEC);
    cr_assert_not_null(strstr(w.last_text, "order."), "%s", w.last_text);
    cr_expect_neq(read_signature(&w, signature), is_ed25519, "after a logon orders need no signature");
    cr_expect(world_cancel(&w, id));
    world_run(&w, SEC);
    world_disconnect(&w, 0, 0);
    pw_producer_publish(&w.journal_in);
    keep(&w, &memory);
    cr_expect(has(&memory, "order.place"));
    cr_expect(has(&memory, "order.cancel"));
    cr_expect(has(&memory, "\"apiKey\":\"***"));
    cr_expect(has(&memory, "\"signature\":\"***"));
    cr_expect_not(has(&memory, API_KEY));
    cr_expect_not(has(&memory, "canary"));
    cr_expect(is_ed25519 || !has(&memory, signature));
    memory_store_free(&memory);
    world_close(&w);
}

Test(secrets, of_requests_signed_one_by_one_are_in_no_block)
{
    expect_no_secrets(false);
}

Test(secrets, of_a_logon_are_in_no_block)
{
    expect_no_secrets(true);
}
