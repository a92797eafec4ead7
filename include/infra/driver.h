/* SPDX-License-Identifier: MIT */
/**
 * @file driver.h Sockets for the pure modules, on Linux epoll: one descriptor
 * to poll and one step.  Three pieces run on a driver: `infra_prober` (health
 * checks), `infra_elector` (failover over a lease store), and the lease in a
 * file.
 *
 * In the host's own event loop:
 *
 * @code
 * poll infra_driver_fd(driver) for reading;
 * infra_driver_step(driver, infra_driver_now());
 * while (infra_prober_next(prober, infra_driver_now(), &event) == INFRA_OK) {
 *     switch (event.kind) { ... } // or infra_prober_apply() of apply.h
 * }
 * @endcode
 *
 * On a thread of the host, infra_driver_run() replaces the first two lines.
 * Every descriptor is non-blocking and close-on-exec.  Only infra_driver_run()
 * and a lease in a file block.  A step reads waiting bytes before it expires
 * deadlines, so a pause of the process does not fail every check.  After
 * fork() the child may only destroy.
 *
 * INFRA_ESYSTEM: errno has the reason.  After any other result errno means
 * nothing.
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
    const struct infra_allocator *allocator; /**< NULL: libc. */
};

/**
 * Create a driver.  It opens three descriptors.
 *
 * @param[out] ret  Set on success only.
 * @param options   NULL for all defaults.
 * @return INFRA_OK; INFRA_ENOMEM; INFRA_EINVAL; INFRA_ESTRUCT; INFRA_ESYSTEM:
 *         no descriptor is left.
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

/** The driver's clock: CLOCK_BOOTTIME in nanoseconds.  Thread safety: any. */
INFRA_API infra_time infra_driver_now(void);

/** The one descriptor to poll for reading.  It becomes readable when a socket
 *  is ready or the deadline has passed, and stays so until the next step.  A
 *  host whose clock is not infra_driver_now() must time the deadline itself.
 *  The driver owns the descriptor: do not close it.  Thread safety: any. */
INFRA_API int infra_driver_fd(const struct infra_driver *driver);

/** Latest time of the next infra_driver_step(), for a host with timers of its
 *  own.  Every call on the driver, its probers or its electors may change it.
 *  Thread safety: owner. */
INFRA_API infra_time infra_driver_deadline(const struct infra_driver *driver);

/**
 * Do all work that needs no waiting: first the I/O that is ready, then the
 * deadlines that have passed.
 *
 * @return INFRA_OK; INFRA_EINVAL: NULL.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_driver_step(struct infra_driver *driver, infra_time now);

/**
 * Wait and step until a prober or elector has an event for the host, or
 * infra_driver_wake() is called, or @p until has passed.
 *
 * @return INFRA_OK; INFRA_EAGAIN: @p until has passed; INFRA_EINVAL: NULL;
 *         INFRA_ESYSTEM: epoll failed.
 *
 * Thread safety: owner.
 */
INFRA_API INFRA_NODISCARD int infra_driver_run(struct infra_driver *driver,
                                               infra_time until);

/**
 * Make the current or next infra_driver_run() return, and the descriptor
 * readable until the next step.  Async-signal-safe, the only such call of the
 * library: one write(), errno kept.
 *
 * Thread safety: any.
 */
INFRA_API void infra_driver_wake(struct infra_driver *driver);

/**
 * @name TLS
 * Functions through which the host's TLS library runs over the driver's
 * sockets.  libinfra contains no TLS: trust, versions and the check of names
 * are up to that library.  examples/common/tls_openssl.c has the functions for
 * OpenSSL.
 *
 * A session belongs to one connection.  Its functions never wait: each returns
 * a count of bytes or an enum infra_tls_answer.  After a WANT the driver waits
 * for the socket and calls again; a read may want to write, and a write may
 * want to read.
 * @{
 */
enum infra_tls_answer {
    INFRA_TLS_WANT_READ = -1,  /**< Again when the socket is readable. */
    INFRA_TLS_WANT_WRITE = -2, /**< Again when the socket is writable. */
    INFRA_TLS_CLOSED = -3,     /**< The peer's close_notify came. */
    INFRA_TLS_TRUNCATED = -4,  /**< The stream ended without close_notify. */
    INFRA_TLS_ERROR = -5,      /**< Any other failure; the session is over. */
};

/** Name of an answer ("want read"), or "unknown".  Thread safety: any. */
INFRA_API const char *infra_tls_answer_name(long answer);

/** The functions of a TLS library, all required.  They may not call the
 *  driver. */
struct infra_tls {
    size_t size;
    void *user; /**< First argument of open(). */
    /**
     * Create a client's session on a connected, non-blocking socket.  It must
     * send nothing yet.
     *
     * @param fd    Owned by the driver: do not close it.  Writing to it must
     *              not raise SIGPIPE (MSG_NOSIGNAL).
     * @param name  Server name to ask for (SNI) and to require in the
     *              certificate; valid during the call.  NULL: the target has
     *              no name.
     * @return The session.  NULL: no memory; this does not count against the
     *         peer.
     */
    void *(*open)(void *user, int fd, const char *name);
    /** Continue the handshake.  0: done, and the peer is authenticated. */
    int (*handshake)(void *session);
    /** Read 1 to @p size bytes.  The driver calls again until the answer is a
     *  WANT, so no decrypted bytes stay behind in the session. */
    long (*read)(void *session, void *bytes, size_t size);
    /** Write 1 to @p size bytes.  After a WANT the same bytes are passed
     *  again, perhaps from another address. */
    long (*write)(void *session, const void *bytes, size_t size);
    /** Free the session.  With @p quiet 0, send close_notify if that needs no
     *  waiting.  @p quiet is 1 after a failure, and in a forked child, whose
     *  parent owns the connection. */
    void (*close)(void *session, int quiet);
};
/** @} */

/** Options of infra_prober_create(). */
struct infra_prober_options {
    size_t size;
    const struct infra_allocator *allocator; /**< NULL: libc. */
    /** Schedule and counters; NULL: the defaults of health.h.  Its own
     *  allocator is used for the health machine. */
    const struct infra_health_options *health;
    /** For probes that want TLS.  Copied; `user` must outlive the prober.
     *  NULL: such a probe ends with INFRA_PROBE_REASON_LOCAL. */
    const struct infra_tls *tls;
    /** Checks that run at once; 0: 512, half of the usual limit of
     *  descriptors.  Further checks wait. */
    uint32_t concurrency_max;
    /** Checks that start per second, up to 1000000, spread evenly: at most
     *  10 ms' worth start at once; 0: no limit. */
    uint32_t rate_max_per_s;
};

/** Result of infra_prober_inspect_load(). */
struct infra_prober_status {
    size_t size;
    uint64_t started;    /**< Checks started since create. */
    infra_time late_max; /**< Longest delay of a start after its due time. */
    uint32_t running;    /**< Checks that run. */
    uint32_t waiting;    /**< Checks that are due and held by a limit. */
};

/** A backend to check. */
struct infra_prober_target {
    size_t size;
    const char *key;                /**< As in infra_health_set(). */
    const struct sockaddr *address; /**< IPv4, IPv6 or Unix stream; copied. */
    /** The check.  The prober owns it once the call succeeds.  The probe last
     *  given for this id may be given again. */
    struct infra_probe *probe;
    /** Server name for TLS, not empty, copied; NULL: no name. */
    const char *tls_name;
    uint32_t id;
    uint32_t address_size;
    /** 1: `initial` is the state of a backend without history, and the state
     *  that the host assumes; 0: the health options decide.  With it a
     *  restarted checker inherits the marks of its backends. */
    uint32_t has_initial;
    uint32_t initial; /**< enum infra_health_initial; with has_initial. */
};

/**
 * Create a prober on a driver.
 *
 * Checks start in the order of their due times.  A backend whose check waits or
 * runs is not due again, and a late loop skips checks, so there are no bursts.
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
 * Begin to check a backend, or replace its address and probe.
 *
 * A host may repeat its whole list at any time and in any order.  With the
 * same key, address and tls_name nothing changes, even if the key moves to
 * another id or was removed up to 10 s ago: counters and schedule continue, a
 * waiting check keeps its place, and the result of a running check counts.  A
 * new probe is used from the next check on.  A new address drops the running
 * check, which is repeated soon.
 *
 * @return INFRA_OK; INFRA_ENOMEM; INFRA_ESTRUCT; INFRA_EINVAL: id out of range,
 *         no key, no probe, an unknown address family, an empty tls_name, an
 *         unknown initial or one without has_initial.  On failure the caller
 *         keeps the probe.
 *
 * Allocates.  Thread safety: owner (of the driver).
 */
INFRA_API int infra_prober_set(struct infra_prober *prober,
                               const struct infra_prober_target *target,
                               infra_time now);

/**
 * Stop checking a backend and drop its queued events.  A running check may
 * continue for up to 10 s without events, in case its key is set again.
 *
 * @return INFRA_OK, INFRA_ENOENT, INFRA_EINVAL.
 *
 * Thread safety: owner (of the driver).
 */
INFRA_API int infra_prober_remove(struct infra_prober *prober, uint32_t id);

/**
 * Check a backend soon, for a host whose traffic met an error; see
 * infra_health_check_now().
 *
 * @return INFRA_OK, INFRA_ENOENT, INFRA_EINVAL.
 *
 * Thread safety: owner (of the driver).
 */
INFRA_API int infra_prober_check_now(struct infra_prober *prober, uint32_t id,
                                     infra_time now);

/**
 * Take the next event: DOUBT or TRUST of the prober itself, then the wishes of
 * backends, then their changes; never PROBE.  The detail of UP, DEGRADED and
 * DOWN is the enum infra_probe_reason of the deciding check.
 *
 * WISH is a backend's request, by its agent or by drain_on_404 of an HTTP
 * check: an administrative state, a weight, a cap.  A value that the backend
 * omits stays as last requested, also while its checks fail.
 * infra_prober_apply() of apply.h carries the request out.
 *
 * @return INFRA_OK, INFRA_EAGAIN, INFRA_EINVAL.
 *
 * Thread safety: owner (of the driver).
 */
INFRA_API INFRA_NODISCARD int infra_prober_next(struct infra_prober *prober,
                                                infra_time now,
                                                struct infra_health_event *ret);

/**
 * Inspect the prober's load.  If checks wait, or start later than the pauses of
 * the host's loop explain, a limit is too low or the machine too slow.
 *
 * @param[in,out] ret  Its size field set by the caller.
 * @return INFRA_OK, INFRA_EINVAL.
 *
 * Thread safety: owner (of the driver).
 */
INFRA_API int infra_prober_inspect_load(const struct infra_prober *prober,
                                        struct infra_prober_status *ret);

/**
 * Inspect a backend's health and the result of its last check.
 *
 * @param[in,out] ret_health  As in infra_health_inspect(); NULL: not wanted.
 * @param[out] ret_result     NULL: not wanted.  Zeroes before the first check.
 * @return INFRA_OK, INFRA_ENOENT, INFRA_EINVAL.
 *
 * Thread safety: owner (of the driver).
 */
INFRA_API int infra_prober_inspect(const struct infra_prober *prober,
                                   uint32_t id,
                                   struct infra_health_status *ret_health,
                                   struct infra_probe_result *ret_result);

/** Options of infra_lease_file(). */
struct infra_lease_file_options {
    size_t size;
    const struct infra_allocator *allocator; /**< NULL: libc. */
    /** Required: the file of the group, the same path on all nodes, another
     *  file for each group.  Created if missing, readable by this user only. */
    const char *path;
    const char *node;     /**< As in infra_failover_options; for people. */
    uint64_t incarnation; /**< As in infra_failover_options. */
    infra_time ttl;       /**< As in infra_failover_options; 0: 10 s. */
};

/**
 * Create a lease client (lease.h) on a file, for processes of one host.
 *
 * The time of all calls is infra_driver_now(), also across time namespaces,
 * whose offset is read once, here.  After a reboot the lease is free.
 *
 * The death of the holder's process is noticed within 100 ms by a lock that
 * ends with it: other nodes look 20 times a second.  A worker forked from the
 * holder keeps that lock, and then the lease has to expire.  For other
 * processes that the holder leaves behind (by exec, or forked earlier) set the
 * grace of infra_failover_options.
 *
 * ACQUIRE blocks until two small writes are on the disk; no other call blocks.
 * An ACQUIRE that cannot be written is UNKNOWN, and so is every later call
 * until the write is on the disk; the same holds for a record.  The lease
 * never has two holders.
 *
 * Never delete, move, replace or copy the file while a node runs, or tokens
 * start again.  A node whose file has left its path loses the lease at its next
 * renewal, after at most a third of the ttl, and is CORRUPT for the rest of its
 * life; a node that makes a new file in that time is active at once.
 *
 * @param[out] ret  Set on success only.
 * @return INFRA_OK; INFRA_ENOMEM; INFRA_ESTRUCT; INFRA_EINVAL: an option is
 *         missing, or the file holds no lease; INFRA_EREMOTE: a network file
 *         system (NFS, SMB, 9P, FUSE, ...), whose locks cannot be trusted;
 *         INFRA_ESYSTEM: the file cannot be opened, created or written
 *         (permission, read-only, disk full), or with EXDEV the process has
 *         unshared its time namespace and not been executed since.
 *
 * Allocates.  Thread safety: any.
 */
INFRA_API INFRA_NODISCARD int infra_lease_file(
    struct infra_lease **ret, const struct infra_lease_file_options *options);

#define INFRA_ELECTOR_ENDPOINTS_MAX 16u /**< Servers of a store. */

/** The address of a store's server. */
struct infra_elector_endpoint {
    const struct sockaddr *address; /**< IPv4, IPv6 or Unix stream. */
    const char *tls_name; /**< Server name for TLS, not empty; NULL: none. */
    uint32_t address_size;
    uint32_t reserved;
};

/** Options of infra_elector_create(). */
struct infra_elector_options {
    size_t size;
    const struct infra_allocator *allocator; /**< NULL: libc. */
    /** Required: the machine's options, with their own allocator. */
    const struct infra_failover_options *failover;
    /** Required: the lease client, of the same incarnation and ttl.  The
     *  elector owns it once the call succeeds; the host may still inspect
     *  it. */
    struct infra_lease *lease;
    /** The store's servers, in the number given to the lease; copied. */
    const struct infra_elector_endpoint *endpoints;
    /** For a lease that wants TLS.  Copied; `user` must outlive the elector.
     *  NULL: such a lease answers UNKNOWN, with INFRA_LEASE_REASON_LOCAL. */
    const struct infra_tls *tls;
    uint32_t endpoints_count;
    uint32_t reserved;
};

/**
 * Create an elector on a driver: the machine of failover.h with its calls
 * carried to a store.  Its clock is infra_driver_now().
 *
 * @code
 * infra_driver_step(driver, infra_driver_now());     // or infra_driver_run()
 * while (infra_elector_next(elector, infra_driver_now(), &e) == INFRA_OK) {
 *     switch (e.kind) { ... }                        // as in failover.h
 * }
 * @endcode
 *
 * @param[out] ret  Set on success only.
 * @return INFRA_OK; INFRA_ENOMEM; INFRA_ESTRUCT; INFRA_EINVAL: an option is
 *         missing, an empty tls_name, a struct infra_tls that lacks a function,
 *         or options that infra_failover_create() refuses.  On failure the
 *         caller keeps the lease.
 *
 * Allocates.  Thread safety: owner (of the driver).
 */
INFRA_API INFRA_NODISCARD int infra_elector_create(
    struct infra_elector **ret, struct infra_driver *driver,
    const struct infra_elector_options *options);

/** Shut the gate and free elector, machine and lease; NULL is allowed.  To hand
 *  over, step down first.  A forked child that shares the gate must not call
 *  it: that would shut the parent's gate.  Thread safety: owner (of the
 *  driver). */
INFRA_API void infra_elector_destroy(struct infra_elector *elector);

/**
 * Take the next event, never INFRA_FAILOVER_EVENT_CALL: the elector carries
 * calls out. Call it until INFRA_EAGAIN after every step and run of the driver
 * and after every input to the machine: without it nothing is renewed.
 *
 * @return INFRA_OK, INFRA_EAGAIN, INFRA_EINVAL.
 *
 * Thread safety: owner (of the driver).
 */
INFRA_API INFRA_NODISCARD int infra_elector_next(
    struct infra_elector *elector, infra_time now,
    struct infra_failover_event *ret);

/**
 * The elector's machine, for inputs (infra_failover_answer_fence(), _drained(),
 * _fit(), _command()) and inspection.  Do not take events from it or answer its
 * calls.
 *
 * Thread safety: owner (of the driver).
 */
INFRA_API struct infra_failover *infra_elector_machine(
    struct infra_elector *elector);

/**
 * @name Processes
 * For infra_balancer_shared_join(), which has to know if a worker lives.  The
 * balancer makes no system call, so these functions stand here; they need /proc
 * and one PID namespace for all workers.
 * @{
 */

/**
 * A name of the calling process, unique on this machine until it boots again:
 * PID and start time.  0: /proc cannot be read.
 *
 * Thread safety: any.
 */
INFRA_API uint64_t infra_process_self(void);

/**
 * Is the process of this name alive?  0 only if it is certainly dead: it has
 * ended, or is a zombie, or another process has its PID; else 1.
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
