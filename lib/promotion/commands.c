/* SPDX-License-Identifier: MIT */
/* Commands of the operator. */
#include "internal.h"

/* Without loss: the primary and the replicas that acknowledge are there. With
 * fewer replicas the primary might have been replaced without knowing. */
static int switch_over(struct infra_promotion *p, uint32_t id)
{
    uint32_t followers = 0;

    for (uint32_t i = 0; i < p->o.nodes_max; i++) {
        followers += is_fresh(p, i) && p->nodes[i].source == p->primary &&
                     has_flag(&p->nodes[i], FLAG(SYNC)) &&
                     !has_flag(&p->nodes[i], FLAG(APART));
    }
    bool is_possible = p->step == STEP(WATCH) && !p->is_token_used &&
                       p->primary != NO_NODE && is_writable(p, p->primary) &&
                       !has_flag(&p->nodes[p->primary], FLAG(QUARANTINED)) &&
                       followers >= p->o.sync_acks;
    if (!is_possible || id == p->primary || !infra__promotion_may_lead(p, id) ||
        p->nodes[id].is_deposed ||
        (p->o.sync_acks > 0 && !has_flag(&p->nodes[id], FLAG(SYNC)))) {
        return INFRA_EBUSY;
    }
    infra__promotion_become(p, WHY(COMMAND), id);
    return INFRA_OK;
}

static int abort_switchover(struct infra_promotion *p)
{
    if (p->step != STEP(STOPPING) && p->step != STEP(CATCHING_UP)) {
        return INFRA_EBUSY;
    }
    infra__promotion_become(p, WHY(COMMAND), p->primary);
    return INFRA_OK;
}

static int force(struct infra_promotion *p, uint32_t id)
{
    if (p->step == STEP(WAITING) && !p->is_token_used) {
        p->is_impatient = true;
        return INFRA_OK;
    }
    if (p->step != STEP(HELD) || !infra__promotion_may_lead(p, id) ||
        !p->nodes[id].is_detached) {
        return INFRA_EBUSY;
    }
    infra__promotion_become(p, WHY(COMMAND), id);
    return INFRA_OK;
}

static int admit(struct infra_promotion *p, uint32_t id)
{
    if (is_idle(p) || !has_flag(&p->nodes[id], FLAG(APART))) {
        return INFRA_EBUSY;
    }
    infra__promotion_set_apart(p, id, false);
    return INFRA_OK;
}

int infra_promotion_command(struct infra_promotion *promotion, uint32_t command,
                            uint32_t id, infra_time now)
{
    struct infra_promotion *p = promotion;
    int err = INFRA_OK;

    if (p == NULL || command > INFRA_PROMOTION_COMMAND_ADMIT) {
        return INFRA_EINVAL;
    }
    if ((command == INFRA_PROMOTION_COMMAND_SWITCHOVER ||
         command == INFRA_PROMOTION_COMMAND_FORCE ||
         command == INFRA_PROMOTION_COMMAND_ADMIT) &&
        !is_node(p, id)) {
        return INFRA_ENOENT;
    }
    infra__promotion_advance(p, now);
    switch (command) {
    case INFRA_PROMOTION_COMMAND_SWITCHOVER:
        err = switch_over(p, id);
        break;
    case INFRA_PROMOTION_COMMAND_ABORT:
        err = abort_switchover(p);
        break;
    case INFRA_PROMOTION_COMMAND_FORCE:
        err = force(p, id);
        break;
    case INFRA_PROMOTION_COMMAND_ADMIT:
        err = admit(p, id);
        break;
    default:
        p->is_paused = command == INFRA_PROMOTION_COMMAND_PAUSE;
        break;
    }
    infra__promotion_advance(p, now);
    return err;
}
