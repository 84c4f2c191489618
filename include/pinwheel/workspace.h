/* SPDX-License-Identifier: MIT
 *
 * The workspace: the one file in shared memory through which an engine is seen.
 *
 * It holds a header, a directory of regions by name, and the regions: the metrics' schema and values,
 * instruments, stages with their heartbeats, rings, quotes, positions, the error log, and the stop word on a
 * page of its own. Only the engine maps it writable. A reader needs neither the config nor the engine's
 * version: it maps read-only, checks, and walks the directory; it works as well on the file that a dead
 * engine left. Inside are offsets from the start of the file, never pointers.
 *
 * Path: <directory>/pinwheel.<instance>, the directory being that of $PINWHEEL_SHM_DIR if set, else a
 * hugetlbfs mount if one is usable and has the pages, else /dev/shm. A reader looks there too: where
 * $PINWHEEL_SHM_DIR is set nowhere else, otherwise into each hugetlbfs mount and /dev/shm.
 */
#ifndef PINWHEEL_WORKSPACE_H
#define PINWHEEL_WORKSPACE_H

#include <pinwheel/cell.h>
#include <pinwheel/event.h>
#include <pinwheel/ring.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PW_WORKSPACE_MAGIC   UINT64_C(0x0031564c48574e50) /* "PNWHLV1\0" */
#define PW_WORKSPACE_ABI     3u
#define PW_INSTANCE_BYTES    32 /* with the zero byte; [a-z0-9_-]+ */
#define PW_REGION_NAME_BYTES 48
#define PW_REGIONS_MAX       128u
#define PW_INSTRUMENTS_MAX   256u
#define PW_SYMBOL_BYTES      64 /* with the zero byte; UTF-8 */
#define PW_ASSET_BYTES       48 /* the same */
#define PW_STAGE_NAME_BYTES  24
#define PW_STAGES_MAX        32u
#define PW_FEEDS_MAX         16u
#define PW_ACCOUNTS_MAX      8u
#define PW_BOOK_VIEW_LEVELS  10u
#define PW_ERRORS_MAX        64u

enum pw_region_kind {
    PW_REGION_RING = 1,        /* struct pw_ring */
    PW_REGION_METRICS = 2,     /* struct pw_metric_row[], with their words: <pinwheel/metrics.h> */
    PW_REGION_INSTRUMENTS = 3, /* struct pw_instrument[] */
    PW_REGION_STAGES = 4,      /* struct pw_stage_view[] */
    PW_REGION_QUOTES = 5,      /* struct pw_market_view[], by instrument */
    PW_REGION_POSITIONS = 6,   /* struct pw_position_view[], by instrument */
    PW_REGION_ACCOUNT = 7,     /* struct pw_account_view */
    PW_REGION_FEEDS = 8,       /* struct pw_feed_view[] */
    PW_REGION_ERRORS = 9,      /* struct pw_error_row[]: distinct errors with a count */
    PW_REGION_STOP = 10,       /* struct pw_stop, on a page of its own */
    PW_REGION_HISTOGRAM = 11,  /* struct pw_histogram: <pinwheel/histogram.h> */
    PW_REGION_INFO = 12,       /* zero-terminated text: facts of the run, "key: value" lines */
    PW_REGION_STAMPS = 13,     /* struct pw_stamp_row[]: <pinwheel/stamps.h> */
};

struct pw_region {
    char name[PW_REGION_NAME_BYTES]; /* zero-terminated; unique */
    uint32_t kind;                   /* enum pw_region_kind */
    uint32_t row_cnt;                /* rows in use; 1 for single structs and rings */
    uint32_t
        row_bytes; /* of one row, so that a reader can step over rows that have grown; rings: their head */
    uint32_t reserved;
    uint64_t offset; /* from the start of the file; a multiple of 64 */
    uint64_t bytes;
};

struct pw_workspace_header {
    _Atomic uint64_t magic; /* PW_WORKSPACE_MAGIC, written last (release); 0 before */
    uint32_t abi;           /* PW_WORKSPACE_ABI */
    uint32_t region_cnt;
    uint64_t total_bytes;
    uint64_t layout_hash; /* over the directory; pw_workspace_layout_hash */
    char instance[PW_INSTANCE_BYTES];
    int64_t pid;
    uint64_t pid_start_ticks; /* field 22 of /proc/pid/stat: distinguishes the engine from a later process of
                                 that pid */
    int64_t started_ns;       /* wall clock */
    uint64_t run_id;          /* of the journal */
    uint32_t page_bytes;      /* 4096, or what the huge pages have */
    uint32_t huge_kind;       /* enum pw_huge_kind */
    _Atomic uint64_t state;   /* enum pw_engine_state; written by the engine's main thread */
    _Atomic int64_t heartbeat_ns; /* the engine's clock; housekeeping writes it about each millisecond */
    char note[256];               /* what the host gave and what was lost; as in struct pw_workspace */
    int64_t clock_ahead_ns; /* the engine's clock less CLOCK_BOOTTIME, since the wall clock may be set; 0: an
                               engine of before */
    struct pw_region regions[PW_REGIONS_MAX];
};

enum pw_huge_kind {
    PW_HUGE_NONE = 0,        /* small pages only */
    PW_HUGE_TRANSPARENT = 1, /* shared memory, at least part of it in transparent huge pages */
    PW_HUGE_TLBFS = 2,
};

/* What is traded, and so what an amount of it is worth. */
enum pw_instrument_kind {
    PW_SPOT = 0,
    PW_LINEAR = 1,  /* a contract on `multiplier` of the base, settled in the quote currency */
    PW_INVERSE = 2, /* a contract on `multiplier` of the quote currency, settled in the base */
};

/* A symbol of a feed, what the venue says about it, and its filters; zero switches a test off. */
struct pw_instrument {
    char symbol[PW_SYMBOL_BYTES];   /* as the venue spells it: "BTCUSDT" */
    char feed[PW_STAGE_NAME_BYTES]; /* name of its feed: two feeds may have one symbol each */
    char base[PW_ASSET_BYTES], quote[PW_ASSET_BYTES];
    uint32_t feed_idx;
    uint8_t tradable;                                 /* the venue's status allows new orders */
    uint8_t min_notional_market, max_notional_market; /* the notional filter holds for market orders too */
    uint8_t kind;                                     /* enum pw_instrument_kind */
    int64_t tick_e8, min_price_e8, max_price_e8;
    int64_t step_e8, min_qty_e8, max_qty_e8;
    int64_t market_step_e8, market_min_qty_e8, market_max_qty_e8;
    int64_t min_notional_e8, max_notional_e8;
    int64_t multiplier_e8; /* of a contract; of spot 1 */
    int8_t unit_shift;     /* of its prices and quantities, here too: units.h */
    uint8_t reserved8[3];
    struct pw_price_band band[2];      /* by enum pw_side */
    uint16_t band_mins, notional_mins; /* of the mean price that these filters judge by; 0: by the last */
    uint64_t reserved;
};

/* One stage's life, rewritten by the runner of its core. Times are totals since start, in nanoseconds. */
struct pw_stage_view {
    char name[PW_STAGE_NAME_BYTES];
    int32_t core;                 /* number of the processor it is bound to; -1: not bound */
    uint32_t core_idx;            /* stages with the same core_idx share a thread */
    _Atomic int64_t heartbeat_ns; /* the engine's clock at the last housekeeping */
    _Atomic uint64_t tid;
    _Atomic uint64_t pass_cnt;   /* times polled */
    _Atomic uint64_t work_cnt;   /* events handled */
    _Atomic uint64_t busy_ns;    /* in polls that did work, and housekeeping */
    _Atomic uint64_t stalled_ns; /* in polls that had input but no room for output */
    _Atomic uint64_t idle_ns;    /* all other time of its thread: the three add up to the thread's life */
    _Atomic uint64_t longest_pass_ns; /* longest poll or housekeeping since start */
    _Atomic uint64_t alive;           /* 1 between init and fini */
    uint64_t reserved[3];
};

/* A market as strategy sees it, copied out at each housekeeping. */
struct pw_market {
    struct pw_quote quote;
    int64_t quote_recv_ns;
    int64_t last_price_e8, last_qty_e8, last_trade_ns;
    uint64_t trade_cnt, quote_cnt, depth_cnt;
    uint64_t book_synced; /* 1: synchronised with the venue */
    uint64_t book_update_id;
    uint64_t bid_level_cnt, ask_level_cnt; /* as far as the book is known */
    struct pw_level bids[PW_BOOK_VIEW_LEVELS],
        asks[PW_BOOK_VIEW_LEVELS]; /* best first; qty 0: no such level, or it is not known */
    uint64_t book_outgrown_id; /* last_update_id of the snapshot behind it, if that told too little for where
                                * the best prices are now; else 0 */
};

struct pw_market_view {
    struct pw_cell cell;
    _Atomic uint64_t words[sizeof(struct pw_market) / 8];
};

/* 128-bit amounts are stored as low and high word, two's complement. */
struct pw_position {
    int64_t qty_e8;             /* signed: negative is short; after fees in the base asset */
    int64_t avg_price_e8;       /* of the open quantity, without fees, rounded half-even; 0 when flat */
    uint64_t cost_e16[2];       /* of the open quantity, without fees */
    uint64_t realized_e16[2];   /* after fees */
    uint64_t unrealized_e16[2]; /* the open quantity at the opposite best quote, without the closing fee */
    uint64_t fees_e16[2];       /* paid in the quote currency, and in the base asset at their fills' prices */
    uint64_t buy_cnt, sell_cnt; /* fills */
};

struct pw_position_view {
    struct pw_cell cell;
    _Atomic uint64_t words[sizeof(struct pw_position) / 8];
};

struct pw_account {
    uint64_t cash_e16[2];
    uint64_t equity_e16[2]; /* cash and positions marked to market */
    uint64_t intent_cnt, order_cnt, fill_cnt, denied_cnt, rejected_cnt, canceled_cnt;
    uint64_t open_order_cnt;
    uint64_t halted; /* enum pw_reason: why there are no new orders; 0: there are */
};

struct pw_account_view {
    struct pw_cell cell;
    _Atomic uint64_t words[sizeof(struct pw_account) / 8];
};

/* One feed: written by housekeeping (state) and net_rx (counters), each its own words. */
struct pw_feed_view {
    char name[PW_STAGE_NAME_BYTES];
    _Atomic uint64_t state; /* enum pw_feed_state */
    _Atomic uint64_t connect_cnt, disconnect_cnt;
    _Atomic uint64_t frame_cnt, byte_cnt;
    _Atomic int64_t last_recv_ns;
    _Atomic uint64_t gap_cnt;        /* written by parse */
    _Atomic uint64_t invalid_cnt;    /* written by parse */
    _Atomic int64_t banned_until_ns; /* its venue takes no requests before; written by housekeeping */
    /* How late its data comes, where an account judges that; written by parse, in steps. */
    _Atomic int64_t lag_ns;   /* against its usual delay */
    _Atomic int64_t delay_ns; /* the usual delay: this host's clock less the venue's time; 0: not known, or
                               * always small */
    uint64_t reserved[2];
};

struct pw_error_row {
    _Atomic uint64_t count; /* 0: row not in use; written last */
    _Atomic int64_t first_ns, last_ns;
    char text[168]; /* zero-terminated; written once, before count */
};

/* The emergency stop. The gateway reads `stop` before every send. Written by the operator's desk alone, but
 * for `unrecorded`, which the journal writes and execution reads before every order. */
struct pw_stop {
    _Alignas(4096) _Atomic uint64_t stop; /* 0: go; else enum pw_reason */
    _Atomic int64_t since_ns;
    uint8_t reserved[48];
    _Alignas(64) _Atomic uint64_t unrecorded; /* 1: the journal cannot store what happens */
    uint8_t reserved1[4096 - 72];
};

static_assert(offsetof(struct pw_workspace_header, regions) == 384, "the directory has a fixed place");
static_assert(sizeof(struct pw_region) == 80, "part of the ABI");
static_assert(sizeof(struct pw_instrument) == 320, "five lines");
static_assert(sizeof(struct pw_stage_view) == 128, "two lines");
static_assert(sizeof(struct pw_feed_view) == 128, "two lines");
static_assert(sizeof(struct pw_error_row) == 192, "three lines");
static_assert(sizeof(struct pw_stop) == 4096, "a page of its own");
static_assert(sizeof(struct pw_market) % 8 == 0 && sizeof(struct pw_position) % 8 == 0 &&
                  sizeof(struct pw_account) % 8 == 0,
              "cells hold whole words");

/* ---- The engine's side (cold) ---- */

/* What to lay out. Fill it, one row a region, then create. */
struct pw_region_want {
    char name[PW_REGION_NAME_BYTES];
    enum pw_region_kind kind;
    uint32_t row_cnt, row_bytes; /* zeroed memory of row_cnt * row_bytes; rings: use pw_region_want_ring */
    uint32_t ring_slots;         /* rings only */
    uint64_t ring_payload_bytes;
    enum pw_ring_policy ring_policy;
};

/* A mapped workspace, the engine's or a reader's. */
struct pw_workspace {
    struct pw_workspace_header *header; /* a reader must not write; its map is read-only */
    size_t map_bytes;
    bool writable;
    int file_nth; /* descriptor of the file, and one; 0: none. Its lock says that the engine lives */
    char path[256];
    char note[256]; /* what the host gave and what was lost ("transparent huge pages: no hugetlbfs mount;
                       ...") */
};

/* Creates <dir>/pinwheel.<instance>, maps it writable, formats every region, touches every page (a missing
 * page is an error here, never SIGBUS later), and leaves the magic unwritten: pw_workspace_publish does that.
 * A file left by a dead engine is replaced; a live engine's is not (-EEXIST).
 * 0 or -errno; on failure `error` (of error_bytes) says what to do. */
int pw_workspace_create(struct pw_workspace *ws, const char *instance, const struct pw_region_want *want,
                        uint32_t want_cnt, bool huge_pages, char *error, size_t error_bytes);
/* What it would take, and whether this host could give that now; makes nothing. 0, -ENOMEM or -EINVAL with
 * `error`. */
int pw_workspace_weigh(const char *instance, const struct pw_region_want *want, uint32_t want_cnt,
                       bool huge_pages, uint64_t *bytes, char *error, size_t error_bytes);

/* The same, but gives up, with -ECANCELED and nothing left behind, as soon as give_up->is_due says so:
 * clearing tens of GiB takes minutes. NULL: never. */
struct pw_give_up {
    bool (*is_due)(void *state);
    void *state;
};
int pw_workspace_create_unless(struct pw_workspace *ws, const char *instance,
                               const struct pw_region_want *want, uint32_t want_cnt, bool huge_pages,
                               const struct pw_give_up *give_up, char *error, size_t error_bytes);
void pw_workspace_publish(struct pw_workspace *ws);

/* Unmaps; unlink_file removes the file too. */
void pw_workspace_close(struct pw_workspace *ws, bool unlink_file);

/* ---- A reader's side (cold) ---- */

/* Maps an instance (by name, or by path if it holds a '/') read-only and checks everything that the directory
 * says against the file's size: magic, ABI, layout hash, bounds, overlaps, rings. 0, -ENOENT, -EPROTO (not a
 * workspace or a damaged one), -EAGAIN (still being laid out) or -errno; `error` says which check failed. */
int pw_workspace_attach(struct pw_workspace *ws, const char *instance, char *error, size_t error_bytes);

/* The same, for a workspace of this or an earlier ABI, of which only regions are found whose rows are still
 * the same: of ABI 1 and 2 all but instruments and quotes. */
int pw_workspace_attach_older(struct pw_workspace *ws, const char *instance, char *error, size_t error_bytes);

/* Does its engine live? It holds a lock on the file until its process has ended, which is seen from every
 * namespace. An engine of before held none: of it pid and start time are compared. */
bool pw_workspace_alive(const struct pw_workspace *ws);

/* The time now by the engine's clock, whatever was done to the wall clock: for ages. */
int64_t pw_workspace_now_ns(const struct pw_workspace *ws);

/* Names of instances found in all directories, at most cap; returns how many. */
struct pw_instance_name {
    char name[PW_INSTANCE_BYTES];
};
uint32_t pw_workspace_list(struct pw_instance_name *names, uint32_t cap);

/* ---- Both ---- */

/* The region of that name and kind, or NULL. */
const struct pw_region *pw_workspace_find(const struct pw_workspace *ws, const char *name,
                                          enum pw_region_kind kind);

/* Its first byte; row i. A reader's row may be longer than this header knows (row_bytes), never shorter. */
void *pw_region_at(const struct pw_workspace *ws, const struct pw_region *region, uint32_t row_idx);

/* Row 0 of the region of that name and kind, or NULL. */
void *pw_workspace_rows(const struct pw_workspace *ws, const char *name, enum pw_region_kind kind);

uint64_t pw_workspace_layout_hash(const struct pw_workspace_header *header);

/* ---- Instruments: a workspace's table, or a run's in the journal ---- */

/* Of one account; false: there is no such row, or it cannot be read. */
bool pw_account_at(const struct pw_workspace *ws, uint32_t account_idx, struct pw_account *account);
/* The counts of all accounts, without cash and equity, whose currencies may differ. False: there are none. */
bool pw_account_sum(const struct pw_workspace *ws, struct pw_account *sum);

#define PW_INSTRUMENT_NAME_BYTES (PW_STAGE_NAME_BYTES + PW_SYMBOL_BYTES)

/* What people call it: its symbol, or "feed:SYMBOL" where several feeds have that symbol. Returns text, or
 * NULL if there is no such instrument. */
const char *pw_instrument_name(const struct pw_instrument *rows, uint32_t row_cnt, uint32_t idx,
                               char text[PW_INSTRUMENT_NAME_BYTES]);
/* The one of that name: a symbol, or "feed:SYMBOL". PW_NO_INSTRUMENT: there is none, or it is a symbol of
 * several. */
uint16_t pw_instrument_find(const struct pw_instrument *rows, uint32_t row_cnt, const char *name);

#endif
