/* SPDX-License-Identifier: MIT
 *
 * The venue's HTTPS side, by OpenSSL's client and command line: identity, versions, requests, answers,
 * limits, bans, and what hostile or sloppy clients send.
 */
#include "sim_program.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <jansson.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char g_market[] =
    "market:\n"
    "  seed: 7\n"
    "  instruments:\n"
    "    - {symbol: BTCUSDT, price: \"61500\", tick: \"0.01\", step: \"0.00001\"}\n"
    "    - {symbol: ETHBTC, price: \"0.05123\", tick: \"0.00001\", step: \"0.0001\"}\n";

static struct venue g_venue;
static struct peer g_peer;

static void open_market(const char *more)
{
    char yaml[2048];

    snprintf(yaml, sizeof yaml, "%s%s", g_market, more);
    venue_open(&g_venue, yaml);
}

static void close_market(void)
{
    peer_close(&g_peer);
    venue_close(&g_venue);
}

static json_t *body(void)
{
    json_error_t error;
    json_t *json =
        json_loadb(g_peer.text, g_peer.text_bytes, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);

    cr_assert_not_null(json, "%s: %s", error.text, g_peer.text);
    return json;
}

/* ---- identity ---- */

static int run(const char *format, const char *argument)
{
    char command[512];
    int status;

    snprintf(command, sizeof command, format, argument, argument, argument);
    status = system(command);
    return status == -1 ? -1 : WEXITSTATUS(status);
}

Test(identity, openssl_accepts_the_certificate_strictly_for_all_its_names_and_no_other)
{
    open_market("");
    const char *tls = g_venue.ca_file;
    char dir[96];
    struct stat status;

    snprintf(dir, sizeof dir, "%.*s", (int)(strrchr(tls, '/') - tls), tls);
    cr_expect_eq(
        run("openssl verify -x509_strict -purpose sslserver -CAfile %s/ca.pem %s/server.pem >/dev/null", dir),
        0);
    cr_expect_eq(run("openssl verify -x509_strict -verify_hostname localhost -CAfile %s/ca.pem %s/server.pem "
                     ">/dev/null",
                     dir),
                 0);
    cr_expect_eq(
        run("openssl verify -x509_strict -verify_ip 127.0.0.1 -CAfile %s/ca.pem %s/server.pem >/dev/null",
            dir),
        0);
    cr_expect_eq(
        run("openssl verify -x509_strict -verify_ip ::1 -CAfile %s/ca.pem %s/server.pem >/dev/null", dir), 0);
    cr_expect_neq(
        run("openssl verify -verify_hostname example.com -CAfile %s/ca.pem %s/server.pem >/dev/null 2>&1",
            dir),
        0);
    cr_expect_eq(run("openssl x509 -in %s/ca.pem -noout -text | grep -q 'CA:TRUE, pathlen:0'", dir), 0);
    cr_expect_eq(run("test $(ls %s | wc -l) = 3", dir), 0); /* the CA's key is nowhere */
    strcat(dir, "/server-key.pem");
    cr_assert_eq(stat(dir, &status), 0);
    cr_expect_eq(status.st_mode & 07777, 0600);
    venue_close(&g_venue);
}

Test(identity, s_client_and_curl_connect)
{
    open_market("");
    char command[512];

    snprintf(command, sizeof command,
             "echo | openssl s_client -connect 127.0.0.1:%u -servername localhost -verify_return_error "
             "-verify_hostname "
             "localhost -CAfile %s 2>/dev/null | grep -q 'Verify return code: 0 (ok)'",
             g_venue.port, g_venue.ca_file);
    cr_expect_eq(system(command), 0);
    snprintf(command, sizeof command, "curl -sS --cacert %s https://localhost:%u/api/v3/ping | grep -qx '{}'",
             g_venue.ca_file, g_venue.port);
    cr_expect_eq(system(command), 0);
    venue_close(&g_venue);
}

Test(identity, tls_1_2_and_1_3_are_spoken_and_nothing_older)
{
    static const int versions[] = {TLS1_3_VERSION, TLS1_2_VERSION, TLS1_1_VERSION, TLS1_VERSION};
    open_market("");

    for (int i = 0; i < 4; i++) {
        struct peer_target target = venue_tls(&g_venue);
        target.tls_version = versions[i];
        cr_expect_eq(peer_open(&g_peer, target), i < 2, "version %d", i);
        if (i < 2) {
            cr_expect_eq(peer_get(&g_peer, "/api/v3/ping"), 200);
        }
        peer_close(&g_peer);
    }
    venue_close(&g_venue);
}

Test(identity, it_stays_the_same_over_restarts_and_is_made_anew_when_it_is_spoilt)
{
    open_market("");
    char path[128], first[4096] = "", second[4096] = "";
    int fd = open(g_venue.ca_file, O_RDONLY);

    cr_assert_gt(read(fd, first, sizeof first - 1), 100);
    close(fd);
    cr_assert_eq(venue_stop(&g_venue, SIGTERM), 0);
    venue_reopen(&g_venue, g_market);
    fd = open(g_venue.ca_file, O_RDONLY);
    cr_assert_gt(read(fd, second, sizeof second - 1), 100);
    close(fd);
    cr_expect_str_eq(first, second);

    cr_assert_eq(venue_stop(&g_venue, SIGTERM), 0);
    snprintf(path, sizeof path, "%s/tls/server-key.pem", g_venue.dir);
    cr_assert_eq(chmod(path, 0644), 0); /* others may have read it */
    venue_reopen(&g_venue, g_market);
    cr_assert(peer_open(&g_peer, venue_tls(&g_venue)));
    peer_close(&g_peer);
    fd = open(g_venue.ca_file, O_RDONLY);
    memset(second, 0, sizeof second);
    cr_assert_gt(read(fd, second, sizeof second - 1), 100);
    close(fd);
    cr_expect_str_neq(first, second);
    venue_close(&g_venue);
}

/* ---- answers ---- */

static const struct {
    const char *target;
    int status, code;
} g_errors[] = {
    {"/api/v3/depth", 400, -1102},
    {"/api/v3/depth?symbol=", 400, -1102},
    {"/api/v3/depth?symbol=XYZUSDT", 400, -1121},
    {"/api/v3/depth?symbol=btcusdt", 400, -1100},
    {"/api/v3/depth?symbol=BTC%22USDT", 400, -1100},
    {"/api/v3/depth?symbol=BTCUSDT&limit=abc", 400, -1100},
    {"/api/v3/depth?symbol=BTCUSDT&limit=-1", 400, -1100},
    {"/api/v3/depth?symbol=BTCUSDT&limit=0", 400, -1130},
    {"/api/v3/depth?symbol=BTCUSDT&limit=", 400, -1105},
    {"/api/v3/depth?symbol=BTCUSDT&foo=1", 400, -1104},
    {"/api/v3/depth?symbol=BTCUSDT&limit=%zz", 400, -1100},
    {"/api/v3/depth?symbol=BTCUSDT%00", 400, -1100},
    {"/api/v3/depth?a=1&b=1&c=1&d=1&e=1&f=1&g=1&h=1&i=1&j=1&k=1&l=1&m=1", 400, -1101},
    {"/api/v3/exchangeInfo?symbol=NONE", 400, -1121},
    {"/api/v3/exchangeInfo?symbol=BTCUSDT&symbols=%5B%22BTCUSDT%22%5D", 400, -1128},
    {"/api/v3/exchangeInfo?symbols=BTCUSDT", 400, -1100},
    {"/api/v3/exchangeInfo?symbols=%5B%5D", 400, -1102},
    {"/api/v3/referencePrice?symbol=BTCUSDT", 400, -2043}, /* cases/21-reference-price-of-filters */
    {"/api/v3/referencePrice/calculation?symbol=BTCUSDT", 400, -2043},
    {"/api/v3/referencePrice?symbol=NONE", 400, -1121},
    {"/api/v3/referencePrice", 400, -1102},
    {"/api/v3/executionRules?symbol=NONE", 400, -1121},
    {"/api/v3/executionRules?symbol=BTCUSDT&symbols=%5B%22BTCUSDT%22%5D", 400, -1128},
    {"/api/v3/klines?symbol=BTCUSDT", 400, -1102},
    {"/api/v3/klines?symbol=BTCUSDT&interval=7m", 400, -1120},
    {"/api/v3/ticker/price?symbol=BTCUSDT&symbols=%5B%22BTCUSDT%22%5D", 400, -1128},
    {"/api/v3/nothing", 404, -1000},
    {"/", 404, -1000},
};

Test(rest, mistakes_get_the_venue_s_codes)
{
    open_market("");
    cr_assert(peer_open(&g_peer, venue_tls(&g_venue)));
    for (size_t i = 0; i < sizeof g_errors / sizeof g_errors[0]; i++) {
        cr_expect_eq(peer_get(&g_peer, g_errors[i].target), g_errors[i].status, "%s", g_errors[i].target);
        json_t *json = body();
        cr_expect_eq(json_integer_value(json_object_get(json, "code")), g_errors[i].code, "%s: %s",
                     g_errors[i].target, g_peer.text);
        cr_expect(json_is_string(json_object_get(json, "msg")));
        json_decref(json);
    }
    close_market();
}

Test(rest, ping_time_and_exchange_info_are_as_clients_expect_them)
{
    open_market("");
    json_t *json, *symbol, *filter;
    size_t i;

    cr_assert(peer_open(&g_peer, venue_tls(&g_venue)));
    cr_expect_eq(peer_get(&g_peer, "/api/v3/ping"), 200);
    cr_expect_str_eq(g_peer.text, "{}");
    cr_expect_str_eq(peer_header(&g_peer, "Content-Type"), "application/json;charset=UTF-8");
    cr_expect_eq(peer_get(&g_peer, "/api/v3/time"), 200);
    cr_expect_eq(strspn(g_peer.text + strlen("{\"serverTime\":"), "0123456789"), 13);

    cr_expect_eq(peer_get(&g_peer, "/api/v3/exchangeInfo"), 200);
    json = body();
    cr_expect_eq(json_array_size(json_object_get(json, "symbols")), 2);
    json_decref(json);
    cr_expect_eq(peer_get(&g_peer, "/api/v3/exchangeInfo?symbols=%5B%22ETHBTC%22%2C%22BTCUSDT%22%5D"), 200);
    json = body();
    symbol = json_array_get(json_object_get(json, "symbols"), 0);
    cr_expect_str_eq(json_string_value(json_object_get(symbol, "symbol")), "ETHBTC");
    cr_expect_str_eq(json_string_value(json_object_get(symbol, "baseAsset")), "ETH");
    cr_expect_str_eq(json_string_value(json_object_get(symbol, "quoteAsset")), "BTC");
    cr_expect_str_eq(json_string_value(json_object_get(symbol, "status")), "TRADING");
    cr_expect_eq(json_array_size(json_object_get(symbol, "allowedSelfTradePreventionModes")), 6);
    static const char *const needed[] = {"PRICE_FILTER", "LOT_SIZE", "MARKET_LOT_SIZE", "NOTIONAL"};
    unsigned seen = 0;
    json_array_foreach(json_object_get(symbol, "filters"), i, filter)
    {
        const char *type = json_string_value(json_object_get(filter, "filterType"));
        for (unsigned k = 0; k < 4; k++) {
            seen |= strcmp(type, needed[k]) == 0 ? 1u << k : 0;
        }
        if (!strcmp(type, "PRICE_FILTER")) {
            cr_expect_str_eq(json_string_value(json_object_get(filter, "tickSize")), "0.00001000");
        }
        if (!strcmp(type, "LOT_SIZE")) {
            cr_expect_str_eq(json_string_value(json_object_get(filter, "stepSize")), "0.00010000");
        }
    }
    cr_expect_eq(seen, 15u);
    json_decref(json);
    close_market();
}

Test(rest, market_data_answers_have_the_venue_s_shapes)
{
    static const struct {
        const char *target;
        const char *first; /* the members of the object, or of the first one in the array */
        size_t size;       /* 0: an object; else the array's */
    } answers[] = {
        {"/api/v3/depth?symbol=BTCUSDT&limit=7", "lastUpdateId bids asks", 0},
        {"/api/v3/trades?symbol=BTCUSDT&limit=5", "id price qty quoteQty time isBuyerMaker isBestMatch", 5},
        {"/api/v3/aggTrades?symbol=BTCUSDT&limit=5", "a p q f l T m M", 5},
        {"/api/v3/ticker/bookTicker?symbol=BTCUSDT", "symbol bidPrice bidQty askPrice askQty", 0},
        {"/api/v3/ticker/bookTicker", "symbol bidPrice bidQty askPrice askQty", 2},
        {"/api/v3/ticker/price", "symbol price", 2},
        {"/api/v3/ticker/price?symbols=%5B%22BTCUSDT%22%5D", "symbol price", 1},
        {"/api/v3/avgPrice?symbol=BTCUSDT", "mins price closeTime", 0},
        {"/api/v3/executionRules?symbol=BTCUSDT", "symbolRules", 0},
        {"/api/v3/ticker/24hr?symbol=BTCUSDT",
         "symbol priceChange priceChangePercent weightedAvgPrice prevClosePrice lastPrice lastQty bidPrice "
         "bidQty askPrice "
         "askQty openPrice highPrice lowPrice volume quoteVolume openTime closeTime firstId lastId count",
         0},
    };
    size_t cnt;
    json_t *json;

    open_market("pace: 100\n");
    cr_assert(peer_open(&g_peer, venue_tls(&g_venue)));
    do { /* until there are trades enough */
        cr_assert_eq(peer_get(&g_peer, "/api/v3/aggTrades?symbol=BTCUSDT&limit=6"), 200);
        json = body();
        cnt = json_array_size(json);
        json_decref(json);
    } while (cnt < 6);
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        char names[512], *rest = names;
        cr_assert_eq(peer_get(&g_peer, answers[i].target), 200, "%s", answers[i].target);
        json = body();
        json_t *object = answers[i].size ? json_array_get(json, 0) : json;
        cnt = 0;
        cr_expect_eq(json_array_size(json), answers[i].size, "%s: %s", answers[i].target, g_peer.text);
        strcpy(names, answers[i].first);
        for (char *name = strsep(&rest, " "); name; name = strsep(&rest, " "), cnt++) {
            cr_expect_not_null(json_object_get(object, name), "%s: %s", answers[i].target, name);
        }
        cr_expect_eq(json_object_size(object), cnt, "%s: %s", answers[i].target, g_peer.text);
        json_decref(json);
    }
    close_market();
}

Test(rest, klines_are_arrays_of_twelve_that_add_up)
{
    open_market("pace: 100\n");
    json_t *json, *line, *before = NULL;
    size_t i;

    cr_assert(peer_open(&g_peer, venue_tls(&g_venue)));
    do {
        cr_assert_eq(peer_get(&g_peer, "/api/v3/klines?symbol=BTCUSDT&interval=1s&limit=20"), 200);
        json = body();
        i = json_array_size(json);
        if (i < 20) {
            json_decref(json);
        }
    } while (i < 20);
    json_array_foreach(json, i, line)
    {
        cr_assert_eq(json_array_size(line), 12);
        json_int_t open = json_integer_value(json_array_get(line, 0));
        cr_expect_eq(open % 1000, 0);
        cr_expect_eq(json_integer_value(json_array_get(line, 6)), open + 999);
        cr_expect_geq(strtod(json_string_value(json_array_get(line, 2)), NULL),
                      strtod(json_string_value(json_array_get(line, 3)), NULL));
        if (before) {
            cr_expect_eq(open, json_integer_value(json_array_get(before, 0)) + 1000);
        }
        before = line;
    }
    json_decref(json);
    close_market();
}

Test(rest, microseconds_are_given_to_who_asks_for_them)
{
    static const char request[] =
        "GET /api/v3/time HTTP/1.1\r\nHost: localhost\r\nX-MBX-TIME-UNIT: MICROSECOND\r\n\r\n";
    open_market("");

    cr_assert(peer_open(&g_peer, venue_plain(&g_venue)));
    peer_write(&g_peer, request, sizeof request - 1);
    cr_expect_eq(peer_answer(&g_peer), 200);
    cr_expect_eq(strspn(g_peer.text + strlen("{\"serverTime\":"), "0123456789"), 16);
    close_market();
}

/* ---- connections ---- */

Test(rest, requests_one_after_the_other_at_once_or_byte_by_byte_are_all_answered)
{
    static const char request[] = "GET /api/v3/ping HTTP/1.1\r\nHost: localhost\r\n\r\n";
    char many[20 * sizeof request] = "";
    open_market("");

    cr_assert(peer_open(&g_peer, venue_tls(&g_venue)));
    for (int i = 0; i < 20; i++) {
        strcat(many, request);
    }
    peer_write(&g_peer, many, strlen(many));
    for (int i = 0; i < 20; i++) {
        cr_assert_eq(peer_answer(&g_peer), 200, "answer %d", i);
    }
    for (size_t i = 0; i < sizeof request - 1; i++) {
        peer_write(&g_peer, request + i, 1);
    }
    cr_expect_eq(peer_answer(&g_peer), 200);
    cr_expect_str_eq(peer_header(&g_peer, "Connection"), "keep-alive");
    close_market();
}

Test(rest, a_client_that_wants_to_close_gets_its_answer_and_the_end)
{
    static const char request[] = "GET /api/v3/ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    open_market("");

    cr_assert(peer_open(&g_peer, venue_tls(&g_venue)));
    peer_write(&g_peer, request, sizeof request - 1);
    cr_expect_eq(peer_answer(&g_peer), 200);
    cr_expect_str_eq(peer_header(&g_peer, "Connection"), "close");
    cr_expect_not(peer_more(&g_peer, 5000));
    cr_expect(g_peer.ended);
    close_market();
}

Test(rest, malformed_requests_are_refused_and_end_the_connection)
{
    static const char *const requests[] = {
        "GET /api/v3/ping HTTP/1.1\nHost: localhost\n\n",
        "GET  /api/v3/ping HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /api/v3/ping HTTP/1.1\r\nHost : localhost\r\n\r\n",
        "GET /api/v3/ping HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "GET /api/v3/ping HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET /api/v3/ping HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n",
        "\x16\x03\x01 this is not HTTP\r\n\r\n",
    };
    open_market("");

    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        cr_assert(peer_open(&g_peer, venue_tls(&g_venue)));
        peer_write(&g_peer, requests[i], strlen(requests[i]));
        cr_expect_eq(peer_answer(&g_peer), 400, "request %zu", i);
        cr_expect_not(peer_more(&g_peer, 5000));
        cr_expect(g_peer.ended, "request %zu", i);
        peer_close(&g_peer);
    }
    venue_close(&g_venue);
}

Test(rest, other_methods_are_refused)
{
    static const char post[] =
        "POST /api/v3/depth HTTP/1.1\r\nHost: localhost\r\nContent-Length: 14\r\n\r\nsymbol=BTCUSDT";
    open_market("");

    cr_assert(peer_open(&g_peer, venue_tls(&g_venue)));
    peer_write(&g_peer, post, sizeof post - 1);
    cr_expect_eq(peer_answer(&g_peer), 405);
    cr_expect_eq(peer_get(&g_peer, "/api/v3/ping"), 200); /* the body was no second request */
    close_market();
}

Test(rest, silent_and_senseless_peers_cost_nobody_else_anything)
{
    open_market("limits: {handshake_timeout_ms: 500, idle_timeout_ms: 700}\n");
    struct peer silent, senseless;

    struct peer_target no_tls = {.port = g_venue.port};
    cr_assert(peer_open(&silent, no_tls));
    cr_assert(peer_open(&senseless, no_tls));
    peer_write(&senseless, "GET / HTTP/1.1\r\n\r\n", 18);
    cr_assert(peer_open(&g_peer, venue_tls(&g_venue)));
    cr_expect_eq(peer_get(&g_peer, "/api/v3/ping"), 200);
    while (peer_more(&senseless, 5000)) {
    }
    while (peer_more(&silent, 5000)) {
    }
    cr_expect(silent.ended && senseless.ended);
    while (peer_more(&g_peer, 5000)) { /* no request for longer than is allowed */
    }
    cr_expect(g_peer.ended);
    peer_close(&silent);
    peer_close(&senseless);
    close_market();
}

Test(rest, more_connections_than_allowed_are_closed_and_places_come_free)
{
    open_market("limits: {connections_max: 2}\n");
    struct peer peers[3];

    for (int i = 0; i < 3; i++) {
        cr_expect_eq(peer_open(&peers[i], venue_tls(&g_venue)), i < 2, "%d", i);
        cr_expect(i == 2 || peer_upgrade(&peers[i], "/ws/btcusdt@trade") == 101, "not idle, however long");
    }
    peer_close(&peers[0]);
    bool again = false;
    for (int i = 0; i < 50 && !again; i++) { /* the end of the first one has to be noticed */
        again = peer_open(&g_peer, venue_tls(&g_venue));
        if (!again) {
            peer_close(&g_peer);
        }
    }
    cr_expect(again);
    peer_close(&peers[1]);
    peer_close(&peers[2]);
    close_market();
}

/* ---- limits ---- */

Test(rest, used_weight_is_told_and_too_much_of_it_is_refused_and_then_banned)
{
    open_market("limits: {weight_per_min: 60, ban_after: 2, ban_s: 77}\n");
    int status = 0;

    cr_assert(peer_open(&g_peer, venue_tls(&g_venue)));
    cr_expect_eq(peer_get(&g_peer, "/api/v3/depth?symbol=BTCUSDT&limit=1000"), 200);
    if (atoi(peer_header(&g_peer, "X-MBX-USED-WEIGHT-1M")) != 50) {
        cr_skip_test("a new minute has just begun");
    }
    cr_expect_eq(peer_get(&g_peer, "/api/v3/depth?symbol=BTCUSDT&limit=101"), 200);
    cr_expect_str_eq(peer_header(&g_peer, "X-MBX-USED-WEIGHT-1M"), "75");
    status = peer_get(&g_peer, "/api/v3/ping");
    if (status == 200) {
        cr_skip_test("a new minute has just begun");
    }
    cr_expect_eq(status, 429);
    cr_expect(strstr(g_peer.text, "\"code\":-1003") != NULL);
    cr_expect_gt(atoi(peer_header(&g_peer, "Retry-After")), 0);
    cr_expect_leq(atoi(peer_header(&g_peer, "Retry-After")), 60);
    cr_expect_eq(peer_get(&g_peer, "/api/v3/ping"), 429);
    cr_expect_eq(peer_get(&g_peer, "/api/v3/ping"), 418);
    cr_expect_eq(atoi(peer_header(&g_peer, "Retry-After")), 77);
    cr_expect(strstr(g_peer.text, "IP banned until 1") != NULL);
    close_market();
}

/* ---- the program ---- */

enum { SIM_BAD_CONFIG = 3 }; /* its exit code */

static int program(const char *yaml, char *output, size_t output_bytes)
{
    char path[] = "/tmp/pinwheel-sim-XXXXXX.yaml", command[512];
    int fd = mkstemps(path, 5), status;
    FILE *pipe;

    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, yaml, strlen(yaml)), (ssize_t)strlen(yaml));
    close(fd);
    snprintf(command, sizeof command, "%s --check %s 2>&1", getenv("PINWHEEL_SIM"), path);
    pipe = popen(command, "r");
    cr_assert_not_null(pipe);
    output[fread(output, 1, output_bytes - 1, pipe)] = 0;
    status = pclose(pipe);
    unlink(path);
    return WEXITSTATUS(status);
}

Test(config, what_is_wrong_is_told_with_its_line)
{
    static const struct {
        const char *yaml, *place, *subject;
    } wrong[] = {
        {"market: {instruments: [{symbol: A, price: \"1\"}]}\nlisten: {prot: 1}\n", ":2:10: ", "'prot'"},
        {"pace: fast\ncapture: {files: [x]}\n", ":1:7: ", "pace"},
        {"pace: 1\n", ":1:1: ", "'capture'"},
        {"capture: {files: [x]}\nmarket: {instruments: [{symbol: ABC, price: \"100\"}]}\n",
         ":2:9: ", "'market'"},
        {"capture: {}\n", ":1:10: ", "'files'"},
        {"capture: {files: []}\npace: 1\npace: 2\n", ":3:1: ", "'pace'"},
        {"market:\n  instruments:\n    - {symbol: ABC, price: \"1\"}\n", ":3:7: ", "price"},
        {"market: {instruments: [{symbol: ABC, price: \"100\"}, {symbol: ABC, price: \"100\"}]}\n",
         ":1:53: ", "'ABC'"},
        {"capture: {files: [x]}\nfaults: [{kind: fire}]\n", ":2:17: ", "'fire'"},
        {"capture: {files: [x]}\nlimits: {window_kib: 8000}\n", ":2:22: ", "output_kib"},
        {"capture: {files: [$PINWHEEL_NO_SUCH_VARIABLE]}\n", ":1:19: ", "PINWHEEL_NO_SUCH_VARIABLE"},
        /* cases/18-doctor-looks-at-another-disk */
        {"capture: {files: [/dev/null, /nowhere/x.gz]}\n", ":1:30: ", "/nowhere/x.gz"},
        {"capture: {files: [/proc]}\n", ":1:19: ", "/proc"},
        {"listen: {tls_dir: /dev/null}\nmarket: {instruments: [{symbol: ABC, price: \"100\"}]}\n",
         ":1:19: ", "/dev/null"},
        {"capture: [\n", ":2:1: ", "YAML"},
        /* A recording is not traded. */
        {"capture: {files: [x]}\naccounts: [{api_key: a, secret: x}]\n", ":2:11: ", "accounts"},
        {"capture: {files: [x]}\naccounts: [{api_key: a b, secret: x}]\n", ":2:12: ", "api_key"},
    };
    char output[4096];

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        cr_expect_eq(program(wrong[i].yaml, output, sizeof output), SIM_BAD_CONFIG, "%s", wrong[i].yaml);
        cr_expect(strstr(output, wrong[i].place) && strstr(output, wrong[i].subject), "%s\ngives %s",
                  wrong[i].yaml, output);
    }
    setenv("RECORDINGS", "/dev", 1);
    cr_expect_eq(program("capture: {files: [$RECORDINGS/null]}\nfaults: [{kind: gap, match: \"*@depth\"}]\n",
                         output, sizeof output),
                 0, "%s", output);
}

Test(config, old_names_of_keys_are_read_with_a_warning)
{
    char output[4096];

    cr_expect_eq(program("market: {instruments: [{symbol: ABC, price: \"100\"}]}\n"
                         "accounts: [{api_key: k, secret: s, maker_bips: 5, taker_bips: 7}]\n",
                         output, sizeof output),
                 0, "%s", output);
    cr_expect(strstr(output, ":2:36: ") && strstr(output, "'maker_fee_bps'"), "%s", output);
    cr_expect(strstr(output, ":2:51: ") && strstr(output, "'taker_fee_bps'"), "%s", output);
}
