/* SPDX-License-Identifier: MIT */
/* Substitutes for libm and qsort(). */
#include "support.h"

#include "base/fixed.h"
#include "base/internal.h"
#include "base/random.h"
#include "base/sort.h"

#include <math.h>
#include <string.h>

static long double real(uint64_t fixed)
{
    return ldexpl((long double)fixed, -32);
}

static void expect_log2(uint64_t x)
{
    long double error = real(infra__log2(x)) - log2l((long double)x);

    /* An assertion that holds costs a microsecond, too. */
    if (fabsl(error) > ldexpl(1.0L, -30)) {
        ck_abort_msg("%llu: off by %Lg", (unsigned long long)x, error);
    }
}

/* The logarithm is within 2^-30 of the true one: for small numbers, all sizes,
 * and at the ends of the range. */
START_TEST(log2_is_close)
{
    uint64_t random = 1;

    for (uint64_t x = 1; x < 5000; x++) {
        expect_log2(x);
        expect_log2(UINT64_MAX - x);
    }
    for (int i = 0; i < 200000; i++) {
        uint64_t x = infra__random(&random);
        expect_log2((x >> (infra__random(&random) & 63)) | 1);
    }
}
END_TEST

/* Powers of 2 have whole logarithms, and nothing is above 64. */
START_TEST(log2_of_powers_is_exact)
{
    for (unsigned k = 0; k < 64; k++) {
        ck_assert_uint_eq(infra__log2((uint64_t)1 << k), (uint64_t)k << 32);
    }
    ck_assert_uint_le(infra__log2(UINT64_MAX), 64 * INFRA__ONE);
}
END_TEST

/* The power is never above the true one, and at most 2^-28 of it, and one,
 * below. */
START_TEST(exp2_is_close_from_below)
{
    uint64_t random = 2;

    for (int i = 0; i < 200000; i++) {
        uint64_t x = infra__random(&random) >> 26;
        long double power = exp2l(real(x));
        long double error = power - (long double)infra__exp2(x);
        if (error < 0 || error > ldexpl(power, -28) + 1) {
            ck_abort_msg("%Lg: off by %Lg", real(x), error);
        }
    }
}
END_TEST

/* Whole exponents are exact, from 64 on the result is the greatest number, and
 * 32 - x gives a fraction of one. */
START_TEST(exp2_of_whole_numbers_is_exact)
{
    for (unsigned k = 0; k < 64; k++) {
        ck_assert_uint_eq(infra__exp2((uint64_t)k << 32), (uint64_t)1 << k);
    }
    ck_assert_uint_eq(infra__exp2(64 * INFRA__ONE), UINT64_MAX);
    ck_assert_uint_eq(infra__exp2(UINT64_MAX), UINT64_MAX);
    ck_assert_uint_eq(infra__exp2(32 * INFRA__ONE - INFRA__ONE),
                      INFRA__ONE / 2);
}
END_TEST

struct item {
    uint32_t value;
    uint32_t twin;
};

static int compare(const void *a, const void *b)
{
    const struct item *v = a;
    const struct item *w = b;

    return v->value < w->value ? -1 : v->value > w->value;
}

/* Any items end up in order, complete. */
START_TEST(sort_orders)
{
    struct item items[300];
    uint64_t random = 3;

    for (uint32_t count = 0; count < INFRA__COUNT_OF(items); count++) {
        uint64_t sum = 0;
        for (uint32_t i = 0; i < count; i++) {
            uint32_t value = infra__below(infra__random(&random), 200);
            items[i] = (struct item) { value, ~value };
            sum += value;
        }
        infra__sort(items, count, sizeof *items, compare);
        for (uint32_t i = 0; i < count; i++) {
            ck_assert(i == 0 || items[i - 1].value <= items[i].value);
            ck_assert_uint_eq(items[i].twin, ~items[i].value);
            sum -= items[i].value;
        }
        ck_assert_uint_eq(sum, 0);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fixed");
    TCase *fixed = tcase_create("fixed");
    TCase *sort = tcase_create("sort");

    tcase_add_test(fixed, log2_is_close);
    tcase_add_test(fixed, log2_of_powers_is_exact);
    tcase_add_test(fixed, exp2_is_close_from_below);
    tcase_add_test(fixed, exp2_of_whole_numbers_is_exact);
    tcase_add_test(sort, sort_orders);
    suite_add_tcase(suite, fixed);
    suite_add_tcase(suite, sort);
    return test_main(suite);
}
