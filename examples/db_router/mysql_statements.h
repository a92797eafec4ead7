/* SPDX-License-Identifier: MIT */
/* Prepared statements of the binary protocol. A client's id stands for a text,
 * which each server connection prepares when the client first executes it
 * there, and keeps under an id of its own, also for other clients.
 *
 * What a server would remember between two messages is kept here: the types of
 * parameters, which a client sends once, and parameters that it sends in
 * pieces. An EXECUTE therefore always goes out with its types, and asks for no
 * cursor: a server may answer with all rows at once, and clients expect
 * that. */
#ifndef EXAMPLES_MYSQL_STATEMENTS_H
#define EXAMPLES_MYSQL_STATEMENTS_H

#include "mysql_packets.h"

#include <infra/statement.h>

/* Of one client; as many as a server allows by default. */
#define MYSQL_STATEMENTS_MAX 16382u
/* Of one connection; beyond it the one that was used least lately is
 * closed. */
#define MYSQL_PREPARED_MAX 128u
/* To an EXECUTE that executes what was prepared last. */
#define MYSQL_LAST_STATEMENT UINT32_MAX

/* The schema of a statement, a zero, its text. */
struct mysql_key {
    char *bytes; /* malloc() */
    size_t size;
    size_t text_at;
    uint64_t hash;
};

struct mysql_statement {
    uint32_t id;
    uint16_t params_count;
    bool has_types;
    bool is_executed; /* What was sent in pieces has been used. */
    struct infra_statement class;
    struct mysql_key key;
    unsigned char *types;  /* Two bytes each; malloc(). */
    unsigned char *pieces; /* Whole packets of COM_STMT_SEND_LONG_DATA. */
    size_t pieces_size;
    size_t pieces_room;
};

/* Of a client. Begins as zeroes. */
struct mysql_statements {
    struct mysql_statement **slots; /* By id - 1; NULL: free. */
    uint32_t slots_count;
    uint32_t count;
    uint32_t last_id;
};

/* Add a statement. NULL: out of memory, or too many. */
struct mysql_statement *mysql_statement_add(struct mysql_statements *s,
                                            const char *schema,
                                            size_t schema_size,
                                            const void *text, size_t size);
/* NULL: there is none. */
struct mysql_statement *mysql_statement_find(const struct mysql_statements *s,
                                             uint32_t id);
/* It has this many parameters. False: out of memory. */
bool mysql_statement_set_params(struct mysql_statement *st, uint16_t count);
void mysql_statement_remove(struct mysql_statements *s, uint32_t id);
void mysql_statements_finish(struct mysql_statements *s);

/* Keep a COM_STMT_SEND_LONG_DATA, with its header, until the next EXECUTE.
 * False: out of memory, or more than @size_max bytes. */
bool mysql_statement_keep(struct mysql_statement *st, const void *packet,
                          size_t size, size_t size_max);
/* Forget these. */
void mysql_statement_reset(struct mysql_statement *st);

/* Take a COM_STMT_EXECUTE: note its types. False: malformed. */
bool mysql_statement_execute(struct mysql_statement *st,
                             struct mysql_text payload);
/* The bytes that mysql_statement_write() needs. */
size_t mysql_statement_size(const struct mysql_statement *st,
                            struct mysql_text payload);
/* Write what was sent in pieces and the COM_STMT_EXECUTE for the connection
 * where it is @server_id. */
void mysql_statement_write(const struct mysql_statement *st,
                           struct mysql_text payload, uint32_t server_id,
                           struct mysql_writer *w);

/* What a server connection has prepared. Begins as zeroes. */
struct mysql_prepared {
    struct mysql_key key;
    uint64_t used_at; /* By the count of uses. */
    uint32_t id;
};

struct mysql_cache {
    struct mysql_prepared *entries; /* MYSQL_PREPARED_MAX; NULL: none yet. */
    uint32_t count;
    uint64_t uses;
};

/* NULL: not there. */
const struct mysql_prepared *mysql_cache_find(struct mysql_cache *c,
                                              const struct mysql_key *key);
/* It was prepared. @ret_closed: the id of another that the server should close;
 * 0: none. False: out of memory. */
bool mysql_cache_add(struct mysql_cache *c, const struct mysql_key *key,
                     uint32_t id, uint32_t *ret_closed);
/* The server has forgotten them. */
void mysql_cache_finish(struct mysql_cache *c);

#endif
