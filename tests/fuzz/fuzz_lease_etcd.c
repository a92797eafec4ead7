/* SPDX-License-Identifier: MIT */
/* The first byte says which call is made, and the rest is what servers send: up
 * to a zero without looking what they are asked, and so on; then they close.
 * Whatever that is, the call ends, and alike in whatever pieces it comes. The
 * same bytes are then what the watch hears, and what is answered about the
 * record. */
#include "fuzz.h"

#include <infra/lease.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define NOW INFRA_SEC(100)

static void check(bool good)
{
    if (!good) {
        abort();
    }
}

/* How many bytes to hand over at once, of @left bytes at @p. */
static size_t piece(int split, const uint8_t *p, size_t left)
{
    size_t size = left;

    if (split > 0) {
        size = split == 1 ? 1 : (size_t)p[0] % 16 + 1;
    }
    return size < left ? size : left;
}

/* Take what the exchange says as sent, whatever it is. */
static void swallow(struct infra_exchange x)
{
    const void *bytes;
    size_t size;

    while (x.ops->want(x.self) == INFRA_WANT_IO &&
           (size = x.ops->output(x.self, &bytes)) > 0) {
        x.ops->sent(x.self, size, NOW);
    }
}

/* Hang up and dial as it wants. */
static void connect(struct infra_exchange x)
{
    if (x.ops->want(x.self) == INFRA_WANT_CLOSE) {
        x.ops->note(x.self, INFRA_NOTE_CLOSED, 0, NOW);
    }
    if (x.ops->want(x.self) == INFRA_WANT_CONNECT) {
        x.ops->note(x.self, INFRA_NOTE_CONNECTED, 0, NOW);
    }
}

static void feed(struct infra_exchange x, const uint8_t *data, size_t size,
                 int split)
{
    for (size_t at = 0; at < size; at++) {
        const uint8_t *zero = memchr(data + at, '\0', size - at);
        size_t end = zero != NULL ? (size_t)(zero - data) : size;
        connect(x);
        swallow(x);
        while (at < end && x.ops->want(x.self) != INFRA_WANT_CLOSE) {
            size_t count = piece(split, data + at, end - at);
            x.ops->input(x.self, data + at, count, NOW);
            at += count;
        }
        at = end;
    }
}

static struct infra_lease *create(bool has_user)
{
    const struct infra_lease_etcd_options o = { .size = sizeof o,
                                                .group = "lb",
                                                .node = "a",
                                                .user = has_user ? "u" : NULL,
                                                .password =
                                                    has_user ? "p" : NULL,
                                                .incarnation = 17 };
    struct infra_lease *lease = NULL;

    check(infra_lease_etcd(&lease, &o) == INFRA_OK);
    return lease;
}

static struct infra_lease_reply run(uint8_t kind, const uint8_t *data,
                                    size_t size, int split)
{
    const struct infra_lease_call call = {
        .id = 1,
        .token = 9,
        .op = kind % (INFRA_LEASE_OP_REQUEST + 1u),
        .deadline = NOW + INFRA_SEC(1),
    };
    struct infra_lease *lease = create((kind & 0x80) != 0);
    struct infra_lease_reply reply;
    struct infra_exchange x;

    check(infra_lease_exchange(lease, 0, &x) == INFRA_OK);
    check(infra_lease_begin(lease, &call, NOW) == INFRA_OK);
    feed(x, data, size, split);
    x.ops->note(x.self, INFRA_NOTE_EOF, 0, NOW);
    int err = infra_lease_next(lease, NOW, &reply);
    if (err != INFRA_OK) { /* It tries again; there is no server. */
        check(err == INFRA_EAGAIN);
        check(infra_lease_next(lease, call.deadline, &reply) == INFRA_OK);
    }
    check(reply.call == 1);
    infra_lease_destroy(lease);
    return reply;
}

/* Among what was sent, that is, without the zeroes. */
static bool is_in(const uint8_t *data, size_t size, const char *text)
{
    for (size_t at = 0; at < size; at++) {
        size_t matched = 0;
        for (size_t i = at; i < size && text[matched] != '\0'; i++) {
            if (data[i] == (uint8_t)text[matched]) {
                matched++;
            } else if (data[i] != 0) {
                break;
            }
        }
        if (text[matched] == '\0') {
            return true;
        }
    }
    return false;
}

static uint64_t run_watch(const uint8_t *data, size_t size, int split)
{
    struct infra_lease *lease = create(false);
    struct infra_lease_status stats = { .size = sizeof stats };
    struct infra_lease_reply reply;
    struct infra_exchange x;

    check(infra_lease_exchange(lease, 1, &x) == INFRA_OK);
    x.ops->note(x.self, INFRA_NOTE_DEADLINE, 0, NOW);
    feed(x, data, size, split);
    if (infra_lease_next(lease, NOW, &reply) == INFRA_OK) {
        check(reply.call == 0);
    }
    check(infra_lease_next(lease, NOW, &reply) == INFRA_EAGAIN);
    check(infra_lease_inspect(lease, &stats) == INFRA_OK);
    infra_lease_destroy(lease);
    return stats.hints;
}

static struct infra_lease_record run_record(uint8_t kind, const uint8_t *data,
                                            size_t size, int split)
{
    static const unsigned char bytes[] = "begun";
    struct infra_lease *lease = create((kind & 0x80) != 0);
    infra_time deadline = NOW + INFRA_SEC(1);
    struct infra_lease_record r;
    struct infra_exchange x;

    check(infra_lease_exchange(lease, 2, &x) == INFRA_OK);
    if (kind % 3 == 0) {
        check(infra_lease_write_record(lease, 9, bytes, sizeof bytes, deadline,
                                       NOW) == INFRA_OK);
    } else {
        check(infra_lease_read_record(lease, kind % 3 == 1 ? 9 : 0, deadline,
                                      NOW) == INFRA_OK);
    }
    feed(x, data, size, split);
    x.ops->note(x.self, INFRA_NOTE_EOF, 0, NOW);
    if (infra_lease_take_record(lease, NOW, &r) != INFRA_OK) {
        check(infra_lease_take_record(lease, deadline, &r) == INFRA_OK);
    }
    infra_lease_destroy(lease);
    return r;
}

static void check_record(const struct infra_lease_record *r)
{
    static const unsigned char zeroes[INFRA_LEASE_RECORD_MAX];

    check((r->outcome == INFRA_LEASE_OUTCOME_UNKNOWN) ==
          (r->reason != INFRA_LEASE_REASON_NONE));
    check(r->count <= INFRA_LEASE_RECORD_MAX);
    check(r->outcome == INFRA_LEASE_OUTCOME_GRANTED ||
          (r->count == 0 && memcmp(r->bytes, zeroes, sizeof zeroes) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct infra_lease_reply whole = run(data[0], data + 1, size - 1, 0);
    uint64_t hints = run_watch(data + 1, size - 1, 0);
    struct infra_lease_record record =
        run_record(data[0], data + 1, size - 1, 0);
    check_record(&record);
    for (int split = 1; split < 3; split++) {
        struct infra_lease_reply r = run(data[0], data + 1, size - 1, split);
        check(memcmp(&r.answer, &whole.answer, sizeof r.answer) == 0);
        check(r.reason == whole.reason && r.detail == whole.detail);
        check(run_watch(data + 1, size - 1, split) == hints);
        struct infra_lease_record same =
            run_record(data[0], data + 1, size - 1, split);
        check(memcmp(&same, &record, sizeof same) == 0);
    }
    bool known = whole.answer.outcome != INFRA_LEASE_OUTCOME_UNKNOWN;
    check(known == (whole.reason == INFRA_LEASE_REASON_NONE));
    check(!known || is_in(data, size, "HTTP/1."));
    check(whole.answer.outcome != INFRA_LEASE_OUTCOME_GRANTED ||
          (whole.answer.token != 0 && whole.answer.ttl <= INFRA_SEC(86400)));
    return 0;
}
