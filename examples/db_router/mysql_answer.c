/* SPDX-License-Identifier: MIT */
#include "mysql_answer.h"
#include "mysql_tracked.h"

#include <string.h>

#define OLD_EOF_MAX 8u /* Longer ones begin a row. */
#define COLUMNS_MAX 65535u

enum state {
    STATE_ONE,   /* The only packet: OK, EOF or error. */
    STATE_FIRST, /* OK, error, or the count of columns. */
    STATE_COLUMNS,
    STATE_COLUMNS_END,
    STATE_ROWS,
    STATE_PREPARED,
    STATE_PARAMS,
    STATE_PARAMS_END,
    STATE_FIELDS,
    STATE_TEXT
};

void mysql_answer_begin(struct mysql_answer *a,
                        const struct mysql_answer_setup *setup)
{
    static const uint8_t states[] = {
        [MYSQL_EXPECT_OK] = STATE_ONE,
        [MYSQL_EXPECT_RESULTS] = STATE_FIRST,
        [MYSQL_EXPECT_ROWS] = STATE_ROWS,
        [MYSQL_EXPECT_PREPARED] = STATE_PREPARED,
        [MYSQL_EXPECT_FIELDS] = STATE_FIELDS,
        [MYSQL_EXPECT_TEXT] = STATE_TEXT,
    };

    memset(a, 0, sizeof *a);
    a->setup = *setup;
    a->state = states[setup->expect];
}

static bool has_new_eof(const struct mysql_answer *a)
{
    return (a->setup.capabilities & MYSQL_CAN_DEPRECATE_EOF) != 0;
}

/* Does a packet that begins with @first end a list of rows or columns? */
static bool is_end_mark(const struct mysql_answer *a, unsigned char first)
{
    return first == MYSQL_EOF && (has_new_eof(a) ? a->length < MYSQL_PAYLOAD_MAX
                                                 : a->length <= OLD_EOF_MAX);
}

/* Is this packet read? Definitions, rows and texts are not. */
static bool is_read(const struct mysql_answer *a, unsigned char first)
{
    switch (a->state) {
    case STATE_COLUMNS:
    case STATE_PARAMS:
        return first == MYSQL_ERROR;
    case STATE_ROWS:
    case STATE_FIELDS:
        return first == MYSQL_ERROR || is_end_mark(a, first);
    case STATE_TEXT:
        return false;
    default:
        return true;
    }
}

/* A packet was passed on. */
static void pass_end(struct mysql_answer *a)
{
    a->is_continued = a->length == MYSQL_PAYLOAD_MAX;
    if (a->is_continued) {
        return;
    }
    if (a->state == STATE_TEXT) {
        a->is_complete = true;
    } else if (a->state == STATE_COLUMNS && --a->columns_left == 0) {
        a->state = has_new_eof(a) ? STATE_ROWS : STATE_COLUMNS_END;
        if (a->setup.expect == MYSQL_EXPECT_PREPARED && has_new_eof(a)) {
            a->is_complete = true;
        }
    } else if (a->state == STATE_PARAMS && --a->columns_left == 0) {
        a->columns_left = a->result.columns_count;
        a->state = has_new_eof(a) ? STATE_COLUMNS : STATE_PARAMS_END;
        a->is_complete = has_new_eof(a) && a->columns_left == 0;
    }
}

/* The end of one result; another may follow. */
static void result_end(struct mysql_answer *a)
{
    if (a->setup.expect == MYSQL_EXPECT_RESULTS &&
        (a->result.status & MYSQL_STATUS_MORE_RESULTS) != 0) {
        a->state = STATE_FIRST;
    } else {
        a->is_complete = true;
    }
}

/* A packet that is read, with its header. */
struct read {
    unsigned char *bytes;
    size_t size;
    size_t skipped;
};

static struct mysql_reader payload_of(const struct read *p)
{
    return mysql_reader_of(p->bytes + MYSQL_HEADER_SIZE,
                           p->size - MYSQL_HEADER_SIZE);
}

static bool take_ok(struct mysql_answer *a, struct read *p)
{
    return mysql_take_ok(a, p->bytes, p->size, &p->skipped);
}

static bool take_first(struct mysql_answer *a, struct read *p)
{
    struct mysql_reader r = payload_of(p);
    unsigned char first = *r.at;

    if (first == MYSQL_OK) {
        if (!take_ok(a, p)) {
            return false;
        }
        result_end(a);
        return true;
    }
    uint64_t count = mysql_read_number(&r);
    a->result.has_local_file = first == MYSQL_LOCAL_FILE;
    if (r.is_bad || mysql_left(&r) > 0 || count == 0 || count > COLUMNS_MAX) {
        return false;
    }
    a->columns_left = (uint32_t)count;
    a->state = STATE_COLUMNS;
    return true;
}

static bool take_prepared(struct mysql_answer *a, struct read *p)
{
    struct mysql_answer_result *result = &a->result;
    struct mysql_reader r = payload_of(p);
    unsigned char *id = p->bytes + MYSQL_HEADER_SIZE + 1;

    bool is_ok = mysql_read_fixed(&r, 1) == MYSQL_OK;
    result->statement_id = (uint32_t)mysql_read_fixed(&r, 4);
    result->columns_count = (uint16_t)mysql_read_fixed(&r, 2);
    result->params_count = (uint16_t)mysql_read_fixed(&r, 2);
    (void)mysql_read_fixed(&r, 1);
    if (r.is_bad || !is_ok) {
        return false;
    }
    if (mysql_left(&r) >= 2) {
        result->warnings = (uint16_t)mysql_read_fixed(&r, 2);
    }
    for (size_t i = 0; i < 4; i++) {
        id[i] = (unsigned char)(a->setup.client_id >> 8 * i);
    }
    a->state = result->params_count > 0 ? STATE_PARAMS : STATE_COLUMNS;
    a->columns_left =
        result->params_count > 0 ? result->params_count : result->columns_count;
    a->is_complete = a->columns_left == 0;
    return true;
}

/* The EOF behind definitions. */
static bool take_definitions_end(struct mysql_answer *a, struct read *p)
{
    if (p->bytes[MYSQL_HEADER_SIZE] != MYSQL_EOF || a->length > OLD_EOF_MAX ||
        !mysql_take_eof(a, p->bytes, p->size)) {
        return false;
    }
    if (a->state == STATE_PARAMS_END) {
        a->state = STATE_COLUMNS;
        a->is_complete = a->columns_left == 0;
    } else if (a->setup.expect == MYSQL_EXPECT_PREPARED) {
        a->is_complete = true;
    } else if ((a->result.status & MYSQL_STATUS_CURSOR_EXISTS) != 0) {
        result_end(a);
    } else {
        a->state = STATE_ROWS;
    }
    return true;
}

/* An end mark: an EOF, or an OK in its place. */
static bool take_end_mark(struct mysql_answer *a, struct read *p)
{
    return has_new_eof(a) ? take_ok(a, p)
                          : mysql_take_eof(a, p->bytes, p->size);
}

/* The only packet of an answer. */
static bool take_one(struct mysql_answer *a, struct read *p)
{
    unsigned char first = p->bytes[MYSQL_HEADER_SIZE];

    a->is_complete = true;
    return first == MYSQL_EOF ? take_end_mark(a, p)
                              : first == MYSQL_OK && take_ok(a, p);
}

/* False: the server broke the protocol. */
static bool take_packet(struct mysql_answer *a, struct read *p)
{
    if (p->bytes[MYSQL_HEADER_SIZE] == MYSQL_ERROR) {
        a->is_complete = true;
        return mysql_take_error(a, p->bytes, p->size);
    }
    switch (a->state) {
    case STATE_ONE:
        return take_one(a, p);
    case STATE_FIRST:
        return take_first(a, p);
    case STATE_PREPARED:
        return take_prepared(a, p);
    case STATE_COLUMNS_END:
    case STATE_PARAMS_END:
        return take_definitions_end(a, p);
    default:
        if (!take_end_mark(a, p)) {
            return false;
        }
        result_end(a);
        return true;
    }
}

/* What is at the beginning of a packet. */
enum beginning {
    BEGINS_PART, /* More bytes are needed to see it. */
    BEGINS_PASS,
    BEGINS_READ
};

static enum beginning look(struct mysql_answer *a, const unsigned char *p,
                           size_t size)
{
    if (size < MYSQL_HEADER_SIZE) {
        return BEGINS_PART;
    }
    a->length = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16;
    if (a->is_continued) {
        return BEGINS_PASS;
    }
    if (a->length == 0) {
        return BEGINS_READ; /* And bad. */
    }
    if (size == MYSQL_HEADER_SIZE) {
        return BEGINS_PART;
    }
    return is_read(a, p[MYSQL_HEADER_SIZE]) ? BEGINS_READ : BEGINS_PASS;
}

/* Packets that are passed on, all that follow each other: their size. */
static size_t pass(struct mysql_answer *a, const unsigned char *bytes,
                   size_t size)
{
    size_t taken = 0;

    while (taken < size && !a->is_complete) {
        if (a->left == 0) {
            if (look(a, bytes + taken, size - taken) != BEGINS_PASS) {
                break;
            }
            a->left = a->length;
            taken += MYSQL_HEADER_SIZE;
        }
        size_t part = size - taken < a->left ? size - taken : a->left;
        taken += part;
        a->left -= (uint32_t)part;
        if (a->left == 0) {
            pass_end(a);
        }
    }
    a->has_begun = a->has_begun || taken > 0;
    return taken;
}

void mysql_answer_next(struct mysql_answer *a, unsigned char *bytes,
                       size_t size, struct mysql_event *ret)
{
    *ret = (struct mysql_event) { .kind = MYSQL_EVENT_BAD };
    if (a->is_bad || a->is_complete) {
        return;
    }
    ret->size = pass(a, bytes, size);
    if (ret->size > 0) {
        ret->kind = MYSQL_EVENT_PASS;
        return;
    }
    if (look(a, bytes, size) == BEGINS_PART) {
        ret->kind = MYSQL_EVENT_MORE;
        ret->size = size < MYSQL_HEADER_SIZE ? MYSQL_HEADER_SIZE
                                             : MYSQL_HEADER_SIZE + 1;
        return;
    }
    struct read p = { .bytes = bytes, .size = MYSQL_HEADER_SIZE + a->length };
    if (a->length > 0 && a->length <= MYSQL_READ_MAX && size < p.size) {
        ret->kind = MYSQL_EVENT_MORE;
        ret->size = p.size;
        return;
    }
    if (a->length == 0 || a->length > MYSQL_READ_MAX || !take_packet(a, &p)) {
        a->is_bad = true;
        return;
    }
    a->has_begun = true;
    ret->kind = MYSQL_EVENT_PACKET;
    ret->size = p.size;
    ret->skipped = p.skipped;
}
