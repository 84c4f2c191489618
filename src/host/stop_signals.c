/* SPDX-License-Identifier: MIT
 *
 * Which signals ask a program to end: in one place for all programs.
 */
#include "host.h"
#include <signal.h>
#include <stddef.h>

void pw_stop_signals_set(void (*handler)(int), int flags)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct sigaction before;
        bool is_ignored = numbers[i] == SIGHUP && sigaction(SIGHUP, NULL, &before) == 0 &&
                          before.sa_handler == SIG_IGN;
        if (!is_ignored) {
            sigaction(numbers[i], &action, NULL);
        }
    }
}
