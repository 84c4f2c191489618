/* SPDX-License-Identifier: MIT
 *
 * pinwheel doctor: the checks, as a table. Each looks at one thing of the host and says what it found, what
 * that costs, and how to change it.
 */
#ifndef PW_DOCTOR_H
#define PW_DOCTOR_H

#include <stdint.h>

#define DOCTOR_TEXT_BYTES 320

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
    const char *cost, *change; /* NULL when good */
};

/* Where to look. */
struct patient {
    const char *sysroot;     /* before /proc and /sys: "" is this host, another folder a host's saved files */
    const char *journal_dir; /* where journals are to be kept */
};

struct check {
    const char *name;
    void (*look)(const struct patient *patient, struct finding *finding);
};

extern const struct check doctor_checks[];
extern const uint32_t doctor_check_cnt;

#endif
