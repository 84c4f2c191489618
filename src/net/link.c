/* SPDX-License-Identifier: MIT
 *
 * Plaintext in and out, and the cold side's socket calls.
 */
#include "link.h"

#include <errno.h>
#include <string.h>

void pw_link_init(struct pw_link *link, uint8_t *cold_data, uint32_t cold_bytes, uint8_t *output_data,
                  uint32_t output_bytes)
{
    *link = (struct pw_link){.socket = -1, .cold_data = cold_data, .cold_bytes = cold_bytes};
    link->output = (struct pw_output){.data = output_data, .cap = output_bytes};
}

bool pw_link_readable(const struct pw_link *link)
{
    return link->secure ? pw_tls_readable(&link->tls) : link->input.bytes > 0 || link->input.ended;
}

bool pw_link_waiting(const struct pw_link *link)
{
    return link->input.bytes > 0 || link->input.ended || (link->secure && link->tls.pending);
}

enum pw_tls_result pw_link_read(struct pw_link *link, uint8_t *out, size_t *size)
{
    if (link->secure) {
        return pw_tls_read(&link->tls, out, size);
    }
    *size = pw_input_take(&link->input, out, *size);
    return *size > 0 ? PW_TLS_OK : link->input.ended ? PW_TLS_TRUNCATED : PW_TLS_WANT_INPUT;
}

enum pw_tls_result pw_link_write(struct pw_link *link, const uint8_t *data, size_t size)
{
    if (link->secure) {
        return pw_tls_write(&link->tls, data, size);
    }
    return pw_output_add(&link->output, data, size) ? PW_TLS_OK : PW_TLS_WANT_OUTPUT;
}

enum pw_tls_result pw_link_shutdown(struct pw_link *link)
{
    return link->secure ? pw_tls_shutdown(&link->tls) : PW_TLS_OK;
}

size_t pw_link_receive(struct pw_link *link, const struct pw_sockets *sockets, int64_t now_ns)
{
    if (link->input.cnt > 0 || link->input.ended) {
        return 0;
    }
    ssize_t got = sockets->recv(sockets->state, link->socket, link->cold_data, link->cold_bytes);
    if (got > 0) {
        struct pw_segment segment = {link->cold_data, (uint32_t)got, PW_SEGMENT_NO_INDEX, now_ns, 0};
        pw_input_add(&link->input, segment);
        return (size_t)got;
    }
    link->input.ended = got != -EAGAIN;
    return 0;
}

void pw_link_flush(struct pw_link *link, const struct pw_sockets *sockets)
{
    struct pw_output *output = &link->output;
    while (!pw_output_empty(output) && !link->send_failed) {
        ssize_t sent = sockets->send(sockets->state, link->socket, output->data + output->sent,
                                     output->size - output->sent);
        if (sent <= 0) {
            link->send_failed = sent != -EAGAIN;
            return;
        }
        pw_output_sent(output, (uint32_t)sent);
    }
}

void pw_link_close(struct pw_link *link, const struct pw_sockets *sockets)
{
    if (link->tls.ssl != NULL) {
        pw_tls_close(&link->tls);
    }
    if (link->socket >= 0) {
        sockets->close(sockets->state, link->socket);
    }
    pw_link_init(link, link->cold_data, link->cold_bytes, link->output.data, link->output.cap);
}
