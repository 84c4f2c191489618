/* SPDX-License-Identifier: MIT
 *
 * The accounts of an engine, for those who look at all of them together.
 */
#include <pinwheel/cell.h>
#include <pinwheel/workspace.h>

bool pw_account_at(const struct pw_workspace *ws, uint32_t account_idx, struct pw_account *account)
{
    const struct pw_region *region = pw_workspace_find(ws, "account", PW_REGION_ACCOUNT);
    if (region == NULL || account_idx >= region->row_cnt) {
        return false;
    }
    const struct pw_account_view *view = pw_region_at(ws, region, account_idx);
    return pw_cell_read(&view->cell, view->words, account, sizeof *account);
}

bool pw_account_sum(const struct pw_workspace *ws, struct pw_account *sum)
{
    struct pw_account one;
    bool any = false;
    *sum = (struct pw_account){0};
    for (uint32_t i = 0; i < PW_ACCOUNTS_MAX; i++) {
        if (!pw_account_at(ws, i, &one)) {
            continue; /* one that cannot be read hides none behind it */
        }
        any = true;
        sum->intent_cnt += one.intent_cnt;
        sum->order_cnt += one.order_cnt;
        sum->fill_cnt += one.fill_cnt;
        sum->denied_cnt += one.denied_cnt;
        sum->rejected_cnt += one.rejected_cnt;
        sum->canceled_cnt += one.canceled_cnt;
        sum->open_order_cnt += one.open_order_cnt;
        sum->halted = sum->halted ? sum->halted : one.halted;
    }
    return any;
}
