/* SPDX-License-Identifier: MIT
 *
 * How a program learns that its user wants it to end.
 */
#include "cli.h"
#include "host.h"

static volatile sig_atomic_t g_stop;

static void on_signal(int number)
{
    g_stop = number;
    signal(SIGTERM, SIG_DFL); /* of either kind, the second one ends it */
    signal(SIGINT, SIG_DFL);  /* but no SIGHUP: of those, a terminal that closes sends two */
}

const volatile sig_atomic_t *pw_cli_stop_signals(void)
{
    pw_stop_signals_set(on_signal, 0);
    return &g_stop;
}
