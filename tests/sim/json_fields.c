/* SPDX-License-Identifier: MIT
 *
 * JSON out of typed fields: order, exact decimals, what is left out, and what becomes of a failure.
 */
#include "json_fields.h"

#include <criterion/criterion.h>
#include <string.h>

static void expect_text(json_t *json, const char *text)
{
    struct pw_buffer out = {0};

    pw_sim_json_write(json, &out);
    cr_assert_not(out.failed);
    cr_expect_eq(out.size, strlen(text));
    cr_expect(memcmp(out.data, text, out.size) == 0, "%.*s", (int)out.size, out.data);
    pw_buffer_free(&out);
}

Test(json_fields, stand_in_their_order_with_exact_decimals)
{
    expect_text(PW_SIM_OBJECT(pw_sim_text("z", "a\"b\\"), pw_sim_e8("price", INT64_C(6150000000001)),
                              pw_sim_e8("a", -1), pw_sim_int("id", INT64_MAX), pw_sim_bool("m", true),
                              pw_sim_null("N")),
                "{\"z\":\"a\\\"b\\\\\",\"price\":\"61500.00000001\",\"a\":\"-0.00000001\","
                "\"id\":9223372036854775807,\"m\":true,\"N\":null}");
}

Test(json_fields, times_are_in_the_unit_that_was_asked_for)
{
    expect_text(PW_SIM_OBJECT(pw_sim_time("ms", INT64_C(1723161600123456789), false),
                              pw_sim_time("us", INT64_C(1723161600123456789), true)),
                "{\"ms\":1723161600123,\"us\":1723161600123456}");
}

Test(json_fields, what_is_not_there_is_left_out)
{
    expect_text(PW_SIM_OBJECT(pw_sim_int("a", 1), pw_sim_if(false, pw_sim_int("b", 2)),
                              pw_sim_if(true, pw_sim_int("c", 3))),
                "{\"a\":1,\"c\":3}");
}

Test(json_fields, objects_grow_and_nest)
{
    static const char *const words[] = {"x", "y"};
    json_t *list = pw_sim_append(pw_sim_words(words, 2), pw_sim_e8_item(150000000));

    expect_text(PW_SIM_EXTEND(PW_SIM_OBJECT(pw_sim_int("a", 1)), pw_sim_json("list", list)),
                "{\"a\":1,\"list\":[\"x\",\"y\",\"1.50000000\"]}");
}

/* Under AddressSanitizer this shows too that nothing is left behind. */
Test(json_fields, one_failure_fails_the_whole_answer)
{
    struct pw_buffer out = {0};
    json_t *object =
        PW_SIM_OBJECT(pw_sim_int("a", 1), pw_sim_json("b", NULL), pw_sim_json("c", json_array()));

    cr_expect_null(object);
    cr_expect_null(PW_SIM_EXTEND(object, pw_sim_json("d", json_object())));
    cr_expect_null(pw_sim_append(json_array(), NULL));
    cr_expect_null(pw_sim_append(NULL, json_object()));
    pw_sim_json_write(NULL, &out);
    cr_expect(out.failed);
    pw_buffer_free(&out);
}
