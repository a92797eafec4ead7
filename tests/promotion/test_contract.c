/* SPDX-License-Identifier: MIT */
/* Promotion: the contract of each call, and the table. */
#include "promotion_host.h"

#include "base/random.h"
#include "promotion/internal.h"

#include <string.h>

static struct infra_promotion_options good(void)
{
    return (struct infra_promotion_options) {
        .size = sizeof(struct infra_promotion_options),
        .allocator = &host.heap.allocator,
        .gate = &host.gate
    };
}

static int create(const struct infra_promotion_options *o)
{
    return infra_promotion_create(&host.p, o);
}

/* Options out of range are refused, and nothing is created. */
static const struct {
    const char *name;
    struct infra_promotion_options o;
} bad[] = {
    { "sample_age_max", { .sample_age_max = 1 } },
    { "order_timeout", { .order_timeout = INFRA_SEC(86401) } },
    { "fence_timeout", { .fence_timeout = 1 } },
    { "collect_timeout", { .collect_timeout = 1 } },
    { "catch_up_timeout", { .catch_up_timeout = 1 } },
    { "promote_timeout", { .promote_timeout = 1 } },
    { "recovery_interval", { .recovery_interval = 1 } },
    { "half-life", { .penalty_half_life = INFRA_MS(999) } },
    { "nodes", { .nodes_max = 257 } },
    { "observers", { .observers_max = 257 } },
    { "dead_votes_min",
      { .nodes_max = 3, .observers_max = 2, .dead_votes_min = 6 } },
    { "acks", { .nodes_max = 3, .sync_acks = 3 } },
    { "failed", { .fence_failed = 2 } },
    { "unknown", { .fence_unknown = 2 } },
    { "loss", { .loss = 2 } },
    { "quarantine", { .quarantine = 2 } },
};

START_TEST(options_out_of_range_are_refused)
{
    struct infra_promotion_options o = bad[_i].o;

    o.size = sizeof o;
    o.gate = &host.gate;
    ck_assert_msg(create(&o) == INFRA_EINVAL, "%s", bad[_i].name);
    ck_assert_ptr_null(host.p);
}
END_TEST

START_TEST(options_at_the_limit_are_taken)
{
    struct infra_promotion_options o = good();

    o.nodes_max = INFRA_PROMOTION_NODES_MAX;
    o.observers_max = INFRA_PROMOTION_OBSERVERS_MAX;
    o.dead_votes_min = o.nodes_max + o.observers_max;
    o.sync_acks = o.nodes_max - 1;
    o.sample_age_max = INFRA_MS(1);
    o.promote_timeout = INFRA_SEC(86400);
    ck_assert_int_eq(create(&o), INFRA_OK);
}
END_TEST

START_TEST(create_wants_a_gate)
{
    struct infra_promotion_options o = good();

    ck_assert_int_eq(create(NULL), INFRA_EINVAL);
    ck_assert_int_eq(infra_promotion_create(NULL, &o), INFRA_EINVAL);
    o.gate = NULL;
    ck_assert_int_eq(create(&o), INFRA_EINVAL);
    ck_assert_ptr_null(host.p);
    infra_promotion_destroy(NULL);
}
END_TEST

/* A host of another age. */
START_TEST(options_of_another_age)
{
    struct {
        struct infra_promotion_options o;
        uint64_t newer;
    } future = { .o = good() };

    future.o.size = sizeof future;
    future.newer = 1;
    ck_assert_int_eq(create(&future.o), INFRA_ESTRUCT);
    future.newer = 0;
    future.o.size = sizeof future.o - 1;
    ck_assert_int_eq(create(&future.o), INFRA_EINVAL);
    future.o.size = sizeof future;
    ck_assert_int_eq(create(&future.o), INFRA_OK);

    struct {
        struct infra_promotion_status s;
        uint64_t newer;
    } status = { .newer = 7 };
    status.s.size = sizeof status;
    ck_assert_int_eq(infra_promotion_inspect(host.p, &status.s), INFRA_OK);
    ck_assert_uint_eq(status.newer, 0);
    status.s.size = sizeof status.s - 1;
    ck_assert_int_eq(infra_promotion_inspect(host.p, &status.s), INFRA_EINVAL);
    ck_assert_int_eq(infra_promotion_inspect(NULL, &status.s), INFRA_EINVAL);
    ck_assert_int_eq(infra_promotion_inspect(host.p, NULL), INFRA_EINVAL);
}
END_TEST

/* Each allocation may fail, and nothing is left behind. */
START_TEST(every_allocation_may_fail)
{
    struct infra_promotion_options o = good();

    for (long i = 0; i < 3; i++) {
        test_heap_init(&host.heap, i);
        ck_assert_int_eq(create(&o), INFRA_ENOMEM);
        ck_assert_ptr_null(host.p);
        ck_assert_int_eq(host.heap.live, 0);
    }
    test_heap_init(&host.heap, 3);
    ck_assert_int_eq(create(&o), INFRA_OK);
}
END_TEST

/* A node without a key, out of range, or of a newer library is refused. */
START_TEST(wrong_nodes_are_refused)
{
    static const struct infra_promotion_node wrong[] = {
        { .size = sizeof wrong[0], .id = NODES, .key = "a" },
        { .size = sizeof wrong[0] },
        { .size = sizeof wrong[0], .key = "" },
        { .size = sizeof wrong[0], .key = "a", .flags = 16 },
        { .size = sizeof wrong[0], .key = "a", .reserved = 1 },
        { .size = sizeof wrong[0] - 1, .key = "a" },
    };
    const struct {
        struct infra_promotion_node node;
        uint64_t newer;
    } future = { { .size = sizeof future, .key = "a" }, 1 };

    host_create((struct infra_promotion_options) { 0 }, 3);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        ck_assert_int_eq(infra_promotion_set(host.p, &wrong[i], host.now),
                         INFRA_EINVAL);
    }
    ck_assert_int_eq(infra_promotion_set(NULL, &future.node, host.now),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_promotion_set(host.p, NULL, host.now), INFRA_EINVAL);
    ck_assert_int_eq(infra_promotion_set(host.p, &future.node, host.now),
                     INFRA_ESTRUCT);
}
END_TEST

/* A node may be set again; the primary cannot become another node. */
START_TEST(nodes_come_and_go)
{
    struct infra_promotion_node z = { .size = sizeof z, .key = "z" };

    host_create((struct infra_promotion_options) { 0 }, 3);
    struct infra_promotion *p = host.p;
    ck_assert_int_eq(infra_promotion_remove(NULL, 0), INFRA_EINVAL);
    ck_assert_int_eq(infra_promotion_remove(p, NODES), INFRA_EINVAL);
    ck_assert_int_eq(infra_promotion_remove(p, 3), INFRA_ENOENT);
    host_lead(2);
    ck_assert_int_eq(infra_promotion_set(p, &z, host.now), INFRA_EBUSY);
    ck_assert_int_eq(infra_promotion_remove(p, 0), INFRA_EBUSY);
    host_set(0, 9, 7);
    host_primary(1, 1, 1);
    host_expect("record-apart-b [conflict: conflict]");
    z.id = 1;
    ck_assert_int_eq(infra_promotion_set(p, &z, host.now), INFRA_OK);
    host_expect("[watch: resolved]"); /* Of that one nothing is known. */
    ck_assert_int_eq(infra_promotion_remove(p, 1), INFRA_OK);
    ck_assert_int_eq(infra_promotion_remove(p, 1), INFRA_ENOENT);
}
END_TEST

/* What is told of nodes has to make sense. */
START_TEST(samples_are_checked)
{
    host_create((struct infra_promotion_options) { .observers_max = 2 }, 3);
    static const struct {
        struct infra_promotion_sample sample;
        uint32_t node;
        int result;
    } samples[] = {
        { { .source = NO_NODE }, 3, INFRA_ENOENT },
        { { .source = NO_NODE }, NODES, INFRA_ENOENT },
        { { .source = NO_NODE, .observer = 2 }, 0, INFRA_EINVAL },
        { { .source = NO_NODE, .view = 3 }, 0, INFRA_EINVAL },
        { { .source = NO_NODE, .writable = 2 }, 0, INFRA_EINVAL },
        { { .source = NODES }, 0, INFRA_EINVAL },
        { { .source = 0 }, 0, INFRA_EINVAL },
        { { .source = 1, .at = 5 }, 0, INFRA_OK },
        { { .source = 1, .at = 4 }, 0, INFRA_ESTALE },
        { { .source = 1, .at = 4, .observer = 1 }, 0, INFRA_OK },
    };

    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        int result = infra_promotion_report(host.p, samples[i].node,
                                            &samples[i].sample, host.now);
        ck_assert_msg(result == samples[i].result, "row %zu: %d", i, result);
    }
    ck_assert_int_eq(infra_promotion_report(host.p, 0, NULL, 0), INFRA_EINVAL);
    ck_assert_int_eq(infra_promotion_report(NULL, 0, &samples[7].sample, 0),
                     INFRA_EINVAL);
}
END_TEST

START_TEST(other_calls_are_checked)
{
    struct infra_promotion_event e;

    host_create((struct infra_promotion_options) { 0 }, 3);
    ck_assert_int_eq(infra_promotion_next(NULL, 0, &e), INFRA_EINVAL);
    ck_assert_int_eq(infra_promotion_next(host.p, 0, NULL), INFRA_EINVAL);
    ck_assert_uint_eq(infra_promotion_deadline(NULL), INFRA_TIME_NEVER);
    ck_assert_int_eq(infra_promotion_answer(NULL, 1, 0, 0), INFRA_EINVAL);
    ck_assert_int_eq(infra_promotion_answer(host.p, 1, 3, 0), INFRA_EINVAL);
    ck_assert_int_eq(infra_promotion_answer(host.p, 0, 0, 0), INFRA_ESTALE);
    ck_assert_int_eq(infra_promotion_adopt(NULL, 0, 1, 0, 0, 0), INFRA_EINVAL);
    ck_assert_int_eq(infra_promotion_adopt(host.p, 0, 0, 0, 0, 0),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_promotion_adopt(host.p, 4, 1, 0, 0, 0),
                     INFRA_ENOENT);
    ck_assert_int_eq(infra_promotion_adopt(host.p, 0, 2, 0, 0, 0), INFRA_OK);
    ck_assert_int_eq(infra_promotion_adopt(host.p, 1, 2, 0, 0, 0),
                     INFRA_ESTALE);
}
END_TEST

/* Every name is there, another each, and no other. */
static void check_names(const char *(*name_of)(uint32_t), uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        ck_assert_str_ne(name_of(i), "unknown");
        for (uint32_t k = 0; k < i; k++) {
            ck_assert_str_ne(name_of(i), name_of(k));
        }
    }
    ck_assert_str_eq(name_of(count), "unknown");
    ck_assert_str_eq(name_of(UINT32_MAX), "unknown");
}

START_TEST(names_are_distinct)
{
    check_names(infra_promotion_step_name, STEPS_COUNT);
    check_names(infra_promotion_reason_name, PROMOTION_REASONS_COUNT);
    check_names(infra_promotion_event_name,
                INFRA_PROMOTION_EVENT_RECORD_APART + 1);
}
END_TEST

/* Every step can be reached, and left; no reason leads two ways. */
START_TEST(table_is_sound)
{
    size_t count;
    const struct infra__promotion_row *rows = infra__promotion_table(&count);
    uint32_t reached = 1u << INFRA_PROMOTION_STEP_STANDBY;
    uint32_t left = 0;

    for (size_t round = 0; round < count; round++) {
        for (size_t i = 0; i < count; i++) {
            if (rows[i].from == STEPS_COUNT ||
                (reached >> rows[i].from & 1u) != 0) {
                reached |= 1u << rows[i].to;
            }
        }
    }
    for (size_t i = 0; i < count; i++) {
        left |= rows[i].from < STEPS_COUNT ? 1u << rows[i].from : 0;
        ck_assert_uint_lt(rows[i].reason, PROMOTION_REASONS_COUNT);
        for (size_t k = 0; k < i; k++) {
            ck_assert(rows[i].from != rows[k].from ||
                      rows[i].reason != rows[k].reason);
        }
    }
    ck_assert_uint_eq(reached, (1u << STEPS_COUNT) - 1);
    ck_assert_uint_eq(left, (1u << STEPS_COUNT) - 1);
    ck_assert_uint_eq(
        infra__promotion_transition(INFRA_PROMOTION_STEP_STANDBY,
                                    INFRA_PROMOTION_REASON_PAUSED),
        STEPS_COUNT);
}
END_TEST

/* Any call at any time: never an order without a lease, nor a deadline that has
 * passed, nor more than a few events; and the same again gives the same. */
static uint64_t random_walk(uint64_t seed)
{
    uint64_t random = seed;
    uint64_t trace = 0;
    uint64_t token = 0;

    host_setup();
    host_create(
        (struct infra_promotion_options) { .sync_acks = (uint32_t)seed % 3,
                                           .fence_unknown = (uint32_t)seed % 2,
                                           .recovery_interval = INFRA_MS(1) },
        4);
    for (int i = 0; i < 400; i++) {
        uint64_t dice = infra__random(&random);
        uint32_t node = (uint32_t)(dice >> 8) % 5;
        struct infra_promotion_sample s = {
            .observer = (uint32_t)(dice >> 16) % 3,
            .view = (uint32_t)(dice >> 20) % 3,
            .at = host.now - (dice >> 24) % INFRA_MS(500),
            .timeline = (dice >> 30) % 3,
            .position = (dice >> 33) % 8,
            .writable = (uint32_t)(dice >> 37) % 2,
            .source = (dice >> 40) % 2 ? NO_NODE : (uint32_t)(dice >> 41) % 4,
        };
        host_wait((dice >> 44) % INFRA_SEC(1));
        switch (dice % 8) {
        case 0:
            host_lease((dice >> 50) % 4 == 0 ? 0 : (token += dice >> 63));
            break;
        case 1:
            (void)infra_promotion_command(host.p, (uint32_t)(dice >> 52) % 5,
                                          node, host.now);
            break;
        case 2:
            (void)infra_promotion_adopt(host.p, node, token + dice % 3, 1,
                                        (int)(dice >> 62 & 1), host.now);
            break;
        case 3:
            (void)infra_promotion_answer(
                host.p, host.calls[(dice >> 53) % 9][(dice >> 57) % 6],
                (uint32_t)(dice >> 60) % 3, host.now);
            break;
        default:
            (void)infra_promotion_report(host.p, node, &s, host.now);
            break;
        }
        for (const char *c = host_take(); *c != '\0'; c++) {
            trace = (trace ^ (uint64_t)*c) * 0x100000001b3u;
        }
        ck_assert(token != 0 || strstr(host.told, "-") == NULL);
    }
    host_teardown();
    return trace;
}

START_TEST(any_call_at_any_time)
{
    for (uint64_t seed = (uint64_t)_i * 25; seed < (uint64_t)_i * 25 + 25;
         seed++) {
        ck_assert_uint_eq(random_walk(seed), random_walk(seed));
    }
    host_setup();
}
END_TEST

static Suite *contract_suite(void)
{
    Suite *s = suite_create("promotion_contract");
    TCase *t = tcase_create("contract");

    tcase_add_checked_fixture(t, host_setup, host_teardown);
    tcase_add_loop_test(t, options_out_of_range_are_refused, 0,
                        (int)(sizeof bad / sizeof bad[0]));
    tcase_add_test(t, options_at_the_limit_are_taken);
    tcase_add_test(t, create_wants_a_gate);
    tcase_add_test(t, options_of_another_age);
    tcase_add_test(t, every_allocation_may_fail);
    tcase_add_test(t, wrong_nodes_are_refused);
    tcase_add_test(t, nodes_come_and_go);
    tcase_add_test(t, samples_are_checked);
    tcase_add_test(t, other_calls_are_checked);
    tcase_add_test(t, names_are_distinct);
    tcase_add_test(t, table_is_sound);
    tcase_add_loop_test(t, any_call_at_any_time, 0, 8);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    return test_main(contract_suite());
}
