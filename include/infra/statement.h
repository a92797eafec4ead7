/* SPDX-License-Identifier: MIT */
/**
 * @file statement.h
 * Words for a database statement: where it may run, why, and what it leaves
 * behind on its connection.
 *
 * `sql` finds them in a text, `router` decides by them.  A host that knows the
 * intent of each query fills in a struct infra_statement itself and needs no
 * `sql`:
 *
 * @code
 * struct infra_statement read = { .kind = INFRA_STATEMENT_READ, .count = 1 };
 * struct infra_statement write = { .kind = INFRA_STATEMENT_WRITE, .count = 1 };
 * @endcode
 *
 * All zeros is a statement of which nothing is known; it belongs on the
 * primary.
 */
#ifndef INFRA_STATEMENT_H
#define INFRA_STATEMENT_H

#include <infra/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What a statement is to a router.  Append-only. */
enum infra_statement_kind {
    INFRA_STATEMENT_UNKNOWN = 0, /**< Not understood: the primary. */
    INFRA_STATEMENT_READ = 1,    /**< Changes nothing: any node. */
    INFRA_STATEMENT_WRITE = 2,   /**< Needs the primary. */
    INFRA_STATEMENT_SESSION = 3, /**< Sets state of the session: every node that
                                      serves this session must get it. */
    INFRA_STATEMENT_BEGIN = 4,   /**< Opens a transaction that may write. */
    INFRA_STATEMENT_BEGIN_READ_ONLY = 5, /**< Opens one that cannot. */
    INFRA_STATEMENT_END = 6,             /**< COMMIT, ROLLBACK, END, ABORT. */
    INFRA_STATEMENT_SAVEPOINT = 7, /**< SAVEPOINT, RELEASE, ROLLBACK TO. */
    INFRA_STATEMENT_LOCAL = 8      /**< Sets state of the open transaction: it
                                        goes where the transaction is. */
};

/** Why a statement has its kind.  Append-only. */
enum infra_statement_reason {
    INFRA_STATEMENT_REASON_HOST = 0,  /**< The host said so. */
    INFRA_STATEMENT_REASON_VERB = 1,  /**< By its first word. */
    INFRA_STATEMENT_REASON_EMPTY = 2, /**< There is no statement. */
    INFRA_STATEMENT_REASON_UNKNOWN_VERB = 3,
    INFRA_STATEMENT_REASON_BROKEN = 4,   /**< An open quote or comment, a NUL,
                                              an unsafe encoding. */
    INFRA_STATEMENT_REASON_MULTIPLE = 5, /**< Several statements in one text. */
    INFRA_STATEMENT_REASON_LOCKS_ROWS = 6, /**< FOR UPDATE and the like. */
    INFRA_STATEMENT_REASON_INTO = 7,       /**< SELECT ... INTO. */
    INFRA_STATEMENT_REASON_WRITES = 8,     /**< DML inside a query. */
    INFRA_STATEMENT_REASON_FUNCTION = 9,   /**< A function that writes,
                                                      locks, or depends on its
                                                      connection or node. */
    INFRA_STATEMENT_REASON_UNKNOWN_FUNCTION = 10, /**< A function about which
                                                       nothing is known. */
    INFRA_STATEMENT_REASON_VARIABLE = 11,  /**< A variable of the connection. */
    INFRA_STATEMENT_REASON_TEMPORARY = 12, /**< A temporary table. */
    INFRA_STATEMENT_REASON_NAMED = 13,     /**< What the named prepared
                                                statement or cursor is. */
    INFRA_STATEMENT_REASON_NODE = 14,    /**< The answer depends on the node. */
    INFRA_STATEMENT_REASON_FOLLOWS = 15, /**< Asks about the last statement. */
    INFRA_STATEMENT_REASON_READ_ONLY_MODE = 16, /**< Changes what may write. */
    INFRA_STATEMENT_REASON_SERIALIZABLE = 17,   /**< A standby refuses it. */
    INFRA_STATEMENT_REASON_HINT = 18,           /**< A comment says so. */
    /** Executable comments make it another statement on each version. */
    INFRA_STATEMENT_REASON_VERSIONS = 19
};

/**
 * @name Flags of a statement
 * What it does besides.  They are set for each kind, also for those that go to
 * the primary anyway, since they tell what a connection carries afterwards.
 * @{
 */
/** FOR UPDATE and the like. */
#define INFRA_STATEMENT_LOCKS_ROWS (1u << 0)
/** Takes or reads a value of a sequence. */
#define INFRA_STATEMENT_SEQUENCE (1u << 1)
/** Calls a function about which nothing is known. */
#define INFRA_STATEMENT_UNKNOWN_FUNCTION (1u << 2)
/** Reads a user variable. */
#define INFRA_STATEMENT_READS_VARIABLE (1u << 3)
/** Sets a user variable. */
#define INFRA_STATEMENT_WRITES_VARIABLE (1u << 4)
/** Asks about the statement before. */
#define INFRA_STATEMENT_FOLLOWS (1u << 5)
/** The next statement may ask about it (SQL_CALC_FOUND_ROWS). */
#define INFRA_STATEMENT_FOLLOWED (1u << 6)
/** Makes a temporary table. */
#define INFRA_STATEMENT_TEMPORARY (1u << 7)
/** Takes or releases an advisory lock, or GET_LOCK(). */
#define INFRA_STATEMENT_SESSION_LOCK (1u << 8)
/** Locks tables. */
#define INFRA_STATEMENT_TABLE_LOCK (1u << 9)
/** LISTEN. */
#define INFRA_STATEMENT_LISTEN (1u << 10)
/** Opens, reads or closes the named cursor. */
#define INFRA_STATEMENT_CURSOR (1u << 11)
/** That cursor outlives its transaction. */
#define INFRA_STATEMENT_HOLD (1u << 12)
/** Makes the named statement; the kind is that of its body, if that is
 *  known. */
#define INFRA_STATEMENT_PREPARE (1u << 13)
/** Runs the named statement. */
#define INFRA_STATEMENT_EXECUTE (1u << 14)
/** Drops the named statement; without a name, all of them. */
#define INFRA_STATEMENT_DEALLOCATE (1u << 15)
/** Rows, or a file, follow from the client. */
#define INFRA_STATEMENT_COPY (1u << 16)
/** Its answer or effect is that of one node. */
#define INFRA_STATEMENT_NODE (1u << 17)
/** Sets the mode of the next transaction. */
#define INFRA_STATEMENT_NEXT_TRANSACTION (1u << 18)
/** Changes what may write. */
#define INFRA_STATEMENT_READ_ONLY_MODE (1u << 19)
/** Asks for SERIALIZABLE, which a standby refuses. */
#define INFRA_STATEMENT_SERIALIZABLE (1u << 20)
/** Changes how the texts behind it are read. */
#define INFRA_STATEMENT_LEXER_MODE (1u << 21)
/** Sets autocommit. */
#define INFRA_STATEMENT_AUTOCOMMIT (1u << 22)
/** Ends a transaction and opens another. */
#define INFRA_STATEMENT_CHAIN (1u << 23)
/** Drops state of the session: all of what the other flags name (LISTEN,
 *  TABLE_LOCK, SESSION_LOCK, TEMPORARY, SEQUENCE); with DEALLOCATE and
 *  LEXER_MODE everything (DISCARD ALL). */
#define INFRA_STATEMENT_RESETS (1u << 24)
/** Sets state of a whole server: never send it to several. */
#define INFRA_STATEMENT_GLOBAL (1u << 25)
/** A distributed transaction. */
#define INFRA_STATEMENT_XA (1u << 26)
/** With READ_ONLY_MODE: what it sets is READ ONLY. */
#define INFRA_STATEMENT_READ_ONLY (1u << 27)
/** @} */

/** One statement, or one text with several.  24 bytes. */
struct infra_statement {
    uint8_t kind;         /**< enum infra_statement_kind. */
    uint8_t reason;       /**< enum infra_statement_reason. */
    uint16_t count;       /**< Statements in the text; 65535: or more. */
    uint32_t flags;       /**< INFRA_STATEMENT_... */
    uint32_t name;        /**< Offset of the name of a prepared statement or
                              cursor in the text, */
    uint32_t name_length; /**< and its length with its quotes; 0: no name. */
    uint32_t at;          /**< Offset of the word that is the reason, */
    uint32_t at_length;   /**< and its length; 0: no single word is. */
};

/**
 * Join a statement to those before it that go to the server as one unit, such
 * as the messages up to PostgreSQL's Sync.  The unit is a read only if each of
 * them is, and a READ ONLY transaction only if it begins as one; else, where
 * they differ, it is a write for the reason MULTIPLE.  Flags are united, counts
 * added; the spans are those of the first.
 *
 * @param unit  All zeros: @p next is the first.
 *
 * Thread safety: any.
 */
INFRA_API void infra_statement_join(struct infra_statement *unit,
                                    const struct infra_statement *next);

/**
 * Name of an enum infra_statement_kind, such as "read".
 *
 * @return A constant text; "unknown" for a number that is none.
 *
 * Thread safety: any.
 */
INFRA_API const char *infra_statement_kind_name(uint32_t kind);

/**
 * Name of an enum infra_statement_reason, such as "locks-rows".
 *
 * @return A constant text; "unknown" for a number that is none.
 *
 * Thread safety: any.
 */
INFRA_API const char *infra_statement_reason_name(uint32_t reason);

#ifdef __cplusplus
}
#endif

#endif
