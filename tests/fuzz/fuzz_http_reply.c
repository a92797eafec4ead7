/* SPDX-License-Identifier: MIT */
/* The input is sent by a server, which then closes. Whatever the input, the
 * check ends, with the same result whether the bytes come at once, one by one,
 * or in pieces whose sizes the bytes choose. It accepts whatever a strict
 * reader accepts. */
#include "fuzz.h"

#include "../../lib/base/http_reply.h"

#include <infra/probe.h>
#include <stdlib.h>

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

/* The size of the next piece, of @left bytes at @p. */
static size_t piece(int split, const uint8_t *p, size_t left)
{
    size_t size = left;

    if (split > 0) {
        size = split == 1 ? 1 : (size_t)p[0] % 16 + 1;
    }
    return size < left ? size : left;
}

static struct infra_probe_result run(struct infra_probe *probe,
                                     const uint8_t *data, size_t size,
                                     int split)
{
    struct infra_exchange x = infra_probe_exchange(probe);
    struct infra_probe_result r;

    infra_probe_start(probe, 0, 0);
    x.ops->note(x.self, INFRA_NOTE_CONNECTED, 0, 0);
    for (size_t at = 0; at < size;) {
        size_t count = piece(split, data + at, size - at);
        x.ops->input(x.self, data + at, count, 0);
        at += count;
    }
    x.ops->note(x.self, INFRA_NOTE_EOF, 0, 0);
    if (infra_probe_result(probe, &r) != INFRA_OK) {
        abort();
    }
    return r;
}

/* A strict reader accepts less, with the same status. */
static void check_strictness(const uint8_t *data, size_t size)
{
    struct infra__http_reply strict;
    struct infra__bytes piece, in = { .at = data, .count = size };

    infra__http_reply_start(&strict, 16384, true);
    if (infra__http_reply_next(&strict, &in, &piece) == INFRA__HTTP_HEAD &&
        run(probes[0], data, size, 0).status != strict.status) {
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
        struct infra_probe_result whole = run(probes[i], data, size, 0);
        for (int split = 1; split < 3; split++) {
            struct infra_probe_result r = run(probes[i], data, size, split);
            if (r.reason != whole.reason || r.status != whole.status) {
                abort();
            }
        }
        if ((whole.reason == INFRA_PROBE_REASON_PASSED) !=
            (whole.outcome == INFRA_OUTCOME_OK)) {
            abort();
        }
    }
    return 0;
}
