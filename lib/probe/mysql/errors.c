/* SPDX-License-Identifier: MIT */
#include "mysql.h"

#include "../../base/printable.h"

#define NUMBER_SIZE 3u /* With the byte that marks an error. */
#define STATE_SIZE 6u  /* '#' and an SQLSTATE, except in a greeting. */

uint32_t infra__mysql_error_read(const unsigned char *bytes, size_t size,
                                 char *ret_message, size_t message_size)
{
    if (size < NUMBER_SIZE) {
        return 0;
    }
    uint32_t number = (uint32_t)bytes[1] | (uint32_t)bytes[2] << 8;
    bool has_state =
        size >= NUMBER_SIZE + STATE_SIZE && bytes[NUMBER_SIZE] == '#';
    size_t skip = NUMBER_SIZE + (has_state ? STATE_SIZE : 0);
    infra__copy_printable(ret_message, message_size, bytes + skip, size - skip);
    return number;
}

/* Both servers share the numbers up to 1879. */
uint32_t infra__mysql_error_reason(uint32_t number)
{
    switch (number) {
    case 1040: /* Too many connections. */
    case 1203: /* Too many connections of this user. */
    case 1226: /* Resources of this user. */
        return INFRA_PROBE_REASON_TOO_MANY_CONNECTIONS;
    case 1044: /* Access denied to the database. */
    case 1045: /* Access denied. */
    case 1129: /* Host blocked: too many errors. */
    case 1130: /* Host not allowed. */
    case 1275: /* secure_auth, password too old. */
    case 1698: /* Access denied, no password. */
    case 1820: /* Password expired, must be set. */
    case 1862: /* Password expired. */
    case 3118: /* MySQL: account locked. */
    case 3159: /* MySQL: TLS required. */
    case 3955: /* MySQL: too many failed logins. */
    case 4151: /* MariaDB: account locked. */
        return INFRA_PROBE_REASON_LOGIN_REFUSED;
    case 1251: /* Method not supported by client. */
        return INFRA_PROBE_REASON_LOGIN_UNKNOWN;
    case 1047: /* Galera: not yet in its cluster. */
        return INFRA_PROBE_REASON_STARTING;
    case 1053: /* Server shutdown in progress. */
        return INFRA_PROBE_REASON_STOPPING;
    default:
        return INFRA_PROBE_REASON_SERVER_ERROR;
    }
}
