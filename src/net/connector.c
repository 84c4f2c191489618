/* SPDX-License-Identifier: MIT
 *
 * The connector: keeps every feed and order entry connected, from the cold side. To it they are alike; below,
 * a feed is any connection.
 *
 * A feed waits, dials, upgrades to WebSocket, subscribes where its target does not say it all, is handed
 * over, and is up until net_rx gives it back. Tries that fail are spaced by exponential back-off with full
 * jitter (a random wait between nothing and the present bound, so that many clients of a venue do not come
 * back all at once), and there are never more than CONNECTS_MAX in any CONNECTS_WINDOW_NS. What goes wrong is
 * logged once per distinct cause, until the feed has been up for a while.
 */
#include "net.h"

#include "ban.h"
#include "http.h"
#include "net_private.h"
#include "websocket.h"
#include <errno.h>
#include <inttypes.h>
#include <pinwheel/units.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POLL_NS PW_NS_PER_MS /* while something is under way */
#define CONNECTS_MAX                                                                                         \
    60u /* reliability.md, F4: a fifth of what the strictest venue takes from one address                    \
         */
#define CONNECTS_WINDOW_NS (INT64_C(300000) * PW_NS_PER_MS)
#define STABLE_NS          (INT64_C(30000) * PW_NS_PER_MS) /* up for so long: the next loss begins a new story */
#define CAUSES_MAX         16u
#define FAILURES_MANY      20u /* the back-off has long reached its bound */
#define HEAD_BYTES         (PW_TARGET_MAX + 1024u)

enum feed_phase {
    FEED_UNUSED = 0, /* no path yet */
    FEED_WAITING,
    FEED_DIALLING,
    FEED_UPGRADING,
    FEED_SUBSCRIBING,  /* its first messages are on their way */
    FEED_HANDING_OVER, /* waits for room in the ring */
    FEED_UP,           /* the slot is net_rx's */
};

/* The texts that have been logged, by their hash. */
struct logged_causes {
    uint64_t hashes[CAUSES_MAX];
    uint32_t cnt;
};

struct feed {
    const struct pw_config_feed *config;
    const struct pw_net_conn *net;
    struct pw_feed_view *view;
    struct pw_conn_slot *slot;
    enum feed_phase phase;
    char *target; /* of the request, with the URL's path */
    char *lines;  /* messages to send first, one a line; NULL: none */
    struct pw_dial dial;
    char *head; /* the request, HEAD_BYTES */
    size_t head_bytes, head_sent;
    char accept[29];
    int64_t next_ns; /* WAITING: when to dial */
    int64_t hold_ns; /* and not before */
    int64_t ban_ns;  /* the end of the one that was told last, until it is taken; 0: none */
    int64_t up_ns;
    uint32_t try_cnt;               /* since it was up */
    uint32_t failure_cnt;           /* in a row, losses of what was not stable among them */
    int64_t connects[CONNECTS_MAX]; /* times of the latest, a ring */
    uint64_t connect_cnt;
    uint32_t dial_connect_cnt; /* of the present dial, counted so far */
    bool close_due;            /* to be asked of net_rx */
    enum pw_reason close_reason;
    struct logged_causes logged;
};

struct pw_connector {
    struct pw_net *net;
    struct pw_connector_ends ends;
    struct feed feeds[PW_CONNS_MAX];
    uint32_t feed_cnt;
    bool stopping;
};

/* The connection of that number; NULL: it is another net's. */
static struct feed *find_feed(struct pw_connector *connector, uint32_t conn_idx)
{
    for (uint32_t i = 0; i < connector->feed_cnt; i++) {
        if (connector->feeds[i].slot->conn_idx == conn_idx) {
            return &connector->feeds[i];
        }
    }
    return NULL;
}

/* ---- telling ---- */

static uint64_t hash_text(const char *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (; *text != '\0'; text++) {
        hash = (hash ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
    }
    return hash;
}

static bool is_new_text(struct logged_causes *logged, const char *text)
{
    uint64_t hash = hash_text(text);
    for (uint32_t i = 0; i < logged->cnt; i++) {
        if (logged->hashes[i] == hash) {
            return false;
        }
    }
    if (logged->cnt < CAUSES_MAX) {
        logged->hashes[logged->cnt++] = hash;
    }
    return true;
}

/* What the user can do about it. */
static const char *advice(enum pw_cause cause)
{
    switch (cause) {
    case PW_CAUSE_resolve:
    case PW_CAUSE_resolve_late:
        return "check the host in ws_url, and DNS";
    case PW_CAUSE_connect:
    case PW_CAUSE_connect_late:
        return "check the address and port, and this host's network and firewall";
    case PW_CAUSE_plain:
        return "use wss://";
    case PW_CAUSE_handshake:
    case PW_CAUSE_certificate:
        return "check ws_url and ca_file";
    case PW_CAUSE_upgrade:
        return "check the path of ws_url, the streams and the instruments";
    default:
        return "reconnecting";
    }
}

static void tell(struct feed *feed, enum pw_cause cause, const char *detail)
{
    char text[1024];
    snprintf(text, sizeof text, "%s, %s: %s%s%s; %s", feed->net->label, feed->net->ws_authority,
             pw_cause_text(cause), detail[0] != '\0' ? ": " : "", detail, advice(cause));
    if (is_new_text(&feed->logged, text)) {
        pw_log(cause == PW_CAUSE_certificate ? PW_LOG_ERROR : PW_LOG_WARN, "%s", text);
    }
}

static void tell_up(struct feed *feed, int64_t now_ns)
{
    char words[96] = "without TLS";
    if (feed->slot->link.secure) {
        pw_tls_describe(&feed->slot->link.tls, words, sizeof words);
    }
    pw_log(PW_LOG_INFO, "%s: connected to %s, %s (try %u)", feed->net->label, feed->net->ws_authority, words,
           feed->try_cnt);
    feed->up_ns = now_ns;
    feed->try_cnt = 0;
}

static void set_state(struct feed *feed, enum pw_feed_state state)
{
    atomic_store_explicit(&feed->view->state, state, memory_order_relaxed);
}

/* Order entry goes on while the feeds end: open orders are to be canceled. */
static bool is_ending(const struct pw_connector *connector, const struct feed *feed)
{
    return connector->stopping &&
           connector->net->plan.conns.rows[feed->slot->conn_idx].role == PW_CONN_ROLE_MARKET;
}

/* ---- waiting ---- */

/* When the window has room for one more connection. */
static int64_t window_opens_ns(const struct feed *feed)
{
    return feed->connect_cnt < CONNECTS_MAX
               ? INT64_MIN
               : feed->connects[feed->connect_cnt % CONNECTS_MAX] + CONNECTS_WINDOW_NS;
}

static uint32_t window_room(const struct feed *feed, int64_t now_ns)
{
    uint32_t used = 0;
    uint64_t there = feed->connect_cnt < CONNECTS_MAX ? feed->connect_cnt : CONNECTS_MAX;
    for (uint64_t i = 0; i < there; i++) {
        used += feed->connects[i] > now_ns - CONNECTS_WINDOW_NS;
    }
    return CONNECTS_MAX - used;
}

/* Takes note of the connections that the dial has begun. */
static void count_connects(struct feed *feed, int64_t now_ns)
{
    for (; feed->dial_connect_cnt < feed->dial.connect_cnt; feed->dial_connect_cnt++) {
        feed->connects[feed->connect_cnt++ % CONNECTS_MAX] = now_ns;
    }
}

static void wait_and_retry(struct pw_connector *connector, struct feed *feed, int64_t now_ns)
{
    const struct pw_config_feed *config = feed->config;
    uint32_t doublings = feed->failure_cnt < FAILURES_MANY ? feed->failure_cnt : FAILURES_MANY;
    int64_t bound_ns = (config->backoff_min_ms * PW_NS_PER_MS) << doublings;
    int64_t most_ns = config->backoff_max_ms * PW_NS_PER_MS;
    bound_ns = bound_ns < most_ns ? bound_ns : most_ns;
    int64_t wait_ns = (int64_t)(pw_random_next(&connector->net->random) % (uint64_t)(bound_ns + 1));
    int64_t opens_ns = window_opens_ns(feed);
    feed->failure_cnt++;
    feed->next_ns = now_ns + wait_ns > opens_ns ? now_ns + wait_ns : opens_ns;
    feed->phase = FEED_WAITING;
    set_state(feed, PW_FEED_DOWN);
}

static void fail(struct pw_connector *connector, struct feed *feed, enum pw_cause cause, const char *detail,
                 int64_t now_ns)
{
    tell(feed, cause, detail);
    if (cause == PW_CAUSE_certificate && feed->failure_cnt < FAILURES_MANY) {
        feed->failure_cnt = FAILURES_MANY; /* only people mend it: the longest pauses at once */
    }
    pw_link_close(&feed->slot->link, connector->net->sockets);
    wait_and_retry(connector, feed, now_ns);
}

static int64_t dial_ns(const struct feed *feed)
{
    return feed->next_ns > feed->hold_ns ? feed->next_ns : feed->hold_ns;
}

/* A try that nothing was wrong with. */
static void give_up(struct pw_connector *connector, struct feed *feed)
{
    pw_dial_end(&feed->dial);
    pw_link_close(&feed->slot->link, connector->net->sockets);
    feed->phase = FEED_WAITING;
    set_state(feed, PW_FEED_DOWN);
}

/* ---- dialling and upgrading ---- */

static void prepare_slot(struct pw_conn_slot *slot, const struct pw_net_conn *conn)
{
    struct pw_conn_slot fresh = {
        .idx = slot->idx,
        .conn_idx = slot->conn_idx,
        .feed_idx = slot->feed_idx,
        .link = slot->link,
        .arena = slot->arena,
        .plain = slot->plain,
        .plain_bytes = slot->plain_bytes,
        .decoder = {.message_bytes_max = conn->message_bytes_max},
    };
    *slot = fresh;
}

static void start_dial(struct pw_connector *connector, struct feed *feed, int64_t now_ns)
{
    struct pw_dial_target target = feed->net->ws;
    uint32_t room = window_room(feed, now_ns);
    target.connects_max = room < target.connects_max ? room : target.connects_max;
    prepare_slot(feed->slot, feed->net);
    pw_dial_start(&feed->dial, connector->net->sockets, &feed->slot->link, &target, now_ns);
    feed->dial_connect_cnt = 0;
    feed->try_cnt++;
    feed->phase = FEED_DIALLING;
    set_state(feed, PW_FEED_CONNECTING);
}

/* RFC 6455, 4.1. No extension and no subprotocol is offered. */
static void write_request(struct pw_connector *connector, struct feed *feed)
{
    uint8_t random[16];
    char key[25];
    for (int i = 0; i < 2; i++) {
        uint64_t word = pw_random_next(&connector->net->random);
        memcpy(random + 8 * i, &word, 8);
    }
    pw_ws_key_text(random, key);
    pw_ws_accept_key(key, 24, feed->accept);
    int bytes = snprintf(feed->head, HEAD_BYTES,
                         "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                         "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\nUser-Agent: pinwheel\r\n\r\n",
                         feed->target, feed->net->ws_authority, key);
    feed->head_bytes = (size_t)bytes;
    feed->head_sent = 0;
}

static void poll_dialling(struct pw_connector *connector, struct feed *feed, int64_t now_ns)
{
    enum pw_dial_phase phase = pw_dial_poll(&feed->dial, now_ns);
    count_connects(feed, now_ns);
    if (phase == PW_DIAL_FAILED) {
        fail(connector, feed, feed->dial.cause, feed->dial.detail, now_ns);
    } else if (phase == PW_DIAL_OPEN) {
        write_request(connector, feed);
        feed->phase = FEED_UPGRADING;
    }
}

/* The request in pieces that the output buffer takes. */
static bool send_request(struct pw_connector *connector, struct feed *feed)
{
    struct pw_link *link = &feed->slot->link;
    while (feed->head_sent < feed->head_bytes) {
        size_t piece = feed->head_bytes - feed->head_sent;
        size_t most = link->output.cap - PW_TLS_OVERHEAD;
        piece = piece < most ? piece : most;
        if (pw_output_empty(&link->output)) {
            enum pw_tls_result result =
                pw_link_write(link, (const uint8_t *)feed->head + feed->head_sent, piece);
            if (result != PW_TLS_OK) {
                return result == PW_TLS_WANT_OUTPUT;
            }
            feed->head_sent += piece;
        }
        pw_link_flush(link, connector->net->sockets);
        if (!pw_output_empty(&link->output)) {
            break;
        }
    }
    pw_link_flush(link, connector->net->sockets);
    return !link->send_failed;
}

/* RFC 6455, 4.1; RFC 9110, 8.6 and 15.2. NULL if the answer makes a WebSocket of the connection; else what is
 * wrong with it. What decides stands once. */
static const char *judge_answer(const struct feed *feed, const struct pw_http_head *head, char *text,
                                size_t bytes)
{
    const struct pw_slice *accept = pw_http_find_only(head, "sec-websocket-accept");
    const struct pw_slice *upgrade = pw_http_find_only(head, "upgrade");
    if (head->status != 101) {
        snprintf(text, bytes, "response %u %.*s", head->status,
                 (int)(head->reason.size < 100 ? head->reason.size : 100), head->reason.text);
        return text;
    }
    if (head->minor_version < 1) {
        return "HTTP/1.0 has no upgrade";
    }
    if (upgrade == NULL || !pw_slice_equal_nocase(*upgrade, "websocket") ||
        pw_http_find_only(head, "connection") == NULL || !pw_http_has_token(head, "connection", "upgrade")) {
        return "no WebSocket upgrade in the response";
    }
    if (accept == NULL || !pw_slice_equal(*accept, feed->accept)) {
        return "not exactly one right Sec-WebSocket-Accept";
    }
    if (pw_http_find(head, "content-length") != NULL || pw_http_find(head, "transfer-encoding") != NULL) {
        return "response 101 with a body";
    }
    if (pw_http_find(head, "sec-websocket-extensions") != NULL) {
        return "extension not offered";
    }
    return pw_http_find(head, "sec-websocket-protocol") != NULL ? "subprotocol not offered" : NULL;
}

/* In place of the request, which has been answered. */
static void write_lines(struct pw_connector *connector, struct feed *feed)
{
    uint8_t *out = (uint8_t *)feed->head;
    for (const char *line = feed->lines, *end; *line != '\0'; line = end + (*end == '\n')) {
        end = strchrnul(line, '\n');
        size_t bytes = (size_t)(end - line);
        uint64_t random = pw_random_next(&connector->net->random);
        uint8_t mask[4];
        memcpy(mask, &random, sizeof mask);
        out += pw_ws_header_encode(out, PW_WS_TEXT, true, bytes, mask);
        memcpy(out, line, bytes);
        pw_ws_mask(out, bytes, mask, 0);
        out += bytes;
    }
    feed->head_bytes = (size_t)(out - (uint8_t *)feed->head);
    feed->head_sent = 0;
}

/* A venue that says how long to stay away means it: coming back sooner earns a ban. A ban is known by the
 * answer's first line; how long it lasts, by what can be read of the rest. */
static void fail_upgrade(struct pw_connector *connector, struct feed *feed, enum pw_cause cause,
                         const char *detail, int64_t now_ns)
{
    const char *answer = (const char *)feed->slot->plain;
    size_t bytes = feed->slot->end;
    struct pw_http_head head;
    pw_http_parse_response(answer, bytes, &head); /* what is wrong with it has been judged */
    uint32_t status = pw_http_status(answer, bytes), retry_after_s = pw_retry_after_s(&head);
    int64_t allowed_ns = now_ns + retry_after_s * PW_NS_PER_S;
    fail(connector, feed, cause, detail, now_ns);
    int64_t ban_ns = pw_ban_of_answer(status, retry_after_s, now_ns);
    feed->ban_ns = ban_ns > feed->ban_ns ? ban_ns : feed->ban_ns;
    allowed_ns = ban_ns > allowed_ns ? ban_ns : allowed_ns;
    feed->next_ns = allowed_ns > feed->next_ns ? allowed_ns : feed->next_ns;
}

static void take_answer(struct pw_connector *connector, struct feed *feed, int64_t now_ns)
{
    struct pw_conn_slot *slot = feed->slot;
    struct pw_http_head head;
    char text[256];
    enum pw_http_result result = pw_http_parse_response((const char *)slot->plain, slot->end, &head);
    if (result == PW_HTTP_INCOMPLETE) {
        return;
    }
    if (result == PW_HTTP_INVALID) {
        fail_upgrade(connector, feed, PW_CAUSE_http, "", now_ns);
        return;
    }
    const char *wrong = judge_answer(feed, &head, text, sizeof text);
    if (wrong != NULL) {
        fail_upgrade(connector, feed, PW_CAUSE_upgrade, wrong, now_ns);
        return;
    }
    slot->next = head.head_bytes; /* frames may have come with it */
    feed->phase = FEED_HANDING_OVER;
    if (feed->lines != NULL) {
        write_lines(connector, feed);
        feed->phase = FEED_SUBSCRIBING;
    }
}

static void poll_upgrading(struct pw_connector *connector, struct feed *feed, int64_t now_ns)
{
    struct pw_conn_slot *slot = feed->slot;
    if (!send_request(connector, feed)) {
        fail(connector, feed, PW_CAUSE_http_cut, "", now_ns);
        return;
    }
    while (feed->phase == FEED_UPGRADING) {
        pw_link_receive(&slot->link, connector->net->sockets, now_ns);
        if (!pw_link_waiting(&slot->link)) {
            break;
        }
        /* No more than a head, so that there is always room behind it. */
        size_t size = PW_HTTP_HEAD_MAX - slot->end;
        size = size < slot->plain_bytes - slot->end ? size : slot->plain_bytes - slot->end;
        if (size == 0) {
            fail_upgrade(connector, feed, PW_CAUSE_http, "response head too long", now_ns);
            return;
        }
        enum pw_tls_result result = pw_link_read(&slot->link, slot->plain + slot->end, &size);
        if (result == PW_TLS_WANT_INPUT) {
            continue;
        }
        if (result != PW_TLS_OK) {
            fail_upgrade(connector, feed, PW_CAUSE_http_cut, "", now_ns);
            return;
        }
        slot->end += size;
        slot->recv_ns = slot->link.input.recv_ns;
        take_answer(connector, feed, now_ns);
    }
    if (feed->phase == FEED_UPGRADING && now_ns >= feed->dial.deadline_ns) {
        fail_upgrade(connector, feed, PW_CAUSE_handshake_late, "no response to the upgrade request", now_ns);
    }
}

/* What the venue says meanwhile stays in the socket, for net_rx. */
static void poll_subscribing(struct pw_connector *connector, struct feed *feed, int64_t now_ns)
{
    if (!send_request(connector, feed)) {
        fail(connector, feed, PW_CAUSE_http_cut, "", now_ns);
    } else if (feed->head_sent == feed->head_bytes && pw_output_empty(&feed->slot->link.output)) {
        feed->phase = FEED_HANDING_OVER;
    } else if (now_ns >= feed->dial.deadline_ns) {
        fail(connector, feed, PW_CAUSE_handshake_late, "subscription not accepted", now_ns);
    }
}

void pw_connector_hold(struct pw_connector *connector, uint32_t conn_idx, int64_t until_ns)
{
    struct feed *feed = find_feed(connector, conn_idx);
    if (feed == NULL) {
        return;
    }
    feed->hold_ns = until_ns > feed->hold_ns ? until_ns : feed->hold_ns;
    if (feed->phase == FEED_DIALLING || feed->phase == FEED_UPGRADING || feed->phase == FEED_SUBSCRIBING) {
        give_up(connector, feed);
    }
}

int64_t pw_connector_take_ban(struct pw_connector *connector, uint32_t *conn_idx)
{
    for (uint32_t i = 0; i < connector->feed_cnt; i++) {
        int64_t until_ns = connector->feeds[i].ban_ns;
        if (until_ns != 0) {
            connector->feeds[i].ban_ns = 0;
            *conn_idx = connector->feeds[i].slot->conn_idx;
            return until_ns;
        }
    }
    return 0;
}

/* ---- handing over, and back ---- */

static bool put_conn(struct pw_connector *connector, const struct feed *feed, enum pw_feed_state state,
                     enum pw_reason reason, int64_t now_ns)
{
    struct pw_producer *ring = &connector->ends.to_net_rx;
    if (pw_producer_room(ring, 1) < 1) {
        return false;
    }
    struct pw_event event = {
        .instrument_idx = PW_NO_INSTRUMENT,
        .kind = PW_EVENT_CONN,
        .recv_ns = now_ns,
        .body.conn = {.feed_idx = feed->slot->conn_idx,
                      .state = state,
                      .reason = reason,
                      .slot_idx = feed->slot->idx},
    };
    pw_producer_put(ring, &event);
    pw_producer_publish(ring);
    return true;
}

static void poll_handing_over(struct pw_connector *connector, struct feed *feed, int64_t now_ns)
{
    struct pw_conn_slot *slot = feed->slot;
    if (slot->link.secure) {
        pw_tls_hand_over(&slot->link.tls, &slot->arena);
    }
    if (pw_producer_room(&connector->ends.to_net_rx, 1) < 1) {
        return;
    }
    tell_up(feed, now_ns);
    if (put_conn(connector, feed, PW_FEED_UP, PW_REASON_NONE, now_ns)) {
        feed->phase = FEED_UP; /* and the slot is not ours any more */
        feed->close_due = false;
        pw_count(&feed->view->connect_cnt, 1);
        set_state(feed, PW_FEED_UP);
    }
}

/* Stale is what net_rx tells parse; here the same is told to whoever watches. */
static void poll_up(struct pw_connector *connector, struct feed *feed, int64_t now_ns)
{
    int64_t data_ns = atomic_load_explicit(&feed->view->last_recv_ns, memory_order_relaxed);
    data_ns = data_ns > feed->up_ns ? data_ns : feed->up_ns;
    bool stale = now_ns - data_ns >= feed->net->stale_after_ns;
    set_state(feed, stale ? PW_FEED_STALE : PW_FEED_UP);
    if (now_ns - feed->up_ns >= STABLE_NS) {
        feed->failure_cnt = 0;
        feed->logged = (struct logged_causes){0};
    }
    if (feed->close_due && put_conn(connector, feed, PW_FEED_DOWN, feed->close_reason, now_ns)) {
        feed->close_due = false;
    }
}

static void take_back(struct pw_connector *connector, struct feed *feed, int64_t now_ns)
{
    struct pw_conn_slot *slot = feed->slot;
    char detail[PW_TLS_ERROR_BYTES] = "";
    if (slot->cause == PW_CAUSE_closed) {
        snprintf(detail, sizeof detail, "code %u", slot->peer_close_code);
    } else if (slot->cause == PW_CAUSE_tls) {
        pw_tls_error(&slot->link.tls, detail, sizeof detail);
    }
    if (slot->cause != PW_CAUSE_local) {
        tell(feed, slot->cause, detail);
    }
    pw_count(&feed->view->disconnect_cnt, 1);
    pw_link_close(&slot->link, connector->net->sockets);
    wait_and_retry(connector, feed, now_ns);
}

static uint32_t take_lost(struct pw_connector *connector, int64_t now_ns)
{
    struct pw_consumer *ring = &connector->ends.from_net_rx;
    uint64_t n = pw_consumer_peek(ring, UINT64_MAX);
    for (uint64_t i = 0; i < n; i++) {
        const struct pw_conn *conn = &pw_consumer_at(ring, i)->body.conn;
        take_back(connector, &connector->feeds[conn->slot_idx], now_ns);
    }
    if (n > 0) {
        pw_consumer_done(ring, n);
    }
    return (uint32_t)n;
}

/* ---- the outside ---- */

static void poll_feed(struct pw_connector *connector, struct feed *feed, int64_t now_ns)
{
    switch (feed->phase) {
    case FEED_WAITING:
        if (!is_ending(connector, feed) && now_ns >= dial_ns(feed)) {
            start_dial(connector, feed, now_ns);
        }
        break;
    case FEED_DIALLING:
        poll_dialling(connector, feed, now_ns);
        break;
    case FEED_UPGRADING:
        poll_upgrading(connector, feed, now_ns);
        break;
    case FEED_SUBSCRIBING:
        poll_subscribing(connector, feed, now_ns);
        break;
    case FEED_HANDING_OVER:
        poll_handing_over(connector, feed, now_ns);
        break;
    case FEED_UP:
        poll_up(connector, feed, now_ns);
        break;
    case FEED_UNUSED:
        break;
    }
}

uint32_t pw_connector_poll(struct pw_connector *connector, int64_t now_ns)
{
    uint32_t work = take_lost(connector, now_ns);
    for (uint32_t i = 0; i < connector->feed_cnt; i++) {
        struct feed *feed = &connector->feeds[i];
        enum feed_phase before;
        do { /* what can be done at once is done at once */
            before = feed->phase;
            poll_feed(connector, feed, now_ns);
            work += feed->phase != before;
        } while (feed->phase != before && feed->phase != FEED_WAITING);
    }
    return work;
}

int64_t pw_connector_next_ns(const struct pw_connector *connector)
{
    int64_t next_ns = INT64_MAX;
    int64_t soon_ns = pw_clock_now_ns(&connector->net->clock) + POLL_NS;
    for (uint32_t i = 0; i < connector->feed_cnt; i++) {
        const struct feed *feed = &connector->feeds[i];
        bool busy = (feed->phase >= FEED_DIALLING && feed->phase <= FEED_HANDING_OVER) || feed->close_due;
        int64_t feed_ns = busy                                                         ? soon_ns
                          : feed->phase == FEED_WAITING && !is_ending(connector, feed) ? dial_ns(feed)
                                                                                       : INT64_MAX;
        next_ns = feed_ns < next_ns ? feed_ns : next_ns;
    }
    return next_ns;
}

void pw_connector_reconnect(struct pw_connector *connector, uint32_t conn_idx, enum pw_reason reason)
{
    struct feed *feed = find_feed(connector, conn_idx);
    if (feed != NULL && feed->phase == FEED_UP) {
        feed->close_due = true;
        feed->close_reason = reason;
    }
}

int pw_connector_set_path(struct pw_connector *connector, uint32_t conn_idx, const char *path)
{
    struct feed *feed = find_feed(connector, conn_idx);
    size_t bytes = feed != NULL ? strlen(feed->net->ws_path) + strlen(path) : 0;
    if (feed == NULL) {
        return -EINVAL;
    }
    if (bytes >= PW_TARGET_MAX) {
        return -E2BIG;
    }
    if (!pw_target_ok(path)) {
        return -EINVAL;
    }
    char *target = malloc(bytes + 2);
    if (target == NULL) {
        return -ENOMEM;
    }
    stpcpy(stpcpy(target, feed->net->ws_path), bytes == 0 ? "/" : path);
    free(feed->target);
    feed->target = target;
    if (feed->phase == FEED_UNUSED) {
        feed->phase = FEED_WAITING;
        feed->next_ns = INT64_MIN;
    }
    return 0;
}

int pw_connector_set_lines(struct pw_connector *connector, uint32_t conn_idx, const char *lines)
{
    struct feed *feed = find_feed(connector, conn_idx);
    size_t framed_bytes = 0;
    if (feed == NULL) {
        return -EINVAL;
    }
    for (const char *line = lines, *end; *line != '\0'; line = end + (*end == '\n')) {
        end = strchrnul(line, '\n');
        framed_bytes += (size_t)(end - line) + PW_WS_HEADER_MAX;
    }
    if (framed_bytes > HEAD_BYTES) {
        return -E2BIG;
    }
    char *copy = strdup(lines);
    if (copy == NULL) {
        return -ENOMEM;
    }
    free(feed->lines);
    feed->lines = copy;
    return 0;
}

static void end_feed(struct pw_connector *connector, struct feed *feed)
{
    if (feed->phase == FEED_UP) {
        feed->close_due = true;
        feed->close_reason = PW_REASON_DISCONNECT;
    } else if (feed->phase != FEED_UNUSED) {
        give_up(connector, feed);
    }
}

void pw_connector_stop(struct pw_connector *connector)
{
    connector->stopping = true;
    for (uint32_t i = 0; i < connector->feed_cnt; i++) {
        if (is_ending(connector, &connector->feeds[i])) {
            end_feed(connector, &connector->feeds[i]);
        }
    }
}

bool pw_connector_stopped(const struct pw_connector *connector)
{
    for (uint32_t i = 0; i < connector->feed_cnt; i++) {
        const struct feed *feed = &connector->feeds[i];
        if (feed->phase == FEED_UP && is_ending(connector, feed)) {
            return false;
        }
    }
    return connector->stopping;
}

struct pw_connector *pw_connector_create(struct pw_net *net, const struct pw_connector_ends *ends)
{
    struct pw_connector *connector = calloc(1, sizeof *connector);
    if (connector == NULL) {
        return NULL;
    }
    connector->net = net;
    connector->ends = *ends;
    for (uint32_t i = 0; i < net->slot_cnt; i++) {
        struct feed *feed = &connector->feeds[i];
        feed->slot = &net->slots[i];
        feed->net = &net->conns[feed->slot->conn_idx];
        feed->config = feed->net->config;
        feed->view = &ends->feeds[feed->slot->conn_idx];
        feed->head = malloc(HEAD_BYTES);
        connector->feed_cnt++;
        if (feed->head == NULL) {
            pw_connector_destroy(connector);
            return NULL;
        }
    }
    return connector;
}

void pw_connector_destroy(struct pw_connector *connector)
{
    if (connector == NULL) {
        return;
    }
    for (uint32_t i = 0; i < connector->feed_cnt; i++) {
        end_feed(connector, &connector->feeds[i]);
        free(connector->feeds[i].target);
        free(connector->feeds[i].lines);
        free(connector->feeds[i].head);
    }
    free(connector);
}
