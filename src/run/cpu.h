/* SPDX-License-Identifier: MIT
 *
 * Processors: which there are, which we may use, which thread goes where, and binding it there.
 *
 * The topology (caches, physical cores, hyperthreads) is hwloc's. Where it knows nothing, placement goes on
 * by number and says so.
 */
#ifndef PW_CPU_H
#define PW_CPU_H

#include "cores.h"
#include <hwloc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PW_CPUS_MAX       1024u
#define PW_CPU_TEXT_BYTES 2048u

struct pw_cpu_set {
    uint64_t words[PW_CPUS_MAX / 64];
};

struct pw_cpus {
    struct pw_cpu_set online;
    struct pw_cpu_set allowed;  /* this process may bind threads to them (affinity, cpuset, container) */
    struct pw_cpu_set isolated; /* the kernel's scheduler leaves them alone (isolcpus=) */
};

bool pw_cpu_set_has(const struct pw_cpu_set *set, uint32_t cpu);
void pw_cpu_set_add(struct pw_cpu_set *set, uint32_t cpu);
uint32_t pw_cpu_set_cnt(const struct pw_cpu_set *set);
/* The kernel's list format, "0-3,8": false if it is not that, or beyond PW_CPUS_MAX. A newline at the end is
 * fine. */
bool pw_cpu_set_parse(const char *text, struct pw_cpu_set *set);
void pw_cpu_set_print(const struct pw_cpu_set *set, char *text, size_t text_bytes);

/* Isolated processors are not in the affinity that processes are born with, but may be bound to: they count
 * as allowed if the kernel agrees, unless the affinity has been narrowed on purpose (taskset). */
void pw_cpus_of_host(struct pw_cpus *cpus);

/* Puts a number in place of every PW_CORE_AUTO. Threads that do not sleep when idle are hot (all are, if none
 * is): they get physical cores of their own, in one L3, isolated ones first, away from core 0 where there is
 * a choice. The others get what is left, ordinary ones first. 0, or -ENOSPC with `error` when processors run
 * out. `note`: PW_CPU_TEXT_BYTES, what was chosen, one line a thread, and what was not available. */
int pw_cpu_place(struct pw_config_cores *cores, char *note, char *error, size_t error_bytes);

/* The same on a given machine; topology NULL: nothing is known about it. */
int pw_cpu_place_on(struct pw_config_cores *cores, hwloc_topology_t topology, const struct pw_cpus *cpus,
                    char *note, char *error, size_t error_bytes);

/* Binds the calling thread. 0 or -errno. */
int pw_cpu_bind(int32_t cpu);

#endif
