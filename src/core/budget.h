/* SPDX-License-Identifier: MIT
 *
 * A venue's request limits: how much of each window is used, and until when nothing may be sent at all.
 *
 * Windows are aligned to the venue's clock, so all times here are the venue's (local time and offset). What
 * was sent counts at once, as pending; its response brings the venue's own count, which also knows of other
 * clients of the account. Part of each window is kept for cancellations. A pause (too many requests, a ban)
 * holds for everything, cancellations too: going on would only make it longer. Its end is one number, to be
 * kept over a restart and given to pw_budget_init.
 */
#ifndef PW_BUDGET_H
#define PW_BUDGET_H

#include <pinwheel/entry.h>

#define PW_BUDGET_WINDOWS_MAX  8u
#define PW_BUDGET_PAUSE_MAX_NS (INT64_C(4) * 86400 * 1000000000) /* the longest ban is three days */

struct pw_budget_window {
    int64_t interval_ns;
    int64_t end_ns; /* of the window that `used` is of */
    uint64_t used;
    uint32_t limit, reserve;
    uint8_t kind;
};

struct pw_budget {
    uint32_t window_cnt;
    struct pw_budget_window windows[PW_BUDGET_WINDOWS_MAX];
    uint64_t pending[PW_BUDGET_KINDS]; /* sent, without a response */
    int64_t paused_until_ns;
};

enum pw_budget_verdict {
    PW_BUDGET_GOES = 0,
    PW_BUDGET_FULL,   /* a window has no more, or only its reserve */
    PW_BUDGET_PAUSED, /* see paused_until_ns */
};

/* paused_until_ns: as it was kept from before; 0: none was. */
void pw_budget_init(struct pw_budget *budget, int64_t paused_until_ns);

/* Declares a window, or changes its limit; reserve: what only cancellations may use. False: no room, interval
 * or limit not above 0, or nothing left beside the reserve. */
bool pw_budget_set(struct pw_budget *budget, enum pw_budget_kind kind, int64_t interval_ns, uint32_t limit,
                   uint32_t reserve);

/* May it be sent now? urgent: a cancellation. */
enum pw_budget_verdict pw_budget_check(struct pw_budget *budget, const struct pw_budget_cost *cost,
                                       bool urgent, int64_t now_ns);

/* It is sent. */
void pw_budget_take(struct pw_budget *budget, const struct pw_budget_cost *cost);

/* Its response came, or never will. It counts as used, until a response says how much is. */
void pw_budget_settle(struct pw_budget *budget, const struct pw_budget_cost *cost, int64_t now_ns);

/* A response's own count for a window; after pw_budget_settle of its request. Windows that were not
 * declared are ignored; a limit that has changed is taken over. */
void pw_budget_count(struct pw_budget *budget, enum pw_budget_kind kind, int64_t interval_ns, uint32_t limit,
                     uint32_t count, int64_t now_ns);

/* The venue says: too many. until_ns: when it takes requests again; 0: it does not say, then least_ns from
 * now. An earlier pause is never shortened; one beyond PW_BUDGET_PAUSE_MAX_NS from now is not believed. */
void pw_budget_pause(struct pw_budget *budget, int64_t until_ns, int64_t least_ns, int64_t now_ns);

#endif
