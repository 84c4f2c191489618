/* SPDX-License-Identifier: MIT
 *
 * HTTP/1.1 heads, body framing, the chunked coding and URLs (RFC 9110, RFC 9112, RFC 3986).
 *
 * A head is read line by line, and each whole line is judged as soon as it has come, so that a peer cannot
 * hold a connection with a head that could never become valid.
 */
#include "http.h"

#include <string.h>
#include <strings.h>

/* ---- characters ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* RFC 9110, 5.6.2 */
static bool is_token_char(char c)
{
    return is_alpha(c) || is_digit(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* What may stand in a header's value or a reason phrase: visible, blank, or beyond ASCII. */
static bool is_field_char(char c)
{
    return ((unsigned char)c >= 0x20 && c != 0x7f) || c == '\t';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_token(struct pw_slice slice)
{
    for (size_t i = 0; i < slice.size; i++) {
        if (!is_token_char(slice.text[i])) {
            return false;
        }
    }
    return slice.size > 0;
}

static bool is_visible_ascii(struct pw_slice slice)
{
    for (size_t i = 0; i < slice.size; i++) {
        if (slice.text[i] <= 0x20 || slice.text[i] >= 0x7f) {
            return false;
        }
    }
    return slice.size > 0;
}

static struct pw_slice trim(struct pw_slice slice)
{
    while (slice.size > 0 && is_blank(slice.text[0])) {
        slice.text++;
        slice.size--;
    }
    while (slice.size > 0 && is_blank(slice.text[slice.size - 1])) {
        slice.size--;
    }
    return slice;
}

bool pw_slice_equal_nocase(struct pw_slice slice, const char *text)
{
    return strlen(text) == slice.size && strncasecmp(slice.text, text, slice.size) == 0;
}

bool pw_slice_equal(struct pw_slice slice, const char *text)
{
    return strlen(text) == slice.size && memcmp(slice.text, text, slice.size) == 0;
}

/* Cuts *rest at the first `separator`: what stands before it, or all of it. */
static struct pw_slice cut(struct pw_slice *rest, char separator)
{
    const char *at = rest->size > 0 ? memchr(rest->text, separator, rest->size) : NULL;
    struct pw_slice piece = {rest->text, at != NULL ? (size_t)(at - rest->text) : rest->size};
    size_t used = piece.size + (at != NULL ? 1 : 0);
    rest->text += used;
    rest->size -= used;
    return piece;
}

/* ---- lines ---- */

/* The line that begins at data, without its CR LF; *line_bytes with them. A bare CR or LF and all other
 * control bytes but the tab are invalid. */
static enum pw_http_result next_line(const char *data, size_t size, struct pw_slice *line, size_t *line_bytes)
{
    size_t i = 0;
    while (i < size && is_field_char(data[i])) {
        i++;
    }
    if (i == size) {
        return PW_HTTP_INCOMPLETE;
    }
    if (data[i] != '\r' || (i + 1 < size && data[i + 1] != '\n')) {
        return PW_HTTP_INVALID;
    }
    if (i + 1 == size) {
        return PW_HTTP_INCOMPLETE;
    }
    *line = (struct pw_slice){data, i};
    *line_bytes = i + 2;
    return PW_HTTP_OK;
}

/* "HTTP/1.0" or "HTTP/1.1" */
static bool read_version(struct pw_slice text, struct pw_http_head *head)
{
    if (pw_slice_equal(text, "HTTP/1.0") || pw_slice_equal(text, "HTTP/1.1")) {
        head->minor_version = (uint32_t)(text.text[7] - '0');
        return true;
    }
    return false;
}

static bool read_request_line(struct pw_slice line, struct pw_http_head *head)
{
    head->method = cut(&line, ' ');
    head->target = cut(&line, ' ');
    return is_token(head->method) && is_visible_ascii(head->target) && read_version(line, head);
}

/* The blank before an empty reason may be missing: some servers leave it out, and nothing can be mistaken. */
static bool read_status_line(struct pw_slice line, struct pw_http_head *head)
{
    struct pw_slice version = cut(&line, ' ');
    struct pw_slice status = cut(&line, ' ');
    head->reason = line;
    if (!read_version(version, head) || status.size != 3) {
        return false;
    }
    for (int i = 0; i < 3; i++) {
        if (!is_digit(status.text[i])) {
            return false;
        }
        head->status = head->status * 10 + (uint32_t)(status.text[i] - '0');
    }
    return head->status >= 100 && head->status <= 599;
}

static bool read_header_line(struct pw_slice line, struct pw_http_head *head)
{
    if (head->header_cnt == PW_HTTP_HEADERS_MAX || memchr(line.text, ':', line.size) == NULL) {
        return false;
    }
    struct pw_http_header *header = &head->headers[head->header_cnt];
    header->name = cut(&line, ':');
    header->value = trim(line);
    head->header_cnt++;
    return is_token(header->name); /* so neither empty nor with blanks: a folded line fails here too */
}

/* ---- body framing ---- */

static bool read_length(struct pw_slice text, uint64_t *length)
{
    *length = 0;
    if (text.size == 0 || text.size > 18) { /* 18 digits fit, and no body is longer */
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        if (!is_digit(text.text[i])) {
            return false;
        }
        *length = *length * 10 + (uint64_t)(text.text[i] - '0');
    }
    return true;
}

/* All headers that frame the body; false if they are malformed or could be read in two ways (RFC 9112, 6.1
 * to 6.3). */
static bool read_framing(struct pw_http_head *head)
{
    for (uint32_t i = 0; i < head->header_cnt; i++) {
        const struct pw_http_header *header = &head->headers[i];
        if (pw_slice_equal_nocase(header->name, "content-length")) {
            uint64_t length;
            if (!read_length(header->value, &length) ||
                (head->has_length && length != head->content_length)) {
                return false;
            }
            head->has_length = true;
            head->content_length = length;
        } else if (pw_slice_equal_nocase(header->name, "transfer-encoding")) {
            if (head->chunked || head->minor_version == 0 ||
                !pw_slice_equal_nocase(header->value, "chunked")) {
                return false;
            }
            head->chunked = true;
        }
    }
    return !(head->chunked && head->has_length);
}

static void judge_keep_alive(struct pw_http_head *head)
{
    bool close = pw_http_has_token(head, "connection", "close");
    bool keep = head->minor_version == 1 || pw_http_has_token(head, "connection", "keep-alive");
    head->keep_alive = keep && !close && (head->chunked || head->has_length);
}

static bool finish_request(struct pw_http_head *head)
{
    uint32_t host_cnt = 0;
    for (uint32_t i = 0; i < head->header_cnt; i++) {
        host_cnt += pw_slice_equal_nocase(head->headers[i].name, "host");
    }
    if (host_cnt > 1 || (host_cnt == 0 && head->minor_version == 1) || !read_framing(head)) {
        return false;
    }
    if (!head->chunked) {
        head->has_length = true; /* without a length there is no body */
    }
    judge_keep_alive(head);
    return true;
}

static bool finish_response(struct pw_http_head *head)
{
    if (!read_framing(head)) {
        return false;
    }
    bool never_coded = head->status < 200 || head->status == 204;
    if (never_coded && head->chunked) {
        return false;
    }
    if (never_coded || head->status == 304) {
        head->chunked = false;
        head->has_length = true;
        head->content_length = 0;
    }
    judge_keep_alive(head);
    return true;
}

static enum pw_http_result parse_head(const char *data, size_t size, struct pw_http_head *head, bool request)
{
    memset(head, 0, sizeof *head);
    size_t limit = size < PW_HTTP_HEAD_MAX ? size : PW_HTTP_HEAD_MAX;
    size_t at = 0;
    for (uint32_t line_idx = 0;; line_idx++) {
        struct pw_slice line;
        size_t line_bytes;
        enum pw_http_result result = next_line(data + at, limit - at, &line, &line_bytes);
        if (result != PW_HTTP_OK) {
            return result == PW_HTTP_INCOMPLETE && limit == PW_HTTP_HEAD_MAX ? PW_HTTP_INVALID : result;
        }
        at += line_bytes;
        if (line_idx > 0 && line.size == 0) {
            break;
        }
        bool ok = line_idx > 0 ? read_header_line(line, head)
                  : request    ? read_request_line(line, head)
                               : read_status_line(line, head);
        if (!ok) {
            return PW_HTTP_INVALID;
        }
    }
    head->head_bytes = at;
    return (request ? finish_request(head) : finish_response(head)) ? PW_HTTP_OK : PW_HTTP_INVALID;
}

enum pw_http_result pw_http_parse_request(const char *data, size_t size, struct pw_http_head *head)
{
    return parse_head(data, size, head, true);
}

enum pw_http_result pw_http_parse_response(const char *data, size_t size, struct pw_http_head *head)
{
    return parse_head(data, size, head, false);
}

uint32_t pw_http_status(const char *data, size_t size)
{
    enum { VERSION_BYTES = 9, STATUS_BYTES = 12 }; /* "HTTP/1.1 ", and with "418" */
    struct pw_http_head head = {0};
    bool ends = size == STATUS_BYTES || (size > STATUS_BYTES && !is_digit(data[STATUS_BYTES]));
    bool begins = ends && data[VERSION_BYTES - 1] == ' ';
    return begins && read_status_line((struct pw_slice){data, STATUS_BYTES}, &head) ? head.status : 0;
}

const struct pw_slice *pw_http_find(const struct pw_http_head *head, const char *name)
{
    for (uint32_t i = 0; i < head->header_cnt; i++) {
        if (pw_slice_equal_nocase(head->headers[i].name, name)) {
            return &head->headers[i].value;
        }
    }
    return NULL;
}

const struct pw_slice *pw_http_find_only(const struct pw_http_head *head, const char *name)
{
    const struct pw_slice *found = NULL;
    for (uint32_t i = 0; i < head->header_cnt; i++) {
        if (pw_slice_equal_nocase(head->headers[i].name, name)) {
            if (found != NULL) {
                return NULL;
            }
            found = &head->headers[i].value;
        }
    }
    return found;
}

bool pw_http_has_token(const struct pw_http_head *head, const char *name, const char *token)
{
    for (uint32_t i = 0; i < head->header_cnt; i++) {
        if (!pw_slice_equal_nocase(head->headers[i].name, name)) {
            continue;
        }
        struct pw_slice rest = head->headers[i].value;
        while (rest.size > 0) {
            if (pw_slice_equal_nocase(trim(cut(&rest, ',')), token)) {
                return true;
            }
        }
    }
    return false;
}

/* ---- the chunked coding (RFC 9112, 7.1) ---- */

enum chunk_phase {
    CHUNK_SIZE_FIRST, /* the first digit of a size */
    CHUNK_SIZE,
    CHUNK_EXTENSION,
    CHUNK_SIZE_LF,
    CHUNK_DATA,
    CHUNK_DATA_CR,
    CHUNK_DATA_LF,
    CHUNK_TRAILER, /* at the start of a line after the last chunk */
    CHUNK_TRAILER_NAME,
    CHUNK_TRAILER_VALUE,
    CHUNK_TRAILER_LF,
    CHUNK_END_LF,
    CHUNK_DONE,
};

#define CHUNK_LINE_MAX 256u                /* bytes of a size with its extensions */
#define CHUNK_SIZE_MAX (UINT64_C(1) << 56) /* far beyond any body; one more digit does not overflow */

static int hex_digit(char c)
{
    return is_digit(c)            ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* The phase after one byte of a size line; -1: invalid. */
static int step_size_line(struct pw_http_chunked *chunked, enum chunk_phase phase, char c)
{
    int digit = hex_digit(c);
    if (phase == CHUNK_SIZE_LF) {
        return c != '\n' ? -1 : chunked->left == 0 ? CHUNK_TRAILER : CHUNK_DATA;
    }
    if (phase != CHUNK_EXTENSION && digit >= 0) {
        chunked->left = chunked->left << 4 | (uint64_t)digit;
        return chunked->left <= CHUNK_SIZE_MAX ? CHUNK_SIZE : -1;
    }
    if (phase == CHUNK_SIZE_FIRST) {
        return -1;
    }
    if (c == '\r') {
        return CHUNK_SIZE_LF;
    }
    /* Extensions are allowed and mean nothing to us; blanks before them are not. */
    bool extends = phase == CHUNK_EXTENSION ? is_field_char(c) : c == ';';
    return extends ? CHUNK_EXTENSION : -1;
}

/* The same after the last chunk: headers, which are checked for form and dropped, and the empty line. */
static int step_trailer(enum chunk_phase phase, char c)
{
    switch (phase) {
    case CHUNK_TRAILER:
        return c == '\r' ? CHUNK_END_LF : is_token_char(c) ? CHUNK_TRAILER_NAME : -1;
    case CHUNK_TRAILER_NAME:
        return c == ':' ? CHUNK_TRAILER_VALUE : is_token_char(c) ? CHUNK_TRAILER_NAME : -1;
    case CHUNK_TRAILER_VALUE:
        return c == '\r' ? CHUNK_TRAILER_LF : is_field_char(c) ? CHUNK_TRAILER_VALUE : -1;
    case CHUNK_TRAILER_LF:
        return c == '\n' ? CHUNK_TRAILER : -1;
    default:
        return c == '\n' ? CHUNK_DONE : -1;
    }
}

static int step_framing(struct pw_http_chunked *chunked, enum chunk_phase phase, char c)
{
    switch (phase) {
    case CHUNK_DATA_CR:
        return c == '\r' ? CHUNK_DATA_LF : -1;
    case CHUNK_DATA_LF:
        return c == '\n' ? CHUNK_SIZE_FIRST : -1;
    default:
        return phase < CHUNK_DATA ? step_size_line(chunked, phase, c) : step_trailer(phase, c);
    }
}

enum pw_http_result pw_http_chunked_decode(struct pw_http_chunked *chunked, char *data, size_t *size,
                                           size_t *payload)
{
    /* state: the phase in the low byte, above it the bytes of this size line or of the trailer so far. */
    enum chunk_phase phase = (enum chunk_phase)(chunked->state & 0xff);
    uint32_t line_bytes = chunked->state >> 8;
    size_t at = 0;
    *payload = 0;
    while (at < *size && phase != CHUNK_DONE) {
        if (phase == CHUNK_DATA) {
            size_t bytes = *size - at < chunked->left ? *size - at : (size_t)chunked->left;
            memmove(data + *payload, data + at, bytes);
            *payload += bytes;
            at += bytes;
            chunked->left -= bytes;
            phase = chunked->left == 0 ? CHUNK_DATA_CR : CHUNK_DATA;
            line_bytes = 0;
            continue;
        }
        int next = step_framing(chunked, phase, data[at++]);
        if (next < 0 || ++line_bytes > (phase < CHUNK_DATA ? CHUNK_LINE_MAX : PW_HTTP_HEAD_MAX)) {
            return PW_HTTP_INVALID;
        }
        phase = (enum chunk_phase)next;
    }
    chunked->state = (uint32_t)phase | line_bytes << 8;
    *size = at;
    return phase == CHUNK_DONE ? PW_HTTP_OK : PW_HTTP_INCOMPLETE;
}

/* ---- URLs ---- */

static bool read_scheme(struct pw_slice scheme)
{
    for (size_t i = 0; i < scheme.size; i++) {
        char c = scheme.text[i];
        if (!is_alpha(c) && (i == 0 || (!is_digit(c) && c != '+' && c != '-' && c != '.'))) {
            return false;
        }
    }
    return scheme.size > 0;
}

static bool read_port(struct pw_slice text, uint16_t *port)
{
    uint64_t value;
    if (text.size > 5 || !read_length(text, &value) || value == 0 || value > UINT16_MAX) {
        return false;
    }
    *port = (uint16_t)value;
    return true;
}

static bool is_host(struct pw_slice host, bool ipv6)
{
    for (size_t i = 0; i < host.size; i++) {
        char c = host.text[i];
        bool ok = ipv6 ? hex_digit(c) >= 0 || c == ':' || c == '.'
                       : is_alpha(c) || is_digit(c) || c == '.' || c == '-' || c == '_';
        if (!ok) {
            return false;
        }
    }
    return host.size > 0;
}

/* host, host:port, [ipv6] or [ipv6]:port */
static bool read_authority(struct pw_slice authority, struct pw_url *url)
{
    bool ipv6 = authority.size > 0 && authority.text[0] == '[';
    struct pw_slice rest = authority;
    if (ipv6) {
        rest.text++;
        rest.size--;
        if (memchr(rest.text, ']', rest.size) == NULL) {
            return false;
        }
        url->host = cut(&rest, ']');
        if (rest.size == 0) {
            return is_host(url->host, true);
        }
        return rest.text[0] == ':' && is_host(url->host, true) &&
               read_port((struct pw_slice){rest.text + 1, rest.size - 1}, &url->port);
    }
    url->host = cut(&rest, ':');
    bool has_port = url->host.size < authority.size;
    return is_host(url->host, false) && (!has_port || read_port(rest, &url->port));
}

bool pw_url_parse(const char *text, struct pw_url *url)
{
    memset(url, 0, sizeof *url);
    const char *colon = strstr(text, "://");
    struct pw_slice whole = {text, strlen(text)};
    if (colon == NULL || !is_visible_ascii(whole) || strchr(text, '#') != NULL) {
        return false;
    }
    url->scheme = (struct pw_slice){text, (size_t)(colon - text)};
    const char *authority = colon + 3;
    const char *path = strchr(authority, '/');
    size_t authority_bytes = path != NULL ? (size_t)(path - authority) : strlen(authority);
    const char *shown_path = path != NULL ? path : "/";
    url->path = (struct pw_slice){shown_path, strlen(shown_path)};
    return read_scheme(url->scheme) && read_authority((struct pw_slice){authority, authority_bytes}, url);
}
