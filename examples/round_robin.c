/* SPDX-License-Identifier: MIT */
/*
 * Ten requests over three backends, in memory: the whole life of a request.
 *
 *   cc round_robin.c $(pkg-config --cflags --libs libinfra) -o round_robin
 *   ./round_robin
 */
#include <infra/balancer.h>
#include <stdio.h>
#include <stdlib.h>

/* The host's own server table; an id is an index into it. */
static const char *const servers[] = { "10.0.0.1:80", "10.0.0.2:80",
                                       "10.0.0.3:80" };

static int check(int result)
{
    if (result < 0) {
        fprintf(stderr, "round_robin: %s\n", infra_strerror(result));
        exit(EXIT_FAILURE);
    }
    return result;
}

int main(void)
{
    struct infra_balancer *balancer = NULL;      /* The control side. */
    struct infra_balancer_reader *reader = NULL; /* One per thread. */
    infra_time now = 0; /* A real host passes its monotonic clock. */

    check(infra_balancer_create(&balancer, NULL));
    check(infra_balancer_reader_create(&reader, balancer));
    for (uint32_t id = 0; id < 3; id++) {
        struct infra_backend b = { .size = sizeof b,
                                   .key = servers[id],
                                   .id = id };
        check(infra_balancer_set(balancer, &b, now));
    }
    check(infra_balancer_publish(balancer, now));

    for (int request = 0; request < 10; request++) {
        struct infra_ticket ticket;

        if (request == 5) { /* A health check failed, say. */
            check(infra_balancer_mark(balancer, 1, INFRA_BALANCER_AXIS_HEALTH,
                                      INFRA_BALANCER_STATE_DOWN));
            check(infra_balancer_publish(balancer, now));
        }
        int id = check(infra_balancer_pick(reader, NULL, now, &ticket));
        printf("request %d -> %s\n", request, servers[id]);
        /* ... connect to it, send the request, read the reply ... */
        check(infra_balancer_release(reader, &ticket, INFRA_OUTCOME_OK, now));
    }
    infra_balancer_reader_destroy(reader);
    infra_balancer_destroy(balancer);
    return EXIT_SUCCESS;
}
