/* SPDX-License-Identifier: MIT */
/*
 * Prepared statements.  Each different one has a number, shared by the clients
 * of a worker, and on servers the name made of it.  A client's names lead to
 * such statements; a server connection knows which it has prepared.
 */
#ifndef EXAMPLES_DB_ROUTER_PG_STATEMENTS_H
#define EXAMPLES_DB_ROUTER_PG_STATEMENTS_H

#include <infra/statement.h>
#include <stdbool.h>
#include <stddef.h>

/* The name of a statement on a server, with its zero. */
#define PG_NAME_SIZE 32u

struct pg_statement {
    struct pg_statement *next; /* In its bucket. */
    uint64_t hash;
    uint64_t id; /* Never used again. */
    uint32_t refs;
    size_t size;
    struct infra_statement statement;
    unsigned char body[]; /* Of Parse behind the name: text, types. */
};

/* All of a worker. */
struct pg_statements {
    struct pg_statement **buckets;
    size_t room; /* A power of two. */
    size_t count;
    uint64_t last_id;
};

/* The statement of this body, with one reference more; a new one has no class
 * yet: `statement.count` is UINT16_MAX and its kind UNKNOWN until the caller
 * sets it (@ret_is_new).  NULL: out of memory. */
struct pg_statement *pg_statement_get(struct pg_statements *all,
                                      const unsigned char *body, size_t size,
                                      uint32_t mode, bool *ret_is_new);
void pg_statement_release(struct pg_statements *all, struct pg_statement *s);
void pg_statements_free(struct pg_statements *all);
void pg_statement_name(const struct pg_statement *s, char ret[PG_NAME_SIZE]);

/* Names of a client. */
struct pg_name {
    struct pg_statement *statement;
    char *name;
};

struct pg_names {
    struct pg_name *at; /* Open addressing; NULL: none. */
    uint32_t room;      /* A power of two. */
    uint32_t count;
};

struct pg_statement *pg_names_find(const struct pg_names *n, const char *name,
                                   size_t size);
/* Takes the reference.  False: out of memory. */
bool pg_names_set(struct pg_statements *all, struct pg_names *n,
                  const char *name, size_t size, struct pg_statement *s);
void pg_names_remove(struct pg_statements *all, struct pg_names *n,
                     const char *name, size_t size);
void pg_names_clear(struct pg_statements *all, struct pg_names *n);

/* Statements that a server connection has. */
#define PG_PREPARED_MAX 512u

struct pg_prepared {
    uint64_t *slots; /* A hash of ids; NULL: none. */
    uint64_t *order; /* In the order in which they came. */
    uint32_t count;
    uint32_t first;   /* The oldest in `order`. */
    bool is_doubtful; /* It may have some that are not here. */
};

bool pg_prepared_has(const struct pg_prepared *p, uint64_t id);
/* The one that has to be closed to make room; 0: none.  False: out of
 * memory. */
bool pg_prepared_add(struct pg_prepared *p, uint64_t id, uint64_t *ret_closed);
void pg_prepared_remove(struct pg_prepared *p, uint64_t id);
void pg_prepared_clear(struct pg_prepared *p);

#endif
