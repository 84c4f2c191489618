/* SPDX-License-Identifier: MIT
 *
 * pinwheel ctl: sends one request to a running engine's control socket and shows the answer.
 */
#include "cli.h"
#include "control.h"
#include "watch.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STOP_WAIT_NS (60 * PW_NS_PER_S) /* a live engine settles its orders first */
#define STOP_LOOK_MS 20

enum exit_code { CTL_NO_ENGINE = 3, CTL_NO_ANSWER = 4, CTL_NOT_STORED = 5 };

struct options {
    const char *instance;
    uint32_t request; /* index of g_requests */
    bool json, no_wait;
    int64_t timeout_ns;
};

static const struct pw_cli_subverb g_requests[] = {
    {"status", "print the engine's status"},
    {"halt", "stop new orders, over any restart, until resume; open orders can still be canceled"},
    {"resume", "allow new orders again"},
    {"stop",
     "stop the engine cleanly, as SIGTERM does, wait until it has ended, and print what is left open"},
    {0},
};

static const struct pw_cli_command g_command = {
    .verb = "ctl",
    .description = "Sends a request to a running engine and prints the answer. Only the engine's own user "
                   "and root are obeyed.",
    .arguments = PW_CLI_VALUES({.name = "INSTANCE",
                                .help = "the name in the engine's config, or the path of its control socket",
                                PW_CLI_TEXT(struct options, instance)}),
    .subverbs = g_requests,
    .subverb_field = PW_CLI_AT(struct options, request, uint32_t),
    .options = PW_CLI_VALUES({.name = "json",
                              .help = "print the engine's answer as one JSON object",
                              PW_CLI_FLAG(struct options, json)},
                             {.name = "timeout",
                              .value = "MS",
                              .help = "how long to wait for the answer",
                              .initial = "2000",
                              .min = 1,
                              .max = 3600000,
                              .unit = PW_NS_PER_MS,
                              PW_CLI_DURATION(struct options, timeout_ns)},
                             {.name = "no-wait",
                              .help = "return as soon as the engine has begun to stop",
                              .commands = "stop",
                              PW_CLI_FLAG(struct options, no_wait)}),
    .environment =
        PW_CLI_PAIRS({"XDG_RUNTIME_DIR",
                      "its folder pinwheel/ holds the control sockets (without it: /tmp/pinwheel-UID)"}),
    .exits = PW_CLI_EXITS(
        {PW_CLI_DONE, "the command completed"}, {PW_CLI_FAILED, "the engine rejected it"},
        {CTL_NO_ENGINE, "no engine of that name is running"},
        {CTL_NO_ANSWER,
         "no answer in time, still stopping after a minute, or the engine belongs to another user"},
        {CTL_NOT_STORED, "done, but not stored beside the journal: the next start does not know of it"}),
    .examples = PW_CLI_PAIRS({"pinwheel ctl demo status", "print the status of the engine 'demo'"},
                             {"pinwheel ctl demo halt", "stop new orders at once"}),
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
                  : "the engine is not running; its control socket is stale";
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

/* "state: running" lines; what is not text is shown as in JSON. */
static void answer_print(const struct options *options, const json_t *answer, bool ok)
{
    const char *key;
    json_t *value;
    FILE *out = ok ? stdout : stderr;
    if (!ok) {
        pw_cli_error("%s: %s: rejected", options->instance, g_requests[options->request].name);
    } else if (json_object_get(answer, "state") == NULL) {
        fprintf(out, "%s: %s: done\n", options->instance, g_requests[options->request].name);
    }
    json_object_foreach((json_t *)answer, key, value)
    {
        if (strcmp(key, "ok") == 0) {
            continue;
        }
        if (strcmp(key, "warning") == 0) {
            pw_cli_error("%s: %s: %s", options->instance, g_requests[options->request].name,
                         json_string_value(value));
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

/* ---- the end of an engine ---- */

/* Whether the engine is there: by the lock that it holds as long as its process lives, and by its socket
 * where the name given leads to no workspace. */
static bool is_there(const struct options *options, const struct pw_workspace *ws)
{
    char text[PW_CONTROL_ANSWER_BYTES];
    if (ws != NULL) {
        return pw_workspace_alive(ws);
    }
    int rc = pw_control_request(options->instance, "status", text, sizeof text,
                                (int)(options->timeout_ns / PW_NS_PER_MS));
    return rc != -ENOENT && rc != -ECONNREFUSED;
}

/* The positions that are not flat, by instrument. */
static json_t *positions_make(const struct pw_workspace *ws)
{
    const struct pw_region *instruments = pw_workspace_find(ws, "instruments", PW_REGION_INSTRUMENTS);
    struct pw_watch_rows rows = {.ws = ws, .kind = PW_REGION_POSITIONS};
    const struct pw_position_view *view;
    json_t *positions = json_object();
    while (instruments != NULL && (view = pw_watch_next(&rows)) != NULL) {
        struct pw_position position;
        char name[PW_INSTRUMENT_NAME_BYTES], quantity[48];
        if (!pw_cell_read(&view->cell, view->words, &position, sizeof position) || position.qty_e8 == 0 ||
            pw_instrument_name(pw_region_at(ws, instruments, 0), instruments->row_cnt, rows.row_idx, name) ==
                NULL) {
            continue;
        }
        struct pw_text text = pw_text_start(quantity, sizeof quantity);
        pw_text_put_qty(&text, pw_region_at(ws, instruments, rows.row_idx), position.qty_e8);
        json_object_set_new(positions, name, json_string(quantity));
    }
    return positions;
}

/* What the engine left, into the answer: its memory stays mapped here. */
static void account_put(const struct pw_workspace *ws, json_t *answer)
{
    struct pw_account account;
    json_object_set_new(answer, "open_positions", positions_make(ws));
    if (pw_account_sum(ws, &account)) {
        json_object_set_new(answer, "order_cnt", json_integer((json_int_t)account.order_cnt));
        json_object_set_new(answer, "fill_cnt", json_integer((json_int_t)account.fill_cnt));
        json_object_set_new(answer, "open_order_cnt", json_integer((json_int_t)account.open_order_cnt));
    }
}

/* Waits until the engine has ended, so that another of its name can be started at once; false: it has not. */
static bool end_await(const struct options *options, const struct pw_workspace *ws, json_t *answer)
{
    int64_t until_ns = pw_clock_read_ns(CLOCK_MONOTONIC) + STOP_WAIT_NS;
    while (is_there(options, ws)) {
        if (pw_clock_read_ns(CLOCK_MONOTONIC) > until_ns) {
            pw_cli_error("%s: still stopping after a minute", options->instance);
            return false;
        }
        pw_watch_sleep_ms(STOP_LOOK_MS);
    }
    if (ws != NULL) {
        account_put(ws, answer);
    }
    return true;
}

/* Sends the request and prints the answer; ws: NULL, or the memory of the engine that is to stop. */
static int request_send(const struct options *options, const struct pw_workspace *ws)
{
    char text[PW_CONTROL_ANSWER_BYTES];
    const char *request = g_requests[options->request].name;
    int rc = pw_control_request(options->instance, request, text, sizeof text,
                                (int)(options->timeout_ns / PW_NS_PER_MS));
    if (rc != 0) {
        return no_answer(options, rc);
    }
    json_t *answer = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(answer)) {
        json_decref(answer);
        return no_answer(options, -EPROTO);
    }
    bool ok = json_is_true(json_object_get(answer, "ok"));
    bool is_unstored = json_is_false(json_object_get(answer, "stored"));
    int code = !ok ? PW_CLI_FAILED : is_unstored ? CTL_NOT_STORED : PW_CLI_DONE;
    if (ok && strcmp(request, "stop") == 0 && !options->no_wait && !end_await(options, ws, answer)) {
        code = CTL_NO_ANSWER;
    } else if (options->json) {
        json_dumpf(answer, stdout, JSON_COMPACT);
        putchar('\n');
    } else {
        answer_print(options, answer, ok);
    }
    json_decref(answer);
    return code;
}

int main(int argc, char **argv)
{
    struct options options = {0};
    struct pw_workspace ws;
    char error[512];
    int code = pw_cli_read(&g_command, argc, argv, &options);
    if (code != PW_CLI_GO) {
        return code;
    }
    bool is_stop = strcmp(g_requests[options.request].name, "stop") == 0;
    bool mapped =
        is_stop && !options.no_wait && pw_workspace_attach(&ws, options.instance, error, sizeof error) == 0;
    code = request_send(&options, mapped ? &ws : NULL);
    if (mapped) {
        pw_workspace_close(&ws, false);
    }
    return code;
}
