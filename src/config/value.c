/* SPDX-License-Identifier: MIT
 *
 * Single values: texts judged and stored, each kind by a function of its own.
 */
#include "value.h"

#include "decimal.h"
#include "http.h"
#include "word.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *pw_value_join(const char *const *names, uint32_t name_cnt, char *text, size_t text_bytes)
{
    size_t size = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < name_cnt && size < text_bytes; i++) {
        size += (size_t)snprintf(text + size, text_bytes - size, "%s%s", i > 0 ? ", " : "", names[i]);
    }
    return text;
}

uint32_t pw_value_choices(const struct pw_key *key, const char *choices[PW_CHOICES_MAX])
{
    uint32_t cnt = 0;
    for (; key->choice == NULL && cnt < key->choice_cnt && cnt < PW_CHOICES_MAX; cnt++) {
        choices[cnt] = key->choices[cnt];
    }
    while (key->choice != NULL && cnt < PW_CHOICES_MAX && (choices[cnt] = key->choice(cnt)) != NULL) {
        cnt++;
    }
    return cnt;
}

/* ---- single values ---- */

/* What is being read: a value's text and where it stands (defaults stand nowhere). */
struct value {
    struct pw_document *doc;
    const struct pw_key *key;
    enum pw_value_kind kind;
    const char *text;
    bool plain;
    yaml_mark_t mark;
    struct pw_target target;
};

static void value_problem(const struct value *value, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void value_problem(const struct value *value, const char *format, ...)
{
    char text[280];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    pw_document_problem(value->doc, value->mark, "%s: %s", value->key->name, text);
}

/* Whole or not at all: a cut name would be another name. */
static void text_store(const struct value *value, const char *text)
{
    size_t size = strlen(text);
    if (size >= value->target.bytes) {
        value_problem(value, "'%.200s' is %zu bytes long; the maximum is %zu", text, size,
                      value->target.bytes - 1);
        return;
    }
    memcpy(value->target.to, text, size + 1);
}

static void bool_read(const struct value *value)
{
    bool is_true = strcmp(value->text, "true") == 0;
    if (!value->plain || (!is_true && strcmp(value->text, "false") != 0)) {
        value_problem(value, "'%.40s' is neither true nor false; write one of them, without quotes",
                      value->text);
        return;
    }
    memcpy(value->target.to, &is_true, sizeof is_true);
}

/* Why a text is no count, or NULL with its value. */
static const char *count_parse(const struct value *value, uint64_t *count)
{
    const char *text = value->text;
    *count = 0;
    if (text[0] == '-' && text[1] >= '0' && text[1] <= '9') {
        return "must not be negative";
    }
    for (const char *at = text; *at != '\0'; at++) {
        if (*at < '0' || *at > '9') {
            return "is not a whole number; use digits only, the unit is in the key's name";
        }
    }
    size_t digit_cnt = strlen(text);
    if (digit_cnt == 0 || digit_cnt > 18 || (digit_cnt > 1 && text[0] == '0')) {
        return "is not a whole number in range, without leading zeros";
    }
    *count = strtoull(text, NULL, 10);
    return value->plain ? NULL : "is quoted; write the number without quotes";
}

static void count_store(const struct value *value, uint64_t count)
{
    if (value->target.bytes == sizeof(uint32_t)) {
        uint32_t narrow = (uint32_t)count;
        memcpy(value->target.to, &narrow, sizeof narrow);
    } else {
        memcpy(value->target.to, &count, sizeof count);
    }
}

static void count_read(const struct value *value)
{
    const struct pw_key *key = value->key;
    const char *unit = key->unit != NULL ? key->unit : "";
    uint64_t count;
    const char *why = count_parse(value, &count);
    if (why != NULL) {
        value_problem(value, "'%.40s' %s", value->text, why);
        return;
    }
    if (count < (uint64_t)key->min || count > (uint64_t)key->max) {
        value_problem(value, "%llu is out of range; use %lld to %lld%s%s", (unsigned long long)count,
                      (long long)key->min, (long long)key->max, *unit != '\0' ? " " : "", unit);
        return;
    }
    if (key->power_of_two && (count & (count - 1)) != 0) {
        uint64_t above = UINT64_C(1) << (64 - __builtin_clzll(count));
        value_problem(value, "%llu is not a power of two; use %llu or %llu", (unsigned long long)count,
                      (unsigned long long)above / 2, (unsigned long long)above);
        return;
    }
    count_store(value, count * (uint64_t)(key->scale != 0 ? key->scale : 1));
}

static void decimal_read(const struct value *value)
{
    const struct pw_key *key = value->key;
    int64_t number_e8;
    if (!pw_decimal_parse_e8(value->text, strlen(value->text), true, &number_e8)) {
        value_problem(value,
                      "'%.40s' is not a plain decimal number of at most 8 decimals; write it like \"0.01\"",
                      value->text);
    } else if (number_e8 < 0) {
        value_problem(value, "'%.40s' must not be negative", value->text);
    } else if (number_e8 < key->min || number_e8 > key->max) {
        char low[PW_DECIMAL_TEXT_BYTES], high[PW_DECIMAL_TEXT_BYTES];
        pw_decimal_print_e8(key->min, low);
        pw_decimal_print_e8(key->max, high);
        value_problem(value, "'%.40s' is out of range; use %s to %s", value->text, low, high);
    } else {
        memcpy(value->target.to, &number_e8, sizeof number_e8);
    }
}

static bool name_is_good(const char *text)
{
    size_t size = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-");
    return size > 0 && text[size] == '\0' && text[0] != '_' && text[0] != '-';
}

static void name_read(const struct value *value)
{
    if (!name_is_good(value->text)) {
        value_problem(value,
                      "'%.40s' is not a name; use a-z, 0-9, '_' and '-', beginning with a letter or digit",
                      value->text);
        return;
    }
    text_store(value, value->text);
}

static void choice_store(const struct value *value, uint32_t i)
{
    if (value->kind == PW_VALUE_TOKEN) {
        text_store(value, value->text);
    } else if (value->target.bytes == sizeof(bool)) {
        memcpy(value->target.to, &(bool){i != 0}, sizeof(bool));
    } else {
        memcpy(value->target.to, &i, sizeof i);
    }
}

static void choice_read(const struct value *value)
{
    const char *choices[PW_CHOICES_MAX];
    uint32_t choice_cnt = pw_value_choices(value->key, choices);
    for (uint32_t i = 0; i < choice_cnt; i++) {
        if (strcmp(value->text, choices[i]) == 0) {
            choice_store(value, i);
            return;
        }
    }
    char all[160];
    const char *nearest = pw_word_nearest(value->text, choices, choice_cnt);
    value_problem(value, "'%.40s' is unknown; %s%s%suse one of: %s", value->text,
                  nearest ? "did you mean '" : "", nearest ? nearest : "", nearest ? "'? " : "",
                  pw_value_join(choices, choice_cnt, all, sizeof all));
}

static void symbol_read(const struct value *value)
{
    for (const char *at = value->text; *at != '\0'; at++) {
        unsigned char byte = (unsigned char)*at;
        if (byte <= ' ' || byte == 0x7f || (byte >= 'a' && byte <= 'z')) {
            value_problem(value, "'%.40s' is not a symbol; write it as the venue does, in capitals: BTCUSDT",
                          value->text);
            return;
        }
    }
    text_store(value, value->text);
}

static void number_read(const struct value *value)
{
    const char *choices[PW_CHOICES_MAX];
    uint32_t choice_cnt = pw_value_choices(value->key, choices), choice = 0;
    while (choice < choice_cnt && strcmp(value->text, choices[choice]) != 0) {
        choice++;
    }
    int32_t kept = -1 - (int32_t)choice;
    if (choice == choice_cnt) {
        struct value unquoted = *value; /* "1" and 1 are the same */
        uint64_t number;
        char all[160];
        unquoted.plain = true;
        if (count_parse(&unquoted, &number) != NULL || number > INT32_MAX) {
            value_problem(value, "'%.40s' is not a %s; use a number, or one of: %s", value->text,
                          value->key->shown, pw_value_join(choices, choice_cnt, all, sizeof all));
            return;
        }
        kept = (int32_t)number;
    }
    memcpy(value->target.to, &kept, sizeof kept);
}

/* ---- values with environment variables in them ---- */

#define EXPANDED_BYTES    1024
#define CONFIG_PATH_BYTES 256 /* of the file's own */

struct expansion {
    char text[EXPANDED_BYTES];
    size_t size;
};

/* A variable as the text names it. */
struct variable {
    char name[64];
    const char *fallback; /* not zero-terminated; NULL: none */
    size_t fallback_bytes;
};

/* False: reported. */
static bool expansion_add(const struct value *value, struct expansion *out, const char *text, size_t size)
{
    if (size >= sizeof out->text - out->size) {
        value_problem(value, "is too long after variable expansion; the maximum is %zu bytes",
                      sizeof out->text - 1);
        return false;
    }
    memcpy(out->text + out->size, text, size);
    out->size += size;
    out->text[out->size] = '\0';
    return true;
}

/* Reads NAME, {NAME} or {NAME:-default}: where it ends, or NULL if it is none of them. */
static const char *variable_parse(const char *text, struct variable *variable)
{
    bool braces = *text == '{';
    const char *name = text + braces;
    size_t name_bytes = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
    const char *end = name + name_bytes;
    if (name_bytes == 0 || name_bytes >= sizeof variable->name || (*name >= '0' && *name <= '9')) {
        return NULL;
    }
    memcpy(variable->name, name, name_bytes);
    variable->name[name_bytes] = '\0';
    variable->fallback = NULL;
    if (braces && strncmp(end, ":-", 2) == 0) {
        variable->fallback = end + 2;
        variable->fallback_bytes = strcspn(variable->fallback, "}");
        end = variable->fallback + variable->fallback_bytes;
    }
    return braces && *end != '}' ? NULL : end + braces;
}

static bool text_expand(const struct value *value, const char *text, const char *end, bool in_default,
                        struct expansion *out);

static bool variable_expand(const struct value *value, const struct variable *variable, bool in_default,
                            struct expansion *out)
{
    const char *found = getenv(variable->name);
    bool empty = found == NULL || found[0] == '\0';
    if (variable->fallback != NULL && empty && !in_default) {
        return text_expand(value, variable->fallback, variable->fallback + variable->fallback_bytes, true,
                           out);
    }
    if (found == NULL) {
        value_problem(value, "the environment variable %s is not set; set it, or write ${%s:-default}",
                      variable->name, variable->name);
        return false;
    }
    return expansion_add(value, out, found, strlen(found));
}

/* Replaces the variables in a text. A default may hold variables, but none with a default of its own. */
static bool text_expand(const struct value *value, const char *text, const char *end, bool in_default,
                        struct expansion *out)
{
    while (text < end) {
        struct variable variable;
        const char *dollar = memchr(text, '$', (size_t)(end - text));
        const char *plain_end = dollar != NULL ? dollar : end;
        bool good = expansion_add(value, out, text, (size_t)(plain_end - text));
        if (dollar == NULL || !good) {
            return good;
        }
        if (dollar[1] == '$') {
            good = expansion_add(value, out, "$", 1);
            text = dollar + 2;
        } else if ((text = variable_parse(dollar + 1, &variable)) != NULL && text <= end) {
            good = variable_expand(value, &variable, in_default, out);
        } else {
            value_problem(value,
                          "'$' begins a variable: $NAME, ${NAME} or ${NAME:-default}; write $$ for a dollar");
            good = false;
        }
        if (!good) {
            return false;
        }
    }
    return true;
}

static bool value_expand(const struct value *value, struct expansion *out)
{
    *out = (struct expansion){0};
    return text_expand(value, value->text, value->text + strlen(value->text), false, out);
}

static bool host_is_loopback(struct pw_slice host)
{
    return pw_slice_equal(host, "localhost") || pw_slice_equal(host, "::1") ||
           (host.size > 4 && memcmp(host.text, "127.", 4) == 0 &&
            strspn(host.text, "0123456789.") >= host.size);
}

static void url_read(const struct value *value)
{
    const char *const *schemes = value->key->choices;
    struct pw_url url;
    if (!pw_url_parse(value->text, &url) ||
        (!pw_slice_equal(url.scheme, schemes[0]) && !pw_slice_equal(url.scheme, schemes[1]))) {
        value_problem(value, "'%.80s' is not a URL that can be used; write %s://host[:port][/path]",
                      value->text, schemes[0]);
        return;
    }
    if (pw_slice_equal(url.scheme, schemes[1]) && !host_is_loopback(url.host)) {
        value_problem(value, "%s:// is neither secret nor safe from forgery; use %s:// beyond this host",
                      schemes[1], schemes[0]);
        return;
    }
    text_store(value, value->text);
}

static void path_read(const struct value *value)
{
    if (value->text[0] == '~') {
        value_problem(value,
                      "'~' is not expanded in '%.80s'; write %s, or ./ before a name that begins with it",
                      value->text, value->key->expands ? "$HOME" : "the whole path");
        return;
    }
    const char *config_path = value->doc->path;
    const char *slash = strrchr(config_path, '/');
    bool relative = value->text[0] != '/' && value->text[0] != '\0';
    int dir_bytes = relative && slash != NULL ? (int)(slash - config_path) + 1 : 0;
    char whole[EXPANDED_BYTES + CONFIG_PATH_BYTES];
    snprintf(whole, sizeof whole, "%.*s%s", dir_bytes, config_path, value->text);
    text_store(value, whole);
}

static void value_read(const struct value *value)
{
    switch (value->kind) {
    case PW_VALUE_BOOL:
        bool_read(value);
        break;
    case PW_VALUE_COUNT:
        count_read(value);
        break;
    case PW_VALUE_DECIMAL:
        decimal_read(value);
        break;
    case PW_VALUE_NAME:
        name_read(value);
        break;
    case PW_VALUE_TOKEN:
    case PW_VALUE_CHOICE:
        choice_read(value);
        break;
    case PW_VALUE_SYMBOL:
        symbol_read(value);
        break;
    case PW_VALUE_URL:
        url_read(value);
        break;
    case PW_VALUE_PATH:
        path_read(value);
        break;
    case PW_VALUE_NUMBER:
        number_read(value);
        break;
    case PW_VALUE_TEXT:
        text_store(value, value->text);
        break;
    case PW_VALUE_LIST:
    case PW_VALUE_REFS:
    case PW_VALUE_GROUP:
    case PW_VALUE_GROUPS:
    case PW_VALUE_PARAMS:
        break; /* no single values */
    }
}

/* ---- from the file, or by default ---- */

void pw_value_read_node(struct pw_document *doc, const struct pw_key *key, enum pw_value_kind kind,
                        const yaml_node_t *node, struct pw_target target)
{
    struct value value = {doc, key, kind, NULL, pw_node_is_plain(node), node->start_mark, target};
    struct expansion expanded;
    bool whole;
    if (node->type != YAML_SCALAR_NODE || pw_node_is_null(node)) {
        value_problem(&value, "must be a single value, not %s", pw_node_kind_name(node));
        return;
    }
    value.text = pw_node_text(node, &whole);
    if (!whole || (value.text[0] == '\0' && kind != PW_VALUE_PATH)) {
        value_problem(&value, "is empty or holds a zero byte; write a value, or leave the key out");
        return;
    }
    if (key->expands) {
        if (!value_expand(&value, &expanded)) {
            return;
        }
        value.text = expanded.text;
    }
    value_read(&value);
}

void pw_value_read_default(struct pw_document *doc, const struct pw_key *key, struct pw_target target)
{
    if (key->fallback != NULL) {
        struct value value = {doc, key, key->kind, key->fallback, true, {0}, target};
        value_read(&value);
    }
}
