/* SPDX-License-Identifier: MIT */
/* The login methods of MySQL and MariaDB, over the values of infra/login.h: the
 * proofs of both, and the client's side.
 *
 * Both methods prove the password P by a hash H, SHA-1 or SHA-256, without
 * sending it, to a server that keeps H(H(P)) only:
 *     mysql_native_password:  H(P) XOR H(challenge, H(H(P)))
 *     caching_sha2_password:  H(P) XOR H(H(H(P)), challenge)
 * from which the server obtains H(P). */
#ifndef INFRA_BASE_MYSQL_LOGIN_H
#define INFRA_BASE_MYSQL_LOGIN_H

#include <infra/login.h>
#include <stdbool.h>

#define INFRA__MYSQL_PROOF_MAX 32u

/* The first byte of packets while logging in. */
#define INFRA__MYSQL_LOGIN_OK 0x00u
#define INFRA__MYSQL_LOGIN_MORE 0x01u
#define INFRA__MYSQL_LOGIN_SWITCH 0xfeu
#define INFRA__MYSQL_LOGIN_ERROR 0xffu

/* After MORE, with caching_sha2_password. */
#define INFRA__MYSQL_LOGIN_FAST 0x03u
#define INFRA__MYSQL_LOGIN_FULL 0x04u

enum infra__mysql_login_state {
    INFRA__MYSQL_LOGIN_ENDED,
    INFRA__MYSQL_LOGIN_CLIENT,          /* The greeting is awaited. */
    INFRA__MYSQL_LOGIN_CLIENT_PROVEN,   /* A proof is sent. */
    INFRA__MYSQL_LOGIN_CLIENT_SWITCHED, /* That of another method. */
    INFRA__MYSQL_LOGIN_CLIENT_TOLD,     /* The server says how it goes on. */
    INFRA__MYSQL_LOGIN_SERVER,          /* The HandshakeResponse is awaited. */
    INFRA__MYSQL_LOGIN_SERVER_PROOF,    /* Asked to switch. */
    INFRA__MYSQL_LOGIN_SERVER_CLEAR,    /* Asked for the password. */
};

/* Make all keys of a password of any bytes. */
void infra__mysql_login_derive(struct infra_login_mysql_keys *ret,
                               const char *password, size_t size);

/* A method by its number, which is one of the two. */
struct infra__mysql_method {
    const char *name;
    uint32_t size;      /* Of its hash H, and of a proof. */
    uint32_t has;       /* INFRA_LOGIN_HAS_..., of H(P). */
    uint32_t has_twice; /* Of H(H(P)). */
};
extern const struct infra__mysql_method infra__mysql_methods[3];

/* Write the proof that the keys have what the method needs. */
void infra__mysql_prove(uint32_t method,
                        const struct infra_login_mysql_keys *keys,
                        const unsigned char *challenge,
                        unsigned char ret[INFRA__MYSQL_PROOF_MAX]);

/* Is a proof of the right size right? If so, the keys get H(P). */
bool infra__mysql_check(uint32_t method, struct infra_login_mysql_keys *keys,
                        const unsigned char *challenge, const void *proof);

/* The method of that name. */
uint32_t infra__mysql_method_of(const void *name, size_t size);

/* Remember the method that the peer has named. */
void infra__mysql_asked(struct infra_login_mysql *m, const void *name,
                        size_t size);

/* End the login. INFRA_LOGIN_STEP_REFUSED. */
int infra__mysql_login_refuse(struct infra_login_mysql *m, uint32_t reason);

/* Begin a client's login with the keys that are there. */
void infra__mysql_login_client(struct infra_login_mysql *m,
                               const char *password, size_t password_size,
                               bool is_secure);

/* As infra_login_mysql_first() and infra_login_mysql_next() for a client. */
int infra__mysql_login_first(struct infra_login_mysql *m, const char *method,
                             size_t method_size, const void *challenge,
                             size_t size, unsigned char *ret, size_t *ret_size);
int infra__mysql_login_next(struct infra_login_mysql *m, const void *message,
                            size_t size, unsigned char *ret, size_t *ret_size);

#endif
