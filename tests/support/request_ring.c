/* SPDX-License-Identifier: MIT
 *
 * Requests into a ring: see request_ring.h.
 */
#include "request_ring.h"

#include <pinwheel/event.h>
#include <string.h>

bool request_ring_put(struct pw_producer *ring, const struct request_of *of, const void *text, uint32_t bytes)
{
    uint8_t *payload = pw_producer_room(ring, 1) >= 1 ? pw_producer_payload_claim(ring, bytes) : NULL;
    struct pw_event event = {
        .instrument_idx = PW_NO_INSTRUMENT,
        .kind = PW_EVENT_FRAME,
        .flags = PW_FLAG_SENT,
        .body.frame = {.feed_idx = of->feed_idx, .client_order_id = of->client_order_id, .epoch = of->epoch}};

    if (payload == NULL) {
        return false;
    }
    memcpy(payload, text, bytes);
    pw_producer_put_frame(ring, &event, bytes);
    pw_producer_publish(ring);
    return true;
}
