/* SPDX-License-Identifier: MIT
 *
 * Name constraints, name by name: an excluded subtree that a name is in refuses it; so do permitted ones of
 * its kind if it is in none. What is unclear is refused.
 */
#include "name_limits.h"

#include <ctype.h>
#include <strings.h>

struct name {
    uint8_t kind;        /* enum pw_name_kind, or another one */
    struct pw_der value; /* of a directoryName the RDNSequence */
};

enum match { MATCH_NO, MATCH_YES, MATCH_UNCLEAR };

/* ---- DNS ---- */

static bool is_host_name(const char *text, size_t size)
{
    size_t label = 0;
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        label = c == '.' ? 0 : label + 1;
        if ((c == '.' && (i == 0 || text[i - 1] == '.')) || label > 63 ||
            (c != '.' && c != '-' && c != '_' && !isalnum((unsigned char)c))) {
            return false;
        }
    }
    return size > 0 && text[size - 1] != '.';
}

/* The empty one stands for all. */
static bool is_domain(struct pw_der base)
{
    const char *text = (const char *)base.at;
    bool dotted = base.left > 0 && text[0] == '.';
    return base.left == 0 || is_host_name(text + dotted, base.left - dotted);
}

/* Is the name the base, or below it? A base with a dot in front stands for what is below it alone. */
static bool is_within(const char *name, size_t size, const char *base, size_t base_bytes)
{
    if (base_bytes > size || strncasecmp(name + size - base_bytes, base, base_bytes) != 0) {
        return false;
    }
    return base_bytes == size || base_bytes == 0 || base[0] == '.' || name[size - base_bytes - 1] == '.';
}

static enum match match_dns(struct pw_der name, struct pw_der base, bool excluded)
{
    const char *text = (const char *)name.at, *base_text = (const char *)base.at;
    size_t size = name.left;
    bool star = size > 2 && text[0] == '*' && text[1] == '.';
    bool dotted = base.left > 0 && base_text[0] == '.';
    if (!is_host_name(text + (star ? 2 : 0), size - (star ? 2 : 0))) {
        return MATCH_UNCLEAR;
    }
    if (is_within(text, size, base_text, base.left)) {
        return MATCH_YES;
    }
    /* A star stands for the excluded name, too. */
    const char *dot = base.left > 0 ? memchr(base_text, '.', base.left) : NULL;
    size_t above = dot != NULL ? base.left - (size_t)(dot - base_text) : 0; /* with its dot */
    bool covers = excluded && star && !dotted && above == size - 1 && strncasecmp(text + 1, dot, above) == 0;
    return covers ? MATCH_YES : MATCH_NO;
}

/* ---- addresses ---- */

/* An address and the mask of a network. */
static bool is_network(struct pw_der base)
{
    size_t bytes = base.left / 2;
    bool ended = false;
    if (base.left != 8 && base.left != 32) {
        return false;
    }
    for (size_t bit = 0; bit < bytes * 8; bit++) {
        bool set = (base.at[bytes + bit / 8] >> (7 - bit % 8) & 1) != 0;
        if (set && ended) {
            return false;
        }
        ended = ended || !set;
    }
    return true;
}

static enum match match_ip(struct pw_der name, struct pw_der base)
{
    size_t bytes = base.left / 2;
    const uint8_t *mask = base.at + bytes;
    if (name.left != 4 && name.left != 16) {
        return MATCH_UNCLEAR;
    }
    if (bytes != name.left) {
        return MATCH_NO;
    }
    for (size_t i = 0; i < bytes; i++) {
        if (((name.at[i] ^ base.at[i]) & mask[i]) != 0) {
            return MATCH_NO;
        }
    }
    return MATCH_YES;
}

/* ---- directory names ---- */

/* UTF8String, PrintableString, IA5String: the same text in each. */
static bool is_text(uint8_t tag)
{
    return tag == 0x0c || tag == 0x13 || tag == 0x16;
}

/* The next character of a text whose blanks do not count at its ends and count once inside; -1: its end. */
static int next_folded(struct pw_der *text, bool *begun)
{
    bool blank = false;
    while (text->left > 0 && text->at[0] == ' ') {
        blank = true;
        text->at++;
        text->left--;
    }
    if (text->left == 0) {
        return -1;
    }
    if (blank && *begun) {
        return ' ';
    }
    *begun = true;
    text->left--;
    return tolower(*text->at++);
}

static bool equal_folded(struct pw_der a, struct pw_der b)
{
    bool begun_a = false, begun_b = false;
    for (;;) {
        int in_a = next_folded(&a, &begun_a), in_b = next_folded(&b, &begun_b);
        if (in_a != in_b) {
            return false;
        }
        if (in_a < 0) {
            return true;
        }
    }
}

/* Of two AttributeTypeAndValue. */
static enum match match_attribute(struct pw_der a, struct pw_der b)
{
    struct pw_der oid_a, oid_b, value_a, value_b;
    uint8_t tag_a, tag_b;
    if (!pw_der_expect(&a, PW_DER_OID, &oid_a) || !pw_der_take(&a, &tag_a, &value_a) || a.left != 0 ||
        !pw_der_expect(&b, PW_DER_OID, &oid_b) || !pw_der_take(&b, &tag_b, &value_b) || b.left != 0) {
        return MATCH_UNCLEAR;
    }
    if (!pw_der_equal(oid_a, oid_b)) {
        return MATCH_NO;
    }
    if (is_text(tag_a) && is_text(tag_b)) {
        return equal_folded(value_a, value_b) ? MATCH_YES : MATCH_NO;
    }
    return tag_a == tag_b && pw_der_equal(value_a, value_b) ? MATCH_YES : MATCH_UNCLEAR;
}

/* Of two RelativeDistinguishedName: sets, which DER has in order. */
static enum match match_rdn(struct pw_der a, struct pw_der b)
{
    while (a.left > 0 && b.left > 0) {
        struct pw_der in_a, in_b;
        if (!pw_der_expect(&a, PW_DER_SEQUENCE, &in_a) || !pw_der_expect(&b, PW_DER_SEQUENCE, &in_b)) {
            return MATCH_UNCLEAR;
        }
        enum match match = match_attribute(in_a, in_b);
        if (match != MATCH_YES) {
            return match;
        }
    }
    return a.left == b.left ? MATCH_YES : MATCH_NO;
}

/* The name begins with the base. */
static enum match match_directory(struct pw_der name, struct pw_der base)
{
    while (base.left > 0) {
        struct pw_der in_name, in_base;
        if (name.left == 0) {
            return MATCH_NO;
        }
        if (!pw_der_expect(&name, PW_DER_SET, &in_name) || !pw_der_expect(&base, PW_DER_SET, &in_base)) {
            return MATCH_UNCLEAR;
        }
        enum match match = match_rdn(in_name, in_base);
        if (match != MATCH_YES) {
            return match;
        }
    }
    return MATCH_YES;
}

/* ---- subtrees ---- */

static enum match match_name(const struct name *name, struct pw_der base, bool excluded)
{
    switch (name->kind) {
    case PW_NAME_DNS:
        return match_dns(name->value, base, excluded);
    case PW_NAME_IP:
        return match_ip(name->value, base);
    case PW_NAME_DIRECTORY:
        return match_directory(name->value, base);
    default:
        return MATCH_UNCLEAR;
    }
}

/* The base of a subtree, of a directoryName its RDNSequence. */
static bool read_subtree(struct pw_der *subtrees, uint8_t *kind, struct pw_der *base)
{
    struct pw_der subtree, name;
    if (!pw_der_expect(subtrees, PW_DER_SEQUENCE, &subtree) || !pw_der_take(&subtree, kind, base) ||
        subtree.left != 0) {
        return false; /* a minimum or maximum may not be there (RFC 5280, 4.2.1.10) */
    }
    name = *base;
    return *kind == PW_NAME_DNS         ? is_domain(name)
           : *kind == PW_NAME_IP        ? is_network(name)
           : *kind == PW_NAME_DIRECTORY ? pw_der_expect(&name, PW_DER_SEQUENCE, base) && name.left == 0
                                        : true;
}

/* subtrees: GeneralSubtrees of one of both lists. False: the name is refused. */
static bool allow_in(struct pw_der subtrees, const struct name *name, bool excluded)
{
    bool any = false, within = false;
    while (subtrees.left > 0) {
        struct pw_der base;
        uint8_t kind;
        if (!read_subtree(&subtrees, &kind, &base)) {
            return false;
        }
        if (kind != name->kind) {
            continue;
        }
        enum match match = match_name(name, base, excluded);
        if (match == MATCH_UNCLEAR || (excluded && match == MATCH_YES)) {
            return false;
        }
        any = true;
        within = within || match == MATCH_YES;
    }
    return excluded || !any || within;
}

static enum pw_cert_result allow(struct pw_der limits, const struct name *name)
{
    struct pw_der subtrees;
    bool seen[2] = {false, false};
    while (limits.left > 0) {
        uint8_t tag;
        if (!pw_der_take(&limits, &tag, &subtrees) || (tag != PW_DER_CONTEXT_0 && tag != PW_DER_CONTEXT_1) ||
            subtrees.left == 0 || seen[tag - PW_DER_CONTEXT_0]) {
            return PW_CERT_MALFORMED;
        }
        seen[tag - PW_DER_CONTEXT_0] = true;
        if (!allow_in(subtrees, name, tag == PW_DER_CONTEXT_1)) {
            return PW_CERT_NAME_LIMIT;
        }
    }
    return PW_CERT_OK;
}

/* ---- all names of a certificate ---- */

/* emailAddress, the mail address that a subject may have (RFC 5280, 4.1.2.6). */
static bool has_mail(struct pw_der rdns)
{
    struct pw_der rdn, attribute, oid;
    while (pw_der_expect(&rdns, PW_DER_SET, &rdn)) {
        while (pw_der_expect(&rdn, PW_DER_SEQUENCE, &attribute)) {
            if (pw_der_expect(&attribute, PW_DER_OID, &oid) &&
                PW_DER_IS(oid, "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01")) {
                return true;
            }
        }
    }
    return false;
}

static enum pw_cert_result check_subject(const struct pw_certificate *authority, struct pw_der subject)
{
    const struct name directory = {PW_NAME_DIRECTORY, subject}, mail = {PW_NAME_MAIL, subject};
    enum pw_cert_result result = subject.left > 0 ? allow(authority->limits, &directory) : PW_CERT_OK;
    return result == PW_CERT_OK && has_mail(subject) ? allow(authority->limits, &mail) : result;
}

enum pw_cert_result pw_name_limits_check(const struct pw_certificate *authority,
                                         const struct pw_certificate *below)
{
    struct pw_der names = below->names;
    enum pw_cert_result result = check_subject(authority, below->subject);
    while (result == PW_CERT_OK && names.left > 0) {
        struct name name;
        if (!pw_der_take(&names, &name.kind, &name.value)) {
            return PW_CERT_MALFORMED;
        }
        struct pw_der explicit = name.value; /* a Name is a choice, so its tag stays */
        if (name.kind == PW_NAME_DIRECTORY && !pw_der_expect(&explicit, PW_DER_SEQUENCE, &name.value)) {
            return PW_CERT_MALFORMED;
        }
        result = allow(authority->limits, &name);
    }
    return result;
}

enum pw_cert_result pw_name_limits_check_host(const struct pw_certificate *authority, const char *host)
{
    uint8_t address[16];
    size_t address_bytes = pw_cert_host_address(host, address);
    size_t host_bytes = strlen(host);
    host_bytes -= host_bytes > 1 && host[host_bytes - 1] == '.';
    const struct name ip = {PW_NAME_IP, {address, address_bytes}};
    const struct name dns = {PW_NAME_DNS, {(const uint8_t *)host, host_bytes}};
    return allow(authority->limits, address_bytes > 0 ? &ip : &dns);
}
