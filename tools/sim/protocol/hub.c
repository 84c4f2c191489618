/* SPDX-License-Identifier: MIT
 *
 * Streams, subscriptions and fan-out: see hub.h.
 */
#include "hub.h"

#include "faults.h"
#include "names.h"
#include "pw_assert.h"
#include "websocket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS 4096u /* a power of two */

/* ---- streams ---- */

int pw_sim_hub_init(struct pw_sim_hub *hub, uint32_t subscriber_max)
{
    *hub = (struct pw_sim_hub){.subscriber_max = subscriber_max, .free_idx = PW_SIM_NO_STREAM};
    hub->streams = calloc(PW_SIM_STREAMS_MAX, sizeof *hub->streams);
    hub->buckets = malloc(BUCKETS * sizeof *hub->buckets);
    hub->subscribers = calloc(subscriber_max, sizeof *hub->subscribers);
    if (!hub->streams || !hub->buckets || !hub->subscribers) {
        pw_sim_hub_fini(hub);
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < BUCKETS; i++) {
        hub->buckets[i] = PW_SIM_NO_STREAM;
    }
    return 0;
}

void pw_sim_hub_fini(struct pw_sim_hub *hub)
{
    for (uint32_t i = 0; hub->streams && i < hub->stream_cnt; i++) {
        free(hub->streams[i].subscribers);
    }
    free(hub->streams);
    free(hub->buckets);
    free(hub->subscribers);
    *hub = (struct pw_sim_hub){0};
}

static uint32_t *bucket_of(const struct pw_sim_hub *hub, struct pw_slice name)
{
    return &hub->buckets[pw_sim_name_hash(name, PW_SIM_HASH_BASIS) & (BUCKETS - 1)];
}

bool pw_sim_stream_name_ok(struct pw_slice name)
{
    for (size_t i = 0; i < name.size; i++) {
        unsigned char c = (unsigned char)name.text[i];
        if (c <= ' ' || c == '"' || c == '\\' || c == 0x7f) { /* beyond 7 bits there are symbols too */
            return false;
        }
    }
    return name.size > 0 && name.size < PW_SIM_STREAM_BYTES;
}

/* The stream of that name if it is known. */
static uint32_t stream_find(const struct pw_sim_hub *hub, struct pw_slice name)
{
    uint32_t i = *bucket_of(hub, name);

    while (i != PW_SIM_NO_STREAM && (hub->streams[i].name_bytes != name.size ||
                                     memcmp(hub->streams[i].name, name.text, name.size) != 0)) {
        i = hub->streams[i].next_idx;
    }
    return i;
}

static uint32_t stream_make(struct pw_sim_hub *hub, struct pw_slice name)
{
    uint32_t *bucket = bucket_of(hub, name), i = hub->free_idx;
    struct pw_sim_stream *stream;

    if (!pw_sim_stream_name_ok(name) || (i == PW_SIM_NO_STREAM && hub->stream_cnt == PW_SIM_STREAMS_MAX)) {
        return PW_SIM_NO_STREAM;
    }
    if (i == PW_SIM_NO_STREAM) {
        i = hub->stream_cnt;
    }
    stream = &hub->streams[i];
    if (!stream->subscribers &&
        !(stream->subscribers = calloc(hub->subscriber_max, sizeof *stream->subscribers))) {
        return PW_SIM_NO_STREAM;
    }
    if (i == hub->stream_cnt) {
        hub->stream_cnt++;
    } else {
        hub->free_idx = stream->next_idx;
    }
    memcpy(stream->name, name.text, name.size);
    stream->name[name.size] = 0;
    stream->name_bytes = (uint32_t)name.size;
    stream->next_idx = *bucket;
    *bucket = i;
    return i;
}

static void stream_release(struct pw_sim_hub *hub, uint32_t stream_idx)
{
    struct pw_sim_stream *stream = &hub->streams[stream_idx];
    uint32_t *link = bucket_of(hub, (struct pw_slice){stream->name, stream->name_bytes});

    while (*link != stream_idx) {
        link = &hub->streams[*link].next_idx;
    }
    *link = stream->next_idx;
    stream->name_bytes = 0;
    stream->next_idx = hub->free_idx;
    hub->free_idx = stream_idx;
}

uint32_t pw_sim_hub_add(struct pw_sim_hub *hub, struct pw_slice name)
{
    uint32_t i = stream_find(hub, name);

    if (i == PW_SIM_NO_STREAM) {
        i = stream_make(hub, name);
    }
    if (i != PW_SIM_NO_STREAM) {
        hub->streams[i].own = true;
    }
    return i;
}

/* ---- subscriptions ---- */

void pw_sim_hub_enter(struct pw_sim_hub *hub, struct pw_sim_subscriber *subscriber)
{
    pw_assert(subscriber->subscriber_idx < hub->subscriber_max && subscriber->stream_cnt == 0);
    pw_assert(!hub->subscribers[subscriber->subscriber_idx]);
    hub->subscribers[subscriber->subscriber_idx] = subscriber;
}

static void stream_drop(struct pw_sim_hub *hub, struct pw_sim_subscriber *subscriber, uint32_t stream_idx)
{
    struct pw_sim_stream *stream = &hub->streams[stream_idx];
    uint32_t i = 0;

    while (i < stream->subscriber_cnt && stream->subscribers[i] != subscriber->subscriber_idx) {
        i++;
    }
    pw_assert(i < stream->subscriber_cnt); /* both lists name the other */
    pw_assert(stream->microsecond_cnt >= subscriber->microsecond);
    stream->subscriber_cnt--;
    memmove(&stream->subscribers[i], &stream->subscribers[i + 1],
            (stream->subscriber_cnt - i) * sizeof *stream->subscribers);
    stream->microsecond_cnt -= subscriber->microsecond;
    if (!stream->own && !stream->subscriber_cnt) {
        stream_release(hub, stream_idx);
    }
}

void pw_sim_hub_silence(struct pw_sim_hub *hub, struct pw_sim_subscriber *subscriber)
{
    for (uint32_t i = 0; i < subscriber->stream_cnt; i++) {
        stream_drop(hub, subscriber, subscriber->streams[i]);
    }
    subscriber->stream_cnt = 0;
}

void pw_sim_hub_leave(struct pw_sim_hub *hub, struct pw_sim_subscriber *subscriber)
{
    pw_sim_hub_silence(hub, subscriber);
    hub->subscribers[subscriber->subscriber_idx] = NULL;
}

static uint32_t subscription_find(const struct pw_sim_subscriber *subscriber, uint32_t stream_idx)
{
    uint32_t i = 0;

    while (i < subscriber->stream_cnt && subscriber->streams[i] != stream_idx) {
        i++;
    }
    return i;
}

int pw_sim_hub_subscribe(struct pw_sim_hub *hub, struct pw_sim_subscriber *subscriber, struct pw_slice name)
{
    uint32_t stream_idx = stream_find(hub, name);
    struct pw_sim_stream *stream;

    if (stream_idx != PW_SIM_NO_STREAM &&
        subscription_find(subscriber, stream_idx) < subscriber->stream_cnt) {
        return 0;
    }
    if (subscriber->stream_cnt == PW_SIM_SUBSCRIBES_MAX) {
        return -EMFILE;
    }
    if (stream_idx == PW_SIM_NO_STREAM) {
        stream_idx = stream_make(hub, name);
    }
    if (stream_idx == PW_SIM_NO_STREAM) {
        return -ENOMEM;
    }
    stream = &hub->streams[stream_idx];
    pw_assert(stream->subscriber_cnt < hub->subscriber_max);
    stream->subscribers[stream->subscriber_cnt++] = (uint16_t)subscriber->subscriber_idx;
    stream->microsecond_cnt += subscriber->microsecond;
    subscriber->streams[subscriber->stream_cnt++] = stream_idx;
    return 0;
}

int pw_sim_hub_unsubscribe(struct pw_sim_hub *hub, struct pw_sim_subscriber *subscriber, struct pw_slice name)
{
    uint32_t stream_idx = stream_find(hub, name);
    uint32_t i =
        stream_idx == PW_SIM_NO_STREAM ? subscriber->stream_cnt : subscription_find(subscriber, stream_idx);

    if (i == subscriber->stream_cnt) {
        return 0;
    }
    subscriber->stream_cnt--;
    memmove(&subscriber->streams[i], &subscriber->streams[i + 1],
            (subscriber->stream_cnt - i) * sizeof *subscriber->streams);
    stream_drop(hub, subscriber, stream_idx);
    return 0;
}

static bool hears_own(const struct pw_sim_hub *hub, const struct pw_sim_subscriber *subscriber)
{
    for (uint32_t i = 0; i < subscriber->stream_cnt; i++) {
        if (hub->streams[subscriber->streams[i]].own) {
            return true;
        }
    }
    return false;
}

uint32_t pw_sim_hub_audience(const struct pw_sim_hub *hub)
{
    uint32_t cnt = 0;

    for (uint32_t i = 0; i < hub->subscriber_max; i++) {
        cnt += hub->subscribers[i] && hears_own(hub, hub->subscribers[i]);
    }
    return cnt;
}

/* ---- sending ---- */

static char *copy(char *at, const char *bytes, size_t size)
{
    memcpy(at, bytes, size);
    return at + size;
}

/* The envelope of a message that was not recorded in one. */
#define ENVELOPE_HEAD   "{\"stream\":\""
#define ENVELOPE_MIDDLE "\",\"data\":"
#define ENVELOPE_TAIL   "}"

static void put_combined(struct pw_serve_outlet *outlet, const struct pw_sim_stream *stream,
                         struct pw_slice data)
{
    size_t size = sizeof ENVELOPE_HEAD - 1 + stream->name_bytes + sizeof ENVELOPE_MIDDLE - 1 + data.size +
                  sizeof ENVELOPE_TAIL - 1;
    char *at = pw_serve_outlet_frame(outlet, PW_WS_TEXT, size);

    if (!at) {
        return;
    }
    at = copy(at, ENVELOPE_HEAD, sizeof ENVELOPE_HEAD - 1);
    at = copy(at, stream->name, stream->name_bytes);
    at = copy(at, ENVELOPE_MIDDLE, sizeof ENVELOPE_MIDDLE - 1);
    at = copy(at, data.text, data.size);
    copy(at, ENVELOPE_TAIL, sizeof ENVELOPE_TAIL - 1);
}

static void put_plain(struct pw_serve_outlet *outlet, struct pw_slice data)
{
    pw_serve_outlet_send(outlet, PW_WS_TEXT, data.text, data.size);
}

static void deliver(struct pw_sim_hub *hub, uint32_t stream_idx, const struct pw_sim_message *message)
{
    const struct pw_sim_stream *stream = &hub->streams[stream_idx];

    for (uint32_t i = 0; i < stream->subscriber_cnt; i++) {
        struct pw_sim_subscriber *to = hub->subscribers[stream->subscribers[i]];
        bool microsecond = to->microsecond && message->data_microsecond.size;
        struct pw_slice data = microsecond ? message->data_microsecond : message->data;

        if (!to->combined) {
            put_plain(to->outlet, data);
        } else if (message->whole.size && !microsecond) {
            put_plain(to->outlet, message->whole);
        } else {
            put_combined(to->outlet, stream, data);
        }
    }
}

void pw_sim_hub_publish(struct pw_sim_hub *hub, uint32_t stream_idx, const struct pw_sim_message *message)
{
    static const char garbage[] = "{\"stream\":\"garbage\",\"data\":{\"e\":\"tra";
    unsigned faults = hub->faults ? pw_sim_faults_message(hub->faults, hub->streams[stream_idx].name) : 0;

    hub->message_cnt++;
    hub->message_bytes += message->whole.size ? message->whole.size : message->data.size;
    if (faults & PW_SIM_FAULT_GARBAGE) {
        struct pw_slice bytes = {garbage, sizeof garbage - 1};
        deliver(hub, stream_idx, &(struct pw_sim_message){.data = bytes, .whole = bytes});
    }
    if (faults & PW_SIM_FAULT_SKIP) {
        return;
    }
    deliver(hub, stream_idx, message);
    if (faults & PW_SIM_FAULT_DUPLICATE) {
        deliver(hub, stream_idx, message);
    }
}
