/* SPDX-License-Identifier: MIT
 *
 * pinwheel journal csv: a row an event, a row each level of a book. The columns are the fields of the kinds
 * that were asked for, each name once; those that a kind does not have stay empty.
 */
#include "fields.h"
#include "journal_tool.h"
#include "pw_assert.h"
#include <inttypes.h>
#include <string.h>

#define COLUMNS_MAX 128u
#define KINDS       64u

/* Of the one run of this program. */
static struct {
    const struct pw_field *fields[COLUMNS_MAX]; /* the first one of each name */
    uint32_t cnt;
} columns;

/* Second levels have rows of their own. */
static bool has_column(const struct pw_field *field)
{
    return field->when != PW_FIELD_IF_PAIR;
}

static uint32_t column_of(const char *name)
{
    uint32_t i = 0;
    while (i < columns.cnt && strcmp(columns.fields[i]->name, name) != 0) {
        i++;
    }
    return i;
}

static void columns_fill(uint64_t kinds)
{
    for (uint32_t kind = 0; kind < KINDS; kind++) {
        struct pw_field_list list = pw_event_fields(kind);
        for (uint32_t i = 0; i < list.cnt && (kinds >> kind & 1); i++) {
            const char *name = list.fields[i].name;
            if (has_column(&list.fields[i]) && column_of(name) == columns.cnt && columns.cnt < COLUMNS_MAX) {
                columns.fields[columns.cnt++] = &list.fields[i];
            }
        }
    }
}

/* Text from outside may have anything in it: RFC 4180's quotes where they are needed. */
static void print_value(const char *value)
{
    if (strpbrk(value, ",\"\r\n") == NULL) {
        printf(",%s", value);
        return;
    }
    fputs(",\"", stdout);
    for (; *value; value++) {
        printf(*value == '"' ? "\"\"" : "%c", *value);
    }
    putchar('"');
}

static void print_head(const struct journal_session *session, const struct pw_journal_record *record,
                       const struct pw_event *event)
{
    char line[128];
    struct pw_text text = pw_text_start(line, sizeof line);
    text.iso_times = session->iso_times;
    pw_text_put(&text, "%" PRIu64 ",", record->market_seq);
    pw_text_put_time(&text, event->recv_ns);
    pw_text_put(&text, ",");
    pw_text_put_time(&text, event->venue_ns);
    pw_text_put(&text, ",%s", pw_event_kind_name(event->kind));
    fputs(line, stdout);
}

static void put_strategy(struct pw_text *text, const struct journal_session *session,
                         const struct pw_event *fill)
{
    uint32_t strategy_idx;
    pw_assert(fill->kind == PW_EVENT_FILL);
    if (journal_strategy_of(session, fill->body.fill.client_order_id, &strategy_idx)) {
        pw_text_put(text, "%" PRIu32, strategy_idx);
    }
}

static void print_row(const struct journal_session *session, const struct pw_journal_record *record,
                      const struct pw_event *event)
{
    const struct pw_field *fields[COLUMNS_MAX] = {NULL};
    struct pw_field_list list = pw_event_fields(event->kind);
    const char *symbol = journal_symbol(session, event->instrument_idx);
    const struct pw_instrument *instrument = journal_instrument(session, event->instrument_idx);
    for (uint32_t i = 0; i < list.cnt; i++) {
        uint32_t column = column_of(list.fields[i].name);
        bool is_of_order = list.fields[i].type == PW_FIELD_OF_ORDER;
        if (column < columns.cnt && (is_of_order || pw_field_present(&list.fields[i], event))) {
            fields[column] = &list.fields[i];
        }
    }
    print_head(session, record, event);
    print_value(symbol ? symbol : "");
    for (uint32_t i = 0; i < columns.cnt; i++) {
        char value[6 * PW_ASSET_BYTES] = ""; /* the longest text, each byte escaped */
        struct pw_text text = pw_text_start(value, sizeof value);
        text.iso_times = session->iso_times;
        if (fields[i] != NULL && fields[i]->type == PW_FIELD_OF_ORDER) {
            put_strategy(&text, session, event);
        } else if (fields[i] != NULL) {
            pw_field_put(&text, fields[i], event, instrument);
        }
        print_value(value);
    }
    putchar('\n');
}

static void print_csv(const struct journal_session *session, const struct pw_journal_record *record)
{
    print_row(session, record, &record->event);
    if (record->event.kind == PW_EVENT_LEVELS && record->event.flags & PW_FLAG_PAIR) {
        struct pw_event second = record->event;
        second.body.levels.level[0] = second.body.levels.level[1];
        print_row(session, record, &second);
    }
}

int journal_csv(struct journal_session *session)
{
    const uint64_t stored = (UINT64_C(1) << PW_EVENT_FRAME) - 1; /* frames are in blocks of their own */
    columns_fill(session->query.kinds ? session->query.kinds : stored);
    printf(session->iso_times ? "journal_seq,recv_time,venue_time,kind,symbol"
                              : "journal_seq,recv_ns,venue_ns,kind,symbol");
    for (uint32_t i = 0; i < columns.cnt; i++) {
        char name[64];
        struct pw_text text = pw_text_start(name, sizeof name);
        text.iso_times = session->iso_times;
        pw_field_put_name(&text, columns.fields[i]);
        print_value(name);
    }
    putchar('\n');
    return journal_for_each(session, print_csv);
}
