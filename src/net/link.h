/* SPDX-License-Identifier: MIT
 *
 * A link: one connection's bytes, with TLS or without. The cold side sets it up through struct pw_sockets,
 * the hot side goes on with it through struct pw_io; reading and writing plaintext is the same for both.
 */
#ifndef PW_LINK_H
#define PW_LINK_H

#include "seam.h"
#include "stream.h"
#include "tls.h"

struct pw_link {
    int socket; /* -1: none */
    bool secure;
    struct pw_tls tls;
    struct pw_input input;
    struct pw_output output;
    uint8_t *cold_data; /* what the cold side receives into */
    uint32_t cold_bytes;
    bool send_failed; /* cold: the socket takes no more */
};

/* Gives a link its buffers: cold_bytes to receive into (cold side), output_bytes to send from. */
void pw_link_init(struct pw_link *link, uint8_t *cold_data, uint32_t cold_bytes, uint8_t *output_data,
                  uint32_t output_bytes);

/* Hot: can pw_link_read bring anything now? False while a TLS record is not whole. */
bool pw_link_readable(const struct pw_link *link);
/* Cold: is there anything to read, be it a piece of a record? Reading it makes room for the next receive. */
bool pw_link_waiting(const struct pw_link *link);
/* OK: *size plaintext bytes at out. Without TLS an end is TRUNCATED, too: there is no telling. */
enum pw_tls_result pw_link_read(struct pw_link *link, uint8_t *out, size_t *size);
/* Puts plaintext on its way, whole; WANT_OUTPUT: output has no room for it now. */
enum pw_tls_result pw_link_write(struct pw_link *link, const uint8_t *data, size_t size);
/* The end of what we write. */
enum pw_tls_result pw_link_shutdown(struct pw_link *link);

/* ---- Cold ---- */

/* One receive, if all that came before has been read; how many bytes. The end is marked in input. */
size_t pw_link_receive(struct pw_link *link, const struct pw_sockets *sockets, int64_t now_ns);
/* Sends what there is, as far as it goes. */
void pw_link_flush(struct pw_link *link, const struct pw_sockets *sockets);
/* Frees the session, closes the socket, forgets what is buffered; the buffers stay. */
void pw_link_close(struct pw_link *link, const struct pw_sockets *sockets);

#endif
