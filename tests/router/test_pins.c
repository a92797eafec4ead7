/* SPDX-License-Identifier: MIT */
/* What a session leaves on its connections, what follows it there, and when the
 * connection may be given to another session. */
#include "group.h"

#include <infra/sql.h>
#include <stdio.h>
#include <string.h>

static struct group g;
static struct infra_session s;

#define NONE INFRA_SESSION_TRANSACTION_NONE
#define OPEN INFRA_SESSION_TRANSACTION_OPEN

static void stop(void)
{
    infra_session_leave(&s);
    group_stop(&g);
}

static void start(uint32_t flags)
{
    group_start(&g, NULL, 2);
    group_session(&g, &s, 0, flags);
}

static struct infra_verdict route_text(uint32_t dialect, const char *text)
{
    struct infra_sql sql = { .size = sizeof sql, .dialect = dialect };
    struct infra_statement statement;
    struct infra_verdict v;

    ck_assert_int_eq(infra_sql_classify(&sql, text, strlen(text), &statement),
                     INFRA_OK);
    ck_assert_int_eq(infra_session_route(&s, g.reader, &statement, g.now, &v),
                     INFRA_OK);
    return v;
}

/* Run @text to its end; the node that had it. Each run is sampled, so that no
 * own write keeps the reads that follow. */
static uint32_t run_text(uint32_t dialect, const char *text,
                         uint32_t transaction)
{
    struct infra_verdict v = route_text(dialect, text);

    ck_assert_msg(v.kind == VERDICT(GO), "%s: %s", text,
                  infra_verdict_reason_name(v.reason));
    uint32_t node = (uint32_t)__builtin_ctzll(v.nodes);
    ck_assert_int_eq(infra_session_sent(&s, g.reader, &v, node, g.now),
                     INFRA_OK);
    group_done(&g, &s, node, transaction);
    for (uint32_t id = 0; id < 3; id++) {
        group_sample(&g, id, 0, 100);
    }
    group_publish(&g);
    return node;
}

/* Each statement, the pin that it starts, and what ends it. */
static const struct {
    uint32_t dialect;
    const char *text;
    uint32_t pin;
    const char *follower; /* Goes to the pin's node as well. */
    const char *end;      /* NULL: only a reset. */
} rows[] = {
    { INFRA_SQL_POSTGRESQL, "CREATE TEMP TABLE t (a int)", PIN(TEMPORARY),
      "SELECT 1", "DISCARD TEMP" },
    { INFRA_SQL_POSTGRESQL, "SELECT pg_advisory_lock(1)", PIN(ADVISORY),
      "SELECT 1", "DISCARD ALL" },
    { INFRA_SQL_POSTGRESQL, "LISTEN c", PIN(LISTEN), "LISTEN d", "UNLISTEN *" },
    { INFRA_SQL_POSTGRESQL, "DECLARE c CURSOR WITH HOLD FOR SELECT 1",
      PIN(CURSOR), "FETCH c", NULL },
    { INFRA_SQL_POSTGRESQL, "SELECT nextval('s')", PIN(SEQUENCE),
      "SELECT currval('s')", "DISCARD SEQUENCES" },
    { INFRA_SQL_POSTGRESQL, "PREPARE p AS UPDATE t SET a = 1", PIN(PREPARED),
      "EXECUTE p", "DEALLOCATE ALL" },
    { INFRA_SQL_MYSQL, "SET @a = 1", PIN(VARIABLE), "SELECT @a", NULL },
    { INFRA_SQL_MYSQL, "LOCK TABLES t READ", PIN(TABLES), "SELECT 1",
      "UNLOCK TABLES" },
    { INFRA_SQL_MYSQL, "SELECT GET_LOCK('a', 1)", PIN(ADVISORY), "SELECT 1",
      NULL },
    { INFRA_SQL_MYSQL, "XA START 'x'", PIN(XA), "SELECT 1", NULL },
    { INFRA_SQL_MYSQL, "SELECT SQL_CALC_FOUND_ROWS a FROM t", PIN(LAST),
      "SELECT FOUND_ROWS()", "SELECT 1" },
    { INFRA_SQL_MYSQL, "SET TRANSACTION ISOLATION LEVEL READ COMMITTED",
      PIN(NEXT), "SELECT 1", NULL },
    { INFRA_SQL_MYSQL, "GIBBERISH", PIN(UNKNOWN), "SELECT 1", NULL },
};

/* A pin keeps its connection, what needs it follows, and it ends as the table
 * says. */
START_TEST(each_pin_keeps_its_connection)
{
    start(0);
    ck_assert_uint_eq(run_text(rows[_i].dialect, rows[_i].text, NONE), 0);
    ck_assert_msg(infra_session_pins(&s, 0) == rows[_i].pin, "%s: %x",
                  rows[_i].text, infra_session_pins(&s, 0));
    ck_assert_uint_eq(infra_session_pins(&s, 1), 0);
    struct infra_verdict v = route_text(rows[_i].dialect, rows[_i].follower);
    ck_assert_uint_eq(v.nodes, 1);
    ck_assert_uint_eq(v.reason, WHY(PINNED));
    ck_assert(v.flags & INFRA_VERDICT_OWN_CONNECTION);
    ck_assert_uint_eq(v.pins, rows[_i].pin);
    if (rows[_i].end != NULL) {
        (void)run_text(rows[_i].dialect, rows[_i].end, NONE);
        ck_assert_uint_eq(infra_session_pins(&s, 0), 0);
    } else {
        v = route_text(rows[_i].dialect, "SELECT 1");
        ck_assert_int_eq(infra_session_sent(&s, g.reader, &v,
                                            (uint32_t)__builtin_ctzll(v.nodes),
                                            g.now),
                         INFRA_OK);
        struct infra_session_result reset = {
            .size = sizeof reset,
            .node = (uint32_t)__builtin_ctzll(v.nodes),
            .is_reset = 1,
        };
        ck_assert_int_eq(infra_session_done(&s, &reset, g.now), INFRA_OK);
        ck_assert_uint_eq(infra_session_pins(&s, 0), 0);
    }
    ck_assert_uint_eq(route_text(rows[_i].dialect, "SELECT 1").nodes, 6);
}
END_TEST

/* A listener's, a variable's connection is kept, but other reads go on at the
 * replicas. */
START_TEST(some_pins_bind_only_what_names_them)
{
    start(0);
    (void)run_text(INFRA_SQL_POSTGRESQL, "LISTEN c", NONE);
    ck_assert_uint_eq(route_text(INFRA_SQL_POSTGRESQL, "SELECT 1").nodes, 6);
    struct infra_verdict v = route_text(INFRA_SQL_POSTGRESQL, "DELETE FROM t");
    ck_assert_uint_eq(v.nodes, 1);
    ck_assert(v.flags & INFRA_VERDICT_OWN_CONNECTION);
}
END_TEST

/* A transaction stays where it is until the server says that it is over. */
START_TEST(a_transaction_stays_where_it_is)
{
    start(0);
    ck_assert_uint_eq(group_run(&g, &s, KIND(BEGIN), 0, OPEN), 0);
    ck_assert_uint_eq(group_run(&g, &s, KIND(READ), 0, OPEN), 0);
    ck_assert_uint_eq(infra_session_pins(&s, 0), PIN(TRANSACTION));
    ck_assert_uint_eq(group_run(&g, &s, KIND(END), 0, OPEN), 0);
    ck_assert_uint_eq(
        group_run(&g, &s, KIND(READ), 0, INFRA_SESSION_TRANSACTION_FAILED), 0);
    ck_assert_uint_eq(group_run(&g, &s, KIND(END), 0, NONE), 0);
    ck_assert_uint_eq(infra_session_pins(&s, 0), 0);
    ck_assert_uint_eq(group_route(&g, &s, KIND(READ), 0).nodes, 6);
}
END_TEST

/* One that cannot write goes to a replica with all that is in it. */
START_TEST(a_read_only_transaction_goes_to_a_replica)
{
    start(0);
    ck_assert_uint_eq(group_run(&g, &s, KIND(BEGIN_READ_ONLY), 0, OPEN), 1);
    ck_assert_uint_eq(group_run(&g, &s, KIND(WRITE), 0, OPEN), 1);
    ck_assert_uint_eq(group_run(&g, &s, KIND(END), 0, NONE), 1);
    ck_assert_uint_eq(group_route(&g, &s, KIND(READ), 0).nodes, 6);
}
END_TEST

/* A session whose transactions are READ ONLY by default. */
START_TEST(a_read_only_session_goes_to_replicas)
{
    start(0);
    (void)run_text(INFRA_SQL_POSTGRESQL,
                   "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
                   NONE);
    ck_assert_uint_eq(group_route(&g, &s, KIND(BEGIN), 0).nodes, 6);
    (void)run_text(INFRA_SQL_POSTGRESQL,
                   "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
                   NONE);
    ck_assert_uint_eq(group_route(&g, &s, KIND(BEGIN), 0).nodes, 1);
}
END_TEST

/* SERIALIZABLE and autocommit = 0 keep all on the primary, by any
 * connection. */
START_TEST(some_defaults_keep_all_on_the_primary)
{
    struct infra_session_result result = { .size = sizeof result,
                                           .is_autocommit_off = 1 };

    start(0);
    (void)run_text(INFRA_SQL_POSTGRESQL,
                   "SET default_transaction_isolation = 'serializable'", NONE);
    struct infra_verdict v = group_route(&g, &s, KIND(READ), 0);
    ck_assert_uint_eq(v.nodes, 1);
    ck_assert_uint_eq(v.reason, WHY(PRIMARY));
    ck_assert_uint_eq(v.flags, INFRA_VERDICT_AT_PRIMARY);
    ck_assert_uint_eq(infra_session_pins(&s, 0), 0);
    infra_session_leave(&s);

    v = route_text(INFRA_SQL_MYSQL, "SET autocommit = 0");
    ck_assert_int_eq(infra_session_sent(&s, g.reader, &v, 0, g.now), INFRA_OK);
    ck_assert_int_eq(infra_session_done(&s, &result, g.now), INFRA_OK);
    ck_assert_uint_eq(group_route(&g, &s, KIND(READ), 0).nodes, 1);
    ck_assert_uint_eq(infra_session_pins(&s, 0), 0);
    ck_assert_uint_eq(group_run(&g, &s, KIND(READ), 0, NONE), 0);
    ck_assert_uint_eq(group_route(&g, &s, KIND(READ), 0).nodes, 6);
}
END_TEST

/* A BEGIN that is held back costs no server anything if nothing follows, and
 * is decided by what does. */
START_TEST(begin_is_held_back)
{
    start(INFRA_SESSION_DEFER_BEGIN);
    struct infra_verdict v = group_route(&g, &s, KIND(BEGIN), 0);
    ck_assert_uint_eq(v.kind, VERDICT(ANSWER));
    ck_assert_int_eq(
        infra_session_sent(&s, g.reader, &v, INFRA_ROUTER_NODE_NONE, g.now),
        INFRA_OK);
    v = group_route(&g, &s, KIND(END), 0);
    ck_assert_uint_eq(v.kind, VERDICT(ANSWER));
    ck_assert_int_eq(infra_session_sent(&s, g.reader, &v, 0, g.now), INFRA_OK);

    v = group_route(&g, &s, KIND(BEGIN), 0);
    ck_assert_int_eq(infra_session_sent(&s, g.reader, &v, 0, g.now), INFRA_OK);
    v = group_route(&g, &s, KIND(READ), 0);
    ck_assert_uint_eq(v.nodes, 1);
    ck_assert_uint_eq(v.flags,
                      INFRA_VERDICT_BEGIN_FIRST | INFRA_VERDICT_AT_PRIMARY);
    v = group_route(&g, &s, KIND(LOCAL),
                    INFRA_STATEMENT_READ_ONLY_MODE | INFRA_STATEMENT_READ_ONLY);
    ck_assert_uint_eq(v.nodes, 6);
    ck_assert_uint_eq(v.flags, INFRA_VERDICT_BEGIN_FIRST);
    ck_assert_int_eq(infra_session_sent(&s, g.reader, &v, 2, g.now), INFRA_OK);
    /* The BEGIN has gone with it, so that it cannot be sent again alone. */
    ck_assert_uint_eq(
        infra_session_replay(&s, INFRA_SESSION_FAILURE_NOT_SENT, 0),
        INFRA_SESSION_REPLAY_NO);
    group_done(&g, &s, 2, OPEN);
    v = group_route(&g, &s, KIND(READ), 0);
    ck_assert_uint_eq(v.nodes, 4);
    ck_assert_uint_eq(v.flags, INFRA_VERDICT_OWN_CONNECTION);
}
END_TEST

/* A transaction on a node that is no longer what it was is over; so is one on
 * a primary whose lease has ended. */
START_TEST(a_pin_ends_with_its_node)
{
    start(0);
    (void)group_run(&g, &s, KIND(BEGIN), 0, OPEN);
    group_set(&g, 0, INFRA_ROUTER_ROLE_NONE, 0);
    group_publish(&g);
    ck_assert_uint_eq(group_route(&g, &s, KIND(WRITE), 0).nodes, 1);
    group_set(&g, 1, INFRA_ROUTER_ROLE_PRIMARY, 2);
    group_publish(&g);
    struct infra_verdict v = group_route(&g, &s, KIND(WRITE), 0);
    ck_assert_uint_eq(v.kind, VERDICT(FAIL));
    ck_assert_uint_eq(v.reason, WHY(NODE_CHANGED));
    ck_assert_int_eq(infra_session_lost(&s, 0, g.now), INFRA_OK);
    ck_assert_uint_eq(group_route(&g, &s, KIND(WRITE), 0).nodes, 2);
}
END_TEST

/* So is one on a node that shares its token with another, and on a replica that
 * is a primary now. */
START_TEST(a_pin_ends_with_what_its_node_was)
{
    start(0);
    (void)group_run(&g, &s, KIND(BEGIN), 0, OPEN);
    group_set(&g, 2, INFRA_ROUTER_ROLE_PRIMARY, 1);
    group_publish(&g);
    ck_assert_uint_eq(group_route(&g, &s, KIND(WRITE), 0).reason,
                      WHY(NODE_CHANGED));
    infra_session_leave(&s);
    group_set(&g, 2, INFRA_ROUTER_ROLE_REPLICA, 0);
    group_publish(&g);

    ck_assert_uint_eq(group_run(&g, &s, KIND(BEGIN_READ_ONLY), 0, OPEN), 1);
    group_set(&g, 1, INFRA_ROUTER_ROLE_NONE, 0);
    group_publish(&g);
    ck_assert_uint_eq(group_route(&g, &s, KIND(READ), 0).nodes, 2);
    group_set(&g, 1, INFRA_ROUTER_ROLE_PRIMARY, 2);
    group_publish(&g);
    ck_assert_uint_eq(group_route(&g, &s, KIND(READ), 0).reason,
                      WHY(NODE_CHANGED));
}
END_TEST

/* A node that was removed is another one when its id is set again. */
START_TEST(a_pin_ends_when_its_node_is_removed)
{
    start(0);
    ck_assert_uint_eq(group_run(&g, &s, KIND(BEGIN_READ_ONLY), 0, OPEN), 1);
    ck_assert_int_eq(infra_router_remove(g.router, 1), INFRA_OK);
    group_set(&g, 1, INFRA_ROUTER_ROLE_REPLICA, 0);
    group_publish(&g);
    ck_assert_uint_eq(group_route(&g, &s, KIND(READ), 0).reason,
                      WHY(NODE_CHANGED));
}
END_TEST

/* A connection that ended while nothing was out: the client hears of it once,
 * if it had something there. */
START_TEST(a_lost_pin_is_said_once)
{
    start(0);
    (void)run_text(INFRA_SQL_POSTGRESQL, "LISTEN c", NONE);
    ck_assert_int_eq(infra_session_lost(&s, 1, g.now), INFRA_OK);
    ck_assert_uint_eq(group_route(&g, &s, KIND(READ), 0).kind, VERDICT(GO));
    ck_assert_int_eq(infra_session_lost(&s, 0, g.now), INFRA_OK);
    ck_assert_uint_eq(group_route(&g, &s, KIND(READ), 0).reason,
                      WHY(NODE_CHANGED));
    ck_assert_uint_eq(group_route(&g, &s, KIND(READ), 0).kind, VERDICT(GO));
    ck_assert_int_eq(infra_session_lost(&s, 64, g.now), INFRA_EINVAL);
}
END_TEST

/* What needs both the primary and state on a replica cannot be done. */
START_TEST(two_places_at_once_are_refused)
{
    start(0);
    (void)run_text(INFRA_SQL_MYSQL, "START TRANSACTION READ ONLY", OPEN);
    ck_assert_uint_eq(run_text(INFRA_SQL_MYSQL, "SET @a = 1", OPEN), 1);
    (void)run_text(INFRA_SQL_MYSQL, "COMMIT", NONE);
    ck_assert_uint_eq(infra_session_pins(&s, 1), PIN(VARIABLE));
    ck_assert_uint_eq(route_text(INFRA_SQL_MYSQL, "SELECT @a").nodes, 2);
    struct infra_verdict v =
        route_text(INFRA_SQL_MYSQL, "INSERT INTO t VALUES (@a)");
    ck_assert_uint_eq(v.kind, VERDICT(FAIL));
    ck_assert_uint_eq(v.reason, WHY(ELSEWHERE));
}
END_TEST

/* State at the primary and a READ ONLY transaction at a replica: the latter
 * may leave nothing of its own. */
START_TEST(a_second_place_is_refused)
{
    start(0);
    (void)run_text(INFRA_SQL_MYSQL, "SET @a = 1", NONE);
    (void)run_text(INFRA_SQL_MYSQL, "START TRANSACTION READ ONLY", OPEN);
    ck_assert_uint_eq(route_text(INFRA_SQL_MYSQL, "SELECT 1").nodes, 2);
    struct infra_verdict v = route_text(INFRA_SQL_MYSQL, "SET @b = 1");
    ck_assert_uint_eq(v.kind, VERDICT(FAIL));
    ck_assert_uint_eq(v.reason, WHY(ELSEWHERE));
}
END_TEST

/* PostgreSQL's LOCK TABLE ends with its transaction. */
START_TEST(a_lock_in_a_transaction_ends_with_it)
{
    start(0);
    (void)run_text(INFRA_SQL_POSTGRESQL, "BEGIN", OPEN);
    (void)run_text(INFRA_SQL_POSTGRESQL, "LOCK TABLE t", OPEN);
    ck_assert_uint_eq(infra_session_pins(&s, 0), PIN(TRANSACTION));
    (void)run_text(INFRA_SQL_POSTGRESQL, "CREATE TEMP TABLE t (a int)", OPEN);
    (void)run_text(INFRA_SQL_POSTGRESQL, "COMMIT", NONE);
    ck_assert_uint_eq(infra_session_pins(&s, 0), PIN(TEMPORARY));
}
END_TEST

/* Modes of the next transaction are over with it, and nothing else is. */
START_TEST(the_next_transaction_ends_its_modes)
{
    start(0);
    (void)run_text(INFRA_SQL_MYSQL, "SET @a = 1", NONE);
    (void)run_text(INFRA_SQL_MYSQL, "SET TRANSACTION READ ONLY", NONE);
    ck_assert_uint_eq(infra_session_pins(&s, 0), PIN(NEXT) | PIN(VARIABLE));
    ck_assert_uint_eq(run_text(INFRA_SQL_MYSQL, "START TRANSACTION", OPEN), 0);
    (void)run_text(INFRA_SQL_MYSQL, "COMMIT", NONE);
    ck_assert_uint_eq(infra_session_pins(&s, 0), PIN(VARIABLE));
}
END_TEST

/* A transaction that is chained has to be begun. */
START_TEST(a_chain_is_no_end)
{
    start(INFRA_SESSION_DEFER_BEGIN);
    struct infra_verdict v = group_route(&g, &s, KIND(BEGIN), 0);
    ck_assert_int_eq(infra_session_sent(&s, g.reader, &v, 0, g.now), INFRA_OK);
    v = group_route(&g, &s, KIND(END), INFRA_STATEMENT_CHAIN);
    ck_assert_uint_eq(v.kind, VERDICT(GO));
    ck_assert(v.flags & INFRA_VERDICT_BEGIN_FIRST);
}
END_TEST

static void expect_journal(const char *expected)
{
    struct infra_session_setting setting;
    uint32_t cursor = 0;
    char all[256] = "";

    while (infra_session_journal_next(&s, &cursor, &setting) == INFRA_OK) {
        size_t used = strlen(all);
        snprintf(all + used, sizeof all - used, "%.*s:%.*s;",
                 (int)setting.name_length, setting.name, (int)setting.length,
                 setting.text);
    }
    ck_assert_str_eq(all, expected);
}

static void set(const char *name, const char *text)
{
    ck_assert_int_eq(
        infra_session_journal_set(&s, name, strlen(name), text, strlen(text)),
        INFRA_OK);
}

/* The last text of a name counts; one can be removed, or all. */
START_TEST(settings_are_compact)
{
    start(0);
    uint32_t version = infra_session_journal_version(&s);
    set("a", "SET a=1");
    set("b", "SET b=1");
    set("a", "SET a=2");
    expect_journal("b:SET b=1;a:SET a=2;");
    ck_assert_uint_ne(infra_session_journal_version(&s), version);
    infra_session_journal_remove(&s, "b", 1);
    expect_journal("a:SET a=2;");
    infra_session_journal_remove(&s, NULL, 0);
    expect_journal("");
}
END_TEST

/* A transaction that is rolled back takes its settings with it. */
START_TEST(settings_follow_their_transaction)
{
    struct infra_session_result back = { .size = sizeof back,
                                         .is_rolled_back = 1 };

    start(0);
    set("a", "1");
    set("b", "1");
    for (int is_kept = 0; is_kept < 2; is_kept++) {
        (void)group_run(&g, &s, KIND(BEGIN), 0, OPEN);
        set("a", "2");
        set("c", "2");
        set("a", "3");
        expect_journal("a:1;b:1;c:2;a:3;");
        if (is_kept) {
            (void)group_run(&g, &s, KIND(END), 0, NONE);
            break;
        }
        struct infra_verdict v = group_route(&g, &s, KIND(END), 0);
        ck_assert_int_eq(infra_session_sent(&s, g.reader, &v, 0, g.now),
                         INFRA_OK);
        ck_assert_int_eq(infra_session_done(&s, &back, g.now), INFRA_OK);
        expect_journal("a:1;b:1;");
    }
    expect_journal("b:1;c:2;a:3;");
    (void)group_run(&g, &s, KIND(BEGIN), 0, OPEN);
    set("c", "4");
    set("a", "4");
    set("b", "4");
    (void)group_run(&g, &s, KIND(END), 0, NONE);
    expect_journal("c:4;a:4;b:4;");
    (void)group_run(&g, &s, KIND(BEGIN), 0, OPEN);
    set("c", "5");
    (void)group_run(&g, &s, KIND(END), 0, NONE);
    expect_journal("a:4;b:4;c:5;");
    set("a", "a long value that a short one replaces");
    (void)group_run(&g, &s, KIND(BEGIN), 0, OPEN);
    set("a", "6");
    set("d", "6");
    (void)group_run(&g, &s, KIND(END), 0, NONE);
    expect_journal("b:4;c:5;a:6;d:6;");
}
END_TEST

/* Without room the session keeps its connection. */
START_TEST(a_full_journal_is_a_pin)
{
    char text[250];

    start(0);
    memset(text, 'x', sizeof text);
    (void)run_text(INFRA_SQL_POSTGRESQL, "SET a = 1", NONE);
    ck_assert_int_eq(infra_session_journal_set(&s, "a", 1, text, sizeof text),
                     INFRA_EFULL);
    ck_assert_uint_eq(infra_session_pins(&s, 0), PIN(UNKNOWN));
    ck_assert_int_eq(infra_session_journal_set(&s, "a", 1, text, SIZE_MAX),
                     INFRA_EFULL);
    ck_assert_int_eq(infra_session_journal_set(&s, "", 0, text, 1),
                     INFRA_EINVAL);
    ck_assert_uint_eq(group_route(&g, &s, KIND(READ), 0).nodes, 1);
}
END_TEST

/* A setting without room that comes before the first statement keeps the
 * connection that this one gets, at the primary. */
START_TEST(a_full_journal_waits_for_its_connection)
{
    start(0);
    ck_assert_int_eq(infra_session_journal_set(&s, "a", 1, "", SIZE_MAX),
                     INFRA_EFULL);
    ck_assert_uint_eq(infra_session_pins(&s, 0), 0);
    group_set(&g, 0, INFRA_ROUTER_ROLE_NONE, 0);
    group_set(&g, 1, INFRA_ROUTER_ROLE_PRIMARY, 2);
    group_publish(&g);
    struct infra_verdict v = group_route(&g, &s, KIND(READ), 0);
    ck_assert_uint_eq(v.nodes, 2);
    ck_assert_uint_eq(v.reason, WHY(PINNED));
    ck_assert_uint_eq(v.flags, INFRA_VERDICT_AT_PRIMARY);
    ck_assert_int_eq(infra_session_sent(&s, g.reader, &v, 1, g.now), INFRA_OK);
    group_done(&g, &s, 1, NONE);
    ck_assert_uint_eq(infra_session_pins(&s, 1), PIN(UNKNOWN));
    v = group_route(&g, &s, KIND(READ), 0);
    ck_assert_uint_eq(v.nodes, 2);
    ck_assert(v.flags & INFRA_VERDICT_OWN_CONNECTION);
}
END_TEST

/* Without a journal each setting does. */
START_TEST(without_a_journal_a_setting_is_a_pin)
{
    start(0);
    ck_assert_int_eq(infra_session_init(&s, NULL), INFRA_OK);
    (void)run_text(INFRA_SQL_POSTGRESQL, "SET a = 1", NONE);
    ck_assert_uint_eq(infra_session_pins(&s, 0), PIN(UNKNOWN));
}
END_TEST

/* An error leaves nothing but what is drawn or locked before it. */
START_TEST(an_error_leaves_little)
{
    struct infra_session_result failed = { .size = sizeof failed,
                                           .is_error = 1 };

    start(0);
    struct infra_verdict v =
        route_text(INFRA_SQL_POSTGRESQL, "CREATE TEMP TABLE t (a int)");
    ck_assert_int_eq(infra_session_sent(&s, g.reader, &v, 0, g.now), INFRA_OK);
    ck_assert_int_eq(infra_session_done(&s, &failed, g.now), INFRA_OK);
    ck_assert_uint_eq(infra_session_pins(&s, 0), 0);
    v = route_text(INFRA_SQL_POSTGRESQL, "SELECT pg_advisory_lock(1), 1/0");
    ck_assert_int_eq(infra_session_sent(&s, g.reader, &v, 0, g.now), INFRA_OK);
    ck_assert_int_eq(infra_session_done(&s, &failed, g.now), INFRA_OK);
    ck_assert_uint_eq(infra_session_pins(&s, 0), PIN(ADVISORY));
}
END_TEST

static Suite *pins_suite(void)
{
    Suite *suite = suite_create("pins");
    TCase *tc = tcase_create("pins");

    tcase_add_checked_fixture(tc, NULL, stop);
    tcase_add_loop_test(tc, each_pin_keeps_its_connection, 0,
                        sizeof rows / sizeof rows[0]);
    tcase_add_test(tc, some_pins_bind_only_what_names_them);
    tcase_add_test(tc, some_defaults_keep_all_on_the_primary);
    tcase_add_test(tc, a_pin_ends_with_its_node);
    tcase_add_test(tc, a_pin_ends_with_what_its_node_was);
    tcase_add_test(tc, a_pin_ends_when_its_node_is_removed);
    tcase_add_test(tc, a_lost_pin_is_said_once);
    tcase_add_test(tc, two_places_at_once_are_refused);
    tcase_add_test(tc, a_second_place_is_refused);
    tcase_add_test(tc, a_lock_in_a_transaction_ends_with_it);
    tcase_add_test(tc, the_next_transaction_ends_its_modes);
    tcase_add_test(tc, an_error_leaves_little);
    suite_add_tcase(suite, tc);

    tc = tcase_create("transactions");
    tcase_add_checked_fixture(tc, NULL, stop);
    tcase_add_test(tc, a_transaction_stays_where_it_is);
    tcase_add_test(tc, a_read_only_transaction_goes_to_a_replica);
    tcase_add_test(tc, a_read_only_session_goes_to_replicas);
    tcase_add_test(tc, begin_is_held_back);
    tcase_add_test(tc, a_chain_is_no_end);
    suite_add_tcase(suite, tc);

    tc = tcase_create("settings");
    tcase_add_checked_fixture(tc, NULL, stop);
    tcase_add_test(tc, settings_are_compact);
    tcase_add_test(tc, settings_follow_their_transaction);
    tcase_add_test(tc, a_full_journal_is_a_pin);
    tcase_add_test(tc, a_full_journal_waits_for_its_connection);
    tcase_add_test(tc, without_a_journal_a_setting_is_a_pin);
    suite_add_tcase(suite, tc);
    return suite;
}

int main(void)
{
    return test_main(pins_suite());
}
