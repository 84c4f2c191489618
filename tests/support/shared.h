/* SPDX-License-Identifier: MIT
 *
 * The recorded data and example messages that these tests use, where they are to be had; and exact numbers.
 */
#ifndef PW_TEST_SHARED_H
#define PW_TEST_SHARED_H

#include <jansson.h>
#include <pinwheel/event.h>
#include <stdbool.h>
#include <stddef.h>

/* Skips the test, saying so, unless $PINWHEEL_SHARED names a folder. */
void shared_need(void);

/* <shared>/<name> as JSON; the test fails if it cannot be read. */
json_t *shared_json(const char *name);

/* A text file, plain or gzipped, a line at a time. */
struct shared_lines {
    void *file;
    char *line; /* without its line end; zero-terminated */
    size_t size, room;
};
void shared_open(struct shared_lines *lines, const char *name);
bool shared_next(struct shared_lines *lines);
void shared_close(struct shared_lines *lines);

/* The text of an integer of 1e8, as "61602.01"; in a buffer that serves 8 calls. */
const char *text_e8(int64_t value_e8);

/* Decimal text of a JSON string as an integer of 1e8 or 1e16; the test fails if it is not exactly one. */
int64_t e8_of(const json_t *text);
pw_i128 e16_of(const json_t *text);

/* The folder of shared data, or NULL if there is none here: the test then says so and skips. */
const char *shared_data(void);
/* <shared>/data/expected/<name>; NULL if it cannot be read. */
json_t *expected_load(const char *name);

#endif
