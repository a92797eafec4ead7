/* SPDX-License-Identifier: MIT */
/* Checks over TLS with tls_openssl.c of examples/ against a server of
 * OpenSSL. */
#include "../../examples/common/tls_openssl.h"
#include "loopback.h"
#include "support.h"
#include "tls_server.h"

#include "base/internal.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OK_REPLY "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static struct tls_identity authority;
static struct tls_identity good;
static struct tls_openssl *tls;
static struct infra_tls functions;
static struct infra_driver *driver;
static struct infra_prober *prober;
static struct test_endpoint endpoint;
static struct tls_server server;
static infra_time now; /* Virtual. */
static int fds_before;

static void trust(const struct tls_identity *who)
{
    char path[] = "/tmp/infra-test-ca-XXXXXX";
    int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    tls_identity_save(who, path);
    tls_openssl_destroy(tls);
    tls = tls_openssl_create(path);
    ck_assert_ptr_nonnull(tls);
    functions = tls_openssl_functions(tls);
    (void)unlink(path);
    (void)close(fd);
}

static void setup(void)
{
    fds_before = test_open_fds();
    now = INFRA_SEC(100);
    authority = tls_identity_make(NULL, NULL, 30);
    good = tls_identity_make("DNS:app.example,IP:127.0.0.1", &authority, 30);
    trust(&authority);
    ck_assert_int_eq(infra_driver_create(&driver, NULL), INFRA_OK);
    const struct infra_prober_options o = { .size = sizeof o,
                                            .tls = &functions };
    ck_assert_int_eq(infra_prober_create(&prober, driver, &o), INFRA_OK);
    server =
        (struct tls_server) { .identity = &good,
                              .reply = OK_REPLY,
                              .reply_size = strlen(OK_REPLY),
                              .version = TLS1_3_VERSION,
                              .listener = test_listen(AF_INET, 8, &endpoint) };
}

static void teardown(void)
{
    infra_prober_destroy(prober);
    infra_driver_destroy(driver);
    tls_openssl_destroy(tls);
    tls = NULL;
    tls_identity_free(&good);
    tls_identity_free(&authority);
    (void)close(server.listener);
    ck_assert_int_eq(test_open_fds(), fds_before);
}

static struct infra_probe *http_probe(const char *body)
{
    const struct infra_probe_http_options o = {
        .size = sizeof o, .body_contains = body, .body_max = 1 << 20, .tls = 1
    };
    struct infra_probe *probe;

    ck_assert_int_eq(infra_probe_http(&probe, &o), INFRA_OK);
    return probe;
}

static struct infra_probe *tcp_probe(void)
{
    const struct infra_probe_tcp_options o = { .size = sizeof o, .tls = 1 };
    struct infra_probe *probe;

    ck_assert_int_eq(infra_probe_tcp(&probe, &o), INFRA_OK);
    return probe;
}

static bool is_over(struct infra_probe_result *ret)
{
    struct infra_health_status stats = { .size = sizeof stats };

    ck_assert_int_eq(infra_prober_inspect(prober, 0, &stats, ret), INFRA_OK);
    return stats.checks > 0;
}

/* Begin to check the endpoint, and go to where the check starts. */
static void start_check(struct infra_probe *probe, const char *name)
{
    const struct infra_prober_target target = {
        .size = sizeof target,
        .key = "a",
        .address = (const struct sockaddr *)&endpoint.storage,
        .address_size = endpoint.size,
        .probe = probe,
        .tls_name = name
    };

    ck_assert_int_eq(infra_prober_set(prober, &target, now), INFRA_OK);
    now = infra_driver_deadline(driver);
    ck_assert_int_eq(infra_driver_step(driver, now), INFRA_OK);
}

/* The reason of a check that the server of this test takes part in. */
static uint32_t check(struct infra_probe *probe, const char *name)
{
    struct infra_probe_result result;

    tls_server_start(&server);
    start_check(probe, name);
    while (!is_over(&result)) {
        if (infra_driver_deadline(driver) > now) {
            ck_assert(test_wait(infra_driver_fd(driver), POLLIN));
        }
        ck_assert_int_eq(infra_driver_step(driver, now), INFRA_OK);
    }
    tls_server_join(&server);
    return result.reason;
}

/* HTTPS and a mere handshake pass, with either version of TLS, by the name of
 * the host or its address; only names are asked for (RFC 6066, section 3). */
START_TEST(a_good_server_passes)
{
    static const struct {
        int version;
        bool is_http;
        const char *name;
    } rows[] = {
        { TLS1_3_VERSION, true, "app.example" },
        { TLS1_2_VERSION, true, "app.example" },
        { TLS1_3_VERSION, false, "app.example" },
        { TLS1_2_VERSION, false, "app.example" },
        { TLS1_3_VERSION, true, "127.0.0.1" },
    };

    server.version = rows[_i].version;
    ERR_raise(ERR_LIB_USER, ERR_R_INTERNAL_ERROR); /* The host's own trouble. */
    ck_assert_uint_eq(
        check(rows[_i].is_http ? http_probe("ok") : tcp_probe(), rows[_i].name),
        INFRA_PROBE_REASON_PASSED);
    ck_assert(server.shook_hands);
    ck_assert(server.heard_notify == !rows[_i].is_http);
    ck_assert_str_eq(server.asked_name, _i == 4 ? "" : rows[_i].name);
}
END_TEST

/* The server's keys change on the way. */
START_TEST(keys_may_change)
{
    server.rekeys = true;
    ck_assert_uint_eq(check(http_probe("ok"), "app.example"),
                      INFRA_PROBE_REASON_PASSED);
}
END_TEST

/* A reply of many records is read to its end. */
START_TEST(a_long_reply_is_read_whole)
{
    static char reply[300000];
    static const char head[] = "HTTP/1.1 200 OK\r\n\r\n";

    memset(reply, '.', sizeof reply);
    memcpy(reply, head, sizeof head - 1);
    memcpy(reply + sizeof reply - 4, "last", 4);
    server.reply = reply;
    server.reply_size = sizeof reply;
    ck_assert_uint_eq(check(http_probe("last"), "app.example"),
                      INFRA_PROBE_REASON_PASSED);
}
END_TEST

/* A server with a wrong certificate fails, with the reason. */
START_TEST(a_bad_certificate_fails)
{
    struct tls_identity stranger = tls_identity_make(NULL, NULL, 30);
    struct tls_identity expired =
        tls_identity_make("DNS:app.example", &authority, -1);
    struct tls_identity self = tls_identity_make("DNS:app.example", NULL, 30);
    struct tls_identity forged =
        tls_identity_make("DNS:app.example", &stranger, 30);
    const struct {
        const struct tls_identity *identity;
        const char *name;
    } rows[] = {
        { &expired, "app.example" }, { &self, "app.example" },
        { &forged, "app.example" },  { &good, "other.example" },
        { &good, "127.0.0.2" },      { &good, NULL },
    };

    server.identity = rows[_i].identity;
    ck_assert_uint_eq(check(http_probe(NULL), rows[_i].name),
                      INFRA_PROBE_REASON_TLS);
    tls_identity_free(&forged);
    tls_identity_free(&self);
    tls_identity_free(&expired);
    tls_identity_free(&stranger);
}
END_TEST

/* A body that ends with the connection is whole with close_notify, and cut off
 * without it, by whomever (RFC 9112, section 9.8). */
START_TEST(a_body_may_be_cut_off)
{
    server.reply = "HTTP/1.1 200 OK\r\n\r\nhalf of it";
    server.reply_size = strlen(server.reply);
    server.is_rude = _i == 1;
    ck_assert_uint_eq(check(http_probe("the rest"), "app.example"),
                      _i == 1 ? INFRA_PROBE_REASON_CLOSED_EARLY
                              : INFRA_PROBE_REASON_BODY);
}
END_TEST

/* A server that speaks HTTP in the clear, or leaves, fails in the handshake. */
START_TEST(a_plain_server_fails)
{
    static const char *const replies[] = { "HTTP/1.1 400 Bad Request\r\n\r\n",
                                           "" };
    struct infra_probe_result result;

    start_check(http_probe(NULL), "app.example");
    ck_assert(test_wait(infra_driver_fd(driver), POLLIN));
    ck_assert_int_eq(infra_driver_step(driver, now), INFRA_OK);
    int peer = test_accept(server.listener);
    char hello[2048];
    ck_assert_int_gt(recv(peer, hello, sizeof hello, 0), 0);
    (void)send(peer, replies[_i], strlen(replies[_i]), 0);
    (void)close(peer);
    while (!is_over(&result)) {
        ck_assert(test_wait(infra_driver_fd(driver), POLLIN));
        ck_assert_int_eq(infra_driver_step(driver, now), INFRA_OK);
    }
    ck_assert_uint_eq(result.reason, INFRA_PROBE_REASON_TLS);
    ck_assert_uint_eq(result.outcome, INFRA_OUTCOME_ERROR);
}
END_TEST

/* A server that accepts and is silent is told from one that does not accept. */
START_TEST(a_silent_server_times_out)
{
    struct infra_probe_result result;

    start_check(http_probe(NULL), "app.example");
    ck_assert(test_wait(infra_driver_fd(driver), POLLIN));
    ck_assert_int_eq(infra_driver_step(driver, now), INFRA_OK);
    /* The schedule wants to be seen on the way, the check at its end. */
    ck_assert_uint_eq(infra_driver_deadline(driver), now + INFRA_HEALTH_LATE);
    ck_assert_int_eq(infra_driver_step(driver, now + INFRA_SEC(1) - 1),
                     INFRA_OK);
    ck_assert(!is_over(&result));
    ck_assert_int_eq(infra_driver_step(driver, now + INFRA_SEC(1)), INFRA_OK);
    ck_assert(is_over(&result));
    ck_assert_uint_eq(result.reason, INFRA_PROBE_REASON_TLS_TIMEOUT);
    ck_assert_uint_eq(result.outcome, INFRA_OUTCOME_TIMEOUT);
}
END_TEST

/* A file that is not there, or holds no certificate, is not trusted, and none
 * is shown out of it. */
START_TEST(authorities_must_exist)
{
    ck_assert_ptr_null(tls_openssl_create("/nonexistent/ca.pem"));
    ck_assert_ptr_null(tls_openssl_create("/dev/null"));
    tls_openssl_destroy(NULL);
    struct tls_openssl *of_system = tls_openssl_create(NULL);
    ck_assert_ptr_nonnull(of_system);
    ck_assert_int_eq(
        tls_openssl_identify(of_system, "/nonexistent/a.pem", "/dev/null"), -1);
    ck_assert_int_eq(tls_openssl_identify(of_system, "/dev/null", "/dev/null"),
                     -1);
    tls_openssl_destroy(of_system);
}
END_TEST

/* Does a handshake with a server of this certificate succeed? */
static int shake(const struct infra_tls *t, const struct tls_identity *identity)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int result;

    server.identity = identity;
    tls_server_start(&server);
    ck_assert_int_eq(
        connect(fd, (const struct sockaddr *)&endpoint.storage, endpoint.size),
        0);
    void *session = t->open(t->user, fd, "app.example");
    ck_assert_ptr_nonnull(session);
    do {
        result = t->handshake(session);
        if (result == INFRA_TLS_WANT_READ) {
            ck_assert(test_wait(fd, POLLIN));
        }
    } while (result == INFRA_TLS_WANT_READ || result == INFRA_TLS_WANT_WRITE);
    t->close(session, 0);
    (void)close(fd);
    tls_server_join(&server);
    return result == 0;
}

static void save(const struct tls_identity *who, const char *path)
{
    char new[64];
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    (void)close(fd);
    (void)snprintf(new, sizeof new, "%s.new", path);
    fd = open(new, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    (void)close(fd);
    tls_identity_save(who, new);
    ck_assert_int_eq(rename(new, path), 0);
}

/* A file that is replaced counts from the next connection on; one that makes no
 * sense, or is missing, changes nothing. */
START_TEST(files_are_read_again)
{
    char path[] = "/tmp/infra-test-ca-XXXXXX";
    struct tls_identity next = tls_identity_make(NULL, NULL, 30);
    struct tls_identity new = tls_identity_make("DNS:app.example", &next, 30);
    struct infra_tls t;

    (void)close(mkstemp(path));
    save(&authority, path);
    struct tls_openssl *one = tls_openssl_create(path);
    ck_assert_ptr_nonnull(one);
    t = tls_openssl_functions(one);
    ck_assert_int_eq(shake(&t, &good), 1);
    ck_assert_int_eq(shake(&t, &new), 0);

    int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    ck_assert_int_eq(write(fd, "half", 4), 4);
    (void)close(fd);
    ck_assert_int_eq(shake(&t, &good), 1);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(shake(&t, &good), 1);

    save(&next, path);
    ck_assert_int_eq(shake(&t, &good), 0);
    ck_assert_int_eq(shake(&t, &new), 1);
    (void)unlink(path);
    tls_openssl_destroy(one);
    tls_identity_free(&new);
    tls_identity_free(&next);
}
END_TEST

static Suite *tls_suite(void)
{
    Suite *s = suite_create("tls");
    TCase *tc = tcase_create("openssl");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, a_good_server_passes, 0, 5);
    tcase_add_test(tc, keys_may_change);
    tcase_add_test(tc, a_long_reply_is_read_whole);
    tcase_add_loop_test(tc, a_bad_certificate_fails, 0, 6);
    tcase_add_loop_test(tc, a_body_may_be_cut_off, 0, 2);
    tcase_add_loop_test(tc, a_plain_server_fails, 0, 2);
    tcase_add_test(tc, a_silent_server_times_out);
    tcase_add_test(tc, authorities_must_exist);
    tcase_add_test(tc, files_are_read_again);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(tls_suite());
}
