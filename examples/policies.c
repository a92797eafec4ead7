/* SPDX-License-Identifier: MIT */
/*
 * Compare policies on the same twenty requests and four backends of weights 4,
 * 3, 2, 1. The first backend, "a", is down from the eleventh request on; the
 * keys of the first ten requests then repeat, so that hash policies show which
 * keys move. Arguments: names of policies; without any, all policies.
 *
 *   cc policies.c $(pkg-config --cflags --libs libinfra) -o policies
 *   ./policies smooth-weighted maglev
 */
#include <infra/balancer.h>
#include <stdio.h>
#include <stdlib.h>

#define PICKS_COUNT 20
#define DOWN_FROM 10
#define BACKENDS_COUNT 4
#define IN_FLIGHT 4 /* Requests in progress at any time. */

/* The host's own server table; an id is an index into it. */
static const char *const names[BACKENDS_COUNT] = { "a", "b", "c", "d" };

static int check(int result)
{
    if (result < 0) {
        fprintf(stderr, "policies: %s\n", infra_strerror(result));
        exit(EXIT_FAILURE);
    }
    return result;
}

/* A request is over: a millisecond to the first byte. */
static void finish(struct infra_balancer_reader *reader,
                   struct infra_ticket *ticket, infra_time now)
{
    check(infra_balancer_report(reader, ticket, INFRA_OUTCOME_OK, INFRA_MS(1)));
    check(infra_balancer_release(reader, ticket, INFRA_OUTCOME_OK, now));
}

/* Answer Prequal's probes: how busy is each backend? A host asks the backends
 * over the network; here the answer is the number of our requests that each
 * has, and a latency of a millisecond. The other policies have no probes. */
static void answer_probes(struct infra_balancer_reader *reader,
                          const uint32_t *in_flight, infra_time now)
{
    struct infra_balancer_probe probes[INFRA_BALANCER_PROBES_MAX];
    int count = check(infra_balancer_probes_next(reader, now, probes,
                                                 INFRA_BALANCER_PROBES_MAX));

    for (int i = 0; i < count; i++) {
        check(infra_balancer_probe_answer(
            reader, &probes[i], in_flight[probes[i].id], INFRA_MS(1), now));
    }
}

/* Print the line of twenty picks. */
static void pick_all(struct infra_balancer *balancer,
                     struct infra_balancer_reader *reader)
{
    struct infra_ticket tickets[IN_FLIGHT];
    uint32_t in_flight[BACKENDS_COUNT] = { 0 };
    int ids[IN_FLIGHT];

    for (uint64_t i = 0; i < PICKS_COUNT; i++) {
        uint64_t key = i % DOWN_FROM;
        infra_time now = INFRA_MS(i);
        struct infra_request request = {
            .hash = infra_xxhash64(&key, sizeof key, 0),
        };
        struct infra_ticket *ticket = &tickets[i % IN_FLIGHT];

        if (i >= IN_FLIGHT) { /* The oldest makes room. */
            finish(reader, ticket, now);
            in_flight[ids[i % IN_FLIGHT]]--;
        }
        if (i == DOWN_FROM) {
            check(infra_balancer_mark(balancer, 0, INFRA_BALANCER_AXIS_HEALTH,
                                      INFRA_BALANCER_STATE_DOWN));
            check(infra_balancer_publish(balancer, now));
            printf(" |");
        }
        int id = check(infra_balancer_pick(reader, &request, now, ticket));
        printf(" %s", names[id]);
        in_flight[id]++;
        ids[i % IN_FLIGHT] = id;
        answer_probes(reader, in_flight, now);
    }
    for (int i = 0; i < IN_FLIGHT; i++) {
        finish(reader, &tickets[i], INFRA_MS(PICKS_COUNT));
    }
    printf("\n");
}

static void show(const struct infra_balancer_policy *policy)
{
    struct infra_balancer_options options = {
        .size = sizeof options,
        .policy = policy,
    };
    struct infra_balancer *balancer = NULL;      /* The control side. */
    struct infra_balancer_reader *reader = NULL; /* One per thread. */

    check(infra_balancer_create(&balancer, &options));
    check(infra_balancer_reader_create(&reader, balancer));
    for (uint32_t id = 0; id < BACKENDS_COUNT; id++) {
        struct infra_backend b = {
            .size = sizeof b,
            .key = names[id],
            .id = id,
            .weight = BACKENDS_COUNT - id,
        };
        check(infra_balancer_set(balancer, &b, 0));
    }
    check(infra_balancer_publish(balancer, 0));
    printf("%-20s", policy->name);
    pick_all(balancer, reader);
    infra_balancer_reader_destroy(reader);
    infra_balancer_destroy(balancer);
}

int main(int argc, char **argv)
{
    const char *name;

    for (int i = 1; i < argc; i++) {
        const struct infra_balancer_policy *policy =
            infra_balancer_policy_by_name(argv[i]);
        if (policy == NULL) {
            fprintf(stderr, "policies: no policy is called \"%s\"\n", argv[i]);
            return 2;
        }
        show(policy);
    }
    for (uint32_t i = 0; argc == 1 && (name = infra_balancer_policy_name(i));
         i++) {
        show(infra_balancer_policy_by_name(name));
    }
    return EXIT_SUCCESS;
}
