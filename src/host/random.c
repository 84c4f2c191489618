/* SPDX-License-Identifier: MIT
 *
 * Randomness: the kernel's, and a seeded one for simulation and tests.
 */
#include "host.h"

#include <stdlib.h>
#include <sys/random.h>

/* Words fetched by one system call, so that a sender of masked frames makes one in 32. getrandom() serves up
 * to 256 bytes at once without being interrupted by signals (getrandom(2)). */
#define RANDOM_WORDS 32

/* Each thread has its own store. A forked child would repeat its parent's: the engine does not fork. */
static _Thread_local uint64_t t_words[RANDOM_WORDS];
static _Thread_local unsigned t_left;

static uint64_t host_next(void *state)
{
    (void)state;
    if (t_left == 0) {
        if (getrandom(t_words, sizeof t_words, 0) != (ssize_t)sizeof t_words) {
            /* Only a sandbox that forbids the call gets here; predictable masks and jitter are no fallback.
             */
            pw_log(PW_LOG_ERROR, "getrandom: no random bytes from the kernel; allow the call in the sandbox");
            abort();
        }
        t_left = RANDOM_WORDS;
    }
    uint64_t word = t_words[--t_left];
    t_words[t_left] = 0;
    return word;
}

struct pw_random pw_random_host(void)
{
    return (struct pw_random){.next = host_next};
}

/* splitmix64: https://prng.di.unimi.it/splitmix64.c describes it; the constants are its own. */
static uint64_t seeded_next(void *state)
{
    uint64_t *seed = state;
    *seed += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = *seed;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

struct pw_random pw_random_seeded(uint64_t *seed)
{
    return (struct pw_random){.next = seeded_next, .state = seed};
}
