/* SPDX-License-Identifier: MIT
 *
 * The section `strategies`: its keys, and what is checked of several of them. See strategies_config.h.
 */
#include "strategies_config.h"

#include "config_check.h"
#include "strategies.h"
#include <string.h>

static_assert(sizeof(struct pw_param) ==
                  sizeof(((struct pw_param *)0)->name) + sizeof(((struct pw_param *)0)->value),
              "a parameter's value follows its name");

/* clang-format off */
static const struct pw_key g_strategy_keys[] = {
    {.name = "name", PW_FIELD(struct pw_config_strategy, name), .kind = PW_VALUE_NAME, .required = true, .help = "unique name"},
    {.name = "kind", PW_FIELD(struct pw_config_strategy, kind), .kind = PW_VALUE_TOKEN, .required = true, .choice = pw_strategy_kind,
     .help = "strategy type"},
    {.name = "instruments", PW_ROWS(struct pw_config_strategy, instruments, instrument_cnt),
     .kind = PW_VALUE_REFS, .shown = "symbol", .required = true,
     .help = "what it trades; a feed must list them; feed:SYMBOL where several feeds do"},
    {.name = "params", PW_ROWS(struct pw_config_strategy, params, param_cnt), .kind = PW_VALUE_PARAMS,
     .name_bytes = sizeof(((struct pw_param *)0)->name),
     .help = "its own parameters, checked by the strategy"},
};

static const struct pw_key g_keys[] = {
    {.name = "strategies", PW_ROWS(struct pw_config_strategies, strategies, strategy_cnt), .kind = PW_VALUE_GROUPS,
     PW_GROUP(g_strategy_keys, "strategies"), .help = "the strategies; without any, the engine only records and displays. Those that trade one instrument share its "
             "position and P&L, which nothing splits between them"},
};
/* clang-format on */

static struct pw_config_strategies *strategies_of(const struct pw_config_check *check)
{
    return check->record;
}

/* Looks a strategy's symbols up and keeps their indexes. */
static void strategy_instruments_read(const struct pw_config_check *check, uint32_t strategy_idx)
{
    struct pw_config_strategy *strategy = &strategies_of(check)->strategies[strategy_idx];
    const yaml_node_t *item;
    for (uint32_t i = 0;
         strategy->instrument_cnt < PW_INSTRUMENTS_MAX &&
         (item = pw_document_find(check->doc, "strategies[%u].instruments[%u]", strategy_idx, i)) != NULL;
         i++) {
        bool whole = false;
        const char *symbol = item->type == YAML_SCALAR_NODE ? pw_node_text(item, &whole) : "";
        uint32_t instrument_idx;
        if (!whole || !pw_config_find(check->config, "instrument", symbol, &instrument_idx)) {
            pw_document_problem(
                check->doc, item->start_mark,
                "instruments: no feed has '%.40s'; add it to a feed's instruments, or write FEED:SYMBOL "
                "if several feeds have it",
                symbol);
            continue;
        }
        for (uint32_t k = 0; k < strategy->instrument_cnt; k++) {
            if (strategy->instruments[k] == instrument_idx) {
                pw_document_problem(check->doc, item->start_mark,
                                    "instruments: '%s' is listed twice; remove one", symbol);
            }
        }
        strategy->instruments[strategy->instrument_cnt++] = (uint16_t)instrument_idx;
    }
}

/* Where a strategy's complaint belongs: at the parameter whose name it quotes, else at its parameters. */
static yaml_mark_t complaint_mark(const struct pw_config_check *check, uint32_t strategy_idx,
                                  const char *text)
{
    const char *quote = strchr(text, '\''), *end = quote != NULL ? strchr(quote + 1, '\'') : NULL;
    int bytes = end != NULL ? (int)(end - quote - 1) : 0;
    return pw_document_mark(check->doc, "strategies[%u].params.%.*s", strategy_idx, bytes,
                            bytes > 0 ? quote + 1 : "");
}

/* The strategy's own judgement of its parameters, for which it needs neither venue nor memory. */
static void strategy_params_judge(const struct pw_config_check *check, uint32_t strategy_idx)
{
    const struct pw_config_strategy *strategy = &strategies_of(check)->strategies[strategy_idx];
    const struct pw_strategy_ops *ops = pw_strategy_find(strategy->kind);
    if (ops == NULL || strategy->instrument_cnt == 0 ||
        pw_document_has_problem_in(check->doc,
                                   pw_document_find(check->doc, "strategies[%u]", strategy_idx))) {
        return; /* reported already */
    }
    const struct pw_strategy_env env = {.strategy_idx = (uint16_t)strategy_idx,
                                        .name = strategy->name,
                                        .params = strategy->params,
                                        .param_cnt = strategy->param_cnt,
                                        .instruments = strategy->instruments,
                                        .instrument_cnt = strategy->instrument_cnt};
    char error[256] = "";
    if (ops->state_bytes(&env, error, sizeof error) == 0) {
        pw_document_problem(check->doc, complaint_mark(check, strategy_idx, error), "%s: %s", ops->kind,
                            error);
    }
}

static void strategies_check(const struct pw_config_check *check)
{
    struct pw_config_strategy *strategies = strategies_of(check)->strategies;
    for (uint32_t s = 0; s < strategies_of(check)->strategy_cnt; s++) {
        strategies[s].line = (uint32_t)pw_document_mark(check->doc, "strategies[%u]", s).line + 1;
        strategy_instruments_read(check, s);
        for (uint32_t i = 0; i < s; i++) {
            if (strategies[s].name[0] != '\0' && strcmp(strategies[i].name, strategies[s].name) == 0) {
                pw_document_problem(check->doc, pw_document_mark(check->doc, "strategies[%u].name", s),
                                    "name: the strategy in line %u already has the name '%s'; choose another",
                                    strategies[i].line, strategies[i].name);
            }
        }
        strategy_params_judge(check, s);
    }
}

static void params_print(FILE *out, const void *given)
{
    (void)given;
    fputs("\n| kind | what it does | params |\n|---|---|---|\n", out);
    const struct pw_strategy_ops *ops;
    for (uint32_t i = 0; (ops = pw_strategy_at(i)) != NULL; i++) {
        fprintf(out, "| `%s` | %s | %s |\n", ops->kind, ops->what, ops->params);
    }
}

const struct pw_section pw_strategies_section = {
    .keys = g_keys,
    .key_cnt = PW_COUNT_OF(g_keys),
    .bytes = sizeof(struct pw_config_strategies),
    .check = strategies_check,
    .print_more = params_print,
};
