/* SPDX-License-Identifier: MIT */
/*
 * PostgreSQL's protocol, version 3, for protocol.h.  Sources: the manual's
 * chapter on the protocol.
 *
 * A unit is a simple Query, a FunctionCall, or an extended group: all messages
 * up to a Sync, which is one domain of errors and must go to one node.  A group
 * of which a part has to be sent before its Sync is there (Flush, or a long
 * pipeline) is open, and goes to the primary.
 *
 * pg.c is the table and what the proxy says, pg_login.c and pg_startup.c the
 * login of clients, pg_connect.c the login at servers, pg_cut.c the units,
 * pg_group.c what is in a group, pg_send.c a group on its way to a server,
 * pg_follow.c the answers, pg_statements.c prepared statements, pg_settings.c
 * settings, pg_set.c the text of SET, pg_wire.c messages.
 */
#ifndef EXAMPLES_DB_ROUTER_PG_H
#define EXAMPLES_DB_ROUTER_PG_H

#include "begin_text.h"
#include "db_router.h"
#include "pg_statements.h"
#include "pg_wire.h"

/* A message that a group prepares or closes by name. */
struct pg_change {
    uint32_t name_at;               /* Of the name, in pg_group.names. */
    uint32_t message;               /* Its number in the group. */
    struct pg_statement *statement; /* NULL: Close. */
};

/* What is in the group that is out. */
struct pg_group {
    struct pg_change *changes;
    char *names;
    uint32_t count;
    uint32_t room;
    uint32_t names_size;
    uint32_t names_room;
    uint32_t confirmed; /* Changes that the server has made. */
    uint32_t messages;  /* Number of all messages so far. */
    bool needs_rewrite; /* It names prepared statements. */
    bool parses_unnamed;
    bool uses_old_unnamed; /* Of an earlier group. */
    bool has_bind;
    uint32_t binds;
    uint32_t executes;
};

/* A Parse of the unnamed statement. */
struct pg_unnamed {
    unsigned char *body; /* From the text on; NULL: none. */
    size_t size;
    size_t room;
    uint64_t serial; /* Of the Parse. */
    struct infra_statement statement;
};

enum pg_stage { PG_STARTUP, PG_SASL_FIRST, PG_SASL_NEXT };

struct pg_client {
    struct infra_login_scram *login; /* During the login. */
    struct pg_names names;           /* Its prepared statements. */
    struct pg_unnamed unnamed;
    struct pg_group *group; /* NULL: none was needed yet. */
    char *startup;          /* name\0value\0 ... of the startup message. */
    size_t startup_size;
    size_t scanned;     /* Bytes of a group whose headers were read. */
    uint32_t sql_mode;  /* INFRA_SQL_... */
    uint32_t tried_tls; /* Requests for encryption that were answered. */
    uint8_t stage;      /* enum pg_stage */
    uint8_t begin_size; /* Of the BEGIN that was answered here. */
    char begin[BEGIN_TEXT_MAX];
    bool is_copying;
    bool has_deallocated; /* DEALLOCATE ALL, in the unit that was answered. */
    bool has_set;         /* A setting has changed in it. */
    bool is_skipping;     /* An open group has failed: up to Sync. */
    bool is_text_unnamed; /* A SESSION group's text is the unnamed's. */
    const struct pg_statement *session_text; /* Or this one's. */
};

enum pg_expected_kind {
    PG_EXPECT_PARSE,      /* ParseComplete for the client, */
    PG_EXPECT_PARSE_OURS, /* for nobody; */
    PG_EXPECT_CLOSE,      /* CloseComplete for the client, */
    PG_EXPECT_CLOSE_OURS  /* for nobody. */
};

struct pg_expected {
    uint64_t id; /* Of the statement; 0: none. */
    uint8_t kind;
    bool is_change; /* One of the group's changes. */
};

struct pg_server {
    struct infra_login_scram *login; /* During the login. */
    unsigned char *parameters;       /* ParameterStatus of the login. */
    size_t parameters_size;
    uint32_t process;
    uint32_t key;
    struct pg_prepared prepared;
    uint64_t unnamed_client; /* Whose unnamed statement it has, and */
    uint64_t unnamed_serial; /* which; 0: none. */
    struct pg_expected *expected;
    uint32_t expected_count;
    uint32_t expected_room;
    uint32_t expected_at; /* The next one. */
    uint32_t messages;    /* Of the group, that were sent. */
    size_t rest;          /* Of a message that is passed or dropped. */
    bool drops_rest;
    bool is_set_up;         /* The login has passed authentication. */
    uint8_t ready_left;     /* ReadyForQuery until adopt() is complete. */
    uint8_t begin_left;     /* The same for begin(). */
    bool unit_waits;        /* For the answer to it. */
    bool expects_ready;     /* A unit is out. */
    bool is_in_transaction; /* By the last ReadyForQuery. */
    bool has_error;         /* Of the unit, so far. */
    bool has_written;
    bool is_rolled_back;
    bool has_discarded;   /* DISCARD ALL. */
    bool has_deallocated; /* DEALLOCATE ALL. */
    bool has_set;         /* A tag SET or RESET. */
    char fatal[WHY_SIZE];
};

static inline struct pg_client *pg_client(const struct client *c)
{
    return c->state;
}

static inline struct pg_server *pg_server(const struct server *s)
{
    return s->state;
}

/* pg_login.c */
enum step pg_login(struct client *c);
enum step pg_refuse(struct client *c, const char *code, const char *why);
/* Whatever the name, the conversation is the same. */
enum step pg_begin_scram(struct client *c, const char *user);

/* pg_startup.c */

/* Take the startup message, behind its version. */
enum step pg_startup(struct client *c, uint32_t version,
                     const unsigned char *at, size_t size);

/* pg_connect.c */
void pg_connect(struct server *s);
enum step pg_server_login(struct server *s);
void pg_secured(struct server *s);
void pg_ask_tls(struct link *l);
enum step pg_take_tls(struct link *l);
void pg_learn(const struct server *s, struct greeting *ret);

/* pg_cut.c */
void pg_cut(struct client *c, struct unit *ret);
void pg_cut_more(struct client *c, struct unit *ret);

/* pg_group.c */

/* Classify a text of @c. */
void pg_classify(const struct client *c, const unsigned char *text, size_t size,
                 struct infra_statement *ret);
/* Note what a message of a group names.  @combined: that of the group so far.
 * NULL; or what is wrong with it. */
const char *pg_group_add(struct client *c, const struct pg_message *m,
                         struct infra_statement *combined);
/* Begin a group. */
bool pg_group_begin(struct client *c);
/* The statement of a name as message number @message sees it; NULL: none. */
struct pg_statement *pg_group_find(const struct client *c, const char *name,
                                   size_t size, uint32_t message);
/* The answer is complete: keep what the server has confirmed. */
void pg_group_end(struct client *c);
void pg_group_free(struct client *c);
/* Is one statement bound and executed in it? */
bool pg_group_is_one(const struct client *c);

/* pg_send.c */
bool pg_send(struct server *s, struct client *c, const struct unit *unit);
void pg_begin(struct server *s, struct client *c);
/* BEGIN has been answered: send the unit that waits for that. */
void pg_send_waiting(struct server *s, struct client *c);

/* pg_follow.c */
void pg_follow(struct server *s, struct client *c, const unsigned char *bytes,
               size_t size, struct answer *ret);

/* pg_settings.c */
bool pg_adopt(struct server *s, struct client *c, bool reset);
void pg_note(struct client *c, const struct unit *unit,
             const struct infra_session_result *result);
/* The SQL of a unit that has one statement. */
const char *pg_unit_text(const struct client *c, const struct unit *unit,
                         size_t *ret_size);
/* Put the settings of the startup message into the journal. */
void pg_settings_start(struct client *c);
/* The client's connection cannot be shared any more. */
void pg_settings_pin(struct client *c);
/* A ParameterStatus for the client: NUL-terminated texts. */
void pg_settings_told(struct client *c, const char *name, const char *value);

/* pg.c */

/* Put an ErrorResponse. */
void pg_put_error(struct link *l, const char *severity, const char *code,
                  const char *text);
void pg_put_ready(struct link *l, char status);

#endif
