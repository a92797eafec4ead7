/* SPDX-License-Identifier: MIT */
/*
 * The log of a program that has more important things to do: it never waits for
 * the reader of the log and is never ended by it.  A line that nobody takes is
 * dropped and counted; the count is said as soon as there is room again. Of one
 * kind of line a limited number is written within LOG_WINDOW; one more line
 * then says how many were left out, and repeats the last of them.
 *
 * Pipes and terminals are opened anew with O_NONBLOCK, since that flag on the
 * descriptor that was inherited would be set for every process that shares it;
 * sockets have a flag of each call.  Where a pipe cannot be opened anew (it
 * belongs to another user), poll() is asked before each write of at most
 * PIPE_BUF bytes.  A regular file is written as it is.
 */
#ifndef EXAMPLES_LOG_H
#define EXAMPLES_LOG_H

#include <infra/base.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of a line with its newline; what is longer ends with "...". */
#define LOG_LINE_MAX 1024u

#define LOG_WINDOW INFRA_SEC(10)

struct log_options {
    int fd; /* Stays open, and the caller's. */
    /* Print what a line begins with, such as the time; NULL: nothing. */
    void (*stamp)(char *text, size_t size);
    const char *own;      /* Before what the log says itself; NULL: "log: ". */
    uint32_t repeats_max; /* Lines of a kind within LOG_WINDOW; 0: any. */
    infra_time (*now)(void); /* NULL: CLOCK_BOOTTIME. */
};

/* Begin, or begin anew.  SIGPIPE is ignored from now on, so that a process that
 * is made to run another program has to restore it. */
void log_open(const struct log_options *options);

/* Write one line.  Lines of the same @format are of one kind.  From any
 * thread. */
void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_vline(const char *format, va_list args)
    __attribute__((format(printf, 1, 0)));

/* Write what is more than a line, such as a screen: all, or nothing. */
void log_block(const char *text, size_t size);

/* Say what was left out, if it is time to and there is room: to be called once
 * a turn. */
void log_tend(void);

/* Say at last what was left out.  log_open() may follow. */
void log_close(void);

/* One line to a descriptor, of which nothing is remembered: for what is said
 * before a log is open.  Did it go out? */
bool log_say(int fd, const char *line);

#endif
