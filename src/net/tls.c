/* SPDX-License-Identifier: MIT
 *
 * wolfSSL's contexts and sessions over memory.
 */
#include "tls.h"

#include "chain.h"
#include "seam.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <wolfssl/options.h>
#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/asn_public.h>

#define CA_FILE_BYTES_MAX ((off_t)16 << 20)

/* wolfSSL keeps each intermediate certificate that it has verified among the CAs of the context, for ever:
 * later it would vouch for servers that do not send it, after it has expired, and in place of another one of
 * its name. So a context that has learnt one is made anew before the next session (3 ms with a system's
 * list). */
struct pw_tls_context {
    WOLFSSL_CTX *ctx;
    uint8_t *ders; /* of the anchors, one behind the other */
    struct pw_certificate *anchors;
    uint32_t anchor_cnt;
    bool learnt;
};

static const char *const system_ca_files[] = {
    "/etc/ssl/certs/ca-certificates.crt", /* Debian */
    "/etc/pki/tls/certs/ca-bundle.crt",   /* Fedora */
    "/etc/ssl/cert.pem",                  /* Alpine, BSDs */
};

/* AEAD with ephemeral keys; AES first where it has instructions, which is everywhere that we build for. */
static const char cipher_list[] =
    "TLS13-AES128-GCM-SHA256:TLS13-AES256-GCM-SHA384:TLS13-CHACHA20-POLY1305-SHA256:"
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
static const char signature_list[] =
    "ECDSA+SHA256:RSA-PSS+SHA256:RSA+SHA256:ECDSA+SHA384:RSA-PSS+SHA384:RSA+SHA384:"
    "ECDSA+SHA512:RSA-PSS+SHA512:RSA+SHA512";
static const int groups[] = {WOLFSSL_ECC_SECP256R1, WOLFSSL_ECC_X25519, WOLFSSL_ECC_SECP384R1};

/* Set by the library's call-back, which is not told for whom it calls. */
static _Thread_local bool ca_learnt;

static pthread_once_t library_once = PTHREAD_ONCE_INIT;
static int library_result;

static void init_library(void)
{
    library_result = wolfSSL_Init();
}

/* ---- what the library calls ---- */

/* Follows the bytes that go in, so that pw_tls_readable knows where the next record begins. */
static void follow_records(struct pw_tls *tls, const uint8_t *data, size_t size)
{
    while (size > 0) {
        if (tls->body_left > 0) {
            size_t more = size < tls->body_left ? size : tls->body_left;
            tls->body_left -= (uint32_t)more;
            data += more;
            size -= more;
            continue;
        }
        tls->header[tls->header_have++] = *data++;
        size--;
        if (tls->header_have == sizeof tls->header) {
            tls->body_left = (uint32_t)tls->header[3] << 8 | tls->header[4];
            tls->header_have = 0;
        }
    }
}

static int receive(WOLFSSL *ssl, char *data, int size, void *state)
{
    (void)ssl;
    struct pw_tls *tls = state;
    size_t got = pw_input_take(tls->input, (uint8_t *)data, (size_t)size);
    if (got == 0) {
        return tls->input->ended ? WOLFSSL_CBIO_ERR_CONN_CLOSE : WOLFSSL_CBIO_ERR_WANT_READ;
    }
    follow_records(tls, (const uint8_t *)data, got);
    return (int)got;
}

static int transmit(WOLFSSL *ssl, char *data, int size, void *state)
{
    (void)ssl;
    struct pw_tls *tls = state;
    return pw_output_add(tls->output, data, (size_t)size) ? size : WOLFSSL_CBIO_ERR_WANT_WRITE;
}

static void notice_ca(unsigned char *der, int size, int type)
{
    (void)der;
    (void)size;
    ca_learnt = ca_learnt || type == WOLFSSL_CHAIN_CA;
}

static bool is_signed_by(struct pw_der certificate, struct pw_der issuer)
{
    WOLFSSL_X509 *x509 = wolfSSL_X509_d2i(NULL, certificate.at, (int)certificate.left);
    WOLFSSL_X509 *above = wolfSSL_X509_d2i(NULL, issuer.at, (int)issuer.left);
    WOLFSSL_EVP_PKEY *key = above != NULL ? wolfSSL_X509_get_pubkey(above) : NULL;
    bool good = x509 != NULL && key != NULL && wolfSSL_X509_verify(x509, key) == WOLFSSL_SUCCESS;
    wolfSSL_EVP_PKEY_free(key);
    wolfSSL_X509_free(above);
    wolfSSL_X509_free(x509);
    wolfSSL_ERR_clear_error();
    return good;
}

static bool walk_chain(struct pw_tls *tls, const WOLFSSL_X509_STORE_CTX *store)
{
    struct pw_der sent[PW_CHAIN_SENT_MAX];
    uint32_t cnt = store->totalCerts > 0 ? (uint32_t)store->totalCerts : 0;
    for (uint32_t i = 0; i < cnt && i < PW_CHAIN_SENT_MAX; i++) {
        sent[i] = (struct pw_der){store->certs[i].buffer, store->certs[i].length};
    }
    const struct pw_chain chain = {.sent = sent,
                                   .sent_cnt = cnt,
                                   .anchors = tls->context->anchors,
                                   .anchor_cnt = tls->context->anchor_cnt,
                                   .host = tls->host,
                                   .now_s = time(NULL),
                                   .is_signed_by = is_signed_by};
    tls->certificate = pw_chain_check(&chain, &tls->certificate_at);
    return tls->certificate == PW_CERT_OK;
}

/* Is it about who signed a certificate, which our own walk decides? The library takes certificates in the
 * order of their coming, each self-issued one for a root, and some permitted names for forbidden. As
 * X509_V_ERR_* where it was built so, else as it is. */
static bool is_about_trust(int error)
{
    switch (error) {
    case ASN_NO_SIGNER_E:
    case ASN_SELF_SIGNED_E:
    case ASN_PATHLEN_INV_E:
    case ASN_PATHLEN_SIZE_E:
    case ASN_SIG_OID_E:
    case ASN_SIG_CONFIRM_E:
    case ASN_NAME_INVALID_E:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_PATH_LENGTH_EXCEEDED:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
        return true;
    default:
        return false;
    }
}

/* Others than the server's may be over or not begun, too: whether they are needed the walk knows. */
static bool is_about_time(int error)
{
    return error == ASN_AFTER_DATE_E || error == ASN_BEFORE_DATE_E ||
           error == X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD ||
           error == X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD;
}

/* Called for each certificate that the server sent, its own last, with what the library thinks of it. */
static int judge_certificate(int good, WOLFSSL_X509_STORE_CTX *store)
{
    struct pw_tls *tls = store->userCtx;
    bool accepted = (good != 0 && store->error == 0) || is_about_trust(store->error);
    if (store->error_depth > 0) {
        return accepted || is_about_time(store->error);
    }
    tls->walked = true;
    return walk_chain(tls, store) && accepted;
}

/* ---- contexts ---- */

static char *read_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO is opened at once, and refused */
    struct stat stat = {0};
    char *text = NULL;
    if (fd < 0) {
        return NULL;
    }
    if (fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode) && stat.st_size <= CA_FILE_BYTES_MAX) {
        text = malloc((size_t)stat.st_size + 1);
    } else {
        errno = S_ISREG(stat.st_mode) ? EFBIG : S_ISDIR(stat.st_mode) ? EISDIR : EMEDIUMTYPE;
    }
    ssize_t got = text != NULL ? read(fd, text, (size_t)stat.st_size) : -1;
    if (got >= 0) {
        text[got] = '\0';
    } else {
        free(text);
        text = NULL;
    }
    close(fd);
    return text;
}

/* Takes each certificate by itself, so that one that cannot be read does not hide the others. False: no
 * memory. */
static bool read_anchors(struct pw_tls_context *context, const char *text, uint32_t *bad_cnt)
{
    static const char begin[] = "-----BEGIN CERTIFICATE-----";
    static const char end[] = "-----END CERTIFICATE-----";
    size_t text_bytes = strlen(text), used = 0;
    uint32_t cnt = 0;
    for (const char *at = strstr(text, begin); at != NULL; at = strstr(at + 1, begin)) {
        cnt++;
    }
    context->ders = malloc(text_bytes + 1); /* DER is shorter than its PEM */
    context->anchors = calloc(cnt + 1, sizeof *context->anchors);
    if (context->ders == NULL || context->anchors == NULL) {
        return false;
    }
    for (const char *at = strstr(text, begin); at != NULL; at = strstr(at, begin)) {
        const char *stop = strstr(at, end);
        if (stop == NULL) {
            ++*bad_cnt;
            return true;
        }
        stop += sizeof end - 1;
        uint8_t *der = context->ders + used;
        int bytes = wc_CertPemToDer((const unsigned char *)at, (int)(stop - at), der,
                                    (int)(text_bytes - used), CERT_TYPE);
        if (bytes > 0 && pw_cert_read(der, (size_t)bytes, &context->anchors[context->anchor_cnt])) {
            context->anchor_cnt++;
            used += (size_t)bytes;
        } else {
            ++*bad_cnt;
        }
        at = stop;
    }
    return true;
}

static const char *system_ca_file(void)
{
    for (size_t i = 0; i < sizeof system_ca_files / sizeof system_ca_files[0]; i++) {
        if (access(system_ca_files[i], R_OK) == 0) {
            return system_ca_files[i];
        }
    }
    return NULL;
}

static bool restrict_context(WOLFSSL_CTX *ctx)
{
    int wanted[sizeof groups / sizeof groups[0]];
    memcpy(wanted, groups, sizeof groups);
    wolfSSL_CTX_set_verify(ctx, WOLFSSL_VERIFY_PEER | WOLFSSL_VERIFY_FAIL_IF_NO_PEER_CERT, judge_certificate);
    wolfSSL_CTX_set_session_cache_mode(ctx, WOLFSSL_SESS_CACHE_OFF);
    wolfSSL_CTX_SetIORecv(ctx, receive);
    wolfSSL_CTX_SetIOSend(ctx, transmit);
    /* The signature list comes last: setting the ciphers resets it. */
    return wolfSSL_CTX_SetMinVersion(ctx, WOLFSSL_TLSV1_2) == WOLFSSL_SUCCESS &&
           wolfSSL_CTX_SetMinRsaKey_Sz(ctx, 2048) == WOLFSSL_SUCCESS &&
           wolfSSL_CTX_SetMinEccKey_Sz(ctx, 256) == WOLFSSL_SUCCESS &&
           wolfSSL_CTX_set_cipher_list(ctx, cipher_list) == WOLFSSL_SUCCESS &&
           wolfSSL_CTX_set_groups(ctx, wanted, (int)(sizeof groups / sizeof groups[0])) == WOLFSSL_SUCCESS &&
           wolfSSL_CTX_set1_sigalgs_list(ctx, signature_list) == WOLFSSL_SUCCESS;
}

/* Gives it the anchors that it takes; the others are dropped where `drop` says so. How many it took. */
static uint32_t load_anchors(WOLFSSL_CTX *ctx, struct pw_tls_context *context, bool drop)
{
    uint32_t good_cnt = 0;
    for (uint32_t i = 0; i < context->anchor_cnt; i++) {
        struct pw_certificate anchor = context->anchors[i];
        bool good = wolfSSL_CTX_load_verify_buffer(ctx, anchor.whole.at, (long)anchor.whole.left,
                                                   WOLFSSL_FILETYPE_ASN1) == WOLFSSL_SUCCESS;
        if (drop && good) {
            context->anchors[good_cnt] = anchor;
        }
        good_cnt += good;
    }
    context->anchor_cnt = drop ? good_cnt : context->anchor_cnt;
    return good_cnt;
}

/* NULL: this build of the library will not do. */
static WOLFSSL_CTX *make_ctx(struct pw_tls_context *context, bool drop)
{
    WOLFSSL_CTX *ctx = wolfSSL_CTX_new(wolfTLS_client_method());
    if (ctx == NULL || !restrict_context(ctx)) {
        wolfSSL_CTX_free(ctx);
        return NULL;
    }
    /* As built by Debian, wolfSSL also takes each CA for a server's certificate that needs no verification.
     */
    if (load_anchors(ctx, context, drop) == 0 || wolfSSL_CTX_Unload_trust_peers(ctx) != WOLFSSL_SUCCESS) {
        wolfSSL_CTX_free(ctx);
        return NULL;
    }
    wolfSSL_CTX_SetCACb(ctx, notice_ca);
    return ctx;
}

/* Of a file that the user named every certificate must be good; systems' lists hold some that the library is
 * right to refuse. */
static bool fill_context(struct pw_tls_context *context, const char *ca_file, char *error, size_t error_bytes)
{
    bool named = ca_file != NULL && ca_file[0] != '\0';
    const char *path = named ? ca_file : system_ca_file();
    if (path == NULL) {
        snprintf(error, error_bytes, "no CA list on this system; install ca-certificates or set ca_file");
        return false;
    }
    char *text = read_file(path);
    if (text == NULL) {
        snprintf(error, error_bytes, "cannot read the CA file %s: %s", path, strerror(errno));
        return false;
    }
    uint32_t bad_cnt = 0;
    bool ok = read_anchors(context, text, &bad_cnt);
    free(text);
    uint32_t read_cnt = context->anchor_cnt;
    context->ctx = ok && read_cnt > 0 ? make_ctx(context, true) : NULL;
    bad_cnt += read_cnt - context->anchor_cnt;
    if (context->ctx == NULL && context->anchor_cnt > 0) {
        snprintf(error, error_bytes, "this build of wolfSSL lacks what TLS 1.2 and 1.3 need");
        return false;
    }
    if (context->ctx == NULL || (named && bad_cnt > 0)) {
        snprintf(
            error, error_bytes,
            "the CA file %s has %u certificates that can be used and %u that cannot; it must be PEM, with "
            "only certificates of CAs that are valid today",
            path, context->anchor_cnt, bad_cnt);
        return false;
    }
    return true;
}

struct pw_tls_context *pw_tls_context_create(const char *ca_file, char *error, size_t error_bytes)
{
    struct pw_arena *cold = pw_arena_cold();
    pthread_once(&library_once, init_library);
    struct pw_tls_context *context = calloc(1, sizeof *context);
    if (cold == NULL || library_result != WOLFSSL_SUCCESS || context == NULL) {
        snprintf(error, error_bytes, "no memory for the TLS library");
        free(context);
        return NULL;
    }
    struct pw_arena *before = pw_arena_enter(cold);
    bool ok = fill_context(context, ca_file, error, error_bytes);
    pw_arena_enter(before);
    if (!ok) {
        pw_tls_context_destroy(context);
        return NULL;
    }
    return context;
}

/* Forgets what it has learnt. Sessions under way keep the old one. */
static bool refresh_context(struct pw_tls_context *context)
{
    WOLFSSL_CTX *ctx = make_ctx(context, false);
    if (ctx == NULL) {
        return false;
    }
    wolfSSL_CTX_free(context->ctx);
    context->ctx = ctx;
    context->learnt = false;
    return true;
}

void pw_tls_context_destroy(struct pw_tls_context *context)
{
    if (context == NULL) {
        return;
    }
    struct pw_arena *before = pw_arena_enter(pw_arena_cold());
    wolfSSL_CTX_free(context->ctx);
    pw_arena_enter(before);
    free(context->anchors);
    free(context->ders);
    free(context);
}

/* ---- sessions ---- */

static bool is_address(const char *host)
{
    return strchr(host, ':') != NULL || strspn(host, "0123456789.") == strlen(host);
}

bool pw_tls_open(struct pw_tls *tls, struct pw_tls_context *context, const char *host, struct pw_input *input,
                 struct pw_output *output)
{
    *tls = (struct pw_tls){
        .arena = pw_arena_cold(), .context = context, .input = input, .output = output, .host = host};
    struct pw_arena *before = pw_arena_enter(tls->arena);
    bool ok = !context->learnt || refresh_context(context);
    tls->ssl = ok ? wolfSSL_new(context->ctx) : NULL;
    ok = tls->ssl != NULL;
    if (ok) {
        wolfSSL_SetIOReadCtx(tls->ssl, tls);
        wolfSSL_SetIOWriteCtx(tls->ssl, tls);
        wolfSSL_SetCertCbCtx(tls->ssl, tls);
        /* Addresses have no place in SNI (RFC 6066, 3); theirs is checked by certificate.h alone. */
        ok = is_address(host) || (wolfSSL_UseSNI(tls->ssl, WOLFSSL_SNI_HOST_NAME, host,
                                                 (word16)strlen(host)) == WOLFSSL_SUCCESS &&
                                  wolfSSL_check_domain_name(tls->ssl, host) == WOLFSSL_SUCCESS);
    }
    pw_arena_enter(before);
    return ok;
}

/* The result of a call that returned `result`, at most 0. */
static enum pw_tls_result judge(struct pw_tls *tls, int result)
{
    int error = wolfSSL_get_error(tls->ssl, result);
    switch (error) {
    case WOLFSSL_ERROR_WANT_READ:
        return PW_TLS_WANT_INPUT;
    case WOLFSSL_ERROR_WANT_WRITE:
        return PW_TLS_WANT_OUTPUT;
    case WOLFSSL_ERROR_ZERO_RETURN:
        return PW_TLS_CLOSED;
    default:
        break;
    }
    tls->error = error;
    /* With the library every end of the bytes is an error of the socket: only we know that they ended. */
    bool ended = tls->input->ended && tls->input->bytes == 0;
    return ended && (error == SOCKET_PEER_CLOSED_E || error == SOCKET_ERROR_E) ? PW_TLS_TRUNCATED
                                                                               : PW_TLS_FAILED;
}

enum pw_tls_result pw_tls_handshake(struct pw_tls *tls)
{
    struct pw_arena *before = pw_arena_enter(tls->arena);
    ca_learnt = false;
    int result = wolfSSL_connect(tls->ssl);
    tls->context->learnt = tls->context->learnt || ca_learnt;
    enum pw_tls_result judged = result == WOLFSSL_SUCCESS ? PW_TLS_OK : judge(tls, result);
    bool refused = tls->walked && tls->certificate != PW_CERT_OK; /* by our own walk */
    if (judged == PW_TLS_OK && (refused || !tls->walked)) {
        judged = PW_TLS_FAILED;
        tls->error = 0;
    } else if (judged == PW_TLS_FAILED && refused) {
        bool theirs = tls->error != VERIFY_CERT_ERROR && !is_about_trust(tls->error);
        tls->error = theirs ? tls->error : 0;
    }
    pw_arena_enter(before);
    return judged;
}

void pw_tls_hand_over(struct pw_tls *tls, struct pw_arena *arena)
{
    tls->arena = arena;
}

void pw_tls_close(struct pw_tls *tls)
{
    struct pw_arena *cold = pw_arena_cold();
    struct pw_arena *before = pw_arena_enter(cold);
    wolfSSL_free(tls->ssl);
    pw_arena_enter(before);
    if (tls->arena != cold && tls->arena != NULL) {
        pw_arena_drain(tls->arena);
    }
    memset(tls, 0, sizeof *tls);
}

bool pw_tls_readable(const struct pw_tls *tls)
{
    if (tls->pending) {
        return true;
    }
    const struct pw_input *input = tls->input;
    if (input->ended || input->cnt >= PW_IO_BUFFER_CNT) {
        return true; /* the library must see the end; and nothing more comes while all buffers are held */
    }
    if (tls->body_left > 0) {
        return input->bytes >= tls->body_left;
    }
    uint8_t header[5];
    size_t missing = sizeof header - tls->header_have;
    if (pw_input_peek(input, header, missing) < missing) {
        return false;
    }
    memmove(header + tls->header_have, header, missing);
    memcpy(header, tls->header, tls->header_have);
    size_t record_bytes = (size_t)header[3] << 8 | header[4];
    return input->bytes >= missing + record_bytes || record_bytes > PW_TLS_RECORD_MAX;
}

enum pw_tls_result pw_tls_read(struct pw_tls *tls, uint8_t *out, size_t *size)
{
    struct pw_arena *before = pw_arena_enter(tls->arena);
    int result = wolfSSL_read(tls->ssl, out, (int)*size);
    enum pw_tls_result judged = result > 0 ? PW_TLS_OK : judge(tls, result);
    *size = result > 0 ? (size_t)result : 0;
    tls->pending = result > 0 && wolfSSL_pending(tls->ssl) > 0;
    pw_arena_enter(before);
    return judged;
}

enum pw_tls_result pw_tls_write(struct pw_tls *tls, const uint8_t *data, size_t size)
{
    if (tls->output->cap - tls->output->size < size + PW_TLS_OVERHEAD) {
        return PW_TLS_WANT_OUTPUT;
    }
    struct pw_arena *before = pw_arena_enter(tls->arena);
    int result = wolfSSL_write(tls->ssl, data, (int)size);
    enum pw_tls_result judged = result > 0 ? PW_TLS_OK : judge(tls, result);
    pw_arena_enter(before);
    return judged;
}

enum pw_tls_result pw_tls_shutdown(struct pw_tls *tls)
{
    struct pw_arena *before = pw_arena_enter(tls->arena);
    int result = wolfSSL_shutdown(tls->ssl);
    /* Ours is sent; we do not wait for theirs. */
    bool sent = result == WOLFSSL_SUCCESS || result == WOLFSSL_SHUTDOWN_NOT_DONE;
    enum pw_tls_result judged = sent ? PW_TLS_OK : judge(tls, result);
    pw_arena_enter(before);
    return judged;
}

/* ---- words ---- */

/* Because the certificate was rejected. */
static const char *certificate_error(int error)
{
    switch (error) {
    case ASN_AFTER_DATE_E:
        return "certificate expired";
    case ASN_BEFORE_DATE_E:
        return "certificate not valid yet (check this host's clock)";
    case ASN_NO_SIGNER_E:
        return "unknown CA (set ca_file to trust it)";
    case ASN_SELF_SIGNED_E:
        return "self-signed certificate";
    case ASN_SIG_CONFIRM_E:
        return "wrong signature on the certificate";
    case ASN_NAME_INVALID_E:
        return "certificate breaks a name constraint of its CA";
    case ASN_PATHLEN_INV_E:
    case ASN_PATHLEN_SIZE_E:
        return "certificate chain longer than its CA allows";
    case NOT_CA_ERROR:
        return "certificate signed by a certificate that is no CA";
    case DOMAIN_NAME_MISMATCH:
    case IPADDR_MISMATCH:
        return "certificate for another host";
    case RSA_KEY_SIZE_E:
    case ECC_KEY_SIZE_E:
    case DH_KEY_SIZE_E:
        return "key too small (RSA 2048 and ECC 256 bits at least)";
    case EXTKEYUSE_AUTH_E:
    case KEYUSE_SIGNATURE_E:
    case KEYUSE_ENCIPHER_E:
        return "certificate not for servers (key usage)";
    default:
        return NULL;
    }
}

static const char *known_error(int error)
{
    switch (error) {
    case VERSION_ERROR:
        return "no TLS 1.2 or 1.3";
    case MATCH_SUITE_ERROR:
        return "no common cipher";
    case FATAL_ERROR:
        return "fatal alert from the server";
    case UNKNOWN_RECORD_TYPE:
        return "not TLS";
    default:
        return certificate_error(error);
    }
}

void pw_tls_error(const struct pw_tls *tls, char *text, size_t bytes)
{
    if (tls->error == 0) {
        const char *of = tls->certificate_at > 0 ? "an authority above its certificate" : "its certificate";
        snprintf(text, bytes, "%s %s", of, pw_cert_result_name(tls->certificate));
        return;
    }
    const char *known = known_error(tls->error);
    char words[WOLFSSL_MAX_ERROR_SZ];
    wolfSSL_ERR_error_string_n((unsigned long)tls->error, words, sizeof words);
    snprintf(text, bytes, "%s%swolfSSL: %s, %d%s", known != NULL ? known : "", known != NULL ? " (" : "",
             words, tls->error, known != NULL ? ")" : "");
}

bool pw_tls_is_untrusted(const struct pw_tls *tls)
{
    return tls->error == 0 || certificate_error(tls->error) != NULL;
}

void pw_tls_describe(const struct pw_tls *tls, char *text, size_t bytes)
{
    snprintf(text, bytes, "%s %s", wolfSSL_get_version(tls->ssl), wolfSSL_get_cipher_name(tls->ssl));
}
