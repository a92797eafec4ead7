/* SPDX-License-Identifier: MIT */
/*
 * A writer that presents its token to a fence at the resource.  Two nodes share
 * a lease in memory.  A worker of node a asks its gate, is paused, and writes
 * after node b has taken over; the fence refuses that write.
 *
 *   cc fenced_writer.c $(pkg-config --cflags --libs libinfra) -o fenced_writer
 *   ./fenced_writer
 *
 * Time is a number here, so that each run prints the same:
 *
 *     0.0 s  a: active, token 1
 *     0.0 s  a: writes "one", token 1: success
 *    20.0 s  a: its gate is open, and it is paused before the write
 *    30.8 s  b: active, token 2
 *    30.8 s  b: writes "two", token 2: success
 *    30.8 s  a: goes on
 *    30.8 s  a: writes "three", token 1: it belongs to an earlier generation
 *    30.8 s  a: stopped, expired
 *    30.8 s  a: its gate is closed
 */
#include <infra/failover.h>
#include <inttypes.h>
#include <stdio.h>

/* What only the active node may change.  A server of its own would keep the
 * newest token on disk, and admit it first after a restart. */
struct resource {
    struct infra_fence fence;
    const char *text;
};

struct node {
    const char *name;
    struct infra_gate gate; /* In memory that all workers of the node share. */
    struct infra_failover *machine;
    struct infra_lease *lease;
};

static infra_time now = INFRA_SEC(1000);
static const infra_time begin = INFRA_SEC(1000);

static void say(const struct node *n, const char *text)
{
    printf("%5.1f s  %s: %s\n", (double)(now - begin) / 1e9, n->name, text);
}

/* The resource refuses a token older than the newest it has seen. */
static int write_text(struct resource *r, uint64_t token, const char *text)
{
    int err = infra_fence_admit(&r->fence, token);

    if (err == INFRA_OK) {
        r->text = text;
    }
    return err;
}

static int work(const struct node *n, struct resource *r, uint64_t token,
                const char *text)
{
    char line[128];
    int err = write_text(r, token, text);

    (void)snprintf(line, sizeof line, "writes \"%s\", token %" PRIu64 ": %s",
                   text, token, infra_strerror(err));
    say(n, line);
    return err;
}

static void act(const struct node *n, const struct infra_failover_event *e)
{
    char line[128];

    if (e->kind == INFRA_FAILOVER_EVENT_ACTIVATE) {
        (void)snprintf(line, sizeof line, "active, token %" PRIu64, e->token);
        say(n, line);
    } else if (e->kind == INFRA_FAILOVER_EVENT_DEACTIVATE) {
        (void)snprintf(line, sizeof line, "stopped, %s",
                       infra_failover_reason_name(e->reason));
        say(n, line);
    }
}

/* Take all events of the machine.  The lease in memory answers at once;
 * infra_elector does the same over files and etcd. */
static void run(struct node *n)
{
    struct infra_failover_event e;
    struct infra_lease_reply reply;

    while (infra_failover_next(n->machine, now, &e) == INFRA_OK) {
        if (e.kind != INFRA_FAILOVER_EVENT_CALL) {
            act(n, &e);
            continue;
        }
        (void)infra_lease_begin(n->lease, &e.call, now);
        while (infra_lease_next(n->lease, now, &reply) == INFRA_OK) {
            (void)infra_failover_answer(n->machine, reply.call, &reply.answer,
                                        now);
        }
    }
}

/* Let time pass to @end, or until the gate of @n is open. */
static void run_until(struct node *n, infra_time end)
{
    run(n);
    while (!infra_gate_is_open(&n->gate, now, NULL) && now < end) {
        infra_time due = infra_failover_deadline(n->machine);
        now = due < end ? due : end;
        run(n);
    }
}

/* The gate stays open only while the node renews its lease. */
static void keep_open(struct node *n, infra_time end)
{
    while (infra_failover_deadline(n->machine) < end) {
        now = infra_failover_deadline(n->machine);
        run(n);
    }
    now = end;
}

static int create(struct node *n, const char *name, uint64_t incarnation,
                  struct infra_lease_cell *cell)
{
    struct infra_lease_memory_options store = { .size = sizeof store,
                                                .cell = cell,
                                                .incarnation = incarnation };
    struct infra_failover_options o = { .size = sizeof o,
                                        .group = "writers",
                                        .node = name,
                                        .gate = &n->gate,
                                        .incarnation = incarnation };

    *n = (struct node) { .name = name };
    int err = infra_lease_memory(&n->lease, &store);
    return err == INFRA_OK ? infra_failover_create(&n->machine, &o) : err;
}

static void destroy(struct node *n)
{
    infra_failover_destroy(n->machine);
    infra_lease_destroy(n->lease);
}

/* 0: the old holder was refused. */
static int play(struct node *a, struct node *b)
{
    struct resource r = { .text = "" };
    uint64_t old_token = 0;
    uint64_t token = 0;

    run_until(a, now + INFRA_SEC(1));
    if (!infra_gate_is_open(&a->gate, now, &old_token) ||
        work(a, &r, old_token, "one") != INFRA_OK) {
        return 1;
    }
    keep_open(a, begin + INFRA_SEC(20));
    if (!infra_gate_is_open(&a->gate, now, &old_token)) {
        return 1;
    }
    say(a, "its gate is open, and it is paused before the write");

    /* The whole process a stands still: it neither renews nor stops. */
    run_until(b, now + INFRA_SEC(60));
    if (!infra_gate_is_open(&b->gate, now, &token) ||
        work(b, &r, token, "two") != INFRA_OK) {
        return 1;
    }
    say(a, "goes on");
    int err = work(a, &r, old_token, "three");
    run(a);
    say(a, infra_gate_is_open(&a->gate, now, NULL) ? "its gate is open"
                                                   : "its gate is closed");
    return err == INFRA_ESTALE ? 0 : 1;
}

int main(void)
{
    struct infra_lease_cell cell = { { 0 } };
    struct node a;
    struct node b;
    int status = 1;

    if (create(&a, "a", 11, &cell) == INFRA_OK &&
        create(&b, "b", 12, &cell) == INFRA_OK) {
        status = play(&a, &b);
    }
    destroy(&a);
    destroy(&b);
    return status;
}
