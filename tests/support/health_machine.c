/* SPDX-License-Identifier: MIT */
#include "health_machine.h"

struct infra_health *health;
struct test_heap health_heap;

void health_setup(void)
{
    test_heap_init(&health_heap, -1);
    health = NULL;
}

void health_teardown(void)
{
    infra_health_destroy(health);
    ck_assert_int_eq(health_heap.live, 0);
}

void health_create(struct infra_health_options o)
{
    o.size = sizeof o;
    o.allocator = &health_heap.allocator;
    ck_assert_int_eq(infra_health_create(&health, &o), INFRA_OK);
}

void health_set(uint32_t id, const char *key, infra_time now)
{
    ck_assert_int_eq(infra_health_set(health, id, key, now), INFRA_OK);
}

void health_answer(uint64_t call, uint32_t outcome, infra_time now)
{
    ck_assert_int_eq(infra_health_answer(health, call, outcome, 0, now),
                     INFRA_OK);
}

struct infra_health_status health_inspect(uint32_t id)
{
    struct infra_health_status s = { .size = sizeof s };

    ck_assert_int_eq(infra_health_inspect(health, id, &s), INFRA_OK);
    return s;
}

struct infra_health_event health_next(infra_time now)
{
    struct infra_health_event e = { .kind = HEALTH_NOTHING };
    int err = infra_health_next(health, now, &e);

    ck_assert(err == INFRA_OK ||
              (err == INFRA_EAGAIN && e.kind == HEALTH_NOTHING));
    return e;
}

struct infra_health_event health_next_check(void)
{
    struct infra_health_event e = health_next(infra_health_deadline(health));

    ck_assert_uint_eq(e.kind, INFRA_HEALTH_EVENT_CHECK);
    return e;
}
