/* SPDX-License-Identifier: MIT */
/* What the files of the relay share: relay.c turns the loop,
 * relay_session.c knows how a session lives, relay_pump.c moves its bytes,
 * relay_gate.c keeps it from serving while another node does. */
#ifndef EXAMPLES_RELAY_PRIVATE_H
#define EXAMPLES_RELAY_PRIVATE_H

#include "relay.h"

#include <stdatomic.h>
#include <stdbool.h>

/* Backends that one client may be tried on. */
#define RELAY_TRIES_MAX 8u

/* One read.  Large reads are what makes bulk transfers cheap: at 16 KiB a MiB
 * costs twice the time.  Only a session whose peer does not take the bytes
 * keeps a buffer, one per direction; where many do, only as large as what is in
 * it; and where that comes to too much, reads are small. */
#define RELAY_BUFFER_SIZE (256u * 1024u)
#define RELAY_SMALL_SIZE (16u * 1024u)

struct relay_buffer {
    struct relay_buffer *next; /* In the pool. */
    size_t start;
    size_t end;
    size_t size; /* Of the bytes. */
    unsigned char bytes[];
};

/* Buffers not in use; the last one given back is warm and leaves first. */
struct relay_pool {
    struct relay_buffer *first;
    uint32_t count;
    uint32_t large_count; /* Of full size that sessions keep. */
    size_t held;          /* Bytes of all that sessions keep. */
    size_t held_max;      /* Above which reads are small. */
};

void relay_pool_finish(struct relay_pool *pool);

/* One socket of a session. */
struct relay_side {
    struct relay_session *session;
    struct relay_buffer *out; /* To be written here; NULL: nothing. */
    int fd;
    int error;        /* The errno with which the socket broke, if known. */
    uint32_t watched; /* The events that epoll knows; 0: not in the set. */
    bool is_kept;     /* What is to be written is counted in the pool. */
    bool readable;    /* A read may give something. */
    bool to_the_end;  /* A short read does not mean that all is read. */
    bool writable;    /* A write may take something. */
    bool eof;         /* Everything is read. */
    bool shut;        /* Our end of stream is sent. */
    bool broken;      /* Reset by the peer, or a call failed. */
};

/* Each phase has one time limit, so a list in order of age is its timer. */
enum relay_phase {
    RELAY_CONNECTING,
    RELAY_SILENT, /* Connected, and the backend waits to be told so. */
    RELAY_OPEN,
    RELAY_ASKED, /* The client spoke last, and an answer has its time. */
    RELAY_HALF_CLOSED,
    RELAY_PHASES,
};

struct relay_link {
    struct relay_link *next;
    struct relay_link *prev;
};

/* Under what a session was admitted. */
struct relay_pass {
    struct shared_gate *gate; /* NULL: none in particular. */
    uint64_t token;
};

/* A client that came in. */
struct relay_arrival {
    uint64_t hash;   /* For hash policies. */
    uint64_t source; /* For limits. */
    struct relay_pass pass;
};

struct relay_session {
    struct relay_link
        link; /* In its phase; first, so that a link is a session. */
    struct relay_session *ready_next;
    struct relay_side client;
    struct relay_side backend;
    struct infra_ticket ticket;
    infra_time since; /* Last activity, and place in the phase's list. */
    infra_time connect_start;
    infra_time connect_time; /* How long it took; 0: it did not. */
    uint64_t hash;           /* Of the client's address. */
    uint64_t source;         /* For relay_limits_leave(). */
    struct relay_pass pass;
    uint32_t tried[RELAY_TRIES_MAX]; /* The last one is the present one. */
    uint32_t tried_count;
    enum relay_phase phase;
    bool ready;    /* In the list of sessions to serve. */
    bool untold;   /* The last packet of the handshake is kept back. */
    bool has_said; /* Some byte went through. */
};

struct relay {
    struct relay_options options;
    struct relay_pool pool;
    struct relay_session *ready;
    struct relay_link phases[RELAY_PHASES];
    infra_time limits[RELAY_PHASES];
    infra_time now;          /* Read once per turn. */
    infra_time accept_again; /* The listener rests until then; 0: it works. */
    infra_time timer_at;     /* When the timer rings. */
    infra_time drain_limit;
    _Atomic infra_time turned_at;
    uint64_t tokens[SHARED_GATES_MAX]; /* Of the gates; 0: shut. */
    uint32_t sessions_count;
    int epoll_fd;
    int listen_fd;
    int wake_fd;
    int reserve_fd; /* To be closed for a backend's socket; -1: none. */
    int timer_fd;
    bool clients_speak_first; /* As the last session taught. */
    bool listens;             /* Else the port is only bound. */
    bool exhausted;           /* Out of descriptors, memory or places. */
    bool has_place;           /* A session has ended since. */
    atomic_bool draining;
};

enum relay_pumped {
    RELAY_MOVED = 1, /* Bytes went through. */
    RELAY_MORE = 2,  /* And more would have; it is others' turn. */
};

/* Move bytes until one of the two is not ready; enum relay_pumped bits. */
unsigned relay_pump(struct relay_pool *pool, struct relay_side *from,
                    struct relay_side *to);

/* Give up what waits to be written. */
void relay_drop(struct relay_pool *pool, struct relay_side *side);

/* Close so that the peer sees a reset: not the end of a reply, a failure. */
void relay_reset_fd(int fd);

/* Is this errno a shortage of this process, which waiting may end? */
bool relay_is_shortage(int error);

/* Listen, or only be bound.  0 or an errno. */
int relay_listen(struct relay *relay);
int relay_rebind(struct relay *relay);

/* When to look at the gates again. */
infra_time relay_gate_deadline(const struct relay *relay);

/* May a client be taken in?  If so, the session is to have this pass. */
bool relay_gate_admits(const struct relay *relay, int fd,
                       struct relay_pass *ret);

/* May a session go on?  Only asked where there are gates. */
bool relay_gate_allows(const struct relay *relay,
                       const struct relay_session *session);

/* A session is counted while it lives. */
void relay_gate_enter(const struct relay_session *session);
void relay_gate_leave(const struct relay_session *session);

/* Do what the gates say: cut, listen, or stop listening.  0 or an errno. */
int relay_gate_follow(struct relay *relay);

/* A client came in.  The descriptor belongs to the session, which may be over
 * when this returns. */
void relay_session_start(struct relay *relay, int fd,
                         const struct relay_arrival *arrival);

/* What epoll said about a side; the work is done by serve. */
void relay_session_note(struct relay *relay, struct relay_side *side,
                        uint32_t events);

/* Do what can be done.  The session may be over when this returns. */
void relay_session_serve(struct relay *relay, struct relay_session *session);

/* Its time is up. */
void relay_session_expire(struct relay *relay, struct relay_session *session);

/* End it now. */
void relay_session_cut(struct relay *relay, struct relay_session *session);

#endif
