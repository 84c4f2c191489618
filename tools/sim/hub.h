/* SPDX-License-Identifier: MIT
 *
 * Who has subscribed to what, and the fan-out of market messages into the subscribers' output buffers.
 *
 * The hub knows streams by name and subscribers by their buffers; sockets, TLS and HTTP are the server's. A
 * message is framed once for all (RFC 6455, unmasked, one frame); no allocation for each message.
 */
#ifndef PW_SIM_HUB_H
#define PW_SIM_HUB_H

#include "http.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pw_sim_faults;

#define PW_SIM_STREAM_BYTES   64u /* of a stream's name, with its zero byte */
#define PW_SIM_STREAMS_MAX    16384u
#define PW_SIM_SUBSCRIBES_MAX 1024u /* streams a connection (binance.md 2.2) */
#define PW_SIM_NO_STREAM      UINT32_MAX

/* Bytes on their way to one connection. Linear: head moves on as they are sent, and both return to 0 when it
 * is empty.
 */
struct pw_sim_out {
    char *data;
    size_t head, tail, capacity;
};

int pw_sim_out_init(struct pw_sim_out *out, size_t capacity);
void pw_sim_out_fini(struct pw_sim_out *out);
static inline size_t pw_sim_out_backlog(const struct pw_sim_out *out)
{
    return out->tail - out->head;
}
/* Room for `bytes` in one piece at the tail (moves what is there if it must), or NULL. The caller adds to
 * tail. */
char *pw_sim_out_reserve(struct pw_sim_out *out, size_t bytes);
bool pw_sim_out_append(struct pw_sim_out *out, const char *bytes, size_t size);

struct pw_sim_subscriber {
    struct pw_sim_out out;
    bool combined;    /* data goes in the envelope {"stream":..,"data":..} */
    bool microsecond; /* times of the data in microseconds */
    bool overrun;     /* something did not fit: the connection must end */
    bool dirty;       /* has bytes to flush, and is in the hub's list of those */
    bool blocked;     /* has more to send than the flow's window, and is counted */
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
    uint32_t
        own_subscriber_cnt; /* subscribers of at least one stream of the source: see pw_sim_hub_audience */
    uint16_t *dirty;
    uint32_t dirty_cnt;
    uint32_t blocked_cnt;
    size_t window_bytes; /* a subscriber with more than this to send is blocked */
    struct pw_sim_faults *faults;
    uint64_t message_cnt, message_bytes; /* published payloads, faults not counted */
};

/* 0 or -ENOMEM. */
int pw_sim_hub_init(struct pw_sim_hub *hub, uint32_t subscriber_max, size_t window_bytes);
void pw_sim_hub_fini(struct pw_sim_hub *hub);

/* A stream of the source; index, or PW_SIM_NO_STREAM if the name is too long or the table full. */
uint32_t pw_sim_hub_add(struct pw_sim_hub *hub, struct pw_slice name);
/* The stream of that name if it is known. */
uint32_t pw_sim_hub_find(const struct pw_sim_hub *hub, struct pw_slice name);
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
void pw_sim_hub_unsubscribe(struct pw_sim_hub *hub, struct pw_sim_subscriber *subscriber,
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

/* A frame to one subscriber, and the notes that its buffer has changed (after appending, after sending). */
void pw_sim_hub_send(struct pw_sim_hub *hub, struct pw_sim_subscriber *subscriber, uint8_t opcode,
                     const char *data, size_t size);
void pw_sim_hub_touched(struct pw_sim_hub *hub, struct pw_sim_subscriber *subscriber);
void pw_sim_hub_drained(struct pw_sim_hub *hub, struct pw_sim_subscriber *subscriber);

#endif
