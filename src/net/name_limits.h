/* SPDX-License-Identifier: MIT
 *
 * Name constraints (RFC 5280, 4.2.1.10): which names the certificates below an authority may bear. Held for
 * dNSName, iPAddress and directoryName. A constraint of another kind is not worked out: a name of that kind
 * below it is refused.
 */
#ifndef PW_NAME_LIMITS_H
#define PW_NAME_LIMITS_H

#include "certificate.h"

/* Whether `authority`, which has limits, allows the subject and all alternative names of a certificate that
 * stands somewhere below it. */
enum pw_cert_result pw_name_limits_check(const struct pw_certificate *authority,
                                         const struct pw_certificate *below);
/* The same of the host that was asked for, be it a name or an address. */
enum pw_cert_result pw_name_limits_check_host(const struct pw_certificate *authority, const char *host);

#endif
