/* SPDX-License-Identifier: MIT */
/* The part of a lease client that is the same for every store. */
#include "internal.h"

#include "../base/internal.h"

#include <assert.h>
#include <string.h>

INFRA__NO_TAIL_PADDING(struct infra_lease_status, detail);
_Static_assert(sizeof(struct infra_lease_reply) == 80, "hosts store replies");
INFRA__NO_TAIL_PADDING(struct infra_lease_record, bytes);

struct infra_lease *infra__lease_create(int *err, size_t bytes,
                                        const struct infra__lease_kind *kind,
                                        const struct infra_allocator *allocator,
                                        uint64_t incarnation, infra_time ttl)
{
    assert(bytes >= sizeof(struct infra_lease));
    ttl = ttl != 0 ? ttl : INFRA_LEASE_TTL_DEFAULT;
    if (incarnation == 0 || ttl < INFRA_LEASE_TTL_MIN ||
        ttl > INFRA_LEASE_TTL_MAX) {
        *err = *err != INFRA_OK ? *err : INFRA_EINVAL;
    }
    struct infra_lease *lease = infra__object_create(err, bytes, allocator);
    if (lease != NULL) {
        lease->kind = kind;
        lease->bytes = bytes;
        lease->incarnation = incarnation;
        lease->ttl = ttl;
    }
    return lease;
}

void infra_lease_destroy(struct infra_lease *lease)
{
    if (lease == NULL) {
        return;
    }
    if (lease->kind->finish != NULL) {
        lease->kind->finish(lease);
    }
    infra__object_free(lease, lease->bytes);
}

void infra__lease_answer(struct infra_lease *lease,
                         const struct infra_lease_answer *answer)
{
    if (lease->is_out) {
        lease->reply = (struct infra_lease_reply) { .call = lease->call.id,
                                                    .answer = *answer };
        lease->is_out = false;
        lease->has_reply = true;
    }
}

void infra__lease_unknown(struct infra_lease *lease, uint32_t reason,
                          uint32_t detail)
{
    static const struct infra_lease_answer unknown = {
        .outcome = INFRA_LEASE_OUTCOME_UNKNOWN
    };

    if (lease->is_out) {
        infra__lease_answer(lease, &unknown);
        lease->reply.reason = reason;
        lease->reply.detail = detail;
        lease->stats.unknowns++;
        lease->stats.reason = reason;
        lease->stats.detail = detail;
    }
}

void infra__lease_answer_record(struct infra_lease *lease, uint32_t outcome)
{
    if (lease->is_record_out) {
        lease->record.outcome = outcome;
        lease->record.reason = INFRA_LEASE_REASON_NONE;
        lease->record.detail = 0;
        lease->is_record_out = false;
        lease->has_record = true;
    }
}

void infra__lease_unknown_record(struct infra_lease *lease, uint32_t reason,
                                 uint32_t detail)
{
    if (lease->is_record_out) {
        infra__lease_answer_record(lease, INFRA_LEASE_OUTCOME_UNKNOWN);
        lease->record.reason = reason;
        lease->record.detail = detail;
    }
}

void infra__lease_hint(struct infra_lease *lease)
{
    lease->stats.hints += !lease->is_hinted;
    lease->is_hinted = true;
}

int infra_lease_begin(struct infra_lease *lease,
                      const struct infra_lease_call *call, infra_time now)
{
    if (lease == NULL || call == NULL || call->id == 0 ||
        call->op > INFRA_LEASE_OP_REQUEST) {
        return INFRA_EINVAL;
    }
    lease->call = *call;
    lease->is_out = true;
    lease->has_reply = false;
    lease->stats.calls++;
    lease->kind->begin(lease, now);
    return INFRA_OK;
}

static uint32_t expire(struct infra_lease *lease, bool is_record)
{
    return lease->kind->expire != NULL ? lease->kind->expire(lease, is_record)
                                       : INFRA_LEASE_REASON_TIMEOUT;
}

int infra_lease_next(struct infra_lease *lease, infra_time now,
                     struct infra_lease_reply *ret)
{
    if (lease == NULL || ret == NULL) {
        return INFRA_EINVAL;
    }
    if (lease->kind->turn != NULL) {
        lease->kind->turn(lease, now);
    }
    if (lease->is_out && now >= lease->call.deadline) {
        infra__lease_unknown(lease, expire(lease, false), 0);
    }
    if (lease->has_reply) {
        *ret = lease->reply;
        lease->has_reply = false;
        return INFRA_OK;
    }
    if (lease->is_hinted) {
        *ret = (struct infra_lease_reply) { .call = 0 };
        lease->is_hinted = false;
        return INFRA_OK;
    }
    return INFRA_EAGAIN;
}

static void begin_record(struct infra_lease *lease, uint64_t token,
                         bool is_write, infra_time deadline, infra_time now)
{
    lease->record_call = (struct infra__lease_record_call) {
        .token = token, .deadline = deadline, .is_write = is_write
    };
    lease->is_record_out = true;
    lease->has_record = false;
    lease->kind->begin_record(lease, now);
}

int infra_lease_read_record(struct infra_lease *lease, uint64_t token,
                            infra_time deadline, infra_time now)
{
    if (lease == NULL) {
        return INFRA_EINVAL;
    }
    lease->record = (struct infra_lease_record) { .count = 0 };
    begin_record(lease, token, false, deadline, now);
    return INFRA_OK;
}

int infra_lease_write_record(struct infra_lease *lease, uint64_t token,
                             const void *bytes, size_t count,
                             infra_time deadline, infra_time now)
{
    if (lease == NULL || bytes == NULL || token == 0 || count == 0 ||
        count > INFRA_LEASE_RECORD_MAX) {
        return INFRA_EINVAL;
    }
    lease->record = (struct infra_lease_record) { .count = (uint32_t)count };
    memcpy(lease->record.bytes, bytes, count);
    begin_record(lease, token, true, deadline, now);
    return INFRA_OK;
}

int infra_lease_take_record(struct infra_lease *lease, infra_time now,
                            struct infra_lease_record *ret)
{
    if (lease == NULL || ret == NULL) {
        return INFRA_EINVAL;
    }
    if (lease->kind->turn != NULL) {
        lease->kind->turn(lease, now);
    }
    if (lease->is_record_out && now >= lease->record_call.deadline) {
        infra__lease_unknown_record(lease, expire(lease, true), 0);
    }
    if (!lease->has_record) {
        return INFRA_EAGAIN;
    }
    *ret = lease->record;
    if (ret->outcome != INFRA_LEASE_OUTCOME_GRANTED) {
        ret->count = 0;
        memset(ret->bytes, 0, sizeof ret->bytes);
    }
    lease->has_record = false;
    return INFRA_OK;
}

infra_time infra_lease_deadline(const struct infra_lease *lease)
{
    if (lease == NULL) {
        return INFRA_TIME_NEVER;
    }
    if (lease->has_reply || lease->is_hinted || lease->has_record) {
        return 0;
    }
    infra_time at = lease->is_out ? lease->call.deadline : INFRA_TIME_NEVER;
    if (lease->is_record_out && lease->record_call.deadline < at) {
        at = lease->record_call.deadline;
    }
    infra_time own = lease->kind->deadline != NULL
                         ? lease->kind->deadline(lease)
                         : INFRA_TIME_NEVER;
    return own < at ? own : at;
}

int infra_lease_exchange(struct infra_lease *lease, uint32_t index,
                         struct infra_exchange *ret)
{
    if (lease == NULL || ret == NULL) {
        return INFRA_EINVAL;
    }
    if (lease->kind->exchange == NULL ||
        !lease->kind->exchange(lease, index, ret)) {
        return INFRA_ENOENT;
    }
    return INFRA_OK;
}

int infra_lease_inspect(const struct infra_lease *lease,
                        struct infra_lease_status *ret)
{
    if (lease == NULL || ret == NULL) {
        return INFRA_EINVAL;
    }
    return infra__status_export(ret, &lease->stats, sizeof lease->stats,
                                sizeof lease->stats);
}
