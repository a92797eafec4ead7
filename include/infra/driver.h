/* SPDX-License-Identifier: MIT */
/**
 * @file driver.h Sockets for the pure modules, on Linux epoll: one descriptor
 * to poll, and one step.  And the compositions that need them: `infra_prober`,
 * health checks over real connections.
 *
 * In an event loop that the host has already:
 *
 * @code
 * poll infra_driver_fd(driver) for reading;
 * infra_driver_step(driver, infra_driver_now());
 * while (infra_prober_next(prober, infra_driver_now(), &event) == INFRA_OK) {
 *     switch (event.kind) { ... } // or infra_prober_apply() of apply.h
 * }
 * @endcode
 *
 * Or on a thread that the host starts, infra_driver_run() in place of the first
 * two lines.  Every descriptor is non-blocking and close-on-exec.  No call
 * blocks but infra_driver_run().  A turn reads what came before it expires
 * deadlines, so that a process that was paused does not condemn everyone.
 * After fork() the child may only destroy.
 *
 * When a call returns INFRA_ESYSTEM, errno says why; it means nothing after
 * any other result.
 */
#ifndef INFRA_DRIVER_H
#define INFRA_DRIVER_H

#include <infra/base.h>
#include <infra/failover.h>
#include <infra/health.h>
#include <infra/lease.h>
#include <infra/probe.h>
#include <sys/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

struct infra_driver;  /**< An epoll set and its deadlines. */
struct infra_prober;  /**< Health checks run by a driver. */
struct infra_elector; /**< Failover over a lease store, run by a driver. */

/** Options of infra_driver_create(). */
struct infra_driver_options {
    size_t size;
    const struct infra_allocator *allocator;
};

/**
 * Create a driver with nothing to do.  It takes three descriptors.
 *
 * @param[out] ret  Set on success only.
 * @param options   NULL for all defaults.
 * @return INFRA_OK; INFRA_ENOMEM; INFRA_EINVAL; INFRA_ESTRUCT; INFRA_ESYSTEM:
 *         no descriptor to be had; see errno.
 *
 * Allocates.  Thread safety: any.
 */
INFRA_API INFRA_NODISCARD int infra_driver_create(
    struct infra_driver **ret, const struct infra_driver_options *options);

/**
 * Free a driver; NULL is allowed.  Destroy its probers first.
 *
 * Thread safety: owner.
 */
INFRA_API void infra_driver_destroy(struct infra_driver *driver);

/** CLOCK_BOOTTIME in nanoseconds: the time that a driver goes by.  Thread
 *  safety: any. */
INFRA_API infra_time infra_driver_now(void);

/** The descriptor to poll for reading, the only one: it is readable when a
 *  socket is ready and when the deadline has come, and then until the next
 *  step.  A host with another clock than infra_driver_now() goes by the
 *  deadline itself.  It is the driver's: do not close it.  Thread safety: any.
 */
INFRA_API int infra_driver_fd(const struct infra_driver *driver);

/** When infra_driver_step() is to be called at the latest, for a host that has
 *  timers of its own, or a clock; it changes with every call on the driver or
 *  its probers.  Thread safety: owner. */
INFRA_API infra_time infra_driver_deadline(const struct infra_driver *driver);

/**
 * Do what can be done without waiting: first the I/O that is ready, then the
 * deadlines that have passed.
 *
 * @return INFRA_OK; INFRA_EINVAL: NULL.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_driver_step(struct infra_driver *driver, infra_time now);

/**
 * Wait and step until a prober has an event for the host, infra_driver_wake()
 * is called, or @p until comes.
 *
 * @return INFRA_OK; INFRA_EAGAIN: @p until came; INFRA_EINVAL: NULL;
 *         INFRA_ESYSTEM: epoll failed; see errno.
 *
 * Thread safety: owner.
 */
INFRA_API INFRA_NODISCARD int infra_driver_run(struct infra_driver *driver,
                                               infra_time until);

/**
 * Make the present or next infra_driver_run() return, and the descriptor
 * readable until the next step.  It is async-signal-safe, the only call that
 * is: one write(), and errno is kept.
 *
 * Thread safety: any.
 */
INFRA_API void infra_driver_wake(struct infra_driver *driver);

/**
 * @name TLS
 * How a host's TLS library runs over the driver's sockets.  There is no TLS in
 * libinfra: what is trusted, which versions are spoken and what a name has to
 * match are the library's and the host's.  examples/tls_openssl.c has
 * the functions for OpenSSL.
 *
 * A session is one connection's.  Its functions do what they can without
 * waiting and answer a count of bytes or one of these.  The driver then waits
 * until the socket is as wanted, and calls again; reading may have to wait
 * until the socket can be written, and the other way round.
 * @{
 */
enum infra_tls_answer {
    INFRA_TLS_WANT_READ = -1,  /**< Again when the socket is readable. */
    INFRA_TLS_WANT_WRITE = -2, /**< Again when it is writable. */
    INFRA_TLS_CLOSED = -3,     /**< The peer's close_notify came. */
    INFRA_TLS_TRUNCATED = -4,  /**< The stream ended without it. */
    INFRA_TLS_ERROR = -5,      /**< Anything else; the session is over. */
};

/** The functions of a TLS library; all are needed.  They may not call the
 *  driver. */
struct infra_tls {
    size_t size;
    void *user; /**< Handed to open(). */
    /**
     * Begin a client's session on a connected, non-blocking socket.  It says
     * nothing yet.
     *
     * @param fd    The driver's: not to be closed.  Writing to it must not
     *              raise SIGPIPE (MSG_NOSIGNAL).
     * @param name  Whom to ask for (SNI) and whom the certificate must name;
     *              valid during the call.  NULL: the target has no name.
     * @return The session.  NULL: there is no memory for it, which is not held
     *         against the peer.
     */
    void *(*open)(void *user, int fd, const char *name);
    /** Shake hands.  0: done, and the peer is who it should be. */
    int (*handshake)(void *session);
    /** Read at most @p size bytes, at least one.  It is called until it wants
     *  something, so that what the session holds decrypted is not left. */
    long (*read)(void *session, void *bytes, size_t size);
    /** Write some of @p size bytes, at least one.  After it wanted something
     *  the same bytes come again, perhaps from another address. */
    long (*write)(void *session, const void *bytes, size_t size);
    /** Free the session.  Unless it is to be @p quiet, say close_notify if that
     *  needs no waiting.  After a failure it is quiet, and in a forked child,
     *  where the connection is the parent's. */
    void (*close)(void *session, int quiet);
};
/** @} */

/** Options of infra_prober_create(). */
struct infra_prober_options {
    size_t size;
    const struct infra_allocator *allocator;
    /** The schedule and the counter; NULL: the defaults of health.h.  Its own
     *  allocator counts for it. */
    const struct infra_health_options *health;
    /** For probes that want TLS; copied, and its user outlives the prober.
     *  NULL: such a probe ends with INFRA_PROBE_REASON_LOCAL. */
    const struct infra_tls *tls;
    /** Most checks that run at once; 0: 512, half of the descriptors that a
     *  process usually may open.  What is due beyond it waits its turn. */
    uint32_t concurrency_max;
    /** Most checks that start in a second, evenly: 10 ms' worth of them at once
     *  at most.  Up to 1000000; 0: as many as are due. */
    uint32_t rate_max_per_s;
};

/** What infra_prober_load() tells. */
struct infra_prober_stats {
    size_t size;
    uint64_t started;    /**< Checks, since create. */
    infra_time late_max; /**< The most that one started after it was due. */
    uint32_t running;    /**< Checks. */
    uint32_t waiting;    /**< Checks that are due and held by a limit. */
};

/** A backend to check. */
struct infra_prober_target {
    size_t size;
    const char *key;                /**< As in infra_health_set(). */
    const struct sockaddr *address; /**< IPv4, IPv6 or Unix stream; copied. */
    /** How to check it.  It belongs to the prober once the call succeeds; the
     *  one that was given last for this id may be given again. */
    struct infra_probe *probe;
    /** The server's name for TLS, not empty, copied; NULL: it has none. */
    const char *tls_name;
    uint32_t id;
    uint32_t address_size;
    /** 1: `initial` is what a backend counts as of which nothing is known, and
     *  what the host takes it for; 0: the health options say.  A checker that
     *  was restarted inherits its backends' marks so. */
    uint32_t has_initial;
    uint32_t initial; /**< enum infra_health_initial; with has_initial. */
};

/**
 * Create a prober on a driver.
 *
 * Checks start in the order in which they were due.  A backend whose check
 * waits or runs is not due again, and a loop that was late skips checks, so
 * that nothing comes in bursts.
 *
 * @param[out] ret  Set on success only.
 * @param options   NULL for all defaults.
 * @return INFRA_OK; INFRA_ENOMEM; INFRA_ESTRUCT; INFRA_EINVAL: NULL, a value
 *         out of range, a struct infra_tls that lacks a function.
 *
 * Allocates.  Thread safety: owner (of the driver).
 */
INFRA_API INFRA_NODISCARD int infra_prober_create(
    struct infra_prober **ret, struct infra_driver *driver,
    const struct infra_prober_options *options);

/** Stop all checks and free the prober and its probes; NULL is allowed.  Thread
 *  safety: owner (of the driver). */
INFRA_API void infra_prober_destroy(struct infra_prober *prober);

/**
 * Begin to check a backend, or replace the address and probe of one.
 *
 * A host may say its whole list again at any time and in any order.  With the
 * same key, address and tls_name nothing changes, also where the key has
 * another id now, or was removed within 10 s: counter and schedule go on, a
 * check that waits keeps its place, and one that runs counts.  Another probe is
 * used from the next check on.  Another address drops the running check, which
 * is repeated soon.
 *
 * @return INFRA_OK; INFRA_ENOMEM; INFRA_ESTRUCT; INFRA_EINVAL: id out of range,
 *         no key, no probe, an address family that is not known, an empty
 *         tls_name, an initial without has_initial or that there is not.  On
 *         failure the probe stays with the caller.
 *
 * Allocates.  Thread safety: owner (of the driver).
 */
INFRA_API int infra_prober_set(struct infra_prober *prober,
                               const struct infra_prober_target *target,
                               infra_time now);

/**
 * Stop checking a backend; what is queued for it is dropped.  A check that runs
 * may go on for up to 10 s, unheard, in case that its key is set again.
 *
 * @return INFRA_OK, INFRA_ENOENT, INFRA_EINVAL.
 *
 * Thread safety: owner (of the driver).
 */
INFRA_API int infra_prober_remove(struct infra_prober *prober, uint32_t id);

/**
 * Check a backend soon, as in infra_health_probe_now(): traffic saw something.
 *
 * @return INFRA_OK, INFRA_ENOENT, INFRA_EINVAL.
 *
 * Thread safety: owner (of the driver).
 */
INFRA_API int infra_prober_check_now(struct infra_prober *prober, uint32_t id,
                                     infra_time now);

/**
 * Take the next event: DOUBT or TRUST of the prober itself, then the backends'
 * wishes, then their changes; never PROBE.  The detail of UP, DEGRADED and DOWN
 * is the enum infra_probe_reason of the check that decided.
 *
 * WISH says what a backend asks for by its agent, or by drain_on_404 of a check
 * of HTTP: an administrative state, a weight, a cap.  What it does not tell
 * stays as it told it before, also while its checks fail.  infra_prober_apply()
 * of apply.h does as it is asked.
 *
 * @return INFRA_OK, INFRA_EAGAIN, INFRA_EINVAL.
 *
 * Thread safety: owner (of the driver).
 */
INFRA_API INFRA_NODISCARD int infra_prober_next(struct infra_prober *prober,
                                                infra_time now,
                                                struct infra_health_event *ret);

/**
 * Tell how busy the prober is: when checks wait, or start late by more than the
 * loop's own pauses, its limits are too low or the machine is too slow.
 *
 * @param[in,out] ret  Its size field set by the caller.
 * @return INFRA_OK, INFRA_EINVAL.
 *
 * Thread safety: owner (of the driver).
 */
INFRA_API int infra_prober_load(const struct infra_prober *prober,
                                struct infra_prober_stats *ret);

/**
 * Tell a backend's health and how its last check ended.
 *
 * @param[in,out] ret_health  As in infra_health_inspect(); NULL: not wanted.
 * @param[out] ret_result     NULL: not wanted.  Zeroes before the first check.
 * @return INFRA_OK, INFRA_ENOENT, INFRA_EINVAL.
 *
 * Thread safety: owner (of the driver).
 */
INFRA_API int infra_prober_inspect(const struct infra_prober *prober,
                                   uint32_t id,
                                   struct infra_health_stats *ret_health,
                                   struct infra_probe_result *ret_result);

/** Options of infra_lease_file(). */
struct infra_lease_file_options {
    size_t size;
    const struct infra_allocator *allocator;
    /** Required: the same file for all nodes of the group, and another for
     *  each group.  It is created if need be, readable by this user only. */
    const char *path;
    const char *node;     /**< As in infra_failover_options; for people. */
    uint64_t incarnation; /**< The same as there. */
    infra_time ttl;       /**< The same; 0: 10 s. */
};

/**
 * Create a way to a lease in a file, for processes of one host (lease.h).
 *
 * The time of all calls is infra_driver_now(), in every process, which may be of
 * different time namespaces (its offset is read here, once).  After a
 * reboot the lease is free.  A holder whose process ended is noticed within
 * 100 ms, by a lock that ends with it: other nodes look 20 times a second.  A
 * worker that was forked from the holder keeps that lock, and then the lease
 * has to run out.  What the holder started otherwise and left behind (by exec,
 * or forked before) is given the grace of infra_failover_options.
 *
 * It blocks: an ACQUIRE until two small writes are on the disk, anything else
 * not at all.  An ACQUIRE that cannot be written is UNKNOWN, and so is all that
 * builds on it until it is on the disk, and the same of a record; nobody holds
 * two.  Never delete, move, replace or copy the file while a node runs, or tokens
 * begin anew.  A node whose file is not at its path any more has lost the lease
 * at its next renewal, for a third of the ttl at most, and is CORRUPT for the
 * rest of its life; who makes a new file meanwhile is active at once.
 *
 * @param[out] ret  Set on success only.
 * @return INFRA_OK; INFRA_ENOMEM; INFRA_ESTRUCT; INFRA_EINVAL: something
 *         required is missing, or the path is of something else than a lease;
 *         INFRA_EREMOTE: the locks of a network file system (NFS, SMB, 9P,
 *         FUSE, ...) are not to be trusted; INFRA_ESYSTEM: the file cannot be
 *         opened, created or written (permission, read-only, disk full); see
 *         errno (EXDEV: the process has unshared its time namespace, and has
 *         not been executed since).
 *
 * Allocates.  Thread safety: any.
 */
INFRA_API INFRA_NODISCARD int infra_lease_file(
    struct infra_lease **ret, const struct infra_lease_file_options *options);

#define INFRA_ELECTOR_ENDPOINTS_MAX 16u /**< Servers of a store. */

/** Where a store listens. */
struct infra_elector_endpoint {
    const struct sockaddr *address; /**< IPv4, IPv6 or Unix stream. */
    /** The server's name for TLS, not empty; NULL: it has none. */
    const char *tls_name;
    uint32_t address_size;
    uint32_t reserved;
};

/** Options of infra_elector_create(). */
struct infra_elector_options {
    size_t size;
    const struct infra_allocator *allocator;
    /** Required: the machine.  Its own allocator counts for it. */
    const struct infra_failover_options *failover;
    /** Required: the way to the store, of the same incarnation and ttl.  It
     *  belongs to the elector once the call succeeds; the host may go on to
     *  inspect it. */
    struct infra_lease *lease;
    /** The store's servers, as many as the lease was told of; copied. */
    const struct infra_elector_endpoint *endpoints;
    /** For a lease that wants TLS; copied, and its user outlives the elector.
     *  NULL: such a lease answers UNKNOWN, with INFRA_LEASE_REASON_LOCAL. */
    const struct infra_tls *tls;
    uint32_t endpoints_count;
    uint32_t reserved;
};

/**
 * Create an elector on a driver: the machine of failover.h, whose calls go to a
 * store.  Its time is infra_driver_now().
 *
 * @code
 * infra_driver_step(driver, infra_driver_now());     // or infra_driver_run()
 * while (infra_elector_next(elector, infra_driver_now(), &e) == INFRA_OK) {
 *     switch (e.kind) { ... }                        // as in failover.h
 * }
 * @endcode
 *
 * @param[out] ret  Set on success only.
 * @return INFRA_OK; INFRA_ENOMEM; INFRA_ESTRUCT; INFRA_EINVAL: something is
 *         missing, an empty tls_name, a struct infra_tls that lacks a function, or
 *         what infra_failover_create() refuses.  On failure the lease stays
 *         with the caller.
 *
 * Allocates.  Thread safety: owner (of the driver).
 */
INFRA_API INFRA_NODISCARD int infra_elector_create(
    struct infra_elector **ret, struct infra_driver *driver,
    const struct infra_elector_options *options);

/** Shut the gate and free elector, machine and lease; NULL is allowed.  To hand
 *  over, step down first.  A forked child that shares the gate must not do it:
 *  it would shut its parent's.  Thread safety: owner (of the driver). */
INFRA_API void infra_elector_destroy(struct infra_elector *elector);

/**
 * Take the next event, never INFRA_FAILOVER_CALL: those are carried out.  To be
 * called until INFRA_EAGAIN after every step and run of the driver, and after
 * every word to the machine: nothing is renewed by a host that does not.
 *
 * @return INFRA_OK, INFRA_EAGAIN, INFRA_EINVAL.
 *
 * Thread safety: owner (of the driver).
 */
INFRA_API INFRA_NODISCARD int infra_elector_next(
    struct infra_elector *elector, infra_time now,
    struct infra_failover_event *ret);

/**
 * The machine, to be told (infra_failover_fenced(), _drained(), _fit(),
 * _command()) and inspected; not to be asked for events or answered.
 *
 * Thread safety: owner (of the driver).
 */
INFRA_API struct infra_failover *infra_elector_machine(
    struct infra_elector *elector);

/**
 * @name Processes
 * For infra_balancer_shared_join(), which asks whether a worker lives.  The
 * balancer makes no system call, so the answer is here; it needs /proc and one
 * PID namespace for all workers.
 * @{
 */

/**
 * A name of the calling process that no other has on this machine until it
 * boots again: its PID and its start time.  0: /proc cannot be read.
 *
 * Thread safety: any.
 */
INFRA_API uint64_t infra_process_self(void);

/**
 * Does the process of this name live?  1, or 0 if that is certain: it is gone,
 * waits to be reaped by its parent, or another has its PID.
 *
 * @param user  Ignored.
 *
 * Thread safety: any.
 */
INFRA_API int infra_process_is_alive(void *user, uint64_t process);
/** @} */

#ifdef __cplusplus
}
#endif

#endif /* INFRA_DRIVER_H */
