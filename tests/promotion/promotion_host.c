/* SPDX-License-Identifier: MIT */
#include "promotion_host.h"

#include "failover/internal.h"

#include <stdio.h>
#include <string.h>

struct test_host host;
const struct infra_promotion_options sync_1 = { .sync_acks = 1 };

void host_setup(void)
{
    memset(&host, 0, sizeof host);
    test_heap_init(&host.heap, -1);
    host.now = INFRA_SEC(100);
}

void host_teardown(void)
{
    infra_promotion_destroy(host.p);
    ck_assert_int_eq(host.heap.live, 0);
}

void host_set(uint32_t id, uint32_t priority, uint32_t flags)
{
    const char key[2] = { (char)('a' + id), 0 };
    const struct infra_promotion_node node = { .size = sizeof node,
                                               .key = key,
                                               .id = id,
                                               .priority = priority,
                                               .flags = flags };

    ck_assert_int_eq(infra_promotion_set(host.p, &node, host.now), INFRA_OK);
}

void host_command(uint32_t command, uint32_t id, int expected)
{
    ck_assert_int_eq(infra_promotion_command(host.p, command, id, host.now),
                     expected);
}

void host_create(struct infra_promotion_options o, uint32_t nodes)
{
    o.size = sizeof o;
    o.allocator = &host.heap.allocator;
    o.gate = &host.gate;
    o.nodes_max = NODES;
    ck_assert_int_eq(infra_promotion_create(&host.p, &o), INFRA_OK);
    for (uint32_t i = 0; i < nodes; i++) {
        host_set(i, 0, INFRA_PROMOTION_FLAG_SYNC);
    }
}

void host_lease(uint64_t token)
{
    if (token == 0) {
        infra__gate_shut(&host.gate);
    } else {
        infra__gate_set(&host.gate, token, INFRA_TIME_NEVER, false);
    }
}

void host_lead(uint64_t token)
{
    (void)infra_promotion_adopt(host.p, 0, 1, 1, 0, host.now);
    host_lease(token);
    (void)host_take();
    host_done(INFRA_PROMOTION_EVENT_READ_RECORD, NO_NODE);
    (void)host_take();
    ck_assert_uint_eq(host_status().step, INFRA_PROMOTION_STEP_WATCH);
}

static void add(const char *text)
{
    size_t length = strlen(host.told);

    ck_assert_uint_lt(length + strlen(text) + 2, sizeof host.told);
    snprintf(host.told + length, sizeof host.told - length, "%s%s",
             length == 0 ? "" : " ", text);
}

const char *host_take(void)
{
    struct infra_promotion_event e;
    char text[64];
    int err;

    host.told[0] = '\0';
    while ((err = infra_promotion_next(host.p, host.now, &e)) == INFRA_OK) {
        uint32_t slot = e.id < NODES ? e.id : NODES;
        if (e.kind == INFRA_PROMOTION_EVENT_STEP) {
            snprintf(text, sizeof text, "[%s: %s]",
                     infra_promotion_step_name(e.step),
                     infra_promotion_reason_name(e.reason));
        } else if (e.id < NODES) {
            snprintf(text, sizeof text, "%s-%c",
                     infra_promotion_event_name(e.kind), 'a' + (char)e.id);
        } else {
            snprintf(text, sizeof text, "%s",
                     infra_promotion_event_name(e.kind));
        }
        add(text);
        host.calls[e.kind][slot] = e.call;
        if (e.kind == INFRA_PROMOTION_EVENT_RECORD_PRIMARY) {
            host.primary = e;
        } else if (e.kind == INFRA_PROMOTION_EVENT_REPOINT) {
            host.repoint = e;
        } else if (e.kind == INFRA_PROMOTION_EVENT_RECORD_APART) {
            host.mark = e;
        }
    }
    ck_assert_int_eq(err, INFRA_EAGAIN);
    ck_assert_uint_gt(infra_promotion_deadline(host.p), host.now);
    return host.told;
}

void host_answer(uint32_t kind, uint32_t node, uint32_t outcome)
{
    uint64_t call = host.calls[kind][node < NODES ? node : NODES];

    ck_assert_int_eq(infra_promotion_answer(host.p, call, outcome, host.now),
                     INFRA_OK);
    host.now++; /* What is seen next is seen after it. */
}

void host_done(uint32_t kind, uint32_t node)
{
    host_answer(kind, node, INFRA_ORDER_DONE);
}

static void report(uint32_t node, struct infra_promotion_sample s)
{
    s.at = host.now;
    ck_assert_int_eq(infra_promotion_report(host.p, node, &s, host.now),
                     INFRA_OK);
}

void host_view(uint32_t observer, uint32_t node, uint32_t view)
{
    report(node, (struct infra_promotion_sample) {
                     .observer = observer, .view = view, .source = NO_NODE });
}

void host_primary(uint32_t node, uint64_t timeline, uint64_t position)
{
    report(node, (struct infra_promotion_sample) { .timeline = timeline,
                                                   .position = position,
                                                   .writable = 1,
                                                   .source = NO_NODE });
}

void host_replica(uint32_t node, uint32_t source, uint64_t timeline,
                  uint64_t position)
{
    report(node, (struct infra_promotion_sample) { .timeline = timeline,
                                                   .position = position,
                                                   .source = source });
}

void host_dead(uint32_t node)
{
    host_view(0, node, INFRA_PROMOTION_VIEW_DOWN);
    host_view(1, node, INFRA_PROMOTION_VIEW_DOWN);
}

void host_wait(infra_time duration)
{
    host.now += duration;
}

struct infra_promotion_status host_status(void)
{
    struct infra_promotion_status s = { .size = sizeof s };

    ck_assert_int_eq(infra_promotion_inspect(host.p, &s), INFRA_OK);
    return s;
}

void host_start(struct infra_promotion_options o, uint32_t nodes)
{
    host_create(o, nodes);
    host_lead(2);
    host_primary(0, 1, 100);
    host_replica(1, 0, 1, 90);
    for (uint32_t i = 2; i < nodes; i++) {
        host_replica(i, 0, 1, 95);
    }
    host_expect("");
}

void host_lose_primary(void)
{
    host_wait(INFRA_SEC(6));
    host_replica(1, NO_NODE, 1, 120);
    host_replica(2, NO_NODE, 1, 110);
    host_replica(3, NO_NODE, 1, 109);
    host_dead(0);
    host_expect("hold-a [suspect: suspected] [fencing: dead] fence-a");
    host_done(INFRA_PROMOTION_EVENT_FENCE, 0);
}

void host_report_c_and_d(void)
{
    host_done(INFRA_PROMOTION_EVENT_DETACH, 2);
    host_done(INFRA_PROMOTION_EVENT_DETACH, 3);
    host_replica(1, NO_NODE, 1, 120);
    host_replica(2, NO_NODE, 1, 110);
    host_replica(3, NO_NODE, 1, 109);
}
