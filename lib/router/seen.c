/* SPDX-License-Identifier: MIT */
/* What a session has written and seen. */
#include "session.h"

void infra__session_wrote(struct session *s,
                          const struct infra_position *position, infra_time now)
{
    if (!ROUTER_RULE(WROTE)) {
        return;
    }
    s->shown_version = ROUTER_RULE(AFRESH) ? 0 : s->shown_version;
    /* A position that does not fit is one of which only the time is known. */
    if (position == NULL || position->kind == INFRA_POSITION_NONE ||
        infra_position_merge(&s->need, position) != INFRA_OK) {
        s->pending_at = now != 0 ? now : 1;
    }
}

int infra_session_position(struct infra_session *session,
                           struct infra_router_reader *reader, infra_time now,
                           struct infra_position *ret)
{
    if (session == NULL || reader == NULL || ret == NULL) {
        return INFRA_EINVAL;
    }
    struct session *s = session_of(session);
    struct infra_verdict v;
    const struct table *t = infra__router_table(reader);
    if (t != NULL) {
        (void)infra__session_needs(s, t, now, &v);
    }
    if (s->pending_at != 0 || s->read_node != NODE_NONE) {
        return INFRA_EAGAIN;
    }
    *ret = s->need;
    return INFRA_OK;
}

int infra_session_require(struct infra_session *session,
                          const struct infra_position *position, infra_time now)
{
    if (session == NULL || position == NULL) {
        return INFRA_EINVAL;
    }
    struct session *s = session_of(session);
    s->shown_version = 0;
    s->has_seen_replica |= /* Maybe: it does not say. */
        s->consistency == INFRA_SESSION_CONSISTENCY_MONOTONIC;
    int err = infra_position_merge(&s->need, position);
    s->done_at = now != 0 ? now : 1;
    if (err == INFRA_EFULL) {
        s->pending_at = now != 0 ? now : 1;
    }
    return err;
}

void infra_session_forget(struct infra_session *session)
{
    if (session != NULL) {
        struct session *s = session_of(session);
        s->shown_version = 0;
        s->need = (struct infra_position) { 0 };
        s->pending_at = ROUTER_RULE(FORGET) ? s->done_at : 0;
        s->read_node = NODE_NONE;
        s->has_seen_replica = false;
    }
}
