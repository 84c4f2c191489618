/* SPDX-License-Identifier: MIT
 *
 * The instruments as one source: see synthetic.h.
 */
#include "synthetic.h"

#include "instrument.h"
#include "market_messages.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRST_ID UINT64_C(5000000000) /* ids beyond 32 bits, as the venue's are */

/* A market of the wall clock's time that is started again gives no id twice. */
static uint64_t first_id(const struct pw_sim_synthetic_config *config, int64_t now_ns)
{
    return config->epoch_ms ? FIRST_ID : (uint64_t)(now_ns / 1000);
}

static enum pw_sim_next synthetic_next(void *state, int64_t wall_ns, int64_t *market_ns)
{
    struct pw_sim_synthetic *synthetic = state;

    (void)wall_ns;
    synthetic->next_idx = 0;
    for (uint32_t i = 1; i < synthetic->instrument_cnt; i++) {
        if (pw_sim_instrument_next_ns(&synthetic->instruments[i]) <
            pw_sim_instrument_next_ns(&synthetic->instruments[synthetic->next_idx])) {
            synthetic->next_idx = i;
        }
    }
    *market_ns = pw_sim_instrument_next_ns(&synthetic->instruments[synthetic->next_idx]);
    return PW_SIM_NEXT_AT;
}

static void synthetic_step(void *state)
{
    struct pw_sim_synthetic *synthetic = state;

    pw_sim_instrument_step(&synthetic->instruments[synthetic->next_idx]);
}

static void synthetic_leap(void *state, int64_t by_ns)
{
    struct pw_sim_synthetic *synthetic = state;

    for (uint32_t i = 0; i < synthetic->instrument_cnt; i++) {
        pw_sim_instrument_leap(&synthetic->instruments[i], by_ns);
    }
}

static bool synthetic_refresh(void *state, struct pw_sim_symbol *symbol)
{
    struct pw_sim_synthetic *synthetic = state;

    symbol->top = pw_sim_instrument_quote(&synthetic->instruments[symbol - synthetic->symbols]);
    return true; /* the tape is always up to date */
}

static bool synthetic_depth(void *state, struct pw_sim_symbol *symbol, uint32_t level_limit,
                            struct pw_buffer *out)
{
    struct pw_sim_synthetic *synthetic = state;
    struct pw_sim_draft draft = {&synthetic->instruments[symbol - synthetic->symbols], out, false, NULL};

    pw_sim_write_book(&draft, level_limit);
    return !out->failed;
}

/* A client acts between two actions of the background flow: now, if the market's time is ours, else as soon
 * as can be after the former, so that no two actions share a time (and an aggregate). */
static struct pw_matching *synthetic_enter(void *state, const struct pw_sim_symbol *symbol, int64_t wall_ns,
                                           int64_t *market_ns)
{
    struct pw_sim_synthetic *synthetic = state;
    struct pw_sim_instrument *instrument = &synthetic->instruments[symbol - synthetic->symbols];
    int64_t soonest_ns = instrument->now_ns + 1, next_ns = pw_sim_instrument_next_ns(instrument);

    if (soonest_ns < next_ns) {
        instrument->now_ns = wall_ns > soonest_ns && wall_ns < next_ns ? wall_ns : soonest_ns;
    }
    *market_ns = instrument->now_ns;
    return instrument->matching;
}

static void synthetic_leave(void *state, const struct pw_sim_symbol *symbol)
{
    struct pw_sim_synthetic *synthetic = state;

    pw_sim_instrument_publish(&synthetic->instruments[symbol - synthetic->symbols]);
}

static void synthetic_listen(void *state, struct pw_sim_match_listener listener)
{
    struct pw_sim_synthetic *synthetic = state;

    synthetic->listener = listener;
}

static struct pw_slice synthetic_exchange_info(void *state)
{
    (void)state;
    return (struct pw_slice){0};
}

static void synthetic_free(void *state)
{
    struct pw_sim_synthetic *synthetic = state;

    for (uint32_t i = 0; synthetic->instruments && i < synthetic->instrument_cnt; i++) {
        pw_sim_instrument_fini(&synthetic->instruments[i]);
    }
    pw_sim_symbols_free(synthetic->symbols, synthetic->instrument_cnt);
    pw_buffer_free(&synthetic->millisecond);
    pw_buffer_free(&synthetic->microsecond);
    free(synthetic->instruments);
    free(synthetic);
}

static const struct pw_sim_source_ops synthetic_ops = {.next = synthetic_next,
                                                       .step = synthetic_step,
                                                       .leap = synthetic_leap,
                                                       .refresh = synthetic_refresh,
                                                       .depth = synthetic_depth,
                                                       .exchange_info = synthetic_exchange_info,
                                                       .enter = synthetic_enter,
                                                       .leave = synthetic_leave,
                                                       .listen = synthetic_listen,
                                                       .free = synthetic_free};

int pw_sim_synthetic_make(struct pw_sim_source *source, const struct pw_sim_synthetic_config *config,
                          struct pw_sim_hub *hub, int64_t now_ns, char *error, size_t error_bytes)
{
    static const char all[] = "!miniTicker@arr";
    int64_t start_ns = config->epoch_ms ? config->epoch_ms * 1000000 : now_ns;
    struct pw_sim_synthetic *synthetic = calloc(1, sizeof *synthetic);
    bool good = synthetic != NULL;

    if (good) {
        synthetic->hub = hub;
        synthetic->instrument_cnt = config->instrument_cnt;
        synthetic->first_id = first_id(config, now_ns);
        synthetic->instruments = calloc(config->instrument_cnt, sizeof *synthetic->instruments);
        synthetic->symbols = calloc(config->instrument_cnt, sizeof *synthetic->symbols);
        synthetic->all_tickers_stream = pw_sim_hub_add(hub, (struct pw_slice){all, sizeof all - 1});
        good =
            synthetic->instruments && synthetic->symbols && synthetic->all_tickers_stream != PW_SIM_NO_STREAM;
    }
    for (uint32_t i = 0; good && i < config->instrument_cnt; i++) {
        synthetic->instruments[i].owner = synthetic;
        synthetic->instruments[i].symbol = &synthetic->symbols[i];
        good = pw_sim_instrument_make(&synthetic->instruments[i], &config->instruments[i], config->seed,
                                      start_ns);
    }
    if (!good) {
        snprintf(error, error_bytes, "no memory for %u instruments", config->instrument_cnt);
        if (synthetic) {
            synthetic_free(synthetic);
        }
        return -ENOMEM;
    }
    *source = (struct pw_sim_source){&synthetic_ops, synthetic, synthetic->symbols, config->instrument_cnt};
    return 0;
}
