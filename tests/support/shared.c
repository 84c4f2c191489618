/* SPDX-License-Identifier: MIT
 *
 * Reading the shared data.
 */
#include "shared.h"

#include "decimal.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

static const char *folder(void)
{
    const char *name = getenv("PINWHEEL_SHARED");
    struct stat info;
    return name != NULL && stat(name, &info) == 0 && S_ISDIR(info.st_mode) ? name : NULL;
}

void shared_need(void)
{
    if (folder() == NULL) {
        fprintf(stderr, "PINWHEEL_SHARED names no folder of recorded data: skipped\n");
        cr_skip_test("no shared data");
    }
}

static void path_of(const char *name, char *path, size_t size)
{
    snprintf(path, size, "%s/%s", folder() != NULL ? folder() : "", name);
}

json_t *shared_json(const char *name)
{
    char path[512];
    json_error_t error;
    path_of(name, path, sizeof path);
    json_t *root = json_load_file(path, 0, &error);
    cr_assert_not_null(root, "%s: %s", path, error.text);
    return root;
}

void shared_open(struct shared_lines *lines, const char *name)
{
    char path[512];
    path_of(name, path, sizeof path);
    lines->file = gzopen(path, "rb");
    lines->room = (size_t)4 << 20;
    lines->line = malloc(lines->room);
    cr_assert(lines->file != NULL && lines->line != NULL, "%s cannot be read", path);
}

bool shared_next(struct shared_lines *lines)
{
    if (gzgets(lines->file, lines->line, (int)lines->room) == NULL) {
        return false;
    }
    lines->size = strlen(lines->line);
    cr_assert_lt(lines->size, lines->room - 1, "a line is longer than the test has room for");
    while (lines->size > 0 &&
           (lines->line[lines->size - 1] == '\n' || lines->line[lines->size - 1] == '\r')) {
        lines->line[--lines->size] = '\0';
    }
    return true;
}

void shared_close(struct shared_lines *lines)
{
    gzclose(lines->file);
    free(lines->line);
}

const char *text_e8(int64_t value_e8)
{
    static char texts[8][PW_DECIMAL_TEXT_BYTES];
    static unsigned next;
    char *text = texts[next++ % 8];
    pw_decimal_print_e8(value_e8, text);
    return text;
}

/* A reading of decimals that is not the engine's: digits, a point, digits; scaled to `decimals`. */
static pw_i128 scaled(const char *text, int decimals)
{
    bool negative = *text == '-';
    pw_i128 value = 0;
    int after = -1;
    for (text += negative; *text; text++) {
        if (*text == '.') {
            cr_assert_eq(after, -1);
            after = 0;
            continue;
        }
        cr_assert(*text >= '0' && *text <= '9');
        if (after >= decimals) {
            cr_assert_eq(*text, '0');
            continue;
        }
        value = value * 10 + (*text - '0');
        after += after >= 0;
    }
    for (after = after < 0 ? 0 : after; after < decimals; after++) {
        value *= 10;
    }
    return negative ? -value : value;
}

int64_t e8_of(const json_t *text)
{
    return (int64_t)scaled(json_string_value(text), 8);
}

pw_i128 e16_of(const json_t *text)
{
    return scaled(json_string_value(text), 16);
}

const char *shared_data(void)
{
    char path[512];
    struct stat info;
    path_of("data/expected", path, sizeof path);
    if (folder() == NULL || stat(path, &info) != 0) {
        fprintf(stderr, "no shared data ($PINWHEEL_SHARED): skipped\n");
        return NULL;
    }
    return folder();
}

json_t *expected_load(const char *name)
{
    char path[512], file[256];
    snprintf(file, sizeof file, "data/expected/%s", name);
    path_of(file, path, sizeof path);
    return json_load_file(path, 0, NULL);
}
