/* SPDX-License-Identifier: MIT
 *
 * Reading the host's files: below the patient's sysroot, so that a saved host, or a made one, can be judged.
 */
#ifndef PW_DOCTOR_READ_H
#define PW_DOCTOR_READ_H

#include "doctor.h"
#include <glob.h>

#define READ_PATH_BYTES 512
#define READ_LINE_BYTES 4096

/* The host's clock, for what is measured here and not read. */
int64_t now_ns(void);

/* The first line of a file below /proc, /sys or /dev, without its newline. */
bool line_read(const struct patient *patient, const char *path, char *text, size_t text_bytes);
bool number_read(const struct patient *patient, const char *path, long *number);
/* A list of processors such as "0-3,8". */
bool set_read(const struct patient *patient, const char *path, struct pw_cpu_set *set);
/* The first line that begins with the key, what follows the key; false if there is none. */
bool keyed_line_read(const struct patient *patient, const char *path, const char *key, char *text,
                     size_t text_bytes);
/* A word of the kernel's command line that begins with "name=", what follows it. */
bool boot_option_read(const struct patient *patient, const char *name, char *text, size_t text_bytes);
/* The word in brackets: "always [madvise] never". */
bool chosen_word(const char *text, char *word, size_t word_bytes);

/* Paths that match the pattern, without the sysroot; to be ended with read_glob_end. */
struct read_glob {
    glob_t paths;
    size_t sysroot_bytes;
};
size_t read_glob(const struct patient *patient, const char *pattern, struct read_glob *found);
const char *read_glob_path(const struct read_glob *found, size_t path_idx);
void read_glob_end(struct read_glob *found);

/* Of the files that match: how many there are, and how many do not hold `wanted` in their first line; the
 * last of those goes into `other`. */
struct read_tally {
    uint32_t cnt, other_cnt;
    char other[64];
};
struct read_tally read_tally(const struct patient *patient, const char *pattern, const char *wanted);

/* Does the set hold every processor of `part`? */
bool set_covers(const struct pw_cpu_set *set, const struct pw_cpu_set *part);
bool set_meets(const struct pw_cpu_set *set, const struct pw_cpu_set *other);
bool set_is_empty(const struct pw_cpu_set *set);
struct pw_cpu_set set_without(const struct pw_cpu_set *set, const struct pw_cpu_set *part);

#endif
