/* The lease in etcd, when servers and connections fail or ask for a login. */
#include "etcd_script.h"

#include "base/internal.h"

#include <stdio.h>
#include <string.h>

#define FREE WON(RANGE("") "," RANGE(""))
#define NO_LEADER                                                 \
    "{\"error\":{\"grpc_code\":14,\"http_code\":503,\"message\":" \
    "\"etcdserver: no leader\",\"http_status\":\"Service Unavailable\"}}"
#define BAD_LOGIN                                                \
    "{\"error\":\"etcdserver: invalid auth token\",\"message\":" \
    "\"etcdserver: invalid auth token\",\"code\":16}"
#define WRONG_PASSWORD                                                 \
    "{\"error\":\"etcdserver: authentication failed, invalid user ID " \
    "or password\",\"code\":3}"

static struct infra_lease_reply look(void)
{
    return etcd_call(INFRA_LEASE_OP_READ, 0);
}

static void look_well(void)
{
    ck_assert_uint_eq(look().answer.outcome, INFRA_LEASE_OUTCOME_LOST);
}

static void expect_unknown(uint32_t reason, uint32_t detail)
{
    struct infra_lease_reply r = look();

    ck_assert_uint_eq(r.answer.outcome, INFRA_LEASE_OUTCOME_UNKNOWN);
    ck_assert_msg(r.reason == reason, "%s, not %s",
                  infra_lease_reason_name(r.reason),
                  infra_lease_reason_name(reason));
    ck_assert_uint_eq(r.detail, detail);
}

static void expect_look(void)
{
    etcd_expect("kv/txn", etcd_look);
}

static void accept_and_look(uint32_t endpoint)
{
    ETCD(TEST_ACCEPT(endpoint));
    expect_look();
}

static void accept_and_answer(uint32_t endpoint)
{
    accept_and_look(endpoint);
    etcd_reply(200, FREE);
}

/* A connection that ended while it was idle is made anew. */
START_TEST(an_idle_connection_may_end)
{
    accept_and_answer(0);
    ETCD(TEST_EOF);
    ETCD(TEST_CLOSED);
    look_well();
    accept_and_answer(0);
    look_well();
}
END_TEST

/* Bytes that answer no request end the connection, between two calls or behind
 * a reply. */
START_TEST(unasked_for_bytes_end_it)
{
    accept_and_answer(0);
    ETCD(TEST_SEND("HTTP/1.1 408 Request Timeout\r\n\r\n"));
    ETCD(TEST_CLOSED);
    look_well();
    accept_and_look(0);
    ETCD(TEST_SEND("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1x"));
    ETCD(TEST_CLOSED);
    expect_unknown(INFRA_LEASE_REASON_MALFORMED, 0);
    accept_and_answer(0);
    look_well();
}
END_TEST

/* A late reply to a former call is not taken for the reply to this one: what
 * comes before the request was sent ends the connection, and on a new one it is
 * no server of HTTP. */
START_TEST(a_late_reply_is_nobodys)
{
    const struct infra_lease_call call = { .id = 1000,
                                           .op = INFRA_LEASE_OP_READ,
                                           .deadline =
                                               etcd_now + INFRA_MS(500) };
    struct infra_exchange x;

    accept_and_answer(0);
    look_well();
    ck_assert_int_eq(infra_lease_exchange(etcd, 0, &x), INFRA_OK);
    ck_assert_int_eq(infra_lease_begin(etcd, &call, etcd_now), INFRA_OK);
    ck_assert_uint_eq(x.ops->want(x.self), INFRA_WANT_IO);
    x.ops->input(x.self, "HTTP/1.1 200 OK", 15, etcd_now);
    ck_assert_uint_eq(x.ops->want(x.self), INFRA_WANT_CLOSE);
    x.ops->note(x.self, INFRA_NOTE_CLOSED, 0, etcd_now);
    for (uint32_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(x.ops->want(x.self), INFRA_WANT_CONNECT);
        ck_assert_uint_eq(x.ops->endpoint(x.self), i % 2);
        x.ops->note(x.self, INFRA_NOTE_CONNECTED, 0, etcd_now);
        x.ops->input(x.self, "SSH-2.0", 7, etcd_now);
        ck_assert_uint_eq(x.ops->want(x.self), INFRA_WANT_CLOSE);
        x.ops->note(x.self, INFRA_NOTE_CLOSED, 0, etcd_now);
    }
    struct infra_lease_reply r;
    ck_assert_int_eq(infra_lease_next(etcd, etcd_now, &r), INFRA_OK);
    ck_assert_uint_eq(r.reason, INFRA_LEASE_REASON_MALFORMED);
}
END_TEST

/* A reply to half a request is one, but nothing can follow it. */
START_TEST(a_reply_to_half_a_request_is_the_last)
{
    const struct infra_lease_call call = { .id = 1000,
                                           .op = INFRA_LEASE_OP_READ,
                                           .deadline =
                                               etcd_now + INFRA_MS(500) };
    static const char reply[] =
        "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
    struct infra_exchange x;
    struct infra_lease_reply r;

    ck_assert_int_eq(infra_lease_exchange(etcd, 0, &x), INFRA_OK);
    ck_assert_int_eq(infra_lease_begin(etcd, &call, etcd_now), INFRA_OK);
    x.ops->note(x.self, INFRA_NOTE_CONNECTED, 0, etcd_now);
    x.ops->sent(x.self, 20, etcd_now);
    x.ops->input(x.self, reply, sizeof reply - 1, etcd_now);
    ck_assert_uint_eq(x.ops->want(x.self), INFRA_WANT_CLOSE);
    ck_assert_int_eq(infra_lease_next(etcd, etcd_now, &r), INFRA_OK);
    ck_assert_uint_eq(r.detail, 400);
}
END_TEST

/* A request that was lost goes to the next server at once. */
static const struct {
    struct test_step step;
    bool closes; /* We do. */
} losses[] = {
    { TEST_EOF, true },
    { TEST_TRUNCATED, true },
    { TEST_FAIL(INFRA_OUTCOME_RESET), true },
    { TEST_SEND("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"), true },
    { TEST_SEND("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"), true },
    { TEST_SEND("HTTP/1.1 429 No\r\nContent-Length: 0\r\n\r\n"), true },
    { TEST_SEND("220 smtp\r\n"), true },
    { TEST_SEND("HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n"), false },
};

START_TEST(a_lost_request_goes_to_the_next)
{
    accept_and_look(0);
    etcd_step(losses[_i].step);
    if (!losses[_i].closes) { /* It breaks in the body. */
        ETCD(TEST_FAIL(INFRA_OUTCOME_RESET));
    }
    ETCD(TEST_CLOSED);
    accept_and_answer(1);
    look_well();
    /* Which is where the next one goes, too. */
    expect_look();
    etcd_reply(200, FREE);
    look_well();
}
END_TEST

/* ACQUIRE, at the first server, and then a keep-alive there. */
static void acquire_and_keep_alive(void)
{
    ETCD(TEST_ACCEPT(0));
    etcd_expect("lease/grant", etcd_grant);
    etcd_reply(200, GRANTED_77);
    etcd_expect("kv/txn", etcd_take);
    etcd_reply(200, WON(RANGE("")));
    ck_assert_uint_eq(etcd_call(INFRA_LEASE_OP_ACQUIRE, 0).answer.outcome,
                      INFRA_LEASE_OUTCOME_GRANTED);
    etcd_expect("lease/keepalive", etcd_keepalive);
    etcd_reply(200, ALIVE_77);
}

static void keep_alive_and_prove(void)
{
    etcd_expect("lease/keepalive", etcd_keepalive);
    etcd_reply(200, ALIVE_77);
    etcd_expect("kv/txn", etcd_verify);
    etcd_reply(200, WON(DEL "," RANGE("")));
}

/* A member that was kept alive and then lost may have been cut off before: the
 * next one is told to keep alive, too, before its proof counts. */
START_TEST(a_renewal_begins_again_at_the_next)
{
    acquire_and_keep_alive();
    etcd_expect("kv/txn", etcd_verify);
    etcd_step(losses[_i].step);
    if (!losses[_i].closes) {
        ETCD(TEST_FAIL(INFRA_OUTCOME_RESET));
    }
    ETCD(TEST_CLOSED);
    ETCD(TEST_ACCEPT(1));
    keep_alive_and_prove();
    ck_assert_uint_eq(etcd_call(INFRA_LEASE_OP_RENEW, 9).answer.outcome,
                      INFRA_LEASE_OUTCOME_GRANTED);
}
END_TEST

/* So, too, when the next one has another opinion: the lease is gone. */
START_TEST(the_next_one_may_say_that_it_is_gone)
{
    acquire_and_keep_alive();
    etcd_expect("kv/txn", etcd_verify);
    ETCD(TEST_EOF);
    ETCD(TEST_CLOSED);
    ETCD(TEST_ACCEPT(1));
    etcd_expect("lease/keepalive", etcd_keepalive);
    etcd_reply(200, GONE_77);
    ck_assert_uint_eq(etcd_call(INFRA_LEASE_OP_RENEW, 9).answer.outcome,
                      INFRA_LEASE_OUTCOME_LOST);
}
END_TEST

/* A leader that was elected between keep-alive and proof has not heard of the
 * first, whichever server answers. */
START_TEST(a_renewal_is_of_one_term)
{
    acquire_and_keep_alive();
    etcd_expect("kv/txn", etcd_verify);
    etcd_reply(200,
               "{\"header\":{\"revision\":\"9\",\"raft_term\":\"3\"},"
               "\"succeeded\":true,\"responses\":[" DEL "," RANGE("") "]}");
    keep_alive_and_prove();
    ck_assert_uint_eq(etcd_call(INFRA_LEASE_OP_RENEW, 9).answer.outcome,
                      INFRA_LEASE_OUTCOME_GRANTED);
}
END_TEST

/* What a grant of etcd is bound by says that it is there, so that nothing has
 * to begin again. */
START_TEST(an_acquisition_goes_on_at_the_next)
{
    ETCD(TEST_ACCEPT(0));
    etcd_expect("lease/grant", etcd_grant);
    etcd_reply(200, GRANTED_77);
    etcd_expect("kv/txn", etcd_take);
    ETCD(TEST_EOF);
    ETCD(TEST_CLOSED);
    ETCD(TEST_ACCEPT(1));
    etcd_expect("kv/txn", etcd_take);
    etcd_reply(200, WON(RANGE("")));
    ck_assert_uint_eq(etcd_call(INFRA_LEASE_OP_ACQUIRE, 0).answer.outcome,
                      INFRA_LEASE_OUTCOME_GRANTED);
}
END_TEST

/* As often as there are servers, and once more; then it is not known. */
START_TEST(there_is_an_end_to_trying)
{
    for (uint32_t i = 0; i < 3; i++) {
        ETCD(TEST_FAIL(INFRA_OUTCOME_REFUSED));
        ETCD(TEST_CLOSED);
    }
    expect_unknown(INFRA_LEASE_REASON_UNREACHABLE, 0);
    for (uint32_t i = 0; i < 3; i++) {
        ETCD(TEST_FAIL(INFRA_OUTCOME_LOCAL));
        ETCD(TEST_CLOSED);
    }
    expect_unknown(INFRA_LEASE_REASON_LOCAL, 0);
    for (uint32_t i = 0; i < 3; i++) {
        accept_and_look(i % 2);
        etcd_reply_chunked(503, NO_LEADER);
        ETCD(TEST_CLOSED);
    }
    expect_unknown(INFRA_LEASE_REASON_ERROR, 503);
}
END_TEST

/* A server that does not answer has until the call's deadline, in whatever it
 * hangs; the next call goes to the next server. */
START_TEST(who_hangs_is_left)
{
    infra_time start = etcd_now;

    if (_i > 0) {
        accept_and_look(0);
    }
    if (_i > 1) {
        ETCD(TEST_SEND("HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{"));
    }
    ETCD(TEST_HANG);
    ETCD(TEST_CLOSED);
    expect_unknown(INFRA_LEASE_REASON_TIMEOUT, 0);
    ck_assert_uint_eq(etcd_now, start + INFRA_MS(500));
    accept_and_answer(1);
    look_well();
}
END_TEST

/* Errors that no other server would answer otherwise are told. */
START_TEST(errors_are_told)
{
    static const unsigned statuses[] = { 400, 404, 405, 412 };

    ETCD(TEST_ACCEPT(0));
    for (size_t i = 0; i < INFRA__COUNT_OF(statuses); i++) {
        expect_look();
        etcd_reply(statuses[i], "Not Found\n");
        expect_unknown(INFRA_LEASE_REASON_ERROR, statuses[i]);
    }
    expect_look();
    etcd_reply(403, "{\"error\":\"etcdserver: permission denied\",\"code\":7}");
    expect_unknown(INFRA_LEASE_REASON_LOGIN, 403);
}
END_TEST

/* As much as is read is read, and one byte more is too long. */
START_TEST(replies_are_bounded)
{
    static char body[8193 + sizeof FREE];
    size_t size = 8192 + (size_t)_i;

    memset(body, ' ', size);
    memcpy(body, FREE, sizeof FREE - 1);
    body[size] = '\0';
    accept_and_look(0);
    etcd_reply(200, body);
    if (_i == 0) {
        look_well();
        return;
    }
    ETCD(TEST_CLOSED);
    for (uint32_t i = 0; i < 2; i++) {
        accept_and_look((i + 1) % 2);
        etcd_reply_chunked(200, body);
        ETCD(TEST_CLOSED);
    }
    expect_unknown(INFRA_LEASE_REASON_TOO_LONG, 0);
}
END_TEST

/* A call that is given up takes its connection with it: the reply to it is not
 * taken for the next one's. */
START_TEST(a_new_call_has_its_own_reply)
{
    struct infra_lease_call call = { .id = 1000,
                                     .op = INFRA_LEASE_OP_ACQUIRE,
                                     .deadline = etcd_now + INFRA_MS(500) };
    const void *bytes;
    struct infra_exchange x;

    ck_assert_int_eq(infra_lease_exchange(etcd, 0, &x), INFRA_OK);
    ck_assert_int_eq(infra_lease_begin(etcd, &call, etcd_now), INFRA_OK);
    x.ops->note(x.self, INFRA_NOTE_CONNECTED, 0, etcd_now);
    x.ops->sent(x.self, x.ops->output(x.self, &bytes), etcd_now);
    ETCD(TEST_CLOSED);
    accept_and_answer(0);
    look_well();
}
END_TEST

/* A call whose conversation is not run is unknown at its deadline, and leaves
 * the server. */
START_TEST(a_call_has_its_deadline)
{
    struct infra_lease_call call = { .id = 1000,
                                     .op = INFRA_LEASE_OP_READ,
                                     .deadline = etcd_now + INFRA_MS(500) };
    struct infra_lease_reply r;

    ck_assert_int_eq(infra_lease_begin(etcd, &call, etcd_now), INFRA_OK);
    ck_assert_uint_eq(infra_lease_deadline(etcd), call.deadline);
    ck_assert_int_eq(infra_lease_next(etcd, call.deadline - 1, &r),
                     INFRA_EAGAIN);
    ck_assert_int_eq(infra_lease_next(etcd, call.deadline, &r), INFRA_OK);
    ck_assert_uint_eq(r.reason, INFRA_LEASE_REASON_TIMEOUT);
    etcd_now = call.deadline;
    ETCD(TEST_CLOSED);
    accept_and_answer(1);
    look_well();
}
END_TEST

/* Over TLS each connection is secured first. */
START_TEST(tls_comes_first)
{
    struct infra_lease_etcd_options o = etcd_options();

    o.tls = 1;
    etcd_create(&o);
    ETCD(TEST_ACCEPT(0));
    ETCD(TEST_TLS_UP);
    expect_look();
    etcd_reply(200, FREE);
    ETCD(TEST_TRUNCATED);
    ETCD(TEST_CLOSED);
    look_well();
    ETCD(TEST_ACCEPT(0));
    ETCD(TEST_FAIL(INFRA_OUTCOME_ERROR));
    ETCD(TEST_CLOSED);
    ETCD(TEST_ACCEPT(1));
    ETCD(TEST_TLS_UP);
    expect_look();
    etcd_reply(200, FREE);
    look_well();
}
END_TEST

/* A failed handshake differs from a server that is gone, and a TLS library
 * that fails here differs from both. */
START_TEST(handshakes_may_fail)
{
    static const struct {
        uint32_t outcome;
        uint32_t reason;
    } rows[] = {
        { INFRA_OUTCOME_ERROR, INFRA_LEASE_REASON_TLS },
        { INFRA_OUTCOME_RESET, INFRA_LEASE_REASON_TLS },
        { INFRA_OUTCOME_LOCAL, INFRA_LEASE_REASON_LOCAL },
    };
    struct infra_lease_etcd_options o = etcd_options();

    o.tls = 1;
    etcd_create(&o);
    for (uint32_t i = 0; i < 3; i++) {
        ETCD(TEST_ACCEPT(i % 2));
        ETCD(TEST_FAIL(rows[_i].outcome));
        ETCD(TEST_CLOSED);
    }
    expect_unknown(rows[_i].reason, 0);
}
END_TEST

static void log_in(const char *login)
{
    char body[512];

    etcd_expect("auth/authenticate", ETCD_LOGIN);
    (void)snprintf(body, sizeof body, "{" HEADER ",\"token\":\"%s\"}", login);
    etcd_reply(200, body);
}

static void look_as(const char *login)
{
    etcd_expect_as(login, "kv/txn", etcd_look);
}

/* The first call logs in, and all go with what that answered. */
START_TEST(the_first_call_logs_in)
{
    ETCD(TEST_ACCEPT(0));
    log_in("abc.1");
    look_as("abc.1");
    etcd_reply(200, FREE);
    look_well();
    look_as("abc.1");
    etcd_reply(200, FREE);
    look_well();
}
END_TEST

/* A login that has run out, or that came before users were changed, is made
 * anew, once a call. */
START_TEST(a_stale_login_is_made_anew)
{
    ETCD(TEST_ACCEPT(0));
    log_in("abc.1");
    look_as("abc.1");
    etcd_reply(401, BAD_LOGIN);
    log_in("abc.2");
    look_as("abc.2");
    etcd_reply(200, FREE);
    look_well();
    look_as("abc.2");
    etcd_reply(400, "{\"error\":\"etcdserver: revision of auth store is "
                    "old\",\"code\":3}");
    log_in("abc.3");
    look_as("abc.3");
    etcd_reply(401, BAD_LOGIN);
    expect_unknown(INFRA_LEASE_REASON_LOGIN, 401);
}
END_TEST

/* A revocation that comes too late for its login is not worth another. */
START_TEST(a_revocation_is_asked_for_once)
{
    ETCD(TEST_ACCEPT(0));
    log_in("abc.1");
    etcd_expect_as("abc.1", "lease/grant", etcd_grant);
    etcd_reply(200, GRANTED_77);
    etcd_expect_as("abc.1", "kv/txn", etcd_take);
    etcd_reply(200, WON(RANGE("")));
    ck_assert_uint_eq(etcd_call(INFRA_LEASE_OP_ACQUIRE, 0).answer.outcome,
                      INFRA_LEASE_OUTCOME_GRANTED);
    etcd_expect_as("abc.1", "kv/txn", etcd_give);
    etcd_reply(200, WON(""));
    etcd_expect_as("abc.1", "lease/revoke", etcd_revoke);
    etcd_reply(401, BAD_LOGIN);
    ck_assert_uint_eq(etcd_call(INFRA_LEASE_OP_RELEASE, 9).answer.outcome,
                      INFRA_LEASE_OUTCOME_GRANTED);
    look_as("abc.1");
    etcd_reply(200, FREE);
    look_well();
}
END_TEST

/* A refused login is reported, for five seconds without another try; a server
 * that cannot tell is not the last word. */
START_TEST(a_login_may_be_refused)
{
    ETCD(TEST_ACCEPT(0));
    etcd_expect("auth/authenticate", ETCD_LOGIN);
    etcd_reply(400, WRONG_PASSWORD);
    expect_unknown(INFRA_LEASE_REASON_LOGIN, 400);
    etcd_now += INFRA_SEC(5) - 1;
    expect_unknown(INFRA_LEASE_REASON_LOGIN, 400);
    etcd_now++;
    etcd_expect("auth/authenticate", ETCD_LOGIN);
    etcd_reply(503, NO_LEADER);
    ETCD(TEST_CLOSED);
    ETCD(TEST_ACCEPT(1));
    log_in("abc.1");
    look_as("abc.1");
    etcd_reply(200, FREE);
    look_well();
}
END_TEST

/* What would not go into a header is no login. */
START_TEST(strange_logins_are_unknown)
{
    static char long_login[1025];
    static const char *const logins[] = { "", "a b", "a\\r\\nb", "a\x7f",
                                          NULL };

    memset(long_login, 'x', 1024);
    ETCD(TEST_ACCEPT(0));
    for (size_t i = 0; i < INFRA__COUNT_OF(logins); i++) {
        char body[2048];
        (void)snprintf(body, sizeof body, "{" HEADER ",\"token\":\"%s\"}",
                       logins[i] != NULL ? logins[i] : long_login);
        etcd_expect("auth/authenticate", ETCD_LOGIN);
        etcd_reply(200, body);
        expect_unknown(INFRA_LEASE_REASON_MALFORMED, 0);
    }
    long_login[1023] = '\0';
    char body[2048];
    (void)snprintf(body, sizeof body, "{" HEADER ",\"token\":\"%s\"}",
                   long_login);
    etcd_expect("auth/authenticate", ETCD_LOGIN);
    etcd_reply(200, body);
    look_as(long_login);
    etcd_reply(200, FREE);
    look_well();
}
END_TEST

/* The longest names that are allowed fit into every request. */
START_TEST(the_longest_names_fit)
{
    char text[128];
    static const char record[INFRA_LEASE_RECORD_MAX];
    struct infra_lease_etcd_options o = etcd_options();
    struct infra_lease_call call = { .id = 1,
                                     .token = UINT64_MAX,
                                     .handover_request = UINT64_MAX,
                                     .deadline = INFRA_TIME_NEVER };
    struct infra_exchange x;
    const void *bytes;

    memset(text, '\x01', sizeof text - 1);
    text[127] = '\0';
    o.group = o.node = text + 64;
    o.prefix = o.user = o.password = text;
    o.incarnation = UINT64_MAX;
    etcd_create(&o);
    ck_assert_int_eq(infra_lease_exchange(etcd, 0, &x), INFRA_OK);
    ck_assert_int_eq(infra_lease_begin(etcd, &call, etcd_now), INFRA_OK);
    x.ops->note(x.self, INFRA_NOTE_CONNECTED, 0, etcd_now);
    size_t size = x.ops->output(x.self, &bytes);
    /* Each byte of user and password is six in JSON. */
    ck_assert_uint_gt(size, 12 * 127);
    ck_assert_int_eq(memcmp((const char *)bytes + size - 2, "\"}", 2), 0);

    /* And a record, which is the longest request. */
    o.user = o.password = NULL;
    etcd_create(&o);
    ck_assert_int_eq(infra_lease_exchange(etcd, 2, &x), INFRA_OK);
    ck_assert_int_eq(infra_lease_write_record(etcd, UINT64_MAX, record,
                                              sizeof record, INFRA_TIME_NEVER,
                                              etcd_now),
                     INFRA_OK);
    x.ops->note(x.self, INFRA_NOTE_CONNECTED, 0, etcd_now);
    size = x.ops->output(x.self, &bytes);
    ck_assert_int_eq(memcmp((const char *)bytes + size - 5, "\"}}]}", 5), 0);
}
END_TEST

static Suite *lease_etcd_servers_suite(void)
{
    Suite *s = suite_create("lease_etcd_servers");
    TCase *tc = tcase_create("connections");
    tcase_add_checked_fixture(tc, etcd_setup, etcd_teardown);
    tcase_add_test(tc, an_idle_connection_may_end);
    tcase_add_test(tc, unasked_for_bytes_end_it);
    tcase_add_test(tc, a_late_reply_is_nobodys);
    tcase_add_test(tc, a_reply_to_half_a_request_is_the_last);
    tcase_add_loop_test(tc, a_lost_request_goes_to_the_next, 0,
                        (int)INFRA__COUNT_OF(losses));
    tcase_add_loop_test(tc, a_renewal_begins_again_at_the_next, 0,
                        (int)INFRA__COUNT_OF(losses));
    tcase_add_test(tc, the_next_one_may_say_that_it_is_gone);
    tcase_add_test(tc, a_renewal_is_of_one_term);
    tcase_add_test(tc, an_acquisition_goes_on_at_the_next);
    tcase_add_test(tc, there_is_an_end_to_trying);
    tcase_add_loop_test(tc, who_hangs_is_left, 0, 3);
    tcase_add_test(tc, errors_are_told);
    tcase_add_loop_test(tc, replies_are_bounded, 0, 2);
    tcase_add_test(tc, a_new_call_has_its_own_reply);
    tcase_add_test(tc, a_call_has_its_deadline);
    tcase_add_test(tc, tls_comes_first);
    tcase_add_loop_test(tc, handshakes_may_fail, 0, 3);
    tcase_add_test(tc, the_longest_names_fit);
    suite_add_tcase(s, tc);

    tc = tcase_create("login");
    tcase_add_checked_fixture(tc, etcd_setup_with_user, etcd_teardown);
    tcase_add_test(tc, the_first_call_logs_in);
    tcase_add_test(tc, a_stale_login_is_made_anew);
    tcase_add_test(tc, a_revocation_is_asked_for_once);
    tcase_add_test(tc, a_login_may_be_refused);
    tcase_add_test(tc, strange_logins_are_unknown);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(lease_etcd_servers_suite());
}
