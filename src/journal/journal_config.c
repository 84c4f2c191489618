/* SPDX-License-Identifier: MIT
 *
 * The section `journal`. See journal_config.h.
 */
#include "journal_config.h"

#include "config_check.h"

static const char *const g_unrecorded[] = {"deny", "allow"}; /* false and true of trades_unrecorded */
static const char *const g_ring_full[] = {"drop", "stall"};  /* false and true of market_stall */

/* clang-format off */
static const struct pw_key g_journal_keys[] = {
    {.name = "enabled", PW_FIELD(struct pw_config_journal, enabled), .kind = PW_VALUE_BOOL, .fallback = "true",
     .help = "false: nothing is recorded, and the run cannot be replayed"},
    {.name = "path", PW_FIELD(struct pw_config_journal, path), .kind = PW_VALUE_PATH, .expands = true,
     .help = "a folder on a real disk, created if missing; required unless the journal is off"},
    {.name = "commit_interval_ms", PW_FIELD(struct pw_config_journal, commit_interval_ms), PW_MS("100", 1, 60000),
     .help = "the most that a power failure or a kill can lose"},
    {.name = "market_ring_full", PW_FIELD(struct pw_config_journal, market_stall), .kind = PW_VALUE_CHOICE, .fallback = "drop",
     PW_CHOICES(g_ring_full),
     .help = "when the disk is too slow: `drop` market events and record the gap, or `stall` the reader"},
    {.name = "orders_unrecorded", PW_FIELD(struct pw_config_journal, trades_unrecorded), .kind = PW_VALUE_CHOICE,
     .fallback = "deny", PW_CHOICES(g_unrecorded),
     .help = "new orders while nothing can be stored (a full disk): `deny` them at once, or `allow` them while the ring "
             "to the journal has room"},
    {.name = "raw_frames", PW_FIELD(struct pw_config_journal, raw_frames), .kind = PW_VALUE_BOOL, .fallback = "false",
     .help = "also record the venue's raw messages"},
    {.name = "segment_mb", PW_FIELD(struct pw_config_journal, segment_bytes), .kind = PW_VALUE_COUNT, .fallback = "1024", .min = 4,
     .max = 1 << 20, .unit = "MiB", .scale = 1 << 20, .help = "size at which a new file begins"},
};

static const struct pw_key g_keys[] = {
    {.name = "journal", PW_WHOLE(struct pw_config_journal), .kind = PW_VALUE_GROUP, .required = true,
     PW_GROUP(g_journal_keys, "journal"), .help = "the record of everything that happens"},
};
/* clang-format on */

const char *pw_journal_folder(const struct pw_config *config)
{
    const struct pw_config_journal *journal = PW_CONFIG(config, journal);
    return journal->enabled ? journal->path : NULL;
}

static void journal_check(const struct pw_config_check *check)
{
    const struct pw_config_journal *journal = check->record;
    yaml_mark_t mark = pw_document_mark(check->doc, "journal.path");
    if (journal->enabled && journal->path[0] == '\0' && pw_document_find(check->doc, "journal") != NULL &&
        !pw_document_has_problem_at(check->doc, mark)) {
        pw_document_problem(check->doc, mark,
                            "journal: 'path' is missing or empty; name a folder on a real disk, or set "
                            "`enabled: false`");
    }
}

const struct pw_section pw_journal_section = {
    .keys = g_keys,
    .key_cnt = PW_COUNT_OF(g_keys),
    .bytes = sizeof(struct pw_config_journal),
    .check = journal_check,
};
