/* SPDX-License-Identifier: MIT
 *
 * pinwheel run: starts one engine from a config file and stays until it is told to stop.
 */
#include "engine.h"
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "usage: pinwheel run [--live] [--check] [--duration SECONDS] CONFIG\n"
    "\n"
    "Starts the engine that CONFIG describes and runs it until SIGTERM or SIGINT, which stop it cleanly:\n"
    "connections closed, orders settled, journal complete. A second signal stops it at once.\n"
    "\n"
    "  --live               trade with real money; CONFIG must say so too (gateway: live). docs/live.md\n"
    "  --check              only check the config, against this host too, and the keys if it is live\n"
    "  --duration SECONDS   stop cleanly after so many seconds\n"
    "  --help               this text\n"
    "\n"
    "exit codes: 0 stopped cleanly, or the config is good; 1 something failed while it ran; 2 wrong use;\n"
    "  3 the config is refused; 4 it could not start; 128 + N stopped at once by signal N\n";

static sigset_t stop_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    return set;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"check", no_argument, NULL, 'c'},
                                            {"live", no_argument, NULL, 'l'},
                                            {"duration", required_argument, NULL, 'd'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    bool check = false, live = false;
    unsigned long duration_s = 0;
    for (int option; (option = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        char *end = NULL;
        switch (option) {
        case 'c':
            check = true;
            break;
        case 'l':
            live = true;
            break;
        case 'd':
            duration_s = strtoul(optarg, &end, 10);
            if (*optarg < '0' || *optarg > '9' || *end != 0 || duration_s == 0 || duration_s > UINT32_MAX) {
                fprintf(stderr, "pinwheel run: --duration wants a number of seconds, not '%s'\n", optarg);
                return 2;
            }
            break;
        case 'h':
            fputs(usage, stdout);
            return 0;
        default:
            fputs(usage, stderr);
            return 2;
        }
    }
    if (optind != argc - 1) {
        fputs(usage, stderr);
        return 2;
    }

    /* Before any thread exists, so that every thread inherits it: the main thread alone takes these signals.
     */
    sigset_t signals = stop_signals();
    sigprocmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);

    struct pw_engine *engine = calloc(1, sizeof *engine);
    if (engine == NULL) {
        perror("pinwheel run");
        return PW_ENGINE_CANNOT_START;
    }
    enum pw_engine_result result = pw_engine_configure(engine, argv[optind], live);
    if (result == PW_ENGINE_OK && check) {
        printf("%s: good\n", argv[optind]);
    } else if (result == PW_ENGINE_OK) {
        result = pw_engine_start(engine, &signals);
        if (result == PW_ENGINE_OK) {
            result = pw_engine_wait(engine, &signals, (uint32_t)duration_s);
        }
    }
    pw_engine_close(engine);
    free(engine);
    return result;
}
