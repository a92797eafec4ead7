/* SPDX-License-Identifier: MIT */
/* Shared by the files of the relay: relay.c is the loop, relay_accept.c its
 * clients, relay_connect.c its backends, relay_session.c the life of a session,
 * relay_pump.c its bytes, relay_gate.c its gate, which keeps it from serving
 * while another node does. */
#ifndef EXAMPLES_RELAY_PRIVATE_H
#define EXAMPLES_RELAY_PRIVATE_H

#include "relay.h"
#include "relay_log.h"

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>

/* Backends tried for one client. */
#define RELAY_TRIES_MAX 8u

/* One read.  Large reads make bulk transfers cheap: at 16 KiB a MiB costs twice
 * the time.  Only a session whose peer does not take its bytes keeps a buffer,
 * one per direction; if many do, only as large as the bytes in it; and if these
 * add up to too much, reads are small. */
#define RELAY_BUFFER_SIZE (256u * 1024u)
#define RELAY_SMALL_SIZE (16u * 1024u)

/* Rest of the listener after a shortage of this process. */
#define RELAY_ACCEPT_PAUSE INFRA_MS(100)

struct relay_buffer {
    struct relay_buffer *next; /* In the pool. */
    size_t start;
    size_t end;
    size_t size; /* Of the bytes. */
    unsigned char bytes[];
};

/* Free buffers; the last one given back is warm and is used first. */
struct relay_pool {
    struct relay_buffer *first;
    uint32_t count;
    uint32_t large_count; /* Of full size, kept by sessions. */
    size_t held;          /* Bytes kept by sessions. */
    size_t held_max;      /* Above it reads are small. */
};

void relay_pool_finish(struct relay_pool *pool);

/* One socket of a session. */
struct relay_side {
    struct relay_session *session;
    struct relay_buffer *out; /* Bytes to write here; NULL: none. */
    int fd;
    int error;        /* The errno with which the socket broke, if known. */
    uint32_t watched; /* The events that epoll knows; 0: not in the set. */
    uint64_t passed;  /* Bytes written here, */
    uint64_t counted; /* and those of them that the metrics have. */
    bool is_kept;     /* `out` is counted in the pool. */
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
    RELAY_SILENT, /* Connected, with the last packet held back. */
    RELAY_OPEN,
    RELAY_ASKED, /* The client spoke last; a limit for the answer. */
    RELAY_HALF_CLOSED,
    RELAY_PHASES,
};

struct relay_link {
    struct relay_link *next;
    struct relay_link *prev;
};

/* The gate and token under which a session was admitted. */
struct relay_pass {
    struct shared_gate *gate; /* NULL: no gate. */
    uint64_t token;
};

/* An accepted client. */
struct relay_arrival {
    struct sockaddr_in6 address; /* Or the struct sockaddr_in in it. */
    uint64_t hash;               /* For hash policies. */
    uint64_t source;             /* For limits. */
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
    infra_time began;
    infra_time connect_start;
    infra_time connect_time; /* Duration; 0: not connected. */
    uint64_t hash;           /* Of the client's address. */
    uint64_t source;         /* For relay_limits_leave(). */
    struct relay_pass pass;
    struct sockaddr_in6 address;     /* The client's; or the sockaddr_in. */
    uint32_t tried[RELAY_TRIES_MAX]; /* The last one is the current one. */
    uint32_t tried_count;
    enum relay_phase phase;
    bool ready;    /* In the list of sessions to serve. */
    bool untold;   /* The handshake's last packet is held back. */
    bool has_said; /* A byte went through. */
};

struct relay {
    struct relay_options options;
    struct relay_pool pool;
    struct relay_log *log; /* NULL: sessions are not logged. */
    struct relay_session *ready;
    struct relay_link phases[RELAY_PHASES];
    infra_time limits[RELAY_PHASES];
    infra_time now;          /* Read once per turn. */
    infra_time accept_again; /* End of the listener's rest; 0: no rest. */
    infra_time timer_at;     /* When the timer rings. */
    infra_time drain_limit;
    _Atomic infra_time turned_at;
    uint64_t tokens[SHARED_GATES_MAX]; /* Of the gates; 0: shut. */
    uint32_t sessions_count;
    int epoll_fd;
    int listen_fd;
    int wake_fd;
    int reserve_fd; /* Closed to get a backend's socket; -1: none. */
    int timer_fd;
    bool clients_speak_first; /* As in the last session. */
    bool listens;             /* Else the port is only bound. */
    bool exhausted;           /* Out of descriptors, memory or places. */
    bool has_place;           /* A session has ended since. */
    atomic_bool draining;
};

enum relay_pumped {
    RELAY_MOVED = 1, /* Bytes went through. */
    RELAY_MORE = 2,  /* More wait: it is the turn of others. */
};

/* Move bytes until one of the two is not ready; enum relay_pumped bits. */
unsigned relay_pump(struct relay_pool *pool, struct relay_side *from,
                    struct relay_side *to);

/* Drop the bytes that wait to be written. */
void relay_drop(struct relay_pool *pool, struct relay_side *side);

/* Close with a reset, which the peer does not take for the end of a reply. */
void relay_reset_fd(int fd);

/* Is this errno a shortage of this process that may pass? */
bool relay_is_shortage(int error);

/* Listen, or only bind.  0 or an errno. */
int relay_listen(struct relay *relay);
int relay_rebind(struct relay *relay);

/* The next look at the gates. */
infra_time relay_gate_deadline(const struct relay *relay);

/* May a client be admitted?  Then @ret is its pass. */
bool relay_gate_admits(const struct relay *relay, int fd,
                       struct relay_pass *ret);

/* May a session go on?  Only with gates. */
bool relay_gate_allows(const struct relay *relay,
                       const struct relay_session *session);

/* Count a session while it lives. */
void relay_gate_enter(const struct relay_session *session);
void relay_gate_leave(const struct relay_session *session);

/* Follow the gates: cut, listen, or stop listening.  0 or an errno. */
int relay_gate_follow(struct relay *relay);

/* Accept up to @count clients.  False: no more now. */
bool relay_accept(struct relay *relay, int count);

/* Pick until a connection is in progress.  False: no backend is left. */
bool relay_connect(struct relay *relay, struct relay_session *session);

/* Give the ticket back.  The outlier detection counts a session once, by its
 * end; its latency is that of the connect. */
void relay_give_back(struct relay *relay, struct relay_session *session,
                     uint32_t outcome);

/* Begin a session, which owns the descriptor and may be over on return. */
void relay_session_start(struct relay *relay, int fd,
                         const struct relay_arrival *arrival);

/* Note epoll's events of a side, for serve. */
void relay_session_note(struct relay *relay, struct relay_side *side,
                        uint32_t events);

/* Do all that needs no waiting.  The session may be over on return. */
void relay_session_serve(struct relay *relay, struct relay_session *session);

/* Its limit has passed. */
void relay_session_expire(struct relay *relay, struct relay_session *session);

/* End it now. */
void relay_session_cut(struct relay *relay, struct relay_session *session);

#endif
