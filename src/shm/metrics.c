/* SPDX-License-Identifier: MIT
 *
 * The metrics' table in shared memory: rows made from the lists, and found again.
 */
#include "metrics_table.h"
#include "pw_assert.h"
#include <stdio.h>
#include <string.h>

#define FITS_(name_, unit_, help_)                                                                           \
    static_assert(sizeof(name_) <= sizeof(((struct pw_metric_row *)0)->name) &&                              \
                      sizeof(unit_) <= sizeof(((struct pw_metric_row *)0)->unit) &&                          \
                      sizeof(help_) <= sizeof(((struct pw_metric_row *)0)->help),                            \
                  "a text of metric " name_ " is too long");
#define FITS(name, unit, help)                FITS_(#name, unit, help)
#define DENIED_FITS(NAME, number, name, help) FITS_("denied_" #name, "1", "denied: " help)
#define GROUP_FITS(group_, stage, ROWS)                                                                      \
    static_assert(sizeof(#group_) <= sizeof(((struct pw_metric_row *)0)->group), "group " #group_);          \
    ROWS(FITS, FITS, DENIED_FITS)
PW_METRIC_GROUPS(GROUP_FITS)

#define COUNTER_INFO(name_, unit_, help_)                                                                    \
    {.name = #name_, .unit = unit_, .help = help_, .kind = PW_METRIC_COUNTER},
#define GAUGE_INFO(name_, unit_, help_)                                                                      \
    {.name = #name_, .unit = unit_, .help = help_, .kind = PW_METRIC_GAUGE},
#define DENIED_INFO(NAME, number, name_, help_)                                                              \
    {.name = "denied_" #name_, .unit = "1", .help = "denied: " help_, .kind = PW_METRIC_COUNTER},
#define GROUP_INFOS(group, stage, ROWS)                                                                      \
    static const struct pw_metric_info group##_infos[] = {ROWS(COUNTER_INFO, GAUGE_INFO, DENIED_INFO)};      \
    static_assert(sizeof group##_infos / sizeof *group##_infos ==                                            \
                      sizeof(struct pw_##group##_metrics) / sizeof(uint64_t),                                \
                  "a field a row");
PW_METRIC_GROUPS(GROUP_INFOS)

#define GROUP_INFO(group, stage_, ROWS)                                                                      \
    {.name = #group,                                                                                         \
     .stage = #stage_,                                                                                       \
     .metrics = group##_infos,                                                                               \
     .cnt = sizeof group##_infos / sizeof *group##_infos},
const struct pw_metric_group_info pw_metric_groups[PW_METRIC_GROUP_CNT] = {PW_METRIC_GROUPS(GROUP_INFO)};

/* An alias of a metric that is not there does not compile. */
#define ALIAS_LEADS_SOMEWHERE(old_group_, old_name_, group_, name_)                                          \
    static_assert(offsetof(struct pw_##group_##_metrics, name_) % sizeof(uint64_t) == 0, "");
PW_METRIC_ALIASES(ALIAS_LEADS_SOMEWHERE)

#define ALIAS(old_group_, old_name_, group_, name_) {#old_group_, #old_name_, #group_, #name_},
const struct pw_metric_alias pw_metric_aliases[] = {PW_METRIC_ALIASES(ALIAS)};
const uint32_t pw_metric_alias_cnt = sizeof pw_metric_aliases / sizeof *pw_metric_aliases;

uint32_t pw_metrics_stage_cnt(const char *kind)
{
    uint32_t cnt = 0;
    for (uint32_t i = 0; i < PW_METRIC_GROUP_CNT; i++) {
        cnt += strcmp(pw_metric_groups[i].stage, kind) == 0 ? pw_metric_groups[i].cnt : 0;
    }
    return cnt;
}

void pw_metrics_group_name(char name[PW_METRIC_GROUP_BYTES], enum pw_metric_group group, const char *stage)
{
    pw_assert(group < PW_METRIC_GROUP_CNT);
    const struct pw_metric_group_info *info = &pw_metric_groups[group];
    const char *line =
        strncmp(stage, info->stage, strlen(info->stage)) == 0 ? stage + strlen(info->stage) : "";
    snprintf(name, PW_METRIC_GROUP_BYTES, "%s%s", info->name, line);
}

const char *pw_metrics_gateway_name(char name[PW_METRIC_GROUP_BYTES], uint32_t account_idx)
{
    snprintf(name, PW_METRIC_GROUP_BYTES, account_idx == 0 ? "gateway" : "gateway.%u", account_idx + 1);
    return name;
}

struct pw_metric_row *pw_metrics_put_group(struct pw_metric_row *rows, enum pw_metric_group group,
                                           const char *name)
{
    const struct pw_metric_group_info *info = &pw_metric_groups[group];
    for (uint32_t k = 0; k < info->cnt; k++, rows++) {
        memset(rows, 0, sizeof *rows);
        snprintf(rows->group, sizeof rows->group, "%s", name);
        snprintf(rows->name, sizeof rows->name, "%s", info->metrics[k].name);
        snprintf(rows->unit, sizeof rows->unit, "%s", info->metrics[k].unit);
        snprintf(rows->help, sizeof rows->help, "%s", info->metrics[k].help);
        rows->kind = info->metrics[k].kind;
    }
    return rows;
}

struct pw_metric_row *pw_metrics_put(struct pw_metric_row *rows, const char *kind, const char *stage)
{
    for (uint32_t i = 0; i < PW_METRIC_GROUP_CNT; i++) {
        if (strcmp(pw_metric_groups[i].stage, kind) == 0) {
            char name[PW_METRIC_GROUP_BYTES];
            pw_metrics_group_name(name, (enum pw_metric_group)i, stage);
            rows = pw_metrics_put_group(rows, (enum pw_metric_group)i, name);
        }
    }
    return rows;
}

void pw_metrics_fill(struct pw_metric_row *rows)
{
    for (uint32_t i = 0; i < PW_METRIC_GROUP_CNT; i++) {
        const char *stage = pw_metric_groups[i].stage;
        if (strcmp(pw_metric_groups[i].name, stage) == 0) {
            rows = pw_metrics_put(rows, stage, stage);
        }
    }
}

static struct pw_metric_row *find(const struct pw_workspace *ws, const char *group, const char *name,
                                  uint32_t row_cnt)
{
    for (uint32_t i = 0; i < ws->header->region_cnt; i++) {
        const struct pw_region *region = &ws->header->regions[i];
        for (uint32_t k = 0; region->kind == PW_REGION_METRICS && k + row_cnt <= region->row_cnt; k++) {
            struct pw_metric_row *row = pw_region_at(ws, region, k);
            if (strncmp(row->group, group, sizeof row->group) == 0 &&
                strncmp(row->name, name, sizeof row->name) == 0) {
                return row;
            }
        }
    }
    return NULL;
}

struct pw_metric_row *pw_metrics_rows(const struct pw_workspace *ws, enum pw_metric_group group,
                                      const char *name)
{
    pw_assert(group < PW_METRIC_GROUP_CNT);
    const struct pw_metric_group_info *info = &pw_metric_groups[group];
    struct pw_metric_row *rows = find(ws, name, info->metrics[0].name, info->cnt);
    for (uint32_t i = 0; rows != NULL && i < info->cnt; i++) {
        if (strcmp(rows[i].group, name) != 0 || strcmp(rows[i].name, info->metrics[i].name) != 0) {
            return NULL;
        }
    }
    return rows;
}

struct pw_metric_row *pw_metrics_find(const struct pw_workspace *ws, const char *group, const char *name)
{
    struct pw_metric_row *row = find(ws, group, name, 1);
    for (uint32_t i = 0; i < pw_metric_alias_cnt && row == NULL; i++) {
        const struct pw_metric_alias *alias = &pw_metric_aliases[i];
        if (strcmp(group, alias->old_group) == 0 && strcmp(name, alias->old_name) == 0) {
            row = find(ws, alias->group, alias->name, 1);
        } else if (strcmp(group, alias->group) == 0 && strcmp(name, alias->name) == 0) {
            row = find(ws, alias->old_group, alias->old_name, 1);
        }
    }
    return row;
}
