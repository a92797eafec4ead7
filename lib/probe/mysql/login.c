/* SPDX-License-Identifier: MIT */
#include "login.h"
#include "packets.h"

#include "../../base/characters.h"
#include "../../base/printable.h"

#include <assert.h>
#include <string.h>

/* Capabilities; those of both sides are in force. */
#define LONG_PASSWORD \
    0x1u /* Not set by MariaDB, to announce flags of its own. */
#define PROTOCOL_41 0x200u
#define TLS 0x800u
#define SECURE_CONNECTION 0x8000u /* Challenges of 20 bytes. */
#define PLUGIN_AUTH 0x80000u

#define FIRST_PART 8u      /* Of the challenge; the rest follows later. */
#define PACKET_MAX 0x1u    /* In 16 MiB: the largest packet we accept. */
#define CHARSET_UTF8 0x21u /* Of the error messages. */

static const char native[] = "mysql_native_password";
static const char older[] = "mysql_old_password";

/* MariaDB up to 10 puts this before its version, for replicas older than MySQL
 * 5.0, which looked at the first digit only. */
static const char mariadb_prefix[] = "5.5.5-";

/* The rest of a packet; a read past its end sets is_short. */
struct cursor {
    const unsigned char *at;
    size_t left;
    bool is_short;
};

static const unsigned char *take(struct cursor *c, size_t size)
{
    static const unsigned char zeroes[FIRST_PART + 5];
    const unsigned char *p = c->at;

    if (size > c->left) {
        assert(size <= sizeof zeroes);
        c->is_short = true;
        return zeroes;
    }
    c->at += size;
    c->left -= size;
    return p;
}

/* The bytes up to a zero, which is taken, too. */
static const unsigned char *take_text(struct cursor *c, size_t *ret_size)
{
    const unsigned char *end = memchr(c->at, 0, c->left);

    if (end == NULL) {
        c->is_short = true;
        *ret_size = 0;
        return c->at;
    }
    *ret_size = (size_t)(end - c->at);
    const unsigned char *text = c->at;
    c->at += *ret_size + 1;
    c->left -= *ret_size + 1;
    return text;
}

static void read_version(struct infra__mysql_greeting *g, struct cursor *c)
{
    const size_t prefix_size = sizeof mariadb_prefix - 1;
    size_t size;
    const unsigned char *text = take_text(c, &size);

    /* MySQL itself had a version 5.5.5-m3. */
    if (size > prefix_size && memcmp(text, mariadb_prefix, prefix_size) == 0 &&
        text[prefix_size] >= '0' && text[prefix_size] <= '9') {
        text += prefix_size;
        size -= prefix_size;
    }
    infra__copy_printable(g->version, sizeof g->version, text, size);
}

/* Protocol::HandshakeV10 in MySQL's documentation. */
bool infra__mysql_greeting_read(struct infra__mysql_greeting *ret,
                                const unsigned char *bytes, size_t size)
{
    struct cursor c = { .at = bytes, .left = size };
    const unsigned char *p;

    *ret = (struct infra__mysql_greeting) { 0 };
    (void)take(&c, 1); /* The protocol, checked before. */
    read_version(ret, &c);
    (void)take(&c, 4); /* The connection's number. */
    p = take(&c, FIRST_PART + 1);
    memcpy(ret->challenge, p, FIRST_PART);
    p = take(&c, 2);
    ret->capabilities = (uint32_t)p[0] | (uint32_t)p[1] << 8;
    if (c.left == 0) { /* The greetings of MySQL 3 end here. */
        ret->is_too_old = true;
        return !c.is_short && (ret->capabilities & PROTOCOL_41) == 0;
    }
    (void)take(&c, 1 + 2); /* Character set and status. */
    p = take(&c, 2);
    ret->capabilities |= (uint32_t)p[0] << 16 | (uint32_t)p[1] << 24;
    (void)take(&c, 1 + 10); /* The challenge's size, and reserved ones. */
    ret->has_tls = (ret->capabilities & TLS) != 0;
    if ((ret->capabilities & PROTOCOL_41) == 0 ||
        (ret->capabilities & SECURE_CONNECTION) == 0) {
        ret->is_too_old = true;
        return !c.is_short;
    }
    p = take(&c, INFRA__MYSQL_CHALLENGE_SIZE - FIRST_PART);
    memcpy(ret->challenge + FIRST_PART, p,
           INFRA__MYSQL_CHALLENGE_SIZE - FIRST_PART);
    return !c.is_short;
}

static void put_32(unsigned char *ret, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++) {
        ret[i] = (unsigned char)(value >> 8 * i);
    }
}

static void fixed_part(const struct infra__mysql_greeting *g, bool tls,
                       unsigned char ret[INFRA__MYSQL_TLS_REQUEST_SIZE])
{
    memset(ret, 0, INFRA__MYSQL_TLS_REQUEST_SIZE);
    put_32(ret, LONG_PASSWORD | PROTOCOL_41 | SECURE_CONNECTION |
                    (g->capabilities & PLUGIN_AUTH) | (tls ? TLS : 0));
    put_32(ret + 4, PACKET_MAX << 24);
    ret[8] = CHARSET_UTF8;
}

/* Protocol::SSLRequest. */
void infra__mysql_tls_request(const struct infra__mysql_greeting *g,
                              unsigned char ret[INFRA__MYSQL_TLS_REQUEST_SIZE])
{
    fixed_part(g, true, ret);
}

/* mysql_native_password: with S = SHA1(password) the answer is
 *     S XOR SHA1(challenge, SHA1(S))
 * from which a server that keeps only SHA1(S) obtains S. */
static void answer(const struct infra__mysql_user *user,
                   const unsigned char *challenge, unsigned char *ret)
{
    unsigned char both[INFRA__MYSQL_CHALLENGE_SIZE + INFRA__SHA1_SIZE];

    memcpy(both, challenge, INFRA__MYSQL_CHALLENGE_SIZE);
    infra__sha1(both + INFRA__MYSQL_CHALLENGE_SIZE, user->secret,
                sizeof user->secret);
    infra__sha1(ret, both, sizeof both);
    for (size_t i = 0; i < INFRA__SHA1_SIZE; i++) {
        ret[i] ^= user->secret[i];
    }
}

/* Protocol::HandshakeResponse41. */
size_t infra__mysql_login(const struct infra__mysql_greeting *g,
                          const struct infra__mysql_user *user, bool tls,
                          unsigned char ret[INFRA__MYSQL_LOGIN_MAX])
{
    size_t name_size = strlen(user->name) + 1;
    unsigned char *p = ret + INFRA__MYSQL_TLS_REQUEST_SIZE;

    assert(name_size <= INFRA__MYSQL_USER_MAX + 1);
    fixed_part(g, tls, ret);
    memcpy(p, user->name, name_size);
    p += name_size;
    *p++ = user->has_password ? INFRA__SHA1_SIZE : 0;
    if (user->has_password) {
        answer(user, g->challenge, p);
        p += INFRA__SHA1_SIZE;
    }
    if ((g->capabilities & PLUGIN_AUTH) != 0) {
        memcpy(p, native, sizeof native);
        p += sizeof native;
    }
    return (size_t)(p - ret);
}

/* Protocol::AuthSwitchRequest: a method's name and its data. The first byte
 * alone means the method before 4.1. */
enum infra__mysql_switch infra__mysql_switch_read(
    const struct infra__mysql_user *user, const unsigned char *bytes,
    size_t size, unsigned char ret[INFRA__MYSQL_ANSWER_MAX], size_t *ret_size,
    char *ret_method, size_t method_size)
{
    struct cursor c = { .at = bytes + 1, .left = size - 1 };
    const unsigned char *method = (const unsigned char *)older;
    size_t count = sizeof older - 1;

    if (size > 1) {
        method = take_text(&c, &count);
    }
    if (c.is_short) {
        return INFRA__MYSQL_MALFORMED;
    }
    infra__copy_printable(ret_method, method_size, method, count);
    *ret_size = 0;
    if (infra__is_word(method, count, native)) {
        if (user->has_password && c.left < INFRA__MYSQL_CHALLENGE_SIZE) {
            return INFRA__MYSQL_MALFORMED;
        }
        if (user->has_password) {
            answer(user, c.at, ret);
            *ret_size = INFRA__SHA1_SIZE;
        }
        return INFRA__MYSQL_ANSWERED;
    }
    /* In both, an empty text means no password. */
    if (!user->has_password &&
        (infra__is_word(method, count, "caching_sha2_password") ||
         infra__is_word(method, count, "sha256_password"))) {
        ret[0] = 0;
        *ret_size = 1;
        return INFRA__MYSQL_ANSWERED;
    }
    memset(ret, 0, INFRA__MYSQL_ANSWER_MAX);
    *ret_size = INFRA__MYSQL_ANSWER_MAX;
    return INFRA__MYSQL_UNKNOWN;
}
