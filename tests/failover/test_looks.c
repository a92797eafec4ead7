/* SPDX-License-Identifier: MIT */
/* Failover: how often the store is asked, and what the host gets to hear. */
#include "node.h"
#include "support.h"

static struct node n;

static void create(struct infra_failover_options o)
{
    node_destroy(&n);
    node_create(&n, o);
}

static void setup(void)
{
    node_create(&n, (struct infra_failover_options) { .ttl = 0 });
}

static void teardown(void)
{
    node_destroy(&n);
}

/* However quickly a store answers, and however little sense that makes, it is
 * not asked without end. */
static const struct {
    const char *name;
    struct infra_lease_answer by_op[INFRA_LEASE_OP_REQUEST + 1];
} mad_stores[] = {
    { "free, and taken",
      { [INFRA_LEASE_OP_READ] = { .outcome = INFRA_LEASE_OUTCOME_LOST },
        [INFRA_LEASE_OP_ACQUIRE] = { .outcome = INFRA_LEASE_OUTCOME_CONFLICT,
                                     .token = 1 } } },
    { "free, and nothing said",
      { [INFRA_LEASE_OP_READ] = { .outcome = INFRA_LEASE_OUTCOME_LOST },
        [INFRA_LEASE_OP_ACQUIRE] = { .outcome =
                                         INFRA_LEASE_OUTCOME_UNKNOWN } } },
    { "free, and given for no time",
      { [INFRA_LEASE_OP_READ] = { .outcome = INFRA_LEASE_OUTCOME_LOST },
        [INFRA_LEASE_OP_ACQUIRE] = { .outcome = INFRA_LEASE_OUTCOME_GRANTED,
                                     .token = 9 },
        [INFRA_LEASE_OP_RELEASE] = { .outcome =
                                         INFRA_LEASE_OUTCOME_GRANTED } } },
    { "free, and another asked",
      { [INFRA_LEASE_OP_READ] = { .outcome = INFRA_LEASE_OUTCOME_LOST,
                                  .handover_request = 200 },
        [INFRA_LEASE_OP_ACQUIRE] = { .outcome =
                                         INFRA_LEASE_OUTCOME_UNKNOWN } } },
    { "nothing said",
      { [INFRA_LEASE_OP_READ] = { .outcome = INFRA_LEASE_OUTCOME_UNKNOWN } } },
    { "ours, and old, and not to be given back",
      { [INFRA_LEASE_OP_READ] = { .outcome = INFRA_LEASE_OUTCOME_GRANTED,
                                  .token = 1 },
        [INFRA_LEASE_OP_RELEASE] = { .outcome =
                                         INFRA_LEASE_OUTCOME_UNKNOWN } } },
    { "ours, and not to be renewed",
      { [INFRA_LEASE_OP_READ] = { .outcome = INFRA_LEASE_OUTCOME_GRANTED,
                                  .token = 9 },
        [INFRA_LEASE_OP_RENEW] = { .outcome = INFRA_LEASE_OUTCOME_UNKNOWN } } },
    { "ours, and another's",
      { [INFRA_LEASE_OP_READ] = { .outcome = INFRA_LEASE_OUTCOME_GRANTED,
                                  .token = 9 },
        [INFRA_LEASE_OP_RENEW] = { .outcome = INFRA_LEASE_OUTCOME_CONFLICT,
                                   .token = 9 } } },
    { "another's",
      { [INFRA_LEASE_OP_READ] = { .outcome = INFRA_LEASE_OUTCOME_CONFLICT,
                                  .token = 1 },
        [INFRA_LEASE_OP_REQUEST] = { .outcome =
                                         INFRA_LEASE_OUTCOME_UNKNOWN } } },
};

START_TEST(a_mad_store_is_not_flooded)
{
    infra_time end = n.now + INFRA_SEC(60);
    uint64_t calls = 0;

    create((struct infra_failover_options) {
        .token_floor = 1, .preempt = 1, .preference = 100 });
    (void)node_take(&n);
    while (n.now < end) {
        if (n.call.id > calls) {
            calls = n.call.id;
            struct infra_lease_answer a = mad_stores[_i].by_op[n.call.op];
            /* What is granted is new. */
            a.token += n.call.op == INFRA_LEASE_OP_ACQUIRE ? calls : 0;
            (void)node_answer_as(&n, a);
        } else {
            (void)node_sleep(&n);
        }
    }
    ck_assert_msg(calls <= 600 && calls > 60, "%s: %llu calls in 60 s",
                  mad_stores[_i].name, (unsigned long long)calls);
}
END_TEST

/* A store that refuses at once is asked again after half an attempt. */
START_TEST(a_refusal_is_not_repeated_at_once)
{
    node_until(&n, INFRA_LEASE_OP_READ);
    (void)node_answer(&n, INFRA_LEASE_OUTCOME_LOST, 0);
    for (int i = 0; i < 3; i++) { /* ACQUIRE, then READ. */
        ck_assert_str_eq(node_answer(&n, INFRA_LEASE_OUTCOME_UNKNOWN, 0), "");
        ck_assert_str_eq(node_diary(&n, n.now, INFRA_MS(500)), "500 read");
    }
    ck_assert_str_eq(node_answer(&n, INFRA_LEASE_OUTCOME_LOST, 0), "acquire");
    ck_assert_str_eq(node_answer(&n, INFRA_LEASE_OUTCOME_CONFLICT, 1),
                     "standby(held)");
    ck_assert_str_eq(node_diary(&n, n.now, INFRA_MS(500)), "500 read");
    (void)node_answer(&n, INFRA_LEASE_OUTCOME_LOST, 0);
    ck_assert_str_eq(node_answer_clean(&n, 2),
                     "grace(granted) active(ready) ACTIVATE");
    node_until(&n, INFRA_LEASE_OP_RENEW);
    ck_assert_str_eq(node_answer(&n, INFRA_LEASE_OUTCOME_UNKNOWN, 0), "");
    ck_assert_str_eq(node_diary(&n, n.now, INFRA_MS(500)), "500 renew");
}
END_TEST

/* A free lease is not requested, though it is not taken because a preferred
 * node comes first. */
START_TEST(nobody_is_not_asked)
{
    create((struct infra_failover_options) { .preempt = 1, .preference = 100 });
    infra_time begin = n.now;
    uint64_t asks = 0;

    (void)node_take(&n);
    while (n.now < begin + INFRA_SEC(6)) {
        int is_free = n.now > begin + INFRA_MS(4800);
        uint64_t call = n.call.id;
        const struct infra_lease_answer a = {
            .outcome = is_free ? INFRA_LEASE_OUTCOME_LOST
                               : INFRA_LEASE_OUTCOME_CONFLICT,
            .token = 7,
            .handover_request = 200,
        };
        (void)node_answer_as(&n, a);
        (void)node_sleep(&n);
        asks += n.call.id != call && n.call.op == INFRA_LEASE_OP_REQUEST;
    }
    ck_assert_uint_eq(asks, 1);
    ck_assert_uint_eq(n.role, INFRA_FAILOVER_ROLE_STANDBY);
}
END_TEST

/* A standby looks every 500 ms, less up to a quarter, so that nodes that
 * started together part; with a short lease every sixth of it. */
START_TEST(looks_are_spread)
{
    infra_time last = 0;
    infra_time least = INFRA_TIME_NEVER;
    infra_time most = 0;

    (void)node_take(&n);
    for (int i = 0; i < 1000; i++) {
        last = n.now;
        (void)node_answer(&n, INFRA_LEASE_OUTCOME_CONFLICT, 1);
        ck_assert_str_eq(node_sleep(&n), "read");
        least = n.now - last < least ? n.now - last : least;
        most = n.now - last > most ? n.now - last : most;
    }
    ck_assert_uint_ge(least, INFRA_MS(375));
    ck_assert_uint_lt(least, INFRA_MS(380));
    ck_assert_uint_le(most, INFRA_MS(500));
    ck_assert_uint_gt(most, INFRA_MS(495));
    create((struct infra_failover_options) { .ttl = INFRA_SEC(1) });
    (void)node_take(&n);
    last = n.now;
    (void)node_answer(&n, INFRA_LEASE_OUTCOME_CONFLICT, 1);
    (void)node_sleep(&n);
    ck_assert_uint_le(n.now - last, INFRA_SEC(1) / 6);
    ck_assert_uint_ge(n.now - last, INFRA_SEC(1) / 8);
    create((struct infra_failover_options) { .ttl = INFRA_MS(100) });
    (void)node_take(&n);
    last = n.now;
    (void)node_answer(&n, INFRA_LEASE_OUTCOME_CONFLICT, 1);
    (void)node_sleep(&n);
    ck_assert_uint_ge(n.now - last, INFRA_MS(37)); /* Not every 17 ms. */
}
END_TEST

/* When it looks next, from the start. */
static infra_time next_look(uint64_t seed, uint64_t incarnation)
{
    create((struct infra_failover_options) { .seed = seed,
                                             .incarnation = incarnation });
    (void)node_take(&n);
    (void)node_answer(&n, INFRA_LEASE_OUTCOME_CONFLICT, 1);
    return infra_failover_deadline(n.machine);
}

/* The jitter is that of the seed, and else another with each start. */
START_TEST(chance_has_a_seed)
{
    ck_assert_uint_eq(next_look(5, 1), next_look(5, 2));
    ck_assert_uint_ne(next_look(5, 1), next_look(6, 1));
    ck_assert_uint_ne(next_look(0, 1), next_look(0, 2));
    ck_assert_uint_eq(next_look(0, 5), next_look(5, 1));
}
END_TEST

/* A hint makes a standby look at once, and proves nothing. */
START_TEST(a_hint_is_a_reason_to_look)
{
    (void)node_take(&n);
    (void)node_answer(&n, INFRA_LEASE_OUTCOME_CONFLICT, 1);
    ck_assert_str_eq(node_after(&n, INFRA_MS(1)), "");
    ck_assert_int_eq(infra_failover_hint(n.machine, n.now), INFRA_OK);
    ck_assert_uint_le(infra_failover_deadline(n.machine), n.now);
    ck_assert_str_eq(node_take(&n), "read");
    ck_assert_str_eq(node_answer(&n, INFRA_LEASE_OUTCOME_CONFLICT, 1), "");
}
END_TEST

/* What has been true for a while may be no longer when the host comes: then it
 * hears of no activation, only what became of it. */
START_TEST(an_old_activation_is_not_handed_out)
{
    node_until(&n, INFRA_LEASE_OP_READ);
    (void)node_answer(&n, INFRA_LEASE_OUTCOME_LOST, 0);
    const struct infra_lease_answer a = { .outcome =
                                              INFRA_LEASE_OUTCOME_GRANTED,
                                          .clean = 1,
                                          .token = 1,
                                          .ttl = n.ttl };
    ck_assert_int_eq(infra_failover_answer(n.machine, n.call.id, &a, n.now),
                     INFRA_OK);
    ck_assert_str_eq(node_after(&n, INFRA_SEC(10)),
                     "grace(granted) active(ready) doubt(pause) "
                     "cool-down(expired) release");
    ck_assert_uint_eq(node_status(&n).activations, 0);
}
END_TEST

/* Of role changes that the host does not take the last sixteen are kept. */
START_TEST(old_news_are_dropped)
{
    struct infra_failover_event e;
    int count = 0;

    for (int i = 0; i < 10; i++) { /* Three changes each. */
        (void)infra_failover_fit(n.machine, 0, n.now);
        (void)infra_failover_fit(n.machine, 1, n.now);
    }
    (void)infra_failover_fit(n.machine, 0, n.now);
    while (infra_failover_next(n.machine, n.now, &e) == INFRA_OK) {
        ck_assert_uint_eq(e.kind, INFRA_FAILOVER_EVENT_ROLE);
        ck_assert_uint_eq(e.role, count % 3 == 0 ? INFRA_FAILOVER_ROLE_FAULT
                                  : count % 3 == 1
                                      ? INFRA_FAILOVER_ROLE_COOLDOWN
                                      : INFRA_FAILOVER_ROLE_STANDBY);
        count++;
    }
    ck_assert_int_eq(count, 16);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("failover_looks");
    TCase *looks = tcase_create("looks");

    tcase_add_checked_fixture(looks, setup, teardown);
    tcase_add_loop_test(looks, a_mad_store_is_not_flooded, 0,
                        sizeof mad_stores / sizeof mad_stores[0]);
    tcase_add_test(looks, a_refusal_is_not_repeated_at_once);
    tcase_add_test(looks, nobody_is_not_asked);
    tcase_add_test(looks, looks_are_spread);
    tcase_add_test(looks, chance_has_a_seed);
    tcase_add_test(looks, a_hint_is_a_reason_to_look);
    tcase_add_test(looks, an_old_activation_is_not_handed_out);
    tcase_add_test(looks, old_news_are_dropped);
    suite_add_tcase(suite, looks);
    return test_main(suite);
}
