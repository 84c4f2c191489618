/* SPDX-License-Identifier: MIT
 *
 * Capabilities and file rules. The list of system calls is confine_calls.c.
 *
 * Numbers and layouts are the kernel's own, written out where the headers that we build with are older than
 * what the kernel may have (Landlock's network rules and scopes, 6.7 and 6.12).
 */
#include "confine.h"

#include "confine_calls.h"
#include "host.h"
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FS_TRUNCATE (UINT64_C(1) << 14) /* ABI 3 */
#define FS_IOCTL    (UINT64_C(1) << 15) /* ABI 5: of devices */
#define NET_BIND    (UINT64_C(1) << 0)  /* ABI 4 */
#define SCOPES      (UINT64_C(3))       /* ABI 6: abstract sockets and signals of other processes */

#define READ_FILES (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define KEEP_FILES                                                                                           \
    (READ_FILES | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE |                           \
     LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_DIR | FS_TRUNCATE)
/* Of these a file, which is no folder, can have. */
#define OF_FILES                                                                                             \
    (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_EXECUTE |             \
     FS_TRUNCATE | FS_IOCTL)

struct ruleset_attr {
    uint64_t handled_fs, handled_net, scoped;
};

/* What the C library reads at any time: names are resolved again at each connection, and the files of the
 * resolver are replaced while we run, so it is their folders that are named. */
static const struct pw_confine_path usual_paths[] = {
    {"/dev/null", PW_CONFINE_WRITE},          {"/dev/urandom", PW_CONFINE_READ},
    {"/proc/self", PW_CONFINE_READ},          {"/proc/meminfo", PW_CONFINE_READ},
    {"/sys/devices/system", PW_CONFINE_READ}, {"/sys/fs/cgroup", PW_CONFINE_READ},
    {"/usr/share/zoneinfo", PW_CONFINE_READ},
};
static const struct pw_confine_path resolver_paths[] = {
    {"/etc", PW_CONFINE_READ},
    {"/run/systemd/resolve", PW_CONFINE_READ},
    {"/run/resolvconf", PW_CONFINE_READ},
    {"/run/NetworkManager", PW_CONFINE_READ},
};
/* Some hosts keep these elsewhere, behind a symbolic link: the folders in which they really are. */
static const char *const linked_files[] = {"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf"};

/* ---- capabilities ---- */

/* Memory is locked later, too, and root's may be without limit as long as it is root. */
static void raise_lock_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0) {
        struct rlimit wanted = {RLIM_INFINITY, RLIM_INFINITY};
        if (setrlimit(RLIMIT_MEMLOCK, &wanted) != 0) {
            wanted = (struct rlimit){limit.rlim_max, limit.rlim_max};
            (void)setrlimit(RLIMIT_MEMLOCK, &wanted); /* as it was, then */
        }
    }
}

static bool drop_capabilities(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct none[2] = {{0}};
    for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++) {
        (void)prctl(PR_CAPBSET_DROP, cap, 0, 0,
                    0); /* needs one itself; without any there is nothing to drop */
    }
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    return syscall(SYS_capset, &header, none) == 0;
}

void pw_confine_hide(void)
{
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/* ---- files ---- */

static uint64_t rights_of(enum pw_confine_use use)
{
    switch (use) {
    case PW_CONFINE_READ:
        return READ_FILES;
    case PW_CONFINE_WRITE:
        return LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE | FS_IOCTL;
    case PW_CONFINE_LOCK:
        return READ_FILES | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG;
    case PW_CONFINE_KEEP:
        return KEEP_FILES;
    case PW_CONFINE_REMOVE:
        return LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
    case PW_CONFINE_RENAME:
        return LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_MAKE_REG;
    }
    return 0;
}

/* False: it could not be told to the kernel. One that is not there is no failure. */
static bool allow_path(int ruleset, const struct pw_confine_path *path, uint64_t handled)
{
    int fd = path->path != NULL && path->path[0] != '\0' ? open(path->path, O_PATH | O_CLOEXEC) : -1;
    struct stat facts;
    if (fd < 0) {
        return true;
    }
    uint64_t rights = rights_of(path->use) & handled;
    if (fstat(fd, &facts) == 0 && !S_ISDIR(facts.st_mode)) {
        rights &= OF_FILES;
    }
    struct landlock_path_beneath_attr rule = {.allowed_access = rights, .parent_fd = fd};
    bool ok =
        rights == 0 || syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
    close(fd);
    return ok;
}

static bool allow_paths(int ruleset, const struct pw_confine_path *paths, uint32_t cnt, uint64_t handled)
{
    for (uint32_t i = 0; i < cnt; i++) {
        if (!allow_path(ruleset, &paths[i], handled)) {
            return false;
        }
    }
    return true;
}

static bool allow_linked(int ruleset, uint64_t handled)
{
    char path[PATH_MAX];
    for (size_t i = 0; i < sizeof linked_files / sizeof *linked_files; i++) {
        char *slash = realpath(linked_files[i], path) != NULL ? strrchr(path, '/') : NULL;
        if (slash == NULL || slash == path) {
            continue; /* not there, or in the root folder, which is not given */
        }
        *slash = '\0';
        if (!allow_path(ruleset, &(struct pw_confine_path){path, PW_CONFINE_READ}, handled)) {
            return false;
        }
    }
    return true;
}

/* All rights that the kernel of that ABI knows are handled, so all but the listed ones are refused. */
static struct ruleset_attr handled_at(long abi, bool listens)
{
    struct ruleset_attr attr = {.handled_fs = LANDLOCK_ACCESS_FS_MAKE_SYM * 2 - 1}; /* ABI 1 */
    attr.handled_fs |= abi >= 2 ? LANDLOCK_ACCESS_FS_REFER : 0;
    attr.handled_fs |= abi >= 3 ? FS_TRUNCATE : 0;
    attr.handled_fs |= abi >= 5 ? FS_IOCTL : 0;
    attr.handled_net = abi >= 4 && !listens ? NET_BIND : 0;
    attr.scoped = abi >= 6 ? SCOPES : 0;
    return attr;
}

/* A ruleset of the kernel's, and its ABI; -1: there is none. */
static int make_ruleset(enum pw_confine_program program, const struct pw_confine_path *paths,
                        uint32_t path_cnt, long *abi)
{
    *abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (*abi < 1) {
        return -1;
    }
    struct ruleset_attr attr = handled_at(*abi, program == PW_CONFINE_SERVER);
    size_t attr_bytes = *abi >= 6 ? sizeof attr : *abi >= 4 ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, attr_bytes, 0);
    uint32_t usual_cnt = sizeof usual_paths / sizeof *usual_paths;
    bool resolves = program != PW_CONFINE_FILES;
    uint32_t resolver_cnt = resolves ? sizeof resolver_paths / sizeof *resolver_paths : 0;
    if (ruleset >= 0 && (!allow_paths(ruleset, usual_paths, usual_cnt, attr.handled_fs) ||
                         !allow_paths(ruleset, resolver_paths, resolver_cnt, attr.handled_fs) ||
                         (resolves && !allow_linked(ruleset, attr.handled_fs)) ||
                         !allow_paths(ruleset, paths, path_cnt, attr.handled_fs))) {
        close(ruleset);
        return -1;
    }
    return ruleset;
}

/* ---- of each thread ---- */

static int thread_ruleset = -1; /* while threads take it over */
static _Atomic bool thread_failed_capabilities, thread_failed_privileges, thread_failed_files;

void pw_confine_thread(void)
{
    bool dropped = drop_capabilities();
    bool no_new = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
    bool restricted =
        thread_ruleset >= 0 && no_new && syscall(SYS_landlock_restrict_self, thread_ruleset, 0) == 0;
    thread_failed_capabilities |= !dropped;
    thread_failed_privileges |= !no_new;
    thread_failed_files |= !restricted;
}

/* ---- before ---- */

/* A part of the resolver. One that is not there, or is built in, is done without. */
static void load_part(const char *word)
{
    char name[64];
    int size = snprintf(name, sizeof name, "libnss_%s.so.2", word);
    if (size > 0 && (size_t)size < sizeof name && strchr(name, '/') == NULL) {
        (void)dlopen(name, RTLD_NOW);
    }
}

/* The C library loads what nsswitch.conf names for hosts when it first resolves one. Then no code can be
 * mapped any more, so it is loaded now; and what it takes where there is no such file. */
static void load_resolver(void)
{
    char line[512], *rest;
    FILE *file = fopen("/etc/nsswitch.conf", "re");
    load_part("files");
    load_part("dns");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "hosts:", 6) != 0) {
            continue;
        }
        for (char *word = strtok_r(line + 6, " \t\n", &rest); word != NULL && word[0] != '#';
             word = strtok_r(NULL, " \t\n", &rest)) {
            load_part(word);
        }
    }
    if (file != NULL) {
        fclose(file);
    }
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED
#elif defined(__has_feature) /* clang's way to say so */
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED
#endif
#endif

/* What is loaded into the process from outside has needs that nobody has listed: sanitizers, valgrind, tests'
 * own libraries. */
static const char *unconfinable(void)
{
#ifdef SANITIZED
    return "built with a sanitizer";
#else
    const char *preload = getenv("LD_PRELOAD");
    return preload != NULL && preload[0] != '\0' ? "LD_PRELOAD is set" : NULL;
#endif
}

static void log_sandbox(enum pw_confine_program program, long abi, int filter, const char *why_not)
{
    bool files_hold = !thread_failed_files, whole = files_hold && filter > 0 && !thread_failed_capabilities;
    char files[64] = "no file rules", calls[64] = "no system call filter";
    if (files_hold) {
        snprintf(files, sizeof files, "file rules (Landlock ABI %ld)", abi);
    }
    if (filter > 0) {
        snprintf(calls, sizeof calls, "%d system calls (seccomp)", filter);
    }
    pw_log(program == PW_CONFINE_FILES ? PW_LOG_DEBUG
           : whole                     ? PW_LOG_INFO
                                       : PW_LOG_WARN,
           "sandbox: %s, %s, %s, %s%s%s",
           thread_failed_capabilities ? "capabilities kept" : "no capabilities",
           thread_failed_privileges ? "new privileges possible" : "no new privileges", files, calls,
           why_not != NULL ? ": "
           : whole         ? ""
                           : ": this kernel or container lacks the rest",
           why_not != NULL ? why_not : "");
}

void pw_confine(enum pw_confine_program program, const struct pw_confine_path *paths, uint32_t path_cnt,
                const struct pw_confine_others *others)
{
    const char *why_not = unconfinable();
    long abi = 0;
    if (why_not == NULL && program != PW_CONFINE_FILES) {
        load_resolver();
    }
    raise_lock_limit();
    thread_ruleset = why_not == NULL ? make_ruleset(program, paths, path_cnt, &abi) : -1;
    pw_confine_thread();
    if (others != NULL) {
        others->run(others->state);
    }
    if (thread_ruleset >= 0) {
        close(thread_ruleset);
    }
    thread_ruleset = -1;
    int filter = why_not == NULL && !thread_failed_privileges ? pw_confine_calls(program) : 0;
    log_sandbox(program, abi, filter, why_not);
}
