/* SPDX-License-Identifier: MIT */
/*
 * A scheduler of the host's own: backends in our rack first, and those of other
 * racks as soon as ours have `detour` more requests in flight than they have.
 * It has a table (built by publish), options, and a place in the rotation.
 *
 *   cc custom_policy.c $(pkg-config --cflags --libs libinfra) -o custom_policy
 *   ./custom_policy
 *
 * Eight requests begin and none ends; the last line is after a failed check:
 *
 *   request 0 -> a/10.0.0.2:80
 *   request 1 -> a/10.0.0.1:80
 *   request 2 -> a/10.0.0.2:80
 *   request 3 -> a/10.0.0.1:80
 *   request 4 -> a/10.0.0.2:80
 *   request 5 -> b/10.0.1.1:80
 *   request 6 -> a/10.0.0.1:80
 *   request 7 -> a/10.0.0.2:80
 *   a/10.0.0.1:80 is down
 *   request 8 -> b/10.0.1.1:80
 */
#include <infra/balancer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the host may choose.  The balancer copies it, and fills what is missing
 * with zeroes: a sized struct, like all options. */
struct rack_options {
    size_t size;
    char rack[16];   /* Ours. */
    uint32_t detour; /* How many requests a way to another rack costs. */
    uint32_t reserved;
};

/* The table: one byte for each backend, 1 in another rack. */
static size_t rack_table_size(const struct infra_balancer_candidates *c)
{
    return infra_candidates_count(c);
}

/* Runs inside publish; keys are known here and not in a pick. */
static int rack_build(void *table, void *scratch,
                      const struct infra_balancer_candidates *c)
{
    const struct rack_options *options = infra_candidates_options(c);
    size_t size = strlen(options->rack);
    unsigned char *is_far = table;

    (void)scratch;
    for (uint32_t i = 0; i < infra_candidates_count(c); i++) {
        const char *key = infra_candidates_key(c, i);
        is_far[i] = strncmp(key, options->rack, size) != 0 || key[size] != '/';
    }
    return INFRA_OK;
}

/* On the data path: no lock, no allocation.  state[0] is ours, one for each
 * reader and tier: where the next search begins, so that equals take turns. */
static uint32_t rack_pick(const void *table, uint64_t state[4],
                          const struct infra_balancer_candidates *c,
                          uint64_t hash)
{
    const struct rack_options *options = infra_candidates_options(c);
    const unsigned char *is_far = table;
    uint32_t count = infra_candidates_count(c);
    uint64_t best_cost = UINT64_MAX;
    uint32_t best = UINT32_MAX; /* Then the balancer draws one itself. */

    (void)hash;
    for (uint32_t n = 0; n < count; n++) {
        uint32_t i = (uint32_t)((state[0] + n) % count);
        uint64_t cost = infra_candidates_in_flight(c, i) +
                        (is_far[i] != 0 ? options->detour : 0);
        if (infra_candidates_may(c, i) != 0 && cost < best_cost) {
            best_cost = cost;
            best = i;
        }
    }
    state[0] = best == UINT32_MAX ? 0 : best + 1;
    return best;
}

/* Called by create, which passes the error on.  Defaults would go here. */
static int rack_complete(void *options)
{
    const struct rack_options *o = options;
    return o->rack[0] != '\0' && memchr(o->rack, '\0', sizeof o->rack) != NULL
               ? INFRA_OK
               : INFRA_EINVAL;
}

static const struct infra_balancer_policy rack_first = {
    .size = sizeof rack_first,
    .name = "rack-first",
    .table_size = rack_table_size,
    .build = rack_build,
    .pick = rack_pick,
    .needs_load = 1, /* Count what is in flight. */
    .options_size = sizeof(struct rack_options),
    .complete = rack_complete,
};

static const char *const servers[] = { "a/10.0.0.1:80", "a/10.0.0.2:80",
                                       "b/10.0.1.1:80" };

static int check(int result)
{
    if (result < 0) {
        fprintf(stderr, "custom_policy: %s\n", infra_strerror(result));
        exit(EXIT_FAILURE);
    }
    return result;
}

static void begin(struct infra_balancer_reader *reader, int request,
                  struct infra_ticket *ticket)
{
    int id = check(infra_balancer_pick(reader, NULL, 0, ticket));
    printf("request %d -> %s\n", request, servers[id]);
}

int main(void)
{
    const struct rack_options rack = { .size = sizeof rack,
                                       .rack = "a",
                                       .detour = 2 };
    const struct infra_balancer_options options = { .size = sizeof options,
                                                    .policy = &rack_first,
                                                    .policy_options = &rack };
    struct infra_balancer *balancer = NULL;
    struct infra_balancer_reader *reader = NULL;
    struct infra_ticket tickets[9];

    check(infra_balancer_create(&balancer, &options));
    check(infra_balancer_reader_create(&reader, balancer));
    for (uint32_t id = 0; id < 3; id++) {
        const struct infra_backend b = { .size = sizeof b,
                                         .key = servers[id],
                                         .id = id };
        check(infra_balancer_set(balancer, &b, 0));
    }
    check(infra_balancer_publish(balancer, 0));

    for (int request = 0; request < 8; request++) {
        begin(reader, request, &tickets[request]);
    }
    /* Health, caps, tried ids and tiers are the balancer's: a policy sees only
     * the backends that are left. */
    check(infra_balancer_mark(balancer, 0, INFRA_BALANCER_AXIS_HEALTH,
                              INFRA_BALANCER_STATE_DOWN));
    check(infra_balancer_publish(balancer, 0));
    printf("%s is down\n", servers[0]);
    begin(reader, 8, &tickets[8]);

    for (int i = 0; i < 9; i++) {
        check(infra_balancer_release(reader, &tickets[i], INFRA_OUTCOME_OK, 0));
    }
    infra_balancer_reader_destroy(reader);
    infra_balancer_destroy(balancer);
    return EXIT_SUCCESS;
}
