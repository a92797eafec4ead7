/* SPDX-License-Identifier: MIT */
/*
 * Bytes in and out of a socket that is watched for edges.
 *
 * A short read has emptied the socket, and later bytes give a new edge; a short
 * write has filled it, and room gives a new edge.  So most statements cost one
 * read and one write on each side, and none that finds nothing.
 */
#include "link.h"

#include "worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void give_back(struct link *l, struct bytes *b)
{
    if (b->at != NULL) {
        buffers_give_back(&l->worker->buffers, b->at, b->size);
        *b = (struct bytes) { 0 };
    }
}

void link_break(struct link *l, int error)
{
    l->broken = true;
    l->eof = true;
    l->error = error;
}

/* Make room for @size bytes in all. */
static bool grow(struct link *l, struct bytes *b, size_t size)
{
    size_t have = b->end - b->start;
    size_t room = b->size < BUFFER_SIZE ? BUFFER_SIZE : b->size;

    if (b->at != NULL && size <= b->size) {
        memmove(b->at, b->at + b->start, have);
        b->start = 0;
        b->end = have;
        return true;
    }
    while (room < size) {
        room *= 2;
    }
    unsigned char *at = buffers_lease(&l->worker->buffers, room);
    if (at == NULL) {
        link_break(l, ENOMEM);
        return false;
    }
    if (have > 0) {
        memcpy(at, b->at + b->start, have);
    }
    give_back(l, b);
    *b = (struct bytes) { .at = at, .end = have, .size = room };
    return true;
}

void link_take(struct link *l, size_t size)
{
    l->in.start += size;
    if (l->in.start == l->in.end) {
        l->in.start = l->in.end = 0;
    }
}

/* A read grows its buffer by no more than it doubles, whatever length a message
 * claims to have. */
static bool make_room(struct link *l, size_t wanted)
{
    struct bytes *b = &l->in;

    if (b->at == NULL) {
        return grow(l, b, BUFFER_SIZE);
    }
    if (b->end < b->size && b->start + wanted <= b->size) {
        return true;
    }
    if (b->start > 0 && wanted <= b->size) {
        return grow(l, b, b->size);
    }
    if (wanted <= b->size) {
        return b->end < b->size;
    }
    return b->end < b->size && b->start == 0
               ? true
               : grow(l, b, wanted < b->size * 2 ? wanted : b->size * 2);
}

bool link_read(struct link *l, size_t wanted)
{
    if (!l->readable || l->eof || !make_room(l, wanted)) {
        return false;
    }
    size_t room = l->in.size - l->in.end;
    if (l->is_special) {
        return link_tls_read(l, room);
    }
    ssize_t n = recv(l->fd, l->in.at + l->in.end, room, 0);
    if (n > 0) {
        l->in.end += (size_t)n;
        l->readable = l->to_the_end || (size_t)n == room;
        return true;
    }
    l->readable = n < 0 && errno == EINTR;
    if (n == 0) {
        l->eof = true;
    } else if (errno != EAGAIN && errno != EINTR) {
        link_break(l, errno);
    }
    return false;
}

bool link_read_more(struct link *l, size_t size)
{
    size_t have = link_in_size(l);

    return link_read(l, size > have ? size : have + 1);
}

unsigned char *link_room(struct link *l, size_t size)
{
    struct bytes *b = &l->out;

    if (b->at == NULL || size > b->size - b->end) {
        if (!grow(l, b, b->end - b->start + size)) {
            return NULL;
        }
    }
    unsigned char *at = b->at + b->end;
    b->end += size;
    return at;
}

void link_put(struct link *l, const void *bytes, size_t size)
{
    unsigned char *at = size > 0 ? link_room(l, size) : NULL;

    if (at != NULL) {
        memcpy(at, bytes, size);
    }
}

/* As much as the socket takes. */
static size_t write_some(struct link *l, const unsigned char *bytes,
                         size_t size)
{
    if (!l->writable || l->broken) {
        return 0;
    }
    if (l->session != NULL) {
        return link_tls_write(l, bytes, size);
    }
    ssize_t n = send(l->fd, bytes, size, MSG_NOSIGNAL);
    if (n == (ssize_t)size) {
        return size;
    }
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
        int error = errno;
        l->broken = true; /* What it has sent can still be read. */
        l->error = error;
        l->readable = true;
        l->to_the_end = true;
        return 0;
    }
    l->writable = n < 0 && errno == EINTR;
    return n > 0 ? (size_t)n : 0;
}

bool link_flush(struct link *l)
{
    struct bytes *b = &l->out;

    if (b->end == b->start) {
        return true;
    }
    b->start += write_some(l, b->at + b->start, b->end - b->start);
    if (b->start < b->end) {
        return false;
    }
    give_back(l, b);
    return true;
}

void link_send(struct link *l, const void *bytes, size_t size)
{
    size_t done = link_flush(l) ? write_some(l, bytes, size) : 0;

    if (done < size) {
        link_put(l, (const unsigned char *)bytes + done, size - done);
    }
}

void link_rest(struct link *l)
{
    if (l->in.end == l->in.start) {
        give_back(l, &l->in);
    }
    if (l->out.end == l->out.start) {
        give_back(l, &l->out);
    }
}

void link_close(struct link *l)
{
    give_back(l, &l->in);
    give_back(l, &l->out);
    link_tls_end(l);
    if (l->fd >= 0) {
        close(l->fd);
    }
    l->fd = -1;
}

void link_end_writing(struct link *l)
{
    link_tls_end(l);
    l->readable = true;
    (void)shutdown(l->fd, SHUT_WR);
}
