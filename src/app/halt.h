/* SPDX-License-Identifier: MIT
 *
 * Halts that outlive the engine: who may send no new orders until a person resumes, why, and since when.
 *
 * One file beside the journal, <folder>/halt; its presence alone halts. A line a halt: nanoseconds since the
 * epoch, the reason's name, and an account's name or "*" for all of them; lines that begin with # are for
 * people. What cannot be read, or names an account that the config does not have, halts all. Without a
 * journal (folder NULL) there is no file: a halt then ends with the engine.
 */
#ifndef PW_HALT_H
#define PW_HALT_H

#include "config.h"
#include <pinwheel/workspace.h>
#include <stdbool.h>
#include <stdint.h>

struct pw_halt {
    uint32_t reason; /* enum pw_reason; 0: not halted */
    int64_t since_ns;
};

struct pw_halts {
    struct pw_halt all;                       /* of the whole engine */
    struct pw_halt accounts[PW_ACCOUNTS_MAX]; /* by a fault of their own; in the config's order */
};

/* Any of them? */
bool pw_halts_any(const struct pw_halts *halts);

/* 0: as the file says, or there is none. -errno: it cannot be read, or not all of it makes sense: then
 * all are halted. */
int pw_halts_read(const char *folder, const struct pw_config *config, int64_t now_ns, struct pw_halts *halts);

/* Durably; without any the file is removed. 0, -ENOTSUP (there is no journal) or -errno. */
int pw_halts_keep(const char *folder, const struct pw_config *config, const struct pw_halts *halts);

/* So that keeping one works on a full disk, too. 0 or -errno. */
int pw_halts_reserve(const char *folder);

/* "all accounts since 2026-11-29T20:15:00Z (command)", with a comma between several, into text; returns
 * it. */
#define PW_HALTS_TEXT_BYTES 2048u /* of all accounts; the log marks what it cuts */
const char *pw_halts_text(const struct pw_halts *halts, const struct pw_config *config,
                          char text[PW_HALTS_TEXT_BYTES]);

#endif
