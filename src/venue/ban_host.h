/* SPDX-License-Identifier: MIT
 *
 * Whom a venue bans together. A ban is of our address, and all servers of the venue obey it: "api", "api1"
 * and "ws-api" of one domain. So it is kept by the domain of the venue's REST service.
 */
#ifndef PW_BAN_HOST_H
#define PW_BAN_HOST_H

#define PW_BAN_HOST_BYTES 264u /* a name of 253 bytes, a port, and the zero */

/* "binance.com" of https://api1.binance.com/x, "localhost:8443" of https://localhost:8443: the last two
 * labels of the host, or the whole address, and the port if it is not the scheme's own. Empty: it is no URL.
 */
void pw_ban_host_of_url(const char *rest_url, char host[PW_BAN_HOST_BYTES]);

#endif
