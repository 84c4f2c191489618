/* SPDX-License-Identifier: MIT
 *
 * TLS over memory: wolfSSL set up so that its defaults cannot hurt (reliability.md, rule 7), without a
 * socket.
 *
 * TLS 1.2 and 1.3, ephemeral keys and AEAD ciphers only, no resumption, no renegotiation; the server's chain
 * is verified against a list of CAs by our own walk (chain.h), and by the library but for who signed what; its
 * certificate must name the host (certificate.h). The time is the host's wall clock.
 *
 * A session is made and handshaken on the cold side and then used by the hot one; see pw_tls_hand_over.
 */
#ifndef PW_TLS_H
#define PW_TLS_H

#include "arena.h"
#include "certificate.h"
#include "stream.h"

#define PW_TLS_RECORD_MAX                                                                                    \
    (5u + 16384u + 256u) /* header, and the largest record that may come (RFC 8446, 5.2) */
#define PW_TLS_ERROR_BYTES 160u

struct WOLFSSL;
struct pw_tls_context;

/* ca_file: NULL or empty for the system's list. NULL: `error` says what is wrong with it. Its sessions must
 * be made and handshaken by one thread at a time. */
struct pw_tls_context *pw_tls_context_create(const char *ca_file, char *error, size_t error_bytes);
void pw_tls_context_destroy(struct pw_tls_context *context);

enum pw_tls_result {
    PW_TLS_OK = 0,
    PW_TLS_WANT_INPUT,  /* nothing more can be done before more bytes come */
    PW_TLS_WANT_OUTPUT, /* ... before output has room */
    PW_TLS_CLOSED,      /* the peer ended the session in good order (close_notify) */
    PW_TLS_TRUNCATED,   /* the bytes ended without that */
    PW_TLS_FAILED,      /* pw_tls_error says why; the session is of no more use */
};

struct pw_tls {
    struct WOLFSSL *ssl; /* NULL: not open */
    struct pw_arena *arena;
    struct pw_tls_context *context; /* of the handshake */
    struct pw_input *input;
    struct pw_output *output;
    const char *host;
    /* Where the input stands in the sequence of records, so that whole ones can be told from pieces. */
    uint8_t header[5];
    uint32_t header_have;
    uint32_t body_left;
    bool pending; /* plaintext of a record is waiting inside */
    int error;    /* wolfSSL's, of the last failure; 0: the certificate, as `certificate` says */
    enum pw_cert_result certificate; /* by our own walk, and of which one (see pw_chain_check) */
    uint32_t certificate_at;
    bool walked;
};

/* Cold. host must outlive the handshake. False: no memory. */
bool pw_tls_open(struct pw_tls *tls, struct pw_tls_context *context, const char *host, struct pw_input *input,
                 struct pw_output *output);
/* Cold: OK when the session is established and the peer is who we asked for. */
enum pw_tls_result pw_tls_handshake(struct pw_tls *tls);
/* Cold: from now on its memory comes from this private arena, which the new owner of the session owns too. */
void pw_tls_hand_over(struct pw_tls *tls, struct pw_arena *arena);
/* Cold: after the session came back. Frees all. */
void pw_tls_close(struct pw_tls *tls);

/* Is a whole record there, or plaintext of one? Only then can pw_tls_read bring something; asking first
 * spares the library's costly way of saying that it cannot. */
bool pw_tls_readable(const struct pw_tls *tls);
/* OK: *size bytes at out (at least 1; at most what was asked). */
enum pw_tls_result pw_tls_read(struct pw_tls *tls, uint8_t *out, size_t *size);
/* All or nothing; output must have room for size + PW_TLS_OVERHEAD. */
#define PW_TLS_OVERHEAD 64u
enum pw_tls_result pw_tls_write(struct pw_tls *tls, const uint8_t *data, size_t size);
/* Sends close_notify. */
enum pw_tls_result pw_tls_shutdown(struct pw_tls *tls);

/* Why it failed, for a person: "certificate expired". */
void pw_tls_error(const struct pw_tls *tls, char *text, size_t bytes);
/* It failed because the server's certificate was rejected: trying again changes nothing soon. */
bool pw_tls_is_untrusted(const struct pw_tls *tls);
/* "TLSv1.3 TLS_AES_128_GCM_SHA256" */
void pw_tls_describe(const struct pw_tls *tls, char *text, size_t bytes);

#endif
