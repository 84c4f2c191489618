/* SPDX-License-Identifier: MIT
 *
 * Bans of the venue's, kept over a restart: until when it takes no requests from here (HTTP 429 and 418, and
 * what its WebSocket API says). Whoever asks the venue for something looks here first: asking during a ban
 * makes it longer.
 *
 * One file beside the journal, <folder>/ban: the time in nanoseconds since the epoch, as text. It is replaced
 * as a whole. Without a journal (folder NULL) nothing is kept.
 */
#ifndef PW_BAN_H
#define PW_BAN_H

#include <stdint.h>

/* A longer one is not believed: the venue's longest is three days. */
#define PW_BAN_MAX_NS (INT64_C(4) * 86400 * 1000000000)

/* The end of the ban that is kept; 0: there is none, or it is over. */
int64_t pw_ban_read(const char *folder, int64_t now_ns);

/* Durably. 0 or -errno. */
int pw_ban_keep(const char *folder, int64_t until_ns);

/* The end of the ban that an HTTP answer tells of; 0: none. retry_after_s 0: it does not say how long. */
int64_t pw_ban_of_answer(uint32_t http_status, uint32_t retry_after_s, int64_t now_ns);

#endif
