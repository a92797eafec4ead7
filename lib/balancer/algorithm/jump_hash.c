/* SPDX-License-Identifier: MIT */
#include "jump_hash.h"

/* With doubles, as published: one division and one multiplication, each rounded
 * once, with exact operands; nothing that a compiler may contract. So IEEE
 * arithmetic (FLT_EVAL_METHOD 0) gives the same bits everywhere. */
uint32_t infra__jump(uint64_t hash, uint32_t count)
{
    uint64_t member = 0;
    uint64_t next = 0;

    while (next < count) {
        member = next;
        hash = hash * 2862933555777941757u + 1;
        double stretch = 2147483648.0 / (double)((hash >> 33) + 1);
        next = (uint64_t)((double)(member + 1) * stretch);
    }
    return (uint32_t)member;
}
