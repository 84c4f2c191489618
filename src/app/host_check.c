/* SPDX-License-Identifier: MIT
 *
 * The CA files must be readable lists, the journal's folder writable by us, the memory there. See
 * host_check.h.
 */
#include "host_check.h"

#include "accounts_config.h"
#include "feeds.h"
#include "instance.h"
#include "journal_config.h"
#include "live_topology.h"
#include "text.h"
#include "tls.h"
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <pinwheel/workspace.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct problems {
    const struct pw_config *config;
    const char *judged[PW_CONNS_MAX]; /* the CA files that were: reading the system's list takes a while */
    uint32_t judged_cnt;
    struct pw_text text;
    uint32_t cnt;
};

/* Begins a line with where, as pw_config_place names it; what is put into the text returned. */
static struct pw_text *problem(struct problems *problems, const char *at)
{
    char place[400];
    pw_text_put(&problems->text, "%s%s: ", problems->cnt++ > 0 ? "\n" : "",
                pw_config_place(problems->config, place, sizeof place, "%s", at));
    return &problems->text;
}

/* ---- files ---- */

/* The first time: true. */
static bool is_new(struct problems *problems, const char *ca_file)
{
    for (uint32_t i = 0; i < problems->judged_cnt; i++) {
        if (strcmp(problems->judged[i], ca_file) == 0) {
            return false;
        }
    }
    if (problems->judged_cnt < PW_CONNS_MAX) {
        problems->judged[problems->judged_cnt++] = ca_file;
    }
    return true;
}

/* One that is named is judged whether or not a connection needs it. */
static void ca_file_check(struct problems *problems, const char *at, const struct pw_config_feed *conn)
{
    bool needed = strncmp(conn->ws_url, "wss:", 4) == 0 || strncmp(conn->rest_url, "https:", 6) == 0;
    if ((conn->ca_file[0] == '\0' && !needed) || !is_new(problems, conn->ca_file)) {
        return;
    }
    char error[512];
    struct pw_tls_context *context = pw_tls_context_create(conn->ca_file, error, sizeof error);
    if (context == NULL) {
        bool missing = conn->ca_file[0] != '\0' && access(conn->ca_file, F_OK) != 0;
        pw_text_put(
            problem(problems, at), "ca_file: %s%s", error,
            missing ? "; name an existing file (`pinwheel sim` prints the path of its own once it has run)"
                    : "");
    }
    pw_tls_context_destroy(context);
}

static void ca_files_check(struct problems *problems)
{
    char at[64];
    const struct pw_config_feeds *feeds = PW_CONFIG(problems->config, feeds);
    for (uint32_t i = 0; i < feeds->feed_cnt; i++) {
        snprintf(at, sizeof at, "feeds[%u].ca_file", i);
        ca_file_check(problems, at, &feeds->feeds[i]);
    }
    for (uint32_t i = 0; i < pw_config_account_cnt(problems->config); i++) {
        struct pw_account_setup account = pw_config_account(problems->config, i);
        if (account.traits->connects) {
            pw_config_account_key(problems->config, i, "live.ca_file", at, sizeof at);
            ca_file_check(problems, at, &account.live->conn);
        }
    }
}

/* Whether a file could be made in a folder: only trying tells of every kind of file system and permission. */
static int folder_try(const char *folder)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/.pinwheel-check-XXXXXX", folder) >= (int)sizeof path) {
        return -ENAMETOOLONG;
    }
    if (mkdtemp(path) == NULL) {
        return -errno;
    }
    return rmdir(path) == 0 ? 0 : -errno;
}

static void journal_folder_check(struct problems *problems)
{
    const char *folder = pw_journal_folder(problems->config);
    struct stat st;
    char parent[PATH_MAX];
    if (folder == NULL) {
        return;
    }
    bool exists = stat(folder, &st) == 0;
    if (exists && !S_ISDIR(st.st_mode)) {
        pw_text_put(problem(problems, "journal.path"),
                    "path: %s is not a folder; name one, or one that can be created", folder);
        return;
    }
    if (!exists && lstat(folder, &st) == 0) {
        pw_text_put(problem(problems, "journal.path"),
                    "path: %s is a link that leads nowhere; name a folder, or one that can be created",
                    folder);
        return;
    }
    snprintf(parent, sizeof parent, "%s", folder);
    const char *tried = exists ? folder : dirname(parent);
    int err = folder_try(tried);
    if (err != 0) {
        pw_text_put(problem(problems, "journal.path"),
                    "path: %s in %s: %s; name a folder that this user can write to",
                    exists ? "files cannot be created" : "the folder cannot be created", tried,
                    strerror(-err));
    }
}

/* ---- memory ---- */

int pw_host_memory_check(const struct pw_config *config, uint64_t *workspace_bytes, char *error,
                         size_t error_bytes)
{
    struct problems problems = {.config = config, .text = pw_text_start(error, error_bytes)};
    const struct pw_config_instance *instance = PW_CONFIG(config, instance);
    struct pw_topology *topology = calloc(1, sizeof *topology);
    struct pw_region_want *want = calloc(PW_REGIONS_MAX, sizeof *want);
    char reason[512] = "no memory to plan the workspace";
    int err = -ENOMEM;
    if (topology != NULL && want != NULL) {
        pw_live_topology(topology, config);
        uint32_t cnt = pw_live_regions(topology, config, want);
        err = pw_workspace_weigh(instance->name, want, cnt, instance->huge_pages, workspace_bytes, reason,
                                 sizeof reason);
    }
    if (err != 0) {
        pw_text_put(problem(&problems, "rings"), "%s", reason);
    }
    free(topology);
    free(want);
    return err != 0 ? -EINVAL : 0;
}

int pw_host_check(const struct pw_config *config, char *error, size_t error_bytes)
{
    struct problems problems = {.config = config, .text = pw_text_start(error, error_bytes)};
    ca_files_check(&problems);
    journal_folder_check(&problems);
    return problems.cnt == 0 ? 0 : -EINVAL;
}
