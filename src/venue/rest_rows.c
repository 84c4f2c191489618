/* SPDX-License-Identifier: MIT
 *
 * Going through the rows of a REST answer, and making a tree of one.
 */
#include "rest_rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool pw_rest_rows_begin(struct pw_rest_rows *rows, const char *body, size_t size, const char *member)
{
    struct pw_json json, list = {.at = NULL};
    struct pw_json_text key;
    enum pw_json_step step;
    pw_json_init(&json, body, size);
    if (pw_json_peek(&json) != PW_JSON_OBJECT || !pw_json_object_enter(&json)) {
        return false;
    }
    while ((step = pw_json_member_next(&json, &key)) == PW_JSON_VALUE) {
        enum pw_json_type type = pw_json_peek(&json);
        if (pw_json_equal(&key, member)) {
            list = json;
            rows->keyed = type == PW_JSON_OBJECT;
            if (type != PW_JSON_OBJECT && type != PW_JSON_ARRAY) {
                return false;
            }
        }
        if (!pw_json_skip(&json)) {
            return false;
        }
    }
    rows->json = list;
    return step == PW_JSON_END && pw_json_done(&json) && list.at != NULL &&
           (rows->keyed ? pw_json_object_enter : pw_json_array_enter)(&rows->json);
}

/* Of the object that begins there. False: it has none, or not once, or it is too long. */
static bool name_of(struct pw_json object, const char *member, char *name, size_t bytes)
{
    struct pw_json_text key, text = {NULL, 0, false};
    int cnt = 0;
    if (pw_json_peek(&object) != PW_JSON_OBJECT || !pw_json_object_enter(&object)) {
        return false;
    }
    while (pw_json_member_next(&object, &key) == PW_JSON_VALUE) {
        bool is_name = pw_json_equal(&key, member);
        cnt += is_name;
        if (!(is_name && pw_json_peek(&object) == PW_JSON_STRING ? pw_json_string(&object, &text)
                                                                 : pw_json_skip(&object))) {
            return false;
        }
    }
    memset(name, 0, bytes);
    return cnt == 1 && text.text != NULL && pw_json_unescape(&text, name, bytes - 1) > 0;
}

bool pw_rest_rows_next(struct pw_rest_rows *rows, const char *name_member, char *name, size_t name_bytes,
                       struct pw_json_text *row)
{
    struct pw_json *json = &rows->json;
    struct pw_json_text key;
    while ((rows->keyed ? pw_json_member_next(json, &key) : pw_json_item_next(json)) == PW_JSON_VALUE) {
        pw_json_peek(json);
        struct pw_json at = *json;
        if (!pw_json_skip(json)) {
            return false;
        }
        if (name_of(at, name_member, name, name_bytes)) {
            *row = (struct pw_json_text){at.at, (size_t)(json->at - at.at), false};
            return true;
        }
    }
    return false;
}

/* Of an integer beyond 64 bits, or a number beyond a double; and of any of 64 characters or more. */
static bool is_too_large(const char *number, size_t bytes)
{
    char text[64];
    if (bytes >= sizeof text) {
        return true;
    }
    memcpy(text, number, bytes);
    text[bytes] = '\0';
    int64_t integer;
    struct pw_json_text whole = {number, bytes, false};
    return strpbrk(text, ".eE") == NULL ? !pw_json_text_i64(&whole, &integer)
                                        : isinf(strtod(text, NULL)) != 0;
}

/* Puts null in the place of numbers that are too large; those have four digits at least. */
static void blank_numbers(char *text, size_t size)
{
    bool in_string = false;
    for (size_t at = 0; at < size;) {
        if (in_string || text[at] == '"') {
            in_string ^= text[at] == '"';
            at += in_string && text[at] == '\\' ? 2 : 1;
            continue;
        }
        size_t bytes = 0;
        while (at + bytes < size && text[at + bytes] != '\0' && strchr("+-.0123456789eE", text[at + bytes])) {
            bytes++;
        }
        if (bytes >= 4 && is_too_large(text + at, bytes)) {
            memset(text + at, ' ', bytes);
            memcpy(text + at, "null", 4);
        }
        at += bytes > 0 ? bytes : 1;
    }
}

json_t *pw_rest_load(const char *text, size_t size)
{
    char *copy = malloc(size + 1);
    json_t *root = NULL;
    if (copy != NULL) {
        memcpy(copy, text, size);
        blank_numbers(copy, size);
        root = json_loadb(copy, size, JSON_REJECT_DUPLICATES, NULL);
    }
    free(copy);
    return root;
}
