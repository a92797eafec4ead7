/* SPDX-License-Identifier: MIT */
#include "ip_hash_table.h"

uint32_t infra__ip_hash(const uint8_t *address, size_t size, uint32_t before)
{
    uint32_t hash = before;

    for (size_t i = 0; i < (size == 4 ? 3 : size); i++) {
        hash = (hash * 113 + address[i]) % INFRA__IP_HASH_VALUES;
    }
    return hash;
}

/* Deal out the values by weight, round and round. */
void infra__ip_hash_build(uint16_t *table,
                          const struct infra__hash_member *members,
                          uint32_t count)
{
    uint32_t index = 0;
    uint32_t used = 0;

    for (uint32_t value = 0; value < INFRA__IP_HASH_VALUES; value++) {
        if (used == members[index].weight) {
            index = index + 1 < count ? index + 1 : 0;
            used = 0;
        }
        table[value] = (uint16_t)index;
        used++;
    }
}
