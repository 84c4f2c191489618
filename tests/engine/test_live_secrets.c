/* SPDX-License-Identifier: MIT
 *
 * H1: what is secret stays where it belongs. A live run with everything on that records and shows, and then a
 * search: in the logs, the journal, the workspace, what the tools print, and all of the engine's memory that
 * a core dump would hold. Looked for are the bytes of the secret or of the private key, as they are, in
 * hexadecimal, in base64 at each of its three alignments, and as what signing makes of them first, which is
 * as good as they are. And `pinwheel why`, which shows the bytes that
 * were sent, on an order of the same run.
 */
#include "live_rig.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* RFC 8032, section 7.1, test 1: the private key of the rig's PEM file. */
static const unsigned char seed[32] = {0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a,
                                       0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32,
                                       0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60};

/* ---- what is looked for ---- */

#define FORMS 8u

struct needle {
    unsigned char bytes[96];
    size_t size;
    const char *what;
};

static void add_hex(struct needle *needle, const unsigned char *secret, size_t size, const char *digits,
                    const char *what)
{
    for (size_t i = 0; i < size; i++) {
        needle->bytes[2 * i] = (unsigned char)digits[secret[i] >> 4];
        needle->bytes[2 * i + 1] = (unsigned char)digits[secret[i] & 15];
    }
    needle->size = 2 * size;
    needle->what = what;
}

/* As it stands in base64 behind `before` other bytes: without the characters that those or what follows have
 * a part in. */
static void add_base64(struct needle *needle, const unsigned char *secret, size_t size, size_t before)
{
    unsigned char plain[64] = {0}, text[96];
    memcpy(plain + before, secret, size);
    EVP_EncodeBlock(text, plain, (int)(before + size));
    size_t first = (before * 8 + 5) / 6, end = (before + size) * 8 / 6;
    needle->size = end - first;
    memcpy(needle->bytes, text + first, needle->size);
    needle->what = "base64";
}

static void add_plain(struct needle *needle, const unsigned char *bytes, size_t size, const char *what)
{
    memcpy(needle->bytes, bytes, size);
    needle->size = size;
    needle->what = what;
}

/* RFC 2104: what HMAC begins its two hashes with. */
static void add_pad(struct needle *needle, const char *secret, unsigned char pad, const char *what)
{
    needle->size = strlen(secret);
    for (size_t i = 0; i < needle->size; i++) {
        needle->bytes[i] = (unsigned char)secret[i] ^ pad;
    }
    needle->what = what;
}

/* RFC 8032, 5.1.5: the scalar and the prefix. */
static void add_expanded(struct needle needles[2])
{
    unsigned char hash[64];
    cr_assert_eq(EVP_Digest(seed, sizeof seed, hash, NULL, EVP_sha512(), NULL), 1);
    hash[0] &= 248;
    hash[31] = (hash[31] & 127) | 64;
    add_plain(&needles[0], hash, 32, "the scalar");
    add_plain(&needles[1], hash + 32, 32, "the prefix");
}

static void needles_of(const unsigned char *secret, size_t size, struct needle needles[FORMS])
{
    cr_assert_leq(size, 40);
    add_plain(&needles[0], secret, size, "as it is");
    add_hex(&needles[1], secret, size, "0123456789abcdef", "hexadecimal");
    add_hex(&needles[2], secret, size, "0123456789ABCDEF", "hexadecimal, large letters");
    for (size_t before = 0; before < 3; before++) {
        add_base64(&needles[3 + before], secret, size, before);
    }
}

/* What is looked for, and how often it was found. */
struct search {
    struct needle needles[FORMS];
    size_t needle_cnt, hit_cnt;
    size_t byte_cnt; /* searched */
    char where[512]; /* of the last hit */
};

static struct search search_for(const struct api_key *key)
{
    struct search search = {.needle_cnt = FORMS};
    if (key->secret != NULL) {
        needles_of((const unsigned char *)key->secret, strlen(key->secret), search.needles);
        add_pad(&search.needles[6], key->secret, 0x36, "the inner pad");
        add_pad(&search.needles[7], key->secret, 0x5c, "the outer pad");
    } else {
        needles_of(seed, sizeof seed, search.needles);
        add_expanded(&search.needles[6]);
    }
    return search;
}

static struct search search_for_text(const char *text)
{
    struct search search = {.needle_cnt = 1};
    add_plain(&search.needles[0], (const unsigned char *)text, strlen(text), text);
    return search;
}

static void search_bytes(struct search *search, const unsigned char *bytes, size_t size, const char *where)
{
    search->byte_cnt += size;
    for (size_t i = 0; i < search->needle_cnt; i++) {
        const struct needle *needle = &search->needles[i];
        if (memmem(bytes, size, needle->bytes, needle->size) != NULL) {
            snprintf(search->where, sizeof search->where, "%s: %s", needle->what, where);
            search->hit_cnt++;
        }
    }
}

/* ---- in files ---- */

static struct search *visiting; /* nftw has no argument to hand through */

static void search_file(struct search *search, const char *path)
{
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file, "%s: %s", path, strerror(errno));
    fseek(file, 0, SEEK_END);
    size_t size = (size_t)ftell(file);
    unsigned char *bytes = malloc(size + 1);
    rewind(file);
    cr_assert_eq(fread(bytes, 1, size, file), size);
    fclose(file);
    search_bytes(search, bytes, size, path);
    free(bytes);
}

/* All but the key files themselves, and what is the simulator's. */
static int visit(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    static const char *const left_out[] = {"key", "api-key", "sim.yaml"};
    (void)st;
    for (size_t i = 0; i < sizeof left_out / sizeof *left_out; i++) {
        if (strcmp(path + ftw->base, left_out[i]) == 0) {
            return 0;
        }
    }
    if (type == FTW_F) {
        search_file(visiting, path);
    }
    return 0;
}

/* Everything that the run has written to disk. */
static struct search in_files(struct live_rig *rig, struct search search)
{
    visiting = &search;
    cr_assert_eq(nftw(rig->h.dir, visit, 16, FTW_PHYS), 0);
    cr_assert_gt(search.byte_cnt, 100000, "there was hardly anything to search");
    return search;
}

/* Shared memory, where requests lie on their way out, with key and signature: a signature is good for some
 * seconds, and the key without its secret for nothing. */
static struct search in_workspace(struct live_rig *rig, struct search search)
{
    char path[HARNESS_PATH_BYTES];
    snprintf(path, sizeof path, "/dev/shm/pinwheel.%s", rig->h.instance);
    search_file(&search, path);
    return search;
}

/* ---- in memory ---- */

struct mapping {
    unsigned long begin, end;
    bool readable, shared,
        kept_out; /* of core dumps; shared memory that is a file is, too, unless one asks for it */
    char name[128];
};

/* Reads the next mapping of smaps with its flags; false: there is no more. */
static bool mapping_next(FILE *smaps, struct mapping *mapping)
{
    char line[512];
    while (fgets(line, sizeof line, smaps) != NULL) {
        struct mapping head = {0};
        char mode[8];
        /* Names of figures may begin with letters that are hexadecimal digits: only a whole head counts. */
        if (sscanf(line, "%lx-%lx %7s %*s %*s %*s %127[^\n]", &head.begin, &head.end, mode, head.name) >= 3) {
            head.readable = mode[0] == 'r';
            head.shared = mode[3] == 's';
            *mapping = head;
        } else if (strncmp(line, "VmFlags:", 8) == 0) {
            mapping->kept_out = mapping->shared || strstr(line, " dd") != NULL;
            return true;
        }
    }
    return false;
}

/* Searches the memory of the running engine that a core dump would have, or only what it would leave out. */
static struct search in_memory(struct live_rig *rig, struct search search, bool kept_out)
{
    char path[64], where[256];
    struct mapping mapping = {0};
    snprintf(path, sizeof path, "/proc/%d/smaps", (int)rig->h.engine);
    FILE *smaps = fopen(path, "r");
    snprintf(path, sizeof path, "/proc/%d/mem", (int)rig->h.engine);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (smaps == NULL || fd < 0) {
        cr_skip_test("this host lets nobody read a process: %s", strerror(errno));
    }
    while (mapping_next(smaps, &mapping)) {
        size_t size = mapping.end - mapping.begin;
        if (!mapping.readable || mapping.kept_out != kept_out || strcmp(mapping.name, "[vvar]") == 0) {
            continue;
        }
        unsigned char *bytes = malloc(size);
        ssize_t got = pread(fd, bytes, size, (off_t)mapping.begin);
        snprintf(where, sizeof where, "memory %lx %s", mapping.begin, mapping.name);
        search_bytes(&search, bytes, got > 0 ? (size_t)got : 0, where);
        free(bytes);
    }
    fclose(smaps);
    close(fd);
    cr_assert_gt(search.byte_cnt, 0, "nothing was searched");
    return search;
}

/* ---- the run ---- */

/* A tool's output, kept in the run's folder so that it is searched as well. */
static char *tool(struct live_rig *rig, const char *file, const char *const *args)
{
    int status;
    char path[2 * HARNESS_PATH_BYTES];
    char *text = harness_run(&rig->h, args, &status);
    cr_expect_eq(status, 0, "%s ended with %d", args[1], status);
    snprintf(path, sizeof path, "%s/%s", rig->h.dir, file);
    FILE *out = fopen(path, "w");
    fputs(text, out);
    fclose(out);
    return text;
}

static void show_everything(struct live_rig *rig)
{
    const struct harness *h = &rig->h;
    free(tool(rig, "top.json",
              (const char *const[]){"pinwheel", "top", h->instance, "--once", "--json", NULL}));
    free(tool(rig, "top", (const char *const[]){"pinwheel", "top", h->instance, "--once", NULL}));
    free(tool(rig, "ctl", (const char *const[]){"pinwheel", "ctl", h->instance, "halt", NULL}));
    free(tool(rig, "ctl2", (const char *const[]){"pinwheel", "ctl", h->instance, "resume", NULL}));
}

static void show_journal(struct live_rig *rig)
{
    const char *journal = rig->h.journal;
    free(tool(rig, "frames",
              (const char *const[]){"pinwheel", "journal", journal, "query", "--frames", "--json", NULL}));
    free(tool(rig, "config", (const char *const[]){"pinwheel", "journal", journal, "config", NULL}));
}

/* Its hops, and the very bytes that were sent, but for key and signature. */
static void expect_story(struct live_rig *rig)
{
    static const char *const parts[] = {"CAUSE",
                                        "CHECKS",
                                        "decrypted",
                                        "strategy",
                                        "encrypted",
                                        "submitted",
                                        "acknowledged",
                                        "\"method\":\"order.place\"",
                                        "\"apiKey\":\"***",
                                        "\"status\":200"};
    json_t *fills = live_journal(rig, "fill", false);
    char id[24];
    cr_assert_gt(json_array_size(fills), 0);
    snprintf(id, sizeof id, "%lld", json_number_at(json_array_get(fills, 0), "client_order_id"));
    char *text = tool(rig, "why", (const char *const[]){"pinwheel", "why", rig->h.journal, id, NULL});
    char *joined = malloc(strlen(text) + 1), *to = joined;
    for (const char *from = text; *from != 0; from++) {
        if (strncmp(from, "\n    ", 5) == 0) {
            from += 4; /* long messages are broken into lines */
        } else {
            *to++ = *from;
        }
    }
    *to = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        /* A session that was logged on sends no key with an order. */
        bool due = rig->key->secret != NULL || strstr(parts[i], "apiKey") == NULL;
        cr_expect(!due || strstr(joined, parts[i]) != NULL, "why does not tell %s:\n%s", parts[i], text);
    }
    free(joined);
    free(text);
    json_decref(fills);
}

static bool is_sanitized(void)
{
#ifdef __SANITIZE_ADDRESS__
    return true;
#else
    return false;
#endif
}

/* In memory that a core dump leaves out, and in no other. */
static void expect_guarded_memory(struct live_rig *rig, const struct api_key *key)
{
    if (is_sanitized()) {
        return; /* a sanitizer keeps copies of stacks, and what was freed */
    }
    struct search found = in_memory(rig, search_for(key), false);
    cr_expect_eq(found.hit_cnt, 0, "a core dump would have it: %s", found.where);
    found = in_memory(rig, search_for(key), true);
    cr_expect_geq(found.hit_cnt, 1, "the engine does not have it at all: this search sees nothing");
    found = in_memory(rig, search_for_text(key->name), false);
    cr_expect_eq(found.hit_cnt, 0, "a core dump would have the API key: %s", found.where);
    found = in_memory(rig, search_for_text(key->name), true);
    cr_expect_geq(found.hit_cnt, 1, "the engine does not have the API key at all");
}

static void look_everywhere(const struct api_key *key)
{
    struct live_rig rig;
    live_begin(&rig, "secret", key);
    live_venue(&rig, "", 0);
    live_engine(&rig,
                &(struct live_setup){
                    .placement = TWO_CORES,
                    .strategies = "  - {name: ma, kind: ma_cross, instruments: [BTCUSDT], params: {fast: "
                                  "3, slow: 10, quantity: \"0.01\"}}\n"});
    live_wait(&rig, "execution.fills", 3);
    show_everything(&rig);
    expect_guarded_memory(&rig, key);
    live_stop(&rig);
    show_journal(&rig);
    expect_story(&rig);
    struct search found = in_files(&rig, search_for(key));
    cr_expect_eq(found.hit_cnt, 0, "it was written: %s", found.where);
    found = in_workspace(&rig, search_for(key));
    cr_expect_eq(found.hit_cnt, 0, "it is in shared memory: %s", found.where);
    found = in_files(&rig, search_for_text(key->name));
    cr_expect_eq(found.hit_cnt, 0, "the API key was written: %s", found.where);
    /* What certainly was written is found: in the log, the journal, the workspace and the tools' outputs. */
    cr_expect_geq(in_files(&rig, search_for_text(rig.h.instance)).hit_cnt, 4);
    cr_expect_geq(in_files(&rig, search_for_text("order.place")).hit_cnt, 2);
    cr_expect_eq(in_workspace(&rig, search_for_text(rig.h.instance)).hit_cnt, 1);
    live_end(&rig);
}

Test(live_secrets, shared_secret_is_nowhere_but_in_locked_memory)
{
    look_everywhere(&live_hmac);
}

Test(live_secrets, private_key_is_nowhere_but_in_locked_memory)
{
    look_everywhere(&live_ed25519);
}

/* The search itself, on what it must find. */
Test(live_secrets, each_form_would_be_found)
{
    unsigned char padded[3][35], text[64];
    for (size_t before = 0; before < 3; before++) {
        struct search search = search_for(&live_ed25519);
        memset(padded[before], 0x55, sizeof padded[before]);
        memcpy(padded[before] + before, seed, sizeof seed);
        EVP_EncodeBlock(text, padded[before], (int)(before + sizeof seed));
        search_bytes(&search, text, strlen((char *)text), "base64");
        cr_expect_eq(search.hit_cnt, 1, "behind %zu bytes", before);
    }
    struct search search = search_for(&live_ed25519);
    search_bytes(&search, seed, sizeof seed, "seed");
    search_bytes(&search,
                 (const unsigned char *)"x9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
                 65, "hexadecimal");
    search_bytes(&search,
                 (const unsigned char *)"MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g",
                 64, "PEM");
    cr_expect_eq(search.hit_cnt, 3);
}
