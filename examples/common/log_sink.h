/* SPDX-License-Identifier: MIT */
/* A descriptor of any kind, written without waiting (log.h). */
#ifndef EXAMPLES_LOG_SINK_H
#define EXAMPLES_LOG_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct log_sink {
    int fd;
    bool is_own;    /* Opened here, non-blocking. */
    bool is_socket; /* A flag of the call is enough. */
    bool is_file;   /* It never blocks, or that cannot be avoided. */
};

void log_sink_open(struct log_sink *ret, int fd);

void log_sink_close(struct log_sink *sink);

/* Write as much as is taken now: bytes, or -1 with errno. */
ssize_t log_sink_write(const struct log_sink *sink, const char *text,
                       size_t size);

#endif
