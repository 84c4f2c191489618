/* SPDX-License-Identifier: MIT
 *
 * The contract of struct pw_io (seam.h), kept by io_uring in each of its modes and by plain system calls
 * alike.
 */
#include "seam.h"
#include "uring.h"

#include "host.h"
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define SLOTS 3u

static struct pw_io *io;

/* A connection: ours is given to io, theirs is the test's. */
struct pair {
    int ours, theirs;
};

static struct pair make_pair(void)
{
    int fds[2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    cr_assert_eq(fcntl(fds[1], F_SETFL, O_NONBLOCK), 0);
    return (struct pair){fds[0], fds[1]};
}

static void drop_pair(struct pair pair)
{
    close(pair.ours);
    if (pair.theirs >= 0) {
        close(pair.theirs);
    }
}

/* Passes until something completes, at most a second of them. */
static bool next(struct pw_completion *out)
{
    for (int i = 0; i < 1000; i++) {
        io->submit(io->state);
        if (io->reap(io->state, out, 1) == 1) {
            return true;
        }
        usleep(1000);
    }
    return false;
}

static bool nothing_comes(void)
{
    struct pw_completion completion;
    for (int i = 0; i < 20; i++) {
        io->submit(io->state);
        if (io->reap(io->state, &completion, 1) == 1) {
            return false;
        }
        usleep(1000);
    }
    return true;
}

static void detach(uint32_t slot_idx)
{
    struct pw_completion completion;
    io->detach(io->state, slot_idx);
    do {
        cr_assert(next(&completion));
    } while (completion.kind != PW_IO_DETACHED);
    cr_assert_eq(completion.slot_idx, slot_idx);
}

/* ---- what each must do ---- */

static void receives_sends_and_ends(void)
{
    struct pair pair = make_pair();
    struct pw_completion completion;
    char text[8];
    cr_assert_eq(io->attach(io->state, 1, pair.ours), 0);
    cr_assert(nothing_comes());
    cr_assert_eq(write(pair.theirs, "hello", 5), 5);
    cr_assert(next(&completion));
    cr_expect(completion.kind == PW_IO_RECV && completion.slot_idx == 1 && completion.result == 5);
    cr_expect_eq(memcmp(completion.data, "hello", 5), 0);
    io->release(io->state, 1, completion.buffer_idx);
    cr_assert_eq(io->send(io->state, 1, (const uint8_t *)"answer", 6), 0);
    cr_assert(next(&completion));
    cr_expect(completion.kind == PW_IO_SEND && completion.slot_idx == 1 && completion.result == 6);
    cr_expect_eq(read(pair.theirs, text, sizeof text), 6);
    close(pair.theirs);
    pair.theirs = -1;
    cr_assert(next(&completion));
    cr_expect(completion.kind == PW_IO_RECV && completion.result == 0);
    cr_expect(nothing_comes(), "after the end nothing more");
    detach(1);
    drop_pair(pair);
}

static void pushes_back_when_all_buffers_are_held(void)
{
    static uint8_t sent[400000], got[400000];
    struct pair pair = make_pair();
    struct pw_completion held[PW_IO_BUFFER_CNT];
    size_t written = 0, received = 0;
    for (size_t i = 0; i < sizeof sent; i++) {
        sent[i] = (uint8_t)(i * 2654435761u >> 13);
    }
    cr_assert_eq(io->attach(io->state, 0, pair.ours), 0);
    while (received < sizeof sent) {
        uint32_t n = 0;
        while (n < PW_IO_BUFFER_CNT && received < sizeof sent) {
            ssize_t more = write(pair.theirs, sent + written, sizeof sent - written);
            written += more > 0 ? (size_t)more : 0;
            cr_assert(next(&held[n]));
            cr_assert(held[n].kind == PW_IO_RECV && held[n].result > 0);
            memcpy(got + received, held[n].data, (size_t)held[n].result);
            received += (size_t)held[n++].result;
        }
        if (received < sizeof sent && written > received) {
            cr_assert(nothing_comes(), "all %u buffers are held", PW_IO_BUFFER_CNT);
        }
        while (n > 0) { /* in another order than they came */
            n--;
            io->release(io->state, 0, held[n].buffer_idx);
        }
    }
    cr_expect_arr_eq(got, sent, sizeof sent);
    detach(0);
    drop_pair(pair);
}

static void a_stalled_connection_does_not_hold_up_another(void)
{
    static const uint8_t noise[60000];
    struct pair stalled = make_pair(), lively = make_pair();
    struct pw_completion completion;
    uint32_t others = 0;
    cr_assert_eq(io->attach(io->state, 0, stalled.ours), 0);
    cr_assert_eq(io->attach(io->state, 2, lively.ours), 0);
    cr_assert_gt(write(stalled.theirs, noise, sizeof noise), 0);
    for (int i = 0; i < 100; i++) {
        cr_assert_eq(write(lively.theirs, "x", 1), 1);
        do {
            cr_assert(next(&completion));
            others += completion.slot_idx == 0;
        } while (completion.slot_idx != 2);
        cr_assert(completion.kind == PW_IO_RECV && completion.result == 1);
        io->release(io->state, 2, completion.buffer_idx);
    }
    cr_expect_leq(others, PW_IO_BUFFER_CNT);
    detach(0);
    detach(2);
    for (uint16_t i = 0; i < others; i++) {
        io->release(io->state, 0, i);
    }
    drop_pair(stalled);
    drop_pair(lively);
}

/* Whatever was under way: a receive, and a send that nobody reads. */
static void after_detaching_nothing_of_it_comes_and_the_slot_serves_again(void)
{
    static uint8_t much[4 << 20];
    for (int round = 0; round < 20; round++) {
        struct pair first = make_pair(), second = make_pair();
        struct pw_completion completion;
        cr_assert_eq(io->attach(io->state, 0, first.ours), 0);
        if (round % 2 == 1) {
            io->submit(io->state);
            cr_assert_eq(io->send(io->state, 0, much, sizeof much), 0);
        }
        if (round % 4 > 1) {
            io->submit(io->state);
        }
        detach(0);
        cr_assert_eq(io->attach(io->state, 0, second.ours), 0);
        cr_assert(nothing_comes(), "round %d", round);
        cr_assert_eq(write(second.theirs, "again", 5), 5);
        cr_assert(next(&completion));
        cr_assert(completion.kind == PW_IO_RECV && completion.result == 5, "round %d", round);
        cr_assert_eq(memcmp(completion.data, "again", 5), 0);
        io->release(io->state, 0, completion.buffer_idx);
        detach(0);
        drop_pair(first);
        drop_pair(second);
    }
}

static void check_contract(struct pw_io *made)
{
    io = made;
    cr_assert_not_null(io);
    cr_assert_eq(io->start(io->state), 0);
    receives_sends_and_ends();
    pushes_back_when_all_buffers_are_held();
    a_stalled_connection_does_not_hold_up_another();
    after_detaching_nothing_of_it_comes_and_the_slot_serves_again();
    io->stop(io->state);
    io->destroy(io->state);
}

/* ---- those who must ---- */

TestSuite(io, .timeout = 300);

Test(io, uring_multishot_with_buffer_rings)
{
    check_contract(pw_uring_create(SLOTS, 0));
}

Test(io, uring_one_receive_at_a_time_with_buffer_rings)
{
    check_contract(pw_uring_create(SLOTS, PW_URING_NO_MULTISHOT));
}

Test(io, uring_one_receive_at_a_time_into_named_buffers)
{
    check_contract(pw_uring_create(SLOTS, PW_URING_NO_BUFFER_RING));
}

Test(io, uring_without_deferred_task_work)
{
    check_contract(pw_uring_create(SLOTS, PW_URING_NO_DEFER | PW_URING_NO_RESTRICTIONS));
}

static char g_log[512];

static void keep_log(void *state, enum pw_log_level level, const char *text, uint64_t times)
{
    (void)state, (void)level, (void)times;
    snprintf(g_log, sizeof g_log, "%s", text);
}

/* A user who may lock so much; his own alone, because what a user's processes lock is counted together.
 * 0: it started; else why not, as a status. */
static int start_with(rlim_t locked_bytes)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){locked_bytes, locked_bytes});
        if (setgid(61234) != 0 || setuid(61234) != 0) {
            _exit(3);
        }
        pw_log_set_sink(keep_log, NULL);
        io = pw_uring_create(SLOTS, 0);
        bool started = io != NULL && io->start(io->state) == 0;
        bool blamed = strstr(g_log, "RLIMIT_MEMLOCK is ") != NULL;
        bool mapped = strstr(g_log, "provided-buffer ring") != NULL;
        _exit(started && mapped ? 0 : io == NULL || blamed ? 1 : 2);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* cases/24-memlock-advice: whatever finds no memory that may be locked, the ring or its buffers, names the
 * limit. */
Test(io, a_ring_without_its_memory_names_the_limit)
{
    if (geteuid() != 0) {
        cr_skip_test("another user's limit takes root");
    }
    for (rlim_t kib = 0; kib <= 64; kib += 4) {
        int code = start_with(kib << 10);
        cr_expect_leq(code, 1, "%llu KiB: %d", (unsigned long long)kib, code);
    }
}

Test(io, plain_system_calls)
{
    check_contract(pw_syscalls_create(SLOTS));
}
