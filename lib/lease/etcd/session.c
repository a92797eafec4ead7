/* SPDX-License-Identifier: MIT */
/* A request is safe to be sent twice, since each names what it expects to find:
 * so one that was lost with its connection goes to the next server at once, as
 * often as there are servers and once more. What is then still not known is
 * UNKNOWN. */
#include "session.h"

#include <infra/lease.h>

/* To look at a password costs etcd some 60 ms of work (bcrypt), so that whoever
 * has a wrong one is not to ask with each call. */
#define LOGIN_AGAIN_AFTER INFRA_SEC(5)

/* Numbers of gRPC. */
#define GRPC_INVALID_ARGUMENT 3u
#define GRPC_UNAUTHENTICATED 16u

static void send_request(struct infra__etcd_talk *t, infra_time now)
{
    struct infra__etcd_login *login = t->login;

    t->is_logging_in = login->user[0] != '\0' && login->token[0] == '\0';
    if (t->is_logging_in && now < login->refused_until) {
        t->ops->failed(t->owner, INFRA_LEASE_REASON_LOGIN, login->refused);
        return;
    }
    if (t->is_logging_in) {
        infra__etcd_ask_login(&t->request, login->user, login->password);
    } else {
        t->ops->write(t->owner, t->step, &t->request, login->token);
    }
    infra__etcd_link_send(&t->link, t->request.text, t->request.size,
                          t->deadline, now);
}

void infra__etcd_talk_ask(struct infra__etcd_talk *t, uint32_t step,
                          infra_time now)
{
    t->step = step;
    send_request(t, now);
}

void infra__etcd_talk_begin(struct infra__etcd_talk *t, uint32_t step,
                            infra_time deadline, infra_time now)
{
    t->deadline = deadline;
    t->attempts = 0;
    t->has_logged_in = false;
    infra__etcd_talk_ask(t, step, now);
}

static void try_next(struct infra__etcd_talk *t, uint32_t reason,
                     uint32_t detail, infra_time now)
{
    if (reason == INFRA_LEASE_REASON_TIMEOUT || now >= t->deadline ||
        t->attempts++ >= t->link.endpoints_count) {
        t->ops->failed(t->owner, reason, detail);
    } else {
        t->step =
            t->ops->moved != NULL ? t->ops->moved(t->owner, t->step) : t->step;
        send_request(t, now);
    }
}

/* Our login has run out, or users changed since. (That the store's revision of
 * users is newer is an invalid argument to etcd.) */
static bool is_login_stale(const struct infra__etcd_talk *t, uint32_t status,
                           uint64_t code)
{
    return t->login->token[0] != '\0' && !t->has_logged_in &&
           !t->is_logging_in &&
           (status == 401 || code == GRPC_UNAUTHENTICATED ||
            code == GRPC_INVALID_ARGUMENT);
}

static void on_error(struct infra__etcd_talk *t, uint32_t status, uint64_t code,
                     infra_time now)
{
    if (is_login_stale(t, status, code)) {
        t->has_logged_in = true;
        t->login->token[0] = '\0';
        send_request(t, now);
    } else if (status >= 500 || status == 429) {
        infra__etcd_link_leave(&t->link);
        try_next(t, INFRA_LEASE_REASON_ERROR, status, now);
    } else if (t->is_logging_in || status == 401 || status == 403) {
        if (t->is_logging_in) {
            t->login->refused = status;
            t->login->refused_until = infra__time_add(now, LOGIN_AGAIN_AFTER);
        }
        t->ops->failed(t->owner, INFRA_LEASE_REASON_LOGIN, status);
    } else {
        t->ops->refused(t->owner, t->step, status, code);
    }
}

static void on_login(struct infra__etcd_talk *t, const char *body, size_t size,
                     infra_time now)
{
    struct infra__etcd_reply r;

    if (infra__etcd_read(&r, body, size) &&
        infra__etcd_read_login(t->login->token, body, size)) {
        send_request(t, now);
    } else {
        t->ops->failed(t->owner, INFRA_LEASE_REASON_MALFORMED, 0);
    }
}

static void talk_replied(void *owner, uint32_t status, const char *body,
                         size_t size, infra_time now)
{
    struct infra__etcd_talk *t = owner;

    if (!*t->is_out) {
        return; /* To what nobody waits for. */
    }
    if (status != 200) {
        on_error(t, status, infra__etcd_read_error(body, size), now);
    } else if (t->is_logging_in) {
        on_login(t, body, size, now);
    } else {
        t->ops->answered(t->owner, t->step, body, size, now);
    }
}

static void talk_failed(void *owner, uint32_t reason, infra_time now)
{
    struct infra__etcd_talk *t = owner;

    if (*t->is_out) {
        try_next(t, reason, 0, now);
    }
}

static const struct infra__etcd_link_owner link_owner = {
    .replied = talk_replied, .failed = talk_failed
};

void infra__etcd_talk_init(struct infra__etcd_talk *t,
                           const struct infra__etcd_talk_owner *ops,
                           void *owner, const bool *is_out,
                           struct infra__etcd_login *login,
                           uint32_t endpoints_count, bool tls)
{
    t->ops = ops;
    t->owner = owner;
    t->is_out = is_out;
    t->login = login;
    infra__etcd_link_init(&t->link, &link_owner, t, endpoints_count, tls);
}
