/* SPDX-License-Identifier: MIT */
/* What a pick respects, with every policy: availability, the eligible set, the
 * tried ids, tiers, caps; the four errors; and tickets. */
#include "pool.h"

#include "base/random.h"

#include <string.h>

static const struct infra_balancer_policy *policy(int index)
{
    return infra_balancer_policy_by_name(
        infra_balancer_policy_name((uint32_t)index));
}

static struct pool pool;

static void open_pool(int policy_index, uint32_t spill)
{
    struct infra_balancer_options o = { .size = sizeof o,
                                        .policy = policy(policy_index),
                                        .spill = spill };

    pool_open(&pool, &o);
}

/* None up, none eligible, none untried, none with room: in this order. */
START_TEST(finding_nobody_has_four_names)
{
    uint64_t none = 0;
    struct infra_set empty = { .words = &none, .ids_max = 64 };
    const uint32_t both[] = { 0, 1 };
    struct infra_request q = { 0 };
    struct infra_ticket t[2];

    open_pool(_i, INFRA_BALANCER_SPILL_DOWN);
    ck_assert_int_eq(pool_once(&pool, NULL), INFRA_ENONE);
    ck_assert_int_eq(pool_set(&pool, 0, 1, 0, 1), 0);
    ck_assert_int_eq(pool_set(&pool, 1, 1, 0, 1), 0);
    pool_publish(&pool);
    q.eligible = &empty;
    ck_assert_int_eq(pool_once(&pool, &q), INFRA_EINELIGIBLE);
    q = (struct infra_request) { .tried = both, .tried_count = 2 };
    ck_assert_int_eq(pool_once(&pool, &q), INFRA_ETRIED);
    ck_assert_int_ge(pool_pick(&pool, NULL, &t[0]), 0);
    ck_assert_int_ge(pool_pick(&pool, NULL, &t[1]), 0);
    ck_assert_int_eq(pool_once(&pool, NULL), INFRA_EFULL);
    ck_assert_int_eq(pool_once(&pool, &q), INFRA_ETRIED);
    q.tried_count = 1; /* The other one is full. */
    ck_assert_int_eq(pool_once(&pool, &q), INFRA_EFULL);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(infra_balancer_release(pool.reader, &t[i], 0, 0), 0);
    }
    pool_mark(&pool, 0, INFRA_BALANCER_AXIS_HEALTH, INFRA_BALANCER_STATE_DOWN);
    pool_mark(&pool, 1, INFRA_BALANCER_AXIS_ADMIN,
              INFRA_BALANCER_STATE_DRAINING);
    pool_publish(&pool);
    ck_assert_int_eq(pool_once(&pool, NULL), INFRA_ENONE);
    pool_close(&pool);
}
END_TEST

/* A tier passes the traffic on when none of its backends is up, eligible and
 * untried. */
START_TEST(the_passive_tier_takes_over_and_gives_back)
{
    uint64_t word = 1u << 2;
    struct infra_set spare_only = { .words = &word, .ids_max = 64 };
    const uint32_t tried[] = { 0, 1 };
    struct infra_request eligible = { .eligible = &spare_only };
    struct infra_request retry = { .tried = tried, .tried_count = 2 };

    open_pool(_i, INFRA_BALANCER_SPILL_DOWN);
    ck_assert_int_eq(pool_set(&pool, 0, 1, 0, 0), 0);
    ck_assert_int_eq(pool_set(&pool, 1, 1, 0, 0), 0);
    ck_assert_int_eq(pool_set(&pool, 2, 1, 7, 0), 0);
    pool_publish(&pool);
    for (int i = 0; i < 20; i++) {
        ck_assert_int_lt(pool_once(&pool, NULL), 2);
    }
    ck_assert_int_eq(pool_once(&pool, &eligible), 2);
    ck_assert_int_eq(pool_once(&pool, &retry), 2);
    pool_mark(&pool, 0, INFRA_BALANCER_AXIS_HEALTH, INFRA_BALANCER_STATE_DOWN);
    pool_publish(&pool);
    ck_assert_int_eq(pool_once(&pool, NULL), 1);
    pool_mark(&pool, 1, INFRA_BALANCER_AXIS_HEALTH, INFRA_BALANCER_STATE_DOWN);
    pool_publish(&pool);
    ck_assert_int_eq(pool_once(&pool, NULL), 2);
    pool_mark(&pool, 1, INFRA_BALANCER_AXIS_HEALTH, INFRA_BALANCER_STATE_UP);
    pool_publish(&pool);
    ck_assert_int_eq(pool_once(&pool, NULL), 1);
    pool_close(&pool);
}
END_TEST

/* On full the next tier is asked only by option. */
START_TEST(full_tiers_spill_by_option)
{
    struct infra_ticket t[2];

    open_pool(_i % policies_count(), _i < policies_count()
                                         ? INFRA_BALANCER_SPILL_DOWN
                                         : INFRA_BALANCER_SPILL_FULL);
    ck_assert_int_eq(pool_set(&pool, 0, 1, 0, 1), 0);
    ck_assert_int_eq(pool_set(&pool, 1, 1, 1, 1), 0);
    pool_publish(&pool);
    ck_assert_int_eq(pool_pick(&pool, NULL, &t[0]), 0);
    int second = pool_pick(&pool, NULL, &t[1]);
    ck_assert_int_eq(second, _i < policies_count() ? INFRA_EFULL : 1);
    ck_assert_int_eq(pool_once(&pool, NULL), INFRA_EFULL);
    ck_assert_int_eq(infra_balancer_release(pool.reader, &t[0], 0, 0), 0);
    if (second == 1) {
        ck_assert_int_eq(infra_balancer_release(pool.reader, &t[1], 0, 0), 0);
    }
    ck_assert_int_eq(pool_once(&pool, NULL), 0);
    pool_close(&pool);
}
END_TEST

/* A degraded backend serves when no healthy one of its tier can, and before any
 * of the next tier. */
START_TEST(degraded_stands_between_healthy_and_next_tier)
{
    const uint32_t tried[] = { 0, 1 };
    struct infra_request retry = { .tried = tried };

    open_pool(_i, INFRA_BALANCER_SPILL_DOWN);
    for (uint32_t id = 0; id < 3; id++) {
        ck_assert_int_eq(pool_set(&pool, id, 1, id / 2, 0), 0);
    }
    pool_mark(&pool, 1, INFRA_BALANCER_AXIS_PASSIVE,
              INFRA_BALANCER_STATE_DEGRADED);
    pool_publish(&pool);
    for (retry.tried_count = 0; retry.tried_count < 3; retry.tried_count++) {
        ck_assert_int_eq(pool_once(&pool, &retry), (int)retry.tried_count);
    }
    pool_close(&pool);
}
END_TEST

/* A naive model of the backends that may be picked, for the property below. */
struct model {
    uint32_t tier[12];
    uint32_t state[12];
    uint32_t cap[12];
    uint32_t in_flight[12];
    int present[12];
};

static int allowed_rank(const struct model *m, uint32_t id,
                        const struct infra_request *q, int ignore_cap)
{
    if (!m->present[id] || m->state[id] > INFRA_BALANCER_STATE_DEGRADED ||
        (q->eligible != NULL && !infra_set_has(q->eligible, id)) ||
        (!ignore_cap && m->cap[id] > 0 && m->in_flight[id] >= m->cap[id])) {
        return INT32_MAX;
    }
    for (uint32_t i = 0; i < q->tried_count; i++) {
        if (q->tried[i] == id) {
            return INT32_MAX;
        }
    }
    return (int)(2 * m->tier[id] +
                 (m->state[id] == INFRA_BALANCER_STATE_DEGRADED));
}

static void check_pick(const struct model *m, const struct infra_request *q,
                       int got, uint32_t spill)
{
    int best = INT32_MAX, best_wanted = INT32_MAX;

    for (uint32_t id = 0; id < 12; id++) {
        int rank = allowed_rank(m, id, q, 0);
        int wanted = allowed_rank(m, id, q, 1);
        best = rank < best ? rank : best;
        best_wanted = wanted < best_wanted ? wanted : best_wanted;
    }
    if (spill == INFRA_BALANCER_SPILL_DOWN && best_wanted < best) {
        ck_assert_int_eq(got, INFRA_EFULL);
    } else if (best == INT32_MAX) {
        ck_assert_int_lt(got, 0);
    } else {
        ck_assert_int_ge(got, 0);
        ck_assert_int_eq(allowed_rank(m, (uint32_t)got, q, 0), best);
    }
}

static void change_something(struct model *m, uint64_t *random)
{
    uint32_t id = infra__below(infra__random(random), 12);
    uint64_t r = infra__random(random);

    if (r % 3 == 0 && m->present[id]) {
        ck_assert_int_eq(infra_balancer_remove(pool.balancer, id), 0);
        m->present[id] = 0;
    } else if (r % 3 == 1 || !m->present[id]) {
        m->state[id] = m->present[id] ? m->state[id] : INFRA_BALANCER_STATE_UP;
        m->present[id] = 1;
        m->tier[id] = (uint32_t)(r >> 8) % 3;
        /* Capped from the start or never, so that the count is exact. */
        ck_assert_int_eq(pool_set(&pool, id, 1 + (uint32_t)(r >> 16) % 5,
                                  m->tier[id], m->cap[id]),
                         0);
    } else {
        m->state[id] = (uint32_t)(r >> 8) % 4;
        pool_mark(&pool, id, INFRA_BALANCER_AXIS_HEALTH, m->state[id]);
    }
    pool_publish(&pool);
}

/* Over random changes, restrictions and work: never a backend that is down,
 * drained, not eligible, tried or full, always the best tier, and in the end
 * nothing is in flight. */
START_TEST(picks_agree_with_the_model)
{
    uint32_t spill =
        _i % 2 ? INFRA_BALANCER_SPILL_FULL : INFRA_BALANCER_SPILL_DOWN;
    struct infra_ticket out[64];
    int out_ids[64];
    struct model m = { .cap = { 0, 1, 2, 0, 3, 1, 0, 2, 1, 0, 5, 1 } };
    uint64_t random = (uint64_t)_i + 1;
    uint32_t tried[3];
    uint64_t word;
    uint32_t out_count = 0;

    open_pool(_i % policies_count(), spill);
    for (int step = 0; step < 4000; step++) {
        struct infra_set set = { .words = &word, .ids_max = 64 };
        struct infra_request q = { .tried = tried,
                                   .hash = infra__random(&random) };
        uint64_t r = infra__random(&random);

        if (r % 8 == 0) {
            change_something(&m, &random);
        }
        word = infra__random(&random);
        q.eligible = r & 0x100 ? &set : NULL;
        q.tried_count = (uint32_t)(r >> 16) % 4;
        for (uint32_t i = 0; i < q.tried_count; i++) {
            tried[i] = infra__below(infra__random(&random), 12);
        }
        int id = pool_pick(&pool, &q, &out[out_count]);
        check_pick(&m, &q, id, spill);
        if (id >= 0) {
            m.in_flight[id]++;
            out_ids[out_count++] = id;
        }
        if (out_count == 64 || (out_count > 0 && r & 0x1000000)) {
            uint32_t k = infra__below(infra__random(&random), out_count);
            m.in_flight[out_ids[k]]--;
            ck_assert_int_eq(infra_balancer_release(pool.reader, &out[k], 0, 0),
                             0);
            out[k] = out[--out_count];
            out_ids[k] = out_ids[out_count];
        }
    }
    while (out_count > 0) {
        ck_assert_int_eq(infra_balancer_release(pool.reader, &out[--out_count],
                                                INFRA_OUTCOME_ERROR, 0),
                         0);
    }
    for (uint32_t id = 0; id < 12; id++) {
        ck_assert_int_eq(pool_set(&pool, id, 1, 0, m.cap[id]), 0);
        pool_mark(&pool, id, INFRA_BALANCER_AXIS_HEALTH,
                  INFRA_BALANCER_STATE_UP);
        ck_assert_uint_eq(pool_in_flight(&pool, id), 0);
    }
    pool_publish(&pool);
    /* The shared counters are back at zero too: every place can be taken. */
    for (uint32_t id = 0; id < 12; id++) {
        struct infra_request q = { .eligible = &(struct infra_set) {
                                       .words = &word, .ids_max = 64 } };
        word = (uint64_t)1 << id;
        for (uint32_t i = 0; i < m.cap[id]; i++) {
            ck_assert_int_eq(pool_pick(&pool, &q, &out[out_count++]), (int)id);
        }
        if (m.cap[id] > 0) {
            ck_assert_int_eq(pool_once(&pool, &q), INFRA_EFULL);
        }
    }
    while (out_count > 0) {
        ck_assert_int_eq(
            infra_balancer_release(pool.reader, &out[--out_count], 0, 0), 0);
    }
    pool_close(&pool);
}
END_TEST

/* A ticket is good once, at its own balancer. */
START_TEST(a_ticket_is_good_once)
{
    struct infra_balancer *other = NULL;
    struct infra_balancer_reader *stranger = NULL;
    struct infra_ticket t, zero = { { 0 } };

    open_pool(_i, INFRA_BALANCER_SPILL_DOWN);
    pool_fill(&pool, 1, NULL);
    ck_assert_int_eq(infra_balancer_create(&other, NULL), 0);
    ck_assert_int_eq(infra_balancer_reader_create(&stranger, other), 0);
    ck_assert_int_eq(pool_pick(&pool, NULL, &t), 0);
    ck_assert_int_eq(infra_balancer_release(stranger, &t, 0, 0), INFRA_EINVAL);
    ck_assert_int_eq(infra_balancer_report(stranger, &t, 0, 0), INFRA_EINVAL);
    ck_assert_int_eq(infra_balancer_report(pool.reader, &t, 99, 0),
                     INFRA_EINVAL);
    ck_assert_uint_eq(pool_in_flight(&pool, 0), 1);
    ck_assert_int_eq(infra_balancer_release(pool.reader, &t, 0, 0), INFRA_OK);
    ck_assert_int_eq(memcmp(&t, &zero, sizeof t), 0);
    ck_assert_int_eq(infra_balancer_release(pool.reader, &t, 0, 0),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_balancer_report(pool.reader, &t, 0, 0),
                     INFRA_EINVAL);
    ck_assert_uint_eq(pool_in_flight(&pool, 0), 0);
    infra_balancer_reader_destroy(stranger);
    infra_balancer_destroy(other);
    pool_close(&pool);
}
END_TEST

START_TEST(null_arguments_are_refused)
{
    struct infra_request q = { .tried_count = 1 };
    struct infra_ticket t;

    open_pool(0, INFRA_BALANCER_SPILL_DOWN);
    pool_fill(&pool, 1, NULL);
    ck_assert_int_eq(infra_balancer_pick(NULL, NULL, 0, &t), INFRA_EINVAL);
    ck_assert_int_eq(infra_balancer_pick(pool.reader, NULL, 0, NULL),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_balancer_pick(pool.reader, &q, 0, &t), INFRA_EINVAL);
    ck_assert_int_eq(infra_balancer_release(NULL, &t, 0, 0), INFRA_EINVAL);
    ck_assert_int_eq(infra_balancer_release(pool.reader, NULL, 0, 0),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_balancer_report(pool.reader, NULL, 0, 0),
                     INFRA_EINVAL);
    infra_balancer_refresh(NULL);
    infra_balancer_reader_destroy(NULL);
    infra_balancer_destroy(NULL);
    pool_close(&pool);
}
END_TEST

/* Same seed, same calls: same picks; another seed starts elsewhere. */
START_TEST(picks_follow_the_seed)
{
    int sequence[3][64];

    for (int run = 0; run < 3; run++) {
        struct infra_balancer_options o = { .size = sizeof o,
                                            .policy = policy(_i),
                                            .seed = run < 2 ? 42 : 43 };
        pool_open(&pool, &o);
        pool_fill(&pool, 30, NULL);
        for (int i = 0; i < 64; i++) {
            sequence[run][i] = pool_once(&pool, NULL);
        }
        pool_close(&pool);
    }
    ck_assert_int_eq(memcmp(sequence[0], sequence[1], sizeof sequence[0]), 0);
    if (policy(_i) != infra_balancer_first() && policy(_i)->whole_tier == 0) {
        ck_assert_int_ne(memcmp(sequence[0], sequence[2], sizeof sequence[0]),
                         0);
    }
}
END_TEST

static Suite *pick_suite(void)
{
    Suite *s = suite_create("pick");
    TCase *tc = tcase_create("order");
    tcase_add_loop_test(tc, finding_nobody_has_four_names, 0, policies_count());
    tcase_add_loop_test(tc, the_passive_tier_takes_over_and_gives_back, 0,
                        policies_count());
    tcase_add_loop_test(tc, full_tiers_spill_by_option, 0,
                        2 * policies_count());
    tcase_add_loop_test(tc, degraded_stands_between_healthy_and_next_tier, 0,
                        policies_count());
    tcase_add_loop_test(tc, picks_agree_with_the_model, 0,
                        2 * policies_count());
    suite_add_tcase(s, tc);

    tc = tcase_create("tickets");
    tcase_add_loop_test(tc, a_ticket_is_good_once, 0, policies_count());
    tcase_add_test(tc, null_arguments_are_refused);
    tcase_add_loop_test(tc, picks_follow_the_seed, 0, policies_count());
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(pick_suite());
}
