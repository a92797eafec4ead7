/* SPDX-License-Identifier: MIT */
/* A ClientHello: each part of it is not yet an answer, or the same answer; a
 * name is printable; a list of protocols can be stepped through. */
#include "fuzz.h"

#include <infra/client_hello.h>
#include <stdlib.h>
#include <string.h>

static void check(int good)
{
    if (!good) {
        abort();
    }
}

/* On the heap at its exact size. */
static int read_part(const uint8_t *data, size_t size,
                     struct infra_client_hello *ret)
{
    uint8_t *copy = malloc(size + (size == 0));

    check(copy != NULL);
    memcpy(copy, data, size);
    int result = infra_client_hello_read(copy, size, ret);
    free(copy);
    return result;
}

static void check_hello(const struct infra_client_hello *h)
{
    uint32_t at = 0;

    check(strlen(h->name) == h->name_size);
    for (uint32_t i = 0; i < h->name_size; i++) {
        check(h->name[i] > ' ' && h->name[i] < 0x7f);
    }
    while (at < h->alpn_size) {
        check(h->alpn[at] > 0);
        at += 1u + h->alpn[at];
    }
    check(at == h->alpn_size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct infra_client_hello whole, h;
    int result = read_part(data, size, &whole);

    /* All short parts, and some of the longer ones. */
    for (size_t part = 0; part < size; part += part < 32 ? 1 : 23) {
        int early = read_part(data, part, &h);
        check(early == INFRA_EAGAIN || early == result);
        check(early != INFRA_OK || memcmp(&h, &whole, sizeof h) == 0);
    }
    if (result == INFRA_OK) {
        check_hello(&whole);
    } else {
        check(result == INFRA_EAGAIN || result > 0);
    }
    return 0;
}
