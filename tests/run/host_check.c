/* SPDX-License-Identifier: MIT
 *
 * What a config asks of its host is judged before anything is made: the CA file, the journal's folder,
 * memory.
 *
 * cases/09-check-says-good, cases/18-doctor-looks-at-another-disk, cases/newcomer.md, 3 and 23.
 */
#include "host_check.h"
#include "sections.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char g_dir[] = "/tmp/pinwheel-host-XXXXXX";
static char g_error[4096];

static void setup(void)
{
    cr_assert_not_null(mkdtemp(g_dir));
}

static void teardown(void)
{
    char command[64];
    snprintf(command, sizeof command, "rm -rf '%s'", g_dir);
    cr_assert_eq(system(command), 0);
}

TestSuite(host_check, .init = setup, .fini = teardown);

static const char *path_of(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", g_dir, name);
    return path;
}

static void file_write(const char *name, const char *text)
{
    FILE *out = fopen(path_of(name), "w");
    cr_assert_not_null(out);
    fputs(text, out);
    fclose(out);
}

/* A config of one feed with that CA file (NULL: none, and no TLS), that path of the journal and that ring. */
static struct pw_config *config_of(const char *ca_file, const char *journal, const char *slots)
{
    char text[2048], error[1024] = "";
    snprintf(text, sizeof text,
             "instance: host-check\nmemory: {huge_pages: false}\ncores:\n"
             "  - {core: none, idle: sleep, stages: [net_rx, parse, strategy, execution, net_tx, journal, "
             "housekeeping]}\n"
             "feeds:\n  - name: a\n    venue: binance_spot\n    ws_url: ws%s://localhost:1\n"
             "    rest_url: http%s://localhost:1\n    streams: [trade]\n    instruments: [BTCUSDT]\n"
             "    ca_file: \"%s\"\njournal: {path: %s}\nrings: {market_slots: %s}\n",
             ca_file ? "s" : "", ca_file ? "s" : "", ca_file ? ca_file : "", journal, slots);
    file_write("test.yaml", text);
    struct pw_config *config = pw_app_config_create();
    cr_assert_not_null(config);
    cr_assert_eq(pw_app_config_load(config, path_of("test.yaml"), NULL, error, sizeof error), 0, "%s", error);
    return config;
}

static int judged(const char *ca_file, const char *journal)
{
    struct pw_config *config = config_of(ca_file, journal, "4096");
    g_error[0] = '\0';
    int result = pw_host_check(config, g_error, sizeof g_error);
    pw_config_destroy(config);
    return result;
}

static void expect_refused(int result, const char *place, const char *fact)
{
    char at[160];
    snprintf(at, sizeof at, "%s/test.yaml:%s: ", g_dir, place);
    cr_expect_eq(result, -EINVAL);
    cr_expect_eq(strncmp(g_error, at, strlen(at)), 0, "wanted %s, got %s", at, g_error);
    cr_expect_not_null(strstr(g_error, fact), "wanted %s, got %s", fact, g_error);
}

Test(host_check, a_ca_file_must_be_a_list_of_certificates)
{
    expect_refused(judged("none.pem", "j"), "12:14", "none.pem");
    file_write("text.pem", "no certificate\n");
    expect_refused(judged("text.pem", "j"), "12:14", "text.pem");
    expect_refused(judged(".", "j"), "12:14", "ca_file");
    cr_assert_eq(mkfifo(path_of("fifo.pem"), 0600), 0);
    expect_refused(judged("fifo.pem", "j"), "12:14", "fifo.pem"); /* and is not waited for */
    expect_refused(judged("/dev/zero", "j"), "12:14", "/dev/zero");
    cr_expect_eq(judged(NULL, "j"), 0, "%s", g_error);
}

Test(host_check, the_journals_folder_can_be_written)
{
    cr_expect_eq(judged(NULL, "j"), 0, "%s", g_error);
    cr_expect_eq(access(path_of("j"), F_OK), -1, "the check makes nothing");
    cr_assert_eq(mkdir(path_of("k"), 0700), 0);
    cr_expect_eq(judged(NULL, "k"), 0, "%s", g_error);
    cr_expect_eq(rmdir(path_of("k")), 0, "the check leaves nothing");
    file_write("file", "");
    expect_refused(judged(NULL, "file"), "13:17", "not a folder");
    expect_refused(judged(NULL, "file/j"), "13:17", "file");
    expect_refused(judged(NULL, "/proc/nope"), "13:17", "/proc");
    expect_refused(judged(NULL, "no/such/parent"), "13:17", "no/such");
    expect_refused(judged(NULL, "/sys/kernel"), "13:17", "/sys/kernel");
    cr_assert_eq(symlink("nowhere/at/all", path_of("dangling")), 0);
    expect_refused(judged(NULL, "dangling"), "13:17", "dangling");
    cr_assert_eq(symlink("loop", path_of("loop")), 0);
    expect_refused(judged(NULL, "loop"), "13:17", "loop");
    cr_assert_eq(mkdir(path_of("k"), 0700), 0);
    cr_assert_eq(symlink("k", path_of("link")), 0);
    cr_expect_eq(judged(NULL, "link"), 0, "%s", g_error);
}

/* Memory that is not there is refused before any of it is taken. */
Test(host_check, the_workspace_is_weighed)
{
    uint64_t small = 0, large = 0;
    struct pw_config *config = config_of(NULL, "j", "4096");
    cr_expect_eq(pw_host_memory_check(config, &small, g_error, sizeof g_error), 0, "%s", g_error);
    pw_config_destroy(config);
    config = config_of(NULL, "j", "16384");
    cr_expect_eq(pw_host_memory_check(config, &large, g_error, sizeof g_error), 0, "%s", g_error);
    pw_config_destroy(config);
    cr_expect_gt(small, 1 << 20);
    cr_expect_geq(large, small + 12288 * 64);
}
