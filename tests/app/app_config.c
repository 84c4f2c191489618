/* SPDX-License-Identifier: MIT
 *
 * A config from its text.
 */
#include "app_config.h"

#include "sections.h"
#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>

struct pw_config *app_config_load(const char *dir, const char *format, ...)
{
    char path[128], error[4096];
    snprintf(path, sizeof path, "%s/engine.yaml", dir);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file, "%s", path);
    va_list values;
    va_start(values, format);
    vfprintf(file, format, values);
    va_end(values);
    fclose(file);
    struct pw_config *config = pw_app_config_create();
    cr_assert_eq(pw_app_config_load(config, path, NULL, error, sizeof error), 0, "%s", error);
    return config;
}
