/* The record in etcd: its conversation with a scripted server, and the same
 * whatever pieces it comes in. */
#include "etcd_script.h"

#include "base/internal.h"

#include <stdio.h>
#include <string.h>

static const enum test_split splits[] = { TEST_SPLIT_NONE, TEST_SPLIT_BYTES,
                                          TEST_SPLIT_RANDOM };
#define SPLITS_COUNT 3

/* "/infra/lb/record", "one" and "two!". */
#define R "L2luZnJhL2xiL3JlY29yZA=="
#define ONE "b25l"
#define TWO "dHdvIQ=="

/* What is asked, about the token 9. */
#define OURS                                                  \
    "{\"compare\":[{\"key\":\"" K "\",\"target\":\"CREATE\"," \
    "\"result\":\"EQUAL\",\"create_revision\":\"9\"},"        \
    "{\"key\":\"" K "\",\"target\":\"VALUE\",\"result\":"     \
    "\"EQUAL\",\"value\":\"" V "\"}"
#define GET(key) "{\"request_range\":{\"key\":\"" key "\"}}"
#define READ_IT                                                                \
    OURS                                                                       \
        "],\"success\":[" GET(R) ",{\"request_delete_range\":{\"key\":\"" NONE \
                                 "\"}}],\"failure\":[" GET(K) "]}"
#define PEEK "{\"success\":[" GET(R) "]}"
#define WRITE_ONE(changed)                                              \
    OURS ",{\"key\":\"" R "\",\"target\":\"MOD\",\"result\":\"EQUAL\"," \
         "\"mod_revision\":\"" changed "\"}],\"success\":["             \
         "{\"request_put\":{\"key\":\"" R "\",\"value\":\"" ONE         \
         "\"}}],\"failure\":[" GET(K) "," GET(R) "]}"

/* What is answered. */
#define RECORD(value, changed)                                              \
    ",\"kvs\":[{\"key\":\"" R "\",\"create_revision\":\"3\","               \
    "\"mod_revision\":\"" changed "\",\"version\":\"2\",\"value\":\"" value \
    "\"}],\"count\":\"1\""
#define HOLDER(created, value) "," KEY(K, created, value, "77")

static void ask(const char *body, const char *answer)
{
    etcd_expect("kv/txn", body);
    etcd_reply(200, answer);
}

static void expect_text(const struct infra_lease_record *r, const char *text)
{
    ck_assert_uint_eq(r->outcome, INFRA_LEASE_OUTCOME_GRANTED);
    ck_assert_uint_eq(r->count, strlen(text));
    ck_assert_int_eq(memcmp(r->bytes, text, r->count), 0);
}

static void expect_unknown(const struct infra_lease_record *r, uint32_t reason)
{
    ck_assert_uint_eq(r->outcome, INFRA_LEASE_OUTCOME_UNKNOWN);
    ck_assert_msg(r->reason == reason, "%s, not %s",
                  infra_lease_reason_name(r->reason),
                  infra_lease_reason_name(reason));
    ck_assert_uint_eq(r->count, 0);
}

/* A read proves by a write that the lease is ours; without a token it is only
 * looked at. */
START_TEST(it_is_read)
{
    etcd_begin_script(splits[_i]);
    ETCD(TEST_ACCEPT(0));
    ask(READ_IT, WON(RANGE("") "," DEL));
    struct infra_lease_record r = etcd_record(9, NULL);
    expect_text(&r, "");
    ask(READ_IT, WON(RANGE(RECORD(TWO, "5")) "," DEL));
    r = etcd_record(9, NULL);
    expect_text(&r, "two!");
    ask(PEEK, WON(RANGE(RECORD(ONE, "6"))));
    r = etcd_record(0, NULL);
    expect_text(&r, "one");
}
END_TEST

/* A node without the lease reads nothing and writes nothing. */
START_TEST(it_is_refused)
{
    etcd_begin_script(splits[_i]);
    ETCD(TEST_ACCEPT(0));
    ask(READ_IT, FAILED(RANGE(HOLDER("12", OTHER))));
    ck_assert_uint_eq(etcd_record(9, NULL).outcome,
                      INFRA_LEASE_OUTCOME_CONFLICT);
    ask(READ_IT, FAILED(RANGE("")));
    ck_assert_uint_eq(etcd_record(9, NULL).outcome, INFRA_LEASE_OUTCOME_LOST);
    ask(WRITE_ONE("0"),
        FAILED(RANGE(HOLDER("12", OTHER)) "," RANGE(RECORD(TWO, "5"))));
    ck_assert_uint_eq(etcd_record(9, "one").outcome,
                      INFRA_LEASE_OUTCOME_CONFLICT);
    ask(WRITE_ONE("0"), FAILED(RANGE("") "," RANGE("")));
    ck_assert_uint_eq(etcd_record(9, "one").outcome, INFRA_LEASE_OUTCOME_LOST);
    /* Ours again, by another token. */
    ask(WRITE_ONE("0"), FAILED(RANGE(HOLDER("12", V)) "," RANGE("")));
    ck_assert_uint_eq(etcd_record(9, "one").outcome, INFRA_LEASE_OUTCOME_LOST);
}
END_TEST

/* A write names the revision that it replaces: as it was read, as the last
 * write left it (which is the revision of the reply, 9), or as a refusal
 * tells. */
START_TEST(it_is_written)
{
    etcd_begin_script(splits[_i]);
    ETCD(TEST_ACCEPT(0));
    ask(READ_IT, WON(RANGE(RECORD(TWO, "5")) "," DEL));
    (void)etcd_record(9, NULL);
    ask(WRITE_ONE("5"), WON(PUT));
    struct infra_lease_record r = etcd_record(9, "one");
    expect_text(&r, "one");
    ask(WRITE_ONE("9"),
        FAILED(RANGE(HOLDER("9", V)) "," RANGE(RECORD(TWO, "7"))));
    ask(WRITE_ONE("7"), WON(PUT));
    r = etcd_record(9, "one");
    expect_text(&r, "one");
}
END_TEST

/* A write whose answer is lost with its connection is found to be done. */
START_TEST(a_lost_write_is_found)
{
    ETCD(TEST_ACCEPT(0));
    etcd_expect("kv/txn", WRITE_ONE("0"));
    ETCD(TEST_FAIL(INFRA_OUTCOME_RESET));
    ETCD(TEST_CLOSED);
    ETCD(TEST_ACCEPT(1));
    ask(WRITE_ONE("0"),
        FAILED(RANGE(HOLDER("9", V)) "," RANGE(RECORD(ONE, "8"))));
    struct infra_lease_record r = etcd_record(9, "one");
    expect_text(&r, "one");
    ask(WRITE_ONE("8"), WON(PUT));
    (void)etcd_record(9, "one");
}
END_TEST

/* Another writer changes it all the time, or a server claims so. */
START_TEST(there_is_an_end_to_trying)
{
    static const char *const revisions[] = { "1", "2", "3", "4", "5" };
    char body[1024];
    char answer[1024];

    ETCD(TEST_ACCEPT(0));
    for (size_t i = 0; i < INFRA__COUNT_OF(revisions); i++) {
        (void)snprintf(body, sizeof body, WRITE_ONE("%s"),
                       i > 0 ? revisions[i - 1] : "0");
        (void)snprintf(
            answer, sizeof answer,
            FAILED(RANGE(HOLDER("9", V)) "," RANGE(RECORD(TWO, "%s"))),
            revisions[i]);
        ask(body, answer);
    }
    struct infra_lease_record r = etcd_record(9, "one");
    expect_unknown(&r, INFRA_LEASE_REASON_BUSY);
    ask(WRITE_ONE("4"),
        FAILED(RANGE(HOLDER("9", V)) "," RANGE(RECORD(TWO, "6"))));
    ask(WRITE_ONE("6"), WON(PUT));
    r = etcd_record(9, "one");
    expect_text(&r, "one");
}
END_TEST

/* At its deadline the host hears so, and the server is left, even if the
 * conversation itself has not been told of the time. */
START_TEST(it_has_its_deadline)
{
    struct infra_lease_record r;

    ck_assert_int_eq(infra_lease_read_record(etcd, 9, etcd_now + 1, etcd_now),
                     INFRA_OK);
    ck_assert_int_eq(infra_lease_take_record(etcd, etcd_now + 1, &r), INFRA_OK);
    expect_unknown(&r, INFRA_LEASE_REASON_TIMEOUT);
    ETCD(TEST_CLOSED);
    ETCD(TEST_ACCEPT(1));
    ask(READ_IT, WON(RANGE("") "," DEL));
    ck_assert_uint_eq(etcd_record(9, NULL).outcome,
                      INFRA_LEASE_OUTCOME_GRANTED);
}
END_TEST

/* Answers that are no answers. */
static const struct {
    const char *answer;
    bool is_write;
} nonsense[] = {
    { "", false },
    { "{" HEADER "}", false },
    { WON(PUT), false },
    { WON(RANGE(RECORD("?", "5"))), false },
    { WON(RANGE(RECORD("", "5"))), false },
    { WON(RANGE(RECORD(ONE, "0"))), false },
    { FAILED(RANGE(HOLDER("9", V))), true },
    { FAILED(RANGE(HOLDER("9", V)) "," RANGE("")), true }, /* Unchanged. */
    { FAILED(PUT "," PUT), true },
};

START_TEST(nonsense_is_unknown)
{
    ETCD(TEST_ACCEPT(0));
    ask(nonsense[_i].is_write ? WRITE_ONE("0") : READ_IT, nonsense[_i].answer);
    struct infra_lease_record r =
        etcd_record(9, nonsense[_i].is_write ? "one" : NULL);
    expect_unknown(&r, INFRA_LEASE_REASON_MALFORMED);
}
END_TEST

/* More than a record may have is not one. */
START_TEST(a_long_record_is_unknown)
{
    char value[349];
    char answer[1024];

    for (size_t count = 256; count < 258; count++) {
        etcd_teardown();
        etcd_setup();
        ETCD(TEST_ACCEPT(0));
        memset(value, 'A', sizeof value);
        size_t size = (count + 2) / 3 * 4;
        value[size] = '\0';
        value[size - 1] = '=';
        value[size - 2] = count % 3 == 1 ? '=' : value[size - 2];
        (void)snprintf(answer, sizeof answer,
                       WON(RANGE(RECORD("%s", "5")) "," DEL), value);
        ask(READ_IT, answer);
        struct infra_lease_record r = etcd_record(9, NULL);
        if (count <= INFRA_LEASE_RECORD_MAX) {
            ck_assert_uint_eq(r.count, count);
        } else {
            expect_unknown(&r, INFRA_LEASE_REASON_MALFORMED);
        }
    }
}
END_TEST

/* A server that refuses, or hangs until the deadline, which is left then. */
START_TEST(errors_are_told)
{
    ETCD(TEST_ACCEPT(0));
    etcd_expect("kv/txn", WRITE_ONE("0"));
    etcd_reply(400, "{\"error\":\"?\",\"code\":3}");
    struct infra_lease_record r = etcd_record(9, "one");
    expect_unknown(&r, INFRA_LEASE_REASON_ERROR);
    ck_assert_uint_eq(r.detail, 400);
    etcd_expect("kv/txn", READ_IT);
    ETCD(TEST_HANG);
    ETCD(TEST_CLOSED);
    r = etcd_record(9, NULL);
    expect_unknown(&r, INFRA_LEASE_REASON_TIMEOUT);
    ETCD(TEST_ACCEPT(1));
    ask(READ_IT, WON(RANGE("") "," DEL));
    ck_assert_uint_eq(etcd_record(9, NULL).outcome,
                      INFRA_LEASE_OUTCOME_GRANTED);
}
END_TEST

/* The login is shared: the first conversation logs in. */
START_TEST(a_login_is_shared)
{
    ETCD(TEST_ACCEPT(0));
    etcd_expect("auth/authenticate", ETCD_LOGIN);
    etcd_reply(200, "{" HEADER ",\"token\":\"abc.1\"}");
    etcd_expect_as("abc.1", "kv/txn", READ_IT);
    etcd_reply(200, WON(RANGE("") "," DEL));
    ck_assert_uint_eq(etcd_record(9, NULL).outcome,
                      INFRA_LEASE_OUTCOME_GRANTED);
    etcd_begin_script(TEST_SPLIT_NONE);
    ETCD(TEST_ACCEPT(0));
    etcd_expect_as("abc.1", "kv/txn", etcd_look);
    etcd_reply(200, WON(RANGE("") "," RANGE("")));
    ck_assert_uint_eq(etcd_call(INFRA_LEASE_OP_READ, 0).answer.outcome,
                      INFRA_LEASE_OUTCOME_LOST);
}
END_TEST

static Suite *lease_etcd_record_suite(void)
{
    Suite *s = suite_create("lease_etcd_record");
    TCase *tc = tcase_create("record");

    tcase_add_checked_fixture(tc, etcd_setup, etcd_teardown);
    tcase_add_loop_test(tc, it_is_read, 0, SPLITS_COUNT);
    tcase_add_loop_test(tc, it_is_refused, 0, SPLITS_COUNT);
    tcase_add_loop_test(tc, it_is_written, 0, SPLITS_COUNT);
    tcase_add_test(tc, a_lost_write_is_found);
    tcase_add_test(tc, there_is_an_end_to_trying);
    tcase_add_loop_test(tc, nonsense_is_unknown, 0,
                        (int)INFRA__COUNT_OF(nonsense));
    tcase_add_test(tc, a_long_record_is_unknown);
    tcase_add_test(tc, errors_are_told);
    tcase_add_test(tc, it_has_its_deadline);
    suite_add_tcase(s, tc);

    tc = tcase_create("login");
    tcase_add_checked_fixture(tc, etcd_setup_with_user, etcd_teardown);
    tcase_add_test(tc, a_login_is_shared);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(lease_etcd_record_suite());
}
