/* SPDX-License-Identifier: MIT */
#include "takeover_memory.h"

#include <infra/driver.h>
#include <string.h>

#define NODES 2u
#define TURN INFRA_MS(1)

struct pair {
    struct infra_driver *driver;
    struct infra_elector *electors[NODES]; /* NULL: it has crashed. */
    struct infra_gate gates[NODES];
    struct infra_lease_cell cell;
    int is_frozen[NODES]; /* Its host asks for no events. */
};

static int start(struct pair *p, uint32_t i, infra_time ttl)
{
    uint64_t incarnation = infra_driver_now() * NODES + i;
    const struct infra_lease_memory_options l = { .size = sizeof l,
                                                  .cell = &p->cell,
                                                  .incarnation = incarnation,
                                                  .ttl = ttl };
    const struct infra_failover_options f = { .size = sizeof f,
                                              .group = "bench",
                                              .node = i == 0 ? "a" : "b",
                                              .gate = &p->gates[i],
                                              .incarnation = incarnation,
                                              .ttl = ttl };
    struct infra_elector_options o = { .size = sizeof o, .failover = &f };
    int err = infra_lease_memory(&o.lease, &l);

    if (err == INFRA_OK) {
        err = infra_elector_create(&p->electors[i], p->driver, &o);
        if (err != INFRA_OK) {
            infra_lease_destroy(o.lease);
        }
    }
    return err;
}

/* Run one turn. */
static int turn(struct pair *p)
{
    struct infra_failover_event e;
    int err = infra_driver_run(p->driver, infra_driver_now() + TURN);

    for (uint32_t i = 0; i < NODES; i++) {
        while (p->electors[i] != NULL && !p->is_frozen[i] &&
               infra_elector_next(p->electors[i], infra_driver_now(), &e) ==
                   INFRA_OK) {
            if (e.kind == INFRA_FAILOVER_EVENT_DRAIN ||
                e.kind == INFRA_FAILOVER_EVENT_DEACTIVATE) {
                (void)infra_failover_drained(
                    infra_elector_machine(p->electors[i]), infra_driver_now());
            }
        }
    }
    return err == INFRA_EAGAIN ? INFRA_OK : err;
}

static int is_open(const struct pair *p, uint32_t i)
{
    uint64_t token;

    return infra_gate_is_open(&p->gates[i], infra_driver_now(), &token);
}

/* Turn until the gate of node @i is open, or @end. */
static int await(struct pair *p, uint32_t i, infra_time end)
{
    int err = INFRA_OK;

    while (err == INFRA_OK && !is_open(p, i)) {
        err = infra_driver_now() < end ? turn(p) : INFRA_EAGAIN;
    }
    return err;
}

static void fail(struct pair *p, uint32_t fault)
{
    switch (fault) {
    case TAKEOVER_CRASH: /* It leaves the lease as it is. */
        infra_elector_destroy(p->electors[0]);
        p->electors[0] = NULL;
        break;
    case TAKEOVER_FREEZE:
        p->is_frozen[0] = 1;
        break;
    default:
        (void)infra_failover_command(infra_elector_machine(p->electors[0]),
                                     INFRA_FAILOVER_COMMAND_STEP_DOWN,
                                     infra_driver_now());
        break;
    }
}

/* The first becomes active, the second joins; after a while, another part of
 * the renewal interval each time, the first fails. */
static int run(struct pair *p, uint32_t fault, infra_time ttl, infra_time *ret)
{
    infra_time now = infra_driver_now();
    infra_time calm = ttl / 3 + now % (ttl / 3);
    int err = start(p, 0, ttl);

    if (err == INFRA_OK) {
        err = await(p, 0, now + 2 * ttl);
    }
    if (err == INFRA_OK) {
        err = start(p, 1, ttl);
    }
    for (infra_time end = infra_driver_now() + calm;
         err == INFRA_OK && infra_driver_now() < end;) {
        err = turn(p);
    }
    if (err != INFRA_OK) {
        return err;
    }
    now = infra_driver_now();
    fail(p, fault);
    err = await(p, 1, now + 3 * ttl);
    *ret = infra_driver_now() - now;
    return err == INFRA_OK && is_open(p, 0) ? INFRA_EAGAIN : err;
}

int takeover_memory(uint32_t fault, infra_time ttl, infra_time *ret)
{
    struct pair p;
    int err;

    memset(&p, 0, sizeof p);
    err = infra_driver_create(&p.driver, NULL);
    if (err != INFRA_OK) {
        return err;
    }
    err = run(&p, fault, ttl, ret);
    for (uint32_t i = 0; i < NODES; i++) {
        infra_elector_destroy(p.electors[i]);
    }
    infra_driver_destroy(p.driver);
    return err;
}
