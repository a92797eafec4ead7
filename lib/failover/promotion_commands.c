/* SPDX-License-Identifier: MIT */
/* What the operator says. */
#include "promotion.h"

/* Without loss: the primary is there, and so are those who acknowledge; with
 * fewer it might be one that was replaced and does not know. */
static int switch_over(struct infra_promotion *p, uint32_t node)
{
    uint32_t followers = 0;

    for (uint32_t i = 0; i < p->o.nodes_max; i++) {
        followers += is_fresh(p, i) && p->nodes[i].source == p->primary &&
                     has_flag(&p->nodes[i], INFRA_PROMOTION_SYNC) &&
                     !has_flag(&p->nodes[i], INFRA_PROMOTION_APART);
    }
    bool is_possible =
        p->step == INFRA_PROMOTION_WATCH && !p->is_spent &&
        p->primary != NOBODY && is_writable(p, p->primary) &&
        !has_flag(&p->nodes[p->primary], INFRA_PROMOTION_QUARANTINED) &&
        followers >= p->o.sync_acks;
    if (!is_possible || node == p->primary ||
        !infra__promotion_may_lead(p, node) || p->nodes[node].is_deposed ||
        (p->o.sync_acks > 0 &&
         !has_flag(&p->nodes[node], INFRA_PROMOTION_SYNC))) {
        return INFRA_EBUSY;
    }
    infra__promotion_become(p, INFRA_PROMOTION_REASON_COMMAND, node);
    return INFRA_OK;
}

static int abort_switchover(struct infra_promotion *p)
{
    if (p->step != INFRA_PROMOTION_STOPPING &&
        p->step != INFRA_PROMOTION_CATCHING_UP) {
        return INFRA_EBUSY;
    }
    infra__promotion_become(p, INFRA_PROMOTION_REASON_COMMAND, p->primary);
    return INFRA_OK;
}

static int force(struct infra_promotion *p, uint32_t node)
{
    if (p->step == INFRA_PROMOTION_WAITING && !p->is_spent) {
        p->is_impatient = true;
        return INFRA_OK;
    }
    if (p->step != INFRA_PROMOTION_HELD ||
        !infra__promotion_may_lead(p, node) || !p->nodes[node].is_detached) {
        return INFRA_EBUSY;
    }
    infra__promotion_become(p, INFRA_PROMOTION_REASON_COMMAND, node);
    return INFRA_OK;
}

/* The operator has looked at its data. */
static int admit(struct infra_promotion *p, uint32_t node)
{
    if (p->step == INFRA_PROMOTION_STANDBY ||
        p->step == INFRA_PROMOTION_READING ||
        p->step == INFRA_PROMOTION_PAUSED ||
        !has_flag(&p->nodes[node], INFRA_PROMOTION_APART)) {
        return INFRA_EBUSY;
    }
    infra__promotion_set_apart(p, node, false);
    return INFRA_OK;
}

int infra_promotion_command(struct infra_promotion *promotion, uint32_t command,
                            uint32_t node, infra_time now)
{
    struct infra_promotion *p = promotion;
    int err = INFRA_OK;

    if (p == NULL || command > INFRA_PROMOTION_ADMIT) {
        return INFRA_EINVAL;
    }
    if ((command == INFRA_PROMOTION_SWITCHOVER ||
         command == INFRA_PROMOTION_FORCE ||
         command == INFRA_PROMOTION_ADMIT) &&
        !is_node(p, node)) {
        return INFRA_ENOENT;
    }
    infra__promotion_advance(p, now);
    switch (command) {
    case INFRA_PROMOTION_SWITCHOVER:
        err = switch_over(p, node);
        break;
    case INFRA_PROMOTION_ABORT:
        err = abort_switchover(p);
        break;
    case INFRA_PROMOTION_FORCE:
        err = force(p, node);
        break;
    case INFRA_PROMOTION_ADMIT:
        err = admit(p, node);
        break;
    default:
        p->is_paused = command == INFRA_PROMOTION_PAUSE;
        break;
    }
    infra__promotion_advance(p, now);
    return err;
}
