/* SPDX-License-Identifier: MIT
 *
 * Recorded market data as events, for the journal's tests: read by jansson and zlib, not by the engine's own
 * decoder.
 */
#ifndef PW_TEST_CAPTURE_H
#define PW_TEST_CAPTURE_H

#include <pinwheel/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct capture {
    struct pw_event *events; /* numbered from 0 */
    size_t event_cnt;
    size_t message_cnt; /* of the venue */
    size_t room;
    bool synced; /* a snapshot has been met; updates that it contains are marked stale */
    uint64_t snapshot_id;
};

/* Adds the messages of $PINWHEEL_SHARED/data/<name> as instrument_idx. Updates that come before a snapshot
 * follow it, as the parse stage has it. False: no such file. */
bool capture_load(struct capture *capture, const char *name, uint16_t instrument_idx);
void capture_free(struct capture *capture);

/* The folder of shared data, or NULL if there is none. */
const char *capture_folder(void);

#endif
