/* SPDX-License-Identifier: MIT
 *
 * pinwheel top: the monitor. Shows an engine from outside, live or dead; writes nothing to it, so cannot slow
 * it.
 */
#include "top.h"
#include "cli.h"
#include <curses.h>
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#define INTERVAL_DEFAULT_MS 500
#define ONCE_INTERVAL_MS    200 /* between the two looks that rates need */
#define COLUMNS_MIN         20
#define COLUMNS_MAX         10000
#define ALIVE_CHECK_MS      200 /* a dead engine shows within this, whatever the interval */

struct options {
    const char *instance;
    bool once, json, list;
    int64_t interval_ns; /* 0: the default of the form */
};

static const struct pw_cli_command g_command = {
    .verb = "top",
    .description = "Shows a running engine, or what a dead one left: stages, markets, account, positions, "
                   "feeds, rings, latency, errors and metrics.\n"
                   "Watching never slows the engine: its memory is mapped read-only, and no request is sent.",
    .arguments = PW_CLI_VALUES(PW_WATCH_INSTANCE(struct options, instance)),
    .options = PW_CLI_VALUES(
        {.name = "once",
         .help = "print the page once and end (default without a terminal)",
         PW_CLI_FLAG(struct options, once)},
        {.name = "json",
         .help = "print everything once as one JSON object; decimals, ids and nanoseconds are strings",
         PW_CLI_FLAG(struct options, json)},
        {.name = "list", .help = "list the engines, each with its state", PW_CLI_FLAG(struct options, list)},
        {.name = "interval",
         .value = "MS",
         .help = "time between two updates; 500 by default, 200 with --once or --json",
         .min = 50,
         .max = 60000,
         .unit = PW_NS_PER_MS,
         PW_CLI_DURATION(struct options, interval_ns)}),
    .sections = PW_CLI_PAIRS(
        {"keys", "q and Esc quit; space, right, down and page down show the next page, left, up and page "
                 "up the one before, home the first, end the last; ? lists them"},
        {"load", "# busy, ! stalled (input, but no room for output), . idle. Shares and rates "
                 "are those since the last update; for a dead engine, those of its whole life"}),
    .environment =
        PW_CLI_PAIRS({"NO_COLOR", "not empty: no colors"},
                     {"COLUMNS", "with --once: columns to fit the page into (default: all of each line)"},
                     PW_WATCH_ENVIRONMENT),
    .exits = PW_CLI_EXITS({PW_WATCH_OK, "shown"}, {PW_WATCH_ABSENT, "no such instance, or it cannot be read"},
                          {PW_WATCH_USAGE, "usage error, or several instances and none named"},
                          {PW_WATCH_DEAD, "shown once, but the engine is not running, or hangs"}),
    .examples =
        PW_CLI_PAIRS({"pinwheel top", "monitor the only engine"},
                     {"pinwheel top demo --json", "print the state of the engine 'demo' for a script"}),
};

/* ---- looks ---- */

/* Prepares the next look. since_ns: monotonic time of the look before; 0: there was none, so no rate is
 * known. */
static void look_again(struct pw_look *look, int64_t *since_ns)
{
    const struct pw_workspace_header *header = look->ws->header;
    int64_t now_ns = pw_clock_read_ns(CLOCK_MONOTONIC);
    look->alive = pw_workspace_alive(look->ws);
    if (look->alive) {
        look->wall_ns = pw_workspace_now_ns(look->ws);
        look->seconds = *since_ns != 0 ? (double)(now_ns - *since_ns) / 1e9 : 0;
    } else {
        look->wall_ns = pw_watch_get_ns(&header->heartbeat_ns);
        look->seconds = (double)(look->wall_ns - header->started_ns) / 1e9;
        memset(look->before, 0, sizeof look->before);
    }
    *since_ns = now_ns;
}

static struct pw_page page, fitted; /* large */

/* As wide as it is, unless COLUMNS says how much there is. */
static void page_print(void)
{
    const char *text = getenv("COLUMNS");
    long columns = text != NULL ? strtol(text, NULL, 10) : 0;
    const struct pw_page *shown = &page;
    if (columns >= COLUMNS_MIN && columns <= COLUMNS_MAX) {
        pw_page_fit(&fitted, &page, (int)columns);
        shown = &fitted;
    }
    for (uint32_t i = 0; i < shown->line_cnt; i++) {
        printf("%s\n", shown->lines[i].text);
    }
}

static enum pw_watch_exit run_once(const struct pw_workspace *ws, bool json, int64_t interval_ms)
{
    static struct pw_look look;
    int64_t since_ns = 0;
    look.ws = ws;
    look_again(&look, &since_ns);
    if (look.alive) { /* the first look is there to be compared with */
        FILE *nowhere = fopen("/dev/null", "we");
        if (json && nowhere != NULL) {
            pw_top_json(&look, nowhere);
        } else {
            pw_page_fill(&page, &look);
        }
        if (nowhere != NULL) {
            fclose(nowhere);
        }
        pw_watch_sleep_ms(interval_ms);
        look.hangs = pw_watch_hangs(ws);
        look_again(&look, &since_ns);
    }
    if (json) {
        pw_top_json(&look, stdout);
    } else {
        pw_page_fill(&page, &look);
        page_print();
    }
    return look.alive && !look.hangs ? PW_WATCH_OK : PW_WATCH_DEAD;
}

/* ---- the terminal ---- */

static int style_of(enum pw_line_style style)
{
    switch (style) {
    case PW_LINE_TITLE:
        return A_BOLD | COLOR_PAIR(1);
    case PW_LINE_HEAD:
        return A_BOLD | A_UNDERLINE;
    case PW_LINE_ALERT:
        return A_BOLD | COLOR_PAIR(2);
    case PW_LINE_PLAIN:
        break;
    }
    return A_NORMAL;
}

static void line_draw(int row, const struct pw_line *line)
{
    attrset(style_of(line->style));
    mvaddnstr(row, 0, line->text, (int)pw_text_fitting(line->text, COLS));
    attrset(A_NORMAL);
}

/* Where each screenful begins: sections stay together where they can. Returns how many screenfuls there are.
 */
static uint32_t screens_cut(uint32_t *starts, uint32_t cap, uint32_t rows)
{
    uint32_t screen_cnt = 0;
    uint32_t line = fitted.title_cnt;
    while (line < fitted.line_cnt && screen_cnt < cap) {
        starts[screen_cnt++] = line;
        uint32_t end = line + rows;
        if (end >= fitted.line_cnt) {
            break;
        }
        uint32_t cut = end;
        while (cut > line + 1 &&
               fitted.lines[cut].text[0] != '\0') { /* back to the blank line between sections */
            cut--;
        }
        line = cut > line + 1 ? cut : end;
    }
    return screen_cnt;
}

#define SCREENS_MAX 256u
#define KEY_ESC     27

static const char *const g_keys[] = {
    "q, Esc            quit",
    "space, down       the next page (also right, page down)",
    "up                the page before (also left, page up)",
    "home, end         the first page, the last",
    "?                 this list; any key leaves it",
};

static void keys_draw(void)
{
    erase();
    for (int i = 0; i < (int)(sizeof g_keys / sizeof *g_keys); i++) {
        mvaddnstr(i, 0, g_keys[i], (int)pw_text_fitting(g_keys[i], COLS));
    }
    refresh();
}

/* Draws screenful *screen, which is put right if there are not so many now. */
static void screen_draw(uint32_t *screen)
{
    uint32_t starts[SCREENS_MAX + 1];
    pw_page_fit(&fitted, &page, COLS);
    uint32_t rows = LINES > (int)fitted.title_cnt + 2 ? (uint32_t)LINES - fitted.title_cnt - 1 : 1;
    uint32_t screen_cnt = screens_cut(starts, SCREENS_MAX, rows);
    *screen = *screen < screen_cnt ? *screen : screen_cnt - 1;
    starts[screen_cnt] = fitted.line_cnt;
    erase();
    int row = 0;
    for (uint32_t i = 0; i < fitted.title_cnt; i++) {
        line_draw(row++, &fitted.lines[i]);
    }
    for (uint32_t i = starts[*screen]; i < starts[*screen + 1] && row < LINES - 1; i++) {
        line_draw(row++, &fitted.lines[i]);
    }
    struct pw_line foot = {.style = PW_LINE_HEAD};
    if (screen_cnt > 1) {
        snprintf(foot.text, sizeof foot.text, "page %u of %u   q: quit   ?: keys", *screen + 1, screen_cnt);
    } else {
        snprintf(foot.text, sizeof foot.text, "q: quit   ?: keys");
    }
    foot.style = PW_LINE_TITLE;
    line_draw(LINES - 1, &foot);
    refresh();
}

/* An engine started again under the same name has a new file: go over to it. */
static void follow_restart(struct pw_workspace *ws, struct pw_look *look)
{
    struct pw_workspace newer;
    char error[512];
    if (pw_workspace_attach(&newer, ws->path, error, sizeof error) != 0) {
        return;
    }
    if (newer.header->started_ns == ws->header->started_ns && newer.header->pid == ws->header->pid) {
        pw_workspace_close(&newer, false);
        return;
    }
    pw_workspace_close(ws, false);
    *ws = newer;
    memset(look->before, 0, sizeof look->before);
}

/* Waits for a key, for the next look, or for the engine's death. The key, or ERR. */
static int key_wait(const struct pw_workspace *ws, bool was_alive, int64_t interval_ms)
{
    int64_t until_ns = pw_clock_read_ns(CLOCK_MONOTONIC) + interval_ms * 1000000;
    for (;;) {
        int64_t left_ms = (until_ns - pw_clock_read_ns(CLOCK_MONOTONIC)) / 1000000;
        if (left_ms <= 0) {
            return ERR;
        }
        timeout((int)(left_ms < ALIVE_CHECK_MS ? left_ms : ALIVE_CHECK_MS));
        int key = getch();
        if (key != ERR || (was_alive && !pw_workspace_alive(ws))) {
            return key;
        }
    }
}

/* False: quit. */
static bool key_obey(int key, uint32_t *screen)
{
    switch (key) {
    case 'q':
    case 'Q':
    case KEY_ESC:
        return false;
    case ' ':
    case KEY_RIGHT:
    case KEY_DOWN:
    case KEY_NPAGE:
        (*screen)++;
        break;
    case KEY_LEFT:
    case KEY_UP:
    case KEY_PPAGE:
        *screen -= *screen > 0;
        break;
    case KEY_HOME:
        *screen = 0;
        break;
    case KEY_END:
        *screen = SCREENS_MAX;
        break;
    default:
        break;
    }
    return true;
}

static void terminal_start(void)
{
    cbreak();
    noecho();
    curs_set(0);
    keypad(stdscr, true);
    if (has_colors() && pw_cli_colour(stdout)) {
        start_color();
        use_default_colors();
        init_pair(1, COLOR_BLACK, COLOR_CYAN);
        init_pair(2, COLOR_RED, -1);
    }
}

static enum pw_watch_exit run_terminal(struct pw_workspace *ws, int64_t interval_ms)
{
    SCREEN *screen_handle = newterm(NULL, stdout, stdin);
    if (screen_handle == NULL) { /* a terminal that nobody knows */
        return run_once(ws, false, ONCE_INTERVAL_MS);
    }
    static struct pw_look look;
    terminal_start();
    int64_t since_ns = 0;
    uint32_t screen = 0;
    bool due = true, help = false;
    int key = ERR;
    look.ws = ws;
    do {
        if (due) {
            look_again(&look, &since_ns);
            pw_page_fill(&page, &look);
        }
        help = key == '?' || (help && key == ERR);
        if (help) {
            keys_draw();
        } else {
            screen_draw(&screen);
        }
        key = key_wait(ws, look.alive, interval_ms);
        due = key == ERR;
        if (due && !look.alive) {
            follow_restart(ws, &look);
        }
    } while (key_obey(key, &screen));
    endwin();
    delscreen(screen_handle);
    return PW_WATCH_OK;
}

/* One that can place text: "dumb" cannot. */
static bool is_terminal(void)
{
    const char *term = getenv("TERM");
    return isatty(STDOUT_FILENO) && isatty(STDIN_FILENO) && (term == NULL || strcmp(term, "dumb") != 0);
}

int main(int argc, char **argv)
{
    setlocale(LC_CTYPE, "");
    struct options options = {0};
    int code = pw_cli_read(&g_command, argc, argv, &options);
    if (code != PW_CLI_GO) {
        return code;
    }
    if (options.list && options.instance != NULL) {
        return pw_cli_wrong("--list takes no INSTANCE");
    }
    if (options.list) {
        pw_watch_list(stdout, options.json);
        return PW_WATCH_OK;
    }
    struct pw_workspace ws;
    enum pw_watch_exit result = pw_watch_attach(&ws, options.instance);
    if (result != PW_WATCH_OK) {
        return result;
    }
    bool once = options.once || options.json || !is_terminal();
    int64_t interval_ms = options.interval_ns / PW_NS_PER_MS;
    if (interval_ms == 0) {
        interval_ms = once ? ONCE_INTERVAL_MS : INTERVAL_DEFAULT_MS;
    }
    result = once ? run_once(&ws, options.json, interval_ms) : run_terminal(&ws, interval_ms);
    pw_workspace_close(&ws, false);
    return result;
}
