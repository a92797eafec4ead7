/* SPDX-License-Identifier: MIT */
/*
 * A name that is resolved again and again: its addresses become the backends,
 * each address keeps its id, its counters and its health, and an address that
 * was down when it left is down when it comes back.
 *
 *   cc resolve.c $(pkg-config --cflags --libs libinfra) -o resolve
 *   ./resolve
 *
 * The answers and the checks are scripted, and time is a variable:
 *
 *   2 addresses
 *     10.0.0.2:80 is down: fall
 *     10.0.0.1:80 has id 0 and 4 requests
 *     10.0.0.2:80 has id 1 and 0 requests
 *   2 addresses
 *     10.0.0.1:80 has id 0 and 6 requests
 *     10.0.0.3:80 has id 2 and 2 requests
 *   0 addresses
 *     10.0.0.1:80 has id 0 and 8 requests
 *     10.0.0.3:80 has id 2 and 4 requests
 *   3 addresses
 *     10.0.0.2:80 is down: kept
 *     10.0.0.1:80 has id 0 and 10 requests
 *     10.0.0.2:80 has id 1 and 0 requests
 *     10.0.0.3:80 has id 2 and 6 requests
 */
#include <infra/balancer.h>
#include <infra/health.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* More than there are addresses: an id rests while a ticket still holds it. */
#define IDS 8u
#define COUNT_OF(a) ((uint32_t)(sizeof(a) / sizeof(a)[0]))

/* What getaddrinfo() would answer, once in ten seconds. */
static const char *const answers[][3] = {
    { "10.0.0.1:80", "10.0.0.2:80" },
    { "10.0.0.1:80", "10.0.0.3:80" },
    { NULL }, /* The resolver failed. */
    { "10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80" },
};

struct host {
    struct infra_balancer *balancer;
    struct infra_balancer_reader *reader;
    struct infra_health *health;
    char keys[IDS][32]; /* The server table; an id is its index. */
};

static int check(int result)
{
    if (result < 0) {
        fprintf(stderr, "resolve: %s\n", infra_strerror(result));
        exit(EXIT_FAILURE);
    }
    return result;
}

/* Take an answer in.  Readers see all of it at once, by publish. */
static void apply(struct host *h, const char *const *addresses, uint32_t count,
                  infra_time now)
{
    struct infra_backend backends[IDS];
    uint64_t words[INFRA_SET_WORDS(IDS)] = { 0 };
    struct infra_set named = { .words = words, .ids_max = IDS };

    for (uint32_t i = 0; i < count; i++) {
        /* The id that the address has or had, or a free one, which belongs to
         * the address from set on. */
        int id = check(infra_balancer_id_of(h->balancer, addresses[i]));
        backends[i] = (struct infra_backend) { .size = sizeof backends[i],
                                               .key = addresses[i],
                                               .id = (uint32_t)id };
        check(infra_balancer_set(h->balancer, &backends[i], now));
        (void)snprintf(h->keys[id], sizeof h->keys[id], "%s", addresses[i]);
        check(infra_health_set(h->health, (uint32_t)id, addresses[i], now));
        infra_set_add(&named, (uint32_t)id);
    }
    /* The others leave: they get nothing new, and their tickets stay valid. */
    check(infra_balancer_sync(h->balancer, backends, count, now));
    for (uint32_t id = 0; id < IDS; id++) {
        if (!infra_set_has(&named, id)) {
            (void)infra_health_remove(h->health, id); /* Or ENOENT. */
        }
    }
    check(infra_balancer_publish(h->balancer, now));
}

/* Checks are scripted: 10.0.0.2 refuses, the others pass. */
static void take_event(struct host *h, const struct infra_health_event *e,
                       infra_time now)
{
    const char *key = e->id < IDS ? h->keys[e->id] : "";
    uint32_t outcome = strcmp(key, "10.0.0.2:80") == 0 ? INFRA_OUTCOME_REFUSED
                                                       : INFRA_OUTCOME_OK;
    uint32_t state = e->kind == INFRA_HEALTH_EVENT_UP
                         ? INFRA_BALANCER_STATE_UP
                         : INFRA_BALANCER_STATE_DOWN;

    if (e->kind == INFRA_HEALTH_EVENT_CHECK) {
        check(infra_health_answer(h->health, e->call, outcome, 0, now));
    } else if (e->kind == INFRA_HEALTH_EVENT_UP ||
               e->kind == INFRA_HEALTH_EVENT_DOWN) {
        printf("  %s is %s: %s\n", key, infra_balancer_state_name(state),
               infra_health_reason_name(e->reason));
        check(infra_balancer_mark(h->balancer, e->id,
                                  INFRA_BALANCER_AXIS_HEALTH, state));
    }
}

static void run_checks(struct host *h, infra_time until)
{
    struct infra_health_event e;
    infra_time now = infra_health_deadline(h->health);

    while (now < until) {
        while (infra_health_next(h->health, now, &e) == INFRA_OK) {
            take_event(h, &e, now);
        }
        check(infra_balancer_publish(h->balancer, now));
        now = infra_health_deadline(h->health);
    }
}

static void send_requests(struct host *h, infra_time now)
{
    struct infra_ticket ticket;

    for (int request = 0; request < 4; request++) {
        (void)check(infra_balancer_pick(h->reader, NULL, now, &ticket));
        check(
            infra_balancer_release(h->reader, &ticket, INFRA_OUTCOME_OK, now));
    }
    for (uint32_t id = 0; id < IDS; id++) {
        struct infra_balancer_status s = { .size = sizeof s };
        if (infra_balancer_inspect(h->balancer, id, &s) == INFRA_OK) {
            printf("  %s has id %u and %u requests\n", h->keys[id],
                   (unsigned)id, (unsigned)s.picks);
        }
    }
}

int main(void)
{
    const struct infra_balancer_options options = { .size = sizeof options,
                                                    .ids_max = IDS };
    const struct infra_health_options checks = { .size = sizeof checks,
                                                 .ids_max = IDS };
    struct host h = { .balancer = NULL };

    check(infra_balancer_create(&h.balancer, &options));
    check(infra_balancer_reader_create(&h.reader, h.balancer));
    check(infra_health_create(&h.health, &checks));
    for (uint32_t n = 0; n < COUNT_OF(answers); n++) {
        infra_time now = INFRA_SEC(10 * n);
        uint32_t count = 0;
        while (count < COUNT_OF(answers[n]) && answers[n][count] != NULL) {
            count++;
        }
        printf("%u addresses\n", (unsigned)count);
        if (count > 0) { /* No answer is no reason to have no servers. */
            apply(&h, answers[n], count, now);
        }
        run_checks(&h, now + INFRA_SEC(10));
        send_requests(&h, now + INFRA_SEC(9));
    }
    infra_health_destroy(h.health);
    infra_balancer_reader_destroy(h.reader);
    infra_balancer_destroy(h.balancer);
    return EXIT_SUCCESS;
}
