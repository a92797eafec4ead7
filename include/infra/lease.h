/* SPDX-License-Identifier: MIT */
/**
 * @file lease.h
 * A lease that one node of a group holds at a time, the words to ask for it,
 * and three stores that keep it.
 *
 *   infra_lease_memory()  in this process: machines of one process, and tests
 *   infra_lease_file()    in a file: processes of one host (driver.h)
 *   infra_lease_etcd()    in etcd: many hosts
 *
 * An infra_lease is a lease client: one node's handle to one group's lease.  It
 * carries out one call at a time and answers later.  The calls come from the
 * machine of failover.h:
 *
 * @code
 * case INFRA_FAILOVER_EVENT_CALL:
 *     (void)infra_lease_begin(lease, &e.call, now);
 *     break;
 * ...
 * run(infra_lease_exchange(lease, ...)), if the store has conversations;
 * while (infra_lease_next(lease, now, &reply) == INFRA_OK) {
 *     if (reply.call == 0) { infra_failover_hint(f, now); }
 *     else { infra_failover_answer(f, reply.call, &reply.answer, now); }
 * }
 * @endcode
 *
 * infra_elector of driver.h does all that.
 *
 * Every store promises, and failover.h relies on it:
 *
 * - At any time at most one incarnation holds the lease.  A granted ACQUIRE has
 *   a greater token than all before it.  It also exceeds the token of the call,
 *   where the store can ensure that.
 * - A lease that was granted or renewed holds for at least the ttl of the
 *   answer, counted from the issue of the call.
 * - GRANTED, CONFLICT and LOST are proven.  Everything else is UNKNOWN: no
 *   answer, an answer that makes no sense, an ACQUIRE that finds the lease held
 *   by this incarnation already (by an earlier call: read, then renew).
 * - `clean` means that the former holder released the lease, or that nobody
 *   ever held it.
 * - A call that is carried out late, twice or never does no harm, because each
 *   call names the token that it means.
 *
 * Cost: memory O(1); file and etcd, the system calls and round trips.  Nothing
 * is allocated after create.
 */
#ifndef INFRA_LEASE_H
#define INFRA_LEASE_H

#include <infra/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct infra_lease; /**< One node's handle to one group's lease. */

#define INFRA_LEASE_NAME_MAX 63u /**< Longest group and node, in bytes. */
#define INFRA_LEASE_TTL_DEFAULT INFRA_SEC(10)
#define INFRA_LEASE_TTL_MIN INFRA_MS(100)
#define INFRA_LEASE_TTL_MAX INFRA_SEC(3600)

/** An operation of the store.  Each names the token that it means, so that an
 *  operation that is carried out late does no harm. */
enum infra_lease_op {
    /** Take the lease if it is free.  Its ttl counts from the issue. */
    INFRA_LEASE_OP_ACQUIRE,
    /** Extend the lease, and prove that this node holds it. */
    INFRA_LEASE_OP_RENEW,
    /** Read the holder.  Also resolves an UNKNOWN, by the incarnation. */
    INFRA_LEASE_OP_READ,
    /** Give the lease back, if this node still holds it. */
    INFRA_LEASE_OP_RELEASE,
    /** Leave a handover request for the holder. */
    INFRA_LEASE_OP_REQUEST,
};

/** How a call ended. */
enum infra_lease_outcome {
    INFRA_LEASE_OUTCOME_GRANTED,  /**< This node holds the lease; RELEASE,
                                       REQUEST: done. */
    INFRA_LEASE_OUTCOME_CONFLICT, /**< Another node holds it. */
    INFRA_LEASE_OUTCOME_LOST,     /**< Nobody holds it. */
    INFRA_LEASE_OUTCOME_UNKNOWN,  /**< No answer, or an error that proves
                                       nothing: the call may have been carried
                                       out or not. */
};

/** Why an answer is UNKNOWN.  Append-only. */
enum infra_lease_reason {
    INFRA_LEASE_REASON_NONE,        /**< The outcome is known. */
    INFRA_LEASE_REASON_OURS,        /**< ACQUIRE: this node has it already. */
    INFRA_LEASE_REASON_TIMEOUT,     /**< No answer in time. */
    INFRA_LEASE_REASON_UNREACHABLE, /**< No connection, or it broke. */
    INFRA_LEASE_REASON_LOCAL,       /**< No descriptor, port or TLS here. */
    INFRA_LEASE_REASON_ERROR,       /**< The store answered with an error. */
    INFRA_LEASE_REASON_LOGIN,       /**< Wrong user or password. */
    INFRA_LEASE_REASON_MALFORMED,   /**< The answer breaks the protocol. */
    INFRA_LEASE_REASON_TOO_LONG,    /**< The answer exceeds the buffer. */
    INFRA_LEASE_REASON_BUSY,        /**< Another process has the file locked. */
    INFRA_LEASE_REASON_SYSTEM,      /**< The file cannot be read or written. */
    INFRA_LEASE_REASON_CORRUPT,     /**< The file is damaged, or no longer at
                                         its path. */
    INFRA_LEASE_REASON_TLS,         /**< The TLS handshake failed, as with a
                                         certificate of another server. */
};

/** A call to the store. */
struct infra_lease_call {
    uint64_t id;    /**< Number of the call, for the answer; not 0. */
    uint64_t token; /**< RENEW, RELEASE: of the lease.  ACQUIRE: the new token
                         has to be greater. */
    infra_time deadline;       /**< Without an answer by then: UNKNOWN. */
    uint64_t handover_request; /**< REQUEST: this node's preference. */
    uint32_t op;               /**< enum infra_lease_op */
    uint32_t reserved;
};

/** The store's answer. */
struct infra_lease_answer {
    uint32_t outcome; /**< enum infra_lease_outcome */
    /** GRANTED, of ACQUIRE: 1 if the former holder released the lease or nobody
     *  ever held it, so that no one has to be waited for. */
    uint32_t clean;
    uint64_t token;            /**< Of the holder's lease; 0: it is free. */
    infra_time ttl;            /**< GRANTED: the ttl that the store gave. */
    uint64_t handover_request; /**< RENEW, READ: the preference of a node that
                                    requests the lease; 0: no request. */
    uint64_t reserved[4];
};

/** An answer, or a hint. */
struct infra_lease_reply {
    uint64_t call;   /**< Number of the answered call.  0: a hint that the lease
                          may be free now, for infra_failover_hint(). */
    uint32_t reason; /**< enum infra_lease_reason */
    uint32_t detail; /**< ERROR, LOGIN: the HTTP status.  SYSTEM: the errno. */
    struct infra_lease_answer answer;
};

#define INFRA_LEASE_RECORD_MAX 256u /**< Longest record, in bytes. */

/** The record, as it was read or written. */
struct infra_lease_record {
    /** enum infra_lease_outcome.  GRANTED: the record was read or written while
     *  the lease was held with the token.  CONFLICT, LOST: the lease is not
     *  held with the token. */
    uint32_t outcome;
    uint32_t reason; /**< UNKNOWN: enum infra_lease_reason */
    uint32_t detail; /**< As in infra_lease_reply. */
    uint32_t count;  /**< GRANTED: the record's bytes; 0: there is none. */
    unsigned char bytes[INFRA_LEASE_RECORD_MAX];
};

/** Status of a lease client, for infra_lease_inspect(). */
struct infra_lease_status {
    size_t size;
    uint64_t calls;
    uint64_t unknowns; /**< Calls that were answered UNKNOWN. */
    uint64_t hints;
    uint32_t reason; /**< Of the last UNKNOWN: enum infra_lease_reason */
    uint32_t detail; /**< As in infra_lease_reply. */
};

/** Close and free; NULL is allowed.  A lease that is held is not released: it
 *  runs out.  Thread safety: owner. */
INFRA_API void infra_lease_destroy(struct infra_lease *lease);

/**
 * Begin a call.  An earlier call without an answer is given up: it gets no
 * reply.
 *
 * @param call  From an INFRA_FAILOVER_EVENT_CALL; copied.
 * @return INFRA_OK; INFRA_EINVAL: NULL, id 0, no such operation.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_lease_begin(struct infra_lease *lease,
                                const struct infra_lease_call *call,
                                infra_time now);

/**
 * Take the next answer or hint.  A call without an answer at its deadline is
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

/** When infra_lease_next() or infra_lease_take_record() may have something; 0:
 *  one of them has something now.  Thread safety: owner. */
INFRA_API infra_time infra_lease_deadline(const struct infra_lease *lease);

/**
 * Get a conversation, to be run as long as the lease client exists.  It is idle
 * between calls: look at its want after each infra_lease_begin().
 *
 * @param index  0, 1, ... until INFRA_ENOENT.
 * @return INFRA_OK; INFRA_ENOENT: no more conversations; INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_lease_exchange(struct infra_lease *lease, uint32_t index,
                                   struct infra_exchange *ret);

/**
 * @name Record
 * Some bytes beside the lease that the next holder has to know: which node was
 * named primary, how far a job has come.  The record outlives the holder.  Only
 * the holder of the lease can write it, so that a node that has lost the lease
 * without knowing changes nothing.
 *
 * @code
 * (void)infra_lease_write_record(lease, token, "done b", 6, limit, now);
 * ...                                   // as after infra_lease_begin()
 * if (infra_lease_take_record(lease, now, &r) == INFRA_OK &&
 *     r.outcome == INFRA_LEASE_OUTCOME_GRANTED) { act(); }
 * @endcode
 *
 * The record has a conversation of its own, so that no renewal waits for it.
 * With an elector call infra_elector_next() afterwards, as after any input to
 * the machine.
 * @{
 */

/**
 * Read the record.  One request about the record is out at a time; a new one
 * replaces it.
 *
 * @param token  Of the lease that is held.  The answer is GRANTED only if it
 *               still is; no former holder can write any more then.  0: read
 *               without that proof, perhaps out of date.
 * @param deadline  Without an answer by then: UNKNOWN.
 * @return INFRA_OK; INFRA_EINVAL: NULL.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_lease_read_record(struct infra_lease *lease, uint64_t token,
                                      infra_time deadline, infra_time now);

/**
 * Write the record, if the lease is held with this token.  After UNKNOWN the
 * write may have happened or may still happen, but not after a later write was
 * GRANTED.
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
 * Take the answer to a request about the record.
 *
 * @return INFRA_OK; INFRA_EAGAIN: no answer yet, or no request; INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API INFRA_NODISCARD int infra_lease_take_record(
    struct infra_lease *lease, infra_time now, struct infra_lease_record *ret);
/** @} */

/**
 * Get the status of a lease client.
 *
 * @param[in,out] ret  Its size field set by the caller.
 * @return INFRA_OK, INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_lease_inspect(const struct infra_lease *lease,
                                  struct infra_lease_status *ret);

/** Name of an operation ("acquire"), or "unknown".  Thread safety: any. */
INFRA_API const char *infra_lease_op_name(uint32_t op);

/** Name of an outcome ("granted"), or "unknown".  Thread safety: any. */
INFRA_API const char *infra_lease_outcome_name(uint32_t outcome);

/** Name of a reason ("timeout"), or "unknown".  Thread safety: any. */
INFRA_API const char *infra_lease_reason_name(uint32_t reason);

/**
 * @name Memory
 * A lease in this process.  The cell is a small value of the host; all zeroes:
 * nobody ever held the lease.  It has no lock: all its lease clients belong to
 * one thread.  Its time is the `now` of the calls.
 * @{
 */
struct infra_lease_cell {
    uint64_t opaque[44];
};

/** Options of infra_lease_memory(). */
struct infra_lease_memory_options {
    size_t size;
    const struct infra_allocator *allocator;
    struct infra_lease_cell *cell; /**< Required; outlives the lease client. */
    uint64_t incarnation;          /**< As in infra_failover_options. */
    infra_time ttl; /**< As in infra_failover_options; 0: 10 s. */
};

/**
 * Create a lease client in memory; it answers at once.
 *
 * @param[out] ret  Set on success only.
 * @return INFRA_OK; INFRA_ENOMEM; INFRA_ESTRUCT; INFRA_EINVAL: something
 *         required is missing, or a ttl out of range.
 *
 * Allocates.  Thread safety: any.
 */
INFRA_API INFRA_NODISCARD int infra_lease_memory(
    struct infra_lease **ret, const struct infra_lease_memory_options *options);
/** @} */

/** Options of infra_lease_etcd().  Texts are copied. */
struct infra_lease_etcd_options {
    size_t size;
    const struct infra_allocator *allocator;
    const char *group; /**< As in infra_failover_options. */
    const char *node;  /**< As in infra_failover_options. */
    /** Prefix of all keys, the same on all nodes, at most 127 bytes; NULL:
     *  "/infra/". */
    const char *prefix;
    /** Name and password of an etcd user that may read and write these keys, at
     *  most 127 bytes each; NULL: no login. */
    const char *user;
    const char *password;
    uint64_t incarnation; /**< As in infra_failover_options. */
    infra_time ttl; /**< As in infra_failover_options; 0: 10 s.  Rounded up to
                         whole seconds, at least 2 s, as etcd counts. */
    uint32_t endpoints_count; /**< Servers, at most 16; 0: 1. */
    uint32_t tls;             /**< 1: over TLS, see infra_elector_options. */
};

/**
 * Create a lease client in etcd, by the v3 JSON gateway (etcd 3.4 or later).
 * It has three conversations, each with any of the servers: one for calls, one
 * that watches and only hints, one for the record.  When a server does not
 * answer, the next one is tried.
 *
 * The lease is the key `<prefix><group>/holder`, bound to a lease of etcd.  Its
 * token is the revision that created the key.  RENEW keeps that lease of etcd
 * alive, and then proves by a transaction that deletes that the key is still
 * bound to it: a member that is cut off may answer a transaction that only
 * reads, and etcd is known to have kept alive a lease that was gone.  Both
 * steps count only if they were answered in the same raft term and by the same
 * server; else the renewal begins again.  An etcd that starts or elects a
 * leader begins every lease anew, so that a take-over may take an outage and a
 * ttl.
 *
 * A cluster of an etcd older than the end of 2023 has a fault that no client
 * can mend (etcd issue 15247): a leader that stood still revokes leases when
 * it goes on, also leases that the next leader has extended meanwhile.  The
 * former holder then learns of its loss by its next renewal only, a third of
 * the ttl later; the fence covers that time.
 *
 * An etcd that is full (NOSPACE) refuses new data, but keeps alive, deletes and
 * reads.  The holder keeps the lease, reads the record, and can release the
 * lease.  Nobody can take the lease then, request it, or write the record:
 * ERROR with the detail 429.  A holder that fails or steps down leaves an
 * outage until the alarm is cleared.
 *
 * If a server stands still, the call is lost with it; after the call's deadline
 * the next server is tried.  A refused login is not repeated for five seconds,
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
