/* SPDX-License-Identifier: MIT */
/* Prequal as a host meets it: what answers do to picks, and the options. Whom
 * it probes is in test_prequal_probes.c. */
#include "prequal_pool.h"

#include "base/random.h"

#include <string.h>

/* Picks without answers are those of two choices, one by one. */
START_TEST(without_answers_it_is_two_choices)
{
    static const uint32_t weights[] = { 5, 1, 3, 2, 9 };
    struct infra_ticket held[2][8];
    int ids[2][300];

    for (int run = 0; run < 2; run++) {
        struct infra_balancer_options o = {
            .size = sizeof o,
            .policy = run == 0 ? infra_balancer_prequal()
                               : infra_balancer_two_choices(),
        };
        pool_open(&pool, &o);
        pool_fill(&pool, 5, weights);
        for (int i = 0; i < 300; i++) {
            struct infra_ticket *t = &held[run][i % 8];
            if (i >= 8) {
                ck_assert_int_eq(infra_balancer_release(pool.reader, t, 0, 0),
                                 0);
            }
            ids[run][i] = pool_pick(&pool, NULL, t);
            (void)ask(0);
        }
        for (int i = 0; i < 8; i++) {
            ck_assert_int_eq(
                infra_balancer_release(pool.reader, &held[run][i], 0, 0), 0);
        }
        pool_close(&pool);
    }
    ck_assert_int_eq(memcmp(ids[0], ids[1], sizeof ids[0]), 0);
}
END_TEST

/* The backend with the least latency, whatever its weight, until it is hot;
 * then the next. */
START_TEST(answers_decide)
{
    static const uint32_t weights[] = { 1, 1000, 1000, 1000 };
    struct infra_prequal_options o = options();

    o.removals_percent = 1;
    open_pool(&o);
    pool_fill(&pool, 4, weights);
    for (uint32_t id = 0; id < 4; id++) {
        ck_assert_int_eq(answer(id, id == 3 ? 5 : 2, INFRA_MS(1 + id), 0), 0);
    }
    /* The percentile of 2, 2, 2, 5 is 5: from 6 on it is hot. */
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(pool_once(&pool, NULL), 0);
    }
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(pool_once(&pool, NULL), 1);
    }
    ck_assert_int_eq(pool_once(&pool, NULL), 2);
    pool_close(&pool);
}
END_TEST

/* With 1 the work in flight decides, with 100 the latency. */
START_TEST(the_percentile_weighs_load_against_latency)
{
    struct infra_prequal_options o = options();

    o.hot_percentile = _i == 0 ? 1 : 100;
    open_pool(&o);
    pool_fill(&pool, 3, NULL);
    ck_assert_int_eq(answer(0, 9, INFRA_MS(1), 0), 0);
    ck_assert_int_eq(answer(1, 1, INFRA_MS(9), 0), 0);
    ck_assert_int_eq(answer(2, 5, INFRA_MS(5), 0), 0);
    ck_assert_int_eq(pool_once(&pool, NULL), _i == 0 ? 1 : 0);
    pool_close(&pool);
}
END_TEST

/* By default the 84th percentile is the last that is cold: of 6 all, of 19 the
 * 16th. */
START_TEST(the_default_percentile_is_the_papers)
{
    static const uint32_t counts[] = { 6, 19 };
    static const int expected[] = { 5, 15 };
    uint32_t count = counts[_i];

    open_pool(NULL);
    pool_fill(&pool, count, NULL);
    for (uint32_t id = 0; id < count; id++) {
        /* The more in flight the faster. */
        ck_assert_int_eq(answer(id, id, INFRA_MS(count - id), id), 0);
    }
    ck_assert_int_eq(pool_once(&pool, NULL), expected[_i]);
    pool_close(&pool);
}
END_TEST

/* From a microsecond on latencies differ, and the longest is no short one. */
START_TEST(latencies_have_a_resolution)
{
    open_pool(NULL);
    pool_fill(&pool, 3, NULL);
    ck_assert_int_eq(answer(0, 0, (infra_time)1 << 42, 0), 0);
    ck_assert_int_eq(answer(1, 0, INFRA_US(5), 0), 0);
    ck_assert_int_eq(answer(2, 0, INFRA_US(3), 0), 0);
    ck_assert_int_eq(pool_once(&pool, NULL), 2);
    ck_assert_int_eq(answer(1, 0, INFRA_TIME_NEVER, 0), 0);
    ck_assert_int_eq(answer(2, 0, INFRA_SEC(1), 0), 0);
    ck_assert_int_eq(pool_once(&pool, NULL), 2);
    pool_close(&pool);
}
END_TEST

/* A full backend is not picked, however good its answer. */
START_TEST(caps_hold)
{
    struct infra_ticket t[3];

    open_pool(NULL);
    for (uint32_t id = 0; id < 3; id++) {
        ck_assert_int_eq(pool_set(&pool, id, 1, 0, 1), 0);
    }
    pool_publish(&pool);
    for (uint32_t id = 0; id < 3; id++) {
        ck_assert_int_eq(answer(id, 0, INFRA_MS(id), 0), 0);
    }
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(pool_pick(&pool, NULL, &t[i]), i);
    }
    ck_assert_int_eq(pool_once(&pool, NULL), INFRA_EFULL);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(infra_balancer_release(pool.reader, &t[i], 0, 0), 0);
    }
    pool_close(&pool);
}
END_TEST

/* Removed by picks: of four answers the oldest, and then the worst. */
START_TEST(picks_thin_the_pool)
{
    open_pool(NULL);
    pool_fill(&pool, 4, NULL);
    /* The best is the oldest. */
    for (uint32_t id = 0; id < 4; id++) {
        ck_assert_int_eq(answer(id, 5 * (id > 0), INFRA_MS(id), id), 0);
    }
    ck_assert_int_eq(pool_once(&pool, NULL), 0);
    ck_assert_int_eq(pool_once(&pool, NULL), 1);
    pool_close(&pool);
}
END_TEST

/* The mean number of picks that one answer is good for, in thousandths. */
static uint32_t mean_uses(uint32_t backends,
                          const struct infra_prequal_options *o)
{
    enum { TRIALS = 4000 };
    uint32_t uses = 0;

    open_pool(o);
    pool_fill(&pool, backends, NULL);
    for (uint32_t i = 0; i < TRIALS; i++) {
        /* The best is neither the oldest nor the worst, to be removed, and not
         * hot for long. */
        ck_assert_int_eq(answer(1, 100, INFRA_MS(1), 2 * i), 0);
        ck_assert_int_eq(answer(2, 100, INFRA_MS(1), 2 * i), 0);
        ck_assert_int_eq(answer(0, 0, 0, 2 * i + 1), 0);
        while (pool_once(&pool, NULL) == 0) {
            uses++;
        }
    }
    pool_close(&pool);
    return (uint32_t)((uint64_t)uses * 1000 / TRIALS);
}

/* (1 + delta) / ((1 - m / n) r_probe - r_remove), one at least; 16 where the
 * pool does not keep enough. */
START_TEST(answers_are_reused_by_the_paper)
{
    static const struct {
        uint32_t backends, probes, removals, reuse, size, uses;
    } rows[] = {
        { 100, 300, 100, 0, 16, 1316 }, /* 2 / (0.84 * 3 - 1) */
        { 100, 0, 0, 0, 0, 1316 },      /* The same by default. */
        { 100, 300, 100, 200, 16, 1974 },
        { 100, 300, 100, 1, 16, 1000 }, /* Less than one. */
        { 100, 300, 100, 1000, 16, 7237 },
        { 100, 300, 100, 10000, 16, 16000 },
        { 100, 300, 1, 0, 16, 1000 },
        { 100, 300, 200, 0, 16, 3846 },
        { 100, 200, 100, 0, 2, 2083 },
        { 100, 200, 100, 0, 32, 5556 },
        { 24, 300, 100, 0, 16, 16000 }, /* A denominator of 0, */
        { 10, 300, 100, 0, 16, 16000 }, /* and one below. */
        { 25, 300, 100, 0, 16, 16000 }, /* 2 / 0.08 is more. */
        { 30, 300, 100, 0, 16, 5000 },
    };
    struct infra_prequal_options o = options();

    o.hot_percentile = 100;
    o.probes_percent = rows[_i].probes;
    o.removals_percent = rows[_i].removals;
    o.reuse_percent = rows[_i].reuse;
    o.pool_size = rows[_i].size;
    uint32_t uses = mean_uses(rows[_i].backends, &o);
    ck_assert_msg(uses >= rows[_i].uses * 97 / 100 &&
                      uses <= rows[_i].uses * 103 / 100,
                  "row %d: %u", _i, (unsigned)uses);
}
END_TEST

/* Same seed, same answers: same probes and picks. */
START_TEST(the_seed_decides)
{
    struct infra_balancer_probe all[2][300];
    int ids[2][100];

    memset(all, 0, sizeof all);
    for (int run = 0; run < 2; run++) {
        open_pool(NULL);
        pool_fill(&pool, 64, NULL);
        for (int i = 0; i < 100; i++) {
            ids[run][i] = pool_once(&pool, NULL);
            int count = ask(0);
            ck_assert_int_eq(count, 3);
            for (int k = 0; k < count; k++) {
                uint32_t id = probes[k].id;
                all[run][3 * i + k] = probes[k];
                ck_assert_int_eq(answer(id, id % 5, id * 1000 % 7777, 0), 0);
            }
        }
        pool_close(&pool);
    }
    ck_assert_int_eq(memcmp(all[0], all[1], sizeof all[0]), 0);
    ck_assert_int_eq(memcmp(ids[0], ids[1], sizeof ids[0]), 0);
}
END_TEST

/* Other policies have no questions and take no answers. */
START_TEST(other_policies_do_not_probe)
{
    pool_open(&pool, NULL);
    pool_fill(&pool, 3, NULL);
    ck_assert_int_ge(pool_once(&pool, NULL), 0);
    ck_assert_int_eq(ask(INFRA_SEC(9)), 0);
    ck_assert_int_eq(answer(0, 0, 0, 0), INFRA_EINVAL);
    pool_close(&pool);
}
END_TEST

START_TEST(null_arguments_are_refused)
{
    struct infra_balancer_probe probe = { .id = 0 };

    open_pool(NULL);
    pool_fill(&pool, 3, NULL);
    ck_assert_int_eq(infra_balancer_probes_next(NULL, 0, &probe, 1),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_balancer_probes_next(pool.reader, 0, NULL, 1),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_balancer_probe_answer(NULL, &probe, 0, 0, 0),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_balancer_probe_answer(pool.reader, NULL, 0, 0, 0),
                     INFRA_EINVAL);
    pool_close(&pool);
}
END_TEST

static int create_with(const void *policy_options)
{
    struct infra_balancer_options o = { .size = sizeof o,
                                        .policy = infra_balancer_prequal(),
                                        .policy_options = policy_options };
    struct infra_balancer *b = NULL;
    int err = infra_balancer_create(&b, &o);

    ck_assert((err == INFRA_OK) == (b != NULL));
    infra_balancer_destroy(b);
    return err;
}

/* Each option has its range, and the struct may be of another age. */
START_TEST(options_have_ranges)
{
    static const struct infra_prequal_options good[] = {
        { .probes_percent = 3200 },
        { .removals_percent = 3200 },
        { .reuse_percent = 10000 },
        { .pool_size = 2 },
        { .pool_size = 32 },
        { .hot_percentile = 100 },
        { .age_max = INFRA_TIME_NEVER }
    };
    static const struct infra_prequal_options bad[] = {
        { .probes_percent = 3201 }, { .removals_percent = 3201 },
        { .reuse_percent = 10001 }, { .pool_size = 1 },
        { .pool_size = 33 },        { .hot_percentile = 101 },
        { .reserved = 1 }
    };
    struct {
        struct infra_prequal_options o;
        uint64_t more;
    } newer = { .o = { .size = sizeof newer } };

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct infra_prequal_options o = good[i];
        o.size = sizeof o;
        ck_assert_int_eq(create_with(&o), INFRA_OK);
        o = bad[i];
        o.size = sizeof o;
        ck_assert_int_eq(create_with(&o), INFRA_EINVAL);
    }
    ck_assert_int_eq(create_with(NULL), INFRA_OK);
    ck_assert_int_eq(create_with(&newer), INFRA_OK);
    newer.more = 1;
    ck_assert_int_eq(create_with(&newer), INFRA_ESTRUCT);
    newer.o.size = 8;
    ck_assert_int_eq(create_with(&newer), INFRA_EINVAL);
}
END_TEST

/* Answers are good for a second unless the option says otherwise. */
START_TEST(age_is_an_option)
{
    struct infra_prequal_options o = options();

    o.removals_percent = 1;
    o.age_max = _i == 0 ? 0 : INFRA_MS(10);
    infra_time age = _i == 0 ? INFRA_SEC(1) : INFRA_MS(10);
    open_pool(&o);
    pool_fill(&pool, 3, NULL);
    for (uint32_t id = 0; id < 3; id++) {
        ck_assert_int_eq(answer(id, 5 * (id > 0), id, INFRA_SEC(7)), 0);
    }
    struct infra_ticket busy, t;
    uint64_t word = 1;
    struct infra_set set = { .words = &word, .ids_max = 64 };
    struct infra_request q = { .eligible = &set };
    ck_assert_int_eq(pool_pick(&pool, &q, &busy), 0);
    ck_assert_int_eq(
        infra_balancer_pick(pool.reader, NULL, INFRA_SEC(7) + age, &t), 0);
    ck_assert_int_eq(infra_balancer_release(pool.reader, &t, 0, 0), 0);
    /* Two choices pass the busy one over. */
    ck_assert_int_ne(
        infra_balancer_pick(pool.reader, NULL, INFRA_SEC(7) + age + 1, &t), 0);
    ck_assert_int_eq(infra_balancer_release(pool.reader, &t, 0, 0), 0);
    ck_assert_int_eq(infra_balancer_release(pool.reader, &busy, 0, 0), 0);
    pool_close(&pool);
}
END_TEST

/* A reader takes all of its memory when it is made, or nothing. */
START_TEST(every_allocation_may_fail)
{
    int made = 0;

    for (long countdown = 0; made == 0; countdown++) {
        struct infra_balancer_reader *reader = NULL;
        struct infra_ticket t;
        open_pool(NULL);
        pool_fill(&pool, 2, NULL);
        infra_balancer_refresh(pool.reader);
        long live = pool.heap.live;
        pool.heap.countdown = countdown;
        int err = infra_balancer_reader_create(&reader, pool.balancer);
        pool.heap.countdown = -1;
        made = err == INFRA_OK;
        ck_assert(made || (err == INFRA_ENOMEM && reader == NULL));
        ck_assert(made || pool.heap.live == live);
        if (made) {
            ck_assert_int_ge(infra_balancer_pick(reader, NULL, 0, &t), 0);
            ck_assert_int_eq(infra_balancer_release(reader, &t, 0, 0), 0);
        }
        infra_balancer_reader_destroy(reader);
        pool_close(&pool);
        ck_assert_int_lt(countdown, 10);
    }
}
END_TEST

/* A host's own policy: memory of odd size, zeroed, its own per reader and tier,
 * and kept. */
struct odd {
    unsigned char count, padding[12];
};

static uint32_t pick_odd(const void *table, uint64_t state[4],
                         const struct infra_balancer_candidates *c,
                         uint64_t hash)
{
    struct odd *odd = infra_candidates_memory(c);

    (void)table;
    (void)state;
    (void)hash;
    ck_assert_uint_eq((uintptr_t)odd % 16, 0);
    ck_assert_uint_eq(odd->padding[11], odd->count);
    odd->padding[11] = ++odd->count;
    return odd->count % infra_candidates_count(c);
}

static size_t no_table(const struct infra_balancer_candidates *c)
{
    ck_assert_ptr_null(infra_candidates_memory(c));
    return 0;
}

START_TEST(a_policy_may_have_memory)
{
    struct infra_balancer_policy policy = { .size = sizeof policy,
                                            .name = "odd",
                                            .table_size = no_table,
                                            .pick = pick_odd,
                                            .memory_size = sizeof(struct odd) };
    struct infra_balancer_options o = { .size = sizeof o, .policy = &policy };
    struct infra_balancer_reader *second = NULL;
    struct infra_balancer *b = NULL;
    uint64_t word = 3u << 2;
    struct infra_set spare = { .words = &word, .ids_max = 64 };
    struct infra_request q = { .eligible = &spare };
    struct infra_ticket t;

    pool_open(&pool, &o);
    for (uint32_t id = 0; id < 4; id++) {
        ck_assert_int_eq(pool_set(&pool, id, 1, id / 2, 0), 0);
    }
    pool_publish(&pool);
    ck_assert_int_eq(infra_balancer_reader_create(&second, pool.balancer), 0);
    ck_assert_int_eq(pool_once(&pool, NULL), 1);
    ck_assert_int_eq(pool_once(&pool, &q), 3); /* The first tier was asked. */
    ck_assert_int_eq(pool_once(&pool, NULL), 1);
    ck_assert_int_eq(pool_once(&pool, NULL), 0);
    ck_assert_int_eq(infra_balancer_pick(second, NULL, 0, &t), 1);
    ck_assert_int_eq(infra_balancer_release(second, &t, 0, 0), 0);
    infra_balancer_reader_destroy(second);
    pool_close(&pool);
    policy.memory_size = (1u << 20) + 1;
    ck_assert_int_eq(infra_balancer_create(&b, &o), INFRA_EINVAL);
}
END_TEST

static Suite *prequal_suite(void)
{
    Suite *s = suite_create("prequal");
    TCase *tc = tcase_create("picks");
    tcase_add_test(tc, without_answers_it_is_two_choices);
    tcase_add_test(tc, answers_decide);
    tcase_add_loop_test(tc, the_percentile_weighs_load_against_latency, 0, 2);
    tcase_add_loop_test(tc, the_default_percentile_is_the_papers, 0, 2);
    tcase_add_test(tc, latencies_have_a_resolution);
    tcase_add_test(tc, caps_hold);
    tcase_add_test(tc, picks_thin_the_pool);
    tcase_add_loop_test(tc, answers_are_reused_by_the_paper, 0, 14);
    tcase_add_loop_test(tc, age_is_an_option, 0, 2);
    tcase_add_test(tc, the_seed_decides);
    suite_add_tcase(s, tc);

    tc = tcase_create("contract");
    tcase_add_test(tc, other_policies_do_not_probe);
    tcase_add_test(tc, null_arguments_are_refused);
    tcase_add_test(tc, options_have_ranges);
    tcase_add_test(tc, every_allocation_may_fail);
    tcase_add_test(tc, a_policy_may_have_memory);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(prequal_suite());
}
