/* SPDX-License-Identifier: MIT */
/**
 * @file vrrp.h
 * Two or more nodes on one LAN share virtual addresses that one of them has:
 * VRRP version 3 (RFC 9568) for IPv4 and IPv6, without a store, a socket or a
 * clock.  It speaks to keepalived and to routers.
 *
 * The Active node sends an advertisement each interval.  A node that hears none
 * for three intervals and a skew becomes Active itself; the skew is shorter the
 * higher the priority.  At 100 ms and priority 100 that is after 361 ms.  A
 * node that resigns sends priority 0, and is followed after the skew alone, 61
 * ms.
 *
 * @code
 * // a message came, on a raw socket of protocol 112
 * if (infra_vrrp_unwrap(bytes, size, &datagram) == 0 &&
 *     infra_vrrp_parse(&datagram, &advert) == 0) {
 *     infra_vrrp_hear(vrrp, &advert, now);
 * }
 * while (infra_vrrp_next(vrrp, now, &event) == INFRA_OK) {
 *     switch (event.kind) {
 *     case INFRA_VRRP_EVENT_ADVERTISE:
 *         size = infra_vrrp_message(vrrp, &event, buffer, sizeof buffer);
 *         send_to(&event.address, buffer, size);    // the raw socket
 *         break;
 *     case INFRA_VRRP_EVENT_CHANGE:
 *         event.state == INFRA_VRRP_STATE_ACTIVE ? add_addresses()
 *                                          : remove_addresses();
 *         break;
 *     case INFRA_VRRP_EVENT_ANNOUNCE:
 *         size = infra_vrrp_frame(vrrp, &event, mac, buffer, sizeof buffer);
 *         send_frame(buffer, size);                 // a packet socket
 *         break;
 *     }
 * }
 * sleep_until(infra_vrrp_deadline(vrrp));
 * @endcode
 *
 * Beyond the RFC, a node that yields to a better node sends one last message.
 * The better node answers it and announces the addresses again, since hosts may
 * have learned the wrong node while the LAN was split.  Where the better node
 * is not of this library, repetition helps: see `announce_interval`.
 *
 * Read all received messages before calling infra_vrrp_next(): a process that
 * stood still then hears the Active node before it finds its own timer expired.
 *
 * What it cannot do.  VRRP has no majority, no lease and no fence.  If the
 * nodes do not hear each other, or one is stopped and goes on later, two nodes
 * are Active until that ends.  No timer changes this.  VRRP is good enough
 * where two Active nodes are merely untidy (load balancers in front of the
 * same servers) and wrong where two destroy something (databases: failover.h).
 * A witness, a third party that both nodes reach by another path and that
 * names one of them, closes most of the gap: see `witness`.  Messages are not
 * authenticated; their only protection is that no message from beyond the LAN
 * arrives with 255 hops left.
 *
 * One object is one virtual router of one address family: two for IPv4 and
 * IPv6, two for active-active, each with another VRID and the priorities
 * crossed.  The host owns the sockets (multicast or unicast), the addresses and
 * whether it accepts packets for them (Accept_Mode).
 *
 * Cost: O(1) a call.  Memory: one allocation of about 1.5 KiB, by create.
 */
#ifndef INFRA_VRRP_H
#define INFRA_VRRP_H

#include <infra/base.h>

#ifdef __cplusplus
extern "C" {
#endif

struct infra_vrrp; /**< One node's part in one virtual router. */

#define INFRA_VRRP_PROTOCOL 112u     /**< Of IP. */
#define INFRA_VRRP_ADDRESSES_MAX 32u /**< Virtual addresses of one object. */
#define INFRA_VRRP_PEERS_MAX 32u     /**< Unicast peers of one object. */
#define INFRA_VRRP_MESSAGE_MAX 520u  /**< What infra_vrrp_message() writes. */
#define INFRA_VRRP_FRAME_MAX 86u     /**< What infra_vrrp_frame() writes. */

enum infra_vrrp_family {
    INFRA_VRRP_FAMILY_IPV4,
    INFRA_VRRP_FAMILY_IPV6,
};

/** An address in network order; IPv4 uses the first four bytes. */
struct infra_vrrp_address {
    uint8_t bytes[16];
};

/** State of a node (RFC 9568 section 6.4, and FAULT from keepalived). */
enum infra_vrrp_state {
    INFRA_VRRP_STATE_INITIALIZE, /**< Not started, or in the start delay. */
    INFRA_VRRP_STATE_BACKUP,     /**< It listens. */
    INFRA_VRRP_STATE_ACTIVE,     /**< It has the addresses. */
    INFRA_VRRP_STATE_FAULT,      /**< Started, but unfit: infra_vrrp_fit(). */
};

enum infra_vrrp_event_kind {
    /** Send infra_vrrp_message() to `address`.  One event for each peer. */
    INFRA_VRRP_EVENT_ADVERTISE,
    /** The state changed: add the addresses if it is ACTIVE, else remove
     *  them. */
    INFRA_VRRP_EVENT_CHANGE,
    /** Send infra_vrrp_frame() to announce `address` at this node.  One event
     *  for each virtual address. */
    INFRA_VRRP_EVENT_ANNOUNCE,
    /** May this node take over?  Answer by infra_vrrp_answer(). */
    INFRA_VRRP_EVENT_WITNESS,
    /** An oddity, for the log. */
    INFRA_VRRP_EVENT_HINT,
};

/** Why an event happened. */
enum infra_vrrp_reason {
    INFRA_VRRP_REASON_START,    /**< The start, or the end of its delay. */
    INFRA_VRRP_REASON_OWNER,    /**< It owns the addresses: priority 255. */
    INFRA_VRRP_REASON_SILENCE,  /**< No message for the down interval. */
    INFRA_VRRP_REASON_RESIGNED, /**< The Active one resigned: priority 0. */
    INFRA_VRRP_REASON_PREEMPT,  /**< The Active one has a lower priority. */
    INFRA_VRRP_REASON_PRIORITY, /**< A node of higher priority is Active. */
    INFRA_VRRP_REASON_ADDRESS,  /**< A node of equal priority and a greater
                                     address is Active. */
    INFRA_VRRP_REASON_UNFIT,    /**< The host says it cannot serve. */
    INFRA_VRRP_REASON_FIT,      /**< The host says it can again. */
    INFRA_VRRP_REASON_STOP,     /**< The host stopped it. */
    INFRA_VRRP_REASON_DUE,      /**< ADVERTISE, ANNOUNCE: it was time. */
    /** Two nodes are Active: the LAN was split, or is split in one direction.
     *  HINT: the other node has to yield.  ADVERTISE, ANNOUNCE: the answer to
     *  it. */
    INFRA_VRRP_REASON_RIVAL,
    INFRA_VRRP_REASON_OWNERS,    /**< HINT: two nodes with priority 255. */
    INFRA_VRRP_REASON_INTERVAL,  /**< HINT: not the interval of this node. */
    INFRA_VRRP_REASON_ADDRESSES, /**< HINT: not the addresses of this node. */
    /** HINT: while Active, this node stood still long enough for another to
     *  have taken over. */
    INFRA_VRRP_REASON_LATE,
};

/** Whether to ask a witness before a take-over, and what no answer means. */
enum infra_vrrp_witness {
    INFRA_VRRP_WITNESS_NONE,    /**< Ask no one, as in RFC 9568. */
    INFRA_VRRP_WITNESS_CONSULT, /**< No answer: take over.  Rather two Active
                                     nodes than none. */
    INFRA_VRRP_WITNESS_REQUIRE, /**< No answer: do not.  Rather no Active node
                                     than two. */
};

/** Answer of the witness. */
enum infra_vrrp_answer {
    INFRA_VRRP_ANSWER_UNKNOWN, /**< The witness cannot be reached. */
    INFRA_VRRP_ANSWER_YES,     /**< This node may take over. */
    INFRA_VRRP_ANSWER_NO,      /**< Another is Active. */
};

/** Coverage of the checksum of a message for IPv4. */
enum infra_vrrp_checksum {
    /** The message and a pseudo header: RFC 5798 as keepalived reads it;
     *  keepalived drops the other kind. */
    INFRA_VRRP_CHECKSUM_PSEUDO,
    /** The message alone, as RFC 9568 section 5.2.8 has it. */
    INFRA_VRRP_CHECKSUM_MESSAGE,
};

/** Why a message has to be dropped (RFC 9568 section 7.1). */
enum infra_vrrp_flaw {
    INFRA_VRRP_FLAW_NONE,
    INFRA_VRRP_FLAW_IP,         /**< No whole IPv4 datagram of VRRP. */
    INFRA_VRRP_FLAW_HOP_LIMIT,  /**< Not 255: it came from beyond the LAN. */
    INFRA_VRRP_FLAW_LENGTH,     /**< Shorter than it says. */
    INFRA_VRRP_FLAW_VERSION,    /**< Not 3; version 2 is not spoken here. */
    INFRA_VRRP_FLAW_TYPE,       /**< Not an advertisement. */
    INFRA_VRRP_FLAW_COUNT,      /**< No addresses. */
    INFRA_VRRP_FLAW_CHECKSUM,   /**< Damaged on the way. */
    INFRA_VRRP_FLAW_INTERVAL,   /**< 0. */
    INFRA_VRRP_FLAW_LINK_LOCAL, /**< IPv6: the first address is none such. */
    INFRA_VRRP_FLAW_VRID,       /**< Of another virtual router. */
    INFRA_VRRP_FLAW_FAMILY,     /**< Of the other address family. */
    INFRA_VRRP_FLAW_PEER,       /**< Not from one of the peers. */
    INFRA_VRRP_FLAW_OURS,       /**< From this node's own address. */
};

/** Options of infra_vrrp_create(). */
struct infra_vrrp_options {
    size_t size;
    const struct infra_allocator *allocator;
    /** The virtual addresses, copied; the same in the same order on all nodes.
     *  Of IPv6 the first is link-local. */
    const struct infra_vrrp_address *addresses;
    /** The other nodes, copied, for unicast: each gets its own message, and
     *  messages from elsewhere are dropped.  NULL: multicast. */
    const struct infra_vrrp_address *peers;
    /** Time between advertisements, a multiple of 10 ms up to 40.95 s, the same
     *  on all nodes; 0: 1 s. */
    infra_time interval;
    /** Idle time after the start, until the network of a machine that booted
     *  has settled; 0: none. */
    infra_time start_delay;
    /** Delay before this node takes over from an Active node of lower priority,
     *  counted from when it first saw that node; 0: none. */
    infra_time preempt_delay;
    /** Time for which a change by infra_vrrp_fit() has to last before it
     *  counts; 0: none. */
    infra_time debounce;
    /** Interval of announcements after a take-over, at least 1 s; 0: 60 s;
     *  INFRA_TIME_NEVER: one announcement at once only.  The first is at once,
     *  the second after 2 s (RFC 5227's ANNOUNCE_INTERVAL).  Repetition helps
     *  hosts that learned another node's hardware address in a split that this
     *  node has not noticed. */
    infra_time announce_interval;
    infra_time witness_timeout; /**< Limit for its answer; 0: interval. */
    /** Required: the source of this node's messages, its first address on the
     *  interface (IPv6: link-local).  The greater one wins a tie. */
    struct infra_vrrp_address local;
    uint32_t family;          /**< enum infra_vrrp_family */
    uint32_t vrid;            /**< Required: 1 .. 255. */
    uint32_t priority;        /**< 0: 100.  255: it owns the addresses. */
    uint32_t addresses_count; /**< Required: 1 .. INFRA_VRRP_ADDRESSES_MAX. */
    uint32_t peers_count;     /**< 0 .. INFRA_VRRP_PEERS_MAX. */
    uint32_t no_preempt;      /**< 1: leave a node of lower priority Active.
                                   The owner always preempts. */
    uint32_t witness;         /**< enum infra_vrrp_witness.  A node that the
                                   witness names is not preempted. */
    uint32_t checksum;        /**< enum infra_vrrp_checksum, of messages sent;
                                   both kinds are understood. */
};

/** Something to do or to know; 64 bytes for ever. */
struct infra_vrrp_event {
    uint32_t kind;       /**< enum infra_vrrp_event_kind */
    uint32_t reason;     /**< enum infra_vrrp_reason */
    uint32_t state;      /**< enum infra_vrrp_state, after it. */
    uint32_t priority;   /**< ADVERTISE: to be sent.  CHANGE, HINT: heard. */
    uint64_t call;       /**< WITNESS: number for infra_vrrp_answer(). */
    infra_time at;       /**< CHANGE: when it happened.  Else: now. */
    infra_time deadline; /**< WITNESS: without an answer by then: UNKNOWN. */
    /** ADVERTISE: destination.  ANNOUNCE: the virtual address.  CHANGE, HINT:
     *  the node that was heard, or zeroes. */
    struct infra_vrrp_address address;
    uint64_t reserved;
};

/** Status of a virtual router, for infra_vrrp_inspect(). */
struct infra_vrrp_status {
    size_t size;
    infra_time since;     /**< Of the state. */
    infra_time interval;  /**< Of the Active one. */
    infra_time down;      /**< Limit of its silence. */
    uint64_t activations; /**< Times that this node became Active. */
    uint64_t advertised;  /**< Messages to send, of all peers. */
    uint64_t heard;       /**< Messages that infra_vrrp_hear() took. */
    uint64_t rivals;      /**< Of these, while Active, from another Active node
                                 that has to yield. */
    struct infra_vrrp_address active; /**< The Active node; zeroes: unknown. */
    uint32_t state;                   /**< enum infra_vrrp_state */
    uint32_t reason;                  /**< Of the last change. */
    uint32_t priority;                /**< Of this node, now. */
    uint32_t active_priority;         /**< Of the Active one; 0: unknown. */
    uint32_t is_asking;               /**< 1: the witness has yet to answer. */
    uint32_t fit;                     /**< By infra_vrrp_fit(), debounced. */
};

/** A message as it was received. */
struct infra_vrrp_datagram {
    const void *bytes;  /**< From the VRRP version on, without the IP header. */
    size_t bytes_count; /**< To the end of the IP datagram. */
    struct infra_vrrp_address source;
    struct infra_vrrp_address destination;
    uint32_t family;    /**< enum infra_vrrp_family */
    uint32_t hop_limit; /**< IPv4: the TTL. */
};

/** Content of a message. */
struct infra_vrrp_advert {
    struct infra_vrrp_address source;
    const uint8_t *addresses; /**< 4 or 16 bytes each, in the datagram. */
    infra_time interval;
    uint32_t family; /**< enum infra_vrrp_family */
    uint32_t vrid;
    uint32_t priority;
    uint32_t addresses_count;
    uint32_t checksum; /**< enum infra_vrrp_checksum, of IPv4. */
    uint32_t reserved;
};

/**
 * Create a virtual router in the state INITIALIZE.
 *
 * @param[out] ret  Set on success only.
 * @return INFRA_OK; INFRA_ENOMEM; INFRA_ESTRUCT; INFRA_EINVAL: something
 *         required is missing or out of range, a peer is this node, or a
 *         preempt delay without preemption.
 *
 * Allocates.  Thread safety: any.
 */
INFRA_API INFRA_NODISCARD int infra_vrrp_create(
    struct infra_vrrp **ret, const struct infra_vrrp_options *options);

/** Free it; NULL is allowed.  No message is sent: to hand over, call
 *  infra_vrrp_stop() first.  Thread safety: owner. */
INFRA_API void infra_vrrp_destroy(struct infra_vrrp *vrrp);

/**
 * Take part: the event Startup of RFC 9568.  A second start changes nothing.
 *
 * @return INFRA_OK, INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_vrrp_start(struct infra_vrrp *vrrp, infra_time now);

/**
 * Take part no more: the event Shutdown.  If this node is Active it resigns; go
 * on with infra_vrrp_next() until INFRA_EAGAIN, so that the others hear it.
 *
 * @return INFRA_OK, INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_vrrp_stop(struct infra_vrrp *vrrp, infra_time now);

/**
 * Take the next event.  A take-over comes as the message, which ends the claims
 * of other nodes soonest, then the CHANGE, then the announcements.  A
 * resignation comes as the CHANGE, then the message, so that no node is
 * invited before the addresses are gone.  An event that no longer holds is
 * dropped.
 *
 * @return INFRA_OK; INFRA_EAGAIN: nothing until the deadline; INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API INFRA_NODISCARD int infra_vrrp_next(struct infra_vrrp *vrrp,
                                              infra_time now,
                                              struct infra_vrrp_event *ret);

/** When infra_vrrp_next() has an event again; 0: it has one now.  Thread
 *  safety: owner. */
INFRA_API infra_time infra_vrrp_deadline(const struct infra_vrrp *vrrp);

/**
 * Take in a message of another node.
 *
 * @param advert  From infra_vrrp_parse().
 * @return 0; INFRA_VRRP_FLAW_VRID, _FAMILY, _PEER or _OURS: it is not for this
 *         object and changes nothing; INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_vrrp_hear(struct infra_vrrp *vrrp,
                              const struct infra_vrrp_advert *advert,
                              infra_time now);

/**
 * Set whether this node can serve.  If not, it resigns and stays in FAULT.  A
 * new virtual router can.
 *
 * @return INFRA_OK, INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_vrrp_fit(struct infra_vrrp *vrrp, int fit, infra_time now);

/**
 * Change the priority, for a defect that is no fault.  If this node is Active
 * and another then has a higher priority, that node preempts.
 *
 * @param priority  1 .. 254.
 * @return INFRA_OK; INFRA_EINVAL: NULL, out of range, or the owner's.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_vrrp_set_priority(struct infra_vrrp *vrrp,
                                      uint32_t priority);

/**
 * Answer a WITNESS.  After NO the node waits for another down interval and asks
 * again.
 *
 * @param call    From the event.
 * @param answer  enum infra_vrrp_answer
 * @return INFRA_OK; INFRA_ESTALE: answered, too late, or no longer needed;
 *         INFRA_EINVAL: NULL, or no such answer.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_vrrp_answer(struct infra_vrrp *vrrp, uint64_t call,
                                uint32_t answer, infra_time now);

/**
 * Get the status of the virtual router.
 *
 * @param[in,out] ret  Its size field set by the caller.
 * @return INFRA_OK, INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_vrrp_inspect(const struct infra_vrrp *vrrp,
                                 struct infra_vrrp_status *ret);

/**
 * Write the message of an ADVERTISE, without an IP header.  Send it by protocol
 * 112, from the local address, with TTL or hop limit 255.
 *
 * @return Its size; INFRA_EINVAL: NULL, another kind of event, or no room
 *         (INFRA_VRRP_MESSAGE_MAX is always enough).
 *
 * Thread safety: owner.
 */
INFRA_API int infra_vrrp_message(const struct infra_vrrp *vrrp,
                                 const struct infra_vrrp_event *event,
                                 void *buffer, size_t buffer_size);

/**
 * Write the Ethernet frame of an ANNOUNCE: a gratuitous ARP request
 * (RFC 5227 section 3) or an unsolicited neighbour advertisement with the
 * override flag (RFC 4861 section 4.4).
 *
 * @param mac  Six bytes, of the interface that has the addresses; NULL: that of
 *             the virtual router.
 * @return Its size; INFRA_EINVAL: NULL, another kind of event, or no room
 *         (INFRA_VRRP_FRAME_MAX is always enough).
 *
 * Thread safety: owner.
 */
INFRA_API int infra_vrrp_frame(const struct infra_vrrp *vrrp,
                               const struct infra_vrrp_event *event,
                               const uint8_t *mac, void *buffer,
                               size_t buffer_size);

/** Get the virtual router's own hardware address (RFC 9568 section 7.3), for an
 *  interface that shall have it.  INFRA_OK, INFRA_EINVAL.  Thread safety:
 *  owner. */
INFRA_API int infra_vrrp_mac(const struct infra_vrrp *vrrp, uint8_t ret[6]);

/**
 * Take off the IPv4 header, which a raw socket of IPv4 leaves on.  With IPv6
 * the system takes the header off; fill the datagram from recvmsg().
 *
 * @param[out] ret  Set on success only; it points into @p bytes.
 * @return 0; INFRA_VRRP_FLAW_IP; INFRA_EINVAL: NULL.
 *
 * Thread safety: any.
 */
INFRA_API int infra_vrrp_unwrap(const void *bytes, size_t bytes_count,
                                struct infra_vrrp_datagram *ret);

/**
 * Read a message, with all checks of RFC 9568 section 7.1 that need no virtual
 * router.  A message may be longer than it says; then the checksum covers the
 * rest as well.
 *
 * @param[out] ret  Set on success only; it points into the datagram.
 * @return 0; an enum infra_vrrp_flaw; INFRA_EINVAL: NULL, or no such family.
 *
 * Thread safety: any.
 */
INFRA_API int infra_vrrp_parse(const struct infra_vrrp_datagram *datagram,
                               struct infra_vrrp_advert *ret);

/** Name of a state ("backup"), or "unknown".  Thread safety: any. */
INFRA_API const char *infra_vrrp_state_name(uint32_t state);

/** Name of a reason ("silence"), or "unknown".  Thread safety: any. */
INFRA_API const char *infra_vrrp_reason_name(uint32_t reason);

/** Name of a flaw ("checksum"), or "unknown".  Thread safety: any. */
INFRA_API const char *infra_vrrp_flaw_name(uint32_t flaw);

/** Name of an event kind ("advertise"), or "unknown".  Thread safety: any. */
INFRA_API const char *infra_vrrp_event_name(uint32_t kind);

/** Name of a witness's answer ("yes"), or "unknown".  Thread safety: any. */
INFRA_API const char *infra_vrrp_answer_name(uint32_t answer);

/** Name of a family ("ipv4"), or "unknown".  Thread safety: any. */
INFRA_API const char *infra_vrrp_family_name(uint32_t family);

/** Name of a use of the witness ("consult"), or "unknown".  Thread safety:
 *  any. */
INFRA_API const char *infra_vrrp_witness_name(uint32_t witness);

/** Name of a kind of checksum ("pseudo"), or "unknown".  Thread safety: any. */
INFRA_API const char *infra_vrrp_checksum_name(uint32_t checksum);

#ifdef __cplusplus
}
#endif

#endif /* INFRA_VRRP_H */
