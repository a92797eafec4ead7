/* SPDX-License-Identifier: MIT */
/* The input is sent by a Redis server, which then closes. */
#include "fuzz.h"
#include "pieces.h"

#include <infra/probe.h>
#include <stdlib.h>

#define PROBES_COUNT 6

static struct infra_probe *probes[PROBES_COUNT];

static void create_probes(void)
{
    static const struct infra_probe_redis_options options[PROBES_COUNT] = {
        { .size = sizeof options[0] },
        { .size = sizeof options[0], .ask = 1 },
        { .size = sizeof options[0], .password = "secret", .ask = 1 },
        { .size = sizeof options[0], .expect = INFRA_PROBE_ROLE_REPLICA },
        { .size = sizeof options[0], .ask = 1, .question = "GET a" },
        { .size = sizeof options[0], .question = "GET a", .answer_min = 2 },
    };

    for (int i = 0; i < PROBES_COUNT; i++) {
        if (infra_probe_redis(&probes[i], &options[i]) != INFRA_OK) {
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (probes[0] == NULL) {
        create_probes();
    }
    for (int i = 0; i < PROBES_COUNT; i++) {
        fuzz_in_pieces(probes[i], data, size, NULL);
    }
    return 0;
}
