/* SPDX-License-Identifier: MIT */
/* The fence at the resource (Burrows 2006, Kleppmann 2016): the greatest token
 * seen, raised by compare and exchange. A resource that links it links nothing
 * else of the module. */
#include <infra/gate.h>

#include <stdatomic.h>

struct fence {
    _Atomic uint64_t token;
    uint64_t reserved;
};
_Static_assert(sizeof(struct fence) == sizeof(struct infra_fence), "one size");

int infra_fence_admit(struct infra_fence *fence, uint64_t token)
{
    _Atomic uint64_t *greatest = &((struct fence *)(void *)fence)->token;

    if (token == 0) {
        return INFRA_EINVAL;
    }
    /* Acquire and release: the holder of a newer token sees all that was done
     * under the older ones; later holders of those are refused. */
    uint64_t seen = atomic_load_explicit(greatest, memory_order_acquire);
    while (seen < token) {
        if (atomic_compare_exchange_weak_explicit(greatest, &seen, token,
                                                  memory_order_acq_rel,
                                                  memory_order_acquire)) {
            return INFRA_OK;
        }
    }
    return seen == token ? INFRA_OK : INFRA_ESTALE;
}

uint64_t infra_fence_token(const struct infra_fence *fence)
{
    return atomic_load_explicit(
        &((const struct fence *)(const void *)fence)->token,
        memory_order_acquire);
}
