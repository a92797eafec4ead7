/* SPDX-License-Identifier: MIT */
#include "trace.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES 4096

static const char blanks[] = " \t\r\n";

/* 0: no memory. */
static int append(struct sim_trace *t, uint64_t time, uint64_t hash)
{
    if ((t->count & (t->count - 1)) == 0) { /* Full at each power of two. */
        size_t size = t->count > 0 ? 2 * (size_t)t->count : 1;
        uint64_t *times = realloc(t->times, size * sizeof times[0]);
        t->times = times != NULL ? times : t->times;
        uint64_t *hashes = realloc(t->hashes, size * sizeof hashes[0]);
        t->hashes = hashes != NULL ? hashes : t->hashes;
        if (times == NULL || hashes == NULL) {
            return 0;
        }
    }
    t->times[t->count] = time;
    t->hashes[t->count] = hash;
    t->count++;
    return 1;
}

/* NULL, or what is wrong. */
static const char *read_line(struct sim_trace *t, char *line, double *origin)
{
    char *end = NULL;
    uint64_t hash = 0;

    line += strspn(line, blanks);
    if (*line == '\0' || *line == '#') {
        return NULL;
    }
    double seconds = strtod(line, &end);
    if (end == line || (*end != '\0' && strspn(end, blanks) == 0) ||
        !isfinite(seconds)) {
        return "expected a time in seconds";
    }
    if (t->count == 0) {
        *origin = seconds;
    }
    double ns = floor((seconds - *origin) * 1e9 + 0.5);
    if (ns > 1e18) {
        return "the time is too far from the first";
    }
    if (ns < 0 || (t->count > 0 && ns < (double)t->times[t->count - 1])) {
        return "the time is before the last one";
    }
    end += strspn(end, blanks);
    size_t key_size = strcspn(end, blanks);
    if (key_size > 0) {
        hash = infra_xxhash64(end, key_size, 0);
    }
    return append(t, (uint64_t)ns, hash) ? NULL : "no memory";
}

int trace_read(struct sim_trace *ret, const char *path)
{
    struct sim_trace trace = { .count = 0 };
    char line[LINE_MAX_BYTES];
    const char *wrong = NULL;
    unsigned long number = 0;
    double origin = 0;
    FILE *in = fopen(path, "r");

    if (in == NULL) {
        perror(path);
        return 0;
    }
    while (wrong == NULL && fgets(line, sizeof line, in) != NULL) {
        number++;
        if (strchr(line, '\n') == NULL && !feof(in)) {
            wrong = "the line is too long";
        } else {
            wrong = read_line(&trace, line, &origin);
        }
    }
    if (wrong == NULL && ferror(in)) {
        wrong = "cannot read on";
    }
    if (wrong == NULL && trace.count == 0) {
        wrong = "no arrivals";
    }
    fclose(in);
    if (wrong != NULL) {
        fprintf(stderr, "%s:%lu: %s\n", path, number, wrong);
        trace_free(&trace);
        return 0;
    }
    *ret = trace;
    return 1;
}

void trace_free(struct sim_trace *trace)
{
    free(trace->times);
    free(trace->hashes);
    *trace = (struct sim_trace) { .count = 0 };
}
