/* SPDX-License-Identifier: MIT */
/* A client and a server connection of db_router without sockets: the MySQL
 * protocol between bytes that come and bytes that go. */
#ifndef TESTS_MYSQL_WIRE_H
#define TESTS_MYSQL_WIRE_H

#include "mysql_state.h"

struct wire {
    struct client client;
    struct server server;
    struct mysql_client client_state;
    struct mysql_server server_state;
    struct db_limits limits;
    bool is_out;      /* The client's unit is at the server. */
    bool has_ended;   /* One of the two connections. */
    bool is_adopting; /* READY is still to come. */
    uint8_t failure;  /* Of the last error that may be sent again. */
    bool has_failure;
    const char *why;                    /* It has ended. */
    struct infra_session_result result; /* Of the last unit. */
};

/* Begin, as if both were logged in with these capabilities. */
void wire_begin(struct wire *w, const struct protocol *protocol,
                uint32_t capabilities);
void wire_finish(struct wire *w);

/* Bytes come from the client: units are cut and sent. */
void wire_client(struct wire *w, const void *bytes, size_t size);
/* Bytes come from the server: they are followed. */
void wire_server(struct wire *w, const void *bytes, size_t size);

/* The server connection is made the client's own. */
void wire_adopt(struct wire *w, bool reset);

/* Forget what went out. */
void wire_clear(struct wire *w);

#endif
