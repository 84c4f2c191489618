/* SPDX-License-Identifier: MIT
 *
 * See simdjson_baseline.h.
 */
#include "simdjson_baseline.h"
#include <new>
#include <simdjson.h>
#include <string>

using namespace simdjson;

struct simdjson_reader {
    ondemand::parser parser;
};

struct simdjson_reader *simdjson_reader_new(void)
{
    return new (std::nothrow) simdjson_reader;
}

void simdjson_reader_free(struct simdjson_reader *reader)
{
    delete reader;
}

const char *simdjson_reader_about(void)
{
    static const std::string about =
        SIMDJSON_STRINGIFY(SIMDJSON_VERSION) ", " + get_active_implementation()->name();
    return about.c_str();
}

static error_code side_read(ondemand::value value, struct simdjson_message *message, int side)
{
    ondemand::array levels;
    uint32_t cnt = 0;
    error_code error = value.get_array().get(levels);
    if (error) {
        return error;
    }
    for (auto level : levels) {
        ondemand::array pair;
        if ((error = level.get_array().get(pair))) {
            return error;
        }
        if (cnt == SIMDJSON_LEVELS_MAX) {
            return CAPACITY;
        }
        double *to = message->levels[side][cnt++];
        for (auto number : pair) {
            if ((error = number.get_double_in_string().get(*to++))) {
                return error;
            }
        }
    }
    message->level_cnt[side] = cnt;
    return SUCCESS;
}

/* A number in a text, or the levels of a side. */
static error_code price_read(ondemand::value value, struct simdjson_message *message, int side)
{
    ondemand::json_type type;
    error_code error = value.type().get(type);
    if (error) {
        return error;
    }
    return type == ondemand::json_type::array ? side_read(value, message, side)
           : type == ondemand::json_type::string
               ? value.get_double_in_string().get(side == 0 ? message->bid : message->ask)
               : SUCCESS;
}

static error_code field_read(ondemand::field &field, struct simdjson_message *message)
{
    ondemand::value value = field.value();
    std::string_view symbol;
    bool sell = false;
    error_code error;
    if (field.key().raw()[1] != '"') {
        return SUCCESS; /* "pu", "ps": not needed */
    }
    switch (field.key().raw()[0]) {
    case 'U':
        return value.get_uint64().get(message->first_id);
    case 'u':
    case 't':
        return value.get_uint64().get(message->last_id);
    case 'E':
        return value.get_uint64().get(message->venue_ms);
    case 'T':
        return value.get_uint64().get(message->trade_ms);
    case 'b':
        return price_read(value, message, 0);
    case 'a':
        return price_read(value, message, 1);
    case 'p':
        return value.get_double_in_string().get(message->bid);
    case 'B':
    case 'q':
        return value.get_double_in_string().get(message->bid_qty);
    case 'A':
        return value.get_double_in_string().get(message->ask_qty);
    case 's':
        error = value.get_string().get(symbol);
        message->symbol = symbol.data();
        message->symbol_bytes = symbol.size();
        return error;
    case 'm':
        error = value.get_bool().get(sell);
        message->sell = sell;
        return error;
    default:
        return SUCCESS;
    }
}

int simdjson_read(struct simdjson_reader *reader, const char *json, size_t bytes,
                  struct simdjson_message *message)
{
    ondemand::document document;
    ondemand::object payload;
    message->venue_ms = message->trade_ms = 0;
    error_code error = reader->parser.iterate(json, bytes, bytes + SIMDJSON_PADDING).get(document);
    if (error) {
        return error;
    }
    bool wrapped = bytes > 10 && json[2] == 's' && json[3] == 't'; /* {"stream": */
    error =
        wrapped ? document.find_field("data").get_object().get(payload) : document.get_object().get(payload);
    if (error) {
        return error;
    }
    for (auto item : payload) {
        ondemand::field field;
        if ((error = std::move(item).get(field)) || (error = field_read(field, message))) {
            return error;
        }
    }
    return 0;
}
