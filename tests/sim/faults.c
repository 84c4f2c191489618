/* SPDX-License-Identifier: MIT
 *
 * Faults tell what they hit, and which of them never did (cases/newcomer.md, 24).
 */
#include "faults.h"
#include "host.h"
#include <criterion/criterion.h>
#include <string.h>

static char g_log[4096];

static void log_keep(void *state, enum pw_log_level level, const char *text, uint64_t times)
{
    (void)times;
    (void)state;
    strcat(g_log, level == PW_LOG_WARN ? "warn " : "info ");
    strcat(strcat(g_log, text), "\n");
}

Test(faults, those_that_never_fire_are_told_and_why)
{
    static struct pw_sim_faults faults = {
        .fault_cnt = 3,
        .faults = {{.kind = PW_SIM_REST_ERROR, .match = "depth", .count = 1},
                   {.kind = PW_SIM_REST_ERROR, .match = "/api/v3/depth", .count = 1},
                   {.kind = PW_SIM_REST_ERROR, .match = "/api/v3/*", .after = 9, .count = 1}}};
    uint32_t delay_ms;
    pw_log_set_sink(log_keep, NULL);
    cr_expect_eq(pw_sim_faults_request(&faults, "/api/v3/depth", &delay_ms), &faults.faults[1]);
    cr_expect_null(pw_sim_faults_request(&faults, "/api/v3/depth", &delay_ms));
    pw_sim_faults_sum(&faults);
    cr_expect_not_null(strstr(g_log, "info fault 2 (rest_error) hits /api/v3/depth\n"), "%s", g_log);
    cr_expect_not_null(strstr(g_log, "warn fault 1 (rest_error) never fired: nothing matched 'depth'"), "%s",
                       g_log);
    cr_expect_not_null(strstr(g_log, "info fault 2 (rest_error): 1 hits"), "%s", g_log);
    cr_expect_not_null(strstr(g_log, "warn fault 3 (rest_error) never fired: 2 matched"), "%s", g_log);
    pw_log_set_sink(NULL, NULL);
}
