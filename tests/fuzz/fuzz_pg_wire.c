/* SPDX-License-Identifier: MIT */
/* A client and a server that send db_router whatever they like in the protocol
 * of PostgreSQL. Pieces follow each other: a byte with the side and the size,
 * and that many bytes; a piece of no bytes from the server is a right answer to
 * what is out. However the bytes of a server are split, the client gets the
 * same. */
#include "fuzz.h"

#include "../examples/pg_host.h"

#include <stdlib.h>
#include <string.h>

static void run(struct pg_host *h, const uint8_t *data, size_t size,
                bool is_split)
{
    pg_host_begin(h);
    h->limits.defers_begin = size % 2 == 1;
    for (size_t at = 0; at < size && !h->has_ended;) {
        bool is_server = data[at] >= 128;
        size_t length = data[at] % 128;
        at++;
        length = length < size - at ? length : size - at;
        if (!is_server) {
            pg_host_client(h, data + at, length);
        } else if (length == 0) {
            pg_host_answer(h);
        }
        for (size_t i = 0; is_server && i < length && !h->has_ended;
             i += is_split ? 1 : length) {
            pg_host_server(h, data + at + i, is_split ? 1 : length);
        }
        at += length;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct pg_host whole;
    static struct pg_host split;

    run(&whole, data, size, false);
    run(&split, data, size, true);
    size_t same = link_out_size(&whole.client.link);
    if (whole.has_ended != split.has_ended ||
        same != link_out_size(&split.client.link) ||
        (same > 0 && memcmp(whole.client.link.out.at, split.client.link.out.at,
                            same) != 0)) {
        abort();
    }
    pg_host_finish(&whole);
    pg_host_finish(&split);
    return 0;
}
