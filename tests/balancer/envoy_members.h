/* SPDX-License-Identifier: MIT */
/* The hosts of Envoy's tests of rings and of Maglev. */
#ifndef TESTS_BALANCER_ENVOY_MEMBERS_H
#define TESTS_BALANCER_ENVOY_MEMBERS_H

#include "balancer/algorithm/hash_member.h"

static const struct infra__hash_member ports_90[] = {
    { "127.0.0.1:90", 1 }, { "127.0.0.1:91", 1 }, { "127.0.0.1:92", 1 },
    { "127.0.0.1:93", 1 }, { "127.0.0.1:94", 1 }, { "127.0.0.1:95", 1 },
};
static const struct infra__hash_member names_90[] = {
    { "90", 1 }, { "91", 1 }, { "92", 1 }, { "93", 1 }, { "94", 1 }, { "95", 1 }
};

#endif
