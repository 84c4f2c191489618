/* SPDX-License-Identifier: MIT
 *
 * An answer's body, compressed for who asked for it.
 */
#ifndef PW_GZIP_H
#define PW_GZIP_H

#include "buffer.h"

/* Clears `out` and fills it. False: no memory; `in` is to be sent as it is. */
bool pw_serve_gzip(const struct pw_buffer *in, struct pw_buffer *out);

#endif
