/* SPDX-License-Identifier: MIT */
#include "static_stride.h"

#include "../../base/random.h"

#define K 65535u

void infra__static_stride_scale(uint16_t *ret_scaled, const struct list *list)
{
    const uint64_t total = list->weight_total;
    const uint64_t count = list->count;
    uint64_t greatest = 0;

    for (uint32_t i = 0; i < count; i++) {
        uint64_t w = list->entries[i].weight;
        greatest = w > greatest ? w : greatest;
    }
    /* In units of 1 / count, so that the mean is exact: it is the total. */
    uint64_t high = 10 * total;
    uint64_t top = greatest * count < high ? greatest * count : high;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t w = list->entries[i].weight * count;
        w = w > top ? top : w;
        w = 100 * w < total ? total / 100 : w;
        /* Rounded. top <= 2^36, so this fits. */
        uint64_t scaled = (w * K + top / 2) / top;
        ret_scaled[i] = (uint16_t)(scaled > 0 ? scaled : 1);
    }
}

uint32_t infra__static_stride_next(const uint16_t *scaled, uint32_t count,
                                   uint64_t position[2])
{
    uint64_t i = position[0];
    uint64_t g = position[1];

    if (i >= count || g >= K) {
        i %= count;
        g %= K;
    }
    /* Ends within two rounds: the greatest weight is K, which always
     * accepts. */
    for (;;) {
        uint32_t now = (uint32_t)i;
        uint64_t place = (scaled[now] * g + now * (uint64_t)(K / 2)) % K;
        bool accept = place >= K - scaled[now];
        if (++i == count) {
            i = 0;
            g = g + 1 == K ? 0 : g + 1;
        }
        if (accept) {
            position[0] = i;
            position[1] = g;
            return now;
        }
    }
}

uint32_t infra__static_stride_pick(const uint16_t *scaled,
                                   const struct infra_balancer_candidates *c,
                                   uint64_t position[2], uint64_t *sequence)
{
    if (c->request->eligible == NULL) {
        uint32_t index =
            infra__static_stride_next(scaled, c->list->count, position);
        if (candidate_may(c, index)) {
            return index;
        }
    }
    return infra__candidates_draw(c, *sequence += INFRA__WEYL, NO_INDEX, true);
}
