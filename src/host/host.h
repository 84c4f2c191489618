/* SPDX-License-Identifier: MIT
 *
 * The seams to the machine: clock and randomness, as small structs of functions, and the log.
 *
 * In production they are the real ones; in tests and simulation virtual ones stand in. Sockets have their
 * seam in src/net, storage in src/journal.
 */
#ifndef PW_HOST_H
#define PW_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct pw_clock {
    /* Nanoseconds since the epoch. Never goes backward: the host's clock is read once at start and carried on
     * by PW_CLOCK_STEADY, so a step of the wall clock moves no timer. */
    int64_t (*now_ns)(void *state);
    void *state;
};

struct pw_random {
    uint64_t (*next)(void *state);
    void *state;
};

static inline int64_t pw_clock_now_ns(const struct pw_clock *clock)
{
    return clock->now_ns(clock->state);
}

static inline uint64_t pw_random_next(const struct pw_random *random)
{
    return random->next(random->state);
}

/* The host's clock that nobody sets, and that goes on while the host is suspended: ages between its processes
 * are measured by it. */
#define PW_CLOCK_STEADY CLOCK_BOOTTIME

/* What that clock of the kernel shows: PW_CLOCK_STEADY, CLOCK_MONOTONIC, CLOCK_REALTIME. */
int64_t pw_clock_read_ns(clockid_t id);

struct pw_clock pw_clock_host(void);
/* How far the host's wall clock has moved away from pw_clock_host's since it was anchored. */
int64_t pw_clock_host_step_ns(void);
/* How far pw_clock_host is ahead of PW_CLOCK_STEADY: constant. */
int64_t pw_clock_host_ahead_ns(void);

/* Was the wall clock set since the last call that said so? Then by how much. *seen_ns: the caller's, 0 at
 * first. Slewing and what an NTP client corrects in one go, less than 100 ms, are not told. */
bool pw_clock_was_set(int64_t *seen_ns, int64_t *by_ns);

/* From the kernel; for jitter and WebSocket masks. */
struct pw_random pw_random_host(void);
/* Reproducible: splitmix64 over *seed, which the caller owns. */
struct pw_random pw_random_seeded(uint64_t *seed);

/* ---- memory that may be locked (RLIMIT_MEMLOCK), in words; each returns text ---- */

/* "64 KiB", "unlimited" */
const char *pw_memlock_print(char *text, size_t bytes);
/* Why an io_uring could not be had: its rings are locked memory. err: -errno. */
const char *pw_ring_error_print(int err, char *text, size_t bytes);

/* ---- signals ---- */

/* SIGTERM, SIGINT and SIGHUP go to the handler; SIGHUP does not where it is ignored already, as under nohup.
 * flags: of sigaction. May be called in a handler. */
void pw_stop_signals_set(void (*handler)(int), int flags);

/* ---- log: cold code only ---- */
enum pw_log_level { PW_LOG_ERROR = 0, PW_LOG_WARN = 1, PW_LOG_INFO = 2, PW_LOG_DEBUG = 3 };

/* One line on standard error: "time level message". Default level: info; $PINWHEEL_LOG sets it by name. */
void pw_log(enum pw_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Not written: a line like one before came so many times more. Who keeps counts of lines is told. */
void pw_log_again(enum pw_log_level level, uint64_t times, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Called with each line too, after it was written (the engine keeps errors in its workspace), and how often
 * it came: 1, or what pw_log_again says. NULL: none. */
void pw_log_set_sink(void (*sink)(void *state, enum pw_log_level level, const char *text, uint64_t times),
                     void *state);

#endif
