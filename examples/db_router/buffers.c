/* SPDX-License-Identifier: MIT */
#include "buffers.h"

#include <stdlib.h>
#include <string.h>

/* Free buffers that are kept. */
#define SPARE_MAX 32u

void *buffers_lease(struct buffers *b, size_t size)
{
    void *first = b->first;

    if (size != BUFFER_SIZE || first == NULL) {
        return malloc(size);
    }
    memcpy(&b->first, first, sizeof b->first);
    b->count--;
    return first;
}

void buffers_give_back(struct buffers *b, void *bytes, size_t size)
{
    if (size != BUFFER_SIZE || b->count == SPARE_MAX) {
        free(bytes);
        return;
    }
    memcpy(bytes, &b->first, sizeof b->first);
    b->first = bytes;
    b->count++;
}

void buffers_free(struct buffers *b)
{
    while (b->first != NULL) {
        free(buffers_lease(b, BUFFER_SIZE));
    }
}
