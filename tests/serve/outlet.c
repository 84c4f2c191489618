/* SPDX-License-Identifier: MIT
 *
 * The bounded queue of a connection.
 */
#include "outlet.h"

#include "websocket.h"
#include <criterion/criterion.h>

#define CAPACITY 4096u /* a page: what mmap gives */

static struct pw_serve_outlet_set g_set;
static struct pw_serve_outlet g_outlets[3];

static void set_up(void)
{
    g_set = (struct pw_serve_outlet_set){.window_bytes = 1000};
    for (size_t i = 0; i < 3; i++) {
        cr_assert_eq(pw_serve_outlet_init(&g_outlets[i], &g_set, CAPACITY), 0);
    }
}

static void tear_down(void)
{
    for (size_t i = 0; i < 3; i++) {
        pw_serve_outlet_fini(&g_outlets[i]);
        pw_serve_outlet_fini(&g_outlets[i]); /* twice does no harm */
    }
    cr_expect_eq(g_set.blocked_cnt, 0);
    cr_expect_null(g_set.dirty);
}

TestSuite(outlet, .init = set_up, .fini = tear_down);

static void fill(struct pw_serve_outlet *outlet, size_t bytes)
{
    static const char zeros[CAPACITY];

    pw_serve_outlet_append(outlet, zeros, bytes);
}

Test(outlet, it_takes_its_capacity_and_not_a_byte_more)
{
    fill(&g_outlets[0], CAPACITY);
    cr_expect_not(g_outlets[0].overrun);
    fill(&g_outlets[0], 1);
    cr_expect(g_outlets[0].overrun);
    cr_expect_eq(pw_serve_outlet_backlog(&g_outlets[0]), CAPACITY);
}

Test(outlet, what_is_sent_makes_room_and_the_rest_keeps_its_order)
{
    char bytes[CAPACITY], *at = bytes;

    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (char)(i * 7);
    }
    pw_serve_outlet_append(&g_outlets[0], bytes, 3000);
    pw_serve_outlet_sent(&g_outlets[0], 2500);
    pw_serve_outlet_append(&g_outlets[0], bytes + 3000, 1096); /* fits only if what is left moves */
    at += 2500;
    cr_assert_eq(pw_serve_outlet_backlog(&g_outlets[0]), 1596);
    cr_expect_arr_eq(g_outlets[0].data + g_outlets[0].head, at, 1596);
    cr_expect_not(g_outlets[0].overrun);
}

Test(outlet, a_frame_has_its_header_and_room_for_exactly_its_payload)
{
    char *payload = pw_serve_outlet_frame(&g_outlets[0], PW_WS_TEXT, 300);
    const unsigned char *frame = (const unsigned char *)g_outlets[0].data;

    cr_assert_not_null(payload);
    cr_expect_eq(frame[0], 0x81);
    cr_expect_eq(frame[1], 126);
    cr_expect_eq(frame[2] << 8 | frame[3], 300);
    cr_expect_eq(payload - g_outlets[0].data, 4);
    cr_expect_eq(pw_serve_outlet_backlog(&g_outlets[0]), 304);
    cr_expect_null(pw_serve_outlet_frame(&g_outlets[0], PW_WS_TEXT, CAPACITY));
    cr_expect(g_outlets[0].overrun);
    cr_expect_eq(pw_serve_outlet_backlog(&g_outlets[0]), 304, "nothing of it was queued");
}

Test(outlet, blocked_begins_beyond_the_window_and_ends_at_half_of_it)
{
    fill(&g_outlets[0], 1000);
    cr_expect_eq(g_set.blocked_cnt, 0);
    fill(&g_outlets[0], 1);
    fill(&g_outlets[0], 1);
    fill(&g_outlets[1], 1001);
    cr_expect_eq(g_set.blocked_cnt, 2, "each counts once");
    pw_serve_outlet_sent(&g_outlets[0], 501);
    cr_expect_eq(g_set.blocked_cnt, 2);
    pw_serve_outlet_sent(&g_outlets[0], 1);
    cr_expect_eq(g_set.blocked_cnt, 1);
    pw_serve_outlet_fini(&g_outlets[1]);
    cr_expect_eq(g_set.blocked_cnt, 0, "one that leaves blocks nobody");
}

Test(outlet, the_list_names_each_once_and_one_that_leaves_no_more)
{
    fill(&g_outlets[0], 1);
    fill(&g_outlets[1], 1);
    fill(&g_outlets[2], 1);
    fill(&g_outlets[0], 1);
    pw_serve_outlet_fini(&g_outlets[1]);
    cr_expect_eq(pw_serve_outlet_next(&g_set), &g_outlets[2]);
    cr_expect_eq(pw_serve_outlet_next(&g_set), &g_outlets[0]);
    cr_expect_null(pw_serve_outlet_next(&g_set));
    pw_serve_outlet_fail(&g_outlets[2]);
    cr_expect_eq(pw_serve_outlet_next(&g_set), &g_outlets[2], "an overrun one is to be looked at too");
}
