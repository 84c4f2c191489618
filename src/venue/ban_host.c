/* SPDX-License-Identifier: MIT
 *
 * The name of a domain out of a URL.
 */
#include "ban_host.h"

#include "http.h"
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool is_address(struct pw_slice host)
{
    bool is_ipv4 = host.size > 0 && host.text[host.size - 1] >= '0' && host.text[host.size - 1] <= '9';
    return is_ipv4 || memchr(host.text, ':', host.size) != NULL;
}

/* The last two labels. */
static struct pw_slice domain_of(struct pw_slice host)
{
    size_t at = host.size;
    for (int dots = 0; at > 0; at--) {
        dots += host.text[at - 1] == '.';
        if (dots == 2) {
            break;
        }
    }
    return (struct pw_slice){host.text + at, host.size - at};
}

void pw_ban_host_of_url(const char *rest_url, char host[PW_BAN_HOST_BYTES])
{
    struct pw_url url;
    host[0] = '\0';
    if (!pw_url_parse(rest_url, &url) || url.host.size > 253) {
        return;
    }
    struct pw_slice name = is_address(url.host) ? url.host : domain_of(url.host);
    bool is_plain = url.scheme.size == strlen("http");
    snprintf(host, PW_BAN_HOST_BYTES, "%.*s", (int)name.size, name.text);
    if (url.port != 0 && url.port != (is_plain ? 80 : 443)) {
        size_t bytes = strlen(host);
        snprintf(host + bytes, PW_BAN_HOST_BYTES - bytes, ":%u", url.port);
    }
}
