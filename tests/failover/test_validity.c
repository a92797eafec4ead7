/* SPDX-License-Identifier: MIT */
/* Failover's arithmetic: until when a lease holds, and the damper. */
#include "support.h"

#include "base/random.h"
#include "failover/internal.h"

#include <math.h>

#define HALF_LIFE INFRA_SEC(900)
#define START INFRA_SEC(1000)

/* In milliseconds; the answer came at 900, which changes nothing. The third row
 * is 9401.980..: no more than that is certain. */
static const struct {
    infra_time issue;
    infra_time ttl;
    uint32_t ppm;
    infra_time guard;
    infra_time until;
} validities[] = {
    { 100, 10000, 0, 0, 10100 },
    { 100, 10000, 10000, 0, 9901 },
    { 100, 10000, 10000, 500, 9401 },
    { 0, 3000, 10000, 500, 2440 },
    { 0, 30000, 0, 5000, 25000 },
    { 7, 500, 0, 500, 7 },
    { 7, 500, 0, 501, 7 },
    { 7, 0, 10000, 0, 7 },
    { 0, 3600000, 200000, 0, 2400000 },
    { 0, 1000, 1000000, 0, 0 },
};

/* The rule, by hand: request time + ttl * (1 - d) / (1 + d) - guard. */
START_TEST(validity_counts_from_the_issue)
{
    infra_time until = infra__validity(
        INFRA_MS(validities[_i].issue), INFRA_MS(validities[_i].ttl),
        validities[_i].ppm, INFRA_MS(validities[_i].guard));

    ck_assert_uint_eq(until / INFRA_MS(1), validities[_i].until);
}
END_TEST

/* However the clocks of holder and store differ inside of what is allowed, the
 * holder has stopped by its clock when the store's says that the lease ends. */
START_TEST(validity_ends_before_the_lease)
{
    uint64_t random = 1;

    for (int i = 0; i < 100000; i++) {
        infra_time ttl = INFRA_MS(100) + infra__random(&random) % INFRA_SEC(60);
        uint32_t ppm = infra__below(infra__random(&random), 200001);
        long double d = (long double)ppm / 1e6L;
        long double end = (long double)ttl / (1 + d); /* Of the world. */
        infra_time until = infra__validity(0, ttl, ppm, 0);

        ck_assert((long double)until / (1 - d) <= end);
        ck_assert((long double)(until + 2) / (1 - d) > end - 2);
    }
}
END_TEST

/* What lies past the end of time lasts until then. */
START_TEST(validity_does_not_wrap)
{
    ck_assert_uint_eq(
        infra__validity(INFRA_TIME_NEVER - 5, INFRA_SEC(10), 0, 0),
        INFRA_TIME_NEVER);
}
END_TEST

static struct infra__damper damper(void)
{
    return (struct infra__damper) { .half_life = HALF_LIFE };
}

/* RFC 2439 with half-life 900 s: 1000 at 0 s, 1954.8 at 60 s, which is still
 * borne, 2866.6 at 120 s, which is not; and after 1741 s it is forgiven. */
START_TEST(the_third_failure_in_two_minutes_is_too_much)
{
    struct infra__damper d = damper();

    infra__damper_add(&d, START);
    ck_assert_uint_eq(infra__damper_penalty(&d, START), 1000);
    infra__damper_add(&d, START + INFRA_SEC(60));
    ck_assert_uint_eq(infra__damper_penalty(&d, START + INFRA_SEC(60)), 1954);
    ck_assert(!infra__damper_is_suppressed(&d, START + INFRA_SEC(60)));
    infra__damper_add(&d, START + INFRA_SEC(120));
    uint32_t penalty = infra__damper_penalty(&d, START + INFRA_SEC(120));
    ck_assert_uint_ge(penalty, 2865);
    ck_assert_uint_le(penalty, 2866);
    ck_assert(infra__damper_is_suppressed(&d, START + INFRA_SEC(120 + 1739)));
    ck_assert(!infra__damper_is_suppressed(&d, START + INFRA_SEC(120 + 1742)));
}
END_TEST

/* It holds between 2000 and 750 whichever way it came: a node that is let in
 * again is not held down by the next failure alone. */
START_TEST(suppression_has_two_thresholds)
{
    struct infra__damper d = damper();

    infra__damper_add(&d, START);
    infra__damper_add(&d, START);
    ck_assert_uint_eq(d.penalty, 2000);
    ck_assert(infra__damper_is_suppressed(&d, START));
    ck_assert(infra__damper_is_suppressed(&d, START + HALF_LIFE));
    ck_assert(!infra__damper_is_suppressed(&d, START + 2 * HALF_LIFE));
    ck_assert_uint_eq(infra__damper_penalty(&d, START + 2 * HALF_LIFE), 500);
    infra__damper_add(&d, START + 2 * HALF_LIFE);
    ck_assert_uint_eq(d.penalty, 1500);
    ck_assert(!infra__damper_is_suppressed(&d, START + 2 * HALF_LIFE));
}
END_TEST

/* A suppressed node that fails again stays suppressed, below 2000, too. */
START_TEST(suppression_outlasts_its_cause)
{
    struct infra__damper d = damper();

    infra__damper_add(&d, START);
    infra__damper_add(&d, START);
    infra__damper_add(&d, START + HALF_LIFE / 10 * 13);
    ck_assert_uint_lt(d.penalty, 2000);
    ck_assert_uint_gt(d.penalty, 1750);
    ck_assert(infra__damper_is_suppressed(&d, START + HALF_LIFE / 10 * 13));
}
END_TEST

/* A penalty of exactly 750 is still too much. */
START_TEST(suppression_ends_below_750)
{
    struct infra__damper d = damper();

    d.penalty = 3000;
    d.at = START;
    d.is_suppressed = true;
    ck_assert(infra__damper_is_suppressed(&d, START + 2 * HALF_LIFE));
    ck_assert_uint_eq(infra__damper_penalty(&d, START + 2 * HALF_LIFE), 750);
    ck_assert(
        !infra__damper_is_suppressed(&d, START + 2 * HALF_LIFE + INFRA_SEC(3)));
}
END_TEST

/* It has a ceiling: what failed a hundred times comes back as soon as what
 * failed sixteen times, after less than five half-lives. */
START_TEST(penalties_have_a_ceiling)
{
    struct infra__damper d = damper();

    for (int i = 0; i < 100; i++) {
        infra__damper_add(&d, START);
    }
    ck_assert_uint_eq(d.penalty, 16000);
    ck_assert(infra__damper_is_suppressed(&d, START + 4 * HALF_LIFE));
    ck_assert(!infra__damper_is_suppressed(&d, START + 5 * HALF_LIFE));
}
END_TEST

static const infra_time half_lives[] = { INFRA_SEC(1), INFRA_SEC(900),
                                         INFRA_SEC(86400) };

/* It is 2 to the power of the age in half-lives, within one; it never grows,
 * and is gone in the end; a clock that went back does not count. */
START_TEST(penalties_fade_by_halves)
{
    struct infra__damper d = { .half_life = half_lives[_i],
                               .at = START,
                               .penalty = 16000 };
    infra_time step = d.half_life / 97;
    uint32_t last = d.penalty;

    ck_assert_uint_eq(infra__damper_penalty(&d, START - INFRA_SEC(1)), 16000);
    for (infra_time age = 0; age < 40 * d.half_life; age += step) {
        uint32_t penalty = infra__damper_penalty(&d, START + age);
        double halvings = (double)age / (double)d.half_life;
        double exact = 16000 * exp2(-halvings);
        ck_assert_msg(penalty <= exact + 1 && penalty >= exact - 2,
                      "%u, not %f", penalty, exact);
        ck_assert_uint_le(penalty, last);
        last = penalty;
    }
    ck_assert_uint_eq(last, 0);
    ck_assert_uint_eq(infra__damper_penalty(&d, START + 64 * d.half_life), 0);
    ck_assert_uint_eq(infra__damper_penalty(&d, INFRA_TIME_NEVER), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("validity");
    TCase *validity = tcase_create("validity");
    TCase *damping = tcase_create("damper");

    tcase_add_loop_test(validity, validity_counts_from_the_issue, 0,
                        sizeof validities / sizeof validities[0]);
    tcase_add_test(validity, validity_ends_before_the_lease);
    tcase_add_test(validity, validity_does_not_wrap);
    suite_add_tcase(suite, validity);

    tcase_add_test(damping, the_third_failure_in_two_minutes_is_too_much);
    tcase_add_test(damping, suppression_has_two_thresholds);
    tcase_add_test(damping, suppression_outlasts_its_cause);
    tcase_add_test(damping, suppression_ends_below_750);
    tcase_add_test(damping, penalties_have_a_ceiling);
    tcase_add_loop_test(damping, penalties_fade_by_halves, 0, 3);
    suite_add_tcase(suite, damping);
    return test_main(suite);
}
