/* SPDX-License-Identifier: MIT
 *
 * Why a connection did not come about, or ended: one table for the counters' names, the log and the tests.
 */
#ifndef PW_CAUSE_H
#define PW_CAUSE_H

#include <stddef.h>

/* PW_CAUSE(name, "what to tell a person") */

/* Ends of an established connection; each has a counter net_rx.disconnect_<name>. */
#define PW_CAUSES_LOST(PW_CAUSE)                                                                             \
    PW_CAUSE(closed, "the server closed the WebSocket")                                                      \
    PW_CAUSE(ended, "the server ended the connection without a WebSocket close")                             \
    PW_CAUSE(truncated, "the connection was cut: the TLS session has no end")                                \
    PW_CAUSE(reset, "the connection broke")                                                                  \
    PW_CAUSE(tls, "a TLS record could not be read")                                                          \
    PW_CAUSE(protocol, "the server broke the WebSocket protocol")                                            \
    PW_CAUSE(bad_utf8, "the server sent text that is not UTF-8")                                             \
    PW_CAUSE(too_big, "the server sent a message larger than message_bytes_max")                             \
    PW_CAUSE(frame_timeout, "a frame did not arrive whole within 10 s")                                      \
    PW_CAUSE(idle_timeout, "nothing came for longer than dead_after_ms")                                     \
    PW_CAUSE(local, "the engine asked for a new connection")

/* Before it is established. */
#define PW_CAUSES_DIAL(PW_CAUSE)                                                                             \
    PW_CAUSE(resolve, "its name could not be resolved")                                                      \
    PW_CAUSE(resolve_late, "its name was not resolved in time")                                              \
    PW_CAUSE(connect, "it could not be connected to")                                                        \
    PW_CAUSE(connect_late, "it did not answer in time")                                                      \
    PW_CAUSE(plain, "unencrypted connections are for loopback only")                                         \
    PW_CAUSE(handshake, "the TLS handshake failed")                                                          \
    PW_CAUSE(handshake_late, "the handshake did not end in time")                                            \
    PW_CAUSE(handshake_cut, "the connection was cut in the handshake")                                       \
    PW_CAUSE(upgrade, "the server did not accept the WebSocket")                                             \
    PW_CAUSE(http, "the server's HTTP response is not valid")                                                \
    PW_CAUSE(http_cut, "the connection was cut in the HTTP response")                                        \
    PW_CAUSE(body, "the response is larger than it may be")                                                  \
    PW_CAUSE(late, "the response did not come in time")                                                      \
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
