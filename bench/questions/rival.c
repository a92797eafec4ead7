/* SPDX-License-Identifier: MIT */
#include "rival.h"

#ifdef BENCH_RIVAL

#include "../stopwatch.h"

#include <libhashkit/hashkit.h>
#include <libmemcached/memcached.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BACKENDS_MAX = 100, KEYS = 1024, REPEATS = 11 };

struct key {
    char text[24];
    size_t size;
};

/* The same servers in both, and keys to look up. */
struct contest {
    struct infra_balancer *balancer;
    struct infra_balancer_reader *reader;
    memcached_st *memcached;
    struct key keys[KEYS];
};

/* Each tells how long the whole took, in nanoseconds. */
typedef double contestant(struct contest *c, int lookups);

static uint32_t pick(struct contest *c, const struct key *key)
{
    struct infra_request request = {
        .hash = infra_ketama_hash(key->text, key->size),
    };
    struct infra_ticket ticket;
    int id = infra_balancer_pick(c->reader, &request, 0, &ticket);

    (void)infra_balancer_release(c->reader, &ticket, INFRA_OUTCOME_OK, 0);
    return (uint32_t)id;
}

static double pick_ours(struct contest *c, int lookups)
{
    double begin = stopwatch_now_ns();

    for (int i = 0; i < lookups; i++) {
        bench_keep(pick(c, &c->keys[i % KEYS]));
    }
    return stopwatch_now_ns() - begin;
}

static double pick_theirs(struct contest *c, int lookups)
{
    double begin = stopwatch_now_ns();

    for (int i = 0; i < lookups; i++) {
        const struct key *key = &c->keys[i % KEYS];
        bench_keep(memcached_generate_hash(c->memcached, key->text, key->size));
    }
    return stopwatch_now_ns() - begin;
}

static double hash_ours(struct contest *c, int lookups)
{
    double begin = stopwatch_now_ns();

    for (int i = 0; i < lookups; i++) {
        const struct key *key = &c->keys[i % KEYS];
        bench_keep(infra_ketama_hash(key->text, key->size));
    }
    return stopwatch_now_ns() - begin;
}

static double hash_theirs(struct contest *c, int lookups)
{
    double begin = stopwatch_now_ns();

    for (int i = 0; i < lookups; i++) {
        const struct key *key = &c->keys[i % KEYS];
        bench_keep(libhashkit_md5(key->text, key->size));
    }
    return stopwatch_now_ns() - begin;
}

/* A new ring: of another weight, and back. */
static double build_ours(struct contest *c, int turn)
{
    double begin = stopwatch_now_ns();

    if (sweep_set(c->balancer, 0, turn % 2 == 0 ? 2 : 1) != INFRA_OK ||
        infra_balancer_publish(c->balancer, 0) != INFRA_OK) {
        abort();
    }
    return stopwatch_now_ns() - begin;
}

/* Whatever its value was, this lays out the ring anew. */
static double build_theirs(struct contest *c, int turn)
{
    double begin = stopwatch_now_ns();

    (void)turn;
    memcached_behavior_set(c->memcached, MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED, 1);
    return stopwatch_now_ns() - begin;
}

/* The names that sweep_set() gives. */
static int open_theirs(struct contest *c, uint32_t backends)
{
    memcached_server_st *list = NULL;
    memcached_return_t rc = MEMCACHED_SUCCESS;

    c->memcached = memcached_create(NULL);
    for (uint32_t id = 0; id < backends && rc == MEMCACHED_SUCCESS; id++) {
        char host[24];
        snprintf(host, sizeof host, "10.0.%u.%u", (unsigned)id / 250,
                 (unsigned)id % 250);
        list = memcached_server_list_append_with_weight(list, host, 80, 1, &rc);
    }
    if (c->memcached == NULL || rc != MEMCACHED_SUCCESS) {
        memcached_server_list_free(list);
        return INFRA_ENOMEM;
    }
    rc = memcached_server_push(c->memcached, list);
    memcached_server_list_free(list);
    memcached_behavior_set(c->memcached, MEMCACHED_BEHAVIOR_KETAMA_WEIGHTED, 1);
    return rc == MEMCACHED_SUCCESS ? INFRA_OK : INFRA_ENOMEM;
}

static int contest_open(struct contest *c, uint32_t backends)
{
    struct subject subject = { .policy = infra_balancer_ketama(),
                               .backends = backends };

    memset(c, 0, sizeof *c);
    for (int i = 0; i < KEYS; i++) {
        c->keys[i].size = (size_t)snprintf(
            c->keys[i].text, sizeof c->keys[i].text, "session:%d", i * 7919);
    }
    if (backends == 0) {
        return INFRA_OK;
    }
    int err = sweep_create_with_reader(&c->balancer, &c->reader, &subject);
    return err == INFRA_OK ? open_theirs(c, backends) : err;
}

static void contest_close(struct contest *c)
{
    if (c->memcached != NULL) {
        memcached_free(c->memcached);
    }
    infra_balancer_reader_destroy(c->reader);
    infra_balancer_destroy(c->balancer);
}

/* Run in turn, so that both run on the same state of the machine. Each result
 * is the time of one of @count. @ret is sorted. */
static void take_turns(struct contest *c, contestant *const run[2], int count,
                       int repeats, double ret[2][REPEATS])
{
    for (int i = 0; i < repeats; i++) {
        for (int who = 0; who < 2; who++) {
            ret[who][i] =
                run[who](c, count > 0 ? count : i) / (count > 0 ? count : 1);
        }
    }
    for (int who = 0; who < 2; who++) {
        (void)stopwatch_median(ret[who], repeats);
    }
}

int rival_pick(struct report *report, uint32_t backends, int quick)
{
    static const char *const names[2][2] = {
        { "ketama-hash", "libhashkit" }, { "ketama-by-key", "libmemcached" }
    };
    static contestant *const runs[2][2] = { { hash_ours, hash_theirs },
                                            { pick_ours, pick_theirs } };
    int repeats = quick ? 1 : REPEATS;
    double ns[2][REPEATS];
    struct contest c;

    if (backends > BACKENDS_MAX) {
        return INFRA_OK;
    }
    int err = contest_open(&c, backends);
    if (err == INFRA_OK) {
        take_turns(&c, runs[backends > 0], quick ? KEYS : 200 * KEYS, repeats,
                   ns);
    }
    for (int who = 0; who < 2 && err == INFRA_OK; who++) {
        report_text(report, names[backends > 0][who]);
        report_number(report, backends, 0);
        report_number(report, 1, 0);
        report_number(report, ns[who][repeats / 2], 2);
        report_number(report, ns[who][0], 2);
        report_none(report);
    }
    contest_close(&c);
    return err;
}

static int check_choices(struct contest *c)
{
    for (int i = 0; i < KEYS; i++) {
        const struct key *key = &c->keys[i];
        uint32_t theirs =
            memcached_generate_hash(c->memcached, key->text, key->size);
        if (pick(c, key) != theirs) {
            fprintf(stderr, "infra-bench: libmemcached has \"%s\" elsewhere\n",
                    key->text);
            return 1;
        }
    }
    return INFRA_OK;
}

int rival_build(struct report *report, const struct subject *subject, int quick)
{
    static const char *const names[] = { "ketama-in-turn", "libmemcached" };
    static contestant *const run[] = { build_ours, build_theirs };
    /* Even, so that all weights are 1 again at the end. */
    int repeats = quick ? 2 : REPEATS - 1;
    double ns[2][REPEATS];
    struct contest c;

    if (subject->backends > BACKENDS_MAX) {
        return INFRA_OK;
    }
    int err = contest_open(&c, subject->backends);
    if (err == INFRA_OK) {
        take_turns(&c, run, 0, repeats, ns);
        err = check_choices(&c);
    }
    for (int who = 0; who < 2 && err == INFRA_OK; who++) {
        report_text(report, names[who]);
        report_number(report, subject->backends, 0);
        report_number(report, ns[who][repeats / 2] / 1e3, 1);
        report_none(report);
        report_none(report);
    }
    contest_close(&c);
    return err;
}

#else

int rival_pick(struct report *report, uint32_t backends, int quick)
{
    (void)report;
    (void)backends;
    (void)quick;
    return INFRA_OK;
}

int rival_build(struct report *report, const struct subject *subject, int quick)
{
    (void)report;
    (void)subject;
    (void)quick;
    return INFRA_OK;
}

#endif
