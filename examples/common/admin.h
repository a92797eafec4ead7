/* SPDX-License-Identifier: MIT */
/*
 * A listener for the operator: small GETs of HTTP/1.x, answered on the thread
 * that owns what they show.  It never blocks: a client that does not send or
 * read holds one of a few places for a few seconds, and nothing else.
 *
 * The program answers; here are the sockets.  admin_page.h has the page that
 * shows /status.json.
 */
#ifndef EXAMPLES_ADMIN_H
#define EXAMPLES_ADMIN_H

#include "admin_request.h"
#include "page.h"

#include <infra/base.h>
#include <sys/socket.h>

struct admin; /* One listener. */

struct admin_reply {
    int status;       /* HTTP's; 200 before the answer. */
    const char *type; /* Content-Type; "text/plain; charset=utf-8" before. */
    struct page body;
};

struct admin_options {
    const struct sockaddr *address;
    socklen_t address_size;
    /* Answer a request; a HEAD is a GET, without its body. */
    void (*answer)(void *user, const struct admin_request *request,
                   struct admin_reply *reply);
    void *user;
};

/* Listen.  0 or an errno. */
int admin_create(struct admin **ret, const struct admin_options *options);

/* Close everything; NULL is allowed. */
void admin_destroy(struct admin *admin);

/* Its port, also one that the system chose. */
unsigned admin_port(const struct admin *admin);

/* Readable when admin_step() has something to do. */
int admin_fd(const struct admin *admin);

/* The next end of a client's time, by infra_driver_now(). */
infra_time admin_deadline(const struct admin *admin);

/* Accept, read, answer, write, close: whatever is due. */
void admin_step(struct admin *admin, infra_time now);

#endif
