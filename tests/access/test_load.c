/* SPDX-License-Identifier: MIT */
/* Rules as text: forms, and the place of each flaw. */
#include "fixture.h"

#include "base/internal.h"

/* Blanks, comments, capitals, CR LF and a missing last line end are allowed;
 * ids are the numbers of lines. */
START_TEST(forms_of_a_text)
{
    int allowed;

    publish_text("# the rules\r\n"
                 "\r\n"
                 "  Allow\t10.0.0.0/8  # ours\r\n"
                 "DENY 10.1.2.3#no\n"
                 "default deny");
    ck_assert_uint_eq(rule_for("10.0.0.1", &allowed), 3);
    ck_assert_int_eq(allowed, 1);
    ck_assert_uint_eq(rule_for("10.1.2.3", &allowed), 4);
    ck_assert_int_eq(allowed, 0);
    ck_assert_uint_eq(rule_for("11.0.0.1", &allowed), INFRA_ACCESS_RULE_NONE);
    ck_assert_int_eq(allowed, 0);
    publish_text("default allow\n");
    (void)rule_for("11.0.0.1", &allowed);
    ck_assert_int_eq(allowed, 1);
    publish_text("");
    (void)rule_for("11.0.0.1", &allowed);
    ck_assert_int_eq(allowed, 0);
}
END_TEST

/* A flaw is told with its line and column, and leaves the rules as they are. */
START_TEST(flaws_have_a_place)
{
    static const struct {
        const char *text;
        uint32_t line, column, flaw, other;
    } rows[] = {
        { "allow 10.0.0.1/8", 1, 7, INFRA_ACCESS_FLAW_HOST_BITS, 0 },
        { "\n\nallow 10.0.0.0/33\n", 3, 7, INFRA_ACCESS_FLAW_LENGTH, 0 },
        { "deny fe80::1%eth0", 1, 6, INFRA_ACCESS_FLAW_ZONE, 0 },
        { "deny localhost", 1, 6, INFRA_ACCESS_FLAW_ADDRESS, 0 },
        { "permit 10.0.0.0/8", 1, 1, INFRA_ACCESS_FLAW_WORD, 0 },
        { "allow10.0.0.0/8", 1, 1, INFRA_ACCESS_FLAW_WORD, 0 },
        { "10.0.0.0/8", 1, 1, INFRA_ACCESS_FLAW_WORD, 0 },
        { "default", 1, 8, INFRA_ACCESS_FLAW_MISSING, 0 },
        { "default none", 1, 9, INFRA_ACCESS_FLAW_WORD, 0 },
        { "allow", 1, 6, INFRA_ACCESS_FLAW_MISSING, 0 },
        { "allow # all", 1, 7, INFRA_ACCESS_FLAW_MISSING, 0 },
        { "allow 1.1.1.1 2.2.2.2", 1, 15, INFRA_ACCESS_FLAW_TRAILING, 0 },
        { "allow 1.1.1.1 \r", 1, 0, 0, 0 },
        { "allow 1.1.1.1\rdeny", 1, 7, INFRA_ACCESS_FLAW_ADDRESS, 0 },
        { "default deny\n\ndefault deny", 3, 9, INFRA_ACCESS_FLAW_DEFAULT, 1 },
        { "allow 1.0.0.0/8\nallow 1.0.0.0/8\ndeny ::ffff:1.0.0.0/104", 3, 1,
          INFRA_ACCESS_FLAW_CONFLICT, 1 },
        { "allow 1.0.0.0/8\nallow 1.0.0.0/8\n", 1, 0, 0, 0 },
    };

    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        struct infra_access_problem p = { .flaw = 0 };
        publish_text("allow 9.9.9.9");
        int err = load(rows[i].text, &p);
        ck_assert_msg(err == (rows[i].flaw == 0 ? INFRA_OK : INFRA_EINVAL),
                      "%s", rows[i].text);
        if (err != INFRA_OK) {
            ck_assert_msg(
                p.flaw == rows[i].flaw && p.line == rows[i].line &&
                    p.column == rows[i].column && p.other_line == rows[i].other,
                "%s: %s in %u:%u, %u", rows[i].text,
                infra_access_flaw_name(p.flaw), p.line, p.column, p.other_line);
            ck_assert_int_eq(load(rows[i].text, NULL), INFRA_EINVAL);
            ck_assert_int_eq(infra_access_publish(access_), INFRA_OK);
            ck_assert_uint_eq(rule_for("9.9.9.9", NULL), 1);
        }
    }
    ck_assert_int_eq(infra_access_load(NULL, "", 0, NULL), INFRA_EINVAL);
    ck_assert_int_eq(infra_access_load(access_, NULL, 1, NULL), INFRA_EINVAL);
    ck_assert_int_eq(infra_access_load(access_, NULL, 0, NULL), INFRA_OK);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("access_load");
    TCase *tc = tcase_create("load");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, forms_of_a_text);
    tcase_add_test(tc, flaws_have_a_place);
    suite_add_tcase(s, tc);
    return test_main(s);
}
