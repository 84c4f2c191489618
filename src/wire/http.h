/* SPDX-License-Identifier: MIT
 *
 * HTTP/1.1 heads and bodies without a socket, both roles: strict, bounded, three results.
 *
 * Refused (PW_HTTP_INVALID) rather than guessed at: bare CR or LF line ends, folded headers, blanks before
 * the colon, both Content-Length and Transfer-Encoding, differing or malformed lengths, unknown transfer
 * codings, control bytes, heads beyond PW_HTTP_HEAD_MAX, more than PW_HTTP_HEADERS_MAX headers, requests
 * without exactly one Host.
 */
#ifndef PW_HTTP_H
#define PW_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PW_HTTP_HEAD_MAX    16384u
#define PW_HTTP_HEADERS_MAX 64u

struct pw_slice {
    const char *text; /* not zero-terminated */
    size_t size;
};

struct pw_http_header {
    struct pw_slice name, value; /* value without blanks around it */
};

struct pw_http_head {
    /* requests */
    struct pw_slice method, target;
    /* responses */
    uint32_t status;
    struct pw_slice reason;
    uint32_t minor_version; /* HTTP/1.minor */
    uint32_t header_cnt;
    struct pw_http_header headers[PW_HTTP_HEADERS_MAX];
    size_t head_bytes; /* with the empty line */
    /* Body framing, already judged (RFC 9112, 6.3): chunked, or has_length bytes (0 for requests without a
     * body and for responses of status 1xx, 204 and 304), or, with neither, all that comes until the
     * connection ends. What answers a HEAD or CONNECT request has no body whatever its head says: that is the
     * caller's to know. */
    bool chunked;
    bool has_length;
    uint64_t content_length;
    bool keep_alive;
};

enum pw_http_result { PW_HTTP_OK = 1, PW_HTTP_INCOMPLETE = 0, PW_HTTP_INVALID = -1 };

/* The slices point into data. */
enum pw_http_result pw_http_parse_request(const char *data, size_t size, struct pw_http_head *head);
enum pw_http_result pw_http_parse_response(const char *data, size_t size, struct pw_http_head *head);

/* The status that a response begins with, be the rest of its head whole, right, or still to come; 0: none. */
uint32_t pw_http_status(const char *data, size_t size);

/* The first header of that name (case-insensitive), or NULL. */
const struct pw_slice *pw_http_find(const struct pw_http_head *head, const char *name);
/* Its value, if exactly one header has that name; else NULL. */
const struct pw_slice *pw_http_find_only(const struct pw_http_head *head, const char *name);
/* Does a comma-separated header hold that token (case-insensitive)? */
bool pw_http_has_token(const struct pw_http_head *head, const char *name, const char *token);
bool pw_slice_equal(struct pw_slice slice, const char *text);
bool pw_slice_equal_nocase(struct pw_slice slice, const char *text);

/* Takes a chunked body out of its framing, in place, piece by piece. Zero it first. */
struct pw_http_chunked {
    uint32_t state;
    uint64_t left;
};

/* Reads *size bytes at data; leaves the payload bytes at data's start and their number in *payload; *size
 * becomes the bytes consumed (the rest belongs to the next message). PW_HTTP_OK: the body has ended. */
enum pw_http_result pw_http_chunked_decode(struct pw_http_chunked *chunked, char *data, size_t *size,
                                           size_t *payload);

/* An absolute URL taken apart: scheme, host (an IPv6 literal without its brackets), port (0: none given),
 * path with query ("/" if none). False if it is not of that form, or holds user info, a fragment, blanks or
 * control bytes. */
struct pw_url {
    struct pw_slice scheme, host, path;
    uint16_t port;
};
bool pw_url_parse(const char *text, struct pw_url *url);

#endif
