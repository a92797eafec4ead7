/* Exchanges over real sockets: bytes in both directions, and time. */
#include "support.h"
#include "talk.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

/* Bytes that the peer has still to read are not cut off by a reset. */
START_TEST(last_words_arrive)
{
    struct test_endpoint endpoint;
    struct talk t;
    char bytes[8];

    int listener = test_listen(AF_INET, 8, &endpoint);
    talk_init(&t, &endpoint);
    t.say = "bye";
    t.say_size = 3;
    infra__job_start(&t.job, 0);
    talk_settle(&t);
    int peer = test_accept(listener);
    ck_assert_int_eq(test_read_all(peer, bytes, sizeof bytes), 0);
    ck_assert_str_eq(bytes, "bye");
    infra__job_detach(&t.job);
    (void)close(peer);
    (void)close(listener);
}
END_TEST

/* An exchange that wants CLOSE gets an orderly end, also where a reset would
 * cost less. */
START_TEST(close_is_orderly)
{
    struct test_endpoint endpoint;
    struct talk t;
    char bytes[8];

    int listener = test_listen(AF_INET, 8, &endpoint);
    talk_init(&t, &endpoint);
    t.say = "hello";
    t.say_size = 5;
    t.enough = 1;
    t.idles = true;
    t.stays = true;
    infra__job_start(&t.job, 0);
    talk_settle_until(&t, INFRA_NOTE_CONNECTED);
    int peer = test_accept(listener);
    ck_assert_int_eq(send(peer, "a", 1, 0), 1);
    while (t.heard_size == 0) {
        ck_assert(test_wait(infra_driver_fd(talk_driver), POLLIN));
        talk_step(INFRA_SEC(1));
    }
    t.want = INFRA_WANT_CLOSE;
    talk_step(INFRA_SEC(10)); /* Its deadline wakes it. */
    ck_assert_uint_eq(t.notes[INFRA_NOTE_CLOSED], 1);
    ck_assert_int_eq(test_read_all(peer, bytes, sizeof bytes), 0);
    ck_assert_str_eq(bytes, "hello");
    infra__job_cancel(&t.job);
    infra__job_detach(&t.job);
    (void)close(peer);
    (void)close(listener);
}
END_TEST

/* A reply in pieces is handed over as it comes, and no epoll event is lost. */
START_TEST(a_reply_comes_in_pieces)
{
    struct test_endpoint endpoint;
    struct talk t;

    int listener = test_listen(AF_INET, 8, &endpoint);
    talk_init(&t, &endpoint);
    t.say = "hello";
    t.say_size = 5;
    t.enough = 6;
    infra__job_start(&t.job, 0);
    talk_settle_until(&t, INFRA_NOTE_CONNECTED);
    int peer = test_accept(listener);
    for (size_t i = 0; i < 6; i++) {
        ck_assert_uint_eq(t.heard_size, i);
        ck_assert_uint_eq(t.done, 0);
        ck_assert_int_eq(send(peer, &"answer"[i], 1, 0), 1);
        ck_assert(test_wait(infra_driver_fd(talk_driver), POLLIN));
        talk_step(INFRA_SEC(1));
    }
    ck_assert_uint_eq(t.done, 1);
    ck_assert_mem_eq(t.heard, "answer", 6);
    /* It answered, so it has read all: no TIME_WAIT is owed to it. */
    char bytes[8];
    ck_assert_int_eq(test_read_all(peer, bytes, sizeof bytes), ECONNRESET);
    ck_assert_str_eq(bytes, "hello");
    infra__job_detach(&t.job);
    (void)close(peer);
    (void)close(listener);
}
END_TEST

/* What does not fit into the socket is sent when there is room again, and what
 * does not fit into a turn is read in the next. */
START_TEST(much_goes_both_ways)
{
    enum { SIZE = 16 << 20 }; /* More than sockets may hold by default. */
    struct test_endpoint endpoint;
    struct talk t;
    char *bytes = calloc(1, SIZE);
    size_t got = 0;
    size_t given = 0;

    int listener = test_listen(AF_INET, 8, &endpoint);
    talk_init(&t, &endpoint);
    t.say = bytes;
    t.say_size = SIZE;
    t.enough = SIZE;
    infra__job_start(&t.job, 0);
    talk_settle_until(&t, INFRA_NOTE_CONNECTED);
    int peer = test_accept(listener);
    ck_assert_uint_gt(t.say_size, 0);
    char *sink = malloc(SIZE);
    while (t.done == 0) {
        short events = given < SIZE ? POLLIN | POLLOUT : POLLIN;
        struct pollfd p[] = { { .fd = infra_driver_fd(talk_driver),
                                .events = POLLIN },
                              { .fd = peer, .events = events } };
        ck_assert_int_gt(poll(p, 2, 10000), 0);
        if ((p[1].revents & POLLIN) != 0) {
            ssize_t n = recv(peer, sink, SIZE, MSG_DONTWAIT);
            ck_assert_int_gt(n, 0);
            got += (size_t)n;
        }
        if ((p[1].revents & POLLOUT) != 0) {
            ssize_t n = send(peer, bytes, SIZE - given, MSG_DONTWAIT);
            given += n > 0 ? (size_t)n : 0;
        }
        size_t before = t.heard_size;
        talk_step(INFRA_SEC(1));
        ck_assert_uint_le(t.heard_size - before, 4 * INFRA__DRIVER_READ_SIZE);
    }
    ck_assert_uint_eq(got, SIZE);
    ck_assert_uint_eq(t.heard_size, SIZE);
    free(sink);
    free(bytes);
    infra__job_detach(&t.job);
    (void)close(peer);
    (void)close(listener);
}
END_TEST

/* Who sends much to a peer that says nothing is woken by room alone, and when
 * all is sent by nothing more. */
START_TEST(much_goes_one_way)
{
    enum { SIZE = 4 << 20 };
    struct test_endpoint endpoint;
    struct talk t;
    char *bytes = calloc(1, SIZE);
    char *sink = malloc(SIZE);
    size_t got = 0;

    int listener = test_listen(AF_UNIX, 8, &endpoint);
    talk_init(&t, &endpoint);
    t.say = bytes;
    t.say_size = SIZE;
    t.enough = 1;
    infra__job_start(&t.job, 0);
    int peer = test_accept(listener);
    struct pollfd p = { .fd = infra_driver_fd(talk_driver), .events = POLLIN };
    while (got < SIZE) {
        ck_assert_int_eq(poll(&p, 1, 0), 0); /* There is no room. */
        ssize_t n = 0;
        while (n >= 0) {
            got += (size_t)n;
            n = recv(peer, sink, SIZE, MSG_DONTWAIT);
        }
        ck_assert_int_eq(poll(&p, 1, 0), got < SIZE);
        talk_step(INFRA_SEC(1));
    }
    ck_assert_uint_eq(t.say_size, 0);
    ck_assert_int_eq(poll(&p, 1, 0), 0);
    free(sink);
    free(bytes);
    infra__job_detach(&t.job);
    (void)close(peer);
    (void)close(listener);
}
END_TEST

/* A reset is a failure, the end of the stream is not. */
START_TEST(a_peer_leaves)
{
    struct test_endpoint endpoint;
    struct talk t;

    int listener = test_listen(AF_INET, 8, &endpoint);
    talk_init(&t, &endpoint);
    t.enough = SIZE_MAX;
    infra__job_start(&t.job, 0);
    talk_settle_until(&t, INFRA_NOTE_CONNECTED);
    int peer = test_accept(listener);
    if (_i == 0) {
        test_reset(peer);
    } else {
        ck_assert_int_eq(send(peer, "so", 2, 0), 2);
        (void)close(peer);
    }
    talk_settle(&t);
    ck_assert_uint_eq(t.notes[INFRA_NOTE_FAILED], _i == 0);
    ck_assert_uint_eq(t.notes[INFRA_NOTE_EOF], _i == 1);
    ck_assert_uint_eq(t.outcome, _i == 0 ? INFRA_OUTCOME_RESET : 0u);
    ck_assert_uint_eq(t.heard_size, _i == 0 ? 0u : 2u);
    infra__job_detach(&t.job);
    (void)close(listener);
}
END_TEST

/* An idle connection is watched: it may speak, and its end is noted. */
START_TEST(an_idle_connection_is_kept)
{
    struct test_endpoint endpoint;
    struct talk t;

    int listener = test_listen(AF_INET, 8, &endpoint);
    talk_init(&t, &endpoint);
    t.idles = true;
    t.deadline = INFRA_TIME_NEVER;
    infra__job_start(&t.job, 0);
    talk_settle_until(&t, INFRA_NOTE_CONNECTED);
    ck_assert_uint_eq(infra_driver_deadline(talk_driver), INFRA_TIME_NEVER);
    int peer = test_accept(listener);
    ck_assert_int_eq(send(peer, "psst", 4, 0), 4);
    ck_assert(test_wait(infra_driver_fd(talk_driver), POLLIN));
    talk_step(INFRA_SEC(1000));
    ck_assert_uint_eq(t.heard_size, 4);
    ck_assert_uint_eq(t.done, 0);
    (void)close(peer);
    talk_settle(&t);
    ck_assert_uint_eq(t.notes[INFRA_NOTE_EOF], 1);
    infra__job_detach(&t.job);
    (void)close(listener);
}
END_TEST

/* An exchange may go on talking after the peer's end; a connection that then
 * breaks is reported once and does not keep the descriptor readable. */
START_TEST(half_a_connection_can_break)
{
    struct test_endpoint endpoint;
    struct talk t;

    int listener = test_listen(AF_UNIX, 8, &endpoint);
    talk_init(&t, &endpoint);
    t.enough = SIZE_MAX;
    infra__job_start(&t.job, 0);
    int peer = test_accept(listener);
    t.stays = true;
    (void)shutdown(peer, SHUT_WR);
    talk_settle_until(&t, INFRA_NOTE_EOF);
    struct pollfd p = { .fd = infra_driver_fd(talk_driver), .events = POLLIN };
    ck_assert_int_eq(poll(&p, 1, 0), 0);
    ck_assert_uint_eq(t.done, 0);
    (void)close(peer);
    talk_settle(&t);
    ck_assert_uint_eq(t.notes[INFRA_NOTE_EOF], 1);
    ck_assert_uint_eq(t.notes[INFRA_NOTE_FAILED], 1);
    ck_assert_uint_eq(t.outcome, INFRA_OUTCOME_RESET);
    infra__job_detach(&t.job);
    (void)close(listener);
}
END_TEST

/* A server that accepts and says nothing is noticed at the deadline, and left
 * with a reset. */
START_TEST(silence_ends_at_the_deadline)
{
    struct test_endpoint endpoint;
    struct talk t;
    char bytes[8];

    int listener = test_listen(AF_INET, 8, &endpoint);
    talk_init(&t, &endpoint);
    t.say = "hello";
    t.say_size = 5;
    t.enough = 1;
    infra__job_start(&t.job, 0);
    talk_settle_until(&t, INFRA_NOTE_CONNECTED);
    talk_step(INFRA_SEC(10));
    ck_assert_uint_eq(t.done, 1);
    ck_assert_uint_eq(t.notes[INFRA_NOTE_DEADLINE], 1);
    int peer = test_accept(listener);
    ck_assert_int_eq(test_read_all(peer, bytes, sizeof bytes), ECONNRESET);
    infra__job_detach(&t.job);
    (void)close(peer);
    (void)close(listener);
}
END_TEST

/* An exchange that dials without end gets its share of each turn, no more. */
START_TEST(a_turn_is_bounded)
{
    struct test_endpoint path = { .size = sizeof(struct sockaddr_un) };
    struct talk t;

    struct sockaddr_un *un = (struct sockaddr_un *)&path.storage;
    un->sun_family = AF_UNIX;
    strcpy(un->sun_path, "/nonexistent/socket");
    talk_init(&t, &path);
    t.addresses[1] = t.addresses[0];
    t.job.addresses_count = 2;
    t.redials = true;
    infra__job_start(&t.job, INFRA_SEC(1));
    uint32_t tries = t.notes[INFRA_NOTE_FAILED];
    ck_assert_uint_gt(tries, 0);
    ck_assert_uint_eq(infra_driver_deadline(talk_driver), INFRA_SEC(1));
    talk_step(INFRA_SEC(1));
    ck_assert_uint_eq(t.notes[INFRA_NOTE_FAILED], 2 * tries);
    ck_assert_uint_eq(t.notes[INFRA_NOTE_DEADLINE], 0);
    infra__job_detach(&t.job);
    ck_assert_uint_eq(infra_driver_deadline(talk_driver), INFRA_TIME_NEVER);
}
END_TEST

/* After a pause: more answers wait than one batch of events tells of, and every
 * deadline has passed. All answers count. */
START_TEST(waiting_answers_are_taken_after_a_pause)
{
    enum { COUNT = 300 };
    static struct talk talks[COUNT];
    static int peers[COUNT];
    struct test_endpoint endpoint;

    int listener = test_listen(AF_UNIX, COUNT, &endpoint);
    for (size_t i = 0; i < COUNT; i++) {
        talk_init(&talks[i], &endpoint);
        talks[i].enough = SIZE_MAX;
        infra__job_start(&talks[i].job, 0);
        peers[i] = test_accept(listener);
        ck_assert_int_eq(send(peers[i], "late", 4, 0), 4);
        (void)close(peers[i]);
    }
    talk_step(INFRA_SEC(60));
    for (size_t i = 0; i < COUNT; i++) {
        ck_assert_uint_eq(talks[i].done, 1);
        ck_assert_uint_eq(talks[i].heard_size, 4);
        ck_assert_uint_eq(talks[i].notes[INFRA_NOTE_EOF], 1);
        ck_assert_uint_eq(talks[i].notes[INFRA_NOTE_DEADLINE], 0);
        infra__job_detach(&talks[i].job);
    }
    (void)close(listener);
}
END_TEST

/* A connection that came to stand during the pause is one. */
START_TEST(a_waiting_connection_is_taken_after_a_pause)
{
    struct test_endpoint endpoint;
    struct talk t;

    int listener = test_listen(AF_INET, 8, &endpoint);
    talk_init(&t, &endpoint);
    infra__job_start(&t.job, 0);
    ck_assert(test_wait(infra_driver_fd(talk_driver), POLLIN));
    infra__job_expire(&t.job, INFRA_SEC(60));
    ck_assert_uint_eq(t.done, 1);
    ck_assert_uint_eq(t.notes[INFRA_NOTE_CONNECTED], 1);
    ck_assert_uint_eq(t.notes[INFRA_NOTE_DEADLINE], 0);
    infra__job_detach(&t.job);
    (void)close(listener);
}
END_TEST

/* A long answer that waits is taken whole before it is called late. */
START_TEST(a_long_answer_is_taken_whole_after_a_pause)
{
    struct test_endpoint endpoint;
    struct talk t;
    static const char bytes[INFRA__DRIVER_READ_SIZE];
    size_t given = 0;
    ssize_t count = 0;

    int listener = test_listen(AF_UNIX, 8, &endpoint);
    talk_init(&t, &endpoint);
    t.enough = SIZE_MAX;
    infra__job_start(&t.job, 0);
    int peer = test_accept(listener);
    for (int i = 0; i < 64 && count >= 0; i++) {
        given += (size_t)count;
        count = send(peer, bytes, sizeof bytes, MSG_DONTWAIT);
    }
    ck_assert_uint_gt(given, 8 * sizeof bytes); /* Past what a turn takes. */
    talk_step(INFRA_SEC(10));
    ck_assert_uint_eq(t.heard_size, given);
    infra__job_detach(&t.job);
    (void)close(peer);
    (void)close(listener);
}
END_TEST

/* A peer that never stops sending does not put the deadline off. */
START_TEST(a_flood_ends_at_the_deadline)
{
    struct test_endpoint endpoint;
    struct talk t;

    int listener = test_listen(AF_UNIX, 8, &endpoint);
    talk_init(&t, &endpoint);
    t.enough = SIZE_MAX;
    infra__job_start(&t.job, 0);
    int peer = test_accept(listener);
    t.flood_fd = peer;
    ck_assert_int_eq(send(peer, "x", 1, 0), 1);
    talk_step(INFRA_SEC(10));
    ck_assert_uint_eq(t.done, 1);
    ck_assert_uint_eq(t.notes[INFRA_NOTE_DEADLINE], 1);
    infra__job_detach(&t.job);
    (void)close(peer);
    (void)close(listener);
}
END_TEST

static Suite *runner_io_suite(void)
{
    Suite *s = suite_create("runner_io");
    TCase *tc;

    tc = tcase_create("bytes");
    tcase_add_checked_fixture(tc, talk_setup, talk_teardown);
    tcase_add_test(tc, last_words_arrive);
    tcase_add_test(tc, close_is_orderly);
    tcase_add_test(tc, a_reply_comes_in_pieces);
    tcase_add_test(tc, much_goes_both_ways);
    tcase_add_test(tc, much_goes_one_way);
    tcase_add_loop_test(tc, a_peer_leaves, 0, 2);
    tcase_add_test(tc, an_idle_connection_is_kept);
    tcase_add_test(tc, half_a_connection_can_break);
    suite_add_tcase(s, tc);

    tc = tcase_create("time");
    tcase_add_checked_fixture(tc, talk_setup, talk_teardown);
    tcase_add_test(tc, silence_ends_at_the_deadline);
    tcase_add_test(tc, a_turn_is_bounded);
    tcase_add_test(tc, waiting_answers_are_taken_after_a_pause);
    tcase_add_test(tc, a_waiting_connection_is_taken_after_a_pause);
    tcase_add_test(tc, a_long_answer_is_taken_whole_after_a_pause);
    tcase_add_test(tc, a_flood_ends_at_the_deadline);
    suite_add_tcase(s, tc);
    return s;
}

int main(void)
{
    return test_main(runner_io_suite());
}
