/* SPDX-License-Identifier: MIT */
/*
 * Bytes from one socket to the other.  A buffer is leased only while it holds
 * bytes: mostly a write takes all of a read, and the same warm buffer serves
 * every session of the worker.  Bytes that a full socket does not take stay in
 * the buffer, and nothing more is read until they are written, so that the
 * peer's window fills.
 */
#include "relay_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Reads of a session in one turn. */
#define ROUNDS_MAX 4

/* Free buffers that are kept. */
#define SPARE_MAX 16u

/* Sessions that may keep a buffer of full size, which saves a copy. */
#define LARGE_MAX 16u

static struct relay_buffer *make(size_t size)
{
    struct relay_buffer *buffer = malloc(sizeof *buffer + size);

    if (buffer != NULL) {
        buffer->size = size;
    }
    return buffer;
}

static struct relay_buffer *lease(struct relay_pool *pool)
{
    struct relay_buffer *buffer = pool->first;

    if (buffer == NULL) {
        return make(RELAY_BUFFER_SIZE);
    }
    pool->first = buffer->next;
    pool->count--;
    return buffer;
}

static void give_back(struct relay_pool *pool, struct relay_buffer *buffer)
{
    if (pool->count == SPARE_MAX || buffer->size != RELAY_BUFFER_SIZE) {
        free(buffer);
        return;
    }
    buffer->next = pool->first;
    pool->first = buffer;
    pool->count++;
}

void relay_pool_finish(struct relay_pool *pool)
{
    while (pool->first != NULL) {
        free(lease(pool));
    }
}

static void hold(struct relay_pool *pool, const struct relay_buffer *buffer)
{
    pool->held += buffer->size;
    pool->large_count += buffer->size == RELAY_BUFFER_SIZE;
}

static void let_go(struct relay_pool *pool, const struct relay_buffer *buffer)
{
    pool->held -= buffer->size;
    pool->large_count -= buffer->size == RELAY_BUFFER_SIZE;
}

/* Keep the bytes that were not written, in a buffer of their size if many
 * sessions keep one. */
static void keep(struct relay_pool *pool, struct relay_side *side)
{
    struct relay_buffer *from = side->out;
    size_t size = from->end - from->start;
    struct relay_buffer *buffer =
        pool->large_count >= LARGE_MAX && from->size == RELAY_BUFFER_SIZE
            ? make(size)
            : NULL;

    if (buffer != NULL) {
        buffer->start = 0;
        buffer->end = size;
        memcpy(buffer->bytes, from->bytes + from->start, size);
        give_back(pool, from);
        side->out = buffer;
    }
    hold(pool, side->out);
    side->is_kept = true;
}

void relay_drop(struct relay_pool *pool, struct relay_side *side)
{
    if (side->out != NULL) {
        if (side->is_kept) {
            let_go(pool, side->out);
        }
        give_back(pool, side->out);
        side->out = NULL;
        side->is_kept = false;
    }
}

static void break_side(struct relay_side *side, int error)
{
    side->broken = true;
    side->error = error;
    /* Bytes before a reset can still be read. */
    side->readable = true;
    side->to_the_end = true;
}

/* Read the bytes of @from; false: none came. */
static bool fill(struct relay_pool *pool, struct relay_side *from,
                 struct relay_side *to)
{
    if (from->eof || !from->readable) {
        return false;
    }
    struct relay_buffer *buffer = lease(pool);
    if (buffer == NULL) {
        break_side(from, ENOMEM);
        from->eof = true;
        return false;
    }
    size_t size =
        pool->held < pool->held_max ? RELAY_BUFFER_SIZE : RELAY_SMALL_SIZE;
    ssize_t n = recv(from->fd, buffer->bytes, size, 0);
    if (n > 0) {
        buffer->start = 0;
        buffer->end = (size_t)n;
        to->out = buffer;
        /* A short read has emptied the socket, and later bytes give a new edge;
         * unless the end is in there too, or urgent data stopped it. */
        from->readable = from->to_the_end || (size_t)n == size;
        return true;
    }
    give_back(pool, buffer);
    from->readable = n < 0 && errno == EINTR;
    if (n == 0) {
        from->eof = true;
    } else if (errno != EAGAIN && errno != EINTR) {
        from->eof = true;
        break_side(from, errno);
    }
    return false;
}

/* Write the bytes that wait, as far as the socket takes them; did it take
 * any? */
static bool flush(struct relay_pool *pool, struct relay_side *to)
{
    struct relay_buffer *buffer = to->out;
    size_t size = buffer->end - buffer->start;

    if (!to->writable || to->broken) {
        return false;
    }
    ssize_t n = send(to->fd, buffer->bytes + buffer->start, size, MSG_NOSIGNAL);
    to->passed += n > 0 ? (uint64_t)n : 0;
    if (n == (ssize_t)size) {
        relay_drop(pool, to);
        return true;
    }
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
        break_side(to, errno);
        return false;
    }
    /* A short write has filled the socket: room gives a new edge. */
    to->writable = n < 0 && errno == EINTR;
    buffer->start += n > 0 ? (size_t)n : 0;
    return n > 0;
}

unsigned relay_pump(struct relay_pool *pool, struct relay_side *from,
                    struct relay_side *to)
{
    unsigned pumped = 0;

    for (int round = 0; round < ROUNDS_MAX; round++) {
        if (to->out == NULL && !fill(pool, from, to)) {
            return pumped;
        }
        bool was_broken = to->broken;
        if (flush(pool, to)) {
            pumped = RELAY_MOVED;
        }
        if (to->broken && !was_broken) {
            if (to->out != NULL && !to->is_kept) {
                keep(pool, to);
            }
            return RELAY_MORE; /* Its end is still to be read. */
        }
        if (to->out != NULL) {
            if (!to->is_kept) {
                keep(pool, to);
            }
            return pumped;
        }
    }
    return RELAY_MOVED | RELAY_MORE;
}
