/* SPDX-License-Identifier: MIT */
#include "gtid.h"

#include "../../base/characters.h"

/* UUID to INTERVAL_LAST: MySQL's set, colon by colon. DOMAIN to SEQUENCE:
 * MariaDB's list, dash by dash. */
enum state {
    UUID,
    AFTER_COLON,
    TAG, /* MySQL 8.3 and later. */
    INTERVAL_FIRST,
    INTERVAL_LAST,
    DOMAIN,
    SERVER,
    SEQUENCE,
};

void infra__mysql_gtid_start(struct infra__mysql_gtid *g,
                             enum infra__mysql_gtid_kind kind)
{
    *g = (struct infra__mysql_gtid) {
        .kind = (uint8_t)kind,
        .state = kind == INFRA__MYSQL_GTID_SET ? UUID : DOMAIN,
    };
}

static void digit(struct infra__mysql_gtid *g, unsigned char c)
{
    g->is_bad = !infra__append_digit(&g->number, c) || g->is_bad;
    g->has_digits = true;
}

static void next_number(struct infra__mysql_gtid *g, enum state state)
{
    g->is_bad = g->is_bad || !g->has_digits;
    g->has_digits = false;
    g->number = 0;
    g->state = (uint8_t)state;
}

static void add(struct infra__mysql_gtid *g, uint64_t count)
{
    g->is_bad = g->is_bad || !g->has_digits || count > UINT64_MAX - g->sum;
    g->sum += count;
}

/* Numbers begin at 1, so no interval has 2^64 of them. */
static void add_interval(struct infra__mysql_gtid *g)
{
    uint64_t first = g->state == INTERVAL_LAST ? g->first : g->number;

    if (first == 0 || g->number < first) {
        g->is_bad = true;
        return;
    }
    add(g, g->number - first + 1);
}

static void interval_byte(struct infra__mysql_gtid *g, unsigned char c)
{
    if (infra__is_digit(c)) {
        digit(g, c);
    } else if (c == '-' && g->state == INTERVAL_FIRST) {
        g->first = g->number;
        next_number(g, INTERVAL_LAST);
    } else if (c == ':' || c == ',') {
        add_interval(g);
        next_number(g, c == ':' ? AFTER_COLON : UUID);
    } else {
        g->is_bad = true;
    }
}

static void set_byte(struct infra__mysql_gtid *g, unsigned char c)
{
    unsigned char lower = infra__lower(c);
    bool is_letter = (lower >= 'a' && lower <= 'z') || c == '_';

    switch (g->state) {
    case UUID:
        if (c == ':') {
            next_number(g, AFTER_COLON);
        } else {
            g->is_bad = g->is_bad || !(infra__hex_value(c) >= 0 || c == '-');
            g->has_digits = true;
        }
        break;
    case AFTER_COLON:
        g->state = is_letter ? TAG : INTERVAL_FIRST;
        if (!is_letter) {
            interval_byte(g, c);
        }
        break;
    case TAG:
        g->is_bad = g->is_bad || !(is_letter || infra__is_digit(c) || c == ':');
        g->state = c == ':' ? AFTER_COLON : TAG;
        break;
    default:
        interval_byte(g, c);
        break;
    }
}

static void list_byte(struct infra__mysql_gtid *g, unsigned char c)
{
    if (infra__is_digit(c)) {
        digit(g, c);
    } else if (c == '-' && g->state != SEQUENCE) {
        next_number(g, g->state == DOMAIN ? SERVER : SEQUENCE);
    } else if (c == ',' && g->state == SEQUENCE) {
        add(g, g->number);
        next_number(g, DOMAIN);
    } else {
        g->is_bad = true;
    }
}

void infra__mysql_gtid_byte(struct infra__mysql_gtid *g, unsigned char c)
{
    if (g->kind == INFRA__MYSQL_GTID_SET) {
        set_byte(g, c);
    } else {
        list_byte(g, c);
    }
}

bool infra__mysql_gtid_end(struct infra__mysql_gtid *g, uint64_t *ret_sum)
{
    switch (g->state) {
    case INTERVAL_FIRST:
    case INTERVAL_LAST:
        add_interval(g);
        break;
    case SEQUENCE:
        add(g, g->number);
        break;
    default: /* A number is missing. */
        g->is_bad = true;
        break;
    }
    *ret_sum = g->sum;
    return !g->is_bad;
}
