/* SPDX-License-Identifier: MIT
 *
 * The section `cores`: its keys, and what is checked of several of them, or against the host. See cores.h.
 */
#include "cores.h"

#include "config_check.h"
#include "cpu.h"
#include "word.h"
#include <string.h>

static const char *const g_idles[] = {"spin", "pause", "yield", "sleep"}; /* enum pw_idle */
static const char *const g_places[] = {"auto", "none"};                   /* PW_CORE_AUTO, PW_CORE_NONE */

static_assert(PW_IDLE_SPIN == 0 && PW_IDLE_PAUSE == 1 && PW_IDLE_YIELD == 2 && PW_IDLE_SLEEP == 3,
              "g_idles is in the order of enum pw_idle");
static_assert(sizeof(enum pw_idle) == sizeof(uint32_t), "a choice is stored as 32 bits");
static_assert(PW_CORE_AUTO == -1 && PW_CORE_NONE == -2, "g_places is in the order of the negative numbers");

/* clang-format off */
static const struct pw_key g_core_keys[] = {
    {.name = "core", PW_FIELD(struct pw_config_core, core), .kind = PW_VALUE_NUMBER, PW_CHOICES(g_places), .shown = "processor", .required = true, .fallback = "none",
     .help = "the processor of this thread: its number; `auto`: chosen from the host's topology; `none`: not "
             "bound"},
    {.name = "idle", PW_FIELD(struct pw_config_core, idle), .kind = PW_VALUE_CHOICE, .fallback = "sleep", PW_CHOICES(g_idles),
     .help = "what the thread does without work, from lowest latency to lowest CPU use"},
    {.name = "stages", PW_ROWS(struct pw_config_core, stages, stage_cnt), .kind = PW_VALUE_LIST,
     .item = PW_VALUE_TEXT, .shown = "stage", .required = true,
     .help = "the stages of this thread, polled in this order; each stage is in exactly one list"},
};

static const struct pw_key g_keys[] = {
    {.name = "cores", PW_ROWS(struct pw_config_cores, cores, core_cnt), .kind = PW_VALUE_GROUPS, .required = true,
     PW_GROUP(g_core_keys, "cores"), .help = "the threads: which stages each of them runs, and where"},
};
/* clang-format on */

/* What a check sees. */
struct check {
    struct pw_document *doc;
    const struct pw_config_cores *cores;
    const struct pw_cores_given *given;
    char names[PW_STAGES_MAX][PW_STAGE_NAME_BYTES];
    uint32_t stage_cnt;
};

/* ---- stages ---- */

static uint32_t stage_idx_of(const struct check *check, const char *name)
{
    uint32_t i = 0;
    while (i < check->stage_cnt && strcmp(check->names[i], name) != 0) {
        i++;
    }
    return i;
}

static void stage_unknown(const struct check *check, const char *name, yaml_mark_t mark)
{
    const char *names[PW_STAGES_MAX];
    for (uint32_t i = 0; i < check->stage_cnt; i++) {
        names[i] = check->names[i];
    }
    const char *nearest = pw_word_nearest(name, names, check->stage_cnt);
    char all[400] = "";
    for (uint32_t i = 0; i < check->stage_cnt; i++) {
        size_t size = strlen(all);
        snprintf(all + size, sizeof all - size, "%s%s", i > 0 ? " " : "", check->names[i]);
    }
    pw_document_problem(check->doc, mark, "stages: '%.40s' is not a stage; %s%s%suse one of: %s", name,
                        nearest ? "did you mean '" : "", nearest ? nearest : "", nearest ? "'? " : "", all);
}

/* Every stage in exactly one list. */
static void stages_check(const struct check *check)
{
    size_t placed_line[PW_STAGES_MAX] = {0};
    for (uint32_t c = 0; c < check->cores->core_cnt; c++) {
        const struct pw_config_core *core = &check->cores->cores[c];
        for (uint32_t s = 0; s < core->stage_cnt; s++) {
            if (core->stages[s][0] == '\0') {
                continue; /* reported already */
            }
            yaml_mark_t mark = pw_document_mark(check->doc, "cores[%u].stages[%u]", c, s);
            uint32_t stage_idx = stage_idx_of(check, core->stages[s]);
            if (stage_idx == check->stage_cnt) {
                stage_unknown(check, core->stages[s], mark);
            } else if (placed_line[stage_idx] != 0) {
                pw_document_problem(check->doc, mark,
                                    "stages: '%s' is listed twice (first in line %zu); remove one",
                                    core->stages[s], placed_line[stage_idx]);
            } else {
                placed_line[stage_idx] = mark.line + 1;
            }
        }
    }
    for (uint32_t i = 0; i < check->stage_cnt && check->cores->core_cnt > 0; i++) {
        if (placed_line[i] == 0) {
            pw_document_problem(check->doc, pw_document_mark(check->doc, "cores"),
                                "cores: stage '%s' is missing; add it to one core's stages", check->names[i]);
        }
    }
}

/* ---- cores ---- */

/* A numbered core: it exists, this process may use it, and no other thread of the engine does. */
static void core_check(const struct check *check, uint32_t core_idx)
{
    const struct pw_config_core *cores = check->cores->cores;
    int32_t number = cores[core_idx].core;
    yaml_mark_t mark = pw_document_mark(check->doc, "cores[%u].core", core_idx);
    char cpus[128];
    if (!pw_cpu_set_has(&check->given->cpus->online, (uint32_t)number)) {
        pw_cpu_set_print(&check->given->cpus->online, cpus, sizeof cpus);
        pw_document_problem(check->doc, mark, "core: this host has no processor %d; it has %s", number, cpus);
        return;
    }
    if (!pw_cpu_set_has(&check->given->cpus->allowed, (uint32_t)number)) {
        pw_cpu_set_print(&check->given->cpus->allowed, cpus, sizeof cpus);
        pw_document_problem(
            check->doc, mark,
            "core: this process may not use processor %d; it is allowed %s (taskset, cpuset or container)",
            number, cpus);
        return;
    }
    for (uint32_t i = 0; i < core_idx; i++) {
        if (cores[i].core == number) {
            pw_document_problem(
                check->doc, mark,
                "core: processor %d is already used (line %zu); use another, or merge the entries", number,
                pw_document_mark(check->doc, "cores[%u].core", i).line + 1);
            return;
        }
    }
}

static void cores_check(const struct check *check)
{
    uint32_t bound_cnt = 0;
    uint32_t allowed_cnt = pw_cpu_set_cnt(&check->given->cpus->allowed);
    for (uint32_t i = 0; i < check->cores->core_cnt; i++) {
        int32_t number = check->cores->cores[i].core;
        if (number >= 0) {
            core_check(check, i);
        }
        bound_cnt += number != PW_CORE_NONE;
        if (number != PW_CORE_NONE && bound_cnt == allowed_cnt + 1) {
            char cpus[128];
            pw_cpu_set_print(&check->given->cpus->allowed, cpus, sizeof cpus);
            pw_document_problem(
                check->doc, pw_document_mark(check->doc, "cores[%u].core", i),
                "cores: too few processors: %u allowed here (%s); put more stages on one core, or use "
                "`core: none`",
                allowed_cnt, cpus);
        }
    }
}

static void section_check(const struct pw_config_check *of)
{
    struct check check = {.doc = of->doc, .cores = of->record, .given = of->given};
    if (check.given != NULL) {
        check.stage_cnt = check.given->stage_names(of->config, check.names);
        if (check.stage_cnt > 0) {
            stages_check(&check);
        }
        cores_check(&check);
    }
}

static void stages_print(FILE *out, const void *given)
{
    char names[PW_STAGES_MAX][PW_STAGE_NAME_BYTES];
    uint32_t cnt = ((const struct pw_cores_given *)given)->stage_names(NULL, names);
    fputs("\nThe stages:", out);
    for (uint32_t i = 0; i < cnt; i++) {
        fprintf(out, "%s `%s`", i > 0 ? "," : "", names[i]);
    }
    fputs(".\n", out);
}

const struct pw_section pw_cores_section = {
    .keys = g_keys,
    .key_cnt = PW_COUNT_OF(g_keys),
    .bytes = sizeof(struct pw_config_cores),
    .check = section_check,
    .print_more = stages_print,
};

uint32_t pw_cores_find(const struct pw_config_cores *cores, const char *stage, uint32_t *place)
{
    for (uint32_t c = 0; c < cores->core_cnt; c++) {
        for (*place = 0; *place < cores->cores[c].stage_cnt; ++*place) {
            if (strcmp(cores->cores[c].stages[*place], stage) == 0) {
                return c;
            }
        }
    }
    return cores->core_cnt;
}
