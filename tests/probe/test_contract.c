/* SPDX-License-Identifier: MIT */
/* What holds for every kind of probe: options and timeouts of any age, timeouts
 * that are followed, one allocation that may fail, and texts that are "" before
 * a check. To add a kind: CREATE and a row. */
#include "pgsql_peer.h"
#include "probing.h"

#include "base/internal.h"

#include <infra/probe.h>
#include <string.h>

#define CREATE(kind)                                                  \
    static int create_##kind(struct infra_probe **ret, const void *o) \
    {                                                                 \
        return infra_probe_##kind(ret, o);                            \
    }
CREATE(tcp)
CREATE(http)
CREATE(agent)
CREATE(script)
CREATE(mysql)
CREATE(pgsql)
CREATE(redis)

static const struct infra_probe_step end = { .kind =
                                                 INFRA_PROBE_STEP_EXPECT_END };
static const struct infra_probe_script_options script = { .steps = &end,
                                                          .steps_count = 1 };

/* A kind, the options that it needs, and a check with default options. */
static const struct {
    const char *name;
    int (*create)(struct infra_probe **ret, const void *options);
    size_t size; /* Of the options. */
    const void *options;
    size_t steps;
    struct test_step peer[4];
    uint32_t reason;
    bool asks_for_tls; /* By its own protocol. */
} kinds[] = {
    { .name = "tcp",
      .create = create_tcp,
      .size = sizeof(struct infra_probe_tcp_options),
      .steps = 1,
      .peer = { TEST_ACCEPT(0) } },
    { .name = "http",
      .create = create_http,
      .size = sizeof(struct infra_probe_http_options),
      .steps = 3,
      .peer = { TEST_ACCEPT(0),
                TEST_EXPECT("GET / HTTP/1.1\r\nHost: localhost\r\n"
                            "User-Agent: libinfra\r\n"
                            "Connection: close\r\n\r\n"),
                TEST_SEND("HTTP/1.1 399 OK\r\n\r\n") } },
    { .name = "agent",
      .create = create_agent,
      .size = sizeof(struct infra_probe_agent_options),
      .steps = 2,
      .peer = { TEST_ACCEPT(0), TEST_SEND("up\n") } },
    { .name = "script",
      .create = create_script,
      .size = sizeof(struct infra_probe_script_options),
      .options = &script,
      .steps = 2,
      .peer = { TEST_ACCEPT(0), TEST_EOF } },
    { .name = "mysql",
      .create = create_mysql,
      .size = sizeof(struct infra_probe_mysql_options),
      .steps = 2,
      .peer = { TEST_ACCEPT(0),
                TEST_SEND("\x05\0\0\0\xff\x6a\x04No") }, /* Error 1130. */
      .reason = INFRA_PROBE_REASON_LOGIN_REFUSED,
      .asks_for_tls = true },
    { .name = "pgsql",
      .create = create_pgsql,
      .size = sizeof(struct infra_probe_pgsql_options),
      .steps = 4,
      .peer = { TEST_ACCEPT(0), TEST_EXPECT(PGSQL_STARTUP),
                TEST_SEND(PGSQL_AUTH_SASL), TEST_CLOSED },
      .asks_for_tls = true },
    { .name = "redis",
      .create = create_redis,
      .size = sizeof(struct infra_probe_redis_options),
      .steps = 3,
      .peer = { TEST_ACCEPT(0), TEST_EXPECT("*1\r\n$4\r\nPING\r\n"),
                TEST_SEND("+PONG\r\n") } },
};

/* Options of a later version: all kinds begin alike. */
union options {
    struct infra_probe_tcp_options head;
    unsigned char bytes[512];
};

static union options options_of(int kind)
{
    union options o = { .bytes = { 0 } };

    ck_assert_uint_lt(kinds[kind].size, sizeof o);
    if (kinds[kind].options != NULL) {
        memcpy(&o, kinds[kind].options, kinds[kind].size);
    }
    o.head.size = kinds[kind].size;
    o.head.allocator = &probing.heap.allocator;
    return o;
}

static int create(int kind, const union options *o)
{
    infra_probe_destroy(probing.probe);
    probing.probe = NULL;
    return kinds[kind].create(&probing.probe, o);
}

static struct infra_probe_result run(const struct test_step *steps,
                                     size_t count)
{
    struct test_transport t = { .steps = steps, .steps_count = count };

    return probing_run(&t);
}

/* Options from the past, from the future, and none. */
START_TEST(options_of_any_age)
{
    union options o = options_of(_i);
    bool has_defaults = kinds[_i].options == NULL;

    ck_assert_int_eq(kinds[_i].create(NULL, &o), INFRA_EINVAL);
    o.head.size = sizeof o;
    ck_assert_int_eq(create(_i, &o), INFRA_OK);
    o.bytes[kinds[_i].size] = 1;
    ck_assert_int_eq(create(_i, &o), INFRA_ESTRUCT);
    o.head.size = kinds[_i].size - 1;
    ck_assert_int_eq(create(_i, &o), INFRA_EINVAL);
    o.head.size = kinds[_i].size;
    o.head.tls = 2;
    ck_assert_int_eq(create(_i, &o), INFRA_EINVAL);
    ck_assert_ptr_null(probing.probe);
    ck_assert_int_eq(create(_i, NULL), has_defaults ? INFRA_OK : INFRA_EINVAL);
    if (has_defaults) {
        ck_assert_uint_eq(run(kinds[_i].peer, kinds[_i].steps).reason,
                          kinds[_i].reason);
    }
}
END_TEST

/* So are the timeouts. */
START_TEST(timeouts_of_any_age)
{
    struct {
        struct infra_probe_timeouts v1;
        uint64_t future;
    } t = { .v1 = { .size = sizeof t }, .future = 1 };
    union options o = options_of(_i);

    o.head.timeouts = &t.v1;
    ck_assert_int_eq(create(_i, &o), INFRA_ESTRUCT);
    t.v1.size = sizeof t.v1 - 1;
    ck_assert_int_eq(create(_i, &o), INFRA_EINVAL);
    ck_assert_ptr_null(probing.probe);
    ck_assert_int_eq(probing.heap.calls, 0);
    t.v1.size = sizeof t;
    t.future = 0;
    ck_assert_int_eq(create(_i, &o), INFRA_OK);
}
END_TEST

/* Each phase has its own time, and TLS comes before the first byte. */
START_TEST(timeouts_are_followed)
{
    static const struct test_step hangs[] = { TEST_WAIT(INFRA_MS(39)),
                                              TEST_ACCEPT(0), TEST_TLS_UP,
                                              TEST_HANG };
    static const struct test_step unreached[] = { TEST_HANG };
    const struct infra_probe_timeouts timeouts = {
        .size = sizeof timeouts,
        .connect_timeout = INFRA_MS(40),
        .response_timeout = INFRA_MS(50),
    };
    union options o = options_of(_i);
    bool talks = kinds[_i].create != create_tcp;

    o.head.timeouts = &timeouts;
    o.head.tls = 1;
    ck_assert_int_eq(create(_i, &o), INFRA_OK);
    struct infra_probe_result r = run(unreached, 1);
    ck_assert_uint_eq(r.reason, INFRA_PROBE_REASON_CONNECT_TIMEOUT);
    ck_assert_uint_eq(r.duration, INFRA_MS(40));
    if (!kinds[_i].asks_for_tls) {
        r = run(hangs, INFRA__COUNT_OF(hangs));
        ck_assert_uint_eq(r.reason, talks ? INFRA_PROBE_REASON_NO_REPLY
                                          : INFRA_PROBE_REASON_PASSED);
        ck_assert_uint_eq(r.duration, INFRA_MS(talks ? 89 : 39));
    }
}
END_TEST

/* One allocation, which may fail; checks allocate nothing. */
START_TEST(the_allocation_may_fail)
{
    const union options o = options_of(_i);

    test_heap_init(&probing.heap, 0);
    ck_assert_int_eq(create(_i, &o), INFRA_ENOMEM);
    ck_assert_ptr_null(probing.probe);
    test_heap_init(&probing.heap, 1);
    ck_assert_int_eq(create(_i, &o), INFRA_OK);
    for (uint32_t text = 0; text <= INFRA_PROBE_TEXT_SOURCE + 1; text++) {
        ck_assert_str_eq(infra_probe_text(probing.probe, text), "");
    }
    ck_assert_uint_eq(run(kinds[_i].peer, kinds[_i].steps).reason,
                      kinds[_i].reason);
    ck_assert_int_eq(probing.heap.calls, 1);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("probe_contract");
    TCase *tc = tcase_create("contract");
    int count = (int)INFRA__COUNT_OF(kinds);

    tcase_add_checked_fixture(tc, probing_setup, probing_teardown);
    tcase_add_loop_test(tc, options_of_any_age, 0, count);
    tcase_add_loop_test(tc, timeouts_of_any_age, 0, count);
    tcase_add_loop_test(tc, timeouts_are_followed, 0, count);
    tcase_add_loop_test(tc, the_allocation_may_fail, 0, count);
    suite_add_tcase(s, tc);
    return test_main(s);
}
