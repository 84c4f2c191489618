/* SPDX-License-Identifier: MIT
 *
 * pinwheel journal: what engines have recorded. Arguments, the list of runs, queries.
 */
#include "cli.h"
#include "journal_tool.h"
#include "text.h"
#include "watch.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

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
        json_pack("{s:o, s:s, s:s, s:o, s:o, s:I, s:s, s:s, s:i}", "run_id", journal_json_id(run->run_id),
                  "instance", run->instance, "state", state, "started_ns", journal_json_ns(run->started_ns),
                  "ended_ns", journal_json_ns(run->ended_ns), "pid", (json_int_t)run->pid, "config_hash",
                  hash, "version", run->version, "instrument_cnt", (int)run->instrument_cnt);
    if (run->ended_ns) {
        json_object_set_new(json, "event_cnt", json_integer((json_int_t)run->event_cnt));
    }
    journal_put_loss(json, run);
    return json;
}

static int list_runs(struct journal_session *session)
{
    struct pw_journal_run *runs;
    int64_t cnt = journal_runs(session, &runs);
    if (cnt < 0) {
        return JOURNAL_FAILED;
    }
    bool live = pw_journal_is_live(session->journal);
    journal_audit_folder(session);
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
        if (pw_journal_is_cut(run)) {
            printf("%-12s not stored: %" PRIu64 " market events, %" PRIu64 " orders, %" PRIu64
                   " fills, %" PRIu64 " other events\n",
                   "", run->lost.market_cnt, run->lost.order_cnt, run->lost.fill_cnt, run->lost.other_cnt);
        }
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
        pw_cli_error("cannot read the config of run %" PRIu64, session->run.run_id);
        return session->damage_cnt ? JOURNAL_DAMAGED : JOURNAL_FAILED;
    }
    fwrite(text, 1, bytes, stdout);
    free(text);
    return JOURNAL_OK;
}

/* ---- query ---- */

static struct pw_text event_text(const struct journal_session *session,
                                 const struct pw_journal_record *record, char *line, size_t line_bytes)
{
    struct pw_text text = pw_text_start(line, line_bytes);
    const char *symbol = journal_symbol(session, record->event.instrument_idx);
    const struct pw_instrument *instrument = journal_instrument(session, record->event.instrument_idx);
    text.iso_times = session->iso_times;
    if (session->json) {
        pw_event_put_json(&text, &record->event, symbol, instrument);
    } else {
        pw_event_put_line(&text, &record->event, symbol, instrument);
    }
    return text;
}

/* As tap prints a frame: the fields of its event and the text. */
static void print_frame(const struct journal_session *session, const struct pw_journal_record *record)
{
    size_t line_bytes = 1024 + (size_t)record->frame_bytes * 6; /* each byte may become \u00ff */
    char *line = malloc(line_bytes);
    if (!line) {
        return;
    }
    struct pw_text text = event_text(session, record, line, line_bytes);
    pw_text_put(&text, session->json ? ",\"text\":\"" : " \"");
    pw_text_put_escaped(&text, record->frame, record->frame_bytes);
    printf(session->json ? "{%s\"}\n" : "%s\"\n", line);
    free(line);
}

static void print_event(const struct journal_session *session, const struct pw_journal_record *record)
{
    char line[1024];
    uint32_t strategy_idx;
    struct pw_text text = event_text(session, record, line, sizeof line);
    if (record->event.kind == PW_EVENT_FILL &&
        journal_strategy_of(session, record->event.body.fill.client_order_id, &strategy_idx)) {
        pw_text_put(&text, session->json ? ",\"strategy\":%" PRIu32 : " strategy=%" PRIu32, strategy_idx);
    }
    printf(session->json ? "{\"journal_seq\":\"%" PRIu64 "\",%s}\n" : "%" PRIu64 " %s\n", record->market_seq,
           line);
}

int journal_for_each(struct journal_session *session, void (*print)(const struct journal_session *session,
                                                                    const struct pw_journal_record *record))
{
    struct pw_journal_cursor *cursor = journal_cursor(session);
    struct pw_journal_record record = {0};
    if (!cursor) {
        return JOURNAL_FAILED;
    }
    uint64_t cnt = 0;
    while ((session->limit == 0 || cnt < session->limit) && journal_read(session, cursor, &record)) {
        print(session, &record);
        cnt++;
    }
    pw_journal_cursor_free(cursor);
    if (cnt == 0) {
        journal_note_nothing(session);
    }
    return session->damage_cnt ? JOURNAL_DAMAGED : JOURNAL_OK;
}

static int query_events(struct journal_session *session)
{
    session->query.frames = session->frames;
    return journal_for_each(session, session->frames ? print_frame : print_event);
}

/* ---- the command ---- */

struct arguments {
    struct journal_session session;
    const char *journal, *symbol;
    uint32_t command; /* index of g_commands */
};

/* "" where no kind has the number. */
static const char *kind_name(uint32_t i)
{
    const char *name = i < 64 ? pw_event_kind_name(i) : NULL;
    return i == PW_EVENT_NONE || (name != NULL && name[0] == '?') ? "" : name;
}

static const struct {
    int (*run)(struct journal_session *session);
    bool one_run;
} g_work[] = {
    {list_runs, false},  {journal_stats, true}, {journal_summary, true}, {query_events, true},
    {journal_csv, true}, {print_config, true},  {journal_verify, false},
};

/* In the order of g_work; behind them old names. */
static const struct pw_cli_subverb g_commands[] = {
    {"list", "list the runs"},
    {"stats", "count and sum a run's events by kind and instrument"},
    {"summary",
     "print a run's figures per symbol as JSON: trades, quotes, depth updates, the resulting book, fills"},
    {"query", "print events, one a line, in the order in which the engine consumed them"},
    {"csv", "print events as comma-separated values, one row an event (one row a level of a book)"},
    {"config", "print the config of a run, as it was"},
    {"verify", "check every block and the order of events, of all runs or of --run"},
    {.name = "runs", .instead = "list"},
    {.name = "facts", .instead = "summary"},
    {0},
};

static const struct pw_cli_command g_command = {
    .verb = "journal",
    .description = "Reads the journal of an engine, also while the engine writes it.\n"
                   "The first column of query and csv, `journal_seq` in JSON, is the number of market events "
                   "before this one; for a market event it is its own number.",
    .arguments = PW_CLI_VALUES(JOURNAL_ARGUMENT("JOURNAL", struct arguments, journal)),
    .subverbs = g_commands,
    .subverb_field = PW_CLI_AT(struct arguments, command, uint32_t),
    .subverb_initial = "list",
    .options = PW_CLI_VALUES(
        {.name = "run",
         .value = "ID",
         .help = "the run; by default, and for 0, the last",
         PW_CLI_COUNT(struct arguments, session.query.run_id),
         PW_CLI_GIVEN(struct arguments, session.run_given)},
        {.name = "from",
         .value = "TIME",
         .help = "only what was received at TIME or later",
         PW_CLI_TIME(struct arguments, session.query.from_ns)},
        {.name = "to",
         .value = "TIME",
         .help = "only what was received before TIME",
         PW_CLI_TIME(struct arguments, session.query.to_ns)},
        {.name = "kind",
         .value = "KINDS",
         .help = "only these, separated by commas",
         .choice = kind_name,
         PW_CLI_LIST(struct arguments, session.query.kinds)},
        {.name = "symbol",
         .value = "SYMBOL",
         .help = "only this instrument",
         PW_CLI_TEXT(struct arguments, symbol)},
        PW_WATCH_TIME_FORM(struct arguments, session.iso_times, "query csv"),
        {.name = "limit",
         .value = "N",
         .help = "at most N events",
         .commands = "query csv",
         PW_CLI_COUNT(struct arguments, session.limit)},
        {.name = "frames",
         .help = "raw messages instead of events, where recorded: of order entry, and with raw_frames all",
         .commands = "query",
         PW_CLI_FLAG(struct arguments, session.frames)},
        {.name = "cash",
         .value = "AMOUNT",
         .help = "cash at the start, instead of the run's config",
         .commands = "summary",
         PW_CLI_DECIMAL(struct arguments, session.cash)},
        {.name = "json",
         .commands = "list stats summary query verify",
         .help = "print JSON (query: one object a line); decimals, ids and nanoseconds are strings",
         PW_CLI_FLAG(struct arguments, session.json)}),
    .sections = PW_CLI_PAIRS({"time", PW_CLI_TIME_FORMS}),
    .environment = PW_CLI_PAIRS(PW_WATCH_ENVIRONMENT),
    .exits = PW_CLI_EXITS(
        {JOURNAL_OK, "good"}, {JOURNAL_FAILED, "no journal or no such run, or it cannot be read"},
        {JOURNAL_USAGE, "usage error, or several instances and none named"},
        {JOURNAL_DAMAGED, "read, but something in it is damaged or missing (details on stderr)"}),
    .examples = PW_CLI_PAIRS({"pinwheel journal demo", "list the runs of the engine 'demo'"},
                             {"pinwheel journal /var/lib/pinwheel query --kind fill --from -1h",
                              "print the fills of the last hour"}),
};

int main(int argc, char **argv)
{
    static struct arguments arguments;
    char path[JOURNAL_PATH_BYTES];
    int code = pw_cli_read(&g_command, argc, argv, &arguments);
    if (code != PW_CLI_GO) {
        return code;
    }
    code = journal_find(arguments.journal, path);
    if (code != JOURNAL_OK) {
        return code;
    }
    return journal_in_child(&arguments.session, &(struct journal_work){
                                                    .path = path,
                                                    .symbol = arguments.symbol,
                                                    .one_run = g_work[arguments.command].one_run,
                                                    .run = g_work[arguments.command].run,
                                                });
}
