/* SPDX-License-Identifier: MIT
 *
 * pinwheel doctor: the checks, as a table. Each looks at one thing of the host and says what it found, what
 * that costs, and how to change it. A check reads what the kernel says, or measures; it changes nothing.
 */
#ifndef PW_DOCTOR_H
#define PW_DOCTOR_H

#include "cpu.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DOCTOR_TEXT_BYTES 512

enum verdict {
    VERDICT_GOOD,
    VERDICT_ADVICE,  /* pinwheel works, but could do better */
    VERDICT_BAD,     /* pinwheel does not work like this, or loses data */
    VERDICT_UNKNOWN, /* the host does not say, or it does not apply */
};
#define VERDICT_CNT 4

struct finding {
    enum verdict verdict;
    char found[DOCTOR_TEXT_BYTES];
    const char *cost;               /* of a lack, whether there is one or not */
    char change[DOCTOR_TEXT_BYTES]; /* exact commands */
};

/* Where to look, and for whom. */
struct patient {
    const char
        *sysroot; /* before /proc, /sys, /dev: "" is this host, else the folder of a host's saved files */
    const char *journal_dir; /* where journals are to be kept; NULL: as the config says, or here */
    char journal_path[512];  /* the config's */
    bool journal_off;        /* the config keeps none */
    uint32_t commit_interval_ms;
    uint64_t segment_bytes; /* 0: no config */
    struct pw_cpu_set online; /* as the host's files say; empty: they do not */
    struct pw_cpu_set isolated;
    struct pw_cpu_set hot; /* on which hot threads run: of the config, or, without one, the isolated ones */
    bool has_config;
};

struct check {
    const char *name;
    void (*look)(const struct patient *patient, struct finding *finding);
};

extern const struct check doctor_checks[];
extern const uint32_t doctor_check_cnt;

/* Fills the sets of a patient whose sysroot is set. config_path NULL: no config. False: the config is
 * refused, which `error` says. */
bool patient_examine(struct patient *patient, const char *config_path, char *error, size_t error_bytes);

/* ---- what a check says ---- */

void found(struct finding *finding, enum verdict verdict, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void advise(struct finding *finding, const char *cost, const char *change_format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- the checks, by file ---- */

typedef void doctor_look(const struct patient *patient, struct finding *finding);

doctor_look look_processors, look_isolation, look_hyperthreads, look_interrupts, look_irqbalance,
    look_rt_limit, look_quota, look_steal, look_mitigations;           /* doctor_cores.c */
doctor_look look_governor, look_energy, look_boost, look_idle_states;  /* doctor_power.c */
doctor_look look_clock_source, look_time, look_timer_tick, look_sleep; /* doctor_time.c */
doctor_look look_huge_pages, look_transparent, look_shared_memory, look_memlock, look_numa,
    look_swap;                                                                           /* doctor_memory.c */
doctor_look look_network_card, look_busy_polling, look_sockets, look_io_uring, look_tls; /* doctor_net.c */
doctor_look look_journal;                                                                /* doctor_disk.c */

#endif
