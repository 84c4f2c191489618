/* SPDX-License-Identifier: MIT
 *
 * Why a connection did not come about, or ended: one table for the counters' names, the log and the tests.
 */
#ifndef PW_CAUSE_H
#define PW_CAUSE_H

#include <stddef.h>

/* PW_CAUSE(name, "text for users") */

/* Ends of an established connection; each has a counter net_rx.disconnect_<name>. */
#define PW_CAUSES_LOST(PW_CAUSE)                                                                             \
    PW_CAUSE(closed, "the server closed the WebSocket")                                                      \
    PW_CAUSE(ended, "the server ended the connection without a WebSocket close")                             \
    PW_CAUSE(truncated, "connection closed without TLS close_notify")                                \
    PW_CAUSE(reset, "connection reset")                                                                  \
    PW_CAUSE(tls, "a TLS record could not be decrypted")                                                          \
    PW_CAUSE(protocol, "WebSocket protocol error by the server")                                            \
    PW_CAUSE(bad_utf8, "the server sent text that is not UTF-8")                                             \
    PW_CAUSE(too_big, "the server sent a message larger than message_bytes_max")                             \
    PW_CAUSE(fragments, "the server sent a message of too many fragments")                                   \
    PW_CAUSE(frame_timeout, "a message was incomplete after 10 s")                                      \
    PW_CAUSE(idle_timeout, "no data for longer than dead_after_ms")                                     \
    PW_CAUSE(local, "reconnect requested by the engine")

/* Before it is established. */
#define PW_CAUSES_DIAL(PW_CAUSE)                                                                             \
    PW_CAUSE(resolve, "cannot resolve the host name")                                                      \
    PW_CAUSE(resolve_late, "name resolution timed out")                                              \
    PW_CAUSE(connect, "cannot connect")                                                        \
    PW_CAUSE(connect_late, "connect timed out")                                                      \
    PW_CAUSE(plain, "unencrypted connections are for loopback only")                                         \
    PW_CAUSE(handshake, "the TLS handshake failed")                                                          \
    PW_CAUSE(certificate, "the server's certificate was rejected")                                            \
    PW_CAUSE(handshake_late, "TLS handshake timed out")                                            \
    PW_CAUSE(handshake_cut, "connection closed during the TLS handshake")                                       \
    PW_CAUSE(upgrade, "WebSocket upgrade rejected")                                             \
    PW_CAUSE(http, "the server's HTTP response is not valid")                                                \
    PW_CAUSE(http_cut, "connection closed during the HTTP response")                                        \
    PW_CAUSE(body, "response too large")                                                  \
    PW_CAUSE(late, "response timed out")                                                      \
    PW_CAUSE(memory, "no memory")

#define PW_CAUSE_ENUM_(name, text) PW_CAUSE_##name,
enum pw_cause {
    PW_CAUSE_none = 0,
    PW_CAUSES_LOST(PW_CAUSE_ENUM_) PW_CAUSE_LOST_END,
    PW_CAUSES_DIAL(PW_CAUSE_ENUM_) PW_CAUSE_END,
};
#undef PW_CAUSE_ENUM_

/* "truncated" and the text beside it. */
const char *pw_cause_name(enum pw_cause cause);
const char *pw_cause_text(enum pw_cause cause);

/* Of an end: where it counts in struct pw_net_rx_metrics. */
size_t pw_cause_metric(enum pw_cause cause);

#endif
