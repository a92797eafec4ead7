/* SPDX-License-Identifier: MIT */
/* What it means for this node to serve a group, or to have ceased to: its gate
 * takes new work or not, its addresses are here or not, and the operator's
 * commands have run.  Who decides that it is to be so is another's matter
 * (pair_elector.h, pair_router.h). */
#ifndef EXAMPLES_PAIR_SERVICE_H
#define EXAMPLES_PAIR_SERVICE_H

#include "lb_pair_options.h"
#include "pair_command.h"

struct pair_service {
    const struct pair_options *options;
    const struct pair_group *group;
    struct virtual_link *link; /* NULL: no address is moved by us. */
    struct shared_gate *gate;  /* NULL: there is none. */
    struct shell_command command;
    uint64_t token;
    infra_time here_until; /* The addresses, by the kernel; 0: they are not. */
    infra_time drop_at;    /* When they are to go. */
    infra_time announce_at;
    uint32_t announced;
    bool announces;   /* Else somebody else does. */
    bool is_wanted;   /* To serve; else not to. */
    bool is_draining; /* It takes nothing new. */
    bool was_wanted;  /* What the last command was told, */
    bool is_settled;  /* and has the last one that is needed ended? */
    bool has_failed;  /* --up did; to be cleared by who sees it. */
    bool is_starting; /* The first --down is not over yet. */
};

/* Remove what a former life may have left behind.  False: the system does not
 * allow it, which has been said. */
bool pair_service_start(struct pair_service *service, infra_time now);

/* Serve, until @until at least, under @token. */
void pair_service_gain(struct pair_service *service, uint64_t token,
                       infra_time until, infra_time now);

/* Go on, until then. */
void pair_service_keep(struct pair_service *service, infra_time until,
                       infra_time now);

/* Take nothing new. */
void pair_service_drain(struct pair_service *service);

/* Cease. */
void pair_service_lose(struct pair_service *service, infra_time now);

/* Is no session in progress, as far as the command tells? */
bool pair_service_is_idle(const struct pair_service *service);

/* Has it ceased, with all that belongs to it? */
bool pair_service_is_gone(const struct pair_service *service);

/* Do what is due, and when that is. */
void pair_service_turn(struct pair_service *service, infra_time now);
infra_time pair_service_deadline(const struct pair_service *service);

/* A process ended.  Was it one of this? */
bool pair_service_ended(struct pair_service *service, pid_t pid, int status,
                        infra_time now);

/* What the operator's commands are told. */
struct pair_variables pair_service_variables(
    const struct pair_service *service);

#endif
