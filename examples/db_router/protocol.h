/* SPDX-License-Identifier: MIT */
/*
 * What the proxy needs to know of a wire protocol.
 *
 * The common part owns sockets, buffers, the pool of server connections, time
 * and routing.  A protocol owns what bytes mean: it takes whole messages from
 * `in` of a link and puts messages into `out` of a link (link.h), and never
 * reads, writes, waits or closes.
 *
 *   client  greet -> login ... -> welcome -> cut -> (note) -> cut ...
 *   server  connect -> login ... -> adopt/begin/send -> follow ... -> reset
 *
 * One unit of a client is out at a time: what is pipelined behind it waits in
 * `in`.  The bytes of a unit stay in `in` of the client until its answer is
 * complete or a part of it was passed on, so that it can be sent again.
 *
 * Peers are hostile: every length is checked, every function below may be given
 * any bytes.  It says BAD or FAILED, and the connection ends.
 */
#ifndef EXAMPLES_DB_ROUTER_PROTOCOL_H
#define EXAMPLES_DB_ROUTER_PROTOCOL_H

#include "link.h"

#include <infra/session.h>
#include <infra/sql.h>

struct client;
struct server;
struct db_user;

/* What the proxy itself says to a client, in the protocol's own form. */
enum trouble {
    TROUBLE_MALFORMED, /* PG 08P01; My 1047/1835.  Not the protocol. */
    TROUBLE_TOO_LARGE, /* PG 54000; My 1153.  More than message_max. */
    TROUBLE_LOGIN,     /* PG 28P01; My 1045.  Wrong user or password. */
    TROUBLE_CLIENTS,   /* PG 53300; My 1040.  Too many clients. */
    TROUBLE_SERVERS,   /* PG 53300; My 1040.  No server connection came free. */
    TROUBLE_REFUSED,   /* The server refused our login: c->code has its code. */
    TROUBLE_UNREACHED, /* PG 08001; My 2003.  No server can be connected. */
    TROUBLE_NO_NODE,   /* PG 57P03; My 1290.  No primary or replica is fit:
                           the text has the verdict. */
    TROUBLE_LOST,      /* PG 08006; My 1053.  The server's connection ended:
                           the outcome is not known. */
    TROUBLE_CHANGED,   /* PG 40001; My 1213.  The node of a transaction is not
                           what it was: begin again. */
    TROUBLE_STOPPING,  /* PG 57P01; My 1053.  Drain. */
    TROUBLE_IDLE,      /* PG 57P05; My 4031. */
    TROUBLE_UNSUPPORTED, /* PG 0A000; My 1235. */
    TROUBLE_MEMORY       /* PG 53200; My 1037. */
};

/* Result of the logins. */
enum step {
    STEP_MORE, /* Needs more bytes. */
    STEP_DONE,
    STEP_FAILED, /* Client: the error is in `out`, `client->why` is for the log.
                    Server: why, code and is_final of it say more. */
    STEP_CANCEL, /* Client: this connection asks to cancel what `cancel` names;
                    it is closed without an answer. */
    STEP_TLS     /* `out` has the last bytes before TLS, and `in` has none.
                    Client: then is_secure is set, and login goes on; server:
                    secured() is called. */
};

/* What stands at the start of a client's bytes. */
enum unit_kind {
    UNIT_MORE,   /* Incomplete: at least `size` bytes are needed in all; 0: not
                      known. */
    UNIT_ROUTE,  /* `size` bytes to route by `statement`. */
    UNIT_FOLLOW, /* `size` bytes that belong to the unit that is out, for the
                      same server: rows of COPY, a file. */
    UNIT_ANSWERED, /* `size` bytes; the answer is in `out` of the client. */
    UNIT_QUIT,     /* The client leaves. */
    UNIT_BAD       /* Not the protocol: `trouble` and `why` say it. */
};

struct unit {
    uint8_t kind; /* enum unit_kind */
    uint8_t trouble;
    uint8_t
        is_open; /* More of it follows as UNIT_FOLLOW (set c->takes_more, too):
                        it cannot be sent again. */
    uint8_t has_no_answer; /* Complete once sent (COM_STMT_CLOSE). */
    uint32_t tag;          /* The protocol's own. */
    size_t size;
    struct infra_statement statement;
    size_t text_at; /* SQL of it in `in`, counted from the unit's start, for */
    size_t text_size; /* settings; size 0: none.  See unit_text(). */
    const char *why;  /* BAD: constant text. */
};

/* What stands at the start of a server's bytes. */
enum answer_kind {
    ANSWER_MORE,  /* Incomplete: `size` bytes are needed in all; 0: unknown. */
    ANSWER_PASS,  /* `size` bytes for the client: may be parts of messages. */
    ANSWER_DROP,  /* `size` bytes that are for nobody. */
    ANSWER_ERROR, /* `size` bytes of an error, before anything of this answer
                     was passed, of a kind that may be sent again: `failure`
                     (enum infra_session_failure) says which.  The common part
                     passes it, or drops it and all that follows up to DONE. */
    ANSWER_DONE,  /* `size` bytes for the client, with which the answer is
                     complete: see `result`. */
    ANSWER_READY, /* `size` bytes dropped, with which adopt() or reset() is
                     complete. */
    ANSWER_BAD    /* Not the protocol, or an end of the connection that the
                     server announced: `why`.  `size` bytes are passed first. */
};

struct answer {
    uint8_t kind; /* enum answer_kind */
    uint8_t failure;
    size_t size;
    const char *why;
    struct infra_session_result result; /* All but `size` and `node`. */
};

/* Messages of one server to start clients with, and to keep them alike. */
struct greeting {
    void *bytes; /* malloc(); NULL: none yet. */
    size_t size;
};

struct protocol {
    const char *name;       /* "pg". */
    uint32_t dialect;       /* enum infra_sql_dialect */
    uint32_t position_kind; /* enum infra_position_kind */
    size_t client_size;     /* Of client->state, zeroed at the start. */
    size_t server_size;     /* Of server->state, zeroed at the start. */
    size_t worker_size; /* Of worker_state(), one for each thread, zeroed. */
    bool
        welcome_needs_greeting; /* Connect a server before the first welcome. */

    /* The worker ends, after all clients and servers: free what is in its
     * state; NULL: nothing. */
    void (*stop)(void *state);

    /* Client. */

    /* It was accepted. */
    void (*greet)(struct client *c);
    /* Take bytes of the login.  At STEP_DONE c->user and c->database are set,
     * and the settings of the start are in the session's journal. */
    enum step (*login)(struct client *c);
    /* Say that it is logged in.  @greeting: see `learn`. */
    void (*welcome)(struct client *c, const struct greeting *greeting);
    /* Look at `in`.  Nothing is out. */
    void (*cut)(struct client *c, struct unit *ret);
    /* The same while a unit is out: MORE (leave it there), FOLLOW or BAD. */
    void (*cut_more)(struct client *c, struct unit *ret);
    /* The unit is answered (not after a retry), and infra_session_done() was
     * called: note prepared statements, and settings in the journal (c->spoils:
     * what the server has now is not what the journal says, so they are made
     * anew).  The unit's bytes are still there only if its kind is
     * INFRA_STATEMENT_SESSION. */
    void (*note)(struct client *c, const struct unit *unit,
                 const struct infra_session_result *result);
    /* The verdict was ANSWER: say that BEGIN or COMMIT is done. */
    void (*say_done)(struct client *c, const struct unit *unit);
    /* Say an error.  @unit: instead of its answer, which is then complete;
     * NULL: outside of units.  @is_last: the connection ends after it. */
    void (*say)(struct client *c, const struct unit *unit, enum trouble trouble,
                const char *text, bool is_last);
    /* It leaves: free what is in c->state. */
    void (*leave)(struct client *c);

    /* Server. */

    /* It is connected; s->user and s->database are set.  With s->wants_tls TLS
     * has to be agreed first, or the login fails. */
    void (*connect)(struct server *s);
    /* TLS has begun: go on with the login. */
    void (*secured)(struct server *s);
    enum step (*server_login)(struct server *s);
    /* After its login: what clients are welcomed with. */
    void (*learn)(const struct server *s, struct greeting *ret);
    /* Make the connection the client's own, before its unit: with @reset undo
     * the settings that it has, then make those of the client's journal.  Puts
     * into `out`; its answers are dropped, and end with ANSWER_READY. If @c is
     * NULL, undo everything (DISCARD ALL, COM_RESET_CONNECTION).  False:
     * nothing had to be sent, and no READY follows; or with link.broken set: it
     * cannot be made right and ends. */
    bool (*adopt)(struct server *s, struct client *c, bool reset);
    /* Put the BEGIN that was held back in front of the unit; its answer is
     * dropped by follow() without a READY. */
    void (*begin)(struct server *s, struct client *c);
    /* Send a unit, or bytes that FOLLOW.  True: send its bytes as they are;
     * false: the protocol has put them into `out`. */
    bool (*send)(struct server *s, struct client *c, const struct unit *unit);
    /* Look at @size bytes of the server.  @c NULL: nobody's connection (pool,
     * reset).  Without a unit out, PASS is for what comes unasked.  It may put
     * the next step of a unit into `out` of the server. */
    void (*follow)(struct server *s, struct client *c,
                   const unsigned char *bytes, size_t size, struct answer *ret);
    /* It is closed next: say farewell, if it is connected and at rest; free
     * what is in s->state. */
    void (*finish)(struct server *s);
    /* Cancel what runs on @s: write the packet for a connection of its own.
     * Its size; 0: the protocol cannot. */
    size_t (*cancel)(const struct server *s, unsigned char ret[64]);
    /* On a connection to cancel: ask for TLS, and take the answer: MORE, TLS or
     * FAILED. NULL if cancel() cannot. */
    void (*ask_tls)(struct link *l);
    enum step (*take_tls)(struct link *l);
};

extern const struct protocol protocol_pg;
extern const struct protocol protocol_mysql;
extern const struct protocol protocol_mariadb;

/* Helpers of the common part for protocols. */

/* @n random bytes from the system.  False: the client or server fails. */
bool protocol_entropy(void *ret, size_t n);

#endif
