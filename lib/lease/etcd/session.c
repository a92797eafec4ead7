/* SPDX-License-Identifier: MIT */
/* A request may be sent twice, since each names what it expects to find. One
 * that was lost with its connection goes to the next server at once, as often
 * as there are servers and once more; then the call is UNKNOWN. */
#include "session.h"

#include <infra/lease.h>

/* A check of a password costs etcd some 60 ms of work (bcrypt), so that a wrong
 * one is not sent with each call. */
#define LOGIN_AGAIN_AFTER INFRA_SEC(5)

/* Numbers of gRPC. */
#define GRPC_INVALID_ARGUMENT 3u
#define GRPC_UNAUTHENTICATED 16u

static void send_request(struct infra__etcd_session *s, infra_time now)
{
    const struct infra__etcd_login *login = &s->site->login;

    s->is_logging_in = login->user[0] != '\0' && login->token[0] == '\0';
    if (s->is_logging_in && now < login->refused_until) {
        s->ops->failed(s->owner, INFRA_LEASE_REASON_LOGIN, login->refused);
        return;
    }
    infra__etcd_ask(&s->request, s->is_logging_in ? INFRA__ETCD_LOGIN : s->step,
                    s->site, &s->values);
    infra__etcd_http_send(&s->http, s->request.text, s->request.size,
                          s->deadline, now);
}

void infra__etcd_session_ask(struct infra__etcd_session *s, uint32_t step,
                             infra_time now)
{
    s->step = step;
    send_request(s, now);
}

void infra__etcd_session_begin(struct infra__etcd_session *s, uint32_t step,
                               infra_time deadline, infra_time now)
{
    s->deadline = deadline;
    s->attempts = 0;
    s->has_logged_in = false;
    infra__etcd_session_ask(s, step, now);
}

static void try_next(struct infra__etcd_session *s, uint32_t reason,
                     uint32_t detail, infra_time now)
{
    if (reason == INFRA_LEASE_REASON_TIMEOUT || now >= s->deadline ||
        s->attempts++ >= s->http.endpoints_count) {
        s->ops->failed(s->owner, reason, detail);
    } else {
        /* A proof is good for the keep-alive that the same leader has had: a
         * member that answers and then fails may have been cut off already, and
         * extended nothing. Other pairs of requests may be spread over servers:
         * a granted lease of etcd went through raft, and what is bound to it
         * says so, or fails. */
        s->step =
            s->step == INFRA__ETCD_VERIFY ? INFRA__ETCD_KEEPALIVE : s->step;
        send_request(s, now);
    }
}

/* Our login has run out, or users changed since. (That the store's revision of
 * users is newer is an invalid argument to etcd.) */
static bool is_login_stale(const struct infra__etcd_session *s, uint32_t status,
                           uint64_t code)
{
    return s->site->login.token[0] != '\0' && !s->has_logged_in &&
           !s->is_logging_in &&
           (status == 401 || code == GRPC_UNAUTHENTICATED ||
            code == GRPC_INVALID_ARGUMENT);
}

static void on_error(struct infra__etcd_session *s, uint32_t status,
                     uint64_t code, infra_time now)
{
    if (is_login_stale(s, status, code)) {
        s->has_logged_in = true;
        s->site->login.token[0] = '\0';
        send_request(s, now);
    } else if (status >= 500 || status == 429) {
        infra__etcd_http_leave(&s->http);
        try_next(s, INFRA_LEASE_REASON_ERROR, status, now);
    } else if (s->is_logging_in || status == 401 || status == 403) {
        if (s->is_logging_in) {
            s->site->login.refused = status;
            s->site->login.refused_until =
                infra__time_add(now, LOGIN_AGAIN_AFTER);
        }
        s->ops->failed(s->owner, INFRA_LEASE_REASON_LOGIN, status);
    } else if (s->ops->refused == NULL ||
               !s->ops->refused(s->owner, s->step, status, code)) {
        s->ops->failed(s->owner, INFRA_LEASE_REASON_ERROR, status);
    }
}

static void on_login(struct infra__etcd_session *s, const char *body,
                     size_t size, infra_time now)
{
    struct infra__etcd_reply r;

    if (infra__etcd_read(&r, body, size) &&
        infra__etcd_read_login(s->site->login.token, body, size)) {
        send_request(s, now);
    } else {
        s->ops->failed(s->owner, INFRA_LEASE_REASON_MALFORMED, 0);
    }
}

static void http_replied(void *owner, uint32_t status, const char *body,
                         size_t size, infra_time now)
{
    struct infra__etcd_session *s = owner;

    if (!*s->is_out) {
        return; /* The call was given up. */
    }
    if (status != 200) {
        on_error(s, status, infra__etcd_read_error(body, size), now);
    } else if (s->is_logging_in) {
        on_login(s, body, size, now);
    } else {
        s->ops->answered(s->owner, s->step, body, size, now);
    }
}

static void http_failed(void *owner, uint32_t reason, infra_time now)
{
    struct infra__etcd_session *s = owner;

    if (*s->is_out) {
        try_next(s, reason, 0, now);
    }
}

static const struct infra__etcd_http_owner http_owner = {
    .replied = http_replied, .failed = http_failed
};

void infra__etcd_session_init(struct infra__etcd_session *s,
                              const struct infra__etcd_session_owner *ops,
                              void *owner, const bool *is_out,
                              struct infra__etcd_site *site)
{
    s->ops = ops;
    s->owner = owner;
    s->is_out = is_out;
    s->site = site;
    infra__etcd_http_init(&s->http, &http_owner, s, site->endpoints_count,
                          site->tls);
}
