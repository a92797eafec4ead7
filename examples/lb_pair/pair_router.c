/* SPDX-License-Identifier: MIT */
/* A group that the Active node of its virtual router serves. */
#include "pair_role.h"
#include "vrrp_port.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define INTERVAL INFRA_MS(100)

/* The kernel is given the addresses for ADDRESS_FOR, again every KEEP_EVERY: a
 * killed node is replaced after 0.4 s and loses the addresses within 2 s. */
#define ADDRESS_FOR INFRA_SEC(2)
#define KEEP_EVERY INFRA_MS(500)

struct router {
    struct pair_role role; /* First: it is a role. */
    struct vrrp_port port;
    struct infra_vrrp_address local; /* The source of its messages. */
    uint32_t number;                 /* Of the group. */
    infra_time keep_at;
    bool has_twin; /* And it has been logged. */
};

static const char *name_of(const struct router *r)
{
    return r->role.service.group->name;
}

static bool is_virtual(const struct pair_options *o, const void *bytes,
                       size_t size)
{
    for (uint32_t i = 0; i < o->groups_count; i++) {
        for (uint32_t j = 0; j < o->groups[i].addresses_count; j++) {
            if (memcmp(o->groups[i].addresses[j].address.bytes, bytes, size) ==
                0) {
                return true;
            }
        }
    }
    return false;
}

/* May messages come from this address?  IPv6: a link-local one. */
static bool is_own(const struct pair_options *o, uint32_t family,
                   const struct sockaddr *in, struct infra_vrrp_address *ret)
{
    if (family == INFRA_VRRP_FAMILY_IPV4 && in->sa_family == AF_INET) {
        const struct in_addr *a =
            &((const struct sockaddr_in *)(const void *)in)->sin_addr;
        memcpy(ret->bytes, a, sizeof *a);
        return !is_virtual(o, a, sizeof *a);
    }
    if (family == INFRA_VRRP_FAMILY_IPV6 && in->sa_family == AF_INET6) {
        const struct in6_addr *a =
            &((const struct sockaddr_in6 *)(const void *)in)->sin6_addr;
        memcpy(ret->bytes, a, sizeof *a);
        return IN6_IS_ADDR_LINKLOCAL(a) && !is_virtual(o, a, sizeof *a);
    }
    return false;
}

/* The source of this node's messages: the current one while the interface has
 * it, else the interface's first address. */
static bool find_local(const struct router *r, uint32_t family,
                       struct infra_vrrp_address *ret)
{
    const struct pair_options *o = r->role.service.options;
    struct ifaddrs *all = NULL;
    bool found = false;

    if (getifaddrs(&all) != 0) {
        return false;
    }
    for (const struct ifaddrs *i = all; i != NULL; i = i->ifa_next) {
        struct infra_vrrp_address address = { .bytes = { 0 } };
        if (i->ifa_addr == NULL || strcmp(i->ifa_name, o->interface) != 0 ||
            !is_own(o, family, i->ifa_addr, &address)) {
            continue;
        }
        bool is_former = memcmp(&address, &r->local, sizeof address) == 0;
        if (!found || is_former) {
            *ret = address;
        }
        found = true;
        if (is_former) {
            break;
        }
    }
    freeifaddrs(all);
    return found;
}

static bool create_vrrp(struct router *r, uint32_t family)
{
    const struct pair_options *o = r->role.service.options;
    const struct pair_group *group = r->role.service.group;
    struct infra_vrrp_address addresses[SHARED_ADDRESSES_MAX];
    const struct infra_vrrp_options options = {
        .size = sizeof options,
        .addresses = addresses,
        .addresses_count = group->addresses_count,
        .family = family,
        .local = r->local,
        .vrid = o->vrid + r->number,
        .priority = group->preference,
        .interval = INTERVAL,
        .no_preempt = !o->preempt,
    };

    for (uint32_t i = 0; i < group->addresses_count; i++) {
        addresses[i] = group->addresses[i].address;
    }
    int err = infra_vrrp_create(&r->port.machine, &options);
    if (err != INFRA_OK) {
        pair_say("%s: %s", group->name, infra_strerror(err));
        return false;
    }
    return true;
}

/* The machine, which keeps its address for life, and its sockets. */
static bool open_vrrp(struct router *r, infra_time now)
{
    const char *interface = r->role.service.options->interface;
    uint32_t family = r->role.service.group->addresses[0].family;

    if (!find_local(r, family, &r->local)) {
        pair_say("%s: --interface %s: no %s of its own", name_of(r), interface,
                 family == INFRA_VRRP_FAMILY_IPV4 ? "IPv4 address"
                                                  : "link-local IPv6 address");
        return false;
    }
    if (!create_vrrp(r, family)) {
        return false;
    }
    if (link_open(&r->port.link, interface, family, &r->local) != 0) {
        pair_say("%s: --interface %s: %s", name_of(r), interface,
                 strerror(errno));
        return false;
    }
    /* Until the command is up. */
    (void)infra_vrrp_fit(r->port.machine, 0, now);
    (void)infra_vrrp_start(r->port.machine, now);
    return true;
}

static void router_close(struct pair_role *role)
{
    struct router *r = (struct router *)role;

    vrrp_port_close(&r->port);
    free(r);
}

static struct pair_role *router_open(const struct pair_host *host,
                                     uint32_t number, infra_time now)
{
    struct router *r = calloc(1, sizeof *r);

    if (r == NULL) {
        pair_say("out of memory");
        return NULL;
    }
    r->port = (struct vrrp_port)VRRP_PORT_CLOSED;
    r->port.interface = host->link;
    /* Groups share the LAN: another VRID is normal. */
    r->port.flaws = 1u << INFRA_VRRP_FLAW_VRID;
    r->number = number;
    r->role.service =
        (struct pair_service) { .options = host->options,
                                .group = &host->options->groups[number],
                                .link = host->link };
    if (!pair_service_start(&r->role.service, now) || !open_vrrp(r, now)) {
        router_close(&r->role);
        return NULL;
    }
    return &r->role;
}

/* Sockets of a former interface or address neither receive nor send: they are
 * opened again. */
static bool router_relink(struct pair_role *role, infra_time now)
{
    struct router *r = (struct router *)role;
    uint32_t family = role->service.group->addresses[0].family;
    struct infra_vrrp_address local;
    bool is_there = find_local(r, family, &local);

    if (is_there && r->port.machine != NULL &&
        r->port.link.index == role->service.link->index &&
        memcmp(&local, &r->local, sizeof local) == 0) {
        return true;
    }
    if (r->port.machine == NULL && !is_there) {
        return false; /* As before. */
    }
    if (role->service.is_wanted) {
        pair_service_lose(&role->service, now);
    }
    vrrp_port_close(&r->port);
    role->is_fit = false;
    if (open_vrrp(r, now)) {
        return true;
    }
    vrrp_port_close(&r->port);
    return false;
}

static void hear(struct router *r)
{
    uint32_t flaws = vrrp_port_hear(&r->port);

    for (uint32_t flaw = 0; flaws >> flaw != 0; flaw++) {
        if ((flaws >> flaw & 1u) != 0) {
            pair_say("%s: dropped: %s", name_of(r), infra_vrrp_flaw_name(flaw));
        }
    }
}

static void change(struct router *r, const struct infra_vrrp_event *event,
                   infra_time now)
{
    bool serves = event->state == INFRA_VRRP_STATE_ACTIVE;

    pair_say("%s: %s: %s", name_of(r), infra_vrrp_state_name(event->state),
             infra_vrrp_reason_name(event->reason));
    if (serves) {
        pair_service_gain(&r->role.service, 0, now + ADDRESS_FOR, now);
    } else if (r->role.service.is_wanted) {
        pair_service_lose(&r->role.service, now);
    }
}

static void router_turn(struct pair_role *role, infra_time now)
{
    struct router *r = (struct router *)role;
    struct infra_vrrp_event event;

    if (r->port.machine == NULL) { /* It has no interface. */
        pair_service_turn(&role->service, now);
        return;
    }
    hear(r);
    while (vrrp_port_next(&r->port, &event)) {
        if (event.kind == INFRA_VRRP_EVENT_CHANGE) {
            change(r, &event, infra_driver_now());
        } else {
            pair_say("%s: hint: %s", name_of(r),
                     infra_vrrp_reason_name(event.reason));
        }
    }
    if (now >= r->keep_at) {
        pair_service_keep(&role->service, now + ADDRESS_FOR, now);
        r->keep_at = now + KEEP_EVERY;
        if (link_has_twin(&r->port.link) && !r->has_twin) {
            r->has_twin = true;
            pair_say("%s: another node has this node's own address: give one "
                     "of them another",
                     name_of(r));
        }
    }
    pair_service_turn(&role->service, now);
}

static infra_time router_deadline(const struct pair_role *role, infra_time now)
{
    const struct router *r = (const struct router *)role;
    infra_time at = r->port.machine != NULL
                        ? infra_vrrp_deadline(r->port.machine)
                        : INFRA_TIME_NEVER;
    infra_time service_at = pair_service_deadline(&role->service);

    (void)now;
    at = service_at < at ? service_at : at;
    return role->service.is_wanted && r->keep_at < at ? r->keep_at : at;
}

static int router_fd(const struct pair_role *role)
{
    return ((const struct router *)role)->port.link.receive_fd;
}

static void router_fit(struct pair_role *role, bool fit, infra_time now)
{
    /* Without an interface there is no machine; that counts as unfit. */
    (void)infra_vrrp_fit(((struct router *)role)->port.machine, fit, now);
}

/* VRRP can only resign; with --preempt that does not last. */
static void router_step_down(struct pair_role *role, infra_time now)
{
    struct router *r = (struct router *)role;

    (void)infra_vrrp_stop(r->port.machine, now);
    router_turn(role, now);
    (void)infra_vrrp_start(r->port.machine, now);
}

static void router_take_over(struct pair_role *role, infra_time now)
{
    (void)now;
    pair_say("%s: VRRP cannot take over on command: let the other node step "
             "down",
             role->service.group->name);
}

static void router_end(struct pair_role *role, infra_time now)
{
    (void)infra_vrrp_stop(((struct router *)role)->port.machine, now);
}

static bool router_is_over(struct pair_role *role, infra_time now)
{
    (void)now;
    return pair_service_is_gone(&role->service);
}

static bool router_ended(struct pair_role *role, pid_t pid, int status,
                         infra_time now)
{
    return pair_service_ended(&role->service, pid, status, now);
}

static void router_inspect(const struct pair_role *role, struct pair_view *ret)
{
    const struct router *r = (const struct router *)role;
    struct infra_vrrp_status s = { .size = sizeof s };

    (void)infra_vrrp_inspect(r->port.machine, &s);
    *ret = (struct pair_view) { .state = infra_vrrp_state_name(s.state),
                                .reason = infra_vrrp_reason_name(s.reason),
                                .since = s.since,
                                .activations = s.activations };
}

const struct pair_role_kind pair_router = {
    .open = router_open,
    .close = router_close,
    .turn = router_turn,
    .deadline = router_deadline,
    .fd = router_fd,
    .relink = router_relink,
    .fit = router_fit,
    .step_down = router_step_down,
    .take_over = router_take_over,
    .end = router_end,
    .is_over = router_is_over,
    .ended = router_ended,
    .inspect = router_inspect,
};
