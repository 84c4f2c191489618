/* SPDX-License-Identifier: MIT
 *
 * The enums of pinwheel/enums.h and the reasons as tables: for printing, JSON, and the reference pages.
 */
#ifndef PW_ENUM_TABLE_H
#define PW_ENUM_TABLE_H

#include <pinwheel/enums.h>
#include <pinwheel/reasons.h>
#include <stdint.h>

struct pw_enum_row {
    const char *name, *help; /* NULL: no such number */
};

struct pw_enum {
    const char *name;               /* "order_state" */
    const struct pw_enum_row *rows; /* by number */
    uint32_t cnt;
};

#define PW_ENUM_DECLARED(enum_, rows) extern const struct pw_enum pw_enum_##enum_;
PW_ENUMS(PW_ENUM_DECLARED)
extern const struct pw_enum pw_enum_reason;

/* All of them, the reasons last. */
extern const struct pw_enum *const pw_enums[];
extern const uint32_t pw_enum_cnt;

/* "?" for a number without a row. */
static inline const char *pw_enum_name(const struct pw_enum *table, uint64_t number)
{
    return number < table->cnt && table->rows[number].name ? table->rows[number].name : "?";
}

#endif
