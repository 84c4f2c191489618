/* SPDX-License-Identifier: MIT
 *
 * A journal under test.
 */
#include "live.h"
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SLOTS 4096u

const char *live_dir(void)
{
    static char dir[64];
    strcpy(dir, "/tmp/pinwheel-journal-XXXXXX");
    cr_assert_not_null(mkdtemp(dir));
    return dir;
}

void live_remove_dir(const char *dir)
{
    char path[512];
    DIR *stream = opendir(dir);
    for (struct dirent *entry; stream && (entry = readdir(stream));) {
        snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
        unlink(path);
    }
    if (stream) {
        closedir(stream);
    }
    rmdir(dir);
}

void live_open(struct live *live, const char *dir, uint64_t segment_bytes, int64_t now_ns)
{
    static const struct pw_instrument instruments[2] = {{.symbol = "BTCUSDT", .tick_e8 = 1000000},
                                                        {.symbol = "ETHUSDT", .tick_e8 = 1000000}};
    char error[256] = "";
    struct pw_run_want want = {.path = dir,
                               .instance = "test",
                               .version = "0",
                               .config_text = "a: 1\n",
                               .config_bytes = 5,
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
                                                            .commit_interval_ns = live->commit_interval_ns});
    live->ring = aligned_alloc(64, (pw_ring_bytes(SLOTS, 0) + 63) / 64 * 64);
    memset(live->ring, 0, pw_ring_bytes(SLOTS, 0));
    cr_assert_eq(pw_ring_format(live->ring, SLOTS, 0, PW_RING_STALL), 0);
    pw_producer_attach(&live->producer, live->ring);
    pw_consumer_attach(&live->consumer, live->ring);
}

static void poll_writer(struct live *live, int64_t now_ns)
{
    pw_producer_publish(&live->producer);
    pw_writer_poll(live->writer, &(struct pw_writer_input){.market = &live->consumer}, SLOTS, now_ns);
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
