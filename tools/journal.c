/* SPDX-License-Identifier: MIT
 *
 * pinwheel journal: what engines have recorded. Arguments, the list of runs, queries.
 *
 * LMDB can crash on a damaged page. So everything is read in a child process; the parent tells where it
 * ended.
 */
#include "journal.h"
#include "text.h"
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

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
    "  --frames       query: the raw messages, where the config had them recorded\n"
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

/* ---- shared ---- */

const char *journal_fixed(pw_i128 value, int decimals)
{
    static char texts[8][64];
    static unsigned next;
    char *end = texts[next++ % 8] + 63, *at = end;
    bool negative = value < 0;
    *at = 0;
    for (int i = 0; i <= decimals || value != 0; i++) {
        if (i == decimals && decimals > 0) {
            *--at = '.';
        }
        int digit = (int)(value % 10);
        *--at = (char)('0' + (digit < 0 ? -digit : digit));
        value /= 10;
    }
    if (negative) {
        *--at = '-';
    }
    return at;
}

void journal_print_json(json_t *json)
{
    json_dumpf(json, stdout, JSON_INDENT(1) | JSON_ENSURE_ASCII);
    putchar('\n');
    json_decref(json);
}

const char *journal_symbol(const struct journal_session *session, const struct pw_event *event)
{
    return event->instrument_idx < session->instrument_cnt
               ? session->instruments[event->instrument_idx].symbol
               : NULL;
}

struct pw_journal_cursor *journal_cursor(const struct journal_session *session)
{
    struct pw_journal_cursor *cursor;
    int err = pw_journal_select(session->journal, &session->query, &cursor);
    if (err) {
        fprintf(stderr, "run %" PRIu64 " cannot be read: %s\n", session->run.run_id, strerror(-err));
        return NULL;
    }
    return cursor;
}

static void tell_damage(const struct pw_journal_record *record)
{
    fprintf(stderr, "damage: segment %" PRIu32 ", block %" PRIu64 ": %s; ", record->segment_no,
            record->block_no, record->why);
    if (record->lost_to_seq > record->market_seq) {
        fprintf(stderr, "market events %" PRIu64 " to %" PRIu64 " are lost", record->market_seq,
                record->lost_to_seq - 1);
    } else {
        fprintf(stderr, "lost: market events from %" PRIu64 " on, if there were any", record->market_seq);
    }
    fprintf(stderr, ", and what was decided between\n");
}

bool journal_read(struct journal_session *session, struct pw_journal_cursor *cursor,
                  struct pw_journal_record *record)
{
    int item;
    while ((item = pw_journal_next(cursor, record)) == PW_JOURNAL_DAMAGE) {
        tell_damage(record);
        session->damage_cnt++;
    }
    session->progress->segment_no = record->segment_no;
    session->progress->block_no = record->block_no;
    return item == PW_JOURNAL_EVENT;
}

/* ---- runs ---- */

static const char *time_text(int64_t ns)
{
    static char texts[2][40];
    static unsigned next;
    char *text = texts[next++ % 2];
    time_t s = (time_t)(ns / NS_PER_S);
    struct tm tm;
    gmtime_r(&s, &tm);
    size_t len = strftime(text, 24, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text + len, 40 - len, ".%03dZ", (int)(ns % NS_PER_S / 1000000));
    return text;
}

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
               time_text(run->started_ns), run->ended_ns ? time_text(run->ended_ns) : "-", events,
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
    int64_t bytes = pw_journal_config(session->journal, session->run.run_id, NULL, 0);
    char *text = malloc(bytes > 0 ? (size_t)bytes + 1 : 1);
    if (bytes >= 0 && text) {
        bytes = pw_journal_config(session->journal, session->run.run_id, text, (size_t)bytes + 1);
    }
    if (bytes < 0 || !text) {
        fprintf(stderr, "the config of run %" PRIu64 " cannot be read\n", session->run.run_id);
        free(text);
        return JOURNAL_FAILED;
    }
    fwrite(text, 1, (size_t)bytes, stdout);
    free(text);
    return JOURNAL_OK;
}

/* ---- query ---- */

static void print_frame(const struct journal_session *session, const struct pw_journal_record *record)
{
    char *text = malloc((size_t)record->frame_bytes * 6 + 1);
    if (!text) {
        return;
    }
    struct pw_text escaped = pw_text_start(text, (size_t)record->frame_bytes * 6 + 1);
    pw_text_put_escaped(&escaped, record->frame, record->frame_bytes);
    if (session->json) {
        printf("{\"recv_ns\":%" PRId64 ",\"feed_idx\":%" PRIu32 ",\"bytes\":%" PRIu32 ",\"text\":\"%s\"}\n",
               record->event.recv_ns, record->event.body.frame.feed_idx, record->frame_bytes, text);
    } else {
        printf("%" PRId64 " feed=%" PRIu32 " %s\n", record->event.recv_ns, record->event.body.frame.feed_idx,
               text);
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

static bool read_number(const char *text, uint64_t *number)
{
    char *end;
    errno = 0;
    *number = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == 0 && errno == 0;
}

struct arguments {
    const char *path, *command, *symbol;
};

static bool read_option(int option, struct journal_session *session, struct arguments *arguments)
{
    switch (option) {
    case 'r':
        session->run_given = true;
        return read_number(optarg, &session->query.run_id);
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
        return read_number(optarg, &session->limit);
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

/* ---- the two processes ---- */

static const struct {
    const char *name;
    int (*run)(struct journal_session *session);
    bool one_run;
} commands[] = {
    {"runs", list_runs, false},        {"stats", journal_stats, true}, {"facts", journal_facts, true},
    {"query", journal_query, true},    {"csv", journal_csv, true},     {"config", print_config, true},
    {"verify", journal_verify, false},
};

static int find_run(struct journal_session *session, const char *symbol)
{
    int err = pw_journal_run(session->journal, session->query.run_id, &session->run);
    if (err) {
        fprintf(stderr,
                session->query.run_id ? "there is no run %" PRIu64 "\n" : "the journal has no run yet\n",
                session->query.run_id);
        return JOURNAL_FAILED;
    }
    session->query.run_id = session->progress->run_id = session->run.run_id;
    int64_t cnt = pw_journal_instruments(session->journal, session->run.run_id, session->instruments,
                                         PW_INSTRUMENTS_MAX);
    session->instrument_cnt = cnt < 0 ? 0 : cnt > PW_INSTRUMENTS_MAX ? PW_INSTRUMENTS_MAX : (uint32_t)cnt;
    for (uint32_t i = 0; symbol && i < session->instrument_cnt && !session->query.one_instrument; i++) {
        session->query.one_instrument = strncmp(session->instruments[i].symbol, symbol, PW_SYMBOL_BYTES) == 0;
        session->query.instrument_idx = (uint16_t)i;
    }
    if (symbol && !session->query.one_instrument) {
        fprintf(stderr, "run %" PRIu64 " has no instrument '%s'\n", session->run.run_id, symbol);
        return JOURNAL_FAILED;
    }
    return JOURNAL_OK;
}

static int work(struct journal_session *session, const struct arguments *arguments, size_t command)
{
    char error[512];
    if (pw_journal_open(&session->journal, arguments->path, error, sizeof error) != 0) {
        fprintf(stderr, "%s\n", error);
        return JOURNAL_FAILED;
    }
    int code = commands[command].one_run || session->run_given || arguments->symbol
                   ? find_run(session, arguments->symbol)
                   : JOURNAL_OK;
    if (code == JOURNAL_OK) {
        code = commands[command].run(session);
    }
    pw_journal_close(session->journal);
    return code;
}

/* What the reading of a damaged file may end with. */
static int tell_end(int status, const struct journal_progress *progress)
{
    if (WIFEXITED(status)) {
        return WEXITSTATUS(status);
    }
    if (WTERMSIG(status) == SIGPIPE) {
        return 128 + SIGPIPE; /* nobody listens any more, as in `| head` */
    }
    fprintf(stderr,
            "reading ended by %s: run %" PRIu64 ", segment %" PRIu32 ", behind block %" PRIu64
            ": a page outside of the blocks is damaged, or the file is cut short\n",
            strsignal(WTERMSIG(status)), progress->run_id, progress->segment_no, progress->block_no);
    return JOURNAL_DAMAGED;
}

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
    session.progress =
        mmap(NULL, sizeof *session.progress, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t child = session.progress == MAP_FAILED ? -1 : fork();
    if (child < 0) {
        perror("pinwheel journal");
        return JOURNAL_FAILED;
    }
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        setrlimit(RLIMIT_CORE, &(struct rlimit){0});
        code = work(&session, &arguments, command);
        return fflush(stdout) == 0 ? code : JOURNAL_FAILED;
    }
    int status;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return tell_end(status, session.progress);
}
