/* SPDX-License-Identifier: MIT */
/* Private to lib/login: the parts of a side of a login. */
#ifndef INFRA_LOGIN_INTERNAL_H
#define INFRA_LOGIN_INTERNAL_H

#include "../base/mysql_login.h"
#include "../base/scram.h"

/* INFRA_OK; INFRA_EINVAL: NULL or a bad size; INFRA_LOGIN_REASON_NOT_ASCII. */
int infra__scram_password_check(const char *password, size_t size);

/* Take the client's next message, as infra_login_scram_next() does. */
int infra__scram_server_next(struct infra_login_scram *s,
                             struct infra__span message, char *ret,
                             size_t *ret_size);

/* As infra_login_mysql_first() and infra_login_mysql_next() for a server. */
int infra__mysql_server_first(struct infra_login_mysql *m, uint32_t method,
                              const void *proof, size_t size,
                              unsigned char *ret, size_t *ret_size);
int infra__mysql_server_next(struct infra_login_mysql *m, const void *message,
                             size_t size, unsigned char *ret, size_t *ret_size);

#endif
