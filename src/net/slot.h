/* SPDX-License-Identifier: MIT
 *
 * A slot: the memory of one WebSocket connection, and all that the two sides of the hand-over know of it.
 *
 * The connector fills `link` and the decoded bytes that came behind the upgrade's answer, and passes the slot
 * on with PW_EVENT_CONN; from then on it is net_rx's until net_rx passes it back with its cause.
 */
#ifndef PW_SLOT_H
#define PW_SLOT_H

#include "cause.h"
#include "link.h"
#include "websocket.h"

#define PW_CONN_ARENA_BYTES                                                                                  \
    (128u << 10) /* TLS on the hot side: a record in, a record out, a renewal of keys */
#define PW_CONN_COLD_BYTES   4096u
#define PW_CONN_OUTPUT_BYTES 2048u /* control frames are at most 131 bytes; one is on its way at a time */
#define PW_CONN_PLAIN_SLACK                                                                                  \
    4096u /* beyond the largest message: frame headers, control frames between fragments */

struct pw_conn_slot {
    uint32_t idx, conn_idx;
    uint32_t feed_idx; /* in its frames: the feed, or of order entry the connection */
    struct pw_link link;
    struct pw_arena arena;

    /* Plaintext: [part, part + part_bytes) is the fragmented message so far, [next, end) not yet decoded. */
    uint8_t *plain;
    size_t plain_bytes, next, end;
    size_t part, part_bytes;
    size_t message,
        message_bytes; /* a whole message that has not found room in the ring yet; 0 bytes: none */
    struct pw_ws_decoder decoder;
    int64_t recv_ns;      /* of the last bytes in plain */
    int64_t kernel_ns;    /* when the kernel had them; 0: not known, or not for sure */
    bool together;        /* several messages are in what was read */
    int64_t decrypted_ns; /* and when they were there; 0: before the hand-over */
    int64_t since_ns;     /* they came to this host after that; 0: not known */
    int64_t unread_ns;    /* since when the socket may have held bytes that were not read; 0: it is read to its
                           * end in each pass */

    bool stalled;
    bool stale;
    int64_t last_whole_ns; /* of a message or a control frame; bytes of one that is not whole are no life */
    int64_t last_data_ns;  /* of a message */
    int64_t close_deadline_ns;
    int64_t unfinished_ns; /* since when a message, or a frame between two, has been there in part; 0: none is */

    /* A notice that parse has not been given yet; no message passes it. */
    bool notice_due;
    uint32_t notice_state, notice_reason;

    /* To send: the last ping's payload, and a close frame. */
    bool pong_due, close_due;
    uint8_t pong_bytes;
    uint8_t pong[PW_WS_CONTROL_MAX];
    uint16_t close_code;
    bool notify_sent; /* the TLS session's end is in output, or was */
    bool peer_closed; /* its close frame has come */
    bool sending;     /* pw_io has output's bytes */
    bool send_failed;
    bool recv_failed; /* the socket gave an error, not an end */

    /* Why it ended; the connector reads it when it has the slot back. */
    enum pw_cause cause;
    uint32_t lost_reason;     /* enum pw_reason */
    uint16_t peer_close_code; /* 0: none */
};

#endif
