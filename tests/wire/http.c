/* SPDX-License-Identifier: MIT
 *
 * HTTP heads and bodies: what may be read in only one way is taken, everything else refused.
 */
#include "http.h"

#include "guard.h"
#include <criterion/criterion.h>
#include <stdio.h>

static enum pw_http_result request(const char *text, struct pw_http_head *head)
{
    return pw_http_parse_request(text, strlen(text), head);
}

static enum pw_http_result response(const char *text, struct pw_http_head *head)
{
    return pw_http_parse_response(text, strlen(text), head);
}

static const char g_upgrade[] = "HTTP/1.1 101 Switching Protocols\r\n"
                                "Upgrade: websocket\r\n"
                                "Connection: keep-alive, Upgrade\r\n"
                                "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
                                "\r\n";
static const char g_get[] = "GET /api/v3/depth?symbol=BTCUSDT&limit=5000 HTTP/1.1\r\n"
                            "Host: localhost:9443\r\n"
                            "Accept:\t */* \t\r\n"
                            "X-Empty:\r\n"
                            "\r\n";

Test(http, a_request_is_taken_apart)
{
    struct pw_http_head head;
    cr_assert_eq(request(g_get, &head), PW_HTTP_OK);
    cr_assert(pw_slice_equal(head.method, "GET"));
    cr_assert(pw_slice_equal(head.target, "/api/v3/depth?symbol=BTCUSDT&limit=5000"));
    cr_assert_eq(head.minor_version, 1);
    cr_assert_eq(head.header_cnt, 3);
    cr_assert(pw_slice_equal(*pw_http_find(&head, "accept"), "*/*"));
    cr_assert(pw_slice_equal(*pw_http_find(&head, "X-EMPTY"), ""));
    cr_assert_null(pw_http_find(&head, "x-empt"));
    cr_assert_eq(head.head_bytes, strlen(g_get));
    cr_assert(head.has_length && head.content_length == 0 && head.keep_alive && !head.chunked);
}

Test(http, a_response_is_taken_apart)
{
    struct pw_http_head head;
    cr_assert_eq(
        response("HTTP/1.1 200 OK\r\nContent-Length: 12\r\nConnection: close\r\n\r\n{\"a\":1}", &head),
        PW_HTTP_OK);
    cr_assert_eq(head.status, 200);
    cr_assert(pw_slice_equal(head.reason, "OK"));
    cr_assert(head.has_length && head.content_length == 12 && !head.keep_alive);
    cr_assert_eq(response("HTTP/1.0 404 Not Found\r\n\r\n", &head), PW_HTTP_OK);
    cr_assert(!head.has_length && !head.chunked && !head.keep_alive); /* until the connection ends */
    cr_assert_eq(response("HTTP/1.1 204 \r\n\r\n", &head), PW_HTTP_OK);
    cr_assert(head.has_length && head.content_length == 0 && head.keep_alive);
    cr_assert_eq(response("HTTP/1.1 304\r\nContent-Length: 5\r\n\r\n", &head), PW_HTTP_OK);
    cr_assert(head.has_length && head.content_length == 0);
    cr_assert_eq(response("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 0\r\n\r\n", &head),
                 PW_HTTP_OK);
    cr_assert(head.keep_alive);
}

Test(http, upgrade_tokens_are_found_in_lists)
{
    struct pw_http_head head;
    cr_assert_eq(response(g_upgrade, &head), PW_HTTP_OK);
    cr_assert(pw_http_has_token(&head, "connection", "upgrade"));
    cr_assert(pw_http_has_token(&head, "Connection", "Keep-Alive"));
    cr_assert_not(pw_http_has_token(&head, "connection", "up"));
    cr_assert_not(pw_http_has_token(&head, "connection", "keep-alive, upgrade"));
    cr_assert_not(pw_http_has_token(&head, "sec-websocket-protocol", "x"));
    cr_assert_eq(
        response("HTTP/1.1 101 \r\nConnection: a\r\nX: 1\r\nConnection: ,b ,\tUPGRADE\r\n\r\n", &head),
        PW_HTTP_OK);
    cr_assert(pw_http_has_token(&head, "connection", "upgrade"));
}

/* cases/40-upgrade-answers-taken-too-lightly */
Test(http, the_only_header_of_a_name_is_no_other)
{
    struct pw_http_head head;
    cr_assert_eq(response("HTTP/1.1 200 OK\r\nA: 1\r\nB: 2\r\na: 3\r\n\r\n", &head), PW_HTTP_OK);
    cr_assert_null(pw_http_find_only(&head, "a"));
    cr_assert_null(pw_http_find_only(&head, "c"));
    cr_assert(pw_slice_equal(*pw_http_find_only(&head, "b"), "2"));
}

static void assert_prefixes_incomplete(const char *text, bool is_request)
{
    size_t size = strlen(text);
    struct guard guard = guard_make(size);
    struct pw_http_head head;
    for (size_t prefix = 0; prefix < size; prefix++) {
        const char *data = guard_copy(&guard, text, prefix);
        enum pw_http_result result = is_request ? pw_http_parse_request(data, prefix, &head)
                                                : pw_http_parse_response(data, prefix, &head);
        cr_assert_eq(result, PW_HTTP_INCOMPLETE, "%.*s", (int)prefix, text);
    }
    guard_free(&guard);
}

Test(http, every_prefix_is_incomplete)
{
    assert_prefixes_incomplete(g_get, true);
    assert_prefixes_incomplete(g_upgrade, false);
}

Test(http, one_changed_byte_never_reads_beyond_the_end)
{
    struct guard guard = guard_make(sizeof g_upgrade);
    struct pw_http_head head;
    for (size_t at = 0; at < sizeof g_upgrade - 1; at++) {
        for (int byte = 0; byte < 256; byte++) {
            char *data = guard_copy(&guard, g_upgrade, sizeof g_upgrade - 1);
            data[at] = (char)byte;
            if (pw_http_parse_response(data, sizeof g_upgrade - 1, &head) == PW_HTTP_OK) {
                cr_assert_leq(head.head_bytes, sizeof g_upgrade - 1);
            }
        }
    }
    guard_free(&guard);
}

#define HOST "Host: a\r\n"

/* Each of these could be read in two ways, or is against the grammar. */
static const char *const g_bad_requests[] = {
    "GET / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    "GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
    "GET / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
    "GET / HTTP/1.1\r\n" HOST "Content-Length: 5, 5\r\n\r\n",
    "GET / HTTP/1.1\r\n" HOST "Content-Length: +5\r\n\r\n",
    "GET / HTTP/1.1\r\n" HOST "Content-Length: -5\r\n\r\n",
    "GET / HTTP/1.1\r\n" HOST "Content-Length: 0x5\r\n\r\n",
    "GET / HTTP/1.1\r\n" HOST "Content-Length: 5 5\r\n\r\n",
    "GET / HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\n",
    "GET / HTTP/1.1\r\n" HOST "Content-Length: 18446744073709551616\r\n\r\n",
    "GET / HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999999999\r\n\r\n",
    "GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\n\r\n",
    "GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n",
    "GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked, chunked\r\n\r\n",
    "GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n",
    "GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: \"chunked\"\r\n\r\n",
    "GET / HTTP/1.1\r\n" HOST "Transfer-Encoding:\vchunked\r\n\r\n",
    "GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
    "GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n",
    "GET / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n",
    "GET / HTTP/1.1\r\n" HOST "Transfer-Encoding : chunked\r\n\r\n",
    "GET / HTTP/1.1\r\n" HOST "Transfer-Encoding\t: chunked\r\n\r\n",
    "GET / HTTP/1.1\r\n" HOST " Transfer-Encoding: chunked\r\n\r\n",
    "GET / HTTP/1.1\r\n" HOST "X: a\r\n folded\r\n\r\n",
    "GET / HTTP/1.1\r\n" HOST "X: a\r\n\tfolded\r\n\r\n",
    "GET / HTTP/1.1\r\n X: a\r\n" HOST "\r\n",
    "GET / HTTP/1.1\n" HOST "\r\n",
    "GET / HTTP/1.1\r\n" HOST "X: a\nY: b\r\n\r\n",
    "GET / HTTP/1.1\r\n" HOST "X: a\n\n\r\n",
    "GET / HTTP/1.1\r\n" HOST "X: a\rY: b\r\n\r\n",
    "GET / HTTP/1.1\r\n" HOST "\n\r\n",
    "GET / HTTP/1.1\r\n" HOST "\r\r\n",
    "GET / HTTP/1.1\r\n" HOST "no colon\r\n\r\n",
    "GET / HTTP/1.1\r\n" HOST ": no name\r\n\r\n",
    "GET / HTTP/1.1\r\n" HOST "na me: x\r\n\r\n",
    "GET / HTTP/1.1\r\n" HOST "na(me: x\r\n\r\n",
    "GET / HTTP/1.1\r\n" HOST "n\xc3\xa4me: x\r\n\r\n",
    "GET / HTTP/1.1\r\n" HOST "X: a\x01z\r\n\r\n",
    "GET / HTTP/1.1\r\n" HOST "X: a\x7fz\r\n\r\n",
    "GET / HTTP/1.1\r\n\r\n",
    "GET / HTTP/1.1\r\n" HOST HOST "\r\n",
    "\r\nGET / HTTP/1.1\r\n" HOST "\r\n",
    " GET / HTTP/1.1\r\n" HOST "\r\n",
    "GET  / HTTP/1.1\r\n" HOST "\r\n",
    "GET /  HTTP/1.1\r\n" HOST "\r\n",
    "GET / HTTP/1.1 \r\n" HOST "\r\n",
    "GET /\tHTTP/1.1\r\n" HOST "\r\n",
    "GET /a b HTTP/1.1\r\n" HOST "\r\n",
    "GET /\xc3\xa4 HTTP/1.1\r\n" HOST "\r\n",
    "GET /\r\n" HOST "\r\n",
    "GET / HTTP/2.0\r\n" HOST "\r\n",
    "GET / HTTP/1.2\r\n" HOST "\r\n",
    "GET / HTTP/1.10\r\n" HOST "\r\n",
    "GET / http/1.1\r\n" HOST "\r\n",
    "GET / HTTP/01.1\r\n" HOST "\r\n",
    "G@T / HTTP/1.1\r\n" HOST "\r\n",
    " / HTTP/1.1\r\n" HOST "\r\n",
};

Test(http, requests_that_could_be_read_in_two_ways_are_refused)
{
    for (size_t i = 0; i < sizeof g_bad_requests / sizeof g_bad_requests[0]; i++) {
        struct pw_http_head head;
        cr_assert_eq(request(g_bad_requests[i], &head), PW_HTTP_INVALID, "taken: %s", g_bad_requests[i]);
    }
    struct pw_http_head head;
    static const char zero[] = "GET / HTTP/1.1\r\n" HOST "X: a\0b\r\n\r\n";
    cr_assert_eq(pw_http_parse_request(zero, sizeof zero - 1, &head), PW_HTTP_INVALID);
}

Test(http, responses_that_are_not_http_are_refused)
{
    static const char *const rows[] = {
        "HTTP/1.1 200 OK\nContent-Length: 1\n\n",
        "HTTP/1.1  200 OK\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 20x OK\r\n\r\n",
        "HTTP/1.1 099 OK\r\n\r\n",
        "HTTP/1.1 600 OK\r\n\r\n",
        "HTTP/1.1\r\n\r\n",
        "HTTP/2 200 OK\r\n\r\n",
        "ICY 200 OK\r\n\r\n",
        "<html>\r\n\r\n",
        "HTTP/1.1 101 \r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 204 \r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 O\x01K\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pw_http_head head;
        cr_assert_eq(response(rows[i], &head), PW_HTTP_INVALID, "taken: %s", rows[i]);
    }
}

Test(http, equal_lengths_may_be_repeated)
{
    struct pw_http_head head;
    cr_assert_eq(request("POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\ncontent-length: 5\r\n\r\n", &head),
                 PW_HTTP_OK);
    cr_assert_eq(head.content_length, 5);
}

Test(http, what_is_wrong_is_refused_before_the_head_is_whole)
{
    struct pw_http_head head;
    cr_assert_eq(request("GET / HTTP/9.9\r\nHo", &head), PW_HTTP_INVALID);
    cr_assert_eq(request("GET / HTTP/1.1\r\nHost: a\r\nbad header\r\nX", &head), PW_HTTP_INVALID);
    cr_assert_eq(request("\x16\x03\x01", &head), PW_HTTP_INVALID); /* TLS spoken to a plain port */
}

Test(http, heads_are_bounded)
{
    static char head_text[PW_HTTP_HEAD_MAX + 64];
    struct pw_http_head head;
    size_t used = (size_t)sprintf(head_text, "GET / HTTP/1.1\r\n" HOST "X: ");
    memset(head_text + used, 'x', sizeof head_text - used);
    cr_assert_eq(pw_http_parse_request(head_text, PW_HTTP_HEAD_MAX - 1, &head), PW_HTTP_INCOMPLETE);
    cr_assert_eq(pw_http_parse_request(head_text, PW_HTTP_HEAD_MAX, &head), PW_HTTP_INVALID);
    memcpy(head_text + PW_HTTP_HEAD_MAX - 4, "\r\n\r\n", 4);
    cr_assert_eq(pw_http_parse_request(head_text, sizeof head_text, &head), PW_HTTP_OK);
    used = (size_t)sprintf(head_text, "GET / HTTP/1.1\r\n" HOST);
    for (uint32_t i = 1; i < PW_HTTP_HEADERS_MAX; i++) {
        used += (size_t)sprintf(head_text + used, "X%u: y\r\n", i);
    }
    strcpy(head_text + used, "\r\n");
    cr_assert_eq(request(head_text, &head), PW_HTTP_OK);
    cr_assert_eq(head.header_cnt, PW_HTTP_HEADERS_MAX);
    strcpy(head_text + used, "Y: z\r\n\r\n");
    cr_assert_eq(request(head_text, &head), PW_HTTP_INVALID);
}

/* Decodes text in pieces of at most `step` bytes; the payload goes to out. */
static enum pw_http_result dechunk(const char *text, size_t step, char *out, size_t *out_bytes,
                                   size_t *consumed)
{
    struct pw_http_chunked chunked = {0};
    size_t total = strlen(text);
    enum pw_http_result result = PW_HTTP_INCOMPLETE;
    *out_bytes = *consumed = 0;
    while (result == PW_HTTP_INCOMPLETE && *consumed < total) {
        char piece[512];
        size_t size = total - *consumed < step ? total - *consumed : step, payload;
        memcpy(piece, text + *consumed, size);
        result = pw_http_chunked_decode(&chunked, piece, &size, &payload);
        if (result == PW_HTTP_INVALID) {
            break;
        }
        memcpy(out + *out_bytes, piece, payload);
        *out_bytes += payload;
        *consumed += size;
    }
    return result;
}

Test(http, chunked_bodies_come_out_whole_however_they_are_cut)
{
    static const char body[] = "4\r\nWiki\r\n5;ext=\"a b\"\r\npedia\r\nE\r\n in\r\n\r\nchunks.\r\n"
                               "0\r\nX-Trailer: 1\r\nY:\r\n\r\nHTTP/1.1 200 the next answer";
    for (size_t step = 1; step < 100; step++) {
        char out[128];
        size_t out_bytes, consumed;
        cr_assert_eq(dechunk(body, step, out, &out_bytes, &consumed), PW_HTTP_OK, "step %zu", step);
        cr_assert_eq(out_bytes, 23);
        cr_assert_arr_eq(out, "Wikipedia in\r\n\r\nchunks.", 23);
        cr_assert_str_eq(body + consumed, "HTTP/1.1 200 the next answer");
    }
    struct pw_http_chunked done = {0};
    char end[] = "0\r\n\r\n";
    size_t size = 5, payload;
    cr_assert_eq(pw_http_chunked_decode(&done, end, &size, &payload), PW_HTTP_OK);
    size = 5;
    cr_assert_eq(pw_http_chunked_decode(&done, end, &size, &payload), PW_HTTP_OK);
    cr_assert_eq(size, 0);
}

Test(http, every_prefix_of_a_chunked_body_is_incomplete)
{
    static const char body[] = "4\r\nWiki\r\n0\r\nX: y\r\n\r\n";
    for (size_t prefix = 0; prefix < sizeof body - 1; prefix++) {
        char text[64];
        memcpy(text, body, prefix);
        struct pw_http_chunked chunked = {0};
        size_t size = prefix, payload;
        cr_assert_eq(pw_http_chunked_decode(&chunked, text, &size, &payload), PW_HTTP_INCOMPLETE);
        cr_assert_eq(size, prefix);
    }
}

Test(http, malformed_chunks_are_refused)
{
    static const char *const rows[] = {
        "\r\n",
        ";x\r\n",
        "g\r\n",
        "-1\r\n",
        "+1\r\n",
        "0x1\r\n",
        " 1\r\n",
        "1 \r\na\r\n0\r\n\r\n",
        "1\na\r\n",
        "1\r\r\n",
        "1\ra\r\n",
        "1;\x01\r\n",
        "1;a\nb\r\n",
        "1\r\nab",
        "1\r\na\n",
        "1\r\na\rb",
        "ffffffffffffffff\r\n",
        "10000000000000000000001\r\n",
        "0\r\n bad: trailer\r\n",
        "0\r\nbad trailer\r\n",
        "0\r\n: x\r\n",
        "0\r\nx: y\nz\r\n",
        "0\r\n\n",
        "0\r\n\rX",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char out[128];
        size_t out_bytes, consumed;
        cr_assert_eq(dechunk(rows[i], 512, out, &out_bytes, &consumed), PW_HTTP_INVALID, "taken: %s",
                     rows[i]);
        cr_assert_eq(dechunk(rows[i], 1, out, &out_bytes, &consumed), PW_HTTP_INVALID, "taken: %s", rows[i]);
    }
}

/* A peer that sends what carries no payload must not be listened to for ever. */
Test(http, size_lines_and_trailers_are_bounded)
{
    static const char *const starts[] = {"1;", "0", "0\r\nX:"};
    for (int i = 0; i < 3; i++) {
        struct pw_http_chunked chunked = {0};
        char piece[64];
        size_t size = strlen(starts[i]), payload, total = 0;
        memcpy(piece, starts[i], size);
        enum pw_http_result result = pw_http_chunked_decode(&chunked, piece, &size, &payload);
        while (result == PW_HTTP_INCOMPLETE && total <= 2 * PW_HTTP_HEAD_MAX) {
            memset(piece, '0', sizeof piece);
            size = sizeof piece;
            total += size;
            result = pw_http_chunked_decode(&chunked, piece, &size, &payload);
        }
        cr_assert_eq(result, PW_HTTP_INVALID, "row %d", i);
    }
}

Test(http, urls_are_taken_apart)
{
    struct pw_url url;
    cr_assert(pw_url_parse("wss://stream.example.com:9443/stream?streams=a@b/c", &url));
    cr_assert(pw_slice_equal(url.scheme, "wss") && pw_slice_equal(url.host, "stream.example.com"));
    cr_assert(url.port == 9443 && pw_slice_equal(url.path, "/stream?streams=a@b/c"));
    cr_assert(pw_url_parse("https://localhost", &url));
    cr_assert(url.port == 0 && pw_slice_equal(url.path, "/"));
    cr_assert(pw_url_parse("ws://[::1]:8080/ws", &url));
    cr_assert(pw_slice_equal(url.host, "::1") && url.port == 8080 && pw_slice_equal(url.path, "/ws"));
    cr_assert(pw_url_parse("ws://[::1]", &url) && url.port == 0);
    cr_assert(pw_url_parse("https://127.0.0.1:65535/", &url) && url.port == 65535);
}

Test(http, other_urls_are_refused)
{
    static const char *const rows[] = {
        "",
        "host",
        "/path",
        "://host",
        "https:/host",
        "https://",
        "https:///",
        "https://:443/",
        "https://a:/",
        "https://a:0/",
        "https://a:65536/",
        "https://a:x/",
        "https://a:443x/",
        "https://a:000443/",
        "https://user@host/",
        "https://u:p@host/",
        "https://ho st/",
        "https://host/a b",
        "https://host/a#b",
        "https://host#b",
        "https://host/\x01",
        "https://host/\xc3\xa4",
        "https://h\xc3\xb6st/",
        "1s://host/",
        "h_t://host/",
        "https://[::1/",
        "https://[::1]443/",
        "https://[]/",
        "https://[g::1]/",
        "https://host?x=1",
        "https://a,b/",
        "https://a\\b/",
        "https://\r\nhost/",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pw_url url;
        cr_assert_not(pw_url_parse(rows[i], &url), "taken: %s", rows[i]);
    }
}
