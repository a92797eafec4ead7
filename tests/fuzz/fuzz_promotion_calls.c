/* SPDX-License-Identifier: MIT */
/* The input is a sequence of calls of a host that keeps what it owes and does
 * anything else at any time, at a planner of four nodes: one byte says which
 * call, the next ones its arguments. A small model knows what may be ordered:
 * nothing without an open gate, nor before the record was read; to a
 * quarantined node nothing but to be fenced; no token promotes two nodes; a
 * node that is apart is never promoted, and not fenced before that is written
 * down; a node that is never to be promoted is not, except to go on. And
 * nothing happens before the deadline. */
#include "fuzz.h"

#include "../../lib/failover/internal.h"

#include <infra/promotion.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define NODES 4u
#define OBSERVERS 2u
#define CALLS_MAX 64u   /* Of the last events, to be answered. */
#define EVENTS_MAX 200u /* Of one turn; more is a machine that spins. */
#define APART INFRA_PROMOTION_FLAG_APART

/* What a node does. */
struct db {
    bool is_down;
    bool is_writable;
    uint32_t source;
    uint64_t timeline;
    uint64_t position;
};

struct host {
    struct db dbs[NODES];
    const uint8_t *at;
    const uint8_t *end;
    struct infra_promotion *p;
    struct infra_gate gate;
    infra_time now;
    uint64_t token; /* Of the gate; 0: shut. */
    uint64_t newest;
    uint64_t read; /* For this token the record was read. */
    uint64_t promoter;
    uint32_t promoted; /* By that token. */
    uint32_t flags[NODES];
    bool is_unwritten[NODES]; /* MARK was told, and not answered. */
    uint32_t record;          /* Who is apart: a bit each. */
    struct infra_promotion_event calls[CALLS_MAX];
    uint32_t calls_count;
};

static void need(bool ok)
{
    if (!ok) {
        abort();
    }
}

static uint32_t byte(struct host *h)
{
    return h->at < h->end ? *h->at++ : 0;
}

static void set_node(struct host *h, uint32_t node, uint32_t flags)
{
    char key[2] = { (char)('a' + node), 0 };
    const struct infra_promotion_node given = { .size = sizeof given,
                                                .key = key,
                                                .id = node,
                                                .priority = node,
                                                .flags = flags };
    int err = infra_promotion_set(h->p, &given, h->now);

    need(err == INFRA_OK);
    h->flags[node] = flags | (h->flags[node] & APART);
}

static bool is_order(uint32_t kind)
{
    return kind >= INFRA_PROMOTION_EVENT_FENCE &&
           kind <= INFRA_PROMOTION_EVENT_REPOINT;
}

static void check_promotion(struct host *h,
                            const struct infra_promotion_event *e)
{
    struct infra_promotion_status s = { .size = sizeof s };

    need(infra_promotion_inspect(h->p, &s) == INFRA_OK);
    need((h->flags[e->id] & APART) == 0);
    need(h->promoter != e->token || h->promoted == e->id);
    need((h->flags[e->id] & INFRA_PROMOTION_FLAG_NEVER) == 0 ||
         s.primary == e->id);
    h->promoter = e->token;
    h->promoted = e->id;
}

static void check_event(struct host *h, const struct infra_promotion_event *e)
{
    if (e->call != 0) {
        need(h->token != 0 && e->token == h->token);
        need(e->kind == INFRA_PROMOTION_EVENT_READ_RECORD ||
             h->read == e->token);
    }
    if (is_order(e->kind)) {
        need(e->id < NODES && e->call != 0);
        need(e->kind == INFRA_PROMOTION_EVENT_FENCE ||
             (h->flags[e->id] & INFRA_PROMOTION_FLAG_QUARANTINED) == 0);
        need(e->kind != INFRA_PROMOTION_EVENT_FENCE || !h->is_unwritten[e->id]);
    }
    if (e->kind == INFRA_PROMOTION_EVENT_PROMOTE) {
        check_promotion(h, e);
    }
}

static void take(struct host *h, const struct infra_promotion_event *e)
{
    check_event(h, e);
    switch (e->kind) {
    case INFRA_PROMOTION_EVENT_READ_RECORD:
        h->read = 0;
        break;
    case INFRA_PROMOTION_EVENT_RECORD_APART:
        h->flags[e->id] = e->flags;
        h->is_unwritten[e->id] = true;
        break;
    case INFRA_PROMOTION_EVENT_QUARANTINE:
        h->flags[e->id] = e->flags;
        break;
    default:
        break;
    }
    if (e->call != 0) {
        h->calls[h->calls_count++ % CALLS_MAX] = *e;
    }
}

/* All events; then nothing until the deadline. */
static void drain(struct host *h)
{
    struct infra_promotion_event e;
    uint32_t count = 0;

    while (infra_promotion_next(h->p, h->now, &e) == INFRA_OK) {
        need(++count < EVENTS_MAX);
        take(h, &e);
    }
    need(infra_promotion_deadline(h->p) > h->now);
}

static void wait_until_deadline(struct host *h)
{
    struct infra_promotion_event e;
    infra_time at = infra_promotion_deadline(h->p);

    if (at == INFRA_TIME_NEVER) {
        at = h->now + INFRA_SEC(100);
    }
    h->now = at - 1;
    need(infra_promotion_next(h->p, h->now, &e) == INFRA_EAGAIN);
    h->now = at;
}

static void obey(struct host *h, const struct infra_promotion_event *e)
{
    struct db *d = &h->dbs[e->id];

    switch (e->kind) {
    case INFRA_PROMOTION_EVENT_FENCE:
        d->is_down = true;
        d->is_writable = false;
        break;
    case INFRA_PROMOTION_EVENT_STOP:
        d->is_writable = false;
        break;
    case INFRA_PROMOTION_EVENT_DETACH:
        d->source = INFRA_PROMOTION_NO_NODE;
        break;
    case INFRA_PROMOTION_EVENT_PROMOTE:
        d->is_writable = true;
        d->timeline = e->token;
        d->source = INFRA_PROMOTION_NO_NODE;
        break;
    case INFRA_PROMOTION_EVENT_REPOINT:
        d->is_writable = false;
        d->source = e->source;
        d->timeline = h->dbs[e->source].timeline;
        d->position = h->dbs[e->source].position;
        break;
    default:
        break;
    }
}

/* The host answers READ when it has told what the record says. */
static void answer(struct host *h)
{
    uint32_t what = byte(h);
    uint32_t back = what % 4;
    uint32_t outcome = what / 8 % 16;

    if (back >= h->calls_count) {
        return;
    }
    const struct infra_promotion_event *e =
        &h->calls[(h->calls_count - 1 - back) % CALLS_MAX];
    outcome = outcome < 2 ? INFRA_ORDER_FAILED + outcome : INFRA_ORDER_DONE;
    if (e->kind == INFRA_PROMOTION_EVENT_READ_RECORD &&
        outcome == INFRA_ORDER_DONE) {
        for (uint32_t i = 0; i < NODES; i++) {
            uint32_t flags = h->flags[i] & ~APART;
            /* Forgotten, but for what was never written down. */
            h->flags[i] = h->is_unwritten[i] ? h->flags[i] : flags;
            if ((h->record >> i & 1u) != 0) {
                set_node(h, i, flags | APART);
                h->is_unwritten[i] = false;
            }
        }
    }
    if (outcome == INFRA_ORDER_DONE && is_order(e->kind)) {
        obey(h, e);
    }
    if (infra_promotion_answer(h->p, e->call, outcome, h->now) != INFRA_OK ||
        outcome != INFRA_ORDER_DONE) {
        return;
    }
    if (e->kind == INFRA_PROMOTION_EVENT_READ_RECORD) {
        h->read = e->token;
    } else if (e->kind == INFRA_PROMOTION_EVENT_RECORD_APART) {
        h->is_unwritten[e->id] = false;
        h->record &= ~(1u << e->id);
        h->record |= (e->flags & APART) != 0 ? 1u << e->id : 0;
    }
}

/* All observers look at all nodes. */
static void look(struct host *h)
{
    for (uint32_t i = 0; i < NODES * OBSERVERS; i++) {
        const struct db *d = &h->dbs[i % NODES];
        struct infra_promotion_sample s = {
            .observer = i / NODES,
            .view = d->is_down ? INFRA_PROMOTION_VIEW_DOWN
                               : INFRA_PROMOTION_VIEW_OK,
            .at = h->now,
            .timeline = d->timeline,
            .position = d->position,
            .writable = d->is_writable,
            .source = d->is_writable || d->source == i % NODES ||
                              (d->source < NODES && h->dbs[d->source].is_down)
                          ? INFRA_PROMOTION_NO_NODE
                          : d->source,
        };
        (void)infra_promotion_report(h->p, i % NODES, &s, h->now);
    }
    h->now += INFRA_MS(100);
}

/* A node dies, comes back, or takes writes by hand. */
static void change_db(struct host *h)
{
    uint32_t what = byte(h);
    struct db *d = &h->dbs[what % NODES];

    switch (what / NODES % 4) {
    case 0:
        d->is_down = true;
        break;
    case 1:
        d->is_down = false;
        break;
    case 2:
        d->is_writable = what / 64 == 3;
        break;
    default:
        d->position += what / 16;
        break;
    }
}

static void report(struct host *h)
{
    uint32_t what = byte(h);
    uint32_t more = byte(h);
    uint32_t node = what % NODES;
    uint32_t source = more % (NODES + 1);
    struct infra_promotion_sample s = {
        .observer = what / NODES % OBSERVERS,
        .view = what / 8 % 8 < 6 ? INFRA_PROMOTION_VIEW_OK : what / 8 % 2 + 1,
        .at = h->now - (what >> 7) * INFRA_SEC(1),
        .timeline = more / 8 % 4 * (more >> 7),
        .position = byte(h) % 8,
        .writable = more / 32 % 2,
        .halted = more / 64 % 4 == 3,
        .source = source == NODES || source == node ? INFRA_PROMOTION_NO_NODE
                                                    : source,
    };
    (void)infra_promotion_report(h->p, node, &s, h->now);
}

static void move_gate(struct host *h)
{
    uint32_t what = byte(h);

    if (what % 4 == 0) {
        h->token = 0;
        infra__gate_shut(&h->gate);
        return;
    }
    h->newest += what % 4 == 1 ? 0 : 1 + what / 4 % 2;
    h->token = h->newest;
    if (h->token != 0) {
        infra__gate_set(&h->gate, h->token, INFRA_TIME_NEVER, false);
    }
}

static void adopt(struct host *h)
{
    uint32_t what = byte(h);

    (void)infra_promotion_adopt(h->p, what % NODES, h->newest + what / 16 % 3,
                                what / 4 % 4, (int)(what >> 7), h->now);
}

static void rename_node(struct host *h)
{
    uint32_t node = byte(h) % NODES;

    if (infra_promotion_remove(h->p, node) == INFRA_OK) {
        h->flags[node] = 0;
        h->is_unwritten[node] = false;
        h->record &= ~(1u << node);
        set_node(h, node, INFRA_PROMOTION_FLAG_SYNC);
    }
}

static void command(struct host *h)
{
    static const uint32_t commands[] = {
        INFRA_PROMOTION_COMMAND_SWITCHOVER, INFRA_PROMOTION_COMMAND_SWITCHOVER,
        INFRA_PROMOTION_COMMAND_ABORT,      INFRA_PROMOTION_COMMAND_FORCE,
        INFRA_PROMOTION_COMMAND_PAUSE,      INFRA_PROMOTION_COMMAND_RESUME,
        INFRA_PROMOTION_COMMAND_RESUME,     INFRA_PROMOTION_COMMAND_ADMIT,
    };
    uint32_t what = byte(h);

    (void)infra_promotion_command(h->p, commands[what / NODES % 8],
                                  what % NODES, h->now);
}

static void call(struct host *h)
{
    uint32_t what = byte(h);

    switch (what % 128) {
    case 0:
        move_gate(h);
        break;
    case 1:
        adopt(h);
        break;
    case 2:
        set_node(h, byte(h) % NODES,
                 what < 128 ? INFRA_PROMOTION_FLAG_SYNC : byte(h) % 8);
        break;
    case 3:
        rename_node(h);
        break;
    case 4:
    case 5:
        command(h);
        break;
    case 6:
    case 7:
        change_db(h);
        break;
    case 8:
        report(h);
        break;
    case 9:
        h->now += (infra_time)byte(h) * INFRA_MS(50);
        break;
    default:
        if (what % 128 < 24) {
            drain(h);
            wait_until_deadline(h);
        } else if (what % 128 < 64) {
            look(h);
        } else {
            answer(h);
        }
        break;
    }
    if (what % 4 != 3) {
        drain(h);
    }
}

static void create(struct host *h)
{
    uint32_t what = byte(h);
    const struct infra_promotion_options o = {
        .size = sizeof o,
        .gate = &h->gate,
        .nodes_max = NODES,
        .observers_max = OBSERVERS,
        .dead_votes_min = 1 + what % 2,
        .sync_acks = what / 2 % 4 * (what % 3 != 0),
        .fence_failed = what / 8 % 2,
        .fence_unknown = what / 16 % 2,
        .loss = what / 32 % 2,
        .quarantine = what / 64 % 2,
        .recovery_interval = INFRA_SEC(1),
    };

    need(infra_promotion_create(&h->p, &o) == INFRA_OK);
    for (uint32_t i = 0; i < NODES; i++) {
        set_node(h, i, INFRA_PROMOTION_FLAG_SYNC);
        h->dbs[i].source = 0;
        h->dbs[i].timeline = what >> 7;
    }
    h->dbs[0].is_writable = true;
    h->token = h->newest = 2;
    infra__gate_set(&h->gate, h->token, INFRA_TIME_NEVER, false);
    need(infra_promotion_adopt(h->p, 0, 1, what >> 7, 0, h->now) == INFRA_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct host h;

    memset(&h, 0, sizeof h);
    h.at = data;
    h.end = data + size;
    h.now = INFRA_SEC(1000);
    create(&h);
    while (h.at < h.end) {
        call(&h);
    }
    drain(&h);
    infra_promotion_destroy(h.p);
    return 0;
}
