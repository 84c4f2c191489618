/* SPDX-License-Identifier: MIT
 *
 * Execution's end of the ring to net_tx, for tests of the network.
 */
#ifndef PW_TEST_REQUEST_RING_H
#define PW_TEST_REQUEST_RING_H

#include <pinwheel/ring.h>

#include <stdbool.h>
#include <stdint.h>

/* Of which order, on which connection. */
struct request_of {
    uint32_t feed_idx;
    uint64_t epoch, client_order_id;
};

/* Puts and publishes a request as execution does; false: no room. */
bool request_ring_put(struct pw_producer *ring, const struct request_of *of, const void *text,
                      uint32_t bytes);

#endif
