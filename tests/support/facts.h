/* SPDX-License-Identifier: MIT
 *
 * Comparing what the engine journalled with what an independent program computed from the same recording.
 */
#ifndef PW_TEST_FACTS_H
#define PW_TEST_FACTS_H

#include "harness.h"

/* The parsed expected/<name>; NULL where the shared data are absent. */
json_t *facts_expected(const char *name);

/* `pinwheel journal <journal> facts` of the only run, or of the newest. */
json_t *facts_of_journal(struct harness *h);

/* Every figure of `expected` (one symbol's object) that a journal can know equals that of `actual`; fails the
 * test naming each that does not. Returns how many figures were compared. */
int facts_compare(const char *symbol, const json_t *expected, const json_t *actual);

/* Market messages of all kinds in the expected facts of a symbol: what to wait for. */
long long facts_message_cnt(const json_t *expected);

#endif
