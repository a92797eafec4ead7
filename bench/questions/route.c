/* SPDX-License-Identifier: MIT */
/* What does a decision cost: where may this statement go? By what is asked, the
 * number of replicas and threads. Expected: O(replicas) for reads, whatever the
 * session has written, since that is looked for once after each publish and
 * each write; O(1) for writes and inside of a transaction; two threads twice as
 * much as one, since each has a reader of its own and writes nothing that is
 * shared.
 *
 *   read       a session that has written nothing; every replica serves
 *   own-write  every replica shows its write, an LSN
 *   behind     no replica shows it: the primary
 *   gtid       every replica shows its eight intervals of two MySQL servers,
 *              and has 30 of them
 *   write      to the primary
 *   pinned     inside a transaction
 *
 * A figure is the nanoseconds that one thread spends on infra_session_route():
 * the median and the least of THREADS_REPEATS runs of about 30 ms. */
#include "../bench.h"
#include "../threads.h"

#include <infra/session.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 1024 };

#define NOW INFRA_SEC(10)

/* What is asked. */
struct question {
    const char *name;
    uint32_t statement;  /* enum infra_statement_kind. */
    uint32_t kind;       /* enum infra_position_kind. */
    const char *replica; /* What each replica says; NULL: many intervals. */
    const char *written; /* What the session needs; NULL: nothing. */
    int is_open;         /* A transaction is. */
};

#define GTID_1 "3e11fa47-71ca-11e1-9e33-c80aa9429562"
#define GTID_2 "4e11fa47-71ca-11e1-9e33-c80aa9429562"

static const struct question questions[] = {
    { "read", INFRA_STATEMENT_READ, INFRA_POSITION_LSN, "0/5000000", NULL, 0 },
    { "own-write", INFRA_STATEMENT_READ, INFRA_POSITION_LSN, "0/5000000",
      "0/4000000", 0 },
    { "behind", INFRA_STATEMENT_READ, INFRA_POSITION_LSN, "0/5000000",
      "0/6000000", 0 },
    { "gtid", INFRA_STATEMENT_READ, INFRA_POSITION_MYSQL, NULL,
      GTID_1 ":1-5:11-15:21-25:31-35," GTID_2 ":1-5:11-15:21-25:31-35", 0 },
    { "write", INFRA_STATEMENT_WRITE, INFRA_POSITION_LSN, "0/5000000", NULL,
      0 },
    { "pinned", INFRA_STATEMENT_READ, INFRA_POSITION_LSN, "0/5000000", NULL,
      1 },
};

struct worker {
    struct infra_router_reader *reader;
    struct infra_session session;
    struct infra_statement statement;
};

static int failed(int err)
{
    if (err != INFRA_OK) {
        fprintf(stderr, "infra-bench: %s\n", infra_strerror(err));
    }
    return err != INFRA_OK;
}

static void decide_many(void *worker, uint64_t decisions)
{
    struct worker *w = worker;
    struct infra_verdict v;
    uint64_t all_go = 1;
    uint64_t nodes = 0;

    for (uint64_t i = 0; i < decisions; i++) {
        (void)infra_session_route(&w->session, w->reader, &w->statement,
                                  NOW + i, &v);
        all_go &= v.kind == INFRA_VERDICT_GO;
        nodes |= v.nodes;
    }
    if (!all_go) {
        fprintf(stderr, "infra-bench: a statement may go nowhere: %s\n",
                infra_verdict_reason_name(v.reason));
        abort();
    }
    bench_keep(nodes);
}

/* Fifteen intervals of each of two servers. */
static void many_intervals(char text[TEXT_MAX])
{
    size_t length = 0;

    for (int server = 0; server < 2; server++) {
        length += (size_t)snprintf(text + length, TEXT_MAX - length, "%s%s",
                                   server > 0 ? "," : "",
                                   server > 0 ? GTID_2 : GTID_1);
        for (int i = 0; i < 15; i++) {
            length += (size_t)snprintf(text + length, TEXT_MAX - length,
                                       ":%d-%d", i * 10 + 1, i * 10 + 8);
        }
    }
}

/* Node 0 is the primary. */
static int fill(struct infra_router *router, const struct question *q,
                uint32_t replicas)
{
    char many[TEXT_MAX];

    many_intervals(many);
    for (uint32_t id = 0; id <= replicas; id++) {
        struct infra_router_node node = {
            .size = sizeof node,
            .role =
                id == 0 ? INFRA_ROUTER_ROLE_PRIMARY : INFRA_ROUTER_ROLE_REPLICA,
            .token = id == 0 ? 1 : 0,
        };
        struct infra_router_sample sample = { .size = sizeof sample,
                                              .asked_at = NOW,
                                              .kind = q->kind };
        sample.text = q->replica != NULL ? q->replica : many;
        sample.length = (uint32_t)strlen(sample.text);
        int err = infra_router_set(router, id, &node);
        if (err == INFRA_OK) {
            err = infra_router_sample(router, id, &sample);
        }
        if (err != INFRA_OK) {
            return err;
        }
    }
    return infra_router_publish(router, NOW);
}

/* A session that is as the question wants it. */
static int begin_session(struct worker *w, const struct question *q)
{
    struct infra_session_result opened = { .size = sizeof opened,
                                           .transaction =
                                               INFRA_SESSION_TRANSACTION_OPEN };
    const struct infra_statement begin = { .kind = INFRA_STATEMENT_BEGIN,
                                           .count = 1 };
    struct infra_position need;
    struct infra_verdict v;
    int err = infra_session_init(&w->session, NULL);

    w->statement =
        (struct infra_statement) { .kind = (uint8_t)q->statement, .count = 1 };
    if (err == INFRA_OK && q->written != NULL) {
        err = infra_position_parse(q->kind, 1, q->written, strlen(q->written),
                                   &need);
        err = err != INFRA_OK ? err
                              : infra_session_require(&w->session, &need, NOW);
    }
    if (err != INFRA_OK || !q->is_open) {
        return err;
    }
    err = infra_session_route(&w->session, w->reader, &begin, NOW, &v);
    if (err == INFRA_OK) {
        err = infra_session_sent(&w->session, w->reader, &v, 0, NOW);
    }
    return err != INFRA_OK ? err
                           : infra_session_done(&w->session, &opened, NOW);
}

static int measure_question(struct report *report, const struct question *q,
                            uint32_t replicas, int quick)
{
    struct infra_router_options o = { .size = sizeof o,
                                      .nodes_max = INFRA_ROUTER_NODES_MAX };
    struct worker workers[THREADS_MAX] = { { .reader = NULL } };
    struct infra_router *router = NULL;
    int err = infra_router_create(&router, &o);

    if (err == INFRA_OK) {
        err = fill(router, q, replicas);
    }
    for (int i = 0; i < THREADS_MAX && err == INFRA_OK; i++) {
        err = infra_router_reader_create(&workers[i].reader, router);
        err = err != INFRA_OK ? err : begin_session(&workers[i], q);
    }
    if (err == INFRA_OK) {
        const struct threads_job job = { decide_many, workers,
                                         sizeof workers[0] };
        threads_report(report, q->name, replicas, &job, quick);
    }
    infra_router_destroy(router);
    return failed(err);
}

int bench_route(const struct bench_options *options)
{
    static const char *const columns[] = { "statement", "replicas", "threads",
                                           "median_ns", "min_ns",   "speedup",
                                           NULL };
    static const uint32_t sizes[] = { 1, 3, 8, INFRA_ROUTER_NODES_MAX - 1 };
    struct report report;

    report_begin(&report, options->format, columns);
    for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++) {
        for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
            char text[80];
            snprintf(text, sizeof text, "%s, %u replicas ...",
                     questions[i].name, (unsigned)sizes[k]);
            report_progress(text);
            if (measure_question(&report, &questions[i], sizes[k],
                                 options->quick) != 0) {
                return EXIT_FAILURE;
            }
        }
    }
    report_progress("");
    report_end(&report);
    return EXIT_SUCCESS;
}
