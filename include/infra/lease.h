/* SPDX-License-Identifier: MIT */
/**
 * @file lease.h
 * Where the lease of failover.h is kept: one contract and three stores.
 *
 *   infra_lease_memory()  in this process: machines of one process, and tests
 *   infra_lease_file()    in a file: processes of one host (driver.h)
 *   infra_lease_etcd()    in etcd: many hosts
 *
 * An infra_lease is one node's way to the lease of one group.  It is asked one
 * thing at a time, which is an INFRA_FAILOVER_CALL, and answers later:
 *
 * @code
 * case INFRA_FAILOVER_CALL: (void)infra_lease_begin(lease, &e, now); break;
 * ...
 * run(infra_lease_exchange(lease, ...)), if it has any;
 * while (infra_lease_next(lease, now, &reply) == INFRA_OK) {
 *     if (reply.call == 0) { infra_failover_hint(f, now); }
 *     else { infra_failover_reply(f, reply.call, &reply.answer, now); }
 * }
 * @endcode
 *
 * infra_elector of driver.h does all that.
 *
 * What a store promises, and what failover.h builds on:
 *
 * - At any time at most one incarnation holds the lease.  Each ACQUIRE that is
 *   granted has a greater token than all before it, and than the one of the
 *   call, where the store can see to that.
 * - A lease that was granted or renewed holds for the answer's ttl at least,
 *   counted from when the call was issued.
 * - GRANTED, CONFLICT and LOST are proven.  Whatever is not is UNKNOWN: no
 *   answer, an answer that makes no sense, an ACQUIRE that finds the lease to
 *   be this incarnation's already (a former call took it: look and renew).
 * - `clean` says that the former holder released it, or that there was none.
 * - A call that is carried out late, twice, or never does no harm: each names
 *   the token it means.
 *
 * Cost: memory O(1), file and etcd what the system costs; nothing is allocated
 * after create.
 */
#ifndef INFRA_LEASE_H
#define INFRA_LEASE_H

#include <infra/failover.h>

#ifdef __cplusplus
extern "C" {
#endif

struct infra_lease; /**< One node's way to the lease of one group. */

/** Why an answer is UNKNOWN.  Append-only. */
enum infra_lease_reason {
    INFRA_LEASE_REASON_NONE,        /**< It is known. */
    INFRA_LEASE_REASON_OURS,        /**< ACQUIRE: it is ours already. */
    INFRA_LEASE_REASON_TIMEOUT,     /**< No answer in time. */
    INFRA_LEASE_REASON_UNREACHABLE, /**< No connection, or it broke. */
    INFRA_LEASE_REASON_LOCAL,       /**< No descriptor, port or TLS here. */
    INFRA_LEASE_REASON_ERROR,       /**< The store answered with an error. */
    INFRA_LEASE_REASON_LOGIN,       /**< It takes no such user or password. */
    INFRA_LEASE_REASON_MALFORMED,   /**< It answered what it may not. */
    INFRA_LEASE_REASON_TOO_LONG,    /**< It answered more than is read. */
    INFRA_LEASE_REASON_BUSY,        /**< Another process works at the file. */
    INFRA_LEASE_REASON_SYSTEM,      /**< The file cannot be read or written. */
    INFRA_LEASE_REASON_CORRUPT,     /**< The file is damaged, or not at
                                         its path any more. */
    INFRA_LEASE_REASON_TLS,         /**< The TLS handshake failed, as with a
                                         certificate of somebody else. */
};

/** An answer, or a hint. */
struct infra_lease_reply {
    uint64_t call;   /**< Which is answered.  0: none, but the lease may be free
                          now; for infra_failover_hint(). */
    uint32_t reason; /**< enum infra_lease_reason */
    uint32_t detail; /**< ERROR, LOGIN: the HTTP status.  SYSTEM: the errno. */
    struct infra_lease_answer answer;
};

#define INFRA_LEASE_RECORD_MAX 256u /**< Most bytes of a record. */

/** The record, as it was read or written. */
struct infra_lease_record {
    /** enum infra_lease_outcome.  GRANTED: it was read, or stands there now,
     *  while the lease was held with the token.  CONFLICT, LOST: it is not. */
    uint32_t outcome;
    uint32_t reason; /**< UNKNOWN: enum infra_lease_reason */
    uint32_t detail; /**< With it, as in infra_lease_reply. */
    uint32_t count;  /**< GRANTED: its bytes; 0: there is none. */
    unsigned char bytes[INFRA_LEASE_RECORD_MAX];
};

/** What infra_lease_inspect() tells. */
struct infra_lease_stats {
    size_t size;
    uint64_t calls;
    uint64_t unknowns; /**< How many of them were answered UNKNOWN. */
    uint64_t hints;
    uint32_t reason; /**< Of the last UNKNOWN: enum infra_lease_reason */
    uint32_t detail; /**< With it. */
};

/** Close and free; NULL is allowed.  A lease that is held is not given back:
 *  it runs out.  Thread safety: owner. */
INFRA_API void infra_lease_destroy(struct infra_lease *lease);

/**
 * Ask the store.  A call that is out already is given up: there will be no
 * reply to it.
 *
 * @param call  An INFRA_FAILOVER_CALL.
 * @return INFRA_OK; INFRA_EINVAL: NULL, another event, no such operation.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_lease_begin(struct infra_lease *lease,
                                const struct infra_failover_event *call,
                                infra_time now);

/**
 * Take the next answer or hint.  A call that has none at its deadline is
 * UNKNOWN.
 *
 * @return INFRA_OK; INFRA_EAGAIN: nothing until the deadline, or until an
 *         exchange moved; INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API INFRA_NODISCARD int infra_lease_next(struct infra_lease *lease,
                                               infra_time now,
                                               struct infra_lease_reply *ret);

/** When infra_lease_next() or infra_lease_take_record() may have something; 0
 *  if one has it already.  Thread safety: owner. */
INFRA_API infra_time infra_lease_deadline(const struct infra_lease *lease);

/**
 * A conversation that is to be run as long as the lease exists.  It is idle
 * between calls: look at what it wants after each infra_lease_begin().
 *
 * @param index  0, 1, ... until there is none.
 * @return INFRA_OK; INFRA_ENOENT: there are no more; INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_lease_exchange(struct infra_lease *lease, uint32_t index,
                                   struct infra_exchange *ret);

/**
 * @name Record
 * Some bytes beside the lease that its next holder has to know: who was named
 * primary, how far a job has come.  They outlive the holder, and only the
 * holder of the lease writes them, so that a node that has lost it without
 * knowing changes nothing any more.
 *
 * @code
 * (void)infra_lease_write_record(lease, token, "done b", 6, limit, now);
 * ...                                   // as after infra_lease_begin()
 * if (infra_lease_take_record(lease, now, &r) == INFRA_OK &&
 *     r.outcome == INFRA_LEASE_GRANTED) { act(); }
 * @endcode
 *
 * It is a conversation of its own, so that no renewal waits for it.  With an
 * elector call infra_elector_next() after it, as after any word to the machine.
 * @{
 */

/**
 * Ask for the record.  One request about it is out at a time: a new one
 * replaces it.
 *
 * @param token  Of the lease that is held: the answer is GRANTED only if it
 *               still is, and then nobody who held it before can write any
 *               more.  0: whatever is there, perhaps out of date.
 * @param deadline  Then it is UNKNOWN.
 * @return INFRA_OK; INFRA_EINVAL: NULL.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_lease_read_record(struct infra_lease *lease, uint64_t token,
                                      infra_time deadline, infra_time now);

/**
 * Write the record, if the lease is held with this token.  What is UNKNOWN may
 * have been written, or still be on its way; but once a later one is GRANTED it
 * changes nothing any more.
 *
 * @param bytes  Copied.
 * @return INFRA_OK; INFRA_EINVAL: NULL, token 0, no bytes or more than
 *         INFRA_LEASE_RECORD_MAX.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_lease_write_record(struct infra_lease *lease,
                                       uint64_t token, const void *bytes,
                                       size_t count, infra_time deadline,
                                       infra_time now);

/**
 * Take the answer to either.
 *
 * @return INFRA_OK; INFRA_EAGAIN: not yet, or nothing was asked; INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API INFRA_NODISCARD int infra_lease_take_record(
    struct infra_lease *lease, infra_time now, struct infra_lease_record *ret);
/** @} */

/**
 * Tell how the store does.
 *
 * @param[in,out] ret  Its size field set by the caller.
 * @return INFRA_OK, INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_lease_inspect(const struct infra_lease *lease,
                                  struct infra_lease_stats *ret);

/** Name of a reason ("timeout"), or "unknown".  Thread safety: any. */
INFRA_API const char *infra_lease_reason_name(uint32_t reason);

/**
 * @name Memory
 * A lease in this process.  The cell is a small value of the host's, zeroed at
 * first: nobody ever held it.  It has no lock: all that use it belong to one
 * thread.  Its time is what the calls say.
 * @{
 */
struct infra_lease_cell {
    uint64_t opaque[44];
};

/** Options of infra_lease_memory(). */
struct infra_lease_memory_options {
    size_t size;
    const struct infra_allocator *allocator;
    struct infra_lease_cell *cell; /**< Required; outlives the lease. */
    uint64_t incarnation;          /**< As in infra_failover_options. */
    infra_time ttl;                /**< The same; 0: 10 s. */
};

/**
 * Create a way to a lease in memory; it answers at once.
 *
 * @param[out] ret  Set on success only.
 * @return INFRA_OK; INFRA_ENOMEM; INFRA_ESTRUCT; INFRA_EINVAL: something
 *         required is missing.
 *
 * Allocates.  Thread safety: any.
 */
INFRA_API INFRA_NODISCARD int infra_lease_memory(
    struct infra_lease **ret, const struct infra_lease_memory_options *options);

/** What can go wrong in a store. */
enum infra_lease_fault {
    /** The next call, or request about the record, is carried out, and not
     *  answered. */
    INFRA_LEASE_FAULT_LOSE_REPLY,
    /** It is neither carried out nor answered. */
    INFRA_LEASE_FAULT_LOSE_CALL,
    /** The lease runs out now. */
    INFRA_LEASE_FAULT_EXPIRE,
    /** Tokens begin anew, and from now on nobody looks at the call's: as when
     *  the store is restored from an old backup. */
    INFRA_LEASE_FAULT_REGRESS,
};

/** Have it go wrong: for tests of what a host makes of it.  INFRA_OK,
 *  INFRA_EINVAL.  Thread safety: owner. */
INFRA_API int infra_lease_memory_fault(struct infra_lease_cell *cell,
                                       uint32_t fault);
/** @} */

/** Options of infra_lease_etcd().  Texts are copied. */
struct infra_lease_etcd_options {
    size_t size;
    const struct infra_allocator *allocator;
    const char *group; /**< As in infra_failover_options. */
    const char *node;  /**< The same. */
    /** What keys begin with, the same for all nodes; NULL: "/infra/".  At most
     *  127 bytes. */
    const char *prefix;
    /** Where etcd has users: who may read and write these keys.  Each at most
     *  127 bytes; NULL: none. */
    const char *user;
    const char *password;
    uint64_t incarnation; /**< As in infra_failover_options. */
    infra_time ttl; /**< The same; 0: 10 s.  etcd counts whole seconds: it is
                         rounded up, to two at least. */
    uint32_t endpoints_count; /**< Servers, at most 16; 0: 1. */
    uint32_t tls;             /**< 1: over TLS, see infra_elector_options. */
};

/**
 * Create a way to a lease in etcd, by its v3 JSON gateway (etcd 3.4 or later).
 * It has three conversations, with any of the servers: one asks, one watches
 * and only hints, and one is about the record.  When a server does not answer
 * the next one is asked.
 *
 * The lease is the key <prefix><group>/holder, bound to a lease of etcd; its
 * token is the revision that created it.  Renewing is keeping that lease alive,
 * and proving by a transaction that deletes that the key is still bound to it:
 * what only reads may be answered by a member that is alone, and keeping alive
 * was known to succeed for a lease that was gone.  Both count only if they were
 * answered in the same term of etcd's raft, and without a change of server in
 * between; else the renewal begins again.  An etcd that starts or
 * elects begins every lease anew, so that a take-over may take an outage and a
 * ttl.
 *
 * An etcd of several members that is older than the end of 2023 has a fault that
 * no client can mend (its issue 15247): a leader that stood still revokes leases
 * when it goes on, also those that the next leader has extended meanwhile.  Then
 * the former holder knows of its loss by its next renewal only, a third of the
 * ttl later; the fence covers that time.
 *
 * An etcd that is full (NOSPACE) takes nothing new, and goes on to keep alive,
 * to delete and to read: the holder keeps the lease, reads the record, and can
 * release the lease.  Nobody can take it then, nor ask for it, nor write the
 * record: ERROR with the detail 429.  So a holder that fails or steps down
 * leaves an outage, until the alarm is cleared.
 *
 * A call is lost with a server that stands still: from its deadline on the next
 * one is asked.  A login that was refused is not tried again for five seconds,
 * since each costs etcd some work; calls are UNKNOWN until then.  Memory: 64
 * KiB.
 *
 * @param[out] ret  Set on success only.
 * @return INFRA_OK; INFRA_ENOMEM; INFRA_ESTRUCT; INFRA_EINVAL: something
 *         required is missing, too long or out of range.
 *
 * Allocates.  Thread safety: any.
 */
INFRA_API INFRA_NODISCARD int infra_lease_etcd(
    struct infra_lease **ret, const struct infra_lease_etcd_options *options);

#ifdef __cplusplus
}
#endif

#endif /* INFRA_LEASE_H */
