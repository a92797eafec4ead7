/* SPDX-License-Identifier: MIT */
/* A message whose first byte chooses its kind and the mode. Any split gives the
 * same answer; what is passed on is read as the same message, and passed on
 * again it is the same bytes. */
#include "fuzz.h"

#include "../http/message.h"

#include <stdlib.h>

#define OUT_SIZE 65536

static void check_output(const struct message *m,
                         const struct infra_http_limits *limits,
                         const struct infra_http_head *request,
                         const uint8_t *data)
{
    static struct message again;
    static char out[OUT_SIZE], second[OUT_SIZE];
    struct infra_http_limits wide = *limits;
    size_t size = message_write(m, data, out, sizeof out);

    if (size == 0 ||
        (m->head.kind == INFRA_HTTP_REQUEST && m->head.host.length == 0)) {
        return; /* HTTP/1.0 without Host: the host adds one. */
    }
    wide.head_max = OUT_SIZE;
    wide.lenient = limits->lenient & (m->head.kind == INFRA_HTTP_REQUEST);
    message_read(&again, m->head.kind, request, &wide, out, size, 0,
                 message_equal_pieces);
    if (again.step != m->step || again.head.framing != m->head.framing ||
        again.body_size != m->body_size || again.used > size ||
        memcmp(again.body, m->body, sizeof m->body) != 0) {
        abort();
    }
    if (message_write(&again, out, second, sizeof second) != size ||
        memcmp(out, second, size) != 0) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct message whole, pieces, request;
    static const char ask[] = "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n";
    struct infra_http_limits limits = { .size = sizeof limits,
                                        .head_max = 1024 };

    if (size == 0) {
        return 0;
    }
    uint32_t kind = data[0] & 1;
    const struct infra_http_head *asked = NULL;
    limits.lenient = data[0] >> 1 & 1;
    if (kind == INFRA_HTTP_RESPONSE && (data[0] & 4) != 0) {
        message_read(&request, INFRA_HTTP_REQUEST, NULL, NULL, ask,
                     sizeof ask - 1, 0, message_equal_pieces);
        asked = &request.head;
    }
    data++;
    size--;
    message_read(&whole, kind, asked, &limits, data, size, 0,
                 message_equal_pieces);
    for (size_t split = 1; split < 8; split += 3) {
        message_read(&pieces, kind, asked, &limits, data, size, split,
                     message_equal_pieces);
        if (!message_same(&whole, &pieces)) {
            abort();
        }
    }
    if (whole.step == INFRA_HTTP_DONE) {
        check_output(&whole, &limits, asked, data);
    }
    return 0;
}
