/* SPDX-License-Identifier: MIT */
/* Names of the enums of statement.h, and several statements as one. */
#include "internal.h"

#include <infra/statement.h>

#include <stdbool.h>

static const char *const kinds[] = {
    [INFRA_STATEMENT_UNKNOWN] = "unknown",
    [INFRA_STATEMENT_READ] = "read",
    [INFRA_STATEMENT_WRITE] = "write",
    [INFRA_STATEMENT_SESSION] = "session",
    [INFRA_STATEMENT_BEGIN] = "begin",
    [INFRA_STATEMENT_BEGIN_READ_ONLY] = "begin-read-only",
    [INFRA_STATEMENT_END] = "end",
    [INFRA_STATEMENT_SAVEPOINT] = "savepoint",
    [INFRA_STATEMENT_LOCAL] = "local",
};

static const char *const reasons[] = {
    [INFRA_STATEMENT_REASON_HOST] = "host",
    [INFRA_STATEMENT_REASON_VERB] = "verb",
    [INFRA_STATEMENT_REASON_EMPTY] = "empty",
    [INFRA_STATEMENT_REASON_UNKNOWN_VERB] = "unknown-verb",
    [INFRA_STATEMENT_REASON_BROKEN] = "broken",
    [INFRA_STATEMENT_REASON_MULTIPLE] = "multiple",
    [INFRA_STATEMENT_REASON_LOCKS_ROWS] = "locks-rows",
    [INFRA_STATEMENT_REASON_INTO] = "into",
    [INFRA_STATEMENT_REASON_WRITES] = "writes",
    [INFRA_STATEMENT_REASON_FUNCTION] = "function",
    [INFRA_STATEMENT_REASON_UNKNOWN_FUNCTION] = "unknown-function",
    [INFRA_STATEMENT_REASON_VARIABLE] = "variable",
    [INFRA_STATEMENT_REASON_TEMPORARY] = "temporary",
    [INFRA_STATEMENT_REASON_NAMED] = "named",
    [INFRA_STATEMENT_REASON_NODE] = "node",
    [INFRA_STATEMENT_REASON_FOLLOWS] = "follows",
    [INFRA_STATEMENT_REASON_READ_ONLY_MODE] = "read-only-mode",
    [INFRA_STATEMENT_REASON_SERIALIZABLE] = "serializable",
    [INFRA_STATEMENT_REASON_HINT] = "hint",
    [INFRA_STATEMENT_REASON_VERSIONS] = "versions",
};

const char *infra_statement_kind_name(uint32_t kind)
{
    return INFRA__NAME(kinds, kind);
}

const char *infra_statement_reason_name(uint32_t reason)
{
    return INFRA__NAME(reasons, reason);
}

/* May @kind stand inside a transaction that cannot write? */
static bool is_inside_read_only(uint32_t kind)
{
    return kind == INFRA_STATEMENT_READ || kind == INFRA_STATEMENT_SAVEPOINT;
}

void infra_statement_join(struct infra_statement *unit,
                          const struct infra_statement *next)
{
    if (unit->count == 0) {
        *unit = *next;
        return;
    }
    bool is_read_only = unit->kind == INFRA_STATEMENT_BEGIN_READ_ONLY &&
                        is_inside_read_only(next->kind);
    if (!is_read_only &&
        (unit->kind != next->kind || unit->kind != INFRA_STATEMENT_READ)) {
        unit->kind = INFRA_STATEMENT_WRITE;
        unit->reason = INFRA_STATEMENT_REASON_MULTIPLE;
    }
    unit->flags |= next->flags;
    uint32_t count =
        (uint32_t)unit->count + (next->count > 0 ? next->count : 1);
    unit->count = (uint16_t)(count < UINT16_MAX ? count : UINT16_MAX);
}
