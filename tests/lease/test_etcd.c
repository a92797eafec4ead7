/* The lease in etcd: each call as a conversation with a scripted server, and
 * the same whatever pieces it comes in. */
#include "etcd_script.h"

#include "base/internal.h"

#include <stdio.h>
#include <string.h>

/* Loop tests run for each of these. */
static const enum test_split splits[] = { TEST_SPLIT_NONE, TEST_SPLIT_BYTES,
                                          TEST_SPLIT_RANDOM };
#define SPLITS_COUNT 3

/* ACQUIRE, granted with the token 9 and etcd's lease 77. */
static struct infra_lease_reply acquire(const char *range)
{
    ETCD(TEST_ACCEPT(0));
    etcd_expect("lease/grant", etcd_grant);
    etcd_reply(200, GRANTED_77);
    etcd_expect("kv/txn", etcd_take);
    etcd_reply(200, range);
    return etcd_call(INFRA_LEASE_OP_ACQUIRE, 0);
}

static void expect_unknown(const struct infra_lease_reply *r, uint32_t reason,
                           uint32_t detail)
{
    ck_assert_uint_eq(r->answer.outcome, INFRA_LEASE_OUTCOME_UNKNOWN);
    ck_assert_msg(r->reason == reason, "%s, not %s",
                  infra_lease_reason_name(r->reason),
                  infra_lease_reason_name(reason));
    ck_assert_uint_eq(r->detail, detail);
}

/* A lease of etcd, then the key bound to it: its revision is the token. A
 * former holder that did not release it left the dirty mark. */
START_TEST(acquire_is_granted)
{
    etcd_begin_script(splits[_i]);
    struct infra_lease_reply r = acquire(
        WON(RANGE("") "," PUT "," PUT ",{\"response_delete_range\":{}}"));
    ck_assert_uint_eq(r.answer.outcome, INFRA_LEASE_OUTCOME_GRANTED);
    ck_assert_uint_eq(r.answer.token, 9);
    ck_assert_uint_eq(r.answer.clean, 1);
    ck_assert_uint_eq(r.answer.ttl, INFRA_SEC(5));

    /* Again, on the same connection. */
    etcd_expect("lease/grant", etcd_grant);
    etcd_reply_chunked(200, GRANTED_77);
    etcd_expect("kv/txn", etcd_take);
    etcd_reply_chunked(200, WON(RANGE("," KEY(D, "3", OTHER, "0"))));
    r = etcd_call(INFRA_LEASE_OP_ACQUIRE, 0);
    ck_assert_uint_eq(r.answer.outcome, INFRA_LEASE_OUTCOME_GRANTED);
    ck_assert_uint_eq(r.answer.clean, 0);
}
END_TEST

/* Another was faster; or a former call of ours, which is no answer. */
START_TEST(acquire_is_refused)
{
    etcd_begin_script(splits[_i]);
    struct infra_lease_reply r =
        acquire(FAILED(RANGE("," KEY(K, "8", OTHER, "76"))));
    ck_assert_uint_eq(r.answer.outcome, INFRA_LEASE_OUTCOME_CONFLICT);
    ck_assert_uint_eq(r.answer.token, 8);
    etcd_expect("lease/grant", etcd_grant);
    etcd_reply(200, GRANTED_77);
    etcd_expect("kv/txn", etcd_take);
    etcd_reply(200, FAILED(RANGE("," KEY(K, "8", V, "76"))));
    r = etcd_call(INFRA_LEASE_OP_ACQUIRE, 0);
    expect_unknown(&r, INFRA_LEASE_REASON_OURS, 0);
}
END_TEST

/* Another node of the same name is another node, by its incarnation. */
START_TEST(a_namesake_is_another)
{
    etcd_begin_script(TEST_SPLIT_NONE);
    struct infra_lease_reply r = acquire(
        FAILED(RANGE("," KEY(K, "8", "YSAwMDAwMDAwMDAwMDAwMDEy", "76"))));
    ck_assert_uint_eq(r.answer.outcome, INFRA_LEASE_OUTCOME_CONFLICT);
    ck_assert_uint_eq(r.answer.token, 8);
}
END_TEST

static void acquire_well(void)
{
    ck_assert_uint_eq(acquire(WON(RANGE(""))).answer.outcome,
                      INFRA_LEASE_OUTCOME_GRANTED);
}

/* RENEW keeps the lease alive and proves by a write that the key is bound to
 * it. */
START_TEST(renew_is_granted)
{
    etcd_begin_script(splits[_i]);
    acquire_well();
    etcd_expect("lease/keepalive", etcd_keepalive);
    etcd_reply_chunked(200, ALIVE_77);
    etcd_expect("kv/txn", etcd_verify);
    etcd_reply(200, WON(DEL "," RANGE("," KEY(W, "10", HANDOVER_7, "78"))));
    struct infra_lease_reply r = etcd_call(INFRA_LEASE_OP_RENEW, 9);
    ck_assert_uint_eq(r.answer.outcome, INFRA_LEASE_OUTCOME_GRANTED);
    ck_assert_uint_eq(r.answer.token, 9);
    ck_assert_uint_eq(r.answer.ttl, INFRA_SEC(5));
    ck_assert_uint_eq(r.answer.handover_request, 7);
}
END_TEST

/* What the two answers to RENEW can be, and what is made of them. */
static const struct {
    const char *keepalive;
    const char *verify; /* NULL: it is not asked. */
    unsigned status;
    uint32_t outcome;
} renewals[] = {
    /* A lease that is gone is known by a ttl that is missing. */
    { GONE_77, NULL, 0, INFRA_LEASE_OUTCOME_LOST },
    { ALIVE_77, WON(DEL "," RANGE("")), 200, INFRA_LEASE_OUTCOME_GRANTED },
    /* Kept alive though it was revoked (a defect of etcd before 3.4.38). */
    { ALIVE_77,
      "{\"error\":\"etcdserver: requested lease not found\",\"message\":"
      "\"etcdserver: requested lease not found\",\"code\":5}",
      404, INFRA_LEASE_OUTCOME_LOST },
    { ALIVE_77, FAILED(RANGE("")), 200, INFRA_LEASE_OUTCOME_LOST },
    { ALIVE_77, FAILED(RANGE("," KEY(K, "12", OTHER, "76"))), 200,
      INFRA_LEASE_OUTCOME_CONFLICT },
    { ALIVE_77, FAILED(RANGE("," KEY(K, "12", V, "76"))), 200,
      INFRA_LEASE_OUTCOME_LOST },
    { "{\"result\":{" HEADER ",\"ID\":\"78\",\"TTL\":\"5\"}}", NULL, 0,
      INFRA_LEASE_OUTCOME_UNKNOWN },
    { "{\"result\":{" HEADER ",\"ID\":\"77\",\"TTL\":\"-5\"}}", NULL, 0,
      INFRA_LEASE_OUTCOME_UNKNOWN },
    { "{\"result\":{" HEADER ",\"TTL\":\"5\"}}", NULL, 0,
      INFRA_LEASE_OUTCOME_UNKNOWN },
    { "{\"error\":{\"grpc_code\":14,\"http_code\":503}}", NULL, 0,
      INFRA_LEASE_OUTCOME_UNKNOWN },
    { ALIVE_77, WON(PUT), 200, INFRA_LEASE_OUTCOME_UNKNOWN },
    { ALIVE_77, FAILED(""), 200, INFRA_LEASE_OUTCOME_UNKNOWN },
    { ALIVE_77, "{\"responses\":[]}", 200, INFRA_LEASE_OUTCOME_UNKNOWN },
};

START_TEST(renewals_are_told_apart)
{
    etcd_begin_script(TEST_SPLIT_NONE);
    acquire_well();
    etcd_expect("lease/keepalive", etcd_keepalive);
    etcd_reply_chunked(200, renewals[_i].keepalive);
    if (renewals[_i].verify != NULL) {
        etcd_expect("kv/txn", etcd_verify);
        etcd_reply(renewals[_i].status, renewals[_i].verify);
    }
    struct infra_lease_reply r = etcd_call(INFRA_LEASE_OP_RENEW, 9);
    ck_assert_msg(r.answer.outcome == renewals[_i].outcome, "%s",
                  infra_lease_outcome_name(r.answer.outcome));
    if (r.answer.outcome == INFRA_LEASE_OUTCOME_CONFLICT) {
        ck_assert_uint_eq(r.answer.token, 12);
    }
}
END_TEST

/* READ finds the holder, and the lease of etcd that our key is bound to, so
 * that it can be renewed. */
START_TEST(read_tells_whose_it_is)
{
    etcd_begin_script(splits[_i]);
    ETCD(TEST_ACCEPT(0));
    etcd_expect("kv/txn", etcd_look);
    etcd_reply(200, WON(RANGE("") "," RANGE("," KEY(W, "5", HANDOVER_7, "3"))));
    struct infra_lease_reply r = etcd_call(INFRA_LEASE_OP_READ, 0);
    ck_assert_uint_eq(r.answer.outcome, INFRA_LEASE_OUTCOME_LOST);
    ck_assert_uint_eq(r.answer.token, 0);
    ck_assert_uint_eq(r.answer.handover_request, 7);
    etcd_expect("kv/txn", etcd_look);
    etcd_reply(200, WON(RANGE("," KEY(K, "8", OTHER, "76")) "," RANGE("")));
    r = etcd_call(INFRA_LEASE_OP_READ, 0);
    ck_assert_uint_eq(r.answer.outcome, INFRA_LEASE_OUTCOME_CONFLICT);
    ck_assert_uint_eq(r.answer.token, 8);
    ck_assert_uint_eq(r.answer.handover_request, 0);
    etcd_expect("kv/txn", etcd_look);
    etcd_reply(200, WON(RANGE("," KEY(K, "9", V, "77")) "," RANGE("")));
    r = etcd_call(INFRA_LEASE_OP_READ, 0);
    ck_assert_uint_eq(r.answer.outcome, INFRA_LEASE_OUTCOME_GRANTED);
    ck_assert_uint_eq(r.answer.token, 9);
    etcd_expect("lease/keepalive", etcd_keepalive);
    etcd_reply(200, GONE_77);
    r = etcd_call(INFRA_LEASE_OP_RENEW, 9);
    ck_assert_uint_eq(r.answer.outcome, INFRA_LEASE_OUTCOME_LOST);
}
END_TEST

/* RENEW of a token whose lease is not known looks first. */
static const struct {
    const char *holder;
    uint32_t outcome;
} finds[] = {
    { RANGE(""), INFRA_LEASE_OUTCOME_LOST },
    { RANGE("," KEY(K, "9", OTHER, "77")), INFRA_LEASE_OUTCOME_CONFLICT },
    { RANGE("," KEY(K, "10", V, "77")), INFRA_LEASE_OUTCOME_LOST },
    { RANGE("," KEY(K, "9", V, "0")), INFRA_LEASE_OUTCOME_LOST },
    { RANGE("," KEY(K, "9", V, "77")), INFRA_LEASE_OUTCOME_GRANTED },
    { PUT, INFRA_LEASE_OUTCOME_UNKNOWN },
};

START_TEST(renew_of_a_stranger_looks_first)
{
    char body[1024];

    etcd_begin_script(TEST_SPLIT_NONE);
    (void)snprintf(body, sizeof body, WON("%s," RANGE("")), finds[_i].holder);
    ETCD(TEST_ACCEPT(0));
    etcd_expect("kv/txn", etcd_look);
    etcd_reply(200, body);
    if (finds[_i].outcome == INFRA_LEASE_OUTCOME_GRANTED) {
        etcd_expect("lease/keepalive", etcd_keepalive);
        etcd_reply(200, ALIVE_77);
        etcd_expect("kv/txn", etcd_verify);
        etcd_reply(200, WON(DEL "," RANGE("")));
    }
    ck_assert_uint_eq(etcd_call(INFRA_LEASE_OP_RENEW, 9).answer.outcome,
                      finds[_i].outcome);
}
END_TEST

/* RELEASE deletes the key if it is ours, and is answered then; etcd's lease is
 * revoked after it, which may fail. */
START_TEST(release_deletes_and_revokes)
{
    for (int ours = 0; ours < 2; ours++) {
        etcd_begin_script(splits[_i]);
        if (ours != 0) {
            struct infra_lease_etcd_options o = etcd_options();
            etcd_create(&o);
            acquire_well();
        } else {
            ETCD(TEST_ACCEPT(0));
        }
        etcd_expect("kv/txn", etcd_give);
        etcd_reply(200, ours != 0 ? WON("") : FAILED(""));
        if (ours != 0) {
            etcd_expect("lease/revoke", etcd_revoke);
            etcd_reply(404, "{\"error\":\"etcdserver: requested lease not "
                            "found\",\"code\":5}");
        }
        struct infra_lease_reply r = etcd_call(INFRA_LEASE_OP_RELEASE, 9);
        ck_assert_uint_eq(r.answer.outcome, INFRA_LEASE_OUTCOME_GRANTED);
        ck_assert_uint_ne(r.answer.token, 0);
    }
}
END_TEST

/* A RELEASE whose revocation hangs was answered all the same, and the next call
 * does not wait for it. */
START_TEST(nobody_waits_for_a_revocation)
{
    etcd_begin_script(splits[_i]);
    acquire_well();
    etcd_expect("kv/txn", etcd_give);
    etcd_reply(200, WON(""));
    etcd_expect("lease/revoke", etcd_revoke);
    ETCD(TEST_HANG);
    ETCD(TEST_CLOSED);
    struct infra_lease_reply r = etcd_call(INFRA_LEASE_OP_RELEASE, 9);
    ck_assert_uint_eq(r.answer.outcome, INFRA_LEASE_OUTCOME_GRANTED);
    ETCD(TEST_ACCEPT(1));
    etcd_expect("kv/txn", etcd_look);
    etcd_reply(200, WON(RANGE("") "," RANGE("")));
    r = etcd_call(INFRA_LEASE_OP_READ, 0);
    ck_assert_uint_eq(r.answer.outcome, INFRA_LEASE_OUTCOME_LOST);
}
END_TEST

/* ASK leaves a request that ends with a lease of its own, unless there is a
 * greater one: the server compares. */
START_TEST(ask_leaves_a_wish)
{
    etcd_begin_script(splits[_i]);
    ETCD(TEST_ACCEPT(0));
    for (int won = 0; won < 2; won++) {
        etcd_expect("lease/grant", etcd_grant);
        etcd_reply(200, GRANTED_77);
        etcd_expect("kv/txn", etcd_handover);
        etcd_reply(200,
                   won != 0 ? "{" HEADER ",\"succeeded\":true}" : FAILED(PUT));
        struct infra_lease_reply r = etcd_call(INFRA_LEASE_OP_REQUEST, 8);
        ck_assert_uint_eq(r.answer.outcome, INFRA_LEASE_OUTCOME_GRANTED);
    }
}
END_TEST

/* A request that is none is passed over. */
START_TEST(strange_wishes_are_none)
{
    static const char *const requests[] = {
        "",
        "Nw==",
        "MDAwMDAwMDAwMDAwMDAwMDAwMGE=",
        "OTk5OTk5OTk5OTk5OTk5OTk5OTk=",
        "MDAwMDAwMDAwMDAwMDAwMDAwMDAw",
        "?",
    };
    char body[1024];

    etcd_begin_script(TEST_SPLIT_NONE);
    ETCD(TEST_ACCEPT(0));
    for (size_t i = 0; i < INFRA__COUNT_OF(requests); i++) {
        (void)snprintf(body, sizeof body,
                       WON(RANGE("") "," RANGE("," KEY(W, "5", "%s", "3"))),
                       requests[i]);
        etcd_expect("kv/txn", etcd_look);
        etcd_reply(200, body);
        struct infra_lease_reply r = etcd_call(INFRA_LEASE_OP_READ, 0);
        ck_assert_uint_eq(r.answer.outcome, INFRA_LEASE_OUTCOME_LOST);
        ck_assert_uint_eq(r.answer.handover_request, 0);
    }
}
END_TEST

/* Grants that cannot be. */
static const char *const grants[] = {
    "{" HEADER ",\"ID\":\"77\"}",
    "{" HEADER ",\"ID\":\"77\",\"TTL\":\"0\"}",
    "{" HEADER ",\"TTL\":\"5\"}",
    "{" HEADER ",\"ID\":\"0\",\"TTL\":\"5\"}",
    "{" HEADER ",\"ID\":\"9223372036854775808\",\"TTL\":\"5\"}",
    "{\"ID\":\"77\",\"TTL\":\"5\"}",
    "{\"header\":{},\"ID\":\"77\",\"TTL\":\"5\"}",
    "{\"header\":{\"revision\":\"0\"},\"ID\":\"77\",\"TTL\":\"5\"}",
    "{" HEADER ",\"ID\":\"77\",\"TTL\":\"5\"",
    "[]",
    "Not Found\n",
    "x",
};

START_TEST(strange_grants_are_unknown)
{
    etcd_begin_script(TEST_SPLIT_NONE);
    ETCD(TEST_ACCEPT(0));
    etcd_expect("lease/grant", etcd_grant);
    etcd_reply(200, grants[_i]);
    struct infra_lease_reply r = etcd_call(INFRA_LEASE_OP_ACQUIRE, 0);
    expect_unknown(&r, INFRA_LEASE_REASON_MALFORMED, 0);
}
END_TEST

/* Transactions that cannot be. */
static const char *const takes[] = {
    "{\"succeeded\":true}",
    WON(""),
    WON(PUT),
    FAILED(RANGE("")), /* The key is not there, and that is why? */
    FAILED(RANGE(",\"kvs\":[]")),
    FAILED(RANGE(",\"kvs\":[{\"value\":\"" OTHER "\"}]")),
    FAILED(RANGE(",\"kvs\":[{\"create_revision\":\"0\"}]")),
    FAILED(RANGE(",\"kvs\":[{\"create_revision\":\"8\",\"lease\":\"-1\"}]")),
    "{" HEADER "}",
};

START_TEST(strange_transactions_are_unknown)
{
    etcd_begin_script(TEST_SPLIT_NONE);
    struct infra_lease_reply r = acquire(takes[_i]);
    expect_unknown(&r, INFRA_LEASE_REASON_MALFORMED, 0);
}
END_TEST

/* Less than two seconds are not to be had. */
START_TEST(a_ttl_is_two_seconds_at_least)
{
    struct infra_lease_etcd_options o = etcd_options();

    o.ttl = INFRA_MS(900);
    etcd_create(&o);
    etcd_begin_script(TEST_SPLIT_NONE);
    ETCD(TEST_ACCEPT(0));
    etcd_expect("lease/grant", "{\"TTL\":\"2\"}");
    etcd_reply(200, "{" HEADER ",\"ID\":\"77\",\"TTL\":\"2\"}");
    etcd_expect("kv/txn", etcd_take);
    etcd_reply(200, WON(RANGE("")));
    ck_assert_uint_eq(etcd_call(INFRA_LEASE_OP_ACQUIRE, 0).answer.ttl,
                      INFRA_SEC(2));
}
END_TEST

/* A promise of more than a day counts as a day. */
START_TEST(a_ttl_is_bounded)
{
    etcd_begin_script(TEST_SPLIT_NONE);
    ETCD(TEST_ACCEPT(0));
    etcd_expect("lease/grant", etcd_grant);
    etcd_reply(200,
               "{" HEADER ",\"ID\":\"77\",\"TTL\":\"18446744073709551615\"}");
    etcd_expect("kv/txn", etcd_take);
    etcd_reply(200, WON(RANGE("")));
    ck_assert_uint_eq(etcd_call(INFRA_LEASE_OP_ACQUIRE, 0).answer.ttl,
                      INFRA_SEC(86400));
}
END_TEST

/* Every allocation may fail: there is one. */
START_TEST(every_allocation_may_fail)
{
    struct infra_lease_etcd_options o = etcd_options();
    struct infra_lease *lease = NULL;

    etcd_heap.countdown = 0;
    ck_assert_int_eq(infra_lease_etcd(&lease, &o), INFRA_ENOMEM);
    ck_assert_ptr_null(lease);
    etcd_heap.countdown = -1;
}
END_TEST

static void expect_refused(const struct infra_lease_etcd_options *o)
{
    struct infra_lease *lease = NULL;

    ck_assert_int_eq(infra_lease_etcd(&lease, o), INFRA_EINVAL);
    ck_assert_ptr_null(lease);
}

/* Texts at their limits and one beyond, and structs of the past and future. */
START_TEST(options_are_looked_at)
{
    char text[129];
    struct {
        struct infra_lease_etcd_options known;
        uint64_t unknown;
    } future = { .known = etcd_options(), .unknown = 1 };
    struct infra_lease_etcd_options o = etcd_options();
    struct infra_lease *lease = NULL;

    memset(text, 'x', sizeof text);
    text[128] = '\0';
    future.known.size = sizeof future;
    ck_assert_int_eq(infra_lease_etcd(&lease, &future.known), INFRA_ESTRUCT);
    ck_assert_int_eq(infra_lease_etcd(&lease, NULL), INFRA_EINVAL);
    ck_assert_int_eq(infra_lease_etcd(NULL, &o), INFRA_EINVAL);
    const char **texts[] = { &o.group, &o.node, &o.prefix, &o.user,
                             &o.password };
    static const size_t sizes[] = { 63, 63, 127, 127, 127 };
    for (size_t i = 0; i < INFRA__COUNT_OF(texts); i++) {
        o = etcd_options();
        o.user = o.password = "u";
        *texts[i] = text + 128 - sizes[i] - 1;
        expect_refused(&o);
        *texts[i] = text + 128 - sizes[i];
        etcd_create(&o);
        *texts[i] = "";
        if (i < 4) {
            expect_refused(&o);
        }
        *texts[i] = NULL;
        if (i != 2) { /* The prefix has a default. */
            expect_refused(&o);
        }
    }
    o = etcd_options();
    o.endpoints_count = 17;
    expect_refused(&o);
    o = etcd_options();
    o.tls = 2;
    expect_refused(&o);
    o = etcd_options();
    o.incarnation = 0;
    expect_refused(&o);
    o = etcd_options();
    o.size--;
    expect_refused(&o);
}
END_TEST

static Suite *lease_etcd_suite(void)
{
    Suite *s = suite_create("lease_etcd");
    TCase *tc = tcase_create("calls");
    tcase_add_checked_fixture(tc, etcd_setup, etcd_teardown);
    tcase_add_loop_test(tc, acquire_is_granted, 0, SPLITS_COUNT);
    tcase_add_test(tc, a_namesake_is_another);
    tcase_add_loop_test(tc, acquire_is_refused, 0, SPLITS_COUNT);
    tcase_add_loop_test(tc, renew_is_granted, 0, SPLITS_COUNT);
    tcase_add_loop_test(tc, renewals_are_told_apart, 0,
                        (int)INFRA__COUNT_OF(renewals));
    tcase_add_loop_test(tc, read_tells_whose_it_is, 0, SPLITS_COUNT);
    tcase_add_loop_test(tc, renew_of_a_stranger_looks_first, 0,
                        (int)INFRA__COUNT_OF(finds));
    tcase_add_loop_test(tc, release_deletes_and_revokes, 0, SPLITS_COUNT);
    tcase_add_loop_test(tc, nobody_waits_for_a_revocation, 0, SPLITS_COUNT);
    tcase_add_loop_test(tc, ask_leaves_a_wish, 0, SPLITS_COUNT);
    suite_add_tcase(s, tc);

    tc = tcase_create("nonsense");
    tcase_add_checked_fixture(tc, etcd_setup, etcd_teardown);
    tcase_add_test(tc, strange_wishes_are_none);
    tcase_add_loop_test(tc, strange_grants_are_unknown, 0,
                        (int)INFRA__COUNT_OF(grants));
    tcase_add_loop_test(tc, strange_transactions_are_unknown, 0,
                        (int)INFRA__COUNT_OF(takes));
    tcase_add_test(tc, a_ttl_is_two_seconds_at_least);
    tcase_add_test(tc, a_ttl_is_bounded);
    suite_add_tcase(s, tc);

    tc = tcase_create("create");
    tcase_add_checked_fixture(tc, etcd_setup, etcd_teardown);
    tcase_add_test(tc, every_allocation_may_fail);
    tcase_add_test(tc, options_are_looked_at);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(lease_etcd_suite());
}
