/* SPDX-License-Identifier: MIT
 *
 * What every command's JSON keeps to.
 */
#include "json_exact.h"
#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define EXACT_MAX (INT64_C(1) << 53)

static bool ends_with(const char *key, const char *end)
{
    size_t len = strlen(key), end_len = strlen(end);
    return len > end_len && strcmp(key + len - end_len, end) == 0;
}

/* The figures of `summary` per symbol are those of the venue's messages, which have small numbers. */
static void expect_exact(json_t *json, const char *name, bool is_venues)
{
    const char *key;
    json_t *value;
    size_t i;
    bool wants_string =
        !is_venues && (ends_with(name, "_id") || ends_with(name, "_ns") || ends_with(name, "_seq"));
    cr_expect(!wants_string || json_is_string(json) || json_is_null(json), "%s", name);
    cr_expect(!json_is_integer(json) || llabs(json_integer_value(json)) <= EXACT_MAX, "%s", name);
    json_object_foreach(json, key, value)
    {
        expect_exact(value, key, is_venues || strcmp(key, "symbols") == 0);
    }
    json_array_foreach(json, i, value)
    {
        expect_exact(value, "", is_venues);
    }
}

json_t *json_exact(const char *text)
{
    json_error_t error;
    json_t *json = json_loads(text, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    cr_assert_not_null(json, "%s: %.400s", error.text, text);
    expect_exact(json, "", false);
    return json;
}

size_t json_exact_lines(const char *text)
{
    size_t cnt = 0;
    char *copy = strdup(text), *rest = NULL;
    for (char *line = strtok_r(copy, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        json_decref(json_exact(line));
        cnt++;
    }
    free(copy);
    return cnt;
}
