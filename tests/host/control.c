/* SPDX-License-Identifier: MIT
 *
 * The control socket: requests answered, strangers and abuse refused, dead engines replaced, living ones not.
 */
#include "control.h"
#include "test_folder.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char g_dir[] = "/tmp/pinwheel-control-XXXXXX";
static char g_error[512];

static void dir_make(void)
{
    cr_assert_not_null(mkdtemp(g_dir));
    setenv("XDG_RUNTIME_DIR", g_dir, 1);
}

static void dir_remove(void)
{
    folder_remove(g_dir);
}

TestSuite(control, .init = dir_make, .fini = dir_remove);

static void echo(void *state, const char *request, char *answer, size_t answer_bytes)
{
    (void)state;
    snprintf(answer, answer_bytes, "{\"request\":\"%s\"}", request);
}

static const struct pw_control_handler g_echo = {.answer = echo};

struct server {
    struct pw_control control;
    _Atomic int stop;
    pthread_t thread;
};

static void *server_main(void *arg)
{
    struct server *server = arg;
    while (!atomic_load(&server->stop)) {
        pw_control_poll(&server->control, &g_echo);
        usleep(500);
    }
    return NULL;
}

static void server_start(struct server *server)
{
    cr_assert_eq(pw_control_open(&server->control, "demo", g_error, sizeof g_error), 0, "%s", g_error);
    atomic_init(&server->stop, 0);
    cr_assert_eq(pthread_create(&server->thread, NULL, server_main, server), 0);
}

static void server_stop(struct server *server)
{
    atomic_store(&server->stop, 1);
    pthread_join(server->thread, NULL);
    pw_control_close(&server->control);
}

/* A connection of our own making, for what pw_control_request would never send. */
static int connect_raw(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/pinwheel/demo.sock", g_dir);
    int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
    cr_assert_geq(fd, 0);
    cr_assert_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0, "%s", strerror(errno));
    return fd;
}

Test(control, request_gets_its_answer)
{
    struct server server;
    char answer[256];
    server_start(&server);
    for (int i = 0; i < 20; i++) {
        char request[32], expected[64];
        snprintf(request, sizeof request, "status %d", i);
        snprintf(expected, sizeof expected, "{\"request\":\"status %d\"}", i);
        cr_assert_eq(pw_control_request("demo", request, answer, sizeof answer, 5000), 0);
        cr_assert_str_eq(answer, expected);
    }
    server_stop(&server);
}

Test(control, engine_is_found_by_its_path)
{
    struct server server;
    char answer[256];
    char path[128];
    server_start(&server);
    snprintf(path, sizeof path, "%s/pinwheel/demo.sock", g_dir);
    cr_expect_eq(pw_control_request(path, "by path", answer, sizeof answer, 5000), 0);
    cr_expect_str_eq(answer, "{\"request\":\"by path\"}");
    server_stop(&server);
}

Test(control, engine_started_without_the_variable_is_found)
{
    struct pw_control control;
    char instance[32], answer[64];
    snprintf(instance, sizeof instance, "test-%d", (int)getpid());
    unsetenv("XDG_RUNTIME_DIR");
    cr_assert_eq(pw_control_open(&control, instance, g_error, sizeof g_error), 0, "%s", g_error);
    setenv("XDG_RUNTIME_DIR", g_dir, 1);
    cr_expect_eq(pw_control_request(instance, "status", answer, sizeof answer, 20), -ETIMEDOUT,
                 "found, not served");
    pw_control_close(&control);
    cr_expect_eq(pw_control_request(instance, "status", answer, sizeof answer, 20), -ENOENT,
                 "gone after close");
    char lock_path[64];
    snprintf(lock_path, sizeof lock_path, "/tmp/pinwheel-%u/%s.lock", (unsigned)geteuid(), instance);
    cr_expect_neq(access(lock_path, F_OK), 0, "nothing stays behind");
}

Test(control, absent_engine_is_enoent)
{
    char answer[64];
    cr_expect_eq(pw_control_request("nobody-by-that-name", "status", answer, sizeof answer, 100), -ENOENT);
}

Test(control, hung_engine_is_etimedout)
{
    struct pw_control control;
    char answer[64];
    cr_assert_eq(pw_control_open(&control, "demo", g_error, sizeof g_error), 0, "%s", g_error);
    cr_expect_eq(pw_control_request("demo", "status", answer, sizeof answer, 50), -ETIMEDOUT);
    pw_control_close(&control);
}

Test(control, living_engine_keeps_its_name)
{
    struct pw_control first, second;
    cr_assert_eq(pw_control_open(&first, "demo", g_error, sizeof g_error), 0, "%s", g_error);
    cr_expect_eq(pw_control_open(&second, "demo", g_error, sizeof g_error), -EADDRINUSE);
    cr_expect_not_null(strstr(g_error, "'demo'"), "%s", g_error);
    cr_expect_eq(pw_control_open(&second, "other", g_error, sizeof g_error), 0, "%s", g_error);
    pw_control_close(&second);
    pw_control_close(&first);
}

static void *opener_main(void *owner_cnt)
{
    for (int i = 0; i < 500; i++) {
        struct pw_control control;
        char error[512];
        if (pw_control_open(&control, "demo", error, sizeof error) == 0) {
            if (atomic_fetch_add((_Atomic int *)owner_cnt, 1) != 0) {
                return owner_cnt; /* two at once */
            }
            atomic_fetch_sub((_Atomic int *)owner_cnt, 1);
            pw_control_close(&control);
        }
    }
    return NULL;
}

Test(control, name_has_one_owner_whoever_comes_and_goes)
{
    _Atomic int owner_cnt = 0;
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        cr_assert_eq(pthread_create(&threads[i], NULL, opener_main, &owner_cnt), 0);
    }
    for (int i = 0; i < 4; i++) {
        void *result;
        pthread_join(threads[i], &result);
        cr_expect_null(result, "thread %d owned the name together with another", i);
    }
}

Test(control, killed_engine_is_told_and_replaced)
{
    char answer[64];
    pid_t child = fork();
    if (child == 0) {
        struct pw_control control;
        _exit(pw_control_open(&control, "demo", g_error, sizeof g_error) == 0 ? 0 : 1);
    }
    int status;
    waitpid(child, &status, 0);
    cr_assert_eq(status, 0);
    cr_expect_eq(pw_control_request("demo", "status", answer, sizeof answer, 1000), -ECONNREFUSED);
    struct server server;
    server_start(&server);
    cr_expect_eq(pw_control_request("demo", "status", answer, sizeof answer, 5000), 0);
    server_stop(&server);
}

Test(control, directory_open_to_others_is_refused)
{
    char path[128];
    struct pw_control control;
    snprintf(path, sizeof path, "%s/pinwheel", g_dir);
    cr_assert_eq(mkdir(path, 0700), 0);
    cr_assert_eq(chmod(path, 0755), 0);
    cr_expect_eq(pw_control_open(&control, "demo", g_error, sizeof g_error), -EPERM);
    cr_expect_not_null(strstr(g_error, "0700"), "%s", g_error);
}

Test(control, symbolic_link_for_directory_is_refused)
{
    char path[128], target[128], answer[64];
    struct pw_control control;
    snprintf(path, sizeof path, "%s/pinwheel", g_dir);
    snprintf(target, sizeof target, "%s/elsewhere", g_dir);
    cr_assert_eq(mkdir(target, 0700), 0);
    cr_assert_eq(symlink(target, path), 0);
    cr_expect_eq(pw_control_open(&control, "demo", g_error, sizeof g_error), -EPERM);
    cr_expect_eq(pw_control_request("demo", "status", answer, sizeof answer, 100), -EPERM);
}

Test(control, oversized_or_binary_request_closes_that_client_only)
{
    struct server server;
    char answer[64], large[PW_CONTROL_REQUEST_BYTES + 1] = "";
    server_start(&server);
    memset(large, 'a', PW_CONTROL_REQUEST_BYTES);
    int fd = connect_raw();
    cr_assert_eq(send(fd, large, PW_CONTROL_REQUEST_BYTES, 0), (ssize_t)PW_CONTROL_REQUEST_BYTES);
    cr_expect_leq(recv(fd, answer, sizeof answer, 0), 0, "closed without an answer");
    close(fd);
    fd = connect_raw();
    cr_assert_eq(send(fd, "a\0b", 3, 0), 3);
    cr_expect_leq(recv(fd, answer, sizeof answer, 0), 0, "closed without an answer");
    close(fd);
    cr_expect_eq(pw_control_request("demo", large, answer, sizeof answer, 100), -EMSGSIZE);
    cr_expect_eq(pw_control_request("demo", "status", answer, sizeof answer, 5000), 0);
    server_stop(&server);
    cr_expect_eq(server.control.refused_cnt, 2);
}

Test(control, silent_clients_cannot_keep_others_out)
{
    struct server server;
    char answer[64];
    int fds[3 * PW_CONTROL_CLIENTS];
    server_start(&server);
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++) {
        fds[i] = connect_raw();
    }
    cr_expect_eq(pw_control_request("demo", "status", answer, sizeof answer, 5000), 0);
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++) {
        close(fds[i]);
    }
    server_stop(&server);
    cr_expect_gt(server.control.refused_cnt, 0);
    cr_expect_leq(server.control.client_cnt, PW_CONTROL_CLIENTS);
}

/* ---- an answer that comes later ---- */

static void hold(void *state, const char *request, char *answer, size_t answer_bytes)
{
    (void)request;
    (void)answer;
    (void)answer_bytes;
    pw_control_hold(state, 7);
}

static bool g_stored;

static void answer_stored(void *state, uint64_t ticket, int64_t waited_ns, char *answer, size_t answer_bytes)
{
    (void)state;
    (void)waited_ns;
    if (g_stored) {
        snprintf(answer, answer_bytes, "ticket %d", (int)ticket);
    }
}

/* Whoever waits for the answer to a halt is not pushed out by those that only knock. */
Test(control, who_waits_for_an_answer_is_not_pushed_out_by_silent_ones)
{
    struct pw_control control;
    struct pw_control_handler handler = {hold, answer_stored, &control};
    int fds[2 * PW_CONTROL_CLIENTS];
    char answer[64] = "";
    cr_assert_eq(pw_control_open(&control, "demo", g_error, sizeof g_error), 0, "%s", g_error);
    int waiting = connect_raw();
    cr_assert_eq(send(waiting, "halt", 4, 0), 4);
    pw_control_poll(&control, &handler);
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++) {
        fds[i] = connect_raw();
        pw_control_poll(&control, &handler);
    }
    g_stored = true;
    cr_expect_eq(pw_control_poll(&control, &handler), 1);
    cr_expect_eq(recv(waiting, answer, sizeof answer - 1, MSG_DONTWAIT), 8);
    cr_expect_str_eq(answer, "ticket 7");
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++) {
        close(fds[i]);
    }
    close(waiting);
    pw_control_close(&control);
}

Test(control, another_user_is_refused)
{
    if (geteuid() != 0) {
        cr_skip_test("needs root, to become another user");
    }
    struct server server;
    server_start(&server);
    pid_t child = fork();
    if (child == 0) {
        /* The socket opened up on purpose: the directory's mode is the first wall, the credentials the
         * second. */
        char path[128], answer[64];
        snprintf(path, sizeof path, "%s/pinwheel", g_dir);
        if (chmod(g_dir, 0755) != 0 || chmod(path, 0755) != 0) {
            _exit(10);
        }
        snprintf(path, sizeof path, "%s/pinwheel/demo.sock", g_dir);
        if (chmod(path, 0777) != 0 || setuid(65534) != 0) {
            _exit(11);
        }
        int fd = connect_raw();
        send(fd, "halt", 4, MSG_NOSIGNAL);
        _exit(recv(fd, answer, sizeof answer, 0) > 0 ? 12 : 0);
    }
    int status;
    waitpid(child, &status, 0);
    server_stop(&server);
    cr_expect_eq(status, 0, "child status %d", status);
    cr_expect_eq(server.control.refused_cnt, 1);
}
