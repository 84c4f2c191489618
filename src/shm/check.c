/* SPDX-License-Identifier: MIT
 *
 * Judges a workspace that somebody else wrote: nothing in it is believed before it has passed here.
 */
#include "check.h"
#include "place.h"
#include <pinwheel/histogram.h>
#include <pinwheel/metrics.h>
#include <pinwheel/stamps.h>
#include <string.h>

#define TEXT_OF(type, member)                                                                                \
    {                                                                                                        \
        offsetof(struct type, member), sizeof(((struct type *)0)->member)                                    \
    }
#define ROWS_MAX 4096u

static const struct pw_region_rule rules[] = {
    [PW_REGION_RING] = {sizeof(struct pw_ring), PW_CACHE_LINE, 1},
    [PW_REGION_METRICS] = {sizeof(struct pw_metric_row),
                           _Alignof(struct pw_metric_row),
                           ROWS_MAX,
                           {TEXT_OF(pw_metric_row, group), TEXT_OF(pw_metric_row, name),
                            TEXT_OF(pw_metric_row, unit), TEXT_OF(pw_metric_row, help)}},
    [PW_REGION_INSTRUMENTS] = {sizeof(struct pw_instrument),
                               _Alignof(struct pw_instrument),
                               PW_INSTRUMENTS_MAX,
                               {TEXT_OF(pw_instrument, symbol), TEXT_OF(pw_instrument, feed),
                                TEXT_OF(pw_instrument, base), TEXT_OF(pw_instrument, quote)},
                               .since_abi = 3},
    [PW_REGION_STAGES] = {sizeof(struct pw_stage_view),
                          _Alignof(struct pw_stage_view),
                          PW_STAGES_MAX,
                          {TEXT_OF(pw_stage_view, name)}},
    [PW_REGION_QUOTES] = {sizeof(struct pw_market_view), _Alignof(struct pw_market_view), PW_INSTRUMENTS_MAX,
                          .since_abi = 3},
    [PW_REGION_POSITIONS] = {sizeof(struct pw_position_view), _Alignof(struct pw_position_view),
                             PW_INSTRUMENTS_MAX},
    [PW_REGION_ACCOUNT] = {sizeof(struct pw_account_view), _Alignof(struct pw_account_view), PW_ACCOUNTS_MAX},
    [PW_REGION_FEEDS] = {sizeof(struct pw_feed_view),
                         _Alignof(struct pw_feed_view),
                         PW_FEEDS_MAX,
                         {TEXT_OF(pw_feed_view, name)}},
    [PW_REGION_ERRORS] = {sizeof(struct pw_error_row),
                          _Alignof(struct pw_error_row),
                          PW_ERRORS_MAX,
                          {TEXT_OF(pw_error_row, text)}},
    [PW_REGION_STOP] = {sizeof(struct pw_stop), _Alignof(struct pw_stop), 1},
    [PW_REGION_HISTOGRAM] = {sizeof(struct pw_histogram), _Alignof(struct pw_histogram), 1},
    [PW_REGION_INFO] = {1, 1, 1},
    [PW_REGION_STAMPS] = {sizeof(struct pw_stamp_row), _Alignof(struct pw_stamp_row), PW_STAMP_ROWS},
};

const struct pw_region_rule *pw_region_rule_of(uint32_t kind, uint32_t abi)
{
    bool known = kind < sizeof rules / sizeof rules[0] && rules[kind].row_align != 0;
    return known && abi >= rules[kind].since_abi ? &rules[kind] : NULL;
}

/* Printable ASCII without blanks, ended within the array: what may go to a terminal as it is. */
static bool region_name_good(const char name[PW_REGION_NAME_BYTES])
{
    size_t len = strnlen(name, PW_REGION_NAME_BYTES);
    for (size_t i = 0; i < len; i++) {
        if (name[i] <= ' ' || name[i] > '~') {
            return false;
        }
    }
    return len > 0 && len < PW_REGION_NAME_BYTES;
}

static const char *region_check(const struct pw_region *region, uint32_t abi, uint64_t file_bytes)
{
    if (!region_name_good(region->name)) {
        return "a region's name is not printable or not ended";
    }
    if (region->kind == 0) {
        return "a region has no kind";
    }
    /* No sum is made before its terms are known to be small. */
    if (region->offset > file_bytes || region->bytes > file_bytes - region->offset) {
        return "a region reaches beyond the file";
    }
    if (region->offset < sizeof(struct pw_workspace_header) || region->offset % PW_CACHE_LINE != 0) {
        return "a region begins where none may begin";
    }
    if ((uint64_t)region->row_cnt * region->row_bytes > region->bytes) {
        return "a region's rows are larger than the region";
    }
    const struct pw_region_rule *rule = pw_region_rule_of(region->kind, abi);
    if (rule == NULL) {
        return NULL; /* of another version: nobody here will look into it */
    }
    if (region->row_cnt == 0 || region->row_cnt > rule->row_cnt_max) {
        return "a region has too many rows or none";
    }
    if (region->row_bytes < rule->row_bytes_min || region->row_bytes % rule->row_align != 0 ||
        region->offset % rule->row_align != 0) {
        return "a region's rows are not of the size or alignment of their kind";
    }
    return NULL;
}

const char *pw_header_check(const struct pw_workspace_header *header, uint64_t file_bytes)
{
    if (header->total_bytes != file_bytes) {
        return "the file is not as long as its header says";
    }
    if (header->region_cnt == 0 || header->region_cnt > PW_REGIONS_MAX) {
        return "the directory has too many regions or none";
    }
    if (strnlen(header->instance, PW_INSTANCE_BYTES) == PW_INSTANCE_BYTES ||
        !pw_instance_name_valid(header->instance) ||
        strnlen(header->note, sizeof header->note) == sizeof header->note) {
        return "the instance's name or note is not a name";
    }
    if (header->layout_hash != pw_workspace_layout_hash(header)) {
        return "the layout hash does not fit the directory";
    }
    for (uint32_t i = 0; i < header->region_cnt; i++) {
        const struct pw_region *region = &header->regions[i];
        const char *wrong = region_check(region, header->abi, file_bytes);
        if (wrong != NULL) {
            return wrong;
        }
        for (uint32_t k = 0; k < i; k++) {
            const struct pw_region *other = &header->regions[k];
            if (region->offset < other->offset + other->bytes &&
                other->offset < region->offset + region->bytes) {
                return "two regions overlap";
            }
            if (strcmp(region->name, other->name) == 0) {
                return "two regions have the same name";
            }
        }
    }
    return NULL;
}
