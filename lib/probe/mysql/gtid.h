/* SPDX-License-Identifier: MIT */
/* The position of a server as one number, from its global transaction ids:
 *
 *     MariaDB   0-1-1042,7-3-12           domain-server-sequence
 *     MySQL     3e11fa47-...:1-5:11-18    uuid[:tag]:interval..., intervals
 *                                         of numbers from 1 up
 *
 * For MySQL it is the number of transactions in the set, for MariaDB the sum of
 * the sequence numbers, one to a domain. So if one server has all that another
 * has, and more, its number is greater. A state machine over single bytes. */
#ifndef INFRA_PROBE_MYSQL_GTID_H
#define INFRA_PROBE_MYSQL_GTID_H

#include <stdbool.h>
#include <stdint.h>

enum infra__mysql_gtid_kind { INFRA__MYSQL_GTID_SET, INFRA__MARIADB_GTID_LIST };

struct infra__mysql_gtid {
    uint64_t sum;
    uint64_t first; /* Of an interval. */
    uint64_t number;
    uint8_t kind; /* enum infra__mysql_gtid_kind */
    uint8_t state;
    bool has_digits;
    bool is_bad;
};

void infra__mysql_gtid_start(struct infra__mysql_gtid *g,
                             enum infra__mysql_gtid_kind kind);

void infra__mysql_gtid_byte(struct infra__mysql_gtid *g, unsigned char c);

/* End the text. False: malformed or empty. */
bool infra__mysql_gtid_end(struct infra__mysql_gtid *g, uint64_t *ret_sum);

#endif
