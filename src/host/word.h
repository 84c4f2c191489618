/* SPDX-License-Identifier: MIT
 *
 * Guessing what a mistyped word was meant to be: for messages about unknown keys, stages and commands.
 */
#ifndef PW_WORD_H
#define PW_WORD_H

#include <stdint.h>

/* The word that differs least from the wrong one; NULL if none is near enough to be meant. */
const char *pw_word_nearest(const char *wrong, const char *const *words, uint32_t word_cnt);

#endif
