/* SPDX-License-Identifier: MIT
 *
 * The judge of two builds, and the ids that their figures have.
 */
#include "judge.h"
#include "against.h"
#include "judged.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#define PAIRS 8u
#define SAME  4u

/* Noise of one part in so many, the same each time. */
static double noisy(double value, uint32_t i, double noise)
{
    return value * (1 + noise * ((double)(i * 7919 % 13) / 6 - 1));
}

static struct judgement judge_of(double ratio, double noise)
{
    struct judge_pair pairs[PAIRS], same[SAME];
    for (uint32_t i = 0; i < PAIRS; i++) {
        pairs[i] = (struct judge_pair){noisy(100 * ratio, i, noise), noisy(100, i + 3, noise)};
    }
    for (uint32_t i = 0; i < SAME; i++) {
        same[i] = (struct judge_pair){noisy(100, i + 5, noise), noisy(100, i + 8, noise)};
    }
    return judge(pairs, PAIRS, same, SAME);
}

Test(judge, counts_that_repeat_have_no_resolution_to_hide_in)
{
    struct judgement j = judge_of(1, 0);
    cr_expect_eq(j.resolution, 0);
    cr_expect_eq(j.verdict, JUDGE_INDISTINGUISHABLE);
    j = judge_of(1.001, 0);
    cr_expect_eq(j.verdict, JUDGE_SLOWER);
    cr_expect_float_eq(j.ratio_paired, 1.001, 1e-9);
    cr_expect_float_eq(j.ratio_quartiles, 1.001, 1e-9);
}

Test(judge, a_difference_below_the_spread_of_one_build_is_none)
{
    struct judgement j = judge_of(1.01, 0.05);
    cr_expect_gt(j.resolution, 0.01);
    cr_expect_eq(j.verdict, JUDGE_INDISTINGUISHABLE);
    cr_expect_eq(judge_of(0.7, 0.05).verdict, JUDGE_FASTER);
    cr_expect_eq(judge_of(1.4, 0.05).verdict, JUDGE_SLOWER);
}

Test(judge, both_ratios_must_agree)
{
    /* Every a is slower than its neighbour but one, whose time the quiet quartile takes. */
    struct judge_pair pairs[4] = {{110, 100}, {110, 100}, {110, 100}, {80, 100}};
    struct judge_pair same[3] = {{100, 100}, {100, 100}, {100, 100}};
    struct judgement j = judge(pairs, 4, same, 3);
    cr_expect_gt(j.ratio_paired, 1.05);
    cr_expect_lt(j.ratio_quartiles, 1);
    cr_expect_eq(j.verdict, JUDGE_INDISTINGUISHABLE);
}

Test(judge, a_limit_is_exceeded_beyond_the_resolution_only)
{
    cr_expect(judge_exceeds(
        &(struct judgement){
            .ratio_quartiles = 1.2, .ratio_paired = 1.2, .resolution = 0.05, .verdict = JUDGE_SLOWER},
        1.1));
    cr_expect_not(judge_exceeds(
        &(struct judgement){
            .ratio_quartiles = 1.2, .ratio_paired = 1.2, .resolution = 0.1, .verdict = JUDGE_SLOWER},
        1.1));
    cr_expect_not(judge_exceeds(
        &(struct judgement){.ratio_quartiles = 0.5, .ratio_paired = 0.5, .verdict = JUDGE_FASTER}, 0.55));
}

Test(judge, too_few_pairs_of_one_build_judge_nothing)
{
    struct judge_pair pairs[2] = {{200, 100}, {200, 100}}, same[2] = {{100, 100}, {100, 100}};
    struct judgement j = judge(pairs, 2, same, 2);
    cr_expect_eq(j.verdict, JUDGE_NOT_JUDGED);
    cr_expect_not(judge_exceeds(&j, 1));
}

/* ---- ids ---- */

static size_t index_of(const char *bench, const char *id)
{
    char ids[JUDGED_MAX][JUDGED_ID_BYTES];
    size_t cnt = judged_ids(bench, ids);
    for (size_t i = 0; i < cnt; i++) {
        if (strcmp(ids[i], id) == 0) {
            return i;
        }
    }
    cr_assert_fail("%s has no figure %s", bench, id);
    return 0;
}

static double read_of(const char *bench, const char *id, const char *text)
{
    double values[JUDGED_MAX];
    json_t *json = json_loads(text, 0, NULL);
    cr_assert_not_null(json);
    judged_read(bench, json, values);
    json_decref(json);
    return values[index_of(bench, id)];
}

Test(judged, ids_stay)
{
    static const char *const ids[] = {"tick_to_order_p50",
                                      "tick_to_order_p99",
                                      "inside_p20",
                                      "inside_p50",
                                      "inside_p99",
                                      "hop_decrypted_p50",
                                      "hop_decoded_p50",
                                      "hop_decided_p50",
                                      "hop_checked_p50",
                                      "hop_encoded_p50",
                                      "hop_encrypted_p50",
                                      "hop_submitted_p50",
                                      "pipeline_fused_p50",
                                      "decode_quote_synthetic_mean",
                                      "journal_synthetic_each",
                                      "ring_round_trip_p50",
                                      "book_update_synthetic_mean",
                                      "tls_encrypt_256_mean"};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        cr_expect(judged_known(ids[i]), "%s", ids[i]);
    }
    cr_expect_not(judged_known("inside"));
    cr_expect_not(judged_known(""));
}

Test(judged, a_row_is_found_by_its_id_whatever_its_label)
{
    cr_expect_eq(
        read_of("decode", "decode_quote_synthetic_mean",
                "{\"benches\": [{\"name\": \"decode\", \"latencies\": [{\"id\": \"other\", \"name\": "
                "\"bookTicker, made\", \"typical_ns\": 1}, {\"id\": \"decode_quote_synthetic\", "
                "\"name\": \"a label\", \"block_mean_ns\": 44.5}]}]}"),
        44.5);
}

Test(judged, rows_of_builds_without_ids_are_found_by_their_labels)
{
    static const char old[] =
        "{\"benches\": [{\"name\": \"pipeline\", \"latencies\": [{\"name\": \"fused\", \"typical_ns\": "
        "556.0, "
        "\"p50_ns\": 500.0}], \"rates\": [{\"name\": \"fused: messages\", \"per_s\": 4000000.0}]}]}";
    cr_expect_eq(read_of("pipeline", "pipeline_fused_p50", old), 500);
    cr_expect_eq(read_of("pipeline", "pipeline_fused_messages_each", old), 250, "ns, so that less is better");
    cr_expect(isnan(read_of("pipeline", "pipeline_split_p50", old)), "missing");
}

/* ---- limits ---- */

Test(limits, are_an_id_and_a_ratio)
{
    static struct against against;
    cr_expect(against_limit_add(&against, "inside_p50=1.05"));
    cr_expect_eq(against.limit_cnt, 1);
    cr_expect_eq(against.limits[0].ratio_max, 1.05);
    static const char *const wrong[] = {
        "inside_p50", "inside_p50=", "inside_p50=0", "inside_p50=-1", "inside_p50=1x", "nothing=1.05", "=1"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cr_expect_not(against_limit_add(&against, wrong[i]), "%s", wrong[i]);
    }
    cr_expect_eq(against.limit_cnt, 1);
}
