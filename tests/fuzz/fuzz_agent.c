/* SPDX-License-Identifier: MIT */
/* The input is sent by an agent, which then closes. */
#include "fuzz.h"
#include "pieces.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct infra_probe *probe;

    if (probe == NULL && infra_probe_agent(&probe, NULL) != INFRA_OK) {
        abort();
    }
    fuzz_in_pieces(probe, data, size, NULL);
    return 0;
}
