/* SPDX-License-Identifier: MIT */
/* Workers that balance as one over slots in shared memory: common counts, the
 * owner of an id, and the remains of a worker that dies. */
#include "balancer/shared_slots.h"
#include "pool.h"

#include <infra/driver.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORKERS 4u
#define IDS 8u

static void *memory;
static size_t memory_size;
static struct pool pools[WORKERS];
static bool is_open[WORKERS];

static void open_with(uint32_t worker, struct infra_balancer_options o)
{
    o.size = sizeof o;
    o.ids_max = IDS;
    o.shared = memory;
    o.worker = worker;
    pool_open(&pools[worker], &o);
    is_open[worker] = true;
}

static void open_worker(uint32_t worker,
                        const struct infra_balancer_policy *policy)
{
    open_with(worker, (struct infra_balancer_options) { .policy = policy });
}

static void close_worker(uint32_t worker)
{
    pool_close(&pools[worker]);
    is_open[worker] = false;
}

/* Gone without a word, as a process that was killed. */
static void kill_worker(uint32_t worker)
{
    pools[worker].balancer->ledger = NULL;
    close_worker(worker);
}

static void setup(void)
{
    memory_size = infra_balancer_shared_size(IDS, WORKERS);
    ck_assert_uint_gt(memory_size, 0);
    memory = mmap(NULL, memory_size, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(memory, MAP_FAILED);
    ck_assert_int_eq(
        infra_balancer_shared_init(memory, memory_size, IDS, WORKERS),
        INFRA_OK);
}

static void teardown(void)
{
    for (uint32_t w = 0; w < WORKERS; w++) {
        if (is_open[w]) {
            close_worker(w);
        }
    }
    ck_assert_int_eq(munmap(memory, memory_size), 0);
}

static struct infra_balancer_status inspect(uint32_t worker, uint32_t id)
{
    struct infra_balancer_status stats = { .size = sizeof stats };

    ck_assert_int_eq(infra_balancer_inspect(pools[worker].balancer, id, &stats),
                     INFRA_OK);
    return stats;
}

static int pick(uint32_t worker, struct infra_ticket *ret)
{
    return pool_pick(&pools[worker], NULL, ret);
}

static void release(uint32_t worker, struct infra_ticket *t)
{
    ck_assert_int_eq(infra_balancer_release(pools[worker].reader, t, 0, 0),
                     INFRA_OK);
}

static int set_key(uint32_t worker, uint32_t id, const char *key)
{
    const struct infra_backend backend = { .size = sizeof backend,
                                           .key = key,
                                           .id = id };

    return infra_balancer_set(pools[worker].balancer, &backend, 0);
}

/* A cap is one cap, whichever worker's tickets fill it. */
START_TEST(a_cap_holds_over_all_workers)
{
    struct infra_ticket t[3];

    for (uint32_t w = 0; w < 2; w++) {
        open_worker(w, NULL);
        ck_assert_int_eq(pool_set(&pools[w], 0, 1, 0, 3), INFRA_OK);
        pool_publish(&pools[w]);
    }
    ck_assert_int_eq(pick(0, &t[0]), 0);
    ck_assert_int_eq(pick(1, &t[1]), 0);
    ck_assert_int_eq(pick(1, &t[2]), 0);
    ck_assert_int_eq(pool_once(&pools[0], NULL), INFRA_EFULL);
    ck_assert_int_eq(pool_once(&pools[1], NULL), INFRA_EFULL);
    ck_assert_uint_eq(inspect(0, 0).load, 3);
    ck_assert_uint_eq(inspect(0, 0).in_flight, 1);
    ck_assert_uint_eq(inspect(1, 0).in_flight, 2);
    release(1, &t[1]);
    ck_assert_int_eq(pool_once(&pools[0], NULL), 0);
    release(1, &t[2]);
    release(0, &t[0]);
    ck_assert_uint_eq(inspect(1, 0).load, 0);
}
END_TEST

/* So is the cap of a tier. */
START_TEST(a_tiers_cap_holds_over_all_workers)
{
    struct infra_balancer_options o = { .tier_in_flight_max = { 2 } };
    struct infra_ticket t[2];

    for (uint32_t w = 0; w < 3; w++) {
        open_with(w, o);
        pool_fill(&pools[w], 2, NULL);
    }
    ck_assert_int_ge(pick(0, &t[0]), 0);
    ck_assert_int_ge(pick(1, &t[1]), 0);
    ck_assert_int_eq(pool_once(&pools[2], NULL), INFRA_EFULL);
    release(0, &t[0]);
    ck_assert_int_ge(pool_once(&pools[2], NULL), 0);
    kill_worker(1);
    ck_assert_int_eq(infra_balancer_shared_reap(memory, 1), INFRA_OK);
    ck_assert_int_ge(pick(0, &t[0]), 0);
    ck_assert_int_ge(pick(2, &t[1]), 0);
    release(0, &t[0]);
    release(2, &t[1]);
}
END_TEST

/* Each worker's first pick goes where the others have not been. */
START_TEST(least_connections_see_the_work_of_others)
{
    struct infra_ticket t[WORKERS];
    uint32_t seen = 0;

    for (uint32_t w = 0; w < WORKERS; w++) {
        open_worker(w, infra_balancer_least_connections());
        pool_fill(&pools[w], WORKERS, NULL);
    }
    for (uint32_t w = 0; w < WORKERS; w++) {
        seen |= 1u << pick(w, &t[w]);
    }
    ck_assert_uint_eq(seen, (1u << WORKERS) - 1);
    for (uint32_t w = 0; w < WORKERS; w++) {
        release(w, &t[w]);
    }
}
END_TEST

/* What one worker learned of a latency steers the others. */
START_TEST(latencies_are_shared)
{
    struct infra_ticket t;
    int slow;

    for (uint32_t w = 0; w < 2; w++) {
        open_worker(w, infra_balancer_peak_ewma());
        pool_fill(&pools[w], 2, NULL);
    }
    slow = pick(0, &t);
    ck_assert_int_eq(infra_balancer_report(pools[0].reader, &t,
                                           INFRA_OUTCOME_OK, INFRA_SEC(2)),
                     INFRA_OK);
    release(0, &t);
    int other = pick(0, &t);
    ck_assert_int_ne(other, slow);
    ck_assert_int_eq(infra_balancer_report(pools[0].reader, &t,
                                           INFRA_OUTCOME_OK, INFRA_MS(1)),
                     INFRA_OK);
    release(0, &t);
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(pool_once(&pools[1], NULL), other);
    }
}
END_TEST

/* A mark reaches all workers, at their next publish and not before; each axis
 * keeps its own, whichever worker set it. */
START_TEST(marks_reach_all_at_their_next_publish)
{
    for (uint32_t w = 0; w < 3; w++) {
        open_worker(w, NULL);
        pool_fill(&pools[w], 2, NULL);
    }
    pool_mark(&pools[0], 1, INFRA_BALANCER_AXIS_HEALTH,
              INFRA_BALANCER_STATE_DOWN);
    pool_mark(&pools[1], 1, INFRA_BALANCER_AXIS_ADMIN,
              INFRA_BALANCER_STATE_DRAINING);
    ck_assert_uint_eq(inspect(2, 1).state, INFRA_BALANCER_STATE_UP);
    for (uint32_t w = 0; w < 3; w++) {
        pool_publish(&pools[w]);
        ck_assert_uint_eq(inspect(w, 1).state, INFRA_BALANCER_STATE_DOWN);
        ck_assert_int_eq(pool_once(&pools[w], NULL), 0);
        ck_assert_int_eq(pool_once(&pools[w], NULL), 0);
    }
    pool_mark(&pools[2], 1, INFRA_BALANCER_AXIS_HEALTH,
              INFRA_BALANCER_STATE_UP);
    pool_publish(&pools[0]);
    ck_assert_uint_eq(inspect(0, 1).state, INFRA_BALANCER_STATE_DRAINING);
    ck_assert_uint_eq(inspect(0, 1).axis, INFRA_BALANCER_AXIS_ADMIN);
    /* Who comes later, or adds a backend that others have, learns of them. */
    ck_assert_int_eq(set_key(0, 5, "five"), INFRA_OK);
    pool_mark(&pools[0], 5, INFRA_BALANCER_AXIS_HEALTH,
              INFRA_BALANCER_STATE_DOWN);
    pool_publish(&pools[1]);
    ck_assert_int_eq(set_key(1, 5, "five"), INFRA_OK);
    pool_publish(&pools[1]);
    ck_assert_uint_eq(inspect(1, 5).state, INFRA_BALANCER_STATE_DOWN);
    open_worker(3, NULL);
    pool_fill(&pools[3], 2, NULL);
    ck_assert_uint_eq(inspect(3, 1).state, INFRA_BALANCER_STATE_DRAINING);
}
END_TEST

/* What a worker ejects by its own traffic it ejects for itself: three that may
 * eject a third each, and choose another third each, have two thirds left. */
START_TEST(passive_marks_are_each_workers_own)
{
    for (uint32_t w = 0; w < 3; w++) {
        open_worker(w, NULL);
        pool_fill(&pools[w], 6, NULL);
    }
    for (uint32_t id = 0; id < 6; id++) {
        pool_mark(&pools[id / 2], id, INFRA_BALANCER_AXIS_PASSIVE,
                  INFRA_BALANCER_STATE_DOWN);
    }
    for (uint32_t w = 0; w < 3; w++) {
        uint32_t picked = 0;
        for (uint32_t i = 0; i < 2; i++) {
            pool_publish(&pools[i]);
            pool_publish(&pools[w]);
        }
        for (uint32_t i = 0; i < 12; i++) {
            picked |= 1u << pool_once(&pools[w], NULL);
        }
        ck_assert_uint_eq(picked, 0x3fu & ~(3u << 2 * w));
    }
    /* A mark of another axis reaches all beside them, and none of the passive
     * ones is left behind by a worker that is gone. */
    pool_mark(&pools[0], 5, INFRA_BALANCER_AXIS_ADMIN,
              INFRA_BALANCER_STATE_DRAINING);
    pool_publish(&pools[2]);
    ck_assert_uint_eq(inspect(2, 5).axis, INFRA_BALANCER_AXIS_PASSIVE);
    ck_assert_uint_eq(inspect(2, 4).state, INFRA_BALANCER_STATE_DOWN);
    pool_publish(&pools[1]);
    ck_assert_uint_eq(inspect(1, 5).state, INFRA_BALANCER_STATE_DRAINING);
    close_worker(2);
    open_worker(2, NULL);
    pool_fill(&pools[2], 6, NULL);
    ck_assert_uint_eq(inspect(2, 4).state, INFRA_BALANCER_STATE_UP);
    ck_assert_uint_eq(inspect(2, 5).state, INFRA_BALANCER_STATE_DRAINING);
}
END_TEST

/* An id is one key's in all workers, until the last of them has let go: taken
 * it out, moved its readers on, and seen its tickets back. */
START_TEST(an_id_is_one_keys_in_all_workers)
{
    struct infra_ticket t;

    open_worker(0, NULL);
    open_worker(1, NULL);
    for (uint32_t w = 0; w < 2; w++) {
        ck_assert_int_eq(set_key(w, 2, "old"), INFRA_OK);
        pool_publish(&pools[w]);
    }
    ck_assert_int_eq(pick(1, &t), 2);
    ck_assert_int_eq(infra_balancer_remove(pools[0].balancer, 2), INFRA_OK);
    pool_publish(&pools[0]);
    infra_balancer_refresh(pools[0].reader);
    ck_assert_int_eq(set_key(0, 2, "new"), INFRA_EBUSY); /* 1 has it. */
    ck_assert_int_eq(infra_balancer_remove(pools[1].balancer, 2), INFRA_OK);
    ck_assert_int_eq(set_key(0, 2, "new"), INFRA_EBUSY);
    pool_publish(&pools[1]);
    infra_balancer_refresh(pools[1].reader);
    pool_publish(&pools[1]);
    ck_assert_int_eq(set_key(0, 2, "new"), INFRA_EBUSY); /* The ticket. */
    release(1, &t);
    ck_assert_int_eq(set_key(0, 2, "new"), INFRA_EBUSY); /* Not noticed. */
    open_worker(2, NULL); /* To be refused leaves no trace. */
    ck_assert_int_eq(set_key(2, 2, "third"), INFRA_EBUSY);
    pool_publish(&pools[1]);
    ck_assert_int_eq(set_key(0, 2, "new"), INFRA_OK);
    ck_assert_int_eq(set_key(1, 2, "old"), INFRA_EBUSY);
    ck_assert_int_eq(set_key(1, 2, "new"), INFRA_OK);
}
END_TEST

/* Marks and latency are the key's: another one starts without them. */
START_TEST(a_new_key_starts_afresh)
{
    open_worker(0, infra_balancer_peak_ewma());
    ck_assert_int_eq(set_key(0, 0, "a"), INFRA_OK);
    pool_mark(&pools[0], 0, INFRA_BALANCER_AXIS_HEALTH,
              INFRA_BALANCER_STATE_DEGRADED);
    pool_publish(&pools[0]);
    struct infra_ticket t;
    ck_assert_int_eq(pick(0, &t), 0);
    ck_assert_int_eq(infra_balancer_report(pools[0].reader, &t,
                                           INFRA_OUTCOME_OK, INFRA_SEC(2)),
                     INFRA_OK);
    release(0, &t);
    ck_assert_int_eq(infra_balancer_remove(pools[0].balancer, 0), INFRA_OK);
    pool_publish(&pools[0]);
    infra_balancer_refresh(pools[0].reader);
    ck_assert_int_eq(set_key(0, 0, "b"), INFRA_OK);
    pool_publish(&pools[0]);
    ck_assert_uint_eq(inspect(0, 0).state, INFRA_BALANCER_STATE_UP);
    ck_assert_uint_eq(inspect(0, 0).picks, 0);
    ck_assert_uint_eq(pools[0].balancer->slots[0].latency, 0);
}
END_TEST

/* A key that comes back before its worker let go is the same backend still, and
 * so is one whose last worker has left without removing it. */
START_TEST(a_key_comes_back)
{
    struct infra_ticket t;

    open_worker(0, infra_balancer_two_choices());
    open_worker(1, infra_balancer_two_choices());
    ck_assert_int_eq(set_key(0, 0, "a"), INFRA_OK);
    pool_publish(&pools[0]);
    ck_assert_int_eq(pick(0, &t), 0);
    ck_assert_int_eq(infra_balancer_remove(pools[0].balancer, 0), INFRA_OK);
    pool_publish(&pools[0]);
    ck_assert_int_eq(set_key(1, 0, "b"), INFRA_EBUSY);
    ck_assert_int_eq(set_key(0, 0, "a"), INFRA_OK);
    pool_publish(&pools[0]);
    ck_assert_uint_eq(inspect(0, 0).load, 1);
    ck_assert_uint_eq(pools[0].balancer->leaving_count, 0);
    release(0, &t);
    ck_assert_uint_eq(inspect(0, 0).load, 0);
    ck_assert_int_eq(set_key(1, 0, "b"), INFRA_EBUSY);

    pool_mark(&pools[0], 0, INFRA_BALANCER_AXIS_HEALTH,
              INFRA_BALANCER_STATE_DOWN);
    close_worker(0);
    ck_assert_int_eq(set_key(1, 0, "a"), INFRA_OK);
    pool_publish(&pools[1]);
    ck_assert_uint_eq(inspect(1, 0).state, INFRA_BALANCER_STATE_DOWN);
}
END_TEST

/* All workers leave, as in a reload, or are killed: the one that comes back
 * with the same key knows what they knew, and no pick goes to the dead. */
START_TEST(a_reload_forgets_nothing)
{
    struct infra_ticket t;
    int slow;

    for (uint32_t w = 0; w < 2; w++) {
        open_worker(w, infra_balancer_peak_ewma());
        pool_fill(&pools[w], 3, NULL);
    }
    pool_mark(&pools[0], 2, INFRA_BALANCER_AXIS_HEALTH,
              INFRA_BALANCER_STATE_DOWN);
    pool_mark(&pools[1], 1, INFRA_BALANCER_AXIS_ADMIN,
              INFRA_BALANCER_STATE_DEGRADED);
    pool_mark(&pools[1], 1, INFRA_BALANCER_AXIS_ADMIN, INFRA_BALANCER_STATE_UP);
    pool_publish(&pools[0]);
    slow = pick(0, &t);
    ck_assert_int_eq(infra_balancer_report(pools[0].reader, &t,
                                           INFRA_OUTCOME_OK, INFRA_SEC(2)),
                     INFRA_OK);
    release(0, &t);
    int other = pick(0, &t);
    ck_assert_int_eq(infra_balancer_report(pools[0].reader, &t,
                                           INFRA_OUTCOME_OK, INFRA_MS(1)),
                     INFRA_OK);
    if (_i == 0) {
        release(0, &t);
    }
    for (uint32_t w = 0; w < 2; w++) {
        if (_i == 0) {
            close_worker(w);
        } else {
            kill_worker(w);
            ck_assert_int_eq(infra_balancer_shared_reap(memory, w), INFRA_OK);
        }
    }
    open_worker(3, infra_balancer_peak_ewma());
    pool_fill(&pools[3], 3, NULL);
    ck_assert_uint_eq(inspect(3, 2).state, INFRA_BALANCER_STATE_DOWN);
    ck_assert_uint_eq(inspect(3, 1).state, INFRA_BALANCER_STATE_UP);
    ck_assert_int_ne(slow, other);
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(pool_once(&pools[3], NULL), other);
    }
    for (uint32_t id = 0; id < 3; id++) {
        ck_assert_uint_eq(inspect(3, id).load, 0);
    }
}
END_TEST

/* To remove a backend is another thing: the last worker that does so ends it,
 * and the key starts as new, whether it has left meanwhile or not; while
 * another still has it, it stays the same backend. */
START_TEST(who_is_removed_starts_as_new)
{
    const bool is_left = (_i & 1) != 0;
    const bool is_elsewhere = (_i & 2) != 0;
    const uint32_t expected =
        is_elsewhere ? INFRA_BALANCER_STATE_DOWN : INFRA_BALANCER_STATE_UP;

    for (uint32_t w = 0; w < 2; w++) {
        open_worker(w, NULL);
        pool_fill(&pools[w], 2, NULL);
    }
    pool_mark(&pools[0], 1, INFRA_BALANCER_AXIS_HEALTH,
              INFRA_BALANCER_STATE_DOWN);
    for (uint32_t w = 0; w < (is_elsewhere ? 1 : 2); w++) {
        ck_assert_int_eq(infra_balancer_sync(pools[w].balancer, NULL, 0, 0), 0);
        for (int i = 0; is_left && i < 2; i++) {
            pool_publish(&pools[w]);
            infra_balancer_refresh(pools[w].reader);
        }
    }
    for (uint32_t w = 0; w < 2; w++) {
        pool_fill(&pools[w], 2, NULL);
        ck_assert_uint_eq(inspect(w, 1).state, expected);
    }
    pool_mark(&pools[1], 1, INFRA_BALANCER_AXIS_HEALTH,
              INFRA_BALANCER_STATE_DOWN);
    close_worker(0);
    ck_assert_int_eq(infra_balancer_remove(pools[1].balancer, 1), INFRA_OK);
    close_worker(1);
    open_worker(2, NULL);
    pool_fill(&pools[2], 2, NULL);
    ck_assert_uint_eq(inspect(2, 1).state, INFRA_BALANCER_STATE_UP);
}
END_TEST

/* All workers that had it are dead: another key takes the id and starts without
 * the old marks; the same key has them. Neither has counts of the dead. */
START_TEST(an_id_is_inherited_empty)
{
    open_worker(0, infra_balancer_two_choices());
    ck_assert_int_eq(set_key(0, 5, "a"), INFRA_OK);
    pool_mark(&pools[0], 5, INFRA_BALANCER_AXIS_HEALTH,
              INFRA_BALANCER_STATE_DEGRADED);
    kill_worker(0);
    open_worker(1, infra_balancer_two_choices());
    ck_assert_int_eq(set_key(1, 5, "b"), INFRA_EBUSY);
    ck_assert_int_eq(infra_balancer_shared_reap(memory, 0), INFRA_OK);
    pools[1].balancer->slots[5].in_flight = 3; /* Lost in a window. */
    ck_assert_int_eq(set_key(1, 5, _i == 0 ? "a" : "b"), INFRA_OK);
    pool_publish(&pools[1]);
    ck_assert_uint_eq(inspect(1, 5).state, _i == 0
                                               ? INFRA_BALANCER_STATE_DEGRADED
                                               : INFRA_BALANCER_STATE_UP);
    ck_assert_uint_eq(inspect(1, 5).load, 0);
}
END_TEST

/* A whole list is taken or nothing of it: an id that another worker has under
 * another key leaves the others free for it. */
START_TEST(a_list_is_taken_whole_or_not_at_all)
{
    struct infra_backend list[3];
    static const char *const keys[] = { "x", "y", "z" };

    memset(list, 0, sizeof list);
    for (uint32_t i = 0; i < 3; i++) {
        list[i].size = sizeof list[i];
        list[i].key = keys[i];
        list[i].id = i;
    }
    open_worker(0, NULL);
    open_worker(1, NULL);
    ck_assert_int_eq(set_key(1, 2, "other"), INFRA_OK);
    ck_assert_int_eq(infra_balancer_sync(pools[0].balancer, list, 3, 0),
                     INFRA_EBUSY);
    ck_assert_int_eq(set_key(1, 0, "free"), INFRA_OK);
    ck_assert_int_eq(set_key(1, 1, "free too"), INFRA_OK);
    ck_assert_int_eq(infra_balancer_sync(pools[1].balancer, NULL, 0, 0),
                     INFRA_OK);
    pool_publish(&pools[1]);
    infra_balancer_refresh(pools[1].reader);
    pool_publish(&pools[1]);
    ck_assert_int_eq(infra_balancer_sync(pools[0].balancer, list, 3, 0),
                     INFRA_OK);
}
END_TEST

/* A real process, killed with tickets out: one reap gives back what it held,
 * and its ids may be another's. */
START_TEST(a_killed_process_leaves_nothing_behind)
{
    struct infra_ticket t;

    open_worker(0, infra_balancer_least_connections());
    pool_fill(&pools[0], 2, NULL);
    ck_assert_int_ge(pick(0, &t), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        struct infra_balancer_options o = {
            .size = sizeof o, .ids_max = IDS, .shared = memory, .worker = 3
        };
        struct infra_balancer_reader *reader = NULL;
        o.policy = infra_balancer_least_connections();
        struct pool p = { .balancer = NULL };
        bool good =
            infra_balancer_create(&p.balancer, &o) == INFRA_OK &&
            infra_balancer_reader_create(&reader, p.balancer) == INFRA_OK &&
            pool_set(&p, 0, 1, 0, 0) == INFRA_OK &&
            pool_set(&p, 1, 1, 0, 0) == INFRA_OK &&
            infra_balancer_publish(p.balancer, 0) == INFRA_OK;
        for (int i = 0; i < 5 && good; i++) {
            good = infra_balancer_pick(reader, NULL, 0, &t) >= 0;
        }
        (void)raise(good ? SIGKILL : SIGTERM);
    }
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    ck_assert_uint_eq(inspect(0, 0).load + inspect(0, 1).load, 6);
    ck_assert_int_eq(infra_balancer_shared_reap(memory, 3), INFRA_OK);
    ck_assert_uint_eq(inspect(0, 0).load + inspect(0, 1).load, 1);
    ck_assert_int_eq(infra_balancer_shared_reap(memory, 3), INFRA_OK);
    ck_assert_uint_eq(inspect(0, 0).load + inspect(0, 1).load, 1);
    release(0, &t);
    close_worker(0);
    open_worker(1, NULL);
    ck_assert_int_eq(set_key(1, 0, "another"), INFRA_OK);
}
END_TEST

/* The successor of a dead worker gives back what that one held. */
START_TEST(a_successor_gives_back)
{
    struct infra_ticket t;

    for (uint32_t w = 0; w < 2; w++) {
        open_worker(w, infra_balancer_two_choices());
        pool_fill(&pools[w], 1, NULL);
        ck_assert_int_eq(pick(w, &t), 0);
    }
    kill_worker(0);
    ck_assert_uint_eq(inspect(1, 0).load, 2);
    open_worker(0, infra_balancer_two_choices());
    ck_assert_uint_eq(inspect(1, 0).load, 1);
    release(1, &t);
}
END_TEST

/* Death between a count and its ledger, either way, is found by the sums. */
START_TEST(death_between_two_counts_is_found)
{
    static const int32_t errors[] = { 1, -1, 2 };
    struct shared *s = memory;
    struct infra_ticket t;

    open_worker(0, infra_balancer_two_choices());
    pool_fill(&pools[0], 1, NULL);
    ck_assert_int_eq(pick(0, &t), 0);
    struct infra_balancer *b = pools[0].balancer;
    b->slots[0].in_flight += (uint32_t)errors[_i];
    b->tier_slots[3].in_flight += (uint32_t)errors[_i];
    ck_assert_ptr_eq(b->shared, s);
    ck_assert_int_eq(infra_balancer_shared_reap(memory, 2), INFRA_OK);
    ck_assert_uint_eq(inspect(0, 0).load, 1);
    ck_assert_uint_eq(b->tier_slots[3].in_flight, 0);
    release(0, &t);
    ck_assert_uint_eq(inspect(0, 0).load, 0);
}
END_TEST

/* If ever a count is too low, it stops at nothing and does not wrap. */
START_TEST(a_count_does_not_wrap)
{
    struct infra_ticket t;

    open_worker(0, infra_balancer_two_choices());
    pool_fill(&pools[0], 1, NULL);
    ck_assert_int_eq(pick(0, &t), 0);
    pools[0].balancer->slots[0].in_flight = 0;
    release(0, &t);
    ck_assert_uint_eq(inspect(0, 0).load, 0);
}
END_TEST

/* Who dies while it empties a slot keeps the others out until it is reaped. */
START_TEST(death_while_emptying_is_found)
{
    open_worker(0, NULL);
    open_worker(1, NULL);
    pools[0].balancer->slots[5].owner = 2 + 1; /* Worker 2 was at it. */
    pools[0].balancer->slots[5].in_flight = 9;
    ck_assert_int_eq(set_key(0, 5, "a"), INFRA_EBUSY);
    ck_assert_int_eq(infra_balancer_shared_reap(memory, 1), INFRA_OK);
    ck_assert_int_eq(set_key(0, 5, "a"), INFRA_EBUSY);
    ck_assert_int_eq(infra_balancer_shared_reap(memory, 2), INFRA_OK);
    ck_assert_int_eq(set_key(0, 5, "a"), INFRA_OK);
    ck_assert_uint_eq(inspect(0, 5).load, 0);
}
END_TEST

/* Three workers that come, go, die and disagree, against a model. */
START_TEST(any_history_adds_up)
{
    enum { TICKETS = 64 };
    static const char *const keys[] = { "red", "green" };
    struct {
        struct infra_ticket ticket;
        int id; /* < 0: none. */
        uint32_t worker;
    } tickets[TICKETS];
    uint64_t x = 12345 + (uint64_t)_i;
    int key_of[WORKERS][IDS]; /* As the workers have it; < 0: none. */

    memset(key_of, -1, sizeof key_of);
    for (uint32_t i = 0; i < TICKETS; i++) {
        tickets[i].id = -1;
    }
    for (uint32_t step = 0; step < 3000; step++) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        uint32_t w = (uint32_t)(x >> 60) % 3;
        uint32_t id = (uint32_t)(x >> 50) % 4;
        uint32_t k = (uint32_t)(x >> 48) % 2;
        uint32_t n = (uint32_t)(x >> 40) % TICKETS;
        uint32_t act = (uint32_t)(x >> 32) % 100;
        if (!is_open[w]) {
            open_worker(w, infra_balancer_two_choices());
        } else if (act < 2) {
            kill_worker(w);
            memset(key_of[w], -1, sizeof key_of[w]);
            for (uint32_t i = 0; i < TICKETS; i++) {
                tickets[i].id = tickets[i].worker == w ? -1 : tickets[i].id;
            }
            ck_assert_int_eq(infra_balancer_shared_reap(memory, w), INFRA_OK);
        } else if (act < 12) {
            const char key[] = { keys[k][0], (char)('0' + id), '\0' };
            int err = set_key(w, id, key);
            if (err == INFRA_OK) {
                key_of[w][id] = (int)k;
            } else {
                ck_assert_int_eq(err, INFRA_EBUSY);
            }
        } else if (act < 20) {
            if (infra_balancer_remove(pools[w].balancer, id) == INFRA_OK) {
                key_of[w][id] = -1;
            }
        } else if (act < 35) {
            pool_publish(&pools[w]);
            infra_balancer_refresh(pools[w].reader);
        } else if (tickets[n].id < 0) {
            tickets[n].worker = w;
            tickets[n].id = pick(w, &tickets[n].ticket);
        } else if (tickets[n].worker == w) {
            release(w, &tickets[n].ticket);
            tickets[n].id = -1;
        }
        for (id = 0; id < 4; id++) {
            uint32_t load = 0, owners = 0;
            for (uint32_t i = 0; i < TICKETS; i++) {
                load += tickets[i].id == (int)id;
            }
            for (w = 0; w < WORKERS; w++) {
                owners |= key_of[w][id] >= 0 ? 1u << key_of[w][id] : 0;
            }
            const struct slot *slots =
                (const struct slot *)(const void *)((struct shared *)memory +
                                                    1);
            ck_assert_uint_eq(slots[id].in_flight, load);
            ck_assert_uint_ne(owners, 3);
        }
    }
    for (uint32_t i = 0; i < TICKETS; i++) {
        if (tickets[i].id >= 0) {
            release(tickets[i].worker, &tickets[i].ticket);
        }
    }
}
END_TEST

static void *work(void *arg)
{
    struct pool *p = arg;
    struct infra_ticket t;

    for (uint32_t i = 0; i < 20000; i++) {
        if (pool_pick(p, NULL, &t) >= 0) {
            (void)infra_balancer_release(p->reader, &t, 0, 0);
        }
    }
    return NULL;
}

/* Two workers at once, as threads that share nothing else, while a third sets
 * marks and a dead one is reaped; in the end all counts are nothing. */
START_TEST(workers_run_side_by_side)
{
    pthread_t threads[2];

    for (uint32_t w = 0; w < 3; w++) {
        open_worker(w, infra_balancer_least_connections());
        pool_fill(&pools[w], 3, NULL);
    }
    for (uint32_t w = 0; w < 2; w++) {
        ck_assert_int_eq(pthread_create(&threads[w], NULL, work, &pools[w]), 0);
    }
    for (uint32_t i = 0; i < 300; i++) {
        pool_mark(&pools[2], i % 3, INFRA_BALANCER_AXIS_HEALTH,
                  i / 3 % 2 == 0 ? INFRA_BALANCER_STATE_DOWN
                                 : INFRA_BALANCER_STATE_UP);
        pool_publish(&pools[2]);
        ck_assert_int_eq(infra_balancer_shared_reap(memory, 3), INFRA_OK);
    }
    for (uint32_t w = 0; w < 2; w++) {
        ck_assert_int_eq(pthread_join(threads[w], NULL), 0);
    }
    ck_assert_int_eq(infra_balancer_shared_reap(memory, 3), INFRA_OK);
    for (uint32_t id = 0; id < 3; id++) {
        ck_assert_uint_eq(inspect(2, id).load, 0);
    }
}
END_TEST

START_TEST(arguments_are_checked)
{
    struct infra_balancer_options o = { .size = sizeof o, .shared = memory };
    struct infra_balancer *b = NULL;

    ck_assert_uint_eq(infra_balancer_shared_size(0, 1),
                      infra_balancer_shared_size(64, 1));
    ck_assert_uint_eq(infra_balancer_shared_size(8, 0), 0);
    ck_assert_uint_eq(infra_balancer_shared_size(8, 4097), 0);
    ck_assert_uint_eq(infra_balancer_shared_size(INFRA_BALANCER_IDS_MAX + 1, 1),
                      0);
    ck_assert_int_eq(infra_balancer_shared_init(NULL, 1u << 20, 8, 4),
                     INFRA_EINVAL);
    ck_assert_int_eq(
        infra_balancer_shared_init(memory, memory_size - 1, IDS, WORKERS),
        INFRA_EINVAL);
    ck_assert_int_eq(
        infra_balancer_shared_init((char *)memory + 8, memory_size, IDS, 1),
        INFRA_EINVAL);
    ck_assert_int_eq(infra_balancer_shared_init(memory, memory_size, IDS, 0),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_balancer_shared_reap(NULL, 0), INFRA_EINVAL);
    ck_assert_int_eq(infra_balancer_shared_reap(memory, WORKERS), INFRA_EINVAL);
    ck_assert_int_eq(infra_balancer_create(&b, &o), INFRA_EINVAL); /* 64 ids */
    o.ids_max = IDS;
    o.worker = WORKERS;
    ck_assert_int_eq(infra_balancer_create(&b, &o), INFRA_EINVAL);
    o.shared = NULL;
    o.worker = 1;
    ck_assert_int_eq(infra_balancer_create(&b, &o), INFRA_EINVAL);
    o.shared = memory;
    memset(memory, 0, sizeof(uint64_t));
    ck_assert_int_eq(infra_balancer_create(&b, &o), INFRA_EINVAL);
    ck_assert_int_eq(infra_balancer_shared_reap(memory, 0), INFRA_EINVAL);
    ck_assert_ptr_null(b);
}
END_TEST

/* A create that fails for want of memory takes nothing from the workers, and
 * another's ticket is none of ours. */
START_TEST(failures_leave_the_others_alone)
{
    struct infra_ticket t, copy;

    open_worker(0, infra_balancer_two_choices());
    open_worker(1, infra_balancer_two_choices());
    pool_fill(&pools[0], 1, NULL);
    ck_assert_int_eq(pick(0, &t), 0);
    copy = t;
    ck_assert_int_eq(infra_balancer_release(pools[1].reader, &copy, 0, 0),
                     INFRA_EINVAL);
    for (long n = 0;; n++) {
        struct test_heap heap;
        struct infra_balancer_options o = {
            .size = sizeof o, .ids_max = IDS, .shared = memory, .worker = 2
        };
        struct infra_balancer *b = NULL;
        test_heap_init(&heap, n);
        o.allocator = &heap.allocator;
        int err = infra_balancer_create(&b, &o);
        infra_balancer_destroy(b);
        ck_assert_int_eq(heap.live, 0);
        ck_assert_uint_eq(inspect(0, 0).load, 1);
        if (err == INFRA_OK) {
            ck_assert_int_gt(n, 1);
            break;
        }
        ck_assert_int_eq(err, INFRA_ENOMEM);
    }
    release(0, &t);
}
END_TEST

static uint64_t dead; /* A process that is not alive, 0: all are. */

static int is_alive(void *user, uint64_t process)
{
    ck_assert_ptr_eq(user, &dead);
    return process != dead;
}

static int join(uint64_t process)
{
    return infra_balancer_shared_join(memory, process, is_alive, &dead);
}

/* Each gets a number of its own, while there are any; one that is dead or that
 * has left makes room; one that comes again has its own. */
START_TEST(joining_gives_a_free_number)
{
    struct infra_ticket t;

    for (int w = 0; w < (int)WORKERS; w++) {
        ck_assert_int_eq(join(100 + (uint64_t)w), w);
    }
    ck_assert_int_eq(join(200), INFRA_EFULL);
    ck_assert_int_eq(join(102), 2);
    for (uint32_t w = 0; w < 3; w++) {
        open_worker(w, infra_balancer_two_choices());
        pool_fill(&pools[w], 1, NULL);
        ck_assert_int_eq(pick(w, &t), 0);
        if (w < 2) {
            kill_worker(w);
        }
    }
    ck_assert_uint_eq(inspect(2, 0).load, 3);
    dead = 101;
    ck_assert_int_eq(join(200), 1); /* What it held is given back at once. */
    ck_assert_uint_eq(inspect(2, 0).load, 2);
    dead = 100;
    ck_assert_int_eq(join(102), 2);
    ck_assert_uint_eq(inspect(2, 0).load, 1);
    dead = 0;
    ck_assert_int_eq(join(201), 0);
    ck_assert_int_eq(join(202), INFRA_EFULL);
    release(2, &t);
    close_worker(2);
    ck_assert_int_eq(join(202), 2);
    ck_assert_int_eq(infra_balancer_shared_reap(memory, 3), INFRA_OK);
    ck_assert_int_eq(join(203), 3);
    ck_assert_int_eq(join(0), INFRA_EINVAL);
    ck_assert_int_eq(infra_balancer_shared_join(NULL, 1, is_alive, &dead),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_balancer_shared_join(memory, 1, NULL, NULL),
                     INFRA_EINVAL);
}
END_TEST

/* A process lives, is a zombie, is gone; another one of its number is
 * another. */
START_TEST(processes_are_told_apart)
{
    uint64_t self = infra_process_self();

    ck_assert_uint_ne(self, 0);
    ck_assert_uint_eq(self, infra_process_self());
    ck_assert_int_eq(infra_process_is_alive(NULL, self), 1);
    ck_assert_int_eq(infra_process_is_alive(NULL, self + (1u << 22)), 0);
    int names[2];
    uint64_t child_name = 0;
    ck_assert_int_eq(pipe(names), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        uint64_t name = infra_process_self();
        (void)!write(names[1], &name, sizeof name);
        pause();
    }
    ck_assert_int_eq(read(names[0], &child_name, sizeof child_name), 8);
    ck_assert_uint_ne(child_name, self);
    ck_assert_int_eq(infra_process_is_alive(NULL, child_name), 1);
    ck_assert_int_eq(kill(child, SIGKILL), 0);
    siginfo_t info;
    ck_assert_int_eq(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
    ck_assert_int_eq(infra_process_is_alive(NULL, child_name), 0);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    ck_assert_int_eq(infra_process_is_alive(NULL, child_name), 0);
    close(names[0]);
    close(names[1]);
}
END_TEST

static int id_of(uint32_t worker, const char *key)
{
    return infra_balancer_id_of(pools[worker].balancer, key);
}

/* A key has one id in all workers and over reloads, whatever the order in which
 * the workers have their lists; the id of a key that is gone is another's only
 * when no other is left. */
START_TEST(an_id_lasts)
{
    char key[16];

    open_worker(0, NULL);
    open_worker(1, NULL);
    for (int i = 0; i < (int)IDS; i++) {
        snprintf(key, sizeof key, "k%d", i);
        ck_assert_int_eq(id_of(0, key), i);
        ck_assert_int_eq(set_key(0, (uint32_t)i, key), INFRA_OK);
    }
    for (int i = (int)IDS - 1; i >= 0; i--) {
        snprintf(key, sizeof key, "k%d", i);
        ck_assert_int_eq(id_of(1, key), i);
    }
    ck_assert_int_eq(id_of(1, "more"), INFRA_EFULL);
    ck_assert_int_eq(id_of(1, ""), INFRA_EINVAL);
    ck_assert_int_eq(infra_balancer_id_of(NULL, "a"), INFRA_EINVAL);
    close_worker(0);
    close_worker(1);
    open_worker(2, NULL);
    ck_assert_int_eq(id_of(2, "k5"), 5);
    ck_assert_int_eq(set_key(2, 5, "k5"), INFRA_OK);
    ck_assert_int_eq(id_of(2, "other"), 0); /* k0 is gone. */
    ck_assert_int_eq(set_key(2, 0, "other"), INFRA_OK);
    ck_assert_int_eq(id_of(2, "other"), 0);
    pools[2].balancer->shared->naming = 3 + 1; /* Worker 3 died over it. */
    ck_assert_int_eq(id_of(2, "k1"), INFRA_EBUSY);
    ck_assert_int_eq(infra_balancer_shared_reap(memory, 3), INFRA_OK);
    ck_assert_int_eq(id_of(2, "k1"), 1);
}
END_TEST

/* The same of a balancer that is alone. */
START_TEST(an_id_lasts_alone)
{
    struct infra_balancer_options o = { .size = sizeof o, .ids_max = 2 };
    struct infra_backend b = { .size = sizeof b, .key = "a" };
    struct pool p;

    pool_open(&p, &o);
    ck_assert_int_eq(infra_balancer_id_of(p.balancer, "a"), 0);
    ck_assert_int_eq(infra_balancer_set(p.balancer, &b, 0), INFRA_OK);
    ck_assert_int_eq(infra_balancer_id_of(p.balancer, "b"), 1);
    b.key = "b";
    b.id = 1;
    ck_assert_int_eq(infra_balancer_set(p.balancer, &b, 0), INFRA_OK);
    ck_assert_int_eq(infra_balancer_id_of(p.balancer, "c"), INFRA_EFULL);
    ck_assert_int_eq(infra_balancer_remove(p.balancer, 0), INFRA_OK);
    pool_publish(&p);
    infra_balancer_refresh(p.reader);
    ck_assert_int_eq(infra_balancer_id_of(p.balancer, "b"), 1);
    ck_assert_int_eq(infra_balancer_id_of(p.balancer, "c"), 0);
    pool_close(&p);
}
END_TEST

static Suite *shared_suite(void)
{
    Suite *s = suite_create("shared");
    TCase *tc = tcase_create("together");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_cap_holds_over_all_workers);
    tcase_add_test(tc, a_tiers_cap_holds_over_all_workers);
    tcase_add_test(tc, least_connections_see_the_work_of_others);
    tcase_add_test(tc, latencies_are_shared);
    tcase_add_test(tc, marks_reach_all_at_their_next_publish);
    tcase_add_test(tc, passive_marks_are_each_workers_own);
    tcase_add_test(tc, workers_run_side_by_side);
    suite_add_tcase(s, tc);

    tc = tcase_create("ids");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, an_id_is_one_keys_in_all_workers);
    tcase_add_test(tc, a_new_key_starts_afresh);
    tcase_add_test(tc, a_key_comes_back);
    tcase_add_loop_test(tc, a_reload_forgets_nothing, 0, 2);
    tcase_add_loop_test(tc, who_is_removed_starts_as_new, 0, 4);
    tcase_add_loop_test(tc, an_id_is_inherited_empty, 0, 2);
    tcase_add_test(tc, a_list_is_taken_whole_or_not_at_all);
    suite_add_tcase(s, tc);

    tc = tcase_create("names");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, joining_gives_a_free_number);
    tcase_add_test(tc, processes_are_told_apart);
    tcase_add_test(tc, an_id_lasts);
    tcase_add_test(tc, an_id_lasts_alone);
    suite_add_tcase(s, tc);

    tc = tcase_create("death");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_killed_process_leaves_nothing_behind);
    tcase_add_test(tc, a_successor_gives_back);
    tcase_add_loop_test(tc, death_between_two_counts_is_found, 0, 3);
    tcase_add_test(tc, a_count_does_not_wrap);
    tcase_add_test(tc, death_while_emptying_is_found);
    tcase_add_loop_test(tc, any_history_adds_up, 0, 20);
    suite_add_tcase(s, tc);

    tc = tcase_create("contract");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, arguments_are_checked);
    tcase_add_test(tc, failures_leave_the_others_alone);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(shared_suite());
}
