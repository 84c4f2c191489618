/* SPDX-License-Identifier: MIT
 *
 * Listings in virtual time: which statuses are an answer, and which instrument it is that a venue refuses.
 */
#include "listing.h"
#include "ban.h"
#include "net_world.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROW(symbol)                                                                                          \
    "{\"symbol\":\"" symbol                                                                                  \
    "\",\"status\":\"TRADING\",\"baseAsset\":\"A\",\"quoteAsset\":\"B\",\"filters\":[]}"
#define REFUSAL "{\"code\":-1121,\"msg\":\"Invalid symbol.\"}"

static struct net_world world;
static struct far_end peer;
static struct pw_fetch *fetch;
static struct pw_config_feed feed;
static struct pw_instrument rows[3];
static struct pw_instrument_said said[3];
static struct pw_listing listing;

static void open_listing(const char *venue)
{
    static const char *const symbols[] = {"BTCUSDT", "NOPEUSDT", "ETHUSDT"};
    struct net_world_options options = {0};
    net_world_open(&world, &options);
    pw_connector_stop(world.connector);
    fetch = pw_fetch_create(world.net, 4096);
    cr_assert_not_null(fetch);
    feed = (struct pw_config_feed){.name = "feed", .instrument_cnt = 3};
    snprintf(feed.venue, sizeof feed.venue, "%s", venue);
    for (uint32_t i = 0; i < 3; i++) {
        snprintf(feed.instruments[i], sizeof feed.instruments[i], "%s", symbols[i]);
    }
    listing = (struct pw_listing){.fetch = fetch,
                                  .feed = &feed,
                                  .list = {.feed_idx = 0, .rows = rows, .said = said},
                                  .timeout_ns = 2 * S_NS};
    cr_assert_eq(pw_listing_start(&listing, world.now_ns), 0);
}

static void close_listing(void)
{
    pw_fetch_destroy(fetch);
    cr_expect_eq(pw_virtual_open_cnt(world.network), 0);
    net_world_close(&world);
}

static enum pw_listing_result run(int64_t time_ns)
{
    enum pw_listing_result result = PW_LISTING_PENDING;
    for (int64_t end_ns = world.now_ns + time_ns; result == PW_LISTING_PENDING && world.now_ns < end_ns;) {
        result = pw_listing_poll(&listing, world.now_ns);
        far_pump(&peer);
        net_world_step(&world, MS_NS);
    }
    return result;
}

/* One request, which names the target, and its answer. */
static enum pw_listing_result answer(const char *target, const char *head, const char *body)
{
    char text[2048];
    int socket = -1;
    for (int i = 0; i < 100 && socket < 0; i++) {
        cr_assert_eq(pw_listing_poll(&listing, world.now_ns), PW_LISTING_PENDING);
        net_world_step(&world, MS_NS);
        socket = pw_virtual_accept(world.network, world.listener);
    }
    cr_assert_geq(socket, 0, "nobody has come");
    far_open(&peer, &world, socket);
    run(20 * MS_NS);
    peer.in[peer.in_bytes] = 0;
    cr_assert_not_null(strstr((char *)peer.in, target), "%s", (char *)peer.in);
    snprintf(text, sizeof text, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s", head, strlen(body), body);
    far_send(&peer, text, strlen(text));
    enum pw_listing_result result = run(20 * MS_NS);
    far_close(&peer);
    return result;
}

/* cases/41-status-of-an-answer */
Test(listing, only_200_is_an_answer)
{
    static const struct {
        const char *head;
        bool is_ban;
    } others[] = {
        {"201 Created", false},
        {"203 Non-Authoritative", false},
        {"206 Partial Content\r\nContent-Range: bytes 0-9/10", false},
        {"300 Choices", false},
        {"301 Moved\r\nLocation: /x", false},
        {"302 Found\r\nLocation: https://elsewhere/", false},
        {"307 Moved\r\nLocation: /x", false},
        {"308 Moved\r\nLocation: /x", false},
        {"403 Forbidden", false},
        {"404 Not Found", false},
        {"418 Teapot\r\nRetry-After: 7", true},
        {"429 Too Many\r\nRetry-After: 7", true},
        {"500 Oops", false},
        {"503 Busy", false},
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        open_listing("binance_spot");
        memset(rows, 0, sizeof rows);
        cr_expect_eq(answer("GET /base/api/v3/exchangeInfo?symbols=", others[i].head,
                            "{\"symbols\":[" ROW("BTCUSDT") "," ROW("NOPEUSDT") "," ROW("ETHUSDT") "]}"),
                     PW_LISTING_RETRY, "%s", others[i].head);
        cr_expect_eq(listing.http_status, (uint32_t)atoi(others[i].head));
        cr_expect_eq(pw_ban_of_answer(listing.http_status, listing.retry_after_s, 0) != 0, others[i].is_ban);
        cr_expect_eq(listing.retry_after_s, others[i].is_ban ? 7 : 0);
        cr_expect_eq(rows[0].symbol[0], '\0', "%s: nothing of it is taken", others[i].head);
        cr_expect_lt(pw_virtual_accept(world.network, world.listener), 0, "nobody follows a redirect");
        close_listing();
    }
}

/* cases/41-status-of-an-answer: of a ban only the head counts. */
Test(listing, a_ban_is_one_whatever_stands_below)
{
    static const char *const bodies[] = {"", "{\"symbols\":[]}", REFUSAL, "<html>"};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        open_listing("binance_spot");
        cr_expect_eq(answer("exchangeInfo", "418 Teapot\r\nRetry-After: 9", bodies[i]), PW_LISTING_RETRY);
        cr_expect_eq(listing.http_status, 418);
        close_listing();
    }
    static const char *const heads[] = {"429 x\r\nRetry-After: 9\r\nX: 1\r\nTransfer-Encoding: chunked",
                                        "418 x\r\nRetry-After: 9\r\nContent-Length: 999999999"};
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        open_listing("binance_spot");
        int socket = -1;
        for (int k = 0; k < 100 && socket < 0; k++) {
            pw_listing_poll(&listing, world.now_ns);
            net_world_step(&world, MS_NS);
            socket = pw_virtual_accept(world.network, world.listener);
        }
        far_open(&peer, &world, socket);
        run(20 * MS_NS);
        char text[256];
        snprintf(text, sizeof text, "HTTP/1.1 %s\r\n\r\nzz\r\n", heads[i]);
        far_send(&peer, text, strlen(text));
        cr_expect_eq(run(5 * S_NS), PW_LISTING_RETRY);
        cr_expect_eq(listing.http_status, i == 0 ? 429 : 418);
        cr_expect_eq(listing.retry_after_s, 9);
        close_listing();
    }
}

Test(listing, an_answer_has_a_row_for_each)
{
    open_listing("binance_spot");
    cr_assert_eq(answer("exchangeInfo?symbols=%5B%22BTCUSDT%22%2C%22NOPEUSDT%22", "200 OK",
                        "{\"symbols\":[7,{\"symbol\":\"X\"}," ROW("ETHUSDT") "," ROW("BTCUSDT") "]}"),
                 PW_LISTING_DONE, "%s", listing.list.error);
    cr_expect_str_eq(rows[0].symbol, "BTCUSDT");
    cr_expect_str_eq(rows[0].feed, "feed");
    cr_expect_eq(rows[0].multiplier_e8, PW_E8);
    cr_expect_eq(said[1].fault, -ENOENT);
    cr_expect_eq(said[0].fault, 0);
    cr_expect_eq(said[2].fault, 0);
    close_listing();
}

/* cases/newcomer.md, 16 */
Test(listing, what_a_venue_refuses_is_found_by_name)
{
    open_listing("binance_spot");
    cr_assert_eq(answer("exchangeInfo?symbols=", "400 Bad Request", REFUSAL), PW_LISTING_PENDING);
    cr_assert_eq(answer("GET /base/api/v3/exchangeInfo HTTP", "200 OK",
                        "{\"symbols\":[" ROW("ETHUSDT") "," ROW("BNBUSDT") "," ROW("BTCUSDT") "]}"),
                 PW_LISTING_DONE, "%s", listing.list.error);
    cr_expect(said[0].fault == 0 && said[1].fault == -ENOENT && said[2].fault == 0);
    close_listing();
}

/* cases/newcomer.md, 16: the venue's words are told where the list does not show which. */
Test(listing, a_refusal_that_no_list_explains_is_told)
{
    static const struct {
        const char *head, *body;
    } lists[] = {
        {"200 OK", "{\"symbols\":[" ROW("BTCUSDT") "," ROW("NOPEUSDT") "," ROW("ETHUSDT") "]}"},
        {"400 Bad Request", REFUSAL},
        {"404 Not Found", ""},
        {"200 OK", "<html>"},
    };
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        open_listing("binance_spot");
        cr_assert_eq(answer("exchangeInfo?symbols=", "400 Bad Request", REFUSAL), PW_LISTING_PENDING);
        cr_expect_eq(answer("exchangeInfo HTTP", lists[i].head, lists[i].body), PW_LISTING_REFUSED);
        cr_expect_not_null(strstr(listing.list.error, "Invalid symbol. (code -1121)"), "%s",
                           listing.list.error);
        close_listing();
    }
    open_listing("binance_spot");
    cr_assert_eq(answer("exchangeInfo?symbols=", "400 Bad Request", REFUSAL), PW_LISTING_PENDING);
    cr_expect_eq(answer("exchangeInfo HTTP", "429 Too Many\r\nRetry-After: 3", ""), PW_LISTING_RETRY);
    cr_expect_eq(listing.http_status, 429, "a ban is waited for");
    close_listing();
}

Test(listing, what_is_no_list_at_all_is_final)
{
    open_listing("kraken");
    cr_expect_eq(answer("GET /base/0/public/AssetPairs HTTP", "200 OK", "{\"error\":[\"EService:Busy\"]}"),
                 PW_LISTING_REFUSED);
    cr_expect_not_null(strstr(listing.list.error, "EService:Busy"));
    close_listing();
    open_listing("binance_spot");
    cr_expect_eq(answer("exchangeInfo", "200 OK", "<html>"), PW_LISTING_REFUSED);
    close_listing();
}
