/* SPDX-License-Identifier: MIT
 *
 * Durable small files: whole or as before, with room kept for a full disk.
 */
#include "durable.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char g_dir[] = "/tmp/pinwheel-durable-XXXXXX";
static char g_folder[64];

static void path_of(const char *name, char path[128])
{
    snprintf(path, 128, "%s/%s", g_folder, name);
}

static void setup(void)
{
    cr_assert_not_null(mkdtemp(g_dir));
    snprintf(g_folder, sizeof g_folder, "%s/made", g_dir);
}

static void teardown(void)
{
    char path[128];
    path_of("word", path);
    unlink(path);
    path_of("word.new", path);
    unlink(path);
    rmdir(g_folder);
    rmdir(g_dir);
}

TestSuite(durable, .init = setup, .fini = teardown);

Test(durable, what_is_written_is_read_and_a_shorter_text_leaves_no_rest)
{
    char text[64];
    cr_expect_eq(pw_durable_read(g_folder, "word", text, sizeof text), -ENOENT);
    cr_expect_eq(pw_durable_remove(g_folder, "word"), 0);
    cr_assert_eq(pw_durable_reserve(g_folder, "word", 4096), 0, "the folder is made");
    cr_assert_eq(pw_durable_replace(g_folder, "word", "a longer text\n"), 0);
    cr_assert_eq(pw_durable_replace(g_folder, "word", "short\n"), 0);
    cr_expect_eq(pw_durable_read(g_folder, "word", text, sizeof text), 6);
    cr_expect_str_eq(text, "short\n");
    cr_expect_eq(pw_durable_read(g_folder, "word", text, 3), 2, "cut");
    cr_assert_eq(pw_durable_remove(g_folder, "word"), 0);
    cr_expect_eq(pw_durable_read(g_folder, "word", text, sizeof text), -ENOENT);
}

static unsigned mode_of(const char *name)
{
    char path[128];
    struct stat st;
    path_of(name, path);
    cr_assert_eq(stat(path, &st), 0);
    return (unsigned)st.st_mode & 07777u;
}

/* As the journal's other files. */
Test(durable, files_are_for_their_owner_alone)
{
    char path[128];
    umask(0);
    cr_assert_eq(pw_durable_reserve(g_folder, "word", 4096), 0);
    cr_expect_eq(mode_of("word.new"), 0600u);
    cr_assert_eq(pw_durable_replace(g_folder, "word", "text\n"), 0);
    cr_expect_eq(mode_of("word"), 0600u);
    cr_assert_eq(pw_durable_reserve(g_folder, "word", 4096), 0);
    path_of("word.new", path);
    cr_assert_eq(chmod(path, 0644), 0, "as an earlier version left it");
    cr_assert_eq(pw_durable_replace(g_folder, "word", "text\n"), 0);
    cr_expect_eq(mode_of("word"), 0600u);
}

Test(durable, folder_is_made_where_there_is_one_above)
{
    char below[128], relative[64];
    snprintf(below, sizeof below, "%s/below", g_folder);
    cr_expect_eq(pw_durable_folder(below), -ENOENT);
    cr_expect_eq(pw_durable_folder(g_folder), 0);
    cr_expect_eq(pw_durable_folder(g_folder), 0, "it is there");
    cr_assert_eq(chdir(g_dir), 0);
    snprintf(relative, sizeof relative, "made_here/");
    cr_expect_eq(pw_durable_folder(relative), 0);
    cr_expect_eq(rmdir("made_here"), 0);
}

Test(durable, links_are_not_followed)
{
    char path[128], text[64];
    cr_assert_eq(pw_durable_replace(g_folder, "word", "good\n"), 0);
    path_of("word.new", path);
    cr_assert_eq(symlink("/tmp/pinwheel-durable-elsewhere", path), 0);
    cr_expect_eq(pw_durable_replace(g_folder, "word", "bad\n"), -ELOOP);
    cr_expect_eq(pw_durable_read(g_folder, "word", text, sizeof text), 5, "as before");
    cr_expect_eq(access("/tmp/pinwheel-durable-elsewhere", F_OK), -1);
}

/* cases/38-segments-that-are-not-the-run-s, and their kind: a FIFO would be waited for. */
Test(durable, what_is_no_file_is_not_opened, .timeout = 60)
{
    char path[128];
    cr_assert_eq(pw_durable_replace(g_folder, "word", "good\n"), 0);
    path_of("word.new", path);
    cr_assert_eq(mkfifo(path, 0600), 0);
    cr_expect_eq(pw_durable_reserve(g_folder, "word", 4096), -ENXIO);
    cr_expect_eq(pw_durable_replace(g_folder, "word", "bad\n"), -ENXIO);
    int reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    cr_expect_eq(pw_durable_replace(g_folder, "word", "bad\n"), -EMEDIUMTYPE);
    close(reader);
}

Test(durable, folder_that_cannot_be_written_is_told)
{
    char long_folder[600];
    memset(long_folder, 'x', sizeof long_folder - 1);
    long_folder[sizeof long_folder - 1] = '\0';
    cr_expect_eq(pw_durable_replace(long_folder, "word", "text\n"), -ENAMETOOLONG);
    cr_expect_lt(pw_durable_replace("/proc/nope", "word", "text\n"), 0);
    cr_expect_lt(pw_durable_reserve("/proc/nope", "word", 1), 0);
}
