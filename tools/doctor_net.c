/* SPDX-License-Identifier: MIT
 *
 * Checks of the network's way in and out: the card, busy polling, io_uring, TLS.
 */
#include "doctor_read.h"
#include "host.h"

#include <errno.h>
#include <linux/io_uring.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <wolfssl/options.h>
#include <wolfssl/wolfcrypt/aes.h>

/* ---- the card and the kernel's network path ---- */

/* The name of the driver behind a network device; false for one without hardware (lo, bridges). */
static bool driver_read(const struct patient *patient, const char *device, char *driver, size_t driver_bytes)
{
    char path[READ_PATH_BYTES], target[READ_PATH_BYTES];
    snprintf(path, sizeof path, "%.128s%.256s/device/driver", patient->sysroot, device);
    ssize_t bytes = readlink(path, target, sizeof target - 1);
    if (bytes <= 0) {
        return false;
    }
    target[bytes] = '\0';
    const char *slash = strrchr(target, '/');
    snprintf(driver, driver_bytes, "%.60s", slash != NULL ? slash + 1 : target);
    return true;
}

/* Drivers of cards that a hypervisor makes. */
static bool driver_is_virtual(const char *driver)
{
    static const char *const names[] = {"virtio_net", "vmxnet3", "hv_netvsc", "vif", "xen_netfront"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(driver, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

void look_network_card(const struct patient *patient, struct finding *finding)
{
    struct read_glob devices;
    size_t device_cnt = read_glob(patient, "/sys/class/net/*", &devices);
    uint32_t cnt = 0, virtual_cnt = 0;
    char names[256] = "";
    for (size_t i = 0; i < device_cnt; i++) {
        char driver[64];
        const char *device = read_glob_path(&devices, i);
        if (driver_read(patient, device, driver, sizeof driver)) {
            size_t bytes = strlen(names);
            bool is_virtual = driver_is_virtual(driver);
            snprintf(names + bytes, sizeof names - bytes, "%s%s (%s%s)", cnt++ > 0 ? ", " : "",
                     strrchr(device, '/') + 1, driver, is_virtual ? ", virtual" : "");
            virtual_cnt += is_virtual;
        }
    }
    read_glob_end(&devices);
    if (cnt == 0) {
        found(finding, VERDICT_UNKNOWN, "none visible");
    } else {
        found(finding, virtual_cnt < cnt ? VERDICT_GOOD : VERDICT_ADVICE, "%s", names);
    }
    advise(finding, "each packet passes through the hypervisor and waits for its scheduling",
           "a machine with a passed-through card (SR-IOV, PCI passthrough), or bare metal");
}

void look_busy_polling(const struct patient *patient, struct finding *finding)
{
    long poll_us, read_us;
    if (!number_read(patient, "/proc/sys/net/core/busy_poll", &poll_us) ||
        !number_read(patient, "/proc/sys/net/core/busy_read", &read_us)) {
        found(finding, VERDICT_UNKNOWN, "unavailable in this kernel");
        return;
    }
    struct read_tally deferred = read_tally(patient, "/sys/class/net/*/napi_defer_hard_irqs", "0");
    struct read_tally timed = read_tally(patient, "/sys/class/net/*/gro_flush_timeout", "0");
    bool delays = deferred.other_cnt > 0 || timed.other_cnt > 0;
    found(finding, delays ? VERDICT_ADVICE : VERDICT_GOOD,
          "net.core.busy_poll %ld us, busy_read %ld us; NICs with deferred interrupts: %u, with deferred GRO "
          "flush: %u",
          poll_us, read_us, deferred.other_cnt, timed.other_cnt);
    advise(finding,
           "pinwheel does not poll the card: a deferred interrupt delays packets by up to gro_flush_timeout",
           "for d in /sys/class/net/*; do echo 0 > $d/napi_defer_hard_irqs; echo 0 > $d/gro_flush_timeout; "
           "done");
}

/* What src/net asks of the kernel for its sockets, and what it does not; a test holds this against the
 * source. */
static const struct {
    const char *name;
    bool used;
} g_socket_uses[] = {
    {"TCP_NODELAY", true},
    {"IORING_RECV_MULTISHOT", true},
    {"io_uring_register_buf_ring", true},
    {"io_uring_register_buffers", false},
    {"io_uring_register_files", false},
    {"io_uring_register_napi", false},
    {"SO_BUSY_POLL", false},
};

void look_sockets(const struct patient *patient, struct finding *finding)
{
    char release[64], uses[2][256] = {"", ""};
    unsigned major, minor;
    for (size_t i = 0; i < sizeof g_socket_uses / sizeof g_socket_uses[0]; i++) {
        char *text = uses[g_socket_uses[i].used];
        size_t bytes = strlen(text);
        snprintf(text + bytes, sizeof uses[0] - bytes, " %s", g_socket_uses[i].name);
    }
    if (!line_read(patient, "/proc/sys/kernel/osrelease", release, sizeof release) ||
        sscanf(release, "%u.%u", &major, &minor) != 2) {
        found(finding, VERDICT_UNKNOWN, "pinwheel uses%s; not%s; kernel version unavailable", uses[1],
              uses[0]);
        return;
    }
    bool whole = major >= 6; /* multishot receive is the newest of them */
    found(finding, whole ? VERDICT_GOOD : VERDICT_ADVICE, "pinwheel uses%s; not%s; Linux %.32s %s", uses[1],
          uses[0], release, whole ? "supports all of them" : "lacks some of them");
    advise(finding, "pinwheel falls back: one request per receive, and before 5.19 buffers without a ring",
           "Linux 6.0 or newer; 6.1 for deferred task work");
}

/* ---- io_uring ---- */

/* As large as that of an engine with four connections. */
#define RING_ENTRIES     16u
#define RING_COMPLETIONS 128u

/* Sets a ring up and takes it down: 0 or -errno. */
static int io_uring_try(unsigned flags)
{
    struct io_uring_params params;
    memset(&params, 0, sizeof params);
    params.flags = flags | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
    params.cq_entries = RING_COMPLETIONS;
    long fd = syscall(SYS_io_uring_setup, RING_ENTRIES, &params);
    if (fd < 0) {
        return -errno;
    }
    close((int)fd);
    return 0;
}

void look_io_uring(const struct patient *patient, struct finding *finding)
{
    long disabled = 0;
    number_read(patient, "/proc/sys/kernel/io_uring_disabled", &disabled);
    int rc = io_uring_try(0);
    advise(finding, "the engine cannot use sockets without io_uring",
           "sysctl kernel.io_uring_disabled=0; in a container, a seccomp profile that allows io_uring_setup, "
           "io_uring_enter and io_uring_register; Linux 5.19 or newer");
    if (rc == -ENOMEM) {
        char reason[160];
        found(finding, VERDICT_BAD, "%s", pw_ring_error_print(rc, reason, sizeof reason));
        advise(finding, "the engine falls back to plain system calls, or does not start",
               "ulimit -l unlimited; LimitMEMLOCK=infinity in a unit, --ulimit memlock=-1 for a container");
    } else if (disabled != 0 || rc != 0) {
        found(finding, VERDICT_BAD, "unavailable: kernel.io_uring_disabled is %ld; io_uring_setup: %s",
              disabled, rc != 0 ? strerror(-rc) : "works");
    } else if (io_uring_try(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN) != 0) {
        found(finding, VERDICT_ADVICE, "works, without deferred task work (Linux 6.1)");
        advise(finding, "completions interrupt the hot thread at any point", "Linux 6.1 or newer");
    } else {
        found(finding, VERDICT_GOOD, "works, single issuer with deferred task work");
    }
}

/* ---- TLS ---- */

/* The time of sealing a 256-byte record with AES-128-GCM, as TLS does: the best of some rounds, so that a
 * busy machine does not look like a slow library; negative if it cannot be measured. */
static double seal_ns(void)
{
    enum { RECORD_BYTES = 256, ROUND_CNT = 5, SEAL_CNT = 100 };
    /* Room beyond the struct: a library built with other options than its headers say has a larger one. */
    static union {
        Aes aes;
        byte room[16384];
    } state;
    byte key[16] = {1}, nonce[12] = {2}, plain[RECORD_BYTES] = {3}, sealed[RECORD_BYTES], tag[16];
    if (wc_AesInit(&state.aes, NULL, INVALID_DEVID) != 0 ||
        wc_AesGcmSetKey(&state.aes, key, sizeof key) != 0) {
        return -1;
    }
    double best_ns = -1;
    for (int round = 0; round < ROUND_CNT; round++) {
        int64_t before_ns = now_ns();
        for (int i = 0; i < SEAL_CNT; i++) {
            nonce[0] = (byte)i;
            if (wc_AesGcmEncrypt(&state.aes, sealed, plain, RECORD_BYTES, nonce, sizeof nonce, tag,
                                 sizeof tag, NULL, 0) != 0) {
                return -1;
            }
        }
        double each_ns = (double)(now_ns() - before_ns) / SEAL_CNT;
        best_ns = best_ns < 0 || each_ns < best_ns ? each_ns : best_ns;
    }
    wc_AesFree(&state.aes);
    return best_ns;
}

void look_tls(const struct patient *patient, struct finding *finding)
{
    (void)patient; /* the library that this program and its brothers were built with */
    double each_ns = seal_ns();
    if (each_ns < 0) {
        found(finding, VERDICT_UNKNOWN, "wolfSSL cannot encrypt: no AES-GCM in this build");
        return;
    }
    /* Measured on one machine: 106 ns with AES instructions, 2833 without. */
    bool fast = each_ns < 700;
    found(finding, fast ? VERDICT_GOOD : VERDICT_ADVICE,
          "wolfSSL encrypts a 256-byte record in %.0f ns: %s AES instructions", each_ns,
          fast ? "with" : "without");
    advise(finding, "about 3 us per message received or sent, instead of 0.1 us",
           "run tools/setup.sh, which builds wolfSSL with AES instructions; then build again");
}
