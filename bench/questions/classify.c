/* SPDX-License-Identifier: MIT */
/* What does it cost to classify a statement, by its class and dialect? The
 * goal: 40 ns for a statement and 1.5 ns for each of its bytes, and 60 ns for
 * transaction control.
 *
 * The statements of a class are classified in turn. A figure is the nanoseconds
 * for one of them: the median and the least of REPEATS runs of half a
 * millisecond, so short that few are interrupted. Each run repeats the same few
 * statements, so the processor foretells their branches; the hundreds of
 * different ones of --cases cost more.
 *
 * Beside PostgreSQL's stands the parser of libpg_query, if infra-bench was
 * built with it, in turn with ours on the same statements. This function of it
 * answers least: where statements begin and end. What it refuses counts, too;
 * some statements of --cases are broken on purpose. */
#include "../bench.h"
#include "../stopwatch.h"
#include "classify_texts.h"

#include <infra/sql.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef BENCH_RIVAL_SQL
#include <pg_query.h>
#endif

enum { REPEATS = 201 };

static void classify(const struct texts *t, uint32_t dialect)
{
    struct infra_sql sql = { .size = sizeof sql, .dialect = dialect };

    for (size_t i = 0; i < t->count; i++) {
        struct infra_statement s;
        if (infra_sql_classify(&sql, t->all[i].bytes, t->all[i].length, &s) !=
            INFRA_OK) {
            abort();
        }
        bench_keep(s.kind);
    }
}

static void parse(const struct texts *t, uint32_t dialect)
{
    (void)dialect;
#ifdef BENCH_RIVAL_SQL
    for (size_t i = 0; i < t->count; i++) {
        PgQuerySplitResult result = pg_query_split_with_parser(t->all[i].bytes);
        bench_keep((uint64_t)result.n_stmts);
        pg_query_free_split_result(result);
    }
#else
    (void)t;
#endif
}

typedef void contestant(const struct texts *t, uint32_t dialect);

/* Nanoseconds for a statement. */
static double run_once(contestant *run, const struct texts *t, uint32_t dialect,
                       uint64_t rounds)
{
    double begin = stopwatch_now_ns();

    for (uint64_t i = 0; i < rounds; i++) {
        run(t, dialect);
    }
    return (stopwatch_now_ns() - begin) / ((double)rounds * (double)t->count);
}

static uint64_t rounds_for(contestant *run, const struct texts *t,
                           uint32_t dialect, double ns)
{
    uint64_t rounds = 1;

    while (run_once(run, t, dialect, rounds) * (double)t->count *
               (double)rounds <
           ns) {
        rounds *= 2;
    }
    return rounds;
}

/* Does the parser of libpg_query stand beside ours? */
static int has_rival(uint32_t dialect)
{
#ifdef BENCH_RIVAL_SQL
    return dialect == INFRA_SQL_POSTGRESQL;
#else
    (void)dialect;
    return 0;
#endif
}

static void measure(struct report *report, const char *name,
                    const struct texts *t, uint32_t dialect, int quick)
{
    static contestant *const runs[] = { classify, parse };
    double ns[2][REPEATS];
    uint64_t rounds[2];
    int contestants = has_rival(dialect) ? 2 : 1;
    int repeats = quick ? 1 : REPEATS;
    double bytes = (double)t->bytes / (double)t->count;

    for (int who = 0; who < contestants; who++) {
        rounds[who] = rounds_for(runs[who], t, dialect, quick ? 1e4 : 5e5);
    }
    for (int i = 0; i < repeats; i++) {
        for (int who = 0; who < contestants; who++) {
            ns[who][i] = run_once(runs[who], t, dialect, rounds[who]);
        }
    }
    double median = stopwatch_median(ns[0], repeats);
    report_text(report, name);
    report_text(report,
                dialect == INFRA_SQL_POSTGRESQL ? "postgresql" : "mysql");
    report_number(report, (double)t->count, 0);
    report_number(report, bytes, 1);
    report_number(report, median, 1);
    report_number(report, ns[0][0], 1);
    report_number(report, median / bytes, 2);
    if (contestants > 1) {
        report_number(report, stopwatch_median(ns[1], repeats), 1);
    } else {
        report_none(report);
    }
}

/* 0, or an exit status. */
static int measure_cases(struct report *report, const char *path,
                         uint32_t dialect, int quick)
{
    struct texts t = { .count = 0 };
    int status = texts_read(&t, path, dialect);

    if (status == 0) {
        measure(report, "cases", &t, dialect, quick);
    }
    texts_free(&t);
    return status;
}

void bench_classify_help(FILE *out)
{
    fprintf(out, "  --cases FILE                also the statements of a file "
                 "such as\n"
                 "                              tests/sql/cases.tsv\n");
}

/* 0, or an exit status. */
static int parse_own(char **own, const char **ret_cases)
{
    for (; *own != NULL; own += 2) {
        if (strcmp(own[0], "--cases") != 0) {
            return bench_complain("unknown option", own[0]);
        }
        *ret_cases = own[1];
    }
    return 0;
}

int bench_classify(const struct bench_options *options)
{
    static const char *const columns[] = {
        "class",  "dialect",     "statements",     "bytes", "median_ns",
        "min_ns", "ns_per_byte", "libpg_query_ns", NULL
    };
    static const uint32_t dialects[] = { INFRA_SQL_POSTGRESQL,
                                         INFRA_SQL_MYSQL };
    struct report report;
    const char *cases = NULL;
    const char *name;
    int status = parse_own(options->own, &cases);

    if (status != 0) {
        return status;
    }
    report_begin(&report, options->format, columns);
    for (int d = 0; d < 2 && status == 0; d++) {
        for (size_t i = 0; (name = texts_class(i)) != NULL; i++) {
            struct texts t = { .count = 0 };
            report_progress(name);
            texts_make(&t, i);
            measure(&report, name, &t, dialects[d], options->quick);
            texts_free(&t);
        }
        if (cases != NULL) {
            status = measure_cases(&report, cases, dialects[d], options->quick);
        }
    }
    report_progress("");
    report_end(&report);
    return status;
}
