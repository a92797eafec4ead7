/* SPDX-License-Identifier: MIT */
/* The Redis check: the request to the byte, the replies of real servers, and
 * bad ones. The parser is tested by test_resp.c. */
#include "probing.h"
#include "support.h"

#include "base/internal.h"

#include <string.h>

#define PING "*1\r\n$4\r\nPING\r\n"
#define ROLE "*1\r\n$4\r\nROLE\r\n"
#define AUTH "*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\n"

static void create(struct infra_probe_redis_options o)
{
    o.size = sizeof o;
    o.allocator = &probing.heap.allocator;
    ck_assert_int_eq(infra_probe_redis(&probing.probe, &o), INFRA_OK);
}

struct row {
    struct test_reply reply;
    struct infra_probe_redis_options options;
    const char *position;
    const char *source;
};

#define LOGIN .password = "secret"
#define PONG "+PONG\r\n"
#define PRIMARY(offset) PONG "*3\r\n$6\r\nmaster\r\n:" offset "\r\n*0\r\n"
#define REPLICA(state, offset)                                     \
    PONG "*5\r\n$5\r\nslave\r\n$9\r\n127.0.0.1\r\n:6379\r\n" state \
         "\r\n:" offset "\r\n"
#define LONG_HOST                                                      \
    "0123456789012345678901234567890123456789012345678901234567890123" \
    "0123456789012345678901234567890123456789012345678901234567890123" \
    "0123456789012345678901234567890123456789012345678901234567890123" \
    "01234567890123456789012345678901234567890123456789012345678901"
#define TOLD_ROLE (INFRA_PROBE_HAS_ROLE | INFRA_PROBE_HAS_WRITABLE)
#define TOLD_ALL (TOLD_ROLE | INFRA_PROBE_HAS_POSITION)

/* Replies of Redis 7.0, unless noted. */
static const struct row real[] = {
    { .reply = { .name = "alive", .request = PING, TEST_TEXT(PONG) } },
    { .reply = { .name = "alive with a password",
                 .request = AUTH PING,
                 TEST_TEXT("+OK\r\n" PONG) },
      .options = { LOGIN } },
    { .reply = { .name = "user and password",
                 .request =
                     "*3\r\n$4\r\nAUTH\r\n$3\r\nbob\r\n$6\r\nsecret\r\n" PING,
                 TEST_TEXT("+OK\r\n" PONG) },
      .options = { LOGIN, .user = "bob" } },
    { .reply = { .name = "empty password",
                 .request = "*3\r\n$4\r\nAUTH\r\n$3\r\nbob\r\n$0\r\n\r\n" PING,
                 TEST_TEXT("+OK\r\n" PONG) },
      .options = { .password = "", .user = "bob" } },
    { .reply = { .name = "primary alone",
                 .request = PING ROLE,
                 TEST_TEXT(PRIMARY("0")),
                 .expected = { .has = TOLD_ALL,
                               .role = INFRA_PROBE_ROLE_PRIMARY,
                               .writable = 1 } },
      .options = { .ask = 1 },
      .position = "0" },
    { .reply = { .name = "primary with a replica",
                 .request = AUTH PING ROLE,
                 TEST_TEXT("+OK\r\n" PONG
                           "*3\r\n$6\r\nmaster\r\n:593\r\n*1\r\n*3\r\n"
                           "$9\r\n127.0.0.1\r\n$5\r\n27312\r\n$3\r\n593\r\n"),
                 .expected = { .has = TOLD_ALL,
                               .role = INFRA_PROBE_ROLE_PRIMARY,
                               .writable = 1,
                               .position = 593 } },
      .options = { LOGIN, .expect = INFRA_PROBE_ROLE_PRIMARY },
      .position = "593" },
    { .reply = { .name = "replica",
                 .request = PING ROLE,
                 TEST_TEXT(REPLICA("$9\r\nconnected", "593")),
                 .expected = { .has = TOLD_ALL,
                               .role = INFRA_PROBE_ROLE_REPLICA,
                               .position = 593 } },
      .options = { .expect = INFRA_PROBE_ROLE_REPLICA },
      .position = "593",
      .source = "127.0.0.1:6379" },
    { .reply = { .name = "replica far ahead",
                 .request = PING ROLE,
                 TEST_TEXT(REPLICA("$9\r\nconnected", "9223372036854775807")),
                 .expected = { .has = TOLD_ALL,
                               .role = INFRA_PROBE_ROLE_REPLICA,
                               .position = INT64_MAX } },
      .options = { .ask = 1 },
      .position = "9223372036854775807",
      .source = "127.0.0.1:6379" },
    { .reply = { .name = "replica without its primary",
                 .request = PING ROLE,
                 TEST_TEXT(REPLICA("$7\r\nconnect", "-1")),
                 .expected = { .reason = INFRA_PROBE_REASON_NOT_REPLICATING,
                               .has = TOLD_ROLE,
                               .role = INFRA_PROBE_ROLE_REPLICA },
                 .message = "connect" },
      .options = { .expect = INFRA_PROBE_ROLE_REPLICA } },
    { .reply = { .name = "replica that synchronises",
                 .request = PING ROLE,
                 TEST_TEXT(REPLICA("$4\r\nsync", "-1")),
                 .expected = { .reason = INFRA_PROBE_REASON_NOT_REPLICATING,
                               .has = TOLD_ROLE,
                               .role = INFRA_PROBE_ROLE_REPLICA },
                 .message = "sync" },
      .options = { .expect = INFRA_PROBE_ROLE_REPLICA } },
    { .reply = { .name = "a broken link does not matter to who does not ask",
                 .request = PING ROLE,
                 TEST_TEXT(REPLICA("$7\r\nconnect", "-1")),
                 .expected = { .has = TOLD_ROLE,
                               .role = INFRA_PROBE_ROLE_REPLICA },
                 .message = "connect" },
      .options = { .ask = 1 } },
    { .reply = { .name = "replica where a primary should be",
                 .request = PING ROLE,
                 TEST_TEXT(REPLICA("$9\r\nconnected", "593")),
                 .expected = { .reason = INFRA_PROBE_REASON_READ_ONLY,
                               .has = TOLD_ALL,
                               .role = INFRA_PROBE_ROLE_REPLICA,
                               .position = 593 } },
      .options = { .expect = INFRA_PROBE_ROLE_PRIMARY },
      .position = "593",
      .source = "127.0.0.1:6379" },
    { .reply = { .name = "primary where a replica should be",
                 .request = PING ROLE,
                 TEST_TEXT(PRIMARY("7")),
                 .expected = { .reason = INFRA_PROBE_REASON_NOT_REPLICA,
                               .has = TOLD_ALL,
                               .role = INFRA_PROBE_ROLE_PRIMARY,
                               .writable = 1,
                               .position = 7 } },
      .options = { .expect = INFRA_PROBE_ROLE_REPLICA },
      .position = "7" },

/* The source of the replica. */
#define OF(host, port)                                                  \
    PONG "*5\r\n$5\r\nslave\r\n" host "\r\n" port "\r\n$9\r\nconnected" \
         "\r\n:5\r\n"
    { .reply = { .name = "replica of a host by name",
                 .request = PING ROLE,
                 TEST_TEXT(OF("+db-1.example", ":65535")),
                 .expected = { .has = TOLD_ALL,
                               .role = INFRA_PROBE_ROLE_REPLICA,
                               .position = 5 } },
      .options = { .ask = 1 },
      .position = "5",
      .source = "db-1.example:65535" },
    { .reply = { .name = "replica of an IPv6 host",
                 .request = PING ROLE,
                 TEST_TEXT(OF("$3\r\n::1", ":1")),
                 .expected = { .has = TOLD_ALL,
                               .role = INFRA_PROBE_ROLE_REPLICA,
                               .position = 5 } },
      .options = { .ask = 1 },
      .position = "5",
      .source = "::1:1" },
    { .reply = { .name = "replica of what cannot be printed",
                 .request = PING ROLE,
                 TEST_TEXT(OF("$3\r\n\33\r\n", ":1")),
                 .expected = { .has = TOLD_ALL,
                               .role = INFRA_PROBE_ROLE_REPLICA,
                               .position = 5 } },
      .options = { .ask = 1 },
      .position = "5",
      .source = "???:1" },
    { .reply = { .name = "replica of the longest host",
                 .request = PING ROLE,
                 TEST_TEXT(OF("$254\r\n" LONG_HOST "", ":65535")),
                 .expected = { .has = TOLD_ALL,
                               .role = INFRA_PROBE_ROLE_REPLICA,
                               .position = 5 } },
      .options = { .ask = 1 },
      .position = "5",
      .source = LONG_HOST ":65535" },
    { .reply = { .name = "replica of a host that is too long",
                 .request = PING ROLE,
                 TEST_TEXT(OF("$255\r\nx" LONG_HOST "", ":65535")),
                 .expected = { .has = TOLD_ALL,
                               .role = INFRA_PROBE_ROLE_REPLICA,
                               .position = 5 } },
      .options = { .ask = 1 },
      .position = "5" },
    { .reply = { .name = "replica of nobody",
                 .request = PING ROLE,
                 TEST_TEXT(OF("$0\r\n", ":1")),
                 .expected = { .has = TOLD_ALL,
                               .role = INFRA_PROBE_ROLE_REPLICA,
                               .position = 5 } },
      .options = { .ask = 1 },
      .position = "5" },
    { .reply = { .name = "replica of a number",
                 .request = PING ROLE,
                 TEST_TEXT(OF(":7", ":1")),
                 .expected = { .has = TOLD_ALL,
                               .role = INFRA_PROBE_ROLE_REPLICA,
                               .position = 5 } },
      .options = { .ask = 1 },
      .position = "5" },
    { .reply = { .name = "replica of a port 0",
                 .request = PING ROLE,
                 TEST_TEXT(OF("+a", ":0")),
                 .expected = { .has = TOLD_ALL,
                               .role = INFRA_PROBE_ROLE_REPLICA,
                               .position = 5 } },
      .options = { .ask = 1 },
      .position = "5" },
    { .reply = { .name = "replica of a port -1",
                 .request = PING ROLE,
                 TEST_TEXT(OF("+a", ":-1")),
                 .expected = { .has = TOLD_ALL,
                               .role = INFRA_PROBE_ROLE_REPLICA,
                               .position = 5 } },
      .options = { .ask = 1 },
      .position = "5" },
    { .reply = { .name = "replica of a port 65536",
                 .request = PING ROLE,
                 TEST_TEXT(OF("+a", ":65536")),
                 .expected = { .has = TOLD_ALL,
                               .role = INFRA_PROBE_ROLE_REPLICA,
                               .position = 5 } },
      .options = { .ask = 1 },
      .position = "5" },
    { .reply = { .name = "replica of a port of text",
                 .request = PING ROLE,
                 TEST_TEXT(OF("+a", "$1\r\n1")),
                 .expected = { .has = TOLD_ALL,
                               .role = INFRA_PROBE_ROLE_REPLICA,
                               .position = 5 } },
      .options = { .ask = 1 },
      .position = "5" },
    { .reply = { .name = "sentinel",
                 .request = PING ROLE,
                 TEST_TEXT(PONG
                           "*2\r\n$8\r\nsentinel\r\n*1\r\n$8\r\nmymaster\r\n"),
                 .message = "sentinel" },
      .options = { .ask = 1 } },
    { .reply = { .name = "sentinel is no primary",
                 .request = PING ROLE,
                 TEST_TEXT(PONG
                           "*2\r\n$8\r\nsentinel\r\n*1\r\n$8\r\nmymaster\r\n"),
                 .expected = { .reason = INFRA_PROBE_REASON_READ_ONLY },
                 .message = "sentinel" },
      .options = { .expect = INFRA_PROBE_ROLE_PRIMARY } },
    { .reply = { .name = "sentinel is no replica",
                 .request = PING ROLE,
                 TEST_TEXT(PONG "*2\r\n$8\r\nsentinel\r\n*0\r\n"),
                 .expected = { .reason = INFRA_PROBE_REASON_NOT_REPLICA },
                 .message = "sentinel" },
      .options = { .expect = INFRA_PROBE_ROLE_REPLICA } },

#define FAILS(r) .expected = { .reason = INFRA_PROBE_REASON_##r }
    { .reply = { .name = "loading",
                 .request = PING ROLE,
                 TEST_TEXT("-LOADING Redis is loading the dataset in memory\r\n"
                           "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n"),
                 FAILS(STARTING),
                 .message = "LOADING Redis is loading the dataset in memory" },
      .options = { .ask = 1 } },
    { .reply = { .name = "serves nothing without its primary",
                 .request = PING,
                 TEST_TEXT("-MASTERDOWN Link with MASTER is down and "
                           "replica-serve-stale-data is set to 'no'.\r\n"),
                 FAILS(NOT_REPLICATING),
                 .message = "MASTERDOWN Link with MASTER is down and "
                            "replica-serve-stale-data is set to 'no'." } },
    { .reply = { .name = "password needed",
                 .request = PING,
                 TEST_TEXT("-NOAUTH Authentication required.\r\n"),
                 FAILS(LOGIN_REFUSED),
                 .message = "NOAUTH Authentication required." } },
    { .reply = { .name = "wrong password",
                 .request = AUTH PING,
                 TEST_TEXT(
                     "-WRONGPASS invalid username-password pair or user is "
                     "disabled.\r\n-NOAUTH Authentication required.\r\n"),
                 FAILS(LOGIN_REFUSED),
                 .message =
                     "WRONGPASS invalid username-password pair or user is "
                     "disabled." },
      .options = { LOGIN } },
    { .reply = { .name = "wrong password, before Redis 6",
                 .request = PING,
                 TEST_TEXT("-ERR invalid password\r\n"),
                 FAILS(LOGIN_REFUSED),
                 .message = "ERR invalid password" } },
    { .reply = { .name = "password needed, before Redis 2.8",
                 .request = PING,
                 TEST_TEXT("-ERR operation not permitted\r\n"),
                 FAILS(LOGIN_REFUSED),
                 .message = "ERR operation not permitted" } },
    { .reply = { .name = "password not known",
                 .request = AUTH PING,
                 TEST_TEXT(
                     "-ERR AUTH <password> called without any password "
                     "configured "
                     "for the default user. Are you sure your configuration is "
                     "correct?\r\n" PONG),
                 FAILS(LOGIN_REFUSED),
                 .message = "ERR AUTH <password> called without any password "
                            "configured "
                            "for the default user. Are you sure your "
                            "configuration is "
                            "correct?" },
      .options = { LOGIN } },
    { .reply = { .name = "protected mode",
                 .request = AUTH PING,
                 TEST_TEXT("-DENIED Redis is running in protected mode\r\n"),
                 .end = TEST_STEP_EOF,
                 FAILS(LOGIN_REFUSED),
                 .message = "DENIED Redis is running in protected mode" },
      .options = { LOGIN } },
    { .reply = { .name = "too many clients",
                 .request = AUTH PING,
                 TEST_TEXT("-ERR max number of clients reached\r\n"),
                 .end = TEST_STEP_EOF,
                 FAILS(TOO_MANY_CONNECTIONS),
                 .message = "ERR max number of clients reached" },
      .options = { LOGIN } },
    { .reply = { .name = "may not ask for the role",
                 .request = PING ROLE,
                 TEST_TEXT(
                     PONG
                     "-NOPERM this user has no permissions to run the 'role' "
                     "command\r\n"),
                 FAILS(SERVER_ERROR),
                 .message = "NOPERM this user has no permissions to run the "
                            "'role' "
                            "command" },
      .options = { .ask = 1 } },
    { .reply = { .name = "busy",
                 .request = PING,
                 TEST_TEXT("-BUSY Redis is busy running a script.\r\n"),
                 FAILS(SERVER_ERROR),
                 .message = "BUSY Redis is busy running a script." } },
    { .reply = { .name = "the disk is full",
                 .request = PING,
                 TEST_TEXT(
                     "-MISCONF Redis is configured to save RDB snapshots\r\n"),
                 FAILS(SERVER_ERROR),
                 .message = "MISCONF Redis is configured to save RDB "
                            "snapshots" } },
    { .reply = { .name = "an error is made printable",
                 .request = PING,
                 TEST_TEXT("-\33[31m\0 \xc3\xa9\177~\r\n"),
                 FAILS(SERVER_ERROR),
                 .message = "?[31m? ???~" } },
    { .reply = { .name = "what comes after the end does not count",
                 .request = PING,
                 TEST_TEXT(PONG "\0garbage") } },
};

static void check_row(const struct row *row)
{
    create(row->options);
    test_probe_reply_in_every_split(probing.probe, &row->reply);
    ck_assert_str_eq(infra_probe_text(probing.probe, INFRA_PROBE_TEXT_POSITION),
                     row->position != NULL ? row->position : "");
    ck_assert_str_eq(infra_probe_text(probing.probe, INFRA_PROBE_TEXT_SOURCE),
                     row->source != NULL ? row->source : "");
    ck_assert_str_eq(infra_probe_text(probing.probe, INFRA_PROBE_TEXT_VERSION),
                     "");
}

/* Every reply of Redis has its reason and sets its fields. */
START_TEST(replies_of_servers_are_understood)
{
    check_row(&real[_i]);
}
END_TEST

#define ASKS_ROLE \
    {             \
        .ask = 1  \
    }

static const struct row broken[] = {
    { .reply = { .name = "HTTP",
                 .request = PING,
                 TEST_TEXT("HTTP/1.1 400 Bad Request\r\n"),
                 FAILS(WRONG_PROTOCOL) } },
    { .reply = { .name = "MySQL",
                 .request = PING,
                 TEST_TEXT("J\0\0\0\n8.0.19"),
                 FAILS(WRONG_PROTOCOL) } },
    { .reply = { .name = "POP3",
                 .request = PING,
                 TEST_TEXT("+OK ready.\r\n"),
                 FAILS(BAD_REPLY) } },
    { .reply = { .name = "no PONG",
                 .request = PING,
                 TEST_TEXT(":1\r\n"),
                 FAILS(BAD_REPLY) } },
    { .reply = { .name = "PONG in bulk",
                 .request = PING,
                 TEST_TEXT("$4\r\nPONG\r\n"),
                 FAILS(BAD_REPLY) } },
    { .reply = { .name = "more than PONG",
                 .request = PING,
                 TEST_TEXT("+PONGS\r\n"),
                 FAILS(BAD_REPLY) } },
    { .reply = { .name = "PONG for the password",
                 .request = AUTH PING,
                 TEST_TEXT(PONG),
                 FAILS(BAD_REPLY) },
      .options = { LOGIN } },
    { .reply = { .name = "OK for PING",
                 .request = PING,
                 TEST_TEXT("+OK\r\n"),
                 FAILS(BAD_REPLY) } },
    { .reply = { .name = "no array",
                 .request = PING ROLE,
                 TEST_TEXT(PONG "+master\r\n"),
                 FAILS(BAD_REPLY) },
      .options = ASKS_ROLE },
    { .reply = { .name = "empty array",
                 .request = PING ROLE,
                 TEST_TEXT(PONG "*0\r\n"),
                 FAILS(BAD_REPLY) },
      .options = ASKS_ROLE },
    { .reply = { .name = "null array",
                 .request = PING ROLE,
                 TEST_TEXT(PONG "*-1\r\n"),
                 FAILS(BAD_REPLY) },
      .options = ASKS_ROLE },
    { .reply = { .name = "number for a role",
                 .request = PING ROLE,
                 TEST_TEXT(PONG "*2\r\n:1\r\n:2\r\n"),
                 FAILS(BAD_REPLY) },
      .options = ASKS_ROLE },
    { .reply = { .name = "array for a role",
                 .request = PING ROLE,
                 TEST_TEXT(PONG "*1\r\n*1\r\n$6\r\nmaster\r\n"),
                 FAILS(BAD_REPLY) },
      .options = ASKS_ROLE },
    { .reply = { .name = "an error for a role",
                 .request = PING ROLE,
                 TEST_TEXT(PONG "*2\r\n-master\r\n:5\r\n"),
                 FAILS(BAD_REPLY) },
      .options = ASKS_ROLE },
    { .reply = { .name = "a role that is not known",
                 .request = PING ROLE,
                 TEST_TEXT(PONG "*1\r\n$5\r\nqueen\r\n"),
                 FAILS(BAD_REPLY),
                 .message = "queen" },
      .options = ASKS_ROLE },
#define FAILS_AS(r)                                       \
    .expected = { .reason = INFRA_PROBE_REASON_BAD_REPLY, \
                  .has = TOLD_ROLE,                       \
                  .role = INFRA_PROBE_ROLE_##r,           \
                  .writable =                             \
                      INFRA_PROBE_ROLE_##r == INFRA_PROBE_ROLE_PRIMARY }
    { .reply = { .name = "primary without a position",
                 .request = PING ROLE,
                 TEST_TEXT(PONG "*1\r\n$6\r\nmaster\r\n"),
                 FAILS_AS(PRIMARY) },
      .options = ASKS_ROLE },
    { .reply = { .name = "primary with a text for a position",
                 .request = PING ROLE,
                 TEST_TEXT(PONG "*3\r\n$6\r\nmaster\r\n$1\r\n5\r\n*0\r\n"),
                 FAILS_AS(PRIMARY) },
      .options = ASKS_ROLE },
    { .reply = { .name = "replica without a position",
                 .request = PING ROLE,
                 TEST_TEXT(
                     PONG
                     "*4\r\n$5\r\nslave\r\n$1\r\na\r\n:1\r\n$9\r\nconnected"
                     "\r\n"),
                 FAILS_AS(REPLICA) },
      .options = ASKS_ROLE },
    { .reply = { .name = "replica with a text for a position",
                 .request = PING ROLE,
                 TEST_TEXT(REPLICA("+connected\r\n+5", "6")),
                 FAILS_AS(REPLICA) },
      .options = ASKS_ROLE },
    { .reply = { .name = "replica with a number for its link",
                 .request = PING ROLE,
                 TEST_TEXT(REPLICA(":1", "6")),
                 FAILS_AS(REPLICA) },
      .options = ASKS_ROLE },
    { .reply = { .name = "LF alone",
                 .request = PING,
                 TEST_TEXT("+PONG\n"),
                 FAILS(BAD_REPLY) } },

    /* The connection ends, or nothing comes. */
    { .reply = { .name = "nothing at all",
                 .request = PING,
                 TEST_TEXT(""),
                 .end = TEST_STEP_EOF,
                 FAILS(CLOSED_EARLY) } },
    { .reply = { .name = "end within PONG",
                 .request = PING,
                 TEST_TEXT("+PONG\r"),
                 .end = TEST_STEP_EOF,
                 FAILS(CLOSED_EARLY) } },
    { .reply = { .name = "end after AUTH",
                 .request = AUTH PING,
                 TEST_TEXT("+OK\r\n"),
                 .end = TEST_STEP_EOF,
                 FAILS(CLOSED_EARLY) },
      .options = { LOGIN } },
    { .reply = { .name = "end before ROLE",
                 .request = PING ROLE,
                 TEST_TEXT(PONG),
                 .end = TEST_STEP_EOF,
                 FAILS(CLOSED_EARLY) },
      .options = ASKS_ROLE },
    { .reply = { .name = "end within TLS",
                 .request = PING ROLE,
                 TEST_TEXT(PONG),
                 .end = TEST_STEP_TRUNCATED,
                 FAILS(CLOSED_EARLY) },
      .options = ASKS_ROLE },
    { .reply = { .name = "end within ROLE",
                 .request = PING ROLE,
                 TEST_TEXT(PONG "*3\r\n$6\r\nmaster\r\n"),
                 .end = TEST_STEP_EOF,
                 .expected = { .reason = INFRA_PROBE_REASON_CLOSED_EARLY,
                               .has = TOLD_ROLE,
                               .role = INFRA_PROBE_ROLE_PRIMARY,
                               .writable = 1 } },
      .options = ASKS_ROLE },
    { .reply = { .name = "reset",
                 .request = PING,
                 TEST_TEXT("+PO"),
                 .end = TEST_STEP_FAIL,
                 FAILS(RESET) } },
    { .reply = { .name = "silence",
                 .request = PING,
                 TEST_TEXT(""),
                 FAILS(NO_REPLY) } },
    { .reply = { .name = "half a PONG",
                 .request = PING,
                 TEST_TEXT("+PO"),
                 FAILS(SLOW_REPLY) } },
    { .reply = { .name = "no ROLE",
                 .request = PING ROLE,
                 TEST_TEXT(PONG),
                 FAILS(SLOW_REPLY) },
      .options = ASKS_ROLE },
};

/* Replies that are malformed, endless or missing have a reason, too. */
START_TEST(broken_replies_have_their_reason)
{
    check_row(&broken[_i]);
}
END_TEST

/* A server that never ends its reply is cut off at 64 KiB. */
START_TEST(floods_are_cut_off)
{
    struct infra_probe_result r;
    size_t count = 0;

    create((struct infra_probe_redis_options) { .ask = 1 });
    struct infra_exchange x = infra_probe_exchange(probing.probe);
    infra_probe_start(probing.probe, 0, 0);
    x.ops->note(x.self, INFRA_NOTE_CONNECTED, 0, 0);
    x.ops->input(x.self, "+", 1, 0);
    while (x.ops->want(x.self) == INFRA_WANT_IO && ++count < 100000) {
        x.ops->input(x.self, "x", 1, 0);
    }
    ck_assert_int_eq(infra_probe_result(probing.probe, &r), INFRA_OK);
    ck_assert_uint_eq(r.reason, INFRA_PROBE_REASON_REPLY_TOO_LONG);
    ck_assert_uint_eq(count, 65536);
}
END_TEST

/* A check leaves nothing in the next one, even if that one does not connect. */
START_TEST(checks_are_independent)
{
    static const struct test_step refused[] = { TEST_FAIL(
        INFRA_OUTCOME_REFUSED) };

    create((struct infra_probe_redis_options) { .ask = 1 });
    for (size_t i = 0; i < 4 * INFRA__COUNT_OF(real); i++) {
        const struct row *row = &real[i * 7 % INFRA__COUNT_OF(real)];
        struct test_transport t = TEST_TRANSPORT(refused);

        if (row->options.ask == 0 || row->options.password != NULL) {
            continue;
        }
        test_probe_reply(probing.probe, &row->reply, TEST_SPLIT_NONE, 0);
        ck_assert_str_eq(
            infra_probe_text(probing.probe, INFRA_PROBE_TEXT_POSITION),
            row->position != NULL ? row->position : "");
        infra_probe_start(probing.probe, 0, 0);
        ck_assert_str_eq(
            infra_probe_text(probing.probe, INFRA_PROBE_TEXT_MESSAGE), "");
        test_transport_run(&t, infra_probe_exchange(probing.probe));
        ck_assert_str_eq(
            infra_probe_text(probing.probe, INFRA_PROBE_TEXT_MESSAGE), "");
        ck_assert_str_eq(
            infra_probe_text(probing.probe, INFRA_PROBE_TEXT_POSITION), "");
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("probe_redis");
    TCase *tc = tcase_create("redis");
    tcase_add_checked_fixture(tc, probing_setup, probing_teardown);
    tcase_add_loop_test(tc, replies_of_servers_are_understood, 0,
                        INFRA__COUNT_OF(real));
    tcase_add_loop_test(tc, broken_replies_have_their_reason, 0,
                        INFRA__COUNT_OF(broken));
    tcase_add_test(tc, floods_are_cut_off);
    tcase_add_test(tc, checks_are_independent);
    suite_add_tcase(s, tc);
    return test_main(s);
}
