/* SPDX-License-Identifier: MIT
 *
 * A journal under test.
 */
#include "journal_rig.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SLOTS      4096u
#define WIRE_BYTES 65536u

const char *live_dir(void)
{
    static char dir[64];
    strcpy(dir, "/tmp/pinwheel-journal-XXXXXX");
    cr_assert_not_null(mkdtemp(dir));
    return dir;
}

const char *live_dir_in_memory(void)
{
    static char dir[64];
    strcpy(dir, "/dev/shm/pinwheel-journal-XXXXXX");
    return mkdtemp(dir) ? dir : live_dir();
}

static void *ring_new(uint64_t payload_bytes, struct pw_producer *producer, struct pw_consumer *consumer)
{
    size_t bytes = pw_ring_bytes(SLOTS, payload_bytes);
    void *ring = aligned_alloc(64, (bytes + 63) / 64 * 64);
    memset(ring, 0, bytes);
    cr_assert_eq(pw_ring_format(ring, SLOTS, payload_bytes, PW_RING_STALL), 0);
    pw_producer_attach(producer, ring);
    pw_consumer_attach(consumer, ring);
    return ring;
}

void live_open(struct live *live, const char *dir, uint64_t segment_bytes, int64_t now_ns)
{
    live_open_config(live, dir, segment_bytes, now_ns, "a: 1\n");
}

void live_open_config(struct live *live, const char *dir, uint64_t segment_bytes, int64_t now_ns,
                      const char *config_text)
{
    static const struct pw_instrument instruments[2] = {
        {.symbol = "BTCUSDT", .feed = "spot", .base = "BTC", .tick_e8 = 1000000, .tradable = 1},
        {.symbol = "ETHUSDT", .feed = "spot", .tick_e8 = 1000000}};
    live_open_instruments(live, dir, segment_bytes, now_ns, config_text, instruments);
}

void live_open_instruments(struct live *live, const char *dir, uint64_t segment_bytes, int64_t now_ns,
                           const char *config_text, const struct pw_instrument instruments[2])
{
    char error[256] = "";
    struct pw_run_want want = {.path = dir,
                               .instance = "test",
                               .version = "0",
                               .config_text = config_text,
                               .config_bytes = strlen(config_text),
                               .instruments = instruments,
                               .instrument_cnt = 2,
                               .segment_bytes = segment_bytes,
                               .now_ns = now_ns};
    *live = (struct live){.commit_interval_ns = 5000000};
    cr_assert_eq(pw_journal_open_run(&want, &live->store, &live->run_id, error, sizeof error), 0, "%s",
                 error);
    live->writer = pw_writer_new(&(struct pw_writer_config){.store = &live->store,
                                                            .run_id = live->run_id,
                                                            .clock = pw_clock_host(),
                                                            .commit_interval_ns = live->commit_interval_ns,
                                                            .frame_bytes_max = WIRE_BYTES / 2});
    live->ring = ring_new(0, &live->producer, &live->consumer);
    live->wire_ring = ring_new(WIRE_BYTES, &live->wire_producer, &live->wire);
}

static void poll_writer(struct live *live, int64_t now_ns)
{
    pw_producer_publish(&live->producer);
    pw_producer_publish(&live->wire_producer);
    pw_writer_poll(live->writer, &(struct pw_writer_input){.market = &live->consumer, .wire = &live->wire},
                   SLOTS, now_ns);
}

void live_put(struct live *live, const struct pw_event *event, int64_t now_ns)
{
    if (pw_producer_room(&live->producer, 1) < 1) {
        poll_writer(live, now_ns);
    }
    cr_assert_geq(pw_producer_room(&live->producer, 1), 1);
    pw_producer_put(&live->producer, event);
    if (live->producer.head - live->producer.published > SLOTS / 2) {
        poll_writer(live, now_ns);
    }
}

void live_put_wire(struct live *live, const struct pw_event *frame, const char *bytes, int64_t now_ns)
{
    struct pw_event event = *frame;
    uint32_t len = (uint32_t)strlen(bytes);
    if (pw_producer_room(&live->wire_producer, 1) < 1) {
        poll_writer(live, now_ns);
    }
    uint8_t *payload = len ? pw_producer_payload_claim(&live->wire_producer, len) : NULL;
    if (len) {
        cr_assert_not_null(payload);
        memcpy(payload, bytes, len);
    }
    pw_producer_put_frame(&live->wire_producer, &event, len);
}

void live_commit(struct live *live, int64_t now_ns)
{
    poll_writer(live, now_ns);
    pw_writer_commit(live->writer, now_ns);
}

void live_close(struct live *live, bool clean)
{
    if (clean) {
        live_commit(live, INT64_MAX / 2);
        cr_assert_eq(pw_writer_state(live->writer), PW_WRITER_OK);
        live->store.end(live->store.state, LIVE_EPOCH_NS + 1, pw_writer_stats(live->writer)->event_cnt, true);
    }
    pw_writer_free(live->writer);
    live->store.close(live->store.state);
    free(live->ring);
    free(live->wire_ring);
}

struct pw_event live_event(uint64_t i)
{
    uint64_t noise = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
    struct pw_event event = {.seq = (uint32_t)i,
                             .instrument_idx = (uint16_t)(noise >> 60 & 1),
                             .recv_ns = LIVE_EPOCH_NS + (int64_t)i * 100000};
    int64_t price_e8 = INT64_C(6183763000000) + (int64_t)(noise >> 56 & 15) * 1000000;
    int64_t qty_e8 = (int64_t)(noise >> 40 & 0xffff) * 1000 + 1000;
    switch (i % 4) {
    case 0:
    case 1:
        event.kind = PW_EVENT_QUOTE;
        event.body.quote =
            (struct pw_quote){price_e8, qty_e8, price_e8 + 1000000, qty_e8 + 2000, 1000 + 3 * i};
        break;
    case 2:
        event.kind = PW_EVENT_TRADE;
        event.venue_ns = event.recv_ns / 1000000 * 1000000;
        event.flags = noise & PW_FLAG_SELL;
        event.body.trade = (struct pw_trade){
            .price_e8 = price_e8, .qty_e8 = qty_e8, .trade_id = i, .trade_ns = event.venue_ns};
        break;
    default:
        event.kind = PW_EVENT_DEPTH;
        event.flags = PW_FLAG_LAST;
        event.body.depth = (struct pw_depth){.first_update_id = 1000 + 3 * i, .last_update_id = 1002 + 3 * i};
        break;
    }
    return event;
}
