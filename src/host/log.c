/* SPDX-License-Identifier: MIT
 *
 * The log: whole lines to standard error, and to one sink. Cold code only.
 */
#include "host.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_BYTES 1024

static const char *const g_level_names[] = {"error", "warn", "info", "debug"};
#define LEVEL_CNT (int)(sizeof g_level_names / sizeof g_level_names[0])

static pthread_once_t g_level_once = PTHREAD_ONCE_INIT;
static int g_level = PW_LOG_INFO;

/* Held while the sink runs: sinks need no lock of their own, and none runs any more once it was replaced. */
static pthread_mutex_t g_sink_mutex = PTHREAD_MUTEX_INITIALIZER;
static void (*g_sink)(void *state, enum pw_log_level level, const char *text, uint64_t times);
static void *g_sink_state;
static _Thread_local bool t_in_sink; /* a sink that logs is not called for that line */

static void level_read(void)
{
    const char *name = getenv("PINWHEEL_LOG");
    for (int i = 0; name != NULL && i < LEVEL_CNT; i++) {
        if (strcmp(name, g_level_names[i]) == 0) {
            g_level = i;
        }
    }
}

/* "2024-08-09T00:00:00.123456Z error ": of the engine's clock, so that lines and events can be laid side by
 * side. */
static size_t prefix_print(char *line, size_t line_bytes, enum pw_log_level level)
{
    struct pw_clock clock = pw_clock_host();
    int64_t now_ns = pw_clock_now_ns(&clock);
    time_t now_s = (time_t)(now_ns / 1000000000);
    struct tm utc;
    gmtime_r(&now_s, &utc);
    size_t size = strftime(line, line_bytes, "%Y-%m-%dT%H:%M:%S", &utc);
    int more = snprintf(line + size, line_bytes - size, ".%06dZ %s ", (int)(now_ns % 1000000000 / 1000),
                        g_level_names[level]);
    return size + (size_t)more;
}

/* Text from outside (a venue's message) may not forge lines or drive the terminal. */
static void controls_blank(char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte < 0x20 || byte == 0x7f) {
            *text = ' ';
        }
    }
}

static void sink_call(enum pw_log_level level, const char *text, uint64_t times)
{
    if (t_in_sink) {
        return;
    }
    pthread_mutex_lock(&g_sink_mutex);
    if (g_sink != NULL) {
        t_in_sink = true;
        g_sink(g_sink_state, level, text, times);
        t_in_sink = false;
    }
    pthread_mutex_unlock(&g_sink_mutex);
}

/* The text of a line, with `room` bytes for it. */
static void text_print(char *text, size_t room, const char *format, va_list args)
{
    int text_bytes = vsnprintf(text, room, format, args);
    if (text_bytes < 0) {
        text[0] = '\0';
    } else if ((size_t)text_bytes >= room) {
        memcpy(text + room - 4, "...", 4);
    }
    controls_blank(text);
}

void pw_log_again(enum pw_log_level level, uint64_t times, const char *format, ...)
{
    int saved_errno = errno;
    char text[LINE_BYTES];
    pthread_once(&g_level_once, level_read);
    if ((int)level <= g_level) {
        va_list args;
        va_start(args, format);
        text_print(text, sizeof text, format, args);
        va_end(args);
        sink_call(level, text, times);
    }
    errno = saved_errno;
}

void pw_log(enum pw_log_level level, const char *format, ...)
{
    int saved_errno = errno;
    pthread_once(&g_level_once, level_read);
    if ((int)level > g_level) {
        return;
    }
    char line[LINE_BYTES];
    size_t text_at = prefix_print(line, sizeof line, level);
    size_t room = sizeof line - text_at - 1; /* one byte stays for the newline */
    va_list args;
    va_start(args, format);
    text_print(line + text_at, room, format, args);
    va_end(args);
    /* One write: lines of two threads do not mix. Nothing can be done about a standard error that is gone. */
    size_t size = strlen(line);
    line[size] = '\n';
    ssize_t written = write(STDERR_FILENO, line, size + 1);
    (void)written;
    line[size] = '\0';
    sink_call(level, line + text_at, 1);
    errno = saved_errno;
}

void pw_log_set_sink(void (*sink)(void *state, enum pw_log_level level, const char *text, uint64_t times),
                     void *state)
{
    pthread_mutex_lock(&g_sink_mutex);
    g_sink = sink;
    g_sink_state = state;
    pthread_mutex_unlock(&g_sink_mutex);
}
