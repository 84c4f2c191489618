/* SPDX-License-Identifier: MIT
 *
 * How long net_rx takes per message: a server on another thread sends messages of 200 bytes as fast as TCP
 * takes them, and the time inside net_rx's poll is booked by the messages that it brought. And how long one
 * message takes to its ring, and one request from its ring to the kernel, with the kernel's part left out,
 * while the server sends one at a time; and what the kernel's stamps cost. Not a test: run it on a quiet
 * machine with `meson test --benchmark net_speed -v`.
 */
#include "host.h"
#include "net_rig.h"
#include "ws_server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
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

static void serve_load(struct ws_client *client, void *state)
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
        ws_client_send(client, record, bytes);
    }
    ws_client_send_frame(client, 0x88, "\x03\xe8", 2);
    ws_client_take_frame(client, payload, &size);
}

static int compare(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static void measure(SSL_CTX *context, const char *ca_file, uint32_t per_record)
{
    static float per_message_ns[POLLS_MAX];
    static struct net_rig engine;
    struct ws_server server;
    struct load load = {per_record};
    char url[64];
    uint32_t n = 0;
    int64_t total_ns = 0;
    uint64_t seen = 0;
    ws_server_start(&server, context, serve_load, &load);
    snprintf(url, sizeof url, "ws%s://127.0.0.1:%u", context != NULL ? "s" : "", server.port);
    net_rig_open(&engine, url, ca_file, NULL);
    net_rig_wait(&engine, PW_FEED_UP);
    while (engine.feeds[0].disconnect_cnt == 0) {
        int64_t wall_ns = net_rig_now_ns(&engine);
        pw_connector_poll(engine.connector, wall_ns);
        int64_t begin_ns = pw_clock_read_ns(CLOCK_MONOTONIC);
        pw_hot_receive(engine.net, wall_ns);
        int64_t took_ns = pw_clock_read_ns(CLOCK_MONOTONIC) - begin_ns;
        pw_hot_transmit(engine.net);
        uint64_t frames = pw_hot_counts(engine.net)->rx.frames;
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
    net_rig_close(&engine);
    ws_server_stop(&server);
}

/* ---- there and back ---- */

#define ROUNDS 20000u

/* What pw_io's calls cost, which are the kernel's part. */
static struct {
    struct pw_io inner, outer;
    int64_t reaped_ns, submit_ns, submitted_ns;
} spy;

static uint32_t spy_reap(void *state, struct pw_completion *out, uint32_t cap)
{
    uint32_t n = spy.inner.reap(state, out, cap);
    spy.reaped_ns = pw_clock_read_ns(CLOCK_MONOTONIC);
    return n;
}

static void spy_submit(void *state)
{
    spy.submit_ns = pw_clock_read_ns(CLOCK_MONOTONIC);
    spy.inner.submit(state);
    spy.submitted_ns = pw_clock_read_ns(CLOCK_MONOTONIC);
}

static void serve_one_at_a_time(struct ws_client *client, void *state)
{
    (void)state;
    static char text[MESSAGE_BYTES];
    static uint8_t payload[1024];
    size_t size;
    memset(text, 'm', sizeof text);
    for (uint32_t i = 0; i < ROUNDS; i++) {
        if (!ws_client_send_frame(client, 0x81, text, sizeof text) ||
            ws_client_take_whole(client, payload, sizeof payload, &size) != 0x81) {
            return;
        }
    }
    ws_client_send_frame(client, 0x88, "\x03\xe8", 2);
    ws_client_take_frame(client, payload, &size);
}

static void print_row(const char *name, float *ns, uint32_t n)
{
    qsort(ns, n, sizeof *ns, compare);
    printf("  %-44s %6.0f ns median, p90 %6.0f, p99 %6.0f\n", name, (double)ns[n / 2], (double)ns[n * 9 / 10],
           (double)ns[n * 99ull / 100]);
}

static void measure_one_at_a_time(SSL_CTX *context, const char *ca_file)
{
    static float in_ns[ROUNDS], out_ns[ROUNDS], submit_ns[ROUNDS], round_ns[ROUNDS];
    static struct net_rig engine;
    static char request[MESSAGE_BYTES];
    struct ws_server server;
    char url[64];
    struct pw_io *io = pw_uring_create(2, 0);
    uint32_t n = 0;
    int64_t last_ns = 0;
    memset(request, 'r', sizeof request);
    spy.inner = spy.outer = *io;
    spy.outer.reap = spy_reap;
    spy.outer.submit = spy_submit;
    ws_server_start(&server, context, serve_one_at_a_time, NULL);
    snprintf(url, sizeof url, "ws%s://127.0.0.1:%u", context != NULL ? "s" : "", server.port);
    net_rig_open_orders(&engine, url, ca_file, &spy.outer);
    net_rig_wait(&engine, PW_FEED_UP);
    while (engine.view->disconnect_cnt == 0) {
        int64_t wall_ns = net_rig_now_ns(&engine);
        pw_connector_poll(engine.connector, wall_ns);
        pw_hot_receive(engine.net, wall_ns);
        int64_t received_ns = pw_clock_read_ns(CLOCK_MONOTONIC);
        uint64_t there = pw_consumer_peek(&engine.frames, 1);
        bool message = there > 0 && pw_consumer_at(&engine.frames, 0)->body.frame.payload_bytes > 0;
        pw_consumer_done(&engine.frames, there);
        if (!message || n == ROUNDS) {
            pw_hot_transmit(engine.net);
            continue;
        }
        in_ns[n] = (float)(received_ns - spy.reaped_ns);
        net_rig_request(&engine, 1, n + 1, request, sizeof request);
        int64_t taken_ns = pw_clock_read_ns(CLOCK_MONOTONIC);
        pw_hot_transmit(engine.net);
        out_ns[n] = (float)(spy.submit_ns - taken_ns);
        submit_ns[n] = (float)(spy.submitted_ns - spy.submit_ns);
        round_ns[n++] = (float)(spy.submitted_ns - last_ns);
        last_ns = spy.submitted_ns;
    }
    printf("%s, one message of %u bytes at a time:\n", context != NULL ? "TLS" : "plain", MESSAGE_BYTES);
    print_row("from the completion to the ring", in_ns, n);
    print_row("from the ring to the submission", out_ns, n);
    print_row("the submission, with its send", submit_ns, n);
    print_row("from one submission to the next", round_ns, n);
    net_rig_close(&engine);
    ws_server_stop(&server);
}

/* ---- what the kernel's stamps cost ---- */

static int loopback_pair(int *theirs, bool stamps)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0), ours = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    if (bind(listener, (struct sockaddr *)&address, size) != 0 || listen(listener, 1) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0 ||
        connect(ours, (struct sockaddr *)&address, size) != 0) {
        perror("loopback");
        abort();
    }
    *theirs = accept(listener, NULL, NULL);
    setsockopt(*theirs, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (stamps) {
        setsockopt(ours, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one);
    }
    close(listener);
    return ours;
}

/* On one thread: a send goes through the kernel to the other end before it returns. */
static void measure_stamps(bool stamps)
{
    static float ns[ROUNDS];
    uint8_t record[MESSAGE_BYTES + 22] = {0}; /* as TLS makes it */
    struct pw_completion completion;
    int theirs, ours = loopback_pair(&theirs, stamps);
    struct pw_io *io = pw_uring_create(1, stamps ? 0 : PW_URING_NO_STAMPS);
    io->start(io->state);
    io->attach(io->state, 0, ours);
    io->submit(io->state);
    for (uint32_t i = 0; i < ROUNDS; i++) {
        int64_t begin_ns = pw_clock_read_ns(CLOCK_MONOTONIC);
        if (send(theirs, record, sizeof record, 0) != (ssize_t)sizeof record) {
            abort();
        }
        while (io->reap(io->state, &completion, 1) == 0) {
        }
        ns[i] = (float)(pw_clock_read_ns(CLOCK_MONOTONIC) - begin_ns);
        io->release(io->state, 0, completion.buffer_idx);
    }
    print_row(stamps ? "through the kernel, stamped" : "through the kernel, not stamped", ns, ROUNDS);
    io->stop(io->state);
    io->destroy(io->state);
    close(ours);
    close(theirs);
}

int main(void)
{
    const char *ca_file;
    SSL_CTX *context = far_context_for("IP:127.0.0.1", &ca_file);
    const uint32_t per_record[] = {1, 4, 20};
    for (size_t i = 0; i < sizeof per_record / sizeof per_record[0]; i++) {
        measure(context, ca_file, per_record[i]);
        measure(NULL, "", per_record[i]);
    }
    measure_one_at_a_time(context, ca_file);
    measure_one_at_a_time(NULL, "");
    for (int i = 0; i < 3; i++) {
        measure_stamps(false);
        measure_stamps(true);
    }
    unlink(ca_file);
    SSL_CTX_free(context);
    return 0;
}
