/* SPDX-License-Identifier: MIT */
/* A link of db_router over a pair of sockets: bytes in and out, and TLS that
 * has to read before it can write and the other way round. */
#include "fake_tls.h"
#include "support.h"

#include "worker.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MANY 300000u /* More than a pair of sockets takes. */

static struct worker worker;
static struct link l;
static struct fake_tls fake;
static struct infra_tls functions;
static int peer;
static int ready;           /* Calls of worker_ready(). */
static long buffers_left;   /* Until one is refused; < 0: never. */
static long buffers_leased; /* And not given back. */
static int fds_before;

/* What worker.c and buffers.c do. */

void worker_ready(struct worker *w, struct link *link)
{
    ck_assert_ptr_eq(w, &worker);
    ck_assert_ptr_eq(link, &l);
    ready++;
}

void *buffers_lease(struct buffers *b, size_t size)
{
    (void)b;
    if (buffers_left == 0) {
        return NULL;
    }
    buffers_left--;
    buffers_leased++;
    return malloc(size);
}

void buffers_give_back(struct buffers *b, void *bytes, size_t size)
{
    (void)b;
    (void)size;
    buffers_leased--;
    free(bytes);
}

static void setup(void)
{
    int pair[2];

    fds_before = test_open_fds();
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair),
                     0);
    memset(&worker, 0, sizeof worker);
    memset(&fake, 0, sizeof fake);
    functions = fake_tls_functions(&fake);
    l = (struct link) {
        .worker = &worker, .fd = pair[0], .readable = true, .writable = true
    };
    peer = pair[1];
    ready = 0;
    buffers_left = -1;
    buffers_leased = 0;
}

static void teardown(void)
{
    link_close(&l);
    if (peer >= 0) {
        (void)close(peer);
    }
    ck_assert_int_eq(buffers_leased, 0);
    ck_assert_int_eq(fake.opened, fake.closed);
    ck_assert_int_eq(test_open_fds(), fds_before);
}

/* As worker.c notes an event of the socket. */
static void event(void)
{
    l.readable = true;
    l.writable = true;
}

static void peer_sends(const char *bytes, size_t size)
{
    ck_assert_int_eq(send(peer, bytes, size, 0), (ssize_t)size);
}

/* The same behind the handshake. */
static void peer_sends_secret(const char *text)
{
    char bytes[64];
    size_t size = strlen(text);

    memcpy(bytes, text, size);
    fake_tls_code(bytes, size);
    peer_sends(bytes, size);
}

static size_t peer_reads(char *bytes, size_t size)
{
    ssize_t n = recv(peer, bytes, size, 0);

    return n > 0 ? (size_t)n : 0;
}

static void peer_got(const char *text)
{
    char bytes[64];

    ck_assert_uint_eq(peer_reads(bytes, sizeof bytes), strlen(text));
    ck_assert_mem_eq(bytes, text, strlen(text));
}

static void peer_got_secret(const char *text)
{
    char bytes[64];

    memcpy(bytes, text, strlen(text) + 1);
    fake_tls_code(bytes, strlen(text));
    char got[64];
    ck_assert_uint_eq(peer_reads(got, sizeof got), strlen(text));
    ck_assert_mem_eq(got, bytes, strlen(text));
}

static void has_read(const char *text)
{
    ck_assert_uint_eq(link_in_size(&l), strlen(text));
    ck_assert_mem_eq(link_in(&l), text, strlen(text));
    link_take(&l, strlen(text));
}

/* Nothing more goes into the socket.  The bytes are not those of TLS. */
static size_t fill_socket(void)
{
    char bytes[4096] = "";
    size_t size = 0;
    ssize_t n;

    while ((n = send(l.fd, bytes, sizeof bytes, 0)) > 0) {
        size += (size_t)n;
    }
    while (send(l.fd, bytes, 1, 0) == 1) {
        size++;
    }
    return size;
}

static void drain_socket(size_t size)
{
    char bytes[4096];

    while (size > 0) {
        size_t n = peer_reads(bytes, size < sizeof bytes ? size : sizeof bytes);
        ck_assert_uint_gt(n, 0);
        size -= n;
    }
}

static void begin_tls(void)
{
    ck_assert(link_start_tls(&l, &functions, "db.example"));
    ck_assert_str_eq(fake.name, "db.example");
}

static void shake_hands(void)
{
    begin_tls();
    ck_assert(!link_read(&l, 0));
    peer_got("H");
    peer_sends("h", 1);
    event();
    ck_assert(!link_read(&l, 0));
    ck_assert(!l.is_shaking);
}

/* A short read leaves nothing to be read. */
START_TEST(a_short_read_waits_for_the_next_edge)
{
    peer_sends("abc", 3);
    ck_assert(link_read(&l, 0));
    has_read("abc");
    ck_assert(!l.readable);
    peer_sends("d", 1);
    ck_assert(!link_read(&l, 0));
    event();
    ck_assert(link_read(&l, 0));
    has_read("d");
}
END_TEST

/* What the socket does not take waits, and comes out whole and in order. */
START_TEST(what_is_not_taken_waits)
{
    char *bytes = malloc(MANY);
    char *got = malloc(MANY);
    size_t size = 0;

    ck_assert_ptr_nonnull(bytes);
    ck_assert_ptr_nonnull(got);
    for (size_t i = 0; i < MANY; i++) {
        bytes[i] = (char)(i * 7 / 3);
    }
    if (_i == 1) {
        shake_hands();
        fake.piece = 1000;
    }
    link_send(&l, bytes, MANY / 2);
    link_send(&l, bytes + MANY / 2, MANY - MANY / 2);
    ck_assert(!l.writable);
    ck_assert_uint_gt(link_out_size(&l), 0);
    while (size < MANY) {
        size_t n = peer_reads(got + size, MANY - size);
        ck_assert_uint_gt(n, 0);
        size += n;
        event();
        (void)link_flush(&l);
    }
    if (_i == 1) {
        fake_tls_code(got, MANY);
    }
    ck_assert_mem_eq(got, bytes, MANY);
    ck_assert_uint_eq(link_out_size(&l), 0);
    free(bytes);
    free(got);
}
END_TEST

/* What is put during the handshake is sent after it. */
START_TEST(bytes_wait_for_the_handshake)
{
    begin_tls();
    link_send(&l, "hello", 5);
    ck_assert_uint_eq(link_out_size(&l), 5);
    peer_got("H");
    peer_sends("h", 1);
    event();
    ck_assert(link_flush(&l));
    peer_got_secret("hello");
    peer_sends_secret("world");
    event();
    ck_assert(link_read(&l, 0));
    has_read("world");
}
END_TEST

/* A handshake without room in the socket goes on when there is room. */
START_TEST(a_handshake_waits_for_room)
{
    size_t filled;

    begin_tls();
    filled = fill_socket();
    ck_assert(!link_read(&l, 0));
    ck_assert(!l.readable);
    ck_assert(!l.writable);
    drain_socket(filled);
    event();
    ck_assert(!link_read(&l, 0));
    peer_got("H");
    peer_sends("h", 1);
    event();
    ck_assert(!link_read(&l, 0));
    ck_assert(!l.is_shaking);
}
END_TEST

/* A read that has to write first is tried again when there is room. */
START_TEST(a_read_waits_for_room)
{
    fake.reads_by_write = true;
    shake_hands();
    peer_got("K");
    l.readable = true;
    peer_sends_secret("x");
    ck_assert(link_read(&l, 0));
    has_read("x");
}
END_TEST

/* The same while the socket is full: no turn is spent on it until then. */
START_TEST(a_read_that_cannot_write_is_not_repeated)
{
    fake.reads_by_write = true;
    begin_tls();
    ck_assert(!link_read(&l, 0));
    peer_got("H");
    peer_sends("h", 1);
    size_t filled = fill_socket();
    event();
    ck_assert(!link_read(&l, 0));
    ck_assert(!l.is_shaking);
    ck_assert(!l.readable);
    ck_assert(!l.writable);
    int reads = fake.reads;
    ck_assert(!link_read(&l, 0));
    ck_assert_int_eq(fake.reads, reads);
    drain_socket(filled);
    peer_sends_secret("y");
    event();
    ck_assert(link_read(&l, 0));
    has_read("y");
}
END_TEST

/* A write that waits for something to read goes on once a read has taken it,
 * although no edge comes any more. */
START_TEST(a_write_that_had_to_read_is_not_lost)
{
    fake.writes_by_read = true;
    shake_hands();
    ready = 0;
    link_send(&l, "out", 3);
    ck_assert_uint_eq(link_out_size(&l), 3);
    ck_assert(!l.writable);
    peer_sends("k", 1);
    peer_sends_secret("in");
    l.readable = true; /* The edge; the owner reads first. */
    ck_assert(link_read(&l, 0));
    has_read("in");
    ck_assert_int_gt(ready, 0);
    ck_assert(link_flush(&l));
    peer_got_secret("out");
}
END_TEST

/* No TLS begins over bytes that were read or not written before it. */
START_TEST(nothing_may_stand_before_tls)
{
    if (_i == 0) {
        peer_sends("x", 1);
        ck_assert(link_read(&l, 0));
    } else {
        (void)fill_socket();
        link_send(&l, "S", 1);
    }
    ck_assert(!link_start_tls(&l, &functions, NULL));
    ck_assert(l.broken);
    ck_assert_int_eq(fake.opened, 0);
}
END_TEST

/* A limited read leaves in the socket what comes behind. */
START_TEST(a_read_may_be_limited)
{
    peer_sends("0123456789", 10);
    link_limit_read(&l, 4);
    ck_assert(link_read(&l, 0));
    ck_assert(!link_read_more(&l, 0));
    has_read("0123");
    link_limit_read(&l, 0);
    ck_assert(link_read(&l, 0));
    has_read("456789");
}
END_TEST

/* The end of a stream is one, with and without close_notify; all else breaks
 * the link. */
START_TEST(ends_and_errors_are_told_apart)
{
    shake_hands();
    peer_sends(FAKE_TLS_NOTIFY, _i == 0 ? 1 : 0);
    if (_i == 1) {
        (void)shutdown(peer, SHUT_WR);
    }
    if (_i == 2) {
        fake.is_absurd = true;
        fake.absurd = INFRA_TLS_ERROR;
    }
    event();
    ck_assert(!link_read(&l, 0));
    ck_assert(l.eof);
    ck_assert_int_eq(l.broken, _i == 2);
    ck_assert(!link_read(&l, 0));
}
END_TEST

/* A peer that speaks no TLS ends the link, and is not asked again. */
START_TEST(a_failed_handshake_breaks_the_link)
{
    begin_tls();
    fake.absurd_handshake = INFRA_TLS_ERROR;
    ck_assert(!link_read(&l, 0));
    ck_assert(l.broken);
    ck_assert(l.is_shaking);
    ck_assert(!link_read(&l, 0));
    link_close(&l);
    ck_assert_int_eq(fake.quiet, 1);
}
END_TEST

/* The end of what is written is said in TLS, too; what comes behind it is read
 * away. */
START_TEST(the_end_is_said_in_tls)
{
    char bytes[8];

    shake_hands();
    link_end_writing(&l);
    peer_got(FAKE_TLS_NOTIFY);
    ck_assert_uint_eq(peer_reads(bytes, sizeof bytes), 0);
    ck_assert_int_eq(fake.quiet, 0);
    peer_sends("zz", 2);
    ck_assert(link_read(&l, 0));
}
END_TEST

static void use_all(void)
{
    char *bytes = calloc(1, MANY);

    ck_assert_ptr_nonnull(bytes);
    peer_sends("abc", 3);
    (void)link_read(&l, 0);
    (void)link_read(&l, 100000);
    link_put(&l, bytes, 10);
    link_send(&l, bytes, MANY);
    free(bytes);
}

/* Without memory the link is broken, and says so; nothing is lost. */
START_TEST(every_buffer_may_be_refused)
{
    long n = 0;

    for (;; n++) {
        buffers_left = n;
        use_all();
        if (!l.broken) {
            break;
        }
        ck_assert_int_eq(l.error, ENOMEM);
        teardown();
        setup();
        ck_assert_int_lt(n, 20);
    }
    ck_assert_int_ge(n, 3);
    teardown();
    setup();
    fake.has_no_memory = true;
    ck_assert(!link_start_tls(&l, &functions, NULL));
    ck_assert_int_eq(l.error, ENOMEM);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("router_link");
    TCase *plain = tcase_create("plain");
    TCase *tls = tcase_create("tls");

    tcase_add_checked_fixture(plain, setup, teardown);
    tcase_add_test(plain, a_short_read_waits_for_the_next_edge);
    tcase_add_loop_test(plain, what_is_not_taken_waits, 0, 2);
    tcase_add_test(plain, a_read_may_be_limited);
    tcase_add_test(plain, every_buffer_may_be_refused);
    suite_add_tcase(suite, plain);
    tcase_add_checked_fixture(tls, setup, teardown);
    tcase_add_test(tls, bytes_wait_for_the_handshake);
    tcase_add_test(tls, a_handshake_waits_for_room);
    tcase_add_test(tls, a_read_waits_for_room);
    tcase_add_test(tls, a_read_that_cannot_write_is_not_repeated);
    tcase_add_test(tls, a_write_that_had_to_read_is_not_lost);
    tcase_add_loop_test(tls, nothing_may_stand_before_tls, 0, 2);
    tcase_add_loop_test(tls, ends_and_errors_are_told_apart, 0, 3);
    tcase_add_test(tls, a_failed_handshake_breaks_the_link);
    tcase_add_test(tls, the_end_is_said_in_tls);
    suite_add_tcase(suite, tls);
    return test_main(suite);
}
