/* SPDX-License-Identifier: MIT
 *
 * How a program learns that its user wants it to end.
 */
#include "cli.h"

static volatile sig_atomic_t g_stop;

static void on_signal(int number)
{
    g_stop = number;
    signal(SIGTERM, SIG_DFL); /* of either kind, the second one ends it */
    signal(SIGINT, SIG_DFL);
}

const volatile sig_atomic_t *pw_cli_stop_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    return &g_stop;
}
