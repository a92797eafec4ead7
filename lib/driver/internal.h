/* SPDX-License-Identifier: MIT */
/* Private to lib/driver: how a prober or elector lives on a driver. It joins as
 * a client, which gets a turn in each step, and attaches jobs: exchanges that
 * the driver runs over sockets.
 *
 * Calls of the host may join, leave, attach, detach and cancel; a client's turn
 * may start and detach jobs; done() may do none of these. So a step never meets
 * freed memory.
 *
 * From the bottom: socket.c; stream.c (bytes, clear or TLS); jobs.c (the
 * table); connection.c; runner.c (a job's exchange); driver.c (the loop). */
#ifndef INFRA_DRIVER_INTERNAL_H
#define INFRA_DRIVER_INTERNAL_H

#include <infra/driver.h>

#include "../base/internal.h"
#include "../base/timers.h"
#include "socket.h"

#include <stdbool.h>
#include <sys/types.h>

#define INFRA__DRIVER_READ_SIZE 16384u

struct infra__client {
    /* In every step, after I/O and deadlines. */
    void (*turn)(void *self, infra_time now);
    /* The latest time of its next turn. */
    infra_time (*deadline)(const void *self);
    /* Is there an event for the host? */
    bool (*pending)(const void *self);
    void *self;
    struct infra__client *next;
};

enum infra__link {
    INFRA__LINK_NONE, /* No descriptor. */
    INFRA__LINK_CONNECTING,
    INFRA__LINK_OPEN,
    INFRA__LINK_ENDED, /* No more bytes will come; or broken. */
};

/* One exchange on one socket at a time. The owner zeroes it, sets the first
 * block, and attaches it. */
struct infra__job {
    struct infra_exchange exchange;
    const struct infra__address *addresses; /* By endpoint() of the exchange. */
    uint32_t addresses_count;
    void (*done)(void *owner, infra_time now); /* want() is DONE. */
    void *owner;
    const struct infra_tls *tls; /* NULL: no TLS. */

    struct infra_driver *driver;
    void *session;         /* Of TLS; NULL: in the clear. */
    int fd;                /* Valid unless the link is NONE. */
    uint32_t slot;         /* Index in the driver's tables. */
    uint32_t endpoint;     /* Of the link. */
    uint32_t link;         /* enum infra__link */
    uint32_t interest;     /* Events that epoll watches, if watched. */
    uint32_t read_awaits;  /* The epoll event for the next read. */
    uint32_t write_awaits; /* The epoll event for the next write. */
    uint32_t reads_left;   /* In this turn. */
    bool running;
    bool watched;
    bool owes;    /* The peer may not have read our last bytes. */
    bool secured; /* The session's handshake is done. */
    bool holds;   /* The session may hold bytes that epoll does not see. */
    bool lingers; /* Not running, with the connection still open. */
    uint32_t linger_left; /* Bytes. */
    infra_time linger_until;
};

/* A job's place. The generation counts the job's sockets. Each event carries
 * it, so that an event of an earlier socket is recognised. */
struct infra__slot {
    struct infra__job *job; /* NULL: free. */
    uint32_t generation;
    uint32_t next_free;
};

enum infra__clock {
    INFRA__CLOCK_UNKNOWN,
    INFRA__CLOCK_OURS,
    INFRA__CLOCK_ANOTHER,
};

struct infra_driver {
    struct infra_allocator allocator;
    struct infra__slot *slots;   /* timers.capacity of them. */
    struct infra__timers timers; /* By slot. */
    struct infra__client *clients;
    infra_time now;      /* The greatest seen. */
    infra_time alarm_at; /* The time of the alarm, past or future. */
    uint32_t free_slot;
    int epoll_fd;
    int wake_fd;
    int alarm_fd;
    enum infra__clock clock; /* Of the host. */
    bool alarm_rings;
    pid_t pid; /* Of the creator; a forked child differs. */
    unsigned char bytes[INFRA__DRIVER_READ_SIZE];
};

static inline uint32_t infra__job_want(const struct infra__job *job)
{
    return job->exchange.ops->want(job->exchange.self);
}

static inline bool infra__job_has_output(const struct infra__job *job)
{
    const void *bytes;

    return infra__job_want(job) == INFRA_WANT_IO &&
           job->exchange.ops->output(job->exchange.self, &bytes) > 0;
}

static inline void infra__job_note(const struct infra__job *job, uint32_t note,
                                   uint32_t detail, infra_time now)
{
    job->exchange.ops->note(job->exchange.self, note, detail, now);
}

/* Connect to the exchange's endpoint; false: in progress. The exchange is
 * notified of the result. */
bool infra__link_dial(struct infra__job *job, infra_time now);
/* The socket is connected. */
void infra__link_connected(struct infra__job *job, infra_time now);
/* The connection, or the attempt, failed: with an enum infra_outcome, or an
 * errno. */
void infra__link_fail(struct infra__job *job, uint32_t outcome, infra_time now);
void infra__link_fail_errno(struct infra__job *job, int error, infra_time now);
/* Close the connection, if any. */
void infra__link_hang_up(struct infra__job *job);
/* The second half of it, alone for a connection that the parent owns. */
void infra__link_let_go(struct infra__job *job, bool quiet);
/* Watch the socket for these epoll events. False: the system refused. */
bool infra__link_watch(struct infra__job *job, uint32_t events);

/* The exchange is over: hang up, now or when the peer has ended its stream. */
void infra__linger_begin(struct infra__job *job, infra_time now);
/* While it lingers: its socket or timer came; or the connection must end. */
void infra__linger_go_on(struct infra__job *job, infra_time now);
void infra__linger_end(struct infra__job *job);

/* Copy a host's TLS functions; NULL leaves @ret without functions.
 * INFRA_ESTRUCT; INFRA_EINVAL: some function is missing. */
int infra__tls_import(struct infra_tls *ret, const struct infra_tls *from);

/* The bytes of a job's connection, in the clear or through its session: a count
 * or an enum infra_tls_answer. After ERROR @ret is the enum infra_outcome. */
long infra__stream_read(const struct infra__job *job, void *bytes, size_t size,
                        uint32_t *ret);
long infra__stream_write(const struct infra__job *job, const void *bytes,
                         size_t size, uint32_t *ret);
/* Begin or continue the handshake. 0: done. */
long infra__stream_secure(struct infra__job *job, uint32_t *ret);
/* End the session, if any. */
void infra__stream_end(struct infra__job *job, bool quiet);

void infra__driver_join(struct infra_driver *driver,
                        struct infra__client *client);
void infra__driver_leave(struct infra_driver *driver,
                         struct infra__client *client);

/* Set the alarm to the deadline: after each call that may bring that
 * forward. */
void infra__alarm_set(struct infra_driver *d, infra_time now);

/* Give a job a slot; the tables may grow. INFRA_ENOMEM. */
int infra__job_attach(struct infra_driver *driver, struct infra__job *job);
void infra__slot_release(struct infra_driver *driver, uint32_t slot);
/* The job of epoll data; NULL: the event is of an earlier socket. */
struct infra__job *infra__job_find(const struct infra_driver *driver,
                                   uint64_t data);
uint64_t infra__job_epoll_data(const struct infra__job *job);

/* Run the exchange, just begun by its owner, until done(); that may come before
 * this returns. */
void infra__job_start(struct infra__job *job, infra_time now);
/* Stop, and drop the connection, without done(). */
void infra__job_cancel(struct infra__job *job);
/* Cancel a job and release its slot. */
void infra__job_detach(struct infra__job *job);
/* Its socket has these epoll @events. */
void infra__job_ready(struct infra__job *job, uint32_t events, infra_time now);
/* Its timer came. */
void infra__job_expire(struct infra__job *job, infra_time now);

#endif
