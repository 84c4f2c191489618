/* SPDX-License-Identifier: MIT
 *
 * pinwheel journal: what engines have recorded. Arguments, the list of runs, queries.
 */
#include "journal.h"
#include "text.h"
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NS_PER_S INT64_C(1000000000)

static const char help[] =
    "usage: pinwheel journal PATH [COMMAND] [OPTIONS]\n"
    "\n"
    "Reads the journal in the directory PATH, also while an engine writes it.\n"
    "\n"
    "commands:\n"
    "  runs     list the runs (the default)\n"
    "  stats    count and sum a run's events by kind and instrument\n"
    "  facts    a run's figures per symbol, as JSON: trades, quotes, depth updates, the book they make, "
    "fills\n"
    "  query    print events, one a line, in the order in which the engine took them\n"
    "  csv      the same as comma-separated values, a row an event (a row each level of a book)\n"
    "  config   print the config of a run, as it was\n"
    "  verify   check every block and the order of events, of all runs or of --run\n"
    "\n"
    "options:\n"
    "  --run ID       the run (default: the last; 0 is the last, too)\n"
    "  --from TIME    only what was received at TIME or later\n"
    "  --to TIME      only what was received before TIME\n"
    "  --kind KINDS   only these, separated by commas: quote, trade, agg_trade, depth, levels, candle, "
    "order, fill, ...\n"
    "  --symbol SYM   only this instrument\n"
    "  --limit N      at most N events\n"
    "  --frames       query: the raw messages, where they were recorded: of order entry, and with raw_frames "
    "all\n"
    "  --cash AMOUNT  facts: cash at the start (default: what the run's config says)\n"
    "  --json         JSON; query: an object a line\n"
    "  --help\n"
    "\n"
    "The first column of query and csv, `position` in JSON, is the number of market events before: that of "
    "the event itself\n"
    "if it is the market's.\n"
    "TIME is UTC, 2024-08-09T00:00:00[.123456789][Z], or nanoseconds since 1970.\n"
    "\n"
    "exit codes: 0 good; 1 no journal or no such run, or it cannot be read; 2 wrong usage; 3 it was read, "
    "but something\n"
    "in it is damaged or missing: what, is told on standard error\n";

/* ---- runs ---- */

static const char *run_state(const struct pw_journal_run *run, bool may_be_live)
{
    if (run->ended_ns) {
        return run->clean ? "clean" : "incomplete";
    }
    return may_be_live ? "running" : "killed";
}

static json_t *run_json(const struct pw_journal_run *run, const char *state)
{
    char hash[20];
    snprintf(hash, sizeof hash, "%016" PRIx64, run->config_hash);
    json_t *json =
        json_pack("{s:I, s:s, s:s, s:I, s:I, s:I, s:s, s:s, s:i}", "run_id", (json_int_t)run->run_id,
                  "instance", run->instance, "state", state, "started_ns", (json_int_t)run->started_ns,
                  "ended_ns", (json_int_t)run->ended_ns, "pid", (json_int_t)run->pid, "config_hash", hash,
                  "version", run->version, "instruments", (int)run->instrument_cnt);
    if (run->ended_ns) {
        json_object_set_new(json, "events", json_integer((json_int_t)run->event_cnt));
    }
    return json;
}

static int list_runs(struct journal_session *session)
{
    int64_t cnt = pw_journal_runs(session->journal, NULL, 0);
    struct pw_journal_run *runs = calloc(cnt > 0 ? (size_t)cnt : 1, sizeof *runs);
    cnt = runs ? pw_journal_runs(session->journal, runs, (size_t)(cnt > 0 ? cnt : 0)) : -ENOMEM;
    if (cnt < 0) {
        fprintf(stderr, "the runs cannot be read: %s\n", strerror((int)-cnt));
        free(runs);
        return JOURNAL_FAILED;
    }
    bool live = pw_journal_is_live(session->journal);
    json_t *list = json_array();
    if (!session->json) {
        printf("%-12s %-16s %-10s %-24s %-24s %12s  %s\n", "RUN", "INSTANCE", "STATE", "STARTED", "ENDED",
               "EVENTS", "VERSION");
    }
    for (int64_t i = 0; i < cnt; i++) {
        const struct pw_journal_run *run = &runs[i];
        const char *state = run_state(run, live && i + 1 == cnt);
        if (session->json) {
            json_array_append_new(list, run_json(run, state));
            continue;
        }
        char events[24] = "-";
        if (run->ended_ns) {
            snprintf(events, sizeof events, "%" PRIu64, run->event_cnt);
        }
        printf("%-12" PRIu64 " %-16s %-10s %-24s %-24s %12s  %s\n", run->run_id, run->instance, state,
               journal_time(run->started_ns), run->ended_ns ? journal_time(run->ended_ns) : "-", events,
               run->version);
    }
    if (session->json) {
        json_t *json = json_object();
        json_object_set(json, "runs", list);
        journal_print_json(json);
    }
    json_decref(list);
    free(runs);
    return JOURNAL_OK;
}

static int print_config(struct journal_session *session)
{
    size_t bytes;
    char *text = journal_config_text(session, &bytes);
    if (!text) {
        fprintf(stderr, "the config of run %" PRIu64 " cannot be read\n", session->run.run_id);
        return JOURNAL_FAILED;
    }
    fwrite(text, 1, bytes, stdout);
    free(text);
    return JOURNAL_OK;
}

/* ---- query ---- */

static void print_frame(const struct journal_session *session, const struct pw_journal_record *record)
{
    bool sent = record->event.flags & PW_FLAG_SENT;
    char *text = malloc((size_t)record->frame_bytes * 6 + 1);
    if (!text) {
        return;
    }
    struct pw_text escaped = pw_text_start(text, (size_t)record->frame_bytes * 6 + 1);
    pw_text_put_escaped(&escaped, record->frame, record->frame_bytes);
    if (session->json) {
        printf("{\"recv_ns\":%" PRId64 ",\"feed_idx\":%" PRIu32 ",\"sent\":%s,\"bytes\":%" PRIu32
               ",\"text\":\"%s\"}\n",
               record->event.recv_ns, record->event.body.frame.feed_idx, sent ? "true" : "false",
               record->frame_bytes, text);
    } else {
        printf("%" PRId64 " feed=%" PRIu32 "%s %s\n", record->event.recv_ns,
               record->event.body.frame.feed_idx, sent ? " sent" : "", text);
    }
    free(text);
}

static void print_event(const struct journal_session *session, const struct pw_journal_record *record)
{
    char line[1024];
    const char *symbol = journal_symbol(session, &record->event);
    if (session->json) {
        struct pw_text text = pw_text_start(line, sizeof line);
        pw_event_put_json(&text, &record->event, symbol);
        printf("{\"position\":%" PRIu64 ",%s}\n", record->market_seq, line);
    } else {
        pw_event_print(&record->event, symbol, line, sizeof line);
        printf("%" PRIu64 " %s\n", record->market_seq, line);
    }
}

int journal_for_each(struct journal_session *session, void (*print)(const struct journal_session *session,
                                                                    const struct pw_journal_record *record))
{
    struct pw_journal_cursor *cursor = journal_cursor(session);
    struct pw_journal_record record = {0};
    if (!cursor) {
        return JOURNAL_FAILED;
    }
    for (uint64_t n = 0;
         (session->limit == 0 || n < session->limit) && journal_read(session, cursor, &record); n++) {
        print(session, &record);
    }
    pw_journal_cursor_free(cursor);
    return session->damage_cnt ? JOURNAL_DAMAGED : JOURNAL_OK;
}

int journal_query(struct journal_session *session)
{
    session->query.frames = session->frames;
    return journal_for_each(session, session->frames ? print_frame : print_event);
}

/* ---- arguments ---- */

/* Nanoseconds, or UTC as 2024-08-09T00:00:00.123. */
static bool read_time(const char *text, int64_t *ns)
{
    struct tm tm = {0};
    char *end;
    if (strspn(text, "0123456789") == strlen(text) && *text) {
        errno = 0;
        *ns = strtoll(text, &end, 10);
        return errno == 0;
    }
    end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    if (!end) {
        return false;
    }
    *ns = (int64_t)timegm(&tm) * NS_PER_S;
    if (*end == '.') {
        int64_t unit = NS_PER_S / 10;
        for (end++; *end >= '0' && *end <= '9'; end++, unit /= 10) {
            *ns += (*end - '0') * unit;
        }
    }
    return *end == 0 || strcmp(end, "Z") == 0;
}

static bool read_kinds(const char *text, uint64_t *kinds)
{
    while (*text) {
        size_t len = strcspn(text, ",");
        unsigned kind = 0;
        while (kind < 64 && (strlen(pw_event_kind_name(kind)) != len ||
                             memcmp(pw_event_kind_name(kind), text, len) != 0)) {
            kind++;
        }
        if (kind == 64) {
            return false;
        }
        *kinds |= UINT64_C(1) << kind;
        text += len + (text[len] == ',');
    }
    return *kinds != 0;
}

struct arguments {
    const char *path, *command, *symbol;
};

static bool read_option(int option, struct journal_session *session, struct arguments *arguments)
{
    switch (option) {
    case 'r':
        session->run_given = true;
        return journal_number(optarg, &session->query.run_id);
    case 'f':
        return read_time(optarg, &session->query.from_ns);
    case 't':
        return read_time(optarg, &session->query.to_ns);
    case 'k':
        return read_kinds(optarg, &session->query.kinds);
    case 's':
        arguments->symbol = optarg;
        return true;
    case 'l':
        return journal_number(optarg, &session->limit);
    case 'c':
        session->cash = optarg;
        return true;
    case 'F':
        session->frames = true;
        return true;
    default:
        session->json = true;
        return true;
    }
}

/* 0 to go on, else the exit code plus one. */
static int read_arguments(int argc, char **argv, struct journal_session *session, struct arguments *arguments)
{
    static const struct option names[] = {{"run", required_argument, NULL, 'r'},
                                          {"from", required_argument, NULL, 'f'},
                                          {"to", required_argument, NULL, 't'},
                                          {"kind", required_argument, NULL, 'k'},
                                          {"symbol", required_argument, NULL, 's'},
                                          {"limit", required_argument, NULL, 'l'},
                                          {"cash", required_argument, NULL, 'c'},
                                          {"frames", no_argument, NULL, 'F'},
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
        if (!read_option(option, session, arguments)) {
            fprintf(stderr, "--%s cannot be '%s'; see pinwheel journal --help\n", names[index].name, optarg);
            return JOURNAL_USAGE + 1;
        }
    }
    arguments->path = argv[optind];
    arguments->command = arguments->path && argv[optind + 1] ? argv[optind + 1] : "runs";
    if (!arguments->path || argc - optind > 2) {
        fputs(help, stderr);
        return JOURNAL_USAGE + 1;
    }
    return 0;
}

static const struct {
    const char *name;
    int (*run)(struct journal_session *session);
    bool one_run;
} commands[] = {
    {"runs", list_runs, false},        {"stats", journal_stats, true}, {"facts", journal_facts, true},
    {"query", journal_query, true},    {"csv", journal_csv, true},     {"config", print_config, true},
    {"verify", journal_verify, false},
};

int main(int argc, char **argv)
{
    static struct journal_session session;
    struct arguments arguments = {0};
    size_t command = 0, command_cnt = sizeof commands / sizeof commands[0];
    int code = read_arguments(argc, argv, &session, &arguments);
    if (code) {
        return code - 1;
    }
    while (command < command_cnt && strcmp(commands[command].name, arguments.command) != 0) {
        command++;
    }
    if (command == command_cnt) {
        fprintf(stderr, "'%s' is no command; see pinwheel journal --help\n", arguments.command);
        return JOURNAL_USAGE;
    }
    return journal_in_child(&session, &(struct journal_work){
                                          .program = "pinwheel journal",
                                          .path = arguments.path,
                                          .symbol = arguments.symbol,
                                          .one_run = commands[command].one_run,
                                          .run = commands[command].run,
                                      });
}
