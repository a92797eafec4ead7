/* SPDX-License-Identifier: MIT */
/**
 * @file limit.h
 * Limits on what clients do: a rate (GCRA), and a table that keeps a rate and a
 * number of connections for each source in memory of a fixed size.
 *
 * @code
 * struct infra_limit_rate rate;
 * struct infra_limit_table *table = NULL;
 * struct infra_limit_table_options options = { .size = sizeof options,
 *     .rate = &rate, .connections_max = 20, .secret = random_bytes };
 * infra_time wait;
 * uint64_t ticket;
 *
 * infra_limit_rate_of(&rate, 100, INFRA_SEC(1), 50);  (100/s, 50 at once)
 * infra_limit_table_create(&table, &options);
 *
 * if (!infra_limit_table_take(table, &source, 1, now, &wait)) {
 *     answer("429", "Retry-After", wait);
 * } else if (infra_limit_table_enter(table, &source, &ticket)) {
 *     serve();
 *     infra_limit_table_leave(table, ticket);
 * }
 * @endcode
 *
 * **GCRA** (ITU-T I.371) is a leaky bucket in one word: the time at which the
 * bucket is empty.  In any time w at most burst + w / interval units are
 * admitted.  A refusal costs nothing and changes nothing.  There is no timer:
 * the state is brought up to date by its next use.  A `now` before an earlier
 * one refills nothing.
 *
 * **For each source, for each network, for all.**  The bits of an address that
 * count are an option of the table: 32 and 64 are single sources, since an IPv6
 * client has a /64; a second table with 24 and 48 limits networks.  For all
 * clients together there is infra_limit_take_shared() with one word.  A host
 * with several limits asks the widest last, since what was taken is not given
 * back.
 *
 * **The table** is a set-associative cache (sets of seven) that forgets only
 * what says nothing: a source with neither connections nor a debt is the same
 * as one never seen, and the place of such a source is taken without a timer or
 * a sweep.  If all seven of a set count, further sources of the set share one
 * budget until there is a place.  So a full table refuses too much and never
 * admits too much.  SipHash-2-4 with the host's secret chooses the set, so that
 * a client cannot choose addresses that share a set.  A table of 65536 sources
 * has 1.2 MB for rates and as much for connections.
 *
 * **Threads.**  take(), enter() and leave() may overlap on one table, without a
 * lock: each state is one atomic word, and a source's first use takes a turn in
 * its set.  A thread that finds this turn taken too often in a row is refused,
 * which is counted as contended, rather than made to wait.  Threads give `now`
 * of one clock; one that is behind by d may admit d / interval units too many.
 *
 * Cost: a take of one word 2 ns, shared 8 ns; of a table 30 ns, most of it the
 * hash and the atomic exchange.
 */
#ifndef INFRA_LIMIT_H
#define INFRA_LIMIT_H

#include <infra/address.h>

#ifdef __cplusplus
extern "C" {
#endif

#define INFRA_LIMIT_SECRET_SIZE 16u
#define INFRA_LIMIT_SOURCES_MAX 16777216u
#define INFRA_LIMIT_CONNECTIONS_MAX 1000000000u

/** A rate, made by infra_limit_rate_of(). */
struct infra_limit_rate {
    infra_time interval; /**< From one unit to the next. */
    infra_time window;   /**< burst intervals. */
};

/**
 * Make a rate of @p count units each @p period, of which @p burst may come at
 * once; 0: 1.  The interval is rounded up to a nanosecond.
 *
 * @param[out] ret  Set on success only.
 * @return INFRA_OK; INFRA_EINVAL: NULL, no count, no period, more than a unit
 *         each nanosecond, or a burst of more than 2^62 ns.
 *
 * Thread safety: any.
 */
INFRA_API int infra_limit_rate_of(struct infra_limit_rate *ret, uint64_t count,
                                  infra_time period, uint64_t burst);

/**
 * Take @p cost units if they are there; 0 takes nothing.
 *
 * @param state  The bucket, 0 at first.
 * @return 1: taken; 0: not, nothing is changed; also if a pointer is NULL.
 *
 * Thread safety: owner (of the state).
 */
INFRA_API int infra_limit_take(const struct infra_limit_rate *rate,
                               infra_time *state, uint32_t cost,
                               infra_time now);

/**
 * As infra_limit_take(), on a state that threads share, by atomic exchange.
 * After 64 exchanges that other threads won it answers 0.
 *
 * Thread safety: any.
 */
INFRA_API int infra_limit_take_shared(const struct infra_limit_rate *rate,
                                      infra_time *state, uint32_t cost,
                                      infra_time now);

/**
 * Time until @p cost units are there, for Retry-After.
 *
 * @return 0: now; INFRA_TIME_NEVER: more than a burst, or NULL.
 *
 * Thread safety: any.
 */
INFRA_API infra_time infra_limit_wait(const struct infra_limit_rate *rate,
                                      infra_time state, uint32_t cost,
                                      infra_time now);

/**
 * Units that are there now; 0 for NULL.
 *
 * Thread safety: any.
 */
INFRA_API uint64_t infra_limit_remaining(const struct infra_limit_rate *rate,
                                         infra_time state, infra_time now);

struct infra_limit_table; /**< Rates and connections by source. */

struct infra_limit_table_options {
    size_t size; /**< sizeof(struct infra_limit_table_options). */
    const struct infra_allocator *allocator; /**< NULL: libc.  Copied. */
    const struct infra_limit_rate *rate;     /**< NULL: none.  Copied. */
    /** INFRA_LIMIT_SECRET_SIZE bytes of entropy, copied.  NULL: zeros, with
     *  which a client can choose addresses that share a set. */
    const unsigned char *secret;
    uint32_t connections_max; /**< Of a source; 0: no cap. */
    uint32_t sources_max;     /**< Rounded up; 0: 65536. */
    uint32_t ipv4_bits;       /**< Bits of an address that count; 0: 32. */
    uint32_t ipv6_bits;       /**< 0: 64. */
};

/**
 * Create a table.
 *
 * @param[out] ret  Set on success only.
 * @return INFRA_OK; INFRA_EINVAL: NULL, neither a rate nor a cap, or a number
 *         out of range; INFRA_ENOMEM; INFRA_ESTRUCT.  Allocates.
 *
 * Thread safety: any.
 */
INFRA_API INFRA_NODISCARD int infra_limit_table_create(
    struct infra_limit_table **ret,
    const struct infra_limit_table_options *options);

/** Destroy it.  NULL: nothing.  Thread safety: owner. */
INFRA_API void infra_limit_table_destroy(struct infra_limit_table *table);

/**
 * Take @p cost units of the source's rate if they are there; 0 takes nothing.
 *
 * @param[out] ret_wait  Time until they are there, 0 after success;
 *                       INFRA_TIME_NEVER: more than a burst.  NULL: not wanted.
 * @return 1: taken, or the table has no rate; 0: not; also if a pointer is
 *         NULL.
 *
 * Thread safety: shared.
 */
INFRA_API int infra_limit_table_take(struct infra_limit_table *table,
                                     const struct infra_address *address,
                                     uint32_t cost, infra_time now,
                                     infra_time *ret_wait);

/**
 * Count a connection of the source, if it has fewer than connections_max.
 *
 * @param[out] ret_ticket  For infra_limit_table_leave(); set on success only.
 * @return 1: counted, or the table has no cap; 0: not; also if a pointer is
 *         NULL.
 *
 * Thread safety: shared.
 */
INFRA_API int infra_limit_table_enter(struct infra_limit_table *table,
                                      const struct infra_address *address,
                                      uint64_t *ret_ticket);

/**
 * End a connection; once for each ticket.
 *
 * @return INFRA_OK; INFRA_EINVAL: NULL, or a ticket of no connection.
 *
 * Thread safety: shared.
 */
INFRA_API int infra_limit_table_leave(struct infra_limit_table *table,
                                      uint64_t ticket);

/** What a source has left. */
struct infra_limit_view {
    infra_time wait;      /**< Until it has a unit. */
    uint64_t remaining;   /**< Units now. */
    uint32_t connections; /**< Open now. */
    uint32_t is_shared;   /**< 1: it has no place of its own, or has none yet,
                             and these are the set's. */
};

/**
 * Look at a source, changing nothing.
 *
 * @return INFRA_OK; INFRA_EINVAL: NULL.
 *
 * Thread safety: shared.
 */
INFRA_API int infra_limit_table_look(const struct infra_limit_table *table,
                                     const struct infra_address *address,
                                     infra_time now,
                                     struct infra_limit_view *ret);

/** What a table has, for a page or for metrics. */
struct infra_limit_table_status {
    size_t size;          /**< sizeof(struct infra_limit_table_status). */
    uint64_t limited;     /**< Refused by the rate. */
    uint64_t capped;      /**< Refused by the cap on connections. */
    uint64_t shared;      /**< Answers by the budget that a full set shares. */
    uint64_t contended;   /**< Refused since other threads took all turns. */
    uint64_t connections; /**< Open now. */
    uint64_t bytes;
    uint32_t sources;     /**< With a debt or a connection now. */
    uint32_t sources_max; /**< Places; twice as many if there are both. */
};

/**
 * Fill @p ret.  Cost: O(sources_max).
 *
 * @return INFRA_OK; INFRA_EINVAL: NULL, or a bad size.
 *
 * Thread safety: shared.
 */
INFRA_API int infra_limit_table_inspect(const struct infra_limit_table *table,
                                        infra_time now,
                                        struct infra_limit_table_status *ret);

#ifdef __cplusplus
}
#endif

#endif
