/* SPDX-License-Identifier: MIT */
/* A socket with the bytes that were read from it and those that wait to be
 * written.  An idle link has no buffers: they are leased from the worker, or
 * grown for a large message. */
#ifndef EXAMPLES_DB_ROUTER_LINK_H
#define EXAMPLES_DB_ROUTER_LINK_H

#include <infra/driver.h>
#include <stdbool.h>
#include <stddef.h>

struct worker;

/* Bytes from `start` up to `end` are there; NULL: no buffer. */
struct bytes {
    unsigned char *at;
    size_t start;
    size_t end;
    size_t size;
};

enum link_kind {
    LINK_CLIENT,
    LINK_SERVER,
    LINK_CANCEL, /* Asks a server to cancel a statement. */
    LINK_OTHER
};

/* First in its owner, so that a link is one. */
struct link {
    struct worker *worker;
    struct link *ready_next;
    struct bytes in;
    struct bytes out;
    int fd;
    int error; /* The errno with which it broke; 0: none. */
    unsigned char kind;
    bool is_ready;   /* In the worker's list. */
    bool readable;   /* A read may give something. */
    bool writable;   /* A write may take something. */
    bool eof;        /* Everything is read. */
    bool broken;     /* Reset, or out of memory. */
    bool to_the_end; /* A short read does not mean that all is read. */
    bool closes;     /* Closed once `out` is written. */
    bool is_special; /* It has TLS or read_max: see link_tls.c. */
    bool is_shaking; /* The TLS handshake is not over; or it has failed. */
    bool is_crossed; /* A write of TLS has to wait for something to read, or the
                        other way round. */
    unsigned char read_max;      /* Bytes of a read, at most; 0: no limit. */
    const struct infra_tls *tls; /* NULL: none. */
    void *session;               /* Of TLS; NULL: none. */
};

/* What was read and not taken yet. */
static inline unsigned char *link_in(const struct link *l)
{
    return l->in.at + l->in.start;
}

static inline size_t link_in_size(const struct link *l)
{
    return l->in.end - l->in.start;
}

/* Bytes that wait to be written. */
static inline size_t link_out_size(const struct link *l)
{
    return l->out.end - l->out.start;
}

/* Forget @size bytes of what was read. */
void link_take(struct link *l, size_t size);

/* Read once, if something may be there.  @wanted: bytes that `in` should have
 * room for in all; 0: as many as fit.  False: nothing came. */
bool link_read(struct link *l, size_t wanted);

/* The same for @size bytes in all, at least one more than there is. */
bool link_read_more(struct link *l, size_t size);

/* Append to `out` without writing.  Out of memory breaks the link. */
void link_put(struct link *l, const void *bytes, size_t size);

/* Room for @size bytes at the end of `out`, which count as put; NULL: out of
 * memory, the link is broken. */
unsigned char *link_room(struct link *l, size_t size);

/* Write now as far as the socket takes it, after what waits; the rest is
 * appended to `out`. */
void link_send(struct link *l, const void *bytes, size_t size);

/* Write what waits.  True: nothing is left. */
bool link_flush(struct link *l);

/* Give empty buffers back. */
void link_rest(struct link *l);

/* Close and free buffers. */
void link_close(struct link *l);

/* No more is written: send the end of the stream.  What is read after it is for
 * nobody. */
void link_end_writing(struct link *l);

/* link_tls.c */

/* Read no more than this at once, while what comes behind may be TLS; 0: as
 * usual. */
void link_limit_read(struct link *l, unsigned char max);

/* TLS begins: what is put from here on is encrypted, and reads give what was
 * decrypted.  The handshake goes on with each read and flush.  @name: see
 * struct infra_tls, which @l needs until it is closed.  False, and broken: no
 * memory, something was not written yet, or was read before. */
bool link_start_tls(struct link *l, const struct infra_tls *tls,
                    const char *name);

/* For link.c. */
bool link_tls_read(struct link *l, size_t room);
size_t link_tls_write(struct link *l, const unsigned char *bytes, size_t size);
void link_tls_end(struct link *l);
void link_break(struct link *l, int error);

#endif
