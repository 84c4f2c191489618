/* SPDX-License-Identifier: MIT
 *
 * System calls by program, in one table, and the filter made of it. A call that is not listed fails with
 * EPERM, so that what one library tries and can do without costs no engine its life; one that is newer than
 * the list fails with ENOSYS, as on a kernel without it, since C libraries then take the older call.
 *
 * io_uring is not subject to such filters: the engine's ring has restrictions of its own (src/net/uring.c),
 * and file rules hold for it.
 */
#include "confine_calls.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41 /* names of mappings, which the C library gives its heaps; since Linux 5.17 */
#endif

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#endif

enum {
    E = PW_CONFINE_ENGINE,
    S = PW_CONFINE_SERVER,
    F = PW_CONFINE_FILES,
    NET = E | S,
    ALL = E | S | F,
};

struct call {
    uint32_t number;
    uint8_t programs;
};

#define CALL(name, programs)                                                                                 \
    {                                                                                                        \
        __NR_##name, programs                                                                                \
    }

/* clang-format off */
static const struct call calls[] = {
    /* files */
    CALL(read, ALL), CALL(write, ALL), CALL(readv, ALL), CALL(writev, ALL), CALL(pread64, ALL), CALL(pwrite64, ALL),
    CALL(preadv, ALL), CALL(pwritev, ALL), CALL(lseek, ALL), CALL(close, ALL), CALL(openat, ALL), CALL(fstat, ALL),
    CALL(newfstatat, ALL), CALL(statx, ALL), CALL(faccessat, ALL), CALL(faccessat2, ALL), CALL(readlinkat, ALL),
    CALL(getdents64, ALL), CALL(fcntl, ALL), CALL(flock, ALL), CALL(dup, ALL), CALL(dup3, ALL), CALL(statfs, ALL),
    CALL(fstatfs, ALL), CALL(fsync, ALL), CALL(fdatasync, ALL), CALL(sync_file_range, ALL), CALL(ftruncate, ALL),
    CALL(fallocate, ALL), CALL(fadvise64, ALL), CALL(unlinkat, ALL), CALL(renameat, ALL), CALL(renameat2, ALL),
    CALL(mkdirat, ALL), CALL(fchmod, ALL), CALL(fchmodat, ALL), CALL(getcwd, ALL), CALL(umask, ALL), CALL(pipe2, ALL),
    CALL(copy_file_range, F), CALL(sendfile, F),
#if defined(__x86_64__) /* the same by older names */
    CALL(open, ALL), CALL(stat, ALL), CALL(lstat, ALL), CALL(access, ALL), CALL(readlink, ALL), CALL(unlink, ALL),
    CALL(rename, ALL), CALL(mkdir, ALL), CALL(dup2, ALL), CALL(pipe, ALL), CALL(poll, ALL), CALL(select, ALL),
    CALL(time, ALL), CALL(arch_prctl, ALL), CALL(epoll_wait, NET), CALL(getrlimit, ALL),
#endif
    /* memory */
    CALL(munmap, ALL), CALL(mremap, ALL), CALL(madvise, ALL), CALL(brk, ALL), CALL(mlock, ALL), CALL(mlock2, ALL),
    CALL(munlock, ALL), CALL(msync, ALL), CALL(mincore, ALL), CALL(membarrier, ALL), CALL(get_mempolicy, ALL),
    CALL(set_mempolicy, E), CALL(mbind, E),
    /* threads, signals, time */
    CALL(futex, ALL), CALL(set_robust_list, ALL), CALL(get_robust_list, ALL), CALL(rseq, ALL),
    CALL(set_tid_address, ALL), CALL(gettid, ALL), CALL(getpid, ALL), CALL(getppid, ALL), CALL(sched_yield, ALL),
    CALL(sched_getaffinity, ALL), CALL(sched_setaffinity, E), CALL(sched_getscheduler, ALL), CALL(sched_getparam, ALL),
    CALL(getcpu, ALL), CALL(rt_sigaction, ALL), CALL(rt_sigprocmask, ALL), CALL(rt_sigreturn, ALL),
    CALL(rt_sigpending, ALL), CALL(rt_sigtimedwait, ALL), CALL(rt_sigsuspend, ALL), CALL(sigaltstack, ALL),
    CALL(restart_syscall, ALL), CALL(exit, ALL), CALL(exit_group, ALL), CALL(clock_gettime, ALL),
    CALL(clock_getres, ALL), CALL(clock_nanosleep, ALL), CALL(nanosleep, ALL), CALL(gettimeofday, ALL),
    CALL(ppoll, ALL), CALL(pselect6, ALL),
    /* who and where we are */
    CALL(getuid, ALL), CALL(geteuid, ALL), CALL(getgid, ALL), CALL(getegid, ALL), CALL(uname, ALL), CALL(sysinfo, ALL),
    CALL(getrandom, ALL), CALL(getrusage, ALL), CALL(times, ALL),
    /* network; control sockets */
    CALL(connect, NET), CALL(bind, NET), CALL(listen, NET), CALL(accept4, NET), CALL(getsockname, NET),
    CALL(getpeername, NET), CALL(getsockopt, NET), CALL(setsockopt, NET), CALL(sendto, NET), CALL(recvfrom, NET),
    CALL(sendmsg, NET), CALL(recvmsg, NET), CALL(sendmmsg, NET), CALL(recvmmsg, NET), CALL(shutdown, NET),
    CALL(epoll_create1, NET), CALL(epoll_ctl, NET), CALL(epoll_pwait, NET), CALL(epoll_pwait2, NET), CALL(eventfd2, NET),
    CALL(io_uring_setup, E), CALL(io_uring_enter, E), CALL(io_uring_register, E),
    CALL(seccomp, E), /* pw_confine_rings: it can only take away */
};
/* clang-format on */

/* ---- the filter ---- */

#define FILTER_MAX 512u
#define NEWER      451u /* numbers from here on are those of Linux 5.17 and later, on all architectures */
#define ALLOW      SECCOMP_RET_ALLOW
#define REFUSE     (SECCOMP_RET_ERRNO | EPERM)
#define UNKNOWN    (SECCOMP_RET_ERRNO | ENOSYS)

struct filter {
    struct sock_filter code[FILTER_MAX];
    uint16_t cnt;
    int call_cnt;
};

static void add(struct filter *filter, uint16_t code, uint32_t k, uint8_t if_true, uint8_t if_false)
{
    if (filter->cnt < FILTER_MAX) {
        filter->code[filter->cnt++] = (struct sock_filter){code, if_true, if_false, k};
    }
}

static void add_load(struct filter *filter, size_t offset)
{
    add(filter, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

/* The low half of an argument: all that are looked at are ints, or have what matters there. */
static void add_load_arg(struct filter *filter, unsigned arg)
{
    add_load(filter, offsetof(struct seccomp_data, args) + 8 * arg);
}

static void add_return(struct filter *filter, uint32_t verdict)
{
    add(filter, BPF_RET | BPF_K, verdict, 0, 0);
}

/* A call of which an argument is looked at: its checks follow, and the last of them returns. */
static void add_checked(struct filter *filter, uint32_t number, uint8_t check_cnt)
{
    add(filter, BPF_JMP | BPF_JEQ | BPF_K, number, 0, check_cnt);
    filter->call_cnt++;
}

/* Allowed if the argument, of which only these bits count, is one of these values. */
static void add_one_of(struct filter *filter, uint32_t number, unsigned arg, uint32_t mask,
                       const uint32_t *values, uint8_t value_cnt)
{
    add_checked(filter, number, (uint8_t)(value_cnt + 4));
    add_load_arg(filter, arg);
    add(filter, BPF_ALU | BPF_AND | BPF_K, mask, 0, 0);
    for (uint8_t i = 0; i < value_cnt; i++) {
        add(filter, BPF_JMP | BPF_JEQ | BPF_K, values[i], (uint8_t)(value_cnt - i), 0);
    }
    add_return(filter, REFUSE);
    add_return(filter, ALLOW);
}

#define ADD_ONE_OF(filter, number, arg, mask, ...)                                                           \
    do {                                                                                                     \
        const uint32_t values_[] = {__VA_ARGS__};                                                            \
        add_one_of(filter, number, arg, mask, values_, sizeof values_ / sizeof *values_);                    \
    } while (0)

/* Internet sockets of the usual kinds, the control socket, and netlink, by which the C library orders
 * addresses. Two arguments of one call: the family decides which kinds. */
static void add_sockets(struct filter *filter)
{
    add_checked(filter, __NR_socket, 14);
    add_load_arg(filter, 0);
    add(filter, BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 7, 0);
    add(filter, BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX, 10, 0);
    add(filter, BPF_JMP | BPF_JEQ | BPF_K, AF_INET, 1, 0);
    add(filter, BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 0, 6);
    add_load_arg(filter, 1);
    add(filter, BPF_ALU | BPF_AND | BPF_K, 0xf, 0, 0);
    add(filter, BPF_JMP | BPF_JEQ | BPF_K, SOCK_STREAM, 5, 0);
    add(filter, BPF_JMP | BPF_JEQ | BPF_K, SOCK_DGRAM, 4, 3);
    add_load_arg(filter, 2);
    add(filter, BPF_JMP | BPF_JEQ | BPF_K, 0, 2, 0); /* NETLINK_ROUTE */
    add_return(filter, REFUSE);
    add_return(filter, REFUSE);
    add_return(filter, ALLOW);
}

/* No memory becomes code. */
static void add_memory(struct filter *filter, uint32_t number)
{
    add_checked(filter, number, 4);
    add_load_arg(filter, 2);
    add(filter, BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1);
    add_return(filter, REFUSE);
    add_return(filter, ALLOW);
}

/* Threads, but no processes. clone3 has its flags in memory, which no filter sees: the C library then takes
 * clone. */
static void add_threads(struct filter *filter)
{
    add_checked(filter, __NR_clone, 4);
    add_load_arg(filter, 0);
    add(filter, BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 1, 0);
    add_return(filter, REFUSE);
    add_return(filter, ALLOW);
    add_checked(filter, __NR_clone3, 1);
    add_return(filter, UNKNOWN);
}

/* Limits are read, not set: the last argument that would set them, a pointer, is none. */
static void add_limits(struct filter *filter)
{
    add_checked(filter, __NR_prlimit64, 6);
    add_load_arg(filter, 2);
    add(filter, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 2);
    add_load(filter, offsetof(struct seccomp_data, args) + 8 * 2 + 4);
    add(filter, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0);
    add_return(filter, REFUSE);
    add_return(filter, ALLOW);
}

static void make_filter(struct filter *filter, enum pw_confine_program program)
{
    add_load(filter, offsetof(struct seccomp_data, arch));
    add(filter, BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0);
    add_return(filter, SECCOMP_RET_KILL_PROCESS);
    add_load(filter, offsetof(struct seccomp_data, nr));
    /* x86-64's other numbers (x32) are in no list either, and reach the end. */
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        if ((calls[i].programs & program) != 0) {
            add(filter, BPF_JMP | BPF_JEQ | BPF_K, calls[i].number, 0, 1);
            add_return(filter, ALLOW);
            filter->call_cnt++;
        }
    }
    /* Each of the following loads an argument only when the number is its own, and then returns. */
    uint32_t self = (uint32_t)getpid();
    if ((program & NET) != 0) {
        add_sockets(filter);
    }
    add_memory(filter, __NR_mmap);
    add_memory(filter, __NR_mprotect);
    add_threads(filter);
    add_limits(filter);
    ADD_ONE_OF(filter, __NR_tgkill, 0, UINT32_MAX, self);
    ADD_ONE_OF(filter, __NR_kill, 0, UINT32_MAX, self);
    ADD_ONE_OF(filter, __NR_prctl, 0, UINT32_MAX, PR_SET_NAME, PR_SET_TIMERSLACK, PR_GET_SECCOMP, PR_SET_VMA);
    ADD_ONE_OF(filter, __NR_ioctl, 1, UINT32_MAX, TCGETS, FIONREAD, FIONBIO, TIOCGWINSZ);
    add(filter, BPF_JMP | BPF_JGE | BPF_K, NEWER, 0, 1);
    add_return(filter, UNKNOWN);
    add_return(filter, REFUSE);
}

/* How many calls it has, or a negative code. SPEC_ALLOW: kernels before 5.16 else make every load and branch
 * of a filtered process slower, against foreign code inside it; there is none here. */
static int install(const struct filter *filter)
{
    const struct sock_fprog prog = {.len = filter->cnt, .filter = (struct sock_filter *)filter->code};
    if (filter->cnt == FILTER_MAX) {
        return -E2BIG;
    }
    long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                          SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_SPEC_ALLOW, &prog);
    return result == 0 ? filter->call_cnt : result > 0 ? -EBUSY : -errno;
}

int pw_confine_calls(enum pw_confine_program program)
{
    static struct filter filter;
    filter = (struct filter){.cnt = 0};
#ifdef ARCH
    make_filter(&filter, program);
    return install(&filter);
#else
    (void)program;
    return -ENOSYS;
#endif
}

void pw_confine_rings(void)
{
    static struct filter filter;
    filter = (struct filter){.cnt = 0};
    if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) != SECCOMP_MODE_FILTER) {
        return; /* there is no first filter either, as the log says */
    }
    add_load(&filter, offsetof(struct seccomp_data, nr));
    add(&filter, BPF_JMP | BPF_JEQ | BPF_K, __NR_io_uring_setup, 0, 1);
    add_return(&filter, REFUSE);
    add_return(&filter, ALLOW);
    (void)install(&filter);
}
