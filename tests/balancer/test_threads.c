/* SPDX-License-Identifier: MIT */
/* Readers against a control thread that publishes, removes and reuses ids
 * without pause. Made for ThreadSanitizer; the invariants hold everywhere: a
 * worker never meets a host entry that belongs to another key than the one it
 * was picked as, a cap is never passed, and in the end nothing is in flight. */
#include "pool.h"

#include "base/random.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

enum { IDS = 24, WORKERS = 2, ROUNDS = 3000, CAP = 2 };

/* The host's own table: the backend of an id. Plain memory on purpose: the
 * contract of EBUSY keeps workers and control apart. */
static struct {
    uint64_t owner;
    _Atomic uint32_t in_use;
} host[IDS];

static struct pool pool;
static atomic_int stop;

struct worker {
    struct infra_balancer_reader *reader;
    pthread_t thread;
    _Atomic uint64_t picks;
    uint64_t seed;
};

/* Prequal has questions; each answer is another. */
static void answer_probes(struct worker *w)
{
    struct infra_balancer_probe probes[INFRA_BALANCER_PROBES_MAX];
    int count = infra_balancer_probes_next(w->reader, 0, probes,
                                           INFRA_BALANCER_PROBES_MAX);

    for (int i = 0; i < count; i++) {
        uint64_t word = infra__random(&w->seed);
        int err = infra_balancer_probe_answer(
            w->reader, &probes[i], (uint32_t)(word % 4), word >> 40, 0);
        ck_assert(err == INFRA_OK || err == INFRA_ESTALE);
    }
}

static void *work(void *arg)
{
    struct worker *w = arg;
    struct infra_ticket tickets[4];
    int ids[4], held = 0;

    /* Relaxed: the join below orders everything. */
    while (!atomic_load_explicit(&stop, memory_order_relaxed) || held > 0) {
        int id = held < 4 && !atomic_load_explicit(&stop, memory_order_relaxed)
                     ? infra_balancer_pick(w->reader, NULL, 0, &tickets[held])
                     : INFRA_EAGAIN;
        if (id >= 0) {
            ck_assert_uint_eq(host[id].owner % IDS, (uint32_t)id);
            ck_assert_uint_lt(atomic_fetch_add(&host[id].in_use, 1), CAP);
            ids[held++] = id;
            atomic_fetch_add_explicit(&w->picks, 1, memory_order_relaxed);
            answer_probes(w);
        }
        if (held > 0 && (id < 0 || infra__random(&w->seed) % 2 == 0)) {
            held--;
            ck_assert_uint_eq(host[ids[held]].owner % IDS, (uint32_t)ids[held]);
            atomic_fetch_sub(&host[ids[held]].in_use, 1);
            ck_assert_int_eq(infra_balancer_release(w->reader, &tickets[held],
                                                    INFRA_OUTCOME_OK, 0),
                             INFRA_OK);
        }
    }
    return NULL;
}

/* Put a new key on the id if it is free, as a host would. */
static void reuse(uint32_t id, uint64_t generation)
{
    char key[32];

    snprintf(key, sizeof key, "k%llu",
             (unsigned long long)(generation * IDS + id));
    struct infra_backend b = { .size = sizeof b,
                               .key = key,
                               .id = id,
                               .weight = 1 + (uint32_t)(generation % 3),
                               .tier = id % 2,
                               .in_flight_max = CAP };
    int err = infra_balancer_set(pool.balancer, &b, 0);
    if (err == INFRA_OK) {
        host[id].owner = generation * IDS + id;
    } else {
        ck_assert_int_eq(err, INFRA_EBUSY);
    }
}

static void control(void)
{
    uint64_t random = 5;

    for (uint64_t round = 1; round <= ROUNDS; round++) {
        uint32_t id = infra__below(infra__random(&random), IDS);
        uint32_t state = (uint32_t)(infra__random(&random) % 4);
        if (round % 2 == 0) {
            int err = infra_balancer_remove(pool.balancer, id);
            ck_assert(err == INFRA_OK || err == INFRA_ENOENT);
        } else if (infra_balancer_mark(pool.balancer, id,
                                       INFRA_BALANCER_AXIS_HEALTH,
                                       state) == INFRA_ENOENT) {
            reuse(id, round);
        }
        ck_assert_int_eq(infra_balancer_publish(pool.balancer, 0), INFRA_OK);
    }
}

START_TEST(readers_against_publishing)
{
    struct infra_balancer_options o = {
        .size = sizeof o,
        .policy = infra_balancer_policy_by_name(
            infra_balancer_policy_name((uint32_t)_i)),
        .ids_max = IDS,
        .spill = INFRA_BALANCER_SPILL_FULL,
    };
    struct worker workers[WORKERS] = { { .seed = 1 }, { .seed = 2 } };

    pool_open(&pool, &o);
    for (uint32_t id = 0; id < IDS; id++) {
        host[id].owner = 0;
        reuse(id, 0);
    }
    pool_publish(&pool);
    atomic_store(&stop, 0);
    for (int i = 0; i < WORKERS; i++) {
        ck_assert_int_eq(
            infra_balancer_reader_create(&workers[i].reader, pool.balancer), 0);
        ck_assert_int_eq(
            pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < WORKERS; i++) { /* Both are under way. */
        while (atomic_load_explicit(&workers[i].picks, memory_order_relaxed) ==
               0) {
            sched_yield();
        }
    }
    control();
    atomic_store(&stop, 1);
    for (int i = 0; i < WORKERS; i++) {
        pthread_join(workers[i].thread, NULL);
        infra_balancer_reader_destroy(workers[i].reader);
    }
    for (uint32_t id = 0; id < IDS; id++) {
        struct infra_balancer_status stats = { .size = sizeof stats };
        ck_assert_uint_eq(atomic_load(&host[id].in_use), 0);
        if (infra_balancer_inspect(pool.balancer, id, &stats) == INFRA_OK) {
            ck_assert_uint_eq(stats.in_flight, 0);
        }
    }
    pool_close(&pool);
}
END_TEST

/* Said and heard without any ordering, so that only the library's own can keep
 * the two apart. */
static _Atomic int said;

static void wait_for(int what)
{
    while (atomic_load_explicit(&said, memory_order_relaxed) < what) {
        sched_yield(); /* The other one may need this core. */
    }
}

static void *hold_and_release(void *arg)
{
    struct infra_balancer_reader *reader = arg;
    struct infra_ticket ticket;

    ck_assert_int_eq(infra_balancer_pick(reader, NULL, 0, &ticket), 0);
    atomic_store_explicit(&said, 1, memory_order_relaxed);
    wait_for(2);
    infra_balancer_refresh(reader);
    host[0].owner++; /* The last use under the ticket. */
    ck_assert_int_eq(infra_balancer_release(reader, &ticket, 0, 0), 0);
    return NULL;
}

/* Once set() stops saying EBUSY, all that workers did with the host's entry is
 * done, by the ticket alone. */
START_TEST(the_host_entry_is_handed_over)
{
    struct infra_backend b = { .size = sizeof b, .key = "former" };
    pthread_t worker;

    for (int i = 0; i < 200; i++) {
        pool_open(&pool, NULL);
        atomic_store(&said, 0);
        b.key = "former";
        ck_assert_int_eq(infra_balancer_set(pool.balancer, &b, 0), 0);
        pool_publish(&pool);
        ck_assert_int_eq(
            pthread_create(&worker, NULL, hold_and_release, pool.reader), 0);
        wait_for(1);
        ck_assert_int_eq(infra_balancer_remove(pool.balancer, 0), 0);
        pool_publish(&pool);
        atomic_store_explicit(&said, 2, memory_order_relaxed);
        b.key = "latter";
        int err;
        while ((err = infra_balancer_set(pool.balancer, &b, 0)) ==
               INFRA_EBUSY) {
            sched_yield();
        }
        ck_assert_int_eq(err, INFRA_OK);
        host[0].owner = 0;
        pthread_join(worker, NULL);
        pool_close(&pool);
    }
}
END_TEST

static Suite *threads_suite(void)
{
    Suite *s = suite_create("balancer_threads");
    TCase *tc = tcase_create("threads");
    tcase_set_timeout(tc, 120);
    tcase_add_loop_test(tc, readers_against_publishing, 0, policies_count());
    tcase_add_test(tc, the_host_entry_is_handed_over);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(threads_suite());
}
