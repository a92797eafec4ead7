/* SPDX-License-Identifier: MIT */
/* SCRAM-SHA-256 (RFC 5802, RFC 7677): both ends prove that they know the
 * password without sending it. Keys, attributes, signatures, and the client's
 * side, over the values of infra/login.h. No channel binding ("n").
 *
 * The keys cost half a microsecond for each iteration that the server asks for.
 * They depend on the password, the salt and the iterations only, and may be
 * kept, as RFC 5802 §5.1 allows, so that later logins at the server are
 * cheap. */
#ifndef INFRA_BASE_SCRAM_H
#define INFRA_BASE_SCRAM_H

#include <infra/login.h>
#include <stdbool.h>

/* What the login waits for. A login of zeroes has ended. */
enum infra__scram_state {
    INFRA__SCRAM_ENDED,
    INFRA__SCRAM_NOTHING, /* As a client, which speaks first. */
    INFRA__SCRAM_SERVER_FIRST,
    INFRA__SCRAM_SERVER_FINAL,
    INFRA__SCRAM_CLIENT_FIRST,
    INFRA__SCRAM_CLIENT_FINAL,
};

struct infra__span {
    const char *at;
    size_t size;
};

/* Take "@name=value" and a comma from the front of @in. */
bool infra__scram_take(struct infra__span *in, char name,
                       struct infra__span *ret);

/* Why @in does not begin with an attribute that it must begin with. */
uint32_t infra__scram_lack(struct infra__span in);

/* Only printable ASCII, at least one byte. */
bool infra__scram_is_nonce(struct infra__span nonce);

/* A number of iterations, without a leading zero. 0: not a number. Any above
 * 2^32 - 1 becomes 2^32 - 1. */
uint32_t infra__scram_iterations(struct infra__span text);

/* Make the keys of a password of any bytes. */
void infra__scram_derive(struct infra_login_scram_keys *ret,
                         const char *password, size_t password_size,
                         const void *salt, size_t salt_size,
                         uint32_t iterations);

/* The StoredKey of a ClientKey. */
void infra__scram_stored_key(unsigned char ret[INFRA_LOGIN_SCRAM_KEY_SIZE],
                             const unsigned char *client_key);

/* The HMAC of the AuthMessage: the transcript, and the client's last message
 * without its proof. */
void infra__scram_sign(const struct infra_login_scram *s,
                       const unsigned char *key,
                       struct infra__span without_proof,
                       unsigned char ret[INFRA_LOGIN_SCRAM_KEY_SIZE]);

/* Append to the transcript, where there is room, and a comma. */
void infra__scram_record(struct infra_login_scram *s, const void *bytes,
                         size_t size);

/* End the login. INFRA_LOGIN_STEP_REFUSED. */
int infra__scram_refuse(struct infra_login_scram *s, uint32_t reason);

/* A nonce: one-way from a seed and the login's number. */
#define INFRA__SCRAM_NONCE_SIZE 24u
void infra__scram_nonce(char ret[INFRA__SCRAM_NONCE_SIZE], uint64_t seed,
                        uint64_t number);

/* Begin a client's login. The keys stay as they are. */
void infra__scram_client(struct infra_login_scram *s, const char *password,
                         size_t password_size);

/* Write the client's first message. @user is put there unchanged and must
 * contain neither "=" nor ",". Both texts together have at most 400 bytes. */
int infra__scram_client_first(struct infra_login_scram *s, const char *user,
                              const char *nonce, size_t nonce_size, char *ret,
                              size_t *ret_size);

/* Take the server's next message, as infra_login_scram_next() does. */
int infra__scram_client_next(struct infra_login_scram *s,
                             struct infra__span message, char *ret,
                             size_t *ret_size);

#endif
