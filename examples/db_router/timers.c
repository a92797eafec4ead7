/* SPDX-License-Identifier: MIT */
/* Timers are lists.  All members of a list have the same limit, so that the
 * oldest is first. */
#include "worker.h"

/* For the last bytes of a client that is closed. */
#define CLOSING_TIMEOUT INFRA_SEC(5)

/* The limit of a phase. */
static infra_time client_limit(const struct worker *w, int phase)
{
    switch (phase) {
    case CLIENT_LOGIN:
        return w->shared->login_timeout;
    case CLIENT_IDLE:
        return w->shared->idle_timeout;
    case CLIENT_QUEUED:
        return w->shared->queue_timeout;
    case CLIENT_CLOSING:
        return CLOSING_TIMEOUT;
    default:
        return INFRA_TIME_NEVER;
    }
}

static infra_time server_limit(const struct worker *w, int phase)
{
    switch (phase) {
    case SERVER_CONNECTING:
    case SERVER_LOGIN:
    case SERVER_RESET:
        return w->shared->connect_timeout;
    case SERVER_IDLE:
        return w->shared->server_idle_timeout;
    default:
        return INFRA_TIME_NEVER;
    }
}

static infra_time first_of(infra_time since, infra_time limit)
{
    return limit == INFRA_TIME_NEVER ? limit : since + limit;
}

static infra_time client_deadline(const struct worker *w, int phase)
{
    const struct list *list = &w->clients[phase];
    const struct client *c = LIST_OWNER(list->next, struct client, place);

    return list_is_empty(list) ? INFRA_TIME_NEVER
                               : first_of(c->since, client_limit(w, phase));
}

static infra_time server_deadline(const struct worker *w, int phase)
{
    const struct list *list = &w->servers[phase];
    const struct server *s = LIST_OWNER(list->next, struct server, place);

    return list_is_empty(list) ? INFRA_TIME_NEVER
                               : first_of(s->since, server_limit(w, phase));
}

static infra_time smaller(infra_time a, infra_time b)
{
    return a < b ? a : b;
}

static infra_time deadline(const struct worker *w)
{
    infra_time first = infra_router_reader_deadline(w->reader);

    for (int i = 0; i < CLIENT_PHASES; i++) {
        first = smaller(first, client_deadline(w, i));
    }
    for (int i = 0; i < SERVER_PHASES; i++) {
        first = smaller(first, server_deadline(w, i));
    }
    const struct list *waiting = &w->clients[CLIENT_WAITING];
    for (const struct list *l = waiting->next; l != waiting; l = l->next) {
        first = smaller(first, LIST_OWNER(l, struct client, place)->retry_at);
    }
    if (w->drains) {
        first = smaller(first, w->drain_limit);
    }
    return smaller(first, cancels_deadline(w));
}

int timers_wait_ms(const struct worker *w)
{
    infra_time at = deadline(w);

    if (w->ready != NULL) {
        return 0;
    }
    infra_time ms =
        at <= w->now ? 0 : (at - w->now + INFRA_MS(1) - 1) / INFRA_MS(1);
    return at == INFRA_TIME_NEVER ? -1 : ms > 60000 ? 60000 : (int)ms;
}

void timers_expire(struct worker *w)
{
    for (int i = 0; i < CLIENT_PHASES; i++) {
        while (client_deadline(w, i) <= w->now) {
            client_expire(LIST_OWNER(w->clients[i].next, struct client, place));
        }
    }
    for (int i = 0; i < SERVER_PHASES; i++) {
        while (server_deadline(w, i) <= w->now) {
            server_expire(LIST_OWNER(w->servers[i].next, struct server, place));
        }
    }
    cancels_expire(w);
}
