/* SPDX-License-Identifier: MIT */
/* MySQL's protocol in db_router between a client and a server connection,
 * without sockets. */
#include "../support/support.h"

#include "mysql_wire.h"

#include <stdlib.h>
#include <string.h>

static struct wire wire;

#define CAPABILITIES (MYSQL_CAN_DEPRECATE_EOF | MYSQL_CAN_SESSION_TRACK)

static void setup(void)
{
    wire_begin(&wire, &protocol_mariadb, CAPABILITIES);
}

static void teardown(void)
{
    wire_finish(&wire);
}

/* Literals with zeroes inside. */
#define CLIENT(literal) wire_client(&wire, literal, sizeof(literal) - 1)
#define SERVER(literal) wire_server(&wire, literal, sizeof(literal) - 1)

static void check_out(const struct link *l, const char *bytes, size_t size)
{
    ck_assert_uint_eq(link_out_size(l), size);
    ck_assert(size == 0 || memcmp(l->out.at + l->out.start, bytes, size) == 0);
    wire_clear(&wire);
}

#define TO_SERVER(literal) \
    check_out(&wire.server.link, literal, sizeof(literal) - 1)
#define TO_CLIENT(literal) \
    check_out(&wire.client.link, literal, sizeof(literal) - 1)

#define OK "\7\0\0\1\0\0\0\2\0\0\0"
#define OK_IN_TRANSACTION "\7\0\0\1\0\0\0\3\0\0\0"

/* Of a text of @size bytes: the command with its header, for the client. */
static void query(const char *text)
{
    unsigned char bytes[512];
    struct mysql_writer w = { .bytes = bytes, .size_max = sizeof bytes };

    mysql_write_command(&w, MYSQL_COM_QUERY, text, strlen(text));
    ck_assert(!w.is_bad);
    wire_client(&wire, bytes, w.size);
}

/* The server got this query, and nothing else. */
static void check_query(const char *text)
{
    unsigned char bytes[512];
    struct mysql_writer w = { .bytes = bytes, .size_max = sizeof bytes };

    mysql_write_command(&w, MYSQL_COM_QUERY, text, strlen(text));
    check_out(&wire.server.link, (const char *)bytes, w.size);
}

/* A query goes to the server as it is, and its answer to the client. */
START_TEST(a_query_and_its_answer_pass)
{
    query("SELECT 1");
    ck_assert_uint_eq(wire.client.unit.statement.kind, INFRA_STATEMENT_READ);
    check_query("SELECT 1");
    SERVER(OK_IN_TRANSACTION);
    TO_CLIENT(OK_IN_TRANSACTION);
    ck_assert(!wire.is_out);
    ck_assert_uint_eq(wire.result.transaction, INFRA_SESSION_TRANSACTION_OPEN);
    ck_assert_uint_eq(wire.result.is_autocommit_off, 0);
}
END_TEST

/* What needs no server is answered by the proxy. */
START_TEST(some_commands_need_no_server)
{
    CLIENT("\1\0\0\0\16"); /* COM_PING */
    TO_CLIENT(OK);
    CLIENT("\5\0\0\0\31\7\0\0\0"); /* A close has no answer. */
    TO_CLIENT("");
    CLIENT("\1\0\0\0\21"); /* COM_CHANGE_USER */
    ck_assert_uint_gt(link_out_size(&wire.client.link), 9);
    ck_assert_mem_eq(wire.client.link.out.at + 4, "\377\323\4#42000", 9);
    wire_clear(&wire);
    query("/* now */ KILL 5");
    ck_assert_mem_eq(wire.client.link.out.at + 4, "\377\323\4#42000", 9);
    wire_clear(&wire);
    TO_SERVER("");
    ck_assert(!wire.has_ended);
    CLIENT("\1\0\0\0\1");
    ck_assert(wire.has_ended);
}
END_TEST

/* A command out of sequence, or of no bytes, ends the connection. */
START_TEST(a_malformed_command_ends_the_client)
{
    static const struct {
        const char *bytes;
        size_t size;
    } commands[] = { { "\1\0\0\1\16", 5 },
                     { "\0\0\0\0", 4 },
                     { "\377\377\377\0", 4 },
                     { "\3\0\0\0\30\0\0", 7 } };

    wire_client(&wire, commands[_i].bytes, commands[_i].size);
    ck_assert(wire.has_ended);
    ck_assert_uint_eq(wire.client.unit.kind, UNIT_BAD);
}
END_TEST

static uint32_t settings_count(void)
{
    struct infra_session_setting setting;
    uint32_t cursor = 0;
    uint32_t count = 0;

    while (infra_session_journal_next(&wire.client.session, &cursor,
                                      &setting) == INFRA_OK) {
        count++;
    }
    return count;
}

/* What is set counts once the server has said that it worked; then it is made
 * again on another connection, after a reset. */
START_TEST(settings_are_made_again)
{
    query("SET autocommit=0, NAMES latin1");
    wire_clear(&wire);
    ck_assert_uint_eq(settings_count(), 0);
    SERVER(OK);
    ck_assert_uint_eq(settings_count(), 2);
    query("SET sql_mode=nonsense");
    SERVER("\11\0\0\1\377\1\1#HY000");
    ck_assert_uint_eq(settings_count(), 2);
    wire_clear(&wire);
    wire_adopt(&wire, true);
    ck_assert(wire.is_adopting);
    ck_assert_mem_eq(wire.server.link.out.at, "\1\0\0\0\37", 5);
    for (int i = 0; i < 4; i++) {
        ck_assert(wire.is_adopting);
        SERVER(OK);
    }
    ck_assert(!wire.is_adopting);
    wire_clear(&wire);
    wire_adopt(&wire, false);
    TO_SERVER("\21\0\0\0\3SET autocommit=0\21\0\0\0\3SET NAMES latin1");
}
END_TEST

/* A setting that a server refuses ends its connection before the unit is
 * sent. */
START_TEST(a_refused_setting_ends_the_connection)
{
    query("SET autocommit=0");
    SERVER(OK);
    wire_clear(&wire);
    wire_adopt(&wire, false);
    query("DELETE FROM t");
    TO_SERVER("\21\0\0\0\3SET autocommit=0");
    SERVER("\11\0\0\1\377\1\1#HY000");
    ck_assert(wire.has_ended);
    TO_SERVER("");
}
END_TEST

/* A schema is known from what the server says, and made again by name. */
START_TEST(a_schema_is_a_setting)
{
    CLIENT("\5\0\0\0\2shop");
    TO_SERVER("\5\0\0\0\2shop");
    SERVER("\20\0\0\1\0\0\0\2\100\0\0\0\7\1\5\4shop");
    ck_assert_uint_eq(settings_count(), 1);
    wire_clear(&wire);
    wire_adopt(&wire, false);
    TO_SERVER("\5\0\0\0\2shop");
    SERVER(OK);
    query("USE ``");
    SERVER("\14\0\0\1\0\0\0\2\100\0\0\0\3\1\1\0");
    ck_assert_uint_eq(settings_count(), 0); /* As at the beginning. */
}
END_TEST

#define PREPARED "\14\0\0\1\0\7\0\0\0\0\0\0\0\0\0\0"
#define EXECUTE_1 "\12\0\0\0\27\1\0\0\0\0\1\0\0\0"
#define EXECUTE_7 "\12\0\0\0\27\7\0\0\0\0\1\0\0\0"

/* A statement is prepared once at each connection, and the client knows one id
 * for all of them. */
START_TEST(a_statement_is_prepared_where_it_is_executed)
{
    CLIENT("\11\0\0\0\26SELECT 1");
    TO_SERVER("\11\0\0\0\26SELECT 1");
    SERVER(PREPARED);
    TO_CLIENT("\14\0\0\1\0\1\0\0\0\0\0\0\0\0\0\0");
    CLIENT(EXECUTE_1);
    TO_SERVER(EXECUTE_7);
    SERVER(OK);
    TO_CLIENT(OK);
    /* Another connection, which has not prepared it. */
    wire.server.protocol->finish(&wire.server);
    wire.server_state.cache = (struct mysql_cache) { 0 };
    CLIENT(EXECUTE_1);
    TO_SERVER("\11\0\0\0\26SELECT 1");
    SERVER("\14\0\0\1\0\11\0\0\0\0\0\0\0\0\0\0");
    ck_assert_uint_eq(link_out_size(&wire.client.link), 0);
    TO_SERVER("\12\0\0\0\27\11\0\0\0\0\1\0\0\0");
    SERVER(OK);
    TO_CLIENT(OK);
    CLIENT("\5\0\0\0\31\1\0\0\0");
    CLIENT(EXECUTE_1);
    TO_SERVER("");
}
END_TEST

/* If it cannot be prepared there, the error is the answer of the execution. */
START_TEST(an_error_of_a_preparation_is_the_answer)
{
    CLIENT("\11\0\0\0\26SELECT 1");
    SERVER(PREPARED);
    wire.server.protocol->finish(&wire.server);
    wire_clear(&wire);
    CLIENT(EXECUTE_1);
    SERVER("\11\0\0\1\377\1\1#HY000");
    TO_CLIENT("\11\0\0\1\377\1\1#HY000");
    ck_assert(!wire.is_out);
    ck_assert_uint_eq(wire.result.is_error, 1);
}
END_TEST

/* A statement means what it did in the schema where it was prepared. */
START_TEST(a_statement_keeps_its_schema)
{
    CLIENT("\5\0\0\0\2shop");
    SERVER("\20\0\0\1\0\0\0\2\100\0\0\0\7\1\5\4shop");
    CLIENT("\11\0\0\0\26SELECT 1");
    SERVER(PREPARED);
    CLIENT("\5\0\0\0\2bank");
    SERVER("\20\0\0\1\0\0\0\2\100\0\0\0\7\1\5\4bank");
    wire.server.protocol->finish(&wire.server);
    wire_clear(&wire);
    CLIENT(EXECUTE_1);
    TO_SERVER("\5\0\0\0\2shop");
    SERVER(OK);
    TO_SERVER("\11\0\0\0\26SELECT 1");
    SERVER(PREPARED);
    TO_SERVER("\5\0\0\0\2bank");
    SERVER(OK);
    TO_SERVER(EXECUTE_7);
}
END_TEST

/* LAST_INSERT_ID() is that of the client, whatever the connection has done for
 * others; it is not set where it is right already. */
START_TEST(an_insert_id_follows_its_client)
{
    query("INSERT INTO t VALUES (1)");
    SERVER("\7\0\0\1\0\1\5\2\0\0\0");
    wire_clear(&wire);
    query("SELECT LAST_INSERT_ID()");
    check_query("SELECT LAST_INSERT_ID()");
    SERVER(OK);
    wire.server_state.insert_client = 99; /* Another client has inserted. */
    wire_clear(&wire);
    query("SELECT 1");
    check_query("SELECT 1");
    SERVER(OK);
    wire_clear(&wire);
    query("SELECT Last_Insert_Id()");
    check_query("SET last_insert_id=5");
    SERVER(OK);
    check_query("SELECT Last_Insert_Id()");
}
END_TEST

/* A BEGIN that was held back is sent with its own words, and the statement only
 * when it has worked. */
START_TEST(a_held_begin_comes_first)
{
    query("START TRANSACTION READ ONLY");
    wire.client.protocol->say_done(&wire.client, &wire.client.unit);
    TO_CLIENT(OK_IN_TRANSACTION);
    SERVER(OK);
    wire_clear(&wire);
    wire.client.protocol->begin(&wire.server, &wire.client);
    query("SELECT 1");
    check_query("START TRANSACTION READ ONLY");
    SERVER(OK_IN_TRANSACTION);
    TO_CLIENT("");
}
END_TEST

/* A server that is read-only has done nothing: the statement may be sent
 * again. */
START_TEST(a_refusal_of_a_read_only_server_is_known)
{
    static const char refused[] = "\41\0\0\1\377\12\5#HY000running with "
                                  "--read-only";
    static const char other[] = "\26\0\0\1\377\12\5#HY000--secure-file";

    query("DELETE FROM t");
    wire_server(&wire, refused, sizeof refused - 1);
    ck_assert(wire.has_failure);
    ck_assert_uint_eq(wire.failure, INFRA_SESSION_FAILURE_REFUSED);
    ck_assert(!wire.is_out);
    ck_assert_uint_eq(wire.result.is_error, 1);
    query("DELETE FROM t");
    wire_server(&wire, other, sizeof other - 1);
    ck_assert(!wire.has_failure);
    ck_assert(!wire.is_out);
}
END_TEST

/* A write is where the server says. */
START_TEST(a_position_is_handed_on)
{
    query("DELETE FROM t");
    SERVER("\34\0\0\1\0\0\0\2\100\0\0\0\23\0\21\11last_gtid\0060-1-27");
    ck_assert(!wire.is_out);
    ck_assert_uint_eq(wire.result.has_written, 1);
    ck_assert_ptr_nonnull(wire.result.position);
    ck_assert_uint_eq(wire.result.position->parts[0].last, 27);
}
END_TEST

/* A client that does not speak of changes gets what is left, whole. */
START_TEST(a_plain_client_gets_a_plain_ok)
{
    static const char tracked[] = "\20\0\0\1\0\0\0\2\100\0\0\0\7\1\5\4shop";

    wire_finish(&wire);
    wire_begin(&wire, &protocol_mariadb, MYSQL_CAN_DEPRECATE_EOF);
    for (size_t piece = 1; piece < sizeof tracked; piece++) {
        query("USE shop");
        wire_clear(&wire);
        for (size_t at = 0; at < sizeof tracked - 1; at += piece) {
            size_t left = sizeof tracked - 1 - at;
            wire_server(&wire, tracked + at, left < piece ? left : piece);
        }
        TO_CLIENT(OK);
        ck_assert(!wire.is_out);
    }
    ck_assert_uint_eq(wire.client_state.schema.size, 4);
}
END_TEST

/* After a reset nothing of the session is left. */
START_TEST(a_reset_forgets_everything)
{
    query("SET autocommit=0");
    SERVER(OK);
    CLIENT("\11\0\0\0\26SELECT 1");
    SERVER(PREPARED);
    CLIENT("\1\0\0\0\37");
    SERVER(OK);
    ck_assert_uint_eq(wire.result.is_reset, 1);
    ck_assert_uint_eq(settings_count(), 0);
    wire_clear(&wire);
    CLIENT(EXECUTE_1);
    ck_assert_mem_eq(wire.client.link.out.at + 4, "\377\333\4#HY000", 9);
    wire_clear(&wire);
    query("SELECT 1"); /* Positions are asked for again. */
    ck_assert_uint_gt(link_out_size(&wire.server.link), 50);
    wire_clear(&wire);
    SERVER(OK);
    check_query("SELECT 1");
}
END_TEST

/* A byte that nobody has asked for ends the connection. */
START_TEST(an_answer_to_nothing_ends_the_connection)
{
    SERVER("\11\0\0\0\377\1\1#HY000");
    ck_assert(wire.has_ended);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mysql_protocol");
    TCase *c = tcase_create("protocol");

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_add_test(c, a_query_and_its_answer_pass);
    tcase_add_test(c, some_commands_need_no_server);
    tcase_add_loop_test(c, a_malformed_command_ends_the_client, 0, 4);
    tcase_add_test(c, settings_are_made_again);
    tcase_add_test(c, a_refused_setting_ends_the_connection);
    tcase_add_test(c, a_schema_is_a_setting);
    tcase_add_test(c, a_statement_is_prepared_where_it_is_executed);
    tcase_add_test(c, an_error_of_a_preparation_is_the_answer);
    tcase_add_test(c, a_statement_keeps_its_schema);
    tcase_add_test(c, an_insert_id_follows_its_client);
    tcase_add_test(c, a_held_begin_comes_first);
    tcase_add_test(c, a_refusal_of_a_read_only_server_is_known);
    tcase_add_test(c, a_position_is_handed_on);
    tcase_add_test(c, a_plain_client_gets_a_plain_ok);
    tcase_add_test(c, a_reset_forgets_everything);
    tcase_add_test(c, an_answer_to_nothing_ends_the_connection);
    suite_add_tcase(suite, c);
    return test_main(suite);
}
