/* SPDX-License-Identifier: MIT */
/* The gates of a pair (infra/gate.h) in memory shared by lb_pair and the
 * command that it runs, one for each group.  lb_pair opens and shuts them; the
 * command looks before each side effect, attests its progress, and counts its
 * sessions, so that lb_pair knows when a drain is over.
 *
 * With addresses for each group, a session belongs to the group whose address
 * the client used. */
#ifndef EXAMPLES_SHARED_GATES_H
#define EXAMPLES_SHARED_GATES_H

#include <infra/gate.h>
#include <stdbool.h>
#include <sys/socket.h>

/* Environment variable with the descriptor's number. */
#define SHARED_GATES_VARIABLE "INFRA_GATE_FD"

#define SHARED_GATES_MAX 16u
#define SHARED_ADDRESSES_MAX 8u /* Of one group. */

struct shared_gate {
    struct infra_gate gate;
    /* IPv4 as ::ffff:a.b.c.d. */
    uint8_t addresses[SHARED_ADDRESSES_MAX][16];
    uint32_t addresses_count;
    _Atomic uint32_t is_followed; /* The command looks at all this, */
    _Atomic uint32_t sessions;    /* and these in progress. */
};

struct shared_gates {
    struct shared_gate *gates;
    uint32_t count;
};

/* Create them, all shut.  The descriptor, or -1 with errno set. */
int shared_gates_create(struct shared_gates *ret, uint32_t count);

/* Open those that the environment names.  False: the error is on stderr. */
bool shared_gates_open(struct shared_gates *ret);

void shared_gates_close(struct shared_gates *gates);

/* The group of this address; NULL: none, so that all gates count.  A single
 * group without addresses has every address. */
struct shared_gate *shared_gates_find(const struct shared_gates *gates,
                                      const struct sockaddr_storage *local);

/* Is any gate open? */
bool shared_gates_allow(const struct shared_gates *gates, infra_time now);

/* May new work begin under it? */
bool shared_gates_admit(const struct shared_gates *gates, infra_time now);

#endif
