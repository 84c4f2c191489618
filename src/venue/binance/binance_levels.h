/* SPDX-License-Identifier: MIT
 *
 * The levels of a depth update, two at a time, where the processor has AVX2: for binance_fast.c alone.
 *
 * What makes levels slow to read one by one is that each begins where the one before ends, and that its
 * numbers must be measured to know it. So first all digits of a stretch of text are found, a bit a byte;
 * numbers are then measured in those bits, in a few cycles each, while the digits themselves are turned into
 * numbers four at a time behind it, and their punctuation is compared.
 */
#ifndef PW_BINANCE_LEVELS_H
#define PW_BINANCE_LEVELS_H

#include <pinwheel/event.h>
#include <stdbool.h>
#include <stdint.h>

/* Bytes of text whose digits are found at once: most updates are shorter. */
#define PW_LEVEL_MARKS_BYTES 2048u
/* Words behind them, for what is measured before it is known to be levels: at most two numbers of 64 digits.
 */
#define PW_LEVEL_MARKS_BEYOND 4u

/* Where there is no digit, in the text from `base` to `end`; none counts as one that stands beyond. */
struct pw_level_marks {
    const char *base, *end;
    uint64_t words[PW_LEVEL_MARKS_BYTES / 64 + 1 + PW_LEVEL_MARKS_BEYOND];
};

/* A message's levels. */
struct pw_level_run {
    const char *at, *end;               /* the first digit of the next level; the message's end */
    struct pw_event *event, *event_end; /* the next to be written; behind the last that may be */
    struct pw_level_marks marks;        /* begins with base = end, in the message */
};

enum pw_level_result {
    PW_LEVEL_BAD = -1, /* what was read is not to be used */
    PW_LEVEL_MORE = 0, /* a level is there for somebody else to read */
    PW_LEVEL_SIDE = 1, /* the side has ended, `at` stands behind its bracket */
};

/* Reads pairs of levels as long as they have the venue's usual form: numbers of 1 to 7 digits, a point and 8
 * digits. Each pair is put into an event like `head`, with PW_FLAG_PAIR. At least 32 bytes of the message
 * stand before its levels. */
enum pw_level_result pw_level_run_pairs(struct pw_level_run *run, const struct pw_event *head);

#endif
