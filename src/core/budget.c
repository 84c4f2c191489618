/* SPDX-License-Identifier: MIT
 *
 * Request limits: a handful of windows, gone through each time.
 */
#include "budget.h"

#include "pw_assert.h"
#include <stddef.h>

void pw_budget_init(struct pw_budget *budget, int64_t paused_until_ns)
{
    pw_assert(paused_until_ns >= 0);
    *budget = (struct pw_budget){.paused_until_ns = paused_until_ns};
}

static struct pw_budget_window *find(struct pw_budget *budget, enum pw_budget_kind kind, int64_t interval_ns)
{
    pw_assert(budget->window_cnt <= PW_BUDGET_WINDOWS_MAX);
    for (uint32_t i = 0; i < budget->window_cnt; i++) {
        if (budget->windows[i].kind == kind && budget->windows[i].interval_ns == interval_ns) {
            return &budget->windows[i];
        }
    }
    return NULL;
}

bool pw_budget_set(struct pw_budget *budget, enum pw_budget_kind kind, int64_t interval_ns, uint32_t limit,
                   uint32_t reserve)
{
    struct pw_budget_window *window = find(budget, kind, interval_ns);
    if ((unsigned)kind >= PW_BUDGET_KINDS || interval_ns <= 0 || limit <= reserve ||
        (!window && budget->window_cnt == PW_BUDGET_WINDOWS_MAX)) {
        return false;
    }
    if (!window) {
        window = &budget->windows[budget->window_cnt++];
        *window = (struct pw_budget_window){.interval_ns = interval_ns, .kind = (uint8_t)kind};
    }
    window->limit = limit;
    window->reserve = reserve;
    pw_assert(window->interval_ns > 0 && window->reserve < window->limit); /* roll divides, check subtracts */
    return true;
}

/* A new window begins empty. A clock that went back stays in the window that it was in: nothing is won. One
 * that went back by more is in a window of its own time from then on, with what was used: nothing is lost for
 * long either. */
static void roll(struct pw_budget_window *window, int64_t now_ns)
{
    bool ended = now_ns >= window->end_ns;
    if (ended || window->end_ns - now_ns > 2 * window->interval_ns) {
        window->end_ns = (now_ns / window->interval_ns + 1) * window->interval_ns;
        window->used = ended ? 0 : window->used;
    }
}

enum pw_budget_verdict pw_budget_check(struct pw_budget *budget, const struct pw_budget_cost *cost,
                                       bool urgent, int64_t now_ns)
{
    if (now_ns < budget->paused_until_ns) {
        return PW_BUDGET_PAUSED;
    }
    for (uint32_t i = 0; i < budget->window_cnt; i++) {
        struct pw_budget_window *window = &budget->windows[i];
        uint32_t wanted = cost->of[window->kind];
        uint32_t limit = window->limit - (urgent ? 0 : window->reserve);
        roll(window, now_ns);
        /* What is pending may yet count in this window, though it was sent in the one before. */
        if (wanted > 0 && window->used + budget->pending[window->kind] + wanted > limit) {
            return PW_BUDGET_FULL;
        }
    }
    return PW_BUDGET_GOES;
}

void pw_budget_take(struct pw_budget *budget, const struct pw_budget_cost *cost)
{
    for (unsigned kind = 0; kind < PW_BUDGET_KINDS; kind++) {
        budget->pending[kind] += cost->of[kind];
    }
}

void pw_budget_settle(struct pw_budget *budget, const struct pw_budget_cost *cost, int64_t now_ns)
{
    for (unsigned kind = 0; kind < PW_BUDGET_KINDS; kind++) {
        pw_assert(cost->of[kind] <= budget->pending[kind]);
        budget->pending[kind] -= cost->of[kind];
    }
    for (uint32_t i = 0; i < budget->window_cnt; i++) {
        roll(&budget->windows[i], now_ns);
        budget->windows[i].used += cost->of[budget->windows[i].kind];
    }
}

void pw_budget_count(struct pw_budget *budget, enum pw_budget_kind kind, int64_t interval_ns, uint32_t limit,
                     uint32_t count, int64_t now_ns)
{
    struct pw_budget_window *window = find(budget, kind, interval_ns);
    if (!window) {
        return;
    }
    roll(window, now_ns);
    /* Responses may overtake each other: what only grows is believed at its most. */
    window->used = kind == PW_BUDGET_ORDERS || count > window->used ? count : window->used;
    window->limit = limit > window->reserve ? limit : window->limit;
    pw_assert(window->limit > window->reserve);
}

void pw_budget_pause(struct pw_budget *budget, int64_t until_ns, int64_t least_ns, int64_t now_ns)
{
    int64_t end_ns = until_ns > now_ns ? until_ns : now_ns + least_ns;
    end_ns = end_ns - now_ns > PW_BUDGET_PAUSE_MAX_NS ? now_ns + PW_BUDGET_PAUSE_MAX_NS : end_ns;
    budget->paused_until_ns = end_ns > budget->paused_until_ns ? end_ns : budget->paused_until_ns;
}
