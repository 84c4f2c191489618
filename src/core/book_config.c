/* SPDX-License-Identifier: MIT
 *
 * The section of the order books. See book_config.h.
 */
#include "book_config.h"

/* clang-format off */
static const struct pw_key g_keys[] = {
    {.name = "book_levels", PW_FIELD(struct pw_config_book, levels), .kind = PW_VALUE_COUNT, .fallback = "8192",
     .min = 16, .max = 1 << 20, .unit = "levels", .help = "kept of each side of each order book"},
};
/* clang-format on */

const struct pw_section pw_book_section = {
    .keys = g_keys, .key_cnt = PW_COUNT_OF(g_keys), .bytes = sizeof(struct pw_config_book)};
