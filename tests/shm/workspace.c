/* SPDX-License-Identifier: MIT
 *
 * Workspaces: made, found, refused. Each test works in a directory of its own in shared memory.
 */
#include "metrics_table.h"
#include "place.h"
#include "test_folder.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pinwheel/cell.h>
#include <pinwheel/histogram.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[64];
static char error[512];

static void dir_make(void)
{
    strcpy(dir, "/dev/shm/pw-test-XXXXXX");
    if (mkdtemp(dir) == NULL) { /* a host without it: an ordinary directory serves most tests as well */
        strcpy(dir, "/tmp/pw-test-XXXXXX");
        cr_assert_not_null(mkdtemp(dir));
    }
    setenv("PINWHEEL_SHM_DIR", dir, 1);
}

static void dir_remove(void)
{
    umount2(dir, MNT_DETACH); /* of the tests that mount something over it */
    folder_remove(dir);
}

static void skip(const char *why)
{
    dir_remove();
    cr_skip_test("%s", why);
}

TestSuite(workspace, .init = dir_make, .fini = dir_remove);

static const struct pw_region_want wants[] = {
    {.name = "parse.strategy", .kind = PW_REGION_RING, .ring_slots = 256},
    {.name = "net_rx.parse",
     .kind = PW_REGION_RING,
     .ring_slots = 64,
     .ring_payload_bytes = 65536,
     .ring_policy = PW_RING_DROP},
    {.name = "stop", .kind = PW_REGION_STOP, .row_cnt = 1, .row_bytes = sizeof(struct pw_stop)},
    {.name = "stages", .kind = PW_REGION_STAGES, .row_cnt = 3, .row_bytes = sizeof(struct pw_stage_view)},
    {.name = "instruments",
     .kind = PW_REGION_INSTRUMENTS,
     .row_cnt = 2,
     .row_bytes = sizeof(struct pw_instrument)},
    {.name = "metrics",
     .kind = PW_REGION_METRICS,
     .row_cnt = PW_METRIC_CNT,
     .row_bytes = sizeof(struct pw_metric_row)},
    {.name = "errors", .kind = PW_REGION_ERRORS, .row_cnt = 4, .row_bytes = sizeof(struct pw_error_row)},
    {.name = "hop", .kind = PW_REGION_HISTOGRAM, .row_cnt = 1, .row_bytes = sizeof(struct pw_histogram)},
    {.name = "info", .kind = PW_REGION_INFO, .row_cnt = 1, .row_bytes = 1000},
};
#define WANT_CNT (sizeof wants / sizeof wants[0])

static struct pw_workspace make(const char *name)
{
    struct pw_workspace ws;
    cr_assert_eq(pw_workspace_create(&ws, name, wants, WANT_CNT, false, error, sizeof error), 0, "%s", error);
    pw_metrics_fill(pw_workspace_rows(&ws, "metrics", PW_REGION_METRICS));
    return ws;
}

static int attach_code(const char *name)
{
    struct pw_workspace reader;
    int code = pw_workspace_attach(&reader, name, error, sizeof error);
    if (code == 0) {
        pw_workspace_close(&reader, false);
    }
    return code;
}

Test(workspace, reader_sees_what_the_engine_wrote)
{
    struct pw_workspace ws = make("a");
    struct pw_producer producer;
    pw_producer_attach(&producer, pw_workspace_rows(&ws, "parse.strategy", PW_REGION_RING));
    pw_producer_put(&producer, &(struct pw_event){.seq = 42});
    pw_producer_publish(&producer);
    pw_count(&pw_metrics_find(&ws, "parse", "gaps")->value, 3);
    pw_workspace_publish(&ws);

    struct pw_workspace reader;
    cr_assert_eq(pw_workspace_attach(&reader, "a", error, sizeof error), 0, "%s", error);
    cr_assert_str_eq(reader.header->instance, "a");
    cr_assert_str_eq(reader.note, ws.note);
    cr_assert(pw_workspace_alive(&reader));
    cr_assert_eq(pw_metrics_find(&reader, "parse", "gaps")->value, 3u);
    cr_assert_null(pw_metrics_find(&reader, "parse", "no_such"));
    struct pw_tap tap;
    struct pw_event event;
    pw_tap_attach(&tap, pw_workspace_rows(&reader, "parse.strategy", PW_REGION_RING), false);
    cr_assert_eq(pw_tap_next(&tap, &event), PW_TAP_EVENT);
    cr_assert_eq(event.seq, 42u);
    const struct pw_region *region = pw_workspace_find(&reader, "net_rx.parse", PW_REGION_RING);
    const struct pw_ring *ring = pw_region_at(&reader, region, 0);
    cr_assert_eq(ring->policy, PW_RING_DROP);
    cr_assert_null(pw_workspace_find(&reader, "stages", PW_REGION_RING), "a name of another kind");
    cr_assert_null(pw_region_at(&reader, pw_workspace_find(&reader, "stages", PW_REGION_STAGES), 3));
    pw_workspace_close(&reader, false);
    pw_workspace_close(&ws, true);
    cr_assert_eq(attach_code("a"), -ENOENT);
}

Test(workspace, file_is_for_its_owner_only_whatever_the_umask)
{
    umask(0);
    struct pw_workspace ws = make("a");
    struct stat file;
    cr_assert_eq(stat(ws.path, &file), 0);
    cr_assert_eq(file.st_mode & 07777, 0600);
    cr_assert_eq((uint64_t)file.st_size, ws.header->total_bytes);
    cr_assert_geq((uint64_t)file.st_blocks * 512, ws.header->total_bytes, "every page is there");
}

Test(workspace, stop_word_has_its_page_for_itself)
{
    struct pw_workspace ws = make("a");
    const struct pw_region *stop = pw_workspace_find(&ws, "stop", PW_REGION_STOP);
    cr_assert_eq(stop->offset % 4096, 0u);
    cr_assert_eq(stop->bytes, 4096u);
}

Test(workspace, unpublished_workspace_is_not_read)
{
    struct pw_workspace ws = make("a");
    cr_assert_eq(attach_code("a"), -EAGAIN);
    pw_workspace_publish(&ws);
    cr_assert_eq(attach_code("a"), 0);
}

Test(workspace, reader_cannot_write)
{
    struct pw_workspace ws = make("a");
    pw_workspace_publish(&ws);
    pid_t child = fork();
    if (child == 0) {
        struct pw_workspace reader;
        signal(SIGSEGV, SIG_DFL);
        if (pw_workspace_attach(&reader, "a", error, sizeof error) == 0) {
            reader.header->state = PW_ENGINE_RUNNING;
        }
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    /* A sanitizer turns the signal into an exit code. */
    cr_assert(!(WIFEXITED(status) && WEXITSTATUS(status) == 0), "the write went through");
    cr_assert_eq(ws.header->state, PW_ENGINE_STARTING);
}

Test(workspace, names_that_could_leave_the_directory_are_refused)
{
    struct pw_workspace ws;
    const char *names[] = {"", "..", "a/b", "A", "a b", "0123456789012345678901234567890123456789"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        cr_assert_eq(pw_workspace_create(&ws, names[i], wants, WANT_CNT, false, error, sizeof error),
                     -EINVAL);
        cr_assert_neq(attach_code(names[i]), 0);
    }
}

Test(workspace, impossible_wishes_are_refused_before_anything_is_made)
{
    struct pw_workspace ws;
    struct pw_region_want want = wants[0];
    want.ring_slots = 100;
    cr_assert_eq(pw_workspace_create(&ws, "a", &want, 1, false, error, sizeof error), -EINVAL);
    struct pw_region_want twice[2] = {wants[0], wants[0]};
    cr_assert_eq(pw_workspace_create(&ws, "a", twice, 2, false, error, sizeof error), -EINVAL);
    want = wants[3];
    want.row_bytes -= 8;
    cr_assert_eq(pw_workspace_create(&ws, "a", &want, 1, false, error, sizeof error), -EINVAL);
    want = wants[3];
    want.row_cnt = 0;
    cr_assert_eq(pw_workspace_create(&ws, "a", &want, 1, false, error, sizeof error), -EINVAL);
    cr_assert_eq(attach_code("a"), -ENOENT);
}

Test(workspace, several_instances_are_listed_in_order)
{
    struct pw_workspace b = make("b"), a = make("a");
    (void)a;
    struct pw_instance_name names[4];
    char path[128];
    snprintf(path, sizeof path, "%s/pinwheel.NOT-A-NAME", dir);
    close(open(path, O_CREAT | O_WRONLY, 0600));
    cr_assert_eq(pw_workspace_list(names, 4), 2u);
    cr_assert_str_eq(names[0].name, "a");
    cr_assert_str_eq(names[1].name, "b");
    cr_assert_eq(pw_workspace_list(names, 1), 1u);
    pw_workspace_close(&b, true);
    cr_assert_eq(pw_workspace_list(names, 4), 1u);
}

/* ---- life and death of the engine ---- */

/* A child process makes the workspace, publishes it, and ends by itself or stays; returns its pid. */
static pid_t engine_start(const char *name, bool stays)
{
    int done[2];
    cr_assert_eq(pipe(done), 0);
    pid_t child = fork();
    if (child == 0) {
        struct pw_workspace ws = make(name);
        pw_workspace_publish(&ws);
        ssize_t wrote = write(done[1], "x", 1);
        while (stays && wrote == 1) {
            pause();
        }
        _exit(0);
    }
    char byte;
    cr_assert_eq(read(done[0], &byte, 1), 1);
    close(done[0]);
    close(done[1]);
    return child;
}

static bool attached_alive(const char *name)
{
    struct pw_workspace reader;
    cr_assert_eq(pw_workspace_attach(&reader, name, error, sizeof error), 0, "%s", error);
    bool alive = pw_workspace_alive(&reader);
    pw_workspace_close(&reader, false);
    return alive;
}

Test(workspace, killed_engine_is_dead_at_once_even_before_it_is_reaped)
{
    pid_t child = engine_start("a", true);
    cr_assert(attached_alive("a"));
    kill(child, SIGKILL);
    siginfo_t info;
    waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT); /* a zombie now */
    cr_assert_not(attached_alive("a"));
    waitpid(child, NULL, 0);
    cr_assert_not(attached_alive("a"));
}

/* As if another process had made it. */
static void header_set_process(const char *name, int64_t pid, uint64_t start_ticks)
{
    char path[128];
    snprintf(path, sizeof path, "%s/pinwheel.%s", dir, name);
    int fd = open(path, O_RDWR);
    cr_assert_geq(fd, 0);
    cr_assert_eq(pwrite(fd, &pid, sizeof pid, offsetof(struct pw_workspace_header, pid)), sizeof pid);
    cr_assert_eq(
        pwrite(fd, &start_ticks, sizeof start_ticks, offsetof(struct pw_workspace_header, pid_start_ticks)),
        sizeof start_ticks);
    close(fd);
}

Test(workspace, process_that_got_the_dead_engines_pid_is_not_the_engine)
{
    waitpid(engine_start("a", false), NULL, 0);
    cr_assert_not(attached_alive("a"));
    uint64_t ticks = pw_process_start_ticks(getpid());
    header_set_process("a", getpid(), ticks);
    cr_expect(attached_alive("a"), "an engine of before, which held no lock");
    header_set_process("a", getpid(), ticks + 1); /* started later under the pid of the one before */
    cr_expect_not(attached_alive("a"));
}

static uint64_t file_inode(const char *name)
{
    char path[128];
    struct stat file;
    snprintf(path, sizeof path, "%s/pinwheel.%s", dir, name);
    return stat(path, &file) == 0 ? (uint64_t)file.st_ino : 0;
}

/* cases/05-second-start-in-another-pid-namespace: from there the header's pid is of nobody, or of another. */
Test(workspace, engine_whose_pid_is_of_another_namespace_is_alive_and_keeps_its_file)
{
    const struct {
        int64_t pid;
        uint64_t start_ticks;
    } rows[] = {{INT32_MAX, 1}, {1, 1}, {getpid(), 1}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        pid_t child = engine_start("a", true);
        uint64_t inode = file_inode("a");
        struct pw_workspace ws;
        header_set_process("a", rows[i].pid, rows[i].start_ticks);
        cr_expect(attached_alive("a"), "row %zu", i);
        cr_expect_eq(pw_workspace_create(&ws, "a", wants, WANT_CNT, false, error, sizeof error), -EEXIST);
        cr_expect_not_null(strstr(error, "already running"), "%s", error);
        kill(child, SIGSTOP);
        cr_expect(attached_alive("a"), "it stands still, but it may go on");
        cr_expect_eq(pw_workspace_create(&ws, "a", wants, WANT_CNT, false, error, sizeof error), -EEXIST);
        cr_expect_eq(file_inode("a"), inode, "nobody has taken its file");
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        cr_expect_not(attached_alive("a"), "row %zu", i);
    }
}

/* cases/07-heartbeat-after-a-clock-step: of one made when the wall clock was an hour off. */
Test(workspace, ages_do_not_depend_on_the_wall_clock)
{
    struct pw_workspace ws = make("a");
    pw_workspace_publish(&ws);
    int64_t age_ns = pw_workspace_now_ns(&ws) - atomic_load(&ws.header->heartbeat_ns);
    cr_expect(age_ns >= 0 && age_ns < INT64_C(60000000000), "%lld", (long long)age_ns);
    ws.header->clock_ahead_ns += INT64_C(3600000000000);
    atomic_fetch_add(&ws.header->heartbeat_ns, INT64_C(3600000000000));
    age_ns = pw_workspace_now_ns(&ws) - atomic_load(&ws.header->heartbeat_ns);
    cr_expect(age_ns >= 0 && age_ns < INT64_C(60000000000), "%lld", (long long)age_ns);
}

Test(workspace, file_of_a_dead_engine_is_replaced)
{
    pid_t child = engine_start("a", false);
    waitpid(child, NULL, 0);
    struct pw_workspace ws = make("a");
    cr_assert_eq(ws.header->pid, getpid());
    pw_workspace_publish(&ws);
    cr_assert(attached_alive("a"));
}

Test(workspace, file_of_a_live_engine_is_not_replaced)
{
    pid_t child = engine_start("a", true);
    struct pw_workspace ws;
    cr_assert_eq(pw_workspace_create(&ws, "a", wants, WANT_CNT, false, error, sizeof error), -EEXIST);
    char pid[32];
    snprintf(pid, sizeof pid, "process %d", child);
    cr_assert_not_null(strstr(error, pid), "%s", error);
    cr_assert(attached_alive("a"));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

Test(workspace, beginning_that_was_never_finished_is_replaced)
{
    char path[128];
    snprintf(path, sizeof path, "%s/pinwheel.a", dir);
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    cr_assert_geq(fd, 0);
    close(fd);
    make("a");
    cr_assert_eq(attach_code("a"), -EAGAIN);
}

Test(workspace, something_else_under_the_name_is_left_alone)
{
    char path[128], text[20000];
    snprintf(path, sizeof path, "%s/pinwheel.a", dir);
    memset(text, 'x', sizeof text);
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    cr_assert_eq(write(fd, text, sizeof text), (ssize_t)sizeof text);
    close(fd);
    struct pw_workspace ws;
    cr_assert_eq(pw_workspace_create(&ws, "a", wants, WANT_CNT, false, error, sizeof error), -EEXIST);
    cr_assert_not_null(strstr(error, path), "%s", error);
    cr_assert_eq(access(path, F_OK), 0);
    unlink(path);
    cr_assert_eq(symlink("/etc/passwd", path), 0);
    cr_assert_eq(pw_workspace_create(&ws, "a", wants, WANT_CNT, false, error, sizeof error), -EEXIST);
    unlink(path);
    cr_assert_eq(mkfifo(path, 0600), 0);
    cr_assert_eq(pw_workspace_create(&ws, "a", wants, WANT_CNT, false, error, sizeof error), -EEXIST);
    cr_assert_eq(attach_code("a"), -EPROTO);
}

Test(workspace, of_engines_started_at_once_one_wins)
{
    enum { ENGINES = 8 };
    pid_t children[ENGINES];
    int go[2], done[2];
    cr_assert_eq(pipe(go) + pipe(done), 0);
    waitpid(engine_start("a", false), NULL, 0); /* a dead one's file to fight for */
    for (int i = 0; i < ENGINES; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            struct pw_workspace ws;
            char byte;
            close(go[1]);
            if (read(go[0], &byte, 1) == 0) {
                int code = pw_workspace_create(&ws, "a", wants, WANT_CNT, false, error, sizeof error);
                byte = code == 0 ? 'w' : code == -EEXIST ? 'l' : '?';
                code = (int)write(done[1], &byte, 1);
                pause();
            }
            _exit(0);
        }
    }
    close(go[1]);
    int won = 0, lost = 0;
    for (int i = 0; i < ENGINES; i++) {
        char byte = 0;
        cr_assert_eq(read(done[0], &byte, 1), 1);
        won += byte == 'w';
        lost += byte == 'l';
    }
    for (int i = 0; i < ENGINES; i++) {
        kill(children[i], SIGKILL);
        waitpid(children[i], NULL, 0);
    }
    cr_assert_eq(won, 1);
    cr_assert_eq(lost, ENGINES - 1);
}

/* ---- hostile files ---- */

/* A published workspace as bytes in memory, and its file. */
struct image {
    unsigned char *bytes;
    size_t size;
    char path[128];
};

static struct image image_make(void)
{
    struct pw_workspace ws = make("a");
    pw_workspace_publish(&ws);
    struct image image = {.size = ws.map_bytes, .bytes = malloc(ws.map_bytes)};
    memcpy(image.bytes, ws.header, ws.map_bytes);
    pw_workspace_close(&ws, true);
    snprintf(image.path, sizeof image.path, "%s/hostile", dir);
    return image;
}

/* What attach says to `size` bytes of the image. */
static int image_try(const struct image *image, size_t size)
{
    int fd = open(image->path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    cr_assert_eq(write(fd, image->bytes, size), (ssize_t)size);
    close(fd);
    return attach_code(image->path);
}

static struct pw_workspace_header *header_of(const struct image *image)
{
    return (struct pw_workspace_header *)image->bytes;
}

/* As a hostile writer would: with a hash that fits. */
static int header_try(const struct image *image)
{
    header_of(image)->layout_hash = pw_workspace_layout_hash(header_of(image));
    return image_try(image, image->size);
}

Test(workspace, whole_image_is_accepted_by_path)
{
    struct image image = image_make();
    cr_assert_eq(image_try(&image, image.size), 0, "%s", error);
}

Test(workspace, wrong_magic_version_size_and_layout_are_refused)
{
    struct image image = image_make();
    struct pw_workspace_header *header = header_of(&image), good = *header;
    header->magic ^= 1;
    cr_assert_eq(header_try(&image), -EPROTO);
    *header = good;
    header->abi++;
    cr_assert_eq(header_try(&image), -EPROTO);
    *header = good;
    header->total_bytes += 4096;
    cr_assert_eq(header_try(&image), -EPROTO);
    *header = good;
    header->regions[0].offset += 64;
    cr_assert_eq(image_try(&image, image.size), -EPROTO);
    *header = good;
    cr_assert_eq(image_try(&image, image.size - 1), -EPROTO);
    cr_assert_eq(image_try(&image, image.size), 0, "%s", error);
}

static bool is_larger_now(uint32_t kind)
{
    return kind == PW_REGION_INSTRUMENTS || kind == PW_REGION_QUOTES;
}

/* Its instruments had rows of 144 bytes, its quotes rows of 456. */
Test(workspace, earlier_abi_is_read_where_rows_are_the_same)
{
    struct image image = image_make();
    struct pw_workspace_header *header = header_of(&image);
    struct pw_workspace ws;
    header->abi = 1;
    for (uint32_t i = 0; i < header->region_cnt; i++) {
        if (is_larger_now(header->regions[i].kind)) {
            header->regions[i].row_bytes = header->regions[i].kind == PW_REGION_QUOTES ? 456 : 144;
        }
    }
    cr_assert_eq(header_try(&image), -EPROTO);
    cr_assert_eq(pw_workspace_attach_older(&ws, image.path, error, sizeof error), 0, "%s", error);
    for (uint32_t i = 0; i < header->region_cnt; i++) {
        const struct pw_region *region = &header->regions[i];
        const struct pw_region *found =
            pw_workspace_find(&ws, region->name, (enum pw_region_kind)region->kind);
        cr_expect_eq(found == NULL, is_larger_now(region->kind), "%s", region->name);
    }
    pw_workspace_close(&ws, false);
    for (uint32_t abi = 0; abi <= PW_WORKSPACE_ABI + 1; abi += PW_WORKSPACE_ABI + 1) {
        header->abi = abi;
        cr_assert_eq(header_try(&image), -EPROTO);
        cr_expect_eq(pw_workspace_attach_older(&ws, image.path, error, sizeof error), -EPROTO);
    }
}

Test(workspace, file_of_any_length_short_of_the_whole_is_refused)
{
    struct image image = image_make();
    size_t sizes[] = {0,
                      1,
                      7,
                      8,
                      383,
                      384,
                      sizeof(struct pw_workspace_header) - 1,
                      sizeof(struct pw_workspace_header),
                      image.size / 2,
                      image.size - 4096};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        cr_assert_eq(image_try(&image, sizes[i]), -EPROTO, "%zu bytes", sizes[i]);
    }
}

Test(workspace, file_that_promises_more_memory_than_it_has_is_refused)
{
    struct image image = image_make();
    header_of(&image)->total_bytes = UINT64_C(1) << 40;
    header_try(&image);
    cr_assert_eq(truncate(image.path, (off_t)1 << 40), 0);
    cr_assert_eq(attach_code(image.path), -EPROTO, "a terabyte of holes");
}

/* Every lie a directory can tell about one region. */
static const struct lie {
    const char *what;
    size_t offset; /* within struct pw_region */
    size_t bytes;
    uint64_t value;
} lies[] = {
    {"kind 0", offsetof(struct pw_region, kind), 4, 0},
    {"no rows", offsetof(struct pw_region, row_cnt), 4, 0},
    {"too many rows", offsetof(struct pw_region, row_cnt), 4, UINT32_MAX},
    {"no row bytes", offsetof(struct pw_region, row_bytes), 4, 0},
    {"huge rows", offsetof(struct pw_region, row_bytes), 4, UINT32_MAX - 63},
    {"offset within the header", offsetof(struct pw_region, offset), 8, 64},
    {"offset at the end", offsetof(struct pw_region, offset), 8, UINT64_MAX - 63},
    {"offset that wraps", offsetof(struct pw_region, offset), 8, UINT64_MAX - 127},
    {"odd offset", offsetof(struct pw_region, offset), 8, 10625},
    {"bytes that wrap", offsetof(struct pw_region, bytes), 8, UINT64_MAX},
    {"no bytes", offsetof(struct pw_region, bytes), 8, 0},
    {"empty name", offsetof(struct pw_region, name), 1, 0},
    {"escape in the name", offsetof(struct pw_region, name), 1, 0x1b},
};

Test(workspace, every_lie_about_a_region_is_refused)
{
    struct image image = image_make();
    struct pw_workspace_header *header = header_of(&image), good = *header;
    for (uint32_t region = 0; region < WANT_CNT; region++) {
        for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
            *header = good;
            memcpy((char *)&header->regions[region] + lies[i].offset, &lies[i].value, lies[i].bytes);
            cr_assert_eq(header_try(&image), -EPROTO, "%s: %s", wants[region].name, lies[i].what);
        }
        *header = good;
        memset(header->regions[region].name, 'x', PW_REGION_NAME_BYTES);
        cr_assert_eq(header_try(&image), -EPROTO, "%s: endless name", wants[region].name);
    }
    *header = good;
    header->regions[1] = header->regions[0];
    header->regions[1].name[0]++;
    cr_assert_eq(header_try(&image), -EPROTO);
    cr_assert_not_null(strstr(error, "overlap"), "%s", error);
    *header = good;
    memset(header->instance, 'a', sizeof header->instance);
    cr_assert_eq(header_try(&image), -EPROTO);
    *header = good;
    cr_assert_eq(header_try(&image), 0, "%s", error);
}

Test(workspace, region_of_a_kind_from_the_future_does_no_harm)
{
    struct image image = image_make();
    header_of(&image)->regions[7].kind = 77;
    cr_assert_eq(header_try(&image), 0, "%s", error);
}

Test(workspace, damaged_ring_and_endless_texts_are_refused)
{
    struct image image = image_make();
    const struct pw_region *regions = header_of(&image)->regions;
    struct pw_ring *ring = (struct pw_ring *)(image.bytes + regions[0].offset);
    ring->slot_cnt *= 2;
    cr_assert_eq(image_try(&image, image.size), -EPROTO);
    ring->slot_cnt /= 2;
    struct pw_stage_view *stage = (struct pw_stage_view *)(image.bytes + regions[3].offset) + 2;
    memset(stage->name, 'x', sizeof stage->name);
    cr_assert_eq(image_try(&image, image.size), -EPROTO);
    stage->name[PW_STAGE_NAME_BYTES - 1] = '\0';
    cr_assert_eq(image_try(&image, image.size), 0, "%s", error);
    image.bytes[regions[8].offset + 999] = 'x';
    cr_assert_eq(image_try(&image, image.size), -EPROTO);
}

/* Half of the headers are all random; the others are good ones with random damage and a hash that fits. */
Test(workspace, random_headers_are_refused_or_harmless, .timeout = 300)
{
    struct image image = image_make();
    struct pw_workspace_header *header = header_of(&image), good = *header;
    uint64_t seed = 20240809;
    int refused_cnt = 0;
    int fd = open(image.path, O_CREAT | O_TRUNC | O_RDWR, 0600);
    cr_assert_eq(write(fd, image.bytes, image.size), (ssize_t)image.size);
    for (int i = 0; i < 10000; i++) {
        *header = good;
        unsigned char *bytes = (unsigned char *)header;
        size_t changed = i % 2 == 0 ? sizeof *header : 1 + (size_t)i % 7;
        for (size_t k = 0; k < changed; k++) {
            seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
            size_t in_use =
                offsetof(struct pw_workspace_header, regions) + WANT_CNT * sizeof(struct pw_region);
            bytes[i % 2 == 0 ? k : (seed >> 33) % in_use] = (unsigned char)(seed >> 56);
        }
        if (i % 4 == 0) { /* let it come further than the first question */
            header->magic = PW_WORKSPACE_MAGIC;
            header->abi = PW_WORKSPACE_ABI;
            header->total_bytes = image.size;
            header->region_cnt %= PW_REGIONS_MAX + 1;
            strcpy(header->instance, "a");
            header->note[0] = header->note[sizeof header->note - 1] = '\0';
        }
        header->layout_hash = pw_workspace_layout_hash(header);
        cr_assert_eq(pwrite(fd, header, sizeof *header, 0), (ssize_t)sizeof *header);
        int code = attach_code(image.path);
        refused_cnt += code != 0;
        /* Damage may hit what nobody must refuse: the heartbeat, the state, a name's letter, a kind of the
         * future. */
        cr_assert(code != 0 || i % 2 == 1, "random header %d was accepted", i);
    }
    close(fd);
    cr_assert_geq(refused_cnt, 5000);
}

/* ---- memory ---- */

Test(workspace, note_says_what_the_host_gave)
{
    struct pw_workspace ws;
    cr_assert_eq(pw_workspace_create(&ws, "a", wants, WANT_CNT, true, error, sizeof error), 0, "%s", error);
    cr_assert_not_null(strstr(ws.note, dir), "%s", ws.note);
    cr_assert_not_null(strstr(ws.note, "huge pages"), "%s", ws.note);
    cr_assert_str_eq(ws.note, ws.header->note);
    pw_workspace_close(&ws, true);
    cr_assert_eq(pw_workspace_create(&ws, "a", wants, WANT_CNT, false, error, sizeof error), 0, "%s", error);
    cr_assert_not_null(strstr(ws.note, "small pages"), "%s", ws.note);
}

/* Mounts a file system over the test's directory in a mount namespace of its own; false where that is not
 * allowed. */
static bool mount_over(const char *type, const char *options)
{
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
        return false;
    }
    return mount(type, dir, type, 0, options) == 0;
}

Test(workspace, too_little_memory_is_an_error_with_a_clear_message_and_no_signal)
{
    if (!mount_over("tmpfs", "size=64k")) {
        skip("no right to mount a small tmpfs here");
    }
    struct pw_workspace ws;
    for (int huge = 0; huge < 2; huge++) {
        int code = pw_workspace_create(&ws, "a", wants, WANT_CNT, huge, error, sizeof error);
        cr_assert(code == -ENOMEM || code == -ENOSPC, "%d: %s", code, error);
        cr_assert_not_null(strstr(error, dir), "%s", error);
        cr_assert_eq(attach_code("a"), -ENOENT, "nothing is left");
    }
}

Test(workspace, more_memory_than_the_host_has_is_refused_at_once)
{
    struct pw_region_want want = {
        .name = "r", .kind = PW_REGION_RING, .ring_slots = 64, .ring_payload_bytes = UINT64_C(1) << 45};
    struct pw_workspace ws;
    cr_assert_eq(pw_workspace_create(&ws, "a", &want, 1, false, error, sizeof error), -ENOMEM);
    want.ring_payload_bytes = UINT64_C(1) << 63;
    cr_assert_eq(pw_workspace_create(&ws, "a", &want, 1, false, error, sizeof error), -EINVAL);
}

Test(workspace, transparent_huge_pages_are_used_where_the_mount_gives_them)
{
    if (!mount_over("tmpfs", "huge=advise")) {
        skip("no right to mount a tmpfs with huge pages here");
    }
    struct pw_workspace ws;
    cr_assert_eq(pw_workspace_create(&ws, "a", wants, WANT_CNT, true, error, sizeof error), 0, "%s", error);
    cr_assert_eq(ws.header->total_bytes % (1u << 20), 0u);
    if (ws.header->huge_kind == PW_HUGE_NONE) { /* memory may be too fragmented: then it must say so */
        cr_assert_not_null(strstr(ws.note, " 0 of "), "%s", ws.note);
    } else {
        cr_assert_eq(ws.header->huge_kind, PW_HUGE_TRANSPARENT);
    }
}

Test(workspace, empty_pool_of_huge_pages_is_told_and_done_without)
{
    if (!mount_over("hugetlbfs", NULL)) {
        skip("no right to mount hugetlbfs here");
    }
    unsetenv("PINWHEEL_SHM_DIR");
    struct pw_region_want want = {
        .name = "r", .kind = PW_REGION_RING, .ring_slots = 64, .ring_payload_bytes = 1 << 28};
    struct pw_workspace ws;
    char name[32];
    snprintf(name, sizeof name, "pwtest-%d", getpid());
    FILE *pool = fopen("/proc/sys/vm/nr_hugepages", "r");
    unsigned page_cnt = 1;
    cr_assert(pool != NULL && fscanf(pool, "%u", &page_cnt) == 1);
    fclose(pool);
    if (page_cnt > 100) {
        skip("the pool has pages: this host cannot show what an empty one does");
    }
    cr_assert_eq(pw_workspace_create(&ws, name, &want, 1, true, error, sizeof error), 0, "%s", error);
    cr_assert_neq(ws.header->huge_kind, PW_HUGE_TLBFS);
    cr_assert_not_null(strstr(ws.note, "vm.nr_hugepages="), "%s", ws.note);
    cr_assert_eq(attach_code(name), -EAGAIN, "it was made in the next place, and is found there");
    pw_workspace_close(&ws, true);
}

Test(workspace, huge_pages_are_taken_from_a_pool_that_has_them)
{
    FILE *pool = fopen("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "r");
    unsigned free_cnt = 0;
    if (pool == NULL || fscanf(pool, "%u", &free_cnt) != 1 || free_cnt < 4 ||
        !mount_over("hugetlbfs", "pagesize=2M")) {
        skip("no free huge pages, or no right to mount hugetlbfs");
    }
    struct pw_workspace ws;
    cr_assert_eq(pw_workspace_create(&ws, "a", wants, WANT_CNT, true, error, sizeof error), 0, "%s", error);
    cr_assert_eq(ws.header->huge_kind, PW_HUGE_TLBFS);
    cr_assert_eq(ws.header->page_bytes, 2u << 20);
    pw_workspace_publish(&ws);
    cr_assert_eq(attach_code("a"), 0, "%s", error);
}

/* The first one's cell was never written. */
Test(workspace, account_that_cannot_be_read_hides_none_behind_it)
{
    const struct pw_region_want accounts = {.name = "account",
                                            .kind = PW_REGION_ACCOUNT,
                                            .row_cnt = 2,
                                            .row_bytes = sizeof(struct pw_account_view)};
    const struct pw_account second = {.order_cnt = 3, .halted = 1};
    struct pw_workspace ws;
    struct pw_account sum;
    cr_assert_eq(pw_workspace_create(&ws, "a", &accounts, 1, false, error, sizeof error), 0, "%s", error);
    struct pw_account_view *views = pw_workspace_rows(&ws, "account", PW_REGION_ACCOUNT);
    cr_expect_not(pw_account_sum(&ws, &sum));
    pw_cell_write(&views[1].cell, views[1].words, &second, sizeof second);
    cr_assert(pw_account_sum(&ws, &sum));
    cr_expect(sum.order_cnt == 3 && sum.halted == 1);
    pw_workspace_close(&ws, true);
}

/* cases/22-stop-signal-during-start: clearing tens of GiB takes minutes. */
static bool is_due(void *state)
{
    uint32_t *left = state;
    return (*left)-- == 0;
}

Test(workspace, clearing_is_given_up_and_leaves_nothing)
{
    const struct pw_region_want large = {.name = "a.b", .kind = PW_REGION_RING, .ring_slots = 1u << 21};
    for (uint32_t parts = 0; parts < 3; parts++) {
        uint32_t left = parts;
        struct pw_workspace ws;
        char path[128];
        snprintf(path, sizeof path, "%s/pinwheel.a", dir);
        cr_assert_eq(pw_workspace_create_unless(&ws, "a", &large, 1, false,
                                                &(struct pw_give_up){is_due, &left}, error, sizeof error),
                     -ECANCELED, "after %u parts", parts);
        cr_expect_neq(access(path, F_OK), 0);
        cr_expect_eq(left, UINT32_MAX, "it was asked once more, and obeyed");
    }
}
