/* SPDX-License-Identifier: MIT */
/*
 * Map keys to caches by Maglev, in memory. A cache leaves, returns, and another
 * is added: each time, count the keys that move, and so miss.
 *
 *   cc hash_cache.c $(pkg-config --cflags --libs libinfra) -o hash_cache
 *   ./hash_cache
 */
#include <infra/balancer.h>
#include <stdio.h>
#include <stdlib.h>

#define KEYS_COUNT 10000
#define CACHES_COUNT 5 /* The last is added later. */

/* The host's own server table; an id is an index into it. */
static const char *const caches[CACHES_COUNT] = {
    "10.0.0.1:11211", "10.0.0.2:11211", "10.0.0.3:11211",
    "10.0.0.4:11211", "10.0.0.5:11211",
};

/* Each key's last place. */
static int places[KEYS_COUNT];

static int check(int result)
{
    if (result < 0) {
        fprintf(stderr, "hash_cache: %s\n", infra_strerror(result));
        exit(EXIT_FAILURE);
    }
    return result;
}

static void add(struct infra_balancer *balancer, uint32_t id)
{
    struct infra_backend b = { .size = sizeof b, .key = caches[id], .id = id };

    check(infra_balancer_set(balancer, &b, 0));
}

/* The cache of a key such as "user:42". */
static int look_up(struct infra_balancer_reader *reader, int key)
{
    struct infra_ticket ticket;
    char name[32];
    int size = snprintf(name, sizeof name, "user:%d", key);
    struct infra_request request = {
        .hash = infra_xxhash64(name, (size_t)size, 0),
    };
    int id = check(infra_balancer_pick(reader, &request, 0, &ticket));

    /* ... ask it, fill it on a miss ... */
    check(infra_balancer_release(reader, &ticket, INFRA_OUTCOME_OK, 0));
    return id;
}

/* Look all keys up and print how many have moved. */
static int look_up_all(struct infra_balancer *balancer,
                       struct infra_balancer_reader *reader, const char *when)
{
    int counts[CACHES_COUNT] = { 0 };
    int moved = 0;

    check(infra_balancer_publish(balancer, 0));
    for (int key = 0; key < KEYS_COUNT; key++) {
        int id = look_up(reader, key);
        moved += id != places[key];
        places[key] = id;
        counts[id]++;
    }
    printf("%-22s %5d moved; keys per cache:", when, moved);
    for (int id = 0; id < CACHES_COUNT; id++) {
        printf(" %4d", counts[id]);
    }
    printf("\n");
    return moved;
}

int main(void)
{
    struct infra_balancer_options options = {
        .size = sizeof options,
        .policy = infra_balancer_maglev(),
    };
    struct infra_balancer *balancer = NULL;      /* The control side. */
    struct infra_balancer_reader *reader = NULL; /* One per thread. */

    check(infra_balancer_create(&balancer, &options));
    check(infra_balancer_reader_create(&reader, balancer));
    for (uint32_t id = 0; id < CACHES_COUNT - 1; id++) {
        add(balancer, id);
    }
    for (int key = 0; key < KEYS_COUNT; key++) {
        places[key] = -1; /* Nowhere: all caches are cold. */
    }
    look_up_all(balancer, reader, "four caches, cold:");

    /* A health check failed: its keys go elsewhere, all others stay. */
    check(infra_balancer_mark(balancer, 1, INFRA_BALANCER_AXIS_HEALTH,
                              INFRA_BALANCER_STATE_DOWN));
    int left = look_up_all(balancer, reader, "10.0.0.2 goes down:");

    check(infra_balancer_mark(balancer, 1, INFRA_BALANCER_AXIS_HEALTH,
                              INFRA_BALANCER_STATE_UP));
    int returned = look_up_all(balancer, reader, "10.0.0.2 comes back:");

    /* Another table: the new one's share moves, and a few keys besides. */
    add(balancer, CACHES_COUNT - 1);
    int added = look_up_all(balancer, reader, "10.0.0.5 is added:");

    infra_balancer_reader_destroy(reader);
    infra_balancer_destroy(balancer);
    return left == returned && added < KEYS_COUNT / 4 ? EXIT_SUCCESS
                                                      : EXIT_FAILURE;
}
