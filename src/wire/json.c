/* SPDX-License-Identifier: MIT
 *
 * The JSON cursor.
 */
#include "json.h"

#include "swar.h"
#include "websocket.h"
#include <string.h>

void pw_json_init(struct pw_json *json, const char *data, size_t size)
{
    *json = (struct pw_json){.at = data, .end = data + size};
}

static void pass_blanks(struct pw_json *json)
{
    while (json->at < json->end &&
           (*json->at == ' ' || *json->at == '\n' || *json->at == '\r' || *json->at == '\t')) {
        json->at++;
    }
}

/* The next byte after blanks, or 0 (which begins nothing) at the end. */
static char next_byte(struct pw_json *json)
{
    pass_blanks(json);
    return json->at < json->end ? *json->at : '\0';
}

static bool take_byte(struct pw_json *json, char byte)
{
    if (next_byte(json) != byte) {
        return false;
    }
    json->at++;
    return true;
}

enum pw_json_type pw_json_peek(struct pw_json *json)
{
    switch (next_byte(json)) {
    case '{':
        return PW_JSON_OBJECT;
    case '[':
        return PW_JSON_ARRAY;
    case '"':
        return PW_JSON_STRING;
    case 't':
        return PW_JSON_TRUE;
    case 'f':
        return PW_JSON_FALSE;
    case 'n':
        return PW_JSON_NULL;
    case '-':
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9':
        return PW_JSON_NUMBER;
    default:
        return PW_JSON_NOTHING;
    }
}

/* ---- containers ---- */

static bool enter(struct pw_json *json, char bracket)
{
    if (!take_byte(json, bracket) || json->depth == PW_JSON_DEPTH_MAX) {
        return false;
    }
    json->depth++;
    json->after_value = false;
    return true;
}

bool pw_json_object_enter(struct pw_json *json)
{
    return enter(json, '{');
}

bool pw_json_array_enter(struct pw_json *json)
{
    return enter(json, '[');
}

/* Passes the closing bracket, or the comma that must stand between two values. */
static enum pw_json_step next_element(struct pw_json *json, char bracket)
{
    if (next_byte(json) == bracket) {
        json->at++;
        json->depth--;
        json->after_value = true;
        return PW_JSON_END;
    }
    if (json->after_value && !take_byte(json, ',')) {
        return PW_JSON_INVALID;
    }
    json->after_value = false;
    return PW_JSON_VALUE;
}

enum pw_json_step pw_json_member_next(struct pw_json *json, struct pw_json_text *key)
{
    enum pw_json_step step = next_element(json, '}');
    if (step != PW_JSON_VALUE) {
        return step;
    }
    if (!pw_json_string(json, key) || !take_byte(json, ':')) {
        return PW_JSON_INVALID;
    }
    json->after_value = false;
    return PW_JSON_VALUE;
}

enum pw_json_step pw_json_item_next(struct pw_json *json)
{
    return next_element(json, ']');
}

/* ---- strings ---- */

static int hex_value(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* The four hex digits after \u; -1 if they are not there. */
static int32_t read_hex4(const char *at, const char *end)
{
    if (end - at < 4) {
        return -1;
    }
    int32_t value = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex_value(at[i]);
        if (digit < 0) {
            return -1;
        }
        value = value << 4 | digit;
    }
    return value;
}

/* Reads the escape at `at` (a backslash): its character in *code, its length returned; 0 if it is wrong. */
static size_t read_escape(const char *at, const char *end, uint32_t *code)
{
    static const char names[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    if (end - at < 2) {
        return 0;
    }
    if (at[1] != 'u') {
        const char *name = memchr(names, at[1], sizeof names - 1);
        if (name == NULL) {
            return 0;
        }
        *code = (uint8_t)meanings[name - names];
        return 2;
    }
    int32_t high = read_hex4(at + 2, end);
    if (high < 0 || (high >= 0xdc00 && high <= 0xdfff)) {
        return 0;
    }
    if (high < 0xd800 || high > 0xdbff) {
        *code = (uint32_t)high;
        return 6;
    }
    int32_t low = end - at >= 12 && at[6] == '\\' && at[7] == 'u' ? read_hex4(at + 8, end) : -1;
    if (low < 0xdc00 || low > 0xdfff) {
        return 0;
    }
    *code = 0x10000 + (((uint32_t)high & 0x3ff) << 10) + ((uint32_t)low & 0x3ff);
    return 12;
}

/* The first byte at or after `at` that is not plain: see pw_swar_string_stops. */
static const char *plain_end(const char *at, const char *end)
{
    for (; end - at >= 8; at += 8) {
        uint64_t stops = pw_swar_string_stops(pw_swar_load(at));
        if (stops != 0) {
            return at + pw_swar_first(stops);
        }
    }
    while (at < end && *at != '"' && *at != '\\' && (uint8_t)*at >= 0x20 && (uint8_t)*at < 0x80) {
        at++;
    }
    return at;
}

/* The bytes of one character beyond ASCII; 0 if they are not valid UTF-8. */
static size_t utf8_bytes(const char *at, const char *end)
{
    uint32_t state = 0;
    for (size_t i = 0; i < 4 && at + i < end; i++) {
        if (!pw_utf8_check(&state, (const uint8_t *)at + i, 1)) {
            return 0;
        }
        if (state == 0) {
            return i + 1;
        }
    }
    return 0;
}

bool pw_json_string(struct pw_json *json, struct pw_json_text *text)
{
    if (!take_byte(json, '"')) {
        return false;
    }
    const char *at = json->at, *end = json->end;
    bool escaped = false;
    for (;;) {
        at = plain_end(at, end);
        if (at == end || (uint8_t)*at < 0x20) {
            return false;
        }
        if (*at == '"') {
            break;
        }
        uint32_t code;
        bool escape = *at == '\\';
        size_t bytes = escape ? read_escape(at, end, &code) : utf8_bytes(at, end);
        if (bytes == 0) {
            return false;
        }
        escaped = escaped || escape;
        at += bytes;
    }
    *text = (struct pw_json_text){json->at, (size_t)(at - json->at), escaped};
    json->at = at + 1;
    json->after_value = true;
    return true;
}

static size_t utf8_encode(uint32_t code, char out[4])
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t bytes = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const uint8_t leads[5] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = bytes - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (code & 0x3f));
        code >>= 6;
    }
    out[0] = (char)(leads[bytes] | code);
    return bytes;
}

int64_t pw_json_unescape(const struct pw_json_text *text, char *out, size_t out_bytes)
{
    const char *at = text->text, *end = text->text + text->size;
    size_t used = 0;
    while (at < end) {
        char bytes[4] = {*at};
        size_t size = 1, taken = 1;
        if (*at == '\\') {
            uint32_t code = 0;
            taken = read_escape(at, end, &code);
            if (taken == 0) {
                return -1;
            }
            size = utf8_encode(code, bytes);
        }
        if (size > out_bytes - used) {
            return -1;
        }
        memcpy(out + used, bytes, size);
        used += size;
        at += taken;
    }
    return (int64_t)used;
}

bool pw_json_equal(const struct pw_json_text *text, const char *expected)
{
    size_t size = strlen(expected);
    if (!text->escaped) {
        return text->size == size && memcmp(text->text, expected, size) == 0;
    }
    char plain[64];
    return pw_json_unescape(text, plain, sizeof plain) == (int64_t)size && memcmp(plain, expected, size) == 0;
}

/* ---- numbers ---- */

static const char *pass_digits(const char *at, const char *end)
{
    while (at < end && *at >= '0' && *at <= '9') {
        at++;
    }
    return at;
}

bool pw_json_number(struct pw_json *json, struct pw_json_text *text)
{
    pass_blanks(json);
    const char *at = json->at, *end = json->end;
    at += at < end && *at == '-';
    const char *whole = at;
    at = pass_digits(at, end);
    if (at == whole || (*whole == '0' && at - whole > 1)) {
        return false;
    }
    if (at < end && *at == '.') {
        const char *fraction = ++at;
        at = pass_digits(at, end);
        if (at == fraction) {
            return false;
        }
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        at += at < end && (*at == '+' || *at == '-');
        const char *exponent = at;
        at = pass_digits(at, end);
        if (at == exponent) {
            return false;
        }
    }
    *text = (struct pw_json_text){json->at, (size_t)(at - json->at), false};
    json->at = at;
    json->after_value = true;
    return true;
}

bool pw_json_text_u64(const struct pw_json_text *text, uint64_t *value)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < text->size; i++) {
        unsigned digit = (uint8_t)text->text[i] - (unsigned)'0';
        if (digit > 9 || sum > (UINT64_MAX - digit) / 10) {
            return false;
        }
        sum = sum * 10 + digit;
    }
    *value = sum;
    return text->size > 0;
}

bool pw_json_text_i64(const struct pw_json_text *text, int64_t *value)
{
    bool negative = text->size > 0 && text->text[0] == '-';
    struct pw_json_text digits = {text->text + negative, text->size - negative, false};
    uint64_t magnitude;
    if (!pw_json_text_u64(&digits, &magnitude) || magnitude > (uint64_t)INT64_MAX + negative) {
        return false;
    }
    *value = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
    return true;
}

bool pw_json_u64(struct pw_json *json, uint64_t *value)
{
    struct pw_json_text text;
    return pw_json_number(json, &text) && pw_json_text_u64(&text, value);
}

/* ---- words ---- */

static bool take_word(struct pw_json *json, const char *word)
{
    size_t size = strlen(word);
    pass_blanks(json);
    if ((size_t)(json->end - json->at) < size || memcmp(json->at, word, size) != 0) {
        return false;
    }
    json->at += size;
    json->after_value = true;
    return true;
}

bool pw_json_bool(struct pw_json *json, bool *value)
{
    *value = next_byte(json) == 't';
    return take_word(json, *value ? "true" : "false");
}

/* ---- whole values ---- */

/* Takes a scalar, or opens a container. */
static bool begin_value(struct pw_json *json, enum pw_json_type type)
{
    struct pw_json_text text;
    switch (type) {
    case PW_JSON_OBJECT:
        return pw_json_object_enter(json);
    case PW_JSON_ARRAY:
        return pw_json_array_enter(json);
    case PW_JSON_STRING:
        return pw_json_string(json, &text);
    case PW_JSON_NUMBER:
        return pw_json_number(json, &text);
    case PW_JSON_TRUE:
        return take_word(json, "true");
    case PW_JSON_FALSE:
        return take_word(json, "false");
    case PW_JSON_NULL:
        return take_word(json, "null");
    default:
        return false;
    }
}

bool pw_json_skip(struct pw_json *json)
{
    uint32_t base = json->depth;
    uint64_t objects = 0; /* bit d: the bracket at depth d is an object's */
    do {
        enum pw_json_type type = pw_json_peek(json);
        if (!begin_value(json, type)) {
            return false;
        }
        if (type == PW_JSON_OBJECT) {
            objects |= UINT64_C(1) << json->depth;
        } else if (type == PW_JSON_ARRAY) {
            objects &= ~(UINT64_C(1) << json->depth);
        }
        /* Closes what ends here, until a value follows or all that was opened is closed. */
        enum pw_json_step step = PW_JSON_END;
        while (json->depth > base && step == PW_JSON_END) {
            struct pw_json_text key;
            bool in_object = (objects >> json->depth & 1) != 0;
            step = in_object ? pw_json_member_next(json, &key) : pw_json_item_next(json);
        }
        if (step == PW_JSON_INVALID) {
            return false;
        }
    } while (json->depth > base);
    return true;
}

bool pw_json_done(struct pw_json *json)
{
    pass_blanks(json);
    return json->at == json->end && json->depth == 0 && json->after_value;
}
