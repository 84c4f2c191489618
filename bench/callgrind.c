/* SPDX-License-Identifier: MIT
 *
 * A reader of callgrind's output: see callgrind.h, and "Callgrind Format Specification" of valgrind's manual.
 *
 * Of each function it has lines of its own costs, and for each callee a line calls= with the number of calls,
 * followed by one with their inclusive cost. Functions are "(number) name" the first time, "(number)" later.
 */
#include "callgrind.h"
#include <stdlib.h>
#include <string.h>

#define NUMBER_MAX 1000000u

/* Where the reading stands. */
struct reading {
    struct callgrind *counts;
    size_t caller, callee;
    uint64_t calls; /* of the callee; 0: it was called before the counting began */
    bool cost_next; /* the next line is their cost */
};

static bool room_make(struct callgrind *counts, size_t number)
{
    if (number < counts->function_cnt) {
        return true;
    }
    size_t cnt = number < 512 ? 1024 : 2 * number;
    struct callgrind_function *functions = realloc(counts->functions, cnt * sizeof *functions);
    if (functions == NULL) {
        return false;
    }
    memset(functions + counts->function_cnt, 0, (cnt - counts->function_cnt) * sizeof *functions);
    *counts = (struct callgrind){functions, cnt};
    return true;
}

/* "(12) name" or "(12)"; its number. */
static bool function_read(struct reading *reading, const char *text, size_t *number)
{
    char *end;
    if (*text != '(') {
        return false;
    }
    unsigned long long value = strtoull(text + 1, &end, 10);
    if (*end != ')' || value > NUMBER_MAX || !room_make(reading->counts, value)) {
        return false;
    }
    *number = value;
    if (end[1] == ' ') {
        struct callgrind_function *function = &reading->counts->functions[value];
        snprintf(function->name, sizeof function->name, "%.*s", (int)strcspn(end + 2, "\n"), end + 2);
    }
    return true;
}

/* "<place> <cost>": the cost of the calls before it. A function that calls itself has them counted already.
 */
static bool cost_read(struct reading *reading, const char *line)
{
    const char *cost = strchr(line, ' ');
    if (cost == NULL) {
        return false;
    }
    if (reading->callee != reading->caller) {
        struct callgrind_function *function = &reading->counts->functions[reading->callee];
        function->calls += reading->calls;
        function->instructions += strtoull(cost, NULL, 10);
    }
    reading->cost_next = false;
    return true;
}

/* "<calls> <place>" */
static bool calls_read(struct reading *reading, const char *text)
{
    char *end;
    reading->calls = strtoull(text, &end, 10);
    reading->cost_next = end != text;
    return reading->cost_next;
}

static bool line_read(struct reading *reading, const char *line)
{
    if (reading->cost_next) {
        return cost_read(reading, line);
    }
    if (strncmp(line, "fn=", 3) == 0) {
        return function_read(reading, line + 3, &reading->caller);
    }
    if (strncmp(line, "cfn=", 4) == 0) {
        return function_read(reading, line + 4, &reading->callee);
    }
    if (strncmp(line, "calls=", 6) == 0) {
        return calls_read(reading, line + 6);
    }
    return true; /* costs of its own, files, totals */
}

bool callgrind_read(struct callgrind *counts, FILE *in)
{
    char line[4096];
    *counts = (struct callgrind){0};
    struct reading reading = {.counts = counts};
    bool good = fgets(line, sizeof line, in) != NULL && strncmp(line, "# callgrind format", 18) == 0;
    while (good && fgets(line, sizeof line, in) != NULL) {
        good = line_read(&reading, line);
    }
    if (!good || ferror(in) || counts->functions == NULL) {
        callgrind_free(counts);
        return false;
    }
    return true;
}

void callgrind_free(struct callgrind *counts)
{
    free(counts->functions);
    *counts = (struct callgrind){0};
}

const struct callgrind_function *callgrind_find(const struct callgrind *counts, const char *name)
{
    for (size_t i = 0; i < counts->function_cnt; i++) {
        if (counts->functions[i].calls > 0 && strcmp(counts->functions[i].name, name) == 0) {
            return &counts->functions[i];
        }
    }
    return NULL;
}
