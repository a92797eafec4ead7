/* SPDX-License-Identifier: MIT */
/**
 * @file base.h
 * The vocabulary that every module shares: results, time, memory, sets of
 * backends, outcomes, hashing, and the exchange (a byte conversation without a
 * socket).  There is no state here: no clock, no logging, no globals.
 *
 * Three rules hold for every object of the library:
 *
 * - **Time is an argument.**  `infra_time now` is in nanoseconds on one
 *   monotonic clock of the host's choosing per object.  A smaller `now` than
 *   before counts as equal.  Calling early is harmless, calling late fires
 *   everything that is due.
 * - **Results are values.**  0 (or a count, or an id) is success, a negative
 *   enum infra_error is failure, and a call that fails changes nothing unless
 *   its comment says otherwise.  `errno` is never part of the interface.
 * - **Sized structs.**  A struct whose first field is `size` is filled by the
 *   host with `sizeof` of the struct; every other field may stay zero, which is
 *   its default.  A host compiled against a newer header works as long as the
 *   fields that this library does not know are zero (else INFRA_ESTRUCT).  C:
 *   `struct infra_x x = {.size = sizeof x, ...}`; C++: `infra_x x = {};
 *   x.size = sizeof x; ...`, since C++20's designated initialisers warn of each
 *   field that is left out (-Wextra).
 *
 * Thread-safety classes, one per function: *any* (no shared state), *owner*
 * (calls on one object must not overlap), *shared* (may overlap with other
 * shared calls on the same object).  Nothing is async-signal-safe but
 * infra_driver_wake().
 */
#ifndef INFRA_BASE_H
#define INFRA_BASE_H

#include <stddef.h>
#include <stdint.h>

#define INFRA_VERSION_MAJOR 0
#define INFRA_VERSION_MINOR 1
#define INFRA_VERSION_PATCH 0

/*
 * Only the shared library exports its symbols; it is built with INFRA_SHARED.
 * libinfra.a hides them, so that a plug-in that contains a copy exports none of
 * it and never calls another copy in its process.  A host that compiles the
 * sources itself does the same by -fvisibility=hidden, or defines INFRA_API.
 */
#ifndef INFRA_API
#if defined(INFRA_SHARED) && defined(__GNUC__)
#define INFRA_API __attribute__((visibility("default")))
#else
#define INFRA_API
#endif
#endif

/*
 * On what may not be dropped, since it owns something: an object, a ticket, an
 * event.  The result of any other call may be dropped.
 */
#if defined(__GNUC__)
#define INFRA_NODISCARD __attribute__((warn_unused_result))
#else
#define INFRA_NODISCARD
#endif

/* A cast of which no compiler of either language complains. */
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
    INFRA_ESTRUCT = -3, /**< A sized struct asks for more than we know. */
    INFRA_ENOENT = -4,  /**< No such id. */
    INFRA_EAGAIN = -5,  /**< Nothing now; a normal outcome. */
    INFRA_EBUSY = -6,   /**< The id's former owner is still in use. */
    INFRA_ESTALE = -7,  /**< It belongs to an earlier generation; ignored. */
    INFRA_EFULL = -8,   /**< pick: candidates exist, all are at their cap. */
    INFRA_ETRIED = -9,  /**< pick: candidates exist, all were tried. */
    INFRA_EINELIGIBLE = -10, /**< pick: backends are up, none is eligible. */
    INFRA_ENONE = -11,       /**< pick: no backend is up. */
    INFRA_ESYSTEM = -12,     /**< driver: the system refused a descriptor. */
    INFRA_ESHED = -13,   /**< pick: too few are back after a total outage. */
    INFRA_EBUDGET = -14, /**< pick: too many retries of late. */
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
 * The version of the library that runs: major << 16 | minor << 8 | patch.
 *
 * Thread safety: any.
 */
INFRA_API uint32_t infra_version(void);

/**
 * Nanoseconds on a monotonic clock.  On Linux the control side should use
 * CLOCK_BOOTTIME, which also counts the time that a machine was suspended.
 */
typedef uint64_t infra_time;
#define INFRA_TIME_NEVER UINT64_MAX
#define INFRA_US(n) (INFRA_CAST(infra_time, n) * 1000u)
#define INFRA_MS(n) (INFRA_CAST(infra_time, n) * 1000000u)
#define INFRA_SEC(n) (INFRA_CAST(infra_time, n) * 1000000000u)

/**
 * Where an object's memory comes from; NULL anywhere means the C library.
 *
 * @c realloc behaves like realloc(3) with sizes: a NULL @c ptr allocates, a
 * zero @c new_size frees and answers NULL.  The struct is copied, and the
 * function is called only by the calls that say "Allocates".
 */
struct infra_allocator {
    void *(*realloc)(void *user, void *ptr, size_t old_size, size_t new_size);
    void *user;
};

/**
 * A set of backend ids: the currency in which modules and hosts say "these".
 * The words belong to the caller.  Where a set is optional, NULL means "all".
 */
struct infra_set {
    uint64_t *words;  /**< INFRA_SET_WORDS(ids_max) of them. */
    uint32_t ids_max; /**< Ids 0 .. ids_max - 1; no other id is in the set. */
    uint32_t reserved;
};
#define INFRA_SET_WORDS(ids_max) ((INFRA_CAST(size_t, ids_max) + 63u) / 64u)

/** Is @p id in @p set?  Thread safety: any. */
static inline int infra_set_has(const struct infra_set *set, uint32_t id)
{
    return id < set->ids_max && ((set->words[id >> 6] >> (id & 63u)) & 1u) != 0;
}

/** Put @p id into @p set; an id beyond ids_max is ignored. */
static inline void infra_set_add(struct infra_set *set, uint32_t id)
{
    if (id < set->ids_max) {
        set->words[id >> 6] |= UINT64_C(1) << (id & 63u);
    }
}

/** Take @p id out of @p set; an id beyond ids_max is ignored. */
static inline void infra_set_remove(struct infra_set *set, uint32_t id)
{
    if (id < set->ids_max) {
        set->words[id >> 6] &= ~(UINT64_C(1) << (id & 63u));
    }
}

/**
 * How a piece of work at a backend ended.  The distinction that counts is
 * whose fault it was: the backend's, ours, or the client's.
 */
enum infra_outcome {
    INFRA_OUTCOME_OK,
    INFRA_OUTCOME_ERROR,       /**< The backend answered with an error. */
    INFRA_OUTCOME_REFUSED,     /**< Connection refused. */
    INFRA_OUTCOME_UNREACHABLE, /**< There is no way to it from here: no route,
                                    network down, forbidden. */
    INFRA_OUTCOME_TIMEOUT,     /**< No answer in time. */
    INFRA_OUTCOME_RESET,       /**< The connection broke or ended early. */
    INFRA_OUTCOME_LOCAL,       /**< What no destination could do for want of a
                                    descriptor, port or memory here: says
                                    nothing about the backend. */
    INFRA_OUTCOME_ABANDONED,   /**< The client left: says nothing about the
                                    backend. */
    INFRA_OUTCOME_DEGRADED,    /**< It did its work and says that it would
                                    rather be spared: as OK, but for health. */
    /** The backend answered that it could not reach what is behind it (HTTP
     *  502, 503, 504): as ERROR, but outlier tells them apart. */
    INFRA_OUTCOME_GATEWAY_ERROR,
    /** A pooled connection turned out to be closed before the backend had taken
     *  in the request (reset or end of stream before the first byte of an
     *  answer, on a connection that was used before).  That says nothing about
     *  the backend: outlier and health pass the outcome over, peak-EWMA learns
     *  nothing and no failure is counted.  The request may be sent again, to
     *  the same backend over a new connection: leave its id out of the tried
     *  ids, and the next pick is a first attempt, which costs no retry budget.
     *  What a new connection does is an outcome of its own. */
    INFRA_OUTCOME_STALE,
};

/**
 * The outcome's name in lower case ("refused"); "unknown" for other values.
 *
 * Thread safety: any.
 */
INFRA_API const char *infra_outcome_name(uint32_t outcome);

/**
 * Does @p outcome speak against the backend?  1 for errors, refusals,
 * time-outs and resets; 0 for OK and for what was not the backend's doing.
 *
 * Thread safety: any.
 */
INFRA_API int infra_outcome_blames_backend(uint32_t outcome);

/**
 * The outcome for an `errno` of connect(), send(), recv() or another call on a
 * stream socket; 0 is OK.
 *
 * LOCAL is only what no destination could do: no descriptor, no memory, no
 * local port, or a mistake of the caller.  What this machine's own kernel says
 * of one destination is the destination's: a blackhole route (EINVAL), a
 * prohibiting one (EACCES), a firewall (EPERM) and an address family that this
 * machine lacks (EAFNOSUPPORT) are UNREACHABLE, and so is an errno that is
 * unknown here.
 *
 * EADDRNOTAVAIL of connect() has two meanings, and the number alone counts as
 * LOCAL: no local port is left for this destination, or there is no local
 * address to reach it from ([::1] without IPv6), which is UNREACHABLE.  To tell
 * them apart, connect a datagram socket to the same address: it sends nothing,
 * needs no port of TCP, and fails in the second case.  The driver does.
 *
 * Thread safety: any.
 */
INFRA_API uint32_t infra_outcome_of_errno(int error);

/**
 * xxHash64 of @p size bytes (Collet, the specification of xxHash 0.1.1): what
 * infra_request.hash wants for a key that the host has as bytes.
 *
 * Thread safety: any.
 */
INFRA_API uint64_t infra_xxhash64(const void *bytes, size_t size,
                                  uint64_t seed);

/**
 * @name Exchange
 * A byte conversation without a socket.  Probes (and later the etcd lease)
 * speak it; a runner moves the bytes: the driver, a host's own event loop, or a
 * script in a test.
 *
 * The runner asks want() after each call and does that one thing:
 *
 * - CONNECT: open a connection to address number endpoint(), then
 *   note(CONNECTED), or note(FAILED, an enum infra_outcome).
 * - TLS: start TLS on this connection, then note(TLS_UP) or note(FAILED).  A
 *   runner without TLS answers note(FAILED, INFRA_OUTCOME_LOCAL).
 * - IO: send what output() offers and say sent(); hand received bytes to
 *   input(), in any pieces; on the end of the stream note(EOF) or
 *   note(TRUNCATED).
 * - CLOSE: close the connection in order, then note(CLOSED).
 * - IDLE: nothing, but keep the connection and say what happens to it.
 * - DONE: it is over; give the exchange back to its owner, who holds the
 *   result, and close the connection, by a reset if that is cheaper.  But a peer
 *   that has more to say, and would note a reset, ends its stream itself: up to
 *   linger() read what comes and throw it away, then close in order.
 *
 * Bytes are read before deadlines are expired: when deadline() has passed and
 * nothing is left to read, note(DEADLINE).
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

/** What an exchange can do; the functions may not be called re-entrantly. */
struct infra_exchange_ops {
    size_t size;
    /** An enum infra_exchange_want. */
    uint32_t (*want)(const void *self);
    /** Which of the runner's addresses; asked while want() is CONNECT. */
    uint32_t (*endpoint)(const void *self);
    /** Bytes to send, 0 for none; the same bytes again until sent(). */
    size_t (*output)(void *self, const void **ret);
    /** The first @p count bytes of output() are on their way. */
    void (*sent)(void *self, size_t count, infra_time now);
    /** Bytes came in; all are taken, and any split gives the same result. */
    void (*input)(void *self, const void *bytes, size_t count, infra_time now);
    /** An enum infra_exchange_note; @p detail only with FAILED. */
    void (*note)(void *self, uint32_t note, uint32_t detail, infra_time now);
    /** When the present phase has taken too long; INFRA_TIME_NEVER: never. */
    infra_time (*deadline)(const void *self);
    /** When it is DONE: until when the peer may take to end its stream; 0: do
     *  not wait for that.  NULL: 0. */
    infra_time (*linger)(const void *self);
};

/** A conversation: the functions and what they work on. */
struct infra_exchange {
    const struct infra_exchange_ops *ops;
    void *self;
};
/** @} */

#ifdef __cplusplus
}
#endif

#endif /* INFRA_BASE_H */
