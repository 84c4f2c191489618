/* SPDX-License-Identifier: MIT
 *
 * The walk: from the server's certificate to each that could have signed it, and on from there, until a
 * trusted one is reached. The limits of an authority are held against all that is below it.
 */
#include "chain.h"

#include "name_limits.h"

#define SIGNATURES_MAX 32u /* to be verified for one server, whatever it sends */

struct walk {
    const struct pw_chain *chain;
    struct pw_certificate sent[PW_CHAIN_SENT_MAX];
    const struct pw_certificate *path[PW_CHAIN_SENT_MAX + 1]; /* the server's first */
    uint32_t path_cnt;
    uint32_t signature_cnt;
    /* The first reason why a path did not do; one other than a signature rather than that, which may only
     * tell two authorities of one name apart. */
    enum pw_cert_result wrong;
    uint32_t wrong_at;
};

static bool note(struct walk *walk, enum pw_cert_result result, uint32_t at)
{
    if (result != PW_CERT_OK && (walk->wrong == PW_CERT_OK || walk->wrong == PW_CERT_BAD_SIGNATURE)) {
        walk->wrong = result;
        walk->wrong_at = at;
    }
    return result == PW_CERT_OK;
}

static bool is_anchor(const struct pw_chain *chain, struct pw_der certificate)
{
    for (uint32_t i = 0; i < chain->anchor_cnt; i++) {
        if (pw_der_equal(chain->anchors[i].whole, certificate)) {
            return true;
        }
    }
    return false;
}

/* Authorities between the server's certificate and the next one; self-issued ones do not count. */
static uint32_t intermediate_cnt(const struct walk *walk)
{
    uint32_t cnt = 0;
    for (uint32_t i = 1; i < walk->path_cnt; i++) {
        cnt += !pw_cert_self_issued(walk->path[i]);
    }
    return cnt;
}

static enum pw_cert_result check_names_below(const struct walk *walk, const struct pw_certificate *authority)
{
    enum pw_cert_result result = pw_name_limits_check_host(authority, walk->chain->host);
    for (uint32_t i = 0; i < walk->path_cnt && result == PW_CERT_OK; i++) {
        if (i == 0 || !pw_cert_self_issued(walk->path[i])) {
            result = pw_name_limits_check(authority, walk->path[i]);
        }
    }
    return result;
}

/* Of one that may be above the path so far. A trusted one of an old version has no extensions to say that it
 * is a CA. */
static enum pw_cert_result check_authority(const struct walk *walk, const struct pw_certificate *authority)
{
    if (!authority->old && (!authority->is_ca || !authority->may_sign_certs)) {
        return PW_CERT_NOT_CA;
    }
    if (intermediate_cnt(walk) > authority->path_max) {
        return PW_CERT_PATH_LENGTH;
    }
    enum pw_cert_result result = pw_cert_check_common(authority, walk->chain->now_s);
    return result == PW_CERT_OK && authority->has_limits ? check_names_below(walk, authority) : result;
}

static bool is_in_path(const struct walk *walk, const struct pw_certificate *certificate)
{
    for (uint32_t i = 0; i < walk->path_cnt; i++) {
        if (pw_der_equal(walk->path[i]->whole, certificate->whole)) {
            return true;
        }
    }
    return false;
}

/* May it stand above the path so far? */
static bool does(struct walk *walk, const struct pw_certificate *authority, uint32_t at)
{
    const struct pw_certificate *top = walk->path[walk->path_cnt - 1];
    if (!pw_der_equal(top->issuer, authority->subject) || !note(walk, check_authority(walk, authority), at)) {
        return false;
    }
    bool is_signed =
        walk->signature_cnt++ < SIGNATURES_MAX && walk->chain->is_signed_by(top->whole, authority->whole);
    return note(walk, is_signed ? PW_CERT_OK : PW_CERT_BAD_SIGNATURE, at);
}

static bool climb(struct walk *walk)
{
    const struct pw_chain *chain = walk->chain;
    for (uint32_t i = 0; i < chain->anchor_cnt; i++) {
        if (does(walk, &chain->anchors[i], chain->sent_cnt)) {
            return true;
        }
    }
    for (uint32_t i = 1; i < chain->sent_cnt; i++) {
        if (is_in_path(walk, &walk->sent[i]) || !does(walk, &walk->sent[i], i)) {
            continue;
        }
        walk->path[walk->path_cnt++] = &walk->sent[i];
        if (climb(walk)) {
            return true;
        }
        walk->path_cnt--;
    }
    return false;
}

/* Each by itself. */
static bool read_sent(struct walk *walk)
{
    const struct pw_chain *chain = walk->chain;
    for (uint32_t i = 0; i < chain->sent_cnt; i++) {
        struct pw_certificate *cert = &walk->sent[i];
        bool good = pw_cert_read(chain->sent[i].at, chain->sent[i].left, cert);
        bool trusted = is_anchor(chain, chain->sent[i]);
        enum pw_cert_result result = !good || (cert->old && !trusted) ? PW_CERT_MALFORMED
                                     : trusted                        ? PW_CERT_OK
                                                                      : pw_cert_check_signature_kind(cert);
        if (!note(walk, result, i)) {
            return false;
        }
    }
    return true;
}

/* Limits of names are an authority's alone (RFC 5280, 4.2.1.10). */
static enum pw_cert_result check_server(const struct walk *walk)
{
    const struct pw_certificate *server = &walk->sent[0];
    enum pw_cert_result result = pw_cert_check_common(server, walk->chain->now_s);
    if (result != PW_CERT_OK) {
        return result;
    }
    return server->has_limits && !server->is_ca ? PW_CERT_MALFORMED
                                                : pw_cert_check_host(server, walk->chain->host);
}

enum pw_cert_result pw_chain_check(const struct pw_chain *chain, uint32_t *at)
{
    struct walk walk = {.chain = chain};
    *at = 0;
    if (chain->sent_cnt == 0 || chain->sent_cnt > PW_CHAIN_SENT_MAX) {
        return PW_CERT_MALFORMED;
    }
    walk.path[0] = &walk.sent[0];
    walk.path_cnt = 1;
    if (read_sent(&walk) && note(&walk, check_server(&walk), 0) && climb(&walk)) {
        return PW_CERT_OK;
    }
    *at = walk.wrong_at;
    return walk.wrong != PW_CERT_OK ? walk.wrong : PW_CERT_UNKNOWN_CA;
}
