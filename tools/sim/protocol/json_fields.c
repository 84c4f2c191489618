/* SPDX-License-Identifier: MIT
 *
 * Fields to jansson: see json_fields.h.
 */
#include "json_fields.h"

#include "decimal.h"

json_t *pw_sim_e8_item(int64_t value_e8)
{
    char text[32];

    pw_decimal_print_fixed_e8(value_e8, 8, text);
    return json_string(text);
}

static json_t *field_value(const struct pw_sim_field *field)
{
    switch (field->kind) {
    case PW_SIM_FIELD_TEXT:
        return json_string(field->text);
    case PW_SIM_FIELD_INT:
        return json_integer(field->number);
    case PW_SIM_FIELD_E8:
        return pw_sim_e8_item(field->number);
    case PW_SIM_FIELD_BOOL:
        return json_boolean(field->flag);
    default:
        return field->json;
    }
}

json_t *pw_sim_extend(json_t *object, const struct pw_sim_field *fields, size_t field_cnt)
{
    bool good = object != NULL;

    /* To the end also after a failure: what the fields hold is taken over. */
    for (size_t i = 0; i < field_cnt; i++) {
        if (fields[i].kind != PW_SIM_FIELD_NONE) {
            good &= json_object_set_new_nocheck(object, fields[i].name, field_value(&fields[i])) == 0;
        }
    }
    if (!good) {
        json_decref(object);
        return NULL;
    }
    return object;
}

json_t *pw_sim_append(json_t *array, json_t *item)
{
    if (json_array_append_new(array, item) != 0) {
        json_decref(array);
        return NULL;
    }
    return array;
}

json_t *pw_sim_words(const char *const *words, size_t word_cnt)
{
    json_t *array = json_array();

    for (size_t i = 0; i < word_cnt; i++) {
        array = pw_sim_append(array, json_string(words[i]));
    }
    return array;
}

static int take_text(const char *text, size_t size, void *state)
{
    struct pw_buffer *out = state;

    pw_buffer_bytes(out, text, size);
    return out->failed ? -1 : 0;
}

void pw_sim_json_write(json_t *json, struct pw_buffer *out)
{
    if (!json || json_dump_callback(json, take_text, out, JSON_COMPACT | JSON_ENCODE_ANY) != 0) {
        out->failed = true;
    }
    json_decref(json);
}
