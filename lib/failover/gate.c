/* SPDX-License-Identifier: MIT */
/* The gate: three words that the machine writes and workers read, and on
 * another cache line a word that workers write. The gate is shut whenever the
 * token changes:
 *
 *   machine                        worker
 *   store(token)         relaxed   load(until)  acquire
 *   store(until)         release   load(token)  relaxed
 *
 * A worker that reads the end of a term reads its token or a later one. The
 * same holds for the end of new work. */
#include "internal.h"

#include <stdatomic.h>

#define ATTEST_STEP (1u << 20) /* Nanoseconds between two writes. */

struct gate {
    _Atomic uint64_t until;
    _Atomic uint64_t token;
    _Atomic uint64_t new_until; /* End of new work; 0: the node drains. */
    uint64_t reserved[5];
    _Atomic uint64_t attested;
    uint64_t reserved1[7];
};
_Static_assert(sizeof(struct gate) == sizeof(struct infra_gate), "one size");

static struct gate *words_of(struct infra_gate *gate)
{
    return (struct gate *)(void *)gate;
}

static const struct gate *const_words_of(const struct infra_gate *gate)
{
    return (const struct gate *)(const void *)gate;
}

void infra__gate_shut(struct infra_gate *gate)
{
    struct gate *w = words_of(gate);

    atomic_store_explicit(&w->new_until, 0, memory_order_release);
    atomic_store_explicit(&w->until, 0, memory_order_release);
}

void infra__gate_set(struct infra_gate *gate, uint64_t token, infra_time until,
                     bool drains)
{
    struct gate *w = words_of(gate);

    atomic_store_explicit(&w->token, token, memory_order_relaxed);
    atomic_store_explicit(&w->until, until, memory_order_release);
    atomic_store_explicit(&w->new_until, drains ? 0 : until,
                          memory_order_release);
}

static int is_before(const struct gate *w, const _Atomic uint64_t *end,
                     infra_time now, uint64_t *ret_token)
{
    infra_time until = atomic_load_explicit(end, memory_order_acquire);

    if (now >= until && (RULE(GATE) || until == 0)) {
        return 0;
    }
    if (ret_token != NULL) {
        *ret_token = atomic_load_explicit(&w->token, memory_order_relaxed);
    }
    return 1;
}

int infra_gate_is_open(const struct infra_gate *gate, infra_time now,
                       uint64_t *ret_token)
{
    const struct gate *w = const_words_of(gate);

    return is_before(w, &w->until, now, ret_token);
}

int infra_gate_admits(const struct infra_gate *gate, infra_time now,
                      uint64_t *ret_token)
{
    const struct gate *w = const_words_of(gate);

    return is_before(w, &w->new_until, now, ret_token);
}

void infra_gate_attest(struct infra_gate *gate, infra_time now)
{
    _Atomic uint64_t *attested = &words_of(gate)->attested;

    /* Relaxed: a time, which orders nothing. It is written if it differs by
     * more than a step, also when the clock stepped back. */
    infra_time last = atomic_load_explicit(attested, memory_order_relaxed);
    if ((now > last ? now - last : last - now) > ATTEST_STEP) {
        atomic_store_explicit(attested, now, memory_order_relaxed);
    }
}

infra_time infra__gate_attested(const struct infra_gate *gate)
{
    return atomic_load_explicit(&const_words_of(gate)->attested,
                                memory_order_relaxed);
}

static const char *const outcomes[] = {
    [INFRA_ORDER_DONE] = "done",
    [INFRA_ORDER_FAILED] = "failed",
    [INFRA_ORDER_UNKNOWN] = "unknown",
};

const char *infra_order_outcome_name(uint32_t outcome)
{
    return INFRA__NAME(outcomes, outcome);
}
