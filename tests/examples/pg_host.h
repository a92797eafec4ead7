/* SPDX-License-Identifier: MIT */
/* A client and a server connection of db_router without sockets: PostgreSQL's
 * protocol between bytes that come and bytes that go. */
#ifndef TESTS_PG_HOST_H
#define TESTS_PG_HOST_H

#include "pg.h"

struct pg_host {
    struct client client;
    struct server server;
    struct pg_client client_state;
    struct pg_server server_state;
    struct pg_statements statements;
    struct db_limits limits;
    struct infra_statement statement; /* Of the last unit. */
    struct infra_session_result result;
    const char *why;   /* It has ended. */
    uint32_t units;    /* That were sent. */
    uint32_t failures; /* Answers that may be sent again. */
    bool is_out;       /* A unit is at the server, or waits for its BEGIN. */
    bool has_begun;    /* With limits.defers_begin: a BEGIN was answered. */
    bool waits;        /* The bytes of the unit are still there. */
    bool has_ended;
};

void pg_host_begin(struct pg_host *h);
void pg_host_finish(struct pg_host *h);

/* Bytes come from the client: units are cut and sent. */
void pg_host_client(struct pg_host *h, const void *bytes, size_t size);
/* Bytes come from the server: they are followed. */
void pg_host_server(struct pg_host *h, const void *bytes, size_t size);
/* The server answers a unit that is whole with what it expects. */
void pg_host_answer(struct pg_host *h);
/* Another connection to a server. */
void pg_host_other_server(struct pg_host *h);
/* Forget what went out. */
void pg_host_clear(struct pg_host *h);

#endif
