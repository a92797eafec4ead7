/* SPDX-License-Identifier: MIT */
/*
 * Tiers, caps and a retry budget: where a request goes when the first choice is
 * full, tried, draining or down, and how a refusal says why.
 *
 *   cc tiers.c $(pkg-config --cflags --libs libinfra) -o tiers
 *   ./tiers
 *
 * The output:
 *
 *   six at once
 *     main-1
 *     main-2
 *     main-1
 *     main-2
 *     spare (spill) (instead)
 *     refused: every candidate is at its cap
 *   a request that fails everywhere
 *     main-1
 *     main-2 (retry)
 *     spare (retry) (spill) (instead)
 *     refused: every candidate was tried already
 *   a request that fails everywhere
 *     main-1
 *     main-2 (retry)
 *     refused: the retry budget is spent
 *   main-1: draining by admin
 *   main-2: down by health
 *     spare (spill)
 *   spare: down by passive
 *     refused: no backend is up
 */
#include <infra/balancer.h>
#include <stdio.h>
#include <stdlib.h>

/* Two servers, and a spare in the next tier. */
static const struct infra_backend servers[] = {
    { .size = sizeof servers[0], .key = "main-1", .in_flight_max = 2 },
    { .size = sizeof servers[0], .key = "main-2", .id = 1, .in_flight_max = 2 },
    { .size = sizeof servers[0], .key = "spare", .id = 2, .tier = 1 },
};

static int check(int result)
{
    if (result < 0) {
        fprintf(stderr, "tiers: %s\n", infra_strerror(result));
        exit(EXIT_FAILURE);
    }
    return result;
}

/* Pick, and print where it went and why it did not go the usual way. */
static int pick(struct infra_balancer_reader *reader,
                const struct infra_request *request, infra_time now,
                struct infra_ticket *ticket)
{
    int id = infra_balancer_pick(reader, request, now, ticket);

    if (id < 0) {
        printf("  refused: %s\n", infra_strerror(id));
        return id;
    }
    printf("  %s", servers[id].key);
    for (uint32_t bit = 1; bit <= INFRA_TICKET_WHY_WARMING; bit <<= 1) {
        if ((infra_ticket_why(ticket) & bit) != 0) {
            printf(" (%s)", infra_ticket_why_name(bit));
        }
    }
    printf("\n");
    return id;
}

static void release(struct infra_balancer_reader *reader,
                    struct infra_ticket *ticket, uint32_t outcome,
                    infra_time now)
{
    check(infra_balancer_release(reader, ticket, outcome, now));
}

/* Six requests at once: each main server has room for two, the tier of spares
 * for one. */
static void show_caps(struct infra_balancer_reader *reader)
{
    struct infra_ticket tickets[6];
    int ids[6];

    printf("six at once\n");
    for (int i = 0; i < 6; i++) {
        ids[i] = pick(reader, NULL, 0, &tickets[i]);
    }
    for (int i = 0; i < 6; i++) {
        if (ids[i] >= 0) {
            release(reader, &tickets[i], INFRA_OUTCOME_OK, 0);
        }
    }
}

/* One request is tried until every server has failed it, or the budget of
 * retries is spent. */
static void show_retries(struct infra_balancer_reader *reader, infra_time now)
{
    struct infra_ticket ticket;
    uint32_t tried[3];
    struct infra_request request = { .tried = tried };

    printf("a request that fails everywhere\n");
    for (;;) {
        int id = pick(reader, &request, now, &ticket);
        if (id < 0) {
            return;
        }
        release(reader, &ticket, INFRA_OUTCOME_ERROR, now);
        tried[request.tried_count++] = (uint32_t)id;
    }
}

static void mark(struct infra_balancer *balancer, uint32_t id, uint32_t axis,
                 uint32_t state, infra_time now)
{
    printf("%s: %s by %s\n", servers[id].key, infra_balancer_state_name(state),
           infra_balancer_axis_name(axis));
    check(infra_balancer_mark(balancer, id, axis, state));
    check(infra_balancer_publish(balancer, now));
}

static void show_marks(struct infra_balancer *balancer,
                       struct infra_balancer_reader *reader, infra_time now)
{
    struct infra_ticket ticket;

    mark(balancer, 0, INFRA_BALANCER_AXIS_ADMIN, INFRA_BALANCER_STATE_DRAINING,
         now);
    mark(balancer, 1, INFRA_BALANCER_AXIS_HEALTH, INFRA_BALANCER_STATE_DOWN,
         now);
    check(pick(reader, NULL, now, &ticket));
    release(reader, &ticket, INFRA_OUTCOME_OK, now);
    mark(balancer, 2, INFRA_BALANCER_AXIS_PASSIVE, INFRA_BALANCER_STATE_DOWN,
         now);
    (void)pick(reader, NULL, now, &ticket); /* Refused. */
}

int main(void)
{
    const struct infra_balancer_options options = {
        .size = sizeof options,
        .policy = infra_balancer_least_connections(),
        .spill =
            INFRA_BALANCER_SPILL_FULL, /* A full tier passes work on, too. */
        .tier_in_flight_max = { [1] = 1 },
        .retry_min_per_s = 3,
    };
    struct infra_balancer *balancer = NULL;
    struct infra_balancer_reader *reader = NULL;

    check(infra_balancer_create(&balancer, &options));
    check(infra_balancer_reader_create(&reader, balancer));
    check(infra_balancer_sync(balancer, servers, 3, 0));
    check(infra_balancer_publish(balancer, 0));
    show_caps(reader);
    show_retries(reader, INFRA_SEC(1));
    show_retries(reader, INFRA_SEC(1));
    show_marks(balancer, reader, INFRA_SEC(2));
    infra_balancer_reader_destroy(reader);
    infra_balancer_destroy(balancer);
    return EXIT_SUCCESS;
}
