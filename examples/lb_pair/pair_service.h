/* SPDX-License-Identifier: MIT */
/* The service of a group at this node: its gate admits work or not, its
 * addresses are here or not, and the operator's commands have run.  The role
 * (pair_elector.c, pair_router.c) decides whether it serves. */
#ifndef EXAMPLES_PAIR_SERVICE_H
#define EXAMPLES_PAIR_SERVICE_H

#include "lb_pair_options.h"
#include "pair_command.h"

struct pair_service {
    const struct pair_options *options;
    const struct pair_group *group;
    struct virtual_link *link; /* NULL: lb_pair moves no address. */
    struct shared_gate *gate;  /* NULL: none. */
    struct shell_command command;
    uint64_t token;
    infra_time here_until; /* Of the addresses, in the kernel; 0: not here. */
    infra_time drop_at;    /* Time to remove them. */
    infra_time announce_at;
    uint32_t announced;
    bool announces;   /* Announce them here. */
    bool is_wanted;   /* It should serve. */
    bool is_draining; /* It takes no new work. */
    bool was_wanted;  /* The last command was --up, */
    bool is_settled;  /* and the last one needed has ended. */
    bool has_failed;  /* --up failed; the loop clears it. */
    bool is_starting; /* The first --down still runs. */
};

/* Remove what a former run may have left behind.  False: the system refused;
 * the reason was logged. */
bool pair_service_start(struct pair_service *service, infra_time now);

/* Serve, until at least @until, under @token. */
void pair_service_gain(struct pair_service *service, uint64_t token,
                       infra_time until, infra_time now);

/* Continue until @until. */
void pair_service_keep(struct pair_service *service, infra_time until,
                       infra_time now);

/* Take no new work. */
void pair_service_drain(struct pair_service *service);

/* Cease to serve. */
void pair_service_lose(struct pair_service *service, infra_time now);

/* Is no session in progress, by the command's count? */
bool pair_service_is_idle(const struct pair_service *service);

/* Has it ceased, with addresses and commands? */
bool pair_service_is_gone(const struct pair_service *service);

/* A turn, and the latest time of the next one. */
void pair_service_turn(struct pair_service *service, infra_time now);
infra_time pair_service_deadline(const struct pair_service *service);

/* A process ended.  True: it was of this service. */
bool pair_service_ended(struct pair_service *service, pid_t pid, int status,
                        infra_time now);

/* The environment of the operator's commands. */
struct pair_variables pair_service_variables(
    const struct pair_service *service);

#endif
