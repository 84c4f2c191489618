/* SPDX-License-Identifier: MIT
 *
 * Collecting fields.
 */
#include "binance_fields.h"

#include <string.h>

int pw_binance_letter(char letter)
{
    return letter >= 'a' && letter <= 'z'   ? letter - 'a'
           : letter >= 'A' && letter <= 'Z' ? letter - 'A' + 26
                                            : -1;
}

/* Names are compared by their sizes first: few are the same. */
static int place_of(const struct pw_json_text *key, const struct pw_binance_name *names, uint32_t name_cnt)
{
    if (key->size == 1) {
        return pw_binance_letter(key->text[0]);
    }
    char letter;
    if (key->escaped && pw_json_unescape(key, &letter, 1) == 1) {
        return pw_binance_letter(letter);
    }
    for (uint32_t i = 0; i < name_cnt; i++) {
        if (key->escaped ? pw_json_equal(key, names[i].text)
                         : key->size == names[i].size && memcmp(key->text, names[i].text, key->size) == 0) {
            return (int)(PW_BINANCE_LETTERS + i);
        }
    }
    return -1;
}

bool pw_binance_take(struct pw_json *json, struct pw_binance_field *field)
{
    field->type = pw_json_peek(json);
    if (field->type == PW_JSON_STRING) {
        return pw_json_string(json, &field->text);
    }
    const char *begin = json->at;
    bool ok = pw_json_skip(json);
    field->text = (struct pw_json_text){begin, (size_t)(json->at - begin), false};
    return ok;
}

enum pw_decode pw_binance_collect(struct pw_json *json, const struct pw_binance_name *names,
                                  uint32_t name_cnt, struct pw_binance_fields *fields)
{
    enum pw_decode result = PW_DECODE_OK;
    memset(fields->slot, 0, sizeof fields->slot);
    fields->cnt = 0;
    if (!pw_json_object_enter(json)) {
        return PW_DECODE_BAD_JSON;
    }
    struct pw_json_text key;
    enum pw_json_step step;
    while ((step = pw_json_member_next(json, &key)) == PW_JSON_VALUE) {
        struct pw_binance_field field;
        int place = place_of(&key, names, name_cnt);
        if (!pw_binance_take(json, &field)) {
            return PW_DECODE_BAD_JSON;
        }
        if (place >= 0 && fields->slot[place] != 0) {
            fields->at[fields->slot[place] - 1].type = PW_BINANCE_DOUBLED;
            result = PW_DECODE_BAD_FIELD;
        } else if (place >= 0) { /* each once: there is room */
            fields->at[fields->cnt++] = field;
            fields->slot[place] = (uint8_t)fields->cnt;
        }
    }
    return step == PW_JSON_END ? result : PW_DECODE_BAD_JSON;
}
