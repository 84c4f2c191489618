/* SPDX-License-Identifier: MIT
 *
 * A journal under test: a directory of its own, a run in it, a ring in front of its writer.
 */
#ifndef PW_TEST_LIVE_H
#define PW_TEST_LIVE_H

#include "store.h"
#include "test_folder.h"
#include "writer.h"

#define LIVE_EPOCH_NS INT64_C(1723161253000000000)

struct live {
    struct pw_store store;
    struct pw_writer *writer;
    struct pw_producer producer, wire_producer;
    struct pw_consumer consumer, wire;
    void *ring, *wire_ring;
    uint64_t run_id;
    int64_t commit_interval_ns;
};

/* A new directory, in a static buffer; goes away by folder_remove. */
const char *live_dir(void);
/* The same in memory, where a sync costs nothing; for journals of a few MiB. */
const char *live_dir_in_memory(void);

/* Opens a run; fails the test if it cannot. */
void live_open(struct live *live, const char *dir, uint64_t segment_bytes, int64_t now_ns);
/* The same with a config's text of its own. */
void live_open_config(struct live *live, const char *dir, uint64_t segment_bytes, int64_t now_ns,
                      const char *config_text);
/* The same with two instruments of its own. */
void live_open_instruments(struct live *live, const char *dir, uint64_t segment_bytes, int64_t now_ns,
                           const char *config_text, const struct pw_instrument instruments[2]);
/* Gives events to the writer; commits as time goes. */
void live_put(struct live *live, const struct pw_event *event, int64_t now_ns);
/* A message of order entry; no bytes: a notice. */
void live_put_wire(struct live *live, const struct pw_event *frame, const char *bytes, int64_t now_ns);
void live_commit(struct live *live, int64_t now_ns);
/* Ends the run, cleanly, or as a kill would. */
void live_close(struct live *live, bool clean);

/* Event number i of a market that can be made again: quotes, trades and depth updates of two instruments. */
struct pw_event live_event(uint64_t i);

#endif
