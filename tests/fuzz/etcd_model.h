/* SPDX-License-Identifier: MIT */
/* An etcd for the fuzzer of lease calls: as much of its gateway as a lease asks
 * for, over keys and leases that run out, with two members of which one may be
 * cut off, elections that begin leases anew, and a quota that is used up. */
#ifndef TESTS_FUZZ_ETCD_MODEL_H
#define TESTS_FUZZ_ETCD_MODEL_H

#include <infra/base.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ETCD_KEYS 8u
#define ETCD_LEASES 64u
#define ETCD_MEMBERS 2u
#define ETCD_TEXT 512u
#define ETCD_TOKENS 4096u

struct etcd_key {
    bool is_there;
    char name[ETCD_TEXT]; /* In base64, as the value is. */
    char value[ETCD_TEXT];
    uint64_t created;
    uint64_t changed;
    uint64_t lease;
    infra_time since; /* It was created then. */
};

struct etcd_lease {
    uint64_t id; /* 0: none. */
    infra_time ttl;
    infra_time expires;
};

struct etcd {
    infra_time now;
    uint64_t revision;
    uint64_t term;
    uint64_t leases_count;
    struct etcd_key keys[ETCD_KEYS];
    struct etcd_lease leases[ETCD_LEASES];
    bool is_full;
    uint32_t
        cut_off; /* This member led, and knows nothing; ETCD_MEMBERS: none. */
    uint64_t old_term; /* Which it believes in. */
    /* When a lease ran out, by the token of the key that was bound to it; 0: it
     * did not. */
    infra_time ended[ETCD_TOKENS];
};

void etcd_init(struct etcd *e, infra_time now);

/* Time passes: leases run out, and take their keys with them. */
void etcd_pass(struct etcd *e, infra_time by);

/* Another leader: the old one, @member, is cut off. */
void etcd_elect(struct etcd *e, uint32_t member);

/* What this member answers to a request, as HTTP. The answer is its size. */
size_t etcd_answer(struct etcd *e, uint32_t member, const char *request,
                   size_t size, char *ret, size_t ret_size);

/* The holder's key; NULL: it is not there. */
const struct etcd_key *etcd_holder(const struct etcd *e);

#endif
