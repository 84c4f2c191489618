/* SPDX-License-Identifier: MIT
 *
 * What all sources share: see source.h.
 */
#include "source.h"

#include <stdlib.h>
#include <string.h>

/* What Binance asks for, by quote asset. */
static int64_t least_notional_e8(const char *quote)
{
    if (strcmp(quote, "BTC") == 0) {
        return PW_E8 / 10000;
    }
    if (strcmp(quote, "ETH") == 0) {
        return PW_E8 / 1000;
    }
    if (strcmp(quote, "BNB") == 0) {
        return PW_E8 / 100;
    }
    return 5 * PW_E8;
}

const struct pw_sim_price_rules pw_sim_price_rules_usual = {
    .avg_price_mins = 5, .band = {{5 * PW_E8, PW_E8 / 5}, {5 * PW_E8, PW_E8 / 5}}};

void pw_sim_symbol_split(struct pw_sim_symbol *symbol)
{
    /* The quote assets of Binance's spot markets; the longer of two that fit comes first. */
    static const char *const quotes[] = {
        "FDUSD", "USDT", "USDC", "BUSD", "TUSD", "BKRW", "IDRT", "BIDR", "USD1", "EURI", "USDP", "BTC", "ETH",
        "BNB",   "EUR",  "TRY",  "BRL",  "GBP",  "AUD",  "JPY",  "RUB",  "UAH",  "NGN",  "ZAR",  "PLN", "RON",
        "ARS",   "MXN",  "CZK",  "DAI",  "PAX",  "TRX",  "XRP",  "SOL",  "DOGE", "DOT",  "VAI",  "USD"};
    size_t size = strlen(symbol->name), cut = size > 3 ? size - 3 : size;

    for (size_t i = 0; i < sizeof quotes / sizeof quotes[0]; i++) {
        size_t quote_bytes = strlen(quotes[i]);
        if (size > quote_bytes && strcmp(symbol->name + size - quote_bytes, quotes[i]) == 0) {
            cut = size - quote_bytes;
            break;
        }
    }
    memcpy(symbol->base, symbol->name, cut);
    symbol->base[cut] = 0;
    memcpy(symbol->quote, symbol->name + cut, size - cut + 1);
    symbol->min_notional_e8 = least_notional_e8(symbol->quote);
    symbol->rules = pw_sim_price_rules_usual;
}

void pw_sim_symbols_free(struct pw_sim_symbol *symbols, uint32_t symbol_cnt)
{
    for (uint32_t i = 0; symbols && i < symbol_cnt; i++) {
        free(symbols[i].book);
        free(symbols[i].tape);
    }
    free(symbols);
}
