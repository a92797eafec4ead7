/* SPDX-License-Identifier: MIT */
#include "self_doubt.h"

#include <infra/health.h>

/* Silence and LOCAL do not say how much longer a timeout must be: they double
 * it. Only a late loop stretches timeouts further. */
#define SCORE_MAX_UNLESS_LATE 1u

/* Was the last step at least a period ago? */
static bool may_step(const struct infra__self_doubt *d, infra_time now)
{
    return now - d->stepped_at >= d->period;
}

static void step_to(struct infra__self_doubt *d, uint32_t score, infra_time now)
{
    if ((d->score == 0) != (score == 0)) {
        d->turned_at = now;
    }
    d->score = score;
    d->stepped_at = now;
    d->wants_answer = d->wants_answer && score > 0;
}

/* The first step is taken at once, or it would come too late to suppress a
 * failure. */
static void blame(struct infra__self_doubt *d, uint32_t reason, uint32_t max,
                  infra_time now)
{
    d->blamed_at = now;
    d->wants_answer |= reason != INFRA_HEALTH_REASON_LOCAL;
    if (d->score == 0) {
        d->reason = reason;
        step_to(d, 1, now);
    } else if (d->score < max && may_step(d, now)) {
        step_to(d, d->score + 1, now);
    }
}

void infra__self_doubt_late(struct infra__self_doubt *d, infra_time late,
                            infra_time now)
{
    d->slept += late;
    blame(d, INFRA_HEALTH_REASON_LATE, INFRA__SCORE_MAX, now);
}

void infra__self_doubt_local(struct infra__self_doubt *d, infra_time now)
{
    blame(d, INFRA_HEALTH_REASON_LOCAL, SCORE_MAX_UNLESS_LATE, now);
}

void infra__self_doubt_silence(struct infra__self_doubt *d)
{
    d->heard.silences++;
}

/* A check that began before the last evidence does not end the doubt. */
static void recover(struct infra__self_doubt *d, infra_time started,
                    infra_time now)
{
    if (d->score > 0 && started >= d->blamed_at &&
        now - d->blamed_at >= d->period && may_step(d, now)) {
        step_to(d, d->score - 1, now);
    }
}

void infra__self_doubt_answer(struct infra__self_doubt *d, infra_time started,
                              infra_time now)
{
    d->heard.answers++;
    recover(d, started, now);
}

void infra__self_doubt_no_want(struct infra__self_doubt *d, infra_time started,
                               infra_time now)
{
    if (!d->wants_answer) {
        recover(d, started, now);
    }
}

bool infra__self_doubt_holds(struct infra__self_doubt *d,
                             const struct infra__heard *heard, infra_time now)
{
    /* Including its own. */
    uint32_t silences = d->heard.silences - heard->silences;

    if (silences > 1 && silences > d->heard.answers - heard->answers) {
        blame(d, INFRA_HEALTH_REASON_SILENCE, SCORE_MAX_UNLESS_LATE, now);
    }
    return d->score > 0;
}

bool infra__self_doubt_slept_through(const struct infra__self_doubt *d,
                                     infra_time started, infra_time slept,
                                     infra_time now)
{
    infra_time away = d->slept - slept;

    return away > 0 && away >= now - started - away;
}

bool infra__self_doubt_is_news(const struct infra__self_doubt *d)
{
    return (d->score > 0) != d->is_known;
}
