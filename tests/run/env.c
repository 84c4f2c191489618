/* SPDX-License-Identifier: MIT
 *
 * What a stage finds in its workspace: its ends of rings by role, optional ones absent, metrics by group and
 * name. And how a topology names its rings.
 */
#include "instance.h"
#include "ring_sizes.h"
#include "stage.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pinwheel/histogram.h>
#include <stdlib.h>
#include <unistd.h>

static char g_dir[] = "/tmp/pinwheel-env-XXXXXX";
static struct pw_workspace g_ws;
static struct pw_topology g_topology;
static struct pw_stage_env g_env;

static struct pw_stage_env g_end; /* of stage b */
static struct pw_config *g_config;

static bool never(const struct pw_config *config)
{
    return !PW_CONFIG(config, instance)->keep_workspace;
}

static bool stalls(const struct pw_config *config)
{
    return PW_CONFIG(config, instance)->keep_workspace;
}

static const struct pw_ring_row g_rows[] = {
    {PW_RING_MARKET, "a", "b", .slots = 256},
    {PW_RING_REPORTS, "b", "a", "_back", .slots_at = offsetof(struct pw_config_rings, orders_slots)},
    {PW_RING_FRAMES, "a", "c", .slots = 256, .policy = PW_RING_DROP, .stalls = stalls},
    {PW_RING_COMMANDS, "b", "c", .slots = 256, .when = never},
    {PW_RING_CONNS, "b", "nobody", .slots = 256},
};

static void setup(void)
{
    const struct pw_region_want wants[] = {
        {.name = "a.1.b", .kind = PW_REGION_RING, .ring_slots = 256},
        {.name = "a.2.b", .kind = PW_REGION_RING, .ring_slots = 512},
        {.name = "metrics",
         .kind = PW_REGION_METRICS,
         .row_cnt = 2 * pw_metrics_stage_cnt("housekeeping"),
         .row_bytes = sizeof(struct pw_metric_row)},
        {.name = "hop", .kind = PW_REGION_HISTOGRAM, .row_cnt = 1, .row_bytes = sizeof(struct pw_histogram)},
    };
    char error[256];
    cr_assert_not_null(mkdtemp(g_dir));
    setenv("PINWHEEL_SHM_DIR", g_dir, 1);
    cr_assert_eq(pw_workspace_create(&g_ws, "env-test", wants, 4, false, error, sizeof error), 0, "%s",
                 error);
    const struct pw_region *metrics = pw_workspace_find(&g_ws, "metrics", PW_REGION_METRICS);
    struct pw_metric_row *rows =
        pw_metrics_put(pw_region_at(&g_ws, metrics, 0), "housekeeping", "housekeeping.1");
    pw_metrics_put(rows, "housekeeping", "housekeeping.2");
    const struct pw_section *const sections[] = {&pw_rings_section, &pw_instance_section};
    g_config = pw_config_create(sections, 2);
    cr_assert_not_null(g_config);
    PW_CONFIG_EDIT(g_config, rings)->orders_slots = 64;
    PW_CONFIG_EDIT(g_config, instance)->keep_workspace = true;
    pw_topology_add_end(&g_topology, "a", 1);
    pw_topology_add_end(&g_topology, "a", 2);
    pw_topology_add_end(&g_topology, "b", 0);
    pw_topology_add_end(&g_topology, "c", 2);
    pw_topology_connect(&g_topology, g_rows, sizeof g_rows / sizeof *g_rows, g_config);
    g_env = (struct pw_stage_env){.stage = "a.1", .ws = &g_ws, .topology = &g_topology};
    g_end = g_env;
    g_end.stage_idx = pw_topology_stage(&g_topology, "b");
}

static void teardown(void)
{
    pw_workspace_close(&g_ws, true);
    pw_config_destroy(g_config);
    rmdir(g_dir);
}

TestSuite(env, .init = setup, .fini = teardown);

Test(env, both_ends_of_a_ring_meet)
{
    struct pw_producer producer;
    struct pw_consumer consumer;
    cr_assert_eq(pw_env_producer(&g_env, PW_RING_MARKET, &producer), 0);
    cr_assert_eq(pw_env_consumer(&g_end, PW_RING_MARKET, &consumer), 0);
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
    cr_expect_eq(pw_env_producer(&g_end, PW_RING_COMMANDS, &producer), -ENOENT);
    cr_expect_eq(pw_env_producer(&g_end, PW_RING_CONNS, &producer), -ENOENT);
    cr_expect_eq(pw_env_consumer(&g_env, PW_RING_MARKET, &consumer), -ENOENT, "it has the other end");
    cr_expect_eq(pw_env_producer(&g_end, PW_RING_REPORTS, &producer), -ENOENT, "the workspace lacks it");
}

Test(env, lines_have_rings_of_their_own)
{
    struct pw_consumer consumers[2];
    cr_assert_eq(pw_env_consumer_nth(&g_end, PW_RING_MARKET, 0, &consumers[0]), 0);
    cr_assert_eq(pw_env_consumer_nth(&g_end, PW_RING_MARKET, 1, &consumers[1]), 0);
    cr_expect_eq(consumers[0].mask, 255);
    cr_expect_eq(consumers[1].mask, 511);
    cr_expect_eq(pw_env_consumer_nth(&g_end, PW_RING_MARKET, 2, &consumers[0]), -ENOENT);
}

Test(env, topology_names_rings_after_their_ends)
{
    static const char *const names[] = {"a.1.b", "a.2.b", "b.a.1_back", "b.a.2_back", "a.2.c.2"};
    cr_assert_eq(g_topology.ring_cnt, sizeof names / sizeof *names);
    for (uint32_t i = 0; i < g_topology.ring_cnt; i++) {
        cr_expect_str_eq(g_topology.rings[i].name, names[i]);
    }
    cr_expect_eq(g_topology.rings[2].slots, 64, "from the config");
    cr_expect_eq(g_topology.rings[4].policy, PW_RING_STALL, "as the config says");
    cr_expect_eq(pw_topology_stage(&g_topology, "a.2"), 1);
    cr_expect_eq(pw_topology_stage(&g_topology, "a"), g_topology.stage_cnt);
}

Test(env, metrics_are_those_of_the_stage)
{
    struct pw_stage_env env = {.ws = &g_ws, .stage = "housekeeping.2"};
    struct pw_metric_row *rows = pw_env_metrics(&env, PW_METRIC_GROUP_housekeeping);
    const struct pw_region *region = pw_workspace_find(&g_ws, "metrics", PW_REGION_METRICS);
    cr_expect_eq(rows, pw_region_at(&g_ws, region, pw_metrics_stage_cnt("housekeeping")));
    cr_expect_null(pw_env_metrics(&env, PW_METRIC_GROUP_parse), "not in this workspace");
    env.stage = "housekeeping";
    cr_expect_null(pw_env_metrics(&env, PW_METRIC_GROUP_housekeeping), "only its lines are");
}

Test(env, histogram_is_found_by_name)
{
    struct pw_histogram *histogram = pw_env_histogram(&g_env, "hop");
    cr_assert_not_null(histogram);
    pw_histogram_add(histogram, 1000);
    cr_expect_eq(histogram->count, 1);
    cr_expect_null(pw_env_histogram(&g_env, "hops"));
}
