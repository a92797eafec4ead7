/* SPDX-License-Identifier: MIT */
/**
 * @file base.h
 * The vocabulary that every module shares: results, time, memory, sets of
 * backends, outcomes, hashing, and the exchange (a byte conversation without a
 * socket).  It has no state: no clock, no logging, no globals.
 *
 * Three rules hold for every object of the library:
 *
 * - **Time is an argument.**  `infra_time now` counts nanoseconds on a
 *   monotonic clock that the host chooses, one clock per object.  A smaller
 *   `now` than before counts as equal.  An early call is harmless; a late call
 *   fires everything that is due.
 * - **Results are values.**  0, a count or an id is success; a negative enum
 *   infra_error is failure.  A call that fails changes nothing unless its
 *   comment says otherwise.  `errno` is not part of the interface.
 * - **Sized structs.**  The host sets the first field, `size`, to `sizeof` of
 *   the struct.  Every other field may stay zero, which is its default.  A host
 *   compiled against a newer header works as long as the fields unknown to this
 *   library are zero (else INFRA_ESTRUCT).  C: `struct infra_x x = {.size =
 *   sizeof x, ...}`.  C++: `infra_x x = {}; x.size = sizeof x; ...`, because
 *   with C++20's designated initialisers -Wextra warns of each omitted field.
 *
 * Each function has a thread-safety class.  *Any*: no shared state.  *Owner*:
 * calls on one object must not overlap.  *Shared*: may overlap with other
 * shared calls on the same object.  Only infra_driver_wake() is
 * async-signal-safe.
 */
#ifndef INFRA_BASE_H
#define INFRA_BASE_H

#include <stddef.h>
#include <stdint.h>

#define INFRA_VERSION_MAJOR 0
#define INFRA_VERSION_MINOR 1
#define INFRA_VERSION_PATCH 0

/*
 * Only the shared library, built with INFRA_SHARED, exports its symbols.
 * libinfra.a hides them, so that a plug-in with its own copy exports nothing of
 * it and never calls another copy in the process.  A host that compiles the
 * sources itself uses -fvisibility=hidden, or defines INFRA_API.
 */
#ifndef INFRA_API
#if defined(INFRA_SHARED) && defined(__GNUC__)
#define INFRA_API __attribute__((visibility("default")))
#else
#define INFRA_API
#endif
#endif

/*
 * The result owns something (an object, a ticket, an event) and must be used.
 * The results of other calls may be ignored.
 */
#if defined(__GNUC__)
#define INFRA_NODISCARD __attribute__((warn_unused_result))
#else
#define INFRA_NODISCARD
#endif

/* A cast without warnings in C and in C++. */
#ifdef __cplusplus
#define INFRA_CAST(type, value) (static_cast<type>(value))
#else
#define INFRA_CAST(type, value) ((type)(value))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** Results.  Negative, append-only, never renumbered. */
enum infra_error {
    INFRA_OK = 0,
    INFRA_ENOMEM = -1,  /**< The allocator returned NULL. */
    INFRA_EINVAL = -2,  /**< An argument breaks a documented precondition. */
    INFRA_ESTRUCT = -3, /**< A sized struct uses a field unknown here. */
    INFRA_ENOENT = -4,  /**< No such id. */
    INFRA_EAGAIN = -5,  /**< Nothing now; a normal result. */
    INFRA_EBUSY = -6,   /**< The id's former owner is still in use. */
    INFRA_ESTALE = -7,  /**< From an earlier generation; ignored. */
    INFRA_EFULL = -8,   /**< pick: candidates exist, all are at their cap. */
    INFRA_ETRIED = -9,  /**< pick: candidates exist, all were tried. */
    INFRA_EINELIGIBLE = -10, /**< pick: backends are up, none is eligible. */
    INFRA_ENONE = -11,       /**< pick: no backend is up. */
    INFRA_ESYSTEM = -12,     /**< driver: the system refused a descriptor. */
    INFRA_ESHED = -13,       /**< pick: too few are up again after an outage. */
    INFRA_EBUDGET = -14,     /**< pick: too many recent retries. */
    INFRA_EREMOTE = -15, /**< lease: the file is on a network file system. */
    INFRA_EEXIST = -16,  /**< Another id has this key. */
};

/**
 * Describe a result in English.  Static text, never NULL.
 *
 * Thread safety: any.
 */
INFRA_API const char *infra_strerror(int err);

/**
 * Version of the running library: major << 16 | minor << 8 | patch.
 *
 * Thread safety: any.
 */
INFRA_API uint32_t infra_version(void);

/**
 * Nanoseconds on a monotonic clock.  On Linux use CLOCK_BOOTTIME on the control
 * side; it also counts the time during which the machine was suspended.
 */
typedef uint64_t infra_time;
#define INFRA_TIME_NEVER UINT64_MAX
#define INFRA_US(n) (INFRA_CAST(infra_time, n) * 1000u)
#define INFRA_MS(n) (INFRA_CAST(infra_time, n) * 1000000u)
#define INFRA_SEC(n) (INFRA_CAST(infra_time, n) * 1000000000u)

/**
 * Source of an object's memory; NULL: the C library.
 *
 * @c realloc behaves like realloc(3) with sizes: with a NULL @c ptr it
 * allocates, with a zero @c new_size it frees and returns NULL.  The struct is
 * copied.  Only functions documented with "Allocates", and those that free,
 * call @c realloc.
 */
struct infra_allocator {
    void *(*realloc)(void *user, void *ptr, size_t old_size, size_t new_size);
    void *user;
};

/**
 * A set of backend ids, the currency between modules and hosts.  The caller
 * owns the words.  Where a set is optional, NULL means all ids.
 */
struct infra_set {
    uint64_t *words;  /**< INFRA_SET_WORDS(ids_max) words. */
    uint32_t ids_max; /**< Ids 0 .. ids_max - 1; others are never in it. */
    uint32_t reserved;
};
#define INFRA_SET_WORDS(ids_max) ((INFRA_CAST(size_t, ids_max) + 63u) / 64u)

/** Is @p id in @p set?  Thread safety: any. */
static inline int infra_set_has(const struct infra_set *set, uint32_t id)
{
    return id < set->ids_max && ((set->words[id >> 6] >> (id & 63u)) & 1u) != 0;
}

/** Put @p id into @p set; an id of ids_max or more is ignored. */
static inline void infra_set_add(struct infra_set *set, uint32_t id)
{
    if (id < set->ids_max) {
        set->words[id >> 6] |= UINT64_C(1) << (id & 63u);
    }
}

/** Take @p id out of @p set; an id of ids_max or more is ignored. */
static inline void infra_set_remove(struct infra_set *set, uint32_t id)
{
    if (id < set->ids_max) {
        set->words[id >> 6] &= ~(UINT64_C(1) << (id & 63u));
    }
}

/**
 * How a piece of work at a backend ended: by the fault of the backend, of this
 * machine, or of the client.
 */
enum infra_outcome {
    INFRA_OUTCOME_OK,
    INFRA_OUTCOME_ERROR,       /**< The backend answered with an error. */
    INFRA_OUTCOME_REFUSED,     /**< Connection refused. */
    INFRA_OUTCOME_UNREACHABLE, /**< No way to the backend from here: no route,
                                    network down, forbidden. */
    INFRA_OUTCOME_TIMEOUT,     /**< No answer in time. */
    INFRA_OUTCOME_RESET,       /**< The connection broke or ended early. */
    INFRA_OUTCOME_LOCAL,       /**< No descriptor, port or memory here, so that
                                    no destination could work: says nothing
                                    about the backend. */
    INFRA_OUTCOME_ABANDONED,   /**< The client left: says nothing about the
                                    backend. */
    INFRA_OUTCOME_DEGRADED,    /**< Success, with a request for less traffic:
                                    as OK, except for health. */
    /** The backend could not reach a server behind it (HTTP 502, 503, 504): as
     *  ERROR, except that outlier tells the two apart. */
    INFRA_OUTCOME_GATEWAY_ERROR,
    /** A pooled connection was already closed when the request was sent: reset
     *  or end of stream before the first byte of an answer, on a connection
     *  used before.  This says nothing about the backend: outlier and health
     *  ignore it, peak-EWMA learns nothing, and no failure is counted.  The
     *  request may be sent again, to the same backend over a new connection:
     *  leave its id out of the tried ids, and the next pick is a first attempt,
     *  which costs no retry budget.  The new connection has its own outcome. */
    INFRA_OUTCOME_STALE,
};

/** Name of an outcome ("refused"), or "unknown".  Thread safety: any. */
INFRA_API const char *infra_outcome_name(uint32_t outcome);

/**
 * Does @p outcome blame the backend?  1: ERROR, REFUSED, UNREACHABLE, TIMEOUT,
 * RESET, GATEWAY_ERROR; 0: the others.
 *
 * Thread safety: any.
 */
INFRA_API int infra_outcome_blames_backend(uint32_t outcome);

/**
 * The outcome for an `errno` of connect(), send(), recv() or another call on a
 * stream socket; 0 is OK.
 *
 * LOCAL: no destination could work (no descriptor, no memory, no local port),
 * or the caller made a mistake.  An error of this machine's own kernel about
 * one destination counts against that destination: a blackhole route (EINVAL),
 * a prohibiting route (EACCES), a firewall (EPERM) and a missing address family
 * (EAFNOSUPPORT) are UNREACHABLE.  So is an errno unknown here.
 *
 * EADDRNOTAVAIL of connect() has two meanings: no local port is left for this
 * destination (LOCAL), or no local address can reach it ([::1] without IPv6;
 * UNREACHABLE).  The number alone counts as LOCAL.  To tell the two apart,
 * connect a datagram socket to the same address: it sends nothing, needs no TCP
 * port, and fails in the second case.  The driver does so.
 *
 * Thread safety: any.
 */
INFRA_API uint32_t infra_outcome_of_errno(int error);

/**
 * The outcome for an HTTP status: GATEWAY_ERROR for 502, 503 and 504, ERROR for
 * the others from 500 to 599, else OK.
 *
 * Thread safety: any.
 */
INFRA_API uint32_t infra_outcome_of_status(uint32_t status);

/**
 * xxHash64 of @p size bytes (Collet, xxHash 0.1.1), for example for
 * infra_request.hash.
 *
 * Thread safety: any.
 */
INFRA_API uint64_t infra_xxhash64(const void *bytes, size_t size,
                                  uint64_t seed);

/**
 * @name Exchange
 * A byte conversation without a socket.  Probes and the etcd lease are
 * exchanges.  A runner moves the bytes: the driver, a host's own event loop, or
 * a script in a test.
 *
 * The runner asks want() after each call and does that one thing:
 *
 * - CONNECT: open a connection to address number endpoint(), then call
 *   note(CONNECTED), or note(FAILED, an enum infra_outcome).
 * - TLS: start TLS on this connection, then call note(TLS_UP) or note(FAILED).
 *   A runner without TLS calls note(FAILED, INFRA_OUTCOME_LOCAL).
 * - IO: send the bytes of output() and call sent(); pass received bytes to
 *   input(), in any pieces; at the end of the stream call note(EOF) or
 *   note(TRUNCATED).
 * - CLOSE: close the connection in order, then call note(CLOSED).
 * - IDLE: keep the connection and note() what happens to it.
 * - DONE: give the exchange back to its owner, which holds the result, and
 *   close the connection, by a reset if that is cheaper.  A peer that has more
 *   to send, and would log a reset, ends its stream itself: until linger() read
 *   and discard, then close in order.
 *
 * Read before expiring deadlines: call note(DEADLINE) when deadline() has
 * passed and nothing is left to read.
 * @{
 */
enum infra_exchange_want {
    INFRA_WANT_IDLE,
    INFRA_WANT_CONNECT,
    INFRA_WANT_TLS,
    INFRA_WANT_IO,
    INFRA_WANT_CLOSE,
    INFRA_WANT_DONE,
};

enum infra_exchange_note {
    INFRA_NOTE_CONNECTED,
    INFRA_NOTE_TLS_UP,
    INFRA_NOTE_EOF,       /**< The peer ended the stream in order. */
    INFRA_NOTE_TRUNCATED, /**< The stream ended without TLS close_notify. */
    INFRA_NOTE_FAILED,    /**< The detail is an enum infra_outcome. */
    INFRA_NOTE_CLOSED,
    INFRA_NOTE_DEADLINE,
};

/** Functions of an exchange; they must not be called re-entrantly. */
struct infra_exchange_ops {
    size_t size;
    /** An enum infra_exchange_want. */
    uint32_t (*want)(const void *self);
    /** Number of the runner's address; called while want() is CONNECT. */
    uint32_t (*endpoint)(const void *self);
    /** Bytes to send, 0: none; the same bytes until sent(). */
    size_t (*output)(void *self, const void **ret);
    /** The first @p count bytes of output() were sent. */
    void (*sent)(void *self, size_t count, infra_time now);
    /** Bytes received; all are taken, and any split gives the same result. */
    void (*input)(void *self, const void *bytes, size_t count, infra_time now);
    /** An enum infra_exchange_note; @p detail: only with FAILED. */
    void (*note)(void *self, uint32_t note, uint32_t detail, infra_time now);
    /** End of the present phase's time; INFRA_TIME_NEVER: none. */
    infra_time (*deadline)(const void *self);
    /** In DONE: time until which the peer may end its stream; 0, or a NULL
     *  function: do not wait. */
    infra_time (*linger)(const void *self);
};

/** An exchange: its functions and their object. */
struct infra_exchange {
    const struct infra_exchange_ops *ops;
    void *self;
};

/** Name of a want ("connect"), or "unknown".  Thread safety: any. */
INFRA_API const char *infra_exchange_want_name(uint32_t want);

/** Name of a note ("truncated"), or "unknown".  Thread safety: any. */
INFRA_API const char *infra_exchange_note_name(uint32_t note);
/** @} */

#ifdef __cplusplus
}
#endif

#endif /* INFRA_BASE_H */
