/* SPDX-License-Identifier: MIT */
/* Private to lib/driver: how a composition (the prober) lives on a driver. It
 * joins as a client, which gets a turn in each step, and attaches jobs:
 * exchanges that the driver runs over sockets.
 *
 * What the host calls may join, leave, attach, detach and cancel; a client's
 * turn may start and detach them; done() may do none of it. So nothing is freed under the
 * feet of a step. */
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
    /* When it wants a turn. */
    infra_time (*deadline)(const void *self);
    /* Has it something for the host? */
    bool (*pending)(const void *self);
    void *self;
    struct infra__client *next;
};

enum infra__link {
    INFRA__LINK_NONE, /* There is no descriptor. */
    INFRA__LINK_CONNECTING,
    INFRA__LINK_OPEN,
    INFRA__LINK_ENDED, /* The peer will send no more, or it is broken. */
};

/* One exchange on one socket at a time. Zeroed, with the first block set by its
 * owner, then attached. */
struct infra__job {
    struct infra_exchange exchange;
    const struct infra__address *addresses; /* By the exchange's endpoint(). */
    uint32_t addresses_count;
    void (*done)(void *owner, infra_time now); /* want() is DONE. */
    void *owner;
    const struct infra_tls *tls; /* NULL: none is to be had. */

    struct infra_driver *driver;
    void *session;         /* Of TLS; NULL: in the clear. */
    int fd;                /* Valid unless the link is NONE. */
    uint32_t slot;         /* Its place in the driver's tables. */
    uint32_t endpoint;     /* Of the link. */
    uint32_t link;         /* enum infra__link */
    uint32_t interest;     /* What epoll watches for, if watched. */
    uint32_t read_awaits;  /* The epoll event that lets reading go on. */
    uint32_t write_awaits; /* The same for writing. */
    uint32_t reads_left;   /* In this turn. */
    bool running;
    bool watched;
    bool owes;    /* The peer may not have read what was sent last. */
    bool secured; /* The session's handshake is done. */
    bool holds;   /* The session may hold bytes that epoll does not see. */
    bool lingers; /* Not running, and the connection is still open. */
    uint32_t linger_left; /* Bytes. */
    infra_time linger_until;
};

/* A place for a job. The generation counts its sockets: an event carries it,
 * and one that was queued for an earlier socket is told from one for this. */
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
    infra_time now;      /* The greatest that was seen. */
    infra_time alarm_at; /* When the alarm rings or has rung. */
    uint32_t free_slot;
    int epoll_fd;
    int wake_fd;
    int alarm_fd;
    enum infra__clock clock; /* Of the host. */
    bool alarm_rings;
    pid_t pid; /* Who created it; after fork() a child is another. */
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

/* Connect to where the exchange wants; false: that is under way. What comes of
 * it is noted. */
bool infra__link_dial(struct infra__job *job, infra_time now);
/* The socket is connected. */
void infra__link_connected(struct infra__job *job, infra_time now);
/* The connection, or the attempt at one, broke: by an enum infra_outcome, or an
 * errno. */
void infra__link_fail(struct infra__job *job, uint32_t outcome, infra_time now);
void infra__link_fail_errno(struct infra__job *job, int error, infra_time now);
/* Close the connection, if there is one. */
void infra__link_hang_up(struct infra__job *job);
/* The same of a connection that is the parent's, and for hang_up(). */
void infra__link_let_go(struct infra__job *job, bool quiet);

/* The exchange is over: hang up, or do so when the peer has ended its stream. */
void infra__linger_begin(struct infra__job *job, infra_time now);
/* While it lingers: its socket or timer came; or the connection has to go. */
void infra__linger_go_on(struct infra__job *job, infra_time now);
void infra__linger_end(struct infra__job *job);

/* Copy a host's TLS functions; NULL leaves @ret without functions. INFRA_ESTRUCT;
 * INFRA_EINVAL: some function is missing. */
int infra__tls_import(struct infra_tls *ret, const struct infra_tls *from);

/* The bytes of a job's connection, in the clear or through its session. What is
 * no count is an enum infra_tls_answer; with ERROR, @ret is whose fault
 * it was, an enum infra_outcome. */
long infra__stream_read(const struct infra__job *job, void *bytes, size_t size,
                        uint32_t *ret);
long infra__stream_write(const struct infra__job *job, const void *bytes,
                         size_t size, uint32_t *ret);
/* Go on with the handshake, or begin it. 0: it is done. */
long infra__stream_secure(struct infra__job *job, uint32_t *ret);
/* End the session, if there is one. */
void infra__stream_end(struct infra__job *job, bool quiet);

void infra__driver_join(struct infra_driver *driver,
                        struct infra__client *client);
void infra__driver_leave(struct infra_driver *driver,
                         struct infra__client *client);

/* A descriptor for the alarm; -1, and errno. */
int infra__alarm_open(void);
/* Have it ring at the deadline: after each call that may bring that forward. */
void infra__alarm_set(struct infra_driver *d, infra_time now);

/* Give a job a place; the tables may grow. INFRA_ENOMEM. */
int infra__job_attach(struct infra_driver *driver, struct infra__job *job);
/* Cancel a job and take its place away. */
void infra__job_detach(struct infra__job *job);
/* The job that epoll data speaks of, NULL if it speaks of the past. */
struct infra__job *infra__job_find(const struct infra_driver *driver,
                                   uint64_t data);
uint64_t infra__job_epoll_data(const struct infra__job *job);

/* Run the exchange, which its owner has just begun, until it is done(); that
 * may be before this returns. */
void infra__job_start(struct infra__job *job, infra_time now);
/* Stop, and drop the connection. There will be no done(). */
void infra__job_cancel(struct infra__job *job);
/* Its socket has these epoll @events. */
void infra__job_ready(struct infra__job *job, uint32_t events, infra_time now);
/* Its timer came. */
void infra__job_expire(struct infra__job *job, infra_time now);

#endif
