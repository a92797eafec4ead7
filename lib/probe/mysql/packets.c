/* SPDX-License-Identifier: MIT */
#include "packets.h"

#include <infra/probe.h>

#define PROTOCOL 10u /* Since MySQL 3.21; 9 before. */

static enum infra__mysql_packets_event fail(struct infra__mysql_packets *p,
                                            uint32_t reason)
{
    p->reason = reason;
    return INFRA__MYSQL_BAD;
}

static enum infra__mysql_packets_event header_end(
    struct infra__mysql_packets *p, uint8_t sequence)
{
    p->left = p->size;
    p->is_astray = sequence != p->sequence;
    p->sequence = (uint8_t)(sequence + 1);
    if (!p->is_greeted) {
        return sequence == 0 && p->size > 0 &&
                       p->size <= INFRA__MYSQL_GREETING_MAX
                   ? INFRA__MYSQL_HEADER
                   : fail(p, INFRA_PROBE_REASON_WRONG_PROTOCOL);
    }
    if (p->size == 0) { /* A server sends no empty packet. */
        return fail(p, INFRA_PROBE_REASON_BAD_REPLY);
    }
    return p->size <= INFRA__MYSQL_READ_MAX - p->read_count
               ? INFRA__MYSQL_HEADER
               : fail(p, INFRA_PROBE_REASON_REPLY_TOO_LONG);
}

static enum infra__mysql_packets_event header_byte(
    struct infra__mysql_packets *p, unsigned char c)
{
    unsigned at = p->header_count++;

    if (at == 0) {
        p->size = 0;
    }
    if (at == INFRA__MYSQL_HEADER_SIZE - 1) {
        return header_end(p, c);
    }
    p->size |= (uint32_t)c << 8 * at;
    return INFRA__MYSQL_HEADER;
}

enum infra__mysql_packets_event infra__mysql_packets_byte(
    struct infra__mysql_packets *p, unsigned char c)
{
    if (p->read_count == INFRA__MYSQL_READ_MAX) {
        return fail(p, INFRA_PROBE_REASON_REPLY_TOO_LONG);
    }
    p->read_count++;
    if (p->header_count < INFRA__MYSQL_HEADER_SIZE) {
        return header_byte(p, c);
    }
    if (p->left == p->size) { /* The first byte names the kind. */
        if (!p->is_greeted && c != PROTOCOL && c != INFRA__MYSQL_ERROR) {
            return fail(p, INFRA_PROBE_REASON_WRONG_PROTOCOL);
        }
        if (p->is_astray && c != INFRA__MYSQL_ERROR) {
            return fail(p, INFRA_PROBE_REASON_BAD_REPLY);
        }
        p->is_greeted = true;
    }
    p->left--;
    if (p->left > 0) {
        return INFRA__MYSQL_PAYLOAD;
    }
    p->header_count = 0;
    return INFRA__MYSQL_LAST;
}

void infra__mysql_packets_header(struct infra__mysql_packets *p,
                                 unsigned char ret[INFRA__MYSQL_HEADER_SIZE],
                                 uint32_t size)
{
    ret[0] = (unsigned char)size;
    ret[1] = (unsigned char)(size >> 8);
    ret[2] = (unsigned char)(size >> 16);
    ret[3] = p->sequence++;
}
