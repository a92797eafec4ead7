/* SPDX-License-Identifier: MIT */
/* May a statement that failed be sent again? Only if it is known to have done
 * nothing, and if nothing before it on the same connection is needed. */
#include "session.h"

/* A BEGIN that was held back went with the statement, and is not kept for
 * another time. */
static bool is_bound(const struct session *s)
{
    bool has_begun =
        s->is_out && (s->last.flags & INFRA_VERDICT_BEGIN_FIRST) != 0;

    return s->is_open || has_begun ||
           infra__pins_binding(s->pins, &s->statement) != 0;
}

static bool changes_nothing(const struct infra_statement *st)
{
    return st->kind == INFRA_STATEMENT_READ ||
           st->kind == INFRA_STATEMENT_BEGIN ||
           st->kind == INFRA_STATEMENT_BEGIN_READ_ONLY;
}

uint32_t infra_session_replay(const struct infra_session *session,
                              uint32_t failure, int is_forwarded)
{
    if (session == NULL || is_forwarded) {
        return INFRA_SESSION_REPLAY_NO;
    }
    const struct session *s = session_of_const(session);
    if (is_bound(s)) {
        return INFRA_SESSION_REPLAY_NO;
    }
    switch (failure) {
    case INFRA_SESSION_FAILURE_NOT_SENT:
        return INFRA_SESSION_REPLAY_YES;
    case INFRA_SESSION_FAILURE_REFUSED:
        /* Of several at a primary, some may have been done before. */
        return s->out.is_primary && s->statement.count > 1
                   ? INFRA_SESSION_REPLAY_NO
                   : INFRA_SESSION_REPLAY_PRIMARY;
    case INFRA_SESSION_FAILURE_CANCELED:
    case INFRA_SESSION_FAILURE_BROKEN:
        return changes_nothing(&s->statement) ? INFRA_SESSION_REPLAY_YES
                                              : INFRA_SESSION_REPLAY_NO;
    default:
        return INFRA_SESSION_REPLAY_NO;
    }
}
