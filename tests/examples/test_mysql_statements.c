/* SPDX-License-Identifier: MIT */
/* Prepared statements of MySQL, as db_router keeps them for its clients and
 * server connections; and the packets that they are in. */
#include "../support/support.h"

#include "mysql_statements.h"

#include <stdio.h>
#include <string.h>

static struct mysql_statements statements;
static struct mysql_cache cache;

static void setup(void)
{
    statements = (struct mysql_statements) { 0 };
    cache = (struct mysql_cache) { 0 };
}

static void teardown(void)
{
    mysql_statements_finish(&statements);
    mysql_cache_finish(&cache);
}

static struct mysql_statement *add(const char *text, uint16_t params)
{
    struct mysql_statement *st =
        mysql_statement_add(&statements, "shop", 4, text, strlen(text));

    ck_assert_ptr_nonnull(st);
    ck_assert(mysql_statement_set_params(st, params));
    return st;
}

/* An EXECUTE of two parameters, of which the second is NULL. */
#define FIXED "\27\1\0\0\0\1\1\0\0\0"
#define TYPES "\3\0\376\0"
static const unsigned char with_types[] = FIXED "\2\1" TYPES "\7\0\0\0";
static const unsigned char without_types[] = FIXED "\2\0"
                                                   "\10\0\0\0";

static struct mysql_text text_of(const unsigned char *bytes, size_t size)
{
    return (struct mysql_text) { .bytes = bytes, .size = size };
}

#define TEXT_OF(literal) text_of(literal, sizeof literal - 1)

/* Write an EXECUTE, which fits exactly. */
static size_t write_execute(const struct mysql_statement *st,
                            struct mysql_text payload, uint32_t id,
                            unsigned char *ret, size_t ret_size)
{
    struct mysql_writer w = { .bytes = ret,
                              .size_max = mysql_statement_size(st, payload) };

    ck_assert_uint_le(w.size_max, ret_size);
    mysql_statement_write(st, payload, id, &w);
    ck_assert(!w.is_bad);
    return w.size;
}

/* The types of parameters are sent once, but reach each server. */
START_TEST(an_execute_has_its_types)
{
    struct mysql_statement *st = add("SELECT ?, ?", 2);
    unsigned char bytes[128];
    static const unsigned char first[] =
        "\24\0\0\0\27\1\2\0\0\0\1\0\0\0\2\1" TYPES "\7\0\0\0";
    static const unsigned char second[] =
        "\24\0\0\0\27\1\2\0\0\0\1\0\0\0\2\1" TYPES "\10\0\0\0";

    ck_assert(!mysql_statement_execute(st, TEXT_OF(without_types)));
    ck_assert(mysql_statement_execute(st, TEXT_OF(with_types)));
    size_t size =
        write_execute(st, TEXT_OF(with_types), 0x201, bytes, sizeof bytes);
    ck_assert_uint_eq(size, sizeof first - 1);
    ck_assert_mem_eq(bytes, first, size);
    ck_assert(mysql_statement_execute(st, TEXT_OF(without_types)));
    size =
        write_execute(st, TEXT_OF(without_types), 0x201, bytes, sizeof bytes);
    ck_assert_uint_eq(size, sizeof second - 1);
    ck_assert_mem_eq(bytes, second, size);
}
END_TEST

/* A statement without parameters ends behind its count of iterations. */
START_TEST(an_execute_may_have_no_parameters)
{
    struct mysql_statement *st = add("SELECT 1", 0);
    unsigned char bytes[32];
    static const unsigned char fixed[] = FIXED;

    ck_assert(mysql_statement_execute(st, TEXT_OF(fixed)));
    size_t size = write_execute(st, TEXT_OF(fixed), 9, bytes, sizeof bytes);
    ck_assert_uint_eq(size, 14);
    ck_assert_mem_eq(bytes, "\12\0\0\0\27\11\0\0\0\0\1\0\0\0", 14);
}
END_TEST

/* An EXECUTE that ends too early is malformed, wherever it ends. */
START_TEST(a_short_execute_is_malformed)
{
    for (size_t size = 0; size < sizeof with_types - 1 - 4; size++) {
        struct mysql_statement *st = add("SELECT ?, ?", 2);
        ck_assert(!mysql_statement_execute(st, text_of(with_types, size)));
    }
}
END_TEST

/* A parameter that comes in pieces goes to where the statement is executed,
 * with the id of that server, and only once. */
START_TEST(pieces_are_kept_for_the_execute)
{
    struct mysql_statement *st = add("INSERT INTO t VALUES (?, ?)", 2);
    static const unsigned char piece[] = "\12\0\0\0\30\1\0\0\0\1\0abc";
    static const unsigned char sent[] = "\12\0\0\0\30\5\0\0\0\1\0abc";
    unsigned char bytes[128];

    ck_assert(mysql_statement_keep(st, piece, sizeof piece - 1, 100));
    ck_assert(mysql_statement_keep(st, piece, sizeof piece - 1, 100));
    ck_assert(!mysql_statement_keep(st, piece, sizeof piece - 1, 30));
    ck_assert(mysql_statement_execute(st, TEXT_OF(with_types)));
    for (int i = 0; i < 2; i++) { /* It may be sent again. */
        size_t size =
            write_execute(st, TEXT_OF(with_types), 5, bytes, sizeof bytes);
        ck_assert_uint_eq(size, 2 * (sizeof sent - 1) + 24);
        ck_assert_mem_eq(bytes, sent, sizeof sent - 1);
        ck_assert_mem_eq(bytes + sizeof sent - 1, sent, sizeof sent - 1);
    }
    ck_assert(mysql_statement_execute(st, TEXT_OF(with_types)));
    ck_assert_uint_eq(
        write_execute(st, TEXT_OF(with_types), 5, bytes, sizeof bytes), 24);
    ck_assert(mysql_statement_keep(st, piece, sizeof piece - 1, 100));
    mysql_statement_reset(st);
    ck_assert(mysql_statement_execute(st, TEXT_OF(with_types)));
    ck_assert_uint_eq(
        write_execute(st, TEXT_OF(with_types), 5, bytes, sizeof bytes), 24);
}
END_TEST

/* Ids are found until they are removed; the last one has a name. */
START_TEST(an_id_is_found_until_it_is_removed)
{
    uint32_t ids[100];

    ck_assert_ptr_null(mysql_statement_find(&statements, 0));
    ck_assert_ptr_null(mysql_statement_find(&statements, 1));
    ck_assert_ptr_null(mysql_statement_find(&statements, MYSQL_LAST_STATEMENT));
    for (int i = 0; i < 100; i++) {
        ids[i] = add("SELECT 1", 0)->id;
    }
    for (int i = 0; i < 100; i += 2) {
        mysql_statement_remove(&statements, ids[i]);
    }
    for (int i = 0; i < 100; i++) {
        struct mysql_statement *st = mysql_statement_find(&statements, ids[i]);
        ck_assert_int_eq(st != NULL, i % 2);
        ck_assert(st == NULL || st->id == ids[i]);
    }
    mysql_statement_remove(&statements, ids[0]);
    ck_assert_ptr_null(mysql_statement_find(&statements, 1000));
    struct mysql_statement *last = add("SELECT 2", 0);
    ck_assert_ptr_eq(mysql_statement_find(&statements, MYSQL_LAST_STATEMENT),
                     last);
}
END_TEST

/* A client has no more statements than a server allows. */
START_TEST(statements_are_limited)
{
    for (uint32_t i = 0; i < MYSQL_STATEMENTS_MAX; i++) {
        (void)add("x", 0);
    }
    ck_assert_ptr_null(mysql_statement_add(&statements, "", 0, "x", 1));
    mysql_statement_remove(&statements, 77);
    (void)add("x", 0);
    ck_assert_ptr_null(mysql_statement_add(&statements, "", 0, "x", 1));
}
END_TEST

static struct mysql_key key_of(struct mysql_statement *st)
{
    return st->key;
}

/* A text is prepared once at a connection, for each schema. */
START_TEST(a_connection_knows_what_it_has_prepared)
{
    struct mysql_key a = key_of(add("SELECT 1", 0));
    struct mysql_key same = key_of(add("SELECT 1", 0));
    struct mysql_key other =
        key_of(mysql_statement_add(&statements, "shop2", 5, "SELECT 1", 8));
    uint32_t closed;

    ck_assert_ptr_null(mysql_cache_find(&cache, &a));
    ck_assert(mysql_cache_add(&cache, &a, 7, &closed));
    ck_assert_uint_eq(closed, 0);
    ck_assert_uint_eq(mysql_cache_find(&cache, &same)->id, 7);
    ck_assert_ptr_null(mysql_cache_find(&cache, &other));
    ck_assert(mysql_cache_add(&cache, &same, 8, &closed)); /* Once more. */
    ck_assert_uint_eq(closed, 7);
    ck_assert_uint_eq(mysql_cache_find(&cache, &a)->id, 8);
    ck_assert_uint_eq(cache.count, 1);
    mysql_cache_finish(&cache);
    ck_assert_ptr_null(mysql_cache_find(&cache, &a));
}
END_TEST

/* Beyond its limit a connection closes what was not used for longest. */
START_TEST(the_one_used_least_lately_is_closed)
{
    uint32_t closed;
    char text[32];
    struct mysql_key first = key_of(add("first", 0));
    struct mysql_key key;

    ck_assert(mysql_cache_add(&cache, &first, 1000, &closed));
    for (uint32_t i = 1; i < MYSQL_PREPARED_MAX; i++) {
        snprintf(text, sizeof text, "SELECT %u", i);
        key = key_of(add(text, 0));
        ck_assert(mysql_cache_add(&cache, &key, i, &closed));
        ck_assert_uint_eq(closed, 0);
    }
    ck_assert_ptr_nonnull(mysql_cache_find(&cache, &first));
    key = key_of(add("more", 0));
    ck_assert(mysql_cache_add(&cache, &key, 2000, &closed));
    ck_assert_uint_eq(closed, 1);
    ck_assert_uint_eq(mysql_cache_find(&cache, &first)->id, 1000);
    ck_assert_uint_eq(mysql_cache_find(&cache, &key)->id, 2000);
}
END_TEST

/* A number or a text that ends too early, or NULL, is bad, and stays so. */
START_TEST(a_reader_never_leaves_its_bytes)
{
    static const struct {
        const char *bytes;
        size_t size;
        uint64_t value;
        bool is_bad;
    } numbers[] = {
        { "\0", 1, 0, false },        { "\372", 1, 250, false },
        { "\373", 1, 0, true },       { "\374\1\2", 3, 513, false },
        { "\374\1", 2, 0, true },     { "\375\1\2\3", 4, 0x30201, false },
        { "\375\1\2", 3, 0, true },   { "\376\1\0\0\0\0\0\0\1", 9, 1u, false },
        { "\376\1\0\0", 4, 0, true }, { "\377", 1, 0, true },
        { "", 0, 0, true },
    };

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct mysql_reader r =
            mysql_reader_of(numbers[i].bytes, numbers[i].size);
        uint64_t value = mysql_read_number(&r);
        ck_assert_int_eq(r.is_bad, numbers[i].is_bad);
        ck_assert(r.is_bad || (uint8_t)value == (uint8_t)numbers[i].value);
        ck_assert(!r.is_bad || value == 0);
    }
    struct mysql_reader r = mysql_reader_of("\376\377\377\377\377\377\377\377"
                                            "\377x",
                                            10);
    ck_assert_uint_eq(mysql_read_text(&r).size, 0);
    ck_assert(r.is_bad);
    ck_assert_uint_eq(mysql_read_rest(&r).size, 0);
    r = mysql_reader_of("abc", 3);
    ck_assert_uint_eq(mysql_read_until_zero(&r).size, 0);
    ck_assert(r.is_bad);
}
END_TEST

/* What is written is read again. */
START_TEST(numbers_are_written_as_they_are_read)
{
    static const uint64_t values[] = { 0,       1,         250,      251,
                                       65535,   65536,     0xfffffe, 0xffffff,
                                       1 << 25, UINT64_MAX };

    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        unsigned char bytes[9];
        struct mysql_writer w = { .bytes = bytes, .size_max = sizeof bytes };
        mysql_write_number(&w, values[i]);
        ck_assert(!w.is_bad);
        struct mysql_reader r = mysql_reader_of(bytes, w.size);
        ck_assert_uint_eq(mysql_read_number(&r), values[i]);
        ck_assert_uint_eq(mysql_left(&r), 0);
        struct mysql_writer small = { .bytes = bytes, .size_max = w.size - 1 };
        mysql_write_number(&small, values[i]);
        ck_assert(small.is_bad);
    }
}
END_TEST

/* A packet is found when all of it is there; one that is too long at once. */
START_TEST(a_packet_is_found_when_it_is_whole)
{
    static const unsigned char bytes[] = "\3\0\0\7abcd";
    struct mysql_packet packet;

    for (size_t size = 0; size < 7; size++) {
        ck_assert_int_eq(mysql_find_packet(bytes, size, 3, &packet),
                         MYSQL_FOUND_PART);
    }
    ck_assert_int_eq(mysql_find_packet(bytes, 8, 3, &packet), MYSQL_FOUND);
    ck_assert_uint_eq(packet.payload.size, 3);
    ck_assert_uint_eq(packet.sequence, 7);
    ck_assert_int_eq(mysql_find_packet(bytes, 4, 2, &packet), MYSQL_FOUND_LONG);
    ck_assert_int_eq(mysql_find_packet((const unsigned char *)"\377\377\377", 4,
                                       SIZE_MAX, &packet),
                     MYSQL_FOUND_LONG);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mysql_statements");
    TCase *c = tcase_create("statements");

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, an_execute_has_its_types);
    tcase_add_test(c, an_execute_may_have_no_parameters);
    tcase_add_test(c, a_short_execute_is_malformed);
    tcase_add_test(c, pieces_are_kept_for_the_execute);
    tcase_add_test(c, an_id_is_found_until_it_is_removed);
    tcase_add_test(c, statements_are_limited);
    tcase_add_test(c, a_connection_knows_what_it_has_prepared);
    tcase_add_test(c, the_one_used_least_lately_is_closed);
    suite_add_tcase(suite, c);

    c = tcase_create("packets");
    tcase_add_test(c, a_reader_never_leaves_its_bytes);
    tcase_add_test(c, numbers_are_written_as_they_are_read);
    tcase_add_test(c, a_packet_is_found_when_it_is_whole);
    suite_add_tcase(suite, c);
    return test_main(suite);
}
