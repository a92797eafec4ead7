/* SPDX-License-Identifier: MIT */
/**
 * @file access.h
 * The firewall of a program: may this source connect?  Rules of prefixes, an
 * answer in nanoseconds, and the rule that gave it.
 *
 * @code
 * struct infra_access_problem problem;
 * struct infra_access *access = NULL;
 * struct infra_access_reader *reader = NULL;
 * uint32_t line;
 *
 * infra_access_create(&access, NULL);
 * infra_access_reader_create(&reader, access);         (for each thread)
 * if (infra_access_load(access, text, size, &problem) != INFRA_OK) {
 *     log("line %u: %s", problem.line, infra_access_flaw_name(problem.flaw));
 * }
 * infra_access_publish(access);
 *
 * if (!infra_access_check(reader, &source, &line)) {     (on its thread)
 *     log("denied by line %u", line);
 *     close(fd);
 * }
 * @endcode
 *
 * **The longest prefix decides**, as in a routing table; the order of the rules
 * does not matter.  What no rule contains gets the default, which is to deny,
 * unless the options or the text say otherwise.  IPv4 and IPv6 are apart: ::/0
 * says nothing about IPv4 (address.h).
 *
 * **Publishing.**  `infra_access` is the control side, for one thread.
 * publish() compiles its rules into an immutable table, which each reader sees
 * at its next check: the former rules or the new ones, never a mixture.
 * Readers take no lock.  Before the first publish everything is denied.
 *
 * **Text.**  A rule on each line; `#` begins a comment:
 *
 *     default deny
 *     allow 10.0.0.0/8
 *     deny  10.66.0.0/16      # the guests' network
 *     allow 2001:db8::/32
 *
 * The words may be in upper case; a line may end with CR LF.  Each rule's id is
 * the number of its line.  A text with a flaw changes nothing.
 *
 * **Cost.**  Rules become a sorted array of disjoint ranges, at most two for
 * each rule and one more, with an index over the first bits of an address, as
 * in DXR (Zec, Rizzo, Mikuc 2012).  A check of IPv4 takes 4 to 9 ns at up to
 * 100 000 rules.  IPv6 has no index: its check is a binary search.  A publish
 * takes O(n log n), a table 12 bytes for each range of IPv4 and 24 for each of
 * IPv6, and an index of at most 256 KiB.
 *
 * **What it cannot do.**  It knows no ports, protocols or destinations, and
 * keeps no state of connections: see limit.h for rates and caps.  A source may
 * be forged in UDP.  infra_access_print_nft() hands the rules to the kernel,
 * which drops packets before they cost the program anything.
 */
#ifndef INFRA_ACCESS_H
#define INFRA_ACCESS_H

#include <infra/address.h>

#ifdef __cplusplus
extern "C" {
#endif

#define INFRA_ACCESS_RULES_MAX 4000000u
#define INFRA_ACCESS_READERS_MAX 4096u

/** The rule of an answer that no rule gave. */
#define INFRA_ACCESS_RULE_NONE UINT32_MAX

/** What a rule does.  Append-only. */
enum infra_access_action {
    INFRA_ACCESS_DENY = 0,
    INFRA_ACCESS_ALLOW = 1,
};

/** What is wrong with a rule.  Append-only. */
enum infra_access_flaw {
    INFRA_ACCESS_FLAW_NONE = 0,
    INFRA_ACCESS_FLAW_ADDRESS = 1, /**< The first four are those of */
    INFRA_ACCESS_FLAW_ZONE = 2,    /**< enum infra_prefix_flaw. */
    INFRA_ACCESS_FLAW_LENGTH = 3,
    INFRA_ACCESS_FLAW_HOST_BITS = 4,
    INFRA_ACCESS_FLAW_WORD = 5,      /**< Not allow, deny or default. */
    INFRA_ACCESS_FLAW_MISSING = 6,   /**< Nothing after that word. */
    INFRA_ACCESS_FLAW_TRAILING = 7,  /**< More after the rule. */
    INFRA_ACCESS_FLAW_CONFLICT = 8,  /**< `other_line` has the same prefix with
                                          the other action. */
    INFRA_ACCESS_FLAW_DEFAULT = 9,   /**< `other_line` has a default, too. */
    INFRA_ACCESS_FLAW_TOO_MANY = 10, /**< More rules than rules_max. */
};

/** Name of an action ("deny"), or "unknown".  Thread safety: any. */
INFRA_API const char *infra_access_action_name(uint32_t action);

/** Name of a flaw ("host bits set"), or "unknown".  Thread safety: any. */
INFRA_API const char *infra_access_flaw_name(uint32_t flaw);

/** The first flaw of a text. */
struct infra_access_problem {
    uint32_t line;       /**< From 1. */
    uint32_t flaw;       /**< enum infra_access_flaw. */
    uint32_t other_line; /**< 0: none. */
    uint32_t column;     /**< Of the word with the flaw, in bytes from 1. */
};

/** A rule. */
struct infra_access_rule {
    size_t size; /**< sizeof(struct infra_access_rule). */
    struct infra_prefix prefix;
    uint32_t action; /**< enum infra_access_action. */
    uint32_t id;     /**< The host's, told with each answer; not
                                     INFRA_ACCESS_RULE_NONE. */
    uint32_t reserved;
};

struct infra_access;        /**< The control side. */
struct infra_access_reader; /**< One thread's view. */

struct infra_access_options {
    size_t size; /**< sizeof(struct infra_access_options). */
    const struct infra_allocator *allocator; /**< NULL: libc.  Copied. */
    uint32_t rules_max;      /**< Up to INFRA_ACCESS_RULES_MAX; 0: 1000000. */
    uint32_t readers_max;    /**< Up to INFRA_ACCESS_READERS_MAX; 0: 64. */
    uint32_t default_action; /**< enum infra_access_action; 0: deny. */
    uint32_t reserved;
};

/**
 * Create a control side without rules.
 *
 * @param[out] ret  Set on success only; release with infra_access_destroy().
 * @param options   NULL: all defaults.
 * @return INFRA_OK, INFRA_ENOMEM, INFRA_EINVAL or INFRA_ESTRUCT.  Allocates.
 *
 * Thread safety: any.
 */
INFRA_API INFRA_NODISCARD int infra_access_create(
    struct infra_access **ret, const struct infra_access_options *options);

/**
 * Destroy it; its readers must be gone.  NULL: nothing.
 *
 * Thread safety: owner.
 */
INFRA_API void infra_access_destroy(struct infra_access *access);

/**
 * Add a rule, which counts from the next publish.
 *
 * @return INFRA_OK; INFRA_EINVAL: NULL, an unknown action, the id
 *         INFRA_ACCESS_RULE_NONE, or a prefix with host bits or more than 128;
 *         INFRA_EFULL: rules_max; INFRA_ENOMEM; INFRA_ESTRUCT.  Allocates.
 *         publish() finds a rule of the same prefix with the other action.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_access_add(struct infra_access *access,
                               const struct infra_access_rule *rule);

/**
 * Remove all rules; the default is that of the options again.
 *
 * @return INFRA_OK; INFRA_EINVAL: NULL.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_access_clear(struct infra_access *access);

/**
 * Replace all rules by those of a text, in one step.
 *
 * @param text  Need not end with a zero; NULL only with @p size 0.
 * @param[out] ret  The first flaw, when the result is INFRA_EINVAL; NULL: not
 *                  wanted.
 * @return INFRA_OK; INFRA_EINVAL: NULL or a flaw, INFRA_ENOMEM.  Allocates.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_access_load(struct infra_access *access, const char *text,
                                size_t size, struct infra_access_problem *ret);

/**
 * Compile the rules and show them to all readers.
 *
 * @return INFRA_OK; INFRA_EEXIST: a prefix has two rules with different
 *         actions; INFRA_ENOMEM; INFRA_EINVAL: NULL.  After a failure readers
 *         keep the table that they have.  Allocates.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_access_publish(struct infra_access *access);

/**
 * Create a thread's view.
 *
 * @param[out] ret  Set on success only.
 * @return INFRA_OK, INFRA_ENOMEM; INFRA_EINVAL: NULL; INFRA_EFULL: readers_max.
 *         Allocates.
 *
 * Thread safety: owner (of the access).
 */
INFRA_API INFRA_NODISCARD int infra_access_reader_create(
    struct infra_access_reader **ret, struct infra_access *access);

/**
 * Destroy it, when its thread does not use it any more.  NULL: nothing.
 *
 * Thread safety: owner (of the access).
 */
INFRA_API void infra_access_reader_destroy(struct infra_access_reader *reader);

/**
 * May @p address connect?
 *
 * @param[out] ret_rule  Id of the rule that decided, or INFRA_ACCESS_RULE_NONE
 *                       for the default; NULL: not wanted.
 * @return 1: yes; 0: no, also if a pointer is NULL or nothing was published.
 *
 * It may overlap with calls on the access.
 *
 * Thread safety: owner (of the reader).
 */
INFRA_API int infra_access_check(struct infra_access_reader *reader,
                                 const struct infra_address *address,
                                 uint32_t *ret_rule);

/**
 * Adopt the newest table without a check, so that an idle thread does not keep
 * an old one.
 *
 * Thread safety: owner (of the reader).
 */
INFRA_API void infra_access_reader_refresh(struct infra_access_reader *reader);

/**
 * Say why in one line: the deciding rule, and each wider one that it overrules,
 * by the rules of the control side, published or not.
 *
 *     deny by rule 3 (10.66.0.0/16), over rule 2 (allow 10.0.0.0/8)
 *
 * Cost: O(rules).
 *
 * @param ret  At most @p size bytes with a zero; a longer text is cut.
 * @return Length of the whole text, as snprintf(); INFRA_EINVAL: NULL.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_access_explain(const struct infra_access *access,
                                   const struct infra_address *address,
                                   char *ret, size_t size);

/** What an access has, for a page or for metrics. */
struct infra_access_status {
    size_t size;      /**< sizeof(struct infra_access_status). */
    uint64_t allowed; /**< Checks of all readers, those that are gone too. */
    uint64_t denied;
    uint64_t version; /**< Publishes. */
    uint64_t bytes;   /**< Of the published table. */
    uint32_t rules;   /**< Of the control side. */
    uint32_t ranges;  /**< Of the published table, both families. */
    uint32_t readers;
    uint32_t default_action; /**< Of the control side. */
};

/**
 * Fill @p ret.
 *
 * @return INFRA_OK; INFRA_EINVAL: NULL, or a bad size.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_access_inspect(const struct infra_access *access,
                                   struct infra_access_status *ret);

/**
 * @name nftables
 * The published rules as a text for `nft -f`, so that the kernel drops before
 * the program sees a connection.
 *
 * The text replaces one table in one step: two sets with the ranges of IPv4 and
 * IPv6 that the default does not decide, and a chain that drops TCP to given
 * ports from denied sources.  The verdicts are those of infra_access_check(),
 * by ranges in which the longest prefix has decided already.
 * @{
 */
#define INFRA_ACCESS_NFT_PORTS_MAX 64u
#define INFRA_ACCESS_NFT_NAME_MAX 32u
#define INFRA_ACCESS_NFT_LINE_MAX 1024u

/** What is protected. */
struct infra_access_nft {
    size_t size; /**< sizeof(struct infra_access_nft). */
    /** Name of the table of family inet: letters, digits and `_`, first a
     *  letter; NULL: "infra".  A table of this name is replaced. */
    const char *table;
    const uint16_t *ports; /**< TCP ports of this machine. */
    uint32_t ports_count; /**< 1 to INFRA_ACCESS_NFT_PORTS_MAX; other ports stay
                               as they are. */
    uint32_t reserved;
};

/** Where a text goes on: zeros at first, then as it was left. */
struct infra_access_nft_cursor {
    uint64_t version; /**< Of the table that is printed. */
    uint32_t part;    /**< Of the text. */
    uint32_t range;   /**< Of the table. */
};

/**
 * Write the next part of the text, in whole lines and without a zero.
 *
 * @param size  Of @p ret, INFRA_ACCESS_NFT_LINE_MAX or more.
 * @return Bytes written; 0: the text is complete; INFRA_ESTALE: there was a
 *         publish since the first part, begin again with a cursor of zeros;
 *         INFRA_EAGAIN: nothing was published; INFRA_EINVAL: NULL, a bad name,
 *         no ports or too many, port 0, a small buffer; INFRA_ESTRUCT.
 *
 * Thread safety: owner (of the access).
 */
INFRA_API int infra_access_print_nft(const struct infra_access *access,
                                     const struct infra_access_nft *nft,
                                     struct infra_access_nft_cursor *cursor,
                                     char *ret, size_t size);
/** @} */

#ifdef __cplusplus
}
#endif

#endif
