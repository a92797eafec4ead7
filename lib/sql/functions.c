/* SPDX-License-Identifier: MIT */
/* Looking up a built-in function, by a hash of its name. O(length). */
#include "functions.h"

#include "../base/characters.h"

/* A letter in upper case is its lower one; nothing else is the same, since a
 * name in quotes may have any bytes. */
static bool is_name(const char *name, size_t length, const char *known)
{
    for (size_t i = 0; i < length; i++) {
        if (infra__lower((unsigned char)name[i]) != (unsigned char)known[i]) {
            return false;
        }
    }
    return known[length] == '\0';
}

enum effect infra__sql_function(bool is_mysql, const char *name, size_t length)
{
    const struct infra__sql_functions *lists =
        is_mysql ? infra__sql_functions_mysql : infra__sql_functions_postgresql;
    const uint16_t *slots =
        is_mysql ? infra__sql_mysql_slots : infra__sql_postgresql_slots;
    uint32_t slot = infra__sql_slot(name, length);

    for (; slots[slot] != 0; slot = (slot + 1) % INFRA__SQL_SLOTS) {
        const struct infra__sql_functions *list =
            &lists[(slots[slot] >> INFRA__SQL_PLACE_BITS) - 1];
        uint32_t place = slots[slot] & ((1u << INFRA__SQL_PLACE_BITS) - 1);
        if (is_name(name, length, list->names[place])) {
            return (enum effect)list->effect;
        }
    }
    return EFFECT_UNKNOWN;
}
