/* SPDX-License-Identifier: MIT */
/* What the MySQL protocol keeps for a client and for a server connection, and
 * the parts of protocol.h by file: mysql_client.c begins and ends a client,
 * mysql_cut.c takes its commands, mysql_note.c keeps what they have set,
 * mysql_server.c logs in at nodes, mysql_send.c sends a command with what has
 * to come before it, mysql_follow.c takes the answers. */
#ifndef EXAMPLES_MYSQL_STATE_H
#define EXAMPLES_MYSQL_STATE_H

#include "begin_text.h"
#include "db_router.h"
#include "mysql_answer.h"
#include "mysql_login.h"
#include "mysql_statements.h"

/* Commands. */
#define MYSQL_COM_QUIT 0x01u
#define MYSQL_COM_INIT_DB 0x02u
#define MYSQL_COM_QUERY 0x03u
#define MYSQL_COM_FIELD_LIST 0x04u
#define MYSQL_COM_STATISTICS 0x09u
#define MYSQL_COM_PING 0x0eu
#define MYSQL_COM_STMT_PREPARE 0x16u
#define MYSQL_COM_STMT_EXECUTE 0x17u
#define MYSQL_COM_STMT_SEND_LONG_DATA 0x18u
#define MYSQL_COM_STMT_CLOSE 0x19u
#define MYSQL_COM_STMT_RESET 0x1au
#define MYSQL_COM_SET_OPTION 0x1bu
#define MYSQL_COM_STMT_FETCH 0x1cu
#define MYSQL_COM_RESET_CONNECTION 0x1fu

/* In the journal, beside settings. */
#define MYSQL_NAME_SCHEMA "schema" /* The text is a name. */
#define MYSQL_NAME_OPTION "option" /* The text is that of SET_OPTION. */

struct mysql_schema {
    uint16_t size; /* 0: none. */
    char name[MYSQL_SCHEMA_MAX];
};

/* The beginnings of a client, which a reset goes back to. A client's flavor is
 * in the name of its database, so that each has server connections of its
 * own. */
struct mysql_flavor {
    uint32_t capabilities; /* Of MYSQL_FLAVOR. */
    uint8_t charset;
    struct mysql_schema schema;
};

struct mysql_client {
    struct mysql_flavor flavor;
    struct mysql_schema schema;
    struct mysql_statements statements;
    struct infra_login_mysql login;
    uint64_t insert_id;      /* LAST_INSERT_ID() */
    uint64_t insert_version; /* Counts its changes; 0: never set. */
    uint32_t capabilities;
    uint32_t sql_mode;     /* INFRA_SQL_... */
    uint32_t statement_id; /* Of the unit: to prepare, or to execute. */
    uint16_t status;       /* As said last. */
    uint16_t begin_size;
    char begin[BEGIN_TEXT_MAX]; /* The BEGIN that was answered here. */
    uint8_t sequence;           /* Of the next packet in the login. */
    bool has_answered;          /* The greeting, with a name. */
    bool has_schema_news;       /* It has changed in this unit. */
    bool has_many;              /* MYSQL_CAN_MULTI_STATEMENTS is on. */
    bool wants_insert_id;       /* The unit may ask for it. */
};

/* What goes on at a server connection; steps of a unit in their order. */
enum mysql_doing {
    MYSQL_DOING_NOTHING,
    MYSQL_DOING_ADOPT, /* Several commands. */
    MYSQL_DOING_TRACK, /* Ask for positions in answers. */
    MYSQL_DOING_BEGIN,
    MYSQL_DOING_INSERT_ID,
    MYSQL_DOING_SCHEMA, /* That of the statement, */
    MYSQL_DOING_PREPARE,
    MYSQL_DOING_SCHEMA_BACK, /* and that of the session again. */
    MYSQL_DOING_UNIT
};

enum mysql_login_step {
    MYSQL_LOGIN_GREETING,
    MYSQL_LOGIN_ANSWER,
    MYSQL_LOGIN_TRACK
};

struct mysql_server {
    struct mysql_flavor flavor;
    struct mysql_schema schema;
    struct mysql_cache cache;
    struct infra_login_mysql login;
    uint64_t insert_client; /* Serial of the client whose LAST_INSERT_ID() it */
    uint64_t insert_version; /* has, as of that version; 0: nobody's. */
    unsigned char challenge[MYSQL_CHALLENGE_SIZE]; /* Of the greeting, for */
    char method[32]; /* behind the TLS handshake; with a zero. */
    uint32_t capabilities;
    uint32_t todo;         /* 1 << enum mysql_doing */
    uint32_t answers_left; /* ADOPT */
    size_t pending;        /* Bytes that were read, but not reported yet. */
    uint8_t doing;         /* enum mysql_doing */
    uint8_t login_step;
    bool is_ready;       /* Logged in. */
    bool has_ended_unit; /* `pending` ends the answer. */
    bool needs_track;
    bool has_many;
    struct mysql_answer answer;
};

static inline struct mysql_client *mysql_client_of(const struct client *c)
{
    return c->state;
}

static inline struct mysql_server *mysql_server_of(const struct server *s)
{
    return s->state;
}

static inline bool mysql_is_mariadb(const struct protocol *p)
{
    return p->dialect == INFRA_SQL_MARIADB;
}

void mysql_set_schema(struct mysql_schema *schema, const void *name,
                      size_t size);
bool mysql_schema_is(const struct mysql_schema *a,
                     const struct mysql_schema *b);

/* Room for packets of @size bytes in all at the end of @l->out. */
struct mysql_writer mysql_room(struct link *l, size_t size);

extern const struct protocol protocol_mariadb;

/* mysql_client.c */
void mysql_greet(struct client *c);
enum step mysql_login(struct client *c);
void mysql_welcome(struct client *c, const struct greeting *greeting);
void mysql_say(struct client *c, const struct unit *unit, enum trouble trouble,
               const char *text, bool is_last);
void mysql_say_done(struct client *c, const struct unit *unit);
void mysql_leave(struct client *c);

/* mysql_cut.c */
void mysql_cut(struct client *c, struct unit *ret);
void mysql_cut_more(struct client *c, struct unit *ret);

/* mysql_note.c */
void mysql_note(struct client *c, const struct unit *unit,
                const struct infra_session_result *result);

/* mysql_server.c */
void mysql_connect(struct server *s);
void mysql_secured(struct server *s);
enum step mysql_server_login(struct server *s);
void mysql_learn(const struct server *s, struct greeting *ret);
void mysql_finish(struct server *s);
size_t mysql_cancel(const struct server *s, unsigned char ret[64]);
/* Put the command that asks for positions in answers. */
void mysql_put_track(struct server *s);

/* mysql_send.c */
bool mysql_adopt(struct server *s, struct client *c, bool reset);
void mysql_begin(struct server *s, struct client *c);
bool mysql_send(struct server *s, struct client *c, const struct unit *unit);
/* Put the next step. True: it is the unit itself, whose bytes are to be sent
 * as they are. */
bool mysql_next_step(struct server *s, struct client *c,
                     const struct unit *unit);
/* The statement of the unit; NULL: it has none. */
struct mysql_statement *mysql_unit_statement(const struct client *c,
                                             const struct unit *unit);

/* mysql_follow.c */
void mysql_follow(struct server *s, struct client *c,
                  const unsigned char *bytes, size_t size, struct answer *ret);

#endif
