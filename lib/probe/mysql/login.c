/* SPDX-License-Identifier: MIT */
#include "login.h"
#include "packets.h"

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

#define FIRST_PART 8u       /* Of the challenge; the rest follows later. */
#define SECOND_PART_MIN 13u /* With its zero. */
#define PACKET_MAX 0x1u     /* In 16 MiB: the largest packet we accept. */
#define CHARSET_UTF8 0x21u  /* Of the error messages. */

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
    static const unsigned char zeroes[SECOND_PART_MIN];
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

/* The name of the method may lack its zero (MySQL bug 59453), as may the
 * challenge in front of it; a server may name none. */
static uint32_t read_method(struct cursor c, size_t challenge_size)
{
    size_t size = challenge_size > FIRST_PART + SECOND_PART_MIN
                      ? challenge_size - FIRST_PART
                      : SECOND_PART_MIN;

    size -= INFRA_LOGIN_MYSQL_CHALLENGE_SIZE - FIRST_PART;
    if (size >= c.left) {
        return INFRA_LOGIN_MYSQL_UNKNOWN;
    }
    const unsigned char *name = c.at + size;
    return infra__mysql_method_of(name,
                                  strnlen((const char *)name, c.left - size));
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
    size_t challenge_size = take(&c, 1 + 10)[0]; /* And reserved bytes. */
    ret->has_tls = (ret->capabilities & TLS) != 0;
    if ((ret->capabilities & PROTOCOL_41) == 0 ||
        (ret->capabilities & SECURE_CONNECTION) == 0) {
        ret->is_too_old = true;
        return !c.is_short;
    }
    p = take(&c, sizeof ret->challenge - FIRST_PART);
    memcpy(ret->challenge + FIRST_PART, p, sizeof ret->challenge - FIRST_PART);
    if ((ret->capabilities & PLUGIN_AUTH) != 0) {
        ret->method = read_method(c, challenge_size);
    }
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

/* Protocol::HandshakeResponse41. */
size_t infra__mysql_login(const struct infra__mysql_greeting *g,
                          const char *user, uint32_t method,
                          const unsigned char *answer, size_t answer_size,
                          bool tls, unsigned char ret[INFRA__MYSQL_LOGIN_MAX])
{
    const char *method_name = infra__mysql_methods[method].name;
    size_t user_size = strlen(user) + 1;
    unsigned char *p = ret + INFRA__MYSQL_TLS_REQUEST_SIZE;

    assert(user_size <= INFRA__MYSQL_USER_MAX + 1 &&
           answer_size <= INFRA__MYSQL_PROOF_MAX);
    fixed_part(g, tls, ret);
    memcpy(p, user, user_size);
    p += user_size;
    *p++ = (unsigned char)answer_size;
    memcpy(p, answer, answer_size);
    p += answer_size;
    if ((g->capabilities & PLUGIN_AUTH) != 0) {
        memcpy(p, method_name, strlen(method_name) + 1);
        p += strlen(method_name) + 1;
    }
    return (size_t)(p - ret);
}
