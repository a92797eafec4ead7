/* SPDX-License-Identifier: MIT */
/* The table of all changes of role. A change that is not in it cannot happen.
 * The README's diagram is made from it, and a test walks it. */
#include "transitions.h"

#define ROLE(name) INFRA_FAILOVER_ROLE_##name
#define WHY(name) INFRA_FAILOVER_REASON_##name

static const struct infra__transition_row rows[] = {
    { ROLE(STANDBY), WHY(FREE), ROLE(ACQUIRING) },
    { ROLE(STANDBY), WHY(UNFIT), ROLE(FAULT) },
    { ROLE(STANDBY), WHY(CLOCK), ROLE(FAULT) },

    { ROLE(ACQUIRING), WHY(GRANTED), ROLE(GRACE) },
    { ROLE(ACQUIRING), WHY(HELD), ROLE(STANDBY) },
    { ROLE(ACQUIRING), WHY(EXPIRED), ROLE(STANDBY) }, /* Granted too late. */
    { ROLE(ACQUIRING), WHY(COMMAND), ROLE(STANDBY) },
    { ROLE(ACQUIRING), WHY(REGRESSED), ROLE(FAULT) },
    { ROLE(ACQUIRING), WHY(UNFIT), ROLE(FAULT) },
    { ROLE(ACQUIRING), WHY(CLOCK), ROLE(FAULT) },

    { ROLE(GRACE), WHY(READY), ROLE(ACTIVE) },
    { ROLE(GRACE), WHY(LOST), ROLE(COOLDOWN) },
    { ROLE(GRACE), WHY(EXPIRED), ROLE(COOLDOWN) },
    { ROLE(GRACE), WHY(FENCE), ROLE(COOLDOWN) },
    { ROLE(GRACE), WHY(RESIGN), ROLE(COOLDOWN) },
    { ROLE(GRACE), WHY(FAILED), ROLE(COOLDOWN) },
    { ROLE(GRACE), WHY(UNFIT), ROLE(FAULT) },
    { ROLE(GRACE), WHY(CLOCK), ROLE(FAULT) },

    { ROLE(ACTIVE), WHY(LATE), ROLE(DOUBT) },
    { ROLE(ACTIVE), WHY(PAUSE), ROLE(DOUBT) },
    { ROLE(ACTIVE), WHY(RESIGN), ROLE(DRAINING) },
    { ROLE(ACTIVE), WHY(FAILED), ROLE(DRAINING) },
    { ROLE(ACTIVE), WHY(REQUESTED), ROLE(DRAINING) },
    { ROLE(ACTIVE), WHY(STALLED), ROLE(DRAINING) },
    { ROLE(ACTIVE), WHY(UNFIT), ROLE(DRAINING) },
    { ROLE(ACTIVE), WHY(LOST), ROLE(COOLDOWN) },
    { ROLE(ACTIVE), WHY(EXPIRED), ROLE(COOLDOWN) },
    { ROLE(ACTIVE), WHY(CLOCK), ROLE(FAULT) },

    { ROLE(DOUBT), WHY(RENEWED), ROLE(ACTIVE) },
    { ROLE(DOUBT), WHY(LATE), ROLE(DRAINING) }, /* The last moment to drain. */
    { ROLE(DOUBT), WHY(RESIGN), ROLE(DRAINING) },
    { ROLE(DOUBT), WHY(FAILED), ROLE(DRAINING) },
    { ROLE(DOUBT), WHY(STALLED), ROLE(DRAINING) },
    { ROLE(DOUBT), WHY(UNFIT), ROLE(DRAINING) },
    { ROLE(DOUBT), WHY(LOST), ROLE(COOLDOWN) },
    { ROLE(DOUBT), WHY(EXPIRED), ROLE(COOLDOWN) },
    { ROLE(DOUBT), WHY(CLOCK), ROLE(FAULT) },

    { ROLE(DRAINING), WHY(DRAINED), ROLE(COOLDOWN) },
    { ROLE(DRAINING), WHY(LIMIT), ROLE(COOLDOWN) },
    { ROLE(DRAINING), WHY(LOST), ROLE(COOLDOWN) },
    { ROLE(DRAINING), WHY(EXPIRED), ROLE(COOLDOWN) },
    { ROLE(DRAINING), WHY(CLOCK), ROLE(FAULT) },

    { ROLE(FAULT), WHY(FIT), ROLE(COOLDOWN) }, /* For the rest of the time. */

    { ROLE(COOLDOWN), WHY(COOLED), ROLE(STANDBY) },
    { ROLE(COOLDOWN), WHY(COMMAND), ROLE(STANDBY) },
    { ROLE(COOLDOWN), WHY(UNFIT), ROLE(FAULT) },
    { ROLE(COOLDOWN), WHY(CLOCK), ROLE(FAULT) },
};

const struct infra__transition_row *infra__transitions(size_t *ret_count)
{
    *ret_count = INFRA__COUNT_OF(rows);
    return rows;
}

uint32_t infra__transition(uint32_t role, uint32_t reason)
{
    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        if (rows[i].from == role && rows[i].reason == reason) {
            return rows[i].to;
        }
    }
    return ROLES_COUNT;
}

static const char *const roles[ROLES_COUNT] = {
    [ROLE(STANDBY)] = "standby", [ROLE(ACQUIRING)] = "acquiring",
    [ROLE(GRACE)] = "grace",     [ROLE(ACTIVE)] = "active",
    [ROLE(DOUBT)] = "doubt",     [ROLE(DRAINING)] = "draining",
    [ROLE(FAULT)] = "fault",     [ROLE(COOLDOWN)] = "cool-down",
};

static const char *const reasons[REASONS_COUNT] = {
    [WHY(START)] = "start",
    [WHY(FREE)] = "free",
    [WHY(GRANTED)] = "granted",
    [WHY(HELD)] = "held",
    [WHY(READY)] = "ready",
    [WHY(LATE)] = "late",
    [WHY(RENEWED)] = "renewed",
    [WHY(LOST)] = "lost",
    [WHY(EXPIRED)] = "expired",
    [WHY(FENCE)] = "fence",
    [WHY(STALLED)] = "stalled",
    [WHY(UNFIT)] = "unfit",
    [WHY(FIT)] = "fit",
    [WHY(RESIGN)] = "resign",
    [WHY(REQUESTED)] = "requested",
    [WHY(DRAINED)] = "drained",
    [WHY(LIMIT)] = "limit",
    [WHY(COOLED)] = "cooled",
    [WHY(PAUSE)] = "pause",
    [WHY(CLOCK)] = "clock",
    [WHY(REGRESSED)] = "regressed",
    [WHY(COMMAND)] = "command",
    [WHY(FAILED)] = "failed",
};

static const char *const events[] = {
    [INFRA_FAILOVER_EVENT_CALL] = "call",
    [INFRA_FAILOVER_EVENT_FENCE] = "fence",
    [INFRA_FAILOVER_EVENT_ACTIVATE] = "activate",
    [INFRA_FAILOVER_EVENT_DRAIN] = "drain",
    [INFRA_FAILOVER_EVENT_DEACTIVATE] = "deactivate",
    [INFRA_FAILOVER_EVENT_ROLE] = "role",
};

static const char *const fences[] = {
    [INFRA_FAILOVER_FENCE_WAIT] = "wait",
    [INFRA_FAILOVER_FENCE_REQUIRE] = "require",
    [INFRA_FAILOVER_FENCE_TRY] = "try",
};

static const char *const commands[] = {
    [INFRA_FAILOVER_COMMAND_STEP_DOWN] = "step down",
    [INFRA_FAILOVER_COMMAND_TAKE_OVER] = "take over",
    [INFRA_FAILOVER_COMMAND_PAUSE] = "pause",
    [INFRA_FAILOVER_COMMAND_RESUME] = "resume",
    [INFRA_FAILOVER_COMMAND_FAIL] = "fail",
};

const char *infra_failover_role_name(uint32_t role)
{
    return INFRA__NAME(roles, role);
}

const char *infra_failover_reason_name(uint32_t reason)
{
    return INFRA__NAME(reasons, reason);
}

const char *infra_failover_event_name(uint32_t kind)
{
    return INFRA__NAME(events, kind);
}

const char *infra_failover_fence_name(uint32_t policy)
{
    return INFRA__NAME(fences, policy);
}

const char *infra_failover_command_name(uint32_t command)
{
    return INFRA__NAME(commands, command);
}
