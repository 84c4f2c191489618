/* SPDX-License-Identifier: MIT
 *
 * The file of the venue's ban: what is kept is found again, and nothing else is believed.
 */
#include "ban.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define NOW INT64_C(1700000000000000000)
#define SEC INT64_C(1000000000)

static char g_dir[] = "/tmp/pinwheel-ban-XXXXXX";
static char g_folder[64];

static void setup(void)
{
    cr_assert_not_null(mkdtemp(g_dir));
    snprintf(g_folder, sizeof g_folder, "%s/journal", g_dir);
}

static void teardown(void)
{
    char path[512];
    snprintf(path, sizeof path, "%s/ban", g_folder);
    unlink(path);
    rmdir(g_folder);
    rmdir(g_dir);
}

TestSuite(ban, .init = setup, .fini = teardown);

Test(ban, what_is_kept_is_read_until_it_is_over)
{
    cr_expect_eq(pw_ban_read(g_folder, NOW), 0, "there is none");
    cr_assert_eq(pw_ban_keep(g_folder, NOW + 5 * SEC), 0, "the folder is made");
    cr_expect_eq(pw_ban_read(g_folder, NOW), NOW + 5 * SEC);
    cr_expect_eq(pw_ban_read(g_folder, NOW + 5 * SEC - 1), NOW + 5 * SEC);
    cr_expect_eq(pw_ban_read(g_folder, NOW + 5 * SEC), 0);
    cr_assert_eq(pw_ban_keep(g_folder, NOW + 9 * SEC), 0);
    cr_expect_eq(pw_ban_read(g_folder, NOW), NOW + 9 * SEC);
}

Test(ban, nonsense_is_no_ban)
{
    static const char *const texts[] = {"",
                                        "x\n",
                                        "-1\n",
                                        "1700000005000000000",
                                        "1700000005000000000 \n",
                                        " 1700000005000000000\n",
                                        "99999999999999999999999\n"};
    char path[512];
    cr_assert_eq(pw_ban_keep(g_folder, NOW), 0);
    snprintf(path, sizeof path, "%s/ban", g_folder);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        FILE *file = fopen(path, "w");
        fputs(texts[i], file);
        fclose(file);
        cr_expect_eq(pw_ban_read(g_folder, NOW), 0, "'%s'", texts[i]);
    }
    cr_assert_eq(pw_ban_keep(g_folder, NOW + PW_BAN_MAX_NS + 1), 0);
    cr_expect_eq(pw_ban_read(g_folder, NOW), 0, "longer than the venue's longest");
}

Test(ban, without_a_journal_nothing_is_kept)
{
    cr_expect_eq(pw_ban_keep(NULL, NOW + SEC), 0);
    cr_expect_eq(pw_ban_read(NULL, NOW), 0);
    cr_expect_neq(access(g_folder, F_OK), 0);
}

Test(ban, an_answer_tells_how_long)
{
    cr_expect_eq(pw_ban_of_answer(200, 10, NOW), 0);
    cr_expect_eq(pw_ban_of_answer(503, 10, NOW), 0);
    cr_expect_eq(pw_ban_of_answer(429, 10, NOW), NOW + 10 * SEC);
    cr_expect_eq(pw_ban_of_answer(418, 10, NOW), NOW + 10 * SEC);
    cr_expect_eq(pw_ban_of_answer(418, 0, NOW), NOW + 60 * SEC);
    cr_expect_eq(pw_ban_of_answer(418, UINT32_MAX, NOW), NOW + PW_BAN_MAX_NS);
}
