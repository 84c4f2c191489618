/* SPDX-License-Identifier: MIT
 *
 * pinwheel ctl: sends one request to a running engine's control socket and shows the answer.
 */
#include "control.h"

#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char g_usage[] =
    "usage: pinwheel ctl [--json] [--timeout MS] INSTANCE status|halt|resume|stop\n"
    "\n"
    "  status   how the engine is\n"
    "  halt     no new orders from now on; what is open may still be canceled\n"
    "  resume   orders again\n"
    "  stop     end the engine cleanly, as SIGTERM does\n"
    "\n"
    "INSTANCE is the name in the engine's config, or the path of its control socket.\n"
    "\n"
    "  --json         print the engine's answer as it is: one JSON object\n"
    "  --timeout MS   how long to wait for the answer (default 2000)\n"
    "  --help         this text\n"
    "\n"
    "exit codes: 0 the engine has done it; 1 it refused; 2 wrong use; 3 no engine of that name runs;\n"
    "  4 it does not answer in time, or belongs to another user\n";

enum exit_code { CTL_DONE = 0, CTL_REFUSED = 1, CTL_USAGE = 2, CTL_NO_ENGINE = 3, CTL_NO_ANSWER = 4 };

struct options {
    bool json;
    int timeout_ms;
    const char *instance, *request;
};

static bool is_request(const char *word)
{
    static const char *const requests[] = {"status", "halt", "resume", "stop"};
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        if (strcmp(word, requests[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool timeout_parse(const char *text, int *timeout_ms)
{
    char *end;
    long number = strtol(text, &end, 10);
    *timeout_ms = (int)number;
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && number >= 1 && number <= 3600000;
}

/* 0 to go on, else the exit code plus one. */
static int options_read(int argc, char **argv, struct options *options)
{
    static const struct option names[] = {{"json", no_argument, NULL, 'j'},
                                          {"timeout", required_argument, NULL, 't'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    *options = (struct options){.timeout_ms = 2000};
    for (int option; (option = getopt_long(argc, argv, "h", names, NULL)) != -1;) {
        if (option == 'h') {
            fputs(g_usage, stdout);
            return CTL_DONE + 1;
        }
        if (option == 'j') {
            options->json = true;
        } else if (option != 't' || !timeout_parse(optarg, &options->timeout_ms)) {
            fputs(g_usage, stderr);
            return CTL_USAGE + 1;
        }
    }
    if (argc - optind != 2 || !is_request(argv[optind + 1])) {
        fputs(g_usage, stderr);
        return CTL_USAGE + 1;
    }
    options->instance = argv[optind];
    options->request = argv[optind + 1];
    return 0;
}

/* Tells why there is no answer, in the form that was asked for. */
static int no_answer(const struct options *options, int rc)
{
    const char *why;
    int code = CTL_NO_ANSWER;
    switch (rc) {
    case -ENOENT:
    case -ECONNREFUSED:
        why = rc == -ENOENT
                  ? "this user runs no engine of that name (another user's is reached by the path of "
                    "its control socket)"
                  : "the engine is dead: it left its socket behind";
        code = CTL_NO_ENGINE;
        break;
    case -ETIMEDOUT:
        why = "the engine does not answer: its housekeeping hangs, or its core is overloaded";
        break;
    case -EPERM:
    case -EACCES:
        why = "the engine belongs to another user";
        break;
    case -ECONNRESET:
        why = "the engine closed without an answer";
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
        fprintf(stderr, "pinwheel ctl: %s: %s\n", options->instance, why);
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
        fprintf(out, "pinwheel ctl: %s: refused\n", options->instance);
    } else if (json_object_size(answer) == 1) {
        fprintf(out, "%s: %s: done\n", options->instance, options->request);
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
    struct options options;
    char text[PW_CONTROL_ANSWER_BYTES];
    int stop = options_read(argc, argv, &options);
    if (stop != 0) {
        return stop - 1;
    }
    int rc = pw_control_request(options.instance, options.request, text, sizeof text, options.timeout_ms);
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
    return ok ? CTL_DONE : CTL_REFUSED;
}
