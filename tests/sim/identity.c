/* SPDX-License-Identifier: MIT
 *
 * When the simulator's identity is kept and when it is made anew. That others accept it, service.c shows.
 */
#include "identity.h"
#include "test_folder.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DAY_NS INT64_C(86400000000000)
#define NOW_NS ((int64_t)time(NULL) * 1000000000)

static char g_dir[64], g_error[1024];

static void dir_make(void)
{
    strcpy(g_dir, "/tmp/pinwheel-identity-XXXXXX");
    cr_assert_not_null(mkdtemp(g_dir));
}

static void dir_remove(void)
{
    folder_remove(g_dir);
}

TestSuite(identity, .init = dir_make, .fini = dir_remove);

static const char *file_path(const char *name)
{
    static char path[128];

    snprintf(path, sizeof path, "%s/%s", g_dir, name);
    return path;
}

/* Changes whenever the identity is made anew. */
static ino_t identity_now(void)
{
    struct stat status;

    cr_assert_eq(stat(file_path(PW_SIM_IDENTITY_CERT), &status), 0);
    return status.st_ino;
}

static ino_t identity_at(int64_t now_ns)
{
    cr_assert_eq(pw_sim_identity_ensure(g_dir, now_ns, g_error, sizeof g_error), 0, "%s", g_error);
    return identity_now();
}

/* Good for 397 days, a day of which lies before its making. */
Test(identity, it_is_kept_as_long_as_it_is_good_for_another_week)
{
    ino_t first = identity_at(NOW_NS - 388 * DAY_NS), second;

    cr_expect_eq(identity_at(NOW_NS), first);
    cr_assert_eq(unlink(file_path(PW_SIM_IDENTITY_CERT)), 0);
    second = identity_at(NOW_NS - 390 * DAY_NS);
    cr_expect_eq(identity_at(NOW_NS - 2 * DAY_NS), second);
    cr_expect_neq(identity_at(NOW_NS), second);
}

static void spoil(const char *name, const char *text)
{
    FILE *file = fopen(file_path(name), "w");

    cr_assert_not_null(file);
    fputs(text, file);
    cr_assert_eq(fclose(file), 0);
}

Test(identity, whatever_does_not_fit_together_is_made_anew)
{
    ino_t before = identity_at(NOW_NS), after;
    char copy[256];

    spoil(PW_SIM_IDENTITY_CERT, "-----BEGIN CERTIFICATE-----\n");
    cr_expect_neq(after = identity_at(NOW_NS), before);
    before = after;
    spoil(PW_SIM_IDENTITY_CA, "");
    cr_expect_neq(after = identity_at(NOW_NS), before);
    before = after;
    cr_assert_eq(unlink(file_path(PW_SIM_IDENTITY_KEY)), 0);
    cr_expect_neq(after = identity_at(NOW_NS), before);
    before = after;
    cr_assert_eq(chmod(file_path(PW_SIM_IDENTITY_KEY), 0640), 0);
    cr_expect_neq(after = identity_at(NOW_NS), before);
    before = after;
    snprintf(copy, sizeof copy, "cd %s && mv server-key.pem k && ln -s k server-key.pem", g_dir);
    cr_assert_eq(system(copy), 0); /* a link leads who knows where */
    cr_expect_neq(after = identity_at(NOW_NS), before);
}

Test(identity, the_key_is_the_owner_s_alone_and_the_folder_too)
{
    struct stat status;

    cr_assert_eq(rmdir(g_dir), 0);
    identity_at(NOW_NS);
    cr_assert_eq(stat(g_dir, &status), 0);
    cr_expect_eq(status.st_mode & 07777, 0700);
    cr_assert_eq(stat(file_path(PW_SIM_IDENTITY_KEY), &status), 0);
    cr_expect_eq(status.st_mode & 07777, 0600);
}

Test(identity, many_at_once_make_one)
{
    int status;

    for (int i = 0; i < 8; i++) {
        if (fork() == 0) {
            _exit(pw_sim_identity_ensure(g_dir, NOW_NS, g_error, sizeof g_error) == 0 ? 0 : 1);
        }
    }
    for (int i = 0; i < 8; i++) {
        cr_assert_geq(wait(&status), 0);
        cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    ino_t made = identity_now();
    cr_expect_eq(identity_at(NOW_NS), made);
}

Test(identity, a_place_where_nothing_can_be_written_is_told)
{
    cr_expect_lt(pw_sim_identity_ensure("/dev/null/tls", NOW_NS, g_error, sizeof g_error), 0);
    cr_expect_not_null(strstr(g_error, "/dev/null/tls: "), "%s", g_error);
}
