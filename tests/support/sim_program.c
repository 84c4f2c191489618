/* SPDX-License-Identifier: MIT
 *
 * Starting and stopping pinwheel-sim: see sim_program.h.
 */
#include "sim_program.h"
#include "test_folder.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WAIT_MS 20000

static void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

static const char *file_text(const struct venue *venue, const char *name)
{
    static char text[65536];
    char path[128];
    size_t size = 0;
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", venue->dir, name);
    file = fopen(path, "r");
    if (file) {
        size = fread(text, 1, sizeof text - 1, file);
        fclose(file);
    }
    text[size] = 0;
    return text;
}

const char *venue_output(const struct venue *venue)
{
    return file_text(venue, "output");
}

static void config_write(const struct venue *venue, const char *yaml)
{
    char path[128];
    FILE *file;

    snprintf(path, sizeof path, "%s/sim.yaml", venue->dir);
    file = fopen(path, "w");
    cr_assert_not_null(file);
    fprintf(file, "listen: {port: 0, plain: true, port_file: port, tls_dir: tls}\n%s", yaml);
    cr_assert_eq(fclose(file), 0);
}

static void program_run(const struct venue *venue)
{
    const char *program = getenv("PINWHEEL_SIM");

    cr_assert_eq(chdir(venue->dir), 0);
    if (freopen("output", "w", stdout) && dup2(fileno(stdout), STDERR_FILENO) >= 0) {
        execl(program, program, "sim.yaml", (char *)NULL);
    }
    _exit(127);
}

void venue_reopen(struct venue *venue, const char *yaml)
{
    char path[128];
    int waited_ms = 0;
    unsigned ports[2];

    snprintf(path, sizeof path, "%s/port", venue->dir);
    unlink(path);
    config_write(venue, yaml);
    venue->pid = fork();
    cr_assert_geq(venue->pid, 0);
    if (venue->pid == 0) {
        program_run(venue);
    }
    while (sscanf(file_text(venue, "port"), "%u %u", &ports[0], &ports[1]) != 2) {
        cr_assert_eq(waitpid(venue->pid, NULL, WNOHANG), 0, "the simulator has ended: %s",
                     venue_output(venue));
        cr_assert_lt(waited_ms += 2, WAIT_MS, "the simulator does not listen: %s", venue_output(venue));
        nap();
    }
    venue->port = (uint16_t)ports[0];
    venue->plain_port = (uint16_t)ports[1];
}

void venue_open(struct venue *venue, const char *yaml)
{
    cr_assert_not_null(getenv("PINWHEEL_SIM"), "PINWHEEL_SIM must name the program");
    *venue = (struct venue){.dir = "/tmp/pinwheel-venue-XXXXXX"};
    cr_assert_not_null(mkdtemp(venue->dir));
    snprintf(venue->ca_file, sizeof venue->ca_file, "%s/tls/ca.pem", venue->dir);
    venue_reopen(venue, yaml);
}

int venue_stop(struct venue *venue, int signal_number)
{
    int status = 0;

    if (!venue->pid) {
        return -1;
    }
    if (signal_number) {
        kill(venue->pid, signal_number);
    }
    cr_assert_eq(waitpid(venue->pid, &status, 0), venue->pid);
    venue->pid = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void venue_await(const struct venue *venue, const char *text)
{
    for (int waited_ms = 0; !strstr(venue_output(venue), text); waited_ms += 2) {
        cr_assert_lt(waited_ms, WAIT_MS, "'%s' was never said: %s", text, venue_output(venue));
        nap();
    }
}

void venue_close(struct venue *venue)
{
    if (venue->pid) {
        cr_expect_eq(venue_stop(venue, SIGTERM), 0, "%s", venue_output(venue));
    }
    folder_remove(venue->dir);
}

struct peer_target venue_tls(const struct venue *venue)
{
    return (struct peer_target){.port = venue->port, .ca_file = venue->ca_file};
}

struct peer_target venue_plain(const struct venue *venue)
{
    return (struct peer_target){.port = venue->plain_port};
}

const char *venue_shared(const char *name)
{
    static char path[2][512];
    static int turn;
    const char *shared = getenv("PINWHEEL_SHARED");

    turn ^= 1;
    snprintf(path[turn], sizeof path[turn], "%s/data/%s", shared ? shared : "../shared", name);
    return access(path[turn], R_OK) == 0 ? path[turn] : NULL;
}
