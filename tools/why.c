/* SPDX-License-Identifier: MIT
 *
 * pinwheel why: one order's whole story, from the journal alone. Arguments, and which journal it is.
 */
#include "why.h"
#include "orders.h"
#include "watch.h"
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SLOWEST_MAX 1000u
#define PATH_BYTES  4096u

static const char help[] =
    "usage: pinwheel why ORDER_ID [OPTIONS]\n"
    "       pinwheel why --last [OPTIONS]\n"
    "       pinwheel why --slowest N [OPTIONS]\n"
    "\n"
    "Tells one order's whole story, as the journal has it: the market event that caused it, each risk check "
    "with\n"
    "value and limit, each hop on its way with its time, what became of it, the bytes sent and received.\n"
    "\n"
    "ORDER_ID is the client order id, decimal or hexadecimal (0x...), or as the venue has it, "
    "pw-89abcdef-0123456789abcdef.\n"
    "\n"
    "options:\n"
    "  --journal DIR    the journal (default: that of the instance that runs)\n"
    "  --instance NAME  the instance, where several run\n"
    "  --run ID         the run (default: the one that the order's id names; with --last and --slowest the "
    "last)\n"
    "  --last           the newest order\n"
    "  --slowest N      list the N orders that took longest to the wire\n"
    "  --pretty         messages in JSON are laid out; else they are told as they are\n"
    "  --json\n"
    "  --help\n"
    "\n"
    "exit codes: 0 told; 1 no such order, or no journal, or it cannot be read; 2 wrong usage; 3 told, but "
    "something\n"
    "in the journal is damaged or missing: what, is told on standard error\n";

struct arguments {
    const char *journal, *instance;
    bool has_id, has_hash, last; /* has_hash: the id was told as the venue has it */
    uint32_t instance_hash;
    uint64_t client_order_id, slowest_cnt;
    struct why_options options;
};

/* The child's work takes its orders from here. */
static struct arguments arguments;

/* ---- arguments ---- */

static bool read_hex(const char *text, uint64_t *number)
{
    char *end;
    size_t len = strlen(text);
    *number = strtoull(text, &end, 16);
    return len > 0 && len <= 16 && strspn(text, "0123456789abcdefABCDEF") == len && *end == 0;
}

static bool read_order_id(const char *text)
{
    struct pw_binance_client_id id;
    if (pw_binance_client_id_read(text, strlen(text), &id)) {
        arguments.client_order_id = id.client_order_id;
        arguments.instance_hash = id.instance_hash;
        arguments.has_hash = true;
        return true;
    }
    if (strncmp(text, "0x", 2) == 0) {
        return read_hex(text + 2, &arguments.client_order_id);
    }
    return journal_number(text, &arguments.client_order_id);
}

static bool read_option(int option, struct journal_session *session)
{
    switch (option) {
    case 'J':
        arguments.journal = optarg;
        return true;
    case 'i':
        arguments.instance = optarg;
        return true;
    case 'r':
        session->run_given = true;
        return journal_number(optarg, &session->query.run_id);
    case 'l':
        arguments.last = true;
        return true;
    case 's':
        return journal_number(optarg, &arguments.slowest_cnt) && arguments.slowest_cnt > 0 &&
               arguments.slowest_cnt <= SLOWEST_MAX;
    case 'p':
        arguments.options.pretty = true;
        return true;
    default:
        session->json = true;
        return true;
    }
}

/* 0, or an exit code and one more. */
static int read_arguments(int argc, char **argv, struct journal_session *session)
{
    static const struct option names[] = {{"journal", required_argument, NULL, 'J'},
                                          {"instance", required_argument, NULL, 'i'},
                                          {"run", required_argument, NULL, 'r'},
                                          {"last", no_argument, NULL, 'l'},
                                          {"slowest", required_argument, NULL, 's'},
                                          {"pretty", no_argument, NULL, 'p'},
                                          {"json", no_argument, NULL, 'j'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    int index = 0;
    for (int option; (option = getopt_long(argc, argv, "h", names, &index)) != -1;) {
        if (option == 'h') {
            fputs(help, stdout);
            return JOURNAL_OK + 1;
        }
        if (option == '?') {
            return JOURNAL_USAGE + 1;
        }
        if (!read_option(option, session)) {
            fprintf(stderr, "--%s cannot be '%s'; see pinwheel why --help\n", names[index].name, optarg);
            return JOURNAL_USAGE + 1;
        }
    }
    arguments.has_id = optind < argc;
    if (arguments.has_id + arguments.last + (arguments.slowest_cnt > 0) != 1 || argc - optind > 1) {
        fputs(help, stderr);
        return JOURNAL_USAGE + 1;
    }
    if (arguments.has_id && !read_order_id(argv[optind])) {
        fprintf(stderr, "'%.40s' is no order id; see pinwheel why --help\n", argv[optind]);
        return JOURNAL_USAGE + 1;
    }
    if (arguments.has_id && !session->run_given) {
        session->query.run_id = pw_order_id_run(arguments.client_order_id);
        session->run_given = true;
    }
    return 0;
}

/* ---- which journal ---- */

/* The value of a line "key: value" of the instance's facts; false: there is none. */
static bool read_fact(const struct pw_workspace *ws, const char *key, char *value, size_t value_bytes)
{
    uint32_t i = 0;
    const struct pw_region *region = pw_watch_region(ws, PW_REGION_INFO, &i);
    const char *at = region ? pw_region_at(ws, region, 0) : NULL;
    const char *end = at ? at + strnlen(at, region->bytes) : NULL;
    size_t key_len = strlen(key);
    while (at && at < end) {
        const char *eol = memchr(at, '\n', (size_t)(end - at));
        size_t len = (size_t)((eol ? eol : end) - at);
        if (len > key_len + 2 && memcmp(at, key, key_len) == 0 && memcmp(at + key_len, ": ", 2) == 0) {
            snprintf(value, value_bytes, "%.*s", (int)(len - key_len - 2), at + key_len + 2);
            return true;
        }
        at += len + 1;
    }
    return false;
}

/* Where the instance keeps its journal. A relative path counts from where its engine was started. */
static enum pw_watch_exit find_journal(char path[PATH_BYTES])
{
    struct pw_workspace ws;
    char told[PATH_BYTES / 2];
    enum pw_watch_exit code = pw_watch_attach(&ws, arguments.instance);
    if (code != PW_WATCH_OK) {
        fprintf(stderr, "no journal was named; --journal DIR names one\n");
        return code;
    }
    if (!read_fact(&ws, "journal", told, sizeof told) || strcmp(told, "off") == 0) {
        fprintf(stderr, "instance %s keeps no journal\n", ws.header->instance);
        code = PW_WATCH_ABSENT;
    } else if (told[0] != '/' && pw_workspace_alive(&ws)) {
        snprintf(path, PATH_BYTES, "/proc/%lld/cwd/%s", (long long)ws.header->pid, told);
    } else {
        snprintf(path, PATH_BYTES, "%s", told);
    }
    pw_workspace_close(&ws, false);
    return code;
}

/* ---- the story ---- */

static int tell_absence(const struct journal_session *session, uint64_t id)
{
    if (id) {
        char venue_id[WHY_VENUE_ID_BYTES];
        fprintf(stderr, "run %" PRIu64 " has no order %" PRIu64 " (%s)", session->run.run_id, id,
                why_venue_id(session, id, venue_id));
    } else {
        fprintf(stderr, "run %" PRIu64 " has no order", session->run.run_id);
    }
    fprintf(stderr, "%s\n",
            pw_journal_is_live(session->journal) ? "; what an engine has just done comes with its next commit"
                                                 : "");
    return JOURNAL_FAILED;
}

static int tell_story(struct journal_session *session)
{
    if (arguments.slowest_cnt) {
        return why_slowest(session, arguments.slowest_cnt);
    }
    if (arguments.has_hash && arguments.instance_hash != pw_binance_instance_hash(session->run.instance)) {
        fprintf(stderr, "the order is not one of instance %s, whose journal this is\n",
                session->run.instance);
        return JOURNAL_FAILED;
    }
    struct why_story story = {.client_order_id =
                                  arguments.last ? why_newest(session) : arguments.client_order_id};
    if (story.client_order_id == 0) {
        return tell_absence(session, 0);
    }
    int code = JOURNAL_FAILED;
    if (!why_gather(session, &story)) {
        fprintf(stderr, "the journal cannot be read: %s\n", strerror(errno));
    } else if (!why_first(&story)) {
        tell_absence(session, story.client_order_id);
    } else {
        if (session->json) {
            why_print_json(session, &story);
        } else {
            why_print_text(session, &story, &arguments.options);
        }
        code = session->damage_cnt ? JOURNAL_DAMAGED : JOURNAL_OK;
    }
    why_free(&story);
    return code;
}

int main(int argc, char **argv)
{
    static struct journal_session session;
    char path[PATH_BYTES];
    int code = read_arguments(argc, argv, &session);
    if (code) {
        return code - 1;
    }
    if (!arguments.journal && (code = (int)find_journal(path)) != 0) {
        return code == PW_WATCH_USAGE ? JOURNAL_USAGE : JOURNAL_FAILED;
    }
    return journal_in_child(&session,
                            &(struct journal_work){.program = "pinwheel why",
                                                   .path = arguments.journal ? arguments.journal : path,
                                                   .one_run = true,
                                                   .run = tell_story});
}
