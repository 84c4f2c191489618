/* SPDX-License-Identifier: MIT
 *
 * Metrics: 8-byte words with one writer each, described in the workspace itself.
 *
 * A metric is declared once, as a row of the table in src/shm/metrics_table.h; the struct in which it is counted, the rows in shared memory,
 * the monitor's page and the reference page all come from that row. A reader of any version prints what it finds.
 */
#ifndef PINWHEEL_METRICS_H
#define PINWHEEL_METRICS_H

#include <assert.h>
#include <stdatomic.h>
#include <stdint.h>

enum pw_metric_kind {
    PW_METRIC_COUNTER = 1, /* only grows */
    PW_METRIC_GAUGE = 2,   /* a signed level */
};

/* One row in shared memory: description and value together, three cache lines, so that no two writers share one. */
struct pw_metric_row {
    char group[16]; /* the stage or part that writes it: "parse" */
    char name[40];  /* "frames_invalid" */
    char unit[8];   /* "1", "ns", "bytes" */
    uint32_t kind;  /* enum pw_metric_kind */
    uint32_t reserved;
    char help[56];
    _Alignas(64) _Atomic uint64_t value; /* gauges: two's complement */
};

static_assert(sizeof(struct pw_metric_row) == 192, "description on two lines, value on its own");

#endif
