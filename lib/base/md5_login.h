/* SPDX-License-Identifier: MIT */
/* PostgreSQL's login by MD5. */
#ifndef INFRA_BASE_MD5_LOGIN_H
#define INFRA_BASE_MD5_LOGIN_H

#include <stddef.h>

#define INFRA__MD5_LOGIN_SIZE 35u
#define INFRA__MD5_SALT_SIZE 4u

/* Write what a server stores: "md5" and md5(password, user) as text. Together
 * both have at most INFRA__MD5_LOGIN_MAX bytes. */
#define INFRA__MD5_LOGIN_MAX 2048u
void infra__md5_login_store(char ret[INFRA__MD5_LOGIN_SIZE], const char *user,
                            size_t user_size, const char *password,
                            size_t password_size);

/* Write the answer: "md5" and md5(stored digest as text, salt) as text. */
void infra__md5_login_answer(char ret[INFRA__MD5_LOGIN_SIZE],
                             const char stored[INFRA__MD5_LOGIN_SIZE],
                             const void *salt);

#endif
