/* SPDX-License-Identifier: MIT
 *
 * Targets taken apart: see query.h.
 */
#include "query.h"

#include <string.h>

void pw_target_split(struct pw_slice target, struct pw_slice *path, struct pw_slice *query)
{
    const char *mark = target.size ? memchr(target.text, '?', target.size) : NULL;

    *path = (struct pw_slice){target.text, mark ? (size_t)(mark - target.text) : target.size};
    *query = mark ? (struct pw_slice){mark + 1, target.size - path->size - 1}
                  : (struct pw_slice){target.text + target.size, 0};
}

bool pw_query_find(struct pw_slice query, const char *name, struct pw_slice *value)
{
    size_t name_bytes = strlen(name);

    while (query.size) {
        const char *end = memchr(query.text, '&', query.size);
        size_t size = end ? (size_t)(end - query.text) : query.size;
        if (size > name_bytes && query.text[name_bytes] == '=' && memcmp(query.text, name, name_bytes) == 0) {
            *value = (struct pw_slice){query.text + name_bytes + 1, size - name_bytes - 1};
            return true;
        }
        query.text += size + (end != NULL);
        query.size -= size + (end != NULL);
    }
    return false;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

bool pw_percent_decode(struct pw_slice text, bool plus_is_space, char *out, size_t out_bytes, size_t *size)
{
    size_t used = 0;

    for (size_t i = 0; i < text.size; i++) {
        char c = text.text[i];
        if (c == '%') {
            int high = i + 2 < text.size ? hex_digit(text.text[i + 1]) : -1;
            int low = i + 2 < text.size ? hex_digit(text.text[i + 2]) : -1;
            if (high < 0 || low < 0) {
                return false;
            }
            c = (char)(high << 4 | low);
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        if (!c || used + 1 >= out_bytes) {
            return false;
        }
        out[used++] = c;
    }
    if (!out_bytes) {
        return false;
    }
    out[used] = 0;
    *size = used;
    return true;
}
