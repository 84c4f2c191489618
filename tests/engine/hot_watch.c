/* SPDX-License-Identifier: MIT
 *
 * Preloaded into an engine: counts each thread's calls for memory, and, on the hot threads, every system call
 * but io_uring's.
 *
 * Memory: the allocator's functions stand here before libc's. The engine's static libraries (wolfSSL,
 * liburing) are bound to them as well.
 *
 * System calls: a hot thread gets a seccomp filter, which cannot be cheated by a call that does not go
 * through libc. What the filter does not know raises SIGSYS; the handler counts the call, then makes it from
 * the one address that the filter lets pass. So the engine goes on and stops cleanly.
 *
 * The runner's threads come by here on each pass, for they read the clock: that is when they are armed, and
 * when the sabotage is done.
 */
#include "hot_watch.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

/* glibc's own names of what is replaced here. */
void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t cnt, size_t bytes);
void *__libc_realloc(void *memory, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);
void __libc_free(void *memory);

static struct hot_watch *g_watch;
static uintptr_t g_program;                                            /* where it is loaded */
static int (*g_clock_gettime)(clockid_t clock, struct timespec *time); /* libc's */
static _Thread_local __attribute__((tls_model("initial-exec"))) struct hot_row *t_row;
static _Thread_local __attribute__((tls_model("initial-exec"))) bool t_judged; /* hot or not */
static _Thread_local __attribute__((tls_model("initial-exec"))) uint32_t t_pass_cnt;

/* ---- the call that passes the filter ---- */

long hot_call(long number, long a, long b, long c, long d, long e, long f);
extern const char hot_call_made[]; /* the address that the kernel sees */

__asm__(".text\n"
        ".hidden hot_call\n.hidden hot_call_made\n"
        ".globl hot_call\n.globl hot_call_made\n"
        ".type hot_call, @function\n"
        "hot_call:\n"
        "  mov %rdi, %rax\n"
        "  mov %rsi, %rdi\n"
        "  mov %rdx, %rsi\n"
        "  mov %rcx, %rdx\n"
        "  mov %r8, %r10\n"
        "  mov %r9, %r8\n"
        "  mov 8(%rsp), %r9\n"
        "  syscall\n"
        "hot_call_made:\n"
        "  ret\n"
        ".size hot_call, . - hot_call\n");

/* ---- rows ---- */

static struct hot_row *row_of_thread(void)
{
    if (t_row == NULL && g_watch != NULL) {
        uint32_t row_idx = atomic_fetch_add(&g_watch->row_cnt, 1);
        if (row_idx < HOT_WATCH_ROWS) {
            t_row = &g_watch->rows[row_idx];
            atomic_store(&t_row->core, -1);
            atomic_store(&t_row->tid, (int32_t)hot_call(SYS_gettid, 0, 0, 0, 0, 0, 0));
        }
    }
    return t_row;
}

static void heap_count(enum hot_heap kind, const void *caller)
{
    struct hot_row *row = row_of_thread();
    if (row == NULL) {
        return;
    }
    if (atomic_load(&row->armed) == 0 || atomic_load(&g_watch->phase) != HOT_WATCHED) {
        atomic_fetch_add(&row->heap_cnt[kind], 1);
        return;
    }
    uint64_t none = 0;
    atomic_compare_exchange_strong(&row->heap_caller, &none, (uintptr_t)caller - g_program);
    atomic_fetch_add(&row->heap_watched_cnt[kind], 1);
}

/* ---- memory ---- */

void *malloc(size_t bytes)
{
    heap_count(HOT_MALLOC, __builtin_return_address(0));
    return __libc_malloc(bytes);
}

void *calloc(size_t cnt, size_t bytes)
{
    heap_count(HOT_CALLOC, __builtin_return_address(0));
    return __libc_calloc(cnt, bytes);
}

void *realloc(void *memory, size_t bytes)
{
    heap_count(HOT_REALLOC, __builtin_return_address(0));
    return __libc_realloc(memory, bytes);
}

void *memalign(size_t alignment, size_t bytes)
{
    heap_count(HOT_MEMALIGN, __builtin_return_address(0));
    return __libc_memalign(alignment, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
    heap_count(HOT_MEMALIGN, __builtin_return_address(0));
    return __libc_memalign(alignment, bytes);
}

int posix_memalign(void **memory, size_t alignment, size_t bytes)
{
    heap_count(HOT_MEMALIGN, __builtin_return_address(0));
    *memory = __libc_memalign(alignment, bytes);
    return *memory != NULL ? 0 : ENOMEM;
}

void free(void *memory)
{
    if (memory != NULL) {
        heap_count(HOT_FREE, __builtin_return_address(0));
    }
    __libc_free(memory);
}

void *mmap(void *address, size_t bytes, int protection, int flags, int fd, off_t offset)
{
    heap_count(HOT_MAP, __builtin_return_address(0));
    return (void *)syscall(SYS_mmap, address, bytes, protection, flags, fd, offset);
}

int munmap(void *address, size_t bytes)
{
    heap_count(HOT_UNMAP, __builtin_return_address(0));
    return (int)syscall(SYS_munmap, address, bytes);
}

/* ---- system calls ---- */

static void call_trapped(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
    if (atomic_load(&g_watch->phase) == HOT_WATCHED && info->si_syscall >= 0 &&
        info->si_syscall < (int)HOT_CALL_CNT) {
        atomic_fetch_add(&t_row->call_cnt[info->si_syscall], 1);
    }
    regs[REG_RAX] = hot_call(info->si_syscall, regs[REG_RDI], regs[REG_RSI], regs[REG_RDX], regs[REG_R10],
                             regs[REG_R8], regs[REG_R9]);
}

/* 1 or -errno. Signals are blocked on the runner's threads, and one that is blocked when the kernel raises it
 * kills: so SIGSYS is let through. */
static int32_t calls_trap(void)
{
    uint64_t passing = (uintptr_t)hot_call_made;
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_enter, 6, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigreturn, 5, 0), /* the handler's end */
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)passing, 0, 2),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer) + 4),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(passing >> 32), 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {.len = sizeof program / sizeof program[0], .filter = program};
    struct sigaction action = {.sa_sigaction = call_trapped, .sa_flags = SA_SIGINFO};
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGSYS);
    if (sigaction(SIGSYS, &action, NULL) != 0 || pthread_sigmask(SIG_UNBLOCK, &set, NULL) != 0 ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) != 0) {
        return -errno;
    }
    return 1;
}

/* ---- the hook on each pass ---- */

/* The runner calls its threads "pw<core> <first stage>"; the journal's commits have a thread of their own,
 * cold. */
static int32_t core_of_thread(void)
{
    char name[16] = "";
    unsigned core;
    prctl(PR_GET_NAME, name, 0, 0, 0);
    if (strcmp(name, "journal.commit") == 0) {
        return HOT_CORE_COLD;
    }
    return sscanf(name, "pw%u ", &core) == 1 && core < HOT_CORE_COLD ? (int32_t)core : -1;
}

static void thread_arm(struct hot_row *row)
{
    int32_t core = core_of_thread();
    atomic_store(&row->core, core);
    if (core >= 0 && (atomic_load(&g_watch->hot_cores) >> core & 1) != 0) {
        atomic_store(&row->armed, calls_trap());
    }
}

static void sabotage(void)
{
    static void *(*volatile take)(size_t) = malloc; /* volatile: not to be optimised away */
    switch (atomic_load(&g_watch->sabotage)) {
    case HOT_SABOTAGE_MALLOC:
        free(take(64));
        break;
    case HOT_SABOTAGE_GETPPID:
        syscall(SYS_getppid);
        break;
    default:
        break;
    }
}

static void pass_begins(void)
{
    enum { SABOTAGE_PASSES = 1000 };
    struct hot_row *row = row_of_thread();
    if (row != NULL && !t_judged) {
        t_judged = true;
        thread_arm(row);
    } else if (row != NULL && atomic_load(&row->armed) != 0 && ++t_pass_cnt % SABOTAGE_PASSES == 0) {
        sabotage();
    }
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
    if (g_watch != NULL && atomic_load_explicit(&g_watch->phase, memory_order_relaxed) == HOT_WATCHED) {
        pass_begins();
    }
    return g_clock_gettime != NULL ? g_clock_gettime(clock, time)
                                   : (int)syscall(SYS_clock_gettime, clock, time);
}

/* ---- start ---- */

static int program_find(struct dl_phdr_info *info, size_t bytes, void *state)
{
    (void)bytes;
    (void)state;
    g_program = info->dlpi_addr; /* the program itself comes first */
    return 1;
}

__attribute__((constructor)) static void watch_begin(void)
{
    const char *path = getenv(HOT_WATCH_ENV);
    int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0) {
        return;
    }
    void *memory = mmap(NULL, sizeof *g_watch, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (memory != MAP_FAILED) {
        dl_iterate_phdr(program_find, NULL);
        *(void **)&g_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
        g_watch = memory;
    }
}
