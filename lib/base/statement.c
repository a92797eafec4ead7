/* SPDX-License-Identifier: MIT */
/* Names of the enums of statement.h. */
#include "internal.h"

#include <infra/statement.h>

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
