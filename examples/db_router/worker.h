/* SPDX-License-Identifier: MIT */
/*
 * One thread with its clients and its server connections, and nothing shared
 * but what is said here.  worker.c is its loop, timers.c its limits, client.c,
 * client_login.c and route.c its clients, server.c and server_login.c its
 * server connections, pool.c who gets which, cancel.c requests to cancel.
 */
#ifndef EXAMPLES_DB_ROUTER_WORKER_H
#define EXAMPLES_DB_ROUTER_WORKER_H

#include "buffers.h"
#include "db_router.h"
#include "tls_spec.h"

#include <infra/driver.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

/* How server connections are shared. */
enum share {
    SHARE_TRANSACTION, /* Given back when a session has no pin on it. */
    SHARE_SESSION      /* Kept until the client leaves. */
};

struct address {
    struct sockaddr_storage storage;
    socklen_t size;
};

/* A node, as all threads see it. */
struct node {
    const char *name; /* ADDR:PORT, as given. */
    const char *key;  /* As db_failover calls it; NULL: not given. */
    struct address address;
    /* Goes up when the node was found dead: older connections end. */
    _Atomic uint32_t generation;
    /* A connection failed: the control thread checks the node soon. */
    atomic_bool is_suspected;
};

/* What all workers share; constant but for the atomics. */
struct workers_shared {
    const struct protocol *protocol;
    const struct db_users *users;
    struct node *nodes;
    uint32_t nodes_count;
    struct infra_driver *driver; /* To wake the control thread. */
    struct address listen;
    struct db_limits limits;
    struct tls_spec tls;
    enum share share;
    uint32_t consistency; /* enum infra_session_consistency */
    uint32_t clients_max; /* Of all workers. */
    uint32_t servers_max; /* For each node, of one worker. */
    infra_time login_timeout;
    infra_time connect_timeout;
    infra_time queue_timeout;
    infra_time idle_timeout;        /* Of clients; NEVER. */
    infra_time server_idle_timeout; /* Of server connections. */
    infra_time hold_max;
    _Atomic uint32_t clients_count;
    _Atomic uint64_t serial;
    struct worker *workers;
    uint32_t workers_count;
};

/* A request to cancel that another worker has accepted. */
#define MAILBOX_SIZE 64u

struct worker {
    struct workers_shared *shared;
    struct infra_router_reader *reader;
    struct infra_balancer_reader *balancer;
    struct tls_side client_tls;
    struct tls_side node_tls;
    void *state; /* The protocol's. */
    struct link *ready;
    struct link **ready_end;
    struct list clients[CLIENT_PHASES];
    struct list servers[SERVER_PHASES];
    struct pool *pools;
    struct client **slots;       /* By the number in the cancel key. */
    struct client *dead_clients; /* By queue_next. */
    struct server *dead_servers; /* By own_next. */
    struct cancel_link *cancels;
    struct buffers buffers;
    infra_time now; /* Read once a turn. */
    infra_time drain_limit;
    infra_time avoid_until[INFRA_ROUTER_NODES_MAX];
    uint32_t servers_count[INFRA_ROUTER_NODES_MAX];
    uint32_t slots_size;
    uint32_t slots_next; /* Where to look for a free one. */
    uint32_t clients_count;
    uint32_t index;
    int epoll_fd;
    int listen_fd;
    int wake_fd;
    pthread_t thread;
    pthread_mutex_t mailbox_lock;
    struct cancel mailbox[MAILBOX_SIZE];
    uint32_t mailbox_count;
    bool is_running;
    bool drains;
    bool makes_room;         /* pool.c ends a connection for another. */
    atomic_bool is_draining; /* Set by the control thread. */
    atomic_bool has_drained; /* Set by the worker, at its end. */
};

/* worker.c */

/* Listen.  0 or an errno; port 0 becomes the port that the system chose. */
int worker_open(struct worker *w, struct workers_shared *shared,
                uint32_t index);
int worker_run(struct worker *w); /* Until it is drained.  0 or an errno. */
void worker_close(struct worker *w);
void worker_wake(struct worker *w);                    /* Any thread. */
void worker_drain(struct worker *w, infra_time limit); /* Any thread. */

/* Watch a socket.  False: see errno. */
bool worker_watch(struct worker *w, struct link *l, int fd,
                  enum link_kind kind);
/* Serve it again in this turn, or the next. */
void worker_ready(struct worker *w, struct link *l);

/* timers.c: the limits of phases. */

int timers_wait_ms(const struct worker *w); /* -1: for ever. */
void timers_expire(struct worker *w);

/* A list in order of age. */
static inline void list_init(struct list *l)
{
    l->next = l->prev = l;
}

static inline void list_remove(struct list *l)
{
    l->prev->next = l->next;
    l->next->prev = l->prev;
    list_init(l);
}

static inline void list_append(struct list *list, struct list *l)
{
    l->next = list;
    l->prev = list->prev;
    list->prev->next = l;
    list->prev = l;
}

static inline bool list_is_empty(const struct list *l)
{
    return l->next == l;
}

#define LIST_OWNER(item, type, member)                                     \
    ((type *)(void *)(uintptr_t)((uintptr_t)(const void *)(item)-offsetof( \
        type, member)))

/* client.c */

void client_accept(struct worker *w, int fd);
void client_serve(struct client *c);
void client_set_phase(struct client *c, enum client_phase phase);
void client_expire(struct client *c); /* The limit of its phase has passed. */
/* End it now. */
void client_end(struct client *c);
/* Say an error, then end it. */
void client_refuse(struct client *c, enum trouble trouble, const char *text);
/* Its unit has no answer but this error. */
void client_fail(struct client *c, enum trouble trouble, const char *text);
/* Its unit is complete: go on with the next. */
void client_unit_over(struct client *c);
/* The bytes of its unit are not needed any more. */
void client_forget_unit(struct client *c);
/* Its last bytes are written, then it ends. */
void client_close_slowly(struct client *c);
/* client_login.c */
void client_log_in(struct client *c);
void client_welcome(struct client *c);
/* SIGTERM: end it if it has nothing open. */
bool client_drain(struct client *c);

/* route.c */

void client_route(struct client *c);
/* A server connection of its pool is there for it. */
void client_take_server(struct client *c, struct server *s);
/* None can be connected at the node it was queued for. */
void client_cannot_connect(struct client *c, const struct server *failed);
/* The unit that was answered is sent again. */
void client_route_again(struct client *c);
/* Its unit has failed: may it be sent again?  Then c->replay says so. */
bool client_replay(struct client *c, uint32_t failure);
/* Route again at @at. */
void client_wait(struct client *c, infra_time at);
void client_release_ticket(struct client *c, uint32_t outcome);
/* Give back the server connections that need not stay its own. */
void client_give_servers(struct client *c);
/* Times that a unit is sent. */
#define TRIES_MAX 4u

/* server_login.c and server.c */

/* Connect to a node.  NULL: see errno. */
struct server *server_connect(struct worker *w, struct pool *pool,
                              uint32_t node);
void server_connected(struct server *s); /* Or it has failed. */
void server_log_in(struct server *s);
/* TLS with the node begins on a connection to it.  False: it is broken. */
bool server_start_tls(struct link *l, uint32_t node);
/* Why the connection is broken or at its end. */
const char *server_why_ended(const struct link *l);
void server_serve(struct server *s);
void server_set_phase(struct server *s, enum server_phase phase);
void server_expire(struct server *s);
/* Close it; its client hears of it. */
void server_end(struct server *s, const char *why);
/* The control thread should look at its node. */
void server_suspect(const struct server *s);
/* Read and follow what is there. */
void server_answer(struct server *s);
/* The client has room again. */
void server_resume(struct server *s);
/* Is it from before its node was found dead? */
bool server_is_old(const struct server *s);

/* settings.c: the settings that a server connection has. */

bool settings_fit(const struct server *s, const struct client *c);
/* It has the client's now.  False: out of memory. */
bool settings_note(struct server *s, const struct client *c);
void settings_forget(struct server *s);
/* They are not known: they have to be made anew. */
void settings_spoil(struct server *s);

/* pool.c */

struct pool_node {
    struct list idle;     /* The last one used is first. */
    struct client *queue; /* By queue_next. */
    struct client **queue_end;
    uint32_t queued;
    uint32_t connecting;
};

/* The server connections of one user and database. */
struct pool {
    struct pool *next;
    const struct db_user *user;
    char *database;
    struct greeting greeting;
    struct pool_node nodes[]; /* By id. */
};

/* NULL: out of memory. */
struct pool *pool_find(struct worker *w, const struct db_user *user,
                       const char *database);
/* A connection for the client at c->node, now or later, through
 * client_take_server(). */
void pool_want(struct client *c);
/* It wants none any more. */
void pool_leave(struct client *c);
/* A connection is free: to the next client, or to the idle ones. */
void pool_put(struct server *s);
/* A connection has ended: others may connect. */
void pool_gone(struct server *s);
/* It is no longer idle. */
void pool_take(struct server *s);
void pools_free(struct worker *w);

/* cancel.c */

/* Give the client a key of its own.  False: out of memory. */
bool cancel_give_key(struct client *c);
void cancel_take_key(struct client *c);
/* Carry out, or hand to the worker whose client it is. */
void cancel_request(struct worker *w, const struct cancel *what);
void cancel_mail(struct worker *w); /* What other workers handed over. */
void cancel_serve(struct link *l);
void cancels_expire(struct worker *w);
void cancels_forget(struct worker *w, const struct server *s); /* It ends. */
void cancels_close(struct worker *w);
infra_time cancels_deadline(const struct worker *w);

#endif
