/* SPDX-License-Identifier: MIT
 *
 * The monitor's inside: one view of a workspace, as lines for people or as JSON.
 */
#ifndef PW_TOP_H
#define PW_TOP_H

#include "watch.h"
#include <pinwheel/workspace.h>
#include <stdbool.h>
#include <stdint.h>

#define PW_TOP_COUNTERS_MAX 8192u

/* One look. Counters are compared with the look before by their order: each look must ask for the same ones.
 */
struct pw_look {
    const struct pw_workspace *ws;
    bool alive;      /* its process runs */
    bool hangs;      /* and gives no sign of life: found out where the page is printed once */
    int64_t wall_ns; /* of this look; of a dead engine: its last heartbeat */
    double seconds;  /* since the look before; of a dead engine: its whole life, and counters count from 0 */
    uint32_t asked_cnt;
    uint64_t before[PW_TOP_COUNTERS_MAX];
};

double pw_look_rate(struct pw_look *look, uint64_t value);

/* Shares of a stage's time; they sum to 1, or are all 0 if it gave no account of any time. */
struct pw_shares {
    double busy, stalled, idle;
};
struct pw_shares pw_look_shares(struct pw_look *look, const struct pw_stage_view *stage);

/* ---- lines for people ---- */

enum pw_line_style { PW_LINE_PLAIN, PW_LINE_TITLE, PW_LINE_HEAD, PW_LINE_ALERT };

struct pw_line {
    char text[256];
    uint8_t style; /* enum pw_line_style */
};

#define PW_PAGE_LINES 4096u

struct pw_page {
    struct pw_line lines[PW_PAGE_LINES];
    uint32_t line_cnt;
    uint32_t title_cnt; /* the first lines, to be shown above whatever is shown */
};

/* Everything, in sections with a blank line between. */
void pw_page_fill(struct pw_page *page, struct pw_look *look);

/* The same page for a screen of so many columns: what does not fit continues below. */
void pw_page_fit(struct pw_page *to, const struct pw_page *page, int columns);
/* Bytes of `text` that fit into so many columns. */
size_t pw_text_fitting(const char *text, int columns);

/* ---- for scripts ---- */

/* One object, in one line. */
void pw_top_json(struct pw_look *look, FILE *out);

#endif
