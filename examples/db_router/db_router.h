/* SPDX-License-Identifier: MIT */
/* A client and a server connection, as the protocols see them. */
#ifndef EXAMPLES_DB_ROUTER_H
#define EXAMPLES_DB_ROUTER_H

#include "protocol.h"
#include "users.h"

#include <infra/balancer.h>

/* Longest name of a user or database. */
#define NAME_MAX_SIZE 128u

/* Bytes of an idle client's journal. */
#define JOURNAL_SIZE 512u

/* Longest text of a refusal. */
#define WHY_SIZE 256u

struct pool;

/* The state of a client between its units. */
enum client_phase {
    CLIENT_LOGIN,
    CLIENT_GREETING, /* Logged in; waits for a server to be welcomed with. */
    CLIENT_IDLE,     /* Nothing is out. */
    CLIENT_HELD,     /* Its unit waits for a primary, */
    CLIENT_WAITING,  /* or for a replica to come up to its writes, */
    CLIENT_QUEUED,   /* or for a server connection. */
    CLIENT_BUSY,     /* Its unit is out. */
    CLIENT_CLOSING,  /* Its last bytes are written. */
    CLIENT_PHASES
};

struct list {
    struct list *next;
    struct list *prev;
};

/* A process number and key for cancelling. */
struct cancel {
    uint32_t process;
    uint32_t key;
};

struct client {
    struct link link;
    struct list place;         /* In the list of its phase. */
    infra_time since;          /* Of the place. */
    struct client *queue_next; /* In the queue of a pool. */
    const struct protocol *protocol;
    struct infra_session session;
    uint64_t serial;            /* Of no other client of this process. */
    const struct db_user *user; /* NULL: not logged in. */
    struct pool *pool;          /* Of its user and database. */
    struct server *servers;     /* Its own ones, by `own_next`. */
    struct server *server;      /* That has its unit; NULL. */
    struct unit unit;           /* That is out, or waits. */
    struct infra_verdict verdict;
    struct infra_ticket ticket;
    struct cancel cancel; /* Its own; STEP_CANCEL: that it names. */
    uint32_t ticket_node; /* The ticket's node; NODE_NONE: no ticket. */
    uint32_t node;        /* Of the verdict, as chosen. */
    uint32_t slot;        /* In the worker's table; UINT32_MAX: none. */
    uint32_t version;     /* Of the journal, when the unit was sent. */
    uint8_t phase;        /* enum client_phase */
    uint8_t tries;        /* Of this unit. */
    uint8_t replay;       /* enum infra_session_replay, of a unit whose answer
                             is dropped since it will be sent again. */
    bool is_passed;       /* A part of the answer was passed. */
    bool is_kept;         /* The bytes of the unit are still in `in`. */
    bool has_begun;      /* Its BEGIN was answered here, and is not sent yet. */
    bool was_pinned;     /* Its server was its own before the unit. */
    bool spoils;         /* Set by the protocol in note(): the server's settings
                             are not those of the journal. */
    bool takes_more;     /* Set by the protocol while a unit is out: bytes
                             that FOLLOW are expected. */
    bool is_welcome;     /* Its login has been answered. */
    uint8_t transaction; /* enum infra_session_transaction, of the last
                             answer. */
    char code[8];        /* Of TROUBLE_REFUSED: the server's; "": none. */
    bool has_ended;      /* It has left, and is freed at the turn's end. */
    bool is_secure;      /* TLS. */
    infra_time retry_at; /* WAITING: when it is routed again, */
    infra_time give_up_at; /* or no more; 0: not set. */
    char *database;        /* malloc() */
    const char *why;       /* STEP_FAILED: for the log. */
    void *state;           /* The protocol's, behind this struct. */
    unsigned char journal[JOURNAL_SIZE];
};

enum server_phase {
    SERVER_CONNECTING,
    SERVER_LOGIN,
    SERVER_RESET, /* Is being cleaned. */
    SERVER_IDLE,  /* In the pool. */
    SERVER_OWNED, /* A client's: busy, or pinned to it. */
    SERVER_PHASES
};

struct server {
    struct link link;
    struct list place; /* In the worker's list of its phase. */
    struct list idle;  /* IDLE: in its pool's list. */
    const struct protocol *protocol;
    struct pool *pool;
    const struct db_user *user; /* Of the pool, */
    const char *database;       /* too. */
    struct client *client;      /* NULL: nobody's. */
    struct server *own_next;    /* Of the client. */
    infra_time since;           /* Of the phase. */
    infra_time born;
    uint32_t node;
    uint32_t generation;     /* Of the node, when it was connected. */
    uint32_t cancels;        /* Requests that are on their way. */
    uint8_t phase;           /* enum server_phase */
    bool wants_tls;          /* Before the login. */
    bool is_secure;          /* TLS. */
    bool is_adopting;        /* READY is still to come. */
    bool is_unsent;          /* It broke before a byte of the unit was sent. */
    bool is_final;           /* STEP_FAILED: another attempt would fail, too. */
    bool is_dirty;           /* Its client left something on it. */
    bool has_ended;          /* It is closed, and freed at the turn's end. */
    unsigned char *settings; /* Those that it has; malloc(); NULL: none. */
    size_t settings_size;
    uint64_t settings_client;  /* Serial of the client of whom they are, */
    uint32_t settings_version; /* at this version. */
    char code[8];              /* STEP_FAILED: the server's, or "". */
    char why[WHY_SIZE];
    void *state; /* The protocol's, behind this struct. */
};

/* Limits that protocols keep, and what they say. */
struct db_limits {
    size_t message_max;         /* Longest unit of a client. */
    const char *server_version; /* MySQL: in its greeting; NULL: a default. */
    bool defers_begin;          /* BEGIN may be answered here. */
    bool offers_tls;            /* To clients. */
    bool requires_tls;          /* Of them, before they log in. */
};

/* For protocols. */
const struct db_limits *client_limits(const struct client *c);

/* The user of a login; NULL: there is none of this name. */
const struct db_user *client_find_user(const struct client *c, const char *name,
                                       size_t size);

/* Set c->database.  False: out of memory. */
bool client_set_database(struct client *c, const char *name, size_t size);

/* Set takes_more while a unit is out: follow() has seen the question. */
void client_wants_more(struct client *c);

/* The SQL of a unit whose bytes are still there. */
static inline const char *unit_text(const struct client *c,
                                    const struct unit *unit)
{
    return (const char *)link_in(&c->link) + unit->text_at;
}

/* What the protocol keeps for a worker (protocol.worker_size). */
void *worker_state(const struct worker *w);

#endif
