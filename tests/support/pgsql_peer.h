/* A PostgreSQL server's side of a check, byte by byte. */
#ifndef TESTS_PGSQL_PEER_H
#define TESTS_PGSQL_PEER_H

#include "support.h"
#include "transport.h"

#include <infra/probe.h>

/* Messages of the check. */
#define PGSQL_STARTUP                                        \
    "\0\0\0\103\0\3\0\0user\0postgres\0database\0postgres\0" \
    "application_name\0libinfra\0"                           \
    "\0"
#define PGSQL_TLS_REQUEST "\0\0\0\10\4\322\26\57"
#define PGSQL_TERMINATE "X\0\0\0\4"
#define PGSQL_QUESTION                                             \
    "Q\0\0\2\250"                                                  \
    "SELECT pg_catalog.pg_is_in_recovery(), "                      \
    "pg_catalog.current_setting('transaction_read_only'), CASE "   \
    "WHEN pg_catalog.pg_is_in_recovery() THEN "                    \
    "pg_catalog.pg_last_wal_replay_lsn() ELSE "                    \
    "pg_catalog.pg_current_wal_lsn() END, "                        \
    "pg_catalog.pg_last_wal_receive_lsn(), "                       \
    "(pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() " \
    "OPERATOR(pg_catalog.-) "                                      \
    "pg_catalog.pg_last_xact_replay_timestamp()) "                 \
    "OPERATOR(pg_catalog.*) 1000000)::pg_catalog.int8, (SELECT "   \
    "pg_catalog.concat_ws(' ', coalesce(status, 'hidden'), "       \
    "pg_catalog.concat_ws(':', j OPERATOR(pg_catalog.->>) "        \
    "'sender_host', j OPERATOR(pg_catalog.->>) 'sender_port')) "   \
    "FROM pg_catalog.pg_stat_wal_receiver AS w, "                  \
    "pg_catalog.to_jsonb(w) AS j)\0"

/* Messages of the server. */
#define PGSQL_AUTH_OK "R\0\0\0\10\0\0\0\0"
#define PGSQL_AUTH_CLEAR "R\0\0\0\10\0\0\0\3"
#define PGSQL_AUTH_MD5 "R\0\0\0\14\0\0\0\5\1\2\3\377"
#define PGSQL_AUTH_SASL "R\0\0\0\27\0\0\0\12SCRAM-SHA-256\0\0"
#define PGSQL_VERSION            \
    "S\0\0\0\31server_version\0" \
    "15.18\0"
#define PGSQL_KEY "K\0\0\0\14\0\0\1\2\3\4\5\6"
#define PGSQL_READY "Z\0\0\0\5I"
#define PGSQL_COLUMNS "T\0\0\0\6\0\6"
#define PGSQL_COMPLETE "C\0\0\0\15SELECT 1\0"

/* Without a password, up to the library's question. */
#define PGSQL_WELCOME PGSQL_AUTH_OK PGSQL_VERSION PGSQL_KEY PGSQL_READY

/* Messages in a row. */
struct pgsql_bytes {
    size_t size;
    char at[4096];
};

void pgsql_put(struct pgsql_bytes *b, const void *bytes, size_t size);
#define pgsql_put_text(b, text) pgsql_put((b), (text), sizeof(text) - 1)
void pgsql_put_message(struct pgsql_bytes *b, char type, const void *body,
                       size_t size);
void pgsql_put_error(struct pgsql_bytes *b, const char *severity,
                     const char *code, const char *message);

/* NULL is null. */
void pgsql_put_row(struct pgsql_bytes *b, const char *const *cells,
                   size_t count);

/* The probe of the running test, and its heap. Nothing may be left of both. */
extern struct test_heap pgsql_heap;
extern struct infra_probe *pgsql_probe;
void pgsql_setup(void);
void pgsql_teardown(void);
void pgsql_create(struct infra_probe_pgsql_options o);

/* Start a check and run it. */
struct infra_probe_result pgsql_run(struct test_transport *t);

/* The last check's text MESSAGE. */
const char *pgsql_message(void);

#endif
