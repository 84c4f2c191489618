/* SPDX-License-Identifier: MIT
 *
 * What all venues share: the names of the decoders' results.
 */
#include <pinwheel/venue.h>

const char *pw_decode_name(enum pw_decode result)
{
    switch (result) {
    case PW_DECODE_OK:
        return "ok";
    case PW_DECODE_IGNORED:
        return "ignored";
    case PW_DECODE_CONTROL:
        return "control";
    case PW_DECODE_SHUTDOWN:
        return "shutdown";
    case PW_DECODE_BAD_JSON:
        return "bad_json";
    case PW_DECODE_BAD_FIELD:
        return "bad_field";
    case PW_DECODE_BAD_NUMBER:
        return "bad_number";
    case PW_DECODE_BAD_SEQUENCE:
        return "bad_sequence";
    case PW_DECODE_TOO_LARGE:
        return "too_large";
    case PW_DECODE_ERROR_REPLY:
        return "error_reply";
    }
    return "?";
}
