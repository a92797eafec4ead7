/* SPDX-License-Identifier: MIT */
#include "threads.h"

#include "stopwatch.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

struct thread {
    const struct threads_job *job;
    pthread_barrier_t *start;
    uint64_t count;
    double ns; /* Out: for once. */
    size_t number;
};

static void *work(void *arg)
{
    struct thread *t = arg;
    void *worker = (char *)t->job->workers + t->number * t->job->size;
    cpu_set_t cpus;

    CPU_ZERO(&cpus);
    CPU_SET(t->number, &cpus);
    (void)pthread_setaffinity_np(pthread_self(), sizeof cpus, &cpus);
    pthread_barrier_wait(t->start);
    double begin = stopwatch_now_ns();
    t->job->run(worker, t->count);
    t->ns = (stopwatch_now_ns() - begin) / (double)t->count;
    return NULL;
}

double threads_ns(const struct threads_job *job, int threads, uint64_t count)
{
    struct thread all[THREADS_MAX];
    pthread_t ids[THREADS_MAX];
    pthread_barrier_t start;
    double sum = 0;

    pthread_barrier_init(&start, NULL, (unsigned)threads);
    for (int i = 0; i < threads; i++) {
        all[i] = (struct thread) {
            .job = job, .start = &start, .count = count, .number = (size_t)i
        };
        if (pthread_create(&ids[i], NULL, work, &all[i]) != 0) {
            fprintf(stderr, "infra-bench: cannot start a thread\n");
            exit(EXIT_FAILURE);
        }
    }
    for (int i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
        sum += all[i].ns;
    }
    pthread_barrier_destroy(&start);
    return sum / threads;
}

void threads_report(struct report *report, const char *name, uint32_t number,
                    const struct threads_job *job, int quick)
{
    double ns[THREADS_MAX][THREADS_REPEATS];
    int repeats = quick ? 1 : THREADS_REPEATS;
    uint64_t count = 1024;

    while (threads_ns(job, 1, count) * (double)count < (quick ? 1e5 : 30e6)) {
        count *= 2;
    }
    for (int i = 0; i < repeats; i++) {
        for (int t = 0; t < THREADS_MAX; t++) {
            ns[t][i] = threads_ns(job, t + 1, count);
        }
    }
    for (int t = 0; t < THREADS_MAX; t++) {
        (void)stopwatch_median(ns[t], repeats);
    }
    double alone = ns[0][repeats / 2];
    for (int t = 0; t < THREADS_MAX; t++) {
        double median = ns[t][repeats / 2];
        report_text(report, name);
        report_number(report, number, 0);
        report_number(report, t + 1, 0);
        report_number(report, median, 2);
        report_number(report, ns[t][0], 2);
        report_number(report, (t + 1) * alone / median, 2);
    }
}
