/* SPDX-License-Identifier: MIT */
/* Is it the backends, or is it us? A score of the machine's own health in the
 * manner of Lifeguard (Dadgar, Phillips, Currey 2018, "local health awareness";
 * memberlist, awareness.go): what speaks against the machine raises it, what is
 * answered in time lowers it, by a step in each period at most. While it is not
 * 0, time-outs are stretched and silence condemns later.
 *
 * What speaks against the machine: that its loop came late (Cassandra,
 * FailureDetector, guards against a pause of its own in the same way); that a
 * check found no descriptor; and that more backends fell silent at once than
 * checks were answered meanwhile. A refusal, a reset or an error is an answer:
 * somebody said it, so it is about the backend. A backend that has never
 * answered cannot fall silent, and one whose checks always lack something here
 * says so once: neither is news about us. */
#ifndef INFRA_HEALTH_SELF_DOUBT_H
#define INFRA_HEALTH_SELF_DOUBT_H

#include <infra/base.h>
#include <stdbool.h>

/* What all backends together did; both wrap. */
struct infra__heard {
    uint32_t answers;  /* Checks that were answered, well or not. */
    uint32_t silences; /* How often one that was up fell silent. */
};

struct infra__self_doubt {
    infra_time period;     /* The score moves a step in it at most. */
    infra_time slept;      /* By how much the loop came late, in sum. */
    infra_time blamed_at;  /* The last time that something spoke against us. */
    infra_time stepped_at; /* The last time that the score moved. */
    infra_time turned_at;  /* The last time that doubt began or ended. */
    struct infra__heard heard;
    uint32_t score;    /* 0 .. INFRA__SCORE_MAX */
    uint32_t reason;   /* Of the last doubt, an enum infra_health_reason. */
    bool is_known;     /* Was the host told of doubt last? */
    bool wants_answer; /* It is about more than a want here. */
};

#define INFRA__SCORE_MAX 7u /* memberlist's, whose maximum of 8 is exclusive. */

/* The loop came @late after it was wanted. */
void infra__self_doubt_late(struct infra__self_doubt *d, infra_time late,
                            infra_time now);

/* A check could not be made for want of something here, and the backend's last
 * one was made. */
void infra__self_doubt_local(struct infra__self_doubt *d, infra_time now);

/* A backend that was up and had answered fell silent. */
void infra__self_doubt_silence(struct infra__self_doubt *d);

/* A check that was begun at @started was answered, well or not. */
void infra__self_doubt_answer(struct infra__self_doubt *d, infra_time started,
                              infra_time now);

/* A check that was begun at @started was made, though nobody answered. */
void infra__self_doubt_no_want(struct infra__self_doubt *d, infra_time started,
                               infra_time now);

/* A backend that has been silent since a check before which @heard was heard is
 * to be condemned. Is there doubt? It begins here if it is one of a crowd. */
bool infra__self_doubt_holds(struct infra__self_doubt *d,
                             const struct infra__heard *heard, infra_time now);

/* Was the loop away for half of the time since @started, or more? It had
 * @slept in sum by then. */
bool infra__self_doubt_slept_through(const struct infra__self_doubt *d,
                                     infra_time started, infra_time slept,
                                     infra_time now);

/* Is there doubt where the host knows of none, or the other way round? */
bool infra__self_doubt_is_news(const struct infra__self_doubt *d);

#endif
