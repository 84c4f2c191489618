/* SPDX-License-Identifier: MIT
 *
 * The instrument table: asks each feed's venue for the symbols of the config and fills the workspace's
 * region.
 */
#ifndef PW_ENGINE_INSTRUMENTS_H
#define PW_ENGINE_INSTRUMENTS_H

#include "engine.h"

/* Tries again, with growing pauses, while a venue cannot be reached; meanwhile others are asked. 0;
 * -ECANCELED: the engine is to end; -EINVAL: the venue does not have one of the symbols (logged by name), or
 * its answer cannot be used. */
int pw_instruments_load(struct pw_engine *engine, struct pw_instrument *table);

#endif
