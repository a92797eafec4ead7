/* SPDX-License-Identifier: MIT */
/*
 * The log of a program that must not wait: neither a slow nor a dead reader of
 * the log holds or ends it.  A line that cannot be written is dropped and
 * counted; the count is logged as soon as there is room.  Of one kind of line a
 * limited number is written within LOG_WINDOW; a further line then has the
 * number left out and the last of them.
 *
 * Pipes and terminals are opened anew with O_NONBLOCK, since that flag on the
 * inherited descriptor would be set for every process that shares it; sockets
 * have a flag for each call.  A pipe that cannot be opened anew (it belongs to
 * another user) is polled before each write of at most PIPE_BUF bytes. A
 * regular file is written as it is.
 */
#ifndef EXAMPLES_LOG_H
#define EXAMPLES_LOG_H

#include <infra/base.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of a line with its newline; a longer one ends with "...". */
#define LOG_LINE_MAX 1024u

#define LOG_WINDOW INFRA_SEC(10)

struct log_options {
    int fd; /* It stays the caller's. */
    /* Print the start of a line, such as the time; NULL: none. */
    void (*stamp)(char *text, size_t size);
    const char *own;      /* Start of the log's own lines; NULL: "log: ". */
    uint32_t repeats_max; /* Lines of a kind within LOG_WINDOW; 0: no limit. */
    infra_time (*now)(void); /* NULL: CLOCK_BOOTTIME. */
};

/* Open, or open anew.  From now on SIGPIPE is ignored, so a process that
 * executes another program has to restore it. */
void log_open(const struct log_options *options);

/* Write one line.  Lines of the same @format are of one kind.  From any
 * thread. */
void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_vline(const char *format, va_list args)
    __attribute__((format(printf, 1, 0)));

/* Write more than a line, such as a screen: all, or nothing. */
void log_block(const char *text, size_t size);

/* Write several whole lines, which no limit on a kind holds for: all, or none
 * and they are counted.  From any thread. */
void log_lines(const char *text, size_t size);

/* Report lines left out, if it is time and there is room: once a turn. */
void log_tend(void);

/* Report lines left out, and close.  log_open() may follow. */
void log_close(void);

/* Write one line to a descriptor, for errors before a log is open.  Was it
 * written? */
bool log_say(int fd, const char *line);

#endif
