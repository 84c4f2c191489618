/* SPDX-License-Identifier: MIT
 *
 * What the whole-engine tests share: real processes (simulator, engine, tools) in a folder of their own,
 * waited for by conditions, never by guessed times. Nothing here knows what a test asserts.
 */
#ifndef PW_TEST_HARNESS_H
#define PW_TEST_HARNESS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define HARNESS_PATH_BYTES 512

/* One test's folder and processes. */
struct harness {
    char dir[HARNESS_PATH_BYTES];     /* removed at the end unless $PINWHEEL_KEEP is set */
    char instance[32];                /* unique to this process and test */
    char journal[HARNESS_PATH_BYTES]; /* dir/journal */
    pid_t sim, engine;                /* 0: not running */
    int port;                         /* of the simulator */
};

/* How an engine is laid out. */
enum placement { ONE_CORE, TWO_CORES, ALL_APART };

struct engine_options {
    enum placement placement;
    const char *idle;     /* of the threads that do not sleep; NULL: yield */
    const char *symbols;  /* "BTCUSDT, ETHUSDT" */
    const char *streams;  /* "trade, bookTicker, depth@100ms" */
    int fast, slow;       /* of ma_cross; 0: no strategy */
    const char *quantity; /* of ma_cross */
    bool market_stall;    /* full market journal ring stalls (nothing may be lost) instead of dropping */
    const char *gateway;  /* top-level YAML of the gateway; NULL: paper, with cash and a fee */
    bool live;            /* the live gateway, with the keys that harness_keys_write left */
    const char *extra;    /* more top-level YAML */
};

void harness_begin(struct harness *h, const char *name);
void harness_end(struct harness *h);

/* Path of a file of the shared data; NULL where the folder is absent: the caller skips. */
const char *harness_shared(const char *name);

/* Starts `pinwheel sim` on a config of this YAML body; waits until it listens. `port` 0: any. */
void harness_sim_start(struct harness *h, const char *yaml, int port);
/* Starts `pinwheel run`; waits until its workspace says that it runs, halted or not. */
void harness_engine_start(struct harness *h, const struct engine_options *options);
/* The same on a config file of the caller's, in two steps. */
void harness_engine_launch(struct harness *h, const char *path, bool live);
void harness_engine_await(struct harness *h);
/* Sends the signal (0: none), waits, returns the exit status as a shell would see it. */
int harness_stop(pid_t *pid, int signal);
/* The simulator has sent everything and the engine has journalled `events` market messages or more of a kind.
 */
void harness_sim_wait_text(struct harness *h, const char *text);

/* The key pair of RFC 8032, section 7.1, test 1. */
extern const char harness_private_pem[], harness_public_pem[];
/* Writes an account's API key and its secret (or PEM) into the test's folder, as files of mode 0600. */
void harness_keys_write(const struct harness *h, const char *api_key, const char *secret);
/* Writes the engine's config alone, as harness_engine_start does; its path, until the next call. */
const char *harness_config_write(const struct harness *h, const struct engine_options *options);

/* Runs `pinwheel` with these arguments (NULL-terminated); its standard output, to be freed; *status its exit
 * code. */
char *harness_run(struct harness *h, const char *const *args, int *status);
/* The same, parsed. */
json_t *harness_run_json(struct harness *h, const char *const *args, int *status);

/* The monitor's view of the engine; NULL if it cannot be had. */
json_t *harness_top(struct harness *h);
/* A number (true: 1) of it by path, e.g. "account/fill_cnt", "feeds/0/connect_cnt"; -1 if it is not there. */
long long json_number_at(const json_t *json, const char *path);
/* The value of a metric of the engine; -1 if it cannot be had. */
long long harness_metric(struct harness *h, const char *group, const char *name);

/* Waits until condition(h, arg), at most `seconds`; false if it never came true. */
bool harness_wait(struct harness *h, bool (*condition)(struct harness *, const void *), const void *arg,
                  int seconds);

/* Lines of the engine's log that have this text in them. */
long long harness_log_lines(const struct harness *h, const char *text);

/* A condition: the journal's folder keeps a ban. */
bool harness_is_banned(struct harness *h, const void *unused);
/* The end of the first ban that it keeps. */
int64_t harness_ban_ns(const struct harness *h);

/* Two decimal texts of equal value ("1.50" and "1.5")? */
bool decimal_equal(const char *a, const char *b);

#endif
