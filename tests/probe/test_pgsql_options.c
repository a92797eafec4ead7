/* SPDX-License-Identifier: MIT */
/* The options of the PostgreSQL check: their effect, their limits, and that
 * they are copied. */
#include "pgsql_peer.h"

#include "base/internal.h"

#include <string.h>

/* A check goes as far as its options ask, and no further. */
START_TEST(options_say_how_far_it_goes)
{
    static const struct {
        struct infra_probe_pgsql_options o;
        bool logs_in;
        bool asks;
    } rows[] = {
        { { .user = NULL }, false, false },
        { { .password = "" }, false, false },
        { { .password = "a" }, true, false },
        { { .ask = 1 }, true, true },
        { { .expect = INFRA_PROBE_ROLE_PRIMARY }, true, true },
        { { .expect = INFRA_PROBE_ROLE_REPLICA }, true, true },
        { { .lag_max = 1 }, true, true },
        { { .password = "a", .ask = 1 }, true, true },
    };
    static const struct test_step asked[] = { TEST_ACCEPT(0),
                                              TEST_SEND("R\0\0\0\10\0\0\0\7"),
                                              TEST_CLOSED };
    static const struct test_step trusted[] = {
        TEST_ACCEPT(0), TEST_EXPECT(PGSQL_STARTUP), TEST_SEND(PGSQL_WELCOME),
        TEST_EXPECT(PGSQL_QUESTION), TEST_EOF
    };

    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        struct test_transport t = TEST_TRANSPORT(asked);
        struct test_transport u = TEST_TRANSPORT(trusted);
        pgsql_create(rows[i].o);
        ck_assert_int_eq(pgsql_run(&t).reason != INFRA_PROBE_REASON_PASSED,
                         rows[i].logs_in);
        ck_assert_int_eq(pgsql_run(&u).reason ==
                             INFRA_PROBE_REASON_CLOSED_EARLY,
                         rows[i].asks);
    }
}
END_TEST

/* Phases have their own time, also with TLS in mid-conversation. */
START_TEST(phases_have_their_own_time)
{
    static const struct {
        struct test_step script[6];
        size_t steps;
        uint32_t reason;
        infra_time duration;
    } rows[] = {
        { { TEST_HANG }, 1, INFRA_PROBE_REASON_CONNECT_TIMEOUT, INFRA_MS(100) },
        { { TEST_ACCEPT(0), TEST_HANG },
          2,
          INFRA_PROBE_REASON_NO_REPLY,
          INFRA_MS(200) },
        { { TEST_ACCEPT(0), TEST_SEND("S"), TEST_HANG },
          3,
          INFRA_PROBE_REASON_TLS_TIMEOUT,
          INFRA_MS(100) },
        { { TEST_ACCEPT(0), TEST_SEND("S"), TEST_TLS_UP, TEST_HANG },
          4,
          INFRA_PROBE_REASON_SLOW_REPLY,
          INFRA_MS(400) },
        { { TEST_ACCEPT(0), TEST_SEND("S"), TEST_TLS_UP,
            TEST_SEND(PGSQL_AUTH_OK), TEST_FAIL(INFRA_OUTCOME_RESET) },
          5,
          INFRA_PROBE_REASON_RESET,
          0 },
        { { TEST_ACCEPT(0), TEST_SEND("S"), TEST_TLS_UP,
            TEST_SEND(PGSQL_AUTH_OK), TEST_TRUNCATED },
          5,
          INFRA_PROBE_REASON_CLOSED_EARLY,
          0 },
        { { TEST_FAIL(INFRA_OUTCOME_REFUSED) },
          1,
          INFRA_PROBE_REASON_REFUSED,
          0 },
    };

    const struct infra_probe_timeouts timeouts = {
        .size = sizeof timeouts,
        .connect_timeout = INFRA_MS(100),
        .first_byte_timeout = INFRA_MS(200),
        .response_timeout = INFRA_MS(400)
    };

    pgsql_create(
        (struct infra_probe_pgsql_options) { .tls = 1, .timeouts = &timeouts });
    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        struct test_transport t = { .steps = rows[i].script,
                                    .steps_count = rows[i].steps };
        struct infra_probe_result r = pgsql_run(&t);
        ck_assert_msg(r.reason == rows[i].reason, "%zu: %s", i,
                      infra_probe_reason_name(r.reason));
        ck_assert_uint_eq(r.duration, rows[i].duration);
    }
}
END_TEST

/* A check that closes in order reports its duration, and a late note changes
 * nothing. */
START_TEST(closing_is_part_of_it)
{
    struct infra_probe_result r;

    pgsql_create((struct infra_probe_pgsql_options) { .user = "a" });
    struct infra_exchange x = infra_probe_exchange(pgsql_probe);

    infra_probe_start(pgsql_probe, 0, 0);
    x.ops->note(x.self, INFRA_NOTE_CLOSED, 0, 0);
    x.ops->note(x.self, INFRA_NOTE_CONNECTED, 0, 0);
    x.ops->input(x.self, PGSQL_AUTH_SASL, sizeof PGSQL_AUTH_SASL - 1, 1);
    ck_assert_uint_eq(x.ops->want(x.self), INFRA_WANT_CLOSE);
    ck_assert_uint_eq(x.ops->deadline(x.self), INFRA_TIME_NEVER);
    x.ops->note(x.self, INFRA_NOTE_DEADLINE, 0, INFRA_SEC(9));
    x.ops->note(x.self, INFRA_NOTE_EOF, 0, 2);
    ck_assert_int_eq(infra_probe_result(pgsql_probe, &r), INFRA_EAGAIN);
    x.ops->note(x.self, INFRA_NOTE_CLOSED, 0, 3);
    ck_assert_int_eq(infra_probe_result(pgsql_probe, &r), INFRA_OK);
    ck_assert_uint_eq(r.reason, INFRA_PROBE_REASON_PASSED);
    ck_assert_uint_eq(r.outcome, INFRA_OUTCOME_OK);
    ck_assert_uint_eq(r.duration, 3);
}
END_TEST

/* Values out of range are refused; values at their limit are sent whole. */
START_TEST(options_are_checked)
{
    static char name[130], password[1026];
    const struct {
        const char *name;
        struct infra_probe_pgsql_options o;
        int result;
    } rows[] = {
        { "user of 127", { .user = name + 2 }, INFRA_OK },
        { "user of 128", { .user = name + 1 }, INFRA_EINVAL },
        { "user empty", { .user = "" }, INFRA_EINVAL },
        { "database of 127", { .database = name + 2 }, INFRA_OK },
        { "database of 128", { .database = name + 1 }, INFRA_EINVAL },
        { "database empty", { .database = "" }, INFRA_EINVAL },
        { "password of 1023", { .password = password + 2 }, INFRA_OK },
        { "password of 1024", { .password = password + 1 }, INFRA_EINVAL },
        { "password empty", { .password = "" }, INFRA_OK },
        { "replica", { .expect = INFRA_PROBE_ROLE_REPLICA }, INFRA_OK },
        { "no role", { .expect = INFRA_PROBE_ROLE_REPLICA + 1 }, INFRA_EINVAL },
        { "ask", { .ask = 2 }, INFRA_EINVAL },
        { "tls", { .tls = 2 }, INFRA_EINVAL },
        { "allow_cleartext_password",
          { .allow_cleartext_password = 2 },
          INFRA_EINVAL },
        { "all",
          { .ask = 1, .tls = 1, .allow_cleartext_password = 1 },
          INFRA_OK },
    };

    memset(name, 'a', sizeof name - 1);
    memset(password, 'b', sizeof password - 1);
    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        struct infra_probe_pgsql_options o = rows[i].o;
        struct infra_probe *probe = NULL;
        o.size = sizeof o;
        int err = infra_probe_pgsql(&probe, &o);
        ck_assert_msg(err == rows[i].result, "%s: %d", rows[i].name, err);
        ck_assert_int_eq(probe == NULL, err != INFRA_OK);
        infra_probe_destroy(probe);
    }
}
END_TEST

/* The longest texts are copied and sent unchanged, by every method. */
START_TEST(texts_are_copied)
{
    char user[128], password[1024], database[128];
    struct pgsql_bytes answer = { 0 };
    const struct test_step clear[] = {
        TEST_ACCEPT(0),
        TEST_SEND(PGSQL_AUTH_CLEAR),
        TEST_EXPECT("\0\0\1\61\0\3\0\0user\0"),
        { .kind = TEST_STEP_EXPECT, .bytes = user, .size = sizeof user },
        TEST_EXPECT("database\0"),
        { .kind = TEST_STEP_EXPECT, .bytes = database, .size = 128 },
        TEST_EXPECT("application_name\0libinfra\0\0"),
        { .kind = TEST_STEP_EXPECT, .bytes = answer.at, .size = 1029 },
        TEST_EOF,
    };
    static const struct test_step md5[] = { TEST_ACCEPT(0),
                                            TEST_SEND(PGSQL_AUTH_MD5),
                                            TEST_EOF };
    struct test_transport t = TEST_TRANSPORT(clear);
    struct test_transport u = TEST_TRANSPORT(md5);

    memset(user, 'u', sizeof user);
    memset(password, 'p', sizeof password);
    memset(database, 'd', sizeof database);
    user[127] = database[127] = password[1023] = '\0';
    pgsql_put_message(&answer, 'p', password, sizeof password);
    pgsql_create(
        (struct infra_probe_pgsql_options) { .user = user,
                                             .password = password,
                                             .database = database,
                                             .allow_cleartext_password = 1 });
    memset(password, 'x', sizeof password);
    ck_assert_uint_eq(pgsql_run(&t).reason, INFRA_PROBE_REASON_CLOSED_EARLY);
    ck_assert_uint_eq(pgsql_run(&u).reason, INFRA_PROBE_REASON_CLOSED_EARLY);
    ck_assert_mem_eq(u.heard + 305,
                     "p\0\0\0\50md5"
                     "c1c6b298b210ffffdc238277f116ce0d"
                     "\0",
                     41);
}
END_TEST

/* Another seed gives other nonces. */
START_TEST(the_seed_makes_the_nonce)
{
    static const struct test_step script[] = {
        TEST_ACCEPT(0), TEST_EXPECT(PGSQL_STARTUP), TEST_SEND(PGSQL_AUTH_SASL),
        TEST_EXPECT("p\0\0\0\66SCRAM-SHA-256\0\0\0\0\40n,,n=,r="
                    "gU3XuXhNV8FbnCly6bT9bPfh"),
        TEST_EOF
    };
    struct test_transport t = TEST_TRANSPORT(script);

    pgsql_create(
        (struct infra_probe_pgsql_options) { .password = "a", .seed = 1 });
    ck_assert_uint_eq(pgsql_run(&t).reason, INFRA_PROBE_REASON_CLOSED_EARLY);
    ck_assert_uint_eq(t.step, INFRA__COUNT_OF(script));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("probe_pgsql_options");
    TCase *tc = tcase_create("options");

    tcase_add_checked_fixture(tc, pgsql_setup, pgsql_teardown);
    tcase_add_test(tc, options_say_how_far_it_goes);
    tcase_add_test(tc, phases_have_their_own_time);
    tcase_add_test(tc, closing_is_part_of_it);
    tcase_add_test(tc, options_are_checked);
    tcase_add_test(tc, texts_are_copied);
    tcase_add_test(tc, the_seed_makes_the_nonce);
    suite_add_tcase(suite, tc);
    return test_main(suite);
}
