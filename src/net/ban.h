/* SPDX-License-Identifier: MIT
 *
 * Venues' bans, kept over a restart: until when a host takes no requests from here (HTTP 429 and 418, and
 * what its WebSocket API says). Whoever asks a venue for something looks here first: asking during a ban
 * makes it longer.
 *
 * One file beside the journal, <folder>/ban: a line a host, its end in nanoseconds since the epoch and its
 * name (ban_host.h). A line without a name, as earlier versions wrote it, is of all hosts. The file is
 * replaced as a whole. Without a journal (folder NULL) nothing is kept.
 *
 * Whoever learns of a ban shows it in the workspace (pw_bans_show) and waits for no disk; the desk (desk.h)
 * has it stored from there.
 */
#ifndef PW_BAN_H
#define PW_BAN_H

#include "ban_host.h"
#include "conns.h"
#include <pinwheel/workspace.h>
#include <stdbool.h>
#include <stdint.h>

/* A longer one is not believed: the longest that a venue is known to set is three days. */
#define PW_BAN_MAX_NS (INT64_C(4) * 86400 * 1000000000)

/* The end of the ban of that host; 0: there is none, or it is over. */
int64_t pw_ban_read(const char *folder, const char *host, int64_t now_ns);

/* Durably, beside those of other hosts that are not over; one of the same host is never shortened. 0 or
 * -errno. */
int pw_ban_keep(const char *folder, const char *host, int64_t until_ns, int64_t now_ns);

/* The same of the connections' hosts, by their number (host_idx). */
void pw_bans_read(const char *folder, const struct pw_conns *conns, int64_t now_ns,
                  int64_t until_ns[PW_FEEDS_MAX]);
int pw_bans_keep(const char *folder, const struct pw_conns *conns, const int64_t until_ns[PW_FEEDS_MAX],
                 int64_t now_ns);
/* So that keeping them works on a full disk, too. 0 or -errno. */
int pw_bans_reserve(const char *folder);
/* Into the rows of the workspace's feed region, one a connection. */
void pw_bans_show(const struct pw_conns *conns, uint32_t host_idx, int64_t until_ns,
                  struct pw_feed_view *views);
/* What the rows show, over what until_ns has; true: there is a longer one. */
bool pw_bans_follow(const struct pw_conns *conns, const struct pw_feed_view *views,
                    int64_t until_ns[PW_FEEDS_MAX]);
/* What people call it. Returns name. */
const char *pw_bans_name(const struct pw_conns *conns, uint32_t host_idx, char name[PW_BAN_HOST_BYTES]);

/* The end of the ban that an HTTP answer tells of; 0: none. retry_after_s 0: it does not say how long; then
 * it is the venue's shortest of that status. */
int64_t pw_ban_of_answer(uint32_t http_status, uint32_t retry_after_s, int64_t now_ns);

#endif
