/* SPDX-License-Identifier: MIT */
/* What publish does without memory for a table: marks must become visible all
 * the same. Backends that may get no new work are withdrawn from the published
 * table, and withdrawn ones return to it; all else waits. Readers load these
 * states relaxed, as they do in-flight counts. */
#include "internal.h"

static void withdraw(struct entry *e, uint32_t state)
{
    atomic_store_explicit(&e->state, (uint8_t)state, memory_order_relaxed);
}

/* The state that the entry should have. Where marks are ignored only the
 * operator can take a backend out. */
static uint32_t state_now(const struct infra_balancer *b, const struct entry *e,
                          bool believed)
{
    const struct member *m = &b->members[e->id];

    if (!m->present || m->owner != e->owner) {
        return INFRA_BALANCER_STATE_DOWN;
    }
    if (believed) {
        return member_state(m);
    }
    uint32_t admin = member_admin(m);
    return admin > INFRA_BALANCER_STATE_DEGRADED ? admin : entry_state(e);
}

static void withdraw_from(const struct infra_balancer *b, struct list *list,
                          bool believed)
{
    for (uint32_t i = 0; i < list->count; i++) {
        struct entry *e = &list->entries[i];
        uint32_t state = state_now(b, e, believed && !list->outage);
        bool takes = state <= INFRA_BALANCER_STATE_DEGRADED;
        if (takes != (entry_state(e) <= INFRA_BALANCER_STATE_DEGRADED)) {
            withdraw(e, state);
        }
    }
    atomic_store_explicit(&list->partial, true, memory_order_relaxed);
}

void infra__table_withdraw(struct infra_balancer *b)
{
    struct table *t = b->table;
    bool believed = infra__lists_up_count(b) > 0 ||
                    b->options.outage == INFRA_BALANCER_OUTAGE_REFUSE;

    if (t == NULL) {
        return;
    }
    atomic_store_explicit(&t->plain, false, memory_order_relaxed);
    for (uint32_t l = 0; l < t->lists_count; l++) {
        withdraw_from(b, &t->lists[l], believed);
    }
    for (uint32_t i = 0; i < t->aside.count; i++) {
        struct entry *e = &t->aside.entries[i];
        bool is_down = state_now(b, e, true) == INFRA_BALANCER_STATE_DOWN;
        withdraw(e, is_down ? INFRA_BALANCER_STATE_DOWN
                            : INFRA_BALANCER_STATE_DRAINING);
    }
}
