/* SPDX-License-Identifier: MIT */
/* Bad input from a MySQL server: other protocols, errors, packets cut short,
 * too long or out of turn, contradictory results, and silence. */
#include "mysql_check.h"

#include "base/internal.h"

#include <stdlib.h>
#include <string.h>

static void setup(void)
{
    mysql_setup_silent();
    mysql_create((struct infra_probe_mysql_options) { .ask = 1 });
}

/* In every split. */
static struct infra_probe_result run(const char *name, uint32_t reason)
{
    struct infra_probe_result r = { 0 };

    for (uint64_t i = 0; i < 120; i++) {
        r = peer_run(&mysql.peer, mysql.probe,
                     i == 0   ? TEST_SPLIT_NONE
                     : i == 1 ? TEST_SPLIT_BYTES
                     : i < 90 ? TEST_SPLIT_AT
                              : TEST_SPLIT_RANDOM,
                     i - 1);
        ck_assert_msg(r.reason == reason, "%s, %d: %s", name, (int)i,
                      infra_probe_reason_name(r.reason));
    }
    return r;
}

/* The first bytes of a server, and the reason. */
static const struct {
    const char *name;
    const char *bytes;
    size_t size;
    uint32_t reason;
    uint32_t status;
    const char *message;
} firsts[] = {
    { "HTTP", PEER_TEXT("HTTP/1.1 408 Request Timeout\r\n\r\n"),
      INFRA_PROBE_REASON_WRONG_PROTOCOL, 0, "" },
    { "SSH", PEER_TEXT("SSH-2.0-OpenSSH_9.2\r\n"),
      INFRA_PROBE_REASON_WRONG_PROTOCOL, 0, "" },
    { "SMTP", PEER_TEXT("220 mail.example.org ESMTP\r\n"),
      INFRA_PROBE_REASON_WRONG_PROTOCOL, 0, "" },
    { "Redis", PEER_TEXT("-DENIED Redis is running in protected mode\r\n"),
      INFRA_PROBE_REASON_WRONG_PROTOCOL, 0, "" },
    { "PostgreSQL", PEER_TEXT("E\0\0\0\x50SFATAL\0"),
      INFRA_PROBE_REASON_WRONG_PROTOCOL, 0, "" },
    { "TLS alert", PEER_TEXT("\x15\x03\x01\0\x02\x02\x28"),
      INFRA_PROBE_REASON_WRONG_PROTOCOL, 0, "" },
    { "HTTP/2", PEER_TEXT("\0\0\x12\x04\0\0\0\0\0"),
      INFRA_PROBE_REASON_WRONG_PROTOCOL, 0, "" },
    { "MySQL X", PEER_TEXT("\x05\0\0\0\x0b\x08\x05\x1a\0"),
      INFRA_PROBE_REASON_WRONG_PROTOCOL, 0, "" },
    { "MySQL's protocol 9",
      PEER_TEXT("\x1e\0\0\0\x09"
                "3.20.1\0"),
      INFRA_PROBE_REASON_WRONG_PROTOCOL, 0, "" },
    { "zeroes", PEER_TEXT("\0\0\0\0\0\0\0\0"),
      INFRA_PROBE_REASON_WRONG_PROTOCOL, 0, "" },
    { "not the first packet",
      PEER_TEXT("\x4a\0\0\x01\x0a"
                "8.0.19\0"),
      INFRA_PROBE_REASON_WRONG_PROTOCOL, 0, "" },
    { "a greeting that is too long",
      PEER_TEXT("\x01\x02\0\0\x0a"
                "8.0.19\0"),
      INFRA_PROBE_REASON_WRONG_PROTOCOL, 0, "" },
    { "one that is longer",
      PEER_TEXT("\0\0\x01\0\x0a"
                "8.0.19\0"),
      INFRA_PROBE_REASON_WRONG_PROTOCOL, 0, "" },

    /* As MariaDB 10.11.19 says them. */
    { "crowded", PEER_TEXT("\x17\0\0\0\xff\x10\x04Too many connections"),
      INFRA_PROBE_REASON_TOO_MANY_CONNECTIONS, 1040, "Too many connections" },
    { "not allowed",
      PEER_TEXT("\x44\0\0\0\xff\x6a\x04Host '127.0.0.2' is not allowed to "
                "connect to this MariaDB server"),
      INFRA_PROBE_REASON_LOGIN_REFUSED, 1130,
      "Host '127.0.0.2' is not allowed to connect to this MariaDB server" },
    { "blocked",
      PEER_TEXT("\x20\0\0\0\xff\x69\x04Host '127.0.0.2' is blocked "
                "b"),
      INFRA_PROBE_REASON_LOGIN_REFUSED, 1129, "Host '127.0.0.2' is blocked b" },
    { "stopping",
      PEER_TEXT("\x24\0\0\0\xff\x1d\x04#08S01Server shutdown in progress"),
      INFRA_PROBE_REASON_STOPPING, 1053, "Server shutdown in progress" },
    { "an error without a text", PEER_TEXT("\x03\0\0\0\xff\x10\x04"),
      INFRA_PROBE_REASON_TOO_MANY_CONNECTIONS, 1040, "" },
    { "an error with a state only", PEER_TEXT("\x09\0\0\0\xff\x10\x04#08004"),
      INFRA_PROBE_REASON_TOO_MANY_CONNECTIONS, 1040, "" },
    { "an error that is not printable",
      PEER_TEXT("\x09\0\0\0\xff\x51\x04\x1b\x07\xc3\xa9~\x7f"),
      INFRA_PROBE_REASON_SERVER_ERROR, 1105, "????~?" },
    { "half a state", PEER_TEXT("\x08\0\0\0\xff\x10\x04#0800"),
      INFRA_PROBE_REASON_TOO_MANY_CONNECTIONS, 1040, "#0800" },
    { "an error without a number", PEER_TEXT("\x02\0\0\0\xff\x10"),
      INFRA_PROBE_REASON_BAD_REPLY, 0, "" },
    { "error 0", PEER_TEXT("\x04\0\0\0\xff\0\0a"), INFRA_PROBE_REASON_BAD_REPLY,
      0, "a" },
};

START_TEST(first_bytes)
{
    peer_step(&mysql.peer, (struct test_step)TEST_ACCEPT(0));
    peer_send(&mysql.peer, firsts[_i].bytes, firsts[_i].size);
    struct infra_probe_result r = run(firsts[_i].name, firsts[_i].reason);
    ck_assert_uint_eq(r.status, firsts[_i].status);
    ck_assert_uint_eq(r.duration, 0);
    ck_assert_str_eq(infra_probe_text(mysql.probe, INFRA_PROBE_TEXT_MESSAGE),
                     firsts[_i].message);
}
END_TEST

/* Errors that end a login, and their reasons. */
static const struct {
    unsigned number;
    uint32_t reason;
} errors[] = {
    { 1040, INFRA_PROBE_REASON_TOO_MANY_CONNECTIONS },
    { 1044, INFRA_PROBE_REASON_LOGIN_REFUSED },
    { 1045, INFRA_PROBE_REASON_LOGIN_REFUSED },
    { 1047, INFRA_PROBE_REASON_STARTING },
    { 1053, INFRA_PROBE_REASON_STOPPING },
    { 1129, INFRA_PROBE_REASON_LOGIN_REFUSED },
    { 1130, INFRA_PROBE_REASON_LOGIN_REFUSED },
    { 1203, INFRA_PROBE_REASON_TOO_MANY_CONNECTIONS },
    { 1226, INFRA_PROBE_REASON_TOO_MANY_CONNECTIONS },
    { 1251, INFRA_PROBE_REASON_LOGIN_UNKNOWN },
    { 1275, INFRA_PROBE_REASON_LOGIN_REFUSED },
    { 1698, INFRA_PROBE_REASON_LOGIN_REFUSED },
    { 1820, INFRA_PROBE_REASON_LOGIN_REFUSED },
    { 1862, INFRA_PROBE_REASON_LOGIN_REFUSED },
    { 3118, INFRA_PROBE_REASON_LOGIN_REFUSED },
    { 3159, INFRA_PROBE_REASON_LOGIN_REFUSED },
    { 3955, INFRA_PROBE_REASON_LOGIN_REFUSED },
    { 4151, INFRA_PROBE_REASON_LOGIN_REFUSED },
    { 1064, INFRA_PROBE_REASON_SERVER_ERROR },
    { 65535, INFRA_PROBE_REASON_SERVER_ERROR },
};

START_TEST(errors_have_their_reason)
{
    peer_greet(&mysql.peer, PEER_MARIADB);
    mysql.peer.sequence++;
    peer_error(&mysql.peer, errors[_i].number, "Why");
    struct infra_probe_result r = run("error", errors[_i].reason);
    ck_assert_uint_eq(r.status, errors[_i].number);
    ck_assert_str_eq(infra_probe_text(mysql.probe, INFRA_PROBE_TEXT_MESSAGE),
                     "Why");
}
END_TEST

/* Only an error may come out of turn. */
START_TEST(sequences)
{
    peer_greet(&mysql.peer, PEER_MARIADB);
    mysql.peer.sequence = _i == 0 ? 200 : 3;
    if (_i == 0) {
        peer_error(&mysql.peer, 1053, "Bye");
        run("error", INFRA_PROBE_REASON_STOPPING);
    } else {
        peer_ok(&mysql.peer);
        run("OK", INFRA_PROBE_REASON_BAD_REPLY);
    }
}
END_TEST

/* The beginning of a long message is kept. */
START_TEST(long_messages)
{
    static const size_t sizes[] = { 255, 256, 257, 502, 503, 504, 800 };
    char message[801] = { 0 };

    memset(message, 'm', sizes[_i]);
    peer_greet(&mysql.peer, PEER_MARIADB);
    mysql.peer.sequence++;
    peer_error(&mysql.peer, 1045, message);
    run("long", INFRA_PROBE_REASON_LOGIN_REFUSED);
    ck_assert_uint_eq(
        strlen(infra_probe_text(mysql.probe, INFRA_PROBE_TEXT_MESSAGE)), 255);
    ck_assert_str_eq(infra_probe_text(mysql.probe, INFRA_PROBE_TEXT_VERSION),
                     "10.11.19-MariaDB-0+deb12u1-log");
}
END_TEST

/* Greetings, good and bad. */
static const struct {
    const char *name;
    const char *payload;
    size_t size;
    uint32_t reason; /* PASSED: it goes on, so that silence ends it. */
    const char *version;
} greetings[] = {
    { "MySQL 8",
      PEER_TEXT("\x0a"
                "8.0.19\0\x08\0\0\0abcdefgh\0\xff\xff\xff\x02\0\xff\xc7\x15"
                "\0\0\0\0\0\0\0\0\0\0abcdefghijkl\0caching_sha2_password\0"),
      INFRA_PROBE_REASON_PASSED, "8.0.19" },
    { "MySQL 5.5.5",
      PEER_TEXT("\x0a"
                "5.5.5-m3-log\0\x08\0\0\0abcdefgh\0\xff\xff\xff\x02\0\0\0\0"
                "\0\0\0\0\0\0\0\0\0\0abcdefghijkl\0"),
      INFRA_PROBE_REASON_PASSED, "5.5.5-m3-log" },
    { "no end of the challenge",
      PEER_TEXT("\x0a"
                "5.1\0\x08\0\0\0abcdefgh\0\xff\xff\xff\x02\0\0\0\0"
                "\0\0\0\0\0\0\0\0\0\0abcdefghijkl"),
      INFRA_PROBE_REASON_PASSED, "5.1" },
    { "a challenge cut short",
      PEER_TEXT("\x0a"
                "5.1\0\x08\0\0\0abcdefgh\0\xff\xff\xff\x02\0\0\0\0"
                "\0\0\0\0\0\0\0\0\0\0abcdefghijk"),
      INFRA_PROBE_REASON_BAD_REPLY, "5.1" },
    { "no version",
      PEER_TEXT("\x0a\0\x08\0\0\0abcdefgh\0\xff\xff\xff\x02\0\0\0"
                "\0\0\0\0\0\0\0\0\0\0\0abcdefghijkl\0"),
      INFRA_PROBE_REASON_PASSED, "" },
    { "a version without end",
      PEER_TEXT("\x0a"
                "8.0.19"),
      INFRA_PROBE_REASON_BAD_REPLY, "" },
    { "one byte", PEER_TEXT("\x0a"), INFRA_PROBE_REASON_BAD_REPLY, "" },
    { "no number",
      PEER_TEXT("\x0a"
                "8\0\x08\0\0"),
      INFRA_PROBE_REASON_BAD_REPLY, "8" },
    { "no capabilities",
      PEER_TEXT("\x0a"
                "8\0\x08\0\0\0abcdefgh\0\xff"),
      INFRA_PROBE_REASON_BAD_REPLY, "8" },
    { "none but the first, which want more",
      PEER_TEXT("\x0a"
                "8\0\x08\0\0\0abcdefgh\0\xff\xff"),
      INFRA_PROBE_REASON_BAD_REPLY, "8" },
    { "MySQL 3",
      PEER_TEXT("\x0a"
                "3.23\0\x08\0\0\0abcdefgh\0\x2c\0"),
      INFRA_PROBE_REASON_LOGIN_UNKNOWN, "3.23" },
    { "MySQL 4.0",
      PEER_TEXT("\x0a"
                "4.0\0\x08\0\0\0abcdefgh\0\x2c\0\x08\x02\0\0\0\0"
                "\0\0\0\0\0\0\0\0\0\0"),
      INFRA_PROBE_REASON_LOGIN_UNKNOWN, "4.0" },
    { "4.1 without challenges",
      PEER_TEXT("\x0a"
                "4.1\0\x08\0\0\0abcdefgh\0\x2c\x02\x08\x02\0\0\0\0"
                "\0\0\0\0\0\0\0\0\0\0"),
      INFRA_PROBE_REASON_LOGIN_UNKNOWN, "4.1" },
    { "4.0, cut short",
      PEER_TEXT("\x0a"
                "4.0\0\x08\0\0\0abcdefgh\0\x2c\0\x08\x02\0\0\0\0"
                "\0\0\0\0\0\0\0\0\0"),
      INFRA_PROBE_REASON_BAD_REPLY, "4.0" },
};

START_TEST(greetings_are_taken_apart)
{
    bool is_good = greetings[_i].reason == INFRA_PROBE_REASON_PASSED;

    peer_step(&mysql.peer, (struct test_step)TEST_ACCEPT(0));
    peer_packet(&mysql.peer, greetings[_i].payload, greetings[_i].size);
    run(greetings[_i].name,
        is_good ? INFRA_PROBE_REASON_SLOW_REPLY : greetings[_i].reason);
    ck_assert_str_eq(infra_probe_text(mysql.probe, INFRA_PROBE_TEXT_VERSION),
                     greetings[_i].version);
}
END_TEST

/* The beginning of a long version is kept, too. */
START_TEST(long_versions)
{
    char greeting[600] = "\x0a";

    memset(greeting + 1, '8', 100);
    greeting[101 + 4 + 9 + 1] = '\x02'; /* 4.1, and a challenge. */
    greeting[101 + 4 + 9 + 2] = '\x82';
    peer_step(&mysql.peer, (struct test_step)TEST_ACCEPT(0));
    peer_packet(&mysql.peer, greeting, 512);
    run("long", INFRA_PROBE_REASON_SLOW_REPLY);
    ck_assert_uint_eq(
        strlen(infra_probe_text(mysql.probe, INFRA_PROBE_TEXT_VERSION)), 63);
}
END_TEST

static Suite *bytes_suite(void)
{
    Suite *s = suite_create("probe_mysql_bytes");
    TCase *tc = tcase_create("bytes");
    tcase_add_checked_fixture(tc, setup, mysql_teardown);
    tcase_add_loop_test(tc, first_bytes, 0, INFRA__COUNT_OF(firsts));
    tcase_add_loop_test(tc, errors_have_their_reason, 0,
                        INFRA__COUNT_OF(errors));
    tcase_add_loop_test(tc, sequences, 0, 2);
    tcase_add_loop_test(tc, long_messages, 0, 7);
    tcase_add_loop_test(tc, greetings_are_taken_apart, 0,
                        INFRA__COUNT_OF(greetings));
    tcase_add_test(tc, long_versions);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(bytes_suite());
}
