/* SPDX-License-Identifier: MIT */
/* Which options lb_pair requires, and which exclude each other. */
#include "../common/arguments.h"
#include "lb_pair_options.h"

#define TTL_DEFAULT INFRA_SEC(3)

static bool is_complete(const struct pair_options *o)
{
    if (!lease_spec_is_given(&o->lease) && o->vrid == 0) {
        return arguments_wrong("--lease is missing (try --help)");
    }
    if (o->lease.node == NULL) {
        return arguments_wrong("--node is missing (try --help)");
    }
    if (o->groups_count == 0) {
        return arguments_wrong("--group is missing (try --help)");
    }
    if (o->command[0] == NULL) {
        return arguments_wrong("COMMAND is missing (try --help)");
    }
    if ((o->up == NULL) != (o->down == NULL)) {
        return arguments_wrong("--%s is missing: --up and --down belong "
                               "together",
                               o->up == NULL ? "up" : "down");
    }
    return true;
}

static bool addresses_are_moved(const struct pair_options *o)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < o->groups_count; i++) {
        count += o->groups[i].addresses_count;
    }
    if (count > 0 && o->interface == NULL && o->up == NULL) {
        return arguments_wrong("address= needs --interface, or --up and "
                               "--down, to move it");
    }
    if (o->interface != NULL && count == 0) {
        return arguments_wrong("--interface needs an address= in a --group");
    }
    if (o->interface != NULL && o->lease.path != NULL) {
        return arguments_wrong("--interface does not go with --lease file: on "
                               "one host the address is there all the time");
    }
    return true;
}

static bool is_link_local(const struct virtual_address *a)
{
    return a->address.bytes[0] == 0xfe && (a->address.bytes[1] & 0xc0) == 0x80;
}

static bool is_virtual_router(const struct pair_group *g)
{
    if (g->addresses_count == 0) {
        return arguments_wrong("--group \"%s\": VRRP needs an address=",
                               g->name);
    }
    if (g->preference < 1 || g->preference > 254) {
        return arguments_wrong("--group \"%s\": with VRRP preference must be "
                               "1 to 254",
                               g->name);
    }
    for (uint32_t i = 1; i < g->addresses_count; i++) {
        if (g->addresses[i].family != g->addresses[0].family) {
            return arguments_wrong("--group \"%s\": VRRP needs one group for "
                                   "IPv4 and one for IPv6",
                                   g->name);
        }
    }
    if (g->addresses[0].family == INFRA_VRRP_FAMILY_IPV6 &&
        !is_link_local(&g->addresses[0])) {
        return arguments_wrong("--group \"%s\": with VRRP the first IPv6 "
                               "address must be link-local (fe80::/10)",
                               g->name);
    }
    return true;
}

static bool fits_vrrp(const struct pair_options *o)
{
    const struct {
        const char *name;
        bool is_given;
        const char *why;
    } others[] = {
        { "--fence", o->fence != NULL, "VRRP does not name the former node" },
        { "--attest", o->attest != 0, "it has no gate" },
        { "--drain", o->drain != 0, "it has no gate" },
        { "--ttl", o->lease.ttl != 0, "there is no lease" },
        { "--floor", o->lease.floor != NULL, "there are no tokens" },
    };

    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (others[i].is_given) {
            return arguments_wrong("%s does not go with --lease vrrp: %s",
                                   others[i].name, others[i].why);
        }
    }
    if (o->interface == NULL) {
        return arguments_wrong("--lease vrrp needs --interface");
    }
    if (o->vrid + o->groups_count - 1 > 255) {
        return arguments_wrong("--lease vrrp:%u: no VRIDs are left for %u "
                               "groups",
                               o->vrid, o->groups_count);
    }
    for (uint32_t i = 0; i < o->groups_count; i++) {
        if (!is_virtual_router(&o->groups[i])) {
            return false;
        }
    }
    return true;
}

bool pair_options_fit(struct pair_options *o)
{
    if (!is_complete(o) || !addresses_are_moved(o)) {
        return false;
    }
    if (o->vrid != 0) {
        return lease_spec_fits(&o->lease, 0) && fits_vrrp(o);
    }
    o->lease.ttl = o->lease.ttl != 0 ? o->lease.ttl : TTL_DEFAULT;
    if (!lease_spec_fits(&o->lease, o->drain)) {
        return false;
    }
    if (o->attest != 0 && o->attest < INFRA_MS(100)) {
        return arguments_wrong("--attest: must be 100ms at least");
    }
    return true;
}
