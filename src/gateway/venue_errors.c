/* SPDX-License-Identifier: MIT
 *
 * Folding what a venue says by its kind, and showing it.
 */
#include "venue_errors.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Numbers in a text (an id, a time) make no other kind of it. */
static bool is_like(const char *a, const char *b)
{
    for (; *a != '\0' && *b != '\0'; a++, b++) {
        bool digits = *a >= '0' && *a <= '9' && *b >= '0' && *b <= '9';
        if (*a != *b && !digits) {
            return false;
        }
    }
    return *a == *b;
}

static bool is_kind_of(const struct pw_venue_error *row, const struct pw_venue_error *error)
{
    return row->kind == error->kind && row->request == error->request && row->code == error->code &&
           row->http_status == error->http_status && row->reason == error->reason &&
           row->decode == error->decode && is_like(row->text, error->text);
}

static void put_text(char to[PW_VENUE_ERROR_TEXT_BYTES], const char *text, size_t bytes, const char *secret)
{
    size_t secret_bytes = secret ? strlen(secret) : 0, at = 0;
    for (size_t i = 0; i < bytes && at + 1 < PW_VENUE_ERROR_TEXT_BYTES; at++) {
        if (secret_bytes > 0 && bytes - i >= secret_bytes && memcmp(text + i, secret, secret_bytes) == 0) {
            to[at] = '*';
            i += secret_bytes;
        } else {
            to[at] = text[i] >= ' ' && text[i] <= '~' ? text[i] : ' ';
            i++;
        }
    }
    to[at] = '\0';
}

void pw_venue_errors_add(struct pw_venue_errors *errors, const struct pw_venue_error *error, const char *text,
                         size_t text_bytes, const char *secret)
{
    if (errors == NULL) {
        return;
    }
    struct pw_venue_error one = *error;
    put_text(one.text, text, text_bytes, secret);
    uint32_t i = 0;
    while (i + 1 < PW_VENUE_ERRORS_MAX && errors->rows[i].count > 0 && !is_kind_of(&errors->rows[i], &one)) {
        i++;
    }
    struct pw_venue_error *row = &errors->rows[i];
    if (row->count == 0) {
        *row = one;
        row->count = 0;
    }
    row->count++;
    errors->changed[i] = true;
}

void pw_venue_errors_publish(struct pw_venue_errors *errors)
{
    for (uint32_t i = 0; i < PW_VENUE_ERRORS_MAX; i++) {
        if (errors->changed[i]) {
            struct pw_venue_error_cell *cell = &errors->cells[i];
            pw_cell_write(&cell->cell, cell->words, &errors->rows[i], sizeof errors->rows[i]);
            errors->changed[i] = false;
        }
    }
}

uint64_t pw_venue_errors_count(const struct pw_venue_errors *errors, uint32_t row)
{
    static_assert(offsetof(struct pw_venue_error, count) == 0, "the first word");
    return atomic_load_explicit(&errors->cells[row].words[0], memory_order_relaxed); /* of nothing else */
}

bool pw_venue_errors_read(const struct pw_venue_errors *errors, uint32_t row, struct pw_venue_error *error)
{
    const struct pw_venue_error_cell *cell = &errors->cells[row];
    return pw_cell_read(&cell->cell, cell->words, error, sizeof *error);
}

const char *pw_venue_request_name(uint8_t request)
{
    static const char *const names[PW_ENTRY_KINDS] = {[PW_ENTRY_PLACE] = "new order",
                                                      [PW_ENTRY_TEST] = "order test",
                                                      [PW_ENTRY_REPLACE] = "cancel-replace",
                                                      [PW_ENTRY_CANCEL] = "cancel",
                                                      [PW_ENTRY_QUERY] = "order query",
                                                      [PW_ENTRY_FILLS] = "query of fills",
                                                      [PW_ENTRY_OPEN_ORDERS] = "open orders",
                                                      [PW_ENTRY_ACCOUNT] = "account balances",
                                                      [PW_ENTRY_TIME] = "venue time",
                                                      [PW_ENTRY_LOGIN] = "login",
                                                      [PW_ENTRY_SUBSCRIBE] =
                                                          "subscription to account events"};
    return request < PW_ENTRY_KINDS ? names[request] : "account event";
}

const char *pw_venue_error_line(const struct pw_venue_error *error, char text[PW_VENUE_ERROR_LINE_BYTES])
{
    char order[48] = "", why[64] = "", code[64] = "";
    const char *request = pw_venue_request_name(error->request);
    if (error->client_order_id != 0) {
        snprintf(order, sizeof order, " (order %" PRIu64 ")", error->client_order_id);
    }
    switch (error->kind) {
    case PW_VENUE_ERROR_UNREADABLE:
        snprintf(why, sizeof why, "%s", pw_decode_name((enum pw_decode)error->decode));
        snprintf(text, PW_VENUE_ERROR_LINE_BYTES, "cannot read the venue's answer: %s%s: %s%s%s", request,
                 order, why, error->text[0] != '\0' ? ", field " : "", error->text);
        break;
    case PW_VENUE_ERROR_CONTRADICTION:
        snprintf(text, PW_VENUE_ERROR_LINE_BYTES, "the venue's report contradicts its order%s: %s", order,
                 error->text);
        break;
    default:
        if (error->http_status != 0) {
            snprintf(code, sizeof code, "status %u, ", error->http_status);
        }
        snprintf(text, PW_VENUE_ERROR_LINE_BYTES, "rejected by the venue: %s%s: %scode %" PRId64 ", %s (%s)",
                 request, order, code, error->code, error->text, pw_reason_name(error->reason));
        break;
    }
    return text;
}
