/* SPDX-License-Identifier: MIT */
/* A lease in etcd: each call is one to three requests, one after the other, on
 * the connection that the last one used. Which keys and why: text.h.
 * Sources: etcd's API reference for the gateway; the traps were
 * measured with etcd 3.4.23. */
#include "etcd.h"

#include "../../base/characters.h"

#include <string.h>

#define ENDPOINTS_MAX 16u
#define TTL_SECONDS_MIN 2u /* etcd raises a shorter ttl. */
#define PREFIX_DEFAULT "/infra/"
#define GRPC_NOT_FOUND 5u

INFRA__NO_TAIL_PADDING(struct infra_lease_etcd_options, tls);

static const struct infra_lease_answer lost = { .outcome =
                                                    INFRA_LEASE_OUTCOME_LOST };
static const struct infra_lease_answer done = { .outcome =
                                                    INFRA_LEASE_OUTCOME_GRANTED,
                                                .token = 1 };

static uint64_t seconds_of(infra_time ttl)
{
    uint64_t seconds = (ttl + INFRA_SEC(1) - 1) / INFRA_SEC(1);

    return seconds < TTL_SECONDS_MIN ? TTL_SECONDS_MIN : seconds;
}

/* Ask a step about this lease of etcd. */
static void ask(struct infra__etcd *e, uint32_t step, uint64_t lease,
                infra_time now)
{
    e->calls.values.lease = lease;
    infra__etcd_session_ask(&e->calls, step, now);
}

static void unknown(struct infra__etcd *e, uint32_t reason, uint32_t detail)
{
    infra__lease_unknown(&e->lease, reason, detail);
}

static void malformed(struct infra__etcd *e)
{
    unknown(e, INFRA_LEASE_REASON_MALFORMED, 0);
}

/* The lease is ours, with this token and bound to this lease of etcd. */
static void bind(struct infra__etcd *e, uint64_t token, uint64_t lease)
{
    e->bound_token = token;
    e->bound_lease = lease;
}

/* The lease is not ours: CONFLICT if another node holds it, else LOST. */
static void not_ours(struct infra__etcd *e, const struct infra__etcd_key *key)
{
    struct infra_lease_answer a = lost;

    if (key->is_there && !infra__etcd_is_ours(&e->site.names, key)) {
        a.outcome = INFRA_LEASE_OUTCOME_CONFLICT;
        a.token = key->token;
    }
    infra__lease_answer(&e->lease, &a);
}

static void on_take(struct infra__etcd *e, const struct infra__etcd_reply *r)
{
    struct infra__etcd_key key;

    if (!infra__etcd_read_key(&key, r, 0)) {
        malformed(e);
    } else if (r->succeeded) {
        const struct infra_lease_answer a = { .outcome =
                                                  INFRA_LEASE_OUTCOME_GRANTED,
                                              .clean = !key.is_there,
                                              .token = r->revision,
                                              .ttl = e->granted_ttl };
        bind(e, r->revision, e->calls.values.lease);
        infra__lease_answer(&e->lease, &a);
    } else if (!key.is_there) {
        malformed(e); /* It failed because the key is there. */
    } else if (infra__etcd_is_ours(&e->site.names, &key)) {
        unknown(e, INFRA_LEASE_REASON_OURS, 0);
    } else {
        not_ours(e, &key);
    }
}

static void on_look(struct infra__etcd *e, const struct infra__etcd_reply *r)
{
    struct infra_lease_answer a = lost;
    struct infra__etcd_key key;
    struct infra__etcd_key handover;

    if (!infra__etcd_read_key(&key, r, 0) ||
        !infra__etcd_read_key(&handover, r, 1)) {
        malformed(e);
        return;
    }
    a.handover_request = infra__etcd_handover_of(&handover);
    if (infra__etcd_is_ours(&e->site.names, &key)) {
        bind(e, key.token, key.lease);
        a.outcome = INFRA_LEASE_OUTCOME_GRANTED;
    } else if (key.is_there) {
        a.outcome = INFRA_LEASE_OUTCOME_CONFLICT;
    }
    a.token = key.token;
    infra__lease_answer(&e->lease, &a);
}

/* Before a RENEW of a lease that this node may not hold. */
static void on_find(struct infra__etcd *e, const struct infra__etcd_reply *r,
                    infra_time now)
{
    struct infra__etcd_key key;

    if (!infra__etcd_read_key(&key, r, 0)) {
        malformed(e);
    } else if (infra__etcd_is_ours(&e->site.names, &key) && key.lease != 0 &&
               key.token == e->lease.call.token) {
        bind(e, key.token, key.lease);
        ask(e, INFRA__ETCD_KEEPALIVE, e->bound_lease, now);
    } else {
        not_ours(e, &key);
    }
}

static void on_keepalive(struct infra__etcd *e, const char *body, size_t size,
                         infra_time now)
{
    if (!infra__etcd_read_keepalive(&e->granted_ttl, &e->kept_term, body, size,
                                    e->bound_lease)) {
        malformed(e);
    } else if (e->granted_ttl == 0) {
        infra__lease_answer(&e->lease, &lost);
    } else {
        ask(e, INFRA__ETCD_VERIFY, e->bound_lease, now);
    }
}

static void on_verify(struct infra__etcd *e, const struct infra__etcd_reply *r,
                      infra_time now)
{
    struct infra__etcd_key key;

    if (!infra__etcd_read_key(&key, r, r->succeeded ? 1 : 0)) {
        malformed(e);
    } else if (r->succeeded && r->term != e->kept_term) {
        /* A former leader may have kept it alive; the new leader counts. */
        ask(e, INFRA__ETCD_KEEPALIVE, e->bound_lease, now);
    } else if (r->succeeded) {
        const struct infra_lease_answer a = {
            .outcome = INFRA_LEASE_OUTCOME_GRANTED,
            .token = e->bound_token,
            .ttl = e->granted_ttl,
            .handover_request = infra__etcd_handover_of(&key),
        };
        infra__lease_answer(&e->lease, &a);
    } else {
        not_ours(e, &key);
    }
}

static void on_grant(struct infra__etcd *e, const struct infra__etcd_reply *r,
                     uint32_t next, infra_time now)
{
    uint64_t lease;

    if (infra__etcd_read_grant(&lease, &e->granted_ttl, r)) {
        ask(e, next, lease, now);
    } else {
        malformed(e);
    }
}

/* The key is deleted and the call answered; then revoke its lease of etcd. */
static void on_give(struct infra__etcd *e, infra_time now)
{
    bool was_bound = e->bound_token == e->lease.call.token;

    infra__lease_answer(&e->lease, &done);
    if (was_bound) {
        ask(e, INFRA__ETCD_REVOKE, e->bound_lease, now);
        bind(e, 0, 0);
    }
}

static void answered(void *owner, uint32_t step, const char *body, size_t size,
                     infra_time now)
{
    struct infra__etcd *e = owner;
    struct infra__etcd_reply r;

    if (step == INFRA__ETCD_KEEPALIVE) {
        on_keepalive(e, body, size, now);
        return;
    }
    if (!infra__etcd_read(&r, body, size)) {
        malformed(e);
        return;
    }
    switch (step) {
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
        on_verify(e, &r, now);
        break;
    case INFRA__ETCD_LOOK:
        on_look(e, &r);
        break;
    case INFRA__ETCD_GIVE:
        on_give(e, now);
        break;
    case INFRA__ETCD_HANDOVER_GRANT:
        on_grant(e, &r, INFRA__ETCD_HANDOVER, now);
        break;
    default: /* HANDOVER; the answer to RELEASE did not wait for REVOKE. */
        infra__lease_answer(&e->lease, &done);
        break;
    }
}

/* If the lease of etcd is gone, no key is bound to it. */
static bool refused(void *owner, uint32_t step, uint32_t status, uint64_t code)
{
    struct infra__etcd *e = owner;
    bool is_lost =
        step == INFRA__ETCD_VERIFY && status == 404 && code == GRPC_NOT_FOUND;

    if (is_lost) {
        infra__lease_answer(&e->lease, &lost);
    }
    return is_lost;
}

static void failed(void *owner, uint32_t reason, uint32_t detail)
{
    unknown(owner, reason, detail);
}

static const struct infra__etcd_session_owner calls_owner = {
    .answered = answered, .refused = refused, .failed = failed
};

static uint32_t first_step(const struct infra__etcd *e)
{
    switch (e->lease.call.op) {
    case INFRA_LEASE_OP_ACQUIRE:
        return INFRA__ETCD_GRANT;
    case INFRA_LEASE_OP_RENEW:
        return e->bound_lease != 0 && e->lease.call.token == e->bound_token
                   ? INFRA__ETCD_KEEPALIVE
                   : INFRA__ETCD_FIND;
    case INFRA_LEASE_OP_READ:
        return INFRA__ETCD_LOOK;
    case INFRA_LEASE_OP_RELEASE:
        return INFRA__ETCD_GIVE;
    default:
        return INFRA__ETCD_HANDOVER_GRANT;
    }
}

static void etcd_begin(struct infra_lease *lease, infra_time now)
{
    struct infra__etcd *e = (struct infra__etcd *)lease;
    struct infra__etcd_values *v = &e->calls.values;

    v->token = lease->call.token;
    v->lease = e->bound_lease;
    infra__etcd_handover_init(v->payload, lease->call.handover_request);
    infra__etcd_session_begin(&e->calls, first_step(e), lease->call.deadline,
                              now);
}

/* A server that did not answer in time is not asked the next time. */
static uint32_t etcd_expire(struct infra_lease *lease, bool is_record)
{
    struct infra__etcd *e = (struct infra__etcd *)lease;

    infra__etcd_http_leave(is_record ? &e->records.http : &e->calls.http);
    return INFRA_LEASE_REASON_TIMEOUT;
}

static bool etcd_exchange(struct infra_lease *lease, uint32_t index,
                          struct infra_exchange *ret)
{
    struct infra__etcd *e = (struct infra__etcd *)lease;
    struct infra__etcd_http *conversations[] = { &e->calls.http, &e->watch,
                                                 &e->records.http };

    if (index >= INFRA__COUNT_OF(conversations)) {
        return false;
    }
    *ret = infra__etcd_http_exchange(conversations[index]);
    return true;
}

static const struct infra__lease_kind etcd_kind = {
    .begin = etcd_begin,
    .expire = etcd_expire,
    .begin_record = infra__etcd_record_begin,
    .exchange = etcd_exchange,
};

static bool is_name(const char *text)
{
    return infra__text_fits(text, 1, INFRA_LEASE_NAME_MAX);
}

static int complete(void *options)
{
    struct infra_lease_etcd_options *o = options;

    o->prefix = o->prefix != NULL ? o->prefix : PREFIX_DEFAULT;
    o->ttl = o->ttl != 0 ? o->ttl : INFRA_LEASE_TTL_DEFAULT;
    o->endpoints_count = o->endpoints_count != 0 ? o->endpoints_count : 1;
    bool has_user = o->user != NULL || o->password != NULL;
    bool is_usable =
        is_name(o->group) && is_name(o->node) &&
        infra__text_fits(o->prefix, 1, INFRA__ETCD_PREFIX_MAX) &&
        (!has_user ||
         (infra__text_fits(o->user, 1, INFRA__ETCD_NAME_MAX) &&
          infra__text_fits(o->password, 0, INFRA__ETCD_NAME_MAX))) &&
        o->endpoints_count <= ENDPOINTS_MAX && o->tls <= 1;
    return is_usable ? INFRA_OK : INFRA_EINVAL;
}

static void init_site(struct infra__etcd_site *site,
                      const struct infra_lease_etcd_options *o)
{
    infra__etcd_names_init(&site->names, o->prefix, o->group, o->node,
                           o->incarnation);
    if (o->user != NULL) {
        memcpy(site->login.user, o->user, strlen(o->user));
        memcpy(site->login.password, o->password, strlen(o->password));
    }
    site->seconds = seconds_of(o->ttl);
    site->endpoints_count = o->endpoints_count;
    site->tls = o->tls == 1;
}

int infra_lease_etcd(struct infra_lease **ret,
                     const struct infra_lease_etcd_options *options)
{
    struct infra_lease_etcd_options o = { .size = sizeof o };
    int err =
        ret != NULL ? infra__options_take(&o, options, complete) : INFRA_EINVAL;
    struct infra_lease *lease =
        infra__lease_create(&err, sizeof(struct infra__etcd), &etcd_kind,
                            o.allocator, o.incarnation, o.ttl);

    if (lease == NULL) {
        return err;
    }
    struct infra__etcd *e = (struct infra__etcd *)lease;
    init_site(&e->site, &o);
    infra__etcd_session_init(&e->calls, &calls_owner, e, &lease->is_out,
                             &e->site);
    infra__etcd_watch_init(e);
    infra__etcd_record_init(e);
    *ret = lease;
    return INFRA_OK;
}
