/* SPDX-License-Identifier: MIT
 *
 * The file of halts: what is kept is found again, and whatever else stands there halts all.
 */
#include "halt.h"

#include "app_config.h"
#include "durable.h"
#include "test_folder.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <pinwheel/reasons.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOW INT64_C(1700000000000000000)

static char g_dir[] = "/tmp/pinwheel-halts-XXXXXX";
static char g_folder[64];
static struct pw_config *g_config;

static void setup(void)
{
    cr_assert_not_null(mkdtemp(g_dir));
    snprintf(g_folder, sizeof g_folder, "%s/journal", g_dir);
    g_config =
        app_config_load(g_dir, "instance: halts\n" TWO_ACCOUNTS_YAML "journal: {path: \"%s\"}\n", g_folder);
}

static void teardown(void)
{
    pw_config_destroy(g_config);
    folder_remove(g_dir);
}

TestSuite(halts, .init = setup, .fini = teardown);

Test(halts, what_is_kept_is_read)
{
    struct pw_halts halts;
    cr_expect_eq(pw_halts_read(g_folder, g_config, NOW, &halts), 0);
    cr_expect_not(pw_halts_any(&halts), "there is no file");
    halts.all = (struct pw_halt){.reason = PW_REASON_HALTED, .since_ns = NOW - 5};
    halts.accounts[1] = (struct pw_halt){.reason = PW_REASON_VENUE_KEY, .since_ns = NOW - 7};
    cr_assert_eq(pw_halts_keep(g_folder, g_config, &halts), 0, "the folder is made");
    struct pw_halts read;
    cr_expect_eq(pw_halts_read(g_folder, g_config, NOW, &read), 0);
    cr_expect_eq(memcmp(&read, &halts, sizeof read), 0);
    halts = (struct pw_halts){0};
    cr_assert_eq(pw_halts_keep(g_folder, g_config, &halts), 0);
    cr_expect_eq(pw_halts_read(g_folder, g_config, NOW, &read), 0);
    cr_expect_not(pw_halts_any(&read), "the file is gone");
}

/* cases/newcomer.md, 1: what cannot be read halts. */
Test(halts, whatever_else_is_there_halts_all)
{
    static const char *const texts[] = {"",
                                        "\n",
                                        "# a word to people\n",
                                        "1700000000000000000 halted",
                                        "1700000000000000000 halted third\n",
                                        "1700000000000000000 nonsense *\n",
                                        "0 halted *\n",
                                        "-1 halted *\n",
                                        "x halted *\n",
                                        "1700000000000000000 halted first second\n",
                                        "1700000000000000000 report first\nrubbish\n"};
    struct pw_halts halts;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        cr_assert_eq(pw_durable_replace(g_folder, "halt", texts[i]), 0);
        cr_expect_eq(pw_halts_read(g_folder, g_config, NOW, &halts), -EBADMSG, "%zu", i);
        cr_expect_eq(halts.all.reason, PW_REASON_HALTED, "%zu", i);
        cr_expect_eq(halts.all.since_ns, NOW);
    }
    char path[128];
    snprintf(path, sizeof path, "%s/halt", g_folder);
    unlink(path);
    cr_assert_eq(mkdir(path, 0700), 0);
    cr_expect_lt(pw_halts_read(g_folder, g_config, NOW, &halts), 0, "a folder");
    cr_expect_eq(halts.all.reason, PW_REASON_HALTED);
    rmdir(path);
    cr_assert_eq(symlink("/tmp/pinwheel-no-such-file", path), 0);
    cr_expect_lt(pw_halts_read(g_folder, g_config, NOW, &halts), 0, "a link");
    cr_expect_eq(halts.all.reason, PW_REASON_HALTED);
}

Test(halts, a_file_of_any_bytes_halts)
{
    unsigned seed = 7;
    char path[128];
    struct pw_halts halts;
    cr_assert_eq(pw_durable_reserve(g_folder, "halt", 1), 0);
    snprintf(path, sizeof path, "%s/halt", g_folder);
    for (int i = 0; i < 200; i++) {
        FILE *file = fopen(path, "w");
        int bytes = rand_r(&seed) % 6000;
        for (int k = 0; k < bytes; k++) {
            fputc(rand_r(&seed) % 256, file);
        }
        fclose(file);
        pw_halts_read(g_folder, g_config, NOW, &halts);
        cr_expect(pw_halts_any(&halts), "seed 7, file %d", i);
    }
}

Test(halts, without_a_journal_none_is_kept)
{
    struct pw_halts halts = {.all = {.reason = PW_REASON_HALTED, .since_ns = NOW}};
    cr_expect_eq(pw_halts_keep(NULL, g_config, &halts), -ENOTSUP);
    cr_expect_eq(pw_halts_read(NULL, g_config, NOW, &halts), 0);
    cr_expect_not(pw_halts_any(&halts));
    cr_expect_eq(pw_halts_keep(NULL, g_config, &halts), 0, "nothing is to be kept");
}
