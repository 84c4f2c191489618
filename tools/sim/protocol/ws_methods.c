/* SPDX-License-Identifier: MIT
 *
 * The grammar of control messages and its errors: see ws_methods.h.
 */
#include "ws_methods.h"

#include "json_fields.h"
#include "walk.h"

#include <stdio.h>
#include <string.h>

struct request {
    struct pw_sim_hub *hub;
    struct pw_sim_subscriber *subscriber;
    struct pw_slice message, method, params, id; /* size 0: not there; values as written */
    struct pw_buffer *reply;
};

/* The id goes back as it was written, whatever number it is: so the envelope is not a tree. */
static void reply_id(const struct request *request)
{
    pw_buffer_string(request->reply, ",\"id\":");
    if (request->id.size) {
        pw_buffer_slice(request->reply, request->id);
    } else {
        pw_buffer_string(request->reply, "null");
    }
    pw_buffer_string(request->reply, "}");
}

static void reply_error(const struct request *request, int code, const char *text)
{
    pw_buffer_clear(request->reply);
    pw_buffer_string(request->reply, "{\"error\":");
    pw_sim_json_write(PW_SIM_OBJECT(pw_sim_int("code", code), pw_sim_text("msg", text)), request->reply);
    reply_id(request);
}

/* `at` is the byte that cannot be, or the last one before what is missing: line and column as serde counts
 * them. */
static void reply_error_at(const struct request *request, int code, const char *text, const char *at)
{
    char line[300];
    unsigned row = 1, column = 1;

    for (const char *c = request->message.text; c < at; c++) {
        column = *c == '\n' ? 1 : column + 1;
        row += *c == '\n';
    }
    snprintf(line, sizeof line, "%s at line %u column %u", text, row, column);
    reply_error(request, code, line);
}

static void reply_result(const struct request *request, json_t *result)
{
    pw_buffer_clear(request->reply);
    pw_buffer_string(request->reply, "{\"result\":");
    pw_sim_json_write(result, request->reply);
    reply_id(request);
}

/* A stream's name in a params list. Names need no escapes, but clients may write them with some. */
static bool stream_name(struct pw_slice value, char name[PW_SIM_STREAM_BYTES], struct pw_slice *slice)
{
    size_t size;

    if (!pw_sim_walk_text(value, name, PW_SIM_STREAM_BYTES, &size)) {
        return false;
    }
    *slice = (struct pw_slice){name, size};
    return pw_sim_stream_name_ok(*slice);
}

/* All or nothing: the names are judged before the first is used. */
static bool streams_ok(const struct request *request)
{
    char name[PW_SIM_STREAM_BYTES];
    struct pw_slice slice;
    struct pw_sim_walk walk;
    uint32_t cnt = 0;

    if (!request->params.size || !pw_sim_walk_begin(&walk, request->params) || walk.object) {
        reply_error(request, 2, "Invalid request: missing field `params`");
        return false;
    }
    for (; pw_sim_walk_next(&walk); cnt++) {
        if (!stream_name(walk.value, name, &slice)) {
            reply_error(request, 2, "Invalid request: invalid stream");
            return false;
        }
    }
    if (cnt > PW_SIM_SUBSCRIBES_MAX) {
        reply_error(request, 2, "Invalid request: too many parameters");
        return false;
    }
    return true;
}

/* Does so with each of the names, until it fails. */
static void streams_use(const struct request *request,
                        int (*use)(struct pw_sim_hub *hub, struct pw_sim_subscriber *subscriber,
                                   struct pw_slice name))
{
    char name[PW_SIM_STREAM_BYTES];
    struct pw_slice slice;
    struct pw_sim_walk walk;

    if (!streams_ok(request)) {
        return;
    }
    reply_result(request, json_null());
    pw_sim_walk_begin(&walk, request->params);
    while (pw_sim_walk_next(&walk)) {
        stream_name(walk.value, name, &slice);
        if (use(request->hub, request->subscriber, slice) != 0) {
            reply_error(request, 2, "Invalid request: too many parameters");
            return;
        }
    }
}

static void do_subscribe(const struct request *request)
{
    streams_use(request, pw_sim_hub_subscribe);
}

static void do_unsubscribe(const struct request *request)
{
    streams_use(request, pw_sim_hub_unsubscribe);
}

static void do_list(const struct request *request)
{
    const struct pw_sim_subscriber *subscriber = request->subscriber;
    json_t *names = json_array();

    for (uint32_t i = 0; i < subscriber->stream_cnt; i++) {
        const struct pw_sim_stream *stream = pw_sim_hub_stream(request->hub, subscriber->streams[i]);
        names = pw_sim_append(names, json_stringn(stream->name, stream->name_bytes));
    }
    reply_result(request, names);
}

/* The property's name and, if `value` is given, its value; false after an error. */
static bool property_parse(const struct request *request, struct pw_slice *value)
{
    struct pw_slice name = {0}, items[3] = {0};
    struct pw_sim_walk walk;
    uint32_t cnt = 0;

    if (request->params.size && pw_sim_walk_begin(&walk, request->params) && !walk.object) {
        while (cnt < 3 && pw_sim_walk_next(&walk)) {
            items[cnt++] = walk.value;
        }
    }
    if (!cnt || !pw_sim_walk_inside(items[0], &name)) {
        reply_error(request, 2, "Invalid request: property name must be a string");
        return false;
    }
    if (cnt > (value ? 2u : 1u)) {
        reply_error(request, 2, "Invalid request: too many parameters");
        return false;
    }
    if (!pw_slice_equal(name, "combined")) {
        reply_error(request, 0, "Unknown property");
        return false;
    }
    if (value) {
        *value = items[1];
    }
    return true;
}

static void do_set_property(const struct request *request)
{
    struct pw_slice value;

    if (!property_parse(request, &value)) {
        return;
    }
    if (!pw_slice_equal(value, "true") && !pw_slice_equal(value, "false")) {
        reply_error(request, 1, "Invalid value type: expected Boolean");
        return;
    }
    request->subscriber->combined = pw_slice_equal(value, "true");
    reply_result(request, json_null());
}

static void do_get_property(const struct request *request)
{
    if (property_parse(request, NULL)) {
        reply_result(request, json_boolean(request->subscriber->combined));
    }
}

bool pw_sim_request_id_ok(struct pw_slice id)
{
    struct pw_slice inside;
    int64_t number;

    if (pw_slice_equal(id, "null") || pw_sim_walk_int(id, &number)) {
        return true;
    }
    return pw_sim_walk_inside(id, &inside) && inside.size <= 36;
}

static bool request_parse(struct request *request)
{
    struct pw_sim_walk walk;

    if (!pw_sim_walk_begin(&walk, request->message) || !walk.object) {
        reply_error_at(request, 2, "Invalid request: missing field `method`",
                       request->message.text + request->message.size - 1);
        return false;
    }
    while (pw_sim_walk_next(&walk)) {
        if (pw_slice_equal(walk.key, "method")) {
            request->method = walk.value;
        } else if (pw_slice_equal(walk.key, "params")) {
            request->params = walk.value;
        } else if (pw_slice_equal(walk.key, "id")) {
            request->id = walk.value;
        }
    }
    if (request->id.size && !pw_sim_request_id_ok(request->id)) {
        request->id.size = 0;
        reply_error(request, 2, "Invalid request: request ID must be an unsigned integer");
        return false;
    }
    if (!request->method.size) {
        reply_error_at(request, 2, "Invalid request: missing field `method`",
                       request->message.text + request->message.size - 1);
        return false;
    }
    return true;
}

static void request_do(struct request *request)
{
    static const struct {
        const char *name;
        void (*act)(const struct request *request);
    } methods[] = {{"SUBSCRIBE", do_subscribe},
                   {"UNSUBSCRIBE", do_unsubscribe},
                   {"LIST_SUBSCRIPTIONS", do_list},
                   {"SET_PROPERTY", do_set_property},
                   {"GET_PROPERTY", do_get_property}};
    struct pw_slice method = {0};
    char text[256];

    pw_sim_walk_inside(request->method, &method);
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        if (pw_slice_equal(method, methods[i].name)) {
            methods[i].act(request);
            return;
        }
    }
    if (method.size > 64 || memchr(method.text ? method.text : "\\", '\\', method.size ? method.size : 1)) {
        method = (struct pw_slice){"?", 1}; /* not worth repeating */
    }
    snprintf(text, sizeof text,
             "Invalid request: unknown variant `%.*s`, expected one of `SUBSCRIBE`, `UNSUBSCRIBE`, "
             "`LIST_SUBSCRIPTIONS`, `SET_PROPERTY`, `GET_PROPERTY`",
             (int)method.size, method.text);
    reply_error_at(request, 2, text, request->method.text + request->method.size - 1);
}

void pw_sim_control_message(struct pw_sim_hub *hub, struct pw_sim_subscriber *subscriber,
                            struct pw_slice message, struct pw_buffer *reply)
{
    struct request request = {.hub = hub, .subscriber = subscriber, .message = message, .reply = reply};
    struct pw_json json;

    pw_json_init(&json, message.text, message.size);
    if (!pw_json_skip(&json) || !pw_json_done(&json)) {
        reply_error_at(&request, 3, "Invalid JSON: expected value", json.at);
    } else if (request_parse(&request)) {
        request_do(&request);
    }
}
