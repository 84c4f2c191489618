/* SPDX-License-Identifier: MIT
 *
 * The command line's values: words of the user become numbers, times and choices, or an error that says what
 * would have been right.
 */
#include "cli_read.h"
#include "host.h"
#include "word.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CHOICES_MAX 64u
/* A larger bound is one that nobody means to reach. */
#define RANGE_SHOWN INT64_C(1000000000)
#define DIGITS      "0123456789"

/* ---- numbers ---- */

bool pw_cli_count_read(const char *text, uint64_t *count)
{
    char *end;
    errno = 0;
    *count = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0;
}

/* An optional sign, digits, at most one point, at least one digit. */
static bool is_decimal(const char *text)
{
    text += *text == '-' || *text == '+';
    size_t whole = strspn(text, DIGITS);
    text += whole;
    size_t part = *text == '.' ? strspn(text + 1, DIGITS) : 0;
    text += *text == '.' ? 1 + part : 0;
    return whole + part > 0 && *text == '\0';
}

static const struct {
    const char *name;
    int64_t ns;
} g_units[] = {{"ns", 1},
               {"us", 1000},
               {"ms", PW_NS_PER_MS},
               {"s", PW_NS_PER_S},
               {"m", 60 * PW_NS_PER_S},
               {"h", 3600 * PW_NS_PER_S},
               {"d", 86400 * PW_NS_PER_S}};
#define UNIT_CNT (sizeof g_units / sizeof g_units[0])

static const char *unit_name(int64_t unit_ns)
{
    for (size_t i = 0; i < UNIT_CNT; i++) {
        if (g_units[i].ns == unit_ns) {
            return g_units[i].name;
        }
    }
    return "ns";
}

bool pw_cli_duration_read(const char *text, int64_t unit_ns, int64_t *ns)
{
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (*text < '0' || *text > '9' || errno != 0) {
        return false;
    }
    for (size_t i = 0; *end != '\0' && i < UNIT_CNT; i++) {
        if (strcmp(end, g_units[i].name) == 0) {
            unit_ns = g_units[i].ns;
            end += strlen(end);
        }
    }
    return *end == '\0' && !__builtin_mul_overflow((int64_t)number, unit_ns, ns);
}

/* ---- times ---- */

/* ".123456789" and "Z", both optional, and nothing behind them. */
static bool fraction_read(const char *text, int64_t *ns)
{
    if (*text == '.') {
        int64_t unit_ns = PW_NS_PER_S / 10;
        for (text++; *text >= '0' && *text <= '9'; text++, unit_ns /= 10) {
            *ns += (*text - '0') * unit_ns;
        }
    }
    return *text == '\0' || strcmp(text, "Z") == 0;
}

/* A time of the day behind a date: *ns is the date's beginning. Empty: the beginning itself. */
static bool clock_time_read(const char *text, int64_t *ns)
{
    struct tm tm = {0};
    if (*text == '\0' || strcmp(text, "Z") == 0) {
        return true;
    }
    const char *end = strptime(text, "%H:%M:%S", &tm);
    if (end == NULL) {
        tm = (struct tm){0};
        end = strptime(text, "%H:%M", &tm);
    }
    if (end == NULL) {
        return false;
    }
    *ns += (tm.tm_hour * INT64_C(3600) + tm.tm_min * 60 + tm.tm_sec) * PW_NS_PER_S;
    return fraction_read(end, ns);
}

bool pw_cli_time_read(const char *text, int64_t now_ns, int64_t *ns)
{
    struct tm tm = {0};
    uint64_t number;
    if (text[0] != '\0' && strspn(text, DIGITS) == strlen(text)) {
        bool good = pw_cli_count_read(text, &number) && number <= INT64_MAX;
        *ns = (int64_t)number;
        return good;
    }
    if (text[0] == '-') {
        int64_t before_ns;
        bool good = strpbrk(text, "smhd") != NULL && pw_cli_duration_read(text + 1, PW_NS_PER_S, &before_ns);
        *ns = good ? now_ns - before_ns : 0;
        return good;
    }
    if (text[0] == '\0') {
        return false;
    }
    const char *end = strptime(text, "%Y-%m-%d", &tm);
    if (end == NULL) {
        *ns = now_ns - now_ns % (86400 * PW_NS_PER_S);
        return clock_time_read(text, ns);
    }
    /* What ns since the epoch can hold, with room. */
    if (tm.tm_year < 70 || tm.tm_year > 350) {
        return false;
    }
    int day = tm.tm_mday; /* timegm turns February 30 into March 1 */
    *ns = (int64_t)timegm(&tm) * PW_NS_PER_S;
    if (tm.tm_mday != day) {
        return false;
    }
    if (*end == 'T' || *end == ' ') {
        return end[1] != '\0' && clock_time_read(end + 1, ns);
    }
    return *end == '\0';
}

/* ---- choices ---- */

static bool choice_find(const struct pw_cli_value *row, const char *word, size_t len, uint32_t *index)
{
    const char *name;
    for (uint32_t i = 0; i < CHOICES_MAX && (name = row->choice(i)) != NULL; i++) {
        if (len > 0 && strlen(name) == len && memcmp(name, word, len) == 0) {
            *index = i;
            return true;
        }
    }
    return false;
}

static void choice_complain(const struct pw_cli_value *row, const char *name, const char *word)
{
    const char *names[CHOICES_MAX];
    char list[1024] = "";
    uint32_t cnt = 0;
    size_t used = 0;
    for (uint32_t i = 0; i < CHOICES_MAX && used < sizeof list && (names[cnt] = row->choice(i)) != NULL;
         i++) {
        if (names[cnt][0] != '\0') {
            used +=
                (size_t)snprintf(list + used, sizeof list - used, "%s%s", cnt == 0 ? "" : ", ", names[cnt]);
            cnt++;
        }
    }
    const char *nearest = pw_word_nearest(word, names, cnt);
    pw_cli_error("%s: unknown '%s'; %s%s%sone of: %s", name, word, nearest != NULL ? "did you mean '" : "",
                 nearest != NULL ? nearest : "", nearest != NULL ? "'? " : "", list);
}

static bool list_read(const struct pw_cli_value *row, const char *name, const char *text, uint64_t *bits)
{
    char word[64];
    uint32_t index;
    *bits = 0;
    do {
        size_t len = strcspn(text, ",");
        if (!choice_find(row, text, len, &index)) {
            snprintf(word, sizeof word, "%.*s", (int)len, text);
            choice_complain(row, name, word);
            return false;
        }
        *bits |= UINT64_C(1) << index;
        text += len;
    } while (*text++ == ',');
    return true;
}

/* ---- all of them ---- */

static bool within(const struct pw_cli_value *row, uint64_t number)
{
    return number >= (uint64_t)row->min && (row->max == 0 || number <= (uint64_t)row->max);
}

/* Says what would have been right; false. */
static bool complain(const struct pw_cli_value *row, const char *name, const char *text)
{
    char range[96] = "";
    if (row->max != 0) {
        snprintf(range, sizeof range, " from %lld to %lld", (long long)row->min, (long long)row->max);
    } else if (row->min != 0) {
        snprintf(range, sizeof range, " from %lld on", (long long)row->min);
    }
    switch (row->type) {
    case PW_CLI_TYPE_COUNT:
        pw_cli_error("%s: '%s' is not a whole number%s", name, text, range);
        break;
    case PW_CLI_TYPE_DECIMAL:
        pw_cli_error("%s: '%s' is not a decimal number", name, text);
        break;
    case PW_CLI_TYPE_DURATION:
        pw_cli_error("%s: '%s' is not a duration%s %s (other units: 250ms, 10s, 5m, 1h)", name, text,
                     range[0] != '\0' ? range : " in", unit_name(row->unit));
        break;
    case PW_CLI_TYPE_TIME:
        pw_cli_error("%s: '%s' is not a time; write %s", name, text, PW_CLI_TIME_FORMS);
        break;
    case PW_CLI_TYPE_CUSTOM:
        pw_cli_error("%s: '%s' is not %s", name, text, row->expects);
        break;
    default:
        pw_cli_error("%s: must not be empty", name);
        break;
    }
    return false;
}

bool pw_cli_choice_judge(const struct pw_cli_value *row, const char *name, const char *word)
{
    uint32_t index;
    if (row->choice == NULL || choice_find(row, word, strlen(word), &index)) {
        return true;
    }
    choice_complain(row, name, word);
    return false;
}

bool pw_cli_value_take(const struct pw_cli_value *row, const char *name, const char *text, void *field)
{
    uint64_t number = 0;
    int64_t ns = 0;
    bool good = text[0] != '\0';
    switch (row->type) {
    case PW_CLI_TYPE_COUNT:
        good = pw_cli_count_read(text, &number) && within(row, number);
        *(uint64_t *)field = number;
        break;
    case PW_CLI_TYPE_DURATION:
        good = pw_cli_duration_read(text, row->unit, &ns) && ns >= row->min * row->unit &&
               (row->max == 0 || ns <= row->max * row->unit);
        *(int64_t *)field = ns;
        break;
    case PW_CLI_TYPE_TIME:
        good = pw_cli_time_read(text, pw_clock_read_ns(CLOCK_REALTIME), field);
        break;
    case PW_CLI_TYPE_CHOICE:
        return pw_cli_choice_judge(row, name, text) && choice_find(row, text, strlen(text), field);
    case PW_CLI_TYPE_LIST:
        return list_read(row, name, text, field);
    case PW_CLI_TYPE_CUSTOM:
        good = row->read(text, field);
        break;
    case PW_CLI_TYPE_DECIMAL:
        good = is_decimal(text);
        *(const char **)field = text;
        break;
    default:
        *(const char **)field = text;
        break;
    }
    return good || complain(row, name, text);
}

/* What is appended to a text that ends with '\0' within text_bytes. */
static void append(char *text, size_t text_bytes, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void append(char *text, size_t text_bytes, const char *format, ...)
{
    size_t used = strlen(text);
    va_list values;
    va_start(values, format);
    vsnprintf(text + used, text_bytes - used, format, values);
    va_end(values);
}

/* " (3 to 256; default 12; with query, csv)": what there is of it. */
static void append_bounds(const struct pw_cli_value *row, char *text, size_t text_bytes)
{
    const char *before = " (";
    if (row->max != 0 && row->max < RANGE_SHOWN) {
        bool has_unit = row->type == PW_CLI_TYPE_DURATION;
        append(text, text_bytes, "%s%lld to %lld%s%s", before, (long long)row->min, (long long)row->max,
               has_unit ? " " : "", has_unit ? unit_name(row->unit) : "");
        before = "; ";
    }
    if (row->initial != NULL) {
        append(text, text_bytes, "%sdefault %s", before, row->initial);
        before = "; ";
    }
    if (row->commands != NULL) {
        append(text, text_bytes, "%sonly with ", before);
        for (const char *at = row->commands; *at != '\0'; at++) {
            append(text, text_bytes, "%s%c", *at == ' ' ? "," : "", *at);
        }
        before = "; ";
    }
    append(text, text_bytes, "%s", before[0] == ';' ? ")" : "");
}

const char *pw_cli_help_text(const struct pw_cli_value *row, char *text, size_t text_bytes)
{
    const char *word, *before = ": ";
    snprintf(text, text_bytes, "%s", row->help);
    for (uint32_t i = 0; row->choice != NULL && (word = row->choice(i)) != NULL; i++) {
        if (word[0] != '\0') {
            append(text, text_bytes, "%s%s", before, word);
            before = ", ";
        }
    }
    append_bounds(row, text, text_bytes);
    return text;
}
