/* SPDX-License-Identifier: MIT */
#include "fake_tls.h"

#include "support.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct session {
    struct fake_tls *fake;
    int fd;
    bool began;
    bool said_hello;
    bool must_write; /* Before it reads. */
    bool must_read;  /* Before it writes. */
    long end;        /* How the stream ended; 0: it did not. */
    size_t held_size;
    char held[FAKE_TLS_HELD_MAX]; /* Decoded, and not handed out. */
};

void fake_tls_code(char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        bytes[i] ^= 0x55;
    }
}

static void *fake_open(void *user, int fd, const char *name)
{
    struct fake_tls *fake = user;
    struct session *s = fake->has_no_memory ? NULL : calloc(1, sizeof *s);

    if (s == NULL) {
        return NULL;
    }
    fake->opened++;
    strncpy(fake->name, name != NULL ? name : "", sizeof fake->name - 1);
    s->fake = fake;
    s->fd = fd;
    s->must_write = fake->reads_by_write;
    s->must_read = fake->writes_by_read;
    return s;
}

/* Send one byte; 0, or an enum infra_tls_answer. */
static long put(struct session *s, char byte)
{
    ssize_t n = send(s->fd, &byte, 1, MSG_DONTWAIT | MSG_NOSIGNAL);

    return n == 1            ? 0
           : errno == EAGAIN ? INFRA_TLS_WANT_WRITE
                             : INFRA_TLS_ERROR;
}

/* Take what the socket has, of which close_notify is the last. */
static void fill(struct session *s)
{
    char *at = s->held + s->held_size;
    ssize_t n = recv(s->fd, at, FAKE_TLS_HELD_MAX - s->held_size, MSG_DONTWAIT);

    if (n < 0 && errno == EAGAIN) {
        return;
    }
    if (n <= 0) {
        s->end = n == 0 ? INFRA_TLS_TRUNCATED : INFRA_TLS_ERROR;
        return;
    }
    if (s->must_read && at[0] == 'k') {
        s->must_read = false;
        memmove(at, at + 1, (size_t)--n);
    }
    if (memchr(at, '\xff', (size_t)n) != NULL) {
        s->end = INFRA_TLS_CLOSED;
        n--;
    }
    fake_tls_code(at, (size_t)n);
    s->held_size += (size_t)n;
}

/* One byte from the front; 0, or an enum infra_tls_answer. */
static long get(struct session *s, char *ret)
{
    if (s->held_size == 0 && s->end == 0) {
        fill(s);
    }
    if (s->held_size == 0) {
        return s->end != 0 ? s->end : INFRA_TLS_WANT_READ;
    }
    *ret = s->held[0];
    memmove(s->held, s->held + 1, --s->held_size);
    return 0;
}

static int fake_handshake(void *session)
{
    struct session *s = session;
    char byte;

    if (s->fake->absurd_handshake != 0) {
        return s->fake->absurd_handshake;
    }
    if (s->fake->is_instant) {
        s->held_size = 5;
        memcpy(s->held, "early", 5);
        return 0;
    }
    if (s->fake->waits_to_begin && !s->began) {
        s->began = true;
        return INFRA_TLS_WANT_WRITE;
    }
    if (!s->said_hello) {
        long answer = put(s, 'H');
        if (answer != 0) {
            return (int)answer;
        }
        s->said_hello = true;
    }
    long answer = get(s, &byte);
    if (answer != 0) {
        return (int)answer;
    }
    return byte == ('h' ^ 0x55) ? 0 : INFRA_TLS_ERROR;
}

static size_t piece_of(const struct session *s, size_t size)
{
    return s->fake->piece > 0 && s->fake->piece < size ? s->fake->piece : size;
}

static long fake_read(void *session, void *bytes, size_t size)
{
    struct session *s = session;
    char *to = bytes;
    size_t count = 0;
    long answer = 0;

    s->fake->reads++;
    if (s->fake->is_absurd) {
        return s->fake->absurd;
    }
    if (s->must_write) {
        /* As if it could not: when asked again, the socket must be writable. */
        s->must_write = false;
        answer = put(s, 'K');
        return answer != 0 ? answer : INFRA_TLS_WANT_WRITE;
    }
    while (answer == 0 && count < piece_of(s, size)) {
        answer = get(s, &to[count]);
        count += answer == 0;
    }
    return count > 0 ? (long)count : answer;
}

static long fake_write(void *session, const void *bytes, size_t size)
{
    struct session *s = session;
    char coded[64];

    if (s->fake->is_absurd) {
        return s->fake->absurd;
    }
    if (s->must_read) {
        return INFRA_TLS_WANT_READ; /* Until fill() has seen the "k". */
    }
    size_t count = piece_of(s, size < sizeof coded ? size : sizeof coded);
    memcpy(coded, bytes, count);
    fake_tls_code(coded, count);
    ssize_t n = send(s->fd, coded, count, MSG_DONTWAIT | MSG_NOSIGNAL);
    return n > 0 ? n : errno == EAGAIN ? INFRA_TLS_WANT_WRITE : INFRA_TLS_ERROR;
}

static void fake_close(void *session, int quiet)
{
    struct session *s = session;

    s->fake->closed++;
    s->fake->quiet += quiet;
    if (!quiet) {
        (void)put(s, '\xff');
    }
    free(s);
}

struct infra_tls fake_tls_functions(struct fake_tls *fake)
{
    return (struct infra_tls) { .size = sizeof(struct infra_tls),
                                .user = fake,
                                .open = fake_open,
                                .handshake = fake_handshake,
                                .read = fake_read,
                                .write = fake_write,
                                .close = fake_close };
}
