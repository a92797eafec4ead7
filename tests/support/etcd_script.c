#include "etcd_script.h"

#include <stdio.h>
#include <string.h>

#define STEPS_MAX 64u
#define ATTEMPT INFRA_MS(500)

struct infra_lease *etcd;
infra_time etcd_now;

const char etcd_grant[] = "{\"TTL\":\"5\"}";
const char etcd_take[] =
    "{\"compare\":[{\"key\":\"" K "\",\"target\":\"CREATE\","
    "\"result\":\"EQUAL\",\"create_revision\":\"0\"}],"
    "\"success\":[{\"request_range\":{\"key\":\"" D "\"}},"
    "{\"request_put\":{\"key\":\"" K "\",\"value\":\"" V
    "\",\"lease\":\"77\"}},"
    "{\"request_put\":{\"key\":\"" D "\",\"value\":\"" V "\"}},"
    "{\"request_delete_range\":{\"key\":\"" W "\"}}],"
    "\"failure\":[{\"request_range\":{\"key\":\"" K "\"}}]}";
const char etcd_keepalive[] = "{\"ID\":\"77\"}";
const char etcd_verify[] =
    "{\"compare\":[{\"key\":\"" K "\",\"target\":\"CREATE\","
    "\"result\":\"EQUAL\",\"create_revision\":\"9\"},"
    "{\"key\":\"" K "\",\"target\":\"LEASE\",\"result\":\"EQUAL\","
    "\"lease\":\"77\"}],"
    "\"success\":[{\"request_delete_range\":{\"key\":\"" NONE
    "\"}},{\"request_range\":{\"key\":\"" W "\"}}],"
    "\"failure\":[{\"request_range\":{\"key\":\"" K "\"}}]}";
const char etcd_look[] = "{\"success\":[{\"request_range\":{\"key\":\"" K
                         "\"}},{\"request_range\":{\"key\":\"" W "\"}}]}";
const char etcd_give[] =
    "{\"compare\":[{\"key\":\"" K "\",\"target\":\"CREATE\","
    "\"result\":\"EQUAL\",\"create_revision\":\"9\"},"
    "{\"key\":\"" K "\",\"target\":\"VALUE\",\"result\":\"EQUAL\","
    "\"value\":\"" V "\"}],"
    "\"success\":[{\"request_delete_range\":{\"key\":\"" K "\"}},"
    "{\"request_delete_range\":{\"key\":\"" D "\"}}]}";
const char etcd_revoke[] = "{\"ID\":\"77\"}";
const char etcd_handover[] =
    "{\"compare\":[{\"key\":\"" W "\",\"target\":\"VALUE\","
    "\"result\":\"GREATER\",\"value\":\"" HANDOVER_7 "\"}],"
    "\"failure\":[{\"request_put\":{\"key\":\"" W "\",\"value\":\"" HANDOVER_7
    "\",\"lease\":\"77\"}}]}";
const char etcd_watch[] =
    "{\"create_request\":{\"key\":\"" K "\",\"filters\":[\"NOPUT\"]}}";

struct test_heap etcd_heap;

static struct test_step steps[STEPS_MAX];
static char texts[65536];
static size_t texts_size;
static struct test_transport transport;
static uint64_t calls_count;

struct infra_lease_etcd_options etcd_options(void)
{
    return (struct infra_lease_etcd_options) {
        .size = sizeof(struct infra_lease_etcd_options),
        .allocator = &etcd_heap.allocator,
        .group = "lb",
        .node = "a",
        .incarnation = 17,
        .ttl = INFRA_MS(4100),
        .endpoints_count = 2,
    };
}

void etcd_create(const struct infra_lease_etcd_options *o)
{
    infra_lease_destroy(etcd);
    etcd = NULL;
    ck_assert_int_eq(infra_lease_etcd(&etcd, o), INFRA_OK);
    etcd_begin_script(TEST_SPLIT_NONE);
}

static void setup_as(const char *user, const char *password)
{
    test_heap_init(&etcd_heap, -1);
    struct infra_lease_etcd_options o = etcd_options();
    etcd_now = INFRA_SEC(100);
    etcd = NULL;
    o.user = user;
    o.password = password;
    etcd_create(&o);
}

void etcd_setup(void)
{
    setup_as(NULL, NULL);
}

void etcd_setup_with_user(void)
{
    setup_as("me", "p\"\\\n");
}

void etcd_teardown(void)
{
    infra_lease_destroy(etcd);
    etcd = NULL;
    ck_assert_int_eq(etcd_heap.live, 0);
}

void etcd_begin_script(enum test_split split)
{
    texts_size = 0;
    transport = (struct test_transport) {
        .steps = steps, .split = split, .split_number = 5, .now = etcd_now
    };
}

void etcd_step(struct test_step step)
{
    ck_assert_uint_lt(transport.steps_count, STEPS_MAX);
    steps[transport.steps_count++] = step;
}

/* What was written to the end of the texts is said or expected. */
static void text_step(enum test_step_kind kind, int size)
{
    ck_assert(size > 0 && (size_t)size < sizeof texts - texts_size);
    etcd_step((struct test_step) {
        .kind = kind, .bytes = texts + texts_size, .size = (size_t)size });
    texts_size += (size_t)size;
}

void etcd_expect_as(const char *login, const char *path, const char *body)
{
    text_step(TEST_STEP_EXPECT,
              snprintf(texts + texts_size, sizeof texts - texts_size,
                       "POST /v3/%s HTTP/1.1\r\n"
                       "Host: localhost\r\n"
                       "Content-Type: application/json\r\n"
                       "%s%s%s"
                       "Content-Length: %zu\r\n\r\n%s",
                       path, login != NULL ? "Authorization: " : "",
                       login != NULL ? login : "", login != NULL ? "\r\n" : "",
                       strlen(body), body));
}

void etcd_expect(const char *path, const char *body)
{
    etcd_expect_as(NULL, path, body);
}

void etcd_reply(unsigned status, const char *body)
{
    text_step(TEST_STEP_SEND,
              snprintf(texts + texts_size, sizeof texts - texts_size,
                       "HTTP/1.1 %u Because\r\n"
                       "Content-Type: application/json\r\n"
                       "Grpc-Metadata-Content-Type: application/grpc\r\n"
                       "Content-Length: %zu\r\n\r\n%s",
                       status, strlen(body), body));
}

void etcd_reply_chunked(unsigned status, const char *body)
{
    text_step(TEST_STEP_SEND,
              snprintf(texts + texts_size, sizeof texts - texts_size,
                       "HTTP/1.1 %u Because\r\n"
                       "Trailer: Grpc-Trailer-Content-Type\r\n"
                       "Transfer-Encoding: chunked\r\n\r\n"
                       "%zx\r\n%s\r\n0\r\n"
                       "Grpc-Trailer-Content-Type: application/grpc\r\n\r\n",
                       status, strlen(body), body));
}

/* To its end, on the conversation of this index. */
static void run_script(uint32_t index)
{
    struct infra_exchange x;

    ck_assert_int_eq(infra_lease_exchange(etcd, index, &x), INFRA_OK);
    transport.now = etcd_now;
    test_transport_run(&transport, x);
    ck_assert_uint_eq(transport.step, transport.steps_count);
    etcd_now = transport.now;
}

struct infra_lease_reply etcd_call(uint32_t op, uint64_t token)
{
    const struct infra_lease_call call = {
        .id = ++calls_count,
        .token = token,
        .deadline = etcd_now + ATTEMPT,
        .op = op,
        .handover_request = 7,
    };
    struct infra_lease_reply reply;

    ck_assert_int_eq(infra_lease_begin(etcd, &call, etcd_now), INFRA_OK);
    run_script(0);
    ck_assert_int_eq(infra_lease_next(etcd, etcd_now, &reply), INFRA_OK);
    ck_assert_uint_eq(reply.call, call.id);
    ck_assert_uint_eq(reply.reason == INFRA_LEASE_REASON_NONE,
                      reply.answer.outcome != INFRA_LEASE_OUTCOME_UNKNOWN);
    return reply;
}

struct infra_lease_record etcd_record(uint64_t token, const char *text)
{
    struct infra_lease_record r;
    infra_time deadline = etcd_now + ATTEMPT;
    int err = text == NULL
                  ? infra_lease_read_record(etcd, token, deadline, etcd_now)
                  : infra_lease_write_record(etcd, token, text, strlen(text),
                                             deadline, etcd_now);

    ck_assert_int_eq(err, INFRA_OK);
    run_script(2);
    ck_assert_int_eq(infra_lease_take_record(etcd, etcd_now, &r), INFRA_OK);
    ck_assert_uint_eq(r.reason == INFRA_LEASE_REASON_NONE,
                      r.outcome != INFRA_LEASE_OUTCOME_UNKNOWN);
    return r;
}
