/* SPDX-License-Identifier: MIT
 *
 * Frames out of a subscriber's buffer: see hub_listener.h. Read by hand, so that the encoder is not judged by
 * its own twin.
 */
#include "hub_listener.h"

#include <criterion/criterion.h>
#include <string.h>

void listener_open(struct listener *listener, struct pw_sim_hub *hub, uint32_t subscriber_idx, bool combined,
                   bool microsecond)
{
    *listener = (struct listener){.hub = hub};
    listener->subscriber = (struct pw_sim_subscriber){.combined = combined,
                                                      .microsecond = microsecond,
                                                      .subscriber_idx = subscriber_idx,
                                                      .streams = listener->streams};
    listener->subscriber.outlet = &listener->outlet;
    listener->set.window_bytes = 1 << 20;
    cr_assert_eq(pw_serve_outlet_init(&listener->outlet, &listener->set, 16 << 20), 0);
    pw_sim_hub_enter(hub, &listener->subscriber);
}

void listener_subscribe(struct listener *listener, const char *stream)
{
    struct pw_slice name = {stream, strlen(stream)};

    cr_assert_eq(pw_sim_hub_subscribe(listener->hub, &listener->subscriber, name), 0);
}

bool listener_next(struct listener *listener, struct pw_slice *message)
{
    struct pw_serve_outlet *out = &listener->outlet;
    const unsigned char *frame = (const unsigned char *)out->data + out->head;
    size_t size, header = 2;

    cr_assert_not(out->overrun);
    if (pw_serve_outlet_backlog(out) == 0) {
        return false;
    }
    cr_assert_eq(frame[0], 0x81, "not a whole text message");
    size = frame[1];
    if (size == 126) {
        size = (size_t)frame[2] << 8 | frame[3];
        header = 4;
    } else if (size == 127) {
        size = (size_t)frame[6] << 24 | (size_t)frame[7] << 16 | (size_t)frame[8] << 8 | frame[9];
        header = 10;
    }
    *message = (struct pw_slice){out->data + out->head + header, size};
    pw_serve_outlet_sent(out, header + size);
    return true;
}

void listener_close(struct listener *listener)
{
    pw_sim_hub_leave(listener->hub, &listener->subscriber);
    pw_serve_outlet_fini(&listener->outlet);
}
