/* SPDX-License-Identifier: MIT */
#include "rows.h"
#include "packets.h"

#include "../../base/characters.h"

/* Protocol::ColumnDefinition41: catalog, schema, table, its own name, name. The
 * rest is not needed. */
#define NAME_FIELD 4u

/* A smaller byte is the length itself. */
#define LENGTH_NULL 0xfbu
#define LENGTH_2 0xfcu
#define LENGTH_3 0xfdu /* More is above what a check reads. */

enum state { COLUMNS_COUNT, COLUMNS, COLUMNS_END, ROWS };

enum packet {
    NEW,
    COUNT,
    FIELDS,
    END_MARK,
};

void infra__mysql_rows_start(struct infra__mysql_rows *r,
                             const struct infra__mysql_column *columns,
                             size_t columns_count)
{
    *r = (struct infra__mysql_rows) { .columns = columns,
                                      .columns_count = columns_count };
}

/* The kind of a packet, by its first byte; NEW: it may not come now. */
static enum packet kind_of(const struct infra__mysql_rows *r, unsigned char c,
                           uint32_t size)
{
    bool is_end = c == INFRA__MYSQL_EOF && size <= INFRA__MYSQL_EOF_SIZE_MAX;

    switch (r->state) {
    case COLUMNS_COUNT: /* The host's question may have no rows. */
        return c == INFRA__MYSQL_OK && r->columns_count == 0 ? END_MARK : COUNT;
    case COLUMNS: /* No field begins like an end mark. */
        return FIELDS;
    case COLUMNS_END:
        return is_end ? END_MARK : NEW;
    default:
        return is_end ? END_MARK : FIELDS;
    }
}

static void name_end(struct infra__mysql_rows *r)
{
    if (r->columns_count == 0) {
        r->numbers[0] = 1;
    }
    for (size_t i = 0; i < r->columns_count; i++) {
        if (infra__is_word(r->name, r->name_size, r->columns[i].name)) {
            r->numbers[r->definitions] = r->columns[i].number;
        }
    }
}

/* A byte of a name. A size past the end stands for every longer one. */
static void name_byte(struct infra__mysql_rows *r, unsigned char c)
{
    if (r->name_size < sizeof r->name) {
        r->name[r->name_size] = (char)c;
    }
    r->name_size = (uint8_t)(r->name_size + (r->name_size <= sizeof r->name));
}

/* A field is complete. @event: for a cell in a row. */
static enum infra__mysql_rows_event field_end(
    struct infra__mysql_rows *r, enum infra__mysql_rows_event event)
{
    uint8_t field = r->field++;

    if (r->state == ROWS) {
        r->number = r->numbers[field];
        return r->number != 0 ? event : INFRA__MYSQL_NOTHING;
    }
    if (event == INFRA__MYSQL_CELL_NULL) {
        return INFRA__MYSQL_ROWS_BAD;
    }
    if (field == NAME_FIELD) {
        name_end(r);
    }
    return INFRA__MYSQL_NOTHING;
}

/* A byte of the content of a field. */
static enum infra__mysql_rows_event content_byte(struct infra__mysql_rows *r,
                                                 unsigned char c)
{
    r->length--;
    if (r->state == COLUMNS && r->field == NAME_FIELD) {
        name_byte(r, c);
    }
    if (r->length == 0) {
        return field_end(r, INFRA__MYSQL_CELL_LAST);
    }
    r->number = r->state == ROWS ? r->numbers[r->field] : 0;
    return r->number != 0 ? INFRA__MYSQL_CELL_BYTE : INFRA__MYSQL_NOTHING;
}

/* A field longer than its packet is still incomplete when the packet ends. */
static enum infra__mysql_rows_event length_end(struct infra__mysql_rows *r)
{
    return r->length == 0 ? field_end(r, INFRA__MYSQL_CELL_EMPTY)
                          : INFRA__MYSQL_NOTHING;
}

static enum infra__mysql_rows_event length_byte(struct infra__mysql_rows *r,
                                                unsigned char c)
{
    if (r->prefix > 0) {
        r->length |= (uint32_t)c << r->shift;
        r->shift = (uint8_t)(r->shift + 8);
        r->prefix--;
        return r->prefix == 0 ? length_end(r) : INFRA__MYSQL_NOTHING;
    }
    if (c == LENGTH_NULL) {
        return field_end(r, INFRA__MYSQL_CELL_NULL);
    }
    if (c == LENGTH_2 || c == LENGTH_3) {
        r->prefix = c == LENGTH_2 ? 2 : 3;
        r->shift = 0;
        return INFRA__MYSQL_NOTHING;
    }
    r->length = c;
    return c < LENGTH_NULL ? length_end(r) : INFRA__MYSQL_ROWS_BAD;
}

static enum infra__mysql_rows_event fields_byte(struct infra__mysql_rows *r,
                                                unsigned char c)
{
    if (r->state == COLUMNS && r->field > NAME_FIELD) {
        return INFRA__MYSQL_NOTHING;
    }
    if (r->state == ROWS && r->field == r->fields_count) {
        return INFRA__MYSQL_ROWS_BAD; /* More cells than columns. */
    }
    return r->prefix == 0 && r->length > 0 ? content_byte(r, c)
                                           : length_byte(r, c);
}

enum infra__mysql_rows_event infra__mysql_rows_byte(struct infra__mysql_rows *r,
                                                    unsigned char c,
                                                    uint32_t size)
{
    if (r->packet == NEW) {
        r->packet = (uint8_t)kind_of(r, c, size);
        r->field = 0;
        r->name_size = 0;
    }
    switch (r->packet) {
    case COUNT: /* One byte; 0 would be OK. */
        r->fields_count = c;
        return size == 1 && c > 0 && c <= INFRA__MYSQL_COLUMNS_MAX
                   ? INFRA__MYSQL_NOTHING
                   : INFRA__MYSQL_ROWS_BAD;
    case FIELDS:
        return fields_byte(r, c);
    case END_MARK:
        return INFRA__MYSQL_NOTHING;
    default:
        return INFRA__MYSQL_ROWS_BAD;
    }
}

enum infra__mysql_rows_event infra__mysql_rows_packet_end(
    struct infra__mysql_rows *r)
{
    enum packet packet = (enum packet)r->packet;

    r->packet = NEW;
    switch (r->state) {
    case COLUMNS_COUNT:
        r->state = COLUMNS;
        return packet == END_MARK ? INFRA__MYSQL_ROWS_END
                                  : INFRA__MYSQL_NOTHING;
    case COLUMNS:
        r->definitions++;
        if (r->definitions == r->fields_count) {
            r->state = COLUMNS_END;
        }
        return r->field > NAME_FIELD ? INFRA__MYSQL_NOTHING
                                     : INFRA__MYSQL_ROWS_BAD;
    case COLUMNS_END:
        r->state = ROWS;
        return INFRA__MYSQL_NOTHING;
    default:
        if (packet == END_MARK) {
            return INFRA__MYSQL_ROWS_END;
        }
        return r->field == r->fields_count ? INFRA__MYSQL_ROW
                                           : INFRA__MYSQL_ROWS_BAD;
    }
}
