/* SPDX-License-Identifier: MIT */
/* The packets of a login at MySQL and MariaDB: the greeting, the request for
 * TLS, the login. The client is one of protocol 4.1 with plug-ins and asks for
 * little: no database, no attributes, and results with end marks, which every
 * server since 4.1 has. */
#ifndef INFRA_PROBE_MYSQL_LOGIN_H
#define INFRA_PROBE_MYSQL_LOGIN_H

#include "../../base/mysql_login.h"

#define INFRA__MYSQL_USER_MAX 255u
#define INFRA__MYSQL_TLS_REQUEST_SIZE 32u
#define INFRA__MYSQL_VERSION_MAX 63u

/* The fixed part, the user's zero, the answer's size, the plug-in's name. */
#define INFRA__MYSQL_LOGIN_MAX                                       \
    (INFRA__MYSQL_TLS_REQUEST_SIZE + INFRA__MYSQL_USER_MAX + 1 + 1 + \
     INFRA__MYSQL_PROOF_MAX + sizeof "mysql_native_password")

struct infra__mysql_greeting {
    uint32_t capabilities;
    uint32_t method; /* enum infra_login_mysql_method */
    unsigned char challenge[INFRA_LOGIN_MYSQL_CHALLENGE_SIZE];
    char version[INFRA__MYSQL_VERSION_MAX + 1]; /* Printable. */
    bool is_too_old; /* It lacks what the login needs. */
    bool has_tls;
};

/* Read a greeting. False: malformed. */
bool infra__mysql_greeting_read(struct infra__mysql_greeting *ret,
                                const unsigned char *bytes, size_t size);

/* Write the request for TLS, which is the login's fixed part. */
void infra__mysql_tls_request(const struct infra__mysql_greeting *g,
                              unsigned char ret[INFRA__MYSQL_TLS_REQUEST_SIZE]);

/* Write the login of a user by a method, with its answer to the challenge. Its
 * size. */
size_t infra__mysql_login(const struct infra__mysql_greeting *g,
                          const char *user, uint32_t method,
                          const unsigned char *answer, size_t answer_size,
                          bool tls, unsigned char ret[INFRA__MYSQL_LOGIN_MAX]);

#endif
