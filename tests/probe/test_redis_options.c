/* SPDX-License-Identifier: MIT */
/* What the Redis check may be asked for, and what may not. */
#include "probing.h"
#include "support.h"

#include "base/internal.h"

#include <string.h>

#define PING "*1\r\n$4\r\nPING\r\n"
#define AUTH "*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\n"

static const struct test_reply pong = { .name = "alive",
                                        .request = PING,
                                        TEST_TEXT("+PONG\r\n") };

static struct test_heap heap;
static struct infra_probe *probe;

static void setup(void)
{
    test_heap_init(&heap, -1);
    probe = NULL;
}

static void teardown(void)
{
    infra_probe_destroy(probe);
    ck_assert_int_eq(heap.live, 0);
}

/* What is too long or contradicts itself is refused; what is at its limit is
 * not. */
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
        int err = infra_probe_redis(&probe, &o);
        ck_assert_msg(err == rows[i].result, "%s: %d", rows[i].name, err);
        ck_assert_int_eq(probe == NULL, err != INFRA_OK);
        infra_probe_destroy(probe);
        probe = NULL;
    }
}
END_TEST

/* Texts are copied, time-outs are the options', and TLS comes first. */
START_TEST(options_are_followed)
{
    static const struct test_step script[] = { TEST_WAIT(INFRA_MS(39)),
                                               TEST_ACCEPT(0), TEST_TLS_UP,
                                               TEST_EXPECT(AUTH PING),
                                               TEST_HANG };
    static const struct test_step nobody[] = { TEST_HANG };
    char password[] = "secret";
    struct test_transport t = TEST_TRANSPORT(script);
    struct test_transport u = TEST_TRANSPORT(nobody);
    struct infra_probe_result r;
    const struct infra_probe_timeouts timeouts = { .size = sizeof timeouts,
                                                   .connect_timeout =
                                                       INFRA_MS(40),
                                                   .response_timeout =
                                                       INFRA_MS(50) };
    const struct infra_probe_redis_options o = {
        .size = sizeof o,
        .allocator = &heap.allocator,
        .timeouts = &timeouts,
        .tls = 1,
        .password = password,
    };

    ck_assert_int_eq(infra_probe_redis(&probe, &o), INFRA_OK);
    memset(password, 'x', sizeof password - 1);
    infra_probe_start(probe, 0, 0);
    test_transport_run(&t, infra_probe_exchange(probe));
    ck_assert_int_eq(infra_probe_result(probe, &r), INFRA_OK);
    ck_assert_uint_eq(r.reason, INFRA_PROBE_REASON_NO_REPLY);
    ck_assert_uint_eq(r.duration, INFRA_MS(89));
    infra_probe_start(probe, 0, 0);
    test_transport_run(&u, infra_probe_exchange(probe));
    ck_assert_int_eq(infra_probe_result(probe, &r), INFRA_OK);
    ck_assert_uint_eq(r.reason, INFRA_PROBE_REASON_CONNECT_TIMEOUT);
    ck_assert_uint_eq(r.duration, INFRA_MS(40));
}
END_TEST

START_TEST(options_of_any_age)
{
    struct {
        struct infra_probe_redis_options v1;
        uint64_t future;
    } o = { .v1.size = sizeof o };

    ck_assert_int_eq(infra_probe_redis(NULL, NULL), INFRA_EINVAL);
    ck_assert_int_eq(infra_probe_redis(&probe, &o.v1), INFRA_OK);
    infra_probe_destroy(probe);
    probe = NULL;
    o.future = 1;
    ck_assert_int_eq(infra_probe_redis(&probe, &o.v1), INFRA_ESTRUCT);
    o.v1.size = sizeof o.v1 - 1;
    ck_assert_int_eq(infra_probe_redis(&probe, &o.v1), INFRA_EINVAL);
    ck_assert_ptr_null(probe);
    ck_assert_int_eq(infra_probe_redis(&probe, NULL), INFRA_OK);
    test_probe_reply(probe, &pong, TEST_SPLIT_NONE, 0);
}
END_TEST

/* One allocation, which may fail; checks allocate nothing. */
START_TEST(the_allocation_may_fail)
{
    const struct infra_probe_redis_options o = { .size = sizeof o,
                                                 .allocator = &heap.allocator };

    test_heap_init(&heap, 0);
    ck_assert_int_eq(infra_probe_redis(&probe, &o), INFRA_ENOMEM);
    ck_assert_ptr_null(probe);
    test_heap_init(&heap, 1);
    ck_assert_int_eq(infra_probe_redis(&probe, &o), INFRA_OK);
    test_probe_reply(probe, &pong, TEST_SPLIT_NONE, 0);
    ck_assert_int_eq(heap.calls, 1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("probe_redis_options");
    TCase *tc = tcase_create("options");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, options_are_checked);
    tcase_add_test(tc, options_are_followed);
    tcase_add_test(tc, options_of_any_age);
    tcase_add_test(tc, the_allocation_may_fail);
    suite_add_tcase(s, tc);
    return test_main(s);
}
