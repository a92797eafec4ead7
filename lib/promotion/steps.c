/* SPDX-License-Identifier: MIT */
/* Which step follows which, and why: all that there is. What is not in the
 * table cannot happen. A test walks it. */
#include "internal.h"

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
    { STEP(WATCH), WHY(TOKEN_USED), STEP(WAITING) },
    { STEP(WATCH), WHY(COMMAND), STEP(STOPPING) },

    { STEP(SUSPECT), WHY(ALIVE), STEP(WATCH) },
    { STEP(SUSPECT), WHY(CONFLICT), STEP(CONFLICT) },
    { STEP(SUSPECT), WHY(ADOPTED), STEP(REPOINTING) },
    { STEP(SUSPECT), WHY(DEAD), STEP(FENCING) },
    { STEP(SUSPECT), WHY(DAMPED), STEP(WAITING) },
    { STEP(SUSPECT), WHY(TOKEN_USED), STEP(WAITING) },

    { STEP(WAITING), WHY(ALIVE), STEP(WATCH) },
    { STEP(WAITING), WHY(CONFLICT), STEP(CONFLICT) },
    { STEP(WAITING), WHY(ADOPTED), STEP(REPOINTING) },
    { STEP(WAITING), WHY(DEAD), STEP(FENCING) },

    { STEP(FENCING), WHY(FENCED), STEP(COLLECTING) },
    { STEP(FENCING), WHY(UNFENCED), STEP(COLLECTING) },
    { STEP(FENCING), WHY(ALIVE), STEP(WATCH) },

    { STEP(COLLECTING), WHY(REPORTED), STEP(RECORDING) },
    { STEP(COLLECTING), WHY(CONFLICT), STEP(FENCING) },
    { STEP(COLLECTING), WHY(MISSING), STEP(HELD) },
    { STEP(COLLECTING), WHY(AHEAD), STEP(HELD) },
    { STEP(COLLECTING), WHY(NO_CANDIDATE), STEP(HELD) },

    { STEP(HELD), WHY(REPORTED), STEP(RECORDING) },
    { STEP(HELD), WHY(CONFLICT), STEP(FENCING) },
    { STEP(HELD), WHY(COMMAND), STEP(RECORDING) },

    /* What fails until here leads back to the primary: it is promoted. */
    { STEP(STOPPING), WHY(STOPPED), STEP(CATCHING_UP) },
    { STEP(STOPPING), WHY(DEAD), STEP(FENCING) },
    { STEP(STOPPING), WHY(REFUSED), STEP(RECORDING) },
    { STEP(STOPPING), WHY(TIMEOUT), STEP(RECORDING) },
    { STEP(STOPPING), WHY(COMMAND), STEP(RECORDING) },

    { STEP(CATCHING_UP), WHY(CAUGHT_UP), STEP(RECORDING) },
    { STEP(CATCHING_UP), WHY(DEAD), STEP(FENCING) },
    { STEP(CATCHING_UP), WHY(REFUSED), STEP(RECORDING) },
    { STEP(CATCHING_UP), WHY(TIMEOUT), STEP(RECORDING) },
    { STEP(CATCHING_UP), WHY(COMMAND), STEP(RECORDING) },

    { STEP(RECORDING), WHY(RECORDED), STEP(PROMOTING) },
    { STEP(RECORDING), WHY(REFUSED), STEP(WATCH) },

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

const char *infra_promotion_step_name(uint32_t step)
{
    static const char *const names[STEPS_COUNT] = {
        [STEP(STANDBY)] = "standby",       [STEP(READING)] = "reading",
        [STEP(WATCH)] = "watch",           [STEP(SUSPECT)] = "suspect",
        [STEP(WAITING)] = "waiting",       [STEP(FENCING)] = "fencing",
        [STEP(COLLECTING)] = "collecting", [STEP(HELD)] = "held",
        [STEP(STOPPING)] = "stopping",     [STEP(CATCHING_UP)] = "catching-up",
        [STEP(RECORDING)] = "recording",   [STEP(PROMOTING)] = "promoting",
        [STEP(REPOINTING)] = "repointing", [STEP(CONFLICT)] = "conflict",
        [STEP(PAUSED)] = "paused",
    };

    return INFRA__NAME(names, step);
}

const char *infra_promotion_reason_name(uint32_t reason)
{
    static const char *const names[PROMOTION_REASONS_COUNT] = {
        [WHY(START)] = "start",
        [WHY(LEASE)] = "lease",
        [WHY(UNLEASED)] = "unleased",
        [WHY(READ)] = "read",
        [WHY(SUSPECTED)] = "suspected",
        [WHY(ALIVE)] = "alive",
        [WHY(DEAD)] = "dead",
        [WHY(READONLY)] = "read-only",
        [WHY(UNFINISHED)] = "unfinished",
        [WHY(DAMPED)] = "damped",
        [WHY(TOKEN_USED)] = "token-used",
        [WHY(FENCED)] = "fenced",
        [WHY(UNFENCED)] = "unfenced",
        [WHY(REPORTED)] = "reported",
        [WHY(MISSING)] = "missing",
        [WHY(AHEAD)] = "ahead",
        [WHY(NO_CANDIDATE)] = "no-candidate",
        [WHY(COMMAND)] = "command",
        [WHY(STOPPED)] = "stopped",
        [WHY(CAUGHT_UP)] = "caught-up",
        [WHY(RECORDED)] = "recorded",
        [WHY(REFUSED)] = "refused",
        [WHY(TIMEOUT)] = "timeout",
        [WHY(WRITABLE)] = "writable",
        [WHY(REPOINTED)] = "repointed",
        [WHY(CONFLICT)] = "conflict",
        [WHY(RESOLVED)] = "resolved",
        [WHY(ADOPTED)] = "adopted",
        [WHY(PAUSED)] = "paused",
    };

    return INFRA__NAME(names, reason);
}

const char *infra_promotion_event_name(uint32_t kind)
{
    static const char *const names[] = {
        [EVENT(READ_RECORD)] = "read-record",
        [EVENT(RECORD_INTENT)] = "record-intent",
        [EVENT(RECORD_PRIMARY)] = "record-primary",
        [EVENT(HOLD)] = "hold",
        [EVENT(FENCE)] = "fence",
        [EVENT(STOP)] = "stop",
        [EVENT(DETACH)] = "detach",
        [EVENT(PROMOTE)] = "promote",
        [EVENT(REPOINT)] = "repoint",
        [EVENT(QUARANTINE)] = "quarantine",
        [EVENT(RESIGN)] = "resign",
        [EVENT(STEP)] = "step",
        [EVENT(RECORD_APART)] = "record-apart",
    };

    return INFRA__NAME(names, kind);
}

const char *infra_promotion_view_name(uint32_t view)
{
    static const char *const names[] = {
        [INFRA_PROMOTION_VIEW_OK] = "ok",
        [INFRA_PROMOTION_VIEW_DOWN] = "down",
        [INFRA_PROMOTION_VIEW_STALLED] = "stalled",
    };

    return INFRA__NAME(names, view);
}

const char *infra_promotion_command_name(uint32_t command)
{
    static const char *const names[] = {
        [INFRA_PROMOTION_COMMAND_SWITCHOVER] = "switchover",
        [INFRA_PROMOTION_COMMAND_ABORT] = "abort",
        [INFRA_PROMOTION_COMMAND_FORCE] = "force",
        [INFRA_PROMOTION_COMMAND_PAUSE] = "pause",
        [INFRA_PROMOTION_COMMAND_RESUME] = "resume",
        [INFRA_PROMOTION_COMMAND_ADMIT] = "admit",
    };

    return INFRA__NAME(names, command);
}

const char *infra_promotion_unfenced_name(uint32_t policy)
{
    static const char *const names[] = {
        [INFRA_PROMOTION_UNFENCED_RETRY] = "retry",
        [INFRA_PROMOTION_UNFENCED_PROCEED] = "proceed",
    };

    return INFRA__NAME(names, policy);
}

const char *infra_promotion_loss_name(uint32_t policy)
{
    static const char *const names[] = {
        [INFRA_PROMOTION_LOSS_REFUSE] = "refuse",
        [INFRA_PROMOTION_LOSS_ACCEPT] = "accept",
    };

    return INFRA__NAME(names, policy);
}
