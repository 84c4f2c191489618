/* SPDX-License-Identifier: MIT
 *
 * The metrics: what a stage counts in a field is read under that field's name, for every metric of every
 * group.
 */
#include "metrics_table.h"
#include <criterion/criterion.h>
#include <pinwheel/workspace.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct pw_workspace open_workspace(uint32_t row_cnt)
{
    struct pw_workspace ws;
    struct pw_region_want want = {.name = "metrics",
                                  .kind = PW_REGION_METRICS,
                                  .row_cnt = row_cnt,
                                  .row_bytes = sizeof(struct pw_metric_row)};
    char instance[32], error[256];
    snprintf(instance, sizeof instance, "metrics%d", (int)getpid());
    cr_assert_eq(pw_workspace_create(&ws, instance, &want, 1, false, error, sizeof error), 0, "%s", error);
    return ws;
}

static struct pw_metric_row *rows_of(const struct pw_workspace *ws)
{
    return pw_workspace_rows(ws, "metrics", PW_REGION_METRICS);
}

static uint64_t value_of(const struct pw_workspace *ws, const char *group, const char *name)
{
    const struct pw_metric_row *row = pw_metrics_find(ws, group, name);
    cr_assert_not_null(row, "%s.%s", group, name);
    return row->value;
}

Test(metrics, every_row_is_there_once_with_its_description)
{
    static struct pw_metric_row rows[PW_METRIC_CNT];
    pw_metrics_fill(rows);
    for (uint32_t i = 0; i < PW_METRIC_CNT; i++) {
        cr_assert_eq(rows[i].value, 0u);
        cr_assert(rows[i].kind == PW_METRIC_COUNTER || rows[i].kind == PW_METRIC_GAUGE);
        cr_assert(rows[i].group[0] != '\0' && rows[i].name[0] != '\0' && rows[i].help[0] != '\0');
        for (uint32_t k = 0; k < i; k++) {
            cr_assert(strcmp(rows[i].group, rows[k].group) != 0 || strcmp(rows[i].name, rows[k].name) != 0,
                      "%s.%s twice", rows[i].group, rows[i].name);
        }
    }
}

/* Counts each field of a group to a number of its own, by its C name, and reads the word of the same name. */
static uint64_t g_next;
#define COUNT(name, unit, help)                metrics.name = (__typeof__(metrics.name))++g_next;
#define COUNT_DENIED(NAME, number, name, help) metrics.denied_##name = ++g_next;
#define CHECK_(name)                           cr_expect_eq(value_of(&ws, group_name, name), ++g_next, "%s", name);
#define CHECK(name, unit, help)                CHECK_(#name)
#define CHECK_DENIED(NAME, number, name, help) CHECK_("denied_" #name)
#define CHECK_GROUP(group, stage, ROWS)                                                                      \
    {                                                                                                        \
        const char *group_name = #group;                                                                     \
        struct pw_metric_row *rows = pw_metrics_rows(&ws, PW_METRIC_GROUP_##group, #group);                  \
        struct pw_##group##_metrics metrics;                                                                 \
        cr_assert_not_null(rows);                                                                            \
        uint64_t begin = g_next;                                                                             \
        ROWS(COUNT, COUNT, COUNT_DENIED)                                                                     \
        pw_##group##_metrics_publish(rows, &metrics);                                                        \
        g_next = begin;                                                                                      \
        ROWS(CHECK, CHECK, CHECK_DENIED)                                                                     \
    }

Test(metrics, what_a_field_counts_is_read_under_its_name)
{
    struct pw_workspace ws = open_workspace(PW_METRIC_CNT);
    pw_metrics_fill(rows_of(&ws));
    PW_METRIC_GROUPS(CHECK_GROUP)
    cr_expect_eq(g_next, PW_METRIC_CNT, "every row was looked at");
    pw_workspace_close(&ws, true);
}

Test(metrics, the_word_of_one_metric_is_found_by_its_field)
{
    struct pw_workspace ws = open_workspace(PW_METRIC_CNT);
    pw_metrics_fill(rows_of(&ws));
    struct pw_metric_row *rows = pw_metrics_rows(&ws, PW_METRIC_GROUP_gateway, "gateway");
    cr_assert_eq(PW_METRIC_WORD(rows, gateway, ready), &pw_metrics_find(&ws, "gateway", "ready")->value);
    struct pw_execution_metrics metrics = {0};
    pw_metric_count_at(&metrics, offsetof(struct pw_execution_metrics, denied_cash));
    cr_expect_eq(metrics.denied_cash, 1u);
    pw_workspace_close(&ws, true);
}

Test(metrics, stages_with_lines_have_groups_of_their_own)
{
    uint32_t cnt = pw_metrics_stage_cnt("execution");
    cr_assert_eq(pw_metrics_stage_cnt("no_such"), 0u);
    struct pw_workspace ws = open_workspace(2 * cnt);
    struct pw_metric_row *rows = rows_of(&ws);
    cr_assert_eq(pw_metrics_put(pw_metrics_put(rows, "execution", "execution.1"), "execution", "execution.2"),
                 rows + 2 * cnt);
    pw_metrics_find(&ws, "execution.2", "fills")->value = 2;
    pw_metrics_find(&ws, "gateway.2", "ready")->value = 3;
    cr_expect_eq(value_of(&ws, "execution.1", "fills"), 0u);
    cr_expect_eq(value_of(&ws, "gateway.1", "ready"), 0u);
    cr_expect_not_null(pw_metrics_rows(&ws, PW_METRIC_GROUP_gateway, "gateway.2"));
    cr_expect_null(pw_metrics_rows(&ws, PW_METRIC_GROUP_gateway, "gateway"));
    cr_expect_null(pw_metrics_rows(&ws, PW_METRIC_GROUP_parse, "parse"));
    pw_workspace_close(&ws, true);
}

Test(metrics, old_names_find_the_new_row_and_new_names_that_of_an_old_engine)
{
    struct pw_workspace ws = open_workspace(PW_METRIC_CNT);
    pw_metrics_fill(rows_of(&ws));
    for (uint32_t i = 0; i < pw_metric_alias_cnt; i++) {
        const struct pw_metric_alias *alias = &pw_metric_aliases[i];
        struct pw_metric_row *row = pw_metrics_find(&ws, alias->group, alias->name);
        cr_expect_not_null(row);
        cr_expect_eq(pw_metrics_find(&ws, alias->old_group, alias->old_name), row, "%s.%s", alias->old_group,
                     alias->old_name);
        snprintf(row->group, sizeof row->group, "%s", alias->old_group);
        snprintf(row->name, sizeof row->name, "%s", alias->old_name);
        cr_expect_eq(pw_metrics_find(&ws, alias->group, alias->name), row, "%s.%s", alias->group,
                     alias->name);
    }
    cr_expect_null(pw_metrics_find(&ws, "execution", "no_such"));
    pw_workspace_close(&ws, true);
}
