/* SPDX-License-Identifier: MIT
 *
 * pinwheel ctl: sends one request to a running engine's control socket and shows the answer.
 */
#include "cli.h"
#include "control.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum exit_code { CTL_NO_ENGINE = 3, CTL_NO_ANSWER = 4 };

struct options {
    const char *instance;
    uint32_t request; /* index of g_requests */
    bool json;
    int64_t timeout_ns;
};

static const struct pw_cli_subverb g_requests[] = {
    {"status", "print the engine's status"},
    {"halt", "stop new orders; open orders can still be canceled"},
    {"resume", "allow new orders again"},
    {"stop", "stop the engine cleanly, as SIGTERM does"},
    {0},
};

static const struct pw_cli_command g_command = {
    .verb = "ctl",
    .description =
        "Sends a request to a running engine and prints the answer. Only the engine's own user and root are "
        "obeyed.",
    .arguments =
        (const struct pw_cli_value[]){
            {.name = "INSTANCE",
             .help = "the name in the engine's config, or the path of its control socket",
             PW_CLI_TEXT(struct options, instance)},
            {0},
        },
    .subverbs = g_requests,
    .subverb_field = PW_CLI_AT(struct options, request, uint32_t),
    .options =
        (const struct pw_cli_value[]){
            {.name = "json",
             .help = "print the engine's answer as one JSON object",
             PW_CLI_FLAG(struct options, json)},
            {.name = "timeout",
             .value = "MS",
             .help = "how long to wait for the answer",
             .initial = "2000",
             .min = 1,
             .max = 3600000,
             .unit = PW_CLI_MS,
             PW_CLI_DURATION(struct options, timeout_ns)},
            {0},
        },
    .exits =
        (const struct pw_cli_exit[]){
            {PW_CLI_DONE, "the command completed"},
            {PW_CLI_FAILED, "the engine refused"},
            {CTL_NO_ENGINE, "no engine of that name is running"},
            {CTL_NO_ANSWER, "no answer in time, or the engine belongs to another user"},
            {0},
        },
    .examples =
        (const struct pw_cli_pair[]){
            {"pinwheel ctl demo status", "print the status of the engine 'demo'"},
            {"pinwheel ctl demo halt", "stop new orders at once"},
            {0},
        },
};

/* Prints why there is no answer, in the form that was asked for. */
static int no_answer(const struct options *options, int rc)
{
    const char *why;
    int code = CTL_NO_ANSWER;
    switch (rc) {
    case -ENOENT:
    case -ECONNREFUSED:
        why = rc == -ENOENT
                  ? "no engine of that name is running for this user (give the path of its control socket to "
                    "reach another user's)"
                  : "the engine is dead and left its socket behind";
        code = CTL_NO_ENGINE;
        break;
    case -ETIMEDOUT:
        why = "no answer from the engine: its housekeeping hangs, or its core is overloaded";
        break;
    case -EPERM:
    case -EACCES:
        why = "the engine belongs to another user";
        break;
    case -ECONNRESET:
        why = "the engine closed the connection without an answer";
        break;
    default:
        why = strerror(-rc);
    }
    if (options->json) {
        json_t *answer = json_pack("{s:b, s:s}", "ok", 0, "error", why);
        json_dumpf(answer, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(answer);
    } else {
        pw_cli_error("%s: %s", options->instance, why);
    }
    return code;
}

/* "state: running" lines; what is not text is shown as JSON has it. */
static void answer_print(const struct options *options, const json_t *answer, bool ok)
{
    const char *key;
    json_t *value;
    FILE *out = ok ? stdout : stderr;
    if (!ok) {
        pw_cli_error("%s: %s: refused", options->instance, g_requests[options->request].name);
    } else if (json_object_size(answer) == 1) {
        fprintf(out, "%s: %s: done\n", options->instance, g_requests[options->request].name);
    }
    json_object_foreach((json_t *)answer, key, value)
    {
        if (strcmp(key, "ok") == 0) {
            continue;
        }
        fprintf(out, "%s: ", key);
        if (json_is_string(value)) {
            fputs(json_string_value(value), out);
        } else {
            json_dumpf(value, out, JSON_ENCODE_ANY | JSON_COMPACT);
        }
        fputc('\n', out);
    }
}

int main(int argc, char **argv)
{
    struct options options = {0};
    char text[PW_CONTROL_ANSWER_BYTES];
    int code = pw_cli_read(&g_command, argc, argv, &options);
    if (code != PW_CLI_GO) {
        return code;
    }
    int rc = pw_control_request(options.instance, g_requests[options.request].name, text, sizeof text,
                                (int)(options.timeout_ns / PW_CLI_MS));
    if (rc != 0) {
        return no_answer(&options, rc);
    }
    json_t *answer = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(answer)) {
        json_decref(answer);
        return no_answer(&options, -EPROTO);
    }
    bool ok = json_is_true(json_object_get(answer, "ok"));
    if (options.json) {
        puts(text);
    } else {
        answer_print(&options, answer, ok);
    }
    json_decref(answer);
    return ok ? PW_CLI_DONE : PW_CLI_FAILED;
}
