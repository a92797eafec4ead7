/* SPDX-License-Identifier: MIT */
/* Looking up a built-in function: O(log n) for each list, the longest first. */
#include "functions.h"

#include "../base/characters.h"

/* Below, equal or above, as the table is sorted. Names are ASCII; a letter in
 * upper case is its lower one. */
static int compare(const char *name, uint32_t length, const char *known)
{
    for (uint32_t i = 0; i < length; i++) {
        int c = infra__lower((unsigned char)name[i]);
        if (c != (unsigned char)known[i]) {
            return c < (unsigned char)known[i] ? -1 : 1;
        }
    }
    return known[length] == '\0' ? 0 : -1;
}

static bool is_in(const struct infra__sql_functions *list, const char *name,
                  uint32_t length)
{
    uint32_t low = 0;
    uint32_t high = list->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = compare(name, length, list->names[middle]);
        if (order == 0) {
            return true;
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return false;
}

enum effect infra__sql_function(bool is_mysql, const char *name,
                                uint32_t length)
{
    const struct infra__sql_functions *list =
        is_mysql ? infra__sql_functions_mysql : infra__sql_functions_postgresql;

    while (list->names != NULL && !is_in(list, name, length)) {
        list++;
    }
    return (enum effect)list->effect;
}
