/* SPDX-License-Identifier: MIT */
/* A protocol of lines for db_router's loop, and a server that speaks it.  A
 * client says "NAME", then statements, "r..." to read and "w..." to write; the
 * answer to each is "=" and the same.  "whold" is answered once it is canceled,
 * with "=canceled". */
#ifndef TESTS_LINE_PROTOCOL_H
#define TESTS_LINE_PROTOCOL_H

#include "db_router.h"

#include <pthread.h>
#include <sys/socket.h>

extern const struct protocol line_protocol;

struct line_server {
    struct sockaddr_storage address;
    socklen_t address_size;
    pthread_t thread;
    int listener;
    int stop[2];
    int held;             /* Its connection waits to be canceled; -1: none. */
    unsigned connections; /* In all, once it is joined. */
    unsigned cancels;
};

void line_server_start(struct line_server *server);
void line_server_join(struct line_server *server);

#endif
