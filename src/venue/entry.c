/* SPDX-License-Identifier: MIT
 *
 * What all codecs of order entry share: what an error is to its order, and the hash of an instance's name.
 */
#include <pinwheel/entry.h>

static enum pw_exec_type cancel_exec_type(enum pw_entry_error error, enum pw_exec_type refused)
{
    switch (error) {
    case PW_ENTRY_UNKNOWN:
        return PW_EXEC_TIME_OUT;
    case PW_ENTRY_CANCEL_UNKNOWN:
    case PW_ENTRY_NOT_FOUND:
        return PW_EXEC_CANCEL_UNKNOWN;
    default:
        return refused;
    }
}

bool pw_entry_error_exec_type(enum pw_entry_kind request, enum pw_entry_error error, bool replaced,
                              enum pw_exec_type *exec_type)
{
    if (error == PW_ENTRY_PARTIAL) {
        return false;
    }
    switch (request) {
    case PW_ENTRY_CANCEL:
        *exec_type = cancel_exec_type(error, PW_EXEC_CANCEL_REJECTED);
        return true;
    case PW_ENTRY_PLACE:
    case PW_ENTRY_TEST:
    case PW_ENTRY_REPLACE:
        *exec_type = replaced                    ? cancel_exec_type(error, PW_EXEC_REPLACE_REJECTED)
                     : error == PW_ENTRY_UNKNOWN ? PW_EXEC_TIME_OUT
                                                 : PW_EXEC_REJECT;
        return true;
    case PW_ENTRY_QUERY:
        *exec_type = PW_EXEC_NOT_FOUND;
        return error == PW_ENTRY_NOT_FOUND;
    default:
        return false;
    }
}

uint32_t pw_entry_instance_hash(const char *instance)
{
    uint32_t hash = 0x811c9dc5;
    for (; *instance != '\0'; instance++) {
        hash = (hash ^ (uint8_t)*instance) * 0x01000193;
    }
    return hash;
}
