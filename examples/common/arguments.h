/* SPDX-License-Identifier: MIT */
/* What the example programs have in common: numbers, times, names and addresses
 * on a command line.  Each reader answers whether it could; if not, it has said
 * in one line to stderr what is wrong with which argument. */
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

/* Say what is wrong.  False, to be returned. */
bool arguments_wrong(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

/* What an error of the library means; of INFRA_ESYSTEM, what errno says. */
const char *arguments_why(int err);

/* Digits only, no sign and no blanks, unlike strtoul().  *@at goes behind them;
 * nothing is said. */
bool read_number(const char **at, uint32_t *ret);

/* @min to @max.  @name is the argument's. */
bool read_range(const char *name, const char *text, uint32_t min, uint32_t max,
                uint32_t *ret);

/* 1 to @max. */
bool read_count(const char *name, const char *text, uint32_t max,
                uint32_t *ret);

/* "500ms", "2s" or "10m": more than nothing, and at most ARGUMENTS_TIME_MAX, so
 * that no sum of such times and a clock wraps. */
bool read_time(const char *name, const char *text, infra_time *ret);

/* The same without a word; with @bare_ms a number alone is milliseconds. */
bool parse_time(const char *text, bool bare_ms, infra_time *ret);

/* "64k", "16m" or "1g" bytes, 1k to 1024g. */
bool read_size(const char *name, const char *text, uint64_t *ret);

/* Anything but "". */
bool read_nonempty(const char *name, const char *text, const char **ret);

/* A name that becomes part of paths, keys and command lines. */
bool read_name(const char *name, const char *text, const char **ret);

/* "127.0.0.1:80" or "[::1]:80". */
bool read_address(const char *name, const char *text, bool any_port,
                  struct sockaddr_storage *ret, socklen_t *ret_size);

#endif
