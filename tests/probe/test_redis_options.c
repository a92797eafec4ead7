/* SPDX-License-Identifier: MIT */
/* The options of the Redis check. */
#include "probing.h"
#include "support.h"

#include "base/internal.h"

#include <string.h>

#define PING "*1\r\n$4\r\nPING\r\n"
#define AUTH "*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\n"

/* Texts that are too long, and contradictions, are refused; texts at their
 * limit are not. */
START_TEST(options_are_checked)
{
    static char text[4098];
    const struct {
        const char *name;
        struct infra_probe_redis_options o;
        int result;
    } rows[] = {
        { "password of 4096", { .password = text + 1 }, INFRA_OK },
        { "password of 4097", { .password = text }, INFRA_EINVAL },
        { "user of 255",
          { .user = text + 3842, .password = "secret" },
          INFRA_OK },
        { "user of 256",
          { .user = text + 3841, .password = "secret" },
          INFRA_EINVAL },
        { "user alone", { .user = "bob" }, INFRA_EINVAL },
        { "role not known", { .expect = 3 }, INFRA_EINVAL },
        { "flag for the role", { .ask = 2 }, INFRA_EINVAL },
        { "flag for TLS", { .tls = 2 }, INFRA_EINVAL },
        { "TLS", { .tls = 1 }, INFRA_OK },
    };

    memset(text, 'x', sizeof text - 1);
    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        struct infra_probe_redis_options o = rows[i].o;
        o.size = sizeof o;
        int err = infra_probe_redis(&probing.probe, &o);
        ck_assert_msg(err == rows[i].result, "%s: %d", rows[i].name, err);
        ck_assert_int_eq(probing.probe == NULL, err != INFRA_OK);
        infra_probe_destroy(probing.probe);
        probing.probe = NULL;
    }
}
END_TEST

START_TEST(texts_are_copied)
{
    static const struct test_step script[] = { TEST_ACCEPT(0),
                                               TEST_EXPECT(AUTH PING),
                                               TEST_EOF };
    char password[] = "secret";
    struct test_transport t = TEST_TRANSPORT(script);
    const struct infra_probe_redis_options o = {
        .size = sizeof o,
        .allocator = &probing.heap.allocator,
        .password = password,
    };

    ck_assert_int_eq(infra_probe_redis(&probing.probe, &o), INFRA_OK);
    memset(password, 'x', sizeof password - 1);
    ck_assert_uint_eq(probing_run(&t).reason, INFRA_PROBE_REASON_CLOSED_EARLY);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("probe_redis_options");
    TCase *tc = tcase_create("options");
    tcase_add_checked_fixture(tc, probing_setup, probing_teardown);
    tcase_add_test(tc, options_are_checked);
    tcase_add_test(tc, texts_are_copied);
    suite_add_tcase(s, tc);
    return test_main(s);
}
