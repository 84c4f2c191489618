/* SPDX-License-Identifier: MIT
 *
 * pinwheel sim: the venue simulator as a program.
 */
#include "cli.h"
#include "sim.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum exit_code { SIM_BAD_CONFIG = 3 };

struct options {
    const char *config_path;
    bool check;
};

static const struct pw_cli_command g_command = {
    .verb = "sim",
    .description = "Simulates a venue on loopback: Binance spot's market data, REST and WebSocket over TLS, "
                   "from recorded captures or from a synthetic market. configs/sim-demo.yaml and "
                   "configs/sim-capture.yaml are examples.\n"
                   "When it listens it prints one line: listening https://localhost:PORT ca FILE",
    .arguments = PW_CLI_VALUES(PW_CLI_CONFIG(struct options, config_path, "the simulator's config file")),
    .options = PW_CLI_VALUES(PW_CLI_CHECK(struct options, check, "only check the config")),
    .exits =
        PW_CLI_EXITS({PW_CLI_DONE, "stopped by a signal, or the capture is over and the config says to stop"},
                     {PW_CLI_FAILED, "failed"}, {SIM_BAD_CONFIG, "the config is invalid"}),
    .environment =
        PW_CLI_PAIRS({"XDG_CACHE_HOME",
                      "its certificates are kept in pinwheel/sim-tls of this folder (default ~/.cache)"}),
    .examples = PW_CLI_PAIRS({"pinwheel sim configs/sim-demo.yaml", "serve a synthetic market"}),
};

static int sim_run(const struct options *options, const volatile sig_atomic_t *stop)
{
    struct pw_sim_config *config = malloc(sizeof *config);
    char error[4096];
    int result;

    if (!config || pw_sim_config_load(config, options->config_path, error, sizeof error) != 0) {
        pw_cli_error_lines(config ? error : "no memory");
        free(config);
        return SIM_BAD_CONFIG;
    }
    result = options->check ? 0 : pw_sim_run(config, stop);
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
    signal(SIGPIPE, SIG_IGN);
    return sim_run(&options, pw_cli_stop_signals());
}
