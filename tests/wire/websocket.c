/* SPDX-License-Identifier: MIT
 *
 * WebSocket framing: RFC 6455's own examples, every rule that a receiver must hold, and hostile input.
 */
#include "websocket.h"

#include "guard.h"
#include "sha1.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define LIMIT 100000u

static struct pw_ws_decoder decoder_of(bool from_client)
{
    return (struct pw_ws_decoder){.from_client = from_client, .message_bytes_max = LIMIT};
}

/* One frame out of literal bytes. */
static enum pw_ws_result decode(struct pw_ws_decoder *decoder, const char *bytes, size_t size,
                                struct pw_ws_frame *frame)
{
    static uint8_t buffer[256];
    cr_assert_leq(size, sizeof buffer);
    memcpy(buffer, bytes, size);
    return pw_ws_decode(decoder, buffer, size, frame, NULL);
}

#define DECODE(decoder, text, frame) decode(decoder, text, sizeof text - 1, frame)

Test(websocket, examples_of_the_rfc_decode)
{
    struct pw_ws_frame frame;
    struct pw_ws_decoder client = decoder_of(false), server = decoder_of(true);
    cr_assert_eq(DECODE(&client, "\x81\x05Hello", &frame), PW_WS_FRAME);
    cr_assert(frame.opcode == PW_WS_TEXT && frame.fin && frame.payload_bytes == 5 && frame.frame_bytes == 7);
    cr_assert_arr_eq(frame.payload, "Hello", 5);
    cr_assert_eq(DECODE(&server, "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", &frame), PW_WS_FRAME);
    cr_assert_arr_eq(frame.payload, "Hello", 5);
    cr_assert_eq(frame.header_bytes, 6);
    cr_assert_eq(DECODE(&client, "\x01\x03Hel", &frame), PW_WS_FRAME);
    cr_assert(!frame.fin && frame.message_opcode == PW_WS_TEXT);
    cr_assert_eq(DECODE(&client, "\x80\x02lo", &frame), PW_WS_FRAME);
    cr_assert(frame.fin && frame.opcode == PW_WS_CONTINUATION && frame.message_opcode == PW_WS_TEXT);
    cr_assert_eq(DECODE(&client, "\x89\x05Hello", &frame), PW_WS_FRAME);
    cr_assert_eq(frame.opcode, PW_WS_PING);
    cr_assert_eq(DECODE(&server, "\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", &frame), PW_WS_FRAME);
    cr_assert_eq(frame.opcode, PW_WS_PONG);
    cr_assert_arr_eq(frame.payload, "Hello", 5);
}

Test(websocket, handshake_key_and_answer_are_those_of_the_rfc)
{
    char accept[29], key[25];
    pw_ws_key_text((const uint8_t *)"the sample nonce", key);
    cr_assert_str_eq(key, "dGhlIHNhbXBsZSBub25jZQ==");
    pw_ws_accept_key(key, strlen(key), accept);
    cr_assert_str_eq(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

static void assert_sha1(const char *text, size_t size, int times, const char *expected)
{
    struct pw_sha1 sha1;
    uint8_t digest[PW_SHA1_BYTES];
    char hex[2 * PW_SHA1_BYTES + 1];
    pw_sha1_init(&sha1);
    for (int i = 0; i < times; i++) {
        pw_sha1_add(&sha1, text, size);
    }
    pw_sha1_finish(&sha1, digest);
    for (unsigned i = 0; i < PW_SHA1_BYTES; i++) {
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    }
    cr_assert_str_eq(hex, expected);
}

Test(websocket, sha1_gives_the_standards_examples)
{
    assert_sha1("", 0, 1, "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    assert_sha1("abc", 3, 1, "a9993e364706816aba3e25717850c26c9cd0d89d");
    assert_sha1("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56, 1,
                "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
    assert_sha1("aaaaaaaaaa", 10, 100000, "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
}

Test(websocket, lengths_round_trip_at_every_boundary)
{
    static const uint64_t lengths[] = {0, 1, 124, 125, 126, 127, 128, 65534, 65535, 65536, 65537, LIMIT};
    uint8_t *buffer = malloc(LIMIT + PW_WS_HEADER_MAX), mask[4] = {1, 2, 3, 0xfe};
    for (size_t i = 0; i < 2 * sizeof lengths / sizeof lengths[0]; i++) {
        uint64_t length = lengths[i / 2];
        bool masked = i % 2;
        uint32_t header_bytes = pw_ws_header_encode(buffer, PW_WS_BINARY, true, length, masked ? mask : NULL);
        memset(buffer + header_bytes, 'x', length);
        if (masked) {
            pw_ws_mask(buffer + header_bytes, length, mask, 0);
        }
        struct pw_ws_decoder decoder = decoder_of(masked);
        struct pw_ws_frame frame;
        cr_assert_eq(pw_ws_decode(&decoder, buffer, header_bytes + length, &frame, NULL), PW_WS_FRAME);
        cr_assert(frame.payload_bytes == length && frame.header_bytes == header_bytes);
        cr_assert(length == 0 || (frame.payload[0] == 'x' && frame.payload[length - 1] == 'x'));
    }
    free(buffer);
}

Test(websocket, masking_is_the_same_at_every_size_and_offset)
{
    static const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};
    struct guard guard = guard_make(128);
    for (size_t size = 0; size <= 80; size++) {
        for (uint64_t offset = 0; offset < 8; offset++) {
            uint8_t zeros[80] = {0}, *data = (uint8_t *)guard_copy(&guard, zeros, size);
            pw_ws_mask(data, size, mask, offset);
            for (size_t i = 0; i < size; i++) {
                cr_assert_eq(data[i], mask[(i + offset) & 3], "size %zu, offset %zu", size, (size_t)offset);
            }
        }
    }
    guard_free(&guard);
}

/* Every prefix of a frame wants more, says how much, and reads nothing beyond its end. */
static void assert_prefixes_incomplete(const char *bytes, size_t size, bool from_client)
{
    struct guard guard = guard_make(size);
    struct pw_ws_frame frame;
    for (size_t prefix = 0; prefix < size; prefix++) {
        struct pw_ws_decoder decoder = decoder_of(from_client);
        uint64_t need = 0;
        uint8_t *data = (uint8_t *)guard_copy(&guard, bytes, prefix);
        cr_assert_eq(pw_ws_decode(&decoder, data, prefix, &frame, &need), PW_WS_INCOMPLETE);
        cr_assert(need > prefix && need <= size, "%zu of %zu bytes: needs %zu", prefix, size, (size_t)need);
    }
    struct pw_ws_decoder decoder = decoder_of(from_client);
    cr_assert_eq(pw_ws_decode(&decoder, (uint8_t *)guard_copy(&guard, bytes, size), size, &frame, NULL),
                 PW_WS_FRAME);
    guard_free(&guard);
}

Test(websocket, every_prefix_is_incomplete)
{
    assert_prefixes_incomplete("\x81\x05Hello", 7, false);
    assert_prefixes_incomplete("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11, true);
    assert_prefixes_incomplete("\x88\x05\x03\xe8"
                               "bye",
                               7, false);
    char medium[4 + 300] = {'\x81', 126, 300 >> 8, 300 & 0xff};
    memset(medium + 4, 'm', 300);
    assert_prefixes_incomplete(medium, sizeof medium, false);
    static char large[10 + 65536] = {'\x82', 127, 0, 0, 0, 0, 0, 1, 0, 0};
    struct pw_ws_decoder decoder = decoder_of(false);
    struct pw_ws_frame frame;
    for (size_t prefix = 0; prefix < 12; prefix++) {
        cr_assert_eq(pw_ws_decode(&decoder, (uint8_t *)large, prefix, &frame, NULL), PW_WS_INCOMPLETE);
    }
    cr_assert_eq(pw_ws_decode(&decoder, (uint8_t *)large, sizeof large, &frame, NULL), PW_WS_FRAME);
}

Test(websocket, text_that_drips_in_is_decoded_as_if_it_came_at_once)
{
    static const char text[] = "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5 \xf0\x9f\x98\x80";
    static const uint8_t mask[4] = {9, 8, 7, 6};
    for (int masked = 0; masked < 2; masked++) {
        uint8_t bytes[64], scratch[64];
        uint32_t header_bytes =
            pw_ws_header_encode(bytes, PW_WS_TEXT, true, sizeof text - 1, masked ? mask : NULL);
        memcpy(bytes + header_bytes, text, sizeof text - 1);
        if (masked) {
            pw_ws_mask(bytes + header_bytes, sizeof text - 1, mask, 0);
        }
        struct pw_ws_decoder decoder = decoder_of(masked);
        struct pw_ws_frame frame;
        size_t size = header_bytes + sizeof text - 1;
        memcpy(scratch, bytes, size);
        for (size_t prefix = 0; prefix < size; prefix++) {
            cr_assert_eq(pw_ws_decode(&decoder, scratch, prefix, &frame, NULL), PW_WS_INCOMPLETE);
        }
        cr_assert_eq(pw_ws_decode(&decoder, scratch, size, &frame, NULL), PW_WS_FRAME);
        cr_assert_arr_eq(frame.payload, text, sizeof text - 1);
    }
}

struct refusal {
    const char *why;
    bool from_client;
    const char *bytes;
    size_t size;
    uint16_t close_code;
};

#define ROW(why, from_client, text, code)                                                                    \
    {                                                                                                        \
        why, from_client, text, sizeof text - 1, code                                                        \
    }

static const struct refusal g_refusals[] = {
    ROW("reserved bit 1", false, "\xc1\x00", 1002),
    ROW("reserved bit 2", false, "\xa1\x00", 1002),
    ROW("reserved bit 3", false, "\x91\x00", 1002),
    ROW("opcode 3", false, "\x83\x00", 1002),
    ROW("opcode 7", false, "\x87\x00", 1002),
    ROW("opcode 11", false, "\x8b\x00", 1002),
    ROW("opcode 15", false, "\x8f\x00", 1002),
    ROW("masked by a server", false, "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 1002),
    ROW("not masked by a client", true, "\x81\x05Hello", 1002),
    ROW("125 in 16 bits", false, "\x82\x7e\x00\x7d", 1002),
    ROW("0 in 16 bits", false, "\x82\x7e\x00\x00", 1002),
    ROW("65535 in 64 bits", false, "\x82\x7f\x00\x00\x00\x00\x00\x00\xff\xff", 1002),
    ROW("top bit of 64", false, "\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00", 1002),
    ROW("all bits of 64", false, "\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff", 1002),
    ROW("2^62 bytes", false, "\x82\x7f\x40\x00\x00\x00\x00\x00\x00\x00", 1009),
    ROW("one byte beyond the limit", false, "\x82\x7f\x00\x00\x00\x00\x00\x01\x86\xa1", 1009),
    ROW("ping of 126", false, "\x89\x7e", 1002),
    ROW("pong of 2^16", false, "\x8a\x7f", 1002),
    ROW("fragmented ping", false, "\x09\x00", 1002),
    ROW("fragmented close", false, "\x08\x00", 1002),
    ROW("continuation of nothing", false, "\x80\x00", 1002),
    ROW("continuation of nothing, not last", false, "\x00\x00", 1002),
    ROW("close of one byte", false, "\x88\x01\x03", 1002),
    ROW("close 0", false, "\x88\x02\x00\x00", 1002),
    ROW("close 999", false, "\x88\x02\x03\xe7", 1002),
    ROW("close 1004", false, "\x88\x02\x03\xec", 1002),
    ROW("close 1005", false, "\x88\x02\x03\xed", 1002),
    ROW("close 1006", false, "\x88\x02\x03\xee", 1002),
    ROW("close 1015", false, "\x88\x02\x03\xf7", 1002),
    ROW("close 1016", false, "\x88\x02\x03\xf8", 1002),
    ROW("close 2999", false, "\x88\x02\x0b\xb7", 1002),
    ROW("close 5000", false, "\x88\x02\x13\x88", 1002),
    ROW("close 65535", false, "\x88\x02\xff\xff", 1002),
    ROW("reason that is not UTF-8", false, "\x88\x04\x03\xe8\xc3\x28", 1007),
    ROW("reason cut in a character", false, "\x88\x03\x03\xe8\xc3", 1007),
    ROW("overlong slash", false, "\x81\x02\xc0\xaf", 1007),
    ROW("surrogate", false, "\x81\x03\xed\xa0\x80", 1007),
    ROW("beyond U+10FFFF", false, "\x81\x04\xf4\x90\x80\x80", 1007),
    ROW("lone continuation byte", false, "\x81\x01\x80", 1007),
    ROW("text cut in a character", false, "\x81\x03ok\xc3", 1007),
};

Test(websocket, each_rule_broken_ends_the_connection_with_its_code)
{
    for (size_t i = 0; i < sizeof g_refusals / sizeof g_refusals[0]; i++) {
        const struct refusal *row = &g_refusals[i];
        struct pw_ws_decoder decoder = decoder_of(row->from_client);
        struct pw_ws_frame frame;
        cr_assert_eq(decode(&decoder, row->bytes, row->size, &frame), PW_WS_INVALID, "%s", row->why);
        cr_assert_eq(decoder.close_code, row->close_code, "%s: code %u", row->why, decoder.close_code);
    }
}

Test(websocket, close_codes_that_may_be_sent_are_taken)
{
    static const uint16_t codes[] = {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010,
                                     1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        char bytes[] = {'\x88', 4, (char)(codes[i] >> 8), (char)codes[i], 'o', 'k'};
        struct pw_ws_decoder decoder = decoder_of(false);
        struct pw_ws_frame frame;
        cr_assert_eq(decode(&decoder, bytes, sizeof bytes, &frame), PW_WS_FRAME, "%u", codes[i]);
        cr_assert_eq(pw_ws_close_code(&frame), codes[i]);
    }
    struct pw_ws_decoder decoder = decoder_of(false);
    struct pw_ws_frame frame;
    cr_assert_eq(DECODE(&decoder, "\x88\x00", &frame), PW_WS_FRAME);
    cr_assert_eq(pw_ws_close_code(&frame), 1005);
}

Test(websocket, first_byte_alone_is_judged)
{
    struct pw_ws_decoder decoder = decoder_of(false);
    struct pw_ws_frame frame;
    cr_assert_eq(DECODE(&decoder, "\xc1", &frame), PW_WS_INVALID);
    decoder = decoder_of(false);
    cr_assert_eq(DECODE(&decoder, "\x81", &frame), PW_WS_INCOMPLETE);
}

Test(websocket, control_frames_may_come_between_fragments)
{
    struct pw_ws_decoder decoder = decoder_of(false);
    struct pw_ws_frame frame;
    cr_assert_eq(DECODE(&decoder, "\x01\x02\x48\xc3", &frame), PW_WS_FRAME); /* cut inside a character */
    cr_assert_eq(DECODE(&decoder, "\x89\x02hi", &frame), PW_WS_FRAME);
    cr_assert(frame.opcode == PW_WS_PING && frame.payload_bytes == 2);
    cr_assert_eq(DECODE(&decoder, "\x00\x01\xa9", &frame), PW_WS_FRAME);
    cr_assert_eq(DECODE(&decoder, "\x8a\x00", &frame), PW_WS_FRAME);
    cr_assert_eq(DECODE(&decoder, "\x80\x00", &frame), PW_WS_FRAME);
    cr_assert(frame.fin && frame.message_opcode == PW_WS_TEXT);
    cr_assert_eq(DECODE(&decoder, "\x82\x00", &frame), PW_WS_FRAME);
    cr_assert_eq(frame.message_opcode, PW_WS_BINARY);
}

Test(websocket, a_new_message_inside_a_fragmented_one_is_refused)
{
    static const char *const seconds[] = {"\x81\x00", "\x82\x00", "\x01\x00"};
    for (int i = 0; i < 3; i++) {
        struct pw_ws_decoder decoder = decoder_of(false);
        struct pw_ws_frame frame;
        cr_assert_eq(DECODE(&decoder, "\x01\x01\x61", &frame), PW_WS_FRAME);
        cr_assert_eq(decode(&decoder, seconds[i], 2, &frame), PW_WS_INVALID);
        cr_assert_eq(decoder.close_code, 1002);
    }
}

Test(websocket, a_character_broken_across_fragments_is_found)
{
    struct pw_ws_decoder decoder = decoder_of(false);
    struct pw_ws_frame frame;
    cr_assert_eq(DECODE(&decoder, "\x01\x01\xed", &frame), PW_WS_FRAME);
    cr_assert_eq(DECODE(&decoder, "\x80\x02\xa0\x80", &frame), PW_WS_INVALID); /* a surrogate */
    cr_assert_eq(decoder.close_code, 1007);
    decoder = decoder_of(false);
    cr_assert_eq(DECODE(&decoder, "\x01\x01\xe2", &frame), PW_WS_FRAME);
    cr_assert_eq(DECODE(&decoder, "\x80\x01\x82", &frame), PW_WS_INVALID); /* ends in the middle */
}

Test(websocket, binary_is_not_text)
{
    struct pw_ws_decoder decoder = decoder_of(false);
    struct pw_ws_frame frame;
    cr_assert_eq(DECODE(&decoder, "\x02\x02\xff\xfe", &frame), PW_WS_FRAME);
    cr_assert_eq(DECODE(&decoder, "\x80\x01\x80", &frame), PW_WS_FRAME);
    cr_assert_eq(frame.message_opcode, PW_WS_BINARY);
}

Test(websocket, wrong_text_is_refused_before_its_frame_is_whole)
{
    struct pw_ws_decoder decoder = decoder_of(false);
    struct pw_ws_frame frame;
    cr_assert_eq(DECODE(&decoder, "\x81\x7e\x02\x00ok \xce\xba", &frame), PW_WS_INCOMPLETE);
    cr_assert_eq(DECODE(&decoder, "\x81\x7e\x02\x00ok \xce\xba\xff", &frame), PW_WS_INVALID);
    cr_assert_eq(decoder.close_code, 1007);
}

Test(websocket, fragments_together_must_keep_the_limit)
{
    struct pw_ws_decoder decoder = {.message_bytes_max = 10};
    struct pw_ws_frame frame;
    cr_assert_eq(DECODE(&decoder,
                        "\x01\x06"
                        "123456",
                        &frame),
                 PW_WS_FRAME);
    cr_assert_eq(DECODE(&decoder,
                        "\x89\x06"
                        "123456",
                        &frame),
                 PW_WS_FRAME); /* control frames do not count */
    cr_assert_eq(DECODE(&decoder,
                        "\x00\x04"
                        "7890",
                        &frame),
                 PW_WS_FRAME);
    struct pw_ws_decoder full = decoder;
    cr_assert_eq(DECODE(&decoder, "\x80\x00", &frame), PW_WS_FRAME);
    cr_assert_eq(DECODE(&full, "\x80\x01", &frame),
                 PW_WS_INVALID); /* one byte too many: judged by its header */
    cr_assert_eq(full.close_code, 1009);
    cr_assert_eq(DECODE(&decoder,
                        "\x81\x0a"
                        "1234567890",
                        &frame),
                 PW_WS_FRAME); /* the next message starts anew */
}

Test(websocket, any_bytes_at_all_are_judged_without_harm)
{
    uint64_t seed = 64;
    struct guard guard = guard_make(256);
    for (int i = 0; i < 200000; i++) {
        uint8_t bytes[64];
        size_t size = test_random(&seed) % sizeof bytes;
        for (size_t k = 0; k < size; k++) {
            bytes[k] = (uint8_t)test_random(&seed);
        }
        if (size > 1 && i % 2) {
            bytes[0] = (uint8_t)((bytes[0] & 0x8f) % 0x8b);
            bytes[1] = (uint8_t)(bytes[1] % 48 | (i % 4 == 1 ? 0x80 : 0));
        }
        struct pw_ws_decoder decoder = {.from_client = i % 4 == 1, .message_bytes_max = 1 << (i % 20)};
        uint8_t *data = (uint8_t *)guard_copy(&guard, bytes, size);
        struct pw_ws_frame frame;
        while (size > 0 && pw_ws_decode(&decoder, data, size, &frame, NULL) == PW_WS_FRAME) {
            cr_assert(frame.frame_bytes <= size && frame.payload + frame.payload_bytes <= data + size);
            data += frame.frame_bytes;
            size -= frame.frame_bytes;
        }
    }
    guard_free(&guard);
}

/* By decoding to a code point and encoding it again: only the shortest form comes back the same. */
static bool utf8_valid_by_definition(const uint8_t *bytes, size_t size)
{
    for (size_t at = 0; at < size;) {
        uint8_t lead = bytes[at];
        size_t length = lead < 0x80                   ? 1
                        : lead >= 0xf0 && lead < 0xf8 ? 4
                        : lead >= 0xe0                ? 3
                        : lead >= 0xc0                ? 2
                                                      : 9;
        if (lead >= 0xf8 || length > size - at) {
            return false;
        }
        uint32_t code = length == 1 ? lead : lead & (0x7fu >> length);
        for (size_t i = 1; i < length; i++) {
            if ((bytes[at + i] & 0xc0) != 0x80) {
                return false;
            }
            code = code << 6 | (bytes[at + i] & 0x3f);
        }
        size_t shortest = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
        if (shortest != length || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) {
            return false;
        }
        at += length;
    }
    return true;
}

static void assert_utf8_agrees(const uint8_t *bytes, size_t size)
{
    uint32_t state = 0;
    bool valid = pw_utf8_check(&state, bytes, size) && state == 0;
    cr_assert_eq(valid, utf8_valid_by_definition(bytes, size), "%02x %02x %02x %02x (%zu)", bytes[0],
                 bytes[1], bytes[2], bytes[3], size);
}

Test(websocket, utf8_check_agrees_with_the_definition)
{
    for (uint32_t word = 0; word < 1u << 16; word++) {
        assert_utf8_agrees((uint8_t[4]){(uint8_t)(word >> 8), (uint8_t)word}, 2);
    }
    static const uint8_t edges[] = {0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff};
    for (uint32_t word = 0; word < (1u << 16) * 100; word++) {
        uint8_t bytes[4] = {(uint8_t)(word >> 8), (uint8_t)word, edges[(word >> 16) % 10],
                            edges[(word >> 16) / 10]};
        assert_utf8_agrees(bytes, 3);
        assert_utf8_agrees(bytes, 4);
    }
}

Test(websocket, utf8_check_finds_one_wrong_byte_anywhere)
{
    uint8_t text[100];
    for (size_t at = 0; at < sizeof text; at++) {
        memset(text, 'a', sizeof text);
        text[at] = 0xff;
        for (size_t cut = 0; cut <= sizeof text; cut += 7) {
            uint32_t state = 0;
            cr_assert_not(pw_utf8_check(&state, text, cut) &&
                          pw_utf8_check(&state, text + cut, sizeof text - cut));
        }
    }
}

/* In pieces of every size, right before memory that must not be read. */
Test(websocket, utf8_check_sees_each_byte_of_any_size)
{
    struct guard guard = guard_make(128);
    for (size_t size = 1; size <= 100; size++) {
        for (size_t at = 0; at < size; at++) {
            static const uint8_t sign[2] = {0xc3, 0xa9};
            uint8_t text[100];
            memset(text, 'a', size);
            memcpy(text + at, sign, at + 1 < size ? 2 : 1);
            uint8_t *data = (uint8_t *)guard_copy(&guard, text, size);
            uint32_t state = 0;
            cr_assert(pw_utf8_check(&state, data, size));
            cr_assert_eq(state == 0, at + 1 < size, "%zu of %zu", at, size);
            data[at] = 0x80;
            state = 0;
            cr_assert_not(pw_utf8_check(&state, data, size), "%zu of %zu", at, size);
        }
    }
    guard_free(&guard);
}

/* cases/35-a-message-in-fragments-without-end */
Test(websocket, fragments_of_one_message_are_counted_empty_ones_too)
{
    uint8_t empty[2] = {0x00, 0x00}, first[2] = {PW_WS_TEXT, 0x00}, last[2] = {0x80, 0x00};
    struct pw_ws_decoder decoder = {.message_bytes_max = 100};
    struct pw_ws_frame frame;
    for (int message = 0; message < 3; message++) {
        cr_assert_eq(pw_ws_decode(&decoder, first, 2, &frame, NULL), PW_WS_FRAME);
        for (uint32_t i = 1; i < PW_WS_FRAGMENTS_MAX - 1; i++) {
            cr_assert_eq(pw_ws_decode(&decoder, empty, 2, &frame, NULL), PW_WS_FRAME, "fragment %u", i);
        }
        cr_assert_eq(pw_ws_decode(&decoder, last, 2, &frame, NULL), PW_WS_FRAME);
    }
    first[0] = PW_WS_BINARY;
    cr_assert_eq(pw_ws_decode(&decoder, first, 2, &frame, NULL), PW_WS_FRAME);
    for (uint32_t i = 1; i < PW_WS_FRAGMENTS_MAX - 1; i++) {
        cr_assert_eq(pw_ws_decode(&decoder, empty, 2, &frame, NULL), PW_WS_FRAME);
    }
    cr_expect_eq(pw_ws_decode(&decoder, empty, 2, &frame, NULL), PW_WS_INVALID);
    cr_expect_eq(decoder.close_code, 1008);
}
