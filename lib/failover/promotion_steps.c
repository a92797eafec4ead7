/* SPDX-License-Identifier: MIT */
/* Which step follows which, and why: all that there is. What is not in the
 * table cannot happen. A test walks it. */
#include "promotion.h"

#define STEP(name) INFRA_PROMOTION_##name
#define WHY(name) INFRA_PROMOTION_REASON_##name
#define ANY STEPS_COUNT

static const struct infra__promotion_row rows[] = {
    { STEP(STANDBY), WHY(LEASE), STEP(READING) },
    { ANY, WHY(UNLEASED), STEP(STANDBY) },
    { ANY, WHY(PAUSED), STEP(PAUSED) },

    { STEP(READING), WHY(READ), STEP(WATCH) },

    { STEP(WATCH), WHY(SUSPECTED), STEP(SUSPECT) },
    { STEP(WATCH), WHY(CONFLICT), STEP(CONFLICT) },
    { STEP(WATCH), WHY(ADOPTED), STEP(REPOINTING) },
    { STEP(WATCH), WHY(READONLY), STEP(COLLECTING) },
    { STEP(WATCH), WHY(UNFINISHED), STEP(COLLECTING) },
    { STEP(WATCH), WHY(SPENT), STEP(WAITING) },
    { STEP(WATCH), WHY(COMMAND), STEP(STOPPING) },

    { STEP(SUSPECT), WHY(ALIVE), STEP(WATCH) },
    { STEP(SUSPECT), WHY(CONFLICT), STEP(CONFLICT) },
    { STEP(SUSPECT), WHY(ADOPTED), STEP(REPOINTING) },
    { STEP(SUSPECT), WHY(DEAD), STEP(FENCING) },
    { STEP(SUSPECT), WHY(DAMPED), STEP(WAITING) },
    { STEP(SUSPECT), WHY(SPENT), STEP(WAITING) },

    { STEP(WAITING), WHY(ALIVE), STEP(WATCH) },
    { STEP(WAITING), WHY(CONFLICT), STEP(CONFLICT) },
    { STEP(WAITING), WHY(ADOPTED), STEP(REPOINTING) },
    { STEP(WAITING), WHY(DEAD), STEP(FENCING) },

    { STEP(FENCING), WHY(FENCED), STEP(COLLECTING) },
    { STEP(FENCING), WHY(UNFENCED), STEP(COLLECTING) },
    { STEP(FENCING), WHY(ALIVE), STEP(WATCH) },

    { STEP(COLLECTING), WHY(REPORTED), STEP(NAMING) },
    { STEP(COLLECTING), WHY(CONFLICT), STEP(FENCING) },
    { STEP(COLLECTING), WHY(MISSING), STEP(HELD) },
    { STEP(COLLECTING), WHY(AHEAD), STEP(HELD) },
    { STEP(COLLECTING), WHY(NONE), STEP(HELD) },

    { STEP(HELD), WHY(REPORTED), STEP(NAMING) },
    { STEP(HELD), WHY(CONFLICT), STEP(FENCING) },
    { STEP(HELD), WHY(COMMAND), STEP(NAMING) },

    /* What fails until here leads back to the primary: it is promoted. */
    { STEP(STOPPING), WHY(STOPPED), STEP(CATCHING_UP) },
    { STEP(STOPPING), WHY(DEAD), STEP(FENCING) },
    { STEP(STOPPING), WHY(REFUSED), STEP(NAMING) },
    { STEP(STOPPING), WHY(TIMEOUT), STEP(NAMING) },
    { STEP(STOPPING), WHY(COMMAND), STEP(NAMING) },

    { STEP(CATCHING_UP), WHY(CAUGHT_UP), STEP(NAMING) },
    { STEP(CATCHING_UP), WHY(DEAD), STEP(FENCING) },
    { STEP(CATCHING_UP), WHY(REFUSED), STEP(NAMING) },
    { STEP(CATCHING_UP), WHY(TIMEOUT), STEP(NAMING) },
    { STEP(CATCHING_UP), WHY(COMMAND), STEP(NAMING) },

    { STEP(NAMING), WHY(NAMED), STEP(PROMOTING) },
    { STEP(NAMING), WHY(REFUSED), STEP(WATCH) },

    { STEP(PROMOTING), WHY(WRITABLE), STEP(REPOINTING) },
    { STEP(PROMOTING), WHY(REFUSED), STEP(WATCH) },
    { STEP(PROMOTING), WHY(TIMEOUT), STEP(WATCH) },
    { STEP(PROMOTING), WHY(DEAD), STEP(WATCH) },

    { STEP(REPOINTING), WHY(REPOINTED), STEP(WATCH) },
    { STEP(REPOINTING), WHY(TIMEOUT), STEP(WATCH) },

    { STEP(CONFLICT), WHY(RESOLVED), STEP(WATCH) },
    { STEP(CONFLICT), WHY(ADOPTED), STEP(REPOINTING) },
    { STEP(CONFLICT), WHY(DEAD), STEP(FENCING) },

    { STEP(PAUSED), WHY(COMMAND), STEP(READING) },
};

const struct infra__promotion_row *infra__promotion_table(size_t *ret_count)
{
    *ret_count = INFRA__COUNT_OF(rows);
    return rows;
}

uint32_t infra__promotion_transition(uint32_t step, uint32_t reason)
{
    for (size_t i = 0; i < INFRA__COUNT_OF(rows); i++) {
        bool is_from = rows[i].from == step ||
                       (rows[i].from == ANY && step != STEP(STANDBY));
        if (is_from && rows[i].reason == reason) {
            return rows[i].to;
        }
    }
    return STEPS_COUNT;
}

static const char *const steps[STEPS_COUNT] = {
    [STEP(STANDBY)] = "standby",       [STEP(WATCH)] = "watch",
    [STEP(READING)] = "reading",       [STEP(SUSPECT)] = "suspect",
    [STEP(WAITING)] = "waiting",       [STEP(FENCING)] = "fencing",
    [STEP(COLLECTING)] = "collecting", [STEP(HELD)] = "held",
    [STEP(STOPPING)] = "stopping",     [STEP(CATCHING_UP)] = "catching-up",
    [STEP(NAMING)] = "naming",         [STEP(PROMOTING)] = "promoting",
    [STEP(REPOINTING)] = "repointing", [STEP(CONFLICT)] = "conflict",
    [STEP(PAUSED)] = "paused",
};

static const char *const reasons[PROMOTION_REASONS_COUNT] = {
    [WHY(START)] = "start",
    [WHY(LEASE)] = "lease",
    [WHY(UNLEASED)] = "unleased",
    [WHY(SUSPECTED)] = "suspected",
    [WHY(ALIVE)] = "alive",
    [WHY(DEAD)] = "dead",
    [WHY(READ)] = "read",
    [WHY(READONLY)] = "read-only",
    [WHY(UNFINISHED)] = "unfinished",
    [WHY(DAMPED)] = "damped",
    [WHY(SPENT)] = "spent",
    [WHY(FENCED)] = "fenced",
    [WHY(UNFENCED)] = "unfenced",
    [WHY(REPORTED)] = "reported",
    [WHY(MISSING)] = "missing",
    [WHY(AHEAD)] = "ahead",
    [WHY(NONE)] = "none",
    [WHY(COMMAND)] = "command",
    [WHY(STOPPED)] = "stopped",
    [WHY(CAUGHT_UP)] = "caught-up",
    [WHY(NAMED)] = "named",
    [WHY(REFUSED)] = "refused",
    [WHY(TIMEOUT)] = "timeout",
    [WHY(WRITABLE)] = "writable",
    [WHY(REPOINTED)] = "repointed",
    [WHY(CONFLICT)] = "conflict",
    [WHY(RESOLVED)] = "resolved",
    [WHY(ADOPTED)] = "adopted",
    [WHY(PAUSED)] = "paused",
};

static const char *const kinds[] = {
    [INFRA_PROMOTION_READ] = "read",
    [INFRA_PROMOTION_NAME] = "name",
    [INFRA_PROMOTION_PRIMARY] = "primary",
    [INFRA_PROMOTION_HOLD] = "hold",
    [INFRA_PROMOTION_FENCE] = "fence",
    [INFRA_PROMOTION_STOP] = "stop",
    [INFRA_PROMOTION_DETACH] = "detach",
    [INFRA_PROMOTION_PROMOTE] = "promote",
    [INFRA_PROMOTION_REPOINT] = "repoint",
    [INFRA_PROMOTION_QUARANTINE] = "quarantine",
    [INFRA_PROMOTION_RESIGN] = "resign",
    [INFRA_PROMOTION_STEP] = "step",
    [INFRA_PROMOTION_MARK] = "mark",
};

const char *infra_promotion_step_name(uint32_t step)
{
    return step < STEPS_COUNT ? steps[step] : "unknown";
}

const char *infra_promotion_reason_name(uint32_t reason)
{
    return reason < PROMOTION_REASONS_COUNT ? reasons[reason] : "unknown";
}

const char *infra_promotion_event_name(uint32_t kind)
{
    return kind < INFRA__COUNT_OF(kinds) ? kinds[kind] : "unknown";
}
