/* The lease in a file: the contract, and what happens to files and hosts.
 * Processes have a test of their own. */
#include "lease_files.h"

#include "base/internal.h"
#include "driver/lease_state.h"
#include <infra/driver.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOCKS_AT ((off_t)1 << 62)

static bool is_disk_broken;
static int syncs;

/* In place of the system's, which the library calls. */
int fdatasync(int fd)
{
    syncs++;
    if (is_disk_broken) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fdatasync, fd);
}

static void setup(void)
{
    is_disk_broken = false;
    lease_files_setup();
}

/* A release is seen at the next look. */
START_TEST(a_release_is_hinted)
{
    uint64_t token = contract_acquire(contract_a);
    contract_now += INFRA_MS(50);
    ck_assert(!lease_is_hinted(contract_b));
    (void)contract_do(contract_a, INFRA_LEASE_OP_RELEASE, token);
    contract_now += INFRA_MS(50);
    ck_assert(lease_is_hinted(contract_b));
    ck_assert_uint_eq(contract_do(contract_b, INFRA_LEASE_OP_ACQUIRE, 0).clean,
                      1);
    contract_now += INFRA_MS(50);
    ck_assert(!lease_is_hinted(contract_b));
    ck_assert_uint_eq(infra_lease_deadline(contract_b), INFRA_TIME_NEVER);
    /* The former holder looks again. */
    contract_now += CONTRACT_TTL;
    (void)contract_acquire(contract_a);
    (void)lease_read(contract_b);
    ck_assert_uint_ne(infra_lease_deadline(contract_b), INFRA_TIME_NEVER);
}
END_TEST

static struct infra__lease_state state_of_file(void)
{
    struct infra__lease_state r;
    int fd = open(lease_path, O_RDONLY | O_CLOEXEC);

    ck_assert_int_eq(infra__lease_state_read(fd, &r), 0);
    (void)close(fd);
    return r;
}

/* After a reboot no time in the file means anything: held for ever, it is free,
 * but not clean, and its tokens go on. */
START_TEST(a_reboot_ends_everything)
{
    struct infra__lease_origin other = { .node = "x", .boot_id = "before" };
    uint64_t token = contract_acquire(contract_a);
    (void)contract_call(contract_a, INFRA_LEASE_OP_REQUEST, token, 9);
    struct infra__lease_state r = state_of_file();
    r.cell.expires = r.cell.request_until = INFRA_TIME_NEVER;
    int fd = open(lease_path, O_RDWR | O_CLOEXEC);
    ck_assert_int_eq(infra__lease_state_write(fd, &r, &other, false), 0);
    (void)close(fd);
    struct infra_lease_answer a = lease_read(contract_b).answer;
    ck_assert_uint_eq(a.outcome, INFRA_LEASE_OUTCOME_LOST);
    ck_assert_uint_eq(a.handover_request, 0);
    a = contract_do(contract_b, INFRA_LEASE_OP_ACQUIRE, 0);
    ck_assert_uint_eq(a.clean, 0);
    ck_assert_uint_eq(a.token, token + 1);
    ck_assert_str_eq(state_of_file().origin.node, "node-a");
}
END_TEST

static void damage(off_t at)
{
    int fd = open(lease_path, O_RDWR | O_CLOEXEC);
    char byte;

    ck_assert_int_eq(pread(fd, &byte, 1, at), 1);
    byte = (char)(byte ^ 4);
    ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
    (void)close(fd);
}

/* Any byte of a state may be damaged: then the other one counts, and the last
 * token that was granted is in either. */
START_TEST(either_state_knows_the_token)
{
    for (off_t place = 0; place < 2; place++) {
        for (off_t at = 0; at < 192; at += 5) {
            uint64_t token = contract_acquire(contract_a);
            damage(place * 4096 + at);
            ck_assert_uint_eq(state_of_file().cell.last_token, token);
            (void)contract_do(contract_a, INFRA_LEASE_OP_RELEASE, token);
            token = contract_acquire(contract_a);
            (void)contract_do(contract_a, INFRA_LEASE_OP_RELEASE, token);
        }
    }
}
END_TEST

/* With both damaged nothing is known, and nothing is written over it; a new
 * node is refused. */
START_TEST(a_damaged_file_is_left_alone)
{
    struct infra_lease *lease = NULL;

    (void)contract_acquire(contract_a);
    damage(20);
    damage(4096 + 20);
    for (uint32_t op = INFRA_LEASE_OP_ACQUIRE; op <= INFRA_LEASE_OP_REQUEST;
         op++) {
        struct infra_lease_reply r = contract_call(contract_b, op, 1, 1);
        ck_assert_uint_eq(r.answer.outcome, INFRA_LEASE_OUTCOME_UNKNOWN);
        ck_assert_uint_eq(r.reason, INFRA_LEASE_REASON_CORRUPT);
    }
    ck_assert_int_eq(lease_open(&lease, 20), INFRA_EINVAL);
    damage(20);
    damage(4096 + 20);
    ck_assert_uint_eq(lease_read(contract_b).answer.outcome,
                      INFRA_LEASE_OUTCOME_CONFLICT);
}
END_TEST

/* What can happen to a file that is in use. */
static void put_away(int how)
{
    char other[128];

    (void)snprintf(other, sizeof other, "%s/other", lease_directory);
    if (how == 0) {
        ck_assert_int_eq(unlink(lease_path), 0);
    } else if (how == 1) {
        ck_assert_int_eq(rename(lease_path, other), 0);
    } else {
        int fd = open(other, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        ck_assert_int_ge(fd, 0);
        (void)close(fd);
        ck_assert_int_eq(rename(other, lease_path), 0);
    }
}

/* A file that is not at its path proves nothing: the holder has lost the
 * lease, and every other call is UNKNOWN. */
START_TEST(a_file_has_to_be_in_its_place)
{
    struct infra_lease *other = NULL;
    char moved[128];

    uint64_t token = contract_acquire(contract_a);
    put_away(_i);
    ck_assert_uint_eq(
        contract_do(contract_a, INFRA_LEASE_OP_RENEW, token).outcome,
        INFRA_LEASE_OUTCOME_LOST);
    for (uint32_t op = INFRA_LEASE_OP_ACQUIRE; op <= INFRA_LEASE_OP_REQUEST;
         op++) {
        struct infra_lease_reply r = contract_call(contract_a, op, token, 1);
        ck_assert(op == INFRA_LEASE_OP_RENEW ||
                  (r.answer.outcome == INFRA_LEASE_OUTCOME_UNKNOWN &&
                   r.reason == INFRA_LEASE_REASON_CORRUPT));
    }
    struct infra_lease_record record =
        contract_record(contract_a, token, "mine");
    ck_assert_uint_eq(record.reason, INFRA_LEASE_REASON_CORRUPT);
    ck_assert_int_eq(lease_open(&other, 20), INFRA_OK);
    (void)contract_acquire(other);
    infra_lease_destroy(other);
    (void)snprintf(moved, sizeof moved, "%s/other", lease_directory);
    (void)unlink(moved);
}
END_TEST

/* A path is from where the process was when it was opened. */
START_TEST(a_path_may_be_relative)
{
    struct infra_lease *lease = NULL;
    int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    ck_assert_int_eq(chdir(lease_directory), 0);
    ck_assert_int_eq(lease_open_at(&lease, "lease", 20), INFRA_OK);
    ck_assert_int_eq(fchdir(here), 0);
    (void)close(here);
    (void)contract_acquire(lease);
    infra_lease_destroy(lease);
}
END_TEST

/* What is not known to be on the disk is not granted, nor is it found to be
 * ours and adopted, until it is there. */
START_TEST(a_disk_that_fails_is_unknown)
{
    is_disk_broken = true;
    struct infra_lease_reply r =
        contract_call(contract_a, INFRA_LEASE_OP_ACQUIRE, 0, 0);
    for (int i = 0; i < 3; i++) {
        ck_assert_uint_eq(r.answer.outcome, INFRA_LEASE_OUTCOME_UNKNOWN);
        ck_assert_uint_eq(r.reason, INFRA_LEASE_REASON_SYSTEM);
        ck_assert_uint_eq(r.detail, EIO);
        r = i == 0 ? lease_read(contract_a)
                   : contract_call(contract_a, INFRA_LEASE_OP_RENEW, 1, 0);
    }
    is_disk_broken = false;
    int before = syncs;
    ck_assert_uint_eq(lease_read(contract_a).answer.outcome,
                      INFRA_LEASE_OUTCOME_GRANTED);
    ck_assert_int_eq(syncs, before + 2); /* Both states, and then no more. */
    ck_assert_uint_eq(contract_do(contract_a, INFRA_LEASE_OP_RENEW, 1).outcome,
                      INFRA_LEASE_OUTCOME_GRANTED);
    ck_assert_int_eq(syncs, before + 2);
}
END_TEST

/* It runs out like any other, and the next one starts anew. */
START_TEST(a_disk_that_failed_is_forgotten)
{
    is_disk_broken = true;
    (void)contract_call(contract_a, INFRA_LEASE_OP_ACQUIRE, 0, 0);
    contract_now += CONTRACT_TTL;
    ck_assert_uint_eq(lease_read(contract_a).answer.outcome,
                      INFRA_LEASE_OUTCOME_LOST);
    is_disk_broken = false;
    uint64_t token = contract_acquire(contract_b);
    (void)contract_do(contract_b, INFRA_LEASE_OP_RELEASE, token);
    int before = syncs;
    token = contract_acquire(contract_a);
    ck_assert_int_eq(syncs, before + 2);
    (void)contract_do(contract_a, INFRA_LEASE_OP_RENEW, token);
    ck_assert_int_eq(syncs, before + 2);
}
END_TEST

/* So, too, with a record: it does not stand there. The lease does not depend on
 * it. */
START_TEST(a_record_on_a_disk_that_fails_is_unknown)
{
    uint64_t token = contract_acquire(contract_a);

    is_disk_broken = true;
    for (int i = 0; i < 3; i++) {
        struct infra_lease_record r =
            contract_record(contract_a, token, i == 0 ? "one" : NULL);
        ck_assert_uint_eq(r.outcome, INFRA_LEASE_OUTCOME_UNKNOWN);
        ck_assert_uint_eq(r.reason, INFRA_LEASE_REASON_SYSTEM);
        ck_assert_uint_eq(r.detail, EIO);
        ck_assert_uint_eq(
            contract_do(contract_a, INFRA_LEASE_OP_RENEW, token).outcome,
            INFRA_LEASE_OUTCOME_GRANTED);
    }
    is_disk_broken = false;
    ck_assert_uint_eq(contract_record(contract_a, token, NULL).outcome,
                      INFRA_LEASE_OUTCOME_GRANTED);
}
END_TEST

/* What time_namespaces(7) shows. */
static const struct {
    const char *text;
    int64_t offset;
} clocks[] = {
    { "monotonic           0         0\nboottime            0         0\n", 0 },
    { "monotonic  7 5\nboottime        1000         1\n", 1000000000001 },
    { "boottime   -3    500000000\nmonotonic 1 1\n", -2500000000 },
    { "monotonic  7 5\n", 0 },
    { "", 0 },
};

START_TEST(a_clock_has_an_offset)
{
    int64_t offset = 1;

    ck_assert_int_eq(infra__lease_clock_offset(clocks[_i].text),
                     clocks[_i].offset);
    ck_assert_int_eq(infra__lease_clock_init(&offset), INFRA_OK);
}
END_TEST

/* While another process works at the file the call waits, tries again each 5
 * ms, and is busy at its deadline. */
START_TEST(a_locked_file_is_waited_for)
{
    struct flock l = {
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = LOCKS_AT, .l_len = 1
    };
    struct infra_lease_call call = { .id = 5,
                                     .op = INFRA_LEASE_OP_READ,
                                     .deadline = contract_now + INFRA_MS(100) };
    struct infra_lease_reply r;

    int fd = open(lease_path, O_RDWR | O_CLOEXEC);
    ck_assert_int_eq(fcntl(fd, F_OFD_SETLK, &l), 0);
    ck_assert(!lease_is_hinted(contract_a));
    ck_assert_int_eq(infra_lease_begin(contract_a, &call, contract_now),
                     INFRA_OK);
    ck_assert_uint_eq(infra_lease_deadline(contract_a),
                      contract_now + INFRA_MS(5));
    contract_now = call.deadline - 1;
    ck_assert_int_eq(infra_lease_next(contract_a, contract_now, &r),
                     INFRA_EAGAIN);
    contract_now++;
    ck_assert_int_eq(infra_lease_next(contract_a, contract_now, &r), INFRA_OK);
    ck_assert_uint_eq(r.answer.outcome, INFRA_LEASE_OUTCOME_UNKNOWN);
    ck_assert_uint_eq(r.reason, INFRA_LEASE_REASON_BUSY);
    call.deadline += INFRA_MS(100);
    ck_assert_int_eq(infra_lease_begin(contract_a, &call, contract_now),
                     INFRA_OK);
    (void)close(fd);
    contract_now += INFRA_MS(5);
    ck_assert_int_eq(infra_lease_next(contract_a, contract_now, &r), INFRA_OK);
    ck_assert_uint_eq(r.call, call.id);
    ck_assert_uint_eq(r.answer.outcome, INFRA_LEASE_OUTCOME_LOST);
}
END_TEST

/* What cannot be written was not granted, and does not stop the other node. */
START_TEST(a_full_disk_is_unknown)
{
    struct rlimit before;
    struct rlimit small = { .rlim_cur = 4096 };

    (void)signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    small.rlim_max = before.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    struct infra_lease_reply r =
        contract_call(contract_a, INFRA_LEASE_OP_ACQUIRE, 0, 0);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, SIG_DFL);
    ck_assert_uint_eq(r.answer.outcome, INFRA_LEASE_OUTCOME_UNKNOWN);
    ck_assert_uint_eq(r.reason, INFRA_LEASE_REASON_SYSTEM);
    ck_assert_uint_eq(r.detail, EFBIG);
    uint32_t found = lease_read(contract_a).answer.outcome;
    uint32_t other = contract_do(contract_b, INFRA_LEASE_OP_ACQUIRE, 0).outcome;
    ck_assert_uint_eq(other, found == INFRA_LEASE_OUTCOME_GRANTED
                                 ? INFRA_LEASE_OUTCOME_CONFLICT
                                 : INFRA_LEASE_OUTCOME_GRANTED);
}
END_TEST

/* The record is on the disk in both states, for whichever survives; what cannot
 * be written, or not in time, is unknown. */
START_TEST(the_record_is_durable)
{
    struct rlimit before;
    struct rlimit small = { .rlim_cur = 4096 };
    struct flock l = {
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = LOCKS_AT, .l_len = 1
    };
    struct infra_lease_record r;
    uint64_t token = contract_acquire(contract_a);

    (void)contract_record(contract_a, token, "one");
    for (off_t place = 0; place < 2; place++) {
        damage(place * 4096 + 100);
        ck_assert_int_eq(memcmp(state_of_file().cell.record, "one", 4), 0);
        damage(place * 4096 + 100); /* As it was. */
    }

    (void)signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    small.rlim_max = before.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    r = contract_record(contract_a, token, "two");
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, SIG_DFL);
    ck_assert_uint_eq(r.outcome, INFRA_LEASE_OUTCOME_UNKNOWN);
    ck_assert_uint_eq(r.reason, INFRA_LEASE_REASON_SYSTEM);
    ck_assert_uint_eq(r.detail, EFBIG);

    int fd = open(lease_path, O_RDWR | O_CLOEXEC);
    ck_assert_int_eq(fcntl(fd, F_OFD_SETLK, &l), 0);
    ck_assert_int_eq(infra_lease_read_record(contract_a, token,
                                             contract_now + INFRA_MS(100),
                                             contract_now),
                     INFRA_OK);
    ck_assert_uint_eq(infra_lease_deadline(contract_a),
                      contract_now + INFRA_MS(5));
    contract_now += INFRA_MS(100);
    ck_assert_int_eq(infra_lease_take_record(contract_a, contract_now, &r),
                     INFRA_OK);
    ck_assert_uint_eq(r.reason, INFRA_LEASE_REASON_BUSY);
    ck_assert_int_eq(infra_lease_read_record(contract_a, token,
                                             contract_now + INFRA_MS(100),
                                             contract_now),
                     INFRA_OK);
    (void)close(fd);
    contract_now += INFRA_MS(5);
    ck_assert_int_eq(infra_lease_take_record(contract_a, contract_now, &r),
                     INFRA_OK);
    ck_assert_uint_eq(r.outcome, INFRA_LEASE_OUTCOME_GRANTED);
}
END_TEST

/* A refusal of the system is in errno, and leaves all other descriptors
 * open. */
START_TEST(errno_tells_what_the_system_refuses)
{
    char text[128];
    struct infra_lease *lease = NULL;
    struct rlimit size;
    int open_fds = test_open_fds();

    (void)snprintf(text, sizeof text, "%s/none/lease", lease_directory);
    errno = 0;
    ck_assert_int_eq(lease_open_at(&lease, text, 1), INFRA_ESYSTEM);
    ck_assert_int_eq(errno, ENOENT);

    (void)snprintf(text, sizeof text, "%s/large", lease_directory);
    (void)signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &size), 0);
    struct rlimit small = { .rlim_cur = 100, .rlim_max = size.rlim_max };
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    errno = 0;
    int err = lease_open_at(&lease, text, 1);
    int error = errno;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &size), 0);
    ck_assert_int_eq(err, INFRA_ESYSTEM);
    ck_assert_int_eq(error, EFBIG);
    ck_assert_int_eq(test_open_fds(), open_fds);
    ck_assert_ptr_null(lease);
    (void)unlink(text);
}
END_TEST

/* What no lease can be kept in is refused when it is opened, and left as it
 * was. */
START_TEST(strange_paths_are_refused)
{
    char text[128];
    struct infra_lease *lease = NULL;

    ck_assert_int_eq(lease_open_at(&lease, lease_directory, 1), INFRA_EINVAL);
    ck_assert_int_eq(lease_open_at(&lease, "/dev/null", 1), INFRA_EINVAL);
    (void)snprintf(text, sizeof text, "%s/other", lease_directory);
    int fd = open(text, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_int_eq(write(fd, "precious", 8), 8);
    ck_assert_int_eq(lease_open_at(&lease, text, 1), INFRA_EINVAL);
    char word[16] = "";
    ck_assert_int_eq(pread(fd, word, sizeof word, 0), 8);
    ck_assert_str_eq(word, "precious");
    ck_assert_int_eq(ftruncate(fd, 0), 0);
    ck_assert_int_eq(lease_open_at(&lease, text, 1), INFRA_OK);
    (void)close(fd);
    infra_lease_destroy(lease);
    (void)unlink(text);
    ck_assert_str_eq(infra_strerror(INFRA_EREMOTE),
                     "the file is on a network file system");
}
END_TEST

/* One allocation, which may fail, and nothing stays open. */
START_TEST(every_allocation_may_fail)
{
    struct infra_lease *lease = NULL;
    int fds = test_open_fds();

    lease_heap.countdown = 0;
    ck_assert_int_eq(lease_open(&lease, 3), INFRA_ENOMEM);
    lease_heap.countdown = -1;
    ck_assert_ptr_null(lease);
    ck_assert_int_eq(test_open_fds(), fds);
    ck_assert_int_eq(lease_open_at(&lease, "/dev/null", 1), INFRA_EINVAL);
    ck_assert_int_eq(test_open_fds(), fds);
}
END_TEST

/* What is missing, and structs of the past and the future. */
START_TEST(options_are_looked_at)
{
    struct {
        struct infra_lease_file_options known;
        uint64_t unknown;
    } o = { .known = { .size = sizeof o,
                       .path = lease_path,
                       .node = "a",
                       .incarnation = 1 } };
    char long_name[65] = "";
    struct infra_lease *lease = NULL;

    memset(long_name, 'n', 64);
    ck_assert_int_eq(infra_lease_file(NULL, &o.known), INFRA_EINVAL);
    ck_assert_int_eq(infra_lease_file(&lease, NULL), INFRA_EINVAL);
    o.unknown = 1;
    ck_assert_int_eq(infra_lease_file(&lease, &o.known), INFRA_ESTRUCT);
    o.known.size = 8;
    ck_assert_int_eq(infra_lease_file(&lease, &o.known), INFRA_EINVAL);
    o.known.size = sizeof o.known;
    o.known.path = NULL;
    ck_assert_int_eq(infra_lease_file(&lease, &o.known), INFRA_EINVAL);
    o.known.path = lease_path;
    static const char *const bad[] = { NULL, "", "long" };
    for (int i = 0; i < 3; i++) {
        o.known.node = i == 2 ? long_name : bad[i];
        ck_assert_int_eq(infra_lease_file(&lease, &o.known), INFRA_EINVAL);
    }
    o.known.node = "a";
    o.known.incarnation = 0;
    ck_assert_int_eq(infra_lease_file(&lease, &o.known), INFRA_EINVAL);
    ck_assert_ptr_null(lease);
    o.known.incarnation = 1;
    o.known.node = long_name + 1;
    o.known.size = sizeof o;
    o.unknown = 0;
    ck_assert_int_eq(infra_lease_file(&lease, &o.known), INFRA_OK);
    infra_lease_destroy(lease);
}
END_TEST

static Suite *lease_file_suite(void)
{
    Suite *s = suite_create("lease_file");
    TCase *tc = tcase_create("contract");
    tcase_add_checked_fixture(tc, setup, lease_files_teardown);
    contract_add_tests(tc);
    suite_add_tcase(s, tc);

    tc = tcase_create("files");
    tcase_add_checked_fixture(tc, setup, lease_files_teardown);
    tcase_add_test(tc, a_release_is_hinted);
    tcase_add_test(tc, a_reboot_ends_everything);
    tcase_add_test(tc, either_state_knows_the_token);
    tcase_add_test(tc, a_damaged_file_is_left_alone);
    tcase_add_loop_test(tc, a_file_has_to_be_in_its_place, 0, 3);
    tcase_add_test(tc, a_path_may_be_relative);
    tcase_add_test(tc, a_disk_that_fails_is_unknown);
    tcase_add_test(tc, a_disk_that_failed_is_forgotten);
    tcase_add_test(tc, a_record_on_a_disk_that_fails_is_unknown);
    tcase_add_loop_test(tc, a_clock_has_an_offset, 0,
                        (int)INFRA__COUNT_OF(clocks));
    tcase_add_test(tc, a_locked_file_is_waited_for);
    tcase_add_test(tc, a_full_disk_is_unknown);
    tcase_add_test(tc, the_record_is_durable);
    suite_add_tcase(s, tc);

    tc = tcase_create("create");
    tcase_add_checked_fixture(tc, setup, lease_files_teardown);
    tcase_add_test(tc, errno_tells_what_the_system_refuses);
    tcase_add_test(tc, strange_paths_are_refused);
    tcase_add_test(tc, every_allocation_may_fail);
    tcase_add_test(tc, options_are_looked_at);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(lease_file_suite());
}
