/* SPDX-License-Identifier: MIT */
/* What MySQL's and MariaDB's errors say about the server. */
#ifndef INFRA_PROBE_MYSQL_ERRORS_H
#define INFRA_PROBE_MYSQL_ERRORS_H

#include <stddef.h>
#include <stdint.h>

#define INFRA__MYSQL_SYNTAX_ERROR 1064u

/* The error's number, and its message as a printable text; 0: it is malformed.
 * @size is at least 1. */
uint32_t infra__mysql_error_read(const unsigned char *bytes, size_t size,
                                 char *ret_message, size_t message_size);

/* The enum infra_probe_reason of an error. */
uint32_t infra__mysql_error_reason(uint32_t number);

#endif
