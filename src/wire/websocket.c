/* SPDX-License-Identifier: MIT
 *
 * WebSocket framing: the decoder's judgements, masking, UTF-8, and the handshake's key.
 */
#include "websocket.h"

#include "sha1.h"
#include "swar.h"
#include <string.h>

enum {
    CLOSE_PROTOCOL = 1002,
    CLOSE_NONE = 1005,
    CLOSE_BAD_DATA = 1007,
    CLOSE_POLICY = 1008,
    CLOSE_TOO_BIG = 1009,
};

/* What a frame's first bytes say. */
struct header {
    uint8_t opcode;
    bool fin;
    bool masked;
    uint8_t mask[4];
    uint32_t bytes; /* of the header; 0: not whole yet, need says how many bytes it has at least */
    uint32_t need;
    uint64_t payload_bytes;
};

static bool is_control(uint8_t opcode)
{
    return (opcode & 8) != 0;
}

static enum pw_ws_result refuse(struct pw_ws_decoder *decoder, uint16_t close_code)
{
    decoder->close_code = close_code;
    return PW_WS_INVALID;
}

/* RFC 6455, 5.2 and 5.4: reserved bits are zero (no extension is ever offered), opcodes are known, control
 * frames are whole, a continuation continues something and nothing else begins meanwhile. */
static bool first_byte_ok(const struct pw_ws_decoder *decoder, uint8_t byte)
{
    uint8_t opcode = byte & 0x0f;
    if ((byte & 0x70) != 0) {
        return false;
    }
    switch (opcode) {
    case PW_WS_CONTINUATION:
        return decoder->message_opcode != 0;
    case PW_WS_TEXT:
    case PW_WS_BINARY:
        return decoder->message_opcode == 0;
    case PW_WS_CLOSE:
    case PW_WS_PING:
    case PW_WS_PONG:
        return (byte & 0x80) != 0;
    default:
        return false;
    }
}

/* Reads the length in its 7, 16 or 64 bit form; false if it is not the shortest form or has its top bit set.
 */
static bool read_length(const uint8_t *data, struct header *header)
{
    uint8_t short_length = data[1] & 0x7f;
    uint32_t length_bytes = short_length == 126 ? 2 : short_length == 127 ? 8 : 0;
    if (length_bytes == 0) {
        header->payload_bytes = short_length;
        return true;
    }
    uint64_t length = 0;
    for (uint32_t i = 0; i < length_bytes; i++) {
        length = length << 8 | data[2 + i];
    }
    header->payload_bytes = length;
    return length_bytes == 2 ? length > 125 : length > UINT16_MAX && length >> 63 == 0;
}

/* Judges as much of the header as has come. */
static bool read_header(const struct pw_ws_decoder *decoder, const uint8_t *data, size_t size,
                        struct header *header)
{
    *header = (struct header){.need = 2};
    if (size >= 1 && !first_byte_ok(decoder, data[0])) {
        return false;
    }
    if (size < 2) {
        return true;
    }
    header->opcode = data[0] & 0x0f;
    header->fin = (data[0] & 0x80) != 0;
    header->masked = (data[1] & 0x80) != 0;
    uint8_t short_length = data[1] & 0x7f;
    if (header->masked != decoder->from_client) {
        return false;
    }
    if (is_control(header->opcode) && short_length > PW_WS_CONTROL_MAX) {
        return false;
    }
    if (header->opcode == PW_WS_CLOSE && short_length == 1) {
        return false;
    }
    uint32_t length_end = short_length == 126 ? 4 : short_length == 127 ? 10 : 2;
    header->need = length_end + (header->masked ? 4 : 0);
    if (size < length_end) {
        return true;
    }
    if (!read_length(data, header)) {
        return false;
    }
    if (size >= header->need) {
        header->bytes = header->need;
        if (header->masked) {
            memcpy(header->mask, data + length_end, 4);
        }
    }
    return true;
}

/* Checks the part of an unfinished text frame that has come since the last look, so that text which cannot
 * become valid ends the connection at once, however slowly the rest would drip in. */
static bool check_partial_text(struct pw_ws_decoder *decoder, const struct header *header,
                               const uint8_t *payload, uint64_t there)
{
    while (decoder->checked_bytes < there) {
        uint8_t piece[256];
        uint64_t bytes = there - decoder->checked_bytes;
        bytes = bytes < sizeof piece ? bytes : sizeof piece;
        memcpy(piece, payload + decoder->checked_bytes, bytes);
        if (header->masked) {
            pw_ws_mask(piece, bytes, header->mask, decoder->checked_bytes);
        }
        if (!pw_utf8_check(&decoder->utf8_state, piece, bytes)) {
            return false;
        }
        decoder->checked_bytes += bytes;
    }
    return true;
}

/* RFC 6455, 7.4, and the IANA registry, which has added 1012 to 1014. */
static bool close_code_ok(uint16_t code)
{
    if (code >= 3000) {
        return code <= 4999;
    }
    return code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
}

static enum pw_ws_result finish_close(struct pw_ws_decoder *decoder, const struct pw_ws_frame *frame)
{
    if (frame->payload_bytes == 0) {
        return PW_WS_FRAME;
    }
    if (!close_code_ok(pw_ws_close_code(frame))) {
        return refuse(decoder, CLOSE_PROTOCOL);
    }
    uint32_t utf8_state = 0;
    bool text_ok = pw_utf8_check(&utf8_state, frame->payload + 2, (size_t)frame->payload_bytes - 2);
    return text_ok && utf8_state == 0 ? PW_WS_FRAME : refuse(decoder, CLOSE_BAD_DATA);
}

static enum pw_ws_result finish_data(struct pw_ws_decoder *decoder, struct pw_ws_frame *frame)
{
    if (frame->opcode != PW_WS_CONTINUATION) {
        decoder->message_opcode = frame->opcode;
    }
    frame->message_opcode = decoder->message_opcode;
    if (decoder->message_opcode == PW_WS_TEXT) {
        uint64_t checked = decoder->checked_bytes;
        bool text_ok = pw_utf8_check(&decoder->utf8_state, frame->payload + checked,
                                     (size_t)(frame->payload_bytes - checked));
        if (!text_ok || (frame->fin && decoder->utf8_state != 0)) {
            return refuse(decoder, CLOSE_BAD_DATA);
        }
    }
    decoder->checked_bytes = 0;
    if (frame->fin) {
        decoder->message_opcode = 0;
        decoder->message_bytes = 0;
        decoder->fragment_cnt = 0;
        return PW_WS_FRAME;
    }
    decoder->message_bytes += frame->payload_bytes;
    return ++decoder->fragment_cnt < PW_WS_FRAGMENTS_MAX ? PW_WS_FRAME : refuse(decoder, CLOSE_POLICY);
}

enum pw_ws_result pw_ws_decode(struct pw_ws_decoder *decoder, uint8_t *data, size_t size,
                               struct pw_ws_frame *frame, uint64_t *need)
{
    struct header header;
    if (!read_header(decoder, data, size, &header)) {
        return refuse(decoder, CLOSE_PROTOCOL);
    }
    bool control = is_control(header.opcode);
    /* An unfinished header has payload_bytes 0 or the final value: judging it early can only be right. */
    if (!control && header.payload_bytes > decoder->message_bytes_max - decoder->message_bytes) {
        return refuse(decoder, CLOSE_TOO_BIG);
    }
    uint64_t frame_bytes = header.bytes + header.payload_bytes;
    if (header.bytes == 0 || size < frame_bytes) {
        bool text = header.opcode == PW_WS_TEXT ||
                    (header.opcode == PW_WS_CONTINUATION && decoder->message_opcode == PW_WS_TEXT);
        if (header.bytes != 0 && text &&
            !check_partial_text(decoder, &header, data + header.bytes, size - header.bytes)) {
            return refuse(decoder, CLOSE_BAD_DATA);
        }
        if (need != NULL) {
            *need = header.bytes == 0 ? header.need : frame_bytes;
        }
        return PW_WS_INCOMPLETE;
    }
    *frame = (struct pw_ws_frame){.opcode = header.opcode,
                                  .message_opcode = header.opcode,
                                  .fin = header.fin,
                                  .header_bytes = header.bytes,
                                  .payload_bytes = header.payload_bytes,
                                  .payload = data + header.bytes,
                                  .frame_bytes = frame_bytes};
    if (header.masked) {
        pw_ws_mask(frame->payload, (size_t)frame->payload_bytes, header.mask, 0);
    }
    if (!control) {
        return finish_data(decoder, frame);
    }
    return header.opcode == PW_WS_CLOSE ? finish_close(decoder, frame) : PW_WS_FRAME;
}

uint16_t pw_ws_close_code(const struct pw_ws_frame *frame)
{
    return frame->payload_bytes < 2 ? CLOSE_NONE : (uint16_t)(frame->payload[0] << 8 | frame->payload[1]);
}

uint32_t pw_ws_header_encode(uint8_t *out, uint8_t opcode, bool fin, uint64_t payload_bytes,
                             const uint8_t mask[4])
{
    uint32_t length_bytes = payload_bytes > UINT16_MAX ? 8 : payload_bytes > 125 ? 2 : 0;
    uint8_t short_length = length_bytes == 8 ? 127 : length_bytes == 2 ? 126 : (uint8_t)payload_bytes;
    out[0] = (uint8_t)((fin ? 0x80 : 0) | opcode);
    out[1] = (uint8_t)((mask != NULL ? 0x80 : 0) | short_length);
    for (uint32_t i = 0; i < length_bytes; i++) {
        out[2 + i] = (uint8_t)(payload_bytes >> (8 * (length_bytes - 1 - i)));
    }
    uint32_t bytes = 2 + length_bytes;
    if (mask != NULL) {
        memcpy(out + bytes, mask, 4);
        bytes += 4;
    }
    return bytes;
}

void pw_ws_mask(uint8_t *data, size_t size, const uint8_t mask[4], uint64_t offset)
{
    uint8_t key[8];
    for (unsigned i = 0; i < 8; i++) {
        key[i] = mask[(offset + i) & 3];
    }
    uint64_t key_word;
    memcpy(&key_word, key, 8);
    size_t i = 0;
    for (; i + 32 <= size; i += 32) { /* one vector */
        uint64_t words __attribute__((vector_size(32)));
        memcpy(&words, data + i, 32);
        words ^= key_word;
        memcpy(data + i, &words, 32);
    }
    for (; i + 8 <= size; i += 8) {
        uint64_t word;
        memcpy(&word, data + i, 8);
        word ^= key_word;
        memcpy(data + i, &word, 8);
    }
    for (; i < size; i++) {
        data[i] ^= key[i & 7];
    }
}

static void base64_encode(const uint8_t *bytes, size_t size, char *text)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < size; i += 3) {
        uint32_t left = (uint32_t)(size - i);
        uint32_t group = (uint32_t)bytes[i] << 16;
        group |= left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0;
        group |= left > 2 ? bytes[i + 2] : 0;
        *text++ = alphabet[group >> 18];
        *text++ = alphabet[group >> 12 & 63];
        *text++ = left > 1 ? alphabet[group >> 6 & 63] : '=';
        *text++ = left > 2 ? alphabet[group & 63] : '=';
    }
    *text = '\0';
}

void pw_ws_accept_key(const char *key, size_t key_bytes, char accept[29])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; /* RFC 6455, 1.3 */
    struct pw_sha1 sha1;
    uint8_t digest[PW_SHA1_BYTES];
    pw_sha1_init(&sha1);
    pw_sha1_add(&sha1, key, key_bytes);
    pw_sha1_add(&sha1, guid, sizeof guid - 1);
    pw_sha1_finish(&sha1, digest);
    base64_encode(digest, sizeof digest, accept);
}

void pw_ws_key_text(const uint8_t random[16], char key[25])
{
    base64_encode(random, 16, key);
}

/* The state between two bytes of one character: how many are left, and the range of the next (Unicode 15,
 * table 3-7: the second byte's range excludes overlong forms, surrogates and what lies beyond U+10FFFF). */
static uint32_t utf8_expect(uint32_t left, uint32_t low, uint32_t high)
{
    return left | low << 8 | high << 16;
}

static bool utf8_step(uint32_t *state, uint8_t byte)
{
    if (*state != 0) {
        uint32_t left = *state & 0xff;
        if (byte < (*state >> 8 & 0xff) || byte > *state >> 16) {
            return false;
        }
        *state = left == 1 ? 0 : utf8_expect(left - 1, 0x80, 0xbf);
        return true;
    }
    if (byte < 0x80) {
        return true;
    }
    if (byte < 0xc2 || byte > 0xf4) {
        return false;
    }
    if (byte < 0xe0) {
        *state = utf8_expect(1, 0x80, 0xbf);
    } else if (byte < 0xf0) {
        *state = utf8_expect(2, byte == 0xe0 ? 0xa0 : 0x80, byte == 0xed ? 0x9f : 0xbf);
    } else {
        *state = utf8_expect(3, byte == 0xf0 ? 0x90 : 0x80, byte == 0xf4 ? 0x8f : 0xbf);
    }
    return true;
}

/* As many bytes as one vector register of the usual build has; the compiler takes smaller ones where it must.
 */
typedef uint64_t utf8_block __attribute__((vector_size(32)));
#define BLOCK_BYTES sizeof(utf8_block)

static inline utf8_block block_at(const uint8_t *data)
{
    utf8_block block;
    memcpy(&block, data, sizeof block);
    return block;
}

static inline uint64_t word_at(const uint8_t *data)
{
    uint64_t word;
    memcpy(&word, data, sizeof word);
    return word;
}

/* No byte is looked at alone: the last block, or word, begins where it must so that it ends with the data. */
static bool is_ascii(const uint8_t *data, size_t size)
{
    const uint8_t *end = data + size;
    uint64_t any = 0;
    if (size >= BLOCK_BYTES) {
        utf8_block blocks = block_at(end - BLOCK_BYTES);
        for (; (size_t)(end - data) > BLOCK_BYTES; data += BLOCK_BYTES) {
            blocks |= block_at(data);
        }
        any = blocks[0] | blocks[1] | blocks[2] | blocks[3];
    } else if (size >= 8) {
        any = word_at(end - 8);
        for (; end - data > 8; data += 8) {
            any |= word_at(data);
        }
    } else {
        for (; data < end; data++) {
            any |= *data;
        }
    }
    return (any & PW_SWAR_TOPS) == 0;
}

bool pw_utf8_check(uint32_t *state, const uint8_t *data, size_t size)
{
    /* What venues send is ASCII but for a symbol now and then. */
    if (*state == 0 && is_ascii(data, size)) {
        return true;
    }
    size_t i = 0;
    while (i < size) {
        while (*state == 0 && size - i >= BLOCK_BYTES && is_ascii(data + i, BLOCK_BYTES)) {
            i += BLOCK_BYTES;
        }
        size_t stop = size - i < BLOCK_BYTES ? size : i + BLOCK_BYTES;
        for (; i < stop; i++) {
            if (!utf8_step(state, data[i])) {
                return false;
            }
        }
    }
    return true;
}
