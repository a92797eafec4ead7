/* SPDX-License-Identifier: MIT */
/* The login at PostgreSQL (its documentation, 55.2.1 and 55.3): trust, a
 * password in clear text, MD5, and SCRAM-SHA-256. */
#ifndef INFRA_PROBE_PGSQL_LOGIN_H
#define INFRA_PROBE_PGSQL_LOGIN_H

#include "../../base/scram.h"
#include "messages.h"

#define INFRA__PGSQL_USER_MAX 127u
#define INFRA__PGSQL_PASSWORD_MAX 1023u

/* The longest answer: a password with its header and its zero. */
#define INFRA__PGSQL_ANSWER_MAX (INFRA__PGSQL_PASSWORD_MAX + 6u)

/* The result of a request for authentication. */
enum infra__pgsql_login_event {
    INFRA__PGSQL_LOGIN_WAIT,
    INFRA__PGSQL_LOGIN_ANSWER, /* Send what is in answer. */
    INFRA__PGSQL_LOGIN_DONE,
    INFRA__PGSQL_LOGIN_FAILED, /* See reason and text. */
};

struct infra__pgsql_login {
    struct infra_login_scram scram; /* Its keys outlive a login. */
    const char *user;
    const char *password; /* NULL: there is none. */
    const char *text;     /* Why it failed, or "". */
    uint64_t seed;
    uint64_t number; /* Of this login. */
    uint32_t reason; /* enum infra_probe_reason, once it failed. */
    uint32_t answer_size;
    uint8_t step;
    bool is_clear_allowed; /* The password may be sent in clear. */
    char answer[INFRA__PGSQL_ANSWER_MAX];
};

void infra__pgsql_login_start(struct infra__pgsql_login *l);

/* Take the next message of type "R". */
enum infra__pgsql_login_event infra__pgsql_login_next(
    struct infra__pgsql_login *l, const struct infra__pgsql_messages *m);

/* Does the message ask for a login, with any method? Then the server is
 * alive. */
bool infra__pgsql_login_is_asked(const struct infra__pgsql_messages *m);

#endif
