/* SPDX-License-Identifier: MIT
 *
 * The stages, for the topology's table.
 */
#ifndef PW_STAGES_H
#define PW_STAGES_H

#include "execution.h"
#include "housekeeping.h"
#include "journal_stage.h"
#include "net_stage.h"

extern const struct pw_stage_ops pw_parse_stage;
extern const struct pw_stage_ops pw_strategy_stage;

#endif
