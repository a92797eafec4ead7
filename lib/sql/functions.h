/* SPDX-License-Identifier: MIT */
/* What the built-in functions do: lists of names, each of one effect. */
#ifndef INFRA_SQL_FUNCTIONS_H
#define INFRA_SQL_FUNCTIONS_H

#include "../base/internal.h"
#include "internal.h"

struct infra__sql_functions {
    const char *const *names; /* Sorted. NULL: behind the last list. */
    uint32_t count;
    uint32_t effect; /* enum effect. */
};

extern const struct infra__sql_functions infra__sql_functions_postgresql[];
extern const struct infra__sql_functions infra__sql_functions_mysql[];

/* slots.c: a name by its hash, or in the next free place behind it: the number
 * of its list, from 1 on, and its place there. 0: none. */
#define INFRA__SQL_PLACE_BITS 10u
#define INFRA__SQL_SLOTS 1024u
extern const uint16_t infra__sql_postgresql_slots[INFRA__SQL_SLOTS];
extern const uint16_t infra__sql_mysql_slots[INFRA__SQL_SLOTS];

/* The slot of a name in any case, by its first eight bytes, its last eight, and
 * its length. Knuth's multiplicative hashing. */
static inline uint32_t infra__sql_slot(const char *name, size_t length)
{
    const char *end = name + length;
    uint64_t bytes = infra__sql_up_to_eight(name, name, end) | INFRA__SQL_FOLD;

    if (length > 8) {
        uint64_t last = infra__sql_eight(end - 8) | INFRA__SQL_FOLD;
        bytes ^= last << 23 | last >> 41;
    }
    return (uint32_t)(((bytes ^ length) * 0x9e3779b97f4a7c15u) >> 54);
}

#endif
