/* SPDX-License-Identifier: MIT */
/* The login at MySQL and MariaDB: the greeting with a challenge, the answer,
 * and perhaps a switch to another method with a challenge of its own. The
 * client is one of protocol 4.1 with plug-ins and asks for little: no database,
 * no attributes, and results with end marks, which every server since 4.1
 * has. */
#ifndef INFRA_PROBE_MYSQL_LOGIN_H
#define INFRA_PROBE_MYSQL_LOGIN_H

#include "../../base/sha1.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INFRA__MYSQL_CHALLENGE_SIZE 20u
#define INFRA__MYSQL_USER_MAX 255u
#define INFRA__MYSQL_TLS_REQUEST_SIZE 32u
#define INFRA__MYSQL_VERSION_MAX 63u

/* The fixed part, the user's zero, the answer's size, the plug-in's name. */
#define INFRA__MYSQL_LOGIN_MAX                                       \
    (INFRA__MYSQL_TLS_REQUEST_SIZE + INFRA__MYSQL_USER_MAX + 1 + 1 + \
     INFRA__SHA1_SIZE + sizeof "mysql_native_password")

struct infra__mysql_greeting {
    uint32_t capabilities;
    unsigned char challenge[INFRA__MYSQL_CHALLENGE_SIZE];
    char version[INFRA__MYSQL_VERSION_MAX + 1]; /* Printable. */
    bool is_too_old; /* It lacks what the login needs. */
    bool has_tls;
};

/* The user that logs in. The password itself is not kept. */
struct infra__mysql_user {
    const char *name;
    unsigned char secret[INFRA__SHA1_SIZE]; /* The password's SHA-1. */
    bool has_password;
};

enum infra__mysql_switch {
    INFRA__MYSQL_ANSWERED,
    INFRA__MYSQL_UNKNOWN, /* The method; the answer is zeroes. */
    INFRA__MYSQL_MALFORMED,
};

/* The answer to an unknown method has the size of an Ed25519 signature, since
 * MariaDB counts any other as a broken connection. It is no password to a
 * method that wants one in clear. */
#define INFRA__MYSQL_ANSWER_MAX 64u

/* Read a greeting. False: malformed. */
bool infra__mysql_greeting_read(struct infra__mysql_greeting *ret,
                                const unsigned char *bytes, size_t size);

/* Write the request for TLS, which is the login's fixed part. */
void infra__mysql_tls_request(const struct infra__mysql_greeting *g,
                              unsigned char ret[INFRA__MYSQL_TLS_REQUEST_SIZE]);

/* Write the login. Its size. */
size_t infra__mysql_login(const struct infra__mysql_greeting *g,
                          const struct infra__mysql_user *user, bool tls,
                          unsigned char ret[INFRA__MYSQL_LOGIN_MAX]);

/* Answer a switch to another method, or to mysql_native_password with another
 * challenge. @ret_method, of @method_size bytes, is the method's name,
 * printable. */
enum infra__mysql_switch infra__mysql_switch_read(
    const struct infra__mysql_user *user, const unsigned char *bytes,
    size_t size, unsigned char ret[INFRA__MYSQL_ANSWER_MAX], size_t *ret_size,
    char *ret_method, size_t method_size);

#endif
