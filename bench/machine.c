/* SPDX-License-Identifier: MIT
 *
 * The machine that figures were measured on: processor, kernel, what is tuned and what is not; its clock; its
 * cores.
 */
#include "bench.h"
#include "host.h"
#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define CALIBRATE_NS INT64_C(50000000)

double pw_bench_tick_ns = 1;
bool pw_bench_ticks_are_tsc;

/* First line of a small file, without its newline; `absent` if there is none. */
static const char *line_read(const char *path, char *line, size_t line_bytes, const char *absent)
{
    FILE *in = fopen(path, "re");
    if (in == NULL || fgets(line, (int)line_bytes, in) == NULL) {
        snprintf(line, line_bytes, "%s", absent);
    }
    if (in != NULL) {
        fclose(in);
    }
    line[strcspn(line, "\n")] = '\0';
    if (line[0] == '\0') {
        snprintf(line, line_bytes, "%s", absent);
    }
    return line;
}

/* ---- ticks ---- */

void pw_bench_ticks_calibrate(void)
{
    char source[32];
    line_read("/sys/devices/system/clocksource/clocksource0/current_clocksource", source, sizeof source, "");
#ifdef __x86_64__
    pw_bench_ticks_are_tsc = strcmp(source, "tsc") == 0;
#endif
    if (!pw_bench_ticks_are_tsc) {
        return;
    }
    int64_t start_ns = pw_clock_read_ns(CLOCK_MONOTONIC), now_ns;
    uint64_t start = pw_bench_ticks();
    do {
        now_ns = pw_clock_read_ns(CLOCK_MONOTONIC);
    } while (now_ns - start_ns < CALIBRATE_NS);
    pw_bench_tick_ns = (double)(now_ns - start_ns) / (double)(pw_bench_ticks() - start);
}

/* The smallest step that the ticks make, and what asking costs. */
static void ticks_describe(char *text, size_t text_bytes)
{
    enum { READS = 20000 };
    uint64_t step = UINT64_MAX, first = pw_bench_ticks(), last = first;
    for (int i = 0; i < READS; i++) {
        uint64_t now = pw_bench_ticks();
        if (now != last && now - last < step) {
            step = now - last;
        }
        last = now;
    }
    snprintf(text, text_bytes, "%s, steps of %.1f ns, %.1f ns a read",
             pw_bench_ticks_are_tsc ? "time stamp counter" : "CLOCK_MONOTONIC",
             (double)step * pw_bench_tick_ns, (double)(last - first) * pw_bench_tick_ns / READS);
}

/* ---- cores ---- */

static int first_sibling(int core)
{
    char path[96], line[256];
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", core);
    return atoi(line_read(path, line, sizeof line, "-1"));
}

/* Puts the processors of a list such as "2-5,8" into a set. */
static void list_parse(const char *list, cpu_set_t *set)
{
    CPU_ZERO(set);
    while (*list >= '0' && *list <= '9') {
        char *end;
        long first = strtol(list, &end, 10), last = first;
        if (*end == '-') {
            last = strtol(end + 1, &end, 10);
        }
        for (long core = first; core <= last && core < CPU_SETSIZE; core++) {
            CPU_SET((size_t)core, set);
        }
        list = *end == ',' ? end + 1 : end;
    }
}

static void cores_take(struct pw_bench_env *env, const cpu_set_t *set)
{
    env->core_cnt = 0;
    for (int core = CPU_SETSIZE - 1; core >= 0 && env->core_cnt < 2; core--) {
        bool shares = env->core_cnt == 1 && first_sibling(core) == first_sibling(env->cores[0]);
        if (CPU_ISSET((size_t)core, set) && !shares) {
            env->cores[env->core_cnt++] = core;
        }
    }
}

void pw_bench_cores_choose(struct pw_bench_env *env)
{
    char line[256];
    cpu_set_t isolated, allowed;
    list_parse(line_read("/sys/devices/system/cpu/isolated", line, sizeof line, ""), &isolated);
    cores_take(env, &isolated); /* a process's own set leaves them out, yet it may bind to them */
    if (env->core_cnt < 2 && sched_getaffinity(0, sizeof allowed, &allowed) == 0) {
        cores_take(env, &allowed);
    }
}

int pw_bench_core_bind(int core)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)core, &set);
    return sched_setaffinity(0, sizeof set, &set) == 0 ? 0 : -errno;
}

int pw_bench_thread_start(pthread_t *thread, int core, void *(*run)(void *), void *arg)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)core, &set);
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    int result = pthread_attr_setaffinity_np(&attr, sizeof set, &set);
    if (result == 0) {
        result = pthread_create(thread, &attr, run, arg);
    }
    pthread_attr_destroy(&attr);
    return -result;
}

/* ---- description ---- */

/* The value of the first "key : value" line, as /proc/cpuinfo and /proc/meminfo have them. */
static void value_read(const char *path, const char *key, char *value, size_t value_bytes)
{
    char line[4096];
    FILE *in = fopen(path, "re");
    snprintf(value, value_bytes, "unknown");
    while (in != NULL && fgets(line, sizeof line, in) != NULL) {
        char *colon = strchr(line, ':');
        if (colon != NULL && strncmp(line, key, strlen(key)) == 0) {
            colon += 1 + strspn(colon + 1, " \t");
            colon[strcspn(colon, "\n")] = '\0';
            snprintf(value, value_bytes, "%s", colon);
            break;
        }
    }
    if (in != NULL) {
        fclose(in);
    }
}

static void text_put(json_t *machine, const char *key, const char *value)
{
    json_object_set_new(machine, key, json_string(value));
}

static void processor_put(json_t *machine, const struct pw_bench_env *env)
{
    char text[256], flags[4096];
    value_read("/proc/cpuinfo", "model name", text, sizeof text);
    text_put(machine, "cpu", text);
    value_read("/proc/cpuinfo", "flags", flags, sizeof flags);
    json_object_set_new(machine, "virtual_machine", json_boolean(strstr(flags, " hypervisor") != NULL));
    json_object_set_new(machine, "cores_online", json_integer(sysconf(_SC_NPROCESSORS_ONLN)));
    json_t *used = json_array();
    for (uint32_t i = 0; i < env->core_cnt; i++) {
        json_array_append_new(used, json_integer(env->cores[i]));
    }
    json_object_set_new(machine, "cores_used", used);
    text_put(machine, "cores_isolated",
             line_read("/sys/devices/system/cpu/isolated", text, sizeof text, "none"));
    char path[96];
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/cpufreq/scaling_governor", env->cores[0]);
    text_put(machine, "governor", line_read(path, text, sizeof text, "not available"));
    text_put(machine, "load_average", line_read("/proc/loadavg", text, sizeof text, "unknown"));
}

/* Busy and all time of all processors, as /proc/stat has it: user, nice, system, idle, iowait, irq, softirq,
 * steal. */
static void time_read(double *busy, double *all)
{
    double at[8] = {0};
    FILE *in = fopen("/proc/stat", "re");
    int cnt = in == NULL ? 0
                         : fscanf(in, "cpu %lf %lf %lf %lf %lf %lf %lf %lf", &at[0], &at[1], &at[2], &at[3],
                                  &at[4], &at[5], &at[6], &at[7]);
    if (in != NULL) {
        fclose(in);
    }
    *all = 0;
    for (int i = 0; i < cnt; i++) {
        *all += at[i];
    }
    *busy = *all - at[3] - at[4];
}

double pw_bench_load(void)
{
    double busy[2], all[2];
    time_read(&busy[0], &all[0]);
    nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
    time_read(&busy[1], &all[1]);
    return all[1] > all[0] ? (busy[1] - busy[0]) / (all[1] - all[0]) : 0;
}

json_t *pw_bench_machine(const struct pw_bench_env *env)
{
    json_t *machine = json_object();
    char text[256];
    processor_put(machine, env);
    struct utsname name;
    uname(&name);
    text_put(machine, "kernel", name.release);
    value_read("/proc/meminfo", "HugePages_Total", text, sizeof text);
    text_put(machine, "huge_pages", text);
    text_put(machine, "transparent_huge_pages",
             line_read("/sys/kernel/mm/transparent_hugepage/enabled", text, sizeof text, "none"));
    text_put(machine, "clock_source",
             line_read("/sys/devices/system/clocksource/clocksource0/current_clocksource", text, sizeof text,
                       "unknown"));
    ticks_describe(text, sizeof text);
    text_put(machine, "clock", text);
    text_put(machine, "compiler", "gcc " __VERSION__);
    text_put(machine, "build", PW_BUILD_TYPE);
    time_t now = time(NULL);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
    text_put(machine, "date", text);
    return machine;
}
