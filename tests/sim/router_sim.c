/* SPDX-License-Identifier: MIT */
/* Simulates routers over many seeds, and says which seed to look at.
 *
 *   router_sim [--seeds N] [--seed FIRST] [--mutations] [--verbose]
 *
 * --seeds      histories (default 1000)
 * --seed       from this seed on; with --seeds 1 --verbose it is printed
 * --mutations  break each rule in turn, and see it caught */
#include "router_sim.h"

#include "router/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define END_OF_TIME INFRA_SEC(40)
#define AGAIN 100u

enum infra__router_rule infra__router_broken_rule;

#define NAME(rule, text) [INFRA__ROUTER_RULE_##rule] = text
static const char *const rules[INFRA__ROUTER_RULES_COUNT] = {
    NAME(NONE, "none"),         NAME(TOKEN, "token"),
    NAME(SPLIT, "split"),       NAME(LEASE, "lease"),
    NAME(AGE, "age"),           NAME(DRAIN, "drain"),
    NAME(RATE, "rate"),         NAME(SIGHT, "sight"),
    NAME(REIGN, "reign"),       NAME(COVER, "cover"),
    NAME(LOST, "lost"),         NAME(NEWER, "newer"),
    NAME(WROTE, "wrote"),       NAME(AFRESH, "afresh"),
    NAME(PENDING, "pending"),   NAME(SEEN, "seen"),
    NAME(STAY, "stay"),         NAME(FORGET, "forget"),
    NAME(OPEN, "open"),         NAME(PLACE, "place"),
    NAME(SENT, "sent"),         NAME(UNSEEN, "unseen"),
    NAME(PATIENCE, "patience"), NAME(OVER, "over"),
    NAME(HELD, "held"),         NAME(WAIT, "wait"),
};

static void configure(struct router_world *w)
{
    struct infra_router_options *o = &w->options;

    w->text = (uint32_t)router_below(w, TEXTS);
    w->says_position = router_chance(w, 60);
    w->knows_since = router_chance(w, 80);
    w->has_leases = router_chance(w, 40);
    w->repeats_tokens = router_chance(w, 15);
    o->size = sizeof *o;
    o->nodes_max = ROUTER_NODES;
    o->lag_max = INFRA_MS(300) + router_below(w, INFRA_SEC(3));
    o->lag_preferred = router_chance(w, 50) ? o->lag_max / 4 : 0;
    o->replicas_min = (uint32_t)router_below(w, 4);
    o->fallback = (uint32_t)router_below(w, 3);
    o->fallback_rate =
        router_chance(w, 50) ? 1 + (uint32_t)router_below(w, 30) : 0;
    o->held_max = router_chance(w, 30) ? 1 : 0;
    o->hold_max = INFRA_MS(200) + router_below(w, INFRA_SEC(5));
    router_trace(w, "text", w->text, w->says_position, w->knows_since);
    router_trace(w, "leases", w->has_leases, w->repeats_tokens, 0);
    o->wait_max = router_chance(w, 50) ? router_below(w, INFRA_MS(300)) : 0;
}

static void run_step(struct router_world *w, const struct router_event *e)
{
    switch (e->kind) {
    case STEP_COPY:
        router_copy(w, e->node);
        break;
    case STEP_ASK:
        router_ask(w, e);
        break;
    case STEP_ANSWER:
        router_answer(w, e);
        break;
    case STEP_PUBLISH:
        if (e->number == 0) {
            router_publish(w, e->who);
        } else {
            router_release(w, e->who);
        }
        break;
    case STEP_FAULT:
        router_fault(w);
        break;
    case STEP_ELECT:
        router_elect(w);
        break;
    case STEP_RESTART:
        router_restart(w, e->node);
        break;
    case STEP_REBUILD:
        router_rebuild(w, e->node);
        break;
    default:
        break;
    }
    if (e->kind >= STEP_CLIENT && e->kind <= STEP_REPLY) {
        static void (*const steps[])(struct router_world *, uint32_t) = {
            router_client, router_send, router_arrive, router_reply
        };
        steps[e->kind - STEP_CLIENT](w, e->who);
    }
}

struct router_result router_run(uint64_t seed, bool is_verbose)
{
    struct router_world *w = calloc(1, sizeof *w);

    if (w == NULL) {
        abort();
    }
    w->random = seed;
    w->is_verbose = is_verbose;
    configure(w);
    if (w->options.held_max == 0) {
        w->options.held_max = 1000;
    }
    w->now = INFRA_SEC(1);
    router_start_nodes(w);
    router_start_sides(w);
    router_start_clients(w);
    while (w->queue_count > 0 && w->result.violation == NULL &&
           w->queue[0].at < END_OF_TIME) {
        struct router_event e = router_pop(w);
        w->now = e.at > w->now ? e.at : w->now;
        w->result.steps++;
        run_step(w, &e);
    }
    for (uint32_t i = 0; i < ROUTER_CLIENTS; i++) {
        infra_session_leave(&w->clients[i].session);
    }
    router_stop_sides(w);
    struct router_result result = w->result;
    free(w);
    return result;
}

static void add(struct router_result *sum, const struct router_result *r)
{
    sum->steps += r->steps;
    sum->reads += r->reads;
    sum->writes += r->writes;
    sum->promotions += r->promotions;
    sum->losses += r->losses;
    sum->holds += r->holds;
    sum->waits += r->waits;
    sum->carried += r->carried;
}

/* Every seed; now and again one twice, which must give the same. */
static int run_all(uint64_t first, uint64_t count, bool is_verbose)
{
    struct router_result sum = { .violation = NULL };

    for (uint64_t s = first; s < first + count; s++) {
        struct router_result r = router_run(s, is_verbose);
        if (r.violation == NULL && s % AGAIN == 0 &&
            router_run(s, false).trace != r.trace) {
            r.violation = "the same seed gives another history";
        }
        if (r.violation != NULL) {
            printf("seed %llu at %.6f s: %s\n", (unsigned long long)s,
                   (double)r.at / 1e9, r.violation);
            return EXIT_FAILURE;
        }
        add(&sum, &r);
    }
    printf("%llu seeds, no violation: %llu steps, %llu reads at replicas, "
           "%llu writes, %llu promotions, %llu losses said, %llu held, %llu "
           "waits, %llu positions carried\n",
           (unsigned long long)count, (unsigned long long)sum.steps,
           (unsigned long long)sum.reads, (unsigned long long)sum.writes,
           (unsigned long long)sum.promotions, (unsigned long long)sum.losses,
           (unsigned long long)sum.holds, (unsigned long long)sum.waits,
           (unsigned long long)sum.carried);
    return EXIT_SUCCESS;
}

static int run_mutations(uint64_t first, uint64_t count)
{
    int status = EXIT_SUCCESS;

    for (int rule = INFRA__ROUTER_RULE_NONE + 1;
         rule < INFRA__ROUTER_RULES_COUNT; rule++) {
        struct router_result r = { .violation = NULL };
        uint64_t s = first;
        (void)fflush(stdout);
        infra__router_broken_rule = (enum infra__router_rule)rule;
        while (s < first + count && r.violation == NULL) {
            r = router_run(s++, false);
        }
        if (r.violation == NULL) {
            printf("%-10s not caught in %llu seeds\n", rules[rule],
                   (unsigned long long)count);
            status = EXIT_FAILURE;
        } else {
            printf("%-10s caught by seed %llu: %s\n", rules[rule],
                   (unsigned long long)(s - 1), r.violation);
        }
    }
    infra__router_broken_rule = INFRA__ROUTER_RULE_NONE;
    return status;
}

int main(int argc, char **argv)
{
    uint64_t first = 1;
    uint64_t count = 1000;
    bool mutations = false;
    bool is_verbose = false;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--seeds") == 0 && i + 1 < argc) {
            count = strtoull(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc) {
            first = strtoull(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--mutations") == 0) {
            mutations = true;
        } else if (strcmp(argv[i], "--verbose") == 0) {
            is_verbose = true;
        } else {
            fprintf(stderr, "usage: router_sim [--seeds N] [--seed FIRST] "
                            "[--mutations] [--verbose]\n");
            return 2;
        }
    }
    return mutations ? run_mutations(first, count)
                     : run_all(first, count, is_verbose);
}
