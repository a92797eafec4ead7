/* SPDX-License-Identifier: MIT */
/* What a failover, or a node that was out of sight, does to what samples prove
 * and to what sessions were promised. tests/sim/router_sim found them. */
#include "group.h"

static struct group g;
static struct infra_session s;

static void start(uint32_t consistency)
{
    group_start(&g, NULL, 2);
    group_session(&g, &s, consistency, 0);
}

static void teardown(void)
{
    infra_session_leave(&s);
    group_stop(&g);
}

static void promote(uint32_t id, uint64_t token, uint64_t since)
{
    struct infra_position begin = number_at(0, since);
    struct infra_router_node node = { .size = sizeof node,
                                      .role = INFRA_ROUTER_ROLE_PRIMARY,
                                      .token = token,
                                      .since = &begin };

    ck_assert_int_eq(infra_router_set(g.router, id, &node), INFRA_OK);
}

static void require(uint64_t token, uint64_t n)
{
    struct infra_position p = number_at(token, n);

    ck_assert_int_eq(infra_session_require(&s, &p, g.now), INFRA_OK);
}

static void later(infra_time by)
{
    g.now += by;
}

/* A node that was out of sight may have been built anew: what it said before
 * proves nothing. */
START_TEST(out_of_sight_a_sample_is_void)
{
    start(INFRA_SESSION_CONSISTENCY_OWN_WRITES);
    require(1, 90);
    ck_assert_uint_eq(group_route(&g, &s, KIND(READ), 0).nodes, 6);
    group_set(&g, 1, INFRA_ROUTER_ROLE_NONE, 0);
    group_publish(&g);
    ck_assert_uint_eq(group_route(&g, &s, KIND(READ), 0).nodes, 4);
    group_set(&g, 1, INFRA_ROUTER_ROLE_REPLICA, 0);
    group_publish(&g);
    ck_assert_uint_eq(group_route(&g, &s, KIND(READ), 0).nodes, 4);
    later(1);
    group_sample(&g, 1, 0, 95);
    group_publish(&g);
    ck_assert_uint_eq(group_route(&g, &s, KIND(READ), 0).nodes, 6);
}
END_TEST

/* A replica may have had the lost end of the last reign: a sample from before
 * proves what the new one took over, and no more. */
START_TEST(a_sample_is_of_its_reign)
{
    start(INFRA_SESSION_CONSISTENCY_OWN_WRITES);
    group_sample(&g, 2, 0, 120);
    group_publish(&g);
    later(1);
    group_set(&g, 0, INFRA_ROUTER_ROLE_NONE, 0);
    promote(1, 2, 105);
    group_publish(&g);
    require(1, 104);
    ck_assert_uint_eq(group_route(&g, &s, KIND(READ), 0).nodes, 4);
    require(2, 110);
    ck_assert_uint_eq(group_route(&g, &s, KIND(READ), 0).nodes, 2);
    group_sample(&g, 2, 0, 110);
    group_publish(&g);
    ck_assert_uint_eq(group_route(&g, &s, KIND(READ), 0).nodes, 4);
}
END_TEST

/* A write of which only the time is known: what the next primary said as a
 * replica, although later, does not have it. */
START_TEST(a_replica_that_became_primary_is_asked_again)
{
    start(INFRA_SESSION_CONSISTENCY_OWN_WRITES);
    (void)group_run(&g, &s, KIND(WRITE), 0, 0);
    later(1);
    group_sample(&g, 1, 0, 101); /* The write is 102. */
    group_sample(&g, 2, 0, 101);
    group_publish(&g);
    later(1);
    group_set(&g, 0, INFRA_ROUTER_ROLE_NONE, 0);
    promote(1, 2, 102);
    group_publish(&g);
    ck_assert_uint_eq(group_route(&g, &s, KIND(READ), 0).nodes, 2);
    later(1);
    group_sample(&g, 1, 0, 102);
    group_publish(&g);
    ck_assert_uint_eq(group_route(&g, &s, KIND(READ), 0).reason,
                      WHY(OWN_WRITE));
    group_sample(&g, 2, 0, 102);
    group_publish(&g);
    ck_assert_uint_eq(group_route(&g, &s, KIND(READ), 0).nodes, 4);
}
END_TEST

/* A primary that is out of sight still takes what is inside a transaction, and
 * what that writes is needed. */
START_TEST(a_write_at_an_unseen_primary_counts)
{
    start(INFRA_SESSION_CONSISTENCY_OWN_WRITES);
    (void)group_run(&g, &s, KIND(BEGIN), 0, INFRA_SESSION_TRANSACTION_OPEN);
    group_set(&g, 0, INFRA_ROUTER_ROLE_NONE, 0);
    group_publish(&g);
    ck_assert_uint_eq(
        group_run(&g, &s, KIND(WRITE), 0, INFRA_SESSION_TRANSACTION_OPEN), 0);
    ck_assert_uint_eq(group_run(&g, &s, KIND(END), 0, 0), 0);
    group_set(&g, 0, INFRA_ROUTER_ROLE_PRIMARY, 1);
    group_publish(&g);
    struct infra_verdict v = group_route(&g, &s, KIND(READ), 0);
    ck_assert_uint_eq(v.reason, WHY(OWN_WRITE));
    ck_assert_uint_eq(v.nodes, 1);
}
END_TEST

/* What was decided inside a transaction is stale, too, if its primary is one no
 * more when the statement leaves. */
START_TEST(a_statement_of_a_transaction_may_be_stale)
{
    start(INFRA_SESSION_CONSISTENCY_OWN_WRITES);
    (void)group_run(&g, &s, KIND(BEGIN), 0, INFRA_SESSION_TRANSACTION_OPEN);
    struct infra_verdict v = group_route(&g, &s, KIND(WRITE), 0);
    group_set(&g, 0, INFRA_ROUTER_ROLE_NONE, 0);
    promote(1, 2, 100);
    group_publish(&g);
    ck_assert_int_eq(infra_session_sent(&s, g.reader, &v, 0, g.now),
                     INFRA_ESTALE);
    ck_assert_uint_eq(group_route(&g, &s, KIND(WRITE), 0).reason,
                      WHY(NODE_CHANGED));
}
END_TEST

/* A statement that was held and then refused leaves its patience to nobody. */
START_TEST(each_statement_has_its_own_patience)
{
    struct infra_session *held;

    start(INFRA_SESSION_CONSISTENCY_OWN_WRITES);
    require(1, 200);
    group_set(&g, 0, INFRA_ROUTER_ROLE_NONE, 0);
    group_publish(&g);
    ck_assert_uint_eq(group_route(&g, &s, KIND(WRITE), 0).kind, VERDICT(HOLD));
    later(INFRA_SEC(9));
    promote(1, 2, 100);
    group_publish(&g);
    ck_assert_int_eq(infra_router_reader_next(g.reader, g.now, &held),
                     INFRA_OK);
    ck_assert_uint_eq(group_route(&g, &s, KIND(WRITE), 0).reason, WHY(LOST));
    infra_session_forget(&s);
    group_set(&g, 1, INFRA_ROUTER_ROLE_NONE, 0);
    group_publish(&g);
    struct infra_verdict v = group_route(&g, &s, KIND(WRITE), 0);
    ck_assert_uint_eq(v.kind, VERDICT(HOLD));
    ck_assert_uint_eq(v.until, g.now + INFRA_SEC(10));
}
END_TEST

/* To forget is to go on without what was lost; what was not is still seen: by
 * way of the primary, until that was sampled. */
START_TEST(to_forget_is_not_to_forget_all)
{
    start(INFRA_SESSION_CONSISTENCY_OWN_WRITES);
    require(1, 104);
    require(1, 106);
    later(1);
    group_set(&g, 0, INFRA_ROUTER_ROLE_NONE, 0);
    promote(1, 2, 105);
    group_publish(&g);
    ck_assert_uint_eq(group_route(&g, &s, KIND(READ), 0).reason, WHY(LOST));
    infra_session_forget(&s);
    ck_assert_uint_eq(group_route(&g, &s, KIND(READ), 0).nodes, 2);
    group_sample(&g, 1, 0, 105);
    group_sample(&g, 2, 0, 103);
    group_publish(&g);
    ck_assert_uint_eq(group_route(&g, &s, KIND(READ), 0).nodes, 2);
    group_sample(&g, 2, 0, 105);
    group_publish(&g);
    ck_assert_uint_eq(group_route(&g, &s, KIND(READ), 0).nodes, 4);
}
END_TEST

/* A session that reads nothing older than before does not follow a replica that
 * was out of sight since. */
START_TEST(a_replica_that_was_away_may_be_behind)
{
    start(INFRA_SESSION_CONSISTENCY_MONOTONIC);
    uint32_t node = group_run(&g, &s, KIND(READ), 0, 0);
    ck_assert_uint_eq(node, 1);
    later(1);
    group_set(&g, 1, INFRA_ROUTER_ROLE_NONE, 0);
    group_publish(&g);
    later(1);
    group_set(&g, 1, INFRA_ROUTER_ROLE_REPLICA, 0);
    group_sample(&g, 1, 0, 50);
    group_publish(&g);
    ck_assert_uint_eq(group_route(&g, &s, KIND(READ), 0).nodes, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reigns");
    TCase *reigns = tcase_create("reigns");

    tcase_add_checked_fixture(reigns, NULL, teardown);
    tcase_add_test(reigns, out_of_sight_a_sample_is_void);
    tcase_add_test(reigns, a_sample_is_of_its_reign);
    tcase_add_test(reigns, a_replica_that_became_primary_is_asked_again);
    tcase_add_test(reigns, a_write_at_an_unseen_primary_counts);
    tcase_add_test(reigns, a_statement_of_a_transaction_may_be_stale);
    tcase_add_test(reigns, each_statement_has_its_own_patience);
    tcase_add_test(reigns, to_forget_is_not_to_forget_all);
    tcase_add_test(reigns, a_replica_that_was_away_may_be_behind);
    suite_add_tcase(suite, reigns);
    return test_main(suite);
}
