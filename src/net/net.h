/* SPDX-License-Identifier: MIT
 *
 * The network, as the cold core sees it: what makes connections, and small HTTP requests.
 *
 * The way of a connection: the connector (cold, inside the housekeeping stage) resolves the name, connects,
 * does the TLS handshake and the WebSocket upgrade, and hands the established connection over to net_rx
 * through the ring housekeeping.net_rx (PW_EVENT_CONN, body.conn.slot_idx). net_rx owns it until it is lost
 * and says so through net_rx.housekeeping; then the connector takes it back, closes it, and tries anew after
 * a while. A connection's slot has one owner at a time, and the rings pass it on.
 *
 * Nothing here blocks. Cold calls may allocate; hot ones (src/stage/net.c) do not.
 */
#ifndef PW_NET_H
#define PW_NET_H

#include "conns.h"
#include "host.h"
#include "seam.h"
#include <pinwheel/ring.h>
#include <pinwheel/workspace.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PW_TARGET_MAX 32768u /* of a request, with its query; longer ones are refused by venues, too */

struct pw_net;
struct pw_connector;
struct pw_fetch;

/* The connections of an engine. One net serves some of them, those of its line; all can be fetched from. */
struct pw_net_plan {
    struct pw_conns conns;
    uint32_t line_idx;
    bool kernel_stamps; /* record kernel receive timestamps */
};

/* Everything that net_rx, net_tx and the connector share: TLS contexts, connection slots, buffers;
 * locked in memory and left out of core dumps where the host allows. What the plan points to must outlive it.
 * NULL: `error` says which connection, what is wrong and what to do. Main thread, before any stage's init. */
struct pw_net *pw_net_create(const struct pw_net_plan *plan, struct pw_clock clock, struct pw_random random,
                             char *error, size_t error_bytes);
/* The same over another network than the host's; both must outlive it. io must have been made for at least
 * as many slots as there are connections. */
struct pw_net *pw_net_create_over(const struct pw_net_plan *plan, struct pw_clock clock,
                                  struct pw_random random, const struct pw_sockets *sockets,
                                  const struct pw_io *io, char *error, size_t error_bytes);
/* The rows that it was made with. */
const struct pw_conns *pw_net_conns(const struct pw_net *net);
/* After every stage's fini. Closes what is still open. */
void pw_net_destroy(struct pw_net *net);

/* ---- The connector ---- */

/* Of the housekeeping stage. feeds: the rows of the workspace's feed region, one a connection, by number;
 * the connector writes state, connect_cnt and disconnect_cnt of each. */
struct pw_connector_ends {
    struct pw_producer to_net_rx;   /* housekeeping.net_rx, attached; nobody else may put into it */
    struct pw_consumer from_net_rx; /* net_rx.housekeeping, attached */
    struct pw_feed_view *feeds;
};

/* NULL: no memory. Nothing is connected before the first poll after its pw_connector_set_path. */
struct pw_connector *pw_connector_create(struct pw_net *net, const struct pw_connector_ends *ends);
/* Closes what is not net_rx's. */
void pw_connector_destroy(struct pw_connector *connector);

/* What to ask the feed's WebSocket server for: appended to the path of its ws_url ("/stream?streams=...";
 * order entry: ""). From now on it is kept connected. 0, -E2BIG (longer than PW_TARGET_MAX), -EINVAL (blanks,
 * control bytes) or -ENOMEM. */
int pw_connector_set_path(struct pw_connector *connector, uint32_t conn_idx, const char *path);

/* What to send as soon as it is connected, before anything of it reaches net_rx: text messages, one a line.
 * Before its path is set. 0, -E2BIG (more than fits a request) or -ENOMEM. */
int pw_connector_set_lines(struct pw_connector *connector, uint32_t conn_idx, const char *lines);

/* Nothing is dialled for it before; a try under way is given up, a connection that is up stays. An earlier
 * hold is never shortened. For bans. */
void pw_connector_hold(struct pw_connector *connector, uint32_t conn_idx, int64_t until_ns);

/* The next ban that the answer to an upgrade told of (429, 418): its end, and whose connection; 0: no more.
 */
int64_t pw_connector_take_ban(struct pw_connector *connector, uint32_t *conn_idx);

/* Drives all connections; returns how much it did. */
uint32_t pw_connector_poll(struct pw_connector *connector, int64_t now_ns);
/* When it next has work by itself; INT64_MAX: none. While a handshake is under way this is soon (1 ms). */
int64_t pw_connector_next_ns(const struct pw_connector *connector);

/* Asks for a new connection (the venue announced its end: PW_DECODE_SHUTDOWN; data that makes no sense). A
 * feed that is not up is left as it is. The connection is closed in good order first. */
void pw_connector_reconnect(struct pw_connector *connector, uint32_t conn_idx, enum pw_reason reason);

/* Before a clean stop: closes the feeds' connections in good order and starts no more. Order entry's is kept
 * to the end, because open orders have to be canceled: pw_hot_stop and pw_connector_destroy close it. */
void pw_connector_stop(struct pw_connector *connector);
/* Is every feed's connection given back and closed? */
bool pw_connector_stopped(const struct pw_connector *connector);

/* ---- Fetch: one HTTP GET at a time on a connection of its own ---- */

enum pw_fetch_result {
    PW_FETCH_PENDING = 0,
    PW_FETCH_DONE = 1,    /* a whole response, whatever its status */
    PW_FETCH_FAILED = -1, /* pw_fetch_error says where and why */
};

/* body_bytes_max: of the largest response body that it can take. NULL: no memory. */
struct pw_fetch *pw_fetch_create(struct pw_net *net, size_t body_bytes_max);
void pw_fetch_destroy(struct pw_fetch *fetch);

/* Begins GET <rest_url of the feed><target>. A request under way is given up. The feed's time-outs hold, and
 * the whole ends in failure at deadline_ns. 0, -E2BIG or -EINVAL (target), -EDESTADDRREQ (the feed has no
 * rest_url). */
int pw_fetch_start(struct pw_fetch *fetch, uint32_t feed_idx, const char *target, int64_t deadline_ns,
                   int64_t now_ns);
enum pw_fetch_result pw_fetch_poll(struct pw_fetch *fetch, int64_t now_ns);
/* When to poll again; INT64_MAX: nothing is under way. */
int64_t pw_fetch_next_ns(const struct pw_fetch *fetch);

/* Of a fetch that is DONE; valid until the next start or end. The body ends with a zero byte that is not
 * counted. */
uint32_t pw_fetch_status(const struct pw_fetch *fetch);
/* Only status 200 is an answer: 206 is a part of one, 3xx is elsewhere and not followed. False: `why` says
 * so. */
bool pw_fetch_is_answer(const struct pw_fetch *fetch, char *why, size_t why_bytes);
uint32_t
pw_fetch_retry_after_s(const struct pw_fetch *fetch); /* 0: the server did not say (or said it as a date) */
const char *pw_fetch_body(const struct pw_fetch *fetch, size_t *bytes);
/* Of a fetch that FAILED. */
const char *pw_fetch_error(const struct pw_fetch *fetch);
/* The last one failed because the server's certificate was rejected: until the next start. */
bool pw_fetch_is_untrusted(const struct pw_fetch *fetch);
/* Gives up or forgets; closes. */
void pw_fetch_end(struct pw_fetch *fetch);

#endif
