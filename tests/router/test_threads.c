/* SPDX-License-Identifier: MIT */
/* Control publishes while workers decide: for the thread sanitizer, and for
 * what a worker may see of a table. */
#include "group.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { WORKERS = 2, PUBLISHES = 2000 };

static struct group g;
static _Atomic int is_over;

struct worker {
    struct infra_router_reader *reader;
    uint64_t decisions;
    int wrong;
};

/* The primary of token n is node n % 2, so that a table is right or torn. */
static void *decide(void *arg)
{
    struct worker *w = arg;
    struct infra_statement write = { .kind = KIND(WRITE), .count = 1 };
    struct infra_statement read = { .kind = KIND(READ), .count = 1 };
    struct infra_session s;
    struct infra_verdict v;
    uint64_t token = 0;

    (void)infra_session_init(&s, NULL);
    do {
        (void)infra_session_route(&s, w->reader, &write, g.now, &v);
        w->wrong += v.kind != VERDICT(GO) || v.token < token ||
                    v.nodes != UINT64_C(1) << v.token % 2;
        token = v.token;
        (void)infra_session_route(&s, w->reader, &read, g.now, &v);
        w->wrong += v.kind != VERDICT(GO) || v.nodes != 4;
        w->decisions++;
    } while (!atomic_load_explicit(&is_over, memory_order_relaxed));
    return NULL;
}

/* Each decision is by one table, and tables only get newer. */
START_TEST(workers_decide_while_control_publishes)
{
    struct worker workers[WORKERS] = { { .reader = NULL } };
    pthread_t ids[WORKERS];

    group_start(&g, NULL, 2);
    group_set(&g, 0, INFRA_ROUTER_ROLE_NONE, 0);
    group_set(&g, 1, INFRA_ROUTER_ROLE_PRIMARY, 1);
    group_publish(&g);
    atomic_store(&is_over, 0);
    for (int i = 0; i < WORKERS; i++) {
        ck_assert_int_eq(
            infra_router_reader_create(&workers[i].reader, g.router), INFRA_OK);
        ck_assert_int_eq(pthread_create(&ids[i], NULL, decide, &workers[i]), 0);
    }
    for (uint64_t token = 2; token < PUBLISHES; token++) {
        group_set(&g, (uint32_t)(token % 2), INFRA_ROUTER_ROLE_PRIMARY, token);
        group_set(&g, (uint32_t)(1 - token % 2), INFRA_ROUTER_ROLE_NONE, 0);
        group_sample(&g, 2, 0, token);
        group_publish(&g);
        sched_yield();
    }
    atomic_store(&is_over, 1);
    for (int i = 0; i < WORKERS; i++) {
        ck_assert_int_eq(pthread_join(ids[i], NULL), 0);
        ck_assert_int_eq(workers[i].wrong, 0);
        ck_assert_uint_gt(workers[i].decisions, 0);
    }
    group_stop(&g);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("threads");
    TCase *tc = tcase_create("threads");

    tcase_set_timeout(tc, 300);
    tcase_add_test(tc, workers_decide_while_control_publishes);
    suite_add_tcase(s, tc);
    return test_main(s);
}
