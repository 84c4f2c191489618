/* SPDX-License-Identifier: MIT
 *
 * Processors: sets of them, what the host has, and placement.
 */
#include "cpu.h"

#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- sets ---- */

bool pw_cpu_set_has(const struct pw_cpu_set *set, uint32_t cpu)
{
    return cpu < PW_CPUS_MAX && (set->words[cpu / 64] >> (cpu % 64) & 1) != 0;
}

void pw_cpu_set_add(struct pw_cpu_set *set, uint32_t cpu)
{
    if (cpu < PW_CPUS_MAX) {
        set->words[cpu / 64] |= UINT64_C(1) << (cpu % 64);
    }
}

uint32_t pw_cpu_set_cnt(const struct pw_cpu_set *set)
{
    uint32_t cnt = 0;
    for (uint32_t i = 0; i < PW_CPUS_MAX / 64; i++) {
        cnt += (uint32_t)__builtin_popcountll(set->words[i]);
    }
    return cnt;
}

/* A number of the list, at most PW_CPUS_MAX - 1; false if there is none. */
static bool cpu_parse(const char **at, uint32_t *cpu)
{
    size_t digit_cnt = strspn(*at, "0123456789");
    if (digit_cnt == 0 || digit_cnt > 4) {
        return false;
    }
    *cpu = (uint32_t)strtoul(*at, NULL, 10);
    *at += digit_cnt;
    return *cpu < PW_CPUS_MAX;
}

bool pw_cpu_set_parse(const char *text, struct pw_cpu_set *set)
{
    const char *at = text;
    *set = (struct pw_cpu_set){0};
    while (*at != '\0' && *at != '\n') {
        uint32_t first;
        if (!cpu_parse(&at, &first)) {
            return false;
        }
        uint32_t last = first;
        if (*at == '-') {
            at++;
            if (!cpu_parse(&at, &last) || last < first) {
                return false;
            }
        }
        for (uint32_t cpu = first; cpu <= last; cpu++) {
            pw_cpu_set_add(set, cpu);
        }
        if (*at == ',') {
            at++;
        } else if (*at != '\0' && *at != '\n') {
            return false;
        }
    }
    return true;
}

void pw_cpu_set_print(const struct pw_cpu_set *set, char *text, size_t text_bytes)
{
    size_t size = 0;
    snprintf(text, text_bytes, "none");
    for (uint32_t first = 0; first < PW_CPUS_MAX && size < text_bytes; first++) {
        if (!pw_cpu_set_has(set, first)) {
            continue;
        }
        uint32_t last = first;
        while (pw_cpu_set_has(set, last + 1)) {
            last++;
        }
        size += (size_t)snprintf(text + size, text_bytes - size, last > first ? "%s%u-%u" : "%s%u",
                                 size > 0 ? "," : "", first, last);
        first = last;
    }
}

/* ---- the host ---- */

static bool cpu_list_read(const char *path, struct pw_cpu_set *set)
{
    char text[4096] = "";
    *set = (struct pw_cpu_set){0};
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return false;
    }
    bool good = fgets(text, sizeof text, file) != NULL && pw_cpu_set_parse(text, set);
    fclose(file);
    return good;
}

/* A mask of the kernel's size for PW_CPUS_MAX processors. */
union affinity {
    cpu_set_t set;
    struct pw_cpu_set cpus;
};

static_assert(sizeof(cpu_set_t) == sizeof(struct pw_cpu_set) && CPU_SETSIZE == PW_CPUS_MAX,
              "glibc's set and ours are the same bits on a 64-bit little-endian host");

/* Which of `wanted` the kernel lets this thread run on: it takes a mask cut down to the cpuset, or refuses.
 */
static struct pw_cpu_set affinity_try(const struct pw_cpu_set *wanted)
{
    union affinity before, asked = {.cpus = *wanted}, got = {.cpus = {{0}}};
    if (sched_getaffinity(0, sizeof before, &before.set) != 0 ||
        sched_setaffinity(0, sizeof asked, &asked.set) != 0) {
        return got.cpus;
    }
    if (sched_getaffinity(0, sizeof got, &got.set) != 0) {
        got.cpus = (struct pw_cpu_set){{0}};
    }
    sched_setaffinity(0, sizeof before, &before.set);
    return got.cpus;
}

static bool affinity_is_narrowed(const struct pw_cpus *cpus)
{
    for (uint32_t cpu = 0; cpu < PW_CPUS_MAX; cpu++) {
        if (pw_cpu_set_has(&cpus->online, cpu) && !pw_cpu_set_has(&cpus->isolated, cpu) &&
            !pw_cpu_set_has(&cpus->allowed, cpu)) {
            return true;
        }
    }
    return false;
}

void pw_cpus_of_host(struct pw_cpus *cpus)
{
    union affinity affinity;
    *cpus = (struct pw_cpus){0};
    if (sched_getaffinity(0, sizeof affinity, &affinity.set) != 0) {
        pw_cpu_set_add(&affinity.cpus, 0); /* more processors than PW_CPUS_MAX: the first is always there */
    }
    cpus->allowed = affinity.cpus;
    if (!cpu_list_read("/sys/devices/system/cpu/online", &cpus->online)) {
        cpus->online = cpus->allowed; /* no sysfs: what we may use is all that we know of */
    }
    cpu_list_read("/sys/devices/system/cpu/isolated", &cpus->isolated);
    if (pw_cpu_set_cnt(&cpus->isolated) > 0 && !affinity_is_narrowed(cpus)) {
        struct pw_cpu_set more = affinity_try(&cpus->isolated);
        for (uint32_t i = 0; i < PW_CPUS_MAX / 64; i++) {
            cpus->allowed.words[i] |= more.words[i];
        }
    }
}

int pw_cpu_bind(int32_t cpu)
{
    union affinity wanted = {.cpus = {{0}}};
    if (cpu < 0 || cpu >= (int32_t)PW_CPUS_MAX) {
        return -EINVAL;
    }
    pw_cpu_set_add(&wanted.cpus, (uint32_t)cpu);
    return sched_setaffinity(0, sizeof wanted, &wanted.set) == 0 ? 0 : -errno;
}

/* ---- placement ---- */

/* One allowed processor, as placement sees it. */
struct candidate {
    uint32_t cpu;
    uint32_t physical; /* hyperthreads of one physical core share this */
    uint32_t l3;       /* processors behind one L3 share this */
    uint32_t speed;    /* of the kind of core: larger is faster */
    bool isolated;
    bool on_core_0; /* its physical core is that of processor 0, where the kernel does its chores */
    bool taken;
};

struct placement {
    uint32_t candidate_cnt;
    struct candidate candidates[PW_CPUS_MAX];
    bool hot_physical[PW_CPUS_MAX]; /* physical cores on which a hot thread runs */
    uint32_t home_l3;
    bool l3_known;
};

/* Adds to the note; what does not fit is left out. */
static void note_add(char *note, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void note_add(char *note, const char *format, ...)
{
    size_t size = strlen(note);
    va_list args;
    va_start(args, format);
    vsnprintf(note + size, PW_CPU_TEXT_BYTES - size, format, args);
    va_end(args);
}

/* The number of the ancestor of that kind; -1 if there is none. */
static int ancestor_number(hwloc_topology_t topology, hwloc_obj_t pu, hwloc_obj_type_t kind)
{
    hwloc_obj_t object = pu != NULL ? hwloc_get_ancestor_obj_by_type(topology, kind, pu) : NULL;
    return object != NULL ? (int)object->logical_index : -1;
}

static void candidate_learn(struct candidate *candidate, hwloc_topology_t topology, bool *l3_known)
{
    hwloc_obj_t pu = topology != NULL ? hwloc_get_pu_obj_by_os_index(topology, candidate->cpu) : NULL;
    int physical = ancestor_number(topology, pu, HWLOC_OBJ_CORE);
    int l3 = ancestor_number(topology, pu, HWLOC_OBJ_L3CACHE);
    int speed = pu != NULL ? hwloc_cpukinds_get_by_cpuset(topology, pu->cpuset, 0) : -1;
    /* Unknown: a core of its own, one L3 for all, one speed for all. */
    candidate->physical = physical >= 0 ? (uint32_t)physical : candidate->cpu;
    candidate->l3 = l3 >= 0 ? (uint32_t)l3 : 0;
    candidate->speed = speed >= 0 ? (uint32_t)speed : 0;
    *l3_known = *l3_known && l3 >= 0;
}

static void candidates_find(struct placement *place, hwloc_topology_t topology, const struct pw_cpus *cpus)
{
    struct candidate zero = {.cpu = 0};
    bool ignored = true;
    candidate_learn(&zero, topology, &ignored);
    place->l3_known = true;
    for (uint32_t cpu = 0; cpu < PW_CPUS_MAX; cpu++) {
        if (!pw_cpu_set_has(&cpus->allowed, cpu)) {
            continue;
        }
        struct candidate *candidate = &place->candidates[place->candidate_cnt++];
        *candidate = (struct candidate){.cpu = cpu, .isolated = pw_cpu_set_has(&cpus->isolated, cpu)};
        candidate_learn(candidate, topology, &place->l3_known);
        candidate->on_core_0 = candidate->physical == zero.physical;
    }
}

static struct candidate *candidate_of(struct placement *place, int32_t cpu)
{
    for (uint32_t i = 0; i < place->candidate_cnt; i++) {
        if ((int32_t)place->candidates[i].cpu == cpu) {
            return &place->candidates[i];
        }
    }
    return NULL;
}

static bool any_hot(const struct pw_config_cores *cores)
{
    for (uint32_t i = 0; i < cores->core_cnt; i++) {
        if (cores->cores[i].idle != PW_IDLE_SLEEP) {
            return true;
        }
    }
    return false;
}

static bool is_hot(const struct pw_config_cores *cores, uint32_t core_idx)
{
    return cores->cores[core_idx].idle != PW_IDLE_SLEEP || !any_hot(cores);
}

static void candidate_take(struct placement *place, struct candidate *candidate, bool hot)
{
    candidate->taken = true;
    if (hot) {
        place->hot_physical[candidate->physical % PW_CPUS_MAX] = true;
    }
}

/* What an L3 has to offer to `hot_cnt` hot threads: isolated physical cores count most, then those that are
 * not core 0, then all. */
static uint32_t l3_score(const struct placement *place, uint32_t l3, uint32_t hot_cnt)
{
    bool counted[PW_CPUS_MAX] = {false};
    uint32_t isolated_cnt = 0, quiet_cnt = 0, all_cnt = 0;
    for (uint32_t i = 0; i < place->candidate_cnt; i++) {
        const struct candidate *candidate = &place->candidates[i];
        uint32_t physical = candidate->physical % PW_CPUS_MAX;
        if (candidate->l3 != l3 || candidate->taken || counted[physical] || place->hot_physical[physical]) {
            continue;
        }
        counted[physical] = true;
        isolated_cnt += candidate->isolated;
        quiet_cnt += !candidate->on_core_0;
        all_cnt++;
    }
    isolated_cnt = isolated_cnt < hot_cnt ? isolated_cnt : hot_cnt;
    quiet_cnt = quiet_cnt < hot_cnt ? quiet_cnt : hot_cnt;
    all_cnt = all_cnt < hot_cnt ? all_cnt : hot_cnt;
    return (isolated_cnt * (PW_CORES_MAX + 1) + quiet_cnt) * (PW_CORES_MAX + 1) + all_cnt;
}

/* Where the hot threads are to be at home: with those that the user has placed by number, else where most
 * fit. */
static void home_choose(struct placement *place, const struct pw_config_cores *cores)
{
    uint32_t hot_cnt = 0, best_score = 0;
    for (uint32_t i = 0; i < cores->core_cnt; i++) {
        struct candidate *fixed = candidate_of(place, cores->cores[i].core);
        if (fixed != NULL && is_hot(cores, i)) {
            place->home_l3 = fixed->l3;
            return;
        }
        hot_cnt += cores->cores[i].core == PW_CORE_AUTO && is_hot(cores, i);
    }
    for (uint32_t i = 0; i < place->candidate_cnt; i++) {
        uint32_t score = l3_score(place, place->candidates[i].l3, hot_cnt);
        if (i == 0 || score > best_score) {
            best_score = score;
            place->home_l3 = place->candidates[i].l3;
        }
    }
}

/* How unfit a processor is for a thread: the first bits that differ decide. */
static uint32_t candidate_cost(const struct placement *place, const struct candidate *candidate, bool hot)
{
    bool shares = place->hot_physical[candidate->physical % PW_CPUS_MAX];
    bool away = candidate->l3 != place->home_l3;
    uint32_t slow = hot && candidate->speed < 255 ? 255 - candidate->speed : 0;
    bool unwanted_kind = hot ? !candidate->isolated : candidate->isolated;
    bool on_core_0 = hot && candidate->on_core_0;
    return (uint32_t)shares << 31 | (uint32_t)unwanted_kind << 30 | slow << 16 | (uint32_t)away << 15 |
           (uint32_t)on_core_0 << 14;
}

/* The fittest free processor, the lowest number among equals; NULL: none is free. */
static struct candidate *candidate_choose(struct placement *place, bool hot)
{
    struct candidate *best = NULL;
    for (uint32_t i = 0; i < place->candidate_cnt; i++) {
        struct candidate *candidate = &place->candidates[i];
        if (!candidate->taken &&
            (best == NULL || candidate_cost(place, candidate, hot) < candidate_cost(place, best, hot))) {
            best = candidate;
        }
    }
    return best;
}

/* What the user should know of a choice. */
static void candidate_describe(const struct placement *place, const struct pw_config_cores *cores,
                               uint32_t core_idx, const struct candidate *candidate, bool shares, char *note)
{
    const struct pw_config_core *core = &cores->cores[core_idx];
    bool hot = is_hot(cores, core_idx);
    note_add(note, "thread %u", core_idx);
    for (uint32_t i = 0; i < core->stage_cnt; i++) {
        note_add(note, "%s%s", i == 0 ? " (" : ", ", core->stages[i]);
    }
    note_add(note, "): ");
    if (candidate == NULL) {
        note_add(note, core->core == PW_CORE_NONE ? "not bound\n" : "CPU %d\n", core->core);
        return;
    }
    note_add(note, "CPU %u, physical core %u", candidate->cpu, candidate->physical);
    if (place->l3_known) {
        note_add(note, ", L3 %u", candidate->l3);
    }
    note_add(note, "%s%s%s%s\n", candidate->isolated ? ", isolated" : "",
             shares ? ", shares its physical core with a hot thread" : "",
             hot && place->l3_known && candidate->l3 != place->home_l3
                 ? ", different L3 than the other hot threads"
                 : "",
             hot && candidate->on_core_0 ? ", core 0: also serves kernel work" : "");
}

/* Takes what the user has fixed by number, before anything is chosen. */
static void fixed_take(struct placement *place, const struct pw_config_cores *cores)
{
    for (uint32_t i = 0; i < cores->core_cnt; i++) {
        struct candidate *fixed = candidate_of(place, cores->cores[i].core);
        if (fixed != NULL) {
            candidate_take(place, fixed, is_hot(cores, i));
        }
    }
}

/* Chooses for all that are hot, or for all that are not. */
static int auto_place(struct placement *place, struct pw_config_cores *cores, bool hot,
                      struct candidate **chosen, bool *shares)
{
    for (uint32_t i = 0; i < cores->core_cnt; i++) {
        if (cores->cores[i].core != PW_CORE_AUTO || is_hot(cores, i) != hot) {
            continue;
        }
        struct candidate *candidate = candidate_choose(place, hot);
        if (candidate == NULL) {
            return -ENOSPC;
        }
        shares[i] = place->hot_physical[candidate->physical % PW_CPUS_MAX];
        candidate_take(place, candidate, hot);
        chosen[i] = candidate;
    }
    return 0;
}

int pw_cpu_place_on(struct pw_config_cores *cores, hwloc_topology_t topology, const struct pw_cpus *cpus,
                    char *note, char *error, size_t error_bytes)
{
    struct candidate *chosen[PW_CORES_MAX] = {NULL};
    bool shares[PW_CORES_MAX] = {false};
    struct placement *place = calloc(1, sizeof *place);
    note[0] = '\0';
    if (place == NULL) {
        snprintf(error, error_bytes, "%s", strerror(ENOMEM));
        return -ENOMEM;
    }
    candidates_find(place, topology, cpus);
    home_choose(place, cores);
    fixed_take(place, cores);
    int rc = auto_place(place, cores, true, chosen, shares);
    if (rc == 0) {
        rc = auto_place(place, cores, false, chosen, shares);
    }
    if (rc != 0) {
        snprintf(error, error_bytes,
                 "cores: more threads than the %u usable CPUs; put more stages on one "
                 "core, or use `core: none`",
                 place->candidate_cnt);
    } else {
        for (uint32_t i = 0; i < cores->core_cnt; i++) {
            struct candidate *candidate =
                chosen[i] != NULL ? chosen[i] : candidate_of(place, cores->cores[i].core);
            candidate_describe(place, cores, i, candidate, shares[i], note);
            if (chosen[i] != NULL) {
                cores->cores[i].core = (int32_t)chosen[i]->cpu;
            }
        }
    }
    free(place);
    return rc;
}

/* The host's topology with every processor in it, or NULL. */
static hwloc_topology_t topology_load(void)
{
    hwloc_topology_t topology;
    if (hwloc_topology_init(&topology) != 0) {
        return NULL;
    }
    if (hwloc_topology_set_flags(topology, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED) != 0 ||
        hwloc_topology_load(topology) != 0) {
        hwloc_topology_destroy(topology);
        return NULL;
    }
    return topology;
}

int pw_cpu_place(struct pw_config_cores *cores, char *note, char *error, size_t error_bytes)
{
    struct pw_cpus cpus;
    pw_cpus_of_host(&cpus);
    hwloc_topology_t topology = topology_load();
    int rc = pw_cpu_place_on(cores, topology, &cpus, note, error, error_bytes);
    if (topology == NULL) {
        note_add(note, "host topology unavailable (hwloc): CPUs chosen by number only\n");
    } else {
        hwloc_topology_destroy(topology);
    }
    return rc;
}
