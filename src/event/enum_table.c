/* SPDX-License-Identifier: MIT
 *
 * Names and helps of the enums, by number.
 */
#include "enum_table.h"

#define ROW(constant, number, name_, help_) [number] = {.name = name_, .help = help_},

#define TABLE(enum_, rows_)                                                                                  \
    static const struct pw_enum_row enum_##_table[] = {rows_(ROW)};                                          \
    const struct pw_enum pw_enum_##enum_ = {                                                                 \
        .name = #enum_, .rows = enum_##_table, .cnt = sizeof enum_##_table / sizeof enum_##_table[0]};       \
    const char *pw_##enum_##_name(uint64_t number)                                                           \
    {                                                                                                        \
        return pw_enum_name(&pw_enum_##enum_, number);                                                       \
    }
PW_ENUMS(TABLE)

/* ---- reasons ---- */

#define REASON_ROW(NAME, number, name_, help_) [number] = {.name = #name_, .help = help_},
static const struct pw_enum_row reason_table[] = {PW_REASONS(REASON_ROW, REASON_ROW, REASON_ROW)};
const struct pw_enum pw_enum_reason = {
    .name = "reason", .rows = reason_table, .cnt = sizeof reason_table / sizeof reason_table[0]};

#define STATE_KIND(NAME, number, name, help)  [number] = PW_REASON_KIND_STATE,
#define DENIED_KIND(NAME, number, name, help) [number] = PW_REASON_KIND_DENIED,
#define VENUE_KIND(NAME, number, name, help)  [number] = PW_REASON_KIND_VENUE,
static const uint8_t reason_kinds[] = {PW_REASONS(STATE_KIND, DENIED_KIND, VENUE_KIND)};

const char *pw_reason_name(uint64_t reason)
{
    return pw_enum_name(&pw_enum_reason, reason);
}

const char *pw_halt_name(uint64_t reason)
{
    return reason == PW_REASON_HALTED ? "command" : pw_reason_name(reason);
}

const char *pw_reason_help(uint64_t reason)
{
    return reason < pw_enum_reason.cnt && reason_table[reason].help ? reason_table[reason].help : "?";
}

enum pw_reason_kind pw_reason_kind(uint64_t reason)
{
    return reason < sizeof reason_kinds ? (enum pw_reason_kind)reason_kinds[reason] : PW_REASON_KIND_STATE;
}

/* ---- all ---- */

#define ENTRY(enum_, rows) &pw_enum_##enum_,
/* clang-format off */
const struct pw_enum *const pw_enums[] = {PW_ENUMS(ENTRY) &pw_enum_reason};
/* clang-format on */
const uint32_t pw_enum_cnt = sizeof pw_enums / sizeof pw_enums[0];
