/* SPDX-License-Identifier: MIT */
/* The rules of Prequal's pool of answers, one by one, and against a naive
 * model. */
#include "support.h"

#include "balancer/algorithm/probe_pool.h"
#include "base/random.h"

#include <string.h>

enum { BACKENDS = 40 };

/* Backends 100, 102, 104, ...; an answer is named by the index. */
static struct entry entries[BACKENDS];
static struct list list;
static struct slot slots[100 + 2 * BACKENDS];
static struct infra_request request;
static struct infra_balancer_candidates candidates;
static struct probe_pool pool;

static void setup(void)
{
    memset(slots, 0, sizeof slots);
    for (uint32_t i = 0; i < BACKENDS; i++) {
        entries[i] = (struct entry) { .id = 100 + 2 * i, .owner = 1 };
    }
    list = (struct list) { .entries = entries,
                           .count = BACKENDS,
                           .states = 1u << INFRA_BALANCER_STATE_UP };
    request = (struct infra_request) { .hash = 0 };
    candidates = (struct infra_balancer_candidates) { .list = &list,
                                                      .slots = slots,
                                                      .request = &request };
    pool = (struct probe_pool) { .age_max = 1000,
                                 .size = 16,
                                 .removals_percent = 100,
                                 .hot_percentile = 84 };
    infra__probe_pool_init(&pool);
}

/* Good for many uses, now. */
static void add(uint32_t index, uint32_t in_flight, uint32_t latency)
{
    struct probe_answer a = { .id = 100 + 2 * index,
                              .owner = 1,
                              .index = index,
                              .in_flight = in_flight,
                              .latency = latency,
                              .uses = 100 };

    infra__probe_pool_add(&pool, &a, pool.now);
}

static uint32_t use_at(infra_time now)
{
    candidates.now = now;
    return infra__probe_pool_use(&pool, &candidates);
}

static uint32_t use(void)
{
    return use_at(pool.now);
}

/* What its answer says now; NO_INDEX: there is none. */
static uint32_t in_flight_of(uint32_t index)
{
    for (uint32_t i = 0; i < pool.count; i++) {
        if (pool.answers[i].id == 100 + 2 * index) {
            return pool.answers[i].in_flight;
        }
    }
    return NO_INDEX;
}

static bool has(uint32_t index)
{
    return in_flight_of(index) != NO_INDEX;
}

/* From here on nothing is hot, or what has more than this in flight. */
static void set_hot_above(uint32_t in_flight)
{
    pool.hot_above = in_flight;
}

/* Known answers of the rule that the paper calls hot-cold lexicographic. */
static const struct {
    const char *name;
    uint32_t hot_above;
    struct {
        uint32_t in_flight, latency;
    } answers[3];
    uint32_t best, worst;
} rules[] = {
    { "the cold by latency", 9, { { 9, 30 }, { 8, 20 }, { 1, 25 } }, 1, 0 },
    { "a hot one loses", 5, { { 6, 1 }, { 5, 90 }, { 4, 80 } }, 2, 0 },
    { "the only cold one", 5, { { 6, 1 }, { 5, 90 }, { 7, 1 } }, 1, 2 },
    { "the hot by load", 3, { { 9, 1 }, { 4, 99 }, { 5, 2 } }, 1, 0 },
    { "at the threshold is cold", 4, { { 4, 5 }, { 5, 1 }, { 4, 6 } }, 0, 1 },
    { "equal latencies", 9, { { 3, 7 }, { 2, 7 }, { 4, 7 } }, 1, 2 },
    { "equal loads, hot", 1, { { 3, 7 }, { 3, 6 }, { 3, 8 } }, 1, 2 },
    { "load 0 and latency 0", 9, { { 1, 0 }, { 0, 0 }, { 0, 1 } }, 1, 2 },
    { "the greatest of all",
      UINT32_MAX,
      { { UINT32_MAX, 1 }, { 0, UINT32_MAX }, { 0, 0 } },
      2,
      1 },
    { "the greatest of all, hot",
      0,
      { { UINT32_MAX, UINT32_MAX }, { UINT32_MAX, 1 }, { 1, UINT32_MAX } },
      2,
      0 },
};

START_TEST(hot_and_cold_by_the_paper)
{
    for (uint32_t i = 0; i < 3; i++) {
        add(i, rules[_i].answers[i].in_flight, rules[_i].answers[i].latency);
    }
    set_hot_above(rules[_i].hot_above);
    ck_assert_msg(use() == rules[_i].best, "%s", rules[_i].name);
    /* Not the oldest, and without what the use has changed. */
    pool.answers[rules[_i].best].in_flight =
        rules[_i].answers[rules[_i].best].in_flight;
    pool.worst_next = true;
    infra__probe_pool_thin(&pool);
    ck_assert_uint_eq(pool.count, 2);
    ck_assert_msg(!has(rules[_i].worst), "%s", rules[_i].name);
}
END_TEST

/* Nearest rank: at least that part of the answers is cold. */
START_TEST(the_percentile_is_by_nearest_rank)
{
    static const struct {
        uint32_t percentile, answers, hot_above;
    } rows[] = { { 84, 10, 9 },   { 84, 1, 1 },    { 84, 25, 21 },
                 { 84, 26, 22 },  { 100, 10, 10 }, { 1, 10, 1 },
                 { 1, 100, 37 },  { 50, 10, 5 },   { 50, 11, 6 },
                 { 100, 64, 64 }, { 100, 65, 65 }, { 2, 100, 38 } };

    for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++) {
        setup();
        pool.hot_percentile = rows[row].percentile;
        for (uint32_t i = 1; i <= rows[row].answers; i++) {
            add(i % BACKENDS, i, 0);
        }
        ck_assert_msg(pool.hot_above == rows[row].hot_above, "row %d: %u",
                      (int)row, (unsigned)pool.hot_above);
    }
}
END_TEST

/* Whatever comes, it is the percentile of the last 64. */
START_TEST(the_percentile_is_of_the_last_answers)
{
    uint32_t all[2000];
    uint64_t random = 7;

    pool.hot_percentile = 1 + 9 * (uint32_t)_i;
    for (uint32_t n = 0; n < 2000; n++) {
        /* Few different ones at times, so that there are equals. */
        all[n] = infra__below(infra__random(&random), n / 300 % 2 ? 4 : 1000);
        add(n % BACKENDS, all[n], 0);
        uint32_t first = n < RECENT_MAX ? 0 : n - RECENT_MAX + 1;
        uint32_t less = 0, equal = 0;
        for (uint32_t i = first; i <= n; i++) {
            less += all[i] < pool.hot_above;
            equal += all[i] == pool.hot_above;
        }
        uint32_t count = n - first + 1;
        ck_assert_uint_lt(less * 100, pool.hot_percentile * count);
        ck_assert_uint_ge((less + equal) * 100, pool.hot_percentile * count);
    }
}
END_TEST

/* What is sent to a backend counts there until it answers again. */
START_TEST(a_use_counts_as_in_flight)
{
    add(0, 3, 10);
    add(1, 5, 20);
    set_hot_above(4);
    ck_assert_uint_eq(use(), 0);
    ck_assert_uint_eq(in_flight_of(0), 4);
    ck_assert_uint_eq(use(), 0);
    ck_assert_uint_eq(use(), 0); /* 5 and 5, both hot: by latency. */
    ck_assert_uint_eq(use(), 1);
    ck_assert_uint_eq(use(), 0);
    add(0, 3, 10);
    set_hot_above(4);
    ck_assert_uint_eq(in_flight_of(0), 3);
}
END_TEST

/* Counting does not wrap. */
START_TEST(in_flight_has_an_end)
{
    set_hot_above(0);
    add(0, UINT32_MAX, 1);
    add(1, UINT32_MAX, 2);
    for (int i = 0; i < 5; i++) {
        ck_assert_uint_eq(use(), 0);
        ck_assert_uint_eq(in_flight_of(0), INT32_MAX);
    }
}
END_TEST

/* An answer is good for a number of picks. */
START_TEST(an_answer_is_used_up)
{
    struct probe_answer a = { .id = 100, .owner = 1, .uses = 3 };

    infra__probe_pool_add(&pool, &a, 0);
    add(1, 0, 10);
    add(2, 0, 20);
    set_hot_above(100);
    for (int i = 0; i < 3; i++) {
        ck_assert_uint_eq(pool.count, 3);
        ck_assert_uint_eq(use(), 0);
    }
    ck_assert_uint_eq(pool.count, 2);
    ck_assert_uint_eq(use(), 1);
}
END_TEST

/* Of each backend the latest counts. */
START_TEST(a_newer_answer_replaces)
{
    add(0, 1, 10);
    add(1, 1, 20);
    add(0, 2, 30);
    set_hot_above(9);
    ck_assert_uint_eq(pool.count, 2);
    ck_assert_uint_eq(use(), 1);
    /* Another backend had the id. */
    struct probe_answer a = { .id = 100, .owner = 2, .uses = 1 };
    infra__probe_pool_add(&pool, &a, 0);
    ck_assert_uint_eq(pool.count, 3);
}
END_TEST

/* When there is no room the oldest makes it. */
START_TEST(a_full_pool_drops_the_oldest)
{
    for (uint32_t i = 0; i < 16; i++) {
        /* Backend 5 is the first. */
        pool.now = i;
        add((i + 5) % 16, 0, 0);
    }
    ck_assert_uint_eq(pool.count, 16);
    add(20, 0, 0);
    ck_assert_uint_eq(pool.count, 16);
    ck_assert(!has(5));
    ck_assert(has(20));
    add(21, 0, 0);
    ck_assert(!has(6));
    ck_assert(has(4));
}
END_TEST

/* An answer is good up to its age, and a clock that goes back is no news. */
START_TEST(answers_age)
{
    pool.now = 500;
    add(0, 0, 1);
    pool.now = 600;
    add(1, 0, 2);
    add(2, 0, 3);
    set_hot_above(1000);
    ck_assert_uint_eq(use_at(1500), 0);
    ck_assert_uint_eq(use_at(0), 0);
    ck_assert_uint_eq(use_at(1501), 1);
    ck_assert_uint_eq(pool.count, 2);
    ck_assert_uint_eq(use_at(1600), 1);
    ck_assert_uint_eq(use_at(1601), NO_INDEX);
    ck_assert_uint_eq(pool.count, 0);
    /* Told with an old time, it is as young as what was seen last. */
    struct probe_answer a = { .id = 100, .owner = 1, .uses = 1 };
    infra__probe_pool_add(&pool, &a, 7);
    ck_assert_uint_eq(pool.answers[0].at, 1601);
    infra__probe_pool_add(&pool, &a, 1700);
    ck_assert_uint_eq(pool.answers[0].at, 1700);
}
END_TEST

/* With one answer there is no choice. */
START_TEST(one_is_too_few)
{
    ck_assert_uint_eq(use(), NO_INDEX);
    add(0, 0, 0);
    ck_assert_uint_eq(use(), NO_INDEX);
    ck_assert_uint_eq(pool.answers[0].uses, 100);
    add(1, 0, 0);
    ck_assert_uint_ne(use(), NO_INDEX);
}
END_TEST

/* The oldest, the worst, the oldest, ...; and two are left alone. */
START_TEST(thinning_alternates)
{
    for (uint32_t i = 0; i < 7; i++) {
        pool.now = i;
        add(i, 0, i == 4 ? 1000 : i == 3 ? 900 : 10 - i);
    }
    set_hot_above(9);
    static const uint32_t order[] = { 0, 4, 1, 3, 2 };
    for (int i = 0; i < 5; i++) {
        ck_assert(has(order[i]));
        infra__probe_pool_thin(&pool);
        ck_assert_uint_eq(pool.count, 6 - (uint32_t)i);
        ck_assert(!has(order[i]));
    }
    for (int i = 0; i < 10; i++) {
        infra__probe_pool_thin(&pool);
    }
    ck_assert_uint_eq(pool.count, 2);
    /* What could not be removed is not owed, and whose turn it is stays. */
    pool.now = 8;
    add(8, 0, 1000);
    add(9, 0, 0);
    infra__probe_pool_thin(&pool);
    ck_assert_uint_eq(pool.count, 3);
    ck_assert(!has(8));
}
END_TEST

/* Rates that are no whole number come out on average. */
START_TEST(thinning_has_fractions)
{
    static const struct {
        uint32_t percent, left[5];
    } rows[] = { { 40, { 16, 16, 15, 15, 14 } }, { 250, { 14, 11, 9, 6, 4 } } };

    pool.removals_percent = rows[_i].percent;
    for (uint32_t i = 0; i < 16; i++) {
        add(i, 0, i);
    }
    for (int i = 0; i < 5; i++) {
        infra__probe_pool_thin(&pool);
        ck_assert_uint_eq(pool.count, rows[_i].left[i]);
    }
}
END_TEST

/* Who may not be picked is passed over, and kept. */
START_TEST(restrictions_are_respected)
{
    const uint32_t tried[] = { 100, 104 };

    for (uint32_t i = 0; i < 4; i++) {
        add(i, 0, i);
    }
    set_hot_above(100);
    request.tried = tried;
    request.tried_count = 2;
    candidates.narrow = true;
    ck_assert_uint_eq(use(), 1);
    request.tried_count = 1;
    ck_assert_uint_eq(use(), 1);
    entries[1].cap = 2;
    slots[102].in_flight = 2;
    ck_assert_uint_eq(use(), 2);
    slots[102].in_flight = 1;
    ck_assert_uint_eq(use(), 1);
    entries[1].state = INFRA_BALANCER_STATE_DOWN;
    entries[2].state = INFRA_BALANCER_STATE_DOWN;
    ck_assert_uint_eq(use(), NO_INDEX); /* One only may be picked. */
    ck_assert_uint_eq(pool.count, 4);
}
END_TEST

/* Lists change: a backend is found where it is now, or it is not used. */
START_TEST(lists_change)
{
    for (uint32_t i = 0; i < 5; i++) {
        add(i, 0, i);
    }
    set_hot_above(100);
    candidates.narrow = _i == 1;
    list.entries = &entries[1]; /* Without the first ... */
    list.count = BACKENDS - 1;
    ck_assert_uint_eq(use(), 0);
    ck_assert_uint_eq(pool.count, 4);
    entries[1].owner = 2; /* ... the second is another now ... */
    ck_assert_uint_eq(use(), 1);
    ck_assert_uint_eq(pool.count, 3);
    list.count = 2; /* ... and these two only. */
    ck_assert_uint_eq(list.entries[1].id, 104);
    ck_assert_uint_eq(use(), _i == 1 ? NO_INDEX : 1);
    if (_i == 0) {
        pool.answers[0].uses = 1;
        while (use() != NO_INDEX) {
        }
        ck_assert(!has(3));
    }
}
END_TEST

/* A naive model: all answers in the order in which they came. */
struct model {
    struct probe_answer answers[POOL_MAX];
    uint32_t count;
};

static void model_drop(struct model *m, uint32_t i)
{
    m->count--;
    memmove(&m->answers[i], &m->answers[i + 1],
            (m->count - i) * sizeof m->answers[0]);
}

static void model_add(struct model *m, const struct probe_answer *a)
{
    for (uint32_t i = 0; i < m->count; i++) {
        if (m->answers[i].id == a->id) {
            model_drop(m, i);
            break;
        }
    }
    if (m->count == pool.size) {
        model_drop(m, 0);
    }
    m->answers[m->count++] = *a;
}

/* The end of the order that @sign says: 1 the best, -1 the worst. */
static uint32_t model_end(const struct model *m, int sign)
{
    uint32_t found = 0;

    for (uint32_t i = 1; i < m->count; i++) {
        const struct probe_answer *a = &m->answers[i];
        const struct probe_answer *b = &m->answers[found];
        bool a_hot = a->in_flight > pool.hot_above;
        bool b_hot = b->in_flight > pool.hot_above;
        int64_t less = a_hot != b_hot ? (b_hot ? 1 : -1)
                       : a_hot        ? (int64_t)b->in_flight - a->in_flight
                                      : (int64_t)b->latency - a->latency;
        found = less * sign > 0 ? i : found;
    }
    return found;
}

static void model_use(struct model *m, infra_time now)
{
    while (m->count > 0 && now - m->answers[0].at > pool.age_max) {
        model_drop(m, 0);
    }
    if (m->count < 2) {
        ck_assert_uint_eq(use_at(now), NO_INDEX);
        return;
    }
    uint32_t best = model_end(m, 1);
    struct probe_answer *a = &m->answers[best];
    ck_assert_uint_eq(use_at(now), a->index);
    a->in_flight++;
    if (--a->uses == 0) {
        model_drop(m, best);
    }
}

/* Over random answers and picks the pool does what the model does. */
START_TEST(the_pool_agrees_with_the_model)
{
    struct model m = { .count = 0 };
    uint64_t random = (uint64_t)_i + 1;
    infra_time now = 0;
    bool worst_next = false;

    pool.size = 2 + 3 * (uint32_t)_i;
    pool.hot_percentile = 50;
    for (uint32_t step = 0; step < 20000; step++) {
        uint32_t index = infra__below(infra__random(&random), BACKENDS);
        uint64_t word = infra__random(&random);
        /* No equals, so that there is one answer; in flight they are spread
         * so far that uses do not make some. */
        struct probe_answer a = { .id = 100 + 2 * index,
                                  .owner = 1,
                                  .index = index,
                                  .in_flight = (uint32_t)(word >> 40) << 6,
                                  .latency = (uint32_t)word,
                                  .uses = (uint16_t)(1 + (word >> 8) % 20) };
        now += word % 3 == 0 ? 0 : 1 + word % 200 * (word % 97 == 0);
        if (word % 5 < 3) {
            now++; /* So that there is one oldest. */
            a.at = now;
            infra__probe_pool_add(&pool, &a, now);
            model_add(&m, &a);
            continue;
        }
        model_use(&m, now);
        infra__probe_pool_thin(&pool);
        if (m.count > 2) {
            model_drop(&m, worst_next ? model_end(&m, -1) : 0);
            worst_next = !worst_next;
        }
        ck_assert_uint_eq(pool.count, m.count);
    }
}
END_TEST

static Suite *probe_pool_suite(void)
{
    Suite *s = suite_create("probe_pool");
    TCase *tc = tcase_create("rules");
    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_loop_test(tc, hot_and_cold_by_the_paper, 0,
                        (int)(sizeof rules / sizeof rules[0]));
    tcase_add_test(tc, the_percentile_is_by_nearest_rank);
    tcase_add_loop_test(tc, the_percentile_is_of_the_last_answers, 0, 12);
    tcase_add_test(tc, a_use_counts_as_in_flight);
    tcase_add_test(tc, in_flight_has_an_end);
    tcase_add_test(tc, an_answer_is_used_up);
    tcase_add_test(tc, a_newer_answer_replaces);
    tcase_add_test(tc, a_full_pool_drops_the_oldest);
    tcase_add_test(tc, answers_age);
    tcase_add_test(tc, one_is_too_few);
    tcase_add_test(tc, thinning_alternates);
    tcase_add_loop_test(tc, thinning_has_fractions, 0, 2);
    tcase_add_test(tc, restrictions_are_respected);
    tcase_add_loop_test(tc, lists_change, 0, 2);
    tcase_add_loop_test(tc, the_pool_agrees_with_the_model, 0, 10);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(probe_pool_suite());
}
