/* SPDX-License-Identifier: MIT */
/* A virtual router, shared by its files: router.c creates and inspects it,
 * machine.c is the state machine, receive.c takes in the messages of others,
 * events.c hands out events, message.c and frame.c write and read bytes.
 *
 * Pending events are counts and flags, not a queue: they cannot overflow, and a
 * change of state simply clears those that no longer matter. */
#ifndef INFRA_VRRP_INTERNAL_H
#define INFRA_VRRP_INTERNAL_H

#include <infra/vrrp.h>
#include <stdbool.h>

/* RFC 9568 section 5.2.7: 12 bits of centiseconds. */
#define INFRA__VRRP_INTERVAL_UNIT INFRA_MS(10)
#define INFRA__VRRP_INTERVAL_MAX (4095u * INFRA__VRRP_INTERVAL_UNIT)

#define INFRA__VRRP_PRIORITY_RESIGN 0u
#define INFRA__VRRP_PRIORITY_OWNER 255u

#define INFRA__VRRP_HINT_FIRST INFRA_VRRP_REASON_RIVAL
#define INFRA__VRRP_HINTS_COUNT \
    (INFRA_VRRP_REASON_LATE - INFRA_VRRP_REASON_RIVAL + 1)

/* Timers of the same time fire in this order. */
enum infra__vrrp_timer {
    INFRA__VRRP_TIMER_FIT,      /* infra_vrrp_fit(): end of the debounce. */
    INFRA__VRRP_TIMER_START,    /* INITIALIZE: the end of the delay. */
    INFRA__VRRP_TIMER_DOWN,     /* BACKUP: Active_Down_Timer. */
    INFRA__VRRP_TIMER_ASK,      /* BACKUP: for the witness. */
    INFRA__VRRP_TIMER_ADVER,    /* ACTIVE: Adver_Timer. */
    INFRA__VRRP_TIMER_ANNOUNCE, /* ACTIVE: announce once more. */
    INFRA__VRRP_TIMERS_COUNT,
};

/* The other node of a change or a hint. */
struct infra__vrrp_party {
    struct infra_vrrp_address address;
    uint32_t priority;
};

struct infra__vrrp_hint {
    struct infra__vrrp_party party;
    infra_time noticed; /* Last; INFRA_TIME_NEVER: not in this state. */
    bool is_pending;
};

struct infra_vrrp {
    struct infra_allocator allocator;
    struct infra_vrrp_options o; /* With the defaults; priority is of now. */
    struct infra_vrrp_address addresses[INFRA_VRRP_ADDRESSES_MAX];
    struct infra_vrrp_address peers[INFRA_VRRP_PEERS_MAX];
    bool preempt;
    /* The machine. */
    bool is_started;
    bool is_fit;
    bool said_fit; /* By infra_vrrp_fit(), before the debounce. */
    bool is_asking;
    uint32_t state;
    uint32_t reason;
    uint32_t down_reason; /* Of a take-over when the down timer fires. */
    infra_time now;       /* Greatest time seen. */
    infra_time since;
    infra_time timers[INFRA__VRRP_TIMERS_COUNT];
    infra_time active_interval; /* Active_Adver_Interval. */
    infra_time lower_since;     /* A lower one is Active; NEVER: it is not. */
    infra_time announced;
    uint64_t ask; /* Number of the last WITNESS. */
    struct infra__vrrp_party active;
    /* Pending events. */
    struct infra__vrrp_party changed_by;
    struct infra__vrrp_hint hints[INFRA__VRRP_HINTS_COUNT];
    uint32_t told_state;
    uint32_t adverts_left; /* Peers that wait for a message. */
    uint32_t advert_priority;
    uint32_t advert_reason;
    uint32_t announces_left;
    uint32_t announce_reason;
    bool ask_is_pending;
    /* Counts. */
    uint64_t activations;
    uint64_t advertised;
    uint64_t heard;
    uint64_t rivals;
};

/* Bytes of an address. */
static inline size_t infra__vrrp_address_size(uint32_t family)
{
    return family == INFRA_VRRP_FAMILY_IPV4 ? 4 : 16;
}

/* memcmp() of two addresses: unsigned, in network order. */
int infra__vrrp_compare(uint32_t family, const struct infra_vrrp_address *a,
                        const struct infra_vrrp_address *b);

/* fe80::/10 */
static inline bool infra__vrrp_is_link_local(const uint8_t *ipv6)
{
    return ipv6[0] == 0xfe && (ipv6[1] & 0xc0) == 0x80;
}

static inline void infra__vrrp_advance(struct infra_vrrp *v, infra_time now)
{
    v->now = now > v->now ? now : v->now;
}

/* Skew_Time and Active_Down_Interval, of the present priority. */
infra_time infra__vrrp_skew(const struct infra_vrrp *v);
infra_time infra__vrrp_down(const struct infra_vrrp *v);

void infra__vrrp_set_timer(struct infra_vrrp *v, uint32_t timer,
                           infra_time delay);
void infra__vrrp_stop_timer(struct infra_vrrp *v, uint32_t timer);

/* Make an event pending, with an enum infra_vrrp_reason. */
void infra__vrrp_advertise(struct infra_vrrp *v, uint32_t priority,
                           uint32_t reason);
void infra__vrrp_announce(struct infra_vrrp *v, uint32_t reason);
void infra__vrrp_hint(struct infra_vrrp *v, uint32_t reason,
                      const struct infra__vrrp_party *party);

/* @party: the node that was heard; without an address: none. */
void infra__vrrp_become_backup(struct infra_vrrp *v, uint32_t reason,
                               const struct infra__vrrp_party *party);

/* The timer that fires next. */
uint32_t infra__vrrp_first_timer(const struct infra_vrrp *v);

/* Let it fire. */
void infra__vrrp_fire(struct infra_vrrp *v, uint32_t timer);

#endif
