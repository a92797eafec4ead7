/* SPDX-License-Identifier: MIT */
/* The input is sent by a PostgreSQL server, which then closes. The recorded
 * logins in the corpus are those of a first check with the password "pw", so
 * each run is a first check. */
#include "fuzz.h"
#include "pieces.h"

#include "../../lib/probe/pgsql/pgsql.h"

#define PROBES_COUNT 5

static struct infra_probe *probes[PROBES_COUNT];

static void create_probes(void)
{
    static const struct infra_probe_pgsql_options options[PROBES_COUNT] = {
        { .size = sizeof options[0] },
        { .size = sizeof options[0], .password = "pw", .ask = 1 },
        { .size = sizeof options[0],
          .password = "pw",
          .expect = INFRA_PROBE_ROLE_REPLICA,
          .lag_max = INFRA_MS(500),
          .allow_cleartext_password = 1 },
        { .size = sizeof options[0], .password = "pw", .ask = 1, .tls = 1 },
        { .size = sizeof options[0], .ask = 1, .question = "select 1" },
    };

    for (int i = 0; i < PROBES_COUNT; i++) {
        if (infra_probe_pgsql(&probes[i], &options[i]) != INFRA_OK) {
            abort();
        }
    }
}

static void forget(struct infra_probe *probe)
{
    struct infra__pgsql *p = (struct infra__pgsql *)probe;

    p->login.number = 0;
    p->memory.is_set = false;
}

/* The reply about TLS is one byte, and the rest would be stray bytes. */
static bool begins_alone(const struct infra_probe *probe)
{
    return ((const struct infra__pgsql *)probe)->wants_tls;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct fuzz_server server = { .forget = forget,
                                               .begins_alone = begins_alone };

    if (probes[0] == NULL) {
        create_probes();
    }
    for (int i = 0; i < PROBES_COUNT; i++) {
        fuzz_in_pieces(probes[i], data, size, &server);
    }
    return 0;
}
