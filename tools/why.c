/* SPDX-License-Identifier: MIT
 *
 * pinwheel why: explains one order from the journal alone. The command line.
 */
#include "why.h"
#include "cli.h"
#include "orders.h"
#include "watch.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct order_ref {
    uint64_t client_order_id;
    bool has_hash; /* it was given in the form of the venue */
    uint32_t instance_hash;
};

struct arguments {
    struct journal_session session;
    const char *journal;
    struct order_ref order;
    bool has_id, last;
    uint64_t slowest_cnt;
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

static bool read_order_id(const char *text, void *field)
{
    struct order_ref *order = field;
    struct pw_entry_client_id id;
    if (why_read_venue_id(text, &id)) {
        *order = (struct order_ref){id.client_order_id, true, id.instance_hash};
        return true;
    }
    if (strncmp(text, "0x", 2) == 0) {
        return read_hex(text + 2, &order->client_order_id);
    }
    return pw_cli_count_read(text, &order->client_order_id);
}

static const struct pw_cli_command g_command = {
    .verb = "why",
    .description =
        "Explains one order from the journal: the market event that caused it, each risk check with value "
        "and limit, the latency of each hop, the order's history, and the bytes sent and received.",
    .arguments =
        PW_CLI_VALUES(JOURNAL_ARGUMENT("INSTANCE", struct arguments, journal),
                      {.name = "ORDER_ID",
                       .unless = "last slowest",
                       .help = "the client order id: decimal, hexadecimal (0x...), or as at the venue, "
                               "pw-89abcdef-0123456789abcdef",
                       .read = read_order_id,
                       .expects = "an order id: decimal, 0x..., or pw-89abcdef-0123456789abcdef",
                       PW_CLI_CUSTOM(struct arguments, order),
                       PW_CLI_GIVEN(struct arguments, has_id)}),
    .options = PW_CLI_VALUES(
        {.name = "last",
         .help = "the newest order",
         .excludes = "slowest",
         PW_CLI_FLAG(struct arguments, last)},
        {.name = "slowest",
         .value = "N",
         .help = "list the N orders with the longest tick-to-trade latency",
         .min = 1,
         .max = 1000,
         PW_CLI_COUNT(struct arguments, slowest_cnt)},
        {.name = "run",
         .value = "ID",
         .help = "the run (default: the one in the order's id; with --last and --slowest the last run)",
         PW_CLI_COUNT(struct arguments, session.query.run_id),
         PW_CLI_GIVEN(struct arguments, session.run_given)},
        {.name = "pretty", .help = "indent messages in JSON", PW_CLI_FLAG(struct arguments, options.pretty)},
        {.name = "json",
         .help = "print one JSON object; decimals, ids and nanoseconds are strings",
         PW_CLI_FLAG(struct arguments, session.json)},
        {.name = "instance",
         .value = "NAME",
         .instead = "pinwheel why NAME ...",
         PW_CLI_TEXT(struct arguments, journal)},
        {.name = "journal",
         .value = "DIR",
         .instead = "pinwheel why DIR ...",
         PW_CLI_TEXT(struct arguments, journal)}),
    .environment = PW_CLI_PAIRS(PW_WATCH_ENVIRONMENT),
    .exits = PW_CLI_EXITS(
        {JOURNAL_OK, "explained"}, {JOURNAL_FAILED, "no such order, or no journal, or it cannot be read"},
        {JOURNAL_USAGE, "usage error, or several instances and none named"},
        {JOURNAL_DAMAGED,
         "explained, but something in the journal is damaged or missing (details on stderr)"}),
    .examples =
        PW_CLI_PAIRS({"pinwheel why --last", "explain the newest order of the only engine"},
                     {"pinwheel why demo --slowest 10", "list the slowest orders of the engine 'demo'"}),
};

/* ---- the story ---- */

static int report_absence(struct journal_session *session, uint64_t id)
{
    const char *pending =
        pw_journal_is_live(session->journal) ? "; the newest events are stored with the next commit" : "";
    if (id) {
        char venue_id[WHY_VENUE_ID_BYTES];
        pw_cli_error("run %" PRIu64 " has no order %" PRIu64 " (%s)%s", session->run.run_id, id,
                     why_venue_id(why_entry(session, PW_NO_INSTRUMENT), session, id, false, venue_id),
                     pending);
    } else {
        pw_cli_error("run %" PRIu64 " has no order%s", session->run.run_id, pending);
    }
    return session->damage_cnt ? JOURNAL_DAMAGED : JOURNAL_FAILED; /* it may be in what is missing */
}

static int explain(struct journal_session *session)
{
    if (arguments.slowest_cnt) {
        return why_slowest(session, arguments.slowest_cnt);
    }
    if (arguments.order.has_hash &&
        arguments.order.instance_hash != pw_entry_instance_hash(session->run.instance)) {
        pw_cli_error("the order belongs to another engine than '%s', whose journal this is",
                     session->run.instance);
        return JOURNAL_FAILED;
    }
    struct why_story story = {.client_order_id =
                                  arguments.last ? why_newest(session) : arguments.order.client_order_id};
    if (story.client_order_id == 0) {
        return report_absence(session, 0);
    }
    int code = JOURNAL_FAILED;
    if (!why_gather(session, &story)) {
        pw_cli_error("cannot read the journal: %s", strerror(errno));
    } else if (!why_first(&story)) {
        report_absence(session, story.client_order_id);
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
    char path[JOURNAL_PATH_BYTES];
    struct journal_session *session = &arguments.session;
    int code = pw_cli_read(&g_command, argc, argv, &arguments);
    if (code != PW_CLI_GO) {
        return code;
    }
    if (arguments.has_id && !session->run_given) {
        session->query.run_id = pw_order_id_run(arguments.order.client_order_id);
        session->run_given = true;
    }
    code = journal_find(arguments.journal, path);
    if (code != JOURNAL_OK) {
        return code;
    }
    return journal_in_child(session, &(struct journal_work){.path = path, .one_run = true, .run = explain});
}
