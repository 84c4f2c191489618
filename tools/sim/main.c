/* SPDX-License-Identifier: MIT
 *
 * pinwheel sim: the venue simulator as a program.
 */
#include "cli.h"
#include "sim.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum exit_code { SIM_BAD_CONFIG = 3 };

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

struct options {
    const char *config_path;
    bool check;
};

static const struct pw_cli_command g_command = {
    .verb = "sim",
    .description =
        "Simulates a venue on loopback: Binance spot's market data, REST and WebSocket over TLS, from "
        "recorded captures or from a synthetic market. configs/sim-demo.yaml and configs/sim-capture.yaml "
        "are examples.\n"
        "When it listens it prints one line: listening https://localhost:PORT ca FILE",
    .arguments =
        (const struct pw_cli_value[]){
            {.name = "CONFIG",
             .help = "the simulator's config file",
             PW_CLI_PATH(struct options, config_path)},
            {0},
        },
    .options =
        (const struct pw_cli_value[]){
            {.name = "check",
             .letter = 'c',
             .help = "only check the config",
             PW_CLI_FLAG(struct options, check)},
            {0},
        },
    .exits =
        (const struct pw_cli_exit[]){
            {PW_CLI_DONE, "stopped by a signal, or the capture is over and the config says to stop"},
            {PW_CLI_FAILED, "failed"},
            {SIM_BAD_CONFIG, "the config is refused"},
            {0},
        },
    .environment =
        (const struct pw_cli_pair[]){
            {"XDG_CACHE_HOME",
             "its certificates are kept in pinwheel/sim-tls of this folder (default ~/.cache)"},
            {0},
        },
    .examples =
        (const struct pw_cli_pair[]){{"pinwheel sim configs/sim-demo.yaml", "serve a synthetic market"}, {0}},
};

static int sim_run(const char *path, bool check)
{
    struct pw_sim_config *config = malloc(sizeof *config);
    char error[4096];
    int result;

    if (!config || pw_sim_config_load(config, path, error, sizeof error) != 0) {
        fprintf(stderr, "%s\n", config ? error : "no memory");
        free(config);
        return SIM_BAD_CONFIG;
    }
    result = check ? 0 : pw_sim_run(config, &g_stop);
    free(config);
    return result ? 1 : 0;
}

int main(int argc, char **argv)
{
    struct options options = {0};
    int code = pw_cli_read(&g_command, argc, argv, &options);
    if (code != PW_CLI_GO) {
        return code;
    }
    signals_take();
    return sim_run(options.config_path, options.check);
}
