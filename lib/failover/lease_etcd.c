/* SPDX-License-Identifier: MIT */
/* A lease in etcd: each call is one to three requests, one after the other, on
 * the connection that the last one used. Which keys and why: etcd_text.h.
 *
 * A request is safe to be sent twice, since each names what it expects to find:
 * so one that was lost with its connection goes to the next server at once, as
 * often as there are servers and once more. What is then still not known is
 * UNKNOWN. Sources: etcd's API reference for the gateway; the traps were
 * measured with etcd 3.4.23. */
#include "lease_etcd.h"

#include <string.h>

#define ENDPOINTS_MAX 16u
#define TTL_SECONDS_MIN 2u /* etcd raises what is less. */
#define PREFIX_DEFAULT "/infra/"

INFRA__NO_TAIL_PADDING(struct infra_lease_etcd_options, tls);

static const struct infra_lease_answer lost = { .outcome = INFRA_LEASE_LOST };
static const struct infra_lease_answer done = { .outcome = INFRA_LEASE_GRANTED,
                                                .token = 1 };

static uint64_t seconds_of(infra_time ttl)
{
    uint64_t seconds = (ttl + INFRA_SEC(1) - 1) / INFRA_SEC(1);

    return seconds < TTL_SECONDS_MIN ? TTL_SECONDS_MIN : seconds;
}

static void write_request(struct infra__etcd *e)
{
    struct infra__etcd_request *r = &e->request;
    uint64_t token = e->lease.call.token;

    switch (e->step) {
    case INFRA__ETCD_LOGIN:
        infra__etcd_ask_login(r, e->user, e->password);
        break;
    case INFRA__ETCD_GRANT:
    case INFRA__ETCD_WISH_GRANT:
        infra__etcd_ask_grant(r, e->login, seconds_of(e->lease.ttl));
        break;
    case INFRA__ETCD_TAKE:
        infra__etcd_ask_take(r, e->login, &e->names, e->granted_lease);
        break;
    case INFRA__ETCD_KEEPALIVE:
        infra__etcd_ask_keepalive(r, e->login, e->bound_lease);
        break;
    case INFRA__ETCD_VERIFY:
        infra__etcd_ask_verify(r, e->login, &e->names, token, e->bound_lease);
        break;
    case INFRA__ETCD_GIVE:
        infra__etcd_ask_give(r, e->login, &e->names, token);
        break;
    case INFRA__ETCD_REVOKE:
        infra__etcd_ask_revoke(r, e->login, e->bound_lease);
        break;
    case INFRA__ETCD_WISH:
        infra__etcd_ask_wish(r, e->login, &e->names, e->lease.call.wish,
                             e->granted_lease);
        break;
    default: /* FIND, LOOK */
        infra__etcd_ask_look(r, e->login, &e->names);
        break;
    }
}

static void ask(struct infra__etcd *e, uint32_t step, infra_time now)
{
    e->step = step;
    if (e->user[0] != '\0' && e->login[0] == '\0' &&
        step != INFRA__ETCD_LOGIN) {
        e->step_after_login = step;
        e->step = INFRA__ETCD_LOGIN;
    }
    write_request(e);
    infra__etcd_link_send(&e->calls, e->request.text, e->request.size,
                          e->lease.call.call_deadline, now);
}

static void unknown(struct infra__etcd *e, uint32_t reason, uint32_t detail)
{
    infra__lease_unknown(&e->lease, reason, detail);
}

static void malformed(struct infra__etcd *e)
{
    unknown(e, INFRA_LEASE_REASON_MALFORMED, 0);
}

/* Ours, with this token and bound to this lease of etcd. */
static void bind(struct infra__etcd *e, uint64_t token, uint64_t lease)
{
    e->bound_token = token;
    e->bound_lease = lease;
}

static void held_by_another(struct infra__etcd *e,
                            const struct infra__etcd_key *key, uint64_t wish)
{
    const struct infra_lease_answer a = { .outcome = INFRA_LEASE_CONFLICT,
                                          .token = key->token,
                                          .wish = wish };

    infra__lease_answer(&e->lease, &a);
}

static void on_take(struct infra__etcd *e, const struct infra__etcd_reply *r)
{
    struct infra__etcd_key key;

    if (!infra__etcd_read_key(&key, r, 0)) {
        malformed(e);
    } else if (r->succeeded) {
        const struct infra_lease_answer a = { .outcome = INFRA_LEASE_GRANTED,
                                              .clean = !key.is_there,
                                              .token = r->revision,
                                              .ttl = e->granted_ttl };
        bind(e, r->revision, e->granted_lease);
        infra__lease_answer(&e->lease, &a);
    } else if (!key.is_there) {
        malformed(e); /* It failed because the key is there. */
    } else if (infra__etcd_is_ours(&e->names, &key)) {
        unknown(e, INFRA_LEASE_REASON_OURS, 0);
    } else {
        held_by_another(e, &key, 0);
    }
}

static void on_look(struct infra__etcd *e, const struct infra__etcd_reply *r)
{
    struct infra_lease_answer a = lost;
    struct infra__etcd_key key;
    struct infra__etcd_key wish;

    if (!infra__etcd_read_key(&key, r, 0) ||
        !infra__etcd_read_key(&wish, r, 1)) {
        malformed(e);
        return;
    }
    a.wish = infra__etcd_wish_of(&wish);
    if (infra__etcd_is_ours(&e->names, &key)) {
        bind(e, key.token, key.lease);
        a.outcome = INFRA_LEASE_GRANTED;
    } else if (key.is_there) {
        a.outcome = INFRA_LEASE_CONFLICT;
    }
    a.token = key.token;
    infra__lease_answer(&e->lease, &a);
}

/* Before a RENEW of what somebody else, or nobody, may have. */
static void on_find(struct infra__etcd *e, const struct infra__etcd_reply *r,
                    infra_time now)
{
    struct infra__etcd_key key;

    if (!infra__etcd_read_key(&key, r, 0)) {
        malformed(e);
    } else if (!key.is_there) {
        infra__lease_answer(&e->lease, &lost);
    } else if (!infra__etcd_is_ours(&e->names, &key)) {
        held_by_another(e, &key, 0);
    } else if (key.token != e->lease.call.token || key.lease == 0) {
        infra__lease_answer(&e->lease, &lost);
    } else {
        bind(e, key.token, key.lease);
        ask(e, INFRA__ETCD_KEEPALIVE, now);
    }
}

static void on_keepalive(struct infra__etcd *e, const char *body, size_t size,
                         infra_time now)
{
    if (!infra__etcd_read_keepalive(&e->granted_ttl, body, size,
                                    e->bound_lease)) {
        malformed(e);
    } else if (e->granted_ttl == 0) {
        infra__lease_answer(&e->lease, &lost);
    } else {
        ask(e, INFRA__ETCD_VERIFY, now);
    }
}

static void on_verify(struct infra__etcd *e, const struct infra__etcd_reply *r)
{
    struct infra__etcd_key key;

    if (!infra__etcd_read_key(&key, r, r->succeeded ? 1 : 0)) {
        malformed(e);
    } else if (r->succeeded) {
        const struct infra_lease_answer a = {
            .outcome = INFRA_LEASE_GRANTED,
            .token = e->bound_token,
            .ttl = e->granted_ttl,
            .wish = infra__etcd_wish_of(&key),
        };
        infra__lease_answer(&e->lease, &a);
    } else if (key.is_there && !infra__etcd_is_ours(&e->names, &key)) {
        held_by_another(e, &key, 0);
    } else {
        infra__lease_answer(&e->lease, &lost);
    }
}

static void on_grant(struct infra__etcd *e, const struct infra__etcd_reply *r,
                     uint32_t next, infra_time now)
{
    if (infra__etcd_read_grant(&e->granted_lease, &e->granted_ttl, r)) {
        ask(e, next, now);
    } else {
        malformed(e);
    }
}

/* The key is gone, and the answer out: what is left of it may be, too. */
static void on_give(struct infra__etcd *e, infra_time now)
{
    bool was_bound = e->bound_token == e->lease.call.token;

    infra__lease_answer(&e->lease, &done);
    if (was_bound) {
        ask(e, INFRA__ETCD_REVOKE, now);
        bind(e, 0, 0);
    }
}

static void on_login(struct infra__etcd *e, const char *body, size_t size,
                     infra_time now)
{
    if (infra__etcd_read_login(e->login, body, size)) {
        ask(e, e->step_after_login, now);
    } else {
        malformed(e);
    }
}

static void on_reply(struct infra__etcd *e, const char *body, size_t size,
                     infra_time now)
{
    struct infra__etcd_reply r;

    if (e->step == INFRA__ETCD_KEEPALIVE) {
        on_keepalive(e, body, size, now);
    } else if (!infra__etcd_read(&r, body, size)) {
        malformed(e);
    } else {
        switch (e->step) {
        case INFRA__ETCD_LOGIN:
            on_login(e, body, size, now);
            break;
        case INFRA__ETCD_GRANT:
            on_grant(e, &r, INFRA__ETCD_TAKE, now);
            break;
        case INFRA__ETCD_TAKE:
            on_take(e, &r);
            break;
        case INFRA__ETCD_FIND:
            on_find(e, &r, now);
            break;
        case INFRA__ETCD_VERIFY:
            on_verify(e, &r);
            break;
        case INFRA__ETCD_LOOK:
            on_look(e, &r);
            break;
        case INFRA__ETCD_GIVE:
            on_give(e, now);
            break;
        case INFRA__ETCD_WISH_GRANT:
            on_grant(e, &r, INFRA__ETCD_WISH, now);
            break;
        default: /* WISH; REVOKE, which nobody waits for. */
            infra__lease_answer(&e->lease, &done);
            break;
        }
    }
}

/* Numbers of gRPC. */
#define GRPC_INVALID_ARGUMENT 3u
#define GRPC_NOT_FOUND 5u
#define GRPC_UNAUTHENTICATED 16u

/* Our login has run out, or users changed since. (That the store's revision of
 * users is newer is an invalid argument to etcd.) */
static bool is_login_stale(const struct infra__etcd *e, uint32_t status,
                           uint64_t code)
{
    return e->login[0] != '\0' && !e->has_logged_in &&
           e->step != INFRA__ETCD_LOGIN &&
           (status == 401 || code == GRPC_UNAUTHENTICATED ||
            code == GRPC_INVALID_ARGUMENT);
}

static void try_next(struct infra__etcd *e, uint32_t reason, uint32_t detail,
                     infra_time now)
{
    if (!e->lease.is_out) {
        return; /* Of a REVOKE, which nobody waits for. */
    }
    if (reason == INFRA_LEASE_REASON_TIMEOUT ||
        now >= e->lease.call.call_deadline ||
        e->attempts++ >= e->calls.endpoints_count) {
        unknown(e, reason, detail);
    } else {
        ask(e, e->step, now);
    }
}

static void on_error(struct infra__etcd *e, uint32_t status, uint64_t code,
                     infra_time now)
{
    if (is_login_stale(e, status, code)) {
        e->has_logged_in = true;
        e->login[0] = '\0';
        ask(e, e->step, now);
    } else if (status >= 500 || status == 429) {
        infra__etcd_link_leave(&e->calls);
        try_next(e, INFRA_LEASE_REASON_ERROR, status, now);
    } else if (e->step == INFRA__ETCD_LOGIN || status == 401 || status == 403) {
        unknown(e, INFRA_LEASE_REASON_LOGIN, status);
    } else if (e->step == INFRA__ETCD_VERIFY && status == 404 &&
               code == GRPC_NOT_FOUND) {
        /* There is no such lease any more, so there is no key bound to it. */
        infra__lease_answer(&e->lease, &lost);
    } else {
        unknown(e, INFRA_LEASE_REASON_ERROR, status);
    }
}

static void calls_replied(void *owner, uint32_t status, const char *body,
                          size_t size, infra_time now)
{
    struct infra__etcd *e = owner;

    if (!e->lease.is_out) {
        return; /* REVOKE. */
    }
    if (status == 200) {
        on_reply(e, body, size, now);
    } else {
        on_error(e, status, infra__etcd_read_error(body, size), now);
    }
}

static void calls_failed(void *owner, uint32_t reason, infra_time now)
{
    try_next(owner, reason, 0, now);
}

static const struct infra__etcd_link_owner calls_owner = {
    .replied = calls_replied, .failed = calls_failed
};

static void etcd_begin(struct infra_lease *lease, infra_time now)
{
    struct infra__etcd *e = (struct infra__etcd *)lease;

    e->attempts = 0;
    e->has_logged_in = false;
    switch (lease->call.op) {
    case INFRA_LEASE_ACQUIRE:
        ask(e, INFRA__ETCD_GRANT, now);
        break;
    case INFRA_LEASE_RENEW:
        ask(e,
            e->bound_lease != 0 && lease->call.token == e->bound_token
                ? INFRA__ETCD_KEEPALIVE
                : INFRA__ETCD_FIND,
            now);
        break;
    case INFRA_LEASE_READ:
        ask(e, INFRA__ETCD_LOOK, now);
        break;
    case INFRA_LEASE_RELEASE:
        ask(e, INFRA__ETCD_GIVE, now);
        break;
    default:
        ask(e, INFRA__ETCD_WISH_GRANT, now);
        break;
    }
}

static void etcd_expire(struct infra_lease *lease)
{
    struct infra__etcd *e = (struct infra__etcd *)lease;

    /* Who did not answer in time will not the next time. */
    infra__etcd_link_leave(&e->calls);
}

static bool etcd_exchange(struct infra_lease *lease, uint32_t index,
                          struct infra_exchange *ret)
{
    struct infra__etcd *e = (struct infra__etcd *)lease;

    if (index > 1) {
        return false;
    }
    *ret = infra__etcd_link_exchange(index == 0 ? &e->calls : &e->watch);
    return true;
}

static const struct infra__lease_kind etcd_kind = { .begin = etcd_begin,
                                                    .expire = etcd_expire,
                                                    .exchange = etcd_exchange };

static bool is_text(const char *text, size_t size_min, size_t size_max)
{
    size_t size = text != NULL ? strnlen(text, size_max + 1) : 0;

    return text != NULL && size >= size_min && size <= size_max;
}

static bool are_usable(const struct infra_lease_etcd_options *o)
{
    bool has_user = o->user != NULL || o->password != NULL;

    return is_text(o->group, 1, INFRA_FAILOVER_NAME_MAX) &&
           is_text(o->node, 1, INFRA_FAILOVER_NAME_MAX) &&
           is_text(o->prefix, 1, INFRA__ETCD_PREFIX_MAX) &&
           (!has_user || (is_text(o->user, 1, INFRA__ETCD_NAME_MAX) &&
                          is_text(o->password, 0, INFRA__ETCD_NAME_MAX))) &&
           o->endpoints_count <= ENDPOINTS_MAX && o->tls <= 1;
}

int infra_lease_etcd(struct infra_lease **ret,
                     const struct infra_lease_etcd_options *options)
{
    struct infra_lease_etcd_options o = { .size = sizeof o };
    struct infra_lease *lease;

    if (ret == NULL || options == NULL) {
        return INFRA_EINVAL;
    }
    int err = infra__options_import(&o, sizeof o, options, sizeof o);
    if (err != INFRA_OK) {
        return err;
    }
    o.prefix = o.prefix != NULL ? o.prefix : PREFIX_DEFAULT;
    o.endpoints_count = o.endpoints_count != 0 ? o.endpoints_count : 1;
    if (!are_usable(&o)) {
        return INFRA_EINVAL;
    }
    err = infra__lease_create(&lease, sizeof(struct infra__etcd), &etcd_kind,
                              o.allocator, o.incarnation, o.ttl);
    if (err != INFRA_OK) {
        return err;
    }
    struct infra__etcd *e = (struct infra__etcd *)lease;
    infra__etcd_names_init(&e->names, o.prefix, o.group, o.node, o.incarnation);
    if (o.user != NULL) {
        memcpy(e->user, o.user, strlen(o.user));
        memcpy(e->password, o.password, strlen(o.password));
    }
    infra__etcd_link_init(&e->calls, &calls_owner, e, o.endpoints_count,
                          o.tls == 1);
    infra__etcd_watch_init(e, o.endpoints_count, o.tls == 1);
    *ret = lease;
    return INFRA_OK;
}
