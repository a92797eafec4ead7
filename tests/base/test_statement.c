/* SPDX-License-Identifier: MIT */
/* Several statements that go to a server as one unit. */
#include <infra/statement.h>

#include "support.h"

#define KIND(name) INFRA_STATEMENT_##name

static struct infra_statement of(uint32_t kind, uint32_t flags)
{
    return (struct infra_statement) {
        .kind = (uint8_t)kind,
        .reason = INFRA_STATEMENT_REASON_VERB,
        .count = 1,
        .flags = flags,
    };
}

/* Reads stay a read; whatever differs is a write, but inside a transaction that
 * begins as READ ONLY. */
START_TEST(a_unit_is_as_strict_as_its_strictest)
{
    static const struct {
        uint8_t first, second, both;
    } rows[] = {
        { KIND(READ), KIND(READ), KIND(READ) },
        { KIND(READ), KIND(WRITE), KIND(WRITE) },
        { KIND(WRITE), KIND(READ), KIND(WRITE) },
        { KIND(READ), KIND(UNKNOWN), KIND(WRITE) },
        { KIND(READ), KIND(SESSION), KIND(WRITE) },
        { KIND(SESSION), KIND(SESSION), KIND(WRITE) },
        { KIND(BEGIN), KIND(READ), KIND(WRITE) },
        { KIND(BEGIN_READ_ONLY), KIND(READ), KIND(BEGIN_READ_ONLY) },
        { KIND(BEGIN_READ_ONLY), KIND(SAVEPOINT), KIND(BEGIN_READ_ONLY) },
        { KIND(BEGIN_READ_ONLY), KIND(WRITE), KIND(WRITE) },
        { KIND(BEGIN_READ_ONLY), KIND(LOCAL), KIND(WRITE) },
        { KIND(BEGIN_READ_ONLY), KIND(END), KIND(WRITE) },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct infra_statement unit = { 0 };
        struct infra_statement a = of(rows[i].first, 1);
        struct infra_statement b = of(rows[i].second, 4);
        infra_statement_join(&unit, &a);
        ck_assert_uint_eq(unit.kind, rows[i].first);
        infra_statement_join(&unit, &b);
        ck_assert_msg(unit.kind == rows[i].both, "row %zu: %s", i,
                      infra_statement_kind_name(unit.kind));
        ck_assert_uint_eq(unit.flags, 5);
        ck_assert_uint_eq(unit.count, 2);
        ck_assert_uint_eq(unit.reason == INFRA_STATEMENT_REASON_MULTIPLE,
                          unit.kind == KIND(WRITE));
    }
}
END_TEST

/* The number of statements stops at its largest value. */
START_TEST(a_unit_counts_up_to_its_limit)
{
    struct infra_statement unit = of(KIND(READ), 0);
    struct infra_statement many = of(KIND(READ), 0);

    unit.count = UINT16_MAX - 1;
    infra_statement_join(&unit, &many);
    ck_assert_uint_eq(unit.count, UINT16_MAX);
    infra_statement_join(&unit, &many);
    ck_assert_uint_eq(unit.count, UINT16_MAX);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("statement");
    TCase *tc = tcase_create("join");

    tcase_add_test(tc, a_unit_is_as_strict_as_its_strictest);
    tcase_add_test(tc, a_unit_counts_up_to_its_limit);
    suite_add_tcase(s, tc);
    return test_main(s);
}
