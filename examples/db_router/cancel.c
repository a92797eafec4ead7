/* SPDX-License-Identifier: MIT */
/*
 * Requests to cancel.  A client has a key of the proxy's own, in which the
 * worker and a slot stand, so that any worker that accepts a request finds the
 * client's; it is carried out on a connection of its own to the node.  A server
 * connection is not given to another client while such a request is on its
 * way, which would cancel a statement of that client.
 */
#include "worker.h"

#include "../common/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SLOT_BITS 22u
#define SLOTS_MAX (1u << SLOT_BITS)
#define SLOTS_FIRST 64u
#define CANCEL_TIMEOUT INFRA_SEC(5)

struct cancel_link {
    struct link link;
    struct cancel_link *next;
    struct server *server; /* NULL: it has ended. */
    infra_time limit_at;
    bool has_asked; /* For TLS. */
    bool is_sent;
};

static bool more_slots(struct worker *w)
{
    uint32_t size = w->slots_size == 0 ? SLOTS_FIRST : w->slots_size * 2;
    struct client **slots =
        size > SLOTS_MAX ? NULL : realloc(w->slots, size * sizeof(*slots));

    if (slots == NULL) {
        return false;
    }
    for (uint32_t i = w->slots_size; i < size; i++) {
        slots[i] = NULL;
    }
    w->slots_next = w->slots_size;
    w->slots = slots;
    w->slots_size = size;
    return true;
}

bool cancel_give_key(struct client *c)
{
    struct worker *w = c->link.worker;
    uint32_t i = 0;

    while (i < w->slots_size &&
           w->slots[(w->slots_next + i) % w->slots_size] != NULL) {
        i++;
    }
    if (i == w->slots_size) {
        i = 0;
        if (!more_slots(w)) {
            return false;
        }
    }
    c->slot = (w->slots_next + i) % w->slots_size;
    w->slots_next = (c->slot + 1) % w->slots_size;
    w->slots[c->slot] = c;
    /* Process 0 is none. */
    c->cancel.process = w->index << SLOT_BITS | (c->slot + 1) % SLOTS_MAX;
    return protocol_entropy(&c->cancel.key, sizeof c->cancel.key);
}

void cancel_take_key(struct client *c)
{
    if (c->slot != UINT32_MAX) {
        c->link.worker->slots[c->slot] = NULL;
        c->slot = UINT32_MAX;
    }
}

static void connect_to(struct worker *w, struct server *s)
{
    const struct address *to = &w->shared->nodes[s->node].address;
    struct cancel_link *l = calloc(1, sizeof *l);
    int fd = l == NULL ? -1
                       : socket(to->storage.ss_family,
                                SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0 ||
        (connect(fd, (const struct sockaddr *)&to->storage, to->size) != 0 &&
         errno != EINPROGRESS) ||
        !worker_watch(w, &l->link, fd, LINK_CANCEL)) {
        log_line("node %s: a request to cancel is lost: %s",
                 w->shared->nodes[s->node].name, strerror(errno));
        if (fd >= 0) {
            close(fd);
        }
        free(l);
        return;
    }
    l->server = s;
    l->limit_at = w->now + CANCEL_TIMEOUT;
    l->next = w->cancels;
    w->cancels = l;
    s->cancels++;
}

static void carry_out(struct worker *w, const struct cancel *what)
{
    uint32_t slot = (what->process & (SLOTS_MAX - 1)) - 1;
    const struct client *c = slot < w->slots_size ? w->slots[slot] : NULL;
    uint32_t differs = c == NULL ? 1 : c->cancel.key ^ what->key;

    if (differs == 0 && c->server != NULL) {
        connect_to(w, c->server);
    }
}

void cancel_request(struct worker *w, const struct cancel *what)
{
    uint32_t index = what->process >> SLOT_BITS;

    if (index == w->index) {
        carry_out(w, what);
        return;
    }
    if (index >= w->shared->workers_count) {
        return;
    }
    struct worker *to = &w->shared->workers[index];
    pthread_mutex_lock(&to->mailbox_lock);
    if (to->mailbox_count < MAILBOX_SIZE) {
        to->mailbox[to->mailbox_count++] = *what;
    }
    pthread_mutex_unlock(&to->mailbox_lock);
    worker_wake(to);
}

void cancel_mail(struct worker *w)
{
    struct cancel mail[MAILBOX_SIZE];

    pthread_mutex_lock(&w->mailbox_lock);
    uint32_t count = w->mailbox_count;
    memcpy(mail, w->mailbox, count * sizeof mail[0]);
    w->mailbox_count = 0;
    pthread_mutex_unlock(&w->mailbox_lock);
    for (uint32_t i = 0; i < count; i++) {
        carry_out(w, &mail[i]);
    }
}

/* It is freed: nothing of the list of the ready may point at it. */
static void end(struct worker *w, struct cancel_link *l)
{
    struct cancel_link **at = &w->cancels;
    struct server *s = l->server;

    while (*at != l) {
        at = &(*at)->next;
    }
    *at = l->next;
    link_close(&l->link);
    free(l);
    if (s != NULL) {
        s->cancels--;
        if (s->cancels == 0 && s->phase == SERVER_RESET && !s->is_adopting) {
            pool_put(s);
        }
    }
}

/* The node, if it speaks TLS, is asked for that first. */
static void send_packet(struct cancel_link *l)
{
    struct server *s = l->server;
    struct link *link = &l->link;
    unsigned char packet[64];

    if (s->is_secure && link->session == NULL) {
        if (!l->has_asked) {
            s->protocol->ask_tls(link);
            l->has_asked = true;
        }
        enum step step = !link_flush(link) || (link_in_size(link) == 0 &&
                                               !link_read(link, 0))
                             ? STEP_MORE
                             : s->protocol->take_tls(link);
        if (step == STEP_MORE) {
            return;
        }
        if (step != STEP_TLS || !server_start_tls(link, s->node)) {
            link->broken = true;
            return;
        }
    }
    size_t size = s->protocol->cancel(s, packet);
    l->is_sent = true;
    link_send(link, packet, size);
}

void cancel_serve(struct link *link)
{
    struct cancel_link *l = (struct cancel_link *)link;

    if (link->writable && !l->is_sent && l->server != NULL) {
        send_packet(l);
    }
    /* It answers nothing and closes. */
    while (l->is_sent && link_flush(link) && link_read(link, 0)) {
        link_take(link, link_in_size(link));
    }
    if (link->eof || link->broken || l->server == NULL) {
        l->limit_at = 0; /* cancels_expire() frees it, at the turn's end. */
    }
}

void cancels_expire(struct worker *w)
{
    struct cancel_link *next;

    for (struct cancel_link *l = w->cancels; l != NULL; l = next) {
        next = l->next;
        if (l->limit_at <= w->now && !l->link.is_ready) {
            end(w, l);
        }
    }
}

void cancels_forget(struct worker *w, const struct server *s)
{
    for (struct cancel_link *l = w->cancels; l != NULL; l = l->next) {
        if (l->server == s) {
            l->server = NULL;
        }
    }
}

void cancels_close(struct worker *w)
{
    while (w->cancels != NULL) {
        w->cancels->server = NULL;
        end(w, w->cancels);
    }
}

infra_time cancels_deadline(const struct worker *w)
{
    infra_time first = INFRA_TIME_NEVER;

    for (const struct cancel_link *l = w->cancels; l != NULL; l = l->next) {
        first = l->limit_at < first ? l->limit_at : first;
    }
    return first;
}
