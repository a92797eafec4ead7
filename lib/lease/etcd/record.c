/* SPDX-License-Identifier: MIT */
/* The record beside a lease in etcd, on a conversation of its own.
 *
 * Both transactions compare the holder's key with our token and value, so that
 * a request that is carried out after another node took the lease does
 * nothing. A write compares the record's mod_revision, too: a write that is
 * carried out late, after its repetition or a later write, finds it changed.
 * The price: the first write of a process, which does not know the revision,
 * needs two requests. A read is a proof, see enum infra__etcd_step. */
#include "etcd.h"

#include <string.h>

#define TRIES_MAX 4u /* Of a write that finds the record changed. */

static void unknown(struct infra__etcd *e, uint32_t reason, uint32_t detail)
{
    infra__lease_unknown_record(&e->lease, reason, detail);
}

static void malformed(struct infra__etcd *e)
{
    unknown(e, INFRA_LEASE_REASON_MALFORMED, 0);
}

/* The lease is not held with our token. */
static void refuse(struct infra__etcd *e, const struct infra__etcd_key *holder)
{
    bool is_others =
        holder->is_there && !infra__etcd_is_ours(&e->site.names, holder);

    infra__lease_answer_record(&e->lease, is_others
                                              ? INFRA_LEASE_OUTCOME_CONFLICT
                                              : INFRA_LEASE_OUTCOME_LOST);
}

static void on_read(struct infra__etcd *e, const struct infra__etcd_reply *r)
{
    struct infra_lease_record *record = &e->lease.record;
    struct infra__etcd_key key;

    if (!infra__etcd_read_key(&key, r, 0)) {
        malformed(e);
    } else if (!r->succeeded) {
        refuse(e, &key);
    } else {
        int count = infra__etcd_record_of(record->bytes, &key);
        if (count < 0) {
            malformed(e);
            return;
        }
        record->count = (uint32_t)count;
        e->records.values.changed = key.changed;
        infra__lease_answer_record(&e->lease, INFRA_LEASE_OUTCOME_GRANTED);
    }
}

/* Does the record stand there already, by a request whose answer was lost? */
static bool is_written(const struct infra__etcd *e,
                       const struct infra__etcd_key *key)
{
    unsigned char bytes[INFRA_LEASE_RECORD_MAX];
    int count = infra__etcd_record_of(bytes, key);

    return count > 0 && (uint32_t)count == e->lease.record.count &&
           memcmp(bytes, e->lease.record.bytes, (size_t)count) == 0;
}

static void on_write(struct infra__etcd *e, const struct infra__etcd_reply *r,
                     infra_time now)
{
    struct infra__etcd_key holder;
    struct infra__etcd_key key;

    if (r->succeeded) {
        e->records.values.changed = r->revision;
        infra__lease_answer_record(&e->lease, INFRA_LEASE_OUTCOME_GRANTED);
        return;
    }
    if (!infra__etcd_read_key(&holder, r, 0) ||
        !infra__etcd_read_key(&key, r, 1)) {
        malformed(e);
        return;
    }
    bool is_ours = infra__etcd_is_ours(&e->site.names, &holder) &&
                   holder.token == e->lease.record_call.token;
    if (!is_ours) {
        refuse(e, &holder);
    } else if (key.changed == e->records.values.changed) {
        malformed(e); /* It failed, although all compares hold. */
    } else if (e->record_tries++ >= TRIES_MAX) {
        unknown(e, INFRA_LEASE_REASON_BUSY, 0);
    } else {
        e->records.values.changed = key.changed;
        if (is_written(e, &key)) {
            infra__lease_answer_record(&e->lease, INFRA_LEASE_OUTCOME_GRANTED);
        } else {
            infra__etcd_session_ask(&e->records, INFRA__ETCD_RECORD_WRITE, now);
        }
    }
}

static void answered(void *owner, uint32_t step, const char *body, size_t size,
                     infra_time now)
{
    struct infra__etcd *e = owner;
    struct infra__etcd_reply r;

    if (!infra__etcd_read(&r, body, size)) {
        malformed(e);
    } else if (step == INFRA__ETCD_RECORD_WRITE) {
        on_write(e, &r, now);
    } else {
        on_read(e, &r);
    }
}

static void failed(void *owner, uint32_t reason, uint32_t detail)
{
    unknown(owner, reason, detail);
}

static const struct infra__etcd_session_owner records_owner = {
    .answered = answered, .failed = failed
};

void infra__etcd_record_begin(struct infra_lease *lease, infra_time now)
{
    struct infra__etcd *e = (struct infra__etcd *)lease;
    const struct infra__lease_record_call *call = &lease->record_call;
    struct infra__etcd_values *v = &e->records.values;
    size_t count = lease->record.count;

    e->record_tries = 0;
    v->token = call->token;
    infra__base64_encode(v->payload, lease->record.bytes, count);
    v->payload[INFRA__BASE64_SIZE(count)] = '\0';
    infra__etcd_session_begin(&e->records,
                              call->is_write     ? INFRA__ETCD_RECORD_WRITE
                              : call->token != 0 ? INFRA__ETCD_RECORD_READ
                                                 : INFRA__ETCD_RECORD_LOOK,
                              call->deadline, now);
}

void infra__etcd_record_init(struct infra__etcd *e)
{
    infra__etcd_session_init(&e->records, &records_owner, e,
                             &e->lease.is_record_out, &e->site);
}
