/* The lease in etcd, as it watches: hints, and no more. */
#include "etcd_script.h"

#include "base/internal.h"
#include "lease/etcd/http.h"
#include "lease/etcd/text.h"

#include <stdio.h>
#include <string.h>

#define FREE WON(RANGE("") "," RANGE(""))

#define STREAM "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
#define CREATED "{\"result\":{" HEADER ",\"created\":true}}\n"
#define DELETED                                                 \
    "{\"result\":{" HEADER ",\"events\":[{\"kv\":{\"key\":\"" K \
    "\"}},{\"type\":\"DELETE\",\"kv\":{\"key\":\"" K            \
    "\",\"mod_revision\":\"8\"}}]}}\n"
#define CHANGED \
    "{\"result\":{" HEADER ",\"events\":[{\"kv\":{\"key\":\"" K "\"}}]}}\n"
#define CANCELED           \
    "{\"result\":{" HEADER \
    ",\"created\":true,\"canceled\":true,\"compact_revision\":\"8\"}}\n"

/* The watch is run by hand: it has no end. */
static struct infra_exchange watch;

static void expect_want(uint32_t want)
{
    ck_assert_uint_eq(watch.ops->want(watch.self), want);
}

static void note(uint32_t what, uint32_t detail)
{
    watch.ops->note(watch.self, what, detail, etcd_now);
}

/* Its deadline is @after from now, and comes. */
static void expect_deadline(infra_time after)
{
    ck_assert_uint_eq(watch.ops->deadline(watch.self), etcd_now + after);
    etcd_now += after;
    note(INFRA_NOTE_DEADLINE, 0);
}

static void hear_bytes(const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        watch.ops->input(watch.self, bytes + i, 1, etcd_now);
    }
}

/* A line, as a chunk of its own. */
static void hear(const char *line)
{
    static char text[16384];
    int size = snprintf(text, sizeof text, "%zx\r\n%s\r\n", strlen(line), line);

    hear_bytes(text, (size_t)size);
}

static bool is_hinted(void)
{
    struct infra_lease_reply r;
    bool is_due = infra_lease_deadline(etcd) == 0;
    bool hinted = infra_lease_next(etcd, etcd_now, &r) == INFRA_OK;

    ck_assert(hinted == is_due && (!hinted || r.call == 0));
    return hinted;
}

static void connect_watch(uint32_t endpoint)
{
    const void *bytes = NULL;
    char expected[512];

    expect_want(INFRA_WANT_CONNECT);
    ck_assert_uint_eq(watch.ops->endpoint(watch.self), endpoint);
    note(INFRA_NOTE_CONNECTED, 0);
    expect_want(INFRA_WANT_IO);
    (void)snprintf(expected, sizeof expected,
                   "POST /v3/watch HTTP/1.1\r\n"
                   "Host: localhost\r\n"
                   "Content-Type: application/json\r\n"
                   "Content-Length: %zu\r\n\r\n%s",
                   strlen(etcd_watch), etcd_watch);
    size_t size = watch.ops->output(watch.self, &bytes);
    ck_assert_uint_eq(size, strlen(expected));
    ck_assert_mem_eq(bytes, expected, size);
    watch.ops->sent(watch.self, size, etcd_now);
    hear_bytes(STREAM, strlen(STREAM));
}

/* It begins by itself, as soon as it is run. */
static void begin_watch(void)
{
    ck_assert_int_eq(infra_lease_exchange(etcd, 1, &watch), INFRA_OK);
    expect_want(INFRA_WANT_IDLE);
    ck_assert_uint_eq(watch.ops->deadline(watch.self), 0);
    note(INFRA_NOTE_DEADLINE, 0);
    connect_watch(0);
}

/* It hints when it begins, and when the key is deleted, once each; a renewal is
 * no hint. */
START_TEST(a_deletion_is_hinted)
{
    begin_watch();
    ck_assert(!is_hinted());
    hear(CREATED);
    ck_assert(is_hinted());
    hear(CHANGED);
    ck_assert(!is_hinted());
    hear(DELETED);
    hear(DELETED);
    ck_assert(is_hinted());
    ck_assert(!is_hinted());
    hear("{\"result\":{\"events\":[{\"type\":\"PUT\"}]}}\n");
    hear("{\"result\":{\"created\":false,\"canceled\":false}}\n");
    ck_assert(!is_hinted());
    struct infra_lease_status stats = { .size = sizeof stats };
    ck_assert_int_eq(infra_lease_inspect(etcd, &stats), INFRA_OK);
    ck_assert_uint_eq(stats.hints, 2);
}
END_TEST

/* As many events as a line can hold are looked at once each: to look at them
 * from the start again and again would take a minute here. */
START_TEST(a_long_line_is_no_work)
{
    static char line[INFRA__ETCD_BODY_MAX];
    static const char head[] = "{\"result\":{\"events\":[{}";
    size_t size = sizeof head - 1;

    memcpy(line, head, size);
    while (size + 6 <= sizeof line) {
        memcpy(line + size, ",{}", 3);
        size += 3;
    }
    memcpy(line + size, "]}}", 3);
    size += 3;
    for (int i = 0; i < 1000; i++) {
        ck_assert_int_eq(infra__etcd_read_watch(line, size),
                         INFRA__ETCD_WATCH_NOTHING);
    }
}
END_TEST

/* Any server may be gone without a word: after a minute of silence the next one
 * is asked. */
START_TEST(silence_ends_a_watch)
{
    begin_watch();
    etcd_now += INFRA_SEC(30);
    hear(CREATED);
    expect_deadline(INFRA_SEC(60));
    expect_want(INFRA_WANT_CLOSE);
    note(INFRA_NOTE_CLOSED, 0);
    expect_want(INFRA_WANT_IDLE);
    expect_deadline(INFRA_SEC(1));
    connect_watch(1);
}
END_TEST

/* What ends a watch: it is begun again a second later, at the next server. */
START_TEST(a_watch_is_begun_again)
{
    static char long_line[8300];

    begin_watch();
    switch (_i) {
    case 0:
        note(INFRA_NOTE_EOF, 0);
        break;
    case 1:
        note(INFRA_NOTE_FAILED, INFRA_OUTCOME_RESET);
        break;
    case 2:
        hear(CANCELED);
        break;
    case 3:
        hear("nonsense\n");
        break;
    case 4:
        hear("{\"error\":{\"grpc_code\":14}}\n");
        break;
    case 5:
        memset(long_line, ' ', sizeof long_line - 1);
        memcpy(long_line, "{\"result\":{}}", 13);
        long_line[sizeof long_line - 2] = '\n';
        hear(long_line);
        break;
    default:
        hear_bytes("0\r\n\r\n", 5);
        break;
    }
    ck_assert(!is_hinted());
    expect_want(INFRA_WANT_CLOSE);
    note(INFRA_NOTE_CLOSED, 0);
    expect_deadline(INFRA_SEC(1));
    connect_watch(1);
    hear(DELETED);
    ck_assert(is_hinted());
}
END_TEST

/* A server that refuses the watch is asked again, not faster than that. */
START_TEST(a_refused_watch_waits)
{
    ck_assert_int_eq(infra_lease_exchange(etcd, 1, &watch), INFRA_OK);
    note(INFRA_NOTE_DEADLINE, 0);
    for (int i = 0; i < 3; i++) {
        expect_want(INFRA_WANT_CONNECT);
        note(INFRA_NOTE_FAILED, INFRA_OUTCOME_REFUSED);
        note(INFRA_NOTE_CLOSED, 0);
        expect_want(INFRA_WANT_IDLE);
        etcd_now += INFRA_MS(500);
        note(INFRA_NOTE_DEADLINE, 0); /* Early: nothing happens. */
        note(INFRA_NOTE_EOF, 0);      /* Late: neither. */
        expect_want(INFRA_WANT_IDLE);
        expect_deadline(INFRA_MS(500));
    }
}
END_TEST

/* With a user the watch waits until the calls have logged in. */
START_TEST(a_watch_waits_for_the_login)
{
    const void *bytes;

    ck_assert_int_eq(infra_lease_exchange(etcd, 1, &watch), INFRA_OK);
    note(INFRA_NOTE_DEADLINE, 0);
    expect_want(INFRA_WANT_IDLE);
    ETCD(TEST_ACCEPT(0));
    etcd_expect("auth/authenticate",
                "{\"name\":\"me\",\"password\":\"p\\u0022\\u005c\\u000a\"}");
    etcd_reply(200, "{" HEADER ",\"token\":\"abc.1\"}");
    etcd_expect_as("abc.1", "kv/txn", etcd_look);
    etcd_reply(200, FREE);
    ck_assert_uint_eq(etcd_call(INFRA_LEASE_OP_READ, 0).answer.outcome,
                      INFRA_LEASE_OUTCOME_LOST);
    expect_deadline(INFRA_SEC(1));
    note(INFRA_NOTE_CONNECTED, 0);
    size_t size = watch.ops->output(watch.self, &bytes);
    ck_assert_uint_gt(size, 0);
    ck_assert_ptr_nonnull(memmem(bytes, size, "Authorization: abc.1\r\n", 22));
}
END_TEST

static Suite *etcd_watch_suite(void)
{
    Suite *s = suite_create("etcd_watch");
    TCase *tc = tcase_create("watch");
    tcase_add_checked_fixture(tc, etcd_setup, etcd_teardown);
    tcase_add_test(tc, a_deletion_is_hinted);
    tcase_add_test(tc, a_long_line_is_no_work);
    tcase_add_test(tc, silence_ends_a_watch);
    tcase_add_loop_test(tc, a_watch_is_begun_again, 0, 7);
    tcase_add_test(tc, a_refused_watch_waits);
    suite_add_tcase(s, tc);

    tc = tcase_create("login");
    tcase_add_checked_fixture(tc, etcd_setup_with_user, etcd_teardown);
    tcase_add_test(tc, a_watch_waits_for_the_login);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(etcd_watch_suite());
}
