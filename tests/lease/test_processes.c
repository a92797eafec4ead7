/* The lease in a file between processes, which are killed and forked. */
#include "lease_files.h"

#include "base/internal.h"
#include <infra/driver.h>

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

/* A process that does @act to A's way and then waits to be killed. */
static pid_t start_holder(void (*act)(void))
{
    int ready[2];
    char byte = 0;

    ck_assert_int_eq(pipe(ready), 0);
    pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        (void)close(ready[0]);
        act();
        ck_assert_int_eq(write(ready[1], &byte, 1), 1);
        for (;;) {
            (void)pause();
        }
    }
    (void)close(ready[1]);
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    (void)close(ready[0]);
    return pid;
}

static void kill_and_wait(pid_t pid)
{
    ck_assert_int_eq(kill(pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

/* A node that was closed and comes again, as another incarnation: tokens go on,
 * and what it held was left without being released. */
START_TEST(tokens_outlive_the_process)
{
    uint64_t first = contract_acquire(contract_a);
    infra_lease_destroy(contract_a);
    contract_a = NULL;
    ck_assert_int_eq(lease_open(&contract_a, 19), INFRA_OK);
    struct infra_lease_answer a =
        contract_do(contract_a, INFRA_LEASE_OP_ACQUIRE, 0);
    ck_assert_uint_eq(a.outcome, INFRA_LEASE_OUTCOME_GRANTED);
    ck_assert_uint_gt(a.token, first);
    ck_assert_uint_eq(a.clean, 0);
}
END_TEST

/* Write an offset for the clock of later children. False: it
 * is not allowed. */
static bool leave_time(int64_t seconds)
{
    char text[64];
    int size =
        snprintf(text, sizeof text, "boottime %lld 0\n", (long long)seconds);

    if (unshare(CLONE_NEWTIME) != 0) {
        return false;
    }
    int fd = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
    bool ok = fd >= 0 && write(fd, text, (size_t)size) == size;
    (void)close(fd);
    return ok;
}

/* The outcome in a process with another clock, or 99 where a time namespace is
 * not allowed. */
static int ask_elsewhere(int64_t seconds, uint32_t op)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        struct infra_lease *lease;
        if (!leave_time(seconds)) {
            _exit(99);
        }
        /* Neither here nor there: it was not forked since. */
        if (lease_open(&lease, 77) != INFRA_ESYSTEM) {
            _exit(98);
        }
        pid = fork();
        if (pid == 0) {
            contract_now += (infra_time)INFRA_SEC(1) * (infra_time)seconds;
            _exit(lease_open(&lease, 77) != INFRA_OK
                      ? 97
                      : (int)contract_do(lease, op, 0).outcome);
        }
        _exit(waitpid(pid, &status, 0) == pid && WIFEXITED(status)
                  ? WEXITSTATUS(status)
                  : 96);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* A process in another time namespace of the same boot sees a living holder,
 * and a holder whose lease has run out. */
START_TEST(a_clock_may_be_of_another_namespace)
{
    static const int64_t seconds[] = { 1000, -50 };

    (void)contract_acquire(contract_a);
    int told = ask_elsewhere(seconds[_i], INFRA_LEASE_OP_ACQUIRE);
    if (told == 99) {
        return; /* Not as this user. */
    }
    ck_assert_int_eq(told, INFRA_LEASE_OUTCOME_CONFLICT);
    contract_now += CONTRACT_TTL - 1;
    ck_assert_int_eq(ask_elsewhere(seconds[_i], INFRA_LEASE_OP_READ),
                     INFRA_LEASE_OUTCOME_CONFLICT);
    contract_now++;
    ck_assert_int_eq(ask_elsewhere(seconds[_i], INFRA_LEASE_OP_READ),
                     INFRA_LEASE_OUTCOME_LOST);
    ck_assert_int_eq(ask_elsewhere(seconds[_i], INFRA_LEASE_OP_ACQUIRE),
                     INFRA_LEASE_OUTCOME_GRANTED);
}
END_TEST

static void acquire_as_another(void)
{
    struct infra_lease *lease;

    ck_assert_int_eq(lease_open(&lease, 99), INFRA_OK);
    (void)contract_acquire(lease);
}

/* A holder that is killed is noticed at the next look, long before its ttl: one
 * hint, and the lease is free, but not clean. */
START_TEST(a_killed_holder_is_noticed)
{
    pid_t pid = start_holder(acquire_as_another);
    ck_assert(!lease_is_hinted(contract_b));
    ck_assert_uint_eq(lease_read(contract_b).answer.outcome,
                      INFRA_LEASE_OUTCOME_CONFLICT);
    contract_now += INFRA_MS(50);
    ck_assert(!lease_is_hinted(contract_b));
    kill_and_wait(pid);
    ck_assert_uint_eq(infra_lease_deadline(contract_b),
                      contract_now + INFRA_MS(50));
    contract_now += INFRA_MS(50);
    ck_assert(lease_is_hinted(contract_b));
    contract_now += INFRA_MS(50);
    ck_assert(!lease_is_hinted(contract_b));
    struct infra_lease_answer a =
        contract_do(contract_b, INFRA_LEASE_OP_ACQUIRE, 0);
    ck_assert_uint_eq(a.outcome, INFRA_LEASE_OUTCOME_GRANTED);
    ck_assert_uint_eq(a.clean, 0);
}
END_TEST

static pid_t worker_pid;

static void acquire_and_fork(void)
{
    acquire_as_another();
    worker_pid = fork();
    if (worker_pid == 0) {
        for (;;) {
            (void)pause();
        }
    }
    int fd = open(lease_path, O_WRONLY | O_APPEND | O_CLOEXEC);
    (void)close(fd); /* Another descriptor of the file: no lock goes with it. */
    char text[128];
    (void)snprintf(text, sizeof text, "%s/worker", lease_directory);
    fd = open(text, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_int_eq(write(fd, &worker_pid, sizeof worker_pid),
                     sizeof worker_pid);
    (void)close(fd);
}

/* A worker that was forked from the holder may still act under its lease: only
 * time ends that, or the worker's end. */
START_TEST(a_forked_worker_keeps_the_lease)
{
    char text[128];
    pid_t pid = start_holder(acquire_and_fork);
    pid_t worker;

    (void)snprintf(text, sizeof text, "%s/worker", lease_directory);
    int fd = open(text, O_RDONLY | O_CLOEXEC);
    ck_assert_int_eq(read(fd, &worker, sizeof worker), sizeof worker);
    (void)close(fd);
    (void)unlink(text);
    (void)lease_is_hinted(contract_b);
    kill_and_wait(pid);
    contract_now += CONTRACT_TTL - 1;
    ck_assert(!lease_is_hinted(contract_b));
    ck_assert_uint_eq(lease_read(contract_b).answer.outcome,
                      INFRA_LEASE_OUTCOME_CONFLICT);
    contract_now += 1;
    ck_assert_uint_eq(lease_read(contract_b).answer.outcome,
                      INFRA_LEASE_OUTCOME_LOST);
    (void)kill(worker, SIGKILL);
}
END_TEST

/* A child that closes its copy of the way takes nothing from the parent. */
START_TEST(a_child_may_destroy)
{
    (void)contract_acquire(contract_a);
    pid_t pid = fork();
    if (pid == 0) {
        infra_lease_destroy(contract_a);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    ck_assert_uint_eq(lease_read(contract_b).answer.outcome,
                      INFRA_LEASE_OUTCOME_CONFLICT);
}
END_TEST

struct hammer {
    _Atomic uint64_t greatest;
    _Atomic uint32_t owner; /* A child + 1. */
    _Atomic uint32_t grants;
    _Atomic uint32_t wrongs;
    _Atomic uint32_t is_dead[16];
};

/* One that was killed did not leave; anybody else did. */
static void enter(struct hammer *h, uint32_t i, uint64_t token)
{
    uint32_t former = atomic_exchange(&h->owner, i + 1);

    if ((former != 0 && !atomic_load(&h->is_dead[former - 1])) ||
        atomic_exchange(&h->greatest, token) >= token) {
        atomic_fetch_add(&h->wrongs, 1);
    }
    atomic_fetch_add(&h->grants, 1);
}

static void hammer_child(struct hammer *h, uint32_t i)
{
    struct infra_lease *lease;
    struct infra_lease_file_options o = { .size = sizeof o,
                                          .path = lease_path,
                                          .node = "n",
                                          .incarnation = 100 + i,
                                          .ttl = INFRA_SEC(3600) };

    if (infra_lease_file(&lease, &o) != INFRA_OK) {
        atomic_fetch_add(&h->wrongs, 1);
        return;
    }
    for (uint64_t n = 1;; n++) {
        struct infra_lease_reply r = { .call = 0 };
        struct infra_lease_call call = { .id = n,
                                         .deadline = INFRA_TIME_NEVER };
        (void)infra_lease_begin(lease, &call, infra_driver_now());
        while (infra_lease_next(lease, infra_driver_now(), &r) != INFRA_OK ||
               r.call != n) {
        }
        if (r.answer.outcome != INFRA_LEASE_OUTCOME_GRANTED) {
            continue;
        }
        enter(h, i, r.answer.token);
        atomic_store(&h->owner, 0);
        call.op = INFRA_LEASE_OP_RELEASE;
        call.token = r.answer.token;
        (void)infra_lease_begin(lease, &call, infra_driver_now());
        while (infra_lease_next(lease, infra_driver_now(), &r) != INFRA_OK ||
               r.call != n) {
        }
    }
}

/* Processes take the lease from each other and are killed anywhere in it: never
 * do two hold it, tokens grow, and it always goes on. */
START_TEST(killed_anywhere_one_holds_it)
{
    struct hammer *h = mmap(NULL, sizeof *h, PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t pids[16];

    ck_assert_ptr_ne(h, MAP_FAILED);
    for (uint32_t i = 0; i < 16; i++) {
        uint32_t before = atomic_load(&h->grants);
        pids[i] = fork();
        if (pids[i] == 0) {
            hammer_child(h, i);
            _exit(0);
        }
        while (atomic_load(&h->grants) < before + 7) {
            (void)usleep(500);
        }
        if (i >= 2) { /* Two or three at a time. */
            atomic_store(&h->is_dead[i - 2], 1);
            kill_and_wait(pids[i - 2]);
        }
    }
    kill_and_wait(pids[14]);
    kill_and_wait(pids[15]);
    ck_assert_uint_eq(h->wrongs, 0);
    ck_assert_uint_ge(h->grants, 16 * 7);
    (void)munmap(h, sizeof *h);
}
END_TEST

static Suite *lease_processes_suite(void)
{
    Suite *s = suite_create("lease_processes");
    TCase *tc = tcase_create("processes");
    tcase_add_checked_fixture(tc, lease_files_setup, lease_files_teardown);
    tcase_add_test(tc, tokens_outlive_the_process);
    tcase_add_loop_test(tc, a_clock_may_be_of_another_namespace, 0, 2);
    tcase_add_test(tc, a_killed_holder_is_noticed);
    tcase_add_test(tc, a_forked_worker_keeps_the_lease);
    tcase_add_test(tc, a_child_may_destroy);
    tcase_add_test(tc, killed_anywhere_one_holds_it);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(lease_processes_suite());
}
