/* SPDX-License-Identifier: MIT
 *
 * What a stage finds in its workspace: rings by name, optional ones absent, metrics by group and name.
 */
#include "stage.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pinwheel/histogram.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char g_dir[] = "/tmp/pinwheel-env-XXXXXX";
static struct pw_workspace g_ws;
static struct pw_stage_env g_env;

static void metric_name(uint32_t row_idx, const char *group, const char *name)
{
    const struct pw_region *region = pw_workspace_find(&g_ws, "metrics", PW_REGION_METRICS);
    cr_assert_not_null(region);
    struct pw_metric_row *row = pw_region_at(&g_ws, region, row_idx);
    snprintf(row->group, sizeof row->group, "%s", group);
    snprintf(row->name, sizeof row->name, "%s", name);
}

static void setup(void)
{
    const struct pw_region_want wants[] = {
        {.name = "a.b", .kind = PW_REGION_RING, .ring_slots = 256},
        {.name = "metrics",
         .kind = PW_REGION_METRICS,
         .row_cnt = 2,
         .row_bytes = sizeof(struct pw_metric_row)},
        {.name = "hop", .kind = PW_REGION_HISTOGRAM, .row_cnt = 1, .row_bytes = sizeof(struct pw_histogram)},
    };
    char error[256];
    cr_assert_not_null(mkdtemp(g_dir));
    setenv("PINWHEEL_SHM_DIR", g_dir, 1);
    cr_assert_eq(pw_workspace_create(&g_ws, "env-test", wants, 3, false, error, sizeof error), 0, "%s",
                 error);
    metric_name(0, "parse", "frames");
    metric_name(1, "strategy", "frames");
    g_env = (struct pw_stage_env){.stage = "parse", .ws = &g_ws};
}

static void teardown(void)
{
    pw_workspace_close(&g_ws, true);
    rmdir(g_dir);
}

TestSuite(env, .init = setup, .fini = teardown);

Test(env, both_ends_of_a_ring_meet)
{
    struct pw_producer producer;
    struct pw_consumer consumer;
    cr_assert_eq(pw_env_producer(&g_env, "a.b", &producer), 0);
    cr_assert_eq(pw_env_consumer(&g_env, "a.b", &consumer), 0);
    struct pw_event event = {.kind = PW_EVENT_TIME, .recv_ns = 77};
    cr_assert_geq(pw_producer_room(&producer, 1), 1);
    pw_producer_put(&producer, &event);
    pw_producer_publish(&producer);
    cr_assert_eq(pw_consumer_peek(&consumer, 8), 1);
    cr_expect_eq(pw_consumer_at(&consumer, 0)->recv_ns, 77);
}

Test(env, ring_that_the_config_leaves_out_is_enoent)
{
    struct pw_producer producer;
    struct pw_consumer consumer;
    cr_expect_eq(pw_env_producer(&g_env, "parse.journal", &producer), -ENOENT);
    cr_expect_eq(pw_env_consumer(&g_env, "parse.journal", &consumer), -ENOENT);
    cr_expect_eq(pw_env_producer(&g_env, "metrics", &producer), -ENOENT,
                 "a region of another kind is no ring");
}

Test(env, metric_is_found_by_group_and_name)
{
    _Atomic uint64_t *word = pw_env_metric(&g_env, "strategy", "frames");
    cr_assert_not_null(word);
    pw_count(word, 5);
    const struct pw_region *region = pw_workspace_find(&g_ws, "metrics", PW_REGION_METRICS);
    cr_expect_eq(((struct pw_metric_row *)pw_region_at(&g_ws, region, 0))->value, 0);
    cr_expect_eq(((struct pw_metric_row *)pw_region_at(&g_ws, region, 1))->value, 5);
    cr_expect_null(pw_env_metric(&g_env, "strategy", "framez"), "not declared");
}

Test(env, histogram_is_found_by_name)
{
    struct pw_histogram *histogram = pw_env_histogram(&g_env, "hop");
    cr_assert_not_null(histogram);
    pw_histogram_add(histogram, 1000);
    cr_expect_eq(histogram->count, 1);
    cr_expect_null(pw_env_histogram(&g_env, "hops"));
}
