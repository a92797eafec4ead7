/* SPDX-License-Identifier: MIT */
/* Free buffers of one size; the last one given back is warm and is used
 * first. */
#ifndef EXAMPLES_DB_ROUTER_BUFFERS_H
#define EXAMPLES_DB_ROUTER_BUFFERS_H

#include <stddef.h>
#include <stdint.h>

/* A statement and most answers fit in; large results are read at once. */
#define BUFFER_SIZE (32u * 1024u)

struct buffers {
    void *first; /* Each free buffer begins with the next one. */
    uint32_t count;
};

/* @size bytes or NULL. */
void *buffers_lease(struct buffers *b, size_t size);
void buffers_give_back(struct buffers *b, void *bytes, size_t size);
void buffers_free(struct buffers *b);

#endif
