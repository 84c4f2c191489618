/* SPDX-License-Identifier: MIT
 *
 * The phases of dialling.
 */
#include "dial.h"

#include "http.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

bool pw_dial_target_of_url(const char *url, struct pw_dial_target *target)
{
    struct pw_url parts;
    if (!pw_url_parse(url, &parts) || parts.host.size >= sizeof target->host) {
        return false;
    }
    bool secure = pw_slice_equal(parts.scheme, "wss") || pw_slice_equal(parts.scheme, "https");
    if (!secure && !pw_slice_equal(parts.scheme, "ws") && !pw_slice_equal(parts.scheme, "http")) {
        return false;
    }
    target->secure = secure;
    target->port = parts.port != 0 ? parts.port : secure ? 443 : 80;
    memcpy(target->host, parts.host.text, parts.host.size);
    target->host[parts.host.size] = '\0';
    return true;
}

static enum pw_dial_phase fail(struct pw_dial *dial, enum pw_cause cause, const char *detail)
{
    dial->cause = cause;
    snprintf(dial->detail, sizeof dial->detail, "%s", detail);
    if (dial->lookup >= 0) {
        dial->sockets->resolve_end(dial->sockets->state, dial->lookup);
        dial->lookup = -1;
    }
    pw_link_close(dial->link, dial->sockets);
    return dial->phase = PW_DIAL_FAILED;
}

/* ---- connecting ---- */

static bool is_loopback(const struct pw_address *address)
{
    if (address->storage.ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)&address->storage;
        return ntohl(in->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    }
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&address->storage;
    return address->storage.ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
}

/* Begins with the next address that there is; `why` the one before did not do. */
static enum pw_dial_phase connect_next(struct pw_dial *dial, enum pw_cause cause, const char *why,
                                       int64_t now_ns)
{
    while (dial->address_idx < dial->address_cnt && dial->connect_cnt < dial->target.connects_max) {
        const struct pw_address *address = &dial->addresses[dial->address_idx++];
        if (!dial->target.secure && !is_loopback(address)) {
            cause = dial->connect_cnt == 0 ? PW_CAUSE_plain : cause;
            continue;
        }
        dial->connect_cnt++;
        int socket = dial->sockets->connect(dial->sockets->state, address);
        if (socket >= 0) {
            dial->link->socket = socket;
            /* Each of those left gets an equal share of the time left. */
            int64_t shares = dial->address_cnt - dial->address_idx + 1;
            dial->address_deadline_ns = now_ns + (dial->deadline_ns - now_ns) / shares;
            return dial->phase = PW_DIAL_CONNECTING;
        }
        cause = PW_CAUSE_connect;
        why = strerror(-socket);
    }
    return fail(dial, cause, why);
}

static enum pw_dial_phase poll_resolving(struct pw_dial *dial, int64_t now_ns)
{
    const struct pw_sockets *sockets = dial->sockets;
    const char *error = "";
    int found = sockets->resolved(sockets->state, dial->lookup, dial->addresses, &error);
    if (found == -EAGAIN) {
        return now_ns < dial->deadline_ns ? dial->phase : fail(dial, PW_CAUSE_resolve_late, "");
    }
    if (found <= 0) {
        return fail(dial, PW_CAUSE_resolve, error);
    }
    sockets->resolve_end(sockets->state, dial->lookup);
    dial->lookup = -1;
    dial->address_cnt = (uint32_t)found;
    dial->deadline_ns = now_ns + dial->target.connect_timeout_ns;
    return connect_next(dial, PW_CAUSE_connect, "no address", now_ns);
}

static enum pw_dial_phase begin_handshake(struct pw_dial *dial, int64_t now_ns)
{
    struct pw_link *link = dial->link;
    dial->deadline_ns = now_ns + dial->target.handshake_timeout_ns;
    link->secure = dial->target.secure;
    if (!link->secure) {
        return dial->phase = PW_DIAL_OPEN;
    }
    if (!pw_tls_open(&link->tls, dial->target.context, dial->target.host, &link->input, &link->output)) {
        return fail(dial, PW_CAUSE_memory, "cannot create the TLS session");
    }
    return dial->phase = PW_DIAL_HANDSHAKING;
}

static enum pw_dial_phase poll_connecting(struct pw_dial *dial, int64_t now_ns)
{
    int result = dial->sockets->connected(dial->sockets->state, dial->link->socket);
    if (result == 1) {
        return begin_handshake(dial, now_ns);
    }
    if (result == 0 && now_ns < dial->address_deadline_ns) {
        return dial->phase;
    }
    pw_link_close(dial->link, dial->sockets);
    return result == 0 ? connect_next(dial, PW_CAUSE_connect_late, "", now_ns)
                       : connect_next(dial, PW_CAUSE_connect, strerror(-result), now_ns);
}

/* ---- the handshake ---- */

static enum pw_dial_phase poll_handshaking(struct pw_dial *dial, int64_t now_ns)
{
    struct pw_link *link = dial->link;
    enum pw_tls_result result;
    size_t got;
    do {
        got = pw_link_receive(link, dial->sockets, now_ns);
        result = pw_tls_handshake(&link->tls);
        pw_link_flush(link, dial->sockets);
    } while (result == PW_TLS_WANT_INPUT && got > 0);
    if (result == PW_TLS_OK) {
        return dial->phase = PW_DIAL_OPEN;
    }
    if (result == PW_TLS_FAILED) {
        char words[PW_DETAIL_BYTES];
        pw_tls_error(&link->tls, words, sizeof words);
        return fail(dial, pw_tls_is_untrusted(&link->tls) ? PW_CAUSE_certificate : PW_CAUSE_handshake, words);
    }
    if (result == PW_TLS_TRUNCATED || result == PW_TLS_CLOSED || link->send_failed) {
        return fail(dial, PW_CAUSE_handshake_cut, "");
    }
    return now_ns < dial->deadline_ns ? dial->phase : fail(dial, PW_CAUSE_handshake_late, "");
}

/* ---- life ---- */

void pw_dial_start(struct pw_dial *dial, const struct pw_sockets *sockets, struct pw_link *link,
                   const struct pw_dial_target *target, int64_t now_ns)
{
    *dial = (struct pw_dial){.sockets = sockets, .link = link, .target = *target, .phase = PW_DIAL_RESOLVING};
    dial->deadline_ns = now_ns + target->connect_timeout_ns;
    dial->lookup = sockets->resolve(sockets->state, target->host, target->port);
    if (dial->lookup < 0) {
        int err = (int)-dial->lookup;
        dial->lookup = -1;
        fail(dial, PW_CAUSE_resolve, strerror(err));
    }
}

enum pw_dial_phase pw_dial_poll(struct pw_dial *dial, int64_t now_ns)
{
    enum pw_dial_phase before;
    do { /* what can be done at once is done at once */
        before = dial->phase;
        switch (dial->phase) {
        case PW_DIAL_RESOLVING:
            poll_resolving(dial, now_ns);
            break;
        case PW_DIAL_CONNECTING:
            poll_connecting(dial, now_ns);
            break;
        case PW_DIAL_HANDSHAKING:
            poll_handshaking(dial, now_ns);
            break;
        default:
            break;
        }
    } while (dial->phase != before);
    return dial->phase;
}

void pw_dial_end(struct pw_dial *dial)
{
    if (dial->phase == PW_DIAL_RESOLVING || dial->phase == PW_DIAL_CONNECTING ||
        dial->phase == PW_DIAL_HANDSHAKING) {
        fail(dial, PW_CAUSE_none, "");
    }
    dial->phase = PW_DIAL_IDLE;
}
