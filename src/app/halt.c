/* SPDX-License-Identifier: MIT
 *
 * The file of halts.
 */
#include "halt.h"
#include "accounts_config.h"
#include "durable.h"
#include "enum_table.h"
#include "text.h"
#include <errno.h>
#include <inttypes.h>
#include <pinwheel/units.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define FILE_NAME  "halt"
#define FILE_BYTES 4096u /* of the largest: a row an account, and the lines for people */

bool pw_halts_any(const struct pw_halts *halts)
{
    bool any = halts->all.reason != 0;
    for (uint32_t i = 0; i < PW_ACCOUNTS_MAX; i++) {
        any |= halts->accounts[i].reason != 0;
    }
    return any;
}

/* ---- reading ---- */

/* 0: there is no reason of that name. */
static uint32_t reason_of(const char *name)
{
    for (uint32_t i = PW_REASON_NONE + 1; i < pw_enum_reason.cnt; i++) {
        if (pw_enum_reason.rows[i].name != NULL && strcmp(pw_enum_reason.rows[i].name, name) == 0) {
            return i;
        }
    }
    return 0;
}

/* NULL: there is no account of that name here. */
static struct pw_halt *halt_of(struct pw_halts *halts, const struct pw_config *config, const char *name)
{
    if (strcmp(name, "*") == 0) {
        return &halts->all;
    }
    for (uint32_t i = 0; i < pw_config_account_cnt(config); i++) {
        if (strcmp(pw_config_account(config, i).name, name) == 0) {
            return &halts->accounts[i];
        }
    }
    return NULL;
}

/* False: it makes no sense here. */
static bool take_line(const char *line, const struct pw_config *config, struct pw_halts *halts)
{
    char reason[32], account[PW_STAGE_NAME_BYTES + 1];
    int64_t since_ns;
    int end = 0;
    if (sscanf(line, "%" SCNd64 " %31s %24s%n", &since_ns, reason, account, &end) != 3 || line[end] != '\0') {
        return false;
    }
    struct pw_halt *halt = halt_of(halts, config, account);
    if (halt == NULL || since_ns <= 0 || reason_of(reason) == 0) {
        return false;
    }
    *halt = (struct pw_halt){.reason = reason_of(reason), .since_ns = since_ns};
    return true;
}

int pw_halts_read(const char *folder, const struct pw_config *config, int64_t now_ns, struct pw_halts *halts)
{
    char text[FILE_BYTES + 2], *rest = text, *line;
    *halts = (struct pw_halts){0};
    long bytes = folder != NULL ? pw_durable_read(folder, FILE_NAME, text, sizeof text) : -ENOENT;
    if (bytes == -ENOENT) {
        return 0;
    }
    bool good = bytes >= 0 && bytes <= (long)FILE_BYTES && strlen(text) == (size_t)bytes;
    while (good && (line = strsep(&rest, "\n")) != NULL) {
        good = line[0] == '\0' || line[0] == '#' || take_line(line, config, halts);
    }
    if (good && pw_halts_any(halts)) {
        return 0;
    }
    if (halts->all.reason == 0) {
        halts->all = (struct pw_halt){.reason = PW_REASON_HALTED, .since_ns = now_ns};
    }
    return bytes < 0 ? (int)bytes : -EBADMSG;
}

/* ---- writing ---- */

static void put_row(struct pw_text *text, const struct pw_halt *halt, const char *account)
{
    if (halt->reason != 0) {
        pw_text_put(text, "%" PRId64 " %s %s\n", halt->since_ns, pw_reason_name(halt->reason), account);
    }
}

int pw_halts_keep(const char *folder, const struct pw_config *config, const struct pw_halts *halts)
{
    char buffer[FILE_BYTES];
    if (folder == NULL) {
        return pw_halts_any(halts) ? -ENOTSUP : 0;
    }
    if (!pw_halts_any(halts)) {
        return pw_durable_remove(folder, FILE_NAME);
    }
    struct pw_text text = pw_text_start(buffer, sizeof buffer);
    pw_text_put(&text, "# Trading is halted: engines with this journal send no new orders.\n"
                       "# `pinwheel ctl INSTANCE resume` or `pinwheel run --resume CONFIG` ends this.\n");
    put_row(&text, &halts->all, "*");
    for (uint32_t i = 0; i < pw_config_account_cnt(config); i++) {
        put_row(&text, &halts->accounts[i], pw_config_account(config, i).name);
    }
    return pw_durable_replace(folder, FILE_NAME, buffer);
}

int pw_halts_reserve(const char *folder)
{
    return folder != NULL ? pw_durable_reserve(folder, FILE_NAME, FILE_BYTES) : 0;
}

/* ---- for people ---- */

static void put_words(struct pw_text *text, const struct pw_halt *halt, const char *whose, const char *name)
{
    char since[32];
    time_t since_s = (time_t)(halt->since_ns / PW_NS_PER_S);
    struct tm utc;
    gmtime_r(&since_s, &utc);
    strftime(since, sizeof since, "%Y-%m-%dT%H:%M:%SZ", &utc);
    if (halt->reason != 0) {
        pw_text_put(text, "%s%s%s since %s (%s)", text->len != 0 ? ", " : "", whose, name, since,
                    pw_halt_name(halt->reason));
    }
}

const char *pw_halts_text(const struct pw_halts *halts, const struct pw_config *config,
                          char text[PW_HALTS_TEXT_BYTES])
{
    struct pw_text words = pw_text_start(text, PW_HALTS_TEXT_BYTES);
    put_words(&words, &halts->all, "all accounts", "");
    for (uint32_t i = 0; i < pw_config_account_cnt(config); i++) {
        put_words(&words, &halts->accounts[i], "account ", pw_config_account(config, i).name);
    }
    return text;
}
