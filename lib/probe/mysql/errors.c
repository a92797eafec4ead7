/* SPDX-License-Identifier: MIT */
#include "errors.h"

#include "../../base/printable.h"

#include <infra/probe.h>
#include <stdbool.h>

#define NUMBER_SIZE 3u /* With the byte that says that it is an error. */
#define STATE_SIZE 6u  /* '#' and an SQLSTATE, unless it is a greeting. */

/* Both servers share the numbers up to 1879. */
static const struct {
    uint32_t number;
    uint32_t reason;
} reasons[] = {
    { 1040,
      INFRA_PROBE_REASON_TOO_MANY_CONNECTIONS }, /* Too many connections. */
    { 1044,
      INFRA_PROBE_REASON_LOGIN_REFUSED }, /* Access denied to the database. */
    { 1045, INFRA_PROBE_REASON_LOGIN_REFUSED }, /* Access denied. */
    { 1047, INFRA_PROBE_REASON_STARTING }, /* Galera: not yet in its cluster. */
    { 1053, INFRA_PROBE_REASON_STOPPING }, /* Server shutdown in progress. */
    { 1129,
      INFRA_PROBE_REASON_LOGIN_REFUSED }, /* Host blocked: too many errors. */
    { 1130, INFRA_PROBE_REASON_LOGIN_REFUSED }, /* Host not allowed. */
    { 1203,
      INFRA_PROBE_REASON_TOO_MANY_CONNECTIONS }, /* Connections of this user. */
    { 1226,
      INFRA_PROBE_REASON_TOO_MANY_CONNECTIONS }, /* Resources of this user. */
    { 1251,
      INFRA_PROBE_REASON_LOGIN_UNKNOWN }, /* Method not supported by client. */
    { 1275,
      INFRA_PROBE_REASON_LOGIN_REFUSED }, /* secure_auth, password too old. */
    { 1698,
      INFRA_PROBE_REASON_LOGIN_REFUSED }, /* Access denied, no password. */
    { 1820,
      INFRA_PROBE_REASON_LOGIN_REFUSED }, /* Password expired, must be set. */
    { 1862, INFRA_PROBE_REASON_LOGIN_REFUSED }, /* Password expired. */
    { 3118, INFRA_PROBE_REASON_LOGIN_REFUSED }, /* MySQL: account locked. */
    { 3159, INFRA_PROBE_REASON_LOGIN_REFUSED }, /* MySQL: TLS required. */
    { 3955,
      INFRA_PROBE_REASON_LOGIN_REFUSED }, /* MySQL: too many failed logins. */
    { 4151, INFRA_PROBE_REASON_LOGIN_REFUSED }, /* MariaDB: account locked. */
};

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

uint32_t infra__mysql_error_reason(uint32_t number)
{
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        if (reasons[i].number == number) {
            return reasons[i].reason;
        }
    }
    return INFRA_PROBE_REASON_SERVER_ERROR;
}
