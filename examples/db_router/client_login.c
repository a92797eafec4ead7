/* SPDX-License-Identifier: MIT */
/* A client until it is welcomed, and what a protocol's login asks for. */
#include "worker.h"

#include "../common/log.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void client_welcome(struct client *c)
{
    if (!cancel_give_key(c)) {
        client_refuse(c, TROUBLE_MEMORY, "out of memory");
        return;
    }
    c->protocol->welcome(c, &c->pool->greeting);
    c->is_welcome = true;
    c->give_up_at = 0;
    client_set_phase(c, CLIENT_IDLE);
    (void)link_flush(&c->link);
    worker_ready(c->link.worker, &c->link);
}

/* Its user is known. */
static void logged_in(struct client *c)
{
    struct worker *w = c->link.worker;

    c->pool = pool_find(w, c->user, c->database);
    if (c->pool == NULL) {
        client_refuse(c, TROUBLE_MEMORY, "out of memory");
        return;
    }
    if (c->protocol->welcome_needs_greeting &&
        c->pool->greeting.bytes == NULL) {
        c->unit = (struct unit) { .kind = UNIT_ROUTE };
        c->unit.statement.kind = INFRA_STATEMENT_READ;
        c->unit.statement.count = 1;
        client_route(c);
        return;
    }
    client_welcome(c);
}

/* What the client sends from here on is TLS. */
static bool start_tls(struct client *c)
{
    c->is_secure =
        link_start_tls(&c->link, &c->link.worker->client_tls.functions, NULL);
    return c->is_secure;
}

void client_log_in(struct client *c)
{
    enum step step = STEP_MORE;

    while ((step == STEP_MORE || (step == STEP_TLS && start_tls(c))) &&
           (link_in_size(&c->link) > 0 || link_read(&c->link, 0))) {
        size_t before = link_in_size(&c->link);
        step = c->protocol->login(c);
        if (step == STEP_MORE && link_in_size(&c->link) == before &&
            !link_read_more(&c->link, 0)) {
            break;
        }
    }
    step = step == STEP_TLS ? STEP_MORE : step;
    (void)link_flush(&c->link);
    switch (step) {
    case STEP_DONE:
        logged_in(c);
        return;
    case STEP_CANCEL:
        cancel_request(c->link.worker, &c->cancel);
        client_end(c);
        return;
    case STEP_MORE:
        if (c->link.eof || c->link.broken) {
            if (c->link.is_shaking) {
                log_line("a client is refused: the TLS handshake failed");
            }
            client_end(c);
        } else {
            link_rest(&c->link);
        }
        return;
    case STEP_FAILED:
    case STEP_TLS:
    default:
        log_line("a client is refused: %s",
                 c->why != NULL ? c->why : "its login failed");
        client_set_phase(c, CLIENT_CLOSING);
        link_take(&c->link, link_in_size(&c->link));
        client_close_slowly(c);
        return;
    }
}

const struct db_limits *client_limits(const struct client *c)
{
    return &c->link.worker->shared->limits;
}

const struct db_user *client_find_user(const struct client *c, const char *name,
                                       size_t size)
{
    return db_users_find(c->link.worker->shared->users, name, size);
}

bool client_set_database(struct client *c, const char *name, size_t size)
{
    char *copy = malloc(size + 1);

    if (copy == NULL) {
        return false;
    }
    memcpy(copy, name, size);
    copy[size] = '\0';
    free(c->database);
    c->database = copy;
    return true;
}

bool protocol_entropy(void *ret, size_t n)
{
    return getrandom(ret, n, 0) == (ssize_t)n;
}
