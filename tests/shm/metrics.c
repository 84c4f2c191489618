/* SPDX-License-Identifier: MIT
 *
 * The metrics' table.
 */
#include "metrics_table.h"
#include <criterion/criterion.h>
#include <string.h>

Test(metrics, table_has_every_row_once_with_its_description)
{
    static struct pw_metric_row rows[PW_METRIC_CNT];
    pw_metrics_fill(rows);
    cr_assert_str_eq(rows[PW_M_parse_gaps].group, "parse");
    cr_assert_str_eq(rows[PW_M_parse_gaps].name, "gaps");
    cr_assert_eq(rows[PW_M_parse_gaps].kind, PW_METRIC_COUNTER);
    cr_assert_eq(rows[PW_M_housekeeping_clock_step_ns].kind, PW_METRIC_GAUGE);
    for (int i = 0; i < PW_METRIC_CNT; i++) {
        cr_assert_eq(rows[i].value, 0u);
        cr_assert(rows[i].group[0] != '\0' && rows[i].name[0] != '\0' && rows[i].help[0] != '\0');
        for (int k = 0; k < i; k++) {
            cr_assert(strcmp(rows[i].group, rows[k].group) != 0 || strcmp(rows[i].name, rows[k].name) != 0);
        }
    }
}
