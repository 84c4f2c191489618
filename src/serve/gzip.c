/* SPDX-License-Identifier: MIT
 *
 * zlib's deflate in gzip's frame: see gzip.h.
 */
#include "gzip.h"

#include <zlib.h>

#define GZIP_FRAME 16 /* added to the window bits: a gzip frame, not zlib's */

bool pw_serve_gzip(const struct pw_buffer *in, struct pw_buffer *out)
{
    z_stream stream = {0};
    uLong bound;
    bool good = false;

    pw_buffer_clear(out);
    if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, MAX_WBITS + GZIP_FRAME, 8, Z_DEFAULT_STRATEGY) !=
        Z_OK) {
        return false;
    }
    bound = deflateBound(&stream, in->size);
    if (pw_buffer_reserve(out, bound)) {
        stream.next_in = (Bytef *)in->data;
        stream.avail_in = (uInt)in->size;
        stream.next_out = (Bytef *)out->data;
        stream.avail_out = (uInt)bound;
        good = deflate(&stream, Z_FINISH) == Z_STREAM_END;
        out->size = stream.total_out;
    }
    deflateEnd(&stream);
    return good;
}
