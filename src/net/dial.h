/* SPDX-License-Identifier: MIT
 *
 * Dialling: from a host's name to an open link. Resolve, connect to one address after the other, TLS
 * handshake; each with its deadline, none ever blocking. Cold; the connector and the fetches use it.
 */
#ifndef PW_DIAL_H
#define PW_DIAL_H

#include "cause.h"
#include "link.h"

#define PW_DETAIL_BYTES 256u

/* Whom to call, and how patiently. */
struct pw_dial_target {
    char host[256]; /* an IPv6 address without brackets */
    uint16_t port;
    bool secure;
    struct pw_tls_context *context; /* if secure */
    int64_t connect_timeout_ns;     /* for the name, and again for all addresses together */
    int64_t handshake_timeout_ns;
    uint32_t connects_max; /* addresses to try at most; at least 1 */
};

enum pw_dial_phase {
    PW_DIAL_IDLE = 0,
    PW_DIAL_RESOLVING,
    PW_DIAL_CONNECTING,
    PW_DIAL_HANDSHAKING,
    PW_DIAL_OPEN,
    PW_DIAL_FAILED,
};

struct pw_dial {
    const struct pw_sockets *sockets;
    struct pw_link *link;
    struct pw_dial_target target;
    enum pw_dial_phase phase;
    int64_t lookup; /* -1: none */
    struct pw_address addresses[PW_ADDRESSES_MAX];
    uint32_t address_cnt, address_idx;
    uint32_t connect_cnt; /* connections begun, for the caller's count of them */
    int64_t deadline_ns;  /* of the phase */
    int64_t address_deadline_ns;
    /* When it has failed: why, and what the system or the library said about it. */
    enum pw_cause cause;
    char detail[PW_DETAIL_BYTES];
};

/* From "wss://host:port/path" and the like: host, port and secure (wss and https). False: no such URL. */
bool pw_dial_target_of_url(const char *url, struct pw_dial_target *target);

/* link: initialised and closed. */
void pw_dial_start(struct pw_dial *dial, const struct pw_sockets *sockets, struct pw_link *link,
                   const struct pw_dial_target *target, int64_t now_ns);
/* OPEN: the link can be read and written. deadline_ns is then the handshake's, for what belongs to it. */
enum pw_dial_phase pw_dial_poll(struct pw_dial *dial, int64_t now_ns);
/* Gives up what is under way; closes the link unless it is open (then it is the caller's). */
void pw_dial_end(struct pw_dial *dial);

#endif
