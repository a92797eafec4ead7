/* SPDX-License-Identifier: MIT */
/* How MySQL and MariaDB let one in: the greeting with a challenge, our answer,
 * and perhaps another challenge of another method. What is sent is what a
 * client of protocol 4.1 with plug-ins sends, asking for as little as possible:
 * no database, no attributes, and results with end marks, which every server
 * since 4.1 knows. */
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
    bool is_too_old; /* It cannot do what the login needs. */
    bool has_tls;
};

/* Who logs in. The password itself is not kept. */
struct infra__mysql_user {
    const char *name;
    unsigned char secret[INFRA__SHA1_SIZE]; /* The password's SHA-1. */
    bool has_password;
};

enum infra__mysql_switch {
    INFRA__MYSQL_ANSWERED,
    INFRA__MYSQL_UNKNOWN, /* The method; so the answer is none. */
    INFRA__MYSQL_MALFORMED,
};

/* What is told to a method that is not known: as long as a signature of
 * Ed25519, since MariaDB counts what is not as a broken connection, and no
 * password to those that want one in clear. */
#define INFRA__MYSQL_ANSWER_MAX 64u

/* Take a greeting apart; false: it is malformed. */
bool infra__mysql_greeting_read(struct infra__mysql_greeting *ret,
                                const unsigned char *bytes, size_t size);

/* Write the request for TLS: the login's fixed part. */
void infra__mysql_tls_request(const struct infra__mysql_greeting *g,
                              unsigned char ret[INFRA__MYSQL_TLS_REQUEST_SIZE]);

/* Write the login and answer its size. */
size_t infra__mysql_login(const struct infra__mysql_greeting *g,
                          const struct infra__mysql_user *user, bool tls,
                          unsigned char ret[INFRA__MYSQL_LOGIN_MAX]);

/* The server wants another method than mysql_native_password, or that one with
 * another challenge. @ret_method, of @method_size bytes, is its name,
 * printable. */
enum infra__mysql_switch infra__mysql_switch_read(
    const struct infra__mysql_user *user, const unsigned char *bytes,
    size_t size, unsigned char ret[INFRA__MYSQL_ANSWER_MAX], size_t *ret_size,
    char *ret_method, size_t method_size);

#endif
