/* SPDX-License-Identifier: MIT
 *
 * pinwheel run: starts one engine from a config file and runs it until it is stopped.
 */
#include "cli.h"
#include "engine.h"
#include "host_check.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct options {
    const char *config_path;
    bool check, live, resume;
    int64_t duration_ns; /* 0: until a signal */
};

static const struct pw_cli_command g_command = {
    .verb = "run",
    .description =
        "Starts the engine that CONFIG describes and runs it until SIGTERM, SIGINT or SIGHUP stops it "
        "cleanly: connections closed, orders settled, journal complete. A second SIGTERM or SIGINT stops it "
        "at once: the exit code is then 128 plus the signal's number, and live orders may stay open at the "
        "venue. Under nohup, SIGHUP stays ignored.",
    .arguments = PW_CLI_VALUES(
        PW_CLI_CONFIG(struct options, config_path, "the engine's config file (docs/config.md)")),
    .options = PW_CLI_VALUES(
        PW_CLI_CHECK(struct options, check,
                     "only check the config, this host, and for live or dry accounts the keys"),
        {.name = "live",
         .help = "trade with real money; CONFIG must say so too, with `gateway: live` (docs/live.md)",
         PW_CLI_FLAG(struct options, live)},
        {.name = "resume",
         .help = "end a halt that an earlier run left (also: pinwheel ctl INSTANCE resume)",
         PW_CLI_FLAG(struct options, resume)},
        {.name = "duration",
         .value = "SECONDS",
         .help = "end after this time, counted from now: cleanly, or with 4 if the engine has not started by "
                 "then",
         .min = 1,
         .max = UINT32_MAX,
         .unit = PW_NS_PER_S,
         PW_CLI_DURATION(struct options, duration_ns)}),
    .exits = PW_CLI_EXITS({PW_ENGINE_OK, "stopped cleanly, or the config is good"},
                          {PW_ENGINE_FAILED, "something failed while it ran"},
                          {PW_ENGINE_BAD_CONFIG, "the config is invalid"},
                          {PW_ENGINE_CANNOT_START, "it could not start, or was stopped before it had"}),
    .environment = PW_CLI_PAIRS(
        {"PINWHEEL_SHM_DIR", "folder of the workspace (default: hugetlbfs if mounted, else /dev/shm)"},
        {"PINWHEEL_LOG", "least level of the log: debug, info, warn, error (default info)"},
        {"...", "each ${NAME} of the config file"}),
    .examples = PW_CLI_PAIRS({"pinwheel run --check configs/two-core.yaml", "check a config on this host"},
                             {"pinwheel run configs/two-core.yaml", "trade on paper with real market data"}),
};

/* Until there is a desk to take it (desk.h): nothing has been touched. */
static void end_early(int number)
{
    (void)number;
    _exit(PW_ENGINE_CANNOT_START);
}

static enum pw_engine_result config_confirm(const struct pw_engine *engine, const char *path)
{
    char error[1024];
    uint64_t bytes = 0;
    if (pw_host_memory_check(engine->config, &bytes, error, sizeof error) != 0) {
        pw_cli_error_lines(error);
        return PW_ENGINE_BAD_CONFIG;
    }
    printf("%s: good; its workspace takes %llu MiB of memory\n", path,
           ((unsigned long long)bytes + (1 << 20) - 1) >> 20);
    return PW_ENGINE_OK;
}

int main(int argc, char **argv)
{
    struct options options = {0};
    int code = pw_cli_read(&g_command, argc, argv, &options);
    if (code != PW_CLI_GO) {
        return code;
    }

    struct pw_engine_orders orders = {.duration_ns = options.duration_ns,
                                      .started_ns = pw_clock_read_ns(CLOCK_MONOTONIC),
                                      .resume = options.resume};
    signal(SIGPIPE, SIG_IGN);
    if (!options.check) {
        pw_stop_signals_set(end_early, 0);
    }
    struct pw_engine *engine = calloc(1, sizeof *engine);
    if (engine == NULL) {
        pw_cli_error("no memory for the engine");
        return PW_ENGINE_CANNOT_START;
    }
    enum pw_engine_result result = pw_engine_configure(engine, options.config_path, options.live);
    if (result == PW_ENGINE_OK && options.check) {
        result = config_confirm(engine, options.config_path);
    } else if (result == PW_ENGINE_OK) {
        result = pw_engine_start(engine, &orders);
        if (result == PW_ENGINE_OK) {
            result = pw_engine_wait(engine);
        }
    }
    pw_engine_close(engine);
    free(engine);
    return result;
}
