/* SPDX-License-Identifier: MIT */
/* The control side: options, rules, publishes, memory, words. */
#include "fixture.h"

#include "base/internal.h"

#include <stdio.h>

static int add(const char *prefix, uint32_t action, uint32_t id)
{
    struct infra_access_rule r = { .size = sizeof r,
                                   .action = action,
                                   .id = id };

    ck_assert_int_eq(infra_prefix_parse(prefix, strlen(prefix), &r.prefix),
                     INFRA_OK);
    return infra_access_add(access_, &r);
}

/* Before the first publish, and with NULL, everything is denied. */
START_TEST(nothing_published_denies)
{
    struct infra_address a = address("10.0.0.1");
    uint32_t rule = 7;

    ck_assert_int_eq(add("0.0.0.0/0", INFRA_ACCESS_ALLOW, 1), INFRA_OK);
    ck_assert_int_eq(infra_access_check(reader, &a, &rule), 0);
    ck_assert_uint_eq(rule, INFRA_ACCESS_RULE_NONE);
    ck_assert_int_eq(infra_access_check(NULL, &a, NULL), 0);
    ck_assert_int_eq(infra_access_check(reader, NULL, NULL), 0);
    ck_assert_int_eq(infra_access_publish(access_), INFRA_OK);
    ck_assert_int_eq(infra_access_check(reader, &a, &rule), 1);
    ck_assert_uint_eq(rule, 1);
}
END_TEST

/* A rule counts from the next publish, and is gone after a clear. */
START_TEST(rules_count_from_the_next_publish)
{
    ck_assert_int_eq(infra_access_publish(access_), INFRA_OK);
    ck_assert_int_eq(add("10.0.0.0/8", INFRA_ACCESS_ALLOW, 5), INFRA_OK);
    ck_assert_uint_eq(rule_for("10.0.0.1", NULL), INFRA_ACCESS_RULE_NONE);
    ck_assert_int_eq(infra_access_publish(access_), INFRA_OK);
    infra_access_reader_refresh(reader);
    infra_access_reader_refresh(NULL);
    ck_assert_uint_eq(rule_for("10.0.0.1", NULL), 5);
    ck_assert_int_eq(infra_access_clear(access_), INFRA_OK);
    ck_assert_uint_eq(rule_for("10.0.0.1", NULL), 5);
    ck_assert_int_eq(infra_access_publish(access_), INFRA_OK);
    ck_assert_uint_eq(rule_for("10.0.0.1", NULL), INFRA_ACCESS_RULE_NONE);
    ck_assert_int_eq(infra_access_clear(NULL), INFRA_EINVAL);
    ck_assert_int_eq(infra_access_publish(NULL), INFRA_EINVAL);
}
END_TEST

/* The same prefix twice: with one action the first rule stays, with two the
 * publish fails and readers keep what they have. */
START_TEST(a_prefix_has_one_action)
{
    ck_assert_int_eq(add("10.0.0.0/8", INFRA_ACCESS_ALLOW, 5), INFRA_OK);
    ck_assert_int_eq(add("10.0.0.0/8", INFRA_ACCESS_ALLOW, 6), INFRA_OK);
    ck_assert_int_eq(infra_access_publish(access_), INFRA_OK);
    ck_assert_uint_eq(rule_for("10.0.0.1", NULL), 5);
    ck_assert_int_eq(add("10.0.0.0/8", INFRA_ACCESS_DENY, 7), INFRA_OK);
    ck_assert_int_eq(infra_access_publish(access_), INFRA_EEXIST);
    ck_assert_uint_eq(rule_for("10.0.0.1", NULL), 5);
}
END_TEST

/* A bad rule, and one too many, change nothing. */
START_TEST(bad_rules_are_refused)
{
    struct infra_access_rule good = { .size = sizeof good,
                                      .prefix = { address("10.0.0.0"), 104 } };
    struct infra_access_rule r = good;
    struct {
        struct infra_access_rule rule;
        uint64_t future;
    } later = { .rule = good, .future = 1 };
    struct infra_access_status s = { .size = sizeof s };

    ck_assert_int_eq(infra_access_add(NULL, &r), INFRA_EINVAL);
    ck_assert_int_eq(infra_access_add(access_, NULL), INFRA_EINVAL);
    r.action = 2;
    ck_assert_int_eq(infra_access_add(access_, &r), INFRA_EINVAL);
    r = good;
    r.id = INFRA_ACCESS_RULE_NONE;
    ck_assert_int_eq(infra_access_add(access_, &r), INFRA_EINVAL);
    r = good;
    r.prefix.length = 129;
    ck_assert_int_eq(infra_access_add(access_, &r), INFRA_EINVAL);
    r.prefix.length = 96;
    ck_assert_int_eq(infra_access_add(access_, &r), INFRA_EINVAL);
    r = good;
    r.size = sizeof r - 4;
    ck_assert_int_eq(infra_access_add(access_, &r), INFRA_EINVAL);
    later.rule.size = sizeof later;
    ck_assert_int_eq(infra_access_add(access_, &later.rule), INFRA_ESTRUCT);
    later.future = 0;
    ck_assert_int_eq(infra_access_add(access_, &later.rule), INFRA_OK);
    ck_assert_int_eq(infra_access_inspect(access_, &s), INFRA_OK);
    ck_assert_uint_eq(s.rules, 1);
}
END_TEST

/* Options out of range, and limits that are reached. */
START_TEST(limits_hold)
{
    struct infra_access_options bad[] = {
        { .size = sizeof bad[0], .rules_max = INFRA_ACCESS_RULES_MAX + 1 },
        { .size = sizeof bad[0], .readers_max = INFRA_ACCESS_READERS_MAX + 1 },
        { .size = sizeof bad[0], .default_action = 2 },
        { .size = sizeof bad[0], .reserved = 1 },
        { .size = 8 },
    };
    struct infra_access_options small = { .size = sizeof small,
                                          .allocator = &heap.allocator,
                                          .rules_max = 2,
                                          .readers_max = 1,
                                          .default_action =
                                              INFRA_ACCESS_ALLOW };
    struct infra_access_reader *second = NULL;
    struct infra_access *a = NULL;
    struct infra_access_problem p;

    for (size_t i = 0; i < INFRA__COUNT_OF(bad); i++) {
        ck_assert_int_eq(infra_access_create(&a, &bad[i]), INFRA_EINVAL);
    }
    ck_assert_int_eq(infra_access_create(NULL, NULL), INFRA_EINVAL);
    teardown();
    setup_with(&small);
    ck_assert_int_eq(infra_access_reader_create(&second, access_), INFRA_EFULL);
    ck_assert_int_eq(infra_access_reader_create(NULL, access_), INFRA_EINVAL);
    ck_assert_int_eq(infra_access_reader_create(&second, NULL), INFRA_EINVAL);
    ck_assert_int_eq(add("1.0.0.0/8", INFRA_ACCESS_DENY, 1), INFRA_OK);
    ck_assert_int_eq(add("2.0.0.0/8", INFRA_ACCESS_DENY, 2), INFRA_OK);
    ck_assert_int_eq(add("3.0.0.0/8", INFRA_ACCESS_DENY, 3), INFRA_EFULL);
    ck_assert_int_eq(load("deny 1.1.1.1\ndeny 2.2.2.2\ndeny 3.3.3.3", &p),
                     INFRA_EINVAL);
    ck_assert_uint_eq(p.flaw, INFRA_ACCESS_FLAW_TOO_MANY);
    ck_assert_uint_eq(p.line, 3);
    ck_assert_int_eq(infra_access_publish(access_), INFRA_OK);
    int allowed;
    ck_assert_uint_eq(rule_for("3.3.3.3", &allowed), INFRA_ACCESS_RULE_NONE);
    ck_assert_int_eq(allowed, 1);
    infra_access_reader_destroy(NULL);
    infra_access_destroy(NULL);
}
END_TEST

/* Each allocation fails in turn: nothing leaks, and readers keep their rules
 * until a publish succeeds. */
START_TEST(every_allocation_may_fail)
{
    static const char text[] = "allow 10.0.0.0/8\ndeny 10.1.0.0/16\n";
    struct infra_access_options o = { .size = sizeof o,
                                      .allocator = &heap.allocator };
    long countdown = 0;
    int done = 0;

    teardown();
    for (; !done; countdown++) {
        struct infra_access *a = NULL;
        struct infra_access_reader *r = NULL;
        struct infra_address source = address("10.0.0.1");
        test_heap_init(&heap, countdown);
        int err = infra_access_create(&a, &o);
        if (err == INFRA_OK) {
            err = infra_access_reader_create(&r, a);
        }
        if (err == INFRA_OK) {
            err = infra_access_load(a, text, sizeof text - 1, NULL);
        }
        if (err == INFRA_OK) {
            err = infra_access_publish(a);
            ck_assert_int_eq(infra_access_check(r, &source, NULL),
                             err == INFRA_OK);
        }
        ck_assert(err == INFRA_OK || err == INFRA_ENOMEM);
        done = err == INFRA_OK;
        infra_access_reader_destroy(r);
        infra_access_destroy(a);
        ck_assert_int_eq(heap.live, 0);
    }
    ck_assert_int_ge(countdown, 6);
    setup();
}
END_TEST

static const char *explain(const char *text)
{
    static char said[200];
    struct infra_address a = address(text);
    int length = infra_access_explain(access_, &a, said, sizeof said);

    ck_assert_int_eq(length, (int)strlen(said));
    return said;
}

/* The deciding rule is named with all that it overrules. */
START_TEST(explain_names_the_overruled_rules)
{
    struct infra_address a = address("10.66.0.1");
    char small[8];

    ck_assert_int_eq(load("default allow\n"
                          "allow 0.0.0.0/0\n"
                          "allow 10.0.0.0/8\n"
                          "deny 10.66.0.0/16\n"
                          "deny ::/0\n",
                          NULL),
                     INFRA_OK);
    ck_assert_str_eq(explain("10.66.0.1"),
                     "deny by rule 4 (10.66.0.0/16), over rule 3 (allow "
                     "10.0.0.0/8), rule 2 (allow 0.0.0.0/0)");
    ck_assert_str_eq(explain("192.0.2.1"), "allow by rule 2 (0.0.0.0/0)");
    ck_assert_str_eq(explain("::1"), "deny by rule 5 (::/0)");
    ck_assert_int_eq(infra_access_explain(access_, &a, small, sizeof small),
                     (int)strlen(explain("10.66.0.1")));
    ck_assert_str_eq(small, "deny by");
    ck_assert_int_eq(infra_access_explain(access_, &a, NULL, 0),
                     (int)strlen(explain("10.66.0.1")));
    ck_assert_int_eq(infra_access_clear(access_), INFRA_OK);
    ck_assert_str_eq(explain("::1"), "deny by default");
    ck_assert_int_eq(infra_access_explain(NULL, &a, small, sizeof small),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_access_explain(access_, NULL, small, sizeof small),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_access_explain(access_, &a, NULL, 1), INFRA_EINVAL);
}
END_TEST

/* Checks are counted by their answer, also those of a reader that is gone. */
START_TEST(inspect_counts_answers)
{
    struct infra_access_status s = { .size = sizeof s };

    publish_text("allow 10.0.0.0/8\nallow ::1\n");
    (void)rule_for("10.0.0.1", NULL);
    (void)rule_for("10.0.0.2", NULL);
    (void)rule_for("11.0.0.1", NULL);
    infra_access_reader_destroy(reader);
    ck_assert_int_eq(infra_access_reader_create(&reader, access_), INFRA_OK);
    (void)rule_for("::1", NULL);
    ck_assert_int_eq(infra_access_inspect(access_, &s), INFRA_OK);
    ck_assert_uint_eq(s.allowed, 3);
    ck_assert_uint_eq(s.denied, 1);
    ck_assert_uint_eq(s.version, 1);
    ck_assert_uint_eq(s.rules, 2);
    ck_assert_uint_eq(s.ranges, 6);
    ck_assert_uint_eq(s.readers, 1);
    ck_assert_uint_eq(s.default_action, INFRA_ACCESS_DENY);
    ck_assert_uint_gt(s.bytes, 100);
    ck_assert_int_eq(infra_access_inspect(NULL, &s), INFRA_EINVAL);
    ck_assert_int_eq(infra_access_inspect(access_, NULL), INFRA_EINVAL);
    s.size = 1;
    ck_assert_int_eq(infra_access_inspect(access_, &s), INFRA_EINVAL);
}
END_TEST

/* Each action and each flaw has a name. */
START_TEST(enums_have_names)
{
    ck_assert_str_eq(infra_access_action_name(INFRA_ACCESS_DENY), "deny");
    ck_assert_str_eq(infra_access_action_name(INFRA_ACCESS_ALLOW), "allow");
    ck_assert_str_eq(infra_access_action_name(2), "unknown");
    for (uint32_t f = 0; f <= INFRA_ACCESS_FLAW_TOO_MANY; f++) {
        ck_assert_str_ne(infra_access_flaw_name(f), "unknown");
    }
    ck_assert_str_eq(infra_access_flaw_name(INFRA_ACCESS_FLAW_TOO_MANY + 1),
                     "unknown");
    for (uint32_t f = 1; f <= INFRA_PREFIX_FLAW_HOST_BITS; f++) {
        ck_assert_str_eq(infra_access_flaw_name(f), infra_prefix_flaw_name(f));
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("access");
    TCase *tc = tcase_create("access");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, nothing_published_denies);
    tcase_add_test(tc, rules_count_from_the_next_publish);
    tcase_add_test(tc, a_prefix_has_one_action);
    tcase_add_test(tc, bad_rules_are_refused);
    tcase_add_test(tc, limits_hold);
    tcase_add_test(tc, every_allocation_may_fail);
    tcase_add_test(tc, explain_names_the_overruled_rules);
    tcase_add_test(tc, inspect_counts_answers);
    tcase_add_test(tc, enums_have_names);
    suite_add_tcase(s, tc);
    return test_main(s);
}
