/* SPDX-License-Identifier: MIT */
/* What is said of a statement besides where it may go: why, with which flags,
 * about which name; and how the modes of a session change what a text is. */
#include "cases.h"

#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PG INFRA_SQL_POSTGRESQL
#define MY INFRA_SQL_MYSQL
#define MARIA INFRA_SQL_MARIADB
#define KIND(name) INFRA_STATEMENT_##name
#define WHY(name) INFRA_STATEMENT_REASON_##name

static const struct {
    uint32_t dialect;
    const char *text;
    uint32_t kind;
    uint32_t reason;
    uint32_t flags;
    const char *name; /* NULL: none. */
} rows[] = {
    { PG, "SELECT 1", KIND(READ), WHY(VERB), 0, NULL },
    { PG, "", KIND(UNKNOWN), WHY(EMPTY), 0, NULL },
    { PG, "selectx 1", KIND(UNKNOWN), WHY(UNKNOWN_VERB), 0, NULL },
    { PG, "SELECT 'a", KIND(UNKNOWN), WHY(BROKEN), 0, NULL },
    { PG, "'a'", KIND(UNKNOWN), WHY(UNKNOWN_VERB), 0, NULL },
    { MY, "'a' b", KIND(UNKNOWN), WHY(UNKNOWN_VERB), 0, NULL },
    { PG, "EXPLAIN (ANALYZE; DELETE FROM t", KIND(WRITE), WHY(MULTIPLE), 0,
      NULL },
    { PG, "SELECT 1; SELECT 2", KIND(WRITE), WHY(MULTIPLE), 0, NULL },
    { PG, "SELECT 1; LISTEN c", KIND(WRITE), WHY(MULTIPLE), KIND(LISTEN),
      NULL },
    { PG, "SELECT a FROM t FOR SHARE", KIND(WRITE), WHY(LOCKS_ROWS),
      KIND(LOCKS_ROWS), NULL },
    { PG, "SELECT a INTO b FROM t", KIND(WRITE), WHY(INTO), 0, NULL },
    { PG, "SELECT a INTO TEMP b FROM t", KIND(WRITE), WHY(INTO),
      KIND(TEMPORARY), NULL },
    { PG, "WITH d AS (DELETE FROM t RETURNING 1) SELECT 1", KIND(WRITE),
      WHY(WRITES), 0, NULL },
    { PG, "SELECT nextval('s')", KIND(WRITE), WHY(FUNCTION), KIND(SEQUENCE),
      NULL },
    { PG, "SELECT f(1)", KIND(WRITE), WHY(UNKNOWN_FUNCTION),
      KIND(UNKNOWN_FUNCTION), NULL },
    { PG, "SELECT pg_advisory_lock(1)", KIND(WRITE), WHY(FUNCTION),
      KIND(SESSION_LOCK), NULL },
    { PG, "INSERT INTO t SELECT pg_advisory_lock(1)", KIND(WRITE), WHY(VERB),
      KIND(SESSION_LOCK), NULL },
    { PG, "INSERT INTO t (a) VALUES (1)", KIND(WRITE), WHY(VERB), 0, NULL },
    { PG, "SELECT pg_temp.f", KIND(WRITE), WHY(TEMPORARY), 0, NULL },
    { PG, "CREATE TEMP TABLE t (a int)", KIND(WRITE), WHY(VERB),
      KIND(TEMPORARY), NULL },
    { PG, "CREATE TABLE t (a f(1))", KIND(WRITE), WHY(VERB), 0, NULL },
    { PG, "BEGIN", KIND(BEGIN), WHY(VERB), 0, NULL },
    { PG, "BEGIN READ ONLY", KIND(BEGIN_READ_ONLY), WHY(VERB), 0, NULL },
    { PG, "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY", KIND(BEGIN),
      WHY(SERIALIZABLE), KIND(SERIALIZABLE), NULL },
    { PG, "COMMIT AND CHAIN", KIND(END), WHY(VERB), KIND(CHAIN), NULL },
    { PG, "COMMIT AND NO CHAIN", KIND(END), WHY(VERB), 0, NULL },
    { PG, "ROLLBACK TO SAVEPOINT a", KIND(SAVEPOINT), WHY(VERB), 0, NULL },
    { PG, "COMMIT PREPARED 'x'", KIND(WRITE), WHY(VERB), 0, NULL },
    { PG, "SET LOCAL work_mem = 1", KIND(LOCAL), WHY(VERB), 0, NULL },
    { PG, "SET TRANSACTION READ WRITE", KIND(LOCAL), WHY(VERB),
      KIND(READ_ONLY_MODE), NULL },
    { PG, "SET client_encoding = 'SJIS'", KIND(SESSION), WHY(VERB),
      KIND(LEXER_MODE), NULL },
    { PG, "SET default_transaction_read_only = off", KIND(WRITE),
      WHY(READ_ONLY_MODE), KIND(READ_ONLY_MODE), NULL },
    { PG, "DISCARD TEMP", KIND(SESSION), WHY(VERB),
      KIND(RESETS) | KIND(TEMPORARY), NULL },
    { PG, "DISCARD SEQUENCES", KIND(SESSION), WHY(VERB),
      KIND(RESETS) | KIND(SEQUENCE), NULL },
    { PG, "DISCARD PLANS", KIND(SESSION), WHY(VERB), KIND(RESETS), NULL },
    { PG, "UNLISTEN *", KIND(WRITE), WHY(VERB), KIND(RESETS) | KIND(LISTEN),
      NULL },
    { PG, "UNLISTEN c", KIND(WRITE), WHY(VERB), 0, NULL },
    { PG, "SET TRANSACTION READ ONLY", KIND(LOCAL), WHY(VERB),
      KIND(READ_ONLY_MODE) | KIND(READ_ONLY), NULL },
    { PG, "SET TRANSACTION READ ONLY, READ WRITE", KIND(LOCAL), WHY(VERB),
      KIND(READ_ONLY_MODE), NULL },
    { MY, "UNLOCK TABLES", KIND(WRITE), WHY(VERB),
      KIND(RESETS) | KIND(TABLE_LOCK), NULL },
    { PG, "DISCARD ALL", KIND(SESSION), WHY(VERB),
      KIND(RESETS) | KIND(DEALLOCATE) | KIND(LEXER_MODE), NULL },
    { PG, "PREPARE p (int) AS SELECT $1", KIND(READ), WHY(VERB), KIND(PREPARE),
      "p" },
    { PG, "PREPARE \"a b\" AS DELETE FROM t", KIND(WRITE), WHY(VERB),
      KIND(PREPARE), "\"a b\"" },
    { PG, "EXECUTE p (1)", KIND(WRITE), WHY(NAMED), KIND(EXECUTE), "p" },
    { PG, "EXECUTE p (f(1))", KIND(WRITE), WHY(UNKNOWN_FUNCTION),
      KIND(EXECUTE) | KIND(UNKNOWN_FUNCTION), "p" },
    { PG, "DEALLOCATE p", KIND(SESSION), WHY(NAMED), KIND(DEALLOCATE), "p" },
    { PG, "DEALLOCATE ALL", KIND(SESSION), WHY(VERB), KIND(DEALLOCATE), NULL },
    { PG, "DECLARE c CURSOR FOR SELECT 1", KIND(READ), WHY(VERB), KIND(CURSOR),
      "c" },
    { PG, "DECLARE c CURSOR WITH HOLD FOR SELECT 1", KIND(WRITE), WHY(NAMED),
      KIND(CURSOR) | KIND(HOLD), "c" },
    { PG, "FETCH 1 FROM c", KIND(WRITE), WHY(NAMED), KIND(CURSOR), "c" },
    { PG, "COPY t FROM STDIN", KIND(WRITE), WHY(VERB), KIND(COPY), NULL },
    { PG, "COPY t TO '/x'", KIND(WRITE), WHY(NODE), KIND(NODE), NULL },
    { PG, "LOCK t", KIND(WRITE), WHY(VERB), KIND(TABLE_LOCK), NULL },
    { PG, "LISTEN c", KIND(WRITE), WHY(VERB), KIND(LISTEN), NULL },
    { PG, "SELECT set_config('a.b', 'x', false)", KIND(SESSION), WHY(VERB), 0,
      NULL },
    { MY, "SELECT @a", KIND(WRITE), WHY(VARIABLE), KIND(READS_VARIABLE), NULL },
    { MY, "SELECT @a := 1", KIND(WRITE), WHY(VARIABLE), KIND(WRITES_VARIABLE),
      NULL },
    { MY, "SELECT 1 INTO @a", KIND(WRITE), WHY(INTO),
      KIND(WRITES_VARIABLE) | KIND(READS_VARIABLE), NULL },
    { MY, "SET @a = 1", KIND(SESSION), WHY(VERB), KIND(WRITES_VARIABLE), NULL },
    { MY, "SET autocommit = 0", KIND(SESSION), WHY(VERB), KIND(AUTOCOMMIT),
      NULL },
    { MY, "SET @@session.sql_mode = ''", KIND(SESSION), WHY(VERB),
      KIND(LEXER_MODE), NULL },
    { MY, "SET GLOBAL a = 1", KIND(WRITE), WHY(VERB), KIND(GLOBAL), NULL },
    { MY, "SET @@GLOBAL.a = 1", KIND(WRITE), WHY(VERB), KIND(GLOBAL), NULL },
    { MY, "SET TRANSACTION READ ONLY", KIND(SESSION), WHY(VERB),
      KIND(READ_ONLY_MODE) | KIND(READ_ONLY) | KIND(NEXT_TRANSACTION), NULL },
    { MY, "SET SESSION TRANSACTION READ ONLY", KIND(SESSION), WHY(VERB),
      KIND(READ_ONLY_MODE) | KIND(READ_ONLY), NULL },
    { MY, "SHOW WARNINGS", KIND(WRITE), WHY(FOLLOWS), KIND(FOLLOWS), NULL },
    { MY, "SHOW PROCESSLIST", KIND(WRITE), WHY(NODE), KIND(NODE), NULL },
    { MY, "SELECT SQL_CALC_FOUND_ROWS a FROM t", KIND(WRITE), WHY(FOLLOWS),
      KIND(FOLLOWED), NULL },
    { MY, "SELECT FOUND_ROWS()", KIND(WRITE), WHY(FUNCTION), KIND(FOLLOWS),
      NULL },
    { MY, "SELECT GET_LOCK('a', 1)", KIND(WRITE), WHY(FUNCTION),
      KIND(SESSION_LOCK), NULL },
    { MY, "LOCK TABLES t READ", KIND(WRITE), WHY(VERB), KIND(TABLE_LOCK),
      NULL },
    { MY, "EXPLAIN FORMAT = JSON UPDATE t SET a = 1", KIND(WRITE), WHY(WRITES),
      0, NULL },
    { MY, "EXPLAIN SELECT a FROM t FOR UPDATE", KIND(WRITE), WHY(LOCKS_ROWS),
      KIND(LOCKS_ROWS), NULL },
    { MY, "PREPARE p FROM 'SELECT 1'", KIND(SESSION), WHY(NAMED), KIND(PREPARE),
      "p" },
    { MY, "EXECUTE `p` USING @a", KIND(WRITE), WHY(VARIABLE),
      KIND(EXECUTE) | KIND(READS_VARIABLE), "`p`" },
    { MY, "XA START 'x'", KIND(WRITE), WHY(VERB), KIND(XA), NULL },
    { MY, "KILL 5", KIND(WRITE), WHY(VERB), KIND(NODE), NULL },
    { MARIA, "SELECT NEXT VALUE FOR s", KIND(WRITE), WHY(FUNCTION),
      KIND(SEQUENCE), NULL },
    { MARIA, "SET STATEMENT a=1 FOR SELECT 1", KIND(READ), WHY(VERB), 0, NULL },
    { MY, "SELECT /*!40000 a, */ b /*!99999 , c */ FROM t", KIND(UNKNOWN),
      WHY(VERSIONS), 0, NULL },
};

/* Kind, reason, flags and name of each. */
START_TEST(each_says_what_it_leaves_behind)
{
    const char *text = rows[_i].text;
    struct infra_statement s =
        sql_classified(rows[_i].dialect, 0, text, strlen(text));
    const char *name = rows[_i].name != NULL ? rows[_i].name : "";

    ck_assert_msg(s.kind == rows[_i].kind && s.reason == rows[_i].reason,
                  "%s: %s by %s", text, infra_statement_kind_name(s.kind),
                  infra_statement_reason_name(s.reason));
    ck_assert_msg(s.flags == rows[_i].flags, "%s: flags %x", text, s.flags);
    ck_assert_msg(s.name_length == strlen(name) &&
                      memcmp(text + s.name, name, s.name_length) == 0,
                  "%s: name %.*s", text, (int)s.name_length, text + s.name);
}
END_TEST

static const struct {
    uint32_t dialect;
    uint32_t mode;
    const char *text;
    uint32_t with;    /* Its kind in that mode, */
    uint32_t without; /* and in none. */
} modes[] = {
    { PG, INFRA_SQL_BACKSLASH_ESCAPES, "SELECT 'a\\' FOR UPDATE --'",
      KIND(READ), KIND(WRITE) },
    { MY, INFRA_SQL_NO_BACKSLASH_ESCAPES, "SELECT 'a\\' FOR UPDATE -- '",
      KIND(WRITE), KIND(READ) },
    { MY, INFRA_SQL_ANSI_QUOTES, "SELECT \"f\"(1)", KIND(WRITE), KIND(READ) },
    { MY, INFRA_SQL_ANSI_QUOTES, "SELECT \"a\\\" FOR UPDATE -- \"", KIND(WRITE),
      KIND(READ) },
    { PG, INFRA_SQL_UNSAFE_ENCODING, "SELECT '\x81\x5c'", KIND(UNKNOWN),
      KIND(READ) },
    { PG, INFRA_SQL_HINTS, "SELECT f(1) /* libinfra: replica */", KIND(READ),
      KIND(WRITE) },
    { PG, INFRA_SQL_HINTS, "-- libinfra: replica\nSELECT f(1)", KIND(READ),
      KIND(WRITE) },
    { PG, INFRA_SQL_HINTS, "/* libinfra: replica */ SELECT nextval('s')",
      KIND(WRITE), KIND(WRITE) },
    { PG, INFRA_SQL_HINTS, "/* libinfra: replica */ DELETE FROM t", KIND(WRITE),
      KIND(WRITE) },
    { PG, INFRA_SQL_HINTS, "SELECT 1 /*libinfra: primary*/", KIND(WRITE),
      KIND(READ) },
    { PG, INFRA_SQL_HINTS, "BEGIN READ ONLY -- libinfra: primary", KIND(BEGIN),
      KIND(BEGIN_READ_ONLY) },
    { MY, INFRA_SQL_HINTS, "SELECT 1 # libinfra: primary", KIND(WRITE),
      KIND(READ) },
};

/* The modes of a session change where strings end, and whether hints count. */
START_TEST(modes_change_how_a_text_is_read)
{
    const char *text = modes[_i].text;
    size_t length = strlen(text);

    ck_assert_msg(
        sql_classified(modes[_i].dialect, modes[_i].mode, text, length).kind ==
            modes[_i].with,
        "%s with mode %u", text, modes[_i].mode);
    ck_assert_msg(sql_classified(modes[_i].dialect, 0, text, length).kind ==
                      modes[_i].without,
                  "%s without mode", text);
}
END_TEST

static int knows(void *user, const char *schema, size_t schema_length,
                 const char *name, size_t name_length)
{
    const char *want = user;
    char all[64];

    (void)snprintf(all, sizeof all, "%.*s%s%.*s", (int)schema_length, schema,
                   schema_length != 0 ? "." : "", (int)name_length, name);
    return strcmp(all, want) == 0;
}

/* A function that the host declares harmless is, and only that one. */
START_TEST(the_host_declares_its_functions)
{
    char want[] = "app.f";
    struct infra_sql sql = { .size = sizeof sql,
                             .is_harmless = knows,
                             .user = want };
    struct infra_statement s;

    ck_assert_int_eq(infra_sql_classify(&sql, "SELECT app.f(1)", 15, &s), 0);
    ck_assert_uint_eq(s.kind, INFRA_STATEMENT_READ);
    ck_assert_int_eq(infra_sql_classify(&sql, "SELECT app.g(1)", 15, &s), 0);
    ck_assert_uint_eq(s.reason, INFRA_STATEMENT_REASON_UNKNOWN_FUNCTION);
    ck_assert_int_eq(infra_sql_classify(&sql, "SELECT nextval(f)", 17, &s), 0);
    ck_assert_uint_eq(s.kind, INFRA_STATEMENT_WRITE);
}
END_TEST

/* The word that is the reason is shown where it stands. */
START_TEST(the_reason_is_shown)
{
    const char *text = "SELECT a, my_func (1) FROM t FOR UPDATE";
    struct infra_statement s = sql_classified(PG, 0, text, strlen(text));

    ck_assert_uint_eq(s.at_length, 7);
    ck_assert_int_eq(strncmp(text + s.at, "my_func", 7), 0);
}
END_TEST

/* A NUL ends no text and belongs to none; a million parentheses, or a string of
 * 16 MiB, are no more than that. */
START_TEST(hostile_texts_are_only_texts)
{
    size_t size = 16u << 20;
    char *text = malloc(size);

    ck_assert_ptr_nonnull(text);
    ck_assert_uint_eq(sql_classified(PG, 0, "SELECT 1\0; DELETE", 17).reason,
                      INFRA_STATEMENT_REASON_BROKEN);
    ck_assert_uint_eq(sql_classified(PG, 0, "SELECT 'a\0'", 11).reason,
                      INFRA_STATEMENT_REASON_BROKEN);
    memset(text, '(', size);
    memcpy(text, "SELECT ", 7);
    ck_assert_uint_eq(sql_classified(PG, 0, text, 1000000).kind,
                      INFRA_STATEMENT_READ);
    memcpy(text + 1000000 - 10, " FOR SHARE", 10);
    ck_assert_uint_eq(sql_classified(PG, 0, text, 1000000).kind,
                      INFRA_STATEMENT_WRITE);
    memset(text, 'x', size);
    memcpy(text, "SELECT '", 8);
    text[size - 1] = '\'';
    ck_assert_uint_eq(sql_classified(MY, 0, text, size).kind,
                      INFRA_STATEMENT_READ);
    ck_assert_uint_eq(sql_classified(MY, 0, text, size - 1).kind,
                      INFRA_STATEMENT_UNKNOWN);
    free(text);
}
END_TEST

/* What no caller may say is refused, and leaves the answer as it was. */
START_TEST(bad_arguments_are_refused)
{
    struct infra_sql sql = { .size = sizeof sql };
    struct {
        struct infra_sql sql;
        uint64_t unknown;
    } newer = { .sql = { .size = sizeof newer }, .unknown = 1 };
    struct infra_statement s = { .count = 7 };

    ck_assert_int_eq(infra_sql_classify(NULL, "", 0, &s), INFRA_EINVAL);
    ck_assert_int_eq(infra_sql_classify(&sql, "", 0, NULL), INFRA_EINVAL);
    ck_assert_int_eq(infra_sql_classify(&sql, NULL, 1, &s), INFRA_EINVAL);
    ck_assert_int_eq(infra_sql_classify(&sql, "", (size_t)UINT32_MAX, &s),
                     INFRA_EINVAL);
    sql.dialect = 3;
    ck_assert_int_eq(infra_sql_classify(&sql, "", 0, &s), INFRA_EINVAL);
    sql.dialect = 0;
    sql.mode = 1u << 5;
    ck_assert_int_eq(infra_sql_classify(&sql, "", 0, &s), INFRA_EINVAL);
    sql.mode = 0;
    sql.size = 8;
    ck_assert_int_eq(infra_sql_classify(&sql, "", 0, &s), INFRA_EINVAL);
    ck_assert_uint_eq(s.count, 7);
    ck_assert_int_eq(infra_sql_classify(&newer.sql, "", 0, &s), INFRA_ESTRUCT);
    ck_assert_uint_eq(s.count, 7);
    newer.unknown = 0;
    ck_assert_int_eq(infra_sql_classify(&newer.sql, "SELECT 1", 8, &s),
                     INFRA_OK);
    ck_assert_uint_eq(s.kind, INFRA_STATEMENT_READ);
    sql.size = sizeof sql;
    ck_assert_int_eq(infra_sql_classify(&sql, NULL, 0, &s), INFRA_OK);
    ck_assert_uint_eq(s.count, 0);
}
END_TEST

/* Each enumerator has a name of its own. */
START_TEST(names)
{
    for (uint32_t i = 0; i < INFRA_STATEMENT_LOCAL; i++) {
        ck_assert_str_ne(infra_statement_kind_name(i),
                         infra_statement_kind_name(i + 1));
    }
    for (uint32_t i = 0; i < INFRA_STATEMENT_REASON_VERSIONS; i++) {
        ck_assert_str_ne(infra_statement_reason_name(i),
                         infra_statement_reason_name(i + 1));
    }
    ck_assert_str_eq(infra_statement_kind_name(INFRA_STATEMENT_LOCAL + 1),
                     "unknown");
    ck_assert_str_eq(
        infra_statement_reason_name(INFRA_STATEMENT_REASON_VERSIONS + 1),
        "unknown");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sql");
    TCase *tcase = tcase_create("sql");

    tcase_add_loop_test(tcase, each_says_what_it_leaves_behind, 0,
                        (int)(sizeof rows / sizeof rows[0]));
    tcase_add_loop_test(tcase, modes_change_how_a_text_is_read, 0,
                        (int)(sizeof modes / sizeof modes[0]));
    tcase_add_test(tcase, the_host_declares_its_functions);
    tcase_add_test(tcase, the_reason_is_shown);
    tcase_add_test(tcase, hostile_texts_are_only_texts);
    tcase_add_test(tcase, bad_arguments_are_refused);
    tcase_add_test(tcase, names);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
