/* SPDX-License-Identifier: MIT */
/* One table, several threads: limits hold as if there were one. */
#include "support.h"

#include "base/internal.h"
#include "base/random.h"

#include <infra/limit.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

/* More sources than places, so that ways change their source all the time. */
enum { THREADS = 3, SOURCES = 12, STEPS = 30000, CAP = 2, BURST = 5 };

static struct infra_limit_table *table;
static infra_time shared_state;
static _Atomic uint64_t clock_ns;
static _Atomic uint32_t open_now[SOURCES];
static _Atomic uint32_t taken[SOURCES];
static _Atomic uint32_t shared_taken;
static _Atomic uint32_t over_cap;

static const struct infra_limit_rate rate = { 1000, BURST * 1000 };

static struct infra_address source_of(uint32_t i)
{
    return infra_address_ipv4(0x0a000000u + i);
}

static void *run(void *arg)
{
    uint64_t seed = (uintptr_t)arg;

    for (int i = 0; i < STEPS; i++) {
        uint32_t id = infra__below(infra__random(&seed), SOURCES);
        struct infra_address a = source_of(id);
        uint64_t ticket;
        infra_time now = atomic_fetch_add(&clock_ns, 20);
        if (infra_limit_table_take(table, &a, 1, now, NULL)) {
            atomic_fetch_add(&taken[id], 1);
        }
        if (infra_limit_take_shared(&rate, &shared_state, 1, now)) {
            atomic_fetch_add(&shared_taken, 1);
        }
        if (infra_limit_table_enter(table, &a, &ticket)) {
            if (atomic_fetch_add(&open_now[id], 1) >= CAP) {
                atomic_fetch_add(&over_cap, 1);
            }
            atomic_fetch_sub(&open_now[id], 1);
            if (infra_limit_table_leave(table, ticket) != INFRA_OK) {
                atomic_fetch_add(&over_cap, 1);
            }
        }
    }
    return NULL;
}

/* No source has more than its rate, its burst and what clocks apart allow, nor
 * more connections than its cap. */
START_TEST(limits_hold_for_all_threads_together)
{
    struct infra_limit_table_options o = { .size = sizeof o,
                                           .rate = &rate,
                                           .connections_max = CAP,
                                           .sources_max = 7 };
    struct infra_limit_table_status s = { .size = sizeof s };
    pthread_t threads[THREADS];

    ck_assert_int_eq(infra_limit_table_create(&table, &o), INFRA_OK);
    atomic_store(&clock_ns, 1);
    for (uintptr_t i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, run, (void *)i), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    }
    infra_time end = atomic_load(&clock_ns);
    ck_assert_int_eq(infra_limit_table_inspect(table, end, &s), INFRA_OK);
    ck_assert_uint_eq(s.connections, 0);
    ck_assert_uint_eq(atomic_load(&over_cap), 0);
    ck_assert_uint_le(atomic_load(&shared_taken), BURST + end / rate.interval);
    for (uint32_t i = 0; i < SOURCES; i++) {
        ck_assert_uint_gt(atomic_load(&taken[i]), 0);
    }
    infra_limit_table_destroy(table);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("limit_threads");
    TCase *tc = tcase_create("threads");

    tcase_add_test(tc, limits_hold_for_all_threads_together);
    suite_add_tcase(s, tc);
    return test_main(s);
}
