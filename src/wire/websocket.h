/* SPDX-License-Identifier: MIT
 *
 * WebSocket framing (RFC 6455), both roles, without a socket: bytes in, frames and messages out.
 *
 * A decoder is given the bytes that have come so far, in one contiguous piece that may be added to, and
 * answers one frame at a time: consumed, incomplete (a normal result) or invalid with the close code to send.
 * It checks all that a receiver must: reserved bits, opcodes, masking by role, minimal lengths, control
 * frames whole and at most 125 bytes, the order of fragments, UTF-8 of text (also across fragments), close
 * codes and reasons, the largest message and the most fragments of one.
 */
#ifndef PW_WEBSOCKET_H
#define PW_WEBSOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pw_ws_opcode {
    PW_WS_CONTINUATION = 0,
    PW_WS_TEXT = 1,
    PW_WS_BINARY = 2,
    PW_WS_CLOSE = 8,
    PW_WS_PING = 9,
    PW_WS_PONG = 10,
};

#define PW_WS_HEADER_MAX  14u
#define PW_WS_CONTROL_MAX 125u
/* Fragments of one message, empty ones included: each costs work, whatever it carries. Servers fragment by
 * their buffers, of some KiB, if at all. */
#define PW_WS_FRAGMENTS_MAX 1024u

enum pw_ws_result {
    PW_WS_FRAME = 1,      /* one whole frame: *frame is filled */
    PW_WS_INCOMPLETE = 0, /* more bytes are needed */
    PW_WS_INVALID = -1,   /* decoder->close_code (1002, 1007, 1008, 1009) says why; the connection must end */
};

/* One connection's receiving side. Zero it, then set role and limit. */
struct pw_ws_decoder {
    bool from_client;           /* we are a server: frames must be masked; else they must not be */
    uint64_t message_bytes_max; /* of a whole message, all fragments together */
    /* The decoder's own. */
    uint8_t message_opcode; /* of the fragmented message under way; 0: none */
    uint32_t fragment_cnt;  /* of it, so far */
    uint64_t message_bytes; /* of its fragments so far */
    uint64_t checked_bytes; /* of an unfinished text frame's payload: already seen to be UTF-8 */
    uint32_t utf8_state;
    uint16_t close_code;
};

struct pw_ws_frame {
    uint8_t opcode;         /* CONTINUATION for later fragments; message_opcode tells the message's */
    uint8_t message_opcode; /* TEXT or BINARY for data frames */
    bool fin;               /* last fragment of its message (control frames: always) */
    uint32_t header_bytes;
    uint64_t payload_bytes;
    uint8_t *payload;     /* inside the caller's buffer, unmasked in place */
    uint64_t frame_bytes; /* header and payload: what to consume */
};

/* Looks at data[0..size). On PW_WS_FRAME the caller consumes frame->frame_bytes and calls again. A frame
 * whose payload is not yet whole is INCOMPLETE, but its header is judged at once: a length beyond the limit
 * is INVALID (1009) before its bytes are waited for, and text that cannot become valid UTF-8 is refused
 * (1007) as far as it has come. data must start at the same frame, with all its bytes so far, until that
 * frame is consumed. `need` (may be NULL): bytes from data's start after which it is worth calling again. */
enum pw_ws_result pw_ws_decode(struct pw_ws_decoder *decoder, uint8_t *data, size_t size,
                               struct pw_ws_frame *frame, uint64_t *need);

/* Close frames: the code (1005 if there is none) and reason. */
uint16_t pw_ws_close_code(const struct pw_ws_frame *frame);

/* Writes a frame header for payload_bytes; mask: NULL for a server's frames, else the 4 bytes. Returns its
 * size, at most PW_WS_HEADER_MAX. */
uint32_t pw_ws_header_encode(uint8_t *out, uint8_t opcode, bool fin, uint64_t payload_bytes,
                             const uint8_t mask[4]);

/* XORs data with the mask, starting at payload offset `offset`. */
void pw_ws_mask(uint8_t *data, size_t size, const uint8_t mask[4], uint64_t offset);

/* The handshake's answer to a key: base64(SHA-1(key + GUID)), 28 characters and a zero byte (RFC
 * 6455, 4.2.2). */
void pw_ws_accept_key(const char *key, size_t key_bytes, char accept[29]);
/* 24 characters and a zero byte out of 16 random bytes. */
void pw_ws_key_text(const uint8_t random[16], char key[25]);

/* Incremental UTF-8 check: *state starts 0; false at the first byte that cannot be. Valid end: *state == 0.
 */
bool pw_utf8_check(uint32_t *state, const uint8_t *data, size_t size);

#endif
