/* SPDX-License-Identifier: MIT
 *
 * pinwheel sim: the venue simulator as a program.
 */
#include "sim.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static volatile sig_atomic_t g_stop;

static void on_signal(int number)
{
    (void)number;
    g_stop = 1;
}

/* The second signal ends the program at once. */
static void signals_take(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};

    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static void usage(FILE *to)
{
    fputs("usage: pinwheel sim [--check] CONFIG\n"
          "\n"
          "A venue on loopback that speaks Binance spot's market data, REST and WebSocket over TLS, out of "
          "recorded\n"
          "captures or of a market of its own. configs/sim-demo.yaml and configs/sim-capture.yaml show how.\n"
          "\n"
          "  -c, --check  only check the config\n"
          "  -h, --help   this text\n"
          "\n"
          "When it listens it prints one line: listening https://localhost:PORT ca FILE\n"
          "Exit codes: 0 stopped by SIGTERM or SIGINT, or the capture is over and the config says so; 1 "
          "failed;\n"
          "2 wrong use or wrong config.\n",
          to);
}

static int sim_run(const char *path, bool check)
{
    struct pw_sim_config *config = malloc(sizeof *config);
    char error[4096];
    int result;

    if (!config || pw_sim_config_load(config, path, error, sizeof error) != 0) {
        fprintf(stderr, "%s\n", config ? error : "no memory");
        free(config);
        return 2;
    }
    result = check ? 0 : pw_sim_run(config, &g_stop);
    free(config);
    return result ? 1 : 0;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"check", no_argument, NULL, 'c'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    bool check = false;
    int option;

    while ((option = getopt_long(argc, argv, "ch", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            check = true;
            break;
        case 'h':
            usage(stdout);
            return 0;
        default:
            usage(stderr);
            return 2;
        }
    }
    if (argc - optind != 1) {
        usage(stderr);
        return 2;
    }
    signals_take();
    return sim_run(argv[optind], check);
}
