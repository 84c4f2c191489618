/* SPDX-License-Identifier: MIT
 *
 * The commands there are, in the order of `pinwheel --help`: a row each. What more there is to say about one
 * stands in its program.
 */
#include "cli.h"
#include "word.h"

#include <string.h>

const struct pw_cli_row pw_cli_rows[] = {
    {"run", "start an engine from a config file, or check the file"},
    {"top", "monitor an engine: stages, rings, feeds, positions, latency"},
    {"tap", "follow one of an engine's rings, decoded"},
    {"ctl", "halt, resume or stop an engine; show its status"},
    {"health", "report whether an engine is running and trading, for supervisors"},
    {"journal", "list, query, export and verify recorded runs"},
    {"why", "explain one order: cause, checks, latency, messages"},
    {"sim", "simulate a venue on this host, synthetic or from recordings"},
    {"bench", "benchmark rings, pipeline and engine on this machine"},
    {"doctor", "check this host for low latency and safe journals"},
    {NULL, NULL},
};

const struct pw_cli_row *pw_cli_row(const char *verb)
{
    for (const struct pw_cli_row *row = pw_cli_rows; row->verb != NULL; row++) {
        if (strcmp(row->verb, verb) == 0) {
            return row;
        }
    }
    return NULL;
}

const char *pw_cli_nearest_verb(const char *wrong)
{
    const char *verbs[sizeof pw_cli_rows / sizeof pw_cli_rows[0]];
    uint32_t cnt = 0;
    for (const struct pw_cli_row *row = pw_cli_rows; row->verb != NULL; row++) {
        verbs[cnt++] = row->verb;
    }
    return pw_word_nearest(wrong, verbs, cnt);
}

const char *pw_cli_version(void)
{
    return PW_VERSION;
}
