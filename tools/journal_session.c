/* SPDX-License-Identifier: MIT
 *
 * What the programs that read journals share: the child that reads, damage as it is met, numbers as text, the
 * run's config.
 *
 * LMDB can crash on a damaged page. So everything is read in a child process; the parent says where it
 * ended.
 */
#include "cli.h"
#include "confine.h"
#include "decimal.h"
#include "journal_tool.h"
#include "store.h"
#include "text.h"
#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <pinwheel/units.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <yaml.h>

/* ---- text ---- */

static const char *decimal_text(pw_i128 value, int decimals, int decimals_min)
{
    static char texts[16][PW_DECIMAL_TEXT_BYTES];
    static unsigned next;
    char *text = texts[next++ % 16];
    pw_decimal_print(value, decimals, decimals_min, text);
    return text;
}

const char *journal_fixed(pw_i128 value, int decimals)
{
    return decimal_text(value, decimals, decimals);
}

const char *journal_decimal(pw_i128 value, int decimals)
{
    return decimal_text(value, decimals, 0);
}

void journal_print_json(json_t *json)
{
    json_dumpf(json, stdout, JSON_INDENT(1) | JSON_ENSURE_ASCII);
    putchar('\n');
    json_decref(json);
}

const struct pw_instrument *journal_instrument(const struct journal_session *session, uint32_t instrument_idx)
{
    return instrument_idx < session->instrument_cnt ? &session->instruments[instrument_idx] : NULL;
}

const char *journal_symbol(const struct journal_session *session, uint32_t instrument_idx)
{
    static char texts[8][PW_INSTRUMENT_NAME_BYTES];
    static unsigned next;
    return pw_instrument_name(session->instruments, session->instrument_cnt, instrument_idx,
                              texts[next++ % 8]);
}

const char *journal_time(int64_t ns)
{
    static char texts[2][40];
    static unsigned next;
    char *text = texts[next++ % 2];
    time_t s = (time_t)(ns / PW_NS_PER_S);
    struct tm tm;
    gmtime_r(&s, &tm);
    size_t len = strftime(text, 24, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text + len, 40 - len, ".%03dZ", (int)(ns % PW_NS_PER_S / 1000000));
    return text;
}

/* ---- reading ---- */

int64_t journal_runs(const struct journal_session *session, struct pw_journal_run **runs)
{
    int64_t cnt = pw_journal_runs(session->journal, NULL, 0);
    *runs = calloc(cnt > 0 ? (size_t)cnt : 1, sizeof **runs);
    cnt = *runs ? pw_journal_runs(session->journal, *runs, (size_t)(cnt > 0 ? cnt : 0)) : -ENOMEM;
    if (cnt < 0) {
        pw_cli_error("cannot read the runs: %s", strerror((int)-cnt));
        free(*runs);
    }
    return cnt;
}

struct pw_journal_cursor *journal_cursor(const struct journal_session *session)
{
    struct pw_journal_cursor *cursor;
    int err = pw_journal_select(session->journal, &session->query, &cursor);
    if (err) {
        pw_cli_error("cannot read run %" PRIu64 ": %s", session->run.run_id, strerror(-err));
        return NULL;
    }
    return cursor;
}

static void report_damage(const struct pw_journal_record *record)
{
    char lost[96];
    if (record->lost_to_seq > record->market_seq) {
        snprintf(lost, sizeof lost, "%" PRIu64 " to %" PRIu64, record->market_seq, record->lost_to_seq - 1);
    } else {
        snprintf(lost, sizeof lost, "%" PRIu64 " and later, if any", record->market_seq);
    }
    pw_cli_error("damage: segment %" PRIu32 ", block %" PRIu64
                 ": %s; lost: market events %s, and decisions between them",
                 record->segment_no, record->block_no, record->why, lost);
}

static void report_finding(void *state, const struct pw_journal_finding *finding)
{
    struct journal_session *session = state;
    if (finding->kind == PW_JOURNAL_UNFINISHED) {
        pw_cli_warn("file %s: %s", finding->name, finding->why);
        session->unfinished_cnt++;
        return;
    }
    pw_cli_error("damage: file %s: %s", finding->name, finding->why);
    session->unlisted_cnt += finding->kind == PW_JOURNAL_UNLISTED;
    session->damage_cnt++;
}

/* A full disk costs what came after it filled, if it was full to the end; and decisions that found no room.
 */
static void report_loss(struct journal_session *session)
{
    const struct pw_journal_run *run = &session->run;
    const struct pw_journal_loss *lost = &run->lost;
    if (pw_journal_is_cut(run)) {
        pw_cli_error("damage: run %" PRIu64 "%s%s: missing %" PRIu64 " market events, %" PRIu64
                     " orders, %" PRIu64 " fills, %" PRIu64 " other events",
                     run->run_id, run->stopped_ns ? ": nothing was stored after " : "",
                     run->stopped_ns ? journal_time(run->stopped_ns) : "", lost->market_cnt, lost->order_cnt,
                     lost->fill_cnt, lost->other_cnt);
        session->damage_cnt++;
    }
}

void journal_put_loss(json_t *to, const struct pw_journal_run *run)
{
    const struct pw_journal_loss *lost = &run->lost;
    json_object_set_new(to, "stopped_ns", run->stopped_ns ? journal_json_ns(run->stopped_ns) : json_null());
    json_object_set_new(to, "lost",
                        json_pack("{s:I, s:I, s:I, s:I, s:I}", "dropped_cnt", (json_int_t)lost->dropped_cnt,
                                  "market_cnt", (json_int_t)lost->market_cnt, "order_cnt",
                                  (json_int_t)lost->order_cnt, "fill_cnt", (json_int_t)lost->fill_cnt,
                                  "other_cnt", (json_int_t)lost->other_cnt));
}

void journal_audit_run(struct journal_session *session)
{
    struct pw_journal_loss *lost = &session->run.lost;
    pw_journal_committed(session->journal, session->run.run_id, &session->committed);
    /* A run that was killed has in its last commit what its record may not have yet. */
    if (!session->run.ended_ns && lost->other_cnt < session->committed.skipped_cnt) {
        lost->other_cnt = session->committed.skipped_cnt;
    }
    report_loss(session);
    pw_journal_audit_run(session->journal, &session->run, report_finding, session);
}

void journal_audit_folder(struct journal_session *session)
{
    pw_journal_audit(session->journal, report_finding, session);
}

void journal_note_nothing(const struct journal_session *session)
{
    const struct pw_journal_run *run = &session->run;
    pw_cli_warn("nothing matches; run %" PRIu64 " was recorded from %s to %s", run->run_id,
                journal_time(run->started_ns),
                run->ended_ns ? journal_time(run->ended_ns) : "now or its end, which was not recorded");
}

/* Everything is read: is it all that was committed? Damage that was met explains what is missing. */
static void check_whole(struct journal_session *session, const struct pw_journal_cursor *cursor)
{
    struct pw_journal_usage usage;
    uint64_t committed_cnt =
        session->query.frames ? session->committed.frame_cnt : session->committed.event_cnt;
    pw_journal_cursor_usage(cursor, &usage);
    if (usage.damage_cnt == 0 && usage.event_cnt < committed_cnt) {
        pw_cli_error("damage: %" PRIu64 " of %" PRIu64 " %s that were committed are missing",
                     committed_cnt - usage.event_cnt, committed_cnt,
                     session->query.frames ? "frames" : "events");
        session->damage_cnt++;
    }
}

bool journal_read(struct journal_session *session, struct pw_journal_cursor *cursor,
                  struct pw_journal_record *record)
{
    int item;
    while ((item = pw_journal_next(cursor, record)) == PW_JOURNAL_DAMAGE) {
        report_damage(record);
        session->damage_cnt++;
    }
    if (item == PW_JOURNAL_END) {
        check_whole(session, cursor);
    }
    session->progress->segment_no = record->segment_no;
    session->progress->block_no = record->block_no;
    return item == PW_JOURNAL_EVENT;
}

/* ---- the run's config ---- */

char *journal_config_text(struct journal_session *session, size_t *bytes)
{
    int64_t size = pw_journal_config(session->journal, session->run.run_id, NULL, 0);
    char *text = size >= 0 ? malloc((size_t)size + 1) : NULL;
    if (text && pw_journal_config(session->journal, session->run.run_id, text, (size_t)size + 1) != size) {
        free(text);
        return NULL;
    }
    *bytes = text ? (size_t)size : 0;
    return text;
}

/* A step of a path: the value of a key in a mapping, an item of a list by its number; NULL: there is none. */
static yaml_node_t *step(yaml_document_t *document, const yaml_node_t *node, const char *name, size_t len)
{
    if (node && node->type == YAML_SEQUENCE_NODE) {
        long item = strtol(name, NULL, 10);
        long cnt = node->data.sequence.items.top - node->data.sequence.items.start;
        return item < cnt ? yaml_document_get_node(document, node->data.sequence.items.start[item]) : NULL;
    }
    if (!node || node->type != YAML_MAPPING_NODE) {
        return NULL;
    }
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top;
         pair++) {
        const yaml_node_t *key = yaml_document_get_node(document, pair->key);
        if (key->type == YAML_SCALAR_NODE && key->data.scalar.length == len &&
            memcmp(key->data.scalar.value, name, len) == 0) {
            return yaml_document_get_node(document, pair->value);
        }
    }
    return NULL;
}

static void take_word(const yaml_node_t *node, char *word, size_t word_bytes)
{
    if (node && node->type == YAML_SCALAR_NODE) {
        snprintf(word, word_bytes, "%s", (const char *)node->data.scalar.value);
    } else if (node && node->type == YAML_SEQUENCE_NODE) {
        snprintf(word, word_bytes, "%td", node->data.sequence.items.top - node->data.sequence.items.start);
    }
}

/* Of the text, which the document does not need any more. */
static bool load_document(yaml_document_t *document, const char *text, size_t bytes)
{
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser)) {
        return false;
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, bytes);
    bool loaded = yaml_parser_load(&parser, document) != 0;
    yaml_parser_delete(&parser);
    return loaded;
}

/* The run's config, read when it is first asked for; NULL: it cannot be read. */
static yaml_document_t *config_document(struct journal_session *session)
{
    struct journal_config *config = &session->config;
    if (!config->is_read) {
        size_t bytes;
        char *text = journal_config_text(session, &bytes);
        config->is_read = true;
        config->is_good = text && load_document(&config->document, text, bytes);
        free(text);
    }
    return config->is_good ? &config->document : NULL;
}

static void free_config(struct journal_config *config)
{
    if (config->is_good) {
        yaml_document_delete(&config->document);
    }
    *config = (struct journal_config){.is_read = false};
}

void journal_config_forget(struct journal_session *session)
{
    free_config(&session->config);
}

void journal_config_word(struct journal_session *session, const char *path, char *word, size_t word_bytes)
{
    yaml_document_t *document = config_document(session);
    const yaml_node_t *node = document ? yaml_document_get_root_node(document) : NULL;
    word[0] = 0;
    for (size_t len; *path && node; path += len + (path[len] == '/')) {
        len = strcspn(path, "/");
        node = step(document, node, path, len);
    }
    take_word(node, word, word_bytes);
}

static uint32_t list_cnt(struct journal_session *session, const char *path)
{
    char word[16];
    uint64_t cnt = 0;
    journal_config_word(session, path, word, sizeof word);
    return pw_cli_count_read(word, &cnt) ? (uint32_t)cnt : 0;
}

uint32_t journal_feed_cnt(struct journal_session *session)
{
    return list_cnt(session, "feeds");
}

uint32_t journal_account_cnt(struct journal_session *session)
{
    return list_cnt(session, "accounts");
}

/* Does the account have that feed? */
static bool has_feed(struct journal_session *session, uint32_t account_idx, const char *feed)
{
    char path[64], word[PW_STAGE_NAME_BYTES];
    for (uint32_t i = 0; i < PW_FEEDS_MAX; i++) {
        snprintf(path, sizeof path, "accounts/%u/feeds/%u", account_idx, i);
        journal_config_word(session, path, word, sizeof word);
        if (!word[0] || strcmp(word, feed) == 0) {
            return word[0];
        }
    }
    return false;
}

void journal_gateway(struct journal_session *session, uint16_t instrument_idx, char *word, size_t word_bytes)
{
    char path[64] = "gateway";
    const char *feed =
        instrument_idx < session->instrument_cnt ? session->instruments[instrument_idx].feed : "";
    uint32_t cnt = journal_account_cnt(session);
    for (uint32_t i = 0; i < cnt; i++) {
        if (has_feed(session, i, feed)) {
            snprintf(path, sizeof path, "accounts/%u/gateway", i);
        }
    }
    journal_config_word(session, path, word, word_bytes);
    if (!word[0]) {
        snprintf(word, word_bytes, "paper"); /* as the engine takes it */
    }
}

/* ---- the two processes ---- */

/* The names that there are also tell when a symbol needs its feed. */
static void symbol_unknown(const struct journal_session *session, const char *symbol)
{
    char names[512];
    struct pw_text text = pw_text_start(names, sizeof names);
    for (uint32_t i = 0; i < session->instrument_cnt; i++) {
        pw_text_put(&text, " %s", journal_symbol(session, i));
    }
    pw_cli_error("run %" PRIu64 " has no instrument '%s'; its instruments:%s", session->run.run_id, symbol,
                 names);
}

static int find_run(struct journal_session *session, const char *symbol)
{
    int err = pw_journal_run(session->journal, session->query.run_id, &session->run);
    if (err) {
        if (session->query.run_id) {
            pw_cli_error("no run %" PRIu64 " in this journal", session->query.run_id);
        } else {
            pw_cli_error("the journal has no run yet");
        }
        return JOURNAL_FAILED;
    }
    session->query.run_id = session->progress->run_id = session->run.run_id;
    int64_t cnt = pw_journal_instruments(session->journal, session->run.run_id, session->instruments,
                                         PW_INSTRUMENTS_MAX);
    session->instrument_cnt = cnt < 0 ? 0 : cnt > PW_INSTRUMENTS_MAX ? PW_INSTRUMENTS_MAX : (uint32_t)cnt;
    if (symbol) {
        session->query.instrument_idx =
            pw_instrument_find(session->instruments, session->instrument_cnt, symbol);
        session->query.one_instrument = session->query.instrument_idx != PW_NO_INSTRUMENT;
    }
    if (symbol && !session->query.one_instrument) {
        symbol_unknown(session, symbol);
        return JOURNAL_FAILED;
    }
    return JOURNAL_OK;
}

static int work(struct journal_session *session, const struct journal_work *want)
{
    char error[512];
    if (pw_journal_open(&session->journal, want->path, error, sizeof error) != 0) {
        pw_cli_error("%s", error);
        return JOURNAL_FAILED;
    }
    int code =
        want->one_run || session->run_given || want->symbol ? find_run(session, want->symbol) : JOURNAL_OK;
    if (code == JOURNAL_OK && want->one_run) {
        journal_audit_run(session);
    }
    if (code == JOURNAL_OK) {
        code = want->run(session);
    }
    code = code == JOURNAL_OK && session->damage_cnt > 0 ? JOURNAL_DAMAGED : code;
    if (code == JOURNAL_OK && pw_journal_runs(session->journal, NULL, 0) == 0) {
        pw_cli_error("%s: no run of an engine here; is this a journal's folder?", want->path);
        code = JOURNAL_FAILED;
    }
    free_config(&session->config);
    pw_journal_close(session->journal);
    return code;
}

/* What the reading of a damaged file may end with. */
static int exit_code_of(int status, const struct journal_progress *progress)
{
    if (WIFEXITED(status)) {
        return WEXITSTATUS(status);
    }
    if (WTERMSIG(status) == SIGPIPE) {
        return 128 + SIGPIPE; /* nobody listens any more, as in `| head` */
    }
    pw_cli_error("damage: reading ended by %s: run %" PRIu64 ", segment %" PRIu32 ", after block %" PRIu64
                 ": a page outside of the blocks is damaged, or the file is cut short",
                 strsignal(WTERMSIG(status)), progress->run_id, progress->segment_no, progress->block_no);
    return JOURNAL_DAMAGED;
}

/* Without capabilities root may not read another user's files: then that user reads them, and has the lock
 * files that are made. Where this is not possible either (some containers) opening them fails, and says so.
 */
static void become_owner(const char *folder)
{
    char table[PW_JOURNAL_PATH_BYTES];
    struct stat facts;
    snprintf(table, sizeof table, "%s/" PW_JOURNAL_RUNS_FILE, folder);
    bool found = stat(table, &facts) == 0 || stat(folder, &facts) == 0;
    if (geteuid() == 0 && found && facts.st_uid != 0) {
        bool done = setgroups(0, NULL) == 0 && setgid(facts.st_gid) == 0 && setuid(facts.st_uid) == 0;
        (void)done;
    }
}

int journal_in_child(struct journal_session *session, const struct journal_work *want)
{
    session->progress =
        mmap(NULL, sizeof *session->progress, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t child = session->progress == MAP_FAILED ? -1 : fork();
    if (child < 0) {
        pw_cli_error("cannot start the reading process: %s", strerror(errno));
        return JOURNAL_FAILED;
    }
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        setrlimit(RLIMIT_CORE, &(struct rlimit){0});
        become_owner(want->path);
        /* What is read may be anybody's. */
        pw_confine(PW_CONFINE_FILES, &(struct pw_confine_path){want->path, PW_CONFINE_LOCK}, 1, NULL);
        exit(work(session, want));
    }
    int status;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return exit_code_of(status, session->progress);
}
