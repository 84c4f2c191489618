/* SPDX-License-Identifier: MIT
 *
 * The engine's side of workspaces: lays one out, gets its memory, publishes it.
 *
 * The file is locked (flock) while it is being made, so that of two engines started at once under one name
 * one wins and the other gets an error. Another lock, of the open file (F_OFD_SETLK), is held as long as the
 * process has it mapped: that says whether its engine lives, to every namespace that can see the file.
 */
#include "check.h"
#include "host.h"
#include "place.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define UNBORN_TRIES    20 /* a file without a header is somebody's beginning, or what is left of one: */
#define UNBORN_SLEEP_NS 10000000L /* 0.2 s distinguish them */

static uint64_t round_up(uint64_t value, uint64_t to)
{
    return (value + to - 1) / to * to;
}

/* ---- the file that may stand there already ---- */

enum stale { STALE_GONE, STALE_AGAIN, STALE_REFUSED };

/* Judges an open, locked file at `path`. */
static enum stale stale_judge(int fd, const char *path, struct pw_text *error, bool last_try)
{
    struct stat open_file, named_file;
    if (fstat(fd, &open_file) != 0 || lstat(path, &named_file) != 0 ||
        open_file.st_ino != named_file.st_ino) {
        return STALE_AGAIN; /* another engine has just replaced it: judge what stands there now */
    }
    struct pw_workspace_header header;
    size_t head_bytes = offsetof(struct pw_workspace_header, regions);
    ssize_t got = pread(fd, &header, head_bytes, 0);
    bool unborn = got >= 0 && ((size_t)got < head_bytes || (header.magic == 0 && header.pid == 0));
    if (unborn && !last_try) {
        return STALE_AGAIN;
    }
    if (!unborn && (got < 0 || (header.magic != PW_WORKSPACE_MAGIC && header.magic != 0))) {
        pw_text_put(error, "%s is not a workspace: remove it if it is not needed", path);
        return STALE_REFUSED;
    }
    bool is_process = !unborn && header.pid_start_ticks != 0 &&
                      pw_process_start_ticks(header.pid) == header.pid_start_ticks;
    if (is_process || pw_file_is_held(fd)) {
        pw_text_put(error, "an engine of this name is already running: process %lld%s (%s)",
                    (long long)header.pid, is_process ? "" : " of another namespace", path);
        return STALE_REFUSED;
    }
    if (unlink(path) != 0) {
        pw_text_put(error, "%s was left by a dead engine and cannot be removed: %s", path, strerror(errno));
        return STALE_REFUSED;
    }
    return STALE_GONE;
}

static enum stale stale_try(const char *path, struct pw_text *error, bool last_try)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT) {
        return STALE_GONE;
    }
    if (fd < 0) {
        pw_text_put(error, "%s exists and cannot be opened: %s", path, strerror(errno));
        return STALE_REFUSED;
    }
    enum stale result;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        pw_text_put(error, "an engine of this name is starting (%s)", path);
        result = STALE_REFUSED;
    } else {
        result = stale_judge(fd, path, error, last_try);
    }
    close(fd);
    return result;
}

/* Removes what a dead engine left. 0, or -EEXIST with the reason. */
static int stale_remove(const char *path, struct pw_text *error)
{
    for (int i = 0; i <= UNBORN_TRIES; i++) {
        enum stale result = stale_try(path, error, i == UNBORN_TRIES);
        if (result != STALE_AGAIN) {
            return result == STALE_GONE ? 0 : -EEXIST;
        }
        nanosleep(&(struct timespec){.tv_nsec = UNBORN_SLEEP_NS}, NULL);
    }
    pw_text_put(error, "%s keeps changing: other engines of this name are starting", path);
    return -EEXIST;
}

/* ---- the plan: a header that has all but its total size ---- */

static bool region_plan(struct pw_region *region, const struct pw_region_want *want, uint64_t *end)
{
    uint64_t align = want->kind == PW_REGION_STOP ? _Alignof(struct pw_stop) : PW_REGION_ALIGN;
    memcpy(region->name, want->name, sizeof region->name);
    region->kind = want->kind;
    region->offset = round_up(*end, align);
    if (want->kind == PW_REGION_RING) {
        region->row_cnt = 1;
        region->row_bytes = sizeof(struct pw_ring);
        region->bytes = pw_ring_bytes(want->ring_slots, want->ring_payload_bytes);
    } else {
        region->row_cnt = want->row_cnt;
        region->row_bytes = want->row_bytes;
        region->bytes = (uint64_t)want->row_cnt * want->row_bytes;
    }
    *end = region->offset + region->bytes;
    /* 2^46: more than any host has, and far from overflow. */
    return region->bytes != 0 && region->bytes <= (uint64_t)1 << 46 && *end <= (uint64_t)1 << 46;
}

static int plan_make(struct pw_workspace_header *plan, const char *instance,
                     const struct pw_region_want *want, uint32_t want_cnt, struct pw_text *error)
{
    if (!pw_instance_name_valid(instance)) {
        pw_text_put(error, "invalid instance name '%s': use 1 to %d characters of a-z, 0-9, _ and -",
                    instance, PW_INSTANCE_BYTES - 1);
        return -EINVAL;
    }
    if (want_cnt > PW_REGIONS_MAX) {
        pw_text_put(error, "%u regions requested, but the directory holds %u", want_cnt, PW_REGIONS_MAX);
        return -EINVAL;
    }
    strcpy(plan->instance, instance);
    plan->abi = PW_WORKSPACE_ABI;
    plan->region_cnt = want_cnt;
    uint64_t end = sizeof *plan;
    for (uint32_t i = 0; i < want_cnt; i++) {
        if (!region_plan(&plan->regions[i], &want[i], &end)) {
            pw_text_put(error, "region %u ('%.*s') has an invalid size", i, PW_REGION_NAME_BYTES,
                        want[i].name);
            return -EINVAL;
        }
    }
    /* The stop word has its page to itself, to the end. */
    plan->total_bytes = round_up(end, _Alignof(struct pw_stop));
    plan->layout_hash = pw_workspace_layout_hash(plan);
    const char *wrong = pw_header_check(plan, plan->total_bytes);
    if (wrong != NULL) {
        pw_text_put(error, "invalid layout: %s", wrong);
        return -EINVAL;
    }
    return 0;
}

/* ---- the memory ---- */

static unsigned long long mib(uint64_t bytes)
{
    return (unsigned long long)((bytes + (1u << 20) - 1) >> 20);
}

/* Can this place be asked at all? If not, `lost` gets why and what would change it. */
static bool place_usable(const struct pw_place *place, uint64_t bytes, struct pw_text *lost)
{
    if (access(place->dir, W_OK | X_OK) != 0) {
        pw_text_put(lost, "; %s: %s", place->dir, strerror(errno));
        return false;
    }
    if (place->hugetlbfs) {
        uint64_t wanted = bytes / place->page_bytes;
        uint64_t free_cnt = pw_place_pages_free(place);
        if (free_cnt < wanted) {
            pw_text_put(lost,
                        "; hugetlbfs %s: %llu of %llu pages of %llu KiB free (sysctl vm.nr_hugepages=%llu)",
                        place->dir, (unsigned long long)free_cnt, (unsigned long long)wanted,
                        (unsigned long long)place->page_bytes / 1024, (unsigned long long)wanted);
            return false;
        }
    } else if (bytes > pw_memory_available_bytes()) {
        pw_text_put(lost, "; %llu MiB of memory are available, %llu are needed; use smaller rings",
                    mib(pw_memory_available_bytes()), mib(bytes));
        return false;
    }
    return true;
}

/* Sizes, maps and fills a fresh file. */
static int file_map(struct pw_workspace *ws, int fd, uint64_t bytes, bool huge,
                    const struct pw_give_up *give_up)
{
    if (fchmod(fd, 0600) != 0 || ftruncate(fd, (off_t)bytes) != 0) {
        return -errno;
    }
    /* Never MAP_NORESERVE: a pool of huge pages that is too small must fail here, not when a page is touched.
     */
    void *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) {
        return -errno;
    }
    int result = pw_pages_populate(fd, map, bytes, huge, give_up);
    if (result != 0) {
        munmap(map, bytes);
        return result;
    }
    ws->header = map;
    ws->map_bytes = bytes;
    ws->writable = true;
    return 0;
}

/* The locked descriptor of the mapped file, or -errno; `lost` says why and what to do. */
static int place_take(struct pw_workspace *ws, const struct pw_place *place, const char *instance,
                      uint64_t bytes, bool huge, const struct pw_give_up *give_up, struct pw_text *lost)
{
    if (!pw_place_path(place, instance, ws->path, sizeof ws->path)) {
        pw_text_put(lost, "; %s: the path is too long", place->dir);
        return -ENAMETOOLONG;
    }
    if (!place_usable(place, bytes, lost)) {
        return -ENOMEM;
    }
    int fd = open(ws->path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        int code = -errno;
        pw_text_put(lost, "; %s: %s", ws->path, strerror(-code));
        return code;
    }
    pw_file_hold(fd);   /* a file that only we know of: nobody else has it */
    flock(fd, LOCK_EX); /* may wait for somebody who looks at it as a stale file; that takes microseconds */
    int result = file_map(ws, fd, bytes, huge && !place->hugetlbfs, give_up);
    if (result != 0) {
        unlink(ws->path);
        close(fd);
        pw_text_put(
            lost,
            "; %s: cannot allocate %llu MiB: %s; enlarge it (mount -o remount,size=...) or use smaller rings",
            place->dir, mib(bytes), strerror(-result));
        return result;
    }
    return fd;
}

static uint64_t place_bytes(const struct pw_place *place, uint64_t bytes, bool huge)
{
    uint64_t page_bytes = place->page_bytes;
    if (huge && !place->hugetlbfs) {
        page_bytes = pw_pages_huge_page_bytes(); /* so that the last part can be a huge page, too */
    }
    return round_up(bytes, page_bytes);
}

/* What was got, in the header and in words. */
static void huge_note(struct pw_workspace *ws, const struct pw_place *place, bool huge,
                      const struct pw_text *lost)
{
    struct pw_text note = pw_text_start(ws->note, sizeof ws->note);
    uint64_t huge_bytes = place->hugetlbfs ? ws->map_bytes : pw_pages_huge_bytes(ws->header);
    ws->header->page_bytes = (uint32_t)place->page_bytes;
    ws->header->huge_kind = place->hugetlbfs  ? PW_HUGE_TLBFS
                            : huge_bytes != 0 ? PW_HUGE_TRANSPARENT
                                              : PW_HUGE_NONE;
    if (place->hugetlbfs) {
        pw_text_put(&note, "hugetlbfs %s, %llu pages of %llu KiB", place->dir,
                    (unsigned long long)(ws->map_bytes / place->page_bytes),
                    (unsigned long long)place->page_bytes / 1024);
    } else if (!huge) {
        pw_text_put(&note, "%s, small pages: huge pages are off", place->dir);
    } else if (huge_bytes == ws->map_bytes) {
        pw_text_put(&note, "%s, transparent huge pages", place->dir);
    } else {
        pw_text_put(&note,
                    "%s, %llu of %llu MiB in transparent huge pages (for more: echo advise > "
                    "/sys/kernel/mm/transparent_hugepage/shmem_enabled)",
                    place->dir, mib(huge_bytes), mib(ws->map_bytes));
    }
    if (huge && !place->hugetlbfs) {
        pw_text_put(&note, "%s", lost->len != 0 ? lost->at : "; no hugetlbfs mount");
    }
    if (mlock(ws->header, ws->map_bytes) != 0) { /* pages that are there may still be swapped out */
        pw_text_put(&note, "; not locked in memory (ulimit -l)");
    }
}

/* ---- laid out in the mapped memory ---- */

static void header_write(struct pw_workspace *ws, const struct pw_workspace_header *plan)
{
    struct pw_workspace_header *header = ws->header;
    struct pw_clock clock = pw_clock_host();
    int64_t now_ns = pw_clock_now_ns(&clock);
    header->clock_ahead_ns = pw_clock_host_ahead_ns();
    header->abi = plan->abi;
    header->region_cnt = plan->region_cnt;
    header->total_bytes = ws->map_bytes;
    memcpy(header->instance, plan->instance, sizeof header->instance);
    memcpy(header->regions, plan->regions, sizeof header->regions);
    memcpy(header->note, ws->note, sizeof header->note);
    header->layout_hash = pw_workspace_layout_hash(header);
    header->pid_start_ticks = pw_process_start_ticks(getpid());
    header->pid = getpid();
    header->started_ns = now_ns;
    atomic_store_explicit(&header->state, PW_ENGINE_STARTING, memory_order_relaxed);
    atomic_store_explicit(&header->heartbeat_ns, now_ns, memory_order_relaxed);
}

static void rings_format(struct pw_workspace *ws, const struct pw_region_want *want, uint32_t want_cnt)
{
    for (uint32_t i = 0; i < want_cnt; i++) {
        if (want[i].kind == PW_REGION_RING) {
            pw_ring_format(pw_region_at(ws, &ws->header->regions[i], 0), want[i].ring_slots,
                           want[i].ring_payload_bytes, want[i].ring_policy);
        }
    }
}

static int create_planned(struct pw_workspace *ws, const struct pw_workspace_header *plan,
                          const struct pw_region_want *want, bool huge, const struct pw_give_up *give_up,
                          struct pw_text *error)
{
    struct pw_place places[PW_PLACES_MAX];
    uint32_t place_cnt = pw_places_find(places);
    for (uint32_t i = 0; i < place_cnt; i++) {
        if (pw_place_path(&places[i], plan->instance, ws->path, sizeof ws->path) &&
            stale_remove(ws->path, error) != 0) {
            return -EEXIST;
        }
    }
    char lost_text[sizeof ws->note];
    struct pw_text lost = pw_text_start(lost_text, sizeof lost_text);
    int fd = -ENOENT;
    const struct pw_place *place = NULL;
    for (uint32_t i = 0; i < place_cnt && fd < 0 && fd != -ECANCELED; i++) {
        place = &places[i];
        if (huge || !place->hugetlbfs || place_cnt == 1) {
            fd = place_take(ws, place, plan->instance, place_bytes(place, plan->total_bytes, huge), huge,
                            give_up, &lost);
        }
    }
    if (fd < 0) {
        pw_text_put(error, "no memory for the workspace%s", lost_text);
        return fd;
    }
    huge_note(ws, place, huge, &lost);
    header_write(ws, plan);
    rings_format(ws, want, plan->region_cnt);
    flock(fd, LOCK_UN); /* it is whole, and who looks at it as a stale file sees the other lock */
    ws->file_nth = fd + 1;
    return 0;
}

int pw_workspace_create(struct pw_workspace *ws, const char *instance, const struct pw_region_want *want,
                        uint32_t want_cnt, bool huge_pages, char *error, size_t error_bytes)
{
    return pw_workspace_create_unless(ws, instance, want, want_cnt, huge_pages, NULL, error, error_bytes);
}

int pw_workspace_create_unless(struct pw_workspace *ws, const char *instance,
                               const struct pw_region_want *want, uint32_t want_cnt, bool huge_pages,
                               const struct pw_give_up *give_up, char *error, size_t error_bytes)
{
    *ws = (struct pw_workspace){0};
    struct pw_text text = pw_text_start(error, error_bytes);
    struct pw_workspace_header *plan = calloc(1, sizeof *plan);
    if (plan == NULL) {
        pw_text_put(&text, "no memory to plan the workspace");
        return -ENOMEM;
    }
    int result = plan_make(plan, instance, want, want_cnt, &text);
    if (result == 0) {
        result = create_planned(ws, plan, want, huge_pages, give_up, &text);
    }
    free(plan);
    return result;
}

static bool fits_somewhere(uint64_t bytes, bool huge, struct pw_text *lost)
{
    struct pw_place places[PW_PLACES_MAX];
    uint32_t place_cnt = pw_places_find(places);
    for (uint32_t i = 0; i < place_cnt; i++) {
        bool candidate = huge || !places[i].hugetlbfs || place_cnt == 1;
        if (candidate && place_usable(&places[i], place_bytes(&places[i], bytes, huge), lost)) {
            return true;
        }
    }
    return false;
}

int pw_workspace_weigh(const char *instance, const struct pw_region_want *want, uint32_t want_cnt,
                       bool huge_pages, uint64_t *bytes, char *error, size_t error_bytes)
{
    struct pw_text text = pw_text_start(error, error_bytes);
    struct pw_workspace_header *plan = calloc(1, sizeof *plan);
    char lost_text[256];
    struct pw_text lost = pw_text_start(lost_text, sizeof lost_text);
    int result = plan == NULL ? -ENOMEM : plan_make(plan, instance, want, want_cnt, &text);
    if (result == 0) {
        *bytes = plan->total_bytes;
        if (!fits_somewhere(plan->total_bytes, huge_pages, &lost)) {
            pw_text_put(&text, "no memory for the workspace of %llu MiB%s", mib(*bytes), lost_text);
            result = -ENOMEM;
        }
    }
    free(plan);
    return result;
}

void pw_workspace_publish(struct pw_workspace *ws)
{
    /* Rows may have been counted since. */
    ws->header->layout_hash = pw_workspace_layout_hash(ws->header);
    /* Release: all that was laid out is visible before the magic. Pairs with the acquire in
     * pw_workspace_attach. */
    atomic_store_explicit(&ws->header->magic, PW_WORKSPACE_MAGIC, memory_order_release);
}
