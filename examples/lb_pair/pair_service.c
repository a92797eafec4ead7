/* SPDX-License-Identifier: MIT */
#include "pair_service.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

/* The kernel counts the lifetime of an address in seconds.  It need not be
 * renewed sooner than this. */
#define KEEP_STEP INFRA_MS(250)

/* Times of repeated announcements: a host may have missed one, or heard the
 * former holder after it. */
static const infra_time announce_after[] = { INFRA_MS(200), INFRA_MS(1100),
                                             INFRA_MS(2500), INFRA_SEC(10) };
#define ANNOUNCE_STEPS (sizeof announce_after / sizeof announce_after[0])

/* The command looks at its gate every 10 ms, and cuts its sessions: clients
 * notice only while their address is still here. */
#define CUT_TIME INFRA_MS(20)

static uint32_t seconds_until(infra_time until, infra_time now)
{
    infra_time left = until > now ? until - now : 0;
    infra_time seconds = (left + INFRA_SEC(1) - 1) / INFRA_SEC(1);

    return seconds < 1 ? 1 : seconds > 86400 ? 86400 : (uint32_t)seconds;
}

/* 0: remove them.  False: the reason was logged. */
static bool set_addresses(struct pair_service *s, uint32_t seconds)
{
    bool ok = true;

    for (uint32_t i = 0; s->link != NULL && i < s->group->addresses_count;
         i++) {
        if (virtual_link_set(s->link, &s->group->addresses[i], seconds) != 0) {
            pair_say("%s: cannot %s an address of \"%s\": %s", s->group->name,
                     seconds > 0 ? "have" : "remove", s->group->addresses_text,
                     strerror(errno));
            ok = false;
        }
    }
    return ok;
}

/* Sending fails while the interface is down; it is repeated. */
static void announce(struct pair_service *s, infra_time now)
{
    for (uint32_t i = 0; i < s->group->addresses_count; i++) {
        (void)virtual_link_announce(s->link, &s->group->addresses[i]);
    }
    s->announce_at =
        now +
        announce_after[s->announced < ANNOUNCE_STEPS ? s->announced
                                                     : ANNOUNCE_STEPS - 1];
    s->announced++;
}

struct pair_variables pair_service_variables(const struct pair_service *s)
{
    return (struct pair_variables) { .group = s->group->name,
                                     .node = s->options->lease.node,
                                     .addresses = s->group->addresses_text,
                                     .token = s->token };
}

/* Run --up or --down, one at a time: the last one needed runs last.  An --up
 * that is no longer wanted is cut short. */
static void run_command(struct pair_service *s, infra_time now)
{
    const struct pair_variables variables = pair_service_variables(s);
    const char *text = s->is_wanted ? s->options->up : s->options->down;

    if (s->command.pid != 0) {
        if (s->was_wanted && !s->is_wanted) {
            shell_command_stop(&s->command, now);
        }
        return;
    }
    if (s->is_settled && s->was_wanted == s->is_wanted) {
        return;
    }
    s->was_wanted = s->is_wanted;
    s->is_settled =
        text == NULL || !pair_command_start(&s->command, text, &variables,
                                            now + s->options->limit);
    if (s->is_settled) {
        s->is_starting = false;
        s->has_failed |= text != NULL && s->is_wanted;
    }
}

bool pair_service_start(struct pair_service *s, infra_time now)
{
    /* With all nodes on one host, it may be another's. */
    s->is_settled = s->options->lease.path != NULL;
    s->is_starting = !s->is_settled;
    if (s->gate != NULL) {
        for (uint32_t i = 0; i < s->group->addresses_count; i++) {
            const struct virtual_address *a = &s->group->addresses[i];
            uint8_t *to = s->gate->addresses[s->gate->addresses_count++];
            if (a->family == INFRA_VRRP_FAMILY_IPV4) {
                to[10] = to[11] = 0xff;
                memcpy(to + 12, a->address.bytes, 4);
            } else {
                memcpy(to, a->address.bytes, 16);
            }
        }
    }
    if (!set_addresses(s, 0)) {
        return false;
    }
    run_command(s, now);
    return true;
}

void pair_service_gain(struct pair_service *s, uint64_t token, infra_time until,
                       infra_time now)
{
    s->token = token;
    s->is_wanted = true;
    s->is_draining = false;
    s->drop_at = 0;
    s->announced = 0;
    if (s->link != NULL) {
        s->has_failed |= !set_addresses(s, seconds_until(until, now));
        s->here_until = until;
        if (s->announces) {
            announce(s, now);
        }
    }
    run_command(s, now);
}

void pair_service_keep(struct pair_service *s, infra_time until, infra_time now)
{
    if (s->link != NULL && s->is_wanted && until >= s->here_until + KEEP_STEP) {
        s->here_until = until;
        s->has_failed |= !set_addresses(s, seconds_until(until, now));
    }
}

void pair_service_drain(struct pair_service *s)
{
    s->is_draining = true;
}

static void drop(struct pair_service *s, infra_time now)
{
    s->here_until = 0;
    (void)set_addresses(s, 0);
    run_command(s, now);
}

void pair_service_lose(struct pair_service *s, infra_time now)
{
    /* No session needs the time if the command does not look, or after a
     * drain. */
    bool is_cut = s->gate == NULL || atomic_load(&s->gate->is_followed) == 0 ||
                  (s->is_draining && atomic_load(&s->gate->sessions) == 0);

    s->is_wanted = false;
    if (is_cut) {
        drop(s, now);
    } else {
        s->drop_at = now + CUT_TIME;
    }
}

bool pair_service_is_idle(const struct pair_service *s)
{
    return s->gate == NULL || (atomic_load(&s->gate->is_followed) != 0 &&
                               atomic_load(&s->gate->sessions) == 0);
}

bool pair_service_is_gone(const struct pair_service *s)
{
    return !s->is_wanted && s->drop_at == 0 && !s->was_wanted && s->is_settled;
}

void pair_service_turn(struct pair_service *s, infra_time now)
{
    shell_command_expire(&s->command, now);
    if (s->drop_at != 0 && now >= s->drop_at) {
        s->drop_at = 0;
        drop(s, now);
    }
    if (s->link != NULL && s->announces && s->is_wanted &&
        now >= s->announce_at) {
        announce(s, now);
    }
}

infra_time pair_service_deadline(const struct pair_service *s)
{
    infra_time at = shell_command_deadline(&s->command);

    at = s->drop_at != 0 && s->drop_at < at ? s->drop_at : at;
    return s->link != NULL && s->announces && s->is_wanted &&
                   s->announce_at < at
               ? s->announce_at
               : at;
}

bool pair_service_ended(struct pair_service *s, pid_t pid, int status,
                        infra_time now)
{
    enum pair_ending ending;
    bool was_up = s->was_wanted;

    if (!pair_command_ended(&s->command, pid, status, &ending)) {
        return false;
    }
    s->is_settled = true;
    s->is_starting &= was_up;
    if (ending != PAIR_DONE && was_up == s->is_wanted) {
        pair_say("%s: --%s %s", s->group->name, was_up ? "up" : "down",
                 ending == PAIR_LATE ? "took too long" : "failed");
        s->has_failed |= was_up;
    }
    run_command(s, now);
    return true;
}
