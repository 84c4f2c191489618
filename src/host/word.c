/* SPDX-License-Identifier: MIT
 *
 * Guessing what a mistyped word was meant to be.
 */
#include "word.h"

#include <stddef.h>
#include <string.h>

#define WORD_BYTES_MAX 48u

/* Levenshtein's distance: letters to change, add or drop; words beyond the bound are as far as can be. */
static uint32_t word_distance(const char *a, const char *b)
{
    uint32_t row[WORD_BYTES_MAX + 1];
    uint32_t b_bytes = (uint32_t)strlen(b);
    if (strlen(a) > WORD_BYTES_MAX || b_bytes > WORD_BYTES_MAX) {
        return UINT32_MAX;
    }
    for (uint32_t k = 0; k <= b_bytes; k++) {
        row[k] = k;
    }
    for (uint32_t i = 0; a[i] != '\0'; i++) {
        uint32_t diagonal = row[0];
        row[0] = i + 1;
        for (uint32_t k = 0; k < b_bytes; k++) {
            uint32_t best = diagonal + (a[i] != b[k]);
            diagonal = row[k + 1];
            best = row[k] + 1 < best ? row[k] + 1 : best;
            row[k + 1] = diagonal + 1 < best ? diagonal + 1 : best;
        }
    }
    return row[b_bytes];
}

const char *pw_word_nearest(const char *wrong, const char *const *words, uint32_t word_cnt)
{
    /* A third of the letters wrong is a slip; more is another word. */
    uint32_t best_distance = (uint32_t)strlen(wrong) / 3 + 1;
    const char *best = NULL;
    for (uint32_t i = 0; i < word_cnt; i++) {
        uint32_t distance = word_distance(wrong, words[i]);
        if (distance <= best_distance && (best == NULL || distance < best_distance)) {
            best_distance = distance;
            best = words[i];
        }
    }
    return best;
}
