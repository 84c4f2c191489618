/* SPDX-License-Identifier: MIT
 *
 * Events as people and scripts read them: one line of text, or the members of a JSON object.
 */
#include "fields.h"
#include "text.h"
#include <pinwheel/event.h>
#include <string.h>

/* " key=value", flags " key". */
static void put_line(struct pw_text *text, const struct pw_field *field, const struct pw_event *event,
                     const struct pw_instrument *instrument)
{
    pw_text_put(text, " ");
    pw_field_put_name(text, field);
    if (!pw_field_is_flag(field)) {
        pw_text_put(text, "=");
        pw_field_put(text, field, event, instrument);
    }
}

static void put_member(struct pw_text *text, const struct pw_field *field, const struct pw_event *event,
                       const struct pw_instrument *instrument)
{
    const char *quote = pw_field_is_string(field, event) ? "\"" : "";
    pw_text_put(text, ",\"");
    pw_field_put_name(text, field);
    pw_text_put(text, "\":%s", quote);
    pw_field_put(text, field, event, instrument);
    pw_text_put(text, "%s", quote);
}

static void put_body(struct pw_text *text, const struct pw_event *event,
                     const struct pw_instrument *instrument,
                     void (*put)(struct pw_text *text, const struct pw_field *field,
                                 const struct pw_event *event, const struct pw_instrument *instrument))
{
    struct pw_field_list list = pw_event_fields(event->kind);
    for (uint32_t i = 0; i < list.cnt; i++) {
        if (pw_field_present(&list.fields[i], event)) {
            put(text, &list.fields[i], event, instrument);
        }
    }
}

int pw_event_print(const struct pw_event *event, const char *symbol, const struct pw_instrument *instrument,
                   char *buffer, int buffer_bytes)
{
    if (buffer_bytes <= 0) {
        return 0;
    }
    struct pw_text text = pw_text_start(buffer, (size_t)buffer_bytes);
    pw_event_put_line(&text, event, symbol, instrument);
    return (int)text.len;
}

void pw_event_put_line(struct pw_text *text, const struct pw_event *event, const char *symbol,
                       const struct pw_instrument *instrument)
{
    pw_text_put(text, "%u %s ", event->seq, pw_event_kind_name(event->kind));
    if (symbol != NULL) {
        pw_text_put_escaped(text, symbol, strlen(symbol));
    } else if (event->instrument_idx == PW_NO_INSTRUMENT) {
        pw_text_put(text, "-");
    } else {
        pw_text_put(text, "#%u", event->instrument_idx);
    }
    const char *unit = text->iso_times ? "time" : "ns";
    pw_text_put(text, " recv_%s=", unit);
    pw_text_put_time(text, event->recv_ns);
    pw_text_put(text, " venue_%s=", unit);
    pw_text_put_time(text, event->venue_ns);
    put_body(text, event, instrument, put_line);
}

void pw_event_put_json(struct pw_text *text, const struct pw_event *event, const char *symbol,
                       const struct pw_instrument *instrument)
{
    pw_text_put(text, "\"seq\":%u,\"kind\":\"%s\"", event->seq, pw_event_kind_name(event->kind));
    if (symbol != NULL) {
        pw_text_put(text, ",\"symbol\":\"");
        pw_text_put_escaped(text, symbol, strlen(symbol));
        pw_text_put(text, "\"");
    }
    if (event->instrument_idx != PW_NO_INSTRUMENT) {
        pw_text_put(text, ",\"instrument_idx\":%u", event->instrument_idx);
    }
    const char *unit = text->iso_times ? "time" : "ns";
    pw_text_put(text, ",\"recv_%s\":\"", unit);
    pw_text_put_time(text, event->recv_ns);
    pw_text_put(text, "\",\"venue_%s\":\"", unit);
    pw_text_put_time(text, event->venue_ns);
    pw_text_put(text, "\"");
    put_body(text, event, instrument, put_member);
}
