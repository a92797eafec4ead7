/* SPDX-License-Identifier: MIT */
/**
 * @file vrrp.h
 * Two or more nodes on one LAN, and addresses that always one of them has:
 * VRRP version 3 (RFC 9568) for IPv4 and IPv6, without a store, a socket or a
 * clock.  It speaks to keepalived and to routers.
 *
 * The Active node says so at an interval.  Whoever hears nothing for three
 * intervals and a skew that is shorter the higher its priority becomes Active
 * itself: at 100 ms and priority 100 after 361 ms.  Who resigns says so, and is
 * followed after the skew alone, 61 ms.
 *
 * @code
 * // a message came, on a raw socket of protocol 112
 * if (infra_vrrp_unwrap(bytes, size, &datagram) == 0 &&
 *     infra_vrrp_parse(&datagram, &advert) == 0) {
 *     infra_vrrp_hear(vrrp, &advert, now);
 * }
 * while (infra_vrrp_next(vrrp, now, &event) == INFRA_OK) {
 *     switch (event.kind) {
 *     case INFRA_VRRP_ADVERTISE:
 *         size = infra_vrrp_message(vrrp, &event, buffer, sizeof buffer);
 *         send_to(&event.address, buffer, size);    // the raw socket
 *         break;
 *     case INFRA_VRRP_CHANGE:
 *         event.state == INFRA_VRRP_ACTIVE ? add_addresses()
 *                                          : remove_addresses();
 *         break;
 *     case INFRA_VRRP_ANNOUNCE:
 *         size = infra_vrrp_frame(vrrp, &event, mac, buffer, sizeof buffer);
 *         send_frame(buffer, size);                 // a packet socket
 *         break;
 *     }
 * }
 * sleep_until(infra_vrrp_deadline(vrrp));
 * @endcode
 *
 * Beyond the RFC, who yields to a better node sends one last message.  The
 * other answers it and announces the addresses again, since hosts may have
 * learned the wrong one while the LAN was split.  Where the other is not of
 * this library, repetition helps: see `announce_every`.
 *
 * Read what came before calling infra_vrrp_next(): a process that stood still
 * then hears who is Active before it finds its own timer expired.
 *
 * What it cannot do.  VRRP has no majority, no lease and no fence.  If the
 * nodes do not hear each other, or one is stopped and goes on later, there are
 * two Active nodes, for as long as that lasts.  No timer changes this.  It is
 * good enough where two are merely untidy (load balancers in front of the same
 * servers) and wrong where two destroy something (databases: failover.h).  A
 * witness, something that both reach by another way and that names one, closes
 * most of the gap: see `witness`.  Messages are not authenticated: what
 * protects them is that nothing from beyond the LAN arrives with 255 hops left.
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
    INFRA_VRRP_IPV4,
    INFRA_VRRP_IPV6,
};

/** An address in network order; IPv4 uses the first four bytes. */
struct infra_vrrp_address {
    uint8_t bytes[16];
};

/** What a node is (RFC 9568 section 6.4, and FAULT from keepalived). */
enum infra_vrrp_state {
    INFRA_VRRP_INITIALIZE, /**< Not started, or in the start delay. */
    INFRA_VRRP_BACKUP,     /**< It listens. */
    INFRA_VRRP_ACTIVE,     /**< It has the addresses. */
    INFRA_VRRP_FAULT,      /**< Started, but unfit: see infra_vrrp_fit(). */
};

enum infra_vrrp_event_kind {
    /** Send infra_vrrp_message() to `address`.  One event for each peer. */
    INFRA_VRRP_ADVERTISE,
    /** The state changed: have the addresses if it is ACTIVE, else do not. */
    INFRA_VRRP_CHANGE,
    /** Send infra_vrrp_frame() to say who has `address` now.  One event for
     *  each virtual address. */
    INFRA_VRRP_ANNOUNCE,
    /** May this node take over?  Answer by infra_vrrp_reply(). */
    INFRA_VRRP_WITNESS,
    /** Something is odd: for the log. */
    INFRA_VRRP_HINT,
};

/** Why an event happened. */
enum infra_vrrp_reason {
    INFRA_VRRP_REASON_START,    /**< The start, or the end of its delay. */
    INFRA_VRRP_REASON_OWNER,    /**< It owns the addresses: priority 255. */
    INFRA_VRRP_REASON_SILENCE,  /**< Nobody was heard for the down interval. */
    INFRA_VRRP_REASON_RESIGNED, /**< The Active one resigned: priority 0. */
    INFRA_VRRP_REASON_PREEMPT,  /**< The Active one has a lower priority. */
    INFRA_VRRP_REASON_PRIORITY, /**< One with a higher priority is Active. */
    INFRA_VRRP_REASON_ADDRESS,  /**< The same with an equal priority and a
                                     greater address. */
    INFRA_VRRP_REASON_UNFIT,    /**< The host says it cannot serve. */
    INFRA_VRRP_REASON_FIT,      /**< It can again. */
    INFRA_VRRP_REASON_STOP,     /**< The host stopped it. */
    INFRA_VRRP_REASON_DUE,      /**< ADVERTISE, ANNOUNCE: it was time. */
    /** Two are Active: the LAN was split, or is so in one direction.  HINT: the
     *  other has to yield.  ADVERTISE, ANNOUNCE: on account of that. */
    INFRA_VRRP_REASON_RIVAL,
    INFRA_VRRP_REASON_OWNERS,    /**< HINT: two with priority 255. */
    INFRA_VRRP_REASON_INTERVAL,  /**< HINT: not the interval of this node. */
    INFRA_VRRP_REASON_ADDRESSES, /**< HINT: not the addresses of this node. */
    /** HINT: while Active, this node stood still for so long that another will
     *  have taken over. */
    INFRA_VRRP_REASON_LATE,
};

/** Whom to ask before a take-over, and what if there is no answer. */
enum infra_vrrp_witness {
    INFRA_VRRP_WITNESS_NONE,    /**< Nobody, as in RFC 9568. */
    INFRA_VRRP_WITNESS_CONSULT, /**< Without an answer, take over: rather two
                                     than none. */
    INFRA_VRRP_WITNESS_REQUIRE, /**< Without an answer, do not: rather none than
                                     two. */
};

/** What the witness says. */
enum infra_vrrp_answer {
    INFRA_VRRP_ANSWER_UNKNOWN, /**< Nothing: it cannot be reached. */
    INFRA_VRRP_ANSWER_YES,     /**< This node may take over. */
    INFRA_VRRP_ANSWER_NO,      /**< Another is Active. */
};

/** What the checksum of a message for IPv4 covers. */
enum infra_vrrp_checksum {
    /** A pseudo header, too: RFC 5798 as keepalived reads it, which drops the
     *  other kind. */
    INFRA_VRRP_CHECKSUM_PSEUDO,
    /** The message alone, as RFC 9568 section 5.2.8 has it. */
    INFRA_VRRP_CHECKSUM_MESSAGE,
};

/** What is wrong with a message: why it is to be dropped (RFC 9568 section
 *  7.1). */
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
    /** The other nodes, copied, where there is no multicast: each gets its own
     *  message, and no one else is heard.  NULL: multicast. */
    const struct infra_vrrp_address *peers;
    /** Between advertisements; 0: 1 s.  A multiple of 10 ms up to 40.95 s; the
     *  same on all nodes. */
    infra_time interval;
    /** After the start it does nothing for so long, until the network of a
     *  machine that booted has settled. */
    infra_time start_delay;
    /** How long it has seen one of lower priority be Active before it begins to
     *  take over. */
    infra_time preempt_delay;
    /** What infra_vrrp_fit() says counts when it has stayed for so long. */
    infra_time debounce;
    /** After a take-over the addresses are announced at once, after 2 s (RFC
     *  5227's ANNOUNCE_INTERVAL), and from then on this often, for hosts that
     *  learned another's in a split that this node has not noticed; 0: 60 s.
     *  At least 1 s; INFRA_TIME_NEVER: at once only. */
    infra_time announce_every;
    infra_time witness_timeout; /**< For its answer; 0: the interval. */
    /** Required: the source of this node's messages, its first address on the
     *  interface (IPv6: link-local).  The greater one wins a tie. */
    struct infra_vrrp_address local;
    uint32_t family;          /**< enum infra_vrrp_family */
    uint32_t vrid;            /**< Required: 1 .. 255. */
    uint32_t priority;        /**< 0: 100.  255: it owns the addresses. */
    uint32_t addresses_count; /**< Required: 1 .. INFRA_VRRP_ADDRESSES_MAX. */
    uint32_t peers_count;     /**< 0 .. INFRA_VRRP_PEERS_MAX. */
    uint32_t no_preempt;      /**< 1: leave one of lower priority Active.  The
                                   owner always preempts. */
    uint32_t witness;         /**< enum infra_vrrp_witness.  One that names a
                                   node keeps others from preempting it. */
    uint32_t checksum;        /**< enum infra_vrrp_checksum, of what is sent;
                                   either is understood. */
};

/** Something to do or to know; 64 bytes for ever. */
struct infra_vrrp_event {
    uint32_t kind;     /**< enum infra_vrrp_event_kind */
    uint32_t reason;   /**< enum infra_vrrp_reason */
    uint32_t state;    /**< enum infra_vrrp_state, after it. */
    uint32_t priority; /**< ADVERTISE: to be sent.  CHANGE, HINT: heard. */
    uint64_t ask;      /**< WITNESS: to be given back. */
    infra_time at;     /**< CHANGE: when it happened.  Else: now. */
    infra_time until;  /**< WITNESS: then it is UNKNOWN. */
    /** ADVERTISE: where to.  ANNOUNCE: what.  CHANGE, HINT: who was heard, or
     *  zeroes. */
    struct infra_vrrp_address address;
    uint64_t reserved;
};

/** What infra_vrrp_inspect() tells. */
struct infra_vrrp_status {
    size_t size;
    infra_time since;     /**< Of the state. */
    infra_time interval;  /**< Of the Active one. */
    infra_time down;      /**< For so long it may be silent. */
    uint64_t activations; /**< How often this node became Active. */
    uint64_t advertised;  /**< Messages to send, of all peers. */
    uint64_t heard;       /**< Messages that infra_vrrp_hear() took. */
    uint64_t rivals;      /**< Of these, while Active, from another Active node
                                 that has to yield. */
    struct infra_vrrp_address active; /**< Who is Active; zeroes: unknown. */
    uint32_t state;                   /**< enum infra_vrrp_state */
    uint32_t reason;                  /**< Of the last change. */
    uint32_t priority;                /**< Of this node, now. */
    uint32_t active_priority;         /**< Of the Active one; 0: unknown. */
    uint32_t is_asking;               /**< 1: the witness has yet to answer. */
    uint32_t fit;                     /**< As told, and debounced. */
};

/** A message as it came. */
struct infra_vrrp_datagram {
    const void *bytes;  /**< From the VRRP version on, without the IP header. */
    size_t bytes_count; /**< To the end of the IP datagram. */
    struct infra_vrrp_address source;
    struct infra_vrrp_address destination;
    uint32_t family;    /**< enum infra_vrrp_family */
    uint32_t hop_limit; /**< IPv4: the TTL. */
};

/** What a message says. */
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

/** Free it; NULL is allowed.  It says nothing to anyone: to hand over, stop it
 *  first.  Thread safety: owner. */
INFRA_API void infra_vrrp_destroy(struct infra_vrrp *vrrp);

/**
 * Take part: the event Startup of RFC 9568.  Nothing happens if it does so
 * already.
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
 * Take the next event.  To become Active is told as the message, which ends the
 * others' claims soonest, then the CHANGE, then what is to be announced.  To
 * resign is told as the CHANGE, then the message: nobody is invited before the
 * addresses are gone.  What no longer holds is dropped.
 *
 * @return INFRA_OK; INFRA_EAGAIN: nothing until the deadline; INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API INFRA_NODISCARD int infra_vrrp_next(struct infra_vrrp *vrrp,
                                              infra_time now,
                                              struct infra_vrrp_event *ret);

/** When infra_vrrp_next() has something again; 0 if it has something already.
 *  Thread safety: owner. */
INFRA_API infra_time infra_vrrp_deadline(const struct infra_vrrp *vrrp);

/**
 * Take in a message.
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
 * Can this node serve?  If not, it resigns and stays in FAULT.  It can, until
 * this says otherwise.
 *
 * @return INFRA_OK, INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_vrrp_fit(struct infra_vrrp *vrrp, int fit, infra_time now);

/**
 * Change the priority, where what ails the node is not worth a fault.  If it is
 * Active and another then has a higher one, that one preempts.
 *
 * @param priority  1 .. 254.
 * @return INFRA_OK; INFRA_EINVAL: NULL, out of range, or the owner's.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_vrrp_set_priority(struct infra_vrrp *vrrp,
                                      uint32_t priority);

/**
 * Answer a WITNESS.  On NO it waits for another down interval and asks again.
 *
 * @param ask     From the event.
 * @param answer  enum infra_vrrp_answer
 * @return INFRA_OK; INFRA_ESTALE: answered, too late, or no longer of interest;
 *         INFRA_EINVAL: NULL, or no such answer.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_vrrp_reply(struct infra_vrrp *vrrp, uint64_t ask,
                               uint32_t answer, infra_time now);

/**
 * Tell what the node is.
 *
 * @param[in,out] ret  Its size field set by the caller.
 * @return INFRA_OK, INFRA_EINVAL.
 *
 * Thread safety: owner.
 */
INFRA_API int infra_vrrp_inspect(const struct infra_vrrp *vrrp,
                                 struct infra_vrrp_status *ret);

/**
 * Write the message that an ADVERTISE asks for, without an IP header: protocol
 * 112, from the local address, TTL or hop limit 255.
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
 * Write the Ethernet frame that an ANNOUNCE asks for: a gratuitous ARP request
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

/** Tell the virtual router's own hardware address (RFC 9568 section 7.3), for
 *  an interface that is to have it.  INFRA_OK, INFRA_EINVAL.  Thread safety:
 *  owner. */
INFRA_API int infra_vrrp_mac(const struct infra_vrrp *vrrp, uint8_t ret[6]);

/**
 * Take the IPv4 header off, which a raw socket of IPv4 leaves on.  With IPv6
 * the system takes it off, and tells the rest in recvmsg(): fill the datagram
 * from there.
 *
 * @param[out] ret  Set on success only; it points into @p bytes.
 * @return 0; INFRA_VRRP_FLAW_IP; INFRA_EINVAL: NULL.
 *
 * Thread safety: any.
 */
INFRA_API int infra_vrrp_unwrap(const void *bytes, size_t bytes_count,
                                struct infra_vrrp_datagram *ret);

/**
 * Read a message, and check all that RFC 9568 section 7.1 says and one can
 * without knowing the virtual router.  A message may be longer than it says;
 * then the checksum covers the rest as well.
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

#ifdef __cplusplus
}
#endif

#endif /* INFRA_VRRP_H */
