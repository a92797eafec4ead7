/* SPDX-License-Identifier: MIT */
/* A PROXY header: each part of it is not yet an answer, or the same answer; and
 * what was read and can be written is read again as the same. */
#include "fuzz.h"

#include <infra/proxy_protocol.h>
#include <stdlib.h>
#include <string.h>

#define TLVS_MAX 64u

static void check(int good)
{
    if (!good) {
        abort();
    }
}

/* On the heap at its exact size. */
static int read_part(const uint8_t *data, size_t size,
                     struct infra_proxy_header *ret)
{
    uint8_t *copy = malloc(size + (size == 0));

    check(copy != NULL);
    memcpy(copy, data, size);
    int result = infra_proxy_read(NULL, copy, size, ret);
    free(copy);
    return result;
}

static void write_again(const uint8_t *data, const struct infra_proxy_header *h)
{
    struct infra_proxy_tlv tlvs[TLVS_MAX];
    struct infra_proxy_header again;
    static uint8_t out[INFRA_PROXY_V2_MAX];
    size_t count = 0, at = 0;
    int err = INFRA_OK;

    while (count < TLVS_MAX &&
           (err = infra_proxy_tlv_next(data + h->tlvs_at, h->tlvs_size, &at,
                                       &tlvs[count])) == INFRA_OK) {
        count++;
    }
    check(err == INFRA_OK || err == INFRA_EAGAIN);
    int size =
        infra_proxy_write(h, count > 0 ? tlvs : NULL, count, out, sizeof out);
    check(size > 0);
    check(infra_proxy_read(NULL, out, (size_t)size, &again) == INFRA_OK);
    check(again.has_addresses == h->has_addresses);
    check(again.is_local == h->is_local);
    if (h->has_addresses && err == INFRA_EAGAIN) {
        check(again.source_port == h->source_port);
        check(memcmp(&again.source, &h->source, sizeof h->source) == 0);
        check(h->version == 1 ||
              ((size_t)size == h->size && memcmp(out, data, h->size) == 0));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct infra_proxy_header whole = { .size = 0 }, h;
    int result = read_part(data, size, &whole);

    for (size_t part = 0; part < size && part < 256; part++) {
        int early = read_part(data, part, &h);
        check(early == INFRA_EAGAIN || early == result);
        check(early != INFRA_OK ||
              (part >= whole.size && memcmp(&h, &whole, sizeof h) == 0));
    }
    if (result == INFRA_OK) {
        check(whole.size <= size);
        check(whole.tlvs_at + whole.tlvs_size == whole.size);
        write_again(data, &whole);
    } else {
        check(result == INFRA_EAGAIN || result > 0);
    }
    return 0;
}
