/* SPDX-License-Identifier: MIT */
/* The host's question with limits for the answer, the same for all
 * databases. */
#include "mysql_check.h"
#include "pgsql_peer.h"
#include "probing.h"

#include "base/internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct test_heap heap;
static struct infra_probe *redis;

static void setup(void)
{
    test_heap_init(&heap, -1);
    redis = NULL;
    mysql_setup();
    pgsql_setup();
}

static void teardown(void)
{
    infra_probe_destroy(redis);
    ck_assert_int_eq(heap.live, 0);
    mysql_teardown();
    pgsql_teardown();
}

/* An answer, its limits, and the reason. An answer of NULL is an error. */
static const struct {
    uint64_t min;
    uint64_t max;
    const char *answer;
    uint32_t reason;
} rows[] = {
    { 4, 4, "4", INFRA_PROBE_REASON_PASSED },
    { 4, 4, "3", INFRA_PROBE_REASON_ANSWER },
    { 4, 4, "5", INFRA_PROBE_REASON_ANSWER },
    { 1, 0, "1", INFRA_PROBE_REASON_PASSED },
    { 1, 0, "18446744073709551615", INFRA_PROBE_REASON_PASSED },
    { 1, 0, "0", INFRA_PROBE_REASON_ANSWER },
    { 0, 7, "0", INFRA_PROBE_REASON_PASSED },
    { 0, 7, "7", INFRA_PROBE_REASON_PASSED },
    { 0, 7, "8", INFRA_PROBE_REASON_ANSWER },
    { UINT64_MAX, UINT64_MAX, "18446744073709551615",
      INFRA_PROBE_REASON_PASSED },
    { UINT64_MAX, 0, "18446744073709551614", INFRA_PROBE_REASON_ANSWER },
    { 0, 0, "18446744073709551615", INFRA_PROBE_REASON_PASSED },
    { 1, 0, "Synced", INFRA_PROBE_REASON_ANSWER },
    { 0, 1, "", INFRA_PROBE_REASON_ANSWER },
    { 0, 0, "Synced", INFRA_PROBE_REASON_PASSED },
    { 1, 0, NULL, INFRA_PROBE_REASON_SERVER_ERROR },
    { 0, 1, NULL, INFRA_PROBE_REASON_SERVER_ERROR },
    { 0, 0, NULL, INFRA_PROBE_REASON_PASSED },
};

START_TEST(mysql_answers_decide)
{
    const char *const cells[] = { rows[_i].answer, NULL };

    mysql_create(
        (struct infra_probe_mysql_options) { .question = "SELECT 1",
                                             .answer_min = rows[_i].min,
                                             .answer_max = rows[_i].max });
    peer_query(&mysql.peer, "SELECT 1");
    if (rows[_i].answer != NULL) {
        peer_result(&mysql.peer, "a", cells);
    } else {
        peer_error(&mysql.peer, 1146, "No such table");
    }
    peer_quit(&mysql.peer);
    ck_assert_uint_eq(mysql_run().reason, rows[_i].reason);
}
END_TEST

/* Another failure comes first: the server is not a primary. */
START_TEST(a_role_is_judged_first)
{
    const char *const variables[] = { "1|0|0-1-5", NULL };

    mysql_create(
        (struct infra_probe_mysql_options) { .question = "SELECT 1",
                                             .expect = INFRA_PROBE_ROLE_PRIMARY,
                                             .answer_min = 1 });
    peer_query(&mysql.peer, PEER_VARIABLES);
    peer_result(&mysql.peer, "read_only|innodb_read_only|gtid_current_pos",
                variables);
    peer_query(&mysql.peer, "SELECT 1");
    peer_error(&mysql.peer, 1290, "The server is read-only");
    peer_quit(&mysql.peer);
    ck_assert_uint_eq(mysql_run().reason, INFRA_PROBE_REASON_READ_ONLY);
}
END_TEST

START_TEST(pgsql_answers_decide)
{
    struct pgsql_bytes b = { 0 };

    if (rows[_i].answer != NULL) {
        pgsql_put_message(&b, 'T', "\0\1", 2);
        pgsql_put_row(&b, &rows[_i].answer, 1);
        pgsql_put_text(&b, PGSQL_COMPLETE);
    } else {
        pgsql_put_error(&b, "ERROR", "53100", "disk full");
    }
    pgsql_put_text(&b, PGSQL_READY);
    const struct test_step script[] = {
        TEST_ACCEPT(0),
        TEST_EXPECT(PGSQL_STARTUP),
        TEST_SEND(PGSQL_WELCOME),
        TEST_EXPECT("Q\0\0\0\15SELECT 1\0"),
        { .kind = TEST_STEP_SEND, .bytes = b.at, .size = b.size },
    };
    struct test_transport t = TEST_TRANSPORT(script);

    pgsql_create(
        (struct infra_probe_pgsql_options) { .question = "SELECT 1",
                                             .answer_min = rows[_i].min,
                                             .answer_max = rows[_i].max });
    ck_assert_uint_eq(pgsql_run(&t).reason, rows[_i].reason);
    ck_assert_uint_eq(t.heard_count, sizeof PGSQL_TERMINATE - 1);
}
END_TEST

static void ask_redis(struct infra_probe_redis_options o, const char *request,
                      const char *answer, struct infra_probe_result expected,
                      const char *message)
{
    const struct test_reply reply = { .name = answer,
                                      .request = request,
                                      .text = answer,
                                      .size = strlen(answer),
                                      .expected = expected,
                                      .message = message };

    o.size = sizeof o;
    o.allocator = &heap.allocator;
    ck_assert_int_eq(infra_probe_redis(&redis, &o), INFRA_OK);
    test_probe_reply_in_every_split(redis, &reply);
}

#define PING "*1\r\n$4\r\nPING\r\n"
#define GET_A "*2\r\n$3\r\nGET\r\n$1\r\na\r\n"

START_TEST(redis_answers_decide)
{
    const char *text = rows[_i].answer;
    char answer[128];
    uint64_t number = 0;
    bool is_told = text != NULL && sscanf(text, "%" SCNu64, &number) == 1;

    if (text != NULL) {
        snprintf(answer, sizeof answer, "+PONG\r\n$%zu\r\n%s\r\n", strlen(text),
                 text);
    } else {
        snprintf(answer, sizeof answer, "+PONG\r\n-OOM no room\r\n");
    }
    ask_redis((struct infra_probe_redis_options) { .question = "GET a",
                                                   .answer_min = rows[_i].min,
                                                   .answer_max = rows[_i].max },
              PING GET_A, answer,
              (struct infra_probe_result) {
                  .reason = rows[_i].reason,
                  .has = is_told ? INFRA_PROBE_HAS_ANSWER : 0 },
              text == NULL ? "OOM no room" : NULL);
    struct infra_probe_result r;
    ck_assert_int_eq(infra_probe_result(redis, &r), INFRA_OK);
    ck_assert_uint_eq(r.answer, number);
}
END_TEST

/* Redis may answer in any type, after any other command. */
START_TEST(redis_answers_are_read)
{
    static const struct {
        struct infra_probe_redis_options o;
        const char *request;
        const char *answer;
        const char *message;
        struct infra_probe_result expected;
    } asked[] = {
        { { .question = "  EXISTS   a b " },
          PING "*3\r\n$6\r\nEXISTS\r\n$1\r\na\r\n$1\r\nb\r\n",
          "+PONG\r\n:2\r\n",
          NULL,
          { .has = INFRA_PROBE_HAS_ANSWER } },
        { { .question = "GET a" },
          PING GET_A,
          "+PONG\r\n$-1\r\n",
          NULL,
          { 0 } },
        { { .question = "GET a" },
          PING GET_A,
          "+PONG\r\n:-1\r\n",
          NULL,
          { 0 } },
        { { .question = "GET a", .answer_min = 1 },
          PING GET_A,
          "+PONG\r\n$-1\r\n",
          NULL,
          { .reason = INFRA_PROBE_REASON_ANSWER } },
        { { .question = "GET a", .answer_max = 9 },
          PING GET_A,
          "+PONG\r\n*2\r\n:1\r\n-ERR\r\n",
          NULL,
          { .reason = INFRA_PROBE_REASON_ANSWER } },
        { { .question = "GET a" },
          PING GET_A,
          "+PONG\r\n*2\r\n:1\r\n*0\r\n",
          NULL,
          { 0 } },
        { { .question = "GET a" },
          PING GET_A,
          "+PONG\r\n-LOADING wait\r\n",
          "LOADING wait",
          { .reason = INFRA_PROBE_REASON_STARTING } },
        { { .question = "INCR a", .answer_min = 1 },
          PING "*2\r\n$4\r\nINCR\r\n$1\r\na\r\n",
          "+PONG\r\n-READONLY You can't write\r\n",
          "READONLY You can't write",
          { .reason = INFRA_PROBE_REASON_READ_ONLY } },
        { { .question = "GET a", .password = "p" },
          "*2\r\n$4\r\nAUTH\r\n$1\r\np\r\n" PING GET_A,
          "+OK\r\n+PONG\r\n+7\r\n",
          NULL,
          { .has = INFRA_PROBE_HAS_ANSWER } },
        { { .question = "GET a", .expect = INFRA_PROBE_ROLE_REPLICA },
          PING "*1\r\n$4\r\nROLE\r\n" GET_A,
          "+PONG\r\n*3\r\n$6\r\nmaster\r\n:5\r\n*0\r\n:7\r\n",
          NULL,
          { .reason = INFRA_PROBE_REASON_NOT_REPLICA,
            .has = INFRA_PROBE_HAS_ROLE | INFRA_PROBE_HAS_WRITABLE |
                   INFRA_PROBE_HAS_POSITION | INFRA_PROBE_HAS_ANSWER,
            .role = INFRA_PROBE_ROLE_PRIMARY,
            .writable = 1,
            .position = 5 } },
        { { .question = "GET a" },
          PING GET_A,
          "+PONG\r\n\r\n",
          NULL,
          { .reason = INFRA_PROBE_REASON_BAD_REPLY } },
        { { .question = "GET a" },
          PING GET_A,
          "+PONG\r\n",
          NULL,
          { .reason = INFRA_PROBE_REASON_SLOW_REPLY } },
    };

    for (size_t i = 0; i < INFRA__COUNT_OF(asked); i++) {
        ask_redis(asked[i].o, asked[i].request, asked[i].answer,
                  asked[i].expected, asked[i].message);
        infra_probe_destroy(redis);
        redis = NULL;
    }
}
END_TEST

/* Limits that no answer meets, limits without a question, and questions without
 * a command are refused. */
START_TEST(limits_are_checked)
{
    static char longest[513];
    static const struct {
        const char *question;
        uint64_t min;
        uint64_t max;
        int err;
    } limits[] = {
        { "a", 1, 1, INFRA_OK },         { "a", 2, 1, INFRA_EINVAL },
        { "a", 2, 0, INFRA_OK },         { NULL, 1, 0, INFRA_EINVAL },
        { NULL, 0, 1, INFRA_EINVAL },    { "", 0, 0, INFRA_EINVAL },
        { longest + 1, 0, 0, INFRA_OK }, { longest, 0, 0, INFRA_EINVAL },
    };
    static const char *const no_commands[] = { " ", "a\r\nb", "a\tb", "\177" };

    memset(longest, 'q', sizeof longest - 1);
    for (size_t i = 0; i < INFRA__COUNT_OF(limits); i++) {
        struct infra_probe *p[3] = { NULL, NULL, NULL };
        const struct infra_probe_mysql_options m = {
            .size = sizeof m,
            .user = "a",
            .question = limits[i].question,
            .answer_min = limits[i].min,
            .answer_max = limits[i].max,
        };
        const struct infra_probe_pgsql_options g = {
            .size = sizeof g,
            .question = limits[i].question,
            .answer_min = limits[i].min,
            .answer_max = limits[i].max,
        };
        const struct infra_probe_redis_options r = {
            .size = sizeof r,
            .question = limits[i].question,
            .answer_min = limits[i].min,
            .answer_max = limits[i].max,
        };
        ck_assert_int_eq(infra_probe_mysql(&p[0], &m), limits[i].err);
        ck_assert_int_eq(infra_probe_pgsql(&p[1], &g), limits[i].err);
        ck_assert_int_eq(infra_probe_redis(&p[2], &r), limits[i].err);
        for (int j = 0; j < 3; j++) {
            ck_assert((p[j] != NULL) == (limits[i].err == INFRA_OK));
            infra_probe_destroy(p[j]);
        }
    }
    for (size_t i = 0; i < INFRA__COUNT_OF(no_commands); i++) {
        const struct infra_probe_redis_options r = { .size = sizeof r,
                                                     .question =
                                                         no_commands[i] };
        ck_assert_int_eq(infra_probe_redis(&redis, &r), INFRA_EINVAL);
    }
}
END_TEST

/* A heap that checks the memory it gets back. */
static void *watchful_realloc(void *user, void *ptr, size_t old_size,
                              size_t new_size)
{
    uint32_t *freed = user;

    for (size_t i = 0; new_size == 0 && i < old_size; i++) {
        ck_assert(((unsigned char *)ptr)[i] == 0);
    }
    *freed += new_size == 0;
    return new_size == 0 ? (free(ptr), NULL) : realloc(ptr, new_size);
}

/* Passwords are wiped, and header fields, which may hold secrets, too. */
START_TEST(what_they_know_is_wiped)
{
    uint32_t freed = 0;
    const struct infra_allocator a = { .realloc = watchful_realloc,
                                       .user = &freed };
    const struct infra_probe_http_field field = { "Authorization", "secret" };
    const struct infra_probe_http_options h = {
        .size = sizeof h, .allocator = &a, .fields = &field, .fields_count = 1
    };
    const struct infra_probe_pgsql_options g = { .size = sizeof g,
                                                 .allocator = &a,
                                                 .password = "secret" };
    const struct infra_probe_redis_options r = { .size = sizeof r,
                                                 .allocator = &a,
                                                 .password = "secret" };
    struct infra_probe *p[3];

    ck_assert_int_eq(infra_probe_http(&p[0], &h), INFRA_OK);
    ck_assert_int_eq(infra_probe_pgsql(&p[1], &g), INFRA_OK);
    ck_assert_int_eq(infra_probe_redis(&p[2], &r), INFRA_OK);
    for (int i = 0; i < 3; i++) {
        infra_probe_destroy(p[i]);
    }
    ck_assert_uint_eq(freed, 3);
}
END_TEST

static Suite *answer_suite(void)
{
    Suite *s = suite_create("probe_answer");
    TCase *tc = tcase_create("answer");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, mysql_answers_decide, 0, INFRA__COUNT_OF(rows));
    tcase_add_test(tc, a_role_is_judged_first);
    tcase_add_loop_test(tc, pgsql_answers_decide, 0, INFRA__COUNT_OF(rows));
    tcase_add_loop_test(tc, redis_answers_decide, 0, INFRA__COUNT_OF(rows));
    tcase_add_test(tc, redis_answers_are_read);
    tcase_add_test(tc, limits_are_checked);
    tcase_add_test(tc, what_they_know_is_wiped);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(answer_suite());
}
