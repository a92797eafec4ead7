/* SPDX-License-Identifier: MIT */
/* A TLS ClientHello (RFC 8446, section 4.1.2) in records of any sizes. A cursor
 * steps over the heads of records, so that nothing is copied but what is told.
 * First the records are walked until the message is there; only then its inside
 * is read, so that the answer does not depend on how much had come. */
#include "../base/characters.h"
#include "../base/internal.h"

#include <infra/client_hello.h>

#include <stdbool.h>
#include <string.h>

#define RECORD_HEAD 5u
#define RECORD_MAX 16384u
#define MESSAGE_HEAD 4u
#define TYPE_HANDSHAKE 22u
#define TYPE_CLIENT_HELLO 1u
#define RANDOM_SIZE 32u
#define SESSION_ID_MAX 32u

enum {
    EXTENSION_NAME = 0,
    EXTENSION_ALPN = 16,
    EXTENSION_VERSIONS = 43,
    EXTENSION_ECH = 0xfe0d,
};

static const char *const flaws[] = {
    [INFRA_CLIENT_HELLO_FLAW_NOT_TLS] = "not tls",
    [INFRA_CLIENT_HELLO_FLAW_RECORD] = "record",
    [INFRA_CLIENT_HELLO_FLAW_SIZE] = "size",
    [INFRA_CLIENT_HELLO_FLAW_LENGTH] = "length",
    [INFRA_CLIENT_HELLO_FLAW_TWICE] = "extension twice",
    [INFRA_CLIENT_HELLO_FLAW_NAME] = "name",
    [INFRA_CLIENT_HELLO_FLAW_ALPN] = "alpn",
};

const char *infra_client_hello_flaw_name(uint32_t flaw)
{
    return INFRA__NAME(flaws, flaw);
}

/* Bytes of the message, with the heads of records between them. */
struct cursor {
    const unsigned char *bytes;
    size_t at;
    uint32_t record; /* Bytes left of the record. */
    uint32_t left;   /* Bytes left of the part that is read. */
};

/* The parts of a message that is all there. */
static unsigned char next_byte(struct cursor *c)
{
    if (c->record == 0) {
        c->record = (uint32_t)c->bytes[c->at + 3] << 8 | c->bytes[c->at + 4];
        c->at += RECORD_HEAD;
    }
    c->record--;
    c->left--;
    return c->bytes[c->at++];
}

static uint32_t next_number(struct cursor *c, uint32_t size)
{
    uint32_t n = 0;

    while (size-- > 0) {
        n = n << 8 | next_byte(c);
    }
    return n;
}

static void skip(struct cursor *c, uint32_t size)
{
    while (size-- > 0) {
        (void)next_byte(c);
    }
}

/* A length of @size bytes, and after it a part of that length, to which the
 * cursor is limited until leave(). */
static bool enter(struct cursor *c, uint32_t size, uint32_t *ret_outside)
{
    if (c->left < size) {
        return false;
    }
    uint32_t length = next_number(c, size);
    if (length > c->left) {
        return false;
    }
    *ret_outside = c->left - length;
    c->left = length;
    return true;
}

static void leave(struct cursor *c, uint32_t outside)
{
    c->left = outside;
}

/* A list of names (RFC 6066, section 3) with one of type 0. */
static int read_name(struct cursor *c, struct infra_client_hello *h)
{
    uint32_t outside, after;

    if (!enter(c, 2, &outside) || outside != 0 || c->left < 3) {
        return INFRA_CLIENT_HELLO_FLAW_NAME;
    }
    if (next_byte(c) != 0 || !enter(c, 2, &after) || after != 0 ||
        c->left == 0 || c->left > 255) {
        return INFRA_CLIENT_HELLO_FLAW_NAME;
    }
    while (c->left > 0) {
        unsigned char b = infra__lower(next_byte(c));
        bool is_good =
            (b >= 'a' && b <= 'z') || infra__is_digit(b) || b == '-' ||
            b == '_' ||
            (b == '.' && h->name_size > 0 && h->name[h->name_size - 1] != '.');
        if (!is_good) {
            return INFRA_CLIENT_HELLO_FLAW_NAME;
        }
        h->name[h->name_size++] = (char)b;
    }
    h->name_size -= h->name[h->name_size - 1] == '.';
    h->name[h->name_size] = '\0';
    return INFRA_OK;
}

static int read_alpn(struct cursor *c, struct infra_client_hello *h)
{
    uint32_t outside;

    if (!enter(c, 2, &outside) || outside != 0 || c->left < 2) {
        return INFRA_CLIENT_HELLO_FLAW_ALPN;
    }
    if (c->left > INFRA_CLIENT_HELLO_ALPN_MAX) {
        return INFRA_CLIENT_HELLO_FLAW_SIZE;
    }
    while (c->left > 0) {
        uint32_t length = next_byte(c);
        if (length == 0 || length > c->left) {
            return INFRA_CLIENT_HELLO_FLAW_ALPN;
        }
        h->alpn[h->alpn_size++] = (unsigned char)length;
        while (length-- > 0) {
            h->alpn[h->alpn_size++] = next_byte(c);
        }
    }
    return INFRA_OK;
}

/* The highest that is no GREASE (RFC 8701). */
static int read_versions(struct cursor *c, struct infra_client_hello *h)
{
    uint32_t outside, best = 0;

    if (!enter(c, 1, &outside) || outside != 0 || c->left < 2 ||
        c->left % 2 != 0) {
        return INFRA_CLIENT_HELLO_FLAW_LENGTH;
    }
    while (c->left > 0) {
        uint32_t version = next_number(c, 2);
        if ((version & 0x0f0f) != 0x0a0a && version > best) {
            best = version;
        }
    }
    h->version = best != 0 ? best : h->version;
    return INFRA_OK;
}

static int read_extension(struct cursor *c, uint32_t type, uint32_t *seen,
                          struct infra_client_hello *h)
{
    static const struct {
        uint32_t type;
        int (*read)(struct cursor *c, struct infra_client_hello *h);
    } readers[] = {
        { EXTENSION_NAME, read_name },
        { EXTENSION_ALPN, read_alpn },
        { EXTENSION_VERSIONS, read_versions },
    };

    for (uint32_t i = 0; i < INFRA__COUNT_OF(readers); i++) {
        if (readers[i].type == type) {
            if ((*seen & 1u << i) != 0) {
                return INFRA_CLIENT_HELLO_FLAW_TWICE;
            }
            *seen |= 1u << i;
            return readers[i].read(c, h);
        }
    }
    h->has_ech |= type == EXTENSION_ECH;
    skip(c, c->left);
    return INFRA_OK;
}

static int read_extensions(struct cursor *c, struct infra_client_hello *h)
{
    uint32_t outside, after, seen = 0;

    if (c->left == 0) {
        return INFRA_OK; /* TLS 1.2 and before may have none at all. */
    }
    if (!enter(c, 2, &outside) || outside != 0) {
        return INFRA_CLIENT_HELLO_FLAW_LENGTH;
    }
    while (c->left > 0) {
        if (c->left < 4) {
            return INFRA_CLIENT_HELLO_FLAW_LENGTH;
        }
        uint32_t type = next_number(c, 2);
        if (!enter(c, 2, &after)) {
            return INFRA_CLIENT_HELLO_FLAW_LENGTH;
        }
        int err = read_extension(c, type, &seen, h);
        if (err != INFRA_OK) {
            return err;
        }
        leave(c, after);
    }
    return INFRA_OK;
}

static int read_message(struct cursor *c, struct infra_client_hello *h)
{
    /* Session id, ciphers, methods of compression. */
    static const struct {
        uint32_t size, max, unit;
    } lists[] = { { 1, SESSION_ID_MAX, 1 }, { 2, 65535, 2 }, { 1, 255, 1 } };
    uint32_t outside;

    if (c->left < 2 + RANDOM_SIZE) {
        return INFRA_CLIENT_HELLO_FLAW_LENGTH;
    }
    h->version = next_number(c, 2);
    skip(c, RANDOM_SIZE);
    for (size_t i = 0; i < INFRA__COUNT_OF(lists); i++) {
        if (!enter(c, lists[i].size, &outside) || c->left > lists[i].max ||
            c->left % lists[i].unit != 0) {
            return INFRA_CLIENT_HELLO_FLAW_LENGTH;
        }
        skip(c, c->left);
        leave(c, outside);
    }
    return read_extensions(c, h);
}

/* What has come of the message, over all records: its length, once its head is
 * there. INFRA_OK: it is all there. */
static int walk(const unsigned char *bytes, size_t size, uint32_t *ret_length)
{
    uint32_t there = 0, length = 0;
    unsigned char head[MESSAGE_HEAD];

    for (size_t at = 0; at < size;) {
        const unsigned char *b = bytes + at;
        size_t left = size - at;
        if (b[0] != TYPE_HANDSHAKE || (left > 1 && b[1] != 3)) {
            return INFRA_CLIENT_HELLO_FLAW_NOT_TLS;
        }
        if (left < RECORD_HEAD) {
            return INFRA_EAGAIN;
        }
        uint32_t record = (uint32_t)b[3] << 8 | b[4];
        if (record == 0 || record > RECORD_MAX) {
            return INFRA_CLIENT_HELLO_FLAW_RECORD;
        }
        left -= RECORD_HEAD;
        uint32_t here = left < record ? (uint32_t)left : record;
        for (uint32_t i = 0; i < here && there + i < MESSAGE_HEAD; i++) {
            head[there + i] = b[RECORD_HEAD + i];
        }
        there += here;
        if (there > 0 && head[0] != TYPE_CLIENT_HELLO) {
            return INFRA_CLIENT_HELLO_FLAW_NOT_TLS;
        }
        if (there >= MESSAGE_HEAD) {
            length = (uint32_t)head[1] << 16 | (uint32_t)head[2] << 8 | head[3];
            if (length > INFRA_CLIENT_HELLO_MAX - MESSAGE_HEAD) {
                return INFRA_CLIENT_HELLO_FLAW_SIZE;
            }
            *ret_length = length;
            if (there >= MESSAGE_HEAD + length) {
                return INFRA_OK;
            }
        }
        at += RECORD_HEAD + record;
    }
    return INFRA_EAGAIN;
}

int infra_client_hello_read(const void *bytes, size_t size,
                            struct infra_client_hello *ret)
{
    struct infra_client_hello h = { .version = 0 };
    struct cursor c = { .bytes = bytes, .left = MESSAGE_HEAD };
    uint32_t length = 0;

    if ((bytes == NULL && size > 0) || ret == NULL) {
        return INFRA_EINVAL;
    }
    int err = walk(bytes, size, &length);
    if (err != INFRA_OK) {
        return err;
    }
    skip(&c, MESSAGE_HEAD);
    c.left = length;
    err = read_message(&c, &h);
    if (err == INFRA_OK) {
        *ret = h;
    }
    return err;
}

int infra_client_hello_has_alpn(const struct infra_client_hello *hello,
                                const char *protocol)
{
    if (hello == NULL || protocol == NULL) {
        return 0;
    }
    size_t length = strlen(protocol);
    for (uint32_t at = 0; at < hello->alpn_size; at += 1u + hello->alpn[at]) {
        if (hello->alpn[at] == length &&
            memcmp(hello->alpn + at + 1, protocol, length) == 0) {
            return 1;
        }
    }
    return 0;
}
