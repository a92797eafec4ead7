/* SPDX-License-Identifier: MIT */
/* Reads and writes of one client: what it sees of its own, and what happens
 * while there is no primary. */
#include "group.h"

#include <string.h>

static struct group g;
static struct infra_session s;

static void stop(void)
{
    infra_session_leave(&s);
    group_stop(&g);
}

static void start(const struct infra_router_options *options, uint32_t replicas,
                  uint32_t consistency)
{
    group_start(&g, options, replicas);
    group_session(&g, &s, consistency, 0);
}

/* A write whose position the server says: replicas that cover it are
 * eligible, the others are not. */
START_TEST(own_writes_are_seen_by_position)
{
    struct infra_position p = number_at(1, 105);
    struct infra_session_result result = { .size = sizeof result,
                                           .position = &p };

    start(NULL, 3, INFRA_SESSION_CONSISTENCY_OWN_WRITES);
    struct infra_verdict v = group_route(&g, &s, KIND(WRITE), 0);
    ck_assert_int_eq(infra_session_sent(&s, g.reader, &v, 0, g.now), INFRA_OK);
    ck_assert_int_eq(infra_session_done(&s, &result, g.now), INFRA_OK);
    v = group_route(&g, &s, KIND(READ), 0);
    ck_assert_uint_eq(v.nodes, 1);
    ck_assert_uint_eq(v.reason, WHY(OWN_WRITE));
    group_sample(&g, 1, 0, 104);
    group_sample(&g, 2, 0, 105);
    group_publish(&g);
    v = group_route(&g, &s, KIND(READ), 0);
    ck_assert_uint_eq(v.nodes, 4);
    ck_assert_uint_eq(v.reason, WHY(READ));
}
END_TEST

/* A write whose position is not said: reads stay on the primary until its
 * first sample after the write, and then go where that is covered. */
START_TEST(own_writes_are_seen_by_time)
{
    start(NULL, 2, INFRA_SESSION_CONSISTENCY_OWN_WRITES);
    g.now += INFRA_MS(10);
    group_run(&g, &s, KIND(WRITE), 0, 0);
    group_sample(&g, 1, 0, 200);
    group_publish(&g);
    ck_assert_uint_eq(group_route(&g, &s, KIND(READ), 0).nodes, 1);
    g.now += INFRA_MS(10);
    group_sample(&g, 0, 0, 210);
    group_publish(&g);
    ck_assert_uint_eq(group_route(&g, &s, KIND(READ), 0).nodes, 1);
    group_sample(&g, 2, 0, 210);
    group_publish(&g);
    ck_assert_uint_eq(group_route(&g, &s, KIND(READ), 0).nodes, 4);
}
END_TEST

/* A sample of the primary that was asked for before the write ended proves
 * nothing. */
START_TEST(an_earlier_sample_proves_nothing)
{
    start(NULL, 1, INFRA_SESSION_CONSISTENCY_OWN_WRITES);
    struct infra_verdict v = group_route(&g, &s, KIND(WRITE), 0);
    ck_assert_int_eq(infra_session_sent(&s, g.reader, &v, 0, g.now), INFRA_OK);
    g.now += INFRA_MS(5);
    group_sample(&g, 0, 0, 104);
    g.now += 1;
    group_done(&g, &s, 0, INFRA_SESSION_TRANSACTION_NONE);
    group_sample(&g, 1, 0, 104);
    group_publish(&g);
    ck_assert_uint_eq(group_route(&g, &s, KIND(READ), 0).nodes, 1);
}
END_TEST

/* What failed or was rolled back has written nothing; a transaction writes
 * when it ends. */
START_TEST(only_what_was_committed_was_written)
{
    struct infra_session_result failed = { .size = sizeof failed,
                                           .is_error = 1 };
    struct infra_session_result back = { .size = sizeof back,
                                         .is_rolled_back = 1 };

    start(NULL, 1, INFRA_SESSION_CONSISTENCY_OWN_WRITES);
    struct infra_verdict v = group_route(&g, &s, KIND(WRITE), 0);
    ck_assert_int_eq(infra_session_sent(&s, g.reader, &v, 0, g.now), INFRA_OK);
    ck_assert_int_eq(infra_session_done(&s, &failed, g.now), INFRA_OK);
    ck_assert_uint_eq(group_route(&g, &s, KIND(READ), 0).nodes, 2);

    group_run(&g, &s, KIND(BEGIN), 0, INFRA_SESSION_TRANSACTION_OPEN);
    group_run(&g, &s, KIND(WRITE), 0, INFRA_SESSION_TRANSACTION_OPEN);
    v = group_route(&g, &s, KIND(END), 0);
    ck_assert_int_eq(infra_session_sent(&s, g.reader, &v, 0, g.now), INFRA_OK);
    ck_assert_int_eq(infra_session_done(&s, &back, g.now), INFRA_OK);
    ck_assert_uint_eq(group_route(&g, &s, KIND(READ), 0).nodes, 2);

    g.now += 1;
    group_run(&g, &s, KIND(BEGIN), 0, INFRA_SESSION_TRANSACTION_OPEN);
    group_run(&g, &s, KIND(WRITE), 0, INFRA_SESSION_TRANSACTION_OPEN);
    group_run(&g, &s, KIND(END), 0, INFRA_SESSION_TRANSACTION_NONE);
    ck_assert_uint_eq(group_route(&g, &s, KIND(READ), 0).nodes, 1);
}
END_TEST

/* A connection that broke while a write was out may have written. */
START_TEST(an_unknown_outcome_counts_as_written)
{
    start(NULL, 1, INFRA_SESSION_CONSISTENCY_OWN_WRITES);
    struct infra_verdict v = group_route(&g, &s, KIND(WRITE), 0);
    ck_assert_int_eq(infra_session_sent(&s, g.reader, &v, 0, g.now), INFRA_OK);
    ck_assert_uint_eq(infra_session_replay(&s, INFRA_SESSION_FAILURE_BROKEN, 0),
                      INFRA_SESSION_REPLAY_NO);
    ck_assert_int_eq(infra_session_lost(&s, 0, g.now + 1), INFRA_OK);
    v = group_route(&g, &s, KIND(READ), 0);
    ck_assert_uint_eq(v.nodes, 1);
    ck_assert_uint_eq(v.reason, WHY(OWN_WRITE));
}
END_TEST

/* Monotonic: after a read at one replica only that one, until it was sampled
 * after the read; then those that cover what it showed. */
START_TEST(reads_never_go_back_in_time)
{
    start(NULL, 2, INFRA_SESSION_CONSISTENCY_MONOTONIC);
    struct infra_verdict v = group_route(&g, &s, KIND(READ), 0);
    ck_assert_uint_eq(v.nodes, 6);
    ck_assert_int_eq(infra_session_sent(&s, g.reader, &v, 2, g.now), INFRA_OK);
    g.now += INFRA_MS(1);
    group_done(&g, &s, 2, 0);
    v = group_route(&g, &s, KIND(READ), 0);
    ck_assert_uint_eq(v.nodes, 4);
    ck_assert_uint_eq(v.reason, WHY(MONOTONIC));
    group_sample(&g, 2, 0, 150);
    group_sample(&g, 1, 0, 149);
    group_publish(&g);
    ck_assert_uint_eq(group_route(&g, &s, KIND(READ), 0).nodes, 4);
    group_sample(&g, 1, 0, 150);
    group_publish(&g);
    ck_assert_uint_eq(group_route(&g, &s, KIND(READ), 0).nodes, 6);
}
END_TEST

/* Monotonic: what was read at the primary is as new as a write. */
START_TEST(a_read_at_the_primary_counts_as_seen)
{
    start(NULL, 1, INFRA_SESSION_CONSISTENCY_MONOTONIC);
    group_sample(&g, 1, INFRA_SEC(60), 90);
    group_publish(&g);
    g.now += 1;
    ck_assert_uint_eq(group_run(&g, &s, KIND(READ), 0, 0), 0);
    group_sample(&g, 1, 0, 100);
    group_publish(&g);
    ck_assert_uint_eq(group_route(&g, &s, KIND(READ), 0).nodes, 1);
    g.now += 1;
    group_sample(&g, 0, 0, 100);
    group_publish(&g);
    ck_assert_uint_eq(group_route(&g, &s, KIND(READ), 0).nodes, 2);
}
END_TEST

/* Monotonic: a read elsewhere, inside a transaction, counts as well. */
START_TEST(two_replicas_are_seen)
{
    start(NULL, 2, INFRA_SESSION_CONSISTENCY_MONOTONIC);
    ck_assert_uint_eq(group_run(&g, &s, KIND(BEGIN_READ_ONLY), 0,
                                INFRA_SESSION_TRANSACTION_OPEN),
                      1);
    g.now += 1;
    (void)group_run(&g, &s, KIND(END), 0, INFRA_SESSION_TRANSACTION_NONE);
    struct infra_verdict v = group_route(&g, &s, KIND(READ), 0);
    ck_assert_uint_eq(v.nodes, 2);
    group_set(&g, 1, INFRA_ROUTER_ROLE_NONE, 0);
    group_publish(&g);
    ck_assert_uint_eq(group_run(&g, &s, KIND(READ), 0, 0), 0);
    group_set(&g, 1, INFRA_ROUTER_ROLE_REPLICA, 0);
    group_sample(&g, 1, 0, 100);
    group_publish(&g);
    ck_assert_uint_eq(group_route(&g, &s, KIND(READ), 0).nodes, 1);
}
END_TEST

/* The least old replica, where none is fit, is no way around a promise. */
START_TEST(the_least_lagged_must_show_it_too)
{
    struct infra_router_options o = { .size = sizeof o,
                                      .fallback =
                                          INFRA_ROUTER_FALLBACK_LEAST_LAGGED };

    start(&o, 2, INFRA_SESSION_CONSISTENCY_MONOTONIC);
    struct infra_verdict v = group_route(&g, &s, KIND(READ), 0);
    ck_assert_int_eq(infra_session_sent(&s, g.reader, &v, 2, g.now), INFRA_OK);
    g.now += 1;
    group_done(&g, &s, 2, 0);
    g.now += INFRA_SEC(60);
    v = group_route(&g, &s, KIND(READ), 0);
    ck_assert_uint_eq(v.nodes, 1);
    ck_assert_uint_eq(v.reason, WHY(NO_REPLICA));
    infra_session_leave(&s);
    ck_assert_uint_eq(group_route(&g, &s, KIND(READ), 0).nodes, 2);
    group_run(&g, &s, KIND(WRITE), 0, 0);
    ck_assert_uint_eq(group_route(&g, &s, KIND(READ), 0).nodes, 1);
}
END_TEST

/* A position that is too long with what is there: the primary, until its next
 * sample. */
START_TEST(a_long_position_is_waited_out)
{
    static const char *const lists[] = { "0-1-5,1-1-5,2-1-5,3-1-5,4-1-5",
                                         "5-1-5,6-1-5,7-1-5,8-1-5" };
    struct infra_position p;

    start(NULL, 1, INFRA_SESSION_CONSISTENCY_OWN_WRITES);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(infra_position_parse(INFRA_POSITION_MARIADB, 1,
                                              lists[i], strlen(lists[i]), &p),
                         INFRA_OK);
        ck_assert_int_eq(infra_session_require(&s, &p, g.now + 1),
                         i == 0 ? INFRA_OK : INFRA_EFULL);
    }
    infra_session_forget(&s);
    ck_assert_int_eq(infra_session_require(&s, &p, g.now + 1), INFRA_OK);
    ck_assert_int_eq(infra_position_parse(INFRA_POSITION_MARIADB, 1, lists[0],
                                          strlen(lists[0]), &p),
                     INFRA_OK);
    ck_assert_int_eq(infra_session_require(&s, &p, g.now + 1), INFRA_EFULL);
    ck_assert_uint_eq(group_route(&g, &s, KIND(READ), 0).nodes, 1);
    ck_assert_int_eq(infra_session_position(&s, g.reader, g.now, &p),
                     INFRA_EAGAIN);
}
END_TEST

/* Eventual: neither. */
START_TEST(eventual_reads_go_anywhere)
{
    start(NULL, 2, INFRA_SESSION_CONSISTENCY_EVENTUAL);
    group_run(&g, &s, KIND(WRITE), 0, 0);
    ck_assert_uint_eq(group_route(&g, &s, KIND(READ), 0).nodes, 6);
}
END_TEST

/* With wait_max a read waits for a replica to come up, and then falls back. */
START_TEST(a_read_may_wait)
{
    struct infra_router_options o = { .size = sizeof o,
                                      .wait_max = INFRA_MS(50) };
    struct infra_position p = number_at(1, 105);

    start(&o, 1, INFRA_SESSION_CONSISTENCY_OWN_WRITES);
    ck_assert_int_eq(infra_session_require(&s, &p, g.now), INFRA_OK);
    struct infra_verdict v = group_route(&g, &s, KIND(READ), 0);
    ck_assert_uint_eq(v.kind, VERDICT(WAIT));
    ck_assert_uint_eq(v.nodes, 2);
    ck_assert_uint_eq(v.until, g.now + INFRA_MS(50));
    g.now += INFRA_MS(49);
    ck_assert_uint_eq(group_route(&g, &s, KIND(READ), 0).kind, VERDICT(WAIT));
    g.now += INFRA_MS(1);
    v = group_route(&g, &s, KIND(READ), 0);
    ck_assert_uint_eq(v.kind, VERDICT(GO));
    ck_assert_uint_eq(v.nodes, 1);
}
END_TEST

/* The primary may not show yet what a replica has shown, since the commit waits
 * there for a replica: so not even a lack of replicas leads there at once. */
START_TEST(a_monotonic_read_waits_for_replicas_to_come_back)
{
    struct infra_router_options o = { .size = sizeof o,
                                      .lag_max = INFRA_SEC(1),
                                      .wait_max = INFRA_SEC(9) };

    struct infra_session other;

    start(&o, 1, INFRA_SESSION_CONSISTENCY_MONOTONIC);
    group_session(&g, &other, INFRA_SESSION_CONSISTENCY_MONOTONIC, 0);
    ck_assert_uint_eq(group_run(&g, &s, KIND(READ), 0, 0), 1);
    g.now += INFRA_SEC(2);
    group_sample(&g, 0, 0, 100);
    group_publish(&g);
    ck_assert_uint_eq(group_route(&g, &other, KIND(READ), 0).nodes, 1);
    struct infra_verdict v = group_route(&g, &s, KIND(READ), 0);
    ck_assert_uint_eq(v.kind, VERDICT(WAIT));
    ck_assert_uint_eq(v.reason, WHY(NO_REPLICA));
    ck_assert_uint_eq(v.nodes, 2);
    g.now += INFRA_SEC(9);
    ck_assert_uint_eq(group_route(&g, &s, KIND(READ), 0).nodes, 1);
}
END_TEST

/* A position travels from one session to another. */
START_TEST(positions_are_carried_elsewhere)
{
    struct infra_position p;
    struct infra_session other;

    start(NULL, 2, INFRA_SESSION_CONSISTENCY_OWN_WRITES);
    g.now += 1;
    group_run(&g, &s, KIND(WRITE), 0, 0);
    ck_assert_int_eq(infra_session_position(&s, g.reader, g.now, &p),
                     INFRA_EAGAIN);
    group_sample(&g, 0, 0, 120);
    group_sample(&g, 1, 0, 120);
    group_publish(&g);
    ck_assert_int_eq(infra_session_position(&s, g.reader, g.now, &p), INFRA_OK);
    group_session(&g, &other, 0, 0);
    ck_assert_uint_eq(group_route(&g, &other, KIND(READ), 0).nodes, 6);
    ck_assert_int_eq(infra_session_require(&other, &p, g.now), INFRA_OK);
    ck_assert_uint_eq(group_route(&g, &other, KIND(READ), 0).nodes, 2);
    struct infra_position strange = { .kind = INFRA_POSITION_LSN, .count = 1 };
    ck_assert_int_eq(infra_session_require(&other, &strange, g.now),
                     INFRA_EINVAL);
}
END_TEST

static void promote(uint32_t id, uint64_t token, uint64_t since)
{
    struct infra_position begin = number_at(0, since);
    struct infra_router_node node = { .size = sizeof node,
                                      .role = INFRA_ROUTER_ROLE_PRIMARY,
                                      .token = token,
                                      .since = since != 0 ? &begin : NULL };

    ck_assert_int_eq(infra_router_set(g.router, id, &node), INFRA_OK);
}

/* What an older primary had acknowledged is there, or is said to be lost; the
 * same numbers of the new reign are other things. */
START_TEST(what_a_failover_lost_is_said)
{
    struct infra_position kept = number_at(1, 105);
    struct infra_position lost = number_at(1, 106);
    struct infra_session other;

    start(NULL, 3, INFRA_SESSION_CONSISTENCY_OWN_WRITES);
    group_session(&g, &other, 0, 0);
    ck_assert_int_eq(infra_session_require(&s, &kept, g.now), INFRA_OK);
    ck_assert_int_eq(infra_session_require(&other, &lost, g.now), INFRA_OK);
    group_set(&g, 0, INFRA_ROUTER_ROLE_NONE, 0);
    promote(1, 2, 105);
    group_sample(&g, 2, 0, 300);
    group_publish(&g);
    ck_assert_uint_eq(group_route(&g, &s, KIND(READ), 0).nodes, 4);
    struct infra_verdict v = group_route(&g, &other, KIND(READ), 0);
    ck_assert_uint_eq(v.kind, VERDICT(FAIL));
    ck_assert_uint_eq(v.reason, WHY(LOST));
    ck_assert_uint_eq(group_route(&g, &other, KIND(WRITE), 0).reason,
                      WHY(LOST));
    infra_session_forget(&other);
    ck_assert_uint_eq(group_route(&g, &other, KIND(READ), 0).nodes, 2);
    group_sample(&g, 1, 0, 200);
    group_publish(&g);
    ck_assert_uint_eq(group_route(&g, &other, KIND(READ), 0).nodes, 4);
}
END_TEST

/* Two failovers: a position must have survived both. */
START_TEST(a_position_survives_each_failover_or_none)
{
    struct infra_position p = number_at(1, 104);
    struct infra_position q = number_at(2, 120);

    start(NULL, 3, INFRA_SESSION_CONSISTENCY_OWN_WRITES);
    promote(1, 2, 103);
    group_publish(&g);
    promote(2, 3, 130);
    group_sample(&g, 3, 0, 300);
    group_publish(&g);
    ck_assert_int_eq(infra_session_require(&s, &p, g.now), INFRA_OK);
    ck_assert_uint_eq(group_route(&g, &s, KIND(READ), 0).reason, WHY(LOST));
    infra_session_forget(&s);
    ck_assert_int_eq(infra_session_require(&s, &q, g.now), INFRA_OK);
    group_sample(&g, 2, 0, 140);
    group_publish(&g);
    ck_assert_uint_eq(group_route(&g, &s, KIND(READ), 0).nodes, 8);
}
END_TEST

/* It may survive the first failover and be lost in the second. */
START_TEST(a_position_may_be_lost_later)
{
    struct infra_position p = number_at(1, 104);

    start(NULL, 3, INFRA_SESSION_CONSISTENCY_OWN_WRITES);
    promote(1, 2, 105);
    group_publish(&g);
    promote(2, 3, 103);
    group_publish(&g);
    ck_assert_int_eq(infra_session_require(&s, &p, g.now), INFRA_OK);
    ck_assert_uint_eq(group_route(&g, &s, KIND(READ), 0).reason, WHY(LOST));
}
END_TEST

static struct infra_position lsn_at(uint64_t epoch, const char *text)
{
    struct infra_position p;

    ck_assert_int_eq(
        infra_position_parse(INFRA_POSITION_LSN, epoch, text, strlen(text), &p),
        INFRA_OK);
    return p;
}

/* PostgreSQL: what was written up to the switch is on the new timeline, too. */
START_TEST(timelines_are_one_history)
{
    struct infra_position since = lsn_at(0, "2:0/500");
    struct infra_position kept = lsn_at(1, "1:0/500");
    struct infra_position lost = lsn_at(1, "1:0/501");
    struct infra_router_node node = { .size = sizeof node,
                                      .role = INFRA_ROUTER_ROLE_PRIMARY,
                                      .token = 2,
                                      .since = &since };
    struct infra_router_sample sample = { .size = sizeof sample,
                                          .kind = INFRA_POSITION_LSN,
                                          .text = "2:0/600",
                                          .length = 7 };

    start(NULL, 3, INFRA_SESSION_CONSISTENCY_OWN_WRITES);
    sample.asked_at = g.now;
    ck_assert_int_eq(infra_router_set(g.router, 1, &node), INFRA_OK);
    ck_assert_int_eq(infra_router_sample(g.router, 2, &sample), INFRA_OK);
    sample.text = "1:0/600";
    ck_assert_int_eq(infra_router_sample(g.router, 3, &sample), INFRA_OK);
    group_publish(&g);
    ck_assert_int_eq(infra_session_require(&s, &kept, g.now), INFRA_OK);
    ck_assert_uint_eq(group_route(&g, &s, KIND(READ), 0).nodes, 4);
    infra_session_forget(&s);
    ck_assert_int_eq(infra_session_require(&s, &lost, g.now), INFRA_OK);
    ck_assert_uint_eq(group_route(&g, &s, KIND(READ), 0).reason, WHY(LOST));
}
END_TEST

/* A position of a reign before the first that this router has seen may be from
 * before a failover of which nothing is known. */
START_TEST(reigns_before_the_first_are_not_known)
{
    struct infra_position p = number_at(1, 90);

    start(NULL, 2, INFRA_SESSION_CONSISTENCY_OWN_WRITES);
    infra_router_destroy(g.router);
    ck_assert_int_eq(infra_router_create(&g.router, NULL), INFRA_OK);
    ck_assert_int_eq(infra_router_reader_create(&g.reader, g.router), INFRA_OK);
    promote(0, 3, 80);
    group_set(&g, 1, INFRA_ROUTER_ROLE_REPLICA, 0);
    group_sample(&g, 0, 0, 100);
    group_sample(&g, 1, 0, 100);
    group_publish(&g);
    ck_assert_int_eq(infra_session_require(&s, &p, g.now), INFRA_OK);
    g.now += 1;
    struct infra_verdict v = group_route(&g, &s, KIND(READ), 0);
    ck_assert_uint_eq(v.nodes, 1);
    ck_assert_uint_eq(v.reason, WHY(OWN_WRITE));
}
END_TEST

/* Where the beginning of a reign is not known, the next sample of the primary
 * stands for all there is. */
START_TEST(an_unknown_reign_is_waited_out)
{
    struct infra_position p = number_at(1, 104);

    start(NULL, 2, INFRA_SESSION_CONSISTENCY_OWN_WRITES);
    promote(1, 2, 0);
    group_publish(&g);
    ck_assert_int_eq(infra_session_require(&s, &p, g.now), INFRA_OK);
    g.now += 1;
    ck_assert_uint_eq(group_route(&g, &s, KIND(READ), 0).nodes, 2);
    g.now += 1;
    group_sample(&g, 1, 0, 110);
    group_sample(&g, 2, 0, 110);
    group_publish(&g);
    ck_assert_uint_eq(group_route(&g, &s, KIND(READ), 0).nodes, 4);
}
END_TEST

/* Who knows of a newer primary than this router waits for it. */
START_TEST(a_newer_primary_is_waited_for)
{
    struct infra_position p = number_at(5, 104);

    start(NULL, 1, INFRA_SESSION_CONSISTENCY_OWN_WRITES);
    ck_assert_int_eq(infra_session_require(&s, &p, g.now), INFRA_OK);
    struct infra_verdict v = group_route(&g, &s, KIND(WRITE), 0);
    ck_assert_uint_eq(v.kind, VERDICT(HOLD));
    ck_assert_uint_eq(v.reason, WHY(NEWER_TOKEN));
}
END_TEST

/* Held sessions come back in their order once there is a primary, each once
 * for each table. */
START_TEST(held_sessions_come_back_in_order)
{
    struct infra_session many[3];
    struct infra_session *next;

    start(NULL, 1, 0);
    group_set(&g, 0, INFRA_ROUTER_ROLE_NONE, 0);
    group_publish(&g);
    for (int i = 0; i < 3; i++) {
        group_session(&g, &many[i], 0, 0);
        ck_assert_uint_eq(group_route(&g, &many[i], KIND(WRITE), 0).kind,
                          VERDICT(HOLD));
        g.now += 1;
    }
    ck_assert_uint_eq(infra_router_reader_deadline(g.reader),
                      g.now - 3 + INFRA_SEC(10));
    ck_assert_int_eq(infra_router_reader_next(g.reader, g.now, &next),
                     INFRA_EAGAIN);
    struct infra_statement write = { .kind = KIND(WRITE), .count = 1 };
    struct infra_verdict v;
    ck_assert_int_eq(infra_session_route(&many[0], g.reader, &write, g.now, &v),
                     INFRA_EBUSY);
    group_set(&g, 0, INFRA_ROUTER_ROLE_PRIMARY, 1);
    group_publish(&g);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(infra_router_reader_next(g.reader, g.now, &next),
                         INFRA_OK);
        ck_assert_ptr_eq(next, &many[i]);
        ck_assert_uint_eq(group_run(&g, next, KIND(WRITE), 0, 0), 0);
    }
    g.now += INFRA_SEC(60);
    group_set(&g, 0, INFRA_ROUTER_ROLE_NONE, 0);
    group_publish(&g);
    v = group_route(&g, &many[0], KIND(WRITE), 0);
    ck_assert_uint_eq(v.kind, VERDICT(HOLD));
    ck_assert_uint_eq(v.until, g.now + INFRA_SEC(10));
    infra_session_leave(&many[0]);
    ck_assert_int_eq(infra_router_reader_next(g.reader, g.now, &next),
                     INFRA_EAGAIN);
    ck_assert_uint_eq(infra_router_reader_deadline(g.reader), INFRA_TIME_NEVER);
}
END_TEST

/* A session that is held again keeps its place, and one that waits for a newer
 * primary than there is does not spin. */
START_TEST(a_place_in_the_row_is_kept)
{
    struct infra_position p = number_at(5, 104);
    struct infra_session other;
    struct infra_session *next;

    start(NULL, 1, 0);
    group_session(&g, &other, 0, 0);
    ck_assert_int_eq(infra_session_require(&s, &p, g.now), INFRA_OK);
    ck_assert_uint_eq(group_route(&g, &s, KIND(WRITE), 0).kind, VERDICT(HOLD));
    ck_assert_int_eq(infra_router_reader_next(g.reader, g.now, &next),
                     INFRA_EAGAIN);
    g.now += 1;
    group_set(&g, 0, INFRA_ROUTER_ROLE_NONE, 0);
    group_publish(&g);
    ck_assert_uint_eq(group_route(&g, &other, KIND(WRITE), 0).kind,
                      VERDICT(HOLD));
    for (int round = 0; round < 2; round++) {
        group_set(&g, 0, INFRA_ROUTER_ROLE_PRIMARY, 1);
        group_publish(&g);
        ck_assert_int_eq(infra_router_reader_next(g.reader, g.now, &next),
                         INFRA_OK);
        ck_assert_ptr_eq(next, &s);
        ck_assert_uint_eq(group_route(&g, next, KIND(WRITE), 0).kind,
                          VERDICT(HOLD));
    }
    ck_assert_int_eq(infra_router_reader_next(g.reader, g.now, &next),
                     INFRA_OK);
    ck_assert_ptr_eq(next, &other);
    ck_assert_int_eq(infra_router_reader_next(g.reader, g.now, &next),
                     INFRA_EAGAIN);
}
END_TEST

/* Holding ends at hold_max, also for one that was held twice. */
START_TEST(holding_has_an_end)
{
    struct infra_session *next;

    start(NULL, 1, 0);
    infra_time from = g.now;
    group_set(&g, 0, INFRA_ROUTER_ROLE_NONE, 0);
    group_publish(&g);
    struct infra_verdict v = group_route(&g, &s, KIND(WRITE), 0);
    ck_assert_uint_eq(v.until, from + INFRA_SEC(10));
    g.now += INFRA_SEC(5);
    group_set(&g, 0, INFRA_ROUTER_ROLE_PRIMARY, 1);
    group_publish(&g);
    ck_assert_int_eq(infra_router_reader_next(g.reader, g.now, &next),
                     INFRA_OK);
    group_set(&g, 0, INFRA_ROUTER_ROLE_NONE, 0);
    group_publish(&g);
    v = group_route(&g, next, KIND(WRITE), 0);
    ck_assert_uint_eq(v.kind, VERDICT(HOLD));
    ck_assert_uint_eq(v.until, from + INFRA_SEC(10));
    g.now = from + INFRA_SEC(10);
    ck_assert_int_eq(infra_router_reader_next(g.reader, g.now, &next),
                     INFRA_OK);
    v = group_route(&g, next, KIND(WRITE), 0);
    ck_assert_uint_eq(v.kind, VERDICT(FAIL));
    ck_assert_uint_eq(v.reason, WHY(HOLD_OVER));
    v = group_route(&g, next, KIND(WRITE), 0);
    ck_assert_uint_eq(v.kind, VERDICT(HOLD));
    ck_assert_uint_eq(v.until, g.now + INFRA_SEC(10));
}
END_TEST

/* Not more than held_max wait; the client of a held session may leave. */
START_TEST(holding_has_a_bound)
{
    struct infra_router_options o = { .size = sizeof o, .held_max = 1 };
    struct infra_session other;

    start(&o, 0, 0);
    group_session(&g, &other, 0, 0);
    group_set(&g, 0, INFRA_ROUTER_ROLE_NONE, 0);
    group_publish(&g);
    ck_assert_uint_eq(group_route(&g, &s, KIND(WRITE), 0).kind, VERDICT(HOLD));
    struct infra_verdict v = group_route(&g, &other, KIND(WRITE), 0);
    ck_assert_uint_eq(v.kind, VERDICT(FAIL));
    ck_assert_uint_eq(v.reason, WHY(HELD_MAX));
    infra_session_leave(&s);
    ck_assert_uint_eq(group_route(&g, &other, KIND(WRITE), 0).kind,
                      VERDICT(HOLD));
    infra_session_leave(&other);
}
END_TEST

/* Between the verdict and the first byte the primary may have changed. */
START_TEST(a_late_verdict_is_stale)
{
    start(NULL, 1, 0);
    struct infra_verdict v = group_route(&g, &s, KIND(WRITE), 0);
    promote(1, 2, 0);
    group_publish(&g);
    ck_assert_int_eq(infra_session_sent(&s, g.reader, &v, 0, g.now),
                     INFRA_ESTALE);
    v = group_route(&g, &s, KIND(WRITE), 0);
    ck_assert_uint_eq(v.nodes, 2);
    group_set(&g, 1, INFRA_ROUTER_ROLE_NONE, 0);
    promote(0, 3, 0);
    group_publish(&g);
    ck_assert_int_eq(infra_session_sent(&s, g.reader, &v, 1, g.now),
                     INFRA_ESTALE);
}
END_TEST

/* One statement at a time, of the last verdict only, to a node that it
 * allows. */
START_TEST(calls_out_of_order_are_refused)
{
    struct infra_statement read = { .kind = KIND(READ), .count = 1 };
    struct infra_statement wrong = { .kind = 99 };
    struct infra_session_result result = { .size = sizeof result, .node = 1 };
    struct infra_session_options options = { .size = sizeof options,
                                             .consistency = 3 };

    start(NULL, 2, 0);
    ck_assert_int_eq(infra_session_done(&s, &result, g.now), INFRA_ENOENT);
    struct infra_verdict v = group_route(&g, &s, KIND(READ), 0);
    ck_assert_int_eq(infra_session_sent(&s, g.reader, &v, 0, g.now),
                     INFRA_EINVAL);
    struct infra_verdict other = v;
    other.nodes = 1;
    ck_assert_int_eq(infra_session_sent(&s, g.reader, &other, 0, g.now),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_session_sent(&s, g.reader, &v, 1, g.now), INFRA_OK);
    ck_assert_int_eq(infra_session_sent(&s, g.reader, &v, 1, g.now),
                     INFRA_EBUSY);
    ck_assert_int_eq(infra_session_route(&s, g.reader, &read, g.now, &v),
                     INFRA_EBUSY);
    ck_assert_uint_eq(infra_session_pins(&s, 1), UINT32_MAX);
    result.node = 2;
    ck_assert_int_eq(infra_session_done(&s, &result, g.now), INFRA_ENOENT);
    result.node = 1;
    result.transaction = 3;
    ck_assert_int_eq(infra_session_done(&s, &result, g.now), INFRA_EINVAL);
    group_done(&g, &s, 1, 0);
    ck_assert_uint_eq(infra_session_pins(&s, 1), 0);
    ck_assert_int_eq(infra_session_route(&s, g.reader, &wrong, g.now, &v),
                     INFRA_EINVAL);
    ck_assert_int_eq(infra_session_init(&s, &options), INFRA_EINVAL);
    options = (struct infra_session_options) { .size = sizeof options,
                                               .journal_size = 5 };
    ck_assert_int_eq(infra_session_init(&s, &options), INFRA_EINVAL);
    options.journal_size = 65536;
    options.journal = g.journal;
    ck_assert_int_eq(infra_session_init(&s, &options), INFRA_EINVAL);
}
END_TEST

/* What may be sent again: only what is known to have done nothing. */
START_TEST(replay_advice)
{
    static const struct {
        uint32_t kind, failure, forwarded, advice;
    } rows[] = {
        { KIND(WRITE), INFRA_SESSION_FAILURE_NOT_SENT, 0,
          INFRA_SESSION_REPLAY_YES },
        { KIND(WRITE), INFRA_SESSION_FAILURE_BROKEN, 0,
          INFRA_SESSION_REPLAY_NO },
        { KIND(WRITE), INFRA_SESSION_FAILURE_REFUSED, 0,
          INFRA_SESSION_REPLAY_PRIMARY },
        { KIND(READ), INFRA_SESSION_FAILURE_BROKEN, 0,
          INFRA_SESSION_REPLAY_YES },
        { KIND(READ), INFRA_SESSION_FAILURE_BROKEN, 1,
          INFRA_SESSION_REPLAY_NO },
        { KIND(READ), INFRA_SESSION_FAILURE_CANCELED, 0,
          INFRA_SESSION_REPLAY_YES },
        { KIND(READ), INFRA_SESSION_FAILURE_REFUSED, 0,
          INFRA_SESSION_REPLAY_PRIMARY },
        { KIND(BEGIN), INFRA_SESSION_FAILURE_BROKEN, 0,
          INFRA_SESSION_REPLAY_YES },
        { KIND(SESSION), INFRA_SESSION_FAILURE_BROKEN, 0,
          INFRA_SESSION_REPLAY_NO },
        { KIND(READ), 99, 0, INFRA_SESSION_REPLAY_NO },
    };

    start(NULL, 1, 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct infra_verdict v = group_route(&g, &s, rows[i].kind, 0);
        uint32_t node = (uint32_t)__builtin_ctzll(v.nodes);
        ck_assert_int_eq(infra_session_sent(&s, g.reader, &v, node, g.now),
                         INFRA_OK);
        ck_assert_uint_eq(
            infra_session_replay(&s, rows[i].failure, (int)rows[i].forwarded),
            rows[i].advice);
        group_done(&g, &s, node, 0);
    }
    struct infra_statement two = { .kind = KIND(WRITE), .count = 2 };
    struct infra_verdict v;
    ck_assert_int_eq(infra_session_route(&s, g.reader, &two, g.now, &v),
                     INFRA_OK);
    ck_assert_int_eq(infra_session_sent(&s, g.reader, &v, 0, g.now), INFRA_OK);
    ck_assert_uint_eq(
        infra_session_replay(&s, INFRA_SESSION_FAILURE_REFUSED, 0),
        INFRA_SESSION_REPLAY_NO);
    group_done(&g, &s, 0, 0);
    group_run(&g, &s, KIND(BEGIN), 0, INFRA_SESSION_TRANSACTION_OPEN);
    (void)group_route(&g, &s, KIND(READ), 0);
    ck_assert_uint_eq(
        infra_session_replay(&s, INFRA_SESSION_FAILURE_NOT_SENT, 0),
        INFRA_SESSION_REPLAY_NO);
}
END_TEST

/* The last decision as a sentence. */
START_TEST(decisions_are_explained)
{
    char text[128];
    char small[8];

    start(NULL, 2, 0);
    (void)group_route(&g, &s, KIND(READ), 0);
    ck_assert_int_gt(infra_session_explain(&s, text, sizeof text), 0);
    ck_assert_str_eq(text, "read: go to nodes 1,2 (read; statement: verb; "
                           "serving: nodes 1,2)");
    group_run(&g, &s, KIND(WRITE), INFRA_STATEMENT_TEMPORARY, 0);
    (void)group_route(&g, &s, KIND(READ), 0);
    (void)infra_session_explain(&s, text, sizeof text);
    ck_assert_str_eq(text, "read: go to node 0 (pinned; statement: verb; "
                           "pins: temporary)");
    ck_assert_int_eq(infra_session_explain(&s, small, sizeof small), 7);
    ck_assert_str_eq(small, "read: g");
    ck_assert_int_eq(infra_session_explain(&s, text, 0), INFRA_EINVAL);
}
END_TEST

static Suite *session_suite(void)
{
    Suite *suite = suite_create("session");
    TCase *tc = tcase_create("consistency");

    tcase_add_checked_fixture(tc, NULL, stop);
    tcase_add_test(tc, own_writes_are_seen_by_position);
    tcase_add_test(tc, own_writes_are_seen_by_time);
    tcase_add_test(tc, an_earlier_sample_proves_nothing);
    tcase_add_test(tc, only_what_was_committed_was_written);
    tcase_add_test(tc, an_unknown_outcome_counts_as_written);
    tcase_add_test(tc, reads_never_go_back_in_time);
    tcase_add_test(tc, a_read_at_the_primary_counts_as_seen);
    tcase_add_test(tc, two_replicas_are_seen);
    tcase_add_test(tc, the_least_lagged_must_show_it_too);
    tcase_add_test(tc, a_long_position_is_waited_out);
    tcase_add_test(tc, eventual_reads_go_anywhere);
    tcase_add_test(tc, a_read_may_wait);
    tcase_add_test(tc, a_monotonic_read_waits_for_replicas_to_come_back);
    tcase_add_test(tc, positions_are_carried_elsewhere);
    suite_add_tcase(suite, tc);

    tc = tcase_create("failover");
    tcase_add_checked_fixture(tc, NULL, stop);
    tcase_add_test(tc, what_a_failover_lost_is_said);
    tcase_add_test(tc, a_position_survives_each_failover_or_none);
    tcase_add_test(tc, a_position_may_be_lost_later);
    tcase_add_test(tc, timelines_are_one_history);
    tcase_add_test(tc, reigns_before_the_first_are_not_known);
    tcase_add_test(tc, an_unknown_reign_is_waited_out);
    tcase_add_test(tc, a_newer_primary_is_waited_for);
    tcase_add_test(tc, held_sessions_come_back_in_order);
    tcase_add_test(tc, a_place_in_the_row_is_kept);
    tcase_add_test(tc, holding_has_an_end);
    tcase_add_test(tc, holding_has_a_bound);
    tcase_add_test(tc, a_late_verdict_is_stale);
    suite_add_tcase(suite, tc);

    tc = tcase_create("contract");
    tcase_add_checked_fixture(tc, NULL, stop);
    tcase_add_test(tc, calls_out_of_order_are_refused);
    tcase_add_test(tc, replay_advice);
    tcase_add_test(tc, decisions_are_explained);
    suite_add_tcase(suite, tc);
    return suite;
}

int main(void)
{
    return test_main(session_suite());
}
