/* SPDX-License-Identifier: MIT
 *
 * The causes' names and texts.
 */
#include "cause.h"
#include "metrics_table.h"

#define NAME(name, text) [PW_CAUSE_##name] = #name,
#define TEXT(name, text) [PW_CAUSE_##name] = text,

const char *pw_cause_name(enum pw_cause cause)
{
    static const char *const names[PW_CAUSE_END] = {
        [PW_CAUSE_none] = "none", [PW_CAUSE_LOST_END] = "none", PW_CAUSES_LOST(NAME) PW_CAUSES_DIAL(NAME)};
    return cause < PW_CAUSE_END ? names[cause] : "none";
}

const char *pw_cause_text(enum pw_cause cause)
{
    static const char *const texts[PW_CAUSE_END] = {[PW_CAUSE_none] = "no cause",
                                                    [PW_CAUSE_LOST_END] = "no cause",
                                                    PW_CAUSES_LOST(TEXT) PW_CAUSES_DIAL(TEXT)};
    return cause < PW_CAUSE_END ? texts[cause] : "no cause";
}

size_t pw_cause_metric(enum pw_cause cause)
{
#define AT(name, text) [PW_CAUSE_##name] = offsetof(struct pw_net_rx_metrics, disconnect_##name),
    static const uint16_t offsets[PW_CAUSE_LOST_END] = {PW_CAUSES_LOST(AT)};
#undef AT
    return offsets[cause];
}
