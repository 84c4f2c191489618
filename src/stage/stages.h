/* SPDX-License-Identifier: MIT
 *
 * The stages, for the topology's table.
 */
#ifndef PW_STAGES_H
#define PW_STAGES_H

#include "stage.h"

extern const struct pw_stage_ops pw_net_rx_stage;
extern const struct pw_stage_ops pw_parse_stage;
extern const struct pw_stage_ops pw_strategy_stage;
extern const struct pw_stage_ops pw_execution_stage;
extern const struct pw_stage_ops pw_net_tx_stage;
extern const struct pw_stage_ops pw_journal_stage;
extern const struct pw_stage_ops pw_housekeeping_stage;

#endif
