/* SPDX-License-Identifier: MIT */
#include "group.h"

#include <stdio.h>
#include <string.h>

void group_set(struct group *g, uint32_t id, uint32_t role, uint64_t token)
{
    struct infra_router_node node = { .size = sizeof node,
                                      .role = role,
                                      .token = token };

    ck_assert_int_eq(infra_router_set(g->router, id, &node), INFRA_OK);
}

void group_sample(struct group *g, uint32_t id, infra_time lag,
                  uint64_t position)
{
    char text[32];
    int length =
        snprintf(text, sizeof text, "%llu", (unsigned long long)position);
    struct infra_router_sample sample = {
        .size = sizeof sample,
        .asked_at = g->now,
        .lag = lag,
        .kind = position != 0 ? INFRA_POSITION_NUMBER : INFRA_POSITION_NONE,
        .length = position != 0 ? (uint32_t)length : 0,
        .text = position != 0 ? text : NULL,
    };

    ck_assert_int_eq(infra_router_sample(g->router, id, &sample), INFRA_OK);
}

void group_publish(struct group *g)
{
    ck_assert_int_eq(infra_router_publish(g->router, g->now), INFRA_OK);
}

void group_start(struct group *g, const struct infra_router_options *options,
                 uint32_t replicas)
{
    memset(g, 0, sizeof *g);
    g->now = INFRA_SEC(1000);
    ck_assert_int_eq(infra_router_create(&g->router, options), INFRA_OK);
    ck_assert_int_eq(infra_router_reader_create(&g->reader, g->router),
                     INFRA_OK);
    group_set(g, 0, INFRA_ROUTER_ROLE_PRIMARY, 1);
    group_sample(g, 0, 0, 100);
    for (uint32_t id = 1; id <= replicas; id++) {
        group_set(g, id, INFRA_ROUTER_ROLE_REPLICA, 0);
        group_sample(g, id, 0, 100);
    }
    group_publish(g);
}

void group_stop(struct group *g)
{
    infra_router_destroy(g->router);
}

void group_session(struct group *g, struct infra_session *s,
                   uint32_t consistency, uint32_t flags)
{
    struct infra_session_options options = {
        .size = sizeof options,
        .consistency = consistency,
        .flags = flags,
        .journal = g->journal,
        .journal_size = sizeof g->journal,
    };

    ck_assert_int_eq(infra_session_init(s, &options), INFRA_OK);
}

struct infra_verdict group_route(struct group *g, struct infra_session *s,
                                 uint32_t kind, uint32_t flags)
{
    struct infra_statement statement = {
        .kind = (uint8_t)kind,
        .reason = INFRA_STATEMENT_REASON_VERB,
        .count = 1,
        .flags = flags,
    };
    struct infra_verdict v;

    ck_assert_int_eq(infra_session_route(s, g->reader, &statement, g->now, &v),
                     INFRA_OK);
    return v;
}

void group_done(struct group *g, struct infra_session *s, uint32_t node,
                uint32_t transaction)
{
    struct infra_session_result result = {
        .size = sizeof result,
        .node = node,
        .transaction = (uint8_t)transaction,
    };

    ck_assert_int_eq(infra_session_done(s, &result, g->now), INFRA_OK);
}

uint32_t group_run(struct group *g, struct infra_session *s, uint32_t kind,
                   uint32_t flags, uint32_t transaction)
{
    struct infra_verdict v = group_route(g, s, kind, flags);

    ck_assert_msg(v.kind == INFRA_VERDICT_GO, "%s",
                  infra_verdict_reason_name(v.reason));
    uint32_t node = (uint32_t)__builtin_ctzll(v.nodes);
    ck_assert_int_eq(infra_session_sent(s, g->reader, &v, node, g->now),
                     INFRA_OK);
    group_done(g, s, node, transaction);
    return node;
}

struct infra_position number_at(uint64_t epoch, uint64_t n)
{
    struct infra_position p;
    char text[32];
    int length = snprintf(text, sizeof text, "%llu", (unsigned long long)n);

    ck_assert_int_eq(infra_position_parse(INFRA_POSITION_NUMBER, epoch, text,
                                          (size_t)length, &p),
                     INFRA_OK);
    return p;
}
