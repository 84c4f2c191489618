/* SPDX-License-Identifier: MIT
 *
 * Targets of requests.
 */
#include "query.h"

#include <criterion/criterion.h>
#include <string.h>

static struct pw_slice slice(const char *text)
{
    return (struct pw_slice){text, strlen(text)};
}

Test(query, a_target_is_split_at_its_first_question_mark)
{
    static const struct {
        const char *target, *path, *query;
    } rows[] = {{"/a?b=1", "/a", "b=1"}, {"/a", "/a", ""},        {"/a?", "/a", ""},
                {"?b", "", "b"},         {"/a?b?c", "/a", "b?c"}, {"", "", ""}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pw_slice path, query;
        pw_target_split(slice(rows[i].target), &path, &query);
        cr_expect(pw_slice_equal(path, rows[i].path), "%s", rows[i].target);
        cr_expect(pw_slice_equal(query, rows[i].query), "%s", rows[i].target);
    }
}

Test(query, the_first_parameter_of_a_name_is_found_and_no_part_of_a_name)
{
    struct pw_slice value;

    cr_expect(pw_query_find(slice("aa=1&a=2&a=3&b="), "a", &value) && pw_slice_equal(value, "2"));
    cr_expect(pw_query_find(slice("aa=1&a=2&a=3&b="), "b", &value) && value.size == 0);
    cr_expect_not(pw_query_find(slice("aa=1&xa=2&a"), "a", &value));
    cr_expect_not(pw_query_find(slice(""), "a", &value));
    cr_expect_not(pw_query_find(slice("&&&"), "a", &value));
}

Test(query, percent_encoding_is_undone_or_refused)
{
    static const struct {
        const char *text, *plain; /* NULL: refused */
    } rows[] = {{"a%20b", "a b"},   {"%41%7a", "Az"}, {"a+b", "a b"},
                {"%4", NULL},       {"%", NULL},      {"%zz", NULL},
                {"%00", NULL},      {"", ""},         {"1234567", "1234567"},
                {"12345678", NULL}, {"%3d%3D", "=="}};
    char out[8];
    size_t size;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bool done = pw_percent_decode(slice(rows[i].text), true, out, sizeof out, &size);
        cr_expect_eq(done, rows[i].plain != NULL, "%s", rows[i].text);
        if (done) {
            cr_expect_str_eq(out, rows[i].plain);
            cr_expect_eq(size, strlen(rows[i].plain));
        }
    }
    cr_assert(pw_percent_decode(slice("a+b"), false, out, sizeof out, &size));
    cr_expect_str_eq(out, "a+b");
    cr_expect_not(pw_percent_decode(slice(""), false, out, 0, &size));
}
