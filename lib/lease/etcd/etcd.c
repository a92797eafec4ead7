/* SPDX-License-Identifier: MIT */
/* A lease in etcd: each call is one to three requests, one after the other, on
 * the connection that the last one used. Which keys and why: text.h.
 * Sources: etcd's API reference for the gateway; the traps were
 * measured with etcd 3.4.23. */
#include "etcd.h"

#include <string.h>

#define ENDPOINTS_MAX 16u
#define TTL_SECONDS_MIN 2u /* etcd raises what is less. */
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

/* What is asked. */
enum step {
    GRANT,     /* ACQUIRE: a lease of etcd, */
    TAKE,      /* and the key bound to it. */
    FIND,      /* RENEW of what we know no lease of: look. */
    KEEPALIVE, /* RENEW, */
    VERIFY,    /* and is it still ours? */
    LOOK,
    GIVE, /* RELEASE, */
    REVOKE,
    HANDOVER_GRANT, /* ASK: a lease of etcd, */
    HANDOVER,       /* and the handover bound to it. */
};

static void write_request(void *owner, uint32_t step,
                          struct infra__etcd_request *r, const char *login)
{
    struct infra__etcd *e = owner;
    uint64_t token = e->lease.call.token;

    switch (step) {
    case GRANT:
    case HANDOVER_GRANT:
        infra__etcd_ask_grant(r, login, seconds_of(e->lease.ttl));
        break;
    case TAKE:
        infra__etcd_ask_take(r, login, &e->names, e->granted_lease);
        break;
    case KEEPALIVE:
        infra__etcd_ask_keepalive(r, login, e->bound_lease);
        break;
    case VERIFY:
        infra__etcd_ask_verify(r, login, &e->names, token, e->bound_lease);
        break;
    case GIVE:
        infra__etcd_ask_give(r, login, &e->names, token);
        break;
    case REVOKE:
        infra__etcd_ask_revoke(r, login, e->bound_lease);
        break;
    case HANDOVER:
        infra__etcd_ask_handover(r, login, &e->names,
                                 e->lease.call.handover_request,
                                 e->granted_lease);
        break;
    default: /* FIND, LOOK */
        infra__etcd_ask_look(r, login, &e->names);
        break;
    }
}

static void ask(struct infra__etcd *e, enum step step, infra_time now)
{
    infra__etcd_talk_ask(&e->calls, step, now);
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
                            const struct infra__etcd_key *key,
                            uint64_t handover)
{
    const struct infra_lease_answer a = { .outcome =
                                              INFRA_LEASE_OUTCOME_CONFLICT,
                                          .token = key->token,
                                          .handover_request = handover };

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
    struct infra__etcd_key handover;

    if (!infra__etcd_read_key(&key, r, 0) ||
        !infra__etcd_read_key(&handover, r, 1)) {
        malformed(e);
        return;
    }
    a.handover_request = infra__etcd_handover_of(&handover);
    if (infra__etcd_is_ours(&e->names, &key)) {
        bind(e, key.token, key.lease);
        a.outcome = INFRA_LEASE_OUTCOME_GRANTED;
    } else if (key.is_there) {
        a.outcome = INFRA_LEASE_OUTCOME_CONFLICT;
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
        ask(e, KEEPALIVE, now);
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
        ask(e, VERIFY, now);
    }
}

static void on_verify(struct infra__etcd *e, const struct infra__etcd_reply *r,
                      infra_time now)
{
    struct infra__etcd_key key;

    if (!infra__etcd_read_key(&key, r, r->succeeded ? 1 : 0)) {
        malformed(e);
    } else if (r->succeeded && r->term != e->kept_term) {
        /* Kept alive by a former leader, perhaps, and the new one counts. */
        ask(e, KEEPALIVE, now);
    } else if (r->succeeded) {
        const struct infra_lease_answer a = {
            .outcome = INFRA_LEASE_OUTCOME_GRANTED,
            .token = e->bound_token,
            .ttl = e->granted_ttl,
            .handover_request = infra__etcd_handover_of(&key),
        };
        infra__lease_answer(&e->lease, &a);
    } else if (key.is_there && !infra__etcd_is_ours(&e->names, &key)) {
        held_by_another(e, &key, 0);
    } else {
        infra__lease_answer(&e->lease, &lost);
    }
}

static void on_grant(struct infra__etcd *e, const struct infra__etcd_reply *r,
                     enum step next, infra_time now)
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
        ask(e, REVOKE, now);
        bind(e, 0, 0);
    }
}

static void answered(void *owner, uint32_t step, const char *body, size_t size,
                     infra_time now)
{
    struct infra__etcd *e = owner;
    struct infra__etcd_reply r;

    if (step == KEEPALIVE) {
        on_keepalive(e, body, size, now);
    } else if (!infra__etcd_read(&r, body, size)) {
        malformed(e);
    } else {
        switch (step) {
        case GRANT:
            on_grant(e, &r, TAKE, now);
            break;
        case TAKE:
            on_take(e, &r);
            break;
        case FIND:
            on_find(e, &r, now);
            break;
        case VERIFY:
            on_verify(e, &r, now);
            break;
        case LOOK:
            on_look(e, &r);
            break;
        case GIVE:
            on_give(e, now);
            break;
        case HANDOVER_GRANT:
            on_grant(e, &r, HANDOVER, now);
            break;
        default: /* HANDOVER; nobody waits for REVOKE. */
            infra__lease_answer(&e->lease, &done);
            break;
        }
    }
}

static void refused(void *owner, uint32_t step, uint32_t status, uint64_t code)
{
    struct infra__etcd *e = owner;

    if (step == VERIFY && status == 404 && code == GRPC_NOT_FOUND) {
        /* There is no such lease any more, so there is no key bound to it. */
        infra__lease_answer(&e->lease, &lost);
    } else {
        unknown(e, INFRA_LEASE_REASON_ERROR, status);
    }
}

static void failed(void *owner, uint32_t reason, uint32_t detail)
{
    unknown(owner, reason, detail);
}

/* A proof is good for the keep-alive that the same leader has had: a member
 * that answers and then fails may have been cut off already, and extended
 * nothing.  What else takes two requests may be spread over servers: a lease
 * of etcd that was granted went through raft, and what is bound to it says so,
 * or fails. */
static uint32_t moved(void *owner, uint32_t step)
{
    (void)owner;
    return step == VERIFY ? KEEPALIVE : step;
}

static const struct infra__etcd_talk_owner calls_owner = {
    .write = write_request,
    .moved = moved,
    .answered = answered,
    .refused = refused,
    .failed = failed,
};

static enum step first_step(const struct infra__etcd *e)
{
    switch (e->lease.call.op) {
    case INFRA_LEASE_OP_ACQUIRE:
        return GRANT;
    case INFRA_LEASE_OP_RENEW:
        return e->bound_lease != 0 && e->lease.call.token == e->bound_token
                   ? KEEPALIVE
                   : FIND;
    case INFRA_LEASE_OP_READ:
        return LOOK;
    case INFRA_LEASE_OP_RELEASE:
        return GIVE;
    default:
        return HANDOVER_GRANT;
    }
}

static void etcd_begin(struct infra_lease *lease, infra_time now)
{
    struct infra__etcd *e = (struct infra__etcd *)lease;

    infra__etcd_talk_begin(&e->calls, first_step(e), lease->call.deadline, now);
}

static void etcd_expire(struct infra_lease *lease)
{
    struct infra__etcd *e = (struct infra__etcd *)lease;

    /* Who did not answer in time will not the next time. */
    infra__etcd_link_leave(&e->calls.link);
}

static bool etcd_exchange(struct infra_lease *lease, uint32_t index,
                          struct infra_exchange *ret)
{
    struct infra__etcd *e = (struct infra__etcd *)lease;

    struct infra__etcd_link *links[] = { &e->calls.link, &e->watch,
                                         &e->records.link };

    if (index >= INFRA__COUNT_OF(links)) {
        return false;
    }
    *ret = infra__etcd_link_exchange(links[index]);
    return true;
}

static const struct infra__lease_kind etcd_kind = {
    .begin = etcd_begin,
    .expire = etcd_expire,
    .begin_record = infra__etcd_record_begin,
    .expire_record = infra__etcd_record_expire,
    .exchange = etcd_exchange,
};

static bool is_text(const char *text, size_t size_min, size_t size_max)
{
    size_t size = text != NULL ? strnlen(text, size_max + 1) : 0;

    return text != NULL && size >= size_min && size <= size_max;
}

static bool are_usable(const struct infra_lease_etcd_options *o)
{
    bool has_user = o->user != NULL || o->password != NULL;

    return is_text(o->group, 1, INFRA_LEASE_NAME_MAX) &&
           is_text(o->node, 1, INFRA_LEASE_NAME_MAX) &&
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
        memcpy(e->login.user, o.user, strlen(o.user));
        memcpy(e->login.password, o.password, strlen(o.password));
    }
    infra__etcd_talk_init(&e->calls, &calls_owner, e, &lease->is_out, &e->login,
                          o.endpoints_count, o.tls == 1);
    infra__etcd_watch_init(e, o.endpoints_count, o.tls == 1);
    infra__etcd_record_init(e, o.endpoints_count, o.tls == 1);
    *ret = lease;
    return INFRA_OK;
}
