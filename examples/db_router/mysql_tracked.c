/* SPDX-License-Identifier: MIT */
#include "mysql_tracked.h"

#include <string.h>

/* Kinds of changes. */
#define TRACK_VARIABLES 0u
#define TRACK_SCHEMA 1u
#define TRACK_GTIDS 3u

#define CHANGES_MAX 256u /* Of one packet. */

static const char gtid_variable[] = "last_gtid";

static void take_position(struct mysql_answer *a, struct mysql_text text)
{
    struct mysql_answer_result *r = &a->result;
    struct infra_position position;

    if (a->setup.position_kind == INFRA_POSITION_NONE || text.size == 0) {
        return;
    }
    int rc =
        infra_position_parse(a->setup.position_kind, a->setup.epoch,
                             (const char *)text.bytes, text.size, &position);
    if (rc == INFRA_OK && !r->has_position) {
        r->position = position;
    } else if (rc == INFRA_OK) {
        rc = infra_position_merge(&r->position, &position);
    }
    r->has_position = r->has_position || rc == INFRA_OK;
    r->has_unknown_position = r->has_unknown_position || rc != INFRA_OK;
}

static void take_schema(struct mysql_answer *a, struct mysql_text name)
{
    struct mysql_answer_result *r = &a->result;

    if (name.size <= sizeof r->schema) {
        r->has_schema = true;
        r->schema_size = (uint16_t)name.size;
        if (name.size > 0) {
            memcpy(r->schema, name.bytes, name.size);
        }
    }
}

static void take_variables(struct mysql_answer *a, struct mysql_reader *r)
{
    while (mysql_left(r) > 0 && !r->is_bad) {
        struct mysql_text name = mysql_read_text(r);
        struct mysql_text value = mysql_read_text(r);
        if (!r->is_bad && name.size == sizeof gtid_variable - 1 &&
            memcmp(name.bytes, gtid_variable, name.size) == 0) {
            take_position(a, value);
        }
    }
}

/* One change. False: malformed. */
static bool take_change(struct mysql_answer *a, uint64_t kind,
                        struct mysql_text data)
{
    struct mysql_reader r = mysql_reader_of(data.bytes, data.size);

    if (kind == TRACK_VARIABLES) {
        take_variables(a, &r);
    } else if (kind == TRACK_SCHEMA) {
        struct mysql_text name = mysql_read_text(&r);
        if (!r.is_bad) {
            take_schema(a, name);
        }
    } else if (kind == TRACK_GTIDS) {
        (void)mysql_read_fixed(&r, 1); /* The encoding; there is one. */
        struct mysql_text gtids = mysql_read_text(&r);
        if (!r.is_bad) {
            take_position(a, gtids);
        }
    }
    return !r.is_bad;
}

static bool take_changes(struct mysql_answer *a, struct mysql_text changes)
{
    struct mysql_reader r = mysql_reader_of(changes.bytes, changes.size);

    for (size_t i = 0; i < CHANGES_MAX && mysql_left(&r) > 0; i++) {
        uint64_t kind = mysql_read_fixed(&r, 1);
        struct mysql_text data = mysql_read_text(&r);
        if (r.is_bad || !take_change(a, kind, data)) {
            return false;
        }
    }
    return mysql_left(&r) == 0;
}

/* Take the changes out of an OK of @size bytes, whose flags are at @flags_at:
 * what is left goes to the end of its place. Bytes that are skipped. */
static size_t make_plain(unsigned char *packet, size_t size, size_t flags_at,
                         struct mysql_text info)
{
    unsigned char flags[4]; /* With the warnings. */
    size_t ends_at = flags_at + sizeof flags + info.size;
    size_t skipped = size - ends_at;

    memcpy(flags, packet + flags_at, sizeof flags);
    flags[1] &= (unsigned char)~(MYSQL_STATUS_SESSION_CHANGED >> 8);
    if (info.size > 0) { /* Its length goes away, too. */
        memmove(packet + size - info.size, info.bytes, info.size);
    }
    memcpy(packet + size - info.size - sizeof flags, flags, sizeof flags);
    memmove(packet + skipped, packet, flags_at);
    size = ends_at - MYSQL_HEADER_SIZE;
    for (size_t i = 0; i < 3; i++) {
        packet[skipped + i] = (unsigned char)(size >> 8 * i);
    }
    return skipped;
}

/* What follows the warnings, if the server tells changes. False: malformed. */
static bool take_tracked(struct mysql_answer *a, struct mysql_reader *r,
                         struct mysql_text *ret_info)
{
    if (mysql_left(r) > 0) {
        *ret_info = mysql_read_text(r);
    }
    if ((a->result.status & MYSQL_STATUS_SESSION_CHANGED) != 0 &&
        mysql_left(r) > 0) {
        struct mysql_text changes = mysql_read_text(r);
        if (!r->is_bad && !take_changes(a, changes)) {
            return false;
        }
    }
    return !r->is_bad;
}

bool mysql_take_ok(struct mysql_answer *a, unsigned char *packet, size_t size,
                   size_t *ret_skipped)
{
    struct mysql_answer_result *result = &a->result;
    struct mysql_reader r = mysql_reader_of(packet, size);
    struct mysql_text info = { NULL, 0 };

    (void)mysql_read_bytes(&r, MYSQL_HEADER_SIZE + 1);
    (void)mysql_read_number(&r);
    uint64_t insert_id = mysql_read_number(&r);
    size_t flags_at = (size_t)(r.at - packet);
    uint16_t status = (uint16_t)mysql_read_fixed(&r, 2);
    uint16_t warnings = (uint16_t)mysql_read_fixed(&r, 2);
    if (r.is_bad) {
        return false;
    }
    result->insert_id = insert_id != 0 ? insert_id : result->insert_id;
    result->status = status;
    result->warnings = warnings;
    result->has_status = true;
    if ((a->setup.capabilities & MYSQL_CAN_SESSION_TRACK) == 0) {
        return true;
    }
    if (!take_tracked(a, &r, &info)) {
        return false;
    }
    if (a->setup.is_plain) {
        *ret_skipped = make_plain(packet, size, flags_at, info);
    }
    return true;
}

bool mysql_take_eof(struct mysql_answer *a, const unsigned char *packet,
                    size_t size)
{
    struct mysql_reader r = mysql_reader_of(packet, size);

    (void)mysql_read_bytes(&r, MYSQL_HEADER_SIZE + 1);
    uint16_t warnings = (uint16_t)mysql_read_fixed(&r, 2);
    uint16_t status = (uint16_t)mysql_read_fixed(&r, 2);
    if (r.is_bad) {
        return false;
    }
    a->result.warnings = warnings;
    a->result.status = status;
    a->result.has_status = true;
    return true;
}

bool mysql_take_error(struct mysql_answer *a, const unsigned char *packet,
                      size_t size)
{
    struct mysql_reader r = mysql_reader_of(packet, size);

    (void)mysql_read_bytes(&r, MYSQL_HEADER_SIZE + 1);
    a->result.error = (uint16_t)mysql_read_fixed(&r, 2);
    return !r.is_bad && a->result.error != 0;
}
