/* SPDX-License-Identifier: MIT */
/* What the stores have in common: the call that is out, its answer, hints. */
#ifndef INFRA_LEASE_INTERNAL_H
#define INFRA_LEASE_INTERNAL_H

#include <infra/lease.h>

#include <stdbool.h>

struct infra__lease_kind {
    /* Carry out lease->call: answer now or later. One that is out already is
     * given up. */
    void (*begin)(struct infra_lease *lease, infra_time now);
    /* The call's deadline has come; it may say why. NULL: nothing to do. */
    void (*expire)(struct infra_lease *lease);
    /* Time passes; NULL: the store does nothing by itself. */
    void (*turn)(struct infra_lease *lease, infra_time now);
    infra_time (*deadline)(const struct infra_lease *lease);
    /* Carry out lease->record_call: now or later. One that is out already is
     * given up. */
    void (*begin_record)(struct infra_lease *lease, infra_time now);
    /* Its deadline has come; it may say why. NULL: nothing to do. */
    void (*expire_record)(struct infra_lease *lease);
    /* NULL: it has no conversations. */
    bool (*exchange)(struct infra_lease *lease, uint32_t index,
                     struct infra_exchange *ret);
    void (*finish)(struct infra_lease *lease);
};

/* What is asked about the record. */
struct infra__lease_record_call {
    uint64_t token; /* READ, 0: of whoever. */
    infra_time deadline;
    bool is_write;
};

/* The first member of each store's object. */
struct infra_lease {
    struct infra_allocator allocator; /* First: infra__object_create(). */
    const struct infra__lease_kind *kind;
    size_t bytes; /* Of the allocation, of which this is the head. */
    uint64_t incarnation;
    infra_time ttl;
    struct infra_lease_call call;
    bool is_out;    /* The call has no answer yet. */
    bool is_hinted; /* A hint waits for the host. */
    bool has_reply; /* An answer does. */
    struct infra_lease_reply reply;
    struct infra__lease_record_call record_call;
    bool is_record_out;
    bool has_record;                  /* Its answer waits for the host. */
    struct infra_lease_record record; /* To be written; then the answer. */
    struct infra_lease_status stats;
};

/* An object of @bytes, unless *@err is an error already. NULL: return *@err, which
 * is INFRA_EINVAL without an incarnation or with a ttl that failover.h refuses. */
struct infra_lease *infra__lease_create(int *err, size_t bytes,
                                        const struct infra__lease_kind *kind,
                                        const struct infra_allocator *allocator,
                                        uint64_t incarnation, infra_time ttl);

/* The answer to the call that is out; ignored if none is. */
void infra__lease_answer(struct infra_lease *lease,
                         const struct infra_lease_answer *answer);

/* The same, where nothing is known. */
void infra__lease_unknown(struct infra_lease *lease, uint32_t reason,
                          uint32_t detail);

/* The answer to what is out about the record, an enum infra_lease_outcome;
 * ignored if nothing is. What was read is in lease->record. */
void infra__lease_answer_record(struct infra_lease *lease, uint32_t outcome);

/* The same, where nothing is known. */
void infra__lease_unknown_record(struct infra_lease *lease, uint32_t reason,
                                 uint32_t detail);

/* Somebody should look. */
void infra__lease_hint(struct infra_lease *lease);

#endif
