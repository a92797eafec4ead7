/* SPDX-License-Identifier: MIT */
/* Rates and connections by source, in a table of a fixed size. */
#include "support.h"

#include "base/internal.h"
#include "base/random.h"

#include <infra/limit.h>
#include <string.h>

static struct test_heap heap;
static struct infra_limit_table *table;
static const struct infra_limit_rate per_second = { INFRA_SEC(1),
                                                    INFRA_SEC(3) };

static void setup_with(struct infra_limit_table_options o)
{
    test_heap_init(&heap, -1);
    o.size = sizeof o;
    o.allocator = &heap.allocator;
    ck_assert_int_eq(infra_limit_table_create(&table, &o), INFRA_OK);
}

static void setup(void)
{
    setup_with((struct infra_limit_table_options) { .rate = &per_second,
                                                    .connections_max = 2 });
}

static void teardown(void)
{
    infra_limit_table_destroy(table);
    ck_assert_int_eq(heap.live, 0);
}

static struct infra_address address(const char *text)
{
    struct infra_address a = { { 0 } };

    ck_assert_msg(infra_address_parse(text, strlen(text), &a) == INFRA_OK, "%s",
                  text);
    return a;
}

static int take(const char *source, infra_time now)
{
    struct infra_address a = address(source);

    return infra_limit_table_take(table, &a, 1, now, NULL);
}

static struct infra_limit_table_status status_at(infra_time now)
{
    struct infra_limit_table_status s = { .size = sizeof s };

    ck_assert_int_eq(infra_limit_table_inspect(table, now, &s), INFRA_OK);
    return s;
}

/* Each source has a burst and a rate of its own, and is told when to come
 * again. */
START_TEST(each_source_has_its_own_rate)
{
    struct infra_address a = address("192.0.2.1");
    struct infra_limit_view v;
    infra_time wait = 1;

    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(
            infra_limit_table_take(table, &a, 1, INFRA_SEC(9), &wait), 1);
        ck_assert_uint_eq(wait, 0);
    }
    ck_assert_int_eq(
        infra_limit_table_take(table, &a, 1, INFRA_MS(9100), &wait), 0);
    ck_assert_uint_eq(wait, INFRA_MS(900));
    ck_assert_int_eq(take("192.0.2.2", INFRA_MS(9100)), 1);
    ck_assert_int_eq(infra_limit_table_take(table, &a, 4, INFRA_SEC(99), &wait),
                     0);
    ck_assert_uint_eq(wait, INFRA_TIME_NEVER);
    ck_assert_int_eq(
        infra_limit_table_take(table, &a, 0, INFRA_MS(9100), &wait), 1);
    ck_assert_int_eq(infra_limit_table_look(table, &a, INFRA_MS(9100), &v),
                     INFRA_OK);
    ck_assert_uint_eq(v.wait, INFRA_MS(900));
    ck_assert_uint_eq(v.remaining, 0);
    ck_assert_int_eq(take("192.0.2.1", INFRA_SEC(10)), 1);
    ck_assert_uint_eq(status_at(INFRA_SEC(10)).limited, 1);
    ck_assert_uint_eq(status_at(INFRA_SEC(10)).sources, 2);
    ck_assert_uint_eq(status_at(INFRA_SEC(20)).sources, 0);
}
END_TEST

/* A source is its first bits: /32, and /64 of IPv6, or what the options say. */
START_TEST(bits_make_a_source)
{
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(take("2001:db8::1", 0), 1);
    }
    ck_assert_int_eq(take("2001:db8::ffff:1", 0), 0);
    ck_assert_int_eq(take("2001:db8:0:1::1", 0), 1);
    teardown();
    setup_with((struct infra_limit_table_options) {
        .rate = &per_second, .ipv4_bits = 24, .ipv6_bits = 128 });
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(take("2001:db8::1", 0), 1);
        ck_assert_int_eq(take("192.0.2.9", 0), 1);
    }
    ck_assert_int_eq(take("2001:db8::1", 0), 0);
    ck_assert_int_eq(take("2001:db8::2", 0), 1);
    ck_assert_int_eq(take("::ffff:192.0.2.200", 0), 0);
    ck_assert_int_eq(take("192.0.3.1", 0), 1);
}
END_TEST

/* A source has as many connections as the cap says, and gets one again when it
 * gives one back. */
START_TEST(connections_have_a_cap)
{
    struct infra_address a = address("192.0.2.1"), b = address("192.0.2.2");
    struct infra_limit_view v;
    uint64_t tickets[4];

    ck_assert_int_eq(infra_limit_table_enter(table, &a, &tickets[0]), 1);
    ck_assert_int_eq(infra_limit_table_enter(table, &a, &tickets[1]), 1);
    ck_assert_int_eq(infra_limit_table_enter(table, &a, &tickets[2]), 0);
    ck_assert_int_eq(infra_limit_table_enter(table, &b, &tickets[2]), 1);
    ck_assert_uint_eq(status_at(0).connections, 3);
    ck_assert_uint_eq(status_at(0).capped, 1);
    ck_assert_int_eq(infra_limit_table_look(table, &a, 0, &v), INFRA_OK);
    ck_assert_uint_eq(v.connections, 2);
    ck_assert_int_eq(infra_limit_table_leave(table, tickets[0]), INFRA_OK);
    ck_assert_int_eq(infra_limit_table_enter(table, &a, &tickets[0]), 1);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(infra_limit_table_leave(table, tickets[i]), INFRA_OK);
    }
    ck_assert_int_eq(infra_limit_table_leave(table, tickets[2]), INFRA_EINVAL);
    ck_assert_int_eq(infra_limit_table_leave(table, 0), INFRA_EINVAL);
    ck_assert_int_eq(infra_limit_table_leave(table, UINT64_MAX), INFRA_EINVAL);
    ck_assert_int_eq(infra_limit_table_leave(NULL, 1), INFRA_EINVAL);
    ck_assert_uint_eq(status_at(0).connections, 0);
}
END_TEST

/* A table of rates caps nothing, one of caps limits nothing. */
START_TEST(what_is_not_limited_is_allowed)
{
    struct infra_address a = address("192.0.2.1");
    uint64_t ticket;

    teardown();
    setup_with((struct infra_limit_table_options) { .rate = &per_second });
    ck_assert_int_eq(infra_limit_table_enter(table, &a, &ticket), 1);
    ck_assert_int_eq(infra_limit_table_leave(table, ticket), INFRA_OK);
    teardown();
    setup_with((struct infra_limit_table_options) { .connections_max = 1 });
    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(take("192.0.2.1", 0), 1);
    }
}
END_TEST

enum { MODEL_SOURCES = 64 };

/* What a table without limits of its own size would do. */
struct model {
    infra_time states[MODEL_SOURCES];
    uint32_t connections[MODEL_SOURCES];
};

static struct infra_address source_of(uint32_t i)
{
    return infra_address_ipv4(0x0a000000u + i);
}

/* A table of one set of seven, with many more sources: what it admits, a table
 * without a limit of size admits, too; and what is refused is not the fault of
 * a source that has a place while it stays within its rate. */
START_TEST(a_full_table_never_admits_too_much)
{
    static struct model m;
    uint64_t seed = 11;
    infra_time now = 1;
    uint64_t admitted = 0, refused_too_much = 0;

    teardown();
    setup_with((struct infra_limit_table_options) { .rate = &per_second,
                                                    .sources_max = 7 });
    memset(&m, 0, sizeof m);
    for (int i = 0; i < 60000; i++) {
        uint32_t id = infra__below(infra__random(&seed), MODEL_SOURCES);
        struct infra_address a = source_of(id);
        now += infra__random(&seed) % INFRA_MS(150);
        int real = infra_limit_table_take(table, &a, 1, now, NULL);
        infra_time before = m.states[id];
        int model = infra_limit_take(&per_second, &before, 1, now);
        ck_assert_int_le(real, model);
        if (real) {
            m.states[id] = before; /* Charge what was admitted. */
        }
        admitted += (uint64_t)real;
        refused_too_much += real < model;
    }
    ck_assert_uint_gt(admitted, 10000);
    ck_assert_uint_gt(refused_too_much, 100);
    ck_assert_uint_eq(status_at(now).sources_max, 7);
    ck_assert_uint_gt(status_at(now).shared, 100);
    ck_assert_uint_eq(status_at(now).contended, 0);
}
END_TEST

/* The same for connections, which come back in any order. */
START_TEST(a_full_table_never_caps_too_late)
{
    enum { OPEN_MAX = 40 };
    static struct model m;
    uint64_t tickets[OPEN_MAX], seed = 5;
    uint32_t owners[OPEN_MAX], open = 0;

    teardown();
    setup_with((struct infra_limit_table_options) { .connections_max = 3,
                                                    .sources_max = 7 });
    memset(&m, 0, sizeof m);
    for (int i = 0; i < 60000; i++) {
        uint32_t id = infra__below(infra__random(&seed), 20);
        struct infra_address a = source_of(id);
        if (open == OPEN_MAX || (open > 0 && infra__random(&seed) % 2 == 0)) {
            uint32_t k = infra__below(infra__random(&seed), open);
            ck_assert_int_eq(infra_limit_table_leave(table, tickets[k]),
                             INFRA_OK);
            m.connections[owners[k]]--;
            tickets[k] = tickets[--open];
            owners[k] = owners[open];
        } else if (infra_limit_table_enter(table, &a, &tickets[open])) {
            owners[open++] = id;
            ck_assert_uint_le(++m.connections[id], 3);
        }
        if (i % 1000 == 0) {
            ck_assert_uint_eq(status_at(0).connections, open);
        }
    }
    ck_assert_uint_gt(status_at(0).shared, 100);
    while (open > 0) {
        ck_assert_int_eq(infra_limit_table_leave(table, tickets[--open]),
                         INFRA_OK);
    }
    ck_assert_uint_eq(status_at(0).connections, 0);
    ck_assert_uint_eq(status_at(0).sources, 0);
}
END_TEST

/* The secret decides which sources meet. */
START_TEST(the_secret_chooses_the_sets)
{
    static const unsigned char secrets[2][INFRA_LIMIT_SECRET_SIZE] = { { 1 },
                                                                       { 2 } };
    uint64_t shared[2][8];

    for (int s = 0; s < 2; s++) {
        teardown();
        setup_with((struct infra_limit_table_options) {
            .rate = &per_second, .sources_max = 56, .secret = secrets[s] });
        for (uint32_t i = 0; i < 8; i++) {
            for (uint32_t k = 0; k < 7; k++) {
                struct infra_address a = source_of(7 * i + k);
                (void)infra_limit_table_take(table, &a, 3, 1, NULL);
            }
            shared[s][i] = status_at(1).shared;
        }
    }
    ck_assert_mem_ne(shared[0], shared[1], sizeof shared[0]);
}
END_TEST

/* Options out of range, of the future, and NULL. */
START_TEST(bad_options_are_refused)
{
    static const struct infra_limit_rate none = { 0, 0 };
    const struct infra_limit_table_options bad[] = {
        { .size = sizeof bad[0] },
        { .size = sizeof bad[0], .rate = &none },
        { .size = sizeof bad[0], .rate = &none, .connections_max = 1 },
        { .size = sizeof bad[0], .connections_max = 1, .ipv4_bits = 33 },
        { .size = sizeof bad[0], .connections_max = 1, .ipv6_bits = 129 },
        { .size = sizeof bad[0],
          .connections_max = 1,
          .sources_max = INFRA_LIMIT_SOURCES_MAX + 1 },
        { .size = sizeof bad[0],
          .connections_max = INFRA_LIMIT_CONNECTIONS_MAX + 1 },
        { .size = 8, .connections_max = 1 },
    };
    struct {
        struct infra_limit_table_options o;
        uint64_t future;
    } later = { { .size = sizeof later, .connections_max = 1 }, 1 };
    struct infra_limit_table_status s = { .size = 1 };
    struct infra_limit_table *t = NULL;
    struct infra_address a = address("::1");
    struct infra_limit_view v;
    uint64_t ticket;

    for (size_t i = 0; i < INFRA__COUNT_OF(bad); i++) {
        ck_assert_int_eq(infra_limit_table_create(&t, &bad[i]), INFRA_EINVAL);
    }
    ck_assert_int_eq(infra_limit_table_create(&t, NULL), INFRA_EINVAL);
    ck_assert_int_eq(infra_limit_table_create(NULL, &later.o), INFRA_EINVAL);
    ck_assert_int_eq(infra_limit_table_create(&t, &later.o), INFRA_ESTRUCT);
    ck_assert_ptr_null(t);
    infra_limit_table_destroy(NULL);
    ck_assert_int_eq(infra_limit_table_take(NULL, &a, 1, 0, NULL), 0);
    ck_assert_int_eq(infra_limit_table_take(table, NULL, 1, 0, NULL), 0);
    ck_assert_int_eq(infra_limit_table_enter(NULL, &a, &ticket), 0);
    ck_assert_int_eq(infra_limit_table_enter(table, NULL, &ticket), 0);
    ck_assert_int_eq(infra_limit_table_enter(table, &a, NULL), 0);
    ck_assert_int_eq(infra_limit_table_look(NULL, &a, 0, &v), INFRA_EINVAL);
    ck_assert_int_eq(infra_limit_table_look(table, NULL, 0, &v), INFRA_EINVAL);
    ck_assert_int_eq(infra_limit_table_look(table, &a, 0, NULL), INFRA_EINVAL);
    ck_assert_int_eq(infra_limit_table_inspect(NULL, 0, &s), INFRA_EINVAL);
    ck_assert_int_eq(infra_limit_table_inspect(table, 0, NULL), INFRA_EINVAL);
    ck_assert_int_eq(infra_limit_table_inspect(table, 0, &s), INFRA_EINVAL);
}
END_TEST

/* Each allocation fails in turn, and nothing leaks. */
START_TEST(every_allocation_may_fail)
{
    struct infra_limit_table_options o = { .size = sizeof o,
                                           .allocator = &heap.allocator,
                                           .rate = &per_second,
                                           .connections_max = 1,
                                           .sources_max = 10 };

    teardown();
    for (long countdown = 0; countdown < 3; countdown++) {
        test_heap_init(&heap, countdown);
        ck_assert_int_eq(infra_limit_table_create(&table, &o), INFRA_ENOMEM);
        ck_assert_int_eq(heap.live, 0);
    }
    setup();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("limit_table");
    TCase *tc = tcase_create("table");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, each_source_has_its_own_rate);
    tcase_add_test(tc, bits_make_a_source);
    tcase_add_test(tc, connections_have_a_cap);
    tcase_add_test(tc, what_is_not_limited_is_allowed);
    tcase_add_test(tc, a_full_table_never_admits_too_much);
    tcase_add_test(tc, a_full_table_never_caps_too_late);
    tcase_add_test(tc, the_secret_chooses_the_sets);
    tcase_add_test(tc, bad_options_are_refused);
    tcase_add_test(tc, every_allocation_may_fail);
    suite_add_tcase(s, tc);
    return test_main(s);
}
