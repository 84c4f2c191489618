/* SPDX-License-Identifier: MIT
 *
 * CRC-32C (Castagnoli, RFC 3720 appendix B.4), the check sum of a journal block.
 */
#ifndef PW_CRC32C_H
#define PW_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Continues `crc` (0 to begin) over bytes[0..size). */
uint32_t pw_crc32c(uint32_t crc, const void *bytes, size_t size);

#endif
