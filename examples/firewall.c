/* SPDX-License-Identifier: MIT */
/*
 * A firewall inside of a program: rules decide which sources may connect, a
 * rate and a cap hold back those that may.
 *
 *   cc firewall.c $(pkg-config --cflags --libs libinfra) -o firewall
 *   ./firewall
 *
 * The output:
 *
 *   line 2: host bits set
 *   10.0.0.1: deny by default
 *   10.1.2.3: allow by rule 2 (10.1.0.0/16)
 *   10.1.66.1: deny by rule 3 (10.1.66.0/24), over rule 2 (allow 10.1.0.0/16)
 *   2001:db8::1: allow by rule 4 (2001:db8::/32)
 *   six requests of 10.1.2.3: 3 taken, the next in 500 ms
 *   three connections of 10.1.2.3: 2 taken
 */
#include <infra/access.h>
#include <infra/limit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char wrong[] = "default deny\n"
                            "allow 10.1.0.0/8\n";
static const char rules[] = "default deny\n"
                            "allow 10.1.0.0/16\n"
                            "deny  10.1.66.0/24   # the guests' network\n"
                            "allow 2001:db8::/32\n";

static void check(int result)
{
    if (result < 0) {
        fprintf(stderr, "firewall: %s\n", infra_strerror(result));
        exit(EXIT_FAILURE);
    }
}

static struct infra_address source_of(const char *text)
{
    struct infra_address address;

    check(infra_address_parse(text, strlen(text), &address));
    return address;
}

/* A server has the address of accept(); see infra_address_of_socket(). */
static void show(struct infra_access *access,
                 struct infra_access_reader *reader, const char *text)
{
    struct infra_address source = source_of(text);
    char why[200];

    check(infra_access_explain(access, &source, why, sizeof why));
    printf("%s: %s\n", text, why);
    int allowed = infra_access_check(reader, &source, NULL);
    if (allowed != (strncmp(why, "allow", 5) == 0)) {
        exit(EXIT_FAILURE);
    }
}

/* Two requests a second, three at once; two connections. */
static void show_limits(const char *text, infra_time now)
{
    struct infra_limit_table_options options = { .size = sizeof options,
                                                 .connections_max = 2 };
    struct infra_limit_table *table = NULL;
    struct infra_address source = source_of(text);
    struct infra_limit_rate rate;
    infra_time wait = 0;
    uint64_t tickets[3];
    int taken = 0, open = 0;

    check(infra_limit_rate_of(&rate, 2, INFRA_SEC(1), 3));
    options.rate = &rate; /* And a secret of getrandom(), in a server. */
    check(infra_limit_table_create(&table, &options));
    for (int i = 0; i < 6; i++) {
        taken += infra_limit_table_take(table, &source, 1, now, &wait);
    }
    printf("six requests of %s: %d taken, the next in %d ms\n", text, taken,
           (int)(wait / INFRA_MS(1)));
    for (int i = 0; i < 3; i++) {
        open += infra_limit_table_enter(table, &source, &tickets[open]);
    }
    printf("three connections of %s: %d taken\n", text, open);
    while (open > 0) {
        check(infra_limit_table_leave(table, tickets[--open]));
    }
    infra_limit_table_destroy(table);
}

int main(void)
{
    struct infra_access_problem problem;
    struct infra_access *access = NULL;
    struct infra_access_reader *reader = NULL;

    check(infra_access_create(&access, NULL));
    check(infra_access_reader_create(&reader, access)); /* For each thread. */
    if (infra_access_load(access, wrong, strlen(wrong), &problem) != 0) {
        printf("line %u: %s\n", (unsigned)problem.line,
               infra_access_flaw_name(problem.flaw));
    }
    check(infra_access_load(access, rules, strlen(rules), NULL));
    check(infra_access_publish(access));
    show(access, reader, "10.0.0.1");
    show(access, reader, "10.1.2.3");
    show(access, reader, "10.1.66.1");
    show(access, reader, "2001:db8::1");
    show_limits("10.1.2.3", INFRA_SEC(1));
    infra_access_reader_destroy(reader);
    infra_access_destroy(access);
    return EXIT_SUCCESS;
}
