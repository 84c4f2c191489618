/* SPDX-License-Identifier: MIT
 *
 * pinwheel doctor, on hosts made of files: each check both ways.
 */
#include "command.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(doctor, .init = dir_make, .fini = dir_remove);

/* ---- a host of files ---- */

/* Makes the folders above a path below g_dir; `whole`: 512 bytes, for the path. */
static void host_path(const char *path, char *whole)
{
    snprintf(whole, 512, "%s%s", g_dir, path);
    for (char *slash = strchr(whole + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(whole, 0700);
        *slash = '/';
    }
}

static void host_file(const char *path, const char *text)
{
    char whole[512];
    host_path(path, whole);
    FILE *file = fopen(whole, "w");
    cr_assert_not_null(file, "%s", whole);
    fputs(text, file);
    fclose(file);
}

static void host_link(const char *path, const char *target)
{
    char whole[512];
    host_path(path, whole);
    unlink(whole);
    cr_assert_eq(symlink(target, whole), 0, "%s", whole);
}

static void host_file_remove(const char *path)
{
    char whole[512];
    host_path(path, whole);
    cr_assert_eq(unlink(whole), 0, "%s", whole);
}

/* ---- what doctor says ---- */

/* All of it, as JSON, of the host below g_dir, whose journal has no disk to be timed; config: its path below
 * g_dir, or "". */
static json_t *examined(const char *config)
{
    char arguments[512];
    snprintf(arguments, sizeof arguments, "doctor --json --sysroot '%s' --journal /nowhere %s%s", g_dir,
             config[0] != 0 ? g_dir : "", config);
    run(arguments);
    json_t *all = json_loads(g_output, 0, NULL);
    cr_assert_not_null(all, "%s", g_output);
    return all;
}

static const json_t *row_of(const json_t *all, const char *name)
{
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(all, "checks"), i, row)
    {
        if (strcmp(json_string_value(json_object_get(row, "name")), name) == 0) {
            return row;
        }
    }
    cr_assert_fail("no check '%s'", name);
    return NULL;
}

static const char *text_of(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));
    return text != NULL ? text : "";
}

static void expect_verdict_for(const char *config, const char *name, const char *verdict, const char *words)
{
    json_t *all = examined(config);
    const json_t *row = row_of(all, name);
    const char *found = text_of(row, "found");
    cr_expect_str_eq(text_of(row, "verdict"), verdict, "%s: %s", name, found);
    cr_expect_not_null(strstr(found, words), "%s: wanted '%s', got '%s'", name, words, found);
    bool advised = strcmp(verdict, "advice") == 0 || strcmp(verdict, "bad") == 0;
    cr_expect_eq(text_of(row, "cost")[0] != 0, advised, "%s", name);
    cr_expect_eq(text_of(row, "change")[0] != 0, advised, "%s", name);
    json_decref(all);
}

/* Without a config: then the isolated cores are the hot ones. */
static void expect_verdict(const char *name, const char *verdict, const char *words)
{
    expect_verdict_for("", name, verdict, words);
}

static void expect_change(const char *config, const char *name, const char *words)
{
    json_t *all = examined(config);
    const char *change = text_of(row_of(all, name), "change");
    cr_expect_not_null(strstr(change, words), "%s: wanted '%s', got '%s'", name, words, change);
    json_decref(all);
}

/* ---- cores ---- */

#define CPU "/sys/devices/system/cpu"

Test(doctor, isolation)
{
    expect_verdict("isolation", "unknown", "");
    host_file(CPU "/isolated", "2-5\n");
    host_file(CPU "/nohz_full", "2-5\n");
    expect_verdict("isolation", "good", "isolated: 2-5; nohz_full: 2-5; rcu_nocbs: 2-5");
    host_file(CPU "/nohz_full", "(null)\n");
    host_file("/proc/cmdline", "quiet rcu_nocbs=2-5 isolcpus=2-5\n");
    expect_verdict("isolation", "advice", "nohz_full: none; rcu_nocbs: 2-5");
    expect_change("", "isolation", "isolcpus=managed_irq,domain,2-5 nohz_full=2-5 rcu_nocbs=2-5");
    host_file(CPU "/isolated", "\n");
    expect_verdict("isolation", "advice", "");
}

/* A whole config with these entries of `cores` and that journal, at g_dir/engine.yaml. */
static void config_with_journal(const char *cores, const char *journal)
{
    char text[2048];
    snprintf(text, sizeof text,
             "instance: doctored\ncores:\n%s"
             "feeds:\n"
             "  - {name: b, venue: binance_spot, ws_url: \"wss://localhost:1\", rest_url: "
             "\"https://localhost:1\", streams: [trade], instruments: [BTCUSDT]}\n"
             "gateway: paper\npaper: {cash: \"1\"}\njournal: {path: \"%s\"}\n",
             cores, journal);
    host_file("/engine.yaml", text);
}

static void config_file(const char *cores)
{
    char journal[300];
    snprintf(journal, sizeof journal, "%s/journal", g_dir);
    config_with_journal(cores, journal);
}

#define HOT_3_COLD_0                                                                                         \
    "  - {core: 3, idle: spin, stages: [net_rx, parse, strategy, execution, net_tx]}\n"                      \
    "  - {core: 0, idle: sleep, stages: [journal, housekeeping]}\n"

/* cases/newcomer.md, 22: the advice names cores of this host. */
Test(doctor, judges_the_cores_of_a_config)
{
    host_file(CPU "/online", "0-7\n");
    host_file(CPU "/isolated", "2-3\n");
    host_file(CPU "/nohz_full", "2-3\n");
    host_file("/proc/irq/24/smp_affinity_list", "2\n");
    config_file(HOT_3_COLD_0);
    expect_verdict_for("/engine.yaml", "processors", "good", "hot cores: 3");
    expect_verdict_for("/engine.yaml", "isolation", "good", "isolated: 2-3");
    expect_verdict_for("/engine.yaml", "interrupts", "good", "0 of 1");
    expect_verdict("interrupts", "advice", "24");
    host_file(CPU "/isolated", "2\n");
    expect_verdict_for("/engine.yaml", "isolation", "advice", "isolated: 2");
    expect_change("/engine.yaml", "isolation", "isolcpus=managed_irq,domain,3 ");
    /* `auto` prefers what is isolated. */
    config_file("  - {core: auto, idle: spin, stages: [net_rx, parse, strategy, execution, net_tx]}\n"
                "  - {core: none, idle: sleep, stages: [journal, housekeeping]}\n");
    expect_verdict_for("/engine.yaml", "isolation", "good", "isolated: 2");
    config_file("  - {core: none, idle: spin, stages: [net_rx, parse, strategy, execution, net_tx]}\n"
                "  - {core: none, idle: sleep, stages: [journal, housekeeping]}\n");
    expect_verdict_for("/engine.yaml", "isolation", "advice", "");
    /* One thread that sleeps is all there is: it is the hot one. */
    config_file("  - {core: 2, idle: sleep, stages: [net_rx, parse, strategy, execution, net_tx, journal, "
                "housekeeping]}\n");
    expect_verdict_for("/engine.yaml", "isolation", "good", "isolated: 2");
}

Test(doctor, refused_config_ends_with_3)
{
    char arguments[512];
    host_file(CPU "/online", "0-1\n");
    config_file(HOT_3_COLD_0); /* there is no core 3 */
    snprintf(arguments, sizeof arguments, "doctor --sysroot '%s' '%s/engine.yaml'", g_dir, g_dir);
    cr_expect_eq(run(arguments), 3);
    expect_output("engine.yaml:3:");
    cr_expect_eq(run("doctor one.yaml two.yaml"), 2);
}

Test(doctor, hyperthreads)
{
    expect_verdict("hyperthreads", "unknown", "");
    host_file(CPU "/smt/active", "1\n");
    expect_verdict("hyperthreads", "advice", "on");
    host_file(CPU "/online", "0-7\n");
    host_file(CPU "/isolated", "2-3\n");
    host_file(CPU "/cpu2/topology/thread_siblings_list", "2,6\n");
    host_file(CPU "/cpu3/topology/thread_siblings_list", "3,7\n");
    expect_verdict("hyperthreads", "advice", "6-7");
    expect_change("", "hyperthreads", "cpuN/online for N = 6-7");
    host_file(CPU "/isolated", "2-3,6-7\n");
    expect_verdict("hyperthreads", "good", "on");
    config_file("  - {core: 3, idle: spin, stages: [net_rx, net_tx, parse]}\n"
                "  - {core: 7, idle: spin, stages: [strategy, execution]}\n"
                "  - {core: 0, idle: sleep, stages: [journal, housekeeping]}\n");
    host_file(CPU "/cpu7/topology/thread_siblings_list", "3,7\n");
    expect_verdict_for("/engine.yaml", "hyperthreads", "advice", "3,7");
    host_file(CPU "/smt/active", "0\n");
    expect_verdict("hyperthreads", "good", "off");
}

Test(doctor, interrupts)
{
    expect_verdict("interrupts", "unknown", "");
    host_file("/proc/irq/24/smp_affinity_list", "0-7\n");
    host_file("/proc/irq/25/smp_affinity_list", "0-1\n");
    expect_verdict("interrupts", "unknown", "");
    host_file(CPU "/online", "0-7\n");
    host_file(CPU "/isolated", "2-7\n");
    expect_verdict("interrupts", "advice", "24");
    expect_change("", "interrupts", "for i in 24; do echo 0-1 > /proc/irq/$i/smp_affinity_list");
    host_file("/proc/irq/24/effective_affinity_list", "0\n"); /* where the kernel has put it */
    expect_verdict("interrupts", "good", "0 of 2");
    host_file("/proc/irq/24/effective_affinity_list", "4\n");
    expect_verdict("interrupts", "advice", "24");
    host_file(CPU "/isolated", "0-7\n");
    expect_change("", "interrupts", "core");
}

Test(doctor, irqbalance)
{
    expect_verdict("irqbalance", "unknown", "");
    host_file("/proc/1/comm", "systemd\n");
    expect_verdict("irqbalance", "good", "");
    host_file("/proc/812/comm", "irqbalance\n");
    expect_verdict("irqbalance", "advice", "");
    host_file(CPU "/isolated", "2-5\n");
    expect_verdict("irqbalance", "good", "");
}

Test(doctor, timer_tick)
{
    expect_verdict("timer tick", "unknown", "");
    host_file("/proc/sys/kernel/osrelease", "6.1.0-test\n");
    host_file("/boot/config-6.1.0-test", "# CONFIG_HZ_100 is not set\nCONFIG_HZ=1000\n");
    expect_verdict("timer tick", "advice", "1000 per second");
    expect_change("", "timer tick", "CONFIG_NO_HZ_FULL=y");
    host_file("/boot/config-6.1.0-test", "CONFIG_NO_HZ_FULL=y\nCONFIG_HZ=250\n");
    expect_verdict("timer tick", "advice", "250 per second");
    host_file(CPU "/isolated", "2-5\n");
    host_file(CPU "/nohz_full", "2-5\n");
    expect_verdict("timer tick", "good", "off");
}

Test(doctor, mitigations)
{
    expect_verdict("mitigations", "unknown", "");
    host_file(CPU "/vulnerabilities/meltdown", "Not affected\n");
    host_file(CPU "/vulnerabilities/spectre_v2", "Vulnerable\n");
    expect_verdict("mitigations", "good", "0 on");
    host_file(CPU "/vulnerabilities/spectre_v2", "Mitigation: Retpolines\n");
    expect_verdict("mitigations", "advice", "1 on: spectre_v2");
}

Test(doctor, rt_limit)
{
    expect_verdict("rt limit", "unknown", "");
    host_file("/proc/sys/kernel/sched_rt_runtime_us", "-1\n");
    expect_verdict("rt limit", "good", "");
    host_file("/proc/sys/kernel/sched_rt_runtime_us", "950000\n");
    expect_verdict("rt limit", "unknown", "950000 us"); /* this test is no real-time process */
}

Test(doctor, cpu_quota)
{
    expect_verdict("cpu quota", "unknown", "");
    host_file("/proc/self/cgroup", "0::/trading/engine\n");
    host_file("/sys/fs/cgroup/trading/engine/cpu.max", "max 100000\n");
    expect_verdict("cpu quota", "good", "none");
    host_file("/sys/fs/cgroup/trading/cpu.max", "150000 100000\n");
    expect_verdict("cpu quota", "advice", "1.50 CPUs");
    host_file("/sys/fs/cgroup/trading/cpu.max", "max 100000\n");
    host_file("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
    host_file("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    expect_verdict("cpu quota", "good", "none");
    host_file("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "50000\n");
    expect_verdict("cpu quota", "advice", "0.50 CPUs");
}

Test(doctor, steal)
{
    expect_verdict("steal", "unknown", "");
    host_file("/proc/stat", "cpu  900 0 50 49 0 0 0 1 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n");
    expect_verdict("steal", "advice", "0.100 %");
    host_file("/proc/stat", "cpu  900000 0 50 49 0 0 0 1 0 0\n");
    host_file("/proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu hypervisor aes\n");
    expect_verdict("steal", "good", "virtual");
}

/* ---- clocks and power ---- */

Test(doctor, governor_energy_and_boost)
{
    expect_verdict("governor", "unknown", "");
    host_file(CPU "/cpu0/cpufreq/scaling_governor", "performance\n");
    host_file(CPU "/cpu1/cpufreq/scaling_governor", "performance\n");
    expect_verdict("governor", "good", "performance on all 2");
    host_file(CPU "/cpu1/cpufreq/scaling_governor", "powersave\n");
    expect_verdict("governor", "advice", "'powersave' on 1 of 2");

    expect_verdict("energy", "unknown", "");
    host_file(CPU "/cpu0/cpufreq/energy_performance_preference", "performance\n");
    expect_verdict("energy", "good", "performance on all 1");
    host_file(CPU "/cpu0/cpufreq/energy_performance_preference", "balance_power\n");
    expect_verdict("energy", "advice", "'balance_power' on 1 of 1");

    expect_verdict("boost", "unknown", "");
    host_file(CPU "/cpufreq/boost", "1\n");
    expect_verdict("boost", "good", "on");
    host_file(CPU "/cpufreq/boost", "0\n");
    expect_verdict("boost", "advice", "off");
    host_file(CPU "/intel_pstate/no_turbo", "0\n");
    expect_verdict("boost", "good", "on");
    host_file(CPU "/intel_pstate/no_turbo", "1\n");
    expect_verdict("boost", "advice", "off");
    expect_change("", "boost", "echo 0 > " CPU "/intel_pstate/no_turbo");
}

static void latency_limit_file(int32_t us)
{
    char whole[512];
    host_path("/dev/cpu_dma_latency", whole);
    FILE *file = fopen(whole, "w");
    cr_assert_not_null(file);
    cr_assert_eq(fwrite(&us, sizeof us, 1, file), 1);
    fclose(file);
}

Test(doctor, idle_states)
{
    expect_verdict("idle states", "unknown", "");
    host_file(CPU "/cpu0/cpuidle/state0/latency", "2\n");
    expect_verdict("idle states", "good", "2 us");
    host_file(CPU "/cpu0/cpuidle/state1/latency", "133\n");
    expect_verdict("idle states", "advice", "133 us");
    latency_limit_file(2000000000); /* the kernel's way to say: none */
    expect_verdict("idle states", "advice", "133 us");
    latency_limit_file(10);
    expect_verdict("idle states", "good", "10 us");
    host_file_remove("/dev/cpu_dma_latency");
    host_file(CPU "/cpu0/cpuidle/state1/disable", "1\n");
    expect_verdict("idle states", "good", "2 us");
}

Test(doctor, clock_source)
{
    expect_verdict("clock source", "unknown", "");
    host_file("/sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n");
    expect_verdict("clock source", "good", "tsc");
    host_file("/sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet\n");
    expect_verdict("clock source", "advice", "hpet");
}

/* ---- memory ---- */

Test(doctor, huge_pages)
{
    expect_verdict("huge pages", "unknown", "");
    host_file(
        "/proc/meminfo",
        "MemTotal: 1 kB\nHugePages_Total:      64\nHugePages_Free:       60\nHugepagesize:       2048 kB\n");
    host_file("/proc/mounts", "none /proc proc rw 0 0\nnone /mnt/huge hugetlbfs rw,pagesize=2M 0 0\n");
    expect_verdict("huge pages", "good", "60 of 64 pages");
    host_file("/proc/mounts", "none /proc proc rw 0 0\n");
    expect_verdict("huge pages", "advice", "hugetlbfs");

    host_file("/sys/kernel/mm/transparent_hugepage/shmem_enabled",
              "always within_size [advise] never deny force\n");
    expect_verdict("transparent", "good", "advise");
    host_file("/sys/kernel/mm/transparent_hugepage/shmem_enabled",
              "always within_size advise [never] deny force\n");
    expect_verdict("transparent", "advice", "never");
}

Test(doctor, numa_and_swap)
{
    expect_verdict("numa", "good", "");
    host_file("/sys/devices/system/node/node0/cpulist", "0-3\n");
    host_file("/proc/sys/kernel/numa_balancing", "1\n");
    expect_verdict("numa", "good", "1 node");
    host_file("/sys/devices/system/node/node1/cpulist", "4-7\n");
    expect_verdict("numa", "advice", "2 nodes");
    host_file("/proc/sys/kernel/numa_balancing", "0\n");
    expect_verdict("numa", "good", "off");

    expect_verdict("swap", "unknown", "");
    host_file("/proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n");
    expect_verdict("swap", "good", "off");
    host_file("/proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n/dev/sda2 partition 1 0 -2\n");
    expect_verdict("swap", "advice", "on: /dev/sda2");
}

/* ---- network ---- */

Test(doctor, network_card)
{
    host_file("/sys/class/net/lo/mtu", "65536\n");
    expect_verdict("network card", "unknown", "");
    host_link("/sys/class/net/eth0/device/driver", "../../../../bus/virtio/drivers/virtio_net");
    expect_verdict("network card", "advice", "eth0 (virtio_net, virtual)");
    host_link("/sys/class/net/eth1/device/driver", "../../../../bus/pci/drivers/ice");
    expect_verdict("network card", "good", "eth0 (virtio_net, virtual), eth1 (ice)");
}

Test(doctor, busy_polling)
{
    expect_verdict("busy polling", "unknown", "");
    host_file("/proc/sys/net/core/busy_poll", "50\n");
    host_file("/proc/sys/net/core/busy_read", "0\n");
    host_file("/sys/class/net/eth0/napi_defer_hard_irqs", "0\n");
    host_file("/sys/class/net/eth0/gro_flush_timeout", "0\n");
    expect_verdict("busy polling", "good", "busy_poll 50 us, busy_read 0 us");
    host_file("/sys/class/net/eth0/gro_flush_timeout", "200000\n");
    expect_verdict("busy polling", "advice", "GRO flush: 1");
    host_file("/sys/class/net/eth0/gro_flush_timeout", "0\n");
    host_file("/sys/class/net/eth0/napi_defer_hard_irqs", "2\n");
    expect_verdict("busy polling", "advice", "deferred interrupts: 1");
}

Test(doctor, sockets)
{
    expect_verdict("sockets", "unknown", "");
    host_file("/proc/sys/kernel/osrelease", "6.0.12\n");
    expect_verdict("sockets", "good", "");
    host_file("/proc/sys/kernel/osrelease", "5.19.17-generic\n");
    expect_verdict("sockets", "advice", "");
}

/* True if a file of src/net holds the word. */
static bool net_source_holds(const char *word)
{
    char command[512];
    snprintf(command, sizeof command, "grep -qw '%s' \"$PINWHEEL_SOURCE\"/src/net/*.c", word);
    return system(command) == 0;
}

/* What doctor says that pinwheel asks of its sockets is what src/net asks. A change there is to be told in
 * g_socket_uses of tools/doctor_net.c. */
Test(doctor, tells_truly_what_src_net_uses)
{
    static const char *const words[] = {"TCP_NODELAY",
                                        "IORING_RECV_MULTISHOT",
                                        "io_uring_register_buf_ring",
                                        "io_uring_register_buffers",
                                        "io_uring_register_files",
                                        "io_uring_register_napi",
                                        "SO_BUSY_POLL"};
    json_t *all = examined("");
    char text[512];
    snprintf(text, sizeof text, "%s;", text_of(row_of(all, "sockets"), "found"));
    char *not_used = strstr(text, "; not");
    cr_assert_not_null(not_used);
    *not_used = '\0';
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        bool used = strstr(text, words[i]) != NULL;
        cr_expect_neq(used, strstr(not_used + 1, words[i]) != NULL, "%s is listed twice, or not at all",
                      words[i]);
        cr_expect_eq(used, net_source_holds(words[i]), "%s", words[i]);
    }
    json_decref(all);
}

Test(doctor, io_uring)
{
    host_file("/proc/sys/kernel/io_uring_disabled", "2\n");
    expect_verdict("io_uring", "bad", "kernel.io_uring_disabled is 2");
}

/* ---- as a whole ---- */

Test(doctor, exit_code_parts_bad_from_advice)
{
    char arguments[512];
    host_file("/sys/devices/system/cpu/smt/active", "1\n");
    snprintf(arguments, sizeof arguments, "doctor --strict --sysroot '%s'", g_dir);
    cr_expect_eq(run(arguments), 1, "advice, and strict");
    expect_output("hyperthreads  advice   on\n");
    expect_output(" advice, ");
    host_file("/proc/sys/kernel/io_uring_disabled", "1\n");
    snprintf(arguments, sizeof arguments, "doctor --sysroot '%s'", g_dir);
    cr_expect_eq(run(arguments), 1, "bad");
    cr_expect_eq(run("doctor --nonsense"), 2);
    cr_expect_eq(run("doctor --sysroot /nowhere"), 2);
    cr_expect_eq(run("doctor --sysroot /dev/null"), 2);
    cr_expect_eq(run("doctor --help"), 0);
}

Test(doctor, warns_of_a_journal_in_memory)
{
    if (access("/dev/shm", W_OK) != 0) {
        cr_skip_test("no /dev/shm to be had");
    }
    cr_expect_eq(run("doctor --journal /dev/shm"), 1);
    expect_output("journal disk  bad      /dev/shm: tmpfs");
}

#define UNBOUND                                                                                              \
    "  - {core: none, idle: sleep, stages: [net_rx, parse, strategy, execution, net_tx, journal, "           \
    "housekeeping]}\n"

/* cases/18-doctor-looks-at-another-disk: with a config, its journal's folder is the one that is judged. */
Test(doctor, judges_the_journal_of_the_config)
{
    char arguments[600], found[600];
    config_file(UNBOUND);
    snprintf(arguments, sizeof arguments, "doctor %s/engine.yaml", g_dir);
    run(arguments);
    snprintf(found, sizeof found, "%s: ", g_dir); /* where the folder is to be made */
    expect_output(found);

    config_with_journal(UNBOUND, "/nowhere/at/all");
    cr_expect_eq(run(arguments), 1);
    expect_output("/nowhere/at: No such file or directory");
}

static void expect_bad_journal(const char *path, const char *why)
{
    char text[1024], arguments[600];
    config_with_journal(UNBOUND, path);
    snprintf(arguments, sizeof arguments, "doctor %s/engine.yaml", g_dir);
    cr_expect_eq(run(arguments), 1);
    snprintf(text, sizeof text, "journal disk  bad      %s%s", path, why);
    expect_output(text);
}

/* cases/18-doctor-looks-at-another-disk: bad for what is wrong there, not for its file system or its room. */
Test(doctor, tells_of_a_journal_where_no_folder_can_be)
{
    expect_bad_journal("/etc/passwd", ": not a folder");
    expect_bad_journal("/dev/null", ": not a folder");
    expect_bad_journal("/proc", " cannot be written");
    expect_bad_journal("/sys", " cannot be written");
    char link[600];
    snprintf(link, sizeof link, "%s/dangling", g_dir);
    cr_assert_eq(symlink("nowhere", link), 0);
    expect_bad_journal(link, ": No such file or directory");
}

/* The table of docs/latency.md and the table of checks have the same rows. */
Test(doctor, page_names_every_check)
{
    char path[512], line[1024], name[64];
    json_t *all = examined("");
    size_t row_cnt = 0;
    snprintf(path, sizeof path, "%s/docs/latency.md", getenv("PINWHEEL_SOURCE"));
    FILE *page = fopen(path, "r");
    cr_assert_not_null(page, "%s", path);
    while (fgets(line, sizeof line, page) != NULL && strcmp(line, "## What to tune\n") != 0) {
    }
    while (fgets(line, sizeof line, page) != NULL && strncmp(line, "## ", 3) != 0) {
        if (sscanf(line, "| `%63[^`]` |", name) == 1) {
            row_of(all, name);
            row_cnt++;
        }
    }
    fclose(page);
    cr_expect_eq(row_cnt, json_array_size(json_object_get(all, "checks")));
    json_decref(all);
}
