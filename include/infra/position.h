/* SPDX-License-Identifier: MIT */
/**
 * @file position.h
 * A position in the history of a primary: what a client has written or read, or
 * how far a replica is.
 *
 * A client that has written at position *p* reads its own write on each replica
 * whose position *covers* p.  `router` does this for the sessions of one
 * process; a host that carries positions elsewhere, such as in a cookie, uses
 * infra_position_print() and infra_position_scan().
 *
 * | kind | text of the server | one part |
 * |---|---|---|
 * | NUMBER | `1234` | a number that only grows |
 * | LSN | `3:16/B374D848`, or `16/B374D848` | timeline, if known, and byte |
 * | MARIADB | `0-1-270,5-3-11` (@@gtid_slave_pos) | domain and sequence |
 * | MYSQL | `uuid:1-5:7,uuid:tag:1-9` (@@gtid_executed) | an interval |
 *
 * Where one of two timelines is not known, the bytes alone are compared.  For
 * LSN, after a write, ask for pg_current_wal_insert_lsn():
 * pg_current_wal_lsn() is behind the commit where synchronous_commit is off.
 *
 * **Epochs.**  A failover may lose the end of a history, and the next primary
 * writes other things under the same numbers.  Each part therefore carries the
 * fencing token of the primary under which it was acknowledged (failover.h).
 * `router` knows where each reign began, and says *lost* rather than *covered*.
 *
 * **Bounds.**  A position holds INFRA_POSITION_PARTS_MAX parts.  Intervals of
 * one source beyond that are joined over their gaps: a position that is needed
 * then asks for more than necessary, never for less.
 *
 * Sources: MySQL manual on GTID sets; MariaDB knowledge base on GTID;
 * PostgreSQL manual on timelines.
 */
#ifndef INFRA_POSITION_H
#define INFRA_POSITION_H

#include <infra/base.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Kinds of positions.  Append-only. */
enum infra_position_kind {
    INFRA_POSITION_NONE = 0, /**< Nothing; covered by everything. */
    INFRA_POSITION_NUMBER = 1,
    INFRA_POSITION_LSN = 2,
    INFRA_POSITION_MARIADB = 3,
    INFRA_POSITION_MYSQL = 4
};

/** Answers of infra_position_covers().  Append-only. */
enum infra_position_answer {
    INFRA_POSITION_ANSWER_NO = 0,
    INFRA_POSITION_ANSWER_YES = 1,
    /** Kinds, epochs or timelines differ, or @c have was too long to be held
     *  exactly. */
    INFRA_POSITION_ANSWER_UNKNOWN = 2
};

#define INFRA_POSITION_PARTS_MAX 8u
/** Bytes that hold each printed position, with its NUL. */
#define INFRA_POSITION_TEXT_MAX 800u

/** One interval of one source. */
struct infra_position_part {
    uint64_t epoch;     /**< Fencing token; 0: none is in use. */
    uint8_t source[16]; /**< MYSQL: the UUID; LSN: timeline, 0 if not known, and
                             MARIADB: domain, in the first four bytes, big end
                             first. */
    uint64_t tag;       /**< MYSQL: hash of the tag; 0: none. */
    uint64_t first;     /**< MYSQL: first of the interval; others: 0. */
    uint64_t last;      /**< Number, byte, sequence, or last of the interval. */
};

/** A position: a plain value.  All zeros: NONE. */
struct infra_position {
    uint8_t kind;  /**< enum infra_position_kind. */
    uint8_t count; /**< Parts in use, sorted by source, tag, epoch, first. */
    uint8_t is_filled; /**< 1: gaps were joined. */
    uint8_t reserved[5];
    struct infra_position_part parts[INFRA_POSITION_PARTS_MAX];
};

/**
 * Read the text in which a server says a position.
 *
 * @param kind    enum infra_position_kind, not NONE.
 * @param epoch   Fencing token of the primary whose history it is; 0: none.
 * @param text    Need not end with NUL.  White space between parts is skipped;
 *                an empty text is the position NONE.
 * @param length  Bytes.
 * @param[out] ret  Set on success only.
 * @return INFRA_OK; INFRA_EINVAL: NULL, or not a position of this kind;
 *         INFRA_EFULL: more sources than INFRA_POSITION_PARTS_MAX.
 *
 * Thread safety: any.
 */
INFRA_API int infra_position_parse(uint32_t kind, uint64_t epoch,
                                   const char *text, size_t length,
                                   struct infra_position *ret);

/**
 * Raise @p into until it covers @p from as well.
 *
 * @return INFRA_OK; INFRA_EINVAL: NULL, or of different kinds; INFRA_EFULL:
 *         more sources than fit.  @p into then stays as it was.
 *
 * Thread safety: any.
 */
INFRA_API int infra_position_merge(struct infra_position *into,
                                   const struct infra_position *from);

/**
 * Does a server at @p have hold everything up to @p need?
 *
 * @return enum infra_position_answer.  A NONE of @p need is always covered; a
 *         NONE of @p have covers nothing else.
 *
 * Thread safety: any.
 */
INFRA_API uint32_t infra_position_covers(const struct infra_position *have,
                                         const struct infra_position *need);

/**
 * Print a position as a short text of the characters A-Z a-z 0-9 _ - (for a
 * cookie or a header), with a checksum against truncation.  The checksum is no
 * signature: a host that gives the text to clients it does not trust signs it,
 * since a position from the future keeps their reads on the primary.
 *
 * @param[out] buffer  Gets the text and a NUL.
 * @param size         INFRA_POSITION_TEXT_MAX bytes always suffice.
 * @return Its length; INFRA_EINVAL: NULL or no position; INFRA_EFULL: the
 *         buffer is too small.
 *
 * Thread safety: any.
 */
INFRA_API int infra_position_print(const struct infra_position *position,
                                   char *buffer, size_t size);

/**
 * Read what infra_position_print() has printed.
 *
 * @param[out] ret  Set on success only.
 * @return INFRA_OK; INFRA_EINVAL: NULL, not such a text, or a wrong checksum.
 *
 * Thread safety: any.
 */
INFRA_API int infra_position_scan(const char *text, size_t length,
                                  struct infra_position *ret);

/** Name of an enum infra_position_kind ("lsn"), or "unknown".  Thread safety:
 *  any. */
INFRA_API const char *infra_position_kind_name(uint32_t kind);

/** Name of an enum infra_position_answer ("yes"), or "unknown".  Thread
 *  safety: any. */
INFRA_API const char *infra_position_answer_name(uint32_t answer);

#ifdef __cplusplus
}
#endif

#endif
