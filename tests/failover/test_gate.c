/* SPDX-License-Identifier: MIT */
/* The gate that every worker asks, and the fence at the resource, alone and
 * with threads. */
#include "support.h"

#include "base/random.h"
#include "failover/internal.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

enum { TERMS = 1000000, WORKERS = 3 };

static struct infra_gate gate;
static struct infra_fence fence;

/* Zeroes are a gate that is shut, at any time. */
START_TEST(zeroes_are_shut)
{
    uint64_t token = 7;

    ck_assert(!infra_gate_is_open(&gate, 0, &token));
    ck_assert(!infra_gate_is_open(&gate, INFRA_TIME_NEVER, &token));
    ck_assert_uint_eq(token, 7);
}
END_TEST

/* It is open until the time that was set, and not at it. */
START_TEST(it_shuts_by_itself)
{
    uint64_t token = 7;

    infra__gate_set(&gate, 33, 1000, false);
    ck_assert(infra_gate_is_open(&gate, 0, &token));
    ck_assert_uint_eq(token, 33);
    ck_assert(infra_gate_is_open(&gate, 999, NULL));
    token = 7;
    ck_assert(!infra_gate_is_open(&gate, 1000, &token));
    ck_assert_uint_eq(token, 7);
}
END_TEST

/* It is set again for longer, for less long, and for another term. */
START_TEST(it_is_set_again)
{
    uint64_t token = 0;

    infra__gate_set(&gate, 33, 1000, false);
    infra__gate_set(&gate, 33, 2000, false);
    ck_assert(infra_gate_is_open(&gate, 1999, &token));
    infra__gate_set(&gate, 33, 1500, false);
    ck_assert(!infra_gate_is_open(&gate, 1500, &token));
    infra__gate_set(&gate, 34, 1400, false);
    ck_assert(infra_gate_is_open(&gate, 1399, &token));
    ck_assert_uint_eq(token, 34);
    infra__gate_shut(&gate);
    ck_assert(!infra_gate_is_open(&gate, 0, &token));
    infra__gate_set(&gate, 34, 1600, false);
    ck_assert(infra_gate_is_open(&gate, 1599, &token));
}
END_TEST

/* While it drains it is open, and admits nothing new. */
START_TEST(a_drain_admits_nothing)
{
    uint64_t token = 7;

    ck_assert(!infra_gate_admits(&gate, 0, &token));
    infra__gate_set(&gate, 33, 1000, false);
    ck_assert(infra_gate_admits(&gate, 999, &token));
    ck_assert_uint_eq(token, 33);
    token = 7;
    ck_assert(!infra_gate_admits(&gate, 1000, &token));
    infra__gate_set(&gate, 33, 2000, true);
    ck_assert(!infra_gate_admits(&gate, 0, &token));
    ck_assert_uint_eq(token, 7);
    ck_assert(infra_gate_is_open(&gate, 1999, NULL));
    infra__gate_shut(&gate);
    infra__gate_set(&gate, 34, 3000, false);
    ck_assert(infra_gate_admits(&gate, 2999, NULL));
    infra__gate_shut(&gate);
    ck_assert(!infra_gate_admits(&gate, 0, NULL));
}
END_TEST

/* The last attestation counts; more than one in a millisecond need not, so that
 * workers do not fight for the cache line. */
START_TEST(progress_is_attested)
{
    infra_gate_attest(&gate, INFRA_SEC(10));
    ck_assert_uint_eq(infra__gate_attested(&gate), INFRA_SEC(10));
    infra_gate_attest(&gate, INFRA_SEC(10) + INFRA_MS(1));
    ck_assert_uint_eq(infra__gate_attested(&gate), INFRA_SEC(10));
    infra_gate_attest(&gate, INFRA_SEC(10) + INFRA_MS(2));
    ck_assert_uint_eq(infra__gate_attested(&gate), INFRA_SEC(10) + INFRA_MS(2));
    infra_gate_attest(&gate, INFRA_SEC(10) + INFRA_US(1500));
    ck_assert_uint_eq(infra__gate_attested(&gate), INFRA_SEC(10) + INFRA_MS(2));
    infra_gate_attest(&gate, INFRA_SEC(3)); /* The clock went back. */
    ck_assert_uint_eq(infra__gate_attested(&gate), INFRA_SEC(3));
    ck_assert(!infra_gate_is_open(&gate, 0, NULL));
}
END_TEST

/* What admits tokens in this order answers so. */
static const struct {
    uint64_t token;
    int result;
} admissions[] = {
    { 0, INFRA_EINVAL },
    { 33, INFRA_OK },
    { 34, INFRA_OK },
    { 33, INFRA_ESTALE },
    { 34, INFRA_OK },
    { 0, INFRA_EINVAL },
    { 1, INFRA_ESTALE },
    { (uint64_t)1 << 63, INFRA_OK }, /* Tokens are unsigned. */
    { 35, INFRA_ESTALE },
    { UINT64_MAX, INFRA_OK },
    { UINT64_MAX - 1, INFRA_ESTALE },
    { UINT64_MAX, INFRA_OK },
};

/* The fence admits the greatest token so far, and greater ones. */
START_TEST(the_fence_compares_tokens)
{
    uint64_t greatest = 0;

    ck_assert_uint_eq(infra_fence_token(&fence), 0);
    for (size_t i = 0; i < sizeof admissions / sizeof admissions[0]; i++) {
        ck_assert_int_eq(infra_fence_admit(&fence, admissions[i].token),
                         admissions[i].result);
        if (admissions[i].result == INFRA_OK) {
            greatest = admissions[i].token;
        }
        ck_assert_uint_eq(infra_fence_token(&fence), greatest);
    }
}
END_TEST

/* The time of the threads below: term t is valid from 10 t to 10 t + 9, and its
 * token is t. */
static _Atomic uint64_t clock_of_all;

/* A worker: an open gate answers the token of the term that it is, by the time
 * that the worker asked with; or of one that ended after it had begun to
 * ask. */
static void *ask_the_gate(void *arg)
{
    uint64_t *seen = arg;
    uint64_t token = 0;

    for (;;) {
        uint64_t now =
            atomic_load_explicit(&clock_of_all, memory_order_acquire);
        if (now >= 10 * TERMS) {
            return NULL;
        }
        if (infra_gate_is_open(&gate, now, &token)) {
            uint64_t later =
                atomic_load_explicit(&clock_of_all, memory_order_acquire);
            if (token < now / 10 || token > later / 10) {
                *seen = UINT64_MAX; /* A token of another term. */
                return NULL;
            }
            ++*seen;
        }
        infra_gate_attest(&gate, now);
    }
}

/* Terms follow each other while workers ask: no worker ever sees the time of
 * one term with the token of a former one. */
START_TEST(workers_never_mix_terms)
{
    pthread_t threads[WORKERS];
    uint64_t seen[WORKERS] = { 0 };

    atomic_store(&clock_of_all, 10);
    for (int i = 0; i < WORKERS; i++) {
        ck_assert_int_eq(
            pthread_create(&threads[i], NULL, ask_the_gate, &seen[i]), 0);
    }
    for (uint64_t term = 1; term < TERMS; term++) {
        atomic_store_explicit(&clock_of_all, 10 * term, memory_order_release);
        infra__gate_set(&gate, term, 10 * term + 5, false);
        infra__gate_set(&gate, term, 10 * term + 9, false);
        atomic_store_explicit(&clock_of_all, 10 * term + 8,
                              memory_order_release);
        atomic_store_explicit(&clock_of_all, 10 * term + 9,
                              memory_order_release);
        if (term % 2 == 0) {
            infra__gate_shut(&gate);
        }
    }
    atomic_store_explicit(&clock_of_all, 10 * TERMS, memory_order_release);
    for (int i = 0; i < WORKERS; i++) {
        pthread_join(threads[i], NULL);
        ck_assert_uint_ne(seen[i], UINT64_MAX);
    }
}
END_TEST

/* The resource behind the fence: only an admitted thread writes. */
static _Atomic uint64_t admitted[WORKERS];

static void *pass_the_fence(void *arg)
{
    uint32_t me = *(const uint32_t *)arg;
    uint64_t random = me;

    for (uint64_t i = 1; i < TERMS; i++) {
        uint64_t token = i + infra__below(infra__random(&random), 10);
        if (infra_fence_admit(&fence, token) == INFRA_OK) {
            atomic_store_explicit(&admitted[me], token, memory_order_relaxed);
        }
        if (infra_fence_token(&fence) <
            atomic_load_explicit(&admitted[me], memory_order_relaxed)) {
            atomic_store_explicit(&admitted[me], UINT64_MAX,
                                  memory_order_relaxed);
            break;
        }
    }
    return NULL;
}

/* The greatest token only grows, and it is one that was admitted, whatever
 * tokens come. */
START_TEST(the_fence_only_rises)
{
    pthread_t threads[WORKERS];
    uint32_t ids[WORKERS];
    uint64_t greatest = 0;

    for (uint32_t i = 0; i < WORKERS; i++) {
        ids[i] = i;
        ck_assert_int_eq(
            pthread_create(&threads[i], NULL, pass_the_fence, &ids[i]), 0);
    }
    for (int i = 0; i < WORKERS; i++) {
        pthread_join(threads[i], NULL);
        uint64_t last = atomic_load(&admitted[i]);
        greatest = last > greatest ? last : greatest;
    }
    ck_assert_uint_eq(infra_fence_token(&fence), greatest);
}
END_TEST

static void setup(void)
{
    gate = (struct infra_gate) { { 0 } };
    fence = (struct infra_fence) { { 0 } };
}

int main(void)
{
    Suite *suite = suite_create("gate");
    TCase *alone = tcase_create("alone");
    TCase *threads = tcase_create("threads");

    tcase_add_checked_fixture(alone, setup, NULL);
    tcase_add_test(alone, zeroes_are_shut);
    tcase_add_test(alone, it_shuts_by_itself);
    tcase_add_test(alone, it_is_set_again);
    tcase_add_test(alone, a_drain_admits_nothing);
    tcase_add_test(alone, progress_is_attested);
    tcase_add_test(alone, the_fence_compares_tokens);
    suite_add_tcase(suite, alone);

    tcase_add_checked_fixture(threads, setup, NULL);
    tcase_add_test(threads, workers_never_mix_terms);
    tcase_add_test(threads, the_fence_only_rises);
    suite_add_tcase(suite, threads);
    return test_main(suite);
}
