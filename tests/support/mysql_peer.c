/* SPDX-License-Identifier: MIT */
#include "mysql_peer.h"

#include "support.h"

#include <string.h>

static unsigned char *room(struct peer *p, size_t size)
{
    unsigned char *at = p->bytes + p->size;

    ck_assert_uint_le(size, sizeof p->bytes - p->size);
    p->size += size;
    return at;
}

void peer_step(struct peer *p, struct test_step step)
{
    ck_assert_uint_lt(p->steps_count, PEER_STEPS_MAX);
    p->steps[p->steps_count++] = step;
}

/* What is sent without a pause is one step. */
static void add(struct peer *p, enum test_step_kind kind,
                const unsigned char *bytes, size_t size)
{
    struct test_step *last =
        p->steps_count > 0 ? &p->steps[p->steps_count - 1] : NULL;

    if (kind == TEST_STEP_SEND && last != NULL && last->kind == kind) {
        last->size += size;
    } else {
        peer_step(p, (struct test_step) {
                         .kind = kind, .bytes = bytes, .size = size });
    }
}

void peer_send(struct peer *p, const void *bytes, size_t size)
{
    unsigned char *at = room(p, size);

    memcpy(at, bytes, size);
    add(p, TEST_STEP_SEND, at, size);
}

static void packet(struct peer *p, enum test_step_kind kind,
                   const void *payload, size_t size)
{
    unsigned char *at = room(p, size + 4);

    at[0] = (unsigned char)size;
    at[1] = (unsigned char)(size >> 8);
    at[2] = (unsigned char)(size >> 16);
    at[3] = p->sequence++;
    if (size > 0) {
        memcpy(at + 4, payload, size);
    }
    add(p, kind, at, size + 4);
}

void peer_packet(struct peer *p, const void *payload, size_t size)
{
    packet(p, TEST_STEP_SEND, payload, size);
}

void peer_expect(struct peer *p, const void *payload, size_t size)
{
    packet(p, TEST_STEP_EXPECT, payload, size);
}

void peer_greet(struct peer *p, uint32_t capabilities)
{
    peer_greet_by(p, capabilities, "mysql_native_password");
}

void peer_greet_by(struct peer *p, uint32_t capabilities, const char *method)
{
    const char fixed[] =
        "\x0a"
        "5.5.5-10.11.19-MariaDB-0+deb12u1-log\0\xc4\0\0\0fu<gq$\\#\0"
        "LL\x08\x02\0HH\x15\0\0\0\0\0\0\x1d\0\0\0:8KO-2R(kgBR";
    unsigned char greeting[sizeof fixed + 64];

    memcpy(greeting, fixed, sizeof fixed);
    strcpy((char *)greeting + sizeof fixed, method);
    unsigned char *low = (unsigned char *)memchr(greeting + 50, 'L', 10);
    low[0] = (unsigned char)capabilities;
    low[1] = (unsigned char)(capabilities >> 8);
    low[5] = (unsigned char)(capabilities >> 16);
    low[6] = (unsigned char)(capabilities >> 24);
    peer_step(p, (struct test_step)TEST_ACCEPT(0));
    peer_packet(p, greeting, sizeof fixed + strlen(method) + 1);
}

void peer_log_in(struct peer *p)
{
    /* To this greeting's challenge, as MariaDB 10.11.19 took it. */
    peer_expect(p, PEER_TEXT("\x01\x82\x08\0\0\0\0\x01!\0\0\0\0\0\0\0\0\0\0\0\0"
                             "\0\0\0\0\0\0\0\0\0\0\0"
                             "check\0\x14"
                             "\xb7\xcbV[{\x04"
                             "f\x1bNb\x98\x9f\xe7^*\x01\xf7\x99=\x18"
                             "mysql_native_password\0"));
    peer_ok(p);
}

void peer_ok(struct peer *p)
{
    peer_packet(p, PEER_TEXT("\0\0\0\x02\0\0\0"));
}

void peer_end_mark(struct peer *p)
{
    peer_packet(p, PEER_TEXT("\xfe\0\0\x02\0"));
}

void peer_error(struct peer *p, unsigned number, const char *message)
{
    unsigned char error[1024] = "\xff..#HY000";
    size_t size = strlen(message);

    error[1] = (unsigned char)number;
    error[2] = (unsigned char)(number >> 8);
    memcpy(error + 9, message, size);
    peer_packet(p, error, 9 + size);
}

void peer_query(struct peer *p, const char *text)
{
    char query[1024] = "\x03";

    strcpy(query + 1, text);
    p->sequence = 0;
    peer_expect(p, query, strlen(query));
}

void peer_quit(struct peer *p)
{
    p->sequence = 0;
    peer_expect(p, PEER_TEXT("\x01"));
}

struct infra_probe_result peer_run(const struct peer *p,
                                   struct infra_probe *probe,
                                   enum test_split split, uint64_t number)
{
    struct test_transport t = { .steps = p->steps,
                                .steps_count = p->steps_count,
                                .split = split,
                                .split_number = number };
    const struct test_step *last = &p->steps[p->steps_count - 1];
    struct infra_probe_result r = { .reason = 99 };

    infra_probe_start(probe, 0, 0);
    test_transport_run(&t, infra_probe_exchange(probe));
    ck_assert_int_eq(infra_probe_result(probe, &r), INFRA_OK);
    if (last->kind == TEST_STEP_EXPECT &&
        (r.reason == INFRA_PROBE_REASON_PASSED ||
         t.step + 1 == p->steps_count)) {
        ck_assert_uint_eq(t.step + 1, p->steps_count);
        ck_assert_uint_eq(t.heard_count, last->size);
        ck_assert_mem_eq(t.heard, last->bytes, last->size);
    }
    return r;
}

/* The size of the first of the texts in a list. */
static size_t first_size(const char *list)
{
    return strcspn(list, "|");
}

static const char *rest(const char *list)
{
    list += first_size(list);
    return *list != '\0' ? list + 1 : NULL;
}

void peer_columns(struct peer *p, const char *names)
{
    unsigned char count = 0;

    for (const char *n = names; n != NULL; n = rest(n)) {
        count++;
    }
    peer_packet(p, &count, 1);
    for (const char *n = names; n != NULL; n = rest(n)) {
        unsigned char c[128] = "\x03"
                               "def\0\0\0";
        size_t size = first_size(n);
        c[7] = (unsigned char)size;
        memcpy(c + 8, n, size);
        memcpy(c + 8 + size, "\0\x0c?\0\x01\0\0\0\x08\x80\0\0\0\0", 14);
        peer_packet(p, c, 8 + size + 14);
    }
    peer_end_mark(p);
}

void peer_row(struct peer *p, const char *cells)
{
    static unsigned char row[PEER_BYTES_MAX];
    size_t at = 0;

    for (const char *c = cells; c != NULL; c = rest(c)) {
        size_t size = first_size(c);
        if (size == 4 && memcmp(c, "NULL", 4) == 0) {
            row[at++] = 0xfb;
            continue;
        }
        if (size < 0xfb) {
            row[at++] = (unsigned char)size;
        } else {
            row[at++] = 0xfc;
            row[at++] = (unsigned char)size;
            row[at++] = (unsigned char)(size >> 8);
        }
        memcpy(row + at, c, size);
        at += size;
    }
    peer_packet(p, row, at);
}

void peer_result(struct peer *p, const char *names, const char *const *rows)
{
    peer_columns(p, names);
    for (; *rows != NULL; rows++) {
        peer_row(p, *rows);
    }
    peer_end_mark(p);
}
