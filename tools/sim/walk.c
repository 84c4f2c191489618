/* SPDX-License-Identifier: MIT
 *
 * Slices of JSON: see walk.h.
 */
#include "walk.h"

bool pw_sim_walk_begin(struct pw_sim_walk *walk, struct pw_slice value)
{
    enum pw_json_type type;

    *walk = (struct pw_sim_walk){0};
    pw_json_init(&walk->json, value.text, value.size);
    type = pw_json_peek(&walk->json);
    walk->object = type == PW_JSON_OBJECT;
    walk->broken = walk->object            ? !pw_json_object_enter(&walk->json)
                   : type == PW_JSON_ARRAY ? !pw_json_array_enter(&walk->json)
                                           : true;
    return !walk->broken;
}

bool pw_sim_walk_next(struct pw_sim_walk *walk)
{
    struct pw_json_text key = {0};
    enum pw_json_step step;

    if (walk->broken) {
        return false;
    }
    step = walk->object ? pw_json_member_next(&walk->json, &key) : pw_json_item_next(&walk->json);
    if (step == PW_JSON_VALUE) {
        pw_json_peek(&walk->json); /* passes the blanks before the value */
        walk->key = (struct pw_slice){key.text, key.size};
        walk->value.text = walk->json.at;
        walk->broken = !pw_json_skip(&walk->json);
        walk->value.size = (size_t)(walk->json.at - walk->value.text);
        return !walk->broken;
    }
    walk->broken = step == PW_JSON_INVALID;
    return false;
}

bool pw_sim_walk_member(struct pw_slice object, const char *name, struct pw_slice *value)
{
    struct pw_sim_walk walk;

    if (!pw_sim_walk_begin(&walk, object) || !walk.object) {
        return false;
    }
    while (pw_sim_walk_next(&walk)) {
        if (pw_slice_equal(walk.key, name)) {
            *value = walk.value;
            return true;
        }
    }
    return false;
}

bool pw_sim_walk_inside(struct pw_slice value, struct pw_slice *inside)
{
    struct pw_json json;
    struct pw_json_text text;

    pw_json_init(&json, value.text, value.size);
    if (!pw_json_string(&json, &text)) {
        return false;
    }
    *inside = (struct pw_slice){text.text, text.size};
    return true;
}

bool pw_sim_walk_text(struct pw_slice value, char *out, size_t out_bytes, size_t *size)
{
    struct pw_json json;
    struct pw_json_text text;
    int64_t bytes;

    pw_json_init(&json, value.text, value.size);
    if (!pw_json_string(&json, &text)) {
        return false;
    }
    bytes = pw_json_unescape(&text, out, out_bytes - 1);
    if (bytes < 0) {
        return false;
    }
    out[bytes] = 0;
    *size = (size_t)bytes;
    return true;
}

bool pw_sim_walk_int(struct pw_slice value, int64_t *number)
{
    return pw_json_text_i64(&(struct pw_json_text){.text = value.text, .size = value.size}, number);
}
