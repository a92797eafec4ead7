/* SPDX-License-Identifier: MIT */
/* Are the backends sick, or the checker? A score of the machine's own health
 * after Lifeguard (Dadgar, Phillips, Currey 2018, "local health awareness";
 * memberlist, awareness.go). Evidence against the machine raises the score,
 * answers in time lower it, by at most one step per period. While it is not 0,
 * timeouts are stretched and silence condemns later.
 *
 * Evidence against the machine: its loop came late (Cassandra, FailureDetector,
 * guards against its own pauses in the same way); a check found no descriptor;
 * more backends fell silent than checks were answered meanwhile. A refusal, a
 * reset or an error is an answer and so about the backend. A backend that has
 * never answered cannot fall silent, and a backend whose checks always end with
 * LOCAL counts once: neither says anything new about the machine. */
#ifndef INFRA_HEALTH_SELF_DOUBT_H
#define INFRA_HEALTH_SELF_DOUBT_H

#include <infra/base.h>
#include <stdbool.h>

/* Counts over all backends; both wrap. */
struct infra__heard {
    uint32_t answers;  /* Checks answered, well or not. */
    uint32_t silences; /* Backends that were up and fell silent. */
};

struct infra__self_doubt {
    infra_time period;     /* Least time between two steps of the score. */
    infra_time slept;      /* Sum of the lateness of the loop. */
    infra_time blamed_at;  /* Time of the last evidence. */
    infra_time stepped_at; /* When the score last moved. */
    infra_time turned_at;  /* When doubt last began or ended. */
    struct infra__heard heard;
    uint32_t score;    /* 0 .. INFRA__SCORE_MAX */
    uint32_t reason;   /* Of the last doubt, an enum infra_health_reason. */
    bool is_known;     /* The host's last event was DOUBT. */
    bool wants_answer; /* There was other evidence than LOCAL. */
};

#define INFRA__SCORE_MAX 7u /* memberlist's, whose maximum of 8 is exclusive. */

/* The loop came @late after its deadline. */
void infra__self_doubt_late(struct infra__self_doubt *d, infra_time late,
                            infra_time now);

/* A check ended with LOCAL, and the backend's previous one did not. */
void infra__self_doubt_local(struct infra__self_doubt *d, infra_time now);

/* A backend that was up and had answered fell silent. */
void infra__self_doubt_silence(struct infra__self_doubt *d);

/* A check that began at @started was answered, well or not. */
void infra__self_doubt_answer(struct infra__self_doubt *d, infra_time started,
                              infra_time now);

/* A check that began at @started was made, but not answered. */
void infra__self_doubt_no_want(struct infra__self_doubt *d, infra_time started,
                               infra_time now);

/* Is there doubt about taking a silent backend down? Doubt begins here if since
 * @heard, the counts when its silence began, more backends fell silent than
 * checks were answered. */
bool infra__self_doubt_holds(struct infra__self_doubt *d,
                             const struct infra__heard *heard, infra_time now);

/* Was the loop away for at least half of the time since @started, when its
 * lateness summed up to @slept? */
bool infra__self_doubt_slept_through(const struct infra__self_doubt *d,
                                     infra_time started, infra_time slept,
                                     infra_time now);

/* Must the host be told of doubt, or of its end? */
bool infra__self_doubt_is_news(const struct infra__self_doubt *d);

#endif
