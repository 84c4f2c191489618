/* SPDX-License-Identifier: MIT
 *
 * Fetches in virtual time: body framings split at each byte, bounds, deadlines, and what makes one fail.
 */
#include "net_world.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#define BODY_MAX 1000u

static struct net_world world;
static struct far_end peer;
static struct pw_fetch *fetch;

static void open_fetch(bool secure)
{
    struct net_world_options options = {.secure = secure};
    net_world_open(&world, &options);
    /* The feed's own connection stays out of the way. */
    pw_connector_stop(world.connector);
    fetch = pw_fetch_create(world.net, BODY_MAX);
    cr_assert_not_null(fetch);
}

static void close_fetch(void)
{
    pw_fetch_destroy(fetch);
    cr_expect_eq(pw_virtual_open_cnt(world.network), 0);
    net_world_close(&world);
}

/* Lets the fetch run until a server is wanted. */
static void start(const char *target, int64_t timeout_ns)
{
    cr_assert_eq(pw_fetch_start(fetch, 0, target, world.now_ns + timeout_ns, world.now_ns), 0);
    for (int i = 0; i < 100; i++) {
        cr_assert_eq(pw_fetch_poll(fetch, world.now_ns), PW_FETCH_PENDING);
        net_world_step(&world, MS_NS);
        int socket = pw_virtual_accept(world.network, world.listener);
        if (socket >= 0) {
            far_open(&peer, &world, socket);
            return;
        }
    }
    cr_assert_fail("nobody has come");
}

static enum pw_fetch_result run(int64_t time_ns)
{
    enum pw_fetch_result result = PW_FETCH_PENDING;
    for (int64_t end_ns = world.now_ns + time_ns; result == PW_FETCH_PENDING && world.now_ns < end_ns;) {
        result = pw_fetch_poll(fetch, world.now_ns);
        far_pump(&peer);
        net_world_step(&world, MS_NS);
    }
    return result;
}

/* Lets the request arrive. */
static void take_request(void)
{
    for (int i = 0; i < 100 && memmem(peer.in, peer.in_bytes, "\r\n\r\n", 4) == NULL; i++) {
        run(MS_NS);
    }
    cr_assert_not_null(memmem(peer.in, peer.in_bytes, "\r\n\r\n", 4));
}

struct response_case {
    const char *name;
    const char *bytes;
    bool then_end; /* the server closes behind it */
    bool ok;
    uint32_t status;
    const char *body;
};

static const struct response_case response_cases[] = {
    {"length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", false, true, 200, "hello"},
    {"no body", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false, true, 200, ""},
    {"204", "HTTP/1.1 204 No Content\r\n\r\n", false, true, 204, ""},
    {"chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n",
     false, true, 200, "hello"},
    {"chunks with trailer",
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n", false, true, 200,
     "hello"},
    {"until the end", "HTTP/1.1 200 OK\r\n\r\nhello", true, true, 200, "hello"},
    {"until the end, HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\nhello", true, true, 200, "hello"},
    {"interim answer first",
     "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", false, true,
     200, "ok"},
    {"bytes behind the body", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK", false, true,
     200, "hello"},
    {"error with body", "HTTP/1.1 429 Too Many\r\nRetry-After: 17\r\nContent-Length: 2\r\n\r\n{}", false,
     true, 429, "{}"},
    {"length not reached", "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello", true, false, 0, NULL},
    {"last chunk missing", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", true, false,
     0, NULL},
    {"chunk size missing", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhello", false, false, 0,
     NULL},
    {"length and chunks",
     "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", false, false, 0,
     NULL},
    {"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", false, false, 0,
     NULL},
    {"negative length", "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello", false, false, 0, NULL},
    {"gzip as transfer", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", false, false,
     0, NULL},
    {"upgrade nobody asked for", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n", false, false, 0,
     NULL},
    {"head cut", "HTTP/1.1 200 OK\r\nContent-", true, false, 0, NULL},
    {"not HTTP", "\x15\x03\x01\x00\x02\x02\x46", false, false, 0, NULL},
    {"larger than it may be", "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", false, false, 0, NULL},
    {"length beyond reason", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999\r\n\r\n", false, false, 0,
     NULL},
};

static void check_response(const struct response_case *one, size_t cut, bool secure)
{
    size_t size = strlen(one->bytes), body_bytes;
    open_fetch(secure);
    start("/x", 10 * S_NS);
    take_request();
    far_send(&peer, one->bytes, cut);
    run(3 * MS_NS);
    far_send(&peer, one->bytes + cut, size - cut);
    if (one->then_end) {
        if (secure) {
            SSL_shutdown(peer.tls.ssl);
            far_pump(&peer);
        }
        pw_virtual_peer_end(world.network, peer.socket);
    }
    enum pw_fetch_result result = run(50 * MS_NS);
    result = result == PW_FETCH_PENDING ? pw_fetch_poll(fetch, world.now_ns) : result;
    cr_expect_eq(result, one->ok ? PW_FETCH_DONE : PW_FETCH_FAILED, "%s, cut at %zu: %d %s", one->name, cut,
                 result, pw_fetch_error(fetch));
    if (one->ok && result == PW_FETCH_DONE) {
        const char *body = pw_fetch_body(fetch, &body_bytes);
        cr_expect_eq(pw_fetch_status(fetch), one->status, "%s", one->name);
        cr_expect_eq(body_bytes, strlen(one->body), "%s, cut at %zu: %zu bytes", one->name, cut, body_bytes);
        cr_expect_str_eq(body, one->body, "%s, cut at %zu", one->name, cut);
    }
    close_fetch();
}

Test(fetch, each_response_is_taken_or_refused_wherever_it_is_cut)
{
    for (size_t i = 0; i < sizeof response_cases / sizeof response_cases[0]; i++) {
        for (size_t cut = 0; cut < strlen(response_cases[i].bytes); cut++) {
            check_response(&response_cases[i], cut, false);
        }
    }
}

Test(fetch, each_response_is_taken_or_refused_over_tls)
{
    for (size_t i = 0; i < sizeof response_cases / sizeof response_cases[0]; i++) {
        check_response(&response_cases[i], 0, true);
    }
}

Test(fetch, a_body_that_ends_with_a_cut_tls_session_is_not_whole)
{
    open_fetch(true);
    start("/x", 10 * S_NS);
    take_request();
    far_send_text(&peer, "HTTP/1.1 200 OK\r\n\r\nhello");
    pw_virtual_peer_end(world.network, peer.socket);
    cr_expect_eq(run(S_NS), PW_FETCH_FAILED);
    cr_expect_not_null(strstr(pw_fetch_error(fetch), pw_cause_text(PW_CAUSE_http_cut)), "%s",
                       pw_fetch_error(fetch));
    close_fetch();
}

Test(fetch, the_request_names_host_and_path)
{
    open_fetch(false);
    start("/api/v3/depth?symbol=BTCUSDT&limit=5000", 10 * S_NS);
    take_request();
    cr_expect_eq(
        strncmp((char *)peer.in, "GET /base/api/v3/depth?symbol=BTCUSDT&limit=5000 HTTP/1.1\r\n", 59), 0);
    cr_expect_not_null(memmem(peer.in, peer.in_bytes, "\r\nHost: feed.test:9443\r\n", 24));
    close_fetch();
}

/* cases/33-a-ban-that-cannot-be-read, cases/41-status-of-an-answer: the status is enough. */
Test(fetch, a_ban_is_one_whatever_else_its_answer_holds)
{
    static const struct {
        const char *rest;
        bool then_end;
        uint32_t retry_after_s;
    } rows[] = {
        {" x\r\nRetry-After: 7\r\nContent-Length: 9999999\r\n\r\n", false, 7},
        {" x\r\nRetry-After: 7\r\nContent-Length: 6\r\n\r\nhello", true, 7},
        {" x\r\nRetry-After: 7\r\nContent-Length: 6\r\n\r\nhello", false, 7},
        {" x\r\nRetry-After: 7\r\nTransfer-Encoding: chunked\r\n\r\nhello", false, 7},
        {" x\r\nRetry-After: 7\r\nTransfer-Encoding: gzip\r\n\r\n", false, 7},
        {" x\r\nRetry-After: 7\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", false, 7},
        {" x\r\nRetry-After: 7\r\nX", true, 7},
        {" x\r\nRetry-After: 7\r\nX", false, 7},
        {" x\r\nRetry-After: 7\r\nno header\r\n\r\n", false, 7},
        {" x\r\nRetry-After: 7\n\n", false, 0},
        {" \x01\r\n", false, 0},
        {" x\r\nRetr", true, 0},
        {" x", true, 0},
        {"", true, 0},
        {"", false, 0},
        {" x\r\nContent-Length: 0\r\n\r\n", false, 0},
        {" x\r\nRetry-After: soon\r\nContent-Length: 0\r\n\r\n", false, 0},
        {" x\r\nRetry-After: -5\r\nContent-Length: 0\r\n\r\n", false, 0},
        {" x\r\nRetry-After:\r\nContent-Length: 0\r\n\r\n", false, 0},
        {" x\r\nRetry-After: 99999999999999999999\r\nContent-Length: 0\r\n\r\n", false, 4 * 86400},
        {" x\r\nRetry-After: 999999999\r\nContent-Length: 0\r\n\r\n", false, 4 * 86400},
    };
    for (size_t i = 0; i < 2 * sizeof rows / sizeof *rows; i++) {
        char text[256];
        uint32_t status = i % 2 == 0 ? 418 : 429;
        open_fetch(false);
        start("/x", 20 * S_NS);
        take_request();
        snprintf(text, sizeof text, "HTTP/1.1 %u%s", status, rows[i / 2].rest);
        far_send_text(&peer, text);
        if (rows[i / 2].then_end) {
            pw_virtual_peer_end(world.network, peer.socket);
        }
        int64_t begin_ns = world.now_ns;
        cr_expect_eq(run(3 * S_NS), PW_FETCH_DONE, "%s", text);
        cr_expect_leq(world.now_ns - begin_ns, 1100 * MS_NS, "nobody waits for what may not come: %s", text);
        cr_expect_eq(pw_fetch_status(fetch), status, "%s", text);
        cr_expect_eq(pw_fetch_retry_after_s(fetch), rows[i / 2].retry_after_s, "%s", text);
        close_fetch();
    }
}

Test(fetch, retry_after_is_read)
{
    open_fetch(false);
    start("/x", 10 * S_NS);
    take_request();
    far_send_text(&peer, "HTTP/1.1 418 Banned\r\nretry-after: 120\r\nContent-Length: 0\r\n\r\n");
    cr_expect_eq(run(S_NS), PW_FETCH_DONE);
    cr_expect_eq(pw_fetch_retry_after_s(fetch), 120);
    close_fetch();
}

Test(fetch, the_largest_body_passes_in_each_framing_and_one_byte_more_does_not)
{
    static char bytes[2000];
    for (int framing = 0; framing < 3; framing++) {
        for (size_t size = BODY_MAX; size <= BODY_MAX + 1; size++) {
            open_fetch(false);
            start("/x", 10 * S_NS);
            take_request();
            const char *head = framing == 0   ? "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n"
                               : framing == 1 ? "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%zx\r\n"
                                              : "HTTP/1.1 200 OK\r\nX: %zu\r\n\r\n";
            int n = snprintf(bytes, sizeof bytes, head, size);
            memset(bytes + n, 'z', size);
            strcpy(bytes + n + size, framing == 1 ? "\r\n0\r\n\r\n" : "");
            far_send(&peer, bytes, (size_t)n + size + (framing == 1 ? 7 : 0));
            pw_virtual_peer_end(world.network, peer.socket);
            cr_expect_eq(run(S_NS), size == BODY_MAX ? PW_FETCH_DONE : PW_FETCH_FAILED,
                         "framing %d, %zu bytes: %s", framing, size, pw_fetch_error(fetch));
            close_fetch();
        }
    }
}

Test(fetch, a_server_that_drips_is_given_up_at_the_deadline)
{
    open_fetch(false);
    int64_t begin_ns = world.now_ns;
    start("/x", 5 * S_NS);
    take_request();
    far_send_text(&peer, "HTTP/1.1 200 OK\r\nX: ");
    enum pw_fetch_result result = PW_FETCH_PENDING;
    for (int i = 0; i < 10 && result == PW_FETCH_PENDING; i++) {
        far_send_text(&peer, "a");
        result = run(S_NS);
    }
    cr_expect_eq(result, PW_FETCH_FAILED);
    cr_expect(world.now_ns - begin_ns > 4900 * MS_NS && world.now_ns - begin_ns <= 5010 * MS_NS);
    cr_expect_not_null(strstr(pw_fetch_error(fetch), pw_cause_text(PW_CAUSE_late)), "%s",
                       pw_fetch_error(fetch));
    close_fetch();
}

/* cases/newcomer.md, 11: whoever asks again needs to know that this is no outage. */
Test(fetch, a_server_that_is_not_trusted_is_told_from_one_that_fails)
{
    struct net_world_options options = {.secure = true, .host = "other.test"};
    net_world_open(&world, &options);
    pw_connector_stop(world.connector);
    fetch = pw_fetch_create(world.net, BODY_MAX);
    start("/x", 20 * S_NS);
    cr_expect_eq(run(20 * S_NS), PW_FETCH_FAILED);
    cr_expect(pw_fetch_is_untrusted(fetch), "%s", pw_fetch_error(fetch));
    cr_expect_eq(pw_fetch_start(fetch, 0, "/x", world.now_ns + 1, world.now_ns), 0);
    cr_expect_not(pw_fetch_is_untrusted(fetch));
    net_world_step(&world, MS_NS);
    cr_expect_eq(run(MS_NS), PW_FETCH_FAILED, "late");
    cr_expect_not(pw_fetch_is_untrusted(fetch));
    close_fetch();
}

Test(fetch, a_silent_server_is_given_up_at_the_deadline)
{
    open_fetch(true);
    start("/x", 20 * S_NS);
    take_request();
    int64_t begin_ns = world.now_ns;
    cr_expect_eq(run(60 * S_NS), PW_FETCH_FAILED);
    cr_expect(world.now_ns - begin_ns > 19 * S_NS && world.now_ns - begin_ns <= 20 * S_NS);
    cr_expect_not_null(strstr(pw_fetch_error(fetch), pw_cause_text(PW_CAUSE_late)), "%s",
                       pw_fetch_error(fetch));
    close_fetch();
}

Test(fetch, what_cannot_be_asked_for_is_refused)
{
    static char target[PW_TARGET_MAX + 1];
    open_fetch(false);
    memset(target, 'a', sizeof target - 1);
    cr_expect_eq(pw_fetch_start(fetch, 0, target, world.now_ns + S_NS, world.now_ns), -E2BIG);
    cr_expect_eq(pw_fetch_start(fetch, 0, "/a\r\nHost: evil", world.now_ns + S_NS, world.now_ns), -EINVAL);
    cr_expect_eq(pw_fetch_poll(fetch, world.now_ns), PW_FETCH_FAILED);
    cr_expect_eq(pw_fetch_next_ns(fetch), INT64_MAX);
    close_fetch();
}

Test(fetch, one_given_up_leaves_nothing_and_the_next_one_works)
{
    size_t bytes;
    open_fetch(true);
    start("/first", 10 * S_NS);
    run(5 * MS_NS);
    start("/second", 10 * S_NS);
    cr_expect_eq(pw_virtual_open_cnt(world.network), 1);
    take_request();
    far_send_text(&peer, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    cr_expect_eq(run(S_NS), PW_FETCH_DONE);
    cr_expect_str_eq(pw_fetch_body(fetch, &bytes), "ok");
    pw_fetch_end(fetch);
    pw_fetch_body(fetch, &bytes);
    cr_expect_eq(bytes, 0);
    close_fetch();
}
