/* SPDX-License-Identifier: MIT
 *
 * What a section's check sees: the values of all sections, and where they stand in the file.
 */
#ifndef PW_CONFIG_CHECK_H
#define PW_CONFIG_CHECK_H

#include "config.h"
#include "document.h"

struct pw_config_check {
    struct pw_document *doc; /* problems go here */
    const struct pw_config *config;
    void *record;      /* the section's own struct; what the check derives goes there, too */
    const void *given; /* what the program passed for this section; NULL: nothing */
};

#endif
