/* SPDX-License-Identifier: MIT
 *
 * Frames of one client: see client_ws.h.
 */
#include "client_ws.h"

#include "pw_assert.h"

#include <inttypes.h>
#include <pinwheel/units.h>
#include <stdio.h>
#include <string.h>

void pw_serve_ws_begin(struct pw_serve_client *client, int64_t now_ns)
{
    client->decoder = (struct pw_ws_decoder){.from_client = true, .message_bytes_max = PW_SERVE_MESSAGE_MAX};
    client->next_ping_ns = now_ns + client->shared->limits.ping_interval_ms * PW_NS_PER_MS;
    pw_serve_phase_set(client, PW_SERVE_WEBSOCKET, now_ns);
}

/* ---- frames ---- */

void pw_serve_client_close(struct pw_serve_client *client, uint16_t code, const char *reason, int64_t now_ns)
{
    char payload[PW_WS_CONTROL_MAX];
    size_t size = strlen(reason);

    if (client->close_sent) {
        return;
    }
    pw_assert(client->phase == PW_SERVE_WEBSOCKET && size + 2 <= sizeof payload);
    payload[0] = (char)(code >> 8);
    payload[1] = (char)code;
    memcpy(payload + 2, reason, size);
    pw_serve_outlet_send(&client->outlet, PW_WS_CLOSE, payload, size + 2);
    client->close_sent = true;
    pw_serve_silence(client); /* nothing follows a close frame */
    pw_serve_phase_set(client, PW_SERVE_CLOSING, now_ns);
}

static void ws_peer_closes(struct pw_serve_client *client, const struct pw_ws_frame *frame, int64_t now_ns)
{
    uint16_t code = pw_ws_close_code(frame);

    client->close_got = true;
    pw_serve_client_close(client, code == 1005 ? 1000 : code, "", now_ns);
}

static void ws_pong(struct pw_serve_client *client, const struct pw_ws_frame *frame)
{
    char sent[24];
    int size = snprintf(sent, sizeof sent, "%" PRId64, client->ping_ns / PW_NS_PER_MS);

    /* An unsolicited pong is allowed and keeps nothing alive. */
    if (client->ping_ns && frame->payload_bytes == (uint64_t)size &&
        memcmp(frame->payload, sent, (size_t)size) == 0) {
        client->ping_ns = 0;
    }
}

static void ws_text(struct pw_serve_client *client, struct pw_slice text, int64_t now_ns)
{
    client->socket->message(client->shared->service.state, client, text, now_ns);
}

static void ws_data(struct pw_serve_client *client, const struct pw_ws_frame *frame, int64_t now_ns)
{
    struct pw_slice text = {(const char *)frame->payload, frame->payload_bytes};

    if (frame->message_opcode != PW_WS_TEXT) {
        pw_serve_client_close(client, 1003, "text only", now_ns);
        return;
    }
    if (frame->fin && frame->opcode == PW_WS_TEXT) {
        ws_text(client, text, now_ns);
        return;
    }
    pw_buffer_slice(&client->message, text); /* the decoder has bounded the whole */
    if (frame->fin && !client->message.failed) {
        ws_text(client, (struct pw_slice){client->message.data, client->message.size}, now_ns);
        pw_buffer_clear(&client->message);
    } else if (client->message.failed) {
        pw_serve_client_close(client, 1011, "no memory", now_ns);
    }
}

/* Everything that a client sends counts, control frames too. False: it was too much. */
static bool ws_rate_ok(struct pw_serve_client *client, int64_t now_ns)
{
    uint32_t limit = client->shared->limits.messages_per_s;

    if (now_ns - client->rate_from_ns >= 1000 * PW_NS_PER_MS) {
        client->rate_from_ns = now_ns;
        client->rate_cnt = 0;
    }
    if (!limit || ++client->rate_cnt <= limit) {
        return true;
    }
    pw_serve_client_close(client, 1008, "Too many requests", now_ns);
    return false;
}

static void ws_frame(struct pw_serve_client *client, const struct pw_ws_frame *frame, int64_t now_ns)
{
    if (frame->opcode == PW_WS_CLOSE) {
        ws_peer_closes(client, frame, now_ns);
        return;
    }
    if (client->phase == PW_SERVE_CLOSING) {
        return;
    }
    if (!client->socket->any_rate && !ws_rate_ok(client, now_ns)) {
        return;
    }
    if (frame->opcode == PW_WS_PING) {
        pw_serve_outlet_send(&client->outlet, PW_WS_PONG, (const char *)frame->payload, frame->payload_bytes);
    } else if (frame->opcode == PW_WS_PONG) {
        ws_pong(client, frame);
    } else {
        ws_data(client, frame, now_ns);
    }
}

/* How much of what has come and is not used may be looked at: a connection to be cut is cut at its byte. */
static size_t ws_visible(const struct pw_serve_client *client, size_t used)
{
    size_t bytes = client->in_bytes - used;

    return client->cut && bytes > client->cut_bytes - client->cut_taken
               ? (size_t)(client->cut_bytes - client->cut_taken)
               : bytes;
}

void pw_serve_ws_input(struct pw_serve_client *client, int64_t now_ns)
{
    size_t used = 0;

    while (!client->close_got) {
        struct pw_ws_frame frame;
        bool cut = client->cut;
        enum pw_ws_result result =
            pw_ws_decode(&client->decoder, client->in + used, ws_visible(client, used), &frame, NULL);
        if (result == PW_WS_INCOMPLETE) {
            break;
        }
        if (result == PW_WS_INVALID) {
            client->close_got = true; /* nothing that follows can be understood */
            pw_serve_client_close(client, client->decoder.close_code, "", now_ns);
            break;
        }
        if (client->decoder.message_opcode == 0) {
            client->part_ns = 0; /* what is there now belongs to the next message */
        }
        used += frame.frame_bytes;
        client->cut_taken += cut ? frame.frame_bytes : 0;
        ws_frame(client, &frame, now_ns);
    }
    pw_serve_consume(client, used);
    bool in_part = client->in_bytes > 0 || client->decoder.message_opcode != 0;
    client->part_ns = !in_part ? 0 : client->part_ns ? client->part_ns : now_ns;
    if (client->cut && client->cut_taken + client->in_bytes > 0 &&
        client->cut_taken + client->in_bytes >= client->cut_bytes) {
        pw_serve_end(client, true); /* what has been said since is lost */
    }
}

/* ---- time ---- */

void pw_serve_ws_goodbye(struct pw_serve_client *client, int64_t now_ns)
{
    if (client->socket->farewell) {
        client->socket->farewell(client->shared->service.state, client, now_ns);
    }
    pw_serve_client_close(client, 1001, "", now_ns);
}

bool pw_serve_ws_tick(struct pw_serve_client *client, int64_t now_ns)
{
    const struct pw_server_limits *limits = &client->shared->limits;
    char payload[24];
    int size;

    if (limits->lifetime_ms && now_ns - client->phase_ns >= limits->lifetime_ms * PW_NS_PER_MS) {
        pw_serve_client_shutdown(client, now_ns);
        return true;
    }
    if (client->ping_ns && now_ns - client->ping_ns >= limits->pong_timeout_ms * PW_NS_PER_MS) {
        pw_serve_end(client, true);
        return true;
    }
    if (now_ns < client->next_ping_ns || client->ping_ns) {
        return false;
    }
    client->ping_ns = now_ns;
    client->next_ping_ns = now_ns + limits->ping_interval_ms * PW_NS_PER_MS;
    size = snprintf(payload, sizeof payload, "%" PRId64, now_ns / PW_NS_PER_MS);
    pw_serve_outlet_send(&client->outlet, PW_WS_PING, payload, (size_t)size);
    return true;
}
