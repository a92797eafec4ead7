/* SPDX-License-Identifier: MIT */
/* The input is sent by a MySQL server, which then closes. */
#include "fuzz.h"
#include "pieces.h"

#define PROBES_COUNT 5

static struct infra_probe *probes[PROBES_COUNT];

static void create_probes(void)
{
    static const struct infra_probe_mysql_options options[PROBES_COUNT] = {
        { .size = sizeof options[0] },
        { .size = sizeof options[0],
          .user = "check",
          .password = "secret",
          .ask = 1 },
        { .size = sizeof options[0], .user = "check", .lag_max = INFRA_SEC(1) },
        { .size = sizeof options[0], .tls = 1 },
        { .size = sizeof options[0],
          .user = "check",
          .ask = 1,
          .question = "SELECT 1" },
    };

    for (int i = 0; i < PROBES_COUNT; i++) {
        if (infra_probe_mysql(&probes[i], &options[i]) != INFRA_OK) {
            abort();
        }
    }
}

/* Hear the check in one of the splits, and never the farewell, which would end
 * it. */
static void hear(struct infra_exchange x, int split)
{
    const void *bytes;
    size_t size = x.ops->output(x.self, &bytes);

    if (split == 2 && size > 1) {
        x.ops->sent(x.self, size - 1, 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct fuzz_server server = { .serve = hear };

    if (probes[0] == NULL) {
        create_probes();
    }
    for (int i = 0; i < PROBES_COUNT; i++) {
        fuzz_in_pieces(probes[i], data, size, &server);
    }
    return 0;
}
