/* SPDX-License-Identifier: MIT */
/**
 * @file login.h
 * Logins at databases, both sides: a proxy lets clients log in, and logs in at
 * servers.
 *
 * - PostgreSQL: SCRAM-SHA-256 (RFC 5802, RFC 7677), both sides; md5, the
 *   client's side only.
 * - MySQL and MariaDB: mysql_native_password and caching_sha2_password, both
 *   sides, with the switch from one to the other.
 *
 * One login is a plain value of the host: start it as server or as client, then
 * pass the peer's messages to it and send what it writes, until it is DONE or
 * REFUSED.  A message is the payload alone: the host does the framing, and
 * sends the packet that ends the login (AuthenticationOk, OK, an error).
 *
 * @code
 * struct infra_login_scram login;             // a client of PostgreSQL logs in
 * char out[INFRA_LOGIN_MESSAGE_MAX];
 * size_t out_size;
 *
 * infra_login_scram_server(&login, &user->keys, entropy);
 * // for each message of the client:
 * switch (infra_login_scram_next(&login, in, in_size, out, &out_size)) {
 * case INFRA_LOGIN_STEP_SEND:    send_sasl_continue(out, out_size); break;
 * case INFRA_LOGIN_STEP_DONE:    send_sasl_final(out, out_size);
 *                                send_authentication_ok(); break;
 * default:                       log(infra_login_reason_name(login.reason));
 *                                send_error("28P01"); break;
 * }
 * @endcode
 *
 * **Pass-through.**  A server stores less than a client needs, but what the
 * client proves contains the rest.  After DONE the keys of a server's side have
 * it, and a client's side with these keys logs in at the next server as the
 * same user, without the password:
 *
 * @code
 * infra_login_scram_client(&onward, &login.keys, NULL, 0, entropy);
 * @endcode
 *
 * SCRAM: the next server must store the same salt and number of iterations,
 * since its keys were copied or replicated from one server; else the login ends
 * as OTHER_SALT.
 *
 * **Unknown users** must look like a wrong password.  Use
 * infra_login_scram_mock(), or NULL as the keys of
 * infra_login_mysql_set_user(): the conversation is the same, and its end is
 * UNKNOWN_USER, for the log only.  Store all users in the same form, or the
 * form shows which users exist.
 *
 * **What it cannot do.**  SCRAM-SHA-256-PLUS: channel binding ends at a proxy.
 * The RSA key exchange of caching_sha2_password: without TLS its full path is
 * refused.  sha256_password, client_ed25519, GSSAPI, md5 as a server: MD5 is
 * broken.  SASLprep (RFC 4013): a SCRAM password with a byte outside printable
 * ASCII is refused as NOT_ASCII when it is set up; a verifier made by
 * PostgreSQL works for any password.
 *
 * Cost: a login by SCRAM takes about 10 us on each side, one by MySQL's methods
 * 1 us.  Keys from a SCRAM password take more than half a microsecond an
 * iteration (2 to 3 ms): make them once, when the user file is read, and keep
 * the keys of a client's side for the next login.  No allocation.  Comparisons
 * take the same time for any bytes.
 *
 * Values here contain secrets: clear them with infra_login_wipe().
 */
#ifndef INFRA_LOGIN_H
#define INFRA_LOGIN_H

#include <infra/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Bytes of entropy for a login: new ones for each, which nobody can guess
 *  (getrandom).  Whoever knows them before can replay an old login. */
#define INFRA_LOGIN_ENTROPY_SIZE 24u

/** The longest message that a login writes. */
#define INFRA_LOGIN_MESSAGE_MAX 576u

/** The longest message that a login reads; longer ones are TOO_LONG. */
#define INFRA_LOGIN_INPUT_MAX 512u

/** What a message means for the host. */
enum infra_login_step {
    INFRA_LOGIN_STEP_WAIT = 0,    /**< Pass the peer's next message. */
    INFRA_LOGIN_STEP_SEND = 1,    /**< Send what was written, even if it has no
                                       bytes; then pass the next message. */
    INFRA_LOGIN_STEP_DONE = 2,    /**< Logged in.  If bytes were written, send
                                       them first. */
    INFRA_LOGIN_STEP_REFUSED = 3, /**< See the reason; nothing was written. */
};

/** Why a login was refused.  Append-only. */
enum infra_login_reason {
    INFRA_LOGIN_REASON_NONE = 0,
    INFRA_LOGIN_REASON_WRONG_PASSWORD = 1,
    INFRA_LOGIN_REASON_UNKNOWN_USER = 2, /**< Tell the peer WRONG_PASSWORD. */
    INFRA_LOGIN_REASON_MALFORMED = 3,    /**< Not a message of the protocol. */
    INFRA_LOGIN_REASON_TOO_LONG = 4,     /**< A message or a part of it. */
    INFRA_LOGIN_REASON_MISSING = 5,      /**< An attribute, or all methods. */
    INFRA_LOGIN_REASON_BAD_BASE64 = 6,   /**< Or of another size. */
    INFRA_LOGIN_REASON_WRONG_NONCE = 7,  /**< Not the nonce of this login. */
    INFRA_LOGIN_REASON_CHANNEL_BINDING = 8, /**< SCRAM-SHA-256-PLUS, or another
                                                 end of the TLS connection. */
    INFRA_LOGIN_REASON_OTHER_IDENTITY = 9,  /**< To act as another user. */
    INFRA_LOGIN_REASON_EXTENSION = 10,      /**< An unknown one is mandatory. */
    INFRA_LOGIN_REASON_UNKNOWN_METHOD = 11,
    INFRA_LOGIN_REASON_TOO_COSTLY = 12,     /**< Too many iterations. */
    INFRA_LOGIN_REASON_REFUSED = 13,        /**< By the server. */
    INFRA_LOGIN_REASON_FORGED = 14,         /**< The server does not know the
                                                password. */
    INFRA_LOGIN_REASON_NEEDS_TLS = 15,      /**< The password would be sent in
                                                clear text. */
    INFRA_LOGIN_REASON_NEEDS_PASSWORD = 16, /**< The keys do not suffice. */
    INFRA_LOGIN_REASON_OTHER_SALT = 17,   /**< The keys are for another salt or
                                                number of iterations. */
    INFRA_LOGIN_REASON_NOT_ASCII = 18,    /**< The password needs SASLprep. */
    INFRA_LOGIN_REASON_OUT_OF_ORDER = 19, /**< The login has ended. */
};

/** Name of a step ("send"), or "unknown".  Thread safety: any. */
INFRA_API const char *infra_login_step_name(uint32_t step);

/** Name of a reason ("wrong password"), or "unknown".  Thread safety: any. */
INFRA_API const char *infra_login_reason_name(uint32_t reason);

/** Overwrite secrets, which no compiler removes.  Thread safety: any. */
INFRA_API void infra_login_wipe(void *bytes, size_t size);

/**
 * @name SCRAM-SHA-256
 * @{
 */
#define INFRA_LOGIN_SCRAM_MECHANISM "SCRAM-SHA-256"
#define INFRA_LOGIN_SCRAM_KEY_SIZE 32u
#define INFRA_LOGIN_SCRAM_SALT_MAX 64u
#define INFRA_LOGIN_SCRAM_PASSWORD_MAX 1023u

/** More iterations than this are not computed: they take 50 ms. */
#define INFRA_LOGIN_SCRAM_ITERATIONS_MAX 100000u

/** The longest verifier, with its zero. */
#define INFRA_LOGIN_SCRAM_VERIFIER_MAX 208u

/** The keys of one password with one salt (RFC 5802, 3).  A plain value. */
struct infra_login_scram_keys {
    uint32_t iterations; /**< 0: there are no keys. */
    uint32_t salt_size;
    uint32_t has_client_key; /**< 1: a client can log in with it. */
    uint32_t is_mock;        /**< 1: no proof is right. */
    unsigned char salt[INFRA_LOGIN_SCRAM_SALT_MAX];
    unsigned char stored_key[INFRA_LOGIN_SCRAM_KEY_SIZE];
    unsigned char server_key[INFRA_LOGIN_SCRAM_KEY_SIZE];
    unsigned char client_key[INFRA_LOGIN_SCRAM_KEY_SIZE]; /**< The secret. */
};

/**
 * Read a verifier in PostgreSQL's form (pg_authid.rolpassword):
 * `SCRAM-SHA-256`, `$`, the iterations, `:`, the salt, `$`, StoredKey, `:` and
 * ServerKey, the last three in base64.
 *
 * @param text  Need not end with a zero.
 * @param[out] ret  Set on success only; without a client key.
 * @return INFRA_OK; INFRA_EINVAL: NULL, or not such a text.
 *
 * Thread safety: any.
 */
INFRA_API int infra_login_scram_parse(struct infra_login_scram_keys *ret,
                                      const char *text, size_t size);

/**
 * Write the verifier of @p keys as text with a zero.
 *
 * @return The length of the text; 0 if a pointer is NULL or there are no keys.
 *
 * Thread safety: any.
 */
INFRA_API size_t
infra_login_scram_write(const struct infra_login_scram_keys *keys,
                        char ret[INFRA_LOGIN_SCRAM_VERIFIER_MAX]);

/**
 * Make the keys of a password, which takes half a microsecond an iteration.
 *
 * @param password    Printable ASCII, 1 to INFRA_LOGIN_SCRAM_PASSWORD_MAX
 *                    bytes.
 * @param salt        1 to INFRA_LOGIN_SCRAM_SALT_MAX bytes: 16 bytes of entropy
 *                    for a new user, or the salt that the next server has.
 * @param iterations  0: 4096; at most INFRA_LOGIN_SCRAM_ITERATIONS_MAX.
 * @param[out] ret    Set on success only; with the client key.
 * @return INFRA_OK; INFRA_LOGIN_REASON_NOT_ASCII; INFRA_EINVAL: NULL, a size or
 *         a number outside its range.
 *
 * Thread safety: any.
 */
INFRA_API int infra_login_scram_derive(struct infra_login_scram_keys *ret,
                                       const char *password,
                                       size_t password_size, const void *salt,
                                       size_t salt_size, uint32_t iterations);

/**
 * Make the keys for a user that does not exist: a salt of 16 bytes that depends
 * on the name, so that it is the same at each attempt, and no proof is right.
 *
 * @param secret      INFRA_LOGIN_ENTROPY_SIZE bytes that the host keeps: the
 *                    same for each user, and unknown to clients.
 * @param iterations  What real users have; 0: 4096.
 * @return INFRA_OK; INFRA_EINVAL: NULL.
 *
 * Thread safety: any.
 */
INFRA_API int infra_login_scram_mock(struct infra_login_scram_keys *ret,
                                     const char *user, size_t user_size,
                                     const unsigned char *secret,
                                     uint32_t iterations);

/** One login.  A plain value; read what is documented. */
struct infra_login_scram {
    struct infra_login_scram_keys keys; /**< After DONE with the client key. */
    const char *password;
    size_t password_size;
    uint32_t reason; /**< enum infra_login_reason, once REFUSED. */
    uint32_t state;
    uint32_t binding;         /* The client's flag. */
    uint32_t transcript_size; /* What both sides have signed so far. */
    uint32_t nonce_at;        /* The nonce in it. */
    uint32_t nonce_size;
    unsigned char signature[INFRA_LOGIN_SCRAM_KEY_SIZE];
    char nonce[64]; /* Our part of the nonce. */
    char transcript[1024];
};

/**
 * Choose among names of mechanisms, each with a zero: what a server offers, or
 * the one that a client has chosen.
 *
 * @return 0: SCRAM-SHA-256 is there; CHANNEL_BINDING: only SCRAM-SHA-256-PLUS;
 *         UNKNOWN_METHOD: neither of them; INFRA_EINVAL: NULL.
 *
 * Thread safety: any.
 */
INFRA_API int infra_login_scram_choose(const char *names, size_t size);

/**
 * Begin a login as the server.
 *
 * @param keys     Of the user, copied.
 * @param entropy  INFRA_LOGIN_ENTROPY_SIZE bytes.
 * @return INFRA_OK; INFRA_EINVAL: NULL, or no keys.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_login_scram_server(
    struct infra_login_scram *login, const struct infra_login_scram_keys *keys,
    const unsigned char *entropy);

/**
 * Begin a login as a client, then call infra_login_scram_next() with no bytes
 * for the first message.
 *
 * @param keys      Copied; used if they have a client key, and salt and
 *                  iterations are the server's.  NULL: none.
 * @param password  Printable ASCII; the caller keeps it until the login has
 *                  ended.  The keys are made of it where @p keys do not serve.
 *                  NULL: none.
 * @param entropy   INFRA_LOGIN_ENTROPY_SIZE bytes.
 * @return INFRA_OK; INFRA_LOGIN_REASON_NOT_ASCII; INFRA_EINVAL: NULL, neither a
 *         client key nor a password, or a password of 0 or more than
 *         INFRA_LOGIN_SCRAM_PASSWORD_MAX bytes.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_login_scram_client(
    struct infra_login_scram *login, const struct infra_login_scram_keys *keys,
    const char *password, size_t password_size, const unsigned char *entropy);

/**
 * Pass the next message of the peer.
 *
 * Server: client-first gives SEND with server-first; client-final gives DONE
 * with server-final.  The name in client-first is ignored, as by PostgreSQL,
 * which has it from the startup message.
 *
 * Client: no bytes give SEND with client-first; server-first gives SEND with
 * client-final; server-final gives DONE without a message.  A server that
 * accepts the login before that has proven nothing: treat it as FORGED.
 *
 * @param message  @p size bytes; NULL only with @p size 0.
 * @param ret      INFRA_LOGIN_MESSAGE_MAX bytes; no zero is written.
 * @param ret_size What was written; 0 if nothing.
 * @return enum infra_login_step; INFRA_EINVAL: NULL.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_login_scram_next(struct infra_login_scram *login,
                                     const void *message, size_t size,
                                     char *ret, size_t *ret_size);
/** @} */

/**
 * @name md5
 * The method of PostgreSQL before 14, the client's side.
 * @{
 */
#define INFRA_LOGIN_MD5_SIZE 35u

/**
 * Write the answer to the @p salt of AuthenticationMD5Password: "md5" and 32
 * hexadecimal digits, without a zero.
 *
 * @param password  The password, or what a server stores of it: "md5" and 32
 *                  hexadecimal digits.
 * @param salt      4 bytes.
 * @param ret       INFRA_LOGIN_MD5_SIZE bytes.
 * @return INFRA_OK; INFRA_EINVAL: NULL, or a text of more than 1023 bytes.
 *
 * Thread safety: any.
 */
INFRA_API int infra_login_md5(const char *user, size_t user_size,
                              const char *password, size_t password_size,
                              const unsigned char *salt, char *ret);
/** @} */

/**
 * @name MySQL and MariaDB
 * A message is the payload of a packet.
 *
 * As the server: put `challenge` and the name of `method` into the greeting.
 * The client's HandshakeResponse has a user for infra_login_mysql_set_user(),
 * and a method with an answer for infra_login_mysql_first(); each later packet
 * of the client is for infra_login_mysql_next().  At DONE send an OK.
 * COM_CHANGE_USER begins with infra_login_mysql_set_user() again: its challenge
 * is that of the greeting.
 *
 * As a client: pass method and challenge of the greeting to
 * infra_login_mysql_first(), put the answer that it writes and the name of
 * `method` into the HandshakeResponse, and pass each later packet of the server
 * to infra_login_mysql_next(), OK and error included.
 * @{
 */
#define INFRA_LOGIN_MYSQL_CHALLENGE_SIZE 20u
#define INFRA_LOGIN_MYSQL_PASSWORD_MAX 255u

/** A method, a plug-in in MySQL's words. */
enum infra_login_mysql_method {
    INFRA_LOGIN_MYSQL_UNKNOWN = 0,
    INFRA_LOGIN_MYSQL_NATIVE = 1,       /**< mysql_native_password. */
    INFRA_LOGIN_MYSQL_CACHING_SHA2 = 2, /**< caching_sha2_password. */
};

/** Name of a method ("mysql_native_password"), or "unknown".  Thread safety:
 *  any. */
INFRA_API const char *infra_login_mysql_method_name(uint32_t method);

/** What the keys have: the bits of infra_login_mysql_keys.has. */
#define INFRA_LOGIN_HAS_SHA1 (1u << 0)         /**< mysql_native: client. */
#define INFRA_LOGIN_HAS_SHA1_TWICE (1u << 1)   /**< mysql_native: server. */
#define INFRA_LOGIN_HAS_SHA256 (1u << 2)       /**< caching_sha2: client. */
#define INFRA_LOGIN_HAS_SHA256_TWICE (1u << 3) /**< caching_sha2: server. */

/** The hashes of one password.  A plain value; zeroes have none. */
struct infra_login_mysql_keys {
    uint32_t has; /**< INFRA_LOGIN_HAS_... */
    unsigned char sha1[20];
    unsigned char sha1_twice[20]; /**< SHA1(SHA1(password)). */
    unsigned char sha256[32];
    unsigned char sha256_twice[32]; /**< SHA256(SHA256(password)). */
};

/**
 * Read a stored hash and add it to @p keys: `*` and 40 hexadecimal digits, the
 * SHA1(SHA1(password)) of mysql.user; or `*` and 64, the
 * SHA256(SHA256(password)) that the fast path of caching_sha2_password
 * compares.  (The `$A$005$...` of mysql.user is another hash, which no fast
 * path can use.)
 *
 * @return INFRA_OK; INFRA_EINVAL: NULL, or neither of these forms.
 *
 * Thread safety: owner (of the keys).
 */
INFRA_API int infra_login_mysql_parse(struct infra_login_mysql_keys *keys,
                                      const char *text, size_t size);

/**
 * Make all keys of a password, any bytes but a zero.
 *
 * @param[out] ret  Set on success only.
 * @return INFRA_OK; INFRA_EINVAL: NULL, no bytes, a zero, or more than
 *         INFRA_LOGIN_MYSQL_PASSWORD_MAX bytes.
 *
 * Thread safety: any.
 */
INFRA_API int infra_login_mysql_derive(struct infra_login_mysql_keys *ret,
                                       const char *password,
                                       size_t password_size);

/** One login.  A plain value; read what is documented. */
struct infra_login_mysql {
    const char *password;
    size_t password_size;
    struct infra_login_mysql_keys keys; /**< After DONE as a server: with what
                                             the client has proven. */
    unsigned char challenge[INFRA_LOGIN_MYSQL_CHALLENGE_SIZE];
    char asked[32];  /**< The method that the peer named last, printable. */
    uint32_t method; /**< enum infra_login_mysql_method, in use. */
    uint32_t reason; /**< enum infra_login_reason, once REFUSED. */
    uint32_t is_secure;
    uint32_t is_mock;
    uint32_t is_client;
    uint32_t state;
};

/**
 * Begin a login as the server, before the greeting.
 *
 * @param method   For the greeting, which comes before the user's name.
 * @param entropy  INFRA_LOGIN_ENTROPY_SIZE bytes, of which the challenge is
 *                 made.
 * @return INFRA_OK; INFRA_EINVAL: NULL, or an unknown method.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_login_mysql_server(struct infra_login_mysql *login,
                                       uint32_t method,
                                       const unsigned char *entropy);

/**
 * Set the user, when a HandshakeResponse or COM_CHANGE_USER has named one.
 *
 * The client's method is used if the keys allow it.  Else, if the client speaks
 * caching_sha2_password and the connection is secure, it is asked for the
 * password itself; else it is asked to switch to a method that the keys allow.
 *
 * @param keys       Of the user, copied, with INFRA_LOGIN_HAS_SHA1_TWICE or
 *                   INFRA_LOGIN_HAS_SHA256_TWICE.  NULL: there is no such
 *                   user, and the conversation is that of a user of whom the
 *                   hash of the greeting's method is stored.
 * @param is_secure  1: TLS or a socket in the file system, so that a password
 *                   in clear text is allowed.
 * @return INFRA_OK; INFRA_EINVAL: NULL, keys without such a hash, or a client's
 *         login.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_login_mysql_set_user(
    struct infra_login_mysql *login, const struct infra_login_mysql_keys *keys,
    uint32_t is_secure);

/**
 * Begin a login as a client.
 *
 * @param keys       Copied; NULL: those of the password.
 * @param password   For the full path of caching_sha2_password, which a server
 *                   asks for at the first login since its start; the caller
 *                   keeps it until the login has ended.  NULL: none.  NULL and
 *                   no keys: the user has no password.
 * @param is_secure  1: TLS or a socket in the file system, so that a password
 *                   may be sent in clear text; else NEEDS_TLS.
 * @return INFRA_OK; INFRA_EINVAL: NULL, a bad password, or keys that have a
 *         hash and its double (SHA1 and SHA1_TWICE, or SHA256 and SHA256_TWICE)
 *         of no method.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_login_mysql_client(
    struct infra_login_mysql *login, const struct infra_login_mysql_keys *keys,
    const char *password, size_t password_size, uint32_t is_secure);

/**
 * Pass the peer's method with its data: as a client the challenge of the
 * greeting, as the server the answer of the HandshakeResponse.  A peer without
 * CLIENT_PLUGIN_AUTH names no method: its @p method_size is 0, which is
 * mysql_native_password.
 *
 * @param ret  INFRA_LOGIN_MESSAGE_MAX bytes.
 * @return enum infra_login_step: as a client SEND or REFUSED; as the server
 *         SEND, DONE or REFUSED; INFRA_EINVAL: NULL.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_login_mysql_first(struct infra_login_mysql *login,
                                      const char *method, size_t method_size,
                                      const void *data, size_t size,
                                      unsigned char *ret, size_t *ret_size);

/**
 * Pass the peer's next packet.
 *
 * @param message  The payload, @p size bytes; NULL only with @p size 0.
 * @param ret      INFRA_LOGIN_MESSAGE_MAX bytes.
 * @return enum infra_login_step; INFRA_EINVAL: NULL.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_login_mysql_next(struct infra_login_mysql *login,
                                     const void *message, size_t size,
                                     unsigned char *ret, size_t *ret_size);
/** @} */

#ifdef __cplusplus
}
#endif

#endif
