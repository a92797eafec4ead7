/* SPDX-License-Identifier: MIT */
#include "mysql_login.h"

#include <string.h>

#define PROTOCOL 10u
#define FIRST_PART 8u      /* Of the challenge. */
#define GREETING_FILL 10u  /* Zeroes. */
#define HANDSHAKE_FILL 23u /* Zeroes, and MariaDB's own capabilities. */
#define PACKET_MAX (1u << 24)

void mysql_write_greeting(struct mysql_writer *w,
                          const struct mysql_greeting *g)
{
    size_t begin = mysql_begin_packet(w, 0);

    mysql_write_fixed(w, PROTOCOL, 1);
    mysql_write_bytes(w, g->version.bytes, g->version.size);
    mysql_write_fixed(w, 0, 1);
    mysql_write_fixed(w, g->connection_id, 4);
    mysql_write_bytes(w, g->challenge, FIRST_PART);
    mysql_write_fixed(w, 0, 1);
    mysql_write_fixed(w, g->capabilities & 0xffff, 2);
    mysql_write_fixed(w, g->charset, 1);
    mysql_write_fixed(w, g->status, 2);
    mysql_write_fixed(w, g->capabilities >> 16, 2);
    mysql_write_fixed(w, MYSQL_CHALLENGE_SIZE + 1, 1);
    mysql_write_zeroes(w, GREETING_FILL);
    mysql_write_bytes(w, g->challenge + FIRST_PART,
                      MYSQL_CHALLENGE_SIZE - FIRST_PART);
    mysql_write_fixed(w, 0, 1);
    mysql_write_bytes(w, g->method.bytes, g->method.size);
    mysql_write_fixed(w, 0, 1);
    mysql_end_packet(w, begin);
}

bool mysql_read_greeting(struct mysql_text payload, struct mysql_greeting *ret)
{
    struct mysql_reader r = mysql_reader_of(payload.bytes, payload.size);

    *ret = (struct mysql_greeting) { 0 };
    bool is_known = mysql_read_fixed(&r, 1) == PROTOCOL;
    ret->version = mysql_read_until_zero(&r);
    ret->connection_id = (uint32_t)mysql_read_fixed(&r, 4);
    struct mysql_text first = mysql_read_bytes(&r, FIRST_PART);
    (void)mysql_read_fixed(&r, 1);
    ret->capabilities = (uint32_t)mysql_read_fixed(&r, 2);
    ret->charset = (uint8_t)mysql_read_fixed(&r, 1);
    ret->status = (uint16_t)mysql_read_fixed(&r, 2);
    ret->capabilities |= (uint32_t)mysql_read_fixed(&r, 2) << 16;
    (void)mysql_read_fixed(&r, 1);
    (void)mysql_read_bytes(&r, GREETING_FILL);
    struct mysql_text rest =
        mysql_read_bytes(&r, MYSQL_CHALLENGE_SIZE - FIRST_PART);
    if (r.is_bad || !is_known ||
        (ret->capabilities & MYSQL_CLIENT_NEEDS) != MYSQL_CLIENT_NEEDS) {
        return false;
    }
    memcpy(ret->challenge, first.bytes, first.size);
    memcpy(ret->challenge + FIRST_PART, rest.bytes, rest.size);
    if ((ret->capabilities & MYSQL_CAN_PLUGIN_AUTH) != 0) {
        (void)mysql_read_fixed(&r, 1);
        /* The zero behind it is missing in some versions. */
        ret->method = mysql_read_rest(&r);
        const unsigned char *zero =
            ret->method.size > 0
                ? memchr(ret->method.bytes, 0, ret->method.size)
                : NULL;
        if (zero != NULL) {
            ret->method.size = (size_t)(zero - ret->method.bytes);
        }
    }
    return !r.is_bad;
}

void mysql_write_handshake(struct mysql_writer *w, uint8_t sequence,
                           const struct mysql_handshake *h)
{
    size_t begin = mysql_begin_packet(w, sequence);

    mysql_write_fixed(w, h->capabilities, 4);
    mysql_write_fixed(w, PACKET_MAX, 4);
    mysql_write_fixed(w, h->charset, 1);
    mysql_write_zeroes(w, HANDSHAKE_FILL);
    if (!h->is_tls_request) {
        mysql_write_bytes(w, h->user.bytes, h->user.size);
        mysql_write_fixed(w, 0, 1);
        if ((h->capabilities & MYSQL_CAN_LENENC_LOGIN) != 0) {
            mysql_write_text(w, h->answer.bytes, h->answer.size);
        } else {
            mysql_write_fixed(w, h->answer.size, 1);
            mysql_write_bytes(w, h->answer.bytes, h->answer.size);
        }
        if ((h->capabilities & MYSQL_CAN_CONNECT_WITH_DB) != 0) {
            mysql_write_bytes(w, h->database.bytes, h->database.size);
            mysql_write_fixed(w, 0, 1);
        }
        if ((h->capabilities & MYSQL_CAN_PLUGIN_AUTH) != 0) {
            mysql_write_bytes(w, h->method.bytes, h->method.size);
            mysql_write_fixed(w, 0, 1);
        }
        if ((h->capabilities & MYSQL_CAN_CONNECT_ATTRIBUTES) != 0) {
            mysql_write_number(w, 0);
        }
    }
    mysql_end_packet(w, begin);
}

/* Behind the fixed part. */
static bool read_names(struct mysql_reader *r, struct mysql_handshake *ret)
{
    ret->user = mysql_read_until_zero(r);
    if ((ret->capabilities & MYSQL_CAN_LENENC_LOGIN) != 0) {
        ret->answer = mysql_read_text(r);
    } else {
        ret->answer = mysql_read_bytes(r, (size_t)mysql_read_fixed(r, 1));
    }
    /* Some clients say that they have a database, and send none. */
    if ((ret->capabilities & MYSQL_CAN_CONNECT_WITH_DB) != 0 &&
        mysql_left(r) > 0) {
        ret->database = mysql_read_until_zero(r);
    }
    if ((ret->capabilities & MYSQL_CAN_PLUGIN_AUTH) != 0 && mysql_left(r) > 0) {
        ret->method = mysql_read_until_zero(r);
    }
    /* Attributes of the connection are not looked at. */
    return !r->is_bad && ret->user.size <= MYSQL_NAME_MAX &&
           ret->database.size <= MYSQL_NAME_MAX;
}

bool mysql_read_handshake(struct mysql_text payload,
                          struct mysql_handshake *ret)
{
    struct mysql_reader r = mysql_reader_of(payload.bytes, payload.size);

    *ret = (struct mysql_handshake) { 0 };
    ret->capabilities = (uint32_t)mysql_read_fixed(&r, 4);
    (void)mysql_read_fixed(&r, 4);
    ret->charset = (uint8_t)mysql_read_fixed(&r, 1);
    (void)mysql_read_bytes(&r, HANDSHAKE_FILL);
    if (r.is_bad ||
        (ret->capabilities & MYSQL_CLIENT_NEEDS) != MYSQL_CLIENT_NEEDS) {
        return false;
    }
    ret->is_tls_request =
        (ret->capabilities & MYSQL_CAN_TLS) != 0 && mysql_left(&r) == 0;
    return ret->is_tls_request || read_names(&r, ret);
}

bool mysql_read_error(struct mysql_text payload, uint16_t *ret_number,
                      struct mysql_text *ret_message)
{
    struct mysql_reader r = mysql_reader_of(payload.bytes, payload.size);

    bool is_error = mysql_read_fixed(&r, 1) == MYSQL_ERROR;
    *ret_number = (uint16_t)mysql_read_fixed(&r, 2);
    if (r.is_bad || !is_error) {
        return false;
    }
    if (mysql_left(&r) >= 6 && *r.at == '#') {
        (void)mysql_read_bytes(&r, 6);
    }
    *ret_message = mysql_read_rest(&r);
    return true;
}

/* Big5, SJIS, GBK, CP932 and GB18030, by their collations of one byte. */
bool mysql_charset_is_unsafe(uint8_t charset)
{
    static const uint8_t unsafe[] = { 1,  84, 13,  88,  28, 87,
                                      95, 96, 248, 249, 250 };

    return memchr(unsafe, charset, sizeof unsafe) != NULL;
}
