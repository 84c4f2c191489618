/* SPDX-License-Identifier: MIT
 *
 * The config's schema: one table of keys, from which a file is read, defaults are filled in, wrong values are
 * judged, and the reference page is printed.
 */
#ifndef PW_SCHEMA_H
#define PW_SCHEMA_H

#include "config.h"
#include "document.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Reads the document into a zeroed config: every key by its row, defaults where a key is absent. Values are
 * judged one by one; what concerns several of them is config.c's. Problems go into the document. */
void pw_schema_read(struct pw_document *doc, struct pw_config *config);

#endif
