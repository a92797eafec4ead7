/* SPDX-License-Identifier: MIT */
/**
 * @file sql.h
 * From a text of SQL to struct infra_statement: may a replica run it, and what
 * does it leave on its connection.
 *
 * @code
 * struct infra_sql sql = { .size = sizeof sql,
 *                          .dialect = INFRA_SQL_POSTGRESQL };
 * struct infra_statement s;
 *
 * if (infra_sql_classify(&sql, text, length, &s) == INFRA_OK &&
 *     s.kind == INFRA_STATEMENT_READ) {
 *     send_to_a_replica();
 * }
 * log("%s: %.*s", infra_statement_reason_name(s.reason), (int)s.at_length,
 *     text + s.at);
 * @endcode
 *
 * **How it decides.**  The whole text is read once, token by token; there is no
 * grammar.  What is not known to be harmless belongs on the primary: an unknown
 * first word, a function in neither the dialect's list nor the host's, an open
 * quote, several statements in one text.  A lock clause, INTO, or a verb that
 * writes is found at any depth.  This is sound since SELECT, FOR, INTO and WITH
 * are reserved words in PostgreSQL, and the verbs that write in MySQL.
 *
 * **Executable comments** of MySQL and MariaDB run on some versions only.  Such
 * a text is read twice, with the comment and without it, and the safer answer
 * counts.
 *
 * **What no classifier can see**, so that a replica must be read-only by itself
 * (hot_standby, super_read_only): views, rules, policies, defaults, operators
 * and casts that call functions; PostgreSQL's attribute notation (`t.f` for
 * `f(t)`); a built-in function that the host has replaced.
 *
 * Where peers differ, this module takes the server's view: EXPLAIN without
 * ANALYZE reads, but EXPLAIN of a write or a lock does not in MySQL and
 * MariaDB, since a read-only MariaDB refuses it; random() and pg_sleep() read;
 * SHOW reads unless its answer belongs to a connection or a node.
 *
 * Cost: O(length), at most twice, about a nanosecond a byte; no allocation, no
 * recursion, a fixed amount of stack. Sources: the PostgreSQL 15 and MySQL 8
 * manuals on lexical structure and functions, and
 * ClassifyUtilityCommandAsReadOnly() of PostgreSQL.
 */
#ifndef INFRA_SQL_H
#define INFRA_SQL_H

#include <infra/statement.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Whose SQL it is.  Append-only. */
enum infra_sql_dialect {
    INFRA_SQL_POSTGRESQL = 0,
    INFRA_SQL_MYSQL = 1,
    INFRA_SQL_MARIADB = 2
};

/**
 * @name Modes
 * Settings of the session that change how a text is read.  0: the server's
 * defaults.
 * @{
 */
/** PostgreSQL: standard_conforming_strings is off, so a backslash in '...'
 *  escapes. */
#define INFRA_SQL_BACKSLASH_ESCAPES (1u << 0)
/** MySQL, MariaDB: sql_mode has NO_BACKSLASH_ESCAPES (status flag 0x0200). */
#define INFRA_SQL_NO_BACKSLASH_ESCAPES (1u << 1)
/** MySQL, MariaDB: sql_mode has ANSI_QUOTES, so "..." is an identifier. */
#define INFRA_SQL_ANSI_QUOTES (1u << 2)
/** The encoding has ASCII bytes inside its characters (SJIS, BIG5, GBK,
 *  GB18030, UHC, JOHAB): a text with any byte above 127 is BROKEN. */
#define INFRA_SQL_UNSAFE_ENCODING (1u << 3)
/** Comments of the form `libinfra: primary` or `libinfra: replica` count.  The
 *  first sends a statement to the primary; the second declares that the
 *  functions it calls are harmless. */
#define INFRA_SQL_HINTS (1u << 4)
/** @} */

/** The way texts of one session are read.  A plain value. */
struct infra_sql {
    size_t size;      /**< sizeof(struct infra_sql). */
    uint32_t dialect; /**< enum infra_sql_dialect. */
    uint32_t mode;    /**< INFRA_SQL_... */
    /**
     * Declare a function of the host's own.  NULL: unknown functions need the
     * primary.
     *
     * @param schema  Bytes as they stand in the text, quotes included;
     *                @p schema_length 0: the name has no schema.
     * @return 1: it neither writes nor locks, and its answer depends on neither
     *         connection nor node (PostgreSQL: IMMUTABLE or STABLE); 0: it may.
     */
    int (*is_harmless)(void *user, const char *schema, size_t schema_length,
                       const char *name, size_t name_length);
    void *user; /**< First argument of is_harmless(). */
};

/**
 * Classify a text.
 *
 * @param text    Need not end with NUL; NULL only with @p length 0.
 * @param length  Bytes.
 * @param[out] ret  Set on success only.  Text that is not SQL is no error: its
 *                  kind is INFRA_STATEMENT_UNKNOWN, with the reason.
 * @return INFRA_OK; INFRA_EINVAL: NULL, an unknown dialect or mode, or more
 * than
 *         UINT32_MAX bytes; INFRA_ESTRUCT: a struct from the future.
 *
 * Thread safety: any.
 */
INFRA_API int infra_sql_classify(const struct infra_sql *sql, const char *text,
                                 size_t length, struct infra_statement *ret);

#ifdef __cplusplus
}
#endif

#endif
