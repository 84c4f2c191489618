/* SPDX-License-Identifier: MIT
 *
 * The judge: see judge.h.
 */
#include "judge.h"
#include "bench.h"
#include <math.h>

#define DRAWS      1000u
#define CONFIDENCE 0.95

/* ---- ratios ---- */

static double lower_quartile(double *values, size_t cnt)
{
    pw_bench_sort(values, cnt);
    return pw_bench_quantile(values, cnt, 0.25);
}

static struct judge_pair quartiles_of(const struct judge_pair *pairs, size_t cnt)
{
    double a[JUDGE_PAIRS_MAX], b[JUDGE_PAIRS_MAX];
    for (size_t i = 0; i < cnt; i++) {
        a[i] = pairs[i].a;
        b[i] = pairs[i].b;
    }
    return (struct judge_pair){lower_quartile(a, cnt), lower_quartile(b, cnt)};
}

static double ratio_of_quartiles(const struct judge_pair *pairs, size_t cnt)
{
    struct judge_pair quartiles = quartiles_of(pairs, cnt);
    return quartiles.a / quartiles.b;
}

static double ratio_of_pairs(const struct judge_pair *pairs, size_t cnt)
{
    double ratios[JUDGE_PAIRS_MAX];
    for (size_t i = 0; i < cnt; i++) {
        ratios[i] = pairs[i].a / pairs[i].b;
    }
    return pw_bench_median(ratios, cnt);
}

/* ---- resolution ---- */

static uint32_t random_next(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 33);
}

/* How far a ratio is from 1, alike for 2 and for 1/2. */
static double distance(double ratio)
{
    return exp(fabs(log(ratio))) - 1;
}

/* As many pairs as are to be judged, drawn from those of one build. Which of a pair is a was chance, so it is
 * drawn, too. */
static void draw(const struct judge_pair *same, size_t same_cnt, struct judge_pair *drawn, size_t cnt,
                 uint64_t *state)
{
    for (size_t i = 0; i < cnt; i++) {
        const struct judge_pair *pair = &same[random_next(state) % same_cnt];
        bool swapped = random_next(state) % 2 != 0;
        drawn[i] = swapped ? (struct judge_pair){pair->b, pair->a} : *pair;
    }
}

static double resolution_of(const struct judge_pair *same, size_t same_cnt, size_t pair_cnt)
{
    struct judge_pair drawn[JUDGE_PAIRS_MAX];
    double distances[DRAWS];
    uint64_t state = 20261129; /* the same runs, the same resolution */
    for (size_t i = 0; i < DRAWS; i++) {
        draw(same, same_cnt, drawn, pair_cnt, &state);
        double quartiles = distance(ratio_of_quartiles(drawn, pair_cnt));
        double paired = distance(ratio_of_pairs(drawn, pair_cnt));
        distances[i] = quartiles > paired ? quartiles : paired;
    }
    pw_bench_sort(distances, DRAWS);
    return pw_bench_quantile(distances, DRAWS, CONFIDENCE);
}

/* ---- judgement ---- */

static enum judge_verdict verdict_of(const struct judgement *j)
{
    double high = 1 + j->resolution, low = 1 / high;
    if (j->ratio_quartiles < low && j->ratio_paired < low) {
        return JUDGE_FASTER;
    }
    return j->ratio_quartiles > high && j->ratio_paired > high ? JUDGE_SLOWER : JUDGE_INDISTINGUISHABLE;
}

struct judgement judge(const struct judge_pair *pairs, size_t pair_cnt, const struct judge_pair *same,
                       size_t same_cnt)
{
    struct judge_pair quartiles = quartiles_of(pairs, pair_cnt);
    struct judgement j = {.a = quartiles.a,
                          .b = quartiles.b,
                          .ratio_quartiles = quartiles.a / quartiles.b,
                          .ratio_paired = ratio_of_pairs(pairs, pair_cnt),
                          .resolution = resolution_of(same, same_cnt, pair_cnt)};
    j.verdict = same_cnt < JUDGE_SAME_MIN ? JUDGE_NOT_JUDGED : verdict_of(&j);
    return j;
}

bool judge_exceeds(const struct judgement *j, double ratio_max)
{
    double limit = ratio_max * (1 + j->resolution);
    return j->verdict != JUDGE_NOT_JUDGED && j->ratio_quartiles > limit && j->ratio_paired > limit;
}

const char *judge_limit_name(bool judged, bool exceeded)
{
    return !judged ? "not judged" : exceeded ? "missed" : "met";
}

const char *judge_verdict_name(enum judge_verdict verdict)
{
    static const char *const names[] = {[JUDGE_NOT_JUDGED] = "not judged",
                                        [JUDGE_INDISTINGUISHABLE] = "indistinguishable",
                                        [JUDGE_FASTER] = "faster",
                                        [JUDGE_SLOWER] = "slower"};
    return names[verdict];
}
