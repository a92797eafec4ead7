/* SPDX-License-Identifier: MIT */
/* What the stores have in common: the call, its answer, hints, the record. */
#ifndef INFRA_LEASE_INTERNAL_H
#define INFRA_LEASE_INTERNAL_H

#include <infra/lease.h>

#include <stdbool.h>

struct infra__lease_kind {
    /* Begin lease->call; answer now or later. An earlier call is given up. */
    void (*begin)(struct infra_lease *lease, infra_time now);
    /* Begin lease->record_call, likewise. */
    void (*begin_record)(struct infra_lease *lease, infra_time now);
    /* The deadline of the call, or of the request about the record, has come:
     * why, as an enum infra_lease_reason. NULL: INFRA_LEASE_REASON_TIMEOUT. */
    uint32_t (*expire)(struct infra_lease *lease, bool is_record);
    /* Time passes; NULL: the store does nothing by itself. */
    void (*turn)(struct infra_lease *lease, infra_time now);
    infra_time (*deadline)(const struct infra_lease *lease);
    /* NULL: the store has no conversations. */
    bool (*exchange)(struct infra_lease *lease, uint32_t index,
                     struct infra_exchange *ret);
    void (*finish)(struct infra_lease *lease);
};

/* A request about the record. */
struct infra__lease_record_call {
    uint64_t token; /* 0: read without proof. */
    infra_time deadline;
    bool is_write;
};

/* The first member of each store's object. */
struct infra_lease {
    struct infra_allocator allocator; /* First: infra__object_create(). */
    const struct infra__lease_kind *kind;
    size_t bytes; /* Of the store's object, which begins here. */
    uint64_t incarnation;
    infra_time ttl;
    struct infra_lease_call call;
    bool is_out;    /* The call has no answer yet. */
    bool is_hinted; /* A hint waits for the host. */
    bool has_reply; /* An answer waits for the host. */
    struct infra_lease_reply reply;
    struct infra__lease_record_call record_call;
    bool is_record_out;
    bool has_record;                  /* Its answer waits for the host. */
    struct infra_lease_record record; /* To write; then the answer. */
    struct infra_lease_status stats;
};

/* An object of @bytes, unless *@err is an error already. NULL: return *@err,
 * which is INFRA_EINVAL without an incarnation or with a ttl that failover.h
 * refuses. */
struct infra_lease *infra__lease_create(int *err, size_t bytes,
                                        const struct infra__lease_kind *kind,
                                        const struct infra_allocator *allocator,
                                        uint64_t incarnation, infra_time ttl);

/* Answer the call that is out; ignored if none is. */
void infra__lease_answer(struct infra_lease *lease,
                         const struct infra_lease_answer *answer);

/* Answer UNKNOWN. */
void infra__lease_unknown(struct infra_lease *lease, uint32_t reason,
                          uint32_t detail);

/* Answer the request about the record with an enum infra_lease_outcome; ignored
 * if none is out. The bytes that were read are in lease->record. */
void infra__lease_answer_record(struct infra_lease *lease, uint32_t outcome);

/* Answer UNKNOWN. */
void infra__lease_unknown_record(struct infra_lease *lease, uint32_t reason,
                                 uint32_t detail);

/* Give a hint to the host. */
void infra__lease_hint(struct infra_lease *lease);

#endif
