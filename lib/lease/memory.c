/* SPDX-License-Identifier: MIT */
/* A lease in memory: a cell, with faults for tests. */
#include "memory.h"

#include "../base/internal.h"

INFRA__NO_TAIL_PADDING(struct infra_lease_memory_options, ttl);

struct cell {
    struct infra__lease_cell cell;
    uint32_t loses_reply;
    uint32_t loses_call;
};
_Static_assert(sizeof(struct cell) <= sizeof(struct infra_lease_cell),
               "the host has room for it");

struct memory {
    struct infra_lease lease; /* First: it is a lease. */
    struct cell *cell;
};

static struct cell *cell_of(struct infra_lease_cell *cell)
{
    return (struct cell *)(void *)cell;
}

static void memory_begin(struct infra_lease *lease, infra_time now)
{
    struct cell *c = ((struct memory *)lease)->cell;

    if (c->loses_call != 0) {
        c->loses_call = 0;
        return;
    }
    struct infra_lease_answer a = infra__lease_cell_do(&c->cell, lease, now);
    if (c->loses_reply != 0) {
        c->loses_reply = 0;
    } else if (a.outcome == INFRA_LEASE_OUTCOME_UNKNOWN) {
        infra__lease_unknown(lease, INFRA_LEASE_REASON_OURS, 0);
    } else {
        infra__lease_answer(lease, &a);
    }
}

static void memory_begin_record(struct infra_lease *lease, infra_time now)
{
    struct cell *c = ((struct memory *)lease)->cell;

    if (c->loses_call != 0) {
        c->loses_call = 0;
        return;
    }
    uint32_t outcome = infra__lease_cell_record(&c->cell, lease, now);
    if (c->loses_reply != 0) {
        c->loses_reply = 0;
    } else {
        infra__lease_answer_record(lease, outcome);
    }
}

static const struct infra__lease_kind memory_kind = { .begin = memory_begin,
                                                      .begin_record =
                                                          memory_begin_record };

static int complete(void *options)
{
    const struct infra_lease_memory_options *o = options;

    return o->cell != NULL ? INFRA_OK : INFRA_EINVAL;
}

int infra_lease_memory(struct infra_lease **ret,
                       const struct infra_lease_memory_options *options)
{
    struct infra_lease_memory_options o = { .size = sizeof o };
    int err =
        ret != NULL ? infra__options_take(&o, options, complete) : INFRA_EINVAL;
    struct infra_lease *lease =
        infra__lease_create(&err, sizeof(struct memory), &memory_kind,
                            o.allocator, o.incarnation, o.ttl);

    if (lease == NULL) {
        return err;
    }
    ((struct memory *)lease)->cell = cell_of(o.cell);
    *ret = lease;
    return INFRA_OK;
}

void infra__lease_memory_fault(struct infra_lease_cell *cell,
                               enum infra__lease_fault fault)
{
    struct cell *c = cell_of(cell);

    switch (fault) {
    case INFRA__LEASE_FAULT_LOSE_REPLY:
        c->loses_reply = 1;
        break;
    case INFRA__LEASE_FAULT_LOSE_CALL:
        c->loses_call = 1;
        break;
    case INFRA__LEASE_FAULT_EXPIRE:
        if (c->cell.holder != 0) {
            infra__lease_cell_revoke(&c->cell);
        }
        break;
    case INFRA__LEASE_FAULT_REGRESS:
        c->cell.last_token = 0;
        c->cell.is_forgetful = 1;
        break;
    }
}
