/* SPDX-License-Identifier: MIT */
/* The input is sent by a web server, which then closes. The check accepts every
 * reply that a strict reader accepts. */
#include "fuzz.h"
#include "pieces.h"

#include "../../lib/base/http_reply.h"

#define PROBES_COUNT 4

static struct infra_probe *probes[PROBES_COUNT];

static void create_probes(void)
{
    static const struct infra_probe_http_options options[PROBES_COUNT] = {
        { .size = sizeof options[0] },
        { .size = sizeof options[0], .body_contains = "ok" },
        { .size = sizeof options[0], .body_contains = "abab", .body_max = 64 },
        { .size = sizeof options[0], .header_max = 80, .status_max = 599 },
    };

    for (int i = 0; i < PROBES_COUNT; i++) {
        if (infra_probe_http(&probes[i], &options[i]) != INFRA_OK) {
            abort();
        }
    }
}

/* It hears no request. */
static void be_deaf(struct infra_exchange x, int split)
{
    (void)x;
    (void)split;
}

static const struct fuzz_server server = { .serve = be_deaf };

/* A strict reader accepts less, with the same status. */
static void check_strictness(const uint8_t *data, size_t size)
{
    static struct fuzz_result lax;
    struct infra__http_reply strict;
    struct infra__bytes piece, in = { .at = data, .count = size };

    infra__http_reply_start(&strict, 16384, true);
    fuzz_run(probes[0], data, size, 0, &server, &lax);
    if (infra__http_reply_next(&strict, &in, &piece) == INFRA__HTTP_HEAD &&
        lax.result.status != strict.status) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (probes[0] == NULL) {
        create_probes();
    }
    check_strictness(data, size);
    for (int i = 0; i < PROBES_COUNT; i++) {
        fuzz_in_pieces(probes[i], data, size, &server);
    }
    return 0;
}
