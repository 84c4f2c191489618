/* SPDX-License-Identifier: MIT
 *
 * How long net_rx takes per message: a server on another thread sends messages of 200 bytes as fast as TCP
 * takes them, and the time inside net_rx's poll is booked by the messages that it brought. Not a test: run it
 * on a quiet machine with `meson test --benchmark net_speed -v`.
 */
#include "authority.h"
#include "engine.h"
#include "server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MESSAGES      400000u
#define MESSAGE_BYTES 200u
#define POLLS_MAX     500000u

/* How many messages go into one write, that is, into one TLS record. */
struct load {
    uint32_t per_record;
};

static void serve_load(struct client *client, void *state)
{
    const struct load *load = state;
    static uint8_t record[64 * (MESSAGE_BYTES + 4)];
    uint8_t payload[125];
    size_t size, bytes = 0;
    for (uint32_t i = 0; i < load->per_record; i++) {
        record[bytes] = 0x81;
        record[bytes + 1] = 126;
        record[bytes + 2] = 0;
        record[bytes + 3] = MESSAGE_BYTES;
        memset(record + bytes + 4, 'm', MESSAGE_BYTES);
        bytes += MESSAGE_BYTES + 4;
    }
    for (uint32_t i = 0; i < MESSAGES / load->per_record; i++) {
        client_send(client, record, bytes);
    }
    client_send_frame(client, 0x88, "\x03\xe8", 2);
    client_take_frame(client, payload, &size);
}

static int64_t now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void measure(SSL_CTX *context, const char *ca_file, uint32_t per_record)
{
    static float per_message_ns[POLLS_MAX];
    static struct engine engine;
    struct server server;
    struct load load = {per_record};
    char url[64];
    uint32_t n = 0;
    int64_t total_ns = 0;
    uint64_t seen = 0;
    server_start(&server, context, serve_load, &load);
    snprintf(url, sizeof url, "ws%s://127.0.0.1:%u", context != NULL ? "s" : "", server.port);
    engine_open(&engine, url, ca_file, NULL);
    engine_wait(&engine, PW_FEED_UP);
    while (engine.feeds[0].disconnect_cnt == 0) {
        int64_t wall_ns = engine_now_ns(&engine);
        pw_connector_poll(engine.connector, wall_ns);
        int64_t begin_ns = now_ns();
        pw_hot_receive(engine.net, wall_ns);
        int64_t took_ns = now_ns() - begin_ns;
        pw_hot_transmit(engine.net);
        uint64_t frames = pw_hot_counts(engine.net)->frames;
        if (frames > seen && n < POLLS_MAX) {
            per_message_ns[n++] = (float)took_ns / (float)(frames - seen);
            total_ns += took_ns;
            seen = frames;
        }
        pw_consumer_done(&engine.frames, pw_consumer_peek(&engine.frames, 4096));
    }
    qsort(per_message_ns, n, sizeof per_message_ns[0], compare);
    printf(
        "%-5s %2u messages a record: %6.0f ns a message on average, median poll %6.0f, p90 %6.0f, p99 %6.0f "
        "(%.1f messages a poll)\n",
        context != NULL ? "TLS" : "plain", per_record, (double)total_ns / (double)seen,
        (double)per_message_ns[n / 2], (double)per_message_ns[n * 9 / 10],
        (double)per_message_ns[n * 99ull / 100], (double)seen / n);
    engine_close(&engine);
    server_stop(&server);
}

int main(void)
{
    const char *ca_file;
    SSL_CTX *context = peer_context_for("IP:127.0.0.1", &ca_file);
    const uint32_t per_record[] = {1, 4, 20};
    for (size_t i = 0; i < sizeof per_record / sizeof per_record[0]; i++) {
        measure(context, ca_file, per_record[i]);
        measure(NULL, "", per_record[i]);
    }
    unlink(ca_file);
    SSL_CTX_free(context);
    return 0;
}
