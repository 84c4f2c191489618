/* SPDX-License-Identifier: MIT
 *
 * Who has subscribed to what, and the fan-out of market messages into the subscribers' outlets.
 *
 * The hub knows streams by name and subscribers by their outlets; sockets, TLS and HTTP are the server's. A
 * message is framed once for all (RFC 6455, unmasked, one frame); no allocation for each message.
 */
#ifndef PW_SIM_HUB_H
#define PW_SIM_HUB_H

#include "http.h"
#include "outlet.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pw_sim_faults;

#define PW_SIM_STREAM_BYTES   128u /* of a stream's name, with its zero byte */
#define PW_SIM_STREAMS_MAX    16384u
#define PW_SIM_SUBSCRIBES_MAX 1024u /* streams a connection (binance.md 2.2) */
#define PW_SIM_NO_STREAM      UINT32_MAX

struct pw_sim_subscriber {
    struct pw_serve_outlet *outlet;
    bool combined;    /* data goes in the envelope {"stream":..,"data":..} */
    bool microsecond; /* times of the data in microseconds */
    uint32_t subscriber_idx;
    uint32_t stream_cnt;
    uint32_t *streams; /* PW_SIM_SUBSCRIBES_MAX indexes, in the order of subscription */
};

struct pw_sim_stream {
    char name[PW_SIM_STREAM_BYTES];
    uint32_t name_bytes;
    bool own;          /* the source's: kept for ever; else only as long as somebody subscribes to it */
    uint32_t next_idx; /* in its bucket, or in the list of free ones */
    uint32_t subscriber_cnt, microsecond_cnt;
    uint16_t *subscribers;
};

struct pw_sim_hub {
    struct pw_sim_stream *streams;
    uint32_t stream_cnt, free_idx;
    uint32_t *buckets;
    struct pw_sim_subscriber **subscribers; /* by subscriber_idx; NULL: none */
    uint32_t subscriber_max;
    struct pw_sim_faults *faults;
    uint64_t message_cnt, message_bytes; /* published payloads, faults not counted */
};

/* 0 or -ENOMEM. */
int pw_sim_hub_init(struct pw_sim_hub *hub, uint32_t subscriber_max);
void pw_sim_hub_fini(struct pw_sim_hub *hub);

/* A stream of the source; index, or PW_SIM_NO_STREAM if the name is too long or the table full. */
uint32_t pw_sim_hub_add(struct pw_sim_hub *hub, struct pw_slice name);
static inline const struct pw_sim_stream *pw_sim_hub_stream(const struct pw_sim_hub *hub, uint32_t stream_idx)
{
    return &hub->streams[stream_idx];
}

/* Whether such a name can be one of a stream: printable, no blanks or quotes, not too long. */
bool pw_sim_stream_name_ok(struct pw_slice name);

void pw_sim_hub_enter(struct pw_sim_hub *hub, struct pw_sim_subscriber *subscriber);
/* Ends all its subscriptions. */
void pw_sim_hub_silence(struct pw_sim_hub *hub, struct pw_sim_subscriber *subscriber);
void pw_sim_hub_leave(struct pw_sim_hub *hub, struct pw_sim_subscriber *subscriber);
/* 0; -EMFILE: too many streams; -ENOMEM. A stream twice is one. */
int pw_sim_hub_subscribe(struct pw_sim_hub *hub, struct pw_sim_subscriber *subscriber, struct pw_slice name);
/* Always 0: it has the form of the other. */
int pw_sim_hub_unsubscribe(struct pw_sim_hub *hub, struct pw_sim_subscriber *subscriber,
                           struct pw_slice name);
/* How many connections receive something of the source. */
uint32_t pw_sim_hub_audience(const struct pw_sim_hub *hub);

/* One market message. `whole` is the message in its envelope as recorded, if there is such a record. */
struct pw_sim_message {
    struct pw_slice data;
    struct pw_slice data_microsecond; /* the same with times in microseconds; size 0: as data */
    struct pw_slice whole;
};
void pw_sim_hub_publish(struct pw_sim_hub *hub, uint32_t stream_idx, const struct pw_sim_message *message);

#endif
