/* SPDX-License-Identifier: MIT */
/* Prints the table of failover's roles as a Mermaid diagram: the block of the
 * README, which tests/abi/readme_diagram.sh holds against it. */
#include "failover/transitions.h"

#include <stdio.h>
#include <stdlib.h>

/* A role as an identifier, which has no hyphen. */
static void print_id(uint32_t role)
{
    for (const char *c = infra_failover_role_name(role); *c != '\0'; c++) {
        if (*c != '-') {
            putchar(*c);
        }
    }
}

/* One arrow for all reasons that lead from one role to another. */
static void print_arrow(const struct infra__transition_row *rows, size_t count,
                        size_t first)
{
    const char *separator = " : ";

    printf("    ");
    print_id(rows[first].from);
    printf(" --> ");
    print_id(rows[first].to);
    for (size_t i = first; i < count; i++) {
        if (rows[i].from == rows[first].from && rows[i].to == rows[first].to) {
            printf("%s%s", separator,
                   infra_failover_reason_name(rows[i].reason));
            separator = ", ";
        }
    }
    printf("\n");
}

int main(void)
{
    size_t count;
    const struct infra__transition_row *rows = infra__transitions(&count);

    printf("stateDiagram-v2\n    [*] --> ");
    print_id(INFRA_FAILOVER_ROLE_STANDBY);
    printf("\n");
    for (size_t i = 0; i < count; i++) {
        size_t k = 0;
        while (rows[k].from != rows[i].from || rows[k].to != rows[i].to) {
            k++;
        }
        if (k == i) { /* The first of its arrow. */
            print_arrow(rows, count, i);
        }
    }
    return EXIT_SUCCESS;
}
