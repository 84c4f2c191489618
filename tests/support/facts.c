/* SPDX-License-Identifier: MIT
 *
 * The figures that are compared stand in one table; a figure that is missing on either side is a failure.
 */
#include "facts.h"
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

/* Paths into a symbol's object. Those of a group that the expected facts do not have are passed over. */
static const struct {
    const char *group;
    const char *keys[24];
} figures[] = {
    {"trades",
     {"count", "total_qty", "sum_price_times_qty", "min_price", "max_price", "first_price", "last_price",
      "buyer_maker_count", "buyer_maker_qty", "first_T_ms", "last_T_ms", "first_id", "last_id", "id_gaps",
      "ids_missing", "duplicate_ids", "backward_ids"}},
    {"aggTrades",
     {"count", "total_qty", "sum_price_times_qty", "min_price", "max_price", "first_price", "last_price",
      "buyer_maker_count", "first_id", "last_id", "id_gaps"}},
    {"bookTicker", {"count", "last/update_id", "last/bid", "last/bid_qty", "last/ask", "last/ask_qty"}},
    {"kline", {"count", "closed", "last/t", "last/o", "last/h", "last/l", "last/c", "last/v", "last/n"}},
    {"depthUpdate",
     {"count", "bid_entries", "ask_entries", "zero_qty_bid_entries", "zero_qty_ask_entries", "first_U",
      "first_u", "last_u"}},
    {"book_from_snapshot",
     {"lastUpdateId", "events_dropped", "events_applied", "bid_levels", "ask_levels", "crossed", "top_bids",
      "top_asks", "sum_bid_qty", "sum_ask_qty"}},
};

json_t *facts_expected(const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "expected/%s", name);
    const char *found = harness_shared(path);
    return found != NULL ? json_load_file(found, 0, NULL) : NULL;
}

json_t *facts_of_journal(struct harness *h)
{
    int status;
    json_t *facts = harness_run_json(
        h, (const char *const[]){"pinwheel", "journal", h->journal, "summary", "--json", NULL}, &status);
    cr_assert_not_null(facts, "pinwheel journal summary printed no JSON");
    cr_assert_eq(status, 0, "pinwheel journal summary ended with %d", status);
    return facts;
}

static const json_t *at(const json_t *json, const char *path)
{
    const char *slash = strchr(path, '/');
    if (slash == NULL) {
        return json_object_get(json, path);
    }
    char first[64];
    snprintf(first, sizeof first, "%.*s", (int)(slash - path), path);
    return at(json_object_get(json, first), slash + 1);
}

static bool same(const json_t *a, const json_t *b)
{
    if (json_is_string(a) && json_is_string(b)) {
        return decimal_equal(json_string_value(a), json_string_value(b));
    }
    if (json_is_array(a) && json_is_array(b) && json_array_size(a) == json_array_size(b)) {
        for (size_t i = 0; i < json_array_size(a); i++) {
            if (!same(json_array_get(a, i), json_array_get(b, i))) {
                return false;
            }
        }
        return true;
    }
    return a != NULL && b != NULL && json_equal(a, b);
}

int facts_compare(const char *symbol, const json_t *expected, const json_t *actual)
{
    int compared = 0;
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        const json_t *group = json_object_get(expected, figures[i].group);
        for (size_t k = 0; group != NULL && figures[i].keys[k] != NULL; k++) {
            const json_t *want = at(group, figures[i].keys[k]);
            const json_t *have = at(json_object_get(actual, figures[i].group), figures[i].keys[k]);
            char *want_text = json_dumps(want, JSON_ENCODE_ANY);
            char *have_text = json_dumps(have, JSON_ENCODE_ANY);
            cr_expect(same(want, have), "%s %s/%s: expected %s, journal has %s", symbol, figures[i].group,
                      figures[i].keys[k], want_text ? want_text : "-", have_text ? have_text : "nothing");
            free(want_text);
            free(have_text);
            compared++;
        }
    }
    return compared;
}

long long facts_message_cnt(const json_t *expected)
{
    long long cnt = 0;
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        if (strcmp(figures[i].group, "book_from_snapshot") != 0) {
            long long group_cnt =
                json_integer_value(at(json_object_get(expected, figures[i].group), "count"));
            cnt += group_cnt > 0 ? group_cnt : 0;
        }
    }
    return cnt;
}
