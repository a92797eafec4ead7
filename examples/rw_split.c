/* SPDX-License-Identifier: MIT */
/*
 * Writes to the primary, reads to the replicas, without reading SQL: the host
 * knows what each query is for.  One client writes, and reads what it wrote;
 * then the primary dies and a replica takes over.
 *
 *   cc rw_split.c $(pkg-config --cflags --libs libinfra) -o rw_split
 *   ./rw_split
 *
 * The output:
 *
 *   db-0: primary
 *   db-1: replica
 *   db-2: replica
 *   db-1: at 0/3000060
 *   db-2: at 0/3000060
 *     read: go (read) db-1 db-2
 *     write: go (write) db-0
 *     read: go (own-write) db-0
 *   db-2: at 0/3000160
 *     read: go (read) db-2
 *   db-0: none
 *     read: go (read) db-2
 *     write: hold (no-primary)
 *   db-1: primary
 *     write: go (write) db-1
 */
#include <infra/session.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = { "db-0", "db-1", "db-2" };

static int check(int result)
{
    if (result < 0) {
        fprintf(stderr, "rw_split: %s\n", infra_strerror(result));
        exit(EXIT_FAILURE);
    }
    return result;
}

/* The control side: what a node is, and how far it says it is. */
static void set(struct infra_router *router, uint32_t id, uint32_t role,
                uint64_t token, const struct infra_position *since)
{
    const struct infra_router_node node = {
        .size = sizeof node, .role = role, .token = token, .since = since
    };

    printf("%s: %s\n", names[id], infra_router_role_name(role));
    check(infra_router_set(router, id, &node));
}

static void sample(struct infra_router *router, uint32_t id, const char *lsn,
                   infra_time now)
{
    const struct infra_router_sample s = {
        .size = sizeof s,
        .asked_at = now,
        .kind = INFRA_POSITION_LSN,
        .text = lsn,
        .length = (uint32_t)strlen(lsn),
    };

    printf("%s: at %s\n", names[id], lsn);
    check(infra_router_sample(router, id, &s));
    check(infra_router_publish(router, now));
}

/* The client's side: ask where the statement may go, send it there, and
 * note where the server says that the write is. */
static void run(struct infra_session *session,
                struct infra_router_reader *reader, uint32_t kind,
                const struct infra_position *written, infra_time now)
{
    const struct infra_statement statement = { .kind = (uint8_t)kind,
                                               .count = 1 };
    struct infra_session_result result = { .size = sizeof result,
                                           .position = written };
    struct infra_verdict verdict;

    check(infra_session_route(session, reader, &statement, now, &verdict));
    printf("  %s: %s (%s)", infra_statement_kind_name(kind),
           infra_verdict_kind_name(verdict.kind),
           infra_verdict_reason_name(verdict.reason));
    for (uint32_t id = 0; id < 3; id++) {
        if ((verdict.nodes >> id & 1) != 0) {
            printf(" %s", names[id]);
            result.node = id; /* The last of them; else let a balancer pick. */
        }
    }
    printf("\n");
    if (verdict.kind == INFRA_VERDICT_GO) {
        check(infra_session_sent(session, reader, &verdict, result.node, now));
        check(infra_session_done(session, &result, now));
    }
}

/* A write is held while there is no primary. The next one's reign begins behind
 * what the client has written, so that nothing is lost. */
static void show_failover(struct infra_router *router,
                          struct infra_router_reader *reader,
                          struct infra_session *session,
                          const struct infra_position *since)
{
    struct infra_session *held;

    set(router, 0, INFRA_ROUTER_ROLE_NONE, 0, NULL);
    check(infra_router_publish(router, INFRA_SEC(3)));
    run(session, reader, INFRA_STATEMENT_READ, NULL, INFRA_SEC(3));
    run(session, reader, INFRA_STATEMENT_WRITE, NULL, INFRA_SEC(3));
    set(router, 1, INFRA_ROUTER_ROLE_PRIMARY, 2, since);
    check(infra_router_publish(router, INFRA_SEC(5)));
    while (infra_router_reader_next(reader, INFRA_SEC(5), &held) == INFRA_OK) {
        run(held, reader, INFRA_STATEMENT_WRITE, NULL, INFRA_SEC(5));
    }
}

int main(void)
{
    static const char written[] = "0/3000160"; /* Where the write is. */
    struct infra_router *router = NULL;
    struct infra_router_reader *reader = NULL;
    struct infra_session session;
    struct infra_position position;

    check(infra_router_create(&router, NULL));
    check(infra_router_reader_create(&reader, router));
    check(infra_session_init(&session, NULL));
    set(router, 0, INFRA_ROUTER_ROLE_PRIMARY, 1, NULL);
    set(router, 1, INFRA_ROUTER_ROLE_REPLICA, 0, NULL);
    set(router, 2, INFRA_ROUTER_ROLE_REPLICA, 0, NULL);
    sample(router, 1, "0/3000060", 0);
    sample(router, 2, "0/3000060", 0);
    run(&session, reader, INFRA_STATEMENT_READ, NULL, 0);
    check(infra_position_parse(INFRA_POSITION_LSN, 1, written,
                               sizeof written - 1, &position));
    run(&session, reader, INFRA_STATEMENT_WRITE, &position, INFRA_SEC(1));
    run(&session, reader, INFRA_STATEMENT_READ, NULL, INFRA_SEC(1));
    sample(router, 2, written, INFRA_SEC(2));
    run(&session, reader, INFRA_STATEMENT_READ, NULL, INFRA_SEC(2));
    show_failover(router, reader, &session, &position);
    infra_router_destroy(router);
    return EXIT_SUCCESS;
}
