/* SPDX-License-Identifier: MIT
 *
 * The metrics' table in shared memory.
 */
#include "metrics_table.h"
#include <string.h>

#define SIZES_FIT(group_, name_, unit_, help_)                                                               \
    static_assert(sizeof(#group_) <= sizeof(((struct pw_metric_row *)0)->group) &&                           \
                      sizeof(#name_) <= sizeof(((struct pw_metric_row *)0)->name) &&                         \
                      sizeof(unit_) <= sizeof(((struct pw_metric_row *)0)->unit) &&                          \
                      sizeof(help_) <= sizeof(((struct pw_metric_row *)0)->help),                            \
                  "a text of " #group_ "." #name_ " is too long");
PW_METRICS_TABLE(SIZES_FIT, SIZES_FIT)

#define ROW_(kind_, group_, name_, unit_, help_)                                                             \
    {.group = #group_, .name = #name_, .unit = unit_, .kind = kind_, .help = help_},
#define COUNTER_ROW(group, name, unit, help) ROW_(PW_METRIC_COUNTER, group, name, unit, help)
#define GAUGE_ROW(group, name, unit, help)   ROW_(PW_METRIC_GAUGE, group, name, unit, help)

static const struct pw_metric_row table[] = {PW_METRICS_TABLE(COUNTER_ROW, GAUGE_ROW)};

void pw_metrics_fill(struct pw_metric_row *rows)
{
    memcpy(rows, table, sizeof table);
}

struct pw_metric_row *pw_metrics_find(const struct pw_workspace *ws, const char *group, const char *name)
{
    for (uint32_t i = 0; i < ws->header->region_cnt; i++) {
        const struct pw_region *region = &ws->header->regions[i];
        for (uint32_t k = 0; region->kind == PW_REGION_METRICS && k < region->row_cnt; k++) {
            struct pw_metric_row *row = pw_region_at(ws, region, k);
            if (strncmp(row->group, group, sizeof row->group) == 0 &&
                strncmp(row->name, name, sizeof row->name) == 0) {
                return row;
            }
        }
    }
    return NULL;
}
