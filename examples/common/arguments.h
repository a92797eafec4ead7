/* SPDX-License-Identifier: MIT */
/* Numbers, times, names and addresses on a command line, for all example
 * programs.  A reader that fails writes one line to stderr, which names the
 * argument and the error. */
#ifndef EXAMPLES_ARGUMENTS_H
#define EXAMPLES_ARGUMENTS_H

#include <infra/base.h>
#include <stdbool.h>
#include <sys/socket.h>

/* A year. */
#define ARGUMENTS_TIME_MAX INFRA_SEC(365 * 24 * 3600ull)

#define ARGUMENTS_SIZE_MAX (UINT64_C(1024) << 30)

/* The name of the program, before every message. */
void arguments_begin(const char *program);

/* Write an error to stderr.  False, to be returned. */
bool arguments_wrong(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* The text of an infra_error; for INFRA_ESYSTEM that of errno. */
const char *arguments_why(int err);

/* Read digits, without sign and blanks, unlike strtoul(), and move *@at past
 * them.  Writes no error. */
bool read_number(const char **at, uint32_t *ret);

/* Read @min to @max.  @name is the argument's. */
bool read_range(const char *name, const char *text, uint32_t min, uint32_t max,
                uint32_t *ret);

/* Read 1 to @max. */
bool read_count(const char *name, const char *text, uint32_t max,
                uint32_t *ret);

/* Read "500ms", "2s" or "10m": more than 0, and at most ARGUMENTS_TIME_MAX, so
 * that no sum of such times and a clock wraps. */
bool read_time(const char *name, const char *text, infra_time *ret);

/* The same without an error; with @bare_ms a number alone is milliseconds. */
bool parse_time(const char *text, bool bare_ms, infra_time *ret);

/* Read "64k", "16m" or "1g" bytes, 1k to 1024g. */
bool read_size(const char *name, const char *text, uint64_t *ret);

/* Read anything but "". */
bool read_nonempty(const char *name, const char *text, const char **ret);

/* Read a name that becomes part of paths, keys and command lines. */
bool read_name(const char *name, const char *text, const char **ret);

/* Read "127.0.0.1:80" or "[::1]:80". */
bool read_address(const char *name, const char *text, bool any_port,
                  struct sockaddr_storage *ret, socklen_t *ret_size);

/* The address of --admin: a port alone is one of 127.0.0.1. */
bool read_admin_address(const char *text, struct sockaddr_storage *ret,
                        socklen_t *ret_size);

#endif
