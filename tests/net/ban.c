/* SPDX-License-Identifier: MIT
 *
 * The file of the venue's ban: what is kept is found again, and nothing else is believed.
 */
#include "ban.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
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

#define HOST "venue.example"

TestSuite(ban, .init = setup, .fini = teardown);

Test(ban, what_is_kept_is_read_until_it_is_over)
{
    cr_expect_eq(pw_ban_read(g_folder, HOST, NOW), 0, "there is none");
    cr_assert_eq(pw_ban_keep(g_folder, HOST, NOW + 5 * SEC, NOW), 0, "the folder is made");
    cr_expect_eq(pw_ban_read(g_folder, HOST, NOW), NOW + 5 * SEC);
    cr_expect_eq(pw_ban_read(g_folder, HOST, NOW + 5 * SEC - 1), NOW + 5 * SEC);
    cr_expect_eq(pw_ban_read(g_folder, HOST, NOW + 5 * SEC), 0);
    cr_assert_eq(pw_ban_keep(g_folder, HOST, NOW + 9 * SEC, NOW), 0);
    cr_expect_eq(pw_ban_read(g_folder, HOST, NOW), NOW + 9 * SEC);
}

Test(ban, nonsense_is_no_ban)
{
    static const char *const texts[] = {"",
                                        "x\n",
                                        "-1\n",
                                        "1700000005000000000",
                                        "1700000005000000000 \n",
                                        " 1700000005000000000\n",
                                        "99999999999999999999999\n",
                                        "1700000005000000000 " HOST,
                                        "1700000005000000000  " HOST "\n",
                                        "1700000005000000000 " HOST " \n",
                                        "1700000005000000000\t" HOST "\n"};
    char path[512];
    cr_assert_eq(pw_ban_keep(g_folder, HOST, NOW, NOW), 0);
    snprintf(path, sizeof path, "%s/ban", g_folder);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        FILE *file = fopen(path, "w");
        fputs(texts[i], file);
        fclose(file);
        cr_expect_eq(pw_ban_read(g_folder, HOST, NOW), 0, "'%s'", texts[i]);
    }
    cr_assert_eq(pw_ban_keep(g_folder, HOST, NOW + PW_BAN_MAX_NS + 1, NOW), 0);
    cr_expect_eq(pw_ban_read(g_folder, HOST, NOW), 0, "longer than the venue's longest");
}

static void write_file(const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/ban", g_folder);
    mkdir(g_folder, 0700);
    FILE *file = fopen(path, "w");
    fputs(text, file);
    fclose(file);
}

Test(ban, each_host_has_its_own)
{
    cr_assert_eq(pw_ban_keep(g_folder, HOST, NOW + 5 * SEC, NOW), 0);
    cr_assert_eq(pw_ban_keep(g_folder, "other.example", NOW + 9 * SEC, NOW), 0);
    cr_expect_eq(pw_ban_read(g_folder, HOST, NOW), NOW + 5 * SEC);
    cr_expect_eq(pw_ban_read(g_folder, "other.example", NOW), NOW + 9 * SEC);
    cr_expect_eq(pw_ban_read(g_folder, "third.example", NOW), 0);
    cr_assert_eq(pw_ban_keep(g_folder, HOST, NOW + 3 * SEC, NOW), 0);
    cr_expect_eq(pw_ban_read(g_folder, HOST, NOW), NOW + 5 * SEC, "it is never shortened");
    /* Of what is over nothing stays. */
    cr_assert_eq(pw_ban_keep(g_folder, "other.example", NOW + 20 * SEC, NOW + 6 * SEC), 0);
    cr_expect_eq(pw_ban_read(g_folder, HOST, NOW), 0);
    cr_expect_eq(pw_ban_read(g_folder, "other.example", NOW + 6 * SEC), NOW + 20 * SEC);
}

/* As earlier versions wrote it: one number, of all that was asked. */
Test(ban, a_ban_without_a_name_is_of_all_hosts)
{
    char text[64];
    snprintf(text, sizeof text, "%lld\n", (long long)(NOW + 7 * SEC));
    write_file(text);
    cr_expect_eq(pw_ban_read(g_folder, HOST, NOW), NOW + 7 * SEC);
    cr_expect_eq(pw_ban_read(g_folder, "other.example", NOW), NOW + 7 * SEC);
    cr_assert_eq(pw_ban_keep(g_folder, HOST, NOW + 9 * SEC, NOW), 0);
    cr_expect_eq(pw_ban_read(g_folder, HOST, NOW), NOW + 9 * SEC);
    cr_expect_eq(pw_ban_read(g_folder, "other.example", NOW), NOW + 7 * SEC, "it is kept beside others");
}

Test(ban, a_bad_line_takes_no_other_with_it)
{
    char text[256];
    snprintf(text, sizeof text, "nonsense\n%lld " HOST "\n%lld other.exam", (long long)(NOW + SEC),
             (long long)(NOW + SEC));
    write_file(text);
    cr_expect_eq(pw_ban_read(g_folder, HOST, NOW), NOW + SEC);
    cr_expect_eq(pw_ban_read(g_folder, "other.exam", NOW), 0, "its line is not whole");
}

Test(ban, of_too_many_the_first_to_end_is_forgotten)
{
    char host[32];
    for (int i = 0; i < 33; i++) {
        snprintf(host, sizeof host, "host%d.example", i);
        cr_assert_eq(pw_ban_keep(g_folder, host, NOW + (i + 1) * SEC, NOW), 0);
    }
    cr_expect_eq(pw_ban_read(g_folder, "host0.example", NOW), 0);
    cr_expect_eq(pw_ban_read(g_folder, "host1.example", NOW), NOW + 2 * SEC);
    cr_expect_eq(pw_ban_read(g_folder, "host32.example", NOW), NOW + 33 * SEC);
}

Test(ban, servers_of_a_domain_are_one_host)
{
    static const char *const rows[][2] = {
        {"https://api.binance.com", "binance.com"},
        {"https://api1.binance.com:443/x", "binance.com"},
        {"http://a.b.example:80", "b.example"},
        {"https://a.b.example:8443", "b.example:8443"},
        {"https://localhost:9443/api", "localhost:9443"},
        {"https://localhost", "localhost"},
        {"http://localhost:443", "localhost:443"},
        {"https://127.0.0.1:8443", "127.0.0.1:8443"},
        {"https://[::1]:8443", "::1:8443"},
        {"nonsense", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char host[PW_BAN_HOST_BYTES];
        pw_ban_host_of_url(rows[i][0], host);
        cr_expect_str_eq(host, rows[i][1], "%s: '%s'", rows[i][0], host);
    }
}

Test(ban, without_a_journal_nothing_is_kept)
{
    cr_expect_eq(pw_ban_keep(NULL, HOST, NOW + SEC, NOW), 0);
    cr_expect_eq(pw_ban_read(NULL, HOST, NOW), 0);
    cr_expect_neq(access(g_folder, F_OK), 0);
}

Test(ban, an_answer_tells_how_long)
{
    cr_expect_eq(pw_ban_of_answer(200, 10, NOW), 0);
    cr_expect_eq(pw_ban_of_answer(503, 10, NOW), 0);
    cr_expect_eq(pw_ban_of_answer(429, 10, NOW), NOW + 10 * SEC);
    cr_expect_eq(pw_ban_of_answer(418, 10, NOW), NOW + 10 * SEC);
    cr_expect_eq(pw_ban_of_answer(429, 0, NOW), NOW + 60 * SEC);
    cr_expect_eq(pw_ban_of_answer(418, 0, NOW), NOW + 120 * SEC, "the venue's shortest");
    cr_expect_eq(pw_ban_of_answer(418, UINT32_MAX, NOW), NOW + PW_BAN_MAX_NS);
}
