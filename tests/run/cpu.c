/* SPDX-License-Identifier: MIT
 *
 * Placement on machines that hwloc makes up, and binding on the one that is here.
 */
#include "cpu.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct pw_config_cores *g_config;
static char g_note[PW_CPU_TEXT_BYTES];
static char g_error[512];

static void setup(void)
{
    g_config = calloc(1, sizeof *g_config);
    cr_assert_not_null(g_config);
}

static void teardown(void)
{
    free(g_config);
}

TestSuite(cpu, .init = setup, .fini = teardown);

/* A thread for each entry: h hot, c cold, to be placed; digits: a hot one fixed there; n: not bound. */
static void threads(const char *entries)
{
    g_config->core_cnt = 0;
    for (const char *entry = entries; *entry != '\0'; entry++) {
        struct pw_config_core *core = &g_config->cores[g_config->core_cnt++];
        core->idle = *entry == 'c' ? PW_IDLE_SLEEP : PW_IDLE_PAUSE;
        core->core = *entry == 'n'                    ? PW_CORE_NONE
                     : *entry >= '0' && *entry <= '9' ? *entry - '0'
                                                      : PW_CORE_AUTO;
        core->stage_cnt = 1;
        snprintf(core->stages[0], PW_STAGE_NAME_BYTES, "stage%u", g_config->core_cnt - 1);
    }
}

/* Places on a made-up machine ("": nothing is known of it) of which these processors are allowed and
 * isolated. */
static int place(const char *machine, const char *allowed, const char *isolated)
{
    struct pw_cpus cpus = {0};
    hwloc_topology_t topology = NULL;
    cr_assert(pw_cpu_set_parse(allowed, &cpus.allowed));
    cr_assert(pw_cpu_set_parse(isolated, &cpus.isolated));
    cpus.online = cpus.allowed;
    if (machine[0] != '\0') {
        cr_assert_eq(hwloc_topology_init(&topology), 0);
        cr_assert_eq(hwloc_topology_set_synthetic(topology, machine), 0, "%s", machine);
        cr_assert_eq(hwloc_topology_load(topology), 0);
    }
    int rc = pw_cpu_place_on(g_config, topology, &cpus, g_note, g_error, sizeof g_error);
    if (topology != NULL) {
        hwloc_topology_destroy(topology);
    }
    return rc;
}

/* "1 2 3" */
static void expect_places(const char *wanted)
{
    char got[128] = "";
    for (uint32_t i = 0; i < g_config->core_cnt; i++) {
        size_t size = strlen(got);
        snprintf(got + size, sizeof got - size, i > 0 ? " %d" : "%d", g_config->cores[i].core);
    }
    cr_expect_str_eq(got, wanted, "wanted %s, got %s\n%s", wanted, got, g_note);
}

Test(cpu, sets_are_read_and_printed_as_the_kernel_does)
{
    struct pw_cpu_set set;
    char text[128];
    cr_assert(pw_cpu_set_parse("0-2,5,1022-1023\n", &set));
    cr_expect_eq(pw_cpu_set_cnt(&set), 6);
    cr_expect(pw_cpu_set_has(&set, 1023));
    cr_expect_not(pw_cpu_set_has(&set, 1024));
    pw_cpu_set_print(&set, text, sizeof text);
    cr_expect_str_eq(text, "0-2,5,1022-1023");
    cr_assert(pw_cpu_set_parse("\n", &set));
    pw_cpu_set_print(&set, text, sizeof text);
    cr_expect_str_eq(text, "none");
    const char *const bad[] = {"a", "1-", "2-1", "1024", "1,,2", "-1", "1 2", "99999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        cr_expect_not(pw_cpu_set_parse(bad[i], &set), "'%s' was taken", bad[i]);
    }
}

/* 2 packages, 2 L3 each, 4 physical cores each, 2 hyperthreads each: 32 processors, 0 and 1 on one physical
 * core. */
#define LARGE "package:2 l3:2 core:4 pu:2"

Test(cpu, hot_threads_share_an_l3_and_no_physical_core_and_avoid_core_0)
{
    threads("hhhh");
    cr_assert_eq(place(LARGE, "0-31", ""), 0, "%s", g_error);
    expect_places("8 10 12 14"); /* the first L3 that has four physical cores without core 0 */
    threads("hhh");
    cr_assert_eq(place(LARGE, "0-31", ""), 0);
    expect_places("2 4 6");
    cr_expect_null(strstr(g_note, "core 0"));
}

Test(cpu, more_hot_threads_than_an_l3_has_cores_spill_over_and_say_so)
{
    threads("hhhhhh");
    cr_assert_eq(place(LARGE, "0-31", ""), 0, "%s", g_error);
    expect_places("8 10 12 14 2 4");
    cr_expect_not_null(strstr(g_note, "thread 4 (stage4): CPU 2, physical core 1, L3 0, different L3"), "%s",
                       g_note);
}

Test(cpu, cold_threads_take_what_is_left_without_disturbing_hot_ones)
{
    threads("hhhc");
    cr_assert_eq(place(LARGE, "0-31", ""), 0);
    expect_places("2 4 6 0");
    threads("hch");
    cr_assert_eq(place("package:1 l3:1 core:2 pu:2", "0-3", ""), 0);
    expect_places(
        "2 1 0"); /* no third physical core: the cold one shares, with core 0's hot thread or the other's */
    cr_expect_not_null(strstr(g_note, "physical core"), "%s", g_note);
}

Test(cpu, two_processors_give_core_0_to_the_cold_thread)
{
    threads("hc");
    cr_assert_eq(place("package:1 l3:1 core:2 pu:1", "0-1", ""), 0);
    expect_places("1 0");
    threads("ch");
    cr_assert_eq(place("package:1 l3:1 core:2 pu:1", "0-1", ""), 0);
    expect_places("0 1");
}

Test(cpu, single_sleeping_thread_counts_as_hot)
{
    threads("c");
    cr_assert_eq(place("package:1 l3:1 core:2 pu:1", "0-1", ""), 0);
    expect_places("1");
}

Test(cpu, one_processor_serves_with_a_word_about_it)
{
    threads("h");
    cr_assert_eq(place("package:1 l3:1 core:1 pu:1", "0", ""), 0);
    expect_places("0");
    cr_expect_not_null(strstr(g_note, "core 0: "), "%s", g_note);
}

Test(cpu, isolated_processors_are_for_hot_threads)
{
    threads("hhc");
    cr_assert_eq(place(LARGE, "0-31", "20,22"), 0);
    expect_places("20 22 16");
    cr_expect_not_null(strstr(g_note, "CPU 20, physical core 10, L3 2, isolated"), "%s", g_note);
    threads("hc");
    cr_assert_eq(place("package:1 l3:1 core:4 pu:1", "0-3", "3"), 0);
    expect_places("3 0");
}

Test(cpu, restricted_cpusets_are_kept_to)
{
    threads("hh");
    cr_assert_eq(place(LARGE, "17,19-21", ""), 0);
    expect_places("17 19");
    threads("hhh");
    cr_assert_eq(place(LARGE, "6,7,30", ""), 0);
    expect_places("6 30 7"); /* the third has to share: two physical cores are allowed */
}

Test(cpu, fixed_processors_are_respected_and_set_the_home)
{
    threads("h9h");
    cr_assert_eq(place(LARGE, "0-31", ""), 0);
    expect_places("10 9 12"); /* with the fixed one in its L3; not 8, its hyperthread */
    threads("hn");
    cr_assert_eq(place("package:1 l3:1 core:2 pu:1", "0-1", ""), 0);
    expect_places("1 -2");
    cr_expect_not_null(strstr(g_note, "thread 1 (stage1): not bound"), "%s", g_note);
}

Test(cpu, unknown_topology_places_by_number)
{
    threads("hhc");
    cr_assert_eq(place("", "0-3", ""), 0);
    expect_places("1 2 0");
    cr_expect_null(strstr(g_note, "L3"));
}

Test(cpu, machines_without_an_l3_are_one_home)
{
    threads("hh");
    cr_assert_eq(place("package:2 core:2 pu:1", "0-3", ""), 0);
    expect_places("1 2");
    cr_expect_null(strstr(g_note, "L3"), "%s", g_note);
}

Test(cpu, too_many_threads_are_refused)
{
    threads("hhc");
    cr_expect_eq(place("package:1 l3:1 core:2 pu:1", "0-1", ""), -ENOSPC);
    cr_expect_not_null(strstr(g_error, " 2 "), "%s", g_error);
}

Test(cpu, this_host_places_and_binds)
{
    struct pw_cpus cpus;
    pw_cpus_of_host(&cpus);
    cr_assert_geq(pw_cpu_set_cnt(&cpus.allowed), 1);
    threads("h");
    cr_assert_eq(pw_cpu_place(g_config, g_note, g_error, sizeof g_error), 0, "%s", g_error);
    int32_t cpu = g_config->cores[0].core;
    cr_expect(pw_cpu_set_has(&cpus.allowed, (uint32_t)cpu));
    cr_assert_eq(pw_cpu_bind(cpu), 0);
    cr_expect_eq(sched_getcpu(), cpu);
    cr_expect_eq(pw_cpu_bind(-1), -EINVAL);
}

Test(cpu, narrowed_affinity_is_what_is_allowed)
{
    struct pw_cpus cpus;
    pw_cpus_of_host(&cpus);
    uint32_t cpu = 0;
    while (!pw_cpu_set_has(&cpus.allowed, cpu)) {
        cpu++;
    }
    cr_assert_eq(pw_cpu_bind((int32_t)cpu), 0);
    pw_cpus_of_host(&cpus);
    cr_expect_eq(pw_cpu_set_cnt(&cpus.allowed), 1);
    cr_expect(pw_cpu_set_has(&cpus.allowed, cpu));
}
