#include "talk.h"

#include "support.h"

#include <poll.h>
#include <string.h>

static uint32_t talk_want(const void *self)
{
    return ((const struct talk *)self)->want;
}

static uint32_t talk_endpoint(const void *self)
{
    return ((const struct talk *)self)->endpoint;
}

static size_t talk_output(void *self, const void **ret)
{
    struct talk *t = self;

    *ret = t->say;
    return t->say_size;
}

static void talk_check(struct talk *t)
{
    if (t->say_size == 0 && t->heard_size >= t->enough) {
        t->want = t->idles ? INFRA_WANT_IDLE : INFRA_WANT_DONE;
    }
}

static void talk_sent(void *self, size_t count, infra_time now)
{
    struct talk *t = self;

    (void)now;
    t->say += count;
    t->say_size -= count;
    talk_check(t);
}

static void talk_input(void *self, const void *bytes, size_t count,
                       infra_time now)
{
    struct talk *t = self;

    (void)now;
    if (t->heard_size < TALK_HEARD_MAX) {
        size_t room = TALK_HEARD_MAX - t->heard_size;
        memcpy(t->heard + t->heard_size, bytes, count < room ? count : room);
    }
    t->heard_size += count;
    if (t->upgrade_after > 0 && t->heard_size >= t->upgrade_after) {
        t->upgrade_after = 0;
        t->want = INFRA_WANT_TLS;
        return;
    }
    if (t->flood_fd != 0) {
        ck_assert_int_eq(send(t->flood_fd, bytes, count, MSG_DONTWAIT),
                         (ssize_t)count);
    }
    talk_check(t);
}

static void talk_note(void *self, uint32_t note, uint32_t detail,
                      infra_time now)
{
    struct talk *t = self;

    (void)now;
    t->notes[note]++;
    if (note == INFRA_NOTE_CONNECTED && t->secures) {
        t->want = INFRA_WANT_TLS;
        return;
    }
    if (note == INFRA_NOTE_CONNECTED || note == INFRA_NOTE_TLS_UP) {
        t->want = INFRA_WANT_IO;
        talk_check(t);
        return;
    }
    t->outcome = note == INFRA_NOTE_FAILED ? detail : t->outcome;
    if (t->redials) {
        t->endpoint ^= 1;
        t->deadline += note == INFRA_NOTE_DEADLINE ? INFRA_SEC(10) : 0;
        t->want = INFRA_WANT_CONNECT;
    } else if (!t->stays || note == INFRA_NOTE_FAILED) {
        t->want = INFRA_WANT_DONE;
    } else if (note == INFRA_NOTE_CLOSED) {
        t->want = INFRA_WANT_IDLE;
    }
}

static infra_time talk_deadline(const void *self)
{
    return ((const struct talk *)self)->deadline;
}

static const struct infra_exchange_ops talk_ops = { .size = sizeof talk_ops,
                                                    .want = talk_want,
                                                    .endpoint = talk_endpoint,
                                                    .output = talk_output,
                                                    .sent = talk_sent,
                                                    .input = talk_input,
                                                    .note = talk_note,
                                                    .deadline = talk_deadline };

static struct test_heap heap;
struct infra_driver *talk_driver;
static int fds_before;

void talk_setup(void)
{
    fds_before = test_open_fds();
    test_heap_init(&heap, -1);
    struct infra_driver_options o = { .size = sizeof o,
                                      .allocator = &heap.allocator };
    ck_assert_int_eq(infra_driver_create(&talk_driver, &o), INFRA_OK);
}

void talk_teardown(void)
{
    infra_driver_destroy(talk_driver);
    ck_assert_int_eq(heap.live, 0);
    ck_assert_int_eq(test_open_fds(), fds_before);
}

static void talk_done(void *owner, infra_time now)
{
    struct talk *t = owner;

    (void)now;
    t->done++;
}

void talk_init(struct talk *t, const struct test_endpoint *endpoint)
{
    *t =
        (struct talk) { .want = INFRA_WANT_CONNECT, .deadline = INFRA_SEC(10) };
    t->job.exchange = (struct infra_exchange) { &talk_ops, t };
    t->job.addresses = t->addresses;
    t->job.addresses_count = 1;
    t->job.done = talk_done;
    t->job.owner = t;
    ck_assert_int_eq(
        infra__address_import(&t->addresses[0],
                              (const struct sockaddr *)&endpoint->storage,
                              endpoint->size),
        INFRA_OK);
    ck_assert_int_eq(infra__job_attach(talk_driver, &t->job), INFRA_OK);
}

void talk_settle(const struct talk *t)
{
    while (t->done == 0) {
        ck_assert(test_wait(infra_driver_fd(talk_driver), POLLIN));
        ck_assert_int_eq(infra_driver_step(talk_driver, INFRA_SEC(1)),
                         INFRA_OK);
    }
    ck_assert_uint_eq(t->done, 1);
    ck_assert(!t->job.running);
}

void talk_step(infra_time now)
{
    ck_assert_int_eq(infra_driver_step(talk_driver, now), INFRA_OK);
}

void talk_settle_until(const struct talk *t, uint32_t note)
{
    while (t->notes[note] == 0) {
        ck_assert(test_wait(infra_driver_fd(talk_driver), POLLIN));
        talk_step(INFRA_SEC(1));
    }
}
