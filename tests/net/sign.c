/* SPDX-License-Identifier: MIT
 *
 * Signing: the published vectors, which files are keys, and that a key is nowhere in memory but in its own
 * pages.
 */
#include "sign.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static char g_folder[] = "/tmp/pw-sign-XXXXXX";
static char g_path[64];

static void make_folder(void)
{
    cr_assert_not_null(mkdtemp(g_folder));
    snprintf(g_path, sizeof g_path, "%s/key", g_folder);
}

static void remove_folder(void)
{
    unlink(g_path);
    rmdir(g_folder);
}

static void write_key(const char *text, size_t bytes, mode_t mode)
{
    unlink(g_path);
    int fd = open(g_path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text, bytes), (ssize_t)bytes);
    cr_assert_eq(fchmod(fd, mode), 0);
    close(fd);
}

static int load(const char *text, struct pw_signer **signer)
{
    write_key(text, strlen(text), 0600);
    return pw_signer_load(g_path, signer);
}

/* RFC 8032, section 7.1, test 1, in PKCS#8. */
#define PEM_BODY "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g"
#define PEM      "-----BEGIN PRIVATE KEY-----\n" PEM_BODY "\n-----END PRIVATE KEY-----\n"
#define SECRET                                                                                               \
    "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j" /* of the venue's manual              \
                                                                        */

TestSuite(sign, .init = make_folder, .fini = remove_folder);

/* ---- vectors ---- */

static void expect_signature(struct pw_signer *signer, const char *payload, const char *wanted)
{
    char signature[PW_SIGNATURE_BYTES_MAX];
    cr_assert_eq(pw_signer_signature_bytes(signer), strlen(wanted));
    for (int again = 0; again < 3; again++) {
        cr_assert_eq(pw_signer_sign(signer, payload, strlen(payload), signature), strlen(wanted));
        cr_expect_eq(memcmp(signature, wanted, strlen(wanted)), 0, "%s", payload);
    }
}

static const char *text_of(const json_t *row, const char *key)
{
    return json_string_value(json_object_get(row, key));
}

Test(sign, all_published_vectors_are_reproduced)
{
    const char *shared = getenv("PINWHEEL_SHARED");
    char path[512];
    snprintf(path, sizeof path, "%s/venues/vectors.json", shared ? shared : "");
    json_t *root = json_load_file(path, 0, NULL), *row;
    if (!root) {
        fprintf(stderr, "PINWHEEL_SHARED names no folder with venues/vectors.json: skipped\n");
        cr_skip_test("no shared data");
    }
    size_t i;
    struct pw_signer *signer;
    json_array_foreach(json_object_get(root, "hmac"), i, row)
    {
        cr_assert_eq(load(text_of(row, "secret"), &signer), 0);
        expect_signature(signer, text_of(row, "payload"), text_of(row, "hmac_sha256_hex"));
        pw_signer_free(signer);
    }
    cr_assert_eq(i, 4);
    cr_assert_eq(load(text_of(json_object_get(root, "ed25519_key"), "pkcs8_pem"), &signer), 0);
    json_array_foreach(json_object_get(root, "ed25519"), i, row)
    {
        expect_signature(signer, text_of(row, "payload"), text_of(row, "signature_base64"));
    }
    cr_assert_eq(i, 4);
    pw_signer_free(signer);
    json_decref(root);
}

Test(sign, the_empty_message_of_rfc_8032_is_signed)
{
    struct pw_signer *signer;
    cr_assert_eq(load(PEM, &signer), 0);
    expect_signature(
        signer, "",
        "5VZDAMNgrHKQhuLMgG6CioSHfx645dl02HPgZSJJAVVfuIIVkKM7rMYeOXAc+bRr0lv18FlbviRlUUFDjnoQCw==");
    pw_signer_free(signer);
}

/* RFC 4231 has no printable key of 16 characters or more; this is the venue's own example. */
Test(sign, the_manuals_example_is_signed)
{
    struct pw_signer *signer;
    cr_assert_eq(load(SECRET "\n", &signer), 0, "a line end is no part of a secret");
    expect_signature(signer,
                     "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&"
                     "timestamp=1499827319559",
                     "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71");
    pw_signer_free(signer);
}

/* ---- files ---- */

Test(sign, a_key_that_others_may_read_is_refused)
{
    static const mode_t bad[] = {0644, 0640, 0604, 0660, 0666, 0700, 0601, 0610, 0200, 04600};
    struct pw_signer *signer;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        write_key(SECRET, sizeof SECRET - 1, bad[i]);
        int error = pw_signer_load(g_path, &signer);
        cr_expect(error == -EPERM || error == -EACCES, "mode %o: %d", bad[i], error);
    }
    write_key(SECRET, sizeof SECRET - 1, 0400);
    cr_assert_eq(pw_signer_load(g_path, &signer), 0);
    pw_signer_free(signer);
}

Test(sign, a_link_a_folder_a_pipe_and_nothing_are_refused)
{
    struct pw_signer *signer;
    char link_path[80];
    snprintf(link_path, sizeof link_path, "%s/link", g_folder);
    cr_expect_eq(pw_signer_load(g_path, &signer), -ENOENT);
    cr_expect_eq(pw_signer_load(g_folder, &signer), -EINVAL);
    write_key(SECRET, sizeof SECRET - 1, 0600);
    cr_assert_eq(symlink(g_path, link_path), 0);
    cr_expect_eq(pw_signer_load(link_path, &signer), -ELOOP);
    unlink(link_path);
    cr_assert_eq(mkfifo(link_path, 0600), 0);
    cr_expect_eq(pw_signer_load(link_path, &signer), -EINVAL);
    unlink(link_path);
}

Test(sign, what_is_no_key_is_refused)
{
    static const char *const bad[] = {
        "",
        "\n\n",
        "fifteen-letters",
        "a secret with blanks in it",
        "not-ascii-\xc3\xa4-not-ascii",
        "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\n" PEM_BODY "\n",
        "-----BEGIN PUBLIC KEY-----\n" PEM_BODY "\n-----END PUBLIC KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn8=\n"
        "-----END PRIVATE KEY-----\n", /* a byte short */
        "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VvBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
        "-----END PRIVATE KEY-----\n", /* X448's OID */
        "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9*\n"
        "-----END PRIVATE KEY-----\n",
    };
    struct pw_signer *signer;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        cr_expect_eq(load(bad[i], &signer), -EINVAL, "row %zu", i);
    }
    char large[5000];
    memset(large, 'a', sizeof large);
    for (size_t bytes = 257; bytes <= sizeof large; bytes += bytes < 4090 ? 3833 : 1) {
        write_key(large, bytes, 0600);
        cr_expect_eq(pw_signer_load(g_path, &signer), -EINVAL, "%zu bytes", bytes);
    }
    write_key(large, 256, 0600);
    cr_expect_eq(pw_signer_load(g_path, &signer), 0);
    pw_signer_free(signer);
}

/* ---- memory ---- */

/* The sanitizers' memory is not to be searched, and their mlock does nothing. */
static void skip_under_sanitizers(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    fprintf(stderr, "a sanitizer's memory: skipped\n");
    cr_skip_test("a sanitizer's memory");
#endif
}

/* The canary is in no page of this program in plain: it is kept inverted, and written from a page that is
 * given back. */
static const unsigned char g_inverted[] = {0x9c, 0x9e, 0x91, 0x9e, 0x8d, 0x86, 0xd2, 0xcf, 0xce, 0xcd, 0xcc,
                                           0xcb, 0xca, 0xc9, 0xc8, 0xc7, 0xc6, 0xd2, 0x94, 0x9a, 0x86, 0xd2,
                                           0x8f, 0x88, 0xd2, 0x8c, 0x96, 0x98, 0x91, 0x9a, 0x8d, 0xd1};

static void write_canary(void)
{
    unsigned char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (size_t i = 0; i < sizeof g_inverted; i++) {
        page[i] = (unsigned char)~g_inverted[i];
    }
    write_key((const char *)page, sizeof g_inverted, 0600);
    munmap(page, 4096);
}

/* Is the canary there, or with each byte changed as HMAC's two pads change it? */
static bool is_canary(const unsigned char *at)
{
    static const unsigned char masks[] = {0xff, 0xff ^ 0x36, 0xff ^ 0x5c};
    for (size_t m = 0; m < sizeof masks; m++) {
        size_t i = 0;
        while (i < sizeof g_inverted && (at[i] ^ masks[m]) == g_inverted[i]) {
            i++;
        }
        if (i == sizeof g_inverted) {
            return true;
        }
    }
    return false;
}

/* Places in writable memory where the canary stands, outside of one range. */
static unsigned count_canaries(const void *skip)
{
    unsigned cnt = 0;
    char line[512];
    FILE *maps = fopen("/proc/self/maps", "r");
    while (fgets(line, sizeof line, maps)) {
        unsigned long begin, end;
        char modes[5];
        if (sscanf(line, "%lx-%lx %4s", &begin, &end, modes) != 3 || modes[0] != 'r' || modes[1] != 'w' ||
            strstr(line, "[vv") || (begin <= (unsigned long)skip && (unsigned long)skip < end)) {
            continue;
        }
        const unsigned char *at = (const unsigned char *)begin;
        for (size_t i = 0; i + sizeof g_inverted <= end - begin; i++) {
            cnt += is_canary(at + i);
        }
    }
    fclose(maps);
    return cnt;
}

Test(sign, a_key_is_in_its_own_pages_alone_and_in_none_after_unload)
{
    struct pw_signer *signer;
    char signature[PW_SIGNATURE_BYTES_MAX];
    skip_under_sanitizers();
    write_canary();
    cr_expect_eq(count_canaries(NULL), 0);
    cr_assert_eq(pw_signer_load(g_path, &signer), 0);
    cr_assert_eq(pw_signer_sign(signer, "payload", 7, signature), 64);
    cr_expect_gt(count_canaries(NULL), 0, "the search finds it where it is");
    cr_expect_eq(count_canaries(signer), 0);
    pw_signer_free(signer);
    cr_expect_eq(count_canaries(NULL), 0);
}

Test(sign, a_keys_pages_are_locked_and_left_out_of_dumps_and_children)
{
    struct pw_signer *signer;
    char line[512], flags[512] = "";
    bool inside = false;
    skip_under_sanitizers();
    cr_assert_eq(load(PEM, &signer), 0);
    FILE *maps = fopen("/proc/self/smaps", "r");
    while (fgets(line, sizeof line, maps)) {
        unsigned long begin, end;
        if (sscanf(line, "%lx-%lx ", &begin, &end) == 2) {
            inside = begin <= (unsigned long)signer && (unsigned long)signer < end;
        } else if (inside && strncmp(line, "VmFlags:", 8) == 0) {
            snprintf(flags, sizeof flags, "%s", line);
        }
    }
    fclose(maps);
    cr_expect_not_null(strstr(flags, " lo"), "%s", flags);
    cr_expect_not_null(strstr(flags, " dd"), "%s", flags);
    cr_expect_not_null(strstr(flags, " wf"), "%s", flags);
    pw_signer_free(signer);
}
