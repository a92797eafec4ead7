/* SPDX-License-Identifier: MIT */
#include "pool.h"

#include <stdio.h>

int policies_count(void)
{
    uint32_t count = 0;

    while (infra_balancer_policy_name(count) != NULL) {
        count++;
    }
    return (int)count;
}

void pool_open(struct pool *p, const struct infra_balancer_options *options)
{
    struct infra_balancer_options o = { .size = sizeof o };

    if (options != NULL) {
        o = *options;
    }
    test_heap_init(&p->heap, -1);
    o.allocator = &p->heap.allocator;
    ck_assert_int_eq(infra_balancer_create(&p->balancer, &o), INFRA_OK);
    ck_assert_int_eq(infra_balancer_reader_create(&p->reader, p->balancer),
                     INFRA_OK);
}

void pool_close(struct pool *p)
{
    infra_balancer_reader_destroy(p->reader);
    infra_balancer_destroy(p->balancer);
    ck_assert_int_eq(p->heap.live, 0);
}

int pool_set(struct pool *p, uint32_t id, uint32_t weight, uint32_t tier,
             uint32_t cap)
{
    char key[16];

    snprintf(key, sizeof key, "b%u", (unsigned)id);
    struct infra_backend backend = { .size = sizeof backend,
                                     .key = key,
                                     .id = id,
                                     .weight = weight,
                                     .tier = tier,
                                     .in_flight_max = cap };
    return infra_balancer_set(p->balancer, &backend, 0);
}

void pool_fill(struct pool *p, uint32_t count, const uint32_t *weights)
{
    for (uint32_t id = 0; id < count; id++) {
        ck_assert_int_eq(
            pool_set(p, id, weights != NULL ? weights[id] : 1, 0, 0), INFRA_OK);
    }
    pool_publish(p);
}

void pool_mark(struct pool *p, uint32_t id, uint32_t axis, uint32_t state)
{
    ck_assert_int_eq(infra_balancer_mark(p->balancer, id, axis, state),
                     INFRA_OK);
}

void pool_publish(struct pool *p)
{
    ck_assert_int_eq(infra_balancer_publish(p->balancer, 0), INFRA_OK);
}

int pool_pick(struct pool *p, const struct infra_request *request,
              struct infra_ticket *ret)
{
    return infra_balancer_pick(p->reader, request, 0, ret);
}

int pool_once(struct pool *p, const struct infra_request *request)
{
    struct infra_ticket ticket;
    int id = pool_pick(p, request, &ticket);

    if (id >= 0) {
        ck_assert_int_eq(
            infra_balancer_release(p->reader, &ticket, INFRA_OUTCOME_OK, 0),
            INFRA_OK);
    }
    return id;
}

uint64_t pool_in_flight(struct pool *p, uint32_t id)
{
    struct infra_balancer_status stats = { .size = sizeof stats };

    ck_assert_int_eq(infra_balancer_inspect(p->balancer, id, &stats), INFRA_OK);
    return stats.in_flight;
}
