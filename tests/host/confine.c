/* SPDX-License-Identifier: MIT
 *
 * The sandbox from inside: what is forbidden is tried, each act in a process of its own that has given up
 * what the engine gives up, and refused; what a run needs for weeks goes on.
 *
 * cases/39-least-privilege
 */
#include "confine.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char root[64], kept[96], config[96], outside[96], hidden[96];
static pid_t parent;

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fputs(text, file);
    fclose(file);
}

/* A folder with the journal, the config and what is neither. */
static void make_place(void)
{
    snprintf(root, sizeof root, "/tmp/pw_test_confine_XXXXXX");
    cr_assert_not_null(mkdtemp(root));
    snprintf(kept, sizeof kept, "%s/journal", root);
    snprintf(config, sizeof config, "%s/engine.yaml", root);
    snprintf(outside, sizeof outside, "%s/outside", root);
    snprintf(hidden, sizeof hidden, "%s/outside/hidden", root);
    cr_assert(mkdir(kept, 0700) == 0 && mkdir(outside, 0700) == 0);
    write_file(config, "instance: x\n");
    write_file(hidden, "secret\n");
    parent = getpid();
}

static void drop_place(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", root);
    cr_expect_eq(system(command), 0);
}

TestSuite(confine, .init = make_place, .fini = drop_place);

static void enter(enum pw_confine_program program)
{
    const struct pw_confine_path paths[] = {{kept, PW_CONFINE_KEEP},
                                            {config, PW_CONFINE_READ},
                                            {NULL, PW_CONFINE_READ},
                                            {"/nowhere", PW_CONFINE_KEEP}};
    pw_confine_hide();
    pw_confine(program, paths, sizeof paths / sizeof *paths, NULL);
    if (program == PW_CONFINE_ENGINE) {
        pw_confine_rings();
    }
}

static bool has_landlock(void)
{
    return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) >= 4;
}

/* What an act returns is what the kernel returned, with errno. */
static long run_program(void)
{
    char *args[] = {"true", NULL};
    return execv("/bin/true", args);
}
static long run_at(void)
{
    char *args[] = {"true", NULL};
    return syscall(SYS_execveat, AT_FDCWD, "/bin/true", args, NULL, 0);
}
static long fork_process(void)
{
    return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}
static long trace_parent(void)
{
    return syscall(SYS_ptrace, 16 /* attach */, parent, 0, 0);
}
static long read_parent(void)
{
    char byte;
    struct iovec to = {&byte, 1}, from = {(void *)&parent, 1};
    return process_vm_readv(parent, &to, 1, &from, 1, 0);
}
static long write_parent(void)
{
    char byte = 0;
    struct iovec from = {&byte, 1}, to = {(void *)&parent, 1};
    return process_vm_writev(parent, &from, 1, &to, 1, 0);
}
static long signal_parent(void)
{
    return kill(parent, 0);
}
static long signal_thread(void)
{
    return syscall(SYS_tgkill, parent, parent, 0);
}
static long signal_group(void)
{
    return kill(0, 0);
}
static long pidfd(void)
{
    return syscall(SYS_pidfd_open, parent, 0);
}
static long read_hidden(void)
{
    return open(hidden, O_RDONLY);
}
static long write_config(void)
{
    return open(config, O_WRONLY);
}
static long make_outside(void)
{
    char path[128];
    snprintf(path, sizeof path, "%s/new", outside);
    return open(path, O_WRONLY | O_CREAT, 0600);
}
static long make_by_way_of_the_journal(void)
{
    char path[160];
    snprintf(path, sizeof path, "%s/../outside/new", kept);
    return open(path, O_WRONLY | O_CREAT, 0600);
}
static long list_outside(void)
{
    return open(outside, O_RDONLY | O_DIRECTORY);
}
static long remove_outside(void)
{
    return unlink(hidden);
}
static long rename_into(void)
{
    char path[128];
    snprintf(path, sizeof path, "%s/stolen", kept);
    return rename(hidden, path);
}
static long link_into(void)
{
    char path[128];
    snprintf(path, sizeof path, "%s/stolen", kept);
    return link(hidden, path);
}
static long symlink_in(void)
{
    char path[128];
    snprintf(path, sizeof path, "%s/link", kept);
    return symlink(hidden, path);
}
static long make_device(void)
{
    char path[128];
    snprintf(path, sizeof path, "%s/device", kept);
    return mknod(path, S_IFCHR | 0600, 0x103);
}
static long make_folder(void)
{
    char path[128];
    snprintf(path, sizeof path, "%s/folder", outside);
    return mkdir(path, 0700);
}
static long truncate_outside(void)
{
    return truncate(hidden, 0);
}
static long change_owner(void)
{
    return chown(config, 1, 1);
}
static long set_attribute(void)
{
    return syscall(SYS_setxattr, config, "user.x", "y", 1, 0);
}
static long read_parents_environment(void)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/environ", (int)parent);
    return open(path, O_RDONLY);
}
static long read_kernel_log(void)
{
    return open("/proc/kmsg", O_RDONLY | O_NONBLOCK);
}
static long open_by_handle(void)
{
    return syscall(SYS_open_by_handle_at, AT_FDCWD, NULL, O_RDONLY);
}
static long do_mount(void)
{
    return syscall(SYS_mount, "none", "/mnt", "tmpfs", 0, "");
}
static long do_umount(void)
{
    return syscall(SYS_umount2, "/proc", 2);
}
static long change_root(void)
{
    return chroot("/tmp");
}
static long change_folder(void)
{
    return chdir("/");
}
static long new_namespace(void)
{
    return syscall(SYS_unshare, 0x10000000 /* a user's */);
}
static long enter_namespace(void)
{
    return syscall(SYS_setns, 0, 0);
}
static long packet_socket(void)
{
    return socket(17 /* AF_PACKET */, SOCK_RAW, 0);
}
static long raw_socket(void)
{
    return socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
}
static long odd_socket(void)
{
    return socket(40 /* AF_VSOCK */, SOCK_STREAM, 0);
}
static long other_netlink(void)
{
    return socket(AF_NETLINK, SOCK_RAW, 9 /* audit */);
}
static long listen_somewhere(void)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    return fd < 0 ? 0 : bind(fd, (struct sockaddr *)&any, sizeof any);
}
static long map_code(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0;
}
static long make_code(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return page == MAP_FAILED ? 0 : mprotect(page, 4096, PROT_READ | PROT_EXEC);
}
static long memory_file(void)
{
    return syscall(SYS_memfd_create, "x", 0);
}
static long load_bpf(void)
{
    return syscall(SYS_bpf, 0, NULL, 0);
}
static long count_events(void)
{
    return syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0);
}
static long fault_handler(void)
{
    return syscall(SYS_userfaultfd, 1);
}
static long take_key(void)
{
    return syscall(SYS_keyctl, 0, 0, 0, 0, 0);
}
static long add_key(void)
{
    return syscall(SYS_add_key, "user", "x", "y", 1, 0);
}
static long load_module(void)
{
    return syscall(SYS_init_module, NULL, 0, "");
}
static long load_kernel(void)
{
    return syscall(SYS_kexec_load, 0, 0, NULL, 0);
}
static long restart_host(void)
{
    return syscall(SYS_reboot, 0, 0, 0, NULL); /* with the wrong numbers, so that it never happens */
}
static long name_host(void)
{
    return sethostname("x", 1);
}
static long set_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return clock_settime(CLOCK_REALTIME, &now);
}
static long other_user(void)
{
    return syscall(SYS_setuid, 1);
}
static long raise_capability(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct all[2] = {{UINT32_MAX, UINT32_MAX, 0}};
    return syscall(SYS_capset, &header, all);
}
static long raise_limit(void)
{
    struct rlimit limit = {64, 64};
    return setrlimit(RLIMIT_NOFILE, &limit);
}
static long change_personality(void)
{
    return syscall(SYS_personality, 0x0040000 /* no random addresses */);
}
static long show_itself(void)
{
    return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}
static long type_into_terminal(void)
{
    return ioctl(0, TIOCSTI, "x");
}
static long new_ring(void)
{
    char params[120] = {0};
    return syscall(SYS_io_uring_setup, 2, params);
}
static long swap_on(void)
{
    return syscall(SYS_swapon, hidden, 0);
}
static long account(void)
{
    return syscall(SYS_acct, NULL);
}

struct act {
    const char *name;
    long (*do_it)(void);
    bool by_landlock;
};

static const struct act acts[] = {
    {"run a program", run_program, false},
    {"run one by descriptor", run_at, false},
    {"fork", fork_process, false},
    {"trace another process", trace_parent, false},
    {"read its memory", read_parent, false},
    {"write its memory", write_parent, false},
    {"signal it", signal_parent, false},
    {"signal its thread", signal_thread, false},
    {"signal the group", signal_group, false},
    {"hold it by descriptor", pidfd, false},
    {"read a file", read_hidden, true},
    {"write the config", write_config, true},
    {"make a file", make_outside, true},
    {"make one by way of the journal", make_by_way_of_the_journal, true},
    {"list a folder", list_outside, true},
    {"remove a file", remove_outside, true},
    {"move a file into the journal", rename_into, true},
    {"link a file into the journal", link_into, false},
    {"make a symbolic link", symlink_in, false},
    {"make a device", make_device, false},
    {"make a folder", make_folder, true},
    {"cut a file", truncate_outside, false},
    {"change an owner", change_owner, false},
    {"set an attribute", set_attribute, false},
    {"read another's environment", read_parents_environment, true},
    {"read the kernel's log", read_kernel_log, true},
    {"open by handle", open_by_handle, false},
    {"mount", do_mount, false},
    {"unmount", do_umount, false},
    {"change the root", change_root, false},
    {"change the folder", change_folder, false},
    {"make a namespace", new_namespace, false},
    {"enter a namespace", enter_namespace, false},
    {"open a packet socket", packet_socket, false},
    {"open a raw socket", raw_socket, false},
    {"open a socket of another family", odd_socket, false},
    {"open another netlink", other_netlink, false},
    {"listen", listen_somewhere, true},
    {"map code", map_code, false},
    {"make code of data", make_code, false},
    {"make a file of memory", memory_file, false},
    {"load BPF", load_bpf, false},
    {"count events", count_events, false},
    {"handle faults", fault_handler, false},
    {"use keys of the kernel", take_key, false},
    {"add a key", add_key, false},
    {"load a module", load_module, false},
    {"load a kernel", load_kernel, false},
    {"restart the host", restart_host, false},
    {"name the host", name_host, false},
    {"set the clock", set_clock, false},
    {"become another user", other_user, false},
    {"take capabilities back", raise_capability, false},
    {"set limits", raise_limit, false},
    {"change the personality", change_personality, false},
    {"become dumpable", show_itself, false},
    {"type into the terminal", type_into_terminal, false},
    {"make another ring", new_ring, false},
    {"swap", swap_on, false},
    {"write accounts", account, false},
};

/* Exit codes: 0: refused; 1: it was done; 2: it failed for another reason. */
static int outcome_of(const struct act *act)
{
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        enter(PW_CONFINE_ENGINE);
        errno = 0;
        long result = act->do_it();
        _exit(result >= 0 ? 1 : errno == EPERM || errno == EACCES ? 0 : 2);
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 3;
}

Test(confine, forbidden_acts_are_refused)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    cr_skip_test("a build with a sanitizer is not confined");
#endif
    cr_assert_geq(sizeof acts / sizeof *acts, 40);
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        if (!acts[i].by_landlock || has_landlock()) {
            cr_expect_eq(outcome_of(&acts[i]), 0, "%s: %d", acts[i].name, outcome_of(&acts[i]));
        }
    }
    cr_expect_eq(access(hidden, F_OK), 0);
}

/* ---- what goes on ---- */

static int failed_at;

#define NEED(condition)                                                                                      \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #condition, strerror(errno));             \
            failed_at = __LINE__;                                                                            \
        }                                                                                                    \
    } while (0)

static void *nothing(void *state)
{
    return state;
}

/* A segment is made, written, locked, renamed, cut and removed; the folder is synced. */
static void keep_a_journal(void)
{
    char path[128], fresh[128];
    snprintf(path, sizeof path, "%s/segment", kept);
    snprintf(fresh, sizeof fresh, "%s/segment.new", kept);
    int fd = open(fresh, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    int folder = open(kept, O_RDONLY | O_DIRECTORY);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    NEED(fd >= 0 && folder >= 0);
    NEED(posix_fallocate(fd, 0, 65536) == 0 && pwrite(fd, "x", 1, 4096) == 1 && fdatasync(fd) == 0);
    NEED(fcntl(fd, F_SETLK, &lock) == 0);
    void *map = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    NEED(map != MAP_FAILED && msync(map, 4096, MS_SYNC) == 0 && munmap(map, 65536) == 0);
    NEED(rename(fresh, path) == 0 && fsync(folder) == 0 && ftruncate(fd, 4096) == 0 && close(fd) == 0);
    NEED((fd = open(path, O_WRONLY | O_TRUNC)) >= 0 && close(fd) == 0);
    NEED(unlink(path) == 0 && close(folder) == 0);
}

static void keep_a_socket(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%.80s/socket", kept);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    NEED(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0 && listen(fd, 4) == 0);
    NEED(unlink(address.sun_path) == 0 && close(fd) == 0);
}

static void stay_connected(uint16_t port)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    NEED(getaddrinfo("localhost", "443", &hints, &found) == 0);
    if (found != NULL) {
        freeaddrinfo(found);
    }
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP), on = 1;
    NEED(setsockopt(fd, IPPROTO_TCP, 1 /* no delay */, &on, sizeof on) == 0);
    NEED(connect(fd, (struct sockaddr *)&to, sizeof to) == 0 || errno == EINPROGRESS);
    close(fd);
}

static int try_needs(enum pw_confine_program program, uint16_t port)
{
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        pthread_t thread;
        enter(program);
        for (int i = 0; i < 3; i++) { /* not only the first time */
            keep_a_journal();
            NEED(pthread_create(&thread, NULL, nothing, NULL) == 0 && pthread_join(thread, NULL) == 0);
            int fd = open(config, O_RDONLY);
            NEED(fd >= 0 && close(fd) == 0);
            fd = open("/proc/self/status", O_RDONLY);
            NEED(fd >= 0 && close(fd) == 0);
            NEED((fd = open("/dev/null", O_WRONLY)) >= 0 && close(fd) == 0);
            NEED(kill(getpid(), 0) == 0);
            NEED(usleep(1) == 0);
            if (program != PW_CONFINE_FILES) {
                keep_a_socket();
                stay_connected(port);
                fd = open("/etc/hosts", O_RDONLY);
                NEED(fd >= 0 && close(fd) == 0);
            }
        }
        _exit(failed_at != 0);
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + status;
}

Test(confine, what_a_run_needs_goes_on)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof any;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(bind(listener, (struct sockaddr *)&any, sizeof any), 0);
    cr_assert_eq(listen(listener, 16), 0);
    cr_assert_eq(getsockname(listener, (struct sockaddr *)&any, &bytes), 0);
    cr_expect_eq(try_needs(PW_CONFINE_ENGINE, ntohs(any.sin_port)), 0);
    cr_expect_eq(try_needs(PW_CONFINE_SERVER, ntohs(any.sin_port)), 0);
    cr_expect_eq(try_needs(PW_CONFINE_FILES, ntohs(any.sin_port)), 0);
    close(listener);
}

/* What the kernel says of the process, as anybody can read it. */
static bool status_has(const char *line)
{
    char text[256];
    bool found = false;
    FILE *file = fopen("/proc/self/status", "r");
    while (file != NULL && fgets(text, sizeof text, file) != NULL) {
        found = found || strcmp(text, line) == 0;
    }
    if (file != NULL) {
        fclose(file);
    }
    return found;
}

Test(confine, the_kernel_says_so)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    cr_skip_test("a build with a sanitizer is not confined");
#endif
    pid_t child = fork();
    if (child == 0) {
        enter(PW_CONFINE_ENGINE);
        bool good = status_has("CapEff:\t0000000000000000\n") && status_has("CapPrm:\t0000000000000000\n") &&
                    status_has("NoNewPrivs:\t1\n") && status_has("Seccomp:\t2\n");
        _exit(good ? 0 : 1);
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect_eq(status, 0);
}

/* A call that is newer than the list looks like one that the kernel does not have: then the C library takes
 * an older one. Of this one (fchmodat2, Linux 6.6) it depends on that. */
Test(confine, newer_calls_look_absent)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    cr_skip_test("a build with a sanitizer is not confined");
#endif
    pid_t child = fork();
    if (child == 0) {
        char path[128];
        enter(PW_CONFINE_ENGINE);
        snprintf(path, sizeof path, "%s/none", kept);
        bool absent = syscall(452, AT_FDCWD, path, 0600, 0) < 0 && errno == ENOSYS;
        _exit(absent && syscall(100000) < 0 && errno == ENOSYS ? 0 : 1);
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect_eq(status, 0);
}

/* A build with a sanitizer, or with a library preloaded, keeps what it needs, and gives up the rest. */
Test(confine, a_process_with_a_preloaded_library_keeps_its_files)
{
    pid_t child = fork();
    if (child == 0) {
        setenv("LD_PRELOAD", "libnothing.so", 1);
        enter(PW_CONFINE_ENGINE);
        _exit(open(hidden, O_RDONLY) >= 0 && status_has("NoNewPrivs:\t1\n") &&
                      status_has("CapEff:\t0000000000000000\n")
                  ? 0
                  : 1);
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect_eq(status, 0);
}
