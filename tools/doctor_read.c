/* SPDX-License-Identifier: MIT
 *
 * The host's files and sets of its processors, for the checks.
 */
#include "doctor_read.h"

#include "host.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void found(struct finding *finding, enum verdict verdict, const char *format, ...)
{
    va_list args;
    finding->verdict = verdict;
    va_start(args, format);
    vsnprintf(finding->found, sizeof finding->found, format, args);
    va_end(args);
}

void advise(struct finding *finding, const char *cost, const char *change_format, ...)
{
    va_list args;
    finding->cost = cost;
    va_start(args, change_format);
    vsnprintf(finding->change, sizeof finding->change, change_format, args);
    va_end(args);
}

int64_t now_ns(void)
{
    struct pw_clock clock = pw_clock_host();
    return pw_clock_now_ns(&clock);
}

/* ---- files ---- */

static FILE *file_open(const struct patient *patient, const char *path)
{
    char whole[READ_PATH_BYTES];
    int bytes = snprintf(whole, sizeof whole, "%s%s", patient->sysroot, path);
    return bytes < (int)sizeof whole ? fopen(whole, "re") : NULL;
}

bool line_read(const struct patient *patient, const char *path, char *text, size_t text_bytes)
{
    return keyed_line_read(patient, path, "", text, text_bytes);
}

bool keyed_line_read(const struct patient *patient, const char *path, const char *key, char *text,
                     size_t text_bytes)
{
    char line[READ_LINE_BYTES];
    bool there = false;
    FILE *file = file_open(patient, path);
    while (file != NULL && !there && fgets(line, sizeof line, file) != NULL) {
        there = strncmp(line, key, strlen(key)) == 0;
    }
    if (file != NULL) {
        fclose(file);
    }
    if (there) {
        line[strcspn(line, "\n")] = '\0';
        snprintf(text, text_bytes, "%s", line + strlen(key));
    }
    return there;
}

bool number_read(const struct patient *patient, const char *path, long *number)
{
    char text[64];
    char *end;
    if (!line_read(patient, path, text, sizeof text)) {
        return false;
    }
    *number = strtol(text, &end, 10);
    return end != text;
}

bool set_read(const struct patient *patient, const char *path, struct pw_cpu_set *set)
{
    char text[READ_LINE_BYTES];
    *set = (struct pw_cpu_set){0};
    if (!line_read(patient, path, text, sizeof text)) {
        return false;
    }
    if (pw_cpu_set_parse(text, set)) {
        return true;
    }
    *set = (struct pw_cpu_set){0}; /* "(null)" is what some kernels say for none */
    return false;
}

bool boot_option_read(const struct patient *patient, const char *name, char *text, size_t text_bytes)
{
    char line[READ_LINE_BYTES];
    char *rest = line;
    size_t name_bytes = strlen(name);
    if (!line_read(patient, "/proc/cmdline", line, sizeof line)) {
        return false;
    }
    for (char *word; (word = strsep(&rest, " ")) != NULL;) {
        if (strncmp(word, name, name_bytes) == 0 && word[name_bytes] == '=') {
            snprintf(text, text_bytes, "%s", word + name_bytes + 1);
            return true;
        }
    }
    return false;
}

bool chosen_word(const char *text, char *word, size_t word_bytes)
{
    const char *open = strchr(text, '[');
    const char *close = open != NULL ? strchr(open, ']') : NULL;
    if (close == NULL) {
        return false;
    }
    snprintf(word, word_bytes, "%.*s", (int)(close - open - 1), open + 1);
    return true;
}

/* ---- many files ---- */

size_t read_glob(const struct patient *patient, const char *pattern, struct read_glob *found)
{
    char whole[READ_PATH_BYTES];
    snprintf(whole, sizeof whole, "%s%s", patient->sysroot, pattern);
    found->sysroot_bytes = strlen(patient->sysroot);
    if (glob(whole, 0, NULL, &found->paths) != 0) {
        found->paths = (glob_t){0};
    }
    return found->paths.gl_pathc;
}

const char *read_glob_path(const struct read_glob *found, size_t path_idx)
{
    return found->paths.gl_pathv[path_idx] + found->sysroot_bytes;
}

void read_glob_end(struct read_glob *found)
{
    globfree(&found->paths);
}

struct read_tally read_tally(const struct patient *patient, const char *pattern, const char *wanted)
{
    struct read_tally tally = {0};
    struct read_glob files;
    size_t file_cnt = read_glob(patient, pattern, &files);
    for (size_t i = 0; i < file_cnt; i++) {
        char text[sizeof tally.other];
        if (line_read(patient, read_glob_path(&files, i), text, sizeof text)) {
            tally.cnt++;
            if (strcmp(text, wanted) != 0) {
                tally.other_cnt++;
                memcpy(tally.other, text, sizeof text);
            }
        }
    }
    read_glob_end(&files);
    return tally;
}

/* ---- sets ---- */

struct pw_cpu_set set_without(const struct pw_cpu_set *set, const struct pw_cpu_set *part)
{
    struct pw_cpu_set rest = *set;
    for (uint32_t i = 0; i < PW_CPUS_MAX / 64; i++) {
        rest.words[i] &= ~part->words[i];
    }
    return rest;
}

bool set_is_empty(const struct pw_cpu_set *set)
{
    return pw_cpu_set_cnt(set) == 0;
}

bool set_covers(const struct pw_cpu_set *set, const struct pw_cpu_set *part)
{
    struct pw_cpu_set rest = set_without(part, set);
    return set_is_empty(&rest);
}

bool set_meets(const struct pw_cpu_set *set, const struct pw_cpu_set *other)
{
    struct pw_cpu_set rest = set_without(set, other);
    return pw_cpu_set_cnt(&rest) < pw_cpu_set_cnt(set);
}
